//! Where a table lies and how it is laid out: its files or sheets, what parts its cells, the row of its headers, and what each
//! column is. Found once; nothing here reads further than the headers.

use super::cells::{Cells, Damage, Dialect, Rows, Spot};
use super::columns::{self, Columns};
use super::faults;
use super::headers::{self, Bound, Looks, Slot};
use super::values::Rules;
use crate::error::{Problem, Reason, Result};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// A file of a table: as it is read, and as people know it.
#[derive(Clone, Debug)]
pub struct Origin {
    pub path: PathBuf,
    /// The file of the folder it comes from.
    pub from: PathBuf,
    /// Bytes of its mark.
    pub mark: u64,
    /// As errors name it: the file, and the sheet.
    pub shown: String,
    /// Where we made it ourselves, of a sheet: commas part its cells.
    pub made: bool,
}

/// A file of a table with its headers.
#[derive(Debug)]
pub struct Part {
    pub origin: Origin,
    pub dialect: Dialect,
    /// The row of headers, as a person counts.
    pub header_row: u64,
    /// Bytes and rows before the first row.
    pub first: (u64, u64),
    pub bound: Bound,
    pub slots: Vec<Slot>,
}

/// A table.
#[derive(Debug)]
pub struct Layout {
    pub table: &'static str,
    pub parts: Vec<Part>,
    pub rules: Rules,
}

/// How many rows are looked at for the headers.
const TITLES: u64 = 30;
/// What parts cells, where it is not said.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl Layout {
    /// Errors: all that forbids to read the table.
    pub fn of(table: &'static str, origins: Vec<Origin>, said: &Columns) -> Result<Layout, Vec<Problem>> {
        let rules = Rules::new(said, table).map_err(|why| vec![Problem::new(Reason::Config, why)])?;
        let (mut parts, mut wrong) = (Vec::new(), Vec::new());
        for origin in origins {
            let shown = origin.shown.clone();
            match Part::of(table, origin, said) {
                Ok(part) => parts.push(part),
                Err(problems) => wrong.extend(problems.into_iter().map(|problem| problem.at(&shown))),
            }
        }
        if wrong.is_empty() { Ok(Layout { table, parts, rules }) } else { Err(wrong) }
    }

    /// The place of the first row of a part.
    pub fn start_of(&self, part: u32) -> Spot {
        let (byte, row) = self.parts.get(part as usize).map_or((0, 0), |part| part.first);
        Spot { part, byte, row }
    }
}

impl Part {
    fn of(table: &'static str, origin: Origin, said: &Columns) -> Result<Part, Vec<Problem>> {
        let one = |problem: Problem| vec![problem];
        let (sep, start) = sep_line(&origin).map_err(one)?;
        let escape = if origin.made { None } else { said.escape(table) };
        let wanted = match origin.made {
            true => Some(b','),
            false => said.delimiter(table).or(sep),
        };
        let candidates = wanted.map_or_else(|| DELIMITERS.to_vec(), |one| vec![one]);
        let mut best: Option<(Head, Dialect)> = None;
        for delimiter in candidates {
            let dialect = Dialect { delimiter, escape };
            let Some(head) = Head::find(table, &origin, said, dialect, start).map_err(one)? else { continue };
            let weight = |head: &Head| (head.looks, head.cells.len());
            if best.as_ref().is_none_or(|(other, _)| weight(&head) > weight(other)) {
                best = Some((head, dialect));
            }
        }
        let Some((head, dialect)) = best else {
            let what = "the file is empty";
            return Err(vec![
                Problem::new(Reason::BadExport, what).hint("export it again, or take it out of the folder"),
            ]);
        };
        head.readable().map_err(one)?;
        let names: Vec<String> = head.texts();
        let (bound, mut wrong) = headers::bind(table, said, &names);
        if wrong.is_empty() && !headers::key_fields(table).iter().any(|field| bound.of(field).is_some()) {
            wrong.push(head.no_key(table, &bound));
        }
        match wrong.is_empty() {
            true => {
                let slots = bound.slots();
                Ok(Part { origin, dialect, header_row: head.row, first: head.after, bound, slots })
            }
            false => Err(wrong),
        }
    }
}

/// The row of headers.
struct Head {
    cells: Cells,
    /// As a person counts.
    row: u64,
    after: (u64, u64),
    looks: Looks,
}

impl Head {
    /// The row that is said, else the first that looks like headers, else the one that does most, else the first with text.
    fn find(table: &str, origin: &Origin, said: &Columns, dialect: Dialect, start: (u64, u64)) -> Result<Option<Head>> {
        let mut rows = Rows::new(File::open(&origin.path)?, dialect);
        rows.go_to(start.0, start.1)?;
        let wanted = said.header(table);
        let mut best: Option<Head> = None;
        loop {
            let mut cells = Cells::default();
            let (_, before) = rows.place();
            if before >= wanted.unwrap_or(TITLES).max(start.1 + 1) || !rows.next(&mut cells)? {
                return Ok(best);
            }
            let row = before + 1;
            if wanted.is_some_and(|wanted| row < wanted) || (cells.is_blank() && wanted.is_none()) {
                continue;
            }
            let looks = headers::looks(table, said, &texts(&cells));
            let head = Head { cells, row, after: rows.place(), looks };
            if wanted.is_some() || looks == Looks::Right {
                return Ok(Some(head));
            }
            if best.as_ref().is_none_or(|best| head.looks > best.looks) {
                best = Some(head);
            }
        }
    }

    fn texts(&self) -> Vec<String> {
        texts(&self.cells)
    }

    fn readable(&self) -> Result<()> {
        if let Some(damage) = &self.cells.damage {
            let what = format!("row {}, {}", self.row, damage.says());
            return Err(Problem::new(Reason::BadExport, what).hint(Damage::HINT));
        }
        match self.cells.not_utf8() {
            Some(_) => {
                let what = format!("row {}: the headers are not UTF-8", self.row);
                Err(Problem::new(Reason::BadExport, what).hint(super::encoding::HINT))
            }
            None => Ok(()),
        }
    }

    fn no_key(&self, table: &str, bound: &Bound) -> Problem {
        let field = headers::key_fields(table)[0];
        let what = format!("row {} was read as the header row, and has no column for `{field}` of a {table}", self.row);
        Problem::new(Reason::BadExport, what).hint(format!(
            "`header = N` under `[{table}]` in {0} names the row of headers; `{field} = \"…\"` under `[{table}.columns]` \
             names the column: {1}",
            columns::FILE,
            faults::list(&bound.names)
        ))
    }
}

fn texts(cells: &Cells) -> Vec<String> {
    (0..cells.len()).map(|at| cells.text(at).unwrap_or_default().trim().to_owned()).collect()
}

/// The delimiter that a first line `sep=;` names, as spreadsheets write it, and where the table begins.
fn sep_line(origin: &Origin) -> Result<(Option<u8>, (u64, u64))> {
    let mut start = Vec::new();
    File::open(&origin.path)?.take(origin.mark + 16).read_to_end(&mut start)?;
    let text = start.get(origin.mark as usize..).unwrap_or_default();
    let end = text.iter().position(|b| *b == b'\n' || *b == b'\r').unwrap_or(text.len());
    let line: Vec<u8> = text[..end].iter().copied().filter(|b| *b != b'"').collect();
    match line.split_at_checked(4) {
        Some((word, [delimiter])) if word.eq_ignore_ascii_case(b"sep=") => {
            let ending = if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
            let after = origin.mark + (end + ending).min(text.len()) as u64;
            Ok((Some(*delimiter), (after, 1)))
        }
        _ => Ok((None, (origin.mark, 0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(text: &str, toml: &str) -> Result<Layout, Vec<Problem>> {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ticket.csv");
        std::fs::write(&path, text).unwrap();
        let origin = Origin { from: path.clone(), path, mark: 0, shown: "ticket.csv".into(), made: false };
        Layout::of("ticket", vec![origin], &Columns::parse(toml).unwrap())
    }

    fn found(text: &str, toml: &str) -> (u64, char, Vec<String>) {
        let layout = layout(text, toml).unwrap();
        let part = &layout.parts[0];
        (part.header_row, part.dialect.delimiter as char, part.bound.names.clone())
    }

    #[test]
    fn what_parts_cells_is_seen_in_the_headers() {
        for (delimiter, text) in [(',', "id,a;b,c\n"), (';', "id;a,b;c\n"), ('\t', "id\ta\n"), ('|', "id|a\n")] {
            assert_eq!(found(text, "").1, delimiter, "{text}");
        }
        assert_eq!(found("id,a;b;c\n", "delimiter = ','").2, ["id", "a;b;c"]);
    }

    #[test]
    fn a_line_that_names_the_delimiter_is_no_row() {
        assert_eq!(found("sep=;\r\nid;subject\r\n1;a\r\n", ""), (2, ';', vec!["id".into(), "subject".into()]));
        assert_eq!(found("\"sep=|\"\nid|subject\n", "").0, 2);
    }

    #[test]
    fn titles_above_the_headers_are_passed_over() {
        assert_eq!(found("Report of May, 2024\n\nid,subject\n1,a\n", "").0, 3);
        assert_eq!(found("id,subject\nid,subject\n", "header = 2").0, 2);
        let wrong = layout("Report\nNr,What\n1,a\n", "").unwrap_err();
        assert_eq!(
            wrong[0].what,
            "ticket.csv: row 1 was read as the header row, and has no column for `id` of a ticket"
        );
        assert!(wrong[0].hint.as_ref().unwrap().contains("header = N"), "{wrong:?}");
        assert_eq!(found("Report\nNr,What\n1,a\n", "[ticket.columns]\nid = 'Nr'").0, 2);
    }

    #[test]
    fn an_empty_file_and_headers_that_are_cut_are_told() {
        assert_eq!(layout("\n\n", "").unwrap_err()[0].what, "ticket.csv: the file is empty");
        assert!(layout("id,\"sub", "").unwrap_err()[0].what.contains("row 1, column 2: the file ends within a cell"));
    }
}
