//! What this run adds to tickets that were in the target before it, and is there twice: another copy of the project adds it too.
//!
//! Markers are of tickets, so two copies that add replies to the same ones are not told by them. Who writes last sees both in what is
//! read back anyway. Who wrote first learns from the target's listing that the ticket changed after that, and looks at its messages;
//! of tickets that the listing can not tell of (written within the same second, or not listed yet) some are looked at. A part
//! counts as twice where a second one says the same, by the same hand and in the same way, and has an id the ledger does not know. Of
//! one in a run nobody knows whose it is: it is a row of the report. More are another process's work, and stop the run.

use super::custody::TOO_MANY;
use super::write::{Migrated, Progress};
use super::{Event, Halt, Job, Listener, Stop};
use crate::connector::plan::Step;
use crate::connector::{Mark, ReadBack, Said, Target};
use crate::error::{Problem, Reason, Result};
use crate::ledger::{Link, Remote, Twin};
use crate::naive::{self, Naive};
use crate::record::Kind;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Tickets looked at, of those that the listing can not tell of, in one look.
const DRAWN: usize = 20;
/// How long after this run wrote to a ticket another one may do so that had looked at it before: a request may wait that long.
const UNDER_WAY: Duration = Duration::from_secs(15 * 60);
/// Tickets named in a message.
const NAMED: usize = 5;

/// What this run added, and what of it is there twice.
pub(super) struct Twins {
    target: Arc<dyn Target>,
    link: Link,
    halt: Halt,
    tell: Listener,
    is_rehearsal: bool,
    /// What the target lists of tickets of ours; kept where an earlier run was not alone, until it is looked at.
    changed: Mutex<Option<Vec<(String, Mark)>>>,
    /// Tickets of which nobody has asked yet whether it is time to look.
    fresh: AtomicU64,
    watched: Mutex<BTreeMap<String, Watched>>,
    /// What this run added and is there twice: ticket and part, with the ticket's place.
    found: Mutex<BTreeMap<(String, String), String>>,
}

/// A ticket that this run added something to.
#[derive(Clone)]
struct Watched {
    at: Instant,
    /// In the target.
    remote: Remote,
    /// By the target's clock, when it was read back.
    updated_at: Option<Timestamp>,
    parts: Vec<Part>,
    /// Ids of all that the ledger knows below it.
    ours: HashSet<String>,
    /// Whether it changed since.
    is_suspect: bool,
    /// Whether a look has come by since it was written.
    is_looked_at: bool,
}

/// One part of a ticket that this run added.
#[derive(Clone)]
struct Part {
    section: String,
    /// Of the source.
    child: String,
    /// Its id in the target.
    id: String,
}

impl Twins {
    pub fn of(job: &Job) -> Twins {
        Twins {
            target: job.target.clone(),
            link: job.link.clone(),
            halt: job.halt.clone(),
            tell: job.tell.clone(),
            is_rehearsal: job.ledger.is_scratch(),
            changed: Mutex::default(),
            fresh: AtomicU64::new(0),
            watched: Mutex::default(),
            found: Mutex::default(),
        }
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<String, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<(String, String), String>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tickets that were added to since this was asked last.
    pub fn fresh(&self) -> u64 {
        self.fresh.swap(0, Ordering::Relaxed)
    }

    /// Whether more is there twice than people's work explains.
    pub fn are_too_many(&self) -> bool {
        self.found().len() >= TOO_MANY
    }

    /// What was read back of a ticket: notes what is there twice, and keeps in mind what this run added.
    pub async fn read_back(&self, record: &Migrated<'_>, progress: &Progress, stored: &ReadBack) -> Result<()> {
        let Some((remote, _)) = &progress.created else { return Ok(()) };
        if record.kind != Kind::Ticket || naive::is(Naive::Alone) {
            return Ok(());
        }
        let added = progress.added(record.steps);
        let messages = messages_of(record.steps, stored);
        let mut ours: HashSet<String> = progress.known_ids().chain(stored.first.clone()).collect();
        ours.extend(messages.iter().map(|(part, _)| part.id.clone()));
        let there = stored.children.iter().flatten().map(|child| Said { id: child.id.clone(), print: child.print });
        let there: Vec<Said> = there.chain(stored.others.iter().cloned()).collect();
        let mut parts = Vec::new();
        for (part, step) in messages {
            let is_added = added.iter().any(|one| one.key == step.key);
            self.note(record.id, remote, &part, &twins(&there, &part.id, &ours), is_added).await?;
            if is_added {
                parts.push(part);
            }
        }
        let beside: BTreeSet<&str> = added.iter().filter(|s| !s.is_message()).map(|s| s.rule.0.as_str()).collect();
        for section in beside {
            // What can not be seen now is looked at with the next ones.
            let there = self.target.said(section, &remote.id).await.ok().flatten().unwrap_or_default();
            for step in added.iter().filter(|step| step.rule.0 == section) {
                let Some(id) = progress.id_of(step) else { continue };
                let part = Part { section: section.to_owned(), child: step.key.child.clone(), id };
                self.note(record.id, remote, &part, &twins(&there, &part.id, &ours), true).await?;
                parts.push(part);
            }
        }
        if !parts.is_empty() {
            self.watch(record.id, remote, stored, parts, ours);
        }
        Ok(())
    }

    fn watch(&self, id: &str, remote: &Remote, stored: &ReadBack, parts: Vec<Part>, ours: HashSet<String>) {
        let watched = Watched {
            at: Instant::now(),
            remote: remote.clone(),
            updated_at: stored.updated_at.as_ref().and_then(|at| at.parse().ok()),
            parts,
            ours,
            is_suspect: false,
            is_looked_at: false,
        };
        self.watched().insert(id.to_owned(), watched);
        self.fresh.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether an earlier run was not alone. Another copy may have gone on for a while after that, so that from now on it is kept in mind what
    /// the target lists.
    pub async fn were_noted(&self) -> Result<bool> {
        let noted = !self.is_rehearsal && !self.link.twins(Kind::Ticket).await?.is_empty();
        *self.changed() = noted.then(Vec::new);
        Ok(noted)
    }

    fn changed(&self) -> MutexGuard<'_, Option<Vec<(String, Mark)>>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the tickets kept in mind that changed since an earlier run wrote to them, and notes what is there twice.
    pub async fn look_at_changed(&self) -> Result<(), Stop> {
        let changed = self.changed().take().unwrap_or_default();
        for (id, mark) in changed {
            let Some(record) = self.link.record(Kind::Ticket, &id).await? else { continue };
            let Some(remote) = record.remote.filter(|remote| remote.id == mark.remote.id) else { continue };
            if mark.updated_at.is_none_or(|at| record.target_updated_at.is_some_and(|known| at < known)) {
                continue;
            }
            self.halt.check()?;
            let messages = Kind::Comment.code();
            let there = self.target.said(messages, &remote.id).await?.unwrap_or_default();
            let steps = self.link.steps(Kind::Ticket, &id).await?;
            let made: Vec<_> = steps.into_iter().filter_map(|step| Some((step.key.child, step.remote?.id))).collect();
            let ours: HashSet<String> = made.iter().map(|(_, id)| id.clone()).collect();
            for (child, own) in made {
                let part = Part { section: messages.to_owned(), child, id: own };
                self.note(&id, &remote, &part, &twins(&there, &part.id, &ours), false).await?;
            }
        }
        Ok(())
    }

    /// What the target lists of one of our tickets: one that changed since this run wrote to it has to be looked at.
    pub fn saw(&self, id: &str, mark: &Mark) {
        if let Some(changed) = &mut *self.changed() {
            changed.push((id.to_owned(), mark.clone()));
        }
        let mut watched = self.watched();
        let Some(one) = watched.get_mut(id).filter(|one| one.remote.id == mark.remote.id) else { return };
        if mark.updated_at.is_some_and(|at| one.updated_at.is_none_or(|known| at > known)) {
            one.is_suspect = true;
            one.updated_at = mark.updated_at;
        }
    }

    /// Looks at tickets that changed, and at some that the listing can not tell of.
    ///
    /// Errors: [`Stop::NotAlone`] when more is there twice than people's work explains; then all of it is noted.
    pub async fn look(&self) -> Result<(), Stop> {
        for id in self.due() {
            self.look_at(&id).await?;
        }
        self.watched().retain(|_, one| one.at.elapsed() < UNDER_WAY);
        if self.are_too_many() { Err(self.stop().await) } else { Ok(()) }
    }

    /// The stop of a run that is not alone, when whatever is there twice is noted.
    pub async fn stop(&self) -> Stop {
        let all: Vec<String> = self.watched().keys().cloned().collect();
        for id in all {
            // The reason to stop is known: what can not be seen now is noted when the ticket is read again.
            if let Err(Stop::Interrupted) = self.look_at(&id).await {
                break;
            }
        }
        Stop::NotAlone(added_twice(&self.found()))
    }

    fn due(&self) -> Vec<String> {
        let mut watched = self.watched();
        let unsure = watched.values().filter(|one| !one.is_suspect && !one.is_looked_at).count();
        let (mut nth, every) = (0, unsure.div_ceil(DRAWN).max(1));
        let mut due = Vec::new();
        for (id, one) in watched.iter_mut() {
            let is_drawn = !one.is_looked_at && {
                nth += 1;
                nth % every == 0
            };
            if one.is_suspect || is_drawn {
                due.push(id.clone());
            }
            one.is_looked_at = true;
        }
        due
    }

    async fn look_at(&self, id: &str) -> Result<(), Stop> {
        let Some(one) = self.watched().get(id).cloned() else { return Ok(()) };
        let sections: BTreeSet<&String> = one.parts.iter().map(|part| &part.section).collect();
        for section in sections {
            self.halt.check()?;
            let there = match self.target.said(section, &one.remote.id).await {
                Ok(there) => there.unwrap_or_default(),
                // People deleted it.
                Err(problem) if problem.reason == Reason::NotFound => vec![],
                Err(problem) => return Err(problem.into()),
            };
            for part in one.parts.iter().filter(|part| part.section == *section) {
                self.note(id, &one.remote, part, &twins(&there, &part.id, &one.ours), true).await?;
            }
        }
        if let Some(one) = self.watched().get_mut(id) {
            one.is_suspect = false;
        }
        Ok(())
    }

    /// Notes the second ones of a part. They count only where this run added it: others were there before.
    async fn note(&self, id: &str, remote: &Remote, part: &Part, twins: &[String], is_added: bool) -> Result<()> {
        let place = remote.url.as_ref().unwrap_or(&remote.id);
        for there in twins {
            let twin = Twin {
                kind: Kind::Ticket,
                id: id.to_owned(),
                section: part.section.clone(),
                child: part.child.clone(),
                there: there.clone(),
            };
            let what = format!(
                "{} of ticket {id} is in the target twice ({place}, as {} and {there}): made by people there, or by another process",
                twin.named(),
                part.id
            );
            if self.link.note_twin(twin).await? {
                (self.tell)(Event::Note { what });
            }
            if is_added {
                self.found().insert((id.to_owned(), part.child.clone()), place.clone());
            }
        }
        Ok(())
    }

    /// Forgets what was noted and is not there any more.
    pub async fn recheck(target: &dyn Target, link: &Link) -> Result<()> {
        let mut listed: BTreeMap<(String, String), Vec<Said>> = BTreeMap::new();
        for (twin, remote) in link.twins(Kind::Ticket).await? {
            let below = (twin.section.clone(), remote.id.clone());
            if !listed.contains_key(&below) {
                let there = match target.said(&twin.section, &remote.id).await {
                    Ok(there) => there.unwrap_or_default(),
                    Err(problem) if problem.reason == Reason::NotFound => vec![],
                    Err(problem) => return Err(problem),
                };
                listed.insert(below.clone(), there);
            }
            // A message that can not be deleted is redacted, and says something else then.
            if twins(&listed[&below], &twin.there, &HashSet::new()).is_empty() {
                link.forget_twin(twin).await?;
            }
        }
        Ok(())
    }
}

/// The messages of a ticket that were found in it, each with its step.
fn messages_of<'s>(steps: &'s [Step], stored: &ReadBack) -> Vec<(Part, &'s Step)> {
    let found = steps.iter().filter(|step| step.is_message()).zip(&stored.children);
    let part = |step: &Step, id: &str| {
        let (section, child) = (step.rule.0.clone(), step.key.child.clone());
        Part { section, child, id: id.to_owned() }
    };
    found.filter_map(|(step, child)| Some((part(step, &child.as_ref()?.id), step))).collect()
}

/// Ids of those that say the same as this one and are not ours.
fn twins(there: &[Said], own: &str, ours: &HashSet<String>) -> Vec<String> {
    let print = there.iter().find(|said| said.id == own).and_then(|said| said.print);
    let same = there.iter().filter(|said| print.is_some() && said.print == print && !ours.contains(&said.id));
    same.filter(|said| said.id != own).map(|said| said.id.clone()).collect()
}

fn added_twice(found: &BTreeMap<(String, String), String>) -> Problem {
    let places: BTreeSet<&String> = found.values().collect();
    let some: Vec<&str> = places.iter().take(NAMED).map(|place| place.as_str()).collect();
    let more = if places.len() > NAMED { ", …" } else { "" };
    let what = format!(
        "what this run added to tickets is in the target twice ({}{more}): another copy of this project is at work",
        some.join(", ")
    );
    Problem::new(Reason::Refused, what).hint(
        "stop the other copy; `deskferry report --format csv` lists each message that is there twice with the outcome `twice` and the \
         address of its ticket: delete one of the two there, or redact it; then `deskferry ids --rebuild`, and `deskferry run`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(rows: &[(&str, Option<u128>)]) -> Vec<Said> {
        rows.iter().map(|(id, print)| Said { id: (*id).to_owned(), print: *print }).collect()
    }

    fn ids(ids: &[&str]) -> HashSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_second_message_counts_only_where_it_says_the_same_and_the_ledger_does_not_know_it() {
        let there = said(&[("1", Some(7)), ("2", Some(7)), ("3", Some(8)), ("4", None)]);
        assert_eq!(twins(&there, "1", &ids(&["1"])), ["2"]);
        assert!(twins(&there, "1", &ids(&["1", "2"])).is_empty(), "two messages of one text are both ours");
        assert!(twins(&there, "3", &ids(&["3"])).is_empty());
        let unknown = said(&[("1", None), ("2", None)]);
        assert!(twins(&unknown, "1", &ids(&["1"])).is_empty(), "what nothing tells from people's is nobody's copy");
        assert!(twins(&there, "9", &ids(&[])).is_empty(), "of what is not there itself nothing is there twice");
    }

    #[test]
    fn what_is_there_twice_is_named_by_the_address_of_its_ticket_once() {
        let found = |n: usize| ((n.to_string(), "m".to_owned()), format!("https://b.test/{}", n / 2));
        let problem = added_twice(&(0..20).map(found).collect());
        assert!(
            problem.what.contains(
                "(https://b.test/0, https://b.test/1, https://b.test/2, https://b.test/3, https://b.test/4, …)"
            )
        );
        assert!(problem.hint.unwrap().contains("`twice`"));
    }
}
