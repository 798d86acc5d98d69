use super::*;

#[tokio::test]
async fn two_links_of_one_ledger_do_not_see_each_other() {
    let project = project();
    let ledger = Ledger::open(project.path()).unwrap();
    let one = ledger.link("https://a.test", "https://b.test").await.unwrap();
    let two = ledger.link("https://a.test", "https://c.test").await.unwrap();
    one.see(vec![seen("1", "x")]).await.unwrap();
    one.intend(Kind::Ticket, "1", &create(), Intent::new(Some("m"), "h", None)).await.unwrap();
    one.set_watermark(Kind::Ticket, Watermark { value: "w".into(), ahead: None }).await.unwrap();

    assert_eq!(two.record(Kind::Ticket, "1").await.unwrap(), None);
    assert_eq!(two.watermark(Kind::Ticket).await.unwrap(), None);
    assert_eq!(two.step_by_marker("m").await.unwrap(), None);
    assert!(two.counts().await.unwrap().is_empty());
    let links: Vec<_> = ledger.links().await.unwrap().iter().map(|link| link.id().to_owned()).collect();
    assert_eq!(links.len(), 2);
    assert!(links.contains(&one.id().to_owned()) && links.contains(&two.id().to_owned()));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let project = project();
    let folder = project.path().join(".deskferry");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    let _lock = ProjectLock::take(project.path()).unwrap();
    let link = link(project.path()).await;
    link.see(vec![seen("1", "x")]).await.unwrap();

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["ledger.db", "ledger.db-shm", "ledger.db-wal", "lock"]);
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}
