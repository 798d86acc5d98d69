//! The account as it is before anybody migrates into it: in use, and not tidy.
//!
//! Its agents have the addresses of those of the Zendesk look-alike with the same seed, so that people are found again; one of them
//! left, one is written in capitals, and one of the source is not here.
//! Contacts hold the traps of [`super::people`]; the first tickets those of lists: older than the window, in the bin, spam,
//! with more conversations than a page. More than a dozen tickets are a desk to move away from: [`past`].

use super::Options;
use super::files::inline;
use super::form::Upload;
use super::store::{Account, Agent, Choice, Company, Contact, Field, Group, Named, Status, Ticket};
use super::{html, past, people, tickets};
use crate::random::Random;
use crate::words;
use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, json};

/// Label of the ticket field in which migrated tickets have their marker.
const MARKER_FIELD: &str = "Deskferry";

/// Address of the `n`-th agent of the Zendesk look-alike with the same seed.
fn shared_agent(seed: u64, n: u64) -> (String, String) {
    let (name, local) = words::person(&mut Random::of(seed, &[3, n]));
    (name.to_owned(), format!("{local}.{}@acme.example", 1000 + n))
}

/// Same options, same account.
pub fn account(options: &Options) -> Account {
    let born = options.now - SignedDuration::from_hours(24 * 400);
    let born = Timestamp::from_second(born.as_second()).unwrap_or(born);
    let mut account = Account::empty(born);
    settings(&mut account);
    agents(&mut account, options.seed);
    ticket_fields(&mut account);
    if options.marker_field {
        let name = account.name_for(MARKER_FIELD);
        let made = field(&mut account, "custom_text", &name, MARKER_FIELD, false);
        account.ticket_fields.push(made);
    }
    account.contact_fields = plain_fields(&mut account, &CONTACT_FIELDS);
    account.company_fields = plain_fields(&mut account, &COMPANY_FIELDS);
    companies(&mut account);
    contacts(&mut account);
    for n in 0..options.tickets.min(past::FIRST) {
        ticket(&mut account, n, options);
    }
    past::fill(&mut account, options);
    past::archive(&mut account, options.archived);
    account
}

fn settings(account: &mut Account) {
    let statuses = [
        ("Open", "Being Processed"),
        ("Pending", "Awaiting your Reply"),
        ("Resolved", "This ticket has been Resolved"),
        ("Closed", "This ticket has been Closed"),
        ("Waiting on Customer", "Awaiting your Reply"),
        ("Waiting on Third Party", "Being Processed"),
        ("On Hold", "Being Processed"),
    ];
    let row =
        |(id, (label, shown)): (u64, (&str, &str))| Status { id, label: label.into(), for_customers: shown.into() };
    account.statuses = (2..).zip(statuses).map(row).collect();
    account.types = ["Question", "Incident", "Problem", "Feature Request", "Refund"].map(str::to_owned).to_vec();
    account.roles = named(account, &["Account Administrator", "Administrator", "Supervisor", "Agent"], |name| {
        format!("{name} of the desk")
    });
    account.products = named(account, &["Acme Cloud", "Acme Desktop"], |name| format!("Support for {name}"));
    account.email_configs = named(account, &["support", "billing"], |name| format!("{name}@acme.example"));
}

fn named(account: &mut Account, names: &[&str], detail: fn(&str) -> String) -> Vec<Named> {
    names.iter().map(|name| Named { id: account.next_id(), name: (*name).to_owned(), detail: detail(name) }).collect()
}

fn agents(account: &mut Account, seed: u64) {
    let own = |name: &str, email: &str| (name.to_owned(), email.to_owned());
    let shouted = |(name, email): (String, String)| (name, email.to_uppercase());
    // The fourth agent of the source has no account here.
    let people = [
        (own("Ada Admin", "admin@acme.example"), 0, false),
        (shared_agent(seed, 1), 3, false),
        (shouted(shared_agent(seed, 2)), 3, false),
        (shared_agent(seed, 3), 2, false),
        (shared_agent(seed, 5), 3, true),
        (own("Frida Night", "night.shift@acme.example"), 3, false),
    ];
    for ((name, email), role, deactivated) in people {
        let id = account.next_id();
        let occasional = name.starts_with("Frida");
        let role_ids = vec![account.roles[role].id];
        account.by_email.insert(email.to_lowercase(), id);
        let created_at = account.created_at;
        account
            .agents
            .insert(id, Agent { id, name, email, job_title: None, occasional, deactivated, role_ids, created_at });
    }
    let all: Vec<u64> = account.agents.values().filter(|a| !a.deactivated).map(|a| a.id).collect();
    for (n, name) in ["Support", "Tier 2", "Billing", "Ops & Infrastructure", "Empty"].into_iter().enumerate() {
        let id = account.next_id();
        let agent_ids =
            if name == "Empty" { Vec::new() } else { all.iter().skip(n % 2).step_by(n + 1).copied().collect() };
        let group = Group { id, name: name.into(), description: None, agent_ids, created_at: account.created_at };
        account.groups.insert(id, group);
    }
}

fn field(account: &mut Account, kind: &str, name: &str, label: &str, required: bool) -> Field {
    Field {
        id: account.next_id(),
        name: name.to_owned(),
        label: label.to_owned(),
        kind: kind.to_owned(),
        required_for_agents: required,
        required_for_closure: false,
        choices: Vec::new(),
        levels: Vec::new(),
        created_at: account.created_at,
    }
}

fn choice(account: &mut Account, value: &str, below: Vec<Choice>) -> Choice {
    Choice { id: account.next_id(), value: value.to_owned(), below }
}

fn ticket_fields(account: &mut Account) {
    let defaults = [
        ("default_requester", "requester", "Search a requester", true),
        ("default_subject", "subject", "Subject", true),
        ("default_ticket_type", "ticket_type", "Type", false),
        ("default_source", "source", "Source", false),
        ("default_status", "status", "Status", true),
        ("default_priority", "priority", "Priority", true),
        ("default_group", "group", "Group", false),
        ("default_agent", "agent", "Agent", false),
        ("default_product", "product", "Product", false),
        ("default_description", "description", "Description", true),
        ("default_company", "company", "Company", false),
    ];
    for (kind, name, label, required) in defaults {
        let made = field(account, kind, name, label, required);
        account.ticket_fields.push(made);
    }
    // A field that was deleted: its name is not given again.
    account.spent_names.insert("cf_legacy_id".to_owned());
    let custom = [
        ("custom_text", "Order number"),
        // Another field of the same letters: its name ends in a number.
        ("custom_text", "Order-number"),
        ("custom_paragraph", "Steps to reproduce"),
        ("custom_number", "Quantity"),
        ("custom_decimal", "Amount"),
        ("custom_date", "Purchased on"),
        ("custom_checkbox", "VIP"),
        ("custom_dropdown", "Region"),
        ("nested_field", "Category"),
    ];
    for (kind, label) in custom {
        let name = account.name_for(label);
        let mut made = field(account, kind, &name, label, false);
        if kind == "custom_dropdown" {
            made.choices =
                ["Europe", "Americas", "Asia-Pacific"].into_iter().map(|v| choice(account, v, Vec::new())).collect();
        }
        if kind == "nested_field" {
            made.choices = categories(account);
            for label in ["Subcategory", "Item"] {
                made.levels.push((account.next_id(), account.name_for(label), label.to_owned()));
            }
        }
        account.ticket_fields.push(made);
    }
}

fn categories(account: &mut Account) -> Vec<Choice> {
    let tree = [
        ("Hardware", [("Laptop", "Battery"), ("Printer", "Toner")]),
        ("Software", [("Web", "Login"), ("Desktop", "Licence")]),
    ];
    let mut made = Vec::new();
    for (value, below) in tree {
        let middle = below.map(|(value, last)| {
            let last = choice(account, last, Vec::new());
            choice(account, value, vec![last])
        });
        made.push(choice(account, value, middle.into()));
    }
    made
}

const CONTACT_FIELDS: [(&str, &str, &str, bool); 15] = [
    ("default_name", "name", "Full name", true),
    ("default_job_title", "job_title", "Title", false),
    ("default_email", "email", "Email", false),
    ("default_phone", "phone", "Work phone", false),
    ("default_mobile", "mobile", "Mobile phone", false),
    ("default_twitter_id", "twitter_id", "Twitter", false),
    ("default_company_name", "company_name", "Company", false),
    ("default_address", "address", "Address", false),
    ("default_time_zone", "time_zone", "Time zone", false),
    ("default_language", "language", "Language", false),
    ("default_tag_names", "tag_names", "Tags", false),
    ("default_unique_external_id", "unique_external_id", "Unique external ID", false),
    ("custom_text", "department", "Department", false),
    ("custom_checkbox", "permanent", "Permanent", false),
    ("custom_date", "customer_since", "Customer since", false),
];

const COMPANY_FIELDS: [(&str, &str, &str, bool); 9] = [
    ("default_name", "name", "Company name", true),
    ("default_description", "description", "Description", false),
    ("default_note", "note", "Notes", false),
    ("default_domains", "domains", "Domains for this company", false),
    ("default_health_score", "health_score", "Health score", false),
    ("default_account_tier", "account_tier", "Account tier", false),
    ("default_renewal_date", "renewal_date", "Renewal date", false),
    ("default_industry", "industry", "Industry", false),
    ("custom_number", "seats", "Seats", false),
];

fn plain_fields(account: &mut Account, rows: &[(&str, &str, &str, bool)]) -> Vec<Field> {
    rows.iter().map(|(kind, name, label, required)| field(account, kind, name, label, *required)).collect()
}

fn companies(account: &mut Account) {
    let rows: [(&str, &[&str]); 4] = [
        ("Globex", &["globex.example"]),
        ("Initech", &["initech.example", "initech.test"]),
        ("ACME gmbh & Söhne", &[]),
        ("Umbrella, Inc.", &[]),
    ];
    for (name, domains) in rows {
        let id = account.next_id();
        let company = Company {
            id,
            name: name.to_owned(),
            description: None,
            note: None,
            domains: domains.iter().map(|d| (*d).to_owned()).collect(),
            health_score: None,
            account_tier: None,
            renewal_date: None,
            industry: None,
            custom: Map::new(),
            created_at: account.created_at,
            updated_at: account.created_at,
        };
        account.companies.insert(id, company);
    }
}

fn contacts(account: &mut Account) {
    let born = account.created_at;
    let person = |name: &str, email: Option<&str>| Contact {
        email: email.map(str::to_owned),
        ..people::blank(name.to_owned(), born)
    };
    let rows = [
        Contact { active: true, ..person("Bob Miller", Some("Bob.Miller@Globex.Example")) },
        Contact { deleted: true, ..person("Gone Gustav", Some("gone@customers.example")) },
        Contact { blocked: true, ..person("Spam Sam", Some("spam@bulk.example")) },
        Contact {
            other_emails: vec!["ann.alias@customers.example".into()],
            ..person("Ann Alias", Some("ann@customers.example"))
        },
        Contact { mobile: Some("+49 170 0000001".into()), ..person("Mo Bile", None) },
        Contact { unique_external_id: Some("crm-0001".into()), ..person("Ex Ternal", Some("ext@initech.example")) },
        person("Zoë Ångström-Łukasz", Some("zoe@customers.example")),
        person("Sam Same", Some("sam1@customers.example")),
        person("Sam Same", Some("sam2@customers.example")),
        person("=HYPERLINK(\"http://x\"), \"quoted\"", Some("o'hara+tag@customers.example")),
    ];
    for contact in rows {
        account.add_contact(contact);
    }
}

/// Ticket `n`: the first ones are each odd in their own way, the rest are ordinary.
fn ticket(account: &mut Account, n: usize, options: &Options) {
    let mut random = Random::of(options.seed, &[20, n as u64]);
    let id = account.next_ticket();
    let hours = if n == 0 { 24 * 90 } else { 24 * 20 - i64::try_from(n % 400).unwrap_or(0) };
    let at = options.now - SignedDuration::from_hours(hours);
    let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let asking: Vec<u64> = account.contacts.values().filter(|c| !c.deleted && !c.blocked).map(|c| c.id).collect();
    let agents: Vec<u64> = account.agents.values().filter(|a| !a.deactivated).map(|a| a.id).collect();
    let groups: Vec<u64> = account.groups.keys().copied().collect();
    let requester_id = *random.pick(&asking);
    let responder = *random.pick(&agents);
    let subject: String = words::subject(&mut random).chars().take(255).collect();
    let mut made = Ticket {
        subject: Some(subject),
        description: html::clean(&words::body(&mut random, &format!("fd{id}")).html),
        requester_id,
        responder_id: (!n.is_multiple_of(3)).then_some(responder),
        group_id: (!n.is_multiple_of(4)).then(|| *random.pick(&groups)),
        company_id: account.contacts.get(&requester_id).and_then(|c| c.company_id),
        priority: 1 + random.below(4),
        source: *random.pick(&[1, 2, 3, 7, 9]),
        kind: n.is_multiple_of(2).then(|| random.pick(&account.types).clone()),
        tags: vec!["imported".to_owned(), format!("batch {}", n % 5)],
        deleted: n == 1,
        spam: n == 2,
        ..tickets::blank(id, at)
    };
    made.custom.insert("cf_order_number".to_owned(), json!(format!("A-{:05}", random.below(100_000))));
    made.move_to(2 + random.below(7), at);
    if n == 4 {
        let image = words::image(&mut random, "pixel.gif");
        let kept = account.keep_all(id, vec![upload(&image)], at);
        made.description = format!("<div>look: <img src=\"{}\" data-id=\"{}\"></div>", inline(kept[0].id), kept[0].id);
        made.files = kept;
    }
    let messages = if n == 3 { 35 } else { random.below(5) };
    for m in 0..messages {
        let incoming = m.is_multiple_of(2);
        let said = words::body(&mut random, &format!("fd{id}-{m}")).html;
        let moment = at + SignedDuration::from_mins(i64::try_from(m).unwrap_or(0) + 1);
        let mut message = account.blank_conversation(if incoming { requester_id } else { responder }, &said, moment);
        (message.incoming, message.private) = (incoming, !incoming && m.is_multiple_of(3));
        message.source = if message.private { 2 } else { 0 };
        if m == 1 {
            let file = words::file_of(&mut random, 900);
            message.files = account.keep_all(id, vec![upload(&file)], moment);
        }
        made.updated_at = moment;
        account.ticket_of.insert(message.id, id);
        made.conversations.push(message);
    }
    account.tickets.insert(id, made);
}

fn upload(file: &words::File) -> Upload {
    let bytes = Bytes::from(file.bytes());
    Upload { part: "attachments".into(), name: file.name.clone(), content_type: file.content_type.into(), bytes }
}
