//! How much of one frequency is in some sound.

use std::f64::consts::TAU;

/// The peak amplitude, in samples, of the sine of `frequency` Hz in some sound (Goertzel's algorithm).
pub fn amplitude_at(samples: &[i16], frequency: f64, rate: u32) -> f64 {
    let omega = TAU * frequency / f64::from(rate);
    let factor = 2.0 * omega.cos();
    let (mut before, mut last) = (0.0, 0.0);
    for &sample in samples {
        (before, last) = (last, f64::from(sample) + factor * last - before);
    }
    let power = last * last + before * before - factor * last * before;
    2.0 * power.max(0.0).sqrt() / samples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tone, amplitude};

    #[test]
    fn a_tone_is_found_at_its_frequency_and_nowhere_else() {
        let mut tone = Tone::new(1000.0, -10.0, 8000);
        let samples: Vec<i16> = (0..1600).map(|_| tone.next_sample()).collect();
        assert!((amplitude_at(&samples, 1000.0, 8000) / amplitude(-10.0) - 1.0).abs() < 0.01);
        for other in [500.0, 900.0, 1100.0, 2000.0] {
            assert!(
                amplitude_at(&samples, other, 8000) < amplitude(-10.0) * 0.01,
                "{other}"
            );
        }
    }
}
