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
    if !html.contains("<a ") {
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

/// The addresses a body leads to below `prefix`: of its links, or in its words where it is no HTML.
pub fn below(body: &str, format: Format, prefix: &str) -> Vec<String> {
    match format {
        Format::Html => hrefs(body).into_iter().filter(|href| href.contains(prefix)).collect(),
        _ => spans(body, prefix).into_iter().map(|span| body[span].to_owned()).collect(),
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
    if !body.contains("<a ") {
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
    for span in spans(body, "://") {
        if let Some(name) = named(&body[span.clone()]) {
            written.push_str(&body[from..span.start]);
            written.push_str(&format!("({name})"));
            from = span.end;
        }
    }
    written.push_str(&body[from..]);
    written
}

/// Where words hold whole addresses with this in them.
fn spans(body: &str, part: &str) -> Vec<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '(' | ')' | '[' | ']' | '|');
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in body.match_indices(part) {
        let start = body[..at].char_indices().rev().find(|(_, c)| ends(*c)).map_or(0, |(i, c)| i + c.len_utf8());
        let end = body[at..].find(ends).map_or(body.len(), |length| at + length);
        let trimmed = body[start..end].trim_end_matches(['.', ',', ';', ':', '!']);
        let span = start..start + trimmed.len();
        if trimmed.starts_with("http") && found.last() != Some(&span) {
            found.push(span);
        }
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
    fn addresses_below_a_path_are_found_in_links_and_in_words() {
        let html = r#"<a href="/attachments/token/x/?name=a&amp;b">x</a> <a href="https://d/other">y</a>"#;
        assert_eq!(below(html, Format::Html, "/attachments/token/"), ["/attachments/token/x/?name=a&b"]);
        let text = "(https://d/attachments/token/x/?name=a) and /attachments/token/y";
        assert_eq!(below(text, Format::Text, "/attachments/token/"), ["https://d/attachments/token/x/?name=a"]);
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
