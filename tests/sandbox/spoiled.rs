//! The comparison compared: what a good move left, spoiled in memory in one way at a time.

use crate::compare::{Found, What, differences, told};
use serde_json::{Value, json};

type Spoiling<'a> = &'a dyn Fn(&mut Found);

/// Fails unless each spoiling of the good `found` is noticed as what it is.
pub fn each_is_noticed(found: &Found) {
    let cases: [(What, Spoiling<'_>); 17] = [
        (What::Missing, &|f| drop(tickets(f).remove(3))),
        (What::Twice, &|f| {
            let copy = tickets(f)[3].clone();
            tickets(f).push(copy);
        }),
        (What::Count, &|f| drop(noted(f).remove(0))),
        (What::Twice, &|f| {
            let copy = noted(f)[0].clone();
            noted(f).push(copy);
        }),
        (What::Text, &|f| noted(f).swap(0, 1)),
        (What::Text, &|f| replace(&mut noted(f)[0], "zd", "dz")),
        (What::Visibility, &|f| flip(f, true)),
        (What::Visibility, &|f| flip(f, false)),
        (What::Author, &|f| unnamed(f)["user_id"] = json!(1)),
        (What::Date, &|f| replace(&mut noted(f)[0], "Originally", "Formerly")),
        (What::Value, &|f| tickets(f)[3]["status"] = json!(7)),
        (What::Value, &|f| tickets(f)[3]["custom_fields"]["cf_order_number"] = json!("another")),
        (What::Person, &|f| tickets(f)[3]["requester_id"] = json!(1)),
        (What::File, &|f| filed(f)["files"][0]["sha256"] = json!("0")),
        (What::Address, &|f| {
            let host = f.hosts[0].clone();
            replace(&mut noted(f)[0], "Originally", &format!("{host}/attachments/token/x"));
        }),
        (What::Credential, &|f| {
            let file = f.calls.iter_mut().find(|call| call["at"] == "files" && call["method"] == "GET");
            file.unwrap()["credential"] = json!(true);
        }),
        (What::Mail, &|f| f.mails.push(json!({ "to": "ann@example.com" }))),
    ];
    for (n, (what, spoil)) in cases.iter().enumerate() {
        let mut spoiled = found.clone();
        spoil(&mut spoiled);
        let said = differences(&spoiled);
        assert!(said.iter().any(|d| d.what == *what), "case {n}: no {what:?} in\n{}", told(&said));
    }
}

fn tickets(found: &mut Found) -> &mut Vec<Value> {
    found.target["tickets"].as_array_mut().unwrap()
}

/// The notes of the first ticket with several, whose first differs from the second.
fn noted(found: &mut Found) -> &mut Vec<Value> {
    let mut all = tickets(found).iter_mut().filter_map(|t| t["conversations"].as_array_mut());
    all.find(|notes| notes.len() > 2).unwrap()
}

/// The first note with a file.
fn filed(found: &mut Found) -> &mut Value {
    let mut notes = tickets(found).iter_mut().filter_map(|t| t["conversations"].as_array_mut()).flatten();
    notes.find(|note| note["files"][0].is_object()).unwrap()
}

/// The first note whose author is told by its account alone.
fn unnamed(found: &mut Found) -> &mut Value {
    let mut notes = tickets(found).iter_mut().filter_map(|t| t["conversations"].as_array_mut()).flatten();
    notes.find(|note| note["body"].as_str().unwrap().contains("Originally on ")).unwrap()
}

fn flip(found: &mut Found, private: bool) {
    let mut notes = tickets(found).iter_mut().filter_map(|t| t["conversations"].as_array_mut()).flatten();
    notes.find(|note| note["private"] == private).unwrap()["private"] = json!(!private);
}

fn replace(note: &mut Value, from: &str, to: &str) {
    note["body"] = json!(note["body"].as_str().unwrap().replace(from, to));
}
