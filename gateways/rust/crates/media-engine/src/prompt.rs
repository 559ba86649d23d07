//! Prompts: encoded once for each codec, shared by all legs that play them.

use dsp::g711::Law;
use dsp::resample;

/// One prompt at 8 kHz, in both laws.
pub struct Prompt {
    mu: Vec<u8>,
    a: Vec<u8>,
}

impl Prompt {
    pub fn new(samples: &[i16], rate: u32) -> Self {
        let samples = resample(samples, rate, 8000);
        Self {
            mu: Law::Mu.encode_all(&samples),
            a: Law::A.encode_all(&samples),
        }
    }

    pub fn codes(&self, law: Law) -> &[u8] {
        match law {
            Law::Mu => &self.mu,
            Law::A => &self.a,
        }
    }
}
