//! Tickets: the first twenty are each odd in their own way, the rest are drawn.

use super::files::{Signer, recording};
use super::people::{self, BEGAN, agent, stamp};
use super::side_conversations;
use super::store::{Account, Comment, HERE, StoredFile, Ticket};
use super::tables::{self, BRANDS, FORMS, GROUPS, STATUSES, merge};
use crate::random::Random;
use crate::words::{self, File};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Between two tickets: five hours and a bit.
const APART: i64 = 18_061;
/// More than two pages of comments.
const LONG_THREAD: u64 = 230;
const LARGE_FILE: u64 = 6_000_000;
/// Messages with such a file, where the desk is a heavy one.
const LARGE_FILES: u64 = 4;

/// What is odd about a ticket, by its place.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Odd {
    Not,
    LongThread,
    /// Into the ticket after it.
    Merged,
    Deleted,
    Archived,
    Private,
    Inline,
    Voice,
    PartnerVoice,
    Messaging,
    Problem,
    /// Of the nearest problem before it.
    Incident,
    /// To the archived ticket.
    FollowUp,
    LargeFile,
    LostFiles,
    /// Asked by somebody who is permanently deleted.
    Orphan,
    Nobody,
    Copied,
}

const ODD: [Odd; 20] = [
    Odd::Not,
    Odd::LongThread,
    Odd::Merged,
    Odd::Not,
    Odd::Deleted,
    Odd::Archived,
    Odd::Private,
    Odd::Inline,
    Odd::Voice,
    Odd::PartnerVoice,
    Odd::Messaging,
    Odd::Problem,
    Odd::Incident,
    Odd::Incident,
    Odd::FollowUp,
    Odd::LargeFile,
    Odd::LostFiles,
    Odd::Orphan,
    Odd::Nobody,
    Odd::Copied,
];

fn odd(n: usize) -> Odd {
    ODD.get(n).copied().unwrap_or(Odd::Not)
}

fn place(wanted: Odd) -> u64 {
    ODD.iter().position(|odd| *odd == wanted).unwrap_or_default() as u64 + 1
}

/// Fills `account`, whose people are there already. `heavy`: large files on several messages of a ticket.
pub fn fill(account: &mut Account, seed: u64, tickets: usize, signer: Signer, heavy: bool) {
    let customers = people::customers(account);
    let gone = people::gone(account);
    let large = if heavy { LARGE_FILES } else { 1 };
    for n in 0..tickets {
        let mut random = Random::of(seed, &[1, n as u64]);
        let requester = match odd(n) {
            Odd::Orphan => gone.unwrap_or(customers[0]),
            _ => *random.pick(&customers),
        };
        let mut draft = Draft { n, odd: odd(n), requester, seed, signer, random, copied: Vec::new(), large };
        if draft.odd == Odd::Copied || draft.random.percent(10) {
            draft.copied = (0..2).map(|_| *draft.random.pick(&customers)).collect();
            draft.copied.dedup();
        }
        let comments = draft.comments();
        let organization = account.user(requester).map(|u| u.row["organization_id"].clone()).unwrap_or_default();
        let ticket = draft.ticket(comments, organization, tickets as u64);
        rate(account, &ticket);
        account.side_events.extend(side_conversations::beside(&ticket, n, seed));
        account.tickets.push(ticket);
        account.shelve(n);
    }
    account.tables.entry("satisfaction_ratings").or_default();
    account.tables.insert("suspended_tickets", if tickets == 0 { Vec::new() } else { suspended(customers[0]) });
}

/// What was held back: of a stranger, and of somebody the account knows. Fields are those of
/// <https://developer.zendesk.com/api-reference/ticketing/tickets/suspended_tickets/>.
fn suspended(known: u64) -> Vec<Value> {
    let row = |id: u64, author: Value, cause: &str, content: &str| {
        json!({
            "url": format!("{HERE}/api/v2/suspended_tickets/{id}.json"), "id": id, "author": author, "subject": "Held back <b>",
            "content": content, "cause": cause, "cause_id": 0, "message_id": format!("<{id}@mail.example>"), "error_messages": null,
            "ticket_id": null, "recipient": "support@acme.example", "brand_id": BRANDS[0], "attachments": [],
            "created_at": stamp(BEGAN + 7), "updated_at": stamp(BEGAN + 8), "via": via("email"),
        })
    };
    let stranger = json!({ "id": null, "name": "Mr. Nobody", "email": "nobody@else.example" });
    vec![
        row(3_436, stranger, "Detected as spam", "zdheld3436\nBuy <now> & here"),
        row(3_437, json!({ "id": known }), "Automated response mail", "zdheld3437\nOut of office"),
    ]
}

/// The rating a ticket shows is a row of a table, too.
fn rate(account: &mut Account, ticket: &Ticket) {
    let rating = &ticket.row["satisfaction_rating"];
    if let Some(id) = rating["id"].as_u64() {
        let row = json!({
            "url": format!("{HERE}/api/v2/satisfaction_ratings/{id}.json"), "id": id, "ticket_id": ticket.id,
            "assignee_id": ticket.row["assignee_id"], "group_id": ticket.row["group_id"],
            "requester_id": ticket.row["requester_id"], "score": rating["score"], "comment": rating["comment"],
            "reason": "No reason provided", "created_at": ticket.row["updated_at"],
            "updated_at": ticket.row["updated_at"],
        });
        account.tables.entry("satisfaction_ratings").or_default().push(row);
    }
}

struct Draft {
    n: usize,
    odd: Odd,
    requester: u64,
    seed: u64,
    signer: Signer,
    random: Random,
    copied: Vec<u64>,
    /// Messages with a large file.
    large: u64,
}

impl Draft {
    fn id(&self) -> u64 {
        self.n as u64 + 1
    }

    fn began(&self) -> i64 {
        BEGAN + self.n as i64 * APART
    }

    fn comments(&mut self) -> Vec<Comment> {
        let many = match self.odd {
            Odd::LongThread => LONG_THREAD,
            Odd::Deleted => 0,
            Odd::LargeFile if self.large > 1 => self.large,
            _ => 1 + self.random.below(6),
        };
        let mut comments: Vec<Comment> = (0..many).map(|c| self.comment(c)).collect();
        if self.odd == Odd::Merged {
            let text = format!("This request was closed and merged into request #{}", self.id() + 1);
            let body = words::Body { html: format!("<p>{text}</p>"), text };
            let mut last = self.written(many, agent(1), &body, false);
            last.mark = String::new();
            comments.push(last);
        }
        comments
    }

    fn comment(&mut self, c: u64) -> Comment {
        let mark = format!("zd{}c{c}s{}", self.id(), self.seed);
        let mut body = words::body(&mut self.random, &mark);
        let by_customer = c.is_multiple_of(2) && self.odd != Odd::Nobody;
        let author = if by_customer { self.requester } else { people::ADMIN + self.random.below(people::STAFF) };
        let public = if c == 0 { self.odd != Odd::Private } else { by_customer || self.random.percent(65) };
        let mut files = Vec::new();
        match self.odd {
            Odd::LargeFile if c < self.large => files.push(words::file_of(&mut self.random, LARGE_FILE)),
            Odd::LostFiles if c == 0 => files.extend((0..3).map(|_| words::file(&mut self.random))),
            _ if self.random.percent(18) => {
                files.extend((0..=self.random.below(2)).map(|_| words::file(&mut self.random)))
            }
            _ => {}
        }
        let mut files: Vec<StoredFile> = (0..).zip(files).map(|(f, file)| self.stored(c, f, file, false)).collect();
        if self.odd == Odd::LostFiles && c == 0 {
            files[0].deleted = true;
            files[1].malicious = true;
        }
        if (self.odd == Odd::Inline && c < 2) || self.random.percent(5) {
            let picture = words::image(&mut self.random, "image001.gif");
            let picture = self.stored(c, 9, picture, true);
            let address = format!("{HERE}/attachments/token/{}/?name=image001.gif", picture.token);
            body.html.push_str(&format!("<p><img src=\"{address}\" alt=\"a screen\" /></p>"));
            body.text.push_str(&format!("\n\n![]({address})"));
            files.push(picture);
        }
        if self.odd == Odd::Copied && c == 0 {
            files.push(self.linked(&mut body));
        }
        let mut comment = self.written(c, author, &body, public);
        comment.files = files;
        comment.mark = mark;
        if c == 1 {
            self.make_odd(&mut comment);
        }
        comment
    }

    /// A file that no list names and the body links to.
    fn linked(&self, body: &mut words::Body) -> StoredFile {
        let file = words::file_of(&mut Random::of(self.seed, &[10, self.id()]), 900);
        let stored = StoredFile { unlisted: true, ..self.stored(0, 8, file, false) };
        let name: String = url::form_urlencoded::byte_serialize(stored.name.as_bytes()).collect();
        let address = format!("{HERE}/attachments/token/{}/?name={name}", stored.token);
        body.html.push_str(&format!("<p>Look at <a href=\"{address}\">the file</a>.</p>"));
        body.text.push_str(&format!("\n\nLook at the file ({address})."));
        stored
    }

    /// Comments that are no mail: calls and chats.
    fn make_odd(&self, comment: &mut Comment) {
        let id = comment.row["id"].as_u64().unwrap_or_default();
        match self.odd {
            Odd::Voice => merge(
                &mut comment.row,
                json!({
                    "type": "VoiceComment",
                    "via": { "channel": "voice", "source": { "from": {}, "to": {}, "rel": "inbound" } },
                    "data": { "from": "+4930123456", "to": "+4930654321", "recording_url": recording(self.signer, id),
                        "call_duration": 42, "answered_by_id": agent(1), "transcription_text": null },
                    "formatted_from": "+49 30 123456", "formatted_to": "+49 30 654321", "transcription_visible": false,
                }),
            ),
            Odd::PartnerVoice => merge(
                &mut comment.row,
                json!({
                    "type": "TpeVoiceComment", "formatted_from": "+49 30 123456",
                    "data": { "recording_url": recording(self.signer, id), "call_duration": 7 },
                }),
            ),
            Odd::Messaging => merge(
                &mut comment.row,
                json!({ "via": { "channel": "native_messaging", "source": { "from": {}, "to": {}, "rel": null } } }),
            ),
            _ => {}
        }
    }

    fn stored(&self, comment: u64, place: u64, file: File, inline: bool) -> StoredFile {
        let id = 360_100_000_000 + self.id() * 10_000 + comment * 10 + place;
        let mut random = Random::of(self.seed, &[6, id]);
        let token = format!("{:016x}{:016x}", random.draw(), random.draw());
        StoredFile::drawn(id, token, file, inline)
    }

    fn written(&self, c: u64, author: u64, body: &words::Body, public: bool) -> Comment {
        // In the order of their numbers; the second of every seven in the second of the first.
        let at = self.began() + (c - u64::from(c % 7 == 1)) as i64 * 70;
        written(self.id(), c, author, body, public, at)
    }

    fn ticket(mut self, mut comments: Vec<Comment>, organization: Value, all: u64) -> Ticket {
        comments.sort_by_key(|comment| (comment.created_at, comment.row["id"].as_u64()));
        let id = self.id();
        let last = comments.last().map_or(self.began(), |c| c.created_at.as_second());
        let subject = if self.odd == Odd::Deleted { "SCRUBBED" } else { words::subject(&mut self.random) };
        let drawn = *self.random.pick(&STATUSES);
        let (status, custom_status) = match self.odd {
            Odd::Deleted => ("deleted", STATUSES[4].0),
            Odd::Merged | Odd::Archived => ("closed", STATUSES[4].0),
            Odd::Not if self.random.percent(25) => ("closed", STATUSES[4].0),
            _ => (drawn.1, drawn.0),
        };
        let incident = self.odd == Odd::Incident;
        let problem = self.odd == Odd::Problem;
        let kind = match self.odd {
            Odd::Incident => json!("incident"),
            Odd::Problem => json!("problem"),
            _ => self.random.pick(&[json!("question"), json!("task"), Value::Null]).clone(),
        };
        let fields = self.fields();
        let mut tags = self.tags(&fields);
        if self.odd == Odd::Merged {
            tags.push("closed_by_merge".to_owned());
        }
        let follows = self.odd == Odd::FollowUp;
        let is_followed = self.odd == Odd::Archived && all >= place(Odd::FollowUp);
        let first = comments.first();
        let mut row = blank(id);
        merge(
            &mut row,
            json!({
            "external_id": id.is_multiple_of(4).then(|| format!("ext-{id}")),
            "via": self.via(follows), "created_at": stamp(self.began()), "updated_at": stamp(last), "type": kind,
            "subject": subject, "raw_subject": subject,
            "description": first.map_or(json!("SCRUBBED"), |c| c.row["plain_body"].clone()),
            "priority": self.random.pick(&[Value::Null, json!("low"), json!("normal"), json!("high"), json!("urgent")]),
            "status": status, "recipient": "support@acme.example", "requester_id": self.requester,
            "submitter_id": first.map_or(json!(self.requester), |c| c.row["author_id"].clone()),
            }),
        );
        let unassigned = status == "new" || self.odd == Odd::Nobody;
        let rating = if matches!(status, "solved" | "closed") && self.random.percent(40) {
            let comment = self.random.percent(50).then_some("Danke! 👍 <3");
            json!({ "id": 360_000_040_000 + id, "score": self.random.pick(&["good", "bad"]), "comment": comment })
        } else {
            json!({ "score": "unoffered" })
        };
        let due = row["type"] == "task";
        merge(
            &mut row,
            json!({
                "assignee_id": (!unassigned).then(|| people::ADMIN + self.random.below(people::STAFF)),
                "organization_id": organization, "group_id": self.random.pick(&GROUPS),
                "collaborator_ids": self.copied,
                "follower_ids": if self.copied.is_empty() { vec![] } else { vec![agent(2)] },
                "email_cc_ids": self.copied,
                "problem_id": incident.then(|| place(Odd::Problem)),
                "has_incidents": problem && all > id, "is_public": first.is_none_or(|c| c.row["public"] == true),
                "due_at": due.then(|| stamp(last + 86_400)), "tags": tags, "custom_fields": fields,
                "satisfaction_rating": rating, "custom_status_id": custom_status,
                "fields": fields,
                "followup_ids": if is_followed { vec![place(Odd::FollowUp)] } else { vec![] },
                "ticket_form_id": self.random.pick(&FORMS), "brand_id": self.random.pick(&BRANDS),
                "from_messaging_channel": self.odd == Odd::Messaging,
                "support_type": if self.odd == Odd::Messaging { "ai_agent" } else { "agent" },
            }),
        );
        let old = status == "closed" && (self.odd == Odd::Archived || self.random.percent(40));
        // Now and then the system touches a ticket long after people did.
        let generated = if self.random.percent(20) { last + 5_000 } else { last + 1 };
        Ticket { id, row, comments, generated, archived: old, deleted: self.odd == Odd::Deleted, solved_at: None }
    }

    fn via(&self, follows: bool) -> Value {
        if follows {
            let from = json!({ "ticket_id": place(Odd::Archived), "subject": "the archived one", "channel": "email" });
            return json!({ "channel": "web", "source": { "from": from, "to": {}, "rel": "follow_up" } });
        }
        let channel = match self.odd {
            Odd::Voice | Odd::PartnerVoice => "voice",
            Odd::Messaging => "native_messaging",
            _ => ["email", "web", "api", "email"][self.n % 4],
        };
        via(channel)
    }

    fn fields(&mut self) -> Value {
        let random = &mut self.random;
        let mut value =
            |id: u64, some: Value| json!({ "id": id, "value": if random.percent(60) { some } else { Value::Null } });
        let n = self.n;
        let product = tables::PRODUCTS[n % tables::PRODUCTS.len()].0;
        let channels: Vec<_> = tables::CHANNELS[..1 + n % 2].iter().map(|(value, _)| *value).collect();
        json!([
            value(tables::TEXT, json!(format!("O-{n} <&>"))),
            value(tables::TEXTAREA, json!("turned it off\r\nand on again 🙃")),
            { "id": tables::CHECKBOX, "value": n.is_multiple_of(3) },
            value(tables::DATE, json!("2021-02-28")),
            value(tables::INTEGER, json!(n.to_string())),
            value(tables::DECIMAL, json!("19.90")),
            value(tables::TAGGER, json!(product)),
            value(tables::MULTISELECT, json!(channels)),
            value(tables::REGEXP, json!("AB-1234")),
        ])
    }

    /// Values of lists are tags at the same time.
    fn tags(&mut self, fields: &Value) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for field in fields.as_array().into_iter().flatten() {
            match field["id"].as_u64() {
                Some(tables::TAGGER) => tags.extend(field["value"].as_str().map(str::to_owned)),
                Some(tables::MULTISELECT) => {
                    let values = field["value"].as_array().into_iter().flatten();
                    tags.extend(values.filter_map(|v| v.as_str().map(str::to_owned)));
                }
                Some(tables::CHECKBOX) if field["value"] == true => tags.push("warranty".to_owned()),
                _ => {}
            }
        }
        for tag in ["vip", "größe", "back/slash", "with_underscore", "緊急"] {
            if self.random.percent(15) {
                tags.push(tag.to_owned());
            }
        }
        tags
    }
}

fn written(ticket: u64, c: u64, author: u64, body: &words::Body, public: bool, at: i64) -> Comment {
    let id = 360_200_000_000 + ticket * 10_000 + c * 10;
    comment(id, author, body, public, "email", Timestamp::from_second(at).unwrap_or_default())
}

/// A comment without files; its HTML in the element the vendor puts around.
pub fn comment(id: u64, author: u64, body: &words::Body, public: bool, channel: &str, at: Timestamp) -> Comment {
    let html = format!("<div class=\"zd-comment\" dir=\"auto\">{}</div>", body.html);
    let row = json!({
        "id": id, "type": "Comment", "author_id": author, "body": body.text, "html_body": html, "plain_body": body.text,
        "public": public, "audit_id": id + 1, "via": via(channel), "created_at": at.to_string(),
        "metadata": { "system": {}, "custom": {} },
    });
    Comment { row, mark: String::new(), files: Vec::new(), created_at: at }
}

pub fn via(channel: &str) -> Value {
    json!({ "channel": channel, "source": { "from": {}, "to": {}, "rel": null } })
}

/// All that a ticket shows, in the vendor's order, before anything is known of it.
pub fn blank(id: u64) -> Value {
    json!({
        "url": format!("{HERE}/api/v2/tickets/{id}.json"), "id": id, "external_id": null, "via": via("api"),
        "created_at": null, "updated_at": null, "type": null, "subject": null, "raw_subject": null, "description": null,
        "priority": null, "status": "open", "recipient": null, "requester_id": null, "submitter_id": null,
        "assignee_id": null, "organization_id": null, "group_id": null, "collaborator_ids": [], "follower_ids": [],
        "email_cc_ids": [], "forum_topic_id": null, "problem_id": null, "has_incidents": false, "is_public": true,
        "due_at": null, "tags": [], "custom_fields": [], "satisfaction_rating": { "score": "unoffered" },
        "sharing_agreement_ids": [], "custom_status_id": null, "fields": [], "followup_ids": [],
        "ticket_form_id": null, "brand_id": null, "allow_channelback": false, "allow_attachments": true,
        "from_messaging_channel": false, "support_type": "agent",
    })
}

/// The requester answers the `nth` ticket at `at`; nobody answers one that is closed or deleted.
pub fn touch(account: &mut Account, nth: usize, at: i64) -> Option<&Comment> {
    let ticket = account.tickets.get_mut(nth).filter(|ticket| !ticket.is_shut())?;
    let c = ticket.comments.len() as u64;
    let mark = format!("zd{}c{c}late", ticket.id);
    let text = format!("{mark}\n\nOne thing more.");
    let body = words::Body { html: format!("<p>{mark}</p><p>One thing more.</p>"), text };
    let author = ticket.row["requester_id"].as_u64().unwrap_or_default();
    let mut comment = written(ticket.id, c, author, &body, true, at);
    comment.mark = mark;
    ticket.row["updated_at"] = comment.row["created_at"].clone();
    ticket.generated = at;
    ticket.comments.push(comment);
    ticket.comments.last()
}
