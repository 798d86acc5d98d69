//! A folder with one cell of every kind that cannot be read: `check` lists them all at once, each with its place and what helps.

use crate::{command, ends_well, lines, out, project, put};
use std::fs;
use tempfile::TempDir;

/// A row that cannot be read as it stands.
struct Bad {
    row: &'static [u8],
    /// None, where it is the row and no cell of it.
    column: Option<&'static str>,
    what: &'static str,
    hint: &'static str,
}

const fn bad(row: &'static str, column: &'static str, what: &'static str, hint: &'static str) -> Bad {
    Bad { row: row.as_bytes(), column: Some(column), what, hint }
}

const fn bad_row(row: &'static str, what: &'static str, hint: &'static str) -> Bad {
    Bad { row: row.as_bytes(), column: None, what, hint }
}

const COLUMNS: &str = r#"
[ticket]
file = ["tickets.csv", "tickets-cut.csv", "tickets-quotes.csv"]
[ticket.columns]
created_at = "created"
due_at     = "due"
category   = "phase"
state      = "state"
links      = "links"
messages   = "log"
[contact]
date = "%d/%m/%Y"
"#;

const TICKETS: (&str, &str) =
    ("id,subject,requester,ccs,assignee,created,due,phase,state,links,log", "1,fine,ann@x.example,,,2024-05-01,,,,,");
const BAD_TICKETS: &[Bad] = &[
    bad("2,s,,,,soon,,,,,", "created", "\"soon\" cannot be read as a date", "`date` in columns.toml says how"),
    bad("3,s,,,,2024-02-30,,,,,", "created", "\"2024-02-30\" cannot be read as a date", "there is no such day"),
    bad("4,s,,,,05/06/2024,,,,,", "created", "cannot be read as a date", "which comes first: \"%d/%m/%Y\" or"),
    bad(
        "5,s,,,,10:30,,,,,",
        "created",
        "cannot be read as a date",
        "it has no day: `created_at = [\"Date\", \"Time\"]`",
    ),
    bad(
        "6,s,,,,99999999999999999999,,,,,",
        "created",
        "cannot be read as a date",
        "seconds or milliseconds (10 or 13 digits)",
    ),
    bad("7,s,,,,45413.5,,,,,", "created", "cannot be read as a date", "`date = \"excel\"`"),
    bad("8,s,,,,,,half done,,,", "phase", "\"half done\" is not a value of this field", "it takes `new`, `open`"),
    bad("9,s,,,,,,,burnt,,", "state", "\"burnt\" is not a value of this field", "it takes `live`, `deleted`"),
    bad_row(",s,,,,,,,,,", "has no `id`", "`id` under `[ticket.columns]` of columns.toml"),
    bad(
        "1,another,,,,,,,,,",
        "id",
        "the id \"1\" is already in tickets.csv row 2, and the rows differ",
        "an id of its own",
    ),
    bad(
        "12,s,jane roe@x.example,,,,,,,,",
        "requester",
        "\"jane roe@x.example\" is not an e-mail address",
        "correct it",
    ),
    bad("13,s,,bob@x.example; c@t@x.example,,,,,,,", "ccs", "\"c@t@x.example\" is not an e-mail address", "correct it"),
    bad("14,s,,,\"a@x.example, b@x.example\",,,,,,", "assignee", "are several people", "`followers` and `ccs`"),
    bad_row("15,s,,,,,,,,,,more", "12 cells under 11 headers", "must be in double quotes"),
    bad_row("16,s,,", "4 cells under 11 headers", "`delimiter` in columns.toml"),
    Bad {
        row: b"17,Gr\xfc\xdfe,,,,,,,,,",
        column: Some("subject"),
        what: "is not UTF-8",
        hint: "`encoding = \"windows-1252\"`",
    },
    Bad { row: b"18,s\0t,,,,,,,,,", column: Some("subject"), what: "has a NUL byte", hint: "export it again" },
    bad("1\u{200b}9,s,,,,,,,,,", "id", "has the invisible character \\u{200b}", "delete it from the cell"),
    bad("20,s,,,,,,,,nonsense,", "links", "is not JSON", "docs/files.md shows how it is written"),
    bad("21,s,,,,,,,,[1],", "links", "is not a list of links", "docs/files.md"),
    bad("22,s,,,,,#REF!,,,,", "due", "the formula gives #REF!", "list \"#REF!\" in `empty`"),
    bad("#N/A,s,,,,,,,,,", "id", "the formula gives #N/A", "correct it"),
    bad(
        "24,s,,,,,,,,,just words",
        "log",
        "is not a message with a date and an author",
        "is written `date;author;text`",
    ),
    bad("25,s,,,,,,,,,soon;bob;text", "log", "\"soon\" cannot be read as a date", "`date` in columns.toml"),
    bad(
        "26,s,,,,,,,,,\"2024-05-01 10:00 - Bob (Notiz)\ntext\"",
        "log",
        "\"Notiz\" does not say who may read",
        "`public` and `private`",
    ),
    bad(
        "1.23457E+11,s,,,,,,,,,",
        "id",
        "\"1.23457E+11\" is a number that a spreadsheet has shortened",
        "column as text",
    ),
    bad("27,s,,,,,,,,,2024-05-01;b@b@b;text", "log", "\"b@b@b\" is not an e-mail address", "correct it"),
];

const COMMENTS: (&str, &str) =
    ("ticket,author,body,created_at,visibility,direction,format,", "1,ann@x.example,hi,2024-05-01,public,in,text,");
const BAD_COMMENTS: &[Bad] = &[
    bad("2,b,t,,maybe,,,", "visibility", "\"maybe\" does not say who may read the message", "`public` and `private`"),
    bad("2,b,t,,public,sideways,,", "direction", "\"sideways\" is not a value of this field", "it takes `in`"),
    bad("2,b,t,,public,,rtf,", "format", "\"rtf\" is not a value of this field", "it takes `html`"),
    bad("2,b,t,31/12/2024,public,,,", "created_at", "\"31/12/2024\" cannot be read as a date", "`date = \"%d/%m/%Y\"`"),
    bad("2,bob@@desk.example,t,,public,,,", "author", "\"bob@@desk.example\" is not an e-mail address", "correct it"),
    bad("2,b,t,,public,,,stray", "column 8", "this text is in a column without a header", "`ignore` of `[comment]`"),
    bad("2,b,t,,,,,", "visibility", "does not say who may read the message", "`public` and `private`"),
];
const OF_NO_TICKET: &str = ",b,whose am I,,public,,,\n";
const OF_ANOTHER: &str = "999,b,of a ticket that is not here,,public,,,\n";

const FILES: (&str, &str) = ("ticket,comment,source,size,inline", "1,,attachments/a.txt,1,no");
const BAD_FILES: &[Bad] = &[
    bad("2,,,5,", "source", "names no file", "the path of the file below the folder"),
    bad("2,,../secret.txt,,", "source", "the file \"../secret.txt\" is not in the folder", "a path below the folder"),
    bad("2,,attachments/gone.pdf,,", "source", "the folder has no file \"attachments/gone.pdf\"", "put the file there"),
    bad("2,,attachments/link.txt,,", "source", "a symbolic link", "put the file itself into the folder"),
    bad("2,,attachments/a.txt,large,", "size", "\"large\" is not a whole number", "write digits alone"),
    bad(
        "2,,attachments/a.txt,,perhaps",
        "inline",
        "\"perhaps\" is neither yes nor no",
        "`yes` and `no` in columns.toml",
    ),
    bad(
        "1,nobody,attachments/a.txt,,",
        "comment",
        "the ticket has no message \"nobody\"",
        "`comment` is the id of the message",
    ),
];

const CONTACTS: (&str, &str) = ("id,name,emails,active,created_at", "7,Ann,ann@x.example,yes,31/12/2024");
const BAD_CONTACTS: &[Bad] = &[
    bad("8,Ben,ben at x.example,,", "emails", "\"ben at x.example\" is not an e-mail address", "correct it"),
    bad("9,Cat,,perhaps,", "active", "\"perhaps\" is neither yes nor no", "`yes` and `no` in columns.toml"),
    bad("10,Dora,,,12/31/2024", "created_at", "\"12/31/2024\" cannot be read as a date", "says another form"),
    bad_row(",,,yes,", "it has neither a name nor an address", "fill one of `id`, `emails`"),
];
const COMPANIES: (&str, &str) = ("id,name,domains", "1,ACME,acme.example");
const BAD_COMPANIES: &[Bad] =
    &[bad("1,Globex,", "id", "the id \"1\" is already in company.csv row 2", "an id of its own")];
const FIELDS: (&str, &str) = ("id,scope,key,title,type,required", "1,ticket,k,K,text,no");
const BAD_FIELDS: &[Bad] = &[
    bad("2,ticket,l,L,colour,", "type", "\"colour\" is not a value of this field", "it takes `text`"),
    bad("3,planet,m,M,text,", "scope", "\"planet\" is not a value of this field", "it takes `group`"),
    bad("4,ticket,n,N,text,sometimes", "required", "\"sometimes\" is neither yes nor no", "`yes` and `no`"),
];
const ARTICLES: (&str, &str) = ("id,title,body,position,draft,audience", "1,T,<p>b</p>,1,no,everyone");
const BAD_ARTICLES: &[Bad] = &[
    bad("2,T,b,first,,", "position", "\"first\" is not a whole number", "write digits alone"),
    bad("3,T,b,99999999999999999999,,", "position", "is not a whole number", "write digits alone"),
    bad("4,T,b,-1,,", "position", "\"-1\" is not a whole number", "write digits alone"),
    bad("5,T,b,,nearly,", "draft", "\"nearly\" is neither yes nor no", "`yes` and `no`"),
    bad("6,T,b,,,friends", "audience", "\"friends\" is not a value of this field", "it takes `everyone`"),
];

type Table = (&'static str, (&'static str, &'static str), &'static [Bad]);
const TABLES: [Table; 7] = [
    ("tickets.csv", TICKETS, BAD_TICKETS),
    ("comment.csv", COMMENTS, BAD_COMMENTS),
    ("attachment.csv", FILES, BAD_FILES),
    ("contact.csv", CONTACTS, BAD_CONTACTS),
    ("company.csv", COMPANIES, BAD_COMPANIES),
    ("field.csv", FIELDS, BAD_FIELDS),
    ("article.csv", ARTICLES, BAD_ARTICLES),
];

fn folder() -> TempDir {
    let dir = project("csv", "jsonl");
    for (file, (headers, good), rows) in TABLES {
        let mut text = format!("{headers}\n{good}\n").into_bytes();
        for bad in rows {
            text.extend_from_slice(bad.row);
            text.push(b'\n');
        }
        match file {
            "comment.csv" => text.extend_from_slice(OF_ANOTHER.as_bytes()),
            "tickets.csv" => text.extend_from_slice(format!("\u{feff}{headers}\n").as_bytes()),
            _ => {}
        }
        put(&dir, file, text);
    }
    put(&dir, "columns.toml", COLUMNS.replace(", \"tickets-cut.csv\", \"tickets-quotes.csv\"", ""));
    put(&dir, "attachments/a.txt", "a");
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("in/attachments/link.txt")).unwrap();
    dir
}

/// Adds what makes whole files doubtful.
fn damage(dir: &TempDir) {
    let append = |file: &str, text: &str| {
        let path = dir.path().join("in").join(file);
        fs::write(&path, [fs::read(&path).unwrap(), text.as_bytes().to_vec()].concat()).unwrap();
    };
    append("comment.csv", OF_NO_TICKET);
    let (headers, good) = TICKETS;
    put(dir, "tickets-cut.csv", format!("{headers}\n{},\"cut in the mid", good.replacen('1', "40", 1)));
    put(dir, "tickets-quotes.csv", format!("{headers}\n41,\"Say \\\"hi\\\"\",,,,,,,,,\n"));
    put(dir, "columns.toml", COLUMNS);
}

/// The place of a row, as it is told.
fn place(file: &str, rows: &[Bad], at: usize) -> String {
    let row = at + 3;
    match rows[at].column {
        Some(column) => format!("{file} row {row}, column `{column}`: "),
        None => format!("{file} row {row}: "),
    }
}

#[test]
fn check_lists_every_kind_of_bad_cell_at_once_with_place_and_remedy() {
    let dir = folder();
    damage(&dir);
    let output = command(&dir, &["check"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap().replace(&dir.path().display().to_string(), "DIR");
    assert_eq!(output.status.code(), Some(6), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    let mut kinds = 0;
    for (file, _, rows) in TABLES {
        for (at, bad) in rows.iter().enumerate() {
            let start = place(file, rows, at);
            let found = lines.windows(2).find(|pair| pair[0].contains(&start));
            let [what, hint] = found.unwrap_or_else(|| panic!("nothing is said of {start}\n{said}")) else { continue };
            assert!(what.contains(bad.what), "{what}");
            assert!(hint.starts_with("   hint: ") && hint.contains(bad.hint), "{what}\n{hint}");
            kinds += 1;
        }
    }
    for (place, what) in [
        ("tickets-cut.csv row 2", "the file ends within a cell whose quote is not closed"),
        ("tickets-quotes.csv row 2", "text follows the closing quote of the cell"),
        ("comment.csv row 11, column `ticket`", "names no ticket"),
    ] {
        assert!(lines.iter().any(|line| line.contains(place) && line.contains(what)), "{place}: {what}\n{said}");
        kinds += 1;
    }
    assert!(kinds >= 40, "{kinds} kinds");
    assert!(!dir.path().join("out").exists(), "nothing is written");
    insta::assert_snapshot!("bad_cells", said);
}

#[test]
fn rows_that_are_left_out_are_told_with_their_place() {
    let dir = folder();
    let output = command(&dir, &["check"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let first = said.lines().next().unwrap_or_default();
    assert!(
        first.contains("1 comment of tickets that are not here (comment.csv row 10, column `ticket`: \"999\")"),
        "{said}"
    );
    assert!(first.contains("1 row with the headers again, skipped (tickets.csv row 30)"), "{said}");
}

#[test]
fn a_bad_row_fails_alone_and_the_others_arrive() {
    let dir = folder();
    let append = |file: &str, text: &str| {
        let path = dir.path().join("in").join(file);
        fs::write(&path, [fs::read(&path).unwrap(), text.as_bytes().to_vec()].concat()).unwrap();
    };
    append("tickets.csv", "100,whole,ann@x.example,,,2024-05-02,,,,,\n");
    append("comment.csv", "100,ann@x.example,hello,2024-05-02,public,in,text,\n");
    let output = command(&dir, &["run"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let arrived = |kind: &str| {
        let mut ids: Vec<String> = lines(&dir.path().join("out"), kind)
            .iter()
            .map(|record| record["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(arrived("ticket"), ["100"], "{said}");
    assert_eq!(
        (arrived("contact"), arrived("company")),
        (vec!["7".to_owned()], vec![]),
        "of two companies of one id none is taken"
    );
    assert_eq!((arrived("field"), arrived("article")), (vec!["1".to_owned()], vec!["1".to_owned()]));
    let report = command(&dir, &["report", "--format", "csv"]).output().unwrap();
    let report = String::from_utf8(report.stdout).unwrap();
    let failed = report.lines().filter(|line| line.contains(",failed,")).count();
    assert_eq!(failed, 27 + 4 + 1 + 3 + 5, "each bad row is booked by itself: {report}");
}

#[test]
fn a_backslash_before_a_line_break_is_told_with_the_key_that_reads_it() {
    for row in ["1,one\\\nmore,ann@x.example\n", "1,one\\, more,ann@x.example\n"] {
        let dir = project("csv", "jsonl");
        put(&dir, "ticket.csv", format!("id,subject,requester\n{row}2,b,ann@x.example\n"));
        let output = command(&dir, &["check"]).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(text.contains("ticket.csv row 2") && text.contains("`escape = \"\\\\\"` in columns.toml"), "{text}");
        put(&dir, "columns.toml", "escape = \"\\\\\"\n");
        ends_well(&dir);
        assert_eq!(out(&dir, "ticket").len(), 2);
    }
}
