//! Reads an account: lists, assembles, fetches.

mod asked;
mod assemble;
mod assemble_beside;
mod assemble_library;
mod below;
mod bulk;
pub(crate) mod fresh;
pub(crate) mod gaps;
mod left;
pub(crate) mod nameless;
mod one;
mod own_files;
pub(crate) mod pages;
mod parts;
pub(crate) mod refused;
mod source;
#[cfg(test)]
mod tests;
mod under;
