use super::args::{Global, ReportArgs};
pub async fn command(_g: &Global, _r: &ReportArgs, _s: &super::draw::Screen) -> crate::error::Result<u8> {
    Ok(0)
}
