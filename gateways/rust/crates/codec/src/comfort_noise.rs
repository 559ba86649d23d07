//! Comfort noise (RFC 3389): how loud the background is and what it sounds like, in a few octets.

use crate::Malformed;

/// Reflection coefficients that we send: enough to tell a fan from a street.
const ORDER: usize = 6;
/// As many as we use of those that are sent to us; section 3 lets the rest be taken as zero.
const MOST: usize = 12;
/// Section 3.1: levels go from 0 to -127 dBov.
const SOFTEST: f64 = 127.0;
/// The power of 0 dBov: that of a square wave at full scale.
const OVERLOAD: f64 = 32_768.0 * 32_768.0;

/// Append the payload that describes `samples` of background noise, 10 ms or more, to `out`.
pub fn describe(samples: &[i16], out: &mut Vec<u8>) {
    let correlation: [f64; ORDER + 1] = std::array::from_fn(|lag| {
        let pairs = samples.iter().zip(samples.get(lag..).unwrap_or_default());
        pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    });
    let power = correlation[0] / samples.len().max(1) as f64;
    let level = -10.0 * (power / OVERLOAD).log10();
    out.push(level.round().clamp(0.0, SOFTEST) as u8);
    // Section 3.2: "k_i(N_i) = 258*(N_i-127)", in 32768ths.
    let index = |k: f64| (k * 32_768.0 / 258.0).round().clamp(-127.0, 127.0) + 127.0;
    out.extend(reflections(correlation).map(|k| index(k) as u8));
}

/// The reflection coefficients of a prediction filter 1 + a1 z⁻¹ + ..., by the recursion of Levinson and Durbin.
fn reflections(correlation: [f64; ORDER + 1]) -> [f64; ORDER] {
    let mut reflections = [0.0; ORDER];
    let mut filter = [0.0; ORDER + 1];
    filter[0] = 1.0;
    let mut error = correlation[0];
    for order in 1..=ORDER {
        if error <= 0.0 {
            break;
        }
        let sum: f64 = (0..order).map(|n| filter[n] * correlation[order - n]).sum();
        let k = -sum / error;
        reflections[order - 1] = k;
        let before = filter;
        for n in 1..=order {
            filter[n] += k * before[order - n];
        }
        error *= 1.0 - k * k;
    }
    reflections
}

/// Plays the noise that a party describes. Until it described some there is silence.
#[derive(Clone, Debug)]
pub struct Noise {
    /// Peak of the random numbers that go into the filter.
    peak: f32,
    reflections: [f32; MOST],
    /// The lattice's backward errors.
    delay: [f32; MOST + 1],
    random: u32,
}

impl Default for Noise {
    fn default() -> Self {
        Self {
            peak: 0.0,
            reflections: [0.0; MOST],
            delay: [0.0; MOST + 1],
            random: 0x2545_f491,
        }
    }
}

impl Noise {
    /// A payload of comfort noise came: from now on it sounds so.
    pub fn hear(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let (&level, spectrum) = payload.split_first().ok_or(Malformed)?;
        // Section 3.1: the first bit is "always set to 0"; section 3.2: index 255 is none.
        if level > 127 || spectrum.contains(&255) {
            return Err(Malformed);
        }
        self.reflections = [0.0; MOST];
        for (k, &index) in self.reflections.iter_mut().zip(spectrum) {
            *k = 258.0 * (f32::from(index) - 127.0) / 32_768.0;
        }
        // The filter makes the noise louder by this.
        let shrinks: f32 = self.reflections.iter().map(|k| 1.0 - k * k).product();
        let power = OVERLOAD as f32 * 10f32.powf(-f32::from(level) / 10.0) * shrinks;
        // A uniform number's power is a third of its peak's.
        self.peak = if f64::from(level) < SOFTEST {
            (3.0 * power).sqrt()
        } else {
            0.0
        };
        Ok(())
    }

    /// Append `samples` of noise to `out`.
    pub fn play(&mut self, samples: usize, out: &mut Vec<i16>) {
        out.extend((0..samples).map(|_| {
            // Marsaglia's xorshift.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            let mut forward = self.peak * (self.random as i32 as f32 / 2_147_483_648.0);
            for order in (0..MOST).rev() {
                forward -= self.reflections[order] * self.delay[order];
                self.delay[order + 1] = self.delay[order] + self.reflections[order] * forward;
            }
            self.delay[0] = forward;
            forward.round().clamp(-32_768.0, 32_767.0) as i16
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dsp::{amplitude_at, dbm0};

    fn played(payload: &[u8]) -> Vec<i16> {
        let mut noise = Noise::default();
        noise.hear(payload).unwrap();
        let mut out = Vec::new();
        noise.play(16_000, &mut out);
        out
    }

    #[test]
    fn noise_is_as_loud_as_its_payload_says() {
        // 0 dBov is the power of a full-scale square wave: 3.01 dB above a full-scale sine, which is 3.14 dBm0.
        for level in [30u8, 45, 60] {
            for spectrum in [&[][..], &[20, 200, 127]] {
                let payload = [&[level][..], spectrum].concat();
                let loud = dbm0(&played(&payload));
                let wanted = 6.15 - f64::from(level);
                assert!(
                    (loud - wanted).abs() < 1.0,
                    "{payload:?}: {loud} for {wanted}"
                );
            }
        }
    }

    #[test]
    fn a_description_of_noise_plays_noise_of_its_level_and_colour() {
        // Dark, as of a fan, and bright, as of a hiss.
        for spectrum in [[20, 127, 127], [230, 140, 127]] {
            let original = played(&[&[40][..], &spectrum].concat());
            let mut payload = Vec::new();
            describe(&original, &mut payload);
            assert_eq!(payload.len(), 1 + ORDER);
            assert!(payload[0].abs_diff(40) <= 1, "{payload:?}");
            for (index, wanted) in payload[1..].iter().zip(spectrum) {
                assert!(index.abs_diff(wanted) <= 6, "{payload:?} for {spectrum:?}");
            }
            let again = played(&payload);
            assert!((dbm0(&again) - dbm0(&original)).abs() < 1.0);
        }
        let low = |sound: &[i16]| {
            (100..400)
                .map(|hz| amplitude_at(sound, f64::from(hz), 8000))
                .sum::<f64>()
        };
        let high = |sound: &[i16]| {
            (3400..3700)
                .map(|hz| amplitude_at(sound, f64::from(hz), 8000))
                .sum::<f64>()
        };
        let dark = played(&[40, 20]);
        let bright = played(&[40, 230]);
        assert!(low(&dark) > 5.0 * high(&dark));
        assert!(high(&bright) > 5.0 * low(&bright));
    }

    #[test]
    fn silence_is_described_and_played_as_such() {
        let mut payload = Vec::new();
        describe(&[0; 160], &mut payload);
        assert_eq!(payload, [127; 1 + ORDER]);
        assert!(played(&payload).iter().all(|&sample| sample == 0));
        let mut nothing = Vec::new();
        Noise::default().play(160, &mut nothing);
        assert_eq!(nothing, [0; 160]);
    }

    #[test]
    fn what_is_no_description_changes_nothing() {
        let mut noise = Noise::default();
        noise.hear(&[40]).unwrap();
        for payload in [&[][..], &[200], &[40, 255]] {
            assert_eq!(noise.hear(payload), Err(Malformed));
        }
        // More coefficients than we use, all at their ends: bounded, and no number but finite ones.
        noise.hear(&[[0].as_slice(), &[254; 40]].concat()).unwrap();
        let mut out = Vec::new();
        noise.play(8000, &mut out);
        assert!(noise.delay.iter().all(|error| error.is_finite()));
    }
}
