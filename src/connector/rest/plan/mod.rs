//! Plans the steps that write a record. Pure: nothing is called.

mod library;
mod record;
#[cfg(test)]
mod tests;
mod whole;

pub use library::PARTS;
