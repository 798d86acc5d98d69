//! Parts of records that are in the target a second time, such as a message that two copies of a project added.

use super::{Link, Remote, query, rows};
use crate::error::Result;
use crate::record::Kind;
use rusqlite::{Row, params};

/// A part of a record of the target that is there a second time.
#[derive(Clone, Debug, PartialEq)]
pub struct Twin {
    pub kind: Kind,
    /// Of the source record.
    pub id: String,
    /// Of the manifest: what sort of part it is.
    pub section: String,
    /// Of the source's part.
    pub child: String,
    /// The second one's id in the target.
    pub there: String,
}

impl Twin {
    /// The part as a person calls it.
    pub fn named(&self) -> String {
        let sort =
            if self.section == Kind::Comment.code() { "message".to_owned() } else { self.section.replace('_', " ") };
        format!("{sort} {}", self.child)
    }
}

impl Link {
    /// Notes one. True if it was not noted yet.
    pub async fn note_twin(&self, twin: Twin) -> Result<bool> {
        let (link, now) = self.stamp();
        self.ledger
            .store
            .write(move |db| {
                let Twin { kind, id, section, child, there } = twin;
                let new = db
                    .prepare_cached(
                        "INSERT INTO twin (link, kind, id, section, child, target_id, seen_at) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (link, kind, id, section, target_id) DO NOTHING",
                    )?
                    .execute(params![link, kind.code(), id, section, child, there, now])?;
                Ok(new == 1)
            })
            .await
    }

    /// It is not there any more.
    pub async fn forget_twin(&self, twin: Twin) -> Result<()> {
        let link = self.id.clone();
        let sql = "DELETE FROM twin WHERE link = ?1 AND kind = ?2 AND id = ?3 AND section = ?4 AND target_id = ?5";
        let Twin { kind, id, section, there, .. } = twin;
        self.ledger
            .store
            .write(move |db| {
                Ok(db.prepare_cached(sql)?.execute(params![link, kind.code(), id, section, there]).map(|_| ())?)
            })
            .await
    }

    /// All of a kind, each with the record it stands below, in the order of records.
    pub async fn twins(&self, kind: Kind) -> Result<Vec<(Twin, Remote)>> {
        let link = self.id.clone();
        let sql = "SELECT twin.id AS source_id, twin.section, twin.child, twin.target_id AS there, record.target_id, \
                     record.target_number, record.target_url, NULL AS outputs \
                   FROM twin JOIN record ON record.link = twin.link AND record.kind = twin.kind AND record.id = twin.id \
                   WHERE twin.link = ?1 AND twin.kind = ?2 ORDER BY record.seq, twin.seen_at, twin.target_id";
        let twin = move |row: &Row<'_>| {
            let (id, section) = (row.get("source_id")?, row.get("section")?);
            let twin = Twin { kind, id, section, child: row.get("child")?, there: row.get("there")? };
            Ok((twin, rows::remote(row)?.unwrap_or_default()))
        };
        self.ledger.store.read(move |db| query::all(db, sql, params![link, kind.code()], twin)).await
    }
}
