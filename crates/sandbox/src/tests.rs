//! The server around a desk, tried with one of three addresses.

use super::clock::Clock;
use super::desk::{Answer, Call, Desk, Limit, Mail, Standing};
use super::{Options, Refused, Running, start};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Counts what it is told to do.
#[derive(Default)]
struct Counter {
    done: u32,
    touched: u32,
}

impl Desk for Counter {
    fn answer(&mut self, call: &Call, _now: Timestamp) -> Answer {
        self.done += 1;
        let said: Vec<_> = call.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Answer::json(200, &json!({ "path": call.path, "query": said, "done": self.done, "body": call.body.len() }))
    }

    fn limits(&self, plan: Option<&str>) -> Option<Vec<Limit>> {
        let calls = match plan {
            None => 1000,
            Some("small") => 2,
            Some(_) => return None,
        };
        Some(vec![Limit { name: "account".into(), covers: |_, _| true, calls, per_seconds: 60 }])
    }

    fn limit_headers(&self, standing: &[Standing<'_>]) -> Vec<(String, String)> {
        standing.iter().map(|s| ("x-left".to_owned(), s.left.to_string())).collect()
    }

    fn refuse(&self, retry_after_seconds: u32) -> Answer {
        Answer { status: 429, ..Answer::default() }.header("retry-after", retry_after_seconds.to_string())
    }

    fn download(&mut self, path_and_query: &str, _now: Timestamp) -> Option<Answer> {
        (path_and_query == "/file?signature=good").then(|| Answer {
            status: 200,
            body: vec![7; 3],
            ..Answer::default()
        })
    }

    fn credentials(&self) -> Vec<(String, String)> {
        vec![("token".into(), "sesame".into())]
    }

    fn touch(&mut self, nth: usize, at: Timestamp) -> Option<Value> {
        self.touched += 1;
        (nth == 0).then(|| json!({ "at": at }))
    }

    fn state(&self) -> Value {
        json!({ "done": self.done, "touched": self.touched })
    }

    fn mails(&self) -> Vec<Mail> {
        vec![Mail { to: "a@example.com".into(), about: "x".into(), because: "POST /".into() }]
    }
}

async fn up(faults: &str) -> Running {
    let faults = Some(("faults.toml".into(), faults.to_owned()));
    start(Box::new(Counter::default()), &Options { faults, ..Options::default() }).await.unwrap()
}

/// What comes back for one request, byte for byte, until the connection ends; an error is told after it.
async fn raw(address: &str, request: &str) -> (String, Option<std::io::ErrorKind>) {
    let (host, request) = (address.trim_start_matches("http://").to_owned(), request.to_owned());
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(format!("{request}\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut all = Vec::new();
        let end = stream.read_to_end(&mut all).err().map(|e| e.kind());
        (String::from_utf8_lossy(&all).into_owned(), end)
    })
    .await
    .unwrap()
}

async fn get(running: &Running, path: &str) -> String {
    raw(&running.address, &format!("GET {path} HTTP/1.1")).await.0
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn done(running: &Running) -> u64 {
    running.state()["done"].as_u64().unwrap()
}

#[tokio::test]
async fn a_desk_gets_the_call_decoded_and_in_order() {
    let running = up("").await;
    let answer = get(&running, "/caf%C3%A9/x?a=1&b%5B%5D=2&a=3+4").await;
    let answer: Value = serde_json::from_str(body(&answer)).unwrap();
    assert_eq!(answer["path"], "/café/x");
    assert_eq!(answer["query"], json!(["a=1", "b[]=2", "a=3 4"]));
    assert!(running.address.starts_with("http://127.0.0.1:"));
    assert_ne!(running.address, running.files_address);
}

#[tokio::test]
async fn a_call_over_the_limit_has_no_effect_and_is_told_when_to_come_back() {
    let options = Options { plan: Some("small".into()), ..Options::default() };
    let running = start(Box::new(Counter::default()), &options).await.unwrap();
    assert!(get(&running, "/").await.contains("x-left: 1"));
    assert!(get(&running, "/").await.contains("x-left: 0"));
    let refused = get(&running, "/").await;
    assert_eq!(status(&refused), "429");
    let wait = refused.lines().find_map(|l| l.strip_prefix("retry-after: ")).unwrap();
    assert!((1..=60).contains(&wait.trim().parse::<u32>().unwrap()));
    assert_eq!(done(&running), 2);
    let calls = running.calls();
    assert_eq!(calls.iter().map(|c| c.counted).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(calls[2].limit.as_deref(), Some("account"));
}

#[tokio::test]
async fn a_rate_of_ones_own_replaces_the_plans() {
    let options = Options { rate: Some("1/h".parse().unwrap()), ..Options::default() };
    let running = start(Box::new(Counter::default()), &options).await.unwrap();
    assert_eq!(status(&get(&running, "/").await), "200");
    assert_eq!(status(&get(&running, "/").await), "429");
}

#[tokio::test]
async fn what_cannot_start_is_refused() {
    let begun = |options: Options| async move { start(Box::new(Counter::default()), &options).await.err() };
    let plan = begun(Options { plan: Some("huge".into()), ..Options::default() }).await;
    assert!(matches!(plan, Some(Refused::Plan(name)) if name == "huge"));
    let faults = begun(Options { faults: Some(("f.toml".into(), "x = 1".into())), ..Options::default() }).await;
    assert!(matches!(faults, Some(Refused::Faults(what)) if what.starts_with("f.toml:1:")));
    let running = up("").await;
    let port = running.address.rsplit(':').next().unwrap().parse().unwrap();
    let taken = begun(Options { port, ..Options::default() }).await;
    assert!(matches!(taken, Some(Refused::Port { port: told, .. }) if told == port));
}

#[tokio::test]
async fn faults_before_the_effect_leave_the_desk_alone() {
    let running = up(r#"
        [[fault]]
        path = "/many"
        at = 1
        calls = 2
        does = "too_many"
        retry_after = 30
        [[fault]]
        path = "/error"
        at = 1
        does = "error_before"
        status = 502
        [[fault]]
        path = "/reset"
        at = 1
        does = "reset_before"
        [[fault]]
        path = "/expired"
        at = 1
        does = "expired"
    "#)
    .await;
    for _ in 0..2 {
        let many = get(&running, "/many").await;
        assert_eq!(status(&many), "429");
        assert!(many.contains("retry-after: 30"));
    }
    assert_eq!(status(&get(&running, "/error").await), "502");
    assert_eq!(status(&get(&running, "/expired").await), "401");
    let (answer, end) = raw(&running.address, "GET /reset HTTP/1.1").await;
    assert_eq!((answer.as_str(), end), ("", Some(std::io::ErrorKind::ConnectionReset)));
    assert_eq!(done(&running), 0);
    for path in ["/many", "/error", "/reset", "/expired"] {
        assert_eq!(status(&get(&running, path).await), "200", "{path}");
    }
    let met: Vec<_> = running.calls().iter().filter_map(|c| c.fault).collect();
    assert_eq!(met, ["too_many", "too_many", "error_before", "expired", "reset_before"]);
}

#[tokio::test]
async fn faults_after_the_effect_come_when_it_is_done() {
    let running = up(r#"
        [[fault]]
        path = "/error"
        at = 1
        does = "error_after"
        [[fault]]
        path = "/reset"
        at = 1
        does = "reset_after"
    "#)
    .await;
    assert_eq!(status(&get(&running, "/error").await), "500");
    assert_eq!(done(&running), 1);
    let (answer, end) = raw(&running.address, "GET /reset HTTP/1.1").await;
    assert_eq!((answer.as_str(), end), ("", Some(std::io::ErrorKind::ConnectionReset)));
    assert_eq!(done(&running), 2);
    assert_eq!(running.calls()[1].status, Some(200));
}

#[tokio::test]
async fn a_spoiled_body_is_half_there() {
    let running = up(r#"
        [[fault]]
        path = "/truncated"
        at = 1
        does = "truncated"
        [[fault]]
        path = "/cut"
        at = 1
        does = "cut"
        [[fault]]
        path = "/slow"
        at = 1
        does = "slow"
        seconds = 1
    "#)
    .await;
    let promised = |answer: &str| -> usize {
        answer.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap().trim().parse().unwrap()
    };
    let truncated = get(&running, "/truncated").await;
    assert_eq!(promised(&truncated), body(&truncated).len());
    assert!(serde_json::from_str::<Value>(body(&truncated)).is_err());
    let cut = get(&running, "/cut").await;
    assert_eq!(promised(&cut) / 2, body(&cut).len());
    let begun = Instant::now();
    let slow = get(&running, "/slow").await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(serde_json::from_str::<Value>(body(&slow)).unwrap()["done"], 3);
}

#[tokio::test]
async fn the_file_host_notices_a_credential() {
    let running = up("").await;
    let ask = |request: &str| {
        let request = request.to_owned();
        let address = running.files_address.clone();
        async move { raw(&address, &request).await.0 }
    };
    assert_eq!(body(&ask("GET /file?signature=good HTTP/1.1").await), "\u{7}\u{7}\u{7}");
    assert_eq!(status(&ask("GET /file?signature=bad HTTP/1.1").await), "404");
    assert_eq!(status(&ask("POST /file?signature=good HTTP/1.1").await), "405");
    assert_eq!(status(&ask("GET /file?signature=good HTTP/1.1\r\nauthorization: Basic xyzzy").await), "400");
    let calls = running.calls();
    assert_eq!(calls.iter().map(|c| c.credential).collect::<Vec<_>>(), [false, false, false, true]);
    let log = serde_json::to_string(&calls).unwrap();
    assert!(!log.contains("xyzzy") && !log.contains("good"), "{log}");
}

#[tokio::test]
async fn the_curious_see_what_is_there_and_are_not_counted() {
    let running = up("[[fault]]\nevery = 1\ndoes = \"reset_before\"").await;
    let shown = |path: &'static str| {
        let running = &running;
        async move { serde_json::from_str::<Value>(body(&get(running, path).await)).unwrap() }
    };
    assert_eq!(shown("/__sandbox/state").await, running.state());
    assert_eq!(shown("/__sandbox/mails").await["mails"][0]["to"], "a@example.com");
    assert_eq!(shown("/__sandbox/calls").await["calls"], json!([]));
    let touched = raw(&running.address, "POST /__sandbox/touch?ticket=0&ago=0 HTTP/1.1\r\ncontent-length: 0").await.0;
    assert_eq!(status(&touched), "201");
    assert_eq!(running.state()["touched"], 1);
    let none = raw(&running.address, "POST /__sandbox/touch?ticket=9 HTTP/1.1\r\ncontent-length: 0").await.0;
    assert_eq!(status(&none), "404");
}

#[tokio::test]
async fn a_desk_dates_its_answers_by_a_clock_of_its_own() {
    let clock = Clock::ahead(SignedDuration::from_mins(-10));
    let running = start(Box::new(Counter::default()), &Options { clock, ..Options::default() }).await.unwrap();
    let answer = get(&running, "/").await;
    let dates: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("date: ")).collect();
    let [date] = dates[..] else { panic!("{dates:?}") };
    let date = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
    let behind = Timestamp::now().duration_since(date).as_secs();
    assert!((600..=602).contains(&behind), "{behind}");
    let behind = Timestamp::now().duration_since(running.calls()[0].time).as_secs();
    assert!((600..=602).contains(&behind), "{behind}");
}

#[tokio::test]
async fn a_call_that_lost_its_connection_may_have_its_effect_later() {
    let running = up("[[fault]]\nat = 1\ndoes = \"reset_late\"\nseconds = 1").await;
    let (answer, end) = raw(&running.address, "GET / HTTP/1.1").await;
    assert!(answer.is_empty() && end.is_some(), "{answer:?} {end:?}");
    assert_eq!(done(&running), 0);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(done(&running), 1);
    assert_eq!(done(&running), 1, "once");
}
