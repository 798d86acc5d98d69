//! A table — CSV files, or sheets made such — whose rows become canonical fields by its layout. Read row by row from a place on.

use super::cells::{Cells, Damage, Rows, Spot};
use super::encoding;
use super::faults::{Fault, Place};
use super::footer;
use super::layout::{Layout, Part};
use super::row::Reading;
use super::values::Wrong;
use crate::error::{Problem, Result};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

/// One row in canonical fields.
#[derive(Debug, Default)]
pub struct Row {
    pub spot: Spot,
    pub fields: Map<String, Value>,
    /// What cannot be read of it.
    pub faults: Vec<Fault>,
    /// Why the file cannot be trusted from here on.
    pub damage: Option<Fault>,
    /// Cells that are not empty.
    pub filled: usize,
}

/// What was seen of columns while rows were read.
#[derive(Debug, Default)]
pub struct Seen {
    /// Columns taken for a field by their name, and a cell that is none of it: part and column.
    pub odd: BTreeSet<(u32, usize)>,
    /// Failed formulas taken for nothing: how many, and the first.
    pub errors: BTreeMap<(u32, usize), (u64, String)>,
    /// Texts of people that are a word of `empty`, taken for nothing: how many, and the first.
    pub words: BTreeMap<(u32, usize), (u64, String)>,
    /// Cells as full as a spreadsheet lets them be: how many, and the row of the first.
    pub full: BTreeMap<(u32, usize), (u64, u64)>,
    /// Rows that repeat the headers, as of files that were joined: where they stand.
    pub headers: BTreeSet<Spot>,
    /// Rows below the table, as `footer` says.
    pub footers: BTreeSet<Spot>,
    /// Of columns of dates, whether days and months are told apart.
    pub orders: BTreeMap<(u32, usize), Orders>,
}

/// Dates of a column: the text and the row of the first of each order.
#[derive(Debug, Default)]
pub struct Orders {
    /// With the form by which it would be read otherwise.
    pub either: Option<((String, u64), String)>,
    pub day_first: Option<(String, u64)>,
    pub otherwise: Option<(String, u64)>,
}

const PARTS_HINT: &str = "a text with the delimiter, a quote or a line break in it must be in double quotes; `delimiter` in \
                          columns.toml says what parts cells";
const ESCAPE_HINT: &str = "`escape = \"\\\\\"` in columns.toml reads files that write a backslash before a line break, a \
                           delimiter or a quote within a cell";

pub struct Table<'a> {
    pub layout: &'a Layout,
    part: u32,
    rows: Rows<File>,
    cells: Cells,
    pub seen: Seen,
}

impl<'a> Table<'a> {
    /// Opens a table at its first row.
    ///
    /// Errors: `disk`.
    pub fn open(layout: &'a Layout) -> Result<Table<'a>> {
        let rows = rows_of(&layout.parts[0])?;
        Ok(Table { layout, part: 0, rows, cells: Cells::default(), seen: Seen::default() })
    }

    pub fn go_to(&mut self, spot: Spot) -> Result<()> {
        if spot.part != self.part {
            self.rows = rows_of(&self.layout.parts[spot.part as usize])?;
            self.part = spot.part;
        }
        self.rows.go_to(spot.byte, spot.row)?;
        Ok(())
    }

    /// Where the next row stands.
    pub fn spot(&self) -> Spot {
        let (byte, row) = self.rows.place();
        Spot { part: self.part, byte, row }
    }

    /// The place of a row, or of a cell of it.
    pub fn place(&self, spot: Spot, column: Option<&str>) -> Place {
        let file = self.layout.parts[spot.part as usize].origin.shown.clone();
        Place { file, unit: "row", number: spot.row + 1, column: column.map(str::to_owned) }
    }

    /// What is wrong with a field of a row, by the column that says it.
    pub fn fault(&self, spot: Spot, field: &str, what: String, hint: String) -> Fault {
        let column = self.layout.parts[spot.part as usize].bound.name_of(field);
        Fault { place: self.place(spot, Some(&column)), what, hint }
    }

    /// What is wrong with whom a field of a row names.
    pub fn named(&self, spot: Spot, field: &str, Wrong { what, hint }: Wrong) -> Fault {
        self.fault(spot, field, what, hint)
    }

    /// The row that stands at a place.
    pub fn at(&mut self, spot: Spot) -> Result<Option<Row>> {
        self.go_to(spot)?;
        self.next()
    }

    /// The next row that is not blank.
    ///
    /// Errors: `disk`.
    pub fn next(&mut self) -> Result<Option<Row>> {
        let Some(spot) = self.advance()? else { return Ok(None) };
        let is_filled = |at: &usize| self.cells.bytes(*at).is_some_and(|bytes| !bytes.trim_ascii().is_empty());
        let mut row = Row { spot, filled: (0..self.cells.len()).filter(is_filled).count(), ..Row::default() };
        self.whole(&mut row);
        if !row.faults.is_empty() {
            self.belonging(&mut row);
        }
        if row.faults.is_empty() && row.damage.is_none() {
            let (layout, part, cells) = (self.layout, self.part(), &self.cells);
            Reading { layout, part, cells, seen: &mut self.seen, row: &mut row }.slots();
        }
        Ok(Some(row))
    }

    /// Whose row it is, as far as a row that is not whole can say.
    fn belonging(&self, row: &mut Row) {
        for field in ["id", "ticket"] {
            let text = self.part().bound.of(field).and_then(|at| self.cells.text(at)).unwrap_or_default();
            let text = self.layout.rules.key(self.layout.rules.shown(text));
            if !text.is_empty() {
                row.fields.insert(field.into(), text.into());
            }
        }
    }

    fn advance(&mut self) -> Result<Option<Spot>> {
        loop {
            let spot = self.spot();
            if self.rows.next(&mut self.cells)? {
                if self.cells.is_blank() && self.cells.damage.is_none() {
                    continue;
                }
                if self.part().bound.repeated_by(&self.cells) {
                    self.seen.headers.insert(spot);
                    continue;
                }
                if self.is_footer() {
                    self.seen.footers.insert(spot);
                    continue;
                }
                return Ok(Some(spot));
            }
            if self.part as usize + 1 >= self.layout.parts.len() {
                return Ok(None);
            }
            self.go_to(self.layout.start_of(self.part + 1))?;
        }
    }

    /// Whether the row is one of those that `footer` says stand below the table.
    fn is_footer(&self) -> bool {
        let Some(words) = &self.layout.rules.said.table(self.layout.table).footer else { return false };
        let text = self.part().bound.of("id").and_then(|at| self.cells.text(at)).unwrap_or_default();
        words.iter().any(|word| footer::same(word, text))
    }

    fn part(&self) -> &'a Part {
        &self.layout.parts[self.part as usize]
    }

    /// Whether the row has the cells its headers ask for, in letters that can be read.
    fn whole(&self, row: &mut Row) {
        let bound = &self.part().bound;
        let fault = |column: Option<usize>, what: String, hint: &str| {
            let column = column.map(|at| bound.names.get(at).cloned().unwrap_or_else(|| format!("column {}", at + 1)));
            Fault { place: self.place(row.spot, column.as_deref()), what, hint: hint.to_owned() }
        };
        if let Some(damage) = &self.cells.damage {
            row.damage = Some(fault(None, damage.says(), Damage::HINT));
            return;
        }
        if let Some(at) = self.cells.not_utf8() {
            row.faults.push(fault(Some(at), "is not UTF-8".into(), encoding::HINT));
            return;
        }
        let (have, want) = (self.cells.len(), bound.names.len());
        let is_ours = self.layout.rules.said.is_ours();
        if let Some(at) = (0..have).find(|&at| !is_ours && self.cells.bytes(at).is_some_and(|bytes| bytes.contains(&0)))
        {
            row.faults.push(fault(
                Some(at),
                "has a NUL byte".into(),
                "the file is damaged or in another encoding: export it again, or say its `encoding` in columns.toml",
            ));
            return;
        }
        let beyond = (want..have).any(|at| self.cells.text(at).is_some_and(|text| !text.trim().is_empty()));
        // A delimiter at the end of the headers makes a column that no row need have.
        // What a sheet does not write is empty.
        let lacks = !self.part().origin.made && (have..want).any(|at| bound.names[at] != format!("column {}", at + 1));
        if beyond || lacks {
            // Databases write so what would end the cell or the row otherwise.
            let ends_in_backslash = |at: usize| self.cells.bytes(at).is_some_and(|bytes| bytes.ends_with(b"\\"));
            let is_escaped = self.part().dialect.escape.is_none() && (0..have).any(ends_in_backslash);
            let hint = if is_escaped { ESCAPE_HINT } else { PARTS_HINT };
            row.faults.push(fault(None, format!("{have} cells under {want} headers"), hint));
        }
    }
}

fn rows_of(part: &Part) -> Result<Rows<File>> {
    let file = File::open(&part.origin.path).map_err(|e| Problem::from(e).at(&part.origin.shown))?;
    let mut rows = Rows::new(file, part.dialect);
    rows.go_to(part.first.0, part.first.1)?;
    Ok(rows)
}
