//! A folder that lost what an earlier run wrote into it: nothing counts as migrated that is not there.

use crate::desks::{Desk, Options};
use crate::vendors::Project;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Out of a Zendesk with files into a folder, once.
fn migrated() -> Project {
    let options = Options { platform: "zendesk", tickets: 12, faults: None, flags: &["--lag", "0"] };
    let project = Project::out_of(Desk::start(&options), "side_conversations = \"no\"\n");
    let (code, said) = run(&project);
    assert_eq!(code, 0, "{said}");
    project
}

fn run(project: &Project) -> (i32, String) {
    project.run(&["run", "--only", "company,contact,ticket"])
}

/// Every line of the folder, and every file.
fn held(project: &Project) -> (BTreeSet<String>, BTreeSet<PathBuf>) {
    let mut lines = BTreeSet::new();
    for kind in ["company", "contact", "ticket"] {
        let text = std::fs::read_to_string(project.at(&format!("out/{kind}.jsonl"))).unwrap_or_default();
        lines.extend(text.lines().map(str::to_owned));
    }
    (lines, files(&project.at("out/attachments")))
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { BTreeSet::from([path]) }).collect()
}

fn is_written_again(project: &Project, what: &str) {
    let (code, said) = run(project);
    assert_eq!(code, 0, "{what}: {said}");
    assert!(said.contains("They are written again"), "{what}: {said}");
}

#[test]
fn lines_and_files_that_are_gone_from_a_folder_are_written_again() {
    let project = migrated();
    let before = held(&project);
    assert!(before.0.len() > 12 && before.1.len() > 2, "{} lines, {} files", before.0.len(), before.1.len());
    let tickets = project.at("out/ticket.jsonl");
    let text = std::fs::read_to_string(&tickets).unwrap();
    let cut: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    std::fs::write(&tickets, cut).unwrap();
    is_written_again(&project, "an older file with two tickets");
    assert_eq!(held(&project), before);
    std::fs::remove_file(project.at("out/contact.jsonl")).unwrap();
    std::fs::remove_dir_all(project.at("out/attachments")).unwrap();
    is_written_again(&project, "no contacts and no files");
    assert_eq!(held(&project), before);
    let (code, said) = run(&project);
    assert!(code == 0 && !said.contains("written again"), "{code}: {said}");
}

#[test]
fn a_ticket_from_before_its_last_reply_is_written_again_and_what_people_changed_is_not() {
    let project = migrated();
    let tickets = project.at("out/ticket.jsonl");
    let older = std::fs::read_to_string(&tickets).unwrap();
    let touched = (1..12).filter_map(|nth| project.desk.touch(nth)).count();
    assert!(touched > 0);
    let (code, said) = run(&project);
    assert_eq!(code, 0, "{said}");
    let newest = held(&project);
    std::fs::write(&tickets, older).unwrap();
    assert_ne!(held(&project), newest);
    is_written_again(&project, "the file from before the replies");
    assert_eq!(held(&project), newest);
    let text = std::fs::read_to_string(&tickets).unwrap();
    let by_hand = text.replacen("\"subject\":\"", "\"subject\":\"By hand: ", 1);
    std::fs::write(&tickets, &by_hand).unwrap();
    let (code, said) = run(&project);
    assert!(code == 0 && !said.contains("written again"), "{code}: {said}");
    assert_eq!(std::fs::read_to_string(&tickets).unwrap(), by_hand);
}
