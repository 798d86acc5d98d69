//! The read side of the accounts that are played in this process.

use crate::grid::{Excused, Fault, Reads};
use crate::page;
use crate::proxy::Call;
use crate::read_side::source::{At, Desk, FILE, FILES, Pace};
use crate::read_side::{CALLS, tried};
use deskferry_sandbox::freshdesk::{self, Freshdesk};
use deskferry_sandbox::zendesk::{self, Zendesk};
use jiff::{SignedDuration, Timestamp};

/// Its own word for it is believed, and the message says that the file is missing.
const FILE_GONE: Excused = Excused {
    call: FILE,
    faults: &[Fault::NotFound],
    because: "the platform says that it has no such file any more: a loss, which the message names",
};

/// What is in no list is asked for number by number.
const NO_SUCH_NUMBER: Excused = Excused {
    call: "GET /api/v2/tickets/archived/:n",
    faults: &[Fault::NotFound],
    because: "the platform says that no ticket has this number, as it says of most numbers that no list shows",
};

/// Cells of each source that every `cargo test` tries.
const DRAWN: usize = 12;
/// Tickets they have.
const ZENDESK_HAS: usize = 21;
const FRESHDESK_HAS: usize = 22;

fn zendesk() -> Desk {
    Desk {
        platform: "zendesk",
        title: "Zendesk (sandbox)",
        // Without the one with a hundred files, of which each is like the other.
        tickets: (1..=ZENDESK_HAS as u64).filter(|id| *id != 2).collect(),
        answers: &[("side_conversations", "yes")],
        paces: &[Pace::Limited, Pace::Free],
        reads,
        of_one: &["/comments.json", "/translations.json", "/attachments.json", "/side_conversations.json"],
        alike: usize::MAX,
        drawn: DRAWN,
        excused: &[FILE_GONE],
        once_wrong: &[
            ("/brands.json", Fault::Forbidden),
            ("/custom_statuses.json", Fault::NotFound),
            ("/ticket_forms.json", Fault::Forbidden),
            ("/group_memberships.json", Fault::Forbidden),
            ("/user_segments.json", Fault::NotFound),
        ],
        at: At::Played(|| {
            let usual = zendesk::Options::of(1, ZENDESK_HAS);
            Box::new(Zendesk::new(zendesk::Options { export_lag: SignedDuration::ZERO, ..usual }))
        }),
    }
}

fn freshdesk() -> Desk {
    Desk {
        platform: "freshdesk",
        title: "Freshdesk (sandbox)",
        // Without those with a hundred files; the number 15 is no ticket's.
        tickets: (1..=FRESHDESK_HAS as u64).filter(|id| ![4, 13, 15].contains(id)).collect(),
        answers: &[("archived", "yes")],
        paces: &[Pace::Limited, Pace::Free],
        reads,
        of_one: &[
            "/tickets/:n",
            "/conversations",
            "/contacts/:n",
            "/articles/:n",
            "/articles/:n/de",
            "/articles/:n/es",
        ],
        alike: usize::MAX,
        drawn: DRAWN,
        excused: &[FILE_GONE, NO_SUCH_NUMBER],
        once_wrong: &[("/products", Fault::Forbidden), ("/v2/time_entries", Fault::ServerError)],
        at: At::Played(|| {
            // What it has is dated by when it is made: every worker's is the same.
            let usual = freshdesk::Options::at(Timestamp::constant(1_767_225_600, 0));
            let lasting = 366 * 24 * 3600;
            Box::new(Freshdesk::new(freshdesk::Options {
                tickets: FRESHDESK_HAS,
                search_lag: SignedDuration::ZERO,
                link_seconds: lasting,
                ..usual
            }))
        }),
    }
}

/// What a call reads.
fn reads(call: &Call) -> Reads {
    let path = &call.path;
    let is_file = call.host == FILES
        || path.contains("/attachments/token/")
        || path.ends_with("/inline/attachment")
        || path.contains("attachment/");
    match is_file || (path.contains("article_attachments") && !path.ends_with(".json")) {
        true => Reads::Bytes,
        false => Reads::Rows,
    }
}

/// The table itself has to be able to fail: without the check of wholeness what was read of a ticket is taken for all of it.
#[cfg(debug_assertions)]
#[test]
fn without_the_check_of_wholeness_the_table_is_red() {
    let table = "read_sandboxes::whatever_call_of_a_zendesk_fails_in_whatever_way_the_target_is_whole_in_the_end";
    let mut naive = std::process::Command::new(std::env::current_exe().unwrap());
    naive.args(["--exact", table]).env_remove("DESKFERRY_TABLES").env("DESKFERRY_TABLE_SEED", "1");
    let ended = naive.env("DESKFERRY_NAIVE", "wholeness").env(CALLS, "/comments.json").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(!ended.status.success() && said.contains("cells are wrong"), "{said}");
    assert!(said.contains(r#"differs: ["ticket "#), "{said}");
}

#[test]
fn whatever_call_of_a_zendesk_fails_in_whatever_way_the_target_is_whole_in_the_end() {
    put("read-side-zendesk", &zendesk());
}

#[test]
fn whatever_call_of_a_freshdesk_fails_in_whatever_way_the_target_is_whole_in_the_end() {
    put("read-side-freshdesk", &freshdesk());
}

fn put(name: &str, desk: &Desk) {
    let table = tried(desk).markdown(desk.title, desk.excused);
    if page::whole() {
        page::write(name, &table);
    }
}
