//! Mistakes people make: each ends in words that name it, an exit code, and a remedy that works.

use crate::{PROJECT, project, run};
use tempfile::TempDir;

/// A folder of two tickets that goes into another one.
fn folder(mapping: Option<&str>) -> TempDir {
    let file = if mapping.is_some() { "[mapping]\nfile = \"mapping.toml\"\n" } else { "" };
    let text = format!(
        "[source]\nconnector = \"files\"\npath = \"in\"\n[target]\nconnector = \"files\"\npath = \"out\"\n{file}"
    );
    let dir = project(&text);
    std::fs::create_dir(dir.path().join("in")).unwrap();
    let rows =
        "{\"id\":\"1\",\"subject\":\"one\",\"comments\":[]}\n{\"id\":\"2\",\"subject\":\"two\",\"comments\":[]}\n";
    std::fs::write(dir.path().join("in/ticket.jsonl"), rows).unwrap();
    if let Some(mapping) = mapping {
        std::fs::write(dir.path().join("mapping.toml"), mapping).unwrap();
    }
    dir
}

#[track_caller]
fn says(seen: &str, exit: u8, words: &[&str]) {
    assert!(seen.starts_with(&format!("exit {exit}\n")), "{seen}");
    assert!(!seen.contains("panicked"), "{seen}");
    for word in words {
        assert!(seen.contains(word), "`{word}` is not in: {seen}");
    }
}

#[test]
fn an_account_is_not_moved_into_itself() {
    let text = PROJECT
        .replace("connector = \"redmine\"", "connector = \"rt\"")
        .replace("api_key = { env = \"REDMINE_API_KEY\" }\nproject = \"support\"", "token = { env = \"RT_TOKEN\" }")
        .replace("http://127.0.0.1:1/redmine", "http://localhost:1/");
    for command in ["check", "run"] {
        says(&run(project(&text).path(), &[command]), 6, &["[source] and [target] are the same account", "`url`"]);
    }
}

#[test]
fn records_that_are_asked_for_and_not_there_are_named() {
    let dir = folder(None);
    for command in ["stage", "preview", "run"] {
        let seen = run(dir.path(), &[command, "--ids", "ticket:99999"]);
        says(&seen, 2, &["the source has no record ticket:99999", "hint: `--ids` takes the source's own ids"]);
    }
    let seen = run(dir.path(), &["run", "--ids", "ticket:1,ticket:88888"]);
    says(&seen, 0, &["the source has no record ticket:88888"]);
    says(&run(dir.path(), &["run", "--sample", "0"]), 2, &["0 is not in 1.."]);
}

#[test]
fn a_connector_and_a_kind_that_are_misspelt_are_guessed_and_plurals_are_taken() {
    let misspelt = project(&PROJECT.replace("\"redmine\"", "\"redmien\""));
    says(&run(misspelt.path(), &["check"]), 2, &["no connector is named `redmien`", "did you mean `redmine`?"]);
    let dir = folder(None);
    says(&run(dir.path(), &["run", "--only", "tikcet"]), 2, &["did you mean `ticket`?"]);
    says(&run(dir.path(), &["run", "--only", "tickets,companies"]), 0, &["run: done"]);
}

#[test]
fn a_folder_that_is_no_project_is_named_by_its_whole_path() {
    let dir = tempfile::tempdir().unwrap();
    let empty = std::fs::canonicalize(dir.path()).unwrap();
    says(&run(&empty, &["check"]), 2, &["there is no `migration.toml` in `DIR`", "hint: "]);
    says(&run(&empty.join("nowhere"), &["check"]), 2, &["there is no folder `DIR`", "`-C DIR` names another folder"]);
    std::fs::write(empty.join("migration.toml"), PROJECT).unwrap();
    says(&run(&empty.join("migration.toml"), &["check"]), 2, &["`DIR` is a file", "`-C` names the folder"]);
}

#[test]
fn a_mapping_that_cannot_be_read_says_why_and_what_helps() {
    let dir = folder(Some(""));
    let mapping = dir.path().join("mapping.toml");
    std::fs::write(&mapping, b"\xff\xfe[ticket]").unwrap();
    says(&run(dir.path(), &["run"]), 2, &["it is not written in UTF-8", "hint: save it as UTF-8"]);
    std::fs::remove_file(&mapping).unwrap();
    says(&run(dir.path(), &["run"]), 2, &["there is no mapping", "`deskferry map --write` makes one"]);
    std::fs::create_dir(&mapping).unwrap();
    says(&run(dir.path(), &["run"]), 2, &["it is a folder"]);
}

#[test]
fn curly_quotes_of_a_web_page_are_called_so() {
    let dir = folder(Some("[ticket.status]\nvalues = { “Open” = “Closed” }\n"));
    says(&run(dir.path(), &["check"]), 2, &["mapping.toml:2:12", "hint: `“` is a curly quote"]);
    let dir = project(&PROJECT.replace("\"rt\"", "“rt”").replace("{ env = \"RT_TOKEN\" }", "“1-14-s3cr3t”"));
    says(&run(dir.path(), &["check"]), 2, &["migration.toml:2:13", "curly quote"]);
}
