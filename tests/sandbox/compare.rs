//! Whether a target holds what a source held, by what both sandboxes say is stored in them. Nothing here comes from
//! the engine: neither its reading, nor its conversion, nor its ledger. Of its report only the reasons are taken.

use crate::held::{Copied, File, Held, Message, Person, Spent, Ticket};
use crate::pairs::{Pair, Telling};
use crate::text::{holds_in_order, squeezed_line, without_tags};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How a text calls who is in no list: an id is no name.
const SOMEBODY: &str = "somebody no longer known";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Missing,
    Twice,
    Count,
    Text,
    Visibility,
    Author,
    Date,
    Value,
    Person,
    File,
    Image,
    Address,
    Mail,
    Credential,
    Time,
    Rating,
}

#[derive(Debug)]
pub struct Difference {
    pub what: What,
    pub at: String,
    pub said: String,
}

/// All that is compared.
#[derive(Clone)]
pub struct Found {
    pub pair: Pair,
    pub source: Value,
    pub target: Value,
    /// Only these tickets were asked for; all when empty.
    pub only: BTreeSet<u64>,
    /// Outcome and reason of each ticket, by the report.
    pub outcomes: BTreeMap<u64, (String, String)>,
    /// Of each ticket, by the report.
    pub losses: BTreeMap<u64, String>,
    /// SHA-256 of the files that stayed on this machine.
    pub kept: BTreeSet<String>,
    /// Addresses of the source that nothing may point at.
    pub hosts: Vec<String>,
    pub mails: Vec<Value>,
    /// At both desks.
    pub calls: Vec<Value>,
}

pub fn told(differences: &[Difference]) -> String {
    differences.iter().take(25).fold(String::new(), |mut text, d| {
        let _ = writeln!(text, "{:?} at {}: {}", d.what, d.at, d.said);
        text
    })
}

pub fn differences(found: &Found) -> Vec<Difference> {
    let source = Held::of(found.pair.source, &found.source);
    let target = Held::of(found.pair.target, &found.target);
    let mut all = Comparison { found, source: &source, target: &target, said: Vec::new() };
    all.desks();
    all.people();
    let by_marker = all.by_marker();
    for ticket in &source.tickets {
        if found.only.is_empty() || found.only.contains(&ticket.id) {
            all.ticket(ticket, by_marker.get(&ticket.id).map_or(&[], Vec::as_slice));
        }
    }
    all.marks();
    all.said
}

struct Comparison<'a> {
    found: &'a Found,
    source: &'a Held,
    target: &'a Held,
    said: Vec<Difference>,
}

/// Whether a line names somebody.
fn named(person: &Person, line: &str) -> bool {
    let line = squeezed_line(&line.to_lowercase());
    let is_there = |part: &str| line.contains(&squeezed_line(&part.to_lowercase()));
    is_there(&person.name) && (person.addresses.is_empty() || person.addresses.iter().any(|address| is_there(address)))
}

impl<'a> Comparison<'a> {
    fn say(&mut self, what: What, at: &str, said: impl Into<String>) {
        self.said.push(Difference { what, at: at.to_owned(), said: said.into() });
    }

    /// What is of no single ticket.
    fn desks(&mut self) {
        let found = self.found;
        for mail in &found.mails {
            self.say(What::Mail, "the target", mail.to_string());
        }
        for call in found.calls.iter().filter(|c| c["at"] == "files" && c["credential"] == true) {
            self.say(What::Credential, "the host of files", call.to_string());
        }
        for ticket in &self.target.tickets {
            for body in ticket.messages.iter().map(|message| &message.body) {
                for host in &found.hosts {
                    // A recording lies with whoever migrated the call: the sandbox lends it its host of files.
                    let foreign = format!("{host}/recording/");
                    if body.replace(&foreign, "").contains(host.as_str()) {
                        self.say(What::Address, &format!("target ticket {}", ticket.id), format!("{host} in {body}"));
                    }
                }
            }
        }
    }

    /// Nobody is there twice.
    fn people(&mut self) {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for person in self.target.people.values().filter(|person| person.is_usable) {
            person.addresses.iter().for_each(|address| *seen.entry(address).or_default() += 1);
        }
        // The sandbox of Zendesk begins with such a pair.
        let twins = |address: &str| address.starts_with("twin@");
        let twice: Vec<_> = seen.into_iter().filter(|(address, times)| *times > 1 && !twins(address)).collect();
        for (address, times) in twice {
            self.say(What::Twice, address, format!("{times} people"));
        }
    }

    /// Tickets of the target by the source's ids in their markers.
    fn by_marker(&mut self) -> BTreeMap<u64, Vec<&'a Ticket>> {
        let mut all: BTreeMap<u64, Vec<&Ticket>> = BTreeMap::new();
        for ticket in &self.target.tickets {
            match ticket.was {
                Some(id) => all.entry(id).or_default().push(ticket),
                None => self.say(What::Missing, &format!("target ticket {}", ticket.id), "it has no marker"),
            }
        }
        all
    }

    /// The word each message of the source begins with stands once in the whole target, at most.
    fn marks(&mut self) {
        let messages = |held: &'a Held| held.tickets.iter().flat_map(|ticket| &ticket.messages);
        let known: BTreeSet<&str> = messages(self.source).filter_map(|message| message.mark.as_deref()).collect();
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for body in messages(self.target).map(|message| message.body.replace(['<', '>'], " ")) {
            for mark in body.split_whitespace().filter_map(|word| known.get(word)) {
                *seen.entry(mark).or_default() += 1;
            }
        }
        for (mark, times) in seen.into_iter().filter(|(_, times)| *times > 1) {
            self.say(What::Twice, mark, format!("{times} times"));
        }
    }

    fn ticket(&mut self, source: &Ticket, held: &[&'a Ticket]) {
        let at = format!("ticket {}", source.id);
        let outcome = self.found.outcomes.get(&source.id).cloned().unwrap_or_default();
        let skipped = source.gone.is_some_and(|gone| outcome == ("skipped".into(), gone.reason().into()));
        match held {
            [] if skipped || self.is_refused(source, &outcome) => {}
            [] => self.say(What::Missing, &at, format!("the report says {outcome:?}")),
            [one] => {
                if source.gone.is_some() || outcome.0 != "migrated" {
                    self.say(What::Value, &at, format!("it is there, and the report says {outcome:?}"));
                }
                self.values(&at, source, one);
                self.who(&at, source, one);
                self.messages(&at, source, one);
                self.beside(&at, source, one);
            }
            many => self.say(What::Twice, &at, format!("{} tickets have its marker", many.len())),
        }
    }

    /// Freshdesk takes no ticket of somebody it has blocked or deleted: it failed, and says so.
    fn is_refused(&self, source: &Ticket, outcome: &(String, String)) -> bool {
        let there = self.target.people.iter().find(|(id, _)| self.is_same(source.requester, **id));
        let refuses = self.found.pair.target == "freshdesk" && there.is_some_and(|(_, person)| !person.is_usable);
        refuses && *outcome == ("failed".into(), "invalid".into())
    }

    fn is<T: PartialEq + std::fmt::Debug>(&mut self, at: &str, name: &str, is: T, wanted: T) {
        if is != wanted {
            self.say(What::Value, at, format!("{name} is {is:?}, not {wanted:?}"));
        }
    }

    fn values(&mut self, at: &str, source: &Ticket, target: &Ticket) {
        let pair = self.found.pair;
        // A new ticket that has an assignee is open: so says Zendesk.
        let opened = target.status == "Open" && pair.status(source) == "New" && target.assignee.is_some();
        if !opened {
            self.is(at, "status", target.status.as_str(), &pair.status(source));
        }
        self.is(at, "priority", target.priority.as_str(), &pair.priority(source));
        self.is(at, "type", target.kind.clone(), pair.kind(source));
        let (tags, brought) = (pair.tags(&source.tags), self.brought());
        let is_own = |tag: &String| tags.contains(tag) || !brought.contains(tag.as_str());
        self.is(at, "tags", pair.tags(&target.tags).into_iter().filter(is_own).collect(), tags.clone());
        let (subject, there) = (squeezed_line(&source.subject), squeezed_line(&target.subject));
        let is_cut = target.subject.len() >= 250 && subject.starts_with(&there);
        if subject != there && !is_cut && !(subject.is_empty() && there.contains("nosubject")) {
            self.say(What::Value, at, format!("subject {:?}", target.subject));
        }
        if pair.telling() == Telling::Natively && target.created_at != source.created_at {
            self.say(What::Date, at, format!("made {}, not {}", target.created_at, source.created_at));
        }
        for (from, to) in pair.custom {
            let value = source.custom.get(*from).unwrap_or(&Value::Null);
            let is = target.custom.get(*to).unwrap_or(&Value::Null);
            if !same_value(value, is) {
                self.say(What::Value, at, format!("{to} is {is}, not {value}"));
            }
        }
    }

    /// Who asked, who works on it, who reads along.
    fn who(&mut self, at: &str, source: &Ticket, target: &Ticket) {
        if !self.is_same(source.requester, target.requester) {
            self.say(What::Person, at, format!("requester {} is not {}", target.requester, source.requester));
        }
        let groups: BTreeSet<&str> = self.groups();
        let group = source.group.clone().filter(|name| groups.contains(name.as_str()));
        let agent = source.assignee.and_then(|id| self.counterpart(id)).filter(|id| self.target.people[id].is_agent);
        if self.found.pair.target == "zendesk" {
            self.in_their_group(at, target, group, agent);
        } else {
            self.is(at, "agent", target.assignee, agent);
            self.is(at, "group", target.group.clone(), group);
        }
        let first = target.messages.first().map(|message| without_tags(&message.body)).unwrap_or_default();
        let requester = self.source.people.get(&source.requester);
        for Copied { id, person } in &source.copied {
            let is_there = |there: &Copied| {
                let same = id.zip(there.id).is_some_and(|(own, there)| self.is_same(own, there));
                same || person.addresses.iter().any(|address| there.person.addresses.contains(address))
            };
            if !target.copied.iter().any(is_there) && Some(person) != requester && !named(person, &first) {
                self.say(What::Person, at, format!("{} {:?} is not in copy, nor named", person.name, person.addresses));
            }
        }
    }

    /// Zendesk lets only members of a group have its tickets, gives a ticket without a group that of its assignee, and wants an
    /// assignee of a settled one.
    fn in_their_group(&mut self, at: &str, target: &Ticket, group: Option<String>, agent: Option<u64>) {
        let works_there = |id: u64| group.as_ref().is_none_or(|name| self.target.people[&id].groups.contains(name));
        let is_closed = matches!(target.category, "solved" | "closed");
        match agent.filter(|id| works_there(*id)) {
            Some(agent) => self.is(at, "agent", target.assignee, Some(agent)),
            None if is_closed => {}
            None => self.is(at, "agent", target.assignee, None),
        }
        if group.is_some() || target.assignee.is_none() {
            self.is(at, "group", target.group.clone(), group);
        }
    }

    /// Tags that come with the values of fields, whoever asks for them: so it is in Zendesk.
    fn brought(&self) -> BTreeSet<&'a str> {
        let fields = self.found.target["tables"]["ticket_fields"].as_array().into_iter().flatten();
        let options = |field: &'a Value| field["custom_field_options"].as_array().into_iter().flatten();
        fields
            .flat_map(|f| options(f).map(|option| &option["value"]).chain([&f["tag"]]))
            .filter_map(Value::as_str)
            .collect()
    }

    fn groups(&self) -> BTreeSet<&'a str> {
        let table = if self.found.pair.target == "zendesk" {
            &self.found.target["tables"]["groups"]
        } else {
            &self.found.target["groups"]
        };
        table.as_array().into_iter().flatten().filter_map(|group| group["name"].as_str()).collect()
    }

    /// Whether a person of the target is that of the source.
    fn is_same(&self, source: u64, target: u64) -> bool {
        let Some(there) = self.target.people.get(&target) else { return false };
        let own = self.source.people.get(&source);
        own.is_some_and(|own| own.addresses.iter().any(|address| there.addresses.contains(address)))
            || there.external_id.ends_with(&format!(":contact:{source}"))
    }

    /// The person of the target who can stand for that of the source.
    fn counterpart(&self, source: u64) -> Option<u64> {
        let usable = self.target.people.iter().filter(|(_, person)| person.is_usable).map(|(id, _)| *id);
        usable.into_iter().find(|target| self.is_same(source, *target))
    }

    fn messages(&mut self, at: &str, source: &Ticket, target: &Ticket) {
        let wanted = &source.messages;
        let mut there: &[Message] = &target.messages;
        // What everybody sees first says nothing that was private.
        if wanted.first().is_none_or(|first| !first.is_public) && there.first().is_some_and(|first| first.is_public) {
            let (stub, rest) = there.split_first().map_or((None, there), |(stub, rest)| (Some(stub), rest));
            there = rest;
            let marks = || wanted.iter().filter_map(|message| message.mark.as_ref());
            if stub.is_some_and(|stub| marks().any(|mark| stub.body.contains(mark)) || !stub.files.is_empty()) {
                self.say(What::Visibility, at, "the description shows what was private");
            }
        }
        if there.len() != wanted.len() {
            self.say(What::Count, at, format!("{} messages, not {}", there.len(), wanted.len()));
        }
        let mut together = 0;
        for (n, (own, message)) in wanted.iter().zip(there).enumerate() {
            let at = format!("{at}, message {n}");
            self.message(&at, own, message);
            self.files(&at, source.id, own, message, &mut together);
        }
    }

    /// Time spent and the rating: there once, or a loss.
    fn beside(&mut self, at: &str, source: &Ticket, target: &Ticket) {
        let losses = self.found.losses.get(&source.id).cloned().unwrap_or_default();
        let is_lost = |loss: &str| losses.contains(loss);
        if self.found.pair.target == "zendesk" {
            if !source.spent.is_empty() && !is_lost("time_dropped") && !source.is_archived {
                self.say(What::Time, at, "the time spent on it is nowhere, and the report says nothing");
            }
            if source.rating.is_some() && !is_lost("rating_dropped") && !source.is_archived {
                self.say(What::Rating, at, "its rating is nowhere, and the report says nothing");
            }
            return;
        }
        let mut left: Vec<&Spent> = target.spent.iter().collect();
        for own in &source.spent {
            let agent = self.counterpart(own.agent).filter(|id| self.target.people[id].is_agent);
            let is_it = |there: &&Spent| {
                let said = squeezed_line(&there.note);
                // An agent who left is in no list.
                let named = self.source.people.get(&own.agent).is_some_and(|p| said.contains(&squeezed_line(&p.name)))
                    || said.contains(&squeezed_line(SOMEBODY));
                (there.clock.as_str(), there.at.as_str(), there.billable)
                    == (own.clock.as_str(), own.at.as_str(), own.billable)
                    && said.ends_with(&squeezed_line(&own.note))
                    && agent.map_or(named, |agent| there.agent == agent)
            };
            match left.iter().position(is_it) {
                Some(place) => drop(left.remove(place)),
                None if source.is_archived => {}
                None => self.say(What::Time, at, format!("{} of {} is not there", own.clock, own.agent)),
            }
        }
        if !left.is_empty() {
            self.say(What::Time, at, format!("{} entries too many", left.len()));
        }
        match (&source.rating, &target.rating) {
            (Some(own), Some(there)) => {
                let words = squeezed_line(&own.1);
                let is_said =
                    there.1 == own.1 || target.messages.iter().any(|m| squeezed_line(&m.body).contains(&words));
                if own.0 != there.0 || !is_said {
                    self.say(What::Rating, at, format!("{there:?}, not {own:?}"));
                }
            }
            (None, None) => {}
            (Some(_), None) if source.is_archived => {}
            (own, there) => self.say(What::Rating, at, format!("{there:?}, not {own:?}")),
        }
    }

    fn message(&mut self, at: &str, own: &Message, message: &Message) {
        let plain = without_tags(&message.body);
        let words = [own.above.as_slice(), &[without_tags(&own.words)]].concat();
        if let Err(phrase) = holds_in_order(&plain, &words) {
            self.say(What::Text, at, format!("no {phrase:?} in {plain:?}"));
        }
        if message.is_public != own.is_public {
            self.say(What::Visibility, at, format!("public is {}", message.is_public));
        }
        let header = plain.lines().next().unwrap_or_default();
        // An agent who left is in no list of Freshdesk: all it tells of them is their id, which is no name.
        let is_unlisted =
            |person: &Person| self.found.pair.source == "freshdesk" && person.is_agent && !person.is_usable;
        let is_named = self
            .source
            .people
            .get(&own.author)
            .is_some_and(|person| named(person, header) || (is_unlisted(person) && header.contains(SOMEBODY)));
        let is_theirs = self.is_same(own.author, message.author);
        // Nobody the desk knows: the words name them.
        let is_named = is_named || own.author == 0;
        let is_told = match self.found.pair.telling() {
            // Whoever can write there, does.
            Telling::Natively => is_theirs || (self.counterpart(own.author).is_none() && is_named),
            Telling::InALine => is_theirs || is_named,
        };
        if !is_told {
            self.say(What::Author, at, format!("{} and {header:?} for {}", message.author, own.author));
        }
        let date = own.at.parse::<Timestamp>().map(|t| t.strftime("on %Y-%m-%d %H:%M:%S UTC").to_string());
        let in_a_line = header.starts_with("Originally") && date.is_ok_and(|date| header.contains(&date));
        if !(in_a_line || (self.found.pair.telling() == Telling::Natively && message.at == own.at)) {
            self.say(What::Date, at, format!("{} and {header:?}, not {}", message.at, own.at));
        }
        self.images(at, own, message);
    }

    /// Each file on its message; what the target does not take is on this machine and named; what the source withheld is a loss.
    /// `together`: bytes of the files of the ticket so far.
    fn files(&mut self, at: &str, ticket: u64, own: &Message, message: &Message, together: &mut u64) {
        let mut there: Vec<&str> = message.files.iter().map(|file| file.sha256.as_str()).collect();
        for File { name, sha256, size, is_there, .. } in &own.files {
            if !is_there {
                if !self.found.losses.get(&ticket).is_some_and(|losses| losses.contains("file")) {
                    self.say(What::File, at, format!("{name} was withheld, and the report says nothing"));
                }
            } else if !self.found.pair.takes(*size, *together) {
                if !self.found.kept.contains(sha256) || !message.body.contains(sha256.as_str()) {
                    self.say(What::File, at, format!("{name} is neither kept nor named"));
                }
            } else if let Some(place) = there.iter().position(|own| own == sha256) {
                there.remove(place);
                *together += size;
            } else {
                self.say(What::File, at, format!("{name} of {size} bytes is not there"));
            }
        }
        if !there.is_empty() {
            self.say(What::File, at, format!("{} files too many", there.len()));
        }
    }

    /// Where the target shows images within a body, it shows those that were shown.
    fn images(&mut self, at: &str, own: &Message, message: &Message) {
        if self.found.pair.target != "zendesk" {
            return;
        }
        let shown = |files: &[File]| -> BTreeSet<String> {
            files.iter().filter(|file| file.is_inline && file.is_there).map(|file| file.sha256.clone()).collect()
        };
        let addresses = message.body.matches("<img src=\"zendesk:/attachments/token/").count();
        if shown(&own.files) != shown(&message.files) || addresses < shown(&own.files).len() {
            self.say(
                What::Image,
                at,
                format!("{} images are shown, by {addresses} addresses", shown(&message.files).len()),
            );
        }
    }
}

/// Numbers may be texts, and nothing is an unticked box.
fn same_value(own: &Value, there: &Value) -> bool {
    match (own, there) {
        (Value::String(own), Value::Number(n)) | (Value::Number(n), Value::String(own)) => {
            own.parse() == Ok(n.as_f64().unwrap_or(f64::NAN))
        }
        (Value::String(own), Value::String(there)) => {
            own.replace("\r\n", "\n") == there.replace("\r\n", "\n")
                || own.parse::<f64>().is_ok_and(|own| there.parse() == Ok(own))
        }
        (Value::Null, Value::Bool(false)) | (Value::Bool(false), Value::Null) => true,
        (own, there) => own == there,
    }
}
