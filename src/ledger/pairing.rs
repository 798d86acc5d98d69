//! Ledger and stage are a pair: both hold the token they were given last, so that one that was put back, lost or taken from a
//! copy does not pass for the one its partner knew.

use super::{Link, query};
use crate::error::Result;
use rusqlite::params;

/// Tokens a migration remembers.
const REMEMBERED: i64 = 1000;

/// What a token of the stage is to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paired {
    /// The last one both were given: neither knows more than the other.
    Last,
    /// An earlier one: the stage is older.
    Earlier,
    /// One it never had: the stage is newer than the ledger, or another one's.
    Never,
}

impl Link {
    pub async fn paired_by(&self, token: &str) -> Result<Paired> {
        let (link, token) = (self.id.clone(), token.to_owned());
        let sql = "SELECT (SELECT COUNT(*) FROM pairing AS later WHERE later.link = pairing.link \
                     AND later.nth > pairing.nth) FROM pairing WHERE link = ?1 AND token = ?2";
        let later = self
            .ledger
            .store
            .read(move |db| query::first(db, sql, params![link, token], |row| Ok(row.get::<_, i64>(0)?)))
            .await?;
        Ok(match later {
            Some(0) => Paired::Last,
            Some(_) => Paired::Earlier,
            None => Paired::Never,
        })
    }

    /// Gives the ledger the token its stage has now.
    pub async fn pair(&self, token: &str) -> Result<()> {
        let (link, token) = (self.id.clone(), token.to_owned());
        self.ledger
            .store
            .write(move |db| {
                // An order that no clock decides.
                db.prepare_cached(
                    "INSERT INTO pairing (token, link, nth) \
                     SELECT ?1, ?2, COALESCE(MAX(nth), 0) + 1 FROM pairing WHERE link = ?2",
                )?
                .execute(params![token, link])?;
                db.prepare_cached(
                    "DELETE FROM pairing WHERE link = ?1 \
                     AND nth <= (SELECT MAX(nth) FROM pairing WHERE link = ?1) - ?2",
                )?
                .execute(params![link, REMEMBERED])?;
                Ok(())
            })
            .await
    }
}
