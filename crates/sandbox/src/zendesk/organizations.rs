//! Writing organizations. <https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/>
//!
//! Names are unique whatever their case; `create_or_update` finds by `id` and `external_id`, never by name.

use super::sent::{Fault, Invalid, Sent, tags};
use super::store::{Account, Cause, HERE, Party};
use super::tables::merge;
use super::users::Made;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

const COPIED: [&str; 6] = ["external_id", "details", "notes", "group_id", "shared_tickets", "shared_comments"];

impl Account {
    fn organization_by(&self, name: &str, value: &str) -> Option<u64> {
        let has = |own: &&Party| own.row[name].as_str().is_some_and(|own| own.to_lowercase() == value.to_lowercase());
        self.organizations.iter().find(has).and_then(|own| own.row["id"].as_u64())
    }

    pub fn create_or_update_organization(&mut self, values: &Object, cause: &Cause) -> Result<(u64, Made), Invalid> {
        let own = values.get("id").and_then(super::sent::number).filter(|id| self.organization(*id).is_some());
        let external = values.get("external_id").and_then(Value::as_str);
        match own.or_else(|| self.organization_by("external_id", external?)) {
            Some(id) => self.update_organization(id, values, cause).map(|()| (id, Made::Known)),
            None => self.create_organization(values, cause).map(|id| (id, Made::New)),
        }
    }

    pub fn create_organization(&mut self, values: &Object, cause: &Cause) -> Result<u64, Invalid> {
        let mut sent = Sent::of(values);
        let name = sent.line("name").unwrap_or_default().trim().to_owned();
        if name.is_empty() {
            sent.fault(Fault::blank("name"));
        }
        self.check_organization(&mut sent, None);
        sent.done()?;
        let id = self.next_id();
        let now = json!(cause.at.to_string());
        let row = json!({
            "url": format!("{HERE}/api/v2/organizations/{id}.json"), "id": id, "name": name, "shared_tickets": false,
            "shared_comments": false, "external_id": null, "created_at": now, "updated_at": now, "domain_names": [],
            "details": null, "notes": null, "group_id": null, "tags": [], "organization_fields": { "contract": null },
        });
        self.organizations.push(Party { row, generated: cause.at.as_second() });
        self.lay_organization(id, values, cause);
        Ok(id)
    }

    pub fn update_organization(&mut self, id: u64, values: &Object, cause: &Cause) -> Result<(), Invalid> {
        let mut sent = Sent::of(values);
        self.check_organization(&mut sent, Some(id));
        sent.done()?;
        self.lay_organization(id, values, cause);
        Ok(())
    }

    fn check_organization(&self, sent: &mut Sent<'_>, own: Option<u64>) {
        for name in ["name", "external_id"] {
            let value = sent.line(name).unwrap_or_default().trim();
            if !value.is_empty() && self.organization_by(name, value).is_some_and(|other| Some(other) != own) {
                sent.fault(Fault::taken(name, value));
            }
        }
        for domain in sent.texts("domain_names").unwrap_or_default() {
            if domain.is_empty() || domain.contains(['@', '/', ' ', ',']) {
                sent.fault(Fault::invalid("domain_names", &format!("{domain} is invalid")));
            }
        }
        if sent.id("group_id").is_some_and(|group| !self.has("groups", group)) {
            sent.fault(Fault::invalid("group_id", "is invalid"));
        }
        sent.text("details");
        sent.text("notes");
        sent.texts("tags");
        sent.object("organization_fields");
    }

    fn lay_organization(&mut self, id: u64, values: &Object, cause: &Cause) {
        let mut sent = Sent::of(values);
        let listed = self.party_values("organization_fields", sent.object("organization_fields"));
        let Some(own) = self.organizations.iter_mut().find(|own| own.row["id"] == id) else { return };
        if let Some(name) = sent.line("name") {
            own.row["name"] = json!(name.trim());
        }
        for name in COPIED.into_iter().filter(|name| sent.names(name)) {
            own.row[name] = values[name].clone();
        }
        if let Some(domains) = sent.texts("domain_names") {
            own.row["domain_names"] = json!(domains.iter().map(|d| d.to_lowercase()).collect::<Vec<_>>());
        }
        if let Some(list) = sent.texts("tags") {
            own.row["tags"] = json!(tags(&list));
        }
        merge(&mut own.row["organization_fields"], listed);
        own.row["updated_at"] = json!(cause.at.to_string());
        own.generated = cause.at.as_second();
    }

    pub fn delete_organization(&mut self, id: u64) {
        self.organizations.retain(|own| own.row["id"] != id);
        for user in self.users.iter_mut().filter(|user| user.row["organization_id"] == id) {
            user.row["organization_id"] = Value::Null;
        }
        if let Some(rows) = self.tables.get_mut("organization_memberships") {
            rows.retain(|own| own["organization_id"] != id);
        }
    }
}
