//! Times as platforms write them, made RFC 3339 in UTC.

use crate::error::{Problem, Reason, Result};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Format {
    kind: Kind,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum Kind {
    Rfc3339,
    Unix,
    Strftime(String),
}

impl Format {
    pub fn new(format: &str, zone: Option<&str>) -> Result<Format, String> {
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| format!("`{name}` is not a time zone"))?,
        };
        let kind = match format {
            "rfc3339" => Kind::Rfc3339,
            "unix" => Kind::Unix,
            other => Kind::Strftime(other.to_owned()),
        };
        Ok(Format { kind, zone })
    }

    /// Null and the empty text are no time.
    pub fn read(&self, value: Value) -> Result<Value> {
        let wrong = || Problem::new(Reason::Expression, "a value that should be a time is not");
        let at = match (&self.kind, &value) {
            (_, Value::Null) => return Ok(Value::Null),
            (_, Value::String(text)) if text.is_empty() => return Ok(Value::Null),
            (Kind::Unix, Value::Number(n)) => {
                Timestamp::from_second(n.as_i64().ok_or_else(wrong)?).map_err(|_| wrong())?
            }
            (Kind::Unix, Value::String(t)) => {
                t.parse().ok().and_then(|n| Timestamp::from_second(n).ok()).ok_or_else(wrong)?
            }
            (Kind::Rfc3339, Value::String(text)) => self.civil_or_instant(text).ok_or_else(wrong)?,
            (Kind::Strftime(format), Value::String(text)) => {
                let time = strtime::parse(format, text).map_err(|_| wrong())?;
                match time.to_timestamp() {
                    Ok(at) => at,
                    Err(_) => time.to_datetime().ok().and_then(|t| self.instant(t)).ok_or_else(wrong)?,
                }
            }
            _ => return Err(wrong()),
        };
        Ok(Value::String(at.to_string()))
    }

    /// Writes an instant in this format and zone, for queries.
    pub fn write(&self, at: Timestamp) -> String {
        match &self.kind {
            Kind::Rfc3339 => at.to_string(),
            Kind::Unix => at.as_second().to_string(),
            Kind::Strftime(format) => at.to_zoned(self.zone.clone()).strftime(format).to_string(),
        }
    }

    fn civil_or_instant(&self, text: &str) -> Option<Timestamp> {
        text.parse().ok().or_else(|| text.parse::<DateTime>().ok().and_then(|t| self.instant(t)))
    }

    fn instant(&self, civil: DateTime) -> Option<Timestamp> {
        Some(civil.to_zoned(self.zone.clone()).ok()?.timestamp())
    }
}
