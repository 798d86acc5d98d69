//! What an account holds, what moving it would take, and what could go wrong: for an offer, a plan, a decision.

use super::page;
use super::preview::Report;
use crate::error::{Problem, Reason, Result};
use crate::pipeline::inventory::Inventory;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

const TEMPLATE: &str = include_str!("assess.html");
/// Share of records a loss concerns from which it is named as a risk.
const MANY: f64 = 0.05;
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

/// What somebody should look at before they promise a date.
fn risks(inventory: &Inventory, preview: &Report) -> Vec<String> {
    let mut risks: Vec<String> = preview.blockers.iter().map(|problem| problem.what.clone()).collect();
    for row in &preview.failing {
        risks
            .push(format!("{} of the previewed {}s would not be carried: {}", row.records, row.kind, row.problem.what));
    }
    for loss in preview.losses.iter().filter(|l| l.records as f64 >= MANY * preview.previewed.tickets as f64) {
        risks.push(format!("{} of {} previewed tickets: {}", loss.records, preview.previewed.tickets, loss.says));
    }
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
