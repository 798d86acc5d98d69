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

    /// Rows that were read without this list and stand behind this place, the first of them first: each with its place and its id.
    pub async fn without_list(&self, stream: &str, list: &str, after: i64, limit: u32) -> Result<Vec<(i64, String)>> {
        let (stream, list) = (stream.to_owned(), format!(",{list},"));
        let sql =
            "SELECT seq, id FROM item WHERE stream = ?1 AND seq > ?2 AND instr(refused, ?3) > 0 ORDER BY seq LIMIT ?4";
        self.store
            .read(move |db| {
                let mut found = db.prepare_cached(sql)?;
                let rows = found.query_map(params![stream, after, list, limit], |r| Ok((r.get(0)?, r.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Forgets that rows which were read without this list were whole: they are read again.
    pub async fn open_refused(&self, stream: &str, list: &str) -> Result<()> {
        let (stream, list) = (stream.to_owned(), format!(",{list},"));
        let sql = "UPDATE item SET children_of = NULL, refused = NULL WHERE stream = ?1 AND instr(refused, ?2) > 0";
        self.store.write(move |db| Ok(db.execute(sql, params![stream, list]).map(drop)?)).await
    }
}
