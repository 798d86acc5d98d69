//! What a migration reads, in the vendor's shapes.

use super::export::{self, Row};
use super::store::{self, Account, Comment, Ticket};
use super::{Zendesk, files, pages, plan, refusal, rules, side_conversations};
use crate::desk::{Answer, Call};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Ids one call may name.
const MOST_IDS: usize = 100;

impl Zendesk {
    pub fn read(&self, call: &Call, path: &[&str], now: Timestamp) -> Answer {
        let id = |text: &str| text.parse::<u64>().ok();
        match path {
            ["incremental", name @ ..] => self.export(name, call, now),
            ["tickets"] => {
                let external = call.param("external_id");
                let wanted = |t: &&Ticket| external.is_none_or(|external| t.row["external_id"] == *external);
                pages::answer("tickets", self.listed().filter(wanted).map(|t| t.row.clone()).collect(), call)
            }
            ["tickets", "show_many"] => self.show_many(call),
            ["tickets", "count"] => Answer::json(
                200,
                &json!({ "count": { "value": self.listed().count(), "refreshed_at": now.to_string() } }),
            ),
            ["tickets", _, "side_conversations"] | ["tickets", "side_conversations", "events"]
                if plan::lacks(&self.plan, "side_conversations") =>
            {
                refusal::forbidden(plan::NO_ACCESS)
            }
            ["tickets", "side_conversations", "events"] => {
                side_conversations::export(&self.account, call, now.as_second() - self.export_lag.as_secs())
            }
            ["tickets", ticket, "side_conversations"] => match id(ticket).and_then(|id| self.shown(id)) {
                Some(ticket) => side_conversations::of_ticket(&self.account, ticket, call),
                None => refusal::not_found(),
            },
            ["tickets", ticket] => one("ticket", id(ticket).and_then(|id| self.shown(id)).map(|t| t.row.clone())),
            ["tickets", ticket, "comments"] => self.comments(id(ticket), call),
            ["users"] => self.users(call),
            ["users", "me"] => one("user", self.user(self.account.admin)),
            ["users", "search"] => self.search_users(call),
            ["users", "show_many"] => {
                let row = |row: &Value| row["permanently_deleted"] != true;
                show_many("users", self.account.users.iter().map(|u| &u.row).filter(|u| row(u)), call)
            }
            ["users", user] => self.one_user(id(user), call),
            ["users", user, "tickets", "requested"] => {
                let own = |t: &&Ticket| t.row["requester_id"].as_u64() == id(user);
                pages::answer("tickets", self.listed().filter(own).map(|t| t.row.clone()).collect(), call)
            }
            ["organizations", own, "users"] => {
                let member =
                    |u: &&store::Party| u.row["organization_id"].as_u64() == id(own) && u.row["active"] == true;
                pages::answer("users", self.account.users.iter().filter(member).map(|u| u.row.clone()).collect(), call)
            }
            ["users", user, "identities"] => match id(user).and_then(|id| Some((id, self.user(id)?))) {
                Some((id, _)) => pages::answer("identities", self.identities(|own| own["user_id"] == id), call),
                None => refusal::not_found(),
            },
            ["organizations"] => {
                pages::answer("organizations", self.account.organizations.iter().map(|o| o.row.clone()).collect(), call)
            }
            ["organizations", "search"] => self.search_organizations(call),
            ["organizations", "show_many"] => {
                show_many("organizations", self.account.organizations.iter().map(|own| &own.row), call)
            }
            ["organizations", own] => {
                one("organization", id(own).and_then(|id| self.account.organization(id)).map(|own| own.row.clone()))
            }
            ["job_statuses", rest @ ..] => self.account.show_jobs(rest, call, now),
            ["slas", "policies"] => Answer::json(200, &rules::policies()),
            ["account", "settings"] => Answer::json(200, &self.settings()),
            ["attachments", file] => files::attachment(&self.account, id(file)),
            // Documented to come whole.
            [table @ ("ticket_fields" | "custom_statuses" | "ticket_forms")] if call.param("page[size]").is_none() => {
                pages::whole(table, self.account.table(table))
            }
            ["ticket_fields", field, "options"] => {
                match id(field).and_then(|id| row(&self.account, "ticket_fields", id)) {
                    Some(field) => {
                        let options = field["custom_field_options"].as_array().cloned().unwrap_or_default();
                        pages::answer("custom_field_options", options, call)
                    }
                    None => refusal::not_found(),
                }
            }
            [table, own] => match singular(table).zip(id(own)) {
                Some((name, id)) => one(name, row(&self.account, table, id).cloned()),
                None => refusal::invalid_endpoint(),
            },
            [table] => match self.account.tables.get(table) {
                Some(rows) => pages::answer(table, rows.clone(), call),
                None => match rules::listed(table) {
                    Some(rows) => pages::answer(table, rows, call),
                    None => refusal::invalid_endpoint(),
                },
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

    /// *Unverified:* that the identities may stand beside one user as they may beside many.
    fn one_user(&self, id: Option<u64>, call: &Call) -> Answer {
        match id.and_then(|id| self.user(id)) {
            Some(user) if includes(call, "identities") => {
                let own = self.identities(|own| own["user_id"] == user["id"]);
                Answer::json(200, &json!({ "user": user, "identities": own }))
            }
            user => one("user", user),
        }
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
        self.with_identities(pages::answer("users", rows.collect(), call), call)
    }

    /// A page of users with their identities beside them, where they are asked for.
    fn with_identities(&self, mut answer: Answer, call: &Call) -> Answer {
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

    /// By their ids archived tickets are shown, too; by `external_ids` they are not: *unverified*.
    fn show_many(&self, call: &Call) -> Answer {
        let by_id = call.param("ids").is_some();
        let rows = self.account.tickets.iter().filter(|t| !t.deleted && (by_id || !t.archived));
        show_many("tickets", rows.map(|t| &t.row), call)
    }

    /// `query` is an address, `email:ADDRESS` or words of a name; never what changed within the lag of the index.
    fn search_users(&self, call: &Call) -> Answer {
        let lower = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
        let active = self.account.users.iter().filter(|user| user.row["active"] == true);
        let rows: Vec<Value> = match (call.param("external_id"), call.param("query")) {
            (Some(external), None) => active
                .filter(|user| lower(&user.row["external_id"]) == external.to_lowercase())
                .map(|u| u.row.clone())
                .collect(),
            (None, Some(query)) => {
                let words = query.trim_start_matches("email:").trim_matches('"').to_lowercase();
                let owner = self.account.user_by_email(&words);
                let is_found = |user: &&store::Party| {
                    user.row["id"].as_u64() == owner || (owner.is_none() && lower(&user.row["name"]).contains(&words))
                };
                active.filter(is_found).map(|user| user.row.clone()).collect()
            }
            _ => return refusal::invalid("query", "is missing"),
        };
        self.with_identities(pages::answer("users", rows, call), call)
    }

    /// The whole `name` or `external_id`, whatever its case.
    fn search_organizations(&self, call: &Call) -> Answer {
        let (name, wanted) = match (call.param("name"), call.param("external_id")) {
            (Some(wanted), None) => ("name", wanted.to_lowercase()),
            (None, Some(wanted)) => ("external_id", wanted.to_lowercase()),
            _ => return refusal::invalid("name", "is missing"),
        };
        let is_it = |own: &&store::Party| own.row[name].as_str().is_some_and(|own| own.to_lowercase() == wanted);
        let rows = self.account.organizations.iter().filter(is_it).map(|own| own.row.clone());
        pages::answer("organizations", rows.collect(), call)
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

    fn settings(&self) -> Value {
        json!({ "settings": {
            "branding": { "header_color": "1A00C3" },
            "active_features": { "custom_statuses_enabled": true, "ticket_forms": true, "satisfaction": true },
            "tickets": { "private_attachments": false, "comments_public_by_default": true },
            "limits": { "attachment_size": 52_428_800 },
        } })
    }

    fn export(&self, name: &[&str], call: &Call, now: Timestamp) -> Answer {
        let border = now.as_second() - self.export_lag.as_secs();
        let page = match name {
            ["tickets", "cursor"] => export::by_cursor("tickets", self.exported(call), call, border),
            ["tickets"] => export::by_time("tickets", self.exported(call), call, border),
            ["users", "cursor"] => export::by_cursor("users", parties(&self.account.users), call, border),
            ["users"] => export::by_time("users", parties(&self.account.users), call, border),
            ["organizations"] => export::by_time("organizations", parties(&self.account.organizations), call, border),
            ["ticket_events"] => export::by_time("ticket_events", self.events(call), call, border),
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
        let scope = SupportType::asked(call);
        let wanted = self.account.tickets.iter().filter(|t| !(no_deleted && t.deleted) && scope.shows(t));
        wanted.map(|t| Row { generated: t.generated, id: t.id, show: Box::new(move || row(t)) }).collect()
    }

    /// One event a comment; without the sideload only that there was one.
    fn events(&self, call: &Call) -> Vec<Row<'_>> {
        let whole = includes(call, "comment_events");
        let scope = SupportType::asked(call);
        let wanted = self.account.tickets.iter().filter(|t| scope.shows(t));
        let all = wanted.flat_map(|t| t.comments.iter().map(move |c| (t, c)));
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
}

/// Which tickets an export shows: those of human agents, unless `support_type_scope` asks for more.
#[derive(Clone, Copy)]
enum SupportType {
    All,
    Only(&'static str),
}

impl SupportType {
    fn asked(call: &Call) -> Self {
        match call.param("support_type_scope") {
            Some("all") => Self::All,
            Some("ai_agent") => Self::Only("ai_agent"),
            _ => Self::Only("agent"),
        }
    }

    fn shows(self, ticket: &Ticket) -> bool {
        match self {
            Self::All => true,
            Self::Only(kind) => ticket.row["support_type"].as_str().unwrap_or("agent") == kind,
        }
    }
}

/// Rows by `ids` or `external_ids`.
fn show_many<'a>(name: &str, rows: impl Iterator<Item = &'a Value>, call: &Call) -> Answer {
    let (by, list) = match (call.param("ids"), call.param("external_ids")) {
        (Some(list), None) => ("id", list),
        (None, Some(list)) => ("external_id", list),
        _ => return refusal::invalid("ids", "is missing"),
    };
    let wanted: Vec<&str> = list.split(',').collect();
    if wanted.len() > MOST_IDS {
        return refusal::too_many_values();
    }
    let is_wanted = |row: &&Value| match &row[by] {
        Value::String(own) => wanted.contains(&own.as_str()),
        own => wanted.contains(&own.to_string().as_str()),
    };
    let rows: Vec<Value> = rows.filter(is_wanted).cloned().collect();
    Answer::json(200, &json!({ "count": rows.len(), name: rows, "next_page": null, "previous_page": null }))
}

/// How one row of a small table is called.
fn singular(table: &str) -> Option<&'static str> {
    Some(match table {
        "groups" => "group",
        "brands" => "brand",
        "ticket_forms" => "ticket_form",
        "ticket_fields" => "ticket_field",
        "user_fields" => "user_field",
        "organization_fields" => "organization_field",
        "custom_statuses" => "custom_status",
        "group_memberships" => "group_membership",
        "organization_memberships" => "organization_membership",
        "satisfaction_ratings" => "satisfaction_rating",
        "suspended_tickets" => "suspended_ticket",
        _ => return None,
    })
}

fn row<'a>(account: &'a Account, table: &str, id: u64) -> Option<&'a Value> {
    account.table(table).iter().find(|row| row["id"] == id)
}

fn includes(call: &Call, what: &str) -> bool {
    call.param("include").is_some_and(|list| list.split(',').any(|one| one == what))
}

/// Inline images are listed only on demand.
fn comment(comment: &Comment, inline: bool) -> Value {
    let mut row = comment.row.clone();
    row["attachments"] =
        comment.files.iter().filter(|file| !file.unlisted && (inline || !file.inline)).map(files::show).collect();
    row
}

fn parties(all: &[store::Party]) -> Vec<Row<'_>> {
    let id = |party: &store::Party| party.row["id"].as_u64().unwrap_or_default();
    all.iter().map(|p| Row { generated: p.generated, id: id(p), show: Box::new(|| p.row.clone()) }).collect()
}

/// A single record under its name.
fn one(name: &str, row: Option<Value>) -> Answer {
    match row {
        Some(row) => Answer::json(200, &json!({ name: row })),
        None => refusal::not_found(),
    }
}
