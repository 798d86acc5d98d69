//! Writes to an account: applies steps, finds and scans what is there, reads back.

pub(crate) mod alike;
mod apply;
pub(crate) mod batch;
mod delete;
mod fill;
mod find;
mod held;
pub(crate) mod jobs;
pub(crate) mod marker;
mod offline;
mod places;
mod read_back;
mod results;
mod said;
pub(crate) mod scan;
mod target;

pub use offline::Offline;
