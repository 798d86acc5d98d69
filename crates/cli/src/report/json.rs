//! The JSON summary: how many of what, and why not the others.

use crate::report::Outcome;
use deskferry::error::{Loss, Reason, Result};
use deskferry::ledger::{Link, Origin};
use deskferry::record::Kind;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What `report` prints as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    pub link: LinkSummary,
    /// The kinds the ledger has records of, in the order they are migrated.
    pub kinds: Vec<KindSummary>,
    pub losses: Vec<LossSummary>,
    /// Null before the first run.
    pub last_run: Option<RunSummary>,
}

impl Summary {
    /// Of a preview of some tickets: whom none of these names is not looked at, and not left out.
    pub fn of_some_tickets(mut self) -> Summary {
        for kind in self.kinds.iter_mut().filter(|kind| comes_with_tickets(kind.kind)) {
            let (scope, reasons): (Vec<_>, Vec<_>) =
                std::mem::take(&mut kind.reasons).into_iter().partition(|why| why.reason == Reason::Scope);
            let records: u64 = scope.iter().map(|why| why.records).sum();
            kind.reasons = reasons;
            let skipped = kind.outcomes.entry(Outcome::Skipped).or_default();
            *skipped = skipped.saturating_sub(records);
            *kind.outcomes.entry(Outcome::Waiting).or_default() += records;
        }
        self
    }
}

/// Records that a narrowed run migrates only where its tickets name them.
pub fn comes_with_tickets(kind: Kind) -> bool {
    matches!(kind, Kind::Contact | Kind::Company)
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkSummary {
    pub id: String,
    pub source: String,
    pub target: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KindSummary {
    pub kind: Kind,
    pub records: u64,
    /// Every outcome is named, with 0 if there is none. They add up to `records`, but for `twice`: these are no records of the source.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How the migrated ones came to be in the target.
    pub origins: BTreeMap<Origin, u64>,
    pub reasons: Vec<ReasonSummary>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReasonSummary {
    pub outcome: Outcome,
    pub reason: Reason,
    pub says: &'static str,
    pub records: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LossSummary {
    pub kind: Kind,
    pub loss: Loss,
    pub says: &'static str,
    /// Records that lose it at least once.
    pub records: u64,
    pub times: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    pub command: String,
    pub manifests: BTreeMap<String, String>,
    pub started_at: Timestamp,
    /// Null while it is at work, and for ever when it was killed.
    pub ended_at: Option<Timestamp>,
    pub exit_code: Option<i32>,
    pub calls: Option<Value>,
}

pub async fn summary(link: &Link) -> Result<Summary> {
    let losses = link.loss_counts().await?.into_iter().map(|count| LossSummary {
        kind: count.kind,
        loss: count.loss,
        says: count.loss.says(),
        records: count.records,
        times: count.times,
    });
    let last_run = link.last_run().await?.map(|run| RunSummary {
        command: run.command,
        manifests: run.manifests,
        started_at: run.started_at,
        ended_at: run.ended_at,
        exit_code: run.exit_code,
        calls: run.calls,
    });
    Ok(Summary {
        link: LinkSummary { id: link.id().into(), source: link.source().into(), target: link.target().into() },
        kinds: kinds(link).await?,
        losses: losses.collect(),
        last_run,
    })
}

async fn kinds(link: &Link) -> Result<Vec<KindSummary>> {
    let mut kinds: BTreeMap<Kind, KindSummary> = BTreeMap::new();
    let mut reasons: BTreeMap<(Kind, Outcome, Reason), u64> = BTreeMap::new();
    for count in link.counts().await? {
        let outcome = Outcome::of(count.state);
        let of_kind = kinds.entry(count.kind).or_insert_with(|| KindSummary {
            kind: count.kind,
            records: 0,
            outcomes: Outcome::ALL.iter().map(|outcome| (*outcome, 0)).collect(),
            origins: BTreeMap::new(),
            reasons: Vec::new(),
        });
        of_kind.records += count.records;
        *of_kind.outcomes.entry(outcome).or_default() += count.records;
        if let (Outcome::Migrated, Some(origin)) = (outcome, count.origin) {
            *of_kind.origins.entry(origin).or_default() += count.records;
        }
        if let Some(reason) = count.reason {
            *reasons.entry((count.kind, outcome, reason)).or_default() += count.records;
        }
    }
    for ((kind, outcome, reason), records) in reasons {
        if let Some(of_kind) = kinds.get_mut(&kind) {
            of_kind.reasons.push(ReasonSummary { outcome, reason, says: reason.says(), records });
        }
    }
    for of_kind in kinds.values_mut() {
        // They are no records of the source: they do not count among them.
        let strays = link.strays(of_kind.kind).await?.len() as u64;
        let twins = link.twins(of_kind.kind).await?.len() as u64;
        of_kind.outcomes.insert(Outcome::Twice, strays + twins);
    }
    Ok(kinds.into_values().collect())
}
