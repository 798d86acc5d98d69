//! Plain text into the document: paragraphs, their lines, and what is quoted with `>`.

use super::builder::{Builder, Open};
use crate::content::document::{Document, Run};

/// Levels of quotation told apart.
const DEEPEST: usize = 30;

pub(in crate::content) fn read(text: &str) -> Document {
    let mut builder = Builder::default();
    for line in text.split('\n') {
        let (depth, line) = unquote(line);
        while builder.depth() > depth {
            builder.close();
        }
        while builder.depth() < depth {
            builder.open(Open::Quote);
        }
        if line.trim().is_empty() {
            builder.flush();
            continue;
        }
        if !builder.runs().is_empty() {
            builder.run(Run::line_break());
        }
        builder.run(Run::text(line.trim_end()));
    }
    builder.finish()
}

/// The depth of quotation of a line, and the line without the marks: `> > x` and `>> x` are two deep.
fn unquote(line: &str) -> (usize, &str) {
    let (mut depth, mut rest) = (0, line);
    while depth < DEEPEST {
        let spaces = if depth == 0 { rest } else { rest.trim_start_matches(' ') };
        match spaces.strip_prefix('>') {
            Some(after) => (depth, rest) = (depth + 1, after),
            None => break,
        }
    }
    (depth, if depth > 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { rest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::document::Block;

    #[test]
    fn lines_stay_lines_and_quotes_nest() {
        let document = read("a\n  b\n\n> q\n> > deep\n>\n> q2\nc");
        let line = |t: &str| Block::Paragraph(vec![Run::text(t)]);
        let first = Block::Paragraph(vec![Run::text("a"), Run::line_break(), Run::text("  b")]);
        let quote = Block::Quote(vec![line("q"), Block::Quote(vec![line("deep")]), line("q2")]);
        assert_eq!(document, [first, quote, line("c")]);
    }
}
