//! How losses lie in a stream: alone, or in bursts (RFC 3611 section 4.7.2).

/// So many packets in a row that came end a burst: Gmin, as RFC 3611 recommends.
pub const GMIN: u32 = 16;

/// Learns of each packet in the order of the stream whether it came in time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Losses {
    /// Packets that came, since the last loss.
    came: u32,
    /// Losses with fewer than [`GMIN`] packets between them, and the packets from the first to the last of them.
    cluster: Span,
    bursts: u32,
    burst: Span,
    gap: Span,
    lost: u32,
    /// Losses of several packets in a row count once.
    runs: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    packets: u32,
    lost: u32,
}

/// What the losses of a stream are like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pattern {
    pub packets: u32,
    pub lost: u32,
    pub bursts: u32,
    /// The share of packets lost within bursts and in the gaps between them, 0 to 1.
    pub burst_density: f64,
    pub gap_density: f64,
    /// Packets in the mean burst and the mean gap.
    pub burst_packets: f64,
    pub gap_packets: f64,
    /// BurstR of ITU-T G.107 section 3.5: 1 where losses are random, more where they come together.
    pub burst_ratio: f64,
}

impl Losses {
    #[inline]
    pub fn came(&mut self) {
        self.came += 1;
    }

    pub fn lost(&mut self) {
        self.lost += 1;
        self.runs += u32::from(self.came > 0 || self.cluster.packets == 0);
        if self.cluster.packets > 0 && self.came < GMIN {
            self.cluster.packets += self.came + 1;
            self.cluster.lost += 1;
        } else {
            self.close();
            self.gap.packets += self.came;
            self.cluster = Span {
                packets: 1,
                lost: 1,
            };
        }
        self.came = 0;
    }

    pub fn count(&self) -> u32 {
        self.lost
    }

    /// The losses so far are complete: one alone belongs to the gap around it.
    fn close(&mut self) {
        let cluster = std::mem::take(&mut self.cluster);
        let of = if cluster.lost > 1 {
            self.bursts += 1;
            &mut self.burst
        } else {
            &mut self.gap
        };
        of.packets += cluster.packets;
        of.lost += cluster.lost;
    }

    pub fn pattern(&self) -> Pattern {
        let mut whole = *self;
        whole.close();
        // What came behind the last loss is of the gap, however short.
        whole.gap.packets += whole.came;
        let packets = whole.burst.packets + whole.gap.packets;
        let share = |part: u32, of: u32| f64::from(part) / f64::from(of.max(1));
        let lost = share(whole.lost, packets);
        Pattern {
            packets,
            lost: whole.lost,
            bursts: whole.bursts,
            burst_density: share(whole.burst.lost, whole.burst.packets),
            gap_density: share(whole.gap.lost, whole.gap.packets),
            burst_packets: share(whole.burst.packets, whole.bursts),
            gap_packets: share(whole.gap.packets, whole.bursts + 1),
            // The mean run of losses beside that of random loss, 1 / (1 - lost).
            burst_ratio: if whole.runs == 0 {
                1.0
            } else {
                (share(whole.lost, whole.runs) * (1.0 - lost)).max(1.0)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netem::Random;

    /// x is lost, anything else came.
    fn pattern(stream: &str) -> Pattern {
        let mut losses = Losses::default();
        for packet in stream.chars() {
            match packet {
                'x' => losses.lost(),
                _ => losses.came(),
            }
        }
        losses.pattern()
    }

    fn came(packets: usize) -> String {
        ".".repeat(packets)
    }

    #[test]
    fn nothing_lost_is_one_gap() {
        let pattern = pattern(&came(100));
        assert_eq!((pattern.packets, pattern.lost, pattern.bursts), (100, 0, 0));
        assert_eq!((pattern.gap_packets, pattern.burst_ratio), (100.0, 1.0));
        assert_eq!(Losses::default().pattern().packets, 0);
    }

    #[test]
    fn a_loss_alone_is_no_burst() {
        let pattern = pattern(&format!("{}x{}x{}", came(20), came(16), came(20)));
        assert_eq!((pattern.lost, pattern.bursts), (2, 0));
        assert!((pattern.gap_density - 2.0 / 58.0).abs() < 1e-9);
    }

    #[test]
    fn losses_near_each_other_are_a_burst_from_the_first_to_the_last() {
        let pattern = pattern(&format!("{}x{}xx{}", came(40), came(15), came(40)));
        assert_eq!((pattern.packets, pattern.lost, pattern.bursts), (98, 3, 1));
        assert_eq!(pattern.burst_packets, 18.0);
        assert!((pattern.burst_density - 3.0 / 18.0).abs() < 1e-9);
        assert_eq!((pattern.gap_density, pattern.gap_packets), (0.0, 40.0));
    }

    #[test]
    fn a_stream_may_begin_and_end_within_a_burst() {
        let pattern = pattern(&format!("xx{}xx", came(30)));
        assert_eq!((pattern.packets, pattern.lost, pattern.bursts), (34, 4, 2));
        assert_eq!(pattern.burst_density, 1.0);
    }

    #[test]
    fn random_losses_have_a_burst_ratio_of_one_and_bursty_ones_more() {
        let mut random = Random::new(1);
        let mut losses = Losses::default();
        for _ in 0..100_000 {
            if random.chance(0.1) {
                losses.lost();
            } else {
                losses.came();
            }
        }
        let ratio = losses.pattern().burst_ratio;
        assert!((0.98..1.03).contains(&ratio), "{ratio}");
        let bursty = pattern(&format!("{}xxxxx", came(95)).repeat(50));
        assert!((bursty.burst_ratio - 5.0 * 0.95).abs() < 0.01, "{bursty:?}");
    }
}
