//! stage → map → plan → write → verify, kind by kind.

mod later;
mod one;
mod progress;
mod translated;

pub(super) use later::LATER;

use super::custody::Custody;
use super::failure::Streak;
use super::library::Library;
use super::links::Alone;
use super::make_groups::Members;
use super::people::People;
use super::taken::{Read, Reading};
use super::target_metadata::TargetMetadata;
use super::translate::{Blobs, SourceFields, Translator};
use super::turn::Turns;
use super::write::Writer;
use super::{Ending, Halt, Job, ORDER, Stop, again, approval, check, closure, stage, vanished};
use crate::connector::{ChildRows, Unread};
use crate::error::{Problem, Reason};
use crate::ledger::{RecordRow, State, Watermark};
use crate::mapping::Missing;
use crate::record::{Body, Format, Kind};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Records taken from the ledger at a time.
pub(super) const BATCH: usize = 64;

/// Records of a knowledge base written side by side.
const ARTICLES: usize = 4;

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
    migrate(job, None).await
}

/// What follows the checks. `target_metadata` is that of the target, where it was read before.
pub async fn migrate(job: &Job, target_metadata: Option<TargetMetadata>) -> Result<Ending, Stop> {
    again::take_up(job).await?;
    closure::note(job).await?;
    let mut run = Run::begin(job, target_metadata).await?;
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
    async fn begin(job: &'a Job, target_metadata: Option<TargetMetadata>) -> Result<Run<'a>, Stop> {
        job.target.prepare().await?;
        vanished::take_up(job).await?;
        let target_metadata = match target_metadata {
            Some(target_metadata) => target_metadata,
            None => TargetMetadata::read(job.target.as_ref()).await?,
        };
        if let Missing::Default(address) = &job.mapping.people.missing {
            target_metadata.seek(job.target.as_ref(), address).await?;
        }
        let target_metadata = Arc::new(target_metadata);
        let people =
            Arc::new(People::new(job.source.clone(), job.staging.clone(), job.link.clone(), target_metadata.clone()));
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
            requirements: target_metadata.requirements(),
            target_metadata,
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
        let migrated = rows.map(|row| (row, turns.give())).map(|(row, turn)| async move {
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
        migrated.buffer_unordered(writers).collect::<()>().await;
        match stopped.get() {
            Some(stop) => Err(stop.clone()),
            None => {
                self.tell_progress(kind).await?;
                Ok(wrote.load(Ordering::Relaxed))
            }
        }
    }

    pub(super) async fn source_fields(&self) -> Result<Arc<SourceFields>, Problem> {
        let read = || async { self.job.source_fields().await.map(Arc::new) };
        self.fields.get_or_try_init(read).await.cloned()
    }

    /// Whether everything is migrated or left out on purpose. The watermarks of kinds that were listed to the end move on in any case.
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
