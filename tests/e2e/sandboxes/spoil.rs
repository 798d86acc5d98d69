//! What a look-alike holds, spoiled in memory in ways that only a reading of it could miss.

use super::Platform;
use crate::compare::What;
use crate::http::sha256;
use serde_json::{Value, json};

/// Spoils the state; the last is the address of the source.
type Spoil = fn(Platform, &mut Value, &str);

/// What must be noticed, and how it comes about.
pub const WAYS: [(What, Spoil); 7] = [
    (What::MessageCount, |desk, state, _| drop(notes(desk, state).remove(1))),
    (What::Leak, |desk, state, _| {
        let (flag, private) = if desk == Platform::Zendesk { ("public", false) } else { ("private", true) };
        let is_private = |note: &Value| note[flag] == private;
        note(desk, state, is_private)[flag] = json!(!private);
    }),
    (What::File, |desk, state, _| {
        let has_one = |note: &Value| note["files"][0]["size"].as_u64() > Some(1);
        note(desk, state, has_one)["files"][0]["sha256"] = json!(sha256(b"another"));
    }),
    (What::Address, |desk, state, source| {
        let body = body(desk, state);
        *body = json!(format!("{} {source}/x", body.as_str().unwrap_or_default()));
    }),
    (What::Value, |desk, state, _| match desk {
        Platform::Freshdesk => state["tickets"][3]["custom_fields"]["cf_seats"] = json!(1001),
        Platform::Zendesk => {
            let fields = state["tables"]["ticket_fields"].as_array().into_iter().flatten();
            let seats = fields.into_iter().find(|field| field["title"] == "Seats").expect("it was made")["id"].clone();
            let held = state["tickets"][3]["custom_fields"].as_array_mut().expect("a list");
            held.retain(|field| field["id"] != seats);
            held.push(json!({ "id": seats, "value": "1001" }));
        }
    }),
    (What::Value, |desk, state, _| match desk {
        Platform::Freshdesk => state["tickets"][3]["status"] = json!(6),
        Platform::Zendesk => {
            let own = &mut state["tickets"][3];
            own["status"] = json!(if own["status"] == "closed" { "open" } else { "closed" });
        }
    }),
    // when it was written: the message knows, or the first line of its body
    (What::Message, |desk, state, _| match desk {
        Platform::Freshdesk => {
            let body = body(desk, state);
            *body = json!(body.as_str().unwrap_or_default().replace("Originally", ""));
        }
        Platform::Zendesk => notes(desk, state)[1]["created_at"] = json!("2001-02-03T04:05:06Z"),
    }),
];

fn names(desk: Platform) -> [&'static str; 2] {
    if desk == Platform::Zendesk { ["comments", "html_body"] } else { ["conversations", "body"] }
}

fn all_notes(desk: Platform, state: &mut Value) -> impl Iterator<Item = &mut Vec<Value>> {
    let tickets = state["tickets"].as_array_mut().into_iter().flatten();
    tickets.filter_map(move |ticket| ticket[names(desk)[0]].as_array_mut())
}

fn notes(desk: Platform, state: &mut Value) -> &mut Vec<Value> {
    all_notes(desk, state).find(|notes| notes.len() > 2).expect("a ticket has several")
}

fn note(desk: Platform, state: &mut Value, wanted: impl Fn(&Value) -> bool) -> &mut Value {
    all_notes(desk, state).flatten().find(|note| wanted(note)).expect("there is one")
}

fn body(desk: Platform, state: &mut Value) -> &mut Value {
    &mut notes(desk, state)[1][names(desk)[1]]
}
