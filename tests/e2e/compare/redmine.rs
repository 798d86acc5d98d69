//! Reads a Redmine whole, over its REST API, as its administrator.

use super::target::{File, Issue, Message, Target};
use crate::http::{Client, Result};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An upload that was never attached is still served by its number: how far to look beyond the last one known.
const BEYOND: i64 = 50;

struct People {
    mail: HashMap<i64, String>,
}

pub fn client(base: &str, key: &str) -> Client {
    Client::new(base, &[("X-Redmine-API-Key", key)])
}

/// The address of the account the key belongs to.
pub fn api_user(client: &Client) -> Result<String> {
    Ok(text(&client.get("/users/current.json")?["user"]["mail"]))
}

pub fn read(client: &Client) -> Result<Target> {
    let users = pages(client, "/users.json?status=", "users")?;
    let people = People { mail: users.iter().map(|u| (number(&u["id"]), text(&u["mail"]))).collect() };
    let projects = pages(client, "/projects.json?", "projects")?;
    let projects = projects.iter().map(|p| (number(&p["id"]), text(&p["identifier"]))).collect::<HashMap<_, _>>();
    // without status_id=* closed issues are left out
    let ids: Vec<i64> =
        pages(client, "/issues.json?status_id=*&sort=id", "issues")?.iter().map(|i| number(&i["id"])).collect();

    let (next, issues) = (AtomicUsize::new(0), Mutex::new(vec![]));
    let (attached, files) = (Mutex::new(HashSet::new()), Mutex::new(vec![]));
    let one = || -> Result<()> {
        while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
            let whole = client.get(&format!("/issues/{id}.json?include=journals,attachments,watchers,relations"))?;
            let served = attachments(client, &whole["issue"]["attachments"])?;
            attached.lock().map_err(|e| e.to_string())?.extend(served.iter().map(|(id, _)| *id));
            files.lock().map_err(|e| e.to_string())?.extend(served.iter().map(|(_, f)| f.sha256.clone()));
            let issue = issue(&whole["issue"], &served, &people, &projects);
            issues.lock().map_err(|e| e.to_string())?.push(issue);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(one)).collect();
        workers.into_iter().try_for_each(|w| w.join().map_err(|_| "a reading thread panicked".to_string())?)
    })?;
    let mut issues = issues.into_inner().map_err(|e| e.to_string())?;
    issues.sort_by_key(|i| i.id);
    let mut files = files.into_inner().map_err(|e| e.to_string())?;
    files.extend(orphans(client, &attached.into_inner().map_err(|e| e.to_string())?)?);
    Ok(Target { issues, files })
}

fn attachments(client: &Client, list: &Value) -> Result<Vec<(i64, File)>> {
    let mut served = vec![];
    for attachment in list.as_array().into_iter().flatten() {
        let id = number(&attachment["id"]);
        let (sha256, size) = client.digest(&format!("/attachments/download/{id}"))?;
        served.push((id, File { name: text(&attachment["filename"]), sha256, size }));
    }
    Ok(served)
}

/// SHA-256 of uploads that hang on nothing.
fn orphans(client: &Client, attached: &HashSet<i64>) -> Result<Vec<String>> {
    let (mut found, mut last, mut id) = (vec![], attached.iter().max().copied().unwrap_or(0), 0);
    while id < last + BEYOND {
        id += 1;
        if attached.contains(&id) || client.send("GET", &format!("/attachments/{id}.json"), None)?.status != 200 {
            continue;
        }
        found.push(client.digest(&format!("/attachments/download/{id}"))?.0);
        last = last.max(id);
    }
    Ok(found)
}

fn issue(issue: &Value, served: &[(i64, File)], people: &People, projects: &HashMap<i64, String>) -> Issue {
    let mut later = HashSet::new();
    let mut messages = vec![];
    let mut stray = vec![];
    for journal in issue["journals"].as_array().into_iter().flatten() {
        let added = journal["details"].as_array().into_iter().flatten();
        let added = added.filter(|d| d["property"] == "attachment" && !d["new_value"].is_null());
        let mut files = vec![];
        for detail in added {
            let id: i64 = text(&detail["name"]).parse().unwrap_or_default();
            later.insert(id);
            match served.iter().find(|(served, _)| *served == id) {
                Some((_, file)) => files.push(file.clone()),
                None => stray.push(format!("{} (removed)", text(&detail["new_value"]))),
            }
        }
        let body = text(&journal["notes"]);
        if body.trim().is_empty() {
            stray.extend(files.into_iter().map(|f| f.name));
            continue;
        }
        messages.push(Message {
            author: people.of(&journal["user"]),
            private: journal["private_notes"] == true,
            body,
            created: None,
            files,
        });
    }
    let first = Message {
        author: people.of(&issue["author"]),
        private: issue["is_private"] == true,
        body: text(&issue["description"]),
        created: None,
        files: served.iter().filter(|(id, _)| !later.contains(id)).map(|(_, f)| f.clone()).collect(),
    };
    messages.insert(0, first);
    let id = number(&issue["id"]);
    let ends = |r: &Value| [number(&r["issue_id"]), number(&r["issue_to_id"])];
    Issue {
        id,
        subject: text(&issue["subject"]),
        project: projects.get(&number(&issue["project"]["id"])).cloned().unwrap_or_default(),
        status: text(&issue["status"]["name"]),
        created: text(&issue["created_on"]).parse().ok(),
        requesters: vec![],
        assignee: issue["assigned_to"].is_object().then(|| people.of(&issue["assigned_to"])),
        custom: custom(&issue["custom_fields"]),
        watchers: issue["watchers"].as_array().into_iter().flatten().map(|w| people.of(w)).collect(),
        relations: issue["relations"].as_array().into_iter().flatten().flat_map(ends).filter(|r| *r != id).collect(),
        messages,
        stray,
    }
}

fn custom(fields: &Value) -> BTreeMap<String, Vec<String>> {
    let values = |value: &Value| match value {
        Value::Array(many) => many.iter().map(text).collect(),
        Value::Null => vec![],
        one => vec![text(one)],
    };
    let fields = fields.as_array().into_iter().flatten();
    fields
        .map(|f| (text(&f["name"]), values(&f["value"]).into_iter().filter(|v: &String| !v.is_empty()).collect()))
        .collect()
}

impl People {
    fn of(&self, user: &Value) -> String {
        let id = number(&user["id"]);
        self.mail.get(&id).cloned().unwrap_or_else(|| format!("user {id}"))
    }
}

fn pages(client: &Client, path: &str, items: &str) -> Result<Vec<Value>> {
    let mut all = vec![];
    loop {
        let mut page = client.get(&format!("{path}&limit=100&offset={}", all.len()))?;
        let Value::Array(more) = page[items].take() else { return Err(format!("{path}: no {items}")) };
        let end = more.is_empty();
        all.extend(more);
        if end || all.len() as i64 >= number(&page["total_count"]) {
            return Ok(all);
        }
    }
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, String::from)
}
