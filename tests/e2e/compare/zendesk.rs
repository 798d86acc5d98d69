//! Reads the look-alike of Zendesk by what it says is stored in it, without its API.
//!
//! Bodies are given without their tags, a line for each block; an image they show as `![](name)`.

use super::json::{id, names, rows, shown, text};
use super::target::{File, Issue, Known, Message, Target};
use super::text::without_tags;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Stands in a stored body for the address of an image: up to the name of its file.
const IMAGE: &str = "<img src=\"zendesk:/attachments/token/";

pub fn read(state: &Value, known: &Known) -> Target {
    let address = |user: &Value| {
        let address = user["email"].as_str().map(str::to_lowercase);
        known.own(&address.unwrap_or_else(|| text(&user["name"])))
    };
    let people: HashMap<u64, String> =
        rows(&state["users"]).iter().map(|user| (id(&user["id"]), address(user))).collect();
    let of = |person: &Value| people.get(&id(person)).cloned().unwrap_or_default();
    let groups = names(&state["tables"]["groups"], "name");
    let statuses = names(&state["tables"]["custom_statuses"], "agent_label");
    let mut target = Target { issues: vec![], files: vec![] };
    for ticket in rows(&state["tickets"]) {
        let messages: Vec<Message> =
            rows(&ticket["comments"]).iter().map(|row| message(row, of(&row["author_id"]))).collect();
        target.files.extend(messages.iter().flat_map(|m| &m.files).map(|f| f.sha256.clone()));
        let copied = rows(&ticket["email_cc_ids"]).iter().chain(rows(&ticket["follower_ids"]));
        let status = statuses.get(&id(&ticket["custom_status_id"])).filter(|_| ticket["status"] != "closed");
        target.issues.push(Issue {
            id: id(&ticket["id"]) as i64,
            subject: text(&ticket["subject"]),
            project: groups.get(&id(&ticket["group_id"])).cloned().unwrap_or_default(),
            status: status.cloned().unwrap_or_else(|| "Closed".into()),
            created: text(&ticket["created_at"]).parse().ok(),
            requesters: vec![of(&ticket["requester_id"])],
            assignee: ticket["assignee_id"].is_u64().then(|| of(&ticket["assignee_id"])),
            custom: custom(&state["tables"]["ticket_fields"], ticket, known),
            watchers: copied.chain([&ticket["requester_id"]]).map(of).collect(),
            relations: vec![],
            messages,
            stray: vec![],
        });
    }
    target
}

fn message(row: &Value, author: String) -> Message {
    let files = rows(&row["files"]).iter();
    let files = files.map(|f| File { name: text(&f["name"]), sha256: text(&f["sha256"]), size: id(&f["size"]) });
    let mut body = String::new();
    for (n, piece) in text(&row["html_body"]).split(IMAGE).enumerate() {
        let image = if n == 0 { None } else { piece.split_once('"') };
        let name = image.and_then(|(address, _)| Some(address.split_once("name=")?.1));
        body += &name.map(|name| format!("![]({name})<")).unwrap_or_default();
        body += image.map_or(piece, |(_, rest)| rest);
    }
    Message {
        author,
        private: row["public"] != true,
        // no block ends without an end tag
        body: without_tags(&body.replace("</", "\n</").replace("<br", "\n<br")),
        created: text(&row["created_at"]).parse().ok(),
        files: files.collect(),
    }
}

/// Every field of the desk's own, those without value too.
fn custom(fields: &Value, ticket: &Value, known: &Known) -> BTreeMap<String, Vec<String>> {
    let own = rows(fields).iter().filter(|field| field["removable"] == true);
    let mut all: BTreeMap<String, Vec<String>> = own
        .map(|field| {
            // a box that is not ticked says nothing
            let ticked = |value: &String| field["type"] != "checkbox" || value != "false";
            let values = shown(field, ticket).into_iter().filter(ticked).collect();
            known.titled(&text(&field["title"]), values)
        })
        .collect();
    let marker = text(&ticket["external_id"]);
    all.insert("Deskferry".into(), Some(marker).filter(|marker| !marker.is_empty()).into_iter().collect());
    all
}
