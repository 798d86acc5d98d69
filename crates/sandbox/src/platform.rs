//! The vendors that have a look-alike.

use super::clock::Clock;
use super::desk::Desk;
use super::freshdesk::{self, Freshdesk, Notifications};
use super::zendesk::{self, Triggers, Zendesk};
use jiff::SignedDuration;

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
        let Setup { seed, tickets, silenced, lag, .. } = *setup;
        match self {
            Self::Zendesk => {
                let usual = zendesk::Options::of(seed, tickets);
                let options = zendesk::Options {
                    plan: setup.plan.clone(),
                    triggers: if silenced { Triggers::Inactive } else { Triggers::Active },
                    export_lag: lag.unwrap_or(usual.export_lag),
                    pace: zendesk::Pace { waits: setup.job_waits.unwrap_or(usual.pace.waits), ..usual.pace },
                    heavy: setup.heavy,
                    ..usual
                };
                Box::new(Zendesk::new(options))
            }
            Self::Freshdesk => {
                let usual = freshdesk::Options::at(setup.clock.now());
                let options = freshdesk::Options {
                    seed,
                    tickets,
                    notifications: if silenced { Notifications::OFF } else { Notifications::default() },
                    search_lag: lag.unwrap_or(usual.search_lag),
                    wall_pages: setup.wall_pages.unwrap_or(usual.wall_pages),
                    archived: setup.archived,
                    link_seconds: setup.link_seconds.unwrap_or(usual.link_seconds),
                    marker_field: setup.marker_field,
                    ..usual
                };
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
    /// Of its oldest tickets, those that are archived, where the vendor keeps such ones out of its lists.
    pub archived: usize,
    /// How long the address of a file is good, where it is signed for a time.
    pub link_seconds: Option<u32>,
    /// Whether its administrator has made the ticket field that a migration marks its tickets in, where the vendor needs one.
    pub marker_field: bool,
    /// Whether its administrator has switched off all notifications, where the vendor has such switches.
    pub silenced: bool,
    /// Whether a ticket has more files than some desks take.
    pub heavy: bool,
    /// How long its exports or its search do not know what changed; as the vendor's when left out.
    pub lag: Option<SignedDuration>,
    /// How long a background job waits before it writes, where the vendor has such jobs.
    pub job_waits: Option<SignedDuration>,
    pub clock: Clock,
}
