//! Who reports what, and when: one end of an RTP session (RFC 3550 section 6).

use crate::reception::Reception;
use crate::rtcp::{self, ReportBlock, Rtcp};
use crate::xr::VoipMetrics;

/// Section 6.2: seconds between reports, of which the first comes after half.
const INTERVAL: f64 = 5.0;
/// Section 6.3.1: brings the mean of the random interval back to what was computed (e - 3/2).
const COMPENSATION: f64 = 1.218_28;
/// A round trip longer than this many seconds is an error of somebody's clock.
const LONGEST_ROUND_TRIP: f64 = 10.0;
/// Sender reports that may be answered yet.
const REMEMBERED: usize = 4;

/// What we sent until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    pub ssrc: u32,
    /// Of the stream at the moment of the report.
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// How the party hears what it is sent, as it reported last.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Remote {
    /// The share lost of late, 0 to 1, and all that was lost.
    pub fraction_lost: f64,
    pub lost: i32,
    /// In timestamp units of the stream.
    pub jitter: u32,
}

/// Reads the party's reports and makes ours.
#[derive(Debug)]
pub struct Reporter {
    /// Seconds at which the next report is due.
    due: f64,
    random: u64,
    /// The newest sender report of the party: the middle of its NTP time, and when it came.
    heard: Option<(u32, f64)>,
    /// Those that the party got, likewise, newest last.
    sent: [(u32, f64); REMEMBERED],
    round_trip: Option<f64>,
    remote: Option<Remote>,
    voip: Option<VoipMetrics>,
}

impl Reporter {
    /// `seed` makes the intervals random.
    pub fn new(seed: u64, now: f64) -> Self {
        let mut reporter = Self {
            due: now,
            random: seed | 1,
            heard: None,
            sent: [(0, f64::NEG_INFINITY); REMEMBERED],
            round_trip: None,
            remote: None,
            voip: None,
        };
        reporter.due = now + reporter.interval() / 2.0;
        reporter
    }

    /// Section 6.2: 0.5 to 1.5 times the interval, so that the reports of many do not meet.
    fn interval(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let unit = (self.random >> 11) as f64 / (1u64 << 53) as f64;
        INTERVAL * (0.5 + unit) / COMPENSATION
    }

    pub fn is_due(&self, now: f64) -> bool {
        now >= self.due
    }

    /// A compound packet of the party came. False when it is none.
    pub fn receive(&mut self, data: &[u8], now: f64) -> bool {
        let Some(packets) = rtcp::parse(data) else {
            return false;
        };
        for packet in packets {
            let blocks = match packet {
                Rtcp::SenderReport { ntp, blocks, .. } => {
                    self.heard = Some((middle(ntp), now));
                    blocks
                }
                Rtcp::ReceiverReport { blocks, .. } => blocks,
                Rtcp::ExtendedReport { voip, .. } => {
                    self.voip = voip.first().copied().or(self.voip);
                    continue;
                }
                _ => continue,
            };
            // A party hears one source from us at a time.
            if let Some(block) = blocks.first() {
                self.read(block, now);
            }
        }
        true
    }

    fn read(&mut self, block: &ReportBlock, now: f64) {
        self.remote = Some(Remote {
            fraction_lost: f64::from(block.fraction_lost) / 256.0,
            lost: block.lost,
            jitter: block.jitter,
        });
        // Section 6.4.1, figure 2: the time since that sender report, less what the party kept it.
        let report = self
            .sent
            .iter()
            .find(|(middle, _)| *middle == block.last_report);
        if let Some((_, at)) = report.filter(|_| block.last_report != 0) {
            let round_trip = now - at - f64::from(block.delay) / 65_536.0;
            // The two clocks' grain may show a round trip of none as a negative one.
            if (-0.01..LONGEST_ROUND_TRIP).contains(&round_trip) {
                self.round_trip = Some(round_trip.max(0.0));
            }
        }
    }

    /// A sender report went to the party, ours or one that was passed on.
    pub fn sent(&mut self, ntp: u64, now: f64) {
        self.sent.rotate_left(1);
        self.sent[REMEMBERED - 1] = (middle(ntp), now);
    }

    /// The same, of one that another passed on: the middle of its NTP time.
    pub fn passed(&mut self, middle: u32, at: f64) {
        if self.sent[REMEMBERED - 1] != (middle, at) {
            self.sent.rotate_left(1);
            self.sent[REMEMBERED - 1] = (middle, at);
        }
    }

    /// Seconds there and back, as far as a report told it.
    pub fn round_trip(&self) -> Option<f64> {
        self.round_trip
    }

    pub fn remote(&self) -> Option<Remote> {
        self.remote
    }

    /// What the party measured of its own, if it tells it (RFC 3611).
    pub fn voip(&self) -> Option<VoipMetrics> {
        self.voip
    }

    /// Our report, as a compound packet: of what we send, if we do, and of what we hear. `own` names us where we send
    /// nothing, `ntp` is the wall clock, 32.32 bits fixed point, `name` our CNAME. Sets the time of the next one.
    pub fn make(
        &mut self,
        (own, name): (u32, &str),
        sending: Option<Sending>,
        reception: &mut Reception,
        voip: Option<VoipMetrics>,
        (now, ntp): (f64, u64),
    ) -> Vec<u8> {
        self.due = now + self.interval();
        let blocks: Vec<ReportBlock> = reception
            .interval()
            .map(|interval| {
                let (last_report, delay) = self.heard.map_or((0, 0), |(middle, at)| {
                    (middle, ((now - at).max(0.0) * 65_536.0) as u32)
                });
                ReportBlock {
                    ssrc: interval.ssrc,
                    fraction_lost: interval.fraction_lost,
                    lost: reception.lost().clamp(-0x80_0000, 0x7f_ffff) as i32,
                    highest: interval.highest,
                    jitter: reception.jitter(),
                    last_report,
                    delay,
                }
            })
            .into_iter()
            .collect();
        let report = match sending {
            Some(sending) => {
                self.sent(ntp, now);
                Rtcp::SenderReport {
                    ssrc: sending.ssrc,
                    ntp,
                    timestamp: sending.timestamp,
                    packets: sending.packets,
                    octets: sending.octets,
                    blocks,
                }
            }
            None => Rtcp::ReceiverReport { ssrc: own, blocks },
        };
        let ssrc = sending.map_or(own, |sending| sending.ssrc);
        // Section 6.1: a report first, and in each compound a CNAME.
        let mut compound = vec![
            report,
            Rtcp::SourceDescription(vec![(ssrc, Some(name.to_owned()))]),
        ];
        if let Some(metrics) = voip {
            compound.push(Rtcp::ExtendedReport {
                ssrc,
                voip: vec![metrics],
            });
        }
        rtcp::print(&compound)
    }
}

/// The middle 32 bits of an NTP time.
fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Header;

    /// 1 January 2026, and `now` seconds more.
    fn ntp(now: f64) -> u64 {
        (3_976_214_400u64 << 32) + (now * 4_294_967_296.0) as u64
    }

    fn sending(packets: u32) -> Option<Sending> {
        Some(Sending {
            ssrc: 5,
            timestamp: packets * 160,
            packets,
            octets: packets * 160,
        })
    }

    fn heard(packets: u16) -> Reception {
        let mut reception = Reception::default();
        for sequence in (0..packets).filter(|n| n % 4 != 2) {
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence,
                timestamp: u32::from(sequence) * 160,
                ssrc: 9,
            };
            reception.receive(&header, None);
        }
        reception
    }

    #[test]
    fn a_round_trip_is_what_lies_between_two_reports_less_what_the_other_end_kept_it() {
        let (mut here, mut there) = (Reporter::new(1, 0.0), Reporter::new(2, 0.0));
        let report = here.make(
            (5, "here"),
            sending(100),
            &mut Reception::default(),
            None,
            (10.0, ntp(10.0)),
        );
        assert!(there.receive(&report, 10.04));
        assert_eq!(there.round_trip(), None);
        let answer = there.make(
            (9, "there"),
            None,
            &mut heard(100),
            None,
            (12.5, ntp(999.0)),
        );
        assert!(here.receive(&answer, 12.57));
        let round_trip = here.round_trip().unwrap();
        assert!((round_trip - 0.11).abs() < 0.001, "{round_trip}");
        let remote = here.remote().unwrap();
        assert_eq!((remote.fraction_lost, remote.lost), (0.25, 25));
    }

    #[test]
    fn a_report_that_was_passed_on_tells_a_round_trip_too() {
        let mut between = Reporter::new(1, 0.0);
        between.sent(ntp(77.0), 3.0);
        let mut party = Reporter::new(2, 0.0);
        let report = Rtcp::SenderReport {
            ssrc: 1,
            ntp: ntp(77.0),
            timestamp: 0,
            packets: 0,
            octets: 0,
            blocks: vec![],
        };
        assert!(party.receive(&rtcp::print(&[report]), 3.02));
        let answer = party.make(
            (2, "party"),
            sending(1),
            &mut heard(8),
            None,
            (4.0, ntp(1.0)),
        );
        assert!(between.receive(&answer, 4.03));
        assert!((between.round_trip().unwrap() - 0.05).abs() < 0.001);
    }

    #[test]
    fn reports_of_nothing_known_and_of_false_clocks_tell_no_round_trip() {
        let mut reporter = Reporter::new(1, 0.0);
        reporter.sent(ntp(1.0), 1.0);
        for (last_report, delay) in [(0, 0), (123, 0), (middle(ntp(1.0)), u32::MAX)] {
            let block = ReportBlock {
                last_report,
                delay,
                ..ReportBlock::default()
            };
            let report = Rtcp::ReceiverReport {
                ssrc: 1,
                blocks: vec![block],
            };
            assert!(reporter.receive(&rtcp::print(&[report]), 2.0));
            assert_eq!(reporter.round_trip(), None);
        }
        assert!(!reporter.receive(b"no report", 2.0));
    }

    #[test]
    fn a_report_is_a_whole_compound_and_names_its_source() {
        let mut reporter = Reporter::new(1, 0.0);
        let metrics = crate::xr::parse(&[[7, 0, 0, 8].as_slice(), &[0; 32]].concat()).unwrap()[0];
        let bytes = reporter.make(
            (5, "a@b"),
            sending(50),
            &mut heard(50),
            Some(metrics),
            (1.0, ntp(1.0)),
        );
        let packets = rtcp::parse(&bytes).unwrap();
        let [
            Rtcp::SenderReport {
                ssrc: 5,
                packets: 50,
                blocks,
                ..
            },
            Rtcp::SourceDescription(chunks),
            Rtcp::ExtendedReport { ssrc: 5, voip },
        ] = &packets[..]
        else {
            panic!("{packets:?}");
        };
        assert_eq!(
            (blocks.len(), blocks[0].ssrc, blocks[0].last_report),
            (1, 9, 0)
        );
        assert_eq!(chunks[..], [(5, Some("a@b".to_owned()))]);
        assert_eq!(voip[..], [metrics]);
        let mut other = Reporter::new(3, 0.0);
        assert!(other.receive(&bytes, 2.0));
        assert_eq!(other.voip(), Some(metrics));
    }

    #[test]
    fn reports_come_every_five_seconds_or_so_and_never_together() {
        let mut times = Vec::new();
        for seed in [1u64 << 40 | 3, 0x1234_5678_9abc_def1] {
            let mut reporter = Reporter::new(seed, 0.0);
            let (mut now, mut last, mut count) = (0.0, 0.0, 0);
            while now < 1000.0 {
                now += 0.02;
                if reporter.is_due(now) {
                    reporter.make(
                        (1, ""),
                        None,
                        &mut Reception::default(),
                        None,
                        (now, ntp(now)),
                    );
                    let gap = now - last;
                    let least = if count == 0 { 1.0 } else { 2.05 };
                    assert!((least..6.2).contains(&gap), "{gap}");
                    last = now;
                    count += 1;
                }
            }
            assert!((225..265).contains(&count), "{count}");
            times.push(last);
        }
        assert_ne!(times[0], times[1]);
    }
}
