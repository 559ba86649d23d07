//! Whatever bytes come, the readers answer, and stay within their bounds.

use netem::Random;
use video::frames::{Frames, Place};
use video::h264::{self, Mode, Packetiser, Sps, Unpacker};
use video::missing::Missing;
use video::ring::Ring;
use video::{Codec, feedback, rtx, vp8};

fn bytes(random: &mut Random, most: u64) -> Vec<u8> {
    let length = random.below(most + 1);
    (0..length).map(|_| random.next_u64() as u8).collect()
}

#[test]
fn random_payloads_never_panic() {
    let mut random = Random::new(0x51de0);
    let heads = [0x67, 0x68, 0x65, 0x41, 0x78, 0x7c, 0x5c, 0x1c, 0x90, 0xf0];
    let mut unpacker = Unpacker::default();
    for _ in 0..100_000 {
        let mut data = bytes(&mut random, 60);
        if random.chance(0.8) && !data.is_empty() {
            data[0] = heads[random.below(heads.len() as u64) as usize];
        }
        for codec in [Codec::H264, Codec::Vp8] {
            let look = codec.look(&data);
            assert!(!look.key || !data.is_empty());
            codec.size(&data);
        }
        Sps::parse(&data);
        let mut out = Vec::new();
        unpacker.append(&data, &mut out);
        assert!(out.len() <= 5 * data.len() + 8);
        assert_eq!(h264::units(&data).filter(|unit| unit.is_empty()).count(), 0);
        rtx::unwrap(&data);
        if let Some((descriptor, rest)) = vp8::Descriptor::parse(&data) {
            let mut printed = Vec::new();
            descriptor.print(&mut printed);
            printed.extend_from_slice(rest);
            let again = vp8::Descriptor::parse(&printed);
            assert_eq!(again, Some((descriptor, rest)));
        }
    }
}

#[test]
fn random_feedback_never_panics_and_what_is_read_can_be_said_again() {
    let mut random = Random::new(0xfeed);
    for _ in 0..100_000 {
        let mut data = bytes(&mut random, 64);
        if data.len() >= 4 {
            data[0] = 0x80 | data[0] & 0x1f;
            data[1] = 205 + (data[1] & 1);
            let words = (data.len() / 4 - 1) as u16;
            data[2..4].copy_from_slice(&words.to_be_bytes());
            if data.len() >= 16 && random.chance(0.2) {
                data[0] = 0x80 | 15;
                data[12..16].copy_from_slice(b"REMB");
            }
        }
        let mut all = Vec::new();
        feedback::read(&data, |one| all.push(one));
        assert!(all.len() <= data.len() / 4);
        let mut printed = Vec::new();
        feedback::print(1, &all, &mut printed);
        let mut count = 0;
        feedback::read(&printed, |_| count += 1);
        assert_eq!(count, all.len());
    }
}

#[test]
fn any_byte_stream_comes_back_from_its_packets() {
    let mut random = Random::new(77);
    for _ in 0..3000 {
        let mut stream = Vec::new();
        for _ in 0..random.below(6) {
            stream.extend_from_slice(&[0, 0, 0, 1]);
            stream.push(0x61 + random.below(3) as u8 * 2);
            // Without zeros: a real unit has no start code within.
            let mut unit = bytes(&mut random, 400);
            unit.iter_mut().for_each(|byte| *byte |= 1);
            stream.extend_from_slice(&unit);
        }
        let longest = 40 + random.below(300) as usize;
        let (mut unpacker, mut back) = (Unpacker::default(), Vec::new());
        Packetiser::default().picture(&stream, Mode::NonInterleaved, longest, |payload, _| {
            assert!(payload.len() <= longest);
            assert!(unpacker.append(payload, &mut back));
        });
        assert_eq!(back, stream);
        Packetiser::default().picture(&stream, Mode::SingleUnit, longest, |payload, _| {
            assert!(payload.len() <= longest);
        });
    }
}

#[test]
fn packets_of_any_kind_leave_frames_rings_and_requests_bounded() {
    let mut random = Random::new(9);
    for codec in [Codec::H264, Codec::Vp8] {
        for _ in 0..100 {
            let mut frames = Frames::new(codec, 0.1);
            let (mut ring, mut missing) = (Ring::new(64), Missing::default());
            let mut now = 0.0;
            let mut base = random.below(65_536) as u16;
            for _ in 0..2000 {
                let wild = random.chance(0.02);
                base = base.wrapping_add(1);
                let place = Place {
                    sequence: base
                        .wrapping_add(random.below(if wild { 65_536 } else { 20 }) as u16),
                    timestamp: u32::from(base / 4).wrapping_mul(3000),
                    marker: random.chance(0.3),
                };
                let payload = bytes(&mut random, 30);
                frames.put(place, &payload, now, |frame| {
                    assert!(!frame.data.is_empty())
                });
                frames.poll(now, |frame| assert!(!frame.data.is_empty()));
                ring.put(
                    (place.sequence, place.timestamp),
                    (96, place.marker),
                    &payload,
                );
                if let Some(kept) = ring.get(place.sequence) {
                    assert_eq!(kept.sequence, place.sequence);
                }
                missing.came(place.sequence, now);
                let mut asked = Vec::new();
                missing.due(1, None, now, &mut asked);
                assert!(asked.len() <= 128);
                now += 0.02 * random.unit();
            }
        }
    }
}
