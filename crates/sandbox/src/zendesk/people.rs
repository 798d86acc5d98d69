//! Users of all roles and organisations, the awkward ones first.

use super::store::{Account, HERE, Party};
use super::tables::{GROUPS, merge};
use crate::random::Random;
use crate::words;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The administrator whose token the sandbox takes.
pub const ADMIN: u64 = 360_000_001_000;
pub const ADMIN_EMAIL: &str = "admin@acme.example";
/// Agents at work, beside the administrator.
const AGENTS: u64 = 4;
/// All who have been agents: after those at work come one who is suspended and one who left.
pub const STAFF: u64 = AGENTS + 3;
/// Of those at work: two that a new account does not have as the one with the same seed does.
const ABSENT: u64 = 4;
const SHOUTED: u64 = 2;
const FIRST_CUSTOMER: u64 = 360_000_002_000;
const FIRST_ORGANIZATION: u64 = 360_000_003_000;
pub const BEGAN: i64 = 1_614_556_800; // 2021-03-01

/// What an account was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It is full of tickets.
    Used,
    /// It waits for them. Agents have the addresses of those in use with the same seed, so that people are found again: one is
    /// written in capitals and one is not here. Organizations have the same names, one of them in capitals. Customers
    /// are others.
    New,
}

/// What is odd about a user.
#[derive(Clone, Copy, PartialEq)]
enum Odd {
    Not,
    NoEmail,
    TwoEmails,
    /// The next one has the same address, in capitals.
    Twin,
    PhoneOnly,
    Gone,
    Suspended,
    Inactive,
    Deleted,
}

const CUSTOMERS: [Odd; 9] = [
    Odd::Not,
    Odd::NoEmail,
    Odd::TwoEmails,
    Odd::Twin,
    Odd::Twin,
    Odd::PhoneOnly,
    Odd::Gone,
    Odd::Suspended,
    Odd::Deleted,
];

/// The customer who was permanently deleted: named by tickets, and a 404.
pub fn gone(account: &Account) -> Option<u64> {
    account.users.iter().find(|u| u.row["permanently_deleted"] == true).and_then(|u| u.row["id"].as_u64())
}

pub fn stamp(at: i64) -> Value {
    json!(Timestamp::from_second(at).map(|t| t.to_string()).unwrap_or_default())
}

/// One of those at work.
pub fn agent(n: u64) -> u64 {
    ADMIN + n % (AGENTS + 1)
}

/// Customers that still exist.
pub fn customers(account: &Account) -> Vec<u64> {
    let known = account.users.iter().filter(|u| u.row["role"] == "end-user" && u.row["permanently_deleted"] == false);
    known.filter_map(|u| u.row["id"].as_u64()).collect()
}

pub fn fill(account: &mut Account, seed: u64, customers: u64, life: Life) {
    account.admin = ADMIN;
    let organizations = customers / 6 + 3;
    for n in 0..organizations {
        account.organizations.push(organization(seed, n, life));
    }
    let staff = [Odd::Not; 1 + AGENTS as usize].into_iter().chain([Odd::Suspended, Odd::Inactive]);
    for (n, odd) in (0..).zip(staff) {
        let role = if n == 0 { "admin" } else { "agent" };
        if life == Life::New && n == ABSENT {
            continue;
        }
        let mut random = Random::of(seed, &[3, n]);
        let user = add(account, &mut random, ADMIN + n, role, odd, "acme.example", None);
        if life == Life::New && n == SHOUTED {
            shout(account, user);
        }
    }
    for n in 0..customers {
        let mut random = Random::of(seed, &[4, n]);
        let odd = CUSTOMERS.get(n as usize).copied().unwrap_or(Odd::Not);
        let organization = random.percent(60).then(|| FIRST_ORGANIZATION + random.below(organizations));
        let domain = if life == Life::New { "customers.example" } else { "example.com" };
        add(account, &mut random, FIRST_CUSTOMER + n, "end-user", odd, domain, organization);
    }
    memberships(account, seed, organizations);
}

fn shout(account: &mut Account, user: usize) {
    let email = account.users[user].row["email"].as_str().unwrap_or_default().to_uppercase();
    let id = account.users[user].row["id"].clone();
    for identity in account.identities.iter_mut().filter(|own| own["user_id"] == id && own["type"] == "email") {
        identity["value"] = json!(email);
    }
    account.users[user].row["email"] = json!(email);
}

fn organization(seed: u64, n: u64, life: Life) -> Party {
    let mut random = Random::of(seed, &[2, n]);
    let id = FIRST_ORGANIZATION + n;
    let names = ["Müller & Söhne GmbH", "Acme <Inc.>", "株式会社サンプル", "ООО Ромашка", "O'Neill / Partners"];
    let created = BEGAN - 900_000 + n as i64 * 600;
    let name = format!("{} {}", random.pick(&names), n + 1);
    let name = if life == Life::New && n == 0 { name.to_uppercase() } else { name };
    let row = json!({
        "url": format!("{HERE}/api/v2/organizations/{id}.json"), "id": id, "name": name, "shared_tickets": n.is_multiple_of(3), "shared_comments": false,
        "external_id": n.is_multiple_of(4).then(|| format!("crm-{n}")), "created_at": stamp(created),
        "updated_at": stamp(created), "domain_names": [format!("org{n}.example")], "details": "", "notes": "Line one\r\nline two", "group_id": null,
        "tags": ["vip"], "organization_fields": { "contract": format!("C-{n}") },
    });
    // Several share a second, so that time-based pages meet at one.
    Party { row, generated: created - created % 1800 + 1800 }
}

/// A user as the vendor begins one.
pub fn blank(id: u64, name: &str, role: &str, created: &Value) -> Value {
    let staff = role != "end-user";
    let mut row = json!({
        "id": id, "url": format!("{HERE}/api/v2/users/{id}.json"), "name": name, "email": null, "created_at": created,
        "updated_at": created, "time_zone": "Berlin", "iana_time_zone": "Europe/Berlin", "phone": null,
        "shared_phone_number": null, "photo": null, "locale_id": 8, "locale": "de", "organization_id": null,
        "role": role, "verified": false,
    });
    merge(
        &mut row,
        json!({
            "external_id": null, "tags": [], "alias": null, "active": true, "shared": false, "shared_agent": false,
            "last_login_at": null, "two_factor_auth_enabled": false, "signature": null, "details": null, "notes": null,
            "role_type": (role == "agent").then_some(0), "custom_role_id": null, "moderator": staff,
            "ticket_restriction": if staff { Value::Null } else { json!("requested") }, "only_private_comments": false,
            "restricted_agent": !staff, "suspended": false, "default_group_id": null, "report_csv": false,
            "user_fields": { "customer_no": null, "tier": null }, "permanently_deleted": false,
        }),
    );
    row
}

/// Its place among the users.
fn add(
    account: &mut Account,
    random: &mut Random,
    id: u64,
    role: &str,
    odd: Odd,
    domain: &str,
    organization: Option<u64>,
) -> usize {
    let (name, local) = words::person(random);
    let email = match odd {
        Odd::NoEmail | Odd::PhoneOnly | Odd::Gone => None,
        Odd::Twin if id.is_multiple_of(2) => Some(format!("TWIN@{}{}", domain[..1].to_uppercase(), &domain[1..])),
        Odd::Twin => Some(format!("twin@{domain}")),
        _ if id == ADMIN => Some(ADMIN_EMAIL.to_owned()),
        _ => Some(format!("{local}.{}@{domain}", id % 10_000)),
    };
    let phone = (odd == Odd::PhoneOnly || random.percent(20)).then(|| format!("+49 30 {}", 1_000_000 + id % 10_000));
    let created = BEGAN - 800_000 + (id % 1000) as i64 * 60;
    let active = !matches!(odd, Odd::Gone | Odd::Inactive | Odd::Deleted);
    let staff = role != "end-user";
    let name = if odd == Odd::Gone { "Permanently Deleted User" } else { name };
    let mut row = blank(id, name, role, &stamp(created));
    merge(
        &mut row,
        json!({
            "email": email, "phone": phone, "shared_phone_number": phone.is_some().then_some(false),
            "organization_id": organization, "verified": active,
            "external_id": (!staff && id.is_multiple_of(5)).then(|| format!("cust-{id}")), "active": active,
            "suspended": odd == Odd::Suspended, "default_group_id": staff.then_some(GROUPS[0]),
            "user_fields": {
                "customer_no": (!staff).then(|| format!("K{id}")), "tier": (!staff).then_some("tier_gold"),
            },
            "permanently_deleted": odd == Odd::Gone,
        }),
    );
    identities(account, id, &row, odd, domain);
    account.users.push(Party { row, generated: created + 30 });
    account.users.len() - 1
}

fn identities(account: &mut Account, user: u64, row: &Value, odd: Odd, domain: &str) {
    let mut add = |kind: &str, value: &Value, primary: bool| {
        let id = 360_000_010_000 + account.identities.len() as u64;
        account.identities.push(json!({
            "url": format!("{HERE}/api/v2/users/{user}/identities/{id}.json"), "id": id, "user_id": user, "type": kind,
            "value": value, "verified": true, "primary": primary, "created_at": row["created_at"],
            "updated_at": row["updated_at"], "undeliverable_count": 0, "deliverable_state": "deliverable",
        }));
    };
    if row["email"].is_string() {
        add("email", &row["email"], true);
    }
    if odd == Odd::TwoEmails {
        add("email", &json!(format!("second.address@{}", domain.replace(".com", ".org"))), false);
    }
    if row["phone"].is_string() {
        add("phone_number", &row["phone"], false);
    }
}

fn memberships(account: &mut Account, seed: u64, organizations: u64) {
    let began = stamp(BEGAN);
    let (mut groups, mut belongs) = (Vec::new(), Vec::new());
    for user in &account.users {
        let id = user.row["id"].as_u64().unwrap_or_default();
        if user.row["role"] != "end-user" {
            for (n, group) in GROUPS.iter().enumerate().filter(|(n, _)| *n == 0 || id.is_multiple_of(*n as u64 + 1)) {
                let own = 360_000_020_000 + groups.len();
                groups.push(json!({
                    "url": format!("{HERE}/api/v2/group_memberships/{own}.json"), "id": own, "user_id": id,
                    "group_id": group, "default": n == 0, "created_at": began, "updated_at": began,
                }));
            }
        }
        let Some(first) = user.row["organization_id"].as_u64() else { continue };
        let second = Random::of(seed, &[5, id]).percent(15);
        let second = second.then(|| FIRST_ORGANIZATION + (first - FIRST_ORGANIZATION + 1) % organizations);
        for (n, organization) in [Some(first), second].into_iter().flatten().enumerate() {
            let own = 360_000_030_000 + belongs.len();
            belongs.push(json!({
                "url": format!("{HERE}/api/v2/organization_memberships/{own}.json"), "id": own, "user_id": id,
                "organization_id": organization, "default": n == 0, "view_tickets": true, "created_at": began,
                "updated_at": began,
            }));
        }
    }
    account.tables.insert("group_memberships", groups);
    account.tables.insert("organization_memberships", belongs);
}
