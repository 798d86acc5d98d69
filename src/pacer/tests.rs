use super::*;
use futures_util::FutureExt;
use std::time::Duration;

fn rows(toml: &str) -> Vec<Row> {
    #[derive(serde::Deserialize)]
    struct File {
        limit: Vec<Row>,
    }
    toml::from_str::<File>(toml).unwrap().limit
}

fn pacer(toml: &str) -> Pacer {
    Pacer::new(rows(toml), 0.0, Clock::system())
}

fn said(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
}

async fn seconds_for(pacer: &Pacer, calls: usize, path: &str) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        let permit = pacer.acquire("GET", path).await;
        pacer.observe(&permit, 200, &HeaderMap::new());
    }
    start.elapsed().as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn the_floor_rate_holds_until_a_response_says_better() {
    let p = pacer("[[limit]]\nrate = '60/m'\nheaders = { remaining = 'Left', reset = 'Reset' }");
    let took = seconds_for(&p, 20, "/x").await;
    assert!((18.0..22.0).contains(&took), "{took}");
    let permit = p.acquire("GET", "/x").await;
    p.observe(&permit, 200, &said(&[("left", "1000"), ("reset", "100")]));
    let rate = p.snapshot().rows[0].rate.unwrap();
    assert!((9.4..9.7).contains(&rate), "0.95 x remaining / time left, not {rate}");
}

#[tokio::test(start_paused = true)]
async fn every_matching_row_holds_and_a_narrow_one_uses_up_none_of_the_wide_one() {
    let p = pacer("[[limit]]\nmatch = ['GET /slow/*']\nrate = '6/m'\n[[limit]]\nrate = '10/s'");
    let slow = tokio::spawn({
        let p = p.clone();
        async move { seconds_for(&p, 4, "/slow/1").await }
    });
    let fast = seconds_for(&p, 100, "/fast").await;
    assert!((9.5..11.5).contains(&fast), "{fast}");
    let slow = slow.await.unwrap();
    assert!((30.0..33.0).contains(&slow), "{slow}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_obeyed_to_the_second_and_only_by_the_row_that_pushed_back() {
    let p = pacer("[[limit]]\nmatch = ['GET /narrow']\n[[limit]]\nheaders = { remaining = 'Left' }");
    let permit = p.acquire("GET", "/narrow").await;
    p.observe(&permit, 429, &said(&[("retry-after", "30"), ("left", "150")]));
    drop(permit);
    assert!(p.acquire("GET", "/wide").now_or_never().is_some(), "the wide row has 150 calls left");
    let start = Instant::now();
    drop(p.acquire("GET", "/narrow").await);
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_call_no_row_covers_obeys_retry_after_too() {
    let p = Pacer::new(vec![], 0.0, Clock::system());
    let permit = p.acquire("POST", "/x").await;
    p.observe(&permit, 503, &said(&[("retry-after", "7")]));
    drop(permit);
    let start = Instant::now();
    drop(p.acquire("POST", "/x").await);
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn without_retry_after_the_pauses_double() {
    let p = Pacer::new(vec![], 0.0, Clock::system());
    let mut pauses = vec![];
    for _ in 0..8 {
        let start = Instant::now();
        let permit = p.acquire("GET", "/x").await;
        pauses.push(start.elapsed().as_secs());
        p.observe(&permit, 429, &HeaderMap::new());
    }
    assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_leaves_no_trace_and_a_dropped_permit_gives_its_slot_back() {
    let p = pacer("[[limit]]\nconcurrency = 1\nrate = '1/s'");
    let held = p.acquire("GET", "/x").await;
    for _ in 0..5 {
        assert!(tokio::time::timeout(Duration::from_secs(1), p.acquire("GET", "/x")).await.is_err());
    }
    assert_eq!(p.snapshot().rows[0].calls, 1);
    drop(held);
    assert!(p.acquire("GET", "/x").now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_the_platform_allows_and_a_push_back_halves_them() {
    let p = pacer("[[limit]]\nconcurrency = 4");
    let mut held = vec![];
    for _ in 0..4 {
        held.push(p.acquire("GET", "/x").now_or_never().unwrap());
    }
    assert!(p.acquire("GET", "/x").now_or_never().is_none());
    for permit in held.drain(..) {
        p.observe(&permit, 429, &said(&[("retry-after", "1")]));
    }
    assert_eq!(p.snapshot().rows[0].slots, Some(2));
    assert_eq!(p.snapshot().rows[0].paused, Some(Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn the_cost_of_a_call_is_learned_and_charged_beforehand() {
    let p = pacer("[[limit]]\nrate = '600/m'\nheaders = { remaining = 'Left', reset = 'Reset', cost = 'Cost' }");
    let permit = p.acquire("GET", "/tickets/1").await;
    p.observe(&permit, 200, &said(&[("left", "100"), ("reset", "60"), ("cost", "40")]));
    drop(permit);
    let _second = p.acquire("GET", "/tickets/2").await;
    assert_eq!(p.snapshot().rows[0].remaining, Some(60.0));
    let _third = p.acquire("GET", "/tickets/3").await;
    assert_eq!(p.snapshot().rows[0].remaining, Some(20.0));
}

#[tokio::test(start_paused = true)]
async fn the_reserve_is_left_to_the_people_at_work() {
    let p = Pacer::new(
        rows("[[limit]]\nrate = '100/m'\nheaders = { limit = 'Limit', remaining = 'Left', reset = 'Reset' }"),
        0.2,
        Clock::system(),
    );
    let mut left = 100;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(59) {
        let Ok(permit) = tokio::time::timeout(Duration::from_secs(1), p.acquire("GET", "/x")).await else { continue };
        left -= 1;
        let reset = (60.0 - start.elapsed().as_secs_f64()).to_string();
        p.observe(&permit, 200, &said(&[("limit", "100"), ("left", &left.to_string()), ("reset", &reset)]));
    }
    assert!((20..=24).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_turn() {
    let p = pacer("[[limit]]\nrate = '10/s'");
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let p = p.clone();
            tokio::spawn(async move {
                let mut calls = 0;
                let start = Instant::now();
                while start.elapsed() < Duration::from_secs(60) {
                    drop(p.acquire("GET", "/x").await);
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    for task in tasks {
        let calls = task.await.unwrap();
        assert!((28..=32).contains(&calls), "{calls}");
    }
}

#[test]
fn ids_are_folded_and_versions_are_not() {
    assert_eq!(shape("/api/v2/tickets/12/comments.json"), "/api/v2/tickets/:id/comments.json");
    assert_eq!(shape("/REST/2.0/ticket/7"), "/REST/2.0/ticket/:id");
    assert_eq!(shape("/issues/9.json"), "/issues/:id.json");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_polls_does_not_stop_the_account() {
    let p = pacer("[[limit]]\nrate = '10/s'");
    drop(p.acquire("GET", "/x").await);
    let forgotten = p.acquire("GET", "/forgotten");
    tokio::pin!(forgotten);
    assert!(forgotten.as_mut().now_or_never().is_none());
    let took = seconds_for(&p, 10, "/x").await;
    assert!((0.9..1.3).contains(&took), "{took}");
    drop(forgotten.await);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_this_minute_does_not_change_what_the_limits_let_through_in_the_long_run() {
    let headers = "headers = { limit = 'Limit', remaining = 'Left', reset = 'Reset' }";
    let p = pacer(&format!(
        "[[limit]]\nmatch = ['GET /export']\nrate = '10/m'\n{headers}\n[[limit]]\nrate = '200/m'\n{headers}"
    ));
    let fresh = (p.rate_of("GET", "/export").unwrap(), p.rate_of("GET", "/one").unwrap());
    let permit = p.acquire("GET", "/export").await;
    p.observe(&permit, 200, &said(&[("limit", "10"), ("left", "0"), ("reset", "55")]));
    drop(permit);
    let permit = p.acquire("GET", "/one").await;
    p.observe(&permit, 200, &said(&[("limit", "200"), ("left", "199"), ("reset", "1")]));
    let later = (p.rate_of("GET", "/export").unwrap(), p.rate_of("GET", "/one").unwrap());
    assert!((fresh.0 - later.0).abs() < 0.05 * fresh.0, "{fresh:?} {later:?}");
    assert!((fresh.1 - later.1).abs() < 0.05 * fresh.1, "{fresh:?} {later:?}");
}
