//! What SQLite's errors mean to the person whose disk it is.

use super::folder;
use super::store::Design;
use crate::error::{Problem, Reason};
use rusqlite::ErrorCode;
use std::path::Path;

/// Why a read or a write of a store did not happen: SQLite's error, or a rule of the room.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    Problem(Problem),
}

impl From<rusqlite::Error> for Fault {
    fn from(e: rusqlite::Error) -> Self {
        Fault::Sql(e)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Fault::Problem(problem)
    }
}

pub(crate) fn explain(fault: Fault, path: &Path, design: &Design) -> Problem {
    let error = match fault {
        Fault::Problem(problem) => return problem,
        Fault::Sql(error) => error,
    };
    let disk = |what: &str| Problem::new(Reason::Disk, format!("{}: {what}", path.display()));
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            disk("the disk is full").hint("free some space and run the same command again: nothing is lost")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => not_writable(path),
        Some(ErrorCode::SystemIoFailure) => disk(&format!("the disk failed ({error})"))
            .hint("look at the disk and its free space, and run the same command again: nothing is lost"),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => disk("the file is damaged").hint(design.damaged),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            Problem::new(Reason::Refused, format!("{}: another process holds the file", path.display()))
                .hint("wait for it to end, or stop it, and run the same command again: nothing is lost")
        }
        _ => Problem::new(Reason::Internal, format!("{}: {error}", path.display())),
    }
}

pub(crate) fn not_writable(path: &Path) -> Problem {
    Problem::new(Reason::Disk, format!("{}: the file cannot be written", path.display())).hint(format!(
        "the folder {} and its files must be writable by you: nothing is lost",
        folder::home(path).display()
    ))
}
