//! Deletes what was agreed to, record by record. Killed anywhere, the same command goes on.

use super::super::{Ending, Event, Job, Stop};
use super::judge::{Judge, Verdict};
use crate::connector::{Deleted, Eraser};
use crate::error::{Problem, Reason};
use crate::ledger::{Doomed, UndoState};
use std::time::Duration;

/// Times a deletion is sent that is seen to have had no effect.
const TRIES: u32 = 3;

/// Deletes the records of a plan that are not deleted yet, in its order.
pub async fn undo(job: &Job, plan: i64) -> Ending {
    match all(job, plan).await {
        Ok(ending) => ending,
        Err(stop) => stop.into(),
    }
}

async fn all(job: &Job, plan: i64) -> Result<Ending, Stop> {
    job.target.prepare().await?;
    let mut judge = Judge::new(job).await?;
    let of_the_plan = [UndoState::Agreed, UndoState::Intent, UndoState::Deleted];
    job.link.doomed(plan, &of_the_plan).await?.iter().for_each(|doomed| judge.counts_on(doomed));
    let mut lacking = 0_u64;
    for doomed in job.link.doomed(plan, &[UndoState::Agreed, UndoState::Intent]).await? {
        job.halt.check()?;
        let Some(problem) = one(job, plan, &judge, &doomed).await? else { continue };
        judge.counts_no_more_on(&doomed);
        lacking += 1;
        (job.tell)(Event::Record { kind: doomed.kind, id: doomed.id, outcome: "left", problem });
    }
    job.link.end_undo(plan).await?;
    Ok(if lacking == 0 { Ending::Complete } else { Ending::Partial })
}

/// Deletes one record. Why it stays, or may be there still, where it is not deleted.
async fn one(job: &Job, plan: i64, judge: &Judge<'_>, doomed: &Doomed) -> Result<Option<Problem>, Stop> {
    let (kind, id) = (doomed.kind, doomed.id.as_str());
    let gone = || job.link.undone_by(plan, doomed, judge.relations.of(kind, id));
    let stays = async |problem: Problem| {
        job.link.left_by_undo(plan, kind, id, &problem.what).await?;
        Ok(Some(problem))
    };
    match judge.of(doomed).await? {
        Verdict::Gone => {
            gone().await?;
            return Ok(None);
        }
        Verdict::Leave(why) => return stays(Problem::new(Reason::Differs, why)).await,
        Verdict::Delete => {}
    }
    let Some(eraser) = job.target.eraser() else {
        return stays(Problem::new(Reason::Unsupported, "nothing can be deleted there")).await;
    };
    job.link.intend_undo(plan, kind, id).await?;
    let mut tries = 1..TRIES;
    loop {
        match eraser.delete(kind, &doomed.target_id).await {
            Deleted::Done => break,
            Deleted::Refused(problem) => return stays(problem).await,
            Deleted::NotSent(problem) => return Err(Stop::Account(problem)),
            Deleted::Unknown(_) if is_gone_soon(job, eraser, doomed).await? => break,
            Deleted::Unknown(_) if tries.next().is_some() => {}
            // It stays in doubt, and what it refers to is not looked at while it may be there.
            Deleted::Unknown(problem) => return Err(Stop::Account(problem.at(format!("deleting {kind} {id}")))),
        }
    }
    gone().await?;
    Ok(None)
}

/// Looks whether a deletion whose answer was lost had its effect: at once, and when its request can no longer be at work.
async fn is_gone_soon(job: &Job, eraser: &dyn Eraser, doomed: &Doomed) -> Result<bool, Stop> {
    let settle = job.target.profile().settle_seconds.map(Duration::from_secs);
    let settle = job.project.run.settle.or(settle).unwrap_or(crate::project::Run::SETTLE);
    if eraser.look(doomed.kind, &doomed.target_id).await?.is_none() {
        return Ok(true);
    }
    job.halt.sleep(settle).await?;
    Ok(eraser.look(doomed.kind, &doomed.target_id).await?.is_none())
}
