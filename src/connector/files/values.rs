//! The text of a cell, made the value of its field. What cannot be read is told in words, with the key that helps; a text is shown
//! only where it is a word or a date, never a message.

use super::columns::{Columns, JSON, among};
use super::dates::Dates;
use super::dressed;
use super::faults::list;
use super::fields::{Cell, Of, Says, Words};
use super::hints;
use super::journal;
use super::literals;
use super::workbook::NO_VALUE;
use crate::error::Result;
use crate::mapping::label;
use crate::record::library::{Audience, Translation};
use crate::record::mailbox;
use crate::record::{
    Attachment, Category, CustomValue, Direction, FieldOption, FieldType, Format, Kind, Link, State, TimeEntry,
    Visibility, address_key,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How the cells of one table are read.
#[derive(Clone, Debug)]
pub struct Rules {
    pub said: Columns,
    dates: Dates,
    empty: Vec<String>,
}

/// What is wrong with a cell, and what helps.
pub struct Wrong {
    pub what: String,
    pub hint: String,
}

pub type Read<T = Value> = Result<T, Wrong>;

/// What a spreadsheet writes where a formula fails.
const ERRORS: [&str; 17] = [
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#DIV/0!",
    "#NAME?",
    "#NULL!",
    "#NUM!",
    "#DATA!",
    "#GETTING_DATA",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#BUSY!",
    NO_VALUE,
];
/// Fields by which rows find one another: blanks around them are nothing.
pub const KEYS: [&str; 7] = ["id", "number", "url", "ticket", "comment", "key", "source"];
/// Texts of people: `?` is what somebody said. A ticket's description is none of them where its cell says that there is none.
const WRITTEN: [&str; 4] = ["subject", "name", "title", "body"];
/// What messages are called that everyone may read, and those that only agents may.
const PUBLIC: [&str; 8] = [
    "public",
    "external",
    "everyone",
    "customer",
    "customer visible",
    "visible to customer",
    "additional comments",
    "public reply",
];
const PRIVATE: [&str; 12] = [
    "private",
    "internal",
    "agent only",
    "agents only",
    "agents",
    "internal note",
    "private note",
    "hidden",
    "staff only",
    "work notes",
    "work note",
    "internal comment",
];
pub const READERS_HINT: &str =
    "`public` and `private` in columns.toml list further words, such as private = [\"Intern\"]";
pub const NO_ADDRESS: &str = "is not an e-mail address";
pub const ADDRESS_HINT: &str = "correct it, or list the words that mean \"empty\" in `empty` of columns.toml";
/// Longest text shown of a cell.
const SHOWN: usize = 40;

impl Rules {
    /// Errors: what is wrong with the dates or the zone.
    pub fn new(said: &Columns, table: &str) -> Result<Rules, String> {
        Ok(Rules { said: said.clone(), dates: said.dates(table)?, empty: said.empty(table) })
    }

    /// Whether a cell says nothing.
    pub fn is_empty(&self, text: &str) -> bool {
        if self.said.is_ours() {
            return text.is_empty();
        }
        let trimmed = text.trim();
        trimmed.is_empty() || trimmed == "\\N" || among(&self.empty, trimmed)
    }

    /// Whether a cell of a field says nothing. A word that means "empty" elsewhere is an answer in what people write.
    pub fn says_nothing(&self, field: &str, text: &str) -> bool {
        match WRITTEN.contains(&field) && !self.said.is_ours() {
            true => text.trim().is_empty() || text.trim() == "\\N",
            false => self.is_empty(text),
        }
    }

    /// A cell as a spreadsheet shows it: exports write `="0042"` so that the zeros stay.
    pub fn shown<'a>(&self, text: &'a str) -> &'a str {
        let formula = || text.trim().strip_prefix("=\"")?.strip_suffix('"').filter(|inside| !inside.contains('"'));
        if self.said.is_ours() { text } else { formula().unwrap_or(text) }
    }

    /// What rows find one another by: without blanks, and without the `.0` of programs that take ids for numbers.
    pub fn key<'a>(&self, text: &'a str) -> &'a str {
        if self.said.is_ours() {
            return text;
        }
        let whole =
            text.trim().strip_suffix(".0").filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()));
        whole.unwrap_or_else(|| text.trim())
    }

    /// The error a formula left in a cell.
    pub fn error<'a>(&self, text: &'a str) -> Option<&'a str> {
        let trimmed = text.trim();
        (!self.said.is_ours() && ERRORS.contains(&trimmed)).then_some(trimmed)
    }

    /// The value of a field from one text that is not empty; null where it stands for nothing.
    pub fn value(&self, field: &str, cell: Cell, text: &str) -> Read {
        let trimmed = text.trim();
        match cell {
            Cell::Text if KEYS.contains(&field) => Ok(self.key(text).into()),
            // What people wrote in full stays as they did.
            Cell::Text if self.said.is_ours() || matches!(field, "body" | "description") => Ok(text.into()),
            Cell::Text => Ok(trimmed.into()),
            Cell::Ref(_) => Ok(self.key(text).into()),
            Cell::Time => self.time(field, trimmed),
            Cell::Flag => match self.said.flag(trimmed) {
                Some(flag) => Ok(flag.into()),
                None => wrong(trimmed, "is neither yes nor no", "`yes` and `no` in columns.toml list further words"),
            },
            Cell::Whole => match trimmed.strip_suffix(".0").unwrap_or(trimmed).parse::<u64>() {
                Ok(number) => Ok(number.into()),
                Err(_) => wrong(trimmed, "is not a whole number", "write digits alone, or leave the cell empty"),
            },
            Cell::Word(words) => self.word(words, trimmed),
            Cell::Readers(says) => self.readers(says, trimmed).map(|visibility| json!(visibility)),
            Cell::Json => json_cell(field, trimmed),
            Cell::List | Cell::Refs(_) | Cell::Emails if self.said.is_ours() => json_cell(field, trimmed),
            // An apostrophe keeps a spreadsheet from reckoning with `+49 30 …`.
            Cell::List if field == "phones" => {
                let numbers = self.list(trimmed).into_iter();
                Ok(numbers.map(|number| Value::from(number.trim_start_matches('\''))).collect())
            }
            Cell::List => Ok(self.list(trimmed).into_iter().map(Value::from).collect()),
            Cell::Refs(Of::Person) => Ok(self.listed(trimmed).into_iter().map(Value::from).collect()),
            Cell::Refs(_) if self.said.separator.is_some() => {
                Ok(self.list(trimmed).into_iter().map(Value::from).collect())
            }
            // Whether a comma is part of its name is known when all names are: see `super::several`.
            Cell::Refs(_) => Ok(json!([self.key(text)])),
            Cell::Emails => self.emails(trimmed),
            Cell::Journal => journal::read(self, text),
        }
    }

    fn time(&self, field: &str, text: &str) -> Read {
        match self.dates.read(text) {
            Some(at) => Ok(json!(at)),
            None if Dates::is_nothing(text) => Ok(Value::Null),
            None => wrong(text, "cannot be read as a date", &self.date_hint(field, text)),
        }
    }

    /// What helps with a date of this field that cannot be read.
    pub fn date_hint(&self, field: &str, text: &str) -> String {
        hints::of_date(&self.dates, field, text)
    }

    /// Whether `date` says how dates are written.
    pub fn are_dates_said(&self) -> bool {
        self.dates.are_said()
    }

    /// An instant, for the dates within a text.
    pub fn instant(&self, text: &str) -> Option<Timestamp> {
        self.dates.read(text)
    }

    /// The parts of a list: between the separator that is said, else between commas, semicolons and lines, or as programs write lists.
    fn list(&self, text: &str) -> Vec<String> {
        let parts: Vec<&str> = match self.said.separator.as_deref() {
            Some(separator) if separator != JSON => text.split(separator).collect(),
            _ => return literals::list(text),
        };
        parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The people a list names; names without an address between commas stay together, as they may be one.
    fn listed(&self, text: &str) -> Vec<String> {
        let text: &str = &dressed::plain(text);
        let is_name = |part: &str| !part.contains(['@', '<']) && !part.contains(|c: char| c.is_ascii_digit());
        let (mut all, mut was_name): (Vec<String>, bool) = (Vec::new(), false);
        for part in self.people(text) {
            let is_name = is_name(&part);
            let beside = all.last_mut().filter(|_| is_name && was_name).and_then(|before| {
                let both = format!("{before}, {part}");
                spaced(text).contains(&both).then(|| *before = both)
            });
            if beside.is_none() {
                all.push(part);
            }
            was_name = is_name;
        }
        all
    }

    /// The people a list names.
    pub fn people(&self, text: &str) -> Vec<String> {
        let text: &str = &dressed::plain(text);
        let lines = text.split(['\n', '|']);
        let parts = match self.said.separator.as_deref() {
            Some(separator) if ![",", ";", JSON].contains(&separator) => self.list(text),
            _ => lines.flat_map(mailbox::split).collect(),
        };
        parts.into_iter().filter(|part| !self.is_empty(part)).collect()
    }

    /// Addresses alone, each once.
    fn emails(&self, text: &str) -> Read {
        let mut all: Vec<String> = Vec::new();
        for part in self.people(text) {
            let Some(read) = mailbox::read(&part) else {
                return wrong(&part, NO_ADDRESS, ADDRESS_HINT);
            };
            if !all.iter().any(|there| address_key(there) == address_key(&read.address)) {
                all.push(read.address);
            }
        }
        Ok(json!(all))
    }

    fn word(&self, words: Words, text: &str) -> Read {
        let spoken = label::key(&text.replace(['-', ' '], "_"));
        let is = |code: &str| code == text || (!self.said.is_ours() && code == spoken);
        macro_rules! code_of {
            ($kind:ty, $also:expr) => {{
                let also: &[(&str, &str)] = $also;
                let meant = also.iter().find(|(word, _)| !self.said.is_ours() && *word == spoken);
                let code = <$kind>::ALL
                    .iter()
                    .map(|k| k.code())
                    .find(|code| is(code) || meant.is_some_and(|(_, m)| m == code));
                (code, <$kind>::ALL.iter().map(|k| k.code().to_owned()).collect::<Vec<_>>())
            }};
        }
        let (code, all) = match words {
            Words::Category => code_of!(Category, &[]),
            Words::State => code_of!(State, &[]),
            Words::Direction => code_of!(
                Direction,
                &[
                    ("incoming", "in"),
                    ("inbound", "in"),
                    ("outgoing", "out"),
                    ("outbound", "out"),
                    ("note", "internal")
                ]
            ),
            Words::Format => code_of!(
                Format,
                &[
                    ("text/html", "html"),
                    ("plain", "text"),
                    ("plain_text", "text"),
                    ("text/plain", "text"),
                    ("md", "markdown")
                ]
            ),
            Words::Audience => code_of!(Audience, &[]),
            Words::Scope => code_of!(Kind, &[]),
            Words::FieldType => {
                code_of!(FieldType, &[("string", "text"), ("dropdown", "select"), ("checkbox", "bool")])
            }
        };
        match code {
            Some(code) => Ok(code.into()),
            None => wrong(text, "is not a value of this field", &format!("it takes {}", list(&all))),
        }
    }

    fn readers(&self, says: Says, text: &str) -> Read<Visibility> {
        let by_flag = || match (says, self.said.flag(text)?) {
            (Says::Word, _) => None,
            (Says::Private, true) | (Says::Public, false) => Some(Visibility::Private),
            (Says::Private, false) | (Says::Public, true) => Some(Visibility::Public),
        };
        let found = self.readable_by(text).or_else(by_flag);
        found.map_or_else(|| wrong(text, "does not say who may read the message", READERS_HINT), Ok)
    }

    /// Who may read a message that is called so.
    pub fn readable_by(&self, word: &str) -> Option<Visibility> {
        let plain = label::key(&word.replace(['_', '-'], " "));
        match plain.as_str() {
            _ if among(&self.said.private, word) => Some(Visibility::Private),
            _ if among(&self.said.public, word) => Some(Visibility::Public),
            plain if PRIVATE.contains(&plain) => Some(Visibility::Private),
            plain if PUBLIC.contains(&plain) => Some(Visibility::Public),
            _ => None,
        }
    }

    /// Who may read a message whose cell is empty. A column of words must say it; one of yes and no says no.
    pub fn readers_unsaid(&self, says: Says) -> Read {
        match says {
            Says::Private => Ok(Value::Null),
            Says::Public => Ok(json!(Visibility::Private)),
            Says::Word if self.said.is_ours() => Ok(Value::Null),
            Says::Word => self.readers(says, "").map(|visibility| json!(visibility)),
        }
    }
}

/// With one blank behind each comma.
fn spaced(text: &str) -> String {
    text.split(',').map(str::trim).collect::<Vec<_>>().join(", ")
}

pub fn wrong<T>(text: &str, what: &str, hint: &str) -> Read<T> {
    Err(Wrong::of(text, what, hint))
}

impl Wrong {
    pub fn of(text: &str, what: &str, hint: &str) -> Wrong {
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Wrong { what: format!("{shown:?} {what}"), hint: hint.to_owned() }
    }

    /// Names of which nobody can say whether they are one person or several.
    pub fn several(text: &str) -> Wrong {
        let hint = "put the address beside each name, such as \"Low, Cat\" <cat@x.example>, or give each person a row with this name";
        Wrong::of(text, "may be one person or several", hint)
    }

    /// Names in a cell that holds one.
    pub fn one(text: &str, field: &str) -> Wrong {
        let what = format!("has several values, but the field `{field}` holds one");
        let hint = "leave one of them; a name that has a `;` or `|` in it needs a row with this name";
        Wrong::of(text, &what, hint)
    }

    /// An address that only the sender's own Exchange knows.
    pub fn exchange(text: &str) -> Wrong {
        let hint = "put the e-mail address in its place, or give the person a row with this name and the address";
        Wrong::of(text, "is an internal Exchange address, and no person has the name beside it", hint)
    }

    /// A person who is named by an address that is none.
    pub fn address(text: &str) -> Wrong {
        Wrong::of(text, NO_ADDRESS, ADDRESS_HINT)
    }
}

/// A cell of JSON, of the shape its field has.
fn json_cell(field: &str, text: &str) -> Read {
    let fault = |what: String| Wrong { what, hint: "docs/files.md shows how it is written".to_owned() };
    let value: Value = serde_json::from_str(text).map_err(|_| fault("is not JSON".to_owned()))?;
    fn is<T: DeserializeOwned>(value: &Value) -> bool {
        T::deserialize(value).is_ok()
    }
    let fits = match field {
        "custom" => is::<Vec<CustomValue>>(&value),
        "links" => is::<Vec<Link>>(&value),
        "time_entries" => is::<Vec<TimeEntry>>(&value),
        "options" => is::<Vec<FieldOption>>(&value),
        "translations" => is::<Vec<Translation>>(&value),
        "attachments" => is::<Vec<Attachment>>(&value),
        "satisfaction" => value.is_object(),
        _ => is::<Vec<String>>(&value),
    };
    if fits { Ok(value) } else { Err(fault(format!("is not a list of {}", field.replace('_', " ")))) }
}
