//! A seeded bad network: loss, duplication, reordering, delay. No I/O.

/// SplitMix64: small, quick, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Evenly in 0..1.
    #[allow(clippy::cast_precision_loss)]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Evenly in 0..bound; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.next_u64() % bound
        }
    }

    /// True with a probability of 0..1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}

/// What a network does to packets. Probabilities 0..1; times in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub loss: f64,
    pub duplicate: f64,
    pub reorder: f64,
    pub delay: f64,
    pub jitter: f64,
}

/// How long a reordered packet is held back on a network that has no delay of its own.
const HOLD_BACK: f64 = 0.02;

/// One direction of a network between two points. Same seed, same fate for every packet.
#[derive(Clone, Debug)]
pub struct Netem {
    faults: Faults,
    random: Random,
}

impl Netem {
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self {
            faults,
            random: Random::new(seed),
        }
    }

    /// When a packet that is sent now arrives: never, once, or twice.
    pub fn send(&mut self, now: f64) -> Arrivals {
        // Always as many draws a packet, so that one fault's rate does not change the others' fate.
        let lost = self.random.chance(self.faults.loss);
        let twice = self.random.chance(self.faults.duplicate);
        let first = self.arrival(now);
        let second = self.arrival(now);
        Arrivals {
            times: [(!lost).then_some(first), (!lost && twice).then_some(second)],
        }
    }

    fn arrival(&mut self, now: f64) -> f64 {
        let held = self.random.chance(self.faults.reorder);
        let jitter = self.random.unit() * self.faults.jitter;
        let hold = self.random.unit();
        let travel = self.faults.delay + jitter;
        // Held back long enough for later packets to pass it.
        now + travel
            + if held {
                (travel + HOLD_BACK) * (1.0 + hold)
            } else {
                0.0
            }
    }
}

/// The times at which one packet arrives.
#[derive(Clone, Copy, Debug)]
pub struct Arrivals {
    times: [Option<f64>; 2],
}

impl Iterator for Arrivals {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        self.times.iter_mut().find_map(Option::take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_every_packet_the_same_fate() {
        let faults = Faults {
            loss: 0.3,
            duplicate: 0.2,
            reorder: 0.3,
            delay: 0.05,
            jitter: 0.02,
        };
        let fates = |seed| {
            let mut netem = Netem::new(seed, faults);
            (0..1000u32)
                .map(|packet| netem.send(f64::from(packet)).collect())
                .collect::<Vec<Vec<f64>>>()
        };
        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
    }

    #[test]
    fn rates_are_as_asked_for() {
        let mut netem = Netem::new(
            1,
            Faults {
                loss: 0.3,
                duplicate: 0.1,
                ..Faults::default()
            },
        );
        let arrivals: Vec<usize> = (0..10_000).map(|_| netem.send(0.0).count()).collect();
        let lost = arrivals.iter().filter(|&&count| count == 0).count();
        let twice = arrivals.iter().filter(|&&count| count == 2).count();
        assert!((2_800..3_200).contains(&lost), "{lost}");
        assert!((600..800).contains(&twice), "{twice}");
    }

    #[test]
    fn without_faults_a_packet_arrives_once_after_the_delay() {
        let mut netem = Netem::new(
            1,
            Faults {
                delay: 0.25,
                ..Faults::default()
            },
        );
        assert_eq!(netem.send(1.0).collect::<Vec<_>>(), [1.25]);
    }

    #[test]
    fn a_reordered_packet_is_passed_by_later_ones() {
        let mut netem = Netem::new(
            3,
            Faults {
                reorder: 0.5,
                ..Faults::default()
            },
        );
        let times: Vec<f64> = (0..100)
            .flat_map(|packet| netem.send(f64::from(packet) * 0.001))
            .collect();
        assert!(times.windows(2).any(|pair| pair[0] > pair[1]));
    }
}
