//! Request Tracker as a source: who its agents are, where it shows the group they are in and where it does not.

use crate::answers::{json, query_of, serve};
use crate::{Opened, open_with};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use deskferry::connector::Source;
use deskferry::connector::registry;
use deskferry::record::Kind;
use serde_json::{Value, json};

/// Name, and whether the account is privileged; the number is the place plus ten.
const PEOPLE: [(&str, bool); 8] = [
    ("owner@desk.example", true),
    ("worker@desk.example", true),
    ("made.later@desk.example", true),
    ("watcher@desk.example", true),
    ("member@desk.example", true),
    ("login", true),
    ("walk-in", false),
    ("customer@mail.example", false),
];
/// Unprivileged accounts with a login name.
const CROWD: usize = 3_000;

fn list(rows: Vec<Value>, total: usize) -> Response<Body> {
    json(200, &json!({ "items": rows, "total": total, "pages": 1 }))
}

/// The first number behind the one that was asked from.
fn next(query: &str, numbers: &[u64], field: &str) -> Response<Body> {
    let after = query.chars().rev().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit);
    let after: u64 = after.collect::<Vec<_>>().into_iter().rev().collect::<String>().parse().unwrap();
    let found = numbers.iter().find(|number| **number > after);
    list(found.iter().map(|n| json!({ "id": "1", field: { "type": "user", "id": n } })).collect(), numbers.len())
}

fn answer(request: &Request<Body>, shows_groups: bool, crowd: usize) -> Response<Body> {
    let asked = query_of(request);
    let query = asked.get("query").map(String::as_str).unwrap_or_default();
    let link = |n: u64| json!({ "type": "user", "id": n });
    match request.uri().path().trim_start_matches("/REST/2.0") {
        "/groups" if query.contains("SystemInternal") && shows_groups => {
            list(vec![json!({ "id": "4", "Name": "Privileged" })], 1)
        }
        "/groups" => list(vec![json!({ "id": "30", "Name": "Tier 2" })], 1),
        "/group/4/members" => list((10..16).map(link).collect(), 6),
        "/group/30/members" => list(vec![link(14), link(17)], 2),
        "/queues/all" => list(vec![json!({ "id": "1" })], 1),
        "/queue/1" => json(200, &json!({ "Cc": [], "AdminCc": [{ "type": "user", "id": "watcher@desk.example" }] })),
        "/tickets" => next(query, &[10], "Owner"),
        "/transactions" if query.contains("Privileged") => list(vec![json!({ "id": "5", "ObjectId": "12" })], 1),
        // the search ends `…"value":AFTER},…`: what it may not be mistaken for are the words behind it
        "/transactions" => next(query.split("},{\"field\":\"Type\"").next().unwrap(), &[10, 11], "Creator"),
        "/users" if query.contains("NOT LIKE") => list(vec![link(15), link(16)], 2 + crowd),
        "/users" => list(vec![json!({ "id": 13, "Name": "watcher@desk.example" })], 1),
        path => {
            let number: usize = path.trim_start_matches("/user/").parse().unwrap();
            let (name, privileged) = PEOPLE[number - 10];
            json(200, &json!({ "id": number, "Name": name, "Privileged": u8::from(privileged), "EmailAddress": name }))
        }
    }
}

async fn agents(shows_groups: bool, crowd: usize) -> (Vec<String>, u64, Vec<String>) {
    let address = serve(move |_| {
        Router::new().fallback(move |request: Request<Body>| async move { answer(&request, shows_groups, crowd) })
    });
    let entry = registry::find("rt", None).unwrap();
    let source = open_with(&entry, &address, Opened::default());
    let page = source.read(Kind::Agent, None, None).await.unwrap();
    assert_eq!(page.next, None);
    let names = page.rows.iter().map(|row| row.id.clone()).collect();
    (names, source.calls().values().sum(), source.take_notes())
}

#[tokio::test]
async fn agents_are_found_where_rt_shows_their_group_and_where_it_hides_it() {
    let all: Vec<&str> = PEOPLE.iter().filter(|(_, privileged)| *privileged).map(|(name, _)| *name).collect();
    let (old, calls, _) = agents(true, 0).await;
    assert_eq!((old, calls), (all.iter().map(|n| (*n).to_owned()).collect(), 8));
    let (new, _, notes) = agents(false, 0).await;
    assert_eq!((new, notes), (all.iter().map(|n| (*n).to_owned()).collect(), vec![]));
}

#[tokio::test]
async fn customers_with_login_names_are_not_asked_one_by_one() {
    let (found, calls, notes) = agents(false, CROWD).await;
    assert!(!found.contains(&"login".to_owned()) && found.len() == 5, "{found:?}");
    assert!(calls < 30, "{calls} calls");
    assert!(notes.iter().any(|note| note.contains("login name")), "{notes:?}");
}
