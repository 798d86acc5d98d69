//! What was recorded of Freshdesk.

use crate::compare::{Differences, custom, list, pairs, reference, something, text, values};
use crate::desk::Answers;
use crate::stream::{Platform, Stream, all, none};
use deskferry::record::Kind;
use serde_json::{Value, json};

pub const PLATFORM: Platform = Platform {
    name: "freshdesk",
    asked: &["attachments.attachment_url", "sub_folders_count"],
    own: &["custom_fields", "choices"],
    account: &[],
    others: &[("/tickets/:id/time_entries", "none was recorded")],
    streams: &[
        Stream {
            name: "group",
            kind: Kind::Group,
            at: &["/groups"],
            under: &[],
            mine: all,
            desk: |rows| vec![("/groups".into(), json!(rows))],
            behind: none,
            compare: groups,
        },
        Stream {
            name: "agent",
            kind: Kind::Agent,
            at: &["/agents", "/agents/me"],
            under: &[],
            mine: all,
            desk: |rows| vec![("/agents".into(), json!(rows))],
            behind: none,
            compare: agents,
        },
        Stream {
            name: "company",
            kind: Kind::Company,
            at: &["/companies"],
            under: &[],
            mine: all,
            desk: |rows| vec![("/companies".into(), json!(rows))],
            behind: none,
            compare: companies,
        },
        Stream {
            name: "contact",
            kind: Kind::Contact,
            at: &["/contacts"],
            under: &[],
            mine: all,
            desk: |rows| {
                let each = rows.iter().map(|row| (format!("/contacts/{}", row["id"]), row.clone()));
                let others = ["blocked", "deleted"].map(|state| (format!("/contacts?state={state}"), json!([])));
                each.chain(others).chain([("/contacts".into(), json!(rows))]).collect()
            },
            behind: none,
            compare: contacts,
        },
        Stream {
            name: "field",
            kind: Kind::Field,
            at: &["/ticket_fields", "/contact_fields", "/company_fields"],
            under: &[],
            mine: |row| row["default"] != true,
            desk: |rows| {
                let of = |scope| json!(rows.iter().filter(|row| scope_of(row) == scope).collect::<Vec<_>>());
                ["ticket", "contact", "company"].map(|scope| (format!("/{scope}_fields"), of(scope))).into()
            },
            behind: none,
            compare: fields,
        },
        Stream {
            name: "ticket",
            kind: Kind::Ticket,
            at: &["/tickets", "/tickets/:id"],
            under: &[],
            mine: all,
            desk: |rows| {
                let each = rows.iter().flat_map(|row| {
                    let at = format!("/tickets/{}", row["id"]);
                    // A list says less than the single view.
                    let mut whole = row.clone();
                    whole["attachments"] = list(&row["attachments"]);
                    [
                        (format!("{at}/conversations"), json!([])),
                        (format!("{at}/associated_tickets"), json!({"tickets": [{"id": 9}]})),
                        (at, whole),
                    ]
                });
                each.chain(lists(rows)).collect()
            },
            behind: || {
                vec![
                    ("association_type", vec![("association_type", json!(1))]),
                    ("description_text", vec![("description", Value::Null)]),
                    ("support_email", vec![("to_emails", Value::Null)]),
                ]
            },
            compare: tickets,
        },
        Stream {
            name: "comment",
            kind: Kind::Ticket,
            at: &["/tickets/:id/conversations"],
            under: &[],
            mine: all,
            desk: |rows| {
                let ticket = json!({"id": 1, "status": 2, "updated_at": "2021-04-09T13:23:56Z", "attachments": []});
                [("/tickets/1/conversations".into(), json!(rows)), ("/tickets/1".into(), ticket.clone())]
                    .into_iter()
                    .chain(lists(&[ticket]))
                    .collect()
            },
            behind: none,
            compare: comments,
        },
        Stream {
            name: "category",
            kind: Kind::Category,
            at: &["/solutions/categories"],
            under: &[],
            mine: all,
            desk: |rows| library(rows, &[], &[]),
            behind: none,
            compare: shelves,
        },
        Stream {
            name: "section",
            kind: Kind::Section,
            at: &["/solutions/categories/:id/folders", "/solutions/folders/:id/subfolders"],
            under: &[],
            mine: all,
            desk: |rows| library(&[json!({"id": 1, "name": "c"})], rows, &[]),
            behind: none,
            compare: shelves,
        },
        Stream {
            name: "article",
            kind: Kind::Article,
            at: &["/solutions/folders/:id/articles"],
            under: &[],
            mine: all,
            desk: |rows| library(&[json!({"id": 1, "name": "c"})], &[json!({"id": 2, "name": "f"})], rows),
            behind: || vec![("status", vec![("status", json!(1))])],
            compare: articles,
        },
    ],
};

/// The lists of tickets: the deleted and spam ones are none, nor has any a rating or an entry of time.
fn lists(rows: &[Value]) -> Answers {
    let beside = |row: &Value| {
        ["satisfaction_ratings", "time_entries"].map(|name| (format!("/tickets/{}/{name}", row["id"]), json!([])))
    };
    let mut answers: Answers = rows.iter().flat_map(beside).collect();
    answers.extend([
        ("/tickets".into(), json!(rows)),
        ("/tickets?filter=deleted".into(), json!([])),
        ("/tickets?filter=spam".into(), json!([])),
        ("/ticket_fields".into(), json!([])),
    ]);
    answers
}

/// In one language. All folders stand in the first category, all articles in the first folder.
fn library(categories: &[Value], folders: &[Value], articles: &[Value]) -> Answers {
    let mut answers = vec![
        ("/settings/helpdesk".to_owned(), json!({"primary_language": "en", "supported_languages": []})),
        ("/solutions/categories".to_owned(), json!(categories)),
        ("/solutions/categories/1/folders".to_owned(), json!(folders)),
        ("/solutions/folders/2/articles".to_owned(), json!(articles)),
    ];
    answers.extend(folders.iter().map(|row| (format!("/solutions/folders/{}/subfolders", row["id"]), json!([]))));
    answers.extend(articles.iter().map(|row| (format!("/solutions/articles/{}", row["id"]), row.clone())));
    answers
}

fn times(row: &Value, record: &Value, told: &mut Differences) {
    told.same("created_at", row["created_at"].clone(), &record["created_at"]);
    told.same("updated_at", row["updated_at"].clone(), &record["updated_at"]);
}

fn groups(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("name", row["name"].clone(), &record["name"]);
        told.same("description", row["description"].clone(), &record["description"]);
    }
}

fn agents(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("name", row["contact"]["name"].clone(), &record["name"]);
        told.same("address", row["contact"]["email"].clone(), &record["emails"][0]);
        let kept = [("job_title", &row["contact"]["job_title"]), ("signature", &row["signature"])];
        told.same("custom values", values(kept.map(|(key, value)| (key.to_owned(), value))), &custom(record, &[]));
        told.same("works there", json!(row["deactivated"] != true), &record["active"]);
    }
}

fn beside<'a>(row: &'a Value, keys: &[&str]) -> Value {
    let own = row["custom_fields"].as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value));
    let beside: Vec<(String, &'a Value)> = keys.iter().map(|key| ((*key).to_owned(), &row[*key])).collect();
    values(own.chain(beside))
}

fn companies(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("name", row["name"].clone(), &record["name"]);
        told.same("domains", list(&row["domains"]), &record["domains"]);
        let keys = ["description", "note", "health_score", "account_tier", "renewal_date", "industry"];
        told.same("custom values", beside(row, &keys), &custom(record, &[]));
    }
}

fn contacts(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("name", row["name"].clone(), &record["name"]);
        told.same("address", something(&row["email"]), &record["emails"][0]);
        let phones = [&row["phone"], &row["mobile"]]
            .into_iter()
            .chain(row["other_phone_numbers"].as_array().into_iter().flatten());
        let phones: Vec<&Value> = phones.filter(|phone| !something(phone).is_null()).collect();
        told.same("phones", json!(phones), &record["phones"]);
        told.same("company", reference(&row["company_id"]), &record["companies"][0]);
        let keys = ["address", "job_title", "description", "twitter_id", "facebook_id", "unique_external_id"];
        told.same("custom values", beside(row, &keys), &custom(record, &[]));
    }
}

/// Of what a field is, by what its list says of customers.
fn scope_of(field: &Value) -> &'static str {
    match (field.get("displayed_to_customers"), field.get("displayed_for_customers")) {
        (Some(_), _) => "ticket",
        (None, Some(_)) => "contact",
        (None, None) => "company",
    }
}

fn fields(rows: &[Value], records: &[Value], told: &mut Differences) {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        let (scope, name) = (scope_of(row), text(&row["name"]));
        row["id"] = if scope == "ticket" { name.into() } else { format!("{scope}-{name}").into() };
    }
    for (row, record) in pairs(&rows, records, told) {
        told.same("title", row["label"].clone(), &record["title"]);
        let options = match &row["choices"] {
            Value::Array(all) => all.iter().map(text).collect::<Vec<_>>(),
            Value::Object(all) => all.keys().cloned().collect(),
            _ => vec![],
        };
        let labels: Vec<&Value> =
            record["options"].as_array().into_iter().flatten().map(|option| &option["label"]).collect();
        told.same("options", json!(options), &json!(labels));
    }
}

fn tickets(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("subject", row["subject"].clone(), &record["subject"]);
        for (what, key) in [
            ("requester", "requester_id"),
            ("assignee", "responder_id"),
            ("group", "group_id"),
            ("company", "company_id"),
            ("brand", "product_id"),
        ] {
            told.same(what, reference(&row[key]), &record[what]);
        }
        told.same("type", row["type"].clone(), &record["type"]);
        told.same("tags", list(&row["tags"]), &record["tags"]);
        told.same("due", row["due_by"].clone(), &record["due_at"]);
        told.same("custom values", beside(row, &[]), &custom(record, &["product", "support_email"]));
        let first = &record["comments"][0];
        told.same("time of the first message", row["created_at"].clone(), &first["created_at"]);
        let text =
            if something(&row["description"]).is_null() { &row["description_text"] } else { &row["description"] };
        told.same("first message", json!(text.as_str().unwrap_or_default()), &first["body"]);
        files(row, first, told);
    }
}

fn files(row: &Value, message: &Value, told: &mut Differences) {
    let listed = row["attachments"].as_array().into_iter().flatten();
    let listed: Vec<Value> =
        listed.map(|file| json!([text(&file["id"]), file["name"], file["content_type"], file["size"]])).collect();
    let files = message["attachments"].as_array().into_iter().flatten();
    let files: Vec<Value> = files
        .filter(|file| file["inline"] == false)
        .map(|file| json!([file["id"], file["name"], file["mime"], file["size"]]))
        .collect();
    told.same("files", json!(listed), &json!(files));
}

fn comments(rows: &[Value], records: &[Value], told: &mut Differences) {
    let messages = records.first().and_then(|record| record["comments"].as_array().cloned()).unwrap_or_default();
    let messages: Vec<Value> = messages.into_iter().filter(|message| message["id"] != "description").collect();
    // The answer to a survey that says nothing but how good it was.
    let is_rating =
        |row: &&Value| row["source"] == 6 && something(&row["body_text"]).is_null() && row["attachments"] == json!([]);
    let rows: Vec<Value> = rows.iter().filter(|row| !is_rating(row)).cloned().collect();
    for (row, message) in pairs(&rows, &messages, told) {
        told.same("author", reference(&row["user_id"]), &message["author"]);
        told.same("time", row["created_at"].clone(), &message["created_at"]);
        told.same(
            "visibility",
            json!(if row["private"] == true { "private" } else { "public" }),
            &message["visibility"],
        );
        told.same("text", row["body"].clone(), &message["body"]);
        files(row, message, told);
    }
}

fn shelves(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("name", row["name"].clone(), &record["name"]);
        told.same("description", row["description"].clone(), &record["description"]);
        told.same("parent", reference(&row["parent_folder_id"]), &record["parent"]);
    }
}

fn articles(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("title", row["title"].clone(), &record["title"]);
        told.same("text", row["description"].clone(), &record["body"]);
        told.same("author", reference(&row["agent_id"]), &record["author"]);
        told.same("section", reference(&row["folder_id"]), &record["section"]);
        told.same("draft", json!(row["status"] == 1), &record["draft"]);
        told.same("tags", list(&row["tags"]), &record["tags"]);
    }
}
