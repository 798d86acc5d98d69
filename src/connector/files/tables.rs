//! The tables of a folder: which files or sheets they are in, and what of the folder is none of them.

use super::columns::{self, Columns};
use super::fields::TABLES;
use super::layout::{Layout, Origin};
use super::{ATTACHMENTS, Form, Place, encoding, folder, workbook};
use crate::error::{Problem, Reason, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Tables {
    pub layouts: BTreeMap<&'static str, Layout>,
    /// Files and sheets that are not read.
    pub unread: Vec<String>,
    /// What forbids to read a table, all of it.
    pub wrong: Vec<Problem>,
    /// Copies we made, which go with it.
    _home: TempDir,
}

/// Where each table is.
type Origins = BTreeMap<&'static str, Vec<Origin>>;

impl Tables {
    /// Errors: `config`, where the folder or its workbook cannot be read at all; `disk`.
    pub fn of(place: &Place, said: &Columns) -> Result<Tables> {
        // Texts of customers: closed to others, and found again by the next run if this one is killed.
        folder::make(&place.copies)?;
        let home = tempfile::tempdir_in(&place.copies).map_err(|e| Problem::from(e).at(place.copies.display()))?;
        let mut tables = Tables { layouts: BTreeMap::new(), unread: vec![], wrong: vec![], _home: home };
        let home = tables._home.path().to_owned();
        let (origins, read) = match place.form {
            Form::Xlsx => {
                let file = workbook::file(&place.folder, said)?;
                let sheets = workbook::sheets(&file, said, &TABLES, &home)?;
                tables.wrong.extend(sheets.wrong);
                tables.unread.extend(sheets.unread);
                (sheets.tables, vec![file])
            }
            _ => tables.csv_files(&place.folder, said, &home)?,
        };
        for (table, origins) in origins {
            match Layout::of(table, origins, said) {
                Ok(layout) => drop(tables.layouts.insert(table, layout)),
                Err(wrong) => tables.wrong.extend(wrong),
            }
        }
        tables.unread.extend(unread(&place.folder, &read)?);
        Ok(tables)
    }

    /// The CSV files of each table, and all of them.
    fn csv_files(&mut self, folder: &Path, said: &Columns, home: &Path) -> Result<(Origins, Vec<PathBuf>)> {
        let (mut all, mut read) = (BTreeMap::new(), Vec::new());
        for table in TABLES {
            let wanted = &said.table(table).file.0;
            let names = if wanted.is_empty() { by_name(folder, table)? } else { wanted.clone() };
            let mut origins: Vec<Origin> = Vec::new();
            for name in names {
                folder::stays_inside(&name)?;
                let path = folder.join(&name);
                if !path.is_file() {
                    let what = format!("there is no file `{name}`, which `[{table}]` of {} names", columns::FILE);
                    self.wrong.push(Problem::new(Reason::Config, what));
                    continue;
                }
                let copy = format!("{table}-{}", origins.len());
                match encoding::in_utf8(&path, said.encoding(table), home, &copy) {
                    Ok((text, mark)) => {
                        origins.push(Origin { path: text, from: path.clone(), mark, shown: name, made: false })
                    }
                    Err(wrong) => self.wrong.push(wrong.at(&name)),
                }
                read.push(path);
            }
            if !origins.is_empty() {
                all.insert(table, origins);
            }
        }
        Ok((all, read))
    }
}

/// The file that is called like a table.
fn by_name(folder: &Path, table: &str) -> Result<Vec<String>> {
    if folder.join(format!("{table}.csv")).is_file() {
        return Ok(vec![format!("{table}.csv")]);
    }
    let mut found = names(folder)?;
    found.retain(|name| name.to_lowercase().strip_suffix(".csv").is_some_and(|stem| workbook::called(stem, table)));
    found.truncate(1);
    Ok(found)
}

/// The files of a folder, without those that lie deeper or are hidden.
pub fn names(folder: &Path) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Problem::from(e).at(folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !name.starts_with('.') && !name.starts_with("~$") {
            all.push(name);
        }
    }
    all.sort();
    Ok(all)
}

/// Files of the folder that nothing reads, and tables in folders below other than that of attachments.
pub fn unread(folder: &Path, read: &[PathBuf]) -> Result<Vec<String>> {
    let is_unread = |name: &String| *name != columns::FILE && !read.contains(&folder.join(name));
    let mut all: Vec<String> = names(folder)?.into_iter().filter(is_unread).collect();
    let (mut below, mut looked_at) = (folders(folder, "")?, 0);
    while let Some(home) = below.pop() {
        let here = folder.join(&home);
        let (tables, more): (Vec<String>, Vec<String>) = (names(&here)?, folders(&here, &home)?);
        let tables: Vec<String> =
            tables.into_iter().filter(|name| is_table(name)).map(|name| format!("{home}/{name}")).collect();
        let tables: Vec<String> = tables.into_iter().filter(is_unread).collect();
        match tables.as_slice() {
            [first, _, _, _, ..] => all.push(format!("{first} and {} more tables in {home}/", tables.len() - 1)),
            few => all.extend_from_slice(few),
        }
        looked_at += 1;
        if looked_at < FOLDERS {
            below.extend(more);
        }
    }
    all.sort();
    Ok(all)
}

/// Folders below that are looked into: files of tickets may lie in thousands.
const FOLDERS: usize = 1000;

/// The folders in one that are neither hidden nor those of attachments, nor links to others.
fn folders(folder: &Path, home: &str) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Problem::from(e).at(folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let known = home.is_empty() && name == ATTACHMENTS;
        if entry.file_type()?.is_dir() && !name.starts_with('.') && !known {
            all.push(if home.is_empty() { name } else { format!("{home}/{name}") });
        }
    }
    all.sort_by(|a, b| b.cmp(a));
    Ok(all)
}

/// Whether a file is called like one that holds tables.
fn is_table(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    ending.is_some_and(|ending| {
        ["csv", "tsv", "jsonl", "ndjson", "xlsx", "xlsm", "xls", "ods"].contains(&ending.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_in_a_folder_below_is_named() {
        let home = tempfile::tempdir().unwrap();
        let put = |name: &str| {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        for name in [
            "ticket.csv",
            "export/comment.csv",
            "export/a.png",
            "2023/old/TICKET.XLSX",
            "attachments/1/list.csv",
            ".git/x.csv",
        ] {
            put(name);
        }
        (1..6).for_each(|n| put(&format!("parts/{n}.csv")));
        let read = [home.path().join("ticket.csv"), home.path().join("parts/1.csv")];
        let expected = ["2023/old/TICKET.XLSX", "export/comment.csv", "parts/2.csv and 3 more tables in parts/"];
        assert_eq!(unread(home.path(), &read).unwrap(), expected);
    }
}
