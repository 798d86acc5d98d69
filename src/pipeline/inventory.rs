//! What the staged account holds: the counts an offer and a plan are made from.
//!
//! One look at each ticket in scope and each person; memory grows with the values and months, not with the records.

use super::migrate::BATCH;
use super::{Job, ORDER, Stop, preview};
use crate::connector::LeftBehind;
use crate::expr::plain;
use crate::ledger::State as Step;
use crate::record::{Body, Field, Kind, Person, Record, State, Ticket};
use futures_util::TryStreamExt;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::pin::pin;

/// How many of the longest threads and largest files are named.
const NAMED: usize = 10;
/// Labels told apart in one property; further ones are counted together.
const LABELS: usize = 500;
const OTHER: &str = "(other)";

/// Everything that was counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inventory {
    pub kinds: Vec<KindCount>,
    /// Tickets by the month they were made in, `2024-05`.
    pub months: BTreeMap<String, u64>,
    /// Tickets by label: `status`, `priority`, `type`, `channel`, `group`.
    pub labels: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// Tickets that have a value in a custom field, by its title; a box that is not ticked has none.
    pub fields: BTreeMap<String, u64>,
    /// Titles of custom fields by key.
    #[serde(skip)]
    titles: BTreeMap<String, String>,
    pub totals: preview::Totals,
    pub inline_images: u64,
    pub private_messages: u64,
    pub longest_threads: Vec<Largest>,
    pub largest_files: Vec<Largest>,
    pub people: People,
    /// What the source has and no record carries.
    pub left: Vec<LeftBehind>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KindCount {
    pub kind: Kind,
    pub records: u64,
    /// By state in the source.
    pub states: BTreeMap<State, u64>,
}

/// A ticket or a file that is large.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Largest {
    /// Messages, or bytes.
    pub size: u64,
    /// Source id of the ticket.
    pub ticket: String,
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct People {
    pub inactive: u64,
    pub without_address: u64,
    pub several_addresses: u64,
}

impl Job {
    /// Reads what the stage lacks, and counts what it holds.
    pub async fn inventory(&self) -> Result<Inventory, Stop> {
        let mut inventory = Inventory::default();
        for &kind in ORDER.iter().filter(|&&kind| kind != Kind::Link && self.stages(kind)) {
            preview::stage_missing(self, kind).await?;
            let count = self.count(kind, &mut inventory).await?;
            inventory.kinds.push(count);
        }
        inventory.left = self.source.left().await?;
        if let Some(groups) = inventory.labels.get_mut("group") {
            for (id, n) in std::mem::take(groups) {
                let name = self.group_name(&id).await?.unwrap_or(id);
                *groups.entry(name).or_default() += n;
            }
        }
        Ok(inventory)
    }

    async fn count(&self, kind: Kind, inventory: &mut Inventory) -> Result<KindCount, Stop> {
        let mut count = KindCount { kind, records: 0, states: BTreeMap::new() };
        let mut after = None;
        loop {
            self.halt.check()?;
            let rows = self.link.next(kind, Step::ALL, after, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after = Some(last.seq);
            let mut records = pin!(self.staged_each(kind, &rows));
            while let Some((_, staged)) = records.try_next().await? {
                let Some(staged) = staged else { continue };
                count.records += 1;
                let Ok(record) = staged else { continue };
                *count.states.entry(record.state).or_default() += 1;
                match &record.body {
                    Body::Ticket(ticket) => {
                        if matches!(self.left_out(&record, ticket).await, Ok(None)) {
                            inventory.ticket(&record, ticket);
                        }
                    }
                    Body::Agent(person) | Body::Contact(person) => inventory.people.add(person),
                    Body::Field(field) if field.scope == Kind::Ticket => inventory.field(field),
                    _ => {}
                }
            }
        }
    }
}

impl People {
    fn add(&mut self, person: &Person) {
        self.inactive += u64::from(!person.active);
        self.without_address += u64::from(person.emails.is_empty());
        self.several_addresses += u64::from(person.emails.len() > 1);
    }
}

impl Inventory {
    fn field(&mut self, field: &Field) {
        self.fields.entry(field.title.clone()).or_default();
        self.titles.insert(field.key.clone(), field.title.clone());
    }

    fn ticket(&mut self, record: &Record, ticket: &Ticket) {
        self.totals.add(preview::Totals::of(ticket));
        if let Some(at) = record.created_at {
            *self.months.entry(at.strftime("%Y-%m").to_string()).or_default() += 1;
        }
        for (name, label) in [
            ("status", &ticket.status),
            ("priority", &ticket.priority),
            ("type", &ticket.ticket_type),
            ("channel", &ticket.channel),
            ("group", &ticket.group),
        ] {
            let counts = self.labels.entry(name).or_default();
            let label = label.as_deref().unwrap_or("(none)");
            let label = if counts.contains_key(label) || counts.len() < LABELS { label } else { OTHER };
            *counts.entry(label.to_owned()).or_default() += 1;
        }
        for value in ticket.custom.iter().filter(|value| !is_empty(&value.value)) {
            let title = value.title.as_ref().or_else(|| self.titles.get(&value.key)).unwrap_or(&value.key);
            *self.fields.entry(title.clone()).or_default() += 1;
        }
        for comment in &ticket.comments {
            self.inline_images += crate::content::images(&comment.body, comment.format).len() as u64;
            self.private_messages += u64::from(comment.visibility == crate::record::Visibility::Private);
            for file in &comment.attachments {
                let size = file.size.unwrap_or_default();
                keep(&mut self.largest_files, Largest { size, ticket: record.id.clone(), name: file.name.clone() });
            }
        }
        let size = ticket.comments.len() as u64;
        keep(&mut self.longest_threads, Largest { size, ticket: record.id.clone(), name: ticket.subject.clone() });
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Bool(ticked) => !ticked,
        other => plain(other).is_empty(),
    }
}

/// Keeps the largest few, the largest first.
fn keep(all: &mut Vec<Largest>, one: Largest) {
    if all.len() == NAMED && all.last().is_some_and(|least| least.size >= one.size) {
        return;
    }
    let at = all.partition_point(|other| other.size >= one.size);
    all.insert(at, one);
    all.truncate(NAMED);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_few_are_kept_the_largest_first() {
        let mut all = Vec::new();
        for size in [3, 9, 1, 7, 7, 2, 8, 4, 5, 6, 10, 0] {
            keep(&mut all, Largest { size, ticket: String::new(), name: String::new() });
        }
        let sizes: Vec<u64> = all.iter().map(|l| l.size).collect();
        assert_eq!(sizes, [10, 9, 8, 7, 7, 6, 5, 4, 3, 2]);
    }

    #[test]
    fn a_ticket_is_counted_by_month_label_and_filled_field() {
        let json = serde_json::json!({"kind": "ticket", "id": "1", "created_at": "2024-05-06T07:08:09Z", "status": "Open",
            "custom": [{"key": "a", "title": "Size", "value": "L"}, {"key": "b", "value": []}, {"key": "360001", "value": "x"},
                {"key": "vip", "value": false}],
            "comments": [{"id": "1", "format": "html", "body": "<img src='a.png'>", "visibility": "private"}]});
        let record: Record = serde_json::from_value(json).unwrap();
        let Body::Ticket(ticket) = &record.body else { panic!("no ticket") };
        let mut inventory = Inventory::default();
        for (key, title) in [("360001", "Order no."), ("360002", "Never used")] {
            let field = serde_json::json!({"scope": "ticket", "key": key, "title": title, "type": "text"});
            inventory.field(&serde_json::from_value(field).unwrap());
        }
        inventory.ticket(&record, ticket);
        assert_eq!(inventory.months, BTreeMap::from([("2024-05".to_owned(), 1)]));
        assert_eq!(inventory.labels["status"]["Open"], 1);
        assert_eq!(inventory.labels["priority"]["(none)"], 1);
        let fields = [("Never used", 0), ("Order no.", 1), ("Size", 1)];
        assert_eq!(inventory.fields, BTreeMap::from(fields.map(|(title, n)| (title.to_owned(), n))));
        assert_eq!((inventory.inline_images, inventory.private_messages), (1, 1));
    }
}
