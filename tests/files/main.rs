//! Folders moved by the real binary: made by hand, with mistakes, killed on the way, changed between runs.

mod attached;
mod bad_cells;
mod exports;
mod page;
mod people;
mod report;
mod reports;
#[path = "../root.rs"]
mod root;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PAGE: &str = include_str!("../../docs/files.md");
const TICKETS: usize = 60;

/// A project that moves `in` to `out`.
fn project(from: &str, to: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[source]\nconnector = \"files\"\npath = \"in\"\nformat = \"{from}\"\n\
         [target]\nconnector = \"files\"\npath = \"out\"\nformat = \"{to}\"\n"
    );
    fs::write(dir.path().join("migration.toml"), text).unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    dir
}

fn put(dir: &TempDir, name: &str, text: impl AsRef<[u8]>) {
    let path = dir.path().join("in").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn command(dir: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
    command.arg("-C").arg(dir.path()).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(dir: &TempDir) -> Output {
    command(dir, &["run"]).output().unwrap()
}

/// Exit code and stderr, without the place of the project.
fn seen(dir: &TempDir) -> String {
    let output = run(dir);
    let text = String::from_utf8_lossy(&output.stderr).replace(&dir.path().display().to_string(), "DIR");
    format!("exit {}\n{text}", output.status.code().unwrap_or(-1))
}

fn ends_well(dir: &TempDir) {
    assert!(seen(dir).starts_with("exit 0\n"), "{}", seen(dir));
}

fn lines(folder: &Path, kind: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(format!("{kind}.jsonl"))).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was written, by id: records come as they are done.
fn out(dir: &TempDir, kind: &str) -> Vec<Value> {
    let mut records = lines(&dir.path().join("out"), kind);
    records.sort_by_key(|record| record["id"].to_string());
    records
}

/// The n-th block of code of this language on the page.
fn example(language: &str, n: usize) -> String {
    PAGE.split(&format!("```{language}\n")).nth(n + 1).unwrap().split("```").next().unwrap().to_owned()
}

#[test]
fn the_example_of_the_page_is_carried_as_it_says() {
    let dir = project("csv", "jsonl");
    put(&dir, "columns.toml", example("toml", 1));
    put(&dir, "tickets.csv", example("csv", 0));
    put(&dir, "comment.csv", example("csv", 1));
    ends_well(&dir);
    let tickets = out(&dir, "ticket");
    let first = &tickets[0];
    assert_eq!((tickets.len(), &first["id"], &first["subject"]), (2, &json!("1001"), &json!("Printer on fire")));
    assert_eq!(first["created_at"], "2024-05-01T06:30:00Z");
    assert_eq!(first["tags"], json!(["urgent", "hardware"]));
    assert_eq!(first["custom"], json!([{ "key": "Order number", "title": "Order number", "value": "A-17" }]));
    assert_eq!(first["comments"][0]["body"], "It burns; \"really\".\nPlease come.");
    assert_eq!(
        (&first["comments"][0]["author"], first["requester"].as_str()),
        (&json!("ann@example.com"), Some("ann@example.com"))
    );
    assert_eq!(
        (&first["comments"][1]["visibility"], &first["comments"][1]["body"]),
        (&json!("private"), &json!("Call the fire brigade"))
    );
}

#[test]
fn a_workbook_is_carried_with_its_dates_numbers_and_formulas() {
    use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
    let dir = project("xlsx", "jsonl");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Tickets 2024").unwrap();
    for (at, header) in ["ID", "Subject", "Created at", "Seats", "Tags"].into_iter().enumerate() {
        sheet.write(0, u16::try_from(at).unwrap(), header).unwrap();
    }
    let date = Format::new().set_num_format("dd/mm/yyyy hh:mm");
    sheet.write(1, 0, 4711).unwrap();
    sheet.write_formula(1, 1, Formula::new("=\"He\"&\"lp\"").set_result("Help")).unwrap();
    let at = ExcelDateTime::from_ymd(2024, 2, 29).unwrap().and_hms(23, 59, 58).unwrap();
    sheet.write_with_format(1, 2, &at, &date).unwrap();
    sheet.write(1, 3, 2.5).unwrap();
    sheet.write(1, 4, "a, b").unwrap();
    fs::create_dir_all(dir.path().join("in")).unwrap();
    book.save(dir.path().join("in/export.xlsx")).unwrap();
    put(&dir, "columns.toml", "zone = \"America/New_York\"\n[ticket]\nsheet = \"Tickets 2024\"\n");
    ends_well(&dir);
    let ticket = &out(&dir, "ticket")[0];
    assert_eq!((&ticket["id"], &ticket["subject"]), (&json!("4711"), &json!("Help")));
    assert_eq!(ticket["created_at"], "2024-03-01T04:59:58Z");
    assert_eq!(ticket["custom"], json!([{ "key": "Seats", "title": "Seats", "value": "2.5" }]));
    assert_eq!(ticket["tags"], json!(["a", "b"]));
}

#[test]
fn a_target_folder_that_is_gone_is_not_taken_for_full() {
    let dir = project("jsonl", "jsonl");
    put(&dir, "ticket.jsonl", "{\"id\":\"1\",\"subject\":\"a\"}\n");
    ends_well(&dir);
    let (out, aside) = (dir.path().join("out"), dir.path().join("aside"));
    fs::rename(&out, &aside).unwrap();
    for _ in 0..2 {
        let refused = seen(&dir);
        assert!(
            refused.starts_with("exit 6\n") && refused.contains("DIR/out is not the folder this migration"),
            "{refused}"
        );
        assert!(refused.contains("hint: put the folder back"), "{refused}");
        // An empty one in its place is another one.
        fs::create_dir_all(&out).unwrap();
    }
    fs::remove_dir_all(&out).unwrap();
    fs::rename(&aside, &out).unwrap();
    ends_well(&dir);
    assert_eq!(lines(&out, "ticket").len(), 1);
}

#[test]
fn a_copy_of_a_folder_is_told_from_the_folder_itself() {
    let dir = project("jsonl", "jsonl");
    put(&dir, "ticket.jsonl", "{\"id\":\"1\",\"subject\":\"a\"}\n");
    ends_well(&dir);
    let (from, copied) = (dir.path().join("in"), dir.path().join("in2"));
    fs::create_dir(&copied).unwrap();
    for name in ["ticket.jsonl", ".deskferry-id"] {
        fs::copy(from.join(name), copied.join(name)).unwrap();
    }
    let file = dir.path().join("migration.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"in\"", "\"in2\"")).unwrap();
    let told = seen(&dir);
    assert!(told.contains("note: DIR/in2 and DIR/in have the same id: one is a copy of the other"), "{told}");
    fs::write(&file, text.replace("\"out\"", "\"in2\"")).unwrap();
    let refused = seen(&dir);
    assert!(
        refused.starts_with("exit 2\n") && refused.contains("delete the file `.deskferry-id` in the copy"),
        "{refused}"
    );
}

#[test]
fn a_file_that_is_written_beside_the_tables_does_not_begin_them_again() {
    let dir = project("csv", "jsonl");
    let rows: String = (1..=700).map(|n| format!("{n},Subject {n}\n")).collect();
    put(&dir, "ticket.csv", format!("id,subject\n{rows}"));
    let events = fs::File::create(dir.path().join("in/events.jsonl")).unwrap();
    let mut child = command(&dir, &["--json", "stage"]).stdout(events).spawn().unwrap();
    let began = std::time::Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("it reads for ever");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
    let told = fs::read_to_string(dir.path().join("in/events.jsonl")).unwrap();
    assert!(told.contains("\"rows\":700"), "{told}");
}

#[test]
fn copies_of_tables_lie_in_the_project_and_go_with_it() {
    let dir = project("csv", "jsonl");
    let utf16: Vec<u8> = "\u{feff}id,subject\n1,a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    put(&dir, "ticket.csv", utf16);
    let left = dir.path().join(".deskferry/copies/.tmpX");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("ticket-0.utf8"), "what a killed process left").unwrap();
    let output = command(&dir, &["stage"]).env("TMPDIR", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let copies = dir.path().join(".deskferry/copies");
    assert_eq!(fs::read_dir(&copies).unwrap().count(), 0, "nothing is left");
    assert_eq!(fs::metadata(copies).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_its_remedy() {
    let wrong = |format: &str, files: &[(&str, &str)]| {
        let dir = project(format, "jsonl");
        files.iter().for_each(|(name, text)| put(&dir, name, text));
        seen(&dir)
    };
    let good = "{\"id\":\"1\",\"subject\":\"s\"}\n";
    insta::assert_snapshot!("broken_line", wrong("jsonl", &[("ticket.jsonl", &format!("{good}{{\"id\":\"2\",\n"))]));
    insta::assert_snapshot!(
        "unknown_key",
        wrong("jsonl", &[("ticket.jsonl", &format!("{good}{{\"id\":\"2\",\"subjcet\":\"s\"}}\n"))])
    );
    let outside = "{\"id\":\"2\",\"comments\":[{\"id\":\"1\",\"format\":\"text\",\"body\":\"\",\
                   \"attachments\":[{\"id\":\"1\",\"name\":\"n\",\"source\":\"../../etc/passwd\"}]}]}\n";
    insta::assert_snapshot!("outside", wrong("jsonl", &[("ticket.jsonl", outside)]));
    insta::assert_snapshot!("bad_date", wrong("csv", &[("ticket.csv", "id,created\n1,2024-05-01\n2,31/12/2024\n")]));
    let columns = "[ticket.columns]\nsubject = \"Betref\"\n";
    insta::assert_snapshot!(
        "wrong_column",
        wrong("csv", &[("ticket.csv", "id,Betreff\n1,x\n"), ("columns.toml", columns)])
    );
    insta::assert_snapshot!("cells", wrong("csv", &[("ticket.csv", "id,subject\n1,a,b\n")]));
    let latin = project("csv", "jsonl");
    put(&latin, "ticket.csv", b"id,subject\n1,Gr\xfc\xdfe\n");
    insta::assert_snapshot!("encoding", seen(&latin));
    insta::assert_snapshot!("nothing", wrong("jsonl", &[]));
    let strangers = [("ticket.csv", "id,subject\n1,a\n"), ("comment.csv", "ticket,body\n#1,b\n#2,c\n")];
    insta::assert_snapshot!("messages_of_no_ticket", wrong("csv", &strangers));
    let xlsx = project("jsonl", "xlsx");
    insta::assert_snapshot!("xlsx_target", seen(&xlsx));
}

#[test]
fn messages_of_tickets_left_out_of_the_list_are_counted() {
    let dir = project("csv", "jsonl");
    put(&dir, "ticket.csv", "id,subject\n1,a\n");
    put(&dir, "comment.csv", "ticket,body\n1,b\n2,c\n2,d\n");
    let seen = seen(&dir);
    assert!(seen.contains("the folder can be read: ticket (1), comment (3), 2 comments of tickets that are not here (comment.csv row 3"), "{seen}");
    assert_eq!(out(&dir, "ticket")[0]["comments"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_symbolic_link_is_never_followed_out_of_the_folder() {
    let dir = big("jsonl", 1);
    fs::remove_file(dir.path().join("in/attachments/f0.bin")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("in/attachments/f0.bin")).unwrap();
    let seen = seen(&dir);
    // The ticket that names it fails alone.
    assert!(seen.starts_with("exit 3\n") && seen.contains("a symbolic link"), "{seen}");
    assert!(seen.contains("hint: put the file itself into the folder"), "{seen}");
    assert!(!dir.path().join("out/attachments").exists(), "nothing of what it leads to was written");
}

/// A folder of so many tickets, each with two messages and a file.
fn big(to: &str, tickets: usize) -> TempDir {
    let dir = project("jsonl", to);
    put(
        &dir,
        "contact.jsonl",
        "{\"id\":\"7\",\"emails\":[\"ann@example.com\"]}\n{\"id\":\"8\",\"name\":\"No address\"}\n",
    );
    put(&dir, "agent.jsonl", "{\"id\":\"9\",\"name\":\"Bob\"}\n");
    put(&dir, "group.jsonl", "{\"id\":\"1\",\"name\":\"Support\"}\n");
    put(&dir, "company.jsonl", "{\"id\":\"1\",\"name\":\"ACME\",\"domains\":[\"acme.example\"]}\n");
    put(&dir, "field.jsonl", "{\"id\":\"1\",\"scope\":\"ticket\",\"key\":\"k\",\"title\":\"K\",\"type\":\"text\"}\n");
    let mut text = String::new();
    for at in 0..tickets {
        let source = format!("attachments/f{at}.bin");
        put(&dir, &source, format!("bytes of {at}"));
        text += &ticket(at, &source).to_string();
        text.push('\n');
    }
    put(&dir, "ticket.jsonl", text);
    dir
}

fn ticket(at: usize, source: &str) -> Value {
    json!({
        "id": at.to_string(), "subject": format!("s {at}"), "status": "My own status", "requester": "8", "assignee": "9",
        "group": "1", "company": "1", "tags": ["A", "a"], "custom": [{ "key": "k", "value": [1, "x"] }],
        "ccs": ["7", "stranger@example.com"], "closed_at": "2024-01-02T03:04:05.123456789Z",
        "links": [{ "type": "parent_of", "to": "0" }],
        "comments": [
            { "id": format!("{at}a"), "author": "8", "visibility": "private", "format": "html", "body": "<p onclick=x>\u{e000}</p>",
              "message_id": "<m@x>", "attachments": [
                { "id": "f", "name": "../odd \"name\".bin", "source": source, "inline": true, "content_id": "c" } ] },
            { "id": format!("{at}b"), "author": "9", "format": "markdown", "body": "*hi*", "created_at": "2024-01-02T03:04:05Z" },
        ],
    })
}

/// Every record by kind and id, and the bytes of its files instead of their place.
fn state(folder: &Path) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for kind in ["group", "agent", "company", "field", "contact", "ticket"] {
        for mut record in lines(folder, kind) {
            for comment in record["comments"].as_array_mut().into_iter().flatten() {
                for file in comment["attachments"].as_array_mut().into_iter().flatten() {
                    let bytes = fs::read(folder.join(file["source"].as_str().unwrap())).unwrap();
                    file["source"] = json!(String::from_utf8(bytes).unwrap());
                }
            }
            let twice = all.insert(format!("{kind} {}", record["id"]), record);
            assert!(twice.is_none(), "{kind} stands twice");
        }
    }
    all
}

#[test]
fn nothing_is_lost_and_others_see_nothing() {
    let dir = big("jsonl", 3);
    ends_well(&dir);
    let folder = dir.path().join("out");
    let held = state(&folder);
    assert_eq!(held.len(), 3 + 6);
    for at in 0..3 {
        let sent = ticket(at, &format!("bytes of {at}"));
        let stored = &held[&format!("ticket \"{at}\"")];
        for (key, value) in sent.as_object().unwrap().iter().filter(|(key, _)| *key != "comments") {
            assert_eq!(stored[key], *value, "{key}");
        }
        for (sent, stored) in sent["comments"].as_array().unwrap().iter().zip(stored["comments"].as_array().unwrap()) {
            for key in ["id", "author", "format", "body", "message_id"] {
                assert_eq!(sent[key], stored[key], "{key}");
            }
        }
        let (sent, stored) = (&sent["comments"][0], &stored["comments"][0]);
        assert_eq!(sent["visibility"], stored["visibility"]);
        for key in ["id", "name", "source", "inline", "content_id"] {
            assert_eq!(sent["attachments"][0][key], stored["attachments"][0][key], "{key}");
        }
    }
    let report = command(&dir, &["report", "--format", "csv"]).output().unwrap();
    let report = String::from_utf8(report.stdout).unwrap();
    assert!(report.lines().skip(1).all(|row| row.contains(",migrated,") && row.ends_with(',')), "{report}");
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => {
                    assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path())
                }
            }
        }
    }
}

#[test]
fn a_csv_folder_can_be_read_again_as_it_is() {
    let dir = big("csv", 3);
    ends_well(&dir);
    let back = project("csv", "jsonl");
    fs::remove_dir(back.path().join("in")).unwrap();
    fs::rename(dir.path().join("out"), back.path().join("in")).unwrap();
    ends_well(&back);
    let plain = big("jsonl", 3);
    ends_well(&plain);
    let without = |folder: &Path| {
        let mut all = state(folder);
        all.values_mut().for_each(|record| drop(record.as_object_mut().unwrap().remove("deskferry")));
        all
    };
    assert_eq!(without(&back.path().join("out")), without(&plain.path().join("out")));
}

#[test]
fn killed_at_any_moment_it_ends_the_same() {
    let whole = big("jsonl", TICKETS);
    ends_well(&whole);
    let comparable = |dir: &TempDir| {
        let mut all = state(&dir.path().join("out"));
        all.values_mut().for_each(|record| drop(record.as_object_mut().unwrap().remove("deskferry")));
        all
    };
    let expected = comparable(&whole);
    for to in ["jsonl", "csv"] {
        let dir = big(to, TICKETS);
        let mut kills = 0;
        for millis in (20..).step_by(37) {
            let mut child = command(&dir, &["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(millis));
            if let Some(status) = child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(0));
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        }
        assert!(kills > 2, "it was killed {kills} times");
        ends_well(&dir);
        if to == "csv" {
            fs::read_dir(dir.path().join("out/.records")).unwrap().flatten().for_each(|entry| {
                fs::rename(entry.path(), dir.path().join("out").join(entry.file_name())).unwrap();
            });
        }
        assert_eq!(comparable(&dir), expected);
        let left: Vec<_> = fs::read_dir(dir.path().join("out")).unwrap().flatten().map(|e| e.file_name()).collect();
        let unfinished = |name: &std::ffi::OsString| {
            name.to_string_lossy().ends_with(".part") || name.to_string_lossy().contains("tmp")
        };
        assert!(!left.iter().any(unfinished), "{left:?}");
    }
}

#[test]
fn a_later_run_carries_what_changed_and_nothing_twice() {
    let dir = big("jsonl", 5);
    ends_well(&dir);
    let path = dir.path().join("in/ticket.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut late = ticket(5, "attachments/f1.bin");
    late["subject"] = json!("new");
    fs::write(&path, format!("{}{late}\n", text.replace("\"s 2\"", "\"changed\""))).unwrap();
    ends_well(&dir);
    let subjects: Vec<_> = out(&dir, "ticket").into_iter().map(|t| t["subject"].as_str().unwrap().to_owned()).collect();
    let mut sorted = subjects.clone();
    sorted.sort();
    assert_eq!(sorted, ["changed", "new", "s 0", "s 1", "s 3", "s 4"]);
}

#[test]
fn a_folder_is_not_moved_into_itself() {
    let dir = project("jsonl", "jsonl");
    let text = fs::read_to_string(dir.path().join("migration.toml")).unwrap();
    fs::write(dir.path().join("migration.toml"), text.replace("\"out\"", "\"in/../in\"")).unwrap();
    assert!(seen(&dir).starts_with("exit 2\n"), "{}", seen(&dir));
}

/// Of rows that share an id and differ none is taken for the other: the record fails by name, and comes when the file is mended.
#[test]
fn rows_that_share_an_id_are_told_with_their_places_and_none_is_dropped() {
    let dir = project("jsonl", "jsonl");
    let row = |id: &str, subject: &str| format!("{{\"id\":\"{id}\",\"subject\":\"{subject}\"}}\n");
    let twice = row("1", "one") + &row("2", "a") + &row("3", "three") + &row("2", "b") + &row("3", "three");
    put(&dir, "ticket.jsonl", &twice);
    let said = seen(&dir);
    assert!(said.starts_with("exit 3\n"), "{said}");
    assert!(said.contains("2 rows have the id `2` and differ: ticket.jsonl line 2, ticket.jsonl line 4"), "{said}");
    assert_eq!(out(&dir, "ticket").iter().map(|t| t["id"].clone()).collect::<Vec<_>>(), ["1", "3"]);
    put(&dir, "ticket.jsonl", twice.replacen("\"2\"", "\"4\"", 1));
    ends_well(&dir);
    let subjects: Vec<_> = out(&dir, "ticket").iter().map(|t| t["subject"].clone()).collect();
    assert_eq!(subjects, ["one", "b", "three", "a"]);
}

/// Whatever stands in an id, a label or a file of the source: no command lets it move a terminal or write a line of its own.
#[test]
fn what_comes_from_outside_is_shown_on_one_line_and_moves_no_terminal() {
    let dir = project("jsonl", "jsonl");
    let id = "7\u{1b}[2J\u{9b}31m\u{202e}\nok target: all is well";
    let row = |subject: &str| format!("{}\n", json!({ "id": id, "number": id, "subject": subject }));
    put(
        &dir,
        "ticket.jsonl",
        row("a") + &row("b") + &format!("{}\n", json!({ "id": format!("{id} too"), "subject": "c" })),
    );
    let log = dir.path().join("log.txt");
    let log_flag = format!("--log-file={}", log.display());
    let flags = ["-vv", log_flag.as_str()];
    let commands: [&[&str]; 7] = [
        &["run"],
        &["run", "--json"],
        &["status"],
        &["report"],
        &["report", "--format", "csv"],
        &["report", "--json"],
        &["ids"],
    ];
    let mut told = String::new();
    for args in commands {
        let output = command(&dir, &[&flags[..], args].concat()).output().unwrap();
        told += &String::from_utf8(output.stdout).unwrap();
        told += &String::from_utf8(output.stderr).unwrap();
    }
    told += &fs::read_to_string(log).unwrap();
    let moves = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    let at = told.find(moves);
    assert!(at.is_none(), "{:?}", at.map(|at| told[at..].chars().take(80).collect::<String>()));
    assert!(
        told.contains(r"2 rows have the id `7\u{1b}[2J\u{9b}31m\u{202e}\nok target: all is well` and differ"),
        "{told}"
    );
    assert!(!told.lines().any(|line| line.starts_with("ok target: all is well")), "{told}");
}

#[test]
fn whoever_has_read_enough_ends_a_command_quietly() {
    let dir = big("jsonl", 3);
    ends_well(&dir);
    for args in [&["ids"][..], &["report", "--format", "csv"], &["report"], &["status", "--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(&dir, args).stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{args:?}");
    }
}
