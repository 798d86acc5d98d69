//! Custom fields whose titles are not unique: none of their values vanishes, and what was made is known by its id.

use crate::policies::Folder;
use serde_json::{Value, json};

fn field(key: &str, title: &str, kind: &str, options: &[&str]) -> Value {
    let options: Vec<Value> = options.iter().map(|o| json!({ "label": o, "value": o })).collect();
    json!({ "id": key, "scope": "ticket", "key": key, "title": title, "type": kind, "options": options })
}

fn ticket(id: &str, custom: &[(&str, &str)]) -> Value {
    let custom: Vec<Value> = custom.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let comment = json!({ "id": "1", "author": "7", "format": "text", "body": "hello" });
    json!({ "id": id, "subject": id, "status": "Open", "priority": "Medium", "requester": "7", "custom": custom, "comments": [comment] })
}

fn folder(platform: &str, fields: &[Value], tickets: &[Value], mapping: &str) -> Folder {
    let contact = json!({ "id": "7", "name": "Ann", "emails": ["ann@example.com"] });
    Folder::of(platform, &[("field", fields), ("ticket", tickets), ("contact", &[contact])], mapping)
}

/// Title and value of each custom field of each ticket that has one, in the order of subjects.
fn values(all: &Folder) -> Vec<Vec<(String, String)>> {
    let state = all.target.state();
    let mut tickets = state["tickets"].as_array().unwrap().clone();
    tickets.sort_by_key(|ticket| ticket["subject"].to_string());
    let title = |key: &str| {
        let of_zendesk = state["tables"]["ticket_fields"].as_array().into_iter().flatten();
        let all = of_zendesk.chain(state["ticket_fields"].as_array().into_iter().flatten());
        let mut found = all.filter(|field| {
            field["name"] == key || field["id"].as_u64().is_some_and(|id| key == id.to_string().as_str())
        });
        let found = found.next().unwrap_or_else(|| panic!("no field {key}"));
        found["title"].as_str().or(found["label"].as_str()).unwrap().to_owned()
    };
    let of = |ticket: &Value| match &ticket["custom_fields"] {
        Value::Array(rows) => rows.iter().map(|row| (row["id"].to_string(), row["value"].clone())).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    let shown = |(key, value): (String, Value)| Some((title(&key), value.as_str()?.to_owned()));
    let ours = |(title, _): &(String, String)| title != "Deskferry";
    tickets.iter().map(|ticket| of(ticket).into_iter().filter_map(shown).filter(ours).collect()).collect()
}

#[test]
fn values_of_fields_of_one_title_are_joined_or_told_before_and_by_ticket() {
    let fields = [
        field("f1", "Order number", "text", &[]),
        field("f2", "order number ", "text", &[]),
        field("s1", "Sector", "select", &["EU"]),
        field("s2", "Sector", "select", &["US"]),
    ];
    let tickets =
        [ticket("a", &[("f1", "one"), ("f2", "two"), ("s1", "EU"), ("s2", "US")]), ticket("b", &[("f2", "three")])];
    let all = folder("freshdesk", &fields, &tickets, "");
    all.target.sent(
        "POST",
        "/api/v2/admin/ticket_fields",
        &json!({ "label": "Sector", "label_for_customers": "Sector",
        "type": "custom_dropdown", "choices": [{ "value": "EU", "position": 1 }, { "value": "US", "position": 2 }] }),
    );
    all.said(&["stage"]);
    let table = all.said(&["map", "--coverage"]);
    let told = |title: &str, what: &str| table.lines().filter(|l| l.contains(title) && l.contains(what)).count();
    assert_eq!(told("Order", "1 more of the source go there: values of one ticket are joined"), 2, "{table}");
    assert_eq!(told("Sector", "the first is kept, the others are lost"), 2, "{table}");
    let checked = all.heard(&["check"], 0);
    assert!(checked.contains("`Sector` (s1), `Sector` (s2) all go to the field `Sector` of the target"), "{checked}");
    all.succeeds();
    let [a, b] = &values(&all)[..] else { panic!("two tickets") };
    let value =
        |of: &[(String, String)], title: &str| of.iter().find(|(t, _)| t == title).map(|(_, value)| value.clone());
    assert_eq!((value(a, "Order number"), value(a, "Sector")), (Some("one; two".into()), Some("EU".into())));
    assert_eq!(value(b, "Order number").as_deref(), Some("three"));
    let report = all.report();
    let losses = |id: &str| report.lines().find(|l| l.starts_with(&format!("ticket,{id},"))).unwrap().to_owned();
    assert!(losses("a").contains(",value_dropped=1,") && !losses("b").contains("value_dropped"), "{report}");
}

/// `create = true` for a title that several fields have: each is made, and known by its id whatever it is called since.
#[test]
fn fields_of_one_title_are_each_made_and_known_by_id_from_then_on() {
    for platform in ["freshdesk", "zendesk"] {
        let fields = [field("10", "Contract", "text", &[]), field("9", "Contract", "text", &[])];
        let tickets = [ticket("a", &[("9", "nine"), ("10", "ten")]), ticket("b", &[("10", "zehn")])];
        let all = folder(platform, &fields, &tickets, "[ticket.custom.Contract]\ncreate = true\n");
        all.succeeds();
        let pair = |title: &str, value: &str| (title.to_owned(), value.to_owned());
        let sorted = |mut of: Vec<(String, String)>| {
            of.sort();
            of
        };
        let found: Vec<_> = values(&all).into_iter().map(sorted).collect();
        let wanted = [vec![pair("Contract", "nine"), pair("Contract (2)", "ten")], vec![pair("Contract (2)", "zehn")]];
        assert_eq!(found, wanted, "{platform}");
        let report = all.report();
        assert!(report.lines().any(|l| l.starts_with("field,10,") && l.contains(",created,renamed=1,")), "{report}");

        // Somebody gives each the other's title.
        let state = all.target.state();
        let rows = state["tables"]["ticket_fields"].as_array().or(state["ticket_fields"].as_array()).unwrap().clone();
        for (was, title) in [("Contract (2)", "Swap"), ("Contract", "Contract (2)"), ("Swap", "Contract")] {
            let of = |row: &&Value| row["title"] == was || row["label"] == was;
            let id = match was {
                "Swap" => rows.iter().find(|row| row["title"] == "Contract (2)" || row["label"] == "Contract (2)"),
                _ => rows.iter().find(of),
            };
            let id = id.unwrap()["id"].to_string();
            let (path, body) = match platform {
                "zendesk" => {
                    (format!("/api/v2/ticket_fields/{id}.json"), json!({ "ticket_field": { "title": title } }))
                }
                _ => (format!("/api/v2/admin/ticket_fields/{id}"), json!({ "label": title })),
            };
            all.target.sent("PUT", &path, &body);
        }
        let late = [ticket("c", &[("9", "neuf"), ("10", "dix")])];
        let lines: String = tickets.iter().chain(&late).map(|row| format!("{row}\n")).collect();
        all.put("in/ticket.jsonl", lines.as_bytes());
        all.succeeds();
        let last = sorted(values(&all).remove(2));
        assert_eq!(last, [pair("Contract", "dix"), pair("Contract (2)", "neuf")], "{platform}: by id, not by title");
    }
}

/// Triggers and views of a Zendesk look for the tags of options.
#[test]
fn options_made_in_a_zendesk_keep_the_tags_of_the_zendesk_they_come_from() {
    let option = |label: &str, value: &str| json!({ "label": label, "value": value });
    let select = |key: &str, title: &str, options: &[Value]| json!({ "id": key, "scope": "ticket", "key": key, "title": title, "type": "select", "options": options });
    let fields = [
        select("1", "Topics", &[option("Billing", "topic_billing"), option("Other", "other")]),
        select("2", "Plan", &[option("Free", "free_plan"), option("Other", "other")]),
    ];
    let tickets =
        [ticket("a", &[("1", "topic_billing"), ("2", "free_plan")]), ticket("b", &[("1", "other"), ("2", "other")])];
    let mapping = "[ticket.custom.Topics]\ncreate = true\n[ticket.custom.Plan]\ncreate = true\n";
    let all = folder("zendesk", &fields, &tickets, mapping);
    all.succeeds();
    let state = all.target.state();
    let made = |title: &str| {
        let fields = state["tables"]["ticket_fields"].as_array().unwrap();
        let field = fields.iter().find(|field| field["title"] == title).unwrap();
        let values = field["custom_field_options"].as_array().unwrap().iter().map(|option| option["value"].clone());
        Value::Array(values.collect())
    };
    assert_eq!(made("Topics"), json!(["topic_billing", "topics_other"]), "what two fields have is nobody's");
    assert_eq!(made("Plan"), json!(["free_plan", "plan_other"]));
    let pair = |title: &str, value: &str| (title.to_owned(), value.to_owned());
    let found: Vec<_> =
        values(&all).into_iter().map(|of| of.into_iter().collect::<std::collections::BTreeSet<_>>()).collect();
    let wanted = [
        [pair("Topics", "topic_billing"), pair("Plan", "free_plan")].into(),
        [pair("Topics", "topics_other"), pair("Plan", "plan_other")].into(),
    ];
    assert_eq!(found, wanted);
}
