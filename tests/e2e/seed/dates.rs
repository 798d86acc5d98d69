//! Moves a freshly written desk into the past, on the database of the running server.
//!
//! REST stamps every message with the present; the rows are put right in SQL. The server keeps no copy of them.

use super::expected::Kind;
use super::plan::{Fate, Planned};
use crate::http::Result;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

fn open(database: &Path) -> Result<Connection> {
    let db = Connection::open(database).map_err(|e| format!("{}: {e}", database.display()))?;
    db.busy_timeout(std::time::Duration::from_secs(30)).map_err(|e| e.to_string())?;
    Ok(db)
}

/// The number of the ticket with this subject, if there is one.
pub fn number_of(database: &Path, subject: &str) -> Result<Option<i64>> {
    open(database)?
        .query_row("SELECT id FROM Tickets WHERE Subject = ?1 ORDER BY id DESC", [subject], |row| row.get(0))
        .optional()
        .map_err(|e| e.to_string())
}

/// Appends `rows` rows of history that say nothing a move would migrate.
pub fn chatter(database: &Path, ticket: i64, rows: usize) -> Result<()> {
    let mut db = open(database)?;
    let history = db.transaction().map_err(|e| e.to_string())?;
    for n in 0..rows {
        let row = "INSERT INTO Transactions (ObjectType, ObjectId, TimeTaken, Type, Field, OldValue, NewValue, Creator, Created)
                   VALUES ('RT::Ticket', ?1, 0, 'Set', 'TimeWorked', ?2, ?3, 1, '2020-01-01 00:00:00')";
        history.execute(row, params![ticket, n as i64, n as i64 + 1]).map_err(|e| e.to_string())?;
    }
    history.commit().map_err(|e| e.to_string())
}

/// Gives every message its planned date, and every other row of the ticket's history that of the message before it.
pub fn into_the_past(database: &Path, tickets: &[Planned], ids: &[i64]) -> Result<()> {
    let mut db = open(database)?;
    let rows = db.transaction().map_err(|e| e.to_string())?;
    for (planned, id) in tickets.iter().zip(ids) {
        let ticket = &planned.ticket;
        let history: Vec<(i64, String)> = rows
            .prepare("SELECT id, Type FROM Transactions WHERE ObjectType = 'RT::Ticket' AND ObjectId = ?1 ORDER BY id")
            .and_then(|mut q| q.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(|e| e.to_string())?;
        let mut messages = ticket.messages.iter();
        let mut date = sql(ticket.created);
        for (row, kind) in history {
            let wanted = match kind.as_str() {
                "Create" | "Correspond" => Some(Kind::Public),
                "Comment" => Some(Kind::Private),
                _ => None,
            };
            if wanted.is_some() {
                let message = messages.next().filter(|m| Some(m.kind) == wanted);
                let message = message.ok_or_else(|| format!("ticket {id}: an unplanned {kind}"))?;
                date = sql(message.created);
            }
            for table in [
                "UPDATE Transactions SET Created = ?1 WHERE id = ?2",
                "UPDATE Attachments SET Created = ?1 WHERE TransactionId = ?2",
            ] {
                rows.execute(table, params![date, row]).map_err(|e| e.to_string())?;
            }
        }
        if messages.next().is_some() {
            return Err(format!("ticket {id} lacks a message"));
        }
    }
    rows.commit().map_err(|e| e.to_string())
}

/// The tickets' own dates, after everything else was done to them.
pub fn last_touched(database: &Path, tickets: &[Planned], ids: &[i64]) -> Result<()> {
    let mut db = open(database)?;
    let rows = db.transaction().map_err(|e| e.to_string())?;
    for (planned, id) in tickets.iter().zip(ids) {
        let ticket = &planned.ticket;
        let last = ticket.messages.last().map_or(ticket.created, |m| m.created);
        rows.execute(
            "UPDATE Tickets SET Created = ?1, LastUpdated = ?2 WHERE id = ?3",
            params![sql(ticket.created), sql(last), id],
        )
        .map_err(|e| e.to_string())?;
        // an end date only where the server set one
        rows.execute("UPDATE Tickets SET Resolved = ?1 WHERE id = ?2 AND Resolved > '1990'", params![sql(last), id])
            .map_err(|e| e.to_string())?;
        if planned.fate != Fate::Stays {
            continue;
        }
        rows.execute(
            "UPDATE Tickets SET Started = ?1 WHERE id = ?2 AND Started > '1990'",
            params![sql(ticket.created), id],
        )
        .map_err(|e| e.to_string())?;
    }
    rows.commit().map_err(|e| e.to_string())
}

fn sql(date: Timestamp) -> String {
    date.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
