use super::*;

#[test]
fn a_user_is_found_by_any_address_and_by_external_id() {
    let mut room = room();
    let user = json!({ "name": "Ann", "email": "Ann@X.example", "external_id": "c-1", "skip_verify_email": true,
        "identities": [{ "type": "email", "value": "second@x.example" }, { "type": "phone_number", "value": "+49 1" }] });
    let id = room.made("/users/create_or_update.json", "user", user);
    for (how, name) in [
        (json!({ "email": "ann@x.example", "name": "A1" }), "A1"),
        (json!({ "email": "SECOND@x.example", "name": "A2" }), "A2"),
        (json!({ "external_id": "C-1", "name": "A3" }), "A3"),
    ] {
        let got = room.post("/users/create_or_update", json!({ "user": how }));
        assert_eq!((got.status, &got.body["user"]["id"], &got.body["user"]["name"]), (200, &json!(id), &json!(name)));
    }
    assert_eq!(room.get(&format!("/users/{id}"))["user"]["external_id"], "C-1");
    assert_eq!(room.get("/users/search.json?external_id=c-1")["users"][0]["id"], id);
    assert_eq!(room.get("/users/search.json?query=second@x.example")["users"][0]["id"], id);
    assert_eq!(room.get(&format!("/users/show_many?ids={id}"))["users"].as_array().unwrap().len(), 1);
    assert_eq!(room.get(&format!("/users/{id}/identities"))["identities"].as_array().unwrap().len(), 3);
    let other = room.customer("bob");
    let taken = json!({ "identity": { "type": "email", "value": "second@X.example" } });
    assert_eq!(room.post(&format!("/users/{other}/identities"), taken).faults(), ["value DuplicateValue"]);
    let fresh = json!({ "identity": { "type": "email", "value": "bob2@x.example", "verified": true } });
    assert_eq!(room.post(&format!("/users/{other}/identities"), fresh).status, 201);
    assert!(room.desk.mails().is_empty());
}

#[test]
fn an_address_is_verified_by_mail_unless_it_is_not_to_be() {
    let mut room = with(|options| options.triggers = Triggers::Inactive);
    room.made("/users", "user", json!({ "name": "Ann", "email": "ann@x.example" }));
    let silent =
        room.made("/users", "user", json!({ "name": "Bob", "email": "bob@x.example", "skip_verify_email": true }));
    room.put(&format!("/users/{silent}"), json!({ "user": { "email": "bob2@x.example" } }));
    let to: Vec<_> = room.desk.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["ann@x.example", "bob2@x.example"]);
    assert_eq!(room.get(&format!("/users/{silent}"))["user"]["email"], "bob@x.example");
}

#[test]
fn a_user_without_a_name_or_with_what_is_not_there_is_refused() {
    let mut room = room();
    for (user, fault) in [
        (json!({ "email": "x@x.example" }), "name InvalidValue"),
        (json!({ "name": "X", "email": "nobody" }), "email InvalidValue"),
        (json!({ "name": "X", "email": people::ADMIN_EMAIL }), "email DuplicateValue"),
        (json!({ "name": "X", "role": "chief" }), "role InvalidValue"),
        (json!({ "name": "X", "time_zone": "Europe/Berlin" }), "time_zone InvalidValue"),
        (json!({ "name": "X", "organization_id": 1 }), "organization InvalidValue"),
    ] {
        assert_eq!(room.post("/users", json!({ "user": user })).faults(), [fault]);
    }
    let id = room.made(
        "/users",
        "user",
        json!({ "name": "No address", "time_zone": "Berlin", "user_fields": { "customer_no": "7", "unknown": 1 } }),
    );
    assert_eq!(room.get(&format!("/users/{id}"))["user"]["user_fields"], json!({ "customer_no": "7", "tier": null }));
}

#[test]
fn a_name_of_an_organization_is_taken_whatever_its_case() {
    let mut room = room();
    let id = room.made(
        "/organizations.json",
        "organization",
        json!({ "name": "Initech", "external_id": "o-1", "domain_names": ["Initech.example"] }),
    );
    assert_eq!(
        room.post("/organizations", json!({ "organization": { "name": "INITECH" } })).faults(),
        ["name DuplicateValue"]
    );
    let by_name = json!({ "organization": { "name": "initech", "notes": "x" } });
    assert_eq!(room.post("/organizations/create_or_update", by_name).faults(), ["name DuplicateValue"]);
    let by_external = json!({ "organization": { "external_id": "o-1", "name": "Initech", "notes": "x" } });
    let got = room.post("/organizations/create_or_update", by_external);
    assert_eq!(
        (got.status, &got.body["organization"]["id"], &got.body["organization"]["notes"]),
        (200, &json!(id), &json!("x"))
    );
    assert_eq!(room.get("/organizations/search?name=iniTech")["organizations"][0]["id"], id);
    let ann = room.customer("ann");
    let membership = json!({ "organization_membership": { "user_id": ann, "organization_id": id } });
    assert_eq!(room.post("/organization_memberships", membership.clone()).status, 201);
    assert_eq!(room.post("/organization_memberships", membership).faults(), ["user_id DuplicateValue"]);
    let ticket = json!({ "requester_id": ann, "organization_id": id, "comments": [{ "body": "x" }] });
    assert_eq!(room.import(ticket).body["ticket"]["organization_id"], id);
    assert_eq!(room.send("DELETE", &format!("/organizations/{id}"), "").status, 204);
    assert_eq!(room.get(&format!("/users/{ann}"))["user"]["organization_id"], Value::Null);
}

#[test]
fn a_new_account_is_staffed_and_shares_no_id_with_one_in_use() {
    let (new, used) = (room().desk.state(), Zendesk::new(Options::of(7, 60)).state());
    assert_eq!(new["tickets"], json!([]));
    let ids = |state: &Value, table: &str| -> BTreeSet<u64> {
        let rows = if state[table].is_array() { &state[table] } else { &state["tables"][table] };
        rows.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
    };
    for table in [
        "users",
        "organizations",
        "identities",
        "groups",
        "ticket_fields",
        "custom_statuses",
        "brands",
        "group_memberships",
    ] {
        assert!(!ids(&new, table).is_empty() && ids(&new, table).is_disjoint(&ids(&used, table)), "{table}");
    }
    let emails = |state: &Value, role: &str| -> BTreeSet<String> {
        let users = state["users"].as_array().unwrap().iter().filter(|u| u["role"] == role);
        users.filter_map(|u| u["email"].as_str()).map(str::to_lowercase).collect()
    };
    assert_eq!(emails(&new, "admin"), emails(&used, "admin"));
    assert_eq!(emails(&used, "agent").difference(&emails(&new, "agent")).count(), 1);
    assert!(emails(&new, "end-user").is_disjoint(&emails(&used, "end-user")));
    let mut room = room();
    assert_eq!(room.get("/users/me.json")["user"]["role"], "admin");
    let group = room.get("/group_memberships.json")["group_memberships"][0]["group_id"].clone();
    assert_eq!(room.get(&format!("/groups/{group}.json"))["group"]["id"], group);
}
