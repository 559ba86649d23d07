//! H.264 in RTP (RFC 6184): packetisation modes 0 and 1. Interleaved packets (mode 2) are not read.

mod packetise;
mod sps;
mod unpack;

pub use packetise::{Mode, Packetiser, units};
pub use sps::Sps;
pub use unpack::Unpacker;

use crate::Look;

// ITU-T H.264 table 7-1 and RFC 6184 table 1: types of NAL units.
pub const SLICE: u8 = 1;
pub const IDR: u8 = 5;
pub const SEI: u8 = 6;
pub const SPS: u8 = 7;
pub const PPS: u8 = 8;
pub const DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// The type of a NAL unit, or of a payload.
pub fn kind(unit: &[u8]) -> Option<u8> {
    unit.first().map(|first| first & 0x1f)
}

/// What a payload holds.
pub fn look(payload: &[u8]) -> Look {
    let mut look = Look::default();
    match kind(payload) {
        Some(FU_A) => {
            // RFC 6184 section 5.8: the second byte says whether it is the start, and of what type.
            if let [_, head, rest @ ..] = payload {
                if head & 0x80 != 0 {
                    see(head & 0x1f, rest.first(), true, &mut look);
                }
            }
        }
        _ => {
            let mut first = true;
            for unit in whole(payload) {
                if let Some(kind) = kind(unit) {
                    see(kind, unit.get(1), first, &mut look);
                    first = false;
                }
            }
        }
    }
    look
}

/// One NAL unit: its type, and the byte behind its head.
fn see(kind: u8, second: Option<&u8>, first: bool, look: &mut Look) {
    match kind {
        SPS => look.sps = true,
        PPS => look.pps = true,
        _ => {}
    }
    // ITU-T H.264 section 7.3.3: a slice begins with first_mb_in_slice, which is 0 when its first bit is 1.
    let at_the_top = second.is_some_and(|byte| byte & 0x80 != 0);
    look.key |= kind == IDR && at_the_top;
    // Section 7.4.1.2.3: a delimiter, parameter sets and SEI come before the first slice of a picture.
    let begins = match kind {
        SLICE | 2 | IDR => at_the_top,
        SEI | SPS | PPS | DELIMITER => true,
        _ => false,
    };
    look.begins |= first && begins;
}

/// The whole NAL units of a payload: itself, or those of an aggregate. Nothing of a fragment, or of what is broken.
pub fn whole(payload: &[u8]) -> Units<'_> {
    match kind(payload) {
        Some(SLICE..=23) => Units::One(Some(payload)),
        // Section 5.7.1: behind the head, each unit with a length of two bytes before it.
        Some(STAP_A) => Units::Many(&payload[1..]),
        _ => Units::One(None),
    }
}

/// The sequence parameter sets in a payload.
pub fn parameters(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    whole(payload).filter(|unit| kind(unit) == Some(SPS))
}

pub enum Units<'a> {
    One(Option<&'a [u8]>),
    Many(&'a [u8]),
}

impl<'a> Iterator for Units<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::One(unit) => unit.take(),
            Self::Many(rest) => {
                let (length, behind) = rest.split_first_chunk::<2>()?;
                let (unit, behind) =
                    behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                *rest = behind;
                (!unit.is_empty()).then_some(unit)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_payload_begins_is_seen() {
        let idr = look(&[0x65, 0x88, 1]);
        assert!(idr.key && idr.begins && !idr.sps);
        let later_slice = look(&[0x65, 0x08, 1]);
        assert!(
            !later_slice.key && !later_slice.begins,
            "of the same picture"
        );
        let fragment = look(&[0x7c, 0x85, 0x88]);
        assert!(fragment.key && fragment.begins);
        let middle = look(&[0x7c, 0x05, 0x88]);
        assert_eq!(middle, Look::default());
        let aggregate = look(&[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1, 0, 2, 0x65, 0x88]);
        assert!(aggregate.sps && aggregate.pps && aggregate.key && aggregate.begins);
        let picture = look(&[0x41, 0x9a]);
        assert!(picture.begins && !picture.key);
    }

    #[test]
    fn an_aggregate_that_is_cut_gives_what_is_whole() {
        let units: Vec<&[u8]> = whole(&[0x78, 0, 2, 0x67, 1, 0, 9, 0x68]).collect();
        assert_eq!(units, [&[0x67u8, 1][..]]);
        assert_eq!(whole(&[0x78, 0, 0, 1]).count(), 0);
        assert_eq!(whole(&[]).count(), 0);
    }
}
