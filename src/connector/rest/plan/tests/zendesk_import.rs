//! What goes to Zendesk: the whole conversation in one import, by the embedded manifest.

use crate::connector::Planner;
use crate::connector::manifest::Verb;
use crate::connector::mapped::Mapped;
use crate::connector::plan::{Content, Step, picture};
use crate::connector::registry;
use crate::connector::rest::{Rest, Role};
use crate::error::Loss;
use crate::http::{Client, ClientConfig, Credentials};
use crate::ledger::StepKey;
use crate::pacer::{Clock, Pacer};
use serde_json::{Map, Value, json};

fn target() -> Rest {
    let entry = registry::find("zendesk", None).unwrap();
    let address = "https://acme.example";
    let config = ClientConfig::new(address.parse().unwrap(), Credentials::default());
    let client = Client::new(config, Pacer::new(vec![], 0.0, Clock::system())).unwrap();
    let account = json!({ "url": address, "archive": true, "tag": "Moved Here", "stand_ins": { "7": "70", "": "1" } });
    let account: Map<String, Value> = account.as_object().cloned().unwrap();
    Rest::new(&entry, Role::Target, address.into(), account, client).unwrap()
}

fn message(id: &str, at: &str, body: &str, files: &Value) -> Value {
    json!({ "id": id, "part": 0, "body": body, "body_by_api": format!("by: {body}"), "body_with_date": format!("on: {body}"),
        "private": id == "12", "author": { "id": "30", "kind": "contact" }, "created_at": at, "attachments": files })
}

fn ticket(status: &str) -> Value {
    let file = json!([{ "id": "5", "name": "a.png", "mime": "image/png", "bytes": 3, "hash": "h", "path": "/h", "comment": "12" }]);
    let shows = format!("<p>see <img src=\"{}\"></p>", picture("5"));
    json!({
        "id": "1", "subject": "Help", "created_at": "2020-05-06T07:08:09Z", "updated_at": "2020-05-08T00:00:00Z",
        "status": { "id": status, "label": status }, "priority": { "id": "High", "label": "High" }, "type": null,
        "group": { "id": "7" }, "assignee": null, "requester": { "id": "30" }, "company": null, "due_at": null, "tags": ["A b"],
        "custom": [{ "id": "9", "title": "Seats", "type": "number", "value": "4" }], "ccs": [{ "id": "31" }], "requesters": [], "followers": [],
        "file_sizes": [3],
        "comments": [
            message("11", "2020-05-06T07:08:09Z", "one", &json!([])), message("12", "2020-05-07T00:00:00Z", &shows, &file),
        ],
    })
}

fn mapped(ticket: Value) -> Mapped {
    Mapped::Ticket(serde_json::from_value(ticket).unwrap())
}

fn plan(status: &str) -> Vec<Step> {
    target().plan(&mapped(ticket(status)), "deskferry:x:ticket:1").unwrap()
}

fn sent(step: &Step) -> Value {
    match step.request.body.as_ref().unwrap() {
        Content::Json(node) => serde_json::to_value(node).unwrap(),
        other => serde_json::to_value(other).unwrap(),
    }
}

#[test]
fn an_import_holds_every_message_with_its_date_author_files_and_pictures() {
    let steps = plan("closed");
    let verbs: Vec<Verb> = steps.iter().map(|s| s.verb).collect();
    assert_eq!(verbs, [Verb::Upload, Verb::Create, Verb::Append]);
    assert_eq!(
        sent(&steps[1])["ticket"],
        json!({
            "external_id": "deskferry:x:ticket:1", "created_at": "2020-05-06T07:08:09Z",
            "updated_at": "2020-05-08T00:00:00Z", "subject": "Help", "status": "closed", "priority": "high", "group_id": 7,
            "assignee_id": 70, "requester_id": 30, "email_ccs": [{ "user_id": "31", "action": "put" }],
            "tags": ["a_b", "moved_here"], "custom_fields": [{ "id": 9, "value": 4 }],
            "comments": [
                { "author_id": 30, "created_at": "2020-05-06T07:08:09Z", "html_body": "one", "public": true },
                { "author_id": 30, "created_at": "2020-05-07T00:00:00Z", "public": false, "uploads": ["<upload 5.token>"],
                  "html_body": "<p>see <img src=\"<upload 5.content_url>\"></p>" },
            ],
        })
    );
    let query: Vec<_> = steps[1].request.query.iter().map(|(k, v)| (k.as_str(), v.to_string())).collect();
    assert_eq!(query, [("archive_immediately", "true".to_owned())]);
    assert!(plan("solved")[1].request.query.is_empty(), "what goes to the archive goes in calls of its own");
}

#[test]
fn a_message_that_went_with_its_ticket_is_covered_and_its_file_is_its_own() {
    let steps = plan("solved");
    let append = StepKey::new("append", "12", 0);
    assert_eq!((&steps[1].covers, &steps[0].serves), (&vec![append.clone()], &Some(append)));
    assert_eq!(steps[2].loss, Some(Loss::Date));
    let comment = sent(&steps[2])["ticket"]["comment"].clone();
    assert!(comment["html_body"].as_str().unwrap().starts_with("on: "), "a later message says its date: {comment}");
    assert_eq!((&comment["public"], &comment["uploads"]), (&json!(false), &json!(["<upload 5.token>"])));
    assert_eq!(
        target().texts_of(&steps[2]).unwrap(),
        ["by:see", "on:see", "see"],
        "it is known again whichever way it was written"
    );
}

#[test]
fn who_may_not_write_is_named_in_a_header_line_of_every_message() {
    let fallback = plan("solved")[1].fallback.clone().unwrap();
    let Some(Content::Json(node)) = fallback.body else { panic!("no body") };
    let comments = serde_json::to_value(node).unwrap()["ticket"]["comments"].clone();
    assert!(comments.as_array().unwrap().iter().all(|c| c.get("author_id").is_none()), "{comments}");
    assert_eq!(comments[0]["html_body"], "by: one");
}

#[test]
fn custom_and_new_statuses_are_said_as_the_vendor_wants_them() {
    let status = |status: &str, assignee: Value| {
        let mut ticket = ticket(status);
        ticket["assignee"] = assignee;
        let steps = target().plan(&mapped(ticket), "m").unwrap();
        let sent = sent(&steps[1])["ticket"].clone();
        (sent["status"].clone(), sent["custom_status_id"].clone(), sent["assignee_id"].clone())
    };
    assert_eq!(status("pending:44", Value::Null), (json!("pending"), json!(44), Value::Null));
    assert_eq!(status("new", json!({ "id": "70" })), (json!("open"), Value::Null, json!(70)));
    assert_eq!(status("solved:45", Value::Null), (json!("solved"), json!(45), json!(70)));
}

#[test]
fn further_addresses_become_identities_each_once() {
    let contact = json!({ "id": "3", "name": "Ann", "address": "ann@x.y", "phones": [], "companies": [],
        "emails": ["Ann@X.y", "a@x.y", "A@x.y", "none"] });
    let contact = Mapped::Contact(serde_json::from_value(contact).unwrap());
    let steps = target().plan(&contact, "m").unwrap();
    assert_eq!(steps.len(), 2);
    let user = sent(&steps[0])["user"].clone();
    assert_eq!(user, json!({ "name": "Ann", "email": "ann@x.y", "skip_verify_email": true }));
    assert_eq!(sent(&steps[1])["identity"], json!({ "type": "email", "value": "a@x.y", "verified": true }));
}
