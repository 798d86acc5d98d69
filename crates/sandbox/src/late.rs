//! Calls that lost their connection before they had their effect: a server goes on with what it was sent.

use super::desk::Call;
use jiff::Timestamp;

#[derive(Debug, Default)]
pub struct Late(Vec<(Timestamp, Call)>);

impl Late {
    /// The call has its effect at that moment.
    pub fn add(&mut self, due: Timestamp, call: Call) {
        self.0.push((due, call));
    }

    /// What has its effect until `now`, in its order; each is given once.
    pub fn due(&mut self, now: Timestamp) -> Vec<(Timestamp, Call)> {
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(|(at, _)| *at <= now);
        self.0 = later;
        due.sort_by_key(|(at, _)| *at);
        due
    }
}
