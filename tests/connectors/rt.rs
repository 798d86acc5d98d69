//! Request Tracker: who its agents are, where it shows the group they are in and where it does not.

use crate::answers::{json, query_of, serve};
use crate::{Opened, open_with};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use deskferry::connector::registry;
use deskferry::connector::{Assemble, ChildRows, Source, Target};
use deskferry::record::Kind;
use serde_json::{Value, json};

/// Name, and whether the account is privileged; the number is the place plus ten.
const PEOPLE: [(&str, bool); 11] = [
    ("owner@desk.example", true),
    ("worker@desk.example", true),
    ("made.later@desk.example", true),
    ("watcher@desk.example", true),
    ("member@desk.example", true),
    ("login", true),
    ("walk-in", false),
    ("customer@mail.example", false),
    ("replies.only@desk.example", true),
    ("made.by.hand@desk.example", true),
    ("without.marks@desk.example", true),
];
/// The place of the one who never did anything.
const WITHOUT_MARKS: usize = 10;
/// Unprivileged accounts with a login name.
const CROWD: usize = 3_000;

fn list(rows: Vec<Value>, total: usize) -> Response<Body> {
    json(200, &json!({ "items": rows, "total": total, "pages": 1 }))
}

/// The first number behind the one that was asked from.
fn next(query: &str, numbers: &[u64], field: &str) -> Response<Body> {
    let after = query.chars().rev().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit);
    let after: u64 = after.collect::<Vec<_>>().into_iter().rev().collect::<String>().parse().unwrap();
    let name = |n: &u64| usize::try_from(*n - 10).ok().and_then(|place| PEOPLE.get(place)).map(|(name, _)| *name);
    let row = |n: &u64| json!({ "id": "1", field: { "type": "user", "id": n, "Name": name(n) } });
    let found: Vec<Value> = numbers.iter().filter(|n| **n > after).flat_map(|n| [row(n), row(n)]).take(3).collect();
    let total = found.len();
    list(found, total)
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
        "/group/4/members" => list((10..16).chain(18..20).map(link).collect(), 8),
        "/group/30/members" => list(vec![link(14), link(17)], 2),
        "/queues/all" => list(vec![json!({ "id": "1" })], 1),
        "/queue/1" => {
            let marker = json!([{ "id": "3", "name": "Deskferry" }]);
            let watchers = json!([{ "type": "user", "id": "watcher@desk.example" }]);
            json(200, &json!({ "Cc": [], "AdminCc": watchers, "TicketCustomFields": marker }))
        }
        "/tickets" => next(query, &[10], "Owner"),
        "/transactions" if query.contains("Privileged") => list(vec![json!({ "id": "5", "ObjectId": "12" })], 1),
        "/transactions" if query.contains("Correspond") => {
            next(query.split("},{\"field\":\"Type\"").next().unwrap(), &[11, 17, 18], "Creator")
        }
        // the search ends `…"value":AFTER},…`: what it may not be mistaken for are the words behind it
        "/transactions" => next(query.split("},{\"field\":\"Type\"").next().unwrap(), &[10, 11], "Creator"),
        "/users" if query.contains("NOT LIKE") => list(vec![link(15), link(16)], 2 + crowd),
        "/users" if query.contains("Creator") => list(vec![link(11), link(19)], 2),
        // the search of one who may not administer users is ignored
        "/users" if query.contains("EmailAddress") => {
            let all = PEOPLE.iter().zip(10..).map(|((name, _), n)| json!({ "id": n, "EmailAddress": name }));
            list(all.collect(), PEOPLE.len())
        }
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
    (names, Source::calls(&source).values().sum(), source.take_notes())
}

#[tokio::test]
async fn agents_are_found_where_rt_shows_their_group_and_where_it_hides_it() {
    let marked = PEOPLE[..WITHOUT_MARKS].iter().filter(|(_, privileged)| *privileged);
    let all: Vec<&str> = marked.map(|(name, _)| *name).collect();
    let (old, calls, _) = agents(true, 0).await;
    assert_eq!((old, calls), (all.iter().map(|n| (*n).to_owned()).collect(), 10));
    let (new, _, notes) = agents(false, 0).await;
    assert_eq!((new, notes), (all.iter().map(|n| (*n).to_owned()).collect(), vec![]));
}

#[tokio::test]
async fn an_agent_whose_own_page_cannot_be_read_is_alone_in_it() {
    let address = serve(move |_| {
        Router::new().fallback(move |request: Request<Body>| async move {
            match request.uri().path().ends_with("/user/11") {
                true => Response::new(Body::from("<html>sign in</html>")),
                false => answer(&request, false, 0),
            }
        })
    });
    let source = open_with(&registry::find("rt", None).unwrap(), &address, Opened::default());
    let rows = source.read(Kind::Agent, None, None).await.unwrap().rows;
    let unread: Vec<&str> = rows.iter().filter(|row| row.unread.is_some()).map(|row| row.id.as_str()).collect();
    assert_eq!((unread, rows.len()), (vec!["worker@desk.example"], 8));
}

#[tokio::test]
async fn customers_with_login_names_are_not_asked_one_by_one() {
    let (found, calls, notes) = agents(false, CROWD).await;
    assert!(!found.contains(&"login".to_owned()) && found.len() == 7, "{found:?}");
    assert!(calls < 35, "{calls} calls");
    assert!(notes.iter().any(|note| note.contains("login name")), "{notes:?}");
}

#[tokio::test]
async fn everybody_who_replies_is_a_customer_or_not_by_their_own_page_and_not_all_of_a_crowd_are_asked() {
    let crowd: Vec<u64> = (100..3_000).collect();
    let address = serve(move |_| {
        Router::new().fallback(move |request: Request<Body>| {
            let asked = query_of(&request);
            let query = asked.get("query").cloned().unwrap_or_default();
            let answered = match request.uri().path().trim_start_matches("/REST/2.0") {
                "/transactions" if query.contains("Correspond") => {
                    next(query.split("},{\"field\":\"Type\"").next().unwrap(), &crowd, "Creator")
                }
                path if path.starts_with("/user/") => {
                    let number: u64 = path.trim_start_matches("/user/").parse().unwrap();
                    let address = format!("{number}@mail.example");
                    json(200, &json!({ "id": number, "Name": address, "Privileged": u8::from(number == 102) }))
                }
                _ => list(vec![], 0),
            };
            async move { answered }
        })
    });
    let source = open_with(&registry::find("rt", None).unwrap(), &address, Opened::default());
    let found = source.read(Kind::Agent, None, None).await.unwrap().rows;
    assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["102@mail.example"]);
    let (calls, notes) = (Source::calls(&source).values().sum::<u64>(), source.take_notes());
    assert!(calls < 600, "{calls} calls");
    assert!(notes.len() == 1 && notes[0].contains("more accounts reply to tickets"), "{notes:?}");
}

/// A fresh target: nobody left a mark there yet, and tickets are assigned by address.
#[tokio::test]
async fn an_agent_of_a_target_who_never_did_anything_is_found_by_their_address() {
    for (shows_groups, found) in [(false, Some("without.marks@desk.example")), (true, None)] {
        let address = serve(move |_| {
            Router::new().fallback(move |request: Request<Body>| async move { answer(&request, shows_groups, 0) })
        });
        let entry = registry::find("rt", None).unwrap();
        let target = open_with(&entry, &address, Opened { target: true, ..Opened::default() });
        target.prepare().await.unwrap();
        let before: u64 = Target::calls(&target).values().sum();
        let agent = target.agent_at("Without.Marks@desk.example").await.unwrap();
        assert_eq!(agent.as_ref().map(|agent| agent["id"].as_str().unwrap()), found);
        let calls = Target::calls(&target).values().sum::<u64>() - before;
        // Where RT shows its group all of them are listed, and nobody has to be asked for.
        assert_eq!(calls, if shows_groups { 0 } else { 2 });
        assert_eq!(target.agent_at("customer@mail.example").await.unwrap(), None);
        assert_eq!(target.agent_at("nobody@mail.example").await.unwrap(), None);
    }
}

/// What a ticket has beside its fields and messages: migrated, or a loss with a name.
#[test]
fn description_time_worked_and_roles_of_a_ticket_are_read() {
    let entry = registry::find("rt", None).unwrap();
    let source = open_with(&entry, "http://127.0.0.1:1", Opened::default());
    let custom = |row: Value| {
        let record = source.assemble(Kind::Ticket, &row, &ChildRows::new()).unwrap();
        let record = serde_json::to_value(record).unwrap();
        let values = record["custom"].as_array().unwrap().iter();
        let values: Vec<Value> = values.map(|one| json!([one["key"], one["value"]])).collect();
        (json!(values), record["time_entries"][0]["minutes"].clone())
    };
    let row = json!({
        "id": "7", "Subject": "s", "Status": "open", "Description": "what it is about", "TimeWorked": "95",
        "CustomFields": [{"id": "1", "name": "Room", "values": ["12"]}, {"id": "2", "name": "Floor", "values": []}],
        "CustomRoles": {"Supplier": [{"type": "user", "id": "ann@acme.example"}], "Engineer": {"type": "user", "id": "Nobody"}},
    });
    let expected = json!([
        ["Room", ["12"]],
        ["Floor", []],
        ["Description", "what it is about"],
        ["Supplier", ["ann@acme.example"]]
    ]);
    assert_eq!(custom(row), (expected, json!(95)));
    // An RT that knows none of these, and one that shows roles as it calls them inside.
    let older = json!({"id": "7", "Subject": "s", "Status": "open", "Description": "", "TimeWorked": 0, "CustomRoles": "",
                       "RT::CustomRole-1": [{"type": "user", "id": "bob"}]});
    assert_eq!(custom(older), (json!([["RT::CustomRole-1", ["bob"]]]), Value::Null));
}
