//! The page of a preview.

use super::{Report, Shown};
use crate::report::{Outcome, page};
use deskferry::error::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};

const TEMPLATE: &str = include_str!("page.html");

/// The preview as a page for a browser or a printer.
pub fn page(report: &Report, tickets: &[Shown]) -> Result<String> {
    let most = |n: &mut dyn Iterator<Item = u64>| n.max().unwrap_or_default().max(1);
    // A column for an outcome that came about.
    let came = |outcome: &&Outcome| report.kinds.iter().any(|kind| kind.outcomes.get(outcome).is_some_and(|n| *n > 0));
    let outcomes: Vec<&Outcome> = Outcome::ALL.iter().filter(came).collect();
    page::draw(
        TEMPLATE,
        context! {
            report => Value::from(Serde(report)),
            tickets => Value::from(Serde(tickets)),
            most_lost => most(&mut report.losses.iter().map(|l| l.times)),
            most_called => most(&mut report.forecast.calls.iter().map(|c| c.total)),
            outcomes => Value::from(Serde(outcomes)),
        },
    )
}
