//! SIGKILL at forty random moments, a restart after each, and the same comparison at the end.
//!
//! The moments are drawn from a number that is printed at the start; `DESKFERRY_KILL_SEED` gives it back. A machine is
//! never twice as fast, so the number repeats the draw and not the exact instruction.

use crate::Failed;
use crate::binary::Binary;
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
    let plan = Kills { kills: KILLS, in_the_move: IN_THE_MOVE, deadline: start + DEADLINE };
    let whole = all.expected.messages().count() as i64;
    plan.endure(&all.binary()?, whole, &|| written(all), random)?;
    let differences = all.differences()?;
    if differences.is_empty() { Ok(()) } else { Err(crate::report(&differences)) }
}

/// How often a move is killed, and when it must be over.
pub struct Kills {
    pub kills: usize,
    /// So many must fall before the move is over.
    pub in_the_move: usize,
    pub deadline: Instant,
}

impl Kills {
    /// Kills runs at moments spread over the whole move, and lets the last one come to its good end. `whole`: messages
    /// there will be; `written`: those there are.
    pub fn endure(
        &self,
        binary: &Binary,
        whole: i64,
        written: &dyn Fn() -> Result<i64>,
        random: &mut Random,
    ) -> Result<()> {
        let start = Instant::now();
        let left = || self.deadline.checked_duration_since(Instant::now());
        let (mut kills, mut in_the_move, mut over) = (0, 0, 0);
        let mut span = Duration::from_millis(1500);
        while kills < self.kills {
            let left = left().ok_or_else(|| format!("too slow: {kills} kills"))?;
            let moment = span.mul_f64(random.below(1000) as f64 / 1000.0).min(left);
            let mut child = binary.spawn(&["run"])?;
            match wait(&mut child, moment)? {
                None => {
                    child.kill().map_err(|e| e.to_string())?;
                    child.wait().map_err(|e| e.to_string())?;
                    kills += 1;
                    in_the_move += usize::from(over == 0);
                }
                Some(status) if status.success() => over += 1,
                Some(status) => {
                    let said = std::fs::read_to_string(binary.project.join("stderr.txt")).unwrap_or_default();
                    return Err(format!("after {kills} kills a run ended with {status}\n{said}"));
                }
            }
            if over > LEFT_ALONE {
                return Err(format!(
                    "the move was over after {in_the_move} kills, and later runs are too short to be hit"
                ));
            }
            // the kills are to be spread over the whole move: sooner when it is ahead of them, later when it is behind
            let ahead = written()? as f64 / whole as f64 > kills as f64 / self.kills as f64;
            let step = 1.0 + 10.0 / self.kills as f64;
            span = span.mul_f64(if ahead { 1.0 / step } else { step });
            span = span.clamp(Duration::from_millis(if over == 0 { 200 } else { 20 }), Duration::from_secs(10));
        }
        println!(
            "{kills} kills, {in_the_move} of them before the move was over, in {:.0} s",
            start.elapsed().as_secs_f32()
        );
        binary.succeed(&["run"], left().ok_or("too slow: no time left for the last run")?)?;
        match in_the_move >= self.in_the_move {
            true => Ok(()),
            false => Err(format!("only {in_the_move} kills fell before the move was over")),
        }
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
