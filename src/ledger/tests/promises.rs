use super::*;
use crate::error::{Loss, Problem, Reason};
use serde_json::json;
use std::collections::BTreeMap;

fn problem(reason: Reason) -> Problem {
    Problem::new(reason, "it went wrong").hint("do better")
}

#[tokio::test]
async fn a_changed_record_goes_back_to_work_and_keeps_its_target() {
    let project = project();
    let link = link(project.path()).await;
    let counts = link.see(vec![seen("1", "a"), seen("2", "a")]).await.unwrap();
    assert_eq!(counts, SeenCounts { new: 2, changed: 0, same: 0 });
    link.intend(Kind::Ticket, "1", &create(), Intent::new(Some("m1"), "h", None)).await.unwrap();
    link.applied(Kind::Ticket, "1", &create(), Some(remote("71")), Origin::Created).await.unwrap();
    link.close(Kind::Ticket, "1", done("71")).await.unwrap();

    let counts = link.see(vec![seen("1", "b"), seen("2", "a"), seen("3", "a")]).await.unwrap();
    assert_eq!(counts, SeenCounts { new: 1, changed: 1, same: 1 });
    let record = link.record(Kind::Ticket, "1").await.unwrap().unwrap();
    assert_eq!((record.state, record.remote.as_ref()), (State::Staged, Some(&remote("71"))));
    assert_eq!(link.target_of(Kind::Ticket, "1").await.unwrap(), Some(remote("71")));
    let steps = link.steps(Kind::Ticket, "1").await.unwrap();
    assert_eq!((steps.len(), steps[0].state), (1, StepState::Applied));
}

#[tokio::test]
async fn a_change_does_not_settle_a_doubt() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "a")]).await.unwrap();
    let end = End::InDoubt { problem: problem(Reason::InDoubt), look_at: Some("https://new.test/x".into()) };
    link.close(Kind::Ticket, "1", end).await.unwrap();
    link.see(vec![seen("1", "b")]).await.unwrap();
    let record = link.record(Kind::Ticket, "1").await.unwrap().unwrap();
    assert_eq!((record.state, record.content_hash.as_str()), (State::InDoubt, "b"));
    assert_eq!(record.problem, Some(problem(Reason::InDoubt)));
    assert_eq!(record.look_at.as_deref(), Some("https://new.test/x"));
}

#[tokio::test]
async fn records_are_taken_up_in_the_order_they_were_first_seen() {
    let project = project();
    let link = link(project.path()).await;
    link.see(["9", "1", "5", "3"].map(|id| seen(id, "a")).into()).await.unwrap();
    link.see(vec![seen("9", "b")]).await.unwrap();
    link.close(Kind::Ticket, "1", End::Parked { problem: problem(Reason::Unresolved) }).await.unwrap();
    link.close(Kind::Ticket, "5", done("70")).await.unwrap();

    let first = link.next(Kind::Ticket, State::TAKEN_UP, None, 2).await.unwrap();
    assert_eq!(ids(&first), ["9", "1"]);
    let rest = link.next(Kind::Ticket, State::TAKEN_UP, Some(first[1].seq), 2).await.unwrap();
    assert_eq!(ids(&rest), ["3"]);
    assert_eq!(ids(&link.next(Kind::Ticket, State::ALL, None, 9).await.unwrap()), ["9", "1", "5", "3"]);
    assert!(link.next(Kind::Contact, State::ALL, None, 9).await.unwrap().is_empty());
    assert!(link.next(Kind::Ticket, &[], None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_step_that_may_have_happened_is_never_intended_again() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "a")]).await.unwrap();
    let again = async || link.intend(Kind::Ticket, "1", &create(), Intent::new(Some("m"), "h", None)).await;
    again().await.unwrap();
    assert_eq!(again().await.unwrap_err().reason, Reason::Internal);
    link.unknown(Kind::Ticket, "1", &create(), problem(Reason::Timeout)).await.unwrap();
    assert_eq!(again().await.unwrap_err().reason, Reason::Internal);

    link.forget(Kind::Ticket, "1", &create()).await.unwrap();
    again().await.unwrap();
    link.rejected(Kind::Ticket, "1", &create(), problem(Reason::Invalid)).await.unwrap();
    again().await.unwrap();
    link.applied(Kind::Ticket, "1", &create(), Some(remote("7")), Origin::Created).await.unwrap();
    let refused = again().await.unwrap_err();
    assert_eq!(refused.to_string(), "ticket 1, step create: intended again, and it is applied already");
    for undone in [
        link.forget(Kind::Ticket, "1", &create()).await,
        link.rejected(Kind::Ticket, "1", &create(), problem(Reason::Invalid)).await,
        link.unknown(Kind::Ticket, "1", &create(), problem(Reason::Timeout)).await,
    ] {
        assert_eq!(undone.unwrap_err().reason, Reason::Internal);
    }

    let steps = link.steps(Kind::Ticket, "1").await.unwrap();
    assert_eq!((steps[0].state, steps[0].tries, steps[0].remote.as_ref()), (StepState::Applied, 3, Some(&remote("7"))));
}

#[tokio::test]
async fn a_repeatable_step_may_be_sent_again_and_keeps_what_it_wrote() {
    let project = project();
    let link = link(project.path()).await;
    let key = StepKey::new("final state", "", 0);
    link.see(vec![seen("1", "a")]).await.unwrap();
    link.intend_repeatable(Kind::Ticket, "1", &key, Intent::new(None, "h1", None)).await.unwrap();
    link.applied(Kind::Ticket, "1", &key, Some(remote("7")), Origin::Created).await.unwrap();
    link.intend_repeatable(Kind::Ticket, "1", &key, Intent::new(None, "h2", None)).await.unwrap();
    let steps = link.steps(Kind::Ticket, "1").await.unwrap();
    assert_eq!(steps[0].request_hash.as_deref(), Some("h2"));
    assert_eq!((steps[0].state, steps[0].remote.as_ref()), (StepState::Intent, Some(&remote("7"))));
}

#[tokio::test]
async fn a_record_is_not_closed_over_a_step_in_doubt() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "a")]).await.unwrap();
    link.intend(Kind::Ticket, "1", &create(), Intent::new(None, "h", None)).await.unwrap();
    let skipped = End::Skipped { problem: problem(Reason::Mapping), stands_for: None };
    for end in [done("7"), End::Failed { problem: problem(Reason::Invalid) }, skipped] {
        assert_eq!(link.close(Kind::Ticket, "1", end).await.unwrap_err().reason, Reason::Internal);
    }
    assert_eq!(link.record(Kind::Ticket, "1").await.unwrap().unwrap().state, State::Writing);
    link.close(Kind::Ticket, "1", End::InDoubt { problem: problem(Reason::InDoubt), look_at: None }).await.unwrap();
}

#[tokio::test]
async fn a_step_in_doubt_is_found_by_its_marker() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "a"), seen("2", "a")]).await.unwrap();
    link.intend(Kind::Ticket, "1", &create(), Intent::new(Some("m1"), "h", None)).await.unwrap();
    link.intend(Kind::Ticket, "2", &create(), Intent::new(Some("m2"), "h", None)).await.unwrap();
    link.unknown(Kind::Ticket, "2", &create(), problem(Reason::Timeout)).await.unwrap();
    let open = async |marker: &str| link.step_by_marker(marker).await.unwrap().map(|open| (open.id, open.step.state));
    assert_eq!(open("m1").await, Some(("1".to_owned(), StepState::Intent)));
    assert_eq!(open("m2").await, Some(("2".to_owned(), StepState::Unknown)));
    assert_eq!(open("m3").await, None);
}

#[tokio::test]
async fn references_to_a_merged_record_reach_the_one_that_carries_it() {
    let project = project();
    let link = link(project.path()).await;
    link.see(["1", "2", "3", "4", "5"].map(|id| seen(id, "a")).into()).await.unwrap();
    let merged = |into: &str| End::Skipped {
        problem: problem(Reason::Merged),
        stands_for: Some((Kind::Ticket, into.to_owned())),
    };
    link.close(Kind::Ticket, "1", merged("2")).await.unwrap();
    link.close(Kind::Ticket, "2", merged("3")).await.unwrap();
    assert_eq!(link.target_of(Kind::Ticket, "1").await.unwrap(), None);
    link.arrived(Kind::Ticket, "3", remote("73"), Origin::Created).await.unwrap();
    link.close(Kind::Ticket, "4", merged("5")).await.unwrap();
    link.close(Kind::Ticket, "5", merged("4")).await.unwrap();

    let asked = ["1", "2", "3", "4", "5", "6"].map(|id| (Kind::Ticket, id.to_owned())).to_vec();
    let found = link.targets_of(asked).await.unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.values().all(|target| *target == remote("73")));
}

#[tokio::test]
async fn what_was_created_stays_ours_to_undo() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "a")]).await.unwrap();
    link.close(Kind::Ticket, "1", done("7")).await.unwrap();
    link.arrived(Kind::Ticket, "1", remote("7"), Origin::Matched).await.unwrap();
    assert_eq!(link.record(Kind::Ticket, "1").await.unwrap().unwrap().origin, Some(Origin::Created));
    link.arrived(Kind::Ticket, "1", remote("8"), Origin::Matched).await.unwrap();
    assert_eq!(link.record(Kind::Ticket, "1").await.unwrap().unwrap().origin, Some(Origin::Matched));
}

#[tokio::test]
async fn everything_about_a_target_record_is_kept() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![Seen { number: Some("#1".into()), updated_at: Some(Timestamp::UNIX_EPOCH), ..seen("1", "a") }])
        .await
        .unwrap();
    let outputs = BTreeMap::from([("login".to_owned(), json!("ann")), ("n".to_owned(), json!([1, null]))]);
    let remote = Remote { id: "7".into(), number: Some("P-7".into()), url: Some("https://new.test/7".into()), outputs };
    let end = End::Done {
        remote: remote.clone(),
        origin: Origin::Adopted,
        target_hash: Some("th".into()),
        target_updated_at: Some(Timestamp::from_millisecond(5).unwrap()),
    };
    link.close(Kind::Ticket, "1", end).await.unwrap();
    let record = link.record(Kind::Ticket, "1").await.unwrap().unwrap();
    assert_eq!((record.remote, record.origin), (Some(remote.clone()), Some(Origin::Adopted)));
    assert_eq!((record.number.as_deref(), record.updated_at), (Some("#1"), Some(Timestamp::UNIX_EPOCH)));
    assert_eq!(record.target_hash.as_deref(), Some("th"));
    assert_eq!(record.target_updated_at, Some(Timestamp::from_millisecond(5).unwrap()));
    link.applied(Kind::Ticket, "1", &create(), Some(remote.clone()), Origin::Adopted).await.unwrap();
    assert_eq!(link.steps(Kind::Ticket, "1").await.unwrap()[0].remote, Some(remote));
}

#[tokio::test]
async fn a_loss_is_counted_once_however_often_it_is_noted() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "a"), seen("2", "a")]).await.unwrap();
    for _ in 0..2 {
        link.lose(Kind::Ticket, "1", "c1", Loss::Author, "ann").await.unwrap();
        link.lose(Kind::Ticket, "1", "c2", Loss::Author, "ann").await.unwrap();
        link.lose(Kind::Ticket, "2", "", Loss::Tag, "vip").await.unwrap();
    }
    let count = |loss, records, times| LossCount { kind: Kind::Ticket, loss, records, times };
    assert_eq!(link.loss_counts().await.unwrap(), [count(Loss::Author, 1, 2), count(Loss::Tag, 1, 1)]);
    let page = link.next(Kind::Ticket, State::ALL, None, 1).await.unwrap();
    let losses = link.losses_between(Kind::Ticket, page[0].seq, page[0].seq).await.unwrap();
    assert_eq!(losses.iter().map(|loss| loss.child.as_str()).collect::<Vec<_>>(), ["c1", "c2"]);
    link.lose_anew(Kind::Ticket, "1", vec![]).await.unwrap();
    assert_eq!(link.loss_counts().await.unwrap(), [count(Loss::Tag, 1, 1)]);
}

#[tokio::test]
async fn retry_takes_only_the_reasons_it_is_told() {
    let project = project();
    let link = link(project.path()).await;
    link.see(["1", "2", "3"].map(|id| seen(id, "a")).into()).await.unwrap();
    link.close(Kind::Ticket, "1", End::Failed { problem: problem(Reason::Invalid) }).await.unwrap();
    link.close(Kind::Ticket, "2", End::Failed { problem: problem(Reason::TooLarge) }).await.unwrap();
    link.close(Kind::Ticket, "3", End::Parked { problem: problem(Reason::Invalid) }).await.unwrap();
    assert_eq!(link.take_up(&[State::Failed], &[Reason::Invalid]).await.unwrap(), 1);
    let counts: Vec<_> =
        link.counts().await.unwrap().into_iter().map(|count| (count.state, count.reason, count.records)).collect();
    assert_eq!(
        counts,
        [
            (State::Staged, None, 1),
            (State::Parked, Some(Reason::Invalid), 1),
            (State::Failed, Some(Reason::TooLarge), 1)
        ]
    );
}

#[tokio::test]
async fn a_run_that_was_killed_has_no_end() {
    let project = project();
    let link = link(project.path()).await;
    let manifests = BTreeMap::from([("rt".to_owned(), "abc".to_owned())]);
    let first = link.run_started("run", &manifests, Some("a")).await.unwrap();
    link.run_ended(first, 3, &json!({"calls": 7})).await.unwrap();
    let ended = link.last_run().await.unwrap().unwrap();
    assert_eq!((ended.exit_code, ended.calls, ended.manifests), (Some(3), Some(json!({"calls": 7})), manifests));
    link.run_started("sync", &BTreeMap::new(), None).await.unwrap();
    assert_eq!(link.last_rules().await.unwrap().as_deref(), Some("a"));
    let killed = link.last_run().await.unwrap().unwrap();
    assert_eq!((killed.command.as_str(), killed.ended_at, killed.exit_code), ("sync", None, None));
}

#[tokio::test]
async fn a_watermark_moves_only_when_it_is_set() {
    let project = project();
    let link = link(project.path()).await;
    link.set_watermark(Kind::Ticket, Watermark { value: "t1".into(), ahead: None }).await.unwrap();
    link.see(vec![Seen { updated_at: Some(Timestamp::now()), ..seen("1", "a") }]).await.unwrap();
    assert_eq!(link.watermark(Kind::Ticket).await.unwrap().map(|mark| mark.value).as_deref(), Some("t1"));
    link.set_watermark(Kind::Ticket, Watermark { value: "t2".into(), ahead: None }).await.unwrap();
    assert_eq!(link.watermark(Kind::Ticket).await.unwrap().map(|mark| mark.value).as_deref(), Some("t2"));
    assert_eq!(link.watermark(Kind::Contact).await.unwrap(), None);
}

#[tokio::test]
async fn a_record_never_seen_cannot_be_worked_on() {
    let project = project();
    let link = link(project.path()).await;
    let refused = link.intend(Kind::Ticket, "1", &create(), Intent::new(None, "h", None)).await.unwrap_err();
    assert_eq!(refused.to_string(), "ticket 1: the ledger never saw this record");
    assert!(link.lose(Kind::Ticket, "1", "", Loss::Tag, "x").await.is_err());
    assert!(link.close(Kind::Ticket, "1", done("7")).await.is_err());
}

#[tokio::test]
async fn only_a_copy_books_steps_that_were_not_intended() {
    let (project, folder) = (project(), tempfile::tempdir().unwrap());
    let ledger = Ledger::open(project.path()).unwrap();
    let link = ledger.link("https://old.test", "https://new.test").await.unwrap();
    link.see(vec![seen("1", "a")]).await.unwrap();
    let told = || {
        let remote = Some(remote("7"));
        vec![Told { key: create(), marker: None, request_hash: "h".into(), remote, origin: Origin::Created }]
    };
    assert_eq!(link.book(Kind::Ticket, "1", told()).await.unwrap_err().reason, Reason::Internal);

    let copy = ledger.copy_to(folder.path()).await.unwrap();
    let tried = copy.link("https://old.test", "https://new.test").await.unwrap();
    tried.book(Kind::Ticket, "1", told()).await.unwrap();
    tried.close(Kind::Ticket, "1", done("7")).await.unwrap();
    let step = tried.steps(Kind::Ticket, "1").await.unwrap().remove(0);
    assert_eq!((step.state, step.request_hash.as_deref()), (StepState::Applied, Some("h")));
    assert_eq!(step.remote, Some(remote("7")));
    assert!(link.steps(Kind::Ticket, "1").await.unwrap().is_empty(), "the ledger itself knows nothing of it");
}
