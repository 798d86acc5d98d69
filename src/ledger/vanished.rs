//! What the ledger knows to be in the target, for who can look at all of it, and how it is forgotten where it is there no more.

use super::records::seq_of;
use super::rows::code;
use super::{Fault, Link, query};
use crate::error::Result;
use crate::record::Kind;
use jiff::Timestamp;
use rusqlite::{Connection, params};

/// A record that was made in the target.
#[derive(Clone, Debug, PartialEq)]
pub struct WasMade {
    /// Of the source.
    pub id: String,
    pub target_id: String,
    /// What the source called its last change when it was written.
    pub updated_at: Option<Timestamp>,
}

/// A file that was laid into the target for a record.
#[derive(Clone, Debug, PartialEq)]
pub struct WasLaid {
    /// `after` of the next page.
    pub seq: i64,
    pub kind: Kind,
    /// Of the record, in the source.
    pub id: String,
    /// What the target calls the file.
    pub name: String,
}

impl Link {
    /// Records of a kind that are done and were made in the target, in the order of their ids there, after the last one had.
    pub async fn all_made(&self, kind: Kind, after: String, most: u32) -> Result<Vec<WasMade>> {
        let link = self.id.clone();
        // Word by word the condition of the index `record_made`, but for the few of the kinds that are not in it.
        let indexed = match kind {
            Kind::Field | Kind::Group | Kind::Link => "",
            _ => "AND kind NOT IN ('field', 'group', 'link')",
        };
        let sql = format!(
            "SELECT id, target_id, updated_at FROM record WHERE link = ?1 AND kind = ?2 AND origin = 'created' AND target_id <> '' \
               {indexed} AND state = 'done' AND target_id > ?3 ORDER BY target_id LIMIT ?4"
        );
        let made = |row: &rusqlite::Row<'_>| {
            let updated_at = query::time(row.get("updated_at")?)?;
            Ok(WasMade { id: row.get("id")?, target_id: row.get("target_id")?, updated_at })
        };
        self.ledger.store.read(move |db| query::all(db, &sql, params![link, kind.code(), after, most], made)).await
    }

    /// Files that the steps of this name laid into the target, after the last one had.
    pub async fn all_laid(&self, step: &str, after: i64, most: u32) -> Result<Vec<WasLaid>> {
        let (link, step) = (self.id.clone(), step.to_owned());
        let sql = "SELECT step.seq, record.kind, record.id, step.target_id FROM step JOIN record ON record.seq = step.record \
                   WHERE step.seq > ?3 AND step.step = ?2 AND step.state = 'applied' AND step.target_id IS NOT NULL \
                     AND record.link = ?1 AND record.state = 'done' ORDER BY step.seq LIMIT ?4";
        let laid = |row: &rusqlite::Row<'_>| {
            let kind = code(Kind::from_code, &row.get::<_, String>(1)?)?;
            Ok(WasLaid { seq: row.get(0)?, kind, id: row.get(2)?, name: row.get(3)? })
        };
        self.ledger.store.read(move |db| query::all(db, sql, params![link, step, after, most], laid)).await
    }

    /// The target has nothing of a record any more: it goes back to work as if it had never been written.
    pub async fn unmake(&self, kind: Kind, id: &str) -> Result<()> {
        let (link, now) = self.stamp();
        let id = id.to_owned();
        self.ledger
            .store
            .write(move |db| {
                let record = seq_of(db, &link, kind, &id)?;
                unmake(db, record, now)
            })
            .await
    }

    /// The target has a file of a record no more: the record goes back to work, and the file is laid anew.
    pub async fn unlay(&self, kind: Kind, id: &str, step: &str, name: &str) -> Result<()> {
        let (link, now) = self.stamp();
        let (id, step, name) = (id.to_owned(), step.to_owned(), name.to_owned());
        self.ledger
            .store
            .write(move |db| {
                let record = seq_of(db, &link, kind, &id)?;
                db.prepare_cached("DELETE FROM step WHERE record = ?1 AND step = ?2 AND target_id = ?3")?
                    .execute(params![record, step, name])?;
                db.prepare_cached(
                    "UPDATE record SET state = 'staged', changed_at = ?2 WHERE seq = ?1 AND state = 'done'",
                )?
                .execute(params![record, now])?;
                Ok(())
            })
            .await
    }
}

/// Forgets all that was done for a record, and puts it back to work.
pub(super) fn unmake(db: &Connection, record: i64, now: i64) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM step WHERE record = ?1")?.execute(params![record])?;
    db.prepare_cached("DELETE FROM filed WHERE record = ?1")?.execute(params![record])?;
    db.prepare_cached(
        "UPDATE record SET state = 'staged', changed_at = ?2, reason = NULL, detail = NULL, hint = NULL, look_at = NULL, \
           target_id = NULL, target_number = NULL, target_url = NULL, outputs = NULL, origin = NULL, target_hash = NULL, \
           target_updated_at = NULL, rebuilt_at = NULL WHERE seq = ?1",
    )?
    .execute(params![record, now])?;
    Ok(())
}
