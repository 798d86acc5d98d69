//! The document as plain text.

use super::DEEPEST;
use super::inline::{What, groups, shows_address};
use crate::content::document::{Block, Cell, Document, Run, Style};
use crate::content::image::{Gallery, Shown, caption};

pub(in crate::content) fn write(document: &Document, gallery: &Gallery<'_>) -> (String, bool) {
    let mut writer = Writer { simplified: false, gallery };
    let text = writer.blocks(document, 0);
    (text, writer.simplified)
}

struct Writer<'a> {
    simplified: bool,
    gallery: &'a Gallery<'a>,
}

impl Writer<'_> {
    fn blocks(&mut self, blocks: &[Block], depth: usize) -> String {
        let parts: Vec<String> = blocks.iter().map(|b| self.block(b, depth)).filter(|t| !t.is_empty()).collect();
        parts.join("\n\n")
    }

    fn block(&mut self, block: &Block, depth: usize) -> String {
        match block {
            Block::Paragraph(runs) => self.inline(runs),
            Block::Heading(_, runs) => {
                self.simplified = true;
                self.inline(runs)
            }
            Block::Quote(blocks) if depth < DEEPEST => prefix(&self.blocks(blocks, depth + 1), "> ", "> "),
            Block::Quote(blocks) => self.blocks(blocks, depth),
            Block::Code { text, .. } => text.clone(),
            Block::List { ordered, items } => self.list(*ordered, items, depth),
            Block::Table(rows) => {
                self.simplified = true;
                let rows: Vec<String> = rows.iter().map(|row| self.row(row)).collect();
                rows.join("\n")
            }
            Block::Rule => "-".repeat(40),
        }
    }

    fn list(&mut self, ordered: bool, items: &[Vec<Block>], depth: usize) -> String {
        let mut out = vec![];
        for (number, item) in items.iter().enumerate() {
            let mark = if ordered { format!("{}. ", number + 1) } else { "* ".into() };
            let text = match item.as_slice() {
                [first, nested @ Block::List { .. }] => {
                    format!("{}\n{}", self.block(first, depth + 1), self.block(nested, depth + 1))
                }
                blocks => self.blocks(blocks, depth + 1),
            };
            let indent = if depth < DEEPEST { " ".repeat(mark.len()) } else { String::new() };
            out.push(prefix(&text, &mark, &indent));
        }
        out.join("\n")
    }

    fn row(&mut self, cells: &[Cell]) -> String {
        let cells: Vec<String> =
            cells.iter().map(|cell| self.blocks(&cell.blocks, DEEPEST).replace('\n', " ")).collect();
        cells.join(" | ")
    }

    fn inline(&mut self, runs: &[Run]) -> String {
        let mut out = String::new();
        for group in groups(runs) {
            self.simplified |= group.style != Style::default();
            match group.what {
                What::Break => {
                    out.truncate(out.trim_end_matches(' ').len());
                    out.push('\n');
                }
                What::Words(words) => {
                    out.push_str(&words);
                    if let Some(href) =
                        group.link.filter(|href| !words.trim().is_empty() && !shows_address(&words, href))
                    {
                        let end = out.trim_end().len();
                        let space = out.split_off(end);
                        out.push_str(&format!(" <{}>{space}", href.trim()));
                    }
                }
                What::Image { source, alt } => {
                    let words = match self.gallery.show(source) {
                        Shown::Named(name) | Shown::At(name) => caption(source, alt, Some(&name)),
                        Shown::Gone => caption(source, alt, None),
                    };
                    let space = if out.is_empty() || out.ends_with(char::is_whitespace) { "" } else { " " };
                    out.push_str(&format!("{space}{words}"));
                }
            }
        }
        out.truncate(out.trim_end().len());
        out
    }
}

fn prefix(text: &str, first: &str, rest: &str) -> String {
    let lines = text.split('\n').enumerate().map(|(number, line)| {
        let mark = if number == 0 { first } else { rest };
        format!("{mark}{line}").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use crate::content::{ImagePlace, convert};
    use crate::error::Loss;
    use crate::record::Format;

    #[test]
    fn html_becomes_text_with_its_links_and_the_names_of_its_images() {
        let html = concat!(
            r#"<p>See <a href="https://x.y/d">the docs</a>, <a href="mailto:a@b">a@b</a></p><ul><li>a<ul><li>b</li></ul></li></ul>"#,
            r#"<blockquote>q<br>r</blockquote><img src="cid:x"><table><tr><th>h</th><th>i</th></tr><tr><td>1</td><td>2</td></tr></table>"#
        );
        let converted = convert(html, Format::Html, Format::Text, &|_| ImagePlace::Inline { name: "x.png".into() });
        let expected = "See the docs <https://x.y/d>, a@b\n\n* a\n  * b\n\n> q\n> r\n\n[image: x.png]\n\nh | i\n1 | 2";
        assert_eq!(converted.text, expected);
        assert_eq!(converted.losses, [Loss::InlineImage, Loss::Markup]);
    }
}
