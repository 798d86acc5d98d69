//! Reads a Request Tracker whole, over REST 2.0, as its administrator.
//!
//! Bodies in HTML are given without their tags, a line for each block: what is compared are words and first lines.

use super::target::{File, Issue, Message, Target};
use super::text::without_tags;
use crate::http::{Client, Result, sha256};
use crate::seed::verify::{pages, text};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const ANY: &str = "%5B%7B%22field%22%3A%22id%22%2C%22operator%22%3A%22%3E%22%2C%22value%22%3A0%7D%5D";

pub fn client(api: &str, token: &str) -> Client {
    Client::new(api, &[("Authorization", &format!("token {token}"))])
}

/// Addresses by what RT calls an account; who has none goes by their own name as RT shows it, or by that of the account.
struct People(HashMap<String, String>);

impl People {
    fn read(client: &Client) -> Result<Self> {
        let users = pages(client, &format!("/users?query={ANY}&fields=EmailAddress,RealName&find_disabled_rows=1"))?;
        let called = |u: &Value| {
            let said = [&u["EmailAddress"], &u["RealName"], &u["id"]].map(text);
            said.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
        };
        Ok(Self(users.iter().map(|u| (text(&u["id"]), called(u))).collect()))
    }

    fn of(&self, link: &Value) -> String {
        let name = text(&link["id"]);
        self.0.get(&name).cloned().unwrap_or(name)
    }

    fn all(&self, links: &Value) -> Vec<String> {
        links.as_array().into_iter().flatten().map(|link| self.of(link)).collect()
    }
}

/// The address of the account `login`.
pub fn address(client: &Client, login: &str) -> Result<String> {
    let user = client.get(&format!("/user/{login}"))?;
    Ok(Some(text(&user["EmailAddress"])).filter(|a| !a.is_empty()).unwrap_or_else(|| login.into()))
}

/// Whether this RT takes the date of a new ticket. One that hides its internal groups does not: both came with one update.
pub fn keeps_dates(client: &Client) -> Result<bool> {
    let groups = pages(client, &format!("/groups?query={ANY}&fields=Name"))?;
    Ok(groups.iter().any(|group| group["Name"] == "Privileged"))
}

pub fn read(client: &Client) -> Result<Target> {
    let people = People::read(client)?;
    let queues = pages(client, "/queues/all?fields=Name")?;
    let queues: HashMap<String, String> = queues.iter().map(|q| (text(&q["id"]), text(&q["Name"]))).collect();
    let fields = "Subject,Status,Queue,Owner,Created,Requestor,Cc,AdminCc,CustomFields";
    let tickets = pages(client, &format!("/tickets?query=id%3E0&orderby=id&order=ASC&fields={fields}"))?;

    let (next, read) = (AtomicUsize::new(0), Mutex::new(vec![]));
    let one = || -> Result<()> {
        while let Some(ticket) = tickets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let issue = issue(client, ticket, &people, &queues)?;
            read.lock().map_err(|e| e.to_string())?.push(issue);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(one)).collect();
        workers.into_iter().try_for_each(|w| w.join().map_err(|_| "a reading thread panicked".to_string())?)
    })?;
    let mut issues = read.into_inner().map_err(|e| e.to_string())?;
    issues.sort_by_key(|(issue, _)| issue.id);
    let (issues, files): (Vec<Issue>, Vec<Vec<String>>) = issues.into_iter().unzip();
    Ok(Target { issues, files: files.concat() })
}

/// The ticket, and SHA-256 of every file on it.
fn issue(
    client: &Client,
    ticket: &Value,
    people: &People,
    queues: &HashMap<String, String>,
) -> Result<(Issue, Vec<String>)> {
    let id = text(&ticket["id"]);
    let history = pages(client, &format!("/ticket/{id}/history?fields=Type,Creator,Created"))?;
    let mut parts: HashMap<String, Vec<Value>> = HashMap::new();
    for part in pages(client, &format!("/ticket/{id}/attachments?fields=TransactionId,ContentType,Filename"))? {
        parts.entry(transaction(&part)).or_default().push(part);
    }
    let (mut messages, mut stray, mut hashes) = (vec![], vec![], vec![]);
    for row in history {
        let kind = text(&row["Type"]);
        // copies of mail that went out
        if kind.ends_with("EmailRecord") {
            continue;
        }
        let (body, files) = content(client, parts.remove(&text(&row["id"])).unwrap_or_default())?;
        hashes.extend(files.iter().map(|f| f.sha256.clone()));
        if ["Create", "Correspond", "Comment"].contains(&kind.as_str()) {
            let author = people.of(&row["Creator"]);
            messages.push(Message { author, private: kind == "Comment", body, created: None, files });
        } else {
            stray.extend(files.into_iter().map(|f| f.name));
        }
    }
    let links = format!("/tickets?query=ReferredToBy%3D{id}%20OR%20RefersTo%3D{id}&fields=Subject");
    let relations = pages(client, &links)?.iter().filter_map(|t| text(&t["id"]).parse().ok()).collect();
    let mut watchers = vec![];
    for role in ["Requestor", "Cc", "AdminCc"] {
        watchers.extend(people.all(&ticket[role]));
    }
    let issue = Issue {
        id: id.parse().map_err(|_| format!("ticket {id}?"))?,
        subject: text(&ticket["Subject"]),
        project: queues.get(&text(&ticket["Queue"]["id"])).cloned().unwrap_or_default(),
        status: text(&ticket["Status"]),
        created: text(&ticket["Created"]).parse().ok(),
        requesters: people.all(&ticket["Requestor"]),
        assignee: (ticket["Owner"]["id"] != "Nobody").then(|| people.of(&ticket["Owner"])),
        custom: custom(&ticket["CustomFields"]),
        watchers,
        relations,
        messages,
        stray,
    };
    Ok((issue, hashes))
}

fn transaction(part: &Value) -> String {
    let id = &part["TransactionId"];
    text(if id.is_object() { &id["id"] } else { id })
}

/// The words and the files of one message.
fn content(client: &Client, parts: Vec<Value>) -> Result<(String, Vec<File>)> {
    let (mut body, mut files) = (String::new(), vec![]);
    for part in parts {
        let (mime, name) = (text(&part["ContentType"]), text(&part["Filename"]));
        if mime.starts_with("multipart/") {
            continue;
        }
        let whole = client.get(&format!("/attachment/{}", text(&part["id"])))?;
        let coded: String = text(&whole["Content"]).split_whitespace().collect();
        let bytes = BASE64_STANDARD.decode(coded).map_err(|e| format!("attachment {}: {e}", part["id"]))?;
        match mime.as_str() {
            "text/plain" if name.is_empty() => body += &String::from_utf8_lossy(&bytes),
            // no block ends without an end tag
            "text/html" if name.is_empty() => {
                let html = String::from_utf8_lossy(&bytes).replace("</", "\n</").replace("<br", "\n<br");
                body += &without_tags(&html);
            }
            _ => files.push(File { name, sha256: sha256(&bytes), size: bytes.len() as u64 }),
        }
    }
    Ok((body, files))
}

fn custom(fields: &Value) -> BTreeMap<String, Vec<String>> {
    let values = |field: &Value| {
        let values = field["values"].as_array().into_iter().flatten().map(text);
        values.filter(|v| !v.is_empty()).collect()
    };
    fields.as_array().into_iter().flatten().map(|f| (text(&f["name"]), values(f))).collect()
}
