//! A table — a CSV file, or a sheet made one — whose rows become canonical rows by the columns of `columns.toml`.
//!
//! Read row by row from a place on. Errors name the file, the row and the column, as a person counts them.

use super::columns::{self, Cell, Column, Columns, JSON};
use crate::error::{Problem, Reason, Result};
use crate::expr::TimeFormat;
use csv::{Position, Reader, ReaderBuilder, StringRecord};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where a table is.
#[derive(Clone, Debug)]
pub struct Found {
    pub path: PathBuf,
    /// As errors name it.
    pub shown: String,
    /// The row of its header, as a person counts rows.
    pub header_row: u64,
}

/// A row as a place to go on from: bytes before it, lines before it, records before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    pub byte: u64,
    pub line: u64,
    pub record: u64,
}

/// One row in canonical fields.
#[derive(Debug)]
pub struct Row {
    pub fields: Map<String, Value>,
    /// The row as a person counts.
    pub number: u64,
}

pub struct Table {
    reader: Reader<File>,
    shown: String,
    header_row: u64,
    headers: Vec<String>,
    columns: Vec<Vec<Column>>,
    times: Vec<TimeFormat>,
    said: Columns,
    record: StringRecord,
}

/// The place of a table in a folder of CSV files, if it is there.
pub fn csv_file(folder: &Path, columns: &Columns, name: &str) -> Result<Option<Found>> {
    let file = columns.table(name).file.clone();
    let shown = file.clone().unwrap_or_else(|| format!("{name}.csv"));
    super::folder::stays_inside(&shown)?;
    let path = folder.join(&shown);
    if path.is_file() {
        return Ok(Some(Found { path, shown, header_row: 1 }));
    }
    match file {
        None => Ok(None),
        Some(_) => {
            let what = format!("there is no file `{shown}`, which `[{name}]` of {} names", columns::FILE);
            Err(Problem::new(Reason::Config, what))
        }
    }
}

impl Table {
    /// Opens a table and reads its header.
    ///
    /// Errors: `config`.
    pub fn open(found: &Found, columns: &Columns, name: &'static str, delimiter: u8) -> Result<Table> {
        let file = File::open(&found.path).map_err(|e| Problem::from(e).at(&found.shown))?;
        let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(file);
        let headers = reader.headers().map_err(|e| unreadable(&e, found.header_row).at(&found.shown))?;
        let headers: Vec<String> = headers.iter().map(|h| h.trim().to_owned()).collect();
        let resolved = columns.resolve(name, &headers).map_err(|p| p.at(&found.shown))?;
        let times = columns.times().map_err(|why| Problem::new(Reason::Config, why))?;
        Ok(Table {
            reader,
            shown: found.shown.clone(),
            header_row: found.header_row,
            headers,
            columns: resolved,
            times,
            said: columns.clone(),
            record: StringRecord::new(),
        })
    }

    pub fn go_to(&mut self, spot: Spot) -> Result<()> {
        let mut position = Position::new();
        position.set_byte(spot.byte).set_line(spot.line).set_record(spot.record);
        self.reader.seek(position).map_err(|e| unreadable(&e, 0).at(&self.shown))
    }

    /// Where the next row stands.
    pub fn spot(&self) -> Spot {
        spot(self.reader.position())
    }

    /// Steps over a row and gives its place and one of its texts, exactly. Much cheaper than reading it.
    pub fn step(&mut self, field: &str) -> Result<Option<(Spot, String)>> {
        let Some((spot, _)) = self.advance()? else { return Ok(None) };
        let is = |c: &Vec<Column>| c.iter().any(|c| matches!(c, Column::Field(name, _) if *name == field));
        let at = self.columns.iter().position(is);
        let text = at.and_then(|at| self.record.get(at)).unwrap_or_default();
        Ok(Some((spot, text.to_owned())))
    }

    /// The next row.
    ///
    /// Errors: `config`, naming file, row and column.
    pub fn next(&mut self) -> Result<Option<Row>> {
        let Some((_, number)) = self.advance()? else { return Ok(None) };
        let mut fields = Map::new();
        let mut custom = Vec::new();
        for (at, columns) in self.columns.iter().enumerate() {
            let text = self.record.get(at).unwrap_or_default();
            for column in columns {
                match column {
                    Column::Ignored => {}
                    Column::Custom { key, title } if !text.is_empty() => {
                        custom.push(json!({ "key": key, "title": title, "value": text }));
                    }
                    Column::Custom { .. } => {}
                    Column::Field(name, cell) => {
                        let value = self.cell(*cell, text).map_err(|(what, hint)| {
                            let place = format!("{} row {number}, column `{}`", self.shown, self.headers[at]);
                            Problem::new(Reason::Config, what).hint(hint).at(place)
                        })?;
                        if !value.is_null() {
                            fields.insert((*name).to_owned(), value);
                        }
                    }
                }
            }
        }
        if !custom.is_empty() {
            let list = fields.entry("custom").or_insert_with(|| json!([]));
            list.as_array_mut().into_iter().for_each(|list| list.append(&mut custom));
        }
        Ok(Some(Row { fields, number }))
    }

    /// A complaint about a row.
    pub fn at(&self, number: u64) -> String {
        format!("{} row {number}", self.shown)
    }

    fn advance(&mut self) -> Result<Option<(Spot, u64)>> {
        let before = self.reader.position().record();
        let read = self.reader.read_record(&mut self.record);
        let number = self.header_row + before;
        if !read.map_err(|e| unreadable(&e, number).at(&self.shown))? {
            return Ok(None);
        }
        if self.record.len() != self.headers.len() {
            let what = format!(
                "{} row {number}: {} cells under {} headers",
                self.shown,
                self.record.len(),
                self.headers.len()
            );
            return Err(Problem::new(Reason::Config, what).hint(
                "a text with the delimiter, a quote or a line break in it stands in double quotes; `delimiter` in \
                 columns.toml says what parts cells",
            ));
        }
        Ok(Some((self.record.position().map(spot).unwrap_or(Spot { byte: 0, line: 0, record: 0 }), number)))
    }

    /// Null where nothing stands.
    fn cell(&self, cell: Cell, text: &str) -> Result<Value, (String, String)> {
        let trimmed = text.trim();
        if trimmed.is_empty() && cell != Cell::Text || text.is_empty() {
            return Ok(Value::Null);
        }
        let shown: String = trimmed.chars().take(40).collect();
        let wrong = |what: &str, hint: &str| Err((format!("{shown:?} is {what}"), hint.to_owned()));
        match cell {
            Cell::Text => Ok(text.into()),
            Cell::Time => match self.times.iter().find_map(|format| format.read(trimmed.into()).ok()) {
                Some(time) => Ok(time),
                None => {
                    wrong("no date", "`date` in columns.toml says how dates are written, such as \"%d.%m.%Y %H:%M\"")
                }
            },
            Cell::Flag => match self.said.flag(trimmed) {
                Some(flag) => Ok(flag.into()),
                None => wrong("neither yes nor no", "`yes` and `no` in columns.toml are the words for them"),
            },
            Cell::Whole => match trimmed.parse::<u64>() {
                Ok(number) => Ok(number.into()),
                Err(_) => wrong("no number", "write the number of bytes"),
            },
            Cell::List if self.said.separator() == JSON => json_cell(trimmed),
            Cell::List => {
                let parts = trimmed.split(self.said.separator()).map(str::trim).filter(|part| !part.is_empty());
                Ok(parts.map(Value::from).collect())
            }
            Cell::Json => json_cell(trimmed),
        }
    }
}

fn json_cell(text: &str) -> Result<Value, (String, String)> {
    serde_json::from_str(text).map_err(|_| ("not JSON".to_owned(), "docs/files.md shows how it is written".to_owned()))
}

fn spot(position: &Position) -> Spot {
    Spot { byte: position.byte(), line: position.line(), record: position.record() }
}

fn unreadable(e: &csv::Error, row: u64) -> Problem {
    match e.kind() {
        csv::ErrorKind::Io(io) => Problem::new(Reason::Disk, io.to_string()),
        csv::ErrorKind::Utf8 { .. } => Problem::new(Reason::Config, format!("row {row}: not UTF-8"))
            .hint("save it as \"CSV UTF-8\", or convert it: iconv -f WINDOWS-1252 -t UTF-8"),
        _ => Problem::new(Reason::Config, format!("row {row}: cannot be read as CSV")),
    }
}
