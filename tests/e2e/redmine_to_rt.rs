//! A Redmine and a Request Tracker as sources, a Request Tracker as the target: undisturbed, spoiled and killed.

use crate::compare::{Difference, What};
use crate::http::Result;
use crate::journey::Product::{self, Redmine, RequestTracker};
use crate::journey::{self, Journey};
use crate::kill::{self, Kills};
use crate::later::{self, open};
use crate::moves;
use crate::part;
use crate::seed::expected::Expected;
use crate::seed::random::Random;
use crate::seed::rt::mails;
use crate::{Failed, MINUTES};
use serde_json::json;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    crate::harness::trials![Servers:
        a_redmine_is_read_back_as_it_was_seeded,
        a_redmine_moves_into_a_request_tracker,
        agents_who_never_touched_a_request_tracker_get_their_tickets,
        a_request_tracker_moves_into_another_one_ticket_first,
        a_redmine_moves_into_a_request_tracker_though_killed,
        a_request_tracker_moves_into_another_though_killed,
        what_is_spoiled_in_a_request_tracker_is_noticed,
    ]
}

const KILLS: usize = 6;

fn a_redmine_is_read_back_as_it_was_seeded() -> Result<(), Failed> {
    let server = journey::running_redmine()?;
    let expected = Expected::load(&server.dir.join("expected.json"))?;
    none(&journey::as_seeded(Redmine, server, &expected)?)?;
    assert!(expected.tickets.len() >= 60);
    Ok(())
}

fn a_redmine_moves_into_a_request_tracker() -> Result<(), Failed> {
    redmine_to_rt()?;
    Ok(())
}

/// Since its security update RT lists nobody as an agent: the target's have an address for a name, were made by RT itself and never did
/// anything, so that nothing tells them from customers but their own pages.
fn agents_who_never_touched_a_request_tracker_get_their_tickets() -> Result<(), Failed> {
    let _turn = moves::turn();
    let all = Journey::new("redmine-rt-fresh", Redmine, RequestTracker)?;
    let without_marks =
        "UPDATE Users SET Name = EmailAddress, Creator = 1 WHERE Name IN ('agent1', 'agent2', 'agent3')";
    let changed = open(all.target.var("RT_DB")?)?.execute(without_marks, []).map_err(|e| e.to_string())?;
    assert_eq!(changed, 3);
    assert!(all.expected.tickets.iter().any(|ticket| ticket.owner.is_some()));
    migrated(&all, "redmine-rt-fresh")?;
    Ok(())
}

fn a_request_tracker_moves_into_another_one_ticket_first() -> Result<(), Failed> {
    let _turn = moves::turn();
    let all = Journey::new("rt-rt", RequestTracker, RequestTracker)?;
    part::one_ticket(&all)?;
    migrated(&all, "rt-rt")?;
    none(&all.differences()?)?;
    Ok(())
}

fn a_redmine_moves_into_a_request_tracker_though_killed() -> Result<(), Failed> {
    killed("a_redmine_moves_into_a_request_tracker_though_killed", Redmine)
}

fn a_request_tracker_moves_into_another_though_killed() -> Result<(), Failed> {
    killed("a_request_tracker_moves_into_another_though_killed", RequestTracker)
}

fn redmine_to_rt() -> Result<&'static Journey> {
    static MOVED: OnceLock<Result<Journey>> = OnceLock::new();
    let move_it = || -> Result<Journey> {
        let _turn = moves::turn();
        let mut all = Journey::of("redmine-rt", later::redmine()?, Redmine, RequestTracker)?;
        migrated(&all, "redmine-rt")?;
        later::links_are_there(&all)?;
        later::change(&mut all)?;
        all.binary()?.succeed(&["run"], 5 * MINUTES)?;
        none(&all.target_differences()?).map_err(|e| format!("after a change in the source: {e}"))?;
        later::links_are_there(&all)?;
        Ok(all)
    };
    MOVED.get_or_init(move_it).as_ref().map_err(String::clone)
}

/// Moves everything, and compares.
fn migrated(all: &Journey, name: &str) -> Result<()> {
    let start = Instant::now();
    all.binary()?.succeed(&["check"], 2 * MINUTES)?;
    all.binary()?.succeed(&["run"], 12 * MINUTES)?;
    println!("{name} moved after {:.1} s", start.elapsed().as_secs_f32());
    none(&all.target_differences()?)
}

fn killed(name: &str, from: Product) -> Result<(), Failed> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?.as_secs();
    let seed = std::env::var("DESKFERRY_KILL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(now);
    println!("DESKFERRY_KILL_SEED={seed} repeats these moments");
    let _turn = moves::turn();
    let all = Journey::new(name, from, RequestTracker)?;
    let database = all.target.var("RT_DB")?.to_owned();
    let written = || -> Result<i64> {
        let count = "SELECT (SELECT count(*) FROM Users) + (SELECT count(*) FROM Transactions \
             WHERE ObjectType = 'RT::Ticket' AND Type IN ('Create', 'Correspond', 'Comment'))";
        open(&database)?.query_row(count, [], |row| row.get(0)).map_err(|e| e.to_string())
    };
    let plan = Kills { kills: KILLS, deadline: Instant::now() + 12 * MINUTES };
    let ended = plan.endure(&all.binary()?, kill::rows(&all.expected), &written, &mut Random::new(seed));
    ended.and_then(|()| none(&all.differences()?)).map_err(|e| format!("DESKFERRY_KILL_SEED={seed}: {e}").into())
}

/// The finished move, spoiled in five ways at once in the running target, each on a ticket of its own.
fn what_is_spoiled_in_a_request_tracker_is_noticed() -> Result<(), Failed> {
    let all = redmine_to_rt()?;
    let database = all.target.var("RT_DB")?;
    let client = journey::client(RequestTracker, &all.target)?;
    let db = open(database)?;
    // the tickets with the fewest messages are left alone: they may lack what is to be spoiled
    let pick = |what: &str, skip: i64| -> Result<(i64, String, i64)> {
        let query = format!(
            "SELECT t.id, t.Subject, max(x.id) FROM Tickets t JOIN Transactions x ON x.ObjectId = t.id AND x.ObjectType = 'RT::Ticket'
             {what} GROUP BY t.id ORDER BY t.id LIMIT 1 OFFSET ?1"
        );
        db.query_row(&query, [skip], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(|e| e.to_string())
    };
    let change = |sql: &str, id: i64| db.execute(sql, [id]).map(drop).map_err(|e| e.to_string());

    let (first, deleted, note) = pick("AND x.Type = 'Correspond'", 0)?;
    change("DELETE FROM Transactions WHERE id = ?1", note)?;
    let (second, flipped, note) = pick("AND x.Type = 'Comment'", 3)?;
    change("UPDATE Transactions SET Type = 'Correspond' WHERE id = ?1", note)?;
    let file =
        "AND x.Type IN ('Create', 'Correspond') JOIN Attachments a ON a.TransactionId = x.id AND a.Filename <> ''";
    let (third, changed, note) = pick(file, 5)?;
    // what is packed in base64 would not change by a letter behind its end
    let spoil = "UPDATE Attachments SET Content = 'x' || Content, ContentEncoding = 'none'
                 WHERE Filename <> '' AND TransactionId = ?1";
    change(spoil, note)?;
    // of a ticket that is there twice nothing else is compared
    let (_, doubled, _) = pick(&format!("AND x.Type = 'Create' AND t.id NOT IN ({first}, {second}, {third})"), 9)?;
    let again = json!({ "Queue": "General", "Subject": doubled, "Content": "again", "ContentType": "text/plain" });
    client.json("POST", "/ticket", Some(&again))?;
    let sink = Path::new(all.target.var("RT_MAILS")?);
    let before = mails(sink)?;
    let mailed = json!({ "Queue": "General", "Subject": "a mail", "Requestor": "someone@example.com", "Content": "x", "ContentType": "text/plain" });
    client.json("POST", "/ticket", Some(&mailed))?;
    let start = Instant::now();
    while mails(sink)? == before {
        if start.elapsed() > Duration::from_secs(30) {
            return Err("the mail never came".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }

    let found = all.target_differences()?;
    for (what, at) in [
        (What::MessageCount, deleted.as_str()),
        (What::Leak, flipped.as_str()),
        (What::File, changed.as_str()),
        (What::Twice, doubled.as_str()),
        (What::Mail, "the target"),
    ] {
        if !found.iter().any(|d| d.what == what && d.at == at) {
            return Err(format!("no {what:?} was noticed at {at}: {}", crate::report(&found)).into());
        }
    }
    Ok(())
}

fn none(differences: &[Difference]) -> Result<()> {
    if differences.is_empty() { Ok(()) } else { Err(crate::report(differences)) }
}
