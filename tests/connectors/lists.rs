//! Lists are read to their end however a platform, or something before it, cuts, repeats, moves or refuses them.

use crate::answers::{json, query_of, serve};
use crate::{Opened, open_with};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use deskferry::connector::rest::Rest;
use deskferry::connector::{Page, Source, Unread, registry};
use deskferry::error::Reason;
use deskferry::record::Kind;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

pub fn open(
    connector: &str,
    answer: impl Fn(&Request<Body>) -> Response<Body> + Clone + Send + Sync + 'static,
) -> Rest {
    let address = serve(move |_| {
        Router::new().fallback(move |request: Request<Body>| {
            let response = answer(&request);
            async move { response }
        })
    });
    open_with(&registry::find(connector, None).unwrap(), &address, Opened::default())
}

fn number(request: &Request<Body>, key: &str, or: usize) -> usize {
    query_of(request).get(key).map_or(or, |text| text.trim_start_matches(">=").parse().unwrap())
}

/// All pages of a kind.
pub async fn pages(
    source: &Rest,
    kind: Kind,
    from: Option<String>,
    since: Option<Timestamp>,
) -> deskferry::error::Result<Vec<Page>> {
    let (mut pages, mut cursor) = (Vec::new(), from);
    loop {
        let page = source.read(kind, cursor.as_deref(), since).await?;
        cursor = page.next.clone();
        pages.push(page);
        assert!(pages.len() < 200, "the walk does not end");
        if cursor.is_none() {
            return Ok(pages);
        }
    }
}

pub fn ids(pages: &[Page]) -> BTreeSet<&str> {
    pages.iter().flat_map(|page| &page.rows).map(|row| row.id.as_str()).collect()
}

/// An empty list of Redmine's.
fn nothing(path: &str) -> Response<Body> {
    let name = path.rsplit('/').next().unwrap().trim_end_matches(".json");
    json(200, &json!({name: [], "total_count": 0, "offset": 0, "limit": 100}))
}

/// A page of Redmine's people.
fn people(all: &[usize], offset: usize, limit: usize) -> Response<Body> {
    let page: Vec<Value> = all
        .iter()
        .skip(offset)
        .take(limit)
        .map(|id| json!({"id": id, "login": format!("p{id}"), "admin": false}))
        .collect();
    json(200, &json!({"users": page, "total_count": all.len(), "offset": offset, "limit": limit}))
}

/// A Redmine of 250 people that answers each call for those that are active with `answer`.
fn of_people(answer: impl Fn(usize, usize) -> Response<Body> + Clone + Send + Sync + 'static) -> Rest {
    open("redmine", move |request| match (request.uri().path(), query_of(request).get("status").map(String::as_str)) {
        ("/users.json", Some("1")) => answer(number(request, "offset", 0), number(request, "limit", 25)),
        ("/users.json", _) => people(&[], 0, 100),
        (path, _) => nothing(path),
    })
}

#[tokio::test]
async fn pages_that_are_smaller_than_asked_and_say_so_are_read_to_the_last_row() {
    let source = open("redmine", |request| match request.uri().path() {
        "/issues.json" => {
            let least = number(request, "issue_id", 0).max(1);
            let rows: Vec<Value> = (least..=120).take(50).map(|id| json!({"id": id})).collect();
            json(200, &json!({"issues": rows, "total_count": 121 - least, "offset": 0, "limit": 50}))
        }
        path if path.starts_with("/issues/") => {
            let id: u64 = path.trim_start_matches("/issues/").trim_end_matches(".json").parse().unwrap();
            json(200, &json!({"issue": {"id": id, "subject": "s", "journals": [], "attachments": []}}))
        }
        path => nothing(path),
    });
    assert_eq!(ids(&pages(&source, Kind::Ticket, None, None).await.unwrap()).len(), 120);
}

#[tokio::test]
async fn people_who_move_over_the_seam_of_two_pages_are_read() {
    let calls = std::sync::Arc::new(AtomicUsize::new(0));
    let source = of_people(move |offset, limit| {
        let gone = if calls.fetch_add(1, Ordering::Relaxed) == 0 { 0 } else { 4 };
        people(&(gone..250).collect::<Vec<_>>(), offset, limit)
    });
    assert_eq!(ids(&pages(&source, Kind::Contact, None, None).await.unwrap()).len(), 250);
}

#[tokio::test]
async fn pages_that_are_all_the_first_one_fail_the_list() {
    let all: Vec<usize> = (0..250).collect();
    let source = of_people(move |_, limit| people(&all, 0, limit));
    let problem = pages(&source, Kind::Contact, None, None).await.unwrap_err();
    assert_eq!(problem.reason, Reason::BadAnswer);
    assert!(problem.what.contains("counts 250 rows"), "{}", problem.what);
}

#[tokio::test]
async fn a_list_that_counts_less_than_before_is_looked_at_again_and_fails_if_it_stays_so() {
    for well_again in [true, false] {
        let calls = std::sync::Arc::new(AtomicUsize::new(0));
        let source = of_people(move |offset, limit| {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            let is_cut = offset > 0 && (call == 1 || !well_again);
            people(&(0..if is_cut { 0 } else { 250 }).collect::<Vec<_>>(), offset, limit)
        });
        match pages(&source, Kind::Contact, None, None).await {
            Ok(read) => assert!(well_again && ids(&read).len() == 250),
            Err(problem) => assert!(!well_again && problem.reason == Reason::BadAnswer, "{}", problem.what),
        }
    }
}

#[tokio::test]
async fn a_detail_of_another_record_is_not_taken_for_the_one_that_was_asked_for() {
    let source = open("redmine", |request| match request.uri().path() {
        "/issues.json" => {
            json(200, &json!({"issues": [{"id": 1}, {"id": 2}], "total_count": 2, "offset": 0, "limit": 100}))
        }
        path if path.starts_with("/issues/") => {
            json(200, &json!({"issue": {"id": 1, "subject": "of 1", "journals": [], "attachments": []}}))
        }
        path => nothing(path),
    });
    let read = pages(&source, Kind::Ticket, None, None).await.unwrap();
    let rows: Vec<_> = read.iter().flat_map(|page| &page.rows).collect();
    assert!(rows[0].unread.is_none(), "{:?}", rows[0].unread);
    let problem = rows[1].unread.as_ref().unwrap();
    assert!(problem.what.contains("the answer is that of 1, and 2 was asked for"), "{}", problem.what);
    assert_eq!(rows[1].raw["subject"], Value::Null);
}

/// A Freshdesk whose ticket 1 has messages, a page of them at a time. `spoil` changes each page.
fn of_messages(
    spoil: impl Fn(usize, Vec<usize>) -> (Vec<usize>, Option<String>) + Clone + Send + Sync + 'static,
) -> Rest {
    open("freshdesk", move |request| {
        match request.uri().path() {
            path if path.ends_with("/conversations") => {}
            path if path.ends_with("/tickets/1") => return json(200, &ticket()),
            _ => return json(200, &json!([])),
        }
        let (page, size) = (number(request, "page", 1), number(request, "per_page", 30));
        let (ids, link) = spoil(page, (1..=130).skip((page - 1) * size).take(size).collect());
        let rows: Vec<Value> =
            ids.iter().map(|id| json!({"id": id, "body": "x", "private": true, "attachments": []})).collect();
        let mut response = json(200, &Value::Array(rows));
        if let Some(link) = link {
            response.headers_mut().append("link", "</app.css>; rel=preload".parse().unwrap());
            response.headers_mut().append("link", link.parse().unwrap());
        }
        response
    })
}

fn ticket() -> Value {
    json!({"id": 1, "status": 2, "stats": {}, "attachments": []})
}

async fn messages(source: &Rest) -> deskferry::error::Result<Vec<u64>> {
    let children = source.read_children(Kind::Ticket, &ticket(), &Default::default()).await?;
    Ok(children["comment"].iter().map(|row| row["id"].as_u64().unwrap()).collect())
}

#[tokio::test]
async fn a_message_that_moves_to_the_page_before_is_read_and_none_twice() {
    assert_eq!(messages(&of_messages(|_, page| (page, None))).await.unwrap(), (1..=130).collect::<Vec<u64>>());
    let calls = std::sync::Arc::new(AtomicUsize::new(0));
    let source = of_messages(move |_, page| {
        // Five messages of the first page are deleted after it was shown.
        let is_first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        let shifted = page.iter().map(|id| if is_first { *id } else { id + 5 }).filter(|id| *id <= 130).collect();
        (shifted, None)
    });
    let read = messages(&source).await.unwrap();
    assert_eq!(read.iter().collect::<BTreeSet<_>>().len(), read.len(), "none twice");
    assert_eq!(read.len(), 130);
}

#[tokio::test]
async fn a_list_that_names_a_page_it_does_not_show_fails() {
    let again =
        |page: usize| (page > 1).then(|| "</api/v2/tickets/1/conversations?page=1>; REL='Next last'".to_owned());
    let problem = messages(&of_messages(move |page, rows| (rows, again(page)))).await.unwrap_err();
    assert_eq!(problem.reason, Reason::BadAnswer);
}

/// What a Freshservice answers of which nothing is asked here: its form, or an empty list.
fn else_of_freshservice(path: &str) -> Response<Body> {
    let status = json!({"id": 1, "name": "status", "label": "Status", "field_type": "default_status", "default_field": true,
        "choices": [{"id": 2, "value": "Open"}]});
    match path {
        "ticket_form_fields" => json(200, &json!({"ticket_fields": [status]})),
        list => json(200, &json!({list.split('/').next_back().unwrap(): []})),
    }
}

/// A Freshservice whose list of problems is refused until it is well, with what was asked of it.
fn of_problems(status: u16, body: &'static str) -> (Rest, std::sync::Arc<AtomicUsize>) {
    let refused = std::sync::Arc::new(AtomicUsize::new(1));
    let is_refused = refused.clone();
    let source = open("freshservice", move |request| {
        let path = request.uri().path().trim_start_matches("/api/v2/");
        let at = "2024-01-01T00:00:00Z";
        match path {
            "problems" if is_refused.load(Ordering::Relaxed) == 1 => {
                let builder = Response::builder().status(status);
                builder.body(Body::from(body)).unwrap()
            }
            "problems" => {
                let is_old = query_of(request).get("updated_since").is_none_or(|since| since.as_str() < at);
                let rows = if is_old { vec![json!({"id": 5, "subject": "p", "updated_at": at})] } else { vec![] };
                json(200, &json!({"problems": rows}))
            }
            path => else_of_freshservice(path),
        }
    });
    (source, refused)
}

#[tokio::test]
async fn a_list_that_was_refused_has_no_watermark_and_is_read_whole_by_the_next_run() {
    let (source, refused) = of_problems(403, r#"{"code": "access_denied", "message": "You are not authorized"}"#);
    let first = pages(&source, Kind::Ticket, None, None).await.unwrap();
    assert_eq!(ids(&first).len(), 0);
    let bookmark = first.last().unwrap().bookmark.clone().unwrap();
    assert!(Unread::is_behind(&bookmark));
    refused.store(0, Ordering::Relaxed);
    let since: Option<Timestamp> = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let later = pages(&source, Kind::Ticket, Some(bookmark), since).await.unwrap();
    assert_eq!(ids(&later).len(), 1, "older than the run that could not read it");
    let bookmark = later.last().unwrap().bookmark.clone();
    assert!(bookmark.is_none_or(|bookmark| !Unread::is_behind(&bookmark)));
}

#[tokio::test]
async fn a_page_of_a_gateway_is_no_word_of_the_vendor_about_a_list() {
    for status in [403, 404] {
        let (source, _) = of_problems(status, "<html><head><title>Forbidden</title></head></html>");
        let problem = pages(&source, Kind::Ticket, None, None).await.unwrap_err();
        assert!(problem.what.contains("not in the form of the platform's own answers"), "{}", problem.what);
        let hint = problem.hint.unwrap();
        assert!(hint.contains("proxy") && hint.contains("leave_out = [\"problems\"]"), "{hint}");
    }
}

#[tokio::test]
async fn a_list_that_an_earlier_run_could_read_fails_where_it_is_refused_later() {
    let since: Option<Timestamp> = Some("2026-01-01T00:00:00Z".parse().unwrap());
    for status in [403, 404] {
        let (source, _) = of_problems(status, r#"{"code": "access_denied", "message": "You are not authorized"}"#);
        let problem = pages(&source, Kind::Ticket, None, since).await.unwrap_err();
        assert!(problem.what.contains("an earlier run could read this list"), "{}", problem.what);
        let hint = problem.hint.unwrap();
        assert!(hint.contains("leave_out = [\"problems\"]"), "{hint}");
    }
}

#[tokio::test]
async fn a_list_that_is_left_out_is_not_asked_for_and_read_whole_when_it_is_wanted_again() {
    let (source, _) = of_problems(403, "<html>Forbidden</html>");
    let source = source.leaving_out(&["problems".to_owned()]);
    let since: Option<Timestamp> = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let left = pages(&source, Kind::Ticket, None, since).await.unwrap();
    let bookmark = left.last().unwrap().bookmark.clone().unwrap();
    assert!(Unread::is_behind(&bookmark));
    let (source, refused) = of_problems(403, "");
    refused.store(0, Ordering::Relaxed);
    let later = pages(&source, Kind::Ticket, Some(bookmark), since).await.unwrap();
    assert_eq!(ids(&later).len(), 1);
}

/// A Freshservice of two tickets, which answers for the time entries of each.
fn of_time(answer: fn(&str) -> Response<Body>) -> Rest {
    open("freshservice", move |request| {
        let path = request.uri().path().trim_start_matches("/api/v2/");
        match path {
            "tickets" if !query_of(request).contains_key("filter") => {
                json(200, &json!({"tickets": [{"id": 1}, {"id": 2}]}))
            }
            path if path.ends_with("/time_entries") => answer(path),
            path => else_of_freshservice(path),
        }
    })
}

fn denied() -> Response<Body> {
    json(403, &json!({"code": "access_denied", "message": "You are not authorized to perform this action."}))
}

#[tokio::test]
async fn what_one_ticket_is_refused_is_its_own_failure_unless_another_is_refused_it_too() {
    let (none, ticket) = (Default::default(), json!({"id": 1}));
    let all = of_time(|_| denied());
    assert!(
        all.read_children(Kind::Ticket, &ticket, &none).await.unwrap()["time_entry"].is_empty(),
        "the plan lacks it"
    );
    let one =
        of_time(|path| if path.starts_with("tickets/1/") { denied() } else { json(200, &json!({"time_entries": []})) });
    assert_eq!(one.read_children(Kind::Ticket, &ticket, &none).await.unwrap_err().reason, Reason::Forbidden);
    let page = of_time(|_| Response::builder().status(403).body(Body::from("<html>Forbidden</html>")).unwrap());
    assert!(page.read_children(Kind::Ticket, &ticket, &none).await.is_err(), "a gateway's page");
}
