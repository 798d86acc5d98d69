//! Records: seen, taken up, closed, looked up.

use super::losses::lose_anew;
use super::query;
use super::rows::{self, RECORD};
use super::{End, Fault, Link, Lost, Origin, RecordRow, Remote, Seen, SeenCounts, State};
use crate::error::{Problem, Reason, Result};
use crate::record::Kind;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::sync::Arc;

/// How many records of a kind are in a state for a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub kind: Kind,
    pub state: State,
    pub reason: Option<Reason>,
    pub origin: Option<Origin>,
    pub records: u64,
}

impl Link {
    /// Notes what the source holds. New records start as [`State::Staged`]. A changed content hash puts a
    /// done, skipped or failed record back there; its steps and its target record stay known. A record in
    /// any other state is at work anyway and keeps its state.
    pub async fn see(&self, seen: Vec<Seen>) -> Result<SeenCounts> {
        let (link, now) = self.stamp();
        self.ledger
            .store
            .write(move |db| {
                let mut counts = SeenCounts::default();
                for record in &seen {
                    match see(db, &link, now, record)? {
                        EvalContext::New => counts.new += 1,
                        EvalContext::Changed => counts.changed += 1,
                        EvalContext::Same => counts.same += 1,
                    }
                }
                Ok(counts)
            })
            .await
    }

    /// Those of these records, `(id, content hash)`, that the ledger never saw, or saw with other content.
    pub async fn other_than(&self, kind: Kind, keys: Vec<(String, String)>) -> Result<Vec<(String, String)>> {
        let link = self.id.clone();
        self.ledger
            .store
            .read(move |db| {
                let sql = "SELECT content_hash FROM record WHERE link = ?1 AND kind = ?2 AND id = ?3";
                let mut other = Vec::new();
                for (id, hash) in keys {
                    let known =
                        query::first(db, sql, params![link, kind.code(), id], |row| Ok(row.get::<_, String>(0)?))?;
                    if known.as_ref() != Some(&hash) {
                        other.push((id, hash));
                    }
                }
                Ok(other)
            })
            .await
    }

    /// Up to `limit` records of a kind in any of the states, in the order they were first seen, after the
    /// [`RecordRow::seq`] of the last one had.
    pub async fn next(&self, kind: Kind, states: &[State], after: Option<i64>, limit: usize) -> Result<Vec<RecordRow>> {
        if states.is_empty() {
            return Ok(Vec::new());
        }
        let (link, sql) = (self.id.clone(), page_of(states));
        let (after, limit) = (after.unwrap_or(0), i64::try_from(limit).unwrap_or(i64::MAX));
        self.ledger
            .store
            .read(move |db| query::all(db, &sql, params![link, kind.code(), after, limit], rows::record))
            .await
    }

    pub async fn record(&self, kind: Kind, id: &str) -> Result<Option<RecordRow>> {
        let (link, id) = (self.id.clone(), id.to_owned());
        let sql = format!("SELECT {RECORD} FROM record WHERE link = ?1 AND kind = ?2 AND id = ?3");
        self.ledger.store.read(move |db| query::first(db, &sql, params![link, kind.code(), id], rows::record)).await
    }

    /// The target record that stands for a source record: its own, or that of the record it was merged into.
    /// Nothing while there is none yet.
    pub async fn target_of(&self, kind: Kind, id: &str) -> Result<Option<Remote>> {
        let record = (kind, id.to_owned());
        Ok(self.targets_of(vec![record.clone()]).await?.remove(&record))
    }

    /// [`Link::target_of`] for many at once; those without a target are missing from the answer.
    pub async fn targets_of(&self, records: Vec<(Kind, String)>) -> Result<HashMap<(Kind, String), Remote>> {
        let link = self.id.clone();
        self.ledger
            .store
            .read(move |db| {
                let mut found = HashMap::new();
                for (kind, id) in records {
                    if let Some(remote) = target_of(db, &link, kind, &id)? {
                        found.insert((kind, id), remote);
                    }
                }
                Ok(found)
            })
            .await
    }

    /// The steps of a staged or parked record are known, and all that is lost by them. A record further on keeps its state.
    pub async fn planned(&self, kind: Kind, id: &str, losses: Vec<Lost>) -> Result<()> {
        let (link, now) = self.stamp();
        let id = id.to_owned();
        self.ledger
            .store
            .write(move |db| {
                let seq = seq_of(db, &link, kind, &id)?;
                lose_anew(db, seq, &losses)?;
                db.prepare_cached(
                    "UPDATE record SET state = 'planned', changed_at = ?2, reason = NULL, detail = NULL, hint = NULL \
                     WHERE seq = ?1 AND state IN ('staged', 'parked')",
                )?
                .execute(params![seq, now])?;
                Ok(())
            })
            .await
    }

    /// The record is in the target, though its plan may not be finished: references to it resolve from now on.
    pub async fn arrived(&self, kind: Kind, id: &str, remote: Remote, origin: Origin) -> Result<()> {
        let link = self.id.clone();
        let id = id.to_owned();
        self.ledger
            .store
            .write(move |db| {
                let seq = seq_of(db, &link, kind, &id)?;
                set_remote(db, seq, &remote, origin)
            })
            .await
    }

    /// Ends the work on a record for now. What was created stays `created`, whatever a later run calls it.
    ///
    /// Errors: [`Internal`](Reason::Internal) when the record was never seen, and when it would be done, skipped
    /// or failed over a step in doubt.
    pub async fn close(&self, kind: Kind, id: &str, end: End) -> Result<()> {
        let (link, now) = self.stamp();
        let id = id.to_owned();
        self.ledger
            .store
            .write(move |db| {
                let seq = seq_of(db, &link, kind, &id)?;
                if matches!(end, End::Done { .. } | End::Skipped { .. } | End::Failed { .. }) {
                    no_step_in_doubt(db, seq).map_err(|fault| at(fault, kind, &id))?;
                }
                close(db, seq, now, end)
            })
            .await
    }

    /// Puts records that ended in one of the states for one of the reasons back to work, and says how many.
    /// [`Reason::ALL`] takes all of them.
    pub async fn take_up(&self, states: &[State], reasons: &[Reason]) -> Result<u64> {
        let (link, now) = self.stamp();
        let (states, reasons) = (states.to_vec(), reasons.to_vec());
        self.ledger
            .store
            .write(move |db| {
                let mut reset = db.prepare_cached(
                    "UPDATE record SET state = 'staged', changed_at = ?4, reason = NULL, detail = NULL, hint = NULL, \
                       look_at = NULL, stands_kind = NULL, stands_id = NULL \
                     WHERE link = ?1 AND state = ?2 AND reason = ?3",
                )?;
                let mut records = 0;
                for (state, reason) in states.iter().flat_map(|s| reasons.iter().map(move |r| (s, r))) {
                    records += reset.execute(params![link, state.code(), reason.code(), now])?;
                }
                Ok(records as u64)
            })
            .await
    }

    /// Puts records of a kind that were only matched with what the target has back to work, and says how many.
    pub async fn match_again(&self, kind: Kind) -> Result<u64> {
        let (link, now) = self.stamp();
        self.ledger
            .store
            .write(move |db| {
                let sql = "UPDATE record SET state = 'staged', changed_at = ?3 \
                           WHERE link = ?1 AND kind = ?2 AND state = 'done' AND origin = 'matched'";
                Ok(db.prepare_cached(sql)?.execute(params![link, kind.code(), now])? as u64)
            })
            .await
    }

    /// All records, by kind, state, reason and origin.
    pub async fn counts(&self) -> Result<Vec<Count>> {
        let link = self.id.clone();
        let count = |row: &rusqlite::Row<'_>| {
            Ok(Count {
                kind: rows::code(Kind::from_code, &row.get::<_, String>("kind")?)?,
                state: rows::code(State::from_code, &row.get::<_, String>("state")?)?,
                reason: rows::optional(Reason::from_code, row.get("reason")?)?,
                origin: rows::optional(Origin::from_code, row.get("origin")?)?,
                records: row.get::<_, i64>("records")?.unsigned_abs(),
            })
        };
        let sql = "SELECT kind, state, reason, origin, COUNT(*) AS records FROM record WHERE link = ?1 \
                   GROUP BY kind, state, reason, origin";
        let mut counts = self.ledger.store.read(move |db| query::all(db, sql, params![link], count)).await?;
        counts.sort_by_key(|count| (count.kind, count.state, count.reason, count.origin));
        Ok(counts)
    }

    /// The most frequent problems of records in these states, as they are worded, each with the ids of its first records.
    pub async fn problem_details(&self, states: &[State], most: u32) -> Result<Vec<ProblemDetail>> {
        let link = self.id.clone();
        let codes: Vec<&str> = states.iter().map(|state| state.code()).collect();
        let sql = format!(
            "SELECT kind, state, reason, detail, hint, id, records, nth FROM ( \
               SELECT kind, state, reason, detail, hint, id, COUNT(*) OVER same AS records, \
                      ROW_NUMBER() OVER (PARTITION BY kind, state, reason, detail, hint ORDER BY seq) AS nth \
               FROM record WHERE link = ?1 AND reason IS NOT NULL AND state IN ('{}') \
               WINDOW same AS (PARTITION BY kind, state, reason, detail, hint)) AS numbered \
             WHERE nth <= {EXAMPLES} ORDER BY records DESC, kind, reason, detail, hint, state, nth LIMIT ?2",
            codes.join("', '")
        );
        let row = |row: &rusqlite::Row<'_>| {
            let reason = rows::code(Reason::from_code, &row.get::<_, String>("reason")?)?;
            let what: Option<String> = row.get("detail")?;
            let detail = ProblemDetail {
                kind: rows::code(Kind::from_code, &row.get::<_, String>("kind")?)?,
                state: rows::code(State::from_code, &row.get::<_, String>("state")?)?,
                problem: Problem { hint: row.get("hint")?, ..Problem::new(reason, what.unwrap_or_default()) },
                records: row.get::<_, i64>("records")?.unsigned_abs(),
                examples: vec![row.get("id")?],
            };
            Ok((row.get::<_, i64>("nth")?, detail))
        };
        let limit = i64::from(most) * EXAMPLES;
        let all = self.ledger.store.read(move |db| query::all(db, &sql, params![link, limit], row)).await?;
        let mut details: Vec<ProblemDetail> = Vec::new();
        for (nth, detail) in all {
            match details.last_mut().filter(|_| nth > 1) {
                Some(last) => last.examples.extend(detail.examples),
                None => details.push(detail),
            }
        }
        details.truncate(most as usize);
        Ok(details)
    }

    pub(super) fn stamp(&self) -> (Arc<str>, i64) {
        (self.id.clone(), self.ledger.now().as_millisecond())
    }
}

/// Ids named of records that have the same problem.
const EXAMPLES: i64 = 3;

/// A problem as it is worded, and the records that have it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProblemDetail {
    pub kind: Kind,
    pub state: State,
    pub problem: Problem,
    pub records: u64,
    /// Source ids of the first of them.
    pub examples: Vec<String>,
}

enum EvalContext {
    New,
    Changed,
    Same,
}

fn see(db: &Connection, link: &str, now: i64, seen: &Seen) -> Result<EvalContext, Fault> {
    let updated_at = seen.updated_at.map(Timestamp::as_millisecond);
    let new = db
        .prepare_cached(
            "INSERT INTO record (link, kind, id, number, updated_at, content_hash, state, seen_at, changed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'staged', ?7, ?7) ON CONFLICT (link, kind, id) DO NOTHING",
        )?
        .execute(params![link, seen.kind.code(), seen.id, seen.number, updated_at, seen.content_hash, now])?;
    if new == 1 {
        return Ok(EvalContext::New);
    }
    let changed = db
        .prepare_cached(
            "UPDATE record SET content_hash = ?4, updated_at = ?5, number = ?6, \
               reason = CASE WHEN state IN ('done', 'skipped', 'failed') THEN NULL ELSE reason END, \
               detail = CASE WHEN state IN ('done', 'skipped', 'failed') THEN NULL ELSE detail END, \
               hint   = CASE WHEN state IN ('done', 'skipped', 'failed') THEN NULL ELSE hint END, \
               changed_at = CASE WHEN state IN ('done', 'skipped', 'failed') THEN ?7 ELSE changed_at END, \
               state  = CASE WHEN state IN ('done', 'skipped', 'failed') THEN 'staged' ELSE state END \
             WHERE link = ?1 AND kind = ?2 AND id = ?3 AND content_hash <> ?4",
        )?
        .execute(params![link, seen.kind.code(), seen.id, seen.content_hash, updated_at, seen.number, now])?;
    if changed == 1 {
        return Ok(EvalContext::Changed);
    }
    db.prepare_cached(
        "UPDATE record SET updated_at = ?4, number = ?5 WHERE link = ?1 AND kind = ?2 AND id = ?3 \
         AND (COALESCE(updated_at, -1) <> COALESCE(?4, -1) OR COALESCE(number, '') <> COALESCE(?5, ''))",
    )?
    .execute(params![link, seen.kind.code(), seen.id, updated_at, seen.number])?;
    Ok(EvalContext::Same)
}

/// One index range a state, merged: a page costs the same however many records are done.
fn page_of(states: &[State]) -> String {
    let ranges: Vec<String> = states
        .iter()
        .enumerate()
        .map(|(n, state)| {
            format!(
                "SELECT seq FROM (SELECT seq FROM record WHERE link = ?1 AND kind = ?2 AND state = '{state}' \
                 AND seq > ?3 ORDER BY seq LIMIT ?4) AS range{n}"
            )
        })
        .collect();
    format!("SELECT {RECORD} FROM record WHERE seq IN ({}) ORDER BY seq LIMIT ?4", ranges.join(" UNION ALL "))
}

/// Follows merges for at most 16 hops; the last record of the chain that has a target wins.
fn target_of(db: &Connection, link: &str, kind: Kind, id: &str) -> Result<Option<Remote>, Fault> {
    let found = query::first(
        db,
        "WITH RECURSIVE chain (seq, kind, id, hop) AS ( \
           SELECT seq, stands_kind, stands_id, 0 FROM record WHERE link = ?1 AND kind = ?2 AND id = ?3 \
           UNION ALL \
           SELECT record.seq, record.stands_kind, record.stands_id, chain.hop + 1 FROM chain \
           JOIN record ON record.link = ?1 AND record.kind = chain.kind AND record.id = chain.id \
           WHERE chain.hop < 16) \
         SELECT target_id, target_number, target_url, outputs FROM chain JOIN record ON record.seq = chain.seq \
         WHERE target_id IS NOT NULL ORDER BY hop DESC LIMIT 1",
        params![link, kind.code(), id],
        rows::remote,
    )?;
    Ok(found.flatten())
}

pub(super) fn seq_of(db: &Connection, link: &str, kind: Kind, id: &str) -> Result<i64, Fault> {
    let known = query::first(
        db,
        "SELECT seq FROM record WHERE link = ?1 AND kind = ?2 AND id = ?3",
        params![link, kind.code(), id],
        |row| Ok(row.get(0)?),
    )?;
    known.ok_or_else(|| Problem::new(Reason::Internal, format!("{kind} {id}: the ledger never saw this record")).into())
}

pub(super) fn set_remote(db: &Connection, seq: i64, remote: &Remote, origin: Origin) -> Result<(), Fault> {
    db.prepare_cached(
        "UPDATE record SET target_number = ?3, target_url = ?4, outputs = ?5, \
           origin = CASE WHEN origin = 'created' AND target_id = ?2 THEN origin ELSE ?6 END, target_id = ?2 \
         WHERE seq = ?1",
    )?
    .execute(params![seq, remote.id, remote.number, remote.url, rows::outputs(remote), origin.code()])
    .map_err(|e| claimed(e, remote))?;
    Ok(())
}

/// What we made in the target is one source record's.
pub(super) fn claimed(e: rusqlite::Error, remote: &Remote) -> Fault {
    match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => {
            let what = format!("record {} of the target was made for another record of the source", remote.id);
            let hint = "look at both records in the source and at that one in the target, and run `deskferry retry`";
            Problem::new(Reason::Conflict, what).hint(hint).into()
        }
        _ => e.into(),
    }
}

fn no_step_in_doubt(db: &Connection, seq: i64) -> Result<(), Fault> {
    let open = query::first(
        db,
        "SELECT step FROM step WHERE record = ?1 AND state IN ('intent', 'unknown') LIMIT 1",
        params![seq],
        |row| Ok(row.get::<_, String>(0)?),
    )?;
    match open {
        Some(step) => Err(Problem::new(Reason::Internal, format!("closed while step {step} is in doubt")).into()),
        None => Ok(()),
    }
}

fn close(db: &Connection, seq: i64, now: i64, end: End) -> Result<(), Fault> {
    let (state, problem, look_at, stands_for) = match end {
        End::Done { remote, origin, target_hash, target_updated_at } => {
            set_remote(db, seq, &remote, origin)?;
            let updated_at = target_updated_at.map(Timestamp::as_millisecond);
            let sql = "UPDATE record SET target_hash = ?2, target_updated_at = ?3, rebuilt_at = NULL WHERE seq = ?1";
            db.prepare_cached(sql)?.execute(params![seq, target_hash, updated_at])?;
            (State::Done, None, None, None)
        }
        End::Skipped { problem, stands_for } => (State::Skipped, Some(problem), None, stands_for),
        End::Failed { problem } => (State::Failed, Some(problem), None, None),
        End::Parked { problem } => (State::Parked, Some(problem), None, None),
        End::Waiting { problem } => (State::Staged, Some(problem), None, None),
        End::InDoubt { problem, look_at } => (State::InDoubt, Some(problem), look_at, None),
    };
    let (stands_kind, stands_id) = stands_for.map(|(kind, id)| (kind.code(), id)).unzip();
    let (reason, detail, hint) = spread(problem);
    db.prepare_cached(
        "UPDATE record SET state = ?2, changed_at = ?3, reason = ?4, detail = ?5, hint = ?6, look_at = ?7, \
           stands_kind = ?8, stands_id = ?9 WHERE seq = ?1",
    )?
    .execute(params![seq, state.code(), now, reason, detail, hint, look_at, stands_kind, stands_id])?;
    Ok(())
}

/// A problem as its three columns.
pub(super) fn spread(problem: Option<Problem>) -> (Option<&'static str>, Option<String>, Option<String>) {
    match problem {
        Some(problem) => (Some(problem.reason.code()), Some(problem.what), problem.hint),
        None => (None, None, None),
    }
}

/// Says which record a fault belongs to.
pub(super) fn at(fault: Fault, kind: Kind, id: &str) -> Fault {
    match fault {
        Fault::Problem(problem) => Fault::Problem(problem.at(format!("{kind} {id}"))),
        sql => sql,
    }
}
