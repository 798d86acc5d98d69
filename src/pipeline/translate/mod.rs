//! record → what the target's steps see: the user's rules, the target's ids, bodies in its format, and every loss by name.
//!
//! The result is what `docs/connectors.md` calls *the mapped record*. Nothing is sent.

mod article;
mod beside;
mod blobs;
mod contact;
mod custom;
mod field;
mod files;
mod held;
mod instead;
mod kept;
mod languages;
pub mod late;
mod message;
mod pack;
mod persons;
mod shelves;
mod sort;
mod ticket;
mod verbatim;

pub use blobs::Blobs;
pub use contact::Matched;
pub use field::to_be_made;
pub use held::lost as lost_of_person;
pub use late::{Late, Lists, OF_FILES};
pub use ticket::SourceFields;

use super::people::{Known, People};
use super::requirements::Requirement;
use super::target_metadata::TargetMetadata;
use super::write::Broken;
use crate::connector::Target;
use crate::connector::mapped::Mapped;
use crate::error::{Problem, Reason};
use crate::ledger::{End, Lost};
use crate::mapping::Mapping;
use crate::record::{Format, Kind, Ref, Ticket};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// What is known of both sides while records are translated.
#[derive(Clone)]
pub struct Translator {
    pub mapping: Mapping,
    pub target: Arc<dyn Target>,
    pub target_metadata: Arc<TargetMetadata>,
    /// What the target metadata says must be filled.
    pub requirements: Vec<Requirement>,
    pub people: Arc<People>,
    pub blobs: Blobs,
    /// Where files the target does not take are kept; none where they are only named.
    pub kept_dir: Option<PathBuf>,
    /// Where groups are made: the source's id by the name each is made under.
    pub making: Option<Arc<Mutex<HashMap<String, String>>>>,
    /// How the target writes bodies.
    pub format: Format,
}

impl Translator {
    /// The person a reference names. A record that refers to one whose own record is not through waits for it.
    async fn person(&self, id: &str) -> Result<Arc<Known>, Held> {
        let known = self.people.of(id).await?;
        if known.pending {
            let what = format!("{} is not in the target yet", known.label());
            return Err(Held::Park(Problem::new(Reason::Unresolved, what)));
        }
        Ok(known)
    }

    /// The same on a ticket, where they may stand as its requester alone.
    async fn person_on(&self, ticket: &Ticket, id: &Ref) -> Result<Arc<Known>, Held> {
        let known = self.person(id).await?;
        Ok(if self.asks(ticket, &known).await? { Known::asking(known) } else { known })
    }

    /// Whether somebody is the requester of a ticket, however it names them.
    async fn asks(&self, ticket: &Ticket, known: &Known) -> Result<bool, Held> {
        match &ticket.requester {
            Some(requester) if *requester == known.id => Ok(true),
            Some(requester) => Ok(self.person(requester).await?.is(known)),
            None => Ok(false),
        }
    }
}

/// A record ready to be planned.
#[derive(Debug)]
pub struct Translated {
    pub mapped: Mapped,
    pub losses: Vec<Lost>,
}

/// Why a record is not written now.
#[derive(Debug)]
pub enum Held {
    /// Left out on purpose; another record may stand for it.
    Skip(Problem, Option<(Kind, String)>),
    Fail(Problem),
    Park(Problem),
    /// What it lacks is asked for once more when all others are through.
    Later(Problem),
    /// It is to be found out what failed: this record, an account or this disk.
    Trouble(Problem),
}

impl Held {
    /// How the record ended by that.
    ///
    /// Errors: the trouble whose side is to be found out, and what may be there later.
    pub(super) fn into_end(self) -> Result<End, Broken> {
        match self {
            Held::Skip(problem, stands_for) => Ok(End::Skipped { problem, stands_for }),
            Held::Fail(problem) => Ok(End::Failed { problem }),
            Held::Park(problem) => Ok(End::Parked { problem }),
            Held::Later(problem) => Err(Broken::Later(problem)),
            Held::Trouble(problem) => Err(Broken::Trouble(problem)),
        }
    }
}

impl From<Problem> for Held {
    fn from(problem: Problem) -> Self {
        Held::Trouble(problem)
    }
}
