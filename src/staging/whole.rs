//! Whether a record is proved whole: its row, and all that stands below it, read to their ends under the row's present content.
//!
//! A row is whole under the hash of the content at which the last of its listings ended; one that changed since is not. Why one
//! could not be read is noted beside it, until a later run asks again.

use super::packing::{pack, torn, unpack};
use super::{Children, ItemKey, Staging, packed, refused, whole_as};
use crate::error::{Problem, Reason, Result};
use crate::ledger::Fault;
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

/// Why what belongs to a row could not be read; the content under which its record was found to be gone; the run that last failed
/// at a file. Rows of kinds that have nothing below them are whole as they are.
pub(super) const VERSION: &str = "
ALTER TABLE item ADD COLUMN unread TEXT;
ALTER TABLE item ADD COLUMN gone_of TEXT;
ALTER TABLE blob ADD COLUMN failed_in TEXT;
UPDATE item SET children_of = hash WHERE stream NOT IN ('ticket', 'article');
";

/// Why an earlier run could not read it either; 1 where that was not noted.
pub(super) const AGAIN: &str = "ALTER TABLE item ADD COLUMN unread_before INTEGER;";

/// What the stage holds of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Wholeness {
    /// All of it.
    Whole,
    /// Some of it; the rest is still to be read.
    Partly,
    /// Some of it; this run asked for the rest and did not get it.
    Unread(Problem),
    /// The same, of one that an earlier run asked for in vain.
    UnreadAgain(Problem),
    /// The same, of one that an earlier run asked for in vain with the same answer.
    UnreadAlike(Problem),
    /// Some of it, which says that the record is none to migrate.
    LeftOut(Problem),
    /// Some of it; the source no longer has the record.
    Gone,
}

impl Wholeness {
    pub(super) const COLUMNS: &str =
        "children_of = hash, gone_of = hash, unread, unread_before IS NOT NULL, unread_before = unread";

    /// `at` is the place of [`Wholeness::COLUMNS`] in the row.
    pub(super) fn of(row: &Row<'_>, at: usize) -> Result<Wholeness, Fault> {
        if row.get::<_, Option<bool>>(at)?.unwrap_or(false) {
            return Ok(Wholeness::Whole);
        }
        let unread: Option<String> = row.get(at + 2)?;
        let problem = unread.and_then(|problem| serde_json::from_str(&problem).ok());
        if row.get::<_, Option<bool>>(at + 1)?.unwrap_or(false) {
            return Ok(problem.map_or(Wholeness::Gone, Wholeness::LeftOut));
        }
        Ok(match problem {
            Some(problem) if row.get::<_, Option<bool>>(at + 4)?.unwrap_or(false) => Wholeness::UnreadAlike(problem),
            Some(problem) if row.get::<_, bool>(at + 3)? => Wholeness::UnreadAgain(problem),
            Some(problem) => Wholeness::Unread(problem),
            None => Wholeness::Partly,
        })
    }
}

/// Rows that are asked for: not whole, not gone, and not asked for in vain by this run.
const LACKING: &str =
    "(children_of IS NULL OR children_of <> hash) AND (gone_of IS NULL OR gone_of <> hash) AND unread IS NULL";

/// Rows of which not all could be read.
const UNREAD: &str = "unread IS NOT NULL AND (gone_of IS NULL OR gone_of <> hash)";

impl Staging {
    /// None where there is no such row.
    pub async fn wholeness(&self, stream: &str, id: &str) -> Result<Option<Wholeness>> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        self.store
            .read(move |db| {
                let sql = format!("SELECT {} FROM item WHERE stream = ?1 AND id = ?2", Wholeness::COLUMNS);
                let mut found = db.prepare_cached(&sql)?;
                let mut rows = found.query([&stream, &id])?;
                rows.next()?.map(|row| Wholeness::of(row, 0)).transpose()
            })
            .await
    }

    /// Whether a row is as the listing that is at work has it, the first after the turn `after`: the row came in it, or the listing
    /// is over and had nothing new of it.
    pub async fn is_of_this_listing(&self, stream: &str, id: &str, after: i64) -> Result<bool> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        let sql = "SELECT EXISTS (SELECT 1 FROM item JOIN stream ON name = stream WHERE stream = ?1 AND id = ?2 AND \
                     CASE WHEN cursor IS NULL THEN turn > ?3 ELSE listing = turn END)";
        self.store
            .read(move |db| Ok(db.prepare_cached(sql)?.query_row(params![stream, id, after], |r| r.get(0))?))
            .await
    }

    /// How many root rows are not whole.
    pub async fn count_lacking(&self, stream: &str) -> Result<u64> {
        let stream = stream.to_owned();
        self.store
            .read(move |db| {
                let sql = format!("SELECT count(*) FROM item WHERE stream = ?1 AND {LACKING}");
                let count: i64 = db.query_row(&sql, [&stream], |r| r.get(0))?;
                Ok(u64::try_from(count).unwrap_or_default())
            })
            .await
    }

    /// Root rows that are not whole, in the order they were read.
    pub async fn lacking(&self, stream: &str, after: Option<i64>, limit: u32) -> Result<Vec<(i64, String)>> {
        let stream = stream.to_owned();
        self.store
            .read(move |db| {
                let sql = format!(
                    "SELECT seq, id FROM item WHERE stream = ?1 AND seq > ?2 AND {LACKING} ORDER BY seq LIMIT ?3"
                );
                let mut found = db.prepare_cached(&sql)?;
                let rows =
                    found.query_map(params![stream, after.unwrap_or(-1), limit], |r| Ok((r.get(0)?, r.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Stores all that stands below a root row whose content has this hash: it is whole, but for the lists that were `refused`.
    pub async fn put_children(
        &self,
        stream: &str,
        id: &str,
        hash: &str,
        children: &Children,
        refused: &[String],
    ) -> Result<()> {
        let body = pack(&serde_json::to_value(children).map_err(|e| Problem::new(Reason::Internal, e.to_string()))?)?;
        let (stream, id, hash) = (stream.to_owned(), id.to_owned(), hash.to_owned());
        let refused = refused::written(refused);
        self.store
            .write(move |db| {
                db.prepare_cached(
                    "UPDATE item SET children_of = ?3, children = ?4, refused = ?5, unread = NULL, unread_before = NULL \
                     WHERE stream = ?1 AND id = ?2",
                )?
                .execute(params![stream, id, hash, body, refused])?;
                Ok(())
            })
            .await
    }

    /// Puts a row that was completed in the place of what the listing had of it.
    pub async fn complete_row(&self, stream: &str, key: &ItemKey, row: &Value) -> Result<()> {
        let (stream, key, body) = (stream.to_owned(), key.clone(), pack(row)?);
        self.store
            .write(move |db| {
                db.prepare_cached(
                    "UPDATE item SET hash = ?3, body = ?4, children_of = COALESCE(?5, children_of), unread = NULL, unread_before = NULL \
                     WHERE stream = ?1 AND id = ?2",
                )?
                .execute(params![stream, key.id, key.hash, body, whole_as(&key)])?;
                Ok(())
            })
            .await
    }

    /// Notes why what belongs to a row could not be read.
    pub async fn put_unread(&self, stream: &str, id: &str, problem: &Problem) -> Result<()> {
        let problem = serde_json::to_string(problem).map_err(|e| Problem::new(Reason::Internal, e.to_string()))?;
        let (stream, id) = (stream.to_owned(), id.to_owned());
        self.store
            .write(move |db| {
                db.prepare_cached("UPDATE item SET unread = ?3 WHERE stream = ?1 AND id = ?2")?
                    .execute(params![stream, id, problem])?;
                Ok(())
            })
            .await
    }

    /// Notes that the source no longer has the record, as long as its row says nothing new.
    pub async fn put_gone(&self, stream: &str, id: &str) -> Result<()> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        self.store
            .write(move |db| {
                db.prepare_cached("UPDATE item SET gone_of = hash, unread = NULL WHERE stream = ?1 AND id = ?2")?
                    .execute(params![stream, id])?;
                Ok(())
            })
            .await
    }

    /// Notes that what came of a row says that its record is none to migrate, as long as the row says nothing new.
    pub async fn put_left_out(&self, stream: &str, id: &str, problem: &Problem) -> Result<()> {
        let problem = serde_json::to_string(problem).map_err(|e| Problem::new(Reason::Internal, e.to_string()))?;
        let (stream, id) = (stream.to_owned(), id.to_owned());
        self.store
            .write(move |db| {
                db.prepare_cached("UPDATE item SET gone_of = hash, unread = ?3 WHERE stream = ?1 AND id = ?2")?
                    .execute(params![stream, id, problem])?;
                Ok(())
            })
            .await
    }

    /// Rows that could not be read, in their order, with the reason.
    pub async fn unread(&self, stream: &str) -> Result<Vec<(String, Problem)>> {
        let stream = stream.to_owned();
        self.store
            .read(move |db| {
                let sql = format!("SELECT id, unread FROM item WHERE stream = ?1 AND {UNREAD} ORDER BY seq");
                let mut found = db.prepare_cached(&sql)?;
                let rows = found.query_map([&stream], |r| Ok((r.get(0)?, r.get::<_, String>(1)?)))?;
                let rows = rows.collect::<Result<Vec<(String, String)>, _>>()?;
                Ok(rows.into_iter().filter_map(|(id, text)| Some((id, serde_json::from_str(&text).ok()?))).collect())
            })
            .await
    }

    /// Why an earlier run could not read a row; none where none failed to, or nobody noted why.
    pub async fn unread_before(&self, stream: &str, id: &str) -> Result<Option<Problem>> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        self.store
            .read(move |db| {
                let sql = "SELECT CAST(unread_before AS TEXT) FROM item WHERE stream = ?1 AND id = ?2";
                let found = db.query_row(sql, [&stream, &id], |r| r.get::<_, Option<String>>(0)).optional()?;
                Ok(found.flatten().and_then(|problem| serde_json::from_str(&problem).ok()))
            })
            .await
    }

    /// Forgets why rows could not be read: they are asked for again. That they were not is known.
    pub async fn forget_unread(&self) -> Result<()> {
        self.store
            .write(|db| {
                db.execute(&format!("UPDATE item SET unread_before = unread, unread = NULL WHERE {UNREAD}"), [])?;
                Ok(())
            })
            .await
    }

    /// Forgets that records were not found: they are asked for again.
    pub async fn forget_gone(&self) -> Result<()> {
        self.store
            .write(|db| {
                db.execute("UPDATE item SET gone_of = NULL, unread = NULL WHERE gone_of IS NOT NULL", [])?;
                Ok(())
            })
            .await
    }

    /// Forgets that a row was whole: it, and what stands below it, is asked for again.
    pub async fn open_again(&self, stream: &str, id: &str) -> Result<()> {
        let (stream, id) = (stream.to_owned(), id.to_owned());
        let sql = "UPDATE item SET children_of = NULL WHERE stream = ?1 AND id = ?2";
        self.store.write(move |db| Ok(db.prepare_cached(sql)?.execute([&stream, &id]).map(drop)?)).await
    }

    /// Forgets that files were not found: they are asked for again.
    pub async fn forget_gone_files(&self) -> Result<()> {
        let sql = "DELETE FROM blob WHERE json_extract(problem, '$.reason') = 'not_found'";
        self.store.write(move |db| Ok(db.execute(sql, []).map(drop)?)).await
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
}
