//! SIGKILL at forty random moments, a restart after each, and the same comparison at the end.
//!
//! The moments are drawn from a number that is printed at the start; `DESKFERRY_KILL_SEED` gives it back. A machine is
//! never twice as fast, so the number repeats the draw and not the exact instruction.

use crate::Failed;
use crate::http::Result;
use crate::moves::{Move, wait};
use crate::seed::random::Random;
use rusqlite::{Connection, OpenFlags};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const KILLS: usize = 40;
/// So many must fall before the move is over; the rest may hit a run that only finds nothing left to do.
const IN_THE_MOVE: usize = 30;
/// How many runs may end by themselves before they are hit.
const LEFT_ALONE: usize = 40;
const DEADLINE: Duration = Duration::from_secs(8 * 60);

#[test]
fn a_move_killed_forty_times_ends_the_same() -> Result<(), Failed> {
    if !crate::wanted("a_move_killed_forty_times_ends_the_same") {
        return Ok(());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?.as_secs();
    let seed = std::env::var("DESKFERRY_KILL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(now);
    println!("DESKFERRY_KILL_SEED={seed} repeats these moments");
    // the other markup than the undisturbed move has
    let all = Move::new("killed", "markdown")?;
    killed(&all, &mut Random::new(seed), Instant::now()).map_err(|e| Failed(format!("DESKFERRY_KILL_SEED={seed}: {e}")))
}

fn killed(all: &Move, random: &mut Random, start: Instant) -> Result<()> {
    let whole = all.expected.messages().count() as f64;
    let (mut kills, mut in_the_move, mut over) = (0, 0, 0);
    let mut span = Duration::from_millis(1500);
    while kills < KILLS {
        let left = DEADLINE.checked_sub(start.elapsed()).ok_or_else(|| format!("too slow: {kills} kills"))?;
        let moment = span.mul_f64(random.below(1000) as f64 / 1000.0).min(left);
        let mut child = all.spawn(&["run"])?;
        match wait(&mut child, moment)? {
            None => {
                child.kill().map_err(|e| e.to_string())?;
                child.wait().map_err(|e| e.to_string())?;
                kills += 1;
                in_the_move += usize::from(over == 0);
            }
            Some(status) if status.success() => over += 1,
            Some(status) => {
                let said = std::fs::read_to_string(all.project.join("stderr.txt")).unwrap_or_default();
                return Err(format!("after {kills} kills a run ended with {status}\n{said}"));
            }
        }
        if over > LEFT_ALONE {
            return Err(format!("the move was over after {in_the_move} kills, and later runs are too short to be hit"));
        }
        // the kills are to be spread over the whole move: sooner when it is ahead of them, later when it is behind
        let ahead = written(all)? as f64 / whole > kills as f64 / KILLS as f64;
        span = span.mul_f64(if ahead { 0.8 } else { 1.25 });
        span = span.clamp(Duration::from_millis(if over == 0 { 200 } else { 20 }), Duration::from_secs(10));
    }
    println!(
        "{KILLS} kills, {in_the_move} of them before the move was over, in {:.0} s",
        start.elapsed().as_secs_f32()
    );
    let left = DEADLINE.checked_sub(start.elapsed()).ok_or("too slow: no time left for the last run")?;
    let last = all.run(&["run"], left)?;
    if !last.status.success() {
        return Err(format!("the last run ended with {}\n{}", last.status, last.stderr));
    }
    let differences = all.differences()?;
    if !differences.is_empty() {
        return Err(crate::report(&differences));
    }
    match in_the_move {
        IN_THE_MOVE.. => Ok(()),
        few => Err(format!("only {few} kills fell before the move was over")),
    }
}

/// Issues and notes the target holds; asked of its database, so that the server is not disturbed.
fn written(all: &Move) -> Result<i64> {
    let database = all.redmine.var("REDMINE_DB")?;
    let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| e.to_string())?;
    db.busy_timeout(Duration::from_secs(20)).map_err(|e| e.to_string())?;
    let count = "SELECT (SELECT count(*) FROM issues) + (SELECT count(*) FROM journals WHERE notes <> '')";
    db.query_row(count, [], |row| row.get(0)).map_err(|e| e.to_string())
}
