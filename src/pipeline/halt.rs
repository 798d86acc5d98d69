//! Stopping a run: a signal or too many failures let the step in flight finish and nothing new begin.

use super::Stop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Shared by all tasks of a run.
#[derive(Clone)]
pub struct Halt {
    interrupted: CancellationToken,
    failures: Arc<AtomicU64>,
    max_failures: Option<u64>,
}

impl Halt {
    pub fn new(max_failures: Option<u64>) -> Self {
        Self { interrupted: CancellationToken::new(), failures: Arc::default(), max_failures }
    }

    /// Asks all tasks to end after the step in flight.
    pub fn interrupt(&self) {
        self.interrupted.cancel();
    }

    /// Counts one failed record.
    pub fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a new step may begin.
    pub fn check(&self) -> Result<(), Stop> {
        if self.interrupted.is_cancelled() {
            return Err(Stop::Interrupted);
        }
        let failures = self.failures.load(Ordering::Relaxed);
        match self.max_failures {
            Some(max) if failures > max => Err(Stop::TooManyFailures(failures)),
            _ => Ok(()),
        }
    }

    /// Waits, or ends at once when the run is to stop.
    pub async fn sleep(&self, time: Duration) -> Result<(), Stop> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.interrupted.cancelled() => Err(Stop::Interrupted),
        }
    }
}
