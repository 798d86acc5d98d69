//! An account with the proxy before it, and what is known of it beforehand.

use crate::grid::{Excused, Fault, Reads};
use crate::proxy::{Call, Kept, Proxy, Upstream};
use deskferry::connector::registry::{self, Entry};
use deskferry::connector::rest::{Account, Rest, Role};
use deskferry::http::{self, Client, ClientConfig};
use deskferry::pacer::{Clock, Pacer};
use deskferry_sandbox::desk::Desk as Playing;
use deskferry_sandbox::{self as sandbox, Running};
use serde_json::Value;

/// Places among the hosts of a source.
pub const ACCOUNT: usize = 0;
pub const FILES: usize = 1;

/// What a call that reads a file is shown as.
pub const FILE: &str = "file";

/// How much the engine believes that the account lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The limits of the connector: what belongs to few records is read record by record.
    Limited,
    /// Everything at once: it is read in bulk, where it can be.
    Free,
}

/// Where an account is.
pub enum At {
    /// In this process: every worker has its own.
    Played(fn() -> Box<dyn Playing>),
    /// At a server that all workers read, which stays as it is.
    Served { address: String, secrets: Vec<(String, String)>, answers: Kept },
}

/// A source of the table.
pub struct Desk {
    pub platform: &'static str,
    pub title: &'static str,
    /// Ids of the tickets that are migrated.
    pub tickets: Vec<u64>,
    pub answers: &'static [(&'static str, &'static str)],
    pub paces: &'static [Pace],
    /// What a call reads, where its path tells.
    pub reads: fn(&Call) -> Reads,
    /// Endings of shapes whose call is of one record.
    pub of_one: &'static [&'static str],
    /// Calls of one shape that are tried at most, where all of the table is.
    pub alike: usize,
    /// Cells that every run of the tests tries.
    pub drawn: usize,
    pub excused: &'static [Excused],
    /// Cells that every run of the tests tries, since they were wrong once: the end of the call's path, and the fault.
    pub once_wrong: &'static [(&'static str, Fault)],
    pub at: At,
}

/// One account with the proxy before it.
pub struct Source<'a> {
    pub desk: &'a Desk,
    entry: Entry,
    secrets: Vec<(String, String)>,
    pub proxy: Proxy,
    /// Up as long as it is here.
    _running: Option<Running>,
}

impl Source<'_> {
    pub async fn start(desk: &Desk) -> Source<'_> {
        let entry = registry::find(desk.platform, None).unwrap();
        match &desk.at {
            At::Played(play) => {
                let around = sandbox::Options { rate: "600000/m".parse().ok(), seed: 1, ..sandbox::Options::default() };
                let running = sandbox::start(play(), &around).await.unwrap();
                let hosts = [running.address.as_str(), running.files_address.as_str()];
                let proxy = Proxy::start(&hosts, &[FILES], Upstream::Here).await;
                let secrets = running.credentials();
                Source { desk, entry, secrets, proxy, _running: Some(running) }
            }
            At::Served { address, secrets, answers } => {
                let proxy = Proxy::start(&[address], &[], Upstream::Outside(answers.clone())).await;
                Source { desk, entry, secrets: secrets.clone(), proxy, _running: None }
            }
        }
    }

    /// The account, as the command line would open it.
    pub fn rest(&self, pace: Pace) -> Rest {
        let answers: http::Answers =
            self.secrets.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let address = self.proxy.address(ACCOUNT);
        let manifest = &self.entry.manifest;
        let base = manifest.base.replace("${url}", &address);
        let config = ClientConfig {
            seed: Some(1),
            headers: manifest.headers.clone().into_iter().collect(),
            ..ClientConfig::new(base.parse().unwrap(), manifest.auth.fill(&answers).unwrap())
        };
        let limits = if pace == Pace::Limited { manifest.limit.clone() } else { vec![] };
        let client = Client::new(config, Pacer::new(limits, 0.0, Clock::system())).unwrap();
        let mut account = Account::new();
        for question in manifest.account.iter().map(|(key, question)| question.asked(key)) {
            let given = self.desk.answers.iter().find(|(key, _)| *key == question.key);
            let given = given.map(|(_, value)| Value::from(*value)).or(question.default.clone());
            account.extend(given.map(|value| (question.key.clone(), question.value(&value).unwrap())));
        }
        account.insert("url".into(), address.clone().into());
        Rest::new(&self.entry, Role::Source, address, account, client).unwrap()
    }
}

/// One cell of a table.
pub struct Cell {
    pub pace: Pace,
    pub call: Call,
    pub fault: Fault,
}

impl Desk {
    /// Whether a call is about one record, or one file of it.
    pub fn is_of_one(&self, call: &Call) -> bool {
        (self.reads)(call) != Reads::Rows || self.of_one.iter().any(|one| call.shape().ends_with(one))
    }

    /// As the page shows it.
    pub fn shape(&self, call: &Call) -> String {
        match (self.reads)(call) {
            Reads::Bytes if call.method == "HEAD" => format!("length of {FILE} {}", call.shape()),
            Reads::Bytes => format!("{FILE} {}", call.shape()),
            Reads::Rows | Reads::Packed => format!("{} {}", call.method, call.shape()),
        }
    }

    /// What can befall these calls.
    pub fn cells(&self, pace: Pace, calls: &[Call]) -> Vec<Cell> {
        let of = |call: &Call| {
            let faults = Fault::ALL.into_iter().filter(|fault| fault.befalls((self.reads)(call)));
            faults.map(|fault| Cell { pace, call: call.clone(), fault }).collect::<Vec<_>>()
        };
        calls.iter().flat_map(of).collect()
    }
}
