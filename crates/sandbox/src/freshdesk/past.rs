//! What a desk in use has gathered, to be moved away from: tickets beyond the first dozen, and the people who wrote them.
//!
//! The first of these tickets are each odd in their own way ([`ODD`]), the rest are drawn ([`super::story`]).

use super::Options;
use super::people;
use super::store::{Account, Association, Contact};
use super::story::{Draft, People};
use crate::random::Random;
use crate::words;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Tickets before these are those of a desk that is moved into.
pub const FIRST: usize = 12;

/// What is odd about a ticket, by its place after the first dozen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Odd {
    Not,
    LongThread,
    Archived,
    /// Deleted for good: its number is nobody's.
    Gone,
    WebChat,
    PrivateFirst,
    ByDeleted,
    ByBlocked,
    Inline,
    Survey,
    OtherWays,
    Parent,
    Child,
    Tracker,
    Related,
    /// Into the ticket after it.
    Merged,
    HostileFiles,
    LargeFile,
    FormerAgent,
    Copied,
    Bare,
    Outbound,
    Deleted,
    Spam,
}

pub const ODD: [Odd; 27] = [
    Odd::LongThread,
    Odd::Archived,
    Odd::Gone,
    Odd::WebChat,
    Odd::PrivateFirst,
    Odd::ByDeleted,
    Odd::ByBlocked,
    Odd::Inline,
    Odd::Survey,
    Odd::OtherWays,
    Odd::Parent,
    Odd::Child,
    Odd::Child,
    Odd::Tracker,
    Odd::Related,
    Odd::Merged,
    Odd::Not,
    Odd::HostileFiles,
    Odd::LargeFile,
    Odd::FormerAgent,
    Odd::Copied,
    Odd::Bare,
    Odd::Archived,
    Odd::Gone,
    Odd::Outbound,
    Odd::Deleted,
    Odd::Spam,
];

pub fn odd(n: usize) -> Odd {
    ODD.get(n - FIRST).copied().unwrap_or(Odd::Not)
}

/// Number of the first ticket that is odd in this way.
pub fn number(wanted: Odd) -> u64 {
    (FIRST + ODD.iter().position(|odd| *odd == wanted).unwrap_or_default() + 1) as u64
}

pub fn fill(account: &mut Account, options: &Options) {
    let more = options.tickets.saturating_sub(FIRST);
    if more == 0 {
        return;
    }
    let known: Vec<u64> = account.contacts.keys().copied().collect();
    (0..more / 3 + 14).for_each(|n| contact(account, n, options));
    let asking = |account: &Account, has: fn(&Contact) -> bool| -> Vec<u64> {
        account.contacts.values().filter(|c| has(c)).map(|c| c.id).collect()
    };
    let people = People {
        customers: asking(account, |c| !c.deleted && !c.blocked),
        deleted: asking(account, |c| c.deleted).into_iter().filter(|id| !known.contains(id)).collect(),
        blocked: asking(account, |c| c.blocked).into_iter().filter(|id| !known.contains(id)).collect(),
        agents: account.agents.values().filter(|a| !a.deactivated).map(|a| a.id).collect(),
        former: account.agents.values().filter(|a| a.deactivated).map(|a| a.id).collect(),
    };
    for n in FIRST..options.tickets {
        let id = account.next_ticket();
        if odd(n) == Odd::Gone {
            continue;
        }
        let ticket = Draft::new(account, &people, n, id, options).ticket();
        if odd(n) == Odd::Archived {
            account.archive.insert(id, ticket);
        } else {
            account.tickets.insert(id, ticket);
        }
    }
    associate(account);
}

/// Archives the oldest tickets that lists show.
pub fn archive(account: &mut Account, many: usize) {
    let listed = account.tickets.values().filter(|ticket| !ticket.deleted && !ticket.spam);
    let oldest: Vec<u64> = listed.map(|ticket| ticket.id).take(many).collect();
    for id in oldest {
        account.archive.extend(account.tickets.remove(&id).map(|ticket| (id, ticket)));
    }
}

/// Folders of canned responses, as they are listed.
pub fn canned_folders() -> Value {
    json!([
        {"id": 1, "name": "General", "personal": false, "responses_count": 3, "created_at": "2020-08-16T09:08:53Z", "updated_at": "2020-08-16T09:08:53Z"},
        {"id": 2, "name": "Personal", "personal": true, "responses_count": 4, "created_at": "2020-08-16T09:08:53Z", "updated_at": "2020-08-16T09:08:53Z"},
    ])
}

/// Automation rules of a type: 1 new tickets, 3 hourly, 4 changed tickets.
pub fn rules(kind: u64) -> Value {
    let many = [0, 2, 0, 1, 5].get(usize::try_from(kind).unwrap_or(0)).copied().unwrap_or(0);
    let rule = |n: u64| json!({"id": n, "name": format!("Rule {n}"), "position": n, "active": true, "automation_type_id": kind});
    json!({ "rules": (1..=many).map(rule).collect::<Vec<_>>() })
}

fn contact(account: &mut Account, n: usize, options: &Options) {
    let mut random = Random::of(options.seed, &[21, n as u64]);
    let (name, local) = words::person(&mut random);
    let companies: Vec<u64> = account.companies.keys().copied().collect();
    let drawn = |random: &mut Random| *random.pick(&companies);
    let company_id = random.percent(60).then(|| drawn(&mut random));
    let other = drawn(&mut random);
    let email = (n % 17 != 16).then(|| format!("{local}.{n}@customers.example"));
    let made = Contact {
        email,
        other_emails: if n % 5 == 4 { vec![format!("{local}.{n}.private@mail.example")] } else { vec![] },
        phone: random.percent(40).then(|| format!("+1 555 01{n:04}")),
        mobile: random.percent(30).then(|| format!("+49 170 1{n:06}")),
        unique_external_id: (n % 17 == 16).then(|| format!("crm-1{n:04}")),
        company_id,
        other_companies: if n % 7 == 3 && company_id.is_some_and(|id| id != other) {
            vec![(other, false)]
        } else {
            vec![]
        },
        job_title: random.percent(30).then(|| "Head of <Everything> & more".to_owned()),
        address: random.percent(20).then(|| "Rue de l'Église 5\n1000 Bruxelles".to_owned()),
        language: (*random.pick(&["en", "de", "fr", "ar"])).to_owned(),
        tags: if random.percent(25) { vec!["vip".to_owned(), "größe".to_owned()] } else { vec![] },
        active: n % 3 != 2,
        deleted: n % 11 == 10,
        blocked: n % 13 == 12,
        ..people::blank(name.to_owned(), account.created_at)
    };
    let id = account.add_contact(made);
    if random.percent(30)
        && let Some(contact) = account.contacts.get_mut(&id)
    {
        contact.custom.insert("department".to_owned(), json!("R&D \"north\""));
        contact.custom.insert("permanent".to_owned(), json!(n.is_multiple_of(2)));
    }
}

/// Parents know their children and trackers what is linked to them, where all are there.
fn associate(account: &mut Account) {
    for (head, member) in [(Odd::Parent, Odd::Child), (Odd::Tracker, Odd::Related)] {
        let number_of = |place: usize| (FIRST + place + 1) as u64;
        let members = ODD.iter().enumerate().filter(|(_, odd)| **odd == member).map(|(place, _)| number_of(place));
        let members: Vec<u64> = members.filter(|id| account.tickets.contains_key(id)).collect();
        let Some(first) = account.tickets.get_mut(&number(head)).filter(|_| !members.is_empty()) else { continue };
        let id = first.id;
        let is_parent = head == Odd::Parent;
        first.association =
            Some(if is_parent { Association::Parent(members.clone()) } else { Association::Tracker(members.clone()) });
        for member in members {
            let with = if is_parent { Association::Child(id) } else { Association::Related(id) };
            account.tickets.entry(member).and_modify(|ticket| ticket.association = Some(with));
        }
    }
}

pub fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
