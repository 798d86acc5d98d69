//! Tables of faults: what went wrong with a ledger, a stage or a folder, and what the target holds after it.
//!
//! Plain, a seeded slice of each table runs (`DESKFERRY_TABLE_SEED` draws another). `DESKFERRY_TABLES=write` runs all of it and
//! writes the tables of `docs/reliability.md`.

mod cells;
mod custody;
#[path = "../sandbox/desks.rs"]
#[allow(dead_code, reason = "each test target asks a desk for other things")]
mod desks;
#[allow(dead_code, reason = "sources that are real answer in other ways too")]
mod grid;
mod moved;
mod page;
mod proxy;
mod read_sandboxes;
#[allow(dead_code, reason = "sources that are real use more of it")]
mod read_side;
#[path = "../root.rs"]
mod root;
mod write_clocks;
