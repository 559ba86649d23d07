//! A byte stream as payloads (RFC 6184).

use super::{FU_A, STAP_A};

/// How a receiver takes packets (RFC 6184 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// 0: one NAL unit a packet.
    SingleUnit,
    /// 1: also several in one, and one in several.
    NonInterleaved,
}

/// Makes payloads of pictures.
#[derive(Debug, Default)]
pub struct Packetiser {
    payload: Vec<u8>,
    /// Where the units of a picture lie.
    units: Vec<(usize, usize)>,
}

impl Packetiser {
    /// Give the payloads of a picture (ITU-T H.264 annex B), of at most `longest` bytes each, and with each whether it is
    /// the last. False when a unit is too long for one packet of [`Mode::SingleUnit`]: it is left out.
    pub fn picture(
        &mut self,
        stream: &[u8],
        mode: Mode,
        longest: usize,
        mut give: impl FnMut(&[u8], bool),
    ) -> bool {
        self.units.clear();
        let start = stream.as_ptr() as usize;
        self.units.extend(
            units(stream)
                .filter(|unit| mode == Mode::NonInterleaved || unit.len() <= longest)
                .map(|unit| (unit.as_ptr() as usize - start, unit.len())),
        );
        let all = units(stream).count() == self.units.len();
        let mut at = 0;
        while let Some(&(begin, length)) = self.units.get(at) {
            let unit = &stream[begin..begin + length];
            let together = match mode {
                Mode::SingleUnit => 1,
                Mode::NonInterleaved => self.together(at, longest),
            };
            at += together;
            let last = at == self.units.len();
            if together > 1 {
                self.aggregate(stream, at - together..at);
                give(&self.payload, last);
            } else if length <= longest {
                give(unit, last);
            } else {
                self.fragment(unit, longest, last, &mut give);
            }
        }
        all
    }

    /// How many units from one on fit into one packet.
    fn together(&self, at: usize, longest: usize) -> usize {
        let mut length = 1;
        self.units[at..]
            .iter()
            .take_while(|(_, unit)| {
                length += 2 + unit;
                length <= longest
            })
            .count()
            .max(1)
    }

    fn aggregate(&mut self, stream: &[u8], range: std::ops::Range<usize>) {
        self.payload.clear();
        self.payload.push(STAP_A);
        for &(begin, length) in &self.units[range] {
            let unit = &stream[begin..begin + length];
            // Section 5.7: of the reference indicators the highest; a forbidden bit where one has it.
            let head = self.payload[0];
            self.payload[0] = head.max(unit[0] & 0x60 | STAP_A) | head & 0x80 | unit[0] & 0x80;
            self.payload
                .extend_from_slice(&(length as u16).to_be_bytes());
            self.payload.extend_from_slice(unit);
        }
    }

    /// Section 5.8: the unit's own head is in the two bytes before each part.
    fn fragment(
        &mut self,
        unit: &[u8],
        longest: usize,
        last: bool,
        give: &mut impl FnMut(&[u8], bool),
    ) {
        let (head, body) = (unit[0], &unit[1..]);
        let parts = body.len().div_ceil(longest.saturating_sub(2).max(1));
        // Parts of one length: none is tiny.
        let length = body.len().div_ceil(parts);
        for (number, part) in body.chunks(length).enumerate() {
            let begins = if number == 0 { 0x80 } else { 0 };
            let ends = (number + 1) * length >= body.len();
            self.payload.clear();
            self.payload.push(head & 0xe0 | FU_A);
            self.payload
                .push(begins | if ends { 0x40 } else { 0 } | head & 0x1f);
            self.payload.extend_from_slice(part);
            give(&self.payload, last && ends);
        }
    }
}

/// The NAL units of a byte stream (annex B), without their start codes.
pub fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start(stream);
    std::iter::from_fn(move || {
        loop {
            let current = rest?;
            let end = find_start(current).unwrap_or(current.len());
            rest = after_start(&current[end..]);
            // Section B.1.1: zero bytes may stand before a start code.
            let trimmed = current[..end]
                .iter()
                .rposition(|&byte| byte != 0)
                .map_or(0, |at| at + 1);
            if trimmed > 0 {
                return Some(&current[..trimmed]);
            }
        }
    })
}

fn find_start(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    // The last byte of the three first: most are above 1, and then none of the three begins a code.
    while let Some(&third) = bytes.get(at + 2) {
        match third {
            1 if bytes[at] == 0 && bytes[at + 1] == 0 => return Some(at),
            0 => at += 1,
            _ => at += 3,
        }
    }
    None
}

fn after_start(bytes: &[u8]) -> Option<&[u8]> {
    find_start(bytes).map(|at| &bytes[at + 3..])
}

#[cfg(test)]
mod tests {
    use super::super::Unpacker;
    use super::*;

    fn stream(units: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for unit in units {
            out.extend_from_slice(&[0, 0, 0, 1]);
            out.extend_from_slice(unit);
        }
        out
    }

    fn unit(head: u8, length: usize) -> Vec<u8> {
        let mut unit = vec![head];
        unit.extend((0..length - 1).map(|n| (n % 250) as u8 + 3));
        unit
    }

    #[test]
    fn a_byte_stream_has_its_units() {
        let bytes = [
            0, 0, 1, 0x67, 4, 0, 0, 0, 1, 0x68, 5, 0, 0, 1, 0x65, 6, 0, 0,
        ];
        let found: Vec<&[u8]> = units(&bytes).collect();
        assert_eq!(found, [&[0x67u8, 4][..], &[0x68, 5], &[0x65, 6]]);
        assert_eq!(units(&[1, 2, 3]).count(), 0);
        assert_eq!(units(&[0, 0, 1]).count(), 0);
        assert_eq!(units(&[0, 0, 1, 0, 0, 1, 7]).count(), 1);
    }

    #[test]
    fn a_picture_reads_back_from_its_packets_in_both_modes() {
        let picture = stream(&[
            unit(0x67, 12),
            unit(0x68, 5),
            unit(0x65, 3000),
            unit(0x65, 90),
        ]);
        for longest in [100, 500, 1200] {
            let (mut packetiser, mut unpacker) = (Packetiser::default(), Unpacker::default());
            let (mut back, mut lasts, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
            let all =
                packetiser.picture(&picture, Mode::NonInterleaved, longest, |payload, last| {
                    assert!(unpacker.append(payload, &mut back));
                    lasts.push(last);
                    lengths.push(payload.len());
                });
            assert!(all && back == picture && unpacker.is_whole());
            assert_eq!(lasts.iter().filter(|last| **last).count(), 1);
            assert_eq!(lasts.last(), Some(&true));
            assert!(lengths.iter().all(|length| *length <= longest));
        }
        let small = stream(&[unit(0x67, 12), unit(0x68, 5), unit(0x65, 900)]);
        let (mut back, mut packets) = (Vec::new(), 0);
        let all = Packetiser::default().picture(&small, Mode::SingleUnit, 1000, |payload, _| {
            Unpacker::default().append(payload, &mut back);
            packets += 1;
        });
        assert!(all && back == small);
        assert_eq!(packets, 3);
    }

    #[test]
    fn a_unit_too_long_for_a_packet_of_its_own_is_left_out_and_told() {
        let picture = stream(&[unit(0x67, 12), unit(0x65, 3000)]);
        let mut lasts = Vec::new();
        let all = Packetiser::default()
            .picture(&picture, Mode::SingleUnit, 1200, |_, last| lasts.push(last));
        assert!(!all);
        assert_eq!(lasts, [true]);
    }

    #[test]
    fn fragments_out_of_their_order_are_refused() {
        let mut payloads = Vec::new();
        let picture = stream(&[unit(0x65, 3000)]);
        Packetiser::default().picture(&picture, Mode::NonInterleaved, 1200, |payload, _| {
            payloads.push(payload.to_vec());
        });
        let (mut unpacker, mut out) = (Unpacker::default(), Vec::new());
        assert!(!unpacker.append(&payloads[1], &mut out), "no start");
        assert!(unpacker.append(&payloads[0], &mut out));
        assert!(!unpacker.append(&payloads[0], &mut out), "a start within");
        unpacker.reset();
        assert!(unpacker.append(&payloads[0], &mut out));
        assert!(
            !unpacker.append(&[0x41, 1], &mut out),
            "another unit within"
        );
    }
}
