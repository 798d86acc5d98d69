//! Values of a look-alike's state, plainly.

use serde_json::Value;

pub fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

pub fn id(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, String::from)
}
