//! The account's small tables: groups, brands, forms, fields, statuses.

use super::store::HERE;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const GROUPS: [u64; 3] = [360_000_000_101, 360_000_000_102, 360_000_000_103];
pub const BRANDS: [u64; 2] = [360_000_000_201, 360_000_000_202];
pub const FORMS: [u64; 2] = [360_000_000_301, 360_000_000_302];
/// Custom fields of tickets, by what they hold.
pub const TEXT: u64 = 360_000_000_411;
pub const TEXTAREA: u64 = 360_000_000_412;
pub const CHECKBOX: u64 = 360_000_000_413;
pub const DATE: u64 = 360_000_000_414;
pub const INTEGER: u64 = 360_000_000_415;
pub const DECIMAL: u64 = 360_000_000_416;
pub const TAGGER: u64 = 360_000_000_417;
pub const MULTISELECT: u64 = 360_000_000_418;
pub const REGEXP: u64 = 360_000_000_419;

/// Values of [`TAGGER`]: what tickets hold, and tags too.
pub const PRODUCTS: [(&str, &str); 3] =
    [("product_printer", "Hardware::Printer"), ("product_app", "Software::App <beta>"), ("product_misc", "Übriges")];
/// Values of [`MULTISELECT`].
pub const CHANNELS: [(&str, &str); 3] = [("heard_web", "Web"), ("heard_friend", "A friend"), ("heard_other", "Other…")];

const CUSTOM: [(u64, &str, &str); 9] = [
    (TEXT, "text", "Order no."),
    (TEXTAREA, "textarea", "What was tried"),
    (CHECKBOX, "checkbox", "Under warranty?"),
    (DATE, "date", "Bought on"),
    (INTEGER, "integer", "Pieces"),
    (DECIMAL, "decimal", "Price (€)"),
    (TAGGER, "tagger", "Product"),
    (MULTISELECT, "multiselect", "Heard of us by"),
    (REGEXP, "regexp", "Serial <no>"),
];

const SYSTEM: [(&str, &str); 8] = [
    ("subject", "Subject"),
    ("description", "Description"),
    ("status", "Status"),
    ("tickettype", "Type"),
    ("priority", "Priority"),
    ("group", "Group"),
    ("assignee", "Assignee"),
    ("custom_status", "Ticket status"),
];

const BEGAN: &str = "2021-02-01T08:00:00Z";

/// Statuses by category; the last two are not defaults.
pub const STATUSES: [(u64, &str, &str, bool); 7] = [
    (360_000_000_501, "new", "New", true),
    (360_000_000_502, "open", "Open", true),
    (360_000_000_503, "pending", "Pending", true),
    (360_000_000_504, "hold", "On-hold", true),
    (360_000_000_505, "solved", "Solved", true),
    (360_000_000_506, "pending", "Waiting for parts", false),
    (360_000_000_507, "open", "In der Werkstatt", false),
];

pub fn row(resource: &str, id: u64, rest: Value) -> Value {
    let mut row = json!({ "url": format!("{HERE}/api/v2/{resource}/{id}.json"), "id": id });
    merge(&mut row, rest);
    merge(&mut row, json!({ "created_at": BEGAN, "updated_at": BEGAN }));
    row
}

pub fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn options(base: u64, values: &[(&str, &str)]) -> Value {
    let option = |(n, (value, name)): (u64, &(&str, &str))| {
        let id = base + n;
        json!({ "id": id, "name": name, "raw_name": name, "value": value, "default": n == 0 })
    };
    (0..).zip(values).map(option).collect()
}

pub fn field(id: u64, position: usize, kind: &str, title: &str, removable: bool) -> Value {
    let mut rest = json!({
        "type": kind, "title": title, "raw_title": title, "description": "", "raw_description": "",
        "position": position, "active": true, "required": false, "collapsed_for_agents": false,
        "regexp_for_validation": (kind == "regexp").then_some("[A-Z]{2}-[0-9]{4}"),
        "title_in_portal": title, "raw_title_in_portal": title, "visible_in_portal": true, "editable_in_portal": true,
        "required_in_portal": false, "tag": (kind == "checkbox").then_some("warranty"), "removable": removable,
        "agent_description": null,
    });
    let listed = match kind {
        "tagger" => Some(options(360_000_000_450, &PRODUCTS)),
        "multiselect" => Some(options(360_000_000_460, &CHANNELS)),
        _ => None,
    };
    if let Some(listed) = listed {
        rest["custom_field_options"] = listed;
    }
    row("ticket_fields", id, rest)
}

pub fn party_field(resource: &str, id: u64, kind: &str, key: &str, title: &str) -> Value {
    let mut rest = json!({
        "type": kind, "key": key, "title": title, "raw_title": title, "description": "", "raw_description": "",
        "position": 9999, "active": true, "system": false, "regexp_for_validation": null,
    });
    if kind == "dropdown" {
        rest["custom_field_options"] = options(360_000_000_470, &[("tier_gold", "Gold"), ("tier_silver", "Silver")]);
    }
    row(resource, id, rest)
}

/// A custom status, without its id.
pub fn status(category: &str, label: &str, shown: &str, default: bool) -> Value {
    json!({
        "status_category": category, "agent_label": label, "raw_agent_label": label, "end_user_label": shown,
        "raw_end_user_label": shown, "description": "", "raw_description": "", "end_user_description": "",
        "raw_end_user_description": "", "active": true, "default": default,
    })
}

/// All tables that do not depend on the seed.
pub fn tables() -> BTreeMap<&'static str, Vec<Value>> {
    let group = |(id, name): (u64, &str)| {
        let rest = json!({
            "name": name, "description": "", "default": id == GROUPS[0], "deleted": false, "is_public": true,
        });
        row("groups", id, rest)
    };
    // Only the first one's help center is here: the other has a host of its own, which answers nobody.
    let brand = |(id, name): (u64, &str)| {
        let (url, subdomain) = match id == BRANDS[0] {
            true => (HERE.to_owned(), "acme"),
            false => ("https://acme-parts.zendesk.example".to_owned(), "acme-parts"),
        };
        let rest = json!({
            "name": name, "brand_url": url, "subdomain": subdomain, "host_mapping": null, "has_help_center": true,
            "help_center_state": "enabled", "active": true, "default": id == BRANDS[0],
            "is_deleted": false, "logo": null, "ticket_form_ids": FORMS, "signature_template": "{{agent.signature}}",
        });
        row("brands", id, rest)
    };
    let form = |(id, name): (u64, &str)| {
        let rest = json!({
            "name": name, "raw_name": name, "display_name": name, "raw_display_name": name, "end_user_visible": true,
            "position": 1, "ticket_field_ids": CUSTOM.map(|(id, _, _)| id), "active": true, "default": id == FORMS[0],
            "in_all_brands": true, "restricted_brand_ids": [], "agent_conditions": [], "end_user_conditions": [],
        });
        row("ticket_forms", id, rest)
    };
    let status = |(id, category, label, default): (u64, &str, &str, bool)| {
        row("custom_statuses", id, status(category, label, label, default))
    };
    let system = (0..).zip(SYSTEM).map(|(n, (kind, title))| field(360_000_000_401 + n as u64, n, kind, title, false));
    let custom = (SYSTEM.len()..).zip(CUSTOM).map(|(n, (id, kind, title))| field(id, n, kind, title, true));
    BTreeMap::from([
        ("groups", GROUPS.into_iter().zip(["Support", "Buchhaltung", "2nd level"]).map(group).collect()),
        ("brands", BRANDS.into_iter().zip(["Acme", "Zubehör"]).map(brand).collect()),
        ("ticket_forms", FORMS.into_iter().zip(["Default", "Repair"]).map(form).collect()),
        ("custom_statuses", STATUSES.into_iter().map(status).collect()),
        ("ticket_fields", system.chain(custom).collect()),
        (
            "user_fields",
            vec![
                party_field("user_fields", 360_000_000_431, "text", "customer_no", "Customer no."),
                party_field("user_fields", 360_000_000_432, "dropdown", "tier", "Tier"),
            ],
        ),
        (
            "organization_fields",
            vec![party_field("organization_fields", 360_000_000_441, "text", "contract", "Contract")],
        ),
    ])
}
