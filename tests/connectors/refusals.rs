//! What a write is taken for by its answer: nothing is done because somebody on the way says so, and nothing is sent twice.

use crate::answers::{json, serve};
use crate::{Opened, open_with};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use deskferry::connector::mapped::{Mapped, MappedLink};
use deskferry::connector::plan::{LateValues, Step};
use deskferry::connector::registry;
use deskferry::connector::rest::Rest;
use deskferry::connector::{Outcome, Planner, Target};
use deskferry::ledger::Origin;
use deskferry::record::{LinkType, Outputs};
use serde_json::json as value;
use std::sync::{Arc, Mutex};

const MARKER: &str = "deskferry:L:ticket:7";
const PAGE: &str = "<!DOCTYPE html><html><title>Sign in</title></html>";

/// A target that gives one answer to all writes of a kind, and what it was asked: whether in somebody's name.
struct Desk {
    target: Rest,
    asked: Arc<Mutex<Vec<bool>>>,
}

const AS_SOMEBODY: &str = "x-redmine-switch-user";

impl Desk {
    /// `answer` is told whether a write is in somebody's name.
    fn open(platform: &str, answer: impl Fn(bool) -> (u16, &'static str) + Send + Sync + Clone + 'static) -> Desk {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let address = serve(move |_| {
            Router::new().fallback(move |request: Request<Body>| {
                let (answer, log) = (answer.clone(), Arc::clone(&log));
                async move {
                    if request.method() == "GET" {
                        return json(200, &value!({"user": {"id": 9, "phone": null}}));
                    }
                    let as_somebody = request.headers().contains_key(AS_SOMEBODY);
                    log.lock().unwrap().push(as_somebody);
                    let (status, body) = answer(as_somebody);
                    Response::builder().status(status).body(Body::from(body)).unwrap()
                }
            })
        });
        let entry = registry::find(platform, None).unwrap();
        Desk { target: open_with(&entry, &address, Opened { target: true, ..Opened::default() }), asked }
    }

    /// The step of this name, and what the steps before it are taken to have made.
    fn step(&self, mapped: &Mapped, name: &str) -> (Step, LateValues) {
        let mut late = LateValues::default();
        for step in self.target.plan(mapped, MARKER).unwrap() {
            if step.key.step == name {
                return (step, late);
            }
            late.put(step.key, Outputs::from([("id".to_owned(), "9".into()), ("id_number".to_owned(), 9.into())]));
        }
        panic!("no step {name}");
    }

    fn asked(&self) -> Vec<bool> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// An issue with a note, both written by people of the target.
fn issue() -> Mapped {
    let said = |id: &str, body: &str| {
        value!({"id": id, "body": body, "body_by_api": body, "private": false, "author": {"id": "4", "login": "ann", "kind": "agent"},
        "author_by_api": null, "attachments": [], "uploads": []})
    };
    let issue = value!({"id": "7", "subject": "Printer", "status": {"id": "1", "label": "New"}, "priority": {"id": "2", "label": "Normal"},
        "type": {"id": "3", "label": "Support"}, "group": {"id": "1"}, "assignee": null, "requester": {"id": "4"}, "watchers": [], "tags": [], "custom": [],
        "created_at": null, "due_at": null, "file_sizes": [], "rating": null, "time_entries": [],
        "comments": [said("1", "It smokes"), said("2", "Still does")]});
    Mapped::Ticket(serde_json::from_value(issue).unwrap())
}

#[tokio::test]
async fn what_is_refused_under_its_author_is_not_sent_again_before_it_was_looked_for() {
    for (status, body) in
        [(403, ""), (412, ""), (403, r#"{"errors":["Forbidden"]}"#), (412, r#"{"errors":["Forbidden"]}"#)]
    {
        let desk = Desk::open("redmine", move |as_somebody| match as_somebody {
            true => (status, body),
            false => (201, r#"{"issue":{"id":12}}"#),
        });
        for name in ["create", "append"] {
            let (step, late) = desk.step(&issue(), name);
            let refused = desk.target.apply(&step, &late).await;
            assert!(matches!(refused, Outcome::Otherwise(_)), "{name} {status} {body:?}: {refused:?}");
            assert_eq!(desk.asked(), [true], "{name}: nothing went out after the refusal");
            let done = desk.target.apply_otherwise(&step, &late).await;
            assert!(matches!(done, Outcome::Applied { .. }), "{name}: {done:?}");
            assert_eq!(desk.asked(), [false]);
        }
    }
}

#[tokio::test]
async fn the_other_form_that_is_refused_too_has_no_third() {
    let desk = Desk::open("redmine", |_| (403, ""));
    let (step, late) = desk.step(&issue(), "append");
    let refused = desk.target.apply_otherwise(&step, &late).await;
    assert!(matches!(refused, Outcome::Denied(_)), "{refused:?}");
}

#[tokio::test]
async fn a_refusal_without_a_word_proves_not_that_nothing_was_written() {
    for (status, body, is_proof) in [
        (404, "", false),
        (405, " ", false),
        (400, "", false),
        (413, "", false),
        (401, "", false),
        (422, PAGE, false),
        (422, r#"{"errors":["Subject is too long"]}"#, true),
    ] {
        let desk = Desk::open("redmine", move |_| (status, body));
        for name in ["create", "append"] {
            let (step, late) = desk.step(&issue(), name);
            let refused = desk.target.apply(&step, &late).await;
            let proven = matches!(refused, Outcome::Rejected(_));
            assert_eq!(proven, is_proof, "{name} {status} {body:?}: {refused:?}");
            assert!(proven || matches!(refused, Outcome::Denied(_)), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn an_update_is_done_or_not_needed_by_the_platforms_own_word_alone() {
    let done = |outcome: &Outcome| match outcome {
        Outcome::Applied { origin: Origin::Created, .. } => "done",
        Outcome::Applied { .. } => "not needed",
        Outcome::Rejected(_) => "refused",
        Outcome::Unknown(_) => "unknown",
        _ => "else",
    };
    let contact = value!({"id": "5", "name": "Cara", "address": "cara@mail.example", "emails": ["cara@mail.example"], "phones": ["+491"],
        "companies": ["41"]});
    let contact = Mapped::Contact(serde_json::from_value(contact).unwrap());
    for (status, body, expected) in [
        (201, r#"{"organization_membership":{"id":3}}"#, "done"),
        (204, "", "done"),
        (200, "", "done"),
        (200, PAGE, "unknown"),
        (200, r#"{"error":"down for maintenance"}"#, "unknown"),
        (422, r#"{"error":"RecordInvalid","description":"Record validation errors","details":{}}"#, "not needed"),
        (403, r#"{"error":{"title":"Forbidden","message":"You do not have access to this page."}}"#, "not needed"),
        (422, PAGE, "refused"),
        (403, PAGE, "refused"),
        (403, "", "refused"),
        (403, "Request blocked", "refused"),
    ] {
        let desk = Desk::open("zendesk", move |_| (status, body));
        for name in ["fill", "organization"] {
            let (step, late) = desk.step(&contact, name);
            let outcome = desk.target.apply(&step, &late).await;
            assert_eq!(done(&outcome), expected, "{name} {status} {body:?}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_link_is_made_by_no_page_that_wants_a_login() {
    for (platform, link_type, name) in
        [("freshdesk", LinkType::ParentOf, "parent"), ("redmine", LinkType::Related, "relate")]
    {
        let mapped = Mapped::Link(MappedLink { id: "l".into(), from: "7".into(), to: "8".into(), link_type });
        let desk = Desk::open(platform, |_| (200, PAGE));
        let (step, late) = desk.step(&mapped, name);
        let outcome = desk.target.apply(&step, &late).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{platform}: {outcome:?}");
        let desk = Desk::open(platform, |_| (400, "<p>parent_id has already been taken</p>"));
        let refused = desk.target.apply(&step, &late).await;
        assert!(matches!(refused, Outcome::Rejected(_) | Outcome::Denied(_)), "{platform}: {refused:?}");
    }
}
