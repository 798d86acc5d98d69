//! How a run ends, and with which exit code: decided here and nowhere else.
//!
//! What a server answered never ends a run as a defect of this machine does (1): it is the account's (5: nothing is booked as failed, and
//! the same command goes on), or a list's that could not be read (3). Nothing here asks anybody.

use crate::error::{Problem, Reason};

/// What helps where nothing better is known.
const AGAIN: &str = "run the same command again: it goes on where it stopped";

/// Why a run ended before it was done.
#[derive(Clone, Debug)]
pub enum Stop {
    Interrupted,
    TooManyFailures(u64),
    /// Nobody agreed to what would be done next.
    Refused(Problem),
    /// The source, the target or the way there: whatever is tried fails alike.
    Account(Problem),
    /// The records of a kind could not be listed to the end.
    Listing(Problem),
    /// Records of this migration are in the target that the ledger has no part in.
    NotAlone(Problem),
    /// What came from no record's work: this machine's, or an account's, as its reason says.
    Failed(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Stop::Failed(problem)
    }
}

/// How a run ended. The number is the exit code.
#[derive(Clone, Debug)]
pub enum Ending {
    Complete,
    /// Finished; some records failed, are parked or in doubt.
    Partial,
    /// The same, and a list of records of the scope could not be read.
    Unlisted(Problem),
    /// Can go on: nothing is lost.
    Stopped(Problem),
    /// This machine, or a file of the project.
    Failed(Problem),
    Refused(Problem),
}

impl Ending {
    pub const fn exit_code(&self) -> u8 {
        match self {
            Ending::Complete => 0,
            Ending::Failed(problem) if matches!(problem.reason, Reason::Config | Reason::Manifest) => 2,
            Ending::Failed(_) => 1,
            Ending::Partial | Ending::Unlisted(_) => 3,
            Ending::Stopped(_) => 5,
            Ending::Refused(_) => 6,
        }
    }

    pub const fn outcome(&self) -> &'static str {
        match self {
            Ending::Complete => "complete",
            Ending::Failed(_) => "error",
            Ending::Partial | Ending::Unlisted(_) => "partial",
            Ending::Stopped(_) => "stopped",
            Ending::Refused(_) => "refused",
        }
    }

    /// Of a check that did not hold: what looks like an account in trouble can go on, all else is refused.
    pub fn of_check(problem: Problem) -> Ending {
        use Reason::{Account, Auth, BadAnswer, Network, NotFound, RateLimited, ServerError, Timeout};
        match problem.reason {
            Account | Auth | BadAnswer | Network | NotFound | RateLimited | ServerError | Timeout => problem.into(),
            _ => Ending::Refused(problem),
        }
    }
}

/// Whether no server had a part in it.
fn is_of_this_machine(reason: Reason) -> bool {
    matches!(reason, Reason::Disk | Reason::Internal | Reason::Config | Reason::Manifest)
}

impl From<Problem> for Ending {
    /// Of a failure that came from no record's work.
    fn from(problem: Problem) -> Self {
        match problem.reason {
            Reason::Refused | Reason::BadExport => Ending::Refused(problem),
            reason if is_of_this_machine(reason) => Ending::Failed(problem),
            _ if problem.hint.is_some() => Ending::Stopped(problem),
            _ => Ending::Stopped(problem.hint(AGAIN)),
        }
    }
}

impl From<Stop> for Ending {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Interrupted => Problem::new(
                Reason::Interrupted,
                "stopped safely after the current step: run the same command to continue",
            )
            .into(),
            Stop::TooManyFailures(n) => {
                let what = format!("{n} records failed, more than --max-failures allows");
                Problem::new(Reason::TooManyFailures, what).hint("`deskferry report` says why; then run again").into()
            }
            Stop::Refused(problem) | Stop::NotAlone(problem) => Ending::Refused(problem),
            Stop::Account(problem) if problem.hint.is_some() => Ending::Stopped(problem),
            Stop::Account(problem) => Ending::Stopped(problem.hint(AGAIN)),
            Stop::Listing(problem) | Stop::Failed(problem) => problem.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_the_project_end_a_run_as_an_error() {
        let wrong = |reason: &Reason| Problem::new(*reason, "x");
        let errors = |make: fn(Problem) -> Ending| {
            let failed = |reason: &&Reason| matches!(make(wrong(reason)).exit_code(), 1 | 2);
            Reason::ALL.iter().filter(failed).copied().collect::<Vec<_>>()
        };
        let machine = [Reason::Disk, Reason::Config, Reason::Manifest, Reason::Internal];
        assert_eq!(errors(Ending::from), machine);
        assert_eq!(errors(|problem| Stop::Failed(problem).into()), machine);
        assert_eq!(errors(|problem| Stop::Listing(problem).into()), machine);
        assert_eq!(errors(|problem| Stop::Account(problem).into()), []);
        assert_eq!(errors(Ending::of_check), []);
    }

    #[test]
    fn a_check_that_an_account_fails_can_go_on_and_one_that_says_no_is_refused() {
        let of = |reason| Ending::of_check(Problem::new(reason, "x")).exit_code();
        assert_eq!([of(Reason::NotFound), of(Reason::Auth), of(Reason::BadAnswer)], [5, 5, 5]);
        assert_eq!([of(Reason::Forbidden), of(Reason::Refused), of(Reason::Invalid)], [6, 6, 6]);
    }
}
