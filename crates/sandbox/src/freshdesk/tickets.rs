//! Tickets: made, changed, binned. <https://developers.freshdesk.com/api/#tickets>

use super::Ask;
use super::attributes::{Attributes, Given};
use super::drafts::{Draft, Requester};
use super::files::too_much;
use super::form::Form;
use super::html;
use super::refusal::{Fault, Refusal};
use super::store::{Account, Association, Ticket};
use jiff::Timestamp;
use serde_json::Map;

/// What a new ticket may say. Anything else, `created_at` above all, is an `invalid_field`; so are attributes of features this
/// account does not have (`internal_agent_id`, `internal_group_id`, `lookup_parameter`).
const CREATE: [&str; 26] = [
    "name",
    "requester_id",
    "email",
    "facebook_id",
    "phone",
    "twitter_id",
    "unique_external_id",
    "subject",
    "type",
    "status",
    "priority",
    "description",
    "responder_id",
    "attachments",
    "custom_fields",
    "due_by",
    "email_config_id",
    "fr_due_by",
    "group_id",
    "product_id",
    "source",
    "tags",
    "company_id",
    "parent_id",
    "cc_emails",
    "related_ticket_ids",
];

/// The last two of [`CREATE`] are not on the page of the update.
const UPDATE: usize = CREATE.len() - 2;

const REQUESTER: [&str; 6] = ["requester_id", "email", "phone", "twitter_id", "unique_external_id", "facebook_id"];

impl Account {
    /// A ticket that is neither deleted nor spam may be written to; others are a 405, strangers a 404.
    pub fn writable(&self, id: u64) -> Result<&Ticket, Refusal> {
        let ticket = self.tickets.get(&id).ok_or(Refusal::NotFound)?;
        if ticket.deleted || ticket.spam { Err(Refusal::Verb(&["GET"])) } else { Ok(ticket) }
    }

    /// `POST /tickets`; the id of the new one.
    pub fn create_ticket(&mut self, ask: &Ask<'_>) -> Result<u64, Refusal> {
        let form = Form::of(ask.call)?;
        let mut sent = Attributes::of(&form, &CREATE)?;
        if !REQUESTER.iter().any(|name| sent.has(name)) {
            sent.fault(Fault::missing("requester_id"));
        }
        let draft = self.draft(&mut sent, None, form.textual, ask.now);
        let cc_emails = sent.emails("cc_emails", 50).flatten().unwrap_or_default();
        let parent = sent.id("parent_id").flatten();
        let related = sent.ids("related_ticket_ids").flatten();
        self.check_association(&mut sent, parent, related.as_deref());
        sent.faults(too_much(0, &form.files));
        sent.done()?;

        let id = self.next_ticket();
        let mut ticket = blank(id, ask.now);
        ticket.cc_emails = cc_emails;
        ticket.files = self.keep_all(id, form.files, ask.now);
        self.apply(draft, &mut ticket, ask.now);
        self.tickets.insert(id, ticket);
        self.associate(id, parent, related);
        self.mail_new_ticket(id, ask);
        Ok(id)
    }

    /// `PUT /tickets/[id]`.
    pub fn update_ticket(&mut self, id: u64, ask: &Ask<'_>) -> Result<(), Refusal> {
        let current = self.writable(id)?;
        let form = Form::of(ask.call)?;
        let mut sent = Attributes::of(&form, &CREATE[..UPDATE])?;
        let draft = self.draft(&mut sent, Some(current), form.textual, ask.now);
        let parent = sent.id("parent_id").flatten();
        self.check_association(&mut sent, parent, None);
        // The page: subject and description of an outbound e-mail cannot be changed.
        if current.source == 10 {
            let fixed = ["subject", "description"].into_iter().filter(|name| sent.has(name));
            let faults: Vec<Fault> =
                fixed.map(|n| Fault::new(n, "readonly_field", "Read only field cannot be altered")).collect();
            sent.faults(faults);
        }
        sent.faults(too_much(current.attached(), &form.files));
        sent.done()?;

        let mut ticket = current.clone();
        let before = (ticket.status, ticket.responder_id);
        let files = self.keep_all(id, form.files, ask.now);
        ticket.files.extend(files);
        self.apply(draft, &mut ticket, ask.now);
        let after = (ticket.status, ticket.responder_id);
        self.tickets.insert(id, ticket);
        self.associate(id, parent, None);
        if before.1 != after.1 {
            self.mail_assigned(id, after.1, ask);
        }
        if before.0 != after.0 && matches!(after.0, 4 | 5) {
            self.mail_settled(id, ask);
        }
        Ok(())
    }

    fn apply(&mut self, draft: Draft, ticket: &mut Ticket, now: Timestamp) {
        let asked = draft.requester.map(|requester| match requester {
            Requester::Known(id) => id,
            Requester::Newcomer(contact) => self.add_contact(*contact),
        });
        if let Some(id) = asked {
            ticket.requester_id = id;
            ticket.company_id = self.contacts.get(&id).and_then(|c| c.company_id);
        }
        set(&mut ticket.subject, draft.subject);
        set(&mut ticket.kind, draft.kind);
        set(&mut ticket.responder_id, draft.responder_id);
        set(&mut ticket.group_id, draft.group_id);
        set(&mut ticket.company_id, draft.company_id);
        set(&mut ticket.product_id, draft.product_id);
        set(&mut ticket.email_config_id, draft.email_config_id);
        set(&mut ticket.due_by, draft.due_by);
        set(&mut ticket.fr_due_by, draft.fr_due_by);
        if let Some(Some(description)) = draft.description {
            ticket.description = html::clean(&description);
        }
        ticket.priority = draft.priority.flatten().unwrap_or(ticket.priority);
        ticket.source = draft.source.flatten().unwrap_or(ticket.source);
        if let Some(tags) = draft.tags {
            ticket.tags = tags.unwrap_or_default();
        }
        ticket.custom = draft.custom;
        ticket.move_to(draft.status.flatten().unwrap_or(ticket.status), now);
        ticket.updated_at = now;
    }

    fn check_association(&self, sent: &mut Attributes<'_>, parent: Option<u64>, related: Option<&[u64]>) {
        let free = |id: u64| self.writable(id).is_ok_and(|t| t.association.is_none());
        let takes =
            |id: u64| self.writable(id).is_ok_and(|t| matches!(t.association, None | Some(Association::Parent(_))));
        if parent.is_some_and(|id| !takes(id)) {
            sent.fault(Fault::absent("parent_id", "ticket"));
        }
        if related.is_some_and(|ids| ids.iter().any(|id| !free(*id))) {
            sent.fault(Fault::absent("related_ticket_ids", "ticket"));
        }
    }

    fn associate(&mut self, id: u64, parent: Option<u64>, related: Option<Vec<u64>>) {
        if let Some(parent) = parent.and_then(|p| self.tickets.get_mut(&p)) {
            match &mut parent.association {
                Some(Association::Parent(children)) => children.push(id),
                none => *none = Some(Association::Parent(vec![id])),
            }
            let parent = parent.id;
            self.tickets.entry(id).and_modify(|t| t.association = Some(Association::Child(parent)));
        }
        if let Some(related) = related {
            for other in &related {
                self.tickets.entry(*other).and_modify(|t| t.association = Some(Association::Related(id)));
            }
            self.tickets.entry(id).and_modify(|t| t.association = Some(Association::Tracker(related)));
        }
    }

    /// `DELETE /tickets/[id]`: into the bin.
    pub fn delete_ticket(&mut self, id: u64, now: Timestamp) -> Result<(), Refusal> {
        self.writable(id)?;
        self.tickets.entry(id).and_modify(|t| (t.deleted, t.updated_at) = (true, now));
        Ok(())
    }

    /// `PUT /tickets/[id]/restore`.
    pub fn restore_ticket(&mut self, id: u64, now: Timestamp) -> Result<(), Refusal> {
        let ticket = self.tickets.get_mut(&id).filter(|t| t.deleted).ok_or(Refusal::NotFound)?;
        (ticket.deleted, ticket.updated_at) = (false, now);
        Ok(())
    }

    /// `DELETE /attachments/[id]`.
    pub fn delete_attachment(&mut self, id: u64, now: Timestamp) -> Result<(), Refusal> {
        let ticket = self.ticket_of.get(&id).and_then(|t| self.tickets.get_mut(t)).ok_or(Refusal::NotFound)?;
        if !ticket.all_files().any(|f| f.id == id) {
            return Err(Refusal::NotFound);
        }
        ticket.files.retain(|f| f.id != id);
        ticket.conversations.iter_mut().for_each(|c| c.files.retain(|f| f.id != id));
        ticket.updated_at = now;
        self.ticket_of.remove(&id);
        Ok(())
    }
}

impl Ticket {
    /// Keeps the moments of `include=stats`.
    pub fn move_to(&mut self, status: u64, now: Timestamp) {
        self.status = status;
        match status {
            4 => self.resolved_at = self.resolved_at.or(Some(now)),
            5 => self.closed_at = self.closed_at.or(Some(now)),
            _ => (self.resolved_at, self.closed_at) = (None, None),
        }
    }
}

fn set<T>(slot: &mut Option<T>, given: Given<T>) {
    if let Some(value) = given {
        *slot = value;
    }
}

/// Open, low, from the portal: the page's defaults.
pub fn blank(id: u64, now: Timestamp) -> Ticket {
    Ticket {
        id,
        subject: None,
        description: String::new(),
        requester_id: 0,
        responder_id: None,
        group_id: None,
        company_id: None,
        product_id: None,
        email_config_id: None,
        status: 2,
        priority: 1,
        source: 2,
        kind: None,
        tags: Vec::new(),
        cc_emails: Vec::new(),
        custom: Map::new(),
        due_by: None,
        fr_due_by: None,
        association: None,
        deleted: false,
        spam: false,
        files: Vec::new(),
        pictures: Vec::new(),
        conversations: Vec::new(),
        created_at: now,
        updated_at: now,
        first_responded_at: None,
        resolved_at: None,
        closed_at: None,
    }
}
