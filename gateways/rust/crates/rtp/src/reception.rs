//! How well a source is heard: sequence, loss and jitter (RFC 3550 sections A.1, A.3 and A.8).

use crate::loss::{Losses, Pattern};
use crate::packet::Header;

/// Section A.1: packets in order before a source is believed ...
const MIN_SEQUENTIAL: u32 = 2;
/// ... a jump forward that is still loss and no restart ...
const MAX_DROPOUT: u16 = 3000;
/// ... and a jump backward that is still reordering.
const MAX_MISORDER: u16 = 100;

/// Packets that may still come late before a missing one counts as lost for the pattern.
const WINDOW: u32 = 32;

/// What was heard from one party, over all the sources (SSRCs) it used one after another.
#[derive(Debug, Default)]
pub struct Reception {
    source: Option<Source>,
    /// Of earlier sources.
    lost_before: i64,
    losses: Losses,
}

#[derive(Debug)]
struct Source {
    ssrc: u32,
    base: u32,
    highest: u16,
    cycles: u32,
    received: u32,
    /// Lost before a restart.
    lost_before: i64,
    /// Packets in order still wanted before the source is believed.
    probation: u32,
    /// The number that would prove that the sender restarted (`bad_seq` of section A.1).
    restart: Option<u16>,
    /// Which of the newest packets came, the newest the lowest bit, and how many are looked at.
    came: u32,
    looked_at: u32,
    transit: Option<u32>,
    /// In timestamp units, times 16.
    jitter: u32,
    expected_before: u32,
    received_before: u32,
}

/// What a report block says of the interval since the last one (section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub ssrc: u32,
    /// In 256ths.
    pub fraction_lost: u8,
    pub highest: u32,
}

impl Reception {
    /// A packet has come. `arrival` is its time in units of the stream's clock, from any start; None where that
    /// clock is unknown: then jitter is not measured.
    pub fn receive(&mut self, header: &Header, arrival: Option<u32>) {
        let source = match &mut self.source {
            Some(source) if source.ssrc == header.ssrc => source,
            other => {
                if let Some(old) = other {
                    self.lost_before += old.lost();
                    old.settle(&mut self.losses);
                }
                other.insert(Source::new(header))
            }
        };
        if source.update(header.sequence, &mut self.losses) {
            if let Some(arrival) = arrival {
                source.measure(arrival.wrapping_sub(header.timestamp));
            }
        }
    }

    /// Packets that should have come and did not (section A.3). Duplicates can make it negative.
    pub fn lost(&self) -> i64 {
        self.lost_before + self.source.as_ref().map_or(0, Source::lost)
    }

    /// The source that is heard now.
    pub fn ssrc(&self) -> Option<u32> {
        self.source.as_ref().map(|source| source.ssrc)
    }

    /// How the losses lie in the stream.
    pub fn pattern(&self) -> Pattern {
        let mut losses = self.losses;
        if let Some(source) = &self.source {
            source.settle(&mut losses);
        }
        losses.pattern()
    }

    /// Packets that have come from the present source.
    pub fn received(&self) -> u32 {
        self.source.as_ref().map_or(0, |source| source.received)
    }

    /// Losses of the pattern so far: it has changed when they have.
    pub fn losses(&self) -> u32 {
        self.losses.count()
    }

    /// Interarrival jitter in timestamp units (section A.8).
    pub fn jitter(&self) -> u32 {
        self.source.as_ref().map_or(0, |source| source.jitter >> 4)
    }

    /// What to report of the time since the last call; None when no source is believed.
    pub fn interval(&mut self) -> Option<Interval> {
        let source = self
            .source
            .as_mut()
            .filter(|source| source.probation == 0)?;
        let expected = source.expected();
        let expected_now = expected.wrapping_sub(source.expected_before);
        let received_now = source.received.wrapping_sub(source.received_before);
        source.expected_before = expected;
        source.received_before = source.received;
        let lost = i64::from(expected_now) - i64::from(received_now);
        let fraction_lost = if expected_now == 0 || lost <= 0 {
            0
        } else {
            u8::try_from((lost << 8) / i64::from(expected_now)).unwrap_or(u8::MAX)
        };
        Some(Interval {
            ssrc: source.ssrc,
            fraction_lost,
            highest: source.cycles.wrapping_add(u32::from(source.highest)),
        })
    }
}

impl Source {
    fn new(header: &Header) -> Self {
        Self {
            ssrc: header.ssrc,
            base: u32::from(header.sequence),
            highest: header.sequence.wrapping_sub(1),
            cycles: 0,
            received: 0,
            lost_before: 0,
            probation: MIN_SEQUENTIAL,
            restart: None,
            came: 0,
            looked_at: 0,
            transit: None,
            jitter: 0,
            expected_before: 0,
            received_before: 0,
        }
    }

    fn begin(&mut self, sequence: u16) {
        self.base = u32::from(sequence);
        self.highest = sequence;
        self.restart = None;
        self.cycles = 0;
        self.received = 0;
        self.expected_before = 0;
        self.received_before = 0;
    }

    /// Section A.1 `update_seq`. Whether the packet counts.
    fn update(&mut self, sequence: u16, losses: &mut Losses) -> bool {
        let ahead = sequence.wrapping_sub(self.highest);
        if self.probation > 0 {
            if ahead == 1 {
                self.probation -= 1;
                self.highest = sequence;
                if self.probation == 0 {
                    // Unlike section A.1 the packets of the probation count: they have been passed on.
                    self.begin(sequence.wrapping_sub(MIN_SEQUENTIAL as u16 - 1));
                    self.highest = sequence;
                    self.received = MIN_SEQUENTIAL;
                    self.came = 0b11;
                    self.looked_at = MIN_SEQUENTIAL;
                    if u32::from(self.highest) < self.base {
                        self.cycles = 1 << 16;
                    }
                    return true;
                }
            } else {
                self.probation = MIN_SEQUENTIAL - 1;
                self.highest = sequence;
            }
            return false;
        }
        if ahead < MAX_DROPOUT {
            if sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.highest = sequence;
            self.move_on(ahead, losses);
        } else if ahead <= u16::MAX - MAX_MISORDER {
            // A very large jump: only a second packet in order proves that the sender restarted.
            if self.restart == Some(sequence) {
                self.settle(losses);
                self.lost_before = self.lost();
                self.begin(sequence);
                self.came = 1;
                self.looked_at = 1;
            } else {
                self.restart = Some(sequence.wrapping_add(1));
                return false;
            }
        } else {
            let back = u32::from(self.highest.wrapping_sub(sequence));
            if back < self.looked_at {
                self.came |= 1 << back;
            }
        }
        self.received = self.received.wrapping_add(1);
        true
    }

    /// The newest packet is so many ahead of the one before: those that fall out of the window came or are lost.
    #[inline]
    fn move_on(&mut self, ahead: u16, losses: &mut Losses) {
        for _ in 0..ahead {
            if self.looked_at < WINDOW {
                self.looked_at += 1;
            } else if self.came >> (WINDOW - 1) == 1 {
                losses.came();
            } else {
                losses.lost();
            }
            self.came <<= 1;
        }
        self.came |= u32::from(ahead > 0);
    }

    /// Nothing more comes of what is in the window.
    fn settle(&self, losses: &mut Losses) {
        for back in (0..self.looked_at).rev() {
            if self.came & 1 << back != 0 {
                losses.came();
            } else {
                losses.lost();
            }
        }
    }

    /// Section A.8, with the estimate scaled by 16 to keep its fraction.
    fn measure(&mut self, transit: u32) {
        if let Some(before) = self.transit {
            let change = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A sender that skips time between words is not late: a minute of RTP time says nothing of the network.
            if change < 8000 * 60 {
                self.jitter = self.jitter.saturating_add(change) - ((self.jitter + 8) >> 4);
            }
        }
        self.transit = Some(transit);
    }

    fn expected(&self) -> u32 {
        self.cycles
            .wrapping_add(u32::from(self.highest))
            .wrapping_sub(self.base)
            .wrapping_add(1)
    }

    fn lost(&self) -> i64 {
        if self.probation > 0 {
            return 0;
        }
        self.lost_before + i64::from(self.expected()) - i64::from(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc,
        }
    }

    fn heard(sequences: impl IntoIterator<Item = u16>) -> Reception {
        let mut reception = Reception::default();
        for sequence in sequences {
            reception.receive(&header(1, sequence, 0), None);
        }
        reception
    }

    #[test]
    fn nothing_is_lost_when_all_come() {
        assert_eq!(heard(0..100).lost(), 0);
        assert_eq!(
            heard((65_500..=u16::MAX).chain(0..100)).lost(),
            0,
            "across the wrap"
        );
        assert_eq!(
            heard([u16::MAX, 0, 1]).lost(),
            0,
            "a wrap within the probation"
        );
    }

    #[test]
    fn what_does_not_come_is_lost() {
        assert_eq!(heard((0..100).filter(|n| n % 10 != 5)).lost(), 10);
        assert_eq!(heard((65_500..=u16::MAX).chain(3..100)).lost(), 3);
    }

    #[test]
    fn reordered_packets_are_not_lost() {
        assert_eq!(heard([1, 2, 3, 5, 4, 6]).lost(), 0);
    }

    #[test]
    fn a_restarted_sender_is_believed_after_two_packets_and_its_jump_is_no_loss() {
        let reception = heard((0..10).chain([30_000]).chain(20_000..20_010));
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn one_wild_number_is_ignored() {
        assert_eq!(heard((0..10).chain([30_000]).chain(10..20)).lost(), 0);
    }

    #[test]
    fn loss_is_summed_over_sources() {
        let mut reception = heard([1, 2, 3, 5]);
        for sequence in [700, 701, 703] {
            reception.receive(&header(2, sequence, 0), None);
        }
        assert_eq!(reception.lost(), 2);
    }

    #[test]
    fn a_steady_sender_has_no_jitter() {
        let mut reception = Reception::default();
        for n in 0..50u16 {
            reception.receive(
                &header(1, n, u32::from(n) * 160),
                Some(u32::from(n) * 160 + 77),
            );
        }
        assert_eq!(reception.jitter(), 0);
    }

    #[test]
    fn jitter_converges_to_the_mean_deviation() {
        let mut reception = Reception::default();
        for n in 0..500u16 {
            let late = if n % 2 == 0 { 0 } else { 80 };
            reception.receive(
                &header(1, n, u32::from(n) * 160),
                Some(u32::from(n) * 160 + late),
            );
        }
        assert!(
            (75..=80).contains(&reception.jitter()),
            "{}",
            reception.jitter()
        );
    }

    #[test]
    fn an_interval_tells_the_share_lost_since_the_last() {
        let mut reception = heard(0..100);
        assert_eq!(reception.interval().map(|i| i.fraction_lost), Some(0));
        for sequence in (100..200).filter(|n| n % 4 != 1) {
            reception.receive(&header(1, sequence, 0), None);
        }
        let interval = reception.interval().unwrap();
        assert_eq!(
            (interval.ssrc, interval.fraction_lost, interval.highest),
            (1, 64, 199)
        );
    }

    #[test]
    fn the_pattern_has_what_was_lost_and_not_what_came_late() {
        let lost = [20u16, 50, 51, 53, 54];
        let mut order: Vec<u16> = (0..200).filter(|n| !lost.contains(n)).collect();
        order.swap(100, 103);
        let reception = heard(order.iter().map(|n| n.wrapping_add(65_480)));
        let pattern = reception.pattern();
        assert_eq!(reception.lost(), 5);
        assert_eq!((pattern.packets, pattern.lost, pattern.bursts), (200, 5, 1));
        assert_eq!(pattern.burst_packets, 5.0);
    }

    #[test]
    fn the_pattern_goes_on_over_sources_and_restarts() {
        let mut reception = heard((0..60).filter(|&n| n != 30).chain(20_000..20_060));
        for sequence in (700..760).filter(|&n| n != 730) {
            reception.receive(&header(2, sequence, 0), None);
        }
        let pattern = reception.pattern();
        assert_eq!((pattern.lost, reception.lost()), (2, 2));
        assert!((179..=180).contains(&pattern.packets), "{pattern:?}");
    }
}
