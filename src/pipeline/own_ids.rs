//! Gives each part of a record an id of its own: a step is known by the part it writes, and ids of messages, files and time
//! entries begin anew or repeat in some exports.
//!
//! The first part of an id keeps it; each further one gets `ID~2`, `ID~3` …, in the order of the record. A message that stands
//! there twice, the same in everything, is one.

use crate::record::{Attachment, Body, Comment, Record, Ticket};
use std::collections::{HashMap, HashSet};

/// What had to be told apart: the first part of an id that another one has, as `message 2`.
pub type Shared = Option<String>;

/// Makes the ids of a record's parts differ.
pub fn give(record: &mut Record) -> Shared {
    match &mut record.body {
        Body::Ticket(ticket) => of_ticket(ticket),
        Body::Article(article) => of_files(article.attachments.iter_mut()),
        _ => None,
    }
}

fn of_ticket(ticket: &mut Ticket) -> Shared {
    drop_copies(ticket);
    let messages = own(ticket.comments.iter_mut().map(|comment| &mut comment.id), "message");
    let files = of_files(ticket.comments.iter_mut().flat_map(|comment| &mut comment.attachments));
    let times = own(ticket.time_entries.iter_mut().map(|entry| &mut entry.id), "time entry");
    messages.or(files).or(times)
}

/// Pages that overlap bring a message again.
fn drop_copies(ticket: &mut Ticket) {
    let mut ids = HashSet::new();
    if ticket.comments.iter().all(|comment| ids.insert(comment.id.as_str())) {
        return;
    }
    let mut whole: Vec<Comment> = Vec::with_capacity(ticket.comments.len());
    let mut alike: HashMap<blake3::Hash, Vec<usize>> = HashMap::new();
    for comment in std::mem::take(&mut ticket.comments) {
        let places = alike.entry(hash(&comment)).or_default();
        if !places.iter().any(|&at| whole[at] == comment) {
            places.push(whole.len());
            whole.push(comment);
        }
    }
    ticket.comments = whole;
}

/// The same for messages that are the same.
fn hash(comment: &Comment) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let files = comment.attachments.iter().flat_map(|file| [file.id.as_str(), file.source.as_str()]);
    for part in [comment.id.as_str(), &comment.body].into_iter().chain(files) {
        hasher.update(&part.len().to_le_bytes()).update(part.as_bytes());
    }
    let at = comment.created_at.map_or(i128::MIN, |at| at.as_nanosecond());
    hasher.update(&at.to_le_bytes()).update(format!("{:?}", comment.author).as_bytes()).finalize()
}

fn of_files<'a>(files: impl Iterator<Item = &'a mut Attachment>) -> Shared {
    own(files.map(|file| &mut file.id), "file")
}

fn own<'a>(ids: impl Iterator<Item = &'a mut String>, what: &str) -> Shared {
    let ids: Vec<&mut String> = ids.collect();
    let mut all: HashSet<String> = HashSet::with_capacity(ids.len());
    if ids.iter().all(|id| all.insert((**id).clone())) {
        return None;
    }
    all.extend(ids.iter().map(|id| (**id).clone()));
    // The number each id is given next.
    let mut numbers: HashMap<String, u64> = HashMap::new();
    let mut shared = None;
    for id in ids {
        let Some(number) = numbers.get_mut(id.as_str()) else {
            numbers.insert(id.clone(), 2);
            continue;
        };
        shared.get_or_insert_with(|| format!("{what} {id}"));
        while !all.insert(format!("{id}~{number}")) {
            *number += 1;
        }
        *id = format!("{id}~{number}");
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ticket(comments: serde_json::Value) -> Record {
        serde_json::from_value(json!({ "kind": "ticket", "id": "1", "comments": comments })).unwrap()
    }

    fn message(id: &str, body: &str, files: &[&str]) -> serde_json::Value {
        let file = |id: &&str| json!({ "id": id, "name": "a", "source": format!("s{body}{id}") });
        let files: Vec<_> = files.iter().map(file).collect();
        json!({ "id": id, "format": "text", "body": body, "attachments": files })
    }

    fn ids(record: &Record) -> Vec<String> {
        let Body::Ticket(ticket) = &record.body else { panic!("no ticket") };
        let of =
            |c: &crate::record::Comment| [vec![c.id.clone()], c.attachments.iter().map(|a| a.id.clone()).collect()];
        ticket.comments.iter().flat_map(of).flatten().collect()
    }

    #[test]
    fn messages_and_files_of_one_id_each_get_one_of_their_own_and_the_same_in_every_run() {
        let all = json!([message("2", "a", &["7"]), message("2", "b", &["7", "8"]), message("2~2", "c", &[])]);
        let mut record = ticket(all.clone());
        assert_eq!(give(&mut record).as_deref(), Some("message 2"));
        assert_eq!(ids(&record), ["2", "7", "2~3", "7~2", "8", "2~2"]);
        let mut again = ticket(all);
        give(&mut again);
        assert_eq!(ids(&again), ids(&record));
    }

    #[test]
    fn a_message_that_came_twice_is_one_and_ids_that_differ_stay() {
        let mut twice = ticket(json!([message("1", "a", &["7"]), message("2", "b", &[]), message("1", "a", &["7"])]));
        assert_eq!((give(&mut twice), ids(&twice)), (None, vec!["1".into(), "7".into(), "2".into()]));
        let mut well = ticket(json!([message("1", "a", &[]), message("A", "b", &[]), message("a", "b", &[])]));
        assert_eq!(give(&mut well), None, "ids are compared letter by letter");
    }

    #[test]
    fn ten_thousand_messages_of_one_id_take_no_longer_than_others() {
        const MANY: usize = 10_000;
        let all: Vec<_> = (0..MANY).map(|n| message("1", &format!("text {}", n / 2), &[])).collect();
        let mut record = ticket(all.into());
        let began = std::time::Instant::now();
        assert_eq!(give(&mut record).as_deref(), Some("message 1"));
        // Each beside all others is fifty million comparisons, twice: minutes.
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
        let ids = ids(&record);
        assert_eq!((ids.len(), ids[0].as_str(), ids[1].as_str()), (MANY / 2, "1", "1~2"));
        assert_eq!(ids.last().map(String::as_str), Some("1~5000"));
    }
}
