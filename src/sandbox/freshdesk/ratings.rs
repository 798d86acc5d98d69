//! What customers said of the help they got, and the time it took. <https://developers.freshdesk.com/api/#satisfaction-ratings>,
//! <https://developers.freshdesk.com/api/#time-entries>

use super::Ask;
use super::listing::{id_param, moment};
use super::pages::{Page, only};
use super::refusal::Refusal;
use super::store::{Account, Rating, TimeEntry, stamp};
use crate::sandbox::desk::Answer;
use serde_json::{Value, json};

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

    fn has(&self, ticket: Option<u64>) -> Result<(), Refusal> {
        match ticket {
            Some(id) if !self.tickets.contains_key(&id) => Err(Refusal::NotFound),
            _ => Ok(()),
        }
    }
}
