//! Packets of pictures that come whole: of those that the composer makes.

use rtp::Header;
use video::h264::Mode;
use video::{CLOCK_RATE, Codec, h264, vp8};

use super::source::Packet;
use super::terms::Wire;

/// The longest payload: with heads, extensions and tags it fits wherever Ethernet is tunnelled.
const LONGEST: usize = 1180;
/// A step in time that is none of one composer's: ten seconds, back or on.
const LEAP: u32 = 10 * CLOCK_RATE;

pub struct Maker {
    pub number: u64,
    wire: Wire,
    h264: h264::Packetiser,
    vp8: vp8::Packetiser,
    sequence: u16,
    /// Another one for each composer: the times of one have nothing to do with those of the last.
    ssrc: u32,
    timestamp: Option<u32>,
}

impl Maker {
    pub fn new(number: u64, wire: Wire) -> Self {
        Self {
            number,
            wire,
            h264: h264::Packetiser::default(),
            vp8: vp8::Packetiser::default(),
            sequence: 0,
            ssrc: 0,
            timestamp: None,
        }
    }

    pub fn codec(&self) -> Codec {
        self.wire.codec()
    }

    /// Give the packets of a picture. A part of it that is too long for the way it is to be sent is left out.
    pub fn picture(&mut self, timestamp: u32, data: &[u8], mut give: impl FnMut(&Packet<'_>)) {
        let step = timestamp.wrapping_sub(self.timestamp.unwrap_or(timestamp));
        if (LEAP..0u32.wrapping_sub(LEAP)).contains(&step) {
            self.ssrc += 1;
        }
        self.timestamp = Some(timestamp);
        let (wire, ssrc, sequence) = (self.wire, self.ssrc, &mut self.sequence);
        let packet = |payload: &[u8], marker: bool| {
            let header = Header {
                marker,
                payload_type: 0,
                sequence: *sequence,
                timestamp,
                ssrc,
            };
            *sequence = sequence.wrapping_add(1);
            give(&Packet {
                wire,
                header,
                payload,
                look: wire.codec().look(payload),
            });
        };
        match wire {
            Wire::H264 { fragments, .. } => {
                let mode = if fragments {
                    Mode::NonInterleaved
                } else {
                    Mode::SingleUnit
                };
                self.h264.picture(data, mode, LONGEST, packet);
            }
            Wire::Vp8 => self.vp8.picture(data, LONGEST, packet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_composer_makes_is_another_stream() {
        let mut maker = Maker::new(1, Wire::Vp8);
        let mut streams = Vec::new();
        for timestamp in [0, 3000, 6000, 4_000_000_000, 4_000_003_000, 2_000_000] {
            maker.picture(timestamp, &[0x10, 2, 0], |packet| {
                streams.push((packet.header.ssrc, packet.header.sequence));
            });
        }
        let expected = [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4), (2, 5)];
        assert_eq!(streams, expected);
    }
}
