//! Base64 that comes in pieces of any size. It knows nothing of what the pieces are cut from.

use super::scan::Fault;
use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Base64 in pieces of any size. White space is skipped, missing padding forgiven.
#[derive(Debug, Default)]
pub(super) struct Base64 {
    pending: Vec<u8>,
    padding: usize,
}

impl Base64 {
    pub fn push(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), Fault> {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'=' if self.padding < 2 => self.padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if self.padding == 0 => {
                self.pending.push(byte);
                if self.pending.len() >= 64 * 1024 {
                    self.flush(out)?;
                }
            }
            _ => return Err("the field of the file is not base64"),
        }
        Ok(())
    }

    pub fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let whole = self.pending.len() / 4 * 4;
        if whole > 0 {
            decode(&self.pending[..whole], out)?;
            self.pending.drain(..whole);
        }
        Ok(())
    }

    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.flush(out)?;
        let right = match self.pending.len() {
            0 => self.padding == 0,
            1 => false,
            rest => self.padding == 0 || rest + self.padding == 4,
        };
        if !right {
            return Err("the base64 of the file is cut off");
        }
        decode(&self.pending, out)
    }
}

fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    BASE64.decode_vec(text, out).map_err(|_| "the field of the file is not base64")
}
