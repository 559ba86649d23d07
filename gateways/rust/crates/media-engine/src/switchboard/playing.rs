//! What may be played: the bounds of a list, its prompts by their numbers, its tones.

use std::sync::Arc;

use crate::command::{Event, Item as Wanted, Target};
use crate::playlist::{Item, ToneSpec};

use super::{Switchboard, failed, mix_failed};

/// Bounds of a list against a mistake.
const ITEMS: usize = 1000;
const TONE_PARTS: usize = 4;
const CADENCE: usize = 64;

impl Switchboard {
    /// What is to be played, with its prompts.
    pub(super) fn items(&mut self, to: Target, wanted: &[Wanted]) -> Result<Vec<Item>, Event> {
        let epoch = self.must_be_open(to)?;
        let refuse = |reason| match to {
            Target::Leg(leg) => failed(leg, epoch, reason),
            Target::Mix(mix) => mix_failed(mix, epoch, reason),
        };
        if wanted.len() > ITEMS {
            return Err(refuse("there is too much in the list"));
        }
        wanted
            .iter()
            .map(|item| match item {
                Wanted::Prompt { prompt, from_ms } => match self.prompts.get(prompt) {
                    Some(prompt) => Ok(Item::Prompt {
                        prompt: Arc::clone(prompt),
                        from_ms: *from_ms,
                    }),
                    None => Err(refuse("there is no such prompt")),
                },
                Wanted::Tone { tone, ms } => match check(tone) {
                    None => Ok(Item::Tone {
                        tone: Arc::new(tone.clone()),
                        ms: *ms,
                    }),
                    Some(reason) => Err(refuse(reason)),
                },
                Wanted::Silence { ms } => Ok(Item::Silence { ms: *ms }),
            })
            .collect()
    }

    /// Have prompts made ready in the party's own format: some of them are when they are reached.
    pub(super) fn prepare(&self, leg: u32, items: &[Item]) {
        let Some(manner) = self.manner(leg) else {
            return;
        };
        for item in items {
            if let Item::Prompt { prompt, .. } = item {
                prompt.form(manner);
            }
        }
    }
}

/// What is wrong with a tone.
fn check(tone: &ToneSpec) -> Option<&'static str> {
    // Also false for what is no number.
    let heard = |&(hz, level): &(f64, f64)| hz > 0.0 && hz < 4000.0 && level.is_finite();
    if !tone.parts.iter().all(heard) {
        return Some("a tone lies between 0 and 4000 Hz");
    }
    if tone.parts.is_empty() || tone.parts.len() > TONE_PARTS || tone.cadence.len() > CADENCE {
        return Some("a tone has one to four parts, and a rhythm of 64 steps at the most");
    }
    None
}
