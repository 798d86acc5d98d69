//! Answers against those of the vendor's page and of a client's fixtures, where a copy of them is at hand:
//! `DESKFERRY_SPECS` names the folder that holds `freshdesk/`.

use super::*;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn page() -> Option<String> {
    let specs = PathBuf::from(std::env::var_os("DESKFERRY_SPECS").unwrap_or_default());
    let text = std::fs::read_to_string(specs.join("freshdesk/FRESHDESK_API_DOCS.txt")).ok();
    if text.is_none() {
        eprintln!("SKIPPED: no copy of the vendor's page; set DESKFERRY_SPECS");
    }
    text
}

/// Keys of the first JSON object after the line of an endpoint, `post  /api/v2/tickets`, and the next `Response`.
fn keys(page: &str, endpoint: &str) -> BTreeSet<String> {
    let after = page.split_once(&format!("\n{endpoint}\n")).unwrap().1.split_once("\nResponse\n").unwrap().1;
    let inside = if after.starts_with('[') { 2 } else { 1 };
    let (mut keys, mut depth, mut begun) = (BTreeSet::new(), 0, false);
    for line in after.lines().map(str::trim) {
        if depth == inside {
            keys.extend(line.strip_prefix('"').and_then(|l| l.split_once('"')).map(|(key, _)| key.to_owned()));
        }
        depth += line.matches(['{', '[']).count();
        depth -= line.matches(['}', ']']).count();
        begun |= depth >= inside;
        if begun && depth < inside {
            break;
        }
    }
    keys
}

/// Keys the page shows and the answer lacks.
fn lacking(page: &str, endpoint: &str, answer: &Value, but: &[&str]) -> Vec<String> {
    let shown = keys(page, endpoint);
    assert!(shown.len() > 3, "{endpoint}: {shown:?}");
    shown.into_iter().filter(|k| answer.get(k).is_none() && !but.contains(&k.as_str())).collect()
}

#[test]
fn answers_have_the_attributes_the_page_shows() {
    let Some(page) = page() else { return };
    let mut room = silent();
    let made = room.post("/tickets", plain());
    let id = made.id();
    // `urgent` is nowhere among the attributes, `structured_*` are of web chats.
    let but = ["urgent", "structured_description", "structured_body"];
    assert_eq!(lacking(&page, "post  /api/v2/tickets", &made.body, &but), [] as [String; 0]);
    let view = room.get(&format!("/tickets/{id}")).body;
    assert_eq!(lacking(&page, "get  /api/v2/tickets/[id]", &view, &but), [] as [String; 0]);
    let list = room.get("/tickets").body;
    assert_eq!(lacking(&page, "get  /api/v2/tickets", &list[0], &but), [] as [String; 0]);
    let note = room.post(&format!("/tickets/{id}/notes"), json!({"body": "x"})).body;
    assert_eq!(lacking(&page, "post  /api/v2/tickets/[ticket_id]/notes", &note, &but), [] as [String; 0]);
    let reply = room.post(&format!("/tickets/{id}/reply"), json!({"body": "x"})).body;
    assert_eq!(lacking(&page, "post  /api/v2/tickets/[id]/reply", &reply, &but), [] as [String; 0]);
    let listed = room.get(&format!("/tickets/{id}/conversations")).body;
    let but = ["structured_body", "last_edited_at", "last_edited_user_id"];
    assert_eq!(lacking(&page, "get  /api/v2/tickets/[id]/conversations", &listed[0], &but), [] as [String; 0]);
    let contact = room.post("/contacts", json!({"name": "X", "email": "x@y.example"})).body;
    assert_eq!(lacking(&page, "post  /api/v2/contacts", &contact, &["deleted"]), [] as [String; 0]);
    let company = room.post("/companies", json!({"name": "X"})).body;
    assert_eq!(lacking(&page, "post  /api/v2/companies", &company, &[]), [] as [String; 0]);
    let me = room.get("/agents/me").body;
    assert_eq!(lacking(&page, "get  /api/v2/agents/[id]", &me, &[]), [] as [String; 0]);
}

#[test]
fn every_code_of_a_fault_is_on_the_page() {
    let Some(page) = page() else { return };
    let mut room = room();
    for body in [plus("x", json!(1)), plus("status", json!(0)), plus("status", json!(99)), json!({})] {
        for fault in room.post("/tickets", body).faults() {
            let code = fault.split(' ').nth(1).unwrap();
            assert!(page.contains(&format!("\n{code}\t")), "{code}");
        }
    }
}
