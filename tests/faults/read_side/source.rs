//! An account that is played, with the proxy before it, and what is known of it beforehand.

use crate::grid::{Excused, Fault, Reads};
use crate::proxy::{Call, Proxy};
use deskferry::connector::registry::{self, Entry};
use deskferry::connector::rest::{Account, Rest, Role};
use deskferry::http::{self, Client, ClientConfig};
use deskferry::pacer::{Clock, Pacer};
use deskferry::sandbox::desk::Desk as Playing;
use deskferry::sandbox::freshdesk::{self, Freshdesk};
use deskferry::sandbox::zendesk::{self, Zendesk};
use deskferry::sandbox::{self, Running};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Places among the hosts of a source.
pub const ACCOUNT: usize = 0;
pub const FILES: usize = 1;

/// What a call that reads a file is shown as.
const FILE: &str = "file";

/// Its own word for it is believed, and the message says that the file is missing.
const FILE_GONE: Excused = Excused {
    call: FILE,
    faults: &[Fault::NotFound],
    because: "the platform says that it has no such file any more: a loss, which the message names",
};

/// What a plan may lack is refused like this, and the ids stand where names would.
const fn of_the_plan(call: &'static str) -> Excused {
    Excused {
        call,
        faults: REFUSED,
        because: "so the platform answers where the plan has none: ids stand for the names, which is told",
    }
}

const REFUSED: &[Fault] = &[Fault::Forbidden, Fault::NotFound];

/// How much the engine believes that the account lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The limits of the connector: what belongs to few records is read record by record.
    Limited,
    /// Everything at once: it is read in bulk, where it can be.
    Free,
}

/// A source of the table.
pub struct Desk {
    pub platform: &'static str,
    pub title: &'static str,
    /// Tickets it has.
    pub tickets: usize,
    /// Tickets that are left out: those with a hundred files, of which each is like the other.
    pub without: &'static [u64],
    pub answers: &'static [(&'static str, &'static str)],
    pub paces: &'static [Pace],
    /// Endings of shapes whose call is of one record.
    pub of_one: &'static [&'static str],
    pub excused: &'static [Excused],
    play: fn(usize) -> Box<dyn Playing>,
}

pub const ZENDESK: Desk = Desk {
    platform: "zendesk",
    title: "Zendesk (sandbox)",
    tickets: 21,
    without: &[2],
    answers: &[("side_conversations", "yes")],
    paces: &[Pace::Limited, Pace::Free],
    of_one: &["/comments.json", "/translations.json", "/attachments.json", "/side_conversations.json"],
    excused: &[
        FILE_GONE,
        of_the_plan("GET /api/v2/brands.json"),
        of_the_plan("GET /api/v2/custom_statuses.json"),
        of_the_plan("GET /api/v2/ticket_forms.json"),
    ],
    play: |tickets| {
        let usual = zendesk::Options::of(1, tickets);
        Box::new(Zendesk::new(zendesk::Options { export_lag: SignedDuration::ZERO, ..usual }))
    },
};

pub const FRESHDESK: Desk = Desk {
    platform: "freshdesk",
    title: "Freshdesk (sandbox)",
    tickets: 22,
    without: &[4, 13],
    answers: &[("archived", "yes")],
    paces: &[Pace::Limited, Pace::Free],
    of_one: &["/tickets/:n", "/conversations", "/contacts/:n", "/articles/:n", "/articles/:n/de", "/articles/:n/es"],
    excused: &[FILE_GONE],
    play: |tickets| {
        // What it has is dated by when it is made: every worker's is the same.
        let usual = freshdesk::Options::at(Timestamp::constant(1_767_225_600, 0));
        let lasting = 366 * 24 * 3600;
        Box::new(Freshdesk::new(freshdesk::Options {
            tickets,
            search_lag: SignedDuration::ZERO,
            link_seconds: lasting,
            ..usual
        }))
    },
};

/// One account with the proxy before it.
pub struct Source {
    pub desk: &'static Desk,
    entry: Entry,
    running: Running,
    pub proxy: Proxy,
}

impl Source {
    pub async fn start(desk: &'static Desk) -> Source {
        let around = sandbox::Options { rate: "600000/m".parse().ok(), seed: 1, ..sandbox::Options::default() };
        let running = sandbox::start((desk.play)(desk.tickets), &around).await.unwrap();
        let proxy = Proxy::start(&[&running.address, &running.files_address], &[FILES]).await;
        let entry = registry::find(desk.platform, None).unwrap();
        Source { desk, entry, running, proxy }
    }

    /// The account, as the command line would open it.
    pub fn rest(&self, pace: Pace) -> Rest {
        let answers: http::Answers =
            self.running.credentials().into_iter().map(|(name, value)| (name, value.into())).collect();
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
        for (key, question) in manifest.account.iter().filter(|(_, question)| !question.secret) {
            account.extend(question.default.clone().map(|value| (key.clone(), Value::String(value))));
        }
        account.extend(self.desk.answers.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))));
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
    /// What a call reads.
    pub fn reads(&self, call: &Call) -> Reads {
        let path = &call.path;
        let is_file = call.host == FILES || path.contains("/attachments/token/") || path.contains("attachment/");
        match is_file || (path.contains("article_attachments") && !path.ends_with(".json")) {
            true => Reads::Bytes,
            false => Reads::Rows,
        }
    }

    /// Whether a call is about one record, or one file of it.
    pub fn is_of_one(&self, call: &Call) -> bool {
        self.reads(call) == Reads::Bytes || self.of_one.iter().any(|one| call.shape().ends_with(one))
    }

    /// As the page shows it.
    pub fn shape(&self, call: &Call) -> String {
        match self.reads(call) {
            Reads::Bytes if call.method == "HEAD" => format!("length of {FILE} {}", call.shape()),
            Reads::Bytes => format!("{FILE} {}", call.shape()),
            Reads::Rows => format!("{} {}", call.method, call.shape()),
        }
    }

    /// What can befall these calls.
    pub fn cells(&self, pace: Pace, calls: &[Call]) -> Vec<Cell> {
        let of = |call: &Call| {
            let faults = Fault::ALL.into_iter().filter(|fault| fault.befalls(self.reads(call)));
            faults.map(|fault| Cell { pace, call: call.clone(), fault }).collect::<Vec<_>>()
        };
        calls.iter().flat_map(of).collect()
    }
}
