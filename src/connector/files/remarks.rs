//! What a person should know of a table that was read, and nothing is the matter with: rows that were passed over, formulas read as nothing,
//! texts that a spreadsheet has cut, dates that could be read in two ways.

use super::faults::many;
use super::layout::Layout;
use super::table::Seen;
use crate::error::{Problem, Reason};
use std::collections::{BTreeMap, BTreeSet};

/// File and column, as a note names them.
fn place(layout: &Layout, (part, at): (u32, usize)) -> (&str, &str) {
    let part = &layout.parts[part as usize];
    (&part.origin.shown, &part.bound.names[at])
}

pub fn notes(layout: &Layout, seen: &Seen) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(first) = seen.headers.first() {
        let again = many(seen.headers.len() as u64, "row");
        let (file, row) = (&layout.parts[first.part as usize].origin.shown, first.row + 1);
        notes.push(format!("{again} with the headers again, skipped ({file} row {row})"));
    }
    if !seen.footers.is_empty() {
        let rows = many(seen.footers.len() as u64, "row");
        notes.push(format!("{rows} below the table left out, as `footer` of `[{}]` says", layout.table));
    }
    for (at, (count, first)) in &seen.errors {
        let (file, column) = place(layout, *at);
        let formulas = many(*count, "failed formula");
        notes.push(format!("{file} column `{column}`: {formulas} read as nothing ({first})"));
    }
    for (at, (count, first)) in &seen.words {
        let ((file, column), texts) = (place(layout, *at), many(*count, "text"));
        notes.push(format!("{file} column `{column}`: {texts} left out, as `empty` lists the word ({first})"));
    }
    for (at, (count, first)) in &seen.full {
        let ((file, column), rows) = (place(layout, *at), many(*count, "row"));
        notes.push(format!(
            "{file} column `{column}`: the texts of {rows} end after 32,767 characters, where a spreadsheet cuts them (row {first}): \
             export them again without one, if more is missing"
        ));
    }
    notes
}

/// How the dates of columns were read that could be read in two ways; `odd` columns hold no dates. Two dates of a column that must be read
/// in different orders forbid to read it.
pub fn orders(layout: &Layout, seen: &Seen, odd: &BTreeSet<String>) -> Vec<Result<String, Problem>> {
    let key = |form: &str| format!("`date = {form:?}` under `[{}]` in columns.toml", layout.table);
    let mut said = Vec::new();
    let mut ambiguous: BTreeMap<(&str, &str), (&str, Vec<String>)> = BTreeMap::new();
    for (at, orders) in &seen.orders {
        let (file, column) = place(layout, *at);
        if odd.contains(column) {
            continue;
        }
        let either = orders.either.as_ref().map(|(seen, _)| seen);
        match (orders.day_first.as_ref().or(either), &orders.otherwise, &orders.either) {
            (Some((text, row)), Some((other, there)), _) => {
                let what = format!(
                    "{file} row {row}, column `{column}`: {text:?} would be read with the day first, and {other:?} in row {there} with the \
                     year first"
                );
                let hint = "`date` in columns.toml says how they are written, such as \"%y-%b-%d\" or \"%d-%b-%y\"";
                said.push(Err(Problem::new(Reason::BadExport, what).hint(hint)));
            }
            (_, None, Some(((text, _), form))) if orders.day_first.is_none() => {
                ambiguous.entry((file, form)).or_insert((text, vec![])).1.push(format!("`{column}`"));
            }
            _ => {}
        }
    }
    for ((file, form), (text, columns)) in ambiguous {
        let (columns, other) = (columns.join(", "), key(form));
        said.push(Ok(format!(
            "{file}: dates such as {text:?} (in {columns}) are read with the day first; {other} reads them the other way"
        )));
    }
    said
}
