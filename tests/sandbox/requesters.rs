//! Who asked a ticket and is nobody in the target yet: an agent of the source whom the target does not have.

use crate::moving::{Hurry, Move, Trouble};
use crate::pairs::{FRESHDESK_ZENDESK, Pair, ZENDESK_FRESHDESK};
use crate::policies::Folder;
use serde_json::{Value, json};

const RUNS: usize = 10;

/// Two tickets that an agent asked whom the target lacks, and one they only answered and watched.
fn asked_by_an_agent() -> Vec<(&'static str, Vec<Value>)> {
    let person = |id: &str, name: &str, email: &str| json!({ "id": id, "name": name, "emails": [email] });
    let said = |id: &str, by: &str, text: &str| json!({ "id": id, "author": by, "format": "text", "body": text });
    let ticket = |id: &str, requester: &str, first: &str, more: Value| {
        let mut ticket = json!({ "id": id, "subject": format!("ticket {id}"), "requester": requester,
            "comments": [said(&format!("{id}1"), requester, first), said(&format!("{id}2"), "a9", "an answer")] });
        ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ticket
    };
    vec![
        ("agent", vec![person("a9", "Rita Moved", "rita@old.example")]),
        ("contact", vec![person("7", "Bob", "bob@old.example")]),
        (
            "ticket",
            vec![
                ticket("1", "7", "asked by a customer", json!({ "assignee": "a9", "ccs": ["a9"] })),
                ticket("2", "a9", "asked by an agent", json!({ "assignee": "a9" })),
                ticket("3", "a9", "asked again", json!({})),
            ],
        ),
    ]
}

fn folder(platform: &str, mapping: &str) -> Folder {
    let records = asked_by_an_agent();
    let records: Vec<(&str, &[Value])> = records.iter().map(|(kind, rows)| (*kind, rows.as_slice())).collect();
    Folder::of(platform, &records, mapping)
}

/// Id and address of everybody a desk has, and whether they are an agent.
fn addresses(state: &Value) -> Vec<(u64, String, bool)> {
    let rows = |list: &Value, is_agent: &dyn Fn(&Value) -> bool| -> Vec<(u64, String, bool)> {
        let row = |row: &Value| Some((row["id"].as_u64()?, row["email"].as_str()?.to_lowercase(), is_agent(row)));
        list.as_array().into_iter().flatten().filter_map(row).collect()
    };
    match state["platform"] == "zendesk" {
        true => rows(&state["users"], &|row| row["role"] != "end-user"),
        false => [rows(&state["contacts"], &|_| false), rows(&state["agents"], &|_| true)].concat(),
    }
}

fn requester<'a>(ticket: &Value, people: &'a [(u64, String, bool)]) -> Option<&'a (u64, String, bool)> {
    people.iter().find(|(id, ..)| ticket["requester_id"] == *id)
}

fn of_subject<'a>(state: &'a Value, subject: &str) -> &'a Value {
    let tickets = state["tickets"].as_array().unwrap();
    tickets.iter().find(|ticket| ticket["subject"] == subject).unwrap_or_else(|| panic!("no {subject}: {state}"))
}

#[test]
fn an_agent_who_asked_and_is_nobody_in_the_target_becomes_a_customer_there_once() {
    for platform in ["freshdesk", "zendesk"] {
        let all = folder(platform, "");
        let shown = all.said(&["preview", "--all"]);
        assert!(shown.contains("agent_as_contact"), "{platform}: {shown}");
        assert_eq!(all.target.state()["tickets"].as_array().map_or(0, Vec::len), 0, "a preview writes nothing");
        all.succeeds();
        let state = all.target.state();
        let people = addresses(&state);
        let rita: Vec<_> = people.iter().filter(|(_, email, _)| email == "rita@old.example").collect();
        assert!(matches!(rita[..], [(_, _, false)]), "{platform}: one customer: {people:?}");
        for subject in ["ticket 2", "ticket 3"] {
            let ticket = of_subject(&state, subject);
            assert_eq!(requester(ticket, &people), Some(rita[0]), "{platform} {ticket}");
            assert!(ticket["responder_id"].is_null() && ticket["assignee_id"].is_null(), "{platform} {ticket}");
        }
        assert!(!state.to_string().contains("unknown-requester"), "{platform}");
        assert_eq!(all.target.mails(), Vec::<Value>::new(), "{platform}");
        let report = all.report();
        assert!(report.contains("contact,a9") && report.contains("agent_as_contact=1"), "{platform}: {report}");
        assert!(!report.contains("requester_replaced"), "{platform}: {report}");
        let seen = all.target.calls().len();
        all.succeeds();
        assert_eq!(all.target.writes_after(seen), Vec::<String>::new(), "{platform}");
    }
}

/// They stand for what they asked, and for nothing else: what they wrote elsewhere has their name in its first line.
#[test]
fn an_agent_who_became_a_customer_answers_for_nothing_and_is_no_author_of_others_tickets() {
    let all = folder("freshdesk", "");
    all.succeeds();
    let state = all.target.state();
    let other = of_subject(&state, "ticket 1");
    let note = &other["conversations"][0];
    assert!(note["body"].as_str().unwrap().contains("Rita Moved"), "{other}");
    let report = all.report();
    let row = report.lines().find(|line| line.starts_with("ticket,1,")).unwrap();
    assert!(row.contains("assignee_dropped=1") && row.contains("cc_in_note=1"), "{row}");
}

#[test]
fn the_address_a_mapping_has_for_an_agent_is_the_customers() {
    let all = folder("freshdesk", "[people]\nagents = { \"rita@old.example\" = \"rita@new.example\" }\n");
    all.succeeds();
    let people = addresses(&all.target.state());
    assert!(people.iter().any(|(_, email, is_agent)| email == "rita@new.example" && !is_agent), "{people:?}");
    assert!(!people.iter().any(|(_, email, _)| email == "rita@old.example"), "{people:?}");
}

#[test]
fn a_scope_without_contacts_makes_nobody() {
    let all = folder("freshdesk", "");
    let file = all.home().join("migration.toml");
    let narrow = std::fs::read_to_string(&file).unwrap() + "[scope]\nkinds = [\"agent\", \"ticket\"]\n";
    all.put("migration.toml", narrow.as_bytes());
    all.succeeds();
    assert!(!addresses(&all.target.state()).iter().any(|(_, email, _)| email == "rita@old.example"));
    assert!(all.report().contains("requester_replaced"), "{}", all.report());
}

/// A desk that refuses so many new customers, and takes those that follow.
fn refuses(calls: u32) -> String {
    format!(
        "[[fault]]\nmethod = \"POST\"\npath = \"/api/v2/contacts\"\nat = 1\ncalls = {calls}\ndoes = \"error_before\"\nstatus = 400\n"
    )
}

/// A ticket that is written for somebody else stays with them.
#[test]
fn a_ticket_waits_for_a_requester_who_was_refused_once() {
    let once = refuses(1);
    let all = Move::new(12, Trouble { target: &once, ..Trouble::default() });
    let requester = format!("contact:{}", all.source.state()["tickets"][3]["requester_id"]);
    assert_eq!(all.run(&["run", "--only", "contact", "--ids", &requester]), 3, "{}", all.said("stderr.txt"));
    for _ in 0..2 {
        assert_eq!(all.run(&["run"]), 3, "{}", all.said("stderr.txt"));
        assert!(!all.target.state().to_string().contains("unknown-requester"), "written for another person");
    }
    assert_eq!(all.run(&["report", "--format", "csv"]), 0);
    let report = all.said("stdout.txt");
    assert!(
        report.lines().any(|line| line.starts_with("ticket,") && line.contains(",parked,unresolved,its requester ")),
        "{report}"
    );
    assert_eq!(all.run(&["retry"]), 0, "{}", all.said("stderr.txt"));
    all.is_whole();
    assert!(!all.target.state().to_string().contains("unknown-requester"), "written for another person");
}

#[test]
fn a_retry_writes_the_tickets_of_a_requester_who_is_refused_for_good_and_says_so() {
    let always = refuses(10_000);
    let all = Move::new(6, Trouble { target: &always, ..Trouble::default() });
    assert_eq!(all.run(&["run"]), 3, "{}", all.said("stderr.txt"));
    let waiting = all.target.state()["tickets"].as_array().map_or(0, Vec::len);
    assert_eq!(all.run(&["retry"]), 3, "{}", all.said("stderr.txt"));
    let there = all.target.state()["tickets"].as_array().map_or(0, Vec::len);
    assert!(there > waiting, "{waiting} tickets before the retry, {there} after it");
    assert_eq!(all.run(&["report", "--format", "csv"]), 0);
    let report = all.said("stdout.txt");
    assert!(report.contains("requester_replaced=1") && !report.contains(",parked,"), "{report}");
}

/// Answers about new customers that never come.
const LOST_ANSWERS: &str = r#"
fault = [
  { method = "POST", path = "/api/v2/contacts", every = 2, does = "reset_after" },
  { method = "POST", path = "/api/v2/users/**", every = 2, does = "reset_after" },
]
"#;

/// Of a real desk: an agent asked whom the other desk does not have. Each becomes one customer, whatever is lost on the way.
fn asked_in(pair: Pair) {
    let all = Move::new(6, Trouble { hurry: Hurry::Desks, target: LOST_ANSWERS, ..Trouble::none(pair) });
    let there = addresses(&all.target.state());
    let here = addresses(&all.source.state());
    let is_lacking = |email: &str| !there.iter().any(|(_, other, _)| other == email);
    let (agent, email, _) = here.iter().find(|(_, email, is_agent)| *is_agent && is_lacking(email)).unwrap();
    for n in 0..3 {
        let subject = format!("asked by an agent {n}");
        let made = match pair.source {
            "zendesk" => all.source.sent(
                "POST",
                "/api/v2/tickets.json",
                &json!({ "ticket": { "subject": subject, "requester_id": agent, "comment": { "body": "please" } } }),
            ),
            _ => all.source.sent(
                "POST",
                "/api/v2/tickets",
                &json!({ "subject": subject, "requester_id": agent, "description": "please", "status": 2, "priority": 1,
                         "type": "Question" }),
            ),
        };
        assert!(made["id"].is_u64() || made["ticket"]["id"].is_u64(), "{made}");
    }
    // An export may hold the last ones back until a later run.
    let mut state = Value::Null;
    for _ in 0..RUNS {
        all.succeeds();
        state = all.target.state();
        if state.to_string().contains("asked by an agent 2") {
            break;
        }
    }
    let people = addresses(&state);
    for n in 0..3 {
        let ticket = of_subject(&state, &format!("asked by an agent {n}"));
        let who = requester(ticket, &people);
        assert!(matches!(who, Some((_, theirs, false)) if theirs == email), "{ticket}: {who:?}");
    }
    let same: Vec<_> = people.iter().filter(|(_, theirs, _)| theirs == email).collect();
    assert_eq!(same.len(), 1, "{same:?}");
    let seen = all.target.calls().len();
    all.succeeds();
    assert_eq!(all.target.writes_after(seen), Vec::<String>::new());
}

#[test]
fn zendesk_to_freshdesk_agents_who_asked_are_customers() {
    asked_in(ZENDESK_FRESHDESK);
}

#[test]
fn freshdesk_to_zendesk_agents_who_asked_are_customers() {
    asked_in(FRESHDESK_ZENDESK);
}
