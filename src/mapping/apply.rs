//! What the rules alone make of a ticket: for a target that takes records as they are, and for examples.

use super::label;
use super::redact::redact;
use super::value::{Mapped, Otherwise, ValueField, explicit};
use super::{CustomRule, Mapping};
use crate::error::{Problem, Reason, Result};
use crate::record::{CustomValue, Format, Ticket};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Labels the target has: by vocabulary (`status priority type channel group`), or by the name of a custom field.
pub type KnownLabels = BTreeMap<String, Vec<String>>;

/// A ticket after the rules.
#[derive(Clone, Debug)]
pub struct Applied {
    pub ticket: Ticket,
    /// Source id of the message (empty for the ticket itself) and what was taken out of it.
    pub redacted: Vec<(String, String)>,
}

/// A ticket as filters see it: the canonical one, with the titles of custom fields beside their keys, and under `fields`
/// each value by key and by title.
pub fn canonical<'a>(ticket: &Ticket, title: impl Fn(&str) -> Option<&'a str>) -> Value {
    let mut seen = serde_json::to_value(ticket).unwrap_or_default();
    let mut fields = Map::new();
    for (n, value) in ticket.custom.iter().enumerate() {
        let title = value.title.as_deref().or_else(|| title(&value.key));
        if let Some(title) = title {
            seen["custom"][n]["title"] = json!(title);
            fields.entry(title).or_insert_with(|| value.value.clone());
        }
        fields.entry(&value.key).or_insert_with(|| value.value.clone());
    }
    seen["fields"] = Value::Object(fields);
    seen
}

impl Mapping {
    /// What the rules make of a ticket. Labels no rule names stay, unless the target is `known` to have others.
    ///
    /// Errors: `unmapped_value`, `expression`.
    pub fn apply(&self, ticket: &Ticket, known: &KnownLabels) -> Result<Applied> {
        let rules = &self.ticket;
        let source = canonical(ticket, |_| None);
        let mut after = source.clone();
        for (name, filter) in rules.computed() {
            after[name] = filter.eval(&source, &source).map_err(|p| p.at(format!("[ticket.{name}] jq")))?;
        }
        for (name, field) in [
            ("status", ValueField::Status(ticket.category)),
            ("priority", ValueField::Priority),
            ("type", ValueField::Type),
            ("channel", ValueField::Channel),
        ] {
            let labels = known.get(name).map_or(&[][..], Vec::as_slice);
            after[name] = json!(self.label(field, source[name].as_str(), &source, labels)?);
        }
        let tags = &rules.tags;
        if tags.drop || !(tags.add.is_empty() && tags.remove.is_empty() && tags.rename.is_empty()) {
            after["tags"] = json!(tags.apply(&ticket.tags));
        }
        after["custom"] = json!(self.custom(ticket, &source, known)?);
        let mut ticket: Ticket = serde_json::from_value(after).map_err(|e| {
            Problem::new(Reason::Expression, format!("a rule of the mapping makes a ticket that is not valid: {e}"))
        })?;
        let redacted = self.redacted(&mut ticket, &source)?;
        Ok(Applied { ticket, redacted })
    }

    /// A label by its rule; itself where no rule says anything, nothing where it is left out.
    ///
    /// Errors: `unmapped_value`, `expression`.
    pub fn label(
        &self,
        field: ValueField,
        label: Option<&str>,
        ticket: &Value,
        known: &[String],
    ) -> Result<Option<String>> {
        let rule = self.ticket.value_rule(field);
        let computed = rule.label(ticket)?;
        let label = computed.as_deref().or(label);
        let mapped = match label {
            Some(label) => rule.apply(field, label, known),
            None => rule.apply_to_none(field, known),
        };
        match mapped {
            Mapped::To(to) => Ok(Some(to)),
            Mapped::Drop => Ok(None),
            Mapped::Unknown => Ok(label.map(str::to_owned)),
            Mapped::Fail(problem) => Err(problem),
        }
    }

    fn custom(&self, ticket: &Ticket, source: &Value, known: &KnownLabels) -> Result<Vec<CustomValue>> {
        let rules = &self.ticket.custom;
        let mut all = Vec::with_capacity(ticket.custom.len());
        for value in &ticket.custom {
            let mut value = value.clone();
            if let Some(rule) = rules.rule(&value.key, value.title.as_deref()) {
                if rule.drop || rule.value.is_some() {
                    continue;
                }
                if let Some(filter) = &rule.jq {
                    value.value = filter.eval(&value.value, source)?;
                }
                let name = rule.to.as_deref().or(value.title.as_deref()).unwrap_or(&value.key);
                value.value = replaced(value.value, rule, known.get(name).map_or(&[][..], Vec::as_slice))?;
                if let (true, Some(default)) = (value.value.is_null(), &rule.default) {
                    value.value = default.clone();
                }
                if let Some(to) = &rule.to {
                    (value.key, value.title) = (to.clone(), None);
                }
            }
            all.push(value);
        }
        for (name, rule) in &rules.0 {
            let key = rule.to.as_ref().unwrap_or(name);
            let is_it = |value: &CustomValue| {
                [Some(&value.key), value.title.as_ref()].into_iter().flatten().any(|have| label::same(have, key))
            };
            let value = match (&rule.value, &rule.default) {
                (Some(given), _) => given.of(source)?,
                (None, Some(default)) if !all.iter().any(is_it) => default.clone(),
                _ => continue,
            };
            if !value.is_null() {
                all.push(CustomValue { key: key.clone(), title: None, value });
            }
        }
        Ok(all)
    }

    /// Takes out of subject, bodies and custom texts what the rules name; says for each message what it was.
    fn redacted(&self, ticket: &mut Ticket, source: &Value) -> Result<Vec<(String, String)>> {
        let rules = &self.redact;
        let mut all = Vec::new();
        let mut take = |of: &str, text: &mut String, format, rules: &[_]| -> Result<()> {
            if rules.is_empty() {
                return Ok(());
            }
            let redacted = redact(rules, text, format, source)?;
            if !redacted.what.is_empty() {
                *text = redacted.text;
                all.push((of.to_owned(), redacted.what));
            }
            Ok(())
        };
        take("", &mut ticket.subject, Format::Text, &rules.subject)?;
        for value in &mut ticket.custom {
            if let Value::String(text) = &mut value.value {
                take("", text, Format::Text, &rules.custom)?;
            }
        }
        for comment in &mut ticket.comments {
            take(&comment.id, &mut comment.body, comment.format, &rules.body)?;
        }
        Ok(all)
    }
}

/// A value, or each of several, by `values` and, where the target's labels are known, by `else`.
fn replaced(value: Value, rule: &CustomRule, known: &[String]) -> Result<Value> {
    Ok(match value {
        Value::Array(list) => {
            let each: Result<Vec<Value>> = list.into_iter().map(|value| replaced(value, rule, known)).collect();
            each?.into_iter().filter(|value| !value.is_null()).collect()
        }
        Value::String(text) => {
            if let Some(to) = explicit(&rule.values, &text) {
                return Ok(json!(to));
            }
            if known.is_empty() {
                return Ok(json!(text));
            }
            match (label::find(&text, known), &rule.otherwise) {
                (Some(same), _) => json!(same),
                (None, Some(Otherwise::Label(to))) => json!(to),
                (None, Some(Otherwise::Fail)) => {
                    let what = format!("the mapping has no option for `{text}`");
                    return Err(Problem::new(Reason::UnmappedValue, what));
                }
                (None, Some(Otherwise::Drop) | None) => Value::Null,
            }
        }
        other => other,
    })
}
