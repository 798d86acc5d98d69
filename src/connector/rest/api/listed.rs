//! A listing, whichever part of a manifest names it, and the rows above the one it is read for.

use crate::connector::manifest::{Bulk, Denied, JobList, Left, Listing, Lookup, Optional, Paging, ReadStream, Since};
use crate::expr::{Expr, Template};
use serde_json::Value;
use std::collections::BTreeMap;

/// Of lists all of whose parameters are needed.
static NEEDED: BTreeMap<String, Optional> = BTreeMap::new();

/// The rows above the one a stream is read for.
#[derive(Clone, Copy)]
pub(crate) struct Above<'a> {
    pub parent: &'a Value,
    pub root: &'a Value,
    /// What the markers that are scanned for begin with.
    pub mark: &'a str,
}

impl<'a> Above<'a> {
    /// Of a stream without parent.
    pub const NONE: Above<'static> = Above { parent: &Value::Null, root: &Value::Null, mark: "" };

    pub fn of(parent: &'a Value, root: &'a Value) -> Self {
        Above { parent, root, mark: "" }
    }
}

/// One listing, whichever part of a manifest names it.
pub(crate) struct Listed<'a> {
    pub path: &'a Template,
    pub query: &'a BTreeMap<String, Template>,
    pub optional: &'a BTreeMap<String, Optional>,
    /// What it means that the platform does not make the list at all.
    pub refused: Denied,
    pub items: Option<&'a str>,
    pub page: &'a Paging,
    pub denied: Denied,
    pub instead: &'a [Value],
    pub gone: Denied,
    pub since: Option<&'a Since>,
    pub rows: Option<&'a Expr>,
    pub stream: Option<&'a ReadStream>,
}

impl<'a> Listed<'a> {
    pub fn of(stream: &'a ReadStream) -> Option<Self> {
        Some(Listed {
            path: stream.path.as_ref()?,
            query: &stream.query,
            optional: &stream.optional,
            refused: Denied::Fail,
            items: stream.items.as_deref(),
            page: &stream.page,
            denied: stream.denied,
            instead: &stream.instead,
            gone: stream.gone,
            since: stream.since.as_ref(),
            rows: stream.rows.as_ref(),
            stream: Some(stream),
        })
    }

    /// The same listing at a path that is known.
    pub fn at(self, path: &'a Template) -> Self {
        Listed { path, ..self }
    }

    /// Whether a later run's time is where the walk begins, and stands in no query.
    pub fn begins_since(&self) -> bool {
        let is_named = self.query.values().any(|value| value.names("$since"));
        matches!(self.page, Paging::Window { .. }) && !is_named && self.since.is_some_and(|since| since.param.is_none())
    }

    pub fn more(stream: &'a ReadStream, listing: &'a Listing) -> Self {
        Listed {
            path: &listing.path,
            query: &listing.query,
            optional: &stream.optional,
            refused: listing.refused,
            items: listing.items.as_deref(),
            page: &listing.page,
            denied: listing.denied,
            instead: &[],
            gone: listing.denied,
            since: stream.since.as_ref().filter(|_| !listing.whole),
            rows: listing.rows.as_ref(),
            stream: Some(stream),
        }
    }
}

impl<'a> From<&'a Bulk> for Listed<'a> {
    fn from(bulk: &'a Bulk) -> Self {
        Listed {
            path: &bulk.path,
            query: &bulk.query,
            optional: &bulk.optional,
            refused: Denied::Fail,
            items: bulk.items.as_deref(),
            page: &bulk.page,
            denied: Denied::Fail,
            instead: &[],
            gone: Denied::Fail,
            since: bulk.since.as_ref(),
            rows: None,
            stream: None,
        }
    }
}

impl<'a> From<&'a Left> for Listed<'a> {
    fn from(left: &'a Left) -> Self {
        Listed {
            path: &left.path,
            query: &left.query,
            optional: &NEEDED,
            refused: Denied::Fail,
            items: left.items.as_deref(),
            page: &left.page,
            instead: &[],
            denied: Denied::Fail,
            gone: Denied::Fail,
            since: None,
            rows: left.rows.as_ref(),
            stream: None,
        }
    }
}

impl<'a> From<&'a JobList> for Listed<'a> {
    fn from(list: &'a JobList) -> Self {
        Listed {
            path: &list.path,
            query: &list.query,
            optional: &NEEDED,
            refused: Denied::Fail,
            items: Some(&list.items),
            page: &list.page,
            instead: &[],
            denied: Denied::Fail,
            gone: Denied::Fail,
            since: None,
            rows: None,
            stream: None,
        }
    }
}

impl<'a> From<&'a Lookup> for Listed<'a> {
    fn from(table: &'a Lookup) -> Self {
        Listed {
            path: &table.path,
            query: &table.query,
            optional: &NEEDED,
            refused: Denied::Fail,
            items: table.items.as_deref(),
            page: &table.page,
            // What it means for the rows is said where they look it up.
            denied: Denied::Fail,
            instead: &[],
            gone: Denied::Fail,
            since: None,
            rows: table.rows.as_ref(),
            stream: None,
        }
    }
}
