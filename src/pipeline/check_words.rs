//! What `check` says of the words in `mapping.toml` and `[scope]` that name nothing in either account: all at once, each with its line.
//!
//! What the source has is known as far as it is staged. Nothing is read of it for this, and nothing is written.

use super::{Event, Job, Side, Stop, survey};
use crate::error::{Problem, Reason};
use crate::ledger::State;
use crate::mapping::words::{self, At, Unknown};
use crate::project::{Scope, TomlText};
use crate::record::Kind;

/// Whether the target can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Answers,
    /// It failed its checks.
    Silent,
}

/// Tells every such word. A run would fail each record that needs it.
///
/// Errors: those of the target.
pub async fn check_words(job: &Job, target: Target) -> Result<Vec<Problem>, Stop> {
    let is_staged = !job.link.next(Kind::Ticket, State::ALL, None, 1).await?.is_empty();
    let mut wrong = of_mapping(job, target, is_staged).await?;
    let has_words = |scope: &Scope| {
        !(scope.ids.is_empty() && scope.statuses.is_empty() && scope.tags.is_empty() && scope.groups.is_empty())
    };
    if is_staged {
        let of_scope = job.wrong_scope(true).await?;
        wrong.extend(
            of_scope.into_iter().map(|problem| {
                ("everything named in [scope] exists in the source", Side::Source, in_file(job, problem))
            }),
        );
    } else if has_words(&job.project.scope) {
        note(job, "[scope] was not compared with the source: no tickets are staged; `deskferry stage` reads them");
    }
    Ok(wrong
        .into_iter()
        .map(|(proves, account, problem)| {
            let (proves, shown) = (proves.to_owned(), Some(problem.clone()));
            (job.tell)(Event::Check { account, proves, ok: false, found: None, problem: shown });
            problem
        })
        .collect())
}

async fn of_mapping(job: &Job, target: Target, is_staged: bool) -> Result<Vec<(&'static str, Side, Problem)>, Stop> {
    let Some(path) = job.project.mapping_path() else { return Ok(vec![]) };
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(vec![]) };
    if target == Target::Silent {
        note(job, "mapping.toml was not compared with the accounts: the target did not pass its checks");
        return Ok(vec![]);
    }
    if !is_staged && !job.target.profile().verbatim {
        note(
            job,
            "mapping.toml was compared with the target alone: no tickets of the source are staged; `deskferry stage` reads them",
        );
    }
    let survey = survey::as_staged(job, words::agents(&job.mapping)).await?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let text = TomlText::new(&name, &text, Reason::Mapping);
    let unknown = words::unknown(&job.mapping, &survey.observed, &survey.there);
    let proves = "everything named in the mapping exists in the accounts";
    Ok(unknown.into_iter().map(|unknown| (proves, Side::Target, placed(&text, unknown))).collect())
}

fn placed(text: &TomlText, Unknown { path, at, what, hint }: Unknown) -> Problem {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let problem = match at {
        At::Key => text.error_at_key(&path, what),
        At::Value => text.error_at_value(&path, what),
    };
    Problem { hint, ..problem }
}

/// A problem of the scope with its line.
fn in_file(job: &Job, problem: Problem) -> Problem {
    let key = problem.what.strip_prefix("[scope] ").and_then(|rest| Some(rest.split_once(':')?.0.to_owned()));
    match key {
        Some(key) => Problem {
            hint: problem.hint,
            reason: Reason::Scope,
            ..job.project.error_within(&["scope", &key], &problem.what)
        },
        None => problem,
    }
}

fn note(job: &Job, what: &str) {
    (job.tell)(Event::Note { what: what.to_owned() });
}
