//! What becomes of HTML that is sent: cleaned as [`crate::sandbox::html`] says.

use crate::sandbox::html::cleaned;
pub use crate::sandbox::html::{is_blank, text};

/// As it is stored: cleaned, and in a `<div>` as the page's answers show it.
pub fn clean(html: &str) -> String {
    let cleaned = cleaned(html);
    if cleaned.starts_with("<div") { cleaned } else { format!("<div>{cleaned}</div>") }
}
