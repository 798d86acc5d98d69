//! Answers that prove nothing: to a write, and to the look that follows one whose answer was lost.

use crate::vendor::Fault;
use crate::{APPEND, CREATE, Move, PRIVATE, expected};

/// Moves side by side: each waits for `settle`.
fn each<T: Copy + Sync + std::fmt::Debug + Send>(cases: &[T], check: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        let running: Vec<_> = cases.iter().map(|case| (case, scope.spawn(|| check(*case)))).collect();
        for (case, one) in running {
            assert!(one.join().is_ok(), "{case:?}");
        }
    });
}

/// A move whose write was done and answered 500, with so many odd answers to the looks that follow.
fn looked_for_oddly(write: usize, times: usize, status: u16, body: &'static str) -> Move {
    let all = Move::new();
    all.fault(write, Fault::ErrorAfterEffect);
    all.desk.lock().unwrap().odd_looks = Some((times, status, body));
    all
}

const ODD: [(u16, &str); 7] = [
    (200, "{}"),
    (200, "[]"),
    (200, "null"),
    (200, r#"{"ok":true}"#),
    (200, r#"{"tickets":null,"messages":null}"#),
    (200, r#"{"tickets":[],"messages":[],"count":3}"#),
    (404, r#"{"error":"not found"}"#),
];

#[test]
fn a_look_that_shows_no_list_is_made_again() {
    let cases: Vec<_> = [CREATE, APPEND].into_iter().flat_map(|write| ODD.map(|odd| (write, odd))).collect();
    each(&cases, |(write, (status, body))| {
        looked_for_oddly(write, 1, status, body).ends_well("looked for again");
    });
}

#[test]
fn where_no_look_shows_a_list_nothing_is_sent_again() {
    let cases: Vec<_> = [CREATE, APPEND].into_iter().flat_map(|write| ODD.map(|odd| (write, odd))).collect();
    each(&cases, |(write, (status, body))| {
        let all = looked_for_oddly(write, usize::MAX, status, body);
        let output = all.run(&[]);
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        all.desk.lock().unwrap().odd_looks = None;
        all.ends_well("looked for in the next run");
    });
}

const ODD_LISTS: [(u16, &str); 5] =
    [(200, "{}"), (200, r#"{"tickets":nul"#), (200, "<html>"), (404, "{}"), (403, "{}")];

#[test]
fn an_odd_answer_to_the_look_before_the_first_ticket_is_asked_for_again_and_then_stops_a_run_that_can_go_on() {
    each(&ODD_LISTS, |(status, body)| {
        let all = Move::new();
        all.desk.lock().unwrap().odd_first_looks = Some((1, status, body));
        all.ends_well("asked again");
        let all = Move::new();
        all.desk.lock().unwrap().odd_first_looks = Some((usize::MAX, status, body));
        let output = all.run(&[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(said.contains("looking for tickets of this migration") && said.contains("hint: "), "{said}");
        assert_eq!(all.writes(), 0, "nothing is written before it is known: {said}");
        all.desk.lock().unwrap().odd_first_looks = None;
        all.ends_well("the same command goes on");
    });
}

/// Lists of messages that lack some which were written before.
const SHORT: [&str; 2] = [r#"{"messages":[]}"#, r#"{"messages":[{"id":1,"text":"same","private":false}]}"#];

#[test]
fn a_list_that_lacks_messages_known_to_be_there_does_not_say_that_another_one_is_not() {
    each(&SHORT, |body| {
        looked_for_oddly(PRIVATE, 1, 200, body).ends_well("looked for again");
        let all = looked_for_oddly(PRIVATE, usize::MAX, 200, body);
        let output = all.run(&[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("not all that were written"), "{said}");
        all.desk.lock().unwrap().odd_looks = None;
        all.ends_well("looked for in the next run");
    });
}

const PAGES: [u16; 8] = [400, 401, 403, 404, 409, 413, 429, 451];

#[test]
fn a_page_in_the_place_of_a_refusal_is_no_proof_that_nothing_was_done() {
    let cases: Vec<_> = [CREATE, APPEND].into_iter().flat_map(|write| PAGES.map(|page| (write, page))).collect();
    each(&cases, |(write, status)| {
        let all = Move::new();
        all.fault(write, Fault::PageAfterEffect(status));
        all.ends_well("a page after the effect");
    });
}

#[test]
fn a_page_that_kept_a_write_away_fails_its_ticket_alone_once_it_is_proven() {
    each(&[CREATE, APPEND], |write| {
        let all = Move::new();
        all.fault(write, Fault::PageWithoutEffect(403));
        let output = all.run(&[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(
            stderr.contains("answered 403: Request blocked (not in the form of the platform's own answers)"),
            "{stderr}"
        );
        assert!(stderr.contains("(forbidden)"), "it is proven not to be there: {stderr}");
        assert_eq!(all.retry(&[]).status.code(), Some(0));
        assert_eq!(all.held(), expected());
    });
}

#[test]
fn what_a_write_was_told_is_still_known_when_the_look_for_it_fails() {
    each(&[CREATE, APPEND], |write| {
        let all = Move::new();
        all.fault(write, Fault::PageWithoutEffect(403));
        all.desk.lock().unwrap().odd_looks = Some((usize::MAX, 403, r#"{"error":"not allowed to look"}"#));
        let output = all.run(&[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        for words in ["not allowed to look", "when it was sent: answered 403: Request blocked"] {
            assert!(stderr.contains(words), "{words}: {stderr}");
        }
        all.desk.lock().unwrap().odd_looks = None;
        all.ends_well("looked for in the next run");
    });
}

#[test]
fn twenty_tickets_that_get_no_clear_answer_stop_a_run_that_goes_on_when_the_target_is_well() {
    let all = Move::new();
    let file = all.project.path().join("migration.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("settle = \"1s\"", "settle = \"0s\"")).unwrap();
    {
        let mut desk = all.desk.lock().unwrap();
        (desk.down, desk.more) = (true, 28);
    }
    let output = all.run(&[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    let words = "20 records in a row failed with the same answer: create: no clear answer in 4 tries";
    assert!(stderr.contains(words), "{stderr}");
    assert!(all.writes() < 30 * 4, "the others were not begun: {}", all.writes());
    all.desk.lock().unwrap().down = false;
    let output = all.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(all.desk.lock().unwrap().tickets.len(), 30);
}

/// The create of the second ticket, and an answer that is the one to the first.
const SECOND: usize = 4;
const THE_FIRST: (u16, &str) = (201, r#"{"id":0}"#);

#[test]
fn an_answer_that_names_the_record_of_another_ticket_is_not_believed() {
    let (status, body) = THE_FIRST;
    each(&[Fault::SaidAfterEffect(status, body), Fault::SaidWithoutEffect(status, body)], |fault| {
        let all = Move::new();
        all.fault(SECOND, fault);
        all.ends_well("the answer to another create");
        assert_eq!(all.writes(), if matches!(fault, Fault::SaidAfterEffect(..)) { 6 } else { 7 });
    });
}

#[test]
fn an_answer_that_names_no_record_is_not_believed() {
    const NAMELESS: [(u16, &str); 7] = [
        (201, "{}"),
        (204, ""),
        (200, "null"),
        (200, "[]"),
        (200, r#"{"id":null}"#),
        (200, r#"{"id":""}"#),
        (200, r#"{"error":"try later"}"#),
    ];
    each(&NAMELESS, |(status, body)| {
        for fault in [Fault::SaidAfterEffect(status, body), Fault::SaidWithoutEffect(status, body)] {
            let all = Move::new();
            all.fault(CREATE, fault);
            all.ends_well("a create without an id");
        }
    });
}
