//! Packets of pictures that come whole: of those that the composer makes.

use std::collections::VecDeque;

use rtp::Header;
use video::h264::Mode;
use video::{CLOCK_RATE, Codec, h264, vp8};

use super::source::Packet;
use super::terms::Wire;

/// The longest payload: with heads, extensions and tags it fits wherever Ethernet is tunnelled.
const LONGEST: usize = 1180;
/// A step in time that is none of one composer's: ten seconds, back or on.
const LEAP: u32 = 10 * CLOCK_RATE;
/// Packets that may wait to go out: some seconds.
const WAITING: usize = 2048;
/// Buffers kept for the next ones.
const SPARE: usize = 128;

pub struct Maker {
    pub number: u64,
    wire: Wire,
    h264: h264::Packetiser,
    vp8: vp8::Packetiser,
    sequence: u16,
    /// Another one for each composer: the times of one have nothing to do with those of the last.
    ssrc: u32,
    timestamp: Option<u32>,
    /// What has not gone out yet.
    waiting: VecDeque<(Header, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
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
            waiting: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    pub fn codec(&self) -> Codec {
        self.wire.codec()
    }

    /// Make the packets of a picture. A part of it that is too long for the way it is to be sent is left out. False: too
    /// much waits already, and all of that is given up.
    pub fn picture(&mut self, timestamp: u32, data: &[u8]) -> bool {
        if self.waiting.len() > WAITING {
            self.waiting.clear();
            return false;
        }
        let step = timestamp.wrapping_sub(self.timestamp.unwrap_or(timestamp));
        if (LEAP..0u32.wrapping_sub(LEAP)).contains(&step) {
            self.ssrc += 1;
        }
        self.timestamp = Some(timestamp);
        let (ssrc, sequence) = (self.ssrc, &mut self.sequence);
        let (waiting, spare) = (&mut self.waiting, &mut self.spare);
        let packet = |payload: &[u8], marker: bool| {
            let header = Header {
                marker,
                payload_type: 0,
                sequence: *sequence,
                timestamp,
                ssrc,
            };
            *sequence = sequence.wrapping_add(1);
            let mut kept = spare.pop().unwrap_or_default();
            kept.clear();
            kept.extend_from_slice(payload);
            waiting.push_back((header, kept));
        };
        match self.wire {
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
        true
    }

    /// Let what waits go out, in its order, as long as there is room for more: `send` tells how many packets it made of
    /// each.
    pub fn flow(&mut self, mut room: u64, mut send: impl FnMut(&Packet<'_>) -> u64) {
        while room > 0 {
            let Some((header, payload)) = self.waiting.pop_front() else {
                return;
            };
            let sent = send(&Packet {
                wire: self.wire,
                header,
                payload: &payload,
                look: self.wire.codec().look(&payload),
            });
            room = room.saturating_sub(sent);
            if self.spare.len() < SPARE {
                self.spare.push(payload);
            }
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
            assert!(maker.picture(timestamp, &[0x10, 2, 0]));
            maker.flow(9, |packet| {
                streams.push((packet.header.ssrc, packet.header.sequence));
                1
            });
        }
        let expected = [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4), (2, 5)];
        assert_eq!(streams, expected);
    }

    #[test]
    fn a_large_picture_for_many_goes_out_bit_by_bit_and_what_waits_is_bounded() {
        let mut maker = Maker::new(1, Wire::Vp8);
        assert!(maker.picture(0, &[1; 50 * (LONGEST - 4)]));
        let mut rounds = Vec::new();
        while !maker.waiting.is_empty() {
            let mut sent = 0;
            maker.flow(1000, |_| {
                sent += 200;
                200
            });
            rounds.push(sent);
        }
        assert_eq!(rounds, [1000; 10]);
        let made = (0..1000).filter(|number| maker.picture(*number, &[1; 20 * LONGEST]));
        assert!(made.count() < 1000);
        assert!(maker.waiting.len() <= WAITING + 21);
    }
}
