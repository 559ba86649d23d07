//! How good a leg's sound is: what its thread measures now and then, and what follows from it for whoever asks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rtp::loss::Pattern;
use rtp::quality::{Impairment, mos, rating};

/// What a thread knows of a leg beside its counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    pub pattern: Pattern,
    /// Milliseconds of a packet of the party's.
    pub packet_ms: f64,
    /// How the party's codec stands losses.
    pub codec: Impairment,
    /// Where the sound is decoded: packets that came too late, what was made up, the mean time in the buffer.
    pub late: u64,
    pub concealed_ms: u64,
    pub buffer_ms: Option<f64>,
    pub round_trip_ms: Option<f64>,
    /// The share that the party lost of late of what it was sent.
    pub party_lost: Option<f64>,
    /// Of the packets that were looked at, the share louder than silence.
    pub sound: Option<f64>,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            pattern: Pattern::default(),
            packet_ms: 20.0,
            codec: Impairment::G711,
            late: 0,
            concealed_ms: 0,
            buffer_ms: None,
            round_trip_ms: None,
            party_lost: None,
            sound: None,
        }
    }
}

/// Where the sound is passed on, the phone's jitter buffer is taken to be twice the jitter, and a packet.
const PHONE_BUFFER: f64 = 2.0;

impl Measures {
    /// R of what comes from the party (ITU-T G.107), given the jitter in milliseconds.
    pub fn rating(&self, jitter_ms: f64) -> f64 {
        let packets = f64::from(self.pattern.packets).max(1.0);
        let lost = (f64::from(self.pattern.lost) + self.late as f64) / packets;
        let buffer = self
            .buffer_ms
            .unwrap_or(PHONE_BUFFER * jitter_ms + self.packet_ms);
        let delay = self.round_trip_ms.unwrap_or_default() / 2.0 + buffer + self.packet_ms;
        rating(self.codec, lost, self.pattern.burst_ratio, delay)
    }

    fn to_words(self) -> [f64; WORDS] {
        let Pattern {
            packets,
            lost,
            bursts,
            burst_density,
            gap_density,
            burst_packets,
            gap_packets,
            burst_ratio,
        } = self.pattern;
        let none = f64::NAN;
        [
            f64::from(packets),
            f64::from(lost),
            f64::from(bursts),
            burst_density,
            gap_density,
            burst_packets,
            gap_packets,
            burst_ratio,
            self.packet_ms,
            self.codec.equipment,
            self.codec.robustness,
            self.late as f64,
            self.concealed_ms as f64,
            self.buffer_ms.unwrap_or(none),
            self.round_trip_ms.unwrap_or(none),
            self.party_lost.unwrap_or(none),
            self.sound.unwrap_or(none),
        ]
    }

    fn from_words(words: [f64; WORDS]) -> Self {
        let some = |word: f64| Some(word).filter(|word| !word.is_nan());
        Self {
            pattern: Pattern {
                packets: words[0] as u32,
                lost: words[1] as u32,
                bursts: words[2] as u32,
                burst_density: words[3],
                gap_density: words[4],
                burst_packets: words[5],
                gap_packets: words[6],
                burst_ratio: words[7],
            },
            packet_ms: words[8],
            codec: Impairment {
                equipment: words[9],
                robustness: words[10],
            },
            late: words[11] as u64,
            concealed_ms: words[12] as u64,
            buffer_ms: some(words[13]),
            round_trip_ms: some(words[14]),
            party_lost: some(words[15]),
            sound: some(words[16]),
        }
    }
}

const WORDS: usize = 17;

/// Measures that one thread writes and any may read. A reader may see some of them older than others: each is right by
/// itself.
pub struct MeasuresCell([AtomicU64; WORDS]);

impl Default for MeasuresCell {
    fn default() -> Self {
        let cell = Self(std::array::from_fn(|_| AtomicU64::new(0)));
        cell.set(Measures::default());
        cell
    }
}

impl MeasuresCell {
    pub fn set(&self, measures: Measures) {
        for (cell, word) in self.0.iter().zip(measures.to_words()) {
            cell.store(word.to_bits(), Relaxed);
        }
    }

    pub fn get(&self) -> Measures {
        Measures::from_words(std::array::from_fn(|at| {
            f64::from_bits(self.0[at].load(Relaxed))
        }))
    }
}

/// Legs that ended, by what users say of such sound (G.107 annex B, table B.1), and their packets that were not heard.
#[derive(Default)]
pub struct Judged {
    ratings: [AtomicU64; RATINGS.len()],
    lost: AtomicU64,
    late: AtomicU64,
}

/// The least R of each, and what users are.
pub const RATINGS: [(f64, &str); 5] = [
    (90.0, "very satisfied"),
    (80.0, "satisfied"),
    (70.0, "some dissatisfied"),
    (60.0, "many dissatisfied"),
    (0.0, "nearly all dissatisfied"),
];

impl Judged {
    /// A leg has ended. Without a rating nothing came from its party.
    pub fn add(&self, r: Option<f64>, lost: u64, late: u64) {
        let Some(r) = r else { return };
        if let Some(at) = RATINGS.iter().position(|(least, _)| r >= *least) {
            self.ratings[at].fetch_add(1, Relaxed);
        }
        self.lost.fetch_add(lost, Relaxed);
        self.late.fetch_add(late, Relaxed);
    }

    pub fn ratings(&self) -> [u64; RATINGS.len()] {
        std::array::from_fn(|at| self.ratings[at].load(Relaxed))
    }

    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    pub fn late(&self) -> u64 {
        self.late.load(Relaxed)
    }
}

/// The score of a rating.
pub fn score(r: f64) -> f64 {
    mos(r)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_survive_their_cell() {
        let cell = MeasuresCell::default();
        assert_eq!(cell.get(), Measures::default());
        let measures = Measures {
            pattern: Pattern {
                packets: 1,
                lost: 2,
                bursts: 3,
                burst_density: 0.4,
                gap_density: 0.5,
                burst_packets: 6.0,
                gap_packets: 7.0,
                burst_ratio: 8.0,
            },
            packet_ms: 30.0,
            codec: Impairment::G729,
            late: 9,
            concealed_ms: 10,
            buffer_ms: Some(11.0),
            round_trip_ms: Some(12.0),
            party_lost: Some(0.13),
            sound: Some(0.0),
        };
        cell.set(measures);
        assert_eq!(cell.get(), measures);
    }

    #[test]
    fn loss_lateness_and_delay_lower_the_rating() {
        let well = Measures {
            pattern: Pattern {
                packets: 1000,
                burst_ratio: 1.0,
                ..Pattern::default()
            },
            ..Measures::default()
        };
        let best = well.rating(1.0);
        assert!(best > 91.0, "{best}");
        let late = Measures { late: 20, ..well };
        assert!((best - late.rating(1.0) - 7.0).abs() < 0.1, "two percent");
        let far = Measures {
            round_trip_ms: Some(600.0),
            ..well
        };
        assert!(far.rating(1.0) < 80.0);
        let judged = Judged::default();
        judged.add(Some(best), 0, 0);
        judged.add(Some(12.0), 5, 6);
        judged.add(None, 7, 8);
        assert_eq!(judged.ratings(), [1, 0, 0, 0, 1]);
        assert_eq!((judged.lost(), judged.late()), (5, 6));
    }
}
