//! The text of a cell, made the value of its field. What cannot be read is told in words, with the key that helps; a text is shown
//! only where it is a word or a date, never a message.

use super::columns::{Columns, JSON, among};
use super::dates::Dates;
use super::fields::{Cell, Says, Words};
use super::headers::list;
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

type Read<T = Value> = Result<T, Wrong>;

/// What a spreadsheet writes where a formula fails.
const ERRORS: [&str; 8] = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#DATA!"];
/// Fields by which rows find one another: blanks around them are nothing.
pub const KEYS: [&str; 7] = ["id", "number", "url", "ticket", "comment", "key", "source"];
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

    /// The error a formula left in a cell.
    pub fn error<'a>(&self, text: &'a str) -> Option<&'a str> {
        let trimmed = text.trim();
        (!self.said.is_ours() && ERRORS.contains(&trimmed)).then_some(trimmed)
    }

    /// The value of a field from one text that is not empty; null where it stands for nothing.
    pub fn value(&self, field: &str, cell: Cell, text: &str) -> Read {
        let trimmed = text.trim();
        match cell {
            Cell::Text if KEYS.contains(&field) && !self.said.is_ours() => Ok(trimmed.into()),
            Cell::Text => Ok(text.into()),
            Cell::Ref(_) => Ok(if self.said.is_ours() { text } else { trimmed }.into()),
            Cell::Time => self.time(field, trimmed),
            Cell::Flag => match self.said.flag(trimmed) {
                Some(flag) => Ok(flag.into()),
                None => wrong(trimmed, "is neither yes nor no", "`yes` and `no` in columns.toml list further words"),
            },
            Cell::Whole => match trimmed.strip_suffix(".0").unwrap_or(trimmed).parse::<u64>() {
                Ok(number) => Ok(number.into()),
                Err(_) => wrong(trimmed, "is no whole number", "write digits alone, or leave the cell empty"),
            },
            Cell::Word(words) => self.word(words, trimmed),
            Cell::Readers(says) => self.readers(says, trimmed).map(|visibility| json!(visibility)),
            Cell::Json => json_cell(field, trimmed),
            Cell::List | Cell::Refs(_) | Cell::Emails if self.said.is_ours() => json_cell(field, trimmed),
            Cell::List => Ok(self.list(trimmed).into_iter().map(Value::from).collect()),
            Cell::Refs(_) => Ok(self.people(trimmed).into_iter().map(Value::from).collect()),
            Cell::Emails => self.emails(trimmed),
            Cell::Journal => self.journal(text),
        }
    }

    fn time(&self, field: &str, text: &str) -> Read {
        match self.dates.read(text) {
            Some(at) => Ok(json!(at)),
            None if Dates::is_nothing(text) => Ok(Value::Null),
            None => wrong(text, "cannot be read as a date", &date_hint(field, text)),
        }
    }

    /// An instant, for the dates within a text.
    pub fn instant(&self, text: &str) -> Option<Timestamp> {
        self.dates.read(text)
    }

    /// The parts of a list: between the separator that is said, else between commas, semicolons and lines.
    fn list(&self, text: &str) -> Vec<String> {
        let parts: Vec<&str> = match self.said.separator.as_deref() {
            Some(separator) if separator != JSON => text.split(separator).collect(),
            _ => text.split([',', ';', '\n']).collect(),
        };
        parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The people (or other records) a list names.
    pub fn people(&self, text: &str) -> Vec<String> {
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
                return wrong(
                    &part,
                    "is no e-mail address",
                    "correct it, or list the words that mean \"empty\" in `empty` of columns.toml",
                );
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
            None => wrong(text, "is no word of this field", &format!("it takes {}", list(&all))),
        }
    }

    fn readers(&self, says: Says, text: &str) -> Read<Visibility> {
        let plain = label::key(&text.replace(['_', '-'], " "));
        let public = ["public", "external", "everyone", "customer", "customer visible", "visible to customer"];
        let private = [
            "private",
            "internal",
            "agent only",
            "agents only",
            "agents",
            "internal note",
            "private note",
            "hidden",
            "staff only",
        ];
        let by_word = match plain.as_str() {
            _ if among(&self.said.private, text) => Some(Visibility::Private),
            _ if among(&self.said.public, text) => Some(Visibility::Public),
            plain if private.contains(&plain) => Some(Visibility::Private),
            plain if public.contains(&plain) => Some(Visibility::Public),
            _ => None,
        };
        let by_flag = || match (says, self.said.flag(text)?) {
            (Says::Word, _) => None,
            (Says::Private, true) | (Says::Public, false) => Some(Visibility::Private),
            (Says::Private, false) | (Says::Public, true) => Some(Visibility::Public),
        };
        let hint = "`public` and `private` in columns.toml list further words, such as private = [\"Intern\"]";
        by_word.or_else(by_flag).map_or_else(|| wrong(text, "does not say who may read the message", hint), Ok)
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

    /// `date;author;text`: a message in a cell of its ticket.
    fn journal(&self, text: &str) -> Read {
        let mut parts = text.splitn(3, ';');
        let (date, author, body) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        match (self.instant(date), author, body) {
            (Some(at), Some(author), Some(body)) => {
                let author = Some(author.trim()).filter(|author| !author.is_empty());
                Ok(json!([{ "created_at": at, "author": author, "body": body }]))
            }
            (None, _, Some(_)) => wrong(date.trim(), "cannot be read as a date", &date_hint("messages", date.trim())),
            _ => Err(Wrong {
                what: "is no message with its date and author".into(),
                hint: "a cell of `messages` or `notes` is written `date;author;text`; under `[ticket.custom]` it is a \
                       custom field"
                    .into(),
            }),
        }
    }
}

fn wrong<T>(text: &str, what: &str, hint: &str) -> Read<T> {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Err(Wrong { what: format!("{shown:?} {what}"), hint: hint.to_owned() })
}

/// How to say the form of this date.
fn date_hint(field: &str, text: &str) -> String {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let time = match time {
        "" => "",
        time if time.to_lowercase().ends_with('m') => " %I:%M %p",
        time if time.matches(':').count() > 1 => " %H:%M:%S",
        _ => " %H:%M",
    };
    let parts: Vec<&str> = date.split(['/', '-', '.']).collect();
    let between = date.chars().find(|c| "/-.".contains(*c)).unwrap_or('/');
    match parts.as_slice() {
        [a, b, y] if digits(a) && digits(b) && digits(y) => {
            let year = if y.len() == 4 { "%Y" } else { "%y" };
            let form = |first: &str, second: &str| format!("\"{first}{between}{second}{between}{year}{time}\"");
            let over = |part: &str| part.parse::<u32>().is_ok_and(|n| n > 12);
            match (over(a), over(b)) {
                (true, false) => format!("`date = {}` in columns.toml says how dates are written", form("%d", "%m")),
                (false, true) => format!("`date = {}` in columns.toml says how dates are written", form("%m", "%d")),
                _ => format!(
                    "`date` in columns.toml says which comes first: {} or {}",
                    form("%d", "%m"),
                    form("%m", "%d")
                ),
            }
        }
        _ => format!(
            "`date` in columns.toml says how dates are written, such as \"%d.%m.%Y %H:%M\"; `empty` lists words for no date; \
             a column that is no `{field}` goes under `[TABLE.custom]`"
        ),
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
    if fits { Ok(value) } else { Err(fault(format!("is no list of {}", field.replace('_', " ")))) }
}
