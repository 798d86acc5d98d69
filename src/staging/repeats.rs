//! Rows of one id in one listing: told from a row that is delivered twice, or that changed while the list was read.
//!
//! The later row is staged either way. Where both stand in a file, the places of all of them stay with it: nobody can say
//! which row is meant.

use crate::ledger::Fault;
use rusqlite::{Connection, OptionalExtension, params};

/// The turn of the listing in which a row came last, when it changed there, the place it has in a file, and the places of all that share its id.
pub(super) const VERSION: &str = "
ALTER TABLE item ADD COLUMN listing BIGINT;
ALTER TABLE item ADD COLUMN updated_at BIGINT;
ALTER TABLE item ADD COLUMN place TEXT;
ALTER TABLE item ADD COLUMN places TEXT;
";

/// Between two places in the stage: no file name has it in a message of ours.
const APART: char = '\n';

/// A row that came under an id that another row of its listing has.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    pub id: String,
    /// Where the rows stand, where the source has places.
    pub places: Vec<String>,
}

/// What tells a row from another of its id.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sighting {
    pub hash: String,
    /// Milliseconds; of its own change.
    pub updated_at: Option<i64>,
    pub place: Option<String>,
}

/// Whether two rows of one id in one listing can only be two: their contents differ, and they stand in two places of a file, or
/// the later one is stamped with no later change.
fn are_two(before: &Sighting, now: &Sighting) -> bool {
    if before.hash == now.hash {
        return false;
    }
    match (&before.place, &now.place) {
        (Some(before), Some(now)) => before != now,
        _ => !matches!((before.updated_at, now.updated_at), (Some(before), Some(now)) if now > before),
    }
}

/// What stands in the stage under an id that comes again, and the places noted there.
struct Staged {
    listing: Option<i64>,
    seen: Sighting,
    places: Option<String>,
}

/// The places to note for the row that replaces the one of its id; none where that is the same row.
pub(super) fn of(
    db: &Connection,
    stream: &str,
    id: &str,
    now: &Sighting,
    listing: i64,
) -> Result<Option<Vec<String>>, Fault> {
    let sql = "SELECT listing, hash, updated_at, place, places FROM item WHERE stream = ?1 AND id = ?2";
    let row = db.prepare_cached(sql)?.query_row(params![stream, id], |r| {
        let seen = Sighting { hash: r.get(1)?, updated_at: r.get(2)?, place: r.get(3)? };
        Ok(Staged { listing: r.get(0)?, seen, places: r.get(4)? })
    });
    let Some(before) = row.optional()?.filter(|before| before.listing == Some(listing)) else { return Ok(None) };
    let noted = before.places.map(|places| parted(&places));
    if !are_two(&before.seen, now) {
        return Ok(noted);
    }
    let mut places = noted.unwrap_or_else(|| before.seen.place.into_iter().collect());
    places.extend(now.place.clone().filter(|place| !places.contains(place)));
    Ok(Some(places))
}

pub(super) fn joined(places: &[String]) -> String {
    places.join(&APART.to_string())
}

pub(super) fn parted(places: &str) -> Vec<String> {
    places.split(APART).filter(|place| !place.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hash: &str, updated_at: Option<i64>, place: Option<&str>) -> Sighting {
        Sighting { hash: hash.into(), updated_at, place: place.map(str::to_owned) }
    }

    #[test]
    fn a_row_that_came_again_or_changed_meanwhile_is_one_row() {
        assert!(!are_two(&row("a", None, None), &row("a", None, None)), "pages overlap");
        assert!(!are_two(&row("a", None, Some("row 2")), &row("a", None, Some("row 3"))), "a line that stands twice");
        assert!(!are_two(&row("a", Some(1), None), &row("b", Some(2), None)), "changed while the list was read");
        assert!(!are_two(&row("a", None, Some("row 2")), &row("b", None, Some("row 2"))), "the file was edited");
    }

    #[test]
    fn two_rows_of_one_id_are_two() {
        assert!(are_two(&row("a", Some(1), Some("row 2")), &row("b", Some(2), Some("row 3"))), "a row a change");
        assert!(are_two(&row("a", Some(1), None), &row("b", Some(1), None)), "no later change");
        assert!(are_two(&row("a", None, None), &row("b", None, None)));
    }
}
