//! When somebody begins to speak, and has paused.

use crate::vad::Vad;

const FRAME_MS: u32 = 20;
/// Milliseconds of loud sound without a pause between that are a word; less is a click.
const WORD: u32 = 80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Somebody has begun to speak, `WORD` milliseconds ago at least.
    Speaks,
    /// Nothing has been said for the time asked for: since the last word, or the beginning.
    Pauses,
}

/// Tells the turns of speech and silence by frames of 20 ms of any rate, each once: the first is either.
#[derive(Clone, Debug)]
pub struct Detector {
    vad: Vad,
    /// Milliseconds of silence that are a pause.
    pause: u32,
    /// Milliseconds since the last word, and of loud sound since the last silence.
    silence: u32,
    loud: u32,
    last: Option<Turn>,
}

impl Detector {
    pub fn new(pause: u32) -> Self {
        Self {
            vad: Vad::default(),
            pause,
            silence: 0,
            loud: 0,
            last: None,
        }
    }

    pub fn hear(&mut self, frame: &[i16]) -> Option<Turn> {
        let goes_on = self.vad.hear(frame);
        let is_loud = self.vad.is_loud();
        self.loud = match (goes_on, is_loud) {
            (false, _) => 0,
            (true, false) => self.loud,
            (true, true) => self.loud.saturating_add(FRAME_MS),
        };
        let is_word = is_loud && self.loud >= WORD;
        self.silence = if is_word {
            0
        } else {
            self.silence.saturating_add(FRAME_MS)
        };
        let turn = if is_word {
            Turn::Speaks
        } else if self.silence >= self.pause {
            Turn::Pauses
        } else {
            return None;
        };
        (self.last.replace(turn) != Some(turn)).then_some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude;
    use netem::Random;

    /// What is told of levels (dBm0) and how long they last (ms), and when.
    fn told(pause: u32, pattern: &[(f64, usize)]) -> Vec<(Turn, usize)> {
        let (mut detector, mut random) = (Detector::new(pause), Random::new(5));
        let levels = pattern
            .iter()
            .flat_map(|&(level, ms)| std::iter::repeat_n(level, ms / 20));
        let mut turns = Vec::new();
        for (number, level) in levels.enumerate() {
            let peak = amplitude(level) * 1.5f64.sqrt();
            let frame: Vec<i16> = (0..160)
                .map(|_| ((2.0 * random.unit() - 1.0) * peak) as i16)
                .collect();
            turns.extend(
                detector
                    .hear(&frame)
                    .map(|turn| (turn, (number + 1) * FRAME_MS as usize)),
            );
        }
        turns
    }

    const QUIET: f64 = -65.0;
    const WORDS: f64 = -22.0;

    #[test]
    fn words_and_the_silence_behind_them_are_told_once_each() {
        let pattern = [
            (QUIET, 1000),
            (WORDS, 600),
            (QUIET, 400), // between words
            (WORDS, 600),
            (QUIET, 3000),
            (WORDS, 500),
            (QUIET, 3000),
        ];
        assert_eq!(
            told(1500, &pattern),
            [
                (Turn::Speaks, 1080),
                (Turn::Pauses, 2600 + 1500),
                (Turn::Speaks, 5680),
                (Turn::Pauses, 6100 + 1500),
            ]
        );
    }

    #[test]
    fn who_says_nothing_has_paused_from_the_beginning() {
        assert_eq!(told(2000, &[(QUIET, 9000)]), [(Turn::Pauses, 2000)]);
        assert_eq!(told(2000, &[(-90.0, 9000)]), [(Turn::Pauses, 2000)]);
    }

    #[test]
    fn a_click_is_no_word_and_the_noise_of_a_line_soon_is_silence() {
        let clicks = [
            (QUIET, 900),
            (-10.0, 40),
            (QUIET, 900),
            (-10.0, 60),
            (QUIET, 900),
        ];
        assert_eq!(told(2000, &clicks), [(Turn::Pauses, 2000)]);
        let turns = told(1000, &[(-38.0, 12_000)]);
        assert_eq!(turns.last().unwrap().0, Turn::Pauses, "{turns:?}");
        assert!(turns.last().unwrap().1 < 6000, "{turns:?}");
    }

    #[test]
    fn a_pause_of_no_length_ends_every_word() {
        assert_eq!(
            told(0, &[(QUIET, 100), (WORDS, 200), (QUIET, 200)])
                .iter()
                .map(|&(turn, _)| turn)
                .collect::<Vec<_>>(),
            [Turn::Pauses, Turn::Speaks, Turn::Pauses]
        );
    }
}
