//! Files with names that no disk, header or browser would take as they are: each arrives, whole, under a name that all of them take.

use crate::policies::Folder;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Names as people and programs give them.
fn names() -> Vec<String> {
    let odd = [
        "../../etc/passwd",
        "C:\\Users\\ann\\a.txt",
        "a/b/c.txt",
        "CON.txt",
        "nul",
        "say \"hi\"; now.txt",
        "50% off?.txt",
        "Ünïcode – 文件 👍🏽.txt",
        "e\u{301}te\u{301}.txt",
        "gpj.\u{202e}exe.txt",
        "line\r\nbreak.txt",
        ".hidden",
        "trailing. . .",
        "same.txt",
        "same.txt",
        "SAME.TXT",
        "   ",
    ];
    odd.iter().map(|name| (*name).to_owned()).chain([format!("{}.txt", "ü".repeat(300))]).collect()
}

fn folder(platform: &str) -> Folder {
    let files = names().into_iter().enumerate();
    let files: Vec<Value> = files
        .map(|(at, name)| json!({ "id": format!("f{at}"), "name": name, "source": format!("attachments/{at}") }))
        .collect();
    let ticket = json!({ "id": "1", "subject": "odd", "requester": "7", "comments": [
        { "id": "1", "author": "7", "format": "html", "body": "<p></p>", "attachments": files },
        { "id": "2", "author": "7", "format": "html", "body": "" } ] });
    let contact = json!({ "id": "7", "name": "Ann", "emails": ["ann@x.example"] });
    let all = Folder::of(platform, &[("contact", &[contact]), ("ticket", &[ticket])], "");
    for at in 0..names().len() {
        all.put(&format!("in/attachments/{at}"), format!("the bytes of file {at}").as_bytes());
    }
    all
}

fn files(state: &Value) -> Vec<Value> {
    let ticket = &state["tickets"][0];
    let of = |message: &Value| message["files"].as_array().cloned().unwrap_or_default();
    let below = ["conversations", "comments"].iter().flat_map(|key| ticket[key].as_array().into_iter().flatten());
    of(ticket).into_iter().chain(below.flat_map(of)).collect()
}

fn name(file: &Value) -> String {
    let name = if file["name"].is_string() { &file["name"] } else { &file["file_name"] };
    name.as_str().unwrap().to_owned()
}

#[test]
fn files_with_odd_names_all_arrive_whole_each_under_a_name_of_its_own() {
    for platform in ["freshdesk", "zendesk"] {
        let all = folder(platform);
        all.succeeds();
        let there = files(&all.target.state());
        let sums: BTreeSet<&str> = there.iter().filter_map(|file| file["sha256"].as_str()).collect();
        assert_eq!(
            (there.len(), sums.len()),
            (names().len(), names().len()),
            "{platform}: each file, once, with its own bytes"
        );
        let named: BTreeSet<String> = there.iter().map(|file| name(file).to_lowercase()).collect();
        assert_eq!(named.len(), names().len(), "{platform}: no two share a name: {named:?}");
        for name in there.iter().map(name) {
            let forbidden = ['/', '\\', '"', ':', '?', '*', '<', '>', '|', '\r', '\n', '\u{202e}'];
            assert!(!name.contains(forbidden) && !name.trim().is_empty() && name.len() <= 255, "{platform}: {name:?}");
        }
        assert!(named.iter().any(|name| name.contains("文件")), "{platform}: letters of every script stay: {named:?}");
        let report = all.report();
        assert!(report.contains("file_name=") && !report.contains("file_gone"), "{platform}: {report}");
        let seen = all.target.calls().len();
        all.succeeds();
        assert_eq!(all.target.writes_after(seen), Vec::<String>::new(), "{platform}");
    }
}
