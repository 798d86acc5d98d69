//! What becomes of HTML that is sent: cleaned as [`crate::html`] says.

use crate::html::cleaned;
pub use crate::html::{is_blank, text};

/// As it is stored: cleaned, and in a `<div>` as the page's answers show it.
pub fn clean(html: &str) -> String {
    let cleaned = cleaned(html);
    if cleaned.starts_with("<div") { cleaned } else { format!("<div>{cleaned}</div>") }
}
