//! A ticket: its labels, people, group and custom values in the target's ids.

use super::message::Messages;
use super::{Held, Lost, Translated, Translator};
use crate::error::{Loss, Problem, Reason, Result};
use crate::ledger::{Link, Remote};
use crate::mapping::{Mapped, Missing, Place, ValueField, convert};
use crate::record::{Field, Kind, Record, State, Ticket};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The source's own field definitions, by key.
pub type SourceFields = HashMap<String, Field>;

impl Translator {
    /// A ticket with all its messages. Fetches its files.
    pub async fn ticket(
        &self,
        record: &Record,
        ticket: &Ticket,
        link: &Link,
        fields: &SourceFields,
    ) -> Result<Translated, Held> {
        self.merged(record, ticket)?;
        let mut losses = Vec::new();
        let canonical = serde_json::to_value(ticket).unwrap_or_default();
        let mut mapped = json!({ "id": record.id, "number": record.number, "url": record.url });
        mapped["created_at"] = json!(record.created_at);
        mapped["due_at"] = json!(ticket.due_at);
        mapped["subject"] = json!(self.subject(ticket, &canonical)?);
        let category = ValueField::Status(ticket.category);
        mapped["status"] = self.word(category, "status", ticket.status.as_deref(), &canonical, &mut losses)?;
        mapped["priority"] =
            self.word(ValueField::Priority, "priority", ticket.priority.as_deref(), &canonical, &mut losses)?;
        mapped["type"] = self.word(ValueField::Type, "type", ticket.ticket_type.as_deref(), &canonical, &mut losses)?;
        let group = self.ticket_group(ticket, link, &mut losses).await?;
        mapped["group"] = group.as_ref().map_or(Value::Null, remote_json);
        mapped["assignee"] = self.assignee(ticket, group.as_ref(), &mut losses).await?;
        mapped["custom"] = self.custom(ticket, &canonical, fields, &mut losses)?;
        mapped["tags"] = json!(self.mapping.ticket.tags.apply(&ticket.tags));
        if !self.target.profile().tags && mapped["tags"].as_array().is_some_and(|t| !t.is_empty()) {
            losses.extend(ticket.tags.iter().map(|tag| Lost::new("", Loss::Tag, tag)));
        }
        let copies = self.copies(ticket).await?;
        mapped["watchers"] = copies.there.iter().map(remote_json).collect();
        if !copies.named.is_empty() {
            losses.push(Lost::new("", Loss::Cc, copies.named.join(", ")));
        }
        let requester = match &ticket.requester {
            Some(id) => Some(self.person(id).await?),
            None => None,
        };
        mapped["requester"] = requester.as_ref().and_then(|r| r.remote.as_ref()).map_or(Value::Null, remote_json);

        let messages = Messages { translator: self, record, ticket, group: group.as_ref() };
        let carried = messages.carry(requester.as_deref(), &copies.named).await?;
        losses.extend(carried.losses);
        let sizes = carried.comments.iter().flat_map(|c| c["attachments"].as_array().into_iter().flatten());
        let mut sizes: Vec<u64> = sizes.filter_map(|f| f["bytes"].as_u64()).collect();
        sizes.sort_unstable();
        mapped["file_sizes"] = json!(sizes);
        mapped["comments"] = Value::Array(carried.comments);
        Ok(Translated { mapped, losses })
    }

    /// A merged ticket is not written on its own: the one it was merged into stands for it.
    fn merged(&self, record: &Record, ticket: &Ticket) -> Result<(), Held> {
        if record.state != State::Merged {
            return Ok(());
        }
        let winner = ticket.links.iter().find(|l| l.link_type == crate::record::LinkType::MergedInto);
        let problem = Problem::new(Reason::Merged, "merged into another ticket, which carries its messages");
        Err(Held::Skip(problem, winner.map(|l| (Kind::Ticket, l.to.clone()))))
    }

    fn subject(&self, ticket: &Ticket, canonical: &Value) -> Result<String, Held> {
        let subject = match &self.mapping.ticket.subject.jq {
            None => ticket.subject.clone(),
            Some(filter) => crate::expr::plain(&filter.eval(&json!(ticket.subject), canonical)?),
        };
        Ok(crate::connector::plan::scrub(&subject))
    }

    /// A label of a vocabulary, as `{id, label}` of the target. Null leaves the target its own.
    fn word(
        &self,
        field: ValueField,
        vocabulary: &str,
        label: Option<&str>,
        canonical: &Value,
        losses: &mut Vec<Lost>,
    ) -> Result<Value, Held> {
        let rule = self.mapping.ticket.value_rule(field);
        let known = self.roster.labels(vocabulary);
        let computed = rule.jq.as_ref().map(|filter| filter.eval(canonical, canonical)).transpose()?;
        let computed = computed.map(|v| crate::expr::plain(&v)).filter(|label| !label.is_empty());
        let label = computed.as_deref().or(label);
        let mapped = match label {
            Some(label) => rule.apply(field, label, &known),
            None => rule.apply_to_none(field, &known),
        };
        let to = match mapped {
            Mapped::To(to) => to,
            Mapped::Drop => return Ok(Value::Null),
            Mapped::Unknown => match self.target.default_label(vocabulary) {
                Some(default) => default,
                None => return Ok(Value::Null),
            },
            // Only a wrong status changes what a ticket means; an unknown priority or type is a loss.
            Mapped::Fail(problem) if vocabulary == "status" => return Err(Held::Fail(problem)),
            Mapped::Fail(_) => {
                losses.push(Lost::new("", Loss::Value, format!("{vocabulary} `{}`", label.unwrap_or_default())));
                match self.target.default_label(vocabulary) {
                    Some(default) => default,
                    None => return Ok(Value::Null),
                }
            }
        };
        Ok(match self.roster.word(vocabulary, &to) {
            Some(entry) => json!({ "id": entry.id, "label": entry.label }),
            None => json!({ "id": to, "label": to }),
        })
    }

    async fn ticket_group(&self, ticket: &Ticket, link: &Link, losses: &mut Vec<Lost>) -> Result<Option<Remote>, Held> {
        let found = match &ticket.group {
            Some(id) => link.target_of(Kind::Group, id).await?,
            None => None,
        };
        if found.is_none()
            && let Some(id) = &ticket.group
        {
            losses.push(Lost::new("", Loss::Group, format!("group {id}")));
        }
        let default = || self.target.default_label("group").and_then(|label| Some(self.roster.group(&label)?.remote()));
        Ok(found.or_else(default))
    }

    async fn assignee(&self, ticket: &Ticket, group: Option<&Remote>, losses: &mut Vec<Lost>) -> Result<Value, Held> {
        let Some(id) = &ticket.assignee else { return Ok(Value::Null) };
        let person = self.person(id).await?;
        let remote = person.remote.clone().or_else(|| self.stand_in());
        if let Some(remote) = remote
            && self.target.may_be_assigned(&remote, group).await?
        {
            return Ok(remote_json(&remote));
        }
        losses.push(Lost::new("", Loss::Assignee, person.label()));
        Ok(Value::Null)
    }

    /// The person of `[people] missing = "default:…"`.
    pub(super) fn stand_in(&self) -> Option<Remote> {
        match &self.mapping.people.missing {
            Missing::Default(address) => self.roster.person(address).map(|entry| entry.remote()),
            Missing::Placeholder => None,
        }
    }

    fn custom(
        &self,
        ticket: &Ticket,
        canonical: &Value,
        fields: &SourceFields,
        losses: &mut Vec<Lost>,
    ) -> Result<Value, Held> {
        let rules = &self.mapping.ticket.custom;
        let mut values = Vec::new();
        for value in &ticket.custom {
            let title = value.title.as_deref();
            let shown = title.unwrap_or(&value.key);
            let rule = rules.rule(&value.key, title);
            let given = match rule.and_then(|r| r.jq.as_ref()) {
                Some(filter) => filter.eval(&value.value, canonical)?,
                None => value.value.clone(),
            };
            let empty = given.is_null() || given.as_str() == Some("") || given.as_array().is_some_and(Vec::is_empty);
            match rules.place(&value.key, title, self.roster.fields()) {
                Place::To(target) => {
                    let converted = convert(&given, fields.get(&value.key), target, rule)?;
                    losses.extend(converted.losses.iter().map(|loss| Lost::new("", *loss, shown)));
                    if !converted.value.is_null() {
                        values.push(json!({ "id": self.roster.field_id(target), "value": as_text(converted.value) }));
                    }
                }
                Place::Nowhere | Place::Create(_) if !empty => losses.push(Lost::new("", Loss::Field, shown)),
                Place::Drop | Place::Nowhere | Place::Create(_) => {}
                Place::Wrong(problem) => return Err(Held::Fail(problem)),
            }
        }
        Ok(Value::Array(values))
    }

    /// People in copy: those the target can hold, and the names of the others.
    async fn copies(&self, ticket: &Ticket) -> Result<Copies, Held> {
        let mut copies = Copies::default();
        let first_author = ticket.comments.first().and_then(|c| c.author.as_ref());
        let requester = ticket.requester.iter().filter(|id| Some(*id) != first_author);
        let others = ticket.requesters.iter().chain(&ticket.ccs).chain(&ticket.followers);
        for id in requester.chain(others) {
            let person = self.person(id).await?;
            match &person.remote {
                Some(remote) if self.target.profile().ccs => {
                    if !copies.there.iter().any(|there| there.id == remote.id) {
                        copies.there.push(remote.clone());
                    }
                }
                // The requester has a line of their own.
                _ if Some(id) == ticket.requester.as_ref() => {}
                _ => copies.named.push(person.label()),
            }
        }
        Ok(copies)
    }
}

#[derive(Default)]
struct Copies {
    there: Vec<Remote>,
    named: Vec<String>,
}

/// A target record as the steps see it: its id and outputs.
pub(super) fn remote_json(remote: &Remote) -> Value {
    let mut json = json!({ "id": remote.id });
    for (name, value) in &remote.outputs {
        json[name] = value.clone();
    }
    json["id"] = json!(remote.id);
    json
}

/// Custom values go as text or lists of text; a connector that wants numbers says so in its manifest.
fn as_text(value: Value) -> Value {
    match value {
        Value::Bool(yes) => json!(if yes { "1" } else { "0" }),
        Value::Number(number) => json!(number.to_string()),
        other => other,
    }
}
