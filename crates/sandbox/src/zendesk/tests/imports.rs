use super::*;

/// The least an import needs.
fn plain() -> Value {
    json!({ "subject": "Old", "comments": [{ "html_body": "<p>Hello</p>" }] })
}

fn plus(name: &str, value: Value) -> Value {
    let mut ticket = plain();
    ticket[name] = value;
    ticket
}

#[test]
fn dates_authors_visibility_and_order_are_kept() {
    let mut room = room();
    let (ann, bob) = (room.customer("ann"), room.customer("bob"));
    let agent = room.agent();
    let got = room.import(json!({
        "subject": "Old", "requester_id": ann, "assignee_id": agent["id"], "status": "solved", "external_id": "x:1",
        "created_at": "2015-01-02T03:04:05Z", "updated_at": "2016-01-01T00:00:00Z", "solved_at": "2015-12-31T00:00:00Z",
        "tags": ["VIP", "größe"], "priority": "high",
        "comments": [
            { "author_id": agent["id"], "html_body": "<p>second</p><script>x</script>", "public": false, "created_at": "2015-02-01T00:00:00Z" },
            { "author_id": bob, "body": "first\n\n<b>line</b>", "created_at": "2015-01-02T03:04:05Z" },
        ],
    }));
    assert_eq!(got.status, 201, "{}", got.body);
    let id = got.body["ticket"]["id"].as_u64().unwrap();
    assert_eq!(got.header("location"), Some(format!("/api/v2/tickets/{id}.json").as_str()));
    let stored = room.stored(id);
    for (name, value) in [
        ("created_at", json!("2015-01-02T03:04:05Z")),
        ("updated_at", json!("2016-01-01T00:00:00Z")),
        ("solved_at", json!("2015-12-31T00:00:00Z")),
        ("status", json!("solved")),
        ("priority", json!("high")),
        ("tags", json!(["vip", "größe"])),
        ("external_id", json!("x:1")),
        ("submitter_id", json!(bob)),
        ("requester_id", json!(ann)),
        ("group_id", agent["default_group_id"].clone()),
    ] {
        assert_eq!(stored[name], value, "{name}");
    }
    let comments = stored["comments"].as_array().unwrap();
    assert_eq!(comments.len(), 2);
    assert_eq!(
        comments[0]["html_body"],
        "<div class=\"zd-comment\" dir=\"auto\"><p dir=\"auto\">first</p><p dir=\"auto\">&lt;b&gt;line&lt;/b&gt;</p></div>"
    );
    assert_eq!(comments[1]["html_body"], "<div class=\"zd-comment\" dir=\"auto\"><p>second</p></div>");
    assert_eq!((&comments[1]["public"], &comments[1]["author_id"]), (&json!(false), &agent["id"]));
    assert_eq!(comments[1]["created_at"], "2015-02-01T00:00:00Z");
    assert!(room.desk.mails().is_empty());
    let shown = room.get(&format!("/tickets/{id}/comments.json"));
    assert_eq!(shown["comments"][0]["body"], "first\n\n<b>line</b>");
}

#[test]
fn what_the_account_does_not_know_is_refused() {
    let mut room = room();
    let ann = room.customer("ann");
    let suspended = room.desk.account.users.iter().find(|u| u.row["suspended"] == true).unwrap().row["id"].clone();
    let gone = room.desk.account.users.iter().find(|u| u.row["active"] == false).unwrap().row["id"].clone();
    let organization = room.desk.account.organizations[0].row["id"].clone();
    for (name, value, fault) in [
        ("requester_id", suspended.clone(), "requester_id InvalidValue"),
        ("requester_id", gone.clone(), "requester_id InvalidValue"),
        ("requester_id", json!(1), "requester_id InvalidValue"),
        ("assignee_id", json!(ann), "assignee_id InvalidValue"),
        ("assignee_id", suspended.clone(), "assignee_id InvalidValue"),
        ("group_id", json!(1), "group_id InvalidValue"),
        ("organization_id", organization, "organization_id InvalidValue"),
        ("status", json!("resolved"), "status InvalidValue"),
        ("status", json!("closed"), "assignee_id InvalidValue"),
        ("priority", json!("High"), "priority InvalidValue"),
        ("type", json!("bug"), "type InvalidValue"),
        ("custom_status_id", json!(1), "custom_status_id InvalidValue"),
        ("problem_id", json!(1), "problem_id InvalidValue"),
        ("created_at", json!("2999-01-01T00:00:00Z"), "created_at InvalidValue"),
        ("created_at", json!("yesterday"), "created_at InvalidValue"),
        ("comments", json!([]), "base BlankValue"),
        ("comments", json!([{ "body": " " }]), "comment BlankValue"),
        ("comments", json!([{ "body": "x", "author_id": suspended }]), "author_id InvalidValue"),
        ("comments", json!([{ "body": "x", "created_at": "1969-12-31T23:59:59Z" }]), "created_at InvalidValue"),
        ("comments", json!([{ "body": "x", "created_at": "2999-01-01T00:00:00Z" }]), "created_at InvalidValue"),
        ("comments", json!([{ "body": "x".repeat(65_536) }]), "comment RecordTooLong"),
        ("comments", json!([{ "body": "x", "uploads": ["nonsense"] }]), "uploads InvalidValue"),
        ("follower_ids", json!([ann]), "follower_ids InvalidValue"),
        ("email_cc_ids", json!([1]), "email_cc_ids InvalidValue"),
    ] {
        let got = room.import(plus(name, value.clone()));
        assert_eq!(got.faults(), [fault], "{name}: {}", value.to_string().chars().take(90).collect::<String>());
    }
    assert_eq!(room.import(plus("comments", json!([{ "body": "x".repeat(65_535) }]))).status, 201);
    assert_eq!(
        room.import(plus("created_at", json!("1960-01-01T00:00:00Z"))).body["ticket"]["created_at"],
        "1970-01-01T00:00:00Z"
    );
    assert_eq!(room.post("/imports/tickets", json!({ "tickets": [] })).status, 400);
    assert_eq!(room.send("POST", "/imports/tickets", "nonsense").status, 400);
}

#[test]
fn an_assignee_is_a_member_of_the_group() {
    let mut room = room();
    let group = room.made("/groups", "group", json!({ "name": "Nobody's" }));
    let agent = room.agent()["id"].clone();
    let mut ticket = plus("group_id", json!(group));
    ticket["assignee_id"] = agent.clone();
    assert_eq!(room.import(ticket.clone()).faults(), ["assignee_id InvalidValue"]);
    room.made("/group_memberships", "group_membership", json!({ "group_id": group, "user_id": agent }));
    assert_eq!(room.import(ticket).status, 201);
    assert_eq!(room.post("/groups", json!({ "group": { "name": "NOBODY'S" } })).faults(), ["name DuplicateValue"]);
}

#[test]
fn tags_and_the_values_of_lists_are_one() {
    let mut room = room();
    let field = |room: &Room, title: &str| room.row("ticket_fields", |f| f["title"] == title)["id"].as_u64().unwrap();
    let (product, warranty, pieces) =
        (field(&room, "Product"), field(&room, "Under warranty?"), field(&room, "Pieces"));
    let value = |ticket: &Value, id: u64| {
        ticket["custom_fields"].as_array().unwrap().iter().find(|f| f["id"] == id).unwrap()["value"].clone()
    };
    let mut ticket = plus(
        "custom_fields",
        json!([{ "id": product, "value": "product_app" }, { "id": pieces, "value": 3 }, { "id": 1, "value": "x" }]),
    );
    ticket["tags"] = json!(["warranty", "other", "product_misc"]);
    let made = room.import(ticket).body["ticket"].clone();
    assert_eq!(
        (value(&made, product), value(&made, warranty), value(&made, pieces)),
        (json!("product_app"), json!(true), json!("3"))
    );
    assert_eq!(made["tags"], json!(["warranty", "other", "product_app"]));
    let tagged = room.import(plus("tags", json!(["product_misc"]))).body["ticket"].clone();
    assert_eq!(value(&tagged, product), "product_misc");
    for (id, bad) in [(product, json!("unheard")), (pieces, json!("many")), (warranty, json!("yes"))] {
        assert_eq!(
            room.import(plus("custom_fields", json!([{ "id": id, "value": bad }]))).faults(),
            ["base InvalidValue"]
        );
    }
    let options = format!("/ticket_fields/{product}/options");
    let taken = json!({ "custom_field_option": { "name": "App", "value": "product_app" } });
    assert_eq!(room.post(&options, taken).faults(), ["custom_field_options DuplicateValue"]);
    let free = room.post(&options, json!({ "custom_field_option": { "name": "Unheard", "value": "unheard" } }));
    assert_eq!(free.status, 201, "{}", free.body);
    assert_eq!(room.import(plus("custom_fields", json!([{ "id": product, "value": "unheard" }]))).status, 201);
    let twin = json!({ "ticket_field": { "type": "tagger", "title": "Twin", "custom_field_options": [{ "name": "x", "value": "heard_web" }] } });
    assert_eq!(room.post("/ticket_fields", twin).faults(), ["custom_field_options DuplicateValue"]);
    let made = room.made("/ticket_fields", "ticket_field", json!({ "type": "text", "title": "Marker" }));
    let ticket = room.import(plus("custom_fields", json!([{ "id": made, "value": "m" }]))).body["ticket"].clone();
    assert_eq!(value(&ticket, made), "m");
}

#[test]
fn a_file_is_on_its_comment_and_an_image_in_its_body() {
    let mut room = room();
    let (file, image) = (room.upload("a%20b.txt", "bytes"), room.upload("i.gif", "GIF89a"));
    let more =
        room.send("POST", &format!("/uploads.json?filename=c.txt&token={}", file["token"].as_str().unwrap()), "more");
    assert_eq!((more.status, more.body["upload"]["attachments"].as_array().unwrap().len()), (201, 2));
    let address = image["attachment"]["content_url"].as_str().unwrap();
    assert!(address.starts_with(&format!("{BASE}/attachments/token/")), "{address}");
    let body = format!("<p>look</p><img src=\"{address}\"><img src=\"data:image/gif;base64,AA\">");
    let comments =
        json!([{ "html_body": body, "uploads": [image["token"]] }, { "body": "x", "uploads": [file["token"]] }]);
    let id = room.import(json!({ "subject": "s", "comments": comments })).body["ticket"]["id"].as_u64().unwrap();
    let stored = room.stored(id);
    let names = |n: usize| {
        stored["comments"][n]["files"].as_array().unwrap().iter().map(|f| f["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((names(0), names(1)), (vec![json!("i.gif")], vec![json!("a b.txt"), json!("c.txt")]));
    assert_eq!(stored["comments"][0]["files"][0]["inline"], true);
    let shown = room.get(&format!("/tickets/{id}/comments.json?include_inline_images=true"));
    let html = shown["comments"][0]["html_body"].as_str().unwrap();
    assert!(html.contains(address) && !html.contains("data:"), "{html}");
    let call = call(&room.desk, address);
    let answer = room.desk.answer(&call, room.now);
    let there = answer.headers.iter().find(|(name, _)| name == "location").unwrap().1.clone();
    let sent = room.desk.download(there.strip_prefix(FILES).unwrap(), room.now).unwrap();
    assert_eq!(sent.body, b"GIF89a");
    let again = room.import(plus("comments", json!([{ "body": "x", "uploads": [file["token"]] }])));
    assert_eq!(again.faults(), ["uploads InvalidValue"], "a token is spent once");
}

#[test]
fn a_token_is_good_for_an_hour() {
    let mut room = room();
    let upload = room.upload("a.txt", "x");
    assert_eq!(upload["expires_at"], "2026-01-01T01:00:00Z");
    let comments = json!([{ "body": "x", "uploads": [upload["token"]] }]);
    room.pass(3601);
    assert_eq!(room.import(plus("comments", comments)).faults(), ["uploads InvalidValue"]);
    let chained = format!("/uploads.json?filename=c.txt&token={}", upload["token"].as_str().unwrap());
    assert_eq!(room.send("POST", &chained, "more").faults(), ["token InvalidValue"]);
    assert_eq!(room.send("POST", "/uploads.json", "x").status, 400);
    assert_eq!(room.send("POST", "/uploads.json?filename=a.txt", "").faults(), ["attachment InvalidValue"]);
}

#[test]
fn an_archived_ticket_is_in_the_export_a_minute_later_and_nowhere_else() {
    let mut room = room();
    let agent = room.agent()["id"].clone();
    let mut ticket = plus("status", json!("closed"));
    (ticket["assignee_id"], ticket["external_id"]) = (agent, json!("m:1"));
    let got = room.post("/imports/tickets?archive_immediately=true", json!({ "ticket": ticket }));
    let id = got.body["ticket"]["id"].clone();
    room.import(plus("external_id", json!("m:2")));
    let listed =
        |page: Value| page["tickets"].as_array().unwrap().iter().map(|t| t["external_id"].clone()).collect::<Vec<_>>();
    assert_eq!(listed(room.get("/tickets.json")), ["m:2"]);
    assert_eq!(listed(room.get("/tickets.json?external_id=m:1")), [] as [Value; 0]);
    assert_eq!(listed(room.get("/tickets.json?external_id=m:2")), ["m:2"]);
    assert_eq!(listed(room.get("/tickets/show_many?external_ids=m:1,m:2")), ["m:2"]);
    assert_eq!(room.get(&format!("/tickets/{id}"))["ticket"]["id"], id);
    let export = "/incremental/tickets/cursor.json?start_time=0";
    assert_eq!(listed(room.get(export)), [] as [Value; 0]);
    room.pass(60);
    assert_eq!(listed(room.get(export)), ["m:1", "m:2"]);
    assert_eq!(
        room.put(&format!("/tickets/{id}"), json!({ "ticket": { "tags": ["x"] } })).faults(),
        ["status InvalidValue"]
    );
}
