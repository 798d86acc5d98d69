//! Attributes of a request by their documented types: each is read once, and every fault is gathered.

use super::form::Form;
use super::refusal::{Fault, Refusal};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::{Map, Value};

/// An attribute that was not sent is `None`, one sent as null `Some(None)`.
pub type Given<T> = Option<Option<T>>;

/// A reader over one request's attributes.
pub struct Attributes<'a> {
    values: &'a Map<String, Value>,
    textual: bool,
    faults: Vec<Fault>,
}

impl<'a> Attributes<'a> {
    /// Any attribute or file that is not among `known` refuses the call before anything else is looked at.
    pub fn of(form: &'a Form, known: &[&str]) -> Result<Self, Refusal> {
        let named = form.values.keys().map(String::as_str).chain(form.files.iter().map(|f| f.part.as_str()));
        let faults: Vec<Fault> = named.filter(|name| !known.contains(name)).map(Fault::unexpected).collect();
        if !faults.is_empty() {
            return Err(Refusal::Validation(faults));
        }
        let mut sent = Self { values: &form.values, textual: form.textual, faults };
        if form.values.contains_key("attachments") {
            let message = "It should contain elements of type valid file format only";
            sent.fault(Fault::new("attachments", "datatype_mismatch", message));
        }
        Ok(sent)
    }

    pub fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub fn faults(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.extend(faults);
    }

    pub fn done(self) -> Result<(), Refusal> {
        if self.faults.is_empty() { Ok(()) } else { Err(Refusal::Validation(self.faults)) }
    }

    pub fn has(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|v| !v.is_null())
    }

    /// Sent as a text without a word in it, or as null.
    pub fn is_blank(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|v| v.is_null() || v.as_str().is_some_and(super::html::is_blank))
    }

    fn read<T>(&mut self, name: &str, wanted: &str, as_type: impl Fn(&Value) -> Option<T>) -> Given<T> {
        let value = self.values.get(name)?;
        if value.is_null() {
            return Some(None);
        }
        let read = as_type(value);
        if read.is_none() {
            self.faults.push(Fault::mismatch(name, value, wanted));
        }
        read.map(Some)
    }

    /// Text of at most 255 characters. *Unverified:* the vendor's columns are that wide.
    pub fn line(&mut self, name: &str) -> Given<String> {
        let text = self.text(name);
        if let Some(Some(text)) = &text
            && text.chars().count() > 255
        {
            let has = text.chars().count();
            self.faults
                .push(Fault::invalid(name, format!("Has {has} characters, it can have maximum of 255 characters")));
        }
        text
    }

    pub fn text(&mut self, name: &str) -> Given<String> {
        self.read(name, "String", |v| v.as_str().map(str::to_owned))
    }

    pub fn id(&mut self, name: &str) -> Given<u64> {
        let textual = self.textual;
        self.read(name, "Positive Integer", move |v| positive(v, textual))
    }

    pub fn flag(&mut self, name: &str) -> Given<bool> {
        let textual = self.textual;
        self.read(name, "Boolean", move |v| truth(v, textual))
    }

    pub fn texts(&mut self, name: &str) -> Given<Vec<String>> {
        self.read(name, "Array", |v| v.as_array()?.iter().map(|e| e.as_str().map(str::to_owned)).collect())
    }

    pub fn ids(&mut self, name: &str) -> Given<Vec<u64>> {
        let textual = self.textual;
        self.read(name, "Array", move |v| v.as_array()?.iter().map(|e| positive(e, textual)).collect())
    }

    pub fn object(&mut self, name: &str) -> Given<Map<String, Value>> {
        self.read(name, "Key/Value Pair", |v| v.as_object().cloned())
    }

    pub fn objects(&mut self, name: &str) -> Given<Vec<Map<String, Value>>> {
        self.read(name, "Array", |v| v.as_array()?.iter().map(|e| e.as_object().cloned()).collect())
    }

    pub fn time(&mut self, name: &str) -> Given<Timestamp> {
        self.read(name, "date format", |v| time(v.as_str()?))
    }

    pub fn emails(&mut self, name: &str, most: usize) -> Given<Vec<String>> {
        let list = self.texts(name);
        for address in list.iter().flatten().flatten().filter(|a| !is_email(a)) {
            self.faults
                .push(Fault::invalid(name, format!("It should contain elements of type valid email, not {address}")));
        }
        if let Some(Some(list)) = &list
            && list.len() > most
        {
            let has = list.len();
            self.faults
                .push(Fault::invalid(name, format!("Has {has} elements, it can have maximum of {most} elements")));
        }
        list
    }

    pub fn email(&mut self, name: &str) -> Given<String> {
        let address = self.line(name);
        if let Some(Some(address)) = &address
            && !is_email(address)
        {
            self.faults.push(Fault::invalid(name, "It should be in the 'valid email address' format"));
        }
        address
    }

    /// Tags of at most 32 characters, without commas. *Unverified:* the vendor's form does not take others.
    pub fn tags(&mut self) -> Given<Vec<String>> {
        let tags = self.texts("tags");
        for tag in tags.iter().flatten().flatten() {
            if tag.chars().count() > 32 {
                self.faults
                    .push(Fault::invalid("tags", "It should contain elements that have maximum of 32 characters"));
            }
            if tag.contains(',') || tag.trim().is_empty() {
                self.faults.push(Fault::invalid("tags", "It should not contain special characters: ','"));
            }
        }
        tags.map(|given| given.map(distinct))
    }
}

fn distinct(tags: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for tag in tags {
        if !kept.iter().any(|k| k.eq_ignore_ascii_case(&tag)) {
            kept.push(tag);
        }
    }
    kept
}

fn positive(value: &Value, textual: bool) -> Option<u64> {
    let number = match value {
        Value::String(text) if textual => text.parse().ok(),
        other => other.as_u64(),
    };
    number.filter(|n| *n > 0)
}

pub fn truth(value: &Value, textual: bool) -> Option<bool> {
    match value {
        Value::String(text) if textual => text.parse().ok(),
        other => other.as_bool(),
    }
}

/// One at sign between two parts, a dot in the second, nothing blank.
pub fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !text.chars().any(|c| c.is_whitespace() || "<>,;()@".contains(c) && c != '@')
            && !domain.contains('@')
    })
}

/// Moments as the page on date fields takes them; without a zone they are UTC.
pub fn time(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let local = text.strip_suffix('Z').unwrap_or(text);
    let moment = local.parse::<DateTime>().or_else(|_| local.parse::<Date>().map(|d| d.at(0, 0, 0, 0))).ok()?;
    moment.in_tz("UTC").ok().map(|zoned| zoned.timestamp())
}

/// A custom date: `YYYY-MM-DD` and nothing else.
pub fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_forms_of_a_moment_are_read_and_no_other() {
        for text in
            ["2016-02-15T21:16:25Z", "2012-12-24T12:56:15+05:30", "2010-03-23T12:00", "2010-03-23T12:00Z", "2015-08-17"]
        {
            assert!(time(text).is_some(), "{text}");
        }
        assert!(time("17.08.2015").is_none());
        assert!(is_day("2015-08-17") && !is_day("2015-08-17T00:00:00Z") && !is_day("2015-13-01"));
    }

    #[test]
    fn an_address_is_one_person_at_one_domain() {
        assert!(is_email("o'hara+x@mail.example.com"));
        for text in ["a@b", "a b@c.de", "Ann <ann@x.example>", "a@b@c.de", "@x.de", "a@.de"] {
            assert!(!is_email(text), "{text}");
        }
    }
}
