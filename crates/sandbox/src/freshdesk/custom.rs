//! Values of custom fields: whether they are of their field's type, among its choices, and all that must be there.

use super::attributes::{is_day, truth};
use super::refusal::Fault;
use super::store::{Choice, Field};
use serde_json::{Map, Value};

/// Checks what was sent for `fields` and lays it over `stored`. Null takes a value away.
///
/// # Errors
/// A row for each name that is no field, each value of another type and each that is no choice.
pub fn lay_over(
    fields: &[Field],
    stored: &Map<String, Value>,
    sent: &Map<String, Value>,
    textual: bool,
) -> (Map<String, Value>, Vec<Fault>) {
    let mut merged = stored.clone();
    let mut faults = Vec::new();
    for (name, value) in sent {
        let place = format!("custom_fields.{name}");
        let Some(field) = fields.iter().find(|f| f.is_custom() && level_of(f, name).is_some()) else {
            faults.push(Fault::unexpected(place));
            continue;
        };
        if value.is_null() {
            merged.shift_remove(name);
            continue;
        }
        match typed(field, value, textual) {
            Ok(value) => {
                merged.insert(name.clone(), value);
            }
            Err(wanted) => faults.push(Fault::mismatch(place, value, wanted)),
        }
    }
    let changed = fields.iter().filter(|f| f.is_custom() && sent.keys().any(|name| level_of(f, name).is_some()));
    faults.extend(changed.flat_map(|field| outside_choices(field, &merged)));
    (merged, faults)
}

/// Mandatory fields without a value; `closing` when the ticket is to be resolved or closed.
pub fn lacking(fields: &[Field], values: &Map<String, Value>, closing: bool) -> Vec<Fault> {
    let must = |f: &&Field| f.is_custom() && (f.required_for_agents || (closing && f.required_for_closure));
    let blank = |f: &&Field| values.get(&f.name).is_none_or(|v| v.as_str().is_some_and(|s| s.trim().is_empty()));
    fields.iter().filter(must).filter(blank).map(|f| Fault::blank(format!("custom_fields.{}", f.name))).collect()
}

/// All custom fields of a record as they are shown: null where nothing was set.
pub fn shown(fields: &[Field], values: &Map<String, Value>) -> Value {
    let names = fields.iter().filter(|f| f.is_custom()).flat_map(names);
    Value::Object(names.map(|name| (name.to_owned(), values.get(name).cloned().unwrap_or(Value::Null))).collect())
}

/// A field's own name and, of a dependent field, those of its lower levels.
pub fn names(field: &Field) -> impl Iterator<Item = &str> {
    std::iter::once(field.name.as_str()).chain(field.levels.iter().map(|(_, name, _)| name.as_str()))
}

fn level_of(field: &Field, name: &str) -> Option<usize> {
    names(field).position(|n| n == name)
}

fn typed(field: &Field, value: &Value, textual: bool) -> Result<Value, &'static str> {
    let text = value.as_str();
    match field.kind.as_str() {
        "custom_number" => match text.filter(|_| textual).map(str::parse::<i64>) {
            Some(Ok(n)) => Ok(n.into()),
            _ => value.as_i64().map(Value::from).ok_or("Integer"),
        },
        "custom_decimal" => match text.filter(|_| textual).map(str::parse::<f64>) {
            Some(Ok(n)) => Ok(n.into()),
            _ => value.is_number().then(|| value.clone()).ok_or("Number"),
        },
        "custom_checkbox" => truth(value, textual).map(Value::Bool).ok_or("Boolean"),
        "custom_date" => text.filter(|t| is_day(t)).map(Value::from).ok_or("date format (YYYY-MM-DD)"),
        // Unverified: that a line longer than the vendor's column is refused, not cut.
        "custom_text" => {
            text.filter(|t| t.chars().count() <= 255).map(Value::from).ok_or("String of at most 255 characters")
        }
        _ => text.map(Value::from).ok_or("String"),
    }
}

/// A lower level counts only below the choice made above it.
fn outside_choices(field: &Field, values: &Map<String, Value>) -> Vec<Fault> {
    if !matches!(field.kind.as_str(), "custom_dropdown" | "nested_field") {
        return Vec::new();
    }
    let mut open: &[Choice] = &field.choices;
    let mut faults = Vec::new();
    for name in names(field) {
        let Some(value) = values.get(name).and_then(Value::as_str) else {
            open = &[];
            continue;
        };
        match open.iter().find(|c| c.value == value) {
            Some(choice) => open = &choice.below,
            None => {
                let allowed: Vec<String> = open.iter().map(|c| c.value.clone()).collect();
                faults.push(Fault::not_in(format!("custom_fields.{name}"), &allowed));
                open = &[];
            }
        }
    }
    faults
}
