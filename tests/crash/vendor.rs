//! The desk of `fake.toml`: `/src` is read, `/dst` is written. A fault can be set for its n-th write.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the desk is entered with.
pub const KEY: &str = "qZ7/rT+k9 e-Y2~w";

/// The key in the ways in which a server may say it back, as a header or by itself.
pub fn key_forms() -> Vec<String> {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    let mut forms = vec![
        KEY.to_owned(),
        KEY.to_lowercase(),
        KEY.bytes().map(|byte| format!("{byte:02x}")).collect(),
        KEY.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        percent_encoding::utf8_percent_encode(KEY, percent_encoding::NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect(),
    ];
    for said in [KEY.to_owned(), format!("{KEY}:X"), format!("a@b.example/token:{KEY}"), format!("ab@b.example:{KEY}")]
    {
        forms.extend([STANDARD.encode(&said), STANDARD_NO_PAD.encode(&said)]);
        forms.extend([URL_SAFE.encode(&said), URL_SAFE_NO_PAD.encode(&said)]);
    }
    forms
}

/// What happens at one write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Refused with a 429 that asks for a long wait: the intent is written and nothing was done.
    Intent,
    /// The request is there, nothing is done, no answer comes.
    BeforeEffect,
    /// Done, and no answer comes.
    AfterEffect,
    /// Done only after the client is long gone.
    LateEffect,
    /// Done and answered; whether the client has booked it is a race.
    Answered,
    /// Done, and answered 500.
    ErrorAfterEffect,
    /// Nothing done, and answered 500: "database is locked".
    ErrorWithoutEffect,
    /// Done, and the answer is cut.
    CutAnswer,
    /// Provably refused.
    Refused,
    /// Provably refused, in words that say the credential back in every way.
    SaysTheKey,
    /// The credential is no longer taken.
    Expired,
    /// Done, but everyone can see it.
    MadePublic,
    /// Done, and answered with this status by the page of a gateway.
    PageAfterEffect(u16),
    /// Nothing done, and answered so.
    PageWithoutEffect(u16),
    /// Done, and answered with this status and body.
    SaidAfterEffect(u16, &'static str),
    /// Nothing done, and answered so.
    SaidWithoutEffect(u16, &'static str),
}

impl Fault {
    /// Whether the test kills the client there.
    pub fn kills(self) -> bool {
        use Fault::{AfterEffect, Answered, BeforeEffect, Intent, LateEffect};
        matches!(self, Intent | BeforeEffect | AfterEffect | LateEffect | Answered)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Ticket {
    pub marker: String,
    pub messages: Vec<(String, bool)>,
}

#[derive(Default)]
pub struct Desk {
    pub tickets: Vec<Ticket>,
    pub writes: usize,
    pub fault: Option<(usize, Fault)>,
    /// The search by marker finds nothing: what would happen without it.
    pub blind: bool,
    /// Somebody answered in the source since.
    pub answered_since: bool,
    /// Status and body of the answer to so many looks for what the fault left in doubt, in place of the truth.
    pub odd_looks: Option<(usize, u16, &'static str)>,
    /// Every write is answered 500, and nothing is done.
    pub down: bool,
    /// So many tickets more, of one message each, are in the source.
    pub more: usize,
    /// The same as `odd_looks` of so many looks for what is there before anything is written.
    pub odd_first_looks: Option<(usize, u16, &'static str)>,
}

impl Desk {
    /// The odd answer to a look for a ticket, or for the messages of this one, if it gets one: all of the first ticket's.
    fn odd_look(&mut self, ticket: Option<usize>) -> Option<Response<Body>> {
        let is_for_it = |at: usize| if at == 0 { ticket.is_none() } else { ticket == Some(0) };
        let met = self.fault.is_some_and(|(at, _)| at < self.writes && is_for_it(at));
        let (left, status, body) = self.odd_looks.filter(|(left, ..)| met && *left > 0)?;
        self.odd_looks = Some((left - 1, status, body));
        Some(said(status, "application/json", body))
    }
}

#[derive(Clone)]
struct Shared {
    desk: Arc<Mutex<Desk>>,
    reached: Sender<()>,
}

/// Starts the desk on loopback. Its address, its state, and the news of a fault that was reached.
pub fn start() -> (String, Arc<Mutex<Desk>>, std::sync::mpsc::Receiver<()>) {
    let (reached, news) = std::sync::mpsc::channel();
    let desk = Arc::new(Mutex::new(Desk::default()));
    let shared = Shared { desk: desk.clone(), reached };
    let app = Router::new()
        .route("/src/me", get(|| async { Json(json!({ "ok": true })) }))
        .route("/dst/me", get(|| async { Json(json!({ "ok": true })) }))
        .route("/src/tickets", get(source))
        .route("/dst/tickets", get(search).post(create))
        .route("/dst/tickets/{id}", get(show))
        .route("/dst/tickets/{id}/messages", post(append))
        .with_state(shared);
    (serve(app), desk, news)
}

/// Serves on loopback for as long as the tests run. Its address.
pub fn serve(app: Router) -> String {
    let (address, where_it_is) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    where_it_is.recv().unwrap()
}

/// What the source holds: the same words twice in one ticket, and a private message.
pub fn source_tickets() -> Value {
    json!([
        { "id": "1", "subject": "first", "messages": [
            { "id": "11", "text": "one", "private": false },
            { "id": "12", "text": "same", "private": false },
            { "id": "13", "text": "same", "private": false },
            { "id": "14", "text": "hidden", "private": true },
        ] },
        { "id": "2", "subject": "second", "messages": [
            { "id": "21", "text": "two", "private": false },
            { "id": "22", "text": "same", "private": false },
        ] },
    ])
}

async fn source(State(shared): State<Shared>) -> Json<Value> {
    let mut tickets = source_tickets();
    let desk = shared.desk.lock().unwrap();
    let more = (1000..1000 + desk.more).map(|id| {
        let message = json!({ "id": format!("{id}1"), "text": "one", "private": false });
        json!({ "id": id.to_string(), "subject": "more", "messages": [message] })
    });
    tickets.as_array_mut().unwrap().extend(more);
    if desk.answered_since {
        let late = json!({ "id": "23", "text": "late", "private": false });
        tickets[1]["messages"].as_array_mut().unwrap().push(late);
    }
    Json(json!({ "tickets": tickets }))
}

async fn search(State(shared): State<Shared>, Query(query): Query<HashMap<String, String>>) -> Response<Body> {
    let mut desk = shared.desk.lock().unwrap();
    if let Some((left, status, body)) = desk.odd_first_looks.filter(|(left, ..)| desk.writes == 0 && *left > 0) {
        desk.odd_first_looks = Some((left - 1, status, body));
        return said(status, "application/json", body);
    }
    if let Some(odd) = desk.odd_look(None) {
        return odd;
    }
    let wanted = query.get("marker").cloned().unwrap_or_default();
    let found = desk.tickets.iter().enumerate().filter(|(_, t)| !desk.blind && t.marker == wanted);
    let found: Vec<_> = found.map(|(at, t)| json!({ "id": at, "marker": t.marker })).collect();
    Json(json!({ "tickets": found })).into_response_body()
}

async fn show(State(shared): State<Shared>, Path(id): Path<usize>) -> Response<Body> {
    let mut desk = shared.desk.lock().unwrap();
    if let Some(odd) = desk.odd_look(Some(id)) {
        return odd;
    }
    let messages = desk.tickets[id].messages.iter().enumerate().skip(1);
    let messages = messages.map(|(at, (text, private))| json!({ "id": at, "text": text, "private": private }));
    Json(json!({ "id": id, "messages": messages.collect::<Vec<_>>() })).into_response_body()
}

async fn create(State(shared): State<Shared>, Json(body): Json<Value>) -> Response<Body> {
    write(shared, move |desk, _| {
        let text = body["text"].as_str().unwrap_or_default().to_owned();
        let marker = body["marker"].as_str().unwrap_or_default().to_owned();
        desk.tickets.push(Ticket { marker, messages: vec![(text, false)] });
        json!({ "id": desk.tickets.len() - 1 })
    })
    .await
}

async fn append(State(shared): State<Shared>, Path(id): Path<usize>, Json(body): Json<Value>) -> Response<Body> {
    write(shared, move |desk, fault| {
        let private = body["private"] == true && fault != Some(Fault::MadePublic);
        desk.tickets[id].messages.push((body["text"].as_str().unwrap_or_default().to_owned(), private));
        json!({})
    })
    .await
}

async fn write(shared: Shared, effect: impl FnOnce(&mut Desk, Option<Fault>) -> Value) -> Response<Body> {
    let fault = {
        let mut desk = shared.desk.lock().unwrap();
        let at = desk.writes;
        desk.writes += 1;
        if desk.down {
            return status(StatusCode::INTERNAL_SERVER_ERROR);
        }
        desk.fault.filter(|(n, _)| *n == at).map(|(_, fault)| fault)
    };
    let happen = |effect: &mut dyn FnMut(&mut Desk) -> Value| effect(&mut shared.desk.lock().unwrap());
    let mut effect = Some(effect);
    let mut effect = |desk: &mut Desk| effect.take().map(|e| e(desk, fault)).unwrap_or_default();
    let news = || shared.reached.send(()).unwrap();
    match fault {
        Some(Fault::Intent) => {
            news();
            let wait = Response::builder().status(StatusCode::TOO_MANY_REQUESTS).header("Retry-After", "600");
            wait.body(Body::empty()).unwrap()
        }
        Some(Fault::BeforeEffect) => {
            news();
            std::future::pending().await
        }
        Some(Fault::AfterEffect) => {
            happen(&mut effect);
            news();
            std::future::pending().await
        }
        Some(Fault::LateEffect) => {
            news();
            // The handler outlives its client: axum drops it with the connection, so the effect is its own thread's.
            let desk = shared.desk.clone();
            let mut later = Desk { tickets: desk.lock().unwrap().tickets.clone(), ..Desk::default() };
            effect(&mut later);
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(500));
                desk.lock().unwrap().tickets = later.tickets;
            });
            std::future::pending().await
        }
        Some(Fault::Answered) => {
            let answer = happen(&mut effect);
            news();
            Json(answer).into_response_body()
        }
        Some(Fault::ErrorAfterEffect) => {
            happen(&mut effect);
            status(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Some(Fault::ErrorWithoutEffect) => status(StatusCode::INTERNAL_SERVER_ERROR),
        Some(Fault::CutAnswer) => {
            happen(&mut effect);
            let head = Response::builder().status(StatusCode::OK).header("content-length", "1000");
            head.body(Body::from_stream(futures_util::stream::iter([
                Ok::<_, std::io::Error>("{\"id\":"),
                Err(std::io::Error::other("cut")),
            ])))
            .unwrap()
        }
        Some(Fault::PageAfterEffect(status)) => {
            happen(&mut effect);
            said(status, "text/html", PAGE)
        }
        Some(Fault::PageWithoutEffect(status)) => said(status, "text/html", PAGE),
        Some(Fault::SaidAfterEffect(status, body)) => {
            happen(&mut effect);
            said(status, "application/json", body)
        }
        Some(Fault::SaidWithoutEffect(status, body)) => said(status, "application/json", body),
        Some(Fault::Refused) => status(StatusCode::UNPROCESSABLE_ENTITY),
        Some(Fault::SaysTheKey) => {
            let said = format!("denied for {}", key_forms().join(" ; "));
            let mut answer = Json(json!({ "error": said, "errors": { "text": [said] } })).into_response_body();
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            answer
        }
        Some(Fault::Expired) => status(StatusCode::UNAUTHORIZED),
        Some(Fault::MadePublic) | None => Json(happen(&mut effect)).into_response_body(),
    }
}

/// What a gateway shows.
const PAGE: &str = "<html><head><title>Request blocked</title></head></html>";

fn said(status: u16, kind: &str, body: &'static str) -> Response<Body> {
    Response::builder().status(status).header("content-type", kind).body(Body::from(body)).unwrap()
}

fn status(status: StatusCode) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

trait IntoResponseBody {
    fn into_response_body(self) -> Response<Body>;
}

impl IntoResponseBody for Json<Value> {
    fn into_response_body(self) -> Response<Body> {
        Response::builder().header("content-type", "application/json").body(Body::from(self.0.to_string())).unwrap()
    }
}
