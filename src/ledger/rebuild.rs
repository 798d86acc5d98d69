//! A lost or older ledger, made whole from the markers in the target.

use super::records::{claimed, seq_of, set_remote};
use super::{Fault, Link, Origin, Remote, State, StepKey, query, rows};
use crate::error::Result;
use crate::record::Kind;
use rusqlite::{Connection, params};

/// No content has this hash: the record is taken up again when the source is read.
const UNREAD: &str = "rebuilt";

/// What the ledger makes of a record of ours that stands in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It was not known, or not to be there.
    New,
    /// It was known to be there.
    Known,
    /// Its record is known to be another one there.
    Elsewhere,
}

impl Link {
    /// Notes a record of ours that was found in the target by its marker. One the ledger never saw is done until the source is
    /// read; one it saw and did not know to be there goes on from there. What its steps did is looked for before any is sent.
    pub async fn restore(
        &self,
        kind: Kind,
        id: &str,
        create: &StepKey,
        marker: &str,
        (remote, origin): (Remote, Origin),
    ) -> Result<Restored> {
        let (link, now) = self.stamp();
        let (id, create, marker) = (id.to_owned(), create.clone(), marker.to_owned());
        self.ledger
            .store
            .write(move |db| {
                let new = see_done(db, (&link, kind, &id), (&remote, origin), now)?;
                let record = seq_of(db, &link, kind, &id)?;
                if !new {
                    match target_of(db, record)? {
                        Some(there) if there == remote.id => return Ok(Restored::Known),
                        Some(_) => return Ok(Restored::Elsewhere),
                        None => go_on_from(db, record, (&remote, origin), now)?,
                    }
                }
                put_create(db, record, &create, &marker, (&remote, origin), now)?;
                Ok(Restored::New)
            })
            .await
    }
}

fn see_done(
    db: &Connection,
    (link, kind, id): (&str, Kind, &str),
    (remote, origin): (&Remote, Origin),
    now: i64,
) -> Result<bool, Fault> {
    let new = db
        .prepare_cached(
            "INSERT INTO record (link, kind, id, content_hash, state, target_id, target_number, target_url, \
               outputs, origin, rebuilt_at, seen_at, changed_at) \
             VALUES (?1, ?2, ?3, ?4, 'done', ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?10) \
             ON CONFLICT (link, kind, id) DO NOTHING",
        )?
        .execute(params![
            link,
            kind.code(),
            id,
            UNREAD,
            remote.id,
            remote.number,
            remote.url,
            rows::outputs(remote),
            origin.code(),
            now
        ])
        .map_err(|e| claimed(e, remote))?;
    Ok(new == 1)
}

fn target_of(db: &Connection, record: i64) -> Result<Option<String>, Fault> {
    let found =
        query::first(db, "SELECT target_id FROM record WHERE seq = ?1", params![record], |row| Ok(row.get(0)?))?;
    Ok(found.flatten())
}

/// A record that was left out on purpose stays so: a rule that changes takes it up.
fn go_on_from(db: &Connection, record: i64, (remote, origin): (&Remote, Origin), now: i64) -> Result<(), Fault> {
    set_remote(db, record, remote, origin)?;
    let back: Vec<String> = State::ALL
        .iter()
        .filter(|state| !matches!(state, State::Skipped | State::Staged))
        .map(|state| format!("'{state}'"))
        .collect();
    let sql = format!(
        "UPDATE record SET rebuilt_at = ?2, changed_at = ?2, \
           reason = CASE WHEN state IN ({0}) THEN NULL ELSE reason END, \
           detail = CASE WHEN state IN ({0}) THEN NULL ELSE detail END, \
           hint = CASE WHEN state IN ({0}) THEN NULL ELSE hint END, look_at = NULL, \
           state = CASE WHEN state IN ({0}) THEN 'staged' ELSE state END WHERE seq = ?1",
        back.join(", ")
    );
    db.prepare_cached(&sql)?.execute(params![record, now])?;
    Ok(())
}

/// The create step is done, whatever the ledger knew of it.
fn put_create(
    db: &Connection,
    record: i64,
    create: &StepKey,
    marker: &str,
    (remote, origin): (&Remote, Origin),
    now: i64,
) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO step (record, step, child, part, state, marker, target_id, target_number, target_url, \
           outputs, origin, intent_at, tries) \
         VALUES (?1, ?2, ?3, ?4, 'applied', ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0) \
         ON CONFLICT (record, step, child, part) DO UPDATE SET state = 'applied', marker = excluded.marker, \
           target_id = excluded.target_id, target_number = excluded.target_number, target_url = excluded.target_url, \
           outputs = excluded.outputs, origin = excluded.origin, reason = NULL, detail = NULL, hint = NULL",
    )?
    .execute(params![
        record,
        create.step,
        create.child,
        create.part,
        marker,
        remote.id,
        remote.number,
        remote.url,
        rows::outputs(remote),
        origin.code(),
        now
    ])?;
    Ok(())
}
