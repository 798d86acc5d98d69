//! Stopping a run: a signal or too many failures let the step in flight finish and nothing new begin. Where that takes too long, or
//! a second signal comes, it is left as a killed run leaves it.

use super::Stop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the steps in flight may take to end. One may wait an hour for a limit.
const GRACE: Duration = Duration::from_secs(10);

/// Shared by all tasks of a run.
#[derive(Clone)]
pub struct Halt {
    interrupted: CancellationToken,
    signalled: CancellationToken,
    at_once: CancellationToken,
    failures: Arc<AtomicU64>,
    max_failures: Option<u64>,
}

impl Halt {
    pub fn new(max_failures: Option<u64>) -> Self {
        Self {
            interrupted: CancellationToken::new(),
            signalled: CancellationToken::new(),
            at_once: CancellationToken::new(),
            failures: Arc::default(),
            max_failures,
        }
    }

    /// Asks all tasks to end after the step in flight.
    pub fn interrupt(&self) {
        self.interrupted.cancel();
    }

    /// A person, or the system, asks the same; asked again, without waiting for the step in flight.
    pub fn signal(&self) {
        if self.signalled.is_cancelled() {
            self.at_once.cancel();
        }
        self.signalled.cancel();
        self.interrupt();
    }

    /// Comes when a signal came and the steps in flight were waited for long enough.
    pub async fn overdue(&self) {
        self.signalled.cancelled().await;
        tokio::select! {
            () = tokio::time::sleep(GRACE) => {}
            () = self.at_once.cancelled() => {}
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_step_in_flight_is_waited_for_a_while_and_after_a_second_signal_no_more() {
        let (halt, began) = (Halt::new(None), Instant::now());
        halt.signal();
        assert!(halt.check().is_err());
        halt.overdue().await;
        assert_eq!(began.elapsed(), GRACE);
        let (halt, began) = (Halt::new(None), Instant::now());
        halt.signal();
        halt.signal();
        halt.overdue().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        let halt = Halt::new(None);
        halt.interrupt();
        let overdue = tokio::time::timeout(GRACE * 2, halt.overdue()).await;
        assert!(overdue.is_err(), "a run that stops by itself is waited for");
    }
}
