//! How long packets must be kept so that nearly all of them come in time.

/// Of a bin of the histogram, in seconds, and how many there are: half a second of jitter is told apart.
const BIN: f64 = 0.004;
const BINS: usize = 128;
/// The share of packets that may come too late.
const LATE: f64 = 0.02;
/// What the weight of a packet grows by with each that follows, so that the old are forgotten: half of what is known is
/// of the last 700.
const GROWTH: f64 = 1.001;
/// The weights are brought down again from here.
const HEAVY: f64 = 1e9;
/// The quickest packet of so many seconds, times `SPANS`, is what the others are measured by; clocks that drift are
/// followed that fast.
const SPAN: f64 = 2.0;
const SPANS: usize = 6;

/// Learns from each packet's transit: its arrival less its place in the stream's own time, both in seconds.
///
/// Packets are measured by how much later they come than the quickest of the last twelve seconds. A histogram of that,
/// which forgets, gives the delay within which 98 % of them come.
#[derive(Debug)]
pub struct Delay {
    /// The quickest transit of each span, the newest last.
    quickest: [Option<f64>; SPANS],
    span_ends: f64,
    base: Option<f64>,
    bins: Box<[f64; BINS]>,
    weight: f64,
    total: f64,
    /// The bin of the target, and the weight above it.
    at: usize,
    above: f64,
}

impl Delay {
    /// `start` is the target until packets have told better.
    pub fn new(start: f64) -> Self {
        let mut bins = Box::new([0.0; BINS]);
        let at = bin(start - BIN);
        bins[at] = 5.0;
        Self {
            quickest: [None; SPANS],
            span_ends: f64::NEG_INFINITY,
            base: None,
            bins,
            weight: 1.0,
            total: 5.0,
            at,
            above: 0.0,
        }
    }

    /// The transit of the quickest packet; None before the first.
    pub fn base(&self) -> Option<f64> {
        self.base
    }

    /// Seconds after the quickest within which 98 % of the packets come.
    pub fn target(&self) -> f64 {
        (self.at + 1) as f64 * BIN
    }

    pub fn observe(&mut self, transit: f64, now: f64) {
        while now >= self.span_ends {
            self.quickest.rotate_left(1);
            self.quickest[SPANS - 1] = None;
            // After a long pause nothing of before counts.
            self.span_ends = (self.span_ends + SPAN).max(now - SPAN * SPANS as f64);
        }
        let newest = &mut self.quickest[SPANS - 1];
        *newest = Some(newest.map_or(transit, |quickest| quickest.min(transit)));
        let base = self
            .quickest
            .iter()
            .flatten()
            .copied()
            .fold(f64::INFINITY, f64::min);
        self.base = Some(base);
        self.count(bin(transit - base));
    }

    fn count(&mut self, bin: usize) {
        self.bins[bin] += self.weight;
        self.total += self.weight;
        if bin > self.at {
            self.above += self.weight;
        }
        self.weight *= GROWTH;
        let share = self.total * LATE;
        while self.above > share && self.at + 1 < BINS {
            self.at += 1;
            self.above -= self.bins[self.at];
        }
        while self.at > 0 && self.above + self.bins[self.at] <= share {
            self.above += self.bins[self.at];
            self.at -= 1;
        }
        if self.weight > HEAVY {
            for weight in self.bins.iter_mut() {
                *weight /= HEAVY;
            }
            self.weight /= HEAVY;
            self.total = self.bins.iter().sum();
            self.above = self.bins[self.at + 1..].iter().sum();
        }
    }
}

fn bin(seconds: f64) -> usize {
    ((seconds / BIN) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netem::Random;

    #[test]
    fn the_target_is_what_nearly_all_packets_need() {
        for jitter in [0.0, 0.02, 0.1, 0.3] {
            let mut random = Random::new(1);
            let mut delay = Delay::new(0.04);
            for n in 0..3000u32 {
                delay.observe(5.0 + jitter * random.unit(), f64::from(n) * 0.02);
            }
            let target = delay.target();
            assert!(
                (0.96 * jitter..=jitter + 0.008).contains(&target),
                "{jitter}: {target}"
            );
            assert!((delay.base().unwrap() - 5.0).abs() < 0.003);
        }
    }

    #[test]
    fn a_network_that_becomes_quiet_is_trusted_again_and_one_that_becomes_rough_quickly_not() {
        let mut random = Random::new(1);
        let mut delay = Delay::new(0.04);
        let mut now = 0.0;
        let mut run = |jitter: f64, packets: u32| {
            for _ in 0..packets {
                now += 0.02;
                delay.observe(jitter * random.unit(), now);
            }
            delay.target()
        };
        assert!(run(0.0, 500) <= 0.008);
        assert!(run(0.2, 100) > 0.15, "two seconds are enough to see it");
        assert!(
            run(0.0, 6000) <= 0.008,
            "two minutes are enough to forget it"
        );
    }

    #[test]
    fn the_base_follows_clocks_that_drift_for_hours() {
        for drift in [-200e-6, 200e-6] {
            let mut delay = Delay::new(0.04);
            for n in 0..50 * 3600 {
                let now = f64::from(n) * 0.02;
                delay.observe(drift * now, now);
                let error = drift * now - delay.base().unwrap();
                assert!((-1e-9..0.003).contains(&error), "at {now}: {error}");
            }
            assert!(delay.target() <= 0.008);
        }
    }

    #[test]
    fn after_a_pause_the_base_is_found_anew() {
        let mut delay = Delay::new(0.04);
        delay.observe(1.0, 0.0);
        delay.observe(1.5, 3600.0);
        assert_eq!(delay.base(), Some(1.5));
    }
}
