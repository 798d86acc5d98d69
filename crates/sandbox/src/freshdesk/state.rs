//! All that is stored, plainly, for a comparison that trusts neither the API nor its client.

use super::store::{Account, Association, Contact, Conversation, StoredFile, Ticket, stamp, stamp_or_null};
use serde_json::{Value, json};

pub fn of(account: &Account) -> Value {
    let agents = account.agents.values().map(
        |a| json!({"id": a.id, "name": a.name, "email": a.email, "deactivated": a.deactivated, "role_ids": a.role_ids}),
    );
    let groups = account.groups.values().map(|g| json!({"id": g.id, "name": g.name, "agent_ids": g.agent_ids}));
    let companies = account.companies.values().map(|c| {
        json!({
            "id": c.id, "name": c.name, "domains": c.domains, "description": c.description, "note": c.note,
            "health_score": c.health_score, "account_tier": c.account_tier, "renewal_date": c.renewal_date,
            "industry": c.industry, "custom_fields": c.custom,
        })
    });
    let fields =
        account.ticket_fields.iter().map(|f| json!({"id": f.id, "name": f.name, "label": f.label, "type": f.kind}));
    let statuses = account.statuses.iter().map(|s| json!({"id": s.id, "label": s.label}));
    json!({
        "tickets": account.tickets.values().chain(account.archive.values()).map(|t| ticket(account, t)).collect::<Vec<_>>(),
        "satisfaction_ratings": account.ratings.iter().map(|r| r.shown()).collect::<Vec<_>>(),
        "time_entries": account.time_entries.iter().map(|t| t.shown()).collect::<Vec<_>>(),
        "contacts": account.contacts.values().map(contact).collect::<Vec<_>>(),
        "companies": companies.collect::<Vec<_>>(),
        "agents": agents.collect::<Vec<_>>(),
        "groups": groups.collect::<Vec<_>>(),
        "ticket_fields": fields.collect::<Vec<_>>(),
        "statuses": statuses.collect::<Vec<_>>(),
        "solutions": account.solutions.state(),
        "types": account.types,
        "products": account.products.iter().map(|p| json!({"id": p.id, "name": p.name})).collect::<Vec<_>>(),
    })
}

fn ticket(account: &Account, ticket: &Ticket) -> Value {
    let (relation, others) = match &ticket.association {
        None => (Value::Null, vec![]),
        Some(Association::Parent(all)) => (json!("parent"), all.clone()),
        Some(Association::Child(one)) => (json!("child"), vec![*one]),
        Some(Association::Tracker(all)) => (json!("tracker"), all.clone()),
        Some(Association::Related(one)) => (json!("related"), vec![*one]),
    };
    json!({
        "archived": account.archive.contains_key(&ticket.id),
        "association": relation,
        "associates": others,
        "id": ticket.id,
        "subject": ticket.subject,
        "description": ticket.description,
        "requester_id": ticket.requester_id,
        "responder_id": ticket.responder_id,
        "group_id": ticket.group_id,
        "company_id": ticket.company_id,
        "product_id": ticket.product_id,
        "status": ticket.status,
        "priority": ticket.priority,
        "source": ticket.source,
        "type": ticket.kind,
        "tags": ticket.tags,
        "cc_emails": ticket.cc_emails,
        "custom_fields": ticket.custom,
        "due_by": stamp_or_null(ticket.due_by),
        "deleted": ticket.deleted,
        "spam": ticket.spam,
        "created_at": stamp(ticket.created_at),
        "updated_at": stamp(ticket.updated_at),
        "files": ticket.files.iter().map(file).collect::<Vec<_>>(),
        "pictures": ticket.pictures.iter().map(file).collect::<Vec<_>>(),
        "conversations": ticket.conversations.iter().map(conversation).collect::<Vec<_>>(),
    })
}

pub fn conversation(conversation: &Conversation) -> Value {
    json!({
        "id": conversation.id,
        "source": conversation.source,
        "body": conversation.body,
        "private": conversation.private,
        "incoming": conversation.incoming,
        "user_id": conversation.user_id,
        "to_emails": conversation.to_emails,
        "created_at": stamp(conversation.created_at),
        "edited": conversation.edited.is_some(),
        "files": conversation.files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn contact(contact: &Contact) -> Value {
    json!({
        "id": contact.id,
        "name": contact.name,
        "email": contact.email,
        "other_emails": contact.other_emails,
        "phone": contact.phone,
        "mobile": contact.mobile,
        "twitter_id": contact.twitter_id,
        "unique_external_id": contact.unique_external_id,
        "company_id": contact.company_id,
        "address": contact.address,
        "description": contact.description,
        "job_title": contact.job_title,
        "language": contact.language,
        "time_zone": contact.time_zone,
        "tags": contact.tags,
        "custom_fields": contact.custom,
        "deleted": contact.deleted,
        "blocked": contact.blocked,
    })
}

fn file(file: &StoredFile) -> Value {
    json!({"id": file.id, "name": file.name, "content_type": file.content_type, "size": file.size, "sha256": file.sha256})
}
