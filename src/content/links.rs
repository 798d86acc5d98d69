//! Links of a cleaned HTML body: what they lead to, and leading them elsewhere.

use lol_html::{RewriteStrSettings, element, rewrite_str};

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
