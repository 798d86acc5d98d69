//! The document in Textile, as Redmine 5 renders it.

mod escape;

use super::inline::{
    Group, Line, Part, What, characters, groups, is_read_into, parts, runs_on, shows_address, trimmed,
};
use super::{DEEPEST, textile::escape::Place};
use crate::content::document::{Block, Cell, Document, Run, Style};
use crate::content::image::{Gallery, Shown, caption, escape_url};
use crate::content::{JOINER, mentions};

pub(in crate::content) fn write(document: &Document, gallery: &Gallery<'_>) -> (String, bool) {
    let mut writer = Writer { out: String::new(), quotes: 0, simplified: false, gallery };
    writer.blocks(document);
    writer.out.truncate(writer.out.trim_end_matches('\n').len());
    (writer.out, writer.simplified)
}

/// Plain words as one line of Textile.
pub(in crate::content) fn escape_line(text: &str) -> String {
    let mut line = Line::default();
    plain(&mut line, &text.replace('\n', " "));
    escape::escape(&line, Place::Line)
}

/// Plain words as one line of Textile in italics.
pub(in crate::content) fn emphasise(text: &str) -> String {
    let mut line = Line::default();
    line.marks("_");
    plain(&mut line, &text.replace('\n', " "));
    line.markup("_");
    escape::escape(&line, Place::Line)
}

struct Writer<'a> {
    out: String,
    quotes: usize,
    simplified: bool,
    gallery: &'a Gallery<'a>,
}

impl Writer<'_> {
    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.block(block);
        }
    }

    /// Begins a block: an empty line, quoted as deep as what it parts.
    fn gap(&mut self, quotes: usize) {
        if !self.out.is_empty() {
            self.out.push_str(&">".repeat(quotes));
            self.out.push('\n');
        }
    }

    fn lines(&mut self, text: &str) {
        for line in text.split('\n') {
            if self.quotes > 0 {
                self.out.push_str(&">".repeat(self.quotes));
                self.out.push(' ');
            }
            self.out.push_str(line.trim_end_matches([' ', '\t']));
            self.out.push('\n');
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Quote(blocks) => self.quote(blocks),
            Block::Paragraph(runs) => {
                self.gap(self.quotes);
                let text = self.inline(runs, Place::Line);
                self.lines(&text);
            }
            Block::Heading(level, runs) => {
                self.gap(self.quotes);
                let text = self.inline(runs, Place::Inside).replace('\n', " ");
                self.lines(&format!("h{level}. {text}"));
            }
            Block::Code { language, text } => {
                self.gap(self.quotes);
                self.code(language.as_deref(), text);
            }
            Block::List { ordered, items } => {
                self.gap(self.quotes);
                self.list(if *ordered { "#" } else { "*" }, items);
            }
            Block::Table(rows) => {
                self.gap(self.quotes);
                for row in rows {
                    let row = self.row(row);
                    self.lines(&row);
                }
            }
            Block::Rule => {
                self.gap(self.quotes);
                self.lines("---");
            }
        }
    }

    fn quote(&mut self, blocks: &[Block]) {
        if self.quotes >= DEEPEST {
            return self.blocks(blocks);
        }
        self.gap(self.quotes);
        let before = self.out.len();
        self.quotes += 1;
        // The gap is written: the first block must not write another.
        let outer = std::mem::take(&mut self.out);
        self.blocks(blocks);
        let inner = std::mem::replace(&mut self.out, outer);
        debug_assert_eq!(self.out.len(), before);
        self.out.push_str(&inner);
        self.quotes -= 1;
    }

    /// Redmine takes `<pre>` out before it looks at quotes, so its lines migrate no quote marks.
    fn code(&mut self, language: Option<&str>, text: &str) {
        let text = escape::code(text);
        let plain = |l: &&str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let whole = match language.filter(plain) {
            Some(language) => format!("<pre><code class=\"{language}\">\n{text}\n</code></pre>"),
            None => format!("<pre>\n{text}\n</pre>"),
        };
        if self.quotes > 0 {
            self.out.push_str(&">".repeat(self.quotes));
            self.out.push(' ');
        }
        self.out.push_str(&whole);
        self.out.push('\n');
    }

    fn list(&mut self, marks: &str, items: &[Vec<Block>]) {
        for item in items {
            let mut text = String::new();
            let mut nested = vec![];
            self.item(item, &mut text, &mut nested);
            if !text.is_empty() || nested.is_empty() {
                let text = if text.is_empty() { JOINER.to_string() } else { text };
                self.lines(&format!("{marks} {text}"));
            }
            for (ordered, items) in nested {
                let mark = if ordered { "#" } else { "*" };
                let deeper = if marks.len() < DEEPEST { format!("{marks}{mark}") } else { marks.to_owned() };
                self.list(&deeper, items);
            }
        }
    }

    /// A list item is lines of one paragraph: what else it holds is told in such lines.
    fn item<'b>(&mut self, blocks: &'b [Block], text: &mut String, nested: &mut Vec<(bool, &'b [Vec<Block>])>) {
        for block in blocks {
            let place = if text.is_empty() { Place::Inside } else { Place::Line };
            let part = match block {
                Block::Paragraph(runs) => self.inline(runs, place),
                Block::Heading(_, runs) => {
                    self.simplified = true;
                    self.inline(runs, place)
                }
                Block::Code { text, .. } => format!("<pre>\n{}\n</pre>", escape::code(text)),
                Block::List { ordered, items } => {
                    nested.push((*ordered, items.as_slice()));
                    continue;
                }
                Block::Quote(blocks) => {
                    self.simplified = true;
                    self.item(blocks, text, nested);
                    continue;
                }
                Block::Table(rows) => {
                    self.simplified = true;
                    rows.iter().flatten().for_each(|cell| self.item(&cell.blocks, text, nested));
                    continue;
                }
                Block::Rule => continue,
            };
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&part);
        }
    }

    fn row(&mut self, cells: &[Cell]) -> String {
        let mut row = String::from("|");
        for cell in cells {
            let mut parts = vec![];
            for block in &cell.blocks {
                if let Block::Paragraph(runs) | Block::Heading(_, runs) = block {
                    parts.push(self.inline(runs, Place::Cell));
                }
            }
            if cell.header {
                row.push('_');
            }
            if cell.columns > 1 {
                row.push_str(&format!("\\{}", cell.columns));
            }
            if cell.rows > 1 {
                row.push_str(&format!("/{}", cell.rows));
            }
            if cell.header || cell.columns > 1 || cell.rows > 1 {
                row.push('.');
            }
            row.push_str(&format!(" {} |", parts.join("\n")));
        }
        row
    }

    fn inline(&mut self, runs: &[Run], place: Place) -> String {
        let mut line = Line::default();
        let groups = groups(runs);
        for (at, group) in groups.iter().enumerate() {
            let after = &groups[at + 1..];
            match &group.what {
                What::Break => line.line_break(),
                What::Image { source, alt } => self.image(&mut line, source, alt, group.link.map(|l| &**l), after),
                What::Words(words) => match group.link {
                    Some(href) if !words.trim().is_empty() => self.link(&mut line, words, href, after),
                    _ => self.words(&mut line, words, group.style, after),
                },
            }
        }
        escape::escape(&line, place)
    }

    fn words(&mut self, line: &mut Line, words: &str, style: Style, after: &[Group<'_>]) {
        if style == Style::default() || words.trim().is_empty() {
            return plain(line, words);
        }
        let (space_before, inner, space_after) = trimmed(words);
        line.words(space_before);
        let after = space_after.chars().chain(characters(after)).next();
        let opens = line.last().is_none_or(|c| c.is_ascii_whitespace() || c == '(');
        let closes = after.is_none_or(|c| c.is_ascii_whitespace() || matches!(c, '.' | ',' | ';' | ':' | ')'));
        if style.code {
            line.markup(&format!("<code>{}</code>", mentions::defuse_code(&escape::code(inner))));
        } else if opens && closes {
            let marks = [(style.strong, '*'), (style.emphasis, '_'), (style.strike && !inner.starts_with('-'), '-')];
            let marks: Vec<char> = marks.iter().filter(|(on, _)| *on).map(|(_, mark)| *mark).collect();
            line.marks(&marks.iter().collect::<String>());
            if inner.starts_with(['(', '[', '{']) {
                line.markup(&JOINER.to_string());
            }
            plain(line, inner);
            line.marks(&marks.iter().rev().collect::<String>());
        } else {
            self.simplified = true;
            plain(line, inner);
        }
        line.words(space_after);
    }

    fn link(&mut self, line: &mut Line, words: &str, href: &str, after: &[Group<'_>]) {
        let (space_before, inner, space_after) = trimmed(words);
        line.words(space_before);
        let href = href.trim();
        if shows_address(inner, href) && !inner.contains(char::is_whitespace) {
            plain(line, inner);
        } else if let Some(url) = followed(href) {
            linked(line, inner, &url);
            if runs_on(space_after.chars().chain(characters(after))) {
                line.markup(" ");
            }
        } else {
            line.words(inner);
            if !shows_address(inner, href) {
                line.words(&format!(" ({href})"));
            }
        }
        line.words(space_after);
    }

    fn image(&mut self, line: &mut Line, source: &str, alt: &str, href: Option<&str>, after: &[Group<'_>]) {
        let apart = line.last().is_none_or(|c| c.is_ascii_whitespace());
        let shown = self.gallery.show(source);
        if !apart {
            line.words(" ");
        }
        match shown {
            Shown::At(address) => {
                let link = href.and_then(followed).map(|url| format!(":{url}")).unwrap_or_default();
                line.markup(&format!("!{address}!{link}"));
            }
            Shown::Named(name) => line.markup(&format!("attachment:\"{}\"", name.replace(['"', '\n'], "'"))),
            Shown::Gone => line.words(&caption(source, alt, None)),
        }
        if characters(after).next().is_some_and(|c| !c.is_ascii_whitespace()) {
            line.words(" ");
        }
    }
}

/// Plain words and the addresses in them, which Redmine makes links of.
fn plain(line: &mut Line, words: &str) {
    for part in parts(words) {
        match part {
            Part::Words(words) => line.words(words),
            Part::Address(url, after) => {
                if is_read_into(url) || url.contains('|') || escape::holds_entity(url) {
                    linked(line, url, &followed(url).unwrap_or_else(|| escape_url(url)));
                } else {
                    line.markup(url);
                }
                let bracketed = after.starts_with('>') && line.text[..line.text.len() - url.len()].ends_with('<');
                if !bracketed && runs_on(after.chars()) {
                    line.markup(" ");
                }
            }
        }
    }
}

/// `"words":url`
fn linked(line: &mut Line, words: &str, url: &str) {
    line.markup("\"");
    if words.starts_with(['(', '[', '{']) {
        line.markup(&JOINER.to_string());
    }
    for (at, part) in words.split('"').enumerate() {
        if at > 0 {
            line.markup("&quot;");
        }
        line.words(part);
    }
    if words.ends_with(')') {
        line.markup(&JOINER.to_string());
    }
    line.markup(&format!("\":{url}"));
}

/// The address as Textile takes it after `"text":`, where it does.
fn followed(href: &str) -> Option<String> {
    let lower = href.get(..8).unwrap_or(href).to_ascii_lowercase();
    let rest = if lower.starts_with("mailto:") {
        href.get(7..)
    } else {
        href.split_once("://").filter(|(s, _)| s.bytes().all(|b| b.is_ascii_alphabetic())).map(|(_, rest)| rest)
    }?;
    let mut url = escape_url(href);
    let plain = rest.starts_with(|c: char| c.is_ascii_alphanumeric()) && rest.len() > 1;
    if let Some(last) = url.pop() {
        // A full stop at the end would be taken for the sentence's.
        match last {
            c if c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '=' | '-') => url.push(c),
            c => url.push_str(&format!("%{:02X}", u32::from(c))),
        }
    }
    plain.then_some(url)
}

#[cfg(test)]
mod tests;
