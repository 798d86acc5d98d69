//! What a message says, whatever it is written in: cleaning, conversion, inline images, file names,
//! and every line that Deskferry adds to a body.
//!
//! A body is hostile until it has been through this room: it may hold scripts, a hundred thousand
//! nested tags, or plain words that the target would take for markup. Conversion keeps every word:
//! HTML, Markdown, Textile and text are read into one small [`document`] and written from it, and what
//! the target's markup would eat is escaped only where it really would. The Textile and Markdown written
//! here are those Redmine renders; a reader of the raw text sees the words themselves, because the
//! escape is an invisible character (U+2060 WORD JOINER) wherever that is enough.
//!
//! The room reads and writes strings. It never fetches an image, opens a file or knows a platform.

pub mod clean;
mod document;
pub mod embedded;
pub mod file_name;
pub mod header;
pub mod image;
pub mod links;
pub mod mentions;
pub mod mime;
pub mod normalise;
pub mod notes;
mod read;
pub mod split;
mod write;

pub use clean::clean;
pub use image::{ImagePlace, ImageRef, images, readdress};
pub use normalise::normalise;
pub use split::split;

use crate::error::Loss;
use crate::printable;
use crate::record::Format;
use image::Gallery;
use std::borrow::Cow;

/// U+2060: takes no room, breaks no line, and stops the markup around it.
pub(crate) const JOINER: char = '\u{2060}';

/// A body in the target's format.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Converted {
    pub text: String,
    /// One [`Loss::Markup`] at most; one [`Loss::InlineImage`] or [`Loss::ImageGone`] an image.
    pub losses: Vec<Loss>,
}

/// Writes `body` in another format, with each image where `images` says.
///
/// Takes linear time and bounded stack whatever the body holds. HTML is cleaned on the way, names after
/// an `@` no longer notify in Textile and Markdown, and line ends are LF. With `from == to` the body stays
/// as it is written but for those three and the images.
pub fn convert(body: &str, from: Format, to: Format, images: &dyn Fn(&ImageRef) -> ImagePlace) -> Converted {
    let body = line_ends(body);
    let embeds = from == Format::Html && embedded::played(&body, &|_| true).lost;
    let gallery = Gallery::new(images, to);
    let (text, simplified) = match (from, to) {
        (Format::Html, Format::Html) => (image::replace_in_html(&clean(&body), &gallery), false),
        (Format::Markdown, Format::Html) => (image::replace_in_html(&read::markdown::html(&body), &gallery), false),
        (Format::Text, Format::Text) => (body.into_owned(), false),
        (Format::Textile, Format::Textile) => {
            (mentions::defuse_textile(&image::replace_in_textile(&body, &gallery)), false)
        }
        (Format::Markdown, Format::Markdown) => {
            (mentions::defuse_markdown(&image::replace_in_markdown(&body, &gallery)), false)
        }
        _ => {
            let document = read::read(&body, from);
            match to {
                Format::Html => write::html::write(&document, &gallery),
                Format::Text => write::text::write(&document, &gallery),
                Format::Markdown => write::markdown::write(&document, &gallery),
                Format::Textile => write::textile::write(&document, &gallery),
            }
        }
    };
    let mut losses = gallery.into_losses();
    if simplified || embeds {
        losses.push(Loss::Markup);
    }
    Converted { text, losses }
}

/// Whether a body shows nothing at all: no word, and no picture.
pub fn is_blank(body: &str, format: Format) -> bool {
    let hidden = |c: char| c.is_whitespace() || printable::is_hidden(c);
    match format {
        Format::Html => {
            let is =
                |tag: &str, name: &str| tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            let shows = |tag: &str| ["img", "hr", "video", "iframe"].iter().any(|name| is(tag, name));
            let mut rest = body;
            while let Some(open) = rest.find('<') {
                let after = &rest[open + 1..];
                let end = after.find('>').map_or(after.len(), |at| at + 1);
                if !without_spaces(&rest[..open]).chars().all(hidden) || shows(after) {
                    return false;
                }
                rest = &after[end..];
            }
            without_spaces(rest).chars().all(hidden)
        }
        Format::Text | Format::Markdown | Format::Textile => body.chars().all(hidden),
    }
}

/// Without the names HTML has for spaces.
fn without_spaces(text: &str) -> String {
    ["&nbsp;", "&#160;", "&#xa0;", "&#xA0;"].iter().fold(text.to_owned(), |text, space| text.replace(space, " "))
}

/// CRLF and CR become LF; a form feed or vertical tab becomes LF too; other control characters, which no
/// platform stores, go.
fn line_ends(body: &str) -> Cow<'_, str> {
    let odd = |c: char| c.is_ascii_control() && c != '\n' && c != '\t';
    if !body.contains(odd) {
        return Cow::Borrowed(body);
    }
    let mut out = String::with_capacity(body.len());
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\u{b}' | '\u{c}' => out.push('\n'),
            c if odd(c) => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod shapes_tests;
#[cfg(test)]
mod tests;
