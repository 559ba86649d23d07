//! Prompts: kept as samples and, for each format that was asked for, as payloads that all legs share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codec::{Encoder, Format};

use crate::speaker::Manner;

/// Rates at which the engine works.
const RATES: [u32; 4] = [8000, 16_000, 24_000, 48_000];
/// Packets are cut out of the payload of the longest; behind the end there is as much silence.
const LONGEST_MS: u32 = 60;
/// Other forms of one prompt than the two of G.711.
const MOST_FORMS: usize = 16;

/// One prompt.
pub struct Prompt {
    samples: Vec<i16>,
    rate: u32,
    forms: Mutex<Vec<Arc<Encoded>>>,
}

/// A prompt as the payloads of one format.
pub struct Encoded {
    format: Format,
    duration_ms: u32,
    payloads: Payloads,
}

enum Payloads {
    /// So many bytes a millisecond: a packet of any length can be cut out.
    Even { bytes: Vec<u8>, per_ms: usize },
    /// Packets of one length, which end at these bytes.
    Packets {
        bytes: Vec<u8>,
        ends: Vec<usize>,
        ptime: u32,
    },
}

impl Prompt {
    /// From samples of any rate.
    pub fn new(samples: &[i16], rate: u32) -> Self {
        let near = RATES.into_iter().find(|&one| one >= rate);
        let near = near.unwrap_or(RATES[RATES.len() - 1]);
        let prompt = Self {
            samples: dsp::resample(samples, rate, near),
            rate: near,
            forms: Mutex::default(),
        };
        for format in [Format::Pcma, Format::Pcmu] {
            prompt.encode(Manner::new(format, 0, 20));
        }
        prompt
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    pub fn duration_ms(&self) -> u32 {
        (self.samples.len() as u64 * 1000).div_ceil(u64::from(self.rate)) as u32
    }

    /// Ten milliseconds from a time on; behind the end fewer, or none.
    pub fn ten_ms(&self, from_ms: u32) -> &[i16] {
        let length = (self.rate / 100) as usize;
        let start = (from_ms as usize * length / 10).min(self.samples.len());
        &self.samples[start..self.samples.len().min(start + length)]
    }

    /// The prompt as it is said in a manner; None: it was never encoded for that.
    pub fn form(&self, manner: Manner) -> Option<Arc<Encoded>> {
        self.forms().iter().find(|form| form.suits(manner)).cloned()
    }

    /// Make the form for a manner, which takes a while.
    pub fn encode(&self, manner: Manner) {
        if self.form(manner).is_some() {
            return;
        }
        let Some(form) = Encoded::new(self, manner) else {
            return;
        };
        let mut forms = self.forms();
        if forms.len() < MOST_FORMS {
            forms.push(Arc::new(form));
        }
    }

    fn forms(&self) -> MutexGuard<'_, Vec<Arc<Encoded>>> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Encoded {
    /// None: we do not speak the format.
    fn new(prompt: &Prompt, manner: Manner) -> Option<Self> {
        // A format that can be had at several rates is made of the samples as they are.
        let format = manner.format.at(prompt.rate);
        let mut encoder = Encoder::new(format).ok()?;
        let mut samples = dsp::resample(&prompt.samples, prompt.rate, format.rate());
        let per_ms = format.rate() as usize / 1000;
        let duration_ms = prompt.duration_ms();
        samples.resize((duration_ms + LONGEST_MS) as usize * per_ms, 0);
        let mut bytes = Vec::new();
        let payloads = if let Format::Opus(_) = format {
            let mut ends = Vec::new();
            for packet in samples.chunks_exact(manner.ptime as usize * per_ms) {
                encoder.encode(packet, &mut bytes);
                ends.push(bytes.len());
            }
            Payloads::Packets {
                bytes,
                ends,
                ptime: manner.ptime,
            }
        } else {
            for ten_ms in samples.chunks_exact(10 * per_ms) {
                encoder.encode(ten_ms, &mut bytes);
            }
            let per_ms = bytes.len() / (samples.len() / (10 * per_ms)).max(1) / 10;
            Payloads::Even { bytes, per_ms }
        };
        Some(Self {
            format: manner.format,
            duration_ms,
            payloads,
        })
    }

    fn suits(&self, manner: Manner) -> bool {
        let length = match &self.payloads {
            Payloads::Even { .. } => true,
            Payloads::Packets { ptime, .. } => *ptime == manner.ptime,
        };
        length && self.format == manner.format
    }

    /// The payload of a packet that begins at a time; None: the prompt is over there.
    pub fn packet(&self, from_ms: u32, ptime: u32) -> Option<&[u8]> {
        if from_ms >= self.duration_ms {
            return None;
        }
        match &self.payloads {
            Payloads::Even { bytes, per_ms } => {
                let start = from_ms as usize * per_ms;
                bytes.get(start..start + ptime as usize * per_ms)
            }
            Payloads::Packets { bytes, ends, ptime } => {
                let index = (from_ms / ptime) as usize;
                let start = index.checked_sub(1).map_or(0, |before| ends[before]);
                bytes.get(start..*ends.get(index)?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dsp::g711::Law;

    #[test]
    fn a_prompt_of_any_rate_is_kept_at_a_rate_of_ours() {
        for (rate, kept) in [
            (8000, 8000),
            (11_025, 16_000),
            (44_100, 48_000),
            (96_000, 48_000),
        ] {
            let prompt = Prompt::new(&vec![0; rate as usize], rate);
            assert_eq!((prompt.rate(), prompt.duration_ms()), (kept, 1000));
        }
    }

    #[test]
    fn packets_of_any_length_are_cut_out_and_the_last_is_filled_with_silence() {
        let prompt = Prompt::new(&[1000; 200], 8000);
        let form = prompt.form(Manner::new(Format::Pcma, 8, 60)).unwrap();
        let packet = form.packet(0, 60).unwrap();
        assert_eq!(packet.len(), 480);
        assert_eq!(
            packet[199..201],
            [Law::A.encode(1000), Law::A.encode(0)],
            "25 ms of sound"
        );
        assert_eq!(form.packet(20, 20).unwrap().len(), 160);
        assert_eq!(form.packet(25, 20), None);
    }

    #[test]
    fn a_form_is_made_once() {
        let prompt = Prompt::new(&[1000; 800], 8000);
        let manner = Manner::new(Format::L16 { rate: 8000 }, 97, 20);
        assert!(prompt.form(manner).is_none());
        prompt.encode(manner);
        let form = prompt.form(manner).unwrap();
        prompt.encode(manner);
        assert!(Arc::ptr_eq(&form, &prompt.form(manner).unwrap()));
        assert_eq!(form.packet(0, 20).unwrap().len(), 320);
    }
}
