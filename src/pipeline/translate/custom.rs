//! The custom values of a ticket, in the fields of the target that hold them.

use super::ticket::{SourceFields, redacted};
use super::{Held, Lost, Translator};
use crate::connector::mapped::MappedCustom;
use crate::error::Loss;
use crate::mapping::{Place, convert};
use crate::record::{Field, FieldType, Ticket};
use serde_json::{Value, json};

/// Between values of several fields that one field holds.
const BETWEEN: &str = "; ";
/// Longest text that is joined of several in a field of one line: longer ones are refused by some platforms.
const LINE: usize = 255;

/// The value of each field of the target.
#[derive(Default)]
struct Values<'t>(Vec<(&'t Field, Value)>);

impl<'t> Values<'t> {
    fn has(&self, field: &Field) -> bool {
        self.0.iter().any(|(there, _)| there.key == field.key)
    }

    fn drop(&mut self, field: &Field) {
        self.0.retain(|(there, _)| there.key != field.key);
    }

    /// Puts a value into a field, beside what is there. False where there is no room for both.
    fn put(&mut self, field: &'t Field, value: Value) -> bool {
        let Some((_, there)) = self.0.iter_mut().find(|(there, _)| there.key == field.key) else {
            self.0.push((field, value));
            return true;
        };
        match joined(field.field_type, there, &value) {
            Some(both) => {
                *there = both;
                true
            }
            None => false,
        }
    }
}

/// Two values as one, where the type has room for both.
fn joined(field_type: FieldType, there: &Value, more: &Value) -> Option<Value> {
    if there == more {
        return Some(there.clone());
    }
    match (field_type, there, more) {
        (FieldType::Text | FieldType::LongText, Value::String(there), Value::String(more)) => {
            if there.split(BETWEEN).any(|part| part == more) {
                return Some(json!(there));
            }
            let both = format!("{there}{BETWEEN}{more}");
            (field_type == FieldType::LongText || both.chars().count() <= LINE).then(|| json!(both))
        }
        (FieldType::MultiSelect, Value::Array(there), Value::Array(more)) => {
            let new = more.iter().filter(|option| !there.contains(option));
            Some(Value::Array(there.iter().chain(new).cloned().collect()))
        }
        _ => None,
    }
}

impl Translator {
    pub(super) fn custom(
        &self,
        ticket: &Ticket,
        canonical: &Value,
        fields: &SourceFields,
        losses: &mut Vec<Lost>,
    ) -> Result<Vec<MappedCustom>, Held> {
        let rules = &self.mapping.ticket.custom;
        let mut values = Values::default();
        for value in &ticket.custom {
            let defined = || fields.get(&value.key).map(|field| field.title.as_str());
            let title = value.title.as_deref().or_else(defined);
            let shown = title.unwrap_or(&value.key);
            if self.target.marker_field().is_some_and(|marker| marker == shown) {
                continue;
            }
            let rule = rules.rule(&value.key, title);
            if rule.is_some_and(|rule| rule.value.is_some()) {
                continue;
            }
            let given = match rule.and_then(|r| r.jq.as_ref()) {
                Some(filter) => filter.eval(&value.value, canonical)?,
                None => value.value.clone(),
            };
            let given = match given {
                Value::String(text) => json!(redacted(&self.mapping.redact.custom, &text, canonical, losses)?),
                other => other,
            };
            let empty = given.is_null() || given.as_str() == Some("") || given.as_array().is_some_and(Vec::is_empty);
            match rules.place(&value.key, title, self.target_metadata.fields()) {
                // A default is for the ticket, not for each of the fields that go there.
                Place::To(target) if empty && values.has(target) => {}
                Place::To(target) => {
                    let converted = convert(&given, fields.get(&value.key), target, rule)?;
                    losses.extend(converted.losses.iter().map(|loss| Lost::new("", *loss, shown)));
                    if !converted.value.is_null() && !values.put(target, converted.value) {
                        let what = format!("{shown} ({}): another field's value is in its place", value.key);
                        losses.push(Lost::new("", Loss::Value, what));
                    }
                }
                Place::Nowhere | Place::Create(_) if !empty => losses.push(Lost::new("", Loss::Field, shown)),
                Place::Drop | Place::Nowhere | Place::Create(_) => {}
                Place::Wrong(problem) => return Err(Held::Fail(problem)),
            }
        }
        self.given(&mut values, canonical, losses)?;
        Ok(values.0.into_iter().map(|(target, value)| self.value_of(target, value)).collect())
    }

    /// Values a rule gives: to every ticket, or to those that fill the field with nothing.
    fn given<'t>(&'t self, values: &mut Values<'t>, canonical: &Value, losses: &mut Vec<Lost>) -> Result<(), Held> {
        let rules = &self.mapping.ticket.custom;
        for (name, rule) in &rules.0 {
            let given = rule.value.as_ref().map(|value| value.of(canonical)).transpose()?;
            let Some(given) = given.or_else(|| rule.default.clone()) else { continue };
            let Place::To(target) = rules.place_of_rule(name, self.target_metadata.fields()) else { continue };
            match rule.value {
                Some(_) => values.drop(target),
                None if values.has(target) => continue,
                None => {}
            }
            let converted = convert(&given, None, target, Some(rule))?;
            losses.extend(converted.losses.iter().map(|loss| Lost::new("", *loss, name)));
            if !converted.value.is_null() {
                values.put(target, converted.value);
            }
        }
        Ok(())
    }

    fn value_of(&self, target: &Field, value: Value) -> MappedCustom {
        let (id, title) = (self.target_metadata.field_id(target), target.title.clone());
        MappedCustom { id, title, field_type: target.field_type, value: as_text(value) }
    }
}

/// Custom values go as text or lists of text; a connector that wants numbers says so in its manifest.
fn as_text(value: Value) -> Value {
    match value {
        Value::Bool(yes) => json!(if yes { "1" } else { "0" }),
        Value::Number(number) => json!(number.to_string()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_field_are_joined_where_it_has_room_for_both() {
        let both = |of, a: Value, b: Value| joined(of, &a, &b);
        assert_eq!(both(FieldType::Text, json!("a"), json!("b")), Some(json!("a; b")));
        assert_eq!(both(FieldType::Text, json!("a; b"), json!("b")), Some(json!("a; b")));
        assert_eq!(both(FieldType::Select, json!("a"), json!("a")), Some(json!("a")));
        assert_eq!(both(FieldType::Select, json!("a"), json!("b")), None);
        assert_eq!(both(FieldType::MultiSelect, json!(["a"]), json!(["b", "a"])), Some(json!(["a", "b"])));
        let long = json!("x".repeat(200));
        let other = json!("y".repeat(200));
        assert_eq!(both(FieldType::Text, long.clone(), other.clone()), None);
        assert!(both(FieldType::LongText, long, other).is_some());
    }
}
