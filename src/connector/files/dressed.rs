//! What mail programs and exports put around names and addresses, taken away: encoded words of mail headers (RFC 2047), links of
//! Markdown and of wikis, and line breaks between a name and its address.
//!
//! Changes only how somebody is written: what it cannot read stays as it is.

use crate::record::mailbox;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use encoding_rs::Encoding;
use std::borrow::Cow;

/// Signs that part people, or end a name.
const SIGNS: &str = ",;:|<>()[]{}@\"\\";

/// A text that names people, as it would be written by hand.
pub fn plain(text: &str) -> Cow<'_, str> {
    let mut plain = Cow::Borrowed(text);
    if text.contains("=?") {
        plain = Cow::Owned(decoded(&plain));
    }
    if text.contains("mailto:") {
        plain = Cow::Owned(unlinked(&plain));
    }
    if text.contains('\n') {
        plain = Cow::Owned(unbroken(&plain));
    }
    plain
}

/// `=?utf-8?q?J=C3=BCrgen?=` as `Jürgen`. Blanks between two encoded words belong to neither.
fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("=?") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((charset, mut bytes, after)) = word(rest) else {
            out.push_str("=?");
            rest = &rest[2..];
            continue;
        };
        rest = after;
        let mut name = String::new();
        let mut charset = charset;
        // A letter may be cut in two by the end of a word.
        while let Some((next, more, after)) = word(rest.trim_start()) {
            if next != charset {
                name.push_str(&charset.decode_without_bom_handling(&bytes).0);
                bytes.clear();
                charset = next;
            }
            bytes.extend(more);
            rest = after;
        }
        name.push_str(&charset.decode_without_bom_handling(&bytes).0);
        out.push_str(&quoted(&name));
    }
    out.push_str(rest);
    out
}

/// The encoded word a text begins with: how its bytes are read, its bytes, and what follows it.
fn word(text: &str) -> Option<(&'static Encoding, Vec<u8>, &str)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    let (way, rest) = rest.split_once('?')?;
    let (inside, after) = rest.split_once("?=")?;
    if inside.contains(char::is_whitespace) {
        return None;
    }
    // `utf-8*de` names a language, too.
    let charset = Encoding::for_label(charset.split('*').next()?.as_bytes())?;
    let bytes = match way {
        "q" | "Q" => of_q(inside)?,
        "b" | "B" => STANDARD.decode(inside).or_else(|_| STANDARD_NO_PAD.decode(inside)).ok()?,
        _ => return None,
    };
    Some((charset, bytes, after))
}

fn of_q(text: &str) -> Option<Vec<u8>> {
    let (mut out, mut bytes) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => b' ',
            b'=' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    Some(out)
}

/// A name in which no sign is more than a letter.
fn quoted(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if name.contains(|c: char| SIGNS.contains(c)) {
        return format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    }
    name
}

/// `[Ann](mailto:ann@x)` of Markdown and `[Ann|mailto:ann@x]` of wikis as `Ann <ann@x>`.
fn unlinked(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('[') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match link(rest) {
            Some((who, after)) => {
                out.push_str(&who);
                rest = after;
            }
            None => {
                out.push('[');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whom the link a text begins with names, and what follows it.
fn link(text: &str) -> Option<(String, &str)> {
    let (inside, after) = text.strip_prefix('[')?.split_once(']')?;
    let (label, address, after) = match after.strip_prefix("(mailto:") {
        Some(address) => address.split_once(')').map(|(address, after)| (inside, address, after))?,
        None => inside.split_once("|mailto:").map(|(label, address)| (label, address, after))?,
    };
    let address = address.split(['?', ' ']).next().filter(|address| mailbox::is_address(address))?;
    let label = label.trim().trim_start_matches("mailto:");
    let is_named = !label.is_empty() && !label.eq_ignore_ascii_case(address);
    let who = if is_named { format!("{} <{address}>", quoted(label)) } else { format!("<{address}>") };
    Some((who, after))
}

/// A name above its address in brackets is one line with it, and so is an address above its name.
fn unbroken(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let begins = line.trim_start();
        let goes_on = ["<", "(", "[mailto:"].iter().any(|open| begins.starts_with(open));
        match lines.last_mut() {
            Some(above) if goes_on && !above.trim().is_empty() && above.contains('@') != line.contains('@') => {
                above.truncate(above.trim_end().len());
                above.push(' ');
                above.push_str(begins);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mail_programs_put_around_an_address_is_taken_away() {
        for (text, expected) in [
            ("=?utf-8?q?J=C3=BCrgen?= <a@x.example>", "Jürgen <a@x.example>"),
            ("=?UTF-8*de?B?SsO8cmdlbg==?= <a@x.example>", "Jürgen <a@x.example>"),
            ("=?iso-8859-1?Q?J=FCrgen_Roe?=", "Jürgen Roe"),
            ("=?utf-8?q?J=C3?=\n =?utf-8?q?=BCrgen?= <a@x.example>", "Jürgen <a@x.example>"),
            ("=?utf-8?q?Roe=2C_Jane?= <a@x.example>", "\"Roe, Jane\" <a@x.example>"),
            ("=?utf-8?q?a=0Ab?= <a@x.example>", "a b <a@x.example>"),
            ("=?nobody?q?a?= <a@x.example>", "=?nobody?q?a?= <a@x.example>"),
            ("=?utf-8?q?=C?= <a@x.example>", "=?utf-8?q?=C?= <a@x.example>"),
            ("[a@x.example](mailto:a@x.example)", "<a@x.example>"),
            ("Ann [a@x.example](mailto:a@x.example?subject=x)", "Ann <a@x.example>"),
            ("[Roe, Ann](mailto:a@x.example); b@x.example", "\"Roe, Ann\" <a@x.example>; b@x.example"),
            ("[Ann|mailto:a@x.example]", "Ann <a@x.example>"),
            ("Ann [mailto:a@x.example]", "Ann [mailto:a@x.example]"),
            ("Ann\r\n<a@x.example>", "Ann <a@x.example>"),
            ("a@x.example\n(Ann)", "a@x.example (Ann)"),
            ("Ann <a@x.example>\n<b@x.example>", "Ann <a@x.example>\n<b@x.example>"),
            ("Ann\nBen", "Ann\nBen"),
        ] {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }
}
