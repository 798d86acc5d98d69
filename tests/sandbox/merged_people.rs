//! Two people of the source who are one in the target, and addresses that are somebody else's: whose tickets they are stays right, and
//! whatever does not arrive is named.

use crate::desks::{Desk, Options};
use crate::policies::Folder;
use serde_json::{Value, json};

/// Two contacts of one address, and one whose further addresses are another's and nobody's.
fn people() -> Vec<Value> {
    vec![
        json!({ "id": "10", "name": "Ann One", "emails": ["ann@x.example"], "phones": ["+49 30 1"] }),
        json!({ "id": "11", "name": "Ann Two", "emails": ["ANN@x.example", "two@x.example"], "phones": ["+49 30 2"], "tags": ["vip"],
            "custom": [{ "key": "level", "title": "Level", "value": "gold" }] }),
        json!({ "id": "12", "name": "Ben", "emails": ["ben@x.example", "cat@x.example", "ben2@x.example"] }),
        json!({ "id": "13", "name": "Cat", "emails": ["cat@x.example"] }),
    ]
}

fn tickets() -> Vec<Value> {
    let ticket = |id: &str, requester: &str| {
        json!({ "id": id, "subject": format!("ticket {id}"), "requester": requester,
            "comments": [{ "id": format!("{id}1"), "author": requester, "format": "text", "body": "hello" }] })
    };
    vec![ticket("1", "10"), ticket("2", "11"), ticket("3", "12"), ticket("4", "13")]
}

fn folder(platform: &str) -> Folder {
    Folder::of(platform, &[("contact", &people()), ("ticket", &tickets())], "")
}

/// Every person of a desk by their name: id and all their addresses.
fn there(state: &Value) -> Vec<(u64, String, Vec<String>)> {
    let is_zendesk = state["platform"] == "zendesk";
    let rows = if is_zendesk { &state["users"] } else { &state["contacts"] };
    let person = |row: &Value| {
        let id = row["id"].as_u64().unwrap();
        let mut addresses: Vec<String> = match is_zendesk {
            true => {
                let own = state["identities"].as_array().unwrap().iter().filter(|own| own["user_id"] == id);
                own.map(|own| own["value"].as_str().unwrap().to_lowercase()).collect()
            }
            false => {
                let others = row["other_emails"].as_array().into_iter().flatten();
                row["email"]
                    .as_str()
                    .into_iter()
                    .chain(others.filter_map(Value::as_str))
                    .map(str::to_lowercase)
                    .collect()
            }
        };
        addresses.sort();
        (id, row["name"].as_str().unwrap_or_default().to_owned(), addresses)
    };
    rows.as_array()
        .unwrap()
        .iter()
        .map(person)
        .filter(|(.., all)| all.iter().any(|a| a.ends_with("@x.example")))
        .collect()
}

/// The losses of a contact, as a preview or a report names them.
fn losses(all: &Folder, id: &str) -> Vec<String> {
    let ledger = rusqlite::Connection::open(all.home().join(".deskferry/ledger.db")).unwrap();
    let sql = "SELECT loss.detail FROM loss JOIN record ON record.seq = loss.record \
               WHERE record.kind = 'contact' AND record.id = ?1 AND loss.loss = 'person_value_dropped' ORDER BY loss.detail";
    let mut rows = ledger.prepare(sql).unwrap();
    let details = rows.query_map([id], |row| row.get(0)).unwrap();
    details.map(Result::unwrap).collect()
}

#[test]
fn two_people_of_one_address_are_one_in_the_target_and_what_is_not_there_is_named() {
    for platform in ["freshdesk", "zendesk"] {
        let all = folder(platform);
        all.succeeds();
        let state = all.target.state();
        let people = there(&state);
        let of = |address: &str| people.iter().find(|(.., all)| all.contains(&address.to_owned())).unwrap();
        let ann = of("ann@x.example");
        let requester = |subject: &str| {
            let tickets = state["tickets"].as_array().unwrap();
            tickets.iter().find(|ticket| ticket["subject"] == subject).unwrap()["requester_id"].as_u64().unwrap()
        };
        assert_eq!(
            (requester("ticket 1"), requester("ticket 2")),
            (ann.0, ann.0),
            "{platform}: both are Ann: {people:?}"
        );
        assert_eq!(
            (requester("ticket 3"), requester("ticket 4")),
            (of("ben@x.example").0, of("cat@x.example").0),
            "{platform}"
        );
        // The first of the file gives the name: what the other one has beside is named.
        let (one, two) = (losses(&all, "10"), losses(&all, "11"));
        assert_eq!((ann.1.as_str(), one.as_slice()), ("Ann One", &[][..]), "{platform}: {two:?}");
        for word in ["name Ann Two: the target has Ann One", "+49 30 2", "Level", "vip"] {
            assert!(two.iter().any(|detail| detail.contains(word)), "{platform}: {word}: {two:?}");
            assert!(all.report().contains(word), "{platform}: the report lists {word}");
        }
        let arrived = ann.2.contains(&"two@x.example".to_owned());
        assert!(arrived || two.iter().any(|detail| detail.contains("two@x.example")), "{platform}: {people:?} {two:?}");
        assert!(all.report().contains("person_value_dropped"), "{platform}");
        let seen = all.target.calls().len();
        all.succeeds();
        assert_eq!(all.target.writes_after(seen), Vec::<String>::new(), "{platform}");
    }
}

#[test]
fn an_address_by_which_somebody_else_is_known_stays_theirs_and_the_others_arrive() {
    for platform in ["freshdesk", "zendesk"] {
        let all = folder(platform);
        all.succeeds();
        let people = there(&all.target.state());
        let of = |name: &str| people.iter().find(|(_, own, _)| own == name).unwrap().2.clone();
        assert_eq!(of("Ben"), ["ben2@x.example", "ben@x.example"], "{platform}");
        assert_eq!(of("Cat"), ["cat@x.example"], "{platform}");
        assert_eq!(losses(&all, "12"), ["address cat@x.example: it is that of contact 13"], "{platform}");
        assert_eq!(losses(&all, "13"), Vec::<String>::new(), "{platform}");
    }
}

/// Somebody of the target whom no row of the source is has the further address.
#[test]
fn an_address_that_somebody_of_the_target_has_is_named() {
    for platform in ["freshdesk", "zendesk"] {
        let contact = json!({ "id": "7", "name": "Dora", "emails": ["dora@x.example", "taken@x.example"] });
        let all = Folder::of(platform, &[("contact", &[contact]), ("ticket", &[])], "");
        let taken = json!({ "name": "Somebody", "email": "taken@x.example" });
        match platform {
            "zendesk" => all.target.sent("POST", "/api/v2/users.json", &json!({ "user": taken })),
            _ => all.target.sent("POST", "/api/v2/contacts", &taken),
        };
        all.succeeds();
        let people = there(&all.target.state());
        let of = |name: &str| people.iter().find(|(_, own, _)| own == name).unwrap().2.clone();
        assert_eq!(
            (of("Dora"), of("Somebody")),
            (vec!["dora@x.example".to_owned()], vec!["taken@x.example".to_owned()]),
            "{platform}"
        );
        assert_eq!(losses(&all, "7"), ["address taken@x.example"], "{platform}");
    }
}

/// Agents are matched, and nothing of a contact is written to one.
#[test]
fn a_contact_with_the_address_of_an_agent_of_the_target_names_what_the_agent_has_not() {
    for platform in ["freshdesk", "zendesk"] {
        let all = Folder::of(platform, &[], "");
        let state = all.target.state();
        let rows = if platform == "zendesk" { &state["users"] } else { &state["agents"] };
        let is_agent = |row: &&Value| platform != "zendesk" || row["role"] == "agent";
        let agent =
            rows.as_array().unwrap().iter().filter(is_agent).find_map(|row| row["email"].as_str()).unwrap().to_owned();
        let contact =
            json!({ "id": "7", "name": "Not The Agent", "emails": [agent, "more@x.example"], "phones": ["12345"] });
        all.put("in/contact.jsonl", format!("{contact}\n").as_bytes());
        all.succeeds();
        let lost = losses(&all, "7");
        for word in ["name Not The Agent", "address more@x.example", "phone 12345"] {
            assert!(lost.iter().any(|detail| detail.starts_with(word)), "{platform}: {lost:?}");
        }
    }
}

/// An account that allows one organization a user refuses another one; here it is one that nobody has.
#[test]
fn a_company_that_is_refused_for_who_was_there_before_is_named() {
    let target = Desk::start(&Options { platform: "zendesk", tickets: 0, faults: None, flags: &["--silenced"] });
    let there = json!({ "user": { "name": "Ann", "email": "ann@x.example", "skip_verify_email": true } });
    target.sent("POST", "/api/v2/users.json", &there);
    let company = json!({ "id": "c1", "name": "Seven Seas" });
    let contact = json!({ "id": "11", "name": "Ann", "emails": ["ANN@x.example"], "companies": ["c1"] });
    let all = Folder::into(target, &[("company", &[company]), ("contact", &[contact])], "");
    let own = std::fs::read_to_string(crate::root::root().join("connectors/zendesk.toml")).unwrap();
    let sent = "\"organization_membership.organization_id\" = { jq = \".contact.companies[0] | tonumber\" }";
    assert!(own.contains(sent), "the manifest sends it in another way");
    all.put(
        "connectors/zendesk.toml",
        own.replace(sent, "\"organization_membership.organization_id\" = { const = 1 }").as_bytes(),
    );
    all.succeeds();
    let state = all.target.state();
    let made = state["organizations"].as_array().unwrap().iter().find(|own| own["name"] == "Seven Seas").unwrap();
    assert_eq!(losses(&all, "11"), [format!("company {}", made["id"])]);
}
