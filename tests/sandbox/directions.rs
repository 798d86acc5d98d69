//! The other directions: each plain, through every fault at once, and killed.

use crate::faults::{EVERYTHING_AT_THE_SOURCE, EVERYTHING_AT_THE_TARGET};
use crate::kills::killed;
use crate::moving::{Hurry, Move, Trouble};
use crate::pairs::{FRESHDESK_FRESHDESK, FRESHDESK_ZENDESK, Pair, ZENDESK_ZENDESK};
use crate::spoiled;

/// What goes wrong at a Zendesk that is written to: its jobs, beside all else.
const EVERYTHING_AT_A_ZENDESK: &str = r#"
fault = [
  { method = "POST", path = "/api/v2/imports/**", at = 1, does = "job_killed", rows = 5 },
  { method = "POST", path = "/api/v2/imports/**", at = 2, does = "error_after" },
  { method = "POST", path = "/api/v2/imports/**", at = 3, does = "job_vanished", rows = 7 },
  { method = "POST", path = "/api/v2/imports/**", at = 4, does = "job_stuck", rows = 3 },
  { method = "POST", path = "/api/v2/imports/**", at = 5, does = "reset_after" },
  { method = "POST", path = "/api/v2/imports/**", at = 6, does = "job_killed" },
  { method = "POST", path = "/api/v2/imports/**", at = 7, does = "cut" },
  { method = "POST", path = "/api/v2/imports/**", at = 8, does = "job_vanished", rows = 0 },
  { method = "POST", path = "/api/v2/imports/**", at = 9, does = "too_many", retry_after = 1 },
  { method = "POST", path = "/api/v2/users/**", every = 7, does = "reset_after" },
  { method = "POST", path = "/api/v2/users/**", every = 11, does = "error_before" },
  { method = "POST", path = "/api/v2/users/**", every = 13, does = "truncated" },
  { method = "POST", path = "/api/v2/uploads*", every = 5, does = "reset_after" },
  { method = "POST", path = "/api/v2/uploads*", every = 7, does = "error_before" },
  { method = "GET", path = "/api/v2/job_statuses/**", every = 3, does = "error_before", status = 502 },
  { method = "GET", path = "/api/v2/job_statuses/**", every = 5, does = "cut" },
  { method = "GET", every = 31, does = "cut" },
  { method = "GET", every = 43, does = "truncated" },
  { at = 120, does = "expired" },
]
"#;

/// Everything arrives, nobody is told, and once is enough.
fn carries(pair: Pair, tickets: usize) {
    let all = Move::new(tickets, Trouble::none(pair));
    all.succeeds();
    all.is_whole();
    let seen = all.target.calls().len();
    all.succeeds();
    assert_eq!(all.target.writes_after(seen), Vec::<String>::new());
    all.is_whole();
    spoiled::each_is_noticed(&all.found());
}

fn through_everything(pair: Pair, target: &str, tickets: usize) {
    let trouble = Trouble { source: EVERYTHING_AT_THE_SOURCE, target, hurry: Hurry::Desks, ..Trouble::none(pair) };
    let all = Move::new(tickets, trouble);
    let runs = all.comes_to_its_end();
    println!("at its end after {runs} runs");
    all.is_whole();
}

fn through_kills(pair: Pair, tickets: usize) {
    killed(Move::new(tickets, Trouble { hurry: Hurry::Desks, ..Trouble::none(pair) }), 8, 4);
}

#[test]
fn zendesk_to_zendesk_carries_everything_and_once() {
    carries(ZENDESK_ZENDESK, 60);
}

#[test]
fn zendesk_to_zendesk_through_every_fault_at_once() {
    through_everything(ZENDESK_ZENDESK, EVERYTHING_AT_A_ZENDESK, 45);
}

#[test]
fn zendesk_to_zendesk_killed_eight_times() {
    through_kills(ZENDESK_ZENDESK, 60);
}

#[test]
fn freshdesk_to_zendesk_carries_everything_and_once() {
    carries(FRESHDESK_ZENDESK, 60);
}

#[test]
fn freshdesk_to_zendesk_through_every_fault_at_once() {
    through_everything(FRESHDESK_ZENDESK, EVERYTHING_AT_A_ZENDESK, 45);
}

#[test]
fn freshdesk_to_zendesk_killed_eight_times() {
    through_kills(FRESHDESK_ZENDESK, 60);
}

#[test]
fn freshdesk_to_freshdesk_carries_everything_and_once() {
    carries(FRESHDESK_FRESHDESK, 60);
}

#[test]
fn freshdesk_to_freshdesk_through_every_fault_at_once() {
    through_everything(FRESHDESK_FRESHDESK, EVERYTHING_AT_THE_TARGET, 45);
}

#[test]
fn freshdesk_to_freshdesk_killed_eight_times() {
    through_kills(FRESHDESK_FRESHDESK, 60);
}
