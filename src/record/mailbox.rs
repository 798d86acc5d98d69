//! E-mail addresses as mail programs and exports write them: `Jane Roe <jane@example.com>`, `"Roe, Jane" <jane@…>`,
//! `mailto:jane@…`, `jane@… (Jane Roe)`, `Jane Roe [mailto:jane@…]`, and lists of them parted by `;`, `,` or blanks.
//!
//! Understands spellings only: whether anybody reads mail there is not known here.

use std::fmt;

/// Somebody by their address, with the name that stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    /// As it is written, without what is around it.
    pub address: String,
}

impl fmt::Display for Mailbox {
    /// As [`read`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "\"{}\" <{}>", name.replace('\\', "\\\\").replace('"', "\\\""), self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// The one address of a text; none where it holds no address, or several.
pub fn read(text: &str) -> Option<Mailbox> {
    let text = text.trim_matches(is_blank);
    if !text.contains('@') {
        return None;
    }
    for (open, close) in [('<', '>'), ('[', ']')] {
        if let Some(inside) = text.strip_suffix(close)
            && let Some((name, address)) = inside.rsplit_once(open)
        {
            // `Ann <ann@…> <ann2@…>` has two addresses; within quotes all of it is a name.
            let is_one = !name.contains(['<', '>']) || name.trim().starts_with(['"', '\'']);
            return is_one.then(|| mailbox(name, address)).flatten();
        }
    }
    if let Some(inside) = text.strip_suffix(')')
        && let Some((address, name)) = inside.rsplit_once('(')
    {
        // Either may stand first: `jane@… (Jane Roe)`, `Jane Roe (jane@…)`.
        return mailbox(name, address).or_else(|| mailbox(address, name));
    }
    mailbox("", text)
}

/// Whether this is an address and nothing else.
pub fn is_address(text: &str) -> bool {
    let odd = |c: char| is_blank(c) || c.is_control() || "<>()[],;:\"'".contains(c);
    match text.split_once('@') {
        Some((local, domain)) => {
            let domain_is_odd = domain.contains(odd) || domain.contains(['{', '}']) || local.starts_with('{');
            let plain = !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain_is_odd;
            let plain = plain && !domain.split('.').any(str::is_empty);
            // Exchange and a few old systems write quotes and apostrophes before the @.
            plain && !local.contains(|c: char| odd(c) && c != '\'')
        }
        None => false,
    }
}

/// Whether a text is meant as an address, and is none: `jane roe@example.com`, `a@b@c`, `jane @example.com`; a name such as `Help @ ACME`
/// is not.
pub fn is_attempt(text: &str) -> bool {
    let Some((before, after)) = text.split_once('@').filter(|_| read(text).is_none()) else { return false };
    before.chars().next_back().is_some_and(|last| !is_blank(last)) || is_host(after.trim_matches(is_blank))
}

/// Whether a text is a name that computers have: `example.com`.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let end = text.rsplit_once('.').map_or("", |(_, end)| end);
    text.split('.').all(is_label) && end.chars().count() > 1 && end.chars().all(char::is_alphabetic)
}

fn mailbox(name: &str, address: &str) -> Option<Mailbox> {
    let address = unquoted(address);
    let bare = match address.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => address[7..].split('?').next().unwrap_or_default(),
        _ => &address,
    };
    let bare = bare.trim_matches(|c| c == '<' || c == '>' || is_blank(c));
    if !is_address(bare) {
        return None;
    }
    let name = unquoted(name);
    let says_more = !name.is_empty() && !name.eq_ignore_ascii_case(bare);
    Some(Mailbox { name: says_more.then_some(name), address: bare.to_owned() })
}

/// What nobody sees: blanks, and the marks of direction and width that come along when an address is copied from a mail.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// Without the quotes around it and the backslashes within.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            let mut plain = String::with_capacity(inside.len());
            let mut letters = inside.chars();
            while let Some(letter) = letters.next() {
                plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
            }
            return plain.trim().to_owned();
        }
    }
    text.to_owned()
}

/// The entries of a list of people, each as it is written. A comma or semicolon within quotes, angle brackets or a name
/// that comes before an address in brackets (`Roe, Jane <jane@…>`) parts nothing.
/// `{a,b}` of a database and `["a", "b"]` are lists too.
pub fn split(list: &str) -> Vec<String> {
    let list = unbraced(list);
    let parts = match pieces(list, ';').as_slice() {
        [one] => pieces(one, ','),
        several => several.iter().flat_map(|piece| one_or_more(piece)).collect(),
    };
    joined_names(parts).into_iter().flat_map(by_blanks).collect()
}

/// What stands within the braces or brackets around all of a list.
fn unbraced(list: &str) -> &str {
    let list = list.trim();
    let inside = |open: char, close: char| {
        let inside = list.strip_prefix(open)?.strip_suffix(close)?;
        (!inside.contains([open, close])).then_some(inside)
    };
    inside('{', '}').or_else(|| inside('[', ']')).unwrap_or(list)
}

/// Between semicolons a comma is part of a name, unless there are several addresses.
fn one_or_more(piece: &str) -> Vec<&str> {
    if piece.matches('@').count() > 1 { pieces(piece, ',') } else { vec![piece] }
}

fn pieces(list: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut from, mut quoted, mut deep, mut escaped) = (Vec::new(), 0, false, false, false);
    // An address in brackets ends an entry, whether or not a separator follows.
    let mut ended = false;
    for (at, letter) in list.char_indices() {
        if ended && !is_blank(letter) {
            ended = letter == '>';
            if !",;>()".contains(letter) {
                parts.push(&list[from..at]);
                from = at;
            }
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => deep = true,
            '>' if !quoted => (ended, deep) = (deep || ended, false),
            _ if letter == separator && !quoted && !deep => {
                parts.push(&list[from..at]);
                from = at + separator.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// `Roe` and `Jane <jane@…>` are one person.
fn joined_names(parts: Vec<&str>) -> Vec<String> {
    let mut whole: Vec<String> = Vec::with_capacity(parts.len());
    let mut before: Option<String> = None;
    for part in parts {
        let is_word = !part.contains(['@', '<', '"']) && !part.contains(|c: char| c.is_ascii_digit());
        match before.take() {
            Some(name) if part.ends_with('>') && !part.starts_with(['<', '"']) => whole.push(format!("{name}, {part}")),
            Some(name) => {
                whole.push(name);
                if is_word { before = Some(part.to_owned()) } else { whole.push(part.to_owned()) }
            }
            None if is_word => before = Some(part.to_owned()),
            None => whole.push(part.to_owned()),
        }
    }
    whole.extend(before);
    whole
}

fn by_blanks(part: String) -> Vec<String> {
    let words: Vec<&str> = part.split_whitespace().collect();
    if words.len() > 1 && words.iter().all(|word| is_address(word)) {
        return words.into_iter().map(str::to_owned).collect();
    }
    vec![part]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_in_every_way_mail_programs_write_it() {
        for text in [
            "Jane Roe <jane@example.com>",
            "\"Jane Roe\" <jane@example.com>",
            "'Jane Roe' <mailto:jane@example.com>",
            "jane@example.com (Jane Roe)",
            "Jane Roe (jane@example.com)",
            "  Jane Roe [mailto:jane@example.com] ",
        ] {
            let expected = Mailbox { name: Some("Jane Roe".into()), address: "jane@example.com".into() };
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in
            ["jane@example.com", "<jane@example.com>", "MAILTO:jane@example.com?subject=x", "'jane@example.com'"]
        {
            assert_eq!(read(text), Some(Mailbox { name: None, address: "jane@example.com".into() }), "{text}");
        }
        assert_eq!(read("\"Roe, \\\"J\\\" Jane\" <j@e.example>").unwrap().name.as_deref(), Some("Roe, \"J\" Jane"));
        assert_eq!(read("\u{202a}Jane@example.com\u{202c} ").unwrap().address, "Jane@example.com");
        let odd = Mailbox { name: Some("Ben \"Benny\" \\ Roe".into()), address: "b@x.example".into() };
        assert_eq!(read(&odd.to_string()), Some(odd));
        assert_eq!(read("o'neil@example.com").unwrap().address, "o'neil@example.com");
        assert_eq!(read("\"A <b>\" <a@x.example>").unwrap().name.as_deref(), Some("A <b>"));
        for text in [
            "Ann <a@x.example> <b@x.example>",
            "{a@x.example",
            "a@x.example}",
            "",
            "17",
            "@home",
            "jane@",
            "jane roe@example",
            "a@b.example c@d.example",
            "a@b@c",
            "é <>",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_of_people_is_parted_where_people_part_it() {
        let cases: &[(&str, &[&str])] = &[
            ("a@x.example, b@x.example", &["a@x.example", "b@x.example"]),
            ("a@x.example;b@x.example;", &["a@x.example", "b@x.example"]),
            ("a@x.example b@x.example", &["a@x.example", "b@x.example"]),
            ("Bob <b@x.example>, \"Low, Cat\" <c@x.example>", &["Bob <b@x.example>", "\"Low, Cat\" <c@x.example>"]),
            ("Low, Cat <c@x.example>; Bob <b@x.example>", &["Low, Cat <c@x.example>", "Bob <b@x.example>"]),
            ("Low, Cat <c@x.example>", &["Low, Cat <c@x.example>"]),
            ("7, 8", &["7", "8"]),
            ("7, Cat <c@x.example>", &["7", "Cat <c@x.example>"]),
            ("bob, cat", &["bob", "cat"]),
            ("{a@x.example,b@x.example}", &["a@x.example", "b@x.example"]),
            ("[\"a@x.example\", \"b@x.example\"]", &["\"a@x.example\"", "\"b@x.example\""]),
            ("Cat <c@x.example>Bob <b@x.example>", &["Cat <c@x.example>", "Bob <b@x.example>"]),
            ("Cat <c@x.example> <d@x.example>", &["Cat <c@x.example>", "<d@x.example>"]),
            ("Cat <c@x.example> (home), <<d@x.example>>", &["Cat <c@x.example> (home)", "<<d@x.example>>"]),
            (" ; , ", &[]),
        ];
        for (list, expected) in cases {
            assert_eq!(split(list), *expected, "{list}");
        }
    }
}
