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

/// Takes the word back.
fn leave_nothing_out(project: &Project) {
    let file = project.at("migration.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("leave_out")).map(|line| format!("{line}\n"));
    std::fs::write(file, lines.collect::<String>()).unwrap();
}

#[test]
fn names_that_were_left_out_on_purpose_come_when_the_project_takes_that_back() {
    let whole = out_of_zendesk(&[]);
    let (code, said) = whole.run(&["run", "--only", "ticket"]);
    assert_eq!(code, 0, "{said}");
    let project = out_of_zendesk(&[]);
    leave_out(&project, "\"brand\", \"custom_status\", \"form\"");
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert!(code == 0 && tickets(&project).iter().any(|ticket| loses(ticket, "name_left_out")), "{code}: {said}");
    leave_nothing_out(&project);
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert_eq!(code, 0, "{said}");
    // What hangs on the names.
    let named = |project: &Project| {
        let keys = ["id", "status", "category", "brand", "custom", "unread"];
        let of = |ticket: &Value| keys.map(|key| format!("{key}: {}", ticket[key])).join(", ");
        tickets(project).iter().map(of).collect::<std::collections::BTreeSet<String>>()
    };
    let (is, ought) = (named(&project), named(&whole));
    assert!(is == ought, "{:#?}\nought to be\n{:#?}", is.difference(&ought), ought.difference(&is));
    let before = project.desk.calls().len();
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert_eq!(code, 0, "{said}");
    let comments =
        project.desk.calls()[before..].iter().filter(|c| c["path"].to_string().contains("/comments")).count();
    assert_eq!(comments, 0, "nothing is read again once it is there");
}

/// A Zendesk that refuses these paths.
fn refusing(paths: &[&str]) -> Project {
    let folder = tempfile::tempdir().unwrap();
    let rule = |path: &&str| {
        format!("[[fault]]\npath = \"{path}\"\nat = 1\ncalls = 1000\ndoes = \"error_before\"\nstatus = 403\n")
    };
    let faults = folder.path().join("faults.toml");
    std::fs::write(&faults, paths.iter().map(rule).collect::<String>()).unwrap();
    let options = Options { platform: "zendesk", tickets: TICKETS, faults: Some(&faults), flags: &["--lag", "0"] };
    Project::out_of(Desk::start(&options), "side_conversations = \"no\"\n")
}

#[test]
fn a_knowledge_base_whose_lists_are_refused_is_left_out_only_on_purpose() {
    let project = refusing(&["/api/v2/help_center/**"]);
    let (code, said) = project.run(&["run"]);
    assert!(code == 3 && said.contains("under [scope] `kinds` without `category`"), "{code}: {said}");
    assert!(tickets(&project).len() >= TICKETS - 2, "all else is migrated");
    let (code, said) = project.run(&["run"]);
    assert_eq!(code, 3, "it is asked for again: {said}");
    let file = project.at("migration.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        file,
        format!("{text}\n[scope]\nkinds = [\"group\", \"agent\", \"company\", \"contact\", \"ticket\"]\n"),
    )
    .unwrap();
    let (code, said) = project.run(&["run"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn many_tickets_in_a_row_that_need_a_refused_list_stop_the_run() {
    let project = refusing(&["/api/v2/custom_statuses*", "/api/v2/brands*", "/api/v2/ticket_forms*"]);
    let (code, said) = project.run(&["run", "--only", "ticket"]);
    assert!(code == 5 && said.contains("20 records in a row") && said.contains("leave_out"), "{code}: {said}");
    assert!(!project.told(&["report", "--format", "csv"]).contains(",failed,"));
}
