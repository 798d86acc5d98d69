//! Whether a Freshdesk holds what a Zendesk held, by what both sandboxes say is stored in them. Nothing here comes from
//! the engine: neither its reading, nor its conversion, nor its ledger. Of its report only the reasons are taken.

use crate::text::{holds_in_order, squeezed_line, without_tags};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What Freshdesk takes in one message, and in one ticket's message.
const LARGEST: u64 = 20_000_000;

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
    Address,
    Mail,
    Credential,
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
    let mut all = Comparison { found, people: People::of(found), said: Vec::new() };
    all.desks();
    let by_marker = all.by_marker();
    for ticket in rows(&found.source["tickets"]) {
        let id = ticket["id"].as_u64().unwrap_or_default();
        if found.only.is_empty() || found.only.contains(&id) {
            all.ticket(id, ticket, by_marker.get(&id).map_or(&[], Vec::as_slice));
        }
    }
    all.marks();
    all.said
}

fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn lower(list: &Value) -> BTreeSet<String> {
    rows(list).iter().map(|v| text(v).to_lowercase()).collect()
}

/// Who people are on both sides.
struct People {
    /// Names and addresses of the source's, by id.
    source: BTreeMap<u64, (String, BTreeSet<String>)>,
    /// Addresses, or the marker in place of one, by id.
    target: BTreeMap<u64, String>,
    agents: BTreeMap<String, u64>,
}

impl People {
    fn of(found: &Found) -> Self {
        let mut source: BTreeMap<u64, (String, BTreeSet<String>)> = BTreeMap::new();
        for user in rows(&found.source["users"]) {
            let address = user["email"].as_str().map(str::to_lowercase);
            let name = text(&user["name"]).split_whitespace().collect::<Vec<_>>().join(" ");
            source.insert(user["id"].as_u64().unwrap_or_default(), (name, address.into_iter().collect()));
        }
        for identity in rows(&found.source["identities"]).iter().filter(|i| i["type"] == "email") {
            if let Some((_, addresses)) = identity["user_id"].as_u64().and_then(|id| source.get_mut(&id)) {
                addresses.insert(text(&identity["value"]).to_lowercase());
            }
        }
        let (mut target, mut agents) = (BTreeMap::new(), BTreeMap::new());
        for agent in rows(&found.target["agents"]) {
            let (id, address) = (agent["id"].as_u64().unwrap_or_default(), text(&agent["email"]).to_lowercase());
            if agent["deactivated"] != true {
                agents.insert(address.clone(), id);
            }
            target.insert(id, address);
        }
        for contact in rows(&found.target["contacts"]) {
            let known = contact["email"].as_str().or(contact["unique_external_id"].as_str()).unwrap_or_default();
            target.insert(contact["id"].as_u64().unwrap_or_default(), known.to_lowercase());
        }
        Self { source, target, agents }
    }

    /// Whether a person of the target is that of the source.
    fn same(&self, source: &Value, target: &Value) -> bool {
        let (Some(source), Some(target)) = (source.as_u64(), target.as_u64()) else { return false };
        let Some(known) = self.target.get(&target) else { return false };
        let own = self.source.get(&source).is_some_and(|(_, addresses)| addresses.contains(known));
        own || known.ends_with(&format!(":contact:{source}"))
    }

    /// Whether a line names a person of the source.
    fn named(&self, source: &Value, line: &str) -> bool {
        let Some((name, addresses)) = source.as_u64().and_then(|id| self.source.get(&id)) else { return false };
        let line = squeezed_line(&line.to_lowercase());
        let is_there = |part: &str| line.contains(&squeezed_line(&part.to_lowercase()));
        is_there(name) && (addresses.is_empty() || addresses.iter().any(|address| is_there(address)))
    }
}

struct Comparison<'a> {
    found: &'a Found,
    people: People,
    said: Vec<Difference>,
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
        for ticket in rows(&found.target["tickets"]) {
            let at = format!("target ticket {}", ticket["id"]);
            let bodies = rows(&ticket["conversations"]).iter().map(|c| &c["body"]).chain([&ticket["description"]]);
            for body in bodies.map(text) {
                for host in &found.hosts {
                    // A recording lies with whoever carried the call: the sandbox lends it its host of files.
                    let foreign = format!("{host}/recording/");
                    if body.replace(&foreign, "").contains(host.as_str()) {
                        self.say(What::Address, &at, format!("{host} in {body}"));
                    }
                }
            }
        }
    }

    /// Tickets of the target by the source's ids in their markers.
    fn by_marker(&mut self) -> BTreeMap<u64, Vec<&'a Value>> {
        let mut all: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
        for ticket in rows(&self.found.target["tickets"]) {
            let marker = text(&ticket["custom_fields"]["cf_deskferry"]);
            match marker.rsplit_once(":ticket:").and_then(|(_, id)| id.parse().ok()) {
                Some(id) => all.entry(id).or_default().push(ticket),
                None => self.say(What::Missing, &format!("target ticket {}", ticket["id"]), "it has no marker"),
            }
        }
        all
    }

    /// The word each message begins with stands once in the whole target.
    fn marks(&mut self) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for ticket in rows(&self.found.target["tickets"]) {
            let bodies = rows(&ticket["conversations"]).iter().map(|c| &c["body"]).chain([&ticket["description"]]);
            for body in bodies.map(text) {
                let plain = body.replace(['<', '>'], " ");
                let marks = plain.split_whitespace().filter(|w| w.starts_with("zd") && w.contains('c'));
                for mark in marks.filter(|w| w[2..].starts_with(|c: char| c.is_ascii_digit())) {
                    *seen.entry(mark.to_owned()).or_default() += 1;
                }
            }
        }
        for (mark, times) in seen.into_iter().filter(|(_, times)| *times > 1) {
            self.say(What::Twice, &mark, format!("{times} times"));
        }
    }

    fn ticket(&mut self, id: u64, source: &Value, held: &[&'a Value]) {
        let at = format!("ticket {id}");
        let outcome = self.found.outcomes.get(&id).cloned().unwrap_or_default();
        let deleted = source["deleted"] == true;
        match held {
            [] if deleted && outcome == ("skipped".into(), "deleted".into()) => {}
            [] => self.say(What::Missing, &at, format!("the report says {outcome:?}")),
            [one] => {
                if deleted || outcome.0 != "carried" {
                    self.say(What::Value, &at, format!("it is there, and the report says {outcome:?}"));
                }
                self.values(&at, source, one);
                self.messages(&at, id, source, one);
            }
            many => self.say(What::Twice, &at, format!("{} tickets have its marker", many.len())),
        }
    }

    fn is(&mut self, at: &str, name: &str, is: &Value, wanted: &Value) {
        if is != wanted {
            self.say(What::Value, at, format!("{name} is {is}, not {wanted}"));
        }
    }

    fn values(&mut self, at: &str, source: &Value, target: &Value) {
        let status = match text(&source["status"]) {
            "new" | "open" => 2,
            "pending" => 3,
            "hold" => 8,
            "solved" => 4,
            _ => 5,
        };
        self.is(at, "status", &target["status"], &json!(status));
        let priority = match text(&source["priority"]) {
            "low" => 1,
            "high" => 3,
            "urgent" => 4,
            _ => 2,
        };
        self.is(at, "priority", &target["priority"], &json!(priority));
        let kind = match text(&source["type"]) {
            "question" => json!("Question"),
            "incident" => json!("Incident"),
            "problem" => json!("Problem"),
            _ => Value::Null,
        };
        self.is(at, "type", &target["type"], &kind);
        self.is(at, "tags", &json!(lower(&target["tags"])), &json!(lower(&source["tags"])));
        let subject = squeezed_line(text(&source["subject"]));
        let there = squeezed_line(text(&target["subject"]));
        if there.is_empty()
            || !subject.starts_with(&there)
            || (subject != there && text(&target["subject"]).len() < 250)
        {
            self.say(What::Value, at, format!("subject {:?}", target["subject"]));
        }
        let agent = source["assignee_id"]
            .as_u64()
            .and_then(|id| self.people.source.get(&id))
            .and_then(|(_, own)| own.iter().find_map(|address| self.people.agents.get(address)).copied());
        self.is(at, "agent", &target["responder_id"], &json!(agent));
        let tables = &self.found.source["tables"];
        let group = rows(&tables["groups"]).iter().find(|g| g["id"] == source["group_id"]);
        let there =
            rows(&self.found.target["groups"]).iter().find(|g| group.is_some_and(|own| own["name"] == g["name"]));
        self.is(at, "group", &target["group_id"], &there.map_or(Value::Null, |g| g["id"].clone()));
        if !self.people.same(&source["requester_id"], &target["requester_id"]) {
            let said = format!("{} is not {}", target["requester_id"], source["requester_id"]);
            self.say(What::Person, at, format!("requester {said}"));
        }
        self.custom(at, source, target);
        self.copies(at, source, target);
    }

    /// By the mapping of the tests.
    fn custom(&mut self, at: &str, source: &Value, target: &Value) {
        const FIELDS: [(u64, &str); 6] = [
            (360_000_000_411, "cf_order_number"),
            (360_000_000_412, "cf_steps_to_reproduce"),
            (360_000_000_413, "cf_vip"),
            (360_000_000_414, "cf_purchased_on"),
            (360_000_000_415, "cf_quantity"),
            (360_000_000_416, "cf_amount"),
        ];
        for (id, name) in FIELDS {
            let value =
                rows(&source["custom_fields"]).iter().find(|f| f["id"] == id).map_or(&Value::Null, |f| &f["value"]);
            let is = &target["custom_fields"][name];
            let same = match (value, is) {
                (Value::String(own), Value::Number(n)) => own.parse() == Ok(n.as_f64().unwrap_or(f64::NAN)),
                (Value::String(own), Value::String(there)) => own.replace("\r\n", "\n") == there.replace("\r\n", "\n"),
                (own, there) => own == there,
            };
            if !same {
                self.say(What::Value, at, format!("{name} is {is}, not {value}"));
            }
        }
    }

    /// Everybody in copy is so there, or named in the first message.
    fn copies(&mut self, at: &str, source: &Value, target: &Value) {
        let copied = lower(&target["cc_emails"]);
        for person in rows(&source["email_cc_ids"]) {
            let own = person.as_u64().and_then(|id| self.people.source.get(&id));
            let there = own.is_some_and(|(_, addresses)| addresses.iter().any(|a| copied.contains(a)));
            let is_requester = person == &source["requester_id"];
            if !there && !is_requester && !self.people.named(person, &without_tags(text(&target["description"]))) {
                self.say(What::Person, at, format!("{person} is not in copy, nor named"));
            }
        }
    }

    fn messages(&mut self, at: &str, id: u64, source: &Value, target: &Value) {
        let comments = rows(&source["comments"]);
        let stub = comments.first().is_none_or(|c| c["public"] != true);
        let mut there = vec![Message::first(target)];
        there.extend(rows(&target["conversations"]).iter().map(Message::note));
        if stub {
            let first = there.remove(0);
            let leaked = comments.iter().any(|c| !text(&c["mark"]).is_empty() && first.body.contains(text(&c["mark"])));
            if leaked || !first.files.is_empty() {
                self.say(What::Visibility, at, "the description shows what was private");
            }
        }
        if there.len() != comments.len() {
            self.say(What::Count, at, format!("{} messages, not {}", there.len(), comments.len()));
        }
        for (n, (comment, message)) in comments.iter().zip(&there).enumerate() {
            self.message(&format!("{at}, message {n}"), id, comment, message);
        }
    }

    fn message(&mut self, at: &str, ticket: u64, comment: &Value, message: &Message<'_>) {
        let plain = without_tags(message.body);
        let is_voice = text(&comment["type"]).contains("Voice");
        let wanted = match is_voice {
            true => text(&comment["body"]).to_owned(),
            false => without_tags(text(&comment["html_body"])),
        };
        if let Err(phrase) = holds_in_order(&plain, &[wanted]) {
            self.say(What::Text, at, format!("no {phrase:?} in {plain:?}"));
        }
        if message.private != (comment["public"] != true) {
            self.say(What::Visibility, at, format!("private is {}", message.private));
        }
        let header = plain.lines().next().unwrap_or_default();
        let date = text(&comment["created_at"])
            .parse::<Timestamp>()
            .map(|t| t.strftime("on %Y-%m-%d %H:%M:%S UTC").to_string());
        if !header.starts_with("Originally") || !date.is_ok_and(|date| header.contains(&date)) {
            self.say(What::Date, at, format!("{header:?}, not {}", comment["created_at"]));
        }
        let author = &comment["author_id"];
        if !self.people.same(author, message.author) && !self.people.named(author, header) {
            self.say(What::Author, at, format!("{} and {header:?} for {author}", message.author));
        }
        self.files(at, ticket, comment, message);
    }

    /// Each file on its message; what Freshdesk does not take is on this machine and named; what Zendesk withheld is a loss.
    fn files(&mut self, at: &str, ticket: u64, comment: &Value, message: &Message<'_>) {
        let mut there: Vec<&str> = message.files.iter().map(|f| text(&f["sha256"])).collect();
        let mut together = 0;
        for file in rows(&comment["files"]) {
            let (sha256, size) = (text(&file["sha256"]), file["size"].as_u64().unwrap_or_default());
            if file["downloadable"] != true {
                if !self.found.losses.get(&ticket).is_some_and(|losses| losses.contains("file")) {
                    self.say(What::File, at, format!("{} was withheld, and the report says nothing", file["name"]));
                }
            } else if size == 0 || together + size > LARGEST {
                if !self.found.kept.contains(sha256) || !message.body.contains(sha256) {
                    self.say(What::File, at, format!("{} is neither kept nor named", file["name"]));
                }
            } else if let Some(place) = there.iter().position(|own| *own == sha256) {
                there.remove(place);
                together += size;
            } else {
                self.say(What::File, at, format!("{} of {size} bytes is not there", file["name"]));
            }
        }
        if !there.is_empty() {
            self.say(What::File, at, format!("{} files too many", there.len()));
        }
    }
}

/// A message of the target.
struct Message<'a> {
    body: &'a str,
    private: bool,
    author: &'a Value,
    files: &'a [Value],
}

impl<'a> Message<'a> {
    fn first(ticket: &'a Value) -> Self {
        let body = text(&ticket["description"]);
        Self { body, private: false, author: &ticket["requester_id"], files: rows(&ticket["files"]) }
    }

    fn note(note: &'a Value) -> Self {
        let body = text(&note["body"]);
        Self { body, private: note["private"] == true, author: &note["user_id"], files: rows(&note["files"]) }
    }
}
