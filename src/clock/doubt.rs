//! A request whose end is not known: from when on the vendor is asked for what it did, and how long "not there" proves nothing.

use super::vendor::{BEGINNING, VendorClock};
use super::wall;
use crate::naive::{self, Naive};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// What may lie between the vendor's clock and an intent that was noted by this machine's alone.
const UNSURE: SignedDuration = SignedDuration::from_hours(24);

/// When a request was intended, on all three clocks.
#[derive(Clone, Copy, Debug)]
pub struct Intended {
    at: Instant,
    wall: Timestamp,
}

impl Intended {
    pub fn now() -> Intended {
        Intended { at: Instant::now(), wall: wall() }
    }

    /// In the time by which the vendor stamps records, or earlier; none where the vendor has shown no time yet.
    pub fn by(&self, vendor: &VendorClock) -> Option<Timestamp> {
        vendor.stamps_from(self.at)
    }
}

/// What a request started and does not itself do, such as a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Started {
    NotSeen,
    /// It was at work at this moment.
    AtWork(Instant),
    /// It was at work no more at this moment. When it ended between that and the look before, nobody knows.
    Over(Instant),
}

/// Nothing the request did is stamped earlier than `earliest` by the vendor; and since `over` it is on its way no more.
///
/// The second is counted from when its answer was lost, not from when it was intended: in between it may have waited for the limits, for
/// others that go with it, or for its job. Of an earlier process's request it is known only that the process is gone since this
/// one holds the project.
#[derive(Clone, Copy, Debug)]
pub struct Doubt {
    earliest: Timestamp,
    over: Instant,
    /// What is known of something it started that may have its effect later.
    started: Started,
    /// By this machine's clock.
    intended: Timestamp,
}

impl Doubt {
    /// Of a request of this process whose answer is lost now.
    pub fn lost_now(vendor: &VendorClock, intended: Intended) -> Doubt {
        let earliest = intended.by(vendor).unwrap_or(BEGINNING);
        Doubt { earliest, over: Instant::now(), started: Started::NotSeen, intended: intended.wall }
    }

    /// Of a request of an earlier process, which is over since this one held the project. It was intended at `by_vendor` by the
    /// vendor's clock, and at `by_wall` by this machine's.
    pub fn of_earlier(vendor: &VendorClock, by_vendor: Option<Timestamp>, by_wall: Timestamp, held: Instant) -> Doubt {
        let guessed = || {
            let ahead = vendor.ahead()?.max(SignedDuration::ZERO);
            by_wall.checked_sub(ahead).ok()?.checked_sub(UNSURE).ok()
        };
        Doubt {
            earliest: by_vendor.or_else(guessed).unwrap_or(BEGINNING),
            over: held,
            started: Started::NotSeen,
            intended: by_wall,
        }
    }

    /// Of whatever was done before this process held the project.
    pub fn of_anybody(held: Instant) -> Doubt {
        Doubt { earliest: BEGINNING, over: held, started: Started::NotSeen, intended: BEGINNING }
    }

    /// From when on the vendor is asked for it, in the vendor's time.
    pub fn earliest(&self) -> Timestamp {
        if naive::is(Naive::OwnTime) { self.intended } else { self.earliest }
    }

    /// Since when the request itself is over, whatever it may have started.
    pub fn over(&self) -> Instant {
        self.over
    }

    /// Something it may have started is at work now.
    pub fn is_at_work(&mut self) {
        self.started = Started::AtWork(Instant::now());
    }

    /// Nothing it may have started was at work at this moment.
    pub fn is_not_at_work(&mut self, moment: Instant) {
        if matches!(self.started, Started::AtWork(_)) {
            self.started = Started::Over(moment);
        }
    }

    /// How much longer it takes until "not there" can be believed; none where the question asked at this moment proves it.
    pub fn too_early(&self, asked: Instant, settle: Duration) -> Option<Duration> {
        if naive::is(Naive::Intent) {
            let passed = wall().duration_since(self.intended).unsigned_abs();
            return (passed < settle).then(|| settle - passed);
        }
        let last = match self.started {
            Started::NotSeen => self.over,
            Started::AtWork(at) | Started::Over(at) => at.max(self.over),
        };
        let known = last + settle;
        (asked < known).then(|| known.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn not_there_is_believed_when_settle_has_passed_since_the_answer_was_lost() {
        let vendor = VendorClock::default();
        let intended = Intended::now();
        tokio::time::advance(10 * SETTLE).await;
        let doubt = Doubt::lost_now(&vendor, intended);
        assert_eq!(doubt.too_early(Instant::now(), SETTLE), Some(SETTLE), "it waited for its turn before it went out");
        let asked = Instant::now();
        tokio::time::advance(SETTLE).await;
        assert_eq!(doubt.too_early(asked, SETTLE), Some(Duration::ZERO), "a question asked before proves nothing");
        assert_eq!(doubt.too_early(Instant::now(), SETTLE), None);
        let mut doubt = doubt;
        doubt.is_at_work();
        assert_eq!(doubt.too_early(Instant::now(), SETTLE), Some(SETTLE), "what it started is at work");
        tokio::time::advance(2 * SETTLE).await;
        assert_eq!(doubt.too_early(Instant::now(), SETTLE), None, "time to look again");
        doubt.is_not_at_work(Instant::now());
        let what = "it may have written until just now, and what it wrote may be hidden for a while";
        assert_eq!(doubt.too_early(Instant::now(), SETTLE), Some(SETTLE), "{what}");
        tokio::time::advance(SETTLE).await;
        doubt.is_not_at_work(Instant::now());
        assert_eq!(doubt.too_early(Instant::now(), SETTLE), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_processs_request_is_over_since_this_one_holds_the_project() {
        let (vendor, held) = (VendorClock::default(), Instant::now());
        let long_ago: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
        let doubt = Doubt::of_earlier(&vendor, None, long_ago, held);
        assert_eq!(doubt.too_early(Instant::now(), SETTLE), Some(SETTLE));
    }

    #[tokio::test(start_paused = true)]
    async fn the_vendor_is_asked_in_its_own_time() {
        let (vendor, held) = (VendorClock::default(), Instant::now());
        let intended = Intended::now();
        tokio::time::advance(SETTLE).await;
        vendor.heard(wall() - SignedDuration::from_hours(1));
        let apart = Doubt::lost_now(&vendor, intended).earliest().duration_since(wall());
        assert!(apart <= -SignedDuration::from_secs(3630), "{apart}");
        let noted: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        assert_eq!(Doubt::of_earlier(&vendor, Some(noted), wall(), held).earliest(), noted);
        let by_wall_alone = Doubt::of_earlier(&vendor, None, noted, held).earliest();
        assert!(by_wall_alone <= noted - SignedDuration::from_hours(25), "{by_wall_alone}");
        assert_eq!(Doubt::of_earlier(&VendorClock::default(), None, noted, held).earliest(), BEGINNING);
    }
}
