//! Reads the whole desk back over its own API and compares it with what the seed promised.
//!
//! Used twice: after seeding, and after a move, which may not have changed the source.

use super::expected::*;
use super::rt::Desk;
use crate::http::{Client, Result, sha256};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the desk holds otherwise than promised; empty when all is well.
pub fn differences(desk: &Desk, expected: &Expected) -> Result<Vec<String>> {
    let client = desk.client("root")?;
    let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![]));
    let one = || -> Result<()> {
        while let Some(ticket) = expected.tickets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut said = vec![];
            compare(&client, ticket, &mut said)?;
            let said = said.into_iter().map(|s| format!("source ticket {} {:?}: {s}", ticket.id, ticket.subject));
            found.lock().map_err(|e| e.to_string())?.extend(said);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(one)).collect();
        workers.into_iter().try_for_each(|w| w.join().map_err(|_| "a verifying thread panicked".to_string())?)
    })?;
    found.into_inner().map_err(|e| e.to_string())
}

fn compare(client: &Client, ticket: &Ticket, said: &mut Vec<String>) -> Result<()> {
    let got = client.get(&format!("/ticket/{}", ticket.id))?;
    let mut same = |what: &str, got: Vec<String>, want: Vec<String>| {
        let (mut got, mut want) = (got, want);
        got.sort();
        want.sort();
        if got != want {
            said.push(format!("{what}: {got:?}, expected {want:?}"));
        }
    };
    let logins = |people: &[Person]| people.iter().map(|p| p.login.clone()).collect();
    let links = |v: &Value| v.as_array().into_iter().flatten().map(|u| text(&u["id"])).collect::<Vec<_>>();
    same("subject", vec![text(&got["Subject"])], vec![ticket.subject.clone()]);
    same("status", vec![text(&got["Status"])], vec![ticket.status.clone()]);
    same("created", vec![text(&got["Created"])], vec![ticket.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()]);
    let owner = ticket.owner.as_ref().map_or("Nobody".into(), |o| o.login.clone());
    same("owner", vec![text(&got["Owner"]["id"])], vec![owner]);
    same("requesters", links(&got["Requestor"]), logins(&ticket.requesters));
    same("in copy", links(&got["Cc"]), logins(&ticket.ccs));
    for field in got["CustomFields"].as_array().into_iter().flatten() {
        let title = text(&field["name"]);
        let values: Vec<String> = field["values"].as_array().into_iter().flatten().map(text).collect();
        let want = ticket.custom.get(&title).map_or(vec![], |c| c.values.clone());
        same(&title, values, want);
    }
    let refers = client.get(&format!("/tickets?query=ReferredToBy%3D{}&fields=Subject", ticket.id))?;
    let refers = refers["items"].as_array().into_iter().flatten().map(|t| text(&t["Subject"])).collect();
    same("refers to", refers, ticket.refers_to.clone());

    let mut history: Vec<Value> = pages(client, &format!("/ticket/{}/history?fields=Type,Creator,Created", ticket.id))?
        .into_iter()
        .filter(|row| ["Create", "Correspond", "Comment"].contains(&text(&row["Type"]).as_str()))
        .collect();
    history.sort_by_key(|row| (text(&row["Created"]), text(&row["id"]).parse::<u64>().unwrap_or_default()));
    if history.len() != ticket.messages.len() {
        said.push(format!("{} messages, expected {}", history.len(), ticket.messages.len()));
        return Ok(());
    }
    for (row, message) in history.iter().zip(&ticket.messages) {
        compare_message(client, row, message, said)?;
    }
    Ok(())
}

fn compare_message(client: &Client, row: &Value, message: &Message, said: &mut Vec<String>) -> Result<()> {
    let at = format!("transaction {}", text(&row["id"]));
    let kind = if text(&row["Type"]) == "Comment" { Kind::Private } else { Kind::Public };
    if kind != message.kind {
        said.push(format!("{at}: {kind:?}, expected {:?}", message.kind));
    }
    let (author, date) = (text(&row["Creator"]["id"]), text(&row["Created"]));
    if author != message.author.login {
        said.push(format!("{at}: by {author}, expected {}", message.author.login));
    }
    if date != message.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() {
        said.push(format!("{at}: on {date}, expected {}", message.created));
    }
    let (mut files, mut bodies) = (vec![], String::new());
    let parts = pages(client, &format!("/transaction/{}/attachments?fields=ContentType,Filename", text(&row["id"])))?;
    for part in parts {
        let (mime, name) = (text(&part["ContentType"]), text(&part["Filename"]));
        if mime.starts_with("multipart/") {
            continue;
        }
        let whole = client.get(&format!("/attachment/{}", text(&part["id"])))?;
        let coded: String = text(&whole["Content"]).split_whitespace().collect();
        let bytes = BASE64_STANDARD.decode(coded).map_err(|e| format!("{at}: {e}"))?;
        if name.is_empty() && mime.starts_with("text/") {
            bodies.push_str(&String::from_utf8_lossy(&bytes));
        } else {
            files.push((name, sha256(&bytes)));
        }
    }
    let mut want: Vec<_> = message.files.iter().map(|f| (f.name.clone(), f.sha256.clone())).collect();
    files.sort();
    want.sort();
    if files != want {
        said.push(format!("{at}: files {files:?}, expected {want:?}"));
    }
    if message.token.as_ref().is_some_and(|token| !bodies.contains(token)) {
        said.push(format!("{at}: does not hold the word {:?}", message.token));
    }
    if let Body::Text(body) = &message.body
        && bodies.trim_end().replace("\r\n", "\n") != body.trim_end()
    {
        said.push(format!("{at}: other words than were written"));
    }
    Ok(())
}

/// Every item of a collection, page after page.
pub fn pages(client: &Client, path: &str) -> Result<Vec<Value>> {
    let mut items = vec![];
    for page in 1.. {
        let mut answer = client.get(&format!("{path}&per_page=100&page={page}"))?;
        if let Value::Array(more) = answer["items"].take() {
            items.extend(more);
        }
        if answer["next_page"].is_null() {
            break;
        }
    }
    Ok(items)
}

/// RT gives numbers now as numbers, now as strings.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, String::from)
}
