//! The comparison compared: what a good move left, spoiled in memory in one way at a time.

use crate::compare::{Found, What, differences, told};
use serde_json::{Value, json};

type Spoiling<'a> = &'a dyn Fn(&mut Found);

/// Fails unless each spoiling of the good `found` is noticed as what it is.
pub fn each_is_noticed(found: &Found) {
    let everywhere: [(What, Spoiling<'_>); 18] = [
        (What::Missing, &|f| drop(tickets(f).remove(3))),
        (What::Twice, &|f| {
            let copy = tickets(f)[3].clone();
            tickets(f).push(copy);
        }),
        (What::Twice, &|f| {
            let copy = people(f)[0].clone();
            people(f).push(copy);
            people(f).last_mut().unwrap()["id"] = json!(7);
        }),
        (What::Count, &|f| drop(noted(f).remove(0))),
        (What::Twice, &|f| {
            // A stub before a private message has no words of its own.
            let (own, (messages, body)) = (marked(f).0, names(f));
            let mut all = tickets(f).iter_mut().filter_map(|t| t[messages].as_array_mut());
            let is_marked = |note: &&Value| note[body].as_str().is_some_and(|body| body.contains(own));
            let (copy, notes) = all.find_map(|notes| Some((notes.iter().find(is_marked)?.clone(), notes))).unwrap();
            notes.push(copy);
        }),
        (What::Text, &|f| noted(f).swap(0, 1)),
        (What::Text, &|f| {
            let (own, other) = marked(f);
            replace(f, |_, body| body.contains(own), own, other);
        }),
        (What::Visibility, &|f| flip(f, true)),
        (What::Visibility, &|f| flip(f, false)),
        (What::Author, &|f| {
            let author = if is_zendesk(f) { "author_id" } else { "user_id" };
            message(f, |_, body| !body.contains("Originally by"))[author] = json!(1);
        }),
        (What::Value, &|f| {
            let (name, other) = if is_zendesk(f) { ("custom_status_id", json!(1)) } else { ("status", json!(7)) };
            unsettled(f)[name] = other;
        }),
        (What::Value, &|f| tickets(f)[3]["subject"] = json!("another")),
        (What::Value, &|f| {
            let (ticket, zendesk) = (3, is_zendesk(f));
            match zendesk {
                true => tickets(f)[ticket]["custom_fields"][0]["value"] = json!("another"),
                false => tickets(f)[ticket]["custom_fields"]["cf_order_number"] = json!("another"),
            }
        }),
        (What::Person, &|f| tickets(f)[3]["requester_id"] = json!(1)),
        (What::File, &|f| message(f, |own, _| own["files"][0].is_object())["files"][0]["sha256"] = json!("0")),
        (What::Address, &|f| {
            let host = f.hosts[0].clone();
            replace(f, |_, _| true, "<", &format!("{host}/attachments/token/x<"));
        }),
        (What::Credential, &|f| {
            let file = f.calls.iter_mut().find(|call| call["at"] == "files" && call["method"] == "GET");
            file.unwrap()["credential"] = json!(true);
        }),
        (What::Mail, &|f| f.mails.push(json!({ "to": "ann@example.com" }))),
    ];
    // Of the desks that tell dates in a line, Freshdesk alone: it has a place for both.
    let in_a_line: [(What, Spoiling<'_>); 3] = [
        (What::Date, &|f| replace(f, |_, body| body.contains("Originally"), "Originally", "Formerly")),
        (What::Rating, &|f| {
            let scale = &mut beside(f, "satisfaction_ratings")[0]["ratings"]["default_question"];
            *scale = json!(-scale.as_i64().unwrap());
        }),
        (What::Rating, &|f| drop(beside(f, "satisfaction_ratings").remove(0))),
    ];
    let timed: [(What, Spoiling<'_>); 2] = [
        (What::Time, &|f| drop(beside(f, "time_entries").remove(0))),
        (What::Time, &|f| {
            let copy = beside(f, "time_entries")[0].clone();
            beside(f, "time_entries").push(copy);
        }),
    ];
    let timed = if found.pair.source == "freshdesk" && !is_zendesk(found) { &timed[..] } else { &[] };
    let natively: [(What, Spoiling<'_>); 3] = [
        (What::Date, &|f| message(f, |_, _| true)["created_at"] = json!("2001-01-01T00:00:00Z")),
        (What::Date, &|f| tickets(f)[3]["created_at"] = json!("2001-01-01T00:00:00Z")),
        (What::Image, &|f| {
            replace(f, |_, body| body.contains("<img src=\"zendesk:"), "<img src=\"zendesk:", "<a href=\"")
        }),
    ];
    let own: &[(What, Spoiling<'_>)] = if is_zendesk(found) { &natively } else { &in_a_line };
    for (n, (what, spoil)) in everywhere.iter().chain(own).chain(timed).enumerate() {
        let mut spoiled = found.clone();
        spoil(&mut spoiled);
        let said = differences(&spoiled);
        assert!(said.iter().any(|d| d.what == *what), "case {n}: no {what:?} in\n{}", told(&said));
    }
}

fn is_zendesk(found: &Found) -> bool {
    found.pair.target == "zendesk"
}

fn tickets(found: &mut Found) -> &mut Vec<Value> {
    found.target["tickets"].as_array_mut().unwrap()
}

/// Agents of the target; the first has an address.
fn people(found: &mut Found) -> &mut Vec<Value> {
    let table = if is_zendesk(found) { "users" } else { "agents" };
    found.target[table].as_array_mut().unwrap()
}

fn beside<'f>(found: &'f mut Found, list: &str) -> &'f mut Vec<Value> {
    found.target[list].as_array_mut().unwrap()
}

/// What the word begins with that each message of the source has, and something else.
fn marked(found: &Found) -> (&'static str, &'static str) {
    if found.pair.source == "zendesk" { ("zd", "dz") } else { ("fd", "df") }
}

fn unsettled(found: &mut Found) -> &mut Value {
    let is_open = |ticket: &&mut Value| ticket["status"] != "closed" && ticket["status"] != 5;
    tickets(found).iter_mut().find(is_open).unwrap()
}

fn names(found: &Found) -> (&'static str, &'static str) {
    if is_zendesk(found) { ("comments", "html_body") } else { ("conversations", "body") }
}

/// The messages of the first ticket with several, whose first differs from the second.
fn noted(found: &mut Found) -> &mut Vec<Value> {
    let (messages, _) = names(found);
    let mut all = tickets(found).iter_mut().filter_map(|t| t[messages].as_array_mut());
    all.find(|notes| notes.len() > 2).unwrap()
}

/// The first message, beside a description, that is `wanted` by itself or by its body.
fn message(found: &mut Found, wanted: impl Fn(&Value, &str) -> bool) -> &mut Value {
    let (messages, body) = names(found);
    let mut all = tickets(found).iter_mut().filter_map(|t| t[messages].as_array_mut()).flatten();
    all.find(|own| wanted(own, own[body].as_str().unwrap_or_default())).unwrap()
}

fn flip(found: &mut Found, private: bool) {
    let (name, value) = if is_zendesk(found) { ("public", !private) } else { ("private", private) };
    message(found, |own, _| own[name] == value)[name] = json!(!value);
}

fn replace(found: &mut Found, wanted: impl Fn(&Value, &str) -> bool, from: &str, to: &str) {
    let (_, body) = names(found);
    let own = message(found, wanted);
    own[body] = json!(own[body].as_str().unwrap().replace(from, to));
}
