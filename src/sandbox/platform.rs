//! The vendors that have a look-alike.

use super::desk::Desk;
use super::freshdesk::{self, Freshdesk};
use super::zendesk::Zendesk;
use jiff::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    Zendesk,
    Freshdesk,
}

impl Platform {
    pub const ALL: &'static [Self] = &[Self::Zendesk, Self::Freshdesk];

    pub fn name(self) -> &'static str {
        match self {
            Self::Zendesk => "zendesk",
            Self::Freshdesk => "freshdesk",
        }
    }

    /// A desk of `tickets` tickets, if it is one to read from, on the plan called `plan`; the same `seed` gives the same.
    pub fn desk(self, seed: u64, tickets: usize, plan: Option<&str>) -> Box<dyn Desk> {
        match self {
            Self::Zendesk => Box::new(Zendesk::new(seed, tickets, plan)),
            Self::Freshdesk => {
                let options = freshdesk::Options { seed, tickets, ..freshdesk::Options::at(Timestamp::now()) };
                Box::new(Freshdesk::new(options))
            }
        }
    }
}
