//! Exports of help desks nobody has a connector for, as an admin has them in hand, and what must come of them.

use crate::http::{Result, sha256};
use crate::seed::expected::{Alike, Custom, Expected, File, Kind, Message, Person, Ticket};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;

/// The words an admin maps: status of the export to status of the target.
pub const STATUSES: [(&str, &str); 5] = [
    ("Neu", "New"),
    ("In Arbeit", "In Progress"),
    ("Erledigt", "Resolved"),
    ("Open", "In Progress"),
    ("Solved", "Resolved"),
];

const COLUMNS: &str = r#"
delimiter = ";"
separator = "|"
date      = "%d.%m.%Y %H:%M"
zone      = "Europe/Berlin"
yes       = ["ja"]
no        = ["nein"]

[ticket]
file   = "Tickets.csv"
ignore = ["Farbe"]
[ticket.columns]
id          = "Ticket-Nr."
subject     = "Betreff"
requester   = "Melder"
ccs         = "Kopie an"
assignee    = "Bearbeiter"
group       = "Bereich"
created_at  = "Erstellt am"
description = "Beschreibung"
[ticket.custom]
"Order Number" = "Bestellnummer"

[comment]
file = "Kommentare.csv"
[comment.columns]
id         = "Nr."
ticket     = "Ticket-Nr."
author     = "Von"
created_at = "Am"
private    = "Intern"
body       = "Text"

[contact]
file = "Kunden.csv"
[contact.columns]
emails = "Mailadresse"
[group]
file = "Bereiche.csv"
[attachment]
file = "Anlagen.csv"
[attachment.columns]
ticket  = "Ticket-Nr."
comment = "Kommentar"
source  = "Datei"
"#;

/// With a byte order mark and the line ends of Windows, as Excel saves it. Dates are of Berlin, in summer and in winter.
const TICKETS: &str = "\u{feff}\
Ticket-Nr.;Betreff;Status;Melder;Kopie an;Bearbeiter;Bereich;Erstellt am;Beschreibung;Bestellnummer;Seats;Farbe\r\n\
HD-1001;Drucker brennt;Erledigt;ann@example.com;ben@example.com|cem@example.com;agent1@rt.test;Support;01.07.2021 08:30;\"Er \"\"brennt\"\"; wirklich.\r\n\
\r\n\
*nicht fett* & <b>nicht HTML</b>, Wort zq90001z\";A-000017 №;12;rot\r\n\
HD-1002;Rechnung 😀 fehlt;Neu;ben@example.com;;;Billing;31.12.2021 23:59;Wo ist sie? Wort zq90002z;;;\r\n\
HD-1003;Ohne Namen;In Arbeit;niemand@example.com;;agent2@rt.test;Support;15.01.2022 09:00;Wort zq90003z;;0;grün\r\n";

const COMMENTS: &str = "\
Ticket-Nr.;Nr.;Von;Am;Intern;Text\r\n\
HD-1001;K1;agent1@rt.test;01.07.2021 08:31;nein;\"Feuerwehr ist unterwegs, zq90004z\r\nBitte warten.\"\r\n\
HD-1002;K2;agent2@rt.test;03.01.2022 10:00;ja;Nur für uns: zq90005z\r\n\
HD-1001;K3;agent2@rt.test;02.07.2021 07:00;x;Versicherung fragen zq90006z\r\n\
HD-1001;K4;ann@example.com;02.07.2021 07:00;;\"Danke; zq90007z\"\r\n";

const CUSTOMERS: &str =
    "Name;Mailadresse\r\nAnn Archer;ann@example.com\r\n\"Müller; Ben\";ben@example.com\r\nCem;cem@example.com\r\n";
const GROUPS: &str = "Name\r\nSupport\r\nBilling\r\n";
const FILES: &str =
    "Ticket-Nr.;Kommentar;Datei\r\nHD-1001;;Anlagen/Bild vom Brand.jpg\r\nHD-1001;K4;Anlagen/1001/quittung.pdf\r\n";

const PHOTO: &[u8] = b"\xff\xd8\xff\xe0 not much of a photo";
const RECEIPT: &[u8] = b"%PDF-1.4 paid";

/// A helpdesk's German export to CSV: tickets, comments, customers, groups, and a folder of files.
pub fn csv(folder: &Path) -> Result<Vec<Ticket>> {
    std::fs::create_dir_all(folder.join("Anlagen/1001")).map_err(|e| e.to_string())?;
    for (name, bytes) in [
        ("columns.toml", COLUMNS.as_bytes()),
        ("Tickets.csv", TICKETS.as_bytes()),
        ("Kommentare.csv", COMMENTS.as_bytes()),
        ("Kunden.csv", CUSTOMERS.as_bytes()),
        ("Bereiche.csv", GROUPS.as_bytes()),
        ("Anlagen.csv", FILES.as_bytes()),
        ("Anlagen/Bild vom Brand.jpg", PHOTO),
        ("Anlagen/1001/quittung.pdf", RECEIPT),
    ] {
        std::fs::write(folder.join(name), bytes).map_err(|e| format!("{name}: {e}"))?;
    }
    let (ann, ben) = (person(Some("Ann Archer"), "ann@example.com"), person(Some("Müller; Ben"), "ben@example.com"));
    let nobody = person(None, "niemand@example.com");
    let (one, two) = (person(None, "agent1@rt.test"), person(None, "agent2@rt.test"));
    let mut fire = ticket(1001, "Drucker brennt", "Erledigt", &ann);
    fire.owner = Some(one.clone());
    fire.ccs = vec![ben.clone(), person(Some("Cem"), "cem@example.com")];
    fire.custom = [values("Order Number", "A-000017 №"), values("Seats", "12")].into();
    fire.messages = vec![
        public(
            &ann,
            "2021-07-01T06:30:00Z",
            &["Er \"brennt\"; wirklich.", "*nicht fett* & <b>nicht HTML</b>", "zq90001z"],
        ),
        public(&one, "2021-07-01T06:31:00Z", &["Feuerwehr ist unterwegs, zq90004z", "Bitte warten."]),
        private(&two, "2021-07-02T05:00:00Z", &["Versicherung fragen zq90006z"]),
        public(&ann, "2021-07-02T05:00:00Z", &["Danke; zq90007z"]),
    ];
    fire.messages[0].files.push(file("Bild vom Brand.jpg", PHOTO));
    fire.messages[3].files.push(file("quittung.pdf", RECEIPT));
    let mut bill = ticket(1002, "Rechnung 😀 fehlt", "Neu", &ben);
    bill.queue = "Billing".into();
    bill.messages = vec![
        public(&ben, "2021-12-31T22:59:00Z", &["Wo ist sie? Wort zq90002z"]),
        private(&two, "2022-01-03T09:00:00Z", &["Nur für uns: zq90005z"]),
    ];
    let mut nameless = ticket(1003, "Ohne Namen", "In Arbeit", &nobody);
    nameless.owner = Some(two);
    nameless.custom = [values("Seats", "0")].into();
    nameless.messages = vec![public(&nobody, "2022-01-15T08:00:00Z", &["Wort zq90003z"])];
    Ok(finished(vec![fire, bill, nameless]))
}

/// A workbook of two sheets: numbers as ids, Excel's own dates of New York, a formula.
pub fn xlsx(folder: &Path) -> Result<Vec<Ticket>> {
    workbook(&folder.join("Helpdesk export.xlsx")).map_err(|e| e.to_string())?;
    let columns = "zone = \"America/New_York\"\nformat = \"html\"\n\n[ticket]\nsheet = \"All tickets\"\n[ticket.columns]\n\
        requester = \"Requester e-mail\"\n\n[comment]\nsheet = \"Replies\"\n[comment.columns]\nticket = \"Ticket ID\"\n\
        author = \"From\"\ncreated_at = \"Sent\"\nprivate = \"Internal?\"\nbody = \"Reply\"\n";
    std::fs::write(folder.join("columns.toml"), columns).map_err(|e| e.to_string())?;
    let (dee, one) = (person(None, "dee@example.com"), person(None, "agent1@rt.test"));
    let mut login = ticket(7, "Login fails", "Open", &dee);
    login.custom = [values("Seats", "3"), values("Weight", "2.5"), values("Purchase Date", "2020-02-29")].into();
    login.messages = vec![
        public(&dee, "2020-03-01T04:59:58Z", &["I cannot log in, zq91001z", "Dee & co"]),
        private(&one, "2020-07-01T14:00:00Z", &["locked out zq91002z"]),
        public(&one, "2020-07-01T14:05:00Z", &["Try again, zq91003z"]),
    ];
    let mut thanks = ticket(8, "Ticket 8", "Solved", &dee);
    thanks.messages = vec![public(&dee, "2020-12-24T17:00:00Z", &["Thanks zq91004z"])];
    Ok(finished(vec![login, thanks]))
}

fn workbook(path: &Path) -> std::result::Result<(), rust_xlsxwriter::XlsxError> {
    use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
    let (time, day) = (Format::new().set_num_format("m/d/yy h:mm"), Format::new().set_num_format("m/d/yyyy"));
    let at = |text: &str| ExcelDateTime::parse_from_str(text);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("All tickets")?;
    let headers =
        ["ID", "Subject", "Status", "Requester e-mail", "Created", "Description", "Seats", "Weight", "Purchase Date"];
    sheet.write_row(0, 0, headers)?;
    sheet.write(1, 0, 7)?.write(1, 1, "Login fails")?.write(1, 2, "Open")?.write(1, 3, "dee@example.com")?;
    sheet.write_with_format(1, 4, &at("2020-02-29 23:59:58")?, &time)?;
    sheet.write(1, 5, "<p>I cannot log in, zq91001z</p><p>Dee &amp; <b>co</b></p>")?;
    sheet.write(1, 6, 3)?.write(1, 7, 2.5)?.write_with_format(1, 8, &at("2020-02-29")?, &day)?;
    sheet.write(2, 0, 8)?.write_formula(2, 1, Formula::new("=\"Ticket \"&A3").set_result("Ticket 8"))?;
    sheet.write(2, 2, "Solved")?.write(2, 3, "dee@example.com")?;
    sheet.write_with_format(2, 4, &at("2020-12-24 12:00:00")?, &time)?;
    sheet.write(2, 5, "Thanks zq91004z")?;
    let sheet = book.add_worksheet().set_name("Replies")?;
    sheet.write_row(0, 0, ["Ticket ID", "From", "Sent", "Internal?", "Reply"])?;
    for (row, sent, internal, reply) in [
        (1, "2020-07-01 10:00:00", true, "locked out <i>zq91002z</i>"),
        (2, "2020-07-01 10:05:00", false, "Try again, zq91003z"),
    ] {
        sheet.write(row, 0, 7)?.write(row, 1, "agent1@rt.test")?;
        sheet.write_with_format(row, 2, &at(sent)?, &time)?.write(row, 3, internal)?.write(row, 4, reply)?;
    }
    book.add_worksheet().set_name("Pivot")?.write(0, 0, "nothing of ours")?;
    book.save(path)
}

/// Both exports as one desk.
pub fn expected(tickets: Vec<Ticket>) -> Expected {
    Expected { seed: 0, tickets, absent: vec![] }
}

fn ticket(id: i64, subject: &str, status: &str, requester: &Person) -> Ticket {
    Ticket {
        id,
        subject: subject.into(),
        queue: "Support".into(),
        status: status.into(),
        requesters: vec![requester.clone()],
        ccs: vec![],
        owner: None,
        created: Timestamp::UNIX_EPOCH,
        custom: BTreeMap::new(),
        messages: vec![],
        refers_to: vec![],
        chatter: 0,
    }
}

/// A ticket is as old as its first message.
fn finished(mut tickets: Vec<Ticket>) -> Vec<Ticket> {
    tickets.iter_mut().for_each(|ticket| ticket.created = ticket.messages[0].created);
    tickets
}

fn person(name: Option<&str>, email: &str) -> Person {
    Person { name: name.map(Into::into), email: Some(email.into()), login: email.into() }
}

fn values(title: &str, value: &str) -> (String, Custom) {
    (title.into(), Custom { values: vec![value.into()], alike: Alike::Exactly })
}

fn public(author: &Person, created: &str, text: &[&str]) -> Message {
    let token = crate::seed::words::tokens(&text.join(" ")).next().map(Into::into);
    Message {
        kind: Kind::Public,
        author: author.clone(),
        created: created.parse().expect("a date"),
        token,
        text: text.iter().map(|phrase| phrase.to_string()).collect(),
        files: vec![],
        body: Default::default(),
    }
}

fn private(author: &Person, created: &str, text: &[&str]) -> Message {
    Message { kind: Kind::Private, ..public(author, created, text) }
}

fn file(name: &str, bytes: &[u8]) -> File {
    File {
        name: name.into(),
        mime: String::new(),
        sha256: sha256(bytes),
        size: bytes.len() as u64,
        inline: false,
        bytes: vec![],
        content_id: String::new(),
    }
}
