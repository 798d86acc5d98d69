//! read → stage: lists a kind, and reads what stands below its rows. Can be killed at any point and goes on there.

use super::{Event, Job, Stop};
use crate::connector::{ChildRows, Page, Row};
use crate::error::Result;
use crate::ledger::{Seen, State};
use crate::record::Kind;
use crate::staging::{ItemKey, NewPage};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::PoisonError;

/// Root rows whose children are read side by side; the pacer decides what really goes out.
const SIDE_BY_SIDE: usize = 4;

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
        list(job, kind, listing.cursor, since, listing.began_at).await?;
    }
    missing_children(job, kind).await?;
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
    let mut cursor = cursor;
    loop {
        job.halt.check()?;
        let page: Page = job.source.read(kind, cursor.as_deref(), since).await?;
        let rows = page.rows;
        see(job, kind, &rows).await?;
        let items = rows.iter().map(|row| ItemKey { id: row.id.clone(), hash: hash(&row.raw) }).collect();
        let raws: Vec<&Value> = rows.iter().map(|row| &row.raw).collect();
        let new = NewPage { stream, items, rows: &raws, cursor: page.next.as_deref(), since, began_at: began };
        job.staging.put_page(&new).await?;
        let count = job.staging.count(stream).await?;
        (job.tell)(Event::Staged { kind, rows: count, complete: false });
        match page.next {
            // The rest is read by a later run: the cursor stands where the sample ended.
            Some(_) if kind == Kind::Ticket && enough(job, count) => return Ok(()),
            Some(next) => cursor = Some(next),
            None => return Ok(job.staging.listed(stream, began).await?),
        }
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

/// Reads the children of every root row whose children are not those of its present content.
async fn missing_children(job: &Job, kind: Kind) -> Result<(), Stop> {
    if kind != Kind::Ticket {
        return Ok(());
    }
    let stream = kind.code();
    let mut after = None;
    loop {
        let ids = job.staging.without_children(stream, after, 100).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(last.0);
        stream::iter(ids)
            .map(|(_, id)| async move {
                job.halt.check()?;
                children(job, kind, &id).await.map_err(|p| Stop::Failed(p.at(format!("{kind} {id}"))))
            })
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect::<Vec<()>>()
            .await?;
    }
}

async fn children(job: &Job, kind: Kind, id: &str) -> Result<()> {
    let Some(row) = job.staging.item(kind.code(), id).await? else { return Ok(()) };
    let rows: ChildRows = job.source.read_children(kind, &row).await?;
    job.staging.put_children(kind.code(), id, &hash(&row), &rows).await
}

/// BLAKE3 of a raw row: what tells a changed row from the same one read again. Some servers give the keys of an object in
/// another order each time: they are sorted.
pub fn hash(raw: &Value) -> String {
    let mut sorted = raw.clone();
    sorted.sort_all_objects();
    blake3::hash(sorted.to_string().as_bytes()).to_hex()[..32].to_owned()
}
