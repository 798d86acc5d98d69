//! Sends one step: the intent is on the disk before, and what became of it after. What is not known is looked for before it is sent again.

use super::denials::Denial;
use super::progress::Progress;
use super::{Broken, Migrated, Writer, makes_its_own, needs_looking};
use crate::clock::{Doubt, Intended};
use crate::connector::Outcome;
use crate::connector::manifest::Verb;
use crate::connector::plan::Step;
use crate::error::{About, Problem, Reason, Result};
use crate::ledger::{Intent, Origin, Remote, Told};
use crate::pipeline::marks::Marks;
use crate::record::Kind;
use futures_util::future::try_join_all;

/// Times a step whose answer was lost is sent again within one run.
const TRIES: u32 = 4;

/// Which form of a step's request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    First,
    /// The first was refused, and is not there.
    Other,
}

impl Writer {
    pub(super) async fn send(
        &self,
        record: &Migrated<'_>,
        step: &Step,
        before: &[Step],
        progress: &mut Progress,
    ) -> Result<(), Broken> {
        let Migrated { kind, id, .. } = *record;
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
            match self.booked(record, step, progress, outcome).await? {
                Outcome::Applied { remote, origin } => {
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
                    self.denials.put(record, &step.key, Denial { doubt, said: problem.clone() });
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
        let what = format!("{}: no clear answer in {TRIES} tries{said}", step.key);
        // It names nothing of the record: where many get none, it is the account.
        let problem = Problem { about: About::Nobody, ..Problem::new(Reason::ServerError, what) };
        Err(self.in_doubt(problem.hint("see the target's own log, then run the same command again"), progress))
    }

    /// Books what an answer proves, with what the step covers. One that names what another step made is that step's answer again (a cache, a
    /// gateway that takes the second of two calls for the first): whether anything was written has to be looked for.
    async fn booked(
        &self,
        record: &Migrated<'_>,
        step: &Step,
        progress: &mut Progress,
        outcome: Outcome,
    ) -> Result<Outcome> {
        let Outcome::Applied { remote, origin } = &outcome else { return Ok(outcome) };
        let Migrated { kind, id, .. } = *record;
        if *origin == Origin::Created && makes_its_own(kind, step) {
            let covered = progress.covered_by(step);
            match self.link.made(kind, id, &step.key, record.made(step, remote, covered.clone())).await {
                Err(problem) if problem.reason == Reason::Conflict => {
                    return Ok(Outcome::Unknown(Problem { reason: Reason::BadAnswer, ..problem }));
                }
                booked => booked?,
            }
            progress.covered.extend(covered);
        } else {
            self.book_covered(record, step, progress).await?;
            self.link.applied(kind, id, &step.key, Some(remote.clone()), *origin).await?;
        }
        Ok(outcome)
    }

    /// What another record of this migration made that is known by the same address: the target refuses a second one, and may show the first
    /// only later.
    async fn made_by_another(&self, record: &Migrated<'_>, step: &Step, refused: &Problem) -> Result<Option<Remote>> {
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
        record: &Migrated<'_>,
        step: &Step,
        before: &[Step],
        intended: Intended,
        problem: Problem,
        progress: &mut Progress,
    ) -> Result<bool, Broken> {
        let doubt = Doubt::lost_now(self.target.clock(), intended);
        self.link.unknown(record.kind, record.id, &step.key, problem.clone()).await?;
        if !needs_looking(step.verb) {
            return Ok(false);
        }
        let settled = self.settle(record, step, before, doubt, progress).await;
        settled.map_err(|broken| broken.after(Some(&problem)))
    }

    /// Asks once whose a ticket of an earlier run is before anything is sent to it: an account that was made anew, or put back from a backup, has
    /// tickets of its own under the ids that the ledger knows.
    async fn prove(&self, record: &Migrated<'_>, progress: &mut Progress) -> Result<(), Broken> {
        let Migrated { kind, id, .. } = *record;
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

    /// Writes down which other steps a request has the effect of: if its answer is lost, later ones are not among them.
    async fn intend_covered(
        &self,
        record: &Migrated<'_>,
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
    pub(super) async fn book_covered(&self, record: &Migrated<'_>, step: &Step, progress: &mut Progress) -> Result<()> {
        let covered = progress.covered_by(step);
        let applied = covered.iter().map(|key| self.link.applied(record.kind, record.id, key, None, Origin::Created));
        try_join_all(applied).await?;
        progress.covered.extend(covered);
        Ok(())
    }

    /// A step that did not happen had no other's effect either.
    pub(super) async fn forget_covered(
        &self,
        record: &Migrated<'_>,
        step: &Step,
        progress: &mut Progress,
    ) -> Result<()> {
        for key in &step.covers {
            let known = progress.rows.get(key).is_some_and(|row| row.state.in_doubt());
            if known || progress.intended.remove(key) {
                self.link.forget(record.kind, record.id, key).await?;
                progress.rows.remove(key);
            }
        }
        Ok(())
    }
}

fn a_strangers(remote: &Remote) -> Problem {
    let place = remote.url.as_ref().unwrap_or(&remote.id);
    let what =
        format!("{place} does not have the marker of the ticket that was migrated to it, so nothing is sent to it");
    Problem::new(Reason::Differs, what).hint(
        "look at the ticket: if the account was reset or restored from a backup, start in a new project folder; if somebody emptied the marker field, fill it again and run `deskferry retry`",
    )
}
