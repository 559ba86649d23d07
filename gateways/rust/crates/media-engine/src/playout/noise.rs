//! The noise of a line on which nobody speaks (RFC 3389).

/// White noise of a level.
pub struct Noise {
    peak: i32,
    random: u32,
}

impl Noise {
    /// As a comfort noise packet describes it. Section 3.1: its first octet is the level in dBov with the sign dropped.
    pub fn described(payload: &[u8]) -> Self {
        let level = payload.first().map_or(127, |octet| octet & 0x7f);
        // 0 dBov is the power of a full-scale square; values spread evenly up to a peak have a third of its square.
        let peak = 32768.0 * 10f64.powf(-f64::from(level) / 20.0) * 3f64.sqrt();
        Self {
            peak: peak.min(32767.0) as i32,
            random: 0x1234_5678,
        }
    }

    pub fn play(&mut self, samples: usize, out: &mut Vec<i16>) {
        out.extend((0..samples).map(|_| {
            // Marsaglia's xorshift.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            (((self.random >> 16) as i32 - 32768) * self.peak / 32768) as i16
        }));
    }
}
