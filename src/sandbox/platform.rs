//! The vendors that have a look-alike.

use super::desk::Desk;
use super::zendesk::Zendesk;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    Zendesk,
}

impl Platform {
    pub const ALL: &'static [Self] = &[Self::Zendesk];

    pub fn name(self) -> &'static str {
        match self {
            Self::Zendesk => "zendesk",
        }
    }

    /// A desk of `tickets` tickets, if it is one to read from, on the plan called `plan`; the same `seed` gives the same.
    pub fn desk(self, seed: u64, tickets: usize, plan: Option<&str>) -> Box<dyn Desk> {
        match self {
            Self::Zendesk => Box::new(Zendesk::new(seed, tickets, plan)),
        }
    }
}
