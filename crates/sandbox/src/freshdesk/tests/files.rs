use super::*;

const MB: usize = 1_000_000;

fn path(url: &Value) -> String {
    url.as_str().unwrap().strip_prefix("http://files").unwrap().to_owned()
}

#[test]
fn twenty_megabytes_count_over_a_ticket_and_all_its_notes() {
    let mut room = silent();
    let texts = [("email", "new@customers.example"), ("subject", "s"), ("description", "d")];
    let id = room.form("/tickets", &texts, &[("a.bin", 9 * MB), ("b.bin", 6 * MB)]).id();
    let notes = format!("/tickets/{id}/notes");
    room.form(&notes, &[("body", "fits")], &[("c.bin", 5 * MB)]).id();
    let got = room.form(&notes, &[("body", "does not")], &[("d.bin", 1)]);
    assert_eq!((got.status, got.faults()), (400, vec!["attachments invalid_size".to_owned()]));
    room.form(&notes, &[("body", "nothing more")], &[]).id();
    let got = room.form("/tickets", &texts, &[("a.bin", 20 * MB + 1)]);
    assert_eq!(got.faults(), ["attachments invalid_size"]);
}

#[test]
fn a_large_file_is_kept_as_size_and_hash() {
    let mut room = silent();
    let id = room.ticket();
    room.form(&format!("/tickets/{id}/notes"), &[("body", "x")], &[("big.bin", MB)]).id();
    let file = room.stored(id)["conversations"][0]["files"][0].clone();
    assert_eq!((&file["size"], file["sha256"].as_str().unwrap().len()), (&json!(MB), 64));
    assert_eq!(room.desk.account.kept_bytes, room_bytes(&room));
    let url = path(&room.get(&format!("/tickets/{id}/conversations")).body[0]["attachments"][0]["attachment_url"]);
    assert_eq!(room.desk.download(&url, room.now).unwrap().status, 410);
}

fn location(found: &Answer) -> String {
    found.headers.iter().find(|(name, _)| name == "location").unwrap().1.clone()
}

fn room_bytes(room: &Room) -> usize {
    let all = room.desk.account.tickets.values().flat_map(|t| t.all_files());
    all.filter_map(|f| f.bytes.as_ref()).map(|b| b.len()).sum()
}

#[test]
fn an_address_lives_for_three_hundred_seconds_and_cannot_be_changed() {
    let mut room = silent();
    let id = room.ticket();
    room.form(&format!("/tickets/{id}/notes"), &[("body", "x")], &[("a b.txt", 3)]).id();
    let url = path(&room.get(&format!("/tickets/{id}/conversations")).body[0]["attachments"][0]["attachment_url"]);
    assert_eq!(room.desk.download(&url, room.now).unwrap().body, b"xxx");
    room.pass(300);
    assert_eq!(room.desk.download(&url, room.now).unwrap().status, 200);
    room.pass(1);
    let late = room.desk.download(&url, room.now).unwrap();
    assert_eq!(late.status, 403);
    assert!(String::from_utf8(late.body).unwrap().contains("Request has expired"));
    let forged = url.replace("X-Amz-Date=20261124T12", "X-Amz-Date=20261124T13");
    assert_eq!(room.desk.download(&forged, room.now).unwrap().status, 403);
    assert_eq!(room.desk.download(&format!("{url}&token=second"), room.now).unwrap().status, 400);
    assert!(room.desk.download("/data/helpdesk/attachments/production/1/original/a", room.now).is_none());
}

#[test]
fn an_inline_image_redirects_by_the_account_to_the_storage() {
    let mut room = room();
    let body = room.get("/tickets/5").body["description"].as_str().unwrap().to_owned();
    let address = body.split('"').find(|piece| piece.starts_with("http://files/inline/attachment?token=")).unwrap();
    let found = room.desk.download(address.strip_prefix("http://files").unwrap(), room.now).unwrap();
    assert_eq!(found.status, 302);
    let home = location(&found).strip_prefix("http://desk").unwrap().to_owned();
    assert_eq!(room.plainly(&home, true).status, 401, "the account takes no credential there");
    let place = location(&room.plainly(&home, false));
    let image = room.desk.download(place.strip_prefix("http://files").unwrap(), room.now).unwrap();
    assert_eq!((image.status, &image.body[..3]), (200, b"GIF".as_slice()));
    assert!(room.desk.download("/inline/attachment?token=a.b.c", room.now).is_none());
}
