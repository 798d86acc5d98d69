//! read → stage → map → plan → write → verify: one run of a link.
//!
//! Kinds go in order of dependency. Reading and writing of a kind go side by side, each at its own speed,
//! through the stage on disk. A record whose references are not there yet is parked and taken up again
//! when all kinds are through; one odd record fails alone.

mod addresses;
mod again;
mod approval;
pub mod assumed;
mod check_words;
mod children;
mod claim;
mod closure;
mod custody;
mod ending;
mod events;
mod failure;
mod halt;
pub mod inventory;
mod known_fields;
mod library;
mod links;
mod make_fields;
mod make_groups;
mod marks;
mod migrate;
mod own_ids;
mod pairing;
mod people;
pub mod preview;
mod ready;
mod rebuild;
mod requesters;
mod requirements;
mod scope;
mod scope_words;
mod stage;
mod survey;
mod taken;
mod target_metadata;
mod translate;
mod turn;
mod twins;
pub mod undo;
mod vanished;
mod write;
mod written;

pub use again::{Code, Retry};
pub use approval::Approval;
pub use check_words::{Target as Asked, check_words};
pub use ending::{Ending, Stop};
pub use events::{Event, Listener, Side};
pub use halt::Halt;
pub use pairing::pair;
pub use ready::{Checked, check, check_rows};
pub use survey::{Survey, survey};

use crate::connector::{Source, Target};
use crate::error::{Problem, Reason};
use crate::expr::Jq;
use crate::ledger::{Ledger, Link};
use crate::mapping::Mapping;
use crate::project::Project;
use crate::record::Kind;
use crate::staging::Staging;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Kinds in the order in which they are migrated.
pub const ORDER: &[Kind] = &[
    Kind::Group,
    Kind::Agent,
    Kind::Company,
    Kind::Field,
    Kind::Contact,
    Kind::Ticket,
    Kind::Category,
    Kind::Section,
    Kind::Article,
    Kind::Link,
];

/// What one invocation works with.
pub struct Job {
    pub project: Project,
    pub mapping: Mapping,
    pub source: Arc<dyn Source>,
    pub target: Arc<dyn Target>,
    pub ledger: Ledger,
    pub link: Link,
    pub staging: Staging,
    /// The project's private folder.
    pub state_dir: PathBuf,
    pub choice: Choice,
    /// `[scope] jq`
    pub scope_filter: Option<Jq>,
    pub halt: Halt,
    pub tell: Listener,
    /// Whether the run before this one did not come to its end, so that complete listings need not be read again.
    pub resuming: bool,
    /// Whether scope, mapping or a manifest differ from those of the run before this one.
    pub rules_changed: bool,
    /// Hash of scope and mapping.
    pub rules: String,
    /// What somebody agreed to, where the project asks for that.
    pub approval: Option<Approval>,
    /// What is taken up again: nothing for `run`.
    pub retry: Retry,
    /// Kinds this run has listed: none is listed twice.
    pub listed: Mutex<BTreeSet<Kind>>,
    /// What was told once and is not told again.
    pub noted: Mutex<BTreeSet<String>>,
}

/// The part of the scope asked for on the command line.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub only: BTreeSet<Kind>,
    /// Source ids by kind.
    pub ids: BTreeMap<Kind, BTreeSet<String>>,
    /// Tickets at most, with the people and companies they name.
    pub sample: Option<u64>,
}

impl Choice {
    /// Whether records of this kind are migrated: those asked for, and what tickets that are asked for need.
    pub fn wants(&self, kind: Kind) -> bool {
        let for_tickets = !kind.is_library();
        if self.sample.is_some() && !for_tickets && !self.ids.contains_key(&kind) {
            return false;
        }
        let named = self.ids.contains_key(&kind) || (for_tickets && self.ids.contains_key(&Kind::Ticket));
        (self.only.is_empty() || self.only.contains(&kind)) && (self.ids.is_empty() || named)
    }

    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.ids.is_empty() && self.sample.is_none()
    }

    pub fn wants_id(&self, kind: Kind, id: &str) -> bool {
        self.ids.get(&kind).is_none_or(|ids| ids.contains(id))
    }
}

/// Computes beside what waits: on a thread of its own, so that every core has something to do.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Problem::new(Reason::Internal, format!("a computation broke: {e}")))
}

impl Job {
    /// Reads the source into the stage and writes nothing to the target.
    pub async fn stage(&self) -> Ending {
        match self.stage_all().await {
            Ok(ending) => ending,
            Err(stop) => stop.into(),
        }
    }

    async fn stage_all(&self) -> Result<Ending, Stop> {
        self.staging.forget_unread().await?;
        let (mut lacking, mut unlisted) = (0, None);
        for &kind in ORDER.iter().filter(|&&kind| self.stages(kind) && self.choice.wants(kind)) {
            let refused = stage::needless(self, kind, stage::kind(self, kind).await)?;
            unlisted = unlisted.or(refused);
            lacking += self.tell_unread(kind).await?;
        }
        self.know_what_is_asked_for().await?;
        Ok(match unlisted {
            Some(problem) => Ending::Unlisted(problem),
            None if lacking == 0 => Ending::Complete,
            None => Ending::Partial,
        })
    }

    /// Carries everything: reads, maps, writes, verifies.
    pub async fn run(&self) -> Ending {
        let ended = migrate::all(self).await;
        // However it ended: what is written is made whole for whoever looks at the target now.
        match self.target.finish().await {
            Ok(()) => ended.unwrap_or_else(Ending::from),
            Err(problem) => match ended {
                Ok(Ending::Complete | Ending::Partial | Ending::Unlisted(_)) => problem.into(),
                Ok(ending) => ending,
                Err(stop) => stop.into(),
            },
        }
    }

    /// Tells a person something; what has the same `topic` only once.
    fn note_once(&self, topic: &str, what: impl FnOnce() -> String) {
        if self.noted.lock().unwrap_or_else(PoisonError::into_inner).insert(topic.to_owned()) {
            (self.tell)(Event::Note { what: what() });
        }
    }

    /// Whether the source is asked for records of this kind.
    fn stages(&self, kind: Kind) -> bool {
        self.source.reads(kind) && self.in_scope(kind)
    }

    /// Calls of both accounts, as `source GET /tickets` → n.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        let of = |side: &str, calls: BTreeMap<String, u64>| {
            calls.into_iter().map(move |(shape, n)| (format!("{side} {shape}"), n)).collect::<Vec<_>>()
        };
        of("source", self.source.calls()).into_iter().chain(of("target", self.target.calls())).collect()
    }
}
