//! `deskferry status`

use super::args::Global;
use super::open::view;
use super::out;
use super::report::table;
use crate::report::summary;
use deskferry::error::{Problem, Reason, Result};
use deskferry::ledger::{Link, State};
use deskferry::printable;
use deskferry::record::Kind;
use serde_json::json;

/// Records in doubt that are named one by one.
const NAMED: usize = 20;

pub async fn command(global: &Global) -> Result<u8> {
    let link = view(&global.directory).await?;
    let summary = summary(&link).await?;
    let doubts = doubts(&link).await?;
    if global.json {
        let mut status = serde_json::to_value(&summary)
            .map_err(|e| Problem::new(Reason::Internal, format!("the status cannot be written: {e}")))?;
        status["doubts"] =
            doubts.iter().map(|(kind, id, url)| json!({ "kind": kind, "id": id, "look_at": url })).collect();
        out::json(&status)?;
    } else {
        let mut text = table(&summary);
        match &summary.last_run {
            None => text.push_str("\nno run yet\n"),
            Some(run) => {
                let ended = match (run.ended_at, run.exit_code) {
                    (Some(at), Some(code)) => format!("ended {at} with exit code {code}"),
                    _ => "has not ended: it is still running, or was killed (run the command again to continue)"
                        .to_owned(),
                };
                text.push_str(&format!("\nlast run: `{}` began {} and {ended}\n", run.command, run.started_at));
            }
        }
        for (kind, id, url) in &doubts {
            let doubt = format!("in doubt: {kind} {id}, look at {}", url.as_deref().unwrap_or("the target"));
            text.push_str(&format!("{}\n", printable::line(&doubt)));
        }
        out::text(&text)?;
    }
    Ok(0)
}

async fn doubts(link: &Link) -> Result<Vec<(Kind, String, Option<String>)>> {
    let mut doubts = Vec::new();
    for &kind in Kind::ALL {
        let rows = link.next(kind, &[State::InDoubt], None, NAMED).await?;
        doubts.extend(rows.into_iter().map(|row| (kind, row.id, row.look_at)));
    }
    Ok(doubts)
}
