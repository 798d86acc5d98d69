//! What customers said of the help they got, and the time it took. <https://developers.freshdesk.com/api/#satisfaction-ratings>,
//! <https://developers.freshdesk.com/api/#time-entries>
//!
//! *Unverified, stricter reading:* a rating that is made by a call stands among the messages, as one of a survey does, and so opens a
//! settled ticket; what is no value of the survey is refused; a time entry is an agent's, and of at most 255 characters.

use super::Ask;
use super::attributes::Attributes;
use super::form::Form;
use super::listing::{id_param, moment};
use super::pages::{Page, only};
use super::refusal::{Fault, Refusal};
use super::store::{Account, Rating, TimeEntry, stamp};
use crate::desk::Answer;
use serde_json::{Value, json};

/// What the survey that every account has takes.
const SCALE: [i64; 3] = [-103, 100, 103];
const QUESTION: &str = "default_question";
/// The source of a conversation that is a survey's answer.
const SURVEY: u8 = 6;

/// `GET /surveys`: there is one, and it is active.
pub fn surveys() -> Value {
    json!([{
        "id": 1, "title": "Default Survey", "active": true,
        "questions": [{ "id": QUESTION, "label": "How satisfied are you?", "accepted_ratings": SCALE }],
    }])
}

/// Minutes of `hh:mm`.
fn minutes(text: &str) -> Option<u64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.len() >= 2);
    Some(number(hours)? * 60 + number(minutes).filter(|n| *n < 60)?)
}

impl Rating {
    pub fn shown(&self) -> Value {
        json!({
            "id": self.id, "survey_id": 1, "user_id": self.user_id, "agent_id": self.agent_id, "feedback": self.feedback,
            "group_id": self.group_id, "ticket_id": self.ticket_id, "ratings": {"default_question": self.answer},
            "created_at": stamp(self.created_at), "updated_at": stamp(self.created_at),
        })
    }
}

impl TimeEntry {
    pub fn shown(&self) -> Value {
        json!({
            "billable": self.billable, "note": self.note, "timer_running": false, "id": self.id, "agent_id": self.agent_id,
            "ticket_id": self.ticket_id, "time_spent": format!("{:02}:{:02}", self.minutes / 60, self.minutes % 60),
            "created_at": stamp(self.executed_at), "updated_at": stamp(self.executed_at),
            "executed_at": stamp(self.executed_at), "start_time": stamp(self.executed_at),
        })
    }
}

impl Account {
    /// `GET /surveys/satisfaction_ratings`, and those of one ticket.
    pub fn list_ratings(&self, ticket: Option<u64>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        only(ask.call, &["created_since", "user_id", "page", "per_page"])?;
        self.has(ticket)?;
        let since = moment(ask.call.param("created_since"), "created_since")?;
        let user = id_param(ask.call.param("user_id"), "user_id")?;
        let wanted = |r: &&Rating| {
            ticket.is_none_or(|id| r.ticket_id == id)
                && since.is_none_or(|since| r.created_at >= since)
                && user.is_none_or(|id| r.user_id == id)
        };
        let rows: Vec<&Rating> = self.ratings.iter().filter(wanted).collect();
        Ok(Page::of(ask.call)?.answer(ask.call, &rows, |rating| rating.shown()))
    }

    /// `GET /time_entries`, and those of one ticket.
    pub fn list_time_entries(&self, ticket: Option<u64>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        only(
            ask.call,
            &["company_id", "agent_id", "executed_after", "executed_before", "billable", "page", "per_page"],
        )?;
        self.has(ticket)?;
        let agent = id_param(ask.call.param("agent_id"), "agent_id")?;
        let wanted =
            |t: &&TimeEntry| ticket.is_none_or(|id| t.ticket_id == id) && agent.is_none_or(|id| t.agent_id == id);
        let rows: Vec<&TimeEntry> = self.time_entries.iter().filter(wanted).collect();
        Ok(Page::of(ask.call)?.answer(ask.call, &rows, |entry| entry.shown()))
    }

    /// `POST /tickets/[id]/satisfaction_ratings`; as shown, without its id.
    pub fn add_rating(&mut self, ticket: u64, ask: &Ask<'_>) -> Result<Value, Refusal> {
        let own = self.writable(ticket)?;
        let (user_id, agent_id, group_id) = (own.requester_id, own.responder_id, own.group_id);
        let form = Form::of(ask.call)?;
        let mut sent = Attributes::of(&form, &["feedback", "ratings"])?;
        let feedback = sent.text("feedback").flatten();
        let answer = match sent.object("ratings").flatten() {
            None => {
                sent.fault(Fault::missing("ratings"));
                0
            }
            Some(ratings) => {
                let unknown: Vec<&String> = ratings.keys().filter(|name| *name != QUESTION).collect();
                sent.faults(unknown.into_iter().map(Fault::unexpected));
                let answer = ratings.get(QUESTION).and_then(Value::as_i64).unwrap_or_default();
                if !SCALE.contains(&answer) {
                    sent.fault(Fault::invalid(QUESTION, format!("It should be one of these values: {SCALE:?}")));
                }
                answer
            }
        };
        sent.done()?;
        let mut said = self.blank_conversation(user_id, &feedback.clone().unwrap_or_default(), ask.now);
        (said.source, said.incoming) = (SURVEY, true);
        self.receive(ticket, said);
        let id = self.next_id();
        let rating =
            Rating { id, ticket_id: ticket, user_id, agent_id, group_id, feedback, answer, created_at: ask.now };
        let mut shown = rating.shown();
        // As the page shows it.
        shown["id"] = json!(false);
        self.ratings.push(rating);
        Ok(shown)
    }

    /// `POST /tickets/[id]/time_entries`; its id.
    pub fn add_time_entry(&mut self, ticket: u64, ask: &Ask<'_>) -> Result<u64, Refusal> {
        self.writable(ticket)?;
        let form = Form::of(ask.call)?;
        let known = ["agent_id", "billable", "executed_at", "note", "start_time", "time_spent", "timer_running"];
        let mut sent = Attributes::of(&form, &known)?;
        let agent = sent.id("agent_id").flatten();
        if agent.is_some_and(|id| !self.is_agent(id)) {
            sent.fault(Fault::absent("agent_id", "agent"));
        }
        let billable = sent.flag("billable").flatten().unwrap_or(true);
        let executed_at = sent.time("executed_at").flatten();
        let note = sent.line("note").flatten();
        let start = sent.time("start_time").flatten();
        let running = sent.flag("timer_running").flatten();
        if start.is_some() && running == Some(false) {
            sent.fault(Fault::new("start_time", "incompatible_field", "start_time is for a timer that runs"));
        }
        if start.is_some_and(|start| start > ask.now) {
            sent.fault(Fault::invalid("start_time", "It should be in the past"));
        }
        let spent = sent.text("time_spent").flatten();
        let minutes = spent.as_deref().map_or(Some(0), minutes);
        if minutes.is_none() {
            sent.fault(Fault::invalid("time_spent", "It should be in the 'hh:mm' format"));
        }
        sent.done()?;
        let entry = TimeEntry {
            id: self.next_id(),
            ticket_id: ticket,
            agent_id: agent.unwrap_or(ask.caller),
            minutes: minutes.unwrap_or_default(),
            billable,
            note,
            executed_at: executed_at.unwrap_or(ask.now),
        };
        let id = entry.id;
        self.time_entries.push(entry);
        Ok(id)
    }

    pub fn time_entry(&self, id: u64) -> Result<Value, Refusal> {
        self.time_entries.iter().find(|entry| entry.id == id).map(TimeEntry::shown).ok_or(Refusal::NotFound)
    }

    fn has(&self, ticket: Option<u64>) -> Result<(), Refusal> {
        match ticket {
            Some(id) if !self.tickets.contains_key(&id) => Err(Refusal::NotFound),
            _ => Ok(()),
        }
    }
}
