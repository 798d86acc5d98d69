//! What a platform holds and no record carries: counted once, and told.

use super::Rest;
use super::read::{Above, Listed};
use crate::connector::manifest::Left;
use crate::error::{Reason, Result};

/// Pages that are counted; of more it is told that there are more.
const MOST_PAGES: usize = 20;

impl Rest {
    /// Tells how many things of each kind stay where they are. What the account does not have, or does not show, is nothing to tell.
    pub(super) async fn tell_left(&self) -> Result<()> {
        for left in self.manifest.left.values() {
            let (many, whole) = match self.count_left(left).await {
                Ok(counted) => counted,
                Err(problem) if matches!(problem.reason, Reason::Forbidden | Reason::NotFound) => continue,
                // What is only counted stops nobody.
                Err(problem) if problem.reason == Reason::BadAnswer => {
                    self.note(format!("the {} of the source could not be counted: {}", left.what, problem.what));
                    continue;
                }
                Err(problem) => return Err(problem),
            };
            if many > 0 {
                let at_least = if whole { "" } else { "more than " };
                self.note(format!("the source has {at_least}{many} {}: they are not carried", left.what));
            }
        }
        Ok(())
    }

    /// How many there are, and whether that is all.
    async fn count_left(&self, left: &Left) -> Result<(u64, bool)> {
        let (mut many, mut cursor) = (0, None);
        for _ in 0..MOST_PAGES {
            let leaf = self.one_page(&left.what, &Listed::from(left), Above::NONE, cursor.as_deref(), None).await?;
            for row in &leaf.rows {
                many += match &left.count {
                    Some(count) => count.eval(&self.scope(row))?.as_u64().unwrap_or(0),
                    None => 1,
                };
            }
            match leaf.next {
                Some(next) => cursor = Some(next),
                None => return Ok((many, true)),
            }
        }
        Ok((many, false))
    }
}
