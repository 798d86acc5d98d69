//! A folder in which nothing is to be read: most often its files have another name or another format than the project says.

use super::census::Census;
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
