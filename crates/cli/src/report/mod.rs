//! What came of a migration, for people and scripts: the CSV report, the `ids` table, the JSON summary.
//!
//! Everything is read from the ledger, a page at a time; nothing is counted twice or kept here. The columns and
//! names are an interface: `docs/interface.md` lists them.

pub mod assess;
mod csv;
mod json;
pub mod page;
pub mod preview;

#[cfg(test)]
mod tests;

pub use csv::{IDS_COLUMNS, REPORT_COLUMNS, write_ids, write_report};
pub use json::{
    KindSummary, LinkSummary, LossSummary, ReasonSummary, RunSummary, Summary, comes_with_tickets, summary,
};

use deskferry::error::closed_list;
use deskferry::ledger::State;

closed_list! {
    /// What came of a record, as reports call it.
    Outcome {
        Migrated = "migrated": "it is in the target",
        Skipped = "skipped": "left out on purpose, and the reason says why",
        Failed = "failed": "the target refused it, or it could not be prepared",
        InDoubt = "in_doubt": "it is unknown whether it was written: check the address",
        Parked = "parked": "it waits for a record it refers to",
        Waiting = "waiting": "its turn has not come, or its work is not finished",
        Twice = "twice": "one more record of the target with the marker of a record that is there: made by people, or by a copy of the project; or a message that is in its ticket a second time",
    }
}

impl Outcome {
    pub const fn of(state: State) -> Outcome {
        match state {
            State::Done => Outcome::Migrated,
            State::Skipped => Outcome::Skipped,
            State::Failed => Outcome::Failed,
            State::InDoubt => Outcome::InDoubt,
            State::Parked => Outcome::Parked,
            State::Staged | State::Planned | State::Writing => Outcome::Waiting,
        }
    }
}
