//! Lists that an account may not show: what a refusal of one means, and how a person leaves it out on purpose. Never decided for a list below a
//! record.

use super::listed::Listed;
use crate::connector::manifest::Listing;
use crate::connector::rest::Rest;
use crate::connector::rest::read::pages::Leaf;
use crate::connector::rest::read::refused::is_not_shown;
use crate::error::{Problem, Reason, Result};
use jiff::Timestamp;

impl Rest {
    /// Whether a run goes on without a list that was refused. Not where an earlier run read it, as `since` says: that it is closed may pass, and
    /// what is in it would be given up in silence.
    pub(super) fn goes_without(
        &self,
        name: &str,
        listed: &Listed<'_>,
        since: Option<Timestamp>,
        leaf: &Leaf,
    ) -> Result<()> {
        let Some(refusal) = &leaf.refused else { return Ok(()) };
        if since.is_some() {
            let what = format!("reading {name}: {}; an earlier run could read this list", refusal.what);
            let hint = "look whether the platform shows it to these credentials, and run the same command again";
            return Err(Problem { what, ..refusal.clone() }.hint(refusal.hint.as_deref().unwrap_or(hint)));
        }
        match refusal.reason {
            Reason::NotFound => self.note(format!("the source has no list of its {name} records: {}", refusal.what)),
            _ => self.tell_denied(name, listed.denied, refusal),
        }
        Ok(())
    }

    /// The page of a list that a person leaves out. It was not read: when it is left out no more, all of it is.
    pub(crate) fn left_out_page(&self, listing: &Listing) -> Option<Leaf> {
        let name = listing.name.as_ref().filter(|name| self.leaves_out(name))?;
        let what = format!("the {} are left out, as `leave_out` says", name.replace('_', " "));
        self.note(what.clone());
        Some(Leaf { refused: Some(Problem::new(Reason::Scope, what)), ..Leaf::default() })
    }
}

/// Why a list could not be read, with the word that leaves it out.
pub(crate) fn with_way_out(listing: &Listing, problem: Problem) -> Problem {
    let Some(name) = listing.name.as_ref().filter(|_| is_not_shown(&problem)) else { return problem };
    let first = problem.hint.as_deref().map(|hint| format!("{hint}; or ")).unwrap_or_default();
    let hint = format!(
        "{first}say `leave_out = [\"{name}\"]` under [source] to migrate without the {}",
        name.replace('_', " ")
    );
    problem.hint(hint)
}
