//! Undoing: what was agreed to be deleted from the target, and how far that is.
//!
//! A plan is on the disk before its first deletion, and each deletion before it is sent. A record that is deleted goes back to work
//! in the same commit: a later run makes it again, once.

use super::records::seq_of;
use super::rows::{code, remote};
use super::vanished::unmake;
use super::{Fault, Link, Remote, StepState, query, rows};
use crate::error::{Result, closed_list};
use crate::record::Kind;
use rusqlite::{Connection, Row, params};

closed_list! {
    /// How far the deletion of a record is.
    UndoState {
        Agreed = "agreed": "to be deleted",
        Intent = "intent": "about to be deleted, or sent by a process that died: in doubt",
        Deleted = "deleted": "not in the target any more",
        Left = "left": "found changed, in use or refused: it stays",
    }
}

/// A record that a step of ours made, or may have made, in the target.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeHere {
    /// Of the source.
    pub id: String,
    /// Number of the step that made it: steps are numbered as they begin. None where only its marker told of it.
    pub step: Option<i64>,
    /// Nothing while the answer is not known.
    pub remote: Option<Remote>,
}

/// A record of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doomed {
    pub kind: Kind,
    /// Of the source.
    pub id: String,
    pub target_id: String,
}

/// A plan that is not at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUndo {
    pub plan: i64,
    /// What was asked for on the command line.
    pub choice: String,
    /// Records that were agreed to be deleted.
    pub agreed: u64,
    /// Of these, not deleted and not left yet.
    pub open: u64,
}

impl Link {
    /// Records of a kind that this migration made in the target, the newest first. `create` is the step that makes them.
    pub async fn made_newest_first(&self, kind: Kind, create: &str) -> Result<Vec<MadeHere>> {
        let (link, create) = (self.id.clone(), create.to_owned());
        let sql = "SELECT record.id AS id, step.seq AS step, step.state AS state, \
                     COALESCE(record.target_id, step.target_id) AS target_id, \
                     COALESCE(record.target_number, step.target_number) AS target_number, \
                     COALESCE(record.target_url, step.target_url) AS target_url, NULL AS outputs \
                   FROM record LEFT JOIN step ON step.record = record.seq AND step.step = ?3 AND step.child = '' AND step.part = 0 \
                   WHERE record.link = ?1 AND record.kind = ?2 \
                     AND (record.origin = 'created' OR step.state IN ('intent', 'unknown') \
                       OR (record.origin IS NULL AND step.state = 'applied' AND step.origin = 'created')) \
                   ORDER BY step.seq DESC, record.seq DESC";
        let made = |row: &Row<'_>| {
            let state = rows::optional(StepState::from_code, row.get("state")?)?;
            let known = state.is_none_or(|state| !state.in_doubt());
            Ok(MadeHere { id: row.get("id")?, step: row.get("step")?, remote: remote(row)?.filter(|_| known) })
        };
        self.ledger.store.read(move |db| query::all(db, sql, params![link, kind.code(), create], made)).await
    }

    /// Notes that a run is a trial: it takes at most so many tickets.
    pub async fn is_trial(&self, run: super::RunId, tickets: u64) -> Result<()> {
        let tickets = i64::try_from(tickets).unwrap_or(i64::MAX);
        let sql = "UPDATE run SET trial = ?2 WHERE id = ?1";
        self.ledger.store.write(move |db| Ok(db.execute(sql, params![run.0, tickets]).map(|_| ())?)).await
    }

    /// The numbers of the steps that trials began: each after the first number, up to the second one.
    pub async fn steps_of_trials(&self) -> Result<Vec<(i64, i64)>> {
        let link = self.id.clone();
        let sql = "SELECT after_step, COALESCE((SELECT later.after_step FROM run AS later WHERE later.id > run.id \
                     AND later.after_step IS NOT NULL ORDER BY later.id LIMIT 1), ?2) \
                   FROM run WHERE link = ?1 AND trial IS NOT NULL AND after_step IS NOT NULL ORDER BY id";
        let span = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.ledger.store.read(move |db| query::all(db, sql, params![link, i64::MAX], span)).await
    }

    /// Notes what was agreed to be deleted, in this order, in the place of an older plan. Gives the plan's number.
    pub async fn agree_to_undo(&self, choice: &str, all: Vec<Doomed>) -> Result<i64> {
        let ((link, now), choice) = (self.stamp(), choice.to_owned());
        self.ledger
            .store
            .write(move |db| {
                db.execute("UPDATE undo_plan SET ended_at = ?2 WHERE link = ?1 AND ended_at IS NULL", params![link, now])?;
                db.execute(
                    "INSERT INTO undo_plan (link, choice, agreed_at) VALUES (?1, ?2, ?3)",
                    params![link, choice, now],
                )?;
                let plan = db.last_insert_rowid();
                let mut put = db.prepare_cached(
                    "INSERT INTO undo (plan, nth, kind, id, target_id, state, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, 'agreed', ?6)",
                )?;
                for (nth, Doomed { kind, id, target_id }) in (0_i64..).zip(&all) {
                    put.execute(params![plan, nth, kind.code(), id, target_id, now])?;
                }
                Ok(plan)
            })
            .await
    }

    /// The plan that is not at its end.
    pub async fn open_undo(&self) -> Result<Option<OpenUndo>> {
        let link = self.id.clone();
        let sql = "SELECT id, choice, (SELECT COUNT(*) FROM undo WHERE plan = undo_plan.id) AS agreed, \
                     (SELECT COUNT(*) FROM undo WHERE plan = undo_plan.id AND state IN ('agreed', 'intent')) AS open \
                   FROM undo_plan WHERE link = ?1 AND ended_at IS NULL ORDER BY id DESC LIMIT 1";
        let open = |row: &Row<'_>| {
            let count = |name: &str| Ok::<u64, Fault>(row.get::<_, i64>(name)?.unsigned_abs());
            Ok(OpenUndo {
                plan: row.get("id")?,
                choice: row.get("choice")?,
                agreed: count("agreed")?,
                open: count("open")?,
            })
        };
        self.ledger.store.read(move |db| query::first(db, sql, params![link], open)).await
    }

    /// Whether a deletion was sent and its end is not known.
    pub async fn undo_in_doubt(&self) -> Result<bool> {
        let link = self.id.clone();
        let sql = "SELECT EXISTS (SELECT 1 FROM undo JOIN undo_plan ON undo_plan.id = undo.plan \
                   WHERE undo_plan.link = ?1 AND undo.state = 'intent')";
        self.ledger.store.read(move |db| Ok(db.query_row(sql, params![link], |row| row.get(0))?)).await
    }

    /// The records of a plan in these states, in its order.
    pub async fn doomed(&self, plan: i64, states: &[UndoState]) -> Result<Vec<Doomed>> {
        let states: Vec<&str> = states.iter().map(|state| state.code()).collect();
        let sql = format!(
            "SELECT kind, id, target_id FROM undo WHERE plan = ?1 AND state IN ('{}') ORDER BY nth",
            states.join("', '")
        );
        let doomed = |row: &Row<'_>| {
            let kind = code(Kind::from_code, &row.get::<_, String>("kind")?)?;
            Ok(Doomed { kind, id: row.get("id")?, target_id: row.get("target_id")? })
        };
        self.ledger.store.read(move |db| query::all(db, &sql, params![plan], doomed)).await
    }

    /// Writes down that a record is about to be deleted; on the disk when this returns.
    pub async fn intend_undo(&self, plan: i64, kind: Kind, id: &str) -> Result<()> {
        self.set_undo(plan, kind, id, UndoState::Intent, None).await
    }

    /// The record stays, and why.
    pub async fn left_by_undo(&self, plan: i64, kind: Kind, id: &str, why: &str) -> Result<()> {
        self.set_undo(plan, kind, id, UndoState::Left, Some(why.to_owned())).await
    }

    async fn set_undo(&self, plan: i64, kind: Kind, id: &str, state: UndoState, why: Option<String>) -> Result<()> {
        let ((_, now), id) = (self.stamp(), id.to_owned());
        self.ledger.store.write(move |db| put_state(db, plan, (kind, &id), state, why.as_deref(), now)).await
    }

    /// The record is not in the target any more. It goes back to work, and so do other records of the source that went by it, and
    /// these relations that went with it.
    pub async fn undone_by(&self, plan: i64, doomed: &Doomed, relations: Vec<String>) -> Result<()> {
        let ((link, now), doomed) = (self.stamp(), doomed.clone());
        self.ledger
            .store
            .write(move |db| {
                let Doomed { kind, id, target_id } = &doomed;
                put_state(db, plan, (*kind, id), UndoState::Deleted, None, now)?;
                // Word by word the condition of the index `record_by_other`.
                let sql =
                    "SELECT seq FROM record WHERE link = ?1 AND kind = ?2 AND target_id = ?3 AND origin <> 'created'";
                let mut records = query::all(db, sql, params![link, kind.code(), target_id], |row| Ok(row.get(0)?))?;
                records.push(seq_of(db, &link, *kind, id)?);
                for relation in &relations {
                    records.push(seq_of(db, &link, Kind::Link, relation)?);
                }
                for record in records {
                    unmake(db, record, now)?;
                    db.prepare_cached("DELETE FROM loss WHERE record = ?1")?.execute(params![record])?;
                }
                Ok(())
            })
            .await
    }

    /// Closes a plan of which nothing is open.
    pub async fn end_undo(&self, plan: i64) -> Result<()> {
        let (_, now) = self.stamp();
        let sql = "UPDATE undo_plan SET ended_at = ?2 WHERE id = ?1 \
                   AND NOT EXISTS (SELECT 1 FROM undo WHERE plan = ?1 AND state IN ('agreed', 'intent'))";
        self.ledger.store.write(move |db| Ok(db.execute(sql, params![plan, now]).map(|_| ())?)).await
    }
}

fn put_state(
    db: &Connection,
    plan: i64,
    (kind, id): (Kind, &str),
    state: UndoState,
    why: Option<&str>,
    now: i64,
) -> Result<(), Fault> {
    db.prepare_cached(
        "UPDATE undo SET state = ?4, why = ?5, changed_at = ?6 WHERE plan = ?1 AND kind = ?2 AND id = ?3",
    )?
    .execute(params![plan, kind.code(), id, state.code(), why, now])?;
    Ok(())
}
