use super::*;

fn mails(room: &Room) -> Vec<String> {
    room.desk.mails().iter().map(|m| format!("{} {}", m.to, m.because)).collect()
}

fn work(room: &mut Room) -> u64 {
    let agent = room.get("/agents/me").body["id"].clone();
    let mut body = plus("cc_emails", json!(["cc@customers.example"]));
    body["responder_id"] = agent;
    let id = room.post("/tickets", body).id();
    room.post(&format!("/tickets/{id}/notes"), json!({"body": "inside"})).id();
    room.post(&format!("/tickets/{id}/notes"), json!({"body": "outside", "private": false})).id();
    room.put(&format!("/tickets/{id}"), json!({"status": 5}));
    id
}

#[test]
fn a_silent_account_mails_nobody() {
    let mut room = silent();
    work(&mut room);
    assert!(room.desk.mails().is_empty());
}

#[test]
fn by_default_a_new_ticket_is_silent_and_the_rest_is_not() {
    let mut room = room();
    let id = work(&mut room);
    let (customer, agent) = ("new@customers.example", "admin@acme.example");
    let because = [
        format!("{agent} POST /api/v2/tickets"),
        format!("{customer} POST /api/v2/tickets/{id}/notes"),
        format!("{customer} PUT /api/v2/tickets/{id}"),
    ];
    assert_eq!(mails(&room), because);
}

#[test]
fn a_new_ticket_mails_requester_and_copies_where_it_is_on() {
    let mut room = with(|options| options.notifications = Notifications::ON);
    room.post("/tickets", plus("cc_emails", json!(["cc@customers.example"]))).id();
    assert_eq!(
        mails(&room),
        ["new@customers.example POST /api/v2/tickets", "cc@customers.example POST /api/v2/tickets"]
    );
}

#[test]
fn a_reply_mails_always_and_a_private_note_only_those_it_names() {
    let mut room = silent();
    let id = room.ticket();
    room.post(&format!("/tickets/{id}/notes"), json!({"body": "inside"})).id();
    assert!(room.desk.mails().is_empty());
    room.post(&format!("/tickets/{id}/notes"), json!({"body": "inside", "notify_emails": ["agent2@acme.example"]}))
        .id();
    room.post(&format!("/tickets/{id}/reply"), json!({"body": "sent", "bcc_emails": ["audit@acme.example"]})).id();
    let to: Vec<_> = room.desk.mails().into_iter().map(|m| m.to).collect();
    assert_eq!(to, ["agent2@acme.example", "new@customers.example", "audit@acme.example"]);
}

#[test]
fn a_refused_call_mails_nobody() {
    let mut room = with(|options| options.notifications = Notifications::ON);
    let id = room.ticket();
    let before = room.desk.mails().len();
    assert_eq!(
        room.post(&format!("/tickets/{id}/reply"), json!({"body": "x", "from_email": "who@else.example"})).status,
        400
    );
    assert_eq!(room.post("/tickets", plus("status", json!(99))).status, 400);
    assert_eq!(room.desk.mails().len(), before);
}
