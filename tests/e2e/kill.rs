//! SIGKILL at forty random moments, a restart after each, and the same comparison at the end.
//!
//! The moments are drawn from a number that is printed at the start; `DESKFERRY_KILL_SEED` gives it back. A machine is
//! never twice as fast, so the number repeats the draw and not the exact instruction.

use crate::Failed;
use crate::binary::Binary;
use crate::http::Result;
use crate::moves::{self, Move, wait};
use crate::seed::expected::Expected;
use crate::seed::random::Random;
use crate::servers::Server;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    crate::harness::trials![Servers: a_move_killed_forty_times_ends_the_same]
}

const KILLS: usize = 40;
const DEADLINE: Duration = Duration::from_secs(15 * 60);
/// How long after its row a kill may fall.
const LATER: Duration = Duration::from_millis(600);

fn a_move_killed_forty_times_ends_the_same() -> Result<(), Failed> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?.as_secs();
    let seed = std::env::var("DESKFERRY_KILL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(now);
    println!("DESKFERRY_KILL_SEED={seed} repeats these moments");
    let _turn = moves::turn();
    // the other markup than the undisturbed move has
    let all = Move::new("killed", "markdown")?;
    killed(&all, &mut Random::new(seed), Instant::now()).map_err(|e| Failed(format!("DESKFERRY_KILL_SEED={seed}: {e}")))
}

fn killed(all: &Move, random: &mut Random, start: Instant) -> Result<()> {
    let plan = Kills { kills: KILLS, deadline: start + DEADLINE };
    plan.endure(&all.binary()?, rows(&all.expected), &|| written_to_redmine(&all.redmine), random)?;
    let differences = all.differences()?;
    if differences.is_empty() { Ok(()) } else { Err(crate::report(&differences)) }
}

/// Rows a move writes that can be counted: messages, and the customers who write them.
pub fn rows(expected: &Expected) -> i64 {
    let addresses = expected.messages().filter_map(|(_, message)| message.author.email.as_deref());
    let customers: BTreeSet<&str> = addresses.filter(|address| address.ends_with("@example.com")).collect();
    (expected.messages().count() + customers.len()) as i64
}

/// How often a move is killed, and when it must be over.
pub struct Kills {
    pub kills: usize,
    pub deadline: Instant,
}

impl Kills {
    /// Kills runs at moments spread over the whole move, and lets the last one come to its good end. A moment is a row
    /// of the `whole` there will be, and a while after it is `written`.
    pub fn endure(
        &self,
        binary: &Binary,
        whole: i64,
        written: &dyn Fn() -> Result<i64>,
        random: &mut Random,
    ) -> Result<()> {
        let (start, before) = (Instant::now(), written()?);
        let mut fell = vec![];
        while fell.len() < self.kills {
            let mut chance = || random.below(1000) as f64 / 1000.0;
            let row = ((fell.len() as f64 + chance()) / self.kills as f64 * whole as f64) as i64;
            let mut child = binary.spawn(&["run"])?;
            let mut ended = wait(&mut child, LATER.mul_f64(chance()))?;
            while ended.is_none() && written()? - before < row && Instant::now() < self.deadline {
                ended = wait(&mut child, Duration::from_millis(50))?;
            }
            if ended.is_none() {
                ended = wait(&mut child, LATER.mul_f64(chance()))?;
            }
            match ended {
                None => {
                    child.kill().map_err(|e| e.to_string())?;
                    child.wait().map_err(|e| e.to_string())?;
                    fell.push(written()? - before);
                }
                Some(status) if status.success() => break,
                Some(status) => {
                    let said = std::fs::read_to_string(binary.project.join("stderr.txt")).unwrap_or_default();
                    return Err(format!("after {} kills a run ended with {status}\n{said}", fell.len()));
                }
            }
            if Instant::now() >= self.deadline {
                return Err(format!("too slow: {} kills", fell.len()));
            }
        }
        println!("killed when {fell:?} of {whole} rows were there, in {:.0} s", start.elapsed().as_secs_f32());
        let left = self.deadline.checked_duration_since(Instant::now());
        binary.succeed(&["run"], left.ok_or("too slow: no time left for the last run")?)?;
        // the last rows may be written before their kills fall
        match fell.len() + 1 + (self.kills / 10).max(3) >= self.kills {
            true => Ok(()),
            false => Err(format!("the move was over after {} kills", fell.len())),
        }
    }
}

/// People, issues and notes a Redmine holds; asked of its database, so that the server is not disturbed.
pub fn written_to_redmine(redmine: &Server) -> Result<i64> {
    let database = redmine.var("REDMINE_DB")?;
    let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| e.to_string())?;
    db.busy_timeout(Duration::from_secs(20)).map_err(|e| e.to_string())?;
    let count = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM issues) + (SELECT count(*) FROM journals WHERE notes <> '')";
    db.query_row(count, [], |row| row.get(0)).map_err(|e| e.to_string())
}
