//! How a platform wants to be shown who calls.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::error::{Problem, Reason, Result};

/// The kind of credential, with `${key}` where an answer of the account goes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Auth {
    None,
    /// `Authorization: Basic`.
    Basic {
        user: String,
        password: String,
    },
    /// `Authorization: Bearer`.
    Bearer {
        token: String,
    },
    /// A header of the platform's own; `prefix` stands before the value.
    Header {
        name: String,
        #[serde(default)]
        prefix: String,
        value: String,
    },
}

impl Auth {
    /// The header that goes with every call to the account's origin. `answer` gives the account's answers, secrets included.
    ///
    /// Errors: `config` when an answer is missing or cannot stand in a header.
    pub fn header(
        &self,
        answer: &dyn Fn(&str) -> Result<Option<SecretString>>,
    ) -> Result<Option<(HeaderName, HeaderValue)>> {
        let fill = |template: &str| fill(template, answer);
        let (name, text) = match self {
            Auth::None => return Ok(None),
            Auth::Basic { user, password } => {
                let pair = format!("{}:{}", fill(user)?.expose_secret(), fill(password)?.expose_secret());
                (AUTHORIZATION, SecretString::from(format!("Basic {}", STANDARD.encode(pair))))
            }
            Auth::Bearer { token } => {
                (AUTHORIZATION, SecretString::from(format!("Bearer {}", fill(token)?.expose_secret())))
            }
            Auth::Header { name, prefix, value } => {
                let name = HeaderName::try_from(name.as_str())
                    .map_err(|_| Problem::new(Reason::Manifest, format!("`{name}` is not the name of a header")))?;
                (name, SecretString::from(format!("{prefix}{}", fill(value)?.expose_secret())))
            }
        };
        let mut value = HeaderValue::try_from(text.expose_secret()).map_err(|_| {
            Problem::new(Reason::Config, "the credential holds characters that cannot be sent")
                .hint("copy it again, without line breaks")
        })?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }
}

fn fill(template: &str, answer: &dyn Fn(&str) -> Result<Option<SecretString>>) -> Result<SecretString> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let (key, after) = rest[at + 2..]
            .split_once('}')
            .ok_or_else(|| Problem::new(Reason::Manifest, format!("`{template}` has a `${{` without `}}`")))?;
        let value = answer(key)?.ok_or_else(|| Problem::new(Reason::Config, format!("the account has no `{key}`")))?;
        out.push_str(value.expose_secret());
        rest = after;
    }
    out.push_str(rest);
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(auth: &Auth) -> String {
        let answer = |key: &str| Ok(Some(SecretString::from(format!("<{key}>"))));
        let (name, value) = auth.header(&answer).unwrap().unwrap();
        assert!(value.is_sensitive());
        format!("{name}: {}", value.to_str().unwrap())
    }

    #[test]
    fn each_kind_makes_its_header() {
        let own = Auth::Header { name: "X-Api-Key".into(), prefix: "token ".into(), value: "${k}".into() };
        assert_eq!(header(&own), "x-api-key: token <k>");
        let basic = Auth::Basic { user: "${email}/token".into(), password: "${token}".into() };
        assert_eq!(header(&basic), format!("authorization: Basic {}", STANDARD.encode("<email>/token:<token>")));
        assert_eq!(header(&Auth::Bearer { token: "${t}".into() }), "authorization: Bearer <t>");
    }

    #[test]
    fn a_credential_with_a_line_break_is_refused_without_being_shown() {
        let answer = |_: &str| Ok(Some(SecretString::from("abc\ndef")));
        let problem = Auth::Bearer { token: "${t}".into() }.header(&answer).unwrap_err();
        assert!(!format!("{problem:?}").contains("abc"));
    }
}
