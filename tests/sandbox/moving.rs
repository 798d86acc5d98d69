//! One move: two sandboxes, a project folder between them, and the binary that is tested.

use crate::compare::{self, Difference, Found};
use crate::desks::{Desk, Options};
use crate::pairs::{Pair, ZENDESK_FRESHDESK};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(300);
/// How often a move that was disturbed may be taken up again.
const RUNS: usize = 12;

/// What is put in the way of a move.
#[derive(Clone, Copy)]
pub struct Trouble<'a> {
    pub pair: Pair,
    pub source: &'a str,
    pub target: &'a str,
    /// Replacements in the manifest of the target: a handling switched off.
    pub manifest: &'a [(&'a str, &'a str)],
    /// A handling that no manifest decides, switched off: a name of `src/naive.rs`.
    pub naive: &'a str,
    /// Further lines of `[source]`.
    pub account: &'a str,
    /// Further arguments of the source's sandbox.
    pub desk: &'a [&'a str],
    pub hurry: Hurry,
}

/// Whether anybody waits as long as at the vendor's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hurry {
    Not,
    /// Exports of a Zendesk hold a second back instead of a minute, and its jobs are given up after seconds.
    Desks,
}

impl Hurry {
    fn flags(self) -> &'static [&'static str] {
        if self == Self::Desks { &["--lag", "1"] } else { &[] }
    }

    fn manifest(self) -> &'static [(&'static str, &'static str)] {
        if self == Self::Desks { &[("lag = 61", "lag = 2"), ("deadline = 900", "deadline = 6")] } else { &[] }
    }
}

impl Default for Trouble<'_> {
    fn default() -> Self {
        Self::none(ZENDESK_FRESHDESK)
    }
}

impl Trouble<'_> {
    pub fn none(pair: Pair) -> Self {
        Self { pair, source: "", target: "", manifest: &[], naive: "", account: "", desk: &[], hurry: Hurry::Not }
    }
}

pub struct Move {
    pub pair: Pair,
    pub source: Desk,
    pub target: Desk,
    pub project: TempDir,
    naive: String,
    /// Only these tickets, by their ids; all when empty.
    pub only: BTreeSet<u64>,
}

impl Move {
    pub fn new(tickets: usize, trouble: Trouble<'_>) -> Self {
        let project = tempfile::tempdir().unwrap();
        let at = |name: &str| project.path().join(name);
        let faults = |name: &str, text: &str| {
            std::fs::write(at(name), text).unwrap();
            at(name)
        };
        let (source_faults, target_faults) =
            (faults("source-faults.toml", trouble.source), faults("target-faults.toml", trouble.target));
        let pair = trouble.pair;
        let (source_flags, target_flags) = (trouble.hurry.flags(), [trouble.hurry.flags(), pair.silence()].concat());
        let source = Options { platform: pair.source, tickets, faults: Some(&source_faults), flags: source_flags };
        let source = Desk::start_with(&source, trouble.desk);
        let target = Desk::start(&Options {
            platform: pair.target,
            tickets: 0,
            faults: Some(&target_faults),
            flags: &target_flags,
        });
        let migration = format!(
            "[source]\n{}{}{}\n[target]\n{}silenced = true\n\
             [run]\nsettle = \"1s\"\ncreate_marker = true\n[mapping]\nfile = \"mapping.toml\"\n",
            source.account("SOURCE_KEY"),
            pair.of_source,
            trouble.account,
            target.account("TARGET_KEY"),
        );
        std::fs::write(at("migration.toml"), migration).unwrap();
        let custom = pair.custom.iter().map(|(from, to)| format!("\"{from}\" = {{ to = \"{to}\" }}\n"));
        let mapping = format!("{}\n[ticket.custom]\n{}", pair.mapping, custom.collect::<String>());
        std::fs::write(at("mapping.toml"), mapping).unwrap();
        let hurried = if pair.target == "zendesk" { trouble.hurry.manifest() } else { &[] };
        if !trouble.manifest.is_empty() || !hurried.is_empty() {
            let own = format!("connectors/{}.toml", pair.target);
            let mut manifest = std::fs::read_to_string(crate::root::root().join(&own)).unwrap();
            for (from, to) in trouble.manifest.iter().chain(hurried) {
                assert!(manifest.contains(*from), "the manifest has no `{from}`");
                manifest = manifest.replace(from, to);
            }
            std::fs::create_dir(at("connectors")).unwrap();
            std::fs::write(at(&own), manifest).unwrap();
        }
        Self { pair, source, target, project, naive: trouble.naive.to_owned(), only: BTreeSet::new() }
    }

    /// A handful of ordinary tickets.
    pub fn small(trouble: Trouble<'_>) -> Self {
        Self { only: (21..=26).collect(), ..Self::new(26, trouble) }
    }

    /// One ticket with pictures, and one with a large file.
    pub fn with_files(trouble: Trouble<'_>) -> Self {
        Self { only: [8, 16].into(), ..Self::new(16, trouble) }
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        let file = |name: &str| File::create(self.project.path().join(name)).unwrap();
        let ids: Vec<String> = self.only.iter().map(|id| format!("ticket:{id}")).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.arg("-C").arg(self.project.path()).args(args);
        if !ids.is_empty() && args[0] != "report" {
            command.args(["--ids", &ids.join(",")]);
        }
        command.env("SOURCE_KEY", self.source.key()).env("TARGET_KEY", self.target.key());
        command
            .env("DESKFERRY_NAIVE", &self.naive)
            .stdin(Stdio::null())
            .stdout(file("stdout.txt"))
            .stderr(file("stderr.txt"))
            .spawn()
            .unwrap()
    }

    /// Its exit code.
    pub fn run(&self, args: &[&str]) -> i32 {
        exit_code(self.spawn(args), DEADLINE, &|| self.said("stderr.txt"))
    }

    /// What the last run wrote to `stdout.txt` or `stderr.txt`.
    pub fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.project.path().join(name)).unwrap_or_default()
    }

    pub fn succeeds(&self) {
        let code = self.run(&["run"]);
        assert!(self.is_done(code), "{code}: {}", self.said("stderr.txt"));
    }

    /// Whether a run that ended so has migrated all that the target takes.
    pub fn is_done(&self, code: i32) -> bool {
        let refused = || self.found().outcomes.values().filter(|outcome| outcome.0 == "failed").count();
        code == 0 || (code == 3 && self.pair.refused > 0 && refused() == self.pair.refused)
    }

    /// Runs again and again, as a person would, until all is there. How often.
    pub fn comes_to_its_end(&self) -> usize {
        let mut code = self.run(&["run"]);
        for runs in 1..RUNS {
            match code {
                code if self.is_done(code) => return runs,
                3 => code = self.run(&["retry"]),
                _ => code = self.run(&["run"]),
            }
        }
        panic!("not at its end after {RUNS} runs: {code}\n{}", self.said("stderr.txt"));
    }

    pub fn found(&self) -> Found {
        assert_eq!(self.run(&["report", "--format", "csv"]), 0, "{}", self.said("stderr.txt"));
        let report = self.said("stdout.txt");
        let mut outcomes = BTreeMap::new();
        let mut losses = BTreeMap::new();
        for row in csv::Reader::from_reader(report.as_bytes()).records().map(Result::unwrap) {
            if &row[0] == "ticket" {
                // What the source held back is no ticket of it.
                let Ok(id) = row[1].parse::<u64>() else { continue };
                outcomes.insert(id, (row[3].to_owned(), row[4].to_owned()));
                losses.insert(id, row[10].to_owned());
            }
        }
        Found {
            pair: self.pair,
            source: self.source.state(),
            target: self.target.state(),
            only: self.only.clone(),
            outcomes,
            losses,
            kept: kept(&self.project.path().join(".deskferry/kept")),
            hosts: [&self.source].iter().flat_map(|d| [d.told("url"), d.told("files")]).collect(),
            mails: self.target.mails(),
            calls: self.source.calls().into_iter().chain(self.target.calls()).collect(),
        }
    }

    pub fn differences(&self) -> Vec<Difference> {
        compare::differences(&self.found())
    }

    #[track_caller]
    pub fn is_whole(&self) {
        let found = self.differences();
        assert!(found.is_empty(), "{} differences\n{}", found.len(), compare::told(&found));
    }
}

/// SHA-256 of every file below `folder`.
fn kept(folder: &Path) -> BTreeSet<String> {
    use sha2::{Digest, Sha256};
    let (mut all, mut folders) = (BTreeSet::new(), vec![PathBuf::from(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let digest = Sha256::digest(std::fs::read(entry.path()).unwrap());
                all.insert(digest.iter().map(|byte| format!("{byte:02x}")).collect());
            }
        }
    }
    all
}

/// Waits for the end of a command.
pub fn exit_code(mut child: Child, deadline: Duration, said: &dyn Fn() -> String) -> i32 {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        if began.elapsed() > deadline {
            child.kill().unwrap();
            panic!("it does not end: {}", said());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
