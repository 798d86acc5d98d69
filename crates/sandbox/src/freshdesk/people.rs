//! Contacts, agents and groups. <https://developers.freshdesk.com/api/#contacts>
//!
//! *Unverified, stricter reading:* a mobile number belongs to one contact, as the contact fields of accounts made since June 2022
//! say; what a deleted contact had stays taken; `email=` finds a contact by its primary address alone, while other
//! addresses are taken all the same.

use super::Ask;
use super::attributes::Attributes;
use super::custom;
use super::files::unfit_avatar;
use super::form::Form;
use super::listing::{id_param, one_of, since};
use super::pages::{Page, only};
use super::refusal::{Fault, Refusal};
use super::store::{Account, Agent, Contact, Group, stamp};
use crate::desk::Answer;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const KNOWN: [&str; 18] = [
    "name",
    "email",
    "phone",
    "mobile",
    "twitter_id",
    "unique_external_id",
    "other_emails",
    "company_id",
    "view_all_tickets",
    "other_companies",
    "address",
    "avatar",
    "custom_fields",
    "description",
    "job_title",
    "language",
    "tags",
    "time_zone",
];

/// Rails' names of time zones, as the page of the contact fields lists them.
const TIME_ZONES: &str = include_str!("time_zones.txt");

impl Account {
    /// A row of the list: without other addresses, other companies' rights, tags and avatar.
    fn contact_row(&self, contact: &Contact) -> Value {
        let mut row = json!({
            "active": contact.active,
            "address": contact.address,
            "company_id": contact.company_id,
            "description": contact.description,
            "email": contact.email,
            "id": contact.id,
            "contact_type": "contact",
            "job_title": contact.job_title,
            "language": contact.language,
            "mobile": contact.mobile,
            "name": contact.name,
            "phone": contact.phone,
            "time_zone": contact.time_zone,
            "twitter_id": contact.twitter_id,
            "social_handler": [],
            "unique_external_id": contact.unique_external_id,
            "created_at": stamp(contact.created_at),
            "updated_at": stamp(contact.updated_at),
            "other_companies": contact.other_companies.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            "custom_fields": custom::shown(&self.contact_fields, &contact.custom),
        });
        if contact.deleted {
            row["deleted"] = json!(true);
        }
        row
    }

    pub fn contact(&self, contact: &Contact, ask: &Ask<'_>) -> Value {
        let mut shown = self.contact_row(contact);
        let rights = contact.other_companies.iter().map(|(id, all)| json!({"company_id": id, "view_all_tickets": all}));
        shown["other_companies"] = rights.collect();
        shown["view_all_tickets"] = json!(contact.view_all_tickets);
        shown["other_emails"] = json!(contact.other_emails);
        shown["tags"] = json!(contact.tags);
        shown["avatar"] = contact.avatar.as_ref().map_or(Value::Null, |file| {
            let mut avatar = ask.signer.json(file, &ask.call.files, ask.now);
            avatar["avatar_url"] = avatar["attachment_url"].take();
            if let Some(object) = avatar.as_object_mut() {
                object.shift_remove("attachment_url");
            }
            avatar
        });
        shown
    }

    /// `GET /contacts`, in alphabetical order. The page spells the filter `_updated_since`: that another spelling is refused is
    /// *unverified*.
    pub fn list_contacts(&self, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        let call = ask.call;
        only(
            call,
            &["email", "mobile", "phone", "company_id", "state", "contact_type", "_updated_since", "page", "per_page"],
        )?;
        let page = Page::of(call)?;
        let state = one_of(call.param("state"), "state", &["blocked", "deleted", "unverified", "verified"])?;
        let kind = one_of(call.param("contact_type"), "contact_type", &["contact", "visitor"])?;
        let since = since(call.param("_updated_since"))?;
        let company = id_param(call.param("company_id"), "company_id")?;
        let same = |given: Option<&str>, value: &Option<String>| {
            given.is_none_or(|g| value.as_ref().is_some_and(|v| v.to_lowercase() == g.to_lowercase()))
        };
        let in_state = |c: &Contact| match state {
            Some("deleted") => c.deleted,
            Some("blocked") => c.blocked && !c.deleted,
            _ if c.deleted || c.blocked => false,
            Some("verified") => c.active,
            Some("unverified") => !c.active,
            _ => true,
        };
        let wanted = |c: &&Contact| {
            in_state(c)
                && kind != Some("visitor")
                && same(call.param("email"), &c.email)
                && same(call.param("mobile"), &c.mobile)
                && same(call.param("phone"), &c.phone)
                && company.is_none_or(|id| c.company_id == Some(id))
                && since.is_none_or(|moment| c.updated_at >= moment)
        };
        let mut rows: Vec<&Contact> = self.contacts.values().filter(wanted).collect();
        rows.sort_by_cached_key(|c| (c.name.to_lowercase(), c.id));
        Ok(page.answer(call, &rows, |c| self.contact_row(c)))
    }

    /// `POST /contacts`; the id of the new one.
    pub fn create_contact(&mut self, ask: &Ask<'_>) -> Result<u64, Refusal> {
        let form = Form::of(ask.call)?;
        let contact = self.read_contact(blank(String::new(), ask.now), &form, ask.now)?;
        let id = self.add_contact(contact);
        self.set_avatar(id, form, ask.now);
        Ok(id)
    }

    /// `PUT /contacts/[id]`: a 405 for one that is deleted or blocked.
    pub fn update_contact(&mut self, id: u64, ask: &Ask<'_>) -> Result<(), Refusal> {
        let current = self.contacts.get(&id).ok_or(Refusal::NotFound)?;
        if current.deleted || current.blocked {
            return Err(Refusal::Verb(&["GET"]));
        }
        let form = Form::of(ask.call)?;
        let current = current.clone();
        let contact = self.read_contact(current.clone(), &form, ask.now)?;
        for address in current.email.iter().chain(&current.other_emails) {
            self.by_email.remove(&address.to_lowercase());
        }
        if let Some(external) = &current.unique_external_id {
            self.by_external_id.remove(external);
        }
        self.put_contact(contact);
        self.set_avatar(id, form, ask.now);
        Ok(())
    }

    fn set_avatar(&mut self, id: u64, form: Form, now: Timestamp) {
        if let Some(upload) = form.files.into_iter().find(|f| f.part == "avatar") {
            let file = self.keep(upload, now);
            self.contacts.entry(id).and_modify(|c| c.avatar = Some(file));
        }
    }

    /// What is sent laid over `contact`, which is a blank one when it is made.
    fn read_contact(&self, mut contact: Contact, form: &Form, now: Timestamp) -> Result<Contact, Refusal> {
        let mut sent = Attributes::of(form, &KNOWN)?;
        let creating = contact.id == 0;
        if creating && !sent.has("name") {
            sent.fault(Fault::missing("name"));
        } else if sent.is_blank("name") {
            sent.fault(Fault::blank("name"));
        }
        if creating && !["email", "phone", "mobile", "twitter_id", "unique_external_id"].iter().any(|n| sent.has(n)) {
            sent.fault(Fault::missing("email"));
        }
        contact.name = sent.line("name").flatten().unwrap_or(contact.name);
        lay(&mut contact.email, sent.email("email"));
        lay(&mut contact.phone, sent.line("phone"));
        lay(&mut contact.mobile, sent.line("mobile"));
        lay(&mut contact.twitter_id, sent.line("twitter_id"));
        lay(&mut contact.unique_external_id, sent.line("unique_external_id"));
        lay(&mut contact.address, sent.text("address"));
        lay(&mut contact.description, sent.text("description"));
        lay(&mut contact.job_title, sent.line("job_title"));
        if let Some(others) = sent.emails("other_emails", 10) {
            contact.other_emails = others.unwrap_or_default();
        }
        if let Some(tags) = sent.tags() {
            contact.tags = tags.unwrap_or_default();
        }
        contact.view_all_tickets = sent.flag("view_all_tickets").flatten().unwrap_or(contact.view_all_tickets);
        if let Some(zone) = sent.text("time_zone").flatten() {
            if !TIME_ZONES.lines().any(|name| name == zone) {
                sent.fault(Fault::invalid("time_zone", "It should be one of the time zones of the contact fields"));
            }
            contact.time_zone = zone;
        }
        if let Some(language) = sent.text("language").flatten() {
            if !is_language(&language) {
                sent.fault(Fault::invalid("language", "It should be one of the languages of the contact fields"));
            }
            contact.language = language;
        }
        self.read_companies(&mut contact, &mut sent);
        let given = sent.object("custom_fields").flatten().unwrap_or_default();
        let (values, faults) = custom::lay_over(&self.contact_fields, &contact.custom, &given, form.textual);
        sent.faults(faults);
        sent.faults(custom::lacking(&self.contact_fields, &values, false));
        sent.faults(form.files.iter().find_map(unfit_avatar));
        sent.faults(self.taken(&contact));
        sent.done()?;
        (contact.custom, contact.updated_at) = (values, now);
        Ok(contact)
    }

    fn read_companies(&self, contact: &mut Contact, sent: &mut Attributes<'_>) {
        let known = |id: &u64| self.companies.contains_key(id);
        if let Some(company) = sent.id("company_id") {
            if company.is_some_and(|id| !known(&id)) {
                sent.fault(Fault::absent("company_id", "company"));
            }
            contact.company_id = company;
        } else if contact.id == 0 {
            contact.company_id = contact.email.as_deref().and_then(|e| self.company_of(e));
        }
        let Some(others) = sent.objects("other_companies") else { return };
        let rows = others.unwrap_or_default();
        let read = |row: &Map<String, Value>| {
            let all = row.get("view_all_tickets").and_then(Value::as_bool).unwrap_or(false);
            Some((row.get("company_id")?.as_u64().filter(known)?, all))
        };
        let companies: Option<Vec<(u64, bool)>> = rows.iter().map(read).collect();
        match companies {
            Some(companies) => contact.other_companies = companies,
            None => sent.fault(Fault::absent("other_companies", "company")),
        }
    }

    /// Values of `contact` that are another user's, agents and deleted contacts included.
    fn taken(&self, contact: &Contact) -> Vec<Fault> {
        let other = |owner: Option<u64>| owner.filter(|id| *id != contact.id);
        let mut faults = Vec::new();
        let mut check = |field: &str, owner: Option<u64>| {
            if let Some(owner) = other(owner) {
                faults.push(Fault::taken(field, Some(owner)));
            }
        };
        check("email", contact.email.as_deref().and_then(|e| self.user_by_email(e)));
        contact.other_emails.iter().for_each(|e| check("other_emails", self.user_by_email(e)));
        let external = contact.unique_external_id.as_ref().and_then(|e| self.by_external_id.get(e));
        check("unique_external_id", external.copied());
        let same = |has: &dyn Fn(&Contact) -> bool| {
            self.contacts.values().find(|c| c.id != contact.id && has(c)).map(|c| c.id)
        };
        if contact.mobile.is_some() {
            check("mobile", same(&|c| c.mobile == contact.mobile));
        }
        if contact.twitter_id.is_some() {
            check("twitter_id", same(&|c| c.twitter_id == contact.twitter_id));
        }
        faults
    }

    /// The company one of whose domains the address is at.
    fn company_of(&self, email: &str) -> Option<u64> {
        let domain = email.rsplit('@').next()?.to_lowercase();
        self.companies.values().find(|c| c.domains.iter().any(|d| d.to_lowercase() == domain)).map(|c| c.id)
    }

    pub fn add_contact(&mut self, mut contact: Contact) -> u64 {
        contact.id = self.next_id();
        contact.company_id = contact.company_id.or_else(|| self.company_of(contact.email.as_deref()?));
        let id = contact.id;
        self.put_contact(contact);
        id
    }

    fn put_contact(&mut self, contact: Contact) {
        for address in contact.email.iter().chain(&contact.other_emails) {
            self.by_email.insert(address.to_lowercase(), contact.id);
        }
        if let Some(external) = &contact.unique_external_id {
            self.by_external_id.insert(external.clone(), contact.id);
        }
        self.contacts.insert(contact.id, contact);
    }

    /// `DELETE /contacts/[id]` and `PUT /contacts/[id]/restore`.
    pub fn bin_contact(&mut self, id: u64, deleted: bool, now: Timestamp) -> Result<(), Refusal> {
        let contact = self.contacts.get_mut(&id).filter(|c| c.deleted != deleted).ok_or(Refusal::NotFound)?;
        (contact.deleted, contact.updated_at) = (deleted, now);
        Ok(())
    }

    /// `DELETE /contacts/[id]/hard_delete`: with `force` of one that is not in the trash, too. *Unverified:* that their tickets go
    /// along; here they do, so that whoever deletes a contact in use is seen to lose something.
    pub fn erase_contact(&mut self, id: u64, force: bool) -> Result<(), Refusal> {
        let contact = self.contacts.get(&id).ok_or(Refusal::NotFound)?;
        if !contact.deleted && !force {
            return Err(Refusal::Verb(&["GET", "PUT"]));
        }
        self.contacts.remove(&id);
        self.by_email.retain(|_, owner| *owner != id);
        self.by_external_id.retain(|_, owner| *owner != id);
        self.tickets.retain(|_, ticket| ticket.requester_id != id);
        Ok(())
    }

    /// `GET /agents`, in alphabetical order.
    pub fn list_agents(&self, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        let call = ask.call;
        only(call, &["email", "mobile", "phone", "state", "page", "per_page"])?;
        let page = Page::of(call)?;
        let state = one_of(call.param("state"), "state", &["fulltime", "occasional"])?;
        let wanted = |a: &&Agent| {
            !a.deactivated
                && call.param("email").is_none_or(|e| a.email.eq_ignore_ascii_case(e))
                && call.param("mobile").or(call.param("phone")).is_none()
                && state.is_none_or(|s| a.occasional == (s == "occasional"))
        };
        let mut rows: Vec<&Agent> = self.agents.values().filter(wanted).collect();
        rows.sort_by_cached_key(|a| (a.name.to_lowercase(), a.id));
        Ok(page.answer(call, &rows, |a| agent_row(a)))
    }

    /// One agent: with groups and roles.
    pub fn agent(&self, id: u64) -> Result<Value, Refusal> {
        let agent = self.agents.get(&id).filter(|a| !a.deactivated).ok_or(Refusal::NotFound)?;
        let mut shown = agent_row(agent);
        let groups = self.groups.values().filter(|g| g.agent_ids.contains(&id)).map(|g| json!(g.id));
        shown["group_ids"] = groups.collect();
        shown["role_ids"] = json!(agent.role_ids);
        shown["skill_ids"] = json!([]);
        Ok(shown)
    }
}

fn agent_row(agent: &Agent) -> Value {
    json!({
        "available": true,
        "occasional": agent.occasional,
        "signature": null,
        "id": agent.id,
        "ticket_scope": 1,
        "created_at": stamp(agent.created_at),
        "updated_at": stamp(agent.created_at),
        "available_since": null,
        "type": "support_agent",
        "contact": {
            "active": true,
            "email": agent.email,
            "job_title": agent.job_title,
            "language": "en",
            "last_login_at": null,
            "mobile": null,
            "name": agent.name,
            "phone": null,
            "time_zone": "Eastern Time (US & Canada)",
            "created_at": stamp(agent.created_at),
            "updated_at": stamp(agent.created_at),
        },
        "focus_mode": true,
    })
}

/// A group by itself; the list leaves out `agent_ids`.
impl Account {
    /// `POST /groups`. <https://developers.freshdesk.com/api/#create_group>
    pub fn create_group(&mut self, ask: &Ask<'_>) -> Result<u64, Refusal> {
        let form = Form::of(ask.call)?;
        let known = ["agent_ids", "auto_ticket_assign", "description", "escalate_to", "name", "unassigned_for"];
        let mut sent = Attributes::of(&form, &known)?;
        let name = sent.line("name").flatten().unwrap_or_default();
        if name.trim().is_empty() {
            sent.fault(Fault::missing("name"));
        }
        if self.groups.values().any(|group| group.name.eq_ignore_ascii_case(&name)) {
            sent.fault(Fault::new("name", "duplicate_value", "It should be a unique value"));
        }
        let description = sent.text("description").flatten();
        let agent_ids = sent.ids("agent_ids").flatten().unwrap_or_default();
        if agent_ids.iter().any(|id| !self.is_agent(*id)) {
            sent.fault(Fault::absent("agent_ids", "agent"));
        }
        let wait = sent.text("unassigned_for").flatten();
        if wait.is_some_and(|wait| !["30m", "1h", "2h", "4h", "8h", "12h", "1d", "2d", "3d"].contains(&wait.as_str())) {
            sent.fault(Fault::invalid("unassigned_for", "It should be one of the times a group may wait"));
        }
        sent.done()?;
        let id = self.next_id();
        self.groups.insert(id, Group { id, name, description, agent_ids, created_at: ask.now });
        Ok(id)
    }
}

pub fn group(group: &Group, alone: bool) -> Value {
    let mut shown = json!({
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "business_hour_id": null,
        "escalate_to": null,
        "unassigned_for": "30m",
        "auto_ticket_assign": 0,
        "created_at": stamp(group.created_at),
        "updated_at": stamp(group.created_at),
    });
    if alone {
        shown["agent_ids"] = json!(group.agent_ids);
    }
    shown
}

fn lay(slot: &mut Option<String>, given: Option<Option<String>>) {
    if let Some(value) = given {
        *slot = value.filter(|text| !text.is_empty());
    }
}

/// `en`, `pt-BR`, `zh-TW`, `ja-JP`.
fn is_language(code: &str) -> bool {
    let mut parts = code.split('-');
    let small = parts.next().is_some_and(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_lowercase()));
    let country =
        parts.next().is_none_or(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
    small && country && parts.next().is_none()
}

/// A contact with nothing but a name.
pub fn blank(name: String, now: Timestamp) -> Contact {
    Contact {
        id: 0,
        name,
        email: None,
        other_emails: Vec::new(),
        phone: None,
        mobile: None,
        twitter_id: None,
        unique_external_id: None,
        company_id: None,
        view_all_tickets: false,
        other_companies: Vec::new(),
        address: None,
        description: None,
        job_title: None,
        language: "en".to_owned(),
        time_zone: "Eastern Time (US & Canada)".to_owned(),
        tags: Vec::new(),
        custom: Map::new(),
        avatar: None,
        active: false,
        deleted: false,
        blocked: false,
        created_at: now,
        updated_at: now,
    }
}
