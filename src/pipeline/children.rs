//! Reads what stands below the staged rows of a kind: row by row, or in bulk where that takes less time.
//!
//! Both can be killed at any point and go on there. What cannot be read of one root is noted with it, and the others are read. A root whose rows of the bulk listing cannot be all is read on its own, so that
//! the choice never changes what is staged.

use super::failure::{Streak, refused_alike};
use super::migrate::named;
use super::stage::{Began, Walk, hash, key, see, unlisted};
use super::{Event, Job, Side, Stop};
use crate::connector::{Again, BulkRows, BulkWay, ChildRows, Row};
use crate::error::{Problem, Reason, Result};
use crate::naive::{self, Naive};
use crate::record::Kind;
use crate::staging::{ItemKey, Lacks, Listing, NewPage};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// Of a record that the list shows and the source does not have.
const NOT_FOUND: &str = "the list of the source still shows it: the next run asks again, and counts it as deleted if the answer is the same";
/// Root rows whose children are read side by side; the pacer decides what really goes out.
const SIDE_BY_SIDE: usize = 4;
/// Root rows looked at together.
const BATCH: u32 = 100;
/// Calls per second where no limit is known.
const UNLIMITED: f64 = 10.0;

/// Reads what every root row lacks: the rest of the row itself, and all below it.
pub async fn missing(job: &Job, kind: Kind) -> Result<(), Stop> {
    let streak = Streak::default();
    // What a target has no place for is counted and not read.
    if kind != Kind::Ticket && !(kind == Kind::Article && job.target.writes(kind)) {
        if kind == Kind::Article {
            return Ok(());
        }
        return for_each_lacking(job, kind, &streak, |id| async move { complete(job, kind, &id).await }).await;
    }
    let ways = job.source.bulk(kind);
    let mut listed = Vec::new();
    for way in &ways {
        if in_bulk(job, kind, way).await? {
            listed.push(way.stream.as_str());
        }
    }
    let listed = listed.as_slice();
    if listed.len() == ways.len() && !listed.is_empty() {
        for_each_lacking(job, kind, &streak, |id| async move { join(job, kind, listed, &id).await }).await?;
        let left = job.staging.count_lacking(kind.code()).await?;
        if left > 0 {
            tracing::info!(
                target: "deskferry::read",
                "the bulk listing cannot hold all {}s of {left} {kind}s: they are read by the {kind}", listed.join("s and ")
            );
        }
    }
    let alone = Mutex::new(BTreeSet::new());
    let noted = &alone;
    for_each_lacking(job, kind, &streak, |id| async move { one(job, kind, listed, &id, Alone::Noted(noted)).await })
        .await?;
    let alone = alone.into_inner().unwrap_or_else(PoisonError::into_inner);
    if alone.is_empty() {
        return Ok(());
    }
    let mut listed: Vec<&str> = listed.to_vec();
    for way in ways.iter().filter(|way| alone.contains(&way.stream)) {
        if list_all(job, kind, way).await? {
            listed.push(way.stream.as_str());
        }
    }
    let listed = listed.as_slice();
    for_each_lacking(job, kind, &streak, |id| async move { one(job, kind, listed, &id, Alone::Missing).await }).await
}

/// What is done about roots of which only a bulk listing may have rows, where it was not read.
#[derive(Clone, Copy)]
enum Alone<'a> {
    /// They are left until it was.
    Noted(&'a Mutex<BTreeSet<String>>),
    /// It cannot be read now: they are not whole.
    Missing,
}

/// Calls `read` for every root row that is not whole, a few side by side. One that cannot be read is noted, and the others go on.
async fn for_each_lacking<F, R>(job: &Job, kind: Kind, streak: &Streak, read: F) -> Result<(), Stop>
where
    F: Fn(String) -> R,
    R: Future<Output = Result<()>>,
{
    let mut after = None;
    loop {
        let ids = job.staging.lacking(kind.code(), after, BATCH).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(last.0);
        let read = &read;
        stream::iter(ids)
            .map(|(_, id)| async move {
                job.halt.check()?;
                match read(id.clone()).await {
                    Ok(()) => {
                        streak.well();
                        Ok(())
                    }
                    Err(problem) => unread(job, kind, &id, streak, problem).await,
                }
            })
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect::<Vec<()>>()
            .await?;
    }
}

/// Notes why a record could not be read, unless it is not the record that failed.
async fn unread(job: &Job, kind: Kind, id: &str, streak: &Streak, problem: Problem) -> Result<(), Stop> {
    if naive::is(Naive::Wholeness) {
        return Ok(());
    }
    if let Some(stop) = job.stop(Some(Side::Source), &problem).await {
        return Err(named(stop, kind, id));
    }
    match note(job, kind, id, &problem).await? {
        Noted::Gone => Ok(()),
        Noted::Unread => unbroken(kind, id, streak, &problem),
    }
}

/// Stops where it is the account, and not a row, of which not all could be read.
pub(super) async fn proved_of(job: &Job, kind: Kind, row: &Row, streak: &Streak) -> Result<(), Stop> {
    let Some(problem) = &row.unread else {
        streak.well();
        return Ok(());
    };
    if let Some(stop) = job.stop(Some(Side::Source), problem).await {
        return Err(named(stop, kind, &row.id));
    }
    // Rows that are gone stand in the list until a later one: counted, they would stop every run there.
    if problem.reason == Reason::NotFound {
        return Ok(());
    }
    unbroken(kind, &row.id, streak, problem)
}

/// Counts one that could not be read. Many in a row that fail alike are the account's failure.
fn unbroken(kind: Kind, id: &str, streak: &Streak, problem: &Problem) -> Result<(), Stop> {
    match streak.failed(kind, id, problem) {
        Some(_) => Err(refused_alike(problem)),
        None => Ok(()),
    }
}

/// What was noted with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    Gone,
    Unread,
}

/// Notes with a row why the rest of it is not there, or that its record is gone. One that has moved is read by the next run, where
/// it is now. That there is none is believed where a run before was told so, too: a list that shows it may know better.
pub(super) async fn note(job: &Job, kind: Kind, id: &str, problem: &Problem) -> Result<Noted> {
    let mut noted = Cow::Borrowed(problem);
    if problem.reason == Reason::NotFound {
        // Where the source does not answer, it is not known to be gone.
        match look_again(job, kind, id).await.unwrap_or(Again::There) {
            Again::Gone => return gone(job, kind, id).await,
            Again::NotFound if was_not_found(job, kind, id).await? => return gone(job, kind, id).await,
            Again::NotFound => noted = Cow::Owned(problem.clone().hint(NOT_FOUND)),
            Again::Moved(row) if row.id == id => {
                see(job, kind, std::slice::from_ref(&row)).await?;
                job.staging.complete_row(kind.code(), &key(kind, &row), &row.raw).await?;
            }
            Again::Moved(_) | Again::There => {}
        }
    }
    job.staging.put_unread(kind.code(), id, &noted).await?;
    Ok(Noted::Unread)
}

async fn gone(job: &Job, kind: Kind, id: &str) -> Result<Noted> {
    job.staging.put_gone(kind.code(), id).await?;
    Ok(Noted::Gone)
}

async fn was_not_found(job: &Job, kind: Kind, id: &str) -> Result<bool> {
    let before = job.staging.unread_before(kind.code(), id).await?;
    Ok(before.is_some_and(|before| before.reason == Reason::NotFound))
}

async fn look_again(job: &Job, kind: Kind, id: &str) -> Result<Again> {
    match job.staging.item(kind.code(), id).await? {
        Some(row) => job.source.look_again(kind, &row).await,
        None => Ok(Again::There),
    }
}

/// Completes a row that was listed without its second call, and gives it as it is now; none where there is none.
async fn complete_row(job: &Job, kind: Kind, id: &str) -> Result<Option<Value>> {
    let Some(row) = job.staging.item(kind.code(), id).await? else { return Ok(None) };
    let Some(whole) = job.source.complete(kind, &row).await? else {
        let what = format!("the source shows more data for it: this kind of {kind} is not migrated");
        job.staging.put_left_out(kind.code(), id, &Problem::new(Reason::Scope, what)).await?;
        return Ok(None);
    };
    if whole.raw != row {
        see(job, kind, std::slice::from_ref(&whole)).await?;
        job.staging.complete_row(kind.code(), &key(kind, &whole), &whole.raw).await?;
    }
    Ok(Some(whole.raw))
}

async fn complete(job: &Job, kind: Kind, id: &str) -> Result<()> {
    complete_row(job, kind, id).await.map(drop)
}

async fn one(job: &Job, kind: Kind, listed: &[&str], id: &str, alone: Alone<'_>) -> Result<()> {
    let Some(row) = complete_row(job, kind, id).await? else { return Ok(()) };
    // Should the scope change, what is left out now is read then.
    if job.source.assemble(kind, &row, &ChildRows::new()).is_ok_and(|record| job.has_no_place(record.state)) {
        return Ok(());
    }
    let bulk = bulk_rows(job, kind, listed, id).await?;
    let missing = job.source.only_in_bulk(kind, &row, &bulk)?;
    match (missing.first(), alone) {
        (None, _) => {}
        (Some(_), Alone::Noted(noted)) => {
            noted.lock().unwrap_or_else(PoisonError::into_inner).extend(missing);
            return Ok(());
        }
        (Some(stream), Alone::Missing) => {
            let things = stream.replace('_', " ");
            let what = format!("the list of all {things}s cannot be read, and no other has those of this {kind}");
            return Err(Problem::new(Reason::ServerError, what));
        }
    }
    let rows: ChildRows = job.source.read_children(kind, &row, &bulk).await?;
    job.staging.put_children(kind.code(), id, &hash(&row), &rows, &job.source.refused()).await
}

/// Lists a stream's children of all roots, if that is the quicker way. Whether the listing is there now.
async fn in_bulk(job: &Job, kind: Kind, way: &BulkWay) -> Result<bool, Stop> {
    let roots = job.staging.count_lacking(kind.code()).await?;
    if roots == 0 || job.choice.sample.is_some() || !job.choice.ids.is_empty() {
        return Ok(false);
    }
    list_by(job, kind, way, |choice| choice.bulk).await
}

/// Lists a stream's children of all roots, whatever it takes. Whether the listing is there now.
async fn list_all(job: &Job, kind: Kind, way: &BulkWay) -> Result<bool, Stop> {
    list_by(job, kind, way, |_| true).await
}

async fn list_by(job: &Job, kind: Kind, way: &BulkWay, chosen: impl Fn(&Choice) -> bool) -> Result<bool, Stop> {
    let roots = job.staging.count_lacking(kind.code()).await?;
    let stream = bulk_stream(kind, &way.stream);
    job.staging.bind(&stream, job.source.version()).await?;
    let changed = job.staging.listing(kind.code()).await?.changed;
    // What a stopped run began before the roots changed is listed to its end, and then once more.
    for _ in 0..2 {
        let listing = job.staging.listing(&stream).await?;
        // Listed after the roots, by a run that was stopped before each root had its own.
        if listing.cursor.is_none() && listing.complete_since.is_some() && listing.turn > changed {
            break;
        }
        // The first listing holds the children of every root, a later one those of the roots that changed.
        let listed_roots = match listing.complete_since {
            Some(_) if way.incremental => roots,
            _ => job.staging.count(kind.code()).await?,
        };
        let choice = Choice::of(way, roots, listed_roots);
        tracing::info!(target: "deskferry::read", "{}", choice.reason(kind, way));
        if !chosen(&choice) && listing.cursor.is_none() {
            return Ok(false);
        }
        match list(job, kind, way, &stream, listing).await {
            // Whether the plan lacks it a list of one root says, too.
            Err(Stop::Listing(problem)) if way.by_plan && refuses(&problem) => return Ok(false),
            Err(Stop::Listing(problem)) => {
                let what =
                    format!("{}s cannot be read in bulk ({}): they are read by the {kind}", way.stream, problem.what);
                (job.tell)(Event::Note { what });
                return Ok(false);
            }
            other => other?,
        }
    }
    Ok(true)
}

/// Whether a list of what a plan may lack is refused.
fn refuses(problem: &Problem) -> bool {
    matches!(problem.reason, Reason::Forbidden | Reason::NotFound)
}

/// The stream of the stage that holds a bulk listing.
fn bulk_stream(kind: Kind, stream: &str) -> String {
    format!("{kind}.{stream}")
}

/// What bulk listings hold of a root.
async fn bulk_rows(job: &Job, kind: Kind, listed: &[&str], id: &str) -> Result<BulkRows> {
    let mut bulk = BulkRows::new();
    for stream in listed {
        let rows = job.staging.rows_of_root(&bulk_stream(kind, stream), id).await?;
        bulk.insert((*stream).to_owned(), rows.into_iter().map(|raw| Some(raw).filter(|raw| !raw.is_null())).collect());
    }
    Ok(bulk)
}

async fn list(job: &Job, kind: Kind, way: &BulkWay, stream: &str, listing: Listing) -> Result<(), Stop> {
    let walk = match listing.cursor.is_some() {
        true => Walk::rest_of(listing),
        false => Walk {
            cursor: listing.bookmark,
            since: listing.complete_since.or(listing.since),
            began: Began::Now(Instant::now()),
            turn: job.staging.next_turn().await?,
        },
    };
    let (since, turn) = (walk.since, walk.turn);
    let mut cursor = walk.cursor.clone();
    loop {
        job.halt.check()?;
        let page = match job.source.read_bulk(kind, &way.stream, cursor.as_deref(), since).await {
            Ok(page) => page,
            Err(problem) if way.by_plan && refuses(&problem) => return Err(Stop::Listing(problem)),
            Err(problem) => return Err(unlisted(job, problem).await),
        };
        let raws: Vec<Value> = page.rows.iter().map(|row| row.raw.clone().unwrap_or_default()).collect();
        let items = page.rows.iter().zip(&raws);
        let items = items.map(|(row, raw)| ItemKey {
            id: row.id.clone(),
            hash: hash(raw),
            root: Some(row.root.clone()),
            updated_at: None,
            place: None,
            lacks: Lacks::Nothing,
        });
        let items = items.collect();
        let rows: Vec<&Value> = raws.iter().collect();
        let began_at = walk.seen_until(job.source.clock());
        let new = NewPage { stream, items, rows: &rows, cursor: page.next.as_deref(), since, began_at, turn };
        job.staging.put_page(&new).await?;
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(job.staging.listed(stream, began_at, page.bookmark.as_deref()).await?),
        }
    }
}

/// Gives a root its rows of the bulk listings, if they are all.
async fn join(job: &Job, kind: Kind, listed: &[&str], id: &str) -> Result<()> {
    let Some(row) = complete_row(job, kind, id).await? else { return Ok(()) };
    let bulk = bulk_rows(job, kind, listed, id).await?;
    match job.source.join_bulk(kind, &row, &bulk).await? {
        Some(children) => {
            job.staging.put_children(kind.code(), id, &hash(&row), &children, &job.source.refused()).await
        }
        None => Ok(()),
    }
}

/// Which way, and what each would take.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    bulk: bool,
    bulk_calls: u64,
    root_calls: u64,
    bulk_seconds: f64,
    root_seconds: f64,
}

impl Choice {
    /// `roots` lack their children; the listing will hold those of `listed_roots`.
    fn of(way: &BulkWay, roots: u64, listed_roots: u64) -> Choice {
        let bulk_calls = listed_roots.saturating_mul(way.per_root).div_ceil(way.per_call).max(1);
        let seconds = |calls: u64, rate: Option<f64>| calls as f64 / rate.unwrap_or(UNLIMITED).max(f64::MIN_POSITIVE);
        let bulk_seconds = seconds(bulk_calls, way.calls_per_second);
        let root_seconds = seconds(roots, way.root_calls_per_second);
        let bulk = if way.sparse { bulk_calls < roots } else { bulk_seconds < root_seconds };
        Choice { bulk, bulk_calls, root_calls: roots, bulk_seconds, root_seconds }
    }

    fn reason(&self, kind: Kind, way: &BulkWay) -> String {
        let Choice { bulk_calls, root_calls, bulk_seconds, root_seconds, .. } = self;
        let chosen = if self.bulk { "in bulk".to_owned() } else { format!("by the {kind}") };
        format!(
            "{}s are read {chosen}: about {bulk_calls} calls in {bulk_seconds:.0} s in bulk, at least {root_calls} calls in \
             {root_seconds:.0} s by the {kind}",
            way.stream.replace('_', " ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(bulk: Option<f64>, root: Option<f64>) -> BulkWay {
        BulkWay {
            stream: "comment".into(),
            by_plan: false,
            incremental: true,
            sparse: false,
            per_root: 8,
            per_call: 1000,
            calls_per_second: bulk,
            root_calls_per_second: root,
        }
    }

    #[test]
    fn a_large_account_is_read_in_bulk_and_a_few_tickets_one_by_one() {
        let way = way(Some(10.0 / 60.0), Some(400.0 / 60.0));
        let large = Choice::of(&way, 20_000, 20_000);
        assert_eq!((large.bulk, large.bulk_calls, large.root_calls), (true, 160, 20_000));
        assert!(!Choice::of(&way, 20, 20).bulk);
        assert!(!Choice::of(&way, 20, 300_000).bulk, "for twenty tickets the whole account would be listed");
        assert!(Choice::of(&way, 2_000, 2_000).bulk, "what changed since the last listing");
    }

    #[test]
    fn the_limits_of_the_account_decide() {
        assert!(!Choice::of(&way(Some(10.0 / 60.0), Some(60.0)), 20_000, 20_000).bulk);
        assert!(Choice::of(&way(None, None), 1_000, 1_000).bulk);
    }

    #[test]
    fn what_few_tickets_have_is_read_by_the_way_with_fewer_calls() {
        let slow = BulkWay { sparse: true, per_root: 1, per_call: 100, ..way(Some(1.0), Some(1_000.0)) };
        assert!(Choice::of(&slow, 1_000, 1_000).bulk, "ten calls instead of a thousand, however fast those are");
        assert!(!Choice::of(&slow, 3, 100_000).bulk, "three tickets changed, and the listing is read whole");
    }

    #[test]
    fn the_reason_names_both_ways() {
        let way = way(Some(1.0), Some(1.0));
        let said = Choice::of(&way, 1_000, 1_000).reason(Kind::Ticket, &way);
        assert_eq!(
            said,
            "comments are read in bulk: about 8 calls in 8 s in bulk, at least 1000 calls in 1000 s by the ticket"
        );
    }
}
