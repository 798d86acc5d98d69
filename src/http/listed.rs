//! What the headers of an answer say of a list: where its next page is, and how many rows there are.

use super::call::Response;

/// Headers that count the rows of a whole list, as the usual platforms call them.
const COUNTS: [&str; 4] = ["x-total-count", "x-count-total", "x-total", "total-count"];

impl Response {
    /// The address of the next page by the headers `Link` (RFC 8288), however many lines there are of them.
    pub fn next_page(&self) -> Option<String> {
        let lines = self.headers.get_all("link").iter();
        lines.filter_map(|line| next_of(&String::from_utf8_lossy(line.as_bytes()))).next()
    }

    /// How many rows the whole list has, where a header says it.
    pub fn rows_in_all(&self) -> Option<u64> {
        COUNTS.iter().find_map(|name| self.header(name)?.trim().parse().ok())
    }
}

/// The target of the first link of a header that is the next of this page.
fn next_of(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((address, after)) = target(rest) {
        let (is_next, after) = relation(after);
        if is_next {
            return Some(address.trim().to_owned());
        }
        rest = after;
    }
    None
}

/// What stands between the next `<` and its `>`, and what comes after it.
fn target(text: &str) -> Option<(&str, &str)> {
    text.split_once('<')?.1.split_once('>')
}

/// Whether the parameters of a link say that it is the next one of this page, and what comes after them. Of several `rel` the first
/// counts; a link with an anchor is about something else.
fn relation(mut rest: &str) -> (bool, &str) {
    let (mut rel, mut is_about_this) = (None, true);
    loop {
        rest = rest.trim_start();
        let Some(after) = rest.strip_prefix(';') else { break };
        let (name, after) = until(after.trim_start(), |c| c == '=' || c == ';' || c == ',' || c.is_whitespace());
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => (String::new(), after),
        };
        if name.eq_ignore_ascii_case("rel") {
            rel.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("anchor") {
            is_about_this &= value.is_empty();
        }
        rest = after;
    }
    let rel = rel.unwrap_or_default();
    (is_about_this && rel.split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next")), rest)
}

/// A value in quotes, of either kind, or without any; and what comes after it.
fn value(text: &str) -> (String, &str) {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let (value, after) = until(text, |c| c == ';' || c == ',' || c.is_whitespace());
        return (value.to_owned(), after);
    };
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => {
                value.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            c if c == quote => return (value, &text[at + 1..]),
            c => value.push(c),
        }
    }
    (value, "")
}

fn until(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    fn answered(headers: &[(&'static str, &'static str)]) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let url = "https://desk.example/list".parse().unwrap();
        Response { status: 200, headers: map, body: Bytes::new(), url }
    }

    #[test]
    fn the_next_page_is_found_however_its_link_is_written() {
        for header in [
            r#"</list?page=2>; rel="next""#,
            "</list?page=2>; rel=next",
            "</list?page=2>; REL=Next",
            "</list?page=2>;rel='next'",
            r#"</list?page=2>; rel="next last""#,
            "</list?page=2>; rel='last next'",
            r#"</list?page=2> ; rel = "next""#,
            r#"</list?page=2>; title="a, \"b\"; rel=prev"; rel="next""#,
            r#"</list?page=2>; crossorigin; rel="next"; rel="prev""#,
            r#"</app.css>; rel=preload; as=style, </list?page=2>; rel="next""#,
            r#"</list?page=1>; rel="prev",</list?page=2>; rel="next" , </list?page=9>; rel="last""#,
        ] {
            assert_eq!(next_of(header).as_deref(), Some("/list?page=2"), "{header}");
        }
        let commas = r#"<https://desk.example/list?ids=1,2;3&page=2>; rel="next""#;
        assert_eq!(next_of(commas).as_deref(), Some("https://desk.example/list?ids=1,2;3&page=2"));
    }

    #[test]
    fn a_link_of_another_kind_is_no_next_page() {
        for header in [
            "",
            "rel=next",
            "</list?page=1>; rel=prev",
            r#"</a>; title="rel=next""#,
            r#"</a>; rel="prev"; rel="next""#,
            r#"</a>; rel="nextish""#,
            "</a>; rev=next",
            r##"</a>; rel=next; anchor="#part""##,
            "</a",
            r#"</a>; rel="pre"#,
        ] {
            assert_eq!(next_of(header), None, "{header}");
        }
    }

    #[test]
    fn each_line_of_the_header_counts() {
        let two = answered(&[("link", "</app.css>; rel=preload"), ("link", "</list?page=2>; rel=next")]);
        assert_eq!(two.next_page().as_deref(), Some("/list?page=2"));
        let spoiled = answered(&[("link", "</caf\u{e9}.css>; rel=preload, </list?page=2>; rel=next")]);
        assert_eq!(spoiled.next_page().as_deref(), Some("/list?page=2"), "a header that is no ASCII");
        assert_eq!(answered(&[]).next_page(), None);
    }

    #[test]
    fn a_header_counts_the_rows() {
        assert_eq!(answered(&[("x-total-count", "120")]).rows_in_all(), Some(120));
        assert_eq!(answered(&[("x-count-total", "-1")]).rows_in_all(), None, "unknown");
        assert_eq!(answered(&[]).rows_in_all(), None);
    }
}
