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

/// The HTML with a link in the place of each `wanted` address that it embeds or that its words hold outside of a link.
pub fn linked(html: &str, wanted: &dyn Fn(&str) -> bool) -> String {
    let html = played(html, wanted).html;
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
