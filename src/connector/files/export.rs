//! The tables of a CSV folder, written from its records when a run ends: one a kind, `comment.csv`, `attachment.csv`,
//! and the `columns.toml` by which they are read again. Each appears whole or stays as it was.
//!
//! Cells are as the records have them, for a program to read: a spreadsheet may take one that begins with `=` for a formula.

use super::columns;
use super::fields::{self, ATTACHMENT, COMMENT, Cell};
use super::line::{self, Lines, MARKER_KEY};
use super::{KINDS, folder};
use crate::error::{Problem, Reason, Result};
use crate::record::Kind;
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// What tells the reader how we write cells.
const COLUMNS: &str = "# Written by Deskferry: how the tables of this folder are read again.\nseparator = \"json\"\n";

/// Writes all tables of the records in `home` into `folder`.
pub fn tables(home: &Path, folder: &Path) -> Result<()> {
    folder::sweep(folder)?;
    folder::write_whole(&folder.join(columns::FILE), |to| Ok(to.write_all(COLUMNS.as_bytes())?))?;
    for kind in KINDS {
        table(home, folder, kind.code(), kind, |record, row| row(record, None))?;
    }
    table(home, folder, COMMENT, Kind::Ticket, |ticket, row| {
        let comments = ticket["comments"].as_array().into_iter().flatten();
        comments.into_iter().try_for_each(|comment| row(comment, Some((ticket, None))))
    })?;
    table(home, folder, ATTACHMENT, Kind::Ticket, |ticket, row| {
        let comments = ticket["comments"].as_array().into_iter().flatten();
        comments.into_iter().try_for_each(|comment| {
            let files = comment["attachments"].as_array().into_iter().flatten();
            files.into_iter().try_for_each(|file| row(file, Some((ticket, Some(comment)))))
        })
    })
}

/// A row, and the ticket and message it belongs to.
type Put<'a> = dyn FnMut(&Value, Option<(&Value, Option<&Value>)>) -> Result<()> + 'a;

fn table(
    home: &Path,
    folder: &Path,
    name: &str,
    kind: Kind,
    rows: impl Fn(&Value, &mut Put<'_>) -> Result<()>,
) -> Result<()> {
    let from = home.join(format!("{kind}.jsonl"));
    if !from.is_file() {
        return Ok(());
    }
    folder::write_whole(&folder.join(format!("{name}.csv")), |to| {
        let mut out = csv::Writer::from_writer(to);
        let fields = fields::of(name);
        let wrong = |e: csv::Error| Problem::new(Reason::Disk, e.to_string()).at(name);
        out.write_record(fields.iter().map(|(field, _)| *field)).map_err(wrong)?;
        let mut lines = Lines::from(File::open(&from)?, 0, 0)?;
        while let Some(text) = lines.next()? {
            let mut record = line::parse(&text)?;
            record.as_object_mut().into_iter().for_each(|map| drop(map.shift_remove(MARKER_KEY)));
            rows(&record, &mut |row, of| {
                let cells = fields.iter().map(|(field, cell)| match (*field, of) {
                    ("ticket", Some((ticket, _))) => text_of(&ticket["id"], Cell::Text),
                    ("comment", Some((_, Some(comment)))) => text_of(&comment["id"], Cell::Text),
                    _ => text_of(&row[*field], *cell),
                });
                out.write_record(cells).map_err(wrong)
            })?;
        }
        Ok(out.flush()?)
    })
}

fn text_of(value: &Value, cell: Cell) -> String {
    match (value, cell) {
        (Value::Null, _) => String::new(),
        (Value::Array(list), cell) if list.is_empty() && is_json(cell) => String::new(),
        (value, cell) if is_json(cell) => value.to_string(),
        (Value::String(text), _) => text.clone(),
        (other, _) => other.to_string(),
    }
}

/// Whether a cell of ours is written as JSON.
fn is_json(cell: Cell) -> bool {
    cell.is_list() || cell == Cell::Json
}
