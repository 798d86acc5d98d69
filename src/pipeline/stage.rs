//! read → stage: lists a kind. Can be killed at any point and goes on there. What stands below its rows is `children`'s.

use super::{Event, Job, Stop, children};
use crate::connector::{Page, Row};
use crate::error::Result;
use crate::ledger::{RecordRow, Seen, State};
use crate::record::{Kind, Record};
use crate::staging::{ItemKey, NewPage};
use futures_util::{Stream, StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::PoisonError;

/// Ids told to a source at a time.
const RECALLED: u32 = 1000;
/// Records read ahead, so that every core has one to assemble.
pub const AHEAD: usize = 4;

impl Job {
    /// A staged record with all below it; none where the stage has no row of it. The inner error is that record's alone: it
    /// cannot be read.
    pub async fn staged(&self, kind: Kind, id: &str) -> Result<Option<Result<Record>>> {
        let source = self.source.clone();
        let made = self.staging.made(kind.code(), id, move |row, children| source.assemble(kind, &row, &children));
        made.await
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
    let listing = job.staging.listing(stream).await?;
    let since = match (&listing.complete_since, job.resuming) {
        // What a stopped run has listed to the end is not listed again.
        (Some(_), true) if listing.cursor.is_none() => None,
        (Some(at), _) => Some(Some(*at)),
        (None, _) => Some(listing.since.or(watermark(job, kind).await?)),
    };
    if let Some(since) = since {
        // The source's own bookmark is better than a time, where the stage still has it.
        let cursor = listing.cursor.or(listing.bookmark);
        list(job, kind, cursor, since, listing.began_at).await?;
    }
    children::missing(job, kind).await?;
    tell_notes(job);
    let rows = job.staging.count(stream).await?;
    (job.tell)(Event::Staged { kind, rows, complete: true });
    Ok(())
}

/// Where the last complete run left off, when the stage of that run is gone. Records that are not through yet need
/// their rows again: then everything is listed.
async fn watermark(job: &Job, kind: Kind) -> Result<Option<Timestamp>> {
    let open = |state: State| !matches!(state, State::Done | State::Skipped);
    if job.link.counts().await?.iter().any(|count| count.kind == kind && open(count.state)) {
        return Ok(None);
    }
    Ok(job.link.watermark(kind).await?.and_then(|at| at.parse().ok()))
}

async fn list(
    job: &Job,
    kind: Kind,
    cursor: Option<String>,
    since: Option<Timestamp>,
    began: Option<Timestamp>,
) -> Result<(), Stop> {
    let stream = kind.code();
    let began = match (cursor.is_some(), began) {
        (true, Some(began)) => began,
        _ => Timestamp::now(),
    };
    if cursor.is_some() {
        recall(job, kind).await?;
    }
    let mut cursor = cursor;
    loop {
        job.halt.check()?;
        let page: Page = job.source.read(kind, cursor.as_deref(), since).await?;
        let rows = page.rows;
        see(job, kind, &rows).await?;
        let items = rows.iter().map(|row| ItemKey { id: row.id.clone(), hash: hash(&row.raw), root: None }).collect();
        let raws: Vec<&Value> = rows.iter().map(|row| &row.raw).collect();
        let new = NewPage { stream, items, rows: &raws, cursor: page.next.as_deref(), since, began_at: began };
        job.staging.put_page(&new).await?;
        let count = job.staging.count(stream).await?;
        (job.tell)(Event::Staged { kind, rows: count, complete: false });
        match page.next {
            // The rest is read by a later run: the cursor stands where the sample ended.
            Some(_) if kind == Kind::Ticket && enough(job, count) => return Ok(()),
            Some(next) => cursor = Some(next),
            None => return Ok(job.staging.listed(stream, began, page.bookmark.as_deref()).await?),
        }
    }
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
async fn see(job: &Job, kind: Kind, rows: &[Row]) -> Result<()> {
    let seen = rows.iter().map(|row| Seen {
        kind,
        id: row.id.clone(),
        number: row.number.clone(),
        updated_at: row.updated_at.as_ref().and_then(|t| t.parse().ok()),
        content_hash: hash(&row.raw),
    });
    job.link.see(seen.collect()).await?;
    Ok(())
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
