//! Writes whose answer is lost, and processes that are killed, while the clocks of this machine and of the vendor are wrong.
//!
//! A request takes effect two seconds after its connection is gone, and a Zendesk's export holds back what changed for two seconds more.
//! Before that the request waited longer than it takes until "not there" is believed: for the limits, for others that go with
//! it, or as a job of the vendor's. In the end the target holds every ticket and every message once.

use crate::cells;
use crate::moved::{Moved, Setup, TICKETS};
use crate::page;
use std::time::{Duration, Instant};

/// Cells that every `cargo test` tries.
const DRAWN: usize = 6;
const SIDE_BY_SIDE: usize = 6;
const DEADLINE: Duration = Duration::from_secs(60);

/// How long things take, in seconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// Until a target without a lag is believed.
    settle: u32,
    /// Between the end of a connection and the effect of the request; less than that.
    late: u32,
    /// For how long an export holds back what changed.
    hidden: u32,
    /// Before the answer is lost: longer than it takes until an export is believed, and than twice `settle`.
    waited: u32,
}

/// "Not there" is believed after three seconds, of an export after six.
const TIMES: Times = Times { settle: 3, late: 2, hidden: 2, waited: 7 };
/// Where something is left out the target is asked at once. However slow this machine is, that is before the effect shows.
const LONGER: Times = Times { settle: 6, late: 4, hidden: 4, waited: 12 };

impl Times {
    /// What the manifest says of the export: a second more, since it knows whole ones.
    fn lag(self) -> String {
        format!("lag = {}", self.hidden + 1)
    }
}

/// A job that ends just before it is looked at for the second time: what it wrote is hidden then.
const JOB_WAITED: &str = "12";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happens {
    LostAnswer,
    Kill,
}

/// Where the request spent its time before its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    Not,
    InPacer,
    InBatch,
    InJob,
}

const HAPPENS: [(Happens, &str); 2] = [(Happens::LostAnswer, "answer lost"), (Happens::Kill, "killed")];
const WAITS: [(Waited, &str); 4] = [
    (Waited::Not, "0 s"),
    (Waited::InPacer, "2 × settle in the pacer"),
    (Waited::InBatch, "2 × settle in its batch"),
    (Waited::InJob, "2 × settle in its job"),
];
const PLATFORMS: [(&str, &str); 2] = [("zendesk", "Zendesk"), ("freshdesk", "Freshdesk")];

/// Which clock is wrong, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    None,
    /// This machine's, by so many seconds.
    Ours(i32),
    /// It is set while the run is at work, or between two runs.
    OursSet(i32),
    Vendors(&'static str),
}

const CLOCKS: [(Wrong, &str); 7] = [
    (Wrong::None, "clocks right"),
    (Wrong::Ours(3600), "this machine +1 h"),
    (Wrong::Ours(-3600), "−1 h"),
    (Wrong::OursSet(3600), "set by +1 h at work"),
    (Wrong::OursSet(-3600), "set by −1 h"),
    (Wrong::Vendors("600"), "vendor +10 min"),
    (Wrong::Vendors("-600"), "−10 min"),
];

/// A row of the table.
#[derive(Clone, Copy, Debug)]
struct Case {
    platform: &'static str,
    happens: Happens,
    waited: Waited,
}

/// A Freshdesk has neither calls for many tickets nor jobs.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (platform, _) in PLATFORMS {
        for (happens, _) in HAPPENS {
            for (waited, _) in WAITS {
                if platform == "zendesk" || matches!(waited, Waited::Not | Waited::InPacer) {
                    cases.push(Case { platform, happens, waited });
                }
            }
        }
    }
    cases
}

#[test]
fn a_write_whose_end_is_not_known_is_written_once_whatever_the_clocks_say() {
    let cases = cases();
    let all = cases.len() * CLOCKS.len();
    let cells = if page::whole() { (0..all).collect() } else { page::drawn(all, DRAWN) };
    let came = cells::tried(cells, all, SIDE_BY_SIDE, |cell| {
        let (case, (wrong, clock)) = (cases[cell / CLOCKS.len()], CLOCKS[cell % CLOCKS.len()]);
        let came = Trial::new(case, wrong).comes_to();
        println!("{case:?}, {clock}: {came}");
        came
    });
    if page::whole() {
        page::write("write-clocks", &table(&cases, &came));
    }
    let wrong: Vec<_> = came.iter().enumerate().filter(|(_, came)| !came.is_empty() && *came != ONCE).collect();
    assert!(wrong.is_empty(), "cells and what came of them: {wrong:?}");
}

fn table(cases: &[Case], came: &[String]) -> String {
    let heads: Vec<&str> = CLOCKS.iter().map(|(_, clock)| *clock).collect();
    let mut table =
        format!("| what happened after a wait | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for (case, row) in cases.iter().zip(came.chunks(CLOCKS.len())) {
        let platform = name_of(&PLATFORMS, case.platform);
        let (happens, waited) = (name_of(&HAPPENS, case.happens), name_of(&WAITS, case.waited));
        table.push_str(&format!("| {platform}: {happens} after {waited} | {} |\n", row.join(" | ")));
    }
    table
}

fn name_of<T: PartialEq + Copy>(names: &[(T, &'static str)], of: T) -> &'static str {
    names.iter().find(|(one, _)| *one == of).unwrap().1
}

/// What a cell says where all is well: so many twice, so many lost.
const ONCE: &str = "0 / 0";

/// A migration with what happens to it.
struct Trial {
    case: Case,
    wrong: Wrong,
    moved: Moved,
}

impl Trial {
    fn new(case: Case, wrong: Wrong) -> Trial {
        Self::with(case, wrong, TIMES, &[])
    }

    /// With further replacements in the manifest.
    fn with(case: Case, wrong: Wrong, times: Times, more: &[(&str, &str)]) -> Trial {
        let clock = if let Wrong::Vendors(ahead) = wrong { ahead } else { "0" };
        let job_waits = if case.waited == Waited::InJob { JOB_WAITED } else { "0" };
        let lag = times.lag();
        let mut manifest = match case.platform {
            "zendesk" => vec![("lag = 61", lag.as_str())],
            // One ticket after the other: what is refused for pace is what waits.
            _ => vec![("writers                  = 4", "writers = 1")],
        };
        if case.waited == Waited::InBatch {
            manifest.push((LINGERS, LINGERS_LONGER));
        }
        manifest.extend(more);
        let moved = Moved::set_up(&Setup {
            platform: case.platform,
            settle: &format!("{}s", times.settle),
            flags: &["--lag", &times.hidden.to_string(), "--clock", clock, "--job-waits", job_waits],
            faults: &faults(case, times),
            manifest: &manifest,
        });
        Trial { case, wrong, moved }
    }

    /// How many tickets and messages are there twice, and how many are lost; or how the runs ended.
    fn comes_to(mut self) -> String {
        match self.wrong {
            Wrong::Ours(by) => self.moved.set_env("DESKFERRY_CLOCK", &by.to_string()),
            Wrong::OursSet(by) if self.case.happens == Happens::LostAnswer => {
                self.moved.set_env("DESKFERRY_CLOCK", &format!("{by}@2"));
            }
            _ => {}
        }
        if self.case.happens == Happens::Kill {
            self.is_killed();
            if let Wrong::OursSet(by) = self.wrong {
                self.moved.set_env("DESKFERRY_CLOCK", &by.to_string());
            }
        }
        for _ in 0..2 {
            let code = self.moved.run(&["run"]);
            if code != 0 {
                return format!("exit {code}: {}", self.moved.said);
            }
        }
        assert!(self.has_happened(), "{:?}: the request was not met", self.case);
        let (twice, lost) = self.moved.counted(TICKETS);
        format!("{twice} / {lost}")
    }

    fn is_killed(&self) {
        let mut child = self.moved.start(&self.moved.project, "here", &["run"]);
        let began = Instant::now();
        while !self.has_happened() {
            assert!(began.elapsed() < DEADLINE && child.try_wait().unwrap().is_none(), "{:?}", self.case);
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Whether the vendor has the request in question.
    fn has_happened(&self) -> bool {
        let calls = self.moved.target.calls();
        match (self.case.happens, self.case.waited) {
            (Happens::Kill, Waited::InJob) => calls.iter().any(|call| call["path"] == IMPORT),
            _ => calls.iter().any(|call| matches!(call["fault"].as_str(), Some("reset_late" | "reset_after"))),
        }
    }
}

const IMPORT: &str = "/api/v2/imports/tickets/create_many.json";
/// How long a call for many waits for more of them.
const LINGERS: &str = "linger   = 2000\nslots    = 30\n[write.ticket.batch.poll]";
const LINGERS_LONGER: &str = "linger = 7000\nslots = 30\n[write.ticket.batch.poll]";

/// Told to come back later.
fn refused(times: Times) -> String {
    format!("does = \"too_many\"\nretry_after = {}", times.waited)
}

fn rule(path: &str, at: u32, does: &str) -> String {
    format!("[[fault]]\nmethod = \"POST\"\npath = \"{path}\"\nat = {at}\n{does}\n")
}

/// What meets the requests.
fn faults(case: Case, times: Times) -> String {
    let late = format!("does = \"reset_late\"\nseconds = {}", times.late);
    let refused = refused(times);
    let met = |path: &str, at: u32| match case.waited {
        Waited::InPacer => rule(path, at, &refused) + &rule(path, at + 1, &late),
        Waited::Not | Waited::InBatch => rule(path, at, &late),
        Waited::InJob if case.happens == Happens::LostAnswer => rule(path, at, "does = \"reset_after\""),
        Waited::InJob => String::new(),
    };
    match (case.platform, case.happens) {
        ("zendesk", _) => met(IMPORT, 1),
        (_, Happens::LostAnswer) => met("/api/v2/tickets", 2) + &met("/api/v2/tickets/*/notes", 2),
        (_, Happens::Kill) => met("/api/v2/tickets", 2),
    }
}

/// What comes of a lost answer where something that is to prevent the worst is left out.
#[track_caller]
fn writes_twice(platform: &'static str, waited: Waited, wrong: Wrong, naive: &str, manifest: &[(&str, &str)]) {
    let times = if naive == "intent" { LONGER } else { TIMES };
    let mut trial = Trial::with(Case { platform, happens: Happens::LostAnswer, waited }, wrong, times, manifest);
    trial.moved.set_env("DESKFERRY_NAIVE", naive);
    trial.moved.run(&["run"]);
    assert!(trial.has_happened(), "the request was not met: {}", trial.moved.said);
    let began = Instant::now();
    while trial.moved.counted(TICKETS).0 == 0 {
        assert!(began.elapsed() < DEADLINE, "nothing is there twice: {}", trial.moved.said);
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn where_the_wait_counts_from_the_intent_tickets_are_there_twice() {
    writes_twice("zendesk", Waited::InPacer, Wrong::None, "intent", &[]);
    writes_twice("freshdesk", Waited::InPacer, Wrong::None, "intent", &[]);
}

#[test]
fn where_the_vendor_is_asked_in_our_time_tickets_are_there_twice() {
    writes_twice("freshdesk", Waited::Not, Wrong::Vendors("-600"), "own_time", &[]);
}

#[test]
fn where_the_vendors_list_of_jobs_is_not_asked_tickets_are_there_twice() {
    let blind = ("busy     = '.status == \"queued\" or .status == \"working\"'", "busy = 'false'");
    writes_twice("zendesk", Waited::InJob, Wrong::None, "", &[blind]);
}

/// Of three calls one is told to wait, and the answer of one that waited is lost after its effect.
fn three_hundred_tickets() -> (usize, usize) {
    const MANY: usize = 300;
    let faults = rule(IMPORT, 2, &refused(LONGER)) + &rule(IMPORT, 4, "does = \"reset_after\"");
    let mut moved = Moved::set_up(&Setup {
        platform: "zendesk",
        settle: &format!("{}s", LONGER.settle),
        flags: &["--lag", &LONGER.hidden.to_string()],
        faults: &faults,
        manifest: &[("lag = 61", &LONGER.lag())],
    });
    moved.fill(MANY);
    moved.succeeds(&["run"]);
    let met = moved.target.calls().iter().filter(|call| call["fault"].is_string()).count();
    assert_eq!(met, 2, "{}", moved.said);
    moved.counted(MANY)
}

#[test]
fn of_three_hundred_imported_tickets_none_is_there_twice_when_an_answer_is_lost() {
    assert_eq!(three_hundred_tickets(), (0, 0));
}
