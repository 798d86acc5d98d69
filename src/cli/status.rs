use super::args::Global;
pub async fn command(_g: &Global, _s: &super::draw::Screen) -> crate::error::Result<u8> {
    Ok(0)
}
