//! What a program without our care would do: one handling of a failing platform left out, to show what it is for.
//!
//! Only debug builds know of it, and only where the environment variable `DESKFERRY_NAIVE` names one, as `tests/sandbox/faults.rs` and
//! `tests/faults` do. Nothing else decides by it.

use std::sync::OnceLock;

/// A handling left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naive {
    /// A refusal for pace is the answer.
    Pace,
    /// A read that failed is not made again.
    Read,
    /// A write whose answer was lost was not done, and is made again.
    NotDone,
    /// A write whose answer was lost was done.
    Done,
    /// What came of a body is all of it.
    Whole,
    /// A call that takes longer than the time-out is given up, though it moves.
    Clock,
    /// "Not there" is believed when `settle` has passed since the intent, by this machine's clock.
    Intent,
    /// The vendor is asked for what came since a time of this machine's clock.
    OwnTime,
    /// What was not read of a record is not there.
    Wholeness,
    /// Nobody else adds to a record what this run adds to it.
    Alone,
}

const NAMES: [(&str, Naive); 10] = [
    ("pace", Naive::Pace),
    ("read", Naive::Read),
    ("not_done", Naive::NotDone),
    ("done", Naive::Done),
    ("whole", Naive::Whole),
    ("clock", Naive::Clock),
    ("intent", Naive::Intent),
    ("own_time", Naive::OwnTime),
    ("wholeness", Naive::Wholeness),
    ("alone", Naive::Alone),
];

pub(crate) fn is(handling: Naive) -> bool {
    static LEFT_OUT: OnceLock<Option<Naive>> = OnceLock::new();
    let named = || {
        let wanted = std::env::var("DESKFERRY_NAIVE").ok()?;
        NAMES.iter().find(|(name, _)| *name == wanted).map(|(_, naive)| *naive)
    };
    cfg!(debug_assertions) && *LEFT_OUT.get_or_init(named) == Some(handling)
}
