//! The stage: raw rows of the source on this disk, as the vendor sent them.
//!
//! Rows are kept as zstd-packed JSON with the version of the manifest that read them, so that a preview or a changed mapping
//! never asks the source twice. A listing's cursor is stored in the transaction of the page before it: a
//! cursor is never ahead of its data. The stage is disposable; what was *done* is the ledger's. Files lie
//! beside it in `blobs/`, named by the BLAKE3 of their bytes.

mod blobs;
mod packing;
mod pairing;
mod refused;
mod repeats;
#[cfg(test)]
mod tests;
mod whole;

pub use blobs::{BlobRow, StagedBlob};
pub use pairing::Pairing;
pub use repeats::Repeat;
pub use whole::Wholeness;

use crate::error::Result;
use crate::ledger::store::{Design, Store};
use crate::ledger::{Fault, private_folder};
use blobs::sweep;
use jiff::Timestamp;
use packing::{pack, torn, unpack};
use repeats::Sighting;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

static DESIGN: Design = Design {
    file: "staging.db",
    synchronous: "NORMAL",
    versions: &[
        VERSION_1,
        REFERENCE,
        BULK,
        PAIRING,
        repeats::VERSION,
        VENDOR_TIME,
        whole::VERSION,
        whole::AGAIN,
        refused::VERSION,
    ],
    damaged: "delete it: it only holds copies of the source, and is read again",
};

const VERSION_1: &str = "
CREATE TABLE stream (
  name      TEXT PRIMARY KEY,
  version   TEXT NOT NULL,
  cursor    TEXT,
  since     BIGINT,
  began_at  BIGINT,
  complete_since BIGINT
);
CREATE TABLE item (
  seq       INTEGER PRIMARY KEY,
  stream    TEXT NOT NULL,
  id        TEXT NOT NULL,
  hash      TEXT NOT NULL,
  body      BLOB NOT NULL,
  children_of TEXT,
  children  BLOB,
  UNIQUE (stream, id)
);
CREATE INDEX item_order ON item (stream, seq);
CREATE TABLE blob (
  source    TEXT PRIMARY KEY,
  hash      TEXT,
  bytes     BIGINT,
  mime      TEXT,
  problem   TEXT
);
";

/// What the tickets of a narrowed run refer to.
const REFERENCE: &str = "
CREATE TABLE reference (
  kind      TEXT NOT NULL,
  id        TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;
";

/// Where a later listing goes on; rows of a bulk listing, by the root they belong to.
const BULK: &str = "
ALTER TABLE stream ADD COLUMN bookmark TEXT;
ALTER TABLE item ADD COLUMN root TEXT;
CREATE INDEX item_root ON item (stream, root) WHERE root IS NOT NULL;
";

/// The token shared with the ledger, and the account the rows are of.
const PAIRING: &str = "
CREATE TABLE pairing (
  token   TEXT NOT NULL,
  source  TEXT NOT NULL
);
";

/// Times are the vendor's from here on. Before, they were this machine's, which may have been ahead: a day is listed again. `turn` counts
/// all listings as they begin; `changed` is the turn in which a row came that was new or not as before.
const VENDOR_TIME: &str = "
UPDATE stream SET since = since - 86400000, began_at = began_at - 86400000, complete_since = complete_since - 86400000;
ALTER TABLE stream ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
ALTER TABLE stream ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
";

/// How far the listing of a stream is. Times are the vendor's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Where an unfinished listing goes on.
    pub cursor: Option<String>,
    /// What an unfinished listing asks for.
    pub since: Option<Timestamp>,
    pub began_at: Option<Timestamp>,
    /// The place of the listing, which is at work or the last one, among all that ever began.
    pub turn: i64,
    /// The turn in which a row of the stream last came that was new or not as before.
    pub changed: i64,
    /// All changes before this are staged: the start of the last listing that came to its end.
    pub complete_since: Option<Timestamp>,
    /// The source's own word for where that listing ended.
    pub bookmark: Option<String>,
}

/// A row's key and the hash of its content.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemKey {
    pub id: String,
    pub hash: String,
    /// Of a row in a bulk listing: the root row it belongs to.
    pub root: Option<String>,
    /// When the source says that it changed.
    pub updated_at: Option<Timestamp>,
    /// Where it stands, if the source is a file.
    pub place: Option<String>,
    pub lacks: Lacks,
}

/// What a row needs before its record is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacks {
    Nothing,
    /// What stands below it, or the rest of the row itself.
    More,
}

/// One page with the cursor after it.
pub struct NewPage<'a> {
    pub stream: &'a str,
    pub items: Vec<ItemKey>,
    pub rows: &'a [&'a Value],
    pub cursor: Option<&'a str>,
    pub since: Option<Timestamp>,
    pub began_at: Timestamp,
    pub turn: i64,
}

/// What stands below a row, by the name of its stream.
pub type Children = BTreeMap<String, Vec<Value>>;

#[derive(Clone)]
pub struct Staging {
    store: Store,
    blobs: PathBuf,
}

impl Staging {
    /// Opens or makes the stage of a project, for the holder of the project's lock alone. Blocks briefly.
    pub fn open(project: &Path) -> Result<Staging> {
        let store = Store::open(project, &DESIGN)?;
        let blobs = project.join(".deskferry").join("blobs");
        private_folder(&blobs)?;
        sweep(&blobs)?;
        Ok(Staging { store, blobs })
    }

    /// Binds a stream to the version of the manifest that reads it. Rows of another version are dropped, to be read again.
    pub async fn bind(&self, stream: &str, version: &str) -> Result<()> {
        let (stream, version) = (stream.to_owned(), version.to_owned());
        self.store
            .write(move |db| {
                let bound: Option<String> =
                    db.query_row("SELECT version FROM stream WHERE name = ?1", [&stream], |r| r.get(0)).optional()?;
                if bound.as_deref() == Some(&version) {
                    return Ok(());
                }
                db.execute("DELETE FROM item WHERE stream = ?1", [&stream])?;
                db.execute("DELETE FROM stream WHERE name = ?1", [&stream])?;
                db.execute("INSERT INTO stream (name, version) VALUES (?1, ?2)", [&stream, &version])?;
                Ok(())
            })
            .await
    }

    pub async fn listing(&self, stream: &str) -> Result<Listing> {
        let stream = stream.to_owned();
        self.store
            .read(move |db| {
                let sql = "SELECT cursor, since, began_at, complete_since, bookmark, turn, changed FROM stream WHERE name = ?1";
                let row = db.query_row(sql, [&stream], |r| {
                    Ok(Listing {
                        cursor: r.get(0)?,
                        since: r.get::<_, Option<i64>>(1)?.and_then(moment),
                        began_at: r.get::<_, Option<i64>>(2)?.and_then(moment),
                        complete_since: r.get::<_, Option<i64>>(3)?.and_then(moment),
                        bookmark: r.get(4)?,
                        turn: r.get(5)?,
                        changed: r.get(6)?,
                    })
                });
                Ok(row.optional()?.unwrap_or_default())
            })
            .await
    }

    /// The turn of a listing that begins now.
    pub async fn next_turn(&self) -> Result<i64> {
        let sql = "SELECT COALESCE(MAX(MAX(turn, changed)), 0) + 1 FROM stream";
        self.store.read(move |db| Ok(db.query_row(sql, [], |row| row.get(0))?)).await
    }

    /// Stores a page and the cursor after it, in one transaction. Rows that were staged before are replaced. Gives those whose id
    /// another row of the same listing has.
    pub async fn put_page(&self, page: &NewPage<'_>) -> Result<Vec<Repeat>> {
        let stream = page.stream.to_owned();
        let cursor = page.cursor.map(str::to_owned);
        let (since, began) = (page.since.map(Timestamp::as_millisecond), page.began_at.as_millisecond());
        let turn = page.turn;
        let mut rows = Vec::with_capacity(page.rows.len());
        for (key, row) in page.items.iter().zip(page.rows) {
            rows.push((key.clone(), pack(row)?));
        }
        self.store
            .write(move |db| {
                let (mut repeats, mut changed) = (Vec::new(), false);
                for (key, body) in rows {
                    let put = put_row(db, &stream, turn, key, &body)?;
                    changed |= put.changed;
                    repeats.extend(put.repeat);
                }
                let sql = "UPDATE stream SET cursor = ?2, since = ?3, began_at = ?4, turn = ?5, \
                             changed = CASE WHEN ?6 THEN ?5 ELSE changed END WHERE name = ?1";
                db.prepare_cached(sql)?.execute(params![stream, cursor, since, began, turn, changed])?;
                Ok(repeats)
            })
            .await
    }

    /// No row of a stream is whole until it comes again, in the turn that is given.
    pub async fn open_rows(&self, stream: &str) -> Result<i64> {
        let name = stream.to_owned();
        self.store
            .write(move |db| {
                db.execute("UPDATE item SET children_of = NULL, gone_of = NULL WHERE stream = ?1", [&name])?;
                Ok(())
            })
            .await?;
        self.next_turn().await
    }

    /// Forgets the rows of a stream that did not come in this turn, and nothing of how far it was listed.
    pub async fn forget_unseen(&self, stream: &str, turn: i64) -> Result<()> {
        let stream = stream.to_owned();
        self.store
            .write(move |db| {
                db.execute("DELETE FROM item WHERE stream = ?1 AND listing IS NOT ?2", params![stream, turn])?;
                Ok(())
            })
            .await
    }

    /// A listing that began at this time has come to its end; a later one goes on from the bookmark, if there is one.
    pub async fn listed(&self, stream: &str, began_at: Timestamp, bookmark: Option<&str>) -> Result<()> {
        let (stream, began) = (stream.to_owned(), began_at.as_millisecond());
        let bookmark = bookmark.map(str::to_owned);
        self.store
            .write(move |db| {
                let sql = "UPDATE stream SET cursor = NULL, since = NULL, began_at = NULL, complete_since = ?2, bookmark = ?3 \
                           WHERE name = ?1";
                db.execute(sql, params![stream, began, bookmark])?;
                Ok(())
            })
            .await
    }

    pub async fn item(&self, stream: &str, id: &str) -> Result<Option<Value>> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        let sql = "SELECT body FROM item WHERE stream = ?1 AND id = ?2";
        let body = self.store.read(move |db| packed(db, sql, &stream, &id)).await?;
        body.map(|body| unpack(&body)).transpose()
    }

    /// What `make` makes of a row, of what stands below it, of the places of all rows that share the id, where there are several, and of
    /// whether that is all of it; on a thread beside. None where there is no such row.
    pub async fn made<T: Send + 'static>(
        &self,
        stream: &str,
        id: &str,
        make: impl FnOnce(Value, Children, &[String], Wholeness) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        self.store
            .read(move |db| {
                let sql = format!(
                    "SELECT body, children, places, {} FROM item WHERE stream = ?1 AND id = ?2",
                    Wholeness::COLUMNS
                );
                let mut found = db.prepare_cached(&sql)?;
                let mut rows = found.query([&stream, &id])?;
                let Some(row) = rows.next()? else { return Ok(None) };
                let body = unpack(row.get_ref(0)?.as_blob().map_err(|_| torn())?)?;
                let children = match row.get_ref(1)?.as_blob_or_null().map_err(|_| torn())? {
                    Some(packed) => serde_json::from_value(unpack(packed)?).map_err(|_| torn())?,
                    None => Children::new(),
                };
                let places = row.get::<_, Option<String>>(2)?.map(|places| repeats::parted(&places));
                Ok(Some(make(body, children, &places.unwrap_or_default(), Wholeness::of(row, 3)?)))
            })
            .await
    }

    /// What `make` makes of a row alone, on a thread beside.
    pub async fn made_alone<T: Send + 'static>(
        &self,
        stream: &str,
        id: &str,
        make: impl FnOnce(Value) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        let sql = "SELECT body FROM item WHERE stream = ?1 AND id = ?2";
        let work = move |db: &Connection| match packed(db, sql, &stream, &id)? {
            Some(body) => Ok(Some(make(unpack(&body)?))),
            None => Ok(None),
        };
        self.store.read(work).await
    }

    pub async fn holds(&self, stream: &str, id: &str) -> Result<bool> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        let sql = "SELECT EXISTS (SELECT 1 FROM item WHERE stream = ?1 AND id = ?2)";
        self.store.read(move |db| Ok(db.query_row(sql, [&stream, &id], |r| r.get(0))?)).await
    }

    /// All rows of a small stream, in the order they were read.
    pub async fn rows(&self, stream: &str) -> Result<Vec<Value>> {
        let stream = stream.to_owned();
        let bodies: Vec<Vec<u8>> = self
            .store
            .read(move |db| {
                let mut found = db.prepare_cached("SELECT body FROM item WHERE stream = ?1 ORDER BY seq")?;
                let rows = found.query_map([&stream], |r| r.get(0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await?;
        bodies.iter().map(|body| unpack(body)).collect()
    }

    /// Rows of a bulk listing that belong to a root, in the order they were read.
    pub async fn rows_of_root(&self, stream: &str, root: &str) -> Result<Vec<Value>> {
        let (stream, root) = (stream.to_owned(), root.to_owned());
        let bodies: Vec<Vec<u8>> = self
            .store
            .read(move |db| {
                let mut found =
                    db.prepare_cached("SELECT body FROM item WHERE stream = ?1 AND root = ?2 ORDER BY seq")?;
                let rows = found.query_map([&stream, &root], |r| r.get(0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await?;
        bodies.iter().map(|body| unpack(body)).collect()
    }

    pub async fn count(&self, stream: &str) -> Result<u64> {
        let stream = stream.to_owned();
        self.store
            .read(move |db| {
                let count: i64 =
                    db.query_row("SELECT count(*) FROM item WHERE stream = ?1", [&stream], |r| r.get(0))?;
                Ok(u64::try_from(count).unwrap_or_default())
            })
            .await
    }

    /// Ids of a stream's rows, in the order they were read.
    pub async fn ids(&self, stream: &str, after: Option<i64>, limit: u32) -> Result<Vec<(i64, String)>> {
        let stream = stream.to_owned();
        self.store
            .read(move |db| {
                let sql = "SELECT seq, id FROM item WHERE stream = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
                let mut found = db.prepare_cached(sql)?;
                let rows =
                    found.query_map(params![stream, after.unwrap_or(-1), limit], |r| Ok((r.get(0)?, r.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Forgets what tickets refer to.
    pub async fn clear_references(&self) -> Result<()> {
        self.store
            .write(|db| {
                db.execute("DELETE FROM reference", [])?;
                Ok(())
            })
            .await
    }

    /// Notes records that tickets refer to, as `(kind, id)`.
    pub async fn refer(&self, references: Vec<(&'static str, String)>) -> Result<()> {
        self.store
            .write(move |db| {
                let mut put =
                    db.prepare_cached("INSERT INTO reference (kind, id) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
                for (kind, id) in references {
                    put.execute(params![kind, id])?;
                }
                Ok(())
            })
            .await
    }

    pub async fn is_referred(&self, kind: &'static str, id: &str) -> Result<bool> {
        let id = id.to_owned();
        let sql = "SELECT EXISTS (SELECT 1 FROM reference WHERE kind = ?1 AND id = ?2)";
        self.store.read(move |db| Ok(db.query_row(sql, params![kind, id], |r| r.get(0))?)).await
    }
}

/// What became of a row that was staged.
struct Put {
    /// Whether it was not there, or not as it is now.
    changed: bool,
    /// The row, where another one of the listing has its id.
    repeat: Option<Repeat>,
}

/// Stages a row of the listing that has this turn.
fn put_row(db: &Connection, stream: &str, listing: i64, key: ItemKey, body: &[u8]) -> Result<Put, Fault> {
    let whole_as = whole_as(&key).map(str::to_owned);
    let ItemKey { id, hash, root, updated_at, place, .. } = key;
    let updated_at = updated_at.map(Timestamp::as_millisecond);
    let new = db
        .prepare_cached(
            "INSERT INTO item (stream, id, hash, body, root, listing, updated_at, place, children_of) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (stream, id) DO NOTHING",
        )?
        .execute(params![stream, id, hash, body, root, listing, updated_at, place, whole_as])?;
    if new == 1 {
        return Ok(Put { changed: true, repeat: None });
    }
    let same = "SELECT EXISTS (SELECT 1 FROM item WHERE stream = ?1 AND id = ?2 AND hash = ?3)";
    let same: bool = db.prepare_cached(same)?.query_row(params![stream, id, hash], |row| row.get(0))?;
    let now = Sighting { hash, updated_at, place };
    let places = repeats::of(db, stream, &id, &now, listing)?;
    let noted = places.as_deref().map(repeats::joined);
    db.prepare_cached(
        "UPDATE item SET hash = ?3, body = ?4, listing = ?5, updated_at = ?6, place = ?7, places = ?8, \
         children_of = COALESCE(?9, children_of) WHERE stream = ?1 AND id = ?2",
    )?
    .execute(params![stream, id, now.hash, body, listing, now.updated_at, now.place, noted, whole_as])?;
    Ok(Put { changed: !same, repeat: places.map(|places| Repeat { id, places }) })
}

/// The hash under which a row is whole as it came.
fn whole_as(key: &ItemKey) -> Option<&str> {
    (key.lacks == Lacks::Nothing).then_some(key.hash.as_str())
}

fn packed(db: &Connection, sql: &str, stream: &str, id: &str) -> Result<Option<Vec<u8>>, Fault> {
    Ok(db.prepare_cached(sql)?.query_row([stream, id], |r| r.get(0)).optional()?)
}

fn moment(milliseconds: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds).ok()
}
