//! Values of a look-alike's state, plainly.

use serde_json::Value;
use std::collections::HashMap;

pub fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

pub fn id(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, String::from)
}

/// What the rows of a list are called, by their ids; `name`: the key that says it.
pub fn names(list: &Value, name: &str) -> HashMap<u64, String> {
    rows(list).iter().map(|row| (id(&row["id"]), text(&row[name]))).collect()
}

/// What people read of the value a ticket of a Zendesk has in a field: of lists the labels.
pub fn shown(field: &Value, ticket: &Value) -> Vec<String> {
    let label = |value: &Value| {
        let option = rows(&field["custom_field_options"]).iter().find(|option| option["value"] == *value);
        option.map_or_else(|| text(value), |option| text(&option["name"]))
    };
    let held = rows(&ticket["custom_fields"]).iter().find(|held| held["id"] == field["id"]);
    match held.map_or(&Value::Null, |held| &held["value"]) {
        Value::Null => vec![],
        Value::Array(several) => several.iter().map(label).collect(),
        one => vec![label(one)],
    }
}
