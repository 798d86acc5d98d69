//! A connector opened on an account of a test.

use deskferry::connector::registry::Entry;
use deskferry::connector::rest::{Rest, Role};
use deskferry::http::{self, Client, ClientConfig};
use deskferry::pacer::{Clock, Pacer};
use serde_json::Value;

/// How an account is opened beside its defaults.
#[derive(Default)]
pub struct Opened<'a> {
    pub answers: &'a [(&'a str, &'a str)],
    pub target: bool,
}

/// The account as the command line would open it, without the vendor's limits.
pub fn open_with(entry: &Entry, address: &str, opened: Opened<'_>) -> Rest {
    let secrets: http::Answers =
        ["email", "token", "api_key"].map(|key| (key.to_owned(), format!("{key}@acme.example").into())).into();
    let credentials = entry.manifest.auth.fill(&secrets).unwrap();
    let base = entry.manifest.base.replace("${url}", address);
    let client =
        Client::new(ClientConfig::new(base.parse().unwrap(), credentials), Pacer::new(vec![], 0.0, Clock::system()));
    let mut account = serde_json::Map::new();
    for question in entry.manifest.account.iter().map(|(key, question)| question.asked(key)) {
        let given = opened.answers.iter().find(|(key, _)| *key == question.key).map(|(_, value)| Value::from(*value));
        let value = given.or(question.default.clone()).map(|value| question.value(&value).unwrap());
        account.extend(value.map(|value| (question.key, value)));
    }
    account.insert("url".into(), address.into());
    let role = if opened.target { Role::Target } else { Role::Source };
    Rest::new(entry, role, address.to_owned(), account, client.unwrap()).unwrap()
}
