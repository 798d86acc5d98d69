//! What the target demands of every ticket, or of every settled one: a ticket without it would be refused, and is not sent.
//!
//! Fields say it themselves (`demanded` of their row); a vocabulary `demanded` names those of the platform's own (`type`,
//! `group`, `assignee`).

use super::Job;
use super::roster::{Entry, Roster};
use super::survey::is_nothing;
use super::translate::SourceFields;
use crate::connector::CheckLine;
use crate::connector::mapped::{MappedTicket, filled};
use crate::error::{Problem, Reason, Result};
use crate::expr::plain;
use crate::mapping::{Mapping, Place};
use crate::record::{Field, Kind, Ticket};
use serde_json::Value;
use std::collections::BTreeSet;

/// Tickets a value is demanded of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    All,
    /// Those that are solved or closed.
    Settled,
}

/// A value that must be there.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
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

/// What a row of a field demands; none where nothing is. Without a word of its own its `required` counts.
pub fn of_row(row: &serde_json::Map<String, Value>) -> Option<Of> {
    match row.get("demanded").and_then(Value::as_str) {
        Some("always") => Some(Of::All),
        Some("closing") => Some(Of::Settled),
        Some(_) => None,
        None => (row.get("required") == Some(&Value::Bool(true))).then_some(Of::All),
    }
}

impl Roster {
    /// All demands of the target.
    pub fn demands(&self) -> Vec<Demand> {
        let custom = self.fields().iter().filter_map(|field| {
            let of = of_row(self.field_row(field)?)?;
            let place = Where::Custom(self.field_id(field));
            Some(Demand { key: field.key.clone(), title: field.title.clone(), of, place })
        });
        let own = self.words("demanded").iter().filter_map(|entry| {
            let (key, title) = (entry.id.clone(), entry.label.clone());
            Some(Demand { key, title, of: of_row(&entry.fields)?, place: Where::Own })
        });
        custom.chain(own).collect()
    }

    /// Whether tickets of some types alone have it.
    fn is_partial(&self, demand: &Demand) -> bool {
        let field = self.fields().iter().find(|field| field.key == demand.key);
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

    /// Errors: `demanded`, where the mapped ticket lacks what the target demands.
    pub fn demand(&self, demands: &[Demand], mapped: &MappedTicket) -> Result<()> {
        let settled = mapped.status.as_ref().and_then(|status| self.word("status", &status.label));
        let settled = settled.is_some_and(|entry| entry.fields.get("settled") == Some(&Value::Bool(true)));
        let filled = if demands.is_empty() { vec![] } else { filled(mapped)? };
        let lacks = |demand: &&Demand| match &demand.place {
            Where::Own => !filled.contains(&demand.key),
            Where::Custom(id) => !mapped.custom.iter().any(|value| value.id == *id) && self.has_field(id, mapped),
        };
        let lacked: Vec<&Demand> =
            demands.iter().filter(|demand| demand.of == Of::All || settled).filter(lacks).collect();
        let Some(first) = lacked.first() else { return Ok(()) };
        let titles: Vec<String> = lacked.iter().map(|demand| format!("`{}`", demand.title)).collect();
        let of =
            if lacked.iter().all(|demand| demand.of == Of::Settled) { "solved or closed tickets" } else { "tickets" };
        let what = format!("the target requires {} for {of}, and the ticket has no value for it", titles.join(" and "));
        Err(Problem::new(Reason::Demanded, what).hint(first.remedy()))
    }
}

impl Demand {
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

/// The source's fields that alone fill what the target demands: a ticket without them is one to look at.
pub struct Fills(Vec<(String, BTreeSet<String>)>);

impl Fills {
    pub fn of(mapping: &Mapping, roster: &Roster, source: &SourceFields) -> Fills {
        let rules = &mapping.ticket.custom;
        let demands = roster.demands().into_iter().filter(|demand| matches!(demand.place, Where::Custom(_)));
        let fills = demands.filter_map(|demand| {
            let is_it = |place: Place<'_>| matches!(place, Place::To(to) if to.key == demand.key);
            let flows = source.values().filter(|f| is_it(rules.place(&f.key, Some(&f.title), roster.fields())));
            let keys: BTreeSet<String> = flows.map(|field| field.key.clone()).collect();
            (!keys.is_empty()).then_some((demand.title, keys))
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

/// The line of `check`: a problem where nothing of the source or the mapping can ever fill what the target demands. Until the
/// source's fields are staged that cannot be told.
pub async fn check(job: &Job) -> Result<Option<CheckLine>> {
    let mut roster = Roster::default();
    roster.read_demands(job.target.as_ref()).await?;
    let mut mapping = job.mapping.clone();
    mapping.ticket.custom = job.rules_of_fields(&roster).await?;
    job.tell_shared_fields(&mapping.ticket.custom, &roster).await?;
    let demands = roster.demands();
    if demands.is_empty() {
        return Ok(None);
    }
    let source: Vec<Field> = job.fields_of_tickets().await?.into_iter().map(|(_, field)| field).collect();
    let is_staged = job.staging.listing(Kind::Field.code()).await?.complete_since.is_some();
    let proves = "the required ticket fields of the target are filled".to_owned();
    let mut sometimes = BTreeSet::new();
    for demand in &demands {
        match demand.filled(&mapping, &source, roster.fields()) {
            Filled::Always => {}
            Filled::Never if is_staged && !roster.is_partial(demand) => {
                let of = if demand.of == Of::Settled { "solved or closed tickets" } else { "tickets" };
                let what = format!("the target requires `{}` for {of}, and no rule gives a value", demand.title);
                let problem = Problem::new(Reason::Refused, what).hint(demand.remedy());
                return Ok(Some(CheckLine { proves, found: Err(problem) }));
            }
            Filled::Sometimes | Filled::Never => {
                sometimes.insert(format!("`{}`", demand.title));
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

    fn roster() -> Roster {
        let mut roster = Roster::default();
        let field = |id: &str, title: &str, more: Value| {
            let mut row = json!({"id": id, "scope": "ticket", "key": id, "title": title, "type": "text"});
            row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            row.as_object().unwrap().clone()
        };
        roster.take_fields(
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
        roster.learn_word("status", word("Closed", json!({"settled": true})));
        roster.learn_word("status", word("Open", json!({"settled": false})));
        roster.learn_word("demanded", word("type", json!({"demanded": "always"})));
        roster
    }

    fn lacks(status: &str, kind: &str, custom: &[&str]) -> Option<String> {
        let roster = roster();
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
        roster.demand(&roster.demands(), &mapped).err().map(|problem| problem.what)
    }

    #[test]
    fn a_ticket_is_held_back_for_what_is_demanded_of_it_and_for_nothing_else() {
        assert_eq!(lacks("Open", "2", &["cf_a"]), None);
        assert_eq!(lacks("Closed", "2", &["cf_a", "cf_c"]), None);
        assert!(lacks("Open", "2", &[]).unwrap().contains("`Area` of tickets"));
        assert!(lacks("Closed", "2", &["cf_a"]).unwrap().contains("`Cause` for solved or closed tickets"));
        assert!(lacks("Open", "1", &["cf_a"]).unwrap().contains("`Of bugs`"), "a type has fields of its own");
        assert!(
            lacks("Open", "", &["cf_a", "cf_t"]).unwrap().contains("`type`"),
            "the platform's own are demanded too"
        );
    }

    #[test]
    fn a_field_that_a_project_does_not_have_is_not_demanded_there() {
        let mut roster = roster();
        let group = |id: &str, fields: &[&str]| Entry {
            id: id.into(),
            label: id.into(),
            fields: serde_json::Map::from_iter([("custom_fields".to_owned(), json!(fields))]),
        };
        roster.learn_group(group("1", &["cf_a"]));
        roster.learn_group(group("2", &["cf_x"]));
        let demands: Vec<Demand> = roster.demands().into_iter().filter(|d| d.key == "cf_a").collect();
        let mapped = |group: &str| {
            let group = Some(Reference { id: group.into(), ..Reference::default() });
            MappedTicket { group, ..MappedTicket::default() }
        };
        assert!(roster.demand(&demands, &mapped("1")).is_err());
        assert!(roster.demand(&demands, &mapped("2")).is_ok());
    }

    #[test]
    fn what_fills_a_field_is_seen_in_the_rules_and_in_the_source() {
        let roster = roster();
        let demand = roster.demands().into_iter().find(|d| d.key == "cf_a").unwrap();
        let source = |title: &str| -> Field {
            serde_json::from_value(json!({"scope": "ticket", "key": "9", "title": title, "type": "text"})).unwrap()
        };
        let filled = |rules: &str, title: &str| {
            demand.filled(&Mapping::parse("m", rules).unwrap(), &[source(title)], roster.fields())
        };
        assert_eq!(filled("", "Other"), Filled::Never);
        assert_eq!(filled("", "area"), Filled::Sometimes);
        assert_eq!(filled("[ticket.custom.Other]\nto = 'cf_a'", "Other"), Filled::Sometimes);
        assert_eq!(filled("[ticket.custom.Area]\ndefault = 'x'", "Other"), Filled::Always);
        assert_eq!(filled("[ticket.custom.Mine]\nto = 'Area'\nvalue = 'x'", "Other"), Filled::Always);
    }
}
