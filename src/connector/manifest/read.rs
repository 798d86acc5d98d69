//! Read streams: how the records of one kind are listed, fetched and turned into canonical fields.

use super::Evidence;
use super::beside::{Bulk, Sideload};
use super::paging::Paging;
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
    /// Parameters of the queries, those of `then` too, that a list can be read without: where the platform refuses one by its name, it is
    /// not sent, which is noted.
    #[serde(default)]
    pub optional: BTreeMap<String, Optional>,
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
    /// What a person calls its records, in the plural: by it `leave_out` of the source names the list.
    #[serde(default)]
    pub name: Option<String>,
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
    /// What it means that the platform refuses to make this list at all (400): an error, or a note, and the list counts as not read.
    #[serde(default)]
    pub refused: Denied,
    /// What a person is told where `when` does not hold: of `gaps`, with their count as `${n}`.
    #[serde(default)]
    pub unread: Option<String>,
    /// Of `gaps`: what a person must decide where many records are in no list.
    #[serde(default)]
    pub asks: Option<Asks>,
}

/// What it means to read a list without one of its parameters.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Optional {
    /// Another value, instead of none.
    #[serde(default)]
    pub instead: Option<Template>,
    /// What is not read then, as the end of a sentence: "and … are not read".
    pub lacks: String,
    /// The list may lack rows: it counts as one that was not read to its end.
    #[serde(default)]
    pub fewer: bool,
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
    /// Over the root row: further hosts by which texts name files of the account, such as those of its brands. What is named there is
    /// asked for at the account's own address.
    #[serde(default)]
    pub hosts: Option<Expr>,
    /// Where texts name files by numbers that anybody can guess: such a link is led to the file of that number of the same ticket; any
    /// other stays a link to the source, and is a loss. Nothing is fetched there.
    #[serde(default)]
    pub numbered: Vec<Numbered>,
    /// Where a file that a text names is fetched with the credentials: whole paths, `*` for any one part, and behind `?` what a query may
    /// have. In the texts of messages only what nobody can guess: a customer writes them. All else is fetched without credentials.
    #[serde(default)]
    pub trusted: Vec<String>,
}

/// Where the number of a file stands in an address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Numbered {
    /// What stands before the number in the path: its beginning, below the account's address; `*` is any one part.
    pub at: String,
    /// Within the path of any host: that of a store whose paths no other program has.
    #[serde(default)]
    pub anywhere: bool,
}

/// How the bytes are wrapped.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decode {
    /// Path of the top-level field of a JSON answer that holds the bytes in base64.
    pub base64: String,
}
