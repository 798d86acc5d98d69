//! Carries one record's steps: intent, call, outcome; what is in doubt is looked for before anything is sent again.
//!
//! Steps of a record go one after the other; records go side by side. A step whose row says *applied* is
//! never sent again (an update is, when its request changed or something was written since). A step with
//! an intent and no outcome is in doubt: the target is asked, and "not there" is believed only when `settle` has passed since
//! its request was over ([`Doubt`]): what was sent may still be at work in the server.

use super::Stop;
use super::custody::Custody;
use super::halt::Halt;
use super::marks::Marks;
use super::turn::Turn;
use crate::clock::{BEGINNING, Doubt, Intended};
use crate::connector::manifest::{Only, Verb};
use crate::connector::mapped::Mapped;
use crate::connector::plan::{ID_NUMBER, LateValues, Step};
use crate::connector::seen::{Among, Seen};
use crate::connector::{Found, LOST, Outcome, ReadBack, Target};
use crate::error::{Loss, Problem, Reason, Result};
use crate::ledger::{End, Intent, Link, Origin, Remote, StepKey, StepRow, StepState, Told};
use crate::record::{Kind, Outputs};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Times a step whose answer was lost is sent again within one run.
const TRIES: u32 = 4;
/// Times a step is looked for that the target gives no answer about, and the first pause between two.
const LOOKS: u32 = 3;
const LOOK_AGAIN: Duration = Duration::from_secs(2);
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

/// Steps this run sent that somebody refused who may not be the target, until they are looked for.
#[derive(Default)]
pub struct Denials(Mutex<HashMap<(Kind, String, StepKey), Denial>>);

struct Denial {
    doubt: Doubt,
    said: Problem,
}

impl Denials {
    fn all(&self) -> MutexGuard<'_, HashMap<(Kind, String, StepKey), Denial>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn are_of(&self, record: &Carried<'_>) -> bool {
        self.all().keys().any(|(kind, id, _)| *kind == record.kind && id == record.id)
    }
}

/// One record with its plan.
pub struct Carried<'a> {
    pub kind: Kind,
    pub id: &'a str,
    pub steps: &'a [Step],
    /// When it was found by its marker alone: what its steps did is looked for before any is sent.
    pub rebuilt_at: Option<Timestamp>,
    /// Whether the ledger may know steps of it.
    pub has_steps: bool,
}

/// Which form of a step's request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    First,
    /// The first was refused, and is not there.
    Other,
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
}

impl From<Problem> for Broken {
    fn from(problem: Problem) -> Self {
        Broken::Trouble(problem)
    }
}

/// The steps a record has behind it.
pub struct Progress {
    late: LateValues,
    /// What the target listed below the record since the last step was sent.
    seen: Seen,
    rows: HashMap<StepKey, StepRow>,
    /// Steps this run has sent as part of another one, and those found to have happened so.
    intended: HashSet<StepKey>,
    covered: HashSet<StepKey>,
    /// Creates and appends this run had the effect of.
    sent: HashSet<StepKey>,
    /// Steps of a rehearsal, not booked yet.
    told: Vec<Told>,
    /// Whether this run has had an effect on the record.
    pub wrote: bool,
    /// Whether the target could not take something of it.
    pub lost: bool,
    pub created: Option<(Remote, Origin)>,
    /// Whether the record in the target is known to be this one: this run made it, or asked.
    proved: bool,
}

impl Progress {
    /// Whether the record was in the target before us.
    fn is_adopted(&self) -> bool {
        matches!(self.created, Some((_, Origin::Adopted)))
    }

    /// Whether a step is done, by itself or by another.
    fn has(&self, step: &StepKey) -> bool {
        self.covered.contains(step) || self.rows.get(step).is_some_and(|row| row.state == StepState::Applied)
    }

    /// Steps that had to be sent by themselves, where that loses something. One that another had the effect of has its hash.
    pub fn lost_alone(&self, steps: &[Step]) -> Vec<(StepKey, Loss)> {
        let hash = |step: &StepKey| self.rows.get(step).and_then(|row| row.request_hash.as_deref());
        let with_another = |step: &StepKey| {
            let covering = steps.iter().filter(|other| other.covers.contains(step));
            let shared = hash(step).is_some() && covering.map(|other| hash(&other.key)).any(|own| own == hash(step));
            shared || self.covered.contains(step)
        };
        let alone = steps.iter().filter(|step| !with_another(&step.key));
        alone.filter_map(|step| Some((step.key.clone(), step.loss?))).collect()
    }

    /// Steps of this run that added something to a record which was there before it.
    pub fn added<'s>(&self, steps: &'s [Step]) -> Vec<&'s Step> {
        let is_sent = |step: &&Step| self.sent.contains(&step.key);
        match steps.iter().filter(|step| step.verb == Verb::Create).any(|step| is_sent(&step)) {
            true => vec![],
            false => steps.iter().filter(|step| step.verb == Verb::Append).filter(is_sent).collect(),
        }
    }

    /// The target's id of what a step made.
    pub fn id_of(&self, step: &Step) -> Option<String> {
        self.late.id_of(&step.key)
    }

    /// The target's ids of what the record's steps are known to have made.
    pub fn known_ids(&self) -> impl Iterator<Item = String> {
        let earlier = self.rows.values().filter_map(|row| row.remote.as_ref()).map(|remote| remote.id.clone());
        earlier.chain(self.sent.iter().filter_map(|step| self.late.id_of(step)))
    }

    fn took(&mut self, step: &Step, remote: &Remote, origin: Option<Origin>) {
        self.late.put(step.key.clone(), outputs(remote));
        self.lost |= remote.outputs.contains_key(LOST);
        if step.verb == Verb::Create {
            self.created = Some((remote.clone(), origin.unwrap_or(Origin::Created)));
        }
    }
}

fn outputs(remote: &Remote) -> Outputs {
    let mut outputs = remote.outputs.clone();
    outputs.insert("id".into(), remote.id.clone().into());
    let number = remote.id.parse::<u64>().map_or_else(|_| remote.id.clone().into(), Value::from);
    outputs.insert(ID_NUMBER.into(), number);
    if let Some(number) = &remote.number {
        outputs.insert("number".into(), number.clone().into());
    }
    outputs
}

impl Writer {
    /// Carries all steps, in order, when it is the record's turn.
    pub async fn carry(&self, record: &Carried<'_>, turn: &mut Turn) -> Result<Progress, Broken> {
        let rows = match record.has_steps {
            true => self.link.steps(record.kind, record.id).await?,
            false => vec![],
        };
        let rows = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        let mut progress = Progress {
            late: LateValues::default(),
            seen: Seen::default(),
            rows,
            intended: HashSet::new(),
            covered: HashSet::new(),
            sent: HashSet::new(),
            told: Vec::new(),
            wrote: false,
            lost: false,
            created: None,
            proved: false,
        };
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
            self.carry_step(record, at, &mut progress).await?;
        }
        turn.end().await;
        if !progress.told.is_empty() {
            self.link.book(record.kind, record.id, std::mem::take(&mut progress.told)).await?;
        }
        Ok(progress)
    }

    /// Steps that set values and were cut short are in doubt for nobody: they are sent again when they are needed.
    pub async fn release(&self, record: &Carried<'_>, progress: &Progress) -> Result<()> {
        for step in record.steps.iter().filter(|s| !needs_looking(s.verb)) {
            if progress.rows.get(&step.key).is_some_and(|row| row.state.in_doubt()) {
                self.link.forget(record.kind, record.id, &step.key).await?;
            }
        }
        Ok(())
    }

    /// Steps that set values again after a read-back.
    pub async fn carry_again(&self, record: &Carried<'_>, progress: &mut Progress) -> Result<(), Broken> {
        for step in record.steps {
            self.send(record, step, record.steps, progress).await?;
        }
        Ok(())
    }

    /// Looks for every step of a record that is known by its marker alone, and books what is there.
    async fn look_for_all(&self, record: &Carried<'_>, progress: &mut Progress) -> Result<(), Broken> {
        let doubt = Doubt::of_anybody(self.held);
        let mut before: Vec<&Step> = Vec::new();
        for step in record.steps.iter().filter(|s| needs_looking(s.verb)) {
            if let Some(row) = progress.rows.get(&step.key).filter(|row| row.state == StepState::Applied) {
                progress.late.put(step.key.clone(), outputs(&row.remote.clone().unwrap_or_default()));
            } else {
                let others = Others::of(record, &before, step, progress);
                let Some(remote) = self.look_for(record, step, &others, doubt, progress).await? else { continue };
                progress.late.put(step.key.clone(), outputs(&remote));
            }
            if step.verb == Verb::Append {
                before.push(step);
            }
        }
        let rows = self.link.steps(record.kind, record.id).await?;
        progress.rows = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        Ok(())
    }

    /// Looks for messages that are to be added to a record of an earlier try, and books those that are there: the ledger may be older than
    /// the target. Where the target cannot tell, it is believed.
    async fn look_for_messages(&self, record: &Carried<'_>, progress: &mut Progress) -> Result<(), Broken> {
        let Carried { kind, id, .. } = *record;
        let mut before: Vec<&Step> = Vec::new();
        // One that people deleted something of stays short: that is found out once.
        let mut looks = LOOKS;
        for step in record.steps.iter().filter(|s| needs_looking(s.verb)) {
            let row = progress.rows.get(&step.key);
            if let Some(row) = row.filter(|row| row.state == StepState::Applied) {
                progress.late.put(step.key.clone(), outputs(&row.remote.clone().unwrap_or_default()));
            } else if row.is_some() || step.verb != Verb::Append {
                continue;
            } else {
                let others = Others::of(record, &before, step, progress);
                match self.ask_for(step, &others, BEGINNING, (looks, LOOK_AGAIN), progress).await? {
                    Found::Gone(problem) => return Err(Broken::Trouble(problem)),
                    Found::Yes(remote) => {
                        progress.late.put(step.key.clone(), outputs(&remote));
                        self.link.applied(kind, id, &step.key, Some(remote), origin_of(kind, step)).await?;
                    }
                    // Another one would be one more.
                    Found::Many(n) => return Err(self.ambiguous(step, n, progress)),
                    Found::Short(_) => {
                        looks = 1;
                        continue;
                    }
                    Found::No | Found::TooEarly(_) | Found::CannotTell => continue,
                }
            }
            if step.verb == Verb::Append {
                before.push(step);
            }
        }
        let rows = self.link.steps(record.kind, record.id).await?;
        progress.rows = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        Ok(())
    }

    async fn carry_step(&self, record: &Carried<'_>, at: usize, progress: &mut Progress) -> Result<(), Broken> {
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
                    let denial = self.denials.all().remove(&(record.kind, record.id.to_owned(), step.key.clone()));
                    let doubt = match &denial {
                        Some(denial) => denial.doubt,
                        None => Doubt::of_earlier(self.target.clock(), row.vendor_at, row.intent_at, self.held),
                    };
                    match (self.settle(record, step, before, doubt, progress).await?, denial) {
                        (true, _) => return Ok(()),
                        // It is not there: that it was refused is proven now.
                        (false, Some(Denial { said, .. })) => return Err(Broken::Trouble(said.at(&step.key))),
                        (false, None) => {}
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
    async fn takes_what_is_there(&self, record: &Carried<'_>, progress: &mut Progress) -> Result<(), Broken> {
        let Carried { kind, id, .. } = *record;
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

    fn still_holds(&self, record: &Carried<'_>, step: &Step, row: &StepRow, progress: &Progress) -> bool {
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

    async fn send(
        &self,
        record: &Carried<'_>,
        step: &Step,
        before: &[Step],
        progress: &mut Progress,
    ) -> Result<(), Broken> {
        let Carried { kind, id, .. } = *record;
        if self.rehearsal {
            return self.tell(step, progress).await;
        }
        match step.verb {
            Verb::Create => self.custody.before(kind).await.map_err(Broken::Run)?,
            Verb::Upload => {}
            Verb::Append => {
                self.prove(record, progress).await?;
                self.custody.before(kind).await.map_err(Broken::Run)?;
            }
            Verb::Update | Verb::Delete => self.prove(record, progress).await?,
        }
        let mut form = Form::First;
        let mut said = String::new();
        for _ in 0..TRIES {
            self.halt.check().map_err(Broken::Run)?;
            progress.seen.forget();
            let (hash, intended) = (step.request_hash(), Intended::now());
            let vendor_at = intended.by(self.target.clock());
            let intent = Intent::new(step.marker.as_deref(), &hash, vendor_at);
            self.intend_covered(record, step, intent, progress).await?;
            if needs_looking(step.verb) {
                self.link.intend(kind, id, &step.key, intent).await?;
            } else {
                self.link.intend_repeatable(kind, id, &step.key, intent).await?;
            }
            let outcome = match form {
                Form::First => self.target.apply(step, &progress.late).await,
                Form::Other => self.target.apply_otherwise(step, &progress.late).await,
            };
            match proved(kind, step, before, progress, outcome) {
                Outcome::Applied { remote, origin } => {
                    self.book_covered(record, step, progress).await?;
                    self.link.applied(kind, id, &step.key, Some(remote.clone()), origin).await?;
                    progress.wrote = true;
                    progress.took(step, &remote, Some(origin));
                    if needs_looking(step.verb) {
                        progress.sent.insert(step.key.clone());
                    }
                    if step.verb == Verb::Create {
                        progress.proved = true;
                        self.custody.after(kind).await.map_err(Broken::Run)?;
                    }
                    return Ok(());
                }
                Outcome::Rejected(problem) => {
                    if let Some(remote) = self.made_by_another(record, step, &problem).await? {
                        self.link.applied(kind, id, &step.key, Some(remote.clone()), Origin::Adopted).await?;
                        progress.took(step, &remote, Some(Origin::Adopted));
                        return Ok(());
                    }
                    self.forget_covered(record, step, progress).await?;
                    self.link.rejected(kind, id, &step.key, problem.clone()).await?;
                    return Err(Broken::Trouble(problem.at(&step.key)));
                }
                Outcome::Denied(problem) => {
                    let doubt = Doubt::lost_now(self.target.clock(), intended);
                    self.link.unknown(kind, id, &step.key, problem.clone()).await?;
                    let denial = Denial { doubt, said: problem.clone() };
                    self.denials.all().insert((kind, id.to_owned(), step.key.clone()), denial);
                    return Err(Broken::Denied(problem));
                }
                Outcome::NotSent(problem) => {
                    self.forget_covered(record, step, progress).await?;
                    self.link.forget(kind, id, &step.key).await?;
                    return Err(Broken::Trouble(problem));
                }
                Outcome::Otherwise(problem) => {
                    if self.turned_up(record, step, before, intended, problem, progress).await? {
                        return Ok(());
                    }
                    form = Form::Other;
                }
                Outcome::Unknown(problem) => {
                    said = format!(" (the last: {})", problem.what);
                    if self.turned_up(record, step, before, intended, problem, progress).await? {
                        return Ok(());
                    }
                }
            }
        }
        let problem =
            Problem::new(Reason::ServerError, format!("{}: no clear answer in {TRIES} tries{said}", step.key))
                .hint("see the target's own log, then run the same command again");
        Err(self.in_doubt(problem, progress))
    }

    /// What another record of this migration made that is known by the same address: the target refuses a second one, and may show the first
    /// only later.
    async fn made_by_another(&self, record: &Carried<'_>, step: &Step, refused: &Problem) -> Result<Option<Remote>> {
        match &step.marker {
            Some(marker)
                if step.verb == Verb::Create && refused.reason == Reason::Conflict && !step.marker_is_ours() =>
            {
                self.link.made_by_another(record.kind, record.id, marker).await
            }
            _ => Ok(None),
        }
    }

    /// Whether a step whose end is not known now is found to have happened, and is booked. One that sets values is not looked for.
    async fn turned_up(
        &self,
        record: &Carried<'_>,
        step: &Step,
        before: &[Step],
        intended: Intended,
        problem: Problem,
        progress: &mut Progress,
    ) -> Result<bool, Broken> {
        let doubt = Doubt::lost_now(self.target.clock(), intended);
        self.link.unknown(record.kind, record.id, &step.key, problem).await?;
        Ok(needs_looking(step.verb) && self.settle(record, step, before, doubt, progress).await?)
    }

    /// Asks once whose a ticket of an earlier run is before anything is sent to it: an account that was made anew, or put back from a backup, has
    /// tickets of its own under the ids that the ledger knows.
    async fn prove(&self, record: &Carried<'_>, progress: &mut Progress) -> Result<(), Broken> {
        let Carried { kind, id, .. } = *record;
        let Some((remote, Origin::Created)) = progress.created.as_ref().filter(|_| !progress.proved) else {
            return Ok(());
        };
        if kind == Kind::Ticket
            && let Some(markers) = self.target.markers_of(kind, &remote.id).await?
            && !Marks::of(&self.link, kind).each(id).any(|own| markers.contains(&own))
        {
            return Err(Broken::failed(a_strangers(remote)));
        }
        progress.proved = true;
        Ok(())
    }

    /// What [`Writer::send`] is where nothing is sent: nothing can be in doubt.
    async fn tell(&self, step: &Step, progress: &mut Progress) -> Result<(), Broken> {
        self.halt.check().map_err(Broken::Run)?;
        match self.target.apply(step, &progress.late).await {
            Outcome::Applied { remote, origin } => {
                let hash = step.request_hash();
                let covered = step.covers.iter().map(|key| Told {
                    key: key.clone(),
                    marker: None,
                    request_hash: hash.clone(),
                    remote: None,
                    origin: Origin::Created,
                });
                progress.told.extend(covered);
                progress.covered.extend(step.covers.iter().cloned());
                progress.wrote = true;
                progress.took(step, &remote, Some(origin));
                let (key, marker) = (step.key.clone(), step.marker.clone());
                progress.told.push(Told { key, marker, request_hash: hash, remote: Some(remote), origin });
                Ok(())
            }
            Outcome::Rejected(problem) => Err(Broken::failed(problem.at(&step.key))),
            Outcome::NotSent(problem)
            | Outcome::Unknown(problem)
            | Outcome::Denied(problem)
            | Outcome::Otherwise(problem) => Err(Broken::Trouble(problem)),
        }
    }

    /// Finds out what a step in doubt did. True: it happened, and is booked. False: it did not, and may be sent.
    async fn settle(
        &self,
        record: &Carried<'_>,
        step: &Step,
        before: &[Step],
        doubt: Doubt,
        progress: &mut Progress,
    ) -> Result<bool, Broken> {
        let (before, after) = (before.iter(), record.steps.iter().filter(|s| progress.has(&s.key)));
        let mut done: Vec<&Step> = before.filter(|s| is_like(s, step)).collect();
        // What is written late may stand before what is written already.
        done.extend(after.filter(|s| is_like(s, step) && !done.iter().any(|d| d.key == s.key)).collect::<Vec<_>>());
        let in_doubt = |other: &&Step| progress.rows.get(&other.key).is_some_and(|row| row.state.in_doubt());
        let open = record.steps.iter().filter(|other| is_like(other, step)).filter(in_doubt).collect();
        if let Some(remote) = self.look_for(record, step, &Others { done, open }, doubt, progress).await? {
            progress.wrote = true;
            let origin = origin_of(record.kind, step);
            progress.took(step, &remote, Some(origin));
            progress.proved |= step.verb == Verb::Create;
            self.book_covered(record, step, progress).await?;
            return Ok(true);
        }
        self.forget_covered(record, step, progress).await?;
        self.link.forget(record.kind, record.id, &step.key).await?;
        Ok(false)
    }

    /// Writes down which other steps a request has the effect of: if its answer is lost, later ones are not among them.
    async fn intend_covered(
        &self,
        record: &Carried<'_>,
        step: &Step,
        intent: Intent<'_>,
        progress: &mut Progress,
    ) -> Result<()> {
        let intent = Intent { marker: None, ..intent };
        let intents = step.covers.iter().map(|key| self.link.intend_repeatable(record.kind, record.id, key, intent));
        try_join_all(intents).await?;
        progress.intended.extend(step.covers.iter().cloned());
        Ok(())
    }

    /// The steps whose effect a step that happened had.
    async fn book_covered(&self, record: &Carried<'_>, step: &Step, progress: &mut Progress) -> Result<()> {
        let sent = |key: &&StepKey| {
            let known = progress.rows.get(key).is_some_and(|row| row.state.in_doubt());
            known || progress.intended.contains(key)
        };
        let covered: Vec<StepKey> = step.covers.iter().filter(sent).cloned().collect();
        let applied = covered.iter().map(|key| self.link.applied(record.kind, record.id, key, None, Origin::Created));
        try_join_all(applied).await?;
        progress.covered.extend(covered);
        Ok(())
    }

    /// A step that did not happen had no other's effect either.
    async fn forget_covered(&self, record: &Carried<'_>, step: &Step, progress: &mut Progress) -> Result<()> {
        for key in &step.covers {
            let known = progress.rows.get(key).is_some_and(|row| row.state.in_doubt());
            if known || progress.intended.remove(key) {
                self.link.forget(record.kind, record.id, key).await?;
                progress.rows.remove(key);
            }
        }
        Ok(())
    }

    /// Looks for what a step did, and books it.
    async fn look_for(
        &self,
        record: &Carried<'_>,
        step: &Step,
        others: &Others<'_>,
        mut doubt: Doubt,
        progress: &Progress,
    ) -> Result<Option<Remote>, Broken> {
        let Carried { kind, id, .. } = *record;
        let settle = self.settle + self.target.hides(step);
        loop {
            self.halt.check().map_err(Broken::Run)?;
            let now = Instant::now();
            let asked = progress.seen.asked(&step.rule.0).unwrap_or(now);
            if doubt.too_early(now, settle).is_none() {
                match self.target.at_work(step, &doubt).await? {
                    true => doubt.is_at_work(),
                    false => doubt.is_not_at_work(now),
                }
            }
            match self.ask_for(step, others, doubt.earliest(), (LOOKS, settle), progress).await? {
                Found::Yes(remote) => {
                    self.link.applied(kind, id, &step.key, Some(remote.clone()), origin_of(kind, step)).await?;
                    return Ok(Some(remote));
                }
                Found::Short(problem) => return Err(self.in_doubt(problem, progress)),
                // It stays in doubt: what it is added to may come back.
                Found::Gone(problem) => return Err(Broken::Trouble(problem)),
                Found::No => {
                    let Some(wait) = doubt.too_early(asked, settle) else { return Ok(None) };
                    progress.seen.forget();
                    self.halt.sleep(wait).await.map_err(Broken::Run)?;
                }
                Found::TooEarly(wait) => self.halt.sleep(wait).await.map_err(Broken::Run)?,
                Found::Many(n) => return Err(self.ambiguous(step, n, progress)),
                Found::CannotTell => {
                    let problem = Problem::new(
                        Reason::InDoubt,
                        format!("{}: its answer was lost and the target cannot tell", step.key),
                    )
                    .hint("look at the target: remove what was written, if it was, and run `deskferry retry`");
                    return Err(self.in_doubt(problem, progress));
                }
            }
        }
    }

    /// Asks the target for what a step did, again where that is no answer: an answer that shows no list says nothing of what is on it, and
    /// one 404 does not say that a record is gone. The last pause is `settle`.
    async fn ask_for(
        &self,
        step: &Step,
        others: &Others<'_>,
        since: Timestamp,
        (looks, settle): (u32, Duration),
        progress: &Progress,
    ) -> Result<Found, Broken> {
        let mut look = 1;
        loop {
            self.halt.check().map_err(Broken::Run)?;
            let among = Among { done: &others.done, open: &others.open, since, seen: &progress.seen };
            let found = self.target.find(step, &progress.late, &among).await;
            if look == looks || !says_nothing(&found) {
                return Ok(found?);
            }
            look += 1;
            let pause = if look == looks { settle } else { LOOK_AGAIN.min(settle) };
            self.halt.sleep(pause).await.map_err(Broken::Run)?;
        }
    }

    fn ambiguous(&self, step: &Step, many: usize, progress: &Progress) -> Broken {
        let what = format!("{}: {many} records in the target look like it", step.key);
        let hint = "remove all but one of them in the target, then run again";
        self.in_doubt(Problem::new(Reason::Ambiguous, what).hint(hint), progress)
    }

    fn in_doubt(&self, problem: Problem, progress: &Progress) -> Broken {
        let look_at = progress.created.as_ref().and_then(|(remote, _)| remote.url.clone());
        Broken::Record(Box::new(End::InDoubt { problem, look_at }))
    }

    /// Reads back what the target holds.
    pub async fn read_back(
        &self,
        record: &Carried<'_>,
        mapped: &Mapped,
        progress: &Progress,
    ) -> Result<Option<ReadBack>> {
        self.target.read_back(mapped, record.steps, &progress.late).await
    }
}

fn there_already(remote: &Remote) -> Problem {
    let place = remote.url.as_ref().unwrap_or(&remote.id);
    let what = format!(
        "an article of this title and text is in its section already ({place}), and the ledger does not know it"
    );
    Problem::new(Reason::Conflict, what).hint(
        "an earlier run may have made it, whose ledger was lost: leave it, or delete it in the target and run `deskferry retry` to have it \
         migrated anew",
    )
}

fn a_strangers(remote: &Remote) -> Problem {
    let place = remote.url.as_ref().unwrap_or(&remote.id);
    let what =
        format!("{place} does not carry the mark of the ticket that was migrated to it, so nothing is sent to it");
    Problem::new(Reason::Differs, what).hint(
        "look at it: where the account was reset or put back from a backup, begin in a new project folder; where somebody emptied the field \
         of the mark, put it back and run `deskferry retry`",
    )
}

/// Whether the target has to be asked again before it is believed.
fn says_nothing(found: &Result<Found>) -> bool {
    match found {
        Ok(Found::Gone(_) | Found::Short(_)) => true,
        Ok(_) => false,
        Err(problem) => matches!(problem.reason, Reason::NotFound | Reason::BadAnswer),
    }
}

/// What is found by our own marker is ours; by another one (an address) it was there before. A field or a group is only made where
/// the target listed none of its name: one that is there since is ours.
fn origin_of(kind: Kind, step: &Step) -> Origin {
    if step.marker_is_ours() || matches!(kind, Kind::Field | Kind::Group) { Origin::Created } else { Origin::Adopted }
}

/// Whether a step appends something of the same sort: what is looked for by its text is looked for among these.
fn is_like(other: &Step, step: &Step) -> bool {
    other.verb == Verb::Append && other.rule.0 == step.rule.0 && other.key != step.key
}

/// What an answer proves. One that names a message which another step made is that step's answer again (a cache, a gateway that takes
/// the second of two equal calls for the first): whether anything was written has to be looked for. Translations may be called as what
/// they translate.
fn proved(kind: Kind, step: &Step, before: &[Step], progress: &Progress, outcome: Outcome) -> Outcome {
    let Outcome::Applied { remote, .. } = &outcome else { return outcome };
    let is_message = step.verb == Verb::Append && !kind.is_library();
    let is_its = |other: &&Step| progress.late.id_of(&other.key).as_deref() == Some(&remote.id);
    match before.iter().filter(|other| is_message && is_like(other, step)).find(is_its) {
        None => outcome,
        Some(other) => Outcome::Unknown(Problem::new(
            Reason::BadAnswer,
            format!("{}: the answer names {}, which {} has made", step.key, remote.id, other.key),
        )),
    }
}

/// Steps that append something of the same sort as one that is looked for, in the record's order.
struct Others<'s> {
    /// Known to be applied.
    done: Vec<&'s Step>,
    /// Looked for as well.
    open: Vec<&'s Step>,
}

impl<'s> Others<'s> {
    /// `before` are known to be applied; of the others the ledger knows nothing but that they may be there.
    fn of(record: &'s Carried<'_>, before: &[&'s Step], step: &Step, progress: &Progress) -> Others<'s> {
        let is_done = |other: &Step| {
            let applied = || progress.rows.get(&other.key).is_some_and(|row| row.state == StepState::Applied);
            before.iter().any(|one| one.key == other.key) || applied()
        };
        let after = record.steps.iter().skip_while(|other| other.key != step.key);
        Others {
            done: before.iter().filter(|other| is_like(other, step)).copied().collect(),
            open: after.filter(|other| is_like(other, step) && !is_done(other)).collect(),
        }
    }
}

/// Whether an earlier try made the record, and this one has messages to add to it that the ledger knows nothing of.
fn adds_to_what_is_there(record: &Carried<'_>, progress: &Progress) -> bool {
    let row = |step: &Step| progress.rows.get(&step.key);
    let is_made = |step: &Step| row(step).is_some_and(|row| row.state == StepState::Applied);
    record.steps.iter().any(|step| step.verb == Verb::Create && is_made(step))
        && record.steps.iter().any(|step| step.verb == Verb::Append && row(step).is_none())
}

/// Uploads and updates are sent again without looking: nobody sees a second upload, and an update sets the same values.
fn needs_looking(verb: Verb) -> bool {
    matches!(verb, Verb::Create | Verb::Append)
}

/// Whether the step that names this upload is done, so that the upload is no longer needed.
fn named_by_an_applied_step(record: &Carried<'_>, upload: &Step, progress: &Progress) -> bool {
    if let Some(step) = &upload.serves {
        return progress.has(step);
    }
    let after = record.steps.iter().skip_while(|s| s.key != upload.key);
    after.filter(|s| matches!(s.verb, Verb::Create | Verb::Append)).take(1).any(|s| progress.has(&s.key))
}
