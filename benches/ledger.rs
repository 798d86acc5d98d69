//! How fast the ledger answers, and that its memory does not grow with the account.
//!
//! `cargo bench --bench ledger`. Steps a second are those of 16 tickets in flight on this disk: two commits a step,
//! shared by the tickets that wait at the same time.

use deskferry::ledger::{End, Intent, Ledger, Link, Origin, Remote, Seen, State, StepKey};
use deskferry::record::Kind;
use deskferry_cli::report::write_report;
use std::time::Instant;

const IN_FLIGHT: usize = 16;
const STEPS_EACH: usize = 400;
const RECORDS: usize = 200_000;
const PAGE: usize = 100;

#[tokio::main]
async fn main() {
    for in_flight in [1, IN_FLIGHT] {
        steps(in_flight).await;
    }
    records().await;
}

async fn open() -> (tempfile::TempDir, Link) {
    let project = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::open(project.path()).expect("a ledger");
    (project, ledger.link("https://old.test", "https://new.test").await.expect("a link"))
}

fn seen(n: usize) -> Seen {
    let content_hash = blake3::hash(&n.to_le_bytes()).to_hex().to_string();
    Seen { kind: Kind::Ticket, id: n.to_string(), number: None, updated_at: None, content_hash }
}

fn remote(n: usize) -> Remote {
    Remote { id: n.to_string(), url: Some(format!("https://new.test/{n}")), ..Remote::default() }
}

async fn steps(in_flight: usize) {
    let (_project, link) = open().await;
    link.see((0..in_flight).map(seen).collect()).await.expect("seen");
    let began = Instant::now();
    let tickets = (0..in_flight).map(|ticket| {
        let link = link.clone();
        tokio::spawn(async move {
            let id = ticket.to_string();
            for part in 0..STEPS_EACH as u32 {
                let key = StepKey::new("message", "c", part);
                link.intend(Kind::Ticket, &id, &key, Intent::new(Some("marker"), "hash", None))
                    .await
                    .expect("intended");
                let remote = Some(remote(part as usize));
                link.applied(Kind::Ticket, &id, &key, remote, Origin::Created).await.expect("applied");
            }
        })
    });
    for ticket in tickets.collect::<Vec<_>>() {
        ticket.await.expect("a ticket");
    }
    let took = began.elapsed().as_secs_f64();
    let steps = in_flight * STEPS_EACH;
    println!("{in_flight:>2} tickets in flight: {:>6.0} steps/s (intent and outcome)", steps as f64 / took);
}

async fn records() {
    let (_project, link) = open().await;
    let began = Instant::now();
    for first in (0..RECORDS).step_by(PAGE) {
        link.see((first..first + PAGE).map(seen).collect()).await.expect("seen");
        if (first + PAGE).is_multiple_of(RECORDS / 4) {
            println!("{:>7} records seen, {:>5.1} s, memory {}", first + PAGE, began.elapsed().as_secs_f64(), memory());
        }
    }
    let began = Instant::now();
    let mut after = None;
    loop {
        let page = link.next(Kind::Ticket, State::TAKEN_UP, after, PAGE).await.expect("a page");
        let Some(last) = page.last() else { break };
        after = Some(last.seq);
        let closing = page.iter().map(|record| {
            let n = record.seq as usize;
            let end =
                End::Done { remote: remote(n), origin: Origin::Created, target_hash: None, target_updated_at: None };
            link.close(Kind::Ticket, &record.id, end)
        });
        futures_util::future::try_join_all(closing).await.expect("closed");
    }
    println!("{RECORDS:>7} records closed, {:>4.1} s, memory {}", began.elapsed().as_secs_f64(), memory());

    let began = Instant::now();
    write_report(&link, Kind::ALL, std::io::sink()).await.expect("a report");
    println!("{RECORDS:>7} rows reported, {:>5.1} s, memory {}", began.elapsed().as_secs_f64(), memory());
    let began = Instant::now();
    link.counts().await.expect("counts");
    println!("        counts: {:>7.3} s", began.elapsed().as_secs_f64());
}

/// Resident now and at most, where the system tells.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        let found = status.lines().find_map(|line| line.strip_prefix(name));
        found.map(|kib| kib.trim().to_owned()).unwrap_or_else(|| "?".to_owned())
    };
    format!("{} (at most {})", line("VmRSS:"), line("VmHWM:"))
}
