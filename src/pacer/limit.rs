//! One limit of one account: everything that may hold a call back, in the order it is asked. It is a plain state
//! machine over a given "now"; the pacer puts the lock and the waiting around it.

use super::bucket::Bucket;
use super::budget::{Answer, Budget, SHARE, SHARE_COUNTED};
use super::headers::Heard;
use super::row::Row;
use super::slots::Slots;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Most calls saved up while nobody asked.
const BURST: f64 = 10.0;
/// Shapes of calls whose cost is remembered.
const SHAPES: usize = 1_000;
/// The longest pause we choose by ourselves.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

/// Why a call must wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wait {
    /// Until then, or until something changes.
    Until(Instant),
    /// Until a call under way is answered or over.
    Release,
}

/// What one call took from one limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub seq: u64,
    pub cost: f64,
    sent: Instant,
    answered_before: f64,
}

#[derive(Debug)]
pub(super) struct Limit {
    pub row: Row,
    /// The share of the limit that is left to people.
    reserve: f64,
    bucket: Bucket,
    budget: Option<Budget>,
    slots: Slots,
    resume_at: Option<Instant>,
    /// Push-backs in a row, volleys counted once.
    refusals: u32,
    /// Where no window's end is known: the share of the manifest's rate that goes through without push-back.
    pace: f64,
    /// Where it is known: calls left unused because others use the account too.
    margin: f64,
    costs: HashMap<String, f64>,
    /// Cost of the calls under way, not yet answered.
    out: f64,
    /// Cost of all calls answered so far.
    answered: f64,
    pub calls: u64,
    pub push_backs: u64,
}

impl Limit {
    pub fn new(row: Row, reserve: f64, now: Instant) -> Self {
        // A burst on top of SHARE of the rate must not reach beyond the rate in any window.
        let burst = row.rate.map_or(BURST, |rate| (1.0 + 0.025 * f64::from(rate.calls.get())).min(BURST));
        let mut limit = Self {
            reserve,
            bucket: Bucket::new(burst, None, now),
            budget: None,
            slots: Slots::new(row.concurrency),
            resume_at: None,
            refusals: 0,
            pace: 1.0,
            margin: 0.0,
            costs: HashMap::new(),
            out: 0.0,
            answered: 0.0,
            calls: 0,
            push_backs: 0,
            row,
        };
        limit.bucket.set_rate(limit.base());
        limit
    }

    /// Whether a call may go now.
    pub fn ready(&mut self, now: Instant) -> Result<(), Wait> {
        self.advance(now);
        if let Some(resume_at) = self.resume_at.filter(|at| *at > now) {
            return Err(Wait::Until(resume_at));
        }
        if self.slots.full() {
            return Err(Wait::Release);
        }
        let kept = self.kept();
        let refill = self.refill();
        let over_at = self.budget.as_ref().and_then(Budget::over_at);
        if let Some(budget) = self.budget.as_ref().filter(|b| b.usable(kept) < 1.0) {
            let missing = Duration::from_secs_f64(((1.0 - budget.usable(kept)) / refill).min(3600.0));
            return Err(match over_at {
                Some(over) => Wait::Until(over),
                None if self.out > 0.0 => Wait::Release,
                None => Wait::Until(now + missing.max(Duration::from_millis(1))),
            });
        }
        let wait = self.bucket.wait();
        if wait.is_zero() {
            return Ok(());
        }
        // The rate may be another one once the window is over.
        Err(Wait::Until((now + wait).min(over_at.unwrap_or(now + wait))))
    }

    /// Call `seq` of this shape goes out.
    pub fn take(&mut self, seq: u64, shape: &str, now: Instant) -> Taken {
        let cost = self.costs.get(shape).copied().unwrap_or(1.0);
        self.slots.enter();
        self.bucket.spend(cost);
        if let Some(budget) = &mut self.budget {
            budget.spend(cost);
        }
        self.out += cost;
        self.calls += 1;
        Taken { seq, cost, sent: now, answered_before: self.answered }
    }

    /// The answer came, or nobody waits for it any more.
    pub fn answered(&mut self, taken: &Taken) {
        self.out = (self.out - taken.cost).max(0.0);
        self.answered += taken.cost;
    }

    /// The call is over, its body too.
    pub fn leave(&mut self) {
        self.slots.leave();
    }

    /// Learns from a response that is no push-back; `last` is the newest call sent so far.
    pub fn went_well(&mut self, heard: &Heard, taken: &Taken, shape: &str, last: u64, now: Instant) {
        self.advance(now);
        self.refusals = 0;
        self.slots.grow();
        let window = self.window_calls();
        self.margin -= self.margin / window;
        self.pace = (self.pace + 0.15 / window).min(1.0);
        self.learn_cost(heard, shape, taken.cost);
        self.hear(heard, taken, last, now);
    }

    /// Learns from a push-back.
    pub fn pushed_back(&mut self, heard: &Heard, taken: &Taken, last: u64, now: Instant) {
        self.advance(now);
        self.push_backs += 1;
        self.hear(heard, taken, last, now);
        let over_at = self.budget.as_ref().and_then(Budget::over_at);
        if self.slots.cut(taken.seq, last) {
            self.refusals += 1;
            let window = self.window_calls();
            match over_at {
                Some(_) => self.margin = (self.margin + 1.0 + 0.01 * window).min(0.2 * window),
                None => self.pace = (self.pace * 0.85).max(0.05),
            }
        }
        let pause = heard.retry.unwrap_or_else(|| match over_at.filter(|_| heard.remaining == Some(0.0)) {
            Some(over) => over.saturating_duration_since(now),
            None => Duration::from_secs(1 << self.refusals.clamp(1, 7) >> 1).min(LONGEST_BACK_OFF),
        });
        let resume_at = self.resume_at.map_or(now + pause, |at| at.max(now + pause));
        self.resume_at = Some(resume_at);
        self.bucket.hold_until(resume_at);
        self.set_rate(now);
    }

    /// A row whose own headers say that calls remain is not the one that pushed back.
    pub fn exonerated_by(heard: &Heard) -> bool {
        heard.remaining.is_some_and(|n| n >= 1.0)
    }

    pub fn rate(&self) -> Option<f64> {
        self.bucket.rate()
    }

    /// Calls per second over many windows: the whole limit in its span. Where no span is known, what goes through now.
    pub fn sustained(&self) -> Option<f64> {
        self.base().or_else(|| self.rate())
    }

    pub fn busy(&self) -> u32 {
        self.slots.busy()
    }

    pub fn slots(&self) -> Option<u32> {
        self.slots.allowed()
    }

    pub fn resume_at(&self) -> Option<Instant> {
        self.resume_at
    }

    pub fn remaining(&self) -> Option<f64> {
        self.budget.as_ref().map(|b| b.usable(0.0).max(0.0))
    }

    fn advance(&mut self, now: Instant) {
        self.bucket.advance(now);
        let (kept, refill, idle) = (self.kept(), self.refill(), self.out <= 0.0);
        if self.budget.as_mut().is_some_and(|b| b.advance(kept, refill, idle, now)) {
            self.set_rate(now);
        }
    }

    fn hear(&mut self, heard: &Heard, taken: &Taken, last: u64, now: Instant) {
        let beside = self.out + (self.answered - taken.answered_before - taken.cost).max(0.0);
        let answer = Answer { heard, seq: taken.seq, last, beside, sent: taken.sent, now };
        match &mut self.budget {
            Some(budget) => budget.hear(&answer, self.row.rate.map(|rate| rate.per)),
            None => self.budget = Budget::first(&answer),
        }
        self.set_rate(now);
    }

    fn set_rate(&mut self, now: Instant) {
        let kept = self.kept();
        let rate = self.budget.as_ref().and_then(|b| b.rate(kept, now)).or_else(|| self.base());
        self.bucket.set_rate(rate);
    }

    fn learn_cost(&mut self, heard: &Heard, shape: &str, expected: f64) {
        let Some(cost) = heard.cost else { return };
        self.bucket.spend(cost - expected);
        if self.costs.len() < SHAPES || self.costs.contains_key(shape) {
            self.costs.insert(shape.to_owned(), cost);
        }
    }

    /// Calls per second where no window's end is known: the manifest's rate, or as many calls in its span as a response
    /// said it allows.
    fn base(&self) -> Option<f64> {
        let share = if self.budget.is_some() { SHARE_COUNTED } else { SHARE };
        let told = self.budget.as_ref().and_then(|b| b.limit);
        self.row.rate.map(|rate| {
            let whole = told.map_or(rate.per_second(), |calls| calls / rate.per.as_secs_f64());
            whole * (1.0 - self.reserve) * share * self.pace
        })
    }

    /// How fast a budget that is used up, with no end in evaluation context, is taken to come back: slowly, since each guess
    /// that is wrong is a refusal, and each answer says the truth.
    fn refill(&self) -> f64 {
        self.base().unwrap_or(1.0) / 2.0
    }

    /// Calls that are left to people and to other programs.
    fn kept(&self) -> f64 {
        let limit = self.budget.as_ref().and_then(|b| b.limit);
        let limit = limit.or_else(|| self.row.rate.map(|rate| f64::from(rate.calls.get())));
        self.margin + limit.map_or(0.0, |limit| limit * self.reserve)
    }

    fn window_calls(&self) -> f64 {
        let limit = self.budget.as_ref().and_then(|b| b.limit);
        limit.or_else(|| self.row.rate.map(|rate| f64::from(rate.calls.get()))).unwrap_or(100.0).max(1.0)
    }
}
