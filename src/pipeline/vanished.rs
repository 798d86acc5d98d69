//! What an earlier run wrote into a folder, and the folder has no more: lines and files that were deleted, or an older file that was put back.
//! It is written again. What people changed in it since stays as it is.

use super::{Event, Job, ORDER, Stop};
use crate::connector::{LAID, Written};
use crate::error::Result;
use crate::record::Kind;
use std::collections::HashSet;

/// Read from the ledger at a time.
const PAGE: u32 = 2000;

/// Takes up what is gone, before anything else is done. Costs no call: only a target that can tell without one does.
pub(super) async fn take_up(job: &Job) -> Result<(), Stop> {
    if !job.target.profile().verbatim || job.ledger.is_scratch() {
        return Ok(());
    }
    let mut records = 0;
    for &kind in ORDER.iter().filter(|&&kind| job.target.writes(kind)) {
        records += records_of(job, kind).await?;
    }
    let files = files_of(job).await?;
    if records + files > 0 {
        let what = format!(
            "{} lacks {records} records and {files} files that earlier runs wrote, or has them from before. They are written again",
            job.target.address()
        );
        (job.tell)(Event::Note { what });
    }
    Ok(())
}

async fn records_of(job: &Job, kind: Kind) -> Result<u64> {
    let (mut gone, mut after) = (0, String::new());
    loop {
        let made = job.link.all_made(kind, after, PAGE).await?;
        let Some(last) = made.last() else { return Ok(gone) };
        after = last.target_id.clone();
        let written = made.iter().map(|one| Written { id: one.target_id.clone(), updated_at: one.updated_at });
        let lost: HashSet<String> = job.target.lost(kind, written.collect()).await?.into_iter().collect();
        for one in made.iter().filter(|one| lost.contains(&one.target_id)) {
            job.link.unmake(kind, &one.id).await?;
            gone += 1;
        }
    }
}

async fn files_of(job: &Job) -> Result<u64> {
    let (mut gone, mut after) = (0, 0);
    loop {
        let laid = job.link.all_laid(LAID, after, PAGE).await?;
        let Some(last) = laid.last() else { return Ok(gone) };
        after = last.seq;
        let names = laid.iter().map(|file| file.name.clone());
        let lost: HashSet<String> = job.target.lost_files(names.collect()).await?.into_iter().collect();
        for file in laid.iter().filter(|file| lost.contains(&file.name)) {
            job.link.unlay(file.kind, &file.id, LAID, &file.name).await?;
            gone += 1;
        }
    }
}
