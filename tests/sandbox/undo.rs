//! `undo` deletes what this migration made, the newest first, and nothing that people made, had before or changed since; killed
//! anywhere, or with its answers lost, the same command comes to the same end.

use crate::compare;
use crate::kills::Draw;
use crate::moving::{Hurry, Move, Trouble};
use crate::pairs::{FRESHDESK_ZENDESK, Pair, ZENDESK_FRESHDESK};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(300);

fn moved(pair: Pair, tickets: usize, faults: &str) -> Move {
    let all = Move::new(tickets, Trouble { hurry: Hurry::Desks, target: faults, ..Trouble::none(pair) });
    known_before(&all);
    all.succeeds();
    all
}

/// Somebody of the source whom the target knew before: taken over, and never ours to delete.
const KNOWN: &str = "Known before";

fn known_before(all: &Move) {
    let state = all.source.state();
    let is_customer = |row: &&Value| row["role"].as_str().unwrap_or("end-user") == "end-user";
    let people = ["users", "contacts"].iter().filter_map(|name| state[*name].as_array()).flatten();
    let one = people.filter(is_customer).find_map(|row| row["email"].as_str()).unwrap().to_owned();
    let (path, body) = match all.pair.target {
        "zendesk" => {
            ("/api/v2/users.json", json!({ "user": { "name": KNOWN, "email": one, "skip_verify_email": true } }))
        }
        _ => ("/api/v2/contacts", json!({ "name": KNOWN, "email": one })),
    };
    let made = all.target.sent("POST", path, &body);
    assert!(made["id"].is_u64() || made["user"]["id"].is_u64(), "{made}");
}

/// Successful deletions, in order: as the path's kind and id.
fn deletions(all: &Move) -> Vec<(String, u64)> {
    let calls = all.target.calls().into_iter().filter(|call| call["method"] == "DELETE");
    let worked = calls.filter(|call| call["status"].as_u64().is_some_and(|status| status < 300));
    let parts = worked.map(|call| call["path"].as_str().unwrap().trim_end_matches(".json").to_owned());
    parts
        .map(|path| {
            let segments: Vec<&str> = path.split('/').collect();
            (segments[3].to_owned(), segments[4].parse().unwrap())
        })
        .collect()
}

/// Target ids of the id map, by the kind of their paths.
fn mapped(all: &Move) -> BTreeSet<(String, u64)> {
    assert_eq!(all.run(&["ids"]), 0, "{}", all.said("stderr.txt"));
    let kinds = [
        ("ticket", "tickets"),
        ("contact", if all.pair.target == "zendesk" { "users" } else { "contacts" }),
        ("company", if all.pair.target == "zendesk" { "organizations" } else { "companies" }),
    ];
    let rows = all.said("stdout.txt");
    let row = |row: csv::StringRecord| {
        let path = kinds.iter().find(|(kind, _)| *kind == &row[0])?.1;
        Some((path.to_owned(), row[3].parse().ok()?))
    };
    csv::Reader::from_reader(rows.as_bytes()).records().map(Result::unwrap).filter_map(row).collect()
}

/// The number that the preview asks for.
fn wanted(all: &Move, args: &[&str]) -> String {
    assert_eq!(all.run(args), 0, "{}", all.said("stderr.txt"));
    let said = all.said("stderr.txt");
    let (_, rest) = said.split_once("--yes ").unwrap_or_else(|| panic!("{said}"));
    rest.split('`').next().unwrap().to_owned()
}

/// Without what is in the trash.
fn left_out_of_the_trash(state: &mut Value) {
    for name in ["tickets", "contacts", "users"] {
        if let Some(rows) = state[name].as_array_mut() {
            rows.retain(|row| row["deleted"] != true && row["active"] != false);
        }
    }
}

#[track_caller]
fn is_whole(all: &Move) {
    let mut found = all.found();
    left_out_of_the_trash(&mut found.target);
    let differences = compare::differences(&found);
    assert!(differences.is_empty(), "{}", compare::told(&differences));
}

fn tickets(all: &Move) -> Vec<Value> {
    let mut state = all.target.state();
    left_out_of_the_trash(&mut state);
    state["tickets"].as_array().unwrap().clone()
}

/// A customer's answer, or an agent's note, on tickets that take one. The ids of these.
fn changed_by_hand(all: &Move, many: usize) -> BTreeSet<u64> {
    // Both desks stamp by the second.
    std::thread::sleep(Duration::from_millis(2_100));
    let open = tickets(all).into_iter().filter(|ticket| ticket["status"] != "closed");
    let ids: BTreeSet<u64> = open.filter_map(|ticket| ticket["id"].as_u64()).take(many).collect();
    for id in &ids {
        match all.pair.target {
            "zendesk" => {
                let body = json!({ "ticket": { "comment": { "body": "by hand", "public": false } } });
                all.target.sent("PUT", &format!("/api/v2/tickets/{id}.json"), &body)
            }
            _ => all.target.sent("POST", &format!("/api/v2/tickets/{id}/notes"), &json!({ "body": "by hand" })),
        };
    }
    assert_eq!(ids.len(), many);
    ids
}

#[test]
fn only_what_was_made_and_not_changed_since_is_deleted_the_newest_first() {
    for pair in [ZENDESK_FRESHDESK, FRESHDESK_ZENDESK] {
        let all = moved(pair, 24, "");
        let ours = mapped(&all);
        let changed = changed_by_hand(&all, 3);
        let number = wanted(&all, &["undo"]);
        assert_eq!(deletions(&all), [], "a preview deletes nothing");
        let said = all.said("stderr.txt");
        assert_eq!(said.matches("it was changed there since").count(), 3, "{said}");
        assert!(said.contains("was there before"), "{said}");
        let wrong = format!("{number}0");
        assert_eq!(all.run(&["undo", "--yes", &wrong]), 6, "another number is no agreement");
        assert_eq!(deletions(&all), []);

        assert_eq!(all.run(&["undo", "--yes", &number]), 0, "{}", all.said("stderr.txt"));
        let gone = deletions(&all);
        assert_eq!(gone.len().to_string(), number);
        assert_eq!(gone.iter().collect::<BTreeSet<_>>().len(), gone.len(), "each once");
        assert!(gone.iter().all(|one| ours.contains(one)), "{gone:?}");
        assert!(changed.iter().all(|id| !gone.contains(&("tickets".into(), *id))));
        let kinds: Vec<&str> = gone.iter().map(|(kind, _)| kind.as_str()).collect();
        let first_person = kinds.iter().position(|kind| *kind != "tickets").unwrap();
        assert!(first_person > 3 && !kinds[first_person..].contains(&"tickets"), "children before parents: {kinds:?}");
        let there: BTreeSet<u64> = tickets(&all).iter().filter_map(|ticket| ticket["id"].as_u64()).collect();
        assert_eq!(there, changed, "{}", pair.target);
        let mut state = all.target.state();
        left_out_of_the_trash(&mut state);
        assert!(state.to_string().contains(KNOWN), "who was there before is there");
        for ticket in tickets(&all) {
            let asks = json!({ "id": ticket["requester_id"] });
            assert!(state.to_string().contains(&asks["id"].to_string()), "whose ticket stays, stays");
        }
        assert_eq!(all.run(&["status"]), 0);
        assert_eq!(mapped(&all).len() + gone.len(), ours.len(), "what is deleted is in the id map no more");
        // Again: nothing is left to delete.
        assert_eq!(all.run(&["undo"]), 0);
        assert!(all.said("stderr.txt").contains("nothing to delete"), "{}", all.said("stderr.txt"));
    }
}

#[test]
fn an_undo_that_is_killed_and_loses_answers_ends_complete_and_a_later_run_makes_all_again() {
    let lost = "[[fault]]\nmethod = \"DELETE\"\npath = \"**\"\nevery = 4\ndoes = \"reset_after\"\n\
                [[fault]]\nmethod = \"DELETE\"\npath = \"**\"\nevery = 7\ndoes = \"error_before\"\n";
    let mut draw = Draw::seeded();
    for pair in [ZENDESK_FRESHDESK, FRESHDESK_ZENDESK] {
        let all = moved(pair, 16, lost);
        let ours = mapped(&all);
        let number = wanted(&all, &["undo"]);
        let (began, mut kills, mut code) = (Instant::now(), 0, None);
        let asked = || all.target.calls().len();
        while code != Some(0) {
            assert!(began.elapsed() < DEADLINE, "{kills} kills: {}", all.said("stderr.txt"));
            let until = asked() + 1 + (draw.fraction() * 30.0) as usize;
            let mut child = all.spawn(&["undo", "--yes", &number]);
            while child.try_wait().unwrap().is_none() {
                if asked() >= until {
                    child.kill().unwrap();
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            code = child.wait().unwrap().code();
            kills += usize::from(code.is_none());
            assert!(matches!(code, None | Some(0 | 3 | 5)), "{code:?}: {}", all.said("stderr.txt"));
        }
        println!("{kills} kills");
        assert!(kills > 2, "{kills} kills");
        let gone = deletions(&all);
        assert_eq!(gone.iter().collect::<BTreeSet<_>>().len(), gone.len(), "each once: {gone:?}");
        assert!(gone.iter().all(|one| ours.contains(one)), "{gone:?}");
        assert_eq!(gone.len().to_string(), number);
        assert_eq!(tickets(&all), Vec::<Value>::new());
        all.comes_to_its_end();
        is_whole(&all);
    }
}

#[test]
fn a_trial_is_undone_and_nothing_else() {
    let all = Move::new(24, Trouble::default());
    assert_eq!(all.run(&["run", "--ids", "ticket:21,ticket:22"]), 0, "{}", all.said("stderr.txt"));
    let before: BTreeSet<u64> = tickets(&all).iter().filter_map(|ticket| ticket["id"].as_u64()).collect();
    assert_eq!(all.run(&["run", "--sample", "4"]), 0, "{}", all.said("stderr.txt"));
    let number = wanted(&all, &["undo", "--trial"]);
    assert!(tickets(&all).len() > before.len());
    assert_eq!(all.run(&["undo", "--trial", "--yes", &number]), 0, "{}", all.said("stderr.txt"));
    let after: BTreeSet<u64> = tickets(&all).iter().filter_map(|ticket| ticket["id"].as_u64()).collect();
    assert_eq!(after, before);
    all.succeeds();
    is_whole(&all);
}
