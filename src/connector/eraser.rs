//! Deleting what was made: the part of a target that only `undo` asks for.

use crate::error::{Problem, Result};
use crate::record::Kind;
use async_trait::async_trait;
use jiff::Timestamp;

/// A record of the target, as it is before it is deleted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct There {
    pub marks: Vec<String>,
    pub created_at: Option<Timestamp>,
    /// When it last changed; none where the platform did not say.
    pub updated_at: Option<Timestamp>,
    /// What refers to it, by kind and id in the target.
    pub used_by: Vec<(Kind, String)>,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// The record is not there any more.
    Done,
    /// The platform refused: it is there.
    Refused(Problem),
    /// It may have happened: only a look tells.
    Unknown(Problem),
    /// Provably nothing was sent.
    NotSent(Problem),
}

/// Deletes records of a target by their ids. It never decides which.
#[async_trait]
pub trait Eraser: Send + Sync {
    /// What becomes of a deleted record of this kind, in one sentence for people. None where it cannot be deleted.
    fn after(&self, kind: Kind) -> Option<&str>;

    /// The record as it is now; none where it is not there, by the platform's own word. Only reads.
    async fn look(&self, kind: Kind, id: &str) -> Result<Option<There>>;

    /// Deletes one record. May have happened anyway when it answers [`Deleted::Unknown`].
    async fn delete(&self, kind: Kind, id: &str) -> Deleted;
}
