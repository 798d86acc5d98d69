//! One paragraph on its way into a markup: the words, which may need an escape, and the marks of our own,
//! which must not get one.

use crate::content::document::{Piece, Run, Style};
use crate::content::mentions;
use percent_encoding::percent_decode_str;
use std::ops::Range;
use std::rc::Rc;

/// Text with the ranges that are markup already. The ranges are in order and apart.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub text: String,
    fixed: Vec<Range<usize>>,
    marks: String,
}

impl Line {
    pub fn words(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub fn markup(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        match self.fixed.last_mut() {
            Some(last) if last.end == start => last.end = self.text.len(),
            _ => self.fixed.push(start..self.text.len()),
        }
    }

    /// Marks around words, which the same marks in the words may not end.
    pub fn marks(&mut self, marks: &str) {
        self.markup(marks);
        self.marks.push_str(marks);
    }

    /// Whether words stand between such marks.
    pub fn uses(&self, mark: char) -> bool {
        self.marks.contains(mark)
    }

    pub fn last(&self) -> Option<char> {
        self.text.chars().next_back()
    }

    /// Writes a line break, without the spaces before it.
    pub fn line_break(&mut self) {
        let end = self.text.trim_end_matches([' ', '\t']).len();
        if self.fixed.last().is_none_or(|f| f.end <= end) {
            self.text.truncate(end);
        }
        self.text.push('\n');
    }

    /// Hands every character that is not markup to `each`, with its place; copies the markup.
    pub fn escape(&self, out: &mut String, mut each: impl FnMut(usize, char, &mut String)) {
        let mut fixed = self.fixed.iter().peekable();
        let mut at = 0;
        while at < self.text.len() {
            if let Some(range) = fixed.next_if(|f| f.start <= at) {
                out.push_str(&self.text[at.max(range.start)..range.end.max(at)]);
                at = at.max(range.end);
                continue;
            }
            let stop = fixed.peek().map_or(self.text.len(), |f| f.start);
            for (offset, c) in self.text[at..stop].char_indices() {
                each(at + offset, c, out);
            }
            at = stop;
        }
    }
}

/// Neighbouring runs of one style and link, as one.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub style: Style,
    pub link: Option<&'a Rc<str>>,
    pub what: What<'a>,
}

#[derive(Debug)]
pub(super) enum What<'a> {
    /// Without line breaks.
    Words(String),
    Break,
    Image {
        source: &'a str,
        alt: &'a str,
    },
}

pub(super) fn groups(runs: &[Run]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = vec![];
    for run in runs {
        let link = run.link.as_ref();
        match &run.piece {
            Piece::Text(text) if text.is_empty() => {}
            Piece::Text(text) => match groups.last_mut() {
                Some(Group { style, link: before, what: What::Words(words) })
                    if *style == run.style && *before == link =>
                {
                    words.push_str(text);
                }
                _ => groups.push(Group { style: run.style, link, what: What::Words(text.replace('\n', " ")) }),
            },
            Piece::Break => groups.push(Group { style: Style::default(), link: None, what: What::Break }),
            Piece::Image { source, alt } => {
                groups.push(Group { style: run.style, link, what: What::Image { source, alt } });
            }
        }
    }
    groups
}

/// The characters that `groups` will show, a line end standing for a break and a space for an image.
pub(super) fn characters<'a>(groups: &'a [Group<'a>]) -> impl Iterator<Item = char> + 'a {
    groups.iter().flat_map(|group| match &group.what {
        What::Words(words) => words.chars(),
        What::Break => "\n".chars(),
        What::Image { .. } => " ".chars(),
    })
}

/// A word's outer spaces apart from the word: they may not stand inside marks.
pub(super) fn trimmed(words: &str) -> (&str, &str, &str) {
    let inner = words.trim();
    let start = words.len() - words.trim_start().len();
    (&words[..start], inner, &words[start + inner.len()..])
}

/// Whether a link's words show its address already.
pub(super) fn shows_address(words: &str, href: &str) -> bool {
    let bare = |s: &str| {
        let s = s.trim();
        let s = s.strip_prefix("mailto:").or_else(|| s.strip_prefix("tel:")).unwrap_or(s);
        let s = s.split_once("://").map_or(s, |(_, rest)| rest);
        percent_decode_str(s.trim_end_matches('/')).decode_utf8_lossy().to_lowercase()
    };
    bare(words) == bare(href)
}

/// The byte ranges of web addresses in plain words, without the full stop or bracket that belongs to the
/// sentence.
pub(super) fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut found = vec![];
    let mut from = 0;
    let mut run = (0, 0);
    while let Some(at) = text[from..].find("://").map(|at| at + from) {
        let before = &text[from..at];
        let scheme = before.len() - before.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
        let known = matches!(&text[at - scheme..at], "http" | "https" | "ftp" | "ftps" | "sftp");
        if at >= run.1 {
            let closes = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"');
            let end = text[at..].find(closes).map_or(text.len(), |end| end + at);
            run = (at + sentence_end(&text[at..end]), end);
        }
        from = at + 3;
        if known && run.0 > from {
            found.push(at - scheme..run.0);
            from = run.0;
        }
    }
    found
}

/// The length of an address whose end is not that of the sentence.
fn sentence_end(address: &str) -> usize {
    let mut address = address;
    loop {
        let shorter = address
            .trim_end_matches(['.', ',', ':', '!', '?', '\'', '*', '_', '~', '|', '`', '\\', ']', '}', '@', '&']);
        let shorter = match shorter.strip_suffix(')') {
            Some(inner) if !inner.contains('(') => inner,
            _ => shorter,
        };
        // An entity at the end is none of the address
        let shorter = shorter.strip_suffix(';').map_or(shorter, |inner| match inner.rfind('&') {
            Some(at) if inner.len() - at < 12 => &inner[..at],
            _ => inner,
        });
        if shorter.len() == address.len() {
            return address.len();
        }
        address = shorter;
    }
}

/// Plain words in parts: those between addresses, and the addresses with what follows them.
pub(super) enum Part<'a> {
    Words(&'a str),
    Address(&'a str, &'a str),
}

pub(super) fn parts(words: &str) -> Vec<Part<'_>> {
    let mut parts = vec![];
    let mut from = 0;
    for range in addresses(words) {
        parts.push(Part::Words(&words[from..range.start]));
        parts.push(Part::Address(&words[range.clone()], &words[range.end..]));
        from = range.end;
    }
    parts.push(Part::Words(&words[from..]));
    parts
}

/// Whether what follows an address would be taken for a part of it: all but the end of a sentence.
pub(super) fn runs_on(mut after: impl Iterator<Item = char>) -> bool {
    let next = after.find(|c| !matches!(c, '.' | ',' | ':' | '!' | '?' | '\'' | ')'));
    next.is_some_and(|c| !c.is_ascii_whitespace())
}

/// Whether Redmine would read a mention, a page or a macro out of the address.
pub(super) fn is_read_into(address: &str) -> bool {
    let mentions = address
        .match_indices('@')
        .any(|(at, _)| mentions::mentions(address[..at].chars().next_back(), address[at + 1..].chars().next()));
    mentions || address.contains("[[") || address.contains("{{")
}
