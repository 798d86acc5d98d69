//! Who asked first. A call lets an older one pass that shares a limit with it and could go now, so that a call
//! under a narrow limit is not starved by those that need only the wide one.
//!
//! A place is no lock: an older call whose future nobody polls is passed over after a moment, so that a task
//! that holds one future and awaits another does not stop the account.

use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// How long a call that could go is waited for.
const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<u64, Waiting>,
    last: u64,
}

#[derive(Debug)]
struct Waiting {
    rows: Vec<usize>,
    since: Instant,
    /// Since when it could go, had it been polled.
    could_go: Option<Instant>,
}

impl Queue {
    pub fn enter(&mut self, rows: Vec<usize>, now: Instant) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, Waiting { rows, since: now, could_go: None });
        self.last
    }

    /// Gives up the place. How long it was held; nothing, where it was given up before.
    pub fn leave(&mut self, ticket: u64, now: Instant) -> Duration {
        self.waiting.remove(&ticket).map(|w| now.saturating_duration_since(w.since)).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn rows(&self, ticket: u64) -> Vec<usize> {
        self.waiting.get(&ticket).map(|w| w.rows.clone()).unwrap_or_default()
    }

    /// Older calls that share one of `rows`.
    pub fn before(&self, ticket: u64, rows: &[usize]) -> Vec<(u64, Vec<usize>)> {
        let older = self.waiting.range(..ticket);
        let sharing = older.filter(|(_, w)| w.rows.iter().any(|row| rows.contains(row)));
        sharing.map(|(ticket, w)| (*ticket, w.rows.clone())).collect()
    }

    /// Whether an older call is to go first, and until when it is waited for.
    pub fn turn(&mut self, elder: u64, ready: bool, now: Instant) -> Option<Instant> {
        let waiting = self.waiting.get_mut(&elder)?;
        waiting.could_go = ready.then_some(waiting.could_go.unwrap_or(now));
        waiting.could_go.map(|since| since + PATIENCE).filter(|patience| *patience > now)
    }
}
