//! What was seen of both accounts: the ground on which a mapping is proposed and its coverage told.

use crate::record::{Category, Field, FieldType};
use std::collections::{BTreeMap, BTreeSet};

/// What the source holds, counted over its staged tickets.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Tickets that were counted.
    pub tickets: u64,
    pub statuses: Vec<SeenLabel>,
    pub priorities: Vec<SeenLabel>,
    pub types: Vec<SeenLabel>,
    pub channels: Vec<SeenLabel>,
    pub groups: Vec<SeenLabel>,
    pub tags: Vec<SeenLabel>,
    pub fields: Vec<SeenField>,
    /// Agents, by the tickets they answer for.
    pub agents: Vec<SeenAgent>,
}

/// A label, and on how many tickets it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenLabel {
    pub label: String,
    pub category: Option<Category>,
    pub tickets: u64,
}

/// A custom field of the source's tickets.
#[derive(Clone, Debug)]
pub struct SeenField {
    pub field: Field,
    /// Whether the source defines it: a field without a definition is only known by its values.
    pub defined: bool,
    /// Tickets that have a value.
    pub tickets: u64,
    /// The values and their tickets, of a field of options; free text is never kept.
    pub values: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SeenAgent {
    pub name: String,
    pub email: String,
    pub tickets: u64,
}

/// What the target holds.
#[derive(Clone, Debug, Default)]
pub struct There {
    /// Whether it takes any record as it is: nothing has to be mapped.
    pub takes_any: bool,
    /// Whether it has no account: groups, agents and fields are only taken for there.
    pub on_paper: bool,
    /// Labels by vocabulary: `status priority type group`.
    pub labels: BTreeMap<&'static str, Vec<String>>,
    /// Vocabularies whose labels are taken as they are.
    pub open: Vec<String>,
    /// The label of tickets no rule gives one, by vocabulary.
    pub defaults: BTreeMap<&'static str, String>,
    /// `required` are those it requires.
    pub fields: Vec<Field>,
    /// Keys of those it requires for solved or closed tickets alone.
    pub settled_only: BTreeSet<String>,
    /// Types of fields that can be made there.
    pub makes: Vec<FieldType>,
    /// Name and address of those who can answer for tickets.
    pub agents: Vec<(String, String)>,
    pub tags: bool,
}

impl There {
    pub fn labels(&self, vocabulary: &str) -> &[String] {
        self.labels.get(vocabulary).map_or(&[], Vec::as_slice)
    }
}

impl SeenField {
    /// Title and type for people.
    pub fn title(&self) -> &str {
        if self.field.title.is_empty() { &self.field.key } else { &self.field.title }
    }

    /// The field's definition, where the source has one.
    pub fn definition(&self) -> Option<&Field> {
        self.defined.then_some(&self.field)
    }
}
