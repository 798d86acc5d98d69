//! Deskferry moves a help desk from one platform to another.
//!
//! The rooms below import only from those listed under them; `tests/rooms` keeps it so.

pub mod clock;
pub mod connector;
pub mod content;
pub mod error;
pub mod expr;
pub mod http;
pub mod ledger;
pub mod mapping;
mod naive;
pub mod pacer;
pub mod pipeline;
pub mod printable;
pub mod project;
pub mod record;
pub mod staging;
