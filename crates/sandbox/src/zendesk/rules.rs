//! What an account is set up with and no migration carries: triggers, automations, macros, service levels.

use super::tables::row;
use serde_json::{Value, json};

const TRIGGERS: [(&str, bool); 5] = [
    ("Notify requester of received request", true),
    ("Notify requester of comment update", true),
    ("Notify assignee of assignment", true),
    ("Reparatur → In der Werkstatt", true),
    ("Old: tag <vip> customers", false),
];
const AUTOMATIONS: [(&str, bool); 2] =
    [("Close ticket 4 days after status is set to solved", true), ("Pending notification 24 hours", false)];
const MACROS: [(&str, bool); 4] = [
    ("Customer not responding", true),
    ("Downgrade and inform", true),
    ("Close and redirect to topics", true),
    ("Garantie: Teile bestellt", true),
];

/// One of the lists, if that is its name.
pub fn listed(resource: &str) -> Option<Vec<Value>> {
    let (base, all): (u64, &[(&str, bool)]) = match resource {
        "triggers" => (360_000_000_601, &TRIGGERS),
        "automations" => (360_000_000_621, &AUTOMATIONS),
        "macros" => (360_000_000_641, &MACROS),
        _ => return None,
    };
    let rule = |(n, (title, active)): (u64, &(&str, bool))| {
        row(resource, base + n, json!({ "title": title, "raw_title": title, "active": active, "position": n + 1 }))
    };
    Some((0..).zip(all).map(rule).collect())
}

/// Service levels come whole.
pub fn policies() -> Value {
    let policy =
        json!({ "title": "Incidents", "description": "For urgent incidents: respond in one hour.", "position": 1 });
    json!({ "sla_policies": [row("slas/policies", 360_000_000_661, policy)], "count": 1, "next_page": null, "previous_page": null })
}
