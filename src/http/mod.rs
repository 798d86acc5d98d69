//! Calls to a platform, paced, counted, and answered in three values.
//!
//! A call is *answered*, or *not sent* (provably nothing reached the platform), or its effect is *unknown*. What a status
//! means is the connector's to say; this room only knows which answers may be waited out. Credentials go to the
//! account's own origin and nowhere else; bodies and secrets are in no log and no error.

mod auth;
mod call;
mod client;
mod download;
mod field;

pub use auth::Auth;
pub use call::{Call, Part, Payload, Repeat, Response};
pub use client::{Client, ClientConfig, Sent};
pub use download::{Decode, Downloaded};
