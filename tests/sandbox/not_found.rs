//! What is said not to be there while a list shows it: nothing is given up on the word of one run, and an account that answers so, or
//! refuses every record alike, stops the run with nothing booked against its records.

use crate::desks::{Desk, Options};
use crate::vendors::{Project, ticket};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use tempfile::TempDir;

const TICKETS: usize = 30;
/// Runs until everything is there, at most.
const RUNS: usize = 12;

/// A Freshdesk of so many tickets where this goes wrong.
fn desk(tickets: usize, faults: &str) -> (Desk, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("faults.toml");
    std::fs::write(&file, faults).unwrap();
    let options = Options { platform: "freshdesk", tickets, faults: Some(&file), flags: &["--silenced"] };
    (Desk::start(&options), folder)
}

/// The source answers 404 to so many calls of each of these paths.
fn not_found(paths: &[(&str, usize)]) -> String {
    let rule = |(path, calls): &(&str, usize)| {
        format!("[[fault]]\npath = \"{path}\"\nat = 1\ncalls = {calls}\ndoes = \"error_before\"\nstatus = 404\n")
    };
    paths.iter().map(rule).collect()
}

fn run(project: &Project) -> (i32, String) {
    project.run(&["run", "--only", "ticket"])
}

fn ids(project: &Project) -> BTreeSet<String> {
    project.files("ticket").iter().map(|ticket| ticket["id"].as_str().unwrap().to_owned()).collect()
}

/// What the source shows, read without a fault; and the files of it.
fn expected() -> (BTreeSet<String>, usize) {
    let (desk, _folder) = desk(TICKETS, "");
    let project = Project::out_of(desk, "");
    let (code, said) = run(&project);
    assert_eq!(code, 0, "{said}");
    (ids(&project), files(&project))
}

fn files(project: &Project) -> usize {
    let tickets = project.files("ticket");
    let messages = tickets.iter().flat_map(|ticket| ticket["comments"].as_array().cloned().unwrap_or_default());
    messages.map(|message| message["attachments"].as_array().map_or(0, Vec::len)).sum()
}

/// A ticket that is said not to be there is asked for by these calls.
const OF_ONE: [&str; 2] = ["/api/v2/tickets/5", "/api/v2/tickets/5/**"];
const FOR_EVER: usize = 1000;

/// How many calls of each of `OF_ONE` so many runs make where it is never there.
fn calls_of_one(runs: usize) -> Vec<(&'static str, usize)> {
    let (desk, _folder) = desk(TICKETS, &not_found(&OF_ONE.map(|path| (path, FOR_EVER))));
    let project = Project::out_of(desk, "");
    let codes: Vec<i32> = (0..runs).map(|_| run(&project).0).collect();
    assert_eq!(codes, [3, 0, 0][..runs], "a run waits, a second one believes it");
    assert!(!ids(&project).contains("5"));
    let calls = project.desk.calls();
    let of = |path: &str| {
        let path = path.trim_end_matches("**");
        let met = |call: &&Value| call["path"].as_str().unwrap().starts_with(path) && call["fault"].is_string();
        calls.iter().filter(met).filter(|call| path.ends_with('/') || call["path"] == path).count()
    };
    OF_ONE.iter().map(|path| (*path, of(path))).collect()
}

#[test]
fn a_ticket_that_is_not_found_in_one_run_is_migrated_by_the_next() {
    let (desk, _folder) = desk(TICKETS, &not_found(&calls_of_one(1)));
    let project = Project::out_of(desk, "");
    let (code, said) = run(&project);
    assert!(code == 3 && said.contains("counts it as deleted if the answer is the same"), "{code}: {said}");
    assert!(!ids(&project).contains("5"));
    let (code, said) = run(&project);
    assert_eq!(code, 0, "{said}");
    assert_eq!((ids(&project), files(&project)), expected());
}

#[test]
fn a_ticket_that_is_not_found_in_two_runs_is_deleted_and_a_retry_asks_again() {
    let calls = calls_of_one(2);
    assert_eq!(calls_of_one(3), calls, "it is asked for for ever");
    let (desk, _folder) = desk(TICKETS, &not_found(&calls));
    let project = Project::out_of(desk, "");
    assert_eq!([run(&project).0, run(&project).0, run(&project).0], [3, 0, 0]);
    assert!(!ids(&project).contains("5"));
    assert_eq!(project.run(&["retry", "--only", "ticket"]).0, 0);
    assert_eq!((ids(&project), files(&project)), expected());
}

#[test]
fn a_source_that_is_not_there_for_a_while_stops_the_run_and_loses_nothing() {
    let rule = "[[fault]]\nat = 40\ncalls = 12\ndoes = \"error_before\"\nstatus = 404\n";
    let (desk, _folder) = desk(TICKETS, rule);
    let project = Project::out_of(desk, "");
    let (code, said) = run(&project);
    assert!(code == 5 && said.contains("run the same command again"), "{code}: {said}");
    let codes: Vec<i32> = (0..RUNS).map(|_| run(&project).0).take_while(|code| *code != 0).collect();
    assert!(codes.len() < RUNS && !codes.contains(&3), "{codes:?}");
    assert_eq!((ids(&project), files(&project)), expected());
}

#[test]
fn a_target_that_refuses_every_ticket_alike_stops_the_run_and_they_all_wait() {
    for status in [404, 405] {
        let rule = format!(
            "[[fault]]\nmethod = \"POST\"\npath = \"/api/v2/tickets\"\nat = 9\ncalls = 1000\ndoes = \"error_before\"\nstatus = {status}\n"
        );
        let (desk, _folder) = desk(0, &rule);
        let person = json!({"id": "c1", "name": "anna", "emails": ["anna@cust.example"]});
        let tickets = (1..=TICKETS + 10).map(|n| ticket(&n.to_string(), "c1")).collect();
        let project = Project::into(desk, &[("contact", vec![person]), ("ticket", tickets)]);
        for _ in 0..2 {
            let (code, said) = project.run(&["run", "--only", "contact,ticket"]);
            assert_eq!(code, 5, "{status}: {said}");
            assert!(said.contains("20 records in a row failed with the same answer"), "{status}: {said}");
            let report = project.told(&["report", "--format", "csv"]);
            assert!(!report.contains(",failed,"), "{status}: {report}");
        }
        assert_eq!(project.rows("tickets").len(), 8);
    }
}

/// A Freshdesk as target of so many tickets, where every one that is made is refused so.
fn refusing(status: u16, tickets: usize) -> Project {
    let rule = format!(
        "[[fault]]\nmethod = \"POST\"\npath = \"/api/v2/tickets\"\nat = 1\ncalls = 1000\ndoes = \"error_before\"\nstatus = {status}\n"
    );
    let (desk, _folder) = desk(0, &rule);
    let person = json!({"id": "c1", "name": "anna", "emails": ["anna@cust.example"]});
    Project::into(
        desk,
        &[("contact", vec![person]), ("ticket", (1..=tickets).map(|n| ticket(&n.to_string(), "c1")).collect())],
    )
}

/// The sandbox's errors are pages, as a gateway's are: nothing proves that a ticket was not made.
#[test]
fn a_gateway_that_refuses_every_ticket_stops_the_run_before_any_of_them_is_looked_for() {
    for status in [403, 404, 405, 410, 501] {
        let project = refusing(status, TICKETS + 10);
        let (code, said) = project.run(&["run", "--only", "contact,ticket"]);
        assert_eq!(code, 5, "{status}: {said}");
        assert!(said.contains("20 records in a row failed with the same answer"), "{status}: {said}");
        let calls = project.desk.calls();
        let first = calls.iter().position(|call| call["fault"].is_string()).unwrap();
        let (posts, reads): (Vec<_>, Vec<_>) = calls[first..].iter().partition(|call| call["method"] == "POST");
        assert!((20..=24).contains(&posts.len()), "{status}: {} tickets were sent", posts.len());
        assert!(reads.len() <= 8, "{status}: {reads:?}");
        let report = project.told(&["report", "--format", "csv"]);
        assert!(!report.contains(",failed,"), "{status}: {report}");
    }
}

#[test]
fn a_few_tickets_that_a_gateway_refuses_fail_once_they_are_proved_not_to_be_there() {
    let project = refusing(405, 3);
    let (code, said) = project.run(&["run", "--only", "contact,ticket"]);
    assert_eq!(code, 3, "{said}");
    assert_eq!(project.told(&["report", "--format", "csv"]).matches(",failed,").count(), 3, "{said}");
    let posts = project.desk.calls().iter().filter(|call| call["fault"].is_string()).count();
    assert_eq!(posts, 3, "none is sent again in the same run");
}

/// What a run looks at in the target before it makes anything.
#[test]
fn a_look_that_is_refused_for_good_ends_the_run_as_the_accounts_failure() {
    let looks =
        ["/api/v2/tickets", "/api/v2/search/tickets", "/api/v2/groups", "/api/v2/agents", "/api/v2/ticket_fields"];
    for (path, status) in looks.into_iter().flat_map(|path| [(path, 403), (path, 404), (path, 405)]) {
        let rule = format!(
            "[[fault]]\nmethod = \"GET\"\npath = \"{path}\"\nat = 1\ncalls = 1000\ndoes = \"error_before\"\nstatus = {status}\n"
        );
        let (desk, _folder) = desk(0, &rule);
        let person = json!({"id": "c1", "name": "anna", "emails": ["anna@cust.example"]});
        let project = Project::into(desk, &[("contact", vec![person]), ("ticket", vec![ticket("1", "c1")])]);
        let (code, said) = project.run(&["run", "--only", "contact,ticket"]);
        let met = project.desk.calls().iter().any(|call| call["fault"].is_string());
        let right = if met { &[0, 3, 5, 6][..] } else { &[0] };
        assert!(right.contains(&code), "{path} {status}: {code}: {said}");
        assert!(!project.told(&["report", "--format", "csv"]).contains("ticket,1,,failed"), "{path} {status}");
    }
}

#[test]
fn an_address_that_is_not_known_at_the_start_of_a_run_can_go_on() {
    for status in [401, 404, 503] {
        let rule = format!("[[fault]]\nat = 1\ncalls = 1000\ndoes = \"error_before\"\nstatus = {status}\n");
        let (desk, _folder) = desk(TICKETS, &rule);
        let (code, said) = run(&Project::out_of(desk, ""));
        assert_eq!(code, 5, "{status}: {said}");
    }
}

/// A Freshdesk whose files are not there for so many calls.
fn without_its_files(calls: usize) -> Project {
    let rule =
        format!("[[fault]]\npath = \"/data/**\"\nat = 1\ncalls = {calls}\ndoes = \"error_before\"\nstatus = 404\n");
    Project::out_of(desk(TICKETS, &rule).0, "")
}

fn lost(project: &Project) -> usize {
    project.told(&["report", "--format", "csv"]).matches("file_gone").count()
}

#[test]
fn a_file_that_is_not_found_for_a_moment_comes_in_the_same_run() {
    let project = without_its_files(2);
    let (code, said) = run(&project);
    assert_eq!((code, lost(&project)), (0, 0), "{said}");
    assert_eq!((ids(&project), files(&project)), expected());
}

#[test]
fn a_ticket_that_was_migrated_without_a_file_gets_it_by_a_retry() {
    let gone = without_its_files(FOR_EVER);
    let (code, said) = run(&gone);
    assert!(code == 0 && lost(&gone) > 0, "{code}: {said}");
    let calls = gone.desk.calls().iter().filter(|call| call["fault"].is_string()).count();
    for retry in [&["retry", "--reason", "file_gone"][..], &["retry"]] {
        let project = without_its_files(calls);
        assert_eq!((run(&project).0, lost(&project)), (0, lost(&gone)));
        assert_eq!((run(&project).0, lost(&project)), (0, lost(&gone)), "a run alone does not ask again");
        let (code, said) = project.run(retry);
        assert_eq!((code, lost(&project)), (0, 0), "{said}");
        assert_eq!((ids(&project), files(&project)), expected());
        assert!(present(&project), "its bytes are there");
    }
}

/// Whether the bytes of every file are in the folder.
fn present(project: &Project) -> bool {
    let tickets = project.files("ticket");
    let messages = tickets.iter().flat_map(|ticket| ticket["comments"].as_array().cloned().unwrap_or_default());
    let files = messages.flat_map(|message| message["attachments"].as_array().cloned().unwrap_or_default());
    files.into_iter().all(|file| project.at("out").join(file["source"].as_str().unwrap()).is_file())
}

#[test]
fn a_file_that_comes_after_its_message_was_written_is_added_below_the_ticket() {
    let (desk, _folder) = desk(0, "");
    let person = json!({"id": "c1", "name": "anna", "emails": ["anna@cust.example"]});
    let mut with_file = ticket("1", "c1");
    with_file["comments"][0]["attachments"] = json!([{"id": "f1", "name": "plan.txt", "source": "plan.txt"}]);
    let project = Project::into(desk, &[("contact", vec![person]), ("ticket", vec![with_file])]);
    let only = ["--only", "contact,ticket"];
    let (code, said) = project.run(&["run", only[0], only[1]]);
    assert!(code == 0 && lost(&project) > 0, "{code}: {said}");
    std::fs::write(project.at("src/plan.txt"), "a plan").unwrap();
    let (code, said) = project.run(&["retry", "--reason", "file_gone", only[0], only[1]]);
    assert!(code == 0 && lost(&project) == 0, "{code}: {said}");
    let shown = |project: &Project| {
        let tickets = project.rows("tickets");
        assert_eq!(tickets.len(), 1);
        let added = tickets[0]["conversations"].as_array().cloned().unwrap_or_default();
        assert_eq!(added.len(), 1, "{added:?}");
        let text = added[0].to_string();
        assert!(text.contains("plan.txt") && text.contains("could not be read before"), "{text}");
    };
    shown(&project);
    for command in ["run", "retry"] {
        let (code, said) = project.run(&[command, only[0], only[1]]);
        assert_eq!(code, 0, "{said}");
        shown(&project);
    }
}
