//! A lost ledger and every target that lists its markers: `ids --rebuild` knows again what is there, though nothing of it was ever
//! more than staged. `SHOWN` holds how each platform shows two tickets of ours and, where it lists people, two people.

use crate::account::{Opened, open_with};
use crate::answers::Server;
use deskferry::connector::mapped::Mapped;
use deskferry::connector::plan::LateValues;
use deskferry::connector::registry::{self, Entry};
use deskferry::connector::{Outcome, Planner, Target};
use deskferry::ledger::Origin;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// The id of the migration.
const MARK: &str = "0123456789";

/// What a platform is asked for by the way, and what lists what is marked.
type Shown = fn(&dyn Fn(u64) -> String) -> Value;

/// A platform, its account beside the address, and its answers.
const SHOWN: [(&str, &str, Shown); 5] = [
    ("freshdesk", "api_key = { env = \"KEY\" }\n", freshdesk),
    ("freshservice", "api_key = { env = \"KEY\" }\n", freshservice),
    ("redmine", "api_key = { env = \"KEY\" }\nproject = \"support\"\n", redmine),
    ("rt", "token = { env = \"KEY\" }\nqueue = \"General\"\n", rt),
    ("zendesk", "email = \"a@acme.example\"\ntoken = { env = \"KEY\" }\n", zendesk),
];

fn freshdesk(marker: &dyn Fn(u64) -> String) -> Value {
    let row = |n: u64| json!({ "id": n, "updated_at": "2026-01-01T00:00:00Z", "custom_fields": { "cf_deskferry": marker(n) } });
    let field = json!({ "id": 1, "name": "cf_deskferry", "label": "Deskferry", "type": "custom_text" });
    json!([
        { "call": "GET /api/v2/ticket_fields", "body": [field] },
        { "call": "GET /api/v2/companies", "body": [] },
        { "call": "GET /api/v2/tickets", "body": [row(71), row(72), row(79)] },
        { "call": "GET /api/v2/tickets", "query": { "page": "2" }, "body": [] },
    ])
}

fn freshservice(marker: &dyn Fn(u64) -> String) -> Value {
    let row =
        |n: u64| json!({ "id": n, "updated_at": "2026-01-01T00:00:00Z", "custom_fields": { "deskferry": marker(n) } });
    let field = json!({ "id": 1, "name": "deskferry", "label": "Deskferry", "field_type": "custom_text", "default_field": false });
    json!([
        { "call": "GET /api/v2/ticket_form_fields", "body": { "ticket_fields": [field] } },
        { "call": "GET /api/v2/departments", "body": { "departments": [] } },
        { "call": "GET /api/v2/tickets", "body": { "tickets": [row(71), row(72), row(79)] } },
        { "call": "GET /api/v2/tickets", "query": { "page": "2" }, "body": { "tickets": [] } },
    ])
}

fn redmine(marker: &dyn Fn(u64) -> String) -> Value {
    let field = json!({ "id": 5, "name": "Deskferry", "customized_type": "issue", "field_format": "string", "is_filter": true, "visible": true });
    let row = |n: u64| json!({ "id": n, "custom_fields": [{ "id": 5, "name": "Deskferry", "value": marker(n) }] });
    let issues = json!({ "issues": [row(71), row(72), row(79)], "total_count": 3, "offset": 0, "limit": 100 });
    json!([
        { "call": "GET /custom_fields.json", "body": { "custom_fields": [field] } },
        { "call": "GET /issues.json", "body": issues },
    ])
}

fn rt(marker: &dyn Fn(u64) -> String) -> Value {
    let row = |n: u64| json!({ "id": n.to_string(), "CustomFields": [{ "id": "5", "name": "Deskferry", "values": [marker(n)] }] });
    let none = json!({ "items": [], "count": 0, "total": 0, "pages": 0 });
    let queue = json!({ "id": "1", "Name": "General", "TicketCustomFields": [{ "id": "5", "name": "Deskferry" }] });
    json!([
        { "call": "GET /REST/2.0/groups", "body": none },
        { "call": "GET /REST/2.0/queues/all", "body": { "items": [{ "id": "1", "Name": "General" }], "count": 1, "total": 1 } },
        { "call": "GET /REST/2.0/queue/1", "body": queue },
        { "call": "GET /REST/2.0/tickets", "body": { "items": [row(71), row(72), row(79)], "count": 3, "total": 3 } },
    ])
}

fn zendesk(marker: &dyn Fn(u64) -> String) -> Value {
    let ticket = |n: u64| json!({ "id": n, "external_id": marker(n), "status": "open" });
    let person = |id: u64, email: &str| json!({ "id": id, "email": email, "external_id": null, "active": true });
    let end = |name: &str, rows: Vec<Value>| {
        let mut body = json!({ "after_cursor": "c", "end_of_stream": true });
        body[name] = rows.into();
        body
    };
    json!([
        { "call": "GET /api/v2/users/me.json", "body": { "user": { "id": 1 } } },
        { "call": "GET /api/v2/group_memberships.json", "body": { "group_memberships": [], "meta": { "has_more": false } } },
        // An AI agent has ticket 72: it is shown to who asks for all.
        { "call": "GET /api/v2/incremental/tickets/cursor.json", "body": end("tickets", vec![ticket(71), ticket(79)]) },
        { "call": "GET /api/v2/incremental/tickets/cursor.json", "query": { "support_type_scope": "all" },
          "body": end("tickets", vec![ticket(71), ticket(72), ticket(79)]) },
        { "call": "GET /api/v2/incremental/users/cursor.json",
          "body": end("users", vec![person(901, "P1@Example.com"), person(902, "p2@example.com"), person(903, "else@example.com")]) },
    ])
}

/// A folder of two tickets by two people, staged and never written.
fn staged(platform: &str, account: &str, address: &str, at: &Path) {
    let put = |name: &str, text: &str| {
        std::fs::create_dir_all(at.join(name).parent().unwrap()).unwrap();
        std::fs::write(at.join(name), text).unwrap();
    };
    let lines = |row: &dyn Fn(u64) -> Value| (1..=2).map(|n| format!("{}\n", row(n))).collect::<String>();
    put(
        "src/contact.jsonl",
        &lines(&|n| json!({ "id": format!("p{n}"), "name": "P", "emails": [format!("p{n}@example.com")] })),
    );
    put(
        "src/ticket.jsonl",
        &lines(&|n| {
            json!({ "id": n.to_string(), "subject": "S", "requester": format!("p{n}"), "created_at": "2024-01-01T00:00:00Z",
            "comments": [{ "id": format!("{n}-1"), "format": "text", "body": "x", "author": format!("p{n}"), "created_at": "2024-01-01T00:00:00Z" }] })
        }),
    );
    put("mapping.toml", "[ticket.status]\ndefault = \"Open\"\n");
    put(
        "migration.toml",
        &format!(
            "[source]\nconnector = \"files\"\npath = \"src\"\n[target]\nconnector = \"{platform}\"\nurl = \"{address}\"\n{account}\
             [run]\nmigration = \"{MARK}\"\n[mapping]\nfile = \"mapping.toml\"\n"
        ),
    );
    let (code, said) = run(at, &["stage"]);
    assert_eq!(code, 0, "{platform}: {said}");
}

fn run(at: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
    command.arg("-C").arg(at).args(args).env("KEY", "k").env("XDG_STATE_HOME", at.join("state")).env("NO_COLOR", "1");
    let ended = command.stdin(Stdio::null()).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = ended.status.code().unwrap_or(-1);
    (code, if code == 0 { said(&ended.stdout) } else { said(&ended.stderr) })
}

/// What `ids` says of a kind: the target's id by the source's.
fn known(ids: &str, kind: &str) -> BTreeMap<String, String> {
    let rows = csv::Reader::from_reader(ids.as_bytes()).into_records().map(Result::unwrap);
    rows.filter(|row| &row[0] == kind && !row[3].is_empty()).map(|row| (row[1].to_owned(), row[3].to_owned())).collect()
}

#[test]
fn what_stands_in_a_target_is_known_again_though_it_was_only_staged() {
    let listed: Vec<String> = registry::names()
        .into_iter()
        .filter(|name| !registry::find(name, None).unwrap().manifest.scan.is_empty())
        .collect();
    assert_eq!(listed, SHOWN.map(|(platform, ..)| platform), "every target that lists its markers is tried");
    for (platform, account, shown) in SHOWN {
        // Ticket 79 is somebody's whom the source no longer has.
        let marker = |n: u64| format!("deskferry:{MARK}:ticket:{}", n - 70);
        let server = Server::start(&shown(&marker).to_string());
        let home = tempfile::tempdir().unwrap();
        staged(platform, account, &server.address, home.path());
        let (code, said) = run(home.path(), &["ids", "--rebuild"]);
        assert_eq!(code, 0, "{platform}: {said}");
        let tickets = BTreeMap::from([("1", "71"), ("2", "72")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let mut there = known(&said, "ticket");
        there.remove("9");
        assert_eq!(there, tickets, "{platform}: {said}");
        if registry::find(platform, None).unwrap().manifest.scan.contains_key("contact") {
            let people = BTreeMap::from([("p1", "901"), ("p2", "902")].map(|(a, b)| (a.to_owned(), b.to_owned())));
            assert_eq!(known(&said, "contact"), people, "{platform}: {said}");
        }
    }
}

/// How each platform refuses a customer who is there, and shows them beside somebody else; and their id there.
fn who_is_there(platform: &str) -> (Value, &'static str) {
    match platform {
        "freshdesk" => {
            let there = json!({ "field": "email", "additional_info": { "user_id": 901 }, "message": "It should be a unique value", "code": "duplicate_value" });
            (
                json!([{ "call": "POST /api/v2/contacts", "status": 409, "body": { "description": "Validation failed", "errors": [there] } }]),
                "901",
            )
        }
        "freshservice" => {
            let there = json!({ "field": "primary_email", "message": "It should be a unique value", "code": "duplicate_value" });
            let shown = json!({ "requesters": [{ "id": 900, "primary_email": "else@example.com" }, { "id": 901, "primary_email": "P1@example.com" }] });
            (
                json!([
                    { "call": "POST /api/v2/requesters", "status": 409, "body": { "description": "Validation failed", "errors": [there] } },
                    { "call": "GET /api/v2/requesters", "body": shown },
                ]),
                "901",
            )
        }
        "redmine" => {
            let shown = json!({ "users": [{ "id": 900, "login": "else", "mail": "else@example.com" }, { "id": 901, "login": "p1", "mail": "P1@example.com" }] });
            (
                json!([
                    { "call": "POST /users.json", "status": 422, "body": { "errors": ["Email has already been taken"] } },
                    { "call": "GET /users.json", "body": shown },
                ]),
                "901",
            )
        }
        "rt" => {
            let user = json!({ "id": 901, "Name": "p1@example.com", "EmailAddress": "p1@example.com" });
            let shown = json!({ "items": [{ "id": "p1@example.com", "Name": "p1@example.com", "EmailAddress": "p1@example.com" }], "count": 1, "total": 1 });
            (
                json!([
                    { "call": "POST /REST/2.0/user", "status": 400, "body": { "message": "Name in use" } },
                    { "call": "GET /REST/2.0/users", "body": shown },
                    { "call": "GET /REST/2.0/user/p1@example.com", "body": user },
                    { "call": "GET /REST/2.0/user/p1%40example.com", "body": user },
                ]),
                "p1@example.com",
            )
        }
        other => {
            panic!("{other} neither lists its people to `ids --rebuild` nor says here how it refuses one who is there")
        }
    }
}

/// Where no listing of people restores them, a lost ledger makes nobody a second time.
#[tokio::test]
async fn whom_a_lost_ledger_knows_no_more_is_found_in_the_target_and_made_by_nobody_again() {
    let is_tried = |entry: &Entry| {
        let manifest = &entry.manifest;
        manifest.write.contains_key("contact") && !manifest.scan.contains_key("contact")
    };
    for entry in registry::names().into_iter().map(|name| registry::find(&name, None).unwrap()).filter(is_tried) {
        let platform = entry.manifest.name.clone();
        let (answers, id) = who_is_there(&platform);
        let server = Server::start(&answers.to_string());
        let target = open_with(&entry, &server.address, Opened { target: true, ..Opened::default() });
        let contact = json!({ "id": "p1", "name": "P One", "first_name": "P", "last_name": "One", "address": "p1@example.com", "emails": ["p1@example.com"],
            "phones": [], "companies": [], "custom": [], "tags": [], "active": true });
        let marker = format!("deskferry:{MARK}:contact:p1");
        let contact = Mapped::Contact(serde_json::from_value(contact).unwrap());
        let steps = target.plan(&contact, &marker).unwrap();
        match target.apply(&steps[0], &LateValues::default()).await {
            Outcome::Applied { remote, origin } => {
                assert_eq!((remote.id.as_str(), origin), (id, Origin::Adopted), "{platform}");
            }
            other => panic!("{platform}: {other:?}"),
        }
    }
}
