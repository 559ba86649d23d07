//! What we send of our own: one RTP source for each leg (RFC 3550 section 5.1).

use std::hash::{BuildHasher, RandomState};

use dsp::g711::Law;
use rtp::Header;

/// Samples in 20 ms at 8 kHz.
pub const FRAME: usize = 160;
/// Seconds between frames.
pub const TICK: f64 = 0.02;

/// Sequence number, timestamp and SSRC of a leg's own sound. They go on when a tone follows a prompt.
#[derive(Debug)]
pub struct Stream {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    last_sent_at: Option<f64>,
}

impl Stream {
    /// All three start at random (section 5.1; section 8.1 for the SSRC).
    pub fn new() -> Self {
        let random = RandomState::new().hash_one(0);
        Self {
            ssrc: random as u32,
            sequence: (random >> 32) as u16,
            timestamp: (random >> 24) as u32,
            last_sent_at: None,
        }
    }

    /// Write the next packet, which lasts `samples`, up to its payload. `begins`: nothing was sent just before.
    pub fn header(
        &mut self,
        payload_type: u8,
        begins: bool,
        samples: usize,
        now: f64,
        out: &mut Vec<u8>,
    ) {
        if begins {
            if let Some(last) = self.last_sent_at {
                // Section 5.1: the timestamp goes on through silence as time does.
                let silent = ((now - last) / TICK).round().max(1.0) - 1.0;
                self.timestamp = self.timestamp.wrapping_add((silent * FRAME as f64) as u32);
            }
        }
        Header {
            // RFC 3551 section 4.1: the first packet of a talkspurt is marked.
            marker: begins,
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        }
        .print(out);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(samples as u32);
        self.last_sent_at = Some(now);
    }
}

/// The code of silence: the smallest positive value.
pub fn silence(law: Law) -> u8 {
    law.encode(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtp::Packet;

    fn sent(stream: &mut Stream, begins: bool, now: f64) -> Header {
        let mut out = Vec::new();
        stream.header(8, begins, FRAME, now, &mut out);
        Packet::parse(&out).unwrap().header
    }

    #[test]
    fn packets_count_on_and_time_goes_on_through_silence() {
        let mut stream = Stream::new();
        let first = sent(&mut stream, true, 1.0);
        let second = sent(&mut stream, false, 1.02);
        let third = sent(&mut stream, true, 2.02);
        assert_eq!(
            (first.marker, second.marker, third.marker),
            (true, false, true)
        );
        assert_eq!(second.sequence, first.sequence.wrapping_add(1));
        assert_eq!(third.sequence, first.sequence.wrapping_add(2));
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 160);
        assert_eq!(third.timestamp.wrapping_sub(second.timestamp), 8000);
        assert_eq!((first.ssrc, first.ssrc), (second.ssrc, third.ssrc));
    }
}
