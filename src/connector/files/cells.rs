//! CSV as text: rows of cells, one at a time, from any place of a file on.
//!
//! Stricter than most readers, since what is guessed here is a customer's text: a quote that is never closed and text
//! behind a closing quote are told with their row, and no row is longer than [`LONGEST`]. Knows nothing of headers and values.

use super::line::LONGEST;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// How cells are parted and quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: u8,
    /// The letter that takes its meaning from the next one, such as a backslash. A doubled quote is a quote in any case.
    pub escape: Option<u8>,
}

/// The place of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// The file it is in, of a table in parts.
    pub part: u32,
    /// Bytes before it.
    pub byte: u64,
    /// Rows before it.
    pub row: u64,
}

/// What makes a file one that cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The file ends within a cell that a quote opened.
    Unclosed { cell: usize },
    /// Text stands between a closing quote and the end of its cell.
    AfterQuote { cell: usize },
    /// The row does not end within [`LONGEST`] bytes.
    Endless { cell: usize },
}

impl Damage {
    /// What is wrong, with the number of the column.
    pub fn says(&self) -> String {
        match self {
            Damage::Unclosed { cell } => {
                format!("column {}: the file ends within a cell whose quote is not closed", cell + 1)
            }
            Damage::AfterQuote { cell } => format!("column {}: text follows the closing quote of the cell", cell + 1),
            Damage::Endless { cell } => {
                format!("column {}: the row is longer than {} MiB: a quote is not closed", cell + 1, LONGEST >> 20)
            }
        }
    }

    pub const HINT: &str = "a quote within a quoted cell is written twice; `escape = \"\\\\\"` in columns.toml reads files that \
                            write a backslash before it; a file that was cut off is exported again";
}

/// The cells of one row.
#[derive(Debug, Default)]
pub struct Cells {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    pub damage: Option<Damage>,
}

impl Cells {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of a cell; none where the row has no such cell.
    pub fn bytes(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        Some(&self.bytes[start..end])
    }

    pub fn text(&self, at: usize) -> Option<&str> {
        self.bytes(at).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The first cell that is no UTF-8.
    pub fn not_utf8(&self) -> Option<usize> {
        match std::str::from_utf8(&self.bytes) {
            // A letter that a delimiter cuts in two is none, though the bytes side by side are.
            Ok(text) if self.ends.iter().all(|&end| text.is_char_boundary(end)) => None,
            _ => (0..self.len()).find(|&at| self.text(at).is_none()),
        }
    }

    /// Whether nothing stands in it, as in the rows a spreadsheet adds at the end, or in the mark by which DOS ends a file.
    pub fn is_blank(&self) -> bool {
        let is_nothing = |c: char| c.is_whitespace() || c == '\u{1a}';
        self.bytes.iter().all(u8::is_ascii_whitespace)
            || std::str::from_utf8(&self.bytes).is_ok_and(|text| text.chars().all(is_nothing))
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.damage = None;
    }

    fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }

    fn spoil(&mut self, damage: Damage) {
        self.damage.get_or_insert(damage);
    }
}

/// Where the next letter of a row belongs.
#[derive(Clone, Copy, PartialEq)]
enum At {
    /// Nothing of the cell but blanks was seen.
    Start,
    Plain,
    Quoted,
    /// Behind a closing quote.
    Closed,
}

/// Reads rows. Blank rows count, and are given like any other.
pub struct Rows<R> {
    input: BufReader<R>,
    dialect: Dialect,
    byte: u64,
    row: u64,
}

impl<R: Read + Seek> Rows<R> {
    pub fn new(input: R, dialect: Dialect) -> Self {
        Rows { input: BufReader::with_capacity(32 << 10, input), dialect, byte: 0, row: 0 }
    }

    /// Goes to a place that `place` gave before.
    pub fn go_to(&mut self, byte: u64, row: u64) -> io::Result<()> {
        let by = i64::try_from(byte).unwrap_or(i64::MAX) - i64::try_from(self.byte).unwrap_or(i64::MAX);
        // Within the buffer nothing is read again.
        match self.byte {
            0 => drop(self.input.seek(SeekFrom::Start(byte))?),
            _ => self.input.seek_relative(by)?,
        }
        (self.byte, self.row) = (byte, row);
        Ok(())
    }

    /// Bytes and rows before the next row.
    pub fn place(&self) -> (u64, u64) {
        (self.byte, self.row)
    }

    /// Reads the next row; false at the end.
    pub fn next(&mut self, cells: &mut Cells) -> io::Result<bool> {
        cells.clear();
        if self.input.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let (mut at, mut read) = (At::Start, 0_u64);
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                if at == At::Quoted {
                    cells.spoil(Damage::Unclosed { cell: cells.len() });
                }
                break;
            }
            let (used, ended) = take(buffer, self.dialect, &mut at, cells);
            read += used as u64;
            self.input.consume(used);
            match ended {
                Some(Left::Row) => break,
                Some(Left::Return) => {
                    // `\r\n` may lie across two buffers.
                    if self.input.fill_buf()?.first() == Some(&b'\n') {
                        self.input.consume(1);
                        read += 1;
                    }
                    break;
                }
                Some(Left::Escape) => read += self.escaped(&mut at, cells)?,
                Some(Left::Quote) => read += self.closed(&mut at, cells)?,
                None => {}
            }
            if read > LONGEST {
                cells.spoil(Damage::Endless { cell: cells.len() });
                break;
            }
        }
        cells.end();
        self.byte += read;
        self.row += 1;
        Ok(true)
    }

    /// The letter behind an escape.
    fn escaped(&mut self, at: &mut At, cells: &mut Cells) -> io::Result<u64> {
        let Some(&letter) = self.input.fill_buf()?.first() else { return Ok(0) };
        self.input.consume(1);
        match letter {
            b'n' => cells.bytes.push(b'\n'),
            b'r' => cells.bytes.push(b'\r'),
            b't' => cells.bytes.push(b'\t'),
            b'0' => {}
            // Database exports write NULL so: it is told from a text by its backslash.
            b'N' => cells.bytes.extend_from_slice(b"\\N"),
            other => cells.bytes.push(other),
        }
        if *at == At::Start {
            *at = At::Plain;
        }
        Ok(1)
    }

    /// What follows a quote within a quoted cell: the same again is one that belongs to the text.
    fn closed(&mut self, at: &mut At, cells: &mut Cells) -> io::Result<u64> {
        *at = At::Closed;
        if self.input.fill_buf()?.first() == Some(&b'"') {
            self.input.consume(1);
            cells.bytes.push(b'"');
            *at = At::Quoted;
            return Ok(1);
        }
        Ok(0)
    }
}

/// Why `take` stopped before the end of its bytes.
enum Left {
    Row,
    Return,
    Escape,
    Quote,
}

/// Takes in bytes up to where more than the bytes so far must be looked at. Gives how many, and why it stopped.
fn take(buffer: &[u8], dialect: Dialect, at: &mut At, cells: &mut Cells) -> (usize, Option<Left>) {
    let mut used = 0;
    while used < buffer.len() {
        let letter = buffer[used];
        if *at == At::Quoted {
            let ends = |b: &u8| *b == b'"' || Some(*b) == dialect.escape;
            let run = buffer[used..].iter().position(ends).unwrap_or(buffer.len() - used);
            cells.bytes.extend_from_slice(&buffer[used..used + run]);
            used += run;
            if let Some(&letter) = buffer.get(used) {
                return (used + 1, Some(if letter == b'"' { Left::Quote } else { Left::Escape }));
            }
            continue;
        }
        used += 1;
        match letter {
            _ if letter == dialect.delimiter => {
                cells.end();
                *at = At::Start;
            }
            b'\n' => return (used, Some(Left::Row)),
            b'\r' => return (used, Some(Left::Return)),
            b'"' if *at == At::Start => {
                // Blanks before an opening quote are none of the cell's.
                let start = cells.ends.last().copied().unwrap_or_default();
                cells.bytes.truncate(start);
                *at = At::Quoted;
            }
            b' ' | b'\t' if *at == At::Closed => {}
            b' ' | b'\t' if *at == At::Start => cells.bytes.push(letter),
            _ => {
                if *at == At::Closed {
                    cells.spoil(Damage::AfterQuote { cell: cells.len() });
                }
                *at = At::Plain;
                if Some(letter) == dialect.escape {
                    return (used, Some(Left::Escape));
                }
                cells.bytes.push(letter);
            }
        }
    }
    (used, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    const PLAIN: Dialect = Dialect { delimiter: b',', escape: None };
    const BACKSLASH: Dialect = Dialect { delimiter: b',', escape: Some(b'\\') };

    fn read(text: &[u8], dialect: Dialect) -> Vec<(Vec<String>, Option<Damage>)> {
        let (mut rows, mut cells, mut all) = (Rows::new(Cursor::new(text), dialect), Cells::default(), Vec::new());
        while rows.next(&mut cells).unwrap() {
            let texts = (0..cells.len()).map(|at| cells.text(at).unwrap().to_owned()).collect();
            all.push((texts, cells.damage.clone()));
        }
        all
    }

    fn texts(text: &str, dialect: Dialect) -> Vec<Vec<String>> {
        let all = read(text.as_bytes(), dialect);
        assert!(all.iter().all(|(_, damage)| damage.is_none()), "{all:?}");
        all.into_iter().map(|(texts, _)| texts).collect()
    }

    #[test]
    fn rows_end_as_every_system_ends_them_and_blank_ones_count() {
        for text in ["a,b\nc,\n\n\"d\ne\",f", "a,b\r\nc,\r\n\r\n\"d\ne\",f\r\n", "a,b\rc,\r\r\"d\ne\",f\r"] {
            assert_eq!(texts(text, PLAIN), [vec!["a", "b"], vec!["c", ""], vec![""], vec!["d\ne", "f"]], "{text:?}");
        }
    }

    #[test]
    fn quotes_are_doubled_blanks_around_them_are_nothing_and_inches_are_text() {
        let text = "\"say \"\"hi\"\"\", \"a, b\" ,5\" disk,\"\"\n";
        assert_eq!(texts(text, PLAIN), [["say \"hi\"", "a, b", "5\" disk", ""]]);
    }

    #[test]
    fn a_backslash_takes_the_meaning_of_the_next_letter_where_it_is_said() {
        let text = "\"Say \\\"hi\\\"\",\"C:\\\\temp\\nnext\",\\N,a\\,b,\"doubled \"\" too\"\n";
        assert_eq!(
            texts(text, BACKSLASH),
            [["Say \"hi\"", "C:\\temp\nnext", "\\N", "a,b", "doubled \" too"].map(str::to_owned)]
        );
    }

    #[test]
    fn a_quote_that_is_not_closed_is_told_and_so_is_text_behind_one() {
        let damage = |text: &str| read(text.as_bytes(), PLAIN).into_iter().find_map(|(_, damage)| damage);
        assert_eq!(damage("a,\"cut in the mid"), Some(Damage::Unclosed { cell: 1 }));
        assert_eq!(damage("a,\"x\ny,\"z\"\n"), Some(Damage::AfterQuote { cell: 1 }));
        assert_eq!(damage("\"say \\\"hi\\\"\",b\n"), Some(Damage::AfterQuote { cell: 0 }));
        assert_eq!(damage("a,\"whole\""), None);
    }

    #[test]
    fn a_letter_of_another_encoding_is_told_by_its_cell() {
        let mut cells = Cells::default();
        Rows::new(Cursor::new(b"a,Gr\xfc\xdfe\n".as_slice()), PLAIN).next(&mut cells).unwrap();
        assert_eq!(cells.not_utf8(), Some(1));
        Rows::new(Cursor::new(b"\xc3,\xbc\n".as_slice()), PLAIN).next(&mut cells).unwrap();
        assert_eq!(cells.not_utf8(), Some(0));
    }

    proptest! {
        #[test]
        fn what_a_csv_writer_writes_is_read_as_it_was_from_any_row_on(
            rows in proptest::collection::vec(proptest::collection::vec("[a\",;\\\\\r\n \u{e4}]{0,9}", 2..4), 1..8)
        ) {
            let mut out = ::csv::WriterBuilder::new().flexible(true).quote_style(::csv::QuoteStyle::Always).from_writer(vec![]);
            rows.iter().for_each(|row| out.write_record(row).unwrap());
            let text = out.into_inner().unwrap();
            let (mut reader, mut cells, mut places) = (Rows::new(Cursor::new(&text), PLAIN), Cells::default(), Vec::new());
            loop {
                let place = reader.place();
                if !reader.next(&mut cells).unwrap() {
                    break;
                }
                places.push(place);
            }
            prop_assert_eq!(places.len(), rows.len());
            for (&(byte, row), expected) in places.iter().zip(&rows).rev() {
                reader.go_to(byte, row).unwrap();
                prop_assert!(reader.next(&mut cells).unwrap() && cells.damage.is_none());
                let found: Vec<_> = (0..cells.len()).map(|at| cells.text(at).unwrap()).collect();
                prop_assert_eq!(found, expected.clone());
            }
        }
    }
}
