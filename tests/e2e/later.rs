//! What the seeded Redmine does not hold: links of other kinds, a locked person, a closed project; and what changes in it
//! after a move.

use crate::http::{Client, Result};
use crate::journey::{self, Journey};
use crate::seed::expected::{Body, Expected, Kind, Message, Ticket};
use crate::seed::plan::agent;
use crate::seed::words;
use crate::servers::{self, Server};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::OnceLock;

/// A customer with tickets of their own.
const LOCKED: &str = "c1.s1@example.com";
const CLOSED: &str = "general";

/// A Redmine of its own, which may be written to.
pub fn redmine() -> Result<&'static Server> {
    static SOURCE: OnceLock<Result<Server>> = OnceLock::new();
    let start = || -> Result<Server> {
        let dir = servers::copy(&journey::filled_redmine()?, "redmine-changing")?;
        let server = Server::start(servers::Product::Redmine, &dir, &[])?;
        let expected = Expected::load(&dir.join("expected.json"))?;
        let admin = client(&server, "admin")?;
        let [a, b, c, d] = in_support(&expected);
        let relation = json!({ "relation": { "issue_to_id": b, "relation_type": "blocks" } });
        admin.json("POST", &format!("/issues/{a}/relations.json"), Some(&relation))?;
        let parent = json!({ "issue": { "parent_issue_id": c } });
        admin.json("PUT", &format!("/issues/{d}.json"), Some(&parent))?;
        let db = open(server.var("REDMINE_DB")?)?;
        for (change, name) in [
            ("UPDATE users SET status = 3 WHERE login = ?1", LOCKED),
            ("UPDATE projects SET status = 5 WHERE identifier = ?1", CLOSED),
        ] {
            match db.execute(change, [name]).map_err(|e| e.to_string())? {
                1 => {}
                n => return Err(format!("{n} rows are {name}")),
            }
        }
        Ok(server)
    };
    SOURCE.get_or_init(start).as_ref().map_err(String::clone)
}

/// Numbers of the first issues of the project, which hold the links.
fn in_support(expected: &Expected) -> [i64; 4] {
    let mut ids = expected.tickets.iter().filter(|t| t.queue == "Support").map(|t| t.id);
    std::array::from_fn(|_| ids.next().unwrap_or_default())
}

/// The links of these kinds stand in the Request Tracker, the right way round, and each once.
pub fn links_are_there(all: &Journey) -> Result<()> {
    let [a, b, c, d] = in_support(&all.expected);
    let db = open(all.target.var("RT_DB")?)?;
    let became = |id: i64| -> Result<i64> {
        let ticket = all.expected.tickets.iter().find(|t| t.id == id).ok_or("no such ticket")?;
        let row = db.query_row("SELECT id FROM Tickets WHERE Subject = ?1", [&ticket.subject], |row| row.get(0));
        row.map_err(|e| format!("{}: {e}", ticket.subject))
    };
    for (kind, from, to) in [("DependsOn", became(b)?, became(a)?), ("MemberOf", became(d)?, became(c)?)] {
        let found: Vec<(i64, i64)> = db
            .prepare("SELECT LocalBase, LocalTarget FROM Links WHERE Type = ?1 AND LocalBase > 0")
            .and_then(|mut q| q.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(|e| e.to_string())?;
        if found != [(from, to)] {
            return Err(format!("{kind}: {found:?}, expected {from} to {to}"));
        }
    }
    Ok(())
}

/// In the source: a private note, another subject and status, and a new issue.
pub fn change(all: &mut Journey) -> Result<()> {
    let admin = client(all.source, "admin")?;
    let agent1 = client(all.source, "agent1")?;

    // not in the closed project, and not those that hold the links
    let billing = all.expected.tickets.iter().enumerate().filter(|(_, t)| t.queue == "Billing").map(|(at, _)| at);
    let [noted, changed] = billing.skip(5).take(2).collect::<Vec<_>>()[..] else { return Err("no tickets".into()) };
    let ticket = &mut all.expected.tickets[noted];
    let (token, text) = note(1);
    let path = format!("/issues/{}.json", ticket.id);
    agent1.json("PUT", &path, Some(&json!({ "issue": { "notes": text, "private_notes": true } })))?;
    let issue = admin.get(&format!("{path}?include=journals"))?;
    let journal = issue["issue"]["journals"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    ticket.messages.push(message(Kind::Private, token, text, &journal)?);

    let ticket = &mut all.expected.tickets[changed];
    let (old, new) = (ticket.subject.clone(), format!("{}, renamed", ticket.subject));
    let status = if ticket.status == "Feedback" { "Resolved" } else { "Feedback" };
    let id = admin.get("/issue_statuses.json")?["issue_statuses"]
        .as_array()
        .and_then(|all| all.iter().find(|s| s["name"] == status).map(|s| s["id"].clone()));
    let put = json!({ "issue": { "subject": new, "status_id": id } });
    admin.json("PUT", &format!("/issues/{}.json", ticket.id), Some(&put))?;
    (ticket.subject, ticket.status) = (new.clone(), status.into());
    let named = all.expected.tickets.iter_mut().flat_map(|t| &mut t.refers_to).filter(|subject| **subject == old);
    named.for_each(|subject| *subject = new.clone());

    let (token, text) = note(2);
    let subject = "Came after the move".to_owned();
    let issue = json!({ "issue": { "project_id": "support", "subject": subject, "description": text } });
    let made = agent1.json("POST", "/issues.json", Some(&issue))?["issue"].take();
    let first = message(Kind::Public, token, text, &made)?;
    all.expected.tickets.push(Ticket {
        id: made["id"].as_i64().unwrap_or_default(),
        subject,
        queue: "Support".into(),
        status: "New".into(),
        requesters: vec![agent(1)],
        ccs: vec![],
        owner: None,
        created: first.created,
        custom: Default::default(),
        messages: vec![first],
        refers_to: vec![],
        chatter: 0,
    });
    Ok(())
}

fn note(n: usize) -> (String, String) {
    let token = words::token(99_900 + n);
    let text = format!("Message {token} begins.");
    (token, text)
}

/// Written by the first agent at the time `row` says.
fn message(kind: Kind, token: String, text: String, row: &Value) -> Result<Message> {
    let created = row["created_on"].as_str().and_then(|at| at.parse().ok()).ok_or("no date")?;
    let (token, text) = (Some(token), vec![text]);
    Ok(Message { kind, author: agent(1), created, token, text, files: vec![], body: Body::Empty })
}

fn client(server: &Server, login: &str) -> Result<Client> {
    let key = server.var(if login == "admin" { "REDMINE_API_KEY" } else { "REDMINE_API_KEY_AGENT1" })?;
    Ok(Client::new(server.var("REDMINE_BASE_URL")?, &[("X-Redmine-API-Key", key)]))
}

pub fn open(database: impl AsRef<Path>) -> Result<Connection> {
    let db = Connection::open(database).map_err(|e| e.to_string())?;
    db.busy_timeout(std::time::Duration::from_secs(30)).map_err(|e| e.to_string())?;
    Ok(db)
}
