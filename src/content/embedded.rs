//! What a body shows out of another place (players, frames) as links to it, and addresses in its words as links.
//!
//! No target shows what another program plays, and a cleaned body holds none of it: a link keeps the way to it. Nothing is
//! fetched or judged here; which addresses are meant is the caller's to say.

use super::clean::{Tag, Tags};
use super::links::spans;
use lol_html::html_content::ContentType;
use lol_html::{RewriteStrSettings, element, rewrite_str};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use url::Url;

/// Elements that show what lies elsewhere.
const PLAYERS: [&str; 6] = ["iframe", "video", "audio", "source", "embed", "object"];
/// Elements whose words are no message.
const SILENT: [&str; 5] = ["script", "style", "title", "template", "textarea"];

/// A body whose players are links.
pub(super) struct Played<'a> {
    pub html: Cow<'a, str>,
    /// Whether something it showed has no address that a link could lead to.
    pub lost: bool,
}

/// The HTML with a link in the place of everything it embeds from a `wanted` address.
pub(super) fn played<'a>(html: &'a str, wanted: &dyn Fn(&str) -> bool) -> Played<'a> {
    let plays = |tag: &Tag<'_>| PLAYERS.iter().any(|name| tag.name.eq_ignore_ascii_case(name));
    if !Tags::of(html).any(|tag| plays(&tag)) {
        return Played { html: Cow::Borrowed(html), lost: false };
    }
    let (last, lost) = (RefCell::new(String::new()), Cell::new(false));
    let handler = element!("iframe, video, audio, source, embed, object", |player| {
        let name = player.tag_name();
        let source = player.get_attribute(if name == "object" { "data" } else { "src" });
        match source.as_deref().map(Shown::of) {
            Some(Shown::At(address)) if !wanted(&address) => return Ok(()),
            Some(Shown::At(address)) => {
                // A player and the source in it often name one file.
                if *last.borrow() != address {
                    let title = player.get_attribute("title").filter(|title| !title.trim().is_empty());
                    player.before(&link(&address, title.as_deref()), ContentType::Html);
                    *last.borrow_mut() = address;
                }
            }
            Some(Shown::Within) => lost.set(true),
            Some(Shown::Nothing) | None => lost.set(lost.get() || player.has_attribute("srcdoc")),
        }
        match name.as_str() {
            "video" | "audio" | "object" => player.remove_and_keep_content(),
            _ => player.remove(),
        }
        Ok(())
    });
    let settings = RewriteStrSettings::new().append_element_content_handler(handler);
    match rewrite_str(html, settings) {
        Ok(html) => Played { html: Cow::Owned(html), lost: lost.get() },
        Err(_) => Played { html: Cow::Borrowed(html), lost: true },
    }
}

/// The HTML with a `src` for each picture that only a `srcset` shows, its own or one beside it: the largest of it.
pub fn pictured(html: &str) -> Cow<'_, str> {
    if !has(html, "srcset") {
        return Cow::Borrowed(html);
    }
    let beside = RefCell::new(None::<String>);
    let handler = element!("picture, source[srcset], img", |shown| {
        let srcset = shown.get_attribute("srcset");
        let largest = srcset.as_deref().and_then(largest).map(str::to_owned);
        match shown.tag_name().as_str() {
            "picture" => *beside.borrow_mut() = None,
            "source" => *beside.borrow_mut() = beside.take().or(largest),
            _ => {
                let largest = beside.take().or(largest);
                if let Some(largest) = largest.filter(|_| !shown.get_attribute("src").is_some_and(|own| shows(&own))) {
                    shown.set_attribute("src", &largest)?;
                }
            }
        }
        Ok(())
    });
    let settings = RewriteStrSettings::new().append_element_content_handler(handler);
    rewrite_str(html, settings).map_or(Cow::Borrowed(html), Cow::Owned)
}

/// Whether a `src` is a picture, and not what stands for one until a script has loaded it.
fn shows(source: &str) -> bool {
    let source = source.trim().to_ascii_lowercase();
    !source.is_empty() && !["data:image/gif", "data:image/svg", "about:"].iter().any(|start| source.starts_with(start))
}

/// The largest candidate: of `a.png 1x, b.png 2x` the latter, as of `a.png 300w, b.png 600w`. An address ends at a blank: it may hold commas.
fn largest(srcset: &str) -> Option<&str> {
    let between = |c: char| c.is_ascii_whitespace() || c == ',';
    let (mut rest, mut best) = (srcset.trim_start_matches(between), None::<(f64, &str)>);
    while !rest.is_empty() {
        let (address, after) = rest.split_at(rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len()));
        let size = match address.ends_with(',') {
            true => "",
            false => after.split(',').next().unwrap_or_default(),
        };
        let measured = size.trim().trim_end_matches(['x', 'w']).parse().unwrap_or(1.0);
        if best.is_none_or(|(most, _)| measured > most) {
            best = Some((measured, address.trim_end_matches(',')));
        }
        rest = after[size.len()..].trim_start_matches(between);
    }
    best.map(|(_, address)| address)
}

/// Elements that hold no words of their own: a link stands before them.
const WORDLESS: [&str; 14] = [
    "area", "br", "col", "colgroup", "embed", "hr", "img", "input", "source", "table", "tbody", "tfoot", "thead", "tr",
];

/// The HTML with a link in each element that shows a `wanted` address as its background. No target keeps backgrounds.
fn backed<'a>(html: &'a str, wanted: &dyn Fn(&str) -> bool) -> Cow<'a, str> {
    if !has(html, "background") && !has(html, "url(") {
        return Cow::Borrowed(html);
    }
    let handler = element!("*[background], *[style]", |shown| {
        let background = shown.get_attribute("background").into_iter();
        let styles: Vec<String> = shown.get_attribute("style").as_deref().map(in_style).unwrap_or_default();
        let mut links = String::new();
        for source in background.chain(styles) {
            if let Shown::At(address) = Shown::of(&source)
                && wanted(&address)
            {
                links.push_str(&link(&address, None));
            }
        }
        match (links.is_empty(), WORDLESS.contains(&shown.tag_name().as_str())) {
            (true, _) => {}
            (false, true) => shown.before(&links, ContentType::Html),
            (false, false) => shown.prepend(&links, ContentType::Html),
        }
        Ok(())
    });
    let settings = RewriteStrSettings::new().append_element_content_handler(handler);
    rewrite_str(html, settings).map_or(Cow::Borrowed(html), Cow::Owned)
}

/// The addresses of `url(…)` in a style.
fn in_style(style: &str) -> Vec<String> {
    let quotes = ["&quot;", "&#34;", "&#39;", "&apos;", "&#x27;"];
    let style = quotes.iter().fold(style.to_owned(), |style, quote| style.replace(quote, "'"));
    let lower = style.to_ascii_lowercase();
    let within = lower.match_indices("url(").map(|(at, start)| &style[at + start.len()..]);
    let addresses = within.filter_map(|rest| rest.split_once(')'));
    addresses.map(|(address, _)| address.trim().trim_matches(['"', '\'']).trim().to_owned()).collect()
}

fn has(html: &str, word: &str) -> bool {
    html.as_bytes().windows(word.len()).any(|bytes| bytes.eq_ignore_ascii_case(word.as_bytes()))
}

/// The HTML with a link in the place of each `wanted` address that it embeds or that its words hold outside of a link.
pub fn linked(html: &str, wanted: &dyn Fn(&str) -> bool) -> String {
    let html = backed(html, wanted);
    let html = played(&html, wanted).html;
    let mut written = String::with_capacity(html.len());
    let (mut in_link, mut silent, mut from) = (false, false, 0);
    for tag in Tags::of(&html) {
        let words = &html[from..tag.start];
        if in_link || silent {
            written.push_str(words)
        } else {
            worded(words, wanted, &mut written)
        }
        written.push_str(&html[tag.start..tag.end]);
        from = tag.end;
        if tag.name.eq_ignore_ascii_case("a") {
            in_link = !tag.closing;
        } else if SILENT.iter().any(|name| tag.name.eq_ignore_ascii_case(name)) {
            silent = !tag.closing;
        }
    }
    worded(&html[from..], wanted, &mut written);
    written
}

/// Writes words of an HTML body with links in the place of addresses.
fn worded(words: &str, wanted: &dyn Fn(&str) -> bool, written: &mut String) {
    let mut from = 0;
    for span in spans(words) {
        // An entity that is no part of an address ends it.
        let ends = ["&lt", "&gt", "&quot", "&nbsp", "&#"];
        let length = ends.iter().filter_map(|end| words[span.clone()].find(end)).min().unwrap_or(span.len());
        let address = words[span.start..span.start + length].replace("&amp;", "&");
        if wanted(&address) {
            written.push_str(&words[from..span.start]);
            written.push_str(&link(&address, None));
            from = span.start + length;
        }
    }
    written.push_str(&words[from..]);
}

/// What an attribute of a player leads to.
enum Shown {
    At(String),
    /// What is shown stands in the attribute itself, or is a part of the mail.
    Within,
    Nothing,
}

impl Shown {
    fn of(source: &str) -> Self {
        let source = source.trim().replace("&amp;", "&");
        let lower = source.to_ascii_lowercase();
        match () {
            () if source.starts_with("//") => Self::At(format!("https:{source}")),
            () if source.starts_with('/') || lower.starts_with("http://") || lower.starts_with("https://") => {
                Self::At(source)
            }
            () if ["data:", "blob:", "cid:"].iter().any(|scheme| lower.starts_with(scheme)) => Self::Within,
            () => Self::Nothing,
        }
    }
}

/// A link by its title, by the name of the file it leads to, or by its address.
fn link(address: &str, title: Option<&str>) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let words = match title {
        // As it stands in an attribute: its entities are written.
        Some(title) => title.replace('<', "&lt;"),
        None => escaped(file_name(address).as_deref().unwrap_or(address)),
    };
    format!(r#" <a href="{}">{words}</a> "#, escaped(address))
}

fn file_name(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let named = url.query_pairs().find(|(key, _)| key == "name").map(|(_, name)| name.into_owned());
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).map(str::to_owned);
    [named, last].into_iter().flatten().find(|name| name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::clean;

    #[test]
    fn what_a_body_plays_becomes_a_link_to_it() {
        let html = concat!(
            r#"<p>a</p><iframe src="//www.youtube.com/embed/abc?x=1&amp;y=2">none</iframe>"#,
            r#"<video src='https://d/attachments/token/v1/?name=v.mp4' controls>Your browser is <b>old</b></video>"#,
            r#"<audio controls><source src="https://x.example/a.mp3" type="audio/mpeg"></audio>"#,
            r#"<object data="https://x.example/b"><embed src="https://x.example/b"></object><iframe title="Our map" src="/map"></iframe>"#
        );
        let clean = clean(html);
        for link in [
            r#"<a href="https://www.youtube.com/embed/abc?x=1&amp;y=2">https://www.youtube.com/embed/abc?x=1&amp;y=2</a>"#,
            r#"<a href="https://d/attachments/token/v1/?name=v.mp4">v.mp4</a> Your browser is <b>old</b>"#,
            r#"<a href="https://x.example/a.mp3">a.mp3</a>"#,
            r#"<a href="https://x.example/b">https://x.example/b</a>"#,
            r#"<a href="/map">Our map</a>"#,
        ] {
            assert_eq!(clean.matches(link).count(), 1, "{link} in {clean}");
        }
        assert!(!clean.contains("none") && !clean.contains("<video"), "{clean}");
    }

    #[test]
    fn what_has_no_address_is_told_and_what_shows_nothing_is_not() {
        let lost = |html: &str| played(html, &|_| true).lost;
        for html in [r#"<audio src="data:audio/mp3;base64,AAAA"></audio>"#, r#"<iframe srcdoc="<p>x</p>"></iframe>"#] {
            assert!(lost(html), "{html}");
        }
        for html in [
            r#"<iframe src="about:blank"></iframe>"#,
            r#"<iframe src="javascript:x()"></iframe>"#,
            r#"<video controls><source src="https://x/y"></video>"#,
            "<p>plain</p>",
        ] {
            assert!(!lost(html), "{html}");
        }
        assert!(!clean(r#"<iframe src="javascript:x()"></iframe>"#).contains("javascript"));
    }

    #[test]
    fn a_picture_that_only_a_srcset_shows_is_the_largest_of_it() {
        for (srcset, src) in [
            ("https://d/a.png 1x, https://d/b.png 2x", "https://d/b.png"),
            ("https://d/b.png 600w, https://d/a.png 300w", "https://d/b.png"),
            ("https://d/a.png 1x,https://d/b.png 1.5x", "https://d/b.png"),
            ("https://d/a.png, https://d/b.png 2x", "https://d/b.png"),
            ("https://d/a.png?x=1,2&amp;y", "https://d/a.png?x=1,2&amp;y"),
        ] {
            let written = pictured(&format!(r#"<p>a</p><IMG SRCSET="{srcset}">"#)).into_owned();
            assert!(written.contains(&format!(r#"src="{src}""#)), "{written}");
        }
        let shown = r#"<img src="https://d/own.png" srcset="https://d/b.png 2x">"#;
        assert_eq!(pictured(shown), shown, "it shows one already");
        let beside = r#"<picture><source srcset="https://d/b.png 2x"><img alt="x"></picture><img alt="y">"#;
        assert_eq!(pictured(beside).matches(r#"src="https://d/b.png""#).count(), 1, "{}", pictured(beside));
        assert!(clean(r#"<img srcset="https://d/a.png 2x">"#).contains(r#"src="https://d/a.png""#), "of any host");
    }

    #[test]
    fn a_background_that_is_wanted_is_a_link_and_others_are_not() {
        let wanted = |address: &str| address.starts_with("https://d/f/");
        let html = concat!(
            r#"<table background="https://d/f/1.png"><tr><td BACKGROUND='https://d/f/2.png'>cell</td></tr></table>"#,
            r#"<div style="color: red; background-image: URL(&quot;https://d/f/3.png&quot;)">words</div>"#,
            r#"<p style="background: url(https://x/4.png)" background="https://x/5.png">other</p>"#
        );
        let written = linked(html, &wanted);
        for number in 1..=3 {
            let link = format!(r#"<a href="https://d/f/{number}.png">{number}.png</a>"#);
            assert_eq!(written.matches(&link).count(), 1, "{link} in {written}");
        }
        assert!(!written.contains("<a href=\"https://x/"), "{written}");
        assert!(written.contains("<td BACKGROUND='https://d/f/2.png'> <a"), "within the cell: {written}");
    }

    #[test]
    fn addresses_in_words_become_links_where_they_are_wanted() {
        let wanted = |address: &str| address.starts_with("https://d/f/");
        let html = concat!(
            r#"<p>see https://d/f/1?name=a.pdf&amp;b=2, "https://d/f/2"&gt; or &lt;https://d/f/3&gt; https://d/g</p>"#,
            r#"<a href="https://d/f/4">https://d/f/4</a><style>x: url(https://d/f/5)</style><VIDEO SRC="https://d/f/6"></VIDEO>"#,
            r#"<iframe src="https://x/y"></iframe>"#
        );
        let written = linked(html, &wanted);
        for (number, name) in [("1?name=a.pdf&amp;b=2", "a.pdf"), ("2", "https://d/f/2"), ("3", "https://d/f/3")] {
            let link = format!(r#"<a href="https://d/f/{number}">{name}</a>"#);
            assert_eq!(written.matches(&link).count(), 1, "{link} in {written}");
        }
        assert!(written.contains(r#"<a href="https://d/f/4">https://d/f/4</a><style>x: url(https://d/f/5)</style>"#));
        assert!(written.contains(r#"<a href="https://d/f/6">"#) && written.contains(r#"<iframe src="https://x/y">"#));
        assert!(written.contains("https://d/g</p>"), "{written}");
    }
}
