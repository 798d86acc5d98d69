//! Writes one translated record and looks at what the target holds of it.
//!
//! What the target dropped in silence is set again once, by the API user. What still differs fails the record, or is
//! a loss where the manifest calls it one.

use super::migrate::Run;
use super::translate::{Translated, lost_of_person};
use super::turn::Turn;
use super::write::{Broken, Migrated, Progress};
use super::{Stop, aside};
use crate::connector::ReadBack;
use crate::connector::mapped::{Mapped, MappedContact};
use crate::connector::plan::{MARKER, Step};
use crate::error::{Problem, Reason};
use crate::ledger::{End, Lost, Origin, RecordRow, Remote, State};
use crate::record::{Kind, Record};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// What earlier runs did with a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    /// When it was found by its marker alone.
    pub rebuilt_at: Option<Timestamp>,
    pub has_steps: bool,
    /// Whether the target held it once as it should be.
    pub was_whole: bool,
}

impl Past {
    pub fn of(row: &RecordRow) -> Past {
        Past { rebuilt_at: row.rebuilt_at, has_steps: row.has_steps, was_whole: row.target_updated_at.is_some() }
    }

    /// What counts of a difference: a text that was whole once is whose it is now.
    fn sees(&self, stored: Option<ReadBack>) -> Option<ReadBack> {
        let mut stored = stored?;
        stored.differs.retain(|differs| !(differs.once && self.was_whole));
        Some(stored)
    }
}

impl Run<'_> {
    pub(super) async fn write(
        &self,
        record: &Record,
        translated: Translated,
        past: Past,
        turn: &mut Turn,
    ) -> Result<End, Broken> {
        let (kind, id) = (record.kind(), record.id.as_str());
        if !self.job.target.writes(kind) {
            let problem = Problem::new(Reason::Unsupported, format!("the target does not support {kind} records"));
            return Ok(End::Skipped { problem, stands_for: None });
        }
        let link = &self.job.link;
        let marker = format!("{MARKER}{}:{kind}:{id}", link.mark());
        let Translated { mapped, losses } = translated;
        let (target, of) = (self.job.target.clone(), marker.clone());
        let planned = aside(move || {
            let planned = target.losses_and_plan(&mapped, &of);
            (mapped, planned)
        });
        let (mapped, planned) = planned.await?;
        let (theirs, steps) = planned?;
        let theirs = theirs.into_iter().map(|loss| Lost::new("", loss, ""));
        let losses: Vec<Lost> = losses.into_iter().chain(theirs).collect();
        for lost in &losses {
            self.job.agreed(lost.loss).map_err(|problem| Broken::Run(Stop::Refused(problem)))?;
        }
        let steps: Vec<Step> = match steps {
            Ok(steps) => {
                link.planned(kind, id, losses).await?;
                steps
            }
            Err(problem) => {
                link.lose_anew(kind, id, losses).await?;
                return Ok(End::Failed { problem });
            }
        };
        let migrated = Migrated { kind, id, steps: &steps, rebuilt_at: past.rebuilt_at, has_steps: past.has_steps };
        let mut progress = self.writer.migrate(&migrated, turn).await?;
        let Some((remote, origin)) = progress.created.clone() else {
            let problem = Problem::new(Reason::Manifest, format!("no step of `write.{kind}` creates the record"));
            return Ok(End::Failed { problem });
        };
        for (step, loss) in progress.lost_alone(&steps) {
            link.lose(kind, id, &step.child, loss, "").await?;
        }
        if let Mapped::Contact(contact) = &mapped
            && (origin == Origin::Adopted || progress.lost)
        {
            self.name_what_is_not_held(contact, &remote, &progress.lacks).await?;
        }
        // A second look at an article that had no effect needs no proof.
        if kind.is_library() && !progress.wrote {
            let known = link.record(kind, id).await?;
            if known.is_some_and(|known| known.state == State::Done) {
                return Ok(done(remote, origin, None));
            }
        }
        let repair = self.job.target.repair(&mapped, &marker)?;
        let repair = Migrated { kind, id, steps: &repair, rebuilt_at: None, has_steps: true };
        self.writer.release(&repair, &progress).await?;
        let mut stored = past.sees(self.writer.read_back(&migrated, &mapped, &progress).await?);
        let messages = Sent::of(&progress);
        if stored.as_ref().is_some_and(|s| !s.differs.is_empty()) {
            self.writer.migrate_again(&repair, &mut progress).await?;
            stored = past.sees(self.writer.read_back(&migrated, &mapped, &progress).await?);
        }
        if let Some(stored) = &stored {
            self.name_children(&migrated, stored).await?;
            self.writer.custody.twins.read_back(&migrated, &progress, stored).await?;
        }
        if let Some(stored) = &stored {
            for differs in &stored.differs {
                if let Some(loss) = differs.loss {
                    link.lose(kind, id, "", loss, &differs.name).await?;
                }
            }
            let values = Sent::of(&progress);
            if let Some(problem) = wrong_message(stored, &steps, messages).or_else(|| not_stored(stored, values)) {
                link.arrived(kind, id, remote, origin).await?;
                return Ok(End::Failed { problem });
            }
        }
        Ok(done(remote, origin, stored))
    }

    /// Books what of a contact the target's person does not have. Of values it refused to take it has none, where it does not tell them.
    async fn name_what_is_not_held(
        &self,
        contact: &MappedContact,
        remote: &Remote,
        refused: &BTreeSet<String>,
    ) -> Result<(), Problem> {
        let Some(mut there) = self.job.target.held(Kind::Contact, remote).await? else { return Ok(()) };
        for value in refused {
            there.entry(value).or_insert_with(|| Value::Array(vec![]));
        }
        for lost in lost_of_person(contact, &there) {
            self.job.link.lose(Kind::Contact, &contact.id, &lost.child, lost.loss, &lost.detail).await?;
        }
        Ok(())
    }

    /// Books the target's ids of messages, which some targets tell only when asked afterwards.
    async fn name_children(&self, record: &Migrated<'_>, stored: &ReadBack) -> Result<(), Problem> {
        let appends = record.steps.iter().filter(|s| s.is_message());
        for (step, child) in appends.zip(&stored.children) {
            if let Some(child) = child {
                let remote = Remote { id: child.id.clone(), ..Remote::default() };
                self.job.link.applied(record.kind, record.id, &step.key, Some(remote), Origin::Created).await?;
            }
        }
        Ok(())
    }
}

pub(super) fn done(remote: Remote, origin: Origin, stored: Option<ReadBack>) -> End {
    let updated_at: Option<Timestamp> = stored.and_then(|s| s.updated_at).and_then(|t| t.parse().ok());
    End::Done { remote, origin, target_hash: None, target_updated_at: updated_at }
}

/// Whether this run sent anything for a record. Where it did not, what differs was changed in the target since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Something,
    Nothing,
}

impl Sent {
    fn of(progress: &Progress) -> Sent {
        if progress.wrote { Sent::Something } else { Sent::Nothing }
    }
}

/// A message that is not there, or that everyone can see.
fn wrong_message(stored: &ReadBack, steps: &[Step], sent: Sent) -> Option<Problem> {
    let appends = steps.iter().filter(|s| s.is_message());
    let mut missing = Vec::new();
    for (step, child) in appends.zip(&stored.children) {
        match child {
            None => missing.push(step.key.child.clone()),
            Some(child) if step.private && !child.private => {
                let what = format!("message {} is private, and the target shows it to everyone", step.key.child);
                return Some(
                    Problem::new(Reason::NotStored, what)
                        .hint("make it private or delete it in the target now, then run again"),
                );
            }
            Some(_) => {}
        }
    }
    (!missing.is_empty()).then(|| {
        let missing = missing.join(", ");
        match sent {
            Sent::Something => Problem::new(Reason::NotStored, format!("the target does not show message {missing}")),
            Sent::Nothing => Problem::new(Reason::Differs, format!("the target no longer shows message {missing}"))
                .hint("an earlier run wrote it, so nothing was sent now: look at the record in the target"),
        }
    })
}

/// Properties that differ and that the manifest calls no loss.
fn not_stored(stored: &ReadBack, sent: Sent) -> Option<Problem> {
    let names: Vec<&str> = stored.differs.iter().filter(|d| d.loss.is_none()).map(|d| d.name.as_str()).collect();
    (!names.is_empty()).then(|| match sent {
        Sent::Something => Problem::new(Reason::NotStored, format!("the target did not store: {}", names.join(", ")))
            .hint("the target's workflow or field settings forbid it: change them, or map to another value"),
        Sent::Nothing => Problem::new(
            Reason::Differs,
            format!("the target holds another value than was written: {}", names.join(", ")),
        )
        .hint("it was changed in the target since, so nothing was sent: correct it there, then run `deskferry retry`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::Differs;

    #[test]
    fn a_text_that_people_changed_after_it_was_whole_is_theirs() {
        let differs = |name: &str, once| Differs { name: name.into(), loss: None, once };
        let all = vec![differs("subject", true), differs("status", false)];
        let past = |was_whole| Past { rebuilt_at: None, has_steps: true, was_whole };
        let seen = |was_whole| {
            let stored = ReadBack { differs: all.clone(), ..ReadBack::default() };
            past(was_whole).sees(Some(stored)).unwrap().differs.len()
        };
        assert_eq!((seen(false), seen(true)), (2, 1));
    }

    #[test]
    fn the_target_is_not_said_to_have_dropped_what_was_never_sent() {
        let differs = |name: &str, loss| Differs { name: name.into(), loss, once: false };
        let stored = ReadBack { differs: vec![differs("status", None)], ..ReadBack::default() };
        let sent = not_stored(&stored, Sent::Something).unwrap();
        assert_eq!((sent.reason, sent.what.as_str()), (Reason::NotStored, "the target did not store: status"));
        let unsent = not_stored(&stored, Sent::Nothing).unwrap();
        assert_eq!(unsent.reason, Reason::Differs);
        let words = format!("{} {}", unsent.what, unsent.hint.unwrap());
        assert!(!words.contains("did not store") && words.contains("nothing was sent"), "{words}");
        let loss = Some(crate::error::Loss::Value);
        let named = ReadBack { differs: vec![differs("priority", loss)], ..stored };
        assert_eq!(not_stored(&named, Sent::Nothing), None);
    }
}
