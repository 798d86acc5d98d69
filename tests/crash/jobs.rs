//! Many tickets in one call: jobs that are killed, stuck or forgotten, calls that are cut, a client that dies in between. Each ticket
//! is there once in the end, with each of its messages once.

use super::ended;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

const TICKETS: usize = 12;
/// Tickets in a call, as the manifest says.
const MOST: usize = 5;
const DEADLINE: Duration = Duration::from_secs(60);

/// What becomes of the first call of many.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Its job is worked off, and the client hears of neither.
    CallCut,
    /// Nothing came of it, and the client hears nothing.
    CallLost,
    /// The job writes some and is killed.
    Killed,
    /// The job writes some and is at work for ever.
    Stuck,
    /// The job writes some, and nobody knows of it any more.
    Vanished,
    /// The client dies when it has the answer.
    Dies,
    /// Calls of many are not allowed.
    Denied,
    /// One ticket is refused inside the job.
    OneRefused,
}

#[derive(Default)]
struct Desk {
    tickets: Vec<(String, Vec<String>)>,
    jobs: Vec<Value>,
    fault: Option<Fault>,
    /// Calls by their shape.
    calls: HashMap<&'static str, usize>,
    /// Somebody answered in the source since.
    answered: bool,
}

impl Desk {
    fn count(&mut self, call: &'static str) {
        *self.calls.entry(call).or_default() += 1;
    }

    fn write(&mut self, ticket: &Value) -> usize {
        let texts = ticket["messages"].as_array().unwrap().iter().map(|m| m.as_str().unwrap().to_owned()).collect();
        self.tickets.push((ticket["marker"].as_str().unwrap().to_owned(), texts));
        self.tickets.len() - 1
    }
}

#[derive(Clone)]
struct Shared {
    desk: Arc<Mutex<Desk>>,
    reached: Sender<()>,
}

fn source(answered: bool) -> Value {
    let ticket = |n: usize| {
        let mut messages = vec![
            json!({ "id": format!("{n}-1"), "text": "one" }),
            json!({ "id": format!("{n}-2"), "text": "same" }),
            json!({ "id": format!("{n}-3"), "text": "same" }),
        ];
        if answered && n == 3 {
            messages.push(json!({ "id": "3-4", "text": "late" }));
        }
        json!({ "id": n.to_string(), "subject": format!("ticket {n}"), "messages": messages })
    };
    (0..TICKETS).map(ticket).collect()
}

async fn many(State(shared): State<Shared>, Json(body): Json<Value>) -> Response {
    let (fault, answer) = {
        let mut desk = shared.desk.lock().unwrap();
        desk.count("many");
        let tickets = body["tickets"].as_array().unwrap().clone();
        assert!(tickets.len() > 1 && tickets.len() <= MOST, "{}", tickets.len());
        let fault = match desk.fault {
            Some(Fault::Denied) => return StatusCode::FORBIDDEN.into_response(),
            other => other,
        };
        desk.fault = None;
        let written = match fault {
            Some(Fault::CallLost) => 0,
            Some(Fault::Killed | Fault::Stuck | Fault::Vanished) => tickets.len() / 2,
            _ => tickets.len(),
        };
        // In an order of its own, as the vendor's.
        let mut results = Vec::new();
        for (index, ticket) in tickets.iter().enumerate().rev().take(written) {
            results.push(match fault {
                Some(Fault::OneRefused) if index == 1 => json!({ "index": index, "error": "subject: is odd" }),
                _ => json!({ "index": index, "id": desk.write(ticket) }),
            });
        }
        let (status, results) = match fault {
            Some(Fault::Killed) => ("killed", Value::Null),
            Some(Fault::Stuck) => ("working", Value::Null),
            Some(Fault::Vanished) => ("vanished", Value::Null),
            _ => ("completed", json!(results)),
        };
        let id = desk.jobs.len();
        desk.jobs.push(json!({ "id": id, "status": status, "results": results }));
        (fault, json!({ "job": { "id": id, "status": "queued" } }))
    };
    match fault {
        Some(Fault::CallCut | Fault::CallLost) => {
            shared.reached.send(()).unwrap();
            StatusCode::BAD_GATEWAY.into_response()
        }
        Some(Fault::Dies) => {
            shared.reached.send(()).unwrap();
            std::future::pending().await
        }
        _ => Json(answer).into_response(),
    }
}

async fn job(State(shared): State<Shared>, Path(id): Path<usize>) -> Response {
    let job = shared.desk.lock().unwrap().jobs[id].clone();
    if job["status"] == "vanished" {
        return StatusCode::NOT_FOUND.into_response();
    }
    Json(json!({ "job": job })).into_response()
}

async fn single(State(shared): State<Shared>, Json(body): Json<Value>) -> Json<Value> {
    let mut desk = shared.desk.lock().unwrap();
    desk.count("single");
    Json(json!({ "ticket": { "id": desk.write(&body["ticket"]) } }))
}

async fn changes(State(shared): State<Shared>, Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let mut desk = shared.desk.lock().unwrap();
    assert!(query.contains_key("since"));
    desk.count("changes");
    let row = |(id, (marker, _)): (usize, &(String, Vec<String>))| json!({ "id": id, "marker": marker });
    Json(json!({ "tickets": desk.tickets.iter().enumerate().map(row).collect::<Vec<_>>() }))
}

async fn show(State(shared): State<Shared>, Path(id): Path<usize>) -> Json<Value> {
    let desk = shared.desk.lock().unwrap();
    let rows = desk.tickets[id].1.iter().enumerate().map(|(at, text)| json!({ "id": at, "text": text }));
    Json(json!({ "id": id, "messages": rows.collect::<Vec<_>>() }))
}

async fn append(State(shared): State<Shared>, Path(id): Path<usize>, Json(body): Json<Value>) -> Json<Value> {
    let mut desk = shared.desk.lock().unwrap();
    desk.count("append");
    desk.tickets[id].1.push(body["text"].as_str().unwrap().to_owned());
    Json(json!({}))
}

async fn listed(State(shared): State<Shared>) -> Json<Value> {
    Json(json!({ "tickets": source(shared.desk.lock().unwrap().answered) }))
}

struct Move {
    project: TempDir,
    desk: Arc<Mutex<Desk>>,
    reached: Receiver<()>,
}

impl Move {
    fn new(fault: Option<Fault>) -> Move {
        let desk = Arc::new(Mutex::new(Desk { fault, ..Desk::default() }));
        let (reached, news) = std::sync::mpsc::channel();
        let shared = Shared { desk: desk.clone(), reached };
        let me = || get(|| async { Json(json!({ "ok": true })) });
        let app = Router::new()
            .route("/src/me", me())
            .route("/dst/me", me())
            .route("/src/tickets", get(listed))
            .route("/dst/tickets", post(single))
            .route("/dst/tickets/many", post(many))
            .route("/dst/jobs/{id}", get(job))
            .route("/dst/changes", get(changes))
            .route("/dst/tickets/{id}", get(show))
            .route("/dst/tickets/{id}/messages", post(append))
            .with_state(shared);
        let address = super::vendor::serve(app);
        let project = tempfile::tempdir().unwrap();
        let account =
            |side: &str| format!("connector = \"jobs\"\nurl = \"{address}/{side}\"\ntoken = {{ env = \"T\" }}\n");
        let text = format!("[source]\n{}[target]\n{}[run]\nsettle = \"1s\"\n", account("src"), account("dst"));
        std::fs::write(project.path().join("migration.toml"), text).unwrap();
        std::fs::create_dir(project.path().join("connectors")).unwrap();
        std::fs::write(project.path().join("connectors/jobs.toml"), include_str!("jobs.toml")).unwrap();
        Move { project, desk, reached: news }
    }

    fn start(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.arg("-C").arg(self.project.path()).args(["run"]).env("T", "t");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self) -> Output {
        ended(self.start())
    }

    fn ends_well(&self, what: &str) {
        let output = self.run();
        assert_eq!(output.status.code(), Some(0), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        self.holds_all_once(what);
    }

    fn holds_all_once(&self, what: &str) {
        let desk = self.desk.lock().unwrap();
        let mut markers: Vec<&str> = desk.tickets.iter().map(|(marker, _)| marker.as_str()).collect();
        markers.sort_unstable();
        markers.dedup();
        assert_eq!((markers.len(), desk.tickets.len()), (TICKETS, TICKETS), "{what}");
        let whole = |(_, texts): &&(String, Vec<String>)| texts[..3] == ["one", "same", "same"];
        assert_eq!(desk.tickets.iter().filter(whole).count(), TICKETS, "{what}: {:?}", desk.tickets);
    }

    fn calls(&self, call: &str) -> usize {
        self.desk.lock().unwrap().calls.get(call).copied().unwrap_or_default()
    }
}

/// Of a run that makes something: whether somebody else's markers are there, before the first ticket and after the last one.
const LOOKS: usize = 2;

#[test]
fn tickets_go_in_as_few_calls_as_there_is_room_with_their_messages() {
    let all = Move::new(None);
    all.ends_well("a first run");
    assert_eq!((all.calls("many"), all.calls("append"), all.calls("changes")), (TICKETS.div_ceil(MOST), 0, LOOKS));
    all.ends_well("a second run");
    assert_eq!(all.calls("many"), TICKETS.div_ceil(MOST), "a second run writes nothing");
}

#[test]
fn a_call_or_a_job_whose_end_is_not_known_writes_no_ticket_twice_and_loses_none() {
    for fault in [Fault::CallCut, Fault::CallLost, Fault::Killed, Fault::Stuck, Fault::Vanished] {
        let all = Move::new(Some(fault));
        all.ends_well(&format!("{fault:?}"));
        assert!(
            (LOOKS + 1..=LOOKS + 4).contains(&all.calls("changes")),
            "{fault:?}: {} walks for {MOST} tickets",
            all.calls("changes")
        );
    }
}

#[test]
fn a_kill_between_the_call_and_its_job_is_settled_by_one_walk_over_the_changes() {
    let all = Move::new(Some(Fault::Dies));
    let mut child = all.start();
    all.reached.recv_timeout(DEADLINE).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    all.ends_well("after the kill");
    // Both runs look before they make anything, and the second one at its end.
    let walks = all.calls("changes") - LOOKS - 1;
    assert!((1..=4).contains(&walks), "{walks} walks");
}

#[test]
fn where_calls_of_many_are_not_allowed_tickets_go_one_by_one() {
    let all = Move::new(Some(Fault::Denied));
    all.ends_well("denied");
    assert_eq!(all.calls("single"), TICKETS);
    assert!(all.calls("many") <= 3, "it is not asked again and again");
}

#[test]
fn a_ticket_that_is_refused_inside_a_job_fails_alone() {
    let all = Move::new(Some(Fault::OneRefused));
    let output = all.run();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("subject: is odd (invalid)"), "{stderr}");
    assert_eq!(all.desk.lock().unwrap().tickets.len(), TICKETS - 1);
}

#[test]
fn a_message_that_comes_later_is_added_to_its_ticket() {
    let all = Move::new(None);
    all.ends_well("a first run");
    all.desk.lock().unwrap().answered = true;
    all.ends_well("a later run");
    assert_eq!(all.calls("append"), 1);
    let desk = all.desk.lock().unwrap();
    let answered: Vec<_> = desk.tickets.iter().filter(|(_, texts)| texts.len() == 4).collect();
    assert_eq!(answered.len(), 1, "{:?}", desk.tickets);
    assert_eq!(answered[0].1[3], "late");
    assert!(answered[0].0.ends_with(":ticket:3"), "{}", answered[0].0);
}
