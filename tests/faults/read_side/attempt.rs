//! A migration out of a source into a folder, made in this process by the engine itself.

use super::source::{Pace, Source};
use deskferry::connector::files::{FilesTarget, Form, Place};
use deskferry::error::Reason;
use deskferry::ledger::{Accounts, Ledger, RecordRow, State, Which};
use deskferry::mapping::Mapping;
use deskferry::pipeline::{Choice, Event, Halt, Job, ORDER, Retry, pair};
use deskferry::project::Project;
use deskferry::staging::Staging;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// What the account is called, whatever port it has.
const CALLED: &str = "https://source.example";

pub struct Move<'a> {
    source: &'a Source<'a>,
    pace: Pace,
    project: TempDir,
    /// What was told of records, for whoever looks for the reason of a difference.
    told: Arc<Mutex<Vec<String>>>,
}

impl Move<'_> {
    pub fn new<'a>(source: &'a Source<'a>, pace: Pace) -> Move<'a> {
        let project = tempfile::tempdir().unwrap();
        let ids: Vec<String> = source.desk.tickets.iter().map(|id| format!("\"ticket:{id}\"")).collect();
        let text = format!(
            "[source]\nconnector = \"{}\"\nurl = \"{CALLED}\"\n\
             [target]\nconnector = \"files\"\npath = \"out\"\nformat = \"jsonl\"\n[scope]\nids = [{}]\n",
            source.desk.platform,
            ids.join(", ")
        );
        std::fs::write(project.path().join("migration.toml"), text).unwrap();
        Move { source, pace, project, told: Arc::default() }
    }

    /// One run; its exit code.
    pub async fn run(&self, command: &str, retry: Retry) -> u8 {
        let folder = self.project.path();
        let project = Project::load(folder).unwrap();
        let ledger = Ledger::open(folder).unwrap();
        let staging = Staging::open(folder).unwrap();
        let link = ledger.link(CALLED, "folder").await.unwrap();
        let resuming = link.last_run().await.unwrap().is_some_and(|run| !matches!(run.exit_code, Some(0 | 3)));
        let rules_changed = link.last_rules().await.unwrap().is_none();
        let source = Arc::new(self.source.rest(self.pace));
        let run = link.run_started(command, &BTreeMap::new(), Some("rules")).await.unwrap();
        let told = Arc::clone(&self.told);
        let job = Job {
            state_dir: project.state_dir(),
            mapping: Mapping::load(None).unwrap(),
            source,
            target: Arc::new(FilesTarget::new(Place {
                folder: folder.join("out"),
                form: Form::Jsonl,
                copies: folder.join("copies"),
            })),
            ledger,
            link: link.clone(),
            staging,
            choice: Choice::default(),
            scope_filter: None,
            halt: Halt::new(None),
            tell: Arc::new(move |event| note(&told, event)),
            resuming,
            rules_changed,
            rules: "rules".into(),
            approval: None,
            retry,
            listed: Mutex::default(),
            noted: Mutex::default(),
            project,
        };
        pair(&job).await.unwrap();
        let ending = job.run().await;
        let code = ending.exit_code();
        self.told.lock().unwrap().push(format!("{command}: {ending:?}"));
        link.run_ended(run, i32::from(code), &json!({})).await.unwrap();
        code
    }

    /// Records in these states, as `KIND ID`; not those that fail for want of a list which is refused, as each of them says.
    pub async fn records(&self, states: &[State]) -> Vec<String> {
        let ledger = Ledger::view(self.project.path()).unwrap();
        let link = ledger.migration(&Accounts::at(CALLED, "folder"), &Which::ByAccounts).await.unwrap();
        let mut records = Vec::new();
        for &kind in ORDER {
            let rows = link.next(kind, states, None, 10_000).await.unwrap();
            let is_nameless =
                |row: &RecordRow| row.problem.as_ref().is_some_and(|problem| problem.reason == Reason::ListRefused);
            let others = rows.into_iter().filter(|row| !is_nameless(row));
            records.extend(others.map(|row| format!("{kind} {}", row.id)));
        }
        records
    }

    /// What was told so far.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// What the target holds: each record by its place, each file by its hash.
    pub fn held(&self) -> BTreeMap<String, String> {
        let (mut held, mut folders) = (BTreeMap::new(), vec![self.project.path().join("out")]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "jsonl") {
                    held.extend(self.rows(&path));
                } else {
                    let name = path.strip_prefix(self.project.path()).unwrap().display().to_string();
                    held.insert(name, blake3::hash(&std::fs::read(&path).unwrap()).to_hex().to_string());
                }
            }
        }
        held.retain(|name, _| !name.contains("/."));
        held
    }

    /// The lines of a file. Addresses are those of the proxy, which are others for each worker.
    fn rows(&self, file: &Path) -> Vec<(String, String)> {
        let text = self.source.proxy.by_place(&std::fs::read_to_string(file).unwrap());
        let named = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap();
            format!("{} {}", row["kind"].as_str().unwrap_or_default(), row["id"].as_str().unwrap_or_default())
        };
        text.lines().map(|line| (named(line), line.to_owned())).collect()
    }
}

fn note(told: &Mutex<Vec<String>>, event: Event) {
    if let Event::Record { kind, id, outcome, problem } = event {
        told.lock().unwrap().push(format!("{kind} {id} {outcome}: {problem}"));
    }
}
