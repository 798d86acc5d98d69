//! What a source does not show: no value changes in silence for want of it, and `leave_out` says on purpose that it is lost.

use crate::desks::{Desk, Options};
use crate::vendors::Project;
use serde_json::Value;

const TICKETS: usize = 30;

/// Out of a Zendesk into files, without side conversations.
fn out_of_zendesk(flags: &[&str]) -> Project {
    let flags = [&["--lag", "0"], flags].concat();
    let options = Options { platform: "zendesk", tickets: TICKETS, faults: None, flags: &flags };
    Project::out_of(Desk::start(&options), "side_conversations = \"no\"\n")
}

/// Says under `[source]` what is left out.
fn leave_out(project: &Project, what: &str) {
    let file = project.at("migration.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text.replace("[target]", &format!("leave_out = [{what}]\n[target]"))).unwrap();
}

/// The tickets that were written.
fn tickets(project: &Project) -> Vec<Value> {
    let text = std::fs::read_to_string(project.at("out/ticket.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn loses(ticket: &Value, loss: &str) -> bool {
    ticket["unread"].as_array().into_iter().flatten().any(|unread| unread["loss"] == loss)
}

#[test]
fn a_status_whose_list_is_refused_becomes_no_other_status() {
    let project = out_of_zendesk(&["--plan", "team"]);
    let (_, said) = project.run(&["check"]);
    assert!(said.contains("leave_out = [\"custom_status\"]"), "{said}");
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("Zendesk does not show its custom statuses, and this record has some"), "{said}");
    let before = tickets(&project).len();
    leave_out(&project, "\"custom_status\", \"form\"");
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert_eq!(code, 0, "{said}");
    let all = tickets(&project);
    let lost = all.iter().filter(|ticket| loses(ticket, "name_left_out")).count();
    assert!(lost > 0 && before + lost == all.len(), "{before} before, {lost} of {} with a loss", all.len());
}

#[test]
fn what_can_not_be_left_out_is_said() {
    let project = out_of_zendesk(&[]);
    leave_out(&project, "\"comment\"");
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("what can be left out: brand, custom_status,") && said.contains("unlisted_comments"),
        "{said}"
    );
}

#[test]
fn a_ticket_whose_messages_are_never_all_listed_fails_after_the_second_run_and_goes_on_purpose() {
    let project = out_of_zendesk(&[]);
    let own = "connectors/zendesk.toml";
    let manifest = std::fs::read_to_string(crate::root::root().join(own)).unwrap();
    let counted = "declared = \".comment_count\"";
    assert!(manifest.contains(counted));
    std::fs::create_dir(project.at("connectors")).unwrap();
    let more = "declared = { jq = 'if .id == 22 then .comment_count + 1 else .comment_count end' }";
    std::fs::write(project.at(own), manifest.replace(counted, more)).unwrap();
    let is_there = || tickets(&project).iter().any(|ticket| ticket["id"] == "22");
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert!(code == 3 && said.contains("the next run reads it again"), "{code}: {said}");
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert!(code == 3 && said.contains("leave_out = [\"unlisted_comments\"]"), "{code}: {said}");
    assert!(!is_there());
    leave_out(&project, "\"unlisted_comments\"");
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert_eq!(code, 0, "{said}");
    let lossy: Vec<Value> = tickets(&project).into_iter().filter(|t| loses(t, "messages_not_listed")).collect();
    assert!(is_there() && lossy.len() == 1 && lossy[0]["id"] == "22", "{} with a loss", lossy.len());
}
