//! A folder as a [`Source`].
//!
//! Read by pages with the place of the next row as cursor; never a whole file in memory (of an XLSX sheet, and of the
//! places of messages in a CSV folder, there is no other way). A later run reads a file again only if it is not
//! as it was (the bookmark says how it was: no clock is asked); what changed in it the ledger tells by content: a file is made by hand
//! or copied, so that its `updated_at` says nothing about when it came.

use super::children::Children;
use super::columns::{self, ATTACHMENT, COMMENT, Columns, TABLES};
use super::table::{Found, Spot, Table, csv_file};
use super::workbook::{self, Sheets};
use super::{Form, KINDS, NAME, Place, folder, line};
use crate::clock::VendorClock;
use crate::connector::{Blob, BulkRows, CheckLine, ChildRows, Page, Row, Source};
use crate::error::{Problem, Reason, Result};
use crate::record::{Attachment, Format, Kind, Record};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A page ends after so many rows, or after the row that makes it so large.
const ROWS: usize = 200;
const BYTES: usize = 2 << 20;
const CHUNK: usize = 64 << 10;
/// What a bookmark begins with: the cursor of a page never does.
const AS_IT_WAS: &str = "=";

#[derive(Clone)]
pub struct FilesSource(Arc<Inner>);

struct Inner {
    place: Place,
    address: String,
    version: String,
    columns: Columns,
    /// Nothing is asked by time.
    clock: VendorClock,
    /// How the files of a kind were when this process first looked.
    prints: Mutex<BTreeMap<Kind, String>>,
    sheets: OnceLock<Sheets>,
    children: OnceLock<Children>,
}

impl FilesSource {
    /// Errors: `config`, when `columns.toml` is wrong.
    pub fn new(place: Place) -> Result<FilesSource> {
        let columns = match place.form {
            Form::Jsonl => Columns::default(),
            Form::Csv | Form::Xlsx => Columns::load(&place.folder)?,
        };
        let said = std::fs::read(place.folder.join(columns::FILE)).unwrap_or_default();
        let version = format!("{NAME}-1-{:?}-{}", place.form, &blake3::hash(&said).to_hex()[..12]).to_lowercase();
        let address = place.address();
        let (sheets, children) = (OnceLock::new(), OnceLock::new());
        let (clock, prints) = (VendorClock::default(), Mutex::default());
        let inner = Inner { place, address, version, columns, clock, prints, sheets, children };
        Ok(FilesSource(Arc::new(inner)))
    }
}

#[async_trait]
impl Source for FilesSource {
    fn address(&self) -> &str {
        &self.0.address
    }

    fn clock(&self) -> &VendorClock {
        &self.0.clock
    }

    fn version(&self) -> &str {
        &self.0.version
    }

    fn reads(&self, kind: Kind) -> bool {
        KINDS.contains(&kind)
    }

    async fn check(&self) -> Vec<CheckLine> {
        let inner = Arc::clone(&self.0);
        let found = blocking(move || inner.seen()).await;
        vec![CheckLine { proves: "the folder can be read".into(), found }]
    }

    /// Pages of a file that is as the bookmark says it was are none.
    async fn read(&self, kind: Kind, cursor: Option<&str>, _since: Option<Timestamp>) -> Result<Page> {
        let (inner, cursor) = (Arc::clone(&self.0), cursor.map(str::to_owned));
        blocking(move || inner.page(kind, cursor.as_deref())).await
    }

    async fn read_children(&self, _kind: Kind, _row: &Value, _bulk: &BulkRows) -> Result<ChildRows> {
        Ok(ChildRows::new())
    }

    fn assemble(&self, kind: Kind, row: &Value, _children: &ChildRows) -> Result<Record> {
        line::staged(kind, row)
    }

    async fn fetch(&self, attachment: &Attachment, dir: &Path) -> Result<Blob> {
        let (folder, dir) = (self.0.place.folder.clone(), dir.to_owned());
        let attachment = attachment.clone();
        blocking(move || copied(&folder, &attachment, &dir)).await
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}

/// Files are read on a thread that may wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(Problem::new(Reason::Internal, format!("a reader of files broke: {e}"))))
}

/// Where a listing goes on, and the file it is of: a file that was changed meanwhile is read again from its beginning.
#[derive(Clone, Debug, PartialEq)]
struct Cursor {
    spot: Spot,
    print: String,
}

impl Cursor {
    fn parse(text: &str) -> Option<Cursor> {
        let (spot, print) = text.split_once('@')?;
        let mut parts = spot.split(':').map(str::parse);
        let mut next = || parts.next()?.ok();
        Some(Cursor { spot: Spot { byte: next()?, line: next()?, record: next()? }, print: print.to_owned() })
    }

    fn text(&self) -> String {
        let Spot { byte, line, record } = self.spot;
        format!("{byte}:{line}:{record}@{}", self.print)
    }
}

/// Tells a file that was changed from one that was not.
fn print(path: &Path) -> Result<String> {
    let meta = std::fs::metadata(path).map_err(|e| Problem::from(e).at(path.display()))?;
    // The time of its last change of any sort counts: a copy keeps the time of writing of its original.
    let changed = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    Ok(format!("{}-{}-{}.{}-{}.{}", meta.ino(), meta.len(), changed.0, changed.1, changed.2, changed.3))
}

impl Inner {
    fn seen(&self) -> Result<String> {
        let Place { folder, form } = &self.place;
        if !folder.is_dir() {
            let what = format!("there is no folder {}", folder.display());
            return Err(
                Problem::new(Reason::NotFound, what).hint("`path` of [source] is relative to the project folder")
            );
        }
        let mut there = Vec::new();
        for kind in KINDS {
            let found = match form {
                Form::Jsonl => self.jsonl(kind).is_file(),
                Form::Csv | Form::Xlsx => self.open(kind.code())?.is_some(),
            };
            if found {
                there.push(kind.code().to_owned());
            }
        }
        if there.is_empty() {
            let example = match form {
                Form::Jsonl => "ticket.jsonl",
                Form::Csv => "ticket.csv",
                Form::Xlsx => "a sheet named ticket",
            };
            let what = format!("{} holds no records", folder.display());
            return Err(Problem::new(Reason::NotFound, what)
                .hint(format!("it should have {example}, or another `format`; docs/files.md describes the folder")));
        }
        if *form != Form::Jsonl {
            there.extend(self.children()?.strays(&|name| self.open(name))?);
        }
        Ok(there.join(", "))
    }

    fn jsonl(&self, kind: Kind) -> PathBuf {
        self.place.folder.join(format!("{kind}.jsonl"))
    }

    fn delimiter(&self) -> u8 {
        match self.place.form {
            Form::Xlsx => b',',
            _ => self.columns.delimiter(),
        }
    }

    fn table(&self, name: &str) -> Result<Option<Found>> {
        if self.place.form != Form::Xlsx {
            return csv_file(&self.place.folder, &self.columns, name);
        }
        if self.sheets.get().is_none() {
            let sheets = Sheets::open(&self.place.folder, &self.columns, &TABLES)?;
            // Another reader may have been faster: both read the same.
            let _ = self.sheets.set(sheets);
        }
        Ok(self.sheets.get().and_then(|sheets| sheets.table(name)).cloned())
    }

    /// The files a kind is read from.
    fn origins(&self, kind: Kind) -> Result<Vec<PathBuf>> {
        match self.place.form {
            Form::Jsonl => Ok(vec![self.jsonl(kind)].into_iter().filter(|path| path.is_file()).collect()),
            Form::Xlsx if self.table(kind.code())?.is_none() => Ok(vec![]),
            Form::Xlsx => Ok(vec![workbook::file(&self.place.folder, &self.columns)?]),
            Form::Csv => {
                let Some(own) = self.table(kind.code())? else { return Ok(vec![]) };
                let mut all = vec![own.path];
                if kind == Kind::Ticket {
                    for name in [COMMENT, ATTACHMENT] {
                        all.extend(self.table(name)?.map(|found| found.path));
                    }
                }
                Ok(all)
            }
        }
    }

    /// How all files of a kind were when this process first looked: what was read of them is at least as new.
    fn first_print(&self, kind: Kind, origins: &[PathBuf]) -> Result<String> {
        let mut prints = self.prints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(print) = prints.get(&kind) {
            return Ok(print.clone());
        }
        let all = origins.iter().map(|path| print(path)).collect::<Result<Vec<_>>>()?.join("+");
        Ok(prints.entry(kind).or_insert(all).clone())
    }

    fn page(&self, kind: Kind, cursor: Option<&str>) -> Result<Page> {
        let origins = self.origins(kind)?;
        let Some(first) = origins.first() else { return Ok(Page::default()) };
        let bookmark = format!("{AS_IT_WAS}{}", self.first_print(kind, &origins)?);
        if cursor == Some(bookmark.as_str()) {
            return Ok(Page { bookmark: Some(bookmark), ..Page::default() });
        }
        let print = print(first)?;
        let spot = cursor.and_then(Cursor::parse).filter(|cursor| cursor.print == print).map(|cursor| cursor.spot);
        let (rows, next) = match self.place.form {
            Form::Jsonl => self.lines(kind, spot)?,
            Form::Csv | Form::Xlsx => self.rows(kind, spot)?,
        };
        Ok(Page { bookmark: Some(bookmark), rows, next: next.map(|spot| Cursor { spot, print }.text()) })
    }

    fn lines(&self, kind: Kind, spot: Option<Spot>) -> Result<(Vec<Row>, Option<Spot>)> {
        let shown = format!("{kind}.jsonl");
        let file = File::open(self.jsonl(kind)).map_err(|e| Problem::from(e).at(&shown))?;
        let (byte, number) = spot.map_or((0, 0), |spot| (spot.byte, spot.line));
        let mut lines = line::Lines::from(file, byte, number)?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < ROWS && bytes < BYTES {
            let Some(text) = lines.next().map_err(|p| p.at(&shown))? else { return Ok((rows, None)) };
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let place = format!("{shown} line {}", lines.number);
            let at = |p: Problem| p.at(&place);
            let raw = line::parse(&text).map_err(at)?;
            let record = line::record(kind, &raw).map_err(at)?;
            rows.push(row(record, place)?);
            bytes += text.len();
        }
        Ok((rows, Some(Spot { byte: lines.offset, line: lines.number, record: 0 })))
    }

    fn rows(&self, kind: Kind, spot: Option<Spot>) -> Result<(Vec<Row>, Option<Spot>)> {
        let Some(mut table) = self.open(kind.code())? else { return Ok((vec![], None)) };
        if let Some(spot) = spot {
            table.go_to(spot)?;
        }
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < ROWS && bytes < BYTES {
            let Some(read) = table.next()? else { return Ok((rows, None)) };
            let at = |p: Problem| p.at(table.at(read.number));
            let mut fields = read.fields;
            if !fields.contains_key("id")
                && let Some(field) = columns::stand_in(kind)
            {
                let first = |value: &Value| {
                    value.as_array().map_or(value.clone(), |all| all.first().cloned().unwrap_or_default())
                };
                let id = fields.get(field).map(first).unwrap_or_default();
                fields.insert("id".into(), id);
            }
            if kind == Kind::Ticket {
                let format = self.columns.format.unwrap_or(Format::Text);
                self.children()?.join(&mut fields, format, &|name| self.open(name))?;
            }
            let record = line::record(kind, &Value::Object(fields)).map_err(at)?;
            let row = row(record, table.at(read.number))?;
            bytes += row.raw.to_string().len();
            rows.push(row);
        }
        Ok((rows, Some(table.spot())))
    }

    fn open(&self, name: &'static str) -> Result<Option<Table>> {
        let Some(found) = self.table(name)? else { return Ok(None) };
        Table::open(&found, &self.columns, name, self.delimiter()).map(Some)
    }

    fn children(&self) -> Result<&Children> {
        if let Some(children) = self.children.get() {
            return Ok(children);
        }
        let children = Children::of(&|name| self.open(name))?;
        Ok(self.children.get_or_init(|| children))
    }
}

fn row(record: Record, place: String) -> Result<Row> {
    let raw = serde_json::to_value(&record).map_err(|e| Problem::new(Reason::Internal, e.to_string()))?;
    let updated_at = record.updated_at.map(|at| at.to_string());
    Ok(Row { id: record.id, number: record.number, updated_at, place: Some(place), raw })
}

/// Copies a file of the folder into `dir`, named by its hash.
fn copied(from: &Path, attachment: &Attachment, dir: &Path) -> Result<Blob> {
    let at = |p: Problem| p.at(format!("file {}", attachment.id));
    let mut file = folder::open_inside(from, &attachment.source).map_err(at)?;
    let mut to = tempfile::Builder::new().prefix("tmp-").tempfile_in(dir)?;
    let (mut hasher, mut bytes, mut chunk) = (blake3::Hasher::new(), 0, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk).map_err(|e| at(Problem::from(e)))?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
        to.write_all(&chunk[..read])?;
        bytes += read as u64;
    }
    to.as_file().sync_all()?;
    let hash = hasher.finalize().to_hex().to_string();
    if attachment.hash.as_ref().is_some_and(|said| *said != hash) {
        let what = format!("{:?} is not the file its record names: its hash differs", attachment.source);
        return Err(at(Problem::new(Reason::FileUnreadable, what)));
    }
    to.persist(dir.join(&hash)).map_err(|e| e.error)?;
    folder::sync(dir)?;
    Ok(Blob { hash, bytes, mime: attachment.mime.clone() })
}
