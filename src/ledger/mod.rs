//! The durable account of a migration: which records were seen, what was tried, what came of it.
//!
//! The ledger is what makes "nothing lost, nothing twice" true: an [intent](Link::intend) is on the disk
//! before a call is sent, and its outcome after. It refuses what would break that (sending a step that is
//! applied or in doubt, closing a record over a step in doubt). It holds ids, hashes, states, reasons
//! and times; never a message, never a secret. It knows no platform and makes no call.
//!
//! A [`Link`] is one source account moving into one target account; everything but opening is asked of it.

mod custody;
mod fault;
mod filed;
mod folder;
mod link;
mod lock;
mod losses;
mod names;
mod pairing;
pub(crate) mod query;
mod rebuild;
mod records;
mod rows;
mod runs;
mod schema;
mod steps;
pub(crate) mod store;
mod twins;
mod undo;
mod vanished;

#[cfg(test)]
pub(crate) mod tests;

pub use custody::{Entry, Standing, Stray};
pub(crate) use fault::Fault;
pub(crate) use folder::private_folder;
pub use link::{Claim, Which};
pub use lock::{MigrationLock, ProjectLock, state_home};
pub use losses::{LossCount, LossRow, Lost};
use names::Name;
pub use names::{Accounts, FOLDER, Named, link_id, normal_address};
pub use pairing::Paired;
pub use rebuild::Restored;
pub use records::{Count, ProblemDetail};
pub use rows::{End, OpenStep, Origin, RecordRow, Remote, Seen, SeenCounts, State, StepKey, StepRow, StepState};
pub use runs::{Run, RunId, Watermark};
pub use steps::{Intent, Made, Told};
pub use twins::Twin;
pub use undo::{Doomed, MadeHere, OpenUndo, UndoState};
pub use vanished::{WasLaid, WasMade};

use crate::clock;
use crate::error::Result;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use store::Store;

/// Where the times in the ledger come from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// `.deskferry/ledger.db` of one project. Cloning is cheap; the last clone dropped closes the file.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    clock: Clock,
    scratch: bool,
}

impl Ledger {
    /// Opens the ledger of a project folder, and makes it if there is none. Only for the holder of the
    /// [`ProjectLock`]. Blocks for some milliseconds.
    ///
    /// Errors: [`Disk`](crate::error::Reason::Disk) when the disk is full or not writable or the file is
    /// damaged, [`Refused`](crate::error::Reason::Refused) when a newer version wrote it.
    pub fn open(project: &Path) -> Result<Ledger> {
        Self::open_with_clock(project, Arc::new(clock::wall))
    }

    pub fn open_with_clock(project: &Path, clock: Clock) -> Result<Ledger> {
        Ok(Ledger { store: Store::open(project, &schema::DESIGN)?, clock, scratch: false })
    }

    /// A copy of this ledger in `folder`, to try things in: what is booked there is booked nowhere else. An older copy is
    /// replaced. Nothing of it outlives a power cut.
    ///
    /// Errors: as [`Ledger::open`].
    pub async fn copy_to(&self, folder: &Path) -> Result<Ledger> {
        self.store.copy_to(folder, &schema::SCRATCH).await?;
        Ok(Ledger { store: Store::open(folder, &schema::SCRATCH)?, clock: self.clock.clone(), scratch: true })
    }

    /// Whether this is a copy to try things in.
    pub fn is_scratch(&self) -> bool {
        self.scratch
    }

    /// Opens an existing ledger for reading only: beside a run, or where nothing can be written.
    ///
    /// Errors: as [`Ledger::open`], and [`Config`](crate::error::Reason::Config) when there is none.
    pub fn view(project: &Path) -> Result<Ledger> {
        Ok(Ledger { store: Store::view(project, &schema::DESIGN)?, clock: Arc::new(clock::wall), scratch: false })
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// One source account moving into one target account. Cloning is cheap.
#[derive(Clone)]
pub struct Link {
    ledger: Ledger,
    id: Arc<str>,
    /// The ids in its markers, the one that is written first.
    marks: Arc<[Arc<str>]>,
    /// Every name of the source, and of the target.
    sources: Arc<[Name]>,
    targets: Arc<[Name]>,
    claim: Arc<Claim>,
    source: Arc<str>,
    target: Arc<str>,
}
