//! The client against a server that does exactly what it is told, down to the bytes and the resets.

mod files;
mod send;
mod trust;

use super::*;
use crate::error::Reason;
use crate::pacer::{Clock, Pacer};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
enum Act {
    /// Status, header lines, body; with the right length, then closes.
    Reply(u16, Vec<String>, Vec<u8>),
    /// Announces more than it sends, then closes.
    CutOff(Vec<u8>),
    /// Resets the connection once it has read the request.
    Reset,
    /// Says nothing.
    Silence,
    /// Sends the body in pieces, a pause before each.
    Slowly(Vec<Vec<u8>>, Duration),
}

#[derive(Clone, Debug, Default)]
struct Seen {
    /// Request line and headers, as they came.
    head: String,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim())
    }

    fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }
}

struct Server {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// `script` is asked with the number of the request, from 0, and the request.
    async fn start(script: impl Fn(usize, &Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(vec![]));
        let (script, log) = (Arc::new(script), seen.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, log) = (script.clone(), log.clone());
                tokio::spawn(async move { serve(stream, &*script, &log).await });
            }
        });
        Self { address, seen, task }
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, script: &(dyn Fn(usize, &Seen) -> Act + Send + Sync), log: &Mutex<Vec<Seen>>) {
    let Some(seen) = request(&mut stream).await else { return };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len() - 1
    };
    match script(number, &seen) {
        Act::Reply(status, lines, body) => {
            let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let head =
                format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{lines}\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            let _ = stream.shutdown().await;
        }
        Act::CutOff(body) => {
            let head = format!("HTTP/1.1 201 X\r\nContent-Length: {}\r\n\r\n", body.len() + 10);
            let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            let _ = stream.shutdown().await;
        }
        Act::Reset => stream.set_zero_linger().unwrap(),
        Act::Silence => tokio::time::sleep(Duration::from_secs(600)).await,
        Act::Slowly(pieces, pause) => {
            let length: usize = pieces.iter().map(Vec::len).sum();
            let head = format!("HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            for piece in pieces {
                tokio::time::sleep(pause).await;
                let _ = stream.write_all(&piece).await;
            }
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<Seen> {
    let (mut bytes, mut chunk) = (vec![], vec![0; 64 * 1024]);
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    };
    let mut seen = Seen { head: String::from_utf8_lossy(&bytes[..end]).into_owned(), body: bytes[end..].to_vec() };
    let length: usize = seen.header("content-length").map_or(0, |v| v.parse().unwrap());
    while seen.body.len() < length {
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => seen.body.extend_from_slice(&chunk[..n]),
            _ => break,
        }
    }
    Some(seen)
}

fn reply(status: u16, body: &str) -> Act {
    Act::Reply(status, vec!["Content-Type: application/json".into()], body.into())
}

fn config(base: Url) -> ClientConfig {
    let auth = Auth::Header { name: "X-Api-Key".into(), value: "${key}".into() };
    let answers: Answers = [("key".to_owned(), "s3cret".to_owned().into())].into();
    let mut config = ClientConfig::new(base, auth.fill(&answers).unwrap());
    config.first_pause = Duration::from_millis(1);
    config.timeout = Duration::from_secs(20);
    config.headers = vec![("X-Own".into(), "1".into())];
    config.seed = Some(1);
    config
}

fn pacer() -> Pacer {
    Pacer::new(vec![], 0.0, Clock::system())
}

fn client(base: Url) -> Client {
    Client::new(config(base), pacer()).unwrap()
}

fn post(path: &str) -> Call {
    Call::new(Method::POST, Target::Path(path.into()), Repeat::Never)
        .body(Payload::Json(serde_json::json!({"subject": "hello"})))
}

fn answer(sent: Sent) -> Response {
    match sent {
        Sent::Answer(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}
