//! What cannot be read of a folder, with its place and what helps.

use crate::error::{Problem, Reason};
use std::fmt;

/// One cell, row or line that cannot be read as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub what: String,
    pub hint: String,
}

/// Where something stands, as a person counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, and the sheet of a workbook.
    pub file: String,
    /// `row` of a table, `line` of JSONL.
    pub unit: &'static str,
    pub number: u64,
    pub column: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.file, self.unit, self.number)?;
        match &self.column {
            Some(column) => write!(f, ", column `{column}`"),
            None => Ok(()),
        }
    }
}

impl Fault {
    pub fn problem(&self) -> Problem {
        self.problem_of(Reason::BadExport)
    }

    fn problem_of(&self, reason: Reason) -> Problem {
        let problem = Problem::new(reason, &self.what).at(&self.place);
        if self.hint.is_empty() { problem } else { problem.hint(&self.hint) }
    }
}

/// Faults that are kept to be listed: so many, and the number of all.
pub const LISTED: usize = 1000;

#[derive(Debug, Default)]
pub struct Faults {
    listed: Vec<Fault>,
    all: u64,
    rows: u64,
}

impl Faults {
    /// Takes in the faults of one row.
    pub fn take(&mut self, of_row: &[Fault]) {
        self.rows += u64::from(!of_row.is_empty());
        self.all += of_row.len() as u64;
        let room = LISTED.saturating_sub(self.listed.len());
        self.listed.extend(of_row.iter().take(room).cloned());
    }

    /// Rows that have some.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// All of them, or as many as are kept and the number of the others.
    pub fn problems(&self, reason: Reason) -> Vec<Problem> {
        let mut all: Vec<Problem> = self.listed.iter().map(|fault| fault.problem_of(reason)).collect();
        let more = self.all - self.listed.len() as u64;
        if more > 0 {
            all.push(Problem::new(reason, format!("{more} more faults of this folder are not listed")));
        }
        all
    }
}

/// `1 row`, `2 rows`.
pub fn many(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// Names as a sentence lists them.
pub fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > shown.len() { " …" } else { "" };
    shown.join(", ") + more
}
