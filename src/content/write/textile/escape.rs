//! Plain words that Redmine's Textile would eat, kept whole.
//!
//! Each rule names the expression of `redcloth3.rb` it stands against. A joiner in the right place is enough
//! for nearly all of them: the text with the joiners taken out is the text as it was. Three characters need
//! an entity, which the page shows as the character: `@` (a joiner there would make another `@` into code),
//! `|` inside a table, and `<` before the tags Redmine knows. A rule only acts where the expression would
//! match, so ordinary prose stays untouched.

use crate::content::write::inline::Line;
use crate::content::write::redmine;
use crate::content::{JOINER, mentions};

/// Where the text will stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At the start of a line.
    Line,
    /// After a mark that begins the line.
    Inside,
    /// In a table cell.
    Cell,
}

const SPANS: [char; 7] = ['*', '_', '-', '+', '^', '~', '%'];

pub(super) fn escape(line: &Line, place: Place) -> String {
    let text = line.text.as_str();
    let mut context = Context::of(line, place);
    let mut out = String::with_capacity(text.len() + 16);
    line.escape(&mut out, |at, c, out| context.character(at, c, out));
    out
}

/// Code as it may stand between `<pre>` and `</pre>`: `OFFTAGS` inside would end it.
pub(super) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        if is_code_tag(rest) {
            out.push(JOINER);
        }
    }
    out.push_str(rest);
    out
}

fn is_code_tag(after: &str) -> bool {
    let name = after.trim_start_matches('/');
    ["pre", "code", "kbd", "notextile", "redpre"]
        .iter()
        .any(|tag| name.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

struct Context<'a> {
    text: &'a str,
    place: Place,
    /// Marks that our own markup in this line uses.
    ours: [bool; SPANS.len()],
    /// Where the white space ends that the current line begins with.
    indented_to: usize,
    /// Where each mark of [`SPANS`] last ends a span, if it does.
    ends: [Option<usize>; SPANS.len()],
    cite_end: Option<usize>,
    code_end: Option<usize>,
    last_bang: Option<usize>,
    last_equals: Option<usize>,
}

impl<'a> Context<'a> {
    fn of(line: &'a Line, place: Place) -> Self {
        let text = line.text.as_str();
        let ends_at = |mark: char| {
            let mut found = text.rmatch_indices(mark).map(|(at, _)| at);
            found.find(|at| ends_span(text, *at))
        };
        let code_end = text.rmatch_indices('@').map(|(at, _)| at).find(|at| !next(text, *at).is_some_and(is_word));
        Self {
            text,
            place,
            ours: SPANS.map(|mark| line.uses(mark)),
            indented_to: 0,
            ends: SPANS.map(ends_at),
            cite_end: text.rfind("??"),
            code_end,
            last_bang: text.rfind('!'),
            last_equals: text.rfind("=="),
        }
    }

    fn character(&mut self, at: usize, c: char, out: &mut String) {
        let before = self.text[..at].chars().next_back();
        let line_start = before == Some('\n') || (before.is_none() && self.place == Place::Line);
        if line_start {
            let line = &self.text[at..];
            self.indented_to = at + line.len() - line.trim_start_matches([' ', '\t']).len();
        }
        match c {
            // Indented lines are code to Redmine
            ' ' if at < self.indented_to => return out.push('\u{a0}'),
            '\t' if at < self.indented_to => return out.push_str(&"\u{a0}".repeat(4)),
            _ => {}
        }
        if (line_start && self.starts_block(at)) || self.needs_joiner_before(at, c, before) {
            out.push(JOINER);
        }
        self.within(at, c, before, out);
    }

    /// The character, and what must follow it.
    fn within(&self, at: usize, c: char, before: Option<char>, out: &mut String) {
        let after = next(self.text, at);
        match c {
            '@' if self.is_code_or_mention(at, before, after) => out.push_str(mentions::AT),
            '|' if self.place == Place::Cell => out.push_str("&#124;"),
            '<' if self.needs_entity(at, after) => out.push_str("&lt;"),
            _ => {
                out.push(c);
                if self.needs_joiner_after(at, c) {
                    out.push(JOINER);
                }
            }
        }
    }

    fn needs_joiner_before(&self, at: usize, c: char, before: Option<char>) -> bool {
        let rest = &self.text[at..];
        match c {
            // QTAGS
            '?' => rest.starts_with("??") && self.cite_end.is_some_and(|end| end > at + 2) && self.opens_span(at, 2),
            c if SPANS.contains(&c) => self.begins_span(at, c) || redmine::links(self.text, at, c),
            // IMAGE_RE
            '!' => before.is_none_or(|b| b.is_ascii_whitespace() || b == '>') && self.is_image(at),
            // no_textile
            '=' => {
                let opens = rest.starts_with("==") && !rest.starts_with("===");
                opens && before.is_none_or(|b| b.is_ascii_whitespace()) && self.last_equals.is_some_and(|l| l > at + 2)
            }
            // auto_mailto, which would take the dummy that stands for an ampersand into the address
            '&' => {
                let before = self.text.as_bytes()[..at].iter().rev().take(256);
                before.take_while(|b| b.is_ascii_alphanumeric() || b"@.-_+".contains(b)).any(|b| *b == b'@')
            }
            // pgl: HTML(Hypertext Markup Language)
            '(' => follows_acronym(&self.text[..at]),
            // footnote_ref
            '[' if is_footnote(rest) && before.is_some_and(|b| b.is_alphanumeric() || b == '_') => true,
            c => redmine::links(self.text, at, c),
        }
    }

    fn needs_joiner_after(&self, at: usize, c: char) -> bool {
        let rest = &self.text[at..];
        match c {
            // LINK_RE
            '"' => rest[1..].strip_prefix(':').is_some_and(is_linked),
            // incoming_entities
            '&' => is_entity(rest),
            // The dummy that stands for an ampersand
            'x' => rest.starts_with("x%x%"),
            // A mark that would end a span of our own
            c if SPANS.contains(&c) => self.ends_span_of_ours(at, c),
            _ => false,
        }
    }

    fn begins_span(&self, at: usize, c: char) -> bool {
        self.of_mark(c, &self.ends).flatten().is_some_and(|end| end > at + 1) && self.opens_span(at, 1)
    }

    fn ends_span_of_ours(&self, at: usize, c: char) -> bool {
        let dashes = c == '-' && next(self.text, at) == Some('-');
        self.of_mark(c, &self.ours) == Some(true) && !dashes && ends_span(self.text, at)
    }

    fn of_mark<T: Copy>(&self, c: char, facts: &[T; SPANS.len()]) -> Option<T> {
        SPANS.iter().zip(facts).find(|(mark, _)| **mark == c).map(|(_, fact)| *fact)
    }

    /// Whether a mark at `at` stands where a span may open: after a space, `>` or `(`, or after another mark
    /// that does.
    fn opens_span(&self, at: usize, length: usize) -> bool {
        let mut before = self.text[..at].char_indices().rev();
        let marks = before.by_ref().take(4).take_while(|(_, c)| SPANS.contains(c) || *c == '?').count();
        let start = at - marks;
        let free = self.text[..start].chars().next_back();
        let free = marks < 4 && free.is_none_or(|c| c.is_ascii_whitespace() || matches!(c, '>' | '('));
        let follows = self.text[at + length..].chars().next().is_some_and(|c| !c.is_ascii_whitespace());
        free && follows && !self.text[start..].starts_with("--")
    }

    fn is_image(&self, at: usize) -> bool {
        if self.last_bang.is_none_or(|last| last <= at + 1) {
            return false;
        }
        let inner = &self.text[at + 1..];
        let end = inner.find(|c: char| c.is_ascii_whitespace() || matches!(c, '(' | '!'));
        end.is_some_and(|end| {
            let rest = &inner[end..];
            end > 0 && (rest.starts_with(['!', '(']) || rest[1..].starts_with(['!', '(']))
        })
    }

    /// CODE_RE, and mentions.
    fn is_code_or_mention(&self, at: usize, before: Option<char>, after: Option<char>) -> bool {
        let free = before.is_none_or(|c| !is_word(c));
        free && (mentions::mentions(before, after) || self.code_end.is_some_and(|end| end > at + 1))
    }

    /// Whether Redmine would take a `<` for one of its own tags or hide what follows, or would escape a
    /// stretch that holds an entity of ours.
    fn needs_entity(&self, at: usize, after: Option<char>) -> bool {
        let rest = &self.text[at + 1..];
        match after {
            None | Some(' ' | '\n' | '\t' | '=' | '<' | '>') => false,
            Some('/' | '!') if !rest[1..].starts_with(|c: char| is_word(c) || c == '!') => true,
            Some(c) if !is_word(c) && c != '/' && c != '!' => true,
            // What is no tag may not reach into the next
            _ if rest.find(['\n', '>', '<']).is_some_and(|end| rest[end..].starts_with('<')) => true,
            _ => is_code_tag(rest) || self.holds_entity(at + 1),
        }
    }

    fn holds_entity(&self, from: usize) -> bool {
        let stretch = self.text[from..].split(['<', '>', '\n']).next().unwrap_or_default();
        stretch.char_indices().any(|(offset, c)| {
            let at = from + offset;
            match c {
                '|' => self.place == Place::Cell,
                '@' => self.is_code_or_mention(at, self.text[..at].chars().next_back(), next(self.text, at)),
                _ => false,
            }
        })
    }

    /// What would begin a quote, list, table, heading or the like: `QUOTES_RE`, `LISTS_RE`, `TABLE_RE`,
    /// `BLOCK_RE`, `no_textile`, and the line starts that `hard_break` leaves out.
    fn starts_block(&self, at: usize) -> bool {
        let line = self.text[at..].split('\n').next().unwrap_or_default();
        let Some(first) = line.chars().next() else { return false };
        match first {
            '>' | '|' | '{' => true,
            '#' | '*' | '=' if starts_list(line, first) => true,
            '=' if line.starts_with("==") && !line.starts_with("===") => true,
            '<' | '=' | '(' | ')' | '-' | '^' | '~' | '[' => line.contains('|'),
            'p' | 'b' | 'h' | 'f' => is_prefix(line),
            _ => false,
        }
    }
}

fn next(text: &str, at: usize) -> Option<char> {
    text[at..].chars().nth(1)
}

/// Ruby's `\w`.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn ends_span(text: &str, at: usize) -> bool {
    let tight = text[..at].chars().next_back().is_some_and(|c| !c.is_ascii_whitespace());
    tight && next(text, at).is_none_or(|c| !c.is_alphanumeric() && c != JOINER)
}

/// Whether a text holds what HTML reads as one character.
pub(super) fn holds_entity(text: &str) -> bool {
    text.match_indices('&').any(|(at, _)| is_entity(&text[at..]))
}

fn is_entity(rest: &str) -> bool {
    let after = rest[1..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '#');
    after.starts_with(';') && after.len() + 1 < rest.len()
}

fn is_linked(after: &str) -> bool {
    let scheme = after.split("://").next().unwrap_or_default();
    let scheme = after.len() > scheme.len() && !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphabetic());
    scheme || ["/", "www.", "mailto:"].iter().any(|start| after.starts_with(start))
}

fn is_footnote(rest: &str) -> bool {
    let after = rest[1..].trim_start_matches(|c: char| c.is_ascii_digit());
    after.len() + 1 < rest.len() && after.starts_with(']')
}

fn follows_acronym(before: &str) -> bool {
    let start = before.trim_end_matches(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
    before.len() - start.len() > 1
}

fn starts_list(line: &str, first: char) -> bool {
    let after = line.trim_start_matches(['#', '*', '=']);
    after.starts_with(|c: char| c == ' ' || c == '\t' || (first != '=' && matches!(c, '(' | '{' | '[')))
        || after.is_empty()
}

fn is_prefix(line: &str) -> bool {
    let tag = line.find(|c: char| !c.is_ascii_alphanumeric()).map_or(line, |end| &line[..end]);
    let digits = |rest: &str| rest.bytes().all(|b| b.is_ascii_digit());
    let known = matches!(tag, "p" | "bq")
        || tag
            .strip_prefix('h')
            .or_else(|| tag.strip_prefix("fn"))
            .is_some_and(|rest| !rest.is_empty() && digits(rest));
    let rest = &line[tag.len()..];
    let marked = match rest.strip_prefix('.') {
        Some(rest) => rest.starts_with([' ', ':']),
        None => {
            rest.starts_with(['<', '>', '=', '(', ')', '[', '{', '-', '^', '~'])
                && (rest.contains(". ") || rest.contains(".:"))
        }
    };
    known && marked
}
