use std::sync::Arc;

use rtp::event::TelephoneEvent;
use rtp::{Header, Packet};

use super::*;
use crate::figures::Counters;
use crate::formats::{Coding, Formats};
use crate::playlist::{Item, ToneSpec};

const PARTY: &str = "192.0.2.1:4000";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn formats(said: &[(u8, &str)]) -> Arc<Formats> {
    let codings: Vec<Coding> = said
        .iter()
        .map(|&(payload_type, name)| Coding::new(payload_type, name, 8000, 1, ""))
        .collect();
    Arc::new(Formats::agree(codings.clone(), codings))
}

fn connection() -> Connection {
    Connection {
        rtp: at(PARTY),
        rtcp: at("192.0.2.1:4001"),
        rtcp_mux: false,
        formats: formats(&[(8, "PCMA"), (101, "telephone-event")]),
        ptime: 20,
        send: true,
        receive: true,
        keys: None,
    }
}

/// A leg with the parts of its slot.
struct Bench {
    leg: Leg,
    counters: Counters,
    outlet: Outlet,
    desk: Desk,
    sequence: u16,
}

impl Bench {
    fn new() -> Self {
        let (counters, outlet) = (Counters::default(), Outlet::default());
        counters.open(1);
        outlet.open(1);
        let around = Around {
            voices: Arc::new(Voices::new(8)),
            mixes: Arc::new(Mixes::new(1)),
            tracks: Arc::new(Tracks::new(8)),
        };
        around.voices.open(0, 1);
        Self {
            leg: Leg::new(0, 1, 0.0, around),
            counters,
            outlet,
            desk: Desk::default(),
            sequence: 0,
        }
    }

    fn connected(connection: Connection) -> Self {
        let mut bench = Self::new();
        bench.leg.connect(connection, &bench.outlet);
        bench
    }

    /// Connected, and its packets go to leg 7, whose party speaks so.
    fn passing(connection: Connection, there: &[(u8, &str)]) -> Self {
        let passage = connection.formats.passage(&formats(there));
        let mut bench = Self::connected(connection);
        bench.leg.bridge(terms(7, 70, passage), &bench.outlet);
        bench
    }

    fn tone(&mut self) {
        let item = Item::Tone {
            tone: Arc::new(ToneSpec::steady(1004.0, -10.0)),
            ms: None,
        };
        let playing = Playing::new(vec![item], 42, false);
        self.leg.play(playing, false, &self.outlet);
    }

    /// The payloads of a tick.
    fn tick(&mut self, now: f64) -> Vec<Vec<u8>> {
        self.leg
            .tick(now, &self.counters, &self.outlet, &mut self.desk);
        let packets = self.desk.packets.iter();
        packets
            .map(|packet| Packet::parse(packet).unwrap().payload.to_vec())
            .collect()
    }

    fn hear(
        &mut self,
        source: &str,
        on_rtcp_socket: bool,
        data: &[u8],
        now: f64,
    ) -> (Fate, Option<Press>) {
        let datagram = Datagram {
            on_rtcp_socket,
            source: at(source),
            data,
        };
        self.leg
            .receive(datagram, now, &self.counters, &self.outlet)
    }

    fn rtp(
        &mut self,
        source: &str,
        payload_type: u8,
        timestamp: u32,
        payload: &[u8],
    ) -> (Fate, Option<Press>) {
        self.sequence += 1;
        let mut data = Vec::new();
        Header {
            marker: false,
            payload_type,
            sequence: self.sequence,
            timestamp,
            ssrc: 5,
        }
        .print(&mut data);
        data.extend_from_slice(payload);
        self.hear(source, false, &data, 0.02 * f64::from(self.sequence))
    }
}

fn terms(peer: u32, epoch: u64, passage: Passage) -> Terms {
    Terms {
        peer,
        epoch,
        passage,
        passes: true,
        converts: false,
        rate: 8000,
    }
}

const PASSED: Fate = Fate::Rtp {
    to: 7,
    epoch: 70,
    payload_type: None,
};
const SAME: &[(u8, &str)] = &[(8, "PCMA"), (101, "telephone-event")];

#[test]
fn before_connect_nothing_is_taken_and_nothing_sent() {
    let mut bench = Bench::new();
    bench.leg.bridge(terms(7, 70, Passage::NONE), &bench.outlet);
    assert_eq!(bench.rtp(PARTY, 8, 0, &[0; 160]).0, Fate::Discard);
    assert_eq!(bench.counters.read(1).discarded, 1);
    assert_eq!(bench.outlet.rtp(1), None);
    bench.tone();
    assert!(bench.tick(0.02).is_empty());
}

#[test]
fn a_bridged_leg_passes_its_partys_sound_and_counts_it() {
    let mut bench = Bench::passing(connection(), SAME);
    assert_eq!(bench.rtp(PARTY, 8, 0, &[0; 160]).0, PASSED);
    assert_eq!(bench.rtp(PARTY, 8, 160, &[0; 160]).0, PASSED);
    let figures = bench.counters.read(1);
    assert_eq!(
        (figures.received, figures.discarded, figures.first_packet_ms),
        (2, 0, Some(20))
    );
    assert_eq!(figures.last_address, Some(at(PARTY)));
}

#[test]
fn a_payload_type_that_the_other_side_numbers_otherwise_is_renumbered() {
    let there = [(118, "PCMA"), (96, "telephone-event")];
    let mut bench = Bench::passing(connection(), &there);
    for (here, there) in [(8, 118), (101, 96)] {
        let passed = Fate::Rtp {
            to: 7,
            epoch: 70,
            payload_type: Some(there),
        };
        assert_eq!(bench.rtp(PARTY, here, 0, &[0; 160]).0, passed);
    }
}

#[test]
fn a_payload_type_that_was_never_agreed_is_counted_and_goes_nowhere() {
    let mut bench = Bench::passing(connection(), SAME);
    bench.rtp(PARTY, 8, 0, &[0; 160]);
    assert_eq!(bench.rtp(PARTY, 0, 160, &[0; 160]).0, Fate::Discard);
    let figures = bench.counters.read(1);
    assert_eq!((figures.received, figures.discarded), (2, 1));
    assert_eq!(figures.payload_types, 1 << 8 | 1);
}

#[test]
fn a_stranger_is_counted_and_not_passed() {
    let mut bench = Bench::passing(connection(), SAME);
    bench.rtp(PARTY, 8, 0, &[0; 160]);
    assert_eq!(
        bench.rtp("203.0.113.66:4000", 8, 0, &[0; 160]).0,
        Fate::Discard
    );
    assert_eq!(bench.outlet.rtp(1), Some(at(PARTY)));
    assert_eq!(bench.counters.read(1).discarded, 1);
}

#[test]
fn what_is_no_rtp_is_discarded_and_does_not_latch() {
    let mut bench = Bench::passing(connection(), SAME);
    for data in [&b"hello"[..], &[], &[0x80; 5], &[0x80, 200, 0, 0]] {
        assert_eq!(
            bench.hear("203.0.113.66:9", false, data, 0.0).0,
            Fate::Discard
        );
    }
    assert_eq!(bench.outlet.rtp(1), Some(at(PARTY)));
}

#[test]
fn sound_goes_back_to_where_it_came_from() {
    let mut bench = Bench::connected(connection());
    let formats = connection().formats;
    bench
        .leg
        .bridge(terms(0, 1, formats.passage(&formats)), &bench.outlet);
    let (fate, _) = bench.rtp("203.0.113.5:31000", 8, 0, &[0; 160]);
    let back = Fate::Rtp {
        to: 0,
        epoch: 1,
        payload_type: None,
    };
    assert_eq!(fate, back);
    assert_eq!(bench.outlet.rtp(1), Some(at("203.0.113.5:31000")));
}

#[test]
fn a_party_on_hold_is_sent_nothing_but_rtcp() {
    let mut bench = Bench::connected(Connection {
        send: false,
        ..connection()
    });
    assert_eq!(bench.outlet.rtp(1), None);
    assert_eq!(bench.outlet.rtcp(1), Some((at("192.0.2.1:4001"), false)));
    bench.tone();
    assert!(bench.tick(0.02).is_empty());
}

#[test]
fn a_party_that_is_not_to_be_heard_is_counted_but_goes_nowhere() {
    let mut bench = Bench::passing(
        Connection {
            receive: false,
            ..connection()
        },
        SAME,
    );
    assert_eq!(bench.rtp(PARTY, 8, 0, &[0; 160]), (Fate::Keep, None));
    assert_eq!(bench.counters.read(1).received, 1);
}

#[test]
fn a_key_is_told_once_and_its_packets_are_passed_on() {
    let mut bench = Bench::passing(connection(), SAME);
    let mut keys = Vec::new();
    for (duration, end) in [
        (160, false),
        (320, false),
        (480, true),
        (480, true),
        (480, true),
    ] {
        let event = TelephoneEvent {
            event: 5,
            end,
            volume: 10,
            duration,
        };
        let (fate, key) = bench.rtp(PARTY, 101, 8000, &event.print());
        assert_eq!(fate, PASSED);
        keys.extend(key);
    }
    let press = Press {
        digit: '5',
        duration_ms: 60,
        passed: true,
    };
    assert_eq!(keys, [press]);
}

#[test]
fn rtcp_is_passed_from_its_own_socket_or_muxed_as_agreed() {
    let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
    let passed = Fate::Rtcp { to: 7, epoch: 70 };
    let mut bench = Bench::passing(connection(), SAME);
    assert_eq!(bench.hear("192.0.2.1:4001", true, &report, 0.0).0, passed);
    assert_eq!(bench.hear("192.0.2.1:9001", true, &report, 0.0).0, passed);
    assert_eq!(bench.outlet.rtcp(1), Some((at("192.0.2.1:9001"), false)));
    assert_eq!(
        bench.hear("203.0.113.66:4001", true, &report, 0.0).0,
        Fate::Discard
    );
    assert_eq!(
        bench.hear(PARTY, false, &report, 0.0).0,
        Fate::Discard,
        "muxed, which was not agreed"
    );

    let mut bench = Bench::passing(
        Connection {
            rtcp_mux: true,
            rtcp: at(PARTY),
            ..connection()
        },
        SAME,
    );
    bench.rtp(PARTY, 8, 0, &[0; 160]);
    assert_eq!(bench.hear(PARTY, false, &report, 0.0).0, passed);
    assert_eq!(bench.outlet.rtcp(1), Some((at(PARTY), true)));
}

#[test]
fn an_address_that_cannot_be_sent_to_is_sent_nothing() {
    for rtp in ["0.0.0.0:4000", "192.0.2.1:0"] {
        let bench = Bench::connected(Connection {
            rtp: at(rtp),
            ..connection()
        });
        assert_eq!(bench.outlet.rtp(1), None);
    }
}
