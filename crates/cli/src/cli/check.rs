//! `deskferry check`

use super::args::Global;
use super::draw::Screen;
use super::open::{Aim, Wanted, open};
use super::run::ended;
use deskferry::error::{Problem, Result};
use deskferry::pipeline::{self, Asked, Ending, Side};
use std::sync::Arc;

pub async fn command(global: &Global, screen: &Arc<Screen>) -> Result<u8> {
    let opened = open(&global.directory, Wanted { aim: Aim::Look, dry: true, ..Wanted::default() }, screen).await?;
    let checked = pipeline::check(&opened.job).await;
    let unreadable = match pipeline::check_rows(&opened.job).await {
        // A folder that cannot be read at all was told of already, and ends this as it ends a run.
        Err(_) if checked.problems().next().is_some() => None,
        found => found?,
    };
    let target = match checked.fails(Side::Target) {
        true => Asked::Silent,
        false => Asked::Answers,
    };
    let unknown = match pipeline::check_words(&opened.job, target).await {
        Ok(unknown) => unknown,
        Err(stop) => return Ok(ended("check", &opened.job, &stop.into(), screen)),
    };
    let ending = match checked.problems().chain(&unreadable).chain(&unknown).collect::<Vec<_>>().as_slice() {
        [] => Ending::Complete,
        [problem] => Ending::Refused((*problem).clone()),
        // Each is listed above; one of them may stand for many cells.
        [first, others @ ..] => {
            let what = match others {
                [other] if other.what == first.what => first.what.clone(),
                [other] => format!("{}; and {}", first.what, other.what),
                _ => format!("{}; and {} more, as listed above", first.what, others.len()),
            };
            Ending::Refused(Problem { what, ..(*first).clone() })
        }
    };
    Ok(ended("check", &opened.job, &ending, screen))
}
