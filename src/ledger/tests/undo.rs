//! What undoing promises: the ledger forgets what is deleted, and nothing else.

use super::*;
use std::collections::BTreeMap;

fn doomed(id: &str, target_id: &str) -> Doomed {
    Doomed { kind: Kind::Ticket, id: id.into(), target_id: target_id.into() }
}

async fn made(link: &Link, id: &str, to: &str) {
    link.see(vec![seen(id, "h")]).await.unwrap();
    let intent = Intent::new(Some("mark"), "hash", None);
    link.intend(Kind::Ticket, id, &create(), intent).await.unwrap();
    link.applied(Kind::Ticket, id, &create(), Some(remote(to)), Origin::Created).await.unwrap();
    link.close(Kind::Ticket, id, done(to)).await.unwrap();
}

async fn adopted(link: &Link, id: &str, to: &str) {
    link.see(vec![seen(id, "h")]).await.unwrap();
    let end = End::Done { remote: remote(to), origin: Origin::Adopted, target_hash: None, target_updated_at: None };
    link.close(Kind::Ticket, id, end).await.unwrap();
}

#[tokio::test]
async fn only_what_was_made_is_listed_and_the_newest_comes_first() {
    let home = project();
    let link = link(home.path()).await;
    adopted(&link, "0", "90").await;
    for (id, to) in [("1", "11"), ("2", "12")] {
        made(&link, id, to).await;
    }
    let all = link.made_newest_first(Kind::Ticket, "create").await.unwrap();
    let all: Vec<&str> = all.iter().map(|made| made.id.as_str()).collect();
    assert_eq!(all, ["2", "1"]);
}

#[tokio::test]
async fn a_deleted_record_goes_back_to_work_with_whoever_went_by_it() {
    let home = project();
    let link = link(home.path()).await;
    made(&link, "1", "11").await;
    made(&link, "2", "12").await;
    adopted(&link, "3", "11").await;
    let plan = link.agree_to_undo("all", vec![doomed("2", "12"), doomed("1", "11")]).await.unwrap();
    link.intend_undo(plan, Kind::Ticket, "1").await.unwrap();
    assert!(link.undo_in_doubt().await.unwrap());
    link.undone_by(plan, &doomed("1", "11"), vec![]).await.unwrap();
    assert!(!link.undo_in_doubt().await.unwrap());
    for (id, state) in [("1", State::Staged), ("2", State::Done), ("3", State::Staged)] {
        let row = link.record(Kind::Ticket, id).await.unwrap().unwrap();
        assert_eq!((row.state, row.remote.is_some()), (state, state == State::Done), "{id}");
    }
    link.end_undo(plan).await.unwrap();
    let open = link.open_undo().await.unwrap().unwrap();
    assert_eq!((open.agreed, open.open), (2, 1), "a plan is not over while a record is to be deleted");
    link.left_by_undo(plan, Kind::Ticket, "2", "changed").await.unwrap();
    link.end_undo(plan).await.unwrap();
    assert_eq!(link.open_undo().await.unwrap(), None);
}

#[tokio::test]
async fn steps_of_a_trial_are_those_between_it_and_the_next_run() {
    let home = project();
    let link = link(home.path()).await;
    for (sample, id) in [(None, "1"), (Some(1), "2"), (None, "3")] {
        let run = link.run_started("run", &BTreeMap::new(), None).await.unwrap();
        if let Some(tickets) = sample {
            link.is_trial(run, tickets).await.unwrap();
        }
        made(&link, id, &format!("1{id}")).await;
    }
    let all = link.made_newest_first(Kind::Ticket, "create").await.unwrap();
    let spans = link.steps_of_trials().await.unwrap();
    let of_trials = all.iter().filter(|made| {
        let step = made.step.unwrap();
        spans.iter().any(|(after, until)| step > *after && step <= *until)
    });
    assert_eq!(of_trials.map(|made| made.id.as_str()).collect::<Vec<_>>(), ["2"]);
}
