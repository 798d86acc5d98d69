//! Parameters that a vendor declines: the list is read the plain way, which is told, and never counts for more than it is.

use crate::answers::{json, query_of};
use crate::lists::{ids, open, pages};
use axum::body::Body;
use axum::http::{Request, Response};
use deskferry::connector::rest::Rest;
use deskferry::connector::{Source, Unread};
use deskferry::error::Reason;
use deskferry::record::Kind;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Asked = Arc<Mutex<Vec<String>>>;

/// Freshdesk's own words about a parameter.
fn invalid(field: &str) -> Response<Body> {
    let error = json!({ "field": field, "message": "Unexpected/invalid field in request", "code": "invalid_field" });
    json(400, &json!({ "description": "Validation failed", "errors": [error] }))
}

/// A Freshdesk of one ticket, which says of a question what it declines. With what its lists of tickets were asked.
fn freshdesk(declines: impl Fn(&str, &str) -> Option<&'static str> + Clone + Send + Sync + 'static) -> (Rest, Asked) {
    let asked = Asked::default();
    let told = asked.clone();
    let source = open("freshdesk", move |request: &Request<Body>| {
        let query = query_of(request);
        match request.uri().path() {
            "/api/v2/tickets" => {}
            path if path.ends_with("/rules") => return json(200, &json!({ "rules": [] })),
            _ => return json(200, &json!([])),
        }
        let of = |key: &str| query.get(key).cloned().unwrap_or_default();
        let (filter, include) = (of("filter"), of("include"));
        told.lock().unwrap().push(format!("{filter} {include}"));
        match declines(&filter, &include) {
            Some(field) => invalid(field),
            None if filter.is_empty() => {
                json(200, &json!([{ "id": 1, "status": 2, "description": "d", "updated_at": "2024-01-01T00:00:00Z" }]))
            }
            None => json(200, &json!([])),
        }
    });
    (source, asked)
}

#[tokio::test]
async fn an_include_that_is_declined_is_asked_for_in_part_and_only_once() {
    let (source, asked) = freshdesk(|_, include| include.contains("stats").then_some("include"));
    let read = pages(&source, Kind::Ticket, None, None).await.unwrap();
    assert_eq!(ids(&read).len(), 1);
    let asked = asked.lock().unwrap();
    assert_eq!(asked.iter().filter(|one| one.contains("stats")).count(), 1, "{asked:?}");
    assert!(asked.iter().any(|one| one == "deleted description"), "{asked:?}");
    let notes = source.take_notes().join("\n");
    assert!(notes.contains("Freshdesk refuses `include`") && notes.contains("resolved"), "{notes}");
    assert!(read.last().unwrap().bookmark.as_ref().is_none_or(|at| !Unread::is_behind(at)), "every ticket is in it");
}

#[tokio::test]
async fn a_list_without_texts_is_none_and_fails() {
    let (source, _) = freshdesk(|_, include| (!include.is_empty()).then_some("include"));
    assert_eq!(pages(&source, Kind::Ticket, None, None).await.unwrap_err().reason, Reason::Invalid);
}

#[tokio::test]
async fn a_list_of_deleted_tickets_that_is_declined_is_left_for_the_next_run() {
    let (source, asked) = freshdesk(|filter, _| (filter == "deleted").then_some("updated_since"));
    let read = pages(&source, Kind::Ticket, None, None).await.unwrap();
    assert_eq!(ids(&read).len(), 1, "all others are read");
    let notes = source.take_notes().join("\n");
    assert!(notes.contains("filter `deleted`") && notes.contains("are not read"), "{notes}");
    let bookmark = read.last().unwrap().bookmark.clone().unwrap();
    assert!(Unread::is_behind(&bookmark));
    asked.lock().unwrap().clear();
    let since = Some("2026-01-01T00:00:00Z".parse().unwrap());
    pages(&source, Kind::Ticket, Some(bookmark), since).await.unwrap();
    assert!(asked.lock().unwrap().iter().any(|one| one.starts_with("deleted ")), "it is asked for again");
}

#[tokio::test]
async fn a_refusal_that_names_no_parameter_fails_the_list() {
    let (source, _) = freshdesk(|filter, _| filter.is_empty().then_some("order_by"));
    assert_eq!(pages(&source, Kind::Ticket, None, None).await.unwrap_err().reason, Reason::Invalid);
}

/// A Zendesk of one ticket that knows no support types, with the queries of its export.
fn zendesk() -> (Rest, Asked) {
    let asked = Asked::default();
    let told = asked.clone();
    let source = open("zendesk", move |request: &Request<Body>| {
        let path = request.uri().path().trim_start_matches("/api/v2/");
        if path != "incremental/tickets/cursor.json" {
            let list = path.split('/').next_back().unwrap().trim_end_matches(".json");
            return json(200, &json!({ list: [], "sla_policies": [], "records": [], "meta": { "has_more": false } }));
        }
        let query = request.uri().query().unwrap_or_default().to_owned();
        let declines = query.contains("support_type_scope");
        told.lock().unwrap().push(query);
        if declines {
            let said = "You passed an invalid value for the support_type_scope attribute. Invalid parameter";
            return json(400, &json!({ "error": { "title": "Invalid attribute", "message": said } }));
        }
        let ticket = json!({ "id": 1, "status": "open", "updated_at": "2024-01-01T00:00:00Z" });
        json(200, &json!({ "tickets": [ticket], "after_cursor": "c1", "end_of_stream": true }))
    });
    (source, asked)
}

#[tokio::test]
async fn a_list_that_may_lack_tickets_is_read_whole_again_by_the_next_run() {
    let (source, asked) = zendesk();
    let read = pages(&source, Kind::Ticket, None, None).await.unwrap();
    assert_eq!(ids(&read).len(), 1);
    let notes: Vec<Value> = source.take_notes().into_iter().map(Value::from).collect();
    let is_told = |note: &&Value| note.as_str().unwrap().contains("tickets of AI agents may not be in it");
    assert_eq!(notes.iter().filter(is_told).count(), 1, "{notes:?}");
    let bookmark = read.last().unwrap().bookmark.clone().unwrap();
    assert!(Unread::is_behind(&bookmark) && !bookmark.contains("c1"), "{bookmark:?}");
    let (source, again) = zendesk();
    let since = Some("2026-01-01T00:00:00Z".parse().unwrap());
    pages(&source, Kind::Ticket, Some(bookmark), since).await.unwrap();
    let again = again.lock().unwrap();
    assert!(
        again[0].contains("support_type_scope=all") && again.iter().all(|one| one.contains("start_time=1")),
        "{again:?}"
    );
    assert!(asked.lock().unwrap().iter().all(|one| one.contains("comment_count")));
}
