//! `deskferry ids`

use super::args::{Global, IdsArgs};
use super::draw::Screen;
use super::open::{Aim, Wanted, open, view};
use super::out::Stdout;
use super::run::restore;
use crate::report::write_ids;
use deskferry::error::Result;
use deskferry::record::Kind;
use std::sync::Arc;

pub async fn command(global: &Global, args: &IdsArgs, screen: &Arc<Screen>) -> Result<u8> {
    if args.rebuild {
        let opened = open(&global.directory, Wanted { aim: Aim::Write, ..Wanted::default() }, screen).await?;
        let code = restore(&opened, screen).await?;
        if code != 0 {
            return Ok(code);
        }
    }
    let link = view(&global.directory).await?;
    let mut out = Stdout::default();
    let done = write_ids(&link, Kind::ALL, &mut out).await;
    out.ended(done)?;
    Ok(0)
}
