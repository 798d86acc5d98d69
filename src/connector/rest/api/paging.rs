//! Walks a listing: turns a manifest's [`Paging`] and a cursor into the next call, and an answer into the next cursor.
//!
//! A cursor is a string the stage keeps beside its page; a walk can be taken up at any of them.

use super::ends::{Answered, More, all, by_another_way, cut, fewer, full, more_of, says_more, unread, unsaid};
use super::shifting::{Place, Shown, tag};
use crate::connector::manifest::{Paging, Size};
use crate::error::{Problem, Reason, Result};
use crate::expr;
use serde_json::Value;
use url::Url;

/// What the cursor adds to the next call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    pub query: Vec<(String, String)>,
    /// `${$key}` of the query templates.
    pub key: Option<String>,
    /// A whole address instead of the stream's path.
    pub address: Option<String>,
}

/// The call that reads the page at `cursor`; none is the first page. A window begins `from` there, if it is given.
pub fn ask(paging: &Paging, cursor: Option<&str>, from: Option<&str>) -> Ask {
    let mut ask = Ask::default();
    let mut param = |name: &str, value: String| ask.query.push((name.to_owned(), value));
    match paging {
        Paging::Single => ask.address = cursor.map(str::to_owned),
        Paging::Number { param: name, start, size, .. } => {
            param(name, Numbered::parse(cursor, *start).page.to_string());
            size.param.iter().for_each(|s| param(s, size.rows.to_string()));
        }
        Paging::Offset { param: name, size, .. } => {
            param(name, place(cursor).begins().to_string());
            size.param.iter().for_each(|s| param(s, size.rows.to_string()));
        }
        Paging::Cursor { param: name, size, .. } | Paging::Time { param: name, size, .. } => {
            cursor.iter().for_each(|c| param(name, (*c).to_owned()));
            if let Some(size) = size {
                size.param.iter().for_each(|s| param(s, size.rows.to_string()));
            }
        }
        Paging::Link { size, .. } => match cursor {
            Some(address) => ask.address = Some(address.to_owned()),
            None => {
                if let Some(size) = size {
                    size.param.iter().for_each(|s| param(s, size.rows.to_string()));
                }
            }
        },
        Paging::Keyset { start, size, .. } => {
            size.param.iter().for_each(|s| param(s, size.rows.to_string()));
            ask.key = Some(cursor.map_or_else(|| start.clone(), str::to_owned));
        }
        Paging::Window { start, param: number, size, .. } => {
            let (key, place) = window(cursor, from.unwrap_or(start));
            let (page, rows) = place.page(place.most(size.rows));
            size.param.iter().for_each(|s| param(s, rows.to_string()));
            number.iter().filter(|_| page > 1).for_each(|name| param(name, page.to_string()));
            ask.key = Some(key.to_owned());
        }
        Paging::Shifting { param: number, size, .. } => {
            let place = place(cursor);
            let (page, rows) = place.page(place.most(size.rows));
            size.param.iter().for_each(|s| param(s, rows.to_string()));
            param(number, page.to_string());
        }
        Paging::Gaps { .. } => ask.key = cursor.map(str::to_owned),
    }
    ask
}

/// The cursor after this page; none when it was the last.
///
/// A list ends where the vendor says that it ends, in the way this listing says it.
///
/// Errors: `bad_answer` when a page does not move the walk on, which would never end; when it says that there is more and not where;
/// when it does not say whether there is more.
pub fn next(paging: &Paging, cursor: Option<&str>, answered: &Answered<'_>) -> Result<Option<String>> {
    let Answered { page, rows, .. } = answered;
    let count = rows.len() as u64;
    let next = match paging {
        Paging::Single => match more_of(answered) {
            More::At(address) => Some(same_origin(answered.asked, &address)?),
            More::Unnamed(what) => return Err(unread(what)),
            More::Nothing => all(cursor, answered)?,
        },
        Paging::Number { start, size, more, total, .. } => {
            let here = Numbered::parse(cursor, *start);
            let after = here.after(rows)?;
            let go_on = match (total.as_ref().map(|total| expr::path(page, total).as_u64()), more) {
                (Some(Some(total)), _) => {
                    // A page may be empty before the end: its rows are counted, and not shown. Its size is the one the answer tells,
                    // where that is not the one that was asked for; where none tells it, rows that lack are asked for.
                    let told = page["per_page"].as_u64().filter(|rows| *rows > 0);
                    let is_before = (after.page).saturating_sub(*start) * told.unwrap_or(size.rows) < total;
                    is_before || (told.is_none() && after.seen < total && count > 0)
                }
                (Some(None), _) => count > 0,
                // A page whose rows are all hidden from us is empty, and not the last.
                (None, Some(path)) => truthy(expr::path(page, path)),
                (None, None) => full(size.rows, answered)?,
            };
            go_on.then(|| after.write())
        }
        Paging::Offset { size, total, .. } => {
            let place = place(cursor);
            let total = total.as_ref().and_then(|total| expr::path(page, total).as_u64()).or(answered.total());
            let shown = Shown { rows, id: ".id", begins: place.begins(), size: answered.size(size.rows), total };
            let has_ids = rows.iter().all(|row| !row["id"].is_null());
            let after = if has_ids { place.after(&shown)? } else { uncounted(&shown)? };
            match after {
                None if total.is_none() => by_another_way(answered)?,
                after => after.map(|place| place.write()),
            }
        }
        Paging::Cursor { next, done, more, .. } => {
            let says = |path: &Option<String>| path.as_ref().map(|path| expr::path(page, path));
            let next = text(expr::path(page, next));
            match (says(done), says(more)) {
                (Some(done), _) if truthy(done) => None,
                (_, Some(Value::Null)) | (Some(Value::Null), None) if next.is_none() => unsaid(cursor, answered)?,
                (_, Some(more)) if !truthy(more) => all(cursor, answered)?,
                (None, None) if next.is_none() => by_another_way(answered)?,
                _ if next.is_none() => return Err(unread("names no next page")),
                _ => next,
            }
        }
        Paging::Time { next, done, more, size, .. } => {
            let says = |path: &Option<String>| path.as_ref().map(|path| expr::path(page, path));
            let next = text(expr::path(page, next));
            // Where the vendor says whether there is more, the number of rows says nothing.
            let ended = match (says(done), says(more)) {
                (Some(done), _) if !done.is_null() => truthy(done),
                (_, Some(more)) => !truthy(more) || (count == 0 && next.as_deref() == cursor),
                _ => count < size.as_ref().map_or(1, |s| s.rows),
            };
            if !ended && next.is_none() {
                return Err(unread("names no next page"));
            }
            next.filter(|_| !ended)
        }
        Paging::Link { next, done, .. } => {
            let ended = done.as_ref().is_some_and(|d| truthy(expr::path(page, d)));
            let address = match next {
                Some(path) => text(expr::path(page, path)),
                None => answered.link.clone(),
            };
            match address.filter(|_| !ended) {
                None if ended => None,
                None => {
                    by_another_way::<()>(answered)?;
                    all(cursor, answered)?
                }
                Some(address) => Some(same_origin(answered.asked, &address)?),
            }
        }
        Paging::Keyset { key, size, .. } | Paging::Window { key, param: None, size, .. } => {
            // Rows that are hidden from us make a page short, and not the last.
            let is_short = count < answered.size(size.rows) && answered.total().is_none_or(|total| total <= count);
            let more = !is_short || says_more(answered);
            match (more, rows.last().and_then(|row| text(expr::path(row, key)))) {
                (false, _) => None,
                (true, None) => return Err(unread("shows no row to go on from")),
                (true, last) => last,
            }
        }
        Paging::Window { key, start, size, .. } => {
            let (at, place) = window(cursor, answered.from.unwrap_or(start));
            let last = rows.last().and_then(|row| text(expr::path(row, key)));
            match numbered(&place, size, ".id", answered)? {
                None => None,
                // A later time: all before it is read.
                Some(after) if after.offset > place.offset && last.as_deref() != Some(at) => last,
                Some(after) => Some(format!("{at};{}", after.write())),
            }
        }
        Paging::Shifting { size, id, .. } => numbered(&place(cursor), size, id, answered)?.map(|place| place.write()),
        // The reader counts them.
        Paging::Gaps { .. } => None,
    };
    if next.is_some() && next.as_deref() == cursor {
        return Err(Problem::new(Reason::BadAnswer, "a page names itself as the next one")
            .hint("more rows share one key than fit in a page: raise the page size in the manifest"));
    }
    Ok(next)
}

/// The time a window stands at, and the place in it: `TIME`, or `TIME;OFFSET;ID,ID` among rows that share it.
fn window<'a>(cursor: Option<&'a str>, start: &'a str) -> (&'a str, Place) {
    match cursor.map(|cursor| cursor.split_once(';').unwrap_or((cursor, ""))) {
        None => (start, Place::default()),
        Some((key, place)) => (key, Place::parse(place).unwrap_or_default()),
    }
}

/// The place after a numbered page of a list that shifts.
fn numbered(place: &Place, size: &Size, id: &str, answered: &Answered<'_>) -> Result<Option<Place>> {
    let (number, size) = place.page(place.most(size.rows));
    let shown = Shown { rows: answered.rows, id, begins: (number - 1) * size, size, total: answered.total() };
    let is_smaller = (1..size).contains(&answered.count()) && says_more(answered);
    match if is_smaller && number == 1 { place.after_smaller(&shown)? } else { place.after(&shown)? } {
        None => by_another_way(answered),
        after => Ok(after),
    }
}

/// The place after a page by offset whose rows nothing tells apart: they are counted.
fn uncounted(shown: &Shown<'_>) -> Result<Option<Place>> {
    let count = shown.rows.len() as u64;
    let offset = shown.begins + count;
    match shown.total {
        Some(total) if offset < total && count == 0 => Err(fewer(total, offset)),
        Some(total) => Ok((offset < total).then(|| Place::at(offset))),
        None => Ok((count >= shown.size).then(|| Place::at(offset))),
    }
}

/// A numbered page, how many rows those before it showed, and the last of them by id: `PAGE;ROWS;ID,ID`.
#[derive(Debug, PartialEq)]
struct Numbered {
    page: u64,
    seen: u64,
    last: Vec<String>,
}

impl Numbered {
    fn parse(cursor: Option<&str>, start: u64) -> Self {
        let mut parts = cursor.unwrap_or_default().split(';');
        let mut number = || parts.next().and_then(|part| part.parse().ok());
        let (page, seen) = (number().unwrap_or(start), number().unwrap_or(0));
        let last = parts.next().unwrap_or_default().split(',').filter(|id| !id.is_empty()).map(str::to_owned);
        Numbered { page, seen, last: last.collect() }
    }

    fn write(&self) -> String {
        format!("{};{};{}", self.page, self.seen, self.last.join(","))
    }

    /// Errors: `bad_answer` when the page ends as the one before it did, which shows that the number was not looked at.
    fn after(&self, rows: &[Value]) -> Result<Self> {
        let last: Option<Vec<String>> = rows.iter().rev().take(3).map(|row| tag(&row["id"])).collect();
        let last = last.unwrap_or_default();
        if !last.is_empty() && last == self.last {
            return Err(cut("a page shows the rows of the one before it again"));
        }
        Ok(Numbered { page: self.page + 1, seen: self.seen + rows.len() as u64, last })
    }
}

fn place(cursor: Option<&str>) -> Place {
    cursor.and_then(Place::parse).unwrap_or_default()
}

/// The bookmark of a page: where a later run goes on.
pub fn bookmark(page: &Value, path: &str) -> Option<String> {
    text(expr::path(page, path))
}

fn truthy(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("")
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) if !s.is_empty() => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

fn same_origin(asked: &Url, next: &str) -> Result<String> {
    let next = asked
        .join(next)
        .map_err(|_| Problem::new(Reason::BadAnswer, "the address of the next page is not an address"))?;
    if next.origin() == asked.origin() {
        return Ok(next.into());
    }
    let host = next.host_str().unwrap_or_default();
    Err(Problem::new(Reason::BadAnswer, format!("the next page is on another host, `{host}`"))
        .hint("the credentials stay with the account's own host: check `url`"))
}

#[cfg(test)]
mod tests;
