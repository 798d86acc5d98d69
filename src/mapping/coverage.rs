//! Where every field and value of the source goes by the rules, with its count; what goes nowhere first.

use super::custom::Place;
use super::fit::{Fit, fit, makeable};
use super::label;
use super::people::Missing;
use super::seen::{Observed, SeenField, SeenLabel, There};
use super::value::{Mapped, Otherwise, ValueField, explicit};
use super::{CustomRule, Mapping, convert};
use crate::record::{Category, Field, FieldType};
use serde::Serialize;
use serde_json::json;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A field, or one value of it, and where it goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// `status`, `priority`, … or the title of a custom field.
    pub field: String,
    /// The value; none for the field as a whole.
    pub value: Option<String>,
    /// Tickets that have it.
    pub tickets: u64,
    /// What it becomes in the target.
    pub to: Option<String>,
    pub goes: Goes,
    /// What else a person should know of it.
    pub note: Option<String>,
}

/// By what a value goes where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goes {
    /// The record fails, or the target refuses it.
    Fails,
    /// It is lost, as a row of the report says.
    Lost,
    /// By `else`.
    Else,
    /// By a rule that names it.
    Rule,
    /// Another word for the same thing.
    Meaning,
    /// The same label or title.
    Same,
    /// By an account that is not there yet: to be made or checked in it.
    Check,
    /// The field or option is made first.
    Made,
    /// Left out by a rule.
    Dropped,
}

impl Goes {
    pub const fn says(self) -> &'static str {
        match self {
            Goes::Fails => "fails",
            Goes::Lost => "lost",
            Goes::Else => "else",
            Goes::Rule => "rule",
            Goes::Meaning => "same meaning",
            Goes::Same => "same name",
            Goes::Check => "to be checked",
            Goes::Made => "is made",
            Goes::Dropped => "left out",
        }
    }

    /// Whether nobody decided yet where it goes.
    pub const fn is_open(self) -> bool {
        matches!(self, Goes::Fails | Goes::Lost)
    }
}

/// All fields and values: those that go nowhere first, the most frequent first of these; then in the order of fields.
pub fn coverage(mapping: &Mapping, seen: &Observed, there: &There) -> Vec<Coverage> {
    let mut rows = Vec::new();
    for (field, labels) in vocabularies(seen) {
        rows.extend(labels.iter().map(|seen| of_label(mapping, field, seen, there)));
    }
    for field in &seen.fields {
        of_field(mapping, field, sharing(mapping, seen, field, there), there, &mut rows);
    }
    rows.extend(seen.agents.iter().map(|agent| {
        let wanted = mapping.people.agent_email(&agent.email);
        let is_there = there.takes_any || there.agents.iter().any(|(_, email)| label::same(email, wanted));
        let (goes, to) = match (is_there, &mapping.people.missing) {
            (true, _) if wanted != agent.email => (Goes::Rule, Some(wanted.to_owned())),
            (true, _) => (Goes::Same, Some(wanted.to_owned())),
            (false, Missing::Default(other)) => (Goes::Else, Some(other.clone())),
            (false, Missing::Placeholder) => (Goes::Lost, None),
        };
        row("agent", Some(&agent.email), agent.tickets, to, goes)
    }));
    rows.extend(seen.tags.iter().map(|tag| of_tag(mapping, tag, there)));
    rows.extend(demanded(mapping, seen, there));
    if there.on_paper {
        let of_platform = [ValueField::Status(None), ValueField::Priority, ValueField::Type, ValueField::Channel];
        let is_known = |row: &Coverage| row.field == "tag" || of_platform.iter().any(|of| of.key() == row.field);
        let assumed = rows.iter_mut().filter(|row| row.goes == Goes::Same && !is_known(row));
        assumed.for_each(|row| row.goes = Goes::Check);
    }
    let mut weights: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.goes.is_open()) {
        let weight = weights.entry(row.field.clone()).or_default();
        *weight = row.tickets.max(*weight);
    }
    rows.sort_by_cached_key(|row| match row.goes.is_open() {
        true => {
            let weight = weights.get(&row.field).copied().unwrap_or_default();
            (row.goes, Reverse(weight), row.field.clone(), row.value.is_some(), Reverse(row.tickets))
        }
        false => (Goes::Dropped, Reverse(0), String::new(), false, Reverse(0)),
    });
    rows
}

/// Every vocabulary of a ticket, with what was seen of it.
pub(super) fn vocabularies(seen: &Observed) -> [(ValueField, &[SeenLabel]); 5] {
    [
        (ValueField::Status(None), &seen.statuses),
        (ValueField::Priority, &seen.priorities),
        (ValueField::Type, &seen.types),
        (ValueField::Channel, &seen.channels),
        (ValueField::Group, &seen.groups),
    ]
}

fn row(field: &str, value: Option<&str>, tickets: u64, to: Option<String>, goes: Goes) -> Coverage {
    Coverage { field: field.to_owned(), value: value.map(str::to_owned), tickets, to, goes, note: None }
}

pub(super) fn of_label(mapping: &Mapping, field: ValueField, seen: &SeenLabel, there: &There) -> Coverage {
    let rule = mapping.ticket.value_rule(field);
    let field = match field {
        ValueField::Status(_) => ValueField::Status(seen.category),
        other => other,
    };
    let known = there.labels(field.key());
    let default = || there.defaults.get(field.key()).cloned();
    let (goes, to) = match rule.apply(field, &seen.label, known) {
        Mapped::To(to) if explicit(&rule.values, &seen.label).is_some() => (Goes::Rule, Some(to)),
        Mapped::To(to) if label::find(&seen.label, known).is_some() => (Goes::Same, Some(to)),
        Mapped::To(to) if label::find_word(field.words(&seen.label), known).is_some() => (Goes::Meaning, Some(to)),
        Mapped::To(to) => (Goes::Else, Some(to)),
        Mapped::Drop => (Goes::Dropped, None),
        Mapped::Unknown if there.takes_any || field == ValueField::Channel => (Goes::Same, Some(seen.label.clone())),
        Mapped::Unknown if there.open.iter().any(|open| open == field.key()) => (Goes::Same, Some(seen.label.clone())),
        Mapped::Fail(_) if matches!(field, ValueField::Status(_)) || rule.otherwise == Some(Otherwise::Fail) => {
            (Goes::Fails, None)
        }
        Mapped::Fail(_) if explicit(&rule.values, &seen.label).is_some() && field == ValueField::Group => {
            (Goes::Fails, None)
        }
        Mapped::Fail(_) | Mapped::Unknown => (Goes::Lost, default()),
    };
    let note = rule.jq.as_ref().map(|_| "a jq computes it for each ticket".to_owned());
    Coverage { note, ..row(field.key(), Some(&seen.label), seen.tickets, to, goes) }
}

fn of_tag(mapping: &Mapping, tag: &SeenLabel, there: &There) -> Coverage {
    let rules = &mapping.ticket.tags;
    let after = super::TagRule { add: vec![], ..rules.clone() }.apply(std::slice::from_ref(&tag.label));
    let goes = match after.first() {
        None => Goes::Dropped,
        Some(_) if !there.tags && !there.takes_any => Goes::Lost,
        Some(to) if *to == tag.label => Goes::Same,
        Some(_) => Goes::Rule,
    };
    row("tag", Some(&tag.label), tag.tickets, after.into_iter().next(), goes)
}

/// How many other fields of the source go where this one goes.
fn sharing(mapping: &Mapping, seen: &Observed, field: &SeenField, there: &There) -> usize {
    let place =
        |field: &SeenField| match mapping.ticket.custom.place(&field.field.key, Some(field.title()), &there.fields) {
            Place::To(to) => Some(to.key.clone()),
            _ => None,
        };
    let Some(own) = place(field).filter(|_| !there.takes_any) else { return 0 };
    seen.fields.iter().filter(|other| other.field.key != field.field.key && place(other).as_ref() == Some(&own)).count()
}

/// What becomes of values of one ticket that go to one field.
fn shares(target: &Field, others: usize) -> String {
    let what = match target.field_type {
        FieldType::Text | FieldType::LongText | FieldType::MultiSelect => "values of one ticket are joined",
        _ => "of the values of one ticket the first is kept, the others are lost",
    };
    format!("{others} more of the source go there: {what}")
}

fn of_field(mapping: &Mapping, seen: &SeenField, sharing: usize, there: &There, rows: &mut Vec<Coverage>) {
    let rules = &mapping.ticket.custom;
    let title = seen.title();
    let rule = rules.rule(&seen.field.key, Some(title));
    let whole = |to: Option<String>, goes| row(title, None, seen.tickets, to, goes);
    if there.takes_any {
        let goes = if rule.is_some_and(|rule| rule.drop) { Goes::Dropped } else { Goes::Same };
        let to = rule.and_then(|rule| rule.to.clone()).unwrap_or_else(|| title.to_owned());
        rows.push(whole(Some(to).filter(|_| goes == Goes::Same), goes));
        return;
    }
    let said = if rule.is_some() { Goes::Rule } else { Goes::Same };
    match rules.place(&seen.field.key, Some(title), &there.fields) {
        Place::To(target) => {
            let what = rule.is_none_or(|rule| rule.jq.is_none() && rule.value.is_none());
            let note = match fit(seen.field.field_type, target.field_type) {
                _ if sharing > 0 => Some(shares(target, sharing)),
                _ if !what || !seen.defined => None,
                Fit::Whole => None,
                Fit::Part(lost) => Some(format!("lost: {lost}")),
                Fit::Never => Some("no value fits".to_owned()),
            };
            rows.push(Coverage { note, ..whole(Some(named(target)), said) });
            if what {
                values(seen, target, rule, there, rows);
            }
        }
        Place::Create(name) if seen.defined && makeable(seen.field.field_type, &there.makes).is_some() => {
            rows.push(whole(Some(name.to_owned()), Goes::Made));
            each(seen, rows, |label| {
                (Goes::Made, Some(rule.and_then(|r| explicit(&r.values, label)).unwrap_or(label)))
            });
        }
        Place::Create(name) => {
            let note = Some(format!("`{name}` cannot be made by a call: make it by hand"));
            rows.push(Coverage { note, ..whole(None, Goes::Lost) });
            each(seen, rows, |_| (Goes::Lost, None));
        }
        Place::Drop => {
            rows.push(whole(None, Goes::Dropped));
            each(seen, rows, |_| (Goes::Dropped, None));
        }
        Place::Nowhere => {
            rows.push(whole(None, Goes::Lost));
            each(seen, rows, |_| (Goes::Lost, None));
        }
        Place::Wrong(problem) => rows.push(Coverage { note: Some(problem.what), ..whole(None, Goes::Fails) }),
    }
}

fn named(field: &Field) -> String {
    match label::same(&field.key, &field.title) {
        true => field.key.clone(),
        false => format!("{} ({})", field.title, field.key),
    }
}

/// A row for each value of a field that goes one way with all of them.
fn each<'a>(seen: &'a SeenField, rows: &mut Vec<Coverage>, goes: impl Fn(&'a str) -> (Goes, Option<&'a str>)) {
    for (value, tickets) in &seen.values {
        let label = shown(seen, value);
        let (goes, to) = goes(label);
        rows.push(row(seen.title(), Some(label), *tickets, to.map(str::to_owned), goes));
    }
}

/// The label of a value.
fn shown<'a>(seen: &'a SeenField, value: &'a str) -> &'a str {
    seen.field.options.iter().find(|option| option.value == *value).map_or(value, |option| option.label.as_str())
}

/// The values of a field of options, one by one.
fn values(seen: &SeenField, target: &Field, rule: Option<&CustomRule>, there: &There, rows: &mut Vec<Coverage>) {
    for (value, tickets) in &seen.values {
        let shown = shown(seen, value);
        let of = |to: Option<String>, goes| row(seen.title(), Some(shown), *tickets, to, goes);
        let by_rule =
            rule.is_some_and(|rule| explicit(&rule.values, shown).or_else(|| explicit(&rule.values, value)).is_some());
        rows.push(match convert(&json!(value), seen.definition(), target, rule) {
            Err(problem) => Coverage { note: Some(problem.what), ..of(None, Goes::Fails) },
            Ok(converted) if converted.value.is_null() => match rule.and_then(|rule| rule.otherwise.as_ref()) {
                Some(Otherwise::Drop) => of(None, Goes::Dropped),
                _ if may_be_made(rule, target, there) => of(Some(shown.to_owned()), Goes::Made),
                _ => of(None, Goes::Lost),
            },
            Ok(converted) => {
                let to = option_label(target, &converted.value);
                let note = (!converted.losses.is_empty()).then(|| "in part".to_owned());
                let goes = match (by_rule, label::same(&to, shown)) {
                    (true, _) => Goes::Rule,
                    (false, true) => Goes::Same,
                    (false, false) if rule.is_some_and(|rule| rule.otherwise.is_some()) => Goes::Else,
                    (false, false) => Goes::Meaning,
                };
                Coverage { note, ..of(Some(to), goes) }
            }
        });
    }
}

/// Whether options the target lacks are made there.
pub(super) fn may_be_made(rule: Option<&CustomRule>, target: &Field, there: &There) -> bool {
    rule.is_some_and(|rule| rule.create) && there.makes.contains(&target.field_type)
}

fn option_label(target: &Field, value: &serde_json::Value) -> String {
    let first = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    let text = crate::expr::plain(first);
    target.options.iter().find(|o| o.value == text).map_or(text, |option| option.label.clone())
}

/// Fields the target requires and that some tickets would leave empty.
fn demanded(mapping: &Mapping, seen: &Observed, there: &There) -> Vec<Coverage> {
    let rules = &mapping.ticket.custom;
    let fills = |target: &Field| {
        rules.0.iter().any(|(name, rule)| {
            let there = Place::To(target) == rules.place_of_rule(name, &there.fields);
            there && (rule.value.is_some() || rule.default.is_some())
        })
    };
    let mut rows = Vec::new();
    for target in there.fields.iter().filter(|field| field.required && !fills(field)) {
        let goes_there = |field: &&SeenField| {
            rules.place(&field.field.key, Some(field.title()), &there.fields) == Place::To(target)
                && rules
                    .rule(&field.field.key, Some(field.title()))
                    .is_none_or(|r| r.default.is_none() && r.value.is_none())
        };
        let has_default = seen.fields.iter().any(|field| {
            rules.place(&field.field.key, Some(field.title()), &there.fields) == Place::To(target)
                && !goes_there(&field)
        });
        let filled = seen.fields.iter().filter(goes_there).map(|field| field.tickets).max().unwrap_or(0);
        if has_default || (filled >= seen.tickets && filled > 0) {
            continue;
        }
        let closing = there.settled_only.contains(&target.key);
        let of = if closing { " for solved or closed tickets" } else { "" };
        let note = format!(
            "the target requires a value{of}: give [ticket.custom.\"{}\"] a `value` or a `default`",
            target.key
        );
        let settled = seen.statuses.iter().filter(|status| {
            matches!(status.category.or(label::category(&status.label)), Some(Category::Solved | Category::Closed))
        });
        let asked = if closing { settled.map(|status| status.tickets).sum() } else { seen.tickets };
        let of = row(&target.title, None, (seen.tickets - filled.min(seen.tickets)).min(asked), None, Goes::Fails);
        rows.push(Coverage { note: Some(note), ..of });
    }
    rows
}

#[cfg(test)]
#[path = "coverage_tests.rs"]
mod tests;
