//! All faults at once; and each kind on its own, twice: met, the move is whole; with the engine's handling of it switched off, the
//! comparison says what is lost or doubled.
//!
//! Switched off by the manifest of the target where it decides (the search by marker, the search of notes, `Retry-After`, what a 5xx
//! and a 401 mean), else by `DESKFERRY_NAIVE` (`src/naive.rs`: 429, reads made again, lost answers, cut bodies, the
//! time-out of what moves). That a download starts again at the account, because the address it was sent on to may have expired,
//! is shown in `src/http/tests/files.rs`: the look-alike's addresses live longer than a move of a test.

use crate::compare::{self, Difference, What};
use crate::desks::Desk;
use crate::moving::{Move, Trouble};
use serde_json::Value;

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

/// One fault, as a file of them.
fn fault(words: &str) -> String {
    format!("[[fault]]\n{}\n", words.replace(", ", "\n"))
}

/// A small move through one fault of the target; in how many runs.
fn met(words: &str) -> usize {
    let target = fault(words);
    let all = Move::small(Trouble { target: &target, ..Trouble::default() });
    let runs = all.comes_to_its_end();
    assert!(hit(&all.target) > 0, "the fault met no call");
    all.is_whole();
    runs
}

/// A small move through one fault of the source, in one run.
fn read_through(words: &str, account: &str) {
    let source = fault(words);
    let all = Move::with_files(Trouble { source: &source, account, ..Trouble::default() });
    all.succeeds();
    assert!(hit(&all.source) > 0, "the fault met no call");
    all.is_whole();
}

fn hit(desk: &Desk) -> usize {
    desk.calls().iter().filter(|call| call["fault"].is_string()).count()
}

/// What is wrong after one run of a move whose handling of a fault at the target is switched off.
fn unmet(words: &str, off: Trouble<'_>) -> Vec<Difference> {
    let target = fault(words);
    let all = Move::small(Trouble { target: &target, ..off });
    all.run(&["run"]);
    assert!(hit(&all.target) > 0, "the fault met no call: {}", all.said("stderr.txt"));
    all.differences()
}

/// The same of the source.
fn unread(words: &str, off: Trouble<'_>) -> Vec<Difference> {
    let source = fault(words);
    let all = Move::with_files(Trouble { source: &source, ..off });
    all.run(&["run"]);
    assert!(hit(&all.source) > 0, "the fault met no call: {}", all.said("stderr.txt"));
    all.differences()
}

#[track_caller]
fn says(what: What, differences: &[Difference]) {
    assert!(differences.iter().any(|d| d.what == what), "no {what:?} in\n{}", compare::told(differences));
}

fn naive(handling: &str) -> Trouble<'_> {
    Trouble { naive: handling, ..Trouble::default() }
}

const CREATE: &str = r#"method = "POST", path = "/api/v2/tickets", at = 2"#;
const NOTE: &str = r#"method = "POST", path = "/api/v2/tickets/*/notes", at = 2"#;
const LIST: &str = r#"path = "/api/v2/incremental/tickets/**", at = 1"#;
const FILE: &str = r#"path = "/attachment/**", at = 1"#;
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
/// A search that knows only what was indexed, in place of the list of what changed.
const LAGGING_SEARCH: (&str, &str) =
    ("lags     = true\ncall     = \"GET /search/tickets\"\n", "call     = \"GET /search/tickets\"\n");
/// A note that met a 503 was written.
const FALSE_HOPE: (&str, &str) =
    ("step     = \"note\"\n", "step     = \"note\"\non       = [{ status = 503, then = \"done\" }]\n");
/// No header says how long to wait.
const DEAF: [(&str, &str); 2] = [
    (
        "cost = \"X-RateLimit-Used-CurrentRequest\" }",
        "cost = \"X-RateLimit-Used-CurrentRequest\", retry = \"X-Nothing\" }",
    ),
    ("concurrency = 6\n", "concurrency = 6\nheaders = { retry = \"X-Nothing\" }\n"),
];
/// A credential that is no longer good is the fault of one record.
const SHRUG: (&str, &str) = ("status = 401\nreason = \"auth\"", "status = 401\nreason = \"invalid\"");

#[test]
fn a_lost_answer_makes_no_second_ticket() {
    for does in ["reset_after", "error_after", "cut", "truncated"] {
        met(&format!("{CREATE}, does = \"{does}\""));
    }
}

#[test]
fn where_a_lost_answer_counts_as_not_done_it_does() {
    for does in ["reset_after", "error_after", "cut", "truncated"] {
        says(What::Twice, &unmet(&format!("{CREATE}, does = \"{does}\""), naive("not_done")));
    }
}

#[test]
fn without_the_search_by_marker_it_does() {
    let off = Trouble { manifest: &[BLIND_SCAN], ..Trouble::default() };
    says(What::Twice, &unmet(&format!("{CREATE}, does = \"reset_after\""), off));
}

#[test]
fn with_a_search_that_lags_it_does() {
    let off = Trouble { manifest: &[LAGGING_SEARCH], ..Trouble::default() };
    says(What::Twice, &unmet(&format!("{CREATE}, does = \"reset_after\""), off));
}

#[test]
fn a_lost_answer_makes_no_second_note() {
    for does in ["reset_after", "error_after", "cut"] {
        met(&format!("{NOTE}, does = \"{does}\""));
    }
}

#[test]
fn without_the_search_of_notes_it_does() {
    let off = Trouble { manifest: &[BLIND_FIND], ..Trouble::default() };
    says(What::Twice, &unmet(&format!("{NOTE}, does = \"reset_after\""), off));
}

#[test]
fn a_refused_or_reset_call_is_made_again() {
    for does in ["reset_before", "error_before"] {
        met(&format!("{CREATE}, does = \"{does}\""));
        met(&format!("{NOTE}, does = \"{does}\""));
    }
}

#[test]
fn where_a_lost_answer_counts_as_done_a_note_is_lost() {
    says(What::Count, &unmet(&format!("{NOTE}, does = \"reset_before\""), naive("done")));
    let off = Trouble { manifest: &[FALSE_HOPE], ..Trouble::default() };
    says(What::Count, &unmet(&format!("{NOTE}, does = \"error_before\""), off));
}

#[test]
fn a_storm_of_429_is_sat_out() {
    met(&format!("{CREATE}, calls = 6, does = \"too_many\", retry_after = 1"));
}

#[test]
fn where_a_429_counts_as_an_answer_a_ticket_is_lost() {
    says(What::Missing, &unmet(&format!("{CREATE}, does = \"too_many\", retry_after = 1"), naive("pace")));
}

#[test]
fn a_wait_that_is_asked_for_is_kept() {
    let waited = wait_of_five_seconds(&[]);
    assert!(waited >= 4.9, "it came back after {waited} s");
}

#[test]
fn where_no_header_tells_the_wait_it_is_not() {
    let waited = wait_of_five_seconds(&DEAF);
    assert!(waited < 4.9, "it came back after {waited} s");
}

/// How long a move is away that was told to come back in five seconds.
fn wait_of_five_seconds(manifest: &[(&str, &str)]) -> f64 {
    let target = fault(&format!("{CREATE}, does = \"too_many\", retry_after = 5"));
    let all = Move::small(Trouble { target: &target, manifest, ..Trouble::default() });
    all.comes_to_its_end();
    all.is_whole();
    let calls = all.target.calls();
    let creates = || calls.iter().filter(|c| c["method"] == "POST" && c["path"] == "/api/v2/tickets");
    let time = |call: &Value| call["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let refused = creates().find(|c| c["fault"] == "too_many").unwrap();
    // Others may have been on their way.
    let later = creates().filter(|c| c["number"].as_u64() > refused["number"].as_u64()).map(time);
    let after = later.map(|at| at.duration_since(time(refused)).as_secs_f64()).find(|after| *after > 0.5);
    after.unwrap()
}

#[test]
fn a_failing_read_is_made_again() {
    for does in ["too_many", "reset_before", "reset_after", "error_before", "error_after", "truncated", "cut"] {
        read_through(&format!("{LIST}, does = \"{does}\""), "");
    }
}

#[test]
fn where_it_is_not_the_rest_is_missing() {
    for does in ["reset_before", "reset_after", "error_before", "error_after", "truncated", "cut"] {
        says(What::Missing, &unread(&format!("{LIST}, does = \"{does}\""), naive("read")));
    }
    says(What::Missing, &unread(&format!("{LIST}, does = \"too_many\""), naive("pace")));
}

#[test]
fn where_half_an_answer_counts_as_whole_the_rest_is_missing() {
    for does in ["truncated", "cut"] {
        says(What::Missing, &unread(&format!("{LIST}, does = \"{does}\""), naive("whole")));
    }
}

#[test]
fn a_file_that_breaks_off_is_fetched_again() {
    for does in ["cut", "reset_before", "error_before"] {
        read_through(&format!("{FILE}, does = \"{does}\""), "");
    }
}

#[test]
fn where_half_a_file_counts_as_whole_it_is_another() {
    says(What::File, &unread(&format!("{FILE}, does = \"cut\""), naive("whole")));
}

/// Each answer of the list takes four seconds, in pieces.
const CRAWL: &str = r#"path = "/api/v2/incremental/tickets/**", every = 1, does = "slow", seconds = 4"#;

#[test]
fn a_slow_body_is_waited_for() {
    met(&format!("{CREATE}, does = \"slow\", seconds = 2"));
    read_through(CRAWL, "timeout = \"2s\"");
}

#[test]
fn where_the_time_of_the_whole_counts_nothing_is_read() {
    let off = Trouble { account: "timeout = \"2s\"", ..naive("clock") };
    says(What::Missing, &unread(CRAWL, off));
}

#[test]
fn an_expired_credential_stops_the_run_and_a_later_one_goes_on() {
    assert_eq!(runs_until_over(&[]), (2, vec![]));
}

#[test]
fn where_it_is_one_records_fault_that_record_is_left_behind() {
    let (_, said) = runs_until_over(&[SHRUG]);
    assert!(said.contains(&What::Missing), "{said:?}");
}

/// `run` once and, where it stopped, once more: how often, and what is wrong then.
fn runs_until_over(manifest: &[(&str, &str)]) -> (usize, Vec<What>) {
    let target = fault(&format!("{CREATE}, does = \"expired\""));
    let all = Move::small(Trouble { target: &target, manifest, ..Trouble::default() });
    let runs = if all.run(&["run"]) == 0 { 1 } else { 2 };
    if runs == 2 {
        all.run(&["run"]);
    }
    assert!(hit(&all.target) > 0, "the fault met no call: {}", all.said("stderr.txt"));
    (runs, all.differences().iter().map(|d| d.what).collect())
}
