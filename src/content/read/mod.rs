//! From each format into the [`document`](super::document).

pub(super) mod builder;
pub(super) mod html;
pub(super) mod markdown;
pub(super) mod text;
pub(super) mod textile;

use super::document::Document;
use crate::record::Format;

/// Reads a body whose line ends are LF. HTML, given or made of Markdown, is cleaned on the way.
pub(super) fn read(body: &str, from: Format) -> Document {
    match from {
        Format::Html => html::read(&super::clean(body)),
        Format::Markdown => html::read(&markdown::html(body)),
        Format::Text => text::read(body),
        Format::Textile => textile::read(body),
    }
}
