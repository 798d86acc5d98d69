//! What the vendor's own headers allow until its window is over.
//!
//! The count is the hard bound: what a response left, less every call the vendor may have counted after it. No
//! call goes beyond it; the rate that spreads the count over the time left is only comfort. The window's end is
//! known as a span, since a header of whole seconds may be early or late; the responses of one window narrow it.
//!
//! A limit without a window (a sliding log, a leaky bucket) moves the end it names with every call. Once seen to
//! do so it is [`Window::Rolling`]: its end says nothing, the manifest's rate is what it gives back.

use super::headers::{Heard, Reset};
use std::time::Duration;
use tokio::time::Instant;

/// The share of what remains, or of the manifest's rate, that the rate aims at.
pub(super) const SHARE: f64 = 0.95;

/// The share of the manifest's rate where the vendor counts along.
pub(super) const SHARE_COUNTED: f64 = 0.97;

/// A rise of what remains by this share of the limit is a new window.
const JUMP: f64 = 0.25;

#[derive(Debug)]
pub(super) struct Budget {
    /// Calls the vendor will surely take.
    left: f64,
    said: f64,
    pub limit: Option<f64>,
    window: Window,
    /// The newest call whose response was heard.
    newest: u64,
    /// The newest call sent when the window was first heard of: those up to it may speak of the one before.
    opened: u64,
    at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Window {
    Unknown,
    /// Ends between two moments.
    Ends(Span),
    /// Ended between two moments, and nothing was heard of the next.
    Ended(Span),
    Rolling,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    soonest: Instant,
    latest: Instant,
}

/// One response as the budget sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    pub heard: &'a Heard,
    /// The call's number, and that of the newest call sent so far.
    pub seq: u64,
    pub last: u64,
    /// Cost of other calls that the vendor may have counted after this one: those under way, and those answered
    /// since this one was sent.
    pub beside: f64,
    pub sent: Instant,
    pub now: Instant,
}

impl Budget {
    /// `None` where the first response says nothing of what remains.
    pub fn first(answer: &Answer<'_>) -> Option<Self> {
        let said = answer.heard.remaining?;
        Some(Self {
            left: said - answer.beside,
            said,
            limit: answer.heard.limit,
            window: answer.heard.reset.map_or(Window::Unknown, |reset| Window::Ends(Span::of(reset, answer))),
            newest: answer.seq,
            opened: answer.last,
            at: answer.now,
        })
    }

    /// What a further response said. `per` is the window's length, where the manifest knows it.
    pub fn hear(&mut self, answer: &Answer<'_>, per: Option<Duration>) {
        self.limit = answer.heard.limit.or(self.limit);
        let Some(said) = answer.heard.remaining else { return };
        let left = said - answer.beside;
        let rise = said - self.said;
        let jumped = self.limit.is_some_and(|limit| rise > JUMP * limit);
        let fell = self.limit.is_some_and(|limit| -rise > JUMP * limit);
        let told = answer.heard.reset.map(|reset| Span::of(reset, answer));
        let may_be_old = answer.seq <= self.opened;
        match (self.window, told) {
            (Window::Ends(known) | Window::Ended(known), Some(told)) if told.latest < known.soonest && may_be_old => {
                return;
            }
            (_, None) if fell && may_be_old => return,
            (Window::Ends(known) | Window::Ended(known), Some(told)) => {
                let moved = told.soonest.saturating_duration_since(known.latest);
                if moved.is_zero() {
                    if matches!(self.window, Window::Ends(_)) {
                        self.window = Window::Ends(known.narrowed_by(told));
                    }
                } else if jumped || per.map_or(rise > 0.0, |per| moved > per / 2) {
                    self.open(Window::Ends(told), answer.last);
                } else {
                    self.window = Window::Rolling;
                }
            }
            (Window::Rolling, Some(told)) if jumped => self.open(Window::Ends(told), answer.last),
            (Window::Rolling, _) => {}
            (Window::Unknown, Some(told)) => self.open(Window::Ends(told), answer.last),
            (_, None) if jumped => {
                let ends = per.map_or(Window::Unknown, |per| Window::Ends(Span::after(per, answer)));
                self.open(ends, answer.last);
            }
            (_, None) => {}
        }
        if answer.seq > self.newest || jumped {
            (self.left, self.said) = (left, said);
        } else {
            self.left = self.left.max(left);
        }
        self.newest = self.newest.max(answer.seq);
        self.at = answer.now;
    }

    /// A call goes out.
    pub fn spend(&mut self, cost: f64) {
        self.left -= cost;
    }

    /// Calls that may go out now when `kept` are left to others.
    pub fn usable(&self, kept: f64) -> f64 {
        self.left - kept
    }

    /// The rate that spreads what is usable over the time left. `None` when the window's end is unknown.
    pub fn rate(&self, kept: f64, now: Instant) -> Option<f64> {
        let Window::Ends(span) = self.window else { return None };
        let left = span.soonest.saturating_duration_since(now).as_secs_f64().max(0.05);
        // Half a call more than the share, so that the last call of a small window is sent before the window's end.
        Some((SHARE * self.usable(kept).max(0.0) + 0.5) / left)
    }

    /// The moment by which the window is surely over.
    pub fn over_at(&self) -> Option<Instant> {
        match self.window {
            Window::Ends(span) => Some(span.latest),
            Window::Unknown | Window::Ended(_) | Window::Rolling => None,
        }
    }

    /// Once the window is over, one call may ask how much the next one holds. Where its end was never told, what
    /// is left comes back at `refill` per second, as long as no call is under way whose answer will say it.
    /// True when the window has just ended.
    pub fn advance(&mut self, kept: f64, refill: f64, idle: bool, now: Instant) -> bool {
        if let Window::Ends(span) = self.window {
            if now < span.latest {
                return false;
            }
            self.window = Window::Ended(span);
            self.left = self.left.max(kept) + 1.0;
            self.at = now;
            return true;
        }
        if idle {
            let more = refill * now.saturating_duration_since(self.at).as_secs_f64();
            self.left = (self.left + more).min(self.limit.unwrap_or(f64::INFINITY).max(self.left));
        }
        self.at = self.at.max(now);
        false
    }

    fn open(&mut self, window: Window, last: u64) {
        (self.window, self.opened) = (window, last);
    }
}

impl Span {
    /// The vendor named the end at some moment between sending and receiving, rounded either way.
    fn of(reset: Reset, answer: &Answer<'_>) -> Self {
        let soonest = answer.sent + reset.after.saturating_sub(reset.slack);
        Self { soonest, latest: answer.now + reset.after + reset.slack }
    }

    fn after(per: Duration, answer: &Answer<'_>) -> Self {
        Self { soonest: answer.sent + per, latest: answer.now + per }
    }

    fn narrowed_by(self, other: Self) -> Self {
        let soonest = self.soonest.max(other.soonest);
        Self { soonest, latest: self.latest.min(other.latest).max(soonest) }
    }
}
