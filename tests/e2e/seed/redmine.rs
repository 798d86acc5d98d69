//! Writes a plan into a running Redmine as its own people would: each under their name, by `X-Redmine-Switch-User`.
//!
//! [`adapted`] first bends the plan to what a Redmine can hold: one author who is the requester, people with names and
//! addresses, no files in private notes (Redmine would show them to everyone), bodies in Textile. Dates are put right in
//! SQL afterwards, as for the other desks.

use super::expected::*;
use super::plan::{Fate, Plan, Planned, agent};
use crate::http::{Client, Result, quoted};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::collections::HashMap;

const STATUSES: [(&str, &str); 5] = [
    ("new", "New"),
    ("open", "In Progress"),
    ("stalled", "Feedback"),
    ("resolved", "Resolved"),
    ("rejected", "Rejected"),
];

/// One running server, as its `conn.env` describes it.
pub struct Desk {
    env: HashMap<String, String>,
    ids: HashMap<String, i64>,
}

impl Desk {
    /// Asks the server for the numbers of its projects, statuses, people and fields.
    pub fn new(env: HashMap<String, String>) -> Result<Self> {
        let mut desk = Self { env, ids: HashMap::new() };
        let client = desk.client(None)?;
        for (path, items, name) in [
            ("/projects.json?limit=100", "projects", "name"),
            ("/issue_statuses.json?", "issue_statuses", "name"),
            ("/custom_fields.json?", "custom_fields", "name"),
            ("/users.json?limit=100", "users", "login"),
        ] {
            for row in client.get(path)?[items].as_array().into_iter().flatten() {
                let id = row["id"].as_i64().unwrap_or_default();
                desk.ids.insert(format!("{items} {}", row[name].as_str().unwrap_or_default()), id);
            }
        }
        Ok(desk)
    }

    fn var(&self, name: &str) -> Result<&str> {
        self.env.get(name).map(String::as_str).ok_or_else(|| format!("conn.env does not say {name}"))
    }

    fn client(&self, login: Option<&str>) -> Result<Client> {
        let (base, key) = (self.var("REDMINE_BASE_URL")?, self.var("REDMINE_API_KEY")?);
        let mut headers = vec![("X-Redmine-API-Key", key)];
        headers.extend(login.map(|login| ("X-Redmine-Switch-User", login)));
        Ok(Client::new(base, &headers))
    }

    fn id(&self, items: &str, name: &str) -> Result<i64> {
        self.ids.get(&format!("{items} {name}")).copied().ok_or_else(|| format!("no {name:?} among the {items}"))
    }
}

/// The plan as a Redmine can hold it.
pub fn adapted(plan: Plan) -> Plan {
    let everyone =
        |t: &Ticket| t.messages.iter().map(|m| m.author.clone()).chain(t.requesters.clone()).collect::<Vec<_>>();
    let mut tickets = plan.tickets;
    tickets.retain(|planned| everyone(&planned.ticket).iter().all(|person| person.email.is_some()));
    for Planned { ticket, fate } in &mut tickets {
        if *fate != Fate::Deleted {
            *fate = Fate::Stays;
        }
        if let Some((_, name)) = STATUSES.iter().find(|(rt, _)| *rt == ticket.status) {
            ticket.status = (*name).into();
        }
        for (n, message) in ticket.messages.iter_mut().enumerate() {
            named(&mut message.author);
            if message.kind == Kind::Private {
                message.files.clear();
                if message.author.login == agent(3).login {
                    message.author = agent(1);
                }
            }
            for (at, file) in message.files.iter_mut().enumerate().filter(|(_, file)| file.inline) {
                file.name = format!("{n}-{at}-{}.gif", file.name.trim_end_matches(".gif"));
            }
            in_textile(message);
        }
        let mut copies = std::mem::take(&mut ticket.requesters);
        copies.append(&mut ticket.ccs);
        copies.iter_mut().for_each(named);
        let author = ticket.messages[0].author.clone();
        copies.retain(|person| person.login != author.login);
        copies.sort_by(|a, b| a.login.cmp(&b.login));
        copies.dedup();
        (ticket.requesters, ticket.ccs) = (vec![author], copies);
    }
    Plan { seed: plan.seed, tickets }
}

/// Nobody is without a name here.
fn named(person: &mut Person) {
    person.name.get_or_insert_with(|| "Nameless Customer".into());
}

/// What was plain text stands in a block of code, what was HTML is written with Textile's marks.
fn in_textile(message: &mut Message) {
    let Some(token) = &message.token else {
        (message.body, message.text) = (Body::Text("See the file.".into()), vec!["See the file.".into()]);
        return;
    };
    let begin = format!("Message {token} begins.");
    let mut body = match std::mem::take(&mut message.body) {
        Body::Html(_) => {
            let phrases = [
                "A heading here",
                "first point",
                "second point with some code",
                "left cell",
                "right cell",
                "a link",
                "gone words",
            ];
            message.text = std::iter::once(begin).chain(phrases.map(String::from)).collect();
            format!(
                "Message *{token}* begins.\n\nh2. A heading here\n\n* _first_ point\n* second point with @some code@\n\n\
                 |left cell|right cell|\n\n\"a link\":https://example.com/page and -gone- words"
            )
        }
        _ => {
            let rest = message.text.iter().skip(1).cloned().collect::<Vec<_>>().join("\n");
            format!("{begin}\n\n<pre>\n{rest}\n</pre>")
        }
    };
    for file in message.files.iter().filter(|file| file.inline) {
        body += &format!("\n\n!{}!", file.name);
    }
    message.body = Body::Text(body);
}

/// Writes the whole (adapted) plan and returns what a move of it must yield.
pub fn write(mut desk: Desk, plan: &Plan) -> Result<Expected> {
    customers(&mut desk, plan)?;
    // one after the other: SQLite answers 500 to a second writer
    let mut ids = vec![];
    for Planned { ticket, .. } in &plan.tickets {
        ids.push(issue(&desk, ticket).map_err(|e| format!("{}: {e}", ticket.subject))?);
    }
    let admin = desk.client(None)?;
    for (planned, id) in plan.tickets.iter().zip(&ids) {
        for other in &planned.ticket.refers_to {
            let at =
                plan.tickets.iter().position(|p| p.ticket.subject == *other).ok_or("no such ticket in the plan")?;
            let relation = json!({ "relation": { "issue_to_id": ids[at], "relation_type": "relates" } });
            admin.json("POST", &format!("/issues/{id}/relations.json"), Some(&relation))?;
        }
        if planned.fate == Fate::Deleted {
            admin.json("DELETE", &format!("/issues/{id}.json"), None)?;
        }
    }
    into_the_past(&desk, &plan.tickets, &ids)?;
    Ok(plan.expected(&ids))
}

fn customers(desk: &mut Desk, plan: &Plan) -> Result<()> {
    let admin = desk.client(None)?;
    let authors = plan.tickets.iter().flat_map(|p| p.ticket.messages.iter().map(|m| &m.author).chain(&p.ticket.ccs));
    for person in authors {
        let key = format!("users {}", person.login);
        if desk.ids.contains_key(&key) {
            continue;
        }
        let name = person.names()[0];
        let (first, last) = name.rsplit_once(' ').unwrap_or((name, "-"));
        let user = json!({ "user": {
            "login": person.login, "firstname": first, "lastname": last, "mail": person.email,
            "mail_notification": "none", "generate_password": true,
        }});
        let made = admin.json("POST", "/users.json", Some(&user))?;
        desk.ids.insert(key, made["user"]["id"].as_i64().unwrap_or_default());
    }
    Ok(())
}

fn issue(desk: &Desk, ticket: &Ticket) -> Result<i64> {
    let admin = desk.client(None)?;
    let mut id = 0;
    for (n, message) in ticket.messages.iter().enumerate() {
        let client = desk.client(Some(&message.author.login))?;
        let uploads = uploads(&client, &message.files)?;
        let Body::Text(body) = &message.body else { return Err("a message without a body".into()) };
        if n == 0 {
            let new = json!({ "issue": {
                "project_id": desk.id("projects", &ticket.queue)?, "subject": ticket.subject, "description": body,
                "uploads": uploads,
            }});
            id = client.json("POST", "/issues.json", Some(&new))?["issue"]["id"].as_i64().unwrap_or_default();
        } else {
            let note = json!({ "issue": {
                "notes": body, "private_notes": message.kind == Kind::Private, "uploads": uploads,
            }});
            client.json("PUT", &format!("/issues/{id}.json"), Some(&note))?;
        }
    }
    let mut end = json!({
        "status_id": desk.id("issue_statuses", &ticket.status)?, "custom_fields": custom(desk, ticket)?,
    });
    if let Some(owner) = &ticket.owner {
        end["assigned_to_id"] = json!(desk.id("users", &owner.login)?);
    }
    admin.json("PUT", &format!("/issues/{id}.json"), Some(&json!({ "issue": end })))?;
    // journals that only tell of a property
    for n in 1..=ticket.chatter.min(3) {
        admin.json("PUT", &format!("/issues/{id}.json"), Some(&json!({ "issue": { "done_ratio": n * 10 } })))?;
    }
    for person in &ticket.ccs {
        let watcher = json!({ "user_id": desk.id("users", &person.login)? });
        admin.json("POST", &format!("/issues/{id}/watchers.json"), Some(&watcher))?;
    }
    Ok(id)
}

fn uploads(client: &Client, files: &[File]) -> Result<Value> {
    let mut all = vec![];
    for file in files {
        let path = format!("/uploads.json?filename={}", quoted(&file.name));
        let answer = client.send("POST", &path, Some(("application/octet-stream", &file.bytes)))?;
        let made: Value = serde_json::from_slice(&answer.body).map_err(|e| format!("{path}: {e} {}", answer.text()))?;
        let token = &made["upload"]["token"];
        all.push(json!({ "token": token, "filename": file.name, "content_type": file.mime }));
    }
    Ok(all.into())
}

fn custom(desk: &Desk, ticket: &Ticket) -> Result<Value> {
    let mut all = vec![];
    for (title, custom) in &ticket.custom {
        let many = ["Serial Numbers", "Products", "Keywords"].contains(&title.as_str());
        let value = if many { json!(custom.values) } else { json!(custom.values[0]) };
        all.push(json!({ "id": desk.id("custom_fields", title)?, "value": value }));
    }
    Ok(all.into())
}

/// Gives every message its planned date, and every other journal that of the message before it.
fn into_the_past(desk: &Desk, tickets: &[Planned], ids: &[i64]) -> Result<()> {
    let mut db = Connection::open(desk.var("REDMINE_DB")?).map_err(|e| e.to_string())?;
    db.busy_timeout(std::time::Duration::from_secs(30)).map_err(|e| e.to_string())?;
    let rows = db.transaction().map_err(|e| e.to_string())?;
    for (planned, id) in tickets.iter().zip(ids).filter(|(planned, _)| planned.fate == Fate::Stays) {
        let journals: Vec<(i64, bool)> = rows
            .prepare("SELECT id, coalesce(notes, '') <> '' FROM journals WHERE journalized_type = 'Issue' AND journalized_id = ?1 ORDER BY id")
            .and_then(|mut q| q.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(|e| e.to_string())?;
        let mut messages = planned.ticket.messages.iter().skip(1);
        let mut date = planned.ticket.messages[0].created;
        for (journal, is_message) in journals {
            if is_message {
                date = messages.next().ok_or_else(|| format!("issue {id}: an unplanned note"))?.created;
            }
            let date = date.strftime("%Y-%m-%d %H:%M:%S").to_string();
            rows.execute("UPDATE journals SET created_on = ?1 WHERE id = ?2", params![date, journal])
                .map_err(|e| e.to_string())?;
        }
        if messages.next().is_some() {
            return Err(format!("issue {id} lacks a note"));
        }
        let created = planned.ticket.created.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let last = date.strftime("%Y-%m-%d %H:%M:%S").to_string();
        rows.execute(
            "UPDATE issues SET created_on = ?1, updated_on = ?2, start_date = substr(?1, 1, 10) WHERE id = ?3",
            params![created, last, id],
        )
        .map_err(|e| e.to_string())?;
    }
    rows.commit().map_err(|e| e.to_string())
}
