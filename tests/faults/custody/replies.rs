//! Two copies of a project on two machines that add replies to tickets which are migrated already: markers are of tickets, and tell nothing
//! of it.

use crate::moved::{Moved, Setup, copy, messages_of};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Of them the first ones are looked at by both copies before either writes.
const MANY: usize = 24;
const DEADLINE: Duration = Duration::from_secs(60);

/// A migration whose tickets got a reply each in the source since. Their messages are listed slowly, the next so many times: whoever looks at
/// them knows nothing of what the other one writes in that time.
fn replied(platform: &'static str) -> Moved {
    let (path, slow) = match platform {
        // All tickets of a Zendesk are worked on at once.
        "zendesk" => ("/api/v2/tickets/*/comments*", 2 * MANY),
        _ => ("/api/v2/tickets/*/conversations", 8),
    };
    let faults = format!(
        "[[fault]]\nmethod = \"GET\"\npath = \"{path}\"\nat = {}\ncalls = {slow}\ndoes = \"slow\"\nseconds = 5\n",
        MANY + 1
    );
    let setup = Setup { faults: &faults, flags: &["--lag", "0", "--rate", "900/m"], ..Setup::hasty(platform) };
    let mut moved = Moved::set_up(&setup).looking("5/0");
    moved.fill(MANY);
    moved.succeeds(&["run"]);
    let name = path.rsplit('/').next().unwrap().trim_end_matches('*').to_owned();
    let listed = moved.target.calls().iter().filter(|call| call["path"].as_str().unwrap().contains(&name)).count();
    assert_eq!(listed, MANY, "each ticket was read back once");
    moved.messages += 1;
    moved.fill(MANY);
    moved
}

/// Both copies run side by side. Their exit codes, and what they said.
fn both(moved: &Moved) -> (Vec<Option<i32>>, String) {
    let other = moved.beside("copy");
    copy(&moved.project, &other);
    let both = [(&moved.project, "here"), (&other, "there")];
    let both = both.map(|(project, machine)| moved.start(project, machine, &["run", "--only", "ticket"]));
    let ended = both.map(|child| child.wait_with_output().unwrap());
    std::fs::remove_dir_all(other).unwrap();
    let said = ended.iter().map(|one| String::from_utf8_lossy(&one.stderr).into_owned()).collect();
    (ended.iter().map(|one| one.status.code()).collect(), said)
}

/// Source ids of tickets that hold a message twice.
fn doubled(moved: &Moved) -> BTreeSet<String> {
    let has_twice = |ticket: &Value| {
        let bodies = messages_of(ticket);
        let reply = |body: &String| body.contains(&format!("message {} of ticket", moved.messages));
        bodies.iter().filter(|body| reply(body)).count() > 1
    };
    moved.held().into_iter().filter(|(_, there)| has_twice(&there[0])).map(|(id, _)| id).collect()
}

/// Rows of the report with the outcome `twice`: the source's ticket, and its address in the target.
fn listed(moved: &mut Moved) -> Vec<(String, String)> {
    moved.succeeds(&["report", "--format", "csv"]);
    let rows = csv::Reader::from_reader(moved.said.as_bytes()).into_records().filter_map(Result::ok);
    rows.filter(|row| &row[3] == "twice").map(|row| (row[1].to_owned(), row[8].to_owned())).collect()
}

pub fn two_copies_add_replies(platform: &'static str) -> String {
    let mut moved = replied(platform);
    let (codes, said) = both(&moved);
    assert_eq!(codes, [Some(6), Some(6)], "{said}");
    let twice = doubled(&moved);
    assert!(!twice.is_empty(), "both wrote before either looked: {said}");
    assert!(twice.len() < MANY || platform == "zendesk", "noticed before all is written: {said}");
    assert!(said.contains("another copy of this project is at work") && said.contains("`twice`"), "{said}");

    // One copy is left, and takes its work up again.
    moved.succeeds(&["run"]);
    let rows = listed(&mut moved);
    assert_eq!(rows.iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>(), twice, "what is there twice is listed");
    assert!(rows.iter().all(|(_, address)| address.starts_with(&moved.target.told("url"))), "{rows:?}");
    assert_eq!(doubled(&moved), twice, "one that is alone writes nothing twice");
    if platform == "zendesk" {
        // Its comments can not be deleted.
        return "both stop; what is there twice is listed".to_owned();
    }
    for there in moved.held().into_values() {
        for second in seconds(&there[0]) {
            moved.admin("DELETE", &format!("/api/v2/conversations/{second}"), None);
        }
    }
    moved.succeeds(&["ids", "--rebuild"]);
    assert!(listed(&mut moved).is_empty(), "what is not there any more is no row: {}", moved.said);
    moved.succeeds(&["run"]);
    moved.holds(MANY);
    "both stop; what is there twice is listed, and after one of each is deleted and `ids --rebuild`, each message once"
        .to_owned()
}

/// Of messages of one text that a ticket holds, the ids of all but the first.
fn seconds(ticket: &Value) -> Vec<String> {
    let mut texts = BTreeSet::new();
    let rows = ticket["conversations"].as_array().into_iter().flatten();
    rows.filter(|row| !texts.insert(row["body"].to_string())).map(|row| row["id"].to_string()).collect()
}

#[test]
fn without_the_look_for_another_copy_both_add_their_replies_and_say_nothing() {
    let mut moved = replied("freshdesk");
    moved.set_env("DESKFERRY_NAIVE", "alone");
    let (codes, said) = both(&moved);
    assert_eq!(codes, [Some(0), Some(0)], "{said}");
    assert!(!doubled(&moved).is_empty(), "both wrote before either looked: {said}");
}

/// While a run adds replies, an agent there pastes the text of some into their tickets, and something writes one more just as the run does.
#[test]
fn people_who_paste_the_text_of_a_reply_stop_no_run() {
    for platform in ["freshdesk", "zendesk"] {
        let setup = Setup { flags: &["--lag", "0", "--rate", "240/m"], ..Setup::hasty(platform) };
        let mut moved = Moved::set_up(&setup).looking("5/0");
        moved.succeeds(&["run"]);
        moved.messages += 1;
        moved.fill(crate::moved::TICKETS);
        let run = moved.start(&moved.project, "here", &["run"]);
        let began = Instant::now();
        let replied = loop {
            let reply = format!("message {} of ticket", moved.messages);
            let has = |ticket: &Value| messages_of(ticket).iter().any(|body| body.contains(&reply));
            let replied: Vec<Value> = moved.held().into_values().map(|mut there| there.remove(0)).filter(has).collect();
            if replied.len() >= 3 {
                break replied;
            }
            assert!(began.elapsed() < DEADLINE, "no replies");
            std::thread::sleep(Duration::from_millis(50));
        };
        for (nth, ticket) in replied.iter().take(3).enumerate() {
            paste(&moved, platform, ticket, nth == 0);
        }
        let ended = run.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(0), "{platform}: {said}");
        assert!(listed(&mut moved).len() <= 1, "{platform}: only what nobody can tell is a row: {}", moved.said);
    }
}

/// Writes the last message of a ticket once more: as the agent whose key it is, or as the one who wrote it, which no person can.
fn paste(moved: &Moved, platform: &str, ticket: &Value, by_the_same: bool) {
    let rows = ticket["conversations"].as_array().or(ticket["comments"].as_array()).unwrap();
    let (last, id) = (rows.last().unwrap(), &ticket["id"]);
    let mut sent = match platform {
        "zendesk" => json!({ "html_body": last["html_body"], "public": last["public"] }),
        _ => json!({ "body": last["body"], "private": last["private"] }),
    };
    if by_the_same && platform == "zendesk" {
        sent["author_id"] = last["author_id"].clone();
    } else if by_the_same {
        (sent["user_id"], sent["incoming"]) = (last["user_id"].clone(), last["incoming"].clone());
    }
    match platform {
        "zendesk" => {
            let body = json!({ "ticket": { "comment": sent } });
            moved.admin("PUT", &format!("/api/v2/tickets/{id}.json"), Some(body))
        }
        _ => moved.admin("POST", &format!("/api/v2/tickets/{id}/notes"), Some(sent)),
    };
}

/// Tickets with replies of one text, written within one minute by one person, some of them private. After two runs something is put back or lost:
/// in the end each is there as often as it was written, and none is in doubt.
pub fn equal_replies(platform: &'static str, then: impl FnOnce(&Moved)) -> String {
    let mut moved = Moved::new(platform);
    thank(&moved, 1);
    moved.succeeds(&["run"]);
    copy(&moved.state_dir(), &moved.beside("older"));
    thank(&moved, EQUAL);
    moved.succeeds(&["run"]);
    let before = thanks(&moved);
    assert!(before.values().all(|times| *times == EQUAL), "{before:?}");
    then(&moved);
    let refused = moved.comes_to_its_end();
    assert_eq!(thanks(&moved), before, "{}", moved.said);
    moved.succeeds(&["retry"]);
    moved.succeeds(&["run"]);
    assert_eq!(thanks(&moved), before, "{}", moved.said);
    assert!(listed(&mut moved).is_empty(), "{}", moved.said);
    match refused {
        0 => "`run` goes on: each message as often as it was written",
        _ => "`run` refuses; after `ids --rebuild` each message as often as it was written",
    }
    .to_owned()
}

/// Messages of one text in a ticket.
const EQUAL: usize = 4;

fn thank(moved: &Moved, times: usize) {
    let at = |m: usize| format!("2024-01-01T01:00:{m:02}Z");
    let message = |n: usize, m: usize| {
        let visibility = if m.is_multiple_of(2) { "private" } else { "public" };
        json!({ "id": format!("{n}-{m}"), "format": "text", "body": "Thanks", "visibility": visibility, "created_at": at(m), "author": "p0" })
    };
    let ticket = |n: usize| {
        let first = json!({ "id": format!("{n}-0"), "format": "text", "body": format!("first of {n}"), "created_at": at(0), "author": "p0" });
        let comments: Vec<Value> = std::iter::once(first).chain((1..=times).map(|m| message(n, m))).collect();
        json!({ "id": n.to_string(), "subject": format!("T{n}"), "requester": "p0", "created_at": at(0), "comments": comments })
    };
    let lines: String = (1..=3).map(|n| format!("{}\n", ticket(n))).collect();
    std::fs::write(moved.project.join("src/ticket.jsonl"), lines).unwrap();
}

/// How often each ticket says it.
fn thanks(moved: &Moved) -> BTreeMap<String, usize> {
    let times = |ticket: &Value| messages_of(ticket).iter().filter(|body| body.contains("Thanks")).count();
    moved.held().into_iter().map(|(id, there)| (id, times(&there[0]))).collect()
}
