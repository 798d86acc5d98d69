//! The stage as the partner of a ledger: the token both were given last, and what the stage gives a ledger that knows less.

use super::Staging;
use crate::error::Result;
use rusqlite::{OptionalExtension, params};

/// What a stage was given when it was opened last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    pub token: String,
    /// The account its rows are of.
    pub source: String,
}

impl Staging {
    /// None in a stage that is new, or of a version that gave no tokens.
    pub async fn pairing(&self) -> Result<Option<Pairing>> {
        let pairing = |row: &rusqlite::Row<'_>| Ok(Pairing { token: row.get(0)?, source: row.get(1)? });
        self.store.read(move |db| Ok(db.query_row("SELECT token, source FROM pairing", [], pairing).optional()?)).await
    }

    pub async fn pair(&self, pairing: Pairing) -> Result<()> {
        self.store
            .write(move |db| {
                db.execute("DELETE FROM pairing", [])?;
                let sql = "INSERT INTO pairing (token, source) VALUES (?1, ?2)";
                db.execute(sql, params![pairing.token, pairing.source])?;
                Ok(())
            })
            .await
    }

    /// Forgets every row and how far each stream was listed. Files stay: they are known by their content.
    pub async fn clear(&self) -> Result<()> {
        self.store
            .write(|db| {
                for table in ["item", "stream", "reference"] {
                    db.execute(&format!("DELETE FROM {table}"), [])?;
                }
                Ok(())
            })
            .await
    }

    /// Keys of a stream's rows with the hashes of their content, in the order they were read: `(seq, id, hash)`.
    pub async fn keys(&self, stream: &str, after: Option<i64>, limit: u32) -> Result<Vec<(i64, String, String)>> {
        let stream = stream.to_owned();
        self.store
            .read(move |db| {
                let sql = "SELECT seq, id, hash FROM item WHERE stream = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
                let mut found = db.prepare_cached(sql)?;
                let rows = found.query_map(params![stream, after.unwrap_or(-1), limit], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }
}
