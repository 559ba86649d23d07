//! Changing the sample rate of a prompt, once, when it is loaded.

use std::f64::consts::PI;

/// Zero crossings of the sinc on each side: enough for speech at -70 dB.
const CROSSINGS: f64 = 16.0;

/// Bring sound from one rate to another by a polyphase windowed sinc. The result has the same duration.
///
/// Returns nothing when a rate is 0.
pub fn resample(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == 0 || to == 0 {
        return Vec::new();
    }
    if from == to {
        return samples.to_vec();
    }
    let divisor = gcd(from, to);
    let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
    let filters = filters(up, (f64::from(to) / f64::from(from)).min(1.0));
    let taps = filters[0].len();
    let length = samples.len() * up / down;
    (0..length)
        .map(|n| {
            // Output n lies `phase / up` samples behind input `at`.
            let (at, phase) = (n * down / up, n * down % up);
            let first = at as isize - (taps / 2 - 1) as isize;
            let sum: f32 = filters[phase]
                .iter()
                .enumerate()
                .map(|(tap, weight)| {
                    let index = first + tap as isize;
                    let sample = usize::try_from(index)
                        .ok()
                        .and_then(|index| samples.get(index));
                    weight * f32::from(sample.copied().unwrap_or(0))
                })
                .sum();
            sum.round().clamp(-32768.0, 32767.0) as i16
        })
        .collect()
}

/// For each phase, the weights of the input samples around it. `ratio` is below 1 where the sound must be cut to
/// the new rate's half first.
fn filters(phases: usize, ratio: f64) -> Vec<Vec<f32>> {
    // A little below the half, so that the slope of the filter ends there.
    let cutoff = 0.94 * ratio;
    let half = (CROSSINGS / ratio).ceil();
    let taps = 2 * half as usize;
    (0..phases)
        .map(|phase| {
            let offset = phase as f64 / phases as f64;
            let weights: Vec<f64> = (0..taps)
                .map(|tap| {
                    let x = tap as f64 - (half - 1.0) - offset;
                    cutoff * sinc(cutoff * x) * blackman(x / half)
                })
                .collect();
            // The same gain in every phase, or a steady tone would be modulated.
            let gain: f64 = weights.iter().sum();
            weights
                .iter()
                .map(|weight| (weight / gain) as f32)
                .collect()
        })
        .collect()
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 {
        1.0
    } else {
        (PI * x).sin() / (PI * x)
    }
}

/// The Blackman window over -1 to 1.
fn blackman(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        0.0
    } else {
        0.42 + 0.5 * (PI * x).cos() + 0.08 * (2.0 * PI * x).cos()
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tone, amplitude, amplitude_at};

    fn tone(frequency: f64, rate: u32) -> Vec<i16> {
        let mut tone = Tone::new(frequency, -10.0, rate);
        (0..rate).map(|_| tone.next_sample()).collect()
    }

    #[test]
    fn a_tone_keeps_its_frequency_level_and_length() {
        for rate in [16_000, 44_100, 48_000, 11_025, 24_000, 8_000] {
            let out = resample(&tone(1004.0, rate), rate, 8000);
            assert_eq!(out.len(), 8000, "from {rate}");
            let share = amplitude_at(&out[400..7600], 1004.0, 8000) / amplitude(-10.0);
            assert!((share - 1.0).abs() < 0.02, "from {rate}: {share}");
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_not_folded_back() {
        // 5 kHz would appear at 3 kHz.
        let out = resample(&tone(5000.0, 48_000), 48_000, 8000);
        assert!(amplitude_at(&out[400..7600], 3000.0, 8000) < amplitude(-10.0) * 0.001);
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(resample(&[], 16_000, 8000), []);
        assert_eq!(resample(&[1, 2, 3], 0, 8000), []);
    }
}
