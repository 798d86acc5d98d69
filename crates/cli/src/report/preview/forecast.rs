//! How many calls the whole would take, and how long.
//!
//! What a preview of all tickets counted is taken as it is. From a sample, calls grow with the tickets, with the messages
//! behind their first, with the files, and with the records of other kinds. Every ticket written is read back.

use crate::report::{KindSummary, Outcome};
use deskferry::error::Result;
use deskferry::ledger::State;
use deskferry::pipeline::Job;
use deskferry::pipeline::preview::{Extent, Grows, Previewed};
use deskferry::record::Kind;
use serde::Serialize;
use std::collections::BTreeMap;

/// Calls of the whole, by method and shape of the path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Counted, not reckoned from a sample.
    pub exact: bool,
    pub calls: Vec<CallForecast>,
    pub total: u64,
    /// The least the target's limits allow, with the project's reserve; null where no limit is known.
    pub seconds: Option<f64>,
    /// Of all files in scope, as the source declares them.
    pub file_bytes: u64,
    /// Of the stage on this disk, files included.
    pub stage_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallForecast {
    pub call: String,
    /// In this preview.
    pub previewed: u64,
    pub total: u64,
}

impl Forecast {
    pub fn of(job: &Job, previewed: &Previewed, kinds: &[KindSummary]) -> Result<Forecast> {
        let exact = previewed.extent == Extent::Chosen;
        let scale = Scale { previewed, kinds, exact };
        let mut calls: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let mut add = |call: &str, n: u64, total: u64| {
            let sum = calls.entry(call.to_owned()).or_default();
            *sum = (sum.0 + n, sum.1 + total);
        };
        for ((grows, call, takes), n) in &previewed.calls {
            let calls = |records: u64| records.div_ceil((*takes).max(1));
            add(call, calls(*n), calls(scale.whole(*grows, *n)));
        }
        let written: BTreeMap<Kind, u64> = kinds.iter().map(|k| (k.kind, created(k))).collect();
        for (kind, n) in written {
            for call in job.target.reads_back_by(kind) {
                add(&call, n, scale.whole(Grows::With(kind), n));
            }
        }
        let whole: BTreeMap<String, u64> = calls.iter().map(|(call, (_, total))| (call.clone(), *total)).collect();
        Ok(Forecast {
            exact,
            total: whole.values().sum(),
            seconds: job.target.time_for(&whole).map(|time| time.as_secs_f64()),
            calls: calls
                .into_iter()
                .map(|(call, (previewed, total))| CallForecast { call, previewed, total })
                .collect(),
            file_bytes: previewed.totals.file_bytes,
            stage_bytes: size_of(&job.state_dir.join("staging.db")) + folder_size(job.staging.blob_dir()),
        })
    }
}

fn created(kind: &KindSummary) -> u64 {
    kind.origins.get(&deskferry::ledger::Origin::Created).copied().unwrap_or_default()
}

struct Scale<'a> {
    previewed: &'a Previewed,
    kinds: &'a [KindSummary],
    exact: bool,
}

impl Scale<'_> {
    fn whole(&self, grows: Grows, n: u64) -> u64 {
        if self.exact {
            return n;
        }
        let (all, some) = (&self.previewed.totals, &self.previewed.previewed);
        let (all, some) = match grows {
            Grows::With(Kind::Ticket) => (all.tickets, some.tickets),
            Grows::Messages => (all.messages.saturating_sub(all.tickets), some.messages.saturating_sub(some.tickets)),
            Grows::Files => (all.files, some.files),
            Grows::With(kind) => self.records(kind),
        };
        if some == 0 { n } else { (n as f64 * all as f64 / some as f64).round() as u64 }
    }

    /// Of a kind that is no ticket: all, and those whose turn came in this preview.
    fn records(&self, kind: Kind) -> (u64, u64) {
        let Some(summary) = self.kinds.iter().find(|k| k.kind == kind) else { return (0, 0) };
        let waiting = summary.outcomes.get(&Outcome::of(State::Staged)).copied().unwrap_or_default();
        let narrowed = summary.reasons.iter().filter(|r| r.reason == deskferry::error::Reason::Scope);
        let out: u64 = waiting + narrowed.map(|r| r.records).sum::<u64>();
        (summary.records, summary.records.saturating_sub(out))
    }
}

fn size_of(path: &std::path::Path) -> u64 {
    std::fs::metadata(path).map_or(0, |m| m.len())
}

fn folder_size(folder: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().map(|entry| entry.metadata().map_or(0, |m| m.len())).sum()
}
