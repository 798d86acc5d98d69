//! Steps: one effect on the target each, written down before it is sent and after it is answered.

use super::query;
use super::records::{at, seq_of, spread};
use super::rows::{self, STEP};
use super::{Fault, Link, OpenStep, Origin, Remote, StepKey, StepRow, StepState};
use crate::error::{Problem, Reason, Result};
use crate::record::Kind;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use std::sync::Arc;

impl Link {
    /// Writes down that a step is about to be sent; on the disk when this returns. The record is
    /// [`State::Writing`](super::State::Writing) from then on.
    ///
    /// Errors: [`Internal`](Reason::Internal) when the step is applied already or in doubt: sending it again
    /// could do it twice.
    pub async fn intend(&self, kind: Kind, id: &str, key: &StepKey, intent: Intent<'_>) -> Result<()> {
        self.begin(kind, id, key, intent, never_twice).await
    }

    /// [`Link::intend`] for a step whose request may safely be sent again and again: it sets, it does not add.
    pub async fn intend_repeatable(&self, kind: Kind, id: &str, key: &StepKey, intent: Intent<'_>) -> Result<()> {
        self.begin(kind, id, key, intent, |_| Ok(())).await
    }

    async fn begin(
        &self,
        kind: Kind,
        id: &str,
        key: &StepKey,
        intent: Intent<'_>,
        allowed: fn(StepState) -> Result<(), &'static str>,
    ) -> Result<()> {
        let (marker, request_hash) = (intent.marker.map(str::to_owned), intent.request_hash.to_owned());
        let vendor_at = intent.vendor_at;
        self.step(kind, id, key, move |db, record, key, now| {
            if let Some(state) = state_of(db, record, key)? {
                allowed(state).map_err(|why| Problem::new(Reason::Internal, why))?;
            }
            let intent = Intent::new(marker.as_deref(), &request_hash, vendor_at);
            put_intent(db, record, key, intent, now)?;
            db.prepare_cached(
                "UPDATE record SET state = 'writing', changed_at = ?2, reason = NULL, detail = NULL, hint = NULL, \
                   look_at = NULL WHERE seq = ?1 AND state <> 'writing'",
            )?
            .execute(params![record, now])?;
            Ok(())
        })
        .await
    }

    /// The step is done in the target. Needs no intent: a record found in the target and taken over has none.
    pub async fn applied(
        &self,
        kind: Kind,
        id: &str,
        key: &StepKey,
        remote: Option<Remote>,
        origin: Origin,
    ) -> Result<()> {
        self.step(kind, id, key, move |db, record, key, now| put_applied(db, record, key, remote.as_ref(), origin, now))
            .await
    }

    /// The step is done in the target, and what it made there is its own. All of it is booked, or nothing.
    ///
    /// Errors: [`Conflict`](Reason::Conflict) when another step made that: of a record of the target a step of any record of the kind, of what
    /// stands below one a step of the same record, since numbers may begin anew with each.
    pub async fn made(&self, kind: Kind, id: &str, key: &StepKey, made: Made) -> Result<()> {
        let link = self.id.clone();
        self.step(kind, id, key, move |db, record, key, now| {
            let to = &made.remote.id;
            let other = match maker_below(db, record, key, &made)? {
                None if key.child.is_empty() && key.part == 0 => maker_elsewhere(db, (&link, kind, record), key, to)?,
                other => other,
            };
            if let Some(other) = other {
                let what = format!("the target names {to} as what it made, and {other} made that");
                let hint =
                    "look at it in the target; something between here and there may give one answer twice (a cache?)";
                return Err(Problem::new(Reason::Conflict, what).hint(hint).into());
            }
            for step in &made.covered {
                put_applied(db, record, step, None, Origin::Created, now)?;
            }
            put_applied(db, record, key, Some(&made.remote), Origin::Created, now)
        })
        .await
    }

    /// Books the steps of a record that were told and not sent, in one go.
    ///
    /// Errors: [`Internal`](Reason::Internal) when this is no [copy](super::Ledger::copy_to): a step that is sent is on the disk
    /// before.
    pub async fn book(&self, kind: Kind, id: &str, steps: Vec<Told>) -> Result<()> {
        if !self.ledger.is_scratch() {
            return Err(Problem::new(Reason::Internal, "steps are booked without their intents"));
        }
        let (link, now) = self.stamp();
        let id = id.to_owned();
        self.ledger
            .store
            .write(move |db| {
                let record = seq_of(db, &link, kind, &id)?;
                for Told { key, marker, request_hash, remote, origin } in &steps {
                    let intent = Intent::new(marker.as_deref(), request_hash, None);
                    put_intent(db, record, key, intent, now)?;
                    put_applied(db, record, key, remote.as_ref(), *origin, now)?;
                }
                Ok(())
            })
            .await
    }

    /// The target provably refused the step: nothing happened.
    pub async fn rejected(&self, kind: Kind, id: &str, key: &StepKey, problem: Problem) -> Result<()> {
        self.settle(kind, id, key, StepState::Rejected, Some(problem)).await
    }

    /// The step was sent and may have happened.
    pub async fn unknown(&self, kind: Kind, id: &str, key: &StepKey, problem: Problem) -> Result<()> {
        self.settle(kind, id, key, StepState::Unknown, Some(problem)).await
    }

    /// The step was looked for and did not happen: it may be sent again. How often it was tried stays known.
    pub async fn forget(&self, kind: Kind, id: &str, key: &StepKey) -> Result<()> {
        self.settle(kind, id, key, StepState::Absent, None).await
    }

    async fn settle(
        &self,
        kind: Kind,
        id: &str,
        key: &StepKey,
        state: StepState,
        problem: Option<Problem>,
    ) -> Result<()> {
        self.step(kind, id, key, move |db, record, key, _| {
            match state_of(db, record, key)? {
                Some(now) if now.in_doubt() || now == state => {}
                Some(now) => return Err(odd(format!("cannot become {state}: it is {now}"))),
                None => return Err(odd(format!("cannot become {state}: it was never intended"))),
            }
            let (reason, detail, hint) = spread(problem);
            db.prepare_cached(
                "UPDATE step SET state = ?5, reason = ?6, detail = ?7, hint = ?8 \
                 WHERE record = ?1 AND step = ?2 AND child = ?3 AND part = ?4",
            )?
            .execute(params![
                record,
                key.step,
                key.child,
                key.part,
                state.code(),
                reason,
                detail,
                hint
            ])?;
            Ok(())
        })
        .await
    }

    /// The steps of a record, in the order they were first tried.
    pub async fn steps(&self, kind: Kind, id: &str) -> Result<Vec<StepRow>> {
        let (link, id) = (self.id.clone(), id.to_owned());
        let sql = format!(
            "SELECT {STEP} FROM step JOIN record ON record.seq = step.record \
             WHERE record.link = ?1 AND record.kind = ?2 AND record.id = ?3 ORDER BY step.seq"
        );
        self.ledger.store.read(move |db| query::all(db, &sql, params![link, kind.code(), id], rows::step)).await
    }

    /// The step that carries a marker.
    pub async fn step_by_marker(&self, marker: &str) -> Result<Option<OpenStep>> {
        let (link, marker) = (self.id.clone(), marker.to_owned());
        let sql = format!(
            "SELECT record.kind, record.id, {STEP} FROM step JOIN record ON record.seq = step.record \
             WHERE record.link = ?1 AND step.marker = ?2 ORDER BY step.seq LIMIT 1"
        );
        self.ledger.store.read(move |db| query::first(db, &sql, params![link, marker], open_step)).await
    }

    /// A write that concerns one step; its problems say which.
    async fn step<F>(&self, kind: Kind, id: &str, key: &StepKey, work: F) -> Result<()>
    where
        F: FnOnce(&Connection, i64, &StepKey, i64) -> Result<(), Fault> + Send + 'static,
    {
        let (link, now): (Arc<str>, i64) = self.stamp();
        let (id, key) = (id.to_owned(), key.clone());
        self.ledger
            .store
            .write(move |db| {
                let record = seq_of(db, &link, kind, &id)?;
                work(db, record, &key, now).map_err(|fault| at(fault, kind, &format!("{id}, step {key}")))
            })
            .await
    }
}

/// A step that is about to be sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intent<'a> {
    pub marker: Option<&'a str>,
    pub request_hash: &'a str,
    /// The time now by the target's clock, or a little earlier; none where it is not known.
    pub vendor_at: Option<Timestamp>,
}

impl<'a> Intent<'a> {
    pub fn new(marker: Option<&'a str>, request_hash: &'a str, vendor_at: Option<Timestamp>) -> Intent<'a> {
        Intent { marker, request_hash, vendor_at }
    }
}

/// What a step made in the target that is its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Made {
    pub remote: Remote,
    /// Steps whose effect it had.
    pub covered: Vec<StepKey>,
    /// The names of the record's steps whose outcomes are numbered together with its own.
    pub alike: Vec<String>,
}

/// A step of a record that was told and not sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub key: StepKey,
    pub marker: Option<String>,
    pub request_hash: String,
    /// What it would have answered; none for a step that another one had the effect of.
    pub remote: Option<Remote>,
    pub origin: Origin,
}

fn put_intent(db: &Connection, record: i64, key: &StepKey, intent: Intent<'_>, now: i64) -> Result<(), Fault> {
    let Intent { marker, request_hash, vendor_at } = intent;
    let vendor_at = vendor_at.map(Timestamp::as_millisecond);
    db.prepare_cached(
        "INSERT INTO step (record, step, child, part, state, marker, request_hash, intent_at, vendor_at, tries) \
         VALUES (?1, ?2, ?3, ?4, 'intent', ?5, ?6, ?7, ?8, 1) \
         ON CONFLICT (record, step, child, part) DO UPDATE SET state = excluded.state, \
           marker = excluded.marker, request_hash = excluded.request_hash, intent_at = excluded.intent_at, \
           vendor_at = excluded.vendor_at, tries = step.tries + 1, reason = NULL, detail = NULL, hint = NULL",
    )?
    .execute(params![record, key.step, key.child, key.part, marker, request_hash, now, vendor_at])?;
    Ok(())
}

fn put_applied(
    db: &Connection,
    record: i64,
    key: &StepKey,
    remote: Option<&Remote>,
    origin: Origin,
    now: i64,
) -> Result<(), Fault> {
    let outputs = remote.and_then(rows::outputs);
    let target_id = remote.map(|remote| &remote.id).filter(|id| !id.is_empty());
    let (number, url) = (remote.and_then(|r| r.number.as_ref()), remote.and_then(|r| r.url.as_ref()));
    db.prepare_cached(
        "INSERT INTO step (record, step, child, part, state, target_id, target_number, target_url, outputs, \
           origin, intent_at, tries) \
         VALUES (?1, ?2, ?3, ?4, 'applied', ?5, ?6, ?7, ?8, ?9, ?10, 0) \
         ON CONFLICT (record, step, child, part) DO UPDATE SET state = excluded.state, \
           origin = CASE WHEN step.origin = 'created' AND step.target_id = excluded.target_id \
                    THEN step.origin ELSE excluded.origin END, \
           target_id = COALESCE(excluded.target_id, step.target_id), \
           target_number = COALESCE(excluded.target_number, step.target_number), \
           target_url = COALESCE(excluded.target_url, step.target_url), \
           outputs = COALESCE(excluded.outputs, step.outputs), reason = NULL, detail = NULL, hint = NULL",
    )?
    .execute(params![
        record,
        key.step,
        key.child,
        key.part,
        target_id,
        number,
        url,
        outputs,
        origin.code(),
        now
    ])?;
    Ok(())
}

/// Another step of the record that made the same.
fn maker_below(db: &Connection, record: i64, key: &StepKey, made: &Made) -> Result<Option<String>, Fault> {
    let sql = "SELECT step, child, part FROM step WHERE record = ?1 AND target_id = ?2 AND state = 'applied' AND origin = 'created'";
    let steps = query::all(db, sql, params![record, made.remote.id], |row| {
        Ok(StepKey::new(row.get::<_, String>("step")?, row.get::<_, String>("child")?, row.get("part")?))
    })?;
    let other = steps.into_iter().find(|other| other != key && made.alike.contains(&other.step));
    Ok(other.map(|other| other.to_string()))
}

/// The other record whose step of this name made the same.
fn maker_elsewhere(
    db: &Connection,
    (link, kind, record): (&str, Kind, i64),
    key: &StepKey,
    to: &str,
) -> Result<Option<String>, Fault> {
    let sql = "SELECT record.id FROM step JOIN record ON record.seq = step.record \
               WHERE step.child = '' AND step.part = 0 AND step.target_id = ?1 AND step.step = ?2 AND step.record <> ?3 \
                 AND step.state = 'applied' AND step.origin = 'created' AND record.link = ?4 AND record.kind = ?5 LIMIT 1";
    query::first(db, sql, params![to, key.step, record, link, kind.code()], |row| {
        Ok(format!("{kind} {}", row.get::<_, String>(0)?))
    })
}

fn never_twice(state: StepState) -> Result<(), &'static str> {
    match state {
        StepState::Applied => Err("intended again, and it is applied already"),
        StepState::Intent | StepState::Unknown => Err("intended again while it is in doubt"),
        StepState::Rejected | StepState::Absent => Ok(()),
    }
}

fn state_of(db: &Connection, record: i64, key: &StepKey) -> Result<Option<StepState>, Fault> {
    query::first(
        db,
        "SELECT state FROM step WHERE record = ?1 AND step = ?2 AND child = ?3 AND part = ?4",
        params![record, key.step, key.child, key.part],
        |row| rows::code(StepState::from_code, &row.get::<_, String>(0)?),
    )
}

fn open_step(row: &Row<'_>) -> Result<OpenStep, Fault> {
    Ok(OpenStep {
        kind: rows::code(Kind::from_code, &row.get::<_, String>("kind")?)?,
        id: row.get("id")?,
        step: rows::step(row)?,
    })
}

fn odd(what: String) -> Fault {
    Problem::new(Reason::Internal, what).into()
}
