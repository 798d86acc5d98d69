//! What Zendesk says when it does not do what was asked. Wordings are recorded where nothing else is said.

use crate::desk::Answer;
use serde_json::{Value, json};

pub fn not_found() -> Answer {
    Answer::json(404, &json!({ "error": "RecordNotFound", "description": "Not found" }))
}

pub fn invalid_endpoint() -> Answer {
    Answer::json(404, &json!({ "error": "InvalidEndpoint", "description": "Not found" }))
}

pub fn unauthenticated() -> Answer {
    Answer::json(401, &json!({ "error": "Couldn't authenticate you" }))
}

/// Wording unverified.
pub fn forbidden(message: &str) -> Answer {
    Answer::json(403, &json!({ "error": { "title": "Forbidden", "message": message } }))
}

/// Wording unverified.
pub fn invalid(parameter: &str, what: &str) -> Answer {
    Answer::json(400, &json!({ "error": "InvalidValue", "description": format!("{parameter}: {what}") }))
}

/// Wording unverified.
pub fn too_recent() -> Answer {
    let description = "Too recent start_time. Use a start_time older than 60 seconds";
    Answer::json(422, &json!({ "error": "StartTimeTooRecent", "description": description }))
}

/// As recorded for ids.
pub fn too_many_values() -> Answer {
    let description = "Parameter  cannot specify more than 100 values";
    Answer::json(400, &json!({ "error": "TooManyValues", "description": description, "max_count": 100 }))
}

/// As recorded, with `details` by attribute.
pub fn record_invalid(details: &Value) -> Answer {
    let body = json!({ "error": "RecordInvalid", "description": "Record validation errors", "details": details });
    Answer::json(422, &body)
}

/// A body without the object it must hold. Its shape is that of known answers, the status beside it is unverified.
pub fn not_an_object(name: &str) -> Answer {
    let message =
        format!("You passed an invalid value for the {name} attribute. Invalid parameter: {name} must be an object");
    Answer::json(400, &json!({ "error": { "title": "Invalid attribute", "message": message } }))
}

/// The page names the limit of 30 and the status; name and wording are told by importers. No `Retry-After`: unverified.
pub fn too_many_jobs() -> Answer {
    let description = "Too many jobs are currently queued or running. Try again later.";
    Answer::json(429, &json!({ "error": "TooManyJobs", "description": description }))
}

/// As recorded for more rows than a job takes.
pub fn too_many_rows(what: &str) -> Answer {
    let description = format!("Maximum 100 {what} may be created per call");
    Answer::json(400, &json!({ "error": "TooManyValues", "description": description }))
}

/// Of users in bulk: the page names the status. Wording unverified.
pub fn no_bulk_users() -> Answer {
    let description = "Bulk user imports are not enabled for this account. Contact Zendesk Customer Support.";
    Answer::json(403, &json!({ "error": "Forbidden", "description": description }))
}

/// Wording unverified.
pub fn too_large(most: u64) -> Answer {
    let description = format!("The attachment is larger than {most} bytes");
    Answer::json(413, &json!({ "error": "AttachmentTooLarge", "description": description }))
}

/// Of an update with `safe_update`. Wording unverified.
pub fn conflict() -> Answer {
    Answer::json(409, &json!({ "error": "UpdateConflict", "description": "Safe Update prevented ticket update" }))
}
