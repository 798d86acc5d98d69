//! `docs/interface.md` says what the binary does.

use deskferry::connector::{files, registry};
use deskferry::error::{Loss, Reason};
use deskferry_cli::report::{IDS_COLUMNS, Outcome, REPORT_COLUMNS};

const PAGE: &str = include_str!("../../docs/interface.md");

/// The rows of the table below a heading, as cells.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let section = PAGE.split(&format!("\n{heading}\n")).nth(1).unwrap_or_else(|| panic!("no `{heading}`"));
    let section = section.split("\n#").next().unwrap();
    let table = section.lines().filter(|line| line.starts_with('|')).skip(2);
    table.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_closed_lists_are_those_of_the_page() {
    let reasons: Vec<_> = Reason::ALL.iter().map(|r| vec![format!("`{}`", r.code()), r.says().to_owned()]).collect();
    assert_eq!(rows("## Reasons"), reasons);
    let losses: Vec<_> = Loss::ALL.iter().map(|l| vec![format!("`{}`", l.code()), l.says().to_owned()]).collect();
    assert_eq!(rows("## Losses"), losses);
}

#[test]
fn the_columns_and_outcomes_are_those_of_the_page() {
    assert!(PAGE.contains(&format!("`{}`", REPORT_COLUMNS.join(","))));
    assert!(PAGE.contains(&format!("`{}`", IDS_COLUMNS.join(","))));
    let outcomes: Vec<_> = Outcome::ALL.iter().map(|o| format!("`{}`", o.code())).collect();
    assert!(PAGE.contains(&outcomes.join(", ")), "{outcomes:?}");
}

#[test]
fn the_account_keys_are_those_of_the_page() {
    let mut keys: Vec<Vec<String>> = Vec::new();
    for question in files::questions() {
        keys.push(vec![files::NAME.to_owned(), format!("`{}`", question.key), question.answer_type.code().to_owned()]);
    }
    for name in registry::names() {
        for (key, question) in registry::find(&name, None).unwrap().manifest.account {
            let answer_type = question.asked(&key).answer_type.code().to_owned();
            keys.push(vec![name.clone(), format!("`{key}`"), answer_type]);
        }
    }
    assert_eq!(rows("### Account keys"), keys);
}

#[test]
fn the_commands_are_those_of_the_page() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_deskferry")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let section = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands = section.lines().filter_map(|line| line.split_whitespace().next()).filter(|word| *word != "help");
    let said: Vec<_> = rows("## Commands").into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    assert_eq!(said, commands.collect::<Vec<_>>());
}
