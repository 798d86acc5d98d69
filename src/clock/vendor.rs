//! What is known of a vendor's clock: by the `Date` of its answers, and by the stamps of the rows it shows.
//!
//! Every reading says what the vendor's clock showed *at least* at a moment of the monotonic clock: an answer took its time, and a row
//! was changed before it was shown. So a time given here is never later than the vendor's own, and a listing that begins there
//! misses nothing. Where answers have no `Date`, the newest stamp of a row is a reading as good, only older.

use super::wall;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// Before the first record of any help desk: from there is asked where nothing is known. Not the first second of a calendar, so that an overlap
/// may be taken off: 1980.
pub const BEGINNING: Timestamp = Timestamp::constant(315_532_800, 0);

/// `Date`s that count: servers of one vendor differ by a second or two, and the slowest is believed.
const DATES: usize = 32;
/// By how much the clock that dates answers may be ahead of the one that stamps records, where no record tells: a gateway has a clock of its own.
const APART: SignedDuration = SignedDuration::from_hours(2);
/// A row that is further in the future than this by our own clock shows somebody's wish (a date that was imported), not a clock.
const FUTURE: SignedDuration = SignedDuration::from_hours(26);

/// The clock of one account's servers.
#[derive(Debug, Default)]
pub struct VendorClock(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    dates: VecDeque<Reading>,
    newest: Option<Reading>,
}

/// At this moment the vendor's clock showed this, or more.
#[derive(Clone, Copy, Debug)]
struct Reading {
    shown: Timestamp,
    at: Instant,
}

impl Reading {
    fn now(shown: Timestamp) -> Reading {
        Reading { shown, at: Instant::now() }
    }

    /// What it showed at least at another moment, before or after.
    fn moved_to(&self, moment: Instant) -> Timestamp {
        let span = |from: Instant, to: Instant| SignedDuration::try_from(to.saturating_duration_since(from));
        let later = span(self.at, moment).unwrap_or(SignedDuration::ZERO);
        let earlier = span(moment, self.at).unwrap_or(SignedDuration::ZERO);
        self.shown.checked_add(later - earlier).unwrap_or(self.shown)
    }
}

impl Known {
    fn by_dates(&self, moment: Instant) -> Option<Timestamp> {
        self.dates.iter().map(|reading| reading.moved_to(moment)).min()
    }

    fn by_rows(&self, moment: Instant) -> Option<Timestamp> {
        self.newest.map(|reading| reading.moved_to(moment))
    }
}

impl VendorClock {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head of an answer came, with this `Date`.
    pub fn heard(&self, date: Timestamp) {
        let mut known = self.known();
        if known.dates.len() == DATES {
            known.dates.pop_front();
        }
        known.dates.push_back(Reading::now(date));
    }

    /// A row came that the vendor stamped so when it last changed.
    pub fn showed(&self, stamp: Timestamp) {
        if stamp.duration_since(wall()) > FUTURE {
            return;
        }
        let (mut known, reading) = (self.known(), Reading::now(stamp));
        if known.by_rows(reading.at).is_none_or(|before| before < stamp) {
            known.newest = Some(reading);
        }
    }

    /// The vendor's time at this moment, or a little before it. None where it has shown no time yet.
    pub fn at(&self, moment: Instant) -> Option<Timestamp> {
        let known = self.known();
        known.by_dates(moment).or_else(|| known.by_rows(moment))
    }

    /// Before whatever is stamped after this moment: by the earlier of the clock that dates answers and the one that stamps rows. A row may be
    /// old, and there may be none: the second is taken for no further behind the first than [`APART`].
    pub fn stamps_from(&self, moment: Instant) -> Option<Timestamp> {
        let known = self.known();
        let (dates, rows) = (known.by_dates(moment), known.by_rows(moment));
        let Some(dates) = dates else { return rows };
        let earliest = dates.checked_sub(APART).unwrap_or(BEGINNING);
        Some(rows.map_or(earliest, |rows| rows.clamp(earliest, dates)))
    }

    /// [`VendorClock::at`] this moment.
    pub fn now(&self) -> Option<Timestamp> {
        self.at(Instant::now())
    }

    /// From when on a listing that began at this moment and asked for all `since` that time has to be made again: nothing that
    /// came after that moment is stamped earlier.
    ///
    /// The clock that stamps rows is believed where it is behind the one that dates answers: where no row shows that time has
    /// passed, it has not.
    pub fn seen_until(&self, moment: Instant, since: Option<Timestamp>) -> Timestamp {
        let known = self.known();
        let before = since.unwrap_or(BEGINNING);
        let by_rows = known.by_rows(moment).map_or(before, |at| at.max(before));
        known.by_dates(moment).map_or(by_rows, |at| at.min(by_rows))
    }

    /// By how much this machine's clock is ahead of the vendor's (negative: behind), by the `Date` of its answers.
    pub fn ahead(&self) -> Option<SignedDuration> {
        let vendor = self.known().by_dates(Instant::now())?;
        Some(wall().duration_since(vendor))
    }

    /// Whether it is not yet this time, by the reading that is furthest: a machine that slept has old ones far behind. Not known
    /// where the vendor has shown no time: then it may be later.
    pub fn is_before(&self, until: Timestamp) -> bool {
        let (known, now) = (self.known(), Instant::now());
        let newest = known.dates.iter().map(|reading| reading.moved_to(now)).max();
        newest.or_else(|| known.by_rows(now)).is_some_and(|now| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    async fn passes(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_answer_is_dated_tells_the_time_before_and_after_it() {
        let clock = VendorClock::default();
        let began = Instant::now();
        assert_eq!(clock.at(began), None, "nothing was shown yet");
        passes(10).await;
        clock.heard(at("2026-01-01T12:00:10Z"));
        passes(5).await;
        assert_eq!(clock.at(began), Some(at("2026-01-01T12:00:00Z")));
        assert_eq!(clock.now(), Some(at("2026-01-01T12:00:15Z")));
    }

    #[tokio::test(start_paused = true)]
    async fn of_servers_that_differ_the_slowest_is_believed() {
        let clock = VendorClock::default();
        for second in [3, 1, 2] {
            clock.heard(at(&format!("2026-01-01T12:00:0{second}Z")));
        }
        assert_eq!(clock.now(), Some(at("2026-01-01T12:00:01Z")));
        for _ in 0..DATES {
            clock.heard(at("2026-01-01T12:00:05Z"));
        }
        assert_eq!(clock.now(), Some(at("2026-01-01T12:00:05Z")), "an old reading counts no more");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_date_the_newest_row_tells_when_a_listing_began_at_the_latest() {
        let clock = VendorClock::default();
        let began = Instant::now();
        assert_eq!(clock.seen_until(began, None), BEGINNING, "without any stamp all is listed again");
        clock.showed(at("2026-01-01T08:00:00Z"));
        passes(60).await;
        clock.showed(at("2026-01-01T12:00:30Z"));
        clock.showed(at("2026-01-01T09:00:00Z"));
        assert_eq!(clock.seen_until(began, None), at("2026-01-01T11:59:30Z"), "a minute before it was shown");
        assert_eq!(clock.now(), Some(at("2026-01-01T12:00:30Z")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_listing_is_made_again_from_where_rows_show_that_time_has_passed() {
        let clock = VendorClock::default();
        clock.heard(at("2026-01-01T12:00:00Z"));
        let before = at("2026-01-01T07:00:00Z");
        assert_eq!(clock.seen_until(Instant::now(), Some(before)), before, "nothing came: asked from there again");
        clock.showed(at("2026-01-01T11:00:00Z"));
        assert_eq!(clock.seen_until(Instant::now(), Some(before)), at("2026-01-01T11:00:00Z"));
        clock.showed(at("2026-01-01T12:30:00Z"));
        assert_eq!(
            clock.seen_until(Instant::now(), Some(before)),
            at("2026-01-01T12:00:00Z"),
            "a stamp ahead of the clock"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stamped_from_now_on_is_asked_by_the_earlier_of_two_clocks() {
        let clock = VendorClock::default();
        assert_eq!(clock.stamps_from(Instant::now()), None);
        clock.heard(at("2026-01-01T12:10:00Z"));
        let began = Instant::now();
        assert_eq!(
            clock.stamps_from(began),
            Some(at("2026-01-01T10:10:00Z")),
            "no row tells how far a gateway is ahead"
        );
        clock.showed(at("2024-05-05T00:00:00Z"));
        assert_eq!(clock.stamps_from(began), Some(at("2026-01-01T10:10:00Z")), "an old row tells no more");
        passes(60).await;
        clock.showed(at("2026-01-01T12:00:55Z"));
        assert_eq!(clock.stamps_from(began), Some(at("2026-01-01T11:59:55Z")), "our own write shows it: ten minutes");
        clock.showed(at("2026-01-01T12:30:00Z"));
        assert_eq!(clock.stamps_from(began), Some(at("2026-01-01T12:10:00Z")), "a stamp ahead is somebody's wish");
    }

    #[tokio::test]
    async fn a_stamp_far_in_the_future_is_no_clock() {
        let clock = VendorClock::default();
        clock.showed(at("2199-01-01T00:00:00Z"));
        assert_eq!(clock.now(), None);
    }

    #[tokio::test]
    async fn the_difference_of_the_clocks_is_known_by_the_date_alone() {
        let clock = VendorClock::default();
        clock.showed(wall() - SignedDuration::from_secs(7200));
        assert_eq!(clock.ahead(), None, "a row may be old");
        clock.heard(wall() - SignedDuration::from_secs(300));
        assert_eq!(clock.ahead().map(|by| by.as_secs()), Some(300));
    }
}
