//! What the embedded manifest makes of a Redmine issue.

use crate::connector::registry;
use crate::connector::rest::Rest;
use crate::connector::rest::{Account, Role};
use crate::http::{Client, ClientConfig, Credentials};
use crate::pacer::{Clock, Pacer};
use crate::record::{Body, Category, Format, Kind, LinkType, Ticket, Visibility};
use serde_json::{Value, json};

/// An issue as Redmine 5.0.4 answers it, read as the embedded manifest says.
async fn redmine(issue: Value) -> Ticket {
    let entry = registry::find("redmine", None).unwrap();
    let account = Account::from_iter([
        ("url".to_owned(), json!("http://127.0.0.1:1")),
        ("text_format".to_owned(), json!("markdown")),
    ]);
    let config = ClientConfig::new("http://127.0.0.1:1".parse().unwrap(), Credentials::default());
    let client = Client::new(config, Pacer::new(vec![], 0.0, Clock::system())).unwrap();
    let rest = Rest::new(&entry, Role::Source, "http://127.0.0.1:1".into(), account, client).unwrap();
    let children = rest.children("ticket", &issue, Default::default()).await.unwrap();
    match rest.assemble_record(Kind::Ticket, &issue, &children).unwrap().body {
        Body::Ticket(ticket) => *ticket,
        _ => unreachable!(),
    }
}

fn issue(more: Value) -> Value {
    let mut issue = json!({
        "id": 7, "project": {"id": 1}, "tracker": {"id": 1, "name": "Bug"}, "priority": {"id": 1, "name": "Low"},
        "status": {"id": 9, "name": "Abgelehnt", "is_closed": true}, "author": {"id": 5, "name": "Ann"},
        "subject": "s", "description": "d", "is_private": false, "start_date": "2026-01-01",
        "created_on": "2026-01-01T10:00:00Z", "updated_on": "2026-01-02T10:00:00Z", "closed_on": null,
    });
    issue.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    issue
}

fn journal(id: u64, notes: Value, private: bool, details: Value) -> Value {
    json!({"id": id, "user": {"id": 6}, "notes": notes, "private_notes": private, "details": details,
        "created_on": format!("2026-01-01T10:00:{id:02}Z")})
}

#[tokio::test]
async fn a_redmine_file_belongs_to_the_journal_that_brought_it_and_journals_of_properties_are_no_messages() {
    let added = |id: &str| json!([{"property": "attachment", "name": id, "old_value": null, "new_value": "a.png"}]);
    let file = |id: u64| json!({"id": id, "filename": "a.png", "filesize": 3, "content_type": "image/png"});
    let ticket = redmine(issue(json!({
        "attachments": [file(1), file(2), file(3)],
        "journals": [
            journal(1, json!(null), false, json!([{"property": "attr", "name": "status_id", "new_value": "2"}])),
            journal(2, json!("note"), false, added("2")),
            journal(3, json!(""), false, added("3")),
            journal(4, json!(" "), false, added("44")),
            journal(5, json!("secret"), true, json!([])),
        ],
    })))
    .await;
    let seen: Vec<_> = ticket
        .comments
        .iter()
        .map(|c| (c.id.as_str(), c.body.as_str(), c.visibility, c.attachments.iter().map(|a| a.id.as_str()).collect()))
        .collect::<Vec<(_, _, _, Vec<_>)>>();
    assert_eq!(
        seen,
        [
            ("description", "d", Visibility::Public, vec!["1"]),
            ("2", "note", Visibility::Public, vec!["2"]),
            ("3", "", Visibility::Public, vec!["3"]),
            ("5", "secret", Visibility::Private, vec![]),
        ]
    );
    assert!(ticket.comments.iter().all(|c| c.format == Format::Markdown));
    assert_eq!(ticket.category, Some(Category::Closed));
}

#[tokio::test]
async fn all_of_a_private_redmine_issue_is_private() {
    let journals = json!([journal(1, json!("note"), false, json!([]))]);
    let ticket = redmine(issue(json!({"is_private": true, "journals": journals}))).await;
    assert!(ticket.comments.iter().all(|c| c.visibility == Visibility::Private));
    assert_eq!(ticket.comments.len(), 2);
}

/// A desk that was once moved into holds old markers: they may not come to stand in the place of new ones.
#[tokio::test]
async fn of_a_redmine_issue_what_has_no_place_becomes_a_custom_value_and_an_old_marker_does_not() {
    let ticket = redmine(issue(json!({
        "custom_fields": [{"id": 1, "name": "Deskferry", "value": "deskferry:x"}, {"id": 2, "name": "Products", "value": ["A", "B"]}],
        "category": {"id": 1, "name": "Toner"}, "spent_hours": 0.0, "watchers": [{"id": 8}], "assigned_to": {"id": 6},
        "relations": [
            {"issue_id": 7, "issue_to_id": 9, "relation_type": "blocks"},
            {"issue_id": 3, "issue_to_id": 7, "relation_type": "blocks"},
            {"issue_id": 7, "issue_to_id": 4, "relation_type": "relates"},
        ],
        "children": [{"id": 12}], "due_date": "2026-03-01",
    })))
    .await;
    let custom: Vec<_> = ticket.custom.iter().map(|c| (c.key.as_str(), c.value.clone())).collect();
    assert_eq!(custom, [("cf_2", json!(["A", "B"])), ("category", json!("Toner"))]);
    let links: Vec<_> = ticket.links.iter().map(|l| (l.link_type, l.to.as_str())).collect();
    assert_eq!(links, [(LinkType::DependsOn, "3"), (LinkType::Related, "4"), (LinkType::ParentOf, "12")]);
    assert_eq!((ticket.ccs, ticket.assignee), (vec!["8".to_owned()], Some("6".to_owned())));
    assert_eq!(ticket.due_at, Some("2026-03-01T00:00:00Z".parse().unwrap()));
}
