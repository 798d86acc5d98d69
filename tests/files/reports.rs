//! Exports as people have them at the end of a day: with lines below the table, dates without a century, files that are not there yet, in
//! a folder whose format nobody said.

use crate::{command, ends_well, out, project, put};
use serde_json::Value;
use tempfile::TempDir;

fn said(dir: &TempDir, args: &[&str]) -> (i32, String) {
    let output = command(dir, args).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap_or(-1), text.replace(&dir.path().display().to_string(), "DIR"))
}

fn ids(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["id"].as_str().unwrap()).collect()
}

const ROWS: &str = "id,subject,requester,status,priority\n1,a,ann@x.example,Open,Low\n2,b,ann@x.example,Open,High\n";

#[test]
fn a_line_below_the_table_is_never_a_ticket_before_somebody_says_so() {
    for (footer, key) in [
        ("Total,2,,,\n", "Total"),
        ("Grand total,,,,2\n", "Grand total"),
        ("Closed,1,,,\n", "Closed"),
        ("2 rows,,,,\n", "# rows"),
        ("Exported 2024-05-01 by Bob,,,,\n", "Exported #-#-# by Bob"),
    ] {
        let dir = project("csv", "jsonl");
        put(&dir, "ticket.csv", format!("{ROWS}{footer}"));
        let (code, text) = said(&dir, &["check"]);
        assert_eq!(code, 6, "{text}");
        let hint = format!("`footer = [{key:?}]` under `[ticket]` in columns.toml leaves such rows out");
        assert!(text.contains("ticket.csv row 4, column `id`: ") && text.contains(&hint), "{text}");
        assert_eq!(said(&dir, &["run"]).0, 3);
        assert_eq!(ids(&out(&dir, "ticket")), ["1", "2"]);
        put(&dir, "columns.toml", format!("[ticket]\nfooter = [{key:?}]\n"));
        let (code, text) = said(&dir, &["check"]);
        assert!(code == 0 && text.contains("1 row below the table left out"), "{text}");
        ends_well(&dir);
        assert_eq!(ids(&out(&dir, "ticket")), ["1", "2"]);
        put(&dir, "columns.toml", "[ticket]\nfooter = []\n");
        ends_well(&dir);
        assert_eq!(out(&dir, "ticket").len(), 3, "somebody said that it is one");
    }
}

#[test]
fn a_last_ticket_with_an_odd_id_is_one_where_it_is_filled_like_the_others() {
    let dir = project("csv", "jsonl");
    put(&dir, "ticket.csv", format!("{ROWS}walk-in,c,ann@x.example,Open,Low\n"));
    assert_eq!(said(&dir, &["check"]).0, 0);
    ends_well(&dir);
    assert_eq!(out(&dir, "ticket").len(), 3);
}

#[test]
fn check_says_how_dates_were_read_that_could_be_read_in_two_ways() {
    let dir = project("csv", "jsonl");
    let tickets = |dates: [&str; 2]| format!("id,subject,created_at\n1,a,{}\n2,b,{}\n", dates[0], dates[1]);
    put(&dir, "ticket.csv", tickets(["24-May-01", "23-Jun-02 10:00"]));
    let (code, text) = said(&dir, &["check"]);
    assert_eq!(code, 0, "{text}");
    let told = "ticket.csv: dates such as \"24-May-01\" (in `created_at`) are read with the day first; `date = \"%y-%b-%d\"` under `[ticket]`";
    assert!(text.contains(told), "{text}");
    ends_well(&dir);
    assert_eq!(out(&dir, "ticket")[0]["created_at"], "2001-05-24T00:00:00Z");
    put(&dir, "columns.toml", "[ticket]\ndate = \"%y-%b-%d\"\n");
    let (code, text) = said(&dir, &["check"]);
    assert!(code == 0 && !text.contains("dates such as"), "{text}");
    ends_well(&dir);
    assert_eq!(out(&dir, "ticket")[0]["created_at"], "2024-05-01T00:00:00Z");
}

#[test]
fn dates_of_a_column_are_never_read_in_two_orders() {
    let dir = project("csv", "jsonl");
    let tickets = |dates: [&str; 2]| format!("id,subject,created_at\n1,a,{}\n2,b,{}\n", dates[0], dates[1]);
    put(&dir, "ticket.csv", tickets(["24-May-01", "79-Jun-02"]));
    for args in [&["check"][..], &["run"], &["stage"]] {
        let (code, text) = said(&dir, args);
        assert_eq!(code, 6, "{text}");
        assert!(
            text.contains("ticket.csv row 2, column `created_at`: \"24-May-01\" would be read with the day first"),
            "{text}"
        );
    }
    put(&dir, "ticket.csv", tickets(["24-May-79", "01-Jun-02"]));
    let (code, text) = said(&dir, &["check"]);
    assert!(code == 0 && !text.contains("dates such as"), "one date of the column tells how all are written: {text}");
}

#[test]
fn a_missing_file_is_told_apart_from_a_cell_that_cannot_be_read() {
    let dir = project("csv", "jsonl");
    put(&dir, "ticket.csv", "id,subject,requester,description\n1,a,ann@x.example,b\n2,c,ann@x.example,d\n");
    put(&dir, "attachment.csv", "ticket,source\n1,files/gone.pdf\n");
    let (code, text) = said(&dir, &["check"]);
    assert_eq!(code, 6, "{text}");
    assert!(
        text.contains("every attached file is there: attachment.csv row 2, column `source`: the folder has no file"),
        "{text}"
    );
    assert!(text.contains("error: 1 attached file is missing\n") && !text.contains("cannot be read"), "{text}");
    assert!(
        text.contains("a run migrates their tickets without them, and a later run attaches what is there by then"),
        "{text}"
    );
    put(&dir, "files/gone.pdf", "%PDF here");
    assert_eq!(said(&dir, &["check"]).0, 0);
}

#[test]
fn an_export_that_cannot_be_read_ends_every_command_with_6_and_never_with_no_tickets() {
    let dir = project("csv", "jsonl");
    for export in ["Nothing;Text\n1;a\n", "id,subject\n1,\"cut in the mid", "PK\u{3}\u{4}"] {
        put(&dir, "ticket.csv", export);
        for args in [&["check"][..], &["stage"], &["assess"], &["preview"], &["map"], &["run"]] {
            let (code, text) = said(&dir, args);
            assert!(
                code == 6 && text.contains("error: ticket.csv") && text.contains("\nhint: "),
                "{args:?} {code}: {text}"
            );
        }
    }
}

#[test]
fn a_folder_of_another_format_is_told_which() {
    for (format, file, other) in
        [("jsonl", "ticket.csv", "csv"), ("csv", "ticket.jsonl", "jsonl"), ("xlsx", "ticket.csv", "csv")]
    {
        let dir = project(format, "jsonl");
        put(&dir, file, "id,subject\n1,a\n");
        let (code, text) = said(&dir, &["check"]);
        let hint = format!("say `format = \"{other}\"` under [source]");
        assert!(code != 0 && (text.contains(&hint) || format == "xlsx"), "{text}");
    }
}

#[test]
fn a_requester_that_is_meant_as_an_address_and_is_none_is_named() {
    let dir = project("csv", "jsonl");
    let requesters = [
        "ann @x.example",
        "ann@ x.example",
        "Ann @ x.example",
        "@x.example",
        "ann@x..example",
        "ann@x.example.",
        "ann@",
    ];
    let rows: String = requesters.iter().enumerate().map(|(at, who)| format!("{at},s,{who}\n")).collect();
    put(&dir, "ticket.csv", format!("id,subject,requester\n{rows}99,s,Help @ ACME\n"));
    let (code, text) = said(&dir, &["check"]);
    assert_eq!(code, 6, "{text}");
    for who in requesters {
        assert!(text.contains(&format!("column `requester`: {who:?} is not an e-mail address")), "{who}: {text}");
    }
    assert!(!text.contains("\"Help @ ACME\" is not an e-mail address"), "{text}");
    assert_eq!(said(&dir, &["run"]).0, 3);
    assert_eq!(ids(&out(&dir, "ticket")), ["99"]);
}
