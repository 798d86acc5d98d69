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

/// Files of the folder that nothing reads, and folders other than that of attachments.
pub fn unread(folder: &Path, read: &[PathBuf]) -> Result<Vec<String>> {
    let known = [columns::FILE, ATTACHMENTS];
    Ok(names(folder)?
        .into_iter()
        .filter(|name| !known.contains(&name.as_str()) && !read.contains(&folder.join(name)))
        .collect())
}
