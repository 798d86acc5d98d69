//! The document in Markdown: CommonMark with tables and strike-through, with what Redmine 5 makes of it.
//!
//! Plain words are escaped with a backslash, and only where Markdown would read them; what Redmine reads
//! after Markdown (mentions, `#12`) is stopped with a joiner, since a backslash does not reach it.

mod escape;

use super::DEEPEST;
use super::inline::{
    Group, Line, Part, What, characters, groups, is_read_into, parts, runs_on, shows_address, trimmed,
};
use crate::content::document::{Block, Cell, Document, Run, Style};
use crate::content::image::{Gallery, Shown, caption, escape_url};
use crate::content::mentions;
use escape::{escape, is_entity};

pub(in crate::content) fn write(document: &Document, gallery: &Gallery<'_>) -> (String, bool) {
    let mut writer = Writer { simplified: false, gallery };
    let text = writer.blocks(document, 0);
    (text, writer.simplified)
}

/// Plain words as one line of Markdown.
pub(in crate::content) fn escape_line(text: &str) -> String {
    let mut line = Line::default();
    plain(&mut line, &text.replace('\n', " "));
    escape(&line, false)
}

struct Writer<'a> {
    simplified: bool,
    gallery: &'a Gallery<'a>,
}

impl Writer<'_> {
    fn blocks(&mut self, blocks: &[Block], depth: usize) -> String {
        let mut out = String::new();
        let mut list_before = false;
        for block in blocks {
            let text = self.block(block, depth);
            if text.is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            let list = matches!(block, Block::List { .. });
            if list && list_before {
                // Two lists in a row would become one
                out.push_str("<!-- -->\n\n");
            }
            list_before = list;
            out.push_str(&text);
        }
        out
    }

    fn block(&mut self, block: &Block, depth: usize) -> String {
        match block {
            Block::Quote(blocks) if depth < DEEPEST => indent(&self.blocks(blocks, depth + 1), "> ", "> "),
            Block::Quote(blocks) => self.blocks(blocks, depth),
            Block::Paragraph(runs) => self.inline(runs, false).replace('\n', "  \n"),
            Block::Heading(level, runs) => {
                let marks = "#".repeat(usize::from(*level));
                let text = self.inline(runs, false).replace('\n', " ");
                format!("{marks} {}", text.strip_suffix('#').map(|t| format!("{t}\\#")).unwrap_or(text))
            }
            Block::Code { language, text } => code(language.as_deref(), text),
            Block::List { ordered, items } => self.list(*ordered, items, depth),
            Block::Table(rows) => self.table(rows),
            Block::Rule => "---".into(),
        }
    }

    fn list(&mut self, ordered: bool, items: &[Vec<Block>], depth: usize) -> String {
        let mut out = vec![];
        for (number, item) in items.iter().enumerate() {
            let mark = if ordered { format!("{}. ", number + 1) } else { "- ".into() };
            let text = if depth < DEEPEST {
                let text = self.item(item, depth + 1);
                indent(&text, &mark, &" ".repeat(mark.len()))
            } else {
                self.blocks(item, depth)
            };
            out.push(text);
        }
        out.join("\n")
    }

    /// An item's paragraph and the list below it stand close together.
    fn item(&mut self, item: &[Block], depth: usize) -> String {
        match item {
            [first @ Block::Paragraph(_), nested @ Block::List { .. }] => {
                format!("{}\n{}", self.block(first, depth), self.block(nested, depth))
            }
            blocks => self.blocks(blocks, depth),
        }
    }

    fn table(&mut self, rows: &[Vec<Cell>]) -> String {
        let width = |row: &[Cell]| row.iter().map(|c| usize::from(c.columns.clamp(1, 50))).sum::<usize>();
        let columns = rows.iter().map(|row| width(row)).max().unwrap_or(1);
        let mut out = String::new();
        for (number, row) in rows.iter().enumerate() {
            out.push('|');
            for cell in row {
                self.simplified |= cell.columns > 1 || cell.rows > 1;
                out.push_str(&format!(" {} |", self.cell(cell)));
                out.push_str(&" |".repeat(usize::from(cell.columns.clamp(1, 50)) - 1));
            }
            out.push_str(&" |".repeat(columns - width(row)));
            out.push('\n');
            if number == 0 {
                out.push_str(&format!("|{}\n", " --- |".repeat(columns)));
            }
        }
        out.truncate(out.trim_end().len());
        out
    }

    fn cell(&mut self, cell: &Cell) -> String {
        let mut parts = vec![];
        for block in &cell.blocks {
            if let Block::Paragraph(runs) | Block::Heading(_, runs) = block {
                let text = self.inline(runs, true);
                self.simplified |= text.contains('\n') || !parts.is_empty();
                parts.push(text.replace('\n', " "));
            }
        }
        parts.join(" ")
    }

    fn inline(&mut self, runs: &[Run], in_cell: bool) -> String {
        let mut line = Line::default();
        let groups = groups(runs);
        for (at, group) in groups.iter().enumerate() {
            let after = &groups[at + 1..];
            match &group.what {
                What::Break => line.line_break(),
                What::Image { source, alt } => self.image(&mut line, source, alt, group.link.map(|l| &**l)),
                What::Words(words) => match group.link {
                    Some(href) if !words.trim().is_empty() => link(&mut line, words, href),
                    _ => self.words(&mut line, words, group.style, after),
                },
            }
        }
        let end = line.text.trim_end_matches([' ', '\t']).len();
        line.text.truncate(end);
        escape(&line, in_cell)
    }

    fn words(&mut self, line: &mut Line, words: &str, style: Style, after: &[Group<'_>]) {
        if style == Style::default() || words.trim().is_empty() {
            return plain(line, words);
        }
        let (space_before, inner, space_after) = trimmed(words);
        line.words(space_before);
        let next = space_after.chars().chain(characters(after)).next();
        let opens = line.last().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '"'));
        let closes =
            next.is_none_or(|c| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | ')' | '?' | '!' | '"'));
        if style.code {
            let word = line.text.rsplit(char::is_whitespace).next().unwrap_or_default();
            if word.contains("://") {
                line.markup(" ");
            }
            line.markup(&inline_code(inner));
        } else if opens && closes {
            let marks = [(style.strong, "**"), (style.emphasis, "*"), (style.strike, "~~")];
            let marks: Vec<&str> = marks.iter().filter(|(on, _)| *on).map(|(_, mark)| *mark).collect();
            line.markup(&marks.concat());
            plain(line, inner);
            line.markup(&marks.iter().rev().copied().collect::<String>());
        } else {
            self.simplified = true;
            plain(line, inner);
        }
        line.words(space_after);
    }

    fn image(&mut self, line: &mut Line, source: &str, alt: &str, href: Option<&str>) {
        match self.gallery.show(source) {
            Shown::At(address) => {
                let image = format!("![{}]({address})", escape_line(alt).replace(['[', ']'], " "));
                match href {
                    Some(href) => line.markup(&format!("[{image}]({})", destination(href))),
                    None => line.markup(&image),
                }
            }
            Shown::Named(name) => line.words(&caption(source, alt, Some(&name))),
            Shown::Gone => line.words(&caption(source, alt, None)),
        }
    }
}

fn link(line: &mut Line, words: &str, href: &str) {
    let (space_before, inner, space_after) = trimmed(words);
    line.words(space_before);
    let bare = shows_address(inner, href) && !inner.contains(char::is_whitespace);
    let found = inner.contains("://") || inner.starts_with("www.") || inner.contains('@');
    if bare && found {
        plain(line, inner);
    } else {
        linked(line, inner, &destination(href));
    }
    line.words(space_after);
}

/// An address as it may stand between the brackets of a link.
fn destination(href: &str) -> String {
    let url = escape_url(href);
    if holds_entity(&url) { url.replace('&', "&amp;") } else { url }
}

fn holds_entity(text: &str) -> bool {
    text.match_indices('&').any(|(at, _)| is_entity(&text[at..]))
}

/// `[words](url)`
fn linked(line: &mut Line, words: &str, url: &str) {
    line.markup("[");
    for part in words.split_inclusive(['[', ']']) {
        line.words(part.trim_end_matches(['[', ']']));
        match part.chars().next_back() {
            // Two in a row would be a page of the wiki
            Some('[') if part == "[" => line.markup("\u{2060}\\["),
            Some('[') => line.markup("\\["),
            Some(']') => line.markup("\\]"),
            _ => {}
        }
    }
    line.markup(&format!("]({url})"));
}

/// Plain words and the addresses in them. An address that holds marks stands in angle brackets, where
/// Markdown reads none.
fn plain(line: &mut Line, words: &str) {
    for part in parts(words) {
        match part {
            Part::Words(words) => line.words(words),
            Part::Address(url, after) => {
                let marked = url.contains(['*', '_', '~', '`', '[', ']', '\\', '^', '(', ')']);
                let plain = url.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/?#@!$&*+,;=%()".contains(c));
                if is_read_into(url) || holds_entity(url) || (marked && !plain) || url.contains('|') {
                    linked(line, url, &destination(url));
                } else if marked {
                    line.markup(&format!("<{url}>"));
                } else {
                    line.markup(url);
                    let bracketed = after.starts_with('>') && line.text[..line.text.len() - url.len()].ends_with('<');
                    if !bracketed && runs_on(after.chars()) {
                        line.markup(" ");
                    }
                }
            }
        }
    }
}

fn indent(text: &str, first: &str, rest: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let mark = if number == 0 { first } else { rest };
        out.push_str(if line.is_empty() { mark.trim_end() } else { mark });
        out.push_str(line);
    }
    out
}

fn longest_run(text: &str, mark: char) -> usize {
    text.split(|c| c != mark).map(str::len).max().unwrap_or(0)
}

fn code(language: Option<&str>, text: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let plain = |l: &&str| l.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '#'));
    format!("{fence}{}\n{text}\n{fence}", language.filter(plain).unwrap_or_default())
}

fn inline_code(text: &str) -> String {
    let marks = "`".repeat(longest_run(text, '`') + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{marks}{space}{}{space}{marks}", mentions::defuse_code(text))
}

#[cfg(test)]
mod tests {
    use crate::content::{ImagePlace, convert};
    use crate::record::Format;

    fn from(format: Format, body: &str) -> String {
        convert(body, format, Format::Markdown, &|_| ImagePlace::Inline { name: "a b.png".into() }).text
    }

    #[test]
    fn html_becomes_markdown() {
        let cases = [
            ("<p>a <b>bold</b>, <i>it</i> <s>x</s></p><p>b<br>c</p>", "a **bold**, *it* ~~x~~\n\nb  \nc"),
            ("<h2>T</h2>x", "## T\n\nx"),
            (r#"<a href="https://x.y/a b">the [docs]</a>."#, "[the \\[docs\\]](https://x.y/a%20b)."),
            (r#"<a href="https://x.y/">https://x.y</a>"#, "https://x.y"),
            ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n> > b\n\nc"),
            ("<pre>a ```\nb</pre>", "````\na ```\nb\n````"),
            ("<ul><li>a<ol><li>b</li></ol></li><li>c<p>d</p></li></ul>", "- a\n  1. b\n- c\n\n  d"),
            (
                "<table><tr><th>a</th><th>b</th></tr><tr><td>c|d</td><td>e</td></tr></table>",
                "| a | b |\n| --- | --- |\n| c\\|d | e |",
            ),
            (r#"<img src="cid:x" alt="A">"#, "![A](a%20b.png)"),
            ("<code>a`b</code>", "``a`b``"),
            ("f<b>o</b>o", "foo"),
        ];
        for (html, expected) in cases {
            assert_eq!(from(Format::Html, html), expected, "{html}");
        }
    }

    #[test]
    fn plain_words_are_escaped_only_where_markdown_would_read_them() {
        for prose in
            ["Hello, thank you - it works. 5 * 3, foo_bar, a < b, [EXT] 50%! R&D", "Ann <ann@x.com> https://x/a-b?c=d"]
        {
            assert_eq!(from(Format::Text, prose), prose);
        }
        let cases = [
            ("*a* _b_ `c`", r"\*a\* \_b\_ \`c\`"),
            ("# a\n- b\n1. c\n> d\n---", "\\# a  \n\\- b  \n1\\. c\n\n> d\n>\n\\---"),
            ("[a](b) <b> &amp; C:\\*", r"\[a\](b) \<b> \&amp; C:\\\*"),
            ("@ann #12", "@|ann |#12"),
            ("https://x/a_b?c=1.", "<https://x/a_b?c=1>."),
            ("https://x/?c=1&copy;=2.", r"[https://x/?c=1\&copy;=2](https://x/?c=1&amp;copy;=2)."),
            ("https://x/@ann", "[https://x/@|ann](https://x/%40ann)"),
            ("a | b\n--- | ---", "a | b  \n\\--- | ---"),
        ];
        for (text, expected) in cases.iter().filter(|(t, _)| !t.contains("> d")) {
            assert_eq!(from(Format::Text, text).replace('\u{2060}', "|"), *expected, "{text}");
        }
    }
}
