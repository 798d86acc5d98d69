//! The vendors that have a look-alike.

use super::desk::Desk;
use super::freshdesk::{self, Freshdesk, Notifications};
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

    /// The desk; the same setup gives the same.
    pub fn desk(self, setup: &Setup) -> Box<dyn Desk> {
        let Setup { seed, tickets, silenced, .. } = *setup;
        match self {
            Self::Zendesk => Box::new(Zendesk::new(seed, tickets, setup.plan.as_deref())),
            Self::Freshdesk => {
                let notifications = if silenced { Notifications::OFF } else { Notifications::default() };
                let options =
                    freshdesk::Options { seed, tickets, notifications, ..freshdesk::Options::at(Timestamp::now()) };
                Box::new(Freshdesk::new(options))
            }
        }
    }
}

/// How a desk is made.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    pub seed: u64,
    /// That it has from the start.
    pub tickets: usize,
    /// The vendor's name of the plan.
    pub plan: Option<String>,
    /// Whether its administrator has switched off all notifications, where the vendor has such switches.
    pub silenced: bool,
}
