//! Losses: what the pair of platforms cannot migrate of the records it carries.

use super::records::seq_of;
use super::{Fault, Link, query, rows};
use crate::error::{Loss, Result};
use crate::record::Kind;
use rusqlite::{Connection, Row, params};

/// One thing that is not migrated as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// Source id of the message or file; empty for the record itself.
    pub child: String,
    pub loss: Loss,
    /// Names what is lost; never message text.
    pub detail: String,
}

impl Lost {
    pub fn new(child: &str, loss: Loss, detail: impl Into<String>) -> Self {
        Self { child: child.to_owned(), loss, detail: detail.into() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossRow {
    pub kind: Kind,
    pub id: String,
    /// Source id of the comment, attachment … concerned; empty for the record itself.
    pub child: String,
    pub loss: Loss,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossCount {
    pub kind: Kind,
    pub loss: Loss,
    pub records: u64,
    pub times: u64,
}

impl Link {
    /// Notes a loss; noting it again changes nothing. `detail` names what is lost and holds no message text.
    pub async fn lose(&self, kind: Kind, id: &str, child: &str, loss: Loss, detail: &str) -> Result<()> {
        let (link, id, lost) = (self.id.clone(), id.to_owned(), Lost::new(child, loss, detail));
        let work = move |db: &Connection| lose(db, seq_of(db, &link, kind, &id)?, &lost);
        self.ledger.store.write(work).await
    }

    /// Forgets the losses of a record that is planned anew, and notes those it has now.
    pub async fn lose_anew(&self, kind: Kind, id: &str, losses: Vec<Lost>) -> Result<()> {
        let (link, id) = (self.id.clone(), id.to_owned());
        let work = move |db: &Connection| lose_anew(db, seq_of(db, &link, kind, &id)?, &losses);
        self.ledger.store.write(work).await
    }

    pub async fn loss_counts(&self) -> Result<Vec<LossCount>> {
        let link = self.id.clone();
        let sql = "SELECT record.kind AS kind, loss.loss AS loss, COUNT(DISTINCT loss.record) AS records, COUNT(*) AS times \
                   FROM loss JOIN record ON record.seq = loss.record WHERE record.link = ?1 \
                   GROUP BY record.kind, loss.loss";
        let count = |row: &Row<'_>| {
            Ok(LossCount {
                kind: rows::code(Kind::from_code, &row.get::<_, String>("kind")?)?,
                loss: rows::code(Loss::from_code, &row.get::<_, String>("loss")?)?,
                records: row.get::<_, i64>("records")?.unsigned_abs(),
                times: row.get::<_, i64>("times")?.unsigned_abs(),
            })
        };
        let mut counts = self.ledger.store.read(move |db| query::all(db, sql, params![link], count)).await?;
        counts.sort_by_key(|count| (count.kind, count.loss));
        Ok(counts)
    }

    /// The losses of a record.
    pub async fn losses_of(&self, kind: Kind, id: &str) -> Result<Vec<Lost>> {
        let (link, id) = (self.id.clone(), id.to_owned());
        let sql = "SELECT child, loss, detail FROM loss \
                   WHERE record = (SELECT seq FROM record WHERE link = ?1 AND kind = ?2 AND id = ?3) ORDER BY child, loss, detail";
        let shape = |row: &Row<'_>| {
            let loss = rows::code(Loss::from_code, &row.get::<_, String>("loss")?)?;
            Ok(Lost { child: row.get("child")?, loss, detail: row.get("detail")? })
        };
        self.ledger.store.read(move |db| query::all(db, sql, params![link, kind.code(), id], shape)).await
    }

    /// Records that are done and lost one of these.
    pub async fn losers(&self, losses: &[Loss]) -> Result<Vec<(Kind, String)>> {
        let link = self.id.clone();
        let codes: Vec<&str> = losses.iter().map(|loss| loss.code()).collect();
        let sql = format!(
            "SELECT kind, id FROM record WHERE link = ?1 AND state = 'done' \
               AND EXISTS (SELECT 1 FROM loss WHERE loss.record = record.seq AND loss.loss IN ('{}')) ORDER BY seq",
            codes.join("', '")
        );
        let row = |row: &Row<'_>| {
            Ok((rows::code(Kind::from_code, &row.get::<_, String>("kind")?)?, row.get::<_, String>("id")?))
        };
        self.ledger.store.read(move |db| query::all(db, &sql, params![link], row)).await
    }

    /// Puts a record back to work.
    pub async fn take_up_one(&self, kind: Kind, id: &str) -> Result<()> {
        let ((link, now), id) = (self.stamp(), id.to_owned());
        let sql = "UPDATE record SET state = 'staged', changed_at = ?4 WHERE link = ?1 AND kind = ?2 AND id = ?3";
        self.ledger.store.write(move |db| Ok(db.execute(sql, params![link, kind.code(), id, now]).map(drop)?)).await
    }

    /// Puts records that are done and lost one of these back to work, and says how many.
    pub async fn take_up_losers(&self, losses: &[Loss]) -> Result<u64> {
        let (link, now) = self.stamp();
        let codes: Vec<&str> = losses.iter().map(|loss| loss.code()).collect();
        let sql = format!(
            "UPDATE record SET state = 'staged', changed_at = ?2 WHERE link = ?1 AND state = 'done' \
               AND EXISTS (SELECT 1 FROM loss WHERE loss.record = record.seq AND loss.loss IN ('{}'))",
            codes.join("', '")
        );
        self.ledger.store.write(move |db| Ok(db.execute(&sql, params![link, now])? as u64)).await
    }

    /// What is lost most, by name: kind, loss, detail and number of records, for these losses.
    pub async fn loss_details(&self, losses: &[Loss], most: u32) -> Result<Vec<(Kind, Loss, String, u64)>> {
        let link = self.id.clone();
        let codes: Vec<&str> = losses.iter().map(|loss| loss.code()).collect();
        let sql = format!(
            "SELECT record.kind AS kind, loss.loss AS loss, loss.detail AS detail, COUNT(DISTINCT loss.record) AS records \
             FROM loss JOIN record ON record.seq = loss.record WHERE record.link = ?1 AND loss.loss IN ('{}') \
             GROUP BY record.kind, loss.loss, loss.detail ORDER BY records DESC, kind, loss, detail LIMIT ?2",
            codes.join("', '")
        );
        let row = |row: &Row<'_>| {
            Ok((
                rows::code(Kind::from_code, &row.get::<_, String>("kind")?)?,
                rows::code(Loss::from_code, &row.get::<_, String>("loss")?)?,
                row.get("detail")?,
                row.get::<_, i64>("records")?.unsigned_abs(),
            ))
        };
        self.ledger.store.read(move |db| query::all(db, &sql, params![link, most], row)).await
    }

    /// The losses of the records of a kind whose [`seq`](super::RecordRow::seq) lies from `first` to `last`:
    /// of one page of [`Link::next`].
    pub async fn losses_between(&self, kind: Kind, first: i64, last: i64) -> Result<Vec<LossRow>> {
        let link = self.id.clone();
        let sql = "SELECT (SELECT id FROM record WHERE seq = loss.record) AS id, child, loss, detail FROM loss \
                   WHERE record BETWEEN ?3 AND ?4 \
                     AND EXISTS (SELECT 1 FROM record WHERE seq = loss.record AND link = ?1 AND kind = ?2) \
                   ORDER BY record, child, loss, detail";
        let shape = move |row: &Row<'_>| {
            Ok(LossRow {
                kind,
                id: row.get("id")?,
                child: row.get("child")?,
                loss: rows::code(Loss::from_code, &row.get::<_, String>("loss")?)?,
                detail: row.get("detail")?,
            })
        };
        self.ledger.store.read(move |db| query::all(db, sql, params![link, kind.code(), first, last], shape)).await
    }
}

fn lose(db: &Connection, record: i64, lost: &Lost) -> Result<(), Fault> {
    db.prepare_cached("INSERT INTO loss (record, child, loss, detail) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?
        .execute(params![record, lost.child, lost.loss.code(), lost.detail])?;
    Ok(())
}

pub(super) fn lose_anew(db: &Connection, record: i64, losses: &[Lost]) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM loss WHERE record = ?1")?.execute(params![record])?;
    losses.iter().try_for_each(|lost| lose(db, record, lost))
}
