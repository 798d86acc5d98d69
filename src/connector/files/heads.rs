//! The line above a message of a journal, and lines that may be such a line. Whoever writes into a cell may write both: a line
//! that is nearly a head is told from a text, so that nobody takes what follows for public.

use super::values::Rules;
use crate::printable;
use crate::record::Visibility;
use jiff::Timestamp;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

/// Numbers in a date with its time: day, month, year, hour and minute, of which a short form leaves one out.
const NUMBERS: usize = 4;
/// Numbers in a date.
const DATE: usize = 3;
/// Digits of a date that is one number.
const DIGITS: usize = 8;

/// The line above a message.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    pub at: Timestamp,
    pub author: &'a str,
    /// What stands in the brackets at its end.
    pub says: &'a str,
}

impl<'a> Head<'a> {
    pub fn of(rules: &Rules, line: &'a str) -> Option<Head<'a>> {
        let (date, author, says) = Head::parts(line)?;
        Some(Head { at: rules.instant(date)?, author, says })
    }

    /// Date, author and word of a line that is written as such a head. Of a user who was deleted nothing stands behind the line.
    pub fn parts(line: &str) -> Option<(&str, &str, &str)> {
        let (before, says) = line.trim().strip_suffix(')')?.rsplit_once(" (")?;
        let (date, author) = match before.split_once(" - ") {
            Some(both) => both,
            None => (before.strip_suffix(" -")?, ""),
        };
        let is_time = date.contains(':') && date.contains(|c: char| c.is_ascii_digit());
        is_time.then(|| (date, author.trim(), says.trim()))
    }

    pub fn message(&self, visibility: Visibility) -> Value {
        let author = Some(self.author).filter(|author| !author.is_empty());
        json!({ "created_at": self.at, "author": author, "visibility": visibility, "body": "" })
    }
}

/// What of a line may be meant as the head of a message: its date, or its word for who may read it. None of a line that is
/// quoted (`> `).
pub fn may_be_one(rules: &Rules, line: &str) -> Option<String> {
    let is_quoted = line.trim_start().starts_with('>');
    pieces(line).filter(|_| !is_quoted).find_map(|piece| as_head(rules, &plain(piece)))
}

/// The word of a line that says that agents alone read what follows.
pub fn hides(rules: &Rules, line: &str) -> Option<String> {
    let is_quoted = line.trim_start().starts_with('>');
    pieces(line).filter(|_| !is_quoted).find_map(|piece| private_word(rules, &plain(piece)))
}

/// A line as it is shown: programs end lines in other ways too, and HTML does with tags.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let ends = ['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    line.split(ends).flat_map(|shown| {
        let mut tags = shown.split('<');
        let first = tags.next();
        first.into_iter().chain(tags.map(|tag| tag.split_once('>').map_or(tag, |(_, text)| text)))
    })
}

/// With the usual form of each letter, and without what nobody sees.
fn plain(text: &str) -> String {
    text.nfkc().filter(|&c| !printable::is_hidden(c)).collect::<String>().trim().to_owned()
}

fn as_head(rules: &Rules, line: &str) -> Option<String> {
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '-' && c != '+');
    let date = || before_author(line).filter(|date| is_moment(rules, date)).map(str::to_owned);
    private_word(rules, line).or_else(date)
}

/// What stands before the first dash or bracket that parts words.
fn before_author(line: &str) -> Option<&str> {
    let letters: Vec<(usize, char)> = line.char_indices().collect();
    let is_blank = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_none_or(|(_, c)| c.is_whitespace());
    let parts = |(n, (_, c)): (usize, &(usize, char))| match c {
        '(' | ')' | '[' | ']' | '{' | '}' | '\u{3008}'..='\u{301b}' => true,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '|' | '\u{b7}' | '\u{2022}' | '~' => true,
        '-' => is_blank(n.checked_sub(1)) || is_blank(Some(n + 1)),
        _ => false,
    };
    let end = letters.iter().enumerate().find(|at| parts(*at)).map(|(n, _)| letters[n].0)?;
    Some(line[..end].trim())
}

/// Whether a text is a date with its time, or begins with one.
fn is_moment(rules: &Rules, text: &str) -> bool {
    let numbers = numbers(text);
    // No journal has parts of seconds, and each line of a program's log does.
    let is_of_a_log = text.matches(':').count() == 2
        && text.split([',', '.']).skip(1).any(|rest| rest.chars().take_while(|c| c.is_numeric()).count() == 3);
    let has_time = text.contains(':') || numbers.len() > NUMBERS;
    let has_date = numbers.len() >= NUMBERS || numbers.iter().any(|number| number.len() >= DIGITS);
    let begins = text.starts_with(|c: char| c.is_numeric()) && has_date && !is_of_a_log;
    has_time && (begins || (!is_of_a_log && rules.instant(text).is_some()))
}

fn numbers(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_numeric()).filter(|number| !number.is_empty()).collect()
}

/// A word in brackets, on a line with a date, by which a message is for agents alone.
fn private_word(rules: &Rules, line: &str) -> Option<String> {
    let open = ['(', '[', '{', '\u{3010}', '\u{300c}'];
    let close = [')', ']', '}', '\u{3011}', '\u{300d}'];
    let has_date = numbers(line).len() >= DATE;
    let mut words = line.split(open).skip(1).map(|inside| inside.split(close).next().unwrap_or_default().trim());
    words.find(|word| has_date && rules.readable_by(word) == Some(Visibility::Private)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::columns::Columns;
    use super::*;

    fn rules() -> Rules {
        Rules::new(&Columns::parse("private = ['作業メモ']").unwrap(), "ticket").unwrap()
    }

    #[test]
    fn a_line_that_is_nearly_a_head_is_told_from_a_text() {
        for line in [
            "2024-05-01 10:00:00 - (Work notes)",
            "2024-05-01 10:00:00 - Bob\u{ff08}作業メモ\u{ff09}",
            "2024年5月1日 10:00:00 - Bob (作業メモ)",
            "2024-05-01 10:00:00 \u{2013} Bob (Work notes)",
            "2024-05-01 10:00:00 - Bob(Work notes)",
            "2024-05-01 10:00:00 -Bob (Work notes)",
            "2024-05-01 10:00:00- Bob (Arbeitsnotiz)",
            "2024-05-01 10:00:00-Bob (Arbeitsnotiz)",
            "2024-05-01 10:00:00 - Bob (Work notes):",
            "2024-05-01 10:00:00 - Bob (Work notes) [edited]",
            "2024-05-01 10:00:00 - Bob (Work notes)\u{200b}",
            "\u{feff}2024-05-01 10:00:00 - Bob [Arbeitsnotiz]",
            "2024-05-01 10:00:00 - Bob",
            "[2024-05-01 10:00] Bob (Arbeitsnotiz)",
            "**2024-05-01 10:00** - Bob (Work notes)",
            "\u{ff12}024-05-01\u{3000}10\u{ff1a}00 - Bob (Notiz)",
            "01.05.2024 10.00 - Bob (Notiz)",
            "01.05.24 10:00 \u{2014} Bob",
            "May 1, 2024 10:00 - Bob (Notiz)",
            "Wed May 1 10:00:00 UTC 2024 - Bob (Work notes)",
            "Bob - 2024-05-01 10:00 (Work notes)",
            "2024-05-01 - Bob (Work notes)",
            "Hello<br>2024-05-01 10:00:00 - Bob (Notiz)<br>text",
            "Hello\r2024-05-01 10:00:00 - Bob (Notiz)",
        ] {
            assert!(may_be_one(&rules(), line).is_some(), "{line:?}");
        }
    }

    #[test]
    fn a_line_of_a_text_is_none() {
        for line in [
            "",
            "See you at 10:30 - in room 5 (upstairs)",
            "10:30 - 11:00 (lunch)",
            "2024-05-01 10:00:00,123 ERROR [main] c.acme.Mail - no answer (timeout)",
            "2024-05-01 10:00:00.123 - INFO started",
            "> 2024-05-01 10:00:00 - Bob (Work notes)",
            "+49 30 123 45 67 - Ann Roe (office)",
            "I wrote it in the work notes on 2024-05-01",
            "1. open (the) lid",
            "2024-05-01 10:00:00 we met",
            "Order 17-22-33 (blue)",
        ] {
            assert_eq!(may_be_one(&rules(), line), None, "{line:?}");
        }
    }
}
