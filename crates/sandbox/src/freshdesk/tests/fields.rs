use super::*;

fn field(room: &mut Room, name: &str) -> Value {
    let all = room.get("/ticket_fields").body;
    all.as_array().unwrap().iter().find(|f| f["name"] == name).unwrap_or(&Value::Null).clone()
}

fn made(room: &mut Room, label: &str, kind: &str) -> Got {
    room.post("/admin/ticket_fields", json!({"label": label, "label_for_customers": label, "type": kind}))
}

#[test]
fn choices_come_in_another_shape_for_nearly_every_field() {
    let mut room = room();
    assert_eq!(field(&mut room, "status")["choices"]["8"], json!(["On Hold", "Being Processed"]));
    assert_eq!(field(&mut room, "ticket_type")["choices"][1], "Incident");
    assert_eq!(field(&mut room, "priority")["choices"]["Urgent"], 4);
    assert!(field(&mut room, "group")["choices"]["Billing"].is_number());
    assert_eq!(field(&mut room, "cf_region")["choices"], json!(["Europe", "Americas", "Asia-Pacific"]));
    assert_eq!(
        field(&mut room, "cf_category")["choices"][0],
        json!({"Hardware": [{"Laptop": ["Battery"]}, {"Printer": ["Toner"]}]})
    );
    assert_eq!(field(&mut room, "cf_category")["nested_ticket_fields"][1]["name"], "cf_item");
}

#[test]
fn a_label_becomes_a_key_that_was_never_used_before() {
    let mut room = room();
    assert_eq!(made(&mut room, "Deskferry", "custom_text").body["name"], "cf_deskferry");
    let again = made(&mut room, "Legacy id", "custom_text");
    let name = again.body["name"].as_str().unwrap();
    assert!(name.starts_with("cf_legacy_id") && name != "cf_legacy_id", "{name}");
    let got = made(&mut room, "deskferry", "custom_text");
    assert_eq!((got.status, got.faults()), (409, vec!["label duplicate_value".to_owned()]));
    assert_eq!(made(&mut room, "Odd", "custom_thing").faults(), ["type invalid_value"]);
    assert_eq!(made(&mut room, "List", "custom_dropdown").faults(), ["choices missing_field"]);
    room.post("/tickets", plus("custom_fields", json!({"cf_deskferry": "m"}))).id();
}

#[test]
fn values_are_of_their_fields_type() {
    let mut room = room();
    for (name, value, code) in [
        ("cf_unknown", json!(1), "invalid_field"),
        ("cf_quantity", json!("3"), "datatype_mismatch"),
        ("cf_quantity", json!(1.5), "datatype_mismatch"),
        ("cf_amount", json!("1.5"), "datatype_mismatch"),
        ("cf_purchased_on", json!("2020-01-01T00:00:00Z"), "datatype_mismatch"),
        ("cf_vip", json!("true"), "datatype_mismatch"),
        ("cf_order_number", json!(5), "datatype_mismatch"),
        ("cf_order_number", json!("x".repeat(256)), "datatype_mismatch"),
        ("cf_region", json!("europe"), "invalid_value"),
        ("cf_item", json!("Battery"), "invalid_value"),
    ] {
        let got = room.post("/tickets", plus("custom_fields", json!({name: value})));
        assert_eq!(got.faults(), [format!("custom_fields.{name} {code}")]);
    }
    let good =
        json!({"cf_amount": 1, "cf_purchased_on": "2020-02-29", "cf_region": null, "cf_steps_to_reproduce": "1\n2"});
    room.post("/tickets", plus("custom_fields", good)).id();
}

#[test]
fn a_lower_level_stands_below_its_own_parent_only() {
    let mut room = room();
    let tree =
        |a: &str, b: &str, c: &str| plus("custom_fields", json!({"cf_category": a, "cf_subcategory": b, "cf_item": c}));
    room.post("/tickets", tree("Hardware", "Printer", "Toner")).id();
    assert_eq!(
        room.post("/tickets", tree("Hardware", "Printer", "Login")).faults(),
        ["custom_fields.cf_item invalid_value"]
    );
    let got = room.post("/tickets", tree("Software", "Printer", "Toner"));
    assert_eq!(got.faults()[0], "custom_fields.cf_subcategory invalid_value");
}

#[test]
fn a_mandatory_field_is_mandatory_for_the_api_too() {
    let mut room = room();
    let region = field(&mut room, "cf_region")["id"].clone();
    room.put(&format!("/admin/ticket_fields/{region}"), json!({"required_for_closure": true}));
    let open = room.ticket();
    assert_eq!(room.post("/tickets", plus("status", json!(5))).faults(), ["custom_fields.cf_region invalid_value"]);
    assert_eq!(room.put(&format!("/tickets/{open}"), json!({"status": 4})).status, 400);
    assert_eq!(
        room.put(&format!("/tickets/{open}"), json!({"status": 4, "custom_fields": {"cf_region": "Europe"}})).status,
        200
    );
    room.put(&format!("/admin/ticket_fields/{region}"), json!({"required_for_agents": true}));
    assert_eq!(room.post("/tickets", plain()).faults(), ["custom_fields.cf_region invalid_value"]);
}

#[test]
fn a_status_is_made_through_its_field() {
    let mut room = room();
    let status = field(&mut room, "status")["id"].clone();
    let got = room.put(&format!("/admin/ticket_fields/{status}"), json!({"choices": [{"value": "Parked"}]}));
    assert_eq!(got.status, 200);
    room.post("/tickets", plus("status", json!(9))).id();
}
