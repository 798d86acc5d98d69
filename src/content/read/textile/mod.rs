//! Textile as Redmine renders it, into the document.
//!
//! Redmine's formatter is a chain of regular expressions (`redcloth3.rb`); this reads the markup people
//! write in it, and takes for plain words what it does not know. Nothing a page would show is dropped.

mod inline;

pub(in crate::content) use inline::image;

use super::builder::{Builder, Open};
use crate::content::document::{Block, Document, Run};
use crate::content::mentions::textile_code;

/// Levels of quotation and of lists told apart.
const DEEPEST: usize = 30;

pub(in crate::content) fn read(textile: &str) -> Document {
    let mut reader = Reader::default();
    for (part, is_code) in textile_code(textile) {
        let block = is_code.then(|| code_block(part)).flatten();
        match block {
            Some(block) => {
                reader.end_line();
                reader.builder.flush();
                reader.builder.block(block);
            }
            None => reader.pending.push_str(part),
        }
        if !is_code {
            reader.take_lines();
        }
    }
    reader.end_line();
    reader.leave_lists();
    reader.builder.finish()
}

/// `<pre>…</pre>`, perhaps with `<code class="ruby">` inside; `None` for an inline `<code>`.
fn code_block(part: &str) -> Option<Block> {
    let (_, text) = part.strip_prefix("<pre").and_then(|p| p.split_once('>'))?;
    let text = text.strip_suffix("</pre>").unwrap_or(text);
    let (mut language, mut text) = (None, text);
    if let Some((attributes, code)) = text.trim_start().strip_prefix("<code").and_then(|c| c.split_once('>')) {
        language = attributes.split('"').nth(1).map(str::to_owned);
        text = code.trim_end().strip_suffix("</code>").unwrap_or(code);
    }
    let text = text.strip_prefix('\n').unwrap_or(text).trim_end().replace(crate::content::JOINER, "");
    Some(Block::Code { language, text })
}

#[derive(Default)]
struct Reader {
    builder: Builder,
    /// The start of a line whose end has not been seen.
    pending: String,
    /// The marks of the list item being read, such as `*#`.
    marks: String,
}

impl Reader {
    fn take_lines(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let (whole, rest) = pending.rsplit_once('\n').map_or(("", pending.as_str()), |(w, r)| (w, r));
        if !whole.is_empty() || pending.starts_with('\n') {
            whole.split('\n').for_each(|line| self.line(line));
        }
        self.pending = rest.to_owned();
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.pending);
        if !line.trim().is_empty() {
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        let (depth, line) = unquote(line);
        if depth != self.quotes() {
            self.leave_lists();
        }
        while self.quotes() > depth {
            self.builder.close();
        }
        while self.quotes() < depth {
            self.builder.open(Open::Quote);
        }
        self.content(line.trim_end());
    }

    fn quotes(&self) -> usize {
        self.builder.depth() - self.list_frames()
    }

    fn list_frames(&self) -> usize {
        self.marks.len() * 2 + usize::from(self.builder.inside(|o| *o == Open::Table))
    }

    fn content(&mut self, line: &str) {
        if let Some(cells) = row(line) {
            if self.builder.innermost() != Some(&Open::Table) {
                self.leave_lists();
                self.builder.open(Open::Table);
            }
            self.builder.open(Open::Row);
            for cell in cells {
                self.builder.open(Open::Cell { header: cell.header, columns: cell.columns, rows: cell.rows });
                self.inline(cell.text);
                self.builder.close();
            }
            self.builder.close();
            return;
        }
        self.leave_table();
        if line.trim().is_empty() {
            self.leave_lists();
            self.builder.flush();
        } else if let Some((marks, item)) = list_item(line) {
            self.item(marks, item);
        } else if self.builder.runs().is_empty() && self.marks.is_empty() && is_rule(line) {
            self.builder.block(Block::Rule);
        } else if let Some((tag, text)) = prefixed(line).filter(|_| self.builder.runs().is_empty()) {
            self.prefixed(tag, text);
        } else {
            if !self.builder.runs().is_empty() {
                self.builder.run(Run::line_break());
            }
            self.inline(line.trim_start_matches(' '));
        }
    }

    fn inline(&mut self, text: &str) {
        inline::runs(text, &mut |run| self.builder.run(run));
    }

    fn prefixed(&mut self, tag: &str, text: &str) {
        match (tag, tag.as_bytes()) {
            ("bq", _) => {
                self.builder.open(Open::Quote);
                self.inline(text);
                self.builder.close();
            }
            (_, [b'h', level]) => {
                self.builder.open(Open::Heading(level - b'0'));
                self.inline(text);
                self.builder.close();
            }
            (_, [b'f', b'n', ..]) => self.inline(&format!("{} {text}", &tag[2..])),
            _ => self.inline(text),
        }
    }

    fn item(&mut self, marks: &str, text: &str) {
        // As in Redmine the last mark alone says what kind of list it is
        let mark = marks.chars().next_back().unwrap_or('*');
        let level = marks.len();
        while self.marks.len() > level || (self.marks.len() == level && !self.marks.ends_with(mark)) {
            self.leave_list();
        }
        if self.marks.len() == level {
            self.builder.close();
            self.builder.open(Open::Item);
        }
        while self.marks.len() < level {
            self.builder.open(Open::List { ordered: mark == '#' });
            self.builder.open(Open::Item);
            self.marks.push(mark);
        }
        self.inline(text);
    }

    fn leave_lists(&mut self) {
        self.leave_table();
        while !self.marks.is_empty() {
            self.leave_list();
        }
    }

    fn leave_list(&mut self) {
        self.builder.close();
        self.builder.close();
        self.marks.pop();
    }

    fn leave_table(&mut self) {
        if self.builder.innermost() == Some(&Open::Table) {
            self.builder.close();
        }
    }
}

fn unquote(line: &str) -> (usize, &str) {
    if !line.starts_with('>') {
        return (0, line);
    }
    let text = line.trim_start_matches(['>', ' ']);
    let depth = line[..line.len() - text.len()].matches('>').count();
    (depth.min(DEEPEST), text)
}

fn list_item(line: &str) -> Option<(&str, &str)> {
    let text = line.trim_start_matches(['*', '#']);
    let marks = &line[..line.len() - text.len()];
    (!marks.is_empty() && marks.len() <= DEEPEST).then_some(())?;
    text.strip_prefix(' ').map(|text| (marks, text.trim_start()))
}

fn is_rule(line: &str) -> bool {
    let marks: String = line.chars().filter(|c| *c != ' ').collect();
    marks.len() >= 3 && ["-", "*", "_"].iter().any(|mark| marks.replace(mark, "").is_empty())
}

/// `h3. text`, `bq(class). text`, `fn1. text`: the tag and the text.
fn prefixed(line: &str) -> Option<(&str, &str)> {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric())?;
    let (tag, rest) = line.split_at(end);
    let known = matches!(tag, "p" | "bq" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
        || tag.strip_prefix("fn").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if !known {
        return None;
    }
    let (attributes, text) = rest.split_once(". ")?;
    let mut inside = None;
    let plain = attributes.chars().all(|c| match (inside, c) {
        (None, '(' | '{' | '[') => {
            inside = Some(match c {
                '(' => ')',
                '{' => '}',
                _ => ']',
            });
            true
        }
        (None, c) => matches!(c, '<' | '>' | '=' | ')' | '-' | '^' | '~'),
        (Some(close), c) => {
            if c == close {
                inside = None;
            }
            true
        }
    });
    plain.then_some((tag, text))
}

struct RowCell<'a> {
    header: bool,
    columns: u16,
    rows: u16,
    text: &'a str,
}

/// The cells of `|a|_. b|\2. c|`; a `|` inside a wiki link parts none.
fn row(line: &str) -> Option<Vec<RowCell<'_>>> {
    let inner = line.trim_end().strip_prefix('|')?.strip_suffix('|')?;
    let mut cells = vec![];
    let mut start = 0;
    let mut at = 0;
    while let Some(next) = inner[at..].find(['|', '[']).map(|n| n + at) {
        at = next + 1;
        if inner[next..].starts_with("[[") {
            if let Some(end) = inner[next..].find("]]") {
                at = next + end;
            }
        } else if inner[next..].starts_with('|') {
            cells.push(cell(&inner[start..next]));
            start = next + 1;
        }
    }
    cells.push(cell(&inner[start..]));
    Some(cells)
}

fn cell(text: &str) -> RowCell<'_> {
    let plain = RowCell { header: false, columns: 1, rows: 1, text: text.trim() };
    let Some((marks, rest)) = text.split_once('.').filter(|(_, rest)| rest.starts_with(' ')) else { return plain };
    let header = marks.starts_with('_');
    let marks = marks.trim_start_matches('_').trim_end_matches(['<', '>', '=', '^', '~', '-']);
    let span = |mark: char| {
        let digits = marks.split_once(mark).map(|(_, d)| d.trim_end_matches(|c: char| !c.is_ascii_digit()));
        digits.and_then(|d| d.parse().ok()).unwrap_or(1u16)
    };
    if marks.chars().all(|c| c.is_ascii_digit() || matches!(c, '\\' | '/')) && (!marks.is_empty() || header) {
        return RowCell { header, columns: span('\\'), rows: span('/'), text: rest.trim() };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::document::Piece;

    fn words(blocks: &[Block]) -> String {
        let runs = |runs: &[Run]| {
            runs.iter()
                .map(|r| match &r.piece {
                    Piece::Text(t) => t.clone(),
                    Piece::Break => "/".into(),
                    Piece::Image { source, .. } => format!("!{source}!"),
                })
                .collect::<String>()
        };
        let each = |b: &Block| match b {
            Block::Paragraph(r) => format!("p({})", runs(r)),
            Block::Heading(n, r) => format!("h{n}({})", runs(r)),
            Block::Quote(b) => format!("q({})", words(b)),
            Block::Code { text, .. } => format!("c({text})"),
            Block::List { ordered, items } => {
                let items: Vec<_> = items.iter().map(|i| words(i)).collect();
                format!("{}({})", if *ordered { "ol" } else { "ul" }, items.join("|"))
            }
            Block::Table(rows) => {
                let rows: Vec<_> =
                    rows.iter().map(|row| row.iter().map(|c| words(&c.blocks)).collect::<Vec<_>>().join("|")).collect();
                format!("t({})", rows.join("/"))
            }
            Block::Rule => "hr".into(),
        };
        blocks.iter().map(each).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn blocks_are_read_as_redmine_shows_them() {
        let cases = [
            ("a\nb\n\nc", "p(a/b) p(c)"),
            ("h3. Title\n\nbq. said", "h3(Title) q(p(said))"),
            ("> a\n> b\n> > c\nd", "q(p(a/b) q(p(c))) p(d)"),
            ("* a\n** b\n## c\n* d\n\ne", "ul(p(a) ul(p(b)) ol(p(c))|p(d)) p(e)"),
            ("|_. a|_. b|\n|1|2|", "t(p(a)|p(b)/p(1)|p(2))"),
            ("x <pre>\n a\n\n b</pre> y", "p(x) c( a\n\n b) p(y)"),
            ("a <code>*b*</code> c", "p(a *b* c)"),
            ("---", "hr"),
            ("p. 5", "p(5)"),
            ("p.s. 5", "p(p.s. 5)"),
        ];
        for (textile, expected) in cases {
            assert_eq!(words(&read(textile)), expected, "{textile}");
        }
    }
}
