//! What the target requires of every ticket, or of every settled one: a ticket without it would be refused, and is not sent.
//!
//! Fields say it themselves (`required` of their row); a vocabulary `required` names those of the platform's own (`type`,
//! `group`, `assignee`).

use super::Job;
use super::survey::is_nothing;
use super::target_metadata::{Entry, TargetMetadata};
use super::translate::SourceFields;
use crate::connector::CheckLine;
use crate::connector::mapped::{MappedTicket, filled};
use crate::error::{Problem, Reason, Result};
use crate::expr::plain;
use crate::mapping::{Mapping, Place};
use crate::record::{Field, Kind, Ticket};
use serde_json::Value;
use std::collections::BTreeSet;

/// Tickets a value is required of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    All,
    /// Those that are solved or closed.
    Closed,
}

/// A value that must be there.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// A custom field's key; of the platform's own its name in the mapped ticket.
    pub key: String,
    pub title: String,
    pub of: Of,
    place: Where,
}

#[derive(Clone, Debug, PartialEq)]
enum Where {
    /// The id by which values name the custom field.
    Custom(String),
    Own,
}

/// What a row of a field requires; none where nothing is. Without a word of its own its `required` counts.
pub fn of_row(row: &serde_json::Map<String, Value>) -> Option<Of> {
    match row.get("demanded").and_then(Value::as_str) {
        Some("always") => Some(Of::All),
        Some("closing") => Some(Of::Closed),
        Some(_) => None,
        None => (row.get("required") == Some(&Value::Bool(true))).then_some(Of::All),
    }
}

impl TargetMetadata {
    /// All requires of the target.
    pub fn requirements(&self) -> Vec<Requirement> {
        let custom = self.fields().iter().filter_map(|field| {
            let of = of_row(self.field_row(field)?)?;
            let place = Where::Custom(self.field_id(field));
            Some(Requirement { key: field.key.clone(), title: field.title.clone(), of, place })
        });
        let own = self.words("demanded").iter().filter_map(|entry| {
            let (key, title) = (entry.id.clone(), entry.label.clone());
            Some(Requirement { key, title, of: of_row(&entry.fields)?, place: Where::Own })
        });
        custom.chain(own).collect()
    }

    /// Whether tickets of some types alone have it.
    fn is_partial(&self, requirement: &Requirement) -> bool {
        let field = self.fields().iter().find(|field| field.key == requirement.key);
        let types = field.and_then(|field| self.field_row(field)?.get("types")?.as_array());
        types.is_some_and(|types| !types.is_empty())
    }

    /// Whether a ticket of this type and group has the field at all, as far as the target says.
    fn has_field(&self, field: &str, mapped: &MappedTicket) -> bool {
        let lists = |of: Option<&Value>, id: &str| {
            of.and_then(Value::as_array).filter(|ids| !ids.is_empty()).map(|ids| ids.iter().any(|one| plain(one) == id))
        };
        let row = self.fields().iter().find(|f| self.field_id(f) == field).and_then(|f| self.field_row(f));
        let of_type = mapped.ticket_type.as_ref().and_then(|of| lists(row?.get("types"), &of.id));
        let has = |group: &Entry| lists(group.fields.get("custom_fields"), field).unwrap_or(false);
        // Where no group names it, all may have it.
        let is_named = self.groups().iter().any(has);
        let of_group = mapped.group.as_ref().and_then(|of| self.groups().iter().find(|g| g.id == of.id)).map(has);
        of_type.unwrap_or(true) && (!is_named || of_group.unwrap_or(true))
    }

    /// Errors: `required`, where the mapped ticket lacks what the target requires.
    pub fn requirement(&self, requirements: &[Requirement], mapped: &MappedTicket) -> Result<()> {
        let settled = mapped.status.as_ref().and_then(|status| self.word("status", &status.label));
        let settled = settled.is_some_and(|entry| entry.fields.get("settled") == Some(&Value::Bool(true)));
        let filled = if requirements.is_empty() { vec![] } else { filled(mapped)? };
        let lacks = |requirement: &&Requirement| match &requirement.place {
            Where::Own => !filled.contains(&requirement.key),
            Where::Custom(id) => !mapped.custom.iter().any(|value| value.id == *id) && self.has_field(id, mapped),
        };
        let lacked: Vec<&Requirement> =
            requirements.iter().filter(|requirement| requirement.of == Of::All || settled).filter(lacks).collect();
        let Some(first) = lacked.first() else { return Ok(()) };
        let titles: Vec<String> = lacked.iter().map(|requirement| format!("`{}`", requirement.title)).collect();
        let of = if lacked.iter().all(|requirement| requirement.of == Of::Closed) {
            "solved or closed tickets"
        } else {
            "tickets"
        };
        let what = format!("the target requires {} for {of}, and the ticket has no value for it", titles.join(" and "));
        Err(Problem::new(Reason::Demanded, what).hint(first.remedy()))
    }
}

impl Requirement {
    fn remedy(&self) -> String {
        let title = &self.title;
        match (&self.place, self.key.as_str()) {
            (Where::Custom(_), _) => {
                format!(
                    "say `default = \"…\"` under [ticket.custom.\"{title}\"], or make the field optional in the target"
                )
            }
            (Where::Own, "assignee") => {
                "`[ticket.assignee] jq` can name somebody, or make the field optional in the target".into()
            }
            (Where::Own, key) => {
                format!("say `default = \"…\"` under [ticket.{key}], or make the field optional in the target")
            }
        }
    }

    /// How much of it the mapping fills: some of the source's fields go there, or a rule gives each ticket a value.
    fn filled(&self, mapping: &Mapping, source: &[Field], target: &[Field]) -> Filled {
        let custom = &mapping.ticket.custom;
        match (&self.place, self.key.as_str()) {
            (Where::Custom(_), key) => {
                let is_it = |place: Place<'_>| matches!(place, Place::To(to) if to.key == key);
                let gives = |(name, rule): (&String, &crate::mapping::CustomRule)| {
                    (rule.value.is_some() || rule.default.is_some()) && is_it(custom.place_of_rule(name, target))
                };
                let flows = |field: &Field| is_it(custom.place(&field.key, Some(&field.title), target));
                match (custom.0.iter().any(gives), source.iter().any(flows)) {
                    (true, _) => Filled::Always,
                    (false, true) => Filled::Sometimes,
                    (false, false) => Filled::Never,
                }
            }
            (Where::Own, "type") if mapping.ticket.ticket_type.default.is_some() => Filled::Always,
            (Where::Own, "group") if mapping.ticket.group.default.is_some() => Filled::Always,
            (Where::Own, _) => Filled::Sometimes,
        }
    }
}

/// The source's fields that alone fill what the target requires: a ticket without them is one to look at.
pub struct Fills(Vec<(String, BTreeSet<String>)>);

impl Fills {
    pub fn of(mapping: &Mapping, target_metadata: &TargetMetadata, source: &SourceFields) -> Fills {
        let rules = &mapping.ticket.custom;
        let requirements = target_metadata
            .requirements()
            .into_iter()
            .filter(|requirement| matches!(requirement.place, Where::Custom(_)));
        let fills = requirements.filter_map(|requirement| {
            let is_it = |place: Place<'_>| matches!(place, Place::To(to) if to.key == requirement.key);
            let flows =
                source.values().filter(|f| is_it(rules.place(&f.key, Some(&f.title), target_metadata.fields())));
            let keys: BTreeSet<String> = flows.map(|field| field.key.clone()).collect();
            (!keys.is_empty()).then_some((requirement.title, keys))
        });
        Fills(fills.collect())
    }

    /// What a ticket leaves empty.
    pub fn left_empty<'a>(&'a self, ticket: &'a Ticket) -> impl Iterator<Item = &'a str> {
        let has = |keys: &BTreeSet<String>| {
            ticket.custom.iter().any(|value| keys.contains(&value.key) && !is_nothing(&value.value))
        };
        self.0.iter().filter(move |(_, keys)| !has(keys)).map(|(title, _)| title.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    Always,
    Sometimes,
    Never,
}

/// The line of `check`: a problem where nothing of the source or the mapping can ever fill what the target requires. Until the
/// source's fields are staged that cannot be told.
pub async fn check(job: &Job) -> Result<Option<CheckLine>> {
    let mut target_metadata = TargetMetadata::default();
    target_metadata.read_requirements(job.target.as_ref()).await?;
    let mut mapping = job.mapping.clone();
    mapping.ticket.custom = job.rules_of_fields(&target_metadata).await?;
    job.tell_shared_fields(&mapping.ticket.custom, &target_metadata).await?;
    let requirements = target_metadata.requirements();
    if requirements.is_empty() {
        return Ok(None);
    }
    let source: Vec<Field> = job.fields_of_tickets().await?.into_iter().map(|(_, field)| field).collect();
    let is_staged = job.staging.listing(Kind::Field.code()).await?.complete_since.is_some();
    let proves = "the required ticket fields of the target are filled".to_owned();
    let mut sometimes = BTreeSet::new();
    for requirement in &requirements {
        match requirement.filled(&mapping, &source, target_metadata.fields()) {
            Filled::Always => {}
            Filled::Never if is_staged && !target_metadata.is_partial(requirement) => {
                let of = if requirement.of == Of::Closed { "solved or closed tickets" } else { "tickets" };
                let what = format!("the target requires `{}` for {of}, and no rule gives a value", requirement.title);
                let problem = Problem::new(Reason::Refused, what).hint(requirement.remedy());
                return Ok(Some(CheckLine { proves, found: Err(problem) }));
            }
            Filled::Sometimes | Filled::Never => {
                sometimes.insert(format!("`{}`", requirement.title));
            }
        }
    }
    let found = match sometimes.is_empty() {
        true => String::new(),
        false => {
            let titles = sometimes.into_iter().collect::<Vec<_>>().join(", ");
            format!(
                "tickets without {titles} fail, unless the mapping says a `default`: `deskferry preview` counts them"
            )
        }
    };
    Ok(Some(CheckLine { proves, found: Ok(found) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::mapped::{MappedCustom, Reference, Word};
    use crate::record::FieldType;
    use serde_json::json;

    fn target_metadata() -> TargetMetadata {
        let mut target_metadata = TargetMetadata::default();
        let field = |id: &str, title: &str, more: Value| {
            let mut row = json!({"id": id, "scope": "ticket", "key": id, "title": title, "type": "text"});
            row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            row.as_object().unwrap().clone()
        };
        target_metadata.take_fields(
            vec![
                field("cf_a", "Area", json!({"required": true})),
                field("cf_c", "Cause", json!({"demanded": "closing", "required": true})),
                field("cf_d", "Filled by itself", json!({"demanded": "no", "required": true})),
                field("cf_t", "Of bugs", json!({"demanded": "always", "types": ["1"]})),
            ],
            None,
        );
        let word = |id: &str, more: Value| Entry {
            id: id.into(),
            label: id.into(),
            fields: more.as_object().unwrap().clone(),
        };
        target_metadata.learn_word("status", word("Closed", json!({"settled": true})));
        target_metadata.learn_word("status", word("Open", json!({"settled": false})));
        target_metadata.learn_word("demanded", word("type", json!({"demanded": "always"})));
        target_metadata
    }

    fn lacks(status: &str, kind: &str, custom: &[&str]) -> Option<String> {
        let target_metadata = target_metadata();
        let word = |label: &str| Word { id: label.into(), label: label.into() };
        let value = |id: &&str| MappedCustom {
            id: (*id).into(),
            title: (*id).into(),
            field_type: FieldType::Text,
            value: json!("x"),
        };
        let mapped = MappedTicket {
            status: Some(word(status)),
            ticket_type: (!kind.is_empty()).then(|| word(kind)),
            custom: custom.iter().map(value).collect(),
            ..MappedTicket::default()
        };
        target_metadata.requirement(&target_metadata.requirements(), &mapped).err().map(|problem| problem.what)
    }

    #[test]
    fn a_ticket_is_held_back_for_what_is_demanded_of_it_and_for_nothing_else() {
        assert_eq!(lacks("Open", "2", &["cf_a"]), None);
        assert_eq!(lacks("Closed", "2", &["cf_a", "cf_c"]), None);
        assert!(lacks("Open", "2", &[]).unwrap().contains("`Area` for tickets"));
        assert!(lacks("Closed", "2", &["cf_a"]).unwrap().contains("`Cause` for solved or closed tickets"));
        assert!(lacks("Open", "1", &["cf_a"]).unwrap().contains("`Of bugs`"), "a type has fields of its own");
        assert!(
            lacks("Open", "", &["cf_a", "cf_t"]).unwrap().contains("`type`"),
            "the platform's own are demanded too"
        );
    }

    #[test]
    fn a_field_that_a_project_does_not_have_is_not_demanded_there() {
        let mut target_metadata = target_metadata();
        let group = |id: &str, fields: &[&str]| Entry {
            id: id.into(),
            label: id.into(),
            fields: serde_json::Map::from_iter([("custom_fields".to_owned(), json!(fields))]),
        };
        target_metadata.learn_group(group("1", &["cf_a"]));
        target_metadata.learn_group(group("2", &["cf_x"]));
        let requirements: Vec<Requirement> =
            target_metadata.requirements().into_iter().filter(|d| d.key == "cf_a").collect();
        let mapped = |group: &str| {
            let group = Some(Reference { id: group.into(), ..Reference::default() });
            MappedTicket { group, ..MappedTicket::default() }
        };
        assert!(target_metadata.requirement(&requirements, &mapped("1")).is_err());
        assert!(target_metadata.requirement(&requirements, &mapped("2")).is_ok());
    }

    #[test]
    fn what_fills_a_field_is_seen_in_the_rules_and_in_the_source() {
        let target_metadata = target_metadata();
        let requirement = target_metadata.requirements().into_iter().find(|d| d.key == "cf_a").unwrap();
        let source = |title: &str| -> Field {
            serde_json::from_value(json!({"scope": "ticket", "key": "9", "title": title, "type": "text"})).unwrap()
        };
        let filled = |rules: &str, title: &str| {
            requirement.filled(&Mapping::parse("m", rules).unwrap(), &[source(title)], target_metadata.fields())
        };
        assert_eq!(filled("", "Other"), Filled::Never);
        assert_eq!(filled("", "area"), Filled::Sometimes);
        assert_eq!(filled("[ticket.custom.Other]\nto = 'cf_a'", "Other"), Filled::Sometimes);
        assert_eq!(filled("[ticket.custom.Area]\ndefault = 'x'", "Other"), Filled::Always);
        assert_eq!(filled("[ticket.custom.Mine]\nto = 'Area'\nvalue = 'x'", "Other"), Filled::Always);
    }
}
