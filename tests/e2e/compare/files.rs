//! Reads a folder of JSONL whole, as `docs/files.md` describes it.
//!
//! Bodies in HTML are given without their tags, and a picture as the name of the file it shows: what is compared are
//! words, first lines, and that a picture can be found.

use super::target::{File, Issue, Message, Target};
use super::text::without_tags;
use super::{Difference, What};
use crate::http::{Result, sha256};
use crate::seed::expected::{Expected, Person};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// A folder, as it lies there and as any other desk.
pub struct Folder {
    pub target: Target,
    tickets: Vec<Value>,
    people: HashMap<String, Value>,
}

/// `records` holds the JSONL, `folder` the bytes of files.
pub fn read(records: &Path, folder: &Path) -> Result<Folder> {
    let people = [lines(records, "agent")?, lines(records, "contact")?].concat();
    let people: HashMap<String, Value> = people.into_iter().map(|person| (text(&person["id"]), person)).collect();
    let groups: HashMap<String, String> =
        lines(records, "group")?.iter().map(|group| (text(&group["id"]), text(&group["name"]))).collect();
    let titles: HashMap<String, String> =
        lines(records, "field")?.iter().map(|field| (text(&field["key"]), text(&field["title"]))).collect();
    let mut tickets = lines(records, "ticket")?;
    // a merged one is there too, and says that another stands for it
    tickets.retain(|ticket| ticket["state"] == "live");
    let address = |id: &Value| people.get(&text(id)).map(|person| text(&person["emails"][0])).unwrap_or_default();
    let called = |id: &Value| match address(id) {
        none if none.is_empty() => people.get(&text(id)).map(|person| text(&person["name"])).unwrap_or_default(),
        address => address,
    };
    let mut issues = vec![];
    for ticket in &tickets {
        let mut messages = vec![];
        for comment in list(&ticket["comments"]) {
            messages.push(message(comment, folder, address(&comment["author"]))?);
        }
        let requesters: Vec<_> = std::iter::once(&ticket["requester"]).chain(list(&ticket["requesters"])).collect();
        let copies = list(&ticket["ccs"]).chain(list(&ticket["followers"]));
        let id = text(&ticket["id"]);
        issues.push(Issue {
            id: id.parse().map_err(|_| format!("ticket {id}?"))?,
            subject: text(&ticket["subject"]),
            project: groups.get(&text(&ticket["group"])).cloned().unwrap_or_default(),
            status: text(&ticket["status"]),
            created: text(&ticket["created_at"]).parse().ok(),
            watchers: requesters.iter().copied().chain(copies).map(called).collect(),
            requesters: requesters.into_iter().map(called).collect(),
            assignee: ticket["assignee"].is_string().then(|| address(&ticket["assignee"])),
            custom: custom(&ticket["custom"], &titles),
            relations: related(&id, &tickets),
            messages,
            stray: vec![],
        });
    }
    let files = super::kept(&folder.join("attachments"))?.into_iter().collect();
    Ok(Folder { target: Target { issues, files }, tickets, people })
}

impl Folder {
    /// Every date and author that is not exactly the source's. A file keeps what any desk has.
    pub fn differences(&self, expected: &Expected) -> Vec<Difference> {
        let mut all = vec![];
        for ticket in &expected.tickets {
            let mut differs = |what, said: String| all.push(Difference { what, at: ticket.subject.clone(), said });
            let Some(row) = self.tickets.iter().find(|row| row["subject"] == ticket.subject.as_str()) else { continue };
            if date(row) != Some(ticket.created) {
                differs(What::Value, format!("made at {}, expected {}", row["created_at"], ticket.created));
            }
            for (n, (want, got)) in ticket.messages.iter().zip(list(&row["comments"])).enumerate() {
                if date(got) != Some(want.created) {
                    differs(What::Message, format!("message {n} of {}, expected {}", got["created_at"], want.created));
                }
                let author = self.people.get(&text(&got["author"]));
                if !author.is_some_and(|author| is(author, &want.author)) {
                    differs(What::Person, format!("message {n} is by {author:?}, expected {:?}", want.author));
                }
            }
        }
        all
    }
}

fn is(person: &Value, want: &Person) -> bool {
    let address = person["emails"][0].as_str();
    let named = person["name"].as_str().is_some_and(|name| want.names().contains(&name));
    address == want.email.as_deref() && (named || want.name.is_none())
}

fn message(comment: &Value, folder: &Path, author: String) -> Result<Message> {
    let mut body = text(&comment["body"]);
    let mut files = vec![];
    for file in list(&comment["attachments"]) {
        let (name, source) = (text(&file["name"]), text(&file["source"]));
        let bytes = std::fs::read(folder.join(&source)).map_err(|e| format!("{source}: {e}"))?;
        if let Some(cid) = file["content_id"].as_str() {
            body = body.replace(&format!("cid:{cid}"), &format!(">{name}<"));
        }
        files.push(File { name, sha256: sha256(&bytes), size: bytes.len() as u64 });
    }
    if comment["format"] == "html" {
        // no block ends without an end tag
        body = without_tags(&body.replace("</", "\n</").replace("<br", "\n<br"));
    }
    Ok(Message { author, private: comment["visibility"] == "private", body, created: None, files })
}

fn custom(values: &Value, titles: &HashMap<String, String>) -> BTreeMap<String, Vec<String>> {
    let each = |value: &Value| match value {
        Value::Array(many) => many.iter().map(text).collect(),
        one => vec![text(one)],
    };
    // what has no value stands in no record
    let mut all: BTreeMap<String, Vec<String>> = titles.values().map(|title| (title.clone(), vec![])).collect();
    for value in list(values) {
        let key = text(&value["key"]);
        let title = titles.get(&key).cloned().unwrap_or(key);
        all.insert(title, each(&value["value"]).into_iter().filter(|value: &String| !value.is_empty()).collect());
    }
    all
}

/// Numbers of the tickets it is linked with, either way.
fn related(id: &str, tickets: &[Value]) -> Vec<i64> {
    let ends =
        tickets.iter().flat_map(|ticket| list(&ticket["links"]).map(|link| [text(&ticket["id"]), text(&link["to"])]));
    let others = ends.filter(|ends| ends.iter().any(|end| end == id)).flatten().filter(|end| end != id);
    others.filter_map(|end| end.parse().ok()).collect()
}

fn date(row: &Value) -> Option<Timestamp> {
    row["created_at"].as_str()?.parse().ok()
}

fn lines(records: &Path, kind: &str) -> Result<Vec<Value>> {
    let path = records.join(format!("{kind}.jsonl"));
    let whole = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    whole.lines().map(|line| serde_json::from_str(line).map_err(|e| format!("{kind}.jsonl: {e}"))).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, String::from)
}
