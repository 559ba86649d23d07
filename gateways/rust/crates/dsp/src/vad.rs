//! Whether somebody speaks.

use crate::dbm0;

/// dBm0 below which nothing is speech, and above which everything is sound.
const QUIETEST: f64 = -50.0;
const LOUD: f64 = -15.0;
/// By how many dB speech is above the noise of the line.
const ABOVE_NOISE: f64 = 9.0;
/// What the floor rises by in a frame of 20 ms, in dB: 5 a second, so that noise that begins is found to be noise, and
/// the longest words are not.
const RISE: f64 = 0.1;
/// Frames after the last loud one that are speech yet: words end softly.
const HANGOVER: u32 = 10;

/// Tells speech from silence and steady noise, by frames of 20 ms of any rate.
#[derive(Clone, Debug)]
pub struct Vad {
    /// Level of the noise, dBm0.
    floor: f64,
    hangover: u32,
}

impl Default for Vad {
    fn default() -> Self {
        Self {
            floor: QUIETEST - ABOVE_NOISE,
            hangover: 0,
        }
    }
}

impl Vad {
    /// Whether this frame is speech.
    pub fn hear(&mut self, frame: &[i16]) -> bool {
        let level = dbm0(frame);
        self.floor = level.max(-90.0).min(self.floor + RISE);
        let threshold = (self.floor + ABOVE_NOISE).clamp(QUIETEST, LOUD);
        if level > threshold {
            self.hangover = HANGOVER;
            return true;
        }
        self.hangover = self.hangover.saturating_sub(1);
        self.hangover > 0
    }

    /// Whether the last frame was speech by itself, and not only as the end of a word.
    pub fn is_loud(&self) -> bool {
        self.hangover == HANGOVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude;
    use netem::Random;

    fn noise(random: &mut Random, level: f64) -> Vec<i16> {
        let peak = amplitude(level) * 1.5f64.sqrt();
        (0..160)
            .map(|_| ((2.0 * random.unit() - 1.0) * peak) as i16)
            .collect()
    }

    /// The share of frames that are speech, of a second each at the given levels.
    fn shares(levels: &[f64]) -> Vec<f64> {
        let (mut vad, mut random) = (Vad::default(), Random::new(3));
        levels
            .iter()
            .map(|&level| {
                (0..50)
                    .filter(|_| vad.hear(&noise(&mut random, level)))
                    .count() as f64
                    / 50.0
            })
            .collect()
    }

    #[test]
    fn words_over_the_noise_of_a_line_are_speech_and_the_noise_is_none() {
        for floor in [-90.0, -60.0, -45.0, -35.0] {
            let mut levels = vec![floor; 6];
            for _ in 0..10 {
                levels.extend([floor + 20.0f64.max(-25.0 - floor), floor]);
            }
            let shares = shares(&levels);
            assert!(shares[5] < 0.1, "{floor}: {shares:?}");
            for words in shares[6..].chunks(2) {
                assert!(words[0] > 0.95, "{floor}: {shares:?}");
                // But for the hangover.
                assert!(words[1] < 0.3, "{floor}: {shares:?}");
            }
        }
    }

    #[test]
    fn silence_is_no_speech_and_loud_sound_is_even_when_steady() {
        let mut vad = Vad::default();
        assert!((0..500).all(|_| !vad.hear(&[0; 160])));
        let mut vad = Vad::default();
        let mut random = Random::new(3);
        assert!(
            (0..3000).all(|_| vad.hear(&noise(&mut random, -8.0))),
            "music on hold"
        );
    }
}
