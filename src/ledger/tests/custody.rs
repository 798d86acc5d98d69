use super::*;
use rusqlite::Connection;

#[tokio::test]
async fn a_migration_is_known_again_under_another_name_of_an_account() {
    let project = project();
    let ledger = Ledger::open(project.path()).unwrap();
    let link = ledger.link("http://localhost:4000/rt", "https://b.test").await.unwrap();
    for spelling in ["http://127.0.0.1:4000/rt/", "http://[::1]:4000/rt", "http://LOCALHOST:4000/rt"] {
        assert_eq!(ledger.link(spelling, "https://www.b.test/").await.unwrap().id(), link.id(), "{spelling}");
    }
    let folder = |path: &str| Accounts {
        source: Named::at(path).called(Some("folder:1".into())),
        target: Named::at("https://b.test"),
    };
    let before = ledger.begin(&folder("/here"), &Which::ByAccounts).await.unwrap();
    let after = ledger.migration(&folder("/there"), &Which::ByAccounts).await.unwrap();
    assert_eq!(before.id(), after.id());
    assert_eq!(ledger.links().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_second_migration_is_refused_until_somebody_says_what_it_is() {
    let project = project();
    let ledger = Ledger::open(project.path()).unwrap();
    let first = ledger.link("https://a.test", "https://b.test").await.unwrap();
    let second = ledger.link("https://a.test", "https://c.test").await.unwrap();
    ledger.is_alone(&second).await.unwrap();
    first.see(vec![seen("1", "x")]).await.unwrap();
    first.close(Kind::Ticket, "1", done("r1")).await.unwrap();

    let refused = ledger.is_alone(&second).await.unwrap_err();
    assert_eq!(refused.reason, crate::error::Reason::Refused);
    assert!(
        refused.what.contains("https://a.test → https://b.test") && refused.what.contains("https://c.test"),
        "{refused}"
    );
    assert!(refused.hint.unwrap().contains(&format!("migration = \"{}\"", first.id())));
    ledger.is_alone(&first).await.unwrap();

    let moved = Accounts::at("https://a.test", "https://moved.test");
    let same = ledger.migration(&moved, &Which::Id(first.id().to_owned())).await.unwrap();
    assert_eq!((same.id(), same.claim()), (first.id(), &Claim::Renamed("https://moved.test".into())));
    same.learn(&moved).await.unwrap();
    let found = ledger.migration(&moved, &Which::ByAccounts).await.unwrap();
    assert_eq!((found.id(), found.claim()), (first.id(), &Claim::Known), "what was seen once is known");
    let none = ledger.migration(&moved, &Which::Id("ffffffffff".into())).await;
    assert!(none.err().unwrap().hint.unwrap().contains(first.id()));
}

#[tokio::test]
async fn naming_another_account_as_a_migration_s_own_once_leaves_no_trace() {
    let project = project();
    let ledger = Ledger::open(project.path()).unwrap();
    let first = ledger.link("https://a.test", "https://b.test").await.unwrap();
    first.see(vec![seen("1", "x")]).await.unwrap();
    first.close(Kind::Ticket, "1", done("r1")).await.unwrap();
    let other = Accounts::at("https://a.test", "https://c.test");
    // `check`, and what reads the source.
    let named = Which::Id(first.id().to_owned());
    ledger.migration(&other, &named).await.unwrap();
    ledger.begin(&other, &named).await.unwrap();
    let by_names = ledger.migration(&other, &Which::ByAccounts).await.unwrap();
    assert_ne!(by_names.id(), first.id());
    assert_eq!(ledger.links().await.unwrap().len(), 1, "looking enters nothing");
    let new = ledger.begin(&other, &Which::Another).await.unwrap();
    assert_eq!((new.id(), new.claim()), (by_names.id(), &Claim::Known));
}

#[tokio::test]
async fn a_new_migration_is_none_whose_accounts_were_only_said_to_be_these() {
    let project = project();
    let ledger = Ledger::open(project.path()).unwrap();
    let first = ledger.link("https://a.test", "https://b.test").await.unwrap();
    let moved = Accounts::at("https://a.test", "https://c.test");
    first.learn(&moved).await.unwrap();
    assert_eq!(ledger.migration(&moved, &Which::ByAccounts).await.unwrap().id(), first.id());
    let new = ledger.begin(&moved, &Which::Another).await.unwrap();
    assert_ne!(new.id(), first.id());
    // It is known again, also by another spelling of its own names.
    let spelled = Accounts::at("https://a.test/", "http://www.c.test");
    assert_eq!(ledger.migration(&spelled, &Which::Another).await.unwrap().id(), new.id());
    let said = ledger.begin(&Accounts::at("https://d.test", "https://e.test"), &Which::Id("0123456789".into())).await;
    let beside = ledger.migration(&Accounts::at("https://d.test", "https://e.test"), &Which::Another).await;
    assert_ne!(said.unwrap().id(), beside.unwrap().id());
}

#[tokio::test]
async fn a_name_an_earlier_version_noted_unseen_is_not_believed() {
    let project = project();
    let ledger = Ledger::open(project.path()).unwrap();
    let first = ledger.link("https://a.test", "https://b.test").await.unwrap();
    first.see(vec![seen("1", "x")]).await.unwrap();
    first.close(Kind::Ticket, "1", done("r1")).await.unwrap();
    drop((first, ledger));
    let db = Connection::open(project.path().join(".deskferry/ledger.db")).unwrap();
    db.execute_batch(
        "INSERT INTO alias (link, side, name) SELECT id, 'target', 'https://c.test' FROM link; \
         ALTER TABLE alias DROP COLUMN learnt; DROP TABLE twin; DROP TABLE filed; DROP INDEX step_makes;",
    )
    .unwrap();
    db.execute_batch(&format!("{WITHOUT_UNDO} PRAGMA user_version = 4;")).unwrap();
    drop(db);
    let ledger = Ledger::open(project.path()).unwrap();
    let claim = async |target: &str, which: Which| {
        ledger.migration(&Accounts::at("https://a.test", target), &which).await.unwrap().claim().clone()
    };
    assert_eq!(claim("https://b.test", Which::ByAccounts).await, Claim::Known);
    assert_eq!(claim("https://c.test", Which::ByAccounts).await, Claim::Renamed("https://c.test".into()));
    assert_eq!(claim("https://c.test", Which::Another).await, Claim::Known, "it is another one, which wrote nothing");
}

#[tokio::test]
async fn a_folder_that_lost_its_id_is_not_the_one_that_was_written() {
    let project = project();
    let ledger = Ledger::open(project.path()).unwrap();
    let to = |path: &str, own: Option<&str>| Accounts {
        source: Named::at("https://a.test"),
        target: Named::at(path).called(own.map(str::to_owned)),
    };
    let link = ledger.begin(&to("/out", None), &Which::ByAccounts).await.unwrap();
    link.learn(&to("/out", Some("folder:1"))).await.unwrap();
    let claim = async |path: &str, own: Option<&str>| {
        ledger.migration(&to(path, own), &Which::ByAccounts).await.unwrap().claim().clone()
    };
    assert_eq!(claim("/out", None).await, Claim::Known, "nothing was written yet");
    link.see(vec![seen("1", "x")]).await.unwrap();
    link.close(Kind::Ticket, "1", done("r1")).await.unwrap();
    assert_eq!(claim("/out", Some("folder:1")).await, Claim::Known);
    assert_eq!(claim("/moved", Some("folder:1")).await, Claim::Known);
    for own in [None, Some("folder:2")] {
        assert_eq!(claim("/out", own).await, Claim::Replaced("/out".into()), "{own:?}");
    }
}

#[tokio::test]
async fn markers_of_a_lost_ledger_are_known_under_the_id_an_earlier_version_gave() {
    let project = project();
    let ledger = Ledger::open(project.path()).unwrap();
    let link = ledger.link("http://localhost:4000", "https://b.test").await.unwrap();
    let before = &blake3::hash(b"http://localhost:4000\nhttps://b.test").to_hex()[..10];
    assert_ne!(link.id(), before);
    assert_eq!(link.mark(), link.id());
    assert!(link.marks().iter().any(|mark| **mark == *before), "{:?}", link.marks());
    link.mark_as(before).await.unwrap();
    let again = ledger.link("http://localhost:4000", "https://b.test").await.unwrap();
    assert_eq!((again.id(), again.mark()), (link.id(), before));
}

#[tokio::test]
async fn what_stands_in_the_target_is_taken_over_into_a_record_that_is_known() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "x"), seen("2", "x"), seen("3", "x"), seen("4", "x")]).await.unwrap();
    link.close(Kind::Ticket, "2", done("r2")).await.unwrap();
    let problem = crate::error::Problem::new(crate::error::Reason::Invalid, "no");
    link.intend(Kind::Ticket, "3", &create(), Intent::new(Some("m"), "h", None)).await.unwrap();
    link.rejected(Kind::Ticket, "3", &create(), problem.clone()).await.unwrap();
    link.close(Kind::Ticket, "3", End::Failed { problem: problem.clone() }).await.unwrap();
    link.close(Kind::Ticket, "4", End::Skipped { problem, stands_for: None }).await.unwrap();
    let restore = async |id: &str, to: &str| {
        link.restore(Kind::Ticket, id, &create(), "m", (remote(to), Origin::Created)).await.unwrap()
    };
    assert_eq!(restore("1", "r1").await, Restored::New);
    assert_eq!(restore("1", "r1").await, Restored::Known);
    assert_eq!(restore("2", "r2").await, Restored::Known);
    assert_eq!(restore("2", "r9").await, Restored::Elsewhere);
    assert_eq!(restore("3", "r3").await, Restored::New);
    assert_eq!(restore("4", "r4").await, Restored::New);
    assert_eq!(restore("5", "r5").await, Restored::New);

    for (id, state) in
        [("1", State::Staged), ("2", State::Done), ("3", State::Staged), ("4", State::Skipped), ("5", State::Done)]
    {
        let record = link.record(Kind::Ticket, id).await.unwrap().unwrap();
        assert_eq!((record.state, record.remote.unwrap().id), (state, format!("r{id}")), "{id}");
        assert_eq!(record.rebuilt_at.is_some(), id != "2", "{id}");
    }
    let step = &link.steps(Kind::Ticket, "3").await.unwrap()[0];
    assert_eq!((step.state, step.remote.as_ref().map(|r| r.id.as_str())), (StepState::Applied, Some("r3")));
}

#[tokio::test]
async fn what_was_made_in_the_target_belongs_to_one_record() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "x"), seen("2", "x")]).await.unwrap();
    link.close(Kind::Ticket, "1", done("r1")).await.unwrap();
    let refused = link.close(Kind::Ticket, "2", done("r1")).await.unwrap_err();
    assert_eq!(refused.reason, crate::error::Reason::Conflict);
    let adopted =
        End::Done { remote: remote("r1"), origin: Origin::Matched, target_hash: None, target_updated_at: None };
    link.close(Kind::Ticket, "2", adopted).await.unwrap();
}

fn made(to: &str, alike: &[&str], covered: Vec<StepKey>) -> Made {
    Made { remote: remote(to), covered, alike: alike.iter().map(|&step| step.to_owned()).collect() }
}

#[tokio::test]
async fn what_a_step_made_is_no_other_records_and_nothing_is_booked_with_a_second_claim() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "x"), seen("2", "x")]).await.unwrap();
    let create = StepKey::new("create", "", 0);
    let covered = vec![StepKey::new("note", "a", 0)];
    // The first is still at work: its record is not closed.
    link.made(Kind::Ticket, "1", &create, made("r1", &["create"], vec![])).await.unwrap();
    link.made(Kind::Ticket, "1", &create, made("r1", &["create"], vec![])).await.unwrap();
    let refused = link.made(Kind::Ticket, "2", &create, made("r1", &["create"], covered)).await.unwrap_err();
    assert_eq!(refused.reason, crate::error::Reason::Conflict);
    assert!(refused.what.contains("ticket 1 made that"), "{}", refused.what);
    assert!(link.steps(Kind::Ticket, "2").await.unwrap().is_empty(), "nothing is booked");
    link.made(Kind::Ticket, "2", &create, made("r2", &["create"], vec![])).await.unwrap();
}

#[tokio::test]
async fn messages_of_one_record_have_an_id_each_and_may_be_numbered_as_those_of_another() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "x"), seen("2", "x")]).await.unwrap();
    let (note, reply) = (|child: &str| StepKey::new("note", child, 0), StepKey::new("reply", "c", 0));
    let numbered = ["note", "reply"];
    link.made(Kind::Ticket, "1", &note("a"), made("7", &numbered, vec![])).await.unwrap();
    for again in [note("b"), reply] {
        let refused = link.made(Kind::Ticket, "1", &again, made("7", &numbered, vec![])).await.unwrap_err();
        assert!(refused.what.contains("note a made that"), "{}", refused.what);
    }
    let hours = StepKey::new("time_entry", "h", 0);
    link.made(Kind::Ticket, "1", &hours, made("7", &["time_entry"], vec![])).await.unwrap();
    link.made(Kind::Ticket, "2", &note("a"), made("7", &numbered, vec![])).await.unwrap();
}

#[tokio::test]
async fn a_marker_on_a_record_that_another_one_made_is_named_by_a_rebuild() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "x")]).await.unwrap();
    link.close(Kind::Ticket, "1", done("r1")).await.unwrap();
    let create = StepKey::new("create", "", 0);
    let restored = link.restore(Kind::Ticket, "9", &create, "m:9", (remote("r1"), Origin::Created)).await;
    assert_eq!(restored.unwrap_err().reason, crate::error::Reason::Conflict);
}

#[tokio::test]
async fn a_few_that_were_made_are_found_wherever_they_are_in_a_large_ledger() {
    let project = project();
    let link = link(project.path()).await;
    let many: Vec<Seen> = (0..1200).map(|n| seen(&n.to_string(), "x")).collect();
    link.see(many).await.unwrap();
    let matched =
        End::Done { remote: remote("m"), origin: Origin::Matched, target_hash: None, target_updated_at: None };
    link.close(Kind::Ticket, "0", matched).await.unwrap();
    for id in ["700", "1199"] {
        link.close(Kind::Ticket, id, done(&format!("r{id}"))).await.unwrap();
    }
    let made = async |most| -> Vec<String> {
        link.some_made(Kind::Ticket, most).await.unwrap().into_iter().map(|row| row.id).collect()
    };
    assert_eq!(made(5).await, ["1199", "700"]);
    assert_eq!(made(1).await.len(), 1);
}

#[tokio::test]
async fn a_stage_is_known_by_the_token_it_was_given_last() {
    let project = project();
    let link = link(project.path()).await;
    link.pair("a").await.unwrap();
    assert_eq!(link.paired_by("a").await.unwrap(), Paired::Last);
    link.pair("b").await.unwrap();
    assert_eq!(link.paired_by("a").await.unwrap(), Paired::Earlier);
    assert_eq!(link.paired_by("b").await.unwrap(), Paired::Last);
    assert_eq!(link.paired_by("c").await.unwrap(), Paired::Never);
}

#[tokio::test]
async fn the_file_alone_holds_everything_when_the_ledger_is_closed() {
    let project = project();
    let link = link(project.path()).await;
    let many: Vec<Seen> = (0..200).map(|n| seen(&n.to_string(), "x")).collect();
    link.see(many).await.unwrap();
    // Readers keep the log open, too.
    assert_eq!(link.next(Kind::Ticket, State::ALL, None, 500).await.unwrap().len(), 200);
    drop(link);
    let file = project.path().join(".deskferry/ledger.db");
    assert!(!file.with_extension("db-wal").exists());
    let copy = project.path().join("copy.db");
    std::fs::copy(&file, &copy).unwrap();
    let rows: i64 =
        Connection::open(copy).unwrap().query_row("SELECT count(*) FROM record", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 200);
}

#[tokio::test]
async fn a_ledger_of_an_earlier_version_is_upgraded_with_its_claims_in_order() {
    let project = project();
    let folder = project.path().join(".deskferry");
    std::fs::create_dir(&folder).unwrap();
    let db = Connection::open(folder.join("ledger.db")).unwrap();
    for script in &crate::ledger::schema::DESIGN.versions[..2] {
        db.execute_batch(script).unwrap();
    }
    db.execute_batch(
        "PRAGMA user_version = 2; INSERT INTO link VALUES ('0a', 'http://localhost:1', 'https://b.test', 0); \
         INSERT INTO record (link, kind, id, content_hash, state, target_id, origin, seen_at, changed_at) VALUES \
         ('0a', 'ticket', '1', 'x', 'done', 'r1', 'created', 0, 0), ('0a', 'ticket', '2', 'x', 'done', 'r1', 'created', 0, 0)",
    )
    .unwrap();
    drop(db);
    let seen = viewed(project.path(), "http://127.0.0.1:1", "https://b.test").await;
    assert_eq!(seen.id(), "0a", "it can be looked at before a run brings it up to date");
    let ledger = Ledger::open(project.path()).unwrap();
    let link = ledger.link("http://127.0.0.1:1", "https://b.test").await.unwrap();
    assert_eq!((link.id(), link.mark()), ("0a", "0a"));
    let origin = async |id: &str| link.record(Kind::Ticket, id).await.unwrap().unwrap().origin;
    assert_eq!((origin("1").await, origin("2").await), (Some(Origin::Created), Some(Origin::Adopted)));
}

#[tokio::test]
async fn a_message_that_is_there_twice_is_noted_once_and_can_be_forgotten() {
    let project = project();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "x")]).await.unwrap();
    link.close(Kind::Ticket, "1", done("r1")).await.unwrap();
    let twin = |there: &str| Twin {
        kind: Kind::Ticket,
        id: "1".into(),
        section: "comment".into(),
        child: "m".into(),
        there: there.into(),
    };
    assert!(link.note_twin(twin("7")).await.unwrap());
    assert!(!link.note_twin(twin("7")).await.unwrap());
    assert!(link.note_twin(twin("8")).await.unwrap());
    link.forget_twin(twin("7")).await.unwrap();
    let left = link.twins(Kind::Ticket).await.unwrap();
    assert_eq!(
        left.iter().map(|(twin, below)| (twin.there.as_str(), below.id.as_str())).collect::<Vec<_>>(),
        [("8", "r1")]
    );
    assert_eq!(left[0].0.named(), "message m");
    assert!(link.twins(Kind::Contact).await.unwrap().is_empty());
}
