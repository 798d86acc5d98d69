//! Freshservice as a target: its answers are wrapped, and so are the ids in them.

use crate::answers::Server;
use crate::{Opened, open_with};
use deskferry::connector::mapped::Mapped;
use deskferry::connector::plan::LateValues;
use deskferry::connector::registry;
use deskferry::connector::rest::Rest;
use deskferry::connector::{Outcome, Planner, Target};
use deskferry::ledger::Remote;
use deskferry::record::Kind;
use serde_json::json;

const MARKER: &str = "deskferry:L:ticket:7";

fn answers() -> String {
    let ticket = json!({"id": 70, "subject": "Printer", "description": "<div>It smokes</div>", "status": 2, "priority": 3, "group_id": 31, "responder_id": null, "requester_id": 900,
        "tags": ["vip"], "attachments": [], "custom_fields": {"deskferry": MARKER}});
    let note = |id: u64, private: bool, body: &str| json!({"id": id, "private": private, "body": format!("<div>{body}</div>"), "attachments": []});
    let field = json!({"id": 1, "name": "deskferry", "label": "Deskferry", "field_type": "custom_text", "default_field": false});
    json!([
        {"call": "GET /api/v2/ticket_form_fields", "body": {"ticket_fields": [field]}},
        {"call": "POST /api/v2/requesters", "status": 201, "body": {"requester": {"id": 900}}},
        {"call": "POST /api/v2/tickets", "status": 201, "body": {"ticket": {"id": 70}}},
        {"call": "POST /api/v2/tickets/70/notes", "status": 201, "body": {"conversation": {"id": 71}}},
        {"call": "POST /api/v2/tickets/70/time_entries", "status": 201, "body": {"time_entry": {"id": 72}}},
        {"call": "GET /api/v2/tickets/70", "query": {"include": "tags"}, "body": {"ticket": ticket}},
        {"call": "GET /api/v2/tickets/70/conversations", "body": {"conversations": [note(71, true, "inside")]}},
    ])
    .to_string()
}

/// The records the steps wrote, in order.
async fn applied(target: &Rest, mapped: &Mapped) -> (Vec<Remote>, LateValues) {
    let (mut made, mut late) = (Vec::new(), LateValues::default());
    for step in target.plan(mapped, MARKER).unwrap() {
        match target.apply(&step, &late).await {
            Outcome::Applied { remote, .. } => {
                let mut outputs = remote.outputs.clone();
                outputs.insert("id".into(), remote.id.clone().into());
                late.put(step.key.clone(), outputs);
                made.push(remote);
            }
            other => panic!("{}: {other:?}", step.key),
        }
    }
    (made, late)
}

/// A ticket with a message for everybody and a note.
fn ticket() -> Mapped {
    let said = |id: &str, body: &str, private: bool| json!({"id": id, "body": body, "body_by_api": body, "private": private, "author": {"id": "900", "kind": "contact"}, "attachments": []});
    let ticket = json!({"id": "7", "subject": "Printer", "status": {"id": "2", "label": "Open"}, "priority": {"id": "3", "label": "High"},
        "type": null, "group": {"id": "31"}, "assignee": null, "requester": {"id": "900"}, "company": {"id": "41"}, "watchers": [],
        "channel": "chat", "tags": ["vip"], "custom": [], "file_sizes": [], "rating": null,
        "time_entries": [{"id": "t1", "minutes": 90, "clock": "01:30", "note": "", "billable": true, "at": null, "agent": {"id": "8"}}],
        "comments": [said("1", "<p>It smokes</p>", false), said("2", "<p>inside</p>", true)]});
    Mapped::Ticket(serde_json::from_value(ticket).unwrap())
}

#[tokio::test]
async fn what_is_made_is_known_by_the_id_inside_the_answer_and_read_back_whole() {
    let server = Server::start(&answers());
    let entry = registry::find("freshservice", None).unwrap();
    let target = open_with(&entry, &server.address, Opened { target: true, ..Opened::default() });
    target.prepare().await.unwrap();

    let contact = json!({"id": "5", "name": "Cara", "address": "cara@mail.example", "emails": ["cara@mail.example"], "phones": [], "companies": ["41"]});
    let (made, _) = applied(&target, &Mapped::Contact(serde_json::from_value(contact).unwrap())).await;
    assert_eq!(made[0].id, "900");

    let ticket = ticket();
    let (made, late) = applied(&target, &ticket).await;
    assert_eq!(made.iter().map(|remote| remote.id.as_str()).collect::<Vec<_>>(), ["70", "71", "72"]);
    assert_eq!(made[0].url.as_deref(), Some(format!("{}/a/tickets/70", server.address).as_str()));

    let steps = target.plan(&ticket, MARKER).unwrap();
    let back = target.read_back(&ticket, &steps, &late).await.unwrap().unwrap();
    assert_eq!(back.differs, []);
    let children: Vec<_> = back.children.iter().flatten().map(|child| (child.id.as_str(), child.private)).collect();
    assert_eq!(children, [("71", true)]);
    assert_eq!(target.markers_of(Kind::Ticket, "70").await.unwrap(), Some(vec![MARKER.to_owned()]));
}

/// What the read-back misses of a ticket that the target stored with these texts.
async fn missed(change: impl Fn(&str) -> String) -> Vec<String> {
    let server = Server::start(&change(&answers()));
    let entry = registry::find("freshservice", None).unwrap();
    let target = open_with(&entry, &server.address, Opened { target: true, ..Opened::default() });
    target.prepare().await.unwrap();
    let ticket = ticket();
    let (_, late) = applied(&target, &ticket).await;
    let steps = target.plan(&ticket, MARKER).unwrap();
    let back = target.read_back(&ticket, &steps, &late).await.unwrap().unwrap();
    assert!(back.differs.iter().all(|differs| differs.once && differs.loss.is_none()), "{:?}", back.differs);
    back.differs.into_iter().map(|differs| differs.name).collect()
}

#[tokio::test]
async fn a_text_that_the_target_stored_short_is_named() {
    assert_eq!(missed(str::to_owned).await, [""; 0]);
    assert_eq!(missed(|answers| answers.replace("Printer", "P")).await, ["subject"]);
    assert_eq!(missed(|answers| answers.replace("It smokes", "It smo")).await, ["first message"]);
    assert_eq!(missed(|answers| answers.replace("inside", "")).await, ["text of message 2"]);
    assert_eq!(
        missed(|answers| answers.replace("It smokes", "It <b>smokes</b>.<br>")).await,
        [""; 0],
        "marked up anew"
    );
}
