//! The order of a ticket's messages: that of their times, as people read them. Some exports list the newest first.

use super::{Body, Comment, Record};
use jiff::Timestamp;

impl Record {
    /// Puts the messages of a ticket in the order of their times. The one that opened the ticket stays the first, and one without a
    /// time stays behind the one before it.
    pub fn put_messages_in_order(&mut self) {
        let opened = self.created_at;
        let Body::Ticket(ticket) = &mut self.body else { return };
        let opens = |first: &Comment| first.created_at.is_none() || first.created_at == opened;
        let from = usize::from(ticket.comments.first().is_some_and(opens));
        let mut last = None;
        let times = ticket.comments[from..].iter().map(|message| {
            last = message.created_at.or(last);
            last
        });
        let times: Vec<Option<Timestamp>> = times.collect();
        if times.is_sorted() {
            return;
        }
        let mut timed: Vec<_> = times.into_iter().zip(ticket.comments.drain(from..)).collect();
        timed.sort_by_key(|(at, _)| *at);
        ticket.comments.extend(timed.into_iter().map(|(_, message)| message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn order(created_at: &str, messages: &[(&str, &str)]) -> Vec<String> {
        let message = |(id, at): &(&str, &str)| json!({ "id": id, "format": "text", "body": id, "created_at": (!at.is_empty()).then_some(at) });
        let messages: Vec<Value> = messages.iter().map(message).collect();
        let ticket =
            json!({ "id": "1", "kind": "ticket", "subject": "s", "created_at": created_at, "comments": messages });
        let mut record: Record = serde_json::from_value(ticket).unwrap();
        record.put_messages_in_order();
        let Body::Ticket(ticket) = record.body else { panic!("no ticket") };
        ticket.comments.into_iter().map(|message| message.id).collect()
    }

    const AT: [&str; 3] = ["2024-05-01T10:00:00Z", "2024-05-02T10:00:00Z", "2024-05-03T10:00:00Z"];

    #[test]
    fn messages_listed_newest_first_are_put_in_order() {
        assert_eq!(order(AT[0], &[("a", AT[0]), ("c", AT[2]), ("b", AT[1])]), ["a", "b", "c"]);
        assert_eq!(order("2024-01-01T00:00:00Z", &[("c", AT[2]), ("b", AT[1]), ("a", AT[0])]), ["a", "b", "c"]);
        assert_eq!(order(AT[0], &[("a", AT[0]), ("c", AT[1]), ("b", AT[1])]), ["a", "c", "b"], "of one time as listed");
    }

    #[test]
    fn what_opened_the_ticket_stays_first_and_what_has_no_time_where_it_stands() {
        assert_eq!(order(AT[2], &[("opened", AT[2]), ("chat", AT[0])]), ["opened", "chat"]);
        assert_eq!(
            order(AT[0], &[("opened", ""), ("c", AT[2]), ("after c", ""), ("b", AT[1])]),
            ["opened", "b", "c", "after c"]
        );
    }
}
