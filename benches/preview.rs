//! How fast a whole account is previewed and looked at, and what memory that takes: `cargo bench --bench preview [-- TICKETS…]`.
//!
//! A folder of tickets is staged once, then previewed with `--all` against a Freshdesk of this repository. The pace that counts is
//! that of the second preview, `again`, which neither the source nor the files of the folder slow down. Each size has a project of
//! its own: the memory of the larger one shows what grows with the account.

use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SIZES: [usize; 2] = [2_000, 20_000];
const MESSAGES: usize = 4;
const PEOPLE: usize = 500;

fn main() {
    let said: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    for tickets in if said.is_empty() { SIZES.to_vec() } else { said } {
        measure(tickets);
    }
}

fn measure(tickets: usize) {
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
    let commands = [
        ("stage", &["stage"][..]),
        ("preview", &["preview", "--all"]),
        ("again", &["preview", "--all"]),
        ("map", &["map", "--coverage"]),
        ("assess", &["assess"]),
    ];
    for (what, args) in commands {
        let Took { time, cpu, peak } = timed(project.path(), key, args);
        let pace = tickets as f64 / time.as_secs_f64();
        let (time, cpu) = (time.as_secs_f64(), cpu.as_secs_f64());
        println!("{what:8} {time:7.1} s {pace:8.0} tickets/s {cpu:7.1} s of both cores {peak:6} MB at most");
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

struct Took {
    time: Duration,
    /// Of all its threads together.
    cpu: Duration,
    /// The most memory it held, in MB.
    peak: u64,
}

fn timed(project: &Path, key: &str, args: &[&str]) -> Took {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
    command.arg("-C").arg(project).arg("-q").args(args).env("KEY", key);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let (mut peak, mut cpu) = (0, Duration::ZERO);
    loop {
        peak = peak.max(held(&child));
        cpu = cpu.max(worked(&child));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(matches!(status.code(), Some(0 | 3)), "{args:?}: {status}");
            return Took { time: began.elapsed(), cpu, peak };
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// User and system time, in the kernel's ticks of 10 ms.
fn worked(child: &Child) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

fn held(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}
