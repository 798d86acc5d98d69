//! The letters of a text as a person reads them, each with where it stands.

use crate::record::Format;
use std::ops::Range;

/// A letter, and the bytes of the source that say it.
pub struct Seen {
    pub letter: char,
    pub at: Range<usize>,
}

/// Tags that stand within a line: a number runs on across them.
const INLINE: [&str; 20] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "code", "em", "font", "i", "ins", "mark", "s", "small", "span", "strong",
    "sub", "sup", "u", "wbr",
];
/// Attributes nobody reads, whose values lead somewhere or say how something looks.
const UNREAD: [&str; 6] = ["src", "srcset", "style", "class", "width", "height"];
/// Longest name of an entity with its `&` and `;`.
const ENTITY: usize = 10;

/// The runs of letters that are read together: the text, and in HTML the values of attributes.
pub fn parts(text: &str, format: Format) -> Vec<Vec<Seen>> {
    match format {
        Format::Html => html(text),
        Format::Text | Format::Markdown | Format::Textile => vec![plain(text, 0)],
    }
}

fn plain(text: &str, from: usize) -> Vec<Seen> {
    let seen = |(at, letter): (usize, char)| Seen { letter, at: from + at..from + at + letter.len_utf8() };
    text.char_indices().filter(|(_, letter)| !is_nothing(*letter)).map(seen).collect()
}

/// Letters without width, which would part a number in two.
fn is_nothing(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

fn html(text: &str) -> Vec<Vec<Seen>> {
    let mut all = vec![];
    let mut words = Vec::new();
    let mut at = 0;
    // Where no tag ends any more: it is not looked for again.
    let mut open_ended = text.len();
    while let Some(letter) = text[at..].chars().next() {
        let starts =
            letter == '<' && text[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        let end = if starts && at < open_ended { tag_end(text, at) } else { None };
        match end {
            Some(end) => {
                let tag = &text[at..end];
                all.extend(attributes(tag, at));
                if !INLINE.contains(&name(tag).as_str()) {
                    words.push(Seen { letter: '\n', at: end..end });
                }
                at = end;
            }
            None => {
                if starts {
                    open_ended = open_ended.min(at);
                }
                let (letter, length) = entity(&text[at..]).unwrap_or((letter, letter.len_utf8()));
                if !is_nothing(letter) {
                    words.push(Seen { letter, at: at..at + length });
                }
                at += length;
            }
        }
    }
    all.push(words);
    all
}

/// Behind the `>` that closes the tag at `at`.
fn tag_end(text: &str, at: usize) -> Option<usize> {
    let mut quote = None;
    for (n, letter) in text[at..].char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if letter == '>' => return Some(at + n + 1),
            None => {}
        }
    }
    None
}

fn name(tag: &str) -> String {
    let name = tag.trim_start_matches(['<', '/']);
    name.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The quoted values of a tag that people or programs may read.
fn attributes(tag: &str, from: usize) -> Vec<Vec<Seen>> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(equals) = tag[at..].find('=').map(|n| at + n) {
        let before = tag[..equals].trim_end();
        let name = &before[before.rfind(|c: char| c.is_whitespace() || c == '"' || c == '\'').map_or(0, |n| n + 1)..];
        let value = equals + 1 + tag[equals + 1..].len() - tag[equals + 1..].trim_start().len();
        let quoted = tag[value..].chars().next().filter(|c| *c == '"' || *c == '\'');
        let (start, end) = match quoted {
            Some(quote) => (value + 1, tag[value + 1..].find(quote).map_or(tag.len(), |n| value + 1 + n)),
            None => {
                (value, tag[value..].find(|c: char| c.is_whitespace() || c == '>').map_or(tag.len(), |n| value + n))
            }
        };
        if !UNREAD.contains(&name.to_ascii_lowercase().as_str()) {
            let mut letters = Vec::new();
            let mut n = start;
            while let Some(letter) = tag[n..end].chars().next() {
                let (letter, length) = entity(&tag[n..end]).unwrap_or((letter, letter.len_utf8()));
                letters.push(Seen { letter, at: from + n..from + n + length });
                n += length;
            }
            all.push(letters);
        }
        at = end.max(equals + 1);
    }
    all
}

/// The letter an entity says, and its bytes.
fn entity(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    let end = body.bytes().take(ENTITY).position(|b| b == b';')?;
    let named = &body[..end];
    let letter = match named.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
        None => match named {
            "nbsp" => '\u{a0}',
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "commat" => '@',
            "hyphen" | "dash" => '-',
            "shy" | "zwnj" | "zwj" => '\u{200b}',
            _ => return None,
        },
    };
    Some((letter, end + 2))
}
