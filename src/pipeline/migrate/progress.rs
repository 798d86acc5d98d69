//! How far a kind is, told no oftener than anybody looks.

use super::Run;
use crate::ledger::State;
use crate::pipeline::{Event, Stop};
use crate::record::Kind;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Between two words of progress.
const BETWEEN_WORDS: Duration = Duration::from_millis(500);

impl Run<'_> {
    /// All records are counted for it: that is not done more often than anybody looks.
    pub(super) fn told_long_ago(&self) -> bool {
        let mut last = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let long_ago = last.is_none_or(|at| at.elapsed() >= BETWEEN_WORDS);
        if long_ago {
            *last = Some(Instant::now());
        }
        long_ago
    }

    pub(super) async fn tell_progress(&self, kind: Kind) -> Result<(), Stop> {
        let mut counts = std::collections::BTreeMap::new();
        for count in self.job.link.counts().await?.into_iter().filter(|c| c.kind == kind) {
            *counts.entry(count.state).or_insert(0) += count.records;
        }
        if counts.is_empty() {
            return Ok(());
        }
        let of = |state: State| counts.get(&state).copied().unwrap_or(0);
        (self.job.tell)(Event::Progress {
            kind,
            total: counts.values().sum(),
            done: of(State::Done),
            skipped: of(State::Skipped),
            failed: of(State::Failed),
            parked: of(State::Parked),
            in_doubt: of(State::InDoubt),
        });
        Ok(())
    }
}
