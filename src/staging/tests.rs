use super::packing::LEVEL;
use super::*;
use crate::error::{Problem, Reason};
use serde_json::json;

fn page<'a>(rows: &'a [&'a Value], hash: &str, cursor: Option<&'a str>) -> NewPage<'a> {
    let key = |row: &&Value| ItemKey { place: None, ..key(row["id"].as_str().unwrap(), hash, "") };
    let (items, began_at) = (rows.iter().map(key).collect(), Timestamp::from_second(100).unwrap());
    NewPage { stream: "ticket", items, rows, cursor, since: None, began_at, turn: 1 }
}

fn key(id: &str, hash: &str, place: &str) -> ItemKey {
    let (id, hash, place) = (id.into(), hash.into(), Some(place.into()));
    ItemKey { id, hash, root: None, updated_at: None, place, lacks: Lacks::More }
}

async fn stage(dir: &Path) -> Staging {
    let staging = Staging::open(dir).unwrap();
    staging.bind("ticket", "rt-1").await.unwrap();
    staging
}

#[tokio::test]
async fn a_page_and_its_cursor_outlive_the_process_together() {
    let dir = tempfile::tempdir().unwrap();
    let row = json!({"id": "7", "n": 1});
    stage(dir.path()).await.put_page(&page(&[&row], "a", Some("7"))).await.unwrap();
    let again = stage(dir.path()).await;
    assert_eq!(again.item("ticket", "7").await.unwrap(), Some(row));
    assert_eq!(again.listing("ticket").await.unwrap().cursor.as_deref(), Some("7"));
}

#[tokio::test]
async fn a_row_that_changed_wants_its_children_again() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    let row = json!({"id": "7"});
    staging.put_page(&page(&[&row], "a", None)).await.unwrap();
    let children = BTreeMap::from([("comment".to_owned(), vec![json!({"id": "1"})])]);
    staging.put_children("ticket", "7", "a", &children, &[]).await.unwrap();
    assert!(staging.lacking("ticket", None, 10).await.unwrap().is_empty());
    assert_eq!(staging.children("ticket", "7").await.unwrap(), children);
    staging.put_page(&page(&[&row], "b", None)).await.unwrap();
    assert_eq!(staging.lacking("ticket", None, 10).await.unwrap().len(), 1);
    assert_eq!(staging.wholeness("ticket", "7").await.unwrap(), Some(Wholeness::Partly));
}

#[tokio::test]
async fn a_record_is_made_of_its_row_and_all_below_it() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    let row = json!({"id": "7"});
    staging.put_page(&page(&[&row], "a", None)).await.unwrap();
    let made = |id: &'static str| staging.made("ticket", id, |row, children, _, _| (row, children));
    assert_eq!(made("7").await.unwrap(), Some((row.clone(), Children::new())));
    let children = Children::from([("comment".to_owned(), vec![json!({"id": "1"})])]);
    staging.put_children("ticket", "7", "a", &children, &[]).await.unwrap();
    assert_eq!(made("7").await.unwrap(), Some((row, children)));
    assert_eq!(made("8").await.unwrap(), None);
}

#[test]
fn rows_are_read_whoever_packed_them() {
    let row = json!({"id": "7", "text": "x".repeat(100_000)});
    assert_eq!(unpack(&pack(&row).unwrap()).unwrap(), row);
    let without_its_size = zstd::encode_all(row.to_string().as_bytes(), LEVEL).unwrap();
    assert_eq!(unpack(&without_its_size).unwrap(), row);
    assert_eq!(unpack(b"torn").unwrap_err().reason, Reason::Disk);
}

#[tokio::test]
async fn rows_of_another_manifest_are_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    staging.put_page(&page(&[&json!({"id": "7"})], "a", Some("7"))).await.unwrap();
    staging.bind("ticket", "rt-2").await.unwrap();
    assert_eq!(staging.count("ticket").await.unwrap(), 0);
    assert_eq!(staging.listing("ticket").await.unwrap(), Listing::default());
}

#[tokio::test]
async fn a_file_that_is_gone_from_the_disk_is_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    let blob = BlobRow::Here(StagedBlob { hash: "ab".into(), bytes: 2, mime: None });
    staging.put_blob("/a/1", &blob).await.unwrap();
    assert_eq!(staging.blob("/a/1").await.unwrap(), None);
    std::fs::write(staging.blob_path("ab"), "xy").unwrap();
    assert_eq!(staging.blob("/a/1").await.unwrap(), Some(blob));
}

/// One row a page, all of one listing.
async fn listed(staging: &Staging, turn: i64, rows: &[ItemKey]) -> Vec<Repeat> {
    let mut repeats = Vec::new();
    for item in rows {
        let row = json!({"id": item.id, "is": item.hash});
        let rows = [&row];
        let page = NewPage { items: vec![item.clone()], turn, ..page(&rows, "", None) };
        repeats.extend(staging.put_page(&page).await.unwrap());
    }
    repeats
}

#[tokio::test]
async fn rows_that_share_an_id_are_given_with_all_their_places_until_they_are_listed_well() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    let rows = [key("7", "a", "row 2"), key("8", "x", "row 3"), key("7", "b", "row 4"), key("7", "c", "row 5")];
    let repeats = listed(&staging, 1, &rows).await;
    assert_eq!(
        repeats.iter().map(|r| r.places.join(", ")).collect::<Vec<_>>(),
        ["row 2, row 4", "row 2, row 4, row 5"]
    );
    let places = |id: &'static str| staging.made("ticket", id, |_, _, places, _| places.to_vec());
    assert_eq!(places("7").await.unwrap().unwrap(), ["row 2", "row 4", "row 5"]);
    assert!(places("8").await.unwrap().unwrap().is_empty());
    // The file was mended: another listing knows of one row.
    assert!(listed(&staging, 2, &[key("7", "c", "row 5"), key("8", "x", "row 3")]).await.is_empty());
    assert!(places("7").await.unwrap().unwrap().is_empty());
}

#[tokio::test]
async fn a_row_of_a_later_listing_replaces_that_of_an_earlier_one_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    assert!(listed(&staging, 1, &[key("7", "a", "row 2")]).await.is_empty());
    assert!(listed(&staging, 2, &[key("7", "b", "row 9")]).await.is_empty());
}

#[tokio::test]
async fn a_listing_tells_in_which_turn_a_row_last_changed() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    let row = json!({"id": "7"});
    let put = async |hash: &str| {
        let turn = staging.next_turn().await.unwrap();
        staging.put_page(&NewPage { turn, ..page(&[&row], hash, None) }).await.unwrap();
        staging.listing("ticket").await.unwrap()
    };
    assert_eq!(put("a").await.changed, 1);
    let same = put("a").await;
    assert_eq!((same.turn, same.changed), (2, 1), "the same row again is no change");
    assert_eq!(put("b").await.changed, 3);
}

#[tokio::test]
async fn a_row_is_whole_under_its_present_content_alone() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    let row = json!({"id": "7"});
    let is = || staging.wholeness("ticket", "7");
    assert_eq!(is().await.unwrap(), None);
    staging.put_page(&page(&[&row], "a", None)).await.unwrap();
    assert_eq!(is().await.unwrap(), Some(Wholeness::Partly));
    let refused = Problem::new(Reason::Auth, "answered 401");
    staging.put_unread("ticket", "7", &refused).await.unwrap();
    assert_eq!(is().await.unwrap(), Some(Wholeness::Unread(refused.clone())));
    assert_eq!(staging.unread("ticket").await.unwrap(), [("7".to_owned(), refused.clone())]);
    assert!(staging.lacking("ticket", None, 10).await.unwrap().is_empty(), "a run asks once");
    staging.forget_unread().await.unwrap();
    assert_eq!(staging.lacking("ticket", None, 10).await.unwrap().len(), 1);
    assert_eq!(is().await.unwrap(), Some(Wholeness::Partly));
    staging.put_unread("ticket", "7", &refused).await.unwrap();
    assert_eq!(is().await.unwrap(), Some(Wholeness::UnreadAlike(refused.clone())), "a second run asked in vain");
    staging.forget_unread().await.unwrap();
    let other = Problem::new(Reason::Network, "no answer");
    staging.put_unread("ticket", "7", &other).await.unwrap();
    assert_eq!(is().await.unwrap(), Some(Wholeness::UnreadAgain(other)), "for another reason than before");
    staging.put_children("ticket", "7", "a", &Children::new(), &[]).await.unwrap();
    assert_eq!(is().await.unwrap(), Some(Wholeness::Whole));
    staging.put_page(&page(&[&row], "b", None)).await.unwrap();
    staging.put_gone("ticket", "7").await.unwrap();
    assert_eq!(is().await.unwrap(), Some(Wholeness::Gone));
    assert_eq!(staging.count_lacking("ticket").await.unwrap(), 0);
    staging.forget_gone().await.unwrap();
    assert_eq!(staging.count_lacking("ticket").await.unwrap(), 1, "it is asked for again");
    staging.put_gone("ticket", "7").await.unwrap();
    staging.put_page(&page(&[&row], "c", None)).await.unwrap();
    assert_eq!(is().await.unwrap(), Some(Wholeness::Partly), "it is there again, and says something new");
}

#[tokio::test]
async fn a_row_that_is_none_to_migrate_stays_left_out_until_it_says_something_new() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    let row = json!({"id": "7"});
    staging.put_page(&page(&[&row], "a", None)).await.unwrap();
    let left_out = Problem::new(Reason::Scope, "an agent");
    staging.put_left_out("ticket", "7", &left_out).await.unwrap();
    staging.forget_unread().await.unwrap();
    let is = || staging.wholeness("ticket", "7");
    assert_eq!(is().await.unwrap(), Some(Wholeness::LeftOut(left_out)));
    assert!(staging.unread("ticket").await.unwrap().is_empty(), "it was read");
    assert_eq!(staging.count_lacking("ticket").await.unwrap(), 0);
    staging.forget_gone().await.unwrap();
    assert_eq!(staging.count_lacking("ticket").await.unwrap(), 1);
}

#[tokio::test]
async fn a_row_of_an_earlier_listing_waits_until_the_next_one_brings_it_or_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    let (seven, eight) = (json!({"id": "7"}), json!({"id": "8"}));
    staging.put_page(&page(&[&seven, &eight], "a", None)).await.unwrap();
    let is = |id: &'static str| staging.is_of_this_listing("ticket", id, 1);
    assert!(!is("7").await.unwrap(), "it may be about to change");
    staging.put_page(&NewPage { turn: 2, ..page(&[&seven], "b", Some("7")) }).await.unwrap();
    assert_eq!((is("7").await.unwrap(), is("8").await.unwrap()), (true, false));
    staging.put_page(&NewPage { turn: 2, ..page(&[], "b", None) }).await.unwrap();
    assert!(is("8").await.unwrap(), "nothing new of it");
}

#[tokio::test]
async fn a_row_that_was_completed_is_whole_without_children() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    staging.put_page(&page(&[&json!({"id": "7"})], "a", None)).await.unwrap();
    let whole = ItemKey { lacks: Lacks::Nothing, ..key("7", "b", "") };
    staging.complete_row("ticket", &whole, &json!({"id": "7", "more": 1})).await.unwrap();
    assert_eq!(staging.wholeness("ticket", "7").await.unwrap(), Some(Wholeness::Whole));
    assert_eq!(staging.item("ticket", "7").await.unwrap(), Some(json!({"id": "7", "more": 1})));
}

#[tokio::test]
async fn what_was_read_without_a_list_is_asked_for_again_once_the_list_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let staging = stage(dir.path()).await;
    staging.put_page(&page(&[&json!({"id": "7"})], "a", None)).await.unwrap();
    let times = "time_entry".to_owned();
    staging.put_children("ticket", "7", "a", &Children::new(), std::slice::from_ref(&times)).await.unwrap();
    assert_eq!(staging.wholeness("ticket", "7").await.unwrap(), Some(Wholeness::Whole));
    assert_eq!(staging.refused_lists("ticket").await.unwrap(), ["time_entry"]);
    let without = async |list: &str, after| staging.without_list("ticket", list, after, 100).await.unwrap();
    assert_eq!(without("time", 0).await, [], "a name is no part of another");
    let found = without(&times, 0).await;
    assert_eq!(found.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["7"]);
    assert_eq!(without(&times, found[0].0).await, [], "the page behind it");
    staging.open_refused("ticket", "time").await.unwrap();
    assert_eq!(staging.wholeness("ticket", "7").await.unwrap(), Some(Wholeness::Whole));
    staging.open_refused("ticket", &times).await.unwrap();
    assert_eq!(staging.wholeness("ticket", "7").await.unwrap(), Some(Wholeness::Partly));
    assert_eq!(staging.refused_lists("ticket").await.unwrap(), Vec::<String>::new());
}
