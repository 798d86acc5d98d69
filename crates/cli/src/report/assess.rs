//! What an account holds, what moving it would take, and what could go wrong: for an offer, a plan, a decision.

use super::preview::Report;
use super::{KindSummary, LossSummary, Outcome, page};
use deskferry::error::{Problem, Reason, Result};
use deskferry::pipeline::inventory::Inventory;
use deskferry::record::Kind;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

const TEMPLATE: &str = include_str!("assess.html");
/// Share of records a loss concerns from which it is named as a risk.
const MANY: f64 = 0.05;
/// Kinds of loss named as a risk.
const SHOWN: usize = 10;
/// Messages from which a thread is long for people and APIs.
const LONG: u64 = 100;

/// `assess.json`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assessment {
    pub inventory: Inventory,
    /// What a preview of the fewest telling tickets found.
    pub preview: Report,
    pub risks: Vec<String>,
}

impl Assessment {
    pub fn of(inventory: Inventory, preview: Report) -> Assessment {
        Assessment { risks: risks(&inventory, &preview), inventory, preview }
    }

    pub fn json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        Ok(json.map_err(|e| Problem::new(Reason::Internal, format!("the assessment cannot be written: {e}")))? + "\n")
    }

    pub fn page(&self) -> Result<String> {
        let most_in_month = self.inventory.months.values().copied().max().unwrap_or_default().max(1);
        page::draw(TEMPLATE, context! { report => Value::from(Serde(self)), most_in_month })
    }
}

/// The losses that concern many of the records that were looked at, the most frequent first.
fn frequent(losses: &[LossSummary], kinds: &[KindSummary]) -> Vec<String> {
    let looked_at = |kind: Kind| {
        let of_kind = kinds.iter().find(|summary| summary.kind == kind);
        of_kind.map_or(0, |k| k.records - k.outcomes.get(&Outcome::Waiting).copied().unwrap_or_default())
    };
    let shares = losses.iter().map(|loss| (loss, looked_at(loss.kind)));
    let mut many: Vec<_> = shares.filter(|(loss, all)| loss.records as f64 >= MANY * *all as f64).collect();
    many.sort_by_key(|(loss, _)| std::cmp::Reverse(loss.records));
    let shown = many.iter().take(SHOWN);
    let mut lines: Vec<String> =
        shown.map(|(loss, all)| format!("{} of {all} {} records: {}", loss.records, loss.kind, loss.says)).collect();
    if many.len() > SHOWN {
        lines.push(format!("{} more kinds of loss: `deskferry preview` lists them all", many.len() - SHOWN));
    }
    lines
}

/// What somebody should look at before they promise a date.
fn risks(inventory: &Inventory, preview: &Report) -> Vec<String> {
    let mut risks: Vec<String> = preview.blockers.iter().map(|blocker| blocker.problem.what.clone()).collect();
    for row in &preview.failing {
        risks
            .push(format!("{} of the previewed {}s would not be carried: {}", row.records, row.kind, row.problem.what));
    }
    risks.extend(frequent(&preview.losses, &preview.kinds));
    if let Some(thread) = inventory.longest_threads.first().filter(|thread| thread.size > LONG) {
        risks.push(format!("ticket {} has {} messages", thread.ticket, thread.size));
    }
    let people = &inventory.people;
    for (n, what) in
        [(people.inactive, "people are switched off"), (people.without_address, "people have no e-mail address")]
    {
        if n > 0 {
            risks.push(format!("{n} {what}"));
        }
    }
    if let Some(seconds) = preview.forecast.seconds.filter(|seconds| *seconds > 8.0 * 3600.0) {
        risks.push(format!("writing takes at least {}: more than a night", page::duration(seconds)));
    }
    risks
}

#[cfg(test)]
mod tests {
    use super::*;
    use deskferry::error::Loss;
    use std::collections::BTreeMap;

    #[test]
    fn a_loss_is_counted_among_the_records_of_its_kind_that_were_looked_at() {
        let kind = |kind, records, waiting| KindSummary {
            kind,
            records,
            outcomes: BTreeMap::from([(Outcome::Waiting, waiting)]),
            origins: BTreeMap::new(),
            reasons: vec![],
        };
        let lost = |kind, loss: Loss, records| LossSummary { kind, loss, says: loss.says(), records, times: records };
        let kinds = [kind(Kind::Ticket, 100, 80), kind(Kind::Article, 40, 0)];
        let losses =
            [lost(Kind::Ticket, Loss::Cc, 3), lost(Kind::Article, Loss::Markup, 40), lost(Kind::Article, Loss::Tag, 1)];
        let said = frequent(&losses, &kinds);
        assert_eq!(said.len(), 2, "one of forty is not many: {said:?}");
        assert!(said[0].starts_with("40 of 40 article") && said[1].starts_with("3 of 20 ticket"), "{said:?}");
    }
}
