//! The one place where records are taken up: each only when all of it was read, however reading ended.

use super::migrate::{BATCH, Run};
use super::stage::assembled;
use super::{Event, Job, Stop};
use crate::connector::ChildRows;
use crate::error::{Problem, Reason, Result};
use crate::ledger::{End, RecordRow, State};
use crate::naive::{self, Naive};
use crate::record::{Body, Kind, Record};
use crate::staging::Wholeness;
use std::collections::HashSet;
use std::sync::OnceLock;
use tokio::sync::Notify;

/// How often somebody waits for another of their address, five seconds each.
const WAITS: u32 = 12;

/// How far the reading of a kind is, with a bell for whoever waits for more.
pub(super) struct Reading {
    /// The turn of the listing before this one.
    after: i64,
    ended: OnceLock<Read>,
    more: Notify,
}

/// How the reading of a kind goes, or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It goes on. What an earlier listing staged may be about to change, until this one, the next after that turn, is over.
    Going { after: i64 },
    /// Every row is listed, and what could be had of it is there.
    Whole,
    /// It stopped on the way.
    Broken,
}

impl Read {
    pub fn is_over(self) -> bool {
        !matches!(self, Read::Going { .. })
    }
}

impl Reading {
    /// A reading that begins now.
    pub async fn begun(job: &Job, kind: Kind) -> Result<Reading> {
        let after = job.staging.listing(kind.code()).await?.turn;
        Ok(Reading { after, ended: OnceLock::new(), more: Notify::new() })
    }

    /// Of a kind that was read before.
    pub fn over() -> Reading {
        Reading { after: 0, ended: OnceLock::from(Read::Whole), more: Notify::new() }
    }

    pub fn end(&self, read: Read) {
        // It ends once.
        let _ = self.ended.set(read);
        self.more.notify_waiters();
    }

    pub fn now(&self) -> Read {
        self.ended.get().copied().unwrap_or(Read::Going { after: self.after })
    }

    pub async fn more(&self) {
        self.more.notified().await;
    }
}

/// A record of the stage, as it is taken up.
pub(super) enum Taken {
    /// All of it.
    Whole(Record),
    /// What its row alone says, and what becomes of it for want of the rest.
    Part(Option<Record>, End),
    /// The same of one whose rest may still come.
    Early(Option<Record>, End),
    /// The rows are there and make no record.
    Odd(Problem),
    /// The stage has no row of it.
    Absent,
}

impl Job {
    /// Tells of the records of a kind that could not be read in full, and gives their number.
    pub(super) async fn tell_unread(&self, kind: Kind) -> Result<usize> {
        let all = self.staging.unread(kind.code()).await?;
        for (id, problem) in &all {
            let (id, problem) = (id.clone(), problem.clone());
            (self.tell)(Event::Record { kind, id, outcome: "waiting", problem });
        }
        Ok(all.len())
    }

    /// A record with all that belongs to it.
    pub(super) async fn take(&self, kind: Kind, id: &str) -> Result<Taken> {
        let (source, of) = (self.source.clone(), id.to_owned());
        let make = move |row, children, places: &[String], wholeness| {
            let is_early = wholeness == Wholeness::Partly;
            let lacking = lacking(kind, wholeness).map(|end| (end, is_early));
            let children = if lacking.is_none() { children } else { ChildRows::new() };
            (assembled(source.as_ref(), kind, &of, (&row, &children), places), lacking)
        };
        Ok(match self.staging.made(kind.code(), id, make).await? {
            None => Taken::Absent,
            Some((Err(problem), None)) => Taken::Odd(problem),
            Some((Err(problem), _)) if problem.reason == Reason::RepeatedId => Taken::Odd(problem),
            Some((Ok(made), None)) => Taken::Whole(self.with_own_ids(made, id)),
            Some((made, Some((end, true)))) => Taken::Early(made.ok().map(|(record, _)| record), end),
            Some((made, Some((end, false)))) => Taken::Part(made.ok().map(|(record, _)| record), end),
        })
    }
}

/// What becomes of a record for want of what was not read of it; none where nothing is wanting.
fn lacking(kind: Kind, wholeness: Wholeness) -> Option<End> {
    let hint = "this run wrote nothing of it; the next run reads it again";
    match wholeness {
        Wholeness::Whole => None,
        _ if naive::is(Naive::Wholeness) => None,
        Wholeness::LeftOut(problem) => Some(End::Skipped { problem, stands_for: None }),
        Wholeness::Gone => {
            let problem = Problem::new(Reason::Deleted, format!("the {kind} was deleted since it was listed"));
            Some(End::Skipped { problem, stands_for: None })
        }
        // People whose names are lacking are waited for: whatever names them would be migrated without them.
        Wholeness::Unread(problem) | Wholeness::UnreadAgain(problem) | Wholeness::UnreadAlike(problem)
            if problem.reason == Reason::ListRefused =>
        {
            Some(match kind {
                Kind::Ticket | Kind::Article => End::Failed { problem },
                _ => End::Waiting { problem },
            })
        }
        // What the source says again it will say for ever.
        Wholeness::UnreadAlike(problem) if problem.reason == Reason::NotListed => Some(End::Failed { problem }),
        // Tickets do not wait for ever for somebody whom the source does not show: as of a file, two runs are enough.
        Wholeness::UnreadAgain(problem) | Wholeness::UnreadAlike(problem)
            if matches!(kind, Kind::Contact | Kind::Company) =>
        {
            let hint = "what names it is migrated without it; `deskferry retry` reads it again";
            Some(End::Failed {
                problem: Problem { hint: None, ..problem }.hint(hint).at("not read in full, in two runs"),
            })
        }
        Wholeness::Unread(problem) | Wholeness::UnreadAgain(problem) | Wholeness::UnreadAlike(problem) => {
            let keeps_hint = problem.hint.is_some() && problem.reason != Reason::NotListed;
            let problem = if keeps_hint { problem } else { problem.hint(hint) };
            Some(End::Waiting { problem: problem.at("not read in full") })
        }
        Wholeness::Partly => {
            let what = "not all of it was read before the run ended";
            Some(End::Waiting { problem: Problem::new(Reason::Interrupted, what).hint(hint) })
        }
    }
}

impl Run<'_> {
    /// The next records that may be migrated, and how far that is; none at the end. While the kind is read, or where that broke
    /// off, these are the ones of which all is there, or of which is known that it is not to be had.
    pub(super) async fn ready(
        &self,
        kind: Kind,
        states: &[State],
        after: Option<i64>,
        read: Read,
        had: &mut HashSet<String>,
    ) -> Result<Option<(Vec<RecordRow>, i64)>, Stop> {
        let rows = self.job.link.next(kind, states, after, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.seq) else { return Ok(None) };
        let mut ready = Vec::new();
        for row in rows {
            if self.early().remove(&row.id) {
                had.remove(&row.id);
            }
            if had.contains(&row.id) || !self.job.choice.wants_id(kind, &row.id) {
                continue;
            }
            if kind == Kind::Ticket && !self.job.is_sampled(&row.id).await? {
                continue;
            }
            if read != Read::Whole && !self.is_closed(kind, &row.id, read).await? {
                continue;
            }
            if kind == Kind::Contact && !read.is_over() && self.waits_for_others(&row.id).await? {
                continue;
            }
            if kind == Kind::Contact && self.comes_behind(&row.id, read).await? {
                continue;
            }
            had.insert(row.id.clone());
            ready.push(row);
        }
        Ok(Some((ready, last)))
    }

    /// Whether somebody has more than one address: whose the further ones are is known when all people are listed.
    async fn waits_for_others(&self, id: &str) -> Result<bool> {
        if self.job.target.profile().verbatim {
            return Ok(false);
        }
        if self.late().contains(id) {
            return Ok(true);
        }
        let Some(row) = self.job.staging.item(Kind::Contact.code(), id).await? else { return Ok(false) };
        let several = match self.job.source.assemble(Kind::Contact, &row, &ChildRows::new()).map(|record| record.body) {
            Ok(Body::Contact(person)) => person.emails.len() > 1,
            _ => false,
        };
        if several {
            self.late().insert(id.to_owned());
        }
        Ok(several)
    }

    /// Whether somebody is still to be written who is known by the same address and comes first in the source. Once all are read they are
    /// waited for a few times, and no longer: they may be in doubt for hours.
    async fn comes_behind(&self, id: &str, read: Read) -> Result<bool> {
        let Some(first) = self.job.source.ahead_of(Kind::Contact, id) else { return Ok(false) };
        let row = self.job.link.record(Kind::Contact, &first).await?;
        let is_open = row.is_some_and(|row| matches!(row.state, State::Staged | State::Planned | State::Writing));
        if !is_open || self.job.target.profile().verbatim {
            return Ok(false);
        }
        if read.is_over() {
            let mut behind = self.behind();
            let waits = behind.entry(id.to_owned()).or_default();
            *waits += 1;
            if *waits > WAITS {
                return Ok(false);
            }
            self.later().insert(id.to_owned());
        }
        Ok(true)
    }

    /// Whether this run will read no more of it.
    async fn is_closed(&self, kind: Kind, id: &str, read: Read) -> Result<bool> {
        if read.is_over() && naive::is(Naive::Wholeness) {
            return Ok(true);
        }
        if let Read::Going { after } = read
            && !self.job.staging.is_of_this_listing(kind.code(), id, after).await?
        {
            return Ok(false);
        }
        let wholeness = self.job.staging.wholeness(kind.code(), id).await?;
        Ok(wholeness.is_some_and(|wholeness| wholeness != Wholeness::Partly))
    }
}
