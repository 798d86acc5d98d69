//! What Zendesk says when it does not do what was asked. Wordings are recorded where nothing else is said.

use crate::sandbox::desk::Answer;
use serde_json::json;

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
