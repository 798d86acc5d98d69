//! Reads the look-alike of Freshdesk by what it says is stored in it, without its API.
//!
//! Bodies are given without their tags, a line for each block: what is compared are words and first lines.

use super::json::{id, names, rows, text};
use super::target::{File, Issue, Known, Message, Target};
use super::text::without_tags;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

pub fn read(state: &Value, known: &Known) -> Target {
    let own = |address: &Value| known.own(&text(address).to_lowercase());
    let mut people: HashMap<u64, String> =
        rows(&state["agents"]).iter().map(|agent| (id(&agent["id"]), own(&agent["email"]))).collect();
    for contact in rows(&state["contacts"]) {
        let address = contact["email"].as_str().or(contact["name"].as_str()).unwrap_or_default();
        people.insert(id(&contact["id"]), address.to_owned());
    }
    let of = |person: &Value| people.get(&id(person)).cloned().unwrap_or_default();
    let (statuses, groups) = (names(&state["statuses"], "label"), names(&state["groups"], "name"));
    let mut target = Target { issues: vec![], files: vec![] };
    for ticket in rows(&state["tickets"]) {
        let first = message(&ticket["description"], of(&ticket["requester_id"]), false, &ticket["files"]);
        let notes = rows(&ticket["conversations"]).iter();
        let notes = notes.map(|n| message(&n["body"], of(&n["user_id"]), n["private"] == true, &n["files"]));
        let messages: Vec<Message> = std::iter::once(first).chain(notes).collect();
        target.files.extend(messages.iter().flat_map(|m| &m.files).map(|f| f.sha256.clone()));
        let watchers = rows(&ticket["cc_emails"]).iter().map(own).chain([of(&ticket["requester_id"])]).collect();
        target.issues.push(Issue {
            id: id(&ticket["id"]) as i64,
            subject: text(&ticket["subject"]),
            project: groups.get(&id(&ticket["group_id"])).cloned().unwrap_or_default(),
            status: statuses.get(&id(&ticket["status"])).cloned().unwrap_or_default(),
            created: text(&ticket["created_at"]).parse().ok(),
            requesters: vec![of(&ticket["requester_id"])],
            assignee: ticket["responder_id"].is_u64().then(|| of(&ticket["responder_id"])),
            custom: custom(&state["ticket_fields"], &ticket["custom_fields"], known),
            watchers,
            relations: vec![],
            messages,
            stray: vec![],
        });
    }
    target
}

fn message(body: &Value, author: String, private: bool, files: &Value) -> Message {
    let files = rows(files).iter();
    let files = files.map(|f| File { name: text(&f["name"]), sha256: text(&f["sha256"]), size: id(&f["size"]) });
    // no block ends without an end tag
    let body = without_tags(&text(body).replace("</", "\n</").replace("<br", "\n<br"));
    Message { author, private, body, created: None, files: files.collect() }
}

/// Every field of the desk's own, those without value too.
fn custom(fields: &Value, values: &Value, known: &Known) -> BTreeMap<String, Vec<String>> {
    let own = rows(fields).iter().filter(|field| !text(&field["type"]).starts_with("default_"));
    own.map(|field| {
        let name = text(&field["name"]);
        let is_renamed = known.fields.iter().any(|(there, _)| *there == name);
        let value = Some(text(&values[&name])).filter(|value| !value.is_empty());
        let there = if is_renamed { &name } else { &text(&field["label"]) };
        known.titled(there, value.into_iter().collect())
    })
    .collect()
}
