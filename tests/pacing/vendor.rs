//! A vendor that counts honestly and says so honestly, as a plain state machine over virtual time. It shares no
//! code with the pacer and keeps the log from which the tests count.

use std::collections::VecDeque;

/// How the vendor counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Counts {
    /// A count that starts anew every `per` seconds, `phase` seconds after the run began.
    Fixed { phase: f64 },
    /// The calls of the last `per` seconds.
    Sliding,
    /// A bucket of `limit` calls that drains within `per` seconds.
    Leaky,
}

/// How the vendor words the end of its window. Sliding: when the oldest call falls out. Leaky: when it is empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Says {
    SecondsUp,
    SecondsDown,
    Exact,
    Unix,
    Nothing,
}

pub struct Vendor {
    pub limit: u32,
    pub per: f64,
    pub counts: Counts,
    pub says: Says,
    /// When the run began, in Unix seconds.
    pub epoch: f64,
    taken: VecDeque<f64>,
    level: f64,
    level_at: f64,
    window: i64,
    used: u32,
    /// Every call: when, whose (0 is ours), and whether it was taken.
    pub log: Vec<(f64, usize, bool)>,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
}

impl Vendor {
    pub fn new(limit: u32, per: f64, counts: Counts, says: Says, epoch: f64) -> Self {
        let taken = VecDeque::new();
        Self {
            limit,
            per,
            counts,
            says,
            epoch,
            taken,
            level: 0.0,
            level_at: 0.0,
            window: i64::MIN,
            used: 0,
            log: vec![],
        }
    }

    pub fn call(&mut self, who: usize, now: f64) -> Answer {
        self.forget(now);
        let free = self.free();
        let taken = free >= 1.0;
        if taken {
            match self.counts {
                Counts::Fixed { .. } => self.used += 1,
                Counts::Sliding => self.taken.push_back(now),
                Counts::Leaky => self.level += 1.0,
            }
        }
        self.log.push((now, who, taken));
        let mut headers =
            vec![("x-limit", self.limit.to_string()), ("x-remaining", format!("{}", self.free().max(0.0).floor()))];
        let over = self.over(now);
        match self.says {
            Says::SecondsUp => headers.push(("x-reset", format!("{}", over.ceil()))),
            Says::SecondsDown => headers.push(("x-reset", format!("{}", over.floor()))),
            Says::Exact => headers.push(("x-reset", format!("{over:.3}"))),
            Says::Unix => headers.push(("x-reset", format!("{}", (self.epoch + now + over).ceil()))),
            Says::Nothing => {}
        }
        if !taken {
            headers.push(("retry-after", format!("{}", self.next(now).ceil().max(1.0))));
        }
        Answer { status: if taken { 200 } else { 429 }, headers }
    }

    fn forget(&mut self, now: f64) {
        match self.counts {
            Counts::Fixed { phase } => {
                let window = ((now - phase) / self.per).floor() as i64;
                if window != self.window {
                    (self.window, self.used) = (window, 0);
                }
            }
            Counts::Sliding => {
                while self.taken.front().is_some_and(|at| at + self.per <= now) {
                    self.taken.pop_front();
                }
            }
            Counts::Leaky => {
                let drained = (now - self.level_at) * f64::from(self.limit) / self.per;
                (self.level, self.level_at) = ((self.level - drained).max(0.0), now);
            }
        }
    }

    fn free(&self) -> f64 {
        match self.counts {
            Counts::Fixed { .. } => f64::from(self.limit - self.used),
            Counts::Sliding => f64::from(self.limit) - self.taken.len() as f64,
            Counts::Leaky => f64::from(self.limit) - self.level,
        }
    }

    /// Seconds until the window is over.
    fn over(&self, now: f64) -> f64 {
        match self.counts {
            Counts::Fixed { phase } => phase + (self.window + 1) as f64 * self.per - now,
            Counts::Sliding => self.taken.front().map_or(0.0, |at| at + self.per - now),
            Counts::Leaky => self.level * self.per / f64::from(self.limit),
        }
    }

    /// Seconds until a refused call would be taken.
    fn next(&self, now: f64) -> f64 {
        match self.counts {
            Counts::Leaky => (1.0 - self.free()) * self.per / f64::from(self.limit),
            _ => self.over(now),
        }
    }
}
