//! Changing the sample rate of a stream, as it goes on.

use std::f64::consts::PI;

use crate::dispatch::dispatched;

/// Zero crossings of the sinc on each side, counted at the lower rate.
const CROSSINGS: usize = 16;
/// Where sound is cut to half, as a part of the lower rate's half: telephone speech ends at 0.85 of it.
const CUTOFF: f64 = 0.97;
/// Of Kaiser's window: -65 dB beside the pass band.
const SHAPE: f64 = 6.2;
/// Weights are whole numbers of this many bits, so that a sum of the loudest samples stays within 32.
const BITS: u32 = 14;

/// A polyphase filter between two rates. It delays by 16 samples of the lower rate (2 ms at 8 kHz), and nothing else:
/// as many samples come out as time went in.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// For each phase the weights of `taps` samples in a row.
    filters: Vec<i16>,
    taps: usize,
    /// The rates' ratio in lowest terms: `up` samples out for `down` in.
    up: usize,
    down: usize,
    /// The newest samples that are still needed, and then those of this call.
    sound: Vec<i16>,
    /// The next output lies `phase` of `up` behind the window at this place of `sound`.
    at: usize,
    phase: usize,
}

impl Resampler {
    /// From one rate to another, in Hz: 8000, 16000, 24000 and 48000 are meant, and any two work whose ratio is simple.
    ///
    /// # Panics
    /// When a rate is 0.
    pub fn new(from: u32, to: u32) -> Self {
        let divisor = gcd(from, to) as usize;
        assert!(divisor > 0, "a rate is 0");
        let (up, down) = (to as usize / divisor, from as usize / divisor);
        let ratio = (up as f64 / down as f64).min(1.0);
        let half = (CROSSINGS as f64 / ratio).ceil() as usize;
        let taps = 2 * half;
        Self {
            filters: filters(up, ratio, half),
            taps,
            up,
            down,
            sound: vec![0; taps - 1],
            at: 0,
            phase: 0,
        }
    }

    /// Append what `samples` are at the new rate to `out`: `samples.len() * to / from` of them, or one more or less
    /// where that is no whole number.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        if self.up == self.down {
            out.extend_from_slice(samples);
            return;
        }
        self.sound.extend_from_slice(samples);
        let windows = (self.sound.len() + 1).saturating_sub(self.taps);
        // The last output's window begins below `windows`.
        let span = (windows * self.up).saturating_sub(self.at * self.up + self.phase);
        let count = span.div_ceil(self.down);
        let start = out.len();
        out.resize(start + count, 0);
        (self.at, self.phase) = filter(
            &self.sound,
            &self.filters,
            self.taps,
            (self.up, self.down),
            (self.at, self.phase),
            &mut out[start..],
        );
        let used = self.at.min(self.sound.len());
        self.sound.copy_within(used.., 0);
        self.sound.truncate(self.sound.len() - used);
        self.at -= used;
    }
}

dispatched! {
    /// Fill `out`; gives where the next output would lie.
    fn filter(
        sound: &[i16],
        filters: &[i16],
        taps: usize,
        ratio: (usize, usize),
        from: (usize, usize),
        out: &mut [i16],
    ) -> (usize, usize) {
        let (up, down) = ratio;
        let (mut at, mut phase) = from;
        for out in out {
            let window = &sound[at..at + taps];
            let weights = &filters[phase * taps..(phase + 1) * taps];
            // Pairs of products added up are one instruction for eight or sixteen samples.
            let sum: i32 = window
                .iter()
                .zip(weights)
                .map(|(&sample, &weight)| i32::from(sample) * i32::from(weight))
                .sum();
            let rounded = (sum + (1 << (BITS - 1))) >> BITS;
            *out = rounded.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
            phase += down;
            while phase >= up {
                phase -= up;
                at += 1;
            }
        }
        (at, phase)
    }
}

/// The weights of all phases. `ratio` is below 1 where the sound must first be cut to the new rate's half.
fn filters(phases: usize, ratio: f64, half: usize) -> Vec<i16> {
    let cutoff = CUTOFF * ratio;
    let mut filters = Vec::with_capacity(phases * half * 2);
    for phase in 0..phases {
        let offset = phase as f64 / phases as f64;
        let weights: Vec<f64> = (0..2 * half)
            .map(|tap| {
                let x = tap as f64 - (half - 1) as f64 - offset;
                sinc(cutoff * x) * kaiser(x / half as f64)
            })
            .collect();
        // The same gain in every phase, or a steady tone would be modulated: what rounding adds or takes is put into
        // the heaviest weight, where it is the smallest part.
        let whole = f64::from(1 << BITS) / weights.iter().sum::<f64>();
        let start = filters.len();
        filters.extend(weights.iter().map(|weight| (weight * whole).round() as i16));
        let phase = &mut filters[start..];
        let sum: i32 = phase.iter().map(|&weight| i32::from(weight)).sum();
        if let Some(heaviest) = phase.iter_mut().max_by_key(|weight| weight.unsigned_abs()) {
            *heaviest += ((1 << BITS) - sum) as i16;
        }
        debug_assert!(
            phase
                .iter()
                .map(|weight| u32::from(weight.unsigned_abs()))
                .sum::<u32>()
                < 1 << 16,
            "a sum of the loudest samples would not fit"
        );
    }
    filters
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 {
        1.0
    } else {
        (PI * x).sin() / (PI * x)
    }
}

/// Kaiser's window over -1 to 1.
fn kaiser(x: f64) -> f64 {
    bessel(SHAPE * (1.0 - x * x).max(0.0).sqrt()) / bessel(SHAPE)
}

/// The modified Bessel function of order 0, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..40 {
        term *= (x / 2.0 / f64::from(n)).powi(2);
        sum += term;
    }
    sum
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::both;
    use crate::{Tone, amplitude, amplitude_at, dbm0};
    use proptest::prelude::*;

    const RATES: [u32; 4] = [8000, 16_000, 24_000, 48_000];

    fn pairs() -> impl Iterator<Item = (u32, u32)> {
        RATES
            .into_iter()
            .flat_map(|from| RATES.map(|to| (from, to)))
            .filter(|(from, to)| from != to)
    }

    fn tone(frequency: f64, rate: u32) -> Vec<i16> {
        let mut tone = Tone::new(frequency, -10.0, rate);
        (0..rate).map(|_| tone.next_sample()).collect()
    }

    /// By frames of 20 ms, of which each becomes one.
    fn resampled(sound: &[i16], from: u32, to: u32) -> Vec<i16> {
        let mut resampler = Resampler::new(from, to);
        let mut out = Vec::new();
        for (n, frame) in sound.chunks_exact(from as usize / 50).enumerate() {
            resampler.process(frame, &mut out);
            assert_eq!(out.len(), (n + 1) * to as usize / 50, "{from} to {to}");
        }
        out
    }

    #[test]
    fn the_telephone_band_keeps_its_frequency_and_level_between_any_two_rates() {
        for (from, to) in pairs() {
            for frequency in [300.0, 1004.0, 3400.0] {
                let out = resampled(&tone(frequency, from), from, to);
                let settled = &out[to as usize / 10..];
                let share = amplitude_at(settled, frequency, to) / amplitude(-10.0);
                let off = 20.0 * share.log10();
                // G.712 asks for -1.8 dB at 3400 Hz at most.
                let allowed = if frequency < 3400.0 { 0.05 } else { 0.5 };
                assert!(
                    off.abs() < allowed,
                    "{from} to {to}, {frequency} Hz: {off} dB"
                );
            }
        }
    }

    #[test]
    fn nothing_else_is_heard_of_a_tone() {
        for (from, to) in pairs() {
            let out = resampled(&tone(1004.0, from), from, to);
            let settled = &out[to as usize / 10..];
            let mut left: Vec<f64> = settled.iter().map(|&sample| f64::from(sample)).collect();
            // Take the tone out, by its parts in phase and out of it.
            let wave = |n: usize| (2.0 * PI * 1004.0 * n as f64 / f64::from(to)).sin_cos();
            for _ in 0..3 {
                let (mut sine, mut cosine) = (0.0, 0.0);
                for (n, sample) in left.iter().enumerate() {
                    sine += sample * wave(n).0;
                    cosine += sample * wave(n).1;
                }
                let half = left.len() as f64 / 2.0;
                for (n, sample) in left.iter_mut().enumerate() {
                    *sample -= sine / half * wave(n).0 + cosine / half * wave(n).1;
                }
            }
            let left: Vec<i16> = left.iter().map(|&sample| sample.round() as i16).collect();
            let ratio = dbm0(settled) - dbm0(&left);
            assert!(ratio > 60.0, "{from} to {to}: {ratio} dB");
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_not_folded_back() {
        for (from, to) in pairs().filter(|(from, to)| from > to) {
            let high = f64::from(to) * 0.5 * 1.15;
            let out = resampled(&tone(high, from), from, to);
            let level = dbm0(&out[to as usize / 10..]);
            assert!(level < -70.0, "{from} to {to}: {level} dBm0");
        }
    }

    #[test]
    fn a_rate_that_stays_changes_nothing() {
        let sound = tone(1004.0, 8000);
        assert_eq!(resampled(&sound, 8000, 8000), sound);
    }

    #[test]
    fn the_loudest_sound_is_cut_and_does_not_wrap_around() {
        for (from, to) in pairs() {
            let mut resampler = Resampler::new(from, to);
            // 5 ms up, 5 ms down: the filter overshoots at each edge.
            let half = from / 200;
            let square: Vec<i16> = (0..half * 20)
                .map(|n| {
                    if n / half % 2 == 0 {
                        i16::MAX
                    } else {
                        i16::MIN
                    }
                })
                .collect();
            let mut out = Vec::new();
            resampler.process(&square, &mut out);
            assert!(out.contains(&i16::MAX) && out.contains(&i16::MIN));
            let loud = out.iter().filter(|sample| sample.unsigned_abs() > 10_000);
            let signs: Vec<bool> = loud.map(|&sample| sample > 0).collect();
            let changes = signs.windows(2).filter(|pair| pair[0] != pair[1]).count();
            // The last edge but one is the last that has come out whole.
            assert_eq!(changes, 19, "{from} to {to}");
        }
    }

    proptest! {
        #[test]
        fn pieces_of_any_length_make_the_same_sound_and_vectors_make_no_difference(
            pair in prop::sample::select(pairs().collect::<Vec<_>>()),
            sound in prop::collection::vec(any::<i16>(), 0..3000),
            cuts in prop::collection::vec(0usize..700, 0..12),
        ) {
            let (from, to) = pair;
            let at_once = || {
                let mut out = Vec::new();
                Resampler::new(from, to).process(&sound, &mut out);
                out
            };
            let (wide, plain) = both(at_once);
            prop_assert_eq!(&wide, &plain);
            let mut resampler = Resampler::new(from, to);
            let (mut out, mut rest) = (Vec::new(), sound.as_slice());
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                resampler.process(piece, &mut out);
                rest = after;
            }
            resampler.process(rest, &mut out);
            prop_assert_eq!(&out, &wide);
            let exact = sound.len() * to as usize;
            prop_assert_eq!(out.len(), exact.div_ceil(from as usize));
        }
    }
}
