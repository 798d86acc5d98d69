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
    /// Path in the parent's row where its rows may stand already, out of the detail of it: then no call is made for them.
    #[serde(default)]
    pub given: Option<String>,
    /// The stream whose every row is asked for its children. May itself have a parent.
    #[serde(default)]
    pub parent: Option<String>,
    /// Rows stand in the parent's row (or its detail) at this path: no call is made.
    #[serde(default)]
    pub from: Option<String>,
    /// The rows are those of this sibling stream, seen with this stream's filter: no call is made.
    #[serde(default)]
    pub rows_of: Option<String>,
    /// Of a stream without parent: it is listed for each row of another such stream, seen as `$parent`.
    #[serde(default)]
    pub under: Option<Under>,
    /// Only below rows for which it holds.
    #[serde(default)]
    pub when: Option<Predicate>,
    /// Path of the listing below the base address.
    #[serde(default)]
    pub path: Option<Template>,
    /// One that is a single value and empty is not sent: `${$since}` on a full run.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Where the rows stand in a page, as a path.
    #[serde(default)]
    pub items: Option<String>,
    /// Over the page: its rows, where they stand in no list. Instead of `items`, and of paging.
    #[serde(default)]
    pub rows: Option<Expr>,
    #[serde(default)]
    pub page: Paging,
    /// More listings of the same kind, walked after this one in their order.
    #[serde(default)]
    pub then: Vec<Listing>,
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
    /// A record by itself, by another call than `detail`: asked when something of it is not found, to know whether it is gone, and
    /// of people whom a ticket names and no list of the run showed.
    #[serde(default)]
    pub view: Option<View>,
    /// Of rows below a root, over the root's row: how many of them the platform declares. With fewer the root was not read in full.
    #[serde(default)]
    pub declared: Option<Expr>,
    /// Lists that stand beside the rows in a page: each row takes its own along.
    #[serde(default)]
    pub sideload: BTreeMap<String, Sideload>,
    /// Key of the row → path of what is looked up in the `[lookup]` table of that name; the row takes the entry along as `_NAME`.
    #[serde(default)]
    pub lookup: BTreeMap<String, String>,
    /// Top-level keys left out of the stage: they say nothing of the record, and would make it look changed.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Keys of the vendor's rows that are not read on purpose. What of a row is neither read, dropped nor said here vanishes unnamed.
    #[serde(default)]
    pub ignored: Vec<Ignored>,
    /// The same rows of many roots in one listing: used where that takes less time.
    #[serde(default)]
    pub bulk: Option<Bulk>,
    /// What a 403 of a whole listing means: an error, or a note that the plan or the right is missing. Below a row it is that
    /// record's failure, unless `plan` is said and the list of all is refused as well.
    #[serde(default)]
    pub denied: Denied,
    /// The rows where the listing is denied and noted.
    #[serde(default)]
    pub instead: Vec<serde_json::Value>,
    /// The rows as the platform comes: what a preview without an account stands on. Those of `instead` unless said.
    #[serde(default)]
    pub shipped: Vec<serde_json::Value>,
    /// What a 404 of a whole listing means: an error, or a note that the account has none.
    #[serde(default)]
    pub gone: Denied,
    /// Only for `attachment` with a `path` of its own: the path in a message's row where more files stand.
    #[serde(default)]
    pub inside: Option<String>,
    /// Where the bytes of a file are.
    #[serde(default)]
    pub blob: Option<Blob>,
    /// Only for `comment`: canonical field → expression over the ticket's row, where its first message stands in the ticket
    /// itself and in no list. Files of no message belong to it.
    #[serde(default)]
    pub first: BTreeMap<String, Expr>,
    /// Canonical field → expression over the row.
    #[serde(default)]
    pub fields: BTreeMap<String, Expr>,
}

impl ReadStream {
    /// Whether its rows are asked for below each row of this stream.
    pub fn is_below(&self, parent: &str) -> bool {
        self.rows_of.is_none() && self.parent.as_deref() == Some(parent)
    }

    /// Whether its rows stand in those of a message and need nothing else: they are not staged twice.
    pub fn is_inside(&self) -> bool {
        self.from.is_some() && self.detail.is_none() && self.parent.as_deref() == Some("comment")
    }

    /// Where in a message's row its rows stand, if they do.
    pub fn in_messages(&self) -> Option<&str> {
        self.inside.as_deref().or_else(|| self.from.as_deref().filter(|_| self.is_inside()))
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
    /// Numbered pages, the first is `start`; goes on until `total` rows, else while `more` holds, else while pages are full.
    Number {
        param: String,
        #[serde(default = "one")]
        start: u64,
        size: Size,
        /// Path in the page that is set while there is more.
        #[serde(default)]
        more: Option<String>,
        /// Path of the number of all rows in the page. Where that is null, the list ends at an empty page.
        #[serde(default)]
        total: Option<String>,
    },
    /// Row offsets; goes on until `total` or a short page. Each page begins with the last rows of the one before, told apart by `.id`:
    /// where these are missing, the walk goes back.
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
        /// Path in the page that is set while there is more.
        #[serde(default)]
        more: Option<String>,
        #[serde(default)]
        size: Option<Size>,
    },
    /// Rows come in the order of a time that the platform keeps; the page says where it ends, and the next is asked from there. Rows
    /// at the seam come twice and are one.
    Time {
        param: String,
        /// Path of the time in the page.
        next: String,
        /// Path in the page that is true on the last page.
        #[serde(default)]
        done: Option<String>,
        /// Path in the page that is set while there is more.
        #[serde(default)]
        more: Option<String>,
        /// Where a page does not say whether there is more, one with fewer rows is the last.
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
    /// A list ordered by a moving time, whose rows may change their place while it is walked: each page is asked from the time of
    /// the last row before it, `${$key}`; rows seen twice are one.
    Window {
        /// Path of the time in a row; rows come in its order.
        key: String,
        /// The time before the first row, on a full run. On a later one it is what `since` says, if no query names `${$since}`.
        start: String,
        /// Number of a page, for times that more rows share than fit in one.
        #[serde(default)]
        param: Option<String>,
        size: Size,
    },
    /// Numbered pages of a list that shifts while it is walked: each page begins with the last rows of the one before, and where
    /// these are missing the walk goes back. The size of a page must be the caller's to choose.
    Shifting {
        param: String,
        size: Size,
        /// Path of what tells rows apart.
        #[serde(default = "id")]
        id: String,
    },
    /// The numbers that no listing of the stream showed: each is asked for by `${$key}` in the path, and is a row or a 404. Those
    /// above the largest that was seen are, too, until many in a row are gone. Only on a full run, and only after the other listings.
    Gaps {
        /// Path of the number in a row.
        key: String,
        /// How many in a row.
        beyond: u64,
    },
}

impl Paging {
    /// Path of what tells rows apart, where one row may stand on two pages.
    pub fn overlaps_by(&self) -> Option<&str> {
        match self {
            Paging::Shifting { id, .. } => Some(id),
            Paging::Offset { .. } | Paging::Window { .. } => Some(".id"),
            _ => None,
        }
    }

    /// Whether each page says where the next one is, and the rows of two are never the same.
    pub fn names_next(&self) -> bool {
        matches!(self, Paging::Single | Paging::Link { .. } | Paging::Cursor { .. })
    }
}

fn id() -> String {
    ".id".into()
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

/// How a later run asks for what changed: `${$since}` in the query is this text, and empty on a full run; or `param` is a
/// query parameter of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// With `${$time}` where the time goes.
    #[serde(default = "bare_time")]
    pub text: String,
    /// Query parameter of the first page of a walk; of each, where pages are `shifting`.
    #[serde(default)]
    pub param: Option<String>,
    /// With `param`: its value on a full run. Without it the parameter is left out.
    #[serde(default)]
    pub first: Option<String>,
    /// Path of the bookmark in a page: a later run goes on from that of the last page, instead of from a time.
    #[serde(default)]
    pub cursor: Option<String>,
    /// `rfc3339`, `unix` or a strftime format.
    pub format: String,
    /// IANA name, or an account key as `${time_zone}`. UTC unless told.
    #[serde(default)]
    pub zone: Option<String>,
    /// Seconds read again before the last run.
    #[serde(default)]
    pub overlap: u64,
    /// Seconds by which the time must lie in the past.
    #[serde(default)]
    pub lag: u64,
}

fn bare_time() -> String {
    "${$time}".into()
}

/// One more listing of a stream.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Only if it holds, over `$account`.
    #[serde(default)]
    pub when: Option<Predicate>,
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    #[serde(default)]
    pub items: Option<String>,
    /// Over the page: its rows, where they stand in no list.
    #[serde(default)]
    pub rows: Option<Expr>,
    #[serde(default)]
    pub page: Paging,
    /// It is read whole each time, and knows nothing of the stream's `since`.
    #[serde(default)]
    pub whole: bool,
    #[serde(default)]
    pub denied: Denied,
    /// What a person is told where `when` does not hold: of `gaps`, with their count as `${n}`.
    #[serde(default)]
    pub unread: Option<String>,
    /// Of `gaps`: what a person must decide where many records are in no list.
    #[serde(default)]
    pub asks: Option<Asks>,
}

/// Whether records that no list shows are read is a person's to say, once an account has many of them: `check` and `run` ask for
/// the answer where the account does not say it. Found out by a list of the oldest records and a few numbers that it lacks.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asks {
    /// The key of the account that holds the answer, `yes` or `no`.
    pub key: String,
    /// What they are called, in the plural.
    pub what: String,
    /// The listing of the oldest records.
    pub path: Template,
    #[serde(default)]
    pub oldest: BTreeMap<String, Template>,
    /// Queries of the same listing: its newest record comes first.
    #[serde(default)]
    pub newest: BTreeMap<String, Template>,
}

/// A listing for each row of another stream.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Under {
    pub stream: String,
    /// Over a row: where the rows within it are listed, to any depth.
    #[serde(default)]
    pub nested: Option<Template>,
    /// Only within rows for which it holds.
    #[serde(default)]
    pub when: Option<Predicate>,
}

/// Keys of rows that no record holds, and none misses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ignored {
    /// Why nothing is lost by it, in an admin's words.
    pub why: String,
    /// Each with all below it, `.` between levels; lists have no level of their own.
    pub keys: Vec<String>,
}

/// A list beside the rows of a page, such as the addresses of the users in it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sideload {
    /// Path of the list in the page.
    pub items: String,
    /// Path in its element that equals `of` in the row.
    pub key: String,
    pub of: String,
}

/// A small table of the account, read once a run: what ids in rows stand for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The vendor's page that describes it.
    pub cites: String,
    pub evidence: Evidence,
    /// What its entries are called, in the plural.
    pub what: String,
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    #[serde(default)]
    pub items: Option<String>,
    /// Over the page: its entries, where they stand in no list. Instead of `items`, and of paging.
    #[serde(default)]
    pub rows: Option<Expr>,
    #[serde(default)]
    pub page: Paging,
    /// Path of the id in an entry.
    pub key: String,
    /// Keys of an entry that are kept.
    pub keep: Vec<String>,
    /// Several entries share an id: the row takes a list.
    #[serde(default)]
    pub many: bool,
    /// Only if it holds, over `$account`.
    #[serde(default)]
    pub when: Option<Predicate>,
    /// What a 403 or 404 of it means: an error, or that records with an id of it fail, until `leave_out` of the source names it.
    #[serde(default)]
    pub denied: Denied,
}

/// Something the platform has and no record carries.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// The vendor's page that describes it.
    pub cites: String,
    pub evidence: Evidence,
    /// What they are called, in the plural.
    pub what: String,
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    #[serde(default)]
    pub items: Option<String>,
    /// Over the page: its rows, where they stand in no list. Instead of `items`.
    #[serde(default)]
    pub rows: Option<Expr>,
    #[serde(default)]
    pub page: Paging,
    /// How it is migrated all the same. Such things are named by `check`, too.
    #[serde(default)]
    pub hint: Option<String>,
    /// Over a row: how many it stands for.
    #[serde(default)]
    pub count: Option<Expr>,
    /// Over a row: what it is called, and whether it is switched off.
    #[serde(default)]
    pub name: Option<Expr>,
}

/// One listing with the child rows of all roots. Read into the stage page by page; then each root takes its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// The vendor's page that describes it.
    pub cites: String,
    pub evidence: Evidence,
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    #[serde(default)]
    pub items: Option<String>,
    pub page: Paging,
    /// Without it the whole listing is read each time.
    #[serde(default)]
    pub since: Option<Since>,
    /// Path of the root row's id in an element.
    pub root: String,
    /// The stream's rows in an element: a list. Each has an `id`.
    pub rows: Expr,
    /// An element for which it holds says something that its rows do not show: the root is read on its own.
    #[serde(default)]
    pub unsure: Option<Predicate>,
    /// Over the root row: how many rows there are at least. With fewer in the listing the root is read on its own.
    pub expect: Expr,
    /// Elements of the listing per root, as a rule: what the choice between the two ways reckons with.
    pub per_root: u64,
    /// Few roots have any: the way with fewer calls is taken, not the quicker one.
    #[serde(default)]
    pub sparse: bool,
    /// Over the root row: no call of its own has its rows, only this listing may. Then the listing is read, however many calls that takes.
    #[serde(default)]
    pub alone: Option<Predicate>,
    /// Only if it holds, over `$account`; otherwise the listing is not read.
    #[serde(default)]
    pub when: Option<Predicate>,
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
    /// A call for each row of this stream, seen as `$parent`; `into` holds the answers, each with the id of that row as `_of`.
    /// `when` is over the row of that stream, and a 404 means that there is nothing.
    #[serde(default)]
    pub each: Option<String>,
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Only for rows for which it holds.
    #[serde(default)]
    pub when: Option<Predicate>,
    /// Path of the row in the answer; absent = the whole answer. The row's keys are overlaid with it.
    #[serde(default)]
    pub item: Option<String>,
    /// Over that row: what the keys are overlaid with. Without it, the row as it is.
    #[serde(default)]
    pub keep: Option<Expr>,
    /// Key of the row the answer is put under, instead of being laid over the row.
    #[serde(default)]
    pub into: Option<String>,
}

/// A record by itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct View {
    pub path: Template,
    /// Path of the row in the answer; absent = the whole answer.
    #[serde(default)]
    pub item: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Denied {
    #[default]
    Fail,
    Note,
    /// The plan lacks it: told, and not asked for again in this run.
    Plan,
}

/// Where the bytes of an attachment are read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// Below the base address, or a whole URL from the row. Another host gets no credential.
    pub path: Template,
    #[serde(default)]
    pub decode: Option<Decode>,
    /// Seconds for which an address in the row is good: what the row stands in is read again just before its file is fetched.
    #[serde(default)]
    pub expires: Option<u64>,
    /// Rows whose bytes the platform does not hand out (redacted, found malicious): told as a file that is gone.
    #[serde(default)]
    pub withheld: Option<Predicate>,
    /// Pictures of a body at the account's own address that no row covers are files too.
    #[serde(default)]
    pub images: bool,
    /// What the path of an address begins with behind which the account keeps a file; `*` is any one part of it. What a body
    /// links to, plays or names there, and no row covers, is a file too.
    #[serde(default)]
    pub links: Vec<String>,
    /// Where a file that a text names is fetched with the credentials: whole paths, `*` for any one part, and behind `?` what a query may
    /// have. In the texts of messages only what nobody can guess: a customer writes them. All else is fetched without credentials.
    #[serde(default)]
    pub trusted: Vec<String>,
}

/// How the bytes are wrapped.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decode {
    /// Path of the top-level field of a JSON answer that holds the bytes in base64.
    pub base64: String,
}
