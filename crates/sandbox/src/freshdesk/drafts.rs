//! A ticket's attributes as they are sent, checked against the account: what create and update share.

use super::attributes::{Attributes, Given};
use super::custom;
use super::refusal::Fault;
use super::store::{Account, Contact, Ticket};
use super::{fields, people};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Who asks: a user the account has, or one it makes.
#[derive(Debug)]
pub enum Requester {
    Known(u64),
    Newcomer(Box<Contact>),
}

/// What of a ticket is to change, all of it valid once the attributes are done without a fault.
#[derive(Debug)]
pub struct Draft {
    pub requester: Option<Requester>,
    pub subject: Given<String>,
    pub description: Given<String>,
    pub kind: Given<String>,
    pub status: Given<u64>,
    pub priority: Given<u64>,
    pub source: Given<u64>,
    pub responder_id: Given<u64>,
    pub group_id: Given<u64>,
    pub company_id: Given<u64>,
    pub product_id: Given<u64>,
    pub email_config_id: Given<u64>,
    pub due_by: Given<Timestamp>,
    pub fr_due_by: Given<Timestamp>,
    pub tags: Given<Vec<String>>,
    pub custom: Map<String, Value>,
}

/// Default fields by the attribute that fills them: their `required_for_agents` counts for the API too
/// ("Create a Ticket and Update a Ticket now enforce dynamic form validation").
const FORM: [(&str, &str); 6] = [
    ("default_subject", "subject"),
    ("default_description", "description"),
    ("default_ticket_type", "type"),
    ("default_group", "group_id"),
    ("default_agent", "responder_id"),
    ("default_product", "product_id"),
];

impl Account {
    /// Reads the attributes that create and update have in common; `current` is the ticket that is updated.
    pub fn draft(&self, sent: &mut Attributes<'_>, current: Option<&Ticket>, textual: bool, now: Timestamp) -> Draft {
        self.required(sent, current.is_none());
        let requester = self.requester(sent, now);
        let status = sent.id("status");
        let statuses: Vec<String> = self.statuses.iter().map(|s| s.id.to_string()).collect();
        among(sent, "status", status, &statuses);
        let priority = sent.id("priority");
        among(sent, "priority", priority, &["1", "2", "3", "4"].map(str::to_owned));
        let source = sent.id("source");
        among(sent, "source", source, &fields::sources().iter().map(|(_, id)| id.to_string()).collect::<Vec<_>>());
        let kind = sent.text("type");
        if let Some(Some(kind)) = &kind
            && !self.types.contains(kind)
        {
            sent.fault(Fault::not_in("type", &self.types));
        }
        let responder_id = sent.id("responder_id");
        exists(sent, "responder_id", "agent", responder_id, |id| self.is_agent(id));
        let group_id = sent.id("group_id");
        exists(sent, "group_id", "group", group_id, |id| self.groups.contains_key(&id));
        let product_id = sent.id("product_id");
        exists(sent, "product_id", "product", product_id, |id| self.products.iter().any(|p| p.id == id));
        let email_config_id = sent.id("email_config_id");
        exists(sent, "email_config_id", "email_config", email_config_id, |id| {
            self.email_configs.iter().any(|c| c.id == id)
        });
        let company_id = self.company(sent, requester.as_ref(), current);
        let (due_by, fr_due_by) = due(sent, now);
        let nothing = Map::new();
        let stored = current.map_or(&nothing, |t| &t.custom);
        let given = sent.object("custom_fields").flatten().unwrap_or_default();
        let (custom, faults) = custom::lay_over(&self.ticket_fields, stored, &given, textual);
        sent.faults(faults);
        if current.is_none() || !given.is_empty() || status.is_some() {
            let closing = matches!(status.flatten().or(current.map(|t| t.status)), Some(4 | 5));
            sent.faults(custom::lacking(&self.ticket_fields, &custom, closing));
        }
        Draft {
            requester,
            subject: sent.line("subject"),
            description: sent.text("description"),
            kind,
            status,
            priority,
            source,
            responder_id,
            group_id,
            company_id,
            product_id,
            email_config_id,
            due_by,
            fr_due_by,
            tags: sent.tags(),
            custom,
        }
    }

    fn required(&self, sent: &mut Attributes<'_>, creating: bool) {
        for (kind, attribute) in FORM {
            if !self.ticket_fields.iter().any(|f| f.kind == kind && f.required_for_agents) {
                continue;
            }
            if creating && !sent.has(attribute) {
                sent.fault(Fault::missing(attribute));
            } else if sent.is_blank(attribute) {
                sent.fault(Fault::blank(attribute));
            }
        }
    }

    /// By the first of the attributes that is there. A deleted or blocked contact cannot ask: *unverified*.
    fn requester(&self, sent: &mut Attributes<'_>, now: Timestamp) -> Option<Requester> {
        let name = sent.line("name").flatten();
        let id = sent.id("requester_id").flatten();
        let email = sent.email("email").flatten();
        let phone = sent.line("phone").flatten();
        let twitter = sent.line("twitter_id").flatten();
        let external = sent.line("unique_external_id").flatten();
        let facebook = sent.line("facebook_id").flatten();
        let contact_with = |has: &dyn Fn(&Contact) -> bool| self.contacts.values().find(|c| has(c)).map(|c| c.id);
        let (field, found) = if let Some(id) = id {
            ("requester_id", Some(id))
        } else if let Some(email) = &email {
            ("email", self.user_by_email(email))
        } else if let Some(phone) = &phone {
            if name.is_none() {
                sent.fault(Fault::missing("name"));
            }
            ("phone", contact_with(&|c| c.phone.as_ref() == Some(phone)))
        } else if let Some(handle) = &twitter {
            ("twitter_id", contact_with(&|c| c.twitter_id.as_ref() == Some(handle)))
        } else if let Some(external) = &external {
            ("unique_external_id", self.by_external_id.get(external).copied())
        } else {
            if facebook.is_some() {
                sent.fault(Fault::absent("facebook_id", "contact"));
            }
            return None;
        };
        match found {
            Some(id) if self.is_user(id) => Some(Requester::Known(id)),
            None if field != "requester_id" => {
                let local = email.as_deref().and_then(|e| e.split('@').next()).map(str::to_owned);
                let name = name.or(local).or_else(|| twitter.clone()).or_else(|| external.clone()).unwrap_or_default();
                let mut contact = people::blank(name, now);
                (contact.email, contact.phone, contact.twitter_id, contact.unique_external_id) =
                    (email, phone, twitter, external);
                Some(Requester::Newcomer(Box::new(contact)))
            }
            _ => {
                sent.fault(Fault::absent(field, "contact"));
                None
            }
        }
    }

    /// *Unverified:* that a company the requester does not belong to is refused.
    fn company(
        &self,
        sent: &mut Attributes<'_>,
        requester: Option<&Requester>,
        current: Option<&Ticket>,
    ) -> Given<u64> {
        let given = sent.id("company_id");
        let asker = match requester {
            Some(Requester::Known(id)) => Some(*id),
            Some(Requester::Newcomer(_)) => None,
            None => current.map(|t| t.requester_id),
        };
        let theirs = |id: u64| {
            asker
                .and_then(|a| self.contacts.get(&a))
                .is_some_and(|c| c.company_id == Some(id) || c.other_companies.iter().any(|(other, _)| *other == id))
        };
        if let Some(Some(id)) = given
            && !theirs(id)
        {
            sent.fault(Fault::absent("company_id", "company"));
        }
        given
    }
}

fn among(sent: &mut Attributes<'_>, name: &str, value: Given<u64>, allowed: &[String]) {
    if let Some(Some(value)) = value
        && !allowed.contains(&value.to_string())
    {
        sent.fault(Fault::not_in(name, allowed));
    }
}

fn exists(sent: &mut Attributes<'_>, name: &str, what: &str, value: Given<u64>, known: impl Fn(u64) -> bool) {
    if let Some(Some(id)) = value
        && !known(id)
    {
        sent.fault(Fault::absent(name, what));
    }
}

/// Neither may lie in the past, nor the first response after the resolution: *unverified*, and so refused.
fn due(sent: &mut Attributes<'_>, now: Timestamp) -> (Given<Timestamp>, Given<Timestamp>) {
    let (due_by, fr_due_by) = (sent.time("due_by"), sent.time("fr_due_by"));
    for (name, value) in [("due_by", due_by), ("fr_due_by", fr_due_by)] {
        if value.flatten().is_some_and(|moment| moment <= now) {
            sent.fault(Fault::invalid(name, "It should be greater than current time and created_at"));
        }
    }
    if let (Some(Some(due)), Some(Some(first))) = (due_by, fr_due_by)
        && due < first
    {
        sent.fault(Fault::invalid("due_by", "It should be greater than fr_due_by"));
    }
    (due_by, fr_due_by)
}
