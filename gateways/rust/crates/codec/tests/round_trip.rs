//! What goes in comes out: every format, at its own rate.

use codec::{Decoder, Encoder, Format, Malformed, Opus, duration};
use dsp::{Tone, amplitude, amplitude_at};

fn formats() -> Vec<Format> {
    let rates = [8000, 16_000, 24_000, 48_000];
    let linear = rates.map(|rate| Format::L16 { rate });
    let opus = rates.map(|rate| Format::Opus(Opus::speech(rate)));
    let mut formats = vec![Format::Pcmu, Format::Pcma, Format::G722];
    formats.extend(linear);
    formats.extend(opus);
    formats
}

#[test]
fn every_packet_time_survives_encoding_and_decoding() {
    for format in formats() {
        let mut encoder = Encoder::new(format).unwrap();
        let mut decoder = Decoder::new(format).unwrap();
        for milliseconds in [10, 20, 40, 60] {
            let length = format.rate() as usize / 1000 * milliseconds;
            let mut payload = Vec::new();
            encoder.encode(&vec![1000; length], &mut payload);
            assert_eq!(duration(format, &payload), Some(length), "{format:?}");
            let mut samples = Vec::new();
            decoder.decode(&payload, &mut samples).unwrap();
            assert_eq!(samples.len(), length, "{format:?}");
        }
    }
}

#[test]
fn a_tone_keeps_its_frequency_and_level_in_every_format() {
    for format in formats() {
        let rate = format.rate();
        // Of the upper half of the band, too, where there is one.
        let mut frequencies = vec![1004.0];
        if rate >= 16_000 {
            frequencies.push(5000.0);
        }
        for frequency in frequencies {
            let mut encoder = Encoder::new(format).unwrap();
            let mut decoder = Decoder::new(format).unwrap();
            let mut tone = Tone::new(frequency, -10.0, rate);
            let mut heard = Vec::new();
            for _ in 0..50 {
                let frame: Vec<i16> = (0..rate / 50).map(|_| tone.next_sample()).collect();
                let mut payload = Vec::new();
                encoder.encode(&frame, &mut payload);
                decoder.decode(&payload, &mut heard).unwrap();
            }
            let settled = &heard[rate as usize / 5..];
            let share = amplitude_at(settled, frequency, rate) / amplitude(-10.0);
            let off = 20.0 * share.log10();
            // Opus keeps to what is heard, not to the wave.
            let allowed = match format {
                Format::Opus(_) => 2.0,
                _ => 0.1,
            };
            assert!(off.abs() < allowed, "{format:?}, {frequency} Hz: {off} dB");
        }
    }
}

#[test]
fn linear_samples_are_kept_to_the_bit() {
    let format = Format::L16 { rate: 16_000 };
    let sound: Vec<i16> = (-160..160).map(|n| n * 200).collect();
    let mut payload = Vec::new();
    Encoder::new(format).unwrap().encode(&sound, &mut payload);
    assert_eq!(payload[..2], (-32_000i16).to_be_bytes());
    let mut heard = Vec::new();
    Decoder::new(format)
        .unwrap()
        .decode(&payload, &mut heard)
        .unwrap();
    assert_eq!(heard, sound);
}

#[test]
fn what_is_none_of_its_format_appends_nothing() {
    for format in formats() {
        let mut decoder = Decoder::new(format).unwrap();
        let mut samples = vec![7];
        let long = vec![0; format.rate() as usize / 1000 * 121 * 2];
        assert_eq!(decoder.decode(&[], &mut samples), Err(Malformed));
        assert_eq!(decoder.decode(&long, &mut samples), Err(Malformed));
        assert_eq!(samples, [7]);
    }
}

#[test]
fn a_format_that_cannot_be_is_refused_by_name() {
    let odd = Encoder::new(Format::L16 { rate: 44_100 }).err().unwrap();
    assert_eq!(
        odd.to_string(),
        "L16 at 44100 Hz: the rate must be 8000, 16000, 24000 or 48000"
    );
    let fast = Opus {
        complexity: 11,
        ..Opus::speech(16_000)
    };
    assert!(Decoder::new(Format::Opus(fast)).is_err());
}
