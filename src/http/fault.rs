//! Why a try brought no answer, sorted by what it proves.

use crate::error::{Problem, Reason};
use std::error::Error;
use std::io;
use std::time::Duration;

/// A try without a whole answer.
#[derive(Debug)]
pub(super) struct Fault {
    pub problem: Problem,
    pub proof: Proof,
    /// Whether another try could go better.
    pub passing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Not a byte of the request reached the platform.
    NothingSent,
    /// It may have reached the platform.
    MaybeSent,
}

impl Fault {
    /// Something on this side; another try would end the same.
    pub fn before_sending(problem: Problem) -> Self {
        Self { problem, proof: Proof::NothingSent, passing: false }
    }

    /// The platform answered what nobody can use; another try would end the same.
    pub fn useless_answer(problem: Problem) -> Self {
        Self { problem, proof: Proof::MaybeSent, passing: false }
    }

    /// The answer began and did not end.
    pub fn cut_off(host: &str, error: &reqwest::Error) -> Self {
        let what = format!("the answer of {host} was cut off: {}", cause(error));
        Self { problem: Problem::new(Reason::Network, what), proof: Proof::MaybeSent, passing: true }
    }

    /// The answer came whole by its length, and its JSON stops in the middle.
    pub fn ended_early(host: &str) -> Self {
        let what = format!("the answer of {host} ends in the middle of its JSON");
        Self { problem: Problem::new(Reason::BadAnswer, what), proof: Proof::MaybeSent, passing: true }
    }

    pub fn partial(host: &str) -> Self {
        let problem =
            Problem::new(Reason::BadAnswer, format!("{host} answered 206, with a part of what was asked for"))
                .hint("look whether a proxy or cache between here and the platform cuts its answers");
        Self { problem, proof: Proof::MaybeSent, passing: true }
    }

    pub fn silence(host: &str, timeout: Duration) -> Self {
        let problem = Problem::new(Reason::Timeout, format!("{host} was silent for {} s", timeout.as_secs_f64()))
            .hint("raise `timeout` of the account if the platform is slow");
        Self { problem, proof: Proof::MaybeSent, passing: true }
    }

    /// An exchange that broke before the head of an answer came.
    pub fn broken(host: &str, error: &reqwest::Error) -> Self {
        if error.is_builder() {
            let what = format!("the call to {host} cannot be written: {}", cause(error));
            return Self::before_sending(Problem::new(Reason::Invalid, what));
        }
        if !error.is_connect() {
            let reason = if error.is_timeout() { Reason::Timeout } else { Reason::Network };
            let what = format!("the connection to {host} was lost: {}", cause(error));
            return Self { problem: Problem::new(reason, what), proof: Proof::MaybeSent, passing: true };
        }
        let mut passing = true;
        let problem = if let Some(tls) = find::<rustls::Error>(error) {
            passing = false;
            let problem = Problem::new(Reason::Network, format!("no secure connection to {host}: {tls}"));
            match tls {
                rustls::Error::InvalidCertificate(_) => problem
                    .hint("if the platform uses a certificate of your own authority, name its PEM file as `ca_file`"),
                _ => problem.hint("check that `url` begins with the right scheme, https or http"),
            }
        } else if error.is_timeout() {
            Problem::new(Reason::Timeout, format!("{host} cannot be reached in time"))
                .hint("check `url`, and whether this machine needs a `proxy`")
        } else if error.is_dns() {
            Problem::new(Reason::Network, format!("there is no server named {host}"))
                .hint("check the `url` of the account")
        } else {
            Problem::new(Reason::Network, format!("{host} cannot be reached: {}", cause(error)))
                .hint("check the `url` of the account, and that the platform is running")
        };
        Self { problem, proof: Proof::NothingSent, passing }
    }
}

/// The innermost words of an error: the outer ones repeat the address, query and all.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if std::ptr::eq(innermost as *const dyn Error as *const (), error as *const reqwest::Error as *const ()) {
        return "the call failed".to_owned();
    }
    match innermost.downcast_ref::<io::Error>() {
        Some(e) => e.kind().to_string(),
        None => innermost.to_string(),
    }
}

/// Looks through the chain, and into the errors that io::Error wraps without calling them its source.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|inner| find::<E>(inner)) {
            return Some(found);
        }
        at = error.source();
    }
    None
}
