//! No payload harms a decoder: it is sound of the length that `duration` says, or malformed.

use codec::comfort_noise::Noise;
use codec::{Decoder, Format, Malformed, Opus, duration};
use proptest::prelude::*;

fn format() -> impl Strategy<Value = Format> {
    prop::sample::select(vec![
        Format::Pcmu,
        Format::Pcma,
        Format::G722,
        Format::L16 { rate: 16_000 },
        Format::Opus(Opus::speech(8000)),
        Format::Opus(Opus::speech(48_000)),
    ])
}

proptest! {
    #[test]
    fn a_decoder_appends_what_duration_says_or_nothing(
        format in format(),
        packets in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), any::<bool>(), 1usize..3000), 1..8),
    ) {
        let mut decoder = Decoder::new(format).unwrap();
        for (payload, lost, samples) in packets {
            let mut out = vec![7];
            if lost {
                decoder.conceal(samples, Some(&payload), &mut out);
                prop_assert_eq!(out.len(), 1 + samples);
                continue;
            }
            match decoder.decode(&payload, &mut out) {
                Ok(()) => prop_assert_eq!(Some(out.len() - 1), duration(format, &payload)),
                Err(Malformed) => prop_assert_eq!(out.len(), 1),
            }
            prop_assert_eq!(out[0], 7);
        }
    }

    #[test]
    fn noise_can_be_described_in_any_way(payload in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut noise = Noise::default();
        let _ = noise.hear(&payload);
        let mut out = Vec::new();
        noise.play(160, &mut out);
        prop_assert_eq!(out.len(), 160);
    }
}
