//! A platform we write to, and what becomes of what is written.

use super::CheckLine;
use super::eraser::Eraser;
use super::mapped::Mapped;
use super::plan::{LateValues, Step};
use super::planner::Planner;
use super::seen::Among;
use crate::clock::{Doubt, VendorClock};
use crate::error::{Loss, Problem, Result};
use crate::ledger::{Origin, Remote};
use crate::record::{Kind, Visibility};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// The output of a step that the target could not take, and that is no failure.
pub const LOST: &str = "lost";

/// The step that lays a file into a target which can tell without a call whether it is still there.
pub const LAID: &str = "file";

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

/// One page of records that migrate our marker.
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

/// A record as it was written to a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Of the target.
    pub id: String,
    /// What the source called its last change.
    pub updated_at: Option<Timestamp>,
}

/// A platform we write to. No method has a body here, so that a decorator cannot forget one.
#[async_trait]
pub trait Target: Planner {
    /// Address of the account, the target half of the link's id.
    fn address(&self) -> &str;

    /// The clock of the account's servers, as far as it is known: whatever is asked by time is asked in it.
    fn clock(&self) -> &VendorClock;

    /// Whether a person can be the assignee of a ticket of this group.
    async fn may_be_assigned(&self, person: &Remote, group: Option<&Remote>) -> Result<bool>;

    /// Asks the account for the facts that plans need. Must have succeeded before `plan`.
    async fn prepare(&self) -> Result<()>;

    /// Proves that the account answers, by a call that depends on no record.
    async fn probe(&self) -> Result<()>;

    /// Proves that the account answers, that markers are stored and found, and what a person must do first.
    async fn check(&self) -> Vec<CheckLine>;

    /// All rows of a vocabulary or of a small kind (`agent group field status priority type`), as the manifest's fields.
    async fn target_metadata(&self, stream: &str) -> Result<Vec<Map<String, Value>>>;

    /// The agent with this address, as `target metadata("agent")` has its rows, where that may not list all of them.
    async fn agent_at(&self, address: &str) -> Result<Option<Map<String, Value>>>;

    /// Whether a message may be written under this person so that it is as visible as it must be.
    /// Asked before writing, since some targets store a private message publicly without a word.
    async fn may_write_as(&self, person: &Remote, group: Option<&Remote>, visibility: Visibility) -> Result<bool>;

    /// Has the effect of one step. May have happened anyway when it answers [`Outcome::Unknown`].
    async fn apply(&self, step: &Step, late: &LateValues) -> Outcome;

    /// Has the effect of one step in its other form, after [`Outcome::Otherwise`]. It is a second send.
    async fn apply_otherwise(&self, step: &Step, late: &LateValues) -> Outcome;

    /// Looks for what a step may have written. Only reads.
    async fn find(&self, step: &Step, late: &LateValues, among: &Among<'_>) -> Result<Found>;

    /// Records that were in the target before this run made any beside them and are, in all but a marker of ours, what the step would
    /// create. None where the platform's records keep their marker. Only reads.
    async fn there_before(&self, step: &Step, late: &LateValues) -> Result<Vec<Remote>>;

    /// Whether something is at work in the target that may be doing what this step's lost request asked for. Only reads.
    async fn at_work(&self, step: &Step, doubt: &Doubt) -> Result<bool>;

    /// One page of all records of a kind in the target that migrate a marker beginning with `prefix` and came or changed since
    /// `since`, in the platform's order; all of them without a time. None where the platform has no such listing. Only reads.
    async fn scan(
        &self,
        kind: Kind,
        prefix: &str,
        since: Option<Timestamp>,
        cursor: Option<&str>,
    ) -> Result<Option<Marked>>;

    /// Which of these markers are in the target, by a look for each that may not see what came lately. None where the
    /// platform has no such look. Only reads.
    async fn have_marker(&self, kind: Kind, markers: &[String]) -> Result<Option<Vec<(String, Remote)>>>;

    /// What stands below a record of the target of the sort that the steps of a section append. None where the platform does not list
    /// it, or nothing tells it from what people write. Only reads.
    async fn said(&self, section: &str, target: &str) -> Result<Option<Vec<Said>>>;

    /// The markers that one record carries, by its id. None where the platform's records of this kind keep none. Only reads.
    async fn markers_of(&self, kind: Kind, id: &str) -> Result<Option<Vec<String>>>;

    /// Those of these records of a kind that the target has no more, or only from before: by their ids there. None of them where it takes a
    /// call to know. Only reads.
    async fn lost(&self, kind: Kind, written: Vec<Written>) -> Result<Vec<String>>;

    /// The same of files by their names, which [`LAID`] steps laid there.
    async fn lost_files(&self, names: Vec<String>) -> Result<Vec<String>>;

    /// Reads the record back and compares it with what the steps sent. None where the manifest has no `verify`.
    async fn read_back(&self, mapped: &Mapped, steps: &[Step], late: &LateValues) -> Result<Option<ReadBack>>;

    /// What the target has of somebody of ours who was there before us, or whom it took in part: the fields of `[held]`, none of them where
    /// it shows nothing of them. None where nothing says how they are read. Only reads.
    async fn held(&self, kind: Kind, remote: &Remote) -> Result<Option<Map<String, Value>>>;

    /// Deletes what was made. None where nothing can be deleted, or nothing is there.
    fn eraser(&self) -> Option<&dyn Eraser>;

    /// Called once when a run ends, however it ends: what the steps wrote takes its final shape. Must bear being killed
    /// and being called again by a later run. Most platforms have nothing to do.
    async fn finish(&self) -> Result<()>;

    fn calls(&self) -> BTreeMap<String, u64>;
}
