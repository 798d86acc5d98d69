//! Pictures shown inside a body: finding them, and putting them where the target has them.

use super::document::for_each_image;
use super::read;
use crate::error::Loss;
use crate::record::Format;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use lol_html::{RewriteStrSettings, element, rewrite_str};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::cell::RefCell;

/// What the `src` of an image points to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ImageRef {
    /// A part of the same mail, by its Content-ID without angle brackets.
    Cid(String),
    /// The picture itself.
    Data { mime: String, bytes: Vec<u8> },
    /// A file of the same ticket, by its name: `!plan.png!` in Textile, `![](plan.png)` in Markdown.
    Name(String),
    /// Anything else: absolute, or relative to the platform.
    Url(String),
}

/// Where the target has the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImagePlace {
    /// A file of the same ticket, by its file name there, shown in place where the format can.
    Inline { name: String },
    /// At an address the reader's browser can open.
    Url(String),
    /// A file of the same ticket that the body cannot show: named in the text instead.
    Attached { name: String },
    /// Nowhere: its description stays.
    Gone,
}

/// All the pictures a body shows, in order, as often as it shows them.
pub fn images(body: &str, format: Format) -> Vec<ImageRef> {
    let mut found = vec![];
    // Most messages show none: they are not taken apart for it. (`<image` is read as `<img` by some.)
    let shows_none = format == Format::Html && !body.as_bytes().windows(3).any(|w| w.eq_ignore_ascii_case(b"<im"));
    if format != Format::Text && !shows_none {
        let body = super::line_ends(body);
        for_each_image(&read::read(&body, format), &mut |source| found.push(ImageRef::parse(source)));
    }
    found
}

/// As lenient as mail programs are: padding or none.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl ImageRef {
    /// Reads the value of a `src`. An embedded picture that does not decode stays a [`ImageRef::Url`]. What holds no
    /// slash, scheme or query names a file (Redmine's `parse_inline_attachments`).
    pub fn parse(source: &str) -> Self {
        let source = source.trim();
        let starts = |scheme: &str| source.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme));
        if starts("cid:") {
            let id = percent_decode_str(&source[4..]).decode_utf8_lossy();
            return Self::Cid(id.trim_start_matches('<').trim_end_matches('>').to_owned());
        }
        let embedded = if starts("data:") { data(&source[5..]) } else { None };
        if let Some(embedded) = embedded {
            return embedded;
        }
        let named = source.contains('.') && !source.contains(['/', '\\', ':', '?', '#']);
        match percent_decode_str(source).decode_utf8() {
            Ok(name) if named => Self::Name(name.into_owned()),
            _ => Self::Url(source.to_owned()),
        }
    }
}

fn data(rest: &str) -> Option<ImageRef> {
    let (head, content) = rest.split_once(',')?;
    let mime = head.split(';').next().filter(|m| !m.is_empty()).unwrap_or("application/octet-stream");
    let decoded: Vec<u8> = percent_decode_str(content).collect();
    let bytes = if head.to_ascii_lowercase().ends_with(";base64") {
        let packed: Vec<u8> = decoded.into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
        BASE64.decode(packed).ok()?
    } else {
        decoded
    };
    Some(ImageRef::Data { mime: mime.to_ascii_lowercase(), bytes })
}

/// How a writer shows one image.
pub(super) enum Shown {
    /// By this address, which holds neither spaces nor the marks of any markup.
    At(String),
    /// As the name of a file of the ticket.
    Named(String),
    /// As a description.
    Gone,
}

/// The caller's answers, and what they cost.
pub(super) struct Gallery<'a> {
    places: &'a dyn Fn(&ImageRef) -> ImagePlace,
    to: Format,
    losses: RefCell<Vec<Loss>>,
}

/// The file types Redmine shows in place (its `parse_inline_attachments`).
const SHOWN_BY_NAME: [&str; 6] = [".bmp", ".gif", ".jpg", ".jpe", ".jpeg", ".png"];

impl<'a> Gallery<'a> {
    pub fn new(places: &'a dyn Fn(&ImageRef) -> ImagePlace, to: Format) -> Self {
        Self { places, to, losses: RefCell::default() }
    }

    pub fn show(&self, source: &str) -> Shown {
        let shown = match (self.places)(&ImageRef::parse(source)) {
            ImagePlace::Inline { name } if self.shows(&name) => Shown::At(escape_name(&name)),
            ImagePlace::Url(url) if self.to != Format::Text => Shown::At(escape_url(&url)),
            ImagePlace::Url(name) | ImagePlace::Inline { name } | ImagePlace::Attached { name } => Shown::Named(name),
            ImagePlace::Gone => Shown::Gone,
        };
        match shown {
            Shown::At(_) => {}
            Shown::Named(_) => self.losses.borrow_mut().push(Loss::InlineImage),
            Shown::Gone => self.losses.borrow_mut().push(Loss::ImageGone),
        }
        shown
    }

    fn shows(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        match self.to {
            Format::Text => false,
            Format::Html => true,
            Format::Markdown | Format::Textile => SHOWN_BY_NAME.iter().any(|extension| name.ends_with(extension)),
        }
    }

    pub fn into_losses(self) -> Vec<Loss> {
        self.losses.into_inner()
    }
}

/// The words for an image that is not shown: `[image: name]`.
pub(super) fn caption(source: &str, alt: &str, named: Option<&str>) -> String {
    let words = match (named, alt.trim()) {
        (Some(name), _) => name.to_owned(),
        (None, "") => match ImageRef::parse(source) {
            ImageRef::Data { mime, .. } => mime,
            ImageRef::Cid(id) => id,
            ImageRef::Name(name) => name,
            ImageRef::Url(url) => url,
        },
        (None, alt) => alt.to_owned(),
    };
    format!("[image: {}]", words.replace(['[', ']', '\n'], " ").trim())
}

/// Every character that is not plainly part of a name: Redmine decodes them.
const NAME: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// What ends an address in one of the markups, or has a meaning inside it.
const URL: AsciiSet = percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'(')
    .add(b')')
    .add(b'!')
    .add(b'|')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'*');

fn escape_name(name: &str) -> String {
    utf8_percent_encode(name, &NAME).to_string()
}

/// An address that no markup breaks: percent-encoded where it holds spaces, quotes, brackets and the like, or
/// an `@` that would mention someone.
pub(super) fn escape_url(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for part in url.trim().split_inclusive('@') {
        let before = part.strip_suffix('@');
        out.extend(utf8_percent_encode(before.unwrap_or(part), &URL));
        if before.is_some() {
            out.push_str(if out.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') { "@" } else { "%40" });
        }
    }
    out.replace("[[", "%5B%5B")
}

/// Gives images of HTML another `src`: `to` is asked with the one they have and with their attribute `named`.
pub fn readdress(html: &str, named: &str, to: &mut dyn FnMut(&str, Option<&str>) -> Option<String>) -> String {
    if !html.as_bytes().windows(4).any(|start| start.eq_ignore_ascii_case(b"<img")) {
        return html.to_owned();
    }
    let handler = element!("img", |img| {
        let Some(source) = img.get_attribute("src").map(|s| unescape_attribute(&s)) else { return Ok(()) };
        if let Some(address) = to(source.trim(), img.get_attribute(named).as_deref()) {
            img.set_attribute("src", &address.replace('&', "&amp;"))?;
        }
        Ok(())
    });
    let settings = RewriteStrSettings::new().append_element_content_handler(handler);
    rewrite_str(html, settings).unwrap_or_else(|_| html.to_owned())
}

/// Rewrites the images of cleaned HTML and leaves all else as it is.
pub(super) fn replace_in_html(clean: &str, gallery: &Gallery<'_>) -> String {
    if !clean.contains("<img") {
        return clean.to_owned();
    }
    let handler = element!("img", |img| {
        let Some(source) = img.get_attribute("src").map(|s| unescape_attribute(&s)) else {
            img.remove();
            return Ok(());
        };
        let alt = img.get_attribute("alt").map(|s| unescape_attribute(&s)).unwrap_or_default();
        match gallery.show(&source) {
            Shown::At(address) => img.set_attribute("src", &address.replace('&', "&amp;"))?,
            Shown::Named(name) => {
                img.replace(&caption(&source, &alt, Some(&name)), lol_html::html_content::ContentType::Text);
            }
            Shown::Gone => img.replace(&caption(&source, &alt, None), lol_html::html_content::ContentType::Text),
        }
        Ok(())
    });
    let settings = RewriteStrSettings::new().append_element_content_handler(handler);
    rewrite_str(clean, settings).unwrap_or_else(|_| clean.to_owned())
}

fn unescape_attribute(value: &str) -> String {
    value
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&")
}

/// Rewrites `!image!` in Textile outside code.
pub(super) fn replace_in_textile(textile: &str, gallery: &Gallery<'_>) -> String {
    let mut out = String::with_capacity(textile.len());
    for (part, is_code) in super::mentions::textile_code(textile) {
        if is_code {
            out.push_str(part);
            continue;
        }
        let mut kept_to = 0;
        let mut from = 0;
        while let Some(at) = part[from..].find('!').map(|at| from + at) {
            from = at + 1;
            let free = part[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || c == '>');
            let Some(image) = read::textile::image(&part[at..]).filter(|_| free) else { continue };
            out.push_str(&part[kept_to..at]);
            match gallery.show(image.source) {
                Shown::At(address) => out.push_str(&part[at..at + image.length].replacen(image.source, &address, 1)),
                Shown::Named(name) => out.push_str(&format!("attachment:\"{}\"", name.replace('"', "'"))),
                Shown::Gone => out.push_str(&caption(image.source, image.title, None)),
            }
            kept_to = at + image.length;
            from = kept_to;
        }
        out.push_str(&part[kept_to..]);
    }
    out
}

/// Rewrites `![alt](image)` in Markdown outside code.
pub(super) fn replace_in_markdown(markdown: &str, gallery: &Gallery<'_>) -> String {
    use pulldown_cmark::{Event, LinkType, Options, Parser, Tag};
    let mut out = String::with_capacity(markdown.len());
    let mut kept_to = 0;
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).into_offset_iter();
    for (event, range) in events {
        let Event::Start(Tag::Image { link_type: LinkType::Inline, dest_url, .. }) = event else { continue };
        if range.start < kept_to {
            continue;
        }
        let written = &markdown[range.clone()];
        let alt = written.strip_prefix("![").and_then(|w| w.split_once("](")).map_or("", |(alt, _)| alt);
        out.push_str(&markdown[kept_to..range.start]);
        match gallery.show(&dest_url) {
            Shown::At(address) => out.push_str(&format!("![{alt}]({address})")),
            Shown::Named(name) => out.push_str(&caption(&dest_url, alt, Some(&name))),
            Shown::Gone => out.push_str(&caption(&dest_url, alt, None)),
        }
        kept_to = range.end;
    }
    out.push_str(&markdown[kept_to..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_what_it_points_to() {
        assert_eq!(ImageRef::parse("cid:%3Ca@b%3E"), ImageRef::Cid("a@b".into()));
        assert_eq!(ImageRef::parse("CID:a@b"), ImageRef::Cid("a@b".into()));
        let data = |bytes: &[u8]| ImageRef::Data { mime: "image/png".into(), bytes: bytes.into() };
        assert_eq!(ImageRef::parse("data:image/png;base64,aGk="), data(b"hi"));
        assert_eq!(ImageRef::parse("data:image/PNG;base64,aG\n k"), data(b"hi"));
        assert_eq!(ImageRef::parse("data:image/png,h%69"), data(b"hi"));
        assert_eq!(ImageRef::parse("data:image/png;base64,%%"), ImageRef::Url("data:image/png;base64,%%".into()));
        assert_eq!(ImageRef::parse(" /a/1 "), ImageRef::Url("/a/1".into()));
        assert_eq!(ImageRef::parse("the%20plan.png"), ImageRef::Name("the plan.png".into()));
        assert_eq!(ImageRef::parse("//x.y/a.png"), ImageRef::Url("//x.y/a.png".into()));
        assert_eq!(ImageRef::parse("%ff.png"), ImageRef::Url("%ff.png".into()));
    }

    #[test]
    fn a_body_without_a_picture_shows_none_and_a_tag_is_one_in_any_case() {
        assert_eq!(images("<p>1 < 2, <b>im</b> & img</p>", Format::Html), []);
        let one = [ImageRef::Url("https://x.example/a.png".into())];
        assert_eq!(images("<p>x<IMG SRC='https://x.example/a.png'></p>", Format::Html), one);
    }

    #[test]
    fn images_are_found_in_every_format_and_not_in_code() {
        let url = |u: &str| ImageRef::Url(u.into());
        let name = |n: &str| ImageRef::Name(n.into());
        assert_eq!(
            images(r#"<p><a href="x"><img src="a.png?x=1&amp;y=2"></a></p>"#, Format::Html),
            [url("a.png?x=1&y=2")]
        );
        assert_eq!(images("a ![x](a.png) `![y](b.png)`", Format::Markdown), [name("a.png")]);
        assert_eq!(images("a !a.png! and\n<pre>\n!b.png!\n</pre>", Format::Textile), [name("a.png")]);
        assert_eq!(images("a !a.png!", Format::Text), []);
    }
}
