//! `check`: proves that both accounts can be used and that writing will mail nobody.

use super::{Event, Job, ORDER, Side, claim, requirements};
use crate::clock::VendorClock;
use crate::connector::CheckLine;
use crate::connector::profile::Silence;
use crate::error::{Problem, Reason, Result};
use crate::record::Kind;
use jiff::SignedDuration;
use serde_json::Value;

/// Clocks that differ by more than this are worth a word.
const FAR_APART: SignedDuration = SignedDuration::from_mins(1);

/// What the checks found.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    pub lines: Vec<(Side, CheckLine)>,
}

impl Checked {
    /// The first problem, which forbids to go on.
    pub fn problem(&self) -> Option<&Problem> {
        self.problems().next()
    }

    /// Whether an account failed one of its checks.
    pub fn fails(&self, side: Side) -> bool {
        self.lines.iter().any(|(of, line)| *of == side && line.found.is_err())
    }

    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.lines.iter().filter_map(|(_, line)| line.found.as_ref().err())
    }
}

/// Asks both accounts, and tells each line as it is known.
pub async fn check(job: &Job) -> Checked {
    let mut checked = Checked::default();
    let kinds: Vec<Kind> = ORDER.iter().copied().filter(|&kind| job.in_scope(kind)).collect();
    let (mut source, mut target) = tokio::join!(job.source.check(&kinds), of_target(job));
    source.extend(clocks(job.source.clock()));
    target.extend(clocks(job.target.clock()));
    let lines = source.into_iter().map(|line| (Side::Source, line));
    for (side, line) in lines.chain(target.into_iter().map(|line| (Side::Target, line))) {
        let (ok, found, problem) = match &line.found {
            Ok(found) => (true, Some(found.clone()).filter(|f| !f.is_empty()), None),
            Err(problem) => (false, None, Some(problem.clone())),
        };
        (job.tell)(Event::Check { account: side, proves: line.proves.clone(), ok, found, problem });
        checked.lines.push((side, line));
    }
    checked
}

/// Tells everything of the source that cannot be read as it is, and every file it names that is not there. A run goes on without; `check`
/// does not end well.
pub async fn check_rows(job: &Job) -> Result<Option<Problem>> {
    let faults = job.source.faults().await?;
    let (files, rows): (Vec<_>, Vec<_>) = faults.into_iter().partition(|fault| fault.reason == Reason::NotFound);
    let (missing, unreadable) = (files.len(), rows.len());
    for (proves, problems) in [("every row can be read", rows), ("every attached file is there", files)] {
        for problem in problems {
            let (proves, problem) = (proves.to_owned(), Some(problem));
            (job.tell)(Event::Check { account: Side::Source, proves, ok: false, found: None, problem });
        }
    }
    let (mut what, mut hints) = (Vec::new(), Vec::new());
    if unreadable > 0 {
        what.push(match unreadable {
            1 => "1 cell or row of the export cannot be read".to_owned(),
            many => format!("{many} cells or rows of the export cannot be read"),
        });
        hints.push(
            "correct them, or write in columns.toml how to read them; a run migrates the other records, and theirs fail",
        );
    }
    if missing > 0 {
        what.push(match missing {
            1 => "1 attached file is missing".to_owned(),
            many => format!("{many} attached files are missing"),
        });
        hints.push("put the files into the folder; a run migrates their tickets without them, and a later run attaches what is there by then");
    }
    Ok((!what.is_empty()).then(|| Problem::new(Reason::Refused, what.join(", and ")).hint(hints.join("; "))))
}

/// What a run would be refused for by the target. Tells nobody.
pub async fn of_target(job: &Job) -> Vec<CheckLine> {
    if job.target.is_on_paper() {
        // What an account must be like is told as what is to be checked.
        return vec![];
    }
    let mut lines = job.target.check().await;
    if lines.iter().all(|line| line.found.is_ok()) && !job.target.profile().verbatim {
        let proves = "the required ticket fields of the target are known".to_owned();
        lines.extend(requirements::check(job).await.unwrap_or_else(|e| Some(CheckLine { proves, found: Err(e) })));
    }
    if lines.iter().all(|line| line.found.is_ok()) {
        lines.extend(claim::line(job).await);
    }
    lines.extend(silence(job));
    lines
}

/// Says so where this machine's clock and the account's are far apart. It is no problem: nothing is asked in this machine's time.
fn clocks(account: &VendorClock) -> Option<CheckLine> {
    let ahead = account.ahead().filter(|ahead| ahead.abs() >= FAR_APART)?;
    let side = if ahead.is_positive() { "ahead of" } else { "behind" };
    let seconds = SignedDuration::from_secs(ahead.abs().as_secs());
    let found = format!(
        "this machine's clock is {seconds:#} {side} this account's: correct it, or consider the difference when you read logs"
    );
    Some(CheckLine { proves: "the clock of the account is known".to_owned(), found: Ok(found) })
}

/// Nobody is mailed: by the calls used, or by the admin's word that mail is off.
fn silence(job: &Job) -> Option<CheckLine> {
    let proves = "no e-mail notifications".to_owned();
    match job.target.profile().silence {
        Silence::Always => None,
        Silence::Declared if job.project.target.silenced => {
            Some(CheckLine { proves, found: Ok("assumed, because `silenced = true` is set; not verified".into()) })
        }
        Silence::Declared if silenced_by(job) => {
            Some(CheckLine { proves, found: Ok("the account confirms that it sends none".into()) })
        }
        Silence::Declared => Some(CheckLine {
            proves,
            found: Err(Problem::new(
                Reason::Refused,
                "the platform may send e-mail about migrated records, and its API cannot prevent this",
            )
            .hint(job.target.how_to_silence().to_owned())),
        }),
    }
}

fn silenced_by(job: &Job) -> bool {
    let key = job.target.profile().silenced_by.as_deref();
    key.and_then(|key| job.target.answer(key)) == Some(&Value::Bool(true))
}
