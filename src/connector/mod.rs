//! Connectors: what the pipeline knows of a platform, and the machine that runs a manifest.
//!
//! [`Source`] and [`Target`] are all the pipeline sees. [`rest`] implements both for any manifest, [`files`] for
//! folders; `native/` holds the quirks of single platforms; [`registry`] finds manifests by name.

pub mod dry_run;
pub mod files;
pub mod lint;
pub mod manifest;
pub mod mapped;
pub mod native;
pub mod plan;
pub mod profile;
pub mod registry;
pub mod rest;
pub mod seen;
mod unread;

use crate::clock::{Doubt, VendorClock};
use crate::error::{Loss, Problem, Result};
use crate::ledger::{Origin, Remote};
use crate::record::{Attachment, Kind, Outputs, Record, Visibility};
use async_trait::async_trait;
use jiff::Timestamp;
use mapped::Mapped;
use plan::{LateValues, Step};
use profile::Profile;
use seen::Among;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
pub use unread::Unread;

/// One row of `check`.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckLine {
    pub proves: String,
    /// What was found when it holds, the problem when it does not.
    pub found: Result<String, Problem>,
}

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

/// What the `source` of a file begins with that the platform lists and does not hand out.
pub(crate) const WITHHELD: &str = "withheld:";

/// Whether the platform lists a file and does not hand it out.
pub fn is_withheld(file: &Attachment) -> bool {
    file.source.starts_with(WITHHELD)
}

/// A platform we read from. All methods only read; any of them can be called again.
#[async_trait]
pub trait Source: Send + Sync {
    /// Address of the account, the source half of the link's id.
    fn address(&self) -> &str;

    /// The clock of the account's servers, as far as it is known: whatever is asked by time is asked in it.
    fn clock(&self) -> &VendorClock;

    /// Name and content hash of the manifest: staged pages are bound to it.
    fn version(&self) -> &str;

    /// Whether the platform has records of this kind that can be read.
    fn reads(&self, kind: Kind) -> bool;

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
    async fn read(&self, kind: Kind, cursor: Option<&str>, since: Option<jiff::Timestamp>) -> Result<Page>;

    /// One row by its id, as `read` would list it. None where there is no such row, or no way to ask.
    ///
    /// Errors: those of `read`.
    async fn read_one(&self, _kind: Kind, _id: &str) -> Result<Option<Row>> {
        Ok(None)
    }

    /// Tells a listing that goes on what of it is staged already. Only a source that asks for what no list shows needs to know.
    fn recall(&self, _kind: Kind, _ids: &[String]) {}

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

    /// Which children of this kind can also be read in bulk.
    fn bulk(&self, _kind: Kind) -> Vec<BulkWay> {
        vec![]
    }

    /// One page of the bulk listing of a stream of a kind's children; cursor and time as in `read`.
    async fn read_bulk(
        &self,
        _kind: Kind,
        _stream: &str,
        _cursor: Option<&str>,
        _since: Option<jiff::Timestamp>,
    ) -> Result<BulkPage> {
        Ok(BulkPage::default())
    }

    /// Streams of which only a bulk listing may have rows of this root, and that are not among these.
    ///
    /// Errors: `expression`.
    fn only_in_bulk(&self, _kind: Kind, _row: &Value, _bulk: &BulkRows) -> Result<Vec<String>> {
        Ok(vec![])
    }

    /// Everything below a root row, with these rows of bulk listings. None where they cannot be all of it: the root must be
    /// read on its own. Streams that `bulk` does not name are asked for.
    async fn join_bulk(&self, _kind: Kind, _row: &Value, _bulk: &BulkRows) -> Result<Option<ChildRows>> {
        Ok(None)
    }

    /// What the account has and no record carries. Asked once.
    ///
    /// Errors: those of `read`.
    async fn left(&self) -> Result<Vec<LeftBehind>> {
        Ok(vec![])
    }

    /// What of the source cannot be read as it is, each with its place and what helps. The records it is of fail alone.
    ///
    /// Errors: those of `read`.
    async fn faults(&self) -> Result<Vec<Problem>> {
        Ok(vec![])
    }

    /// What a person should know of what was read since the last time, each said once a run.
    fn take_notes(&self) -> Vec<String> {
        vec![]
    }

    /// Turns staged rows into the canonical record. Pure.
    ///
    /// Errors: `expression`, `bad_answer`; they never hold values of the record.
    fn assemble(&self, kind: Kind, row: &Value, children: &ChildRows) -> Result<Record>;

    /// Whether reading it costs calls, so that nothing is read before somebody asks for it.
    fn is_called(&self) -> bool {
        true
    }

    /// Which of these files, which could not be had before, are there now. Makes no call: a source that would have to names none.
    async fn there_now(&self, _files: Vec<Attachment>) -> Result<Vec<Attachment>> {
        Ok(vec![])
    }

    /// Streams one file into `dir`, named by its hash. No credential goes to another host.
    ///
    /// Errors: `not_found` when the source no longer has it; `disk`; and those of `read`.
    async fn fetch(&self, attachment: &Attachment, dir: &Path) -> Result<Blob>;

    /// Calls made so far, by method and shape of the path.
    fn calls(&self) -> BTreeMap<String, u64>;
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

/// The output of a step that the target could not take, and that is no failure.
pub const LOST: &str = "lost";

/// What became of one step.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The target holds it.
    Applied { remote: Remote, origin: Origin },
    /// The target provably refused: nothing was written.
    Rejected(Problem),
    /// It may have happened: time-out after bytes were sent, reset, 5xx. Must be settled by [`Target::find`].
    Unknown(Problem),
    /// Somebody refused, and it is not proven to be the target: settled as what is unknown. Where it did not happen, it is refused.
    Denied(Problem),
    /// Refused, and the manifest knows another form of the request: [`Target::apply_otherwise`] may send it once it is certain that this
    /// one had no effect, as of what is unknown.
    Otherwise(Problem),
    /// Provably nothing was sent: the network or this machine. The run cannot go on.
    NotSent(Problem),
}

/// What [`Target::find`] saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    Yes(Remote),
    /// Not there now. Believed only after `settle` since its request was over.
    No,
    /// Not on a list that lacks what is known to be there: it proves nothing.
    Short(Problem),
    /// The record it belongs to is not there, by its own word: nothing can be added to it.
    Gone(Problem),
    /// Several look like it: a person must choose.
    Many(usize),
    /// Ask again after this long: the target's index may lag.
    TooEarly(Duration),
    /// The platform has no way to tell.
    CannotTell,
}

/// One page of records that carry our marker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marked {
    pub rows: Vec<Mark>,
    /// Where to go on; none on the last page.
    pub next: Option<String>,
}

/// A record of the target that carries a marker.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub marker: String,
    pub remote: Remote,
    /// When it last changed, by the target's clock; none where the listing does not say it, or does not go by it.
    pub updated_at: Option<Timestamp>,
}

/// A message among the target's children of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    pub id: String,
    pub private: bool,
    pub print: Option<Print>,
}

/// A hash over what a message says, by whom and how. Two that one request would leave, sent twice, have the same.
pub type Print = u128;

/// What stands below a record of the target: a message, or another part that a step adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub id: String,
    /// None where it can not be told from what people write.
    pub print: Option<Print>,
}

/// A property the target does not hold as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Differs {
    pub name: String,
    /// What it is called when it cannot be mended; none: the record fails.
    pub loss: Option<Loss>,
    /// Whether it says nothing of a record that was as it should be before: people may have changed it since.
    pub once: bool,
}

/// What the target holds of a record after our steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadBack {
    /// Properties that are not as sent.
    pub differs: Vec<Differs>,
    /// For each append step, in order: the child that holds its message.
    pub children: Vec<Option<Child>>,
    /// The first message, where it stands among the others.
    pub first: Option<String>,
    /// The messages below the record that are no step's.
    pub others: Vec<Said>,
    pub updated_at: Option<String>,
}

/// A platform we write to.
#[async_trait]
pub trait Target: Send + Sync {
    /// Address of the account, the target half of the link's id.
    fn address(&self) -> &str;

    fn profile(&self) -> &Profile;

    /// The clock of the account's servers, as far as it is known: whatever is asked by time is asked in it.
    fn clock(&self) -> &VendorClock;

    /// Whether there is no account behind it: only what the platform ships with is known, and nothing can be written.
    fn is_on_paper(&self) -> bool {
        false
    }

    /// Whether records of this kind are written. Kinds that are only referred to (agents, groups) are not.
    fn writes(&self, kind: Kind) -> bool;

    /// Whether it takes what a ticket has beside its messages: `time_entry`, `rating`.
    fn takes(&self, part: &str) -> bool;

    /// An answer of the account that is not secret.
    fn answer(&self, key: &str) -> Option<&str>;

    /// The label tickets take where the mapping gives none: by the account's answers. `vocabulary` is `group`, `type` …
    fn default_label(&self, vocabulary: &str) -> Option<String>;

    /// Title of the custom field that holds the marker of our tickets.
    fn marker_field(&self) -> Option<&str> {
        None
    }

    /// How a person switches outgoing mail off.
    fn how_to_silence(&self) -> &str;

    /// Whether a person can be the assignee of a ticket of this group.
    async fn may_be_assigned(&self, person: &Remote, group: Option<&Remote>) -> Result<bool>;

    /// Asks the account for the facts that plans need. Must have succeeded before `plan`.
    async fn prepare(&self) -> Result<()>;

    /// Proves that the account answers, by a call that depends on no record.
    async fn probe(&self) -> Result<()>;

    /// Proves that the account answers, that markers are stored and found, and what a person must do first.
    async fn check(&self) -> Vec<CheckLine>;

    /// All rows of a vocabulary or of a small kind (`agent group field status priority type`), as the manifest's fields.
    async fn roster(&self, stream: &str) -> Result<Vec<Map<String, Value>>>;

    /// The agent with this address, as `roster("agent")` has its rows, where that may not list all of them.
    async fn agent_at(&self, _address: &str) -> Result<Option<Map<String, Value>>> {
        Ok(None)
    }

    /// Whether a message may be written under this person so that it is as visible as it must be.
    /// Asked before writing, since some targets store a private message publicly without a word.
    async fn may_write_as(&self, person: &Remote, group: Option<&Remote>, visibility: Visibility) -> Result<bool>;

    /// The steps that write one mapped record. Pure: calls nothing.
    fn plan(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>>;

    /// What is lost of a mapped record by the platform's own ways. Pure.
    fn losses(&self, _mapped: &Mapped) -> Result<Vec<Loss>> {
        Ok(vec![])
    }

    /// Both of one record, which the same expressions look at.
    fn losses_and_plan(&self, mapped: &Mapped, marker: &str) -> Result<(Vec<Loss>, Result<Vec<Step>>)> {
        Ok((self.losses(mapped)?, self.plan(mapped, marker)))
    }

    /// The steps that set again what `read_back` found different. Pure.
    fn repair(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>>;

    /// Has the effect of one step. May have happened anyway when it answers [`Outcome::Unknown`].
    async fn apply(&self, step: &Step, late: &LateValues) -> Outcome;

    /// Has the effect of one step in its other form, after [`Outcome::Otherwise`]. It is a second send.
    async fn apply_otherwise(&self, step: &Step, late: &LateValues) -> Outcome {
        self.apply(step, late).await
    }

    /// Looks for what a step may have written. Only reads.
    async fn find(&self, step: &Step, late: &LateValues, among: &Among<'_>) -> Result<Found>;

    /// Records that were in the target before this run made any beside them and are, in all but a marker of ours, what the step would
    /// create. None where the platform's records keep their marker. Only reads.
    async fn there_before(&self, step: &Step, late: &LateValues) -> Result<Vec<Remote>>;

    /// Whether something is at work in the target that may be doing what this step's lost request asked for. Only reads.
    async fn at_work(&self, step: &Step, doubt: &Doubt) -> Result<bool>;

    /// One page of all records of a kind in the target that carry a marker beginning with `prefix` and came or changed since
    /// `since`, in the platform's order; all of them without a time. None where the platform has no such listing. Only reads.
    async fn scan(
        &self,
        _kind: Kind,
        _prefix: &str,
        _since: Option<Timestamp>,
        _cursor: Option<&str>,
    ) -> Result<Option<Marked>> {
        Ok(None)
    }

    /// Whether every record of a kind carries our marker, by which [`Target::scan`] lists it or [`Target::carry_marker`] finds it.
    fn marks(&self, _kind: Kind) -> bool {
        false
    }

    /// How long [`Target::scan`] does not show what came.
    fn lists_late(&self, _kind: Kind) -> Duration {
        Duration::ZERO
    }

    /// Which of these markers are in the target, by a look for each that may not see what came lately. None where the
    /// platform has no such look. Only reads.
    async fn carry_marker(&self, _kind: Kind, _markers: &[String]) -> Result<Option<Vec<(String, Remote)>>> {
        Ok(None)
    }

    /// What stands below a record of the target of the sort that the steps of a section append. None where the platform does not list
    /// it, or nothing tells it from what people write. Only reads.
    async fn said(&self, _section: &str, _target: &str) -> Result<Option<Vec<Said>>> {
        Ok(None)
    }

    /// The markers that one record carries, by its id. None where the platform's records of this kind keep none. Only reads.
    async fn markers_of(&self, _kind: Kind, _id: &str) -> Result<Option<Vec<String>>> {
        Ok(None)
    }

    /// The name of the step that creates a record of this kind.
    fn creates(&self, _kind: Kind) -> Option<&str> {
        None
    }

    /// What the answer of a step tells beside the id, by the names under which others refer to it; null for what only the
    /// answer itself can tell.
    fn answers(&self, _step: &Step) -> Outputs {
        Outputs::new()
    }

    /// The call that takes this step's record with others, as `METHOD /path`, and how many it takes; none: it goes alone.
    fn goes_with(&self, _step: &Step) -> Option<(String, u64)> {
        None
    }

    /// Calls that read one record of a kind back, by method and path with `:id` for what differs.
    fn reads_back_by(&self, _kind: Kind) -> Vec<String> {
        vec![]
    }

    /// How long the limits as they are known now make these calls take, given as `METHOD /path`; none: no limit is known.
    fn time_for(&self, _calls: &BTreeMap<String, u64>) -> Option<Duration> {
        None
    }

    /// How long after it was written a record is hidden from [`Target::find`]: "no" is believed only this much later.
    fn hides(&self, _step: &Step) -> Duration {
        Duration::ZERO
    }

    /// Reads the record back and compares it with what the steps sent. None where the manifest has no `verify`.
    async fn read_back(&self, mapped: &Mapped, steps: &[Step], late: &LateValues) -> Result<Option<ReadBack>>;

    /// What the target has of somebody of ours who was there before us, or whom it took in part: the fields of `[held]`, none of them where
    /// it shows nothing of them. None where nothing says how they are read. Only reads.
    async fn held(&self, _kind: Kind, _remote: &Remote) -> Result<Option<Map<String, Value>>> {
        Ok(None)
    }

    /// Called once when a run ends, however it ends: what the steps wrote takes its final shape. Must bear being killed
    /// and being called again by a later run. Most platforms have nothing to do.
    async fn finish(&self) -> Result<()> {
        Ok(())
    }

    fn calls(&self) -> BTreeMap<String, u64>;
}
