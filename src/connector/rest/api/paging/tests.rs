//! Walks of every kind, page by page.

use super::*;
use crate::connector::manifest::Size;
use serde_json::json;

fn answered<'a>(page: &'a Value, rows: &'a [Value], asked: &'a Url, link: Option<&'a str>) -> Answered<'a> {
    Answered { page, rows, made: false, link: link.map(str::to_owned), counted: None, asked, from: None }
}

fn asked() -> Url {
    Url::parse("https://desk.example/rest/list?page=1").unwrap()
}

fn size(rows: u64) -> Size {
    Size { param: Some("per_page".into()), rows }
}

fn numbered(more: Option<&str>, total: Option<&str>) -> Paging {
    let [more, total] = [more, total].map(|path| path.map(str::to_owned));
    Paging::Number { param: "page".into(), start: 1, size: size(2), more, total }
}

#[test]
fn numbered_pages_go_on_until_all_rows_are_counted_or_where_nobody_counts_until_an_empty_page() {
    let paging = numbered(None, Some(".total"));
    let after = |page: Value, rows: &[Value]| next(&paging, Some("2"), &answered(&page, rows, &asked(), None)).unwrap();
    let full = [json!({}), json!({})];
    assert_eq!(after(json!({ "total": 5 }), &full), Some("3;2;".into()));
    assert_eq!(after(json!({ "total": 4, "per_page": 2 }), &full), None);
    assert_eq!(after(json!({ "total": 4, "per_page": 2 }), &[]), None, "all are hidden from us");
    assert_eq!(after(json!({ "total": 5 }), &[]), Some("3;0;".into()), "rows that are counted and not shown");
    assert_eq!(after(json!({ "total": null }), &full[..1]), Some("3;1;".into()), "a short page of an unknown number");
    assert_eq!(after(json!({ "total": null }), &[]), None);
}

#[test]
fn a_clamped_last_page_ends_the_walk() {
    let paging = numbered(Some(".next_page"), None);
    let rows = [json!({}), json!({})];
    let last = json!({ "next_page": null });
    assert_eq!(next(&paging, Some("3"), &answered(&last, &rows, &asked(), None)).unwrap(), None);
    let middle = json!({ "next_page": "…" });
    assert_eq!(next(&paging, Some("3"), &answered(&middle, &rows, &asked(), None)).unwrap(), Some("4;2;".into()));
    let hidden = next(&paging, Some("3"), &answered(&middle, &[], &asked(), None)).unwrap();
    assert_eq!(hidden, Some("4;0;".into()), "a page of rows that are hidden from us is not the last");
}

#[test]
fn the_next_address_on_another_host_is_refused() {
    let paging = Paging::Link { next: None, done: None, size: None };
    let header = "https://evil.example/list?page=2";
    let problem = next(&paging, None, &answered(&json!({}), &[], &asked(), Some(header))).unwrap_err();
    assert_eq!(problem.reason, Reason::BadAnswer);
    let header = "/rest/list?page=2";
    let here = next(&paging, None, &answered(&json!({}), &[], &asked(), Some(header))).unwrap();
    assert_eq!(here.as_deref(), Some("https://desk.example/rest/list?page=2"));
}

#[test]
fn a_keyset_goes_on_from_the_last_key_while_pages_are_full() {
    let paging = Paging::Keyset { key: ".id".into(), start: "0".into(), size: size(2) };
    assert_eq!(ask(&paging, None, None).key.as_deref(), Some("0"));
    let rows = [json!({"id": 4}), json!({"id": "9"})];
    let page = json!({});
    assert_eq!(next(&paging, Some("3"), &answered(&page, &rows, &asked(), None)).unwrap().as_deref(), Some("9"));
    assert_eq!(next(&paging, Some("3"), &answered(&page, &rows[..1], &asked(), None)).unwrap(), None);
}

#[test]
fn a_walk_that_would_stand_still_is_an_error() {
    let paging = Paging::Window { key: ".at".into(), start: "0".into(), param: None, size: size(1) };
    let rows = [json!({"id": 1, "at": "2020"})];
    assert!(next(&paging, Some("2020"), &answered(&json!({}), &rows, &asked(), None)).is_err());
}

#[test]
fn a_window_goes_through_a_second_that_fills_pages_and_on_from_there() {
    let paging = Paging::Window { key: ".at".into(), start: "0".into(), param: Some("page".into()), size: size(5) };
    let next = |cursor: &str, ids: std::ops::Range<u64>, last: &str| {
        let mut rows: Vec<Value> = ids.map(|id| json!({"id": id, "at": "7"})).collect();
        rows.last_mut().unwrap()["at"] = last.into();
        next(&paging, Some(cursor), &answered(&json!([]), &rows, &asked(), None)).unwrap()
    };
    assert_eq!(next("0", 1..6, "7").as_deref(), Some("7"));
    assert_eq!(next("7", 5..10, "7").as_deref(), Some("7;5;9,8,7"));
    let query = ask(&paging, Some("7;5;9,8,7"), None);
    assert_eq!(query.key.as_deref(), Some("7"));
    assert_eq!(query.query, [("per_page".to_owned(), "4".to_owned()), ("page".to_owned(), "2".to_owned())]);
    assert_eq!(next("7;5;9,8,7", 9..13, "8").as_deref(), Some("8"), "a later time is a window of its own");
    assert_eq!(
        next("7;5;9,8,7", 20..24, "8").as_deref(),
        Some("7;1;9,8,7;1;5;0;0"),
        "what was last is not there: back"
    );
    assert_eq!(next("7;5;9,8,7", 9..11, "8"), None);
    assert_eq!(ask(&paging, None, Some("6")).key.as_deref(), Some("6"));
}

#[test]
fn a_walk_by_time_ends_by_the_vendors_word_and_where_there_is_none_at_a_short_page() {
    let paging = Paging::Time {
        param: "start_time".into(),
        next: ".end_time".into(),
        done: Some(".end_of_stream".into()),
        more: None,
        size: Some(Size { param: None, rows: 2 }),
    };
    let rows = [json!({}), json!({})];
    let next = |page: Value, rows: &[Value]| next(&paging, Some("5"), &answered(&page, rows, &asked(), None));
    assert_eq!(next(json!({"end_time": 9}), &rows).unwrap().as_deref(), Some("9"));
    assert_eq!(next(json!({"end_time": 9, "end_of_stream": true}), &rows).unwrap(), None);
    assert_eq!(next(json!({"end_time": 9, "end_of_stream": true}), &[]).unwrap(), None);
    for short in [&rows[..1], &[]] {
        let page = json!({"end_time": 9, "end_of_stream": false, "next_page": "https://desk.example/next"});
        assert_eq!(next(page, short).unwrap().as_deref(), Some("9"), "a short page is not the last one");
        assert!(next(json!({"end_of_stream": false}), short).is_err(), "there is more, and nobody says where");
    }
    assert_eq!(next(json!({"end_time": 9}), &rows[..1]).unwrap(), None, "nothing is said of an end");
    assert!(
        next(json!({"end_time": 5, "end_of_stream": false}), &rows).is_err(),
        "more rows in one second than in a page"
    );
    assert_eq!(ask(&paging, Some("9"), None).query, [("start_time".to_owned(), "9".to_owned())]);
}

#[test]
fn a_walk_by_time_goes_on_while_there_is_a_next_page_however_short() {
    let paging = Paging::Time {
        param: "start_time".into(),
        next: ".end_time".into(),
        done: None,
        more: Some(".next_page".into()),
        size: None,
    };
    let next = |page: Value, rows: &[Value]| next(&paging, Some("5"), &answered(&page, rows, &asked(), None));
    let more = json!({"end_time": 9, "next_page": "https://desk.example/rest/list?start_time=9"});
    assert_eq!(next(more.clone(), &[json!({})]).unwrap().as_deref(), Some("9"));
    assert_eq!(next(more, &[]).unwrap().as_deref(), Some("9"), "rows that are hidden from us");
    let still = json!({"end_time": 5, "next_page": "https://desk.example/rest/list?start_time=5"});
    assert_eq!(next(still, &[]).unwrap(), None, "nothing comes after the time that was asked for");
    assert_eq!(next(json!({"end_time": 2500, "next_page": null}), &[json!({})]).unwrap(), None);
}

#[test]
fn a_list_by_cursors_that_counts_its_rows_shows_them_all() {
    let paging = Paging::Cursor {
        param: "page[after]".into(),
        next: ".meta.after_cursor".into(),
        done: None,
        more: Some(".meta.has_more".into()),
        size: None,
    };
    let by_address = Paging::Link { next: Some(".next_page".into()), done: None, size: None };
    let row = [json!({})];
    let next = |paging: &Paging, cursor: Option<&str>, page: Value| {
        next(paging, cursor, &answered(&page, &row, &asked(), None)).map_err(|p| p.what)
    };
    for lacking in [json!({"count": 3}), json!({"count": 3, "meta": {"has_more": false}})] {
        assert_eq!(next(&paging, None, lacking), Err("the answer counts 3 rows, and 1 were shown".into()));
    }
    assert!(next(&by_address, None, json!({"count": 3, "next_page": null})).is_err());
    for whole in [json!({"count": 1}), json!({}), json!({"meta": {"has_more": false}})] {
        assert_eq!(next(&paging, None, whole), Ok(None));
    }
    assert_eq!(next(&by_address, None, json!({"count": 1, "next_page": null})), Ok(None));
    assert_eq!(next(&paging, Some("a"), json!({"count": 3, "meta": {"has_more": false}})), Ok(None), "the third");
    assert!(next(&paging, Some("a"), json!({"count": 3})).is_err(), "a later page that says nothing of an end");
}

#[test]
fn a_cursor_on_the_last_page_is_not_followed() {
    let paging = Paging::Cursor {
        param: "page[after]".into(),
        next: ".meta.after_cursor".into(),
        done: None,
        more: Some(".meta.has_more".into()),
        size: None,
    };
    let page = json!({"meta": {"has_more": false, "after_cursor": "abc"}});
    assert_eq!(next(&paging, None, &answered(&page, &[json!({})], &asked(), None)).unwrap(), None);
}

#[test]
fn an_offset_walk_counts_the_rows_it_got() {
    let paging = Paging::Offset { param: "offset".into(), size: size(100), total: Some(".total_count".into()) };
    let rows = vec![json!({}); 100];
    let page = json!({"total_count": 130});
    assert_eq!(next(&paging, None, &answered(&page, &rows, &asked(), None)).unwrap().as_deref(), Some("100;"));
    assert_eq!(next(&paging, Some("100;"), &answered(&page, &rows[..30], &asked(), None)).unwrap(), None);
}

fn people(ids: std::ops::Range<u64>) -> Vec<Value> {
    ids.map(|id| json!({"id": id})).collect()
}

#[test]
fn pages_by_offset_begin_with_the_last_rows_of_the_one_before() {
    let paging = Paging::Offset { param: "offset".into(), size: size(100), total: Some(".total_count".into()) };
    let page = json!({"total_count": 130});
    let cursor = next(&paging, None, &answered(&page, &people(0..100), &asked(), None)).unwrap();
    assert_eq!(ask(&paging, cursor.as_deref(), None).query[0], ("offset".to_owned(), "97".to_owned()));
    let next = |rows: &[Value]| next(&paging, cursor.as_deref(), &answered(&page, rows, &asked(), None)).unwrap();
    assert_eq!(next(&people(97..130)), None);
    let back = next(&people(101..130));
    assert_eq!(ask(&paging, back.as_deref(), None).query[0].1, "0", "what was last is not there: back");
}

#[test]
fn what_a_page_declares_decides_and_not_what_was_asked_for() {
    let keyset = Paging::Keyset { key: ".id".into(), start: "0".into(), size: size(100) };
    let window = Paging::Window { key: ".id".into(), start: "0".into(), param: None, size: size(100) };
    let offset = Paging::Offset { param: "offset".into(), size: size(100), total: None };
    let number =
        Paging::Number { param: "page".into(), start: 1, size: size(100), more: None, total: Some(".total".into()) };
    let rows = people(1..51);
    let goes_on = |paging: &Paging, page: Value, counted: Option<u64>| {
        let asked = asked();
        let answered = Answered { counted, ..answered(&page, &rows, &asked, None) };
        next(paging, None, &answered).unwrap().is_some()
    };
    for paging in [&keyset, &window, &offset] {
        assert!(goes_on(paging, json!({"total_count": 120}), None));
        assert!(goes_on(paging, json!({"limit": 50}), None));
        assert!(goes_on(paging, json!({"data": {"@total_size": 120}}), None));
        assert!(goes_on(paging, json!({}), Some(120)));
        assert!(!goes_on(paging, json!({"total_count": 50, "limit": 100, "data": {"@total_size": -1}}), Some(50)));
    }
    assert!(goes_on(&number, json!({"total": 70}), None), "and says nothing of its size");
    assert!(!goes_on(&number, json!({"total": 70, "per_page": 100}), None), "20 of the page are hidden from us");
    assert!(goes_on(&number, json!({"total": 70, "per_page": 50}), None));
    let list = json!({"data": {"@links": {"next": [{"uri": "https://desk.example/next"}]}}});
    assert!(goes_on(&keyset, list, None));
}

#[test]
fn a_list_of_one_page_shows_all_that_it_or_a_header_counts() {
    let (rows, asked) = (people(0..3), asked());
    let ends = |page: Value, counted| {
        next(&Paging::Single, None, &Answered { counted, ..answered(&page, &rows, &asked, None) })
    };
    assert!(ends(json!({"@total_size": 4}), None).is_err() && ends(json!({}), Some(4)).is_err());
    assert!(ends(json!({"@total_size": 3}), None).is_ok() && ends(json!({}), Some(3)).is_ok());
}

#[test]
fn a_numbered_page_that_is_the_one_before_it_again_is_an_error() {
    let paging = numbered(None, Some(".total"));
    let (page, asked) = (json!({"total": 9, "per_page": 2}), asked());
    let cursor = next(&paging, None, &answered(&page, &people(0..2), &asked, None)).unwrap();
    assert_eq!(cursor.as_deref(), Some("2;2;1,0"));
    assert_eq!(ask(&paging, cursor.as_deref(), None).query[0].1, "2");
    assert!(next(&paging, cursor.as_deref(), &answered(&page, &people(2..4), &asked, None)).is_ok());
    assert!(next(&paging, cursor.as_deref(), &answered(&page, &people(0..2), &asked, None)).is_err());
}
