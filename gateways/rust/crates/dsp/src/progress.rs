//! What a telephone network says by tones: ringing, busy, congestion, special information; made and recognised.

use crate::Tone;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    RingBack,
    Busy,
    Congestion,
    /// Three rising tones before an announcement that the number cannot be reached.
    SpecialInformation,
}

/// The tones of a country: frequencies in Hz, and milliseconds of sound and silence in turn.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plan {
    country: &'static str,
    ring_back: Pattern,
    busy: Pattern,
    congestion: Pattern,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pattern {
    /// The second one 0: a single tone.
    hz: [f64; 2],
    cadence: &'static [u32],
}

const fn tone(hz: f64, cadence: &'static [u32]) -> Pattern {
    Pattern {
        hz: [hz, 0.0],
        cadence,
    }
}

const fn pair(low: f64, high: f64, cadence: &'static [u32]) -> Pattern {
    Pattern {
        hz: [low, high],
        cadence,
    }
}

const fn plan(
    country: &'static str,
    ring_back: Pattern,
    busy: Pattern,
    congestion: Pattern,
) -> Plan {
    Plan {
        country,
        ring_back,
        busy,
        congestion,
    }
}

const BRITISH: &[u32] = &[400, 200, 400, 2000];
const ONE_FOUR: &[u32] = &[1000, 4000];
const HALF: &[u32] = &[500, 500];
const QUARTER: &[u32] = &[250, 250];

/// By ISO 3166 codes. ITU-T E.180 supplement 2, "Various tones used in national networks" (01/1994), the first of each
/// country's variants. Where Japan rings with 400 Hz that 16 Hz modulate, the tone alone is made.
const PLANS: [Plan; 16] = [
    plan(
        "AU",
        pair(413.0, 438.0, BRITISH),
        tone(425.0, &[375, 375]),
        tone(425.0, &[375, 375]),
    ),
    plan(
        "BR",
        tone(425.0, ONE_FOUR),
        tone(425.0, QUARTER),
        tone(425.0, &[250, 250, 750, 250]),
    ),
    plan(
        "CN",
        tone(450.0, ONE_FOUR),
        tone(450.0, &[350, 350]),
        tone(450.0, &[700, 700]),
    ),
    plan(
        "DE",
        tone(425.0, ONE_FOUR),
        tone(425.0, &[480, 480]),
        tone(425.0, &[240, 240]),
    ),
    plan(
        "ES",
        tone(425.0, &[1500, 3000]),
        tone(425.0, &[200, 200]),
        tone(425.0, &[200, 200, 200, 200, 200, 600]),
    ),
    plan(
        "FR",
        tone(440.0, &[1500, 3500]),
        tone(440.0, HALF),
        tone(440.0, QUARTER),
    ),
    plan(
        "GB",
        pair(400.0, 450.0, BRITISH),
        tone(400.0, &[375, 375]),
        tone(400.0, &[400, 350, 225, 525]),
    ),
    plan(
        "IN",
        tone(400.0, BRITISH),
        tone(400.0, &[750, 750]),
        tone(400.0, QUARTER),
    ),
    plan(
        "IT",
        tone(425.0, ONE_FOUR),
        tone(425.0, HALF),
        tone(425.0, &[200, 200]),
    ),
    plan(
        "JP",
        tone(400.0, &[1000, 2000]),
        tone(400.0, HALF),
        tone(400.0, HALF),
    ),
    plan(
        "KR",
        pair(440.0, 480.0, &[1000, 2000]),
        pair(480.0, 620.0, HALF),
        pair(480.0, 620.0, &[300, 200]),
    ),
    plan(
        "MX",
        tone(425.0, ONE_FOUR),
        tone(425.0, QUARTER),
        tone(425.0, QUARTER),
    ),
    plan(
        "NL",
        tone(425.0, ONE_FOUR),
        tone(425.0, HALF),
        tone(425.0, QUARTER),
    ),
    plan(
        "RU",
        tone(425.0, &[800, 3200]),
        tone(425.0, &[400, 400]),
        tone(425.0, &[200, 200]),
    ),
    plan(
        "SE",
        tone(425.0, &[1000, 5000]),
        tone(425.0, QUARTER),
        tone(425.0, &[250, 750]),
    ),
    plan(
        "US",
        pair(440.0, 480.0, &[2000, 4000]),
        pair(480.0, 620.0, HALF),
        pair(480.0, 620.0, QUARTER),
    ),
];

/// ITU-T E.180 section 7: the same everywhere, 330 ms each, then a second of silence.
const SPECIAL: [f64; 3] = [950.0, 1400.0, 1800.0];
const SPECIAL_MS: u32 = 330;
const SPECIAL_PAUSE: u32 = 1000;

/// Each tone, in dBm0: E.180 section 8 recommends -10 for one, -5 to -15 being allowed.
const LEVEL: f64 = -13.0;

/// The countries whose tones are known, by ISO 3166.
pub fn countries() -> impl Iterator<Item = &'static str> {
    PLANS.iter().map(|plan| plan.country)
}

/// Whether a country's tones are known.
pub fn knows(country: &str) -> bool {
    plan_of(country).is_some()
}

fn plan_of(country: &str) -> Option<&'static Plan> {
    PLANS
        .iter()
        .find(|plan| plan.country.eq_ignore_ascii_case(country))
}

impl Plan {
    fn pattern(&self, signal: Signal) -> Option<Pattern> {
        match signal {
            Signal::RingBack => Some(self.ring_back),
            Signal::Busy => Some(self.busy),
            Signal::Congestion => Some(self.congestion),
            Signal::SpecialInformation => None,
        }
    }
}

/// One round of a signal's sound, to be repeated. None: the country's tones are not known.
pub fn sound(country: &str, signal: Signal, rate: u32) -> Option<Vec<i16>> {
    let plan = plan_of(country)?;
    let mut sound = Vec::new();
    let samples = |ms: u32| (ms * (rate / 1000)) as usize;
    let mut add = |hz: [f64; 2], ms: u32| {
        let mut tones: Vec<Tone> = hz
            .into_iter()
            .filter(|&hz| hz > 0.0)
            .map(|hz| Tone::new(hz, LEVEL, rate))
            .collect();
        sound.extend((0..samples(ms)).map(|_| {
            let sum: i32 = tones
                .iter_mut()
                .map(|tone| i32::from(tone.next_sample()))
                .sum();
            sum.clamp(-32768, 32767) as i16
        }));
    };
    match plan.pattern(signal) {
        Some(pattern) => {
            for (n, &ms) in pattern.cadence.iter().enumerate() {
                add(if n % 2 == 0 { pattern.hz } else { [0.0; 2] }, ms);
            }
        }
        None => {
            for hz in SPECIAL {
                add([hz, 0.0], SPECIAL_MS);
            }
            add([0.0; 2], SPECIAL_PAUSE);
        }
    }
    Some(sound)
}

mod recognition;
pub use recognition::Detector;
