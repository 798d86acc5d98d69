//! The platform `files`: a folder of JSONL, CSV or XLSX files, one a kind, with `attachments/` beside them.
//!
//! Implements [`Source`](super::Source) and [`Target`](super::Target) directly: a folder has no calls, no limits and no
//! credentials, so that a manifest would have nothing to say. Its JSONL is the canonical records of
//! [`crate::record`]; `docs/files.md` describes it for the people who write such folders by hand. What it writes
//! can be read back without loss. It never leaves its folder.

mod books;
mod calendar;
mod cells;
mod census;
mod children;
mod columns;
mod dates;
mod dressed;
mod emptiness;
mod encoding;
mod exchange;
mod export;
mod faults;
mod fields;
mod folder;
mod footer;
mod header_words;
mod headers;
mod heads;
mod hints;
mod journal;
mod layout;
mod line;
mod lines;
mod literals;
mod marks;
mod masks;
mod named;
mod once;
mod order;
mod persons;
mod planner;
mod register;
mod remarks;
mod repeats;
mod row;
mod rows;
mod same_address;
mod several;
mod sound;
mod source;
mod spelled;
mod store;
mod table;
mod tables;
mod taker;
mod target;
#[cfg(test)]
mod tests;
mod twins;
mod values;
mod workbook;

pub use census::Find;
pub use source::FilesSource;
pub use target::FilesTarget;

use crate::connector::manifest::Evidence;
use crate::error::{Problem, Reason, Result};
use crate::ledger::FOLDER;
use crate::project::{Account, AnswerType, Question};
use crate::record::Kind;
use serde_json::json;
use std::path::{Component, Path, PathBuf};

/// The connector's name in `migration.toml`.
pub const NAME: &str = "files";
pub const TITLE: &str = "Folder of JSONL, CSV or XLSX files";
/// The page that describes the folder, shown by `connectors show files`.
pub const PAGE: &str = include_str!("../../../docs/files.md");
/// The tests read and write real folders with the real binary.
pub const EVIDENCE: Evidence = Evidence::Live;
/// The kinds a folder holds, each in a file of its own. Messages and files stand in their ticket.
pub const KINDS: [Kind; 9] = [
    Kind::Group,
    Kind::Agent,
    Kind::Company,
    Kind::Field,
    Kind::Contact,
    Kind::Ticket,
    Kind::Category,
    Kind::Section,
    Kind::Article,
];
/// Where the bytes of attachments are, below the folder.
const ATTACHMENTS: &str = "attachments";

/// Copies of tables, below the project folder.
const COPIES: &str = ".deskferry/copies";

/// Removes the copies that a killed process left. Only for the holder of the project's lock.
pub fn sweep_copies(project: &Path) -> Result<()> {
    let copies = project.join(COPIES);
    match std::fs::remove_dir_all(&copies) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Problem::from(e).at(copies.display())),
        _ => Ok(()),
    }
}

/// How the files of a folder are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Jsonl,
    Csv,
    /// Read only.
    Xlsx,
}

/// The folder of an account.
#[derive(Clone, Debug)]
pub struct Place {
    pub folder: PathBuf,
    pub form: Form,
    /// Where copies of its tables are made while they are read: a folder below the project's own.
    pub copies: PathBuf,
}

/// The keys of `[source]` and `[target]`.
pub fn questions() -> Vec<Question> {
    let question = |key: &str, ask: &str| Question {
        key: key.to_owned(),
        ask: ask.to_owned(),
        help: None,
        answer_type: AnswerType::Text,
        required: true,
        choices: vec![],
        default: None,
    };
    vec![
        Question {
            answer_type: AnswerType::Choice,
            default: Some(json!("jsonl")),
            choices: ["jsonl", "csv", "xlsx"].map(str::to_owned).into(),
            ..question("format", "How are the files written?")
        },
        Question {
            help: Some("`path` is the folder of the files, relative to the project folder".into()),
            ..question("path", "In which folder are the files?")
        },
    ]
}

impl Place {
    /// The folder an account of the project in `project` names.
    ///
    /// Errors: `config`.
    pub fn of(project: &Path, account: &Account) -> Result<Place> {
        if account.url.is_some() {
            return Err(account.error_at("url", "a folder has no address").hint("`path` names it"));
        }
        let answers = account.answers(&questions())?;
        let form = match answers.text("format") {
            Some("csv") => Form::Csv,
            Some("xlsx") => Form::Xlsx,
            _ => Form::Jsonl,
        };
        let path = answers.text("path").unwrap_or_default();
        if path.trim().is_empty() {
            return Err(account.error_at("path", "`path` names no folder"));
        }
        let whole = std::path::absolute(project.join(path))?;
        Ok(Place { folder: without_dots(&whole), form, copies: project.join(COPIES) })
    }

    /// The absolute path.
    pub fn address(&self) -> String {
        self.folder.display().to_string()
    }

    /// The name that stays when the folder is moved, if it has one.
    pub fn known_as(&self) -> Option<String> {
        folder::known_as(&self.folder).map(|id| format!("{FOLDER}{id}"))
    }

    /// [`Place::known_as`], and it is given one where it has none and can be written.
    pub fn name(&self) -> Option<String> {
        folder::name(&self.folder).map(|id| format!("{FOLDER}{id}"))
    }
}

/// `a/../b` is `b`: one folder has one address.
fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

/// Source and target must be two folders: what is read would be replaced while it is read.
///
/// Errors: `config`.
pub fn must_differ(source: &Place, target: &Place) -> Result<()> {
    let real = |place: &Place| std::fs::canonicalize(&place.folder).unwrap_or_else(|_| place.folder.clone());
    let (from, to) = (real(source), real(target));
    if !from.starts_with(&to) && !to.starts_with(&from) {
        let (one, other) = (source.known_as(), target.known_as());
        return if one.is_some() && one == other { Err(copied(&source.folder, &target.folder)) } else { Ok(()) };
    }
    let what = format!("source and target are one folder, or one is in the other: {}", target.folder.display());
    Err(Problem::new(Reason::Config, what).hint("name another folder as `path` of [target]"))
}

/// What a person should know of two folders that go by one id.
pub fn copied(one: &Path, other: &Path) -> Problem {
    let what = format!("{} and {} have the same id: one is a copy of the other", one.display(), other.display());
    Problem::new(Reason::Config, what).hint("delete the file `.deskferry-id` in the copy: it gets an id of its own")
}
