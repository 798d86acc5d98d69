//! Read streams: how the records of one kind are listed, fetched and turned into canonical fields.

use super::Evidence;
use crate::expr::{Expr, Predicate, Template};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One stream of rows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadStream {
    /// The vendor's page that describes it.
    pub cites: String,
    pub evidence: Evidence,
    /// The stream whose every row is asked for its children. May itself have a parent.
    #[serde(default)]
    pub parent: Option<String>,
    /// Rows stand in the parent's row (or its detail) at this path: no call is made.
    #[serde(default)]
    pub from: Option<String>,
    /// The rows are those of this sibling stream, seen with this stream's filter: no call is made.
    #[serde(default)]
    pub rows_of: Option<String>,
    /// Path of the listing below the base address.
    #[serde(default)]
    pub path: Option<Template>,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Where the rows stand in a page, as a path.
    #[serde(default)]
    pub items: Option<String>,
    #[serde(default)]
    pub page: Paging,
    /// How a later run asks only for what changed.
    #[serde(default)]
    pub since: Option<Since>,
    /// Rows for which it does not hold are passed over.
    #[serde(default)]
    pub filter: Option<Predicate>,
    /// Rows count only if they belong to a row of a sibling stream.
    #[serde(default)]
    pub of: Option<Join>,
    /// Each row (or some) is fetched by its id.
    #[serde(default)]
    pub detail: Option<Detail>,
    /// What a 403 means: an error, or a note that the plan or the right is missing.
    #[serde(default)]
    pub denied: Denied,
    /// Where the bytes of a file are.
    #[serde(default)]
    pub blob: Option<Blob>,
    /// Canonical field → expression over the row.
    #[serde(default)]
    pub fields: BTreeMap<String, Expr>,
}

impl ReadStream {
    /// Whether its rows are asked for below each row of this stream.
    pub fn is_below(&self, parent: &str) -> bool {
        self.rows_of.is_none() && self.parent.as_deref() == Some(parent)
    }
}

/// How a listing is walked. A list ordered by a column that moves is walked by `keyset` or `window`,
/// never by page number alone.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Paging {
    /// One page holds all.
    #[default]
    Single,
    /// Numbered pages, the first is `start`; goes on while `more` holds, else while pages are full.
    Number {
        param: String,
        #[serde(default = "one")]
        start: u64,
        size: Size,
        /// Path in the page that is set while there is more.
        #[serde(default)]
        more: Option<String>,
    },
    /// Row offsets; goes on until `total` or a short page.
    Offset {
        param: String,
        size: Size,
        #[serde(default)]
        total: Option<String>,
    },
    /// A cursor from the page is sent back.
    Cursor {
        param: String,
        /// Path of the next cursor in the page.
        next: String,
        /// Path in the page that is true on the last page.
        #[serde(default)]
        done: Option<String>,
        #[serde(default)]
        size: Option<Size>,
    },
    /// The page names the next address, in its body or in the `Link` header. Never followed to another host.
    Link {
        /// Path in the page; absent = the header `Link; rel="next"`.
        #[serde(default)]
        next: Option<String>,
        #[serde(default)]
        done: Option<String>,
        #[serde(default)]
        size: Option<Size>,
    },
    /// The last row's key is asked from: `${$key}` in the query.
    Keyset {
        /// Path of the key in a row; rows come in its order.
        key: String,
        /// The key before the first row.
        start: String,
        size: Size,
    },
    /// A list ordered by a moving time: `${$key}` is the last row's time less `overlap`; rows seen are passed over.
    Window {
        /// Path of the time in a row; rows come in its order.
        key: String,
        start: String,
        size: Size,
        /// Seconds.
        #[serde(default)]
        overlap: u64,
    },
}

fn one() -> u64 {
    1
}

/// Rows asked for in one page.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Query parameter; absent = the vendor's fixed size.
    #[serde(default)]
    pub param: Option<String>,
    pub rows: u64,
}

/// How a later run asks for what changed: `${$since}` in the query is this text, and empty on a full run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// With `${$time}` where the time goes.
    pub text: String,
    /// `rfc3339`, `unix` or a strftime format.
    pub format: String,
    /// IANA name, or an account key as `${time_zone}`. UTC unless told.
    #[serde(default)]
    pub zone: Option<String>,
    /// Seconds read again before the last run.
    #[serde(default)]
    pub overlap: u64,
}

/// A row belongs to the row of `stream` whose id equals `key`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    pub stream: String,
    /// Path in the row.
    pub key: String,
}

/// A second call for a row.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Only for rows for which it holds.
    #[serde(default)]
    pub when: Option<Predicate>,
    /// Path of the row in the answer; absent = the whole answer. The row's keys are overlaid with it.
    #[serde(default)]
    pub item: Option<String>,
    /// Key of the row the answer is put under, instead of being laid over the row.
    #[serde(default)]
    pub into: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Denied {
    #[default]
    Fail,
    Note,
}

/// Where the bytes of an attachment are read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// Below the base address, or a whole URL from the row. Another host gets no credential.
    pub path: Template,
    #[serde(default)]
    pub decode: Option<Decode>,
}

/// How the bytes are wrapped.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decode {
    /// Path of the top-level field of a JSON answer that holds the bytes in base64.
    pub base64: String,
}
