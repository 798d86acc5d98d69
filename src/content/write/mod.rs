//! From the [`document`](super::document) into each format. Each writer answers with the text and whether
//! it had to leave formatting away.

pub(super) mod html;
mod inline;
pub(super) mod markdown;
mod redmine;
pub(super) mod text;
pub(super) mod textile;

pub(super) use markdown::escape_line as escape_markdown;
pub(super) use textile::{emphasise as emphasise_textile, escape_line as escape_textile};

/// Levels of quotation and of lists that are written; deeper ones are written as this one.
const DEEPEST: usize = 20;
