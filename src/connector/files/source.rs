//! A folder as a [`Source`].
//!
//! All of it is read once, to find what is wrong and what belongs together ([`super::census`]); then page by page, with the place
//! of the next row as cursor, and never a whole file in memory. A later run reads a file again only if it was changed
//! since; what changed in it the ledger tells by content: a file is made by hand or copied, so that its
//! `updated_at` says nothing about when it came.

use super::cells::Spot;
use super::census::{Census, Find};
use super::columns::{self, Columns};
use super::fields::{ATTACHMENT, COMMENT, TABLES};
use super::spelled::Spelled;
use super::table::Table;
use super::{Form, KINDS, NAME, Place, emptiness, folder, line, lines, rows, sound};
use crate::clock::VendorClock;
use crate::connector::{
    Again, Assemble, Blob, BulkPage, BulkRows, BulkWay, CheckLine, ChildRows, Fetch, LeftBehind, Page, Row, Shows,
    Source,
};
use crate::error::{Problem, Reason, Result};
use crate::record::{Attachment, Kind, Record};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A page ends after so many rows, or after the row that makes it so large.
const ROWS: usize = 200;
const BYTES: usize = 2 << 20;
const CHUNK: usize = 64 << 10;
/// Listings that may begin again in one run, since somebody changed the folder.
const RESTARTS: u32 = 10;
/// What a bookmark begins with: the cursor of a page never does.
const AS_IT_WAS: &str = "=";

#[derive(Clone)]
pub struct FilesSource(Arc<Inner>);

struct Inner {
    place: Place,
    find: Find,
    address: String,
    version: String,
    columns: Columns,
    files: Spelled,
    /// Nothing is asked by time.
    clock: VendorClock,
    /// What was found of the folder, and the folder it was found of.
    census: Mutex<Option<(String, Arc<Census>)>>,
    /// Notes that were told.
    told: Mutex<BTreeSet<String>>,
    /// How often a listing began again, since the folder was changed.
    restarts: AtomicU32,
}

impl FilesSource {
    /// Errors: `config`, when `columns.toml` is wrong.
    pub fn new(place: Place, find: Find) -> Result<FilesSource> {
        let columns = match place.form {
            Form::Jsonl => Columns::default(),
            Form::Csv | Form::Xlsx => Columns::load(&place.folder)?,
        };
        let said = std::fs::read(place.folder.join(columns::FILE)).unwrap_or_default();
        let version = format!("{NAME}-3-{:?}-{}", place.form, &blake3::hash(&said).to_hex()[..12]).to_lowercase();
        let (address, files) = (place.address(), Spelled::of(&place.folder));
        let (clock, census, told) = (VendorClock::default(), Mutex::default(), Mutex::default());
        let restarts = AtomicU32::new(0);
        Ok(FilesSource(Arc::new(Inner {
            place,
            find,
            address,
            version,
            columns,
            files,
            clock,
            census,
            told,
            restarts,
        })))
    }
}

impl Assemble for FilesSource {
    fn version(&self) -> &str {
        &self.0.version
    }

    fn reads(&self, kind: Kind) -> bool {
        KINDS.contains(&kind)
    }

    fn is_called(&self) -> bool {
        false
    }

    fn bulk(&self, _kind: Kind) -> Vec<BulkWay> {
        vec![]
    }

    fn only_in_bulk(&self, _kind: Kind, _row: &Value, _bulk: &BulkRows) -> Result<Vec<String>> {
        Ok(vec![])
    }

    fn assemble(&self, kind: Kind, row: &Value, _children: &ChildRows) -> Result<Record> {
        line::staged(kind, row)
    }
}

#[async_trait]
impl Fetch for FilesSource {
    async fn there_now(&self, files: Vec<Attachment>) -> Result<Vec<Attachment>> {
        let inner = Arc::clone(&self.0);
        let is_there = move |file: &Attachment| inner.files.found(file.source.as_str()).is_ok();
        blocking(move || Ok(files.into_iter().filter(is_there).collect())).await
    }

    async fn fetch(&self, attachment: &Attachment, dir: &Path) -> Result<Blob> {
        let (inner, dir, attachment) = (Arc::clone(&self.0), dir.to_owned(), attachment.clone());
        blocking(move || copied(&inner.files, &attachment, &dir)).await
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

    async fn check(&self, _kinds: &[Kind]) -> Vec<CheckLine> {
        let inner = Arc::clone(&self.0);
        let found = |found| CheckLine { proves: "the folder can be read".to_owned(), found };
        match blocking(move || inner.seen()).await {
            Ok(lines) => lines.into_iter().map(found).collect(),
            Err(problem) => vec![found(Err(problem))],
        }
    }

    async fn probe(&self) -> Result<()> {
        let inner = Arc::clone(&self.0);
        blocking(move || inner.seen()).await.map(drop)
    }

    /// Pages of a folder that is as the bookmark says it was are none.
    async fn read(&self, kind: Kind, cursor: Option<&str>, _since: Option<Timestamp>) -> Result<Page> {
        let (inner, cursor) = (Arc::clone(&self.0), cursor.map(str::to_owned));
        blocking(move || inner.page(kind, cursor.as_deref())).await
    }

    async fn read_one(&self, _kind: Kind, _id: &str) -> Result<Option<Row>> {
        Ok(None)
    }

    fn recall(&self, _kind: Kind, _ids: &[String]) {}

    /// A row of a file is whole as it stands there.
    async fn complete(&self, _kind: Kind, raw: &Value) -> Result<Option<Row>> {
        let id = crate::expr::plain(&raw["id"]);
        Ok(Some(Row { id, number: None, updated_at: None, place: None, raw: raw.clone(), unread: None }))
    }

    async fn look_again(&self, _kind: Kind, _row: &Value) -> Result<Again> {
        Ok(Again::There)
    }

    async fn read_children(&self, _kind: Kind, _row: &Value, _bulk: &BulkRows) -> Result<ChildRows> {
        Ok(ChildRows::new())
    }

    async fn read_bulk(
        &self,
        _kind: Kind,
        _stream: &str,
        _cursor: Option<&str>,
        _since: Option<Timestamp>,
    ) -> Result<BulkPage> {
        Ok(BulkPage::default())
    }

    async fn join_bulk(&self, _kind: Kind, _row: &Value, _bulk: &BulkRows) -> Result<Option<ChildRows>> {
        Ok(None)
    }

    fn refused(&self) -> Vec<String> {
        vec![]
    }

    async fn shows(&self, _list: &str, _rows: &[Value]) -> Result<Option<bool>> {
        Ok(Some(true))
    }

    async fn left(&self) -> Result<Vec<LeftBehind>> {
        let inner = Arc::clone(&self.0);
        let unread = blocking(move || Ok(inner.census()?.unread.clone())).await?;
        if unread.is_empty() {
            return Ok(vec![]);
        }
        let what = "files and sheets of the folder".to_owned();
        Ok(vec![LeftBehind { what, many: unread.len() as u64, whole: true, names: unread, hint: None }])
    }

    async fn faults(&self) -> Result<Vec<Problem>> {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            let census = inner.census()?;
            let missing = census.missing.problems(Reason::NotFound);
            let sums = sound::sums(&census, &inner.place, &inner.columns)?;
            let faults = census.faults.problems(Reason::BadExport).into_iter();
            Ok(faults.chain(sums.problems(Reason::BadExport)).chain(missing).collect())
        })
        .await
    }

    fn take_notes(&self) -> Vec<String> {
        let census = self.0.census.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, census)) = census.as_ref() else { return vec![] };
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        census.said().into_iter().chain(census.trouble()).filter(|note| told.insert(note.clone())).collect()
    }

    fn ahead_of(&self, kind: Kind, id: &str) -> Option<String> {
        let census = self.0.census.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, census) = census.as_ref().filter(|_| kind == Kind::Contact)?;
        census.same_address.get(id).cloned()
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}

/// Files are read on a thread that may wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| {
        Err(Problem::new(Reason::Internal, format!("reading the files failed inside Deskferry: {e}")))
    })
}

/// Where a listing goes on, and the folder it is of: one that was changed meanwhile is read again from its beginning.
#[derive(Clone, Debug, PartialEq)]
struct Cursor {
    next: Next,
    print: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    Row(Spot),
    /// Of the records that tickets name and no row is of.
    Named(usize),
}

impl Cursor {
    fn parse(text: &str) -> Option<Cursor> {
        let (next, print) = text.split_once('@')?;
        let next = match next.strip_prefix("named:") {
            Some(at) => Next::Named(at.parse().ok()?),
            None => Next::Row(rows::spot_of(next)?),
        };
        Some(Cursor { next, print: print.to_owned() })
    }

    fn text(&self) -> String {
        match self.next {
            Next::Row(spot) => format!("{}@{}", rows::spot_text(spot), self.print),
            Next::Named(at) => format!("named:{at}@{}", self.print),
        }
    }
}

/// Tells a file that was changed from one that was not, and from one that is gone.
fn print(path: &Path) -> Result<String> {
    let meta = match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok("gone".to_owned()),
        meta => meta.map_err(|e| Problem::from(e).at(path.display()))?,
    };
    // The time of its last change of any sort counts: a copy keeps the time of writing of its original.
    let changed = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    Ok(format!("{}-{}-{}.{}-{}.{}", meta.ino(), meta.len(), changed.0, changed.1, changed.2, changed.3))
}

/// The same of several files.
fn prints<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(print(path)?.as_bytes());
    }
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

impl Inner {
    /// What the folder is, as it lies there now.
    fn census(&self) -> Result<Arc<Census>> {
        self.printed().map(|(_, census)| census)
    }

    fn printed(&self) -> Result<(String, Arc<Census>)> {
        let mut held = self.census.lock().unwrap_or_else(PoisonError::into_inner);
        let print = self.print(held.as_ref().map(|(_, census)| census.as_ref()))?;
        if let Some((of, census)) = held.as_ref()
            && *of == print
        {
            return Ok((print, Arc::clone(census)));
        }
        let census = Arc::new(Census::of(&self.place, &self.columns, self.find)?);
        let print = self.print(Some(&census))?;
        *held = Some((print.clone(), Arc::clone(&census)));
        Ok((print, census))
    }

    /// Tells the folder from itself with other files, or changed ones. Of a file that is not read only the name counts: something
    /// may be writing it all the while.
    fn print(&self, census: Option<&Census>) -> Result<String> {
        let Place { folder, form, .. } = &self.place;
        let files: BTreeSet<PathBuf> = match form {
            Form::Jsonl => KINDS.iter().map(|&kind| lines::file(folder, kind)).collect(),
            Form::Csv | Form::Xlsx => census.into_iter().flat_map(Census::files).collect(),
        };
        let names = super::tables::names(folder)?.join("/");
        Ok(format!("{}-{}", prints(&files)?, &blake3::hash(names.as_bytes()).to_hex()[..8]))
    }

    /// A folder that never keeps still would be read from its beginning for ever.
    fn begin_again(&self) -> Result<()> {
        if self.restarts.fetch_add(1, Ordering::Relaxed) < RESTARTS {
            return Ok(());
        }
        let what = format!(
            "{} changed {RESTARTS} times while it was read: each time it is read from its beginning",
            self.place.folder.display()
        );
        Err(Problem::new(Reason::Refused, what)
            .hint("stop the program that writes into the folder, or copy the files into another folder"))
    }

    fn seen(&self) -> Result<Vec<Result<String>>> {
        let folder = &self.place.folder;
        if !folder.is_dir() {
            let what = format!("there is no folder {}", folder.display());
            return Err(Problem::new(Reason::Config, what).hint("`path` of [source] is relative to the project folder"));
        }
        let census = self.census()?;
        if !census.wrong.is_empty() {
            return Ok(census.wrong.iter().cloned().map(Err).collect());
        }
        emptiness::check(&self.place, &census)?;
        let headers = |table: &str| match census.tables.get(table).map(|layout| layout.parts[0].header_row) {
            Some(row) if row > 1 => format!(", headers in row {row}"),
            _ => String::new(),
        };
        let counts = TABLES.iter().filter_map(|table| Some((table, census.counts.get(table)?)));
        let mut words: Vec<String> =
            counts.map(|(table, rows)| format!("{table} ({rows}{})", headers(table))).collect();
        let said = census.said();
        self.told.lock().unwrap_or_else(PoisonError::into_inner).extend(said.iter().cloned());
        words.extend(said);
        Ok(vec![Ok(words.join(", "))])
    }

    /// The files a kind is read from.
    fn origins(&self, kind: Kind, census: &Census) -> Vec<PathBuf> {
        // Tickets say who has no row; people, groups and companies whom tickets mean by a name.
        let others: &[Kind] = match kind {
            Kind::Contact | Kind::Group | Kind::Company => &[Kind::Ticket],
            Kind::Ticket => &[Kind::Contact, Kind::Agent, Kind::Group, Kind::Company],
            _ => &[],
        };
        let kinds = || [kind].into_iter().chain(others.iter().copied());
        if self.place.form == Form::Jsonl {
            return kinds().map(|kind| lines::file(&self.place.folder, kind)).filter(|path| path.is_file()).collect();
        }
        let rows_of_tickets = if kinds().any(|kind| kind == Kind::Ticket) { vec![COMMENT, ATTACHMENT] } else { vec![] };
        let tables = kinds().map(Kind::code).chain(rows_of_tickets);
        tables.flat_map(|table| census.files_of(table)).collect()
    }

    fn page(&self, kind: Kind, cursor: Option<&str>) -> Result<Page> {
        let census = self.census()?;
        if let Some(wrong) = census.wrong.first() {
            return Err(Problem { reason: Reason::BadExport, ..wrong.clone() });
        }
        emptiness::check(&self.place, &census)?;
        let origins = self.origins(kind, &census);
        if origins.is_empty() {
            return Ok(Page::default());
        }
        // Before the folder is looked at once more: what is read of its files is at least as new.
        let bookmark = format!("{AS_IT_WAS}{}", prints(&origins)?);
        let (print, census) = self.printed()?;
        if let Some(wrong) = census.wrong.first() {
            return Err(Problem { reason: Reason::BadExport, ..wrong.clone() });
        }
        if cursor == Some(bookmark.as_str()) {
            return Ok(Page { bookmark: Some(bookmark), ..Page::default() });
        }
        let next = match cursor.and_then(Cursor::parse) {
            Some(cursor) if cursor.print == print => Some(cursor.next),
            Some(_) => {
                self.begin_again()?;
                None
            }
            None => None,
        };
        let shows = if next.is_none() { Shows::AllFromHere } else { Shows::MoreOfAll };
        let (rows, next) = match next {
            Some(Next::Named(at)) => self.named(kind, &census, at)?,
            Some(Next::Row(spot)) => self.rows(kind, &census, Some(spot))?,
            None => self.rows(kind, &census, None)?,
        };
        Ok(Page { bookmark: Some(bookmark), rows, next: next.map(|next| Cursor { next, print }.text()), shows })
    }

    /// The next rows of a kind's own file or table; after them come the records that have no row.
    fn rows(&self, kind: Kind, census: &Census, spot: Option<Spot>) -> Result<(Vec<Row>, Option<Next>)> {
        let own = match self.place.form {
            Form::Jsonl => self.lines(kind, census, spot)?,
            Form::Csv | Form::Xlsx => self.table_rows(kind, census, spot)?,
        };
        Ok(match own {
            (rows, Some(spot)) => (rows, Some(Next::Row(spot))),
            (mut rows, None) => {
                if kind == Kind::Ticket {
                    rows.extend(census.of_no_ticket.iter().map(|faults| rows::unreadable(None, faults)));
                }
                (rows, Some(Next::Named(0)).filter(|_| census.named.of_kind(kind) > 0))
            }
        })
    }

    fn lines(&self, kind: Kind, census: &Census, spot: Option<Spot>) -> Result<(Vec<Row>, Option<Spot>)> {
        if !census.counts.contains_key(kind.code()) {
            return Ok((vec![], None));
        }
        let mut reader = lines::Reader::open(&self.place.folder, kind, spot)?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < ROWS && bytes < BYTES {
            let Some(line) = reader.next()? else { return Ok((rows, None)) };
            bytes += line.bytes;
            rows.extend(reader.row(&line, census.repeats.get(&kind))?);
        }
        Ok((rows, Some(reader.spot())))
    }

    fn table_rows(&self, kind: Kind, census: &Census, spot: Option<Spot>) -> Result<(Vec<Row>, Option<Spot>)> {
        let Some(layout) = census.tables.get(kind.code()) else { return Ok((vec![], None)) };
        let mut table = Table::open(layout)?;
        if let Some(spot) = spot {
            table.go_to(spot)?;
        }
        let mut reader = rows::Reader::new(kind, census, &self.columns)?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < ROWS && bytes < BYTES {
            let Some(read) = table.next()? else { return Ok((rows, None)) };
            if let Some(row) = reader.row(read, &table)? {
                bytes += row.raw.to_string().len();
                rows.push(row);
            }
        }
        Ok((rows, Some(table.spot())))
    }

    fn named(&self, kind: Kind, census: &Census, from: usize) -> Result<(Vec<Row>, Option<Next>)> {
        let to = (from + ROWS).min(census.named.of_kind(kind));
        let records = (from..to).filter_map(|at| census.named.record(kind, at));
        let rows = records.map(|record| rows::row(&record, None)).collect::<Result<_>>()?;
        Ok((rows, Some(Next::Named(to)).filter(|_| to < census.named.of_kind(kind))))
    }
}

/// Copies a file of the folder into `dir`, named by its hash.
fn copied(from: &Spelled, attachment: &Attachment, dir: &Path) -> Result<Blob> {
    let at = |p: Problem| p.at(format!("file {}", attachment.id));
    let mut file = sound::open(from, attachment.source.as_str()).map_err(at)?;
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
    if attachment.hash.as_ref().is_some_and(|said| !said.eq_ignore_ascii_case(&hash)) {
        let what = format!("{:?} is not the file its record names: its hash differs", attachment.source.as_str());
        return Err(at(Problem::new(Reason::FileUnreadable, what)));
    }
    to.persist(dir.join(&hash)).map_err(|e| e.error)?;
    folder::sync(dir)?;
    Ok(Blob { hash, bytes, told: None, mime: attachment.mime.clone() })
}
