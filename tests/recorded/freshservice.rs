//! What was recorded of Freshservice: lists of tickets, agents and groups.

use crate::compare::{Differences, custom, list, pairs, reference, something, values};
use crate::stream::{Platform, Stream, all, none};
use deskferry::record::Kind;
use serde_json::{Value, json};

pub const PLATFORM: Platform = Platform {
    name: "freshservice",
    asked: &[],
    own: &["custom_fields"],
    account: &[],
    others: &[("/roles", "what an agent may do is given anew in the target")],
    streams: &[
        Stream {
            name: "group",
            kind: Kind::Group,
            at: &["/groups"],
            under: &["groups"],
            mine: all,
            desk: |rows| vec![("/groups".into(), json!({"groups": rows}))],
            behind: none,
            compare: groups,
        },
        Stream {
            name: "agent",
            kind: Kind::Agent,
            at: &["/agents"],
            under: &["agents"],
            mine: all,
            desk: |rows| vec![("/agents".into(), json!({"agents": rows}))],
            behind: none,
            compare: agents,
        },
        Stream {
            name: "ticket",
            kind: Kind::Ticket,
            at: &["/tickets"],
            under: &["tickets"],
            mine: all,
            desk: |rows| {
                let each = rows.iter().flat_map(|row| {
                    let at = format!("/tickets/{}", row["id"]);
                    let mut whole = row.clone();
                    whole["tags"] = json!([]);
                    [
                        (format!("{at}/conversations"), json!({"conversations": []})),
                        (format!("{at}/time_entries"), json!({"time_entries": []})),
                        (at, json!({"ticket": whole})),
                    ]
                });
                let lists =
                    ["/tickets?filter=deleted", "/tickets?filter=spam"].map(|at| (at.into(), json!({"tickets": []})));
                let others = ["problems", "changes"].map(|name| (format!("/{name}"), json!({name: []})));
                let fields = ("/ticket_form_fields".into(), json!({"ticket_fields": []}));
                each.chain(lists).chain(others).chain([fields, ("/tickets".into(), json!({"tickets": rows}))]).collect()
            },
            behind: none,
            compare: tickets,
        },
    ],
};

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
        let names = [&row["first_name"], &row["last_name"]].into_iter().filter_map(Value::as_str);
        told.same("name", json!(names.collect::<Vec<_>>().join(" ")), &record["name"]);
        told.same("address", something(&row["email"]), &record["emails"][0]);
        told.same("phone", something(&row["work_phone_number"]), &record["phones"][0]);
        let kept = ["address", "job_title", "background_information", "external_id", "signature"];
        let kept = values(kept.map(|key| (key.to_owned(), &row[key])));
        told.same("custom values", kept, &custom(record, &[]));
        told.same("works there", row["active"].clone(), &record["active"]);
    }
}

fn tickets(rows: &[Value], records: &[Value], told: &mut Differences) {
    for (row, record) in pairs(rows, records, told) {
        times(row, record, told);
        told.same("subject", row["subject"].clone(), &record["subject"]);
        told.same("requester", reference(&row["requested_for_id"]), &record["requester"]);
        told.same("submitter", reference(&row["requester_id"]), &record["submitter"]);
        told.same("assignee", reference(&row["responder_id"]), &record["assignee"]);
        told.same("group", reference(&row["group_id"]), &record["group"]);
        told.same("type", row["type"].clone(), &record["type"]);
        told.same("due", row["due_by"].clone(), &record["due_at"]);
        told.same("in copy", list(&row["cc_emails"]), &record["ccs"]);
        let first = &record["comments"][0];
        let text =
            if something(&row["description"]).is_null() { &row["description_text"] } else { &row["description"] };
        told.same("first message", json!(text.as_str().unwrap_or_default()), &first["body"]);
        told.same("time of the first message", row["created_at"].clone(), &first["created_at"]);
    }
}
