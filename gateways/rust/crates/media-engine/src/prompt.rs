//! Prompts: kept as samples and, for each format that was asked for, as payloads that all legs share.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use codec::Format;
use sha2::{Digest, Sha256};

use crate::encoded::{Encoded, Key};
use crate::preparer::Wishes;
use crate::speaker::Manner;

/// Rates at which the engine works.
const RATES: [u32; 4] = [8000, 16_000, 24_000, 48_000];
/// Forms of one prompt; a party chooses among many bit rates.
const MOST_FORMS: usize = 16;

/// One prompt.
pub struct Prompt {
    samples: Vec<i16>,
    rate: u32,
    forms: Mutex<Forms>,
    /// Where forms are asked for. None: only `encode` makes any.
    wishes: Option<Arc<Wishes>>,
    hash: OnceLock<[u8; 32]>,
}

#[derive(Default)]
struct Forms {
    made: Vec<Arc<Encoded>>,
    /// For what they were asked, in vain too: none is asked for twice.
    asked: Vec<Manner>,
}

impl Prompt {
    /// From samples of any rate. The forms of G.711, which nearly every party hears, cost hardly more than the samples
    /// and are made here.
    pub fn new(samples: &[i16], rate: u32, wishes: Option<Arc<Wishes>>) -> Self {
        let near = RATES.into_iter().find(|&one| one >= rate);
        let near = near.unwrap_or(RATES[RATES.len() - 1]);
        let prompt = Self {
            samples: dsp::resample(samples, rate, near),
            rate: near,
            forms: Mutex::default(),
            wishes,
            hash: OnceLock::new(),
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

    /// The prompt as it is said in a manner. None: it is not there yet, and has been asked for now, or cannot be had.
    pub fn form(self: &Arc<Self>, manner: Manner) -> Option<Arc<Encoded>> {
        let mut forms = self.forms();
        if let Some(form) = forms.made.iter().find(|form| form.suits(manner)) {
            return Some(Arc::clone(form));
        }
        let asked = forms.asked.iter().any(|one| same_form(*one, manner));
        if let (Some(wishes), false) = (&self.wishes, asked || forms.asked.len() >= MOST_FORMS) {
            if wishes.ask(self, manner) {
                forms.asked.push(manner);
            }
        }
        None
    }

    /// Make the form for a manner, which takes a while.
    pub fn encode(&self, manner: Manner) {
        if let Some(form) = self.make(manner, || true) {
            self.add(form);
        }
    }

    /// None: we do not speak the format, or it was not to go on.
    pub fn make(&self, manner: Manner, goes_on: impl Fn() -> bool) -> Option<Encoded> {
        Encoded::make(
            &self.samples,
            self.rate,
            self.duration_ms(),
            manner,
            goes_on,
        )
    }

    pub fn add(&self, form: Encoded) {
        self.forms().made.push(Arc::new(form));
    }

    /// By what the form for a manner is known: the samples, how they are encoded and by whom.
    pub fn key(&self, manner: Manner) -> Key {
        let samples = self.hash.get_or_init(|| {
            let mut hash = Sha256::new();
            for samples in self.samples.chunks(4096) {
                let bytes: Vec<u8> = samples.iter().flat_map(|one| one.to_le_bytes()).collect();
                hash.update(&bytes);
            }
            hash.finalize().into()
        });
        let ptime = match manner.format {
            Format::Opus(_) => manner.ptime,
            _ => 0,
        };
        let how = (self.rate, manner.format.at(self.rate), ptime);
        let mut hash = Sha256::new();
        hash.update(samples);
        hash.update(format!("{how:?} by {}", codec::version()));
        hash.finalize().into()
    }

    fn forms(&self) -> MutexGuard<'_, Forms> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether one form suits both.
fn same_form(one: Manner, other: Manner) -> bool {
    let length = one.ptime == other.ptime || !matches!(one.format, Format::Opus(_));
    length && one.format == other.format
}

#[cfg(test)]
mod tests {
    use super::*;
    use dsp::g711::Law;

    fn prompt(samples: &[i16], rate: u32) -> Arc<Prompt> {
        Arc::new(Prompt::new(samples, rate, None))
    }

    #[test]
    fn a_prompt_of_any_rate_is_kept_at_a_rate_of_ours() {
        for (rate, kept) in [
            (8000, 8000),
            (11_025, 16_000),
            (44_100, 48_000),
            (96_000, 48_000),
        ] {
            let prompt = prompt(&vec![0; rate as usize], rate);
            assert_eq!((prompt.rate(), prompt.duration_ms()), (kept, 1000));
        }
    }

    #[test]
    fn packets_of_any_length_are_cut_out_and_the_last_is_filled_with_silence() {
        let prompt = prompt(&[1000; 200], 8000);
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
    fn a_form_is_found_once_it_is_made() {
        let prompt = prompt(&[1000; 800], 8000);
        let manner = Manner::new(Format::L16 { rate: 8000 }, 97, 20);
        assert!(prompt.form(manner).is_none());
        prompt.encode(manner);
        let form = prompt.form(manner).unwrap();
        assert_eq!(form.packet(0, 20).unwrap().len(), 320);
    }

    #[test]
    fn a_form_is_asked_for_once_and_no_party_can_ask_for_many() {
        let wishes = Arc::new(Wishes::default());
        let prompt = Arc::new(Prompt::new(&[0; 80], 8000, Some(Arc::clone(&wishes))));
        let opus = |bitrate| {
            let opus = codec::Opus {
                bitrate,
                ..codec::Opus::speech(16_000)
            };
            Manner::new(Format::Opus(opus), 111, 20)
        };
        for _ in 0..3 {
            assert!(prompt.form(opus(16_000)).is_none());
            assert!(prompt.form(Manner::new(Format::G722, 9, 20)).is_none());
            assert!(prompt.form(Manner::new(Format::G722, 9, 30)).is_none());
        }
        assert_eq!(wishes.waiting(), 2);
        for bitrate in 16_000..16_100 {
            assert!(prompt.form(opus(bitrate)).is_none());
        }
        assert_eq!(wishes.waiting(), MOST_FORMS);
    }

    #[test]
    fn a_key_tells_samples_formats_and_lengths_apart_and_nothing_else() {
        let sound = [1000; 800];
        let opus = Format::Opus(codec::Opus::speech(16_000));
        let of = |prompt: &Prompt, format, asked| prompt.key(Manner::new(format, 111, asked));
        let one = prompt(&sound, 8000);
        let keys = [
            of(&one, opus, 20),
            of(&one, opus, 40),
            of(&one, Format::G722, 20),
            of(&prompt(&sound, 16_000), opus, 20),
            of(&prompt(&[1001; 800], 8000), opus, 20),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{at}");
        }
        let mut other = Manner::new(Format::G722, 99, 60);
        other.payload_type = 100;
        assert_eq!(prompt(&sound, 8000).key(other), keys[2]);
    }
}
