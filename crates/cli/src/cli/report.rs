//! `deskferry report`

use super::args::{Global, ReportArgs, ReportFormat, at_file};
use super::open::view;
use super::out::{self, Stdout};
use crate::report::{Outcome, Summary, summary, write_report};
use deskferry::error::{Problem, Reason, Result};
use deskferry::printable;
use deskferry::record::Kind;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub async fn command(global: &Global, args: &ReportArgs) -> Result<u8> {
    let link = view(&global.directory).await?;
    let format = if global.json { ReportFormat::Json } else { args.format };
    let text = match (format, &args.output) {
        (ReportFormat::Csv, Some(path)) => {
            write_report(&link, Kind::ALL, private(path)?).await?;
            return Ok(0);
        }
        (ReportFormat::Csv, None) => {
            let mut out = Stdout::default();
            let done = write_report(&link, Kind::ALL, &mut out).await;
            out.ended(done)?;
            return Ok(0);
        }
        (ReportFormat::Text, _) => table(&summary(&link).await?),
        (ReportFormat::Json, _) => {
            let json = serde_json::to_string_pretty(&summary(&link).await?);
            let json =
                json.map_err(|e| Problem::new(Reason::Internal, format!("the report cannot be written: {e}")))?;
            format!("{}\n", printable::json(&json))
        }
    };
    match &args.output {
        None => out::text(&text)?,
        Some(path) => private(path)?.write_all(text.as_bytes()).map_err(at_file(path))?,
    }
    Ok(0)
}

fn private(path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.map_err(at_file(path))
}

/// The summary for people.
pub fn table(summary: &Summary) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{text}");
    };
    let accounts = format!("{} → {} (link {})", summary.link.source, summary.link.target, summary.link.id);
    line(printable::line(&accounts).into_owned());
    line(String::new());
    for kind in &summary.kinds {
        let counts = Outcome::ALL.iter().filter_map(|outcome| {
            let n = kind.outcomes.get(outcome).copied().unwrap_or_default();
            (n > 0).then(|| format!("{n} {}", outcome.code().replace('_', " ")))
        });
        line(format!("{:<8} {:>6}  {}", kind.kind.code(), kind.records, counts.collect::<Vec<_>>().join(", ")));
        for why in &kind.reasons {
            line(format!("         {:>6}  {}: {} ({})", why.records, why.outcome.code(), why.says, why.reason));
        }
    }
    if !summary.losses.is_empty() {
        line(String::new());
        line("Changed or lost:".into());
        for loss in &summary.losses {
            line(format!("{:<8} {:>6}  {} ({})", loss.kind.code(), loss.times, loss.says, loss.loss));
        }
    }
    out
}
