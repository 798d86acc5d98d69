//! Keeps walks through the pages of a listing from going round for ever, and holds all rows of those that are read at once.

use super::ends::cut;
use super::listed::{Above, Listed};
use super::shifting::{print, tag};
use crate::connector::rest::Rest;
use crate::connector::rest::read::pages::Leaf;
use crate::error::Result;
use crate::expr;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

/// The pages a walk went through, as prints.
#[derive(Default)]
pub(crate) struct Steps {
    /// The page that comes next.
    next: Option<u64>,
    /// All that were named.
    named: HashSet<u64>,
    /// The rows of the one before.
    rows: Option<u64>,
}

impl Steps {
    /// Notes a page that was asked for at a cursor.
    ///
    /// Errors: `bad_answer` when it names one as the next that was there before, and when it has the rows of the page before it.
    pub fn went(&mut self, asked: Option<&str>, leaf: &Leaf) -> Result<()> {
        if asked.map(|cursor| print(&cursor)) != self.next || asked.is_none() {
            *self = Self::default();
        }
        let Some(next) = leaf.next.as_deref().map(|next| print(&next)) else {
            *self = Self::default();
            return Ok(());
        };
        if !self.named.insert(next) {
            return Err(cut("a page names one as the next that was read before it"));
        }
        if leaf.print.is_some() && leaf.print == self.rows {
            return Err(cut("a page shows the rows of the one before it again"));
        }
        (self.next, self.rows) = (Some(next), leaf.print);
        Ok(())
    }
}

/// All rows of a listing, page by page. One that stands on two pages is one.
#[derive(Default)]
pub(crate) struct Collected {
    rows: Vec<Value>,
    places: HashMap<String, usize>,
    steps: Steps,
}

impl Collected {
    /// Takes a page; gives the cursor of the next.
    pub fn take(&mut self, asked: Option<&str>, leaf: Leaf) -> Result<Option<String>> {
        self.steps.went(asked, &leaf)?;
        for row in leaf.rows {
            let id = leaf.id.as_deref().and_then(|id| tag(expr::path(&row, id)));
            match id.map(|id| (self.places.get(&id).copied(), id)) {
                // It was asked for later, and may have changed meanwhile.
                Some((Some(at), _)) => self.rows[at] = row,
                Some((None, id)) => {
                    self.places.insert(id, self.rows.len());
                    self.rows.push(row);
                }
                None => self.rows.push(row),
            }
        }
        Ok(leaf.next)
    }

    pub fn into_rows(self) -> Vec<Value> {
        self.rows
    }
}

impl Rest {
    /// All rows of one listing.
    pub(crate) async fn all_rows(&self, name: &str, listed: &Listed<'_>, above: Above<'_>) -> Result<Vec<Value>> {
        self.first_rows(name, listed, above, usize::MAX).await.map(|(rows, _)| rows)
    }

    /// The rows of the first pages of a listing, and whether they are all.
    pub(crate) async fn first_rows(
        &self,
        name: &str,
        listed: &Listed<'_>,
        above: Above<'_>,
        pages: usize,
    ) -> Result<(Vec<Value>, bool)> {
        let (mut all, mut cursor) = (Collected::default(), None::<String>);
        for _ in 0..pages {
            let leaf = self.one_page(name, listed, above, cursor.as_deref(), None).await?;
            cursor = all.take(cursor.as_deref(), leaf).map_err(|p| p.at(format!("reading {name}")))?;
            if cursor.is_none() {
                return Ok((all.into_rows(), true));
            }
        }
        Ok((all.into_rows(), false))
    }

    /// Notes a page of a listing whose pages are asked for one by one.
    pub(crate) fn went(&self, name: &str, asked: Option<&str>, leaf: &Leaf) -> Result<()> {
        let mut walks = self.walks.lock().unwrap_or_else(PoisonError::into_inner);
        let went = walks.entry(name.to_owned()).or_default().went(asked, leaf);
        went.map_err(|problem| problem.at(format!("reading {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn leaf(next: Option<&str>, ids: &[u64]) -> Leaf {
        let rows: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        Leaf { next: next.map(str::to_owned), rows, id: Some(".id".into()), ..Leaf::default() }
    }

    #[test]
    fn a_walk_that_comes_back_to_a_page_is_an_error() {
        let mut steps = Steps::default();
        steps.went(None, &leaf(Some("2"), &[])).unwrap();
        steps.went(Some("2"), &leaf(Some("1"), &[])).unwrap();
        assert!(steps.went(Some("1"), &leaf(Some("2"), &[])).is_err());
    }

    #[test]
    fn a_page_that_is_asked_for_again_and_a_walk_that_begins_anew_are_none() {
        let mut steps = Steps::default();
        for _ in 0..2 {
            steps.went(None, &leaf(Some("2"), &[])).unwrap();
            steps.went(Some("2"), &leaf(Some("3"), &[])).unwrap();
            steps.went(Some("2"), &leaf(Some("3"), &[])).unwrap();
        }
        steps.went(Some("3"), &leaf(None, &[])).unwrap();
        steps.went(Some("2"), &leaf(Some("3"), &[])).unwrap();
    }

    #[test]
    fn a_page_with_the_rows_of_the_one_before_it_is_an_error_whatever_comes_next() {
        let mut steps = Steps::default();
        let shown = |next| Leaf { print: Some(7), ..leaf(Some(next), &[]) };
        steps.went(None, &shown("2")).unwrap();
        assert!(steps.went(Some("2"), &shown("3")).is_err());
    }

    #[test]
    fn a_row_on_two_pages_is_one_as_it_was_last() {
        let mut all = Collected::default();
        assert_eq!(all.take(None, leaf(Some("2"), &[1, 2, 3])).unwrap().as_deref(), Some("2"));
        let mut second = leaf(None, &[3, 4]);
        second.rows[0]["text"] = "new".into();
        assert_eq!(all.take(Some("2"), second).unwrap(), None);
        let rows = all.into_rows();
        assert_eq!(rows.iter().map(|row| row["id"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(rows[2]["text"], "new");
    }
}
