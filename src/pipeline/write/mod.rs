//! Carries one record's steps: intent, call, outcome; what is in doubt is looked for before anything is sent again.
//!
//! Steps of a record go one after the other; records go side by side. A step whose row says *applied* is
//! never sent again (an update is, when its request changed or something was written since). A step with
//! an intent and no outcome is in doubt: the target is asked, and "not there" is believed only when `settle` has passed since
//! its request was over ([`Doubt`]): what was sent may still be at work in the server.

mod denials;
mod look;
mod progress;
mod send;

pub use denials::Denials;
pub use progress::Progress;

use super::Stop;
use super::custody::Custody;
use super::halt::Halt;
use super::turn::Turn;
use crate::clock::Doubt;
use crate::connector::manifest::{Only, Verb};
use crate::connector::mapped::Mapped;
use crate::connector::plan::Step;
use crate::connector::{ReadBack, Target};
use crate::error::{Problem, Reason, Result};
use crate::ledger::{End, Link, Made, Origin, Remote, StepKey, StepRow, StepState};
use crate::record::Kind;
use denials::Denial;
use jiff::Timestamp;
use progress::outputs;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An uploaded file that no step named for this long may be gone: it is sent again. Where the target says until when it keeps
/// one (the output `expires_at`), this much before.
const UPLOAD_LIVES: Duration = Duration::from_secs(30 * 60);
const BEFORE_EXPIRY: Duration = Duration::from_secs(10 * 60);

/// What carries steps, for every record of a run.
#[derive(Clone)]
pub struct Writer {
    pub target: Arc<dyn Target>,
    pub link: Link,
    pub settle: Duration,
    pub halt: Halt,
    /// Since when this process holds the project: requests of earlier ones are over.
    pub held: Instant,
    /// Nothing is sent: what is done is booked by the record, not step by step.
    pub rehearsal: bool,
    pub custody: Arc<Custody>,
    /// Held while what was there before is looked at and taken: it is one record's.
    pub taking: Arc<tokio::sync::Mutex<()>>,
    pub denials: Arc<Denials>,
}

/// One record with its plan.
pub struct Migrated<'a> {
    pub kind: Kind,
    pub id: &'a str,
    pub steps: &'a [Step],
    /// When it was found by its marker alone: what its steps did is looked for before any is sent.
    pub rebuilt_at: Option<Timestamp>,
    /// Whether the ledger may know steps of it.
    pub has_steps: bool,
}

impl Migrated<'_> {
    /// What a step of it made in the target, which is that step's own.
    fn made(&self, step: &Step, remote: &Remote, covered: Vec<StepKey>) -> Made {
        let alike = self.steps.iter().filter(|other| other.verb == step.verb && other.rule.0 == step.rule.0);
        let mut alike: Vec<String> = alike.map(|other| other.key.step.clone()).collect();
        alike.sort_unstable();
        alike.dedup();
        Made { remote: remote.clone(), covered, alike }
    }
}

/// Why a record's steps did not all come to be.
pub enum Broken {
    /// This record alone: the run goes on.
    Record(Box<End>),
    /// The run cannot go on.
    Run(Stop),
    /// It is to be found out what failed.
    Trouble(Problem),
    /// Somebody refused a step who may not be the target: it is in doubt, and can be looked for later.
    Denied(Problem),
    /// Another try may go better when all else is through. Nothing was sent.
    Later(Problem),
}

impl Broken {
    /// The record failed.
    pub fn failed(problem: Problem) -> Broken {
        Broken::Record(Box::new(End::Failed { problem }))
    }

    /// Why a look for a step failed, and what was `said` when that was sent: it would be forgotten otherwise.
    fn after(self, said: Option<&Problem>) -> Broken {
        let Some(said) = said else { return self };
        let with = |problem: Problem| {
            let what = format!("{}; when it was sent: {}", problem.what, said.what);
            Problem { what, hint: problem.hint.clone().or_else(|| said.hint.clone()), ..problem }
        };
        match self {
            Broken::Trouble(problem) => Broken::Trouble(with(problem)),
            Broken::Record(end) => Broken::Record(Box::new(match *end {
                End::InDoubt { problem, look_at } => End::InDoubt { problem: with(problem), look_at },
                end => end,
            })),
            other => other,
        }
    }
}

impl From<Problem> for Broken {
    fn from(problem: Problem) -> Self {
        Broken::Trouble(problem)
    }
}

impl Writer {
    /// Carries all steps, in order, when it is the record's turn.
    pub async fn migrate(&self, record: &Migrated<'_>, turn: &mut Turn) -> Result<Progress, Broken> {
        let rows = match record.has_steps {
            true => self.link.steps(record.kind, record.id).await?,
            false => vec![],
        };
        let mut progress = Progress::of(rows);
        turn.come().await;
        if record.rebuilt_at.is_some() {
            self.look_for_all(record, &mut progress).await?;
        } else if self.denials.are_of(record) {
            // What is there was looked at when the step was sent; the step itself is looked for in its turn.
        } else if adds_to_what_is_there(record, &progress) {
            self.look_for_messages(record, &mut progress).await?;
        } else {
            self.takes_what_is_there(record, &mut progress).await?;
        }
        for at in 0..record.steps.len() {
            self.migrate_step(record, at, &mut progress).await?;
        }
        turn.end().await;
        if !progress.told.is_empty() {
            self.link.book(record.kind, record.id, std::mem::take(&mut progress.told)).await?;
        }
        Ok(progress)
    }

    /// Steps that set values and were cut short are in doubt for nobody: they are sent again when they are needed.
    pub async fn release(&self, record: &Migrated<'_>, progress: &Progress) -> Result<()> {
        for step in record.steps.iter().filter(|s| !needs_looking(s.verb)) {
            if progress.rows.get(&step.key).is_some_and(|row| row.state.in_doubt()) {
                self.link.forget(record.kind, record.id, &step.key).await?;
            }
        }
        Ok(())
    }

    /// Steps that set values again after a read-back.
    pub async fn migrate_again(&self, record: &Migrated<'_>, progress: &mut Progress) -> Result<(), Broken> {
        for step in record.steps {
            self.send(record, step, record.steps, progress).await?;
        }
        Ok(())
    }

    async fn migrate_step(&self, record: &Migrated<'_>, at: usize, progress: &mut Progress) -> Result<(), Broken> {
        let step = &record.steps[at];
        let before = &record.steps[..at];
        // Nobody knows before whether a record will be there: a rehearsal shows the step, as one that depends on it.
        if step.only == Some(Only::Adopted) && !progress.is_adopted() && !self.rehearsal {
            return Ok(());
        }
        let is_used = step.verb == Verb::Upload && named_by_an_applied_step(record, step, progress);
        if is_used || progress.covered.contains(&step.key) {
            // What it answered may stand in a step that is sent again, such as the text of an article.
            let answered = progress.rows.get(&step.key).filter(|row| is_used && row.state == StepState::Applied);
            if let Some(remote) = answered.and_then(|row| row.remote.clone()) {
                progress.late.put(step.key.clone(), outputs(&remote));
            }
            return Ok(());
        }
        if let Some(row) = progress.rows.get(&step.key).cloned() {
            match row.state {
                StepState::Applied if self.still_holds(record, step, &row, progress) => {
                    let remote = row.remote.unwrap_or_default();
                    progress.took(step, &remote, row.origin);
                    return Ok(());
                }
                StepState::Intent | StepState::Unknown if needs_looking(step.verb) => {
                    let denial = self.denials.of(record, &step.key);
                    let doubt = match &denial {
                        Some(denial) => denial.doubt,
                        None => Doubt::of_earlier(self.target.clock(), row.vendor_at, row.intent_at, self.held),
                    };
                    let said = denial.as_ref().map(|denial| &denial.said).or(row.problem.as_ref());
                    let settled = self.settle(record, step, before, doubt, progress).await;
                    let happened = settled.map_err(|broken| broken.after(said))?;
                    self.denials.forget(record, &step.key);
                    match denial {
                        _ if happened => return Ok(()),
                        // It is not there: that it was refused is proven now.
                        Some(Denial { said, .. }) => return Err(Broken::Trouble(said.at(&step.key))),
                        None => {}
                    }
                }
                _ => {}
            }
        }
        self.send(record, step, before, progress).await?;
        match step.verb == Verb::Create && record.kind.is_library() && progress.is_adopted() {
            true => self.look_for_messages(record, progress).await,
            false => Ok(()),
        }
    }

    /// Takes a category or section that is there already and carries no marker, with what is below it. An article that is there is not
    /// written over, and not written beside.
    async fn takes_what_is_there(&self, record: &Migrated<'_>, progress: &mut Progress) -> Result<(), Broken> {
        let Migrated { kind, id, .. } = *record;
        let create = record.steps.iter().find(|step| step.verb == Verb::Create);
        let Some(step) = create.filter(|step| !progress.rows.contains_key(&step.key)) else { return Ok(()) };
        if !kind.is_library() || self.rehearsal {
            return Ok(());
        }
        let _alone = self.taking.lock().await;
        let mut there = self.target.there_before(step, &progress.late).await?.into_iter();
        let remote = loop {
            let Some(remote) = there.next() else { return Ok(()) };
            if !self.link.knows_target(kind, &step.key.step, &remote.id).await? {
                break remote;
            }
        };
        if kind == Kind::Article {
            return Err(Broken::failed(there_already(&remote)));
        }
        self.link.applied(kind, id, &step.key, Some(remote.clone()), Origin::Adopted).await?;
        progress.took(step, &remote, Some(Origin::Adopted));
        self.look_for_messages(record, progress).await
    }

    fn still_holds(&self, record: &Migrated<'_>, step: &Step, row: &StepRow, progress: &Progress) -> bool {
        match step.verb {
            Verb::Create | Verb::Append | Verb::Delete => true,
            Verb::Update => !progress.wrote && row.request_hash.as_deref() == Some(&step.request_hash()),
            Verb::Upload => {
                let expires = row.remote.as_ref().and_then(|r| r.outputs.get("expires_at")?.as_str()?.parse().ok());
                let until = expires.map(|at: Timestamp| at.checked_sub(BEFORE_EXPIRY));
                let until = until.or_else(|| Some(row.vendor_at?.checked_add(UPLOAD_LIVES)));
                let lives = until.and_then(Result::ok).is_some_and(|until| self.target.clock().is_before(until));
                lives || named_by_an_applied_step(record, step, progress)
            }
        }
    }

    fn in_doubt(&self, problem: Problem, progress: &Progress) -> Broken {
        let look_at = progress.created.as_ref().and_then(|(remote, _)| remote.url.clone());
        Broken::Record(Box::new(End::InDoubt { problem, look_at }))
    }

    /// Reads back what the target holds.
    pub async fn read_back(
        &self,
        record: &Migrated<'_>,
        mapped: &Mapped,
        progress: &Progress,
    ) -> Result<Option<ReadBack>> {
        self.target.read_back(mapped, record.steps, &progress.late).await
    }
}

fn there_already(remote: &Remote) -> Problem {
    let place = remote.url.as_ref().unwrap_or(&remote.id);
    let what =
        format!("its section already has an article with this title and text ({place}) that the ledger does not know");
    Problem::new(Reason::Conflict, what).hint(
        "an earlier run may have made it, whose ledger was lost: leave it, or delete it in the target and run `deskferry retry` to have it \
         migrated anew",
    )
}

/// Whether an earlier try made the record, and this one has messages to add to it that the ledger knows nothing of.
fn adds_to_what_is_there(record: &Migrated<'_>, progress: &Progress) -> bool {
    let row = |step: &Step| progress.rows.get(&step.key);
    let is_made = |step: &Step| row(step).is_some_and(|row| row.state == StepState::Applied);
    record.steps.iter().any(|step| step.verb == Verb::Create && is_made(step))
        && record.steps.iter().any(|step| step.verb == Verb::Append && row(step).is_none())
}

/// Whether what the target calls the outcome of a step is that step's alone. Fields, groups and links may be shared, and translations may be
/// called as what they translate.
fn makes_its_own(kind: Kind, step: &Step) -> bool {
    match step.verb {
        Verb::Create => !matches!(kind, Kind::Field | Kind::Group | Kind::Link),
        Verb::Append => !kind.is_library(),
        Verb::Update | Verb::Upload | Verb::Delete => false,
    }
}

/// Uploads and updates are sent again without looking: nobody sees a second upload, and an update sets the same values.
fn needs_looking(verb: Verb) -> bool {
    matches!(verb, Verb::Create | Verb::Append)
}

/// Whether the step that names this upload is done, so that the upload is no longer needed.
fn named_by_an_applied_step(record: &Migrated<'_>, upload: &Step, progress: &Progress) -> bool {
    if let Some(step) = &upload.serves {
        return progress.has(step);
    }
    let after = record.steps.iter().skip_while(|s| s.key != upload.key);
    after.filter(|s| matches!(s.verb, Verb::Create | Verb::Append)).take(1).any(|s| progress.has(&s.key))
}
