//! Attached files of an export: found however their paths are spelled, and told by `check` where they are not what the table says.

use crate::{command, out, project, put};
use serde_json::Value;
use tempfile::TempDir;

fn said(dir: &TempDir, args: &[&str]) -> (i32, String) {
    let output = command(dir, args).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// The names of the files of the one ticket that arrived.
fn names(dir: &TempDir) -> Vec<String> {
    let files = |message: &Value| message["attachments"].as_array().cloned().unwrap_or_default();
    let tickets = out(dir, "ticket");
    let all = tickets.iter().flat_map(|ticket| ticket["comments"].as_array().unwrap().iter().flat_map(files));
    all.map(|file| file["name"].as_str().unwrap().to_owned()).collect()
}

const TICKET: &str = "id,subject,requester,description\n1,s,ann@x.example,hi\n";

#[test]
fn a_file_is_found_however_its_cell_spells_the_path() {
    for (cell, there, expected) in [
        ("files\\a.txt", &["files/a.txt"][..], &["a.txt"][..]),
        ("./files/a.txt", &["files/a.txt"], &["a.txt"]),
        ("files/a%20b.txt", &["files/a b.txt"], &["a b.txt"]),
        ("files/\u{fc}.txt", &["files/u\u{308}.txt"], &["\u{fc}.txt"]),
        ("Files/A.TXT", &["files/a.txt"], &["A.TXT"]),
        ("files/a.txt;files/b.txt", &["files/a.txt", "files/b.txt"], &["a.txt", "b.txt"]),
        ("\"files/a.txt\nfiles\\b.txt\"", &["files/a.txt", "files/b.txt"], &["a.txt", "b.txt"]),
        ("\"files/a.txt, files/b.txt\"", &["files/a.txt", "files/b.txt"], &["a.txt", "b.txt"]),
        ("files/a;b.txt", &["files/a;b.txt"], &["a;b.txt"]),
    ] {
        let dir = project("csv", "jsonl");
        put(&dir, "ticket.csv", TICKET);
        put(&dir, "attachment.csv", format!("ticket,source\n1,{cell}\n"));
        there.iter().for_each(|name| put(&dir, name, format!("text of {name}")));
        let (code, text) = said(&dir, &["check"]);
        assert_eq!(code, 0, "{cell}: {text}");
        let (code, text) = said(&dir, &["run"]);
        assert_eq!((code, text.contains("file_gone")), (0, false), "{cell}: {text}");
        assert_eq!(names(&dir), expected, "{cell}");
    }
}

#[test]
fn a_path_that_leaves_the_folder_or_is_an_address_fails_its_ticket_in_any_spelling() {
    for cell in [
        "..\\secret.txt",
        "%2e%2e/secret.txt",
        "a\\..\\..\\secret.txt",
        "C:\\export\\a.txt",
        "\\\\server\\share\\a.txt",
        "/etc/passwd",
        "https://acme.zendesk.com/attachments/token/x/?name=a.png",
        "file:///etc/passwd",
        "a.txt;../secret.txt",
    ] {
        let dir = project("csv", "jsonl");
        std::fs::write(dir.path().join("secret.txt"), "secret").unwrap();
        put(&dir, "ticket.csv", TICKET);
        put(&dir, "a.txt", "a");
        put(&dir, "attachment.csv", format!("ticket,source\n1,{cell}\n"));
        let (code, text) = said(&dir, &["check"]);
        assert!(code == 6 && text.contains("attachment.csv row 2, column `source`: "), "{cell}: {text}");
        assert!(text.contains("\n   hint: "), "{cell}: {text}");
        assert_eq!(said(&dir, &["run"]).0, 3, "{cell}");
    }
}

#[test]
fn what_a_run_would_fail_for_in_a_file_is_told_by_check() {
    let dir = project("csv", "jsonl");
    let tickets: String = (1..8).map(|n| format!("{n},s,ann@x.example,hi\n")).collect();
    put(&dir, "ticket.csv", format!("id,subject,requester,description\n{tickets}"));
    let (right, wrong) = (blake3::hash(b"abc").to_hex().to_uppercase(), blake3::hash(b"x").to_hex());
    put(
        &dir,
        "attachment.csv",
        format!(
            "ticket,source,size,hash\n1,f/1.txt,,nothex\n2,f/2.txt,999,\n3,f,,\n4,f/4.txt,,\n5,f/5.txt,,{wrong}\n\
             6,f/6.txt,3,{right}\n7,f/7.txt,0,\n"
        ),
    );
    for (name, text) in [("1", "abc"), ("2", "abc"), ("4", ""), ("5", "abc"), ("6", "abc"), ("7", "")] {
        put(&dir, &format!("f/{name}.txt"), text);
    }
    let (code, text) = said(&dir, &["check"]);
    assert_eq!((code, text.matches("FAILED").count()), (6, 5), "{text}");
    for place in [
        "row 2, column `hash`",
        "row 3, column `size`",
        "row 4, column `source`",
        "row 5, column `source`",
        "row 6, column `hash`",
    ] {
        assert!(text.contains(&format!("attachment.csv {place}: ")), "{place}: {text}");
    }
    let (code, text) = said(&dir, &["run"]);
    assert_eq!((code, out(&dir, "ticket").len()), (3, 2), "{text}");
}

#[test]
fn files_of_lines_that_are_missing_or_wrong_are_told_line_by_line() {
    let dir = project("jsonl", "jsonl");
    let ticket = |id: &str, more: &str| {
        format!(
            "{{\"id\":\"{id}\",\"subject\":\"s\",\"comments\":[{{\"id\":\"c\",\"format\":\"text\",\"body\":\"b\",\"attachments\":[{{\"id\":\"f\",\"name\":\"a\",{more}}}]}}]}}\n"
        )
    };
    let wrong = blake3::hash(b"x").to_hex();
    put(
        &dir,
        "ticket.jsonl",
        [
            ticket("1", "\"source\":\"gone.txt\""),
            ticket("2", "\"source\":\"A.txt\",\"size\":9"),
            ticket("3", &format!("\"source\":\"a.txt\",\"hash\":\"{wrong}\"")),
            ticket("4", "\"source\":\"f\""),
        ]
        .concat(),
    );
    put(&dir, "a.txt", "abc");
    put(&dir, "f/b.txt", "abc");
    let (code, text) = said(&dir, &["check"]);
    assert_eq!((code, text.matches("FAILED").count()), (6, 4), "{text}");
    assert!(
        text.contains("every attached file is there: ticket.jsonl line 1: the folder has no file \"gone.txt\""),
        "{text}"
    );
    for line in [2, 3, 4] {
        assert!(text.contains(&format!("every row can be read: ticket.jsonl line {line}: ")), "{line}: {text}");
    }
}

#[test]
fn a_row_with_a_wrong_size_fails_alone_where_others_name_the_same_file() {
    for rows in [["1,f.txt,999", "2,f.txt,4", "3,f.txt,"], ["3,f.txt,", "2,f.txt,4", "1,f.txt,999"]] {
        let dir = project("csv", "jsonl");
        let table = format!("ticket,source,size\n{}\n", rows.join("\n"));
        put(
            &dir,
            "ticket.csv",
            "id,subject,requester,description\n1,s,a@x.example,t\n2,s,a@x.example,t\n3,s,a@x.example,t\n",
        );
        put(&dir, "attachment.csv", &table);
        put(&dir, "f.txt", "text");
        let (code, text) = said(&dir, &["run"]);
        assert_eq!((code, names(&dir).len()), (3, 2), "the others have it: {text}");
        put(&dir, "attachment.csv", table.replace("999", "4"));
        let (code, text) = said(&dir, &["run"]);
        assert_eq!((code, names(&dir).len()), (0, 3), "{text}");
    }
}

#[test]
fn tickets_that_would_all_arrive_without_a_word_are_refused_while_tables_are_not_read() {
    let dir = project("csv", "jsonl");
    put(&dir, "ticket.csv", "id,subject,From\n1,s,ann@x.example\n");
    put(&dir, "thread.csv", "Ticket,Poster,Text\n1,Ann,hello\n");
    for command in ["check", "run"] {
        let (code, text) = said(&dir, &[command]);
        assert_eq!(code, 6, "{text}");
        assert!(text.contains("not one ticket has a text") && text.contains("file = \"thread.csv\""), "{text}");
    }
    put(&dir, "columns.toml", "[ticket.columns]\ndescription = \"subject\"\n");
    assert_eq!(said(&dir, &["check"]).0, 0, "who says so has tickets whose text is their subject");
    put(
        &dir,
        "columns.toml",
        "[comment]\nfile = \"thread.csv\"\n[comment.columns]\nbody = \"Text\"\nauthor = \"Poster\"\n",
    );
    let (code, text) = said(&dir, &["check"]);
    assert_eq!((code, text.contains("not one ticket has a text")), (0, false), "{text}");
}

#[test]
fn several_files_in_a_row_share_no_size() {
    let dir = project("csv", "jsonl");
    put(&dir, "ticket.csv", TICKET);
    put(&dir, "attachment.csv", "ticket,source,size,name\n1,a.txt;b.txt,3,\n1,a.txt;b.txt,,One.txt;Two.txt\n");
    put(&dir, "a.txt", "abc");
    put(&dir, "b.txt", "xyz");
    let (code, text) = said(&dir, &["check"]);
    assert!(
        code == 6 && text.contains("attachment.csv row 2, column `size`: is of one file, and the row names 2"),
        "{text}"
    );
    put(&dir, "attachment.csv", "ticket,source,size,name\n1,a.txt;b.txt,,One.txt;Two.txt\n");
    assert_eq!(said(&dir, &["run"]).0, 0);
    assert_eq!(names(&dir), ["One.txt", "Two.txt"]);
}

#[test]
fn a_description_that_is_a_word_of_empty_is_left_out_with_a_word_and_a_message_stays() {
    let dir = project("csv", "jsonl");
    put(&dir, "columns.toml", "empty = [\"?\"]\n");
    put(&dir, "ticket.csv", "id,subject,requester,description\n1,?,ann@x.example,?\n2,s,ann@x.example,text\n");
    put(&dir, "comment.csv", "ticket,author,body\n1,ann@x.example,?\n");
    let (code, text) = said(&dir, &["check"]);
    let told = "ticket.csv column `description`: 1 text left out, as `empty` lists the word (row 2: \"?\")";
    assert!(code == 0 && text.contains(told), "{text}");
    assert_eq!(said(&dir, &["run"]).0, 0);
    let bodies: Vec<Value> = out(&dir, "ticket").iter().map(|ticket| ticket["comments"][0]["body"].clone()).collect();
    assert_eq!(bodies, ["?", "text"]);
}

#[test]
fn a_column_of_the_ticket_that_names_files_is_named_and_attached_where_somebody_says_so() {
    let dir = project("csv", "jsonl");
    put(
        &dir,
        "ticket.csv",
        "id,subject,requester,description,Attachments\n1,a,ann@x.example,hi,files\\a.txt; files\\b.txt\n2,b,ann@x.example,,files/a.txt\n3,c,ann@x.example,x,\n",
    );
    put(&dir, "files/a.txt", "a");
    put(&dir, "files/b.txt", "b");
    let (code, text) = said(&dir, &["check"]);
    assert!(code == 0 && text.contains("`attachments = \"Attachments\"` under `[ticket.columns]`"), "{text}");
    put(&dir, "columns.toml", "[ticket.columns]\nattachments = \"Attachments\"\n");
    let (code, text) = said(&dir, &["check"]);
    assert!(code == 0 && !text.contains("not attached"), "{text}");
    assert_eq!(said(&dir, &["run"]).0, 0);
    assert_eq!(names(&dir), ["a.txt", "b.txt", "a.txt"]);
    put(
        &dir,
        "ticket.csv",
        "id,subject,requester,Attachments\n1,a,ann@x.example,../a.txt\n2,b,ann@x.example,gone.txt\n",
    );
    let (code, text) = said(&dir, &["check"]);
    assert!(
        code == 6
            && text.contains("ticket.csv row 2, column `Attachments`: the file \"../a.txt\" is not in the folder"),
        "{text}"
    );
    assert!(text.contains("ticket.csv row 3, column `Attachments`: the folder has no file \"gone.txt\""), "{text}");
}

#[test]
fn headings_between_the_rows_are_told_and_left_out_where_somebody_says_so() {
    let dir = project("csv", "jsonl");
    put(
        &dir,
        "ticket.csv",
        "id,subject,requester,status\nStatus: Open (2),,,\n1,a,ann@x.example,Open \n2, b ,ann@x.example,Open\nStatus: Closed (1),,,\n3,c,bob@x.example,Closed\n",
    );
    let (code, text) = said(&dir, &["check"]);
    assert_eq!((code, text.matches("FAILED").count()), (6, 2), "{text}");
    assert!(
        text.contains("ticket.csv row 5, column `id`: ") && text.contains("`footer = [\"Status: Closed (#)\"]`"),
        "{text}"
    );
    assert_eq!(said(&dir, &["run"]).0, 3);
    put(&dir, "columns.toml", "[ticket]\nfooter = [\"Status: Open (#)\", \"Status: Closed (#)\"]\n");
    assert_eq!(said(&dir, &["check"]).0, 0);
    assert_eq!(said(&dir, &["run"]).0, 0);
    let words: Vec<(String, String)> = out(&dir, "ticket")
        .iter()
        .map(|ticket| (ticket["subject"].as_str().unwrap().to_owned(), ticket["status"].as_str().unwrap().to_owned()))
        .collect();
    let word = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(words, [word("a", "Open"), word("b", "Open"), word("c", "Closed")], "blanks around a word are nothing");
}

#[test]
fn a_page_that_is_called_a_table_is_told_what_it_is() {
    let dir = project("csv", "jsonl");
    put(&dir, "ticket.csv", "<html><table><tr><td>id</td></tr></table></html>");
    let (code, text) = said(&dir, &["check"]);
    assert!(code == 6 && text.contains("is an HTML or XML page and not CSV"), "{text}");
    let dir = project("xlsx", "jsonl");
    put(&dir, "ticket.xls", "<html><table><tr><td>id</td></tr></table></html>");
    let (code, text) = said(&dir, &["check"]);
    assert!(
        code == 6 && text.contains("open `ticket.xls` in Excel or LibreOffice and save it as an Excel workbook"),
        "{text}"
    );
}
