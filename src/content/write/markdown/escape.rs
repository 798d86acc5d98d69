//! Where Markdown would read plain words as marks, and what stops it. It reads lines and never builds blocks.

use super::super::inline::Line;
use super::super::redmine;
use crate::content::{JOINER, mentions};

/// Writes the line with its plain words escaped.
pub(super) fn escape(line: &Line, in_cell: bool) -> String {
    let text = line.text.as_str();
    let tildes = text.bytes().filter(|b| *b == b'~').count();
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let holds_link = ["](", "][", "]:"].iter().any(|mark| text.contains(mark));
    let last_bracket = text.rfind('>');
    let mut indented_to = 0;
    let mut number_ends = None;
    line.escape(&mut out, |at, c, out| {
        let before = text[..at].chars().next_back();
        let rest = &text[at..];
        let after = rest.chars().nth(1);
        let line_start = before.is_none_or(|c| c == '\n');
        if line_start {
            indented_to = at + rest.len() - rest.trim_start_matches([' ', '\t']).len();
            number_ends = list_number(rest).map(|length| at + length);
        }
        let spaced = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let wordy = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        match c {
            ' ' if at < indented_to => return out.push('\u{a0}'),
            '\t' if at < indented_to => return out.push_str(&"\u{a0}".repeat(4)),
            _ => {}
        }
        let backslash = match c {
            '\\' => after.is_none_or(|c| c.is_ascii_punctuation() || c == '\n'),
            '`' => true,
            '*' => line_start || !(spaced(before) && spaced(after)),
            '_' => line_start || !((wordy(before) && wordy(after)) || (spaced(before) && spaced(after))),
            '~' => tildes > 1,
            '^' => !spaced(after),
            '!' => after == Some('['),
            '[' => holds_link || after == Some('^'),
            ']' => matches!(after, Some('(' | ':' | '[')),
            '<' if after.is_some_and(|c| c.is_ascii_digit()) => last_bracket.is_some_and(|last| last > at),
            '<' => after.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) && !is_address(rest),
            '&' => is_entity(rest),
            '|' => in_cell || line_start,
            '#' | '+' | '-' | '=' | '>' if line_start => begins_block(rest, c),
            '.' | ')' => number_ends == Some(at),
            _ => false,
        };
        if redmine::links(text, at, c) {
            out.push(JOINER);
        }
        if backslash {
            out.push('\\');
        }
        out.push(c);
        if c == '@' && mentions::mentions(before, after) {
            out.push(JOINER);
        }
    });
    out
}

fn begins_block(rest: &str, first: char) -> bool {
    let line = rest.split('\n').next().unwrap_or_default();
    let spaced = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\t']);
    match first {
        '>' => true,
        '#' => spaced(line.trim_start_matches('#')),
        '+' => spaced(&line[1..]),
        // A list, a rule, an underlined heading or the second line of a table
        '-' => spaced(&line[1..]) || line.bytes().all(|b| matches!(b, b'-' | b' ' | b'|' | b':')),
        _ => line.trim_end().bytes().all(|b| b == b'='),
    }
}

/// The length of the digits of `1. ` or `1) `.
fn list_number(rest: &str) -> Option<usize> {
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = rest.len() - after.len();
    let spaced = after.get(1..).is_some_and(|a| a.is_empty() || a.starts_with([' ', '\t', '\n']));
    ((1..10).contains(&digits) && after.starts_with(['.', ')']) && spaced).then_some(digits)
}

/// `<ann@example.com>` is shown as it stands.
fn is_address(rest: &str) -> bool {
    let inner = rest[1..].split('>').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%' | '@');
    inner.len() < rest.len() - 1
        && inner.matches('@').count() == 1
        && !inner.starts_with('@')
        && inner.chars().all(plain)
}

pub(super) fn is_entity(rest: &str) -> bool {
    let after = rest[1..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '#');
    after.starts_with(';') && after.len() + 1 < rest.len()
}
