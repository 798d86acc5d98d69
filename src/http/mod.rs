//! Calls to one account: authenticated, paced, bounded in time and memory, and honest about what is proven.
//!
//! [`Client::send`] answers in three values: the platform answered, nothing was sent, or **nobody knows**. Reads
//! are repeated on failure; a write is repeated only where the platform provably did not get it. Files go both ways
//! as streams, base64 inside JSON too.
//!
//! Credentials and headers go to the account's own origin and nowhere else: redirects and addresses that lead
//! elsewhere get none, and an address that a text names gets them at the account's places of files alone ([`Places`]). Every call is traced under `deskferry::http` without its body, its headers, or any value of
//! its address that opens a door. What a platform says back of a credential is masked before it is shown ([`Client::masked`]).
//!
//! What an answer means is not decided here: that is the connector's `ok` rule.

mod auth;
mod base64_pieces;
mod body;
mod call;
mod client;
mod download;
mod exchange;
mod fault;
mod listed;
mod places;
mod redact;
mod scan;
mod secrets;
mod send;

pub use auth::{Answers, Auth, Credentials};
pub use call::{Call, Class, Content, Part, Payload, Repeat, Response, Sent, Shape, Target, classify};
pub use client::{CallCount, Client, ClientConfig};
pub use download::{Decode, Downloaded};
pub use places::{Places, Trust};
pub use reqwest::Method;
pub use reqwest::header::HeaderMap;
pub use url::Url;

#[cfg(test)]
mod tests;
