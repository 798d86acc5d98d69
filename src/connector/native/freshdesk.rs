//! Freshdesk: archived tickets, pictures and web chats.
//!
//! An archived ticket has addresses of its own. Pictures of a body lie at `cattachment.freshdesk.com`, sometimes below another name of
//! Freshdesk, sometimes written `cid:https://…` (seen by other importers: zammad/zammad#4028); such an address has no end and needs
//! no credential. The description of a web chat is its first message once more (chatwoot/chatwoot#15261).

use super::Native;
use crate::connector::ChildRows;
use crate::connector::rest::{Account, Rest};
use crate::content::{normalise, readdress};
use crate::error::{Reason, Result};
use crate::expr::plain;
use crate::record::{Attachment, Body, Comment, Format, NamedBy, Record, Ticket, Visibility};
use async_trait::async_trait;
use serde_json::Value;
use url::{Host, Url};

/// The source of tickets that began as a web chat.
const WEB_CHAT: u64 = 15;
/// The message that stands in the ticket itself, by its id in the manifest.
const DESCRIPTION: &str = "description";

pub struct Freshdesk;

#[async_trait]
impl Native for Freshdesk {
    fn address(&self, path: String, root: &Value) -> String {
        match path.strip_prefix("/tickets/") {
            Some(rest) if root["archived"] == true => format!("/tickets/archived/{rest}"),
            _ => path,
        }
    }

    fn elsewhere(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix("/tickets/").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))?;
        Some(format!("/tickets/archived/{rest}"))
    }

    /// `survey`: the values its active survey takes for the question every survey has; null where there is none.
    async fn prepare_target(&self, api: &Rest, account: &mut Account) -> Result<()> {
        let answered = api.get("/surveys", &[("state".into(), "active".into())]).await;
        let surveys = match answered {
            Ok(surveys) => surveys,
            Err(problem) if matches!(problem.reason, Reason::Forbidden | Reason::NotFound) => Value::Null,
            Err(problem) => return Err(problem),
        };
        account.insert("survey".into(), scale(&surveys));
        Ok(())
    }

    fn fold(&self, record: &mut Record, row: &Value, children: &ChildRows) -> Result<()> {
        let Body::Ticket(ticket) = &mut record.body else { return Ok(()) };
        ticket.comments.iter_mut().for_each(pictures);
        if row["source"] == WEB_CHAT {
            said_once(ticket, row, children);
        }
        Ok(())
    }
}

/// The values of the first survey whose default question takes some.
fn scale(surveys: &Value) -> Value {
    let questions =
        surveys.as_array().into_iter().flatten().flat_map(|s| s["questions"].as_array().into_iter().flatten());
    let mut asked = questions.filter(|question| question["id"] == "default_question");
    let taken = asked.find_map(|question| question["accepted_ratings"].as_array().filter(|all| !all.is_empty()));
    // Texts or numbers: the page says the one and shows the other.
    let number = |value: &Value| plain(value).parse::<i64>().ok();
    taken.map_or(Value::Null, |all| all.iter().filter_map(number).collect())
}

/// Pictures that the vendor keeps become files of the message, each once. Freshservice does as Freshdesk.
pub(super) fn pictures(comment: &mut Comment) {
    if comment.format != Format::Html {
        return;
    }
    let Comment { id, body, attachments, .. } = comment;
    *body = readdress(body, "data-id", &mut |source, listed| {
        let address = hosted(source)?;
        // The same file may stand among those of the message.
        if let Some(file) = attachments.iter_mut().find(|file| Some(file.id.as_str()) == listed) {
            file.inline = true;
            let cid = file.content_id.get_or_insert_with(|| format!("{}@inline", file.id)).clone();
            return Some(format!("cid:{cid}"));
        }
        if attachments.iter().all(|file| file.source.as_str() != address) {
            attachments.push(picture(id, listed, address.clone()));
        }
        Some(address)
    });
}

/// The address of a picture at the vendor, without what some mails leave before it.
fn hosted(source: &str) -> Option<String> {
    let address = source.strip_prefix("cid:").unwrap_or(source);
    let url = Url::parse(address).ok()?;
    let is_theirs = match url.host()? {
        Host::Domain(name) => name.ends_with(".freshdesk.com") || name.ends_with(".freshservice.com"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    let is_inline = url.path().ends_with("/inline/attachment") && url.query_pairs().any(|(key, _)| key == "token");
    (is_theirs && is_inline).then(|| address.to_owned())
}

fn picture(comment: &str, listed: Option<&str>, source: String) -> Attachment {
    let number = listed.map_or_else(|| blake3::hash(source.as_bytes()).to_hex()[..12].to_owned(), str::to_owned);
    Attachment::picture(format!("{comment}-{number}"), format!("image-{number}"), source.into(), NamedBy::Message)
}

/// Takes the description out where the first message of the chat is the same; its files stay.
fn said_once(ticket: &mut Ticket, row: &Value, children: &ChildRows) {
    let others = ticket.comments.iter().enumerate().filter(|(_, comment)| comment.id != DESCRIPTION);
    let Some((chat, _)) = others.min_by_key(|(_, comment)| comment.created_at) else { return };
    let Some(first) = ticket.comments.iter().position(|comment| comment.id == DESCRIPTION) else { return };
    let mut rows = children.get("comment").into_iter().flatten();
    let Some(said) = rows.find(|row| plain(&row["id"]) == ticket.comments[chat].id) else { return };
    let words = |text: &Value| text.as_str().map(normalise);
    if ticket.comments[chat].visibility != Visibility::Public
        || words(&said["body_text"]).is_none_or(|text| Some(text) != words(&row["description_text"]))
    {
        return;
    }
    let files = std::mem::take(&mut ticket.comments[first].attachments);
    let chat = &mut ticket.comments[chat];
    for file in files {
        if chat.attachments.iter().all(|known| known.id != file.id && known.source != file.source) {
            chat.attachments.push(file);
        }
    }
    ticket.comments.remove(first);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_of_a_rating_is_that_of_the_active_surveys_default_question() {
        let custom = serde_json::json!({ "questions": [{ "id": "question_3", "accepted_ratings": [1] }] });
        let usual =
            serde_json::json!({ "questions": [{ "id": "default_question", "accepted_ratings": ["-103", 100, 103] }] });
        assert_eq!(scale(&serde_json::json!([custom, usual])), serde_json::json!([-103, 100, 103]));
        assert_eq!(scale(&serde_json::json!([custom])), Value::Null);
        assert_eq!(scale(&Value::Null), Value::Null);
    }

    use serde_json::json;

    const INLINE: &str = "https://eucattachment.freshdesk.com/inline/attachment?token=a.b.c";

    fn comment(id: &str, body: &str, at: &str) -> Comment {
        let comment = json!({"id": id, "format": "html", "body": body, "created_at": at});
        serde_json::from_value(comment).unwrap()
    }

    #[test]
    fn a_picture_is_a_file_of_its_message_whatever_stands_before_its_address() {
        let stranger = "https://freshdesk.com.evil.example/inline/attachment?token=a.b.c";
        let body = format!(
            "<img src=\"{INLINE}\" data-id=\"8001\"><img src='cid:{INLINE}' data-id='8001'><img src=\"{stranger}\"><img src=\"cid:{stranger}\">\
             <img src=\"cid:1@mail\"><img>"
        );
        let mut one = comment("7", &body, "2020-01-01T00:00:00Z");
        pictures(&mut one);
        let files: Vec<_> = one.attachments.iter().map(|f| (f.id.as_str(), f.source.as_str(), f.inline)).collect();
        assert_eq!(files, [("7-8001", INLINE, true)]);
        assert_eq!(one.body.matches(&format!("\"{INLINE}\"")).count(), 2, "{}", one.body);
        assert!(one.body.contains(&format!("\"cid:{stranger}\"")) && one.body.contains("cid:1@mail"), "{}", one.body);
    }

    #[test]
    fn a_picture_that_is_listed_too_is_one_file() {
        let mut one = comment("7", &format!("<img data-id=\"8001\" src=\"{INLINE}\">"), "2020-01-01T00:00:00Z");
        let listed = json!({"id": "8001", "name": "a.png", "source": "fresh:comment:/tickets/1/conversations#8001"});
        one.attachments.push(serde_json::from_value(listed).unwrap());
        pictures(&mut one);
        assert_eq!(one.attachments.len(), 1);
        assert!(one.attachments[0].inline && one.body.contains("src=\"cid:8001@inline\""), "{}", one.body);
    }

    fn chat(description: &str, said: &str) -> Ticket {
        let comments = vec![
            comment(DESCRIPTION, "<div>hello</div>", "2020-01-01T00:00:00Z"),
            comment("9", "<p>hello</p>", "2020-01-01T00:00:02Z"),
            comment("8", "<p>later</p>", "2020-01-01T00:01:00Z"),
        ];
        let mut ticket = Ticket { comments, ..Ticket::default() };
        let file = json!({"id": "5", "name": "a.txt", "source": "fresh:attachment:/tickets/1#5"});
        ticket.comments[0].attachments.push(serde_json::from_value(file).unwrap());
        let rows = vec![json!({"id": 8, "body_text": "later"}), json!({"id": 9, "body_text": said})];
        said_once(&mut ticket, &json!({"description_text": description}), &ChildRows::from([("comment".into(), rows)]));
        ticket
    }

    #[test]
    fn the_first_message_of_a_web_chat_is_said_once_and_its_files_stay() {
        let ticket = chat("hello\n", "hello");
        let ids: Vec<_> = ticket.comments.iter().map(|c| (c.id.as_str(), c.attachments.len())).collect();
        assert_eq!(ids, [("9", 1), ("8", 0)]);
        assert_eq!(chat("hello, it is me", "hello").comments.len(), 3, "another text is another message");
    }

    #[test]
    fn an_archived_ticket_has_addresses_of_its_own() {
        let at = |root: Value| Freshdesk.address("/tickets/7/conversations".into(), &root);
        assert_eq!(at(json!({"archived": true})), "/tickets/archived/7/conversations");
        assert_eq!(at(json!({"archived": false})), "/tickets/7/conversations");
        let gone = Freshdesk.elsewhere("/tickets/7/conversations");
        assert_eq!(gone.as_deref(), Some("/tickets/archived/7/conversations"), "archived since it was listed");
        assert_eq!(Freshdesk.elsewhere("/tickets/archived/7"), None);
        assert_eq!(Freshdesk.address("/contacts".into(), &json!({"archived": true})), "/contacts");
    }
}
