//! Words of the mapping and the scope that name nothing: `check` names them all, with their line, before anything is written.

use crate::policies::Folder;
use serde_json::json;

const MAPPING: &str = r#"
[ticket.status]
values = { "Opne" = "Open", "Waiting" = "Pendnig" }
else = "Nothing like it"
[ticket.priority]
default = "Hihg"
[ticket.group]
values = { "Support" = "No such group" }
[ticket.custom."Order"]
to = "No such field"
[people]
agents = { "bob@old.example" = "nobody@new.example" }
missing = "default:noone@new.example"
"#;

const SCOPE: &str = r#"
[scope]
statuses = ["Open", "Waiting", "Opne"]
tags = ["VIP", "vpi"]
ids = ["ticket:1", "ticket:2", "ticket:99"]
"#;

fn folder(mapping: &str, scope: &str) -> Folder {
    let ticket = |id: &str, status: &str| {
        json!({ "id": id, "subject": "s", "status": status, "requester": "7", "group": "g", "tags": ["vip"],
            "custom": [{ "key": "order", "title": "Order", "value": "A-1" }],
            "comments": [{ "id": "1", "author": "7", "format": "text", "body": "b" }] })
    };
    let contact = json!({ "id": "7", "name": "Ann", "emails": ["ann@x.example"] });
    let group = json!({ "id": "g", "name": "Support" });
    let tickets = [ticket("1", "Open"), ticket("2", "Waiting")];
    let all = Folder::of("freshdesk", &[("contact", &[contact]), ("group", &[group]), ("ticket", &tickets)], mapping);
    let file = all.home().join("migration.toml");
    let text = std::fs::read_to_string(&file).unwrap() + scope;
    all.put("migration.toml", text.as_bytes());
    all
}

#[test]
fn check_names_every_word_that_names_nothing_with_its_line_and_what_was_meant() {
    let all = folder(MAPPING, SCOPE);
    let before = all.heard(&["check"], 6);
    assert!(before.contains("no tickets are staged") && before.contains("[scope] was not compared"), "{before}");
    all.said(&["stage"]);
    let said = all.heard(&["check"], 6);
    for (place, what, hint) in [
        ("mapping.toml:3", "the source has no status `Opne`", "did you mean `Open`?"),
        ("mapping.toml:3", "the target has no status `Pendnig`", "did you mean `Pending`?"),
        ("mapping.toml:4", "the target has no status `Nothing like it`", "one of `Open`"),
        ("mapping.toml:6", "the target has no priority `Hihg`", "did you mean `High`?"),
        ("mapping.toml:8", "the target has no group `No such group`", "one of "),
        ("mapping.toml:10", "the target has no field `No such field`", "`create = true` makes it"),
        ("mapping.toml:12", "no agent in the target has the e-mail address nobody@new.example", "make the agent there"),
        ("mapping.toml:13", "no agent in the target has the e-mail address noone@new.example", "make the agent there"),
        ("migration.toml:", "[scope] statuses: the source has no status \"Opne\"", "did you mean `Open`?"),
        ("migration.toml:", "[scope] tags: the source has no tag \"vpi\"", "did you mean `vip`?"),
        ("migration.toml:", "[scope] ids: the source has no ticket 99", "correct or remove it"),
    ] {
        let lines: Vec<&str> = said.lines().collect();
        let found = lines.windows(2).find(|pair| pair[0].contains(place) && pair[0].contains(what));
        assert!(found.is_some_and(|pair| pair[1].contains(hint)), "{place} {what} {hint}\n{said}");
    }
    assert_eq!(all.target.state()["tickets"].as_array().map_or(0, Vec::len), 0);
}

#[test]
fn check_has_nothing_to_say_of_a_mapping_whose_words_are_all_there() {
    let good = "[ticket.status]\nvalues = { \"Waiting\" = \"Pending\", \"Never seen here\" = \"Closed\" }\n\
                [ticket.custom.\"Order\"]\ncreate = true\n[ticket.priority]\nelse = \"drop\"\n";
    let all = folder(good, "[scope]\nstatuses = [\"open\", \"waiting\"]\ntags = [\"VIP\"]\n");
    all.said(&["stage"]);
    let said = all.heard(&["check"], 0);
    assert!(!said.contains("FAILED") && !said.contains("not compared"), "{said}");
}

#[test]
fn a_mapping_of_a_folder_is_proposed_from_its_tickets_without_a_stage_before() {
    let all = folder("", "");
    all.said(&["map", "--write"]);
    let mapping = std::fs::read_to_string(all.home().join("mapping.toml")).unwrap();
    assert!(mapping.contains("Waiting"), "{mapping}");
}
