//! A ticket's attributes as they are sent, checked against the account: what import, create and update share.
//!
//! <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/>. The vendor's own rules are those of
//! <https://support.zendesk.com/hc/en-us/articles/4408894213018>: an assigned ticket is not new, a settled one has an assignee.
//! *Unverified*, and so refused: that a closed one needs an assignee too, an assignee who is not in the group, an organization
//! that is not the requester's, somebody suspended as requester or author, a moment in the future.

use super::sent::{Fault, Sent, number, tags};
use super::store::{Account, Cause, HERE, Ticket};
use super::tables;
use crate::html;
use crate::words::Body;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

const STATUSES: [&str; 6] = ["new", "open", "pending", "hold", "solved", "closed"];
const PRIORITIES: [&str; 4] = ["low", "normal", "high", "urgent"];
const TYPES: [&str; 4] = ["problem", "incident", "question", "task"];
/// Characters of one comment.
const LONGEST: usize = 65_535;
/// People in copy of one ticket: <https://support.zendesk.com/hc/en-us/articles/4408843795482>
const MOST_COPIED: usize = 48;

/// A comment that may be written.
#[derive(Debug)]
pub struct Words {
    pub author: u64,
    pub body: Body,
    pub public: bool,
    /// As sent; only imports keep it.
    pub at: Option<Timestamp>,
    pub uploads: Vec<String>,
    pub channel: String,
}

impl Account {
    /// The ticket's row after `sent` was laid over `current`, all but comments and moments; whether it is one only shows once
    /// nothing is at fault.
    pub fn lay_ticket(&self, sent: &mut Sent<'_>, current: &Value) -> Value {
        let mut row = current.clone();
        for (name, allowed) in [("priority", &PRIORITIES[..]), ("type", &TYPES[..])] {
            if sent.names(name) {
                row[name] = json!(sent.one_of(name, allowed));
            }
        }
        if let Some(subject) = sent.text("subject") {
            (row["subject"], row["raw_subject"]) = (json!(subject), json!(subject));
        }
        for name in ["external_id", "recipient"] {
            if sent.names(name) {
                row[name] = json!(sent.line(name));
            }
        }
        self.people(sent, &mut row);
        self.places(sent, &mut row);
        self.status(sent, &mut row);
        self.copies(sent, &mut row);
        if sent.names("due_at") {
            row["due_at"] = json!(sent.time("due_at").map(|at| at.to_string()));
        }
        if sent.names("problem_id") {
            let problem = sent.id("problem_id");
            let is_problem = |id: u64| self.ticket(id).is_some_and(|t| t.row["type"] == "problem" && !t.deleted);
            if problem.is_some_and(|id| row["type"] != "incident" || !is_problem(id)) {
                sent.fault(Fault::invalid("problem_id", "is invalid"));
            }
            row["problem_id"] = json!(problem);
        }
        self.tagged(sent, &mut row);
        row
    }

    fn fit(&self, sent: &mut Sent<'_>, name: &str, id: u64) {
        if let Some(why) = self.unfit(id) {
            sent.fault(Fault::invalid(name, why));
        }
    }

    fn people(&self, sent: &mut Sent<'_>, row: &mut Value) {
        if let Some(requester) = sent.id("requester_id") {
            self.fit(sent, "requester_id", requester);
            row["requester_id"] = json!(requester);
        }
        if row["requester_id"].is_null() {
            row["requester_id"] = json!(self.admin);
        }
        if let Some(submitter) = sent.id("submitter_id") {
            self.fit(sent, "submitter_id", submitter);
            row["submitter_id"] = json!(submitter);
        }
        let organization = sent.id("organization_id");
        let asker = &row["requester_id"];
        let belongs = |id: u64| {
            let rows = self.table("organization_memberships").iter();
            rows.into_iter().any(|own| own["organization_id"] == id && own["user_id"] == *asker)
        };
        if organization.is_some_and(|id| !belongs(id)) {
            sent.fault(Fault::invalid("organization_id", "is invalid"));
        }
        if organization.is_some() || row["organization_id"].is_null() {
            let theirs = asker.as_u64().and_then(|id| self.user(id)).map(|user| user.row["organization_id"].clone());
            row["organization_id"] = organization.map_or(theirs.unwrap_or_default(), |id| json!(id));
        }
    }

    fn places(&self, sent: &mut Sent<'_>, row: &mut Value) {
        for (name, table) in [("group_id", "groups"), ("brand_id", "brands"), ("ticket_form_id", "ticket_forms")] {
            let id = sent.id(name);
            if id.is_some_and(|id| !self.has(table, id)) {
                sent.fault(Fault::invalid(name, "is invalid"));
            }
            if sent.names(name) {
                row[name] = json!(id);
            }
            if row[name].is_null() && name != "group_id" {
                row[name] = self.default_of(table);
            }
        }
        if sent.names("assignee_id") {
            row["assignee_id"] = json!(sent.id("assignee_id"));
        }
        let Some(assignee) = row["assignee_id"].as_u64() else { return };
        if !sent.names("assignee_id") && !sent.names("group_id") {
            return;
        }
        if !self.is_staff(assignee) {
            sent.fault(Fault::invalid("assignee_id", "is invalid"));
        } else if row["group_id"].is_null() {
            row["group_id"] = self.user(assignee).map_or(Value::Null, |user| user.row["default_group_id"].clone());
        } else if !self.is_member(assignee, &row["group_id"]) {
            sent.fault(Fault::invalid("assignee_id", "is not a member of the group"));
        }
    }

    fn is_member(&self, user: u64, group: &Value) -> bool {
        self.table("group_memberships").iter().any(|own| own["user_id"] == user && own["group_id"] == *group)
    }

    /// A custom status stands for the category it is of, whatever `status` says beside it.
    fn status(&self, sent: &mut Sent<'_>, row: &mut Value) {
        let said = sent.one_of("status", &STATUSES);
        let custom = sent.id("custom_status_id");
        let statuses = self.table("custom_statuses");
        let own = statuses.iter().find(|status| custom.is_some_and(|id| status["id"] == id));
        if custom.is_some() && own.is_none() {
            sent.fault(Fault::invalid("custom_status_id", "is invalid"));
        }
        if let Some(said) = said {
            row["status"] = json!(said);
            row["custom_status_id"] = Value::Null;
        }
        if let Some(own) = own {
            if said != Some("closed") {
                row["status"] = own["status_category"].clone();
            }
            row["custom_status_id"] = own["id"].clone();
        }
        if row["status"] == "new" && !row["assignee_id"].is_null() {
            (row["status"], row["custom_status_id"]) = (json!("open"), Value::Null);
        }
        if row["custom_status_id"].is_null() {
            let category = if row["status"] == "closed" { json!("solved") } else { row["status"].clone() };
            let stands = |status: &&Value| status["status_category"] == category && status["default"] == true;
            row["custom_status_id"] = statuses.iter().find(stands).map_or(Value::Null, |status| status["id"].clone());
        }
        let is_settled = row["status"] == "solved" || row["status"] == "closed";
        let is_asked = ["status", "custom_status_id", "assignee_id"].iter().any(|name| sent.names(name));
        if is_settled && is_asked && row["assignee_id"].is_null() {
            sent.fault(Fault::invalid("assignee_id", "is required when solving a ticket"));
        }
    }

    fn copies(&self, sent: &mut Sent<'_>, row: &mut Value) {
        for (name, list, staff) in [("email_cc_ids", "email_ccs", false), ("follower_ids", "followers", true)] {
            let mut ids = sent.ids(name);
            if let Some(people) = sent.objects(list) {
                let known = |person: &&Object| {
                    let id = person.get("user_id").and_then(number);
                    id.or_else(|| self.user_by_email(person.get("user_email")?.as_str()?))
                };
                let added = people.iter().filter(|p| p.get("action").is_none_or(|action| action != "delete"));
                let found: Option<Vec<u64>> = added.map(known).collect();
                if found.is_none() {
                    sent.fault(Fault::invalid(list, "is invalid"));
                }
                ids.get_or_insert_default().extend(found.unwrap_or_default());
            }
            if name == "email_cc_ids" && ids.is_none() {
                ids = sent.ids("collaborator_ids");
            }
            let Some(mut ids) = ids else { continue };
            ids.dedup();
            let fits = |id: &u64| if staff { self.is_staff(*id) } else { self.unfit(*id).is_none() };
            if !ids.iter().all(fits) || ids.len() > MOST_COPIED {
                sent.fault(Fault::invalid(name, "is invalid"));
            }
            row[name] = json!(ids);
        }
        let all = [&row["email_cc_ids"], &row["follower_ids"]].into_iter().filter_map(Value::as_array).flatten();
        let mut collaborators: Vec<Value> = Vec::new();
        for id in all {
            if !collaborators.contains(id) {
                collaborators.push(id.clone());
            }
        }
        row["collaborator_ids"] = json!(collaborators);
    }

    fn tagged(&self, sent: &mut Sent<'_>, row: &mut Value) {
        let own = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
        };
        let mut kept = own(&row["tags"]);
        if let Some(all) = sent.texts("tags") {
            kept = tags(&all);
        }
        for tag in tags(&sent.texts("additional_tags").unwrap_or_default()) {
            if !kept.contains(&tag) {
                kept.push(tag);
            }
        }
        let gone = tags(&sent.texts("remove_tags").unwrap_or_default());
        kept.retain(|tag| !gone.contains(tag));
        let given = sent.objects("custom_fields").unwrap_or_default();
        let values = self.lay_fields(&row["custom_fields"], &given, &mut kept, sent);
        tables::merge(row, json!({ "tags": kept, "custom_fields": values, "fields": values }));
    }

    /// One comment, by `otherwise` unless it says who wrote it.
    pub fn words(&self, sent: &mut Sent<'_>, given: &Value, otherwise: u64, cause: &Cause) -> Option<Words> {
        let plain = Object::from_iter([("body".to_owned(), given.clone())]);
        let Some(values) = given.as_object().or(given.is_string().then_some(&plain)) else {
            sent.fault(Fault::invalid("comment", "is invalid"));
            return None;
        };
        let mut own = Sent::of(values);
        let author = own.id("author_id").unwrap_or(otherwise);
        if let Some(why) = self.unfit(author) {
            own.fault(Fault::invalid("author_id", why));
        }
        let plain = own.text("body").or_else(|| own.text("value")).unwrap_or_default();
        let (letters, body) = match own.text("html_body") {
            Some(html) => (html.chars().count(), Body { html: cleaned(html), text: html::text(html) }),
            None => (plain.chars().count(), Body { html: paragraphs(plain), text: plain.to_owned() }),
        };
        if html::is_blank(&body.html) {
            own.fault(Fault::blank("comment"));
        }
        if letters > LONGEST {
            own.fault(Fault::long("comment", LONGEST));
        }
        let at = own.time("created_at");
        if at.is_some_and(|at| at < Timestamp::UNIX_EPOCH || at > cause.at) {
            own.fault(Fault::invalid("created_at", "is before 1970 or in the future"));
        }
        let uploads = match values.get("uploads") {
            Some(Value::String(token)) => vec![token.clone()],
            _ => own.texts("uploads").unwrap_or_default(),
        };
        own.faults.extend(self.unusable(&uploads, cause.at));
        let public = own.flag("public").unwrap_or(true);
        let channel = values.get("via").and_then(|via| via["channel"].as_str()).unwrap_or("api").to_owned();
        sent.faults.append(&mut own.faults);
        Some(Words { author, body, public, at, uploads, channel })
    }
}

/// Cleaned, with the account's own addresses, which are not of a scheme that survives, as they were.
fn cleaned(html: &str) -> String {
    const LENT: &str = "https://here.zendesk.example/";
    html::cleaned(&html.replace(&format!("{HERE}/"), LENT)).replace(LENT, &format!("{HERE}/"))
}

/// Plain words as HTML: a paragraph for each blank line, a break for each other.
fn paragraphs(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace("\r\n", "\n");
    let lines = escaped.split("\n\n").map(|part| format!("<p dir=\"auto\">{}</p>", part.replace('\n', "<br>")));
    lines.collect()
}

impl Ticket {
    pub fn is_closed(&self) -> bool {
        self.row["status"] == "closed"
    }
}
