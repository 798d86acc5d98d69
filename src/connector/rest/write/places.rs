//! Which of the target's messages are ours: by the id that is known, else by the text, wherever the target puts it.
//!
//! Targets list messages by time, newest first, or as they came; a message that came late may stand before one that was there. So the order
//! of ours only decides between messages of one text.

/// A message of ours: its id in the target, where it is known, and the texts by which it may be found, normalised.
pub(super) struct Ours {
    pub id: Option<String>,
    pub texts: Vec<String>,
}

/// For each of ours, the place of the message that holds it among those of these ids and texts; no place twice.
pub(crate) fn of(ours: &[Ours], ids: &[String], texts: &[String]) -> Vec<Option<usize>> {
    let by_id = |one: &Ours| ids.iter().position(|id| !id.is_empty() && one.id.as_ref() == Some(id));
    let mut known: Vec<Option<usize>> = Vec::with_capacity(ours.len());
    for one in ours {
        let at = by_id(one).filter(|at| !known.contains(&Some(*at)));
        known.push(at);
    }
    let mut taken: Vec<bool> = (0..texts.len()).map(|at| known.contains(&Some(at))).collect();
    let mut from = 0;
    let mut places = Vec::with_capacity(ours.len());
    for (one, known) in ours.iter().zip(known) {
        let free = |at: &usize| !taken[*at] && one.texts.contains(&texts[*at]);
        let at = known.or_else(|| (from..texts.len()).find(free)).or_else(|| (0..from).find(free));
        if let Some(at) = at {
            taken[at] = true;
            from = from.max(at + 1);
        }
        places.push(at);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(messages: &[(Option<&str>, &str)]) -> Vec<Ours> {
        messages.iter().map(|(id, text)| Ours { id: id.map(str::to_owned), texts: vec![(*text).to_owned()] }).collect()
    }

    fn there(messages: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        messages.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).unzip()
    }

    #[test]
    fn messages_are_found_in_whatever_order_they_are_listed() {
        let (ids, texts) = there(&[("3", "three"), ("2", "two"), ("1", "one")]);
        assert_eq!(
            of(&ours(&[(None, "one"), (None, "two"), (None, "three")]), &ids, &texts),
            [Some(2), Some(1), Some(0)]
        );
    }

    #[test]
    fn an_id_that_is_known_goes_before_the_text_and_is_given_to_nobody_else() {
        let (ids, texts) = there(&[("1", "ok"), ("2", "ok")]);
        assert_eq!(of(&ours(&[(None, "ok"), (Some("1"), "ok")]), &ids, &texts), [Some(1), Some(0)]);
        assert_eq!(of(&ours(&[(Some("1"), "edited since")]), &ids, &texts), [Some(0)]);
    }

    #[test]
    fn messages_of_one_text_are_taken_in_order_and_each_once() {
        let (ids, texts) = there(&[("1", "ok"), ("2", "why"), ("3", "ok")]);
        let found = of(&ours(&[(None, "why"), (None, "ok"), (None, "ok"), (None, "ok")]), &ids, &texts);
        assert_eq!(found, [Some(1), Some(2), Some(0), None]);
        let twice = there(&[("1", "ok")]);
        assert_eq!(
            of(&ours(&[(Some("1"), "ok"), (Some("1"), "ok")]), &twice.0, &twice.1),
            [Some(0), None],
            "one is lost"
        );
        let nameless = there(&[("", "a"), ("", "b")]);
        assert_eq!(of(&ours(&[(Some(""), "b")]), &nameless.0, &nameless.1), [Some(1)], "no id is no id");
    }
}
