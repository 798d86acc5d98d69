//! One account of a platform: its address, its answers to the connector's questions, how it is reached.
//!
//! Which keys an account has is the connector's to say ([`Question`]); this room checks the answers against
//! the questions and fetches secrets when they are asked for. It never talks to a platform.

use super::literal::parse_duration;
use super::question::{AnswerType, Question, Unfit, plain_text};
use super::secret::SecretPlace;
use super::spelling;
use super::toml_text::TomlText;
use crate::error::{Problem, Result};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// `[source]` or `[target]`: the connector, the address, and what the connector asks for.
#[derive(Clone, Debug, JsonSchema)]
pub struct Account {
    /// The platform: the name of its connector.
    pub connector: String,
    /// The account's address. A sub-path is kept. Plain http only to this machine, or with `insecure = true`.
    #[schemars(with = "Option<String>")]
    pub url: Option<Url>,
    /// A file with further certificate authorities to trust, PEM; relative to the project folder.
    pub ca_file: Option<PathBuf>,
    /// The address of an HTTP proxy; the system's own unless said.
    pub proxy: Option<String>,
    /// How long one call may take: `"60s"`.
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Duration>,
    /// Allow plain http to another machine.
    #[schemars(default)]
    pub insecure: bool,
    /// The admin's word that outgoing mail of this account is switched off.
    #[schemars(default)]
    pub silenced: bool,
    /// Names of a source's lists that are not asked for: what they would tell is left out of the records, as a loss.
    #[schemars(default)]
    pub leave_out: Vec<String>,
    /// The answers to the connector's own questions.
    #[schemars(flatten)]
    pub answers: BTreeMap<String, Answer>,
    #[schemars(skip)]
    origin: Origin,
}

/// Where the account stands, for errors.
#[derive(Clone, Debug)]
struct Origin {
    text: TomlText,
    section: &'static str,
    folder: PathBuf,
}

/// The answer to one question. Secrets are named by the place they are kept in.
#[derive(Clone, JsonSchema, PartialEq)]
#[schemars(untagged)]
pub enum Answer {
    Text(String),
    Bool(bool),
    Number(f64),
    Secret(SecretPlace),
}

/// A text may be a secret written into the file by mistake, so no value is shown.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Bool(_) => "Bool(…)",
            Self::Number(_) => "Number(…)",
            Self::Secret(_) => "Secret(…)",
        })
    }
}

const OWN_KEYS: &[&str] = &["connector", "url", "ca_file", "proxy", "timeout", "insecure", "silenced", "leave_out"];

impl Account {
    pub(super) fn settle_origin(&mut self, text: &TomlText, section: &'static str, folder: PathBuf) -> Result<()> {
        self.origin = Origin { text: text.clone(), section, folder };
        match &self.url {
            Some(url) => self.checked_url("url", url).map(|url| self.url = Some(url)),
            None => Ok(()),
        }
    }

    /// Checks the answers against the connector's questions: none unknown, none missing, no secret in plain text.
    /// Secrets are not fetched yet. `url` is one of an account's own keys and needs no question.
    pub fn answers(&self, questions: &[Question]) -> Result<Answers> {
        for key in self.answers.keys() {
            if !questions.iter().any(|q| q.key == *key) {
                let known = questions.iter().map(|q| q.key.as_str()).chain(OWN_KEYS.iter().copied());
                let message = format!("unknown key `{key}` for the connector `{}`", self.connector);
                let problem = self.origin.text.error_at_secret(&[self.origin.section, key], message);
                return Err(match spelling::hint(key, known) {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                });
            }
        }
        let mut answers = Answers { folder: self.origin.folder.clone(), ..Answers::default() };
        for question in questions {
            self.answer(question, &mut answers)?;
        }
        Ok(answers)
    }

    /// A complaint about one key of this account, shown in its file.
    pub fn error_at(&self, key: &str, message: impl fmt::Display) -> Problem {
        self.origin.text.error_at_key(&[self.origin.section, key], message)
    }

    fn answer(&self, question: &Question, answers: &mut Answers) -> Result<()> {
        let key = &question.key;
        let given = match self.answers.get(key) {
            None if question.default.is_some() => question.default.clone().unwrap_or_default(),
            None if question.required => return Err(self.missing(question)),
            None => return Ok(()),
            Some(Answer::Secret(place)) if question.is_secret() => {
                answers.secrets.insert(key.clone(), place.clone());
                return Ok(());
            }
            Some(_) if question.is_secret() => {
                let message = format!("`{key}` is a secret and is written here in plain text");
                let problem = self.origin.text.error_at_secret(&[self.origin.section, key], message);
                return Err(problem.hint(self.place_hint(key)));
            }
            Some(Answer::Secret(_)) => {
                return Err(self.error_at(key, format!("`{key}` is not a secret: write its value here")));
            }
            Some(Answer::Text(text)) => Value::from(text.as_str()),
            Some(Answer::Bool(flag)) => Value::from(*flag),
            Some(Answer::Number(number)) if number.fract() == 0.0 => Value::from(*number as i64),
            Some(Answer::Number(number)) => Value::from(*number),
        };
        let value = question.value(&given).map_err(|Unfit { what, hint }| {
            let problem = self.origin.text.error_at_value(&[self.origin.section, key], what);
            hint.into_iter().fold(problem, Problem::hint)
        })?;
        if question.answer_type == AnswerType::Url
            && let Some(url) = value.as_str().and_then(|text| Url::parse(text).ok())
        {
            self.checked_url(key, &url)?;
        }
        answers.texts.insert(key.clone(), plain_text(&value));
        answers.values.insert(key.clone(), value);
        Ok(())
    }

    fn missing(&self, question: &Question) -> Problem {
        let key = &question.key;
        let section = self.origin.section;
        let message = format!("[{section}] has no `{key}`, which the connector `{}` needs", self.connector);
        let problem = self.origin.text.error_at_key(&[section, key], message);
        match (&question.help, question.is_secret()) {
            (Some(help), _) => problem.hint(help),
            (None, true) => problem.hint(self.place_hint(key)),
            (None, false) => problem,
        }
    }

    fn place_hint(&self, key: &str) -> String {
        let name = format!("{}_{key}", self.connector).to_uppercase().replace(|c: char| !c.is_alphanumeric(), "_");
        format!("write `{key} = {{ env = \"{name}\" }}` and put it into that variable, or use `file` or `command`")
    }

    fn checked_url(&self, key: &str, url: &Url) -> Result<Url> {
        let refused = |message: &str| self.origin.text.error_at_value(&[self.origin.section, key], message);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("an address holds no user or password")
                .hint("put them into the account's own keys; `deskferry connectors show` lists them"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("an address ends before `?` and `#`"));
        }
        match url.scheme() {
            "https" => {}
            "http" if self.insecure || is_this_machine(url) => {}
            "http" => {
                return Err(refused("plain http would send the credentials unprotected")
                    .hint("use https, or say `insecure = true` if the network between is yours"));
            }
            _ => return Err(refused("an address begins with https://")),
        }
        let mut url = url.clone();
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(url)
    }

    /// Whether it names neither an address nor a secret: a platform of which there is no account yet.
    pub fn is_bare(&self) -> bool {
        self.url.is_none() && !self.answers.values().any(|answer| matches!(answer, Answer::Secret(_)))
    }

    /// The address as text, without a slash at its end.
    pub fn address(&self) -> Option<String> {
        self.url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned())
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The checked answers of one account. Each secret is fetched once, when first asked for.
#[derive(Default)]
pub struct Answers {
    folder: PathBuf,
    values: Map<String, Value>,
    texts: BTreeMap<String, String>,
    secrets: BTreeMap<String, SecretPlace>,
    fetched: Arc<Mutex<BTreeMap<String, SecretString>>>,
}

impl Answers {
    /// The answer that is no secret, as text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    /// All answers that are no secrets, as expressions see them under `$account`.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// Fetches a secret; `None` when the account gives none. A command may ask the person at the terminal.
    pub fn secret(&self, key: &str) -> Result<Option<SecretString>> {
        let Some(place) = self.secrets.get(key) else { return Ok(None) };
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = fetched.get(key) {
            return Ok(Some(secret.clone()));
        }
        let secret = place.fetch(&self.folder).map_err(|p| p.at(format!("`{key}`")))?;
        fetched.insert(key.to_owned(), secret.clone());
        Ok(Some(secret))
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.values.keys().chain(self.secrets.keys()).collect();
        write!(f, "Answers({keys:?})")
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(AccountVisitor)
    }
}

/// Written by hand, because serde's `flatten` loses the place of every error.
struct AccountVisitor;

impl<'de> Visitor<'de> for AccountVisitor {
    type Value = Account;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an account")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Account, A::Error> {
        let origin = Origin {
            text: TomlText::new("", "", crate::error::Reason::Config),
            section: "source",
            folder: PathBuf::new(),
        };
        let mut connector = None;
        let mut account = Account {
            connector: String::new(),
            url: None,
            ca_file: None,
            proxy: None,
            timeout: None,
            insecure: false,
            silenced: false,
            leave_out: vec![],
            answers: BTreeMap::new(),
            origin,
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "connector" => connector = Some(map.next_value()?),
                "url" => account.url = Some(map.next_value::<Address>()?.0),
                "ca_file" => account.ca_file = Some(map.next_value()?),
                "proxy" => account.proxy = Some(map.next_value()?),
                "timeout" => account.timeout = Some(map.next_value::<Wait>()?.0),
                "insecure" => account.insecure = map.next_value()?,
                "silenced" => account.silenced = map.next_value()?,
                "leave_out" => account.leave_out = map.next_value()?,
                _ => {
                    account.answers.insert(key, map.next_value()?);
                }
            }
        }
        account.connector = connector.ok_or_else(|| de::Error::missing_field("connector"))?;
        Ok(account)
    }
}

#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
struct Address(Url);

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let address = || "not an address\nhint: write it like \"https://acme.example.com\"";
        Url::parse(text.trim()).ok().filter(|url| url.has_host()).map(Self).ok_or_else(address)
    }
}

#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
struct Wait(Duration);

impl TryFrom<String> for Wait {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_duration(&text).map(Self)
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnswerVisitor)
    }
}

struct AnswerVisitor;

impl<'de> Visitor<'de> for AnswerVisitor {
    type Value = Answer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false, or the place of a secret such as { env = \"NAME\" }")
    }

    fn visit_str<E>(self, text: &str) -> Result<Answer, E> {
        Ok(Answer::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Answer, E> {
        Ok(Answer::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Answer, E> {
        Ok(Answer::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Answer, E> {
        Ok(Answer::Number(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answer, A::Error> {
        SecretPlace::deserialize(de::value::MapAccessDeserializer::new(map)).map(Answer::Secret)
    }
}
