//! A body too long for the target, in parts that stand for themselves.

use crate::record::Format;

/// Cuts a body into parts of at most `limit_chars` characters (never less than 200 are used), at the border
/// of a paragraph where there is one in reach, else of a line or a word. Never inside a character, a tag or
/// an entity; code and elements that reach over a border are closed before it and opened again behind it.
/// Only a single tag longer than the limit, such as an embedded picture, or elements within each other whose tags alone
/// are longer, make a part longer.
pub fn split(body: &str, limit_chars: usize, format: Format) -> Vec<String> {
    let limit = limit_chars.max(200);
    if body.len() <= limit || body.chars().count() <= limit {
        return vec![body.to_owned()];
    }
    match format {
        Format::Html => Parts::new(limit).of(body),
        _ => lines(body, limit, format),
    }
}

fn lines(body: &str, limit: usize, format: Format) -> Vec<String> {
    const CLOSING: usize = 16;
    let mut parts = vec![];
    let mut opening = String::new();
    let mut rest = body;
    loop {
        let room = limit - CLOSING - opening.chars().count().min(limit / 2);
        let Some((reach, _)) = rest.char_indices().nth(room) else {
            parts.push(format!("{opening}{rest}"));
            return parts;
        };
        let cut = border(&rest[..reach]);
        let (mut part, mut next) = (format!("{opening}{}", rest[..cut].trim_end()), String::new());
        if let Some((close, open)) = open_code(&part, format) {
            part.push_str(&close);
            next = open;
        }
        if !part.trim().is_empty() {
            parts.push(part);
        }
        opening = next;
        rest = match opening.is_empty() {
            true => rest[cut..].trim_start_matches([' ', '\n']),
            false => rest[cut..].trim_start_matches('\n'),
        };
        if rest.is_empty() {
            return parts;
        }
    }
}

/// Where to cut a text that is full: never 0.
fn border(full: &str) -> usize {
    let half = full.len() / 2;
    let found = [("\n\n", half), ("\n", half), (" ", half), ("\n", 1), (" ", 1)];
    let found = found.iter().find_map(|(mark, from)| full.rfind(mark).filter(|at| at >= from));
    found.unwrap_or_else(|| {
        // A mark that combines with the letter before stays with it
        let letters = full.char_indices().rev().take(8).find(|(_, c)| c.is_ascii() || c.is_alphabetic());
        letters.map(|(at, _)| at).filter(|at| *at > 0).unwrap_or(full.len())
    })
}

/// What closes the code block a part ends in, and what opens it again.
fn open_code(part: &str, format: Format) -> Option<(String, String)> {
    match format {
        Format::Textile => {
            let open = part.rfind("<pre")?;
            (part.rfind("</pre>").is_none_or(|close| close < open)).then(|| ("\n</pre>".into(), "<pre>\n".into()))
        }
        Format::Markdown => {
            let mut open: Option<&str> = None;
            for line in part.lines().map(str::trim_start) {
                let marks = line.len() - line.trim_start_matches(['`', '~']).len();
                match open {
                    None if marks >= 3 => open = Some(&line[..marks]),
                    Some(fence) if line.starts_with(fence) => open = None,
                    _ => {}
                }
            }
            open.filter(|fence| fence.len() <= 8).map(|fence| (format!("\n{fence}"), format!("{fence}\n")))
        }
        Format::Html | Format::Text => None,
    }
}

/// Parts of an HTML body as they grow.
struct Parts<'a> {
    limit: usize,
    done: Vec<String>,
    current: String,
    /// Characters in `current`.
    length: usize,
    /// The tags that are open.
    open: Vec<&'a str>,
    /// The end of the last block in `current`, and what was open there.
    border: Option<(usize, Vec<&'a str>)>,
}

impl<'a> Parts<'a> {
    fn new(limit: usize) -> Self {
        Self { limit, done: vec![], current: String::new(), length: 0, open: vec![], border: None }
    }

    fn of(mut self, html: &'a str) -> Vec<String> {
        let mut rest = html;
        while let Some(at) = rest.find('<') {
            self.text(&rest[..at]);
            let end = rest[at..].find('>').map_or(rest.len(), |end| at + end + 1);
            self.tag(&rest[at..end]);
            rest = &rest[end..];
        }
        self.text(rest);
        if !self.current.trim().is_empty() {
            self.done.push(self.current);
        }
        self.done
    }

    fn room(&self) -> usize {
        self.limit.saturating_sub(self.length + closing(&self.open).chars().count())
    }

    fn push(&mut self, text: &str) {
        self.current.push_str(text);
        self.length += text.chars().count();
    }

    fn text(&mut self, mut text: &'a str) {
        while let Some((reach, _)) = text.char_indices().nth(self.room()) {
            let space = text[..reach].rfind([' ', '\n']).filter(|at| *at > 0);
            let whole = text[..reach].rfind('&').filter(|at| !text[*at..reach].contains(';') && reach - at < 10);
            let cut = match (self.border.is_some(), space, self.current.is_empty()) {
                (true, ..) => 0,
                (false, Some(space), _) => space,
                (false, None, false) if self.is_begun() => 0,
                _ => whole.unwrap_or(reach),
            };
            self.push(&text[..cut]);
            text = &text[cut..];
            if !self.end_part() {
                break;
            }
        }
        self.push(text);
    }

    /// Whether the current part holds more than the tags it was opened with.
    fn is_begun(&self) -> bool {
        self.current.len() > self.open.iter().map(|tag| tag.len()).sum::<usize>()
    }

    fn tag(&mut self, tag: &'a str) {
        let name = name(tag);
        if tag.starts_with("</") {
            self.push(tag);
            if self.open.last().is_some_and(|open| self::name(open).eq_ignore_ascii_case(name)) {
                self.open.pop();
            }
            if is_block(name) {
                self.border = Some((self.current.len(), self.open.clone()));
            }
            return;
        }
        let needed = tag.chars().count() + name.len() + 3;
        if needed > self.room() && self.is_begun() {
            self.end_part();
        }
        self.push(tag);
        if !is_void(name) {
            self.open.push(tag);
        }
    }

    /// Ends the part at the last border, or here. Says whether that made room.
    fn end_part(&mut self) -> bool {
        let before = self.length;
        let (at, open) = match self.border.take() {
            Some((at, open)) if at * 3 > self.current.len() => (at, open),
            _ => (self.current.len(), self.open.clone()),
        };
        let behind = self.current.split_off(at);
        let part = format!("{}{}", self.current, closing(&open));
        if !part.trim().is_empty() {
            self.done.push(part);
        }
        let again: String = open.concat();
        self.current = String::new();
        self.length = 0;
        if again.chars().count() * 2 < self.limit {
            self.push(&again);
        } else {
            self.open.clear();
        }
        self.push(&behind);
        self.length < before
    }
}

fn closing(open: &[&str]) -> String {
    open.iter().rev().map(|tag| format!("</{}>", name(tag))).collect()
}

fn name(tag: &str) -> &str {
    let tag = tag.trim_start_matches('<').trim_start_matches('/');
    tag.split(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default()
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "br" | "hr" | "img" | "col" | "wbr" | "area" | "input" | "meta" | "link" | "source" | "track" | "embed"
    )
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "table"
            | "tr"
            | "ul"
            | "ol"
            | "li"
            | "blockquote"
            | "pre"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::clean;
    use proptest::prelude::*;

    fn letters(text: &str) -> String {
        let mut inside = false;
        let shown = |c: &char| {
            inside = (inside || *c == '<') && *c != '>';
            !inside && c.is_alphanumeric()
        };
        text.chars().filter(shown).collect()
    }

    #[test]
    fn text_is_cut_at_paragraphs_and_code_is_closed() {
        let paragraph = "word ".repeat(30);
        let text = format!("{paragraph}\n\n{paragraph}\n\n{paragraph}");
        assert_eq!(
            split(&text, 340, Format::Text),
            [format!("{paragraph}\n\n{}", paragraph.trim_end()), paragraph.clone()]
        );
        let code = format!("<pre>\n{}</pre>", "line of code\n".repeat(40));
        for part in split(&code, 200, Format::Textile) {
            assert!(part.starts_with("<pre>\nline") && part.ends_with("</pre>") && part.len() <= 200, "{part}");
        }
        let fenced = format!("```\n{}```", "line of code\n".repeat(40));
        for part in split(&fenced, 200, Format::Markdown) {
            assert!(part.starts_with("```\nline") && part.ends_with("```") && part.len() <= 200, "{part}");
        }
        assert_eq!(split("short", 10, Format::Html), ["short"]);
    }

    #[test]
    fn html_is_cut_between_blocks_and_every_part_is_well_formed() {
        let html = format!("<div>{}</div>", "<p>some <b>bold</b> words &amp; more</p>".repeat(40));
        let parts = split(&html, 300, Format::Html);
        for part in &parts {
            assert!(part.chars().count() <= 300, "{}", part.len());
            assert_eq!(&clean(part), part);
            assert!(part.ends_with("</p></div>"), "{part}");
        }
        assert_eq!(parts.iter().map(|p| letters(p)).collect::<String>(), letters(&html));
    }

    proptest! {
        #[test]
        fn no_letter_is_lost_and_no_part_is_too_long(
            words in prop::collection::vec("[a-zäß€😀]{1,40}|\n|\n\n|<b>x</b>|<p>y</p>|<div>|</div>|&amp;|<br>", 0..200),
            // A part opens and closes every element it stands in: the limit has to have room for their tags.
            limit in 600usize..900,
        ) {
            let text = words.join(" ").replace(['<', '>', '&'], "");
            for format in [Format::Text, Format::Textile, Format::Markdown] {
                let parts = split(&text, limit, format);
                prop_assert!(parts.iter().all(|p| p.chars().count() <= limit));
                prop_assert_eq!(letters(&parts.concat()), letters(&text));
            }
            let html = clean(&words.join(" "));
            let parts = split(&html, limit, Format::Html);
            prop_assert!(parts.iter().all(|p| p.chars().count() <= limit));
            prop_assert_eq!(letters(&parts.concat()), letters(&html));
        }
    }
}
