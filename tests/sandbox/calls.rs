//! Calls a move takes, counted by the desks.

use crate::moving::{Move, Trouble};
use crate::policies::Folder;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tickets, users or events in a page of an export.
const PAGE: usize = 1_000;
/// What reading takes besides, whatever the size of the account: tables, small lists, and what no record carries.
const BESIDE: usize = 19;

/// How often this path was asked after the call numbered `seen`.
fn asked(all: &Move, seen: usize, is_path: impl Fn(&str) -> bool) -> usize {
    let calls = all.source.calls();
    calls.iter().skip(seen).filter(|call| call["path"].as_str().is_some_and(&is_path)).count()
}

/// Events of all tickets, as their export has them.
fn events(all: &Move) -> usize {
    let (mut start, mut many) = (1, 0);
    loop {
        let page =
            all.source.sent("GET", &format!("/api/v2/incremental/ticket_events.json?start_time={start}"), &Value::Null);
        many += page["count"].as_u64().unwrap_or_default() as usize;
        match page["end_of_stream"] == true {
            true => return many,
            false => start = page["end_time"].as_u64().unwrap_or_default(),
        }
    }
}

/// The limits are those of a plan, all faster by the same factor: one listing of all events is quicker than a call a ticket, whatever is
/// left of the minute in which that is decided. 5,000 tickets cost 48 calls so, and 5,028 otherwise.
#[test]
fn a_thousand_tickets_are_read_by_the_page_and_not_by_the_ticket() {
    let all = Move::new(1_000, Trouble::default());
    let pages = events(&all).div_ceil(PAGE);
    let seen = all.source.calls().len();
    assert_eq!(all.run(&["stage"]), 0, "{}", all.said("stderr.txt"));
    assert_eq!(asked(&all, seen, |path| path.ends_with("/comments.json") || path.ends_with("/comments")), 0);
    assert_eq!(asked(&all, seen, |path| path.contains("/incremental/ticket_events")), pages);
    assert_eq!(asked(&all, seen, |path| path.contains("/incremental/tickets/cursor")), 1);
    let is_small =
        |path: &str| ["/incremental/", "/side_conversations/", "/help_center/"].iter().all(|part| !path.contains(part));
    assert_eq!(asked(&all, seen, is_small), BESIDE);
}

/// `cargo test --test sandbox calls_of_a_thousand_tickets -- --ignored --nocapture`
#[test]
#[ignore = "it measures: docs/performance.md says what"]
fn calls_of_a_thousand_tickets() {
    let all = Move::new(1_000, Trouble::default());
    all.succeeds();
    for (name, desk) in [("Zendesk", &all.source), ("Freshdesk", &all.target)] {
        let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
        for call in desk.calls() {
            let path = call["path"].as_str().unwrap_or_default();
            let segment =
                |s: &str| if s.len() > 20 || s.parse::<u64>().is_ok() { "ID".to_owned() } else { s.to_owned() };
            let path: Vec<String> = path.split('/').map(segment).collect();
            let shape = format!("{} {} {}", call["at"], call["method"], path.join("/"));
            *shapes.entry(shape).or_default() += 1;
        }
        println!("{name}: {} calls", shapes.values().sum::<usize>());
        for (shape, times) in shapes {
            println!("{times:7} {shape}");
        }
    }
    let state = all.target.state();
    let tickets = state["tickets"].as_array().map_or(&[][..], Vec::as_slice);
    let notes: usize = tickets.iter().map(|t| t["conversations"].as_array().map_or(0, Vec::len)).sum();
    println!("{} tickets, {notes} notes, {} contacts", tickets.len(), state["contacts"].as_array().map_or(0, Vec::len));
}

#[test]
fn after_a_lost_ledger_the_messages_of_a_ticket_are_listed_once_and_not_once_for_each() {
    let message = |n: u32| json!({ "id": format!("m{n}"), "author": "7", "format": "text", "body": format!("said {n}"), "created_at": "2024-05-01T10:00:00Z" });
    let messages: Vec<Value> = (0..61).map(message).collect();
    let ticket = json!({ "id": "1", "subject": "One", "status": "Open", "priority": "Medium", "requester": "7", "comments": messages });
    let contact = json!({ "id": "7", "name": "Ann", "emails": ["ann@example.com"] });
    let all = Folder::of("freshdesk", &[("ticket", &[ticket]), ("contact", &[contact])], "");
    all.succeeds();
    for entry in std::fs::read_dir(all.home().join(".deskferry")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("ledger.db") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    all.said(&["ids", "--rebuild"]);
    let seen = all.target.calls().len();
    all.succeeds();
    let notes = all.target.writes_after(seen).into_iter().filter(|write| write.contains("/notes"));
    assert_eq!(notes.collect::<Vec<_>>(), Vec::<String>::new(), "no message is written twice");
    let listed = all.target.calls().into_iter().skip(seen);
    let listed =
        listed.filter(|call| call["path"].as_str().is_some_and(|path| path.contains("/conversations"))).count();
    assert!((1..=6).contains(&listed), "{listed} calls for three pages, to look for them and to read them back");
}
