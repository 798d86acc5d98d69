//! Writes a plan as a folder of JSONL, from `docs/files.md` alone, and says what must be found after a move.
//!
//! It fills no desk, so it does not stand beside the seeds: a change here makes no desk anew.

use crate::http::Result;
use crate::seed::expected::{Body, Expected, File, Kind, Message, Person, Ticket};
use crate::seed::plan::{Fate, Plan, QUEUES};
use serde_json::{Value, json};
use std::path::Path;

/// Title and type of every custom field of the plan. Its key is another word, as on most desks.
const FIELDS: [(&str, &str); 16] = [
    ("Order Number", "text"),
    ("Serial Numbers", "multiselect"),
    ("Seats", "number"),
    ("Weight", "decimal"),
    ("Severity", "select"),
    ("Products", "multiselect"),
    ("Details", "longtext"),
    ("Runbook", "longtext"),
    ("Memo", "longtext"),
    ("Purchase Date", "date"),
    ("Callback At", "datetime"),
    ("Region", "select"),
    ("Keywords", "multiselect"),
    ("Channel", "select"),
    ("Host", "text"),
    ("Network", "text"),
];

/// Writes the whole plan and returns what a move of it must yield.
pub fn write(plan: &Plan, folder: &Path) -> Result<Expected> {
    let ids: Vec<i64> = (1..=plan.tickets.len() as i64).collect();
    let expected = plan.expected(&ids);
    let desk = Desk { folder, people: people(plan), plan };
    save(folder, "group", QUEUES.iter().map(|queue| json!({ "id": group(queue), "name": queue })))?;
    let (agents, contacts): (Vec<_>, Vec<_>) = desk.people.iter().enumerate().partition(|(_, person)| is_agent(person));
    for (kind, people) in [("agent", agents), ("contact", contacts)] {
        save(folder, kind, people.into_iter().map(|(n, person)| row(n, person)))?;
    }
    let field = |(title, kind): (&str, &str)| json!({ "id": key(title), "scope": "ticket", "key": key(title), "title": title, "type": kind });
    save(folder, "field", FIELDS.map(field).into_iter())?;

    let mut tickets = vec![];
    for (planned, id) in plan.tickets.iter().zip(ids) {
        let migrated = expected.tickets.iter().find(|ticket| ticket.id == id);
        let mut row = desk.ticket(id, migrated.unwrap_or(&planned.ticket), planned.fate == Fate::Stays)?;
        match &planned.fate {
            Fate::Stays => {}
            Fate::Deleted => row["state"] = json!("deleted"),
            // its messages stand in the other
            Fate::MergedInto(other) => {
                row["state"] = json!("merged");
                row["links"] = json!([{ "type": "merged_into", "to": desk.id_of(other)? }]);
                row["comments"] = json!([]);
            }
        }
        tickets.push(row);
    }
    save(folder, "ticket", tickets.into_iter())?;
    Ok(expected)
}

struct Desk<'a> {
    folder: &'a Path,
    /// A person's id is the place here.
    people: Vec<Person>,
    plan: &'a Plan,
}

impl Desk<'_> {
    fn ticket(&self, id: i64, ticket: &Ticket, with_files: bool) -> Result<Value> {
        let ids = |people: &[Person]| people.iter().map(|person| self.person(person)).collect::<Vec<_>>();
        let mut comments = vec![];
        for (n, message) in ticket.messages.iter().enumerate() {
            comments.push(self.message(id, n, message, with_files)?);
        }
        let mut links = vec![];
        for other in &ticket.refers_to {
            links.push(json!({ "type": "related", "to": self.id_of(other)? }));
        }
        let custom: Vec<Value> = ticket.custom.iter().map(|(title, custom)| value(title, &custom.values)).collect();
        Ok(json!({
            "id": id.to_string(), "number": format!("#{id}"), "subject": ticket.subject, "status": ticket.status,
            "created_at": ticket.created, "updated_at": ticket.messages.last().map(|m| m.created),
            "requester": ids(&ticket.requesters).first(), "requesters": &ids(&ticket.requesters)[1..],
            "ccs": ids(&ticket.ccs), "assignee": ticket.owner.as_ref().map(|owner| self.person(owner)),
            "group": group(&ticket.queue), "custom": custom, "links": links, "comments": comments,
        }))
    }

    fn message(&self, ticket: i64, n: usize, message: &Message, with_files: bool) -> Result<Value> {
        let (format, body) = match &message.body {
            Body::Empty => ("text", ""),
            Body::Text(text) => ("text", text.as_str()),
            Body::Html(html) => ("html", html.as_str()),
        };
        let mut files = vec![];
        for (at, file) in message.files.iter().enumerate().filter(|_| with_files) {
            files.push(self.file(&format!("attachments/{ticket}/{n}-{at}"), file)?);
        }
        let visibility = if message.kind == Kind::Private { "private" } else { "public" };
        Ok(json!({
            "id": format!("{ticket}-{n}"), "author": self.person(&message.author), "visibility": visibility,
            "created_at": message.created, "format": format, "body": body, "attachments": files,
        }))
    }

    fn file(&self, source: &str, file: &File) -> Result<Value> {
        let path = self.folder.join(source);
        let written = std::fs::create_dir_all(path.parent().unwrap_or(self.folder));
        written.and_then(|()| std::fs::write(&path, &file.bytes)).map_err(|e| format!("{source}: {e}"))?;
        let mut row =
            json!({ "id": source, "name": file.name, "mime": file.mime, "source": source, "size": file.size });
        if file.inline {
            row["inline"] = json!(true);
            row["content_id"] = json!(file.content_id);
        }
        Ok(row)
    }

    fn person(&self, person: &Person) -> Option<String> {
        self.people.iter().position(|known| known.login == person.login).map(|n| n.to_string())
    }

    fn id_of(&self, subject: &str) -> Result<String> {
        let at = self.plan.tickets.iter().position(|planned| planned.ticket.subject == *subject);
        at.map(|at| (at + 1).to_string()).ok_or_else(|| format!("no ticket {subject:?} in the plan"))
    }
}

/// Everybody in the plan, once.
fn people(plan: &Plan) -> Vec<Person> {
    let mut all: Vec<Person> = vec![];
    for ticket in plan.tickets.iter().map(|planned| &planned.ticket) {
        let authors = ticket.messages.iter().map(|message| &message.author);
        for person in authors.chain(&ticket.requesters).chain(&ticket.ccs).chain(&ticket.owner) {
            if !all.iter().any(|known| known.login == person.login) {
                all.push(person.clone());
            }
        }
    }
    all
}

fn is_agent(person: &Person) -> bool {
    person.email.as_ref().is_some_and(|email| email.ends_with("@rt.test"))
}

fn row(n: usize, person: &Person) -> Value {
    let mut row = json!({ "id": n.to_string(), "login": person.login, "emails": person.email.as_slice() });
    if let Some(name) = &person.name {
        row["name"] = json!(name);
    }
    row
}

fn group(queue: &str) -> String {
    format!("queue {queue}")
}

fn key(title: &str) -> String {
    format!("cf_{}", title.to_lowercase().replace(' ', "_"))
}

fn value(title: &str, values: &[String]) -> Value {
    let kind = FIELDS.iter().find(|(known, _)| *known == title).map_or("text", |(_, kind)| *kind);
    let value = match kind {
        "multiselect" => json!(values),
        "number" | "decimal" => serde_json::from_str(&values[0]).unwrap_or_default(),
        _ => json!(values[0]),
    };
    json!({ "key": key(title), "value": value })
}

fn save(folder: &Path, kind: &str, rows: impl Iterator<Item = Value>) -> Result<()> {
    let name = format!("{kind}.jsonl");
    let text: String = rows.map(|row| format!("{row}\n")).collect();
    std::fs::write(folder.join(&name), text).map_err(|e| format!("{name}: {e}"))
}
