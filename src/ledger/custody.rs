//! What the ledger makes of markers that stand in the target: which records it knows to be there, which are somebody else's work,
//! and up to when it has looked.

use super::rows::RECORD;
use super::{Fault, Link, RecordRow, Remote, StepState, query, rows};
use crate::error::Result;
use crate::record::Kind;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

/// What a record of the target, by its marker that of a source record, is to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The one that was made.
    Known,
    /// Perhaps the one that was made: the answer is not there yet, or was lost.
    Doubtful,
    /// One more, beside the one that was made by this step. Steps are numbered as they begin.
    OneMore { step: i64 },
    /// Nothing that this ledger had a part in.
    Unknown,
}

/// When something was entered in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// By this machine's clock.
    pub by_us: Timestamp,
    /// By the target's; none where it was not known.
    pub by_target: Option<Timestamp>,
}

/// One more record of the target with the marker of a source record that is another one there.
#[derive(Clone, Debug, PartialEq)]
pub struct Stray {
    pub kind: Kind,
    /// Of the source record.
    pub id: String,
    pub remote: Remote,
}

impl Link {
    /// What these records of the target are, each given by the source's id in its marker and its own. `create` is the step that makes them.
    pub async fn standing(&self, kind: Kind, create: &str, there: Vec<(String, String)>) -> Result<Vec<Standing>> {
        let (link, create) = (self.id.clone(), create.to_owned());
        self.ledger
            .store
            .read(move |db| there.iter().map(|(id, to)| standing(db, (&link, kind, id), &create, to)).collect())
            .await
    }

    /// Whether a record of the target is one that this ledger knows, made by the step `create` or taken over.
    pub async fn knows_target(&self, kind: Kind, create: &str, to: &str) -> Result<bool> {
        let (link, create, to) = (self.id.clone(), create.to_owned(), to.to_owned());
        let sql = "SELECT EXISTS (SELECT 1 FROM record LEFT JOIN step ON step.record = record.seq AND step.step = ?3 AND step.child = '' \
                     AND step.part = 0 WHERE record.link = ?1 AND record.kind = ?2 AND (record.target_id = ?4 OR step.target_id = ?4))";
        let known =
            move |db: &Connection| Ok(db.query_row(sql, params![link, kind.code(), create, to], |row| row.get(0))?);
        self.ledger.store.read(known).await
    }

    /// What another source record than `id` made or took in the target under this marker.
    pub async fn made_by_another(&self, kind: Kind, id: &str, marker: &str) -> Result<Option<Remote>> {
        let (link, id, marker) = (self.id.clone(), id.to_owned(), marker.to_owned());
        let sql = "SELECT step.target_id, step.target_number, step.target_url, step.outputs FROM step JOIN record ON record.seq = step.record \
                   WHERE step.marker = ?3 AND step.state = 'applied' AND step.target_id IS NOT NULL AND record.link = ?1 \
                     AND record.kind = ?2 AND record.id <> ?4 LIMIT 1";
        let one = move |db: &Connection| query::first(db, sql, params![link, kind.code(), marker, id], rows::remote);
        Ok(self.ledger.store.read(one).await?.flatten())
    }

    /// Whether any record of the kind was made in the target.
    pub async fn has_made(&self, kind: Kind) -> Result<bool> {
        let link = self.id.clone();
        let sql = "SELECT EXISTS (SELECT 1 FROM record WHERE link = ?1 AND kind = ?2 AND origin = 'created')";
        self.ledger.store.read(move |db| Ok(db.query_row(sql, params![link, kind.code()], |row| row.get(0))?)).await
    }

    /// A few records of a kind that were made in the target, in no order that means anything: the cost is theirs, not that of the ledger.
    /// None of fields, groups and links, which are made once for all.
    pub async fn some_made(&self, kind: Kind, most: u32) -> Result<Vec<RecordRow>> {
        let link = self.id.clone();
        // Word by word the condition of the index `record_made`.
        let sql = format!(
            "SELECT {RECORD} FROM record WHERE link = ?1 AND kind = ?2 AND origin = 'created' AND target_id <> '' \
               AND kind NOT IN ('field', 'group', 'link') ORDER BY target_id LIMIT ?3"
        );
        self.ledger.store.read(move |db| query::all(db, &sql, params![link, kind.code(), most], rows::record)).await
    }

    /// When the last step of a record of the kind was begun.
    pub async fn last_entry(&self, kind: Kind) -> Result<Option<Entry>> {
        let link = self.id.clone();
        let sql = "SELECT MAX(step.intent_at) AS by_us, MAX(step.vendor_at) AS by_target FROM step \
                   JOIN record ON record.seq = step.record WHERE record.link = ?1 AND record.kind = ?2";
        let entry = |row: &Row<'_>| {
            let by_target = query::time(row.get("by_target")?)?;
            Ok(query::time(row.get("by_us")?)?.map(|by_us| Entry { by_us, by_target }))
        };
        let found = self.ledger.store.read(move |db| query::first(db, sql, params![link, kind.code()], entry)).await?;
        Ok(found.flatten())
    }

    /// The number of the last step that was begun; 0 before the first.
    pub async fn last_step(&self) -> Result<i64> {
        let last = |db: &Connection| Ok(db.query_row("SELECT COALESCE(MAX(seq), 0) FROM step", [], |row| row.get(0))?);
        self.ledger.store.read(last).await
    }

    /// Up to when every marker in the target is known.
    pub async fn looked_until(&self, kind: Kind) -> Result<Option<Timestamp>> {
        let link = self.id.clone();
        let sql = "SELECT until FROM custody WHERE link = ?1 AND kind = ?2";
        let work =
            move |db: &Connection| query::first(db, sql, params![link, kind.code()], |row| query::moment(row.get(0)?));
        self.ledger.store.read(work).await
    }

    pub async fn set_looked_until(&self, kind: Kind, until: Timestamp) -> Result<()> {
        let link = self.id.clone();
        self.ledger
            .store
            .write(move |db| {
                db.prepare_cached(
                    "INSERT INTO custody (link, kind, until) VALUES (?1, ?2, ?3) \
                     ON CONFLICT (link, kind) DO UPDATE SET until = excluded.until",
                )?
                .execute(params![link, kind.code(), until.as_millisecond()])?;
                Ok(())
            })
            .await
    }

    /// Notes one more record of the target. True if it was not noted yet.
    pub async fn note_stray(&self, stray: Stray) -> Result<bool> {
        let (link, now) = self.stamp();
        self.ledger
            .store
            .write(move |db| {
                let Stray { kind, id, remote } = stray;
                let new = db
                    .prepare_cached(
                        "INSERT INTO stray (link, kind, id, target_id, target_number, target_url, seen_at) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (link, kind, id, target_id) DO NOTHING",
                    )?
                    .execute(params![link, kind.code(), id, remote.id, remote.number, remote.url, now])?;
                Ok(new == 1)
            })
            .await
    }

    /// Forgets the further records of a kind: a walk over all of the target notes those that are there still.
    pub async fn forget_strays(&self, kind: Kind) -> Result<()> {
        let link = self.id.clone();
        let sql = "DELETE FROM stray WHERE link = ?1 AND kind = ?2";
        self.ledger
            .store
            .write(move |db| Ok(db.prepare_cached(sql)?.execute(params![link, kind.code()]).map(|_| ())?))
            .await
    }

    /// The further records of the target of a kind, in the order they were noted.
    pub async fn strays(&self, kind: Kind) -> Result<Vec<Stray>> {
        let link = self.id.clone();
        let sql = "SELECT id, target_id, target_number, target_url, NULL AS outputs FROM stray \
                   WHERE link = ?1 AND kind = ?2 ORDER BY seen_at, id, target_id";
        let stray = move |row: &Row<'_>| {
            let remote = rows::remote(row)?.unwrap_or_default();
            Ok(Stray { kind, id: row.get("id")?, remote })
        };
        self.ledger.store.read(move |db| query::all(db, sql, params![link, kind.code()], stray)).await
    }

    /// Ids of records of a kind that are not in the target: the `first` ones, and as many `drawn` among the others.
    pub async fn undone(&self, kind: Kind, first: u32, drawn: u32) -> Result<Vec<String>> {
        let link = self.id.clone();
        let of_these = "FROM record WHERE link = ?1 AND kind = ?2 AND target_id IS NULL";
        self.ledger
            .store
            .read(move |db| {
                let id = |row: &Row<'_>| Ok((row.get::<_, i64>("seq")?, row.get::<_, String>("id")?));
                let sql = format!("SELECT seq, id {of_these} ORDER BY seq LIMIT ?3");
                let mut found = query::all(db, &sql, params![link, kind.code(), first], id)?;
                let last = found.last().map_or(0, |(seq, _)| *seq);
                let sql = format!("SELECT seq, id {of_these} AND seq > ?3 ORDER BY RANDOM() LIMIT ?4");
                found.extend(query::all(db, &sql, params![link, kind.code(), last, drawn], id)?);
                Ok(found.into_iter().map(|(_, id)| id).collect())
            })
            .await
    }
}

fn standing(db: &Connection, (link, kind, id): (&str, Kind, &str), create: &str, to: &str) -> Result<Standing, Fault> {
    let sql = "SELECT record.target_id AS own, step.target_id AS made, step.state AS state, \
                 COALESCE(step.seq, 0) AS step FROM record LEFT JOIN step ON step.record = record.seq AND step.step = ?4 AND step.child = '' AND step.part = 0 \
               WHERE record.link = ?1 AND record.kind = ?2 AND record.id = ?3";
    let known = query::first(db, sql, params![link, kind.code(), id, create], |row| {
        let (own, made): (Option<String>, Option<String>) = (row.get("own")?, row.get("made")?);
        let state = rows::optional(StepState::from_code, row.get("state")?)?;
        Ok((own.or(made.filter(|_| state == Some(StepState::Applied))), state, row.get::<_, i64>("step")?))
    })?;
    Ok(match known {
        Some((Some(own), _, _)) if own == to => Standing::Known,
        Some((Some(_), _, step)) => Standing::OneMore { step },
        Some((None, Some(state), _)) if state.in_doubt() => Standing::Doubtful,
        _ => Standing::Unknown,
    })
}
