//! One leg: what its packets mean, and what it sends of its own. No I/O; time comes in.

use std::net::SocketAddr;
use std::sync::Arc;

use codec::Format;
use dsp::Tone;
use dsp::g711::Law;
use rtp::Packet;
use rtp::event::{Key, KeyTracker, TelephoneEvent};
use rtp::mux::{Kind, classify};
use rtp::reception::Reception;

use crate::command::Connection;
use crate::figures::Counters;
use crate::formats::{Kind as Meaning, Passage};
use crate::latch::Latch;
use crate::outlet::Outlet;
use crate::prompt::Prompt;
use crate::stream::{FRAME, Stream, silence};

/// A leg from its Open to its Close. Its figures and its outlet are the slot's, since other threads read them.
pub struct Leg {
    pub epoch: u64,
    opened_at: f64,
    party: Option<Party>,
    occupation: Occupation,
    stream: Stream,
    keys: KeyTracker,
    reception: Reception,
    /// Of the newest packet with speech.
    clock_rate: u32,
    last_address: Option<SocketAddr>,
    /// Ticks since the last packet of our own.
    ticked: u32,
}

struct Party {
    connection: Connection,
    latch: Latch,
    /// Where RTCP comes from, where that is not where it was said to.
    rtcp_source: Option<SocketAddr>,
}

/// What a leg does with its party.
enum Occupation {
    Idle,
    /// Another leg, or the same, gets its packets.
    Pass {
        to: u32,
        epoch: u64,
        passage: Passage,
    },
    Tone {
        tone: Box<Tone>,
        begun: bool,
    },
    /// `at` in samples.
    Prompt {
        prompt: Arc<Prompt>,
        at: usize,
        begun: bool,
        operation: u64,
        looped: bool,
    },
    #[cfg(test)]
    Panics,
}

/// A datagram as it came.
#[derive(Clone, Copy)]
pub struct Datagram<'a> {
    /// Whether on the RTCP socket.
    pub on_rtcp_socket: bool,
    pub source: SocketAddr,
    pub data: &'a [u8],
}

/// What is to be done with a datagram.
#[derive(Debug, PartialEq)]
pub enum Fate {
    /// It is not the party's.
    Discard,
    /// It is, and goes nowhere.
    Keep,
    /// Its sound goes to another leg, or to the same one, under its own payload type or another.
    Rtp {
        to: u32,
        epoch: u64,
        payload_type: Option<u8>,
    },
    Rtcp {
        to: u32,
        epoch: u64,
    },
}

/// What came of a tick.
#[derive(Debug, PartialEq)]
pub enum Tick {
    /// Nothing may be sent now.
    Quiet,
    /// A packet was written.
    Packet,
    PlayEnded {
        operation: u64,
    },
    /// No codec to speak.
    Mute,
}

impl Leg {
    pub fn new(epoch: u64, now: f64) -> Self {
        Self {
            epoch,
            opened_at: now,
            party: None,
            occupation: Occupation::Idle,
            stream: Stream::new(),
            keys: KeyTracker::default(),
            reception: Reception::default(),
            clock_rate: 8000,
            last_address: None,
            ticked: 0,
        }
    }

    pub fn connect(&mut self, connection: Connection, outlet: &Outlet) {
        let party = match self.party.take() {
            Some(mut party) => {
                party.latch.rearm(connection.rtp);
                if party.connection.rtcp != connection.rtcp {
                    party.rtcp_source = None;
                }
                Party {
                    connection,
                    ..party
                }
            }
            None => Party {
                latch: Latch::new(connection.rtp),
                connection,
                rtcp_source: None,
            },
        };
        party.publish(outlet);
        self.party = Some(party);
    }

    pub fn pass(&mut self, to: u32, epoch: u64, passage: Passage) {
        self.occupation = Occupation::Pass { to, epoch, passage };
    }

    pub fn tone(&mut self, frequency: f64, level: f64) {
        self.occupation = Occupation::Tone {
            tone: Box::new(Tone::new(frequency, level, 8000)),
            begun: false,
        };
    }

    pub fn play(&mut self, prompt: Arc<Prompt>, operation: u64, looped: bool) {
        self.occupation = Occupation::Prompt {
            prompt,
            at: 0,
            begun: false,
            operation,
            looped,
        };
    }

    pub fn silence(&mut self) {
        self.occupation = Occupation::Idle;
    }

    #[cfg(test)]
    pub fn panic_from_now_on(&mut self) {
        self.occupation = Occupation::Panics;
    }

    /// Whether `tick` has something to do every 20 ms.
    pub fn ticks(&self) -> bool {
        matches!(
            self.occupation,
            Occupation::Tone { .. } | Occupation::Prompt { .. }
        )
    }

    /// Whether a key is held, so that `timeout` must be called now and then.
    pub fn key_pressed(&self) -> bool {
        self.keys.pressed()
    }

    /// A key whose end never came.
    pub fn timeout(&mut self, now: f64) -> Option<Key> {
        self.keys.timeout(now)
    }

    /// A datagram came in on the leg's sockets. A key is given when it is over.
    pub fn receive(
        &mut self,
        datagram: Datagram<'_>,
        now: f64,
        counters: &Counters,
        outlet: &Outlet,
    ) -> (Fate, Option<Key>) {
        #[cfg(test)]
        assert!(
            !matches!(self.occupation, Occupation::Panics),
            "asked to panic"
        );
        let taken = match (classify(datagram.data), datagram.on_rtcp_socket) {
            (Kind::Rtp, false) => self.receive_rtp(datagram, now, counters, outlet),
            (Kind::Rtcp, on_rtcp_socket) => self
                .receive_rtcp(datagram, on_rtcp_socket, outlet)
                .map(|fate| (fate, None)),
            _ => None,
        };
        taken.unwrap_or_else(|| {
            counters.count_discarded();
            (Fate::Discard, None)
        })
    }

    /// None: it is not the party's.
    #[inline]
    fn receive_rtp(
        &mut self,
        datagram: Datagram<'_>,
        now: f64,
        counters: &Counters,
        outlet: &Outlet,
    ) -> Option<(Fate, Option<Key>)> {
        let party = self.party.as_mut()?;
        let packet = Packet::parse(datagram.data)?;
        let destination = party.latch.destination();
        if !party.latch.accept(datagram.source, now) {
            return None;
        }
        if party.latch.destination() != destination {
            party.publish(outlet);
        }
        counters.count_received();
        if self.last_address != Some(datagram.source) {
            if self.last_address.is_none() {
                counters.first_packet(((now - self.opened_at) * 1000.0) as u64);
            }
            self.last_address = Some(datagram.source);
            counters.set_last_address(datagram.source);
        }
        let payload_type = packet.header.payload_type;
        counters.note_payload_type(payload_type);
        let Some(meaning) = party.connection.formats.meaning(payload_type) else {
            counters.count_discarded();
            return Some((Fate::Discard, None));
        };
        let is_event = matches!(meaning, Meaning::Events { .. });
        if is_event {
            counters.count_telephone_event();
        }
        // RFC 3550 section A.8 holds for the sound; the timestamp of an event stands still while a key is held.
        let mut arrival = None;
        if let Meaning::Speech(format) = meaning {
            self.clock_rate = format.clock_rate();
            arrival = Some((now * f64::from(self.clock_rate)) as u64 as u32);
        }
        self.reception.receive(&packet.header, arrival);
        let jitter = f64::from(self.reception.jitter()) / f64::from(self.clock_rate);
        counters.measure(self.reception.lost(), jitter);
        if !party.connection.receive {
            return Some((Fate::Keep, None));
        }
        let key = match TelephoneEvent::parse(packet.payload) {
            Some(event) if is_event => self.keys.receive(event, packet.header.timestamp, now),
            _ => None,
        };
        let fate = match &self.occupation {
            Occupation::Pass { to, epoch, passage } => match passage.to(payload_type) {
                Some(there) => Fate::Rtp {
                    to: *to,
                    epoch: *epoch,
                    payload_type: (there != payload_type).then_some(there),
                },
                None => Fate::Keep,
            },
            _ => Fate::Keep,
        };
        Some((fate, key))
    }

    fn receive_rtcp(
        &mut self,
        datagram: Datagram<'_>,
        on_rtcp_socket: bool,
        outlet: &Outlet,
    ) -> Option<Fate> {
        let party = self.party.as_mut()?;
        let source = datagram.source;
        if on_rtcp_socket {
            // Whoever is the party's RTP source may send RTCP from any port of the same host; nobody else may.
            let host = party.latch.source().unwrap_or(party.connection.rtcp).ip();
            if source.ip() != host && source != party.connection.rtcp {
                return None;
            }
            if party.rtcp_source != Some(source) {
                party.rtcp_source = Some(source);
                party.publish(outlet);
            }
        } else if !party.connection.rtcp_mux || party.latch.source() != Some(source) {
            return None;
        }
        match self.occupation {
            Occupation::Pass { to, epoch, .. } if epoch != self.epoch => {
                Some(Fate::Rtcp { to, epoch })
            }
            _ => Some(Fate::Keep),
        }
    }

    /// 20 ms have gone by: write the leg's next packet, if it is due, to `out`, which is empty.
    pub fn tick(&mut self, now: f64, out: &mut Vec<u8>) -> Tick {
        // Before Connect nothing is sent, and a prompt waits for its hearer.
        let Some(party) = &self.party else {
            return Tick::Quiet;
        };
        let (law, payload_type) = match party.connection.formats.speech() {
            Some((Format::Pcmu, payload_type)) => (Law::Mu, payload_type),
            Some((Format::Pcma, payload_type)) => (Law::A, payload_type),
            _ => return Tick::Mute,
        };
        // Whole ticks in a packet: 20, 40 or 60 ms as the party wants, 20 for what it wants otherwise.
        let frames = (party.connection.ptime / 20).clamp(1, 3);
        self.ticked += 1;
        if self.ticked < frames {
            return Tick::Quiet;
        }
        self.ticked = 0;
        let length = FRAME * frames as usize;
        match &mut self.occupation {
            Occupation::Tone { tone, begun } => {
                if !party.connection.send {
                    *begun = false;
                    return Tick::Quiet;
                }
                self.stream.header(payload_type, !*begun, length, now, out);
                *begun = true;
                out.extend((0..length).map(|_| law.encode(tone.next_sample())));
                Tick::Packet
            }
            Occupation::Prompt {
                prompt,
                at,
                begun,
                operation,
                looped,
            } => {
                let codes = prompt.codes(law);
                if *looped && *at >= codes.len() {
                    *at = 0;
                }
                if *at >= codes.len() {
                    let operation = *operation;
                    self.occupation = Occupation::Idle;
                    return Tick::PlayEnded { operation };
                }
                let frame = &codes[*at..codes.len().min(*at + length)];
                *at += length;
                if !party.connection.send {
                    // On hold a prompt goes on unheard, so that whoever waits for its end does not wait for ever.
                    *begun = false;
                    return Tick::Quiet;
                }
                self.stream.header(payload_type, !*begun, length, now, out);
                *begun = true;
                out.extend_from_slice(frame);
                out.resize(rtp::Header::LENGTH + length, silence(law));
                Tick::Packet
            }
            _ => Tick::Quiet,
        }
    }
}

impl Party {
    fn publish(&self, outlet: &Outlet) {
        // RFC 3264 section 5.1: a held stream sends no RTP; RTCP goes on.
        let rtp = self
            .connection
            .send
            .then(|| self.latch.destination())
            .filter(reachable);
        let (rtcp, mux) = if self.connection.rtcp_mux {
            (self.latch.destination(), true)
        } else {
            (self.rtcp_source.unwrap_or(self.connection.rtcp), false)
        };
        outlet.set(rtp, Some(rtcp).filter(reachable), mux);
    }
}

/// Port 0 refuses a stream, and the unspecified address was RFC 2543's hold: nothing goes there.
fn reachable(address: &SocketAddr) -> bool {
    address.port() != 0 && !address.ip().is_unspecified()
}

/// A key's length in milliseconds; telephone-events count at 8 kHz beside G.711.
pub fn milliseconds(key: &Key) -> u32 {
    key.duration / 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{Coding, Formats};
    use rtp::Header;

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
        }
    }

    /// A leg with the parts of its slot.
    struct Bench {
        leg: Leg,
        counters: Counters,
        outlet: Outlet,
        sequence: u16,
    }

    impl Bench {
        fn new() -> Self {
            let (counters, outlet) = (Counters::default(), Outlet::default());
            counters.open(1);
            outlet.open(1);
            Self {
                leg: Leg::new(1, 0.0),
                counters,
                outlet,
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
            bench.leg.pass(7, 70, passage);
            bench
        }

        fn hear(
            &mut self,
            source: &str,
            on_rtcp_socket: bool,
            data: &[u8],
            now: f64,
        ) -> (Fate, Option<Key>) {
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
        ) -> (Fate, Option<Key>) {
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

    const PASSED: Fate = Fate::Rtp {
        to: 7,
        epoch: 70,
        payload_type: None,
    };
    const SAME: &[(u8, &str)] = &[(8, "PCMA"), (101, "telephone-event")];

    #[test]
    fn before_connect_nothing_is_taken_and_nothing_sent() {
        let mut bench = Bench::new();
        bench.leg.pass(7, 70, Passage::NONE);
        assert_eq!(bench.rtp(PARTY, 8, 0, &[0; 160]).0, Fate::Discard);
        assert_eq!(bench.counters.read(1).discarded, 1);
        assert_eq!(bench.outlet.rtp(1), None);
        bench.leg.tone(1004.0, -10.0);
        assert_eq!(bench.leg.tick(0.02, &mut Vec::new()), Tick::Quiet);
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
        bench.leg.pass(0, 1, formats.passage(&formats));
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
        bench.leg.tone(1004.0, -10.0);
        assert_eq!(bench.leg.tick(0.02, &mut Vec::new()), Tick::Quiet);
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
        assert_eq!(
            keys,
            [Key {
                key: '5',
                duration: 480
            }]
        );
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
    fn a_prompt_is_sent_in_whole_frames_and_its_end_told_after_the_last() {
        let mut bench = Bench::connected(connection());
        bench
            .leg
            .play(Arc::new(Prompt::new(&[1000; 200], 8000)), 42, false);
        let mut packets = Vec::new();
        let ended = loop {
            let mut out = Vec::new();
            match bench.leg.tick(0.0, &mut out) {
                Tick::Packet => packets.push(out),
                other => break other,
            }
        };
        assert_eq!(ended, Tick::PlayEnded { operation: 42 });
        assert_eq!(packets.len(), 2);
        let parsed: Vec<Packet<'_>> = packets.iter().map(|p| Packet::parse(p).unwrap()).collect();
        assert!(parsed[0].header.marker && !parsed[1].header.marker);
        assert!(
            parsed
                .iter()
                .all(|p| p.header.payload_type == 8 && p.payload.len() == 160)
        );
        assert_eq!(
            parsed[1].payload[39..42],
            [Law::A.encode(1000), silence(Law::A), silence(Law::A)]
        );
        assert!(!bench.leg.ticks());
    }

    #[test]
    fn a_looped_prompt_begins_anew_and_an_empty_one_ends() {
        let mut bench = Bench::connected(connection());
        bench
            .leg
            .play(Arc::new(Prompt::new(&[1000; 320], 8000)), 42, true);
        for round in 0..7 {
            let mut out = Vec::new();
            assert_eq!(bench.leg.tick(0.0, &mut out), Tick::Packet, "{round}");
            let packet = Packet::parse(&out).unwrap();
            assert_eq!(packet.payload[0], Law::A.encode(1000));
            assert_eq!(packet.header.marker, round == 0);
        }
        bench.leg.play(Arc::new(Prompt::new(&[], 8000)), 43, true);
        let ended = bench.leg.tick(0.0, &mut Vec::new());
        assert_eq!(ended, Tick::PlayEnded { operation: 43 });
    }

    #[test]
    fn a_party_that_wants_longer_packets_gets_them() {
        let mut bench = Bench::connected(Connection {
            ptime: 60,
            ..connection()
        });
        bench.leg.tone(1004.0, -10.0);
        let mut out = Vec::new();
        let ticks: Vec<Tick> = (0..3).map(|_| bench.leg.tick(0.0, &mut out)).collect();
        assert_eq!(ticks, [Tick::Quiet, Tick::Quiet, Tick::Packet]);
        assert_eq!(Packet::parse(&out).unwrap().payload.len(), 480);
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
}
