//! Files of the account that only a text names, in whatever spelling: each goes along, or is a loss that is named; and no link that is
//! left leads to another record of the target.

use crate::account::{Opened, open_with};
use deskferry::connector::{Assemble, ChildRows, registry};
use deskferry::error::Loss;
use deskferry::record::{Body, Kind, Record, Ticket};
use serde_json::{Value, json};

const HOME: &str = "https://acme.example";

/// The ticket that a row and what stands below it become, and what of it stays in the source.
fn assembled(connector: &str, answers: &[(&str, &str)], row: &Value, children: ChildRows) -> (Ticket, Vec<String>) {
    let opened = Opened { answers, ..Opened::default() };
    let source = open_with(&registry::find(connector, None).unwrap(), HOME, opened);
    let Record { body: Body::Ticket(ticket), unread, .. } = source.assemble(Kind::Ticket, row, &children).unwrap()
    else {
        panic!("no ticket")
    };
    assert!(unread.iter().all(|lost| lost.loss == Loss::LinkToSource), "{unread:?}");
    (*ticket, unread.into_iter().map(|lost| lost.detail).collect())
}

/// A Zendesk ticket with this message. Its account has two brands more, one at a mapped domain.
fn of_zendesk(html: &str) -> (String, Vec<String>) {
    let hosts = json!([{ "host": "https://parts.zendesk.example" }, { "host": "help.acme.example" }]);
    let row = json!({ "id": 1, "status": "open", "subject": "s", "requester_id": 7, "_host": hosts });
    let comment =
        json!({ "id": 11, "author_id": 7, "public": true, "html_body": html, "created_at": "2024-01-01T00:00:00Z" });
    let (ticket, unread) = assembled("zendesk", &[], &row, [("comment".to_owned(), vec![comment])].into());
    assert_eq!(unread, Vec::<String>::new());
    let message = &ticket.comments[0];
    (message.body.clone(), message.attachments.iter().map(|file| file.source.to_string()).collect())
}

#[test]
fn a_file_is_the_accounts_under_every_host_of_its_brands() {
    for host in [
        "",
        "https://acme.example",
        "http://acme.example",
        "https://parts.zendesk.example",
        "//HELP.acme.example",
        "http://help.acme.example",
    ] {
        let (body, files) =
            of_zendesk(&format!(r#"<p>see <a href="{host}/attachments/token/AbCdEfGh/?name=a.pdf">a</a></p>"#));
        let own = "https://acme.example/attachments/token/AbCdEfGh/?name=a.pdf";
        assert_eq!(files, [own], "{host}");
        assert_eq!(body, format!(r#"<p>see <a href="{own}">a</a></p>"#), "{host}");
    }
    for host in [
        "https://other.example",
        "https://help.acme.example.evil.example",
        "https://help.acme.example:444",
        "ftp://acme.example",
    ] {
        let html =
            format!(r#"<p><a href="{host}/attachments/token/AbCdEfGh/?name=a.pdf">a</a><img src="{host}/x.png"></p>"#);
        assert_eq!(of_zendesk(&html), (html, vec![]), "somebody else's");
    }
}

#[test]
fn pictures_are_taken_from_brands_srcsets_and_backgrounds() {
    let own = |name: &str| format!("https://acme.example/attachments/token/{name}/?name={name}.png");
    let html = concat!(
        r#"<IMG src='https://help.acme.example/attachments/token/PicBrand/?name=PicBrand.png'>"#,
        r#"<img srcset="/attachments/token/PicSmall/?name=PicSmall.png 1x, /attachments/token/PicLarge/?name=PicLarge.png 2x">"#,
        r#"<div style="background: url('/attachments/token/PicBack1/?name=PicBack1.png')">words</div>"#,
    );
    let (body, mut files) = of_zendesk(html);
    files.sort();
    assert_eq!(files, [own("PicBack1"), own("PicBrand"), own("PicLarge")]);
    for shown in [own("PicBrand"), own("PicLarge")] {
        assert!(body.contains(&format!(r#"src="{shown}""#)), "{body}");
    }
    assert!(body.contains(&format!(r#"<a href="{}">"#, own("PicBack1"))), "{body}");
}

#[test]
fn a_relative_link_leads_to_the_source_and_not_to_a_record_of_the_target() {
    let (body, files) = of_zendesk(
        r##"<a href="/agent/tickets/5?a=1&amp;b=2">t</a> <a href="#top">u</a> <a href="mailto:a@b.c">v</a>"##,
    );
    assert_eq!(files, Vec::<String>::new());
    assert_eq!(
        body,
        r##"<a href="https://acme.example/agent/tickets/5?a=1&amp;b=2">t</a> <a href="#top">u</a> <a href="mailto:a@b.c">v</a>"##
    );
}

/// A Freshdesk ticket of this description, with the files 124, and 125 of a message.
fn of_freshdesk(html: &str) -> (Ticket, Vec<String>) {
    let file = |id: u64| json!({ "id": id, "name": format!("{id}.pdf"), "content_type": "application/pdf", "size": 4, "attachment_url": "https://s3.example/x" });
    let row = json!({ "id": 1, "status": 2, "source": 1, "subject": "s", "requester_id": 7, "description": html });
    let comment = json!({ "id": 11, "ticket_id": 1, "user_id": 7, "private": false, "incoming": true, "source": 0, "body": "<p>b</p>", "attachments": [file(125)] });
    let children = [("comment".to_owned(), vec![comment]), ("attachment".to_owned(), vec![file(124)])].into();
    assembled("freshdesk", &[("hosts", "help.acme.example, desk.acme.example")], &row, children)
}

#[test]
fn a_link_by_a_number_is_the_file_of_that_number_and_one_of_another_is_named() {
    let html = concat!(
        r#"<a href="/helpdesk/attachments/124">own</a> <a href="https://help.acme.example/helpdesk/attachments/125?x=1">brother</a> "#,
        r#"<a href="/helpdesk/attachments/126">gone</a> <a href="https://desk.acme.example/helpdesk/attachments/127">gone too</a> "#,
        r#"<a href="https://other.example/helpdesk/attachments/128">theirs</a> "#,
        r#"<img src="https://s3.example/cdn.freshdesk.example/data/helpdesk/attachments/production/124/original/a.png?X-Amz=1">"#,
        r#"<img src="/helpdesk/attachments/129">"#,
    );
    let (ticket, mut gone) = of_freshdesk(html);
    gone.sort();
    let named = [
        "https://acme.example/helpdesk/attachments/126",
        "https://acme.example/helpdesk/attachments/129",
        "https://desk.acme.example/helpdesk/attachments/127",
    ];
    assert_eq!(gone, named);
    let files: Vec<(usize, &str)> = ticket
        .comments
        .iter()
        .enumerate()
        .flat_map(|(at, one)| one.attachments.iter().map(move |file| (at, file.id.as_str())))
        .collect();
    assert_eq!(files, [(0, "124"), (1, "125")], "no file is made of what can be guessed");
    let body = &ticket.comments[0].body;
    for (comment, file) in [(0, 0), (1, 0)] {
        let source = &ticket.comments[comment].attachments[file].source;
        assert!(body.contains(&format!(r#"<a href="{source}">"#)), "{source} in {body}");
    }
    let picture = &ticket.comments[0].attachments[0];
    assert!(
        picture.inline && body.contains(&format!(r#"src="cid:{}""#, picture.content_id.as_ref().unwrap())),
        "{body}"
    );
    for whole in [
        "href=\"https://acme.example/helpdesk/attachments/126\"",
        "src=\"https://acme.example/helpdesk/attachments/129\"",
        "https://other.example/helpdesk/attachments/128",
    ] {
        assert!(body.contains(whole), "{whole} in {body}");
    }
}
