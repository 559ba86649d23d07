//! What goes in comes out: every format, at its own rate.

use codec::{Decoder, Encoder, Format, Malformed, Opus, duration};

const FORMATS: [Format; 6] = [
    Format::Pcmu,
    Format::Pcma,
    Format::L16 { rate: 8000 },
    Format::L16 { rate: 16_000 },
    Format::L16 { rate: 24_000 },
    Format::L16 { rate: 48_000 },
];

#[test]
fn every_packet_time_survives_encoding_and_decoding() {
    for format in FORMATS {
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
    for format in FORMATS {
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
