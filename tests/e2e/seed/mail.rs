//! Builds the raw mails customers send: text and HTML beside each other, images by content id, files by RFC 2231 name.

use super::expected::{Body, File, Message, Person, Ticket};
use crate::http::quoted;
use base64::prelude::{BASE64_STANDARD, Engine};

/// The mail that brings `message` into `ticket`; `reply_to` is the number of the ticket once it exists.
pub fn raw(ticket: &Ticket, message: &Message, reply_to: Option<i64>) -> Vec<u8> {
    let subject = match reply_to {
        Some(number) => format!("Re: [rt.test #{number}] {}", ticket.subject),
        None => ticket.subject.clone(),
    };
    let date = message.created.strftime("%a, %d %b %Y %H:%M:%S +0000");
    let id = message.token.clone().unwrap_or_else(|| format!("empty.{}", message.created.as_second()));
    let (mime_headers, body) = part(message);
    let head = format!(
        "From: {}\r\nTo: support@rt.test\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{id}@mail.example>\r\n\
         MIME-Version: 1.0\r\n{mime_headers}\r\n\r\n",
        address(&message.author),
        encoded(&subject),
    );
    [head.into_bytes(), body].concat()
}

fn address(person: &Person) -> String {
    let email = person.email.as_deref().unwrap_or_default();
    match &person.name {
        Some(name) => format!("{} <{email}>", encoded(name)),
        None => email.to_string(),
    }
}

/// `text` as RFC 2047 words of at most 75 characters each, folded.
fn encoded(text: &str) -> String {
    let mut words = vec![String::new()];
    for c in text.chars() {
        if words.last().is_some_and(|w| w.len() + c.len_utf8() > 42) {
            words.push(String::new());
        }
        words.last_mut().expect("never empty").push(c);
    }
    let words: Vec<String> = words.iter().map(|w| format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(w))).collect();
    words.join("\r\n ")
}

type Part = (String, Vec<u8>);

fn part(message: &Message) -> Part {
    let said = message.text.join("\n");
    let body = match &message.body {
        Body::Empty => leaf("text/plain; charset=utf-8", "", b""),
        Body::Text(text) => leaf("text/plain; charset=utf-8", "", text.as_bytes()),
        Body::Html(html) => {
            let page = leaf("text/html; charset=utf-8", "", html.as_bytes());
            let images: Vec<Part> = message.files.iter().filter(|f| f.inline).map(file).collect();
            let shown = if images.is_empty() { page } else { multipart("related", [vec![page], images].concat()) };
            multipart("alternative", vec![leaf("text/plain; charset=utf-8", "", said.as_bytes()), shown])
        }
    };
    let files: Vec<Part> = message.files.iter().filter(|f| !f.inline).map(file).collect();
    if files.is_empty() { body } else { multipart("mixed", [vec![body], files].concat()) }
}

fn file(file: &File) -> Part {
    let kind = if file.inline { "inline" } else { "attachment" };
    let name = match file.name.as_str() {
        "" => String::new(),
        name => format!("; filename*=UTF-8''{}", quoted(name)),
    };
    let id = if file.inline { format!("\r\nContent-ID: <{}>", file.content_id) } else { String::new() };
    leaf(&file.mime, &format!("\r\nContent-Disposition: {kind}{name}{id}"), &file.bytes)
}

fn leaf(mime: &str, more: &str, bytes: &[u8]) -> Part {
    let coded = BASE64_STANDARD.encode(bytes);
    let mut body = Vec::with_capacity(coded.len() + coded.len() / 38);
    for line in coded.as_bytes().chunks(76) {
        body.extend_from_slice(line);
        body.extend_from_slice(b"\r\n");
    }
    (format!("Content-Type: {mime}\r\nContent-Transfer-Encoding: base64{more}"), body)
}

fn multipart(kind: &str, parts: Vec<Part>) -> Part {
    let boundary = format!("=_{kind}_boundary");
    let mut body = Vec::new();
    for (headers, bytes) in parts {
        body.extend(format!("--{boundary}\r\n{headers}\r\n\r\n").into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    (format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\""), body)
}
