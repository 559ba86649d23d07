//! Brings sound to the rate at which it is wanted.

use dsp::Resampler;

/// One stream of samples on its way from one rate to another. Where both are the same it costs a copy.
#[derive(Default)]
pub struct Converter {
    resampler: Option<(u32, u32, Resampler)>,
}

impl Converter {
    /// Append `samples`, which have the rate `from`, to `out` at the rate `to`.
    pub fn bring(&mut self, samples: &[i16], from: u32, to: u32, out: &mut Vec<i16>) {
        if from == to {
            self.resampler = None;
            out.extend_from_slice(samples);
            return;
        }
        let fits = |&(f, t, _): &(u32, u32, Resampler)| (f, t) == (from, to);
        if !self.resampler.as_ref().is_some_and(fits) {
            self.resampler = Some((from, to, Resampler::new(from, to)));
        }
        if let Some((_, _, resampler)) = &mut self.resampler {
            resampler.process(samples, out);
        }
    }
}
