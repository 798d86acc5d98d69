//! Background jobs. <https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/>
//!
//! A job waits, then writes row after row as time passes, in an order of its own: neither ids nor results are in that of the input (recorded).
//! It is completed however many rows failed. At most 30 wait or work at once. Its status is there for an hour after it was created, and the
//! list is in pages by cursor, those that ended last first. *Unverified:* the words of a row that failed, after those recorded of
//! organizations; that the list ends after a hundred jobs (said by users); that those at work come last in it.

use super::imports::Shelf;
use super::refusal;
use super::sent::{Invalid, number};
use super::store::{Account, Cause, HERE};
use super::users::Made;
use crate::desk::{Answer, Call, Ends, Fate};
use crate::random::Random;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// Waiting and working together.
const MOST: usize = 30;
/// Rows of one.
pub const MOST_ROWS: usize = 100;
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(1);
/// In the list.
const MOST_LISTED: usize = 100;
const ACCOUNT_ID: u64 = 4711;

/// How long jobs take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub waits: SignedDuration,
    pub row: SignedDuration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { waits: SignedDuration::from_millis(150), row: SignedDuration::from_millis(3) }
    }
}

/// How a job is asked for.
#[derive(Debug)]
pub struct Wanted {
    pub now: Timestamp,
    /// `METHOD /path`
    pub call: String,
    pub fate: Option<Fate>,
}

/// What a job does with each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Import(Shelf),
    CreateTickets,
    UpdateTickets,
    CreateUsers,
    CreateOrUpdateUsers,
    CreateOrganizations,
}

impl Work {
    /// Names beside the recorded ones are unverified.
    fn told(self) -> &'static str {
        match self {
            Self::Import(_) => "Bulk Import Ticket",
            Self::CreateTickets => "Bulk Create Ticket",
            Self::UpdateTickets => "Bulk Update Ticket",
            Self::CreateUsers => "Bulk Create User",
            Self::CreateOrUpdateUsers => "Bulk Create Or Update User",
            Self::CreateOrganizations => "Bulk Create Organization",
        }
    }

    fn failed(self) -> &'static str {
        match self {
            Self::Import(_) | Self::CreateTickets => "TicketCreateFailed",
            Self::UpdateTickets => "TicketUpdateFailed",
            Self::CreateUsers | Self::CreateOrUpdateUsers => "UserCreateFailed",
            Self::CreateOrganizations => "OrganizationCreateFailed",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Working,
    Completed,
    Killed,
    Vanished,
}

#[derive(Debug)]
struct Job {
    id: String,
    work: Work,
    call: String,
    began: Timestamp,
    ended: Option<Timestamp>,
    /// With their places in the request, in the order they are written.
    rows: Vec<(usize, Map<String, Value>)>,
    fate: Option<Fate>,
    state: State,
    done: usize,
    results: Vec<Value>,
}

impl Job {
    fn is_at_work(&self) -> bool {
        matches!(self.state, State::Queued | State::Working)
    }

    /// Rows it will write.
    fn reach(&self) -> usize {
        let most = self.fate.and_then(|fate| fate.rows).map_or(usize::MAX, |rows| rows as usize);
        self.rows.len().min(most)
    }

    fn show(&self) -> Value {
        let (status, message) = match self.state {
            State::Queued => ("queued", Value::Null),
            State::Working => ("working", json!(format!("{} #{}", self.work.told(), self.done))),
            State::Completed => {
                ("completed", json!(self.ended.map(|at| at.strftime("Completed at %F %T +0000").to_string())))
            }
            State::Killed | State::Vanished => ("killed", Value::Null),
        };
        json!({
            "id": self.id, "job_type": self.work.told(), "url": format!("{HERE}/api/v2/job_statuses/{}.json", self.id),
            "total": self.rows.len(), "progress": (self.state != State::Queued).then_some(self.done), "status": status,
            "message": message, "results": (self.state == State::Completed).then_some(&self.results),
        })
    }
}

/// All of an account.
#[derive(Debug, Default)]
pub struct Jobs {
    pub pace: Pace,
    seed: u64,
    all: Vec<Job>,
}

impl Jobs {
    pub fn new(pace: Pace, seed: u64) -> Self {
        Self { pace, seed, all: Vec::new() }
    }

    fn known(&self, now: Timestamp) -> impl Iterator<Item = &Job> {
        let is_known = move |job: &&Job| job.state != State::Vanished && now <= job.began + KNOWN_FOR;
        self.all.iter().filter(is_known)
    }

    /// For whoever looks at the contents.
    pub fn told(&self) -> Value {
        let row = |job: &Job| {
            let mut row = job.show();
            (row["written"], row["vanished"]) = (json!(job.done), json!(job.state == State::Vanished));
            row
        };
        self.all.iter().map(row).collect()
    }
}

impl Account {
    /// Starts a job over the rows of a request.
    pub fn start(&mut self, work: Work, rows: Vec<Map<String, Value>>, wanted: Wanted) -> Answer {
        let Wanted { now, call, fate } = wanted;
        if self.jobs.all.iter().filter(|job| job.is_at_work()).count() >= MOST {
            return refusal::too_many_jobs();
        }
        let mut random = Random::of(self.jobs.seed, &[8, self.jobs.all.len() as u64]);
        let id = format!("V3-{:016x}{:016x}", random.draw(), random.draw());
        let mut rows: Vec<(usize, Map<String, Value>)> = rows.into_iter().enumerate().collect();
        shuffle(&mut rows, &mut random);
        let job = Job {
            id,
            work,
            call,
            began: now,
            ended: None,
            rows,
            fate,
            state: State::Queued,
            done: 0,
            results: Vec::new(),
        };
        let answer = Answer::json(200, &json!({ "job_status": job.show() }));
        self.jobs.all.push(job);
        answer
    }

    /// Writes what is due until `now`.
    pub fn pass(&mut self, now: Timestamp) {
        for place in 0..self.jobs.all.len() {
            if self.jobs.all[place].is_at_work() {
                self.go_on(place, now);
            }
        }
    }

    fn go_on(&mut self, place: usize, now: Timestamp) {
        let Pace { waits, row } = self.jobs.pace;
        let job = &mut self.jobs.all[place];
        let works_for = now.duration_since(job.began) - waits;
        if works_for.is_negative() {
            return;
        }
        job.state = State::Working;
        let due = works_for.as_millis() / row.as_millis().max(1);
        let due = usize::try_from(due).unwrap_or(usize::MAX).min(job.reach());
        while self.jobs.all[place].done < due {
            self.write_row(place);
        }
        let job = &mut self.jobs.all[place];
        if job.done < job.reach() {
            return;
        }
        job.state = match job.fate.map(|fate| fate.ends) {
            None => State::Completed,
            Some(Ends::Killed) => State::Killed,
            Some(Ends::Vanished) => State::Vanished,
            Some(Ends::Stuck) => return,
        };
        job.ended = Some(now);
        // The answer of a job is in an order of its own as well.
        let mut random = Random::of(self.jobs.seed, &[9, place as u64]);
        shuffle(&mut self.jobs.all[place].results, &mut random);
    }

    /// The next row, at the moment it is due.
    fn write_row(&mut self, place: usize) {
        let Pace { waits, row } = self.jobs.pace;
        let job = &mut self.jobs.all[place];
        let now = job.began + waits + row * i32::try_from(job.done + 1).unwrap_or(i32::MAX);
        let (index, values) = job.rows[job.done].clone();
        let (work, call) = (job.work, job.call.clone());
        job.done += 1;
        let cause = Cause { at: Timestamp::from_second(now.as_second()).unwrap_or(now), call };
        let written = match work {
            Work::Import(shelf) => self.import_ticket(&values, shelf, &cause).map(|id| (id, Made::New)),
            Work::CreateTickets => self.create_ticket(&values, &cause).map(|id| (id, Made::New)),
            Work::UpdateTickets => self.update_row(&values, &cause).map(|id| (id, Made::Known)),
            Work::CreateUsers => self.create_user(&values, &cause).map(|id| (id, Made::New)),
            Work::CreateOrUpdateUsers => self.create_or_update_user(&values, &cause),
            Work::CreateOrganizations => self.create_organization(&values, &cause).map(|id| (id, Made::New)),
        };
        let result = match written {
            Ok((id, _)) if work == Work::CreateOrganizations => json!({ "id": id, "status": "Created" }),
            Ok((id, _)) if work == Work::UpdateTickets => {
                json!({ "index": index, "id": id, "action": "update", "status": "Updated", "success": true })
            }
            Ok((id, made)) if names_nobody(work, place) => {
                json!({ "id": id, "status": if made == Made::New { "Created" } else { "Updated" } })
            }
            Ok((id, _)) => json!({ "index": index, "id": id, "account_id": ACCOUNT_ID }),
            Err(invalid) => json!({ "index": index, "error": work.failed(), "details": invalid.told() }),
        };
        self.jobs.all[place].results.push(result);
    }

    fn update_row(&mut self, values: &Map<String, Value>, cause: &Cause) -> Result<u64, Invalid> {
        let id =
            values.get("id").and_then(number).filter(|id| self.ticket(*id).is_some_and(|t| !t.deleted && !t.archived));
        let id = id.ok_or_else(|| Invalid::from(super::sent::Fault::invalid("id", "is invalid")))?;
        let rest: Map<String, Value> = values
            .iter()
            .filter(|(name, _)| *name != "id")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self.update_ticket(id, &rest, cause).map(|()| id)
    }

    /// `GET /job_statuses` and what is below it.
    pub fn show_jobs(&self, path: &[&str], call: &Call, now: Timestamp) -> Answer {
        match path {
            [] => {
                let mut jobs: Vec<&Job> = self.jobs.known(now).collect();
                jobs.sort_by_key(|job| std::cmp::Reverse((job.ended, job.began)));
                let rows = jobs.into_iter().take(MOST_LISTED).map(Job::show).collect::<Vec<_>>();
                super::pages::by_cursor("job_statuses", &rows, call)
            }
            ["show_many"] => {
                let Some(ids) = call.param("ids") else { return refusal::invalid("ids", "is missing") };
                let wanted: Vec<&str> = ids.split(',').collect();
                if wanted.len() > MOST_ROWS {
                    return refusal::too_many_values();
                }
                let rows = self.jobs.known(now).filter(|job| wanted.contains(&job.id.as_str()));
                Answer::json(200, &json!({ "job_statuses": rows.map(Job::show).collect::<Vec<_>>() }))
            }
            [id] => match self.jobs.known(now).find(|job| job.id == *id) {
                Some(job) => Answer::json(200, &json!({ "job_status": job.show() })),
                None => refusal::not_found(),
            },
            _ => refusal::invalid_endpoint(),
        }
    }
}

/// Results of users were seen in both shapes, with a place and with nothing but an id: every second job has the other one.
fn names_nobody(work: Work, place: usize) -> bool {
    matches!(work, Work::CreateUsers | Work::CreateOrUpdateUsers) && place % 2 == 1
}

fn shuffle<T>(rows: &mut [T], random: &mut Random) {
    for n in (1..rows.len()).rev() {
        rows.swap(n, random.below(n as u64 + 1) as usize);
    }
}
