//! Lists in pages: `page`, `per_page`, and the `Link` header that the last page lacks.

use super::refusal::{Fault, Refusal};
use crate::desk::{Answer, Call};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

const MOST: usize = 100;

/// Which part of a list a call asks for.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    number: usize,
    size: usize,
}

impl Page {
    /// 30 rows a page unless asked otherwise, at most 100.
    pub fn of(call: &Call) -> Result<Self, Refusal> {
        let read = |name: &'static str, otherwise: usize, most: usize, hint: &str| match call.param(name) {
            None => Ok(otherwise),
            Some(text) => match text.parse() {
                Ok(n) if (1..=most).contains(&n) => Ok(n),
                // The page says that it is an error; wording unverified.
                _ => Err(Refusal::from(Fault::invalid(name, hint))),
            },
        };
        Ok(Self {
            number: read("page", 1, usize::MAX / MOST, "It should be a Positive Integer")?,
            size: read("per_page", 30, MOST, "It should be a Positive Integer less than or equal to 100")?,
        })
    }

    /// Refuses pages after `last`, in the words recorded at airbytehq/airbyte#3858.
    pub fn up_to(self, last: usize) -> Result<Self, Refusal> {
        if self.number <= last {
            return Ok(self);
        }
        let message =
            format!("You cannot access tickets beyond the {last}th page. Please provide a smaller page number.");
        Err(Fault::invalid("page", message).into())
    }

    /// The rows of this page as a bare array; `show` is called for these only.
    pub fn answer<T>(self, call: &Call, rows: &[T], show: impl Fn(&T) -> Value) -> Answer {
        let from = (self.number - 1).saturating_mul(self.size).min(rows.len());
        let to = (from + self.size).min(rows.len());
        let answer = Answer::json(200, &Value::Array(rows[from..to].iter().map(show).collect()));
        if to == rows.len() {
            return answer;
        }
        answer.header("link", format!("<{}>; rel=\"next\"", self.next(call)))
    }

    fn next(self, call: &Call) -> String {
        let kept = call.query.iter().filter(|(name, _)| name != "page" && name != "per_page");
        let mut query: Vec<String> =
            kept.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))).collect();
        query.push(format!("per_page={}&page={}", self.size, self.number + 1));
        format!("{}{}?{}", call.base, call.path, query.join("&"))
    }
}

/// Refuses parameters the page of the endpoint does not name.
pub fn only(call: &Call, known: &[&str]) -> Result<(), Refusal> {
    let unknown = call.query.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    let faults: Vec<Fault> = unknown.map(|(name, _)| Fault::unexpected(name)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Refusal::Validation(faults)) }
}

/// The words of `include`, each one of `allowed`.
pub fn included<'a>(call: &'a Call, allowed: &[&str]) -> Result<Vec<&'a str>, Refusal> {
    let words: Vec<&str> =
        call.param("include").map(|text| text.split(',').map(str::trim).collect()).unwrap_or_default();
    match words.iter().find(|w| !allowed.contains(w)) {
        // Worded as at huan/gas-freshdesk#3.
        Some(_) => {
            Err(Fault::invalid("include", format!("Should be a value in the list '{}'", allowed.join(","))).into())
        }
        None => Ok(words),
    }
}
