//! SIGKILL at random moments, a restart after each, and the same comparison at the end. The moments are drawn from a
//! number that is printed; a machine is never twice as fast, so it repeats the draw and not the exact instruction.

use crate::moving::{Move, Trouble};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const DEADLINE: Duration = Duration::from_secs(300);

/// xorshift64*
pub struct Draw(u64);

impl Draw {
    /// From `DESKFERRY_KILL_SEED`, or from the time; printed, so that it can be repeated.
    pub fn seeded() -> Draw {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let seed: u64 = std::env::var("DESKFERRY_KILL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(now);
        println!("DESKFERRY_KILL_SEED={seed} repeats these moments");
        Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[test]
fn a_move_killed_twenty_five_times_ends_the_same() {
    killed(Move::new(120, Trouble::default()), 25, 15);
}

/// Kills the move so many times, `in_the_move` of them at least before it is over.
pub fn killed(all: Move, kills_wanted: u32, least: u32) {
    let mut draw = Draw::seeded();
    let held = |state: &serde_json::Value| -> usize {
        let tickets = state["tickets"].as_array().into_iter().flatten();
        tickets
            .map(|t| {
                1 + ["comments", "conversations"].iter().filter_map(|n| t[*n].as_array()).map(Vec::len).sum::<usize>()
            })
            .sum()
    };
    let whole = held(&all.source.state());
    let (began, mut span) = (Instant::now(), Duration::from_millis(2500));
    let (mut kills, mut in_the_move, mut over) = (0, 0, 0);
    while kills < kills_wanted && over <= kills_wanted {
        assert!(began.elapsed() < DEADLINE, "too slow: {kills} kills");
        let moment = Instant::now() + span.mul_f64(draw.fraction());
        let mut child = all.spawn(&["run"]);
        let mut ended = None;
        while ended.is_none() && Instant::now() < moment {
            ended = child.try_wait().unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
        match ended {
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                in_the_move += u32::from(over == 0);
            }
            Some(status) if all.is_done(status.code().unwrap_or(-1)) => over += 1,
            Some(status) => panic!("after {kills} kills a run ended with {status}: {}", all.said("stderr.txt")),
        }
        // Spread over the whole move: sooner when it is ahead of them, later when it is behind.
        let written = held(&all.target.state());
        let ahead = written as f64 / whole as f64 > f64::from(kills) / f64::from(kills_wanted);
        span = span.mul_f64(if ahead { 0.75 } else { 1.3 }).min(Duration::from_secs(10));
        span = span.max(Duration::from_millis(if over == 0 { 300 } else { 20 }));
    }
    println!("{kills} kills, {in_the_move} of them before the move was over, in {:?}", began.elapsed());
    all.succeeds();
    all.is_whole();
    assert!(in_the_move >= least, "only {in_the_move} kills fell before the move was over");
}
