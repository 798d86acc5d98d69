//! The two listeners around a desk: its own address, and the host its files are downloaded from.
//!
//! Order of things for a call: its body is read, a limit may refuse it, a fault may meet it, the desk answers it.
//! Everything is logged; nothing here knows a vendor.

use super::clock::Clock;
use super::desk::{Answer, Call, Desk};
use super::faults::{Does, Fault, Faults};
use super::late::Late;
use super::limits::Limits;
use super::log::{At, Log, Logged, has_credential};
use super::wire::Cord;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Larger requests are refused; more than any vendor takes.
const LARGEST_BODY: usize = 128 << 20;
/// How many pieces a slow body arrives in.
const PIECES: u32 = 10;
/// How long ago a touch is dated unless asked otherwise: exports hold the last minute back.
const TOUCHED_AGO: i64 = 90;

/// What the listeners share.
pub struct Inside {
    pub desk: Box<dyn Desk>,
    pub limits: Limits,
    pub faults: Faults,
    pub late: Late,
    pub log: Log,
}

impl Inside {
    /// What is under way goes on until `now`.
    pub fn pass(&mut self, now: Timestamp) {
        for (due, call) in self.late.due(now) {
            self.desk.pass(due);
            self.desk.answer(&call, due);
        }
        self.desk.pass(now);
    }
}

#[derive(Clone)]
pub struct Shared {
    pub inside: Arc<Mutex<Inside>>,
    pub base: String,
    pub files: String,
    pub clock: Clock,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of an answer on its way.
enum Way {
    Whole(Answer),
    Cut(Answer),
    Slow(Answer, u32),
    Reset,
}

pub fn desk_routes(shared: Shared) -> Router {
    Router::new().fallback(desk_call).with_state(shared)
}

pub fn file_routes(shared: Shared) -> Router {
    Router::new().fallback(file_call).with_state(shared)
}

async fn desk_call(State(shared): State<Shared>, ConnectInfo(cord): ConnectInfo<Cord>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return respond(Answer { status: 413, ..Answer::default() });
    };
    let query = parts.uri.query().unwrap_or_default();
    let call = Call {
        method: parts.method.as_str().to_owned(),
        path: percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body,
        base: shared.base.clone(),
        files: shared.files.clone(),
    };
    if let Some(wanted) = call.path.strip_prefix("/__sandbox/") {
        return respond(control(&shared, &call, wanted));
    }
    let way = answer(&mut shared.lock(), &call, query, shared.clock.now());
    sent(way, &cord, shared.clock)
}

fn sent(way: Way, cord: &Cord, clock: Clock) -> Response {
    let mut response = match way {
        Way::Whole(answer) => respond(answer),
        Way::Cut(answer) => in_pieces(answer, None),
        Way::Slow(answer, seconds) => in_pieces(answer, Some(seconds)),
        Way::Reset => {
            cord.pull();
            Response::new(Body::empty())
        }
    };
    response.headers_mut().extend(header("date", &clock.date()));
    response
}

fn answer(inside: &mut Inside, call: &Call, query: &str, now: Timestamp) -> Way {
    let mut logged = Logged {
        number: 0,
        time: now,
        at: At::Api,
        method: call.method.clone(),
        path: call.path.clone(),
        query: (!query.is_empty()).then(|| query.to_owned()),
        status: None,
        fault: None,
        limit: None,
        counted: false,
        credential: has_credential(&call.headers),
        client: call.headers.get("user-agent").and_then(|v| v.to_str().ok()).map(str::to_owned),
    };
    inside.pass(now);
    let way = decide(inside, call, now, &mut logged);
    inside.log.add(logged);
    way
}

fn decide(inside: &mut Inside, call: &Call, now: Timestamp, logged: &mut Logged) -> Way {
    if let Err((wait, limit)) = inside.limits.book(&call.method, &call.path, inside.desk.cost(call), now) {
        let answer = with_standing(inside, call, now, inside.desk.refuse(wait));
        logged.limit = Some(limit);
        logged.status = Some(answer.status);
        return Way::Whole(answer);
    }
    logged.counted = true;
    let fault = inside.faults.meet(&call.method, &call.path);
    logged.fault = fault.map(|fault| fault.does.name());
    if let Some(fault) = fault.filter(|fault| fault.does.spares_the_desk()) {
        let Some(answer) = refusal(inside.desk.as_ref(), fault) else { return Way::Reset };
        logged.status = Some(answer.status);
        return Way::Whole(answer);
    }
    if let Some(fault) = fault.filter(|fault| fault.does == Does::ResetLate) {
        let late = SignedDuration::from_secs(fault.seconds.unwrap_or(1).into());
        inside.late.add(now.checked_add(late).unwrap_or(now), call.clone());
        return Way::Reset;
    }
    if let Some(fate) = fault.and_then(Fault::fate) {
        inside.desk.doom(fate);
    }
    let answer = inside.desk.answer(call, now);
    let answer = with_standing(inside, call, now, answer);
    met_after(answer, fault, logged)
}

/// What a fault leaves of an answer whose call had its effect.
fn met_after(answer: Answer, fault: Option<Fault>, logged: &mut Logged) -> Way {
    logged.status = Some(answer.status);
    let Some(fault) = fault else { return Way::Whole(answer) };
    match fault.does {
        Does::ErrorAfter => {
            let answer = error(fault.status.unwrap_or(500));
            logged.status = Some(answer.status);
            Way::Whole(answer)
        }
        Does::ResetAfter | Does::ResetLate => Way::Reset,
        Does::Truncated => Way::Whole(Answer { body: answer.body[..answer.body.len() / 2].to_vec(), ..answer }),
        Does::Cut => Way::Cut(answer),
        Does::Slow => Way::Slow(answer, fault.seconds.unwrap_or(10)),
        Does::TooMany | Does::Expired | Does::ErrorBefore | Does::ResetBefore => Way::Whole(answer),
        Does::JobKilled | Does::JobStuck | Does::JobVanished => Way::Whole(answer),
    }
}

fn with_standing(inside: &Inside, call: &Call, now: Timestamp, answer: Answer) -> Answer {
    let headers = inside.desk.limit_headers(&inside.limits.standing(&call.method, &call.path, now));
    Answer { headers: answer.headers.into_iter().chain(headers).collect(), ..answer }
}

/// The answer of a fault that the desk never hears of; `None` resets the connection.
fn refusal(desk: &dyn Desk, fault: Fault) -> Option<Answer> {
    Some(match fault.does {
        Does::TooMany => desk.refuse(fault.retry_after.unwrap_or(1)),
        Does::Expired => desk.refuse_credential(),
        Does::ErrorBefore => {
            let answer = error(fault.status.unwrap_or(503));
            match fault.retry_after {
                Some(wait) => answer.header("retry-after", wait.to_string()),
                None => answer,
            }
        }
        _ => return None,
    })
}

/// What a proxy in front of the desk says.
fn error(status: u16) -> Answer {
    let reason = StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Error");
    let body = format!("<html><head><title>{status} {reason}</title></head><body><h1>{reason}</h1></body></html>");
    Answer { status, body: body.into_bytes(), ..Answer::default() }.header("content-type", "text/html")
}

fn control(shared: &Shared, call: &Call, wanted: &str) -> Answer {
    let (mut inside, now) = (shared.lock(), shared.clock.now());
    inside.pass(now);
    match (call.method.as_str(), wanted) {
        ("GET", "state") => Answer::json(200, &inside.desk.state()),
        ("GET", "mails") => Answer::json(200, &json!({ "mails": inside.desk.mails() })),
        ("GET", "calls") => Answer::json(200, &json!({ "calls": inside.log.calls() })),
        ("POST", "touch") => {
            let number = |name: &str, otherwise: i64| call.param(name).map_or(Some(otherwise), |n| n.parse().ok());
            let at = number("ago", TOUCHED_AGO).and_then(|ago| now.checked_sub(SignedDuration::from_secs(ago)).ok());
            let nth = number("ticket", 0).and_then(|n| usize::try_from(n).ok());
            let (Some(nth), Some(at)) = (nth, at) else { return complaint(400, "`ticket` and `ago` are numbers") };
            match inside.desk.touch(nth, at) {
                Some(added) => Answer::json(201, &added),
                None => complaint(404, "there is no such ticket, or nobody can answer it"),
            }
        }
        _ => complaint(404, "GET state, mails, calls; POST touch?ticket=N&ago=SECONDS"),
    }
}

fn complaint(status: u16, what: &str) -> Answer {
    Answer::json(status, &json!({ "error": what }))
}

async fn file_call(State(shared): State<Shared>, ConnectInfo(cord): ConnectInfo<Cord>, request: Request) -> Response {
    let headers = request.headers();
    let mut logged = Logged {
        number: 0,
        time: shared.clock.now(),
        at: At::Files,
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        query: None,
        status: None,
        fault: None,
        limit: None,
        counted: false,
        credential: has_credential(headers),
        client: headers.get("user-agent").and_then(|v| v.to_str().ok()).map(str::to_owned),
    };
    let mut inside = shared.lock();
    inside.pass(logged.time);
    let way = served(&mut inside, &request, &mut logged);
    inside.log.add(logged);
    drop(inside);
    sent(way, &cord, shared.clock)
}

/// A file, or what a fault makes of it.
fn served(inside: &mut Inside, request: &Request, logged: &mut Logged) -> Way {
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    let fault = inside.faults.meet(&logged.method, &logged.path);
    logged.fault = fault.map(|fault| fault.does.name());
    if let Some(fault) = fault.filter(|fault| fault.does.spares_the_desk()) {
        let refused = match fault.does {
            // As storage says it of an address that is too old.
            Does::Expired => Some(Answer { status: 403, ..Answer::default() }),
            _ => refusal(inside.desk.as_ref(), fault),
        };
        let Some(answer) = refused else { return Way::Reset };
        logged.status = Some(answer.status);
        return Way::Whole(answer);
    }
    let answer = if logged.credential {
        // As S3: "Only one auth mechanism allowed". A client must never bring the desk's credential here.
        complaint(400, "only one auth mechanism allowed: the signature of the address")
    } else if matches!(logged.method.as_str(), "GET" | "HEAD") {
        inside.desk.download(path, logged.time).unwrap_or_else(|| complaint(404, "no such file"))
    } else {
        complaint(405, "files are only read here")
    };
    met_after(answer, fault, logged)
}

fn head(status: u16, headers: &[(String, String)], body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers.iter().filter_map(|(name, value)| header(name, value)).collect::<HeaderMap>();
    response
}

/// Header values keep bytes beyond ASCII, as vendors send them.
fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}

fn respond(answer: Answer) -> Response {
    head(answer.status, &answer.headers, Body::from(answer.body))
}

/// The whole body in the given time; without one, half of it and then the end of the connection.
fn in_pieces(answer: Answer, seconds: Option<u32>) -> Response {
    let length = ("content-length".to_owned(), answer.body.len().to_string());
    let headers: Vec<_> = answer.headers.into_iter().chain([length]).collect();
    let body = Bytes::from(answer.body);
    let pieces = async_stream::stream! {
        match seconds {
            None => {
                yield Ok(body.slice(..body.len() / 2));
                // What was sent so far is on its way before the connection ends.
                tokio::time::sleep(Duration::from_millis(20)).await;
                yield Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            Some(seconds) => {
                let pause = Duration::from_secs(seconds.into()) / PIECES;
                for n in 0..PIECES as usize {
                    tokio::time::sleep(pause).await;
                    let border = |n: usize| body.len() * n / PIECES as usize;
                    yield Ok(body.slice(border(n)..border(n + 1)));
                }
            }
        }
    };
    head(answer.status, &headers, Body::from_stream(pieces))
}
