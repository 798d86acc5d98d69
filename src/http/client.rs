//! Sends calls: paced, with the credential for the account's own origin only, repeated where that is safe.

use super::auth::Auth;
use super::call::{Call, Part, PartContent, Payload, Repeat, Response, Target};
use crate::error::{Problem, Reason, Result};
use crate::pacer::{Pacer, Permit};
use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderName, HeaderValue, LOCATION};
use reqwest::{Body, Method, multipart, redirect};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::io::ReaderStream;
use url::Url;

/// Longest answer held in memory; files are streamed.
const LARGEST: usize = 64 << 20;
const REDIRECTS: usize = 5;
/// Tries of a call that may be repeated.
const TRIES: u32 = 5;
/// Push-backs (429, 503) waited out for one call.
const PUSH_BACKS: u32 = 60;
/// Bytes of a file in memory while it is sent.
const CHUNK: usize = 64 << 10;

/// How an account is called.
pub struct ClientConfig {
    /// Base address of the API; a sub-path is kept.
    pub base: Url,
    pub auth: Auth,
    /// Sent with every call.
    pub headers: BTreeMap<String, String>,
    /// Of one call from its start to the head of its answer, and between two pieces of a body.
    pub timeout: Duration,
    pub ca_file: Option<PathBuf>,
    pub proxy: Option<String>,
    /// Plain http to other machines is allowed.
    pub insecure: bool,
}

#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    base: Url,
    credential: Option<(HeaderName, HeaderValue)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    pacer: Pacer,
    calls: Mutex<BTreeMap<String, u64>>,
}

/// What became of a call.
#[derive(Debug)]
pub enum Sent {
    /// Answered, whatever the status.
    Answer(Response),
    /// Provably nothing reached the platform.
    NotSent(Problem),
    /// It may have had its effect.
    Unknown(Problem),
}

/// A call on its way: the head of the answer is there.
pub(super) struct Opened {
    pub response: reqwest::Response,
    /// Held until the body is read.
    pub permit: Permit,
}

/// Why no head of an answer came.
pub(super) enum Broke {
    NotSent(Problem),
    Unknown(Problem),
}

impl Client {
    /// `answer` gives the account's answers, secrets included.
    ///
    /// Errors: `config`.
    pub fn new(
        config: ClientConfig,
        answer: &dyn Fn(&str) -> Result<Option<SecretString>>,
        pacer: Pacer,
    ) -> Result<Client> {
        // A second installation in one process changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        allowed(&config.base, config.insecure)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("deskferry/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(config.timeout.min(Duration::from_secs(30)))
            .read_timeout(config.timeout);
        if let Some(file) = &config.ca_file {
            builder = builder.tls_certs_merge(certificates(file)?);
        }
        if let Some(proxy) = &config.proxy {
            let proxy =
                reqwest::Proxy::all(proxy).map_err(|_| Problem::new(Reason::Config, "`proxy` is not an address"))?;
            builder = builder.proxy(proxy);
        }
        let http = builder.build().map_err(|_| {
            Problem::new(Reason::Config, "TLS cannot be set up on this machine")
                .hint("install the system's CA certificates (Debian: ca-certificates), or name a `ca_file`")
        })?;
        let headers = config.headers.iter().map(|(name, value)| header(name, value)).collect::<Result<_>>()?;
        let credential = config.auth.header(answer)?;
        let inner = Inner { http, base: config.base, credential, headers, pacer, calls: Mutex::default() };
        Ok(Client { inner: Arc::new(inner) })
    }

    /// Calls made so far, by method and shape of the path.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.inner.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a call and reads its answer. Waits out push-backs; repeats what is safe to repeat.
    ///
    /// A 429 refuses provably and is waited out for every call, a 503 only where repeating is safe.
    pub async fn send(&self, call: Call) -> Sent {
        let (mut tries, mut push_backs) = (0, 0);
        loop {
            let outcome = match self.open(&call).await {
                Ok(opened) => read(opened).await,
                Err(Broke::NotSent(problem)) => Err(Broke::NotSent(problem)),
                Err(unknown) => Err(unknown),
            };
            let safe = call.repeat == Repeat::Safe;
            match outcome {
                Ok(response) if response.status == 429 || (response.status == 503 && safe) => {
                    push_backs += 1;
                    if push_backs > PUSH_BACKS {
                        return Sent::Answer(response);
                    }
                }
                Ok(response) if response.status >= 500 && safe && tries + 1 < TRIES => tries += 1,
                Ok(response) => return Sent::Answer(response),
                Err(Broke::NotSent(_)) if tries + 1 < TRIES => tries += 1,
                Err(Broke::NotSent(problem)) => return Sent::NotSent(problem),
                Err(Broke::Unknown(_)) if safe && tries + 1 < TRIES => tries += 1,
                Err(Broke::Unknown(problem)) => return Sent::Unknown(problem),
            }
            if tries > 0 {
                tokio::time::sleep(back_off(tries)).await;
            }
        }
    }

    /// Sends a call up to the head of its answer, following redirects of a GET.
    pub(super) async fn open(&self, call: &Call) -> std::result::Result<Opened, Broke> {
        let mut address = self.address(call).map_err(Broke::NotSent)?;
        for _ in 0..=REDIRECTS {
            let opened = self.open_one(call, &address).await?;
            let status = opened.response.status();
            if !(status.is_redirection() && call.method == "GET") {
                return Ok(opened);
            }
            let to = opened.response.headers().get(LOCATION).and_then(|l| l.to_str().ok());
            let Some(to) = to.and_then(|l| address.join(l).ok()) else { return Ok(opened) };
            if address.scheme() == "https" && to.scheme() != "https" {
                let what = "the platform redirects from https to plain http";
                return Err(Broke::Unknown(Problem::new(Reason::BadAnswer, what)));
            }
            address = to;
        }
        Err(Broke::Unknown(Problem::new(Reason::BadAnswer, format!("more than {REDIRECTS} redirects"))))
    }

    async fn open_one(&self, call: &Call, address: &Url) -> std::result::Result<Opened, Broke> {
        let inner = &self.inner;
        let path = self.below_base(address);
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| {
            Broke::NotSent(Problem::new(Reason::Manifest, format!("`{}` is not a method", call.method)))
        })?;
        let mut request = inner.http.request(method, address.clone());
        if address.origin() == inner.base.origin() {
            for (name, value) in inner.credential.iter().chain(&inner.headers) {
                request = request.header(name, value);
            }
            for (name, value) in &call.headers {
                let (name, value) = header(name, value).map_err(Broke::NotSent)?;
                request = request.header(name, value);
            }
        }
        request = with_body(request, &call.body).await.map_err(Broke::NotSent)?;
        let permit = inner.pacer.acquire(&call.method, &path).await;
        self.count(&call.method, &path);
        let began = Instant::now();
        let answered = request.send().await;
        let took = began.elapsed();
        match answered {
            Ok(response) => {
                inner.pacer.observe(&permit, response.status().as_u16(), response.headers());
                tracing::debug!(
                    target: "deskferry::http", method = call.method, path, status = response.status().as_u16(),
                    ms = took.as_millis()
                );
                Ok(Opened { response, permit })
            }
            Err(e) => {
                let problem = problem_of(&e, address);
                tracing::debug!(target: "deskferry::http", method = call.method, path, failed = problem.what, ms = took.as_millis());
                Err(if e.is_connect() || e.is_builder() { Broke::NotSent(problem) } else { Broke::Unknown(problem) })
            }
        }
    }

    fn address(&self, call: &Call) -> Result<Url> {
        let mut url = match &call.target {
            Target::Address(url) => url.clone(),
            Target::Path(path) => {
                let base = self.inner.base.as_str().trim_end_matches('/');
                let path = path.trim_start_matches('/');
                Url::parse(&format!("{base}/{path}"))
                    .map_err(|_| Problem::new(Reason::Internal, "a path of the manifest makes no address"))?
            }
        };
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }

    /// The path relative to the API's base, which limit rows are written against.
    fn below_base(&self, address: &Url) -> String {
        let base = self.inner.base.path().trim_end_matches('/');
        address.path().strip_prefix(base).unwrap_or(address.path()).to_owned()
    }

    fn count(&self, method: &str, path: &str) {
        let mut calls = self.inner.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(format!("{method} {}", shape(path))).or_default() += 1;
    }
}

/// A path with its ids taken out, so that calls can be counted by what they do.
fn shape(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        let (stem, end) = segment.split_once('.').map_or((segment, ""), |(stem, end)| (stem, end));
        let id = stem.len() > 24 || stem.chars().any(|c| c.is_ascii_digit() || c == '%' || c == '@');
        match (id, end) {
            (true, "json" | "xml") => format!(":id.{end}"),
            (true, _) => ":id".to_owned(),
            (false, _) => segment.to_owned(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

fn allowed(base: &Url, insecure: bool) -> Result<()> {
    let loopback = match base.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if base.scheme() == "https" || loopback || insecure {
        return Ok(());
    }
    Err(Problem::new(
        Reason::Config,
        format!("`{}` would send the credential unencrypted", base.origin().ascii_serialization()),
    )
    .hint("use https, or say `insecure = true` if the network in between is yours"))
}

fn certificates(file: &Path) -> Result<Vec<reqwest::Certificate>> {
    let wrong = |e: String| Problem::new(Reason::Config, format!("ca_file {}: {e}", file.display()));
    let pem = std::fs::read(file).map_err(|e| wrong(e.to_string()))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| wrong("it holds no PEM certificate".into()))
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = || Problem::new(Reason::Invalid, format!("the header `{name}` cannot hold this value"));
    let parsed = HeaderName::try_from(name).map_err(|_| wrong())?;
    Ok((parsed, HeaderValue::try_from(value).map_err(|_| wrong())?))
}

async fn with_body(request: reqwest::RequestBuilder, body: &Payload) -> Result<reqwest::RequestBuilder> {
    Ok(match body {
        Payload::None => request,
        Payload::Json(json) => request.json(json),
        Payload::Form(fields) => request.form(fields),
        Payload::File { path, content_type } => {
            let (body, bytes) = file_body(path).await?;
            request.header("content-type", content_type).header("content-length", bytes).body(body)
        }
        Payload::Multipart(parts) => {
            // Names go out as raw UTF-8: the vendors' parsers do not decode the percent form.
            let mut form = multipart::Form::new().percent_encode_noop();
            for part in parts {
                form = form.part(part.name.clone(), multipart_part(part).await?);
            }
            request.multipart(form)
        }
    })
}

async fn multipart_part(part: &Part) -> Result<multipart::Part> {
    let typed = |part: multipart::Part, mime: &str| {
        part.mime_str(mime).map_err(|_| Problem::new(Reason::Invalid, format!("`{mime}` is not a content type")))
    };
    match &part.content {
        PartContent::Text(text) => Ok(multipart::Part::text(text.clone())),
        PartContent::Json(json) => typed(multipart::Part::text(json.to_string()), "application/json"),
        PartContent::File { path, file_name, content_type } => {
            let (body, bytes) = file_body(path).await?;
            let part = multipart::Part::stream_with_length(body, bytes).file_name(file_name.clone());
            typed(part, content_type)
        }
    }
}

async fn file_body(path: &Path) -> Result<(Body, u64)> {
    let file = tokio::fs::File::open(path).await?;
    let bytes = file.metadata().await?.len();
    Ok((Body::wrap_stream(ReaderStream::with_capacity(file, CHUNK)), bytes))
}

async fn read(opened: Opened) -> std::result::Result<Response, Broke> {
    let Opened { mut response, permit } = opened;
    let (status, headers, url) = (response.status().as_u16(), response.headers().clone(), response.url().clone());
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(None) => break,
            Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST => body.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                let what = format!("an answer of more than {} MiB", LARGEST >> 20);
                return Err(Broke::Unknown(Problem::new(Reason::BadAnswer, what)));
            }
            Err(e) => return Err(Broke::Unknown(problem_of(&e, &url))),
        }
    }
    drop(permit);
    Ok(Response { status, headers, body: Bytes::from(body), url })
}

/// What went wrong on the way, without the address's query.
pub(super) fn problem_of(e: &reqwest::Error, address: &Url) -> Problem {
    let host = address.host_str().unwrap_or_default();
    let host = address.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    if e.is_timeout() {
        return Problem::new(Reason::Timeout, format!("{host} did not answer in time"))
            .hint("`timeout` of the account says how long to wait");
    }
    let mut cause: &dyn std::error::Error = e;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let problem = Problem::new(Reason::Network, format!("{host} cannot be reached: {cause}"));
    if e.is_connect() { problem.hint("check `url`, and that this machine may reach it") } else { problem }
}

/// 0.5, 1, 2, 4 seconds.
fn back_off(tries: u32) -> Duration {
    Duration::from_millis(250 << tries.min(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_shape() {
        assert_eq!(shape("/issues/42.json"), "/issues/:id.json");
        assert_eq!(shape("/user/ann%40example.com"), "/user/:id");
        assert_eq!(shape("/users/privileged"), "/users/privileged");
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(allowed(&url("http://127.0.0.1:8080/rt"), false).is_ok());
        assert!(allowed(&url("http://[::1]/"), false).is_ok());
        assert!(allowed(&url("http://127.0.0.1.evil.example/"), false).is_err());
        assert!(allowed(&url("http://desk.example"), true).is_ok());
    }
}
