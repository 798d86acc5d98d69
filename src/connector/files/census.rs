//! All cells of a folder, read once: what is wrong with them, where the rows of a ticket stand, who is named and has no row, which
//! rows share an id. What a run then reads, row by row, is read by what was found here.
//!
//! Holds places and names, never texts of records.

use super::cells::Spot;
use super::children::{Children, Readers};
use super::columns::Columns;
use super::faults::{Fault, Faults, list, many};
use super::fields::{ATTACHMENT, COMMENT};
use super::layout::Layout;
use super::named::Named;
use super::repeats::Repeats;
use super::same_address::Later;
use super::spelled::Spelled;
use super::table::Table;
use super::tables::Tables;
use super::{Form, Place, lines, taker};
use crate::error::{Problem, Result};
use crate::record::Kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Whether people, groups and companies that tickets name, and that have no row, become records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// They do: the target needs somebody to stand for them.
    Made,
    /// The target keeps what tickets say as it is.
    Named,
}

pub struct Census {
    pub tables: BTreeMap<&'static str, Layout>,
    pub children: Children,
    pub repeats: BTreeMap<Kind, Repeats>,
    /// Contacts with the address of an earlier one.
    pub same_address: Later,
    pub named: Named,
    /// Rows by table.
    pub counts: BTreeMap<&'static str, u64>,
    pub faults: Faults,
    /// Attached files that are not there: their tickets go without them.
    pub missing: Faults,
    /// Rows that look like none of the table, by table.
    pub footers: BTreeMap<&'static str, BTreeMap<Spot, Fault>>,
    /// What is wrong with each row of a ticket that does not say of which.
    pub of_no_ticket: Vec<Vec<Fault>>,
    /// What forbids to read a table, all of it.
    pub wrong: Vec<Problem>,
    /// What a person should know, and nothing is the matter with.
    pub notes: Vec<String>,
    pub unread: Vec<String>,
    /// Where attached files lie.
    pub folder: Spelled,
    /// What sheets and files of other encodings were made into, which goes when nobody reads it any more.
    pub copies: Option<Tables>,
}

impl Census {
    /// Errors: `config`, where the folder cannot be read at all; `disk`.
    pub fn of(place: &Place, said: &Columns, find: Find) -> Result<Census> {
        match place.form {
            Form::Jsonl => lines::census(place, find),
            Form::Csv | Form::Xlsx => taker::census(place, said, find),
        }
    }

    pub fn empty(folder: &Path) -> Census {
        Census {
            folder: Spelled::of(folder),
            tables: BTreeMap::new(),
            children: Children::default(),
            repeats: BTreeMap::new(),
            same_address: Later::new(),
            named: Named::default(),
            counts: BTreeMap::new(),
            faults: Faults::default(),
            missing: Faults::default(),
            footers: BTreeMap::new(),
            of_no_ticket: vec![],
            wrong: vec![],
            notes: vec![],
            unread: vec![],
            copies: None,
        }
    }

    /// What a person is told: what was seen, and what is not read.
    pub fn said(&self) -> Vec<String> {
        let mut all = Vec::new();
        if !self.named.people.is_empty() {
            let what = "people known by their address alone";
            all.push(format!("{} {what}", self.named.people.len()));
        }
        all.extend(self.notes.iter().cloned());
        if !self.unread.is_empty() {
            all.push(format!("not read: {}", list(&self.unread)));
        }
        all
    }

    /// What a run is told of what is wrong: `check` lists it all.
    pub fn trouble(&self) -> Vec<String> {
        let (rows, files) = (self.faults.rows(), self.missing.rows());
        let of_rows = || {
            let rows = many(rows, "row");
            format!(
                "{rows} of the export cannot be read: the other records are migrated; `deskferry check` lists the rows"
            )
        };
        let of_files = || match files {
            1 => "1 attached file is missing: its ticket is migrated without it; `deskferry check` names it".to_owned(),
            _ => format!(
                "{files} attached files are missing: their tickets are migrated without them; `deskferry check` names them"
            ),
        };
        let rows = (rows > 0).then(of_rows);
        rows.into_iter().chain((files > 0).then(of_files)).collect()
    }

    /// The files of the folder that a table is in.
    pub fn files_of(&self, table: &str) -> Vec<PathBuf> {
        let parts = self.tables.get(table).map(|layout| &layout.parts);
        parts.into_iter().flatten().map(|part| part.origin.from.clone()).collect()
    }

    /// All files that are read.
    pub fn files(&self) -> Vec<PathBuf> {
        self.tables.keys().flat_map(|table| self.files_of(table)).collect()
    }

    /// The tables of messages and files, opened to be joined with tickets.
    pub fn readers(&self) -> Result<Readers<'_>> {
        let open = |name: &str| self.tables.get(name).map(Table::open).transpose();
        Ok(Readers { comments: open(COMMENT)?, files: open(ATTACHMENT)?, folder: Some(&self.folder) })
    }
}
