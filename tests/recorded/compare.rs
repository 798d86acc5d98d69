//! Records beside the rows they were made of.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Of one row and its record. Ids are not shown: they are the account's.
#[derive(Default)]
pub struct Differences(Vec<String>);

impl Differences {
    pub fn same(&mut self, what: &str, row: Value, record: &Value) {
        if row != *record {
            self.0.push(format!("{what}: {record}, and the source says {row}"));
        }
    }

    pub fn none(self) -> Result<(), String> {
        let many = self.0.len();
        let shown: Vec<String> = self.0.into_iter().take(20).collect();
        if shown.is_empty() { Ok(()) } else { Err(format!("{many} differences\n{}", shown.join("\n"))) }
    }
}

/// Each row with its record, by the id; told of those that have none, and of records that are nobody's.
pub fn pairs<'a>(rows: &'a [Value], records: &'a [Value], told: &mut Differences) -> Vec<(&'a Value, &'a Value)> {
    let records = records.iter().filter(|record| !record["id"].is_null());
    let mut by_id: BTreeMap<String, &Value> = records.map(|record| (text(&record["id"]), record)).collect();
    let paired = rows.iter().filter_map(|row| Some((row, by_id.remove(&text(&row["id"]))?))).collect::<Vec<_>>();
    told.same("rows that became a record", json!(rows.len()), &json!(paired.len()));
    told.same("records without a row", json!(0), &json!(by_id.len()));
    paired
}

/// An id as records hold it.
pub fn text(id: &Value) -> String {
    match id {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A reference: a text, or not there.
pub fn reference(id: &Value) -> Value {
    if id.is_null() { Value::Null } else { text(id).into() }
}

pub fn references(ids: &Value) -> Value {
    ids.as_array().into_iter().flatten().map(|id| Value::from(text(id))).collect()
}

/// Null where there is nothing to hold.
pub fn something(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Array(all) if all.is_empty() => Value::Null,
        other => other.clone(),
    }
}

/// A list, whether it is there or not.
pub fn list(value: &Value) -> Value {
    json!(value.as_array().cloned().unwrap_or_default())
}

/// Values that are there, by key.
pub fn values<'a>(all: impl IntoIterator<Item = (String, &'a Value)>) -> Value {
    let there = all.into_iter().filter(|(_, value)| !something(value).is_null());
    Value::Object(there.map(|(key, value)| (key, value.clone())).collect())
}

/// The custom values of a record by key, but for these.
pub fn custom(record: &Value, but: &[&str]) -> Value {
    let all = record["custom"].as_array().into_iter().flatten();
    let kept = all.filter(|one| one["key"].as_str().is_none_or(|key| !but.contains(&key)));
    Value::Object(kept.map(|one| (text(&one["key"]), one["value"].clone())).collect())
}
