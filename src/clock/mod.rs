//! The three clocks: this machine's, which is only shown; the vendor's, in which everything is asked; and a monotonic one, by which
//! everything is waited.
//!
//! This machine's clock may be wrong, and may be set while a migration is at work. So no time that is sent to a vendor and no span
//! that is waited comes of it. The monotonic clock is [`tokio::time::Instant`], so that tests can pause it. Nothing here makes a call.

mod doubt;
mod vendor;

pub use doubt::{Doubt, Intended};
pub use vendor::{BEGINNING, VendorClock};

use jiff::{SignedDuration, Timestamp};
use std::sync::OnceLock;
use std::time::Instant;

/// This machine's time of day: for logs and reports, never for a question to a vendor and never for a wait.
///
/// Debug builds set it wrong by the environment variable `DESKFERRY_CLOCK`: by so many seconds, or with `SECONDS@AFTER` so many seconds
/// after the process first asked.
pub fn wall() -> Timestamp {
    let now = Timestamp::now();
    now.checked_add(wrong_by()).unwrap_or(now)
}

fn wrong_by() -> SignedDuration {
    static SET: OnceLock<Option<(SignedDuration, Instant, u64)>> = OnceLock::new();
    if !cfg!(debug_assertions) {
        return SignedDuration::ZERO;
    }
    let set = SET.get_or_init(|| {
        let text = std::env::var("DESKFERRY_CLOCK").ok()?;
        let (by, after) = text.split_once('@').unwrap_or((&text, "0"));
        Some((SignedDuration::from_secs(by.parse().ok()?), Instant::now(), after.parse().ok()?))
    });
    match set {
        Some((by, from, after)) if from.elapsed().as_secs() >= *after => *by,
        _ => SignedDuration::ZERO,
    }
}
