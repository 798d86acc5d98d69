//! A target that reads well and writes nothing: what fails is the account's, and no record's.

use crate::desks::{Desk, Options};
use crate::vendors::{Project, ticket};
use serde_json::{Value, json};

/// More than twenty, and what other writers have under way when a run stops.
const TICKETS: usize = 40;
/// Four tries of each of twenty tickets, and of those under way.
const OUTAGE: &str = r#"
[[fault]]
method = "POST"
path = "/api/v2/tickets"
at = 1
calls = 110
does = "error_before"
status = 503
"#;

#[test]
fn twenty_tickets_that_get_no_clear_answer_stop_a_run_that_goes_on_when_the_target_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let faults = folder.path().join("faults.toml");
    std::fs::write(&faults, OUTAGE).unwrap();
    let options = Options { platform: "freshdesk", tickets: 0, faults: Some(&faults), flags: &["--silenced"] };
    let person = json!({"id": "c1", "name": "anna", "emails": ["anna@cust.example"]});
    let tickets: Vec<Value> = (1..=TICKETS).map(|n| ticket(&n.to_string(), "c1")).collect();
    let project = Project::into(Desk::start(&options), &[("contact", vec![person]), ("ticket", tickets)]);
    let run = || project.run(&["run", "--only", "contact,ticket"]);
    let (code, said) = run();
    assert_eq!(code, 5, "{said}");
    assert!(
        said.contains("20 records in a row failed with the same answer: create: no clear answer in 4 tries"),
        "{said}"
    );
    let report = project.told(&["report", "--format", "csv"]);
    assert!(!report.contains(",failed,"), "{report}");
    let ended = (0..4).map(|_| run()).find(|(code, _)| *code == 0);
    assert!(ended.is_some(), "{}", project.told(&["report"]));
    assert_eq!(project.rows("tickets").len(), TICKETS);
}
