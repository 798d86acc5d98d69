//! Whether a refusal names a field of the record. One that names none may be of the account: many alike in a row are.

use super::refusal::{DEPTH, NESTED, SENTENCES, WHOLE};
use serde_json::{Map, Value};

/// Keys whose value is the name of a field.
const NAMES: [&str; 6] = ["field", "attribute", "property", "param", "parameter", "loc"];
/// Lists of what is wrong with a record: each entry is of a field, whatever its words.
const OF_FIELDS: [&str; 2] = ["validationResults", "validation_errors"];
/// What an object holds that says something itself, and is no list by field.
const SAYS: [&str; 8] = ["message", "msg", "detail", "code", "error", "reason", "type", "title"];
/// What stands before a colon and is no field.
const NO_LABELS: [&str; 9] =
    ["error", "warning", "forbidden", "denied", "account", "message", "reason", "request id", "code"];

/// `status`: a list of plain sentences at 422 is that of a validation, each of which begins with its field.
pub(super) fn names_a_field(status: u16, text: &str) -> bool {
    let Ok(Value::Object(body)) = serde_json::from_str::<Value>(text) else { return false };
    let sentences =
        |value: &Value| value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_string));
    let by_field = |(key, value): (&String, &Value)| {
        let key = key.as_str();
        !SENTENCES.contains(&key) && !NESTED.contains(&key) && !WHOLE.contains(&key) && sentences(value)
    };
    in_statement(&body, 0)
        || (status == 422 && body.get("errors").is_some_and(sentences))
        || (matches!(status, 400 | 422) && body.iter().any(by_field))
}

fn in_statement(map: &Map<String, Value>, depth: usize) -> bool {
    let is_said = |value: &Value| !matches!(value, Value::Null) && value != "";
    let pointer = |key: &str| map.get("source").and_then(|source| source.get(key)).is_some_and(is_said);
    depth <= DEPTH
        && (NAMES.iter().any(|key| map.get(*key).is_some_and(is_said))
            || OF_FIELDS.iter().any(|key| map.get(*key).and_then(Value::as_array).is_some_and(|all| !all.is_empty()))
            || pointer("pointer")
            || pointer("parameter")
            || NESTED
                .iter()
                .chain(&["detail"])
                .any(|key| map.get(*key).is_some_and(|value| in_details(key, value, depth + 1))))
}

/// `key`: what the value stands at.
fn in_details(key: &str, value: &Value, depth: usize) -> bool {
    match value {
        _ if depth > DEPTH => false,
        Value::String(text) => key == "details" && begins_with_a_label(text),
        Value::Array(all) => all.iter().any(|one| match one {
            Value::Object(map) => in_statement(map, depth + 1),
            Value::String(text) => begins_with_a_label(text),
            _ => false,
        }),
        Value::Object(map) if SAYS.iter().any(|key| map.get(*key).is_some_and(Value::is_string)) => {
            in_statement(map, depth + 1)
        }
        Value::Object(map) => map.iter().any(|(field, value)| match WHOLE.contains(&field.as_str()) {
            true => of_the_whole(value),
            false => value.is_array() || value.is_object() || (value.is_string() && key != "details"),
        }),
        _ => false,
    }
}

/// Sentences about the whole record may still name a field: `Description: cannot be blank`.
fn of_the_whole(value: &Value) -> bool {
    match value {
        Value::String(text) => begins_with_a_label(text),
        Value::Array(all) => all.iter().any(of_the_whole),
        Value::Object(map) => SENTENCES.iter().filter_map(|key| map.get(*key)?.as_str()).any(begins_with_a_label),
        _ => false,
    }
}

fn begins_with_a_label(text: &str) -> bool {
    let Some((label, rest)) = text.split_once(": ") else { return false };
    !rest.trim().is_empty()
        && label.chars().next().is_some_and(char::is_alphabetic)
        && label.split_whitespace().count() <= 3
        && !NO_LABELS.contains(&label.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_names_a_field_is_the_records() {
        for (status, body) in [
            (
                422,
                r#"{"error":"RecordInvalid","description":"Record validation errors","details":{"requester":[{"description":"Requester: Name: is too short"}]}}"#,
            ),
            (422, r#"{"error":"RecordInvalid","details":{"base":[{"description":"Description: cannot be blank"}]}}"#),
            (
                422,
                r#"{"index":0,"error":"TicketCreateFailed","details":"Description: cannot be blank","status":"Failed"}"#,
            ),
            (
                400,
                r#"{"description":"Validation failed","errors":[{"field":"status","message":"one of 2,3","code":"invalid_value"}]}"#,
            ),
            (409, r#"{"errors":[{"message":"x"},{"field":"email","code":"duplicate_value"}]}"#),
            (400, r#"{"code":"missing_field","field":"subject","message":"needed"}"#),
            (422, r#"{"errors":["Subject cannot be blank","Status is invalid"]}"#),
            (400, r#"{"errorMessages":[],"errors":{"description":"Operation value must be a string"}}"#),
            (400, r#"{"message":{"email":["has already been taken"]}}"#),
            (400, r#"{"subject":["This field is required."]}"#),
            (422, r#"{"detail":[{"loc":["body","subject"],"msg":"field required"}]}"#),
            (422, r#"{"errors":[{"detail":"too long","source":{"pointer":"/data/name"}}]}"#),
            (400, r#"{"validationResults":[{"message":"a@ is invalid","name":"email"}],"message":"not valid"}"#),
        ] {
            assert!(names_a_field(status, body), "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_that_names_none_may_be_the_accounts() {
        for (status, body) in [
            (404, r#"{"error":{"title":"No help desk at acme.example","message":"There is no help desk here"}}"#),
            (403, r#"{"errors":[{"code":"account_suspended","message":"The account is suspended"}]}"#),
            (403, r#"{"errors":{"code":"account_suspended","message":"The account is suspended"}}"#),
            (403, r#"{"error":"Forbidden","details":"Your trial has ended"}"#),
            (403, r#"{"error":"Forbidden","details":{"reason":"trial ended","plan":{"name":"x"}}}"#),
            (422, r#"{"error":"RecordInvalid","details":{"base":[{"description":"Your account is suspended"}]}}"#),
            (403, r#"{"error":"Forbidden","details":["Error: trial ended"]}"#),
            (422, r#"{"error":"Your trial has expired"}"#),
            (409, r#"{"message":"The account is being moved"}"#),
            (405, "read only mode"),
            (403, r#"{"errors":["The account is suspended"]}"#),
            (403, r#"["ERROR_RIGHT_MISSING","No right"]"#),
            (403, ""),
        ] {
            assert!(!names_a_field(status, body), "{status} {body}");
        }
    }
}
