//! Freshdesk read from its look-alike: walls, edits while it is walked, addresses that expire, tickets no list shows.

use crate::{Opened, open_with};
use deskferry::connector::manifest::Manifest;
use deskferry::connector::registry::{self, Entry};
use deskferry::connector::rest::Rest;
use deskferry::connector::{Assemble, ChildRows, Fetch, Source};
use deskferry::record::{Attachment, Body, Kind, Record};
use deskferry_sandbox::freshdesk::{self, Freshdesk};
use deskferry_sandbox::{self as sandbox, Running};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const RATE: &str = "60000/m";
const DEADLINE: Duration = Duration::from_secs(20);

async fn desk(change: impl Fn(&mut freshdesk::Options)) -> Running {
    let mut options = freshdesk::Options::at(Timestamp::now());
    options.api_key = "api_key@acme.example".into();
    change(&mut options);
    let around = sandbox::Options { rate: RATE.parse().ok(), ..sandbox::Options::default() };
    sandbox::start(Box::new(Freshdesk::new(options)), &around).await.unwrap()
}

fn entry() -> Entry {
    registry::find("freshdesk", None).unwrap()
}

/// The manifest with something else in place of a text of it.
fn altered(from: &str, to: &str) -> Entry {
    let text = entry().text;
    assert!(text.contains(from), "the manifest has no `{from}`");
    let text = text.replace(from, to);
    Entry { manifest: Manifest::parse("freshdesk.toml", &text).unwrap(), text, origin: "freshdesk.toml".into() }
}

fn source(desk: &Running, archived: &'static str) -> Rest {
    open_with(&entry(), &desk.address, Opened { answers: &[("archived", archived)], ..Opened::default() })
}

/// Every row of a kind by its id. `between` runs after each page.
async fn walked(source: &Rest, kind: Kind, mut between: impl FnMut(usize)) -> Result<Vec<(String, Value)>, String> {
    let (mut rows, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = source.read(kind, cursor.as_deref(), None).await.map_err(|p| p.to_string())?;
        rows.extend(page.rows.into_iter().map(|row| (row.id, row.raw)));
        between(pages);
        pages += 1;
        assert!(pages < 2_000, "the walk does not end");
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(rows),
        }
    }
}

fn ids(rows: &[(String, Value)]) -> BTreeSet<String> {
    rows.iter().map(|(id, _)| id.clone()).collect()
}

/// The row a stored record was listed with.
fn row<'a>(rows: &'a [(String, Value)], stored: &Value) -> &'a Value {
    let id = stored["id"].to_string();
    rows.iter().find(|(own, _)| *own == id).map(|(_, raw)| raw).unwrap()
}

fn stored(desk: &Running, list: &str, wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let state = desk.state();
    state[list].as_array().unwrap().iter().filter(|row| wanted(row)).map(|row| row["id"].to_string()).collect()
}

#[tokio::test]
async fn no_ticket_is_lost_behind_the_wall_or_under_edits() {
    let desk = desk(|options| (options.tickets, options.wall_pages) = (420, 3)).await;
    let source = source(&desk, "no");
    let expected = stored(&desk, "tickets", |t| t["archived"] == false);
    // Those that share a second are edited while that second is walked.
    let rows = walked(&source, Kind::Ticket, |page| {
        (0..4).for_each(|n| drop(desk.touch(100 + (page * 31 + n * 7) % 120, Timestamp::now())));
    });
    let rows = rows.await.unwrap();
    assert_eq!(ids(&rows), expected);
    let late: Vec<_> = rows.iter().filter(|(id, _)| rows.iter().filter(|(other, _)| other == id).count() > 1).collect();
    assert!(!late.is_empty(), "no ticket moved while the list was walked: the test proves nothing");
}

#[tokio::test]
async fn a_walk_by_page_number_alone_ends_at_the_wall() {
    let desk = desk(|options| (options.tickets, options.wall_pages) = (420, 3)).await;
    let window = r#"page     = { kind = "window", key = ".updated_at", start = "1970-01-01T00:00:00Z", param = "page", size = { param = "per_page", rows = 100 } }"#;
    let entry =
        altered(window, r#"page     = { kind = "number", param = "page", size = { param = "per_page", rows = 100 } }"#);
    let entry = Entry { text: entry.text.replace("${$key}", "1970-01-01T00:00:00Z"), ..entry };
    let entry = Entry { manifest: Manifest::parse("freshdesk.toml", &entry.text).unwrap(), ..entry };
    let source = open_with(&entry, &desk.address, Opened::default());
    let refused = walked(&source, Kind::Ticket, |_| {}).await.unwrap_err();
    assert!(refused.contains("beyond the 3th page"), "{refused}");
}

#[tokio::test]
async fn contacts_of_all_states_are_read_once_each_with_all_their_addresses() {
    let desk = desk(|options| options.tickets = 360).await;
    let rows = walked(&source(&desk, "no"), Kind::Contact, |_| {}).await.unwrap();
    assert_eq!(ids(&rows), stored(&desk, "contacts", |_| true));
    let source = source(&desk, "no");
    let state = desk.state();
    for own in state["contacts"].as_array().unwrap() {
        let record = source.assemble(Kind::Contact, row(&rows, own), &ChildRows::new()).unwrap();
        let id = &record.id;
        let wanted = if own["deleted"] == true {
            "deleted"
        } else if own["blocked"] == true {
            "suspended"
        } else {
            "live"
        };
        assert_eq!(record.state.code(), wanted, "contact {id}");
        let Body::Contact(person) = record.body else { panic!() };
        let others = own["other_emails"].as_array().unwrap().len();
        let has = usize::from(own["email"].is_string()) + if wanted == "deleted" { 0 } else { others };
        assert_eq!(person.emails.len(), has, "contact {id}");
    }
}

#[tokio::test]
async fn archived_tickets_are_found_by_the_numbers_no_list_shows() {
    let desk = desk(|options| options.tickets = 45).await;
    let archived = stored(&desk, "tickets", |t| t["archived"] == true);
    assert_eq!(archived.len(), 2);
    let source = source(&desk, "yes");
    let rows = walked(&source, Kind::Ticket, |_| {}).await.unwrap();
    assert!(ids(&rows).is_superset(&archived));
    let (_, raw) = rows.iter().find(|(id, _)| archived.contains(id)).unwrap();
    let ticket = whole(&source, raw).await;
    assert_eq!(ticket.state.code(), "archived");
    let Body::Ticket(ticket) = ticket.body else { panic!() };
    assert!(!ticket.comments[0].attachments.is_empty());
    let asked = desk.calls().iter().filter(|call| call.path.starts_with("/api/v2/tickets/archived/")).count();
    assert_eq!(
        asked,
        4 + 2 + 100,
        "four numbers are missing, a hundred in a row above the largest, and below one archived ticket is asked for its messages and files"
    );
}

#[tokio::test]
async fn archived_tickets_above_all_that_a_list_shows_are_found() {
    let desk = desk(|options| (options.tickets, options.archived) = (30, 30)).await;
    let source = source(&desk, "yes");
    let rows = walked(&source, Kind::Ticket, |_| {}).await.unwrap();
    assert_eq!(ids(&rows), stored(&desk, "tickets", |_| true));
    assert!(stored(&desk, "tickets", |t| t["archived"] == true).len() >= 27, "most of the account is archived");
}

#[tokio::test]
async fn what_is_archived_is_told_where_nobody_asks_for_it() {
    let desk = desk(|options| options.tickets = 45).await;
    let source = source(&desk, "no");
    walked(&source, Kind::Ticket, |_| {}).await.unwrap();
    let notes = source.take_notes().join("\n");
    assert!(notes.contains("4 numbers of tickets are in no list"), "{notes}");
    assert!(
        notes.contains("canned responses (7)") && notes.contains("automation rules for changed tickets (5)"),
        "{notes}"
    );
    assert!(desk.calls().iter().all(|call| !call.path.contains("/archived/")));
}

async fn whole(source: &Rest, raw: &Value) -> Record {
    let children = source.read_children(Kind::Ticket, raw, &Default::default()).await.unwrap();
    source.assemble(Kind::Ticket, raw, &children).unwrap()
}

/// Files of a ticket with their SHA-256 in the desk.
fn files(record: &Record) -> Vec<Attachment> {
    let Body::Ticket(ticket) = &record.body else { return vec![] };
    ticket.comments.iter().flat_map(|comment| comment.attachments.clone()).collect()
}

fn sha256(path: &std::path::Path) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(std::fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_file_is_fetched_though_every_address_it_was_listed_with_expired() {
    let desk = desk(|options| (options.tickets, options.link_seconds) = (45, 1)).await;
    let source = source(&desk, "no");
    let rows = walked(&source, Kind::Ticket, |_| {}).await.unwrap();
    let state = desk.state();
    let hostile =
        state["tickets"].as_array().unwrap().iter().max_by_key(|t| t["files"].as_array().unwrap().len()).unwrap();
    let raw = row(&rows, hostile);
    let children = source.read_children(Kind::Ticket, raw, &Default::default()).await.unwrap();
    let address = children["attachment"][0]["attachment_url"].as_str().unwrap().to_owned();
    let record = source.assemble(Kind::Ticket, raw, &children).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let kept = Attachment { source: address.into(), ..files(&record).remove(0) };
    while source.fetch(&kept, dir.path()).await.is_ok() {
        assert!(began.elapsed() < DEADLINE, "the address does not expire");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut fetched = BTreeSet::new();
    for file in files(&record) {
        let blob = source.fetch(&file, dir.path()).await.unwrap();
        fetched.insert(sha256(&dir.path().join(blob.hash)));
    }
    let of = |list: &Value| {
        list.as_array().unwrap().iter().map(|f| f["sha256"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let notes = hostile["conversations"].as_array().unwrap().iter().flat_map(|c| of(&c["files"]));
    let expected: BTreeSet<String> =
        of(&hostile["files"]).into_iter().chain(of(&hostile["pictures"])).chain(notes).collect();
    assert_eq!(fetched, expected);
}

#[tokio::test]
async fn a_picture_is_fetched_through_its_redirects_without_a_credential() {
    let desk = desk(|options| options.tickets = 45).await;
    let source = source(&desk, "no");
    let rows = walked(&source, Kind::Ticket, |_| {}).await.unwrap();
    let state = desk.state();
    let shown =
        state["tickets"].as_array().unwrap().iter().max_by_key(|t| t["pictures"].as_array().unwrap().len()).unwrap();
    let raw = row(&rows, shown);
    let pictures: Vec<Attachment> = files(&whole(&source, raw).await).into_iter().filter(|f| f.inline).collect();
    let dir = tempfile::tempdir().unwrap();
    let mut fetched = BTreeSet::new();
    for file in &pictures {
        let blob = source.fetch(file, dir.path()).await.unwrap();
        fetched.insert(sha256(&dir.path().join(blob.hash)));
    }
    let expected: BTreeSet<String> =
        shown["pictures"].as_array().unwrap().iter().map(|f| f["sha256"].as_str().unwrap().to_owned()).collect();
    assert_eq!(fetched, expected);
    let inline =
        desk.calls().into_iter().filter(|call| call.path.contains("inline") || call.path.starts_with("/data/"));
    let inline: Vec<_> = inline.collect();
    assert!(inline.len() >= 3 * expected.len() && inline.iter().all(|call| !call.credential), "{inline:?}");
}

#[tokio::test]
async fn a_web_chat_says_its_first_message_once_and_a_survey_only_what_has_words() {
    let desk = desk(|options| options.tickets = 45).await;
    let source = source(&desk, "no");
    let rows = walked(&source, Kind::Ticket, |_| {}).await.unwrap();
    let state = desk.state();
    let stored = |wanted: &dyn Fn(&Value) -> bool| {
        let ticket = state["tickets"].as_array().unwrap().iter().find(|t| wanted(t)).unwrap();
        (ticket["id"].to_string(), ticket["conversations"].as_array().unwrap().clone())
    };
    let raw = |id: &str| rows.iter().find(|(own, _)| own == id).unwrap().1.clone();
    let (chat, said) = stored(&|t| t["source"] == 15);
    let Body::Ticket(ticket) = whole(&source, &raw(&chat)).await.body else { panic!() };
    assert_eq!(ticket.comments.len(), said.len(), "the description stands for none of its own");
    let survey = |t: &Value| t["conversations"].as_array().unwrap().iter().any(|c| c["source"] == 6);
    let (survey, said) = stored(&survey);
    let Body::Ticket(ticket) = whole(&source, &raw(&survey)).await.body else { panic!() };
    assert_eq!(ticket.comments.len(), said.len(), "the description more, the answer without words less");
    assert_eq!(ticket.satisfaction.unwrap()["comment"], "Danke! 👍 <3");
}

/// People in copy are those of the first mail and those an answer added; whom nobody was to see is told, and seen by nobody.
#[test]
fn all_who_were_in_copy_are_read_and_those_in_blind_copy_are_a_loss() {
    let source = open_with(&entry(), "http://127.0.0.1:1", Opened::default());
    let ticket = json!({
        "id": 7, "subject": "s", "status": 2, "description": "<p>x</p>", "support_email": "help@acme.example",
        "cc_emails": ["Ann <ann@a.example>"], "ticket_cc_emails": null, "reply_cc_emails": ["bob@b.example"],
    });
    let note =
        json!({"id": 8, "user_id": 1, "body": "<p>y</p>", "private": false, "bcc_emails": ["boss@acme.example"]});
    let children = ChildRows::from([("comment".to_owned(), vec![note])]);
    let record = source.assemble(Kind::Ticket, &ticket, &children).unwrap();
    let Body::Ticket(ticket) = &record.body else { panic!() };
    assert_eq!(ticket.ccs, ["ann@a.example", "bob@b.example"]);
    assert_eq!(ticket.comments[0].to, ["help@acme.example"]);
    assert!(ticket.comments.iter().all(|comment| comment.cc.is_empty()));
    let unread: Vec<_> = record.unread.iter().map(|one| (one.loss.code(), one.detail.as_str())).collect();
    assert_eq!(unread, [("cc_dropped", "in blind copy of a message: boss@acme.example")]);
}
