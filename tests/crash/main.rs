//! Kills the real binary at exact points of a write, and answers it in every unlucky way: what the target holds in the
//! end is each ticket once and each message once, in order.

mod doubt;
mod jobs;
mod vendor;

use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vendor::{Desk, Fault};

/// The write that makes the first ticket, and the one that adds its second message.
const CREATE: usize = 0;
const APPEND: usize = 1;
/// The write of the private message.
const PRIVATE: usize = 3;
const DEADLINE: Duration = Duration::from_secs(60);

struct Move {
    project: TempDir,
    desk: Arc<Mutex<Desk>>,
    reached: Receiver<()>,
}

impl Move {
    fn new() -> Move {
        let (address, desk, reached) = vendor::start();
        let project = tempfile::tempdir().unwrap();
        let account =
            |side: &str| format!("connector = \"fake\"\nurl = \"{address}/{side}\"\ntoken = {{ env = \"T\" }}\n");
        let text = format!("[source]\n{}[target]\n{}[run]\nsettle = \"1s\"\n", account("src"), account("dst"));
        std::fs::write(project.path().join("migration.toml"), text).unwrap();
        std::fs::create_dir(project.path().join("connectors")).unwrap();
        std::fs::write(project.path().join("connectors/fake.toml"), include_str!("fake.toml")).unwrap();
        Move { project, desk, reached }
    }

    fn fault(&self, write: usize, fault: Fault) {
        self.desk.lock().unwrap().fault = Some((write, fault));
    }

    fn start(&self, args: &[&str]) -> Child {
        self.spawn("run", args)
    }

    fn spawn(&self, name: &str, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.arg("-C").arg(self.project.path()).arg(name).args(args).env("T", vendor::KEY);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        ended(self.start(args))
    }

    fn retry(&self, args: &[&str]) -> Output {
        ended(self.spawn("retry", args))
    }

    fn killed_at(&self, write: usize, fault: Fault) {
        self.fault(write, fault);
        let mut child = self.start(&[]);
        self.reached.recv_timeout(DEADLINE).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn ends_well(&self, what: &str) {
        let output = self.run(&[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{what}: {stderr}");
        assert_eq!(self.held(), expected(), "{what}");
    }

    /// The messages of each ticket, in order.
    fn held(&self) -> Vec<Vec<(String, bool)>> {
        let desk = self.desk.lock().unwrap();
        let mut held: Vec<_> = desk.tickets.iter().map(|t| t.messages.clone()).collect();
        held.sort();
        held
    }

    fn writes(&self) -> usize {
        self.desk.lock().unwrap().writes
    }
}

fn ended(mut child: Child) -> Output {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < DEADLINE, "a run does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

fn expected() -> Vec<Vec<(String, bool)>> {
    let tickets = vendor::source_tickets();
    let message = |m: &serde_json::Value| (m["text"].as_str().unwrap().to_owned(), m["private"] == true);
    let ticket = |t: &serde_json::Value| t["messages"].as_array().unwrap().iter().map(message).collect();
    tickets.as_array().unwrap().iter().map(ticket).collect()
}

fn killed_and_restarted(fault: Fault) {
    for write in [CREATE, APPEND] {
        let all = Move::new();
        all.killed_at(write, fault);
        all.ends_well(&format!("killed at write {write}, {fault:?}"));
    }
}

#[test]
fn a_kill_after_the_intent_loses_nothing() {
    killed_and_restarted(Fault::Intent);
}

#[test]
fn a_kill_after_sending_writes_it_once() {
    killed_and_restarted(Fault::BeforeEffect);
}

#[test]
fn a_kill_after_the_effect_never_writes_it_twice() {
    killed_and_restarted(Fault::AfterEffect);
}

#[test]
fn a_request_still_at_work_in_the_server_is_waited_for() {
    killed_and_restarted(Fault::LateEffect);
}

#[test]
fn a_kill_before_the_answer_is_booked_never_writes_it_twice() {
    for _ in 0..3 {
        killed_and_restarted(Fault::Answered);
    }
}

#[test]
fn a_lost_answer_never_creates_a_second_ticket() {
    for fault in [Fault::ErrorAfterEffect, Fault::ErrorWithoutEffect, Fault::CutAnswer] {
        assert!(!fault.kills());
        for write in [CREATE, APPEND] {
            let all = Move::new();
            all.fault(write, fault);
            all.ends_well(&format!("write {write}, {fault:?}"));
        }
    }
}

/// The tests above can fail: without the search, the ticket is made again.
#[test]
fn without_the_search_a_second_ticket_appears() {
    let all = Move::new();
    all.desk.lock().unwrap().blind = true;
    all.killed_at(CREATE, Fault::AfterEffect);
    all.run(&[]);
    assert_eq!(all.desk.lock().unwrap().tickets.len(), 3);
}

#[test]
fn a_second_run_writes_nothing() {
    let all = Move::new();
    all.ends_well("a first run");
    let before = all.writes();
    all.ends_well("a second run");
    assert_eq!(all.writes(), before);
}

#[test]
fn a_later_run_carries_what_came_since_and_nothing_else() {
    let all = Move::new();
    all.ends_well("a first run");
    let before = all.writes();
    all.desk.lock().unwrap().answered_since = true;
    assert_eq!(all.run(&[]).status.code(), Some(0));
    assert_eq!(all.writes(), before + 1);
    assert_eq!(all.held()[1].last(), Some(&("late".to_owned(), false)));
}

#[test]
fn a_refused_ticket_fails_alone_and_is_not_tried_again_unasked() {
    let all = Move::new();
    all.fault(CREATE, Fault::Refused);
    let output = all.run(&[]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(all.held(), expected()[1..]);
    let before = all.writes();
    assert_eq!(all.run(&[]).status.code(), Some(3));
    assert_eq!(all.writes(), before, "it was tried again unasked");
}

#[test]
fn a_key_that_a_refusal_says_back_is_shown_nowhere_in_any_encoding() {
    let all = Move::new();
    all.fault(CREATE, Fault::SaysTheKey);
    let log = all.project.path().join("whole.log");
    let mut shown = vec![("run".to_owned(), all.run(&["-vv", "--log-file", log.to_str().unwrap()]))];
    for format in ["text", "json", "csv"] {
        shown.push((format!("report as {format}"), ended(all.spawn("report", &["--format", format]))));
    }
    let (_, run) = &shown[0];
    assert!(String::from_utf8_lossy(&run.stderr).contains("denied for …"), "{run:?}");
    let mut texts: Vec<(String, Vec<u8>)> =
        shown.into_iter().map(|(name, output)| (name, [output.stdout, output.stderr].concat())).collect();
    let folders = [all.project.path().to_owned(), all.project.path().join(".deskferry")];
    for file in folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let path = file.unwrap().path();
        if path.is_file() {
            texts.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    assert!(texts.iter().any(|(name, _)| name.ends_with("ledger.db")), "no ledger");
    assert!(texts.iter().any(|(name, _)| name.ends_with("whole.log")), "no log");
    for (name, text) in texts {
        for form in vendor::key_forms() {
            assert!(!text.windows(form.len()).any(|part| part == form.as_bytes()), "{form} in {name}");
        }
    }
}

#[test]
fn what_was_refused_is_carried_by_a_retry_of_its_reason() {
    let all = Move::new();
    all.fault(CREATE, Fault::Refused);
    all.run(&[]);
    assert_eq!(all.retry(&["--reason", "conflict"]).status.code(), Some(3));
    assert_eq!(all.held(), expected()[1..]);
    assert_eq!(all.retry(&["--reason", "invalid"]).status.code(), Some(0));
    assert_eq!(all.held(), expected());
}

#[test]
fn a_ticket_the_scope_left_out_is_carried_when_the_scope_changes() {
    let all = Move::new();
    let file = all.project.path().join("migration.toml");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{whole}[scope]\nids = ['ticket:2']\n")).unwrap();
    assert_eq!(all.run(&[]).status.code(), Some(0));
    assert_eq!(all.held(), expected()[1..]);
    std::fs::write(&file, whole).unwrap();
    all.ends_well("with all in scope");
}
#[test]
fn a_lost_stage_is_read_again() {
    let all = Move::new();
    all.killed_at(APPEND, Fault::AfterEffect);
    for name in ["staging.db", "staging.db-wal", "staging.db-shm"] {
        let _ = std::fs::remove_file(all.project.path().join(".deskferry").join(name));
    }
    all.ends_well("without its stage");
}

#[test]
fn too_many_failures_stop_the_run() {
    let all = Move::new();
    all.fault(CREATE, Fault::Refused);
    let output = all.run(&["--max-failures", "0"]);
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_credential_that_expires_stops_the_run_and_it_goes_on_later() {
    let all = Move::new();
    all.fault(APPEND, Fault::Expired);
    let output = all.run(&[]);
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    all.ends_well("with a new credential");
}

#[test]
fn a_private_message_that_was_stored_publicly_is_told_loudly() {
    let all = Move::new();
    all.fault(PRIVATE, Fault::MadePublic);
    let output = all.run(&[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("message 14 is private, and the target shows it to everyone (not_stored)"), "{stderr}");
}

#[test]
fn an_interrupt_finishes_the_step_in_flight_and_can_go_on() {
    let all = Move::new();
    all.fault(APPEND, Fault::Answered);
    let child = all.start(&[]);
    all.reached.recv_timeout(DEADLINE).unwrap();
    let interrupted = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().unwrap();
    let code = output.status.code();
    assert!(code == Some(5) || code == Some(0), "{code:?}: {}", String::from_utf8_lossy(&output.stderr));
    all.ends_well("after an interrupt");
}
