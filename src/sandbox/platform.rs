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
                let usual = freshdesk::Options::at(Timestamp::now());
                let (wall, link) = (setup.wall_pages.unwrap_or(usual.wall_pages), setup.link_seconds);
                let link_seconds = link.unwrap_or(usual.link_seconds);
                let options =
                    freshdesk::Options { seed, tickets, notifications, wall_pages: wall, link_seconds, ..usual };
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
    /// Pages after which a list of tickets ends, where the vendor has such a wall.
    pub wall_pages: Option<usize>,
    /// How long the address of a file is good, where it is signed for a time.
    pub link_seconds: Option<u32>,
    /// Whether its administrator has switched off all notifications, where the vendor has such switches.
    pub silenced: bool,
}
