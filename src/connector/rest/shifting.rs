//! Walks lists whose rows change their place meanwhile, by numbered pages, and loses none.
//!
//! A row that leaves the part already read moves all later ones up, and the first of the next page into the one before. So a page
//! is asked for in such a size that it begins with the last rows of the one before: where these are there, nothing moved that
//! was not read; where they are not, the walk goes back until they are. A row read twice is one in the stage.

use crate::error::{Problem, Reason, Result};
use crate::expr;
use serde_json::Value;

/// Ids remembered of the end of a page: one of them may itself be what moved.
const REMEMBERED: usize = 3;

/// How far a walk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Rows of the list that were read.
    pub offset: u64,
    /// The last of them, by id.
    pub last: Vec<String>,
}

impl Place {
    pub fn parse(text: &str) -> Option<Self> {
        let (offset, last) = text.split_once(';')?;
        let last = last.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Some(Self { offset: offset.parse().ok()?, last })
    }

    pub fn write(&self) -> String {
        format!("{};{}", self.offset, self.last.join(","))
    }

    /// Number and size of the page to ask for: of those of at most `most` rows that begin before the offset and reach beyond it, the
    /// one that reaches farthest.
    pub fn page(&self, most: u64) -> (u64, u64) {
        if self.offset == 0 {
            return (1, most);
        }
        let within = |size: &u64| !self.offset.is_multiple_of(*size);
        let reach = |size: &u64| size - self.offset % size;
        let size = (2..=most).filter(within).max_by_key(reach).unwrap_or(most);
        (self.offset / size + 1, size)
    }

    /// The place after a page that was asked for from here; none when it was the last. `id` is the path of what tells rows apart.
    ///
    /// Errors: `bad_answer` when a row has no id.
    pub fn after(&self, rows: &[Value], most: u64, id: &str) -> Result<Option<Place>> {
        let (number, size) = self.page(most);
        let ids = rows.iter().map(|row| text(expr::path(row, id))).collect::<Option<Vec<_>>>();
        let ids = ids.ok_or_else(|| Problem::new(Reason::BadAnswer, format!("a row has no `{id}`")))?;
        let is_seam = self.offset.is_multiple_of(size) || self.last.iter().any(|last| ids.contains(last));
        if !is_seam {
            return Ok(Some(Place { offset: self.offset.saturating_sub(most), last: self.last.clone() }));
        }
        let count = ids.len() as u64;
        let last = ids.iter().rev().take(REMEMBERED).cloned().collect();
        Ok((count >= size).then(|| Place { offset: (number - 1) * size + count, last }))
    }
}

fn text(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| expr::plain(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn pages_overlap_and_reach_as_far_as_they_can() {
        let at = |offset| Place { offset, last: vec![] }.page(100);
        assert_eq!(at(0), (1, 100));
        assert_eq!(at(100), (2, 99));
        assert_eq!(at(198), (3, 98));
        for offset in 1..40_000 {
            let (number, size) = at(offset);
            let begins = (number - 1) * size;
            assert!(begins < offset && begins + size > offset && size <= 100, "{offset}: page {number} of {size}");
        }
    }

    #[test]
    fn a_place_survives_the_stage() {
        let place = Place { offset: 198, last: vec!["7".into(), "9".into()] };
        assert_eq!(Place::parse(&place.write()), Some(place));
        assert_eq!(Place::parse("2020-01-01T00:00:00Z"), None);
    }

    /// A list that is edited between pages: what is read of it, and what was there from the beginning to the end.
    fn walked(rows: u64, edits: &[(usize, bool)]) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let mut list: Vec<u64> = (0..rows).collect();
        let mut stayed: BTreeSet<u64> = list.iter().copied().collect();
        let (mut seen, mut place, mut edits) = (BTreeSet::new(), Some(Place::default()), edits.iter());
        while let Some(here) = place {
            let (number, size) = here.page(7);
            let from = ((number - 1) * size) as usize;
            let page: Vec<Value> = list.iter().skip(from).take(size as usize).map(|id| json!({ "id": id })).collect();
            seen.extend(page.iter().map(|row| row["id"].as_u64().unwrap()));
            place = here.after(&page, 7, ".id").unwrap();
            if let Some((at, gone)) = edits.next()
                && !list.is_empty()
            {
                let row = list.remove(at % list.len());
                if *gone {
                    stayed.remove(&row);
                } else {
                    list.push(row);
                }
            }
        }
        (seen, stayed)
    }

    proptest! {
        #[test]
        fn a_row_that_stays_is_read_whatever_moves_around_it(rows in 0u64..120, edits in prop::collection::vec((any::<usize>(), any::<bool>()), 0..60)) {
            let (seen, stayed) = walked(rows, &edits);
            prop_assert!(stayed.is_subset(&seen), "{:?}", stayed.difference(&seen).collect::<Vec<_>>());
        }
    }

    #[test]
    fn walking_by_number_alone_would_lose_a_row() {
        let mut list: Vec<u64> = (0..20).collect();
        let first: Vec<u64> = list[..7].to_vec();
        list.remove(2);
        let second: Vec<u64> = list[7..14].to_vec();
        assert!(!first.contains(&7) && !second.contains(&7), "the test's premise");
        assert!(walked(20, &[(2, true)]).0.contains(&7));
    }
}
