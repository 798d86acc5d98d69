//! Attributes of a request, read by their documented types, and what is wrong with them.
//!
//! Numbers may come as texts (recorded from clients), unknown attributes are passed over, as the vendor does. Every
//! fault is gathered. *Unverified:* that a value of a wrong type is a fault, and the wordings but "has already been taken", "cannot be
//! blank" and "is being used by another user".

use super::refusal;
use crate::desk::Answer;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What is wrong with one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub field: String,
    pub description: String,
    pub error: &'static str,
}

impl Fault {
    fn new(field: &str, error: &'static str, what: &str) -> Self {
        Self { field: field.to_owned(), description: format!("{}: {what}", label(field)), error }
    }

    pub fn invalid(field: &str, what: &str) -> Self {
        Self::new(field, "InvalidValue", what)
    }

    pub fn blank(field: &str) -> Self {
        Self::new(field, "BlankValue", "cannot be blank")
    }

    pub fn taken(field: &str, value: &str) -> Self {
        Self::new(field, "DuplicateValue", &format!("{value} has already been taken"))
    }

    pub fn long(field: &str, most: usize) -> Self {
        Self::new(field, "RecordTooLong", &format!("is too long (maximum is {most} characters)"))
    }
}

/// `assignee_id` is told of as `Assignee`.
fn label(field: &str) -> String {
    let words = field.trim_end_matches("_id").replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Why something was not written.
#[derive(Clone, Debug, PartialEq)]
pub struct Invalid(pub Vec<Fault>);

impl From<Fault> for Invalid {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl Invalid {
    /// Recorded: a 422 with the faults of each attribute.
    pub fn answer(&self) -> Answer {
        let mut details: Map<String, Value> = Map::new();
        for Fault { field, description, error } in &self.0 {
            let row = json!({ "description": description, "error": error });
            let rows = details.entry(field.clone()).or_insert_with(|| json!([]));
            if let Some(rows) = rows.as_array_mut() {
                rows.push(row);
            }
        }
        refusal::record_invalid(&Value::Object(details))
    }

    /// As a job tells of a row.
    pub fn told(&self) -> String {
        self.0.iter().map(|fault| fault.description.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// A reader over one record's attributes.
pub struct Sent<'a> {
    pub values: &'a Map<String, Value>,
    pub faults: Vec<Fault>,
}

impl<'a> Sent<'a> {
    pub fn of(values: &'a Map<String, Value>) -> Self {
        Self { values, faults: Vec::new() }
    }

    pub fn done(self) -> Result<(), Invalid> {
        if self.faults.is_empty() { Ok(()) } else { Err(Invalid(self.faults)) }
    }

    pub fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Even as null.
    pub fn names(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    fn read<T>(&mut self, name: &str, wanted: &str, as_type: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.values.get(name).filter(|value| !value.is_null())?;
        let read = as_type(value);
        if read.is_none() {
            self.fault(Fault::invalid(name, &format!("is not {wanted}")));
        }
        read
    }

    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        self.read(name, "a text", Value::as_str)
    }

    pub fn id(&mut self, name: &str) -> Option<u64> {
        self.read(name, "an id", number)
    }

    pub fn ids(&mut self, name: &str) -> Option<Vec<u64>> {
        self.read(name, "a list of ids", |v| v.as_array()?.iter().map(number).collect())
    }

    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "true or false", Value::as_bool)
    }

    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.read(name, "a list of texts", |v| v.as_array()?.iter().map(|e| e.as_str().map(str::to_owned)).collect())
    }

    pub fn object(&mut self, name: &str) -> Option<&'a Map<String, Value>> {
        self.read(name, "an object", Value::as_object)
    }

    pub fn objects(&mut self, name: &str) -> Option<Vec<&'a Map<String, Value>>> {
        self.read(name, "a list of objects", |v| v.as_array()?.iter().map(Value::as_object).collect())
    }

    pub fn time(&mut self, name: &str) -> Option<Timestamp> {
        let time = self.read(name, "a moment", |v| v.as_str()?.parse::<Timestamp>().ok())?;
        Timestamp::from_second(time.as_second()).ok()
    }

    pub fn one_of(&mut self, name: &str, allowed: &[&str]) -> Option<&'a str> {
        let text = self.text(name)?;
        if !allowed.contains(&text) {
            self.fault(Fault::invalid(name, &format!("{text} is not one of {}", allowed.join(", "))));
        }
        Some(text)
    }

    /// A text of at most 255 characters: *unverified*, as wide as the vendor's columns are told to be.
    pub fn line(&mut self, name: &str) -> Option<&'a str> {
        let text = self.text(name)?;
        if text.chars().count() > 255 {
            self.fault(Fault::long(name, 255));
        }
        Some(text)
    }
}

pub fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// Tags as they are kept: small letters; a space or a comma ends a tag; other signs than `-`, `_`, `/`, `:` and `.` go.
/// <https://support.zendesk.com/hc/en-us/articles/4408835059482> names lower case and the signs. *Unverified:* what becomes
/// of the others, and that a space divides.
pub fn tags(sent: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for tag in sent.iter().flat_map(|text| text.split([' ', ',', '\t', '\n'])) {
        let tag: String = tag.to_lowercase().chars().filter(|c| c.is_alphanumeric() || "-_/:.".contains(*c)).collect();
        if !tag.is_empty() && !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_small_and_a_space_divides_them() {
        let sent = ["VIP", "batch 3", "größe", "back/slash", "a#b", "vip"].map(str::to_owned);
        assert_eq!(tags(&sent), ["vip", "batch", "3", "größe", "back/slash", "ab"]);
    }

    #[test]
    fn a_fault_is_told_by_the_name_of_its_attribute() {
        let invalid = Invalid::from(Fault::taken("external_id", "x"));
        let body: Value = serde_json::from_slice(&invalid.answer().body).unwrap();
        assert_eq!(body["details"]["external_id"][0]["description"], "External: x has already been taken");
        assert_eq!((body["error"].as_str(), invalid.answer().status), (Some("RecordInvalid"), 422));
    }
}
