//! Whom rows and cells name, and who may read what they say: nobody is taken for somebody else, and nothing is shown by silence.

use crate::{command, ends_well, out, project, put};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Exit code and what is said, of a command.
fn said(dir: &TempDir, args: &[&str]) -> (i32, String) {
    let output = command(dir, args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(text).unwrap().replace(&dir.path().display().to_string(), "DIR"),
    )
}

fn ids(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["id"].as_str().unwrap()).collect()
}

#[test]
fn an_internal_message_is_private_without_a_column_that_says_so() {
    let csv = project("csv", "jsonl");
    put(&csv, "ticket.csv", "id,subject,requester\n1,s,ann@x.example\n");
    put(
        &csv,
        "comment.csv",
        "ticket,author,body,direction\n1,ann@x.example,q,incoming\n1,b@desk.example,s,note\n1,b@desk.example,t,internal\n",
    );
    let jsonl = project("jsonl", "jsonl");
    let message =
        |id: &str, direction: &str| json!({ "id": id, "format": "text", "body": "b", "direction": direction });
    let messages = [message("1", "in"), message("2", "internal"), message("3", "internal")];
    let ticket = json!({ "id": "1", "subject": "s", "comments": messages });
    put(&jsonl, "ticket.jsonl", format!("{ticket}\n"));
    for dir in [csv, jsonl] {
        ends_well(&dir);
        let comments = &out(&dir, "ticket")[0]["comments"];
        let readers: Vec<&Value> = (0..3).map(|at| &comments[at]["visibility"]).collect();
        assert_eq!(readers, ["public", "private", "private"]);
    }
}

#[test]
fn an_agent_and_a_contact_of_one_id_are_told_and_neither_stands_for_the_other() {
    let csv = project("csv", "jsonl");
    put(&csv, "agent.csv", "id,name,emails\n1,Bob,bob@desk.example\n3,Al,al@desk.example\n");
    put(&csv, "contact.csv", "id,name,emails\n1,Ann,ann@x.example\n2,Ben,ben@x.example\n3,Al,al@desk.example\n");
    let jsonl = project("jsonl", "jsonl");
    let person = |id: &str, name: &str, address: &str| json!({ "id": id, "name": name, "emails": [address] });
    put(
        &jsonl,
        "agent.jsonl",
        format!("{}\n{}\n", person("1", "Bob", "bob@desk.example"), person("3", "Al", "al@desk.example")),
    );
    put(
        &jsonl,
        "contact.jsonl",
        format!("{}\n{}\n", person("1", "Ann", "ann@x.example"), person("2", "Ben", "ben@x.example")),
    );
    for (dir, contact, agent) in
        [(csv, "contact.csv row 2", "agent.csv row 2"), (jsonl, "contact.jsonl line 1", "agent.jsonl line 1")]
    {
        let (code, text) = said(&dir, &["check"]);
        assert_eq!(code, 6, "{text}");
        assert!(text.contains(&format!("{contact}: the id \"1\" is also that of another agent, in {agent}")), "{text}");
        assert!(
            text.contains(&format!("{agent}: the id \"1\" is also that of another contact, in {contact}")),
            "{text}"
        );
        let (code, text) = said(&dir, &["run"]);
        assert_eq!(code, 3, "{text}");
        assert!(!ids(&out(&dir, "agent")).contains(&"1") && ids(&out(&dir, "contact")).contains(&"2"), "{text}");
        assert!(!ids(&out(&dir, "contact")).contains(&"1"), "{text}");
    }
}

#[test]
fn a_message_of_no_ticket_fails_alone_and_is_told_once() {
    let dir = project("csv", "jsonl");
    put(&dir, "ticket.csv", "id,subject,requester,description\n1,a,ann@x.example,hi\n2,b,ann@x.example,yo\n");
    put(&dir, "comment.csv", "ticket,author,body\n1,ann@x.example,x\n,ann@x.example,y\n2,ann@x.example,z\n");
    let (code, text) = said(&dir, &["check"]);
    assert_eq!((code, text.matches("comment.csv row 3, column `ticket`").count()), (6, 1), "{text}");
    let (code, text) = said(&dir, &["run"]);
    assert_eq!((code, ids(&out(&dir, "ticket"))), (3, vec!["1", "2"]), "{text}");
    let (_, report) = said(&dir, &["report", "--format", "csv"]);
    assert_eq!(
        report.lines().filter(|line| line.contains("comment.csv row 3") && line.contains(",failed,")).count(),
        1
    );
}

#[test]
fn a_name_with_a_comma_is_one_company_one_group_or_one_person() {
    let dir = project("csv", "jsonl");
    put(&dir, "company.csv", "id,name\n7,\"Globex, Inc.\"\n");
    put(&dir, "group.csv", "id,name\n1,Support\n2,Billing\n3,\"Support, Tier 1\"\n");
    put(
        &dir,
        "agent.csv",
        "id,name,emails,groups\n1,Bob,bob@d.example,\"Support, Tier 1\"\n2,Al,al@d.example,\"Support, Billing\"\n",
    );
    put(
        &dir,
        "contact.csv",
        "id,name,emails,companies\n5,\"Low, Cat\",low@x.example,\"Globex, Inc.\"\n6,Cat,cat@other.example,\n8,Dee,dee@x.example,\n",
    );
    put(
        &dir,
        "ticket.csv",
        "id,subject,requester,ccs,company\n1,a,dee@x.example,\"Low, Cat\",\"Globex, Inc.\"\n2,b,dee@x.example,\"Cat, Dee\",\n",
    );
    ends_well(&dir);
    let (people, agents, tickets) = (out(&dir, "contact"), out(&dir, "agent"), out(&dir, "ticket"));
    assert_eq!((&people[0]["companies"], &tickets[0]["company"]), (&json!(["7"]), &json!("7")));
    assert_eq!((&agents[0]["groups"], &agents[1]["groups"]), (&json!(["3"]), &json!(["1", "2"])));
    assert_eq!((&tickets[0]["ccs"], &tickets[1]["ccs"]), (&json!(["5"]), &json!(["6", "8"])));
}

#[test]
fn names_that_may_be_one_person_or_two_put_no_stranger_into_copy() {
    let dir = project("csv", "jsonl");
    put(
        &dir,
        "ticket.csv",
        "id,subject,requester,ccs\n1,s,Cat <cat@other.example>,\n2,s,ann@x.example,\"Low, Cat\"\n3,s,ann@x.example,\"{cat@x.example,dee@x.example}\"\n",
    );
    let (code, text) = said(&dir, &["check"]);
    assert_eq!(code, 6, "{text}");
    assert!(text.contains("ticket.csv row 3, column `ccs`: \"Low, Cat\" may be one person or several"), "{text}");
    let (code, text) = said(&dir, &["run"]);
    assert_eq!(code, 3, "{text}");
    let tickets = out(&dir, "ticket");
    assert_eq!((ids(&tickets), &tickets[1]["ccs"]), (vec!["1", "3"], &json!(["cat@x.example", "dee@x.example"])));
}

#[test]
fn a_folder_that_cannot_be_read_ends_a_check_and_a_run_alike() {
    let empty = project("csv", "jsonl");
    let book = project("xlsx", "jsonl");
    put(&book, "export.xlsx", "no workbook");
    let utf16 = project("jsonl", "jsonl");
    put(&utf16, "ticket.jsonl", b"\xff\xfe{\0}\0");
    for dir in [empty, book, utf16] {
        let (check, run) = (said(&dir, &["check"]), said(&dir, &["run"]));
        assert_eq!((check.0, run.0), (6, 6), "{}\n{}", check.1, run.1);
    }
}
