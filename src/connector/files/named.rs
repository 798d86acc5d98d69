//! People, groups and companies that tickets name and that have no row of their own: found among the rows by their name, or
//! made of what the tickets say. Who has an address is somebody; a name alone is nobody. [`super::register`] finds them.

use super::fields::{self, Cell, Of};
use super::values::Wrong;
use crate::mapping::label;
use crate::record::{Body, Company, Group, Kind, Person, Record, State};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Somebody who is made of what tickets say.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub address: String,
    pub name: Option<String>,
    /// The one company of all of their tickets.
    pub company: Option<String>,
}

/// What came of the register.
#[derive(Debug, Default)]
pub struct Named {
    /// Contacts to be made.
    pub people: Vec<Made>,
    pub groups: Vec<String>,
    pub companies: Vec<String>,
    /// The id behind a name.
    pub names: HashMap<(Of, String), String>,
    /// What is meant as an address, and is none.
    pub broken: BTreeSet<String>,
    /// What cells with commas say ([`several`]).
    pub lists: HashMap<(Of, String), Vec<String>>,
    /// Names that may be one person or several, and cells of one that name several or nobody.
    pub unclear: BTreeSet<(Of, String)>,
    /// Names that several have.
    pub shared: BTreeMap<Of, Vec<String>>,
    /// Names nobody has.
    pub unknown: BTreeMap<Of, Vec<String>>,
}

/// What a table's rows are, as references see them.
pub fn of_table(table: &str) -> Option<Of> {
    match table {
        "agent" | "contact" => Some(Of::Person),
        "group" => Some(Of::Group),
        "company" => Some(Of::Company),
        _ => None,
    }
}

impl Named {
    /// Fields of a row, and the names in them that may be one person or several.
    pub fn unclear_in(&self, table: &str, row: &Map<String, Value>) -> Vec<(&'static str, Wrong)> {
        if self.unclear.is_empty() {
            return vec![];
        }
        let is = |of: Of, text: &str| self.unclear.contains(&(of, text.to_owned()));
        let is_one =
            |field: &str| fields::of(table).iter().any(|(name, cell)| *name == field && matches!(cell, Cell::Ref(_)));
        let wrong = |field: &'static str, text: &str| match (super::exchange::name(text), is_one(field)) {
            (Some(_), _) => Wrong::exchange(text),
            (None, true) => Wrong::one(text, field),
            (None, false) => Wrong::several(text),
        };
        let of_fields = references(table, row).into_iter().filter(|(_, of, text)| is(*of, text));
        let of_fields = of_fields.map(|(field, _, text)| (field, wrong(field, text)));
        let of_messages = authors(row).filter(|(_, text)| is(Of::Person, text));
        of_fields.chain(of_messages.map(|(field, text)| (field, wrong(field, text)))).collect()
    }

    /// Fields of a row, and what in them names nobody for certain: an address that none has, names that may be one or several.
    pub fn wrong_in(&self, table: &str, row: &Map<String, Value>) -> Vec<(&'static str, Wrong)> {
        let broken = self.broken_in(table, row).into_iter().map(|(field, text)| (field, Wrong::address(&text)));
        broken.chain(self.unclear_in(table, row)).collect()
    }

    /// Fields of a row, and what in them is an address that none has.
    pub fn broken_in(&self, table: &str, row: &Map<String, Value>) -> Vec<(&'static str, String)> {
        if self.broken.is_empty() {
            return vec![];
        }
        let of_fields = references(table, row).into_iter().map(|(field, _, text)| (field, text));
        let is_broken = |text: &str| self.broken.contains(text);
        let found = of_fields.chain(authors(row)).filter(|(_, text)| is_broken(text));
        found.map(|(field, text)| (field, text.to_owned())).collect()
    }

    /// Puts the ids of people, groups and companies in the place of their names.
    pub fn resolve(&self, table: &str, row: &mut Map<String, Value>) {
        if self.names.is_empty() && self.lists.is_empty() {
            return;
        }
        let id = |of: Of, text: &str| self.names.get(&(of, label::key(text))).map(|id| Value::from(id.as_str()));
        for (field, cell) in fields::of(table) {
            match (cell, row.get_mut(field)) {
                (Cell::Ref(of), Some(Value::String(text))) => {
                    if let Some(id) = id(of, text) {
                        row.insert(field.to_owned(), id);
                    }
                }
                (Cell::Refs(of), Some(Value::Array(all))) if is_reference(field) => {
                    self.part(of, all);
                    for one in all {
                        if let Some(id) = one.as_str().and_then(|text| id(of, text)) {
                            *one = id;
                        }
                    }
                }
                _ => {}
            }
        }
        for field in [fields::MESSAGES, fields::NOTES] {
            for message in row.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(id) = message["author"].as_str().and_then(|text| id(Of::Person, text)) {
                    message["author"] = id;
                }
            }
        }
    }

    /// Puts what cells with commas say into their place.
    fn part(&self, of: Of, all: &mut Vec<Value>) {
        let says = |one: &Value| self.lists.get(&(of, one.as_str()?.to_owned()));
        if all.iter().any(|one| says(one).is_some()) {
            let parted = |one: &Value| match says(one) {
                Some(these) => these.iter().map(|text| Value::from(text.as_str())).collect(),
                None => vec![one.clone()],
            };
            *all = all.iter().flat_map(parted).collect();
        }
    }

    /// How many records are made of what tickets say.
    pub fn of_kind(&self, kind: Kind) -> usize {
        match kind {
            Kind::Contact => self.people.len(),
            Kind::Group => self.groups.len(),
            Kind::Company => self.companies.len(),
            _ => 0,
        }
    }

    /// The n-th of them.
    pub fn record(&self, kind: Kind, at: usize) -> Option<Record> {
        let (id, body) = match kind {
            Kind::Contact => {
                let Made { address, name, company } = self.people.get(at)?;
                let id =
                    |company: &String| self.names.get(&(Of::Company, label::key(company))).unwrap_or(company).clone();
                let companies = company.iter().map(id).collect();
                let (name, emails) = (name.clone(), vec![address.clone()]);
                (address, Body::Contact(Person { name, emails, companies, ..Person::default() }))
            }
            Kind::Group => {
                let name = self.groups.get(at)?;
                (name, Body::Group(Group { name: name.clone(), description: None }))
            }
            Kind::Company => {
                let name = self.companies.get(at)?;
                (name, Body::Company(Company { name: name.clone(), ..Company::default() }))
            }
            _ => return None,
        };
        let (number, url, created_at, updated_at) = (None, None, None, None);
        Some(Record { id: id.clone(), number, url, created_at, updated_at, state: State::Live, unread: vec![], body })
    }
}

/// Who wrote the messages that stand in a row's own columns.
fn authors(row: &Map<String, Value>) -> impl Iterator<Item = (&'static str, &str)> {
    [fields::MESSAGES, fields::NOTES].into_iter().flat_map(move |field| {
        let all = row.get(field).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(move |message| Some((field, message["author"].as_str()?)))
    })
}

/// `to` and `cc` of a message are what its head says, and refer to nobody.
fn is_reference(field: &str) -> bool {
    !matches!(field, "to" | "cc")
}

/// What a row refers to: by which field, and as it is written.
pub fn references<'a>(table: &str, row: &'a Map<String, Value>) -> Vec<(&'static str, Of, &'a str)> {
    let mut all = Vec::new();
    for (field, cell) in fields::of(table) {
        match (cell, row.get(field)) {
            (Cell::Ref(of), Some(Value::String(text))) => all.push((field, of, text.as_str())),
            (Cell::Refs(of), Some(Value::Array(list))) if is_reference(field) => {
                all.extend(list.iter().filter_map(Value::as_str).map(|text| (field, of, text)));
            }
            _ => {}
        }
    }
    all
}
