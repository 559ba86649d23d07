//! A steady sine.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use crate::level::amplitude;

const BITS: u32 = 10;
/// One period, and its first sample again so that interpolation needs no wrap.
static SINE: LazyLock<Vec<f32>> = LazyLock::new(|| {
    (0..=1 << BITS)
        .map(|n| (TAU * f64::from(n) / f64::from(1 << BITS)).sin() as f32)
        .collect()
});

/// A generator whose phase goes on from packet to packet, so that no click is heard between them.
#[derive(Clone, Debug)]
pub struct Tone {
    /// A whole turn is 2^32.
    phase: u32,
    step: u32,
    peak: f32,
}

impl Tone {
    /// `frequency` in Hz, below half the `rate`; `level` in dBm0, at most that of full scale.
    pub fn new(frequency: f64, level: f64, rate: u32) -> Self {
        Self {
            phase: 0,
            step: (frequency / f64::from(rate) * 4_294_967_296.0) as u32,
            peak: amplitude(level).min(32767.0) as f32,
        }
    }

    pub fn next_sample(&mut self) -> i16 {
        let at = (self.phase >> (32 - BITS)) as usize;
        let between = (self.phase << BITS) as f32 / 4_294_967_296.0;
        let (left, right) = (SINE[at], SINE[at + 1]);
        self.phase = self.phase.wrapping_add(self.step);
        ((left + (right - left) * between) * self.peak).round() as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_the_sine_it_claims_to_be() {
        let mut tone = Tone::new(1004.0, -10.0, 8000);
        let peak = amplitude(-10.0);
        for n in 0..80_000 {
            let exact = peak * (TAU * 1004.0 * f64::from(n) / 8000.0).sin();
            let sample = f64::from(tone.next_sample());
            assert!(
                (sample - exact).abs() < 2.0,
                "sample {n}: {sample} for {exact}"
            );
        }
    }
}
