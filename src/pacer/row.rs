//! The manifest's words for one limit of a platform: which calls it covers, how much it allows, and in
//! which headers the platform speaks about it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// One limit of the platform. **Every** row that matches a call applies to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Calls the limit covers, as `METHOD /path`: `"GET /incremental/*"`. `*` stands for any method, or for any
    /// run of characters of the path, slashes too. The path is relative to the API's base and has no query.
    /// Left out, the row covers every call.
    #[serde(default, rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Pattern>,
    /// How many calls a span of time allows: `"200/m"`, `"10/s"`, `"700/h"`, `"20/2s"`. It holds until a response
    /// says better. Left out, only the headers and the concurrency limit the calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How many calls may be under way at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroU32>,
    /// The response headers that speak about this limit.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
}

impl Row {
    /// Whether the limit covers a call. `path` is relative to the API's base.
    pub fn covers(&self, method: &str, path: &str) -> bool {
        self.matches.is_empty() || self.matches.iter().any(|m| m.covers(method, path))
    }

    /// The row as reports name it.
    pub fn name(&self) -> String {
        if self.matches.is_empty() {
            return "every call".to_owned();
        }
        self.matches.iter().map(Pattern::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Names of the response headers that speak about one limit, in any case. Of a header with several parts
/// (`total=10; remaining=9; resets=41`) one is named `header#remaining`. Where a vendor spells one in several ways, a list names
/// all of them: the first that a response has counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    /// How many calls a window allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Names>,
    /// How many calls the window still allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Names>,
    /// When the window is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Names>,
    /// How `reset` is written.
    #[serde(default, skip_serializing_if = "ResetFormat::is_auto")]
    pub reset_format: ResetFormat,
    /// When to come back after a refusal, in seconds or as an HTTP date. Left out, it is `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Names>,
    /// How many calls this one counted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Names>,
}

impl Headers {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One header, or the spellings of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    pub fn each(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl From<&str> for Names {
    fn from(name: &str) -> Self {
        Self::One(name.to_owned())
    }
}

/// How a `reset` header is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResetFormat {
    /// Told by its looks: a date, a Unix time (seconds or milliseconds) when above 1 000 000 000, else seconds from now.
    #[default]
    Auto,
    /// Seconds from now.
    Seconds,
    /// Seconds since 1970.
    Unix,
}

impl ResetFormat {
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// A number of calls in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    pub calls: NonZeroU32,
    pub per: Duration,
}

impl Rate {
    pub fn per_second(&self) -> f64 {
        f64::from(self.calls.get()) / self.per.as_secs_f64()
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate: write it like `200/m`, `10/s`, `700/h`, `5000/d` or `20/2s`");
        let (calls, span) = text.split_once('/').ok_or_else(wrong)?;
        let calls = calls.trim().parse::<NonZeroU32>().map_err(|_| wrong())?;
        let span = span.trim();
        let digits = span.bytes().take_while(u8::is_ascii_digit).count();
        let (many, unit) = span.split_at(digits);
        let many = if many.is_empty() { 1 } else { many.parse::<u32>().map_err(|_| wrong())? };
        let unit: u32 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        let seconds = u64::from(many) * u64::from(unit);
        if seconds == 0 {
            return Err(wrong());
        }
        Ok(Self { calls, per: Duration::from_secs(seconds) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.per.as_secs();
        let (many, unit) = [(86_400, "d"), (3_600, "h"), (60, "m")]
            .into_iter()
            .find(|(span, _)| seconds.is_multiple_of(*span))
            .map_or((seconds, "s"), |(span, unit)| (seconds / span, unit));
        match many {
            1 => write!(f, "{}/{unit}", self.calls),
            _ => write!(f, "{}/{many}{unit}", self.calls),
        }
    }
}

impl TryFrom<String> for Rate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> String {
        rate.to_string()
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A number of calls in a span of time: `200/m`, `10/s`, `700/h`, `5000/d`, `20/2s`",
            "pattern": "^[0-9]+/[0-9]*[smhd]$",
        })
    }
}

/// Calls by method and path: `GET /incremental/*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    /// `None` is any method.
    method: Option<String>,
    path: String,
}

impl Pattern {
    pub fn covers(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method)) && glob(&self.path, path)
    }
}

/// Whether `text` has the form of `pattern`, in which `*` is any run of characters.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
    }
    text.ends_with(last)
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` does not name calls: write a method and a path, like `GET /incremental/*`");
        let (method, path) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let path = path.trim();
        if !path.starts_with(['/', '*']) || path.contains([' ', '?']) {
            return Err(wrong());
        }
        let method = match method {
            "*" => None,
            _ if method.bytes().all(|b| b.is_ascii_uppercase()) => Some(method.to_owned()),
            _ => return Err(wrong()),
        };
        Ok(Self { method, path: path.to_owned() })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_deref().unwrap_or("*"), self.path)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.to_string()
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Calls".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Calls by method and path, `*` being any: `GET /incremental/*`",
            "pattern": "^([A-Z]+|\\*) [/*][^ ?]*$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rate_is_read_as_the_manifest_writes_it() {
        for (text, calls, seconds) in
            [("200/m", 200, 60), ("10/s", 10, 1), ("700/h", 700, 3600), ("20/2s", 20, 2), ("5000/d", 5000, 86_400)]
        {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.calls.get(), rate.per.as_secs()), (calls, seconds), "{text}");
            assert_eq!(rate.to_string(), text);
        }
        for text in ["", "10", "0/s", "10/0s", "-1/s", "10/w", "ten/s", "10/s/s", "10/99999999999s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_row_covers_the_calls_it_names_and_no_others() {
        let row: Row =
            toml::from_str(r#"match = ["GET /incremental/*", "* /search.json", "POST /a/*/b/*.json"]"#).unwrap();
        assert!(row.covers("GET", "/incremental/tickets/cursor.json"));
        assert!(!row.covers("POST", "/incremental/tickets"));
        assert!(row.covers("PUT", "/search.json") && !row.covers("PUT", "/search.jsonp"));
        assert!(row.covers("POST", "/a/1/b/2/c.json") && !row.covers("POST", "/a/1/c/2.json"));
        assert!(Row::default().covers("DELETE", "/x"));
    }

    #[test]
    fn an_unknown_key_of_a_row_is_an_error() {
        assert!(toml::from_str::<Row>("speed = 3").is_err());
        assert!(toml::from_str::<Row>("concurrency = 0").is_err());
        assert!(toml::from_str::<Row>("headers = { left = 'X' }").is_err());
    }

    proptest! {
        #[test]
        fn a_glob_finds_what_was_made_from_it(parts in prop::collection::vec("[a-c/]{0,4}", 1..5), fill in "[a-c/]{0,5}") {
            let pattern = parts.join("*");
            let text = parts.join(&fill);
            prop_assert!(glob(&pattern, &text), "{} {}", pattern, text);
        }
    }
}
