//! Where a stream of several listings stands.

/// Where a stream of several listings stands: `PART|CURSOR`, and behind it the bookmark of the first one.
#[derive(Default)]
pub(super) struct Walk<'a> {
    pub part: usize,
    pub cursor: Option<&'a str>,
    pub bookmark: Option<&'a str>,
}

/// Stands before the bookmark: no cursor has it.
const BOOKMARK: char = '\u{1f}';

impl<'a> Walk<'a> {
    pub fn parse(text: &'a str) -> Self {
        let (part, rest) = text.split_once('|').unwrap_or(("0", ""));
        let (cursor, bookmark) = rest.split_once(BOOKMARK).map_or((rest, None), |(c, bookmark)| (c, Some(bookmark)));
        Walk { part: part.parse().unwrap_or(0), cursor: Some(cursor).filter(|c| !c.is_empty()), bookmark }
    }

    pub fn write(&self) -> String {
        let bookmark = self.bookmark.map(|bookmark| format!("{BOOKMARK}{bookmark}")).unwrap_or_default();
        format!("{}|{}{bookmark}", self.part, self.cursor.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bookmark_of_the_first_listing_outlives_those_after_it() {
        let ended = Walk { part: 1, cursor: None, bookmark: Some("MTY|0||7|") };
        let there = ended.write();
        let Walk { part, cursor, bookmark } = Walk::parse(&there);
        assert_eq!((part, cursor, bookmark), (1, None, Some("MTY|0||7|")));
        let later = Walk { part: 1, cursor: Some("x"), bookmark }.write();
        assert_eq!(Walk::parse(&later).cursor, Some("x"));
        let from = Walk { part: 0, cursor: bookmark, bookmark: None }.write();
        assert_eq!((Walk::parse(&from).part, Walk::parse(&from).cursor), (0, Some("MTY|0||7|")));
    }
}
