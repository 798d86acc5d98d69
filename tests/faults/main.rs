//! Tables of faults: every call, clock and copy of the ledger that goes wrong in turn, and what the target holds after it.
//!
//! Plain, a seeded slice of each table runs (`DESKFERRY_TABLE_SEED` repeats a draw). `DESKFERRY_TABLES=write` runs all of it and
//! writes the tables of `docs/reliability.md`.

mod custody;
mod read_side;
mod write_clocks;
