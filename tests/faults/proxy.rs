//! A proxy in front of a source that answers one of its calls wrong, as often as it is made, until the source is well again.
//!
//! It stands before the hosts of one source (the account, and where its files lie) and leads every address they name back to
//! itself. It knows nothing of a platform, and needs a runtime of tokio and nothing of the engine.

use super::grid::Fault;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Of a request; what is read of a source is asked for in less.
const LARGEST_HEAD: usize = 64 << 10;

/// A call as it is told apart from others: the host's place among those of the source, method, path and query.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Call {
    pub host: usize,
    pub method: String,
    pub path: String,
    /// Left out where it is another one each time, as in a signed address.
    pub query: String,
}

impl Call {
    /// Its path with `:n` for what differs from record to record.
    pub fn shape(&self) -> String {
        let is_one = |part: &str| {
            let digits = part.chars().filter(char::is_ascii_digit).count();
            digits > 0 && (digits == part.len() || part.len() >= 16)
        };
        let named = |part: &str| part.strip_suffix(".json").map_or((part.to_owned(), ""), |p| (p.to_owned(), ".json"));
        let parts = self.path.split('/').map(|part| match named(part) {
            (name, ending) if is_one(&name) => format!(":n{ending}"),
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// Where the hosts of a source are.
#[derive(Clone)]
pub enum Upstream {
    /// In this runtime: while one of them works, it is seen to.
    Here,
    /// In another process. The clock of this runtime stands still while an answer is waited for. Since nothing is written there, what
    /// was answered to a call once is the answer to the same call of any run.
    Outside(Kept),
}

/// Answers of a source that stays as it is, by host and target.
pub type Kept = Arc<Mutex<HashMap<(usize, String), Answer>>>;

/// Keeps a paused clock of this runtime from going on, until it is dropped: it stands while work is under way on another thread.
struct Still {
    _until_dropped: std::sync::mpsc::Sender<()>,
}

impl Still {
    fn stand() -> Still {
        let (until_dropped, dropped) = std::sync::mpsc::channel();
        tokio::task::spawn_blocking(move || dropped.recv());
        Still { _until_dropped: until_dropped }
    }
}

#[derive(Default)]
struct Shared {
    /// Which host of the source is reached under which address of ours, without scheme.
    hosts: Vec<(String, String)>,
    /// Hosts of which a call is known by its path alone.
    signed: Vec<usize>,
    broken: Option<(Call, Fault)>,
    /// Whether the account has answered its last call.
    closed: bool,
    /// Every call that was made, with the number of times, and how often one of them was answered wrong.
    made: HashMap<Call, usize>,
    met: usize,
}

/// Up until it is dropped.
pub struct Proxy {
    shared: Arc<Mutex<Shared>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Proxy {
    /// `hosts`: addresses of the source's hosts, `http://HOST:PORT`. `signed`: those whose queries differ each time.
    pub async fn start(hosts: &[&str], signed: &[usize], upstream: Upstream) -> Proxy {
        let shared = Arc::new(Mutex::new(Shared { signed: signed.to_vec(), ..Shared::default() }));
        // Err where a provider is there already: any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let mut tasks = Vec::new();
        for (host, address) in hosts.iter().enumerate() {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let own = listener.local_addr().unwrap().to_string();
            held(&shared).hosts.push((address.trim_start_matches("http://").to_owned(), own));
            let (shared, client, upstream) = (Arc::clone(&shared), client.clone(), upstream.clone());
            tasks.push(tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let hop =
                        Hop { host, shared: Arc::clone(&shared), client: client.clone(), upstream: upstream.clone() };
                    tokio::spawn(async move {
                        let _still = matches!(hop.upstream, Upstream::Outside(_)).then(Still::stand);
                        served(stream, hop).await;
                    });
                }
            }));
        }
        Proxy { shared, tasks }
    }

    /// Where a host of the source is reached.
    pub fn address(&self, host: usize) -> String {
        format!("http://{}", held(&self.shared).hosts[host].1)
    }

    /// A text in which the hosts of the source are named by their places: where they are reached is another each time.
    pub fn by_place(&self, text: &str) -> String {
        let hosts = held(&self.shared).hosts.clone();
        let places = hosts.iter().enumerate();
        places.fold(text.to_owned(), |text, (host, (_, own))| text.replace(own, &format!("host-{host}")))
    }

    /// Has this call answered wrong from now on, or none.
    pub fn breaks(&self, broken: Option<(Call, Fault)>) {
        let mut shared = held(&self.shared);
        shared.broken = broken;
        shared.closed = false;
        shared.made.clear();
        shared.met = 0;
    }

    /// Calls that were made since.
    pub fn made(&self) -> Vec<Call> {
        let mut made: Vec<Call> = held(&self.shared).made.keys().cloned().collect();
        made.sort();
        made
    }

    /// How often a call was answered wrong since.
    pub fn met(&self) -> usize {
        held(&self.shared).met
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn held(shared: &Arc<Mutex<Shared>>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is known of an answer.
#[derive(Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// How long the body would be, where only that was asked.
    told: Option<String>,
}

impl Answer {
    fn is_json(&self) -> bool {
        self.headers.iter().any(|(name, value)| name == "content-type" && value.contains("json"))
    }
}

/// What one connection to a host is led by.
struct Hop {
    host: usize,
    shared: Arc<Mutex<Shared>>,
    client: reqwest::Client,
    upstream: Upstream,
}

async fn served(mut stream: TcpStream, hop: Hop) {
    let (host, shared) = (hop.host, &hop.shared);
    let _ = stream.set_nodelay(true);
    let Some((head, mut body)) = read_head(&mut stream).await else { return };
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().unwrap_or_default().to_owned(), first.next().unwrap_or_default().to_owned());
    let headers: Vec<(String, String)> = lines.filter_map(|line| line.split_once(": ")).map(owned).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, n)| n.parse().ok());
    let wanted: usize = length.unwrap_or(0);
    while body.len() < wanted {
        let mut more = vec![0; wanted - body.len()];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return,
            Ok(n) => body.extend_from_slice(&more[..n]),
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((target.as_str(), ""));
    let fault = {
        let mut shared = held(shared);
        let query = if shared.signed.contains(&host) { lasting(query) } else { query };
        let call = Call { host, method: method.clone(), path: path.to_owned(), query: query.to_owned() };
        *shared.made.entry(call.clone()).or_default() += 1;
        let fault = shared.broken.as_ref().filter(|(broken, _)| *broken == call).map(|(_, fault)| *fault);
        shared.met += usize::from(fault.is_some());
        shared.closed |= fault == Some(Fault::LoggedOut);
        if shared.closed { Some(Fault::LoggedOut) } else { fault }
    };
    if fault == Some(Fault::Reset) {
        let _ = stream.set_zero_linger();
        return;
    }
    let answer = match fault.and_then(said_instead) {
        Some(answer) => answer,
        None => hop.forwarded(&method, &target, &headers, body).await,
    };
    let is_cut = matches!(fault, Some(Fault::CutJson | Fault::CutFile | Fault::HalfFile));
    let cut = is_cut && !answer.body.is_empty();
    let _ = stream.write_all(&written(&answer, cut, fault)).await;
    let _ = stream.shutdown().await;
}

/// What of a signed address is the same each time: a token in JSON (JWT), which says which file it is of.
fn lasting(query: &str) -> &str {
    query.split('&').find(|pair| pair.starts_with("token=eyJ")).unwrap_or_default()
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_ascii_lowercase(), value.trim().to_owned())
}

async fn read_head(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = read.split_off(end + 4);
            return Some((String::from_utf8_lossy(&read).into_owned(), body));
        }
        let mut more = [0; 8192];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(n) if read.len() + n <= LARGEST_HEAD => read.extend_from_slice(&more[..n]),
            Ok(_) => return None,
        }
    }
}

/// The answer of a fault that the source never hears of.
fn said_instead(fault: Fault) -> Option<Answer> {
    let json = |status: u16, body: &str| Answer {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.as_bytes().to_vec(),
        told: None,
    };
    Some(match fault {
        Fault::Unauthorized | Fault::LoggedOut => json(401, r#"{"error": "Couldn't authenticate you"}"#),
        Fault::Forbidden => json(403, r#"{"error": "You do not have access to this page"}"#),
        Fault::NotFound => json(404, r#"{"error": "RecordNotFound"}"#),
        Fault::RateLimited => {
            let refused = json(429, r#"{"error": "APIRateLimitExceeded"}"#);
            let wait = ("retry-after".to_owned(), "3600".to_owned());
            Answer { headers: [refused.headers, vec![wait]].concat(), ..refused }
        }
        Fault::ServerError => json(500, r#"{"error": "Internal Server Error"}"#),
        Fault::Empty => Answer { status: 200, headers: vec![], body: vec![], told: None },
        Fault::LoginPage => Answer {
            status: 200,
            headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
            body: b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form></form></body></html>"
                .to_vec(),
            told: None,
        },
        Fault::Reset | Fault::CutJson | Fault::CutFile | Fault::HalfFile => return None,
    })
}

impl Hop {
    async fn forwarded(&self, method: &str, target: &str, headers: &[(String, String)], body: Vec<u8>) -> Answer {
        let Upstream::Outside(kept) = &self.upstream else {
            return self.ours(self.asked(method, target, headers, body).await);
        };
        let call = (self.host, target.to_owned());
        let known = kept.lock().unwrap_or_else(PoisonError::into_inner).get(&call).filter(|_| method == "GET").cloned();
        if let Some(answer) = known {
            return self.ours(answer);
        }
        let answer = self.asked(method, target, headers, body).await;
        if method == "GET" && answer.status == 200 {
            kept.lock().unwrap_or_else(PoisonError::into_inner).insert(call, answer.clone());
        }
        self.ours(answer)
    }

    /// What the host answers.
    async fn asked(&self, method: &str, target: &str, headers: &[(String, String)], body: Vec<u8>) -> Answer {
        let address = format!("http://{}{target}", held(&self.shared).hosts[self.host].0);
        let mut request = self.client.request(method.parse().unwrap(), address).body(body);
        let passed = |name: &str| !["host", "connection", "content-length", "accept-encoding"].contains(&name);
        for (name, value) in headers.iter().filter(|(name, _)| passed(name)) {
            request = request.header(name, value);
        }
        let Ok(response) = request.send().await else {
            return Answer { status: 502, headers: vec![], body: vec![], told: None };
        };
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let told = response.headers().get("content-length").filter(|_| method == "HEAD").map(text);
        let kept = |name: &str| !["connection", "content-length", "transfer-encoding"].contains(&name);
        let heads = response.headers().iter().filter(|(name, _)| kept(name.as_str()));
        let headers = heads.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let status = response.status().as_u16();
        Answer { status, headers, body: response.bytes().await.map(|body| body.to_vec()).unwrap_or_default(), told }
    }

    /// An answer in which every address of a host is ours.
    fn ours(&self, answer: Answer) -> Answer {
        let hosts = held(&self.shared).hosts.clone();
        let ours = |text: &str| hosts.iter().fold(text.to_owned(), |text, (theirs, own)| text.replace(theirs, own));
        let body = match answer.is_json() {
            true => ours(&String::from_utf8_lossy(&answer.body)).into_bytes(),
            false => answer.body,
        };
        let headers = answer.headers.into_iter().map(|(name, value)| (name, ours(&value))).collect();
        Answer { headers, body, ..answer }
    }
}

/// The bytes of an answer. Of one that is cut half the body comes, as if it were all of it or with the length it should have.
fn written(answer: &Answer, cut: bool, fault: Option<Fault>) -> Vec<u8> {
    let half = if cut { answer.body.len() / 2 } else { answer.body.len() };
    let length = if fault == Some(Fault::CutFile) { answer.body.len() } else { half };
    let length = answer.told.clone().unwrap_or_else(|| length.to_string());
    let mut bytes = format!("HTTP/1.1 {} -\r\nconnection: close\r\n", answer.status).into_bytes();
    if answer.status != 204 && answer.status != 304 {
        bytes.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
    }
    for (name, value) in &answer.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&answer.body[..half]);
    bytes
}
