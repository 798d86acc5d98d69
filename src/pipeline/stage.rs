//! read → stage: lists a kind. Can be killed at any point and goes on there. What stands below its rows is `children`'s.

use super::failure::Streak;
use super::{Event, Job, Side, Stop, children, own_ids};
use crate::clock::{BEGINNING, VendorClock};
use crate::connector::{ChildRows, Page, Row, Shows, Source};
use crate::error::{Problem, Reason, Result};
use crate::ledger::{RecordRow, Seen, State};
use crate::record::{Kind, Record};
use crate::staging::{ItemKey, Lacks, Listing, NewPage, Repeat};
use futures_util::{Stream, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::PoisonError;
use tokio::time::Instant;

/// Ids told to a source at a time.
const RECALLED: u32 = 1000;
/// Rows that share an id and are told one by one.
const REPEATS_TOLD: usize = 20;
/// By which a watermark may be wrong that was noted without knowing how far the clocks were apart.
const UNSURE: SignedDuration = SignedDuration::from_hours(24);
/// Records read ahead, so that every core has one to assemble.
pub const AHEAD: usize = 4;

impl Job {
    /// A staged record with all below it; none where the stage has no row of it. The inner error is that record's alone: it
    /// cannot be read.
    pub async fn staged(&self, kind: Kind, id: &str) -> Result<Option<Result<Record>>> {
        let (source, of) = (self.source.clone(), id.to_owned());
        let make =
            move |row, children, places: &[String], _| assembled(source.as_ref(), kind, &of, (&row, &children), places);
        let made = self.staging.made(kind.code(), id, make).await?;
        Ok(made.map(|made| made.map(|made| self.with_own_ids(made, id))))
    }

    /// The record of rows that were assembled. That some of their ids repeated is told once.
    pub(super) fn with_own_ids(&self, (record, shared): (Record, Option<String>), id: &str) -> Record {
        if let Some(shared) = shared {
            let kind = record.kind();
            self.note_once("shared ids", || {
                format!("some ids repeat within a {kind} (first: {shared} of {kind} {id}): each is migrated on its own")
            });
        }
        record
    }

    /// Whether the listing of a kind has come to its end.
    pub(super) async fn is_listed(&self, kind: Kind) -> Result<bool> {
        let listing = self.staging.listing(kind.code()).await?;
        Ok(listing.cursor.is_none() && listing.complete_since.is_some())
    }

    /// The staged records of these rows, in their order, a few read ahead of the one that is looked at.
    pub fn staged_each<'a>(
        &'a self,
        kind: Kind,
        rows: &'a [RecordRow],
    ) -> impl Stream<Item = Result<(&'a RecordRow, Option<Result<Record>>)>> + 'a {
        stream::iter(rows).map(move |row| async move { Ok((row, self.staged(kind, &row.id).await?)) }).buffered(AHEAD)
    }
}

/// Stages one kind: all of it, what changed since, or the rest of what a stopped run began.
pub async fn kind(job: &Job, kind: Kind) -> Result<(), Stop> {
    if !job.listed.lock().unwrap_or_else(PoisonError::into_inner).insert(kind) {
        return Ok(());
    }
    let stream = kind.code();
    let version = job.source.version();
    job.staging.bind(stream, version).await?;
    let begun = job.staging.listing(stream).await?;
    if begun.cursor.is_some() {
        recall(job, kind).await?;
        list(job, kind, Walk::rest_of(begun)).await?;
    }
    // What a stopped run began is listed to its end; what came since it began is listed after that. A sample ends before its list.
    let listing = job.staging.listing(stream).await?;
    if listing.cursor.is_none() {
        let since = match listing.complete_since.or(listing.since) {
            Some(at) => Some(at),
            None => watermark(job, kind).await?,
        };
        // The source's own bookmark is better than a time, where the stage still has it.
        let turn = job.staging.next_turn().await?;
        list(job, kind, Walk { cursor: listing.bookmark, since, began: Began::Now(Instant::now()), turn }).await?;
    }
    children::missing(job, kind).await?;
    tell_notes(job);
    let rows = job.staging.count(stream).await?;
    (job.tell)(Event::Staged { kind, rows, complete: true });
    Ok(())
}

/// Where the last complete run left off, when the stage of that run is gone. Records that are not through yet need
/// their rows again: then everything is listed. So are the kinds that others are looked up in: they are few, and all of them are
/// needed.
async fn watermark(job: &Job, kind: Kind) -> Result<Option<Timestamp>> {
    if !matches!(kind, Kind::Contact | Kind::Company | Kind::Ticket) {
        return Ok(None);
    }
    let open = |state: State| !matches!(state, State::Done | State::Skipped);
    if job.link.counts().await?.iter().any(|count| count.kind == kind && open(count.state)) {
        return Ok(None);
    }
    let Some(watermark) = job.link.watermark(kind).await? else { return Ok(None) };
    let at: Option<Timestamp> = watermark.value.parse().ok();
    // Where nobody knows how far the clocks were apart, a day is listed again.
    let unsure = if watermark.ahead.is_none() { UNSURE } else { SignedDuration::ZERO };
    Ok(at.and_then(|at| at.checked_sub(unsure).ok()))
}

/// A listing from where it begins or goes on.
pub(super) struct Walk {
    pub cursor: Option<String>,
    pub since: Option<Timestamp>,
    pub began: Began,
    pub turn: i64,
}

/// When a listing began.
pub(super) enum Began {
    Now(Instant),
    /// In an earlier run, in the source's time.
    Earlier(Timestamp),
}

impl Walk {
    /// What a stopped run left of a listing.
    pub fn rest_of(listing: Listing) -> Walk {
        let began = Began::Earlier(listing.began_at.unwrap_or(BEGINNING));
        Walk { cursor: listing.cursor, since: listing.since, began, turn: listing.turn }
    }

    /// From when on it has to be made again, as far as is known now.
    pub fn seen_until(&self, source: &VendorClock) -> Timestamp {
        match self.began {
            Began::Now(moment) => source.seen_until(moment, self.since),
            Began::Earlier(at) => at,
        }
    }
}

async fn list(job: &Job, kind: Kind, walk: Walk) -> Result<(), Stop> {
    let (stream, since, mut turn) = (kind.code(), walk.since, walk.turn);
    let (mut cursor, mut repeats) = (walk.cursor.clone(), 0);
    let streak = Streak::default();
    loop {
        job.halt.check()?;
        let page: Page = match job.source.read(kind, cursor.as_deref(), since).await {
            Ok(page) => page,
            Err(problem) => return Err(unlisted(job, problem).await),
        };
        if page.shows == Shows::AllFromHere {
            turn = job.staging.open_rows(stream).await?;
        }
        let rows = page.rows;
        for row in &rows {
            children::proved_of(job, kind, row, &streak).await?;
        }
        see(job, kind, &rows).await?;
        let items = rows.iter().map(|row| key(kind, row)).collect();
        let raws: Vec<&Value> = rows.iter().map(|row| &row.raw).collect();
        let began_at = walk.seen_until(job.source.clock());
        let new = NewPage { stream, items, rows: &raws, cursor: page.next.as_deref(), since, began_at, turn };
        let repeated = job.staging.put_page(&new).await?;
        for repeat in &repeated {
            tell_repeat(job, kind, repeat, repeats);
            repeats += 1;
        }
        see_repeated(job, kind, &rows, &repeated).await?;
        for row in &rows {
            if let Some(problem) = &row.unread {
                children::note(job, kind, &row.id, problem).await?;
            }
        }
        let count = job.staging.count(stream).await?;
        (job.tell)(Event::Staged { kind, rows: count, complete: false });
        match page.next {
            // The rest is read by a later run: the cursor stands where the sample ended.
            Some(_) if kind == Kind::Ticket && enough(job, count) => return Ok(()),
            Some(next) => cursor = Some(next),
            None if page.shows != Shows::Changes => {
                job.staging.forget_unseen(stream, turn).await?;
                return Ok(job.staging.listed(stream, began_at, page.bookmark.as_deref()).await?);
            }
            None => return Ok(job.staging.listed(stream, began_at, page.bookmark.as_deref()).await?),
        }
    }
}

/// What a list that could not be read does to the run.
pub(super) async fn unlisted(job: &Job, problem: Problem) -> Stop {
    let stop = job.stop(Some(Side::Source), &problem).await;
    stop.unwrap_or(Stop::Listing(problem))
}

/// What kept a list from being read, where the run can go on without it: nothing that follows goes wrong for want of a ticket or an
/// article.
pub(super) fn needless(job: &Job, kind: Kind, ended: Result<(), Stop>) -> Result<Option<Problem>, Stop> {
    match ended {
        Ok(()) => Ok(None),
        Err(Stop::Listing(problem)) if kind == Kind::Ticket || kind.is_library() => {
            (job.tell)(Event::Note { what: format!("not every {kind} could be listed: {}", problem.what) });
            Ok(Some(if kind.is_library() { with_way_out(problem) } else { problem }))
        }
        Err(stop) => Err(stop),
    }
}

/// How a person says that a knowledge base is left out on purpose.
fn with_way_out(problem: Problem) -> Problem {
    let way_out = "or leave the knowledge base out on purpose: name under [scope] `kinds` without `category`, `section` and `article`";
    let first = problem.hint.as_deref().unwrap_or("the credentials need the right to read the knowledge base");
    let hint = format!("{first}; {way_out}");
    problem.hint(hint)
}

/// How the stage knows a row, and whether more belongs to it.
pub(super) fn key(kind: Kind, row: &Row) -> ItemKey {
    let more = row.unread.is_some() || matches!(kind, Kind::Ticket | Kind::Article);
    ItemKey {
        id: row.id.clone(),
        hash: hash(&row.raw),
        root: None,
        updated_at: row.updated_at.as_ref().and_then(|at| at.parse().ok()),
        place: row.place.clone(),
        lacks: if more { Lacks::More } else { Lacks::Nothing },
    }
}

/// A record of its staged rows, and an id that repeats within it, if one does.
///
/// Errors: several rows have its id; and those of assembling.
pub(super) fn assembled(
    source: &dyn Source,
    kind: Kind,
    id: &str,
    (row, children): (&Value, &ChildRows),
    places: &[String],
) -> Result<(Record, Option<String>)> {
    if !places.is_empty() {
        return Err(repeated(kind, id, places));
    }
    let mut record = source.assemble(kind, row, children)?;
    let shared = own_ids::give(&mut record);
    record.put_messages_in_order();
    Ok((record, shared))
}

/// Where nobody can say which row is meant, none is taken: the record fails, and nothing is lost.
fn repeated(kind: Kind, id: &str, places: &[String]) -> Problem {
    let what = format!("{} rows have the id `{id}` and differ: {}", places.len(), places.join(", "));
    Problem::new(Reason::RepeatedId, what)
        .hint(format!("give each {kind} an id of its own, or make one row of them, and run again"))
}

/// Tells of rows that share an id: of the first ones by name.
fn tell_repeat(job: &Job, kind: Kind, repeat: &Repeat, before: usize) {
    let id = &repeat.id;
    if before >= REPEATS_TOLD {
        return job
            .note_once("repeats", || "more rows have the id of another one: `deskferry report` lists them".into());
    }
    job.note_once(&format!("{kind} {id} {}", repeat.places.len()), || match repeat.places.as_slice() {
        [] => format!("the source lists {kind} {id} twice, with different content: the later one is migrated"),
        places => format!("several rows have the id of {kind} {id}, none is migrated: {}", places.join(", ")),
    });
}

/// Tells the source what an earlier run has listed.
async fn recall(job: &Job, kind: Kind) -> Result<(), Stop> {
    let mut after = None;
    loop {
        let ids = job.staging.ids(kind.code(), after, RECALLED).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(last.0);
        job.source.recall(kind, &ids.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
    }
}

fn enough(job: &Job, count: u64) -> bool {
    job.choice.sample.is_some_and(|sample| count >= sample)
}

/// Enters the rows in the ledger before their page is staged: a page without its rows in the ledger would lose them.
pub(super) async fn see(job: &Job, kind: Kind, rows: &[Row]) -> Result<()> {
    job.link.see(rows.iter().map(|row| seen(kind, row, hash(&row.raw))).collect()).await?;
    Ok(())
}

/// Of rows that share an id none counts as the record's content: whichever is left when the file is mended is a change.
async fn see_repeated(job: &Job, kind: Kind, rows: &[Row], repeated: &[Repeat]) -> Result<()> {
    let of = |row: &Row| repeated.iter().rfind(|repeat| repeat.id == row.id && !repeat.places.is_empty());
    let shared = rows.iter().filter_map(|row| Some(seen(kind, row, hash(&json!(of(row)?.places)))));
    let shared: Vec<Seen> = shared.collect();
    if !shared.is_empty() {
        job.link.see(shared).await?;
    }
    Ok(())
}

fn seen(kind: Kind, row: &Row, content_hash: String) -> Seen {
    let updated_at = row.updated_at.as_ref().and_then(|at| at.parse().ok());
    Seen { kind, id: row.id.clone(), number: row.number.clone(), updated_at, content_hash }
}

/// Passes on what the source found that a person should know.
fn tell_notes(job: &Job) {
    for what in job.source.take_notes() {
        (job.tell)(Event::Note { what });
    }
}

/// BLAKE3 of a raw row: what tells a changed row from the same one read again. Some servers give the keys of an object in
/// another order each time: they are sorted.
pub fn hash(raw: &Value) -> String {
    let mut sorted = raw.clone();
    sorted.sort_all_objects();
    blake3::hash(sorted.to_string().as_bytes()).to_hex()[..32].to_owned()
}
