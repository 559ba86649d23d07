//! G.711: A-law and µ-law (ITU-T G.711, tables 1 and 2).

use crate::dispatch::dispatched;

/// Which of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// PCMU, payload type 0.
    Mu,
    /// PCMA, payload type 8.
    A,
}

impl Law {
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_mu(sample),
            Self::A => encode_a(sample),
        }
    }

    pub fn decode(self, code: u8) -> i16 {
        match self {
            Self::Mu => MU[usize::from(code)],
            Self::A => A[usize::from(code)],
        }
    }

    pub fn encode_all(self, samples: &[i16]) -> Vec<u8> {
        let mut codes = vec![0; samples.len()];
        self.encode_into(samples, &mut codes);
        codes
    }

    pub fn decode_all(self, codes: &[u8]) -> Vec<i16> {
        let mut samples = vec![0; codes.len()];
        self.decode_into(codes, &mut samples);
        samples
    }

    /// Encode as many samples as both slices hold.
    pub fn encode_into(self, samples: &[i16], codes: &mut [u8]) {
        match self {
            Self::Mu => encode_all_mu(samples, codes),
            Self::A => encode_all_a(samples, codes),
        }
    }

    /// Decode as many codes as both slices hold.
    pub fn decode_into(self, codes: &[u8], samples: &mut [i16]) {
        // A look in a table costs 0.2 ns; computing it with vectors is no faster.
        let table = match self {
            Self::Mu => &MU,
            Self::A => &A,
        };
        for (sample, &code) in samples.iter_mut().zip(codes) {
            *sample = table[usize::from(code)];
        }
    }
}

dispatched! {
    fn encode_all_mu(samples: &[i16], codes: &mut [u8]) {
        for (code, &sample) in codes.iter_mut().zip(samples) {
            let magnitude = i32::from(sample.unsigned_abs().min(MU_CLIP) + MU_BIAS);
            let sign = !(sample >> 15) as u8 & 0x80;
            *code = sign | !segment_and_step(magnitude) as u8 & 0x7f;
        }
    }
}

dispatched! {
    fn encode_all_a(samples: &[i16], codes: &mut [u8]) {
        for (code, &sample) in codes.iter_mut().zip(samples) {
            let negative = sample >> 15;
            let magnitude = i32::from(sample ^ negative);
            // The lowest segment is as fine as the next one.
            let upper = segment_and_step(magnitude);
            let place = if magnitude < 0x100 { magnitude >> 4 } else { upper };
            *code = (!negative as u8 & 0x80 | place as u8) ^ 0x55;
        }
    }
}

/// The segment (from 2^7 on, doubling) and the sixteenth of it that a magnitude lies in, as a code has them. A float has
/// just this form: its exponent is the segment, the first four bits behind it the step.
#[inline(always)]
fn segment_and_step(magnitude: i32) -> i32 {
    const LOWEST: i32 = (127 + 7) << 4;
    ((magnitude as f32).to_bits() >> (23 - 4)) as i32 - LOWEST
}

static MU: [i16; 256] = table(Law::Mu);
static A: [i16; 256] = table(Law::A);

/// µ-law works on 14 bits, of which 16-bit samples have two more; 33 (here 132) makes every segment start at a
/// power of two.
const MU_BIAS: u16 = 33 << 2;
const MU_CLIP: u16 = 8158 << 2;

fn encode_mu(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs().min(MU_CLIP) + MU_BIAS;
    let segment = 8 - magnitude.leading_zeros() as u16;
    let step = magnitude >> (segment + 3) & 0x0f;
    let sign = if sample < 0 { 0 } else { 0x80 };
    // All bits but the sign travel inverted (G.711 section 3.2, note 2 to table 2).
    sign | !(segment << 4 | step) as u8 & 0x7f
}

fn encode_a(sample: i16) -> u8 {
    // A-law works on 13 bits and has no zero: -1 is to the negative side what 0 is to the positive.
    let (sign, magnitude) = if sample < 0 {
        (0, !sample as u16)
    } else {
        (0x80, sample as u16)
    };
    let segment = (8u16).saturating_sub(magnitude.leading_zeros() as u16);
    let step = magnitude >> (segment.max(1) + 3) & 0x0f;
    // Even bits travel inverted (G.711 section 3.2, note 2 to table 1).
    (sign | (segment << 4 | step) as u8) ^ 0x55
}

const fn table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = match law {
            Law::Mu => decode_mu(code as u8),
            Law::A => decode_a(code as u8),
        };
        code += 1;
    }
    table
}

const fn decode_mu(code: u8) -> i16 {
    let segment = !code >> 4 & 7;
    let step = (!code & 0x0f) as i16;
    let magnitude = (((step << 3) + MU_BIAS as i16) << segment) - MU_BIAS as i16;
    if code & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }
}

const fn decode_a(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = code >> 4 & 7;
    let step = ((code & 0x0f) as i16) << 4 | 8;
    let magnitude = match segment {
        0 => step,
        _ => (step | 0x100) << (segment - 1),
    };
    if code & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::both;

    /// The positive decision values of the Recommendation, built from its first two columns ("segment number" and
    /// "number of intervals × interval size"), in 16-bit units.
    fn decision_values(segments: &[(usize, u32)], unit: u32) -> Vec<u32> {
        let mut values = vec![0];
        let mut edge = 0;
        for &(intervals, size) in segments {
            for _ in 0..intervals {
                edge += size * unit;
                values.push(edge);
            }
        }
        values
    }

    /// Table 2a: the first interval is 1 wide, then 15 of 2, then 16 of 4, 8 ... 256 in 14 bits.
    fn mu_edges() -> Vec<u32> {
        let segments = [
            (1, 1),
            (15, 2),
            (16, 4),
            (16, 8),
            (16, 16),
            (16, 32),
            (16, 64),
            (16, 128),
            (16, 256),
        ];
        decision_values(&segments, 4)
    }

    /// Table 1a: 32 intervals of 2 (two segments), then 16 of 4, 8 ... 128 in 13 bits.
    fn a_edges() -> Vec<u32> {
        decision_values(
            &[
                (32, 2),
                (16, 4),
                (16, 8),
                (16, 16),
                (16, 32),
                (16, 64),
                (16, 128),
            ],
            8,
        )
    }

    #[test]
    fn the_tables_end_where_the_recommendation_says() {
        assert_eq!(mu_edges().last(), Some(&(8159 * 4)));
        assert_eq!(a_edges().last(), Some(&(4096 * 8)));
        assert_eq!((mu_edges().len(), a_edges().len()), (129, 129));
    }

    #[test]
    fn mu_law_decodes_to_the_quantized_values_of_table_2() {
        let edges = mu_edges();
        for n in 0..128usize {
            // y0 is 0, the others lie in the middle of their interval.
            let value = if n == 0 {
                0
            } else {
                (edges[n] + edges[n + 1]) / 2
            } as i16;
            let code = !(n as u8);
            assert_eq!(Law::Mu.decode(code), value, "interval {n}");
            assert_eq!(Law::Mu.decode(code & 0x7f), -value, "interval -{n}");
        }
        assert_eq!(Law::Mu.decode(0x80), 8031 * 4);
    }

    #[test]
    fn a_law_decodes_to_the_quantized_values_of_table_1() {
        let edges = a_edges();
        for n in 0..128usize {
            let value = ((edges[n] + edges[n + 1]) / 2) as i16;
            let code = (n as u8 | 0x80) ^ 0x55;
            assert_eq!(Law::A.decode(code), value, "interval {n}");
            assert_eq!(Law::A.decode(code ^ 0x80), -value, "interval -{n}");
        }
        assert_eq!(Law::A.decode(0xaa), 4032 * 8);
    }

    #[test]
    fn every_sample_is_encoded_into_the_interval_it_lies_in() {
        let (mu, a) = (mu_edges(), a_edges());
        for sample in 0..=i16::MAX {
            let magnitude = sample as u32;
            let n = mu.partition_point(|&edge| edge <= magnitude).min(128) - 1;
            assert_eq!(Law::Mu.encode(sample), !(n as u8), "{sample}");
            if sample > 0 {
                assert_eq!(Law::Mu.encode(-sample), !(n as u8) & 0x7f, "-{sample}");
            }
            let n = a.partition_point(|&edge| edge <= magnitude).min(128) - 1;
            assert_eq!(Law::A.encode(sample), (n as u8 | 0x80) ^ 0x55, "{sample}");
            assert_eq!(Law::A.encode(!sample), n as u8 ^ 0x55, "{}", !sample);
        }
        assert_eq!(Law::Mu.encode(i16::MIN), 0);
    }

    #[test]
    fn a_whole_frame_is_coded_as_its_samples_are_in_both_builds() {
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let codes: Vec<u8> = (0..=255).collect();
        for law in [Law::Mu, Law::A] {
            let one_by_one: Vec<u8> = samples.iter().map(|&sample| law.encode(sample)).collect();
            let (wide, plain) = both(|| law.encode_all(&samples));
            assert!(wide == one_by_one && plain == one_by_one, "{law:?}");
            let one_by_one: Vec<i16> = codes.iter().map(|&code| law.decode(code)).collect();
            assert_eq!(law.decode_all(&codes), one_by_one);
            for length in 0..70 {
                let (wide, plain) = both(|| law.encode_all(&samples[..length]));
                assert_eq!((wide.len(), &wide), (length, &plain));
            }
        }
    }

    #[test]
    fn a_code_survives_decoding_and_encoding() {
        for code in 0..=255u8 {
            assert_eq!(Law::A.encode(Law::A.decode(code)), code);
            // Both zeros of µ-law decode to 0, which is the positive one.
            if code != 0x7f {
                assert_eq!(Law::Mu.encode(Law::Mu.decode(code)), code);
            }
        }
    }
}
