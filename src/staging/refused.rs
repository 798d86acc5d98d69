//! Lists below a row that the source refused when the row was read, by the word of the account's plan: the row is whole without them as long
//! as it lasts.

use super::Staging;
use crate::error::Result;
use rusqlite::params;

/// Their names, each between commas.
pub(super) const VERSION: &str = "
ALTER TABLE item ADD COLUMN refused TEXT;
CREATE INDEX item_refused ON item (stream, refused) WHERE refused IS NOT NULL;
";

/// As a row has them; none where no list was refused.
pub(super) fn written(lists: &[String]) -> Option<String> {
    (!lists.is_empty()).then(|| format!(",{},", lists.join(",")))
}

impl Staging {
    /// Lists that were refused when rows of a stream were read.
    pub async fn refused_lists(&self, stream: &str) -> Result<Vec<String>> {
        let stream = stream.to_owned();
        let sql = "SELECT DISTINCT refused FROM item WHERE stream = ?1 AND refused IS NOT NULL";
        let found = self.store.read(move |db| {
            let mut found = db.prepare_cached(sql)?;
            let rows = found.query_map([&stream], |r| r.get::<_, String>(0))?;
            Ok(rows.collect::<Result<Vec<String>, _>>()?)
        });
        let mut lists: Vec<String> = found
            .await?
            .iter()
            .flat_map(|all| all.split(','))
            .filter(|list| !list.is_empty())
            .map(str::to_owned)
            .collect();
        lists.sort();
        lists.dedup();
        Ok(lists)
    }

    /// Forgets that rows which were read without this list were whole, and names them.
    pub async fn open_refused(&self, stream: &str, list: &str) -> Result<Vec<String>> {
        let (stream, list) = (stream.to_owned(), format!(",{list},"));
        let sql = "UPDATE item SET children_of = NULL, refused = NULL WHERE stream = ?1 AND instr(refused, ?2) > 0 RETURNING id";
        self.store
            .write(move |db| {
                let mut opened = db.prepare_cached(sql)?;
                let rows = opened.query_map(params![stream, list], |r| r.get::<_, String>(0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }
}
