//! A lost ledger, made anew from the markers in the target.

use super::records::seq_of;
use super::{Link, Origin, Remote, StepKey, rows};
use crate::error::Result;
use crate::record::Kind;
use rusqlite::params;

/// No content has this hash: the record is taken up again when the source is read.
const UNREAD: &str = "rebuilt";

impl Link {
    /// Notes a record of ours that was found in the target by its marker. True if it was not known. What is known
    /// already is left alone.
    pub async fn restore(&self, kind: Kind, id: &str, create: &StepKey, marker: &str, remote: Remote) -> Result<bool> {
        let (link, now) = self.stamp();
        let (id, create, marker) = (id.to_owned(), create.clone(), marker.to_owned());
        self.ledger
            .store
            .write(move |db| {
                let (outputs, origin) = (rows::outputs(&remote), Origin::Created.code());
                let new = db
                    .prepare_cached(
                        "INSERT INTO record (link, kind, id, content_hash, state, target_id, target_number, target_url, \
                           outputs, origin, rebuilt_at, seen_at, changed_at) \
                         VALUES (?1, ?2, ?3, ?4, 'done', ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?10) \
                         ON CONFLICT (link, kind, id) DO NOTHING",
                    )?
                    .execute(params![
                        link, kind.code(), id, UNREAD, remote.id, remote.number, remote.url, outputs, origin, now
                    ])?;
                if new == 0 {
                    return Ok(false);
                }
                let record = seq_of(db, &link, kind, &id)?;
                db.prepare_cached(
                    "INSERT INTO step (record, step, child, part, state, marker, target_id, target_number, target_url, \
                       outputs, origin, intent_at, tries) \
                     VALUES (?1, ?2, ?3, ?4, 'applied', ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)",
                )?
                .execute(params![
                    record, create.step, create.child, create.part, marker, remote.id, remote.number, remote.url,
                    outputs, origin, now
                ])?;
                Ok(true)
            })
            .await
    }
}
