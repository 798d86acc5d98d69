//! Every call of the read side fails in turn; then the source is well again, and the target is as after an undisturbed run.
//!
//! Runs are made in this process, by a clock that goes on only where nobody does anything: an hour that the engine waits takes no
//! time. The target is a folder, which holds what was read letter by letter. Which sources there are is said elsewhere.

mod attempt;
pub mod source;

use crate::grid::{Came, Fault, Table};
use crate::page;
use crate::proxy::Call;
use attempt::Move;
use deskferry::ledger::State;
use deskferry::pipeline::Retry;
use source::{Cell, Desk, Pace, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cells tried side by side.
const SIDE_BY_SIDE: usize = 2;
/// Whose calls alone are tried: a part of their path.
pub const CALLS: &str = "DESKFERRY_TABLE_CALLS";
/// What is neither done nor left out.
const OPEN: &[State] = &[State::Staged, State::Planned, State::Writing, State::Failed, State::InDoubt];

/// What an undisturbed run leaves in the target.
type Held = BTreeMap<String, String>;

/// Does this by a clock that stands still while anything is under way, and then goes on to what is waited for next.
fn by_a_paused_clock<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(work)
}

/// What an undisturbed run reads and leaves.
async fn undisturbed(source: &Source<'_>, pace: Pace) -> (Vec<Call>, Held) {
    source.proxy.breaks(None);
    let all = Move::new(source, pace);
    assert_eq!(all.run("run", Retry::default()).await, 0, "{:?}", all.told());
    let calls = source.proxy.made();
    let held = all.held();
    assert!(held.len() > 80, "{} things are held", held.len());
    (calls, held)
}

async fn came_of(source: &Source<'_>, cell: &Cell, expected: &Held) -> Came {
    let all = Move::new(source, cell.pace);
    source.proxy.breaks(Some((cell.call.clone(), cell.fault)));
    let mut came = Came { exits: vec![all.run("run", Retry::default()).await], ..Came::default() };
    assert!(source.proxy.met() > 0, "{} {:?} was not met", cell.fault.name(), cell.call);
    came.dragged = dragged(source, cell, &all, came.exits[0]).await;
    source.proxy.breaks(None);
    came.exits.push(all.run("run", Retry::default()).await);
    came.differences = differences(expected, &all.held());
    // After a run that left nothing open there is nothing to try again.
    if came.exits[1] != 0 || !came.differences.is_empty() {
        came.exits.push(all.run("retry", Retry::everything()).await);
        came.differences = differences(expected, &all.held());
    }
    if came.exits.last() != Some(&0) {
        came.differences.push("the exit code".to_owned());
    }
    if !came.is_well() {
        came.told = all.told();
    }
    came
}

/// What a fault kept from being migrated that it has no part in: others than the one record it is of, or what failed though it was
/// the account's.
async fn dragged(source: &Source<'_>, cell: &Cell, all: &Move<'_>, exit: u8) -> Vec<String> {
    let (is_of_one, is_told_to_wait) = (source.desk.is_of_one(&cell.call), cell.fault == Fault::RateLimited);
    // A run that stopped, an account that is told to wait and a list that cannot be read leave records to the next run.
    let waits = exit == 5 || is_told_to_wait || !is_of_one;
    let states = if waits { &[State::Failed, State::InDoubt] } else { OPEN };
    let mut dragged = all.records(states).await;
    if dragged.len() <= usize::from(is_of_one && cell.fault != Fault::LoggedOut) {
        dragged.clear();
    }
    let right = match cell.fault {
        Fault::LoggedOut => exit == 5,
        _ => !is_of_one || is_told_to_wait || matches!(exit, 0 | 3),
    };
    if !right {
        dragged.push(format!("the run, which ended with {exit}"));
    }
    dragged
}

fn differences(expected: &Held, held: &Held) -> Vec<String> {
    let names: BTreeSet<&String> = expected.keys().chain(held.keys()).collect();
    names.into_iter().filter(|name| expected.get(*name) != held.get(*name)).cloned().collect()
}

/// All cells of a source, and what has to come of each. However fast it is read, the same comes of it.
async fn to_try(desk: &Desk) -> (Vec<Cell>, Held) {
    let source = Source::start(desk).await;
    let (mut known, mut cells, mut expected): (BTreeSet<Call>, _, Option<Held>) = (BTreeSet::new(), vec![], None);
    for &pace in desk.paces {
        let (calls, held) = undisturbed(&source, pace).await;
        let expected = expected.get_or_insert_with(|| held.clone());
        assert!(differences(expected, &held).is_empty(), "{pace:?}: {:?}", differences(expected, &held));
        let new: Vec<Call> = calls.into_iter().filter(|call| known.insert(call.clone())).collect();
        cells.extend(desk.cells(pace, &new));
    }
    (cells, expected.unwrap_or_default())
}

/// Leaves so many calls of each shape, drawn, where more are alike.
fn thin_out(desk: &Desk, cells: &mut Vec<Cell>) {
    let mut calls: BTreeMap<String, BTreeSet<Call>> = BTreeMap::new();
    for cell in cells.iter() {
        calls.entry(desk.shape(&cell.call)).or_default().insert(cell.call.clone());
    }
    let kept = calls.into_values().flat_map(|alike| {
        let alike: Vec<Call> = alike.into_iter().collect();
        page::drawn(alike.len(), desk.alike).into_iter().map(move |place| alike[place].clone()).collect::<Vec<_>>()
    });
    let kept: BTreeSet<Call> = kept.collect();
    cells.retain(|cell| kept.contains(&cell.call));
}

/// Tries the cells of a source that are drawn, and those that were wrong once; some side by side.
fn table(desk: &Desk) -> Table {
    let (mut cells, expected) = by_a_paused_clock(to_try(desk));
    let only = std::env::var(CALLS).unwrap_or_default();
    cells.retain(|cell| cell.call.path.contains(&only));
    thin_out(desk, &mut cells);
    let many = if page::whole() { cells.len() } else { desk.drawn };
    let mut places: BTreeSet<usize> = page::drawn(cells.len(), many).into_iter().collect();
    places.extend(desk.once_wrong.iter().filter_map(|(end, fault)| {
        cells.iter().position(|cell| cell.fault == *fault && cell.call.path.ends_with(end))
    }));
    let places: Vec<usize> = places.into_iter().collect();
    let (next, table) = (AtomicUsize::new(0), Mutex::new(Table::default()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                by_a_paused_clock(async {
                    let source = Source::start(desk).await;
                    while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let cell = &cells[*place];
                        let came = came_of(&source, cell, &expected).await;
                        let call = format!("{}?{}", cell.call.path, cell.call.query);
                        if !came.is_well() {
                            println!("{} of {call} is wrong: exits {:?}", cell.fault.name(), came.exits);
                        }
                        table.lock().unwrap().put(desk.shape(&cell.call), cell.fault, call, came);
                    }
                });
            });
        }
    });
    table.into_inner().unwrap()
}

pub fn tried(desk: &Desk) -> Table {
    let table = table(desk);
    let wrong = table.wrong(desk.excused);
    let seldom = table.excused(desk.excused) * 20 <= table.cells();
    assert!(wrong.is_empty(), "{} of {} cells are wrong:\n{}", wrong.len(), table.cells(), wrong.join("\n"));
    assert!(!page::whole() || seldom, "more than one cell in twenty may differ");
    table
}
