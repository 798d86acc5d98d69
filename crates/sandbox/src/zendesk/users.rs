//! Writing users and their identities. <https://developer.zendesk.com/api-reference/ticketing/users/users/>
//!
//! Found by any address of somebody active, in any case, or by `external_id`, which then takes the case that was sent. An `email`
//! in an update is added beside those that are there: "on update, a secondary email is added". *Unverified:* that a
//! time zone must be one of the vendor's own names, and how wide a seat limit is: none is kept.

use super::people::blank;
use super::sent::{Fault, Invalid, Sent, tags};
use super::store::{Account, Cause, HERE, Party};
use super::tables::merge;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

const ROLES: [&str; 3] = ["end-user", "agent", "admin"];
const COPIED: [&str; 9] =
    ["phone", "alias", "details", "notes", "signature", "locale", "locale_id", "verified", "suspended"];
const ZONES: &str = include_str!("../freshdesk/time_zones.txt");

/// Whether a write made something or found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    New,
    Known,
}

impl Account {
    pub fn user_by_email(&self, address: &str) -> Option<u64> {
        let here = |own: &&Value| {
            own["type"] == "email" && own["value"].as_str().is_some_and(|value| value.eq_ignore_ascii_case(address))
        };
        let users = self.identities.iter().filter(here).filter_map(|own| own["user_id"].as_u64());
        users.into_iter().find(|id| self.is_active(*id))
    }

    pub fn user_by_external_id(&self, external: &str) -> Option<u64> {
        let has = |user: &&Party| {
            user.row["external_id"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(external))
                && user.row["active"] == true
        };
        self.users.iter().find(has).and_then(|user| user.row["id"].as_u64())
    }

    fn is_active(&self, id: u64) -> bool {
        self.user(id).is_some_and(|user| user.row["active"] == true && user.row["permanently_deleted"] != true)
    }

    /// Why somebody can neither ask nor write.
    pub fn unfit(&self, id: u64) -> Option<&'static str> {
        match self.user(id) {
            Some(user) if self.is_active(id) => (user.row["suspended"] == true).then_some("is suspended"),
            _ => Some("is invalid"),
        }
    }

    pub fn is_staff(&self, id: u64) -> bool {
        self.unfit(id).is_none() && self.user(id).is_some_and(|user| user.row["role"] != "end-user")
    }

    pub fn create_or_update_user(&mut self, values: &Object, cause: &Cause) -> Result<(u64, Made), Invalid> {
        let text = |name: &str| values.get(name).and_then(Value::as_str);
        let known = text("email").and_then(|email| self.user_by_email(email));
        match known.or_else(|| self.user_by_external_id(text("external_id")?)) {
            Some(id) => self.update_user(id, values, cause).map(|()| (id, Made::Known)),
            None => self.create_user(values, cause).map(|id| (id, Made::New)),
        }
    }

    pub fn create_user(&mut self, values: &Object, cause: &Cause) -> Result<u64, Invalid> {
        let mut sent = Sent::of(values);
        let name = sent.line("name").unwrap_or_default().trim().to_owned();
        if name.is_empty() {
            sent.fault(Fault::invalid("name", "is too short (minimum is 1 characters)"));
        }
        let role = sent.one_of("role", &ROLES).unwrap_or("end-user");
        let email = self.free_email(&mut sent, None);
        let others = self.identities_sent(&mut sent);
        self.check_user(&mut sent, None);
        sent.done()?;
        let id = self.next_id();
        let row = blank(id, &name, role, &json!(cause.at.to_string()));
        self.users.push(Party { row, generated: cause.at.as_second() });
        let silent = values.get("skip_verify_email") == Some(&json!(true));
        let own = email.map(|email| ("email".to_owned(), email));
        for (n, (kind, value)) in own.into_iter().chain(others).enumerate() {
            self.add_identity(id, &kind, &value, n == 0 && kind == "email", silent, cause);
        }
        self.lay_user(id, values, cause);
        Ok(id)
    }

    pub fn update_user(&mut self, id: u64, values: &Object, cause: &Cause) -> Result<(), Invalid> {
        let mut sent = Sent::of(values);
        let name = sent.line("name").map(str::to_owned);
        if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            sent.fault(Fault::invalid("name", "is too short (minimum is 1 characters)"));
        }
        let role = sent.one_of("role", &ROLES);
        let email = self.free_email(&mut sent, Some(id));
        self.check_user(&mut sent, Some(id));
        sent.done()?;
        let silent = values.get("skip_verify_email") == Some(&json!(true));
        if let Some(email) = email.filter(|email| self.user_by_email(email).is_none()) {
            let first = self.user(id).is_some_and(|user| user.row["email"].is_null());
            self.add_identity(id, "email", &email, first, silent, cause);
        }
        let row = self.users.iter_mut().find(|user| user.row["id"] == id).map(|user| &mut user.row);
        if let Some(row) = row {
            if let Some(name) = name {
                row["name"] = json!(name.trim());
            }
            if let Some(role) = role {
                row["role"] = json!(role);
            }
        }
        self.lay_user(id, values, cause);
        Ok(())
    }

    fn free_email(&self, sent: &mut Sent<'_>, own: Option<u64>) -> Option<String> {
        let email = sent.line("email")?;
        if !is_email(email) {
            sent.fault(Fault::invalid("email", &format!("{email} is not properly formatted")));
        } else if self.user_by_email(email).is_some_and(|other| Some(other) != own) {
            sent.fault(Fault {
                field: "email".to_owned(),
                description: format!("Email: {email} is already being used by another user"),
                error: "DuplicateValue",
            });
        }
        Some(email.to_owned())
    }

    /// Of a new user: `identities` beside its `email`.
    fn identities_sent(&self, sent: &mut Sent<'_>) -> Vec<(String, String)> {
        let rows = sent.objects("identities").unwrap_or_default();
        let mut kept = Vec::new();
        for row in rows {
            match self.identity_sent(row) {
                Ok(own) => kept.push(own),
                Err(fault) => sent.fault(fault),
            }
        }
        kept
    }

    fn identity_sent(&self, row: &Object) -> Result<(String, String), Fault> {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, value) = (text("type"), text("value"));
        let kinds = ["email", "twitter", "facebook", "google", "agent_forwarding", "phone_number"];
        if !kinds.contains(&kind.as_str()) {
            return Err(Fault::invalid("type", "is invalid"));
        }
        if value.is_empty() || (kind == "email" && !is_email(&value)) {
            return Err(Fault::invalid("value", "is invalid"));
        }
        let same =
            |own: &Value| own["type"] == *kind && own["value"].as_str().is_some_and(|v| v.eq_ignore_ascii_case(&value));
        let is_used = |own: &&Value| same(own) && own["user_id"].as_u64().is_some_and(|id| self.is_active(id));
        match self.identities.iter().find(is_used) {
            Some(_) => Err(Fault {
                field: "value".to_owned(),
                description: format!("Value: {value} is already being used by another user"),
                error: "DuplicateValue",
            }),
            None => Ok((kind, value)),
        }
    }

    fn check_user(&self, sent: &mut Sent<'_>, own: Option<u64>) {
        let external = sent.line("external_id");
        if external.and_then(|e| self.user_by_external_id(e)).is_some_and(|other| Some(other) != own) {
            sent.fault(Fault::taken("external_id", external.unwrap_or_default()));
        }
        let zone = sent.line("time_zone");
        if zone.is_some_and(|zone| !ZONES.lines().any(|known| known == zone)) {
            sent.fault(Fault::invalid("time_zone", "is invalid"));
        }
        let organizations = sent.ids("organization_ids").unwrap_or_default();
        let organization = sent.id("organization_id");
        if organizations.iter().chain(&organization).any(|id| self.organization(*id).is_none()) {
            sent.fault(Fault::invalid("organization", "is invalid"));
        }
        for name in ["phone", "alias", "details", "notes"] {
            sent.text(name);
        }
        sent.texts("tags");
        for name in ["suspended", "verified"] {
            sent.flag(name);
        }
        sent.object("user_fields");
    }

    /// Sets what was sent, all of it valid.
    fn lay_user(&mut self, id: u64, values: &Object, cause: &Cause) {
        let mut sent = Sent::of(values);
        let organizations: Vec<u64> =
            sent.id("organization_id").into_iter().chain(sent.ids("organization_ids").unwrap_or_default()).collect();
        for organization in &organizations {
            self.join(id, *organization, cause);
        }
        let listed = self.party_values("user_fields", sent.object("user_fields"));
        let Some(user) = self.users.iter_mut().find(|user| user.row["id"] == id) else { return };
        for name in COPIED.into_iter().filter(|name| sent.names(name)) {
            user.row[name] = values[name].clone();
        }
        for name in ["external_id", "time_zone"].into_iter().filter(|name| sent.names(name)) {
            user.row[name] = values[name].clone();
        }
        if let Some(list) = sent.texts("tags") {
            user.row["tags"] = json!(tags(&list));
        }
        merge(&mut user.row["user_fields"], listed);
        user.row["updated_at"] = json!(cause.at.to_string());
        user.generated = cause.at.as_second();
    }

    /// Values of the fields a table names; others are passed over.
    pub fn party_values(&self, table: &str, sent: Option<&Object>) -> Value {
        let known = |key: &str| self.table(table).iter().any(|field| field["key"] == key);
        let pairs = sent.into_iter().flatten().filter(|(key, _)| known(key));
        Value::Object(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    pub fn add_identity(
        &mut self,
        user: u64,
        kind: &str,
        value: &str,
        primary: bool,
        silent: bool,
        cause: &Cause,
    ) -> Value {
        let id = self.next_id();
        let now = json!(cause.at.to_string());
        let row = json!({
            "url": format!("{HERE}/api/v2/users/{user}/identities/{id}.json"), "id": id, "user_id": user, "type": kind,
            "value": value, "verified": silent, "primary": primary, "created_at": now, "updated_at": now,
            "undeliverable_count": 0, "deliverable_state": "deliverable",
        });
        self.identities.push(row.clone());
        if primary && let Some(user) = self.users.iter_mut().find(|own| own.row["id"] == user) {
            user.row["email"] = json!(value);
        }
        if kind == "email" && !silent {
            self.mail_verification(value, cause);
        }
        row
    }

    /// `POST /users/ID/identities`
    pub fn create_identity(&mut self, user: u64, values: &Object, cause: &Cause) -> Result<Value, Invalid> {
        let (kind, value) = self.identity_sent(values)?;
        let silent = ["skip_verify_email", "verified"].iter().any(|name| values.get(*name) == Some(&json!(true)));
        let first = kind == "email" && self.user(user).is_some_and(|user| user.row["email"].is_null());
        if let Some(user) = self.users.iter_mut().find(|own| own.row["id"] == user) {
            (user.row["updated_at"], user.generated) = (json!(cause.at.to_string()), cause.at.as_second());
        }
        Ok(self.add_identity(user, &kind, &value, first, silent, cause))
    }

    /// Puts a user into an organization; the first is the one their row names.
    pub fn join(&mut self, user: u64, organization: u64, cause: &Cause) -> Option<Value> {
        let is_there = |own: &Value| own["user_id"] == user && own["organization_id"] == organization;
        if self.table("organization_memberships").iter().any(is_there) {
            return None;
        }
        let first = self.user(user).is_some_and(|user| user.row["organization_id"].is_null());
        if first && let Some(user) = self.users.iter_mut().find(|own| own.row["id"] == user) {
            user.row["organization_id"] = json!(organization);
        }
        let rest = json!({ "user_id": user, "organization_id": organization, "default": first, "view_tickets": true });
        Some(self.add_row("organization_memberships", rest, cause))
    }

    /// *Unverified:* the words of the refusal that is for them.
    pub fn has_open_tickets(&self, id: u64) -> bool {
        let of_theirs = |ticket: &super::store::Ticket| ticket.row["requester_id"] == id && !ticket.is_shut();
        self.tickets.iter().any(of_theirs)
    }

    pub fn delete_user(&mut self, id: u64, cause: &Cause) {
        if let Some(user) = self.users.iter_mut().find(|user| user.row["id"] == id) {
            (user.row["active"], user.generated) = (json!(false), cause.at.as_second());
            user.row["updated_at"] = json!(cause.at.to_string());
        }
    }
}

/// One at sign between two parts, a dot in the second, nothing blank.
fn is_email(text: &str) -> bool {
    crate::freshdesk::is_email(text)
}
