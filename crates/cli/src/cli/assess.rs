//! `deskferry assess`

use super::args::{AssessArgs, Global};
use super::draw::Screen;
use super::open::{Wanted, open};
use super::out;
use super::preview::{noted, output_files, put};
use super::run::{ended, started, stopping};
use crate::report::assess::Assessment;
use crate::report::page::{bytes, duration, thousands};
use crate::report::preview::Report;
use deskferry::connector::LeftBehind;
use deskferry::error::Result;
use deskferry::pipeline::Ending;
use deskferry::pipeline::preview::Extent;
use deskferry::printable;
use std::sync::Arc;

const NAME: &str = "assess";
/// Names shown in the terminal of things of one kind; the files have them all.
const NAMED: usize = 5;

pub async fn command(global: &Global, args: &AssessArgs, screen: &Arc<Screen>) -> Result<u8> {
    let opened = open(&global.directory, Wanted { dry: true, ..Wanted::source_alone() }, screen).await?;
    let job = &opened.job;
    started(NAME, job);
    let looked = noted(NAME, &opened, async {
        let inventory = job.inventory().await.map_err(Ending::from)?;
        Ok((inventory, job.preview(Extent::Ugly).await.map_err(Ending::from)?))
    });
    let (inventory, previewed) = match stopping(job, looked, Err).await {
        Ok(both) => both,
        Err(ending) => return Ok(ended(NAME, job, &ending, screen)),
    };
    let assessment = Assessment::of(inventory, Report::of(job, &previewed).await?);
    let [html, json] = output_files(global, args.output.as_deref(), NAME, ["html", "json"]);
    put(&html, assessment.page()?.as_bytes())?;
    put(&json, printable::json(&assessment.json()?).as_bytes())?;
    screen.clear();
    if !global.json {
        let mut text = told(&assessment);
        text.push_str(&format!("\nTo look at: {}, {}\n", html.display(), json.display()));
        out::text(&text)?;
    }
    Ok(ended(NAME, job, &Ending::Complete, screen))
}

/// How many, and what the first are called.
fn left_behind(left: &LeftBehind) -> String {
    let more = left.names.len().saturating_sub(NAMED);
    let mut names = left.names.iter().take(NAMED).cloned().collect::<Vec<_>>();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let at_least = if left.whole { "" } else { "more than " };
    let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    let hint = left.hint.as_ref().map(|hint| format!("\n    hint: {hint}")).unwrap_or_default();
    let line = format!("  {} ({at_least}{}){names}", left.what, thousands(left.many));
    format!("{}{hint}", printable::line(&line))
}

fn told(assessment: &Assessment) -> String {
    let Assessment { inventory, preview, risks } = assessment;
    let mut lines = Vec::new();
    for kind in &inventory.kinds {
        let states = kind.states.iter().filter(|(state, _)| state.code() != "live");
        let states: String = states.map(|(state, n)| format!(", {n} {state}")).collect();
        lines.push(format!("{:<8} {:>8}{states}", kind.kind.code(), thousands(kind.records)));
    }
    let totals = &inventory.totals;
    lines.push(format!(
        "\nIn scope: {} tickets, {} messages ({} private), {} files of {}, {} inline images",
        thousands(totals.tickets),
        thousands(totals.messages),
        thousands(inventory.private_messages),
        thousands(totals.files),
        bytes(totals.file_bytes),
        thousands(inventory.inline_images),
    ));
    let forecast = &preview.forecast;
    let time =
        forecast.seconds.map(|s| format!(", at least {} at the target's limits", duration(s))).unwrap_or_default();
    lines.push(format!("A run takes about {} calls to the target{time}.", thousands(forecast.total)));
    if preview.on_paper {
        let counts = preview.to_check.iter().map(|row| format!("{} {}", row.names.len(), row.what)).collect::<Vec<_>>();
        lines.push(
            "\nMade against the platform's profile: [target] names no account. To be made or checked in it:".to_owned(),
        );
        lines.push(format!("  {}", counts.join(", ")));
    }
    if !risks.is_empty() {
        lines.push("\nRisks:".to_owned());
        lines.extend(risks.iter().map(|risk| format!("  {}", printable::line(risk))));
    }
    if !inventory.left.is_empty() {
        lines.push("\nNot migrated, rebuild by hand:".to_owned());
        lines.extend(inventory.left.iter().map(left_behind));
    }
    lines.join("\n") + "\n"
}
