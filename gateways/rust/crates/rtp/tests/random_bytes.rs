//! Whatever bytes come, the parsers answer.

use netem::Random;
use rtp::jitter::{Content, JitterBuffer, Next, Settings};
use rtp::{Header, Packet, event, mux, reception::Reception, rtcp};

/// xorshift64*: the same bytes on every run.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let length = self.next() % (most + 1);
        (0..length).map(|_| self.next() as u8).collect()
    }
}

fn read_all(data: &[u8], keys: &mut event::KeyTracker, reception: &mut Reception, now: f64) {
    mux::classify(data);
    if let Some(packets) = rtcp::parse(data) {
        // What we read we can print, and read again the same.
        if !packets
            .iter()
            .any(|packet| matches!(packet, rtcp::Rtcp::Other(_)))
        {
            let lossy = packets.iter().any(|packet| {
                matches!(packet, rtcp::Rtcp::SourceDescription(chunks)
                    if chunks.iter().any(|(_, name)| name.as_ref().is_some_and(|n| n.contains('\u{fffd}'))))
            });
            if !lossy {
                assert_eq!(rtcp::parse(&rtcp::print(&packets)), Some(packets));
            }
        }
    }
    if let Some(packet) = Packet::parse(data) {
        reception.receive(&packet.header, Some(packet.header.timestamp ^ 0x55));
        reception.interval();
        let mut out = Vec::new();
        packet.header.print(&mut out);
        assert_eq!(Packet::parse(&out).map(|p| p.header), Some(packet.header));
        if let Some(event) = event::TelephoneEvent::parse(packet.payload) {
            keys.receive(event, packet.header.timestamp, now);
            keys.timeout(now + 0.1);
        }
    }
}

#[test]
fn random_and_mutated_bytes_never_panic() {
    let mut random = Seeded(0x5eed);
    let (mut keys, mut reception) = (event::KeyTracker::default(), Reception::default());
    let header = Header {
        marker: false,
        payload_type: 101,
        sequence: 7,
        timestamp: 160,
        ssrc: 9,
    };
    for round in 0..200_000u32 {
        let mut data = random.bytes(90);
        match random.next() % 4 {
            0 => {}
            1 => {
                let mut whole = Vec::new();
                header.print(&mut whole);
                whole.extend_from_slice(&data);
                data = whole;
                let at = random.next() as usize % data.len();
                data[at] ^= random.next() as u8;
            }
            2 => {
                let length = (data.len() / 4).saturating_sub(1) as u16;
                if data.len() >= 4 {
                    data[0] = 0x80 | data[0] & 0x3f;
                    data[1] = 200 + data[1] % 5;
                    data[2..4].copy_from_slice(&length.to_be_bytes());
                    data.truncate((usize::from(length) + 1) * 4);
                }
            }
            _ => {
                if !data.is_empty() {
                    data[0] = 0x80 | data[0] & 0x3f;
                }
            }
        }
        read_all(&data, &mut keys, &mut reception, f64::from(round) * 0.02);
    }
}

#[test]
fn a_jitter_buffer_survives_packets_of_any_kind_and_stays_bounded() {
    let mut random = Random::new(11);
    for _ in 0..200 {
        let mut buffer = JitterBuffer::new(Settings::default());
        let mut now = 0.0;
        for _ in 0..2000 {
            // Mostly near each other, so that they are taken for one stream.
            let wild = random.chance(0.1);
            let header = Header {
                marker: random.chance(0.5),
                payload_type: 0,
                sequence: random.below(if wild { 65_536 } else { 300 }) as u16,
                timestamp: random.below(if wild { 1 << 32 } else { 48_000 }) as u32,
                ssrc: random.below(3) as u32,
            };
            let content = Content {
                kind: (),
                duration: 0.02 * random.below(4) as f64,
                clock: [0, 8000, 48_000][random.below(3) as usize],
            };
            match random.below(4) {
                0 => buffer.note(&header, now),
                _ => buffer.put(&header, content, &[0; 160], now),
            }
            assert!(buffer.len() <= 128);
            now += 0.02 * random.unit();
            for _ in 0..random.below(4) {
                if let Next::Missing { seconds, .. } = buffer.next(now) {
                    assert!(seconds > 0.0);
                    buffer.concealed(seconds.min(0.02));
                }
            }
        }
    }
}
