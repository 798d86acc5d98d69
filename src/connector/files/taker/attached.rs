//! The files that rows name, looked at while the rows are read.

use super::Taker;
use crate::connector::files::fields::FILES;
use crate::connector::files::table::{Row, Table};
use crate::connector::files::{children, sound};
use serde_json::{Map, Value};

/// Rows of tickets whose own columns are looked at for names of files, and the longest text that is taken for some.
const LOOKED_AT: u64 = 500;
const LONGEST_PATHS: usize = 500;

impl Taker<'_> {
    /// Looks at the files that a row of the table of files names. One that is missing is no fault of the row.
    pub(super) fn files_of(&mut self, row: &mut Row, table: &Table<'_>) {
        let Ok(files) = children::files(&row.fields, "1", self.said, Some(&self.census.folder)) else { return };
        for file in files {
            self.file(file, None, row, table);
        }
    }

    /// Looks at the files that a ticket's own row names.
    pub(super) fn own_files(&mut self, row: &mut Row, table: &Table<'_>) {
        match children::own_files(&row.fields, "1", self.said, Some(&self.census.folder)) {
            Ok(files) => files.into_iter().for_each(|file| self.file(file, Some(FILES), row, table)),
            Err((field, what, hint)) => row.faults.push(table.fault(row.spot, field, what, hint)),
        }
        self.unattached(row, table);
    }

    /// `field`: what names the file, where the row is none of the table of files.
    pub(super) fn file(&mut self, file: Map<String, Value>, field: Option<&str>, row: &mut Row, table: &Table<'_>) {
        let Ok(file) = sound::attachment(file) else { return };
        let Err(wrong) = sound::look(&self.census.folder, &file) else { return };
        let fault = table.fault(row.spot, field.unwrap_or(wrong.field), wrong.what, wrong.hint);
        match wrong.is_missing {
            true => self.census.missing.take(&[fault]),
            false => row.faults.push(fault),
        }
    }

    /// Says so where a column of the export's own names files of the folder: they are attached where somebody says so.
    pub(super) fn unattached(&mut self, row: &Row, table: &Table<'_>) {
        if self.said.is_ours() || row.spot.row > LOOKED_AT {
            return;
        }
        let custom = row.fields.get("custom").and_then(Value::as_array).into_iter().flatten();
        for (key, text) in custom.filter_map(|value| Some((value["key"].as_str()?, value["value"].as_str()?))) {
            if !text.contains('.') || text.len() > LONGEST_PATHS || !self.unattached.insert(key.to_owned()) {
                continue;
            }
            let named = self.census.folder.several(text, self.said);
            let Some(file) = named.iter().find(|file| self.census.folder.found(file).is_ok_and(|path| path.is_file()))
            else {
                self.unattached.remove(key);
                continue;
            };
            let place = table.place(row.spot, Some(key));
            self.census.notes.push(format!(
                "{place}: {file:?} is a file of the folder, and not attached: `attachments = {key:?}` under `[ticket.columns]` of \
                 columns.toml attaches what the column names"
            ));
        }
    }
}
