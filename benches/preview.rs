//! How fast a preview of a whole account is, and what memory it takes: `cargo bench --bench preview [-- TICKETS]`.
//!
//! A folder of tickets is staged once, then previewed with `--all` against a Freshdesk of this repository. The pace is that of
//! the second preview, which neither the source nor the files of the folder slow down.

use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TICKETS: usize = 20_000;
const MESSAGES: usize = 4;
const PEOPLE: usize = 500;

fn main() {
    let tickets = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(TICKETS);
    let project = tempfile::tempdir().unwrap();
    account(&project.path().join("in"), tickets);
    let mut desk = Command::new(env!("CARGO_BIN_EXE_deskferry"))
        .args(["sandbox", "freshdesk", "--json", "--tickets", "0", "--silenced", "--rate", "600000/m"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    BufReader::new(desk.stdout.take().unwrap()).read_line(&mut told).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let migration = format!(
        "[source]\nconnector = \"files\"\npath = \"in\"\n[target]\nconnector = \"freshdesk\"\nurl = {}\napi_key = {{ env = \"KEY\" }}\n\
         silenced = true\n[run]\ncreate_marker = true\n",
        told["url"]
    );
    std::fs::write(project.path().join("migration.toml"), migration).unwrap();
    let key = told["api_key"].as_str().unwrap();
    println!("{tickets} tickets of {MESSAGES} messages");
    for (what, args) in
        [("stage", &["stage"][..]), ("preview", &["preview", "--all"]), ("again", &["preview", "--all"])]
    {
        let (took, peak) = timed(project.path(), key, args);
        let pace = tickets as f64 / took.as_secs_f64();
        println!("{what:8} {:7.1} s {pace:8.0} tickets/s {peak:6} MB at most", took.as_secs_f64());
    }
    desk.kill().unwrap();
    desk.wait().unwrap();
}

fn account(folder: &Path, tickets: usize) {
    std::fs::create_dir(folder).unwrap();
    let lines = |name: &str, lines: &mut dyn Iterator<Item = Value>| {
        let mut file = BufWriter::new(File::create(folder.join(name)).unwrap());
        lines.for_each(|line| writeln!(file, "{line}").unwrap());
    };
    let person = |n: usize| json!({ "kind": "contact", "id": format!("p{n}"), "name": format!("Person {n}"), "emails": [format!("p{n}@example.com")] });
    lines("contact.jsonl", &mut (0..PEOPLE).map(person));
    let ticket = |n: usize| {
        let message = |at: usize| {
            json!({
                "id": format!("{n}-{at}"), "author": format!("p{}", (n + at) % PEOPLE), "format": "html", "visibility": "public",
                "created_at": "2024-05-06T07:08:09Z",
                "body": format!("<p>Message {at} of ticket {n}: <b>the printer</b> on the second floor prints <i>nothing</i> but stripes.</p><ul><li>switched off and on</li><li>new toner</li></ul>"),
            })
        };
        json!({
            "kind": "ticket", "id": n.to_string(), "created_at": "2024-05-06T07:08:09Z", "subject": format!("The printer prints stripes ({n})"),
            "status": (["Open", "Pending", "Resolved", "Closed"][n % 4]), "priority": (["Low", "Medium", "High", "Urgent"][n % 4]),
            "requester": format!("p{}", n % PEOPLE), "tags": ["printer", format!("floor-{}", n % 7)],
            "comments": (0..MESSAGES).map(message).collect::<Vec<_>>(),
        })
    };
    lines("ticket.jsonl", &mut (1..=tickets).map(ticket));
}

/// How long the command took, and the most memory it held, in MB.
fn timed(project: &Path, key: &str, args: &[&str]) -> (Duration, u64) {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
    command.arg("-C").arg(project).arg("-q").args(args).env("KEY", key);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    loop {
        peak = peak.max(held(&child));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(matches!(status.code(), Some(0 | 3)), "{args:?}: {status}");
            return (began.elapsed(), peak);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn held(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}
