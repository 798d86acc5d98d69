//! Rows of a table that are no records: the sum, the number of rows, who exported it and when, headings of groups.
//!
//! A report has them, and nothing tells them from a record but that their id is like no other and hardly a cell is filled. Such a
//! row is never a record before somebody says so.

use super::cells::Spot;
use super::faults::{Fault, Place};
use super::table::Row;
use crate::mapping::label;

/// Rows at the end of a table that may be its footer.
const MOST: usize = 4;
/// Rows that may be headings and are kept.
const HEADINGS: usize = 1000;

/// What was seen of the ids of a table, row by row.
#[derive(Debug, Default)]
pub struct Ending {
    /// Rows with an id like the others, and all their cells.
    rows: usize,
    cells: usize,
    /// Whether a row of another sort stands above one like the others.
    is_mixed: bool,
    /// Rows of another sort since the last one like the others.
    last: Vec<(Spot, String, usize)>,
    /// Rows of another sort that have no other cell, wherever they stand: headings of groups, comments.
    alone: Vec<(Spot, String)>,
}

impl Ending {
    pub fn take(&mut self, id: &str, row: &Row) {
        if is_like_an_id(id) {
            self.is_mixed |= !self.last.is_empty();
            self.last.clear();
            (self.rows, self.cells) = (self.rows + 1, self.cells + row.filled);
        } else if row.filled <= 1 {
            if self.alone.len() < HEADINGS {
                self.alone.push((row.spot, id.to_owned()));
            }
        } else if self.last.len() <= MOST {
            self.last.push((row.spot, id.to_owned(), row.filled));
        }
    }

    /// The rows that look like no record, with their ids.
    pub fn footers(self) -> Vec<(Spot, String)> {
        if self.is_mixed || self.rows < 2 || self.cells < 3 * self.rows {
            return vec![];
        }
        let alone = if self.alone.len() <= self.rows { self.alone } else { vec![] };
        if self.last.len() > MOST {
            return alone;
        }
        let is_nearly_empty = |filled: usize| filled <= 3 && filled * 2 * self.rows <= self.cells;
        let last = self.last.into_iter().filter(|(_, _, filled)| is_nearly_empty(*filled));
        alone.into_iter().chain(last.map(|(spot, id, _)| (spot, id))).collect()
    }
}

/// Whether a text is like the ids that programs give: one word with a digit in it.
fn is_like_an_id(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && !text.trim().contains(char::is_whitespace)
}

/// What is wrong with a row that looks like one below the table.
pub fn fault(place: Place, table: &str, id: &str) -> Fault {
    let what = format!(
        "{id:?} does not look like the other ids, and most cells of the row are empty: this looks like a heading or a line below the table"
    );
    let hint = format!(
        "`footer = [{:?}]` under `[{table}]` in columns.toml leaves such rows out; `footer = []` makes this one a record",
        without_digits(id)
    );
    Fault { place, what, hint }
}

/// `12 rows` and `# rows`: what stands for a number may change from export to export.
fn without_digits(text: &str) -> String {
    let mut out = String::new();
    for c in text.trim().chars() {
        match c {
            '0'..='9' | ',' | '.' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            c => out.push(c),
        }
    }
    out
}

/// Whether a row begins as `footer` says.
pub fn same(said: &str, text: &str) -> bool {
    !text.trim().is_empty() && label::same(&without_digits(said), &without_digits(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footers(rows: &[(&str, usize)]) -> Vec<String> {
        let mut ending = Ending::default();
        for (at, (id, filled)) in rows.iter().enumerate() {
            let spot = Spot { row: at as u64, ..Spot::default() };
            ending.take(id, &Row { spot, filled: *filled, ..Row::default() });
        }
        ending.footers().into_iter().map(|(_, id)| id).collect()
    }

    #[test]
    fn rows_at_the_end_that_are_like_no_other_are_a_footer() {
        assert_eq!(footers(&[("1", 6), ("2", 6), ("Total", 2)]), ["Total"]);
        assert_eq!(
            footers(&[("INC1", 6), ("INC2", 6), ("12 rows", 1), ("Grand total", 3)]),
            ["12 rows", "Grand total"]
        );
    }

    #[test]
    fn a_heading_between_the_rows_is_none_of_them() {
        let rows = [("Status: Open (2)", 1), ("1", 4), ("2", 4), ("Status: Closed (1)", 1), ("3", 4), ("Total", 2)];
        assert_eq!(footers(&rows), ["Status: Open (2)", "Status: Closed (1)", "Total"]);
        let none = Vec::<String>::new();
        assert_eq!(footers(&[("Open", 1), ("Closed", 1), ("New", 1), ("1", 4), ("2", 4)]), none, "more than the rows");
        assert_eq!(footers(&[("1", 1), ("2", 1), ("three", 1)]), none, "no row has more than its id");
    }

    #[test]
    fn a_record_with_an_odd_id_is_none() {
        let none = Vec::<String>::new();
        assert_eq!(footers(&[("1", 6), ("2", 6), ("three", 6)]), none, "it is as full as the others");
        assert_eq!(footers(&[("one", 6), ("2", 6), ("3", 6), ("Total", 1)]), none, "ids of both sorts");
        assert_eq!(footers(&[("a", 6), ("b", 6), ("Total", 1)]), none, "nothing tells an id from a word");
        assert_eq!(footers(&[("1", 6), ("Total", 1)]), none, "one row is no rule");
    }

    #[test]
    fn the_number_in_a_footer_is_none_of_its_words() {
        assert!(same("# rows", "12 rows") && same("12 rows", "1,304 rows"));
        assert!(same("Total", " TOTAL ") && !same("Total", "Total time") && !same("", ""));
    }
}
