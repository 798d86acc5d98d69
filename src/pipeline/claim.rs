//! Whether the target is the account the ledger speaks of.
//!
//! An account may be made anew behind the address that is known: of a few tickets that the ledger made one must be there under its id, with its
//! marker. Usually that is one call, and at most [`DRAWN`] where these were deleted. One that was deleted of many proves nothing; all that were made
//! are another account, however few they are: to go on would call them migrated. Where the account goes by a name the ledger does not know, more is
//! asked.
//!
//! The project may say which migration is meant (`[run] migration`). Taken at its word it would pass off every record as migrated to an
//! account that holds none of them: so some that the ledger made are looked for there first. Only reads.

use super::marks::Marks;
use super::{Job, Stop};
use crate::connector::CheckLine;
use crate::connector::plan::MARKER;
use crate::error::{Problem, Reason, Result};
use crate::ledger::{Claim, Remote, Standing};
use crate::record::Kind;

/// Records of a kind that are looked for by their markers.
const LOOKED_FOR: u32 = 50;
/// Tickets that are looked at by their ids.
const DRAWN: u32 = 5;
/// Pages of the target's listing that are walked where a search found none of them.
const PAGES: usize = 20;

/// What a run would be refused for. Nothing where the target goes by a name that is known and holds what was made there.
pub(super) async fn line(job: &Job) -> Option<CheckLine> {
    let proves = "the target is the one this migration wrote to".to_owned();
    let found = match job.link.claim() {
        Claim::Known if !has_none_drawn(job).await => return None,
        Claim::Known => match holds_ours(job).await {
            Ok(true) => return None,
            Ok(false) => Err(made_anew(job)),
            Err(problem) => Err(problem),
        },
        Claim::Replaced(path) => Err(replaced(job, path)),
        Claim::Renamed(address) => match holds_ours(job).await {
            Ok(true) => Ok(format!("{address} holds its records")),
            Ok(false) => Err(not_there(job, address)),
            Err(problem) => Err(problem),
        },
    };
    Some(CheckLine { proves, found })
}

/// As [`line`], for a command that makes no other checks.
pub(super) async fn proved(job: &Job) -> Result<(), Stop> {
    match line(job).await.map(|line| line.found) {
        Some(Err(problem)) if problem.reason == Reason::Refused => Err(Stop::Refused(problem)),
        Some(Err(problem)) => Err(problem.into()),
        _ => Ok(()),
    }
}

/// Whether tickets were made, and none of those drawn is there under the id the ledger knows it by: each is gone, or a stranger's. What cannot
/// be asked says nothing.
async fn has_none_drawn(job: &Job) -> bool {
    let kind = Kind::Ticket;
    let rows = match job.target.marks(kind) {
        true => job.link.some_made(kind, DRAWN).await.unwrap_or_default(),
        false => vec![],
    };
    let marks = Marks::of(&job.link, kind);
    for row in &rows {
        let Some(remote) = &row.remote else { continue };
        match job.target.markers_of(kind, &remote.id).await {
            Ok(Some(markers)) if !marks.each(&row.id).any(|own| markers.contains(&own)) => {}
            Err(problem) if problem.reason == Reason::NotFound && !problem.foreign => {}
            Ok(_) | Err(_) => return false,
        }
    }
    !rows.is_empty()
}

/// Whether the target has one record the ledger made, under the id the ledger knows it by.
async fn holds_ours(job: &Job) -> Result<bool> {
    for &kind in Kind::ALL.iter().filter(|&&kind| job.target.marks(kind)) {
        let Some(create) = job.target.creates(kind) else { continue };
        if !job.link.has_made(kind).await? {
            continue;
        }
        let looked = match job.target.have_marker(kind, &markers(job, kind).await?).await {
            // It has no field by which it could be asked.
            Err(problem) if problem.reason == Reason::Invalid => Some(vec![]),
            looked => looked?,
        };
        // A search does not show what came lately: the first pages of the listing do.
        let pages = if looked.is_some() { PAGES } else { usize::MAX };
        let there =
            ours(job, kind, create, looked.unwrap_or_default()).await? || listed(job, kind, create, pages).await?;
        if there {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The markers of a few records of a kind that were made.
async fn markers(job: &Job, kind: Kind) -> Result<Vec<String>> {
    let marks = Marks::of(&job.link, kind);
    Ok(job.link.some_made(kind, LOOKED_FOR).await?.iter().flat_map(|row| marks.each(&row.id)).collect())
}

/// Walks over what carries our markers, up to the first that is known or so many pages.
async fn listed(job: &Job, kind: Kind, create: &str, pages: usize) -> Result<bool> {
    let mut cursor: Option<String> = None;
    for _ in 0..pages {
        job.halt.check().map_err(|_| Problem::new(Reason::Interrupted, "stopped while looking for records"))?;
        let Some(page) = job.target.scan(kind, MARKER, None, cursor.as_deref()).await? else { break };
        if ours(job, kind, create, page.rows.into_iter().map(|mark| (mark.marker, mark.remote)).collect()).await? {
            return Ok(true);
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    Ok(false)
}

async fn ours(job: &Job, kind: Kind, create: &str, there: Vec<(String, Remote)>) -> Result<bool> {
    let marks = Marks::of(&job.link, kind);
    let ids = there.iter().filter_map(|(marker, remote)| Some((marks.read(marker)?.1.to_owned(), remote.id.clone())));
    let standing = job.link.standing(kind, create, ids.collect()).await?;
    Ok(standing.contains(&Standing::Known))
}

const ELSEWHERE: &str =
    "for another account use a project folder of its own, or write `migration = \"new\"` under [run]";

/// At the address that is known no other migration can begin in the same ledger: `migration = "new"` would be this one.
fn made_anew(job: &Job) -> Problem {
    let what = format!(
        "{} holds none of the tickets this migration ({}) made there: the account was reset, or the tickets were deleted",
        job.target.address(),
        job.link.id()
    );
    Problem::new(Reason::Refused, what).hint(
        "to migrate everything again, copy `migration.toml` and the mapping into a new project folder and run there; if the tickets are only \
         in the trash, restore one of them and run the same command again",
    )
}

fn not_there(job: &Job, address: &str) -> Problem {
    let what = format!(
        "{address} holds none of the records this migration ({}) made in {}: it is another account, or it lost them",
        job.link.id(),
        job.link.target()
    );
    let folder = match job.target.profile().verbatim {
        true => "for a folder that was moved, put its file `.deskferry-id` back; ",
        false => "",
    };
    Problem::new(Reason::Refused, what).hint(format!("{folder}{ELSEWHERE}"))
}

fn replaced(job: &Job, path: &str) -> Problem {
    let what = format!(
        "{path} is not the folder this migration ({}) wrote to: it was deleted or replaced, but the ledger says that its records are there",
        job.link.id()
    );
    Problem::new(Reason::Refused, what).hint(format!(
        "put the folder back, with its file `.deskferry-id`; or, to write everything again, begin in a new project folder; {ELSEWHERE}"
    ))
}
