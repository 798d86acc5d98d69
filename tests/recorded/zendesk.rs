//! What was recorded of Zendesk.

use crate::compare::{Differences, custom, list, pairs, reference, references, something, text, values};
use crate::desk::Answers;
use crate::stream::{Platform, Stream, all, none};
use deskferry::record::Kind;
use serde_json::{Value, json};

pub const PLATFORM: Platform = Platform {
    name: "zendesk",
    asked: &[],
    own: &["user_fields", "organization_fields"],
    account: &[],
    others: &[
        ("/account", "the account is known by its address"),
        ("/group_memberships", "the table that agents are looked up in"),
        ("/macros", "named among what no record carries"),
        ("/ticket_forms", "the table that tickets are looked up in"),
        ("/ticket_forms/:id", "one row of that table"),
        ("/tickets/:id/tags", "they stand in the ticket"),
        ("/views", "a view shows tickets, and holds none"),
    ],
    streams: &[
        Stream {
            name: "group",
            kind: Kind::Group,
            at: &["/groups", "/groups/:id"],
            under: &["groups", "group"],
            mine: all,
            desk: |rows| vec![("/groups".into(), listed("groups", rows))],
            behind: none,
            compare: groups,
        },
        Stream {
            name: "agent",
            kind: Kind::Agent,
            at: PEOPLE,
            under: &["users", "user"],
            mine: |row| row["role"] != "end-user",
            desk: |rows| {
                vec![
                    ("/users?role[]=agent".into(), listed("users", rows)),
                    ("/users?role[]=admin".into(), listed("users", &[])),
                ]
            },
            behind: || {
                vec![
                    ("role_type", vec![("role", json!("agent")), ("role_type", json!(1))]),
                    ("time_zone", vec![("iana_time_zone", Value::Null)]),
                ]
            },
            compare: people,
        },
        Stream {
            name: "company",
            kind: Kind::Company,
            at: &["/incremental/organizations", "/organizations", "/organizations/:id"],
            under: &["organizations", "organization"],
            mine: all,
            desk: |rows| vec![("/incremental/organizations".into(), listed("organizations", rows))],
            behind: none,
            compare: companies,
        },
        Stream {
            name: "contact",
            kind: Kind::Contact,
            at: PEOPLE,
            under: &["users", "user"],
            mine: |row| row["role"] == "end-user" || row["active"] == false,
            desk: |rows| vec![("/incremental/users/cursor".into(), listed("users", rows))],
            behind: || {
                vec![
                    ("permanently_deleted", vec![("active", json!(true))]),
                    ("time_zone", vec![("iana_time_zone", Value::Null)]),
                ]
            },
            compare: people,
        },
        Stream {
            name: "field",
            kind: Kind::Field,
            at: &["/ticket_fields", "/ticket_fields/:id", "/user_fields", "/organization_fields"],
            under: &["ticket_fields", "ticket_field", "user_fields", "organization_fields"],
            mine: |row| !is_own(row),
            desk: |rows| vec![("/ticket_fields".into(), listed("ticket_fields", rows))],
            behind: || vec![("custom_field_options.name", vec![("custom_field_options.raw_name", Value::Null)])],
            compare: fields,
        },
        Stream {
            name: "ticket",
            kind: Kind::Ticket,
            at: &["/incremental/tickets", "/incremental/tickets/cursor", "/tickets", "/tickets/:id", "/search"],
            under: &["tickets", "ticket", "results"],
            mine: all,
            desk: |rows| {
                let comments = rows.iter().map(|row| (comments_of(row), listed("comments", &[])));
                let tables = [
                    ("/custom_statuses".into(), json!({"custom_statuses": [{"id": 1, "agent_label": "Waiting"}]})),
                    ("/ticket_forms".into(), json!({"ticket_forms": [{"id": 1, "name": "Returns"}]})),
                    ("/incremental/tickets/cursor".into(), listed("tickets", rows)),
                ];
                comments.chain(tables).collect()
            },
            behind: || {
                vec![
                    ("collaborator_ids", vec![("email_cc_ids", Value::Null)]),
                    ("custom_status_id", vec![("custom_status_id", json!(1))]),
                    ("raw_subject", vec![("subject", Value::Null)]),
                    ("ticket_form_id", vec![("ticket_form_id", json!(1))]),
                    (
                        "via.source.rel",
                        vec![("via.source.rel", json!("follow_up")), ("via.source.from", json!({"ticket_id": 1}))],
                    ),
                ]
            },
            compare: tickets,
        },
        Stream {
            name: "comment",
            kind: Kind::Ticket,
            at: &["/tickets/:id/comments"],
            under: &["comments"],
            mine: all,
            desk: |rows| {
                let ticket = json!({"id": 1, "status": "open", "subject": "s"});
                vec![
                    (comments_of(&ticket), listed("comments", rows)),
                    ("/incremental/tickets/cursor".into(), listed("tickets", &[ticket])),
                ]
            },
            behind: || {
                vec![
                    ("body", vec![("html_body", Value::Null)]),
                    ("plain_body", vec![("html_body", Value::Null), ("body", Value::Null)]),
                    ("type", vec![("type", json!("VoiceComment"))]),
                    ("via.source.to.email_ccs", vec![("via.source.to.email_ccs", json!(["a@b.example"]))]),
                ]
            },
            compare: comments,
        },
        Stream {
            name: "category",
            kind: Kind::Category,
            at: &["/help_center/categories"],
            under: &["categories", "category"],
            mine: all,
            desk: |rows| library("categories", rows),
            behind: none,
            compare: shelves,
        },
        Stream {
            name: "section",
            kind: Kind::Section,
            at: &["/help_center/sections", "/help_center/categories/:id/sections"],
            under: &["sections", "section"],
            mine: all,
            desk: |rows| library("sections", rows),
            behind: none,
            compare: shelves,
        },
        Stream {
            name: "article",
            kind: Kind::Article,
            at: &["/help_center/articles", "/help_center/articles/:id", "/help_center/incremental/articles"],
            under: &["articles", "article"],
            mine: all,
            desk: |rows| library("articles", rows),
            behind: none,
            compare: articles,
        },
    ],
};

const PEOPLE: &[&str] = &["/users", "/users/:id", "/users/me", "/incremental/users", "/incremental/users/cursor"];
/// Types of fields that each ticket has by itself.
const OWN: [&str; 9] = [
    "subject",
    "description",
    "status",
    "custom_status",
    "tickettype",
    "priority",
    "basic_priority",
    "group",
    "assignee",
];

fn is_own(row: &Value) -> bool {
    row["type"].as_str().is_some_and(|kind| OWN.contains(&kind))
}

/// A list that ends, in each of the ways in which these end.
fn listed(name: &str, rows: &[Value]) -> Value {
    json!({name: rows, "meta": {"has_more": false}, "end_of_stream": true, "end_time": 1})
}

fn comments_of(ticket: &Value) -> String {
    format!("/tickets/{}/comments", ticket["id"])
}

/// With no translation beside them, and no files.
fn library(name: &str, rows: &[Value]) -> Answers {
    let below = |row: &Value| {
        let at = format!("/help_center/{name}/{}", row["id"]);
        [
            (format!("{at}/translations"), json!({"translations": []})),
            (format!("{at}/attachments"), listed("article_attachments", &[])),
        ]
    };
    rows.iter().flat_map(below).chain([(format!("/help_center/{name}"), listed(name, rows))]).collect()
}

fn times(row: &Value, record: &Value, told: &mut Differences) {
    told.same("created_at", row["created_at"].clone(), &record["created_at"]);
    told.same("updated_at", row["updated_at"].clone(), &record["updated_at"]);
}

fn groups(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("name", row["name"].clone(), &record["name"]);
        told.same("description", something(&row["description"]), &record["description"]);
    }
}

fn people(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("name", row["name"].clone(), &record["name"]);
        told.same("address", something(&row["email"]), &record["emails"][0]);
        told.same("phone", something(&row["phone"]), &record["phones"][0]);
        told.same("language", row["locale"].clone(), &record["locale"]);
        told.same("tags", list(&row["tags"]), &record["tags"]);
        told.same("organization", reference(&row["organization_id"]), &record["companies"][0]);
        let own = row["user_fields"].as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value));
        let beside = ["notes", "details", "external_id", "alias", "signature"];
        let beside = beside.into_iter().map(|key| (key.to_owned(), &row[key]));
        told.same("custom values", values(own.chain(beside)), &custom(record, &[]));
    }
}

fn companies(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("name", row["name"].clone(), &record["name"]);
        told.same("domains", list(&row["domain_names"]), &record["domains"]);
        let own = row["organization_fields"].as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value));
        let beside =
            ["notes", "details", "external_id", "tags", "group_id"].into_iter().map(|key| (key.to_owned(), &row[key]));
        told.same("custom values", values(own.chain(beside)), &custom(record, &[]));
    }
}

fn fields(rows: &[Value], records: &[Value], told: &mut Differences) {
    let scoped = |row: &Value| {
        let url = row["url"].as_str().unwrap_or_default();
        ["user", "organization"].into_iter().find(|of| url.contains(&format!("/{of}_fields/")))
    };
    let mut rows = rows.to_vec();
    for row in &mut rows {
        if let Some(of) = scoped(row) {
            row["id"] = format!("{of}-{}", row["id"]).into();
        }
    }
    for (row, record) in pairs(&rows, records, told) {
        told.same("title", row["title"].clone(), &record["title"]);
        let options = row["custom_field_options"].as_array().into_iter().flatten();
        let options: Vec<Value> = options.map(|one| json!({"label": one["raw_name"], "value": one["value"]})).collect();
        told.same("options", json!(options), &record["options"]);
    }
}

fn tickets(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        let subject = if row["subject"].is_null() { &row["raw_subject"] } else { &row["subject"] };
        told.same("subject", json!(subject.as_str().unwrap_or_default()), &record["subject"]);
        for (what, key) in [
            ("requester", "requester_id"),
            ("submitter", "submitter_id"),
            ("assignee", "assignee_id"),
            ("group", "group_id"),
            ("company", "organization_id"),
            ("brand", "brand_id"),
        ] {
            // -1 is the system.
            let id = if row[key] == -1 { Value::Null } else { reference(&row[key]) };
            told.same(what, id, &record[what]);
        }
        told.same("tags", list(&row["tags"]), &record["tags"]);
        told.same("due", row["due_at"].clone(), &record["due_at"]);
        let copied = if row["email_cc_ids"].is_array() { &row["email_cc_ids"] } else { &row["collaborator_ids"] };
        told.same("in copy", references(copied), &record["ccs"]);
        told.same("followers", references(&row["follower_ids"]), &record["followers"]);
        told.same("channel", row["via"]["channel"].clone(), &record["channel"]);
        let lower = |value: &Value| json!(value.as_str().map(str::to_lowercase));
        told.same("priority", row["priority"].clone(), &lower(&record["priority"]));
        told.same("type", row["type"].clone(), &lower(&record["type"]));
        let own = row["custom_fields"].as_array().into_iter().flatten().map(|one| (text(&one["id"]), &one["value"]));
        told.same("custom values", values(own), &custom(record, &["external_id", "brand", "ticket_form"]));
    }
}

fn comments(rows: &[Value], records: &[Value], told: &mut Differences) {
    let messages = records.first().and_then(|record| record["comments"].as_array().cloned()).unwrap_or_default();
    for (row, message) in pairs(rows, &messages, told) {
        let author = if row["author_id"] == -1 { Value::Null } else { reference(&row["author_id"]) };
        told.same("author", author, &message["author"]);
        told.same("time", row["created_at"].clone(), &message["created_at"]);
        told.same(
            "visibility",
            json!(if row["public"] == true { "public" } else { "private" }),
            &message["visibility"],
        );
        told.same("text", row["html_body"].clone(), &message["body"]);
        told.same("channel", row["via"]["channel"].clone(), &message["channel"]);
        told.same("message id", row["metadata"]["system"]["message_id"].clone(), &message["message_id"]);
        let listed = row["attachments"].as_array().into_iter().flatten();
        let listed: Vec<Value> = listed
            .map(|file| {
                json!([text(&file["id"]), file["file_name"], file["content_type"], file["size"], file["content_url"]])
            })
            .collect();
        let files = message["attachments"].as_array().into_iter().flatten();
        let files: Vec<Value> =
            files.map(|file| json!([file["id"], file["name"], file["mime"], file["size"], file["source"]])).collect();
        told.same("files", json!(listed), &json!(files));
    }
}

fn shelves(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("name", row["name"].clone(), &record["name"]);
        told.same("description", row["description"].clone(), &record["description"]);
        told.same("language", row["source_locale"].clone(), &record["locale"]);
        told.same("position", row["position"].clone(), &record["position"]);
        told.same("category", reference(&row["category_id"]), &record["category"]);
        told.same("parent", reference(&row["parent_section_id"]), &record["parent"]);
    }
}

fn articles(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("title", row["title"].clone(), &record["title"]);
        told.same("text", row["body"].clone(), &record["body"]);
        told.same("author", reference(&row["author_id"]), &record["author"]);
        told.same("section", reference(&row["section_id"]), &record["section"]);
        told.same("draft", row["draft"].clone(), &record["draft"]);
        told.same("promoted", row["promoted"].clone(), &record["promoted"]);
        told.same("labels", list(&row["label_names"]), &record["tags"]);
    }
}
