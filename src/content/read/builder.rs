//! Grows a document from opens, closes and runs, with an explicit stack: no reader recurses.

use crate::content::document::{Block, Cell, Document, Run, paragraphs};

/// What is open around the current paragraph.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::content) enum Open {
    Quote,
    List { ordered: bool },
    Item,
    Table,
    Row,
    Cell { header: bool, columns: u16, rows: u16 },
    Heading(u8),
}

#[derive(Debug)]
struct Frame {
    open: Open,
    blocks: Vec<Block>,
    items: Vec<Vec<Block>>,
    cells: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Default)]
pub(in crate::content) struct Builder {
    frames: Vec<Frame>,
    root: Vec<Block>,
    runs: Vec<Run>,
}

impl Builder {
    pub fn run(&mut self, run: Run) {
        self.runs.push(run);
    }

    /// The runs of the paragraph so far.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    pub fn inside(&self, wanted: impl Fn(&Open) -> bool) -> bool {
        self.frames.iter().any(|f| wanted(&f.open))
    }

    pub fn innermost(&self) -> Option<&Open> {
        self.frames.last().map(|f| &f.open)
    }

    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    pub fn open(&mut self, open: Open) {
        self.flush();
        self.frames.push(Frame { open, blocks: vec![], items: vec![], cells: vec![], rows: vec![] });
    }

    /// Ends the current paragraph.
    pub fn flush(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        if runs.is_empty() {
            return;
        }
        for paragraph in paragraphs(runs) {
            let heading = match self.innermost() {
                Some(Open::Heading(level)) => Some(*level),
                _ => None,
            };
            self.block(match heading {
                Some(level) => Block::Heading(level, paragraph),
                None => Block::Paragraph(paragraph),
            });
        }
    }

    /// Adds a whole block. In a list or table but outside its items and cells, where only broken markup puts
    /// it, it comes to stand in an item of its own or before the table.
    pub fn block(&mut self, block: Block) {
        match self.frames.last_mut() {
            None => self.root.push(block),
            Some(frame) if matches!(frame.open, Open::List { .. }) => frame.items.push(vec![block]),
            Some(frame) => frame.blocks.push(block),
        }
    }

    /// Closes the innermost frame.
    pub fn close(&mut self) {
        self.flush();
        let Some(frame) = self.frames.pop() else { return };
        match frame.open {
            Open::Quote if frame.blocks.is_empty() => {}
            Open::Quote => self.block(Block::Quote(frame.blocks)),
            Open::List { .. } if frame.items.is_empty() => {}
            Open::List { ordered } => self.block(Block::List { ordered, items: frame.items }),
            Open::Item => match self.frames.last_mut() {
                Some(list) if matches!(list.open, Open::List { .. }) => list.items.push(frame.blocks),
                _ => frame.blocks.into_iter().for_each(|b| self.block(b)),
            },
            Open::Table => {
                frame.blocks.into_iter().for_each(|b| self.block(b));
                self.table(frame.rows);
            }
            Open::Row => match self.frames.last_mut() {
                Some(table) if table.open == Open::Table => {
                    table.blocks.extend(frame.blocks);
                    table.rows.push(frame.cells);
                }
                _ => frame.cells.into_iter().flat_map(|c| c.blocks).for_each(|b| self.block(b)),
            },
            Open::Cell { header, columns, rows } => match self.frames.last_mut() {
                Some(row) if row.open == Open::Row => {
                    row.cells.push(Cell { header, columns, rows, blocks: frame.blocks });
                }
                _ => frame.blocks.into_iter().for_each(|b| self.block(b)),
            },
            Open::Heading(_) => frame.blocks.into_iter().for_each(|b| self.block(b)),
        }
    }

    /// A table of values stays a table; one that only lays out a page becomes its content.
    fn table(&mut self, rows: Vec<Vec<Cell>>) {
        if holds_values(&rows) {
            self.block(Block::Table(rows));
        } else {
            rows.into_iter().flatten().flat_map(|cell| cell.blocks).for_each(|b| self.block(b));
        }
    }

    pub fn finish(mut self) -> Document {
        while !self.frames.is_empty() {
            self.close();
        }
        self.flush();
        self.root
    }
}

/// At least two rows of at least two cells (or a header cell), and nothing but short paragraphs in them.
fn holds_values(rows: &[Vec<Cell>]) -> bool {
    let cells = || rows.iter().flatten();
    let plain = cells().all(|cell| {
        cell.blocks.len() <= 8 && cell.blocks.iter().all(|b| matches!(b, Block::Paragraph(_) | Block::Heading(..)))
    });
    let wide = rows.iter().filter(|row| row.len() > 1).count();
    plain && ((wide > 1 && wide * 2 >= rows.len()) || (wide > 0 && cells().any(|cell| cell.header)))
}
