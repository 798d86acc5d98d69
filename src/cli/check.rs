//! `deskferry check`

use super::args::Global;
use super::draw::Screen;
use super::open::{Aim, Wanted, open};
use super::run::ended;
use crate::error::Result;
use crate::pipeline::{self, Ending};
use std::sync::Arc;

pub async fn command(global: &Global, screen: &Arc<Screen>) -> Result<u8> {
    let opened = open(&global.directory, Wanted { aim: Aim::Look, dry: true, ..Wanted::default() }, screen).await?;
    let checked = pipeline::check(&opened.job).await;
    let unreadable = pipeline::check_rows(&opened.job).await?;
    let ending = match checked.problem().or(unreadable.as_ref()) {
        None => Ending::Complete,
        Some(problem) => Ending::Refused(problem.clone()),
    };
    Ok(ended("check", &opened.job, &ending, screen))
}
