//! What a failure is about, decided here and nowhere else: the record, an account, or this machine.
//!
//! A record's failure is booked with it, and the others go on. An account's (credentials, suspension, no connection to its own
//! origin, a quota that is used up) stops the run: nothing is booked as failed, and the same command goes on. What looks like
//! an account's is proved by a call that depends on no record; where that answers, it was the record's. Of a file's failure
//! `translate::files` makes a failure of its record, or a loss.

use super::migrate::Run;
use super::write::Broken;
use super::{Event, Job, Side, Stop};
use crate::error::{About, Problem, Reason, Result};
use crate::ledger::End;
use crate::record::Kind;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long an account whose quota is used up may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(60);
/// Records in a row that fail with one answer which may be about the account.
const IN_A_ROW: usize = 20;
/// Letters of both cases in a word that is a key, and none of a language.
const DRAWN: usize = 12;

/// What a failure is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reach {
    Record,
    Account,
    Machine,
}

/// What a failure looks like before anybody is asked.
enum Look {
    Certain(Reach),
    /// It may be either.
    AsIfTheAccount,
}

fn look(reason: Reason) -> Look {
    match reason {
        Reason::Disk | Reason::Internal | Reason::Interrupted => Look::Certain(Reach::Machine),
        Reason::Account => Look::Certain(Reach::Account),
        Reason::Auth
        | Reason::Forbidden
        | Reason::Network
        | Reason::Timeout
        | Reason::ServerError
        | Reason::RateLimited
        | Reason::NotFound
        | Reason::BadAnswer => Look::AsIfTheAccount,
        _ => Look::Certain(Reach::Record),
    }
}

/// Whether a record with this failure may be well the next time, though nobody changed it.
pub(super) fn passes(reason: Reason) -> bool {
    use Reason::{Account, Auth, Network, RateLimited, ServerError, Timeout};
    matches!(reason, Account | Auth | Network | RateLimited | ServerError | Timeout)
}

/// Whether a failure may be an account's.
pub(super) fn may_be_an_accounts(reason: Reason) -> bool {
    matches!(look(reason), Look::AsIfTheAccount | Look::Certain(Reach::Account))
}

/// What a failure is about. `probe` asks the accounts it may be of whether they are well.
pub(super) async fn reach(problem: &Problem, probe: impl Future<Output = Result<()>>) -> Reach {
    match look(problem.reason) {
        Look::Certain(reach) => reach,
        Look::AsIfTheAccount => {
            let is_well = match problem.reason {
                Reason::RateLimited => tokio::time::timeout(PATIENCE, probe).await.is_ok_and(|said| said.is_ok()),
                _ => probe.await.is_ok(),
            };
            if is_well { Reach::Record } else { Reach::Account }
        }
    }
}

impl Job {
    /// The stop that a failure is which no record can be blamed for; none where it is a record's. `side`: whose it is, where that
    /// is known.
    pub(super) async fn stop(&self, side: Option<Side>, problem: &Problem) -> Option<Stop> {
        let probe = async {
            if side != Some(Side::Target) {
                self.source.probe().await?;
            }
            if side != Some(Side::Source) {
                self.target.probe().await?;
            }
            Ok(())
        };
        // What is written is written with the right to all of it; of what is read a part may be closed to us.
        if problem.reason == Reason::Auth && side != Some(Side::Source) {
            return Some(Stop::Account(problem.clone()));
        }
        match reach(problem, probe).await {
            Reach::Record => None,
            Reach::Account => Some(Stop::Account(problem.clone())),
            Reach::Machine => Some(Stop::Failed(problem.clone())),
        }
    }
}

/// A record, and what it failed with.
pub(super) type Failed = (Kind, String, Problem);

/// Records that failed in a row with the same words, which may be about the account.
#[derive(Default)]
pub(super) struct Streak(Mutex<Alike>);

#[derive(Default)]
struct Alike {
    row: Vec<Failed>,
    /// What the last row that was long enough failed with: more of it are still under way when the run stops.
    stopped_by: Option<Problem>,
}

impl Streak {
    /// One more failed. The records of the row, when it is long enough to be the account's failure.
    pub fn failed(&self, kind: Kind, id: &str, problem: &Problem) -> Option<Vec<Failed>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Alike { row, stopped_by } = &mut *all;
        let failed = || (kind, id.to_owned(), problem.clone());
        if stopped_by.as_ref().is_some_and(|stopped_by| problem.about == About::Nobody && alike(stopped_by, problem)) {
            return Some(vec![failed()]);
        }
        if row.last().is_some_and(|(.., last)| !alike(last, problem)) {
            row.clear();
        }
        if problem.about == About::Record {
            return None;
        }
        row.push(failed());
        (row.len() >= IN_A_ROW).then(|| {
            *stopped_by = Some(problem.clone());
            std::mem::take(row)
        })
    }

    /// One went well.
    pub fn well(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).row.clear();
    }
}

/// Whether two problems have the same words, but for the numbers of records and of requests.
fn alike(one: &Problem, other: &Problem) -> bool {
    one.reason == other.reason && words(one).eq(words(other))
}

/// The words of a problem without what looks drawn: numbers, hexadecimal ones and keys.
fn words(problem: &Problem) -> impl Iterator<Item = &str> {
    let is_of_a_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    problem.what.split(move |c| !is_of_a_word(c)).filter(|word| !word.is_empty() && !is_drawn(word))
}

fn is_drawn(word: &str) -> bool {
    let is_mixed = || {
        let upper = word.chars().filter(char::is_ascii_uppercase).count();
        word.len() >= DRAWN && upper * 4 > word.len() && upper < word.len()
    };
    let is_hexadecimal = || word.len() >= 4 && word.chars().all(|c| c.is_ascii_hexdigit());
    word.contains(|c: char| c.is_ascii_digit()) || is_hexadecimal() || is_mixed()
}

/// What stops a run after so many records in a row were refused alike.
pub(super) fn refused_alike(problem: &Problem) -> Stop {
    let what = format!("{IN_A_ROW} records in a row failed with the same answer: {}", problem.what);
    let hint = "it looks like the account, not the records: correct it there and run the same command again";
    // What is known to help is said first.
    let hint = match &problem.hint {
        Some(own) if problem.reason == Reason::ListRefused => format!("{own}; then run the same command again"),
        _ => hint.to_owned(),
    };
    Stop::Account(Problem { what, ..problem.clone() }.hint(hint))
}

impl Run<'_> {
    /// How the work on a record ended: booked with it, or a stop of the run.
    pub(super) async fn ended(&self, kind: Kind, id: &str, ended: Result<End, Broken>) -> Result<End, Stop> {
        let problem = match ended {
            Ok(end) => return Ok(end),
            Err(Broken::Record(end)) => return Ok(*end),
            Err(Broken::Run(stop)) => return Err(stop),
            // Where it is not taken up again in this run, the next one looks for it.
            Err(Broken::Trouble(problem) | Broken::Denied(problem) | Broken::Later(problem)) => problem,
        };
        if let Some(stop) = self.job.stop(None, &problem).await {
            return Err(stop);
        }
        Ok(match passes(problem.reason) {
            true => self.unless_in_doubt(kind, id, End::Waiting { problem }).await?,
            false => self.unless_in_doubt(kind, id, End::Failed { problem }).await?,
        })
    }

    /// How the work on a record ends for now: nothing is decided of one whose step may have happened.
    async fn unless_in_doubt(&self, kind: Kind, id: &str, end: End) -> Result<End, Problem> {
        let steps = self.job.link.steps(kind, id).await?;
        match end {
            End::Waiting { problem } | End::Failed { problem } if steps.iter().any(|step| step.state.in_doubt()) => {
                let record = self.job.link.record(kind, id).await?;
                let look_at = record.and_then(|record| record.remote).and_then(|remote| remote.url);
                Ok(End::InDoubt { problem, look_at })
            }
            end => Ok(end),
        }
    }

    /// Books how the work on a record ended, and tells of it. Many in a row that fail alike go back to waiting, and stop the run.
    pub(super) async fn close(&self, kind: Kind, id: &str, end: End) -> Result<(), Stop> {
        self.tell_end(kind, id, &end);
        let row = match &end {
            End::Failed { problem } | End::Waiting { problem } => self.streak.failed(kind, id, problem),
            // A write that never gets a clear answer.
            End::InDoubt { problem, .. } if problem.about == About::Nobody => self.streak.failed(kind, id, problem),
            End::Done { .. } => {
                self.streak.well();
                None
            }
            End::Skipped { .. } | End::Parked { .. } | End::InDoubt { .. } => None,
        };
        match self.job.link.close(kind, id, end).await {
            // What it made, or found, in the target is another record's: this record alone fails.
            Err(problem) if problem.reason == Reason::Conflict => {
                let end = End::Failed { problem };
                self.tell_end(kind, id, &end);
                self.job.link.close(kind, id, end).await?;
            }
            closed => closed?,
        }
        match row {
            Some(row) => self.stop_alike(row).await,
            None => Ok(()),
        }
    }

    /// Puts records that failed alike back to wait, or in doubt, and stops the run.
    pub(super) async fn stop_alike(&self, row: Vec<Failed>) -> Result<(), Stop> {
        let stop = row.last().map(|(.., problem)| refused_alike(problem));
        for (kind, id, problem) in row {
            let end = self.unless_in_doubt(kind, &id, End::Waiting { problem }).await?;
            self.job.link.close(kind, &id, end).await?;
        }
        stop.map_or(Ok(()), Err)
    }

    /// Tells of a record that is not done.
    pub(super) fn tell_end(&self, kind: Kind, id: &str, end: &End) {
        let (outcome, problem) = match end {
            End::Failed { problem } => ("failed", problem),
            End::InDoubt { problem, .. } => ("in_doubt", problem),
            End::Waiting { problem } => {
                self.waits();
                ("waiting", problem)
            }
            End::Done { .. } | End::Skipped { .. } | End::Parked { .. } => return,
        };
        self.halt().failed();
        (self.job.tell)(Event::Record { kind, id: id.to_owned(), outcome, problem: problem.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(words: &str) -> Problem {
        Problem { about: About::Nobody, ..Problem::new(Reason::Forbidden, words) }
    }

    #[test]
    fn twenty_records_in_a_row_that_are_refused_alike_are_the_accounts_failure() {
        let streak = Streak::default();
        for n in 1..IN_A_ROW {
            let words = format!("create {n}: answered 403: trial expired");
            assert_eq!(streak.failed(Kind::Ticket, &n.to_string(), &refusal(&words)), None);
        }
        let row = streak.failed(Kind::Ticket, "20", &refusal("create 20: answered 403: trial expired")).unwrap();
        assert_eq!(row.len(), IN_A_ROW);
        assert_eq!((row[0].1.as_str(), row[19].1.as_str()), ("1", "20"));
        let under_way = streak.failed(Kind::Ticket, "21", &refusal("create 21: answered 403: trial expired"));
        assert_eq!(under_way.map(|row| row.len()), Some(1), "what was under way waits as well");
    }

    #[test]
    fn the_number_of_a_request_makes_no_other_answer() {
        let drawn = ["f3a9c01b", "deadbeef", "7b0c-41d2-aaaa", "V1StGXR8_Z5jdHi6B-myT", "QxZbKdWmRtYp", "12", "0x1F"];
        for (one, other) in drawn.iter().zip(drawn.iter().skip(1)) {
            let words = |id: &str| refusal(&format!("answered 403: suspended (request {id})"));
            assert!(alike(&words(one), &words(other)), "{one} {other}");
        }
        let group = |name: &str| refusal(&format!("answered 403: no right to the group {name}"));
        assert!(!alike(&group("Sales"), &group("Billing")));
    }

    #[tokio::test]
    async fn what_is_not_found_is_the_records_only_where_the_account_answers() {
        let gone = Problem::new(Reason::NotFound, "answered 404");
        assert_eq!(reach(&gone, async { Ok(()) }).await, Reach::Record);
        assert_eq!(reach(&gone, async { Err(Problem::new(Reason::NotFound, "answered 404")) }).await, Reach::Account);
    }

    #[test]
    fn one_that_goes_well_or_fails_otherwise_or_names_a_field_ends_the_row() {
        let others: [&dyn Fn(&Streak); 3] = [
            &|streak| streak.well(),
            &|streak| drop(streak.failed(Kind::Ticket, "x", &refusal("answered 403: no right to this group"))),
            &|streak| drop(streak.failed(Kind::Ticket, "x", &Problem::new(Reason::Invalid, "answered 400: subject"))),
        ];
        for other in others {
            let streak = Streak::default();
            for n in 1..IN_A_ROW {
                streak.failed(Kind::Ticket, &n.to_string(), &refusal("answered 403: closed"));
            }
            other(&streak);
            assert_eq!(streak.failed(Kind::Ticket, "y", &refusal("answered 403: closed")), None);
        }
    }
}
