//! A knowledge base between the two sandboxes, both ways: plain, killed and spoiled.

mod compare;
mod plain;
mod spoiled;

use crate::desks::{Desk, Options};
use crate::kills::Draw;
use crate::moving;
use compare::Found;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(240);
const RUNS: usize = 40;
const ARTICLES: usize = 40;
const KILLS: u32 = 20;

#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    ToFreshdesk,
    ToZendesk,
}

struct Move {
    way: Way,
    source: Desk,
    target: Desk,
    project: TempDir,
}

impl Move {
    fn new(way: Way, source_faults: &str, target_faults: &str) -> Self {
        let project = tempfile::tempdir().unwrap();
        let at = |name: &str| project.path().join(name);
        std::fs::write(at("source.toml"), source_faults).unwrap();
        std::fs::write(at("target.toml"), target_faults).unwrap();
        let (from, to) = match way {
            Way::ToFreshdesk => ("zendesk", "freshdesk"),
            Way::ToZendesk => ("freshdesk", "zendesk"),
        };
        let source = Desk::start(&Options {
            platform: from,
            tickets: ARTICLES,
            faults: Some(&at("source.toml")),
            flags: &["--silenced"],
        });
        let target = Desk::start(&Options {
            platform: to,
            tickets: 0,
            faults: Some(&at("target.toml")),
            flags: &["--silenced"],
        });
        let account = |desk: &Desk, platform: &str| match platform {
            "zendesk" => format!(
                "connector = \"zendesk\"\nurl = \"{}\"\nemail = \"{}\"\ntoken = {{ env = \"ZENDESK_TOKEN\" }}\n",
                desk.told("url"),
                desk.told("email")
            ),
            _ => format!(
                "connector = \"freshdesk\"\nurl = \"{}\"\napi_key = {{ env = \"FRESHDESK_KEY\" }}\n",
                desk.told("url")
            ),
        };
        let migration = format!(
            "[source]\n{}[target]\n{}silenced = true\n[scope]\nkinds = [\"agent\", \"article\"]\n[run]\nsettle = \"1s\"\ncreate_marker = true\n",
            account(&source, from),
            account(&target, to),
        );
        std::fs::write(at("migration.toml"), migration).unwrap();
        Self { way, source, target, project }
    }

    fn spawn(&self, args: &[&str]) -> Child {
        let file = |name: &str| File::create(self.project.path().join(name)).unwrap();
        let (zendesk, freshdesk) = match self.way {
            Way::ToFreshdesk => (&self.source, &self.target),
            Way::ToZendesk => (&self.target, &self.source),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.arg("-C").arg(self.project.path()).args(args);
        command.env("ZENDESK_TOKEN", zendesk.told("token")).env("FRESHDESK_KEY", freshdesk.told("api_key"));
        command.stdin(Stdio::null()).stdout(file("stdout.txt")).stderr(file("stderr.txt")).spawn().unwrap()
    }

    fn run(&self, args: &[&str]) -> i32 {
        moving::exit_code(self.spawn(args), DEADLINE, &|| self.said("stderr.txt"))
    }

    fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.project.path().join(name)).unwrap_or_default()
    }

    fn succeeds(&self) {
        assert_eq!(self.run(&["run"]), 0, "{}\n{}", self.said("stdout.txt"), self.said("stderr.txt"));
    }

    fn comes_to_its_end(&self) {
        for _ in 0..RUNS {
            let code = self.run(&["run"]);
            if code == 0 || (code == 3 && self.run(&["retry"]) == 0) {
                return;
            }
        }
        panic!("not at its end after {RUNS} runs: {}", self.said("stderr.txt"));
    }

    fn found(&self) -> Found {
        assert_eq!(self.run(&["report", "--format", "csv"]), 0, "{}", self.said("stderr.txt"));
        let (source, target) = (self.source.state(), self.target.state());
        let (source, target) = match self.way {
            Way::ToFreshdesk => (plain::zendesk(&source), plain::freshdesk(&target)),
            Way::ToZendesk => (plain::freshdesk(&source), plain::zendesk(&target)),
        };
        Found {
            way: self.way,
            source,
            target,
            host: self.source.told("url"),
            mails: self.target.mails(),
            report: self.said("stdout.txt"),
        }
    }

    #[track_caller]
    fn is_whole(&self) {
        let said = compare::differences(&self.found());
        assert!(
            said.is_empty(),
            "{} differences\n{}",
            said.len(),
            said.iter().take(30).cloned().collect::<Vec<_>>().join("\n")
        );
    }
}

fn plain_and_again(way: Way) {
    let all = Move::new(way, "", "");
    all.succeeds();
    all.is_whole();
    let seen = all.target.calls().len();
    all.succeeds();
    assert_eq!(all.target.writes_after(seen), Vec::<String>::new(), "a second run writes nothing");
    all.is_whole();
    spoiled::each_is_noticed(&all.found());
}

#[test]
fn a_zendesk_help_center_becomes_freshdesk_solutions() {
    plain_and_again(Way::ToFreshdesk);
}

#[test]
fn freshdesk_solutions_become_a_zendesk_help_center() {
    plain_and_again(Way::ToZendesk);
}

/// A folder between them: what is written there is read again without loss.
#[test]
fn a_help_center_kept_in_a_folder_becomes_freshdesk_solutions() {
    for format in ["jsonl", "csv"] {
        let all = Move::new(Way::ToFreshdesk, "", "");
        let file = all.project.path().join("migration.toml");
        let direct = std::fs::read_to_string(&file).unwrap();
        let (source, rest) = direct.split_once("[target]").unwrap();
        let (target, rest) = rest.split_once("[scope]").unwrap();
        let folder = format!("connector = \"files\"\npath = \"folder\"\nformat = \"{format}\"\n");
        std::fs::write(&file, format!("{source}[target]\n{folder}[scope]{rest}")).unwrap();
        all.succeeds();
        let rest = rest.replace("[run]\n", "[run]\nmigration = \"new\"\n");
        std::fs::write(&file, format!("[source]\n{folder}[target]{target}[scope]{rest}")).unwrap();
        all.succeeds();
        all.is_whole();
    }
}

/// Categories and sections are known by their names; an article that is there keeps no marker, and is neither written over nor beside.
fn after_a_lost_ledger(way: Way) {
    let all = Move::new(way, "", "");
    all.succeeds();
    all.is_whole();
    std::fs::remove_dir_all(all.project.path().join(".deskferry")).unwrap();
    let seen = all.target.calls().len();
    assert_eq!(all.run(&["run"]), 3, "{}", all.said("stderr.txt"));
    let said = all.said("stderr.txt");
    assert!(said.contains("its section already has an article"), "{said}");
    let writes = all.target.writes_after(seen);
    let made: Vec<&String> =
        writes.iter().filter(|call| call.starts_with("POST") && call.contains("/articles")).collect();
    assert!(made.is_empty(), "{made:?}");
    all.is_whole();
}

#[test]
fn solutions_are_there_once_after_a_lost_ledger() {
    after_a_lost_ledger(Way::ToFreshdesk);
}

#[test]
fn a_help_center_is_there_once_after_a_lost_ledger() {
    after_a_lost_ledger(Way::ToZendesk);
}

fn killed(way: Way) {
    let mut draw = Draw::seeded();
    let all = Move::new(way, "", "");
    let (began, mut kills, mut in_the_move, mut over) = (Instant::now(), 0, 0, false);
    while kills < KILLS {
        assert!(began.elapsed() < DEADLINE, "too slow: {kills} kills");
        // After a few more writes, however fast this machine is.
        let (seen, few) = (all.target.calls().len(), 1 + (draw.fraction() * 8.0) as usize);
        let mut child = all.spawn(&["run"]);
        let mut ended = None;
        while ended.is_none() && all.target.writes_after(seen).len() < few {
            ended = child.try_wait().unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
        match ended {
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                in_the_move += u32::from(!over);
            }
            Some(status) => {
                assert!(status.success(), "after {kills} kills: {}", all.said("stderr.txt"));
                over = true;
            }
        }
        kills += 1;
    }
    assert!(in_the_move > 4, "only {in_the_move} kills fell before the end");
    all.succeeds();
    all.is_whole();
}

#[test]
fn a_help_center_killed_twenty_times_ends_the_same() {
    killed(Way::ToFreshdesk);
}

#[test]
fn solutions_killed_twenty_times_end_the_same() {
    killed(Way::ToZendesk);
}

const FAULTS: &str = r#"
fault = [
  { method = "POST", every = 7, does = "reset_after" },
  { method = "POST", every = 11, does = "error_after" },
  { method = "POST", every = 13, does = "truncated" },
  { method = "POST", every = 17, does = "reset_before" },
  { method = "PUT", every = 5, does = "reset_after" },
  { method = "PUT", every = 19, does = "error_before" },
  { method = "GET", every = 23, does = "cut" },
  { path = "/api/**", at = 120, calls = 4, does = "too_many", retry_after = 1 },
]
"#;

fn disturbed(way: Way) {
    let all = Move::new(way, "fault = [ { method = \"GET\", every = 29, does = \"cut\" } ]\n", FAULTS);
    all.comes_to_its_end();
    all.is_whole();
    let hit = all.target.calls().iter().filter(|c| c["fault"].is_string()).count();
    assert!(hit > 10, "the faults met {hit} calls");
}

#[test]
fn lost_answers_leave_no_second_article_in_freshdesk() {
    disturbed(Way::ToFreshdesk);
}

#[test]
fn lost_answers_leave_no_second_article_in_zendesk() {
    disturbed(Way::ToZendesk);
}
