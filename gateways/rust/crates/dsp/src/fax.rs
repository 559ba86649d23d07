//! The tones by which fax machines know each other (ITU-T T.30 section 4).

use crate::Tone;
use crate::pure::{Follower, Held};

/// The calling machine: 1100 Hz for half a second, then three of silence (section 4.2).
const CNG: f64 = 1100.0;
const CNG_TOLERANCE: f64 = 38.0;
/// Section 4.2 allows 15 % of half a second; a frame more on each side cannot be told.
const CNG_MS: std::ops::RangeInclusive<u32> = 400..=600;
/// The called one: 2100 Hz for 2.6 to 4 s (section 4.1).
const CED: f64 = 2100.0;
const CED_TOLERANCE: f64 = 15.0;
/// So long a tone there is certain.
const CED_CERTAIN_MS: u32 = 500;

const LEVEL: f64 = -13.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fax {
    /// A machine calls.
    Calling,
    /// A machine has answered.
    Answering,
}

impl Fax {
    /// The sound of the tone, once: with its pause for a calling machine.
    pub fn sound(self, rate: u32) -> Vec<i16> {
        let (hz, on, off) = match self {
            Self::Calling => (CNG, 500, 3000),
            Self::Answering => (CED, 3000, 75),
        };
        let samples = |ms: u32| (ms * (rate / 1000)) as usize;
        let mut tone = Tone::new(hz, LEVEL, rate);
        let mut sound: Vec<i16> = (0..samples(on)).map(|_| tone.next_sample()).collect();
        sound.resize(samples(on + off), 0);
        sound
    }
}

/// Hears fax machines, by frames of 20 ms.
#[derive(Clone, Debug)]
pub struct Detector {
    follower: Follower,
    answering: bool,
}

impl Detector {
    pub fn new(rate: u32) -> Self {
        Self {
            follower: Follower::new(rate),
            answering: false,
        }
    }

    /// Each tone is told once: a calling one when it has ended, an answering one when it is certain.
    pub fn hear(&mut self, frame: &[i16]) -> Option<Fax> {
        let Some(held) = self.follower.hear(frame) else {
            self.answering = false;
            return None;
        };
        let Held {
            frequency,
            milliseconds,
            ended,
        } = held;
        if (frequency - CED).abs() <= CED_TOLERANCE && milliseconds >= CED_CERTAIN_MS {
            return (!std::mem::replace(&mut self.answering, !ended) && !ended)
                .then_some(Fax::Answering);
        }
        let calling =
            ended && (frequency - CNG).abs() <= CNG_TOLERANCE && CNG_MS.contains(&milliseconds);
        calling.then_some(Fax::Calling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(samples: &[i16], rate: u32) -> Vec<Fax> {
        let mut detector = Detector::new(rate);
        samples
            .chunks(rate as usize / 50)
            .filter_map(|frame| detector.hear(frame))
            .collect()
    }

    #[test]
    fn both_machines_are_heard_at_both_rates_each_tone_once() {
        for rate in [8000, 16_000] {
            for fax in [Fax::Calling, Fax::Answering] {
                let mut sound = vec![0; 77];
                sound.extend(fax.sound(rate));
                sound.extend(fax.sound(rate));
                assert_eq!(heard(&sound, rate), [fax, fax]);
            }
        }
    }

    #[test]
    fn tones_of_another_height_or_length_are_no_machine() {
        let tone = |hz: f64, ms: usize| {
            let mut tone = Tone::new(hz, LEVEL, 8000);
            let mut sound: Vec<i16> = (0..8 * ms).map(|_| tone.next_sample()).collect();
            sound.resize(8 * ms + 1600, 0);
            heard(&sound, 8000)
        };
        assert_eq!(tone(1138.0 - 5.0, 500), [Fax::Calling]);
        assert_eq!(tone(1160.0, 500), []);
        assert_eq!(tone(1100.0, 200), []);
        assert_eq!(tone(1100.0, 2000), []);
        assert_eq!(tone(2060.0, 3000), []);
        assert_eq!(tone(2100.0, 300), []);
    }
}
