//! How an account proves itself: the manifest's words, and the one header that comes of them.

use super::secrets::Secrets;
use crate::error::{Problem, Reason, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How calls are authenticated. `${name}` in a string is the account's answer of that name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Auth {
    /// The calls need no credentials.
    #[default]
    None,
    /// HTTP Basic: `{ kind = "basic", user = "${email}/token", password = "${token}" }`.
    Basic { user: String, password: String },
    /// `Authorization: Bearer …`: `{ kind = "bearer", token = "${token}" }`.
    Bearer { token: String },
    /// A header of the platform's own: `{ kind = "header", name = "X-Redmine-API-Key", value = "${api_key}" }`.
    Header { name: String, value: String },
}

/// The account's answers that may be secret, by the manifest's names for them.
pub type Answers = BTreeMap<String, SecretString>;

/// The header that authenticates a call. It never shows its value.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    header: Option<(HeaderName, HeaderValue)>,
    secrets: Secrets,
}

impl Auth {
    /// The names of the answers it needs.
    pub fn names(&self) -> Vec<&str> {
        self.strings().into_iter().flat_map(names).collect()
    }

    /// Fills the answers in. Errors name the answer that is missing or cannot be sent, never its value.
    pub fn fill(&self, answers: &Answers) -> Result<Credentials> {
        let header = match self {
            Auth::None => return Ok(Credentials::default()),
            Auth::Basic { user, password } => {
                let (user, password) = (filled(user, answers)?, filled(password, answers)?);
                if user.expose_secret().contains(':') {
                    return Err(Problem::new(Reason::Config, "the user name of the account holds a colon"));
                }
                let pair = format!("{}:{}", user.expose_secret(), password.expose_secret());
                (AUTHORIZATION, secret_value(&format!("Basic {}", STANDARD.encode(pair)))?)
            }
            Auth::Bearer { token } => {
                (AUTHORIZATION, secret_value(&format!("Bearer {}", filled(token, answers)?.expose_secret()))?)
            }
            Auth::Header { name, value } => {
                let header = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| Problem::new(Reason::Manifest, format!("`{name}` is not a valid header name")))?;
                (header, secret_value(filled(value, answers)?.expose_secret())?)
            }
        };
        let secrets = self.secrets(answers)?;
        let all = secrets.iter().map(|secret| secret.expose_secret());
        Ok(Credentials { header: Some(header), secrets: Secrets::of(all) })
    }

    /// What of it nobody may read: the answers, and what is sent with them in. Of a user with a password that is the password.
    fn secrets(&self, answers: &Answers) -> Result<Vec<SecretString>> {
        let (templates, pair) = match self {
            Auth::None => (vec![], None),
            Auth::Basic { user, password } => {
                let pair = format!("{user}:{password}");
                (vec![if names(password).is_empty() { user.as_str() } else { password }], Some(pair))
            }
            Auth::Bearer { token: secret } | Auth::Header { value: secret, .. } => (vec![secret.as_str()], None),
        };
        let named = templates.iter().flat_map(|template| names(template)).filter_map(|name| answers.get(name));
        let named = named.map(|answer| answer.expose_secret().trim().to_owned().into());
        let whole = templates.iter().copied().chain(pair.as_deref()).map(|template| filled(template, answers));
        named.map(Ok).chain(whole).collect()
    }

    fn strings(&self) -> Vec<&str> {
        match self {
            Auth::None => vec![],
            Auth::Basic { user, password } => vec![user, password],
            Auth::Bearer { token } => vec![token],
            Auth::Header { value, .. } => vec![value],
        }
    }
}

impl Credentials {
    pub(super) fn header(&self) -> Option<(&HeaderName, &HeaderValue)> {
        self.header.as_ref().map(|(name, value)| (name, value))
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }
}

fn secret_value(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text.trim()).map_err(|_| {
        Problem::new(
            Reason::Config,
            "the credentials of the account contain a character that is not allowed in a header",
        )
        .hint("look for a line break or a space that was copied along")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn filled(template: &str, answers: &Answers) -> Result<SecretString> {
    let mut text = String::new();
    for piece in pieces(template) {
        match piece? {
            Ok(plain) => text.push_str(plain),
            Err(name) => match answers.get(name) {
                Some(answer) => text.push_str(answer.expose_secret().trim()),
                None => {
                    return Err(Problem::new(Reason::Config, format!("the account lacks `{name}`"))
                        .hint(format!("add `{name}` to the account in migration.toml")));
                }
            },
        }
    }
    Ok(text.into())
}

/// The names in a template.
fn names(template: &str) -> Vec<&str> {
    pieces(template).filter_map(|piece| piece.ok()?.err()).collect()
}

/// Plain text as `Ok`, names as `Err`.
fn pieces(template: &str) -> impl Iterator<Item = Result<Result<&str, &str>>> {
    let mut rest = template;
    std::iter::from_fn(move || match rest.find("${") {
        _ if rest.is_empty() => None,
        Some(0) => {
            let Some(end) = rest.find('}') else {
                rest = "";
                return Some(Err(Problem::new(Reason::Manifest, "a `${` of the authentication is never closed")));
            };
            let name = &rest[2..end];
            rest = &rest[end + 1..];
            Some(Ok(Err(name)))
        }
        at => {
            let (plain, after) = rest.split_at(at.unwrap_or(rest.len()));
            rest = after;
            Some(Ok(Ok(plain)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Answers {
        let pairs = [("email", "ann@acme.com"), ("token", "s3cret\n"), ("bad", "a\nb")];
        pairs.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned().into())).collect()
    }

    fn header(toml: &str) -> (String, String) {
        let auth: Auth = toml::from_str(toml).unwrap();
        let credentials = auth.fill(&answers()).unwrap();
        assert!(!format!("{credentials:?}").contains("s3cret"), "shown");
        let (name, value) = credentials.header().unwrap();
        (name.to_string(), value.to_str().unwrap().to_owned())
    }

    #[test]
    fn each_kind_gives_the_header_its_platform_expects() {
        let basic = header("kind = 'basic'\nuser = '${email}/token'\npassword = '${token}'");
        assert_eq!(basic, ("authorization".into(), format!("Basic {}", STANDARD.encode("ann@acme.com/token:s3cret"))));
        let freshdesk = header("kind = 'basic'\nuser = '${token}'\npassword = 'X'");
        assert_eq!(freshdesk.1, format!("Basic {}", STANDARD.encode("s3cret:X")));
        let rt = header("kind = 'header'\nname = 'Authorization'\nvalue = 'token ${token}'");
        assert_eq!(rt, ("authorization".into(), "token s3cret".into()));
        let redmine = header("kind = 'header'\nname = 'X-Redmine-API-Key'\nvalue = '${token}'");
        assert_eq!(redmine, ("x-redmine-api-key".into(), "s3cret".into()));
        assert_eq!(header("kind = 'bearer'\ntoken = '${token}'").1, "Bearer s3cret");
        assert!(Auth::None.fill(&answers()).unwrap().header().is_none());
    }

    #[test]
    fn a_missing_or_broken_answer_is_named_and_never_shown() {
        let missing = Auth::Bearer { token: "${api_key}".into() };
        assert_eq!(missing.names(), ["api_key"]);
        assert_eq!(missing.fill(&answers()).unwrap_err().what, "the account lacks `api_key`");
        let broken = Auth::Bearer { token: "${bad}".into() }.fill(&answers()).unwrap_err();
        assert!(!format!("{broken:?}").contains("a\nb"));
        assert!(Auth::Bearer { token: "${bad".into() }.fill(&answers()).is_err());
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert!(toml::from_str::<Auth>("kind = 'bearer'\ntoken = 'x'\nprefix = 'y'").is_err());
        assert!(toml::from_str::<Auth>("kind = 'kerberos'").is_err());
    }
}
