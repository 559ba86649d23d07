//! What the party sends: whether it is the party's, what it means, where it goes.

use std::net::SocketAddr;

use codec::Format;
use rtp::event::{Key, TelephoneEvent};
use rtp::jitter::Settings;
use rtp::mux::{Kind as Protocol, classify};
use rtp::{Header, Packet};

use super::{Doing, Leg};
use crate::figures::Counters;
use crate::formats::Kind;
use crate::outlet::Outlet;
use crate::playout::Playout;

/// Packets after which it is known how evenly they come.
const KNOWN: u32 = 100;
/// So many times the jitter is what packets are kept at first then, and no less than so many seconds.
const FIRST_JITTERS: f64 = 4.0;
const FIRST_LEAST: f64 = 0.008;

/// A datagram as it came.
#[derive(Clone, Copy)]
pub struct Datagram<'a> {
    /// Whether on the RTCP socket.
    pub on_rtcp_socket: bool,
    pub source: SocketAddr,
    pub data: &'a [u8],
}

/// A key that the party pressed and let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    pub digit: char,
    pub duration_ms: u32,
    /// Whoever hears the party was sent its packets.
    pub passed: bool,
}

/// What is to be done with a datagram.
#[derive(Debug, PartialEq)]
pub enum Fate {
    /// It is not the party's, or nothing that was agreed.
    Discard,
    /// It goes nowhere as it is.
    Keep,
    /// It goes to another leg, or to the same one, under its own payload type or another. Whether it could is to be
    /// told to [`Leg::set_passed`].
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

impl Leg {
    /// A datagram came in on the leg's sockets. A key is given when it is over.
    pub fn receive(
        &mut self,
        datagram: Datagram<'_>,
        now: f64,
        counters: &Counters,
        outlet: &Outlet,
    ) -> (Fate, Option<Press>) {
        #[cfg(test)]
        assert!(!matches!(self.doing, Doing::Panicking), "asked to panic");
        let taken = match (classify(datagram.data), datagram.on_rtcp_socket) {
            (Protocol::Rtp, false) => self.receive_rtp(datagram, now, counters, outlet),
            (Protocol::Rtcp, on_rtcp_socket) => self
                .receive_rtcp(datagram, on_rtcp_socket, outlet)
                .map(|fate| {
                    self.measure.report(datagram.data, now, outlet, counters);
                    (fate, None)
                }),
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
    ) -> Option<(Fate, Option<Press>)> {
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
        let Some(kind) = party.connection.formats.meaning(payload_type) else {
            counters.count_discarded();
            return Some((Fate::Discard, None));
        };
        let is_event = if let Kind::Events { clock_rate } = kind {
            self.key_clock = *clock_rate;
            self.keys_come = true;
            counters.count_telephone_event();
            true
        } else {
            false
        };
        // RFC 3550 section A.8 holds for the sound; the timestamp of an event stands still while a key is held.
        let mut arrival = None;
        let mut speech = None;
        if let Kind::Speech(format) = kind {
            self.clock_rate = format.clock_rate();
            arrival = Some((now * f64::from(self.clock_rate)) as u64 as u32);
            speech = Some(*format);
        }
        let is_noise = matches!(kind, Kind::Noise { .. });
        self.reception.receive(&packet.header, arrival);
        let jitter = f64::from(self.reception.jitter()) / f64::from(self.clock_rate);
        counters.measure(self.reception.lost(), jitter);
        if kind.is_sound() {
            self.measure
                .heard(&packet, kind, self.clock_rate, &self.reception, counters);
        }
        if !party.connection.receive {
            return Some((Fate::Keep, None));
        }
        let key = match TelephoneEvent::parse(packet.payload) {
            Some(event) if is_event => self.keys.receive(event, packet.header.timestamp, now),
            _ => None,
        };
        if self.around.tracks.recorded(self.slot) {
            if let Some(format) = speech {
                self.record_said(format, packet.header, packet.payload, now);
            }
        }
        if self.playout.is_some() || self.is_wanted() {
            self.hear(&packet.header, speech, is_noise, packet.payload, now);
        }
        let fate = self.way_on(payload_type, is_event);
        Some((fate, key.map(|key| self.told(key))))
    }

    /// Whether a packet of the party's goes on as it is.
    fn way_on(&mut self, payload_type: u8, is_event: bool) -> Fate {
        let Doing::Bridged(bridge) = &self.doing else {
            return Fate::Keep;
        };
        let terms = &bridge.terms;
        match terms.passage.to(payload_type) {
            // A key belongs to the stream that the speech beside it is in.
            Some(_) if is_event && !self.passed => Fate::Keep,
            Some(there) => {
                self.key_passed |= is_event;
                Fate::Rtp {
                    to: terms.peer,
                    epoch: terms.epoch,
                    payload_type: (there != payload_type).then_some(there),
                }
            }
            None => {
                if !is_event {
                    self.passed = false;
                }
                Fate::Keep
            }
        }
    }

    /// Whether somebody hears the party's sound, or something is listened for in it.
    pub(super) fn is_wanted(&self) -> bool {
        self.ears.is_some() || self.around.voices.wanted(self.slot)
    }

    /// How long packets are kept at first. Of a party that has spoken for a while it is known how evenly they come: when
    /// two that talked by a bridge are mixed, the pause is as short as it can be.
    fn first_delay(&self) -> Settings {
        let mut settings = Settings::default();
        if self.reception.received() >= KNOWN {
            let jitter = f64::from(self.reception.jitter()) / f64::from(self.clock_rate);
            settings.start = (FIRST_JITTERS * jitter).clamp(FIRST_LEAST, settings.start);
        }
        settings
    }

    /// Somebody wants to hear the party.
    #[inline(never)]
    fn hear(
        &mut self,
        header: &Header,
        speech: Option<Format>,
        is_noise: bool,
        payload: &[u8],
        now: f64,
    ) {
        let speech = speech.map(|format| format.at(self.ear_rate));
        if self.playout.is_none() {
            let Some(format) = speech else { return };
            self.playout = Playout::new(format, self.first_delay()).ok();
        }
        let Some(playout) = &mut self.playout else {
            return;
        };
        match speech {
            Some(format) => playout.put(header, format, payload, now),
            None if is_noise => playout.put_comfort_noise(header, payload, now),
            None => playout.pass_over(header, now),
        }
    }

    fn receive_rtcp(
        &mut self,
        datagram: Datagram<'_>,
        on_rtcp_socket: bool,
        outlet: &Outlet,
    ) -> Option<Fate> {
        let party = self.party.as_mut()?;
        if !party.is_its_rtcp(datagram.source, on_rtcp_socket, outlet) {
            return None;
        }
        match &self.doing {
            // It tells of streams that the peer knows only when they pass.
            Doing::Bridged(bridge) if self.passed && bridge.terms.peer != self.slot => {
                Some(Fate::Rtcp {
                    to: bridge.terms.peer,
                    epoch: bridge.terms.epoch,
                })
            }
            _ => Some(Fate::Keep),
        }
    }
}

impl Leg {
    /// What is told of a key that is over.
    pub(super) fn told(&mut self, key: Key) -> Press {
        Press {
            digit: key.key,
            duration_ms: (u64::from(key.duration) * 1000 / u64::from(self.key_clock)) as u32,
            passed: std::mem::take(&mut self.key_passed),
        }
    }
}
