//! What both accounts hold, counted over the staged tickets: the ground of a mapping. Writes nothing to the target.
//!
//! Tickets go through one batch at a time; what is kept of them are counts of labels and of the options of fields, never free
//! text. Definitions that are not staged yet are read; tickets are not, where that would cost calls: the counts are of what `stage` or a run has read.

use super::migrate::BATCH;
use super::people::seek_agents;
use super::stage::AHEAD;
use super::target_metadata::{TargetMetadata, VOCABULARIES};
use super::{Job, Stop, assumed, requirements, stage};
use crate::connector::ChildRows;
use crate::error::{Reason, Result};
use crate::expr::plain;
use crate::ledger::State;
use crate::mapping::seen::{Observed, SeenAgent, SeenField, SeenLabel, There};
use crate::record::{Body, Category, Field, FieldType, Kind, Record, State as Shown, Ticket};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;

/// Definitions a mapping is made of.
const DEFINITIONS: [Kind; 3] = [Kind::Group, Kind::Agent, Kind::Field];
/// Different labels counted of a vocabulary or an option field.
const LABELS: usize = 2_000;
/// More different values than this are free text, where no definition says otherwise.
const FREE: usize = 50;

/// Both accounts.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    pub observed: Observed,
    pub there: There,
    /// The source's fields of tickets by their ids, and the keys of those that runs made for them.
    pub fields: Vec<(String, Field)>,
    pub made: BTreeMap<String, String>,
}

/// Looks at both accounts.
pub async fn survey(job: &Job) -> Result<Survey, Stop> {
    // Where that costs no calls, tickets are read as well.
    let tickets = (!job.source.is_called()).then_some([Kind::Company, Kind::Contact, Kind::Ticket]);
    let kinds = DEFINITIONS.into_iter().chain(tickets.into_iter().flatten());
    for kind in kinds.filter(|&kind| job.source.reads(kind)) {
        if job.staging.listing(kind.code()).await?.complete_since.is_none() {
            stage::kind(job, kind).await?;
        }
    }
    let mut survey = Survey { fields: job.fields_of_tickets().await?, ..Survey::default() };
    let target_metadata = target(job).await?;
    survey.made = job.keys_of_made(&survey.fields, &target_metadata).await?;
    survey.there = there(job, &target_metadata);
    survey.observed = source(job).await?;
    Ok(survey)
}

/// The same without reading of the source what is not staged, and without asking the target for agents it does not list, but for these.
pub(super) async fn as_staged(job: &Job, agents: BTreeSet<&str>) -> Result<Survey, Stop> {
    let mut target_metadata = TargetMetadata::read(job.target.as_ref()).await?;
    assumed::complete(job, &mut target_metadata).await?;
    target_metadata.seek_all(job.target.as_ref(), agents).await?;
    Ok(Survey { there: there(job, &target_metadata), observed: source(job).await?, ..Survey::default() })
}

async fn target(job: &Job) -> Result<TargetMetadata, Stop> {
    match job.target.prepare().await {
        // The field of our markers may be missing yet: that is for `check` to say.
        Err(problem) if problem.reason != Reason::Refused => return Err(problem.into()),
        _ => {}
    }
    let mut target_metadata = TargetMetadata::read(job.target.as_ref()).await?;
    assumed::complete(job, &mut target_metadata).await?;
    seek_agents(job, &target_metadata).await?;
    Ok(target_metadata)
}

fn there(job: &Job, target_metadata: &TargetMetadata) -> There {
    let profile = job.target.profile();
    let mut labels: BTreeMap<&'static str, Vec<String>> =
        VOCABULARIES.map(|name| (name, target_metadata.labels(name))).into();
    labels.insert("group", target_metadata.group_labels());
    let requirements = target_metadata.requirements();
    let is_required = |field: &Field| requirements.iter().any(|requirement| requirement.key == field.key);
    let fields = target_metadata.fields().iter().map(|field| Field { required: is_required(field), ..field.clone() });
    let default = |name: &&'static str| job.target.default_label(name).map(|label| (*name, label));
    There {
        takes_any: profile.verbatim,
        on_paper: job.target.is_on_paper(),
        defaults: labels.keys().filter_map(default).collect(),
        labels,
        open: profile.open.clone(),
        settled_only: requirements.iter().filter(|d| d.of == requirements::Of::Closed).map(|d| d.key.clone()).collect(),
        fields: fields.collect(),
        makes: if job.target.writes(Kind::Field) { profile.field_types.clone() } else { vec![] },
        agents: target_metadata.agents(),
        tags: profile.tags,
    }
}

async fn source(job: &Job) -> Result<Observed, Stop> {
    let mut tally = Tally::default();
    for kind in DEFINITIONS {
        for row in job.staging.rows(kind.code()).await? {
            // One that cannot be read fails when its turn comes.
            if let Ok(record) = job.source.assemble(kind, &row, &ChildRows::new()) {
                tally.define(record, job.target.marker_field());
            }
        }
    }
    let mut after = None;
    loop {
        job.halt.check()?;
        let rows = job.link.next(Kind::Ticket, State::ALL, after, BATCH).await?;
        let Some(last) = rows.last() else { return Ok(tally.observed(job)) };
        after = Some(last.seq);
        let mut records = pin!(stream::iter(&rows).map(|row| ticket(job, &row.id)).buffered(AHEAD));
        while let Some(record) = records.try_next().await? {
            if let Some(record) = record
                && let Body::Ticket(ticket) = &record.body
                && record.state != Shown::Merged
                && matches!(job.left_out(&record, ticket).await, Ok(None))
            {
                tally.count(ticket);
            }
        }
    }
}

/// A staged ticket. Its messages are looked at only where the scope may want them. One that cannot be read is none of ours.
async fn ticket(job: &Job, id: &str) -> Result<Option<Record>> {
    let source = job.source.clone();
    let make = move |row: Value, children: ChildRows| source.assemble(Kind::Ticket, &row, &children).ok();
    let made = match job.scope_filter {
        Some(_) => job.staging.made(Kind::Ticket.code(), id, move |row, children, _, _| make(row, children)).await?,
        None => job.staging.made_alone(Kind::Ticket.code(), id, move |row| make(row, ChildRows::new())).await?,
    };
    Ok(made.flatten())
}

type Counts = BTreeMap<String, u64>;

/// Counts by what is counted.
#[derive(Default)]
struct Tally {
    tickets: u64,
    statuses: BTreeMap<(String, Option<Category>), u64>,
    labels: BTreeMap<&'static str, Counts>,
    tags: Counts,
    groups: HashMap<String, String>,
    agents: BTreeMap<String, SeenAgent>,
    fields: BTreeMap<String, SeenField>,
    /// Fields in the order they are defined, those that are only seen last.
    order: Vec<String>,
}

impl Tally {
    fn define(&mut self, record: Record, marker: Option<&str>) {
        match record.body {
            Body::Group(group) => {
                self.groups.insert(record.id, group.name);
            }
            Body::Agent(person) => {
                if let Some(email) = person.emails.first().cloned() {
                    let name = person.name.unwrap_or_default();
                    self.agents.insert(record.id, SeenAgent { name, email, tickets: 0 });
                }
            }
            Body::Field(field) if field.scope == Kind::Ticket && marker != Some(field.title.as_str()) => {
                self.order.push(field.key.clone());
                let seen = SeenField { defined: true, tickets: 0, values: Counts::new(), field };
                self.fields.insert(seen.field.key.clone(), seen);
            }
            _ => {}
        }
    }

    fn count(&mut self, ticket: &Ticket) {
        self.tickets += 1;
        if let Some(status) = &ticket.status {
            *self.statuses.entry((status.clone(), ticket.category)).or_default() += 1;
        }
        let group = ticket.group.as_ref().map(|id| self.groups.get(id).unwrap_or(id));
        let labels = [
            ("priority", ticket.priority.as_ref()),
            ("type", ticket.ticket_type.as_ref()),
            ("channel", ticket.channel.as_ref()),
            ("group", group),
        ];
        for (name, label) in labels {
            if let Some(label) = label {
                add(self.labels.entry(name).or_default(), label, LABELS);
            }
        }
        ticket.tags.iter().for_each(|tag| add(&mut self.tags, tag, LABELS));
        if let Some(agent) = ticket.assignee.as_ref().and_then(|id| self.agents.get_mut(id)) {
            agent.tickets += 1;
        }
        for value in &ticket.custom {
            if is_nothing(&value.value) {
                continue;
            }
            let seen = self.fields.entry(value.key.clone()).or_insert_with(|| {
                self.order.push(value.key.clone());
                undefined(&value.key, value.title.as_deref())
            });
            seen.tickets += 1;
            let is_list = matches!(
                seen.field.field_type,
                FieldType::Select | FieldType::MultiSelect | FieldType::Tree | FieldType::Bool
            );
            match (seen.defined, is_list) {
                (true, false) => {}
                (true, true) => values(&value.value).for_each(|value| add(&mut seen.values, &value, LABELS)),
                (false, _) => values(&value.value).for_each(|value| add(&mut seen.values, &value, FREE + 1)),
            }
        }
    }

    fn observed(self, job: &Job) -> Observed {
        let counted = |counts: Counts| -> Vec<SeenLabel> {
            let seen = |(label, tickets)| SeenLabel { label, category: None, tickets };
            most_first(counts.into_iter().map(seen).collect())
        };
        let status = |((label, category), tickets)| SeenLabel { label, category, tickets };
        let statuses = most_first(self.statuses.into_iter().map(status).collect());
        let mut labels = self.labels;
        let mut of = |name: &str| counted(labels.remove(name).unwrap_or_default());
        let mut fields = self.fields;
        let in_order = self.order.iter().filter_map(|key| fields.remove(key)).map(|mut field| {
            if !field.defined && field.values.len() > FREE {
                field.values.clear();
            }
            field
        });
        let fields = in_order.collect();
        let (priorities, types, channels, groups) = (of("priority"), of("type"), of("channel"), of("group"));
        let mut agents: Vec<SeenAgent> = self.agents.into_values().filter(|agent| agent.tickets > 0).collect();
        agents.sort_by(|a, b| (b.tickets, &a.email).cmp(&(a.tickets, &b.email)));
        let channels = if job.mapping.ticket.channel.values.is_empty() { vec![] } else { channels };
        let tags = counted(self.tags);
        Observed { tickets: self.tickets, statuses, priorities, types, channels, groups, tags, fields, agents }
    }
}

fn most_first(mut labels: Vec<SeenLabel>) -> Vec<SeenLabel> {
    labels.sort_by(|a, b| (b.tickets, &a.label).cmp(&(a.tickets, &b.label)));
    labels
}

/// Counts a label; a new one only while there are fewer than `most`.
fn add(counts: &mut Counts, label: &str, most: usize) {
    if let Some(count) = counts.get_mut(label) {
        *count += 1;
    } else if counts.len() < most {
        counts.insert(label.to_owned(), 1);
    }
}

fn undefined(key: &str, title: Option<&str>) -> SeenField {
    let title = title.unwrap_or(key).to_owned();
    let (scope, field_type) = (Kind::Ticket, FieldType::Text);
    let field = Field { scope, key: key.to_owned(), title, field_type, required: false, options: vec![] };
    SeenField { field, defined: false, tickets: 0, values: Counts::new() }
}

pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn values(value: &Value) -> impl Iterator<Item = String> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter().map(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::CustomValue;
    use serde_json::json;

    fn tally() -> Tally {
        let mut tally = Tally::default();
        let field = |key: &str, field_type| {
            Body::Field(Field {
                scope: Kind::Ticket,
                key: key.into(),
                title: key.to_uppercase(),
                field_type,
                required: false,
                options: vec![],
            })
        };
        for (key, body) in [("a", field("a", FieldType::Text)), ("b", field("b", FieldType::Select))] {
            let id = key.to_owned();
            let (number, url, created_at, updated_at) = (None, None, None, None);
            tally.define(
                Record { id, number, url, created_at, updated_at, state: Shown::Live, unread: vec![], body },
                Some("MARKER"),
            );
        }
        tally
    }

    fn with(custom: &[(&str, Value)]) -> Ticket {
        let value =
            |(key, value): &(&str, Value)| CustomValue { key: (*key).into(), title: None, value: value.clone() };
        Ticket { custom: custom.iter().map(value).collect(), ..Ticket::default() }
    }

    #[test]
    fn free_text_is_counted_and_never_kept() {
        let mut tally = tally();
        for n in 0..200 {
            tally.count(&with(&[
                ("a", json!(format!("secret {n}"))),
                ("b", json!("x")),
                ("c", json!(n)),
                ("d", json!("")),
            ]));
        }
        assert_eq!((tally.fields["a"].tickets, tally.fields["a"].values.len()), (200, 0));
        assert_eq!(tally.fields["b"].values["x"], 200);
        assert!(tally.fields["c"].values.len() <= FREE + 1);
        assert!(!tally.fields.contains_key("d"));
    }

    #[test]
    fn what_is_kept_does_not_grow_with_the_account() {
        let mut tally = tally();
        for n in 0..3 * LABELS {
            tally.count(&Ticket { tags: vec![n.to_string()], ..with(&[("b", json!(n.to_string()))]) });
        }
        assert_eq!((tally.tags.len(), tally.fields["b"].values.len()), (LABELS, LABELS));
        assert_eq!(tally.tickets, 3 * LABELS as u64);
    }
}
