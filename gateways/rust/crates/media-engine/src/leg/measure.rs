//! What is measured of a party's sound and of the way to it, beside counts.

use std::hash::{BuildHasher, RandomState};

use dsp::dbm0;
use dsp::g711::Law;
use rtp::Packet;
use rtp::quality::Impairment;
use rtp::reception::Reception;
use rtp::report::{Reporter, Sending};
use rtp::xr::{UNAVAILABLE, VoipMetrics};

use crate::figures::Counters;
use crate::formats::Kind;
use crate::measures::{Measures, score};
use crate::outlet::Outlet;
use crate::playout::Figures;
use crate::reporting::Reporting;

/// Measures are published with every so many packets, and with each loss.
const PUBLISHED: u32 = 64;
/// One packet in so many is looked at whether it is silence, and of it so many samples.
const LOOKED_AT: u32 = 16;
const SAMPLES: usize = 64;
/// dBm0 below which a packet is silence.
const SILENCE: f64 = -50.0;
/// Opus packets of silence are no longer than this (RFC 6716 section 2.1.9).
const OPUS_SILENCE: usize = 8;
/// RFC 3611 section 4.7.6: standard concealment, an adaptive jitter buffer.
const CONFIGURATION: u8 = 3 << 6 | 3 << 4;

pub struct Measure {
    reporter: Reporter,
    /// Who we are where we send nothing.
    ssrc: u32,
    packets: u32,
    /// Packets looked at, and those louder than silence.
    looked_at: u32,
    sounding: u32,
    losses: u32,
    /// Timestamp and number of a packet to measure the length of packets by.
    mark: Option<(u32, u32, u16)>,
    measures: Measures,
}

impl Measure {
    pub fn new(now: f64) -> Self {
        let seed = RandomState::new().hash_one(1);
        Self {
            reporter: Reporter::new(seed, now),
            ssrc: seed as u32,
            packets: 0,
            looked_at: 0,
            sounding: 0,
            losses: 0,
            mark: None,
            measures: Measures::default(),
        }
    }

    /// A packet of the party's with sound.
    #[inline]
    pub fn heard(
        &mut self,
        packet: &Packet<'_>,
        kind: &Kind,
        clock_rate: u32,
        reception: &Reception,
        counters: &Counters,
    ) {
        self.packets = self.packets.wrapping_add(1);
        if self.packets % LOOKED_AT == 1 {
            self.look_at(packet, kind, clock_rate);
        }
        if self.packets % PUBLISHED == 0
            || self.packets.is_power_of_two()
            || reception.losses() != self.losses
        {
            self.losses = reception.losses();
            self.publish(reception, counters);
        }
    }

    #[inline(never)]
    fn look_at(&mut self, packet: &Packet<'_>, kind: &Kind, clock_rate: u32) {
        let name = kind.to_string();
        self.measures.codec = Impairment::of(name.split('/').next().unwrap_or_default());
        let header = packet.header;
        if let Some((ssrc, timestamp, sequence)) = self.mark {
            let packets = header.sequence.wrapping_sub(sequence);
            let units = header.timestamp.wrapping_sub(timestamp);
            let ms = f64::from(units) * 1000.0 / f64::from(clock_rate) / f64::from(packets.max(1));
            // A pause of the sender is no long packet.
            if ssrc == header.ssrc && packets < 100 && (2.5..=120.0).contains(&ms) {
                self.measures.packet_ms = ms;
            }
        }
        self.mark = Some((header.ssrc, header.timestamp, header.sequence));
        let sounds = match kind {
            Kind::Speech(codec::Format::Pcmu) => sounds(Law::Mu, packet.payload),
            Kind::Speech(codec::Format::Pcma) => sounds(Law::A, packet.payload),
            Kind::Speech(codec::Format::Opus(_)) => packet.payload.len() > OPUS_SILENCE,
            // Others cannot be looked into without decoding them.
            _ => return,
        };
        self.looked_at += 1;
        self.sounding += u32::from(sounds);
    }

    fn publish(&mut self, reception: &Reception, counters: &Counters) {
        self.measures.pattern = reception.pattern();
        self.measures.sound =
            (self.looked_at > 0).then(|| f64::from(self.sounding) / f64::from(self.looked_at));
        counters.set_measures(self.measures);
    }

    /// What the playout did with the packets until now.
    pub fn played(&mut self, figures: Figures, counters: &Counters) {
        let packets = figures.packets;
        self.measures.late = packets.late + packets.flooded;
        self.measures.concealed_ms = figures.concealed_ms;
        self.measures.buffer_ms =
            (packets.played > 0).then(|| packets.kept * 1000.0 / packets.played as f64);
        counters.set_measures(self.measures);
    }

    /// A compound packet of the party's.
    pub fn report(&mut self, data: &[u8], now: f64, outlet: &Outlet, counters: &Counters) {
        if let Some((middle, at)) = outlet.report(now) {
            self.reporter.passed(middle, at);
        }
        self.reporter.receive(data, now);
        self.measures.round_trip_ms = self.reporter.round_trip().map(|seconds| seconds * 1000.0);
        self.measures.party_lost = self.reporter.remote().map(|remote| remote.fraction_lost);
        counters.set_measures(self.measures);
    }

    pub fn is_report_due(&self, now: f64) -> bool {
        self.reporter.is_due(now)
    }

    /// Our report.
    pub fn make_report(
        &mut self,
        sending: Option<Sending>,
        reception: &mut Reception,
        now: f64,
        reporting: &Reporting,
    ) -> Vec<u8> {
        self.measures.pattern = reception.pattern();
        // RFC 3611 section 4.7 is for those who use it.
        let voip = self
            .reporter
            .voip()
            .and_then(|_| Some(self.metrics(reception.ssrc()?)));
        let own = (self.ssrc, reporting.name.as_str());
        let at = (now, reporting.ntp(now));
        self.reporter.make(own, sending, reception, voip, at)
    }

    fn metrics(&self, ssrc: u32) -> VoipMetrics {
        let Measures {
            pattern,
            packet_ms,
            late,
            buffer_ms,
            round_trip_ms,
            ..
        } = self.measures;
        let share = |part: f64| (part * 256.0).clamp(0.0, 255.0) as u8;
        let ms = |ms: f64| ms.clamp(0.0, 65_535.0) as u16;
        let packets = f64::from(pattern.packets).max(1.0);
        let buffer = buffer_ms.unwrap_or_default();
        let r = self.measures.rating(0.0);
        let listening = Measures {
            round_trip_ms: None,
            buffer_ms: Some(0.0),
            ..self.measures
        };
        VoipMetrics {
            ssrc,
            loss_rate: share(f64::from(pattern.lost) / packets),
            discard_rate: share(late as f64 / packets),
            burst_density: share(pattern.burst_density),
            gap_density: share(pattern.gap_density),
            burst_duration: ms(pattern.burst_packets * packet_ms),
            gap_duration: ms(pattern.gap_packets * packet_ms),
            round_trip_delay: ms(round_trip_ms.unwrap_or_default()),
            end_system_delay: ms(buffer + packet_ms),
            signal_level: UNAVAILABLE,
            noise_level: UNAVAILABLE,
            echo_return_loss: UNAVAILABLE,
            gmin: rtp::loss::GMIN as u8,
            r_factor: r as u8,
            external_r_factor: UNAVAILABLE,
            mos_listening: (10.0 * score(listening.rating(0.0))).round() as u8,
            mos_conversation: (10.0 * score(r)).round() as u8,
            receiver_configuration: CONFIGURATION,
            jitter_buffer_nominal: ms(buffer),
            jitter_buffer_maximum: ms(1000.0 * rtp::jitter::Settings::default().most),
            jitter_buffer_absolute: ms(1000.0 * rtp::jitter::Settings::default().most),
        }
    }
}

fn sounds(law: Law, payload: &[u8]) -> bool {
    let mut samples = [0i16; SAMPLES];
    let mut count = 0;
    for (sample, &code) in samples.iter_mut().zip(payload) {
        *sample = law.decode(code);
        count += 1;
    }
    dbm0(&samples[..count]) > SILENCE
}
