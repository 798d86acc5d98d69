//! Deletes what a migration made in the target: never what was there before, never what people changed since.
//!
//! First a plan is made, by a look at each record. What was agreed to is on the disk before the first deletion, and each record is looked at
//! again before it is deleted. Children go before their parents, the newest first; a relation goes with either of its tickets.

mod judge;
mod relations;
mod work;

pub use work::undo;

use super::{Job, ORDER, Stop, claim};
use crate::ledger::{Doomed, MadeHere, Origin};
use crate::record::Kind;
use judge::{Judge, Verdict};
use std::collections::BTreeMap;

/// What would be deleted, and what would not.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In the order of their deletion.
    pub doomed: Vec<Doomed>,
    /// Made by this migration, and left.
    pub left: Vec<Left>,
    /// Records that were there before, by kind and how they were come by.
    pub others: BTreeMap<(Kind, Origin), u64>,
}

/// A record that this migration made and `undo` leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    pub kind: Kind,
    /// Of the source.
    pub id: String,
    /// Of the target; empty where it is not known.
    pub target_id: String,
    pub why: String,
}

/// Looks at what this migration made in the target, as far as it was chosen; of `trial`, only what runs with `--sample` made. Deletes nothing.
pub async fn plan_undo(job: &Job, trial: bool) -> Result<Plan, Stop> {
    let mut plan = Plan { others: others(job).await?, ..Plan::default() };
    let spans = if trial { Some(job.link.steps_of_trials().await?) } else { None };
    let is_chosen = |made: &MadeHere| {
        let Some(spans) = &spans else { return true };
        made.step.is_some_and(|step| spans.iter().any(|(after, until)| step > *after && step <= *until))
    };
    let mut chosen = Vec::new();
    for &kind in ORDER.iter().rev().filter(|&&kind| kind != Kind::Link && is_asked_for(job, kind)) {
        let all = job.link.made_newest_first(kind, job.target.creates(kind).unwrap_or("create")).await?;
        let wanted = all.into_iter().filter(|made| job.choice.wants_id(kind, &made.id) && is_chosen(made));
        chosen.extend(wanted.map(|made| (kind, made)));
    }
    if chosen.is_empty() {
        return Ok(plan);
    }
    job.target.prepare().await?;
    claim::proved(job).await?;
    let mut judge = Judge::new(job).await?;
    for (kind, made) in chosen {
        job.halt.check()?;
        let target_id = made.remote.map(|remote| remote.id).unwrap_or_default();
        let doomed = Doomed { kind, id: made.id, target_id };
        match judge.of(&doomed).await? {
            Verdict::Delete | Verdict::Gone => {
                judge.counts_on(&doomed);
                plan.doomed.push(doomed);
            }
            Verdict::Leave(why) => {
                let Doomed { kind, id, target_id } = doomed;
                plan.left.push(Left { kind, id, target_id, why });
            }
        }
    }
    Ok(plan)
}

/// Whether records of a kind may be deleted: by `--only` and `--ids`, where nothing that is not named goes along.
fn is_asked_for(job: &Job, kind: Kind) -> bool {
    let choice = &job.choice;
    (choice.only.is_empty() || choice.only.contains(&kind)) && (choice.ids.is_empty() || choice.ids.contains_key(&kind))
}

async fn others(job: &Job) -> Result<BTreeMap<(Kind, Origin), u64>, Stop> {
    let mut others = BTreeMap::new();
    for count in job.link.counts().await? {
        if let Some(origin @ (Origin::Adopted | Origin::Matched)) = count.origin
            && count.kind != Kind::Link
        {
            *others.entry((count.kind, origin)).or_default() += count.records;
        }
    }
    Ok(others)
}
