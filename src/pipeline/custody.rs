//! The ledger is not believed alone: what carries our markers in the target is asked of the target itself, before anything is made
//! there, while a run works and at its end.
//!
//! A record of ours that the ledger has no part in means that the ledger is older than the target, or that another copy of it is at
//! work: the run stops before it writes everything a second time. It never writes to the target, and never changes what the
//! ledger knows of a record; `ids --rebuild` does.

use super::failure::may_be_an_accounts;
use super::marks::Marks;
use super::twins::Twins;
use super::{Event, Halt, Job, Listener, Stop};
use crate::clock::BEGINNING;
use crate::connector::Target;
use crate::error::{Problem, Reason, Result};
use crate::ledger::{Entry, Link, Remote, Standing, Stray};
use crate::record::Kind;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks of a run at least so many records are made, and at least so much time passes: of "every hundred records"
/// and "every minute" this is what costs less.
const RECORDS: u64 = 100;
const TIME: Duration = Duration::from_secs(60);
/// What may lie between the target's clock and an entry that was noted by this machine's alone.
const UNSURE: SignedDuration = SignedDuration::from_hours(24);
/// Pages of the listing that are walked before records are looked for one by one: where nothing is known, and since a time.
const PAGES_OF_ALL: u32 = 5;
const PAGES_SINCE: u32 = 50;
/// Records that are looked for one by one: the first, and as many drawn among the others.
const LOOKED_FOR: u32 = 100;
/// Records this run made that are there a second time: one may be somebody's copy, more are another process's work.
pub(super) const TOO_MANY: usize = 2;
/// Times a look is made that fails, and the pause between two.
const LOOKS: u32 = 3;
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Records named in a message.
const NAMED: usize = 5;

/// Looks of one run.
pub struct Custody {
    target: Arc<dyn Target>,
    link: Link,
    halt: Halt,
    tell: Listener,
    /// What is added to records that were there before.
    pub(super) twins: Twins,
    /// Records this run has made, or added something to.
    made: AtomicU64,
    begun: Mutex<BTreeSet<Kind>>,
    looks: tokio::sync::Mutex<BTreeMap<Kind, Look>>,
}

/// The last look at a kind.
struct Look {
    at: Instant,
    /// Where the next one begins.
    since: Timestamp,
    /// Records the run had made by then.
    made: u64,
    /// Whether all before it was looked at too.
    is_whole: bool,
    /// The last step that was begun before the run made anything.
    before: i64,
    /// What stood there and may have been made by a step whose answer was not known.
    doubtful: Vec<(String, Remote)>,
    /// Source ids of records this run made that are there more than once.
    twice: BTreeSet<String>,
}

/// What a walk over markers found.
#[derive(Default)]
struct Seen {
    unknown: Vec<(String, Remote)>,
    doubtful: Vec<(String, Remote)>,
    /// New ones, with the step that made the record they double.
    one_more: Vec<(Stray, i64)>,
    whole: bool,
}

impl Custody {
    pub fn of(job: &Job) -> Custody {
        Custody {
            target: job.target.clone(),
            link: job.link.clone(),
            halt: job.halt.clone(),
            tell: job.tell.clone(),
            twins: Twins::of(job),
            made: AtomicU64::new(0),
            begun: Mutex::default(),
            looks: tokio::sync::Mutex::default(),
        }
    }

    /// Called before each record is made or added to. The first one of a kind waits for a look.
    ///
    /// Errors: [`Stop::NotAlone`] when records of this migration are there that the ledger has no part in.
    pub async fn before(&self, kind: Kind) -> Result<(), Stop> {
        if !self.target.marks(kind) || self.has_begun(kind) {
            return Ok(());
        }
        let mut looks = self.looks.lock().await;
        // Who waited for a look that refused must not look again.
        self.halt.check()?;
        if !self.has_begun(kind) {
            looks.insert(kind, self.first_in_time(kind).await?);
            self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(kind);
        }
        Ok(())
    }

    /// Called after each record that was made. Looks again when it is time.
    ///
    /// Errors: as [`Custody::before`], and when records of this run are there twice.
    pub async fn after(&self, kind: Kind) -> Result<(), Stop> {
        match self.target.marks(kind) {
            true => self.look_in_time(kind, 1).await,
            false => Ok(()),
        }
    }

    /// Called when the work on a record is booked. Looks again when it is time, and at once where what was added is there twice.
    ///
    /// Errors: as [`Custody::after`].
    pub async fn closed(&self, kind: Kind) -> Result<(), Stop> {
        let added = self.twins.fresh();
        if self.twins.are_too_many() {
            let _looks = self.looks.lock().await;
            self.halt.check()?;
            return Err(self.twins.stop().await);
        }
        match added > 0 && self.target.marks(kind) {
            true => self.look_in_time(kind, added).await,
            false => Ok(()),
        }
    }

    async fn look_in_time(&self, kind: Kind, more: u64) -> Result<(), Stop> {
        let made = self.made.fetch_add(more, Ordering::Relaxed) + more;
        let Ok(mut looks) = self.looks.try_lock() else { return Ok(()) };
        match looks.get_mut(&kind) {
            Some(look) if is_time(made - look.made, look.at) => match self.again(kind, look).await {
                // The record that was made is made: what could not be seen now is looked at with the next ones.
                Err(Stop::Failed(problem)) if may_be_an_accounts(problem.reason) => {
                    look.at = Instant::now();
                    Ok(())
                }
                ended => ended,
            },
            _ => Ok(()),
        }
    }

    /// Called when a run has come to its end. One that made nothing has nothing to look for, unless an earlier one was not alone.
    ///
    /// Errors: as [`Custody::after`].
    pub async fn at_end(&self) -> Result<(), Stop> {
        if !self.has_begun(Kind::Ticket) && self.twins.were_noted().await? {
            self.before(Kind::Ticket).await?;
        }
        if self.made.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        for (&kind, look) in self.looks.lock().await.iter_mut() {
            let mut tries = 1..LOOKS;
            while let Err(stop) = self.again(kind, look).await {
                self.wait_for_another(kind, stop, tries.next()).await?;
            }
        }
        Ok(())
    }

    fn has_begun(&self, kind: Kind) -> bool {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).contains(&kind)
    }

    /// The first look of a kind, which everything waits for.
    async fn first_in_time(&self, kind: Kind) -> Result<Look, Stop> {
        let mut tries = 1..LOOKS;
        loop {
            match self.first(kind).await {
                Err(stop) => self.wait_for_another(kind, stop, tries.next()).await?,
                looked => return looked,
            }
        }
    }

    /// A look that failed is no record's failure. What may be the account's is looked at again after a pause; when that was the last try
    /// the run stops, and can go on.
    async fn wait_for_another(&self, kind: Kind, stop: Stop, next: Option<u32>) -> Result<(), Stop> {
        match stop {
            Stop::Failed(problem) if may_be_an_accounts(problem.reason) => match next {
                Some(_) => self.halt.sleep(LOOK_AGAIN).await,
                None => Err(Stop::Account(not_looked(kind, problem))),
            },
            other => Err(other),
        }
    }

    async fn first(&self, kind: Kind) -> Result<Look, Stop> {
        if kind == Kind::Ticket {
            self.twins.were_noted().await?;
        }
        let (at, now) = (Instant::now(), self.seen_until(kind));
        let since = match self.link.looked_until(kind).await? {
            Some(until) => Some(until),
            None if self.link.has_made(kind).await? => self.link.last_entry(kind).await?.map(|entry| match entry {
                Entry { by_target: Some(at), .. } => at,
                Entry { by_us, .. } => back(by_us, UNSURE),
            }),
            None => None,
        };
        let pages = if since.is_some() { PAGES_SINCE } else { PAGES_OF_ALL };
        let mut seen = self.walk(kind, since, pages).await?;
        if !seen.whole && seen.unknown.is_empty() {
            match self.look_for(kind).await? {
                Some(found) => self.sort(kind, found, &mut seen).await?,
                None => seen = self.walk(kind, since, u32::MAX).await?,
            }
        }
        let before = self.link.last_step().await?;
        let (since, is_whole, twice) = (now.unwrap_or(BEGINNING), seen.whole, BTreeSet::new());
        let look = Look { at, since, made: 0, is_whole, before, doubtful: vec![], twice };
        if kind == Kind::Ticket && seen.unknown.is_empty() {
            self.twins.look_at_changed().await?;
        }
        self.judge(kind, look, seen, now).await
    }

    async fn again(&self, kind: Kind, look: &mut Look) -> Result<(), Stop> {
        let (at, now) = (Instant::now(), self.seen_until(kind));
        let mut seen = self.walk(kind, Some(look.since), u32::MAX).await?;
        let doubtful = std::mem::take(&mut look.doubtful);
        self.sort(kind, doubtful, &mut seen).await?;
        let twice = std::mem::take(&mut look.twice);
        let (made, since) = (self.made.load(Ordering::Relaxed), now.unwrap_or(look.since));
        let is_whole = look.is_whole && seen.whole;
        let next = Look { at, since, made, is_whole, before: look.before, doubtful: vec![], twice };
        *look = self.judge(kind, next, seen, now).await?;
        if kind == Kind::Ticket { self.twins.look().await } else { Ok(()) }
    }

    /// What a look means for the run.
    async fn judge(&self, kind: Kind, mut look: Look, seen: Seen, now: Option<Timestamp>) -> Result<Look, Stop> {
        for (stray, step) in &seen.one_more {
            let what = format!(
                "{kind} {} is in the target once more, as {}: made by people there, or by another process",
                stray.id,
                stray.remote.number.as_ref().unwrap_or(&stray.remote.id)
            );
            (self.tell)(Event::Note { what });
            if *step > look.before {
                look.twice.insert(stray.id.clone());
            }
        }
        if !seen.unknown.is_empty() {
            return Err(Stop::NotAlone(not_ours(kind, &seen.unknown)));
        }
        if look.twice.len() >= TOO_MANY {
            return Err(Stop::NotAlone(made_twice(kind, &look.twice)));
        }
        look.doubtful = seen.doubtful;
        if let Some(now) = now.filter(|_| look.is_whole) {
            self.link.set_looked_until(kind, now).await?;
        }
        Ok(look)
    }

    /// Up to when a look that begins now sees everything, in the target's time.
    fn seen_until(&self, kind: Kind) -> Option<Timestamp> {
        seen_until(self.target.as_ref(), kind)
    }

    /// Walks over what came or changed in the target since a time, at most so many pages of it.
    async fn walk(&self, kind: Kind, since: Option<Timestamp>, pages: u32) -> Result<Seen, Stop> {
        let marks = Marks::of(&self.link, kind);
        let prefix = marks.prefix();
        let mut seen = Seen::default();
        let mut cursor: Option<String> = None;
        for _ in 0..pages {
            self.halt.check()?;
            let page = self.target.scan(kind, &prefix, since, cursor.as_deref()).await;
            let looking = |problem: Problem| problem.at(format!("looking for {kind}s of this migration in the target"));
            let Some(page) = page.map_err(looking)? else { break };
            let mut there = Vec::with_capacity(page.rows.len());
            for mark in page.rows {
                let Some(id) = marks.read(&mark.marker).map(|(_, id)| id.to_owned()) else { continue };
                if kind == Kind::Ticket {
                    self.twins.saw(&id, &mark);
                }
                there.push((id, mark.remote));
            }
            self.sort(kind, there, &mut seen).await?;
            cursor = page.next;
            // One is enough to know.
            if cursor.is_none() || !seen.unknown.is_empty() {
                seen.whole = cursor.is_none();
                break;
            }
        }
        Ok(seen)
    }

    async fn sort(&self, kind: Kind, there: Vec<(String, Remote)>, seen: &mut Seen) -> Result<(), Stop> {
        let Some(create) = self.target.creates(kind) else { return Ok(()) };
        let keys = there.iter().map(|(id, remote)| (id.clone(), remote.id.clone())).collect();
        let standing = self.link.standing(kind, create, keys).await?;
        for ((id, remote), standing) in there.into_iter().zip(standing) {
            match standing {
                Standing::Known => {}
                Standing::Doubtful => seen.doubtful.push((id, remote)),
                Standing::Unknown => seen.unknown.push((id, remote)),
                Standing::OneMore { step } => {
                    let stray = Stray { kind, id, remote };
                    if self.link.note_stray(stray.clone()).await? {
                        seen.one_more.push((stray, step));
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks for records that are to be made, one by one. A target that was at work for years is not walked through.
    async fn look_for(&self, kind: Kind) -> Result<Option<Vec<(String, Remote)>>, Stop> {
        let marks = Marks::of(&self.link, kind);
        let ids = self.link.undone(kind, LOOKED_FOR, LOOKED_FOR).await?;
        let markers: Vec<String> = ids.iter().flat_map(|id| marks.each(id)).collect();
        let found = self.target.have_marker(kind, &markers).await?;
        let named = |(marker, remote): (String, Remote)| Some((marks.read(&marker)?.1.to_owned(), remote));
        Ok(found.map(|found| found.into_iter().filter_map(named).collect()))
    }
}

/// Whether to look again after so many records, and since that time. Debug builds take the two numbers of `DESKFERRY_LOOKS`, as
/// `RECORDS/SECONDS`.
fn is_time(made: u64, at: Instant) -> bool {
    static SET: OnceLock<Option<(u64, u64)>> = OnceLock::new();
    let set = || {
        let text = std::env::var("DESKFERRY_LOOKS").ok()?;
        let (records, seconds) = text.split_once('/')?;
        Some((records.parse().ok()?, seconds.parse().ok()?))
    };
    let set = if cfg!(debug_assertions) { *SET.get_or_init(set) } else { None };
    let (records, time) = set.map_or((RECORDS, TIME), |(records, seconds)| (records, Duration::from_secs(seconds)));
    made >= records && at.elapsed() >= time
}

/// Up to when a walk over a target's listing that begins now sees everything, in the target's time; none where the target has shown
/// no time yet.
pub(super) fn seen_until(target: &dyn Target, kind: Kind) -> Option<Timestamp> {
    let late = SignedDuration::try_from(target.lists_late(kind)).unwrap_or(SignedDuration::MAX);
    target.clock().stamps_from(tokio::time::Instant::now()).map(|now| back(now, late))
}

fn back(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_sub(by).unwrap_or(BEGINNING)
}

fn not_looked(kind: Kind, problem: Problem) -> Problem {
    let hint = "nothing is lost: run the same command again, and it goes on where it stopped. If the answer stays the same, see whether the \
                account of `[target]` may list all of its records";
    let hint = problem.hint.clone().unwrap_or_else(|| hint.to_owned());
    problem.at(format!("looking for {kind}s of this migration in the target")).hint(hint)
}

fn not_ours(kind: Kind, there: &[(String, Remote)]) -> Problem {
    let some: Vec<String> = there
        .iter()
        .take(NAMED)
        .map(|(id, remote)| format!("{id} as {}", remote.number.as_ref().unwrap_or(&remote.id)))
        .collect();
    let more = if there.len() > NAMED { ", …" } else { "" };
    let what = format!(
        "the target holds {kind}s of this migration that the ledger does not know ({}{more}): the ledger is older than the target, \
         or another copy of this project is at work",
        some.join(", ")
    );
    Problem::new(Reason::Refused, what).hint(
        "stop the other copy, if there is one; `deskferry ids --rebuild` enters in the ledger what is there, and `deskferry run` \
         goes on without writing it again",
    )
}

fn made_twice(kind: Kind, ids: &BTreeSet<String>) -> Problem {
    let some: Vec<&str> = ids.iter().take(NAMED).map(String::as_str).collect();
    let more = if ids.len() > NAMED { ", …" } else { "" };
    let what = format!(
        "{kind}s that this run made are in the target twice ({}{more}): another copy of this project is at work",
        some.join(", ")
    );
    Problem::new(Reason::Refused, what).hint(
        "stop the other copy; `deskferry report --format csv` lists each of them with the outcome `twice`: delete one of the two in the \
         target, run `deskferry ids --rebuild`, then `deskferry run`",
    )
}
