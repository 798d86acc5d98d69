//! Every call of the read side of a real Request Tracker fails in turn, and what is migrated is whole in the end.
//!
//! The runs are made in this process, by a clock that waits for nothing but the server (`tests/faults/read_side`). Nothing is
//! written to the server, so that all runs read the same.

use crate::grid::{Excused, Fault, Reads};
use crate::harness::{self, Failed};
use crate::moves;
use crate::page;
use crate::proxy::{Call, Kept};
use crate::read_side::source::{At, Desk, Pace};
use crate::read_side::tried;
use crate::seed::expected::{Expected, Ticket};

/// Tickets that are migrated.
const TICKETS: usize = 20;
/// Words in the subjects of those that are there for a reason and not by chance.
const CHOSEN: [&str; 11] = [
    "private files",
    "requester without an e-mail address",
    "written by a customer without an e-mail address",
    "two requesters and people in copy",
    "a message that is only a file",
    "three messages in one second",
    "inline images",
    "one file sent twice",
    "refers to another",
    "referred to",
    "the ticket that stays after a merge",
];

pub fn trials() -> Vec<libtest_mimic::Trial> {
    harness::trials![Servers: whatever_call_of_a_request_tracker_fails_in_whatever_way_the_target_is_whole_in_the_end]
}

/// The chosen ones, and others up to the number.
fn picked(expected: &Expected) -> Vec<u64> {
    let is_chosen = |ticket: &&Ticket| CHOSEN.iter().any(|words| ticket.subject.ends_with(words));
    let chosen: Vec<&Ticket> = expected.tickets.iter().filter(is_chosen).collect();
    assert_eq!(chosen.len(), CHOSEN.len(), "the seed has other subjects");
    let others = expected.tickets.iter().filter(|ticket| !is_chosen(ticket)).take(TICKETS - chosen.len());
    let mut ids: Vec<u64> = chosen.iter().copied().chain(others).map(|ticket| ticket.id as u64).collect();
    ids.sort_unstable();
    ids
}

/// Files come in JSON, as texts do: how the answer is cut makes no difference to what it is.
fn reads(call: &Call) -> Reads {
    if call.path.starts_with("/REST/2.0/attachment/") { Reads::Packed } else { Reads::Rows }
}

const EXCUSED: &[Excused] = &[Excused {
    call: "GET /REST/2.0/attachment/:n",
    faults: &[Fault::NotFound],
    because: "the platform says that it has no such file any more: a loss, which the message names",
}];

fn whatever_call_of_a_request_tracker_fails_in_whatever_way_the_target_is_whole_in_the_end() -> Result<(), Failed> {
    let server = moves::running_source()?;
    let expected = Expected::load(&server.dir.join("expected.json"))?;
    let desk = Desk {
        platform: "rt",
        title: "Request Tracker 5 (a real one)",
        tickets: picked(&expected),
        answers: &[],
        paces: &[Pace::Limited],
        reads,
        of_one: &["/history", "/attachments", "/user/:n", "/customfield/:n"],
        alike: 2,
        drawn: 5,
        excused: EXCUSED,
        once_wrong: &[],
        at: At::Served {
            address: server.var("RT_BASE_URL")?.to_owned(),
            secrets: vec![("token".to_owned(), server.var("RT_TOKEN")?.to_owned())],
            answers: Kept::default(),
        },
    };
    let table = tried(&desk);
    if page::whole() {
        page::write("read-side-rt", &table.markdown(desk.title, desk.excused));
    }
    Ok(())
}
