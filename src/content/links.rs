//! Links of a cleaned HTML body: what they lead to, and leading them elsewhere.

use crate::record::Format;
use lol_html::html_content::ContentType;
use lol_html::{RewriteStrSettings, element, rewrite_str};
use std::ops::Range;

/// The addresses of all links, in order.
pub fn hrefs(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    redirect(html, &mut |href| {
        found.push(href.to_owned());
        None
    });
    found
}

/// The body with each link at the address that `to` gives for its own; one it gives none for stays.
pub fn redirect(html: &str, to: &mut dyn FnMut(&str) -> Option<String>) -> String {
    if !has_links(html) {
        return html.to_owned();
    }
    let handler = element!("a[href]", |a| {
        if let Some(there) = a.get_attribute("href").and_then(|href| to(&href.replace("&amp;", "&"))) {
            a.set_attribute("href", &there.replace('&', "&amp;"))?;
        }
        Ok(())
    });
    let settings = RewriteStrSettings::new().append_element_content_handler(handler);
    rewrite_str(html, settings).unwrap_or_else(|_| html.to_owned())
}

fn has_links(html: &str) -> bool {
    let opens = |at: &[u8]| at[0] == b'<' && at[1].eq_ignore_ascii_case(&b'a') && at[2].is_ascii_whitespace();
    html.as_bytes().windows(3).any(opens)
}

/// The `wanted` addresses a body leads to: of its links, or in its words where it is no HTML.
pub fn found(body: &str, format: Format, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    match format {
        Format::Html => hrefs(body).into_iter().filter(|href| wanted(href)).collect(),
        _ => {
            let words = spans(body).into_iter().map(|span| &body[span]);
            words.filter(|address| wanted(address)).map(str::to_owned).collect()
        }
    }
}

/// The body with each link to a file in whose place `named` gives a name: the words of the link, and the name behind them.
pub fn attached(body: &str, format: Format, named: &dyn Fn(&str) -> Option<String>) -> String {
    match format {
        Format::Html => attached_html(body, named),
        _ => attached_words(body, named),
    }
}

fn attached_html(body: &str, named: &dyn Fn(&str) -> Option<String>) -> String {
    if !has_links(body) {
        return body.to_owned();
    }
    let handler = element!("a[href]", |a| {
        if let Some(name) = a.get_attribute("href").and_then(|href| named(&href.replace("&amp;", "&"))) {
            a.after(&format!(" ({name})"), ContentType::Text);
            a.remove_and_keep_content();
        }
        Ok(())
    });
    let settings = RewriteStrSettings::new().append_element_content_handler(handler);
    rewrite_str(body, settings).unwrap_or_else(|_| body.to_owned())
}

fn attached_words(body: &str, named: &dyn Fn(&str) -> Option<String>) -> String {
    let (mut written, mut from) = (String::with_capacity(body.len()), 0);
    for span in spans(body) {
        if let Some(name) = named(&body[span.clone()]) {
            written.push_str(&body[from..span.start]);
            written.push_str(&format!("({name})"));
            from = span.end;
        }
    }
    written.push_str(&body[from..]);
    written
}

/// Where words hold whole addresses.
pub(super) fn spans(body: &str) -> Vec<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '(' | ')' | '[' | ']' | '|');
    let mut found = Vec::new();
    let mut at = 0;
    for piece in body.split_inclusive(ends) {
        let word = piece.trim_end_matches(ends).trim_end_matches(['.', ',', ';', ':', '!']);
        let scheme = ["http://", "https://"].iter().filter_map(|scheme| word.find(scheme)).min();
        if let Some(start) = scheme {
            found.push(at + start..at + word.len());
        }
        at += piece.len();
    }
    found
}

/// The body with every attribute that is one address holding another.
pub fn readdress(html: &str, from: &str, to: &str) -> String {
    let escaped = |address: &str| address.replace('&', "&amp;");
    let whole = html.replace(&format!("\"{from}\""), &format!("\"{}\"", escaped(to)));
    match from.contains('&') {
        true => whole.replace(&format!("\"{}\"", escaped(from)), &format!("\"{}\"", escaped(to))),
        false => whole,
    }
}

/// The article an address names, as help centers write them: the number behind `/articles/`.
pub fn article(href: &str) -> Option<&str> {
    let path = href.split(['?', '#']).next()?;
    let (_, after) = path.rsplit_once("/articles/")?;
    let number = after.split(|c: char| !c.is_ascii_digit()).next()?;
    (!number.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_an_article_is_led_elsewhere_and_others_stay() {
        let html =
            r#"<p><a href="/hc/en-us/articles/12-How-to?a=1&amp;b=2#top">x</a> <a href="https://x.y/z">y</a></p>"#;
        assert_eq!(hrefs(html), ["/hc/en-us/articles/12-How-to?a=1&b=2#top", "https://x.y/z"]);
        let there = redirect(html, &mut |href| article(href).map(|id| format!("https://new/{id}?c&d")));
        assert_eq!(there, r#"<p><a href="https://new/12?c&amp;d">x</a> <a href="https://x.y/z">y</a></p>"#);
    }

    #[test]
    fn a_link_to_a_file_that_goes_along_is_its_name_and_others_stay() {
        let named = |href: &str| href.ends_with("/f?a=1&b=2").then(|| "attached: <f>.pdf".to_owned());
        let html = r#"<p><a href="https://d/f?a=1&amp;b=2">the <b>file</b></a> <a href="https://d/g">g</a></p>"#;
        let written = attached(html, Format::Html, &named);
        assert_eq!(written, r#"<p>the <b>file</b> (attached: &lt;f&gt;.pdf) <a href="https://d/g">g</a></p>"#);
        let text = "see https://d/f?a=1&b=2, or <https://d/g>.";
        assert_eq!(attached(text, Format::Text, &named), "see (attached: <f>.pdf), or <https://d/g>.");
    }

    #[test]
    fn addresses_that_are_wanted_are_found_in_links_and_in_words() {
        let wanted = |address: &str| address.contains("/attachments/token/");
        let html = r#"<A class="x"
            HREF="/attachments/token/x/?name=a&amp;b">x</A> <a href="https://d/other">y</a>"#;
        assert_eq!(found(html, Format::Html, &wanted), ["/attachments/token/x/?name=a&b"]);
        assert_eq!(found("<A HREF=\"https://d/attachments/token/z\">z</A>", Format::Html, &wanted).len(), 1);
        let text =
            "(https://d/attachments/token/x/?name=a), URL:https://d/attachments/token/z and /attachments/token/y";
        let both = ["https://d/attachments/token/x/?name=a", "https://d/attachments/token/z"];
        assert_eq!(found(text, Format::Text, &wanted), both);
    }

    #[test]
    fn a_word_of_a_hundred_thousand_addresses_is_looked_at_once() {
        let text = "http://a.example/".repeat(100_000);
        let looked_at = std::cell::Cell::new(0);
        let named = |_: &str| {
            looked_at.set(looked_at.get() + 1);
            None
        };
        assert_eq!(attached(&text, Format::Text, &named).len(), text.len());
        assert_eq!(looked_at.get(), 1);
        assert_eq!(spans(&"see https://a.example/ ".repeat(100_000)).len(), 100_000);
    }

    #[test]
    fn an_address_is_found_however_it_is_written() {
        let html = r#"<img src="/a?b=1&amp;c=2"><img src="/a?b=1&c=2"><img src="/a?b=1">"#;
        assert_eq!(readdress(html, "/a?b=1&c=2", "x"), r#"<img src="x"><img src="x"><img src="/a?b=1">"#);
    }

    #[test]
    fn an_address_without_the_number_of_an_article_names_none() {
        assert_eq!(article("https://d.freshdesk.com/a/solutions/articles/43000?x=/articles/1"), Some("43000"));
        for href in ["/articles/", "/hc/en-us/articles/how-to", "https://x/sections/12", "#articles/1"] {
            assert_eq!(article(href), None, "{href}");
        }
    }
}
