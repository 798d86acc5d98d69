//! Every rule of a mapping, as `docs/mapping.md` has it, seen in the target.

use crate::policies::Folder;
use serde_json::{Value, json};

const MAPPING: &str = r#"
[ticket.status]
values = { "Odd" = "Pending" }
else   = "Resolved"
[ticket.priority]
jq      = 'if (.tags | index("gold")) then "Urgent" else .priority end'
default = "Low"
[ticket.type]
values  = { "Bug" = "Problem" }
else    = "drop"
default = "Question"
[ticket.group]
values  = { "Support" = "Tier 2" }
else    = "Billing"
default = "Ops & Infrastructure"
[ticket.channel]
values = { "fax" = "phone" }
[ticket.subject]
jq = '.subject | ltrimstr("[EXT] ")'
[ticket.requester]
jq = 'if .requester == "9" then "8" else .requester end'
[ticket.assignee]
jq = '.assignee // "a1"'
[ticket.tags]
rename = { "gold" = "vip" }
remove = ["junk"]
add    = ["moved"]
[ticket.custom.Bought]
to = "Purchased on"
[ticket.custom.Area]
to     = "cf_region"
values = { "EMEA" = "Europe" }
else   = "Americas"
[ticket.custom.Moved]
to    = "VIP"
value = true
[ticket.custom.Pieces]
to      = "cf_quantity"
default = 1
[ticket.custom.Price]
to = "Amount"
jq = 'tonumber / 100'
[ticket.custom."Full name"]
to    = "cf_steps_to_reproduce"
value = { jq = '[.fields["First name"], .fields["Last name"]] | map(select(. != null)) | join(" ")' }
[ticket.custom.City]
to    = "cf_order_number"
value = { jq = '.fields.Address // "" | split(", ")[1]' }
[ticket.custom.Address]
drop = true
[ticket.custom."First name"]
drop = true
[ticket.custom."Last name"]
drop = true
[redact]
subject = ["card"]
body    = ["iban", { jq = 'gsub("pin [0-9]+"; "pin …")' }]
custom  = ["email"]
[people]
agents   = { "Ann@old.example" = "admin@acme.example" }
contacts = { "bob@old.example" = "robert@new.example" }
missing  = "default:night.shift@acme.example"
"#;

fn records() -> Vec<(&'static str, Vec<Value>)> {
    let person = |id: &str, name: &str, email: &str| json!({"id": id, "name": name, "emails": [email]});
    let field = |key: &str, kind: &str, options: &[&str]| {
        let options: Vec<Value> = options.iter().map(|label| json!({"label": label, "value": label})).collect();
        json!({"id": key, "scope": "ticket", "key": key, "title": key, "type": kind, "options": options})
    };
    let say = |body: &str| json!([{"id": "m", "author": "7", "format": "text", "body": body}]);
    let custom = |values: &[(&str, Value)]| -> Vec<Value> {
        values.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
    };
    vec![
        ("group", vec![json!({"id": "g1", "name": "Support"}), json!({"id": "g2", "name": "Elsewhere"})]),
        ("agent", vec![person("a1", "Ann", "ann@old.example"), person("a2", "Gone", "gone@old.example")]),
        ("contact", vec![person("7", "Bob", "bob@old.example"), person("8", "Carol", "carol@old.example")]),
        (
            "field",
            vec![
                field("Area", "select", &["EMEA", "Mars"]),
                field("Bought", "date", &[]),
                field("Pieces", "number", &[]),
                field("Price", "number", &[]),
                field("First name", "text", &[]),
                field("Last name", "text", &[]),
                field("Address", "text", &[]),
            ],
        ),
        (
            "ticket",
            vec![
                json!({
                    "id": "1", "subject": "[EXT] card 4111 1111 1111 1111", "status": "Odd", "priority": "Low", "type": "Bug",
                    "channel": "fax", "group": "g1", "assignee": "a1", "requester": "7", "tags": ["Gold", "gold", "junk", "keep"],
                    "custom": custom(&[
                        ("Area", json!("EMEA")), ("Bought", json!("2024-05-01")), ("Pieces", json!(5)), ("Price", json!(1990)),
                        ("First name", json!("Ada")), ("Last name", json!("by ada@old.example")), ("Address", json!("1 Main St, London")),
                    ]),
                    "comments": say("IBAN DE89 3704 0044 0532 0130 00, pin 1234."),
                }),
                json!({
                    "id": "2", "subject": "plain", "status": "Never heard of", "type": "Odder", "group": "g2", "assignee": "a2",
                    "requester": "9", "custom": custom(&[("Area", json!("Mars"))]), "comments": say("Nothing to hide."),
                }),
                json!({"id": "3", "subject": "bare", "status": "Open", "requester": "8", "comments": say("Hello.")}),
            ],
        ),
    ]
}

fn moved(platform: &str, mapping: &str) -> Folder {
    let records = records();
    let records: Vec<(&str, &[Value])> = records.iter().map(|(kind, rows)| (*kind, rows.as_slice())).collect();
    let all = Folder::of(platform, &records, mapping);
    all.succeeds();
    all
}

/// What a row of the target's state with this value is called elsewhere.
fn named<'a>(state: &'a Value, table: &str, id: &Value, name: &str) -> &'a Value {
    let rows = state[table].as_array().unwrap_or_else(|| panic!("no {table}"));
    rows.iter().find(|row| row["id"] == *id).map_or(&Value::Null, |row| &row[name])
}

#[test]
fn each_rule_does_in_the_target_what_its_page_says() {
    let all = moved("freshdesk", MAPPING);
    let state = all.target.state();
    let ticket = |subject: &str| {
        let mut tickets = state["tickets"].as_array().unwrap().iter();
        let ticket = tickets.find(|ticket| ticket["subject"] == subject).unwrap_or_else(|| panic!("no {subject}"));
        let group = named(&state, "groups", &ticket["group_id"], "name").clone();
        let agent = named(&state, "agents", &ticket["responder_id"], "email").clone();
        let requester = named(&state, "contacts", &ticket["requester_id"], "email").clone();
        let custom = ticket["custom_fields"].clone();
        (ticket.clone(), json!([group, agent, requester]), custom)
    };
    let (first, people, custom) = ticket("card (card removed)");
    assert_eq!(
        people,
        json!(["Tier 2", "admin@acme.example", "robert@new.example"]),
        "groups and people by their tables"
    );
    assert_eq!([&first["status"], &first["priority"], &first["source"]], [3, 4, 3], "values, a jq, values of channels");
    assert_eq!(first["type"], "Problem");
    assert_eq!(first["tags"], json!(["vip", "keep", "moved"]), "renamed and once, removed, added");
    assert_eq!(custom["cf_region"], "Europe");
    assert_eq!(custom["cf_purchased_on"], "2024-05-01", "renamed");
    assert_eq!(
        [&custom["cf_quantity"], &custom["cf_amount"]],
        [&json!(5), &json!(19.9)],
        "no default; a jq of the value"
    );
    assert_eq!(custom["cf_vip"], true, "a constant");
    assert_eq!(custom["cf_order_number"], "London", "one field split");
    assert_eq!(custom["cf_steps_to_reproduce"], "Ada by ada@old.example", "two fields combined");
    let body = first["description"].as_str().unwrap();
    assert!(body.contains("(iban removed), pin …."), "{body}");

    let (second, people, custom) = ticket("plain");
    assert_eq!(people, json!(["Billing", "night.shift@acme.example", "carol@old.example"]), "else, missing, a jq");
    assert_eq!([&second["status"], &second["priority"]], [4, 1], "else and default");
    assert_eq!(second["type"], Value::Null, "else = drop");
    assert_eq!([&custom["cf_region"], &custom["cf_quantity"]], [&json!("Americas"), &json!(1)], "else and default");

    let (third, people, _) = ticket("bare");
    assert_eq!(people, json!(["Ops & Infrastructure", "admin@acme.example", "carol@old.example"]), "defaults");
    assert_eq!(third["type"], "Question", "a ticket that has none");
    let report = all.report();
    let lost = |id: &str| report.lines().find(|l| l.starts_with(&format!("ticket,{id},"))).unwrap().to_owned();
    assert!(!lost("1").contains("field_dropped"), "what is left out on purpose is no loss: {}", lost("1"));
    assert!(lost("1").contains("redacted="), "{}", lost("1"));
}

#[test]
fn else_fail_fails_a_ticket_whatever_the_label_is_of() {
    let strict = "[ticket.status]\nelse = \"Open\"\n[ticket.type]\nelse = \"fail\"\n[ticket.group]\nelse = \"fail\"\n";
    let records = records();
    let records: Vec<(&str, &[Value])> = records.iter().map(|(kind, rows)| (*kind, rows.as_slice())).collect();
    let all = Folder::of("freshdesk", &records, strict);
    let report = all.ends(&["run"], 3);
    assert!(report.is_empty(), "{report}");
    let report = all.report();
    let failed = report.lines().filter(|l| l.starts_with("ticket,") && l.contains(",failed,unmapped_value,")).count();
    assert_eq!(failed, 2, "the third has neither a type nor a group\n{report}");
}

#[test]
fn dates_in_a_header_are_a_choice_where_the_target_holds_them_too() {
    let mapping = "[ticket.status]\nelse = \"Open\"\n[ticket.type]\nelse = \"drop\"\n";
    let says = |all: &Folder| all.target.state().to_string().contains("Originally");
    assert!(!says(&moved("zendesk", mapping)));
    assert!(says(&moved("zendesk", &format!("{mapping}[dates]\nstyle = \"header\"\n"))));
}
