//! The stage: raw rows of the source on this disk, as the vendor sent them.
//!
//! Rows are kept as zstd-packed JSON with the version of the manifest that read them, so that a preview or a changed mapping
//! never asks the source twice. A listing's cursor is stored in the transaction of the page before it: a
//! cursor is never ahead of its data. The stage is disposable; what was *done* is the ledger's. Files lie
//! beside it in `blobs/`, named by the BLAKE3 of their bytes.

use crate::error::{Problem, Reason, Result};
use crate::ledger::store::{Design, Store};
use crate::ledger::{Fault, private_folder};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

static DESIGN: Design = Design {
    file: "staging.db",
    synchronous: "NORMAL",
    versions: &[VERSION_1, REFERENCE, BULK],
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

/// zstd's level for rows: its default, for JSON of a few KiB.
const LEVEL: i32 = 3;
/// Bytes of a row that are believed to be as many as it says.
const WHOLE: u64 = 1 << 30;

/// How far the listing of a stream is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Where an unfinished listing goes on.
    pub cursor: Option<String>,
    /// What an unfinished listing asks for.
    pub since: Option<Timestamp>,
    pub began_at: Option<Timestamp>,
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
}

/// One page with the cursor after it.
pub struct NewPage<'a> {
    pub stream: &'a str,
    pub items: Vec<ItemKey>,
    pub rows: &'a [&'a Value],
    pub cursor: Option<&'a str>,
    pub since: Option<Timestamp>,
    pub began_at: Timestamp,
}

/// Bytes of one file of the source.
#[derive(Clone, Debug, PartialEq)]
pub struct StagedBlob {
    pub hash: String,
    pub bytes: u64,
    pub mime: Option<String>,
}

/// What stands below a row, by the name of its stream.
pub type Children = BTreeMap<String, Vec<Value>>;

/// `hash, bytes, mime, problem`
type BlobRow = (Option<String>, Option<i64>, Option<String>, Option<String>);

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

    pub fn blob_dir(&self) -> &Path {
        &self.blobs
    }

    pub fn blob_path(&self, hash: &str) -> PathBuf {
        self.blobs.join(hash)
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
                let sql = "SELECT cursor, since, began_at, complete_since, bookmark FROM stream WHERE name = ?1";
                let row = db.query_row(sql, [&stream], |r| {
                    Ok(Listing {
                        cursor: r.get(0)?,
                        since: r.get::<_, Option<i64>>(1)?.and_then(moment),
                        began_at: r.get::<_, Option<i64>>(2)?.and_then(moment),
                        complete_since: r.get::<_, Option<i64>>(3)?.and_then(moment),
                        bookmark: r.get(4)?,
                    })
                });
                Ok(row.optional()?.unwrap_or_default())
            })
            .await
    }

    /// Stores a page and the cursor after it, in one transaction. Rows that were staged before are replaced.
    pub async fn put_page(&self, page: &NewPage<'_>) -> Result<()> {
        let stream = page.stream.to_owned();
        let cursor = page.cursor.map(str::to_owned);
        let (since, began) = (page.since.map(Timestamp::as_millisecond), page.began_at.as_millisecond());
        let mut rows = Vec::with_capacity(page.rows.len());
        for (key, row) in page.items.iter().zip(page.rows) {
            rows.push((key.clone(), pack(row)?));
        }
        self.store
            .write(move |db| {
                for (key, body) in rows {
                    db.prepare_cached(
                        "INSERT INTO item (stream, id, hash, body, root) VALUES (?1, ?2, ?3, ?4, ?5) \
                         ON CONFLICT (stream, id) DO UPDATE SET hash = excluded.hash, body = excluded.body",
                    )?
                    .execute(params![stream, key.id, key.hash, body, key.root])?;
                }
                db.prepare_cached("UPDATE stream SET cursor = ?2, since = ?3, began_at = ?4 WHERE name = ?1")?
                    .execute(params![stream, cursor, since, began])?;
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

    /// Forgets how far every stream was listed. What is staged stays, and what is read again is compared with it.
    pub async fn list_anew(&self) -> Result<()> {
        self.store
            .write(|db| {
                let sql = "UPDATE stream SET cursor = NULL, since = NULL, began_at = NULL, complete_since = NULL, \
                             bookmark = NULL";
                db.execute(sql, [])?;
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

    /// What `make` makes of a row and all that stands below it, on a thread beside; none where there is no such row.
    pub async fn made<T: Send + 'static>(
        &self,
        stream: &str,
        id: &str,
        make: impl FnOnce(Value, Children) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        self.store
            .read(move |db| {
                let mut found = db.prepare_cached("SELECT body, children FROM item WHERE stream = ?1 AND id = ?2")?;
                let mut rows = found.query([&stream, &id])?;
                let Some(row) = rows.next()? else { return Ok(None) };
                let body = unpack(row.get_ref(0)?.as_blob().map_err(|_| torn())?)?;
                let children = match row.get_ref(1)?.as_blob_or_null().map_err(|_| torn())? {
                    Some(packed) => serde_json::from_value(unpack(packed)?).map_err(|_| torn())?,
                    None => Children::new(),
                };
                Ok(Some(make(body, children)))
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

    /// How many root rows have not the children of their present content.
    pub async fn count_without_children(&self, stream: &str) -> Result<u64> {
        let stream = stream.to_owned();
        self.store
            .read(move |db| {
                let sql =
                    "SELECT count(*) FROM item WHERE stream = ?1 AND (children_of IS NULL OR children_of <> hash)";
                let count: i64 = db.query_row(sql, [&stream], |r| r.get(0))?;
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

    /// Root rows whose children are not those of their present content, in the order they were read.
    pub async fn without_children(&self, stream: &str, after: Option<i64>, limit: u32) -> Result<Vec<(i64, String)>> {
        let stream = stream.to_owned();
        self.store
            .read(move |db| {
                let mut found = db.prepare_cached(
                    "SELECT seq, id FROM item WHERE stream = ?1 AND seq > ?2 \
                     AND (children_of IS NULL OR children_of <> hash) ORDER BY seq LIMIT ?3",
                )?;
                let rows =
                    found.query_map(params![stream, after.unwrap_or(-1), limit], |r| Ok((r.get(0)?, r.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Stores all that stands below a root row whose content has this hash.
    pub async fn put_children(&self, stream: &str, id: &str, hash: &str, children: &Children) -> Result<()> {
        let body = pack(&serde_json::to_value(children).map_err(|e| Problem::new(Reason::Internal, e.to_string()))?)?;
        let (stream, id, hash) = (stream.to_owned(), id.to_owned(), hash.to_owned());
        self.store
            .write(move |db| {
                db.prepare_cached("UPDATE item SET children_of = ?3, children = ?4 WHERE stream = ?1 AND id = ?2")?
                    .execute(params![stream, id, hash, body])?;
                Ok(())
            })
            .await
    }

    /// All that stands below a root row; empty where nothing was read.
    pub async fn children(&self, stream: &str, id: &str) -> Result<Children> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        let sql = "SELECT children FROM item WHERE stream = ?1 AND id = ?2 AND children IS NOT NULL";
        let Some(body) = self.store.read(move |db| packed(db, sql, &stream, &id)).await? else {
            return Ok(Children::new());
        };
        serde_json::from_value(unpack(&body)?).map_err(|_| torn())
    }

    /// Whether a root row and its children are of one content: both are there, and the row did not change since.
    pub async fn whole(&self, stream: &str, id: &str) -> Result<bool> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        self.store
            .read(move |db| {
                let sql =
                    "SELECT children_of = hash FROM item WHERE stream = ?1 AND id = ?2 AND children_of IS NOT NULL";
                Ok(db.query_row(sql, [&stream, &id], |r| r.get(0)).optional()?.unwrap_or(false))
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

    /// The file a source address was read into. An error that will not pass (the source no longer has it) is kept too.
    pub async fn blob(&self, source: &str) -> Result<Option<Result<StagedBlob>>> {
        let source = source.to_owned();
        let row: Option<BlobRow> = self
            .store
            .read(move |db| {
                let sql = "SELECT hash, bytes, mime, problem FROM blob WHERE source = ?1";
                Ok(db.query_row(sql, [&source], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).optional()?)
            })
            .await?;
        Ok(match row {
            Some((Some(hash), bytes, mime, _)) if self.blob_path(&hash).is_file() => {
                let bytes = bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
                Some(Ok(StagedBlob { hash, bytes, mime }))
            }
            Some((None, _, _, Some(problem))) => serde_json::from_str(&problem).ok().map(Err),
            _ => None,
        })
    }

    pub async fn put_blob(&self, source: &str, blob: &Result<StagedBlob>) -> Result<()> {
        let source = source.to_owned();
        let row = match blob {
            Ok(b) => (Some(b.hash.clone()), i64::try_from(b.bytes).ok(), b.mime.clone(), None),
            Err(problem) => (None, None, None, serde_json::to_string(problem).ok()),
        };
        self.store
            .write(move |db| {
                let sql = "INSERT INTO blob (source, hash, bytes, mime, problem) VALUES (?1, ?2, ?3, ?4, ?5) \
                           ON CONFLICT (source) DO UPDATE SET hash = excluded.hash, bytes = excluded.bytes, \
                           mime = excluded.mime, problem = excluded.problem";
                db.prepare_cached(sql)?.execute(params![source, row.0, row.1, row.2, row.3])?;
                Ok(())
            })
            .await
    }
}

/// Removes what a killed process left of files it had not read to their end.
fn sweep(blobs: &Path) -> Result<()> {
    for entry in std::fs::read_dir(blobs)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("tmp-") || name.starts_with(".tmp") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn packed(db: &Connection, sql: &str, stream: &str, id: &str) -> Result<Option<Vec<u8>>, Fault> {
    Ok(db.prepare_cached(sql)?.query_row([stream, id], |r| r.get(0)).optional()?)
}

fn pack(value: &Value) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(value).map_err(|e| Problem::new(Reason::Internal, e.to_string()))?;
    PACKER.with_borrow_mut(|kept| {
        let packer = match kept {
            Some(packer) => packer,
            none => none.insert(Compressor::new(LEVEL)?),
        };
        Ok(packer.compress(&json)?)
    })
}

fn unpack(body: &[u8]) -> Result<Value> {
    let json = match get_frame_content_size(body) {
        Ok(Some(bytes)) if bytes <= WHOLE => UNPACKER.with_borrow_mut(|kept| {
            let unpacker = match kept {
                Some(unpacker) => unpacker,
                none => none.insert(Decompressor::new()?),
            };
            unpacker.decompress(body, usize::try_from(bytes).unwrap_or_default())
        }),
        _ => zstd::decode_all(body),
    };
    serde_json::from_slice(&json.map_err(|_| torn())?).map_err(|_| torn())
}

thread_local! {
    // To make one takes longer than to pack a row.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn torn() -> Problem {
    Problem::new(Reason::Disk, "a row of staging.db is damaged").hint(DESIGN.damaged)
}

fn moment(milliseconds: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page<'a>(rows: &'a [&'a Value], hash: &str, cursor: Option<&'a str>) -> NewPage<'a> {
        let items = rows
            .iter()
            .map(|r| ItemKey { id: r["id"].as_str().unwrap().into(), hash: hash.into(), root: None })
            .collect();
        NewPage { stream: "ticket", items, rows, cursor, since: None, began_at: Timestamp::from_second(100).unwrap() }
    }

    async fn stage(dir: &Path) -> Staging {
        let staging = Staging::open(dir).unwrap();
        staging.bind("ticket", "rt-1").await.unwrap();
        staging
    }

    #[tokio::test]
    async fn a_page_and_its_cursor_outlive_the_process_together() {
        let dir = tempfile::tempdir().unwrap();
        let row = json!({"id": "7", "n": 1});
        stage(dir.path()).await.put_page(&page(&[&row], "a", Some("7"))).await.unwrap();
        let again = stage(dir.path()).await;
        assert_eq!(again.item("ticket", "7").await.unwrap(), Some(row));
        assert_eq!(again.listing("ticket").await.unwrap().cursor.as_deref(), Some("7"));
    }

    #[tokio::test]
    async fn a_row_that_changed_wants_its_children_again() {
        let dir = tempfile::tempdir().unwrap();
        let staging = stage(dir.path()).await;
        let row = json!({"id": "7"});
        staging.put_page(&page(&[&row], "a", None)).await.unwrap();
        let children = BTreeMap::from([("comment".to_owned(), vec![json!({"id": "1"})])]);
        staging.put_children("ticket", "7", "a", &children).await.unwrap();
        assert!(staging.without_children("ticket", None, 10).await.unwrap().is_empty());
        assert_eq!(staging.children("ticket", "7").await.unwrap(), children);
        staging.put_page(&page(&[&row], "b", None)).await.unwrap();
        assert_eq!(staging.without_children("ticket", None, 10).await.unwrap().len(), 1);
        assert!(!staging.whole("ticket", "7").await.unwrap());
    }

    #[tokio::test]
    async fn a_record_is_made_of_its_row_and_all_below_it() {
        let dir = tempfile::tempdir().unwrap();
        let staging = stage(dir.path()).await;
        let row = json!({"id": "7"});
        staging.put_page(&page(&[&row], "a", None)).await.unwrap();
        let made = |id: &'static str| staging.made("ticket", id, |row, children| (row, children));
        assert_eq!(made("7").await.unwrap(), Some((row.clone(), Children::new())));
        let children = Children::from([("comment".to_owned(), vec![json!({"id": "1"})])]);
        staging.put_children("ticket", "7", "a", &children).await.unwrap();
        assert_eq!(made("7").await.unwrap(), Some((row, children)));
        assert_eq!(made("8").await.unwrap(), None);
    }

    #[test]
    fn rows_are_read_whoever_packed_them() {
        let row = json!({"id": "7", "text": "x".repeat(100_000)});
        assert_eq!(unpack(&pack(&row).unwrap()).unwrap(), row);
        let without_its_size = zstd::encode_all(row.to_string().as_bytes(), LEVEL).unwrap();
        assert_eq!(unpack(&without_its_size).unwrap(), row);
        assert_eq!(unpack(b"torn").unwrap_err().reason, Reason::Disk);
    }

    #[tokio::test]
    async fn rows_of_another_manifest_are_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let staging = stage(dir.path()).await;
        staging.put_page(&page(&[&json!({"id": "7"})], "a", Some("7"))).await.unwrap();
        staging.bind("ticket", "rt-2").await.unwrap();
        assert_eq!(staging.count("ticket").await.unwrap(), 0);
        assert_eq!(staging.listing("ticket").await.unwrap(), Listing::default());
    }

    #[tokio::test]
    async fn a_file_that_is_gone_from_the_disk_is_fetched_again() {
        let dir = tempfile::tempdir().unwrap();
        let staging = stage(dir.path()).await;
        let blob = Ok(StagedBlob { hash: "ab".into(), bytes: 2, mime: None });
        staging.put_blob("/a/1", &blob).await.unwrap();
        assert_eq!(staging.blob("/a/1").await.unwrap(), None);
        std::fs::write(staging.blob_path("ab"), "xy").unwrap();
        assert_eq!(staging.blob("/a/1").await.unwrap(), Some(blob));
    }
}
