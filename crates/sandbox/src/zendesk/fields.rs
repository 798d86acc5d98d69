//! Custom fields of tickets: what values they take, and the tags that come with them.
//!
//! The values of lists and the tag of a checkbox are tags at the same time: a value that is set brings its tag, a tag that is a
//! value sets it (<https://support.zendesk.com/hc/en-us/articles/4408882152602>). Values are unique over all fields. A field
//! that does not exist is passed over. *Unverified:* that a value a field does not take is refused.

use super::sent::{Fault, Invalid, Sent, number, tags};
use super::store::{Account, Cause, HERE};
use super::tables;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

const TYPES: [&str; 11] = [
    "text",
    "textarea",
    "checkbox",
    "date",
    "integer",
    "decimal",
    "regexp",
    "partialcreditcard",
    "multiselect",
    "tagger",
    "lookup",
];
/// Options of one field, at most.
const MOST_OPTIONS: usize = 2000;
const MOST_LETTERS: usize = 65_536;

/// What a value must match when its field is of type `regexp`: the one field of that type the account has.
fn matches_serial(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 7
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2] == b'-'
        && bytes[3..].iter().all(u8::is_ascii_digit)
}

fn options(field: &Value) -> Vec<&str> {
    let rows = field["custom_field_options"].as_array().map_or(&[][..], Vec::as_slice);
    rows.iter().filter_map(|row| row["value"].as_str()).collect()
}

/// A value as the field keeps it; `Err` says why it does not.
fn fitted(field: &Value, value: &Value) -> Result<Value, &'static str> {
    if value.is_null() || value == "" {
        return Ok(if field["type"] == "checkbox" { json!(false) } else { Value::Null });
    }
    let text = match value {
        Value::Number(n) => n.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    match field["type"].as_str().unwrap_or_default() {
        "checkbox" => value.as_bool().map(Value::Bool).ok_or("must be true or false"),
        "date" => match text.parse::<Date>() {
            Ok(_) if text.len() == 10 => Ok(json!(text)),
            _ => Err("is not a valid date"),
        },
        "integer" => text.parse::<i64>().map(|_| json!(text)).map_err(|_| "must be a whole number"),
        "decimal" => text.parse::<f64>().map(|_| json!(text)).map_err(|_| "must be a number"),
        "regexp" if field["regexp_for_validation"].is_string() && !matches_serial(&text) => Err("is invalid"),
        "tagger" => options(field).contains(&text.as_str()).then(|| json!(text)).ok_or("is not an option"),
        "multiselect" => {
            let chosen = value.as_array().ok_or("must be a list of options")?;
            let known = options(field);
            let all = chosen.iter().all(|one| one.as_str().is_some_and(|one| known.contains(&one)));
            if all { Ok(value.clone()) } else { Err("is not an option") }
        }
        _ if !value.is_string() && !value.is_number() => Err("must be a text"),
        _ if text.chars().count() > MOST_LETTERS => Err("is too long"),
        _ => Ok(json!(text)),
    }
}

impl Account {
    /// Custom values of a ticket and its tags, after `sent` was laid over `current`; tags were sent already.
    pub fn lay_fields(&self, current: &Value, given: &[&Object], tags: &mut Vec<String>, sent: &mut Sent<'_>) -> Value {
        let custom = self.table("ticket_fields").iter().filter(|field| field["removable"] == true);
        let mut rows = Vec::new();
        for field in custom {
            let before = current.as_array().into_iter().flatten().find(|row| row["id"] == field["id"]);
            let mut value =
                before.map_or_else(|| fitted(field, &Value::Null).unwrap_or_default(), |row| row["value"].clone());
            let said = given.iter().rev().find(|row| row.get("id").and_then(number) == field["id"].as_u64());
            match said.map(|row| fitted(field, row.get("value").unwrap_or(&Value::Null))) {
                None => value = by_tags(field, value, tags),
                Some(Ok(fits)) => {
                    value = fits;
                    tag(field, &value, tags);
                }
                Some(Err(why)) => {
                    let title = field["title"].as_str().unwrap_or_default();
                    sent.fault(Fault {
                        field: "base".into(),
                        description: format!("{title}: {why}"),
                        error: "InvalidValue",
                    });
                }
            }
            rows.push(json!({ "id": field["id"], "value": value }));
        }
        Value::Array(rows)
    }

    fn tags_in_use(&self) -> Vec<String> {
        let fields = self.table("ticket_fields").iter();
        fields
            .flat_map(|f| options(f).into_iter().chain(f["tag"].as_str()).map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }

    fn options_sent(&mut self, rows: &[&Object], sent: &mut Sent<'_>, taken: &[String]) -> Vec<Value> {
        let mut made: Vec<Value> = Vec::new();
        for row in rows {
            let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (name, value) = (text("name"), tags(&[text("value")]).concat());
            if name.is_empty() || value.is_empty() {
                sent.fault(Fault::blank("custom_field_options"));
            } else if taken.contains(&value) || made.iter().any(|own| own["value"] == *value) {
                sent.fault(Fault::taken("custom_field_options", &value));
            }
            made.push(
                json!({ "id": self.next_id(), "name": name, "raw_name": name, "value": value, "default": false }),
            );
        }
        if made.len() > MOST_OPTIONS {
            sent.fault(Fault::invalid("custom_field_options", "are more than 2000"));
        }
        made
    }

    /// `POST /ticket_fields`
    pub fn create_field(&mut self, values: &Object, cause: &Cause) -> Result<Value, Invalid> {
        let mut sent = Sent::of(values);
        let kind = sent.one_of("type", &TYPES).unwrap_or_default().to_owned();
        let title = sent.line("title").unwrap_or_default().to_owned();
        for (name, value) in [("type", &kind), ("title", &title)] {
            if value.is_empty() {
                sent.fault(Fault::blank(name));
            }
        }
        let listed = matches!(kind.as_str(), "tagger" | "multiselect");
        let rows = sent.objects("custom_field_options").unwrap_or_default();
        if listed && rows.is_empty() {
            sent.fault(Fault::blank("custom_field_options"));
        }
        let taken = self.tags_in_use();
        let made = self.options_sent(&rows, &mut sent, &taken);
        let tag = sent.text("tag").map(|tag| tags(&[tag.to_owned()]).concat());
        if tag.as_ref().is_some_and(|tag| taken.contains(tag)) {
            sent.fault(Fault::taken("tag", tag.as_deref().unwrap_or_default()));
        }
        sent.done()?;
        let id = self.next_id();
        let now = json!(cause.at.to_string());
        let position = self.table("ticket_fields").len();
        let mut row = tables::field(id, position, &kind, &title, true);
        let options = if listed { Value::Array(made) } else { Value::Null };
        let rest = json!({ "tag": tag, "regexp_for_validation": values.get("regexp_for_validation"),
            "created_at": now, "updated_at": now });
        tables::merge(&mut row, rest);
        if listed {
            row["custom_field_options"] = options;
        }
        self.tables.entry("ticket_fields").or_default().push(row.clone());
        Ok(row)
    }

    /// `POST /ticket_fields/ID/options`: whether the option is new, and the option.
    pub fn set_option(
        &mut self,
        field: u64,
        values: &Object,
        cause: &Cause,
    ) -> Result<(super::users::Made, Value), Invalid> {
        use super::users::Made;
        let mut sent = Sent::of(values);
        let taken = self.tags_in_use();
        let own = values.get("id").and_then(number);
        let place = self.table("ticket_fields").iter().position(|row| row["id"] == field).unwrap_or_default();
        let rows = self.table("ticket_fields")[place]["custom_field_options"].as_array().cloned().unwrap_or_default();
        let known = rows.iter().position(|row| own.is_some() && row["id"].as_u64() == own);
        let free: Vec<String> =
            taken.into_iter().filter(|tag| known.is_none_or(|at| rows[at]["value"] != **tag)).collect();
        let mut made = self.options_sent(&[values], &mut sent, &free);
        if rows.len() + usize::from(known.is_none()) > MOST_OPTIONS {
            sent.fault(Fault::invalid("custom_field_options", "are more than 2000"));
        }
        sent.done()?;
        let mut option = made.pop().unwrap_or_default();
        let Some(field) = self.tables.get_mut("ticket_fields").and_then(|rows| rows.get_mut(place)) else {
            return Ok((Made::Known, option));
        };
        field["updated_at"] = json!(cause.at.to_string());
        let Some(listed) = field["custom_field_options"].as_array_mut() else { return Ok((Made::Known, option)) };
        match known {
            Some(at) => {
                option["id"] = listed[at]["id"].clone();
                listed[at] = option.clone();
                Ok((Made::Known, option))
            }
            None => {
                listed.push(option.clone());
                Ok((Made::New, option))
            }
        }
    }

    /// `PUT /ticket_fields/ID`: an option that is not named any more is gone.
    pub fn update_field(&mut self, field: u64, values: &Object, cause: &Cause) -> Result<Value, Invalid> {
        let mut sent = Sent::of(values);
        let place = self.table("ticket_fields").iter().position(|row| row["id"] == field).unwrap_or_default();
        let mut row = self.table("ticket_fields")[place].clone();
        let own: Vec<String> = options(&row).into_iter().map(str::to_owned).collect();
        let taken: Vec<String> = self.tags_in_use().into_iter().filter(|tag| !own.contains(tag)).collect();
        if let Some(rows) = sent.objects("custom_field_options") {
            row["custom_field_options"] = Value::Array(self.options_sent(&rows, &mut sent, &taken));
        }
        if let Some(title) = sent.line("title") {
            tables::merge(&mut row, json!({ "title": title, "raw_title": title }));
        }
        sent.done()?;
        row["updated_at"] = json!(cause.at.to_string());
        if let Some(stored) = self.tables.get_mut("ticket_fields").and_then(|rows| rows.get_mut(place)) {
            *stored = row.clone();
        }
        Ok(row)
    }

    /// `POST /user_fields` and `POST /organization_fields`
    pub fn create_party_field(
        &mut self,
        table: &'static str,
        values: &Object,
        cause: &Cause,
    ) -> Result<Value, Invalid> {
        let mut sent = Sent::of(values);
        let mut required = |name: &str| {
            let text = sent.line(name).unwrap_or_default().to_owned();
            if text.is_empty() {
                sent.fault(Fault::blank(name));
            }
            text
        };
        let (kind, key, title) = (required("type"), required("key"), required("title"));
        if self.table(table).iter().any(|field| field["key"] == *key) {
            sent.fault(Fault::taken("key", &key));
        }
        sent.done()?;
        let id = self.next_id();
        let mut row = tables::party_field(table, id, &kind, &key, &title);
        let now = json!(cause.at.to_string());
        tables::merge(
            &mut row,
            json!({ "url": format!("{HERE}/api/v2/{table}/{id}.json"), "created_at": now, "updated_at": now }),
        );
        if let Some(options) = values.get("custom_field_options") {
            row["custom_field_options"] = options.clone();
        }
        self.tables.entry(table).or_default().push(row.clone());
        Ok(row)
    }
}

/// The value a field has by the tags alone.
fn by_tags(field: &Value, value: Value, tags: &[String]) -> Value {
    let is_tag = |value: &str| tags.iter().any(|tag| tag == value);
    match field["type"].as_str().unwrap_or_default() {
        "tagger" => options(field).into_iter().find(|own| is_tag(own)).map_or(Value::Null, |own| json!(own)),
        "multiselect" => {
            let chosen: Vec<&str> = options(field).into_iter().filter(|own| is_tag(own)).collect();
            if chosen.is_empty() { Value::Null } else { json!(chosen) }
        }
        "checkbox" if field["tag"].is_string() => json!(is_tag(field["tag"].as_str().unwrap_or_default())),
        _ => value,
    }
}

/// Brings the tags in line with a value that was set.
fn tag(field: &Value, value: &Value, tags: &mut Vec<String>) {
    let (known, chosen): (Vec<&str>, Vec<&str>) = match field["type"].as_str().unwrap_or_default() {
        "tagger" => (options(field), value.as_str().into_iter().collect()),
        "multiselect" => (options(field), value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()),
        "checkbox" => {
            let own = field["tag"].as_str();
            (own.into_iter().collect(), own.filter(|_| *value == true).into_iter().collect())
        }
        _ => return,
    };
    tags.retain(|tag| !known.contains(&tag.as_str()) || chosen.contains(&tag.as_str()));
    for one in chosen {
        if !tags.iter().any(|tag| tag == one) {
            tags.push(one.to_owned());
        }
    }
}
