//! What `check` and `preview` say of a folder before a run meets it.

use crate::policies::Folder;
use serde_json::{Value, json};

fn ticket(id: &str, requester: &str, subject: &str, tags: &[&str]) -> Value {
    json!({ "id": id, "subject": subject, "requester": requester, "tags": tags,
        "comments": [{ "id": format!("{id}1"), "author": requester, "format": "text", "body": "hello" }] })
}

#[test]
fn contacts_of_one_address_are_foretold_by_check_and_preview() {
    let people = [
        json!({ "id": "10", "name": "Ann One", "emails": ["ann@x.example"] }),
        json!({ "id": "11", "name": "Ann Two", "emails": ["Ann@X.example"] }),
        json!({ "id": "12", "name": "Ann Three", "emails": ["ann@x.example"] }),
    ];
    let all = Folder::of("freshdesk", &[("contact", &people), ("ticket", &[ticket("1", "11", "s", &[])])], "");
    let told = "2 contacts with the address of an earlier one (contact.jsonl line 2 has Ann@X.example of line 1)";
    let said = all.heard(&["check"], 0) + &all.said(&["check"]);
    assert!(said.contains(told), "{said}");
    let said = all.heard(&["preview", "--all"], 0) + &all.said(&["preview", "--all"]);
    assert!(said.contains(told), "{said}");
    all.succeeds();
    let state = all.target.state();
    let names: Vec<&str> =
        state["contacts"].as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
    assert!(names.contains(&"Ann One") && !names.contains(&"Ann Two"), "{names:?}");
}

#[test]
fn a_knowledge_base_that_does_not_hang_together_is_told_by_check() {
    let category = json!({ "id": "c", "name": "C" });
    let section = |id: &str, category: &str, parent: Value| json!({ "id": id, "name": id, "category": category, "parent": parent });
    let sections = [section("1", "c", json!("2")), section("2", "c", json!("1")), section("3", "d", Value::Null)];
    let article = json!({ "id": "a", "title": "A", "format": "text", "body": "b", "section": "9" });
    let all = Folder::of(
        "freshdesk",
        &[("category", &[category]), ("section", &sections), ("article", &[article]), ("ticket", &[])],
        "",
    );
    let said = all.heard(&["check"], 6) + &all.ends(&["check"], 6);
    for (place, what) in [
        ("section.jsonl line 1", "lies within itself"),
        ("section.jsonl line 2", "lies within itself"),
        ("section.jsonl line 3", "no category of the export has the id \"d\""),
        ("article.jsonl line 1", "no section of the export has the id \"9\""),
    ] {
        assert!(said.lines().any(|line| line.contains(place) && line.contains(what)), "{place}: {said}");
    }
}

#[test]
fn a_subject_and_a_tag_that_the_target_cuts_are_named() {
    let (subject, tag) = ("s".repeat(300), "t".repeat(32));
    let tickets = [
        ticket("1", "7", &subject, &[&"u".repeat(40)]),
        ticket("2", "7", "short", &[&format!("{tag}A"), &format!("{tag}B"), "kept"]),
        ticket("3", "7", &"s".repeat(255), &[&tag]),
    ];
    let contact = json!({ "id": "7", "name": "Ann", "emails": ["ann@x.example"] });
    let all = Folder::of("freshdesk", &[("contact", &[contact]), ("ticket", &tickets)], "");
    all.succeeds();
    let report = all.report();
    let of = |id: &str| report.lines().find(|line| line.starts_with(&format!("ticket,{id},"))).unwrap().to_owned();
    assert!(of("1").contains("tag_cut=1;title_cut=1") || of("1").contains("title_cut=1;tag_cut=1"), "{report}");
    assert!(of("2").contains("tag_cut=1") && !of("2").contains("title_cut"), "{report}");
    assert!(!of("3").contains("_cut"), "{report}");
}
