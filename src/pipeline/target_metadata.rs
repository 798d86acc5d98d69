//! The target's own people, groups, fields and vocabularies, read once a run: what mapped labels are looked up in.

use crate::connector::Target;
use crate::error::Result;
use crate::expr::plain;
use crate::ledger::Remote;
use crate::mapping::label;
use crate::record::{Field, Kind, Outputs, address_key};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A row of the target's vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub id: String,
    pub label: String,
    /// The manifest's fields of the row.
    pub fields: Map<String, Value>,
}

impl Entry {
    pub fn remote(&self) -> Remote {
        let outputs: Outputs = self.fields.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        Remote { id: self.id.clone(), number: None, url: None, outputs }
    }
}

#[derive(Clone, Default)]
pub struct TargetMetadata {
    agents: HashMap<String, Entry>,
    /// Agents the target does not list and was asked for one by one; none for those it does not have.
    sought: Arc<Mutex<HashMap<String, Option<Entry>>>>,
    groups: Vec<Entry>,
    /// By the key of their names; only where the target holds companies.
    companies: HashMap<String, Entry>,
    vocabularies: HashMap<&'static str, Vec<Entry>>,
    fields: Vec<Field>,
    /// The manifest's fields of each custom field's row, by its key.
    field_rows: HashMap<String, Map<String, Value>>,
}

/// The vocabularies a ticket's labels are looked up in.
pub const VOCABULARIES: [&str; 3] = ["status", "priority", "type"];
/// Agents asked for at a time.
const ABREAST: usize = 4;
/// The platform's own fields of a ticket that must be filled.
const REQUIRED: &str = "demanded";
/// Those of a knowledge base: its languages, the named parts of its readers, and who may edit an article.
const LIBRARY: [&str; 3] = ["language", "segment", "editors"];

impl TargetMetadata {
    pub async fn read(target: &dyn Target) -> Result<TargetMetadata> {
        let mut target_metadata = TargetMetadata::default();
        for row in target.target_metadata("agent").await? {
            let entry = entry(row, "name");
            if !is_active(&entry) {
                continue;
            }
            let emails = entry.fields.get("emails").and_then(Value::as_array).cloned().unwrap_or_default();
            for email in emails.iter().filter_map(Value::as_str) {
                target_metadata.agents.insert(address_key(email), entry.clone());
            }
        }
        target_metadata.groups =
            target.target_metadata("group").await?.into_iter().map(|row| entry(row, "name")).collect();
        if target.writes(Kind::Company) {
            for row in target.target_metadata("company").await? {
                let entry = entry(row, "name");
                target_metadata.companies.insert(label::key(&entry.label), entry);
            }
        }
        let library: &[&str] = if target.writes(Kind::Article) { &LIBRARY } else { &[] };
        for name in VOCABULARIES.iter().chain(library).copied().chain([REQUIRED]) {
            target_metadata.read_words(target, name).await?;
        }
        target_metadata.read_fields(target).await?;
        Ok(target_metadata)
    }

    /// Reads the custom fields anew.
    pub async fn read_fields(&mut self, target: &dyn Target) -> Result<()> {
        let rows = target.target_metadata("field").await?;
        self.take_fields(rows, target.marker_field());
        Ok(())
    }

    /// Reads what is required of tickets, and nothing else.
    pub async fn read_requirements(&mut self, target: &dyn Target) -> Result<()> {
        self.read_words(target, REQUIRED).await?;
        self.read_fields(target).await
    }

    async fn read_words(&mut self, target: &dyn Target, name: &'static str) -> Result<()> {
        let rows = target.target_metadata(name).await?.into_iter().map(|row| entry(row, "label")).collect();
        self.vocabularies.insert(name, rows);
        Ok(())
    }

    /// Takes in custom fields, in the place of those it had.
    pub(super) fn take_fields(&mut self, rows: Vec<Map<String, Value>>, marker: Option<&str>) {
        (self.fields, self.field_rows) = Default::default();
        for row in rows {
            // A field of a type we do not know cannot be written to: it is as good as absent.
            if let Ok(field) = serde_json::from_value::<Field>(Value::Object(row.clone()))
                && field.scope == Kind::Ticket
                && marker != Some(&field.title)
            {
                self.field_rows.insert(field.key.clone(), row);
                self.fields.push(field);
            }
        }
    }

    /// Takes in a field, or more of its options, that the target does not list yet.
    pub fn learn(&mut self, field: Field, id: &str) {
        match self.fields.iter_mut().find(|there| there.key == field.key) {
            None => {
                self.field_rows.insert(field.key.clone(), Map::from_iter([("id".to_owned(), id.into())]));
                self.fields.push(field);
            }
            Some(there) => {
                for option in field.options {
                    if !there.options.iter().any(|have| label::same(&have.label, &option.label)) {
                        there.options.push(option);
                    }
                }
            }
        }
    }

    /// Takes in a group.
    pub fn learn_group(&mut self, group: Entry) {
        self.groups.push(group);
    }

    /// Takes in somebody who can answer for tickets.
    pub fn learn_agent(&mut self, email: &str, agent: Entry) {
        self.agents.insert(address_key(email), agent);
    }

    /// Takes in a row of a vocabulary.
    pub fn learn_word(&mut self, vocabulary: &'static str, word: Entry) {
        self.vocabularies.entry(vocabulary).or_default().push(word);
    }

    /// All rows of all vocabularies.
    pub fn each_word(&mut self, mut with: impl FnMut(&str, &mut Entry)) {
        for (name, rows) in &mut self.vocabularies {
            rows.iter_mut().for_each(|row| with(name, row));
        }
    }

    /// An agent of the target by e-mail address, as far as it was [asked](Roster::seek).
    pub fn person(&self, email: &str) -> Option<Entry> {
        let key = address_key(email);
        self.agents.get(&key).cloned().or_else(|| self.sought().get(&key).cloned().flatten())
    }

    /// The same, asked of the target where it may have agents that it does not list: once an address.
    pub async fn seek(&self, target: &dyn Target, email: &str) -> Result<Option<Entry>> {
        let key = address_key(email);
        if let Some(listed) = self.agents.get(&key) {
            return Ok(Some(listed.clone()));
        }
        if let Some(sought) = self.sought().get(&key) {
            return Ok(sought.clone());
        }
        let there = target.agent_at(email).await?.map(|row| entry(row, "name")).filter(is_active);
        self.sought().insert(key, there.clone());
        Ok(there)
    }

    /// Seeks several, so that [`Roster::person`] knows them.
    pub async fn seek_all(&self, target: &dyn Target, emails: impl IntoIterator<Item = &str>) -> Result<()> {
        let sought = stream::iter(emails).map(|email| self.seek(target, email));
        sought.buffer_unordered(ABREAST).try_for_each(|_| std::future::ready(Ok(()))).await
    }

    fn sought(&self) -> MutexGuard<'_, HashMap<String, Option<Entry>>> {
        self.sought.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A company of the target by name.
    pub fn company(&self, name: &str) -> Option<&Entry> {
        self.companies.get(&label::key(name))
    }

    /// A group by name, identifier or id.
    pub fn group(&self, label: &str) -> Option<&Entry> {
        find(&self.groups, label).or_else(|| {
            self.groups.iter().find(|g| g.id == label || g.fields.get("key").and_then(Value::as_str) == Some(label))
        })
    }

    pub fn groups(&self) -> &[Entry] {
        &self.groups
    }

    pub fn group_labels(&self) -> Vec<String> {
        self.groups.iter().map(|g| g.label.clone()).collect()
    }

    pub fn labels(&self, vocabulary: &str) -> Vec<String> {
        self.vocabularies.get(vocabulary).into_iter().flatten().map(|e| e.label.clone()).collect()
    }

    pub fn word(&self, vocabulary: &str, label: &str) -> Option<&Entry> {
        find(self.vocabularies.get(vocabulary)?, label)
    }

    /// All rows of a vocabulary.
    pub fn words(&self, vocabulary: &str) -> &[Entry] {
        self.vocabularies.get(vocabulary).map_or(&[], Vec::as_slice)
    }

    /// The custom fields of the target's tickets.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub fn field_id(&self, field: &Field) -> String {
        self.field_row(field).and_then(|row| row.get("id")).map_or_else(|| field.key.clone(), plain)
    }

    /// The manifest's fields of a custom field's row.
    pub fn field_row(&self, field: &Field) -> Option<&Map<String, Value>> {
        self.field_rows.get(&field.key)
    }

    /// Name and address of everybody who can answer for tickets.
    pub fn agents(&self) -> Vec<(String, String)> {
        let sought = self.sought();
        let sought = sought.iter().filter_map(|(email, entry)| Some((email, entry.as_ref()?)));
        let all = self.agents.iter().chain(sought);
        let mut all: Vec<_> = all.map(|(email, entry)| (entry.label.clone(), email.clone())).collect();
        all.sort();
        all
    }
}

/// Who is switched off there can neither write nor answer for anything.
fn is_active(agent: &Entry) -> bool {
    agent.fields.get("active") != Some(&Value::Bool(false))
}

fn find<'a>(entries: &'a [Entry], label: &str) -> Option<&'a Entry> {
    entries.iter().find(|e| e.label == label).or_else(|| entries.iter().find(|e| label::same(&e.label, label)))
}

fn entry(fields: Map<String, Value>, label: &str) -> Entry {
    let text = |key: &str| fields.get(key).map(plain).unwrap_or_default();
    Entry { id: text("id"), label: text(label), fields }
}
