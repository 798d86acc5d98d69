//! What one response says about one limit. Vendors disagree on every form, so each is read leniently, and a
//! value that makes no sense counts as not said.

use super::row::{Headers, Names, ResetFormat};
use crate::clock;
use jiff::Timestamp;
use reqwest::header::{AGE, DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// Nobody waits longer than this for a header's sake: a larger value is cut.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A number above this is a point in time, not a span of seconds (it would be 31 years).
const UNIX_FROM: f64 = 1e9;

/// What one response said. Times are spans from the moment it was received.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Heard {
    pub limit: Option<f64>,
    pub remaining: Option<f64>,
    pub reset: Option<Reset>,
    pub retry: Option<Duration>,
    pub cost: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reset {
    pub after: Duration,
    /// How far the true moment may lie from it: a second where the header counts whole seconds.
    pub slack: Duration,
}

/// Reads the headers a row names. `wall` is our own clock, used only where the response has no `Date`: times
/// of the vendor are best compared with its own clock.
pub(super) fn hear(names: &Headers, said: &HeaderMap, wall: Timestamp) -> Heard {
    let now = dated(said).unwrap_or(wall);
    let first = |names: &Option<Names>| names.as_ref()?.each().iter().find_map(|name| text(said, name));
    let count = |names: &Option<Names>| first(names).and_then(number);
    let retry_text = if names.retry.is_some() { first(&names.retry) } else { text(said, RETRY_AFTER.as_str()) };
    Heard {
        limit: count(&names.limit).filter(|n| *n >= 1.0),
        remaining: count(&names.remaining).map(|n| n.max(0.0)),
        reset: first(&names.reset).and_then(|t| reset(t, names.reset_format, now)),
        retry: retry_text.and_then(|t| retry(t, now)),
        cost: count(&names.cost).filter(|n| *n >= 0.0),
    }
}

/// How long a response asks to wait by its `Retry-After`, in seconds or as a date.
pub fn retry_after(said: &HeaderMap) -> Option<Duration> {
    hear(&Headers::default(), said, clock::wall()).retry
}

/// When the response was made, by the vendor's own clock. One that lay in a cache says how long.
pub fn dated(said: &HeaderMap) -> Option<Timestamp> {
    let age = text(said, AGE.as_str()).and_then(number).filter(|age| *age > 0.0).map_or(Duration::ZERO, span);
    text(said, DATE.as_str()).and_then(instant)?.checked_add(age).ok()
}

fn text<'a>(said: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let (name, part) = name.split_once('#').map_or((name, None), |(name, part)| (name, Some(part)));
    let whole = said.get(name)?.to_str().ok()?.trim();
    match part {
        None => Some(whole),
        Some(part) => whole.split(';').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case(part).then(|| value.trim())
        }),
    }
}

/// The first number: `200`, `12.5`, `200, 200;w=60`.
fn number(text: &str) -> Option<f64> {
    text.split([',', ';']).next()?.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

fn instant(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().or_else(|| text.parse().ok())
}

fn retry(text: &str, now: Timestamp) -> Option<Duration> {
    match number(text) {
        Some(n) if n > UNIX_FROM => Some(until(n, now)),
        Some(n) if n >= 0.0 => Some(span(n)),
        Some(_) => None,
        None => instant(text).map(|at| at.duration_since(now).try_into().unwrap_or(Duration::ZERO).min(LONGEST)),
    }
}

fn reset(text: &str, format: ResetFormat, now: Timestamp) -> Option<Reset> {
    let whole = Duration::from_secs(1);
    let Some(n) = number(text) else {
        let after = instant(text)?.duration_since(now).try_into().unwrap_or(Duration::ZERO);
        return Some(Reset { after: after.min(LONGEST), slack: whole });
    };
    let unix = match format {
        ResetFormat::Auto => n > UNIX_FROM,
        ResetFormat::Seconds => false,
        ResetFormat::Unix => true,
    };
    // A point in time is compared with a clock that shows whole seconds, even where it has a fraction itself.
    let slack = if unix || n.fract() == 0.0 { whole } else { Duration::ZERO };
    match n {
        _ if unix => Some(Reset { after: until(n, now), slack }),
        _ if n >= 0.0 => Some(Reset { after: span(n), slack }),
        _ => None,
    }
}

/// From now to a Unix time, in seconds or milliseconds.
fn until(unix: f64, now: Timestamp) -> Duration {
    let seconds = if unix > UNIX_FROM * 100.0 { unix / 1000.0 } else { unix };
    span((seconds - now.as_millisecond() as f64 / 1000.0).max(0.0))
}

fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
    }

    fn wall() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_dialect_of_reset_means_the_same_moment() {
        let names = Headers { reset: Some("R".into()), ..Headers::default() };
        for value in
            ["30", "30.5", "1795341630", "1795341630000", "2026-11-22T10:00:30Z", "Sun, 22 Nov 2026 10:00:30 GMT"]
        {
            let reset = hear(&names, &said(&[("r", value)]), wall()).reset.unwrap();
            assert_eq!(reset.after.as_secs(), 30, "{value}");
        }
    }

    #[test]
    fn the_vendors_own_clock_is_used_where_it_shows_it() {
        let names = Headers { reset: Some("R".into()), ..Headers::default() };
        let skewed = said(&[("r", "1795341630"), ("date", "Sun, 22 Nov 2026 10:00:20 GMT")]);
        assert_eq!(hear(&names, &skewed, wall()).reset.unwrap().after.as_secs(), 10);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let names = Headers::default();
        let seconds = hear(&names, &said(&[("retry-after", "93")]), wall());
        assert_eq!(seconds.retry, Some(Duration::from_secs(93)));
        let date = hear(&names, &said(&[("retry-after", "Sun, 22 Nov 2026 10:01:00 GMT")]), wall());
        assert_eq!(date.retry, Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_header_is_heard_in_each_of_its_spellings() {
        let spelled =
            |part: &str| Names::Several(vec![format!("desk-ratelimit-a#{part}"), format!("desk-rate-limit-a#{part}")]);
        let names =
            Headers { limit: Some(spelled("total")), remaining: Some(spelled("remaining")), ..Headers::default() };
        for header in ["desk-ratelimit-a", "desk-rate-limit-a"] {
            let heard = hear(&names, &said(&[(header, "total=20; remaining=19; resets=15")]), wall());
            assert_eq!((heard.limit, heard.remaining), (Some(20.0), Some(19.0)), "{header}");
        }
    }

    #[test]
    fn nonsense_counts_as_not_said_and_a_mad_value_is_cut() {
        let names = Headers {
            limit: Some("L".into()),
            remaining: Some("M".into()),
            reset: Some("R".into()),
            cost: Some("C".into()),
            ..Headers::default()
        };
        let heard = hear(&names, &said(&[("l", "many"), ("m", "-3"), ("r", "soon"), ("c", "NaN")]), wall());
        assert_eq!(heard, Heard { remaining: Some(0.0), ..Heard::default() });
        let mad = hear(&names, &said(&[("retry-after", "99999999"), ("r", "-1")]), wall());
        assert_eq!((mad.retry, mad.reset), (Some(LONGEST), None));
        assert_eq!(hear(&names, &said(&[("l", "200, 200;w=60")]), wall()).limit, Some(200.0));
    }
}
