//! Sound in place of a missing packet, for formats that have no way of their own (after G.711 Appendix I).
//!
//! What is missing is taken to go on as before: the last periods of the pitch are repeated, first one, then two, then
//! three of them, so that it does not buzz, and fade away. Unlike the Appendix's, this one holds nothing back: where it
//! begins, the step between the last sample and the repetition is spread over a quarter of a period.

/// What the pitch of voices lies between, as periods in milliseconds: 200 to 66 Hz.
const SHORTEST_MS: usize = 5;
const LONGEST_MS: usize = 15;
/// How much sound is compared with itself to find it.
const WINDOW_MS: usize = 20;
/// Three of the longest periods and a quarter of one.
const HISTORY_MS: usize = 49;
/// After each of these, one more period is repeated and the sound becomes softer.
const STAGE_MS: usize = 10;
/// By how much, of the first loudness; the first stage is not softened (G.711 section I.2.7).
const SOFTER: f32 = 0.2;

pub struct Concealment {
    /// Samples in a millisecond.
    unit: usize,
    /// The newest sound, real or made.
    history: History,
    /// The history as it was when the gap began, the newest last.
    source: Vec<i16>,
    /// Samples made since the last packet.
    made: usize,
    /// Samples in a period of the pitch.
    period: usize,
    /// How many periods are repeated, and where in them we are.
    periods: usize,
    at: usize,
    /// The step where the gap began.
    step: f32,
    /// Decimated history, for the search.
    coarse: Vec<f32>,
}

impl Concealment {
    pub fn new(rate: u32) -> Self {
        let unit = rate as usize / 1000;
        Self {
            unit,
            history: History::new(HISTORY_MS * unit),
            source: vec![0; HISTORY_MS * unit],
            made: 0,
            period: 0,
            periods: 1,
            at: 0,
            step: 0.0,
            coarse: Vec::with_capacity(HISTORY_MS * unit),
        }
    }

    /// A packet's sound came: keep it, and lead over to it from what was made, if anything was.
    pub fn heard(&mut self, samples: &mut [i16]) {
        if self.made > 0 {
            let length = self.lead_over().min(samples.len());
            for (n, sample) in samples[..length].iter_mut().enumerate() {
                let real = (n + 1) as f32 / (length + 1) as f32;
                let made = self.next();
                *sample = (made * (1.0 - real) + f32::from(*sample) * real).round() as i16;
            }
            self.made = 0;
        }
        self.history.push(samples);
    }

    /// Append `samples` of what may have been.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        if self.made == 0 {
            self.begin();
        }
        let start = out.len();
        out.extend((0..samples).map(|_| self.next().round() as i16));
        self.history.push(&out[start..]);
    }

    fn begin(&mut self) {
        self.history.copy_to(&mut self.source);
        self.period = self.find_period();
        self.periods = 1;
        self.at = 0;
        let end = self.source.len();
        self.step = f32::from(self.source[end - 1]) - f32::from(self.source[end - 1 - self.period]);
    }

    /// The next sample made.
    fn next(&mut self) -> f32 {
        let stage = self.made / (STAGE_MS * self.unit);
        let into_stage = self.made % (STAGE_MS * self.unit);
        let gone = self.made as f32 / (STAGE_MS * self.unit) as f32;
        let gain = (1.0 - SOFTER * (gone - 1.0).max(0.0)).max(0.0);
        if into_stage == 0 && (1..=2).contains(&stage) {
            // One period more, gone into where its phase agrees.
            self.periods = stage + 1;
            self.at %= self.period;
        }
        let mut sample = self.repeated(self.periods, self.at);
        let quarter = self.quarter();
        if (1..=2).contains(&stage) && into_stage < quarter {
            // The sound of the stage before goes on underneath for a quarter of a period.
            let new = (into_stage + 1) as f32 / (quarter + 1) as f32;
            let before = self.repeated(
                self.periods - 1,
                self.at % (self.period * (self.periods - 1)),
            );
            sample = before * (1.0 - new) + sample * new;
        }
        if self.made < quarter {
            sample += self.step * (1.0 - (self.made + 1) as f32 / (quarter + 1) as f32);
        }
        self.made += 1;
        self.at += 1;
        if self.at == self.periods * self.period {
            self.at = 0;
        }
        (sample * gain).clamp(-32_768.0, 32_767.0)
    }

    /// Sample `at` of the last `periods` periods; the last quarter of one leads over to their beginning.
    fn repeated(&self, periods: usize, at: usize) -> f32 {
        let (end, length, quarter) = (self.source.len(), periods * self.period, self.quarter());
        let sample = f32::from(self.source[end - length + at]);
        let left = length - at;
        if left > quarter {
            return sample;
        }
        let own = left as f32 / (quarter + 1) as f32;
        let before = f32::from(self.source[end - length - left]);
        sample * own + before * (1.0 - own)
    }

    fn quarter(&self) -> usize {
        self.period / 4
    }

    /// How long the sound made goes on beneath the next packet's: longer after a longer gap (G.711 section I.2.8).
    fn lead_over(&self) -> usize {
        let gone_ms = self.made / self.unit;
        let longer = gone_ms.saturating_sub(STAGE_MS) * 4 / 10 * self.unit;
        (self.quarter() + longer).min(STAGE_MS * self.unit)
    }

    /// The lag at which the newest sound is most like itself.
    fn find_period(&mut self) -> usize {
        // Coarsely at 4 kHz, where a pitch is as plain as at any rate.
        let factor = self.unit / 4;
        self.coarse.clear();
        self.coarse.extend(
            self.source
                .chunks_exact(factor)
                .map(|few| few.iter().map(|&sample| f32::from(sample)).sum::<f32>()),
        );
        let near = best_lag(
            &self.coarse,
            WINDOW_MS * 4,
            SHORTEST_MS * 4..LONGEST_MS * 4 + 1,
        ) * factor;
        // Then to the sample.
        self.coarse.clear();
        self.coarse
            .extend(self.source.iter().map(|&sample| f32::from(sample)));
        let from = (near - factor).max(SHORTEST_MS * self.unit);
        let to = (near + factor).min(LONGEST_MS * self.unit);
        best_lag(&self.coarse, WINDOW_MS * self.unit, from..to + 1)
    }
}

/// The newest samples of a sound, in a ring: what is kept already is not moved.
struct History {
    ring: Vec<i16>,
    oldest: usize,
}

impl History {
    fn new(length: usize) -> Self {
        Self {
            ring: vec![0; length],
            oldest: 0,
        }
    }

    fn push(&mut self, samples: &[i16]) {
        let newest = &samples[samples.len().saturating_sub(self.ring.len())..];
        let before_end = newest.len().min(self.ring.len() - self.oldest);
        let (first, rest) = newest.split_at(before_end);
        self.ring[self.oldest..][..first.len()].copy_from_slice(first);
        self.ring[..rest.len()].copy_from_slice(rest);
        self.oldest = (self.oldest + newest.len()) % self.ring.len();
    }

    /// All of it, the newest last.
    fn copy_to(&self, out: &mut [i16]) {
        let (newer, older) = self.ring.split_at(self.oldest);
        out[..older.len()].copy_from_slice(older);
        out[older.len()..].copy_from_slice(newer);
    }
}

/// Where the newest `window` samples correlate best with those before them, as a share of the latters' energy.
fn best_lag(sound: &[f32], window: usize, lags: std::ops::Range<usize>) -> usize {
    let newest = &sound[sound.len() - window..];
    let first = lags.start;
    let mut best = (first, f32::MIN);
    for lag in lags {
        let earlier = &sound[sound.len() - window - lag..sound.len() - lag];
        let product: f32 = newest.iter().zip(earlier).map(|(a, b)| a * b).sum();
        let energy: f32 = earlier.iter().map(|a| a * a).sum();
        let likeness = product / (energy + 1.0).sqrt();
        if likeness > best.1 {
            best = (lag, likeness);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use dsp::{Tone, amplitude, amplitude_at};

    fn tone(frequency: f64, rate: u32, samples: usize) -> Vec<i16> {
        let mut tone = Tone::new(frequency, -10.0, rate);
        (0..samples).map(|_| tone.next_sample()).collect()
    }

    /// The largest step between neighbours.
    fn steepest(samples: &[i16]) -> i32 {
        let steps = samples.windows(2);
        steps
            .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
            .max()
            .unwrap()
    }

    #[test]
    fn the_newest_samples_are_remembered_in_order() {
        let mut history = History::new(10);
        let mut all = vec![0; 10];
        for (n, length) in [3, 7, 10, 4, 0, 25, 1, 9].into_iter().enumerate() {
            let samples = vec![n as i16; length];
            history.push(&samples);
            all.extend(samples);
            let mut kept = [0; 10];
            history.copy_to(&mut kept);
            assert_eq!(kept, all[all.len() - 10..]);
        }
    }

    #[test]
    fn a_voiced_sound_goes_on_at_its_pitch_and_without_a_click() {
        for rate in [8000, 16_000, 48_000] {
            // A pitch that no whole number of samples is a period of.
            let sound = tone(147.0, rate, rate as usize);
            let mut concealment = Concealment::new(rate);
            let frame = rate as usize / 50;
            let mut heard = Vec::new();
            for (n, packet) in sound.chunks_exact(frame).enumerate() {
                if n % 10 == 9 {
                    concealment.conceal(frame, &mut heard);
                } else {
                    let mut samples = packet.to_vec();
                    concealment.heard(&mut samples);
                    heard.extend(samples);
                }
            }
            assert_eq!(heard.len(), sound.len());
            assert!(
                steepest(&heard) <= steepest(&sound) * 3 / 2,
                "{rate}: {} beside {}",
                steepest(&heard),
                steepest(&sound)
            );
            let share = amplitude_at(&heard, 147.0, rate) / amplitude(-10.0);
            assert!((0.95..1.01).contains(&share), "{rate}: {share}");
        }
    }

    #[test]
    fn a_long_gap_fades_and_is_silent_after_60_ms() {
        let mut concealment = Concealment::new(8000);
        concealment.heard(&mut tone(147.0, 8000, 800));
        let mut made = Vec::new();
        for _ in 0..5 {
            concealment.conceal(160, &mut made);
        }
        let loudness =
            |from: usize| amplitude_at(&made[from..from + 80], 147.0, 8000) / amplitude(-10.0);
        assert!(loudness(0) > 0.8, "{}", loudness(0));
        assert!(loudness(320) < loudness(160) && loudness(160) < loudness(0));
        assert!(made[480..].iter().all(|&sample| sample == 0));
    }

    #[test]
    fn before_anything_was_heard_there_is_silence() {
        let mut made = Vec::new();
        Concealment::new(8000).conceal(400, &mut made);
        assert_eq!(made, [0; 400]);
    }

    #[test]
    fn the_loudest_sound_does_not_wrap_around() {
        let mut concealment = Concealment::new(8000);
        let mut square: Vec<i16> = (0..800)
            .map(|n| if n / 37 % 2 == 0 { i16::MAX } else { i16::MIN })
            .collect();
        concealment.heard(&mut square);
        let mut made = Vec::new();
        concealment.conceal(80, &mut made);
        // Ten milliseconds of the same square: as loud, whatever its phase.
        let loud = made
            .iter()
            .filter(|sample| sample.unsigned_abs() > 30_000)
            .count();
        assert!(loud > 70, "{loud}");
    }
}
