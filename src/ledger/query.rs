//! Small words for asking SQLite, shared by the ledger and the stage.

use super::fault::Fault;
use crate::error::{Problem, Reason};
use jiff::Timestamp;
use rusqlite::{Connection, Params, Row};

/// All rows of a query, read by `shape`.
pub(crate) fn all<T>(
    db: &Connection,
    sql: &str,
    values: impl Params,
    shape: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(shape(row)?);
    }
    Ok(found)
}

/// The first row of a query, if it has one.
pub(crate) fn first<T>(
    db: &Connection,
    sql: &str,
    values: impl Params,
    shape: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    rows.next()?.map(shape).transpose()
}

/// Times are kept as UTC milliseconds.
pub(crate) fn moment(millis: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_millisecond(millis).map_err(|_| {
        Problem::new(Reason::Refused, format!("{millis} is not a time that this version understands")).into()
    })
}

pub(crate) fn time(millis: Option<i64>) -> Result<Option<Timestamp>, Fault> {
    millis.map(moment).transpose()
}
