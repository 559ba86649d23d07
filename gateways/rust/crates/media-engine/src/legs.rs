//! All legs and mixes of one thread: what comes to them, what is due, what is told.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use dsp::mix::saturate;

use crate::command::Event;
use crate::guard::{Guard, looks_plain};
use crate::io::{Hearer, Outbox};
use crate::leg::{Datagram, Desk, Fate, Leg};
use crate::mix::Mix;
use crate::mixed::Mixed;
use crate::video::VideoLeg;
use crate::wheel::{PHASES, Wheel};
use crate::worker::Shared;

/// How often held keys are looked at whether their end was lost.
const KEY_CHECK: f64 = 0.05;
const FAULT: Cow<'static, str> = Cow::Borrowed("a fault in the media engine");

pub struct Legs {
    legs: Vec<Option<Seated>>,
    mixes: Vec<Option<Box<Room>>>,
    /// Of pictures, in the slots that no leg of sound has.
    pictures: Vec<Option<Box<VideoLeg>>>,
    shared: Arc<Shared>,
    /// Ticks of legs by their slots, and of mixes by theirs behind those.
    wheel: Wheel,
    /// Legs where a key is held.
    pressed: Vec<u32>,
    keys_checked: f64,
    start: Instant,
    now: f64,
    desk: Desk,
    /// A packet under another payload type.
    renumbered: Vec<u8>,
    /// A packet out of its protection.
    plain: Vec<u8>,
    /// What is heard in a mix that is recorded.
    heard: Vec<i16>,
    received: u64,
    sent: u64,
    discarded: u64,
    late: u64,
    /// Packets that pictures made since it was looked whether something is due.
    crowd: u64,
}

/// A leg, and whether it has its place on the wheel.
struct Seated {
    leg: Box<Leg>,
    /// Opens what the party sends, where it sends under a key.
    guard: Option<Box<Guard>>,
    ticks: bool,
}

/// A mix, and a frame of its that nobody reads any more.
struct Room {
    mix: Mix,
    spare: Option<Arc<Mixed>>,
}

impl Legs {
    pub fn new(shared: Arc<Shared>) -> Self {
        let slots = shared.outlets.len();
        let start = shared.start;
        Self {
            legs: (0..slots).map(|_| None).collect(),
            mixes: (0..slots).map(|_| None).collect(),
            pictures: (0..slots).map(|_| None).collect(),
            desk: Desk::new(Arc::clone(&shared.reporting)),
            shared,
            wheel: Wheel::default(),
            pressed: Vec::new(),
            keys_checked: 0.0,
            start,
            now: 0.0,
            renumbered: Vec::new(),
            plain: Vec::new(),
            heard: Vec::new(),
            received: 0,
            sent: 0,
            discarded: 0,
            late: 0,
            crowd: 0,
        }
    }

    pub fn now(&self) -> f64 {
        self.now
    }

    /// How long nothing is due.
    pub fn timeout(&self) -> Option<Duration> {
        let keys = (!self.pressed.is_empty()).then_some(self.keys_checked + KEY_CHECK);
        let deadline = [self.wheel.deadline(), keys]
            .into_iter()
            .flatten()
            .reduce(f64::min)?;
        let left = deadline - self.start.elapsed().as_secs_f64();
        Some(Duration::try_from_secs_f64(left).unwrap_or_default())
    }

    fn mix_on_wheel(&self, mix: u32) -> u32 {
        self.legs.len() as u32 + mix
    }

    // What is due by the clock --------------------------------------------------------------------------------------

    pub fn tick(&mut self, outbox: &mut impl Outbox) {
        // What took long makes late what comes next; after a while it is the packets' turn again.
        for _ in 0..PHASES {
            self.woken();
            if !self.tick_due(outbox) {
                return;
            }
        }
    }

    /// Do what is due the longest; false: that was nothing.
    fn tick_due(&mut self, outbox: &mut impl Outbox) -> bool {
        let due = self.wheel.due(self.now);
        if let Some(due) = due {
            for place in self.wheel.slots(due).to_vec() {
                self.late += u64::from(due.late);
                match place.checked_sub(self.legs.len() as u32) {
                    None => self.guarded(place, |legs| legs.tick_leg(place, outbox)),
                    Some(mix) => self.guarded_mix(mix, |legs| legs.tick_mix(mix)),
                }
            }
        }
        if !self.pressed.is_empty() && self.now >= self.keys_checked + KEY_CHECK {
            self.keys_checked = self.now;
            for slot in std::mem::take(&mut self.pressed) {
                self.guarded(slot, |legs| legs.check_key(slot));
            }
        }
        due.is_some()
    }

    fn tick_leg(&mut self, slot: u32, outbox: &mut impl Outbox) {
        let Some(Seated { leg, .. }) = &mut self.legs[slot as usize] else {
            return self.tick_pictures(slot, outbox);
        };
        let epoch = leg.epoch;
        let outlet = &self.shared.outlets[slot as usize];
        let counters = &self.shared.counters[slot as usize];
        let outcome = leg.tick(self.now, counters, outlet, &mut self.desk);
        if !self.desk.packets.is_empty() {
            if let Some(destination) = outlet.rtp(epoch) {
                let recorded = self.shared.around.tracks.recorded(slot);
                for packet in self.desk.packets.iter() {
                    let send = |data: &[u8]| outbox.send(2 * slot, destination, data);
                    if outlet.emit(epoch, packet, send) {
                        if recorded {
                            leg.record_heard(packet, self.now);
                        }
                        counters.count_sent();
                        self.sent += 1;
                    }
                }
            }
        }
        if let (Some(report), Some((destination, mux))) = (outcome.report, outlet.rtcp(epoch)) {
            let socket = 2 * slot + u32::from(!mux);
            outlet.emit(epoch, &report, |data| {
                outbox.send(socket, destination, data);
            });
        }
        self.tell_heard(slot, epoch);
        if let Some(operation) = outcome.play_ended {
            self.tell(Event::PlayEnded {
                leg: slot,
                epoch,
                operation,
            });
        }
        if outcome.mute {
            self.tell(Event::Failed {
                leg: slot,
                epoch,
                reason: "the party speaks no codec of ours".into(),
            });
        }
        self.keep_ticking(slot);
    }

    fn tick_mix(&mut self, mix: u32) {
        let Some(room) = &mut self.mixes[mix as usize] else {
            return;
        };
        let mut frame = room.spare.take().unwrap_or_default();
        let told = match Arc::get_mut(&mut frame) {
            Some(mixed) => room.mix.tick(mixed),
            None => {
                // Somebody reads it still.
                let mut mixed = Mixed::default();
                let told = room.mix.tick(&mut mixed);
                frame = Arc::new(mixed);
                told
            }
        };
        let epoch = room.mix.epoch;
        let tracks = &self.shared.mix_tracks;
        if tracks.recorded(mix) {
            let samples = &mut self.heard;
            samples.resize(frame.total.len(), 0);
            saturate(&frame.total, samples);
            tracks.frame(mix, epoch, samples, frame.rate, self.now);
        }
        room.spare = self.shared.around.mixes.publish(mix, frame);
        if let Some(leg) = told.speaking {
            self.tell(Event::Speaking { mix, epoch, leg });
        }
        if let Some(operation) = told.play_ended {
            self.tell(Event::MixPlayEnded {
                mix,
                epoch,
                operation,
            });
        }
    }

    fn check_key(&mut self, slot: u32) {
        let Some(Seated { leg, .. }) = &mut self.legs[slot as usize] else {
            return;
        };
        let press = leg.timeout(self.now);
        if leg.key_pressed() {
            self.pressed.push(slot);
        }
        let epoch = leg.epoch;
        self.tell_key(slot, epoch, press);
    }

    /// Give a leg its place on the wheel, or take it, as it needs one now.
    #[inline]
    fn keep_ticking(&mut self, slot: u32) {
        let Some(seated) = &mut self.legs[slot as usize] else {
            return;
        };
        let ticks = seated.leg.ticks();
        if ticks != seated.ticks {
            seated.ticks = ticks;
            if ticks {
                self.wheel.add(slot, self.now);
            } else {
                self.wheel.remove(slot);
            }
        }
    }

    // What comes ----------------------------------------------------------------------------------------------------

    /// A datagram, out of its protection where it has one.
    fn take_datagram(&mut self, slot: u32, datagram: Datagram<'_>, outbox: &mut impl Outbox) {
        let Some(Seated { guard, .. }) = &mut self.legs[slot as usize] else {
            return self.take_picture(slot, datagram, outbox);
        };
        let counters = &self.shared.counters[slot as usize];
        let Some(guard) = guard else {
            if counters.is_new() && looks_plain(datagram.data) == Some(false) {
                counters.count_mismatched();
            }
            self.take_plain(slot, datagram, outbox);
            return;
        };
        let mut plain = std::mem::take(&mut self.plain);
        match guard.open(datagram.data, &mut plain, self.now) {
            Ok(()) => {
                let opened = Datagram {
                    data: &plain,
                    ..datagram
                };
                self.take_plain(slot, opened, outbox);
            }
            Err(refused) => {
                counters.count_refused(refused);
                if looks_plain(datagram.data) == Some(true) {
                    counters.count_mismatched();
                }
                self.discarded += 1;
            }
        }
        self.plain = plain;
    }

    #[inline]
    fn take_plain(&mut self, slot: u32, datagram: Datagram<'_>, outbox: &mut impl Outbox) {
        let Some(Seated { leg, ticks, .. }) = &mut self.legs[slot as usize] else {
            return;
        };
        let epoch = leg.epoch;
        let held = leg.key_pressed();
        let (counters, outlet) = (
            &self.shared.counters[slot as usize],
            &self.shared.outlets[slot as usize],
        );
        let (fate, press) = leg.receive(datagram, self.now, counters, outlet);
        if !held && leg.key_pressed() {
            self.pressed.push(slot);
        }
        // All else that ticks comes of orders.
        let begins = !*ticks && leg.is_heard();
        match fate {
            Fate::Discard => self.discarded += 1,
            Fate::Keep => {}
            Fate::Rtp {
                to,
                epoch,
                payload_type,
            } => {
                let outlet = &self.shared.outlets[to as usize];
                let destination = outlet.passing(epoch);
                leg.set_passed(destination.is_some());
                if let Some(destination) = destination {
                    let data = match payload_type {
                        None => datagram.data,
                        Some(payload_type) => {
                            self.renumbered.clear();
                            self.renumbered.extend_from_slice(datagram.data);
                            rtp::set_payload_type(&mut self.renumbered, payload_type);
                            &self.renumbered
                        }
                    };
                    if outlet.emit(epoch, data, |data| outbox.send(2 * to, destination, data)) {
                        if self.shared.around.tracks.recorded(to) {
                            leg.record_passed(datagram.data, to, epoch, self.now);
                        }
                        self.shared.counters[to as usize].count_sent();
                        self.sent += 1;
                    } else {
                        self.discarded += 1;
                    }
                }
            }
            Fate::Rtcp { to, epoch } => {
                let outlet = &self.shared.outlets[to as usize];
                if let Some((destination, mux)) = outlet.rtcp(epoch) {
                    outlet.passed_report(datagram.data, self.now);
                    let socket = 2 * to + u32::from(!mux);
                    outlet.emit(epoch, datagram.data, |data| {
                        outbox.send(socket, destination, data)
                    });
                }
            }
        }
        if begins {
            self.keep_ticking(slot);
        }
        if press.is_some() {
            self.tell_key(slot, epoch, press);
        }
    }

    /// One unit of work. A panic in it silences its leg and no other.
    #[inline]
    fn guarded(&mut self, slot: u32, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.shared.panics.fetch_add(1, Relaxed);
            self.wheel.remove(slot);
            let outlet = &self.shared.outlets[slot as usize];
            outlet.set(None, None, false);
            outlet.occupy(false);
            // What the panic left of the leg is not to be trusted.
            if let Some(seated) = &mut self.legs[slot as usize] {
                let epoch = seated.leg.epoch;
                *seated.leg = Leg::new(slot, epoch, self.now, self.shared.around.clone());
                seated.ticks = false;
                self.tell(Event::Failed {
                    leg: slot,
                    epoch,
                    reason: FAULT,
                });
            } else {
                self.end_faulty_pictures(slot);
            }
        }
    }

    /// The same for a mix, which is gone then.
    fn guarded_mix(&mut self, mix: u32, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.shared.panics.fetch_add(1, Relaxed);
            let epoch = self.mixes[mix as usize].as_ref().map(|room| room.mix.epoch);
            self.end_mix(mix);
            if let Some(epoch) = epoch {
                self.tell(Event::MixFailed {
                    mix,
                    epoch,
                    reason: FAULT,
                });
            }
        }
    }
}

impl Hearer for Legs {
    fn woken(&mut self) {
        self.now = self.start.elapsed().as_secs_f64();
    }

    #[inline]
    fn datagram(&mut self, socket: u32, source: SocketAddr, data: &[u8], outbox: &mut impl Outbox) {
        self.received += 1;
        let datagram = Datagram {
            on_rtcp_socket: socket % 2 == 1,
            source,
            data,
        };
        self.guarded(socket / 2, |legs| {
            legs.take_datagram(socket / 2, datagram, outbox)
        });
    }
}

mod orders;
mod pictures;
#[cfg(test)]
mod pictures_story;
#[cfg(test)]
mod story;
mod telling;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Order;

    struct Nowhere;

    impl Outbox for Nowhere {
        fn send(&mut self, _socket: u32, _destination: SocketAddr, _data: &[u8]) {}
    }

    fn legs(slots: usize) -> Legs {
        Legs::new(Arc::new(Shared::new(slots, 1).unwrap()))
    }

    #[test]
    fn a_panic_silences_its_leg_tells_it_and_harms_no_other() {
        let mut legs = legs(2);
        legs.obey(0, Order::Open { epoch: 1 });
        legs.obey(1, Order::Open { epoch: 2 });
        legs.legs[0].as_mut().unwrap().leg.panic_from_now_on();
        let source: SocketAddr = "192.0.2.1:4000".parse().unwrap();
        for socket in [0, 2, 0] {
            legs.datagram(socket, source, &[0x80; 172], &mut Nowhere);
        }
        assert_eq!(legs.shared.panics.load(Relaxed), 1);
        let events = legs.shared.events.take(9);
        assert_eq!(
            events,
            [Event::Failed {
                leg: 0,
                epoch: 1,
                reason: FAULT
            }]
        );
        assert_eq!(
            legs.shared.counters[1].read(2).discarded,
            1,
            "the other leg goes on"
        );
    }
}
