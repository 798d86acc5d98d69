//! The document as HTML: plain, well-formed, and safe to show.

use super::inline::{What, addresses, groups};
use crate::content::document::{Block, Cell, Document, Run, Style};
use crate::content::image::{Gallery, Shown, caption};
use std::fmt::Write as _;

pub(in crate::content) fn write(document: &Document, gallery: &Gallery<'_>) -> (String, bool) {
    let mut writer = Writer { out: String::new(), gallery };
    document.iter().for_each(|block| writer.block(block));
    writer.out.truncate(writer.out.trim_end().len());
    (writer.out, false)
}

/// Plain words as they may stand in an element or an attribute.
pub(in crate::content) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

struct Writer<'a> {
    out: String,
    gallery: &'a Gallery<'a>,
}

impl Writer<'_> {
    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(runs) => self.element("p", |w| w.inline(runs)),
            Block::Heading(level, runs) => self.element(&format!("h{level}"), |w| w.inline(runs)),
            Block::Quote(blocks) => self.element("blockquote", |w| blocks.iter().for_each(|b| w.block(b))),
            Block::Code { language, text } => {
                let class = language.as_ref().map(|l| format!(" class=\"language-{}\"", escape(l))).unwrap_or_default();
                self.out.push_str(&format!("<pre><code{class}>{}</code></pre>\n", escape(text)));
            }
            Block::List { ordered, items } => self.element(if *ordered { "ol" } else { "ul" }, |w| {
                items.iter().for_each(|item| w.element("li", |w| w.tight(item)));
            }),
            Block::Table(rows) => self.element("table", |w| {
                w.element("tbody", |w| rows.iter().for_each(|row| w.element("tr", |w| w.cells(row))));
            }),
            Block::Rule => self.out.push_str("<hr>\n"),
        }
    }

    fn element(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.out.push_str(&format!("<{name}>"));
        inside(self);
        self.out.truncate(self.out.trim_end_matches('\n').len());
        self.out.push_str(&format!("</{name}>\n"));
    }

    /// The blocks of an item or cell; a paragraph that begins it needs no `<p>`.
    fn tight(&mut self, blocks: &[Block]) {
        match blocks {
            [Block::Paragraph(runs), rest @ ..] => {
                self.inline(runs);
                rest.iter().for_each(|b| self.block(b));
            }
            blocks => blocks.iter().for_each(|b| self.block(b)),
        }
    }

    fn cells(&mut self, cells: &[Cell]) {
        for cell in cells {
            let name = if cell.header { "th" } else { "td" };
            self.out.push_str(&format!("<{name}"));
            for (attribute, span) in [("colspan", cell.columns), ("rowspan", cell.rows)] {
                if span > 1 {
                    let _ = write!(self.out, " {attribute}=\"{span}\"");
                }
            }
            self.out.push('>');
            self.tight(&cell.blocks);
            self.out.truncate(self.out.trim_end_matches('\n').len());
            self.out.push_str(&format!("</{name}>\n"));
        }
    }

    fn inline(&mut self, runs: &[Run]) {
        for group in groups(runs) {
            let link = group.link.filter(|href| is_safe(href)).map(|href| escape(href.trim()));
            if let Some(href) = &link {
                self.out.push_str(&format!("<a href=\"{href}\">"));
            }
            match group.what {
                What::Break => self.out.push_str("<br>\n"),
                What::Words(words) => self.words(&words, group.style, link.is_some()),
                What::Image { source, alt } => self.image(source, alt),
            }
            if link.is_some() {
                self.out.push_str("</a>");
            }
        }
    }

    fn words(&mut self, words: &str, style: Style, linked: bool) {
        let marks = [(style.strong, "b"), (style.emphasis, "em"), (style.strike, "s"), (style.code, "code")];
        for (_, mark) in marks.iter().filter(|(on, _)| *on) {
            self.out.push_str(&format!("<{mark}>"));
        }
        let mut from = 0;
        for address in if linked { vec![] } else { addresses(words) } {
            self.spaced(&words[from..address.start]);
            let url = escape(&words[address.clone()]);
            self.out.push_str(&format!("<a href=\"{url}\">{url}</a>"));
            from = address.end;
        }
        self.spaced(&words[from..]);
        for (_, mark) in marks.iter().rev().filter(|(on, _)| *on) {
            self.out.push_str(&format!("</{mark}>"));
        }
    }

    /// Words whose runs of spaces stay as wide as they were.
    fn spaced(&mut self, words: &str) {
        let mut before = ["\n", "<p>", "<li>", "<td>", "<th>"].iter().any(|start| self.out.ends_with(start));
        for c in words.chars() {
            match c {
                ' ' if before => self.out.push_str("&nbsp;"),
                '\t' => self.out.push_str("&nbsp;&nbsp;&nbsp; "),
                '\u{a0}' => self.out.push_str("&nbsp;"),
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                c => self.out.push(c),
            }
            before = c == ' ';
        }
    }

    fn image(&mut self, source: &str, alt: &str) {
        match self.gallery.show(source) {
            Shown::At(address) => {
                self.out.push_str(&format!("<img src=\"{}\" alt=\"{}\">", escape(&address), escape(alt)));
            }
            Shown::Named(name) => self.out.push_str(&escape(&caption(source, alt, Some(&name)))),
            Shown::Gone => self.out.push_str(&escape(&caption(source, alt, None))),
        }
    }
}

fn is_safe(href: &str) -> bool {
    let scheme = href.trim().split([':', '/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    !matches!(scheme.as_str(), "javascript" | "data" | "vbscript")
}

#[cfg(test)]
mod tests {
    use crate::content::{ImagePlace, clean, convert};
    use crate::record::Format;

    fn from(format: Format, body: &str) -> String {
        convert(body, format, Format::Html, &|_| ImagePlace::Url("https://files/1".into())).text
    }

    #[test]
    fn text_keeps_its_lines_spaces_quotes_and_addresses() {
        let cases = [
            (
                "a <b> & c\n  two   spaces\n\nb",
                "<p>a &lt;b&gt; &amp; c<br>\n&nbsp;&nbsp;two &nbsp;&nbsp;spaces</p>\n<p>b</p>",
            ),
            ("> q\n>> r", "<blockquote><p>q</p>\n<blockquote><p>r</p></blockquote></blockquote>"),
            (
                "see https://x.y/?a=1&b=2.",
                "<p>see <a href=\"https://x.y/?a=1&amp;b=2\">https://x.y/?a=1&amp;b=2</a>.</p>",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(from(Format::Text, text), expected, "{text}");
        }
    }

    #[test]
    fn textile_and_markdown_become_the_html_they_mean() {
        let textile = "h2. T\n\n* a *b*\n** c\n\n|_. h|i|\n|1|2|\n\n!x.png! \"d\":https://x.y \"e\":javascript:x";
        let html = concat!(
            "<h2>T</h2>\n<ul><li>a <b>b</b><ul><li>c</li></ul></li></ul>\n",
            "<table><tbody><tr><th>h</th>\n<td>i</td></tr>\n<tr><td>1</td>\n<td>2</td></tr></tbody></table>\n",
            "<p><img src=\"https://files/1\" alt=\"\"> <a href=\"https://x.y\">d</a> \"e\":javascript:x</p>"
        );
        assert_eq!(from(Format::Textile, textile), html);
        assert_eq!(
            from(Format::Markdown, "a **b**\n\n![x](y.png)"),
            "<p>a <strong>b</strong></p>\n<p><img src=\"https://files/1\" alt=\"x\"></p>\n"
        );
    }

    #[test]
    fn what_is_written_needs_no_cleaning() {
        for textile in [
            "\"x\":http://a/\"onclick=\"y",
            "<script>x</script> *<img src=x onerror=y>*",
            "<pre><code class=\"x\">\n<b></code></pre>",
        ] {
            let html = from(Format::Textile, textile);
            let again = clean(&html).replace("language-x", "x");
            assert!(!again.contains("<script") && !again.contains("<img"), "{html}");
        }
    }
}
