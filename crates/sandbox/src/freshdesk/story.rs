//! Tickets as they came to be: what was asked, said and sent. A hundred and thirty of them changed in one second, as after a change
//! in bulk.

use super::files::inline;
use super::past::{self, Odd};
use super::store::{Account, Conversation, Rating, StoredFile, Ticket, TimeEntry};
use super::{Options, html, tickets};
use crate::random::Random;
use crate::words;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// More than a page.
const LONG_THREAD: u64 = 130;
const LARGE_FILE: u64 = 6_000_000;
/// Tickets that changed in one second: more than a page.
const IN_BULK: std::ops::Range<usize> = 100..230;

/// Who may have written.
pub struct People {
    pub customers: Vec<u64>,
    pub deleted: Vec<u64>,
    pub blocked: Vec<u64>,
    pub agents: Vec<u64>,
    pub former: Vec<u64>,
}

/// One ticket on its way.
pub struct Draft<'a> {
    account: &'a mut Account,
    people: &'a People,
    odd: Odd,
    n: usize,
    id: u64,
    requester: u64,
    /// Messages already there: each has its own token.
    said: u64,
    pictures: Vec<StoredFile>,
    random: Random,
    at: Timestamp,
    now: Timestamp,
}

impl<'a> Draft<'a> {
    pub fn new(account: &'a mut Account, people: &'a People, n: usize, id: u64, options: &Options) -> Self {
        let mut random = Random::of(options.seed, &[22, n as u64]);
        let odd = past::odd(n);
        let among = match odd {
            Odd::ByDeleted if !people.deleted.is_empty() => &people.deleted,
            Odd::ByBlocked if !people.blocked.is_empty() => &people.blocked,
            _ => &people.customers,
        };
        let requester = *random.pick(among);
        // Over the nineteen days before the last one; archived ones are of last year.
        let ago = match odd {
            Odd::Archived => 360 * 24 * 3600,
            _ => 24 * 3600 + 19 * 24 * 3600 * (options.tickets - n) as i64 / (options.tickets - past::FIRST) as i64,
        };
        let at = past::second(options.now - SignedDuration::from_secs(ago));
        Self { account, people, odd, n, id, requester, said: 0, pictures: Vec::new(), random, at, now: options.now }
    }

    fn agent(&mut self) -> u64 {
        match (self.odd, self.people.former.first()) {
            (Odd::FormerAgent, Some(former)) => *former,
            _ => *self.random.pick(&self.people.agents),
        }
    }

    fn words(&mut self) -> String {
        let token = format!("fd{}-{}s{}", self.id, self.said, self.n);
        self.said += 1;
        html::clean(&words::body(&mut self.random, &token).html)
    }

    /// A message `minutes` after the ticket.
    fn message(&mut self, author: u64, body: String, minutes: i64) -> Conversation {
        let at = self.at + SignedDuration::from_mins(minutes);
        let mut message = self.account.blank_conversation(author, "", at);
        message.body = body;
        message.incoming = author == self.requester;
        self.account.ticket_of.insert(message.id, self.id);
        message
    }

    fn note(&mut self, body: String, minutes: i64, private: bool) -> Conversation {
        let agent = self.agent();
        let mut note = self.message(agent, body, minutes);
        (note.source, note.private) = (2, private);
        note
    }

    fn attach(&mut self, file: &words::File) -> StoredFile {
        self.account.keep_made(self.id, file, self.at)
    }

    fn picture(&mut self) -> u64 {
        let image = words::image(&mut self.random, "pixel.gif");
        let kept = self.attach(&image);
        let id = kept.id;
        self.pictures.push(kept);
        id
    }

    pub fn ticket(mut self) -> Ticket {
        let description = self.words();
        let conversations = self.conversations(&description);
        let agent = self.agent();
        let groups: Vec<u64> = self.account.groups.keys().copied().collect();
        let bare = self.odd == Odd::Bare;
        let mut made = Ticket {
            subject: (!bare).then(|| words::subject(&mut self.random).chars().take(255).collect()),
            requester_id: self.requester,
            responder_id: (!bare && (self.random.percent(70) || self.odd == Odd::FormerAgent)).then_some(agent),
            group_id: (!bare && self.random.percent(75)).then(|| *self.random.pick(&groups)),
            company_id: self.account.contacts.get(&self.requester).and_then(|c| c.company_id),
            product_id: self.random.percent(20).then(|| self.account.products[1].id),
            priority: 1 + self.random.below(4),
            source: *self.random.pick(&[1, 2, 3, 7, 9, 12, 13]),
            kind: (!bare && self.random.percent(60)).then(|| self.random.pick(&self.account.types).clone()),
            tags: self.tags(),
            deleted: self.odd == Odd::Deleted,
            spam: self.odd == Odd::Spam,
            custom: self.custom(),
            due_by: Some(self.at + SignedDuration::from_hours(72)),
            ..tickets::blank(self.id, self.at)
        };
        made.description = description;
        self.files(&mut made);
        made.pictures = std::mem::take(&mut self.pictures);
        made.conversations = conversations;
        let last = made.conversations.iter().map(|c| c.created_at).max().unwrap_or(self.at);
        let status = match self.odd {
            Odd::Archived | Odd::Merged => 5,
            Odd::Survey => 4,
            _ => 2 + self.random.below(7),
        };
        made.move_to(status, last);
        match self.odd {
            Odd::WebChat => made.source = 15,
            Odd::Outbound => made.source = 10,
            Odd::Copied => self.copy(&mut made),
            _ => {}
        }
        made.updated_at = match IN_BULK.contains(&self.n) {
            true => last.max(past::second(self.now - SignedDuration::from_hours(12))),
            false => last,
        };
        self.rate(&made);
        made
    }

    fn conversations(&mut self, description: &str) -> Vec<Conversation> {
        let mut all = Vec::new();
        if self.odd == Odd::WebChat {
            all.push(self.message(self.requester, description.to_owned(), 0));
        }
        if self.odd == Odd::PrivateFirst {
            let body = self.words();
            all.push(self.note(body, 0, true));
        }
        let many = if self.odd == Odd::LongThread { LONG_THREAD } else { self.random.below(6) };
        for m in 0..many {
            let minutes = i64::try_from(m / 2 + 1).unwrap_or(1);
            let body = self.words();
            let mut message = if m.is_multiple_of(2) {
                self.message(self.requester, body, minutes)
            } else if self.random.percent(35) {
                let private = self.random.percent(70);
                self.note(body, minutes, private)
            } else {
                let agent = self.agent();
                self.message(agent, body, minutes)
            };
            if self.random.percent(15) {
                let file = words::file(&mut self.random);
                message.files.push(self.attach(&file));
            }
            if self.random.percent(5) {
                let id = self.picture();
                message.body = format!("<div>{}<img src=\"{}\" data-id=\"{id}\"></div>", message.body, inline(id));
            }
            if message.source == 2 && self.random.percent(20) {
                message.edited = Some((message.created_at + SignedDuration::from_secs(30), message.user_id));
            }
            all.push(message);
        }
        self.odd_messages(&mut all);
        all
    }

    fn odd_messages(&mut self, all: &mut Vec<Conversation>) {
        match self.odd {
            Odd::Survey => {
                for (minutes, feedback) in [(60, ""), (61, "<div>Danke! 👍 &lt;3</div>")] {
                    let mut said = self.message(self.requester, feedback.to_owned(), minutes);
                    said.source = 6;
                    all.push(said);
                }
            }
            Odd::OtherWays => {
                for (minutes, source) in [(70, 8), (71, 9), (72, 7), (73, 11), (74, 5)] {
                    let body = match source {
                        5 => "<div>View the tweet at https://twitter.com/i/web/status/1</div>".to_owned(),
                        _ => self.words(),
                    };
                    let mut said = self.message(self.requester, body, minutes);
                    said.source = source;
                    all.push(said);
                }
            }
            Odd::Inline => {
                // One picture in two messages, one of them with an unclean address.
                let id = self.picture();
                for (minutes, before) in [(80, ""), (81, "cid:")] {
                    let words = self.words();
                    let body = format!("<div>{words}<img src=\"{before}{}\" data-id=\"{id}\"></div>", inline(id));
                    let message = self.message(self.requester, body, minutes);
                    all.push(message);
                }
            }
            Odd::Merged => {
                let body = format!("<div>This ticket is closed and merged into ticket {}</div>", self.id + 1);
                all.push(self.note(body, 90, true));
            }
            _ => {}
        }
    }

    fn files(&mut self, made: &mut Ticket) {
        let files: Vec<words::File> = match self.odd {
            Odd::HostileFiles => (0..6).map(|_| words::file(&mut self.random)).collect(),
            Odd::LargeFile => vec![words::file_of(&mut self.random, LARGE_FILE)],
            Odd::Archived => vec![words::file_of(&mut self.random, 900)],
            _ if self.random.percent(15) => vec![words::file(&mut self.random)],
            _ => vec![],
        };
        made.files = files.iter().map(|file| self.attach(file)).collect();
        if self.odd == Odd::Inline {
            let id = self.picture();
            made.description = format!("<div>{}<img src=\"{}\" data-id=\"{id}\"></div>", made.description, inline(id));
        }
    }

    fn copy(&self, made: &mut Ticket) {
        let known = self.people.customers.iter().filter(|id| **id != self.requester);
        let known = known.filter_map(|id| self.account.email_of(*id)).next().unwrap_or_default();
        made.cc_emails = vec![known.to_owned(), "nobody.knows@elsewhere.example".to_owned()];
        for message in &mut made.conversations {
            message.to_emails = vec!["support@acme.example".to_owned(), known.to_owned()];
            message.cc_emails = vec!["boss@elsewhere.example".to_owned()];
            message.in_one_text = true;
        }
    }

    fn tags(&mut self) -> Vec<String> {
        let all = ["vip", "größe", "back/slash", "with space", "緊急", "a&b"];
        all.into_iter().filter(|_| self.random.percent(15)).map(str::to_owned).collect()
    }

    fn custom(&mut self) -> serde_json::Map<String, Value> {
        let name = |label: &str| {
            self.account.ticket_fields.iter().find(|f| f.label == label).map(|f| f.name.clone()).unwrap_or_default()
        };
        let n = self.n;
        let trees = [("Hardware", "Laptop", "Battery"), ("Software", "Web", "Login")];
        let (one, two, three) = trees[n % 2];
        let values = [
            ("Order number", json!(format!("A-{n:05} <&>"))),
            ("Order-number", json!("another of the same letters")),
            ("Steps to reproduce", json!("turned it off\nand on again 🙃")),
            ("Quantity", json!(n)),
            ("Amount", json!(19.5)),
            ("Purchased on", json!("2021-02-28")),
            ("VIP", json!(n.is_multiple_of(3))),
            ("Region", json!("Asia-Pacific")),
        ];
        let values: Vec<(String, Value)> = values.into_iter().map(|(label, value)| (name(label), value)).collect();
        let mut custom = serde_json::Map::new();
        for (name, value) in values {
            if self.random.percent(60) {
                custom.insert(name, value);
            }
        }
        // A tree may end at any of its levels.
        let levels = [("cf_category", one), ("cf_subcategory", two), ("cf_item", three)];
        custom.extend(levels.into_iter().take(n % 4).map(|(name, value)| (name.to_owned(), json!(value))));
        custom
    }

    fn rate(&mut self, made: &Ticket) {
        let (id, at) = (self.id, made.updated_at);
        if self.odd == Odd::Survey || (matches!(made.status, 4 | 5) && self.random.percent(30)) {
            let answer = *self.random.pick(&[103, 102, 101, 100, -101, -102, -103]);
            let feedback = (self.odd == Odd::Survey).then(|| "Danke! 👍 <3".to_owned());
            let rating = Rating {
                id: self.account.next_id(),
                ticket_id: id,
                user_id: self.requester,
                agent_id: made.responder_id,
                group_id: made.group_id,
                feedback,
                answer,
                created_at: at,
            };
            self.account.ratings.push(rating);
        }
        if self.random.percent(15) {
            let (agent_id, minutes) = (self.agent(), 5 + self.random.below(200));
            let entry = TimeEntry {
                id: self.account.next_id(),
                ticket_id: id,
                agent_id,
                minutes,
                billable: self.random.percent(50),
                note: self.random.percent(50).then(|| "on the telephone".to_owned()),
                executed_at: at,
            };
            self.account.time_entries.push(entry);
        }
    }
}
