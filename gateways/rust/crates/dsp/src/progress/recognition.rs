//! Recognition: pieces of sound and silence, whether the sound is the country's, and how long they were.

use super::{Pattern, Plan, SPECIAL, Signal, plan_of};
use crate::{amplitude_at, dbm0};

const FRAME_MS: u32 = 20;
/// Frames that are looked at together: 60 ms tell tones apart that are 17 Hz apart.
const CHUNK: usize = 3;
/// dBm0 below which all is silence.
const SILENCE: f64 = -38.0;
/// The share of its power that sound has in the tones that it is made of.
const PURITY: f64 = 0.7;
/// Of two tones, the weaker has so much of the stronger's amplitude at least.
const BALANCE: f64 = 0.4;
/// How far a piece may be off its length: a share and a frame or two.
const OFF: f64 = 0.12;
const OFF_MS: f64 = 35.0;
/// Pieces that make a quick cadence certain: Spain's congestion begins like its busy tone, with five.
const CERTAIN: usize = 6;
/// Pieces that are remembered.
const REMEMBERED: usize = 8;
/// How long each of the three special information tones must be heard, in chunks of 60 ms, and may be.
const SPECIAL_CHUNKS: std::ops::RangeInclusive<u32> = 3..=7;

/// Recognises the signals of one country, by frames of 20 ms.
#[derive(Clone, Debug)]
pub struct Detector {
    plan: &'static Plan,
    rate: u32,
    /// Milliseconds of sound and silence in turn; of sound with what it is made of. The newest last, not yet ended.
    pieces: Vec<Piece>,
    chunk: Vec<i16>,
    special: Special,
    told: Option<Signal>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    /// None: silence.
    sound: Option<Made>,
    ms: u32,
}

/// What sound is made of; unknown until a whole chunk of it was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Made {
    ring_back: bool,
    busy: bool,
    congestion: bool,
    heard: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Special {
    /// The tone that is heard now, and for how many chunks.
    at: usize,
    chunks: u32,
}

impl Detector {
    /// None: the country's tones are not known.
    pub fn new(country: &str, rate: u32) -> Option<Self> {
        Some(Self {
            plan: plan_of(country)?,
            rate,
            pieces: Vec::with_capacity(REMEMBERED + 1),
            chunk: Vec::with_capacity(CHUNK * rate as usize / 50),
            special: Special::default(),
            told: None,
        })
    }

    /// A signal is told when it is certain, and again only when another was in between.
    pub fn hear(&mut self, frame: &[i16]) -> Option<Signal> {
        let sounds = dbm0(frame) > SILENCE;
        let before = self.pieces.last().copied();
        match self.pieces.last_mut() {
            Some(piece) if piece.sound.is_some() == sounds => piece.ms += FRAME_MS,
            _ => {
                if self.pieces.len() == REMEMBERED {
                    self.pieces.remove(0);
                }
                self.chunk.clear();
                self.pieces.push(Piece {
                    sound: sounds.then_some(Made {
                        ring_back: true,
                        busy: true,
                        congestion: true,
                        heard: false,
                    }),
                    ms: FRAME_MS,
                });
            }
        }
        let mut special = None;
        if sounds {
            // The first and the last frame of a piece are sound in part only.
            if self.chunk.len() == CHUNK * frame.len() {
                special = self.look();
                self.chunk.clear();
            }
            if before.is_some_and(|piece| piece.sound.is_some()) {
                self.chunk.extend_from_slice(frame);
            }
        } else {
            special = self.special.next(None);
        }
        let signal = special.or_else(|| {
            // Cadences are looked at when a piece has ended.
            let ended = before.is_some_and(|piece| piece.sound.is_some() != sounds);
            self.cadence(ended)
        })?;
        (self.told.replace(signal) != Some(signal)).then_some(signal)
    }

    /// What the chunk is made of.
    fn look(&mut self) -> Option<Signal> {
        let energy: f64 = self
            .chunk
            .iter()
            .map(|&s| f64::from(s) * f64::from(s))
            .sum();
        let power = energy / self.chunk.len() as f64;
        let share = |hz: f64| {
            let peak = amplitude_at(&self.chunk, hz, self.rate);
            (peak, peak * peak / 2.0 / power)
        };
        let made_of = |pattern: &Pattern| {
            let (low, high) = (share(pattern.hz[0]), pattern.hz[1]);
            if high == 0.0 {
                return low.1 >= PURITY;
            }
            let high = share(high);
            low.1 + high.1 >= PURITY && low.0.min(high.0) >= BALANCE * low.0.max(high.0)
        };
        if let Some(Piece {
            sound: Some(made), ..
        }) = self.pieces.last_mut()
        {
            made.heard = true;
            made.ring_back &= made_of(&self.plan.ring_back);
            made.busy &= made_of(&self.plan.busy);
            made.congestion &= made_of(&self.plan.congestion);
        }
        // E.180: within 50 Hz, so the neighbours are looked at, too.
        let tone = SPECIAL.iter().position(|&hz| {
            [-32.0, -16.0, 0.0, 16.0, 32.0]
                .iter()
                .any(|off| share(hz + off).1 >= PURITY)
        });
        self.special.next(tone)
    }

    fn cadence(&self, ended: bool) -> Option<Signal> {
        if !ended {
            return None;
        }
        let pieces = &self.pieces[..self.pieces.len().checked_sub(1)?];
        [Signal::Busy, Signal::Congestion, Signal::RingBack]
            .into_iter()
            .find(|&signal| {
                self.plan.pattern(signal).is_some_and(|pattern| {
                    // Ringing is slow: one round is enough, since its silence is long.
                    let wanted = if signal == Signal::RingBack {
                        pattern.cadence.len()
                    } else {
                        CERTAIN
                    };
                    follows(pieces, wanted, pattern.cadence, |made| match signal {
                        Signal::RingBack => made.ring_back,
                        Signal::Busy => made.busy,
                        _ => made.congestion,
                    })
                })
            })
    }
}

/// Whether the last pieces are so many of a cadence, beginning anywhere in it.
fn follows(pieces: &[Piece], wanted: usize, cadence: &[u32], fits: impl Fn(Made) -> bool) -> bool {
    let Some(first) = pieces.len().checked_sub(wanted) else {
        return false;
    };
    let pieces = &pieces[first..];
    (0..cadence.len()).any(|shift| {
        pieces.iter().enumerate().all(|(n, piece)| {
            let at = (n + shift) % cadence.len();
            let wanted = f64::from(cadence[at]);
            let sound = at % 2 == 0;
            (f64::from(piece.ms) - wanted).abs() <= OFF_MS + OFF * wanted
                && match piece.sound {
                    Some(made) => sound && made.heard && fits(made),
                    None => !sound,
                }
        })
    })
}

impl Special {
    /// The next chunk has this one of the three tones, or none of them.
    fn next(&mut self, tone: Option<usize>) -> Option<Signal> {
        match tone {
            Some(tone) if tone == self.at => self.chunks += 1,
            // A chunk on the border of two tones is of neither.
            None if SPECIAL_CHUNKS.contains(&self.chunks) => {}
            Some(tone) if tone == self.at + 1 && SPECIAL_CHUNKS.contains(&self.chunks) => {
                *self = Self {
                    at: tone,
                    chunks: 1,
                };
            }
            Some(0) => *self = Self { at: 0, chunks: 1 },
            _ => *self = Self::default(),
        }
        let complete = self.at + 1 == SPECIAL.len() && self.chunks == *SPECIAL_CHUNKS.start();
        if complete {
            *self = Self::default();
        }
        complete.then_some(Signal::SpecialInformation)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PLANS, countries, sound};
    use super::*;
    use crate::g711::Law;
    use netem::Random;

    fn heard(country: &str, samples: &[i16], rate: u32) -> Vec<Signal> {
        let mut detector = Detector::new(country, rate).unwrap();
        samples
            .chunks_exact(rate as usize / 50)
            .filter_map(|frame| detector.hear(frame))
            .collect()
    }

    /// A signal for some time, from anywhere in it, over a noisy line.
    fn line(country: &str, signal: Signal, rate: u32, random: &mut Random) -> Vec<i16> {
        let round = sound(country, signal, rate).unwrap();
        let from = random.below(round.len() as u64) as usize;
        let samples: Vec<i16> = round
            .iter()
            .cycle()
            .skip(from)
            .take(16 * rate as usize)
            .map(|&s| s + (random.unit() * 60.0) as i16 - 30)
            .collect();
        Law::A.decode_all(&Law::A.encode_all(&samples))
    }

    #[test]
    fn each_countrys_signals_are_recognised_and_not_mistaken() {
        let mut random = Random::new(180);
        for country in countries() {
            for signal in [
                Signal::RingBack,
                Signal::Busy,
                Signal::Congestion,
                Signal::SpecialInformation,
            ] {
                for rate in [8000, 16_000] {
                    let found = heard(country, &line(country, signal, rate, &mut random), rate);
                    let plan = plan_of(country).unwrap();
                    // Some countries say both in the same way.
                    let alike = plan.busy == plan.congestion && signal == Signal::Congestion;
                    let expected = if alike { Signal::Busy } else { signal };
                    assert_eq!(found, [expected], "{country} {signal:?} at {rate}");
                }
            }
        }
    }

    #[test]
    fn the_countries_asked_for_are_there_and_no_two_plans_are_of_one() {
        for country in ["CN", "US", "GB", "DE", "FR", "JP"] {
            assert!(plan_of(country).is_some(), "{country}");
        }
        let mut names: Vec<&str> = PLANS.iter().map(|plan| plan.country).collect();
        names.dedup();
        assert_eq!(names.len(), PLANS.len());
        assert!(Detector::new("XX", 8000).is_none() && sound("XX", Signal::Busy, 8000).is_none());
    }

    #[test]
    fn a_signal_that_another_follows_is_told_and_so_is_that_one() {
        let mut samples = sound("US", Signal::RingBack, 8000).unwrap().repeat(3);
        samples.extend(sound("US", Signal::Busy, 8000).unwrap().repeat(6));
        assert_eq!(
            heard("US", &samples, 8000),
            [Signal::RingBack, Signal::Busy]
        );
    }

    #[test]
    fn silence_noise_and_the_tones_of_others_are_no_signal() {
        let mut random = Random::new(1);
        let noise: Vec<i16> = (0..8000 * 60)
            .map(|_| (random.next_u64() % 8000) as i16 - 4000)
            .collect();
        for country in countries() {
            assert_eq!(heard(country, &vec![0; 80_000], 8000), []);
            assert_eq!(heard(country, &noise, 8000), []);
        }
        let busy = line("US", Signal::Busy, 8000, &mut random);
        for country in ["CN", "DE", "FR", "GB", "JP"] {
            assert_eq!(heard(country, &busy, 8000), [], "{country}");
        }
    }
}
