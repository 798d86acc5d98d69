//! A run that writes nothing: the whole pipeline over the stage, with a target that is only looked at.
//!
//! It works on a copy of the ledger and goes the way a run would go from here: what would be sent is written down call by
//! call, and what would become of each record stands in the copy. The source is asked only for what the stage lacks, so
//! that a second preview asks it nothing.

mod log;
mod sample;

pub use log::{CallCounts, Grows, REQUESTS, Shown, mapped, requests, requests_of};
pub use sample::Sample;

use super::assumed::ToCheck;
use super::people::seek_agents;
use super::target_metadata::TargetMetadata;
use super::{Choice, Ending, Job, Stop, assumed, children, migrate, stage};
use crate::connector::CheckLine;
use crate::connector::dry_run::DryRun;
use crate::error::{Problem, Reason};
use crate::ledger::{Link, State, private_folder};
use crate::record::{Kind, Ticket};
use log::Log;
use sample::Look;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Which tickets are previewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The fewest that show every kind of thing.
    Ugly,
    /// The first so many.
    First(u64),
    /// Those the command line chose, or all.
    Chosen,
}

/// What the tickets in scope hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub tickets: u64,
    pub messages: u64,
    pub files: u64,
    /// As the source declares them.
    pub file_bytes: u64,
}

impl Totals {
    pub(super) fn of(ticket: &Ticket) -> Totals {
        let files = || ticket.comments.iter().flat_map(|c| &c.attachments);
        Totals {
            tickets: 1,
            messages: ticket.comments.len() as u64,
            files: files().count() as u64,
            file_bytes: files().filter_map(|f| f.size).sum(),
        }
    }

    pub(super) fn add(&mut self, other: Totals) {
        self.tickets += other.tickets;
        self.messages += other.messages;
        self.files += other.files;
        self.file_bytes += other.file_bytes;
    }
}

/// What a preview left behind.
pub struct Previewed {
    /// A copy of the ledger, as a run would leave it.
    pub link: Link,
    /// Where the requests lie.
    pub folder: PathBuf,
    pub extent: Extent,
    /// Tickets to be shown, and what for.
    pub sample: Sample,
    /// Of all tickets in scope, and of the previewed ones.
    pub totals: Totals,
    pub previewed: Totals,
    pub calls: CallCounts,
    /// What `check` says of the target.
    pub checks: Vec<CheckLine>,
    /// Whether the target has no account.
    pub on_paper: bool,
    /// What was assumed of it then.
    pub to_check: Vec<ToCheck>,
    /// How the run would end, as far as can be told.
    pub ending: Ending,
}

/// Below the project's private folder.
pub const FOLDER: &str = "preview";
/// The one before it.
pub const BEFORE: &str = "preview.before";

impl Job {
    /// Goes the way of a run and writes nothing to the target.
    ///
    /// Errors: those of reading the source and the target, and of this disk.
    pub async fn preview(&self, extent: Extent) -> Result<Previewed, Stop> {
        self.staging.forget_unread().await?;
        for &kind in super::ORDER.iter().filter(|&&kind| self.stages(kind) && self.choice.wants(kind)) {
            super::stage::needless(self, kind, stage_missing(self, kind).await)?;
        }
        self.know_what_is_asked_for().await?;
        let checks = super::ready::of_target(self).await;
        self.target.prepare().await?;
        let mut target_metadata = TargetMetadata::read(self.target.as_ref()).await?;
        let assumed = assumed::complete(self, &mut target_metadata).await?;
        seek_agents(self, &target_metadata).await?;
        let most = match extent {
            Extent::First(most) => Some(most),
            Extent::Ugly | Extent::Chosen => None,
        };
        let Look { sample, sampled, totals, first, of_first } = sample::look(self, &target_metadata, most).await?;

        let folder = fresh_folder(&self.state_dir)?;
        let log = Arc::new(Log::new(&folder, sample.iter().map(|(id, _)| id.clone()).collect())?);
        let ledger = self.ledger.copy_to(&folder).await?;
        let mut choice = Choice { sample: None, ..self.choice.clone() };
        let (tickets, previewed) = match extent {
            Extent::Ugly => (Some(sample.iter().map(|(id, _)| id.clone()).collect()), sampled),
            Extent::First(_) => (Some(first.into_iter().collect()), of_first),
            Extent::Chosen => (None, totals),
        };
        if tickets.is_some() && self.choice.ids.is_empty() {
            // A knowledge base is small beside its tickets: all of it is shown.
            for kind in [Kind::Category, Kind::Section, Kind::Article] {
                choice.ids.insert(kind, self.known_ids(kind).await?);
            }
        }
        choice.ids.extend(tickets.map(|ids| (Kind::Ticket, ids)));
        let dry = Job {
            project: self.project.clone(),
            mapping: self.mapping.clone(),
            source: self.source.clone(),
            target: Arc::new(DryRun::of(self.target.clone(), log.clone()).knowing(&assumed.names)),
            link: self.link.in_copy(&ledger),
            ledger,
            staging: self.staging.clone(),
            state_dir: folder.clone(),
            choice,
            scope_filter: self.scope_filter.clone(),
            halt: self.halt.clone(),
            tell: self.tell.clone(),
            resuming: self.resuming,
            rules_changed: self.rules_changed,
            rules: self.rules.clone(),
            approval: None,
            retry: self.retry.clone(),
            listed: Mutex::new(Kind::ALL.iter().copied().collect()),
            noted: Mutex::default(),
        };
        let ending = match migrate::migrate(&dry, Some(target_metadata)).await? {
            Ending::Complete => self.in_a_wrong_scope(totals).await?.map_or(Ending::Complete, Ending::Refused),
            ending => ending,
        };
        Ok(Previewed {
            link: dry.link.clone(),
            folder,
            extent,
            sample,
            totals,
            previewed,
            calls: log.close()?,
            checks,
            on_paper: self.target.is_on_paper(),
            to_check: assumed.to_check,
            ending,
        })
    }
}

impl Job {
    /// What is wrong with the scope, as one problem.
    async fn in_a_wrong_scope(&self, totals: Totals) -> Result<Option<Problem>, Problem> {
        let wrong = self.wrong_scope(totals.tickets > 0).await?;
        let joined = |all: Vec<&str>| all.join("; ");
        let what = joined(wrong.iter().map(|problem| problem.what.as_str()).collect());
        let mut hints: Vec<&str> = wrong.iter().filter_map(|problem| problem.hint.as_deref()).collect();
        hints.dedup();
        Ok(wrong.first().map(|_| Problem::new(Reason::Scope, what).hint(joined(hints))))
    }

    async fn known_ids(&self, kind: Kind) -> Result<BTreeSet<String>, Problem> {
        let (mut ids, mut after) = (BTreeSet::new(), None);
        loop {
            let rows = self.link.next(kind, State::ALL, after, migrate::BATCH).await?;
            let Some(last) = rows.last() else { return Ok(ids) };
            after = Some(last.seq);
            ids.extend(rows.into_iter().map(|row| row.id));
        }
    }
}

/// Reads what the stage lacks of a kind; nothing where it was read to its end.
pub(super) async fn stage_missing(job: &Job, kind: Kind) -> Result<(), Stop> {
    job.staging.bind(kind.code(), job.source.version()).await?;
    let listing = job.staging.listing(kind.code()).await?;
    if listing.complete_since.is_none() || listing.cursor.is_some() {
        return stage::kind(job, kind).await;
    }
    job.listed.lock().unwrap_or_else(PoisonError::into_inner).insert(kind);
    children::missing(job, kind).await
}

/// An empty folder for this preview; the last one stays beside it, to be compared.
fn fresh_folder(state_dir: &Path) -> Result<PathBuf, Problem> {
    let (folder, before) = (state_dir.join(FOLDER), state_dir.join(BEFORE));
    let gone = |path: &Path| match std::fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Problem::from(e).at(path.display())),
        _ => Ok(()),
    };
    if folder.join(RESULT).exists() {
        gone(&before)?;
        std::fs::rename(&folder, &before).map_err(|e| Problem::from(e).at(folder.display()))?;
    }
    gone(&folder)?;
    private_folder(&folder)?;
    Ok(folder)
}

/// What a preview found, for programs. It is written last: a folder without it is of a preview that did not end.
pub const RESULT: &str = "preview.json";
