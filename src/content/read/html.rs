//! Cleaned HTML into the document.
//!
//! Reads only what [`clean`](crate::content::clean) writes: balanced, lower-case tags, quoted attributes,
//! and no entities but the five of the serialiser.

use super::builder::{Builder, Open};
use crate::content::document::{Block, Document, Piece, Run, Style};
use std::borrow::Cow;
use std::rc::Rc;

pub(in crate::content) fn read(clean: &str) -> Document {
    let mut reader = Reader::default();
    let mut rest = clean;
    while let Some(at) = rest.find('<') {
        reader.text(&rest[..at]);
        let end = rest[at..].find('>').map_or(rest.len(), |to| at + to);
        let tag = &rest[at + 1..end];
        match tag.strip_prefix('/') {
            Some(name) => reader.close(name),
            None => reader.open(tag),
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    reader.text(rest);
    reader.builder.finish()
}

#[derive(Default)]
struct Reader {
    builder: Builder,
    strong: usize,
    emphasis: usize,
    strike: usize,
    code: usize,
    links: Vec<Option<Rc<str>>>,
    code_block: Option<CodeBlock>,
}

#[derive(Default)]
struct CodeBlock {
    depth: usize,
    text: String,
}

impl Reader {
    fn text(&mut self, escaped: &str) {
        if escaped.is_empty() {
            return;
        }
        let text = unescape(escaped);
        match &mut self.code_block {
            Some(code) => code.text.push_str(&text),
            None => {
                let text = collapse(&text, self.follows_space());
                if !text.is_empty() {
                    self.push(Piece::Text(text));
                }
            }
        }
    }

    fn follows_space(&self) -> bool {
        match self.builder.runs().last().map(|r| &r.piece) {
            None | Some(Piece::Break) => true,
            Some(Piece::Text(t)) => t.ends_with(' '),
            Some(Piece::Image { .. }) => false,
        }
    }

    fn push(&mut self, piece: Piece) {
        let style = Style {
            strong: self.strong > 0,
            emphasis: self.emphasis > 0,
            strike: self.strike > 0,
            code: self.code > 0,
        };
        let link = self.links.last().cloned().flatten();
        self.builder.run(Run { piece, style, link });
    }

    fn open(&mut self, tag: &str) {
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        if let Some(code) = &mut self.code_block {
            match name {
                "pre" => code.depth += 1,
                "br" => code.text.push('\n'),
                "p" | "div" if !code.text.is_empty() && !code.text.ends_with('\n') => code.text.push('\n'),
                "img" => self.image(tag),
                _ => {}
            }
            return;
        }
        match name {
            "b" | "strong" => self.strong += 1,
            "i" | "em" | "cite" | "dfn" | "var" => self.emphasis += 1,
            "s" | "strike" | "del" => self.strike += 1,
            "code" | "kbd" | "samp" | "tt" => self.code += 1,
            "a" => self.links.push(attribute(tag, "href").filter(|href| leads_somewhere(href)).map(Into::into)),
            "q" => self.push(Piece::Text("\"".into())),
            "br" => self.push(Piece::Break),
            "img" => self.image(tag),
            "hr" => {
                self.builder.flush();
                self.builder.block(Block::Rule);
            }
            "pre" => {
                self.builder.flush();
                self.code_block = Some(CodeBlock::default());
            }
            _ => match container(name, tag) {
                Some(open) => self.builder.open(open),
                None if is_block(name) => self.builder.flush(),
                None => {}
            },
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(code) = &mut self.code_block {
            match name {
                "pre" if code.depth == 0 => {
                    let text = std::mem::take(&mut code.text);
                    self.code_block = None;
                    self.code_ends(text);
                }
                "pre" => code.depth -= 1,
                _ => {}
            }
            return;
        }
        match name {
            "b" | "strong" => self.strong = self.strong.saturating_sub(1),
            "i" | "em" | "cite" | "dfn" | "var" => self.emphasis = self.emphasis.saturating_sub(1),
            "s" | "strike" | "del" => self.strike = self.strike.saturating_sub(1),
            "code" | "kbd" | "samp" | "tt" => self.code = self.code.saturating_sub(1),
            "a" => {
                self.links.pop();
            }
            "q" => self.push(Piece::Text("\"".into())),
            _ if container(name, "").is_some() => self.builder.close(),
            _ if is_block(name) => self.builder.flush(),
            _ => {}
        }
    }

    fn code_ends(&mut self, text: String) {
        let text = text.strip_prefix('\n').unwrap_or(&text).trim_end().to_owned();
        if !text.is_empty() {
            self.builder.block(Block::Code { language: None, text });
        }
    }

    fn image(&mut self, tag: &str) {
        if let Some(source) = attribute(tag, "src").filter(|s| !s.trim().is_empty()) {
            let alt = attribute(tag, "alt").map(|alt| collapse(&alt, true)).unwrap_or_default();
            let piece = Piece::Image { source: source.as_ref().into(), alt };
            if self.code_block.is_some() {
                self.builder.block(Block::Paragraph(vec![Run { piece, style: Style::default(), link: None }]));
            } else {
                self.push(piece);
            }
        }
    }
}

fn container(name: &str, tag: &str) -> Option<Open> {
    let span = |name| attribute(tag, name).and_then(|n| n.trim().parse().ok()).unwrap_or(1u16).clamp(1, 1000);
    Some(match name {
        "blockquote" => Open::Quote,
        "ul" | "menu" => Open::List { ordered: false },
        "ol" => Open::List { ordered: true },
        "li" => Open::Item,
        "table" => Open::Table,
        "tr" => Open::Row,
        "td" => Open::Cell { header: false, columns: span("colspan"), rows: span("rowspan") },
        "th" => Open::Cell { header: true, columns: span("colspan"), rows: span("rowspan") },
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Open::Heading(name.as_bytes()[1] - b'0'),
        _ => return None,
    })
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "center"
            | "article"
            | "aside"
            | "section"
            | "header"
            | "footer"
            | "nav"
            | "hgroup"
            | "figure"
            | "figcaption"
            | "details"
            | "summary"
            | "dl"
            | "dt"
            | "dd"
            | "caption"
            | "tbody"
            | "thead"
            | "tfoot"
    )
}

/// Links that no other format could follow (a place in the same page) are dropped; their words stay.
fn leads_somewhere(href: &str) -> bool {
    let href = href.trim();
    !href.is_empty() && !href.starts_with('#') && !href.starts_with("cid:")
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut rest = tag;
    while let Some(equals) = rest.find("=\"") {
        let found = rest[..equals].rsplit(' ').next() == Some(name);
        let value = &rest[equals + 2..];
        let end = value.find('"')?;
        if found {
            return Some(unescape(&value[..end]));
        }
        rest = &value[end + 1..];
    }
    None
}

fn unescape(escaped: &str) -> Cow<'_, str> {
    let Some(first) = escaped.find('&') else { return Cow::Borrowed(escaped) };
    let mut out = String::with_capacity(escaped.len());
    out.push_str(&escaped[..first]);
    let mut rest = &escaped[first..];
    const ENTITIES: [(&str, char); 5] =
        [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&nbsp;", '\u{a0}')];
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity)) {
            Some((entity, character)) => {
                out.push(*character);
                rest = &rest[entity.len()..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Runs of white space become one space, as a browser shows them; none at all after a space. A no-break
/// space is a character like any other.
fn collapse(text: &str, mut after_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let space = matches!(c, ' ' | '\n' | '\t' | '\r' | '\u{c}');
        if !space {
            out.push(c);
        } else if !after_space {
            out.push(' ');
        }
        after_space = space;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::clean;

    fn paragraph(text: &str) -> Block {
        Block::Paragraph(vec![Run::text(text)])
    }

    #[test]
    fn two_breaks_begin_a_paragraph_and_one_does_not() {
        let document = read(&clean("a<br><br> b<br>c<br>"));
        let second = Block::Paragraph(vec![Run::text("b"), Run::line_break(), Run::text("c")]);
        assert_eq!(document, [paragraph("a"), second]);
    }

    #[test]
    fn a_table_that_lays_out_a_page_is_no_table() {
        let layout = "<table><tr><td><table><tr><td>logo</td><td>name</td></tr></table></td></tr><tr><td><p>Hi</p></td></tr></table>";
        assert_eq!(read(&clean(layout)), [paragraph("logo"), paragraph("name"), paragraph("Hi")]);
        let values = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>";
        assert!(matches!(read(&clean(values)).as_slice(), [Block::Table(rows)] if rows.len() == 2));
    }

    #[test]
    fn code_keeps_every_space() {
        let document = read(&clean("<pre>\n  a\n\n\tb &lt;x&gt;<br>c</pre>"));
        assert_eq!(document, [Block::Code { language: None, text: "  a\n\n\tb <x>\nc".into() }]);
    }

    #[test]
    fn items_hold_lists() {
        let document = read(&clean("<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>"));
        let inner = Block::List { ordered: true, items: vec![vec![paragraph("b")]] };
        let outer = Block::List { ordered: false, items: vec![vec![paragraph("a"), inner], vec![paragraph("c")]] };
        assert_eq!(document, [outer]);
    }

    #[test]
    fn a_space_between_two_styles_is_one_space() {
        let document = read(&clean("a <b> b</b>\n c"));
        let [Block::Paragraph(runs)] = document.as_slice() else { panic!("{document:?}") };
        let text: String =
            runs.iter().filter_map(|r| if let Piece::Text(t) = &r.piece { Some(t.as_str()) } else { None }).collect();
        assert_eq!(text, "a b c");
    }
}
