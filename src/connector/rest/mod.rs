//! Runs a manifest: the one implementation of [`Source`](super::Source) and [`Target`](super::Target) for platforms
//! whose API is regular enough to be said in `connectors/*.toml`.

mod api;
mod plan;
mod read;
mod write;

pub use plan::PARTS;
pub use write::Offline;

use super::LeftBehind;
use super::manifest::{Denied, Manifest, Marker};
use super::native::{self, Native};
use super::registry::Entry;
use crate::error::{Problem, Reason, Result};
use crate::expr::{EvalContext, Scope, Tables};
use crate::http::{Call, Client, Response, Sent, Target};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use url::Url;

/// What expressions see as `$account` (in steps: `.account`): the answers of `migration.toml` without its secrets, `url`,
/// and facts the native half found out.
pub type Account = Map<String, Value>;

/// What an account is in the migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Source,
    Target,
}

/// What is done where the field for our markers is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarkerField {
    /// Nothing is written.
    #[default]
    Needed,
    /// It is made.
    Made,
    /// It is taken for made: nothing is written anyway.
    Imagined,
    /// `check` says that it is missing, and plans are made as if it were there: nothing is written anyway.
    Noted,
}

/// One account of one platform.
pub struct Rest {
    role: Role,
    manifest: Arc<Manifest>,
    version: String,
    address: String,
    client: Client,
    account: Value,
    /// What is done where the marker's field is missing.
    marker_field: MarkerField,
    native: Arc<dyn Native>,
    /// The account with the facts that only it can tell, asked once.
    prepared: OnceLock<Value>,
    /// What forbids to write there, where it is only to be noted.
    refused: OnceLock<Problem>,
    preparing: tokio::sync::Mutex<()>,
    lookups: tokio::sync::Mutex<BTreeMap<String, api::lookup::Known>>,
    /// Tables that are not asked for, as a person says.
    leave_out: BTreeSet<String>,
    batcher: write::batch::Batcher,
    jobs: write::jobs::Jobs,
    scans: write::scan::Scans,
    before: write::alike::Before,
    /// Numbers listings showed, of streams that ask for those between.
    seen: Mutex<BTreeMap<String, read::gaps::Numbers>>,
    /// The walks through listings whose pages are asked for one by one.
    walks: Mutex<BTreeMap<String, api::walked::Steps>>,
    /// Addresses of files that are good for a while.
    fresh: tokio::sync::Mutex<read::fresh::Addresses>,
    /// Rows of streams that others are listed under.
    above: tokio::sync::Mutex<BTreeMap<String, Arc<Vec<Value>>>>,
    /// What no record carries, listed once.
    left: tokio::sync::OnceCell<Vec<LeftBehind>>,
    /// What a person should know, not told yet; and all that ever was.
    notes: Mutex<(Vec<String>, BTreeSet<String>)>,
    /// Streams the account's plan lacks.
    lacked: Mutex<BTreeSet<String>>,
    /// Streams of which the account does not list only what changed.
    unfiltered: Mutex<BTreeSet<String>>,
    /// Streams and parameters of their lists that the platform refuses.
    declined: Mutex<BTreeSet<(String, String)>>,
    /// Streams whose list of all was refused.
    unlisted: Mutex<BTreeSet<String>>,
    /// Whether the plan lacks something is asked once.
    asking_plan: tokio::sync::Mutex<()>,
}

impl Rest {
    /// Says what is done where there is no field for our markers.
    pub fn with_marker_field(self, marker_field: MarkerField) -> Self {
        Rest { marker_field, ..self }
    }

    /// `account` holds the answers without secrets; the client holds the credentials.
    pub fn new(entry: &Entry, role: Role, address: String, account: Account, client: Client) -> Result<Rest> {
        Ok(Rest {
            role,
            marker_field: MarkerField::default(),
            version: entry.version(),
            native: native::by_name(entry.manifest.native.as_deref())?,
            manifest: Arc::new(entry.manifest.clone()),
            address,
            client,
            account: Value::Object(account),
            prepared: OnceLock::new(),
            refused: OnceLock::new(),
            preparing: tokio::sync::Mutex::new(()),
            lookups: tokio::sync::Mutex::default(),
            leave_out: BTreeSet::new(),
            batcher: write::batch::Batcher::default(),
            jobs: write::jobs::Jobs::default(),
            scans: write::scan::Scans::default(),
            before: write::alike::Before::default(),
            seen: Mutex::default(),
            walks: Mutex::default(),
            fresh: tokio::sync::Mutex::default(),
            above: tokio::sync::Mutex::default(),
            left: tokio::sync::OnceCell::new(),
            notes: Mutex::default(),
            lacked: Mutex::default(),
            unfiltered: Mutex::default(),
            declined: Mutex::default(),
            unlisted: Mutex::default(),
            asking_plan: tokio::sync::Mutex::new(()),
        })
    }

    /// The account with the facts of the native half; without them until they were asked.
    fn account(&self) -> &Value {
        self.prepared.get().unwrap_or(&self.account)
    }

    async fn prepare(&self) -> Result<&Value> {
        let _one = self.preparing.lock().await;
        if let Some(account) = self.prepared.get() {
            return Ok(account);
        }
        let mut account = self.account.as_object().cloned().unwrap_or_default();
        match self.role {
            Role::Source => self.native.prepare_source(self, &mut account).await?,
            Role::Target => match self.prepare_target(&mut account).await {
                Err(problem) if problem.reason == Reason::Refused && self.marker_field == MarkerField::Noted => {
                    account.entry(write::marker::FIELD).or_insert(write::marker::IMAGINED.into());
                    let _ = self.refused.set(problem);
                }
                prepared => prepared?,
            },
        }
        Ok(self.prepared.get_or_init(|| Value::Object(account)))
    }

    async fn prepare_target(&self, account: &mut Account) -> Result<()> {
        self.native.prepare_target(self, account).await?;
        self.prepare_marker(account).await
    }

    /// Tells a person something, once a run.
    pub fn note(&self, what: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.1.insert(what.clone()) {
            notes.0.push(what);
        }
    }

    /// Tells that a listing is denied; one that the plan lacks is not asked for again.
    fn tell_denied(&self, stream: &str, denied: Denied, problem: &Problem) {
        let mut lacked = self.lacked.lock().unwrap_or_else(PoisonError::into_inner);
        // Several may have been asked side by side.
        if denied == Denied::Plan && !lacked.insert(stream.to_owned()) {
            return;
        }
        self.note(format!("the source does not let us read its {}s: {}", stream.replace('_', " "), problem.what));
    }

    fn refused_in_bulk(&self, stream: &str) {
        self.unlisted.lock().unwrap_or_else(PoisonError::into_inner).insert(stream.to_owned());
    }

    fn is_refused_in_bulk(&self, stream: &str) -> bool {
        self.unlisted.lock().unwrap_or_else(PoisonError::into_inner).contains(stream)
    }

    /// Lists below records that the plan does not show, or does not show in bulk.
    fn refused_by_plan(&self) -> Vec<String> {
        let lacked = self.lacked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lacked.union(&self.unlisted.lock().unwrap_or_else(PoisonError::into_inner)).cloned().collect()
    }

    fn plan_lacks(&self, stream: &str) -> bool {
        self.lacked.lock().unwrap_or_else(PoisonError::into_inner).contains(stream)
    }

    fn counted_calls(&self) -> BTreeMap<String, u64> {
        self.client.calls().into_iter().map(|c| (format!("{} {}", c.method, c.shape), c.calls)).collect()
    }

    /// How our own records are recognised in this platform.
    pub fn marker(&self) -> Option<&Marker> {
        self.manifest.marker.as_ref()
    }

    fn scope<'a>(&'a self, item: &'a Value) -> Scope<'a> {
        Scope { account: self.account(), tables: Some(self.tables()), ..Scope::of(item) }
    }

    /// The scope of many expressions over one item.
    fn scope_of<'a>(&'a self, eval_context: &'a EvalContext) -> Scope<'a> {
        Scope { eval_context: Some(eval_context), ..self.scope(eval_context.value()) }
    }

    fn tables(&self) -> &Tables {
        &self.manifest.values
    }

    /// A GET whose answer is JSON, for the native halves and the readers. May be repeated.
    pub async fn get(&self, path: &str, query: &[(String, String)]) -> Result<Value> {
        self.ask(asking(path, query.to_vec())).await?.json()
    }

    /// Sends a call that only reads, and turns a refusal into its problem.
    async fn ask(&self, call: Call) -> Result<Response> {
        let what = format!("{} {}", call.method, path_of(&call));
        match self.client.send(&call).await {
            Sent::Answer(response) if response.status < 400 => Ok(response),
            Sent::Answer(response) => {
                let foreign = self.is_foreign(&response);
                Err(Problem { foreign, ..self.refusal(&response) }.at(what))
            }
            Sent::NotSent(problem) | Sent::Unknown(problem) => Err(problem.at(what)),
        }
    }
}

/// A GET below the base address.
fn asking(path: &str, query: Vec<(String, String)>) -> Call {
    Call { query, ..Call::get(path) }
}

/// A GET of an address the platform named.
fn asking_address(address: &str) -> Result<Call> {
    let url =
        Url::parse(address).map_err(|_| Problem::new(Reason::BadAnswer, "the platform sent an invalid address"))?;
    Ok(Call { target: Target::Absolute(url), ..Call::get("") })
}

/// The path without query, for messages: a query may hold what nobody should read.
fn path_of(call: &Call) -> &str {
    match &call.target {
        Target::Path(path) => path.split('?').next().unwrap_or(path),
        Target::Absolute(url) => url.path(),
    }
}
