//! The call log: what arrived, what it was answered, and whether a credential came with it, never which.

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::VecDeque;

/// The oldest calls are forgotten beyond this many.
const KEPT: usize = 200_000;

/// Where a call arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum At {
    Api,
    Files,
}

/// One call.
#[derive(Clone, Debug, Serialize)]
pub struct Logged {
    /// Counts from 1.
    pub number: u64,
    pub time: Timestamp,
    pub at: At,
    pub method: String,
    pub path: String,
    /// As sent; `null` at the file host, whose queries are signatures.
    pub query: Option<String>,
    /// Of the answer, sent or lost; `null` when the desk never saw the call and nothing was answered.
    pub status: Option<u16>,
    /// The fault that met it.
    pub fault: Option<&'static str>,
    /// The limit that refused it.
    pub limit: Option<String>,
    /// Whether it was charged to the limits.
    pub counted: bool,
    /// Whether a credential came with it.
    pub credential: bool,
    /// `user-agent`.
    pub client: Option<String>,
}

#[derive(Debug, Default)]
pub struct Log {
    calls: VecDeque<Logged>,
    seen: u64,
}

impl Log {
    pub fn add(&mut self, call: Logged) {
        self.seen += 1;
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(Logged { number: self.seen, ..call });
    }

    pub fn calls(&self) -> Vec<Logged> {
        self.calls.iter().cloned().collect()
    }
}

/// Whether any header is one that carries a credential.
pub fn has_credential(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        matches!(name, "authorization" | "proxy-authorization" | "cookie")
            || ["api-key", "apikey", "api_key", "token", "secret", "session"].iter().any(|word| name.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_that_carries_a_credential_is_noticed() {
        let with = |name: &'static str| HeaderMap::from_iter([(name.parse().unwrap(), "x".parse().unwrap())]);
        for name in ["authorization", "cookie", "x-api-key", "x-redmine-api-key", "private-token", "x-auth-token"] {
            assert!(has_credential(&with(name)), "{name}");
        }
        for name in ["accept", "user-agent", "range", "idempotency-key"] {
            assert!(!has_credential(&with(name)), "{name}");
        }
    }
}
