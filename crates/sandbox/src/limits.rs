//! Counts calls against the limits of a plan, in fixed windows.
//!
//! A window begins with the first call after the one before it ended, and a refused call costs nothing. Which headers
//! tell of it and how a refusal is worded is the desk's.

use super::desk::{Limit, Standing};
use jiff::Timestamp;
use std::str::FromStr;

/// A rate as it is written on the command line: `200/m`, `10/s`, `5000/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub calls: u32,
    pub per_seconds: u32,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write CALLS/s, CALLS/m or CALLS/h, such as 200/m".to_owned();
        let (calls, unit) = text.split_once('/').ok_or_else(wrong)?;
        let per_seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(wrong()),
        };
        let calls = calls.parse().ok().filter(|calls| *calls > 0).ok_or_else(wrong)?;
        Ok(Self { calls, per_seconds })
    }
}

#[derive(Debug)]
struct Window {
    limit: Limit,
    ends: Timestamp,
    used: u32,
}

impl Window {
    fn left(&self) -> u32 {
        self.limit.calls.saturating_sub(self.used)
    }

    /// Whole seconds until the window is over, at least one.
    fn reset(&self, now: Timestamp) -> u32 {
        let left = self.ends.as_millisecond().saturating_sub(now.as_millisecond());
        u32::try_from(left.div_euclid(1000) + i64::from(left % 1000 != 0)).unwrap_or(0).max(1)
    }
}

/// All limits of an account.
#[derive(Debug, Default)]
pub struct Limits {
    windows: Vec<Window>,
}

impl Limits {
    /// The first of `limits` is the account's own: `rate`, when given, stands in its place, and the others change with it.
    pub fn new(limits: Vec<Limit>, rate: Option<Rate>) -> Self {
        let mut limits = limits;
        if let Some(rate) = rate {
            match limits.split_first_mut() {
                Some((first, others)) => {
                    let per_second = |calls: u32, seconds: u32| f64::from(calls) / f64::from(seconds.max(1));
                    let factor = per_second(rate.calls, rate.per_seconds) / per_second(first.calls, first.per_seconds);
                    (first.calls, first.per_seconds) = (rate.calls, rate.per_seconds);
                    for limit in others {
                        limit.calls = ((f64::from(limit.calls) * factor) as u32).max(1);
                    }
                }
                None => limits.push(Limit {
                    name: "account".into(),
                    covers: |_, _| true,
                    calls: rate.calls,
                    per_seconds: rate.per_seconds,
                }),
            }
        }
        Self { windows: limits.into_iter().map(|limit| Window { limit, ends: Timestamp::MIN, used: 0 }).collect() }
    }

    /// Books `cost` calls on every limit that covers this one.
    ///
    /// # Errors
    /// The seconds to wait and the limit's name, when one has less than `cost` left; then none is charged.
    pub fn book(&mut self, method: &str, path: &str, cost: u32, now: Timestamp) -> Result<(), (u32, String)> {
        for window in self.windows.iter_mut().filter(|w| (w.limit.covers)(method, path)) {
            if now >= window.ends {
                let length = jiff::SignedDuration::from_secs(window.limit.per_seconds.into());
                window.ends = now.checked_add(length).unwrap_or(Timestamp::MAX);
                window.used = 0;
            }
        }
        let covering = || self.windows.iter().filter(|w| (w.limit.covers)(method, path));
        let full = covering().filter(|w| w.left() < cost).max_by_key(|w| w.ends);
        if let Some(full) = full {
            return Err((full.reset(now), full.limit.name.clone()));
        }
        for window in self.windows.iter_mut().filter(|w| (w.limit.covers)(method, path)) {
            window.used = window.used.saturating_add(cost);
        }
        Ok(())
    }

    /// How the limits that cover a call stand.
    pub fn standing(&self, method: &str, path: &str, now: Timestamp) -> Vec<Standing<'_>> {
        let covering = self.windows.iter().filter(|w| (w.limit.covers)(method, path));
        covering.map(|w| Standing { limit: &w.limit, left: w.left(), reset: w.reset(now) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn two() -> Vec<Limit> {
        let all = Limit { name: "account".into(), covers: |_, _| true, calls: 5, per_seconds: 60 };
        let lists =
            Limit { name: "lists".into(), covers: |_, path| path.ends_with("/list"), calls: 2, per_seconds: 600 };
        vec![all, lists]
    }

    #[test]
    fn a_full_window_refuses_until_it_is_over() {
        let mut limits = Limits::new(two(), None);
        for _ in 0..5 {
            limits.book("GET", "/one", 1, at(0)).unwrap();
        }
        assert_eq!(limits.book("GET", "/one", 1, at(10)), Err((50, "account".to_owned())));
        assert_eq!(limits.standing("GET", "/one", at(10))[0].left, 0);
        limits.book("GET", "/one", 1, at(60)).unwrap();
        assert_eq!(limits.standing("GET", "/one", at(60))[0].left, 4);
    }

    #[test]
    fn an_endpoints_own_limit_refuses_while_the_account_has_calls_left() {
        let mut limits = Limits::new(two(), None);
        limits.book("GET", "/list", 1, at(0)).unwrap();
        limits.book("GET", "/list", 1, at(0)).unwrap();
        assert_eq!(limits.book("GET", "/list", 1, at(0)), Err((600, "lists".to_owned())));
        assert_eq!(limits.standing("GET", "/list", at(0)).iter().map(|s| s.left).collect::<Vec<_>>(), [3, 0]);
        limits.book("GET", "/one", 1, at(0)).unwrap();
    }

    #[test]
    fn a_call_that_costs_more_than_is_left_costs_nothing() {
        let mut limits = Limits::new(two(), None);
        limits.book("GET", "/one", 3, at(0)).unwrap();
        assert!(limits.book("GET", "/one", 3, at(0)).is_err());
        limits.book("GET", "/one", 2, at(0)).unwrap();
    }

    #[test]
    fn a_rate_takes_the_place_of_the_accounts_limit_and_the_narrower_ones_change_with_it() {
        let before = two();
        let rate = Rate { calls: before[0].calls * 10, per_seconds: before[0].per_seconds };
        let limits = Limits::new(two(), Some(rate));
        let calls: Vec<u32> = limits.windows.iter().map(|window| window.limit.calls).collect();
        assert_eq!(calls, before.iter().map(|limit| limit.calls * 10).collect::<Vec<_>>());
    }

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        assert_eq!("200/m".parse(), Ok(Rate { calls: 200, per_seconds: 60 }));
        for wrong in ["200", "0/m", "-1/s", "200/d", "/m"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
