//! Mixing: many voices in one total, and the total without one's own.
//!
//! A total is kept in 32 bits and is cut to 16 only on its way out, so that what is taken out of it again leaves exactly
//! the others. At the highest gain it holds over 8,000 voices of full scale.

use crate::dispatch::dispatched;

/// How much louder or softer a voice is made: 0 to just below 8 times (+18 dB).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gain(i16);

impl Gain {
    /// As it is.
    pub const UNITY: Self = Self(1 << BITS);
    /// Not at all.
    pub const NOTHING: Self = Self(0);

    /// From decibels, cut to what a gain can be; below -72 dB nothing is left. What is no number is silence.
    pub fn from_decibels(decibels: f64) -> Self {
        let factor = 10f64.powf(decibels / 20.0) * f64::from(Self::UNITY.0);
        // A float becomes the nearest number that the type holds, and 0 for NaN.
        Self(factor.round() as i16)
    }

    /// One sample with this gain, rounded.
    #[inline(always)]
    fn apply(self, sample: i16) -> i32 {
        (i32::from(sample) * i32::from(self.0) + (1 << (BITS - 1))) >> BITS
    }
}

/// Bits of a gain behind the point.
const BITS: u32 = 12;

/// Add a voice to a total. They have the same length; of a longer one the rest is left alone.
pub fn add(total: &mut [i32], samples: &[i16], gain: Gain) {
    match gain {
        Gain::UNITY => add_plain(total, samples),
        Gain::NOTHING => {}
        _ => add_scaled(total, samples, gain),
    }
}

/// What a member of the mix hears: the total without its own voice, which is in it with `gain`. Fills `out`.
pub fn without(total: &[i32], own: &[i16], gain: Gain, out: &mut [i16]) {
    match gain {
        Gain::UNITY => without_plain(total, own, out),
        Gain::NOTHING => saturate(total, out),
        _ => without_scaled(total, own, gain, out),
    }
}

dispatched! {
    /// What one hears who is not in the total: all of it, cut to 16 bits.
    pub fn saturate(total: &[i32], out: &mut [i16]) {
        for (out, &total) in out.iter_mut().zip(total) {
            *out = cut(total);
        }
    }
}

dispatched! {
    fn add_plain(total: &mut [i32], samples: &[i16]) {
        for (total, &sample) in total.iter_mut().zip(samples) {
            *total += i32::from(sample);
        }
    }
}

dispatched! {
    fn add_scaled(total: &mut [i32], samples: &[i16], gain: Gain) {
        for (total, &sample) in total.iter_mut().zip(samples) {
            *total += gain.apply(sample);
        }
    }
}

dispatched! {
    fn without_plain(total: &[i32], own: &[i16], out: &mut [i16]) {
        for ((out, &total), &own) in out.iter_mut().zip(total).zip(own) {
            *out = cut(total - i32::from(own));
        }
    }
}

dispatched! {
    fn without_scaled(total: &[i32], own: &[i16], gain: Gain, out: &mut [i16]) {
        for ((out, &total), &own) in out.iter_mut().zip(total).zip(own) {
            *out = cut(total - gain.apply(own));
        }
    }
}

#[inline(always)]
fn cut(sample: i32) -> i16 {
    sample.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::both;
    use proptest::prelude::*;

    #[test]
    fn everybody_hears_the_others_and_not_itself() {
        let voices: [[i16; 3]; 3] = [[100, -200, 32767], [1, 2, 32767], [-7, 8, -9]];
        let mut total = [0; 3];
        for voice in &voices {
            add(&mut total, voice, Gain::UNITY);
        }
        let mut out = [0; 3];
        without(&total, &voices[0], Gain::UNITY, &mut out);
        assert_eq!(out, [-6, 10, 32758]);
        saturate(&total, &mut out);
        assert_eq!(out, [94, -190, 32767], "cut, and not wrapped round");
    }

    #[test]
    fn what_went_in_with_a_gain_comes_out_with_it() {
        for decibels in [-20.0, -6.0, 6.0, 18.0] {
            let gain = Gain::from_decibels(decibels);
            let mut total = [0; 2];
            add(&mut total, &[32767, -32768], gain);
            add(&mut total, &[5, -5], Gain::UNITY);
            let mut out = [0; 2];
            without(&total, &[32767, -32768], gain, &mut out);
            assert_eq!(out, [5, -5], "{decibels} dB");
        }
    }

    #[test]
    fn a_gain_is_what_its_decibels_say() {
        assert_eq!(Gain::from_decibels(0.0), Gain::UNITY);
        assert_eq!(Gain::from_decibels(-6.0206).apply(10_000), 5_000);
        assert_eq!(Gain::from_decibels(6.0206).apply(-10_000), -20_000);
        assert_eq!(Gain::from_decibels(f64::NEG_INFINITY), Gain::NOTHING);
        assert_eq!(Gain::from_decibels(f64::NAN), Gain::NOTHING);
        assert_eq!(Gain::from_decibels(99.0), Gain(i16::MAX));
    }

    #[test]
    fn thousands_of_the_loudest_voices_fit_into_a_total() {
        let mut total = [0; 1];
        for _ in 0..8000 {
            add(&mut total, &[i16::MIN], Gain(i16::MAX));
        }
        assert_eq!(total[0], -8000 * 262_136);
    }

    proptest! {
        #[test]
        fn the_wide_build_gives_the_bits_of_the_plain_one(
            frames in prop::collection::vec((any::<i16>(), -100_000_000..100_000_000i32), 0..500),
            gain in (0..=i16::MAX).prop_map(Gain),
        ) {
            let (samples, totals): (Vec<i16>, Vec<i32>) = frames.into_iter().unzip();
            for gain in [gain, Gain::UNITY, Gain::NOTHING] {
                let (wide, plain) = both(|| {
                    let mut total = totals.clone();
                    add(&mut total, &samples, gain);
                    let mut out = vec![0; samples.len()];
                    without(&totals, &samples, gain, &mut out);
                    (total, out)
                });
                prop_assert_eq!(&wide, &plain);
                for (n, &sample) in samples.iter().enumerate() {
                    let exact = (f64::from(sample) * f64::from(gain.0) / 4096.0 + 0.5).floor() as i32;
                    prop_assert_eq!(wide.0[n], totals[n] + exact);
                    prop_assert_eq!(i32::from(wide.1[n]), (totals[n] - exact).clamp(-32768, 32767));
                }
            }
            let (wide, plain) = both(|| {
                let mut out = vec![0; totals.len()];
                saturate(&totals, &mut out);
                out
            });
            prop_assert_eq!(wide, plain);
        }
    }
}
