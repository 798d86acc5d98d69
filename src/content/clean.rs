//! HTML that may be shown: an allow-list of what help desk messages are made of.
//!
//! Scripts, styles, forms, event handlers and comments go; every word outside them stays. Pictures stay
//! with their `http(s):`, `cid:`, `data:image/` or relative address so that they can be re-hosted, except
//! the one-pixel remote ones, which only tell a sender that the mail was opened. Players and frames become links. Nesting is cut at
//! [`DEEPEST`]: a parser's time grows with depth, and mail exists that nests a hundred thousand levels.

use super::embedded;
use ammonia::Builder;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Levels of elements kept; the tags (never the words) of deeper ones are dropped.
const DEEPEST: usize = 200;
/// The same for elements a parser opens again in every following paragraph, such as `<b>`.
const DEEPEST_FORMATTING: usize = 24;

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .add_tags(["font", "center", "big", "u", "caption", "tfoot"])
        .add_clean_content_tags(["title", "template", "iframe", "object", "noembed", "noframes"])
        .url_schemes(HashSet::from([
            "http", "https", "mailto", "tel", "sms", "ftp", "sip", "xmpp", "callto", "cid", "data",
        ]))
        .add_generic_attributes(["dir", "align"])
        .add_tag_attributes("a", ["name"])
        .add_tag_attributes("img", ["src", "alt", "title", "width", "height"])
        .add_tag_attributes("td", ["colspan", "rowspan", "valign"])
        .add_tag_attributes("th", ["colspan", "rowspan", "valign"])
        .add_tag_attributes("table", ["border", "cellpadding", "cellspacing"])
        .add_tag_attributes("ol", ["start", "type"])
        .add_tag_attributes("font", ["color"])
        .link_rel(None)
        .attribute_filter(|element, attribute, value| {
            let local = value.trim_start().get(..5).map(str::to_ascii_lowercase);
            let embedded = local.as_deref() == Some("data:");
            let picture = element == "img" && attribute == "src";
            match (embedded, picture) {
                (true, true) => is_data_image(value).then_some(Cow::Borrowed(value)),
                (true, false) if matches!(attribute, "href" | "cite") => None,
                _ => Some(Cow::Borrowed(value)),
            }
        });
    builder
});

fn is_data_image(value: &str) -> bool {
    value.trim_start().get(..11).is_some_and(|start| start.eq_ignore_ascii_case("data:image/"))
}

/// The message as HTML that is safe to show, well-formed and of bounded depth.
pub fn clean(html: &str) -> String {
    // A parser drops the line end behind `<pre>`, and the serialiser does not give it back: at each cleaning a
    // listing that begins with an empty line would lose one
    let html = embedded::pictured(html);
    let html = embedded::played(&html, &|_| true).html;
    CLEANER.clean(&flatten(&html)).to_string().replace("<pre>\n", "<pre>\n\n")
}

/// Drops the tags that nest too deeply, and remote pictures of one pixel. Counts tags as they are written,
/// which is never less than what a parser would nest: those that close themselves are not counted.
fn flatten(html: &str) -> Cow<'_, str> {
    let mut depth = Depth::default();
    let mut out: Option<String> = None;
    let mut kept_to = 0;
    for tag in Tags::of(html) {
        if !depth.keeps(&tag) || is_tracker(&tag, html) {
            out.get_or_insert_with(|| String::with_capacity(html.len())).push_str(&html[kept_to..tag.start]);
            kept_to = tag.end;
        }
    }
    match out {
        None => Cow::Borrowed(html),
        Some(mut out) => {
            out.push_str(&html[kept_to..]);
            Cow::Owned(out)
        }
    }
}

fn is_tracker(tag: &Tag<'_>, html: &str) -> bool {
    if !tag.name.eq_ignore_ascii_case("img") {
        return false;
    }
    let written = html[tag.start..tag.end].to_ascii_lowercase();
    let tiny = |name| matches!(attribute(&written, name), Some("0" | "1" | "0px" | "1px"));
    let remote = attribute(&written, "src").is_some_and(|src| src.starts_with("http") || src.starts_with("//"));
    remote && tiny("width") && tiny("height")
}

/// The value of an attribute in a tag written in lower case.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let after = tag.match_indices(name).find_map(|(at, _)| {
        let apart = tag[..at].ends_with(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | '/'));
        tag[at + name.len()..].trim_start().strip_prefix('=').filter(|_| apart)
    })?;
    let after = after.trim_start();
    match after.chars().next()? {
        quote @ ('"' | '\'') => after[1..].split(quote).next(),
        _ => after.split(|c: char| c.is_ascii_whitespace() || c == '>').next(),
    }
}

#[derive(Default)]
struct Depth {
    formatting: Level,
    other: Level,
}

#[derive(Default)]
struct Level {
    open: usize,
    dropped: usize,
}

impl Level {
    fn keeps(&mut self, closing: bool, deepest: usize) -> bool {
        match (closing, self.dropped, self.open) {
            (false, _, open) if open >= deepest => {
                self.dropped += 1;
                false
            }
            (false, ..) => {
                self.open += 1;
                true
            }
            (true, 0, open) => {
                self.open = open.saturating_sub(1);
                true
            }
            (true, dropped, _) => {
                self.dropped = dropped - 1;
                false
            }
        }
    }
}

impl Depth {
    fn keeps(&mut self, tag: &Tag<'_>) -> bool {
        let name = tag.name.to_ascii_lowercase();
        match name.as_str() {
            "p" | "li" | "td" | "th" | "tr" | "dt" | "dd" | "option" | "br" | "img" | "hr" | "meta" | "link"
            | "input" | "col" | "wbr" | "area" | "base" | "html" | "head" | "body" | "tbody" | "thead" | "tfoot"
            | "a" | "source" | "track" | "param" | "embed" | "path" | "circle" | "rect" | "line" | "ellipse"
            | "polygon" | "polyline" | "use" | "stop" => true,
            "b" | "big" | "code" | "em" | "font" | "i" | "nobr" | "s" | "small" | "strike" | "strong" | "tt" | "u" => {
                self.formatting.keeps(tag.closing, DEEPEST_FORMATTING)
            }
            _ => self.other.keeps(tag.closing, DEEPEST),
        }
    }
}

pub(super) struct Tag<'a> {
    pub name: &'a str,
    pub closing: bool,
    pub start: usize,
    pub end: usize,
}

/// The tags as they are written, those inside comments too: what hides there from a parser can only make
/// the count too high.
pub(super) struct Tags<'a> {
    html: &'a str,
    at: usize,
}

impl<'a> Tags<'a> {
    pub fn of(html: &'a str) -> Self {
        Self { html, at: 0 }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let bytes = self.html.as_bytes();
        loop {
            let start = self.at + self.html[self.at..].find('<')?;
            let closing = bytes.get(start + 1) == Some(&b'/');
            let name_at = start + 1 + usize::from(closing);
            if !bytes.get(name_at).is_some_and(u8::is_ascii_alphabetic) {
                self.at = start + 1;
                continue;
            }
            let rest = &bytes[name_at..];
            let length = rest.iter().position(|b| matches!(b, b'>' | b'/' | b' ' | b'\t' | b'\n' | b'\r'));
            let name_end = name_at + length.unwrap_or(rest.len());
            let end = tag_end(bytes, name_end);
            self.at = end;
            return Some(Tag { name: &self.html[name_at..name_end], closing, start, end });
        }
    }
}

/// Where the tag ends: after the first `>` outside a quoted attribute value.
fn tag_end(bytes: &[u8], from: usize) -> usize {
    let mut quote = None;
    let mut before = b' ';
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') if before == b'=' => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = *byte;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_gone_and_the_words_stay() {
        let html = r#"<head><title>t</title><style>p{}</style></head><p onclick="x()" style="color:red">Hello <b>you</b></p>
            <script>alert(1)</script><a href="javascript:alert(1)">click</a><iframe src="javascript:evil()">no</iframe>
            <a href="data:text/html,x">data</a><form action="/x"><button>Send</button></form><!-- gone -->"#;
        let clean = clean(html);
        for gone in ["script", "onclick", "style", "javascript", "iframe", "data:", "form", "gone", "title"] {
            assert!(!clean.contains(gone), "{gone} is still in {clean}");
        }
        for kept in ["<p>Hello <b>you</b></p>", "click", "data", "Send"] {
            assert!(clean.contains(kept), "{kept} is not in {clean}");
        }
    }

    #[test]
    fn tables_lists_quotes_code_and_images_stay() {
        let html = concat!(
            r#"<table><tbody><tr><td colspan="2">a</td></tr></tbody></table><ul><li>x</li></ul><blockquote>q</blockquote>"#,
            r#"<pre><code>c</code></pre><p dir="rtl">שלום</p><img src="cid:a@b" alt="A"><img src="https://x/y.png">"#,
            r#"<img src="data:image/png;base64,AAAA">"#
        );
        assert_eq!(clean(html), html);
    }

    #[test]
    fn an_embedded_page_is_no_picture() {
        assert_eq!(clean(r#"<img src="data:text/html;base64,AAAA">"#), "<img>");
    }

    #[test]
    fn a_hundred_thousand_levels_keep_their_words_and_cost_no_stack() {
        for tag in ["div", "blockquote", "b", "span", "table><tr><td"] {
            let close = tag.split('>').next().unwrap_or(tag);
            let html =
                format!("{}deep{}after", format!("<{tag}>").repeat(100_000), format!("</{close}>").repeat(100_000));
            let clean = clean(&html);
            assert!(clean.contains("deep") && clean.contains("after"), "{tag}");
            let mut depth: usize = 0;
            for tag in Tags::of(&clean) {
                depth = if tag.closing { depth - 1 } else { depth + 1 };
                assert!(depth <= 4 * DEEPEST + 10, "{}", tag.name);
            }
        }
    }

    #[test]
    fn formatting_left_open_does_not_multiply() {
        let html = (0..3000).map(|n| format!("<font color=c{n}><p>w{n}")).collect::<String>();
        let clean = clean(&html);
        assert!(clean.contains("w2999"));
        assert!(clean.len() < 200 * html.len());
    }

    #[test]
    fn a_tracking_pixel_goes_and_a_small_picture_of_the_message_stays() {
        let html = concat!(
            r#"<p>x<img src="https://t/o.gif?u=1" width="1" height="1"><IMG HEIGHT=1px WIDTH=0 SRC=//t/o>"#,
            r#"<img src="cid:dot" width="1" height="1"><img src="https://x/y.png" width="10" height="1"></p>"#
        );
        let clean = clean(html);
        assert!(!clean.contains("//t/o"), "{clean}");
        assert!(clean.contains("cid:dot") && clean.contains("https://x/y.png"), "{clean}");
    }

    #[test]
    fn a_bracket_inside_an_attribute_ends_no_tag() {
        let html = format!(r#"{}<img alt="a > b" src="x.png">"#, "<b>".repeat(40));
        assert!(clean(&html).contains(r#"alt="a &gt; b""#));
    }
}
