//! Keeps the calls to one account within the platform's limits: as many as it allows, and not one more.
//!
//! Every [`Row`] that matches a call holds it back, in this order: a pause the platform asked for, the slots for
//! calls under way, what its headers say remains, and a token bucket for the rate. All matching rows are taken
//! together or not at all, so that a call that waits for one limit uses up none of another.
//!
//! Waiting uses tokio's clock, so tests pause it. The pacer starts no task: who drops the future of
//! [`Pacer::acquire`] or a [`Permit`] has given back whatever was held. It never sends anything and never
//! decides whether a call is repeated; that is the client's part.

mod bucket;
mod budget;
mod headers;
mod limit;
mod queue;
mod row;
mod slots;

pub use headers::{dated, retry_after};
pub use row::{Headers, Names, Pattern, Rate, ResetFormat, Row};

use crate::clock;
use headers::hear;
use jiff::Timestamp;
use limit::{Limit, Taken, Wait};
use queue::Queue;
use reqwest::header::HeaderMap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The time of day, against which a vendor's dates are read when its response does not show its own clock.
#[derive(Clone, Debug)]
pub struct Clock(Option<(Instant, Timestamp)>);

impl Clock {
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that shows `at` now and goes on with tokio's, paused or not.
    pub fn starting_at(at: Timestamp) -> Self {
        Self(Some((Instant::now(), at)))
    }

    fn now(&self) -> Timestamp {
        match self.0 {
            None => clock::wall(),
            Some((start, at)) => at.saturating_add(start.elapsed()).unwrap_or(at),
        }
    }
}

/// The limits of one account, shared by all who call it.
#[derive(Clone, Debug)]
pub struct Pacer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Mutex<Limits>,
    /// Something changed that may let a waiting call go.
    changed: Notify,
    clock: Clock,
}

#[derive(Debug)]
struct Limits {
    rows: Vec<Limit>,
    queue: Queue,
    /// Calls let through so far.
    seq: u64,
    waits: u64,
    waited: Duration,
}

/// How one limit stands, for `-v` and the progress line.
#[derive(Clone, Debug, PartialEq)]
pub struct RowUse {
    /// What the row matches, in the manifest's words.
    pub name: String,
    pub calls: u64,
    /// 429 and 503 answers.
    pub push_backs: u64,
    /// Calls per second at which it lets through now. `None`: as fast as they come.
    pub rate: Option<f64>,
    pub under_way: u32,
    pub slots: Option<u32>,
    /// Calls the platform said remain, less those under way.
    pub remaining: Option<f64>,
    /// How long the platform asked to wait from now.
    pub paused: Option<Duration>,
}

/// How all limits of the account stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Calls that had to wait, and for how long in sum.
    pub waits: u64,
    pub waited: Duration,
    pub rows: Vec<RowUse>,
}

/// Longer than any limit lasts.
const FOR_EVER: Duration = Duration::from_secs(366 * 24 * 3600);

impl Pacer {
    /// `reserve` is the share of every limit left to the people at work, from 0 to 0.9; a value beyond is cut.
    pub fn new(rows: Vec<Row>, reserve: f64, clock: Clock) -> Self {
        let now = Instant::now();
        let reserve = if reserve.is_finite() { reserve.clamp(0.0, 0.9) } else { 0.0 };
        let mut rows: Vec<Limit> = rows.into_iter().map(|row| Limit::new(row, reserve, now)).collect();
        // A call no row covers still obeys Retry-After.
        rows.push(Limit::new(Row::default(), 0.0, now));
        let limits = Mutex::new(Limits { rows, queue: Queue::default(), seq: 0, waits: 0, waited: Duration::ZERO });
        Self { shared: Arc::new(Shared { limits, changed: Notify::new(), clock }) }
    }

    /// Waits until every limit that covers the call lets it go. `path` is relative to the API's base, without query.
    /// The permit is held until the answer was read to its end. Dropping the future leaves no trace.
    pub async fn acquire(&self, method: &str, path: &str) -> Permit {
        loop {
            if let Some(permit) = self.acquire_by(method, path, Instant::now() + FOR_EVER).await {
                return permit;
            }
        }
    }

    /// Whether a call waits for its turn now.
    pub fn holds_calls_back(&self) -> bool {
        !self.shared.lock().queue.is_empty()
    }

    /// The same, unless the call would not go before `deadline`: none as soon as that is known.
    pub async fn acquire_by(&self, method: &str, path: &str, deadline: Instant) -> Option<Permit> {
        let shape = format!("{method} {}", shape(path));
        let place = Place::at_the_end(&self.shared, method, path);
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let taken = self.shared.lock().take(place.ticket, &shape);
            match taken {
                Ok(taken) => {
                    return Some(Permit { shared: self.shared.clone(), taken, shape, answered: false.into() });
                }
                Err(Wait::Until(then)) if then >= deadline => return None,
                Err(Wait::Release) => tokio::time::timeout_at(deadline, changed).await.ok()?,
                Err(Wait::Until(then)) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(then) => {}
                },
            }
        }
    }

    /// Learns from the head of a response. Call it once, as soon as the head is there.
    pub fn observe(&self, permit: &Permit, status: u16, said: &HeaderMap) {
        let wall = self.shared.clock.now();
        let now = Instant::now();
        let mut limits = self.shared.lock();
        let last = limits.seq;
        permit.answer(&mut limits);
        let heard: Vec<_> =
            permit.taken.iter().map(|(row, _)| hear(&limits.rows[*row].row.headers, said, wall)).collect();
        let none_guilty = heard.iter().all(Limit::exonerated_by);
        for ((row, taken), heard) in permit.taken.iter().zip(&heard) {
            let limit = &mut limits.rows[*row];
            match status {
                429 | 503 if none_guilty || !Limit::exonerated_by(heard) => limit.pushed_back(heard, taken, last, now),
                _ => limit.went_well(heard, taken, &permit.shape, last, now),
            }
        }
        drop(limits);
        self.shared.changed.notify_waiters();
    }

    /// Calls per second that the limits let through window after window, whatever is left of the present one; `None`: as fast
    /// as they come.
    pub fn rate_of(&self, method: &str, path: &str) -> Option<f64> {
        let limits = self.shared.lock();
        let rates = limits.covering(method, path).into_iter().filter_map(|at| limits.rows[at].sustained());
        rates.min_by(f64::total_cmp)
    }

    /// The least time in which the limits let these calls through, given as `METHOD /path` with their number; none where
    /// no rate limits them. Calls under different limits go side by side: the slowest limit decides.
    pub fn time_for(&self, calls: &BTreeMap<String, u64>) -> Option<Duration> {
        let limits = self.shared.lock();
        let mut seconds: BTreeMap<usize, f64> = BTreeMap::new();
        for (call, n) in calls {
            let (method, path) = call.split_once(' ').unwrap_or(("GET", call));
            for at in limits.covering(method, path) {
                if let Some(rate) = limits.rows[at].sustained().filter(|rate| *rate > 0.0) {
                    *seconds.entry(at).or_default() += *n as f64 / rate;
                }
            }
        }
        seconds.into_values().max_by(f64::total_cmp).map(Duration::from_secs_f64)
    }

    pub fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let limits = self.shared.lock();
        let rows = limits.rows.iter().enumerate().filter(|(at, limit)| limits.is_named(*at) || limit.calls > 0);
        Snapshot {
            waits: limits.waits,
            waited: limits.waited,
            rows: rows.map(|(_, limit)| RowUse::of(limit, now)).collect(),
        }
    }
}

impl RowUse {
    fn of(limit: &Limit, now: Instant) -> Self {
        Self {
            name: limit.row.name(),
            calls: limit.calls,
            push_backs: limit.push_backs,
            rate: limit.rate(),
            under_way: limit.busy(),
            slots: limit.slots(),
            remaining: limit.remaining(),
            paused: limit.resume_at().map(|at| at.saturating_duration_since(now)).filter(|d| !d.is_zero()),
        }
    }
}

impl Shared {
    /// The state is plain numbers, right after each line: a panic elsewhere while it was locked harms nothing.
    fn lock(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limits {
    fn covering(&self, method: &str, path: &str) -> Vec<usize> {
        let named = self.rows.len() - 1;
        let rows: Vec<usize> = (0..named).filter(|at| self.rows[*at].row.covers(method, path)).collect();
        if rows.is_empty() { vec![named] } else { rows }
    }

    fn is_named(&self, at: usize) -> bool {
        at + 1 < self.rows.len()
    }

    /// Whether all of `rows` let a call go now.
    fn ready(&mut self, rows: &[usize], now: Instant) -> Result<(), Wait> {
        let mut until = None;
        for row in rows {
            match self.rows[*row].ready(now) {
                Ok(()) => {}
                Err(Wait::Release) => return Err(Wait::Release),
                Err(Wait::Until(then)) => until = until.max(Some(then)),
            }
        }
        until.map_or(Ok(()), |then| Err(Wait::Until(then)))
    }

    /// Takes a call from every row of the ticket, or from none.
    fn take(&mut self, ticket: u64, shape: &str) -> Result<Vec<(usize, Taken)>, Wait> {
        let now = Instant::now();
        let rows = self.queue.rows(ticket);
        self.ready(&rows, now)?;
        for (elder, elders_rows) in self.queue.before(ticket, &rows) {
            let ready = self.ready(&elders_rows, now).is_ok();
            if let Some(patience) = self.queue.turn(elder, ready, now) {
                return Err(Wait::Until(patience));
            }
        }
        self.seq += 1;
        let waited = self.queue.leave(ticket, now);
        if !waited.is_zero() {
            self.waits += 1;
            self.waited += waited;
        }
        Ok(rows.iter().map(|row| (*row, self.rows[*row].take(self.seq, shape, now))).collect())
    }
}

/// A place in the queue, given up when dropped.
struct Place<'a> {
    shared: &'a Shared,
    ticket: u64,
}

impl<'a> Place<'a> {
    fn at_the_end(shared: &'a Shared, method: &str, path: &str) -> Self {
        let mut limits = shared.lock();
        let rows = limits.covering(method, path);
        let ticket = limits.queue.enter(rows, Instant::now());
        Self { shared, ticket }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.lock().queue.leave(self.ticket, Instant::now());
        self.shared.changed.notify_waiters();
    }
}

/// The right to make one call. Dropped when the answer was read to its end, or given up.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
    /// By row.
    taken: Vec<(usize, Taken)>,
    shape: String,
    answered: std::sync::atomic::AtomicBool,
}

impl Permit {
    fn answer(&self, limits: &mut Limits) {
        if !self.answered.swap(true, std::sync::atomic::Ordering::Relaxed) {
            self.taken.iter().for_each(|(row, taken)| limits.rows[*row].answered(taken));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let shared = self.shared.clone();
        let mut limits = shared.lock();
        self.answer(&mut limits);
        self.taken.iter().for_each(|(row, _)| limits.rows[*row].leave());
        drop(limits);
        shared.changed.notify_waiters();
    }
}

/// A path with its ids folded, so that calls of one sort look alike: `/tickets/12/comments` → `/tickets/:id/comments`.
/// A segment with a digit in it counts as an id, but for versions like `v2` and `2.0`.
pub fn shape(path: &str) -> String {
    let fold = |segment: &str| {
        let version = segment.trim_start_matches('v').bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && segment.starts_with('v') | segment.contains('.');
        if version || !segment.bytes().any(|b| b.is_ascii_digit()) {
            return segment.to_owned();
        }
        match segment.split_once('.') {
            Some((_, ending)) if !ending.bytes().any(|b| b.is_ascii_digit()) => format!(":id.{ending}"),
            _ => ":id".to_owned(),
        }
    };
    path.split('/').map(fold).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests;
