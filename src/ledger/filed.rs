//! Files of a record that were written with it: one that comes later is told from one that is there.

use super::records::seq_of;
use super::{Link, query};
use crate::error::Result;
use crate::record::Kind;
use rusqlite::{Connection, Row, params};
use std::collections::BTreeSet;

/// Noted of every record whose files are, so that one without files is told from one of which nothing was noted.
const NOTED: &str = "";

impl Link {
    /// Notes the files a record has in the target, by what the source knows them by. Noting one again changes nothing.
    pub async fn file(&self, kind: Kind, id: &str, files: Vec<String>) -> Result<()> {
        let (link, id) = (self.id.clone(), id.to_owned());
        let work = move |db: &Connection| {
            let record = seq_of(db, &link, kind, &id)?;
            let mut note =
                db.prepare_cached("INSERT INTO filed (record, file) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
            for file in std::iter::once(NOTED).chain(files.iter().map(String::as_str)) {
                note.execute(params![record, file])?;
            }
            Ok(())
        };
        self.ledger.store.write(work).await
    }

    /// The files that were noted of a record; none where nothing ever was.
    pub async fn filed(&self, kind: Kind, id: &str) -> Result<Option<BTreeSet<String>>> {
        let (link, id) = (self.id.clone(), id.to_owned());
        let sql =
            "SELECT file FROM filed WHERE record = (SELECT seq FROM record WHERE link = ?1 AND kind = ?2 AND id = ?3)";
        let shape = |row: &Row<'_>| Ok(row.get::<_, String>("file")?);
        let found = move |db: &Connection| query::all(db, sql, params![link, kind.code(), id], shape);
        let all: BTreeSet<String> = self.ledger.store.read(found).await?.into_iter().collect();
        Ok(all.contains(NOTED).then_some(all))
    }
}
