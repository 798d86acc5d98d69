//! `deskferry ids`

use super::args::Global;
use super::open::view;
use crate::error::Result;
use crate::record::Kind;
use crate::report::write_ids;
use std::io::stdout;

pub async fn command(global: &Global) -> Result<u8> {
    let link = view(&global.directory).await?;
    write_ids(&link, Kind::ALL, stdout()).await?;
    Ok(0)
}
