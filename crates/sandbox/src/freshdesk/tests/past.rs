use super::*;
use crate::freshdesk::past::{self, Odd};

fn used() -> Room {
    with(|options| options.tickets = 300)
}

fn number(odd: Odd) -> u64 {
    past::number(odd)
}

#[test]
fn the_same_seed_gives_the_same_past() {
    assert_eq!(used().desk.state(), used().desk.state());
    let other = with(|options| (options.tickets, options.seed) = (300, 2));
    assert_ne!(used().desk.state(), other.desk.state());
}

#[test]
fn a_desk_that_is_moved_into_has_no_past() {
    let room = with(|options| options.tickets = 0);
    assert_eq!(room.desk.state()["tickets"], json!([]));
    assert_eq!(room.desk.state()["contacts"].as_array().unwrap().len(), 10);
}

#[test]
fn an_archived_ticket_is_known_by_its_own_calls_alone() {
    let mut room = used();
    let id = number(Odd::Archived);
    assert_eq!(room.get(&format!("/tickets/{id}")).status, 404);
    assert_eq!(room.get(&format!("/tickets/{id}/conversations")).status, 404);
    assert_eq!(room.post(&format!("/tickets/{id}/notes"), json!({"body": "x"})).status, 404);
    let shown = room.get(&format!("/tickets/archived/{id}"));
    assert_eq!((shown.status, &shown.body["archived"]), (200, &json!(true)));
    assert!(room.get(&format!("/tickets/archived/{id}/conversations")).body.is_array());
    let file = shown.body["attachments"][0]["attachment_url"].as_str().unwrap();
    assert_eq!(room.desk.download(file.strip_prefix("http://files").unwrap(), room.now).unwrap().status, 200);
    assert_eq!(room.get(&format!("/tickets/archived/{}", number(Odd::Gone))).status, 404);
    assert_eq!(room.get("/tickets/archived/1").status, 404);
}

#[test]
fn more_tickets_share_a_second_than_fit_in_a_page() {
    let mut room = used();
    let mut seconds = std::collections::BTreeMap::new();
    for ticket in room.desk.state()["tickets"].as_array().unwrap() {
        *seconds.entry(ticket["updated_at"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    let (second, many) = seconds.into_iter().max_by_key(|(_, many)| *many).unwrap();
    assert!(many > 100, "{many}");
    let since = format!("/tickets?per_page=100&order_by=updated_at&order_type=asc&updated_since={}", second);
    let page = room.get(&since);
    assert!(page.body.as_array().unwrap().iter().all(|t| t["updated_at"] == *second));
}

#[test]
fn a_thread_goes_over_a_page_and_a_web_chat_repeats_itself() {
    let mut room = used();
    let thread = number(Odd::LongThread);
    let page = room.get(&format!("/tickets/{thread}/conversations?per_page=100"));
    assert!(page.body.as_array().unwrap().len() == 100 && page.header("link").is_some());
    let chat = number(Odd::WebChat);
    let description = room.get(&format!("/tickets/{chat}")).body["description_text"].clone();
    assert_eq!(room.get(&format!("/tickets/{chat}/conversations")).body[0]["body_text"], description);
    let first = room.get(&format!("/tickets/{}/conversations", number(Odd::PrivateFirst))).body[0].clone();
    assert_eq!(first["private"], true);
}

#[test]
fn addresses_come_as_one_text_and_pictures_unclean() {
    let mut room = used();
    let said = room.get(&format!("/tickets/{}/conversations", number(Odd::Copied))).body;
    assert!(said.as_array().unwrap().iter().all(|c| c["to_emails"].is_string()), "{said}");
    let shown = room.get(&format!("/tickets/{}/conversations", number(Odd::Inline))).body.to_string();
    assert!(shown.contains("cid:http://files/inline/attachment?token="), "{shown}");
}

#[test]
fn a_parent_lists_its_children_and_a_tracker_what_is_linked() {
    let mut room = used();
    let ids = |got: Got| got.body["tickets"].as_array().unwrap().iter().map(|t| t["id"].clone()).collect::<Vec<_>>();
    let parent = number(Odd::Parent);
    assert_eq!(ids(room.get(&format!("/tickets/{parent}/associated_tickets"))), [parent + 1, parent + 2]);
    let tracker = number(Odd::Tracker);
    assert_eq!(ids(room.get(&format!("/tickets/{tracker}/associated_tickets"))), [tracker + 1]);
}

#[test]
fn ratings_are_listed_for_the_account_and_for_a_ticket() {
    let mut room = used();
    let all = room.get("/surveys/satisfaction_ratings?per_page=100").body;
    let survey = number(Odd::Survey);
    let own = room.get(&format!("/tickets/{survey}/satisfaction_ratings")).body;
    assert!(own.as_array().unwrap().len() == 1 && all.as_array().unwrap().contains(&own[0]));
    assert!(!room.get("/time_entries?per_page=100").body.as_array().unwrap().is_empty());
}

#[test]
fn time_is_an_agents_in_hours_and_minutes() {
    let mut room = used();
    let agent = room.get("/agents/me").body["id"].clone();
    let at = format!("/tickets/{}/time_entries", number(Odd::Parent));
    let entry = json!({"agent_id": agent, "time_spent": "01:30", "note": "n", "billable": false, "timer_running": false,
        "executed_at": "2021-02-03T04:05:06Z"});
    let id = room.post(&at, entry).id();
    let rows = room.get(&at).body;
    let made = rows.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap();
    assert_eq!((&made["time_spent"], &made["executed_at"]), (&json!("01:30"), &json!("2021-02-03T04:05:06Z")));
    for (wrong, fault) in [
        (json!({"agent_id": 1}), "agent_id invalid_value"),
        (json!({"time_spent": "1.5"}), "time_spent invalid_value"),
        (json!({"hours": 1}), "hours invalid_field"),
        (json!({"timer_running": false, "start_time": "2021-02-03T04:05:06Z"}), "start_time incompatible_field"),
    ] {
        assert_eq!(room.post(&at, wrong).faults(), [fault]);
    }
}

#[test]
fn a_rating_is_on_the_scale_and_is_said_among_the_messages() {
    let mut room = used();
    let ticket = number(Odd::Parent);
    let at = format!("/tickets/{ticket}/satisfaction_ratings");
    let said = |room: &mut Room| {
        room.get(&format!("/tickets/{ticket}/conversations?per_page=100")).body.as_array().unwrap().len()
    };
    let before = said(&mut room);
    let made = room.post(&at, json!({"feedback": "good", "ratings": {"default_question": 103}}));
    assert_eq!((made.status, &made.body["id"]), (201, &json!(false)));
    assert_eq!(said(&mut room), before + 1);
    assert_eq!(room.get(&at).body[0]["feedback"], "good");
    let wrong = room.post(&at, json!({"ratings": {"default_question": 7, "question_9": 103}}));
    assert_eq!(wrong.faults(), ["question_9 invalid_field", "default_question invalid_value"]);
}

#[test]
fn the_wall_stands_where_it_is_set() {
    let mut room = with(|options| (options.tickets, options.wall_pages) = (300, 2));
    let page = |n: usize| format!("/tickets?per_page=100&updated_since=1970-01-01&page={n}");
    assert_eq!(room.get(&page(2)).status, 200);
    assert_eq!(room.get(&page(3)).faults(), ["page invalid_value"]);
}
