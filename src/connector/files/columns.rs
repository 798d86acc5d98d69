//! `columns.toml`: which column of a table holds which canonical field. Everything in it may be left out: a
//! column named like a field is that field, and of tickets, people and companies any other column is a custom field.

use crate::error::{Problem, Reason, Result};
use crate::expr::TimeFormat;
use crate::mapping::label;
use crate::project::TomlText;
use crate::record::{Format, Kind};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

pub const FILE: &str = "columns.toml";
/// The separator that means a list is written as JSON.
pub const JSON: &str = "json";

/// The file. A key of the top is the default of every table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// The XLSX file of the folder; the only one there is, unless said.
    pub workbook: Option<String>,
    /// Between cells: `,` unless said; `tab` for a tab.
    pub delimiter: Option<String>,
    /// Between the values of one cell: `,` unless said; `json` for JSON.
    pub separator: Option<String>,
    /// How dates are written, in the letters of strftime. `2024-05-01 10:00` is understood without.
    pub date: Option<String>,
    /// The time zone of dates that name none; UTC unless said.
    pub zone: Option<String>,
    /// How messages are written: `text` unless said.
    pub format: Option<Format>,
    /// Further words for yes and for no, such as `ja` and `nein`.
    pub yes: Vec<String>,
    pub no: Vec<String>,
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
    /// The CSV file; `KIND.csv` unless said.
    pub file: Option<String>,
    /// The sheet of the workbook; the one named `KIND` unless said.
    pub sheet: Option<String>,
    /// Canonical field = column.
    pub columns: BTreeMap<String, String>,
    /// Key (and title) of a custom field = column.
    pub custom: BTreeMap<String, String>,
    /// Columns that are left out.
    pub ignore: Vec<String>,
}

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    Text,
    List,
    Time,
    Flag,
    Whole,
    Json,
}

/// The tables that are no kind of their own: rows of a ticket.
pub const COMMENT: &str = "comment";
pub const ATTACHMENT: &str = "attachment";
/// All tables of a folder.
pub const TABLES: [&str; 11] =
    ["group", "agent", "company", "field", "contact", "ticket", "category", "section", "article", COMMENT, ATTACHMENT];
/// Column of a ticket that holds its first message.
pub const DESCRIPTION: &str = "description";
/// Column of a message that says whether customers may not see it.
pub const PRIVATE: &str = "private";

const HEAD: &[(&str, Cell)] = &[
    ("id", Cell::Text),
    ("number", Cell::Text),
    ("url", Cell::Text),
    ("created_at", Cell::Time),
    ("updated_at", Cell::Time),
    ("state", Cell::Text),
];
const GROUP: &[(&str, Cell)] = &[("name", Cell::Text), ("description", Cell::Text)];
const PERSON: &[(&str, Cell)] = &[
    ("name", Cell::Text),
    ("login", Cell::Text),
    ("emails", Cell::List),
    ("phones", Cell::List),
    ("locale", Cell::Text),
    ("time_zone", Cell::Text),
    ("role", Cell::Text),
    ("active", Cell::Flag),
    ("companies", Cell::List),
    ("groups", Cell::List),
    ("tags", Cell::List),
    ("custom", Cell::Json),
];
const COMPANY: &[(&str, Cell)] = &[("name", Cell::Text), ("domains", Cell::List), ("custom", Cell::Json)];
const FIELD: &[(&str, Cell)] = &[
    ("scope", Cell::Text),
    ("key", Cell::Text),
    ("title", Cell::Text),
    ("type", Cell::Text),
    ("required", Cell::Flag),
    ("options", Cell::Json),
];
const TICKET: &[(&str, Cell)] = &[
    ("subject", Cell::Text),
    ("status", Cell::Text),
    ("category", Cell::Text),
    ("priority", Cell::Text),
    ("type", Cell::Text),
    ("channel", Cell::Text),
    ("requester", Cell::Text),
    ("submitter", Cell::Text),
    ("assignee", Cell::Text),
    ("group", Cell::Text),
    ("company", Cell::Text),
    ("brand", Cell::Text),
    ("requesters", Cell::List),
    ("ccs", Cell::List),
    ("followers", Cell::List),
    ("tags", Cell::List),
    ("custom", Cell::Json),
    ("links", Cell::Json),
    ("due_at", Cell::Time),
    ("solved_at", Cell::Time),
    ("closed_at", Cell::Time),
    ("satisfaction", Cell::Json),
    ("time_entries", Cell::Json),
];
const CATEGORY: &[(&str, Cell)] = &[
    ("name", Cell::Text),
    ("description", Cell::Text),
    ("locale", Cell::Text),
    ("position", Cell::Whole),
    ("translations", Cell::Json),
];
const SECTION: &[(&str, Cell)] = &[
    ("name", Cell::Text),
    ("description", Cell::Text),
    ("locale", Cell::Text),
    ("category", Cell::Text),
    ("parent", Cell::Text),
    ("position", Cell::Whole),
    ("audience", Cell::Text),
    ("segment", Cell::Text),
    ("translations", Cell::Json),
];
const ARTICLE: &[(&str, Cell)] = &[
    ("title", Cell::Text),
    ("format", Cell::Text),
    ("body", Cell::Text),
    ("locale", Cell::Text),
    ("section", Cell::Text),
    ("author", Cell::Text),
    ("draft", Cell::Flag),
    ("audience", Cell::Text),
    ("segment", Cell::Text),
    ("position", Cell::Whole),
    ("promoted", Cell::Flag),
    ("tags", Cell::List),
    ("translations", Cell::Json),
    ("attachments", Cell::Json),
];
const MESSAGE: &[(&str, Cell)] = &[
    ("ticket", Cell::Text),
    ("id", Cell::Text),
    ("author", Cell::Text),
    ("visibility", Cell::Text),
    ("direction", Cell::Text),
    ("format", Cell::Text),
    ("body", Cell::Text),
    ("channel", Cell::Text),
    ("created_at", Cell::Time),
    ("message_id", Cell::Text),
    ("to", Cell::List),
    ("cc", Cell::List),
];
const FILE_ROW: &[(&str, Cell)] = &[
    ("ticket", Cell::Text),
    ("comment", Cell::Text),
    ("id", Cell::Text),
    ("name", Cell::Text),
    ("mime", Cell::Text),
    ("size", Cell::Whole),
    ("source", Cell::Text),
    ("hash", Cell::Text),
    ("inline", Cell::Flag),
    ("content_id", Cell::Text),
];

/// The fields of a table's rows, in the order in which they are written.
pub fn fields(table: &str) -> Vec<(&'static str, Cell)> {
    let own = match table {
        COMMENT => return MESSAGE.to_vec(),
        ATTACHMENT => return FILE_ROW.to_vec(),
        "group" => GROUP,
        "agent" | "contact" => PERSON,
        "company" => COMPANY,
        "field" => FIELD,
        "category" => CATEGORY,
        "section" => SECTION,
        "article" => ARTICLE,
        _ => TICKET,
    };
    [HEAD, own].concat()
}

/// Fields that only a table written by hand has.
fn by_hand(table: &str) -> &'static [(&'static str, Cell)] {
    match table {
        "ticket" => &[(DESCRIPTION, Cell::Text)],
        COMMENT => &[(PRIVATE, Cell::Flag)],
        _ => &[],
    }
}

/// Words people write over a column, and the field they mean.
const ALSO: &[(&str, &str)] = &[
    ("email", "emails"),
    ("e mail", "emails"),
    ("phone", "phones"),
    ("domain", "domains"),
    ("cc", "ccs"),
    ("tag", "tags"),
    ("created", "created_at"),
    ("updated", "updated_at"),
];

/// What one column of a table is.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    Field(&'static str, Cell),
    Custom { key: String, title: String },
    Ignored,
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
        if let Err(why) = columns.times() {
            let key = if why.contains("time zone") { "zone" } else { "date" };
            return Err(text.error_at_value(&[key], why));
        }
        if columns.delimiter.as_deref().is_some_and(|d| delimiter(d).is_none()) {
            return Err(text.error_at_value(&["delimiter"], "a delimiter is one character, or `tab`"));
        }
        for name in TABLES {
            let known: Vec<&str> = fields(name).iter().chain(by_hand(name)).map(|(field, _)| *field).collect();
            for field in columns.table(name).columns.keys() {
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

    /// What a word says, if it says yes or no.
    pub fn flag(&self, word: &str) -> Option<bool> {
        let among = |words: &[String]| words.iter().any(|known| label::same(known, word));
        match word.to_lowercase().as_str() {
            _ if among(&self.yes) => Some(true),
            _ if among(&self.no) => Some(false),
            "true" | "yes" | "y" | "x" | "1" | "on" => Some(true),
            "false" | "no" | "n" | "0" | "off" | "-" => Some(false),
            _ => None,
        }
    }

    pub fn delimiter(&self) -> u8 {
        self.delimiter.as_deref().and_then(delimiter).unwrap_or(b',')
    }

    pub fn separator(&self) -> &str {
        self.separator.as_deref().unwrap_or(",")
    }

    /// How dates are read: the usual way, then as the file says.
    pub fn times(&self) -> Result<Vec<TimeFormat>, String> {
        let zone = self.zone.as_deref();
        let own = self.date.iter().map(String::as_str);
        ["rfc3339"].into_iter().chain(own).map(|format| TimeFormat::new(format, zone)).collect()
    }

    /// What each column of a table is, by its header.
    ///
    /// Errors: `config`, when a column is named that is not there, or one is there that nothing names.
    pub fn resolve(&self, name: &str, headers: &[String]) -> Result<Vec<Vec<Column>>> {
        let table = self.table(name);
        let known: Vec<(&'static str, Cell)> = fields(name).iter().chain(by_hand(name)).copied().collect();
        let named = table.columns.values().chain(table.custom.values()).chain(&table.ignore);
        for column in named {
            if !headers.iter().any(|header| label::same(header, column)) {
                let hint = crate::project::spelling::hint(column, headers.iter().map(String::as_str));
                let what = format!("there is no column `{column}`, which `[{name}]` of {FILE} names");
                return Err(Problem { hint, ..Problem::new(Reason::Config, what) });
            }
        }
        let holds_custom = known.iter().any(|(field, _)| *field == "custom");
        let mut columns = Vec::with_capacity(headers.len());
        for header in headers {
            let mut here: Vec<Column> = Vec::new();
            let is = |column: &String| label::same(column, header);
            for (field, _) in table.columns.iter().filter(|(_, column)| is(column)) {
                here.extend(
                    known.iter().find(|(name, _)| name == field).map(|(name, cell)| Column::Field(name, *cell)),
                );
            }
            let custom = table.custom.iter().filter(|(_, column)| is(column));
            here.extend(custom.map(|(key, _)| Column::Custom { key: key.clone(), title: key.clone() }));
            if here.is_empty() {
                let found = known.iter().find(|(field, _)| means(header, field) && !table.columns.contains_key(*field));
                here.push(match found {
                    _ if header.trim().is_empty() || table.ignore.iter().any(is) => Column::Ignored,
                    Some((field, cell)) => Column::Field(field, *cell),
                    None if holds_custom => Column::Custom { key: header.clone(), title: header.clone() },
                    None => {
                        let what = format!("column `{header}`: a {name} has no such field");
                        let hint = format!("name its field under `[{name}.columns]` in {FILE}, or list it in `ignore`");
                        return Err(Problem::new(Reason::Config, what).hint(hint));
                    }
                });
            }
            columns.push(here);
        }
        Ok(columns)
    }
}

fn delimiter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        b"tab" => Some(b'\t'),
        [one] => Some(*one),
        _ => None,
    }
}

fn means(header: &str, field: &str) -> bool {
    let spoken = |text: &str| label::key(&text.replace(['_', '-'], " "));
    let header = spoken(header);
    header == spoken(field) || ALSO.iter().any(|(word, meant)| *word == header && *meant == field)
}

/// The id of a row that has none: what people call it.
pub fn stand_in(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Agent | Kind::Contact => Some("emails"),
        Kind::Group | Kind::Company => Some("name"),
        Kind::Field => Some("key"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[&str]) -> Vec<String> {
        of.iter().map(|h| (*h).to_owned()).collect()
    }

    #[test]
    fn a_header_named_like_its_field_needs_no_mapping() {
        let found =
            Columns::default().resolve("contact", &headers(&["ID", "E-Mail", "Created at", "Shoe size"])).unwrap();
        let custom = Column::Custom { key: "Shoe size".into(), title: "Shoe size".into() };
        let field = |name, cell| Column::Field(name, cell);
        let expected = [field("id", Cell::Text), field("emails", Cell::List), field("created_at", Cell::Time), custom];
        assert_eq!(found, expected.map(|column| vec![column]));
    }

    #[test]
    fn a_custom_field_is_called_what_the_file_calls_it() {
        let columns = Columns::parse("[ticket.custom]\n'Order Number' = 'Bestellnummer'\n").unwrap();
        let called = Column::Custom { key: "Order Number".into(), title: "Order Number".into() };
        assert_eq!(columns.resolve("ticket", &headers(&["Bestellnummer"])).unwrap(), [vec![called]]);
    }

    #[test]
    fn one_column_may_be_two_fields() {
        let columns = Columns::parse("[contact.columns]\nid = 'Mail'\nemails = 'Mail'\n").unwrap();
        let found = columns.resolve("contact", &headers(&["Mail"])).unwrap();
        assert_eq!(found, [vec![Column::Field("emails", Cell::List), Column::Field("id", Cell::Text)]]);
    }

    #[test]
    fn a_column_nobody_knows_is_told_where_it_would_be_lost() {
        let wrong = Columns::default().resolve("comment", &headers(&["ticket", "mood"])).unwrap_err();
        assert_eq!(wrong.what, "column `mood`: a comment has no such field");
        let ignored = Columns::parse("[comment]\nignore = ['Mood']\n").unwrap();
        assert_eq!(ignored.resolve("comment", &headers(&["mood"])).unwrap(), [vec![Column::Ignored]]);
    }

    #[test]
    fn a_flag_is_said_in_the_words_of_the_export_too() {
        let columns = Columns::parse("yes = ['Ja', 'intern']\nno = ['nein']\n").unwrap();
        let said = ["ja", "INTERN", "nein", "x", "0", "vielleicht"].map(|word| columns.flag(word));
        assert_eq!(said, [Some(true), Some(true), Some(false), Some(true), Some(false), None]);
        assert_eq!(Columns::default().flag("ja"), None);
    }

    #[test]
    fn a_wrong_file_is_told_with_its_place() {
        for (text, said) in [
            ("[ticket.columns]\nsubjcet = 'S'\n", "columns.toml:2:1: a ticket has no `subjcet`"),
            ("zone = 'Mars'\n", "columns.toml:1:8: `Mars` is not a time zone"),
            ("delimiter = ';;'\n", "columns.toml:1:13: a delimiter is one character"),
            ("[tickets]\n", "columns.toml:1:2: unknown"),
        ] {
            let problem = Columns::parse(text).unwrap_err();
            assert!(problem.what.starts_with(said), "{}", problem.what);
        }
        let wrong = Columns::parse("[ticket.columns]\nsubject = 'Sbuject'\n").unwrap();
        let wrong = wrong.resolve("ticket", &headers(&["Subject"])).unwrap_err();
        assert_eq!(wrong.hint.as_deref(), Some("did you mean `Subject`?"));
    }
}
