//! Numbers between and above those that listings showed: asked for one by one, where a platform hides records from every list.
//!
//! A cursor is `NUMBER`, or above all that was seen `NUMBER;GONE`: so many in a row before it are gone.
//! What was seen is kept as a bit a number. A walk that goes on in a new process is told what the stage holds; what it does not
//! know costs a call and nothing else.

use super::pages::Leaf;
use crate::connector::manifest::{Listing, Paging, ReadStream};
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::{Above, Listed};
use crate::error::{Reason, Result};
use crate::expr::{self, plain};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// Bits in a block.
const BLOCK: u64 = 4096;

/// Numbers that were seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    blocks: BTreeMap<u64, [u64; BLOCK as usize / 64]>,
    largest: u64,
    many: u64,
}

impl Numbers {
    pub fn add(&mut self, number: u64) {
        let block = self.blocks.entry(number / BLOCK).or_insert([0; BLOCK as usize / 64]);
        let (word, bit) = ((number % BLOCK / 64) as usize, 1 << (number % 64));
        self.many += u64::from(block[word] & bit == 0);
        block[word] |= bit;
        self.largest = self.largest.max(number);
    }

    fn has(&self, number: u64) -> bool {
        self.blocks
            .get(&(number / BLOCK))
            .is_some_and(|b| b[(number % BLOCK / 64) as usize] & (1 << (number % 64)) != 0)
    }

    /// The first number from here that was not seen, below the largest that was.
    fn gap(&self, from: u64) -> Option<u64> {
        (from.max(1)..self.largest).find(|number| !self.has(*number))
    }

    /// What to ask for from here on, above the largest too, unless enough in a row are gone there.
    fn place(&self, from: u64, gone: u64, beyond: u64) -> Option<Place> {
        if let Some(number) = self.gap(from) {
            return Some(Place { number, gone: 0 });
        }
        let gone = if from > self.largest + 1 { gone } else { 0 };
        (gone < beyond).then(|| Place { number: from.max(self.largest + 1), gone })
    }

    /// How many numbers below the largest were not seen.
    fn missing(&self) -> u64 {
        self.largest.saturating_sub(self.many)
    }
}

/// Where a walk stands: a number, and how many in a row before it are gone, above the largest that was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    number: u64,
    gone: u64,
}

impl Place {
    fn parse(cursor: &str) -> Option<Self> {
        let (number, gone) = cursor.split_once(';').unwrap_or((cursor, "0"));
        Some(Self { number: number.parse().ok()?, gone: gone.parse().ok()? })
    }

    fn write(self) -> String {
        let Self { number, gone } = self;
        if gone == 0 { number.to_string() } else { format!("{number};{gone}") }
    }
}

fn key_of(stream: &ReadStream) -> Option<&str> {
    stream.then.iter().find_map(|listing| match &listing.page {
        Paging::Gaps { key, .. } => Some(key.as_str()),
        _ => None,
    })
}

impl Rest {
    /// Notes the numbers of rows, where a later listing of their stream asks for those between.
    pub(crate) fn saw(&self, name: &str, stream: &ReadStream, rows: &[Value]) {
        let Some(key) = key_of(stream) else { return };
        self.saw_numbers(name, rows.iter().filter_map(|row| plain(expr::path(row, key)).parse().ok()));
    }

    pub(super) fn saw_numbers(&self, name: &str, numbers: impl Iterator<Item = u64>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.entry(name.to_owned()).or_default();
        numbers.for_each(|number| seen.add(number));
    }

    pub(super) fn has_gaps(&self, name: &str) -> bool {
        self.manifest.read.get(name).is_some_and(|stream| key_of(stream).is_some())
    }

    fn numbers(&self, name: &str) -> Numbers {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
    }

    /// The record with the number the cursor stands at, if there is one. The first page only counts.
    pub(super) async fn gap_page(
        &self,
        name: &str,
        listed: &Listed<'_>,
        beyond: u64,
        cursor: Option<&str>,
    ) -> Result<Leaf> {
        let next = |from: u64, gone: u64| {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let none = Numbers::default();
            let place = seen.get(name).unwrap_or(&none).place(from, gone, beyond);
            place.map(Place::write)
        };
        let Some(Place { number, gone }) = cursor.and_then(Place::parse) else {
            let missing = self.numbers(name).missing();
            if missing > 0 {
                self.note(format!("{missing} numbers of {name}s are in no list: each is asked for, a call each"));
            }
            return Ok(Leaf { next: next(1, 0), ..Leaf::default() });
        };
        match self.one_page(name, listed, Above::NONE, Some(&number.to_string()), None).await {
            Ok(leaf) => {
                self.saw_numbers(name, [number].into_iter());
                Ok(Leaf { next: next(number + 1, 0), ..leaf })
            }
            Err(problem) if problem.reason == Reason::NotFound => {
                Ok(Leaf { next: next(number + 1, gone + 1), ..Leaf::default() })
            }
            Err(problem) => Err(problem),
        }
    }

    /// Tells how many numbers nobody asks for.
    pub(super) fn tell_gaps(&self, name: &str, listing: &Listing) {
        let missing = self.numbers(name).missing();
        if let (Some(text), 1..) = (&listing.unread, missing) {
            self.note(text.replace("${n}", &missing.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_what_was_not_seen_below_the_largest() {
        let mut seen = Numbers::default();
        assert_eq!((seen.gap(0), seen.missing()), (None, 0));
        [1, 2, 5, 5, 5000, 64].into_iter().for_each(|number| seen.add(number));
        assert_eq!(seen.gap(0), Some(3));
        assert_eq!(seen.gap(4), Some(4));
        assert_eq!(seen.gap(5), Some(6));
        assert_eq!(seen.gap(4999), Some(4999));
        assert_eq!(seen.gap(5000), None, "beyond the largest there is nothing to find");
        assert_eq!(seen.missing(), 4995);
    }

    #[test]
    fn above_the_largest_a_walk_goes_on_until_enough_in_a_row_are_gone() {
        let mut seen = Numbers::default();
        let at = |number, gone| Some(Place { number, gone });
        assert_eq!(seen.place(1, 0, 3), at(1, 0), "an empty list says nothing of what is archived");
        assert_eq!((seen.place(3, 2, 3), seen.place(4, 3, 3)), (at(3, 2), None));
        [1, 2, 5].into_iter().for_each(|number| seen.add(number));
        assert_eq!((seen.place(1, 0, 3), seen.place(4, 1, 3)), (at(3, 0), at(4, 0)));
        assert_eq!(seen.place(5, 2, 3), at(6, 0), "those below the largest do not count");
        assert_eq!((seen.place(8, 2, 3), seen.place(9, 3, 3)), (at(8, 2), None));
        seen.add(8);
        assert_eq!(seen.place(9, 0, 3), at(9, 0), "one that is there begins anew");
        for place in [Place { number: 7, gone: 0 }, Place { number: 7, gone: 2 }] {
            assert_eq!(Place::parse(&place.write()), Some(place));
        }
    }
}
