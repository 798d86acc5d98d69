//! A TOML file whose errors show the file, the line and a caret.
//!
//! Owns the way every file a person writes (`migration.toml`, `mapping.toml`, a manifest) is parsed and
//! complained about. It never shows a secret that stands in a file of the project: literal values of keys
//! that sound like secrets, and passwords inside addresses, are replaced by `…` in the line shown.
//! (A manifest is published and holds none; its `key = ".id"` is shown as it is.)

mod secrets;

use super::spelling;
use crate::error::{Problem, Reason, Result};
use secrets::secrets_in;
use serde::de::DeserializeOwned;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// The text of one TOML file, the name it is shown by, and the reason its errors migrate
/// ([`Reason::Config`] or [`Reason::Manifest`]).
#[derive(Clone)]
pub struct TomlText {
    file: Arc<str>,
    text: Arc<str>,
    reason: Reason,
}

/// Reads `text` into `T`; every error shows the line and a caret.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str, reason: Reason) -> Result<T> {
    TomlText::new(file, text, reason).parse()
}

impl TomlText {
    pub fn new(file: &str, text: &str, reason: Reason) -> Self {
        Self { file: file.into(), text: text.into(), reason }
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// Reads the text into `T`. An unknown key or word comes with a hint naming the nearest known one.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        toml::from_str(&self.text).map_err(|e| self.refused(&e))
    }

    /// A complaint about the bytes `range` of the text. A range that spans lines is underlined on its first.
    pub fn error_at(&self, range: Range<usize>, message: impl fmt::Display) -> Problem {
        self.shown(range, message, None)
    }

    /// A complaint about the key at `path` (`["read", "ticket", "path"]`; members of lists by their number).
    /// When the file does not have the key, the nearest table above it that it has is shown.
    pub fn error_at_key(&self, path: &[&str], message: impl fmt::Display) -> Problem {
        self.shown(self.nearest_place(path).key, message, None)
    }

    /// Like [`error_at_key`](Self::error_at_key), pointing at the value.
    pub fn error_at_value(&self, path: &[&str], message: impl fmt::Display) -> Problem {
        self.shown(self.nearest_place(path).value, message, None)
    }

    /// The same, narrowed to the one word the message names, where that stands in the value once.
    pub fn error_in_value(&self, path: &[&str], message: &str) -> Problem {
        self.shown(self.narrowed(self.nearest_place(path).value, message), message, None)
    }

    /// A complaint about a value that must never be shown: the key is pointed at, the value is `…`.
    pub fn error_at_secret(&self, path: &[&str], message: impl fmt::Display) -> Problem {
        let place = self.nearest_place(path);
        self.shown(place.key, message, Some(place.value))
    }

    fn nearest_place(&self, path: &[&str]) -> Place {
        let whole = Place { key: 0..0, value: 0..0 };
        let Ok(root) = DeTable::parse(&self.text) else { return whole };
        (1..=path.len()).rev().find_map(|depth| place_in(root.get_ref(), &path[..depth])).unwrap_or(whole)
    }

    fn refused(&self, error: &toml::de::Error) -> Problem {
        let (message, hint) = in_our_words(error.message());
        let range = self.narrowed(error.span().unwrap_or(0..0), &message);
        let hint = hint.or_else(|| self.curly_quotes(range.start));
        let problem = self.shown(range, message, None);
        match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }

    /// What a line with the quotes of a web page needs.
    fn curly_quotes(&self, at: usize) -> Option<String> {
        let at = floor(&self.text, at);
        let start = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let quote = line.chars().find(|c| CURLY.contains(c))?;
        Some(format!(
            "`{quote}` is a curly quote, as web pages and word processors have it: write a straight one, `\"`"
        ))
    }

    /// Narrows a range to the one word the message names, where that stands in it once.
    fn narrowed(&self, range: Range<usize>, message: &str) -> Range<usize> {
        if !["unknown", "jq", "path"].iter().any(|start| message.starts_with(start)) {
            return range;
        }
        let (Some(word), Some(within)) = (quoted(message).next(), self.text.get(range.clone())) else { return range };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut hits = within.match_indices(word).filter(|(at, _)| {
            let runs_on_before = word.starts_with(is_word) && within[..*at].ends_with(is_word);
            let runs_on_after = word.ends_with(is_word) && within[at + word.len()..].starts_with(is_word);
            !runs_on_before && !runs_on_after
        });
        match (hits.next(), hits.next()) {
            (Some((at, _)), None) if !word.is_empty() => range.start + at..range.start + at + word.len(),
            _ => range,
        }
    }

    fn shown(&self, range: Range<usize>, message: impl fmt::Display, hide: Option<Range<usize>>) -> Problem {
        let start = floor(&self.text, range.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let number = self.text[..line_start].matches('\n').count() + 1;
        let column = self.text[line_start..start].chars().count() + 1;
        let end = floor(&self.text, range.end).clamp(start, line_end);

        let mut hidden = if self.reason == Reason::Manifest { vec![] } else { secrets_in(&self.text) };
        hidden.extend(hide);
        let (mut line, mut carets) = (String::new(), String::new());
        let mut gone: Option<&Range<usize>> = None;
        for (at, c) in self.text[line_start..line_end].char_indices().map(|(at, c)| (at + line_start, c)) {
            let cover = hidden.iter().find(|r| r.contains(&at));
            if cover.is_some() && cover == gone {
                continue;
            }
            gone = cover;
            line.push(match cover {
                Some(_) => '…',
                None if c == '\t' => ' ',
                None => c,
            });
            carets.push(if at == start || (start..end).contains(&at) { '^' } else { ' ' });
        }
        let carets = match carets.trim_end() {
            "" => format!("{}^", " ".repeat(line.chars().count())),
            some => some.to_owned(),
        };
        let line = line.trim_end();
        let margin = " ".repeat(number.to_string().len());
        let file = &self.file;
        Problem::new(self.reason, format!("{file}:{number}:{column}: {message}"))
            .excerpt(format!("{margin} |\n{number} | {line}\n{margin} | {carets}"))
    }
}

/// The name only: the text may hold secrets.
impl fmt::Debug for TomlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TomlText({})", self.file)
    }
}

struct Place {
    key: Range<usize>,
    value: Range<usize>,
}

fn place_in(table: &DeTable<'_>, path: &[&str]) -> Option<Place> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == first)?;
    let mut place = Place { key: key.span(), value: value.span() };
    let mut value = value.get_ref();
    for (depth, step) in rest.iter().enumerate() {
        match value {
            DeValue::Table(inner) => return place_in(inner, &rest[depth..]),
            DeValue::Array(list) => {
                let member = list.get(step.parse::<usize>().ok()?)?;
                place = Place { key: member.span(), value: member.span() };
                value = member.get_ref();
            }
            _ => return None,
        }
    }
    Some(place)
}

/// The largest character boundary of `text` not after `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Says a parser's complaint in our words, with what the known words suggest.
fn in_our_words(message: &str) -> (String, Option<String>) {
    let known = |after: &str| message.split_once(after).map(|(_, rest)| quoted(rest).collect::<Vec<_>>());
    if let Some(word) = message.strip_prefix("unknown field ").and_then(|m| quoted(m).next()) {
        let known = known("expected").unwrap_or_default();
        return (format!("unknown key `{word}`"), spelling::hint(word, known));
    }
    if let Some(word) = message.strip_prefix("unknown variant ").and_then(|m| quoted(m).next()) {
        let known = known("expected").unwrap_or_default();
        return (format!("unknown value `{word}`"), spelling::hint(word, known));
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        return (format!("missing key {rest}"), None);
    }
    match message.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (in_words_of_the_file(&message.trim_end().replace('\n', ", ")), None),
    }
}

/// What a parser calls the shapes of a value, as the file's documentation calls them.
fn in_words_of_the_file(message: &str) -> String {
    const WORDS: [(&str, &str); 4] = [
        ("expected a sequence", "expected a list: [\"…\"]"),
        ("expected a boolean", "expected `true` or `false`"),
        ("expected a map", "expected a table"),
        ("invalid type: ", "found "),
    ];
    WORDS.iter().fold(message.to_owned(), |said, (theirs, ours)| said.replace(theirs, ours))
}

/// The words in backticks.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

const CURLY: [char; 7] = ['“', '”', '„', '‟', '‘', '’', '‚'];

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Sample {
        project: String,
        #[serde(default)]
        count: u64,
        #[serde(default)]
        page: Option<Page>,
        #[serde(default)]
        token: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", deny_unknown_fields, rename_all = "lowercase")]
    #[allow(dead_code)]
    enum Page {
        Cursor { next: String },
        Number {},
    }

    fn complaint(text: &str) -> Problem {
        parse::<Sample>("migration.toml", text, Reason::Config).unwrap_err()
    }

    fn shown(problem: &Problem) -> &str {
        problem.excerpt.as_deref().unwrap_or_default()
    }

    #[test]
    fn an_unknown_key_is_shown_with_line_caret_and_the_key_that_was_meant() {
        let problem = complaint("\n# a comment\nprojcet = \"support\"\n");
        assert_eq!(problem.what, "migration.toml:3:1: unknown key `projcet`");
        assert_eq!(problem.excerpt.as_deref(), Some("  |\n3 | projcet = \"support\"\n  | ^^^^^^^"));
        assert_eq!(problem.hint.as_deref(), Some("did you mean `project`?"));
        assert_eq!(problem.reason, Reason::Config);
    }

    #[test]
    fn a_wrong_type_points_at_the_value() {
        let problem = complaint("project = \"a\"\ncount = \"many\"");
        assert!(shown(&problem).ends_with("2 | count = \"many\"\n  |         ^^^^^^"), "{problem:?}");
    }

    #[test]
    fn a_wrong_type_is_said_in_words_of_the_file() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct Shapes {
            list: Option<Vec<String>>,
            flag: Option<bool>,
        }
        let said = |text: &str| parse::<Shapes>("m.toml", text, Reason::Config).unwrap_err().what;
        assert_eq!(said("list = \"a\""), "m.toml:1:8: found string \"a\", expected a list: [\"…\"]");
        assert_eq!(said("flag = \"yes\""), "m.toml:1:8: found string \"yes\", expected `true` or `false`");
    }

    #[test]
    fn a_missing_key_is_named() {
        assert!(complaint("count = 1").what.starts_with("migration.toml:1:1: missing key `project`"));
    }

    #[test]
    fn an_unknown_word_deep_in_a_tagged_table_is_still_pointed_at() {
        let problem = complaint("project = \"a\"\npage = { kind = \"curser\", next = \".x\" }\n");
        assert!(problem.what.contains("unknown value `curser`"), "{}", problem.what);
        assert!(shown(&problem).ends_with("|                  ^^^^^^"), "{problem:?}");
        assert_eq!(problem.hint.as_deref(), Some("did you mean `cursor`?"));
        let problem = complaint("project = \"a\"\npage = { kind = \"cursor\", nxet = \".x\" }\n");
        assert!(shown(&problem).ends_with("|                           ^^^^"), "{problem:?}");
    }

    #[test]
    fn a_secret_on_the_line_is_never_shown() {
        for text in [
            "project = 1\ntoken = \"hunter2\" oops",
            "token = \"hunter2",
            "x = { token = 'hunter2', oops }",
            "token = \"\"\"\nhunter2\n\"\"\" oops",
            "proxy = \"http://me:hunter2@proxy\" oops",
            "api-key= \"hun\\\"hunter2\" oops",
        ] {
            let problem = complaint(text);
            assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
        }
        let problem = TomlText::new("m.toml", "pin = \"1234\"", Reason::Config).error_at_secret(&["pin"], "no");
        assert_eq!((problem.what.as_str(), shown(&problem)), ("m.toml:1:1: no", "  |\n1 | pin = …\n  | ^^^"));
    }

    #[test]
    fn a_complaint_by_path_finds_the_key_or_the_table_that_lacks_it() {
        let text = TomlText::new("x.toml", "[read.ticket]\npath = \"/t\"\n[[limit]]\nrate = 1\n", Reason::Manifest);
        assert!(text.error_at_key(&["read", "ticket", "path"], "no").what.starts_with("x.toml:2:1: no"));
        assert!(text.error_at_value(&["read", "ticket", "path"], "no").what.starts_with("x.toml:2:8: no"));
        assert!(text.error_at_key(&["read", "ticket", "items"], "no").what.starts_with("x.toml:1:7: no"));
        assert!(text.error_at_key(&["limit", "0", "rate"], "no").what.starts_with("x.toml:4:1: no"));
        assert!(text.error_at_key(&["nowhere"], "no").what.starts_with("x.toml:1:1: no"));
    }

    #[test]
    fn wide_letters_and_the_end_of_the_file_do_not_move_the_caret_off() {
        let text = TomlText::new("x.toml", "x = [\"éé\", \"ü\"]", Reason::Config);
        let problem = text.error_at_value(&["x", "1"], "no");
        assert_eq!(problem.what, "x.toml:1:12: no");
        assert_eq!(shown(&problem), "  |\n1 | x = [\"éé\", \"ü\"]\n  |            ^^^");
        assert!(shown(&complaint("project = ")).ends_with('^'));
    }

    #[test]
    fn curly_quotes_are_called_what_they_are_and_a_secret_between_them_is_not_shown() {
        let table = "values = { “Open” = “Closed” }\n";
        for text in [table, "connector = “files”\n", "token = “hunter2-hunter2”\n", "token = hunter2-hunter2\n"]
        {
            let problem = TomlText::new("f.toml", text, Reason::Config).parse::<toml::Table>().unwrap_err();
            let said = format!("{problem:?}");
            assert!(!said.contains("hunter2"), "{said}");
            assert_eq!(said.contains("is a curly quote"), text.contains('“'), "{said}");
        }
    }
}
