//! Levels in dBm0.

/// What a full-scale sine measures (G.711 section 5: the load capacity of A-law).
#[allow(clippy::approx_constant)] // not pi
const FULL_SCALE: f64 = 3.14;

/// The peak amplitude, in samples, of a sine of a level in dBm0.
pub fn amplitude(dbm0: f64) -> f64 {
    32768.0 * 10f64.powf((dbm0 - FULL_SCALE) / 20.0)
}

/// The level of some sound in dBm0; silence is negative infinity.
pub fn dbm0(samples: &[i16]) -> f64 {
    let energy: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    let mean_square = energy / samples.len().max(1) as f64;
    10.0 * (2.0 * mean_square / (32768.0 * 32768.0)).log10() + FULL_SCALE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tone;

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
