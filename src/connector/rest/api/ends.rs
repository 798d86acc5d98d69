//! Where a list ends: what an answer says of more rows, in whichever way it says it, is compared with what it shows.
//!
//! A list that ends and says otherwise is an error, never a list.

use crate::error::{Problem, Reason, Result};
use crate::http::Response;
use serde_json::Value;
use url::Url;

/// An answered page, as far as paging looks at it.
pub struct Answered<'a> {
    pub page: &'a Value,
    pub rows: &'a [Value],
    /// Whether an expression made the rows of the page: their number says nothing of the list's.
    pub made: bool,
    /// The next page by a header, if any.
    pub link: Option<String>,
    /// How many rows the list has by a header.
    pub counted: Option<u64>,
    /// The address that was asked: the next one may be relative to it.
    pub asked: &'a Url,
    /// Where a window began.
    pub from: Option<&'a str>,
}

impl<'a> Answered<'a> {
    pub fn of(response: &'a Response, page: &'a Value, rows: &'a [Value]) -> Self {
        let (link, counted) = (response.next_page(), response.rows_in_all());
        Answered { page, rows, made: false, link, counted, asked: &response.url, from: None }
    }

    pub fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    /// How many rows all pages of this list have together, where the answer says that in words that mean nothing else.
    pub fn total(&self) -> Option<u64> {
        let Answered { page, counted, .. } = self;
        let said = [&page["total_count"], &page["@total_size"], &page["data"]["@total_size"]];
        said.into_iter().find_map(Value::as_u64).or(*counted)
    }

    /// How many rows a page has: fewer than were asked for, where the answer says so.
    pub fn size(&self, asked: u64) -> u64 {
        let said = ["limit", "per_page", "page_size"].into_iter().find_map(|key| self.page.get(key)?.as_u64());
        said.filter(|size| *size > 0).map_or(asked, |size| size.min(asked))
    }
}

/// What an answer says of more rows, in the usual ways.
pub enum More {
    Nothing,
    At(String),
    Unnamed(&'static str),
}

pub fn more_of(answered: &Answered<'_>) -> More {
    let Answered { page, link, .. } = answered;
    let links =
        [&page["links"]["next"], &page["_links"]["next"], &page["@links"]["next"], &page["data"]["@links"]["next"]];
    for next in std::iter::once(&page["next_page"]).chain(links) {
        let first = next.get(0).unwrap_or(next);
        for next in [first, &first["href"], &first["uri"]] {
            match next {
                Value::String(address) if !address.is_empty() => return More::At(address.clone()),
                Value::Number(_) => return More::Unnamed("names the number of a next page"),
                _ => {}
            }
        }
    }
    if let Some(address) = link {
        return More::At(address.clone());
    }
    match page["has_more"] == true || page["meta"]["has_more"] == true {
        true => More::Unnamed("says that there is more"),
        false => More::Nothing,
    }
}

pub fn says_more(answered: &Answered<'_>) -> bool {
    !matches!(more_of(answered), More::Nothing)
}

/// The end of a list that ended by a short page or for want of a cursor: nothing may say otherwise.
pub fn by_another_way<T>(answered: &Answered<'_>) -> Result<Option<T>> {
    match more_of(answered) {
        More::Nothing => Ok(None),
        More::At(_) => Err(unread("names a next page")),
        More::Unnamed(what) => Err(unread(what)),
    }
}

/// Whether a page is full; a short one is the last.
pub fn full(rows: u64, answered: &Answered<'_>) -> Result<bool> {
    if answered.count() >= answered.size(rows) {
        return Ok(true);
    }
    by_another_way::<()>(answered).map(|_| false)
}

/// The end of a list by cursors that no answer says. One that says it on one page says it on each.
pub fn unsaid(cursor: Option<&str>, answered: &Answered<'_>) -> Result<Option<String>> {
    by_another_way::<()>(answered)?;
    match cursor {
        None => all(cursor, answered),
        Some(_) => Err(unread("does not say whether there is more, as the one before it did")),
    }
}

/// The end of a list. One that has a single page shows as many rows as it declares.
pub fn all(cursor: Option<&str>, answered: &Answered<'_>) -> Result<Option<String>> {
    if cursor.is_none() && !answered.made {
        let page = answered.page;
        let said = ["count", "total"].into_iter().find_map(|key| page.get(key)?.as_u64());
        let (declared, count) = (answered.total().or(said), answered.count());
        if let Some(total) = declared.filter(|total| *total > count) {
            return Err(fewer(total, count));
        }
    }
    Ok(None)
}

pub fn fewer(total: u64, count: u64) -> Problem {
    cut(format!("the answer counts {total} rows, and {count} were shown"))
}

pub fn unread(what: &str) -> Problem {
    cut(format!("the answer {what}, in a way its manifest does not follow"))
}

/// A list that was not read to its end.
pub fn cut(what: impl Into<String>) -> Problem {
    Problem::new(Reason::BadAnswer, what)
        .hint("the list was not read to its end, and nothing of it was written: run again, and report it as a bug if it happens again")
}
