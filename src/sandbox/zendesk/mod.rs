//! Zendesk Support as a source: what a migration reads, in the vendor's shapes. It is never written to.
//!
//! Shapes are those of recorded answers (go-zendesk, node-zendesk) and of the reference,
//! <https://developer.zendesk.com/api-reference/>. What no source says takes the stricter reading, and is
//! marked.

mod export;
mod files;
mod pages;
mod people;
mod plan;
mod refusal;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod tickets;

use super::desk::{Answer, Call, Desk, Limit, Mail, Standing};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use export::Row;
use files::Signer;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use store::{Account, Comment, ELSEWHERE, HERE, Ticket};

/// Ids one call may name.
const MOST_IDS: usize = 100;

pub struct Zendesk {
    account: Account,
    plan: String,
    signer: Signer,
    token: String,
    seed: u64,
}

impl Zendesk {
    /// An account of `tickets` tickets on the plan called `plan`; the same `seed` gives the same.
    pub fn new(seed: u64, tickets: usize, plan: Option<&str>) -> Self {
        let signer = Signer(seed);
        let mut account = Account { tables: tables::tables(), ..Account::default() };
        people::fill(&mut account, seed, tickets as u64 / 3 + 12);
        tickets::fill(&mut account, seed, tickets, signer);
        let token = format!("sandbox-{seed:08x}");
        Self { account, plan: plan.unwrap_or(plan::USUAL).to_owned(), signer, token, seed }
    }

    fn knows(&self, call: &Call) -> bool {
        let wanted = STANDARD.encode(format!("{}/token:{}", people::ADMIN_EMAIL, self.token));
        let given = call.headers.get("authorization").and_then(|v| v.to_str().ok());
        given.and_then(|v| v.strip_prefix("Basic ")) == Some(&wanted)
    }

    fn api(&self, call: &Call, path: &[&str], now: Timestamp) -> Answer {
        let known = self.knows(call);
        if !known {
            // Recorded: `users/me` answers a stranger, too.
            let anonymous = json!({ "user": { "id": null, "name": "Anonymous user", "role": "end-user" } });
            return if path == ["users", "me"] { Answer::json(200, &anonymous) } else { refusal::unauthenticated() };
        }
        if call.method != "GET" {
            return refusal::forbidden("this look-alike is only read");
        }
        if plan::lacks(&self.plan, path.first().copied().unwrap_or_default()) {
            return refusal::forbidden(
                "You do not have access to this page. Please contact the account owner of this help desk.",
            );
        }
        let id = |text: &str| text.parse::<u64>().ok();
        let one = |name: &str, row: Option<Value>| match row {
            Some(row) => Answer::json(200, &json!({ name: row })),
            None => refusal::not_found(),
        };
        match path {
            ["incremental", name @ ..] => self.export(name, call, now),
            ["tickets"] => pages::answer("tickets", self.listed().map(|t| t.row.clone()).collect(), call),
            ["tickets", "show_many"] => self.show_many(call),
            ["tickets", "count"] => Answer::json(
                200,
                &json!({ "count": { "value": self.listed().count(), "refreshed_at": now.to_string() } }),
            ),
            ["tickets", ticket] => one("ticket", id(ticket).and_then(|id| self.shown(id)).map(|t| t.row.clone())),
            ["tickets", ticket, "comments"] => self.comments(id(ticket), call),
            ["users"] => self.users(call),
            ["users", "me"] => one("user", self.user(people::ADMIN)),
            ["users", user] => one("user", id(user).and_then(|id| self.user(id))),
            ["users", user, "identities"] => match id(user).and_then(|id| Some((id, self.user(id)?))) {
                Some((id, _)) => pages::answer("identities", self.identities(|own| own["user_id"] == id), call),
                None => refusal::not_found(),
            },
            ["organizations"] => {
                pages::answer("organizations", self.account.organizations.iter().map(|o| o.row.clone()).collect(), call)
            }
            ["organizations", own] => {
                let found =
                    self.account.organizations.iter().find(|o| Some(&o.row["id"]) == id(own).map(Value::from).as_ref());
                one("organization", found.map(|o| o.row.clone()))
            }
            ["account", "settings"] => Answer::json(200, &self.settings()),
            ["attachments", file] => self.attachment(id(file)),
            // Documented to come whole.
            [table @ ("ticket_fields" | "custom_statuses" | "ticket_forms")] if call.param("page[size]").is_none() => {
                pages::whole(table, self.account.table(table))
            }
            ["ticket_fields", field, "options"] => {
                let field = self
                    .account
                    .table("ticket_fields")
                    .iter()
                    .find(|f| Some(&f["id"]) == id(field).map(Value::from).as_ref());
                match field {
                    Some(field) => {
                        let options = field["custom_field_options"].as_array().cloned().unwrap_or_default();
                        pages::answer("custom_field_options", options, call)
                    }
                    None => refusal::not_found(),
                }
            }
            [table] => match self.account.tables.get(table) {
                Some(rows) => pages::answer(table, rows.clone(), call),
                None => refusal::invalid_endpoint(),
            },
            _ => refusal::invalid_endpoint(),
        }
    }

    /// Lists know neither archived nor deleted tickets.
    fn listed(&self) -> impl Iterator<Item = &Ticket> {
        self.account.tickets.iter().filter(|t| !t.archived && !t.deleted)
    }

    /// An archived ticket is still shown by its id.
    fn shown(&self, id: u64) -> Option<&Ticket> {
        self.account.ticket(id).filter(|t| !t.deleted)
    }

    fn user(&self, id: u64) -> Option<Value> {
        let row = self.account.user(id).map(|user| &user.row)?;
        (row["permanently_deleted"] != true).then(|| {
            let mut row = row.clone();
            if let Some(row) = row.as_object_mut() {
                row.shift_remove("permanently_deleted");
            }
            row
        })
    }

    fn identities(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.account.identities.iter().filter(|own| wanted(own)).cloned().collect()
    }

    /// Only those who are active are listed.
    fn users(&self, call: &Call) -> Answer {
        let roles: Vec<&str> =
            call.query.iter().filter(|(n, _)| n == "role[]" || n == "role").map(|(_, v)| v.as_str()).collect();
        let wanted =
            |row: &Value| row["active"] == true && (roles.is_empty() || roles.iter().any(|role| row["role"] == *role));
        let rows =
            self.account.users.iter().filter(|u| wanted(&u.row)).filter_map(|u| self.user(u.row["id"].as_u64()?));
        let mut answer = pages::answer("users", rows.collect(), call);
        if answer.status == 200
            && includes(call, "identities")
            && let Ok(Value::Object(mut page)) = serde_json::from_slice(&answer.body)
        {
            self.add_identities(&mut page);
            answer.body = Value::Object(page).to_string().into_bytes();
        }
        answer
    }

    fn add_identities(&self, page: &mut Map<String, Value>) {
        let ids: Vec<Value> = page["users"].as_array().into_iter().flatten().map(|u| u["id"].clone()).collect();
        page.insert("identities".to_owned(), Value::Array(self.identities(|own| ids.contains(&own["user_id"]))));
    }

    fn show_many(&self, call: &Call) -> Answer {
        let (name, list) = match (call.param("ids"), call.param("external_ids")) {
            (Some(list), None) => ("id", list),
            (None, Some(list)) => ("external_id", list),
            _ => return refusal::invalid("ids", "is missing"),
        };
        let wanted: Vec<&str> = list.split(',').collect();
        if wanted.len() > MOST_IDS {
            return refusal::too_many_values();
        }
        let is_wanted = |t: &&Ticket| match &t.row[name] {
            Value::String(own) => wanted.contains(&own.as_str()),
            own => wanted.contains(&own.to_string().as_str()),
        };
        let rows: Vec<Value> =
            self.account.tickets.iter().filter(|t| !t.deleted).filter(is_wanted).map(|t| t.row.clone()).collect();
        Answer::json(200, &json!({ "count": rows.len(), "tickets": rows, "next_page": null, "previous_page": null }))
    }

    fn comments(&self, ticket: Option<u64>, call: &Call) -> Answer {
        let Some(ticket) = ticket.and_then(|id| self.shown(id)) else { return refusal::not_found() };
        let inline = call.param("include_inline_images") == Some("true");
        let mut rows: Vec<Value> = ticket.comments.iter().map(|c| comment(c, inline)).collect();
        if call.param("sort") == Some("-created_at") || call.param("sort_order") == Some("desc") {
            rows.reverse();
        }
        pages::answer("comments", rows, call)
    }

    fn attachment(&self, id: Option<u64>) -> Answer {
        let all = self.account.tickets.iter().flat_map(|t| &t.comments).flat_map(|c| &c.files);
        match all.into_iter().find(|file| Some(file.id) == id) {
            Some(file) => Answer::json(200, &json!({ "attachment": files::show(file) })),
            None => refusal::not_found(),
        }
    }

    fn settings(&self) -> Value {
        json!({ "settings": {
            "branding": { "header_color": "1A00C3" },
            "active_features": { "custom_statuses_enabled": true, "ticket_forms": true, "satisfaction": true },
            "tickets": { "private_attachments": false, "comments_public_by_default": true },
            "limits": { "attachment_size": 52_428_800 },
        } })
    }

    fn export(&self, name: &[&str], call: &Call, now: Timestamp) -> Answer {
        let page = match name {
            ["tickets", "cursor"] => export::by_cursor("tickets", self.exported(call), call, now),
            ["tickets"] => export::by_time("tickets", self.exported(call), call, now),
            ["users", "cursor"] => export::by_cursor("users", parties(&self.account.users), call, now),
            ["users"] => export::by_time("users", parties(&self.account.users), call, now),
            ["organizations"] => export::by_time("organizations", parties(&self.account.organizations), call, now),
            ["ticket_events"] => export::by_time("ticket_events", self.events(call), call, now),
            _ => return refusal::invalid_endpoint(),
        };
        let mut page = match page {
            Ok(page) => page,
            Err(refused) => return refused,
        };
        if name[0] == "users" && includes(call, "identities") {
            self.add_identities(&mut page);
        }
        Answer::json(200, &Value::Object(page))
    }

    fn exported(&self, call: &Call) -> Vec<Row<'_>> {
        let no_deleted = call.param("exclude_deleted") == Some("true");
        let counted = includes(call, "comment_count");
        let row = move |ticket: &Ticket| {
            let mut row = ticket.row.clone();
            row["generated_timestamp"] = json!(ticket.generated);
            if counted {
                row["comment_count"] = json!(ticket.comments.len());
            }
            row
        };
        let wanted = self.account.tickets.iter().filter(|t| !(no_deleted && t.deleted));
        wanted.map(|t| Row { generated: t.generated, id: t.id, show: Box::new(move || row(t)) }).collect()
    }

    /// One event a comment; without the sideload only that there was one.
    fn events(&self, call: &Call) -> Vec<Row<'_>> {
        let whole = includes(call, "comment_events");
        let all = self.account.tickets.iter().flat_map(|t| t.comments.iter().map(move |c| (t, c)));
        let row = move |(ticket, c): (&Ticket, &Comment)| {
            let mut child = if whole {
                comment(c, true)
            } else {
                json!({ "id": c.row["id"], "comment_present": true, "comment_public": c.row["public"] })
            };
            child["event_type"] = json!("Comment");
            child["via_reference_id"] = Value::Null;
            json!({
                "child_events": [child], "id": c.row["audit_id"], "ticket_id": ticket.id,
                "timestamp": c.created_at.as_second(), "created_at": c.row["created_at"],
                "updater_id": c.row["author_id"], "via": "Mail", "system": {}, "metadata": {}, "event_type": "Audit",
            })
        };
        all.map(|(t, c)| Row {
            generated: c.created_at.as_second(),
            id: c.row["id"].as_u64().unwrap_or_default(),
            show: Box::new(move || row((t, c))),
        })
        .collect()
    }

    fn told(&self, c: &Comment) -> Value {
        let files: Vec<Value> = c
            .files
            .iter()
            .map(|stored| {
                json!({
                    "id": stored.id, "name": stored.file.name, "content_type": stored.file.content_type,
                    "size": stored.file.size, "sha256": stored.sha256.get_or_init(|| stored.file.sha256()), "inline": stored.inline,
                    "downloadable": !stored.deleted && !stored.malicious,
                })
            })
            .collect();
        let mut row = c.row.clone();
        row["mark"] = json!(c.mark);
        row["files"] = json!(files);
        row
    }
}

fn includes(call: &Call, what: &str) -> bool {
    call.param("include").is_some_and(|list| list.split(',').any(|one| one == what))
}

/// Inline images are listed only on demand.
fn comment(comment: &Comment, inline: bool) -> Value {
    let mut row = comment.row.clone();
    row["attachments"] = comment.files.iter().filter(|file| inline || !file.inline).map(files::show).collect();
    row
}

fn parties(all: &[store::Party]) -> Vec<Row<'_>> {
    let id = |party: &store::Party| party.row["id"].as_u64().unwrap_or_default();
    all.iter().map(|p| Row { generated: p.generated, id: id(p), show: Box::new(|| p.row.clone()) }).collect()
}

impl Desk for Zendesk {
    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        let path = call.path.strip_suffix(".json").unwrap_or(&call.path);
        let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        let answer = match segments.as_slice() {
            ["attachments", "token", token] => return files::redirect(&self.account, self.signer, token, call, now),
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
        files::download(&self.account, self.signer, path_and_query, now)
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
            row["archived"] = json!(ticket.archived);
            row["deleted"] = json!(ticket.deleted);
            row["generated_timestamp"] = json!(ticket.generated);
            row
        });
        let rows = |all: &[store::Party]| -> Value { all.iter().map(|party| party.row.clone()).collect() };
        json!({
            "platform": "zendesk", "seed": self.seed, "plan": self.plan, "tickets": tickets.collect::<Value>(),
            "users": rows(&self.account.users), "organizations": rows(&self.account.organizations),
            "identities": self.account.identities, "tables": self.account.tables,
        })
    }

    /// It is only read, so nobody is mailed.
    fn mails(&self) -> Vec<Mail> {
        Vec::new()
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
