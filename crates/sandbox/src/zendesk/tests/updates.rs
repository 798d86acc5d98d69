use super::*;

impl Room {
    /// Ann's ticket, which an agent has.
    fn anns(&mut self) -> (u64, u64) {
        let ann = self.customer("ann");
        let agent = self.agent()["id"].clone();
        let ticket = json!({ "requester_id": ann, "assignee_id": agent, "status": "pending", "comments": [{ "body": "x", "author_id": ann }] });
        (self.import(ticket).body["ticket"]["id"].as_u64().unwrap(), ann)
    }

    fn update(&mut self, id: u64, ticket: Value) -> Got {
        self.put(&format!("/tickets/{id}.json"), json!({ "ticket": ticket }))
    }

    fn mailed(&self) -> Vec<String> {
        self.desk.mails().iter().map(|m| format!("{}: {}", m.to, m.because)).collect()
    }
}

#[test]
fn a_public_comment_is_mailed_and_a_private_one_is_not() {
    let mut room = room();
    let (id, ann) = room.anns();
    room.update(id, json!({ "comment": { "body": "inside", "public": false, "author_id": room.agent()["id"] } }));
    assert!(room.mailed().is_empty());
    let agent = room.agent();
    room.update(id, json!({ "comment": { "body": "outside", "author_id": agent["id"] } }));
    assert_eq!(room.mailed(), [format!("ann@somewhere.example: PUT /api/v2/tickets/{id}.json")]);
    room.update(id, json!({ "comment": { "body": "hers", "author_id": ann, "created_at": "2015-01-01T00:00:00Z" } }));
    assert_eq!(room.mailed().len(), 2);
    assert!(room.mailed()[1].starts_with(agent["email"].as_str().unwrap()));
    let stored = room.stored(id);
    assert_eq!(stored["comments"][3]["created_at"], "2026-01-01T00:00:00Z", "the date of a later comment is now");
    assert_eq!(stored["status"], "open", "the requester answered");
}

#[test]
fn a_silenced_account_mails_nobody() {
    let mut room = with(|options| options.triggers = Triggers::Inactive);
    let (id, _) = room.anns();
    room.update(id, json!({ "status": "solved", "comment": { "body": "outside" } }));
    room.post("/tickets", json!({ "ticket": { "subject": "s", "comment": { "body": "x" } } }));
    assert!(room.mailed().is_empty());
}

#[test]
fn a_new_ticket_is_mailed_and_dated_now() {
    let mut room = room();
    let ann = room.customer("ann");
    let ticket = json!({ "subject": "s", "requester_id": ann, "created_at": "2015-01-01T00:00:00Z", "comment": { "body": "x" } });
    let got = room.post("/tickets.json", json!({ "ticket": ticket }));
    assert_eq!((got.status, &got.body["ticket"]["created_at"]), (201, &json!("2026-01-01T00:00:00Z")));
    assert_eq!(room.mailed(), ["ann@somewhere.example: POST /api/v2/tickets.json"]);
}

#[test]
fn a_closed_ticket_takes_tags_and_nothing_else() {
    let mut room = room();
    let (id, _) = room.anns();
    assert_eq!(room.update(id, json!({ "status": "closed" })).status, 200);
    for change in [json!({ "status": "open" }), json!({ "comment": { "body": "x" } }), json!({ "external_id": "x" })] {
        assert_eq!(room.update(id, change).faults(), ["status InvalidValue"]);
    }
    assert_eq!(room.update(id, json!({ "additional_tags": ["a b"] })).body["ticket"]["tags"], json!(["a", "b"]));
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let mut room = room();
    let (id, ann) = room.anns();
    let pieces = room.row("ticket_fields", |f| f["title"] == "Pieces")["id"].clone();
    room.update(id, json!({ "tags": ["a"], "custom_fields": [{ "id": pieces, "value": "1" }], "external_id": "m" }));
    room.pass(5);
    let got = room.update(id, json!({ "priority": "low" })).body["ticket"].clone();
    assert_eq!((&got["tags"], &got["external_id"], &got["requester_id"]), (&json!(["a"]), &json!("m"), &json!(ann)));
    assert!(got["custom_fields"].as_array().unwrap().contains(&json!({ "id": pieces, "value": "1" })));
    let stale = json!({ "priority": "high", "safe_update": true, "updated_stamp": "2026-01-01T00:00:00Z" });
    assert_eq!(room.update(id, stale).status, 409);
    assert_eq!(room.update(id, json!({ "status": "new", "assignee_id": null })).faults(), ["status InvalidValue"]);
    assert_eq!(
        room.update(id, json!({ "assignee_id": null, "status": "solved" })).faults(),
        ["assignee_id InvalidValue"]
    );
    let page = room.get("/incremental/tickets/cursor.json?start_time=0");
    assert_eq!(page["tickets"], json!([]), "what changed in the last minute is held back");
}

#[test]
fn a_deleted_ticket_is_only_in_the_export() {
    let mut room = room();
    let (id, _) = room.anns();
    assert_eq!(room.send("DELETE", &format!("/tickets/{id}"), "").status, 204);
    assert_eq!(room.send("GET", &format!("/tickets/{id}"), "").status, 404);
    assert_eq!(room.update(id, json!({ "priority": "low" })).status, 404);
    room.pass(61);
    assert_eq!(room.get("/incremental/tickets/cursor.json?start_time=0")["tickets"][0]["status"], "deleted");
}

#[test]
fn many_are_updated_by_a_job() {
    let mut room = room();
    let (id, _) = room.anns();
    let body = json!({ "tickets": [{ "id": id, "priority": "urgent" }, { "id": 999, "priority": "low" }] });
    let got = room.put("/tickets/update_many", body);
    let job = got.body["job_status"]["id"].as_str().unwrap().to_owned();
    room.pass(5);
    let done = room.get(&format!("/job_statuses/{job}"))["job_status"]["results"].clone();
    let failed: Vec<_> = done.as_array().unwrap().iter().filter(|row| row["error"] == "TicketUpdateFailed").collect();
    assert_eq!((failed.len(), &failed[0]["index"]), (1, &json!(1)));
    assert_eq!(room.stored(id)["priority"], "urgent");
}

#[test]
fn a_follow_up_is_of_a_closed_ticket() {
    let mut room = room();
    let (id, _) = room.anns();
    let follow = json!({ "via_followup_source_id": id, "comments": [{ "body": "x" }] });
    assert_eq!(room.import(follow.clone()).faults(), ["via_followup_source_id InvalidValue"]);
    room.update(id, json!({ "status": "closed" }));
    let got = room.import(follow);
    assert_eq!(got.body["ticket"]["via"]["source"]["from"]["ticket_id"], id);
}
