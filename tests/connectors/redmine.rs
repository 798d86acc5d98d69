//! Redmine: people are listed by their state, one list each, as every version takes it.

use crate::answers::{json, query_of, serve};
use crate::{Opened, open_with};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use deskferry::connector::registry;
use deskferry::connector::{Assemble, Source};
use deskferry::record::{Body as Of, Kind};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Of each state more than a page holds.
const PEOPLE: u64 = 130;

/// As 6.0 answers: a state of its own is needed. Rows say nobody's state, as those of 5.0.
fn answer(request: &Request<Body>) -> Response<Body> {
    let asked = query_of(request);
    let number = |key: &str, or: u64| asked.get(key).map_or(or, |text| text.parse().unwrap());
    let (offset, limit) = (number("offset", 0), number("limit", 25).min(100));
    match request.uri().path() {
        "/projects.json" => json(200, &json!({ "projects": [], "total_count": 0 })),
        "/users.json" => match asked.get("status").map(String::as_str) {
            Some(state @ ("1" | "2" | "3")) => {
                let all: Vec<Value> = (0..PEOPLE)
                    .map(|n| json!({ "id": n * 10 + state.parse::<u64>().unwrap(), "login": format!("p{n}"), "admin": false }))
                    .collect();
                let page: Vec<&Value> = all.iter().skip(offset as usize).take(limit as usize).collect();
                json(200, &json!({ "users": page, "total_count": PEOPLE, "offset": offset, "limit": limit }))
            }
            _ => json(422, &json!({ "errors": ["Status is invalid"] })),
        },
        _ => json(404, &Value::Null),
    }
}

#[tokio::test]
async fn people_of_every_state_are_read_and_who_is_locked_is_not_active() {
    let address = serve(|_| Router::new().fallback(|request: Request<Body>| async move { answer(&request) }));
    let source = open_with(&registry::find("redmine", None).unwrap(), &address, Opened::default());
    // One that stands on two pages is one in the stage.
    let (mut active, mut others, mut cursor) = (BTreeSet::new(), BTreeSet::new(), None);
    loop {
        let page = source.read(Kind::Contact, cursor.as_deref(), None).await.unwrap();
        for row in page.rows {
            let record = source.assemble(Kind::Contact, &row.raw, &Default::default()).unwrap();
            let Of::Contact(person) = record.body else { panic!("no contact") };
            let is_active = row.id.ends_with('1');
            assert_eq!(person.active, is_active, "{}", row.id);
            if is_active { &mut active } else { &mut others }.insert(row.id);
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((active.len() as u64, others.len() as u64), (PEOPLE, 2 * PEOPLE));
}
