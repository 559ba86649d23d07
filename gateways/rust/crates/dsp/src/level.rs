//! How loud sound is: dBm0 for what people measure, -dBov for what is compared frame by frame.

use crate::dispatch::dispatched;

/// What a full-scale sine measures (G.711 section 5: the load capacity of A-law).
#[allow(clippy::approx_constant)] // not pi
const FULL_SCALE: f64 = 3.14;

/// The peak amplitude, in samples, of a sine of a level in dBm0.
pub fn amplitude(dbm0: f64) -> f64 {
    32768.0 * 10f64.powf((dbm0 - FULL_SCALE) / 20.0)
}

/// The level of some sound in dBm0; silence is negative infinity.
pub fn dbm0(samples: &[i16]) -> f64 {
    // Exact: below 2^53 for months of the loudest sound.
    let mean_square = energy(samples) as f64 / samples.len().max(1) as f64;
    10.0 * (2.0 * mean_square / (32768.0 * 32768.0)).log10() + FULL_SCALE
}

dispatched! {
    /// The sum of the squares of some samples, exact.
    pub fn energy(samples: &[i16]) -> u64 {
        samples
            .iter()
            .map(|&sample| u64::from((i32::from(sample) * i32::from(sample)) as u32))
            .sum()
    }
}

/// The softest level there is: silence.
pub const SILENCE: u8 = 127;

/// How far below the overload point some sound is, in whole dB: 0 is as loud as can be, 127 is silence. The measure of
/// the audio level that RTP packets can carry (RFC 6464 section 3: -dBov, where 0 is a square wave of full scale).
pub fn level(energy: u64, samples: usize) -> u8 {
    if energy == 0 || samples == 0 {
        return SILENCE;
    }
    let share = energy as f32 / (samples as f32 * (32768.0 * 32768.0));
    // At most one, but for the rounding; a float becomes the nearest number that the type holds.
    ((-10.0 * share.log10()).round() as u8).min(SILENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tone;
    use crate::dispatch::tests::both;
    use proptest::prelude::*;

    #[test]
    fn a_level_is_told_below_overload() {
        let of = |samples: &[i16]| level(energy(samples), samples.len());
        assert_eq!(of(&[i16::MIN; 160]), 0);
        assert_eq!(of(&[3277, -3277]), 20);
        assert_eq!(of(&[1; 160]), 90);
        assert_eq!((of(&[0; 160]), of(&[])), (SILENCE, SILENCE));
        // One least bit in a whole second is softer than anything else.
        let mut nearly = [0; 48_000];
        nearly[7] = 1;
        assert_eq!(of(&nearly), SILENCE);
        // A sine of full scale is 3 dB below the square.
        let mut tone = Tone::new(1000.0, FULL_SCALE, 8000);
        let samples: Vec<i16> = (0..160).map(|_| tone.next_sample()).collect();
        assert_eq!(of(&samples), 3);
    }

    proptest! {
        #[test]
        fn energy_is_the_exact_sum_of_squares_in_both_builds(
            samples in prop::collection::vec(prop_oneof![any::<i16>(), Just(i16::MIN)], 0..2000),
        ) {
            let exact: i64 = samples.iter().map(|&s| i64::from(s) * i64::from(s)).sum();
            prop_assert_eq!(both(|| energy(&samples)), (exact as u64, exact as u64));
        }
    }

    #[test]
    fn a_tone_measures_the_level_it_was_made_with() {
        for level in [-40.0, -16.0, -3.0, 0.0] {
            let mut tone = Tone::new(1004.0, level, 8000);
            let samples: Vec<i16> = (0..8000).map(|_| tone.next_sample()).collect();
            assert!(
                (dbm0(&samples) - level).abs() < 0.05,
                "{level}: {}",
                dbm0(&samples)
            );
        }
    }

    #[test]
    fn silence_has_no_level() {
        assert_eq!(dbm0(&[0; 160]), f64::NEG_INFINITY);
        assert_eq!(dbm0(&[]), f64::NEG_INFINITY);
    }
}
