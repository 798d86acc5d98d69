//! Runs of the program, and the watermarks a later run starts from.

use super::fault::Fault;
use super::{Link, query};
use crate::error::{Problem, Reason, Result};
use crate::record::Kind;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, params};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub i64);

/// How far a kind is migrated.
#[derive(Clone, Debug, PartialEq)]
pub struct Watermark {
    /// In the source's time.
    pub value: String,
    /// By how much this machine's clock was ahead of the source's; none where that was not known, as in a ledger of a version that asked
    /// in this machine's time.
    pub ahead: Option<SignedDuration>,
}

/// One invocation that worked on the link.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub command: String,
    /// Version of each manifest used, by the name of its platform.
    pub manifests: BTreeMap<String, String>,
    pub started_at: Timestamp,
    /// Nothing while it is at work, and for ever when it was killed.
    pub ended_at: Option<Timestamp>,
    pub exit_code: Option<i32>,
    /// What the run counted of its calls; the shape is the caller's.
    pub calls: Option<Value>,
}

impl Link {
    /// The point up to which a kind was read with all of it done or explained. Opaque: what the source's connector
    /// understands.
    pub async fn watermark(&self, kind: Kind) -> Result<Option<Watermark>> {
        let link = self.id.clone();
        let sql = "SELECT value, ahead FROM watermark WHERE link = ?1 AND kind = ?2";
        let read = |row: &Row<'_>| {
            let ahead: Option<i64> = row.get("ahead")?;
            Ok(Watermark { value: row.get("value")?, ahead: ahead.map(SignedDuration::from_millis) })
        };
        self.ledger.store.read(move |db| query::first(db, sql, params![link, kind.code()], read)).await
    }

    pub async fn set_watermark(&self, kind: Kind, watermark: Watermark) -> Result<()> {
        let (link, now) = self.stamp();
        let Watermark { value, ahead } = watermark;
        let ahead = ahead.and_then(|ahead| i64::try_from(ahead.as_millis()).ok());
        self.ledger
            .store
            .write(move |db| {
                db.prepare_cached(
                    "INSERT INTO watermark (link, kind, value, ahead, set_at) VALUES (?1, ?2, ?3, ?4, ?5) \
                     ON CONFLICT (link, kind) DO UPDATE SET value = excluded.value, ahead = excluded.ahead, \
                       set_at = excluded.set_at",
                )?
                .execute(params![link, kind.code(), value, ahead, now])?;
                Ok(())
            })
            .await
    }

    /// `rules`: a hash of scope, mapping and manifests, where the command goes by them.
    pub async fn run_started(
        &self,
        command: &str,
        manifests: &BTreeMap<String, String>,
        rules: Option<&str>,
    ) -> Result<RunId> {
        let (link, now) = self.stamp();
        let (command, rules) = (command.to_owned(), rules.map(str::to_owned));
        let manifests = serde_json::to_string(manifests)
            .map_err(|e| Problem::new(Reason::Internal, format!("the manifest versions: {e}")))?;
        self.ledger
            .store
            .write(move |db| {
                db.prepare_cached(
                    "INSERT INTO run (link, command, manifests, started_at, rules, after_step) \
                     VALUES (?1, ?2, ?3, ?4, ?5, (SELECT COALESCE(MAX(seq), 0) FROM step))",
                )?
                .execute(params![link, command, manifests, now, rules])?;
                Ok(RunId(db.last_insert_rowid()))
            })
            .await
    }

    pub async fn run_ended(&self, run: RunId, exit_code: i32, calls: &Value) -> Result<()> {
        let (_, now) = self.stamp();
        let calls = calls.to_string();
        self.ledger
            .store
            .write(move |db| {
                db.prepare_cached("UPDATE run SET ended_at = ?2, exit_code = ?3, calls = ?4 WHERE id = ?1")?
                    .execute(params![run.0, now, exit_code, calls])?;
                Ok(())
            })
            .await
    }

    /// The rules of the last run that went by any.
    pub async fn last_rules(&self) -> Result<Option<String>> {
        let link = self.id.clone();
        let sql = "SELECT rules FROM run WHERE link = ?1 AND rules IS NOT NULL ORDER BY id DESC LIMIT 1";
        self.ledger.store.read(move |db| query::first(db, sql, params![link], |row| Ok(row.get(0)?))).await
    }

    pub async fn last_run(&self) -> Result<Option<Run>> {
        let link = self.id.clone();
        let sql = "SELECT id, command, manifests, started_at, ended_at, exit_code, calls FROM run \
                   WHERE link = ?1 ORDER BY id DESC LIMIT 1";
        self.ledger.store.read(move |db| query::first(db, sql, params![link], run)).await
    }
}

fn run(row: &Row<'_>) -> Result<Run, Fault> {
    let manifests: String = row.get("manifests")?;
    let calls: Option<String> = row.get("calls")?;
    Ok(Run {
        id: RunId(row.get("id")?),
        command: row.get("command")?,
        manifests: serde_json::from_str(&manifests).unwrap_or_default(),
        started_at: query::moment(row.get("started_at")?)?,
        ended_at: query::time(row.get("ended_at")?)?,
        exit_code: row.get("exit_code")?,
        calls: calls.and_then(|text| serde_json::from_str(&text).ok()),
    })
}
