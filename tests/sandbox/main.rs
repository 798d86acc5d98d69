//! Moves between sandboxes, by the real binary, and an independent comparison of what both hold.
//!
//! `DESKFERRY_KILL_SEED` repeats the moments of the kills.

mod assess;
mod calls;
mod compare;
mod corrected;
mod desks;
mod directions;
mod exports;
mod faults;
mod fields;
mod foretold;
mod held;
mod ids;
mod kills;
mod later_files;
mod left_out;
mod library;
mod map;
mod merged_people;
mod moving;
mod not_found;
mod odd_files;
mod optional;
mod pairs;
mod paper;
mod policies;
mod preview;
#[path = "../files/report.rs"]
mod report;
mod requesters;
mod requirements;
#[path = "../root.rs"]
mod root;
mod rules;
mod scope;
mod spoiled;
mod strangers;
#[path = "../e2e/compare/text.rs"]
mod text;
mod undo;
mod vanished;
mod vendors;
mod words;

use moving::{Move, Trouble};
use serde_json::Value;

#[test]
fn a_move_carries_everything_and_a_second_run_writes_nothing() {
    let all = Move::new(120, Trouble::default());
    all.succeeds();
    all.is_whole();
    let seen = all.target.calls().len();
    all.succeeds();
    assert_eq!(all.target.writes_after(seen), Vec::<String>::new());
    all.is_whole();
    spoiled::each_is_noticed(&all.found());
}

#[test]
fn a_later_run_carries_what_came_since_and_nothing_else() {
    let all = Move::new(40, Trouble::default());
    all.succeeds();
    let seen = all.target.calls().len();
    let touched: Vec<Value> = (20..30).filter_map(|nth| all.source.touch(nth)).collect();
    assert!(touched.len() > 3, "only {} tickets can be answered", touched.len());
    all.succeeds();
    let writes = all.target.writes_after(seen);
    let notes = writes.iter().filter(|w| w.starts_with("POST /api/v2/tickets/") && w.ends_with("/notes")).count();
    assert_eq!(notes, touched.len(), "{writes:?}");
    // A note of the requester may open a settled ticket again: its status is said once more.
    assert!(writes.iter().all(|w| w.ends_with("/notes") || w.starts_with("PUT /api/v2/tickets/")), "{writes:?}");
    all.is_whole();
}
