//! Where the secrets of a TOML file stand, so that no excerpt shows them. It errs on the side of hiding.

use std::ops::Range;

const SOUNDS_SECRET: &[&str] = &["token", "key", "secret", "pass", "pwd", "auth", "cookie", "credential", "private"];

/// Where secrets stand in the text: whatever is no table, list or variable after a key that sounds like one, and `user:password@` in
/// addresses. Works on text that is not (yet) valid TOML.
pub(super) fn secrets_in(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (equals, _) in text.match_indices('=') {
        let key = text[..equals].trim_end();
        let key = key.rsplit(|c: char| !(c.is_alphanumeric() || "_-\"'".contains(c))).next().unwrap_or_default();
        let key = key.to_lowercase();
        if SOUNDS_SECRET.iter().any(|word| key.contains(word)) {
            let value =
                equals + 1 + text[equals + 1..].len() - text[equals + 1..].trim_start_matches([' ', '\t']).len();
            let end = string_end(text, value).or_else(|| bare_end(text, value));
            found.extend(end.map(|end| value..end));
        }
    }
    for (at, _) in text.match_indices("://") {
        let authority = at + 3;
        let rest = &text[authority..];
        let rest = &rest[..rest.find(['/', '"', '\'', '\n', ' ']).unwrap_or(rest.len())];
        if let Some(end) = rest.rfind('@').filter(|end| *end > 0) {
            found.push(authority..authority + end);
        }
    }
    found
}

/// The end of the line, where what begins at `start` lacks its quotes or has wrong ones.
fn bare_end(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?.lines().next()?;
    (!rest.is_empty() && !rest.starts_with(['{', '[', '='])).then_some(start + rest.len())
}

/// The end of the string literal that begins at `start`; the end of the line when it is not closed.
fn string_end(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| rest.starts_with(q))?;
    let line_end = || rest.find('\n').unwrap_or(rest.len());
    let mut at = quote.len();
    while let Some(c) = rest.get(at..).and_then(|r| r.chars().next()) {
        if rest[at..].starts_with(quote) {
            return Some(start + at + quote.len());
        }
        if c == '\n' && quote.len() == 1 {
            break;
        }
        let escaped = c == '\\' && quote.starts_with('"');
        at += c.len_utf8();
        if escaped {
            at += rest[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    Some(start + if quote.len() == 1 { line_end() } else { rest.len() })
}
