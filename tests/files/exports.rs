//! Exports as help desks, databases, mailboxes and spreadsheets write them, read as they are: each with the `columns.toml` an admin
//! would write for it. What arrives is a snapshot, and every word of the export is looked for in it.

use crate::{command, lines, report, seen};
use csv::ReaderBuilder;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const KINDS: [&str; 5] = ["group", "agent", "company", "contact", "ticket"];

/// A CSV file of an export, as this test reads it.
struct File<'a> {
    name: &'a str,
    delimiter: u8,
    encoding: &'static Encoding,
    /// Columns that arrive in other words: dates, flags, and what `columns.toml` leaves out.
    other_words: &'a [&'a str],
}

const COMMAS: File<'_> = File { name: "", delimiter: b',', encoding: UTF_8, other_words: &[] };

pub fn folder_of(name: &str) -> PathBuf {
    crate::root::root().join("tests/files/exports").join(name).join("export")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// A project that moves the export into a folder.
fn project(name: &str, format: &str) -> TempDir {
    let dir = crate::project(format, "jsonl");
    copy(&folder_of(name), &dir.path().join("in"));
    if format == "xlsx" {
        report::save(&dir.path().join("in/report.xlsx"));
    }
    dir
}

/// Without what was not said.
pub fn short(value: &Value) -> Value {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| !empty(value) && *key != "deskferry");
            kept.map(|(key, value)| (key.clone(), short(value))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(list) => list.iter().map(short).collect(),
        other => other.clone(),
    }
}

/// Checks and runs it. Gives what was said and what arrived.
fn moved(name: &str, format: &str) -> (TempDir, String) {
    let dir = project(name, format);
    let check = command(&dir, &["check"]).output().unwrap();
    let said = String::from_utf8(check.stderr).unwrap();
    assert_eq!(check.status.code(), Some(0), "{name}: {said}");
    let end = seen(&dir);
    assert!(end.starts_with("exit 0\n"), "{name}: {end}");
    let source = said.lines().find(|line| line.starts_with("ok source")).unwrap_or_default();
    let mut told = format!("{source}\n");
    for kind in KINDS {
        let mut records: Vec<String> =
            lines(&dir.path().join("out"), kind).iter().map(|record| short(record).to_string()).collect();
        records.sort();
        records.into_iter().for_each(|record| told += &format!("{record}\n"));
    }
    (dir, told)
}

/// All texts of a value.
fn texts(value: &Value, all: &mut String) {
    match value {
        Value::String(text) => all.extend([text.as_str(), "\n"]),
        Value::Array(list) => list.iter().for_each(|value| texts(value, all)),
        Value::Object(map) => map.values().for_each(|value| texts(value, all)),
        other => all.push_str(&format!("{other}\n")),
    }
}

/// Every word of a file arrives.
fn nothing_is_lost(dir: &TempDir, file: &File<'_>) {
    let mut arrived = String::new();
    for kind in KINDS {
        lines(&dir.path().join("out"), kind).iter().for_each(|record| texts(record, &mut arrived));
    }
    let bytes = fs::read(dir.path().join("in").join(file.name)).unwrap();
    let (text, ..) = file.encoding.decode(&bytes);
    let mut rows = ReaderBuilder::new().delimiter(file.delimiter).flexible(true).from_reader(text.as_bytes());
    let headers = rows.headers().unwrap().clone();
    for (name, at) in file.other_words.iter().map(|name| (name, headers.iter().position(|header| header == *name))) {
        assert!(at.is_some(), "{}: no column {name}", file.name);
    }
    let mut looked_at = 0;
    for row in rows.records() {
        let row = row.unwrap();
        for (header, cell) in headers.iter().zip(&row).filter(|(header, _)| !file.other_words.contains(header)) {
            let words = cell.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            for word in words {
                assert!(arrived.contains(word), "{}: {word:?} of {header}: {cell:?} did not arrive", file.name);
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 5, "{}: {looked_at} words", file.name);
}

fn arrives(name: &str, files: &[File<'_>]) {
    let (dir, told) = moved(name, "csv");
    insta::assert_snapshot!(format!("export_{name}"), told);
    files.iter().for_each(|file| nothing_is_lost(&dir, file));
}

#[test]
fn jira_with_columns_that_repeat_and_comments_in_cells() {
    let dates = ["Created", "Updated", "Resolved", "Comment", "Last Viewed"];
    let people = File { name: "export-users.csv", other_words: &["User status"], ..COMMAS };
    arrives("jira", &[File { name: "jira.csv", other_words: &dates, ..COMMAS }, people]);
}

#[test]
fn servicenow_with_question_marks_and_journals_in_windows_1252() {
    let other_words = &["opened_at", "sys_updated_on", "resolved_at", "closed_at", "comments_and_work_notes", "active"];
    arrives("servicenow", &[File { name: "incident.csv", encoding: WINDOWS_1252, other_words, ..COMMAS }]);
}

#[test]
fn osticket_with_a_mark_and_names_in_angle_brackets() {
    let dates = ["Date Created", "Last Updated", "Due Date", "Overdue", "Answered"];
    let thread = File { name: "thread.csv", other_words: &["created", "type", "email"], ..COMMAS };
    arrives("osticket", &[File { name: "tickets-2024.csv", other_words: &dates, ..COMMAS }, thread]);
}

#[test]
fn glpi_in_french_with_a_delimiter_at_the_end_of_each_row() {
    let semicolons = File { delimiter: b';', ..COMMAS };
    let ticket = &[
        "Dernière modification",
        "Date d'ouverture",
        "Date de résolution",
        "Durée totale",
        "Demandeur - Demandeur",
        "Attribué à - Technicien",
        "Observateur - Observateur",
    ];
    let files = [
        File { name: "glpi.csv", other_words: ticket, ..semicolons },
        File { name: "utilisateurs.csv", other_words: &["Actif"], ..semicolons },
        File { name: "techniciens.csv", ..semicolons },
        File { name: "suivis.csv", other_words: &["Date", "Privé", "Auteur"], ..semicolons },
    ];
    arrives("glpi", &files);
}

#[test]
fn freshdesk_contacts_companies_and_tickets() {
    let dates = ["Created time", "Due by Time", "Resolved time", "Closed time", "Last update time", "Agent", "Group"];
    let files = [
        File { name: "tickets.csv", other_words: &dates, ..COMMAS },
        File { name: "contacts.csv", ..COMMAS },
        File { name: "companies.csv", ..COMMAS },
    ];
    arrives("freshdesk", &files);
}

#[test]
fn an_excel_report_with_a_title_and_formulas_that_failed() {
    let (_, told) = moved("excel", "xlsx");
    insta::assert_snapshot!("export_excel", told);
}

#[test]
fn remedy_as_unicode_text_with_tabs() {
    let other_words = &["Submit Date", "Last Modified Date", "Internet E-mail"];
    let file = File { name: "report.txt", delimiter: b'\t', other_words, ..COMMAS };
    arrives("remedy", &[file]);
}

#[test]
fn an_export_in_parts_that_are_not_alike() {
    let other_words = &["created_at"];
    let comment = &["created_at", "private"];
    let files = [
        File { name: "ticket-1.csv", other_words, ..COMMAS },
        File { name: "ticket-2.csv", delimiter: b';', other_words, ..COMMAS },
        File { name: "ticket-3.csv", other_words, ..COMMAS },
        File { name: "comment-2023.csv", other_words: comment, ..COMMAS },
        File { name: "comment-2024.csv", other_words: comment, ..COMMAS },
    ];
    arrives("parts", &files);
}

#[test]
fn a_view_of_zendesk_with_hyphens_where_nothing_is() {
    let dates = ["Created at", "Updated at", "Due date", "Solved at", "Summation column", "Requester domain"];
    arrives("zendesk", &[File { name: "export-2024-05-03-1200-1234567.csv", other_words: &dates, ..COMMAS }]);
}

#[test]
fn kayako_out_of_its_database_with_backslashes_and_seconds() {
    let ticket = &["dateline", "lastactivity", "duetime", "lastpostid", "fullname", "subject"];
    let posts = &["dateline", "creator", "isprivate", "fullname", "contents"];
    let files = [
        File { name: "swtickets.tsv", delimiter: b'\t', other_words: ticket, ..COMMAS },
        File { name: "swticketposts.tsv", delimiter: b'\t', other_words: posts, ..COMMAS },
    ];
    arrives("kayako", &files);
}

#[test]
fn a_mailbox_with_a_row_a_mail() {
    let other_words = &["Sent", "Subject", "Importance", "Categories", "Sensitivity"];
    arrives("outlook", &[File { name: "support-mailbox.csv", other_words, ..COMMAS }]);
}

#[test]
fn a_home_made_desk_in_jsonl() {
    let (dir, told) = moved("homemade", "jsonl");
    insta::assert_snapshot!("export_homemade", told);
    let file = &crate::out(&dir, "ticket")[0]["comments"][0]["attachments"][0]["source"];
    assert_eq!(fs::read_to_string(dir.path().join("out").join(file.as_str().unwrap())).unwrap(), "it burns\n");
}
