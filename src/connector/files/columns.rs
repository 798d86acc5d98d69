//! `columns.toml`: how the tables of a folder are written, and which column holds which canonical field. Everything in it may
//! be left out: what is usual is read without it.

use super::dates::Dates;
use super::fields::{self, ATTACHMENT, COMMENT, TABLES};
use crate::error::{Problem, Reason, Result};
use crate::mapping::label;
use crate::project::TomlText;
use crate::record::Format;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

pub const FILE: &str = "columns.toml";
/// The separator that means a list is written as JSON, and every other cell just as it is: how we write tables ourselves.
pub const JSON: &str = "json";

/// The file. A key of the top is the default of every table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// The XLSX file of the folder; the only one there is, unless said.
    pub workbook: Option<String>,
    /// Between cells: found in the row of headers unless said; `tab` for a tab.
    pub delimiter: Option<String>,
    /// Before a quote within a quoted cell, such as `\`. A doubled quote is one in any case.
    pub escape: Option<String>,
    /// Of files without a mark: UTF-8 unless said.
    pub encoding: Option<String>,
    /// The row of headers, as a person counts; found unless said.
    pub header: Option<u64>,
    /// Between the values of one cell: `,` unless said; `json` for JSON.
    pub separator: Option<String>,
    /// How dates are written, in the letters of strftime, or `unix`, `unix_ms`.
    pub date: Many,
    /// The time zone of dates that name none; UTC unless said.
    pub zone: Option<String>,
    /// How messages are written: `text` unless said.
    pub format: Option<Format>,
    /// Words that stand where nothing is.
    pub empty: Vec<String>,
    /// Further words for yes and for no, such as `ja` and `nein`.
    pub yes: Vec<String>,
    pub no: Vec<String>,
    /// Further words for messages that everyone may read, and that only agents may.
    pub public: Vec<String>,
    pub private: Vec<String>,
    group: Table,
    agent: Table,
    company: Table,
    field: Table,
    contact: Table,
    ticket: Table,
    category: Table,
    section: Table,
    article: Table,
    comment: Table,
    attachment: Table,
}

/// One table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Table {
    /// The CSV files, in order; `TABLE.csv` unless said.
    pub file: Many,
    /// The sheets of the workbook; the one named `TABLE` unless said.
    pub sheet: Many,
    pub delimiter: Option<String>,
    pub escape: Option<String>,
    pub encoding: Option<String>,
    pub header: Option<u64>,
    pub date: Many,
    pub empty: Vec<String>,
    /// Canonical field = column, or several.
    pub columns: BTreeMap<String, Many>,
    /// Key (and title) of a custom field = column, or several.
    pub custom: BTreeMap<String, Many>,
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// What stands in the place of an id in rows below the table, such as `Total`; an empty list: there are none.
    pub footer: Option<Vec<String>>,
}

/// One text, or a list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Many(pub Vec<String>);

impl<'de> Deserialize<'de> for Many {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Many, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Many;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Many, E> {
                Ok(Many(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Many, A::Error> {
                let mut all = Vec::new();
                while let Some(text) = list.next_element()? {
                    all.push(text);
                }
                Ok(Many(all))
            }
        }
        from.deserialize_any(Texts)
    }
}

impl Columns {
    /// Reads the file of a folder; without one, the defaults.
    ///
    /// Errors: `config`, with file, line and caret; `disk`.
    pub fn load(folder: &Path) -> Result<Columns> {
        match std::fs::read_to_string(folder.join(FILE)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Columns::default()),
            Err(e) => Err(Problem::from(e).at(FILE)),
            Ok(text) => Self::parse(&text),
        }
    }

    pub fn parse(text: &str) -> Result<Columns> {
        let text = TomlText::new(FILE, text, Reason::Config);
        let columns: Columns = text.parse()?;
        if let Some(zone) = &columns.zone
            && let Err(why) = Dates::new(&[], Some(zone))
        {
            return Err(text.error_at_value(&["zone"], why));
        }
        let of_top = (&columns.delimiter, &columns.escape, &columns.encoding, columns.header, &columns.date);
        spelled(of_top, &|key, why| text.error_at_value(&[key], why))?;
        for name in TABLES {
            let table = columns.table(name);
            let of_table = (&table.delimiter, &table.escape, &table.encoding, table.header, &table.date);
            spelled(of_table, &|key, why| text.error_at_value(&[name, key], why))?;
            let known: Vec<&str> =
                fields::of(name).iter().chain(fields::by_hand(name)).map(|(field, _)| *field).collect();
            for field in table.columns.keys() {
                if !known.contains(&field.as_str()) {
                    let hint = crate::project::spelling::hint(field, known.iter().copied());
                    let problem = text.error_at_key(&[name, "columns", field], format!("a {name} has no `{field}`"));
                    return Err(Problem { hint, ..problem });
                }
            }
        }
        Ok(columns)
    }

    pub fn table(&self, name: &str) -> &Table {
        match name {
            "group" => &self.group,
            "agent" => &self.agent,
            "company" => &self.company,
            "field" => &self.field,
            "contact" => &self.contact,
            "category" => &self.category,
            "section" => &self.section,
            "article" => &self.article,
            COMMENT => &self.comment,
            ATTACHMENT => &self.attachment,
            _ => &self.ticket,
        }
    }

    /// Whether we wrote the tables ourselves: nothing in them is a person's spelling.
    pub fn is_ours(&self) -> bool {
        self.separator.as_deref() == Some(JSON)
    }

    /// What a word says, if it says yes or no.
    pub fn flag(&self, word: &str) -> Option<bool> {
        match word.to_lowercase().as_str() {
            _ if among(&self.yes, word) => Some(true),
            _ if among(&self.no, word) => Some(false),
            "true" | "yes" | "y" | "x" | "1" | "on" => Some(true),
            "false" | "no" | "n" | "0" | "off" | "-" => Some(false),
            _ => None,
        }
    }

    pub fn delimiter(&self, table: &str) -> Option<u8> {
        self.table(table).delimiter.as_ref().or(self.delimiter.as_ref()).and_then(|text| letter(text))
    }

    pub fn escape(&self, table: &str) -> Option<u8> {
        self.table(table).escape.as_ref().or(self.escape.as_ref()).and_then(|text| letter(text))
    }

    pub fn encoding(&self, table: &str) -> Option<&str> {
        self.table(table).encoding.as_deref().or(self.encoding.as_deref())
    }

    pub fn header(&self, table: &str) -> Option<u64> {
        self.table(table).header.or(self.header)
    }

    /// Whether dates of some table are days as a spreadsheet keeps them.
    pub fn says_days_of_a_spreadsheet(&self) -> bool {
        let of_tables = TABLES.iter().map(|name| &self.table(name).date);
        of_tables.chain([&self.date]).any(|date| date.0.iter().any(|form| form == "excel"))
    }

    pub fn dates(&self, table: &str) -> Result<Dates, String> {
        let own = &self.table(table).date;
        let own = if own.0.is_empty() { &self.date } else { own };
        Dates::new(&own.0, self.zone.as_deref())
    }

    /// The words of a table that stand where nothing is.
    pub fn empty(&self, table: &str) -> Vec<String> {
        self.empty.iter().chain(&self.table(table).empty).cloned().collect()
    }
}

/// Whether a word is one of these, in any case.
pub fn among(words: &[String], word: &str) -> bool {
    words.iter().any(|known| label::same(known, word))
}

/// What can be wrong with what says how a file is written.
fn spelled(
    (delimiter, escape, encoding, header, date): (
        &Option<String>,
        &Option<String>,
        &Option<String>,
        Option<u64>,
        &Many,
    ),
    wrong: &dyn Fn(&str, String) -> Problem,
) -> Result<()> {
    if delimiter.as_deref().is_some_and(|text| letter(text).is_none()) {
        return Err(wrong("delimiter", "a delimiter is one character, or `tab`".into()));
    }
    if escape.as_deref().is_some_and(|text| letter(text).is_none()) {
        return Err(wrong("escape", "an escape is one character, such as \"\\\\\"".into()));
    }
    if let Some(name) = encoding.as_deref().filter(|name| super::encoding::named(name).is_none()) {
        return Err(wrong(
            "encoding",
            format!("`{name}` is not a known encoding; `windows-1252` and `utf-16le` are some"),
        ));
    }
    if header == Some(0) {
        return Err(wrong("header", "rows are counted from 1".into()));
    }
    Dates::new(&date.0, None).map(drop).map_err(|why| wrong("date", why))
}

fn letter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        b"tab" => Some(b'\t'),
        [one] => Some(*one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_said_in_the_words_of_the_export_too() {
        let columns = Columns::parse("yes = ['Ja', 'intern']\nno = ['nein']\n").unwrap();
        let said = ["ja", "INTERN", "nein", "x", "0", "vielleicht"].map(|word| columns.flag(word));
        assert_eq!(said, [Some(true), Some(true), Some(false), Some(true), Some(false), None]);
        assert_eq!(Columns::default().flag("ja"), None);
    }

    #[test]
    fn what_a_table_says_counts_more_than_what_the_folder_says() {
        let text = "delimiter = ';'\nempty = ['?']\n[ticket]\ndelimiter = 'tab'\nfile = ['a.csv', 'b.csv']\nempty = ['NULL']\n";
        let columns = Columns::parse(text).unwrap();
        assert_eq!((columns.delimiter("ticket"), columns.delimiter("contact")), (Some(b'\t'), Some(b';')));
        assert_eq!(
            (columns.empty("ticket"), columns.empty("contact")),
            (vec!["?".into(), "NULL".into()], vec!["?".to_owned()])
        );
        assert_eq!(columns.table("ticket").file.0, ["a.csv", "b.csv"]);
    }

    #[test]
    fn a_wrong_file_is_told_with_its_place() {
        for (text, said) in [
            ("[ticket.columns]\nsubjcet = 'S'\n", "columns.toml:2:1: a ticket has no `subjcet`"),
            ("zone = 'Mars'\n", "columns.toml:1:8: `Mars` is not a time zone"),
            ("delimiter = ';;'\n", "columns.toml:1:13: a delimiter is one character"),
            ("[ticket]\nescape = 'xx'\n", "columns.toml:2:10: an escape is one character"),
            ("encoding = 'klingon'\n", "columns.toml:1:12: `klingon` is not a known encoding"),
            ("date = ['%d.%m.%Y', 'dd.mm.yyyy']\n", "columns.toml:1:8: `dd.mm.yyyy` is not a strftime format"),
            ("header = 0\n", "columns.toml:1:10: rows are counted from 1"),
            ("[tickets]\n", "columns.toml:1:2: unknown"),
        ] {
            let problem = Columns::parse(text).unwrap_err();
            assert!(problem.what.starts_with(said), "{}", problem.what);
        }
    }
}
