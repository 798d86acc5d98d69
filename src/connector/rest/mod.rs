//! Runs a manifest: the one implementation of [`Source`](super::Source) and [`Target`](super::Target) for platforms
//! whose API is regular enough to be said in `connectors/*.toml`.

mod apply;
mod assemble;
mod check;
mod find;
mod paging;
mod planner;
mod read;
mod read_back;
mod source;
mod target;

use super::manifest::{ErrorWord, Manifest, Marker};
use super::native::{self, Native};
use super::registry::Entry;
use crate::error::{Problem, Reason, Result};
use crate::expr::{Scope, Tables};
use crate::http::{Call, Client, Response, Sent};
use serde_json::{Map, Value};
use std::sync::{Arc, OnceLock};

/// What expressions see as `$account` (in steps: `.account`): the answers of `migration.toml` without its secrets, `url`,
/// and facts the native half found out.
pub type Account = Map<String, Value>;

/// One account of one platform.
pub struct Rest {
    manifest: Arc<Manifest>,
    version: String,
    address: String,
    client: Client,
    account: Value,
    native: Arc<dyn Native>,
    /// Facts that only the account itself can tell, asked once.
    prepared: OnceLock<Value>,
    preparing: tokio::sync::Mutex<()>,
}

impl Rest {
    /// `account` holds the answers without secrets; the client holds the credentials.
    pub fn new(entry: &Entry, address: String, account: Account, client: Client) -> Result<Rest> {
        Ok(Rest {
            version: entry.version(),
            native: native::by_name(entry.manifest.native.as_deref())?,
            manifest: Arc::new(entry.manifest.clone()),
            address,
            client,
            account: Value::Object(account),
            prepared: OnceLock::new(),
            preparing: tokio::sync::Mutex::new(()),
        })
    }

    /// The account with the facts of [`Native::prepare`]; without them until they were asked.
    fn account(&self) -> &Value {
        self.prepared.get().unwrap_or(&self.account)
    }

    async fn prepare(&self) -> Result<&Value> {
        let _one = self.preparing.lock().await;
        if let Some(account) = self.prepared.get() {
            return Ok(account);
        }
        let mut account = self.account.as_object().cloned().unwrap_or_default();
        self.native.prepare(self, &mut account).await?;
        Ok(self.prepared.get_or_init(|| Value::Object(account)))
    }

    /// How our own records are recognised in this platform.
    pub fn marker(&self) -> Option<&Marker> {
        self.manifest.marker.as_ref()
    }

    fn scope<'a>(&'a self, item: &'a Value) -> Scope<'a> {
        Scope { account: self.account(), tables: Some(self.tables()), ..Scope::of(item) }
    }

    fn tables(&self) -> &Tables {
        &self.manifest.values
    }

    /// A GET whose answer is JSON, for the native halves and the readers. May be repeated.
    pub async fn get(&self, path: &str, query: &[(String, String)]) -> Result<Value> {
        let call = Call::get(path).query(query.to_vec());
        json_of(&self.ask(call).await?)
    }

    /// Sends a call that only reads, and turns a refusal into its problem.
    async fn ask(&self, call: Call) -> Result<Response> {
        let what = format!("{} {}", call.method, call.target_for_people());
        match self.client.send(call).await {
            Sent::Answer(response) if response.status < 400 => Ok(response),
            Sent::Answer(response) => Err(self.refusal(&response).at(what)),
            Sent::NotSent(problem) | Sent::Unknown(problem) => Err(problem.at(what)),
        }
    }

    /// What an answer that is not a success means, in the manifest's words first.
    fn refusal(&self, response: &Response) -> Problem {
        let text = response.text();
        let lower = text.to_lowercase();
        let word = self.manifest.error.iter().find(|w| w.matches(response.status, &lower));
        let reason = word.map_or_else(|| reason_of(response.status), |w: &ErrorWord| w.reason);
        let said = said(&text).map(|s| format!(": {s}")).unwrap_or_default();
        let problem = Problem::new(reason, format!("answered {}{said}", response.status));
        match word.and_then(|w| w.hint.clone()) {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }
}

fn json_of(response: &Response) -> Result<Value> {
    serde_json::from_slice(&response.body).map_err(|_| {
        Problem::new(Reason::BadAnswer, format!("{}: the answer is not JSON", response.path_for_people()))
            .hint("`url` must be the address of the API's own server, not of a proxy or log-in page before it")
    })
}

fn reason_of(status: u16) -> Reason {
    match status {
        401 => Reason::Auth,
        403 => Reason::Forbidden,
        404 | 410 => Reason::NotFound,
        408 => Reason::Timeout,
        409 => Reason::Conflict,
        413 => Reason::TooLarge,
        429 => Reason::RateLimited,
        500.. => Reason::ServerError,
        _ => Reason::Invalid,
    }
}

/// The vendor's own words for a refusal: the usual keys of an error body, short.
fn said(text: &str) -> Option<String> {
    const KEYS: [&str; 6] = ["message", "error", "errors", "description", "detail", "title"];
    let body: Value = serde_json::from_str(text).ok()?;
    let words: Vec<String> = KEYS.iter().filter_map(|key| body.get(*key)).flat_map(leaves).collect();
    let words = words.join("; ");
    (!words.is_empty()).then(|| words.chars().take(300).collect())
}

fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(map) => map.values().flat_map(leaves).collect(),
        _ => vec![],
    }
}
