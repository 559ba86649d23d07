//! G.722 at 64 kbit/s (ITU-T G.722, mode 1): two bands, each an adaptive differential code of its own.
//!
//! Numbers and steps are those of the Recommendation's section 6.2, where every block has a name; it is given here
//! where its block begins. Sound comes and goes at full 16 bits: the lower and the higher band lie in 15 of them.

/// Every other one of the 24 coefficients of the quadrature mirror filters, in 13 bits; as the filter is
/// symmetrical, the others are the same ones backwards.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

pub struct Encoder {
    /// The newest 24 samples, the newest last.
    delay: [i32; 24],
    low: Band,
    high: Band,
}

impl Encoder {
    pub fn new() -> Self {
        Self {
            delay: [0; 24],
            low: Band::new(Low::FIRST_STEP),
            high: Band::new(High::FIRST_STEP),
        }
    }

    /// An octet for every two samples; a last odd one is not spoken.
    pub fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        out.extend(samples.chunks_exact(2).map(|pair| {
            self.delay.copy_within(2.., 0);
            self.delay[22] = pair[0].into();
            self.delay[23] = pair[1].into();
            let (mut even, mut odd) = (0, 0);
            for (n, weight) in QMF.iter().enumerate() {
                odd += self.delay[2 * n] * weight;
                even += self.delay[23 - 2 * n] * weight;
            }
            let low = Low::encode(&mut self.low, (even + odd) >> 14);
            let high = High::encode(&mut self.high, (even - odd) >> 14);
            high << 6 | low
        }));
    }
}

pub struct Decoder {
    /// Sums and differences of the newest 12 samples of each band, the newest last.
    delay: [i32; 24],
    low: Band,
    high: Band,
}

impl Decoder {
    pub fn new() -> Self {
        Self {
            delay: [0; 24],
            low: Band::new(Low::FIRST_STEP),
            high: Band::new(High::FIRST_STEP),
        }
    }

    /// Two samples for every octet.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        out.extend(payload.iter().flat_map(|octet| {
            let low = Low::decode(&mut self.low, octet & 0x3f);
            let high = High::decode(&mut self.high, octet >> 6);
            self.delay.copy_within(2.., 0);
            self.delay[22] = low + high;
            self.delay[23] = low - high;
            let (mut first, mut second) = (0, 0);
            for (n, weight) in QMF.iter().enumerate() {
                second += self.delay[2 * n] * weight;
                first += self.delay[23 - 2 * n] * weight;
            }
            [saturate(first >> 11) as i16, saturate(second >> 11) as i16]
        }));
    }
}

/// What both ends of one band keep, and keep alike.
struct Band {
    /// DET: the step of the quantizer.
    step: i32,
    /// NB: its logarithm.
    log_step: i32,
    /// S: what is predicted, and its part SZ from the zeros.
    predicted: i32,
    from_zeros: i32,
    /// P, A, R: the last two partial reconstructions, pole coefficients and reconstructions, the newest first.
    partial: [i32; 2],
    poles: [i32; 2],
    reconstructed: [i32; 2],
    /// B and D: zero coefficients and the differences that they weigh, the newest first.
    zeros: [i32; 6],
    differences: [i32; 6],
}

impl Band {
    fn new(step: i32) -> Self {
        Self {
            step,
            log_step: 0,
            predicted: 0,
            from_zeros: 0,
            partial: [0; 2],
            poles: [0; 2],
            reconstructed: [0; 2],
            zeros: [0; 6],
            differences: [0; 6],
        }
    }

    /// LOGSCL or LOGSCH, then SCALEL or SCALEH: the next step from what was just sent.
    fn scale(&mut self, weight: i32, highest: i32, shift: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + weight).clamp(0, highest);
        let mantissa = LOGARITHMS[(self.log_step >> 6 & 31) as usize];
        let exponent = shift - (self.log_step >> 11);
        let linear = if exponent < 0 {
            mantissa << -exponent
        } else {
            mantissa >> exponent
        };
        self.step = linear << 2;
    }

    /// Take the quantized difference in, and predict the next sample.
    fn predict(&mut self, difference: i32) {
        // RECONS and PARREC.
        let reconstructed = saturate(self.predicted + difference);
        let partial = saturate(self.from_zeros + difference);
        let same_sign = |a: i32, b: i32| (a < 0) == (b < 0);
        let with_last = same_sign(partial, self.partial[0]);
        let with_one_before = same_sign(partial, self.partial[1]);

        // UPPOL2.
        let pull = saturate(self.poles[0] << 2);
        let pull = if with_last { (-pull).min(32_767) } else { pull };
        let push = if with_one_before { 128 } else { -128 };
        let second = ((pull >> 7) + push + ((self.poles[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        // UPPOL1.
        let push = if with_last { 192 } else { -192 };
        let limit = saturate(15_360 - second);
        let first = saturate(push + ((self.poles[0] * 32_640) >> 15)).clamp(-limit, limit);

        // UPZERO.
        let push = if difference == 0 { 0 } else { 128 };
        for (zero, &before) in self.zeros.iter_mut().zip(&self.differences) {
            let toward = if same_sign(before, difference) {
                push
            } else {
                -push
            };
            *zero = saturate(toward + ((*zero * 32_640) >> 15));
        }

        // DELAYA.
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];
        self.poles = [first, second];

        // FILTEP.
        let from_poles: i32 = self
            .poles
            .iter()
            .zip(&self.reconstructed)
            .map(|(pole, value)| (pole * saturate(value * 2)) >> 15)
            .sum();
        // FILTEZ.
        let from_zeros: i32 = self
            .zeros
            .iter()
            .zip(&self.differences)
            .map(|(zero, value)| (zero * saturate(value * 2)) >> 15)
            .sum();
        self.from_zeros = saturate(from_zeros);
        // PREDIC.
        self.predicted = saturate(saturate(from_poles) + self.from_zeros);
    }
}

/// The lower band, of 6 bits a sample.
struct Low;

impl Low {
    const FIRST_STEP: i32 = 32;

    fn encode(band: &mut Band, sample: i32) -> u8 {
        // SUBTRA and QUANTL.
        let difference = saturate(sample - band.predicted);
        let magnitude = if difference < 0 {
            !difference
        } else {
            difference
        };
        let above = |&&level: &&i32| magnitude >= (level * band.step) >> 12;
        let interval = LOW_LEVELS.iter().take_while(above).count();
        // Codes go down as the magnitude goes up, and the outermost negative interval has none of its own.
        let code = match (difference < 0, interval) {
            (true, 0) => 63,
            (true, 1) => 62,
            (true, n) => 33 - n as u8,
            (false, n) => 61 - n as u8,
        };
        Self::adapt(band, code);
        code
    }

    fn decode(band: &mut Band, code: u8) -> i32 {
        // INVQBL, RECONS and LIMIT.
        let difference = (band.step * LOW_VALUES_6[usize::from(code)]) >> 15;
        let sample = (band.predicted + difference).clamp(-16_384, 16_383);
        Self::adapt(band, code);
        sample
    }

    /// Both ends adapt by the four upper bits, so that a party that lost the lower two would keep up.
    fn adapt(band: &mut Band, code: u8) {
        let upper = usize::from(code >> 2);
        // INVQAL.
        let difference = (band.step * LOW_VALUES_4[upper]) >> 15;
        band.scale(LOW_WEIGHTS[upper], 18_432, 8);
        band.predict(difference);
    }
}

/// The higher band, of 2 bits a sample.
struct High;

impl High {
    const FIRST_STEP: i32 = 8;

    fn encode(band: &mut Band, sample: i32) -> u8 {
        // SUBTRA and QUANTH.
        let difference = saturate(sample - band.predicted);
        let magnitude = if difference < 0 {
            !difference
        } else {
            difference
        };
        let outer = magnitude >= (564 * band.step) >> 12;
        let code = match (difference < 0, outer) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        Self::adapt(band, code);
        code
    }

    fn decode(band: &mut Band, code: u8) -> i32 {
        let difference = (band.step * HIGH_VALUES[usize::from(code)]) >> 15;
        let sample = (band.predicted + difference).clamp(-16_384, 16_383);
        Self::adapt(band, code);
        sample
    }

    fn adapt(band: &mut Band, code: u8) {
        let code = usize::from(code);
        // INVQAH.
        let difference = (band.step * HIGH_VALUES[code]) >> 15;
        band.scale(HIGH_WEIGHTS[code & 1], 22_528, 10);
        band.predict(difference);
    }
}

fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// Q6: where the intervals of the lower band's quantizer begin, in 4096ths of the step.
const LOW_LEVELS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023,
    1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// QQ6: the values of the 64 codes, in 32768ths of the step.
const LOW_VALUES_6: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192,
    -10_232, -9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168,
    -2776, -2400, -2032, -1688, -1360, -1040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512,
    12_280, 11_192, 10_232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168,
    2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];

/// QQ4: those of the upper four bits of a code.
const LOW_VALUES_4: [i32; 16] = [
    0, -20_456, -12_896, -8968, -6288, -4240, -2584, -1200, 20_456, 12_896, 8968, 6288, 4240, 2584,
    1200, 0,
];

/// WL for the upper four bits of a code.
const LOW_WEIGHTS: [i32; 16] = [
    -60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60,
];

/// QQ2: the values of the 4 codes of the higher band.
const HIGH_VALUES: [i32; 4] = [-7408, -1616, 7408, 1616];

/// WH for the lower bit of a code, which says whether the interval is the inner one.
const HIGH_WEIGHTS: [i32; 2] = [798, -214];

/// ILB: 2048 · 2^(n/32).
const LOGARITHMS: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
    2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise that swells and fades, so that both quantizers go through all of their steps.
    fn noise() -> Vec<i16> {
        let mut random: u32 = 1;
        (0..24_000)
            .map(|n| {
                random = random.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
                let wide = ((random >> 16 & 0x7fff) as i32 - 16_384) * 2;
                (wide >> (n / 1600 % 8)) as i16
            })
            .collect()
    }

    /// FNV-1a.
    fn digest(bytes: impl IntoIterator<Item = u8>) -> u64 {
        bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    #[test]
    fn both_ways_are_what_ffmpeg_makes_of_it_to_the_bit() {
        // The digests are those of what FFmpeg 8's encoder (without trellis) and decoder make of the same noise.
        let mut octets = Vec::new();
        Encoder::new().encode(&noise(), &mut octets);
        assert_eq!(digest(octets.iter().copied()), 0x92c9_1606_6554_715e);
        let mut samples = Vec::new();
        Decoder::new().decode(&octets, &mut samples);
        let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes());
        assert_eq!(digest(bytes), 0xd107_9931_f5b3_5c85);
    }

    #[test]
    fn sound_of_both_bands_is_well_above_its_noise() {
        let mut low = dsp::Tone::new(1004.0, -10.0, 16_000);
        let mut high = dsp::Tone::new(5500.0, -25.0, 16_000);
        let sound: Vec<i16> = (0..16_000)
            .map(|_| low.next_sample() + high.next_sample())
            .collect();
        let (mut octets, mut heard) = (Vec::new(), Vec::new());
        Encoder::new().encode(&sound, &mut octets);
        Decoder::new().decode(&octets, &mut heard);
        // The filters of both ends delay by 22 samples.
        let pairs = || sound.iter().zip(&heard[22..]).skip(1600);
        let energy = |value: f64| value * value;
        let signal: f64 = pairs().map(|(&a, _)| energy(a.into())).sum();
        let noise: f64 = pairs()
            .map(|(&a, &b)| energy(f64::from(a) - f64::from(b)))
            .sum();
        let ratio = 10.0 * (signal / noise).log10();
        assert!(ratio > 30.0, "{ratio} dB");
    }
}
