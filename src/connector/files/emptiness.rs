//! A folder in which nothing is to be read: most often its files have another name or another format than the project says.

use super::census::Census;
use super::fields::{COMMENT, DESCRIPTION, MESSAGES, NOTES};
use super::{Form, Place, columns, faults, tables};
use crate::error::{Problem, Reason, Result};
use std::collections::BTreeSet;
use std::path::Path;

const FORMATS: [(&str, Form); 3] = [("jsonl", Form::Jsonl), ("csv", Form::Csv), ("xlsx", Form::Xlsx)];

/// Errors: `bad_export`, where the folder has no table and no lines of records.
pub fn check(place: &Place, census: &Census) -> Result<()> {
    if !census.counts.is_empty() {
        return Ok(());
    }
    let what = format!("{} holds no records", place.folder.display());
    let there = match census.unread.as_slice() {
        [] => String::new(),
        unread => format!("; not read: {}", faults::list(unread)),
    };
    let remedy = other_format(place).unwrap_or_else(|| expected(place.form));
    Err(Problem::new(Reason::BadExport, what).hint(format!("{remedy}{there}")))
}

/// Why the tickets are not read where all of them would arrive without a word while tables of the folder are not read: most often nothing
/// says yet which of them holds the messages.
pub fn wordless(census: &Census) -> Option<Problem> {
    let tickets = census.tables.get("ticket").filter(|_| !census.tables.contains_key(COMMENT))?;
    let says = |field| tickets.parts.iter().any(|part| part.bound.of(field).is_some());
    let tables: Vec<String> = census.unread.iter().filter(|name| is_table(name)).cloned().collect();
    let [first, ..] = tables.as_slice() else { return None };
    if [DESCRIPTION, MESSAGES, NOTES].into_iter().any(says) {
        return None;
    }
    let what = format!(
        "not one ticket has a text: no column is its `{DESCRIPTION}`, and no table holds its messages; not read: {}",
        faults::list(&tables)
    );
    let (file, table) = (columns::FILE, COMMENT);
    Some(Problem::new(Reason::BadExport, what).hint(format!(
        "`file = {first:?}` under `[{table}]` in {file} names the table of the messages; `{DESCRIPTION} = \"…\"` under \
         `[ticket.columns]` names the column of the text"
    )))
}

/// Whether a file that is not read may be a table. Sheets have no ending.
fn is_table(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
    ending.is_none_or(|ending| ["csv", "tsv", "txt"].contains(&ending.to_ascii_lowercase().as_str()))
}

fn expected(form: Form) -> String {
    let example = match form {
        Form::Jsonl => "ticket.jsonl",
        Form::Csv => "ticket.csv",
        Form::Xlsx => "a sheet named ticket",
    };
    format!(
        "it should have {example}, or another `format`, or {} names its files; docs/files.md describes the folder",
        columns::FILE
    )
}

/// What to say where all files of the folder that could be read are of one other format.
fn other_format(place: &Place) -> Option<String> {
    let ending = |name: &String| Some(Path::new(name).extension()?.to_str()?.to_ascii_lowercase());
    let names = tables::names(&place.folder).ok()?;
    let endings: BTreeSet<String> = names.iter().filter_map(ending).collect();
    let mut there = FORMATS.iter().filter(|(format, _)| endings.contains(*format));
    match (there.next(), there.next()) {
        (Some((format, form)), None) if *form != place.form => {
            Some(format!("the folder has .{format} files: say `format = \"{format}\"` under [source]"))
        }
        _ => None,
    }
}
