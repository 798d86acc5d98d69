//! Recorded answers of vendors are read by the shipped manifests: what comes out is compared with the answers by a walk of their own,
//! and no key of theirs is left unread unless the manifest says why.
//!
//! The recordings are not part of this repository. `DESKFERRY_RECORDED` names the folder that has them, as
//! `PLATFORM/exchanges.jsonl.gz`; unless said it is `../shared/recorded` beside the checkout. Where there is none the tests are
//! *ignored*, with that reason.

#[path = "../connectors/account.rs"]
mod account;
#[path = "../connectors/answers.rs"]
#[expect(dead_code, reason = "the suite of the connectors uses more of it")]
mod answers;
mod compare;
mod desk;
mod freshdesk;
mod freshservice;
mod keys;
mod recording;
mod stream;
mod zendesk;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A test of what was recorded of a platform.
fn trial(platform: &'static str, name: &str, test: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::ignorable_test(format!("{platform}::{name}"), move || match recording::lacking(platform) {
        Some(why) => Ok(Completion::ignored_with(why)),
        None => test().map(|()| Completion::Completed).map_err(Failed::from),
    })
}

/// The tests of one platform.
fn of(platform: &'static stream::Platform) -> Vec<Trial> {
    let mut all = vec![trial(platform.name, "every_answer_is_read_by_a_stream_or_it_is_said_why_not", || {
        stream::every_answer_is_read(platform)
    })];
    for (at, stream) in platform.streams.iter().enumerate() {
        let name = stream.name;
        all.push(trial(platform.name, &format!("{name}_rows_become_records_that_hold_what_they_say"), move || {
            stream::is_as_recorded(platform, &platform.streams[at])
        }));
        all.push(trial(platform.name, &format!("{name}_rows_have_no_key_that_is_left_unread_unnamed"), move || {
            stream::nothing_is_unnamed(platform, &platform.streams[at])
        }));
    }
    all
}

fn main() -> std::process::ExitCode {
    let mut trials = vec![Trial::test("keys::what_is_read_and_what_is_not_is_told_apart", || {
        keys::told_apart();
        Ok(())
    })];
    for platform in [&zendesk::PLATFORM, &freshdesk::PLATFORM, &freshservice::PLATFORM] {
        trials.extend(of(platform));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
