//! `deskferry preview`

use super::args::{Global, PreviewArgs, at_file};
use super::draw::Screen;
use super::open::{Opened, Wanted, open};
use super::out;
use super::report::table;
use super::run::{ended, started, stopping};
use crate::report::page::{duration, thousands};
use crate::report::preview::{Blocker, Report, changes, page, shown};
use crate::report::{summary, write_report};
use deskferry::error::{Problem, Reason, Result};
use deskferry::pipeline::preview::{BEFORE, Extent, Previewed};
use deskferry::pipeline::{Approval, Ending};
use deskferry::printable;
use deskferry::record::Kind;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Changed records named one by one.
const NAMED: usize = 20;
/// What the files are called unless somebody says otherwise.
pub const NAME: &str = "preview";

pub async fn command(global: &Global, args: &PreviewArgs, screen: &Arc<Screen>) -> Result<u8> {
    let wanted = Wanted { choice: args.choice.choice(), dry: true, on_paper: true, ..Wanted::default() };
    let opened = open(&global.directory, wanted, screen).await?;
    let job = &opened.job;
    started(NAME, job);
    let work = async { job.preview(extent(args)).await.map_err(Ending::from) };
    let previewed = match stopping(job, noted(NAME, &opened, work), Err).await {
        Ok(previewed) => previewed,
        Err(ending) => return Ok(ended(NAME, job, &ending, screen)),
    };
    let report = Report::of(job, &previewed).await?;
    report.keep(&previewed.folder)?;
    let files = write(global, args, &opened, &previewed, &report).await?;

    let found = summary(&previewed.link).await?;
    let found = if previewed.extent == Extent::Chosen { found } else { found.of_some_tickets() };
    let mut text = table(&found);
    told(&report, &files, &mut text);
    if args.diff {
        compared(&job.state_dir.join(BEFORE), &previewed.folder, &mut text)?;
    }
    let ending = ending(&previewed, &report);
    if args.approve {
        approve(&opened, &report)?;
        text.push_str(&format!("\nApproved: this mapping, this scope, and {} kinds of loss.\n", report.losses.len()));
    }
    screen.clear();
    if !global.json {
        out::text(&text)?;
    }
    Ok(ended(NAME, job, &ending, screen))
}

fn extent(args: &PreviewArgs) -> Extent {
    match args.choice.sample {
        Some(most) => Extent::First(most),
        None if args.all || !args.choice.ids.is_empty() => Extent::Chosen,
        None => Extent::Ugly,
    }
}

/// The first command on a project is noted, so that what it staged is known for what it is; a later one leaves no trace
/// in the ledger.
pub async fn noted<T>(
    command: &str,
    opened: &Opened,
    work: impl Future<Output = Result<T, Ending>>,
) -> Result<T, Ending> {
    let link = &opened.job.link;
    let first = link.last_run().await.map_err(Ending::Failed)?.is_none();
    let run = match first {
        true => Some(link.run_started(command, &opened.manifests, None).await.map_err(Ending::Failed)?),
        false => None,
    };
    let done = work.await;
    if let Some(run) = run {
        let code = done.as_ref().map_or_else(|ending| i32::from(ending.exit_code()), |_| 0);
        link.run_ended(run, code, &json!(opened.job.calls())).await.map_err(Ending::Failed)?;
    }
    done
}

/// Where a command writes what it found: in the project folder unless somebody says otherwise.
pub fn output_files<const N: usize>(
    global: &Global,
    wanted: Option<&Path>,
    name: &str,
    endings: [&str; N],
) -> [PathBuf; N] {
    let base = wanted.map_or_else(|| global.directory.join(name), Path::to_owned);
    let base = if base.extension().is_some_and(|e| e == "html") { base.with_extension("") } else { base };
    endings.map(|ending| {
        let mut name = base.clone().into_os_string();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    })
}

/// How the run that was previewed would end.
fn ending(previewed: &Previewed, report: &Report) -> Ending {
    match report.blockers.first() {
        Some(blocker) => Ending::Refused(blocker.problem.clone()),
        None if report.failing.is_empty() => Ending::Complete,
        None => match &previewed.ending {
            Ending::Complete => Ending::Partial,
            ending => ending.clone(),
        },
    }
}

/// Writes the page and the tables, and says where.
async fn write(
    global: &Global,
    args: &PreviewArgs,
    opened: &Opened,
    previewed: &Previewed,
    report: &Report,
) -> Result<Vec<PathBuf>> {
    let [html, json, csv] = output_files(global, args.output.as_deref(), NAME, ["html", "json", "csv"]);
    let report = if args.redacted { report.clone().redacted() } else { report.clone() };
    let tickets = shown(&opened.job, previewed, args.redacted).await?;
    put(&html, page(&report, &tickets)?.as_bytes())?;
    put(&json, printable::json(&report.json()?).as_bytes())?;
    let mut files = vec![html, json];
    // The table names numbers, addresses and quotes of the account: it has no redacted form.
    if !args.redacted {
        write_report(&previewed.link, Kind::ALL, private(&csv)?).await?;
        files.push(csv);
    }
    Ok(files)
}

fn private(path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.map_err(at_file(path))
}

pub fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    private(path)?.write_all(bytes).map_err(at_file(path))
}

/// What the table of outcomes does not say.
fn told(report: &Report, files: &[PathBuf], out: &mut String) {
    let mut line = |text: String| {
        out.push_str(&printable::line(&text));
        out.push('\n');
    };
    let (some, all) = (thousands(report.previewed.tickets), thousands(report.totals.tickets));
    line(String::new());
    line(format!("{some} of {all} tickets in scope were checked; nothing was written to the target."));
    let forecast = &report.forecast;
    let about = if forecast.exact { "" } else { "about " };
    let time =
        forecast.seconds.map(|s| format!(", at least {} at the target's limits", duration(s))).unwrap_or_default();
    line(format!("A run takes {about}{} calls to the target{time}.", thousands(forecast.total)));
    if report.on_paper {
        line("Made against the platform's profile: [target] names no account. To be made or checked in it:".to_owned());
        report.to_check.iter().for_each(|row| line(format!("{:>6} {}", row.names.len(), row.what)));
    }
    for Blocker { problem, records, examples } in &report.blockers {
        line(format!("Blocker: {}", problem.what));
        if *records > 0 {
            line(format!("            {} records, such as {}", thousands(*records), examples.join(", ")));
        }
        problem.hint.iter().for_each(|hint| line(format!("            {hint}")));
    }
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    line(format!("To look at: {}", names.join(", ")));
}

fn compared(before: &Path, after: &Path, out: &mut String) -> Result<()> {
    let (changes, records) = changes(before, after)?;
    let mut line = |text: String| {
        out.push_str(&printable::line(&text));
        out.push('\n');
    };
    line(String::new());
    line("Changed since the previous preview:".to_owned());
    if changes.is_empty() && records.is_empty() {
        line("nothing changed".to_owned());
    }
    for change in changes {
        line(format!("{:>8} → {:<8} {}", change.before, change.after, change.what));
    }
    for record in records.iter().take(NAMED) {
        line(format!("other requests for {record}"));
    }
    if records.len() > NAMED {
        line(format!("… and for {} more", records.len() - NAMED));
    }
    Ok(())
}

/// Errors: `refused` while a run would be refused for another reason.
fn approve(opened: &Opened, report: &Report) -> Result<()> {
    if let Some(blocker) = report.blockers.first() {
        let what = format!("the preview cannot be approved, because a run cannot start: {}", blocker.problem.what);
        return Err(Problem { hint: blocker.problem.hint.clone(), ..Problem::new(Reason::Refused, what) });
    }
    if report.on_paper {
        let what = "nothing is approved without an account: what it holds decides what is lost";
        return Err(
            Problem::new(Reason::Refused, what).hint("give [target] its `url` and credentials, and preview again")
        );
    }
    let losses = report.losses.iter().map(|loss| loss.loss).collect();
    let approval = Approval { rules: opened.job.rules.clone(), losses, approved_at: deskferry::clock::wall() };
    approval.save(&opened.job.state_dir)
}
