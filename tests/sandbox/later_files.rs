//! Files that are put into the folder when their ticket is migrated already: they arrive, once.

use crate::policies::Folder;
use serde_json::Value;

fn folder(platform: &str) -> Folder {
    let all = Folder::of(platform, &[], "");
    let file = all.home().join("migration.toml");
    let csv = std::fs::read_to_string(&file).unwrap().replace("path = \"in\"\n", "path = \"in\"\nformat = \"csv\"\n");
    all.put("migration.toml", csv.as_bytes());
    all.put("in/contact.csv", b"id,name,emails\n7,Ann,ann@x.example\n");
    all.put("in/ticket.csv", b"id,subject,requester,created_at\n1,with files,7,2024-05-01\n2,without,7,2024-05-01\n");
    all.put(
        "in/comment.csv",
        b"ticket,id,author,body,visibility\n1,c1,7,the first,public\n1,c2,7,the second,private\n2,c3,7,alone,public\n",
    );
    all.put(
        "in/attachment.csv",
        b"ticket,comment,source\n1,c1,files/one.txt\n1,c2,files/two.txt\n1,c1,files/here.txt\n",
    );
    all.put("in/files/here.txt", b"here from the beginning");
    all
}

/// Name and privacy of every file of a desk, by the message it is on.
fn files(state: &Value) -> Vec<(String, bool)> {
    let name = |file: &Value| {
        let name = if file["name"].is_string() { &file["name"] } else { &file["file_name"] };
        name.as_str().unwrap().to_owned()
    };
    let mut all = Vec::new();
    for ticket in state["tickets"].as_array().unwrap() {
        let of = |message: &Value, private: bool| {
            let files = message["files"].as_array().into_iter().flatten();
            files.map(|file| (name(file), private)).collect::<Vec<_>>()
        };
        all.extend(of(ticket, false));
        for message in ticket["conversations"].as_array().into_iter().flatten() {
            all.extend(of(message, message["private"] == true));
        }
        for message in ticket["comments"].as_array().into_iter().flatten() {
            all.extend(of(message, message["public"] == false));
        }
    }
    all.sort();
    all
}

fn named(names: &[(&str, bool)]) -> Vec<(String, bool)> {
    names.iter().map(|(name, private)| ((*name).to_owned(), *private)).collect()
}

fn losses(all: &Folder) -> String {
    let report = all.report();
    report.lines().find(|line| line.starts_with("ticket,1,")).unwrap().to_owned()
}

#[test]
fn a_file_that_is_put_into_the_folder_later_arrives_once() {
    let (run, retry): (&[&str], &[&str]) = (&["run"], &["retry", "--reason", "file_gone"]);
    for (platform, command) in [("freshdesk", run), ("zendesk", run), ("freshdesk", retry)] {
        let all = folder(platform);
        all.succeeds();
        assert_eq!(files(&all.target.state()), named(&[("here.txt", false)]), "{platform}");
        assert!(losses(&all).contains("file_gone=2"), "{}", losses(&all));
        all.put("in/files/one.txt", b"the first file");
        all.said(command);
        assert_eq!(files(&all.target.state()), named(&[("here.txt", false), ("one.txt", false)]), "{platform}");
        assert!(
            losses(&all).contains("file_gone=1") && losses(&all).contains("file_added_later=1"),
            "{}",
            losses(&all)
        );
        all.put("in/files/two.txt", b"the second file");
        all.said(command);
        let everything = named(&[("here.txt", false), ("one.txt", false), ("two.txt", true)]);
        assert_eq!(files(&all.target.state()), everything, "{platform}: of a private message it stays private");
        let seen = all.target.calls().len();
        all.said(command);
        assert_eq!(all.target.writes_after(seen), Vec::<String>::new(), "{platform}: once");
        assert_eq!(all.target.mails(), Vec::<Value>::new());
    }
}

#[test]
fn a_row_that_is_pointed_at_another_file_brings_that_and_fails_nothing() {
    for platform in ["freshdesk", "zendesk"] {
        let all = folder(platform);
        all.succeeds();
        all.put("in/files/other.txt", b"under another name");
        all.put(
            "in/attachment.csv",
            b"ticket,comment,source\n1,c1,files/other.txt\n1,c2,files/two.txt\n1,c1,files/here.txt\n",
        );
        all.succeeds();
        assert_eq!(files(&all.target.state()), named(&[("here.txt", false), ("other.txt", false)]), "{platform}");
        let seen = all.target.calls().len();
        all.succeeds();
        assert_eq!(all.target.writes_after(seen), Vec::<String>::new(), "{platform}");
    }
}

#[test]
fn a_row_that_is_added_to_a_written_message_brings_its_file_once() {
    for platform in ["freshdesk", "zendesk"] {
        let all = folder(platform);
        all.put("in/files/one.txt", b"the first file");
        all.put("in/files/two.txt", b"the second file");
        all.succeeds();
        let before = named(&[("here.txt", false), ("one.txt", false), ("two.txt", true)]);
        assert_eq!(files(&all.target.state()), before, "{platform}");
        // Above the others: the ids that rows get by their place are others now.
        all.put("in/files/new.txt", b"came later");
        all.put("in/files/alone.txt", b"came later, too");
        let rows = "ticket,comment,source\n1,c2,files/new.txt\n1,c1,files/one.txt\n1,c2,files/two.txt\n1,c1,files/here.txt\n2,c3,files/alone.txt\n";
        all.put("in/attachment.csv", rows.as_bytes());
        all.succeeds();
        let after = named(&[
            ("alone.txt", false),
            ("here.txt", false),
            ("new.txt", true),
            ("one.txt", false),
            ("two.txt", true),
        ]);
        assert_eq!(files(&all.target.state()), after, "{platform}: of a private message it stays private");
        assert!(losses(&all).contains("file_added_later=1"), "{}", losses(&all));
        let seen = all.target.calls().len();
        all.succeeds();
        assert_eq!(all.target.writes_after(seen), Vec::<String>::new(), "{platform}: once");
        let missing = rows.replace("1,c2,files/new", "1,c1,files/last.txt\n1,c2,files/new");
        all.put("in/attachment.csv", missing.as_bytes());
        all.succeeds();
        assert_eq!(files(&all.target.state()), after, "{platform}: its file is not there yet");
        all.put("in/files/last.txt", b"last");
        all.succeeds();
        assert_eq!(files(&all.target.state()).len(), 6, "{platform}: one more, and it takes no other's place");
        assert_eq!(all.target.mails(), Vec::<Value>::new());
    }
}
