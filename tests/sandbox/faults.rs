//! Each kind of fault on its own, all at once, and what becomes of a move whose handling of one is switched off.
//!
//! Switched off by the manifest: the search by marker, the search of a note, 429 and 5xx as push-back. What cannot be switched
//! off, because no manifest decides it, is shown to be met only: a body cut or truncated is never taken for whole, a slow
//! one is waited for, `Retry-After` is kept, an expired credential stops the run and a later one goes on.

use crate::compare::{self, What};
use crate::moving::{Move, Trouble};

pub const EVERYTHING_AT_THE_SOURCE: &str = r#"
fault = [
  { path = "/api/**", at = 3, calls = 3, does = "too_many", retry_after = 1 },
  { path = "/api/**", at = 8, does = "reset_before" },
  { path = "/api/**", at = 10, does = "reset_after" },
  { path = "/api/**", at = 12, does = "truncated" },
  { path = "/api/**", at = 14, does = "cut" },
  { path = "/api/**", at = 16, does = "error_before" },
  { path = "/api/**", at = 18, does = "error_after" },
  { path = "/api/**", at = 20, does = "slow", seconds = 1 },
  { path = "/api/**", at = 22, does = "expired" },
  { path = "/attachments/**", every = 17, does = "reset_before" },
  { path = "/attachments/**", every = 23, does = "error_before" },
  { path = "/attachments/**", every = 29, does = "too_many", retry_after = 1 },
]
"#;

pub const EVERYTHING_AT_THE_TARGET: &str = r#"
fault = [
  { method = "POST", at = 60, calls = 5, does = "too_many", retry_after = 1 },
  { method = "POST", every = 41, does = "reset_after" },
  { method = "POST", every = 37, does = "reset_before" },
  { method = "POST", every = 53, does = "error_after" },
  { method = "POST", every = 47, does = "error_before" },
  { method = "POST", every = 59, does = "truncated" },
  { method = "POST", every = 67, does = "cut" },
  { method = "POST", every = 71, does = "slow", seconds = 1 },
  { method = "PUT", every = 7, does = "reset_after" },
  { method = "PUT", every = 11, does = "error_before" },
  { method = "GET", every = 31, does = "cut" },
  { method = "GET", every = 43, does = "truncated" },
  { method = "GET", every = 29, does = "error_before", status = 502 },
  { at = 250, does = "expired" },
]
"#;

#[test]
fn every_fault_at_once_changes_nothing_in_the_end() {
    let all = Move::new(
        60,
        Trouble { source: EVERYTHING_AT_THE_SOURCE, target: EVERYTHING_AT_THE_TARGET, ..Trouble::default() },
    );
    let runs = all.comes_to_its_end();
    println!("at its end after {runs} runs");
    all.is_whole();
}

/// One fault at the target, as a file of them.
fn fault(words: &str) -> String {
    format!("[[fault]]\n{}\n", words.replace(", ", "\n"))
}

/// A small move through one fault of the target; in how many runs.
fn met(words: &str) -> usize {
    let target = fault(words);
    let all = Move::small(Trouble { target: &target, ..Trouble::default() });
    let runs = all.comes_to_its_end();
    let hit = all.target.calls().iter().filter(|c| c["fault"].is_string()).count();
    assert!(hit > 0, "the fault met no call");
    all.is_whole();
    runs
}

/// The same move with a handling switched off by the manifest: what the comparison says of it.
fn unmet(words: &str, manifest: &[(&str, &str)]) -> Vec<compare::Difference> {
    let target = fault(words);
    let all = Move::small(Trouble { target: &target, manifest, ..Trouble::default() });
    all.run(&["run"]);
    all.differences()
}

const CREATE: &str = r#"method = "POST", path = "/api/v2/tickets", at = 2"#;
const NOTE: &str = r#"method = "POST", path = "/api/v2/tickets/*/notes", at = 2"#;
/// The scan that finds no marker.
const BLIND_SCAN: (&str, &str) = (
    r#"mark   = { jq = ".custom_fields | to_entries[] | .value | select(type == \"string\" and startswith(\"deskferry:\"))" }"#,
    r#"mark   = { const = "nothing" }"#,
);
/// The look at a ticket that knows no note again.
const BLIND_FIND: (&str, &str) = (
    "stream   = \"comment\"\nid       = \".id\"\ntext     = { jq = '.body",
    "stream   = \"comment\"\nid       = \".id\"\ntext     = { jq = '\"nothing\"",
);

#[test]
fn a_lost_answer_makes_no_second_ticket() {
    for does in ["reset_after", "error_after", "cut", "truncated"] {
        met(&format!("{CREATE}, does = \"{does}\""));
    }
}

#[test]
fn without_the_search_by_marker_it_does() {
    let said = unmet(&format!("{CREATE}, does = \"reset_after\""), &[BLIND_SCAN]);
    assert!(said.iter().any(|d| d.what == What::Twice), "{}", compare::told(&said));
}

#[test]
fn a_lost_answer_makes_no_second_note() {
    for does in ["reset_after", "error_after", "cut"] {
        met(&format!("{NOTE}, does = \"{does}\""));
    }
}

#[test]
fn without_the_search_of_notes_it_does() {
    let said = unmet(&format!("{NOTE}, does = \"reset_after\""), &[BLIND_FIND]);
    assert!(said.iter().any(|d| d.what == What::Twice), "{}", compare::told(&said));
}

#[test]
fn a_refused_or_reset_call_is_made_again() {
    for does in ["reset_before", "error_before"] {
        met(&format!("{CREATE}, does = \"{does}\""));
    }
}

#[test]
fn a_storm_of_429_is_sat_out() {
    met(&format!("{CREATE}, calls = 6, does = \"too_many\", retry_after = 1"));
}

#[test]
fn a_wait_that_is_asked_for_is_kept() {
    let target = fault(&format!("{CREATE}, does = \"too_many\", retry_after = 3"));
    let all = Move::small(Trouble { target: &target, ..Trouble::default() });
    all.comes_to_its_end();
    let calls = all.target.calls();
    let time = |call: &serde_json::Value| call["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let creates = || calls.iter().filter(|c| c["method"] == "POST" && c["path"] == "/api/v2/tickets");
    let refused = creates().find(|c| c["fault"] == "too_many").map(time).unwrap();
    let after = creates().map(time).find(|t| *t > refused + jiff::SignedDuration::from_secs(1)).unwrap();
    assert!(after.duration_since(refused).as_secs_f64() >= 2.9, "it came back after {}", after.duration_since(refused));
    all.is_whole();
}

#[test]
fn a_slow_body_is_waited_for() {
    met(&format!("{CREATE}, does = \"slow\", seconds = 2"));
}

#[test]
fn an_expired_credential_stops_the_run_and_a_later_one_goes_on() {
    let runs = met(&format!("{CREATE}, does = \"expired\""));
    assert!(runs > 1, "it was not even noticed");
}
