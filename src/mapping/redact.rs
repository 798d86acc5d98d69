//! What the rules take out of texts before they are migrated: card numbers, account numbers, addresses, or what a jq says.
//!
//! A number is recognised as a person reads it: with spaces or dashes between its groups, and in HTML across tags and
//! entities. Only numbers whose own checksum holds are taken. Files are not looked into.

use super::filter::Filter;
use crate::error::{Problem, Reason, Result, labels};
use crate::record::Format;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;
use std::ops::Range;

mod find;
mod visible;

/// `[redact]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedactRules {
    /// What is taken out of the subject.
    pub subject: Vec<Redaction>,
    /// What is taken out of the bodies of messages.
    pub body: Vec<Redaction>,
    /// What is taken out of texts in custom fields.
    pub custom: Vec<Redaction>,
}

/// One thing to take out: a word, or a jq filter over the text.
#[derive(Clone, Debug)]
pub enum Redaction {
    Known(Known),
    /// Over the text (the canonical ticket is `$root`): gives the text to migrate.
    Jq(Filter),
}

labels! {
    /// What can be recognised.
    pub enum Known {
        /// Payment card numbers: 12 to 19 digits that a card scheme gives out and whose Luhn digit is right.
        Card = "card",
        /// International bank account numbers: of a country's own length, with the right check digits.
        Iban = "iban",
        /// E-mail addresses.
        Email = "email",
    }
}

impl Known {
    /// What stands in its place: plain words in every format of a body.
    const fn stands_in(self) -> &'static str {
        match self {
            Known::Card => "(card removed)",
            Known::Iban => "(iban removed)",
            Known::Email => "(address removed)",
        }
    }
}

/// The shape of a [`Redaction`] in the file.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum InFile {
    Known(Known),
    Jq(ByJq),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ByJq {
    /// Over the text: gives the text to migrate.
    jq: Filter,
}

impl JsonSchema for Redaction {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Redaction".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        InFile::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Redaction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Redaction;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"card\", \"iban\", \"email\" or { jq = \"…\" }")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Redaction, E> {
                Known::from_code(word)
                    .map(Redaction::Known)
                    .ok_or_else(|| E::unknown_variant(word, &["card", "iban", "email"]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Redaction, A::Error> {
                ByJq::deserialize(MapAccessDeserializer::new(map)).map(|by| Redaction::Jq(by.jq))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A text without what the rules take out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redacted {
    pub text: String,
    /// How often what was taken out: `2 card, 1 iban`. Empty when the text is as it was.
    pub what: String,
}

/// Takes out of `text` what the rules name.
///
/// Errors: `expression` when a jq fails or gives no text.
pub fn redact(rules: &[Redaction], text: &str, format: Format, ticket: &Value) -> Result<Redacted> {
    let mut redacted = Redacted { text: text.to_owned(), what: String::new() };
    for rule in rules {
        let (word, times) = match rule {
            Redaction::Known(known) => {
                let (after, times) = without(*known, &redacted.text, format);
                redacted.text = after;
                (known.code(), times)
            }
            Redaction::Jq(filter) => {
                let Value::String(after) = filter.eval(&Value::String(redacted.text.clone()), ticket)? else {
                    return Err(Problem::new(Reason::Expression, "a jq of [redact] does not give a text"));
                };
                let times = usize::from(after != redacted.text);
                redacted.text = after;
                ("jq", times)
            }
        };
        if times > 0 {
            let comma = if redacted.what.is_empty() { "" } else { ", " };
            redacted.what.push_str(&format!("{comma}{times} {word}"));
        }
    }
    Ok(redacted)
}

/// The text without what is recognised, and how often it stood there.
fn without(known: Known, text: &str, format: Format) -> (String, usize) {
    let mut gone: Vec<(Range<usize>, &str)> = Vec::new();
    let mut times = 0;
    for part in visible::parts(text, format) {
        let letters: Vec<char> = part.iter().map(|seen| seen.letter).collect();
        let found = match known {
            Known::Card => find::cards(&letters),
            Known::Iban => find::ibans(&letters),
            Known::Email => find::addresses(&letters),
        };
        for range in found {
            times += 1;
            let mut stands_in = known.stands_in();
            for seen in &part[range] {
                gone.push((seen.at.clone(), stands_in));
                stands_in = "";
            }
        }
    }
    gone.sort_by_key(|(range, _)| range.start);
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for (range, stands_in) in gone {
        out.push_str(&text[from..range.start]);
        out.push_str(stands_in);
        from = range.end;
    }
    out.push_str(&text[from..]);
    (out, times)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(toml: &str) -> RedactRules {
        toml::from_str(toml).unwrap()
    }

    fn taken(rule: &str, text: &str, format: Format) -> (String, String) {
        let rules = rules(&format!("body = [{rule}]"));
        let redacted = redact(&rules.body, text, format, &Value::Null).unwrap();
        (redacted.text, redacted.what)
    }

    #[test]
    fn a_card_number_is_taken_out_however_it_is_grouped() {
        for card in ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "3782 822463 10005"] {
            let (text, what) = taken("'card'", &format!("pay {card}, please"), Format::Text);
            assert_eq!((text.as_str(), what.as_str()), ("pay (card removed), please", "1 card"), "{card}");
        }
        let (text, _) = taken("'card'", "4111 1111 1111 1111 12/27 123", Format::Text);
        assert_eq!(text, "(card removed) 12/27 123");
    }

    #[test]
    fn a_number_that_is_no_card_stays() {
        for other in ["4111111111111112", "order 1234567890123456", "+49 170 1234567890", "x4111111111111111", "41111"]
        {
            assert_eq!(taken("'card'", other, Format::Text), (other.to_owned(), String::new()));
        }
    }

    #[test]
    fn an_iban_is_taken_out_when_its_check_digits_are_right() {
        let (text, what) = taken("'iban'", "to DE89 3704 0044 0532 0130 00 and GB82WEST12345698765432.", Format::Text);
        assert_eq!((text.as_str(), what.as_str()), ("to (iban removed) and (iban removed).", "2 iban"));
        let wrong = "DE88 3704 0044 0532 0130 00";
        assert_eq!(taken("'iban'", wrong, Format::Text).0, wrong);
    }

    #[test]
    fn an_address_is_taken_out_and_a_mention_is_not() {
        let (text, what) = taken("'email'", "ask ann.b+c@mail.example.com or @bob", Format::Text);
        assert_eq!((text.as_str(), what.as_str()), ("ask (address removed) or @bob", "1 email"));
    }

    #[test]
    fn tags_and_entities_hide_no_number() {
        let body = "<p>4111&nbsp;<b>1111</b> 1111&#32;1111</p><p title='4111111111111111'>x</p>";
        let (text, what) = taken("'card'", body, Format::Html);
        assert_eq!(text, "<p>(card removed)<b></b></p><p title='(card removed)'>x</p>");
        assert_eq!(what, "2 card");
    }

    #[test]
    fn numbers_of_two_cells_are_not_one_and_the_address_of_an_image_stays() {
        let body = "<td>41111111</td><td>11111111</td><img src=\"/a/4111111111111111\">";
        assert_eq!(taken("'card'", body, Format::Html).0, body);
    }

    #[test]
    fn a_filter_takes_out_what_it_says_and_has_to_give_a_text() {
        let rule = r#"'card', { jq = 'gsub("pin \\d+"; "pin …")' }"#;
        let (text, what) = taken(rule, "4111111111111111 pin 1234", Format::Text);
        assert_eq!((text.as_str(), what.as_str()), ("(card removed) pin …", "1 card, 1 jq"));
        let number = rules("body = [{ jq = 'length' }]");
        let wrong = redact(&number.body, "x", Format::Text, &Value::Null).unwrap_err();
        assert_eq!(wrong.reason, Reason::Expression);
    }

    #[test]
    fn a_word_that_is_none_is_refused() {
        assert!(toml::from_str::<RedactRules>("body = ['crad']").unwrap_err().message().contains("card"));
        assert!(toml::from_str::<RedactRules>("body = [{ jq = '.[' }]").is_err());
    }

    #[test]
    fn a_long_hostile_text_takes_linear_time() {
        let text = "4 ".repeat(200_000) + &"a@".repeat(100_000) + &"<".repeat(100_000);
        for rule in ["'card'", "'iban'", "'email'"] {
            taken(rule, &text, Format::Html);
        }
    }
}
