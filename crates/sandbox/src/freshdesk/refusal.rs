//! What Freshdesk says when it does not do what was asked: statuses and bodies of its page on errors.
//!
//! Codes are those of <https://developers.freshdesk.com/api/#error>. Wordings marked *unverified* are not on that
//! page: a client must go by the code.

use crate::desk::Answer;
use serde_json::{Value, json};

/// One row of `errors` in a 400 or 409.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    field: String,
    message: String,
    code: &'static str,
    /// Whose the value is already, for the caller to adopt.
    owner: Option<u64>,
}

impl Fault {
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), code, owner: None }
    }

    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(field, "invalid_value", message)
    }

    pub fn missing(field: impl Into<String>) -> Self {
        Self::new(field, "missing_field", "Mandatory attribute missing")
    }

    pub fn unexpected(field: impl Into<String>) -> Self {
        Self::new(field, "invalid_field", "Unexpected/invalid field in request")
    }

    /// *Unverified wording.*
    pub fn blank(field: impl Into<String>) -> Self {
        Self::invalid(field, "It should not be blank as this is a mandatory field")
    }

    /// *Unverified wording.*
    pub fn mismatch(field: impl Into<String>, found: &Value, wanted: &str) -> Self {
        let message = format!("Value set is of type {}.It should be a/an {wanted}", type_name(found));
        Self::new(field, "datatype_mismatch", message)
    }

    pub fn not_in(field: impl Into<String>, allowed: &[String]) -> Self {
        Self::invalid(field, format!("It should be one of these values: '{}'", allowed.join(",")))
    }

    pub fn absent(field: &str, what: &str) -> Self {
        Self::invalid(field, format!("No {what} has this {field}"))
    }

    /// The value belongs to `owner` already. `additional_info` is told of by importers, not by the page.
    pub fn taken(field: impl Into<String>, owner: Option<u64>) -> Self {
        Self { owner, ..Self::new(field, "duplicate_value", "It should be a unique value") }
    }

    fn json(&self) -> Value {
        let mut row = json!({"field": self.field});
        if let Some(id) = self.owner {
            row["additional_info"] = json!({"user_id": id});
        }
        row["message"] = json!(self.message);
        row["code"] = json!(self.code);
        row
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(n) if n.is_f64() => "Number",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Key/Value Pair",
    }
}

/// Why a call had no effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    Credentials,
    /// No such record, no such path: the vendor answers with an empty body.
    NotFound,
    /// The path exists for other verbs, or the record is in the bin.
    Verb(&'static [&'static str]),
    Accept,
    ContentType(String),
    Json,
    Denied,
    Validation(Vec<Fault>),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Validation(vec![fault])
    }
}

impl Refusal {
    pub fn answer(&self) -> Answer {
        match self {
            Self::Credentials => coded(401, "invalid_credentials", "You have to be logged in to perform this action."),
            Self::NotFound => Answer { status: 404, headers: Vec::new(), body: Vec::new() },
            Self::Verb(allowed) => {
                let list = allowed.join(", ");
                // Unverified wording.
                let message = format!("This method is not allowed. It should be one of these method(s): {list}");
                coded(405, "method_not_allowed", &message).header("allow", list)
            }
            // Unverified codes: the page names the statuses alone.
            Self::Accept => coded(406, "invalid_accept_header", "Only application/json and */* are supported."),
            Self::ContentType(found) => {
                let message = format!("Content-Type header is set to {found}. Only application/json is supported.");
                coded(415, "unsupported_content_type", &message)
            }
            Self::Json => coded(400, "invalid_json", "Request parameter is not a valid JSON."),
            Self::Denied => coded(403, "access_denied", "You are not authorized to perform this action."),
            Self::Validation(faults) => {
                // Unverified: a value that is taken among other faults is a 400 here.
                let status = if faults.iter().all(|f| f.code == "duplicate_value") { 409 } else { 400 };
                let errors: Vec<Value> = faults.iter().map(Fault::json).collect();
                Answer::json(status, &json!({"description": "Validation failed", "errors": errors}))
            }
        }
    }
}

fn coded(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "message": message}))
}
