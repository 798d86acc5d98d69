//! Writes a plan into a running Request Tracker, the way its own people would: agents by REST, customers by mail.
//!
//! What REST 5.0.3 cannot do is worked round here and nowhere else: a file name that is not ASCII goes up as multipart
//! (JSON answers 500), one with a quotation mark as JSON (multipart keeps a backslash), an empty file by mail.

use super::dates;
use super::expected::*;
use super::mail;
use super::plan::{Fate, Plan, Planned};
use crate::http::{Client, Result, quoted};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One running server, as its `conn.env` describes it.
pub struct Desk {
    env: HashMap<String, String>,
}

impl Desk {
    pub fn new(env: HashMap<String, String>) -> Self {
        Self { env }
    }

    pub fn var(&self, name: &str) -> Result<&str> {
        self.env.get(name).map(String::as_str).ok_or_else(|| format!("conn.env does not say {name}"))
    }

    /// The API as seen by `login`.
    pub fn client(&self, login: &str) -> Result<Client> {
        let name = if login == "root" { "RT_TOKEN".into() } else { format!("RT_TOKEN_{}", login.to_uppercase()) };
        let token = format!("token {}", self.var(&name)?);
        Ok(Client::new(self.var("RT_API_URL")?, &[("Authorization", &token)]))
    }

    pub fn database(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(self.var("RT_DB")?))
    }
}

/// Writes the whole plan and returns what a move of it must yield.
pub fn write(desk: &Desk, plan: &Plan) -> Result<Expected> {
    customers(desk, plan)?;
    let next = AtomicUsize::new(0);
    let ids = Mutex::new(vec![0; plan.tickets.len()]);
    let one = || -> Result<()> {
        while let Some((n, planned)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| plan.tickets.get(n).map(|planned| (n, planned)))
        {
            let id = ticket(desk, &planned.ticket).map_err(|e| format!("{}: {e}", planned.ticket.subject))?;
            ids.lock().map_err(|e| e.to_string())?[n] = id;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(one)).collect();
        workers.into_iter().try_for_each(|w| w.join().map_err(|_| "a seeding thread panicked".to_string())?)
    })?;
    let ids = ids.into_inner().map_err(|e| e.to_string())?;
    // dates first: a merge and a deletion leave rows of their own, which stay where they are
    dates::into_the_past(&desk.database()?, &plan.tickets, &ids)?;
    tie(desk, &plan.tickets, &ids)?;
    dates::last_touched(&desk.database()?, &plan.tickets, &ids)?;
    Ok(plan.expected(&ids))
}

/// Links, merges, deletions: what needs two tickets, or ends one.
fn tie(desk: &Desk, tickets: &[Planned], ids: &[i64]) -> Result<()> {
    let root = desk.client("root")?;
    let number = |subject: &str| {
        let at = tickets.iter().position(|p| p.ticket.subject == subject);
        at.map(|n| ids[n]).ok_or_else(|| format!("no ticket {subject:?} in the plan"))
    };
    for (planned, id) in tickets.iter().zip(ids) {
        let path = format!("/ticket/{id}");
        for other in &planned.ticket.refers_to {
            root.json("PUT", &path, Some(&json!({ "AddRefersTo": number(other)?.to_string() })))?;
        }
        match &planned.fate {
            Fate::Stays => {}
            Fate::MergedInto(survivor) => {
                root.json("PUT", &path, Some(&json!({ "MergeInto": number(survivor)?.to_string() })))?;
            }
            Fate::Deleted => {
                root.json("PUT", &path, Some(&json!({ "Status": "deleted" })))?;
            }
        }
    }
    Ok(())
}

fn ticket(desk: &Desk, ticket: &Ticket) -> Result<i64> {
    let mut id = None;
    for (n, message) in ticket.messages.iter().enumerate() {
        if let (Some(id), true) = (id, n + 1 == ticket.messages.len()) {
            dates::chatter(&desk.database()?, id, ticket.chatter)?;
        }
        if message.author.email.as_ref().is_some_and(|e| e.ends_with("@example.com")) {
            by_mail(desk, &ticket.queue, &mail::raw(ticket, message, id))?;
            id = id.or(dates::number_of(&desk.database()?, &ticket.subject)?);
        } else {
            let made = by_rest(desk, ticket, message, id)?;
            id = id.or(made);
        }
    }
    let id = id.ok_or("the first message made no ticket")?;
    let names =
        |people: &[Person]| people.iter().map(|p| p.email.clone().unwrap_or(p.login.clone())).collect::<Vec<_>>();
    let mut end = json!({ "Status": ticket.status, "Owner": owner(ticket), "CustomFields": custom(ticket) });
    if !ticket.ccs.is_empty() {
        end["Cc"] = json!(names(&ticket.ccs));
    }
    if ticket.requesters.len() > 1 {
        end["Requestor"] = json!(names(&ticket.requesters));
    }
    desk.client("root")?.json("PUT", &format!("/ticket/{id}"), Some(&end))?;
    Ok(id)
}

fn owner(ticket: &Ticket) -> &str {
    ticket.owner.as_ref().map_or("Nobody", |o| &o.login)
}

fn custom(ticket: &Ticket) -> serde_json::Map<String, Value> {
    let written = |value: &String| match value.strip_suffix('Z') {
        Some(instant) => instant.replace('T', " "),
        None => value.clone(),
    };
    let values = |c: &Custom| match c.alike {
        Alike::Instant => c.values.iter().map(written).collect::<Vec<_>>(),
        _ => c.values.clone(),
    };
    ticket.custom.iter().map(|(title, c)| (title.clone(), json!(values(c)))).collect()
}

fn by_mail(desk: &Desk, queue: &str, raw: &[u8]) -> Result<()> {
    let client = Client::new(desk.var("RT_MAILGATE_URL")?, &[]);
    let raw = percent_encoding::percent_encode(raw, percent_encoding::NON_ALPHANUMERIC);
    let form = format!("queue={}&action=correspond&message={raw}", quoted(queue));
    let answer = client.send("POST", "", Some(("application/x-www-form-urlencoded", form.as_bytes())))?;
    if answer.status == 200 && answer.body.starts_with(b"ok") {
        return Ok(());
    }
    Err(format!("mail gateway: {} {}", answer.status, answer.text()))
}

/// The new ticket's number, if the message made one.
fn by_rest(desk: &Desk, ticket: &Ticket, message: &Message, id: Option<i64>) -> Result<Option<i64>> {
    let client = desk.client(&message.author.login)?;
    let (kind, content) = match &message.body {
        Body::Empty => ("text/plain", ""),
        Body::Text(text) => ("text/plain", text.as_str()),
        Body::Html(html) => ("text/html", html.as_str()),
    };
    let mut body = json!({ "Content": content, "ContentType": kind });
    let path = match id {
        Some(id) => format!("/ticket/{id}/{}", if message.kind == Kind::Public { "correspond" } else { "comment" }),
        None => {
            body["Queue"] = json!(ticket.queue);
            body["Subject"] = json!(ticket.subject);
            body["Owner"] = json!(owner(ticket));
            body["CustomFields"] = custom(ticket).into();
            let requester = &ticket.requesters[0];
            body["Requestor"] = json!(requester.email.as_ref().unwrap_or(&requester.login));
            "/ticket".to_string()
        }
    };
    let answer = if message.files.iter().any(|f| f.name.contains('"')) {
        let file = |f: &File| json!({ "FileName": f.name, "FileType": f.mime, "FileContent": BASE64_STANDARD.encode(&f.bytes) });
        body["Attachments"] = message.files.iter().map(file).collect();
        client.json("POST", &path, Some(&body))?
    } else if message.files.is_empty() {
        client.json("POST", &path, Some(&body))?
    } else {
        let (kind, bytes) = form(&body, &message.files);
        let answer = client.send("POST", &path, Some((&kind, &bytes)))?;
        if answer.status != 201 {
            return Err(format!("POST {path}: {} {}", answer.status, answer.text()));
        }
        serde_json::from_slice(&answer.body).map_err(|e| e.to_string())?
    };
    Ok(answer["id"].as_str().and_then(|id| id.parse().ok()))
}

/// Customers the desk may first meet through an agent have a name all the same.
fn customers(desk: &Desk, plan: &Plan) -> Result<()> {
    let root = desk.client("root")?;
    let mut known: Vec<&Person> = plan.tickets.iter().flat_map(|p| &p.ticket.requesters).collect();
    known.sort_by_key(|person| &person.login);
    known.dedup();
    for person in known.into_iter().filter(|p| p.name.is_some() && p.email.is_some()) {
        let Person { name, email, login } = person;
        let user = json!({ "Name": login, "EmailAddress": email, "RealName": name, "Privileged": 0 });
        root.json("POST", "/user", Some(&user))?;
    }
    Ok(())
}

fn form(fields: &Value, files: &[File]) -> (String, Vec<u8>) {
    let edge = "deskferry-seed-boundary";
    let mut body = format!(
        "--{edge}\r\nContent-Disposition: form-data; name=\"JSON\"\r\nContent-Type: application/json\r\n\r\n{fields}\r\n"
    )
    .into_bytes();
    for file in files {
        let head = format!(
            "--{edge}\r\nContent-Disposition: form-data; name=\"Attachments\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            file.name, file.mime
        );
        body.extend(head.into_bytes());
        body.extend(&file.bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{edge}--\r\n").into_bytes());
    (format!("multipart/form-data; boundary={edge}"), body)
}

/// How many mails the sink of a desk has swallowed.
pub fn mails(sink: &Path) -> Result<usize> {
    let files = std::fs::read_dir(sink).map_err(|e| format!("{}: {e}", sink.display()))?;
    Ok(files.count())
}
