//! Tickets of other people under the ids that the ledger knows: the account was reset, or put back from a backup, behind the same
//! address. Nothing is sent to them.

use crate::desks::{Desk, Options};
use crate::vendors::{Project, ticket};
use serde_json::{Value, json};

const TICKETS: usize = 6;

fn tickets(most: usize) -> Vec<Value> {
    let named = |n: usize| {
        let mut one = ticket(&n.to_string(), "c1");
        one["subject"] = format!("ticket {n}").into();
        one["updated_at"] = "2024-01-02T00:00:00Z".into();
        one
    };
    (1..=most).map(named).collect()
}

/// A project that migrated so many tickets.
fn migrated(platform: &str, most: usize) -> Project {
    let flags: &[&str] = if platform == "zendesk" { &["--silenced", "--lag", "0"] } else { &["--silenced"] };
    let desk = Desk::start(&Options { platform, tickets: 0, faults: None, flags });
    let person = json!({"id": "c1", "name": "anna", "emails": ["anna@cust.example"]});
    let project = Project::into(desk, &[("contact", vec![person]), ("ticket", tickets(most))]);
    let (code, said) = run(&project);
    assert_eq!((code, project.rows("tickets").len()), (0, most), "{platform}: {said}");
    project
}

fn run(project: &Project) -> (i32, String) {
    project.run(&["run", "--only", "contact,ticket"])
}

/// Takes our mark off a ticket; its id in the target.
fn unmark(project: &Project, platform: &str, n: usize) -> u64 {
    let all = project.rows("tickets");
    let theirs = all.iter().find(|row| row["subject"] == format!("ticket {n}")).unwrap();
    let id = theirs["id"].as_u64().unwrap();
    match platform {
        "zendesk" => project.desk.sent(
            "PUT",
            &format!("/api/v2/tickets/{id}.json"),
            &json!({"ticket": {"external_id": "theirs"}}),
        ),
        _ => {
            let fields = theirs["custom_fields"].as_object().unwrap();
            let ours = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("deskferry:"));
            let field = fields.iter().find(|(_, value)| ours(value)).unwrap().0;
            project.desk.sent("PUT", &format!("/api/v2/tickets/{id}"), &json!({"custom_fields": {field: "theirs"}}))
        }
    };
    id
}

/// Deletes a ticket in a Zendesk; a Freshdesk shows a deleted one as before.
fn delete(project: &Project, n: usize) {
    let all = project.rows("tickets");
    let ours = all.iter().find(|row| row["subject"] == format!("ticket {n}")).unwrap();
    project.desk.sent("DELETE", &format!("/api/v2/tickets/{}.json", ours["id"]), &json!({}));
}

/// A run that is refused, without one write.
fn is_refused(project: &Project, what: &str) {
    let seen = project.desk.calls().len();
    let (code, said) = run(project);
    assert!(code == 6 && said.contains("holds none of the tickets"), "{what} {code}: {said}");
    assert!(said.contains("new project folder"), "{what}: {said}");
    assert_eq!(project.desk.writes_after(seen), Vec::<String>::new(), "{what}");
}

#[test]
fn a_run_into_an_account_that_holds_none_of_its_tickets_is_refused_and_writes_nothing() {
    for platform in ["freshdesk", "zendesk"] {
        for most in [1, 2, TICKETS] {
            let project = migrated(platform, most);
            (1..=most).for_each(|n| _ = unmark(&project, platform, n));
            is_refused(&project, &format!("{platform}, {most} strangers"));
        }
    }
    for most in [1, 2] {
        let project = migrated("zendesk", most);
        (1..=most).for_each(|n| delete(&project, n));
        is_refused(&project, &format!("{most} gone"));
    }
}

#[test]
fn a_ticket_that_people_deleted_keeps_no_run_from_going_on() {
    let project = migrated("zendesk", 2);
    delete(&project, 1);
    let seen = project.desk.calls().len();
    let (code, said) = run(&project);
    assert_eq!(code, 0, "{said}");
    assert_eq!(project.desk.writes_after(seen), Vec::<String>::new());
}

#[test]
fn a_reply_is_not_sent_to_a_ticket_that_does_not_carry_the_mark() {
    for platform in ["freshdesk", "zendesk"] {
        let project = migrated(platform, TICKETS);
        let stranger = unmark(&project, platform, 4);
        let mut later = tickets(TICKETS);
        for n in [4, 5] {
            let reply = json!({"id": "m2", "author": "c1", "format": "text", "body": "for their eyes", "created_at": "2024-01-03T00:00:00Z"});
            later[n - 1]["comments"].as_array_mut().unwrap().push(reply);
            later[n - 1]["updated_at"] = "2024-01-03T00:00:00Z".into();
        }
        let lines: String = later.iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(project.at("src/ticket.jsonl"), lines).unwrap();
        let seen = project.desk.calls().len();
        let (code, said) = run(&project);
        assert_eq!(code, 3, "{platform}: {said}");
        let writes = project.desk.writes_after(seen);
        let to_stranger = |write: &&String| write.contains(&format!("/tickets/{stranger}"));
        assert!(!writes.is_empty() && !writes.iter().any(|write| to_stranger(&write)), "{platform}: {writes:?}");
        let report = project.told(&["report", "--format", "csv"]);
        assert!(report.contains("does not have the marker"), "{platform}: {report}");
        let looked = project.desk.calls().len() - seen;
        assert!(looked < 60, "{platform}: {looked} calls for two replies");
    }
}
