//! stage → map → plan → write → verify, kind by kind.

use super::custody::Custody;
use super::failure::{Failed, Streak};
use super::library::Library;
use super::links::Alone;
use super::make_groups::Members;
use super::people::People;
use super::roster::Roster;
use super::taken::{Read, Reading, Taken};
use super::translate::{Blobs, Held, Late, Lists, Matched, SourceFields, Translated, Translator, late};
use super::turn::{Turn, Turns};
use super::write::{Broken, Writer};
use super::written::{Past, done};
use super::{Ending, Event, Halt, Job, ORDER, Stop, again, approval, check, closure, stage, vanished};
use crate::connector::{ChildRows, Unread};
use crate::error::{Problem, Reason};
use crate::ledger::{End, Lost, Origin, RecordRow, State, Watermark};
use crate::mapping::Missing;
use crate::record::{Body, Format, Kind, Record};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Records taken from the ledger at a time.
pub(super) const BATCH: usize = 64;

/// Between two words of progress.
const BETWEEN_WORDS: Duration = Duration::from_millis(500);

/// Records of a knowledge base written side by side.
const ARTICLES: usize = 4;

/// Before records that were put off are taken up again.
pub(super) const LATER: Duration = Duration::from_secs(5);

/// Carries all kinds in order.
pub async fn all(job: &Job) -> Result<Ending, Stop> {
    if let Some(problem) = approval::missing(job) {
        return Ok(Ending::Refused(problem));
    }
    if job.link.undo_in_doubt().await? {
        let what = "`deskferry undo` was stopped while it deleted a record, and it is not known whether that is gone";
        let hint = "run the same `deskferry undo` again first: it looks, and goes on";
        return Ok(Ending::Refused(Problem::new(Reason::Refused, what).hint(hint)));
    }
    if let Some(problem) = check(job).await.problem() {
        return Ok(Ending::of_check(problem.clone()));
    }
    job.staging.forget_unread().await?;
    carry(job, None).await
}

/// What follows the checks. `roster` is that of the target, where it was read before.
pub async fn carry(job: &Job, roster: Option<Roster>) -> Result<Ending, Stop> {
    again::take_up(job).await?;
    closure::note(job).await?;
    let mut run = Run::begin(job, roster).await?;
    run.know_fields().await?;
    let mut unlisted: Option<(Kind, Problem)> = None;
    for &kind in ORDER.iter().filter(|&&kind| job.in_scope(kind) && job.choice.wants(kind)) {
        if unlisted.as_ref().is_some_and(|(missing, _)| hangs_on(kind, *missing)) {
            continue;
        }
        if let Some(problem) = stage::needless(job, kind, run.kind(kind).await)? {
            unlisted.get_or_insert((kind, problem));
        }
        if kind == Kind::Field {
            run.learn_fields().await?;
        }
    }
    job.know_what_is_asked_for().await?;
    run.parked_again().await?;
    run.writer.custody.at_end().await?;
    let ending = match run.ending().await? {
        Ending::Complete if !job.ledger.is_scratch() && job.report_scope().await? => Ending::Partial,
        ending => ending,
    };
    Ok(unlisted.map_or(ending, |(_, problem)| Ending::Unlisted(problem)))
}

/// Whether records of a kind must not be written before all of the other are listed: relations are of tickets, and who may read an
/// article follows from the sections around it.
fn hangs_on(kind: Kind, other: Kind) -> bool {
    (kind == Kind::Link && other == Kind::Ticket) || (kind.is_library() && other.is_library())
}

/// Whether a record is taken up once more later in the same run.
enum PutOff {
    Later,
    Never(Result<End, Broken>),
    /// These, it among them, stop the run.
    Alike(Vec<Failed>),
}

/// One run, with what all its records share.
pub(super) struct Run<'a> {
    pub(super) job: &'a Job,
    pub(super) translator: Arc<Translator>,
    pub(super) writer: Writer,
    fields: OnceCell<Arc<SourceFields>>,
    pub(super) members: OnceCell<Members>,
    pub(super) library: OnceCell<Library>,
    pub(super) alone: Mutex<Alone>,
    /// Requesters the target has nobody for are made one at a time.
    pub(super) placing: tokio::sync::Mutex<()>,
    pub(super) streak: Streak,
    /// Whether a record was left for the next run.
    waits: AtomicBool,
    /// Records taken up while their list was read anew, before their row came again.
    early: Mutex<HashSet<String>>,
    /// People of several addresses, who are taken up when all are listed.
    late: Mutex<HashSet<String>>,
    /// People who waited for another of their address.
    behind: Mutex<HashMap<String, u32>>,
    /// Records of the kind at hand that are taken up once more when all others are through.
    later: Mutex<HashSet<String>>,
    /// When progress was told.
    told: Mutex<Option<Instant>>,
}

impl<'a> Run<'a> {
    async fn begin(job: &'a Job, roster: Option<Roster>) -> Result<Run<'a>, Stop> {
        job.target.prepare().await?;
        vanished::take_up(job).await?;
        let roster = match roster {
            Some(roster) => roster,
            None => Roster::read(job.target.as_ref()).await?,
        };
        if let Missing::Default(address) = &job.mapping.people.missing {
            roster.seek(job.target.as_ref(), address).await?;
        }
        let roster = Arc::new(roster);
        let people = Arc::new(People::new(job.source.clone(), job.staging.clone(), job.link.clone(), roster.clone()));
        let profile = job.target.profile();
        let format = job
            .target
            .answer("text_format")
            .and_then(Value::as_str)
            .and_then(Format::from_code)
            .or(profile.format)
            .unwrap_or(Format::Text);
        let translator = Translator {
            mapping: job.mapping.clone(),
            target: job.target.clone(),
            demands: roster.demands(),
            roster,
            people,
            blobs: Blobs::new(job.source.clone(), job.staging.clone(), name_of_run(job)),
            kept_dir: (!job.ledger.is_scratch()).then(|| job.state_dir.join("kept")),
            making: job.makes_groups().then(Default::default),
            format,
        };
        let settle = job.project.run.settle.or(profile.settle_seconds.map(Duration::from_secs));
        let writer = Writer {
            target: job.target.clone(),
            link: job.link.clone(),
            settle: settle.unwrap_or(crate::project::Run::SETTLE),
            halt: job.halt.clone(),
            held: tokio::time::Instant::now(),
            rehearsal: job.ledger.is_scratch(),
            custody: Arc::new(Custody::of(job)),
            taking: Arc::default(),
            denials: Arc::default(),
        };
        Ok(Run {
            job,
            translator: Arc::new(translator),
            writer,
            fields: OnceCell::new(),
            members: OnceCell::new(),
            library: OnceCell::new(),
            alone: Mutex::default(),
            placing: tokio::sync::Mutex::default(),
            streak: Streak::default(),
            waits: AtomicBool::new(false),
            early: Mutex::default(),
            late: Mutex::default(),
            behind: Mutex::default(),
            later: Mutex::default(),
            told: Mutex::default(),
        })
    }

    pub(super) fn halt(&self) -> &Halt {
        &self.job.halt
    }

    /// Notes that a record is left for the next run.
    pub(super) fn waits(&self) {
        self.waits.store(true, Ordering::Relaxed);
    }

    pub(super) fn early(&self) -> MutexGuard<'_, HashSet<String>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn late(&self) -> MutexGuard<'_, HashSet<String>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn behind(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn later(&self) -> MutexGuard<'_, HashSet<String>> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stages and writes one kind, side by side.
    async fn kind(&mut self, kind: Kind) -> Result<(), Stop> {
        if kind == Kind::Group {
            self.begin_groups().await?;
        }
        if kind == Kind::Link {
            return self.links().await;
        }
        if kind.is_library() {
            return self.library_kind(kind).await;
        }
        if !self.job.source.reads(kind) {
            return Ok(());
        }
        if kind == Kind::Field {
            // Which field is meant by a title is known when all are.
            stage::kind(self.job, kind).await?;
            self.know_fields().await?;
            return self.write_kind(kind, &Reading::over()).await;
        }
        let reading = Reading::begun(self.job, kind).await?;
        let read = async {
            let result = stage::kind(self.job, kind).await;
            if matches!(result, Err(Stop::Account(_) | Stop::Failed(_))) {
                self.halt().interrupt();
            }
            reading.end(if result.is_ok() { Read::Whole } else { Read::Broken });
            result
        };
        // A ticket's children are staged after its row: writing begins when the rows are listed, and takes what is whole.
        let (read, written) = tokio::join!(read, self.write_kind(kind, &reading));
        self.translator.people.forget();
        match (read, written) {
            // Reading ends because writing did; and what stops a run says more than a list that could not be read.
            (Err(Stop::Interrupted | Stop::Listing(_)), Err(stop)) => Err(stop),
            (read, written) => read.and(written),
        }
    }

    pub(super) async fn write_kind(&self, kind: Kind, reading: &Reading) -> Result<(), Stop> {
        let mut had = HashSet::new();
        loop {
            let read = reading.now();
            let states = [State::Staged, State::Planned, State::Writing, State::InDoubt];
            let wrote = self.pass(kind, &states, read, &mut had).await?;
            if read.is_over() && wrote == 0 && !self.comes_to_what_was_put_off(&mut had).await? {
                return Ok(());
            }
            if wrote == 0 && !read.is_over() {
                tokio::select! {
                    () = reading.more() => {}
                    slept = self.halt().sleep(Duration::from_millis(200)) => slept?,
                }
            }
        }
    }

    /// Whether records were put off until all others of their kind are through: then they are as if this run had not had them. What they
    /// wait for is given a moment.
    async fn comes_to_what_was_put_off(&self, had: &mut HashSet<String>) -> Result<bool, Stop> {
        let later = std::mem::take(&mut *self.later());
        if later.is_empty() {
            return Ok(false);
        }
        self.halt().sleep(LATER).await?;
        had.retain(|id| !later.contains(id));
        Ok(true)
    }

    /// One walk over the records of a kind in these states that this run has not had. Gives their number. Until the kind
    /// is `read` to its end, those that are not whole yet are passed over. As many go side by side as the target bears:
    /// each holds its own mapped record.
    pub(super) async fn pass(
        &self,
        kind: Kind,
        states: &[State],
        read: Read,
        had: &mut HashSet<String>,
    ) -> Result<u64, Stop> {
        // What a target bears of tickets says nothing of articles, whose neighbours are listed when one is in doubt.
        let most = if kind.is_library() { ARTICLES } else { usize::MAX };
        let writers = self.job.target.profile().writers.clamp(1, most);
        let stopped = OnceLock::new();
        let ready = stream::try_unfold((None, had), |(after, had)| async move {
            match self.ready(kind, states, after, read, had).await? {
                Some((rows, after)) => Ok::<_, Stop>(Some((rows, (Some(after), had)))),
                None => Ok(None),
            }
        });
        let rows = ready.map_ok(|rows| stream::iter(rows).map(Ok)).try_flatten();
        let rows = rows.take_while(|_| std::future::ready(stopped.get().is_none()));
        let (wrote, stopped) = (&AtomicU64::new(0), &stopped);
        let mut turns = Turns::new(self.writer.rehearsal);
        let carried = rows.map(|row| (row, turns.give())).map(|(row, turn)| async move {
            let ended = match row {
                Ok(row) => self.one(row, read, turn).await,
                Err(stop) => Err(stop),
            };
            // Told from here: whoever waits for these futures must do nothing else, since they wait for one another.
            let ended = match ended {
                Ok(())
                    if (wrote.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(BATCH as u64)
                        && self.told_long_ago() =>
                {
                    self.tell_progress(kind).await
                }
                ended => ended,
            };
            if let Err(stop) = ended {
                // What others have under way is booked before the run ends; they begin nothing new.
                let _ = stopped.set(stop);
                self.halt().interrupt();
            }
        });
        carried.buffer_unordered(writers).collect::<()>().await;
        match stopped.get() {
            Some(stop) => Err(stop.clone()),
            None => {
                self.tell_progress(kind).await?;
                Ok(wrote.load(Ordering::Relaxed))
            }
        }
    }

    /// Carries one record and books how it ended. One that is not whole is taken up again while its kind is not `read` to the end.
    async fn one(&self, row: RecordRow, read: Read, mut turn: Turn) -> Result<(), Stop> {
        self.halt().check()?;
        let (kind, id) = (row.kind, row.id.clone());
        let carried = match self.job.take(kind, &id).await {
            Ok(Taken::Absent | Taken::Early(..)) if !read.is_over() => {
                self.early().insert(id);
                turn.come().await;
                turn.end().await;
                return Ok(());
            }
            Ok(taken) => self.carried(&row, taken, &mut turn).await,
            Err(problem) => Err(problem.into()),
        };
        let closed = match self.put_off(kind, &id, carried) {
            PutOff::Later => Ok(()),
            PutOff::Never(carried) => {
                let end = self.ended(kind, &id, carried).await.map_err(|stop| named(stop, kind, &id))?;
                turn.come().await;
                self.close(kind, &id, end).await
            }
            PutOff::Alike(row) => self.stop_alike(row).await,
        };
        turn.end().await;
        closed?;
        self.writer.custody.closed(kind).await
    }

    /// Leaves a record to be taken up once more when all others of its kind are through. Many in a row that somebody refused alike
    /// are not looked for one by one: they stop the run.
    fn put_off(&self, kind: Kind, id: &str, carried: Result<End, Broken>) -> PutOff {
        let row = match &carried {
            Err(Broken::Denied(problem)) => self.streak.failed(kind, id, problem),
            Err(Broken::Later(_)) => None,
            _ => return PutOff::Never(carried),
        };
        match row {
            Some(row) => PutOff::Alike(row),
            None => {
                self.later().insert(id.to_owned());
                PutOff::Later
            }
        }
    }

    async fn carried(&self, row: &RecordRow, taken: Taken, turn: &mut Turn) -> Result<End, Broken> {
        let (kind, id) = (row.kind, row.id.as_str());
        if kind.is_library() && !self.job.target.writes(kind) {
            let problem = Problem::new(Reason::Unsupported, format!("the target does not support {kind} records"));
            return Ok(End::Skipped { problem, stands_for: None });
        }
        let record = match taken {
            Taken::Whole(record) => Arc::new(record),
            Taken::Part(record, end) | Taken::Early(record, end) => {
                return self.left_in_part(kind, id, record, end).await;
            }
            Taken::Odd(problem) => return Ok(End::Failed { problem }),
            // An agent who was begun as a contact, for the tickets they asked.
            Taken::Absent if kind == Kind::Contact && row.has_steps => {
                match self.translator.people.as_contact(id).await? {
                    Some(record) => return self.as_customer(Arc::new(record), row, turn).await,
                    None => return self.unlisted(row).await,
                }
            }
            Taken::Absent => return self.unlisted(row).await,
        };
        let verbatim = self.job.target.profile().verbatim;
        if kind == Kind::Contact && !verbatim && self.job.staging.holds(Kind::Agent.code(), id).await? {
            if row.has_steps {
                return self.as_customer(record, row, turn).await;
            }
            let problem = Problem::new(Reason::Duplicate, "is also an agent, and is migrated as an agent");
            return Ok(End::Skipped { problem, stands_for: Some((Kind::Agent, id.to_owned())) });
        }
        if let Some(end) = self.unpublished(&record) {
            return Ok(end);
        }
        if let Some(problem) = self.job.unnamed(kind, id).await? {
            return Ok(End::Skipped { problem, stands_for: None });
        }
        if let Body::Ticket(ticket) = &record.body {
            if ticket.links.is_empty() {
                self.alone.lock().unwrap_or_else(PoisonError::into_inner).put(row.seq);
            }
            match self.job.left_out(&record, ticket).await {
                Ok(None) => {}
                Ok(Some(problem)) => return Ok(End::Skipped { problem, stands_for: None }),
                Err(problem) => return Ok(End::Failed { problem }),
            }
        }
        if let Body::Ticket(ticket) = &record.body
            && let Some(problem) = self.place_requester(&record, ticket, turn).await?
        {
            return Ok(End::Parked { problem });
        }
        match self.translated(&record, row).await {
            Ok(Matched::There(remote, losses)) => {
                if kind == Kind::Contact {
                    self.job.link.lose_anew(kind, id, losses).await?;
                }
                Ok(done(remote, Origin::Matched, None))
            }
            Ok(Matched::Write(translated)) if kind == Kind::Field && !verbatim => {
                self.write_field(&record, &translated, turn).await
            }
            Ok(Matched::Write(translated)) => {
                let end = self.write(&record, translated, Past::of(row), turn).await?;
                if let (End::Done { .. }, Body::Ticket(ticket)) = (&end, &record.body) {
                    late::note_all(&self.job.link, id, ticket, self.lists()).await?;
                }
                Ok(end)
            }
            Err(held) => held.into_end(),
        }
    }

    /// What becomes of a record that the stage has no row of.
    async fn unlisted(&self, row: &RecordRow) -> Result<End, Broken> {
        let what = "the source no longer lists it";
        // Nothing of it was ever written, and all that there is was listed.
        if row.remote.is_none() && !row.has_steps && self.job.is_listed(row.kind).await? {
            let problem = Problem::new(Reason::Deleted, what);
            return Ok(End::Skipped { problem, stands_for: None });
        }
        let problem =
            Problem::new(Reason::NotFound, what).hint("an earlier run read it, but the staged data was deleted");
        Ok(End::Failed { problem })
    }

    /// What becomes of a record of which not all was read: what its row alone says may leave it out.
    async fn left_in_part(&self, kind: Kind, id: &str, record: Option<Record>, end: End) -> Result<End, Broken> {
        let Some(record) = record else { return Ok(end) };
        if let Some(problem) = self.job.unnamed(kind, id).await? {
            return Ok(End::Skipped { problem, stands_for: None });
        }
        if let Some(end) = self.unpublished(&record) {
            return Ok(end);
        }
        // A filter may look at the messages.
        let left_out = match &record.body {
            Body::Ticket(ticket) if self.job.scope_filter.is_none() || self.job.has_no_place(record.state) => {
                self.job.left_out(&record, ticket).await?
            }
            _ => None,
        };
        Ok(left_out.map_or(end, |problem| End::Skipped { problem, stands_for: None }))
    }

    /// Of a knowledge base only what lives is migrated, unless the scope says otherwise.
    fn unpublished(&self, record: &Record) -> Option<End> {
        let gone = record.kind().is_library() && record.state != crate::record::State::Live;
        (gone && !self.job.project.scope.deleted).then(|| {
            let problem = Problem::new(Reason::Deleted, "deleted in the source");
            End::Skipped { problem, stands_for: None }
        })
    }

    /// A record for the target. What is not read of it is lost wherever it goes.
    pub(super) async fn translated(&self, record: &Arc<Record>, row: &RecordRow) -> Result<Matched, Held> {
        let mut matched = self.matched(record, row).await?;
        if let Matched::Write(translated) = &mut matched {
            translated.losses.extend(record.unread.iter().map(|unread| Lost::new("", unread.loss, &unread.detail)));
        }
        Ok(matched)
    }

    async fn matched(&self, record: &Arc<Record>, row: &RecordRow) -> Result<Matched, Held> {
        if self.job.target.profile().verbatim {
            return Ok(Matched::Write(self.translator.verbatim(record).await?));
        }
        match &record.body {
            Body::Group(group) => self.translator.group(&row.id, group, begun(row), self.members_of(&row.id)),
            Body::Agent(person) => self.translator.agent(person).await,
            Body::Contact(person) => self.translator.contact(&row.id, person, begun(row), &self.job.link).await,
            Body::Field(field) => self.translator.field(&row.id, field, self.is_making(row).await?),
            Body::Ticket(ticket) => {
                let late = Late::of(&self.job.link, row, ticket, self.lists()).await?;
                self.translated_ticket(record.clone(), late).await.map(Matched::Write)
            }
            Body::Company(company) => self.translator.company(&row.id, company, begun(row)),
            Body::Category(category) => {
                Ok(Matched::Write(self.translator.category(record, category, self.library().await?)?))
            }
            Body::Section(section) => {
                let library = self.library().await?;
                Ok(Matched::Write(self.translator.section(record, section, library, &self.job.link).await?))
            }
            Body::Article(article) => {
                let library = self.library().await?;
                Ok(Matched::Write(self.translator.article(record, article, library, &self.job.link).await?))
            }
        }
    }

    /// How the source knows the files of tickets. A folder takes each ticket whole.
    fn lists(&self) -> Lists {
        match self.job.source.is_called() || self.job.target.profile().verbatim {
            true => Lists::ById,
            false => Lists::ByPath,
        }
    }

    /// A ticket takes its time: it is translated on whatever core is free.
    async fn translated_ticket(&self, record: Arc<Record>, late: Late) -> Result<Translated, Held> {
        let fields = self.source_fields().await?;
        let (translator, link) = (self.translator.clone(), self.job.link.clone());
        let work = async move {
            match &record.body {
                Body::Ticket(ticket) => translator.ticket(&record, ticket, &late, &link, &fields).await,
                _ => Err(Held::Fail(Problem::new(Reason::Internal, "not a ticket"))),
            }
        };
        let broke = |e| Held::Trouble(Problem::new(Reason::Internal, format!("a translation broke: {e}")));
        tokio::spawn(work).await.map_err(broke)?
    }

    pub(super) async fn source_fields(&self) -> Result<Arc<SourceFields>, Problem> {
        let read = || async { self.job.source_fields().await.map(Arc::new) };
        self.fields.get_or_try_init(read).await.cloned()
    }

    /// Takes up what waited for records that came later. Relations come last, with the tickets they are between.
    async fn parked_again(&self) -> Result<(), Stop> {
        let wanted = |kind: Kind| kind != Kind::Link && self.job.in_scope(kind) && self.job.choice.wants(kind);
        for &kind in ORDER.iter().filter(|&&kind| wanted(kind)) {
            let mut had = HashSet::new();
            self.pass(kind, &[State::Parked], Read::Whole, &mut had).await?;
            while self.comes_to_what_was_put_off(&mut had).await? {
                self.pass(kind, &[State::Parked, State::Writing], Read::Whole, &mut had).await?;
            }
        }
        let waits = || self.job.link.next(Kind::Link, &[State::Parked], None, 1);
        if self.job.in_scope(Kind::Link) && self.job.choice.wants(Kind::Link) && !waits().await?.is_empty() {
            self.links().await?;
        }
        Ok(())
    }

    /// All records are counted for it: that is not done more often than anybody looks.
    fn told_long_ago(&self) -> bool {
        let mut last = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let long_ago = last.is_none_or(|at| at.elapsed() >= BETWEEN_WORDS);
        if long_ago {
            *last = Some(Instant::now());
        }
        long_ago
    }

    async fn tell_progress(&self, kind: Kind) -> Result<(), Stop> {
        let mut counts = std::collections::BTreeMap::new();
        for count in self.job.link.counts().await?.into_iter().filter(|c| c.kind == kind) {
            *counts.entry(count.state).or_insert(0) += count.records;
        }
        if counts.is_empty() {
            return Ok(());
        }
        let of = |state: State| counts.get(&state).copied().unwrap_or(0);
        (self.job.tell)(Event::Progress {
            kind,
            total: counts.values().sum(),
            done: of(State::Done),
            skipped: of(State::Skipped),
            failed: of(State::Failed),
            parked: of(State::Parked),
            in_doubt: of(State::InDoubt),
        });
        Ok(())
    }

    /// Whether everything is carried or left out on purpose. The watermarks of kinds that were listed to the end move on in any case.
    async fn ending(&self) -> Result<Ending, Stop> {
        // What a part of a migration did not ask for is not its failure.
        let everything = self.job.choice.is_everything();
        let is_open = |state: State| match state {
            State::Done | State::Skipped => false,
            State::Staged | State::Planned => everything,
            _ => true,
        };
        let counts = self.job.link.counts().await?;
        let open: u64 = counts.iter().filter(|c| is_open(c.state)).map(|c| c.records).sum();
        for &kind in ORDER.iter().filter(|&&kind| self.job.stages(kind)) {
            let listing = self.job.staging.listing(kind.code()).await?;
            // Without the stage nobody knows which list was refused: all is read again.
            let is_whole = listing.bookmark.is_none_or(|bookmark| !Unread::is_behind(&bookmark));
            if let Some(at) = listing.complete_since.filter(|_| is_whole) {
                let ahead = self.job.source.clock().ahead();
                self.job.link.set_watermark(kind, Watermark { value: at.to_string(), ahead }).await?;
            }
        }
        let waits = self.waits.load(Ordering::Relaxed);
        Ok(if open == 0 && !waits { Ending::Complete } else { Ending::Partial })
    }
}

impl Job {
    /// The source's own field definitions, which give the labels of option values.
    pub async fn source_fields(&self) -> Result<SourceFields, Problem> {
        let mut fields = SourceFields::new();
        for raw in self.staging.rows(Kind::Field.code()).await? {
            let record = self.source.assemble(Kind::Field, &raw, &ChildRows::new());
            if let Ok(Body::Field(field)) = record.map(|record| record.body) {
                fields.insert(field.key.clone(), field);
            }
        }
        Ok(fields)
    }
}

/// What tells this run from others that asked for a file; a preview does not count.
fn name_of_run(job: &Job) -> Option<Arc<str>> {
    (!job.ledger.is_scratch()).then(|| format!("{} {}", crate::clock::wall(), std::process::id()).into())
}

/// Whether an earlier run may have made it.
pub(super) fn begun(row: &RecordRow) -> bool {
    matches!(row.state, State::Writing | State::InDoubt)
}

pub(super) fn named(stop: Stop, kind: Kind, id: &str) -> Stop {
    match stop {
        Stop::Account(problem) => Stop::Account(problem.at(format!("{kind} {id}"))),
        Stop::Failed(problem) => Stop::Failed(problem.at(format!("{kind} {id}"))),
        Stop::Refused(problem) => Stop::Refused(problem.at(format!("{kind} {id}"))),
        other => other,
    }
}
