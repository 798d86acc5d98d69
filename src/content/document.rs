//! The small tree between two formats: what all of them can say, and nothing of how they say it.

use std::rc::Rc;

pub(super) type Document = Vec<Block>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    Paragraph(Vec<Run>),
    Heading(u8, Vec<Run>),
    Quote(Vec<Block>),
    /// Kept to the character, without the last line end.
    Code {
        language: Option<String>,
        text: String,
    },
    List {
        ordered: bool,
        items: Vec<Vec<Block>>,
    },
    Table(Vec<Vec<Cell>>),
    Rule,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cell {
    pub header: bool,
    pub columns: u16,
    pub rows: u16,
    pub blocks: Vec<Block>,
}

/// A piece of a paragraph. Styles are flags of the run, not a tree: no nesting, no recursion.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub piece: Piece,
    pub style: Style,
    pub link: Option<Rc<str>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Break,
    Image { source: Rc<str>, alt: String },
}

impl Run {
    pub fn text(text: impl Into<String>) -> Self {
        Self { piece: Piece::Text(text.into()), style: Style::default(), link: None }
    }

    pub fn line_break() -> Self {
        Self { piece: Piece::Break, style: Style::default(), link: None }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub strong: bool,
    pub emphasis: bool,
    pub strike: bool,
    pub code: bool,
}

/// Whether the runs show anything.
pub(super) fn is_blank(runs: &[Run]) -> bool {
    runs.iter().all(|r| match &r.piece {
        Piece::Text(t) => t.chars().all(char::is_whitespace),
        Piece::Break => true,
        Piece::Image { .. } => false,
    })
}

/// The runs without white space at either end, as one or several paragraphs: two line breaks in a row
/// begin another.
pub(super) fn paragraphs(runs: Vec<Run>) -> Vec<Vec<Run>> {
    let mut all = vec![];
    let mut current: Vec<Run> = vec![];
    let mut breaks = 0;
    for run in runs {
        match &run.piece {
            Piece::Break => breaks += 1,
            Piece::Text(t) if breaks > 0 && t.chars().all(char::is_whitespace) => {}
            _ => {
                if breaks > 1 {
                    all.push(std::mem::take(&mut current));
                } else if breaks == 1 && !current.is_empty() {
                    current.push(Run::line_break());
                }
                breaks = 0;
                current.push(run);
            }
        }
    }
    all.push(current);
    all.retain(|runs| !is_blank(runs));
    all
}

/// Calls `see` with every image, in order of appearance.
pub(super) fn for_each_image(blocks: &[Block], see: &mut dyn FnMut(&str)) {
    for block in blocks {
        match block {
            Block::Paragraph(runs) | Block::Heading(_, runs) => {
                for run in runs {
                    if let Piece::Image { source, .. } = &run.piece {
                        see(source);
                    }
                }
            }
            Block::Quote(blocks) => for_each_image(blocks, see),
            Block::List { items, .. } => items.iter().for_each(|item| for_each_image(item, see)),
            Block::Table(rows) => rows.iter().flatten().for_each(|cell| for_each_image(&cell.blocks, see)),
            Block::Code { .. } | Block::Rule => {}
        }
    }
}
