//! What reading, planning and writing all need of an account: its calls, its listings, its tables, and what a refusal means.

pub(crate) mod check;
mod declined;
pub(crate) mod ends;
pub(crate) mod listed;
pub(crate) mod lookup;
mod named_field;
pub(crate) mod optional;
pub(crate) mod paging;
pub(crate) mod refusal;
pub(crate) mod shifting;
mod since;
pub(crate) mod walked;
