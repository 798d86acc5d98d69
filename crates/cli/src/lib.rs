//! The command line of Deskferry: its commands, and the reports that people read.

mod cli;
pub mod report;

pub use cli::main;
