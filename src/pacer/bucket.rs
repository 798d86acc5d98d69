//! A token bucket whose rate may change with every response: `governor`'s, on a clock of our own.
//!
//! A governor limiter fixes its quota at birth, and a fresh one is full: made anew at every response it gives
//! its burst away, and drained at every response it forgets the credit of the time since the last call. So the
//! limiter is made once and never swapped. Its quota is one call a *beat*, and its [`Beat`] is what follows the
//! headers: it goes forward by time × rate. A change of rate is a change of its speed, which gives no burst and
//! forgets nothing; a pause is a beat that stands still; a call dearer than it looked sets the beat back, and
//! those after it wait.
//!
//! Governor counts in thousandths of a call, since the burst and what a call costs need not be whole. It has no
//! way to ask without taking, so a look takes a call and gives it back.

use governor::clock::Clock;
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Governor's cells in a call.
const CALL: NonZeroU32 = NonZeroU32::new(1000).unwrap();
const CELL: NonZeroU32 = NonZeroU32::MIN;
/// What a cell, and what a call takes on the beat.
const BEAT_OF_CELL: Duration = Duration::from_micros(1);
const BEAT_OF_CALL: f64 = 1e6;
/// The beat begins a million calls after the limiter's birth, so that it can be set back.
const BEGIN: f64 = 1e6 * BEAT_OF_CALL;
/// Nobody is told to wait longer than this at once.
const LONGEST: Duration = Duration::from_secs(3600);

/// The clock of the limiter, in nanoseconds of which [`BEAT_OF_CALL`] earn a call.
#[derive(Clone, Debug, Default)]
struct Beat(Arc<AtomicU64>);

impl Clock for Beat {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.load(Ordering::Relaxed).into()
    }
}

#[derive(Debug)]
pub(super) struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, Beat, StateInformationMiddleware>,
    /// Where the limiter's clock stands, with the fraction of a nanosecond that it does not show.
    beat: f64,
    /// Calls per second. `None` never holds a call.
    rate: Option<f64>,
    at: Instant,
}

impl Bucket {
    /// A bucket that lets one call through at once and saves up at most `most` calls (never less than one).
    pub fn new(most: f64, rate: Option<f64>, now: Instant) -> Self {
        let most = NonZeroU32::new((most * f64::from(CALL.get())) as u32).map_or(CALL, |most| most.max(CALL));
        let quota = Quota::with_period(BEAT_OF_CELL).unwrap_or(Quota::per_second(CALL)).allow_burst(most);
        let limiter = RateLimiter::direct_with_clock(quota, Beat::default()).with_middleware();
        let mut bucket = Self { limiter, beat: BEGIN, rate, at: now };
        bucket.give(0.0);
        bucket.keep_one();
        bucket
    }

    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Credits the time since the last look, at the rate that held.
    pub fn advance(&mut self, now: Instant) {
        let spent = now.saturating_duration_since(self.at);
        if spent.is_zero() {
            return;
        }
        self.at = now;
        if let Some(rate) = self.rate {
            self.give(rate * spent.as_secs_f64());
        }
    }

    /// The rate from now on. Call [`Bucket::advance`] first.
    pub fn set_rate(&mut self, rate: Option<f64>) {
        if self.rate.is_none() {
            self.keep_one();
        }
        self.rate = rate;
    }

    /// Nothing is saved up until `then`, and one call at most is ready there.
    pub fn hold_until(&mut self, then: Instant) {
        self.at = self.at.max(then);
        self.keep_one();
    }

    /// How long until a call may go, at the rate of now.
    pub fn wait(&mut self) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        match self.take(CALL) {
            Ok(_) => {
                self.give(1.0);
                Duration::ZERO
            }
            Err(beats) => {
                let calls = beats.as_nanos() as f64 / BEAT_OF_CALL;
                Duration::try_from_secs_f64(calls / rate.max(1e-6)).unwrap_or(LONGEST).min(LONGEST)
            }
        }
    }

    /// Takes the price of a call. A call may cost more than is saved up: those after it wait for it.
    pub fn spend(&mut self, cost: f64) {
        if self.rate.is_some() {
            // A call taken first brings a full limiter's account up to now: setting its clock back costs nothing before.
            let paid = if self.take(CALL).is_ok() { 1.0 } else { 0.0 };
            self.give(paid - cost);
        }
    }

    /// Moves the beat by so many calls, back for a price.
    fn give(&mut self, calls: f64) {
        self.beat = (self.beat + calls * BEAT_OF_CALL).max(0.0);
        self.limiter.clock().0.store(self.beat.round() as u64, Ordering::Relaxed);
    }

    fn take(&self, cells: NonZeroU32) -> Result<StateSnapshot, Duration> {
        match self.limiter.check_n(cells) {
            Ok(Ok(left)) => Ok(left),
            Ok(Err(not_until)) => Err(not_until.wait_time_from(self.limiter.clock().now())),
            // No burst is smaller than a call, and no more than is left is ever taken.
            Err(_) => Err(BEAT_OF_CELL),
        }
    }

    /// Forgets what is saved up beyond one call.
    fn keep_one(&mut self) {
        let Ok(left) = self.take(CELL) else { return };
        self.give(1.0 / f64::from(CALL.get()));
        if let Some(beyond) = NonZeroU32::new(left.remaining_burst_capacity().saturating_sub(CALL.get() - 1)) {
            let _ = self.take(beyond);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(bucket: &mut Bucket, from: Instant, span: Duration) -> usize {
        let mut now = from;
        let mut calls = 0;
        loop {
            bucket.advance(now);
            let wait = bucket.wait();
            if wait.is_zero() {
                bucket.spend(1.0);
                calls += 1;
            } else {
                now += wait + Duration::from_micros(1);
            }
            if now >= from + span {
                return calls;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_rate_neither_gives_a_burst_nor_forgets_credit() {
        let start = Instant::now();
        let mut bucket = Bucket::new(2.0, Some(10.0), start);
        assert_eq!(count(&mut bucket, start, Duration::from_secs(10)), 100);
        for second in 10..20 {
            let now = start + Duration::from_secs(second);
            bucket.advance(now);
            bucket.set_rate(Some(if second % 2 == 0 { 5.0 } else { 15.0 }));
            let calls = count(&mut bucket, now, Duration::from_secs(1));
            assert!(calls == if second % 2 == 0 { 5 } else { 15 } || calls == 6, "{second}: {calls}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_saves_up_no_more_than_the_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3.0, Some(10.0), start);
        let later = start + Duration::from_secs(3600);
        assert_eq!(count(&mut bucket, later, Duration::from_millis(1)), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dear_call_is_paid_by_those_after_it() {
        let start = Instant::now();
        let mut bucket = Bucket::new(2.0, Some(1.0), start);
        bucket.spend(5.0);
        assert_eq!(bucket.wait(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_price_learned_late_is_paid_from_a_full_bucket_too() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3.0, Some(1.0), start);
        bucket.advance(start + Duration::from_secs(3600));
        bucket.spend(4.5);
        assert_eq!(bucket.wait(), Duration::from_millis(2500));
        bucket.spend(-1.25);
        assert_eq!(bucket.wait(), Duration::from_millis(1250));
    }

    #[tokio::test(start_paused = true)]
    async fn credit_survives_a_change_of_rate_at_every_look_and_looking_is_free() {
        let start = Instant::now();
        let mut bucket = Bucket::new(2.0, Some(10.0), start);
        let mut calls = 0;
        for tick in 1..=100_000u64 {
            let now = start + Duration::from_millis(tick);
            bucket.advance(now);
            bucket.set_rate(Some(if tick % 2 == 0 { 7.0 } else { 13.0 }));
            if bucket.wait().is_zero() && bucket.wait().is_zero() {
                bucket.spend(1.0);
                calls += 1;
            }
        }
        assert!((1000..=1001).contains(&calls), "10 a second for 100 seconds, not {calls}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_leaves_one_call_at_its_end() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, Some(10.0), start);
        bucket.advance(start + Duration::from_secs(60));
        let end = start + Duration::from_secs(90);
        bucket.hold_until(end);
        assert_eq!(count(&mut bucket, end, Duration::from_millis(1)), 1);
    }
}
