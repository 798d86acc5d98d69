//! Walks a listing: turns a manifest's [`Paging`] and a cursor into the next call, and an answer into the next cursor.
//!
//! A cursor is a string the stage keeps beside its page; a walk can be taken up at any of them.

use super::shifting::Place;
use crate::connector::manifest::Paging;
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
            param(name, cursor.map_or_else(|| start.to_string(), str::to_owned));
            size.param.iter().for_each(|s| param(s, size.rows.to_string()));
        }
        Paging::Offset { param: name, size, .. } => {
            param(name, cursor.unwrap_or("0").to_owned());
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
            let (page, rows) = place.page(size.rows);
            size.param.iter().for_each(|s| param(s, rows.to_string()));
            number.iter().filter(|_| page > 1).for_each(|name| param(name, page.to_string()));
            ask.key = Some(key.to_owned());
        }
        Paging::Shifting { param: number, size, .. } => {
            let (page, rows) = place(cursor).page(size.rows);
            size.param.iter().for_each(|s| param(s, rows.to_string()));
            param(number, page.to_string());
        }
        Paging::Gaps { .. } => ask.key = cursor.map(str::to_owned),
    }
    ask
}

/// An answered page, as far as paging looks at it.
pub struct Answered<'a> {
    pub page: &'a Value,
    pub rows: &'a [Value],
    /// Whether an expression made the rows of the page: their number says nothing of the list's.
    pub made: bool,
    /// The header `Link`, if any.
    pub link: Option<&'a str>,
    /// The address that was asked: the next one may be relative to it.
    pub asked: &'a Url,
    /// Where a window began.
    pub from: Option<&'a str>,
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
            let now: u64 = cursor.and_then(|c| c.parse().ok()).unwrap_or(*start);
            let go_on = match (total.as_ref().map(|total| expr::path(page, total).as_u64()), more) {
                // A page may be empty before the end: its rows are counted, and not shown. Its size is the one the answer tells,
                // where that is not the one that was asked for.
                (Some(Some(total)), _) => {
                    let rows = page["per_page"].as_u64().filter(|rows| *rows > 0).unwrap_or(size.rows);
                    (now + 1).saturating_sub(*start) * rows < total
                }
                (Some(None), _) => count > 0,
                // A page whose rows are all hidden from us is empty, and not the last.
                (None, Some(path)) => truthy(expr::path(page, path)),
                (None, None) => full(count, size.rows, answered)?,
            };
            go_on.then(|| (now + 1).to_string())
        }
        Paging::Offset { size, total, .. } => {
            let after = cursor.and_then(|c| c.parse::<u64>().ok()).unwrap_or(0) + count;
            let go_on = match total.as_ref().and_then(|t| expr::path(page, t).as_u64()) {
                Some(total) if after < total && count == 0 => return Err(fewer(total, after)),
                Some(total) => after < total,
                None => full(count, size.rows, answered)?,
            };
            go_on.then(|| after.to_string())
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
                None => answered.link.and_then(next_of_link_header),
            };
            match address.filter(|_| !ended) {
                None if ended => None,
                None => {
                    by_another_way(answered)?;
                    all(cursor, answered)?
                }
                Some(address) => Some(same_origin(answered.asked, &address)?),
            }
        }
        Paging::Keyset { key, size, .. } | Paging::Window { key, param: None, size, .. } => {
            // Rows that are hidden from us make a page short, and not the last.
            let more = count >= size.rows || !matches!(more_of(answered), More::Nothing);
            match (more, rows.last().and_then(|row| text(expr::path(row, key)))) {
                (false, _) => None,
                (true, None) => return Err(unread("shows no row to go on from")),
                (true, last) => last,
            }
        }
        Paging::Window { key, start, size, .. } => {
            let (at, place) = window(cursor, answered.from.unwrap_or(start));
            let last = rows.last().and_then(|row| text(expr::path(row, key)));
            match place.after(rows, size.rows, ".id")? {
                None => by_another_way(answered)?,
                // A later time: all before it is read.
                Some(after) if after.offset > place.offset && last.as_deref() != Some(at) => last,
                Some(after) => Some(format!("{at};{}", after.write())),
            }
        }
        Paging::Shifting { size, id, .. } => match place(cursor).after(rows, size.rows, id)? {
            None => by_another_way(answered)?,
            Some(place) => Some(place.write()),
        },
        // The reader counts them.
        Paging::Gaps { .. } => None,
    };
    if next.is_some() && next.as_deref() == cursor {
        return Err(Problem::new(Reason::BadAnswer, "a page names itself as the next one")
            .hint("more rows share one key than fit in a page: raise the page size in the manifest"));
    }
    Ok(next)
}

/// What an answer says of more rows, in the usual ways.
enum More {
    Nothing,
    At(String),
    Unnamed(&'static str),
}

fn more_of(answered: &Answered<'_>) -> More {
    let Answered { page, link, .. } = answered;
    let links = &page["links"]["next"];
    for next in [&page["next_page"], links, &links["href"]] {
        match next {
            Value::String(address) if !address.is_empty() => return More::At(address.clone()),
            Value::Number(_) => return More::Unnamed("names the number of a next page"),
            _ => {}
        }
    }
    if let Some(address) = link.and_then(next_of_link_header) {
        return More::At(address);
    }
    match page["has_more"] == true || page["meta"]["has_more"] == true {
        true => More::Unnamed("says that there is more"),
        false => More::Nothing,
    }
}

/// The end of a list that ended by a short page or for want of a cursor: nothing may say otherwise.
fn by_another_way(answered: &Answered<'_>) -> Result<Option<String>> {
    match more_of(answered) {
        More::Nothing => Ok(None),
        More::At(_) => Err(unread("names a next page")),
        More::Unnamed(what) => Err(unread(what)),
    }
}

/// Whether a page is full; a short one is the last.
fn full(count: u64, rows: u64, answered: &Answered<'_>) -> Result<bool> {
    if count >= rows {
        return Ok(true);
    }
    by_another_way(answered).map(|_| false)
}

/// The end of a list by cursors that no answer says. One that says it on one page says it on each.
fn unsaid(cursor: Option<&str>, answered: &Answered<'_>) -> Result<Option<String>> {
    by_another_way(answered)?;
    match cursor {
        None => all(cursor, answered),
        Some(_) => Err(unread("does not say whether there is more, as the one before it did")),
    }
}

/// The end of a list. One that has a single page shows as many rows as it declares.
fn all(cursor: Option<&str>, answered: &Answered<'_>) -> Result<Option<String>> {
    if cursor.is_none() && !answered.made {
        counted(answered.page, answered.rows.len() as u64)?;
    }
    Ok(None)
}

/// Compares the rows of a list of one page with the number of them that the page declares.
fn counted(page: &Value, count: u64) -> Result<()> {
    let declared = ["count", "total", "total_count"].into_iter().find_map(|key| page.get(key)?.as_u64());
    match declared {
        Some(total) if total > count => Err(fewer(total, count)),
        _ => Ok(()),
    }
}

fn fewer(total: u64, count: u64) -> Problem {
    Problem::new(Reason::BadAnswer, format!("the answer counts {total} rows, and {count} were shown"))
        .hint("the list was not read to its end, and nothing of it was written: run again, and report it as a bug if it happens again")
}

fn unread(what: &str) -> Problem {
    Problem::new(Reason::BadAnswer, format!("the answer {what}, in a way its manifest does not follow"))
        .hint("the list was not read to its end, and nothing of it was written: run again, and report it as a bug if it happens again")
}

/// The time a window stands at, and the place in it: `TIME`, or `TIME;OFFSET;ID,ID` among rows that share it.
fn window<'a>(cursor: Option<&'a str>, start: &'a str) -> (&'a str, Place) {
    match cursor.map(|cursor| cursor.split_once(';').unwrap_or((cursor, ""))) {
        None => (start, Place::default()),
        Some((key, place)) => (key, Place::parse(place).unwrap_or_default()),
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

fn next_of_link_header(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (address, attributes) = link.split_once(';')?;
        let is_next = attributes.split(';').any(|a| a.trim().trim_start_matches("rel=").trim_matches('"') == "next");
        is_next.then(|| address.trim().trim_start_matches('<').trim_end_matches('>').to_owned())
    })
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
mod tests {
    use super::*;
    use crate::connector::manifest::Size;
    use serde_json::json;

    fn answered<'a>(page: &'a Value, rows: &'a [Value], asked: &'a Url, link: Option<&'a str>) -> Answered<'a> {
        Answered { page, rows, made: false, link, asked, from: None }
    }

    fn asked() -> Url {
        Url::parse("https://desk.example/rest/list?page=1").unwrap()
    }

    fn size(rows: u64) -> Size {
        Size { param: Some("per_page".into()), rows }
    }

    fn numbered(more: Option<&str>, total: Option<&str>) -> Paging {
        let [more, total] = [more, total].map(|path| path.map(str::to_owned));
        Paging::Number { param: "page".into(), start: 1, size: size(2), more, total }
    }

    #[test]
    fn numbered_pages_go_on_until_all_rows_are_counted_or_where_nobody_counts_until_an_empty_page() {
        let paging = numbered(None, Some(".total"));
        let after =
            |page: Value, rows: &[Value]| next(&paging, Some("2"), &answered(&page, rows, &asked(), None)).unwrap();
        let full = [json!({}), json!({})];
        assert_eq!(after(json!({ "total": 5 }), &full), Some("3".into()));
        assert_eq!(after(json!({ "total": 4 }), &full), None);
        assert_eq!(after(json!({ "total": 5 }), &[]), Some("3".into()), "rows that are counted and not shown");
        assert_eq!(after(json!({ "total": null }), &full[..1]), Some("3".into()), "a short page of an unknown number");
        assert_eq!(after(json!({ "total": null }), &[]), None);
    }

    #[test]
    fn a_clamped_last_page_ends_the_walk() {
        let paging = numbered(Some(".next_page"), None);
        let rows = [json!({}), json!({})];
        let last = json!({ "next_page": null });
        assert_eq!(next(&paging, Some("3"), &answered(&last, &rows, &asked(), None)).unwrap(), None);
        let middle = json!({ "next_page": "…" });
        assert_eq!(next(&paging, Some("3"), &answered(&middle, &rows, &asked(), None)).unwrap(), Some("4".into()));
        let hidden = next(&paging, Some("3"), &answered(&middle, &[], &asked(), None)).unwrap();
        assert_eq!(hidden, Some("4".into()), "a page of rows that are hidden from us is not the last");
    }

    #[test]
    fn the_next_address_on_another_host_is_refused() {
        let paging = Paging::Link { next: None, done: None, size: None };
        let header = "<https://evil.example/list?page=2>; rel=\"next\"";
        let problem = next(&paging, None, &answered(&json!({}), &[], &asked(), Some(header))).unwrap_err();
        assert_eq!(problem.reason, Reason::BadAnswer);
        let header = "</rest/list?page=2>; rel=\"next\", </rest/list?page=9>; rel=\"last\"";
        let here = next(&paging, None, &answered(&json!({}), &[], &asked(), Some(header))).unwrap();
        assert_eq!(here.as_deref(), Some("https://desk.example/rest/list?page=2"));
    }

    #[test]
    fn a_keyset_goes_on_from_the_last_key_while_pages_are_full() {
        let paging = Paging::Keyset { key: ".id".into(), start: "0".into(), size: size(2) };
        assert_eq!(ask(&paging, None, None).key.as_deref(), Some("0"));
        let rows = [json!({"id": 4}), json!({"id": "9"})];
        let page = json!({});
        assert_eq!(next(&paging, Some("3"), &answered(&page, &rows, &asked(), None)).unwrap().as_deref(), Some("9"));
        assert_eq!(next(&paging, Some("3"), &answered(&page, &rows[..1], &asked(), None)).unwrap(), None);
    }

    #[test]
    fn a_walk_that_would_stand_still_is_an_error() {
        let paging = Paging::Window { key: ".at".into(), start: "0".into(), param: None, size: size(1) };
        let rows = [json!({"id": 1, "at": "2020"})];
        assert!(next(&paging, Some("2020"), &answered(&json!({}), &rows, &asked(), None)).is_err());
    }

    #[test]
    fn a_window_goes_through_a_second_that_fills_pages_and_on_from_there() {
        let paging = Paging::Window { key: ".at".into(), start: "0".into(), param: Some("page".into()), size: size(5) };
        let next = |cursor: &str, ids: std::ops::Range<u64>, last: &str| {
            let mut rows: Vec<Value> = ids.map(|id| json!({"id": id, "at": "7"})).collect();
            rows.last_mut().unwrap()["at"] = last.into();
            next(&paging, Some(cursor), &answered(&json!([]), &rows, &asked(), None)).unwrap()
        };
        assert_eq!(next("0", 1..6, "7").as_deref(), Some("7"));
        assert_eq!(next("7", 5..10, "7").as_deref(), Some("7;5;9,8,7"));
        let query = ask(&paging, Some("7;5;9,8,7"), None);
        assert_eq!(query.key.as_deref(), Some("7"));
        assert_eq!(query.query, [("per_page".to_owned(), "4".to_owned()), ("page".to_owned(), "2".to_owned())]);
        assert_eq!(next("7;5;9,8,7", 9..13, "8").as_deref(), Some("8"), "a later time is a window of its own");
        assert_eq!(next("7;5;9,8,7", 20..24, "8").as_deref(), Some("7;0;9,8,7"), "what was last is not there: back");
        assert_eq!(next("7;5;9,8,7", 9..11, "8"), None);
        assert_eq!(ask(&paging, None, Some("6")).key.as_deref(), Some("6"));
    }

    #[test]
    fn a_walk_by_time_ends_by_the_vendors_word_and_where_there_is_none_at_a_short_page() {
        let paging = Paging::Time {
            param: "start_time".into(),
            next: ".end_time".into(),
            done: Some(".end_of_stream".into()),
            more: None,
            size: Some(Size { param: None, rows: 2 }),
        };
        let rows = [json!({}), json!({})];
        let next = |page: Value, rows: &[Value]| next(&paging, Some("5"), &answered(&page, rows, &asked(), None));
        assert_eq!(next(json!({"end_time": 9}), &rows).unwrap().as_deref(), Some("9"));
        assert_eq!(next(json!({"end_time": 9, "end_of_stream": true}), &rows).unwrap(), None);
        assert_eq!(next(json!({"end_time": 9, "end_of_stream": true}), &[]).unwrap(), None);
        for short in [&rows[..1], &[]] {
            let page = json!({"end_time": 9, "end_of_stream": false, "next_page": "https://desk.example/next"});
            assert_eq!(next(page, short).unwrap().as_deref(), Some("9"), "a short page is not the last one");
            assert!(next(json!({"end_of_stream": false}), short).is_err(), "there is more, and nobody says where");
        }
        assert_eq!(next(json!({"end_time": 9}), &rows[..1]).unwrap(), None, "nothing is said of an end");
        assert!(
            next(json!({"end_time": 5, "end_of_stream": false}), &rows).is_err(),
            "more rows in one second than in a page"
        );
        assert_eq!(ask(&paging, Some("9"), None).query, [("start_time".to_owned(), "9".to_owned())]);
    }

    #[test]
    fn a_walk_by_time_goes_on_while_there_is_a_next_page_however_short() {
        let paging = Paging::Time {
            param: "start_time".into(),
            next: ".end_time".into(),
            done: None,
            more: Some(".next_page".into()),
            size: None,
        };
        let next = |page: Value, rows: &[Value]| next(&paging, Some("5"), &answered(&page, rows, &asked(), None));
        let more = json!({"end_time": 9, "next_page": "https://desk.example/rest/list?start_time=9"});
        assert_eq!(next(more.clone(), &[json!({})]).unwrap().as_deref(), Some("9"));
        assert_eq!(next(more, &[]).unwrap().as_deref(), Some("9"), "rows that are hidden from us");
        let still = json!({"end_time": 5, "next_page": "https://desk.example/rest/list?start_time=5"});
        assert_eq!(next(still, &[]).unwrap(), None, "nothing comes after the time that was asked for");
        assert_eq!(next(json!({"end_time": 2500, "next_page": null}), &[json!({})]).unwrap(), None);
    }

    #[test]
    fn a_list_by_cursors_that_counts_its_rows_shows_them_all() {
        let paging = Paging::Cursor {
            param: "page[after]".into(),
            next: ".meta.after_cursor".into(),
            done: None,
            more: Some(".meta.has_more".into()),
            size: None,
        };
        let by_address = Paging::Link { next: Some(".next_page".into()), done: None, size: None };
        let row = [json!({})];
        let next = |paging: &Paging, cursor: Option<&str>, page: Value| {
            next(paging, cursor, &answered(&page, &row, &asked(), None)).map_err(|p| p.what)
        };
        for lacking in [json!({"count": 3}), json!({"count": 3, "meta": {"has_more": false}})] {
            assert_eq!(next(&paging, None, lacking), Err("the answer counts 3 rows, and 1 were shown".into()));
        }
        assert!(next(&by_address, None, json!({"count": 3, "next_page": null})).is_err());
        for whole in [json!({"count": 1}), json!({}), json!({"meta": {"has_more": false}})] {
            assert_eq!(next(&paging, None, whole), Ok(None));
        }
        assert_eq!(next(&by_address, None, json!({"count": 1, "next_page": null})), Ok(None));
        assert_eq!(next(&paging, Some("a"), json!({"count": 3, "meta": {"has_more": false}})), Ok(None), "the third");
        assert!(next(&paging, Some("a"), json!({"count": 3})).is_err(), "a later page that says nothing of an end");
    }

    #[test]
    fn a_cursor_on_the_last_page_is_not_followed() {
        let paging = Paging::Cursor {
            param: "page[after]".into(),
            next: ".meta.after_cursor".into(),
            done: None,
            more: Some(".meta.has_more".into()),
            size: None,
        };
        let page = json!({"meta": {"has_more": false, "after_cursor": "abc"}});
        assert_eq!(next(&paging, None, &answered(&page, &[json!({})], &asked(), None)).unwrap(), None);
    }

    #[test]
    fn an_offset_walk_counts_the_rows_it_got() {
        let paging = Paging::Offset { param: "offset".into(), size: size(100), total: Some(".total_count".into()) };
        let rows = vec![json!({}); 100];
        let page = json!({"total_count": 130});
        assert_eq!(next(&paging, None, &answered(&page, &rows, &asked(), None)).unwrap().as_deref(), Some("100"));
        assert_eq!(next(&paging, Some("100"), &answered(&page, &rows[..30], &asked(), None)).unwrap(), None);
    }
}
