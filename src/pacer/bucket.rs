//! A token bucket whose rate may change with every response.
//!
//! `governor` was tried and left: its quota is fixed at birth, so that each response would need a new limiter,
//! and a new limiter must be drained lest its burst come free. Drained at every response, it forgets the credit
//! of the time since the last call, and ten calls in flight starve each other. A number of tokens and the rate
//! at which they come is all there is to keep.

use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    most: f64,
    /// Tokens per second. `None` never holds a call.
    rate: Option<f64>,
    at: Instant,
}

impl Bucket {
    /// A bucket that lets one call through at once and saves up at most `most` calls.
    pub fn new(most: f64, rate: Option<f64>, now: Instant) -> Self {
        Self { tokens: 1.0, most, rate, at: now }
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
            self.tokens = (self.tokens + rate * spent.as_secs_f64()).min(self.most);
        }
    }

    /// The rate from now on. Call [`Bucket::advance`] first.
    pub fn set_rate(&mut self, rate: Option<f64>) {
        if self.rate.is_none() {
            self.tokens = self.tokens.min(1.0);
        }
        self.rate = rate;
    }

    /// Nothing is saved up until `then`, and one call at most is ready there.
    pub fn hold_until(&mut self, then: Instant) {
        self.at = self.at.max(then);
        self.tokens = self.tokens.min(1.0);
    }

    /// How long until a call may go, at the rate of now.
    pub fn wait(&self) -> Duration {
        match self.rate {
            Some(rate) if self.tokens < 1.0 - 1e-9 => {
                Duration::try_from_secs_f64((1.0 - self.tokens) / rate.max(1e-6)).unwrap_or(Duration::from_secs(3600))
            }
            _ => Duration::ZERO,
        }
    }

    /// Takes the price of a call. A call may cost more than is saved up: those after it wait for it.
    pub fn spend(&mut self, cost: f64) {
        if self.rate.is_some() {
            self.tokens -= cost;
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
}
