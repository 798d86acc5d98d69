//! Ids that repeat, as they do in exports: each message, file and row has a place of its own, or is told.

use crate::policies::Folder;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;

fn message(id: &str, body: &str) -> Value {
    json!({ "id": id, "author": "7", "format": "text", "body": body, "created_at": "2024-05-01T10:00:00Z" })
}

fn ticket(id: &str, number: &str, comments: &[Value]) -> Value {
    json!({ "id": id, "number": number, "subject": id, "status": "Open", "priority": "Medium", "requester": "7", "comments": comments })
}

fn contact() -> Value {
    json!({ "id": "7", "name": "Ann", "emails": ["ann@example.com"] })
}

/// What a target shows of its tickets.
fn shown(all: &Folder) -> String {
    all.target.state()["tickets"].to_string()
}

#[test]
fn messages_of_one_id_are_all_migrated_and_no_later_run_writes_them_again() {
    let mut private = message("2", "zebra, private");
    private["visibility"] = json!("private");
    let comments = [message("1", "apple"), message("2", "bear"), private, message("2", "bear"), message("1", "citron")];
    for platform in ["freshdesk", "zendesk"] {
        let all = Folder::of(platform, &[("ticket", &[ticket("1", "1", &comments)]), ("contact", &[contact()])], "");
        let notes = all.heard(&["run"], 0);
        assert!(notes.contains("some ids repeat within a ticket (first: message 2 of ticket 1)"), "{notes}");
        for word in ["apple", "bear", "zebra", "citron"] {
            assert_eq!(
                shown(&all).matches(&format!("<p>{word}")).count(),
                1,
                "{word} in a {platform}: {}",
                shown(&all)
            );
        }
        let seen = all.target.calls().len();
        all.succeeds();
        assert_eq!(all.target.writes_after(seen), Vec::<String>::new(), "{platform}");
    }
}

#[test]
fn files_kept_for_two_tickets_of_one_number_lie_in_two_places() {
    let with_file = |id: &str, source: &str| {
        let mut comment = message("1", "look");
        comment["attachments"] = json!([{ "id": "f", "name": "big.bin", "source": source }]);
        ticket(id, "7", &[comment])
    };
    let tickets = [with_file("INC:7", "attachments/a.bin"), with_file("PRB:7", "attachments/b.bin")];
    let all = Folder::of("freshdesk", &[("ticket", &tickets), ("contact", &[contact()])], "");
    for name in ["a", "b"] {
        all.put(&format!("in/attachments/{name}.bin"), name.repeat(20_500_000).as_bytes());
    }
    all.succeeds();
    let kept: Vec<Vec<u8>> = files_in(&all.home().join(".deskferry/kept"));
    assert_eq!(kept.iter().map(|file| file[0]).collect::<HashSet<_>>(), HashSet::from([b'a', b'b']));
    assert!(kept.len() == 2 && kept.iter().all(|file| file.len() == 20_500_000 && file.iter().all(|b| *b == file[0])));
}

fn files_in(folder: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path().is_dir() {
            true => all.extend(files_in(&entry.path())),
            false => all.push(std::fs::read(entry.path()).unwrap()),
        }
    }
    all
}
