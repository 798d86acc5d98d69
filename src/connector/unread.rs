//! Lists of a stream that were refused: they have no watermark, and the next run reads them whole, whatever it asks of the others.
//!
//! They stand behind the cursor and the bookmark of a walk, so that they last as long as those do.

use jiff::Timestamp;
use std::collections::BTreeSet;

/// Stands before the numbers of the lists: no cursor has it.
const UNREAD: char = '\u{1e}';

/// The lists of a stream that no run has read to their end, by their place among all of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread(BTreeSet<usize>);

impl Unread {
    /// A cursor, and the lists behind it.
    pub fn split(text: Option<&str>) -> (Option<&str>, Self) {
        let Some((cursor, lists)) = text.and_then(|text| text.split_once(UNREAD)) else {
            return (text, Self::default());
        };
        let lists = lists.split(',').filter_map(|list| list.parse().ok()).collect();
        (Some(cursor).filter(|cursor| !cursor.is_empty()), Unread(lists))
    }

    /// Whether a bookmark says that a list was refused.
    pub fn is_behind(bookmark: &str) -> bool {
        bookmark.contains(UNREAD)
    }

    /// The time a list is asked from; none for one that was never read.
    pub fn since(&self, list: usize, since: Option<Timestamp>) -> Option<Timestamp> {
        since.filter(|_| !self.0.contains(&list))
    }

    /// Notes a page of a list: whether it was refused, and whether it was the last.
    pub fn went(&mut self, list: usize, refused: bool, ended: bool) {
        if refused {
            self.0.insert(list);
        } else if ended {
            self.0.remove(&list);
        }
    }

    /// A cursor with the lists behind it.
    pub fn behind(&self, cursor: String) -> String {
        if self.0.is_empty() {
            return cursor;
        }
        let lists: Vec<String> = self.0.iter().map(usize::to_string).collect();
        format!("{cursor}{UNREAD}{}", lists.join(","))
    }

    /// A bookmark with the lists behind it; there is one where a list was refused.
    pub fn behind_bookmark(&self, bookmark: Option<String>) -> Option<String> {
        match bookmark {
            None if self.0.is_empty() => None,
            bookmark => Some(self.behind(bookmark.unwrap_or_default())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_was_refused_is_asked_for_whole_until_it_was_read() {
        let (at, mut unread) = (Some(Timestamp::UNIX_EPOCH), Unread::default());
        assert_eq!((unread.behind_bookmark(None), unread.behind("c".into())), (None, "c".into()));
        unread.went(3, true, true);
        unread.went(1, true, true);
        let bookmark = unread.behind_bookmark(None).unwrap();
        assert!(Unread::is_behind(&bookmark) && !Unread::is_behind("MTY|0||7|"));
        let (cursor, later) = Unread::split(Some(&bookmark));
        assert_eq!((cursor, &later), (None, &unread));
        assert_eq!((later.since(3, at), later.since(2, at)), (None, at));
        let text = unread.behind("2|x".into());
        assert_eq!(Unread::split(Some(&text)).0, Some("2|x"));
        unread.went(3, false, false);
        assert_eq!(unread.since(3, at), None, "in the midst of it");
        unread.went(3, false, true);
        unread.went(1, false, true);
        assert_eq!(unread, Unread::default());
    }
}
