//! A ticket: its labels, people, group and custom values in the target's ids.

use super::late::Late;
use super::message::Messages;
use super::{Held, Lost, Translated, Translator};
use crate::connector::ChildRows;
use crate::connector::mapped::{Mapped, MappedTicket, Reference, Word};
use crate::error::{Loss, Problem, Reason, Result};
use crate::ledger::{Link, Remote};
use crate::mapping::{self, Otherwise, Redaction, ValueField, canonical, redact};
use crate::pipeline::people::Known;
use crate::record::{Body, Field, Format, Kind, Record, Ref, State, Ticket};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// The source's own field definitions, by key.
pub type SourceFields = HashMap<String, Field>;

impl Translator {
    /// A ticket with all its messages. Fetches its files.
    pub async fn ticket(
        &self,
        record: &Record,
        ticket: &Ticket,
        late: &Late,
        link: &Link,
        fields: &SourceFields,
    ) -> Result<Translated, Held> {
        self.merged(record, ticket)?;
        let mut losses: Vec<Lost> = Vec::new();
        let canonical = canonical(ticket, |key| fields.get(key).map(|field| field.title.as_str()));
        let ticket = &*self.computed(ticket, &canonical)?;
        let subject = crate::connector::plan::scrub(&ticket.subject);
        let category = ValueField::Status(ticket.category);
        let mut mapped = MappedTicket {
            id: record.id.clone(),
            number: record.number.clone(),
            url: record.url.clone(),
            created_at: record.created_at,
            updated_at: record.updated_at,
            solved_at: ticket.solved_at,
            due_at: ticket.due_at,
            subject: redacted(&self.mapping.redact.subject, &subject, &canonical, &mut losses)?,
            status: self.word(category, "status", ticket.status.as_deref(), &canonical, &mut losses)?,
            priority: self.word(
                ValueField::Priority,
                "priority",
                ticket.priority.as_deref(),
                &canonical,
                &mut losses,
            )?,
            ticket_type: self.word(ValueField::Type, "type", ticket.ticket_type.as_deref(), &canonical, &mut losses)?,
            channel: self.channel(ticket, &canonical)?,
            ..MappedTicket::default()
        };
        let group = self.ticket_group(ticket, &canonical, link, &mut losses).await?;
        mapped.group = group.as_ref().map(Reference::from);
        mapped.assignee = self.assignee(ticket, group.as_ref(), &mut losses).await?;
        mapped.custom = self.custom(ticket, &canonical, fields, &mut losses)?;
        self.target_metadata.requirement(&self.requirements, &mapped)?;
        mapped.tags = self.mapping.ticket.tags.apply(&ticket.tags);
        if !self.target.profile().tags && !mapped.tags.is_empty() {
            losses.extend(ticket.tags.iter().map(|tag| Lost::new("", Loss::Tag, tag)));
        }
        mapped.time_entries = self.time_entries(ticket, &canonical, &mut losses).await?;
        mapped.rating = self.rating(ticket, &canonical, &mut losses)?;
        let people = self.people_of(ticket).await?;
        let (requester, named) = (people.requester.clone(), people.named());
        let unshown = requester.clone().filter(|_| !people.is_shown);
        mapped.company = self.company_of(ticket, requester.as_deref(), link, &mut losses).await?;
        if !people.without_place.is_empty() {
            let labels: Vec<String> = people.without_place.iter().map(|person| person.label()).collect();
            losses.push(Lost::new("", Loss::Cc, labels.join(", ")));
        }
        people.put(&mut mapped);

        let messages =
            Messages { translator: self, record, ticket, late, canonical: &canonical, group: group.as_ref() };
        let migrated = messages.migrate(unshown.as_deref(), &named).await?;
        losses.extend(migrated.losses);
        let files = migrated.comments.iter().flat_map(|comment| &comment.attachments);
        mapped.file_sizes = files.map(|file| file.bytes).collect();
        mapped.file_sizes.sort_unstable();
        mapped.comments = migrated.comments;
        Ok(Translated { mapped: Mapped::Ticket(Box::new(mapped)), losses })
    }

    /// Who asked the ticket, after the rules.
    pub fn requester_of(&self, ticket: &Ticket, fields: &SourceFields) -> Result<Option<Ref>, Held> {
        if !self.mapping.ticket.computed().any(|(field, _)| field == "requester") {
            return Ok(ticket.requester.clone());
        }
        let canonical = canonical(ticket, |key| fields.get(key).map(|field| field.title.as_str()));
        Ok(self.computed(ticket, &canonical)?.requester.clone())
    }

    /// A merged ticket is not written on its own: the one it was merged into stands for it.
    fn merged(&self, record: &Record, ticket: &Ticket) -> Result<(), Held> {
        if record.state != State::Merged {
            return Ok(());
        }
        let winner = ticket.links.iter().find(|l| l.link_type == crate::record::LinkType::MergedInto);
        let problem = Problem::new(Reason::Merged, "merged into another ticket, which contains its messages");
        Err(Held::Skip(problem, winner.map(|l| (Kind::Ticket, l.to.clone()))))
    }

    /// The ticket with the fields that rules compute anew.
    fn computed<'t>(&self, ticket: &'t Ticket, canonical: &Value) -> Result<Cow<'t, Ticket>, Held> {
        let mut after = Cow::Borrowed(canonical);
        for (field, filter) in self.mapping.ticket.computed() {
            let value = filter.eval(canonical, canonical).map_err(|p| p.at(format!("[ticket.{field}] jq")))?;
            after.to_mut()[field] = value;
        }
        let Cow::Owned(after) = after else { return Ok(Cow::Borrowed(ticket)) };
        let wrong = || Problem::new(Reason::Expression, "a `jq` of [ticket.…] gives what its field cannot hold");
        Ok(Cow::Owned(serde_json::from_value(after).map_err(|_| wrong())?))
    }

    /// How the ticket came in. The target's own word for it is the connector's to find.
    fn channel(&self, ticket: &Ticket, canonical: &Value) -> Result<Option<String>, Held> {
        let rule = &self.mapping.ticket.channel;
        let channel = rule.label(canonical)?.or_else(|| ticket.channel.clone());
        let mapped = match &channel {
            Some(channel) => rule.apply(ValueField::Channel, channel, &[]),
            None => rule.apply_to_none(ValueField::Channel, &[]),
        };
        match mapped {
            mapping::Mapped::To(to) => Ok(Some(to)),
            mapping::Mapped::Unknown => Ok(channel),
            mapping::Mapped::Drop => Ok(None),
            mapping::Mapped::Fail(problem) => Err(Held::Fail(problem)),
        }
    }

    /// A label of a vocabulary, of the target. None leaves the target its own.
    fn word(
        &self,
        field: ValueField,
        vocabulary: &str,
        label: Option<&str>,
        canonical: &Value,
        losses: &mut Vec<Lost>,
    ) -> Result<Option<Word>, Held> {
        let rule = self.mapping.ticket.value_rule(field);
        let known = self.target_metadata.labels(vocabulary);
        let computed = rule.label(canonical)?;
        let label = computed.as_deref().or(label);
        let mapped = match label {
            Some(label) => rule.apply(field, label, &known),
            None => rule.apply_to_none(field, &known),
        };
        let to = match mapped {
            mapping::Mapped::To(to) => to,
            mapping::Mapped::Drop => return Ok(None),
            mapping::Mapped::Unknown if self.target.profile().open.iter().any(|open| open == vocabulary) => match label
            {
                Some(label) => label.to_owned(),
                None => return Ok(None),
            },
            mapping::Mapped::Unknown => match self.target.default_label(vocabulary) {
                Some(default) => default,
                None => {
                    let lost = label.map(|label| Lost::new("", Loss::Value, format!("{vocabulary} `{label}`")));
                    losses.extend(lost);
                    return Ok(None);
                }
            },
            // Only a wrong status changes what a ticket means; an unknown priority or type is a loss, unless a rule says it is not.
            mapping::Mapped::Fail(problem) if vocabulary == "status" || rule.otherwise == Some(Otherwise::Fail) => {
                return Err(Held::Fail(problem));
            }
            mapping::Mapped::Fail(_) => {
                losses.push(Lost::new("", Loss::Value, format!("{vocabulary} `{}`", label.unwrap_or_default())));
                match self.target.default_label(vocabulary) {
                    Some(default) => default,
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(match self.target_metadata.word(vocabulary, &to) {
            Some(entry) => Word { id: entry.id.clone(), label: entry.label.clone() },
            None => Word { id: to.clone(), label: to },
        }))
    }

    /// The group by its own record, by what a jq gives for it, or by the rule for tickets that have none; else the account's default.
    async fn ticket_group(
        &self,
        ticket: &Ticket,
        canonical: &Value,
        link: &Link,
        losses: &mut Vec<Lost>,
    ) -> Result<Option<Remote>, Held> {
        let rule = &self.mapping.ticket.group;
        let known = self.target_metadata.group_labels();
        let named = |mapped: mapping::Mapped| match mapped {
            mapping::Mapped::To(label) => Ok(self.target_metadata.group(&label).map(|group| group.remote())),
            mapping::Mapped::Fail(problem) => Err(Held::Fail(problem)),
            mapping::Mapped::Drop | mapping::Mapped::Unknown => Ok(None),
        };
        let found = match (rule.label(canonical)?, &ticket.group) {
            (Some(label), _) => named(rule.apply(ValueField::Group, &label, &known))?,
            (None, Some(id)) => {
                let there = link.target_of(Kind::Group, id).await?;
                if there.is_none() && rule.otherwise == Some(Otherwise::Fail) {
                    let what = format!("the mapping has no group for `{}`", self.called(Kind::Group, id).await?);
                    return Err(Held::Fail(Problem::new(Reason::UnmappedValue, what)));
                }
                if there.is_none() {
                    let name = self.called(Kind::Group, id).await?;
                    losses.push(Lost::new("", Loss::Group, format!("group `{name}`")));
                }
                there
            }
            (None, None) => named(rule.apply_to_none(ValueField::Group, &known))?,
        };
        let default =
            || self.target.default_label("group").and_then(|label| Some(self.target_metadata.group(&label)?.remote()));
        Ok(found.or_else(default))
    }

    /// What a group or company of the source is called; its id where the stage does not know it.
    async fn called(&self, kind: Kind, id: &str) -> Result<String, Held> {
        let Some(row) = self.blobs.staging.item(kind.code(), id).await? else { return Ok(id.to_owned()) };
        Ok(match self.blobs.source.assemble(kind, &row, &ChildRows::new()).map(|record| record.body) {
            Ok(Body::Group(group)) => group.name,
            Ok(Body::Company(company)) => company.name,
            _ => id.to_owned(),
        })
    }

    /// The company, where it is the first one of the requester: targets know no other.
    async fn company_of(
        &self,
        ticket: &Ticket,
        requester: Option<&Known>,
        link: &Link,
        losses: &mut Vec<Lost>,
    ) -> Result<Option<Reference>, Held> {
        let Some(company) = ticket.company.as_ref().filter(|_| self.target.writes(Kind::Company)) else {
            return Ok(None);
        };
        let theirs = requester.is_some_and(|r| r.companies.first() == Some(company));
        let there = link.target_of(Kind::Company, company).await?.filter(|_| theirs);
        if there.is_none() {
            let name = self.called(Kind::Company, company).await?;
            losses.push(Lost::new("", Loss::Company, format!("company `{name}`")));
        }
        Ok(there.as_ref().map(Reference::from))
    }
}

/// A plain text without what the rules take out of it.
pub(super) fn redacted(
    rules: &[Redaction],
    text: &str,
    canonical: &Value,
    losses: &mut Vec<Lost>,
) -> Result<String, Problem> {
    let redacted = redact(rules, text, Format::Text, canonical)?;
    if !redacted.what.is_empty() {
        losses.push(Lost::new("", Loss::Redacted, redacted.what));
    }
    Ok(redacted.text)
}
