//! Lists as programs write them into one cell: `["a", "b"]`, `['a', 'b']`, `{a,"b c"}`, `"a", "b"`; and as people do: `a, b; c`.

const SEPARATORS: [char; 3] = [',', ';', '\n'];

/// The parts of a list, none of them empty.
pub fn list(text: &str) -> Vec<String> {
    if let Ok(all) = serde_json::from_str::<Vec<String>>(text) {
        return all.iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
    }
    let (inside, quotes): (&str, &[char]) = match within(text.trim()) {
        Some(inside) => (inside, &['"', '\'']),
        // An apostrophe begins words, and numbers that a spreadsheet is not to reckon with.
        None => (text, &['"']),
    };
    let mut all = Vec::new();
    let mut rest = inside;
    loop {
        let start = rest.trim_start();
        let quoted = start.chars().next().filter(|quote| quotes.contains(quote)).and_then(|quote| quoted(start, quote));
        let (part, after) = match quoted {
            Some((part, after)) => (part, after),
            None => {
                let end = rest.find(SEPARATORS).unwrap_or(rest.len());
                (rest[..end].trim().to_owned(), &rest[end..])
            }
        };
        if !part.is_empty() {
            all.push(part);
        }
        match after.char_indices().nth(1) {
            Some((next, _)) => rest = &after[next..],
            None => return all,
        }
    }
}

/// What stands between brackets around all of a list.
fn within(text: &str) -> Option<&str> {
    [('[', ']'), ('{', '}')].iter().find_map(|&(open, close)| {
        let inside = text.strip_prefix(open)?.strip_suffix(close)?;
        (!inside.contains([open, close])).then_some(inside)
    })
}

/// A part in quotes, and what follows it: a separator, or nothing. None where the quote does not close so.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => part.push(letters.next()?.1),
            _ if letter == quote && letters.peek().is_some_and(|(_, next)| *next == quote) => {
                part.push(quote);
                letters.next();
            }
            _ if letter == quote => {
                let after = text[at + 1..].trim_start_matches([' ', '\t']);
                let ends = after.is_empty() || after.starts_with(SEPARATORS);
                return ends.then(|| (part.trim().to_owned(), after));
            }
            _ => part.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_a_program_has_the_parts_that_the_program_put_into_it() {
        let cases: &[(&str, &[&str])] = &[
            (r#"["vip","late"]"#, &["vip", "late"]),
            (r#"["a, b","c \u00fc"]"#, &["a, b", "c \u{fc}"]),
            ("['vip', 'it\\'s; late']", &["vip", "it's; late"]),
            ("[vip, late]", &["vip", "late"]),
            ("[1,2]", &["1", "2"]),
            (r#"{vip,"very late",'x'}"#, &["vip", "very late", "x"]),
            (r#""vip", "late""#, &["vip", "late"]),
            (r#""a ""b"", c";d"#, &["a \"b\", c", "d"]),
            ("[]", &[]),
            ("{}", &[]),
            (" a ;; b,c\nd,", &["a", "b", "c", "d"]),
            ("'+49 30 1234567", &["'+49 30 1234567"]),
            ("don't, o'clock", &["don't", "o'clock"]),
            ("[a], [b]", &["[a]", "[b]"]),
            (r#"5" disk, 19" rack"#, &["5\" disk", "19\" rack"]),
            (r#""quoted" word, b"#, &["\"quoted\" word", "b"]),
            (r#""open"#, &["\"open"]),
            ("\u{7dca}\u{6025}", &["\u{7dca}\u{6025}"]),
        ];
        for (text, expected) in cases {
            assert_eq!(list(text), *expected, "{text}");
        }
    }
}
