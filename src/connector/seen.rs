//! What the target listed of one record's children while that record is worked on: each listing is asked for once, however many
//! steps are looked for in it.
//!
//! It never decides how long a listing may be believed: it says when the oldest was asked for, and forgets on demand.

use crate::error::Result;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The children of one sort: id and normalised text of each, and its row where the listing has rows.
#[derive(Debug, Default)]
pub struct Listing {
    pub ids: Vec<String>,
    pub texts: Vec<String>,
    pub rows: Vec<Value>,
}

/// The listings of one record by the section of the manifest they belong to.
#[derive(Debug, Default)]
pub struct Seen(Mutex<HashMap<String, (Instant, Arc<Listing>)>>);

impl Seen {
    fn listings(&self) -> MutexGuard<'_, HashMap<String, (Instant, Arc<Listing>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
}
