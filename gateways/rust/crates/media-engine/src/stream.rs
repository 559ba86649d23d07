//! What we send of our own: one RTP source for each leg (RFC 3550 section 5.1).

use std::hash::{BuildHasher, RandomState};

use rtp::Header;
use rtp::report::Sending;

/// Seconds between frames.
pub const TICK: f64 = 0.02;
/// The same in milliseconds.
pub const TICK_MS: u32 = 20;

/// Sequence number, timestamp and SSRC of a leg's own sound. They go on when a tone follows a prompt.
#[derive(Debug)]
pub struct Stream {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    clock_rate: u32,
    /// When the last packet was sent, and for how many seconds of sound.
    last: Option<(f64, f64)>,
    packets: u32,
    octets: u32,
}

/// RFC 3550 section 6.4: who has sent nothing for two intervals of reports is no sender any more.
const STILL_SENDING: f64 = 10.0;

impl Stream {
    /// All three start at random (section 5.1; section 8.1 for the SSRC).
    pub fn new(clock_rate: u32) -> Self {
        let random = RandomState::new().hash_one(0);
        Self {
            ssrc: random as u32,
            sequence: (random >> 32) as u16,
            timestamp: (random >> 24) as u32,
            clock_rate,
            last: None,
            packets: 0,
            octets: 0,
        }
    }

    /// A packet had so many octets of payload.
    pub fn count(&mut self, octets: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets as u32);
    }

    /// What a report says of the stream; None when nothing was sent of late.
    pub fn sending(&self, now: f64) -> Option<Sending> {
        let (sent_at, lasted) = self.last?;
        if self.packets == 0 || now - sent_at > STILL_SENDING {
            return None;
        }
        // The timestamp is that of the next packet; time has gone on since the last one.
        let ahead = (now - sent_at - lasted) * f64::from(self.clock_rate);
        Some(Sending {
            ssrc: self.ssrc,
            timestamp: self.timestamp.wrapping_add(ahead as i64 as u32),
            packets: self.packets,
            octets: self.octets,
        })
    }

    pub fn clock_rate(&self) -> u32 {
        self.clock_rate
    }

    /// Write the next packet, which lasts `ms`, up to its payload. `begins`: nothing was sent just before.
    pub fn header(&mut self, payload_type: u8, begins: bool, ms: u32, now: f64, out: &mut Vec<u8>) {
        if begins {
            self.pass_silence(now);
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
        self.skip(ms, now);
    }

    /// Bring the timestamp up to now, after a pause, and give it.
    pub fn at(&mut self, now: f64) -> u32 {
        self.pass_silence(now);
        self.last = Some((now, 0.0));
        self.timestamp
    }

    /// Write a packet of keys, up to its payload. They have timestamps of their own, by the same clock (RFC 4733 section
    /// 2.5.1.2).
    pub fn event_header(
        &mut self,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        out: &mut Vec<u8>,
    ) {
        Header {
            marker,
            payload_type,
            sequence: self.sequence,
            timestamp,
            ssrc: self.ssrc,
        }
        .print(out);
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Sound that need not be sent has its time, too.
    pub fn skip(&mut self, ms: u32, now: f64) {
        self.timestamp = self.timestamp.wrapping_add(self.units(ms));
        self.last = Some((now, f64::from(ms) / 1000.0));
    }

    /// Section 5.1: the timestamp goes on through silence as time does.
    fn pass_silence(&mut self, now: f64) {
        if let Some((sent_at, lasted)) = self.last {
            let ticks = ((now - sent_at - lasted) / TICK).round().max(0.0) as u32;
            self.timestamp = self
                .timestamp
                .wrapping_add(ticks.wrapping_mul(self.units(TICK_MS)));
        }
    }

    fn units(&self, ms: u32) -> u32 {
        self.clock_rate / 1000 * ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtp::Packet;

    fn sent(stream: &mut Stream, begins: bool, ms: u32, now: f64) -> Header {
        let mut out = Vec::new();
        stream.header(8, begins, ms, now, &mut out);
        Packet::parse(&out).unwrap().header
    }

    #[test]
    fn packets_count_on_and_time_goes_on_through_silence() {
        let mut stream = Stream::new(8000);
        let first = sent(&mut stream, true, 20, 1.0);
        let second = sent(&mut stream, false, 20, 1.02);
        let third = sent(&mut stream, true, 20, 2.02);
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

    #[test]
    fn longer_packets_and_faster_clocks_have_their_own_units() {
        let mut stream = Stream::new(48_000);
        let first = sent(&mut stream, true, 60, 1.0);
        stream.skip(60, 1.06);
        let second = sent(&mut stream, true, 60, 1.12);
        let third = sent(&mut stream, true, 60, 1.24);
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 2 * 2880);
        assert_eq!(third.timestamp.wrapping_sub(second.timestamp), 2880 + 2880);
        assert_eq!(third.sequence, first.sequence.wrapping_add(2));
    }
}
