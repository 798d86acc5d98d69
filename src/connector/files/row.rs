//! The cells of one row, made canonical fields: each slot from all of its columns.

use super::cells::Cells;
use super::faults::{Fault, Place};
use super::fields::{Cell, DESCRIPTION, FILES, MESSAGES, NOTES, Of, Says};
use super::headers::{Column, Slot};
use super::layout::{Layout, Part};
use super::order::{Order, order};
use super::persons;
use super::table::{Row, Seen};
use super::values::Wrong;
use super::workbook::NO_VALUE;
use crate::record::mailbox;
use crate::record::{Direction, Visibility};
use serde_json::{Value, json};

pub struct Reading<'a> {
    pub layout: &'a Layout,
    pub part: &'a Part,
    pub cells: &'a Cells,
    pub seen: &'a mut Seen,
    pub row: &'a mut Row,
}

/// Fields whose digits count.
const IDS: [&str; 4] = ["id", "number", "ticket", "comment"];

/// Characters in the longest text of a spreadsheet's cell, by its specification (Excel: 32,767).
const CELL: usize = 32_767;

/// Texts of a slot's columns, by column.
type Texts<'a> = Vec<(usize, &'a str)>;

impl<'a> Reading<'a> {
    /// Reads all of the row.
    pub fn slots(&mut self) {
        let (part, cells, rules) = (self.part, self.cells, &self.layout.rules);
        for slot in &part.slots {
            let texts = slot.columns.iter().map(|&at| (at, rules.shown(cells.text(at).unwrap_or_default())));
            let says_nothing = |text: &str| match &slot.what {
                Column::Field { name, .. } => rules.says_nothing(name, text),
                _ => rules.is_empty(text),
            };
            let (nothing, texts): (Texts<'a>, Texts<'a>) = texts.partition(|(_, text)| says_nothing(text));
            if matches!(&slot.what, Column::Field { name: DESCRIPTION | MESSAGES | NOTES, .. }) {
                nothing.into_iter().for_each(|(at, text)| self.note_word(at, text));
            }
            texts.iter().filter(|(_, text)| fills_a_cell(text)).for_each(|(at, _)| self.note_full(*at));
            match &slot.what {
                Column::Ignored => {}
                Column::Unnamed => self.unnamed(&texts),
                Column::Custom { key } => self.custom(key, texts),
                Column::Field { name, cell, guess } => self.field(slot, name, *cell, *guess, texts),
            }
        }
        self.internal();
    }

    /// A message that calls itself internal is for agents alone, whatever else its row says; in a table we wrote, unless it says.
    fn internal(&mut self) {
        let fields = &mut self.row.fields;
        let says = self.layout.rules.said.is_ours() && fields.contains_key("visibility");
        if fields.get("direction") == Some(&json!(Direction::Internal)) && !says {
            fields.insert("visibility".into(), json!(Visibility::Private));
        }
    }

    fn unnamed(&mut self, texts: &Texts<'_>) {
        for (at, _) in texts {
            let hint = format!(
                "give the column a header, or list \"{}\" in `ignore` of `[{}]` in columns.toml",
                self.part.bound.names[*at], self.layout.table
            );
            self.fault(*at, Wrong { what: "this text is in a column without a header".into(), hint });
        }
    }

    fn custom(&mut self, key: &str, texts: Texts<'_>) {
        let mut values = Vec::new();
        for (at, text) in texts {
            match self.layout.rules.error(text) {
                Some(NO_VALUE) => self.fault(at, uncomputed()),
                Some(error) => self.note_error(at, error),
                None => values.push(Value::from(text)),
            }
        }
        let value = match values.len() {
            0 => return,
            1 => values.remove(0),
            _ => Value::Array(values),
        };
        let list = self.row.fields.entry("custom").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(json!({ "key": key, "title": key, "value": value }));
        }
    }

    fn field(&mut self, slot: &Slot, name: &'static str, cell: Cell, guess: bool, texts: Texts<'a>) {
        let texts = self.without_errors(name, cell, texts);
        let Some(&(first, _)) = texts.first() else {
            if let Cell::Readers(says) = cell {
                self.readers(slot.columns[0], says, None);
            }
            return;
        };
        let is_key = super::values::KEYS.contains(&name) && !self.layout.rules.said.is_ours();
        if let Some((at, wrong)) =
            texts.iter().filter(|_| is_key).find_map(|&(at, text)| Some((at, unfit(name, text)?)))
        {
            return self.fault(at, wrong);
        }
        match cell {
            Cell::Readers(says) => texts.into_iter().for_each(|(at, text)| self.readers(at, says, Some(text))),
            Cell::Ref(Of::Person) => self.person(name, &texts),
            _ if cell.is_list() => {
                let mut all: Vec<Value> = Vec::new();
                for (at, text) in texts {
                    if let Some(Value::Array(list)) = self.value(name, cell, guess, at, text) {
                        all.extend(
                            list.into_iter()
                                .filter(|value| cell == Cell::Journal || !all.contains(value))
                                .collect::<Vec<_>>(),
                        );
                    }
                    if cell == Cell::Emails {
                        self.named(text);
                    }
                }
                if !all.is_empty() {
                    let there = self.row.fields.entry(name).or_insert_with(|| json!([]));
                    there.as_array_mut().into_iter().for_each(|there| there.append(&mut all));
                }
            }
            _ => {
                let between = match name {
                    DESCRIPTION | "body" => "\n\n",
                    // Each names a file.
                    "source" | FILES => "\n",
                    _ => " ",
                };
                let text = texts.iter().map(|(_, text)| *text).collect::<Vec<_>>().join(between);
                if let Some(value) = self.value(name, cell, guess, first, &text) {
                    self.row.fields.insert(name.to_owned(), value);
                }
            }
        }
    }

    /// A value, or none with a fault or a word about its column.
    fn value(&mut self, name: &str, cell: Cell, guess: bool, at: usize, text: &str) -> Option<Value> {
        match self.layout.rules.value(name, cell, text) {
            Ok(value) if cell == Cell::Time && value.is_string() => {
                self.note_order(at, text);
                Some(value)
            }
            Ok(value) => Some(value).filter(|value| !value.is_null()),
            Err(_) if guess => {
                self.seen.odd.insert((self.row.spot.part, at));
                None
            }
            Err(wrong) => {
                self.fault(at, wrong);
                None
            }
        }
    }

    /// Somebody, from columns with their name and their address.
    fn person(&mut self, name: &'static str, texts: &Texts<'_>) {
        let rules = &self.layout.rules;
        if rules.said.is_ours() {
            self.row.fields.insert(name.to_owned(), texts[0].1.into());
            return;
        }
        let mut people = persons::named(rules, &texts.iter().map(|(_, text)| *text).collect::<Vec<_>>());
        let rest = people.split_off(1);
        self.row.fields.insert(name.to_owned(), people.remove(0).into());
        if rest.is_empty() {
            return;
        }
        if name == "requester" {
            let more = self.row.fields.entry("requesters").or_insert_with(|| json!([]));
            more.as_array_mut()
                .into_iter()
                .for_each(|more| more.extend(rest.iter().map(|one| Value::from(one.as_str()))));
            return;
        }
        let wrong = Wrong {
            what: format!("{:?} are several people, and a {} has one `{name}`", texts[0].1.trim(), self.layout.table),
            hint: format!("name one; `followers` and `ccs` under `[{}.columns]` take several", self.layout.table),
        };
        self.fault(texts[0].0, wrong);
    }

    /// The name that stands beside an address, where no column holds one.
    fn named(&mut self, text: &str) {
        let has_name = self.part.bound.of("name").is_some() || self.row.fields.contains_key("name");
        if has_name || self.layout.rules.said.is_ours() {
            return;
        }
        let people = self.layout.rules.people(text);
        if let Some(name) = people.first().and_then(|one| mailbox::read(one)?.name) {
            self.row.fields.insert("name".into(), name.into());
        }
    }

    /// Who may read a message. Where several columns say it, it is private if one of them says so.
    fn readers(&mut self, at: usize, says: Says, text: Option<&str>) {
        let rules = &self.layout.rules;
        let read = match text {
            Some(text) => rules.value("visibility", Cell::Readers(says), text),
            None => rules.readers_unsaid(says),
        };
        match read {
            Ok(Value::Null) => {}
            Ok(_) if self.row.fields.get("visibility") == Some(&json!(Visibility::Private)) => {}
            Ok(value) => drop(self.row.fields.insert("visibility".into(), value)),
            Err(wrong) => self.fault(at, wrong),
        }
    }

    /// What is left when failed formulas are taken out: they are nothing in a text, and a fault where a row is found by it.
    fn without_errors(&mut self, name: &str, cell: Cell, texts: Texts<'a>) -> Texts<'a> {
        let is_message = matches!(name, DESCRIPTION | "body") || cell == Cell::Journal;
        let counts = |error: &str| !is_message || error == NO_VALUE;
        if !texts.iter().any(|(_, text)| self.layout.rules.error(text).is_some_and(counts)) {
            return texts;
        }
        let mut left = Vec::new();
        for (at, text) in texts {
            match self.layout.rules.error(text) {
                None => left.push((at, text)),
                Some(error) if !counts(error) => left.push((at, text)),
                Some(NO_VALUE) => self.fault(at, uncomputed()),
                Some(error) if cell == Cell::Text && !super::values::KEYS.contains(&name) => self.note_error(at, error),
                Some(error) => self.fault(
                    at,
                    Wrong {
                        what: format!("the formula gives {error}"),
                        hint: format!("correct it, or list \"{error}\" in `empty` of columns.toml"),
                    },
                ),
            }
        }
        left
    }

    fn note_full(&mut self, at: usize) {
        let spot = self.row.spot;
        self.seen.full.entry((spot.part, at)).or_insert((0, spot.row + 1)).0 += 1;
    }

    fn note_order(&mut self, at: usize, text: &str) {
        let rules = &self.layout.rules;
        if rules.said.is_ours() || rules.are_dates_said() {
            return;
        }
        let Some(order) = order(text) else { return };
        let row = self.row.spot.row + 1;
        let (first, orders) =
            (|| (text.trim().to_owned(), row), self.seen.orders.entry((self.row.spot.part, at)).or_default());
        match order {
            Order::Either { form } => {
                orders.either.get_or_insert_with(|| (first(), form));
            }
            Order::DayFirst => {
                orders.day_first.get_or_insert_with(first);
            }
            Order::Otherwise => {
                orders.otherwise.get_or_insert_with(first);
            }
        }
    }

    fn note_word(&mut self, at: usize, text: &str) {
        let (spot, word) = (self.row.spot, text.trim());
        if !word.is_empty() && word != "\\N" && !self.layout.rules.said.is_ours() {
            let first = || (0, format!("row {}: {word:?}", spot.row + 1));
            self.seen.words.entry((spot.part, at)).or_insert_with(first).0 += 1;
        }
    }

    fn note_error(&mut self, at: usize, error: &str) {
        let spot = self.row.spot;
        let first = || (0, format!("row {}: {error}", spot.row + 1));
        self.seen.errors.entry((spot.part, at)).or_insert_with(first).0 += 1;
    }

    fn fault(&mut self, at: usize, wrong: Wrong) {
        let place = Place {
            file: self.part.origin.shown.clone(),
            unit: "row",
            number: self.row.spot.row + 1,
            column: Some(self.part.bound.names[at].clone()),
        };
        self.row.faults.push(Fault { place, what: wrong.what, hint: wrong.hint });
    }
}

/// Whether a text is as long as a cell of a spreadsheet can be: what comes after that is cut.
fn fills_a_cell(text: &str) -> bool {
    text.len() >= CELL && text.encode_utf16().count() == CELL
}

/// A formula whose value is not in the file.
fn uncomputed() -> Wrong {
    Wrong {
        what: "the formula has no value in the file".into(),
        hint: "open the workbook in Excel or LibreOffice, which compute it, and save it".into(),
    }
}

/// Why rows cannot be found by this text.
fn unfit(name: &str, text: &str) -> Option<Wrong> {
    let text = text.trim();
    if IDS.contains(&name) && is_shortened(text) {
        let hint = "export it again, and open it in a spreadsheet only with this column as text";
        return Some(Wrong::of(text, "is a number that a spreadsheet has shortened", hint));
    }
    if IDS.contains(&name) && is_a_day(text) {
        let hint =
            "a spreadsheet may have made a day of it: export it again, and open it there only with this column as text";
        return Some(Wrong::of(text, "is a day, and no id", hint));
    }
    let parts_files = |c: char| name == "source" && matches!(c, '\n' | '\r');
    let is_unseen = |c: &char| (c.is_control() && !parts_files(*c)) || (mailbox::is_blank(*c) && !c.is_whitespace());
    let unseen = text.chars().find(is_unseen)?;
    let what = format!("has the invisible character {}", unseen.escape_unicode());
    Some(Wrong { what, hint: "delete it from the cell: this text links rows with each other".into() })
}

/// `2024-05-01`, with or without a time.
fn is_a_day(text: &str) -> bool {
    let day = text.split_once('T').map_or(text, |(day, _)| day);
    day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok()
}

/// `1.23457E+11`: the digits that made it an id are gone.
fn is_shortened(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
    text.split_once("E+").is_some_and(|(number, power)| digits(number) && digits(power))
}
