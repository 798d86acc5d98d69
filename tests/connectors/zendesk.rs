//! Zendesk read by the binary: how many calls each way takes, and that a kill between pages is no loss.

use crate::answers::{Server, json, query_of, serve};
use crate::{Opened, open_with};
use axum::Router;
use axum::body;
use axum::extract::State;
use axum::http::{Request, Response};
use deskferry::connector::registry;
use deskferry::connector::{Assemble, ChildRows, Source};
use deskferry::record::{Body, Kind};
use deskferry::staging::Staging;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(120);
/// Messages of a ticket, and events that are none.
const COMMENTS: u64 = 3;
const EVENTS: u64 = 4;

#[derive(Default)]
struct Desk {
    tickets: u64,
    /// Tickets whose comments are not all in the stream of events.
    older: Vec<u64>,
    /// Tickets with a comment that was redacted afterwards.
    redacted: Vec<u64>,
    /// Events of side conversations, of the ticket of their number; where there are none, they are not read. An empty list: the plan
    /// lacks them.
    beside: Option<Vec<u64>>,
    /// Tickets answered since, in order.
    answered: Vec<u64>,
    calls: BTreeMap<String, u64>,
    queries: Vec<String>,
    /// The call that is never answered: its path, and how often it is answered before.
    stuck: Option<(&'static str, u64)>,
}

#[derive(Clone)]
struct Shared {
    address: String,
    desk: Arc<Mutex<Desk>>,
    reached: Sender<()>,
}

struct Account {
    project: TempDir,
    desk: Arc<Mutex<Desk>>,
    reached: Receiver<()>,
}

impl Account {
    /// `incremental` and `others`: what the two limits allow. They decide which way is the quicker one.
    fn new(desk: Desk, incremental: &str, others: &str) -> Account {
        let beside = if desk.beside.is_some() { "yes" } else { "no" };
        let desk = Arc::new(Mutex::new(desk));
        let (reached, news) = std::sync::mpsc::channel();
        let shared = desk.clone();
        let address = serve(move |address| {
            let shared = Shared { address: address.to_owned(), desk: shared, reached };
            Router::new().fallback(answer).with_state(shared)
        });
        let project = tempfile::tempdir().unwrap();
        let text = format!(
            "[source]\nconnector = \"zendesk\"\nurl = \"{address}\"\nemail = \"a@b.c\"\ntoken = {{ env = \"T\" }}\n\
             side_conversations = \"{beside}\"\n[target]\nconnector = \"fake\"\nurl = \"{address}/dst\"\ntoken = {{ env = \"T\" }}\n"
        );
        std::fs::write(project.path().join("migration.toml"), text).unwrap();
        let connectors = project.path().join("connectors");
        std::fs::create_dir(&connectors).unwrap();
        std::fs::write(connectors.join("fake.toml"), include_str!("../crash/fake.toml")).unwrap();
        let manifest = include_str!("../../connectors/zendesk.toml");
        let paced =
            manifest.replace("\"10/m\"", &format!("\"{incremental}\"")).replace("\"200/m\"", &format!("\"{others}\""));
        assert_ne!(manifest, paced);
        std::fs::write(connectors.join("zendesk.toml"), paced).unwrap();
        Account { project, desk, reached: news }
    }

    fn start(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.arg("-C").arg(self.project.path()).args(["--json", "-v", "stage"]).env("T", "t");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Stages to the end. What was said.
    fn stage(&self) -> String {
        let mut child = self.start();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < DEADLINE, "staging does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let said = format!("{}\n{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }

    fn killed_at(&self, path: &'static str, answered: u64) {
        self.desk.lock().unwrap().stuck = Some((path, answered));
        let mut child = self.start();
        self.reached.recv_timeout(DEADLINE).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        self.desk.lock().unwrap().stuck = None;
    }

    /// Calls whose path holds this text, since the last time.
    fn calls(&self, part: &str) -> u64 {
        self.desk.lock().unwrap().calls.iter().filter(|(path, _)| path.contains(part)).map(|(_, n)| n).sum()
    }

    fn forget(&self) {
        let mut desk = self.desk.lock().unwrap();
        desk.calls.clear();
        desk.queries.clear();
    }

    /// Each ticket's comments as they stand in the stage: ids in order.
    fn staged(&self) -> BTreeMap<String, Vec<String>> {
        self.staged_below("comment")
    }

    fn staged_below(&self, stream: &str) -> BTreeMap<String, Vec<String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let staging = Staging::open(self.project.path()).unwrap();
            let mut staged = BTreeMap::new();
            for row in staging.rows("ticket").await.unwrap() {
                let id = row["id"].to_string();
                let children = staging.children("ticket", &id).await.unwrap();
                let mut ids: Vec<String> = children[stream].iter().map(|c| c["id"].to_string()).collect();
                ids.sort();
                staged.insert(id, ids);
            }
            staged
        })
    }

    fn expected(&self) -> BTreeMap<String, Vec<String>> {
        let desk = self.desk.lock().unwrap();
        let ids = |ticket: u64| {
            let mut ids: Vec<String> = comments(&desk, ticket).iter().map(|c| c["id"].to_string()).collect();
            ids.sort();
            ids
        };
        (1..=desk.tickets).map(|ticket| (ticket.to_string(), ids(ticket))).collect()
    }
}

fn comment(id: u64, body: &str) -> Value {
    json!({"id": id, "type": "Comment", "author_id": 9, "body": body, "html_body": format!("<p>{body}</p>"), "public": true,
           "attachments": [], "audit_id": id + 1, "created_at": "2022-03-17T16:03:07Z", "via": {"channel": "api"}})
}

/// The comments of a ticket, with those added since.
fn comments(desk: &Desk, ticket: u64) -> Vec<Value> {
    let times = desk.answered.iter().filter(|t| **t == ticket).count() as u64;
    (0..COMMENTS + times).map(|n| comment(ticket * 100 + n, "text")).collect()
}

/// The stream of events in the order of their time, which is their place.
fn events(desk: &Desk) -> Vec<Value> {
    let event =
        |ticket: u64, child: Value| json!({"ticket_id": ticket, "event_type": "Audit", "child_events": [child]});
    let comment_event = |ticket: u64, n: u64| {
        let mut child = comment(ticket * 100 + n, "text");
        child["event_type"] = "Comment".into();
        event(ticket, child)
    };
    let mut all = Vec::new();
    for ticket in 1..=desk.tickets {
        let first = if desk.older.contains(&ticket) { 1 } else { 0 };
        all.extend((first..COMMENTS).map(|n| comment_event(ticket, n)));
        let kind = if desk.redacted.contains(&ticket) { "CommentRedactionEvent" } else { "Change" };
        all.extend((COMMENTS..EVENTS).map(|n| event(ticket, json!({"id": ticket * 100 + 50 + n, "event_type": kind}))));
    }
    let mut times = BTreeMap::new();
    for ticket in &desk.answered {
        let n = times.entry(ticket).or_insert(COMMENTS);
        all.push(comment_event(*ticket, *n));
        *n += 1;
    }
    all
}

fn ticket(desk: &Desk, address: &str, id: u64) -> Value {
    let count = comments(desk, id).len();
    json!({"id": id, "url": format!("{address}/api/v2/tickets/{id}.json"), "subject": "s", "status": "open", "tags": [],
           "updated_at": format!("2022-03-17T16:03:{count:02}Z"), "generated_timestamp": count, "comment_count": count})
}

async fn answer(State(shared): State<Shared>, request: Request<body::Body>) -> Response<body::Body> {
    let path = request.uri().path().strip_prefix("/api/v2").unwrap_or_default().to_owned();
    let query = query_of(&request);
    let stuck = {
        let mut desk = shared.desk.lock().unwrap();
        *desk.calls.entry(path.clone()).or_default() += 1;
        desk.queries.push(format!("{path}?{}", request.uri().query().unwrap_or_default()));
        match &mut desk.stuck {
            Some((at, before)) if path.contains(*at) => {
                let now = *before == 0;
                *before = before.saturating_sub(1);
                now
            }
            _ => false,
        }
    };
    if stuck {
        let _ = shared.reached.send(());
        std::future::pending::<()>().await;
    }
    let desk = shared.desk.lock().unwrap();
    let number = |name: &str| query.get(name).and_then(|v| v.parse::<usize>().ok());
    let list = |name: &str, rows: Vec<Value>| json(200, &json!({name: rows, "meta": {"has_more": false}}));
    match path.as_str() {
        "/incremental/tickets/cursor.json" => {
            // The cursor is a place in the feed: all tickets, then those that changed.
            let feed: Vec<u64> = (1..=desk.tickets).chain(desk.answered.iter().copied()).collect();
            let from = number("cursor").unwrap_or(0).min(feed.len());
            let to = (from + 1000).min(feed.len());
            let rows: Vec<Value> = feed[from..to].iter().map(|id| ticket(&desk, &shared.address, *id)).collect();
            json(200, &json!({"tickets": rows, "after_cursor": to.to_string(), "end_of_stream": to == feed.len()}))
        }
        "/incremental/ticket_events.json" => {
            // Asked from a time on: its own event comes again.
            let all = events(&desk);
            let from = number("start_time").unwrap_or(1).max(1) - 1;
            let to = (from + 1000).min(all.len());
            let rows = all.get(from..to).unwrap_or_default();
            json(
                200,
                &json!({"ticket_events": rows, "count": rows.len(), "end_time": to, "end_of_stream": to == all.len()}),
            )
        }
        "/tickets/side_conversations/events.json" => match desk.beside.as_deref().unwrap_or_default() {
            [] => json(403, &json!({"error": {"message": "no such add-on"}})),
            all => {
                // Short pages, the last of which names no further one.
                let from = number("start_time").unwrap_or(1).max(1) - 1;
                let to = (from + 2).min(all.len());
                let event = |n: usize| json!({"id": format!("e{n}"), "ticket_id": all[n], "type": "create"});
                let rows: Vec<Value> = (from..to).map(event).collect();
                let next = (to < all.len()).then(|| format!("{}{path}?start_time={to}", shared.address));
                json(200, &json!({"events": rows, "count": rows.len(), "end_time": to, "next_page": next}))
            }
        },
        "/incremental/users/cursor.json" => {
            json(200, &json!({"users": [], "identities": [], "after_cursor": "u", "end_of_stream": true}))
        }
        "/incremental/organizations.json" => {
            json(200, &json!({"organizations": [], "count": 0, "end_time": 5, "end_of_stream": true}))
        }
        "/user_fields.json" | "/custom_statuses.json" => json(403, &json!({"error": {"message": "not in your plan"}})),
        "/slas/policies.json" => list("sla_policies", vec![]),
        // An account without a help center.
        other if other.starts_with("/help_center/") || other.starts_with("/guide/") => {
            json(404, &json!({"error": "RecordNotFound"}))
        }
        other if other.ends_with("/side_conversations.json") => {
            json(403, &json!({"error": {"message": "no such add-on"}}))
        }
        other => match other.strip_prefix("/tickets/").and_then(|rest| rest.strip_suffix("/comments.json")) {
            Some(id) => list("comments", comments(&desk, id.parse().unwrap())),
            None => list(other.trim_start_matches('/').trim_end_matches(".json"), vec![]),
        },
    }
}

const QUICK: &str = "60000/m";

#[test]
fn comments_of_a_large_account_take_tens_of_calls() {
    let desk = Desk { tickets: 2_000, older: vec![7], redacted: vec![1_234], ..Desk::default() };
    let account = Account::new(desk, QUICK, "200/m");
    let said = account.stage();
    assert!(said.contains("comments are read in bulk: about 16 calls"), "{said}");
    assert_eq!(account.staged(), account.expected());
    // 8,000 events, less the one that is missing, in pages of 1,000, the first of which is the last of the page before.
    assert_eq!(account.calls("/incremental/ticket_events"), 9);
    assert_eq!(account.calls("/comments.json"), 2, "the one whose comments are not all there, and the redacted one");
    assert!(said.contains("of 2 tickets: they are read by the ticket"), "{said}");
}

#[test]
fn a_small_account_is_read_by_the_ticket_and_to_the_same_end() {
    let desk = || Desk { tickets: 40, older: vec![3], ..Desk::default() };
    let by_ticket = Account::new(desk(), "120/m", QUICK);
    assert!(by_ticket.stage().contains("comments are read by the ticket"));
    assert_eq!((by_ticket.calls("/comments.json"), by_ticket.calls("/ticket_events")), (40, 0));
    let in_bulk = Account::new(desk(), QUICK, "200/m");
    in_bulk.stage();
    assert_eq!(in_bulk.staged(), by_ticket.staged());
    assert_eq!((in_bulk.calls("/comments.json"), in_bulk.calls("/ticket_events")), (1, 1));
}

#[test]
fn a_kill_between_pages_reads_no_page_twice_but_the_one_in_flight() {
    // What came since the list of tickets began is asked for at its end.
    for (path, whole, since) in [("/incremental/tickets/cursor", 2, 1), ("/incremental/ticket_events", 5, 0)] {
        let account = Account::new(Desk { tickets: 1_200, ..Desk::default() }, QUICK, "200/m");
        account.killed_at(path, 1);
        account.stage();
        assert_eq!(account.calls(path), whole + 1 + since, "{path}");
        assert_eq!(account.staged(), account.expected(), "{path}");
    }
}

#[test]
fn a_later_run_goes_on_from_the_bookmark_and_reads_what_changed() {
    let account = Account::new(Desk { tickets: 1_500, ..Desk::default() }, QUICK, "200/m");
    account.stage();
    account.forget();
    account.desk.lock().unwrap().answered = (1..=50).collect();
    account.stage();
    let tickets = |q: &&String| q.contains("/incremental/tickets/");
    let asked: Vec<String> = account.desk.lock().unwrap().queries.iter().filter(tickets).cloned().collect();
    assert_eq!(asked, ["/incremental/tickets/cursor.json?cursor=1500&include=comment_count&support_type_scope=all"]);
    assert_eq!((account.calls("/ticket_events"), account.calls("/comments.json")), (1, 0));
    assert_eq!(account.staged(), account.expected());
    // Delivered again without a change: nothing is read for it.
    account.forget();
    account.desk.lock().unwrap().queries.clear();
    account.stage();
    assert_eq!(account.calls("/comments.json") + account.calls("/ticket_events"), 0);
}

#[test]
fn side_conversations_take_a_few_calls_and_none_a_ticket() {
    let desk = Desk { tickets: 600, beside: Some(vec![3, 3, 9]), ..Desk::default() };
    let account = Account::new(desk, QUICK, "200/m");
    account.stage();
    assert_eq!((account.calls("/side_conversations/events"), account.calls("/side_conversations.json")), (2, 0));
    let beside = account.staged_below("side_conversation");
    let of = |ticket: &str| beside[ticket].clone();
    assert_eq!(
        (of("3"), of("9"), of("4")),
        (vec!["\"e0\"".to_owned(), "\"e1\"".to_owned()], vec!["\"e2\"".to_owned()], vec![])
    );
}

#[test]
fn side_conversations_the_plan_lacks_are_told_once_when_two_calls_say_so_and_not_asked_for_again() {
    for tickets in [2, 600] {
        let account = Account::new(Desk { tickets, beside: Some(vec![]), ..Desk::default() }, QUICK, "200/m");
        let said = account.stage();
        assert_eq!(said.matches("does not let us read its side conversations").count(), 1, "{said}");
        // The list of all, and a few tickets that are asked side by side.
        let most = 1 + tickets.min(4);
        assert!((1..=most).contains(&account.calls("/side_conversations")), "{tickets} tickets");
        assert_eq!(account.staged(), account.expected());
    }
}

#[test]
fn what_the_plan_lacks_is_a_note_and_not_the_end() {
    let account = Account::new(Desk { tickets: 2, ..Desk::default() }, QUICK, QUICK);
    let said = account.stage();
    let notes: Vec<&str> = said.lines().filter(|l| l.contains("\"event\":\"note\"")).collect();
    let plan = notes.iter().filter(|note| note.contains("not in your plan")).count();
    let is_of_the_library = |note: &&&str| {
        (note.contains("has no list of its") || note.contains("does not show its")) && note.contains("/help_center/")
    };
    let library = notes.iter().filter(is_of_the_library).count();
    assert_eq!((plan, library), (2, notes.len() - 2), "{said}");
    assert!(library >= 3, "an account without a help center is told what it has none of: {said}");
}

/// A list inside a second call is read to its end like any other.
#[tokio::test]
async fn translations_beyond_a_first_page_are_read() {
    let translation = |locale: &str| json!({"id": locale, "locale": locale, "title": locale, "body": "b"});
    let category = json!({"id": 5, "name": "n", "source_locale": "en-us", "created_at": "2024-01-01T00:00:00Z"});
    let at = "GET /api/v2/help_center/categories/5/translations.json";
    let next = "{base}/api/v2/help_center/categories/5/translations.json?page=2";
    let answers = json!([
        {"call": "GET /api/v2/help_center/categories.json", "body": {"categories": [category], "meta": {"has_more": false}}},
        {"call": at, "body": {"translations": [translation("en-us"), translation("de")], "next_page": next, "count": 3}},
        {"call": at, "query": {"page": "2"}, "body": {"translations": [translation("fr")], "next_page": null, "count": 3}},
    ]);
    let server = Server::start(&answers.to_string());
    let source = open_with(&registry::find("zendesk", None).unwrap(), &server.address, Opened::default());
    let page = source.read(Kind::Category, None, None).await.unwrap();
    assert!(page.rows[0].unread.is_none(), "{:?}", page.rows[0].unread);
    let record = source.assemble(Kind::Category, &page.rows[0].raw, &ChildRows::new()).unwrap();
    let Body::Category(category) = record.body else { panic!() };
    let languages: Vec<&str> = category.translations.iter().map(|one| one.locale.as_str()).collect();
    assert_eq!(languages, ["de", "fr"]);
}

/// `evidence = "spec"`: `DESKFERRY_SPECS` is a folder with the vendor's specification by path.
#[test]
fn every_path_stands_in_the_vendors_specification() {
    let Some(folder) = std::env::var_os("DESKFERRY_SPECS") else {
        println!("skipped: `DESKFERRY_SPECS` names no folder with the vendors' specifications");
        return;
    };
    let folder = std::path::Path::new(&folder).join("zendesk/openapi-by-path");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let texts: Vec<String> =
        files.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let known: BTreeSet<String> =
        texts.iter().flat_map(|t| t.lines()).map(|line| without_ids(line.trim().trim_matches(['\'', ':']))).collect();
    let manifest: toml::Value = toml::from_str(include_str!("../../connectors/zendesk.toml")).unwrap();
    let mut paths = Vec::new();
    claimed(&manifest, &mut paths);
    assert!(paths.len() > 30, "{paths:?}");
    let unknown: Vec<&String> = paths.iter().filter(|path| !known.contains(*path)).collect();
    assert!(unknown.is_empty(), "not in the specification: {unknown:?}");
}

/// The paths of all tables whose evidence is `spec`, with those within them.
fn claimed(table: &toml::Value, paths: &mut Vec<String>) {
    match table {
        toml::Value::Array(tables) => tables.iter().for_each(|table| claimed(table, paths)),
        toml::Value::Table(table) => {
            let is_spec = table.get("evidence").and_then(toml::Value::as_str) == Some("spec");
            let then = table.get("then").and_then(toml::Value::as_array).into_iter().flatten();
            for one in then.filter_map(toml::Value::as_table).chain([table]).filter(|_| is_spec) {
                let path = one.get("path").and_then(toml::Value::as_str);
                let call = one.get("call").and_then(toml::Value::as_str).and_then(|call| call.split_once(' '));
                let path = path.or(call.map(|(_, path)| path)).filter(|path| path.starts_with('/'));
                paths.extend(path.map(|path| without_ids(&format!("/api/v2{}", path.replace(".json", "")))));
            }
            table.values().for_each(|below| claimed(below, paths));
        }
        _ => {}
    }
}

/// `/tickets/${.id}` and `/tickets/{ticket_id}` are one path.
fn without_ids(path: &str) -> String {
    let is_id = |part: &&str| part.contains('{');
    path.split('/').map(|part| if is_id(&part) { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

/// The numbers of `docs/performance.md`.
#[test]
fn calls_per_thousand_tickets() {
    for (way, incremental, others) in [("in bulk", QUICK, "200/m"), ("by the ticket", "120/m", QUICK)] {
        let account = Account::new(Desk { tickets: 1_000, ..Desk::default() }, incremental, others);
        account.stage();
        let all: u64 = account.desk.lock().unwrap().calls.values().sum();
        let comments = account.calls("/comments.json") + account.calls("/ticket_events");
        println!(
            "1,000 tickets, {COMMENTS} comments and {EVENTS} events each, {way}: {comments} calls for comments, {all} in all"
        );
        assert_eq!(comments, if way == "in bulk" { 5 } else { 1_000 });
    }
}
