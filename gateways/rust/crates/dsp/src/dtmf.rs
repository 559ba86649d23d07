//! Keys as pairs of tones (ITU-T Q.23), made and recognised in sound.

use std::f32::consts::TAU;

use crate::Tone;

const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];
/// Hz, by row and by column.
const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
/// What we send, in dBm0: the column louder by 2 dB, since lines weaken it more.
const ROW_LEVEL: f64 = -10.0;
const COLUMN_LEVEL: f64 = -8.0;

/// Makes keys, one after another.
#[derive(Clone, Debug)]
pub struct Dialer {
    keys: Vec<(f64, f64)>,
    /// Samples of a key and of the pause behind it.
    press: usize,
    pause: usize,
    rate: u32,
    tones: Option<(Tone, Tone)>,
    /// Samples since the key began.
    at: usize,
    next: usize,
}

impl Dialer {
    /// `press` and `pause` in milliseconds. None when one of the keys is none.
    pub fn new(keys: &str, press: u32, pause: u32, rate: u32) -> Option<Self> {
        let samples = |ms: u32| (u64::from(ms) * u64::from(rate) / 1000) as usize;
        Some(Self {
            keys: keys.chars().map(pair).collect::<Option<_>>()?,
            press: samples(press),
            pause: samples(pause),
            rate,
            tones: None,
            at: 0,
            next: 0,
        })
    }

    pub fn is_done(&self) -> bool {
        self.tones.is_none() && self.next == self.keys.len()
    }

    /// Append so many samples; silence where no key sounds.
    pub fn play(&mut self, samples: usize, out: &mut Vec<i16>) {
        out.extend((0..samples).map(|_| self.sample()));
    }

    fn sample(&mut self) -> i16 {
        if self.tones.is_none() {
            let Some(&(row, column)) = self.keys.get(self.next) else {
                return 0;
            };
            self.next += 1;
            self.at = 0;
            self.tones = Some((
                Tone::new(row, ROW_LEVEL, self.rate),
                Tone::new(column, COLUMN_LEVEL, self.rate),
            ));
        }
        self.at += 1;
        let sample = match &mut self.tones {
            Some((row, column)) if self.at <= self.press => {
                row.next_sample().saturating_add(column.next_sample())
            }
            _ => 0,
        };
        if self.at >= self.press + self.pause {
            self.tones = None;
        }
        sample
    }
}

fn pair(key: char) -> Option<(f64, f64)> {
    let key = key.to_ascii_uppercase();
    KEYS.iter().zip(ROWS).find_map(|(row, low)| {
        let column = row.iter().position(|&k| k == key)?;
        Some((low, COLUMNS[column]))
    })
}

/// What a detector heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressed {
    pub key: char,
    pub milliseconds: u32,
}

/// Samples at 8 kHz that are looked at together: 78 Hz are told apart, and every key has a whole window soon after its
/// beginning.
const WINDOW: usize = 102;
/// A window begins every half of one. So many in a row with the same pair are a key: 32 ms at least, of the 40 that
/// ITU-T Q.24 asks to be recognised; and so many without it are its end, of the 40 ms between keys.
const FOR_KEY: u32 = 4;
const FOR_END: u32 = 4;
/// Q.24 table A-1: by how much the column may be louder than the row, and the row than the column, as ratios of power
/// (6 and 9 dB).
const TWIST: f32 = 4.0;
const REVERSE_TWIST: f32 = 8.0;
/// The share that the pair has of all power: voices have more beside it.
const PURITY: f32 = 0.72;
/// By how much a tone is above the others of its group (8 dB).
const ABOVE_OTHERS: f32 = 6.3;
/// The weakest pair, as the power of its row's peak: -36 dBm0.
const WEAKEST: f32 = 250.0 * 250.0;

/// Hears keys in the sound of a line, at 8 or 16 kHz.
///
/// A key is told when it ends, once, however long it was.
#[derive(Clone, Debug)]
pub struct Detector {
    /// Samples of a window.
    window: usize,
    rate: u32,
    /// Goertzel's factors, rows first.
    factors: [f32; 8],
    /// Of two windows, of which the second began half a window later.
    sums: [Sums; 2],
    /// The pair of the newest window and how many had it in a row.
    newest: Option<char>,
    streak: u32,
    /// The key that is held, and the windows since it was recognised.
    held: Option<(char, u32)>,
    without: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    last: [f32; 8],
    before: [f32; 8],
    energy: f32,
    samples: usize,
}

impl Detector {
    pub fn new(rate: u32) -> Self {
        let window = WINDOW * rate as usize / 8000;
        let factor = |hz: f64| 2.0 * (TAU * hz as f32 / rate as f32).cos();
        let mut factors = [0.0; 8];
        for (at, hz) in ROWS.iter().chain(&COLUMNS).enumerate() {
            factors[at] = factor(*hz);
        }
        Self {
            window,
            rate,
            factors,
            // The second one is half a window behind: it is thrown away the first time.
            sums: [
                Sums::default(),
                Sums {
                    samples: window / 2,
                    ..Sums::default()
                },
            ],
            newest: None,
            streak: 0,
            held: None,
            without: 0,
        }
    }

    /// Hear what comes next; gives the keys that ended.
    pub fn hear(&mut self, mut samples: &[i16]) -> Option<Pressed> {
        let mut ended = None;
        while !samples.is_empty() {
            let first = usize::from(self.sums[1].samples > self.sums[0].samples);
            let wanted = self.window - self.sums[first].samples;
            let (now, later) = samples.split_at(wanted.min(samples.len()));
            samples = later;
            for sums in &mut self.sums {
                sums.add(now, &self.factors);
            }
            if now.len() == wanted {
                let sums = std::mem::take(&mut self.sums[first]);
                let pair = sums.pair(&self.factors);
                // At most one key ends in 20 ms.
                ended = self.judge(pair).or(ended);
            }
        }
        ended
    }

    fn judge(&mut self, pair: Option<char>) -> Option<Pressed> {
        self.streak = if pair == self.newest {
            self.streak + 1
        } else {
            1
        };
        self.newest = pair;
        if let Some((key, windows)) = &mut self.held {
            *windows += 1;
            if pair == Some(*key) {
                self.without = 0;
                return None;
            }
            self.without += 1;
            let another = pair.is_some() && self.streak >= FOR_KEY;
            if self.without < FOR_END && !another {
                return None;
            }
            let (key, windows) = (*key, *windows - self.without);
            self.held = None;
            let begun = pair.filter(|_| another);
            self.begin(begun);
            // From the middle of the first window to that of the last.
            let samples = (windows + FOR_KEY) as usize * self.window / 2;
            return Some(Pressed {
                key,
                milliseconds: (samples as u64 * 1000 / u64::from(self.rate)) as u32,
            });
        }
        if self.streak >= FOR_KEY {
            self.begin(pair);
        }
        None
    }

    fn begin(&mut self, pair: Option<char>) {
        if let Some(key) = pair {
            self.held = Some((key, 0));
            self.without = 0;
        }
    }
}

impl Sums {
    fn add(&mut self, samples: &[i16], factors: &[f32; 8]) {
        for &sample in samples {
            let sample = f32::from(sample);
            self.energy += sample * sample;
            for ((factor, last), before) in factors.iter().zip(&mut self.last).zip(&mut self.before)
            {
                let next = sample + factor * *last - *before;
                *before = *last;
                *last = next;
            }
        }
        self.samples += samples.len();
    }

    /// The key of the window.
    fn pair(&self, factors: &[f32; 8]) -> Option<char> {
        let samples = self.samples as f32;
        // The square of each tone's peak.
        let mut powers = [0.0f32; 8];
        for (at, power) in powers.iter_mut().enumerate() {
            let (last, before) = (self.last[at], self.before[at]);
            let square = last * last + before * before - factors[at] * last * before;
            *power = 4.0 * square / (samples * samples);
        }
        let (row, low) = strongest(&powers[..4])?;
        let (column, high) = strongest(&powers[4..])?;
        let pure = (low + high) * samples / 2.0 >= PURITY * self.energy;
        let even = high <= low * TWIST && low <= high * REVERSE_TWIST;
        (low >= WEAKEST && pure && even).then(|| KEYS[row][column])
    }
}

/// The strongest of a group, when it is far above the others.
fn strongest(powers: &[f32]) -> Option<(usize, f32)> {
    let (at, &power) = powers
        .iter()
        .enumerate()
        .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let alone = powers
        .iter()
        .enumerate()
        .all(|(other, &weak)| other == at || weak * ABOVE_OTHERS <= power);
    alone.then_some((at, power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{amplitude, g711::Law};
    use netem::Random;

    /// The keys heard in some sound, which comes in frames of 20 ms.
    fn heard(samples: &[i16], rate: u32) -> String {
        let mut detector = Detector::new(rate);
        let silence = vec![0; rate as usize / 5];
        samples
            .chunks(rate as usize / 50)
            .chain(silence.chunks(rate as usize / 50))
            .filter_map(|frame| detector.hear(frame))
            .map(|pressed| pressed.key)
            .collect()
    }

    fn dialed(keys: &str, press: u32, pause: u32, rate: u32) -> Vec<i16> {
        let mut dialer = Dialer::new(keys, press, pause, rate).unwrap();
        let mut out = Vec::new();
        while !dialer.is_done() {
            dialer.play(rate as usize / 50, &mut out);
        }
        out
    }

    /// A pair of tones of any frequencies and levels.
    fn pair_of(low: (f64, f64), high: (f64, f64), ms: usize) -> Vec<i16> {
        let (mut low, mut high) = (
            Tone::new(low.0, low.1, 8000),
            Tone::new(high.0, high.1, 8000),
        );
        (0..8 * ms)
            .map(|_| low.next_sample().saturating_add(high.next_sample()))
            .collect()
    }

    fn noise(random: &mut Random, samples: &mut [i16], level: f64) {
        // Even values within a peak have a third of its square as power, a sine has half.
        let peak = amplitude(level) * 1.5f64.sqrt();
        for sample in samples {
            let noise = (2.0 * random.unit() - 1.0) * peak;
            *sample = sample.saturating_add(noise as i16);
        }
    }

    #[test]
    fn a_thousand_random_sequences_are_heard_as_they_were_sent() {
        let mut random = Random::new(23);
        for sequence in 0..1000 {
            let keys: String = (0..1 + random.below(12))
                .map(|_| KEYS[random.below(4) as usize][random.below(4) as usize])
                .collect();
            let rate = [8000, 16_000][random.below(2) as usize];
            let press = 40 + random.below(120) as u32;
            let pause = 45 + random.below(100) as u32;
            // Anywhere between two frames, through G.711 and noise 20 dB below.
            let mut samples = vec![0; random.below(160) as usize];
            samples.extend(dialed(&keys, press, pause, rate));
            noise(&mut random, &mut samples, -28.0);
            let law = [Law::A, Law::Mu][random.below(2) as usize];
            let samples = law.decode_all(&law.encode_all(&samples));
            assert_eq!(
                heard(&samples, rate),
                keys,
                "sequence {sequence} at {rate}: {press} and {pause} ms"
            );
        }
    }

    #[test]
    fn a_key_is_told_once_with_its_duration() {
        for ms in [50, 100, 1000, 10_000] {
            let mut detector = Detector::new(8000);
            let mut samples = dialed("5", ms, 200, 8000);
            samples.truncate(8 * ms as usize + 1600);
            let pressed: Vec<Pressed> = samples
                .chunks(160)
                .filter_map(|f| detector.hear(f))
                .collect();
            assert_eq!(pressed.len(), 1, "{ms}");
            assert!(
                pressed[0].milliseconds.abs_diff(ms) <= 15,
                "{ms}: {pressed:?}"
            );
        }
    }

    #[test]
    fn frequencies_may_be_off_by_as_much_as_the_recommendation_allows() {
        for (row, low) in ROWS.into_iter().enumerate() {
            for (column, high) in COLUMNS.into_iter().enumerate() {
                for off in [0.985, 1.0, 1.015] {
                    let samples = pair_of((low * off, -10.0), (high * off, -8.0), 60);
                    assert_eq!(
                        heard(&samples, 8000),
                        KEYS[row][column].to_string(),
                        "{low} and {high} by {off}"
                    );
                }
                let wrong = pair_of((low * 1.06, -10.0), (high * 0.94, -8.0), 200);
                assert_eq!(heard(&wrong, 8000), "", "{low} and {high}");
            }
        }
    }

    #[test]
    fn tones_of_unlike_level_are_a_pair_within_the_twist_only() {
        let with = |low: f64, high: f64| heard(&pair_of((770.0, low), (1336.0, high), 100), 8000);
        assert_eq!(with(-10.0, -10.0), "5");
        assert_eq!(with(-13.0, -8.0), "5");
        assert_eq!(with(-8.0, -15.0), "5");
        assert_eq!(with(-30.0, -30.0), "5");
        assert_eq!(with(-18.0, -8.0), "");
        assert_eq!(with(-8.0, -20.0), "");
        assert_eq!(with(-45.0, -45.0), "");
    }

    #[test]
    fn what_is_too_short_is_no_key_and_a_short_gap_does_not_split_one() {
        assert_eq!(heard(&dialed("5", 22, 100, 8000), 8000), "");
        let mut key = dialed("5", 200, 0, 8000);
        key[700..760].fill(0);
        assert_eq!(heard(&key, 8000), "5");
    }

    #[test]
    fn single_tones_call_progress_and_noise_are_no_keys() {
        let mut random = Random::new(1);
        for hz in (300..3400).step_by(13) {
            assert_eq!(
                heard(&pair_of((f64::from(hz), -10.0), (1.0, -90.0), 300), 8000),
                "",
                "{hz}"
            );
        }
        for (low, high) in [
            (350.0, 440.0),
            (440.0, 480.0),
            (480.0, 620.0),
            (1100.0, 2100.0),
        ] {
            assert_eq!(heard(&pair_of((low, -13.0), (high, -13.0), 2000), 8000), "");
        }
        let mut samples = vec![0; 8000 * 600];
        noise(&mut random, &mut samples, -10.0);
        assert_eq!(heard(&samples, 8000), "", "ten minutes of noise");
    }

    /// Voices by a source of pulses and three resonances that wander from vowel to vowel.
    fn voices(seconds: usize) -> Vec<i16> {
        let mut random = Random::new(77);
        let mut out = Vec::with_capacity(seconds * 8000);
        let mut states = [[0.0f64; 2]; 3];
        let mut phase = 0.0;
        while out.len() < seconds * 8000 {
            let pitch = 80.0 + 180.0 * random.unit();
            let glide = 0.7 + 0.6 * random.unit();
            let formants = [
                250.0 + 650.0 * random.unit(),
                800.0 + 1500.0 * random.unit(),
                2200.0 + 1000.0 * random.unit(),
            ];
            let length = 400 + random.below(2400) as usize;
            let breath = 0.02 + 0.1 * random.unit();
            for n in 0..length {
                phase += pitch * (1.0 + (glide - 1.0) * n as f64 / length as f64) / 8000.0;
                let mut source = breath * (random.unit() - 0.5);
                if phase >= 1.0 {
                    phase -= 1.0;
                    source += 1.0;
                }
                let mut sum = 0.0;
                for (state, hz) in states.iter_mut().zip(formants) {
                    let radius = (-std::f64::consts::PI * (60.0 + hz * 0.04) / 8000.0).exp();
                    let turn = (std::f64::consts::TAU * hz / 8000.0).cos();
                    let next = source + 2.0 * radius * turn * state[0] - radius * radius * state[1];
                    *state = [next, state[0]];
                    sum += next * 300.0 / hz;
                }
                let swell = (std::f64::consts::PI * n as f64 / length as f64).sin();
                out.push((sum * swell * 6000.0).clamp(-32768.0, 32767.0) as i16);
            }
        }
        out
    }

    /// Chords of pure and of rich notes, each with other lengths.
    fn music(seconds: usize) -> Vec<i16> {
        let mut random = Random::new(78);
        let mut out = Vec::with_capacity(seconds * 8000);
        while out.len() < seconds * 8000 {
            let length = 800 + random.below(6400) as usize;
            let rich = random.chance(0.7);
            let notes: Vec<f64> = (0..1 + random.below(4))
                .map(|_| 110.0 * 2f64.powf(random.below(40) as f64 / 12.0))
                .collect();
            for n in 0..length {
                let time = n as f64 / 8000.0;
                let note = |hz: f64| -> f64 {
                    let partials = if rich { 5 } else { 1 };
                    (1..=partials)
                        .map(|k| f64::from(k) * hz)
                        .filter(|hz| *hz < 3600.0)
                        .map(|partial| {
                            (std::f64::consts::TAU * partial * time).sin() * hz / partial
                        })
                        .sum()
                };
                let sum: f64 = notes.iter().map(|&hz| note(hz)).sum();
                let fade = (-3.0 * time).exp();
                out.push((sum * fade * 4000.0).clamp(-32768.0, 32767.0) as i16);
            }
        }
        out
    }

    #[test]
    fn half_an_hour_of_voices_and_as_much_music_are_no_keys() {
        let talk = heard(&voices(1800), 8000);
        assert!(talk.is_empty(), "{talk}");
        // Of 10,000 chords a few are two notes that are a key, and no ear could tell them from it.
        let played = heard(&music(1800), 8000);
        assert!(played.len() <= 5, "{played}");
    }

    #[test]
    fn what_is_no_key_cannot_be_dialed() {
        assert!(Dialer::new("12x", 100, 100, 8000).is_none());
        assert!(Dialer::new("", 100, 100, 8000).unwrap().is_done());
    }
}
