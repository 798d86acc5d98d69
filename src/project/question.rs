//! The questions a connector asks about an account, and what the answer to one may be.
//!
//! An answer is read as its type, so that `archived = "ja"` is an error and never a no. Secrets are not read here.

use super::spelling;
use crate::error::labels;
use serde_json::Value;
use url::Url;

labels! {
    /// What the answer to a question is.
    #[derive(Default)]
    pub enum AnswerType {
        #[default]
        Text = "text",
        /// Only by the place it is kept in: `{ env }`, `{ file }` or `{ command }`. Expressions never see it.
        Secret = "secret",
        /// `true` or `false`; `"yes"` and `"no"` mean the same.
        Bool = "bool",
        /// One of `choices`.
        Choice = "choice",
        Number = "number",
        /// An address, as safe as the account's own.
        Url = "url",
    }
}

/// One question a connector asks about an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The key of the answer in `[source]` or `[target]`.
    pub key: String,
    /// What an admin is asked.
    pub ask: String,
    /// Where the answer is found, for people.
    pub help: Option<String>,
    pub answer_type: AnswerType,
    /// Whether an account without it is refused.
    pub required: bool,
    /// Of a choice: the only answers there are.
    pub choices: Vec<String>,
    /// The answer when none is given.
    pub default: Option<Value>,
}

/// Why an answer does not fit its question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    pub what: String,
    pub hint: Option<String>,
}

impl Question {
    pub fn is_secret(&self) -> bool {
        self.answer_type == AnswerType::Secret
    }

    /// An answer as expressions see it.
    pub fn value(&self, given: &Value) -> Result<Value, Unfit> {
        let text = plain_text(given);
        let key = &self.key;
        let unfit = |what: &str, hint: String| Unfit { what: format!("`{key}` {what}"), hint: Some(hint) };
        match self.answer_type {
            AnswerType::Text | AnswerType::Secret => Ok(text.into()),
            AnswerType::Bool => truth(given).map(Value::Bool).ok_or_else(|| {
                let hint = format!("write `{key} = true` or `{key} = false`; `\"yes\"` and `\"no\"` mean the same");
                unfit(&format!("must be true or false, not `{text}`"), hint)
            }),
            AnswerType::Choice => match self.choices.contains(&text) {
                true => Ok(text.into()),
                false => {
                    let hint = spelling::hint(&text, self.choices.iter().map(String::as_str));
                    Err(unfit(&format!("cannot be `{text}`"), hint.unwrap_or_default()))
                }
            },
            AnswerType::Number => number(given)
                .ok_or_else(|| unfit(&format!("must be a number, not `{text}`"), format!("write it like `{key} = 2`"))),
            AnswerType::Url => {
                let is_address = Url::parse(text.trim()).is_ok_and(|url| url.has_host());
                let hint = || format!("write it like `{key} = \"https://acme.example.com\"`");
                is_address.then(|| text.trim().into()).ok_or_else(|| unfit("must be an address", hint()))
            }
        }
    }
}

fn truth(given: &Value) -> Option<bool> {
    match given {
        Value::Bool(truth) => Some(*truth),
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn number(given: &Value) -> Option<Value> {
    match given {
        Value::Number(_) => Some(given.clone()),
        Value::String(text) => {
            let text = text.trim();
            let whole = text.parse::<i64>().ok().map(Value::from);
            whole.or_else(|| text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number))
        }
        _ => None,
    }
}

pub(super) fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(answer_type: AnswerType) -> Question {
        let choices = if answer_type == AnswerType::Choice { vec!["full".into(), "listed".into()] } else { vec![] };
        let (key, ask) = ("key".to_owned(), String::new());
        Question { key, ask, help: None, answer_type, required: true, choices, default: None }
    }

    #[test]
    fn an_answer_is_read_as_its_type() {
        for (answer_type, given, seen) in [
            (AnswerType::Bool, json!(true), json!(true)),
            (AnswerType::Bool, json!("yes"), json!(true)),
            (AnswerType::Bool, json!("No"), json!(false)),
            (AnswerType::Choice, json!("listed"), json!("listed")),
            (AnswerType::Number, json!(2), json!(2)),
            (AnswerType::Number, json!("2"), json!(2)),
            (AnswerType::Number, json!("0.5"), json!(0.5)),
            (AnswerType::Url, json!("https://desk.example/a"), json!("https://desk.example/a")),
            (AnswerType::Text, json!(7), json!("7")),
            (AnswerType::Text, json!("yes"), json!("yes")),
        ] {
            assert_eq!(asked(answer_type).value(&given), Ok(seen), "{answer_type:?} {given}");
        }
    }

    #[test]
    fn an_answer_of_another_type_is_refused() {
        for (answer_type, given, what) in [
            (AnswerType::Bool, json!("ja"), "`key` must be true or false, not `ja`"),
            (AnswerType::Bool, json!(1), "`key` must be true or false, not `1`"),
            (AnswerType::Bool, json!(""), "`key` must be true or false, not ``"),
            (AnswerType::Choice, json!("ful"), "`key` cannot be `ful`"),
            (AnswerType::Choice, json!(true), "`key` cannot be `true`"),
            (AnswerType::Number, json!("two"), "`key` must be a number, not `two`"),
            (AnswerType::Number, json!("inf"), "`key` must be a number, not `inf`"),
            (AnswerType::Number, json!(true), "`key` must be a number, not `true`"),
            (AnswerType::Url, json!("acme"), "`key` must be an address"),
        ] {
            assert_eq!(asked(answer_type).value(&given).unwrap_err().what, what, "{answer_type:?} {given}");
        }
        let hint = |given: &str| asked(AnswerType::Choice).value(&json!(given)).unwrap_err().hint.unwrap();
        assert_eq!(hint("ful"), "did you mean `full`?");
        assert_eq!(hint("everything"), "one of `full`, `listed`");
    }
}
