//! Which keys of a vendor's rows have an effect on what is read: each is changed, and what comes out is looked at.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that are looked at: more show nothing new.
const ROWS: usize = 24;
/// Ways in which a value is changed.
pub const WAYS: usize = 6;

/// The keys of rows that hold something, `.` between levels; lists have no level of their own, and keys that accounts make themselves are
/// `*`.
pub fn of(rows: &[Value], own: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeMap::new();
    rows.iter().for_each(|row| {
        walk(row, "", own, &mut |key, value| {
            found.insert(key.to_owned(), kind_of(value));
        })
    });
    found.into_keys().collect()
}

/// Rows that between them show every key with every kind of value.
pub fn telling(rows: &[Value], own: &[&str]) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for row in rows {
        let before = seen.len();
        walk(row, "", own, &mut |key, value| {
            seen.insert(format!("{key} {}", kind_of(value)));
        });
        if seen.len() > before && kept.len() < ROWS {
            kept.push(row.clone());
        }
    }
    kept
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(is) => is.to_string(),
        Value::Number(_) => "number".into(),
        Value::String(text) if text.is_empty() => "empty".into(),
        Value::String(_) => "text".into(),
        Value::Array(_) => "list".into(),
        Value::Object(_) => "object".into(),
    }
}

/// Shows each value that has none below it.
fn walk(value: &Value, at: &str, own: &[&str], show: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(all) if !all.is_empty() => {
            for (key, below) in all {
                walk(below, &joined(at, key, own), own, show);
            }
        }
        Value::Array(all) if !all.is_empty() => all.iter().for_each(|one| walk(one, at, own, show)),
        Value::Object(_) => {}
        _ => show(at, value),
    }
}

fn joined(at: &str, key: &str, own: &[&str]) -> String {
    let key = if own.contains(&at) { "*" } else { key };
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

/// The rows with another value under a key, wherever it stands; none where this way changes nothing.
pub fn changed(rows: &[Value], key: &str, own: &[&str], way: usize) -> Option<Vec<Value>> {
    let mut rows = rows.to_vec();
    let mut any = false;
    rows.iter_mut().for_each(|row| change(row, "", key, own, way, &mut any));
    any.then_some(rows)
}

fn change(value: &mut Value, at: &str, key: &str, own: &[&str], way: usize, any: &mut bool) {
    match value {
        Value::Object(all) if !all.is_empty() => {
            for (name, below) in all {
                change(below, &joined(at, name, own), key, own, way, any);
            }
        }
        Value::Array(all) if !all.is_empty() => all.iter_mut().for_each(|one| change(one, at, key, own, way, any)),
        _ if at == key => {
            if let Some(other) = other(value, way) {
                *value = other;
                *any = true;
            }
        }
        _ => {}
    }
}

fn other(value: &Value, way: usize) -> Option<Value> {
    const DATE: &str = "2001-02-03T04:05:06Z";
    let ways = match value {
        Value::Null => vec![json!("x"), json!(7), json!(true), json!(DATE), json!(["x"]), json!({"x": "x"})],
        Value::Bool(is) => vec![json!(!is)],
        Value::Number(number) => vec![number.as_i64().map_or(json!(7), |n| json!(n + 1)), json!("x")],
        Value::String(text) if text.contains('T') && text.ends_with('Z') => vec![json!(DATE), json!("")],
        Value::String(text) => vec![json!(format!("{text}x")), json!(""), json!("x@y.example")],
        Value::Array(_) => vec![json!(["x"]), json!([7]), json!([{"id": 7, "name": "x"}])],
        Value::Object(_) => vec![json!({"x": "x"})],
    };
    ways.into_iter().nth(way)
}

/// The rows with this value at a place, where there is what holds it.
pub fn set(rows: &[Value], place: &str, to: &Value) -> Vec<Value> {
    let mut rows = rows.to_vec();
    rows.iter_mut().for_each(|row| put(row, place, to));
    rows
}

fn put(value: &mut Value, place: &str, to: &Value) {
    let (key, below) = place.split_once('.').map_or((place, None), |(key, below)| (key, Some(below)));
    match (value, below) {
        (Value::Array(all), _) => all.iter_mut().for_each(|one| put(one, place, to)),
        (Value::Object(all), None) => {
            all.insert(key.to_owned(), to.clone());
        }
        (Value::Object(all), Some(below)) => {
            if let Some(one) = all.get_mut(key) {
                put(one, below, to);
            }
        }
        _ => {}
    }
}

/// Whether a key, or one above it, is among those said.
pub fn covers(said: &str, key: &str) -> bool {
    key.strip_prefix(said).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The test of this test.
pub fn told_apart() {
    let rows = [json!({"id": 1, "who": {"name": "a", "at": null}, "own": {"k": "v"}, "tags": [], "seen": false})];
    let own = ["own"];
    let all: Vec<String> = of(&rows, &own).into_iter().collect();
    assert_eq!(all, ["id", "own.*", "seen", "tags", "who.at", "who.name"]);
    let read = |rows: &[Value]| rows.iter().map(|r| json!([r["who"]["name"], r["tags"]])).collect::<Vec<_>>();
    let has_effect = |key: &String| {
        (0..WAYS).filter_map(|way| changed(&rows, key, &own, way)).any(|other| read(&other) != read(&rows))
    };
    let unread: Vec<&String> = all.iter().filter(|key| !has_effect(key)).collect();
    assert_eq!(unread, ["id", "own.*", "seen", "who.at"]);
    let put = set(&rows, "who.name", &json!("b"));
    assert_eq!(put[0]["who"]["name"], "b");
    assert!(
        covers("who", "who.at") && covers("who.at", "who.at") && !covers("wh", "who.at") && !covers("who.at", "who")
    );
}
