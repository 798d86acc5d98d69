//! Finds out what is in the target already: what a step in doubt did, and what an earlier run or a lost ledger left there. It books what it
//! finds, and never sends anything.

use super::progress::{Progress, outputs};
use super::{Broken, Migrated, Writer, makes_its_own, needs_looking};
use crate::clock::{BEGINNING, Doubt};
use crate::connector::Found;
use crate::connector::manifest::Verb;
use crate::connector::plan::Step;
use crate::connector::seen::Among;
use crate::error::{Problem, Reason, Result};
use crate::ledger::{Origin, Remote, StepState};
use crate::record::Kind;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// Times a step is looked for that the target gives no answer about, and the first pause between two.
const LOOKS: u32 = 3;
const LOOK_AGAIN: Duration = Duration::from_secs(2);

impl Writer {
    /// Looks for every step of a record that is known by its marker alone, and books what is there.
    pub(super) async fn look_for_all(&self, record: &Migrated<'_>, progress: &mut Progress) -> Result<(), Broken> {
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
    pub(super) async fn look_for_messages(&self, record: &Migrated<'_>, progress: &mut Progress) -> Result<(), Broken> {
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
                        self.book_found(record, step, &remote, progress).await?;
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

    /// Finds out what a step in doubt did. True: it happened, and is booked. False: it did not, and may be sent.
    pub(super) async fn settle(
        &self,
        record: &Migrated<'_>,
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

    /// Looks for what a step did, and books it.
    async fn look_for(
        &self,
        record: &Migrated<'_>,
        step: &Step,
        others: &Others<'_>,
        mut doubt: Doubt,
        progress: &Progress,
    ) -> Result<Option<Remote>, Broken> {
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
                    self.book_found(record, step, &remote, progress).await?;
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
                        format!("{}: its answer was lost, and the target cannot show whether it was written", step.key),
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

    /// Books a step by what was found of it. What is another step's stays in doubt.
    async fn book_found(
        &self,
        record: &Migrated<'_>,
        step: &Step,
        remote: &Remote,
        progress: &Progress,
    ) -> Result<(), Broken> {
        let Migrated { kind, id, .. } = *record;
        let origin = origin_of(kind, step);
        let booked = match origin == Origin::Created && makes_its_own(kind, step) {
            true => self.link.made(kind, id, &step.key, record.made(step, remote, vec![])).await,
            false => self.link.applied(kind, id, &step.key, Some(remote.clone()), origin).await,
        };
        booked.map_err(|problem| match problem.reason {
            Reason::Conflict => self.in_doubt(problem, progress),
            _ => problem.into(),
        })
    }

    fn ambiguous(&self, step: &Step, many: usize, progress: &Progress) -> Broken {
        let what = format!("{}: {many} records in the target look like it", step.key);
        let hint = "remove all but one of them in the target, then run again";
        self.in_doubt(Problem::new(Reason::Ambiguous, what).hint(hint), progress)
    }
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
pub(super) fn is_like(other: &Step, step: &Step) -> bool {
    other.verb == Verb::Append && other.rule.0 == step.rule.0 && other.key != step.key
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
    fn of(record: &'s Migrated<'_>, before: &[&'s Step], step: &Step, progress: &Progress) -> Others<'s> {
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
