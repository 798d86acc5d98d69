//! Rows as they lie on the disk: JSON, packed.

use super::DESIGN;
use crate::error::{Problem, Reason, Result};
use serde_json::Value;
use std::cell::RefCell;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

/// zstd's level for rows: its default, for JSON of a few KiB.
pub const LEVEL: i32 = 3;
/// Bytes of a row that are believed to be as many as it says.
const WHOLE: u64 = 1 << 30;

pub fn pack(value: &Value) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(value).map_err(|e| Problem::new(Reason::Internal, e.to_string()))?;
    PACKER.with_borrow_mut(|kept| {
        let packer = match kept {
            Some(packer) => packer,
            none => none.insert(Compressor::new(LEVEL)?),
        };
        Ok(packer.compress(&json)?)
    })
}

pub fn unpack(body: &[u8]) -> Result<Value> {
    let json = match get_frame_content_size(body) {
        Ok(Some(bytes)) if bytes <= WHOLE => UNPACKER.with_borrow_mut(|kept| {
            let unpacker = match kept {
                Some(unpacker) => unpacker,
                none => none.insert(Decompressor::new()?),
            };
            unpacker.decompress(body, usize::try_from(bytes).unwrap_or_default())
        }),
        _ => zstd::decode_all(body),
    };
    serde_json::from_slice(&json.map_err(|_| torn())?).map_err(|_| torn())
}

thread_local! {
    // To make one takes longer than to pack a row.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

pub fn torn() -> Problem {
    Problem::new(Reason::Disk, "a row of staging.db is damaged").hint(DESIGN.damaged)
}
