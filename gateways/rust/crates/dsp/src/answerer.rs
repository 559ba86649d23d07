//! Who has answered: a person or a machine; and the beep after which a machine listens.

use crate::pure::Follower;
use crate::vad::Vad;

const FRAME_MS: u32 = 20;
/// A person says a word or two and waits for an answer; a machine speaks on.
const LONGEST_GREETING_OF_A_PERSON: u32 = 2200;
/// Silence after the greeting of a person.
const WAITING: u32 = 900;
/// A person who says nothing for so long is none, or not there.
const LONGEST_SILENCE: u32 = 3500;
/// Milliseconds of sound that are a word.
const WORD: u32 = 120;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerer {
    Person,
    Machine,
    /// Nothing was said.
    Nobody,
}

/// Judges by the pattern of speech and silence after the answer, by frames of 20 ms.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    vad: Vad,
    /// Milliseconds of speech, from the first word on with its short pauses, and of the silence now.
    greeting: u32,
    spoken: u32,
    silence: u32,
    told: bool,
}

impl Detector {
    /// Told once.
    pub fn hear(&mut self, frame: &[i16]) -> Option<Answerer> {
        if self.told {
            return None;
        }
        if self.vad.hear(frame) {
            self.spoken += FRAME_MS;
            // What was silence within the greeting is a part of it.
            self.greeting += FRAME_MS + if self.greeting > 0 { self.silence } else { 0 };
            self.silence = 0;
        } else {
            self.silence += FRAME_MS;
        }
        let answerer = if self.greeting > LONGEST_GREETING_OF_A_PERSON {
            Answerer::Machine
        } else if self.spoken >= WORD && self.silence >= WAITING {
            Answerer::Person
        } else if self.spoken < WORD && self.silence >= LONGEST_SILENCE {
            Answerer::Nobody
        } else {
            return None;
        };
        self.told = true;
        Some(answerer)
    }
}

/// A beep is one tone, steady, between these heights and lengths.
const BEEP_HZ: std::ops::RangeInclusive<f64> = 350.0..=2600.0;
const BEEP_MS: std::ops::RangeInclusive<u32> = 140..=3000;

/// Hears the beep of an answering machine, by frames of 20 ms. It is told when it ends: then a message may begin.
#[derive(Clone, Debug)]
pub struct Beep {
    follower: Follower,
}

impl Beep {
    pub fn new(rate: u32) -> Self {
        Self {
            follower: Follower::new(rate),
        }
    }

    pub fn hear(&mut self, frame: &[i16]) -> bool {
        self.follower.hear(frame).is_some_and(|held| {
            held.ended && BEEP_HZ.contains(&held.frequency) && BEEP_MS.contains(&held.milliseconds)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tone;
    use netem::Random;

    /// Something like speech: noise that swells and fades with every syllable.
    fn speech(random: &mut Random, ms: usize, out: &mut Vec<i16>) {
        for n in 0..8 * ms {
            let syllable = (n as f64 / 1600.0 * std::f64::consts::PI).sin().abs();
            out.push(((random.unit() - 0.5) * 12_000.0 * syllable) as i16);
        }
    }

    fn judged(pattern: &[(bool, usize)]) -> Option<(Answerer, usize)> {
        let mut random = Random::new(1);
        let mut sound = Vec::new();
        for &(speaks, ms) in pattern {
            if speaks {
                speech(&mut random, ms, &mut sound);
            } else {
                sound.extend((0..8 * ms).map(|_| (random.unit() * 30.0) as i16));
            }
        }
        let mut detector = Detector::default();
        let verdicts: Vec<(Answerer, usize)> = sound
            .chunks(160)
            .enumerate()
            .filter_map(|(n, frame)| Some((detector.hear(frame)?, n * 20)))
            .collect();
        assert!(verdicts.len() <= 1);
        verdicts.first().copied()
    }

    #[test]
    fn a_word_and_a_pause_are_a_person() {
        for greeting in [300, 800, 1500] {
            let (who, at) = judged(&[(false, 500), (true, greeting), (false, 3000)]).unwrap();
            assert_eq!(who, Answerer::Person);
            assert!(at < 500 + greeting + 1300, "{at}");
        }
        let hesitating = [
            (false, 300),
            (true, 400),
            (false, 400),
            (true, 600),
            (false, 3000),
        ];
        assert_eq!(judged(&hesitating).unwrap().0, Answerer::Person);
    }

    #[test]
    fn a_long_greeting_is_a_machine_and_silence_is_nobody() {
        let greeting = [(false, 800), (true, 1200), (false, 300), (true, 5000)];
        let (who, at) = judged(&greeting).unwrap();
        assert_eq!(who, Answerer::Machine);
        assert!(at < 3300, "{at}");
        assert_eq!(judged(&[(false, 6000)]).unwrap().0, Answerer::Nobody);
        assert_eq!(judged(&[(false, 1000)]), None);
    }

    #[test]
    fn a_beep_is_told_once_when_it_ends() {
        for (hz, ms) in [(1000.0, 200), (440.0, 500), (1400.0, 160), (2000.0, 1000)] {
            let mut sound = Vec::new();
            speech(&mut Random::new(2), 20_000, &mut sound);
            let from = sound.len() + 123;
            sound.resize(from, 0);
            let mut tone = Tone::new(hz, -12.0, 8000);
            sound.extend((0..8 * ms).map(|_| tone.next_sample()));
            let end = sound.len();
            sound.resize(end + 8000, 0);
            let mut beep = Beep::new(8000);
            let ends: Vec<usize> = sound
                .chunks(160)
                .enumerate()
                .filter_map(|(n, frame)| beep.hear(frame).then_some(n * 160))
                .collect();
            assert_eq!(ends.len(), 1, "{hz} Hz for {ms} ms: {ends:?}");
            assert!(ends[0].abs_diff(end) <= 480, "{ends:?} for {end}");
        }
    }
}
