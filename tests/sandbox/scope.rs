//! A scope that leaves nothing is told, with what was meant, and does not end like a move that is done.

use crate::policies::Folder;
use serde_json::json;

/// A ticket that is open, has a tag and is in a group, with this `[scope]`.
fn with(scope: &str) -> Folder {
    let ticket = json!({ "id": "1", "subject": "One", "created_at": "2024-01-01T00:00:00Z", "status": "Open", "priority": "Medium", "requester": "7", "tags": ["vip"], "group": "g" });
    let contact = json!({ "id": "7", "name": "Ann", "emails": ["ann@example.com"] });
    let group = json!({ "id": "g", "name": "Support" });
    let all = Folder::of("freshdesk", &[("ticket", &[ticket]), ("contact", &[contact]), ("group", &[group])], "");
    let project = std::fs::read_to_string(all.home().join("migration.toml")).unwrap();
    all.put("migration.toml", format!("{project}[scope]\n{scope}\n").as_bytes());
    all
}

#[test]
fn a_word_of_the_scope_that_the_source_does_not_have_is_named_with_the_one_that_was_meant() {
    for (scope, wrong, meant) in [
        ("statuses = [\"Opn\"]", "the source has no status \"Opn\"", "did you mean `Open`?"),
        ("groups = [\"Suport\"]", "the source has no group \"Suport\"", "did you mean `Support`?"),
        ("tags = [\"vipp\"]", "the source has no tag \"vipp\"", "did you mean `vip`?"),
    ] {
        let all = with(scope);
        let previewed = all.heard(&["preview"], 6);
        assert!(previewed.contains(wrong) && previewed.contains(meant), "{previewed}");
        let run = all.heard(&["run"], 3);
        assert!(run.contains(wrong) && run.contains(meant), "{run}");
    }
}

#[test]
fn every_unknown_word_is_named_at_once_though_others_of_the_list_are_there() {
    let all = with("statuses = [\"Open\", \"Slved\"]\ntags = [\"vip\", \"gold\"]\nids = [\"1\", \"99999\"]");
    for (args, code) in [(&["preview"], 6), (&["run"], 3)] {
        let heard = all.heard(args, code);
        for wrong in ["no status \"Slved\"", "no tag \"gold\"", "no ticket 99999"] {
            assert!(heard.contains(wrong), "{wrong}: {heard}");
        }
        assert!(!heard.contains("no status \"Open\"") && !heard.contains("no tag \"vip\""), "{heard}");
    }
    assert_eq!(all.target.state()["tickets"].as_array().map_or(0, Vec::len), 1, "what is in scope is migrated");
}

#[test]
fn a_scope_that_leaves_no_ticket_says_so() {
    let all = with("created_after = \"2050-01-01\"");
    let nothing = "[scope] leaves none of the 1 tickets";
    assert!(all.heard(&["preview"], 6).contains(nothing));
    assert!(all.heard(&["run"], 3).contains(nothing));
}

#[test]
fn a_scope_without_a_mistake_is_no_complaint() {
    let all = with("statuses = [\"open\"]\ntags = [\"VIP\"]\ngroups = [\"support\"]\nids = [\"ticket:1\"]");
    all.heard(&["preview"], 0);
    all.succeeds();
}
