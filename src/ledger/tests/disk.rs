use super::*;
use crate::error::Reason;
use crate::ledger::store::{Design, Store};
use std::io::{BufRead, BufReader};

fn long(n: usize) -> Seen {
    seen(&format!("{n}-{}", "x".repeat(2_000)), "a")
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_the_ledger_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount(1 << 20) else { return };
    let link = link(&disk.0).await;
    let mut answered = 0;
    let full = loop {
        match link.see(vec![long(answered)]).await {
            Ok(_) => answered += 1,
            Err(problem) => break problem,
        }
        assert!(answered < 10_000, "the disk never filled up");
    };
    assert_eq!(full.reason, Reason::Disk);
    assert!(full.hint.as_deref().unwrap_or_default().contains("nothing is lost"), "{full:?}");
    assert_eq!(link.see(vec![long(answered)]).await.unwrap_err().reason, Reason::Disk);
    assert_eq!(link.next(Kind::Ticket, State::ALL, None, 20_000).await.unwrap().len(), answered);

    disk.remount("size=8m");
    link.see(vec![long(answered)]).await.unwrap();
    assert_eq!(link.next(Kind::Ticket, State::ALL, None, 20_000).await.unwrap().len(), answered + 1);
    drop(link);
    let link = super::link(&disk.0).await;
    assert_eq!(link.next(Kind::Ticket, State::ALL, None, 20_000).await.unwrap().len(), answered + 1);
}

#[tokio::test]
async fn a_disk_too_full_to_begin_says_so() {
    let Some(disk) = SmallDisk::mount(64 << 10) else { return };
    let _ = std::fs::write(disk.0.join("filler"), vec![0u8; 60 << 10]);
    let problem = Ledger::open(&disk.0).err().unwrap();
    assert_eq!(problem.reason, Reason::Disk);
    assert!(problem.hint.as_deref().unwrap_or_default().contains("nothing is lost"), "{problem:?}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named_and_can_still_be_viewed() {
    let Some(disk) = SmallDisk::mount(4 << 20) else { return };
    {
        let link = link(&disk.0).await;
        link.see(vec![seen("1", "a")]).await.unwrap();
    }
    disk.remount("ro");
    for problem in [
        Ledger::open(&disk.0).err().unwrap(),
        ProjectLock::take(&disk.0).unwrap_err(),
        Ledger::open(&disk.0.join("elsewhere")).err().unwrap(),
    ] {
        assert_eq!(problem.reason, Reason::Disk, "{problem:?}");
        assert!(problem.what.contains(".deskferry"), "{problem:?}");
    }
    let view = viewed(&disk.0, "https://old.test", "https://new.test").await;
    assert_eq!(ids(&view.next(Kind::Ticket, State::ALL, None, 9).await.unwrap()), ["1"]);
    assert!(view.see(vec![seen("2", "a")]).await.is_err());
}

#[tokio::test]
async fn a_damaged_file_is_never_overwritten() {
    let project = project();
    drop(Ledger::open(project.path()).unwrap());
    let file = project.path().join(".deskferry/ledger.db");
    std::fs::write(&file, "not a database, but long enough to look like one ".repeat(200)).unwrap();
    let problem = Ledger::open(project.path()).err().unwrap();
    assert_eq!(problem.reason, Reason::Disk);
    assert!(problem.what.contains("damaged") && problem.hint.unwrap().contains("do not delete"));
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("not a database"));
}

#[tokio::test]
async fn a_ledger_of_a_newer_version_is_left_alone() {
    let project = project();
    drop(Ledger::open(project.path()).unwrap());
    let file = project.path().join(".deskferry/ledger.db");
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for problem in [Ledger::open(project.path()).err().unwrap(), Ledger::view(project.path()).err().unwrap()] {
        assert_eq!(problem.reason, Reason::Refused);
        let ours = crate::ledger::schema::DESIGN.versions.len();
        assert!(problem.what.contains(&format!("newer Deskferry (version 99; this one knows {ours})")), "{problem}");
    }
}

#[test]
fn a_project_never_run_has_no_ledger_to_view() {
    let project = project();
    let problem = Ledger::view(project.path()).err().unwrap();
    assert_eq!(problem.reason, Reason::Config);
    assert!(!project.path().join(".deskferry").exists(), "looking makes nothing");
}

#[tokio::test]
async fn status_can_be_read_while_a_run_is_at_work() {
    let project = project();
    let run = link(project.path()).await;
    let view = viewed(project.path(), "https://old.test", "https://new.test").await;
    for n in 1..=3 {
        run.see(vec![seen(&n.to_string(), "a")]).await.unwrap();
        assert_eq!(view.next(Kind::Ticket, State::ALL, None, 9).await.unwrap().len(), n);
    }
}

/// A ledger that the version before this one wrote.
async fn earlier(project: &Path) {
    let link = super::link(project).await;
    link.see(vec![seen("1", "a")]).await.unwrap();
    drop(link);
    let db = rusqlite::Connection::open(project.join(".deskferry/ledger.db")).unwrap();
    let before = crate::ledger::schema::DESIGN.versions.len() - 1;
    db.execute_batch(&format!("{WITHOUT_UNDO} PRAGMA user_version = {before}")).unwrap();
}

fn version_of(project: &Path) -> usize {
    let db = rusqlite::Connection::open(project.join(".deskferry/ledger.db")).unwrap();
    db.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0)).unwrap() as usize
}

#[tokio::test]
async fn a_ledger_of_an_earlier_version_is_not_changed_beneath_who_is_at_work_on_it() {
    let project = project();
    earlier(project.path()).await;
    let before = version_of(project.path());
    let lock = ProjectLock::take(project.path()).unwrap();
    let refused = Ledger::view(project.path()).err().unwrap();
    assert_eq!(refused.reason, Reason::Refused);
    assert!(refused.what.contains("earlier version") && refused.what.contains("is running in"), "{refused}");
    assert_eq!(version_of(project.path()), before);
    drop(lock);
    let view = viewed(project.path(), "https://old.test", "https://new.test").await;
    assert_eq!(ids(&view.next(Kind::Ticket, State::ALL, None, 9).await.unwrap()), ["1"]);
    assert_eq!(version_of(project.path()), before + 1);
    ProjectLock::take(project.path()).expect("looking holds no lock");
}

#[tokio::test]
async fn a_ledger_of_an_earlier_version_can_be_viewed_on_a_disk_that_cannot_be_written() {
    let Some(disk) = SmallDisk::mount(4 << 20) else { return };
    earlier(&disk.0).await;
    disk.remount("ro");
    let view = viewed(&disk.0, "https://old.test", "https://new.test").await;
    assert_eq!(ids(&view.next(Kind::Ticket, State::ALL, None, 9).await.unwrap()), ["1"]);
}

static PLAIN: Design = Design {
    file: "plain.db",
    synchronous: "FULL",
    versions: &["CREATE TABLE entry (n BIGINT PRIMARY KEY)"],
    damaged: "",
};

async fn put(store: &Store, n: i64) -> Result<i64> {
    store
        .write(move |db| {
            db.execute("INSERT INTO entry VALUES (?1)", [n])?;
            Ok(db.query_row("SELECT COUNT(*) FROM entry", [], |row| row.get(0))?)
        })
        .await
}

#[tokio::test]
async fn one_bad_write_of_a_group_takes_no_other_with_it() {
    let project = project();
    let store = Store::open(project.path(), &PLAIN).unwrap();
    put(&store, 1).await.unwrap();
    let half = store.write(|db| -> Result<(), Fault> {
        db.execute("INSERT INTO entry VALUES (99)", [])?;
        Err(crate::error::Problem::new(Reason::Internal, "on purpose").into())
    });
    let (two, twice, half, three) = tokio::join!(put(&store, 2), put(&store, 1), half, put(&store, 3));
    assert_eq!((two.unwrap(), three.unwrap()), (2, 3), "done in the order they were sent");
    assert_eq!(twice.unwrap_err().reason, Reason::Internal);
    assert_eq!(half.unwrap_err().what, "on purpose");
    let sum = store.read(|db| Ok(db.query_row("SELECT SUM(n) FROM entry", [], |row| row.get::<_, i64>(0))?));
    assert_eq!(sum.await.unwrap(), 6);
}

#[tokio::test]
async fn a_write_whose_caller_went_away_is_still_carried_out() {
    let project = project();
    let store = Store::open(project.path(), &PLAIN).unwrap();
    let mut asked = Box::pin(put(&store, 1));
    let _ = futures_util::poll!(asked.as_mut());
    drop(asked);
    assert_eq!(put(&store, 2).await.unwrap(), 2);
}

/// Not a test: the process that `an_answered_write_outlives_a_kill` kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "runs until it is killed"]
async fn write_until_killed() {
    let Some(project) = std::env::var_os("LEDGER_TO_KILL") else { return };
    let link = link(Path::new(&project)).await;
    let workers = (0..16).map(|worker| {
        let link = link.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let id = format!("{worker}-{n}");
                link.see(vec![seen(&id, "a")]).await.unwrap();
                link.intend(Kind::Ticket, &id, &create(), Intent::new(Some(&id), "h", None)).await.unwrap();
                println!("\nanswered {id}");
            }
        })
    });
    futures_util::future::join_all(workers).await;
}

#[tokio::test]
async fn an_answered_write_outlives_a_kill() {
    let project = project();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::tests::disk::write_until_killed", "--ignored", "--nocapture"])
        .env("LEDGER_TO_KILL", project.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let mut answered: Vec<String> =
        lines.by_ref().filter_map(|line| line.strip_prefix("answered ").map(str::to_owned)).take(300).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    answered.extend(lines.filter_map(|line| line.strip_prefix("answered ").map(str::to_owned)));

    let link = link(project.path()).await;
    assert!(answered.len() >= 300);
    for id in &answered {
        let found = link.step_by_marker(id).await.unwrap();
        assert!(found.is_some_and(|found| found.step.state == StepState::Intent), "{id} was answered and is gone");
    }
}
