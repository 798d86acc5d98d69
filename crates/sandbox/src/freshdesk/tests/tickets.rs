use super::*;

#[test]
fn a_ticket_needs_a_key() {
    let mut room = room();
    room.key = "wrong".to_owned();
    let got = room.get("/agents/me");
    assert_eq!(got.status, 401);
    assert_eq!(
        got.body,
        json!({"code": "invalid_credentials", "message": "You have to be logged in to perform this action."})
    );
}

#[test]
fn an_agents_key_reads_no_settings() {
    let mut room = room();
    room.key = Options::at(room.now).agent_key;
    assert_eq!(room.get("/agents/me").status, 200);
    for path in ["/agents", "/groups", "/admin/ticket_fields", "/roles"] {
        let got = room.get(path);
        assert_eq!((got.status, &got.body["code"]), (403, &json!("access_denied")), "{path}");
    }
}

#[test]
fn strange_paths_are_empty_404s_and_strange_verbs_405s() {
    let mut room = room();
    let got = room.get("/tickets/999");
    assert_eq!((got.status, got.raw.body.len()), (404, 0));
    assert_eq!(room.get("/nothing").status, 404);
    let got = room.put("/tickets", json!({}));
    assert_eq!((got.status, got.header("allow")), (405, Some("GET, POST")));
}

#[test]
fn no_moment_of_a_ticket_can_be_set() {
    let got = room().post("/tickets", plus("created_at", json!("2020-01-01T00:00:00Z")));
    assert_eq!(got.status, 400);
    assert_eq!(
        got.body,
        json!({"description": "Validation failed", "errors": [
            {"field": "created_at", "message": "Unexpected/invalid field in request", "code": "invalid_field"}]})
    );
}

#[test]
fn a_ticket_without_requester_subject_or_words_is_refused() {
    let mut room = room();
    let got = room.post("/tickets", json!({"description": "<p> </p>"}));
    assert_eq!(got.faults(), ["requester_id missing_field", "subject missing_field", "description invalid_value"]);
    assert_eq!(got.body["errors"][0]["message"], "Mandatory attribute missing");
}

#[test]
fn types_and_choices_are_kept_to() {
    let mut room = room();
    for (name, value, code) in [
        ("priority", json!("2"), "datatype_mismatch"),
        ("priority", json!(5), "invalid_value"),
        ("status", json!(1), "invalid_value"),
        ("source", json!(4), "invalid_value"),
        ("type", json!("Complaint"), "invalid_value"),
        ("tags", json!("one"), "datatype_mismatch"),
        ("tags", json!(["a,b"]), "invalid_value"),
        ("responder_id", json!(7), "invalid_value"),
        ("group_id", json!(7), "invalid_value"),
        ("cc_emails", json!(["nobody"]), "invalid_value"),
        ("due_by", json!("2020-01-01T00:00:00Z"), "invalid_value"),
        ("attachments", json!(["a.txt"]), "datatype_mismatch"),
    ] {
        let got = room.post("/tickets", plus(name, value.clone()));
        assert_eq!((got.status, got.faults()), (400, vec![format!("{name} {code}")]), "{value}");
    }
}

#[test]
fn a_custom_status_can_be_set_and_a_deactivated_agent_cannot() {
    let mut room = room();
    room.post("/tickets", plus("status", json!(8))).id();
    let state = room.desk.state();
    let left = state["agents"].as_array().unwrap().iter().find(|a| a["deactivated"] == true).unwrap()["id"].clone();
    assert_eq!(room.post("/tickets", plus("responder_id", left)).faults(), ["responder_id invalid_value"]);
}

#[test]
fn what_is_sent_is_stored_and_scripts_are_not() {
    let mut room = room();
    let mut body = plus("description", json!("<p>Hi</p><script>x</script>"));
    (body["tags"], body["custom_fields"]) = (json!(["a", "b"]), json!({"cf_quantity": 3, "cf_region": "Europe"}));
    let got = room.post("/tickets", body);
    let id = got.id();
    assert_eq!(got.header("location").unwrap(), format!("http://desk/api/v2/tickets/{id}"));
    let stored = room.stored(id);
    assert_eq!(stored["description"], "<div><p>Hi</p></div>");
    assert_eq!(stored["tags"], json!(["a", "b"]));
    assert_eq!(stored["custom_fields"], json!({"cf_quantity": 3, "cf_region": "Europe"}));
    assert_eq!((&stored["status"], &stored["priority"], &stored["source"]), (&json!(2), &json!(1), &json!(2)));
    assert_eq!(room.get(&format!("/tickets/{id}")).body["custom_fields"]["cf_amount"], Value::Null);
}

#[test]
fn a_strangers_address_makes_a_contact_and_a_known_one_does_not() {
    let mut room = room();
    let before = room.desk.state()["contacts"].as_array().unwrap().len();
    room.ticket();
    room.post("/tickets", plus("email", json!("NEW@customers.example"))).id();
    room.post("/tickets", plus("email", json!("bob.miller@globex.example"))).id();
    assert_eq!(room.desk.state()["contacts"].as_array().unwrap().len(), before + 1);
    assert_eq!(room.post("/tickets", plus("email", json!("gone@customers.example"))).faults(), ["email invalid_value"]);
}

#[test]
fn a_multipart_ticket_is_the_same_as_a_json_one() {
    let mut room = room();
    let texts = [
        ("email", "new@customers.example"),
        ("subject", "Ünïcode"),
        ("description", "text"),
        ("priority", "3"),
        ("tags[]", "a"),
        ("tags[]", "b"),
        ("cc_emails[]", "cc@customers.example"),
        ("custom_fields[cf_vip]", "true"),
        ("custom_fields[cf_quantity]", "12"),
    ];
    let id = room.form("/tickets", &texts, &[("a b.txt", 10), ("ü.txt", 0)]).id();
    let stored = room.stored(id);
    assert_eq!((&stored["subject"], &stored["priority"]), (&json!("Ünïcode"), &json!(3)));
    assert_eq!((&stored["tags"], &stored["cc_emails"]), (&json!(["a", "b"]), &json!(["cc@customers.example"])));
    assert_eq!(stored["custom_fields"], json!({"cf_vip": true, "cf_quantity": 12}));
    let names: Vec<_> =
        stored["files"].as_array().unwrap().iter().map(|f| (f["name"].clone(), f["size"].clone())).collect();
    assert_eq!(names, [(json!("a b.txt"), json!(10)), (json!("ü.txt"), json!(0))]);
}

#[test]
fn a_binned_ticket_is_read_but_not_written() {
    let mut room = room();
    let id = room.ticket();
    assert_eq!(room.delete(&format!("/tickets/{id}")).status, 204);
    assert_eq!(room.get(&format!("/tickets/{id}")).body["deleted"], true);
    assert_eq!(room.put(&format!("/tickets/{id}"), json!({"priority": 2})).status, 405);
    assert_eq!(room.post(&format!("/tickets/{id}/notes"), json!({"body": "x"})).status, 405);
    assert_eq!(room.put(&format!("/tickets/{id}/restore"), json!({})).status, 204);
    assert_eq!(room.put(&format!("/tickets/{id}"), json!({"priority": 2})).status, 200);
}

#[test]
fn an_update_replaces_tags_and_keeps_what_it_does_not_name() {
    let mut room = room();
    let id = room.post("/tickets", plus("tags", json!(["a", "b"]))).id();
    let got = room.put(&format!("/tickets/{id}"), json!({"tags": ["c"], "custom_fields": {"cf_quantity": 1}}));
    assert_eq!((got.status, &got.body["tags"]), (200, &json!(["c"])));
    let got = room.put(&format!("/tickets/{id}"), json!({"custom_fields": {"cf_vip": true}}));
    assert_eq!(got.body["custom_fields"]["cf_quantity"], 1);
    assert_eq!(
        room.put(&format!("/tickets/{id}"), json!({"cc_emails": ["a@b.example"]})).faults(),
        ["cc_emails invalid_field"]
    );
}

#[test]
fn a_note_is_private_unless_said_otherwise_and_keeps_its_author() {
    let mut room = silent();
    let id = room.ticket();
    let requester = room.stored(id)["requester_id"].clone();
    let note = room.post(&format!("/tickets/{id}/notes"), json!({"body": "inside"}));
    assert_eq!((note.status, &note.body["private"]), (201, &json!(true)));
    let path = format!("/tickets/{id}/notes");
    room.post(&path, json!({"body": "outside", "private": false, "incoming": true, "user_id": requester})).id();
    let stored = room.stored(id);
    let flags: Vec<_> = stored["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["private"].clone(), c["incoming"].clone()))
        .collect();
    assert_eq!(flags, [(json!(true), json!(false)), (json!(false), json!(true))]);
    assert_eq!(stored["conversations"][1]["user_id"], requester);
    assert_eq!(room.post(&path, json!({"body": "x", "user_id": 5})).faults(), ["user_id invalid_value"]);
    assert_eq!(room.post(&path, json!({"body": "<p></p>"})).faults(), ["body invalid_value"]);
    assert_eq!(
        room.post(&path, json!({"body": "x", "created_at": "2020-01-01"})).faults(),
        ["created_at invalid_field"]
    );
}

#[test]
fn a_requesters_public_note_reopens_a_settled_ticket_and_a_private_one_does_not() {
    let mut room = silent();
    let id = room.post("/tickets", plus("status", json!(5))).id();
    room.post(&format!("/tickets/{id}/notes"), json!({"body": "late", "incoming": true})).id();
    assert_eq!(room.stored(id)["status"], 5);
    room.post(&format!("/tickets/{id}/notes"), json!({"body": "late", "incoming": true, "private": false})).id();
    assert_eq!(room.stored(id)["status"], 2);
}

#[test]
fn only_notes_are_edited() {
    let mut room = silent();
    let id = room.ticket();
    let note = room.post(&format!("/tickets/{id}/notes"), json!({"body": "first"})).id();
    let reply = room.post(&format!("/tickets/{id}/reply"), json!({"body": "sent"})).id();
    let edited = room.put(&format!("/conversations/{note}"), json!({"body": "second"}));
    assert_eq!((edited.status, &edited.body["body_text"]), (200, &json!("second")));
    assert_eq!(
        room.put(&format!("/conversations/{note}"), json!({"private": false})).faults(),
        ["private invalid_field"]
    );
    assert_eq!(room.put(&format!("/conversations/{reply}"), json!({"body": "other"})).status, 405);
    assert_eq!(room.delete(&format!("/conversations/{note}")).status, 204);
    assert_eq!(room.stored(id)["conversations"].as_array().unwrap().len(), 1);
}

#[test]
fn a_view_shows_ten_conversations_and_the_listing_all() {
    let mut room = silent();
    let id = room.ticket();
    for n in 0..35 {
        room.post(&format!("/tickets/{id}/notes"), json!({"body": format!("note {n}")})).id();
    }
    let view = room.get(&format!("/tickets/{id}?include=conversations,requester"));
    assert_eq!(view.body["conversations"].as_array().unwrap().len(), 10);
    assert_eq!(view.body["requester"]["email"], "new@customers.example");
    assert_eq!(view.header("x-ratelimit-used-currentrequest"), Some("3"));
    let first = room.get(&format!("/tickets/{id}/conversations"));
    assert!(first.header("link").unwrap().contains("page=2"));
    let second = room.get(&format!("/tickets/{id}/conversations?page=2"));
    assert_eq!((second.body.as_array().unwrap().len(), second.header("link")), (5, None));
    assert_eq!(second.body[4]["body_text"], "note 34");
}
