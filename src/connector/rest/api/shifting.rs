//! Walks lists whose rows change their place meanwhile, and loses none.
//!
//! A row that leaves the part already read moves all later ones up, and the first of the next page into the one before. So a page
//! is asked for in such a way that it begins with the last rows of the one before: where these are there, nothing moved that
//! was not read; where they are not, the walk goes back until they are. It goes back as well where a page shows nothing that is
//! new and is not the last, and looks again where the list ends with fewer rows than it counted before. A row read twice is one
//! in the stage. A list that does not get on is an error.

use super::ends::cut;
use crate::error::{Problem, Reason, Result};
use crate::expr;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Ids remembered of the end of a page: one of them may itself be what moved.
const REMEMBERED: usize = 3;
/// Looks that bring the walk no further, before the list is given up.
const MOST_LOOKS: u64 = 30;
/// Looks that go back by one page; later ones begin the list anew.
const BY_PAGES: u64 = 4;

/// How far a walk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Rows of the list that were read.
    pub offset: u64,
    /// The last of them, by id.
    pub last: Vec<String>,
    /// Looks since the walk was as far as `far`.
    looks: u64,
    far: u64,
    /// Rows the list counted; 0 where it does not.
    total: u64,
    /// Rows in the platform's largest page, where it is smaller than what was asked for; else 0.
    page: u64,
}

/// A page that was asked for from a place.
pub struct Shown<'a> {
    pub rows: &'a [Value],
    /// Path of what tells rows apart.
    pub id: &'a str,
    /// Rows of the list before it.
    pub begins: u64,
    /// Rows it has if it is not the last.
    pub size: u64,
    /// Rows of all pages together.
    pub total: Option<u64>,
}

impl Place {
    /// Where nothing tells rows apart.
    pub fn at(offset: u64) -> Self {
        Self { offset, ..Self::default() }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';');
        let offset = parts.next()?.parse().ok()?;
        let last = parts.next()?.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        let mut number = |or| parts.next().map_or(Some(or), |part| part.parse().ok());
        Some(Self { offset, last, looks: number(0)?, far: number(offset)?, total: number(0)?, page: number(0)? })
    }

    pub fn write(&self) -> String {
        let Self { offset, last, looks, far, total, page } = self;
        let last = last.join(",");
        match looks + (far - offset.min(far)) + total + page {
            0 => format!("{offset};{last}"),
            _ => format!("{offset};{last};{looks};{far};{total};{page}"),
        }
    }

    /// Rows of the largest page, of at most so many.
    pub fn most(&self, asked: u64) -> u64 {
        if self.page == 0 { asked } else { self.page.min(asked) }
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

    /// Where the page to ask for begins, where it may begin anywhere.
    pub fn begins(&self) -> u64 {
        self.offset.saturating_sub(self.last.len() as u64)
    }

    /// The place after a page that was asked for from here; none when it was the last.
    ///
    /// Errors: `bad_answer` when a row has no id, and when many looks in a row brought the walk no further.
    pub fn after(&self, shown: &Shown<'_>) -> Result<Option<Place>> {
        let ids = shown.ids()?;
        let overlaps = shown.begins < self.offset && !self.last.is_empty();
        // One of them may itself have moved further back: what stands behind the first of them is looked at.
        let seam = ids.iter().position(|id| self.last.contains(id));
        if overlaps && seam.is_none() {
            return self.back(shown).map(Some);
        }
        let count = ids.len() as u64;
        let reached = shown.begins + count;
        let is_last = shown.total.map_or(count < shown.size, |total| reached >= total);
        if is_last {
            let fell = shown.total.filter(|total| *total < self.total);
            let again = fell.map(|total| Ok(Place { total, last: vec![], ..self.back(shown)? }));
            return again.transpose();
        }
        let has_new =
            if overlaps { ids.iter().skip(seam.unwrap_or(0)).any(|id| !self.last.contains(id)) } else { count > 0 };
        if !has_new {
            return self.back(shown).map(Some);
        }
        Ok(Some(Place {
            offset: reached,
            // A page that begins with them has to show more than them.
            last: ids.into_iter().rev().take(REMEMBERED.min(count as usize - 1)).collect(),
            looks: if reached > self.far { 0 } else { self.looks },
            far: self.far.max(reached),
            total: self.total.max(shown.total.unwrap_or(0)),
            page: self.page,
        }))
    }

    /// The place after a first page of fewer rows than were asked for, on which the platform says that there is more: its pages are
    /// smaller, and where they begin follows from their own size.
    pub fn after_smaller(&self, shown: &Shown<'_>) -> Result<Option<Place>> {
        let size = shown.rows.len() as u64;
        let place = self.after(&Shown { size, ..*shown })?;
        Ok(place.map(|place| Place { page: size, ..place }))
    }

    fn back(&self, shown: &Shown<'_>) -> Result<Place> {
        let looks = self.looks + 1;
        if looks > MOST_LOOKS {
            let what = match shown.total {
                Some(total) => format!("the list counts {total} rows, and shows none after the first {}", self.far),
                None => {
                    format!("the list shows no row after the first {}, and does not say that it ends there", self.far)
                }
            };
            return Err(cut(what));
        }
        let offset = if looks > BY_PAGES { 0 } else { self.offset.saturating_sub(shown.size) };
        Ok(Place { offset, looks, ..self.clone() })
    }
}

impl Shown<'_> {
    fn ids(&self) -> Result<Vec<String>> {
        let ids = self.rows.iter().map(|row| tag(expr::path(row, self.id))).collect::<Option<Vec<_>>>();
        ids.ok_or_else(|| Problem::new(Reason::BadAnswer, format!("a row has no `{}`", self.id)))
    }
}

/// An id as it stands in a cursor; one that has signs of its own in it by its print.
pub fn tag(id: &Value) -> Option<String> {
    if id.is_null() {
        return None;
    }
    let id = expr::plain(id);
    let is_plain =
        !id.is_empty() && id.len() <= 40 && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@".contains(c));
    Some(if is_plain { id } else { format!("~{:x}", print(&id)) })
}

pub fn print(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn pages_overlap_and_reach_as_far_as_they_can() {
        let at = |offset| Place { offset, ..Place::default() }.page(100);
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
        let place = Place { offset: 198, last: vec!["7".into(), "9".into()], far: 198, ..Place::default() };
        assert_eq!(place.write(), "198;7,9");
        for place in [Place { looks: 2, far: 250, total: 300, page: 50, ..place.clone() }, place] {
            assert_eq!(Place::parse(&place.write()), Some(place));
        }
        assert_eq!(Place::parse("2020-01-01T00:00:00Z"), None);
    }

    fn shown(rows: &[Value], begins: u64, size: u64, total: Option<u64>) -> Shown<'_> {
        Shown { rows, id: ".id", begins, size, total }
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
            place = here.after(&shown(&page, from as u64, size, None)).unwrap();
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

    /// Rows of a list that answers `ask(begins, size)` with rows and their number, asked for by offsets.
    fn by_offset(mut ask: impl FnMut(u64) -> (Vec<u64>, u64)) -> Result<BTreeSet<u64>> {
        let (mut seen, mut place, mut calls) = (BTreeSet::new(), Some(Place::default()), 0);
        while let Some(here) = place {
            let (ids, total) = ask(here.begins());
            let page: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
            seen.extend(ids);
            place = here.after(&shown(&page, here.begins(), 10, Some(total)))?;
            calls += 1;
            assert!(calls < 100, "the walk does not end");
        }
        Ok(seen)
    }

    fn cut_of(list: &[u64], begins: u64, size: usize) -> Vec<u64> {
        list.iter().skip(begins as usize).take(size).copied().collect()
    }

    #[test]
    fn a_list_by_offsets_is_read_in_whatever_pages_it_comes() {
        let list: Vec<u64> = (0..25).collect();
        for size in [1, 2, 3, 4, 7, 10] {
            let read = by_offset(|begins| (cut_of(&list, begins, size), 25)).unwrap();
            assert_eq!(read.len(), 25, "pages of {size}");
        }
    }

    #[test]
    fn a_row_that_moves_over_the_seam_of_two_offsets_is_read() {
        let (mut list, mut calls) = ((0..25).collect::<Vec<u64>>(), 0);
        let read = by_offset(|begins| {
            let page = cut_of(&list, begins, 10);
            calls += 1;
            if calls == 1 {
                list.drain(2..7);
            }
            (page, list.len() as u64)
        });
        assert_eq!(read.unwrap().len(), 25);
    }

    #[test]
    fn a_list_whose_pages_are_all_the_first_one_is_no_list() {
        let list: Vec<u64> = (0..25).collect();
        let problem = by_offset(|_| (cut_of(&list, 0, 10), 25)).unwrap_err();
        assert_eq!(problem.what, "the list counts 25 rows, and shows none after the first 10");
    }

    #[test]
    fn a_list_that_ends_before_all_it_counted_is_looked_at_again() {
        let list: Vec<u64> = (0..25).collect();
        let (mut calls, mut lost) = (0, 0);
        let read = by_offset(|begins| {
            calls += 1;
            if calls == 2 { (vec![], 0) } else { (cut_of(&list, begins, 10), 25) }
        });
        assert_eq!(read.unwrap().len(), 25, "an empty page, once");
        let problem =
            by_offset(|begins| if begins > 0 { (vec![], 0) } else { (cut_of(&list, 0, 10), 25) }).unwrap_err();
        assert_eq!(problem.reason, Reason::BadAnswer);
        let read = by_offset(|begins| {
            lost += 1;
            let total = if lost == 2 { 17 } else { 25 };
            (cut_of(&list[..total as usize], begins, 10), total)
        });
        assert_eq!(read.unwrap().len(), 25, "a page that shows and counts less than there is, once");
    }

    #[test]
    fn pages_that_are_smaller_than_asked_are_walked_by_their_own_size() {
        let list: Vec<u64> = (0..25).collect();
        let (mut seen, mut place, mut calls) = (BTreeSet::new(), Some(Place::default()), 0);
        while let Some(here) = place {
            let (number, size) = here.page(here.most(10));
            let (size, asked) = (size.min(4), size);
            let begins = (number - 1) * size;
            let page: Vec<Value> = cut_of(&list, begins, size as usize).iter().map(|id| json!({ "id": id })).collect();
            seen.extend(page.iter().map(|row| row["id"].as_u64().unwrap()));
            let shown = shown(&page, (number - 1) * asked, asked, None);
            let is_smaller = (page.len() as u64) < asked && begins + size < 25;
            place = if is_smaller { here.after_smaller(&shown) } else { here.after(&shown) }.unwrap();
            calls += 1;
            assert!(calls < 50);
        }
        assert_eq!(seen.len(), 25);
    }

    #[test]
    fn an_id_with_signs_of_a_cursor_in_it_stands_there_by_its_print() {
        assert_eq!(tag(&json!(17)), Some("17".into()));
        assert_eq!(tag(&json!(null)), None);
        for odd in ["a,b", "a;b", "a|b", ""] {
            let tag = tag(&json!(odd)).unwrap();
            assert!(tag.starts_with('~') && !tag.contains([',', ';', '|']), "{tag}");
        }
    }
}
