//! What becomes of a migration whose ledger, stage or folder is not what its last run left.
//!
//! Two runs go before each case, with a copy of `.deskferry/` between them; a ticket comes after them. Then something is put back,
//! lost or renamed, and what follows is what an admin does: `run`, and where it refuses, what its hint says. In the end the target
//! holds every ticket once, whole, for the person who asked it.

mod replies;

use crate::cells;
use crate::moved::{Moved, TICKETS, copy, marker};
use crate::page;
use rusqlite::Connection;
use std::path::Path;

/// Cells of the table that every `cargo test` tries.
const DRAWN: usize = 6;
/// Cells tried side by side.
const SIDE_BY_SIDE: usize = 2;
const PLATFORMS: [(&str, &str); 2] = [("freshdesk", "Freshdesk"), ("zendesk", "Zendesk")];

/// What happens, and what is done about it: how the cell reads.
type Case = (&'static str, fn(&'static str) -> String);

const CASES: [Case; 19] = [
    ("older ledger and older stage put back", |to| after(to, |moved| put_back(moved, &["ledger.db", "staging.db"]))),
    ("older ledger put back, the newer stage beside it", |to| after(to, |moved| put_back(moved, &["ledger.db"]))),
    ("older ledger and older stage put back after replies were migrated", |to| {
        after_replies(to, &["ledger.db", "staging.db"])
    }),
    ("older ledger put back after replies were migrated, the newer stage beside it", |to| {
        after_replies(to, &["ledger.db"])
    }),
    ("older stage put back, the newer ledger beside it", |to| after(to, |moved| put_back(moved, &["staging.db"]))),
    ("ledger lost", |to| after(to, |moved| lose(&moved.project, "ledger.db"))),
    ("ledger lost, of tickets with replies of one text", |to| {
        replies::equal_replies(to, |moved| lose(&moved.project, "ledger.db"))
    }),
    ("older ledger put back after replies of one text were migrated", |to| {
        replies::equal_replies(to, |moved| put_back(moved, &["ledger.db"]))
    }),
    ("stage deleted", |to| after(to, |moved| lose(&moved.project, "staging.db"))),
    ("ledger and stage lost", |to| after(to, |moved| std::fs::remove_dir_all(moved.state_dir()).unwrap())),
    ("`ledger.db` copied alone, into another folder", |to| after(to, copied_alone)),
    ("folder moved, and everything in it", |to| after(to, renamed)),
    ("another spelling of the address", |to| after(to, spelled_otherwise)),
    ("ledger of the first version", |to| of_the_first_version(to, |_| {})),
    ("ledger of the first version, and lost", |to| of_the_first_version(to, |moved| lose(&moved.project, "ledger.db"))),
    ("two copies at once on one machine", two_copies_here),
    ("two copies at once on two machines", two_copies_apart),
    ("two copies at once on two machines, which add replies", replies::two_copies_add_replies),
    ("a ticket copied by people of the target", copied_by_people),
];

#[test]
fn a_ledger_that_is_not_what_it_was_writes_nothing_twice_and_loses_nothing() {
    let all = CASES.len() * PLATFORMS.len();
    let cells = if page::whole() { (0..all).collect() } else { page::drawn(all, DRAWN) };
    let told = cells::tried(cells, all, SIDE_BY_SIDE, |cell| {
        let ((name, case), (platform, _)) = (CASES[cell / PLATFORMS.len()], PLATFORMS[cell % PLATFORMS.len()]);
        println!("{name}, {platform}");
        case(platform)
    });
    if page::whole() {
        page::write("custody", &table(&told));
    }
}

/// The id of the one migration the ledger holds.
fn migration(moved: &Moved) -> String {
    let db = Connection::open(moved.state_dir().join("ledger.db")).unwrap();
    db.query_row("SELECT id FROM link", [], |row| row.get(0)).unwrap()
}

#[test]
fn an_account_that_was_only_said_to_be_the_migrations_own_still_gets_every_ticket() {
    for (platform, _) in PLATFORMS {
        let mut moved = Moved::new(platform);
        moved.succeeds(&["run"]);
        let said = format!("migration = \"{}\"", migration(&moved));
        moved.names_another_account();
        let url = moved.target.told("url");
        moved.configure(&url, &said);
        for command in ["check", "run", "retry"] {
            assert_eq!(moved.run(&[command]), 6, "{command}: {}", moved.said);
            assert!(moved.said.contains("holds none of the records this migration"), "{}", moved.said);
        }
        assert!(moved.held().is_empty());
        moved.configure(&url, "");
        assert_eq!(moved.run(&["run"]), 6, "{}", moved.said);
        moved.configure(&url, "migration = \"new\"");
        moved.succeeds(&["run"]);
        moved.holds(TICKETS);
    }
}

#[test]
fn an_account_under_another_name_is_known_from_then_on() {
    for (platform, _) in PLATFORMS {
        let mut moved = Moved::new(platform);
        moved.succeeds(&["run"]);
        let said = format!("migration = \"{}\"", migration(&moved));
        // Another name of the same server, as an account that was renamed has one.
        let renamed = moved.target.told("url").replace("127.0.0.1", "0.0.0.0") + "\"\ninsecure = true # \"";
        moved.configure(&renamed, "");
        assert_eq!(moved.run(&["run"]), 6, "{}", moved.said);
        moved.fill(TICKETS + 1);
        moved.configure(&renamed, &said);
        moved.succeeds(&["run"]);
        moved.holds(TICKETS + 1);
        moved.fill(TICKETS + 2);
        moved.configure(&renamed, "");
        moved.succeeds(&["run"]);
        moved.holds(TICKETS + 2);
    }
}

fn table(told: &[String]) -> String {
    let heads: Vec<&str> = PLATFORMS.iter().map(|(_, title)| *title).collect();
    let mut table = format!("| what happened | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for ((name, _), row) in CASES.iter().zip(told.chunks(PLATFORMS.len())) {
        table.push_str(&format!("| {name} | {} |\n", row.join(" | ")));
    }
    table
}

/// Two runs with a copy of the private folder between them, then a new ticket, then this; and what an admin does then.
fn after(platform: &'static str, then: impl FnOnce(&mut Moved)) -> String {
    let mut moved = Moved::new(platform);
    let half: Vec<String> = (1..=TICKETS / 2).map(|n| format!("ticket:{n}")).collect();
    moved.succeeds(&["run", "--ids", &half.join(",")]);
    copy(&moved.state_dir(), &moved.beside("older"));
    moved.succeeds(&["run"]);
    moved.holds(TICKETS);
    moved.fill(TICKETS + 1);
    then(&mut moved);
    ends(moved, TICKETS + 1)
}

/// A run, a reply to every ticket, and a run that adds it; then files of the first one are put back.
fn after_replies(platform: &'static str, names: &[&str]) -> String {
    let mut moved = Moved::new(platform);
    moved.succeeds(&["run"]);
    copy(&moved.state_dir(), &moved.beside("older"));
    moved.messages += 1;
    moved.fill(TICKETS);
    moved.succeeds(&["run"]);
    moved.holds(TICKETS);
    put_back(&moved, names);
    ends(moved, TICKETS)
}

#[track_caller]
fn ends(mut moved: Moved, tickets: usize) -> String {
    let refused = moved.comes_to_its_end();
    moved.holds(tickets);
    moved.succeeds(&["run"]);
    moved.holds(tickets);
    match refused {
        0 => "`run` goes on: each ticket once".to_owned(),
        _ => "`run` refuses; after `ids --rebuild` each ticket once".to_owned(),
    }
}

fn put_back(moved: &Moved, names: &[&str]) {
    for name in names {
        lose(&moved.project, name);
        std::fs::copy(moved.beside("older").join(name), moved.state_dir().join(name)).unwrap();
    }
}

fn lose(project: &Path, name: &str) {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(project.join(format!(".deskferry/{name}{ending}")));
    }
}

fn copied_alone(moved: &mut Moved) {
    let there = moved.beside("elsewhere");
    copy(&moved.project, &there);
    std::fs::remove_dir_all(there.join(".deskferry")).unwrap();
    std::fs::create_dir(there.join(".deskferry")).unwrap();
    std::fs::copy(moved.state_dir().join("ledger.db"), there.join(".deskferry/ledger.db")).unwrap();
    moved.project = there;
}

fn renamed(moved: &mut Moved) {
    let there = moved.beside("renamed");
    std::fs::rename(&moved.project, &there).unwrap();
    moved.project = there;
}

fn spelled_otherwise(moved: &mut Moved) {
    let url = moved.target.told("url").replace("127.0.0.1", "LocalHost");
    moved.configure(&format!("{url}/"), "");
}

/// The target as the first version left it, and the ledger it wrote: with the id that version gave.
fn of_the_first_version(platform: &'static str, then: impl FnOnce(&mut Moved)) -> String {
    const MOVED: usize = 4;
    let ledger = match platform {
        "zendesk" => include_str!("earlier-ledger-zendesk.sql"),
        _ => include_str!("earlier-ledger-freshdesk.sql"),
    };
    let mut moved = Moved::new(platform);
    let (source, target) = (moved.project.join("src"), moved.target.told("url").replace("127.0.0.1", "localhost"));
    let mark = &blake3::hash(format!("{}\n{target}", source.display()).as_bytes()).to_hex()[..10];
    moved.fill(MOVED);
    moved.configure(&target, &format!("migration = \"{mark}\""));
    moved.succeeds(&["run"]);
    std::fs::remove_dir_all(moved.state_dir()).unwrap();
    std::fs::remove_file(source.join(".deskferry-id")).unwrap();
    std::fs::create_dir(moved.state_dir()).unwrap();
    let ledger = ledger.replace("MARK", mark).replace("TARGET", &target);
    let ledger = ledger.replace("SOURCE", &source.display().to_string());
    let db = Connection::open(moved.state_dir().join("ledger.db")).unwrap();
    db.execute_batch(&ledger).unwrap();
    for (id, there) in moved.held() {
        assert!(marker(&there[0]).unwrap().contains(mark), "the target is as that version left it");
        let to = there[0]["id"].to_string();
        let records =
            db.execute("UPDATE record SET target_id = ?2 WHERE kind = 'ticket' AND id = ?1", [&id, &to]).unwrap();
        let steps = "UPDATE step SET target_id = ?2 WHERE step = 'create' AND marker LIKE '%:ticket:' || ?1";
        assert_eq!((records, db.execute(steps, [&id, &to]).unwrap()), (1, 1));
    }
    drop(db);
    moved.configure(&target, "");
    moved.fill(MOVED + 1);
    then(&mut moved);
    ends(moved, MOVED + 1)
}

fn two_copies_here(platform: &'static str) -> String {
    let moved = Moved::at_rate(platform, "900/m");
    let other = moved.beside("copy");
    // A copy of the whole project, made when it had a ledger already.
    let mut first = moved.start(&moved.project, "here", &["stage"]);
    assert!(first.wait().unwrap().success());
    copy(&moved.project, &other);
    let both = [&moved.project, &other].map(|project| moved.start(project, "here", &["run"]));
    let mut codes: Vec<i32> = Vec::new();
    let mut said = String::new();
    for child in both {
        let ended = child.wait_with_output().unwrap();
        codes.push(ended.status.code().unwrap_or(-1));
        said.push_str(&String::from_utf8_lossy(&ended.stderr));
    }
    codes.sort_unstable();
    assert_eq!(codes, [0, 6], "{said}");
    assert!(said.contains("is running on this migration"), "{said}");
    moved.holds(TICKETS);
    "the second one is refused while the first one is at work: each ticket once".to_owned()
}

fn two_copies_apart(platform: &'static str) -> String {
    // A Zendesk takes a hundred tickets in a call.
    let many = if platform == "zendesk" { 400 } else { 60 };
    let mut moved = Moved::at_rate(platform, "1200/m").looking("5/0");
    moved.fill(many);
    moved.succeeds(&["run", "--ids", "ticket:1"]);
    let other = moved.beside("copy");
    copy(&moved.project, &other);
    let both = [(&moved.project, "here"), (&other, "there")];
    let both = both.map(|(project, machine)| moved.start(project, machine, &["run"]));
    let ended = both.map(|child| child.wait_with_output().unwrap());
    let said: String = ended.iter().map(|one| String::from_utf8_lossy(&one.stderr).into_owned()).collect();
    let codes: Vec<_> = ended.iter().map(|one| one.status.code()).collect();
    // One that stops before it has written anything is no reason for the other one to stop.
    assert!(codes.contains(&Some(6)), "{said}");
    let twice = moved.twice();
    assert!(twice.is_empty() || codes == [Some(6), Some(6)], "{} tickets are there twice: {said}", twice.len());
    assert!(twice.is_empty() || moved.held().len() < many, "both are noticed before all is written");

    // One copy is left, and the hint is followed.
    std::fs::remove_dir_all(other).unwrap();
    moved.succeeds(&["ids", "--rebuild"]);
    moved.succeeds(&["report", "--format", "csv"]);
    let report = moved.said.clone();
    let rows = csv::Reader::from_reader(report.as_bytes()).into_records().filter_map(Result::ok).collect::<Vec<_>>();
    let mut listed: Vec<(String, String)> =
        rows.iter().filter(|row| &row[3] == "twice").map(|row| (row[1].to_owned(), row[6].to_owned())).collect();
    listed.sort();
    assert_eq!(
        listed.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(),
        sorted(twice),
        "what is there twice is listed"
    );
    for (_, ticket) in &listed {
        moved.delete(ticket);
    }
    moved.succeeds(&["ids", "--rebuild"]);
    let came = ends(moved, many);
    assert!(came.starts_with("`run` goes on"), "{came}");
    match listed.is_empty() {
        true => "one stops before it has written anything, the other goes on: each ticket once",
        false => "both stop; what is there twice is listed, and after one of each is deleted and `ids --rebuild`, each ticket once",
    }
    .to_owned()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// Somebody splits or clones a ticket there: its custom fields come along.
fn copied_by_people(platform: &'static str) -> String {
    let mut moved = Moved::new(platform);
    moved.succeeds(&["run"]);
    let ours = moved.held()["1"][0].clone();
    let copied = match platform {
        "zendesk" => {
            serde_json::json!({ "ticket": { "subject": "a copy", "comment": { "body": "x" }, "external_id": ours["external_id"],
            "requester_id": ours["requester_id"] } })
        }
        _ => {
            serde_json::json!({ "subject": "a copy", "description": "x", "status": 2, "priority": 1, "requester_id": ours["requester_id"],
            "custom_fields": { "cf_deskferry": marker(&ours) } })
        }
    };
    let path = if platform == "zendesk" { "/api/v2/tickets.json" } else { "/api/v2/tickets" };
    moved.admin("POST", path, Some(copied));
    moved.fill(TICKETS + 1);
    moved.succeeds(&["run"]);
    assert!(moved.said.contains("ticket 1 is in the target once more"), "{}", moved.said);
    assert_eq!(moved.twice(), ["1"]);
    assert_eq!(moved.held().len(), TICKETS + 1);
    moved.succeeds(&["report", "--format", "csv"]);
    assert!(moved.said.lines().any(|line| line.starts_with("ticket,1,,twice,")), "{}", moved.said);
    "`run` goes on, and the copy is a row of the report".to_owned()
}

/// `docs/performance.md` says what looks cost.
#[test]
fn looks_for_markers_cost_a_call_for_each_hundred_tickets_and_none_where_nothing_is_made() {
    let mut moved = Moved::new("zendesk").looking("100/0");
    moved.fill(250);
    let looks = |moved: &Moved| {
        let calls = moved.target.calls();
        calls.iter().filter(|call| call["path"] == "/api/v2/incremental/tickets/cursor.json").count()
    };
    moved.succeeds(&["run"]);
    let made = looks(&moved);
    // Before the first ticket, after each hundred, at the end; two hundred that come at once are looked at together.
    assert!((3..=4).contains(&made), "{made} looks");
    moved.succeeds(&["run"]);
    assert_eq!(looks(&moved), made, "a run that makes nothing looks for nothing");
}
