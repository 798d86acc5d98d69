use super::*;

fn of_email(room: &Room, email: &str) -> u64 {
    let state = room.desk.state();
    let mut all = state["contacts"].as_array().unwrap().iter().chain(state["agents"].as_array().unwrap());
    let found = all.find(|c| c["email"].as_str().is_some_and(|e| e.eq_ignore_ascii_case(email)));
    found.unwrap()["id"].as_u64().unwrap()
}

#[test]
fn an_address_that_is_taken_is_a_409_that_names_its_owner() {
    let mut room = room();
    let owner = of_email(&room, "bob.miller@globex.example");
    let got = room.post("/contacts", json!({"name": "Bob", "email": "BOB.miller@globex.example"}));
    assert_eq!(got.status, 409);
    assert_eq!(
        got.body,
        json!({"description": "Validation failed", "errors": [{
            "field": "email", "additional_info": {"user_id": owner},
            "message": "It should be a unique value", "code": "duplicate_value"}]})
    );
}

#[test]
fn deleted_contacts_agents_and_other_addresses_hold_what_is_theirs() {
    let mut room = room();
    for (taken, owner) in [
        ("gone@customers.example", "gone@customers.example"),
        ("admin@acme.example", "admin@acme.example"),
        ("ann.alias@customers.example", "ann@customers.example"),
    ] {
        let got = room.post("/contacts", json!({"name": "X", "email": taken}));
        assert_eq!(
            (got.status, got.body["errors"][0]["additional_info"]["user_id"].as_u64()),
            (409, Some(of_email(&room, owner))),
            "{taken}"
        );
    }
    let got = room.post("/contacts", json!({"name": "X", "email": "x@y.example", "unique_external_id": "crm-0001"}));
    assert_eq!((got.status, got.faults()), (409, vec!["unique_external_id duplicate_value".to_owned()]));
    let got =
        room.post("/contacts", json!({"name": "X", "email": "x@y.example", "other_emails": ["zoe@customers.example"]}));
    assert_eq!(got.faults(), ["other_emails duplicate_value"]);
}

#[test]
fn a_contact_is_found_by_its_own_address_and_not_by_its_others() {
    let mut room = room();
    assert_eq!(room.get("/contacts?email=bob.miller@globex.example").body.as_array().unwrap().len(), 1);
    assert_eq!(room.get("/contacts?email=ann.alias@customers.example").body.as_array().unwrap().len(), 0);
    assert_eq!(room.get("/contacts?email=gone@customers.example").body.as_array().unwrap().len(), 0);
    assert_eq!(room.get("/contacts?email=gone@customers.example&state=deleted").body[0]["deleted"], true);
}

#[test]
fn a_contact_needs_a_name_and_a_way_to_reach_it() {
    let mut room = room();
    assert_eq!(room.post("/contacts", json!({"email": "x@y.example"})).faults(), ["name missing_field"]);
    assert_eq!(room.post("/contacts", json!({"name": "X"})).faults(), ["email missing_field"]);
    assert_eq!(room.post("/contacts", json!({"name": "X", "email": "x@y"})).faults(), ["email invalid_value"]);
    assert_eq!(
        room.post("/contacts", json!({"name": "X", "phone": "1", "time_zone": "Europe/Berlin"})).faults(),
        ["time_zone invalid_value"]
    );
    assert_eq!(
        room.post("/contacts", json!({"name": "X", "phone": "1", "created_at": "x"})).faults(),
        ["created_at invalid_field"]
    );
}

#[test]
fn a_domain_brings_its_people_into_the_company() {
    let mut room = room();
    let company = room.post("/companies", json!({"name": "Hooli", "domains": ["hooli.example"]})).id();
    let got = room.post("/contacts", json!({"name": "X", "email": "x@Hooli.example"}));
    assert_eq!(got.body["company_id"], company);
}

#[test]
fn a_company_is_one_by_name_and_by_domain() {
    let mut room = room();
    let got = room.post("/companies", json!({"name": "globex"}));
    assert_eq!((got.status, got.faults()), (409, vec!["name duplicate_value".to_owned()]));
    assert_eq!(room.post("/companies", json!({"name": "New", "domains": ["INITECH.test"]})).status, 409);
    assert_eq!(room.post("/companies", json!({"domains": []})).faults(), ["name missing_field"]);
    assert_eq!(
        room.post("/companies", json!({"name": "New", "industry": "Cats"})).faults(),
        ["industry invalid_value"]
    );
}

#[test]
fn an_update_frees_what_it_takes_away() {
    let mut room = room();
    let id = room.post("/contacts", json!({"name": "X", "email": "x@y.example"})).id();
    assert_eq!(room.put(&format!("/contacts/{id}"), json!({"email": "z@y.example"})).status, 200);
    room.post("/contacts", json!({"name": "Other", "email": "x@y.example"})).id();
    let gone = of_email(&room, "gone@customers.example");
    assert_eq!(room.put(&format!("/contacts/{gone}"), json!({"name": "Back"})).status, 405);
}

#[test]
fn agents_who_left_are_in_no_list() {
    let mut room = room();
    let all = room.get("/agents?per_page=100");
    assert_eq!(all.body.as_array().unwrap().len(), 5);
    let shouted = room.desk.state()["agents"][2]["email"].as_str().unwrap().to_owned();
    assert_eq!(shouted, shouted.to_uppercase());
    assert_eq!(room.get(&format!("/agents?email={}", shouted.to_lowercase())).body[0]["contact"]["email"], shouted);
    assert!(room.get("/agents/me").body["role_ids"].is_array());
    assert_eq!(room.get("/groups").body[0].get("agent_ids"), None);
}

#[test]
fn a_group_has_a_name_of_its_own_and_agents_that_are_there() {
    let mut room = room();
    let agent = room.get("/agents/me").body["id"].clone();
    room.post("/groups", json!({"name": "New ones", "agent_ids": [agent], "unassigned_for": "3d"})).id();
    assert_eq!(room.post("/groups", json!({"name": "new ones"})).faults(), ["name duplicate_value"]);
    assert_eq!(room.post("/groups", json!({"name": "Others", "agent_ids": [1]})).faults(), ["agent_ids invalid_value"]);
    assert_eq!(room.post("/groups", json!({"description": "x"})).faults(), ["name missing_field"]);
}
