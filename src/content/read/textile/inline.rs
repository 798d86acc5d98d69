//! Textile inside a line: `*strong*`, `_emphasis_`, `"link":url`, `!image!`, `@code@`, entities.

use crate::content::JOINER;
use crate::content::document::{Piece, Run, Style};
use std::rc::Rc;

/// Spans inside spans are followed this far.
const DEEPEST: usize = 6;

/// Reads a line into runs.
pub(super) fn runs(line: &str, emit: &mut dyn FnMut(Run)) {
    Inline { emit, link: None }.read(line, Style::default(), 0);
}

struct Inline<'a> {
    emit: &'a mut dyn FnMut(Run),
    link: Option<Rc<str>>,
}

impl Inline<'_> {
    fn read(&mut self, text: &str, style: Style, depth: usize) {
        let last = LastMarks::of(text);
        let mut plain_from = 0;
        let mut at = 0;
        let mut before = None;
        while let Some(c) = text[at..].chars().next() {
            let rest = &text[at..];
            let length = match c {
                '!' if before.is_none_or(|b: char| b.is_ascii_whitespace() || b == '>') => image(rest).map(|image| {
                    self.text(&text[plain_from..at], style);
                    self.image(&image, style);
                    image.length
                }),
                '"' => link(rest, last.quote_colon.is_some_and(|q| q > at)).map(|found| {
                    self.text(&text[plain_from..at], style);
                    self.link(&found, style, depth);
                    found.length
                }),
                '@' if before.is_none_or(|b: char| !is_word(b)) => {
                    code(rest).filter(|_| last.closes_after("@", at)).map(|code| {
                        self.text(&text[plain_from..at], style);
                        self.push(Piece::Text(code.to_owned()), Style { code: true, ..style });
                        code.len() + 2
                    })
                }
                '<' => {
                    tagged_code(rest, |end| last.code_ends[end].is_some_and(|end| end > at)).map(|(code, length)| {
                        self.text(&text[plain_from..at], style);
                        self.push(Piece::Text(code.replace(JOINER, "")), Style { code: true, ..style });
                        length
                    })
                }
                _ if depth < DEEPEST && opens(text, at) => span(rest, |mark| last.closes_after(mark, at)).map(|span| {
                    self.text(&text[plain_from..at], style);
                    self.read(span.content, span.style(style), depth + 1);
                    span.length
                }),
                _ => None,
            };
            let step = length.unwrap_or(c.len_utf8());
            before = text[at..at + step].chars().next_back();
            at += step;
            if length.is_some() {
                plain_from = at;
            }
        }
        self.text(&text[plain_from..], style);
    }

    fn push(&mut self, piece: Piece, style: Style) {
        (self.emit)(Run { piece, style, link: self.link.clone() });
    }

    fn text(&mut self, raw: &str, style: Style) {
        if !raw.is_empty() {
            self.push(Piece::Text(unescape(raw)), style);
        }
    }

    fn image(&mut self, image: &Image<'_>, style: Style) {
        let outer = self.link.clone();
        self.link = image.href.map(Into::into).or_else(|| outer.clone());
        self.push(Piece::Image { source: image.source.into(), alt: unescape(image.title) }, style);
        self.link = outer;
    }

    fn link(&mut self, link: &Link<'_>, style: Style, depth: usize) {
        let outer = self.link.replace(link.url.into());
        self.read(link.text, style, depth.max(DEEPEST - 1));
        self.link = outer;
    }
}

/// Marks of spans, the longer first.
const MARKS: [&str; 11] = ["**", "__", "??", "*", "_", "-", "+", "^", "~", "%", "@"];
const CODE_ENDS: [&str; 3] = ["</code>", "</kbd>", "</notextile>"];

/// The last place where each span could end: one without an end is not searched for, so that reading takes
/// linear time.
struct LastMarks {
    marks: [Option<usize>; MARKS.len()],
    code_ends: [Option<usize>; CODE_ENDS.len()],
    quote_colon: Option<usize>,
}

impl LastMarks {
    fn of(text: &str) -> Self {
        let ends = |mark: &str| {
            text.rmatch_indices(mark).map(|(at, _)| at).find(|at| ends_span(&text[..*at], &text[at + mark.len()..]))
        };
        Self { marks: MARKS.map(ends), code_ends: CODE_ENDS.map(|end| text.rfind(end)), quote_colon: text.rfind("\":") }
    }

    fn closes_after(&self, mark: &str, at: usize) -> bool {
        MARKS.iter().zip(self.marks).any(|(m, last)| *m == mark && last.is_some_and(|last| last > at))
    }
}

fn ends_span(before: &str, after: &str) -> bool {
    let next = after.chars().next();
    !before.is_empty()
        && !before.ends_with(|c: char| c.is_ascii_whitespace())
        && next.is_none_or(|c| !c.is_alphanumeric() && c != JOINER)
}

/// Whether a span may open here: after a space, `>` or `(`, perhaps with one other mark between.
fn opens(text: &str, at: usize) -> bool {
    let is_mark = |c: &char| matches!(c, '*' | '_' | '-' | '+' | '?' | '^' | '~' | '%');
    let marks = text[..at].chars().rev().take(3).take_while(is_mark).count();
    let before = text[..at - marks].chars().next_back();
    marks < 3
        && before.is_none_or(|c| c.is_ascii_whitespace() || matches!(c, '>' | '('))
        && !text[at - marks..].starts_with("--")
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

struct Span<'a> {
    mark: &'a str,
    content: &'a str,
    length: usize,
}

impl Span<'_> {
    fn style(&self, mut style: Style) -> Style {
        match self.mark {
            "*" | "**" => style.strong = true,
            "_" | "__" | "??" => style.emphasis = true,
            "-" => style.strike = true,
            _ => {}
        }
        style
    }
}

fn span(rest: &str, closes: impl Fn(&str) -> bool) -> Option<Span<'_>> {
    let mark = MARKS.into_iter().find(|mark| rest.starts_with(mark) && *mark != "@")?;
    let inner = &rest[mark.len()..];
    if !closes(mark) || rest.starts_with("--") || inner.starts_with(|c: char| c.is_ascii_whitespace()) {
        return None;
    }
    let mut from = inner.chars().next()?.len_utf8();
    while let Some(end) = inner[from..].find(mark).map(|e| e + from) {
        if ends_span(&inner[..end], &inner[end + mark.len()..]) {
            return Some(Span { mark, content: &inner[..end], length: end + 2 * mark.len() });
        }
        from = end + mark.len();
    }
    None
}

fn code(rest: &str) -> Option<&str> {
    let inner = &rest[1..];
    let end = inner.find('@').filter(|end| *end > 0)?;
    let after = inner[end + 1..].chars().next();
    (!inner[..end].contains('\n') && after.is_none_or(|c| !is_word(c))).then_some(&inner[..end])
}

/// `<code>x</code>` (and `kbd`, `notextile`): the text and the length of the whole.
fn tagged_code(rest: &str, closes: impl Fn(usize) -> bool) -> Option<(&str, usize)> {
    CODE_ENDS.iter().enumerate().find_map(|(number, close)| {
        let tag = &close[2..close.len() - 1];
        closes(number).then_some(())?;
        let (head, _) = rest[1..].strip_prefix(tag)?.split_once('>')?;
        let start = 1 + tag.len() + head.len() + 1;
        let end = rest[start..].find(close)? + start;
        Some((&rest[start..end], end + close.len()))
    })
}

struct Link<'a> {
    text: &'a str,
    url: &'a str,
    length: usize,
}

fn link(rest: &str, there_is_one: bool) -> Option<Link<'_>> {
    if !there_is_one {
        return None;
    }
    let end = 1 + rest[1..].find('"').filter(|end| *end > 0)?;
    let after = rest[end + 1..].strip_prefix(':')?;
    let known = ["/", "http://", "https://", "ftp://", "ftps://", "sftp://", "www.", "mailto:"];
    known.iter().any(|scheme| after.starts_with(scheme)).then_some(())?;
    let until = after.find(|c: char| c.is_ascii_whitespace() || c == '<').unwrap_or(after.len());
    let url = after[..until]
        .trim_end_matches(|c: char| c.is_ascii_punctuation() && !matches!(c, '/' | '_' | '=' | ')' | '-'));
    let url = match url.strip_suffix(')') {
        Some(shorter) if !url.contains('(') => shorter,
        _ => url,
    };
    let text = &rest[1..end];
    Some(Link { text, url, length: end + 2 + url.len() })
}

/// An image at the start of a text: `!src!`, `!>src(title)!:href`.
pub(in crate::content) struct Image<'a> {
    pub source: &'a str,
    pub title: &'a str,
    pub href: Option<&'a str>,
    /// Bytes of the whole.
    pub length: usize,
}

pub(in crate::content) fn image(rest: &str) -> Option<Image<'_>> {
    let inner = rest.strip_prefix('!')?;
    let end = inner.find('!').filter(|end| *end > 0)?;
    let written = inner[..end].trim_start_matches(['<', '>', '=']);
    let styled = written.starts_with('{').then(|| written.split_once('}')).flatten().map_or(written, |(_, s)| s);
    let (source, title) = match styled.strip_suffix(')').and_then(|s| s.split_once('(')) {
        Some((source, title)) => (source.trim_end(), title),
        None => (styled, ""),
    };
    if source.is_empty()
        || source.contains(|c: char| c.is_ascii_whitespace() || c == '(')
        || !source.contains(['.', '/', ':'])
    {
        return None;
    }
    let after = &inner[end + 1..];
    let href = after
        .strip_prefix(':')
        .map(|h| h.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or(""))
        .filter(|h| !h.is_empty());
    let length = end + 2 + href.map_or(0, |h| h.len() + 1);
    Some(Image { source, title, href, length })
}

/// Without the marks that only keep Textile from reading a word as markup: numbers of characters, the five
/// entities of HTML, and the joiner.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', JOINER]) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(named) = rest.strip_prefix('&') else {
            rest = &rest[JOINER.len_utf8()..];
            continue;
        };
        let end = named.bytes().take(12).position(|b| b == b';');
        match end.and_then(|end| Some((character(&named[..end])?, &named[end + 1..]))) {
            Some((character, behind)) => {
                out.push(character);
                rest = behind;
            }
            None => {
                out.push('&');
                rest = named;
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let mut out = String::new();
        runs(line, &mut |run| {
            let marks =
                [(run.style.strong, "b"), (run.style.emphasis, "i"), (run.style.strike, "s"), (run.style.code, "c")];
            let marks: String = marks.iter().filter(|(on, _)| *on).map(|(_, m)| *m).collect();
            let text = match &run.piece {
                Piece::Text(t) => t.clone(),
                Piece::Break => "/".into(),
                Piece::Image { source, alt } => format!("!{source}|{alt}!"),
            };
            let link = run.link.map(|l| format!("->{l}")).unwrap_or_default();
            out.push_str(&if marks.is_empty() && link.is_empty() { text } else { format!("{marks}[{text}]{link}") });
        });
        out
    }

    #[test]
    fn spans_links_and_images_are_read() {
        let cases = [
            ("a *b* _c_ -d-", "a b[b] i[c] s[d]"),
            ("*_both_*", "bi[both]"),
            ("5 * 3 * 2 and snake_case_name", "5 * 3 * 2 and snake_case_name"),
            ("see \"the docs\":https://x/y, ok", "see [the docs]->https://x/y, ok"),
            ("!shot.png! and !>x.png(a title)!:http://y", "!shot.png|! and [!x.png|a title!]->http://y"),
            ("wow !great! news", "wow !great! news"),
            ("run @rm *x*@ now", "run c[rm *x*] now"),
            ("mail ann@x.com or bob@x.com", "mail ann@x.com or bob@x.com"),
            ("&#64;ann \u{2060}*x* &amp;", "@ann *x* &"),
            ("-- signature", "-- signature"),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(line), expected, "{line}");
        }
    }
}
