//! One account's client: where it is, how it is reached, and what every call to it carries.

use super::auth::Credentials;
use super::call::{Call, Target};
use super::redact;
use crate::clock::VendorClock;
use crate::error::{Problem, Reason, Result};
use crate::pacer::{Pacer, shape};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use url::{Host, Url};

/// Kinds of calls that are counted apart.
const SHAPES: usize = 1_000;

/// How to reach an account.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The API's base. Its path is kept before every [`Target::Path`].
    pub base_url: Url,
    pub credentials: Credentials,
    /// How long the platform may be silent: while it is connected to, while a body goes out, before and within an
    /// answer. A transfer that moves is never cut.
    pub timeout: Duration,
    /// How long one call may take in all, with its waiting for limits and its repeats.
    pub patience: Duration,
    /// The pause before the first repeat of a call that failed; each further one doubles.
    pub first_pause: Duration,
    /// A PEM file with certificate authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Left out, the system's proxy is used, but never for an account on this machine.
    pub proxy: Option<Url>,
    /// Allows plain http to other machines than this one.
    pub insecure_http: bool,
    pub user_agent: String,
    /// Sent with every call to the account's origin.
    pub headers: Vec<(String, String)>,
    /// Fixes the jitter of repeats.
    pub seed: Option<u64>,
}

impl ClientConfig {
    pub fn new(base_url: Url, credentials: Credentials) -> Self {
        Self {
            base_url,
            credentials,
            timeout: Duration::from_secs(60),
            patience: Duration::from_secs(3600),
            first_pause: Duration::from_millis(500),
            ca_file: None,
            proxy: None,
            insecure_http: false,
            user_agent: concat!("deskferry/", env!("CARGO_PKG_VERSION")).to_owned(),
            headers: vec![],
            seed: None,
        }
    }
}

/// How often one kind of call was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCount {
    pub method: String,
    /// The path with its ids folded, or another origin's host.
    pub shape: String,
    pub calls: u64,
    /// Bytes of answers, as received after decompression.
    pub bytes: u64,
}

/// Calls one account.
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) base: Url,
    pub(super) pacer: Pacer,
    pub(super) clock: VendorClock,
    pub(super) timeout: Duration,
    pub(super) patience: Duration,
    pub(super) first_pause: Duration,
    credentials: Credentials,
    headers: HeaderMap,
    user_agent: HeaderValue,
    insecure_http: bool,
    counts: Mutex<BTreeMap<(String, String), (u64, u64)>>,
    random: Mutex<fastrand::Rng>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Errors name the key of the account that is wrong.
    pub fn new(config: ClientConfig, pacer: Pacer) -> Result<Self> {
        let base = config.base_url;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(wrong("`url` must begin with https://"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(
                wrong("`url` holds a user name or a password").hint("put them into the keys the connector asks for")
            );
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("`url` must end with the path, without `?` or `#`"));
        }
        if base.scheme() == "http" && !is_loopback(&base) && !config.insecure_http {
            return Err(wrong("`url` is plain http: credentials and messages would cross the network in the clear")
                .hint("use https, or set `insecure = true` if you accept that"));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            headers.append(header_name(name)?, header_value(name, value)?);
        }
        let user_agent = header_value("User-Agent", &config.user_agent)?;
        let http = connector(&base, config.timeout, config.proxy.as_ref(), config.ca_file.as_deref())?;
        let random = config.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Ok(Self {
            http,
            base,
            pacer,
            clock: VendorClock::default(),
            timeout: config.timeout,
            patience: config.patience,
            first_pause: config.first_pause,
            credentials: config.credentials,
            headers,
            user_agent,
            insecure_http: config.insecure_http,
            counts: Mutex::new(BTreeMap::new()),
            random: Mutex::new(random),
        })
    }

    /// How often each kind of call was made so far.
    pub fn calls(&self) -> Vec<CallCount> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |((method, shape), (calls, bytes)): (&(String, String), &(u64, u64))| CallCount {
            method: method.clone(),
            shape: shape.clone(),
            calls: *calls,
            bytes: *bytes,
        };
        counts.iter().map(count).collect()
    }

    pub fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// The clock of the account's servers, as far as its answers show it.
    pub fn clock(&self) -> &VendorClock {
        &self.clock
    }

    pub(super) fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// The path relative to the API's base.
    pub(super) fn relative<'a>(&self, url: &'a Url) -> &'a str {
        let base = self.base.path().trim_end_matches('/');
        url.path().strip_prefix(base).filter(|rest| rest.starts_with('/')).unwrap_or(url.path())
    }

    /// What the platform said, without the credentials that it may have said back.
    pub fn masked(&self, said: &str) -> String {
        self.credentials.secrets().masked(said)
    }

    /// The address as messages show it.
    pub(super) fn shown(&self, url: &Url) -> String {
        self.masked(&redact::shown(url, &self.base))
    }

    pub(super) fn address(&self, call: &Call) -> Result<Url> {
        let mut url = match &call.target {
            Target::Absolute(url) => url.clone(),
            Target::Path(path) => {
                let (path, query) = path.split_once('?').map_or((path.as_str(), None), |(p, q)| (p, Some(q)));
                let climbs =
                    |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
                if path.split(['/', '\\']).any(climbs) {
                    return Err(Problem::new(
                        Reason::Invalid,
                        format!("the path {} leaves the API", redact::path(path)),
                    ));
                }
                let mut url = self.base.clone();
                url.set_path(&format!("{}/{}", self.base.path().trim_end_matches('/'), path.trim_start_matches('/')));
                url.set_query(query);
                url
            }
        };
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }

    /// Refuses an address that must not be called, and strips what must not be sent along.
    pub(super) fn vetted(&self, mut url: Url) -> Result<Url> {
        let refused = |why: &str| {
            let host = url.host_str().unwrap_or_default();
            Err(Problem::new(Reason::Refused, format!("{}://{host} was not called: {why}", url.scheme())))
        };
        match url.scheme() {
            "https" => {}
            "http" if self.insecure_http || (is_loopback(&url) && is_loopback(&self.base)) => {}
            "http" => return refused("it is plain http"),
            _ => return refused("it is neither http nor https"),
        }
        // These fail only for addresses without a host.
        let _ = (url.set_username(""), url.set_password(None));
        url.set_fragment(None);
        Ok(url)
    }

    /// Another origin learns what we accept and who we are, nothing else.
    pub(super) fn headers_for(&self, call: &Call, accept: &'static str, strange: bool) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::ACCEPT, HeaderValue::from_static(accept));
        if !strange {
            for (name, value) in &self.headers {
                headers.insert(name, value.clone());
            }
            for (name, value) in &call.headers {
                headers.insert(header_name(name)?, header_value(name, value)?);
            }
            if let Some((name, value)) = self.credentials.header() {
                headers.insert(name, value.clone());
            }
        }
        headers.insert(USER_AGENT, self.user_agent.clone());
        Ok(headers)
    }

    pub(super) fn count(&self, method: &str, url: &Url, bytes: u64) {
        let shape = if self.is_ours(url) { shape(self.relative(url)) } else { self.shown(url) };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counts.len() < SHAPES || counts.contains_key(&(method.to_owned(), shape.clone()));
        let count = counts.entry((method.to_owned(), if known { shape } else { "other".into() })).or_default();
        *count = (count.0 + 1, count.1 + bytes);
    }

    /// Between 0.5 and 1.5.
    pub(super) fn jitter(&self) -> f64 {
        0.5 + self.random.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }
}

fn connector(base: &Url, timeout: Duration, proxy: Option<&Url>, ca_file: Option<&Path>) -> Result<reqwest::Client> {
    // Err where a provider is installed already: any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authorities = match ca_file {
        None => vec![],
        Some(path) => {
            let pem = std::fs::read(path)
                .map_err(|e| wrong(format!("`ca_file`: cannot read {}: {}", path.display(), e.kind())))?;
            let found = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if found.is_empty() {
                return Err(wrong(format!("`ca_file`: {} holds no certificate in PEM form", path.display())));
            }
            found
        }
    };
    let builder = || {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout((timeout / 2).min(Duration::from_secs(15)))
            // Servers close idle connections after five seconds at the earliest. One that closes as we write would
            // leave a write in doubt, so we close first.
            .pool_idle_timeout(Duration::from_secs(3));
        match proxy {
            None if is_loopback(base) => Ok(builder.no_proxy()),
            None => Ok(builder),
            Some(proxy) => reqwest::Proxy::all(proxy.clone())
                .map(|proxy| builder.proxy(proxy))
                .map_err(|_| wrong("`proxy` is not a valid proxy URL")),
        }
    };
    match builder()?.tls_certs_merge(authorities).build() {
        Ok(client) => Ok(client),
        // A machine without any authorities can still talk plainly.
        Err(_) if base.scheme() == "http" && ca_file.is_none() => {
            builder()?.tls_certs_only([]).build().map_err(|_| unbuilt())
        }
        Err(_) => Err(unbuilt()),
    }
}

fn unbuilt() -> Problem {
    Problem::new(Reason::Network, "no secure connections are possible on this machine")
        .hint("install the system's certificate authorities (package ca-certificates), or name a `ca_file`")
}

fn wrong(what: impl Into<String>) -> Problem {
    Problem::new(Reason::Config, what)
}

fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Problem::new(Reason::Manifest, format!("`{}` is not a valid header name", name.escape_debug())))
}

/// UTF-8 goes out as it is; control characters do not.
fn header_value(name: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| Problem::new(Reason::Invalid, format!("the value of the header {name} holds a control character")))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
