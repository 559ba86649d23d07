//! What Opus has beside its sound: redundancy, silence, sizes.

use codec::{Decoder, Encoder, Format, Opus, duration};
use dsp::{Tone, dbm0};

/// Speech enough for an encoder: a hum of changing pitch, with harmonics, in syllables.
fn babble(rate: u32, seconds: u32) -> Vec<i16> {
    let mut phase = 0.0f64;
    (0..rate * seconds)
        .map(|n| {
            let time = f64::from(n) / f64::from(rate);
            phase += (120.0 + 30.0 * (time * 5.0).sin()) / f64::from(rate);
            let syllable = (time * 4.0 * std::f64::consts::PI).sin().abs();
            let voice: f64 = (1..12)
                .map(|harmonic| {
                    (phase * f64::from(harmonic) * std::f64::consts::TAU).sin()
                        / f64::from(harmonic)
                })
                .sum();
            (voice * syllable * 5000.0) as i16
        })
        .collect()
}

fn packets(encoder: &mut Encoder, sound: &[i16]) -> Vec<Vec<u8>> {
    let frame = encoder.format().rate() as usize / 50;
    sound
        .chunks_exact(frame)
        .map(|samples| {
            let mut payload = Vec::new();
            encoder.encode(samples, &mut payload);
            payload
        })
        .collect()
}

/// How far the sound of `heard` is from `wanted`, as their difference's level above that of `wanted`, in dB.
fn error(heard: &[i16], wanted: &[i16]) -> f64 {
    let difference: Vec<i16> = heard
        .iter()
        .zip(wanted)
        .map(|(&a, &b)| a.saturating_sub(b))
        .collect();
    dbm0(&difference) - dbm0(wanted)
}

/// Every tenth packet is lost: how far off the sound in its place is, in dB, without and with a look at the next one.
fn off_where_lost(fec: bool) -> (f64, f64) {
    const FRAME: usize = 320;
    let format = Format::Opus(Opus {
        fec,
        bitrate: 24_000,
        ..Opus::speech(16_000)
    });
    let mut encoder = Encoder::new(format).expect("it is a format");
    encoder.expect_loss(20);
    let packets = packets(&mut encoder, &babble(16_000, 4));
    let lost = |n: usize| n % 10 == 5;
    // The sound of the packets that are lost in other runs.
    let heard = |lose: bool, look: bool| {
        let mut decoder = Decoder::new(format).expect("it is a format");
        let (mut out, mut there) = (Vec::new(), Vec::new());
        for (n, packet) in packets.iter().enumerate() {
            out.clear();
            if lose && lost(n) {
                let next = packets.get(n + 1).filter(|_| look);
                decoder.conceal(FRAME, next.map(Vec::as_slice), &mut out);
            } else {
                decoder.decode(packet, &mut out).expect("ours");
            }
            assert_eq!(out.len(), FRAME);
            if lost(n) {
                there.extend_from_slice(&out);
            }
        }
        there
    };
    let wanted = heard(false, false);
    (
        error(&heard(true, false), &wanted),
        error(&heard(true, true), &wanted),
    )
}

#[test]
fn a_lost_packet_is_found_again_in_the_one_after_it() {
    let (guessed, repeated) = off_where_lost(true);
    assert!(
        repeated < -10.0 && repeated < guessed - 3.0,
        "{repeated} dB with the next packet, {guessed} dB without"
    );
}

#[test]
fn where_redundancy_was_not_agreed_there_is_none() {
    let (guessed, repeated) = off_where_lost(false);
    assert_eq!(guessed, repeated);
}

#[test]
fn with_dtx_silence_is_not_sent_but_now_and_then() {
    let format = Format::Opus(Opus {
        dtx: true,
        ..Opus::speech(16_000)
    });
    let mut sound = babble(16_000, 1);
    sound.resize(sound.len() + 16_000 * 4, 0);
    let packets = packets(&mut Encoder::new(format).unwrap(), &sound);
    let sent =
        |from: usize, to: usize| packets[from..to].iter().filter(|it| !it.is_empty()).count();
    assert_eq!(sent(0, 50), 50);
    // Once in 400 ms (20 frames), after it was quiet for 200 ms.
    assert!((5..20).contains(&sent(75, 250)), "{}", sent(75, 250));
}

#[test]
fn constant_rate_means_packets_of_one_size() {
    let format = Format::Opus(Opus {
        cbr: true,
        bitrate: 16_000,
        ..Opus::speech(16_000)
    });
    let packets = packets(&mut Encoder::new(format).unwrap(), &babble(16_000, 1));
    assert!(packets.iter().all(|packet| packet.len() == 40));
}

#[test]
fn a_gap_of_any_length_is_filled_to_the_sample() {
    let format = Format::Opus(Opus::speech(16_000));
    let packets = packets(&mut Encoder::new(format).unwrap(), &babble(16_000, 1));
    let mut decoder = Decoder::new(format).unwrap();
    let mut out = Vec::new();
    decoder.decode(&packets[20], &mut out).unwrap();
    for (samples, next) in [
        (1, None),
        (320, None),
        (333, Some(&packets[22])),
        (5000, None),
    ] {
        out.clear();
        decoder.conceal(samples, next.map(Vec::as_slice), &mut out);
        assert_eq!(out.len(), samples);
    }
    // What follows is none of Opus: the gap is filled all the same.
    out.clear();
    decoder.conceal(320, Some(&[0xff; 3]), &mut out);
    assert_eq!(out.len(), 320);
}

#[test]
fn sound_of_one_rate_is_heard_at_another() {
    let (from, to) = (Opus::speech(48_000), Opus::speech(8000));
    let mut tone = Tone::new(1004.0, -10.0, 48_000);
    let sound: Vec<i16> = (0..48_000).map(|_| tone.next_sample()).collect();
    let packets = packets(&mut Encoder::new(Format::Opus(from)).unwrap(), &sound);
    assert_eq!(duration(Format::Opus(to), &packets[0]), Some(160));
    let mut decoder = Decoder::new(Format::Opus(to)).unwrap();
    let mut heard = Vec::new();
    for packet in &packets {
        decoder.decode(packet, &mut heard).unwrap();
    }
    assert_eq!(heard.len(), 8000);
    let level = dbm0(&heard[1600..]);
    assert!((level + 10.0).abs() < 1.0, "{level}");
}
