//! A look-alike of Freshdesk's API v2, foremost as the target of a migration: what it refuses, drops, mails and hides.
//!
//! Facts come from <https://developers.freshdesk.com/api/> and from traffic others recorded. What nobody verified takes
//! the stricter reading, and says so beside the code with the word *unverified*:
//!
//! - no moment of a ticket or a note can be set: `created_at` is an `invalid_field` ([`tickets`]);
//! - subject and description are mandatory, as the default form says; a body without a word or an image is blank ([`drafts`]);
//! - 20 MB are 20,000,000 bytes, over all files of a ticket and its notes ([`files`]);
//! - `cid:` and `data:` images do not survive ([`html`]);
//! - addresses, mobile numbers and external ids of deleted contacts and of agents stay taken; `email=` does not find
//!   a contact by its other addresses ([`people`]);
//! - a public note of the requester's reopens a settled ticket ([`conversations`]);
//! - the search does not find what changed within its lag ([`search`]), while `updated_since` lists it at once.
//!
//! **Mail.** Notifications are switched for the whole account when the desk is made ([`Notifications`]); as it is made
//! by default a new ticket tells its requester nothing, but an assigned agent, a public note and a ticket that is settled do
//! mail. A reply and `notify_emails` always mail. A silent migration therefore needs [`Notifications::OFF`] and no replies.
//!
//! It never holds the bytes of a large file, makes no jobs, and does not know sections of forms. As a source it has what a desk of some
//! years has: [`past`].

mod archive;
mod attributes;
mod companies;
mod conversations;
mod custom;
mod drafts;
mod fields;
mod files;
pub(crate) mod form;
mod html;
mod limits;
mod listing;
mod mail;
mod pages;
mod past;
mod people;
mod ratings;
mod refusal;
mod routes;
mod search;
mod seed;
mod solutions;
mod state;
mod store;
mod story;
#[cfg(test)]
mod tests;
mod tickets;

pub use attributes::is_email;
pub use mail::Notifications;

use crate::desk::{Answer, Call, Desk, Limit, Mail, Standing};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use files::Signer;
use jiff::{SignedDuration, Timestamp};
use refusal::Refusal;
use serde_json::Value;
use store::Account;

/// How a desk is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names, words and choices come of it.
    pub seed: u64,
    /// The key of an administrator.
    pub api_key: String,
    /// The key of an agent without an administrator's rights.
    pub agent_key: String,
    pub notifications: Notifications,
    /// How long the search does not know what changed.
    pub search_lag: SignedDuration,
    /// Tickets the desk has from the start.
    pub tickets: usize,
    /// How many of the oldest tickets that lists would show are archived.
    pub archived: usize,
    /// Lists of tickets end there, whatever the size of a page.
    pub wall_pages: usize,
    /// How long an address of a file is good.
    pub link_seconds: u32,
    /// Whether an administrator has made the ticket field `Deskferry`, as a migration into an account needs it.
    pub marker_field: bool,
    /// When the desk is made: what it has from the start is older.
    pub now: Timestamp,
}

impl Options {
    pub fn at(now: Timestamp) -> Self {
        Self {
            seed: 1,
            api_key: "freshdesk-admin-key".to_owned(),
            agent_key: "freshdesk-agent-key".to_owned(),
            notifications: Notifications::default(),
            search_lag: SignedDuration::from_mins(3),
            tickets: 12,
            archived: 0,
            wall_pages: 300,
            link_seconds: 300,
            marker_field: false,
            now,
        }
    }
}

/// One account.
#[derive(Debug)]
pub struct Freshdesk {
    options: Options,
    signer: Signer,
    account: Account,
    /// Where it is reached.
    base: String,
}

/// One call with what its answer depends on.
struct Ask<'a> {
    call: &'a Call,
    /// To the second, as the vendor keeps time.
    now: Timestamp,
    /// The agent whose key it is.
    caller: u64,
    signer: &'a Signer,
    search_lag: SignedDuration,
    wall_pages: usize,
}

impl Freshdesk {
    pub fn new(options: Options) -> Self {
        let mut account = seed::account(&options);
        account.seed_solutions(options.seed, options.tickets, options.now);
        account.outbox.notifications = options.notifications;
        let signer = Signer { seed: options.seed, life: SignedDuration::from_secs(options.link_seconds.into()) };
        Self { signer, account, base: String::new(), options }
    }

    /// The agent behind `Authorization: Basic base64(KEY:anything)`.
    fn caller(&self, call: &Call) -> Option<u64> {
        let sent = call.headers.get("authorization")?.to_str().ok()?;
        let plain = STANDARD.decode(sent.strip_prefix("Basic ")?).ok()?;
        let key = String::from_utf8(plain).ok()?.split(':').next()?.to_owned();
        let mut agents = self.account.agents.keys();
        match key {
            key if key == self.options.api_key => agents.next().copied(),
            key if key == self.options.agent_key => agents.nth(1).copied(),
            _ => None,
        }
    }

    fn try_answer(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        self.base.clone_from(&call.base);
        if call.path == "/inline/attachment" {
            return self.signer.inline_image(&self.account, call, now).ok_or(Refusal::NotFound);
        }
        if let Some(id) = call.path.strip_prefix("/helpdesk/attachments/") {
            let file = id.parse().ok().and_then(|id| self.account.solutions.file(id)).ok_or(Refusal::NotFound)?;
            let shown = self.signer.json(file, &call.files, now);
            let found = Answer { status: 302, ..Answer::default() };
            return Ok(found.header("location", shown["attachment_url"].as_str().unwrap_or_default()));
        }
        if !call.path.starts_with("/api/v2/") {
            return Err(Refusal::NotFound);
        }
        let caller = self.caller(call).ok_or(Refusal::Credentials)?;
        let accepted = call.headers.get("accept").and_then(|v| v.to_str().ok()).unwrap_or("*/*");
        if !["*/*", "application/json", "application/*"].iter().any(|kind| accepted.contains(kind)) {
            return Err(Refusal::Accept);
        }
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let Options { search_lag, wall_pages, .. } = self.options;
        let ask = Ask { call, now, caller, signer: &self.signer, search_lag, wall_pages };
        routes::answer(&mut self.account, &ask)
    }
}

impl Desk for Freshdesk {
    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        let answer = self.try_answer(call, now).unwrap_or_else(|refusal| refusal.answer());
        answer
            .header("x-freshdesk-api-version", "latest=v2; requested=v2")
            .header("x-ratelimit-used-currentrequest", self.cost(call).to_string())
    }

    fn limits(&self, plan: Option<&str>) -> Option<Vec<Limit>> {
        limits::of(plan)
    }

    fn limit_headers(&self, standing: &[Standing<'_>]) -> Vec<(String, String)> {
        limits::headers(standing)
    }

    fn refuse(&self, retry_after_seconds: u32) -> Answer {
        limits::refuse(retry_after_seconds)
    }

    fn cost(&self, call: &Call) -> u32 {
        limits::cost(call)
    }

    fn credentials(&self) -> Vec<(String, String)> {
        vec![("api_key".to_owned(), self.options.api_key.clone())]
    }

    fn refuse_credential(&self) -> Answer {
        Refusal::Credentials.answer()
    }

    fn touch(&mut self, nth: usize, at: Timestamp) -> Option<Value> {
        self.account.touch(nth, at)
    }

    fn download(&mut self, path_and_query: &str, now: Timestamp) -> Option<Answer> {
        self.signer.download(&self.account, path_and_query, &self.base, now)
    }

    fn state(&self) -> Value {
        state::of(&self.account)
    }

    fn mails(&self) -> Vec<Mail> {
        self.account.outbox.sent.clone()
    }
}
