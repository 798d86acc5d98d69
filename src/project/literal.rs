//! The small literals of a project file: durations, shares and instants.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::de::{Deserialize, Deserializer, Error};
use std::time::Duration;

/// Reads a duration such as `"500ms"`, `"30s"`, `"5m"` or `"1h 30m"`.
pub fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(from)?).map_err(Error::custom)
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|d| Duration::try_from(d).ok())
        .ok_or_else(|| format!("`{text}` is not a duration\nhint: write it like \"30s\", \"5m\" or \"1h 30m\""))
}

/// Reads a share such as `"20%"` into 0.2. From 0 to 90 per cent.
pub fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let text = String::deserialize(from)?;
    text.trim()
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok())
        .filter(|percent| (0.0..=90.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| {
            Error::custom(format!("`{text}` is not a share\nhint: write it like \"20%\", from \"0%\" to \"90%\""))
        })
}

/// Reads an instant: `"2021-01-01"` (midnight UTC) or `"2021-01-01T12:00:00Z"`, with or without the quotes.
pub fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = match toml::Value::deserialize(from)? {
        toml::Value::String(text) => text,
        toml::Value::Datetime(time) => time.to_string(),
        _ => return Err(Error::custom("not a date\nhint: write it like \"2021-01-01\"")),
    };
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>()
        .or_else(|_| text.parse::<Date>().and_then(midnight))
        .map(Some)
        .map_err(|_| Error::custom(format!("`{text}` is not a date\nhint: write it like \"2021-01-01\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default)]
    struct Sample {
        #[serde(deserialize_with = "duration")]
        wait: Duration,
        #[serde(deserialize_with = "share")]
        part: f64,
        #[serde(deserialize_with = "instant")]
        after: Option<Timestamp>,
    }

    fn read(text: &str) -> Result<Sample, String> {
        toml::from_str(text).map_err(|e: toml::de::Error| e.message().to_owned())
    }

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (text, millis) in [("2s", 2_000), ("5m", 300_000), ("500ms", 500), ("1h 30m", 5_400_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert!(parse_duration("30").is_err());
        assert!(parse_duration("-3s").is_err());
        assert!(read("wait = 'soon'").unwrap_err().contains("hint"));
    }

    #[test]
    fn a_share_leaves_some_budget_to_the_migration() {
        assert_eq!(read("part = '20%'").unwrap().part, 0.2);
        assert!(read("part = '20'").is_err());
        assert!(read("part = '100%'").is_err());
    }

    #[test]
    fn an_instant_is_a_day_or_a_time_quoted_or_not() {
        let midnight = "2021-01-01T00:00:00Z".parse().unwrap();
        for text in ["'2021-01-01'", "2021-01-01", "'2021-01-01T00:00:00Z'", "2021-01-01T01:00:00+01:00"] {
            assert_eq!(read(&format!("after = {text}")).unwrap().after, Some(midnight), "{text}");
        }
        assert!(read("after = 'May'").is_err());
        assert!(read("after = 7").is_err());
    }
}
