//! People, groups and companies that tickets name and that have no row of their own: found among the rows by their name, or
//! made of what the tickets say. Who has an address is somebody; a name alone is nobody.

use super::cells::Spot;
use super::fields::{self, Cell, Of};
use super::marks::Marks;
use super::rows;
use crate::mapping::label;
use crate::record::{Body, Company, Group, Kind, Person, Record, State, mailbox};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// Somebody tickets name by their address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mention {
    pub name: Option<String>,
    /// Asked, or is in copy.
    asks: bool,
    /// Wrote what everyone may read.
    writes: bool,
    /// Answers for a ticket, or wrote what only agents may read.
    works: bool,
}

impl Mention {
    /// Whether somebody is made of it: not of those who seem to work there, unless they asked for something.
    fn is_customer(&self) -> bool {
        self.asks || (self.writes && !self.works)
    }
}

/// A name, as it was written first.
struct Word {
    text: String,
    /// Answers for a ticket, or wrote what only agents may read.
    works: bool,
}

/// How somebody is named.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Asks,
    Writes,
    Works,
}

/// What is taken in while the tables are read, people first.
#[derive(Default)]
pub struct Register {
    /// A reference is an id or an address, and never a name.
    by_id: bool,
    /// Ids, by what they are of.
    ids: BTreeMap<Of, Marks>,
    addresses: Marks,
    /// By address.
    mentions: BTreeMap<String, Mention>,
    /// What is neither an address nor an id, by its key.
    words: BTreeMap<(Of, String), Word>,
    /// The id behind a name; none where several rows have it.
    by_name: HashMap<(Of, String), Option<String>>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Named {
    /// By address: contacts to be made.
    pub people: Vec<(String, Option<String>)>,
    pub groups: Vec<String>,
    pub companies: Vec<String>,
    /// The id behind a name.
    names: HashMap<(Of, String), String>,
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

impl Register {
    /// For tables that name people and groups by their ids alone.
    pub fn of_ids() -> Register {
        Register { by_id: true, ..Register::default() }
    }

    /// Takes in a person, a group or a company.
    pub fn add(&mut self, of: Of, id: &str, row: &Map<String, Value>) {
        self.ids.entry(of).or_default().push(id, Spot::default());
        for address in row.get("emails").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            self.addresses.push(&crate::record::address_key(address), Spot::default());
        }
    }

    /// All people, groups and companies are taken in.
    pub fn sort(&mut self) {
        self.ids.values_mut().for_each(Marks::sort);
        self.addresses.sort();
    }

    /// Takes in whom a row of a ticket, a message or a person names.
    pub fn mention(&mut self, table: &str, row: &Map<String, Value>) {
        let private = row.get("visibility").and_then(Value::as_str) == Some("private");
        for (field, of, text) in references(table, row) {
            let role = match field {
                "assignee" => Role::Works,
                "author" if private => Role::Works,
                "author" | "submitter" => Role::Writes,
                _ => Role::Asks,
            };
            self.one(of, text, role);
        }
        for (field, role) in [(fields::MESSAGES, Role::Writes), (fields::NOTES, Role::Works)] {
            for message in row.get(field).and_then(Value::as_array).into_iter().flatten() {
                let role = if message["visibility"] == "private" { Role::Works } else { role };
                if let Some(author) = message["author"].as_str() {
                    self.one(Of::Person, author, role);
                }
            }
        }
    }

    /// The people of a ticket as it is in JSONL, where a reference is an id or an address.
    pub fn mention_record(&mut self, record: &Record) {
        let Body::Ticket(ticket) = &record.body else { return };
        let asks = ticket.requester.iter().chain(&ticket.requesters).chain(&ticket.ccs).chain(&ticket.followers);
        asks.for_each(|who| self.address(who, Role::Asks));
        ticket.submitter.iter().for_each(|who| self.address(who, Role::Writes));
        ticket.assignee.iter().for_each(|who| self.address(who, Role::Works));
        for comment in &ticket.comments {
            let private = comment.visibility == crate::record::Visibility::Private;
            let role = if private { Role::Works } else { Role::Writes };
            comment.author.iter().for_each(|who| self.address(who, role));
        }
    }

    fn one(&mut self, of: Of, text: &str, role: Role) {
        if of == Of::Person && text.contains('@') {
            return self.address(text, role);
        }
        if !self.by_id && !self.ids.get(&of).is_some_and(|ids| ids.has(text)) {
            let word = self.words.entry((of, label::key(text)));
            word.or_insert_with(|| Word { text: text.to_owned(), works: false }).works |= role == Role::Works;
        }
    }

    fn address(&mut self, text: &str, role: Role) {
        let Some(mailbox) = mailbox::read(text) else { return };
        let key = mailbox.address.to_lowercase();
        let is_id = |text: &str| self.ids.get(&Of::Person).is_some_and(|ids| ids.has(text));
        if self.addresses.has(&key) || is_id(text) || is_id(&key) {
            return;
        }
        let mention = self.mentions.entry(key).or_default();
        if mention.name.is_none() {
            mention.name = mailbox.name;
        }
        match role {
            Role::Asks => mention.asks = true,
            Role::Writes => mention.writes = true,
            Role::Works => mention.works = true,
        }
    }

    /// Whether a name may be somebody's: then the tables of people, groups and companies are looked through for it.
    pub fn asks_for_names(&self) -> bool {
        !self.words.is_empty()
    }

    /// Looks whether somebody of this row is meant.
    pub fn look_at(&mut self, of: Of, kind: Kind, row: &Map<String, Value>) {
        let Some(known) = rows::known(kind, row) else { return };
        for field in ["name", "login"] {
            let Some(name) = row.get(field).and_then(Value::as_str) else { continue };
            let key = (of, label::key(name));
            if !self.words.contains_key(&key) {
                continue;
            }
            let found = self.by_name.entry(key).or_insert_with(|| Some(known.id.clone()));
            if found.as_ref() != Some(&known.id) {
                *found = None;
            }
        }
    }

    /// The address behind each name that stands beside one address alone.
    fn addresses_by_name(&self) -> HashMap<String, Option<String>> {
        let mut all = HashMap::new();
        for (address, mention) in &self.mentions {
            let Some(name) = mention.name.as_ref() else { continue };
            let found = all.entry(label::key(name)).or_insert_with(|| Some(address.clone()));
            if found.as_ref() != Some(address) {
                *found = None;
            }
        }
        all
    }

    /// `has`: which tables the folder has. A group or a company without a table is what tickets call it; a person without a row is
    /// the one address that stands beside the name elsewhere, unless staff is called so.
    pub fn named(self, has: impl Fn(Of) -> bool) -> Named {
        let mut named = Named::default();
        let by_address = self.addresses_by_name();
        let customers = self.mentions.into_iter().filter(|(_, mention)| mention.is_customer());
        named.people = customers.map(|(address, mention)| (address, mention.name)).collect();
        for ((of, key), Word { text, works }) in self.words {
            let text = text.trim().to_owned();
            let beside = by_address.get(&key).filter(|_| of == Of::Person && !works);
            match (self.by_name.get(&(of, key.clone())), of) {
                (Some(Some(id)), _) => drop(named.names.insert((of, key), id.clone())),
                (None, Of::Person) if let Some(Some(address)) = beside => {
                    named.names.insert((of, key), address.clone());
                }
                (None, Of::Group | Of::Company) if !has(of) => {
                    named.names.insert((of, key), text.clone());
                    if of == Of::Group { named.groups.push(text) } else { named.companies.push(text) }
                }
                _ => named.unknown.entry(of).or_default().push(text),
            }
        }
        named
    }
}

impl Named {
    /// Puts the ids of people, groups and companies in the place of their names.
    pub fn resolve(&self, table: &str, row: &mut Map<String, Value>) {
        if self.names.is_empty() {
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
                let (address, name) = self.people.get(at)?;
                let person = Person { name: name.clone(), emails: vec![address.clone()], ..Person::default() };
                (address, Body::Contact(person))
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
        Some(Record { id: id.clone(), number, url, created_at, updated_at, state: State::Live, body })
    }
}

/// `to` and `cc` of a message are what its head says, and refer to nobody.
fn is_reference(field: &str) -> bool {
    !matches!(field, "to" | "cc")
}

fn references<'a>(table: &str, row: &'a Map<String, Value>) -> Vec<(&'static str, Of, &'a str)> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(of: Value) -> Map<String, Value> {
        of.as_object().cloned().unwrap()
    }

    fn named(people: &[Value], tickets: &[Value], has_groups: bool) -> Named {
        let mut register = Register::default();
        let people: Vec<_> = people.iter().cloned().map(row).collect();
        let id = |person: &Map<String, Value>| rows::known(Kind::Contact, person).unwrap().id;
        people.iter().for_each(|person| register.add(Of::Person, &id(person), person));
        register.sort();
        tickets.iter().cloned().map(row).for_each(|ticket| register.mention("ticket", &ticket));
        people.iter().for_each(|person| register.look_at(Of::Person, Kind::Contact, person));
        register.named(|of| of == Of::Group && has_groups)
    }

    #[test]
    fn a_customer_named_by_address_alone_is_somebody() {
        let people = [json!({ "name": "Ann", "emails": ["Ann@x.example"] })];
        let tickets = [
            json!({ "id": "1", "requester": "New Person <NEW@x.example>", "assignee": "staff@desk.example", "ccs": ["c@x.example"] }),
            json!({ "id": "2", "requester": "mailto:ann@x.example" }),
        ];
        let named = named(&people, &tickets, false);
        let expected = [("c@x.example".to_owned(), None), ("new@x.example".to_owned(), Some("New Person".to_owned()))];
        assert_eq!(named.people, expected, "an assignee is no customer, and who has a row is known");
    }

    #[test]
    fn a_name_is_the_one_person_who_has_it_and_two_who_have_it_are_nobody() {
        let people = [
            json!({ "id": "7", "name": "Jane Roe" }),
            json!({ "id": "8", "name": "John" }),
            json!({ "id": "9", "name": "john" }),
        ];
        let tickets = [json!({ "id": "1", "requester": "jane  roe", "ccs": ["John", "8"], "group": "Network" })];
        let named = named(&people, &tickets, false);
        let mut ticket = row(tickets[0].clone());
        named.resolve("ticket", &mut ticket);
        assert_eq!((&ticket["requester"], &ticket["ccs"]), (&json!("7"), &json!(["John", "8"])));
        assert_eq!(named.unknown[&Of::Person], ["John"]);
        assert_eq!(named.groups, ["Network"]);
    }

    #[test]
    fn a_name_is_whoever_has_the_one_address_beside_it_and_never_staff() {
        let tickets = [
            json!({ "id": "1", "requester": "Ann Roe <ann@x.example>", "ccs": ["John <a@x.example>", "John <b@x.example>"] }),
            json!({ "id": "2", "requester": "ann roe", "ccs": ["John"], "assignee": "Bob" }),
            json!({ "id": "3", "requester": "Bob <bob@x.example>" }),
            json!({ "id": "4", "requester": "Bob" }),
        ];
        let named = named(&[], &tickets, false);
        let mut ticket = row(tickets[1].clone());
        named.resolve("ticket", &mut ticket);
        assert_eq!((&ticket["requester"], &ticket["ccs"]), (&json!("ann@x.example"), &json!(["John"])));
        assert_eq!(named.unknown[&Of::Person], ["Bob", "John"]);
    }

    #[test]
    fn a_group_that_its_table_lacks_is_told_and_not_made() {
        let named = named(&[], &[json!({ "id": "1", "group": "Network" })], true);
        assert!(named.groups.is_empty());
        assert_eq!(named.unknown[&Of::Group], ["Network"]);
    }
}
