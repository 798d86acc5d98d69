//! Fills a Request Tracker with a desk's worth of awkward tickets, and says what must be found after a move.
//!
//! [`plan`] is pure and deterministic from a number; [`rt`] writes the plan into a running server over its own API and
//! mail gateway and moves the dates into the past; [`verify`] reads it all back. [`roundup`] does both for a Roundup, [`redmine`] writes into one. Nothing
//! here knows the engine.

pub mod dates;
pub mod expected;
pub mod mail;
pub mod plan;
pub mod random;
pub mod redmine;
pub mod roundup;
pub mod rt;
pub mod special;
pub mod verify;
pub mod words;
