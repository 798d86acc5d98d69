//! stage → map → plan → write → verify, kind by kind.

use super::library::Library;
use super::links::Alone;
use super::make_groups::Members;
use super::people::People;
use super::roster::Roster;
use super::translate::{Blobs, Held, Matched, SourceFields, Translated, Translator};
use super::turn::{Turn, Turns};
use super::write::{Broken, Writer};
use super::written::{Past, done};
use super::{Ending, Event, Halt, Job, ORDER, Stop, again, approval, check, closure, stage};
use crate::connector::ChildRows;
use crate::error::{Problem, Reason};
use crate::ledger::{End, Origin, RecordRow, State, Watermark};
use crate::record::{Body, Format, Kind, Record};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OnceCell};

/// Records taken from the ledger at a time.
pub(super) const BATCH: usize = 64;

/// Between two words of progress.
const BETWEEN_WORDS: Duration = Duration::from_millis(500);

/// Records of a knowledge base written side by side.
const ARTICLES: usize = 4;

/// Carries all kinds in order.
pub async fn all(job: &Job) -> Result<Ending, Stop> {
    if let Some(problem) = approval::missing(job) {
        return Ok(Ending::Refused(problem));
    }
    if let Some(problem) = check(job).await.problem() {
        let problem = problem.clone();
        return Ok(match problem.reason {
            Reason::Auth
            | Reason::Network
            | Reason::Timeout
            | Reason::ServerError
            | Reason::NotFound
            | Reason::BadAnswer => Ending::Failed(problem),
            _ => Ending::Refused(problem),
        });
    }
    carry(job, None).await
}

/// What follows the checks. `roster` is that of the target, where it was read before.
pub async fn carry(job: &Job, roster: Option<Roster>) -> Result<Ending, Stop> {
    again::take_up(job).await?;
    closure::note(job).await?;
    let mut run = Run::begin(job, roster).await?;
    for &kind in ORDER.iter().filter(|&&kind| job.in_scope(kind) && job.choice.wants(kind)) {
        run.kind(kind).await?;
        if kind == Kind::Field {
            run.learn_fields().await?;
        }
    }
    run.parked_again().await?;
    run.ending().await
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
    /// When progress was told.
    told: Mutex<Option<Instant>>,
}

impl<'a> Run<'a> {
    async fn begin(job: &'a Job, roster: Option<Roster>) -> Result<Run<'a>, Stop> {
        job.target.prepare().await?;
        let roster = match roster {
            Some(roster) => roster,
            None => Roster::read(job.target.as_ref()).await?,
        };
        let roster = Arc::new(roster);
        let people = Arc::new(People::new(job.source.clone(), job.staging.clone(), job.link.clone(), roster.clone()));
        let profile = job.target.profile();
        let format =
            job.target.answer("text_format").and_then(Format::from_code).or(profile.format).unwrap_or(Format::Text);
        let translator = Translator {
            mapping: job.mapping.clone(),
            target: job.target.clone(),
            demands: roster.demands(),
            roster,
            people,
            blobs: Blobs { source: job.source.clone(), staging: job.staging.clone() },
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
        };
        Ok(Run {
            job,
            translator: Arc::new(translator),
            writer,
            fields: OnceCell::new(),
            members: OnceCell::new(),
            library: OnceCell::new(),
            alone: Mutex::default(),
            told: Mutex::default(),
        })
    }

    pub(super) fn halt(&self) -> &Halt {
        &self.job.halt
    }

    /// Stages and writes one kind, side by side.
    async fn kind(&self, kind: Kind) -> Result<(), Stop> {
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
        let staged = AtomicBool::new(false);
        let more = Notify::new();
        let reading = async {
            let result = stage::kind(self.job, kind).await;
            staged.store(true, Ordering::Release);
            more.notify_waiters();
            result
        };
        // A ticket's children are staged after its row: writing begins when the rows are listed, and takes what is whole.
        let writing = self.write_kind(kind, &staged, &more);
        let (read, written) = tokio::join!(reading, writing);
        self.translator.people.forget();
        match (read, written) {
            // Reading ends because writing did.
            (Err(Stop::Interrupted), Err(stop)) => Err(stop),
            (read, written) => read.and(written),
        }
    }

    pub(super) async fn write_kind(&self, kind: Kind, staged: &AtomicBool, more: &Notify) -> Result<(), Stop> {
        let mut had = HashSet::new();
        loop {
            let last_look = staged.load(Ordering::Acquire);
            let states = [State::Staged, State::Planned, State::Writing, State::InDoubt];
            let wrote = self.pass(kind, &states, last_look, &mut had).await?;
            if last_look && wrote == 0 {
                return Ok(());
            }
            if wrote == 0 {
                tokio::select! {
                    () = more.notified() => {}
                    slept = self.halt().sleep(Duration::from_millis(200)) => slept?,
                }
            }
        }
    }

    /// One walk over the records of a kind in these states that this run has not had. Gives their number. Until the kind
    /// is `staged` to its end, those whose rows are not there yet are passed over. As many go side by side as the target bears:
    /// each holds its own mapped record.
    pub(super) async fn pass(
        &self,
        kind: Kind,
        states: &[State],
        staged: bool,
        had: &mut HashSet<String>,
    ) -> Result<u64, Stop> {
        // What a target bears of tickets says nothing of articles, whose neighbours are listed when one is in doubt.
        let most = if kind.is_library() { ARTICLES } else { usize::MAX };
        let writers = self.job.target.profile().writers.clamp(1, most);
        let stopped = OnceLock::new();
        let ready = stream::try_unfold((None, had), |(after, had)| async move {
            match self.ready(kind, states, after, staged, had).await? {
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
                Ok(row) => self.one(row, turn).await,
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

    /// The next records that may be carried, and how far that is; none at the end.
    async fn ready(
        &self,
        kind: Kind,
        states: &[State],
        after: Option<i64>,
        staged: bool,
        had: &mut HashSet<String>,
    ) -> Result<Option<(Vec<RecordRow>, i64)>, Stop> {
        let rows = self.job.link.next(kind, states, after, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.seq) else { return Ok(None) };
        let mut ready = Vec::new();
        for row in rows {
            if had.contains(&row.id) || !self.job.choice.wants_id(kind, &row.id) {
                continue;
            }
            if kind == Kind::Ticket && !self.job.is_sampled(&row.id).await? {
                continue;
            }
            if !staged && !self.is_whole(kind, &row.id).await? {
                continue;
            }
            had.insert(row.id.clone());
            ready.push(row);
        }
        Ok(Some((ready, last)))
    }

    async fn is_whole(&self, kind: Kind, id: &str) -> Result<bool, Stop> {
        Ok(match kind {
            Kind::Ticket | Kind::Article => self.job.staging.whole(kind.code(), id).await?,
            _ => self.job.staging.holds(kind.code(), id).await?,
        })
    }

    /// Carries one record and books how it ended.
    async fn one(&self, row: RecordRow, mut turn: Turn) -> Result<(), Stop> {
        self.halt().check()?;
        let (kind, id) = (row.kind, row.id.clone());
        let end = match self.carried(&row, &mut turn).await {
            Ok(end) => end,
            Err(Broken::Record(end)) => end,
            Err(Broken::Run(stop)) => return Err(named(stop, kind, &id)),
        };
        turn.come().await;
        self.tell_end(kind, &id, &end);
        turn.end().await;
        match self.job.link.close(kind, &id, end).await {
            // What it made, or found, in the target is another record's: this record alone fails.
            Err(problem) if problem.reason == Reason::Conflict => {
                let end = End::Failed { problem };
                self.tell_end(kind, &id, &end);
                Ok(self.job.link.close(kind, &id, end).await?)
            }
            closed => Ok(closed?),
        }
    }

    pub(super) fn tell_end(&self, kind: Kind, id: &str, end: &End) {
        let (outcome, problem) = match end {
            End::Failed { problem } => ("failed", problem),
            End::InDoubt { problem, .. } => ("in_doubt", problem),
            End::Done { .. } | End::Skipped { .. } | End::Parked { .. } => return,
        };
        self.halt().failed();
        (self.job.tell)(Event::Record { kind, id: id.to_owned(), outcome, problem: problem.clone() });
    }

    async fn carried(&self, row: &RecordRow, turn: &mut Turn) -> Result<End, Broken> {
        let (kind, id) = (row.kind, row.id.as_str());
        let Some(staged) = self.job.staged(kind, id).await? else {
            let what = "the source no longer lists it";
            // Nothing of it was ever written, and all that there is was listed.
            if row.remote.is_none() && !row.has_steps && self.job.is_listed(kind).await? {
                let problem = Problem::new(Reason::Deleted, what);
                return Ok(End::Skipped { problem, stands_for: None });
            }
            let problem =
                Problem::new(Reason::NotFound, what).hint("it was seen by an earlier run whose stage is gone");
            return Ok(End::Failed { problem });
        };
        if kind.is_library() && !self.job.target.writes(kind) {
            let problem = Problem::new(Reason::Unsupported, format!("the target has no place for a {kind}"));
            return Ok(End::Skipped { problem, stands_for: None });
        }
        let record = match staged {
            Ok(record) => Arc::new(record),
            Err(problem) => return Ok(End::Failed { problem }),
        };
        let verbatim = self.job.target.profile().verbatim;
        if kind == Kind::Contact && !verbatim && self.job.staging.holds(Kind::Agent.code(), id).await? {
            let problem = Problem::new(Reason::Duplicate, "is an agent too, and stands there as one");
            return Ok(End::Skipped { problem, stands_for: Some((Kind::Agent, id.to_owned())) });
        }
        if kind.is_library() && record.state != crate::record::State::Live && !self.job.project.scope.deleted {
            let problem = Problem::new(Reason::Deleted, "deleted in the source");
            return Ok(End::Skipped { problem, stands_for: None });
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
        match self.translated(&record, row).await {
            Ok(Matched::There(remote)) => Ok(done(remote, Origin::Matched, None)),
            Ok(Matched::Write(translated)) if kind == Kind::Field && !verbatim => {
                self.write_field(&record, &translated, turn).await
            }
            Ok(Matched::Write(translated)) => self.write(&record, translated, Past::of(row), turn).await,
            Err(Held::Skip(problem, stands_for)) => Ok(End::Skipped { problem, stands_for }),
            Err(Held::Fail(problem)) => Ok(End::Failed { problem }),
            Err(Held::Park(problem)) => Ok(End::Parked { problem }),
            Err(Held::Stop(problem)) => Err(Broken::Run(Stop::Failed(problem))),
        }
    }

    pub(super) async fn translated(&self, record: &Arc<Record>, row: &RecordRow) -> Result<Matched, Held> {
        if self.job.target.profile().verbatim {
            return Ok(Matched::Write(self.translator.verbatim(record).await?));
        }
        match &record.body {
            Body::Group(group) => self.translator.group(&row.id, group, begun(row), self.members_of(&row.id)),
            Body::Agent(person) => self.translator.agent(person),
            Body::Contact(person) => self.translator.contact(&row.id, person, begun(row), &self.job.link).await,
            Body::Field(field) => self.translator.field(field, self.is_making(row).await?),
            Body::Ticket(_) => self.translated_ticket(record.clone()).await.map(Matched::Write),
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

    /// A ticket takes its time: it is translated on whatever core is free.
    async fn translated_ticket(&self, record: Arc<Record>) -> Result<Translated, Held> {
        let fields = self.fields.get_or_try_init(|| async { self.job.source_fields().await.map(Arc::new) }).await?;
        let (translator, link, fields) = (self.translator.clone(), self.job.link.clone(), fields.clone());
        let work = async move {
            match &record.body {
                Body::Ticket(ticket) => translator.ticket(&record, ticket, &link, &fields).await,
                _ => Err(Held::Fail(Problem::new(Reason::Internal, "not a ticket"))),
            }
        };
        let broke = |e| Held::Stop(Problem::new(Reason::Internal, format!("a translation broke: {e}")));
        tokio::spawn(work).await.map_err(broke)?
    }

    /// Takes up what waited for records that came later.
    async fn parked_again(&self) -> Result<(), Stop> {
        for &kind in ORDER.iter().filter(|&&kind| self.job.in_scope(kind) && self.job.choice.wants(kind)) {
            self.pass(kind, &[State::Parked], true, &mut HashSet::new()).await?;
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

    /// Whether everything is carried or left out on purpose. Only then the watermarks move on.
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
            if let Some(at) = listing.complete_since {
                let ahead = self.job.source.clock().ahead();
                self.job.link.set_watermark(kind, Watermark { value: at.to_string(), ahead }).await?;
            }
        }
        Ok(if open == 0 { Ending::Complete } else { Ending::Partial })
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

/// Whether an earlier run may have made it.
fn begun(row: &RecordRow) -> bool {
    matches!(row.state, State::Writing | State::InDoubt)
}

pub(super) fn named(stop: Stop, kind: Kind, id: &str) -> Stop {
    match stop {
        Stop::Failed(problem) => Stop::Failed(problem.at(format!("{kind} {id}"))),
        Stop::Refused(problem) => Stop::Refused(problem.at(format!("{kind} {id}"))),
        other => other,
    }
}
