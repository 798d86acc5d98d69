//! What the target listed of one record's children while that record is worked on: each listing is asked for once, however many
//! steps are looked for in it.
//!
//! It never decides how long a listing may be believed: it says when the oldest was asked for, and forgets on demand.

use super::plan::Step;
use crate::error::Result;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The children of one sort: id, normalised text and visibility of each, and its row where the listing has rows.
#[derive(Debug, Default)]
pub struct Listing {
    pub ids: Vec<String>,
    pub texts: Vec<String>,
    /// Whether each is private, where the listing tells.
    pub privates: Vec<Option<bool>>,
    pub rows: Vec<Value>,
}

/// Among what a step is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Among<'a> {
    /// Other append steps of the record that are known to be applied, in its order.
    pub done: &'a [&'a Step],
    /// Others that are looked for as well: as many of one text as the target may hold.
    pub open: &'a [&'a Step],
    /// Nothing of the record is stamped earlier by the vendor's clock.
    pub since: Timestamp,
    /// What was listed of the record's children, which is not asked for again.
    pub seen: &'a Seen,
}

/// The listings of one record by the section of the manifest they belong to.
#[derive(Debug, Default)]
pub struct Seen {
    now: Mutex<HashMap<String, (Instant, Arc<Listing>)>>,
    /// The most rows that each ever had.
    most: Mutex<HashMap<String, usize>>,
}

impl Seen {
    fn listings(&self) -> MutexGuard<'_, HashMap<String, (Instant, Arc<Listing>)>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn longest(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.most.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most rows that the listing of this section ever had, whatever was forgotten since.
    pub fn most(&self, section: &str) -> usize {
        self.longest().get(section).copied().unwrap_or_default()
    }

    /// When the listing of this section was asked for; none where it has to be asked for first.
    pub fn asked(&self, section: &str) -> Option<Instant> {
        self.listings().get(section).map(|(asked, _)| *asked)
    }

    /// Whatever was listed may be out of date.
    pub fn forget(&self) {
        self.listings().clear();
    }

    /// The listing of a section, asked for by `list` where it is not here yet.
    pub async fn or_list(&self, section: &str, list: impl Future<Output = Result<Listing>>) -> Result<Arc<Listing>> {
        if let Some((_, listing)) = self.listings().get(section) {
            return Ok(listing.clone());
        }
        let (asked, listing) = (Instant::now(), Arc::new(list.await?));
        self.listings().insert(section.to_owned(), (asked, listing.clone()));
        let (mut longest, rows) = (self.longest(), listing.ids.len());
        longest.entry(section.to_owned()).and_modify(|most| *most = rows.max(*most)).or_insert(rows);
        Ok(listing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_listing_is_asked_for_once_until_it_is_forgotten() {
        let (seen, calls) = (Seen::default(), AtomicU32::new(0));
        let list = || async {
            calls.fetch_add(1, Ordering::Relaxed);
            Ok(Listing::default())
        };
        assert_eq!(seen.asked("comment"), None);
        for _ in 0..3 {
            seen.or_list("comment", list()).await.unwrap();
        }
        assert!(seen.asked("comment").is_some() && seen.asked("rating").is_none());
        seen.forget();
        seen.or_list("comment", list()).await.unwrap();
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn the_most_that_was_ever_listed_stays_known() {
        let seen = Seen::default();
        for rows in [1, 3, 0] {
            seen.forget();
            let ids = (0..rows).map(|n: usize| n.to_string()).collect();
            seen.or_list("comment", async { Ok(Listing { ids, ..Listing::default() }) }).await.unwrap();
        }
        assert_eq!((seen.most("comment"), seen.most("rating")), (3, 0));
    }
}
