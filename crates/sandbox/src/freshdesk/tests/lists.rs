use super::*;

fn ids(got: &Got) -> Vec<u64> {
    got.body.as_array().unwrap().iter().map(|t| t["id"].as_u64().unwrap()).collect()
}

fn is_live(ticket: &Value) -> bool {
    ["deleted", "spam", "archived"].iter().all(|state| ticket[*state] == false)
}

fn query(text: &str) -> String {
    format!("/search/tickets?query=\"{text}\"")
}

#[test]
fn without_updated_since_only_thirty_days_are_listed() {
    let mut room = room();
    let old = 1;
    assert!(!ids(&room.get("/tickets?per_page=100")).contains(&old));
    assert!(ids(&room.get("/tickets?per_page=100&updated_since=1970-01-01T00:00:00Z")).contains(&old));
}

#[test]
fn deleted_and_spam_have_lists_of_their_own() {
    let mut room = room();
    assert_eq!(ids(&room.get("/tickets?filter=deleted")), [2]);
    assert_eq!(ids(&room.get("/tickets?filter=spam")), [3]);
    let all = ids(&room.get("/tickets?per_page=100&updated_since=1970-01-01"));
    assert!(!all.contains(&2) && !all.contains(&3));
}

#[test]
fn pages_end_at_three_hundred_and_hold_a_hundred() {
    let mut room = room();
    assert_eq!(room.get("/tickets?per_page=101").faults(), ["per_page invalid_value"]);
    assert_eq!(room.get("/tickets?page=0").faults(), ["page invalid_value"]);
    let got = room.get("/tickets?page=301");
    assert_eq!(
        got.body["errors"][0]["message"],
        "You cannot access tickets beyond the 300th page. Please provide a smaller page number."
    );
    assert_eq!(room.get("/tickets?page=300").body, json!([]));
    assert_eq!(room.get("/tickets?created_since=2020-01-01").faults(), ["created_since invalid_field"]);
}

#[test]
fn a_walk_by_link_sees_each_ticket_once() {
    let mut room = with(|options| options.tickets = 250);
    let mut seen = Vec::new();
    let mut next =
        Some("/tickets?updated_since=1970-01-01T00:00:00Z&order_by=updated_at&order_type=asc&per_page=100".to_owned());
    while let Some(target) = next {
        let got = room.get(&target.replace("%3A", ":").replace("%2D", "-").replace("%5F", "_"));
        seen.extend(ids(&got));
        let link = got.header("link").map(|l| l.split(['<', '>']).nth(1).unwrap().to_owned());
        next = link.map(|l| l.strip_prefix("http://desk/api/v2").unwrap().to_owned());
    }
    let (walked, unique) = (seen.len(), seen.into_iter().collect::<std::collections::BTreeSet<_>>().len());
    let live = room.desk.state()["tickets"].as_array().unwrap().iter().filter(|t| is_live(t)).count();
    assert_eq!((walked, unique), (live, live));
}

#[test]
fn the_search_lags_and_the_scan_does_not() {
    let mut room = room();
    let id = room.post("/tickets", plus("custom_fields", json!({"cf_order_number": "deskferry:L:ticket:7"}))).id();
    let search = query("cf_order_number:'deskferry:L:ticket:7'");
    let since = "/tickets?updated_since=2026-11-24T12:00:00Z&order_by=updated_at&order_type=asc";
    assert_eq!(room.get(&search).body, json!({"total": 0, "results": []}));
    assert_eq!(ids(&room.get(since)), [id]);
    room.pass(179);
    assert_eq!(room.get(&search).body["total"], 0);
    room.pass(1);
    assert_eq!(room.get(&search).body["results"][0]["id"], id);
    room.put(&format!("/tickets/{id}"), json!({"priority": 2}));
    assert_eq!(room.get(&search).body["total"], 0);
}

#[test]
fn a_search_knows_its_fields_and_ends_after_ten_pages() {
    let mut room = room();
    assert_eq!(room.get(&query("cf_unknown:1")).faults(), ["cf_unknown invalid_field"]);
    assert_eq!(room.get(&query("status:'open'")).faults(), ["status invalid_value"]);
    assert_eq!(room.get("/search/tickets?query=status:2").faults(), ["query invalid_value"]);
    assert_eq!(room.get(&format!("{}&page=11", query("status:2"))).faults(), ["page invalid_value"]);
    assert!(room.get(&query("status:>2")).body["total"].as_u64().unwrap() > 3);
    assert_eq!(room.get(&query("tag:null AND priority:>1")).body["total"], 0);
}

#[test]
fn a_list_has_no_description_unless_it_is_included_at_its_price() {
    let mut room = room();
    let bare = room.get("/tickets");
    assert_eq!((bare.body[0].get("description"), bare.header("x-ratelimit-used-currentrequest")), (None, Some("1")));
    let full = room.get("/tickets?include=description,requester");
    assert!(full.body[0]["description"].is_string() && full.body[0]["requester"]["id"].is_number());
    assert_eq!(full.header("x-ratelimit-used-currentrequest"), Some("5"));
    assert_eq!(room.get("/tickets?include=conversations").faults(), ["include invalid_value"]);
}

#[test]
fn a_note_moves_its_ticket_into_the_delta() {
    let mut room = silent();
    let id = room.ticket();
    room.pass(60);
    let since = "/tickets?updated_since=2026-11-24T12:00:30Z";
    assert_eq!(ids(&room.get(since)), [] as [u64; 0]);
    room.post(&format!("/tickets/{id}/notes"), json!({"body": "x"})).id();
    assert_eq!(ids(&room.get(since)), [id]);
}

#[test]
fn a_touched_ticket_is_in_the_delta_with_what_was_added() {
    let mut room = room();
    let added = room.desk.touch(0, room.now).unwrap();
    let since = "/tickets?updated_since=2026-11-24T12:00:00Z";
    assert_eq!(ids(&room.get(since)), [added["ticket_id"].as_u64().unwrap()]);
    assert_eq!(room.stored(1)["conversations"].as_array().unwrap().last().unwrap()["id"], added["id"]);
    assert!(room.desk.touch(999, room.now).is_none());
}

#[test]
fn limits_follow_the_plan_and_tell_the_narrowest() {
    use crate::desk::Standing;
    let desk = room().desk;
    let calls = |plan: &str| desk.limits(Some(plan)).unwrap().iter().map(|l| l.calls).collect::<Vec<_>>();
    assert_eq!(calls("growth"), [200, 80, 80, 20, 20]);
    assert_eq!(calls("enterprise"), [700, 280, 280, 200, 200]);
    assert_eq!(calls("trial"), [50]);
    assert!(desk.limits(Some("blossom")).is_none());
    let middle = desk.limits(None).unwrap();
    assert_eq!(middle[0].calls, 400);
    let covering = |method: &str, path: &str| -> Vec<&str> {
        middle.iter().filter(|l| (l.covers)(method, path)).map(|l| l.name.as_str()).collect()
    };
    assert_eq!(covering("POST", "/api/v2/tickets"), ["account", "ticket create"]);
    assert_eq!(covering("PUT", "/api/v2/tickets/7"), ["account", "ticket update"]);
    assert_eq!(covering("GET", "/api/v2/tickets/7"), ["account"]);
    assert_eq!(covering("POST", "/api/v2/tickets/7/notes"), ["account"]);
    let standing =
        [Standing { limit: &middle[0], left: 390, reset: 30 }, Standing { limit: &middle[1], left: 12, reset: 30 }];
    let told = desk.limit_headers(&standing);
    assert_eq!(
        told,
        [("x-ratelimit-total".to_owned(), "160".to_owned()), ("x-ratelimit-remaining".to_owned(), "12".to_owned())]
    );
    let refused = desk.refuse(34);
    assert!(refused.status == 429 && refused.headers.contains(&("retry-after".to_owned(), "34".to_owned())));
}
