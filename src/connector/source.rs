//! A platform we read from: its lists, its records, its files.

use super::CheckLine;
use crate::clock::VendorClock;
use crate::error::{Problem, Result};
use crate::record::{Attachment, Kind, Record};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// One page of a root stream.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The vendor's rows, raw.
    pub rows: Vec<Row>,
    /// Where to go on; none on the last page.
    pub next: Option<String>,
    /// The cursor from which a later run goes on, where the platform has one that lasts.
    pub bookmark: Option<String>,
    pub shows: Shows,
}

/// What a listing shows of its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shows {
    /// What changed: rows it lacks are as they were.
    #[default]
    Changes,
    /// All there is, from here on: rows an earlier page brought count no more.
    AllFromHere,
    /// More of all there is: in the end rows it did not bring are gone.
    MoreOfAll,
}

/// How children can be read in bulk, and what is known of the cost.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkWay {
    /// The stream of the children.
    pub stream: String,
    /// The account's plan may lack it, which the source tells itself.
    pub by_plan: bool,
    /// A later listing holds only what came since; otherwise each holds everything.
    pub incremental: bool,
    /// Few roots have any: calls count, not time.
    pub sparse: bool,
    /// Elements of the listing per root, as a rule.
    pub per_root: u64,
    /// Elements in a page.
    pub per_call: u64,
    /// How fast the limits let pages of the listing through; none: as fast as they come.
    pub calls_per_second: Option<f64>,
    /// The same for the calls that each root would take.
    pub root_calls_per_second: Option<f64>,
}

/// One page of a bulk listing.
#[derive(Clone, Debug, Default)]
pub struct BulkPage {
    pub rows: Vec<BulkRow>,
    pub next: Option<String>,
    pub bookmark: Option<String>,
}

#[derive(Clone, Debug)]
pub struct BulkRow {
    /// Id of the root row it belongs to.
    pub root: String,
    pub id: String,
    /// None: the root must be read on its own.
    pub raw: Option<Value>,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    /// What people call it, where the platform has a number.
    pub number: Option<String>,
    pub updated_at: Option<String>,
    /// Where it stands in a file, as a person finds it: `ticket.csv row 4`.
    pub place: Option<String>,
    pub raw: Value,
    /// Why it is not the whole row, where a second call for it failed: [`Source::complete`] makes that again.
    pub unread: Option<Problem>,
}

/// What a source says of a record of which something was not found.
#[derive(Clone, Debug)]
pub enum Again {
    /// It is there, or that cannot be asked.
    There,
    /// It is there, in another place than when it was listed: its row as it is now.
    Moved(Box<Row>),
    /// It says itself that it is deleted.
    Gone,
    /// There is none, as the source answers. An account that is closed may answer so, too.
    NotFound,
}

/// The raw rows below a root record, by stream, in the order the vendor gave them.
pub type ChildRows = BTreeMap<String, Vec<Value>>;

/// The rows of bulk listings that belong to one root, by stream; a row of which only is known that it must be read is none.
pub type BulkRows = BTreeMap<String, Vec<Option<Value>>>;

/// Bytes of a file as they arrived on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Blob {
    /// BLAKE3, lower-case hex: also the file's name in the blob folder.
    pub hash: String,
    pub bytes: u64,
    /// How many bytes the host says there are, where no list says it and fewer came.
    pub told: Option<u64>,
    pub mime: Option<String>,
}

/// Things of one kind that stay in the source: macros, automations. A list to rebuild.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LeftBehind {
    /// What they are called, in the plural.
    pub what: String,
    pub many: u64,
    /// Whether these are all.
    pub whole: bool,
    /// Of those that have one.
    pub names: Vec<String>,
    /// How they are migrated all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What is made of what was read. Pure.
pub trait Assemble: Send + Sync {
    /// Name and content hash of the manifest: staged pages are bound to it.
    fn version(&self) -> &str;

    /// Whether the platform has records of this kind that can be read.
    fn reads(&self, kind: Kind) -> bool;

    /// Whether reading it costs calls, so that nothing is read before somebody asks for it.
    fn is_called(&self) -> bool;

    /// Which children of this kind can also be read in bulk.
    fn bulk(&self, kind: Kind) -> Vec<BulkWay>;

    /// Streams of which only a bulk listing may have rows of this root, and that are not among these.
    ///
    /// Errors: `expression`.
    fn only_in_bulk(&self, kind: Kind, row: &Value, bulk: &BulkRows) -> Result<Vec<String>>;

    /// Turns staged rows into the canonical record. Pure.
    ///
    /// Errors: `expression`, `bad_answer`; they never hold values of the record.
    fn assemble(&self, kind: Kind, row: &Value, children: &ChildRows) -> Result<Record>;
}

/// Reads the bytes of files.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Which of these files, which could not be had before, are there now. Makes no call: a source that would have to names none.
    async fn there_now(&self, files: Vec<Attachment>) -> Result<Vec<Attachment>>;

    /// Streams one file into `dir`, named by its hash. No credential goes to another host.
    ///
    /// Errors: `not_found` when the source no longer has it; `disk`; and those of `read`.
    async fn fetch(&self, attachment: &Attachment, dir: &Path) -> Result<Blob>;
}

/// A platform we read from. All methods only read; any of them can be called again. No method of these contracts has a body here, so
/// that a decorator cannot forget one.
#[async_trait]
pub trait Source: Assemble + Fetch {
    /// Address of the account, the source half of the link's id.
    fn address(&self) -> &str;

    /// The clock of the account's servers, as far as it is known: whatever is asked by time is asked in it.
    fn clock(&self) -> &VendorClock;

    /// Proves that the account answers, and asks what a person must decide of these kinds, which are to be read. Never fails as a
    /// whole: each line says what it found.
    async fn check(&self, kinds: &[Kind]) -> Vec<CheckLine>;

    /// Proves that the account answers, by a call that depends on no record.
    ///
    /// Errors: those of `read`.
    async fn probe(&self) -> Result<()>;

    /// One page of a root kind. `cursor` is what the page before said; `since` asks for what changed
    /// after it, in the vendor's time.
    ///
    /// Errors: `auth`, `forbidden`, `network`, `timeout`, `server_error`, `bad_answer`.
    async fn read(&self, kind: Kind, cursor: Option<&str>, since: Option<Timestamp>) -> Result<Page>;

    /// One row by its id, as `read` would list it. None where there is no such row, or no way to ask.
    ///
    /// Errors: those of `read`.
    async fn read_one(&self, kind: Kind, id: &str) -> Result<Option<Row>>;

    /// Tells a listing that goes on what of it is staged already. Only a source that asks for what no list shows needs to know.
    fn recall(&self, kind: Kind, ids: &[String]);

    /// The whole row of one that was listed without its second call; none where it turns out to be no record of the kind. The row
    /// itself where nothing was wanting.
    ///
    /// Errors: those of `read`, and `not_found`.
    async fn complete(&self, kind: Kind, row: &Value) -> Result<Option<Row>>;

    /// Asks for a record itself, after something of it was not found.
    ///
    /// Errors: those of `read`.
    async fn look_again(&self, kind: Kind, row: &Value) -> Result<Again>;

    /// Everything below one root row: messages, files' descriptions, details. What `bulk` holds whole is not asked for.
    async fn read_children(&self, kind: Kind, row: &Value, bulk: &BulkRows) -> Result<ChildRows>;

    /// One page of the bulk listing of a stream of a kind's children; cursor and time as in `read`.
    async fn read_bulk(
        &self,
        kind: Kind,
        stream: &str,
        cursor: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<BulkPage>;

    /// Everything below a root row, with these rows of bulk listings. None where they cannot be all of it: the root must be
    /// read on its own. Streams that `bulk` does not name are asked for.
    async fn join_bulk(&self, kind: Kind, row: &Value, bulk: &BulkRows) -> Result<Option<ChildRows>>;

    /// Lists below records that the plan of the account does not show, as far as this run was told.
    fn refused(&self) -> Vec<String>;

    /// Whether a list, which an earlier run was refused below these rows, is shown now; none where no row of them may have it. A call at most.
    ///
    /// Errors: those of `read`.
    async fn shows(&self, list: &str, rows: &[Value]) -> Result<Option<bool>>;

    /// What the account has and no record carries. Asked once.
    ///
    /// Errors: those of `read`.
    async fn left(&self) -> Result<Vec<LeftBehind>>;

    /// What of the source cannot be read as it is, each with its place and what helps. The records it is of fail alone.
    ///
    /// Errors: those of `read`.
    async fn faults(&self) -> Result<Vec<Problem>>;

    /// The record before this one in the source that the target knows by the same thing: it is written first, and names what the two are
    /// there. Known when all of the kind is read.
    fn ahead_of(&self, kind: Kind, id: &str) -> Option<String>;

    /// What a person should know of what was read since the last time, each said once a run.
    fn take_notes(&self) -> Vec<String>;

    /// Calls made so far, by method and shape of the path.
    fn calls(&self) -> BTreeMap<String, u64>;
}
