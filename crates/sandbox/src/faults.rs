//! File with the faults to simulate: rules in a TOML file, of which the first that is due meets a call.
//!
//! ```toml
//! [[fault]]
//! method = "POST"          # any when left out
//! path = "/api/v2/**"      # `*` within a segment, `**` across them; any when left out
//! at = 3                   # the third call that matches; or `every = 10`, or `chance = 0.05` (drawn from the seed)
//! calls = 5                # this many matching calls in a row; 1 when left out
//! does = "too_many"
//! retry_after = 30         # of `too_many`, and of `error_before` when wanted
//! ```
//!
//! | `does` | the call |
//! |---|---|
//! | `too_many` | is refused with 429; `retry_after` seconds, 1 when left out |
//! | `expired` | is refused as if its credential were no longer good |
//! | `error_before` | has no effect and is answered `status`, 503 when left out |
//! | `error_after` | has its effect and is answered `status`, 500 when left out |
//! | `reset_before` | has no effect; the connection is reset |
//! | `reset_after` | has its effect; the connection is reset |
//! | `reset_late` | loses its connection; it has its effect `seconds` later, 1 when left out |
//! | `truncated` | has its effect; half the body arrives, as if it were all |
//! | `cut` | has its effect; half the body arrives, then the connection ends |
//! | `slow` | has its effect; the body takes `seconds` to arrive, 10 when left out |
//! | `job_killed` | starts a job that the vendor kills, after `rows` of its rows (all when left out) |
//! | `job_stuck` | starts a job that is at work for ever |
//! | `job_vanished` | starts a job of which the vendor soon knows nothing |
//!
//! A call over a limit is refused before any rule counts it. Calls at the host of files are met as well, by their path there.

use super::desk::{Ends, Fate};
use super::random::Random;
use serde::Deserialize;
use std::path::Path;

/// What a rule does to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    TooMany,
    Expired,
    ErrorBefore,
    ErrorAfter,
    ResetBefore,
    ResetAfter,
    ResetLate,
    Truncated,
    Cut,
    Slow,
    JobKilled,
    JobStuck,
    JobVanished,
}

impl Does {
    /// Its name in the file and the call log.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::Expired => "expired",
            Self::ErrorBefore => "error_before",
            Self::ErrorAfter => "error_after",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::ResetLate => "reset_late",
            Self::Truncated => "truncated",
            Self::Cut => "cut",
            Self::Slow => "slow",
            Self::JobKilled => "job_killed",
            Self::JobStuck => "job_stuck",
            Self::JobVanished => "job_vanished",
        }
    }

    /// Whether the desk never sees the call.
    pub fn spares_the_desk(self) -> bool {
        matches!(self, Self::TooMany | Self::Expired | Self::ErrorBefore | Self::ResetBefore)
    }

    fn ends(self) -> Option<Ends> {
        match self {
            Self::JobKilled => Some(Ends::Killed),
            Self::JobStuck => Some(Ends::Stuck),
            Self::JobVanished => Some(Ends::Vanished),
            _ => None,
        }
    }
}

/// A fault that meets a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub does: Does,
    pub status: Option<u16>,
    pub retry_after: Option<u32>,
    pub seconds: Option<u32>,
    pub rows: Option<u32>,
}

impl Fault {
    /// What it does to the job the call starts.
    pub fn fate(self) -> Option<Fate> {
        self.does.ends().map(|ends| Fate { ends, rows: self.rows })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<toml::Spanned<Rule>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    method: Option<String>,
    path: Option<String>,
    at: Option<u32>,
    every: Option<u32>,
    chance: Option<f64>,
    #[serde(default = "one")]
    calls: u32,
    does: Does,
    status: Option<u16>,
    retry_after: Option<u32>,
    seconds: Option<u32>,
    rows: Option<u32>,
}

fn one() -> u32 {
    1
}

impl Rule {
    fn complaint(&self) -> Option<&'static str> {
        let when = [self.at.is_some(), self.every.is_some(), self.chance.is_some()];
        let is_error = matches!(self.does, Does::ErrorBefore | Does::ErrorAfter);
        if when.iter().filter(|given| **given).count() != 1 {
            return Some("say when by one of `at`, `every` and `chance`");
        }
        if self.at == Some(0) || self.every == Some(0) || self.calls == 0 {
            return Some("`at`, `every` and `calls` count from 1");
        }
        if self.chance.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            return Some("`chance` is between 0 and 1");
        }
        if self.status.is_some_and(|status| !is_error || !(400..600).contains(&status)) {
            return Some("`status` is of `error_before` and `error_after`, between 400 and 599");
        }
        if self.retry_after.is_some() && !matches!(self.does, Does::TooMany | Does::ErrorBefore) {
            return Some("`retry_after` is of `too_many` and `error_before`");
        }
        if self.seconds.is_some() && !matches!(self.does, Does::Slow | Does::ResetLate) {
            return Some("`seconds` is of `slow` and `reset_late`");
        }
        if self.rows.is_some() && self.does.ends().is_none() {
            return Some("`rows` is of `job_killed`, `job_stuck` and `job_vanished`");
        }
        None
    }

    fn covers(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|glob| matches(glob.as_bytes(), path.as_bytes()))
    }

    fn fault(&self) -> Fault {
        let Self { does, status, retry_after, seconds, rows, .. } = *self;
        Fault { does, status, retry_after, seconds, rows }
    }
}

/// Whether `path` is of the shape `glob`.
fn matches(glob: &[u8], path: &[u8]) -> bool {
    match glob {
        [b'*', b'*', rest @ ..] => (0..=path.len()).any(|skip| matches(rest, &path[skip..])),
        [b'*', rest @ ..] => {
            let segment = path.iter().position(|c| *c == b'/').unwrap_or(path.len());
            (0..=segment).any(|skip| matches(rest, &path[skip..]))
        }
        [first, rest @ ..] => path.first() == Some(first) && matches(rest, &path[1..]),
        [] => path.is_empty(),
    }
}

#[derive(Debug)]
struct Armed {
    rule: Rule,
    /// Matching calls so far.
    seen: u32,
    /// Matching calls it still meets in a row.
    going: u32,
    chance: Random,
}

/// The rules of one sandbox, and how far each has counted.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Vec<Armed>,
}

impl Faults {
    /// Reads the rules in `text`, which came from `file`.
    ///
    /// # Errors
    /// `FILE:LINE: what is wrong`.
    pub fn parse(text: &str, file: &Path, seed: u64) -> Result<Self, String> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let place = |at: usize, what: &str| format!("{}:{}: {what}", file.display(), line(at));
        let read: File = toml::from_str(text).map_err(|e| place(e.span().map_or(0, |s| s.start), e.message()))?;
        let mut armed = Vec::new();
        for (n, spanned) in read.fault.into_iter().enumerate() {
            let start = spanned.span().start;
            let rule = spanned.into_inner();
            if let Some(what) = rule.complaint() {
                return Err(place(start, what));
            }
            armed.push(Armed { rule, seen: 0, going: 0, chance: Random::of(seed, &[0xFA17, n as u64]) });
        }
        Ok(Self { armed })
    }

    /// The fault that meets this call. Every rule that matches counts it.
    pub fn meet(&mut self, method: &str, path: &str) -> Option<Fault> {
        let mut met = None;
        for armed in self.armed.iter_mut().filter(|armed| armed.rule.covers(method, path)) {
            armed.seen = armed.seen.saturating_add(1);
            let Rule { at, every, chance, calls, .. } = armed.rule;
            let drawn = chance.is_some_and(|chance| armed.chance.fraction() < chance);
            let due = at == Some(armed.seen) || every.is_some_and(|n| armed.seen.is_multiple_of(n)) || drawn;
            if due && armed.going == 0 {
                armed.going = calls;
            }
            if armed.going > 0 {
                armed.going -= 1;
                met = met.or(Some(armed.rule.fault()));
            }
        }
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Result<Faults, String> {
        Faults::parse(text, Path::new("faults.toml"), 7)
    }

    fn met(faults: &mut Faults, calls: usize) -> Vec<usize> {
        (1..=calls).filter(|_| faults.meet("GET", "/a").is_some()).collect()
    }

    #[test]
    fn rules_count_the_calls_that_match() {
        let mut at = faults("[[fault]]\nat = 3\ncalls = 2\ndoes = \"too_many\"").unwrap();
        assert_eq!(met(&mut at, 9), [3, 4]);
        let mut every = faults("[[fault]]\nevery = 4\ndoes = \"cut\"").unwrap();
        assert_eq!(met(&mut every, 9), [4, 8]);
        let mut posts = faults("[[fault]]\nmethod = \"post\"\nat = 1\ndoes = \"cut\"").unwrap();
        assert!(met(&mut posts, 9).is_empty());
        assert_eq!(posts.meet("POST", "/a").unwrap().does, Does::Cut);
    }

    #[test]
    fn chance_is_drawn_from_the_seed() {
        let text = "[[fault]]\nchance = 0.3\ndoes = \"slow\"";
        let first = met(&mut faults(text).unwrap(), 1000);
        assert_eq!(first, met(&mut faults(text).unwrap(), 1000));
        assert!((200..400).contains(&first.len()), "{}", first.len());
        assert!(met(&mut faults("[[fault]]\nchance = 0.0\ndoes = \"slow\"").unwrap(), 1000).is_empty());
    }

    #[test]
    fn a_star_stays_in_its_segment_and_two_do_not() {
        assert!(matches(b"/api/*/x", b"/api/7/x"));
        assert!(!matches(b"/api/*/x", b"/api/7/8/x"));
        assert!(matches(b"/api/**/x", b"/api/7/8/x"));
        assert!(matches(b"**", b"/api"));
        assert!(!matches(b"/api", b"/api/7"));
    }

    #[test]
    fn what_is_wrong_in_the_file_is_told_with_its_line() {
        let wrong = [
            ("\n\n[[fault]]\nat = 1\nwhen = 2\ndoes = \"cut\"", "faults.toml:5: unknown field `when`"),
            ("[[fault]]\nat = 1\n", "faults.toml:1: missing field `does`"),
            ("[[fault]]\nat = 1\ndoes = \"explode\"", "faults.toml:3: unknown variant `explode`"),
            ("\n[[fault]]\ndoes = \"cut\"", "faults.toml:2: say when"),
            ("[[fault]]\nat = 1\nevery = 2\ndoes = \"cut\"", "faults.toml:1: say when"),
            ("[[fault]]\nat = 0\ndoes = \"cut\"", "faults.toml:1: `at`"),
            ("[[fault]]\nat = 1\ndoes = \"cut\"\nseconds = 3", "faults.toml:1: `seconds`"),
            ("[[fault]]\nat = 1\ndoes = \"cut\"\nstatus = 500", "faults.toml:1: `status`"),
            ("[[fault]]\nat = 1\ndoes = \"cut\"\nrows = 3", "faults.toml:1: `rows`"),
            ("faults = 1", "faults.toml:1: unknown field `faults`"),
        ];
        for (text, said) in wrong {
            let error = faults(text).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
