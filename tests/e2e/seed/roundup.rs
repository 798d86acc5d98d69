//! Writes a plan into a running Roundup over its REST API, as far as Roundup can hold it, and reads it back.
//!
//! What Roundup 2.6 has no place for is taken out of the plan first ([`fitting`]): groups, a second requester, merges,
//! files that are empty or nameless, images that belong to a body. What only Roundup has is put in: an issue that is nothing but a file.

use super::expected::*;
use super::plan::{Fate, Plan, Planned, agent};
use super::words;
use crate::http::{Client, Result, sha256};
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::fmt::strtime;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const PASSWORD: &str = "Agent-Passw0rd";
const DATE: &str = "%Y-%m-%d.%H:%M:%S";
/// The plan's statuses and those of the template `classic`.
const STATUSES: [(&str, &str); 5] = [
    ("new", "unread"),
    ("open", "in-progress"),
    ("stalled", "deferred"),
    ("resolved", "resolved"),
    ("rejected", "done-cbb"),
];
/// Who leaves in the end: from then on the tracker names nothing of them but their login.
const GONE: &str = "walkin";
/// The plan's custom fields and the properties they are stored as.
pub const PROPERTIES: [(&str, &str); 16] = [
    ("Order Number", "order_number"),
    ("Serial Numbers", "serial_numbers"),
    ("Seats", "seats"),
    ("Weight", "weight"),
    ("Severity", "severity"),
    ("Products", "products"),
    ("Details", "details"),
    ("Runbook", "runbook"),
    ("Memo", "memo"),
    ("Purchase Date", "purchase_date"),
    ("Callback At", "callback_at"),
    ("Region", "region"),
    ("Keywords", "topics"),
    ("Channel", "channel"),
    ("Host", "host"),
    ("Network", "network"),
];

/// One running tracker, as its `conn.env` describes it.
pub struct Desk {
    env: HashMap<String, String>,
}

impl Desk {
    pub fn new(env: HashMap<String, String>) -> Self {
        Self { env }
    }

    fn var(&self, name: &str) -> Result<&str> {
        self.env.get(name).map(String::as_str).ok_or_else(|| format!("conn.env does not say {name}"))
    }

    /// The API as seen by `login`. Roundup refuses a write that does not say which page it comes from.
    fn client(&self, login: &str, etag: Option<&str>) -> Result<Client> {
        let password = if login == "admin" { self.var("ROUNDUP_PASSWORD")? } else { PASSWORD };
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{login}:{password}")));
        let base = self.var("ROUNDUP_BASE_URL")?;
        let page = format!("{base}/");
        let mut headers = vec![("Authorization", basic.as_str()), ("X-Requested-With", "rest"), ("Referer", &page)];
        let origin = base.trim_end_matches("/tracker");
        headers.push(("Origin", origin));
        headers.extend(etag.map(|etag| ("If-Match", etag)));
        Ok(Client::new(self.var("ROUNDUP_API_URL")?, &headers))
    }
}

/// The plan as Roundup can hold it.
pub fn fitting(mut plan: Plan) -> Plan {
    for planned in &mut plan.tickets {
        if matches!(planned.fate, Fate::MergedInto(_)) {
            planned.fate = Fate::Stays;
        }
        let ticket = &mut planned.ticket;
        ticket.queue = "Support".into();
        for person in everybody(ticket).filter(|person| person.login == GONE) {
            person.name = None;
        }
        let further = ticket.requesters.split_off(1);
        ticket.ccs.extend(further);
        for (from, to) in STATUSES {
            if ticket.status == from {
                ticket.status = to.into();
                break;
            }
        }
        for message in &mut ticket.messages {
            message.files.retain(|file| file.size > 0);
            for file in &mut message.files {
                file.inline = false;
                if file.name.is_empty() {
                    file.name = "unnamed.gif".into();
                }
            }
            if let Body::Html(html) = &mut message.body
                && let Some(images) = html.find("<p>image 0: ")
            {
                html.truncate(images);
            }
        }
    }
    let mut only = plan.tickets[0].ticket.clone();
    only.subject = format!("[s{}-only] an issue that is only a file", plan.seed);
    only.messages.truncate(1);
    let message = &mut only.messages[0];
    (message.body, message.token, message.text) = (Body::Empty, None, vec![]);
    message.author = only.requesters[0].clone();
    message.files = vec![words::named("nur eine Datei.txt", "text/plain", b"no message came with it".to_vec())];
    plan.tickets.push(Planned { ticket: only, fate: Fate::Stays });
    plan
}

fn everybody(ticket: &mut Ticket) -> impl Iterator<Item = &mut Person> {
    let authors = ticket.messages.iter_mut().map(|m| &mut m.author);
    ticket.requesters.iter_mut().chain(&mut ticket.ccs).chain(&mut ticket.owner).chain(authors)
}

/// An issue that has a file and was never written to.
fn without_messages(ticket: &Ticket) -> bool {
    matches!(&ticket.messages[..], [only] if only.token.is_none())
}

/// Writes a fitting plan and returns what a move of it must yield.
pub fn write(desk: &Desk, plan: &Plan) -> Result<Expected> {
    let users = people(desk, plan)?;
    let ids = in_parallel(plan.tickets.len(), |n| {
        let ticket = &plan.tickets[n].ticket;
        issue(desk, ticket, n, &users).map_err(|e| format!("{}: {e}", ticket.subject))
    })?;
    tie(desk, plan, &ids, &users)?;
    let mut expected = plan.expected(&ids);
    let admin = desk.client("admin", None)?;
    for ticket in expected.tickets.iter_mut().filter(|t| without_messages(t)) {
        let made = admin.get(&format!("/issue/{}?@protected=true", ticket.id))?;
        ticket.messages[0].created = instant(&made["data"]["attributes"]["creation"])?;
    }
    Ok(expected)
}

/// Runs `one` for every number below `count`, three at a time; its answers in order.
fn in_parallel<T: Send>(count: usize, one: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return Ok(());
            }
            let answer = one(n)?;
            done.lock().map_err(|e| e.to_string())?.push((n, answer));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|w| w.join().map_err(|_| "a thread panicked".to_string())?)
    })?;
    let mut done = done.into_inner().map_err(|e| e.to_string())?;
    done.sort_by_key(|(n, _)| *n);
    Ok(done.into_iter().map(|(_, answer)| answer).collect())
}

/// Login to id, of everyone: customers are made here.
fn people(desk: &Desk, plan: &Plan) -> Result<HashMap<String, String>> {
    let admin = desk.client("admin", None)?;
    let mut users = users(&admin)?;
    let tickets = plan.tickets.iter().map(|p| &p.ticket);
    let known = tickets.flat_map(|t| t.requesters.iter().chain(&t.ccs).chain(t.messages.iter().map(|m| &m.author)));
    for Person { name, email, login } in known {
        if !users.contains_key(login) {
            let user =
                json!({ "username": login, "address": email, "realname": name, "password": PASSWORD, "roles": "User" });
            users.insert(login.clone(), made(&admin, "/user", &user)?);
        }
    }
    Ok(users)
}

fn users(admin: &Client) -> Result<HashMap<String, String>> {
    let all = admin.get("/user?@fields=username")?;
    let all = all["data"]["collection"].as_array().into_iter().flatten();
    Ok(all.map(|u| (text(&u["username"]), text(&u["id"]))).collect())
}

/// The requester opens the issue, which makes them its creator; everything on it is there at once.
fn issue(desk: &Desk, ticket: &Ticket, number: usize, users: &HashMap<String, String>) -> Result<i64> {
    let admin = desk.client("admin", None)?;
    let (mut messages, mut files) = (vec![], vec![]);
    let id = |person: &Person| users.get(&person.login).ok_or_else(|| format!("nobody is {}", person.login));
    for (n, message) in ticket.messages.iter().enumerate() {
        let mine = message.files.iter().map(|file| upload(&admin, file)).collect::<Result<Vec<_>>>()?;
        files.extend(mine.clone());
        if without_messages(ticket) {
            continue;
        }
        // a blank one: over REST a message cannot be empty
        let (kind, content) = match &message.body {
            Body::Empty => (None, " "),
            Body::Text(text) => (None, text.as_str()),
            Body::Html(html) => (Some("text/html"), html.as_str()),
        };
        let mut body = json!({
            "author": id(&message.author)?, "date": message.created.strftime(DATE).to_string(),
            "content": content, "private": message.kind == Kind::Private,
        });
        if let Some(kind) = kind {
            body["type"] = json!(kind);
        }
        // files given on the web hang on the issue alone, those of a mail on its message too
        if !mine.is_empty() && (n > 0 || number.is_multiple_of(2)) {
            body["files"] = json!(mine);
        }
        messages.push(made(&admin, "/msg", &body)?);
    }
    let mut body = Map::from_iter([
        ("title".to_owned(), json!(ticket.subject)),
        ("messages".to_owned(), json!(messages)),
        ("files".to_owned(), json!(files)),
        ("status".to_owned(), json!(ticket.status)),
        ("nosy".to_owned(), json!(ticket.ccs.iter().map(id).collect::<Result<Vec<_>>>()?)),
    ]);
    if let Some(owner) = &ticket.owner {
        body.insert("assignedto".into(), json!(id(owner)?));
    }
    for (title, property) in PROPERTIES {
        if let Some(custom) = ticket.custom.get(title) {
            body.insert(property.into(), value(property, custom)?);
        }
    }
    // Roundup reads an empty list as none at all, and stumbles over it
    body.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    let requester = desk.client(&ticket.requesters[0].login, None)?;
    made(&requester, "/issue", &Value::Object(body))?.parse().map_err(|_| "an issue without a number".to_string())
}

fn value(property: &str, custom: &Custom) -> Result<Value> {
    let first = custom.values.first().map_or("", String::as_str);
    Ok(match (property, custom.alike) {
        ("serial_numbers" | "products" | "topics", _) => json!(custom.values),
        (_, Alike::Number) => json!(first.parse::<f64>().map_err(|e| e.to_string())?),
        (_, Alike::Instant) => json!(first.parse::<Timestamp>().map_err(|e| e.to_string())?.strftime(DATE).to_string()),
        _ => json!(first),
    })
}

fn upload(client: &Client, file: &File) -> Result<String> {
    let edge = "deskferry-seed-boundary";
    let mut body = Vec::new();
    let mut part = |name: &str, more: &str, bytes: &[u8]| {
        let head = format!("--{edge}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
        body.extend(head.into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    };
    part("name", "", file.name.as_bytes());
    part("type", "", file.mime.as_bytes());
    part("content", "; filename=\"content\"\r\nContent-Type: application/octet-stream", &file.bytes);
    body.extend(format!("--{edge}--\r\n").into_bytes());
    let answer = client.send("POST", "/file", Some((&format!("multipart/form-data; boundary={edge}"), &body)))?;
    if answer.status != 201 {
        return Err(format!("POST /file {:?}: {} {}", file.name, answer.status, answer.text()));
    }
    let answer: Value = serde_json::from_slice(&answer.body).map_err(|e| e.to_string())?;
    Ok(text(&answer["data"]["id"]))
}

/// Links and ends: what needs two issues, or takes something away.
fn tie(desk: &Desk, plan: &Plan, ids: &[i64], users: &HashMap<String, String>) -> Result<()> {
    for (planned, id) in plan.tickets.iter().zip(ids) {
        let path = format!("/issue/{id}");
        let number = |subject: &String| {
            let at = plan.tickets.iter().position(|p| p.ticket.subject == *subject);
            at.map(|n| ids[n].to_string()).ok_or_else(|| format!("no ticket {subject:?} in the plan"))
        };
        let others = planned.ticket.refers_to.iter().map(number).collect::<Result<Vec<_>>>()?;
        if !others.is_empty() {
            change(desk, "PUT", &path, Some(json!({ "superseder": others })))?;
        }
        if planned.fate == Fate::Deleted {
            change(desk, "DELETE", &path, None)?;
        }
    }
    let gone = users.get(GONE).ok_or("nobody is there who could leave")?;
    change(desk, "DELETE", &format!("/user/{gone}"), None)
}

/// A change has to name the state it was made from.
fn change(desk: &Desk, method: &str, path: &str, body: Option<Value>) -> Result<()> {
    let etag = text(&desk.client("admin", None)?.get(path)?["data"]["@etag"]);
    desk.client("admin", Some(&etag))?.json(method, path, body.as_ref()).map(drop)
}

/// One more message on the first issue, as after a first move; `expected` learns of it.
pub fn write_once_more(desk: &Desk, expected: &mut Expected) -> Result<()> {
    let admin = desk.client("admin", None)?;
    let (token, author) = (words::token(99_999), agent(2));
    let id = users(&admin)?.remove(&author.login).ok_or_else(|| format!("nobody is {}", author.login))?;
    let ticket = expected.tickets.first_mut().ok_or("no issue")?;
    let created = ticket.messages.last().map_or(ticket.created, |m| m.created) + SignedDuration::from_hours(1);
    let text = format!("Message {token} begins.");
    let date = created.strftime(DATE).to_string();
    let message = json!({ "author": id, "date": date, "content": text, "private": true });
    let message = made(&admin, "/msg", &message)?;
    let add = json!({ "@op": "add", "messages": [message] });
    change(desk, "PATCH", &format!("/issue/{}", ticket.id), Some(add))?;
    let (kind, token, text) = (Kind::Private, Some(token), vec![text]);
    ticket.messages.push(Message { kind, author, created, token, text, files: vec![], body: Body::Empty });
    Ok(())
}

/// What the desk holds otherwise than promised; empty when all is well.
pub fn differences(desk: &Desk, expected: &Expected) -> Result<Vec<String>> {
    let admin = desk.client("admin", None)?;
    let said = in_parallel(expected.tickets.len(), |n| {
        let ticket = &expected.tickets[n];
        let said = compare(&admin, ticket)?;
        Ok(said
            .into_iter()
            .map(|s| format!("source issue {} {:?}: {s}", ticket.id, ticket.subject))
            .collect::<Vec<_>>())
    })?;
    Ok(said.into_iter().flatten().collect())
}

fn compare(client: &Client, ticket: &Ticket) -> Result<Vec<String>> {
    let mut said = vec![];
    let mut same = |what: &str, got: String, want: String| {
        if got != want {
            said.push(format!("{what}: {got:?}, expected {want:?}"));
        }
    };
    let got = client.get(&format!("/issue/{}?@verbose=2&@protected=true", ticket.id))?;
    let got = &got["data"]["attributes"];
    let login = |user: &Value| text(&user["username"]);
    same("title", text(&got["title"]), ticket.subject.clone());
    same("status", text(&got["status"]["name"]), ticket.status.clone());
    same("creator", login(&got["creator"]), ticket.requesters[0].login.clone());
    let owner = ticket.owner.as_ref().map_or(String::new(), |o| o.login.clone());
    same("assignee", login(&got["assignedto"]), owner);
    let links = |list: &Value| list.as_array().into_iter().flatten().map(|l| text(&l["id"])).collect::<Vec<_>>();
    let mut files = vec![];
    for id in links(&got["files"]) {
        let name = client.get(&format!("/file/{id}"))?;
        files.push(format!("{} {}", text(&name["data"]["attributes"]["name"]), content(client, "file", &id)?.0));
    }
    let mut want: Vec<String> =
        ticket.messages.iter().flat_map(|m| &m.files).map(|f| format!("{} {}", f.name, f.sha256)).collect();
    files.sort();
    want.sort();
    same("files", files.join("\n"), want.join("\n"));
    let messages = links(&got["messages"]);
    let want = if without_messages(ticket) { &[] } else { &ticket.messages[..] };
    same("messages", messages.len().to_string(), want.len().to_string());
    for (id, want) in messages.iter().zip(want) {
        let got = client.get(&format!("/msg/{id}?@verbose=2"))?;
        let got = &got["data"]["attributes"];
        same("author", login(&got["author"]), want.author.login.clone());
        same("date", text(&got["date"]), want.created.strftime(DATE).to_string());
        same("private", (got["private"] == 1).to_string(), (want.kind == Kind::Private).to_string());
        let body = content(client, "msg", id)?.1;
        let held = want.token.as_ref().is_none_or(|token| body.contains(token.as_str()));
        same("words", held.to_string(), "true".into());
    }
    Ok(said)
}

/// SHA-256 and text of a file or a message.
fn content(client: &Client, class: &str, id: &str) -> Result<(String, String)> {
    let path = format!("/{class}/{id}/binary_content");
    let answer = client.accepting("*/*").send("GET", &path, None)?;
    if answer.status != 200 {
        return Err(format!("GET {path}: {}", answer.status));
    }
    Ok((sha256(&answer.body), String::from_utf8_lossy(&answer.body).into_owned()))
}

fn made(client: &Client, path: &str, body: &Value) -> Result<String> {
    Ok(text(&client.json("POST", path, Some(body))?["data"]["id"]))
}

fn instant(date: &Value) -> Result<Timestamp> {
    let at = strtime::parse(DATE, text(date)).and_then(|parsed| parsed.to_datetime());
    let zoned = at.and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC)).map_err(|e| e.to_string())?;
    Ok(zoned.timestamp())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
