//! `deskferry report`

use super::args::{Global, ReportArgs, ReportFormat, at_file};
use super::open::view;
use crate::error::{Problem, Reason, Result};
use crate::record::Kind;
use crate::report::{Outcome, Summary, summary, write_report};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{Write, stdout};
use std::os::unix::fs::OpenOptionsExt;

pub async fn command(global: &Global, args: &ReportArgs) -> Result<u8> {
    let link = view(&global.directory).await?;
    let format = if global.json { ReportFormat::Json } else { args.format };
    let mut out: Box<dyn Write + Send> = match &args.output {
        None => Box::new(stdout()),
        Some(path) => {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
            Box::new(file.map_err(at_file(path))?)
        }
    };
    let text = match format {
        ReportFormat::Csv => {
            write_report(&link, Kind::ALL, out).await?;
            return Ok(0);
        }
        ReportFormat::Text => table(&summary(&link).await?),
        ReportFormat::Json => {
            let json = serde_json::to_string_pretty(&summary(&link).await?);
            json.map_err(|e| Problem::new(Reason::Internal, format!("the report cannot be written: {e}")))? + "\n"
        }
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Who closes a pipe has read enough.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
        Err(e) => Err(e.into()),
        Ok(()) => Ok(0),
    }
}

/// The summary for people.
pub fn table(summary: &Summary) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{text}");
    };
    line(format!("{} → {} (link {})", summary.link.source, summary.link.target, summary.link.id));
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
        line("What this pair of platforms does not carry as it was:".into());
        for loss in &summary.losses {
            line(format!("{:<8} {:>6}  {} ({})", loss.kind.code(), loss.times, loss.says, loss.loss));
        }
    }
    out
}
