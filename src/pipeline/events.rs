//! What a run tells while it works: drawn as bars, printed as lines, or written as JSON objects.

use crate::error::Problem;
use crate::record::Kind;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One thing that happened. As JSON: one object a line, named by `event`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A command began to work on a project.
    Started { command: &'static str, source: String, target: String, link: String },
    /// One line of `check`.
    Check {
        account: Side,
        proves: String,
        ok: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        found: Option<String>,
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        problem: Option<Problem>,
    },
    /// Rows read from the source so far.
    Staged { kind: Kind, rows: u64, complete: bool },
    /// Records of a kind, by outcome so far.
    Progress { kind: Kind, total: u64, done: u64, skipped: u64, failed: u64, parked: u64, in_doubt: u64 },
    /// A record that was not migrated.
    Record {
        kind: Kind,
        id: String,
        outcome: &'static str,
        #[serde(flatten)]
        problem: Problem,
    },
    /// What `undo` would do with a record: `delete` or `leave`.
    Undo {
        kind: Kind,
        id: String,
        target_id: String,
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Something a person should know that is nobody's failure.
    Note { what: String },
    /// The command ended. `calls` are per account, method and shape of the path.
    Ended { command: &'static str, exit_code: u8, outcome: &'static str, calls: BTreeMap<String, u64> },
    /// The command could not go on.
    Error {
        #[serde(flatten)]
        problem: Problem,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Source,
    Target,
    Project,
}

/// Where events go.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;
