//! What an account's credentials look like, as they are and encoded: masked wherever a vendor's own words are shown.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::cmp::Reverse;
use std::fmt;

/// What stands for a secret.
const MASK: char = '…';
/// Shorter ones are found as whole words alone: they would be found in every other word.
const SHORT: usize = 6;

/// The secrets of an account in every form in which a server may say them back. It never shows them.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Form>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    text: String,
    is_word: bool,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    pub(super) fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms: Vec<Form> = secrets.into_iter().flat_map(forms).collect();
        forms.sort_by_key(|form| Reverse(form.text.len()));
        forms.dedup();
        Self(forms)
    }

    /// The text with a mask for every secret, in any case of its letters.
    pub(super) fn masked(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let before = text[..text.len() - rest.len()].chars().next_back();
            let length = self.0.iter().find_map(|form| form.begins(rest, before));
            shown.push(length.map_or(next, |_| MASK));
            rest = &rest[length.unwrap_or(next.len_utf8())..];
        }
        shown
    }
}

impl Form {
    /// How long it is where the rest of a text begins with it.
    fn begins(&self, rest: &str, before: Option<char>) -> Option<usize> {
        let length = self.length_in(rest.as_bytes())?;
        let ends_word = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
        let after = rest.get(length..)?.chars().next();
        (!self.is_word || (ends_word(before) && ends_word(after))).then_some(length)
    }

    /// Each writer of addresses encodes other characters: any may be, and a blank may be a plus.
    fn length_in(&self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        for byte in self.text.bytes() {
            at += match text.get(at)? {
                found if found.eq_ignore_ascii_case(&byte) => 1,
                b'+' if byte == b' ' => 1,
                b'%' if encoded(text.get(at + 1..at + 3)?)?.eq_ignore_ascii_case(&byte) => 3,
                _ => return None,
            };
        }
        Some(at)
    }
}

/// The byte of two hexadecimal digits.
fn encoded(digits: &[u8]) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match digits {
        [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
        _ => None,
    }
}

/// A secret as it is, and as writers of headers, pages and dumps write it.
fn forms(secret: &str) -> Vec<Form> {
    let squeezed = secret.split_whitespace().collect::<Vec<_>>().join(" ");
    if squeezed.is_empty() {
        return vec![];
    }
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let page = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut texts = vec![
        // Encoded twice.
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        hex,
        page.replace('"', "&quot;").replace('\'', "&#39;"),
        page.replace('"', "&#34;").replace('\'', "&#x27;"),
        page,
        serde_json::Value::from(secret).to_string().trim_matches('"').to_owned(),
        secret.to_owned(),
        squeezed,
    ];
    texts.extend((0..3).flat_map(|before| base64(secret, before)));
    let is_word = secret.chars().count() < SHORT;
    texts.retain(|text| !text.is_empty());
    texts.into_iter().map(|text| Form { text, is_word }).collect()
}

/// The characters of base64 that a secret decides by itself, where so many bytes (of three) stand before it, in both alphabets.
fn base64(secret: &str, before: usize) -> [String; 2] {
    let bytes = [&[0; 2][..before], secret.as_bytes()].concat();
    let encoded = STANDARD_NO_PAD.encode(&bytes);
    let own = encoded[(before * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned();
    [own.replace('+', "-").replace('/', "_"), own]
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

    const KEY: &str = "K?e~y/9>x <&\"ü+tail";

    #[test]
    fn a_secret_is_masked_however_it_is_said_back() {
        let secrets = Secrets::of([KEY]);
        let pair = |user: &str| format!("{user}:{KEY}:more");
        let mut said = vec![
            KEY.to_owned(),
            KEY.to_uppercase().replace('Ü', "ü"),
            KEY.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
            serde_json::Value::from(KEY).to_string(),
            utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string(),
            utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string().to_lowercase(),
            url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect(),
            KEY.bytes().map(|byte| format!("{byte:02X}")).collect(),
            KEY.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        ];
        for user in ["a", "ab", "abc", "ann@acme.example/token"] {
            let pair = pair(user);
            said.extend([STANDARD.encode(&pair), URL_SAFE.encode(&pair), URL_SAFE_NO_PAD.encode(&pair)]);
        }
        for said in said {
            let shown = secrets.masked(&format!("denied for {said}, ask"));
            assert!(shown.starts_with("denied for ") && shown.ends_with(", ask"), "{shown}");
            let left = shown.len() - "denied for , ask".len();
            assert!(shown.contains(MASK) && left < said.len() - KEY.len() + 8, "{said}: {shown}");
        }
    }

    #[test]
    fn a_short_secret_is_masked_as_a_word_alone_and_an_empty_one_never() {
        let secrets = Secrets::of(["pin", "", " "]);
        assert_eq!(secrets.masked("the pin (PIN) of a spinning top"), "the … (…) of a spinning top");
        assert_eq!(Secrets::default().masked("ü pin"), "ü pin");
    }

    #[test]
    fn it_never_shows_itself() {
        assert_eq!(format!("{:?}", Secrets::of([KEY])), "Secrets(..)");
    }
}
