//! A look-alike of Zendesk Support: what a migration reads ([`reads`]), and what it writes ([`write`]): what is refused,
//! changed, mailed and hidden, and what a job makes of many rows.
//!
//! Shapes are those of recorded answers (go-zendesk, node-zendesk) and of the reference,
//! <https://developer.zendesk.com/api-reference/>. What no source says takes the stricter reading, and is
//! marked.

mod drafts;
mod export;
mod fields;
mod files;
mod imports;
mod jobs;
mod kb;
mod mail;
mod organizations;
mod pages;
mod people;
mod plan;
mod reads;
mod refusal;
mod rules;
mod sent;
mod side_conversations;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod tickets;
mod uploads;
mod users;
mod write;

pub use jobs::Pace;
pub use mail::Triggers;

use super::desk::{Answer, Call, Desk, Fate, Limit, Mail, Standing};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use files::Signer;
use jiff::{SignedDuration, Timestamp};
use jobs::Jobs;
use mail::Outbox;
use people::Life;
use serde_json::{Value, json};
use store::{Account, Comment, ELSEWHERE, HERE, StoredFile};

/// How a desk is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names, words and choices come of it; the same gives the same desk.
    pub seed: u64,
    /// Tickets it has from the start. Without any it is an account that waits for them: staffed, with ids of its own.
    pub tickets: usize,
    /// The vendor's name of the plan; its middle one when left out.
    pub plan: Option<String>,
    pub triggers: Triggers,
    /// How long exports do not know what changed.
    pub export_lag: SignedDuration,
    pub pace: Pace,
    /// Whether the ticket with the large file has several, on messages of their own: 24 MB.
    pub heavy: bool,
}

impl Options {
    pub fn of(seed: u64, tickets: usize) -> Self {
        Self {
            seed,
            tickets,
            plan: None,
            triggers: Triggers::default(),
            export_lag: SignedDuration::from_mins(1),
            pace: Pace::default(),
            heavy: false,
        }
    }
}

pub struct Zendesk {
    account: Account,
    plan: String,
    signer: Signer,
    token: String,
    seed: u64,
    export_lag: SignedDuration,
    /// Of the job the next call starts.
    fate: Option<Fate>,
    library: kb::Library,
}

impl Zendesk {
    pub fn new(options: Options) -> Self {
        let Options { seed, tickets, plan, triggers, export_lag, pace, heavy } = options;
        let signer = Signer(seed);
        let jobs = Jobs::new(pace, seed);
        let outbox = Outbox { triggers, sent: Vec::new() };
        let mut account = Account::default();
        (account.tables, account.jobs, account.outbox) = (tables::tables(), jobs, outbox);
        let life = if tickets == 0 { Life::New } else { Life::Used };
        people::fill(&mut account, seed, tickets as u64 / 3 + 12, life);
        tickets::fill(&mut account, seed, tickets, signer, heavy);
        if life == Life::New {
            account.move_ids();
        }
        let token = format!("sandbox-{seed:08x}");
        let plan = plan.unwrap_or_else(|| plan::USUAL.to_owned());
        let nests = !matches!(plan.as_str(), "team" | "growth");
        let staff = account.users.iter().filter(|u| u.row["role"] != "end-user" && u.row["active"] == true);
        let staff = staff.filter_map(|u| u.row["id"].as_u64()).collect();
        let library = kb::Library::seeded(seed, tickets, staff, nests);
        Self { library, account, plan, signer, token, seed, export_lag, fate: None }
    }

    fn knows(&self, call: &Call) -> bool {
        let wanted = STANDARD.encode(format!("{}/token:{}", people::ADMIN_EMAIL, self.token));
        let given = call.headers.get("authorization").and_then(|v| v.to_str().ok());
        given.and_then(|v| v.strip_prefix("Basic ")) == Some(&wanted)
    }

    fn api(&mut self, call: &Call, path: &[&str], now: Timestamp) -> Answer {
        let fate = self.fate.take();
        let known = self.knows(call);
        if !known {
            // Recorded: `users/me` answers a stranger, too.
            let anonymous = json!({ "user": { "id": null, "name": "Anonymous user", "role": "end-user" } });
            return if path == ["users", "me"] { Answer::json(200, &anonymous) } else { refusal::unauthenticated() };
        }
        if plan::lacks(&self.plan, path.first().copied().unwrap_or_default()) {
            return refusal::forbidden(plan::NO_ACCESS);
        }
        if call.method == "GET" {
            return self.read(call, path, now);
        }
        write::answer(self, call, path, fate, now)
    }

    fn told(&self, c: &Comment) -> Value {
        let mut row = c.row.clone();
        row["mark"] = json!(c.mark);
        row["files"] = c.files.iter().map(told_file).collect();
        row
    }
}

fn told_file(stored: &StoredFile) -> Value {
    json!({
        "id": stored.id, "name": stored.name, "content_type": stored.content_type, "size": stored.size,
        "sha256": stored.sha256(), "inline": stored.inline, "downloadable": !stored.deleted && !stored.malicious,
    })
}

impl Desk for Zendesk {
    fn pass(&mut self, now: Timestamp) {
        self.account.pass(now);
    }

    fn doom(&mut self, fate: Fate) {
        self.fate = Some(fate);
    }

    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        let path = call.path.strip_suffix(".json").unwrap_or(&call.path);
        let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        let answer = match segments.as_slice() {
            ["attachments", "token", token] => return files::redirect(&self.account, self.signer, token, call, now),
            ["hc", rest @ ..] => return files::article_file(&self.library, self.signer, rest, call, now),
            ["api", "v2", "help_center", rest @ ..] if self.knows(call) => self.library.answer(call, rest, now),
            ["api", "v2", "guide", "permission_groups"] if self.knows(call) => {
                Answer::json(200, &json!({ "permission_groups": kb::Library::editors() }))
            }
            ["api", "v2", rest @ ..] => self.api(call, rest, now),
            _ => return refusal::invalid_endpoint(),
        };
        let answer = Answer { body: placed(&answer.body, call), ..answer };
        answer.header("x-zendesk-api-version", "v2")
    }

    fn limits(&self, plan: Option<&str>) -> Option<Vec<Limit>> {
        plan::limits(plan.unwrap_or(plan::USUAL))
    }

    fn limit_headers(&self, standing: &[Standing<'_>]) -> Vec<(String, String)> {
        plan::headers(standing)
    }

    fn refuse(&self, retry_after_seconds: u32) -> Answer {
        plan::refusal(retry_after_seconds)
    }

    fn refuse_credential(&self) -> Answer {
        refusal::unauthenticated()
    }

    fn download(&mut self, path_and_query: &str, now: Timestamp) -> Option<Answer> {
        files::download(&self.account, &self.library, self.signer, path_and_query, now)
    }

    fn credentials(&self) -> Vec<(String, String)> {
        vec![("email".into(), people::ADMIN_EMAIL.into()), ("token".into(), self.token.clone())]
    }

    fn touch(&mut self, nth: usize, at: Timestamp) -> Option<Value> {
        let added = tickets::touch(&mut self.account, nth, at.as_second())?.clone();
        Some(json!({ "ticket_id": nth + 1, "comment": self.told(&added) }))
    }

    /// Rows as the API shows them; addresses begin with `zendesk:` and `zendesk-files:` in place of this desk's two.
    fn state(&self) -> Value {
        let tickets = self.account.tickets.iter().map(|ticket| {
            let mut row = ticket.row.clone();
            row["comments"] = ticket.comments.iter().map(|c| self.told(c)).collect();
            row["side_conversations"] = side_conversations::told(&self.account, ticket.id, told_file);
            row["archived"] = json!(ticket.archived);
            row["deleted"] = json!(ticket.deleted);
            row["generated_timestamp"] = json!(ticket.generated);
            row["solved_at"] = json!(ticket.solved_at.map(|at| at.to_string()));
            row
        });
        let rows = |all: &[store::Party]| -> Value { all.iter().map(|party| party.row.clone()).collect() };
        json!({
            "platform": "zendesk", "seed": self.seed, "plan": self.plan, "tickets": tickets.collect::<Value>(),
            "users": rows(&self.account.users), "organizations": rows(&self.account.organizations),
            "identities": self.account.identities, "tables": self.account.tables, "jobs": self.account.jobs.told(),
            "uploads": self.account.uploads.len(), "library": self.library.state(),
        })
    }

    fn mails(&self) -> Vec<Mail> {
        self.account.outbox.sent.iter().chain(&self.library.outbox).cloned().collect()
    }
}

/// A body with this desk's own addresses in it.
fn placed(body: &[u8], call: &Call) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    text.replace(&format!("{HERE}/"), &format!("{}/", call.base))
        .replace(&format!("{HERE}\""), &format!("{}\"", call.base))
        .replace(&format!("{ELSEWHERE}/"), &format!("{}/", call.files))
        .into_bytes()
}
