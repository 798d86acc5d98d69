//! What the ledger holds of a record and of a step, and how it is read from a row.

use super::fault::Fault;
use super::query::{moment, time};
use crate::error::{Problem, Reason, closed_list};
use crate::record::{Kind, Outputs};
use jiff::Timestamp;
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use std::fmt;

closed_list! {
    /// How far a record is.
    State {
        Staged = "staged": "read, and waiting for its turn",
        Parked = "parked": "waiting for a record it refers to",
        Planned = "planned": "its steps are known",
        Writing = "writing": "its steps are being carried out",
        Done = "done": "migrated",
        Skipped = "skipped": "left out on purpose",
        Failed = "failed": "refused",
        InDoubt = "in_doubt": "may or may not have been written",
    }
}

impl State {
    /// What every run takes up again. Failed and skipped records join when their content changes, or by
    /// [`Link::take_up`](super::Link::take_up).
    pub const TAKEN_UP: &'static [State] =
        &[State::Staged, State::Planned, State::Writing, State::Parked, State::InDoubt];
}

closed_list! {
    /// How far a step is. No row at all: it was never tried.
    StepState {
        Intent = "intent": "about to be sent, or sent by a process that died: in doubt",
        Applied = "applied": "done in the target",
        Rejected = "rejected": "provably refused by the target",
        Unknown = "unknown": "sent without a clear answer: in doubt",
        Absent = "absent": "looked for and found not to have happened: may be sent again",
    }
}

impl StepState {
    /// Only a look at the target tells whether it happened.
    pub const fn in_doubt(self) -> bool {
        matches!(self, StepState::Intent | StepState::Unknown)
    }
}

closed_list! {
    /// How we came by a target record. `undo` touches only what was created.
    Origin {
        Created = "created": "made by Deskferry",
        Adopted = "adopted": "was there in the place of ours, and is written by us since",
        Matched = "matched": "was there and is only referred to",
    }
}

/// A record of the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remote {
    pub id: String,
    /// What people call it, where that is not the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Where people can look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What later steps need of it.
    #[serde(default, skip_serializing_if = "Outputs::is_empty")]
    pub outputs: Outputs,
}

/// A record the source was seen to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub kind: Kind,
    pub id: String,
    pub number: Option<String>,
    pub updated_at: Option<Timestamp>,
    /// Of all that would be migrated; a change of it puts the record back to work.
    pub content_hash: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenCounts {
    pub new: u64,
    pub changed: u64,
    pub same: u64,
}

/// How the work on a record ended, for now.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Done {
        remote: Remote,
        origin: Origin,
        /// Of the target record after our last write, to notice that others changed it since.
        target_hash: Option<String>,
        target_updated_at: Option<Timestamp>,
    },
    Skipped {
        problem: Problem,
        /// The source record that stands for this one in the target: references follow it.
        stands_for: Option<(Kind, String)>,
    },
    Failed {
        problem: Problem,
    },
    Parked {
        problem: Problem,
    },
    /// It could not be read, or its account could not be used: the next run takes it up again.
    Waiting {
        problem: Problem,
    },
    InDoubt {
        problem: Problem,
        /// Where a person can see whether it was written.
        look_at: Option<String>,
    },
}

/// A record as the ledger knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordRow {
    /// The order in which records were first seen; `after` of the next page.
    pub seq: i64,
    pub kind: Kind,
    pub id: String,
    pub number: Option<String>,
    pub updated_at: Option<Timestamp>,
    pub content_hash: String,
    pub state: State,
    pub problem: Option<Problem>,
    pub look_at: Option<String>,
    /// Kept when the record goes back to work.
    pub remote: Option<Remote>,
    pub origin: Option<Origin>,
    pub target_hash: Option<String>,
    pub target_updated_at: Option<Timestamp>,
    pub stands_for: Option<(Kind, String)>,
    /// When it was found by its marker in the target, if that is all that is known of it: its steps are not.
    pub rebuilt_at: Option<Timestamp>,
    /// Whether any step of it was ever begun.
    pub has_steps: bool,
    pub seen_at: Timestamp,
    /// Of the state.
    pub changed_at: Timestamp,
}

/// One effect on the target, by what it is and never by its position.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepKey {
    /// The step's name in the manifest.
    pub step: String,
    /// Source id of the comment, attachment … the step writes; empty for the record itself.
    pub child: String,
    /// Numbers the pieces of one child that had to be cut.
    pub part: u32,
}

impl StepKey {
    pub fn new(step: impl Into<String>, child: impl Into<String>, part: u32) -> Self {
        Self { step: step.into(), child: child.into(), part }
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.step)?;
        if !self.child.is_empty() {
            write!(f, " {}", self.child)?;
        }
        if self.part > 0 {
            write!(f, " part {}", self.part)?;
        }
        Ok(())
    }
}

/// A step as the ledger knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRow {
    pub key: StepKey,
    pub state: StepState,
    pub marker: Option<String>,
    pub request_hash: Option<String>,
    pub remote: Option<Remote>,
    pub origin: Option<Origin>,
    pub problem: Option<Problem>,
    /// Of the last try, by this machine's clock.
    pub intent_at: Timestamp,
    /// The same by the target's clock, or a little earlier; none where it was not known.
    pub vendor_at: Option<Timestamp>,
    /// Times it was about to be sent.
    pub tries: u32,
}

/// A step with the record it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenStep {
    pub kind: Kind,
    pub id: String,
    pub step: StepRow,
}

pub(super) const RECORD: &str = "seq, kind, id, number, updated_at, content_hash, state, reason, detail, hint, \
    look_at, target_id, target_number, target_url, outputs, origin, target_hash, target_updated_at, stands_kind, \
    stands_id, rebuilt_at, seen_at, changed_at, EXISTS (SELECT 1 FROM step WHERE step.record = record.seq) AS has_steps";

pub(super) fn record(row: &Row<'_>) -> Result<RecordRow, Fault> {
    let stands_kind: Option<String> = row.get("stands_kind")?;
    Ok(RecordRow {
        seq: row.get("seq")?,
        kind: code(Kind::from_code, &row.get::<_, String>("kind")?)?,
        id: row.get("id")?,
        number: row.get("number")?,
        updated_at: time(row.get("updated_at")?)?,
        content_hash: row.get("content_hash")?,
        state: code(State::from_code, &row.get::<_, String>("state")?)?,
        problem: problem(row)?,
        look_at: row.get("look_at")?,
        remote: remote(row)?,
        origin: optional(Origin::from_code, row.get("origin")?)?,
        target_hash: row.get("target_hash")?,
        target_updated_at: time(row.get("target_updated_at")?)?,
        stands_for: optional(Kind::from_code, stands_kind)?.zip(row.get("stands_id")?),
        rebuilt_at: time(row.get("rebuilt_at")?)?,
        has_steps: row.get("has_steps")?,
        seen_at: moment(row.get("seen_at")?)?,
        changed_at: moment(row.get("changed_at")?)?,
    })
}

pub(super) const STEP: &str = "step.step, step.child, step.part, step.state, step.marker, step.request_hash, \
    step.target_id, step.target_number, step.target_url, step.outputs, step.origin, step.reason, step.detail, \
    step.hint, step.intent_at, step.vendor_at, step.tries";

pub(super) fn step(row: &Row<'_>) -> Result<StepRow, Fault> {
    Ok(StepRow {
        key: StepKey { step: row.get("step")?, child: row.get("child")?, part: row.get("part")? },
        state: code(StepState::from_code, &row.get::<_, String>("state")?)?,
        marker: row.get("marker")?,
        request_hash: row.get("request_hash")?,
        remote: remote(row)?,
        origin: optional(Origin::from_code, row.get("origin")?)?,
        problem: problem(row)?,
        intent_at: moment(row.get("intent_at")?)?,
        vendor_at: time(row.get("vendor_at")?)?,
        tries: row.get("tries")?,
    })
}

pub(super) fn remote(row: &Row<'_>) -> Result<Option<Remote>, Fault> {
    let (id, outputs): (Option<String>, Option<String>) = (row.get("target_id")?, row.get("outputs")?);
    if id.is_none() && outputs.is_none() {
        return Ok(None);
    }
    // An upload has no id of its own, only a token.
    let id = id.unwrap_or_default();
    let outputs = outputs.map_or(Ok(Outputs::new()), |text| serde_json::from_str(&text).map_err(|_| odd("outputs")))?;
    Ok(Some(Remote { id, number: row.get("target_number")?, url: row.get("target_url")?, outputs }))
}

fn problem(row: &Row<'_>) -> Result<Option<Problem>, Fault> {
    let Some(reason) = optional(Reason::from_code, row.get("reason")?)? else { return Ok(None) };
    let what = row.get::<_, Option<String>>("detail")?.unwrap_or_default();
    Ok(Some(Problem { hint: row.get("hint")?, ..Problem::new(reason, what) }))
}

/// Facts of a target record as text, nothing when there are none.
pub(super) fn outputs(remote: &Remote) -> Option<String> {
    if remote.outputs.is_empty() { None } else { serde_json::to_string(&remote.outputs).ok() }
}

pub(super) fn code<T>(known: fn(&str) -> Option<T>, text: &str) -> Result<T, Fault> {
    known(text).ok_or_else(|| odd(text))
}

pub(super) fn optional<T>(known: fn(&str) -> Option<T>, text: Option<String>) -> Result<Option<T>, Fault> {
    text.map(|text| code(known, &text)).transpose()
}

fn odd(text: &str) -> Fault {
    Fault::Problem(
        Problem::new(Reason::Refused, format!("ledger.db holds {text:?}, which this version does not know"))
            .hint("use the version of Deskferry that wrote it"),
    )
}
