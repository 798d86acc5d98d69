//! What the target requires of a ticket: told before, and never asked of it in vain.

use crate::moving::{Move, Trouble};
use serde_json::{Value, json};

/// Has the target demand a field, as its admin would.
fn requirement(all: &Move, label: &str, flag: &str) {
    let state = all.target.state();
    let field = state["ticket_fields"].as_array().unwrap().iter().find(|f| f["label"] == label).unwrap();
    let address = format!("{}/api/v2/admin/ticket_fields/{}", all.target.told("url"), field["id"]);
    let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
    let key = base64(&format!("{}:X", all.target.key()));
    let sent = agent.put(&address).header("Authorization", &format!("Basic {key}"));
    let sent = sent.header("Content-Type", "application/json").send(json!({ flag: true }).to_string());
    sent.unwrap_or_else(|e| panic!("{label}: {e}"));
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn preview(all: &Move, code: i32) -> Value {
    assert_eq!(all.run(&["preview", "--all"]), code, "{}", all.said("stderr.txt"));
    serde_json::from_str(&std::fs::read_to_string(all.project.path().join("preview.json")).unwrap()).unwrap()
}

fn add(all: &Move, rules: &str) {
    let file = all.project.path().join("mapping.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n{rules}")).unwrap();
}

/// Tickets the target was asked to make, and those it refused.
fn asked(all: &Move) -> (usize, usize) {
    let calls = all.target.calls();
    let made: Vec<&Value> = calls.iter().filter(|c| c["method"] == "POST" && c["path"] == "/api/v2/tickets").collect();
    (made.len(), made.iter().filter(|c| c["status"] == 400).count())
}

#[test]
fn what_nothing_fills_is_in_the_way_until_a_rule_gives_it_a_value() {
    let all = Move::new(30, Trouble::default());
    requirement(&all, "Region", "required_for_agents");
    let report = preview(&all, 6);
    let blocker = report["blockers"][0]["what"].as_str().unwrap();
    assert_eq!(blocker, "the target requires `Region` for tickets, and no rule gives a value");
    assert!(report["blockers"][0]["hint"].as_str().unwrap().contains("default"));
    assert_eq!(all.run(&["map", "--coverage"]), 0);
    assert!(all.said("stdout.txt").lines().any(|l| l.contains("Region") && l.contains("the target requires a value")));
    assert_eq!(all.run(&["check"]), 6);
    assert_eq!(all.run(&["run"]), 6);
    assert_eq!(asked(&all), (0, 0), "nothing was sent in vain");
    add(&all, "[ticket.custom.Region]\ndefault = \"Europe\"\n");
    assert_eq!(all.run(&["check"]), 0, "{}", all.said("stderr.txt"));
    assert_eq!(preview(&all, 0)["blockers"], json!([]));
    all.succeeds();
    assert_eq!(asked(&all).1, 0);
    let state = all.target.state();
    let tickets = state["tickets"].as_array().unwrap();
    assert!(tickets.len() > 20 && tickets.iter().all(|t| t["custom_fields"]["cf_region"] == "Europe"));
}

#[test]
fn a_settled_ticket_without_what_closing_demands_is_counted_before_and_not_sent() {
    let all = Move::new(60, Trouble::default());
    requirement(&all, "Order number", "required_for_closure");
    let report = preview(&all, 6);
    let blocker = &report["blockers"][0];
    assert_eq!(blocker["reason"], "demanded");
    assert!(blocker["what"].as_str().unwrap().contains("`Order number` for solved or closed tickets"), "{blocker}");
    let (foretold, examples) = (blocker["records"].as_u64().unwrap(), blocker["examples"].as_array().unwrap());
    assert!(foretold > 3 && examples.len() == 3, "{blocker}");
    let page = std::fs::read_to_string(all.project.path().join("preview.html")).unwrap();
    assert!(page.contains("records would be refused, such as"));
    assert_eq!(all.run(&["preview", "--approve"]), 6);
    let few: Value =
        serde_json::from_str(&std::fs::read_to_string(all.project.path().join("preview.json")).unwrap()).unwrap();
    assert_eq!(few["blockers"][0]["what"], blocker["what"], "the few that are shown have such a one");

    assert_eq!(all.run(&["run"]), 3, "{}", all.said("stderr.txt"));
    assert!(all.said("stderr.txt").contains("hint: say `default = \"…\"` under [ticket.custom.\"Order number\"]"));
    let (made, refused) = asked(&all);
    assert_eq!(refused, 0, "nothing was sent in vain");
    assert_eq!(all.run(&["report", "--format", "csv"]), 0);
    let failed = all.said("stdout.txt").lines().filter(|l| l.contains(",failed,demanded,")).count();
    assert_eq!(failed as u64, foretold, "as foretold");
    add(&all, "[ticket.custom.\"Order number\"]\ndefault = \"none\"\n");
    assert_eq!(all.run(&["retry", "--reason", "demanded"]), 0, "{}", all.said("stderr.txt"));
    assert_eq!(asked(&all), (made + failed, 0));
    let state = all.target.state();
    let given = state["tickets"].as_array().unwrap().iter().filter(|t| t["custom_fields"]["cf_order_number"] == "none");
    assert_eq!(given.count(), failed, "none but those took the default");
}

#[test]
fn a_type_and_a_group_the_platform_demands_of_its_own_take_the_default_of_their_rules() {
    let all = Move::new(30, Trouble::default());
    requirement(&all, "Type", "required_for_agents");
    requirement(&all, "Group", "required_for_agents");
    let report = preview(&all, 6);
    let blockers = report["blockers"].to_string();
    assert!(blockers.contains("`Type`") && blockers.contains("under [ticket.type]"), "{blockers}");
    let file = all.project.path().join("mapping.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let rules = "[ticket.type]\nelse = \"Question\"\ndefault = \"Question\"\n[ticket.group]\nelse = \"Billing\"\ndefault = \"Tier 2\"\n";
    std::fs::write(&file, format!("{rules}{text}")).unwrap();
    assert_eq!(preview(&all, 0)["blockers"], json!([]));
    all.succeeds();
    assert_eq!(asked(&all).1, 0);
}
