//! The time a desk goes by. It may differ from this machine's, as a vendor's does: its `Date` headers and its rows say it alike.

use jiff::{SignedDuration, Timestamp};

/// A clock that runs at the rate of this machine's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    ahead: SignedDuration,
}

impl Clock {
    /// Ahead of this machine's by so much; behind it where that is negative.
    pub fn ahead(by: SignedDuration) -> Self {
        Self { ahead: by }
    }

    pub fn now(self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.ahead).unwrap_or(now)
    }

    /// As a `Date` header says it.
    pub fn date(self) -> String {
        self.now().strftime("%a, %d %b %Y %T GMT").to_string()
    }
}
