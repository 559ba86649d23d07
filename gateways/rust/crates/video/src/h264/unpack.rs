//! Payloads of RFC 6184 as a byte stream (ITU-T H.264 annex B).

use super::{FU_A, whole};

const START: [u8; 4] = [0, 0, 0, 1];

/// Puts the payloads of one picture together, in their order.
#[derive(Debug, Default)]
pub struct Unpacker {
    /// Whether a fragmented unit has begun and not ended.
    within: bool,
}

impl Unpacker {
    /// Append what a payload holds; false when it does not go on from the last one, or is none.
    pub fn append(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        if super::kind(payload) == Some(FU_A) {
            return self.append_fragment(payload, out);
        }
        if std::mem::take(&mut self.within) {
            return false;
        }
        let before = out.len();
        for unit in whole(payload) {
            out.extend_from_slice(&START);
            out.extend_from_slice(unit);
        }
        out.len() > before
    }

    /// RFC 6184 section 5.8.
    fn append_fragment(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let [indicator, head, rest @ ..] = payload else {
            return false;
        };
        let (start, end) = (head & 0x80 != 0, head & 0x40 != 0);
        if start == self.within {
            self.within = false;
            return false;
        }
        if start {
            out.extend_from_slice(&START);
            out.push(indicator & 0xe0 | head & 0x1f);
        }
        out.extend_from_slice(rest);
        self.within = !end;
        true
    }

    /// Whether the picture may end here.
    pub fn is_whole(&self) -> bool {
        !self.within
    }

    /// Another picture begins.
    pub fn reset(&mut self) {
        self.within = false;
    }
}
