//! Whom the rows of a folder name, taken in while its tables are read, people first; in the end, who of them is known by a row, who is
//! made, and who is nobody ([`Named`]).

use super::cells::Spot;
use super::exchange;
use super::fields::{self, Of};
use super::marks::Marks;
use super::named::{Made, Named, references};
use super::rows;
use super::several;
use crate::mapping::label;
use crate::record::{Body, Kind, Record, mailbox};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

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
    /// Of the tickets they asked for.
    companies: BTreeSet<String>,
}

impl Mention {
    /// Whether somebody is made of it: not of those who seem to work there, unless they asked for something.
    fn is_customer(&self) -> bool {
        self.asks || (self.writes && !self.works)
    }

    fn made(mut self, address: String) -> Made {
        let company = if self.companies.len() == 1 { self.companies.pop_first() } else { None };
        Made { address, name: self.name, company }
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
    /// As `Asks`, in a cell that may hold several.
    Listed,
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
    /// What may be one name or several.
    cells: BTreeSet<(Of, String)>,
    /// The keys of all names in them.
    asked: HashSet<(Of, String)>,
    /// Names in cells of one that may be several.
    ones: BTreeSet<(Of, String)>,
    /// What is meant as an address, and is none.
    broken: BTreeSet<String>,
    /// The id behind a name; none where several rows have it.
    by_name: HashMap<(Of, String), Option<String>>,
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

    /// Takes in whom a row of a ticket, a message or a person names. Gives fields and what in them is an address that none has.
    pub fn mention(&mut self, table: &str, row: &Map<String, Value>) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        let private = row.get("visibility").and_then(Value::as_str) == Some("private");
        for (field, of, text) in references(table, row) {
            let role = match field {
                "assignee" => Role::Works,
                "author" if private => Role::Works,
                "author" | "submitter" => Role::Writes,
                "requesters" | "ccs" | "followers" | "companies" | "groups" => Role::Listed,
                _ => Role::Asks,
            };
            if role != Role::Listed && self.may_be_several(of, text) {
                self.asked.insert((of, label::key(text)));
                self.ones.insert((of, text.to_owned()));
            } else if !self.one(of, text, role) {
                broken.push((field, text.to_owned()));
            }
        }
        let company = row.get("company").and_then(Value::as_str).filter(|name| !self.may_be_several(Of::Company, name));
        if let (Some(requester), Some(company)) = (row.get("requester"), company) {
            let asks = requester.as_str().and_then(mailbox::read).map(|mailbox| mailbox.address.to_lowercase());
            if let Some(mention) = asks.and_then(|address| self.mentions.get_mut(&address)) {
                mention.companies.insert(company.to_owned());
            }
        }
        for (field, role) in [(fields::MESSAGES, Role::Writes), (fields::NOTES, Role::Works)] {
            for message in row.get(field).and_then(Value::as_array).into_iter().flatten() {
                let role = if message["visibility"] == "private" { Role::Works } else { role };
                if let Some(author) = message["author"].as_str().filter(|author| !self.one(Of::Person, author, role)) {
                    broken.push((field, author.to_owned()));
                }
            }
        }
        broken
    }

    /// Whether a text in a cell of one may name several, or nobody that a name alone tells. Who it is, is seen when all rows are known.
    fn may_be_several(&self, of: Of, text: &str) -> bool {
        let is_id = self.by_id || self.ids.get(&of).is_some_and(|ids| ids.has(text));
        !is_id && several::are(of, text)
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

    /// False for what is meant as an address, and is none.
    fn one(&mut self, of: Of, text: &str, role: Role) -> bool {
        let is_id = self.by_id || self.ids.get(&of).is_some_and(|ids| ids.has(text));
        if of == Of::Person && mailbox::read(text).is_some() {
            self.address(text, role);
        } else if of == Of::Person && !is_id && exchange::name(text).is_none() && mailbox::is_attempt(text) {
            self.broken.insert(text.to_owned());
            return false;
        } else if !is_id && !self.by_id && several::may_be(of, text) && role == Role::Listed {
            self.asked.extend(several::candidates(of, text).into_iter().map(|name| (of, label::key(&name))));
            self.cells.insert((of, text.to_owned()));
        } else if !is_id {
            if let Some(name) = exchange::name(text).filter(|_| of == Of::Person) {
                self.asked.insert((of, label::key(name)));
            }
            let word = self.words.entry((of, label::key(text)));
            word.or_insert_with(|| Word { text: text.to_owned(), works: false }).works |= role == Role::Works;
        }
        true
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
            Role::Asks | Role::Listed => mention.asks = true,
            Role::Writes => mention.writes = true,
            Role::Works => mention.works = true,
        }
    }

    /// Whether a name may be somebody's: then the tables of people, groups and companies are looked through for it.
    pub fn asks_for_names(&self) -> bool {
        !self.words.is_empty() || !self.cells.is_empty() || !self.ones.is_empty()
    }

    /// Looks whether somebody of this row is meant.
    pub fn look_at(&mut self, of: Of, kind: Kind, row: &Map<String, Value>) {
        let Some(known) = rows::known(kind, row) else { return };
        for field in ["name", "login"] {
            let Some(name) = row.get(field).and_then(Value::as_str) else { continue };
            let key = (of, label::key(name));
            if !self.words.contains_key(&key) && !self.asked.contains(&key) {
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

    /// Reads the cells that may be several, now that all names are known, and takes in whom they name.
    fn several(&mut self, by_address: &HashMap<String, Option<String>>) -> Named {
        let mut named = Named::default();
        let known = |of: Of, name: &str| {
            let key = (of, label::key(name));
            self.ids.get(&of).is_some_and(|ids| ids.has(name))
                || self.by_name.contains_key(&key)
                || (of == Of::Person && by_address.contains_key(&key.1))
                || (of != Of::Person && self.words.contains_key(&key))
        };
        for (of, text) in std::mem::take(&mut self.cells) {
            match several::read(of, &text, &|name| known(of, name)) {
                several::Says::These(all) => drop(named.lists.insert((of, text), all)),
                several::Says::Unclear => drop(named.unclear.insert((of, text))),
            }
        }
        for (of, text) in std::mem::take(&mut self.ones) {
            match self.by_name.contains_key(&(of, label::key(&text))) {
                true => drop(self.one(of, &text, Role::Asks)),
                false => drop(named.unclear.insert((of, text))),
            }
        }
        for ((of, _), names) in &named.lists {
            for name in names {
                // A name without an address cannot be a broken one.
                let _ = self.one(*of, name, Role::Asks);
            }
        }
        named
    }

    /// `has`: which tables the folder has. A group or a company without a table is what tickets call it; a person without a row is
    /// the one address that stands beside the name elsewhere, unless staff is called so.
    pub fn named(mut self, has: impl Fn(Of) -> bool) -> Named {
        let by_address = self.addresses_by_name();
        let mut named = self.several(&by_address);
        named.broken = std::mem::take(&mut self.broken);
        let customers = self.mentions.into_iter().filter(|(_, mention)| mention.is_customer());
        named.people = customers.map(|(address, mention)| mention.made(address)).collect();
        for ((of, key), Word { text, works }) in self.words {
            let text = text.trim().to_owned();
            let beside = by_address.get(&key).filter(|_| of == Of::Person && !works);
            if let Some(name) = exchange::name(&text).filter(|_| of == Of::Person) {
                let name = label::key(name);
                let beside = by_address.get(&name).filter(|_| !works);
                match self.by_name.get(&(of, name)).or(beside) {
                    Some(Some(id)) => drop(named.names.insert((of, key), id.clone())),
                    _ => drop(named.unclear.insert((of, text))),
                }
                continue;
            }
            match (self.by_name.get(&(of, key.clone())), of) {
                (Some(Some(id)), _) => drop(named.names.insert((of, key), id.clone())),
                (Some(None), _) => named.shared.entry(of).or_default().push(text),
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
        tickets.iter().cloned().map(row).for_each(|ticket| drop(register.mention("ticket", &ticket)));
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
        let made = |address: &str, name: Option<&str>| Made {
            address: address.to_owned(),
            name: name.map(str::to_owned),
            company: None,
        };
        let expected = [made("c@x.example", None), made("new@x.example", Some("New Person"))];
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
        assert_eq!((&named.shared[&Of::Person], named.unknown.len()), (&vec!["John".to_owned()], 0));
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
    fn what_is_meant_as_an_address_and_is_none_is_told_and_a_name_with_an_at_is_a_name() {
        let people = [json!({ "id": "odd id@x y", "name": "Odd" })];
        let ticket = json!({ "id": "1", "requester": "jane roe@x.example", "ccs": ["odd id@x y", "Help @ ACME", "a@b.example"] });
        let named = named(&people, std::slice::from_ref(&ticket), false);
        assert_eq!(named.broken_in("ticket", &row(ticket)), [("requester", "jane roe@x.example".to_owned())]);
        assert_eq!(named.unknown[&Of::Person], ["Help @ ACME"]);
    }

    #[test]
    fn who_is_made_belongs_to_the_one_company_of_their_tickets() {
        let tickets = [
            json!({ "id": "1", "requester": "ann@x.example", "company": "ACME" }),
            json!({ "id": "2", "requester": "Ann <ANN@x.example>", "company": "ACME", "ccs": ["cat@x.example"] }),
            json!({ "id": "3", "requester": "ben@x.example", "company": "ACME" }),
            json!({ "id": "4", "requester": "ben@x.example", "company": "Globex" }),
        ];
        let named = named(&[], &tickets, false);
        let companies: Vec<_> = named.people.iter().map(|made| made.company.as_deref()).collect();
        assert_eq!(companies, [Some("ACME"), None, None]);
    }

    #[test]
    fn several_names_in_a_cell_of_one_are_nobody() {
        let people = [json!({ "id": "7", "name": "Roe; Ann" })];
        let ticket = json!({
            "id": "1", "group": "Support;Billing", "company": "ACME|Globex", "assignee": "Bob; Ann", "requester": "Roe; Ann",
        });
        let named = named(&people, std::slice::from_ref(&ticket), false);
        assert_eq!((&named.groups, &named.companies), (&vec![], &vec![]));
        let fields: Vec<_> =
            named.unclear_in("ticket", &row(ticket.clone())).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["assignee", "group", "company"]);
        let mut ticket = row(ticket);
        named.resolve("ticket", &mut ticket);
        assert_eq!(ticket["requester"], "7", "a name that a row has is one");
    }

    #[test]
    fn an_address_within_exchange_is_whoever_has_the_name_beside_it_else_nobody() {
        let tickets = [
            json!({ "id": "1", "requester": "Ann Roe /O=EXCH/OU=A/CN=RECIPIENTS/CN=ANN" }),
            json!({ "id": "2", "requester": "Ann Roe <ann@x.example>", "ccs": ["Ben </o=exch/ou=a/cn=ben>"] }),
            json!({ "id": "3", "requester": "EX:/O=EXCH/CN=CAT" }),
        ];
        let named = named(&[], &tickets, false);
        let mut ticket = row(tickets[0].clone());
        named.resolve("ticket", &mut ticket);
        assert_eq!(ticket["requester"], "ann@x.example");
        let wrong = |at: usize| named.unclear_in("ticket", &row(tickets[at].clone())).len();
        assert_eq!((wrong(0), wrong(1), wrong(2)), (0, 1, 1));
        assert!(named.unknown.is_empty(), "{:?}", named.unknown);
    }

    #[test]
    fn a_group_that_its_table_lacks_is_told_and_not_made() {
        let named = named(&[], &[json!({ "id": "1", "group": "Network" })], true);
        assert!(named.groups.is_empty());
        assert_eq!(named.unknown[&Of::Group], ["Network"]);
    }
}
