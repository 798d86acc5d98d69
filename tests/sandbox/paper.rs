//! A preview before anything is bought, and with a token that may only read.

use crate::moving::{Move, Trouble};
use serde_json::Value;
use std::collections::BTreeSet;

fn report(all: &Move) -> Value {
    serde_json::from_str(&std::fs::read_to_string(all.project.path().join("preview.json")).unwrap()).unwrap()
}

/// Takes address and key of the target out of the project.
fn without_account(all: &Move) {
    let file = all.project.path().join("migration.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("[target]\n").unwrap();
    let rest = after.split_once("\n[").map_or(String::new(), |(_, rest)| format!("[{rest}"));
    std::fs::write(file, format!("{before}[target]\nconnector = \"freshdesk\"\n{rest}")).unwrap();
}

fn names<'a>(report: &'a Value, what: &str) -> Vec<&'a str> {
    let rows = report["to_check"].as_array().unwrap().iter().filter(|row| row["what"] == what);
    rows.flat_map(|row| row["names"].as_array().unwrap()).filter_map(Value::as_str).collect()
}

#[test]
fn a_preview_without_an_account_asks_the_target_for_nothing_and_loses_nothing_only_an_account_can_tell() {
    let all = Move::new(60, Trouble::default());
    without_account(&all);
    assert_eq!(all.run(&["preview", "--all"]), 0, "{}", all.said("stderr.txt"));
    let said = all.said("stdout.txt");
    assert!(said.contains("Made against the platform's profile"), "{said}");
    assert_eq!(all.target.calls().len(), 0, "nobody was asked");
    let report = report(&all);
    assert_eq!(report["on_paper"], true);
    assert_eq!(report["blockers"], serde_json::json!([]));
    let lost: BTreeSet<&str> =
        report["losses"].as_array().unwrap().iter().filter_map(|loss| loss["loss"].as_str()).collect();
    for of_account in ["group_default", "field_dropped", "section_flattened"] {
        assert!(!lost.contains(of_account), "whether {of_account} only an account can tell: {lost:?}");
    }
    assert!(lost.contains("date_in_header"), "what the platform cannot hold is certain: {lost:?}");
    let state = all.source.state();
    let groups: BTreeSet<&str> =
        state["tables"]["groups"].as_array().unwrap().iter().filter_map(|group| group["name"].as_str()).collect();
    assert_eq!(names(&report, "groups").into_iter().collect::<BTreeSet<_>>(), groups);
    assert!(names(&report, "agents").contains(&"admin@acme.example"));
    assert!(names(&report, "custom fields").contains(&"Serial <no> (text)"));
    assert_eq!(names(&report, "ticket field of our own"), ["Deskferry"]);
    assert!(report["forecast"]["seconds"].as_f64().unwrap() > 0.0, "the limits of the manifest count");

    let page = std::fs::read_to_string(all.project.path().join("preview.html")).unwrap();
    assert!(page.contains("no target account is configured") && page.contains("To be made or checked in the account"));
    let told = crate::preview::requests(all.project.path());
    let ticket = told.iter().find(|told| told["step"] == "create" && told["kind"] == "ticket").unwrap();
    let body = ticket["request"].to_string();
    assert!(body.contains("<#group "), "a group stands by its name: {body}");
}

#[test]
fn without_an_account_the_source_is_staged_assessed_and_mapped_and_nothing_is_run_or_approved() {
    let all = Move::new(40, Trouble::default());
    without_account(&all);
    std::fs::remove_file(all.project.path().join("mapping.toml")).unwrap();
    assert_eq!(all.run(&["stage"]), 0, "{}", all.said("stderr.txt"));
    assert_eq!(all.run(&["map"]), 0);
    let proposed = all.said("stdout.txt");
    assert!(proposed.contains("Solved = \"Resolved\"") && !proposed.contains("[ticket.group"), "{proposed}");
    assert!(all.said("stderr.txt").lines().any(|l| l.contains("Buchhaltung") && l.ends_with("to be checked")));
    assert_eq!(all.run(&["map", "--ready", "--write"]), 0);
    assert_eq!(all.run(&["assess"]), 0, "{}", all.said("stderr.txt"));
    assert_eq!(all.run(&["preview", "--approve"]), 6, "{}", all.said("stderr.txt"));
    assert_eq!(all.run(&["check"]), 2);
    assert_eq!(all.run(&["run"]), 2);
    assert!(all.said("stderr.txt").contains("[target] has no `api_key`"), "{}", all.said("stderr.txt"));
    assert_eq!(all.target.calls().len(), 0);
}

/// Every write is refused for want of the right, as a key of a role that only looks is.
const READ_ONLY: &str = "[[fault]]\nmethod = \"POST\"\npath = \"/api/**\"\nevery = 1\ndoes = \"error_before\"\nstatus = 403\n\
    [[fault]]\nmethod = \"PUT\"\npath = \"/api/**\"\nevery = 1\ndoes = \"error_before\"\nstatus = 403\n\
    [[fault]]\nmethod = \"DELETE\"\npath = \"/api/**\"\nevery = 1\ndoes = \"error_before\"\nstatus = 403\n";

#[test]
fn a_key_that_may_only_read_is_enough_for_a_preview() {
    let all = Move::new(40, Trouble { target: READ_ONLY, ..Trouble::default() });
    assert_eq!(all.run(&["preview", "--all"]), 0, "{}", all.said("stderr.txt"));
    assert_eq!(report(&all)["blockers"], serde_json::json!([]));
    let tried = || all.target.calls().iter().filter(|call| call["at"] == "api" && call["method"] != "GET").count();
    assert_eq!(tried(), 0, "nothing was even tried");
    assert_eq!(all.run(&["map", "--coverage"]), 0);
    assert_eq!(tried(), 0);
    assert_ne!(all.run(&["run"]), 0, "a run cannot write with it");
    assert!(tried() > 0);
}

#[test]
fn a_missing_field_for_our_markers_is_in_the_way_of_a_run_and_not_of_a_preview() {
    let all = Move::new(20, Trouble { target: READ_ONLY, ..Trouble::default() });
    let file = all.project.path().join("migration.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("create_marker = true\n", "")).unwrap();
    assert_eq!(all.run(&["preview", "--all"]), 6, "{}", all.said("stderr.txt"));
    let report = report(&all);
    assert!(report["blockers"][0]["what"].as_str().unwrap().contains("the ticket field"), "{report}");
    assert!(
        report["kinds"].as_array().unwrap().iter().any(|k| k["kind"] == "ticket" && k["outcomes"]["migrated"] != 0)
    );
}
