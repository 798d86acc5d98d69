//! What a preview found: a summary for programs, a table for spreadsheets, a page for people.
//!
//! Everything is read from what the preview left in its folder. The page needs nothing else: no script, no picture, no
//! address. Names of the JSON are an interface: `docs/interface.md` lists them.

mod diff;
mod forecast;
mod html;
mod mask;
mod ticket;

pub use diff::{Change, changes};
pub use forecast::{CallForecast, Forecast};
pub use html::page;
pub use ticket::{Message, Request, Shown, View, shown};

use super::{KindSummary, LinkSummary, LossSummary, Outcome, comes_with_tickets, summary};
use deskferry::error::{Loss, Problem, Reason, Result};
use deskferry::ledger::{ProblemDetail, State};
use deskferry::pipeline::assumed::ToCheck;
use deskferry::pipeline::preview::{Extent, Previewed, RESULT, Totals};
use deskferry::pipeline::{Ending, Job};
use deskferry::record::Kind;
use jiff::Timestamp;
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Rows of a list shown; the CSV has all.
const ROWS: u32 = 200;
/// Losses that name a value, a field or a person the target does not have.
const UNMAPPED: [Loss; 4] = [Loss::Value, Loss::Field, Loss::Group, Loss::Tag];
const MISSING: [Loss; 3] = [Loss::Assignee, Loss::Requester, Loss::Author];

/// `preview.json`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub made_at: Timestamp,
    pub version: &'static str,
    pub link: LinkSummary,
    /// `ugly`, `first` or `chosen`.
    pub extent: &'static str,
    /// Of all tickets in scope.
    pub totals: Totals,
    pub previewed: Totals,
    pub kinds: Vec<KindSummary>,
    pub losses: Vec<LossSummary>,
    /// Whether it was made against the platform's profile, without an account.
    pub on_paper: bool,
    /// What is to be made or checked in the account then.
    pub to_check: Vec<ToCheck>,
    /// Why `run` would be refused, and what the target requires of records that lack it.
    pub blockers: Vec<Blocker>,
    /// Records that would not be migrated, by what they fail of.
    pub failing: Vec<Count>,
    /// What is left out on purpose.
    pub skipped: Vec<Count>,
    /// Values, fields and groups the target does not have.
    pub unmapped: Vec<LostDetail>,
    /// People the target does not have.
    pub missing_people: Vec<LostDetail>,
    pub forecast: Forecast,
    /// Source ids of the tickets that are shown.
    pub shown: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Count {
    pub kind: Kind,
    pub outcome: Outcome,
    #[serde(flatten)]
    pub problem: Problem,
    pub records: u64,
    /// Source ids of the first of them.
    pub examples: Vec<String>,
}

/// What is in the way: of a run as a whole, or of some records the target would refuse.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Blocker {
    #[serde(flatten)]
    pub problem: Problem,
    /// How many records; 0 where all are concerned.
    pub records: u64,
    pub examples: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LostDetail {
    pub kind: Kind,
    pub loss: Loss,
    pub detail: String,
    pub records: u64,
}

impl Report {
    pub async fn of(job: &Job, previewed: &Previewed) -> Result<Report> {
        let link = &previewed.link;
        let is_whole = previewed.extent == Extent::Chosen;
        let summary = summary(link).await?;
        let summary = if is_whole { summary } else { summary.of_some_tickets() };
        let counts = |states: &'static [State]| async move {
            let rows = link.problem_details(states, ROWS).await?;
            let count = |of: ProblemDetail| Count {
                kind: of.kind,
                outcome: Outcome::of(of.state),
                problem: of.problem,
                records: of.records,
                examples: of.examples,
            };
            Ok::<_, Problem>(rows.into_iter().map(count).collect::<Vec<_>>())
        };
        let lost = |losses: &'static [Loss]| async move {
            let rows = link.loss_details(losses, ROWS).await?;
            let lost = |(kind, loss, detail, records)| LostDetail { kind, loss, detail, records };
            Ok::<_, Problem>(rows.into_iter().map(lost).collect::<Vec<_>>())
        };
        let failing = counts(&[State::Failed, State::Parked, State::InDoubt]).await?;
        let mut skipped = counts(&[State::Skipped]).await?;
        skipped.retain(|row| is_whole || row.problem.reason != Reason::Scope || !comes_with_tickets(row.kind));
        let whole = |problem: Problem| Blocker { problem, records: 0, examples: vec![] };
        let mut blockers: Vec<Blocker> =
            previewed.checks.iter().filter_map(|line| line.found.clone().err()).map(whole).collect();
        if let Ending::Refused(problem) = &previewed.ending {
            blockers.push(whole(problem.clone()));
        }
        blockers.extend(failing.iter().filter(|row| row.problem.reason == Reason::Demanded).map(|row| Blocker {
            problem: row.problem.clone(),
            records: row.records,
            examples: row.examples.clone(),
        }));
        Ok(Report {
            made_at: Timestamp::from_second(deskferry::clock::wall().as_second()).unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION"),
            extent: match previewed.extent {
                Extent::Ugly => "ugly",
                Extent::First(_) => "first",
                Extent::Chosen => "chosen",
            },
            totals: previewed.totals,
            previewed: previewed.previewed,
            on_paper: previewed.on_paper,
            to_check: previewed.to_check.clone(),
            blockers,
            failing,
            skipped,
            unmapped: lost(&UNMAPPED).await?,
            missing_people: lost(&MISSING).await?,
            forecast: Forecast::of(job, previewed, &summary.kinds)?,
            link: summary.link,
            kinds: summary.kinds,
            losses: summary.losses,
            shown: previewed.sample.iter().map(|(id, _)| id.clone()).collect(),
        })
    }

    /// Writes it where the next preview looks for what this one found. Last of all: it says that this preview is whole.
    pub fn keep(&self, folder: &Path) -> Result<()> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(folder.join(RESULT));
        let mut file = file.map_err(|e| Problem::from(e).at(folder.display()))?;
        Ok(file.write_all(self.json()?.as_bytes())?)
    }

    pub fn json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        Ok(json.map_err(|e| Problem::new(Reason::Internal, format!("the preview cannot be written: {e}")))? + "\n")
    }

    /// The same without names and values of the account.
    pub fn redacted(mut self) -> Report {
        for row in self.unmapped.iter_mut().chain(&mut self.missing_people) {
            row.detail = mask::text(&row.detail);
        }
        for row in self.failing.iter_mut().chain(&mut self.skipped) {
            row.problem.what = mask::quoted(&row.problem.what);
        }
        for row in &mut self.to_check {
            row.names.iter_mut().for_each(|name| *name = mask::text(name));
        }
        self.link.source = mask::host(&self.link.source);
        self.link.target = mask::host(&self.link.target);
        self
    }
}
