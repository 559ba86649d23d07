//! Sound that is one sine, and how high it is.

use std::f64::consts::TAU;

/// Weaker sound is not looked at, dBm0 as a mean of squares: -40.
const WEAKEST: f64 = 229.0 * 229.0;
/// The share of power that the sine may leave unexplained: noise 17 dB below it.
const REST: f64 = 0.1;

/// The frequency in Hz of a piece of sound that is a single sine; None when it is anything else.
///
/// Each sample of a sine is a multiple of the one before, the same throughout, less the one before that; how well the
/// best multiple explains the samples tells how pure it is, and the multiple tells its frequency.
pub fn frequency(samples: &[i16], rate: u32) -> Option<f64> {
    // Noise makes low tones look higher, the more the denser the samples: more than 8000 a second are brought down to
    // that by means.
    let group = (rate / 8000).max(1) as usize;
    let rate = f64::from(rate) / group as f64;
    let mut means = samples
        .chunks_exact(group)
        .map(|few| few.iter().map(|&s| f64::from(s)).sum::<f64>() / group as f64);
    let (mut before, mut middle) = (means.next()?, means.next()?);
    let (mut cross, mut square, mut sums, mut power) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
    for after in means {
        let outer = before + after;
        cross += outer * middle;
        square += middle * middle;
        sums += outer * outer;
        power += after * after;
        (before, middle) = (middle, after);
    }
    let count = (samples.len() / group).saturating_sub(2).max(1) as f64;
    if power / count < WEAKEST || square == 0.0 {
        return None;
    }
    let multiple = cross / square;
    let rest = sums - multiple * cross;
    if multiple.abs() >= 2.0 || rest > REST * power {
        return None;
    }
    Some((multiple / 2.0).acos() / TAU * rate)
}

/// What a tone was like that has ended, or goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// Mean of its frames, Hz.
    pub frequency: f64,
    pub milliseconds: u32,
    pub ended: bool,
}

/// Follows single tones through frames of 20 ms.
#[derive(Clone, Debug)]
pub struct Follower {
    rate: u32,
    /// Sum of the frequencies, and how many.
    sum: f64,
    frames: u32,
}

/// A tone whose frames differ by more than this share is no single tone.
const STEADY: f64 = 0.025;

impl Follower {
    pub fn new(rate: u32) -> Self {
        Self {
            rate,
            sum: 0.0,
            frames: 0,
        }
    }

    /// The tone that this frame is of, or that ended with the frame before.
    pub fn hear(&mut self, frame: &[i16]) -> Option<Held> {
        let before = self.held(true);
        match frequency(frame, self.rate) {
            Some(hz) if before.is_none_or(|held| (hz / held.frequency - 1.0).abs() < STEADY) => {
                self.sum += hz;
                self.frames += 1;
                self.held(false)
            }
            other => {
                self.sum = other.unwrap_or(0.0);
                self.frames = u32::from(other.is_some());
                before
            }
        }
    }

    fn held(&self, ended: bool) -> Option<Held> {
        (self.frames > 0).then(|| Held {
            frequency: self.sum / f64::from(self.frames),
            milliseconds: self.frames * 20,
            ended,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tone, amplitude, g711::Law};
    use netem::Random;

    #[test]
    fn a_sine_has_a_frequency_through_g711_and_noise() {
        let mut random = Random::new(5);
        let peak = amplitude(-40.0) * 1.5f64.sqrt();
        for rate in [8000, 16_000] {
            for hz in [400.0, 1004.0, 1100.0, 2100.0, 3000.0] {
                let mut tone = Tone::new(hz, -10.0, rate);
                let samples: Vec<i16> = (0..rate / 50)
                    .map(|_| tone.next_sample() + ((2.0 * random.unit() - 1.0) * peak) as i16)
                    .collect();
                let samples = Law::A.decode_all(&Law::A.encode_all(&samples));
                let measured = frequency(&samples, rate).unwrap_or_default();
                assert!(
                    (measured / hz - 1.0).abs() < 0.02,
                    "{measured} for {hz} at {rate}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_single_sine_has_none() {
        let mut random = Random::new(5);
        let noise: Vec<i16> = (0..160).map(|_| random.next_u64() as i16 / 4).collect();
        assert_eq!(frequency(&noise, 8000), None);
        assert_eq!(frequency(&[0; 160], 8000), None);
        assert_eq!(frequency(&[5], 8000), None);
        let (mut low, mut high) = (
            Tone::new(697.0, -10.0, 8000),
            Tone::new(1336.0, -10.0, 8000),
        );
        let pair: Vec<i16> = (0..160)
            .map(|_| low.next_sample() + high.next_sample())
            .collect();
        assert_eq!(frequency(&pair, 8000), None);
    }
}
