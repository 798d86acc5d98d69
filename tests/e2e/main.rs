//! A real Request Tracker moves into a real Redmine, and survives being killed.
//!
//! `DESKFERRY_E2E=1` makes these tests run (they install and start the servers); without it they are ignored, with that
//! reason. What needs no server always runs. Nothing here imports the engine: it is tested from outside. (The runs of the table of
//! the read side are made in this process, by what the tables of `tests/faults` share: hours are waited there.)

mod binary;
mod compare;
#[path = "../sandbox/desks.rs"]
#[expect(dead_code, reason = "the tests between look-alikes use more of it")]
mod desks;
mod files;
#[path = "../faults/grid.rs"]
mod grid;
mod harness;
mod http;
mod journey;
mod kill;
mod later;
mod moves;
#[path = "../faults/page.rs"]
mod page;
mod part;
mod project;
#[path = "../faults/proxy.rs"]
mod proxy;
mod read_rt;
#[path = "../faults/read_side/mod.rs"]
#[expect(dead_code, reason = "sources that are played use more of it")]
mod read_side;
mod rebuild;
mod redmine_to_rt;
#[path = "../root.rs"]
mod root;
mod roundup;
mod sandboxes;
mod seed;
mod servers;
mod spoil;

use harness::Failed;
use http::Result;
use moves::{Move, Moved};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const MINUTES: Duration = Duration::from_secs(60);

/// The desks are there to be compared with what was seeded; the engine may not have a say in it.
fn nothing_here_imports_the_engine() -> Result<(), Failed> {
    let mut folders = vec![root::root().join("tests/e2e")];
    let crates = [["deskferry", "::"].concat(), ["deskferry", "_cli"].concat(), ["deskferry", "_sandbox"].concat()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| e.to_string())?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
                assert!(crates.iter().all(|own| !text.contains(own)), "{} imports the engine", path.display());
            }
        }
    }
    Ok(())
}

fn main() -> std::process::ExitCode {
    let mut all = harness::trials![Nothing: nothing_here_imports_the_engine];
    all.extend(harness::trials![
        Servers: what_was_seeded_can_be_read_back, a_move_carries_everything_once_and_mails_nobody
    ]);
    all.extend(compare::trials());
    let modules = [
        kill::trials,
        spoil::trials,
        rebuild::trials,
        redmine_to_rt::trials,
        roundup::trials,
        files::trials,
        sandboxes::trials,
        read_rt::trials,
    ];
    all.extend(modules.into_iter().flat_map(|trials| trials()));
    harness::run(all).exit_code()
}

/// One good move, made once and kept for all tests that spoil a copy of it.
fn moved() -> Result<&'static Moved> {
    static MOVED: OnceLock<Result<Moved>> = OnceLock::new();
    MOVED.get_or_init(good_move).as_ref().map_err(String::clone)
}

fn good_move() -> Result<Moved> {
    let _turn = moves::turn();
    let all = Move::new("move", "textile")?;
    let start = Instant::now();
    for (args, deadline) in [(["check"], 2 * MINUTES), (["run"], 12 * MINUTES)] {
        let ended = all.run(&args, deadline)?;
        if !ended.status.success() {
            return Err(format!("{args:?} ended with {}\n{}\n{}", ended.status, ended.stdout, ended.stderr));
        }
        println!("{args:?} ended after {:.1} s", start.elapsed().as_secs_f32());
    }
    let differences = all.differences()?;
    if !differences.is_empty() {
        return Err(report(&differences));
    }
    named_by_ids(&all)?;

    // once more: nothing is left to do, and nothing is done
    let before = size(&all)?;
    let again = all.run(&["run"], 3 * MINUTES)?;
    if !again.status.success() {
        return Err(format!("a second run ended with {}\n{}", again.status, again.stderr));
    }
    match size(&all)? {
        after if after != before => Err(format!("a second run made {after:?} of {before:?} (issues, notes, files)")),
        _ => all.stop(),
    }
}

/// Issues, notes and files of the target.
fn size(all: &Move) -> Result<[usize; 3]> {
    let target = compare::redmine::read(&all.target_client()?)?;
    Ok([target.issues.len(), target.issues.iter().map(|i| i.messages.len()).sum(), target.files.len()])
}

/// `ids` names every ticket once, and the issue it became.
fn named_by_ids(all: &Move) -> Result<()> {
    let ids = all.run(&["ids"], MINUTES)?.stdout;
    let mut rows = csv::Reader::from_reader(ids.as_bytes());
    let headers = rows.headers().map_err(|e| e.to_string())?.iter().collect::<Vec<_>>().join(",");
    if headers != "kind,source_id,source_number,target_id,target_number,target_url" {
        return Err(format!("ids begins {headers}"));
    }
    let rows: Vec<csv::StringRecord> = rows.records().flatten().filter(|row| &row[0] == "ticket").collect();
    let client = all.target_client()?;
    for ticket in &all.expected.tickets {
        let id = ticket.id.to_string();
        let mine: Vec<_> = rows.iter().filter(|row| row[1] == id && !row[3].is_empty()).collect();
        let [row] = mine[..] else { return Err(format!("ids names ticket {id} {} times", mine.len())) };
        let issue = client.get(&format!("/issues/{}.json", &row[3]))?;
        if issue["issue"]["subject"] != ticket.subject.as_str() {
            return Err(format!("ids says ticket {id} became issue {}, which is another", &row[3]));
        }
    }
    Ok(())
}

fn report(differences: &[compare::Difference]) -> String {
    let shown = differences.iter().take(40).map(|d| format!("  {d}"));
    format!("{} differences\n{}", differences.len(), shown.collect::<Vec<_>>().join("\n"))
}

fn what_was_seeded_can_be_read_back() -> Result<(), Failed> {
    let server = moves::running_source()?;
    let expected = seed::expected::Expected::load(&server.dir.join("expected.json"))?;
    let differences = seed::verify::differences(&seed::rt::Desk::new(server.env.clone()), &expected)?;
    assert_eq!(differences, [""; 0]);
    assert!(expected.tickets.len() >= 60);
    let mails = seed::rt::mails(&server.dir.join("mails"))?;
    assert!(mails > 0, "the source mailed nobody while it was seeded: its sink does not work");
    Ok(())
}

fn a_move_carries_everything_once_and_mails_nobody() -> Result<(), Failed> {
    moved()?;
    Ok(())
}
