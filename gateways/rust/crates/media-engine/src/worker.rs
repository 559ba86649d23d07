//! One thread: its legs, its sockets, its ticks.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rtp::event::Key;

use crate::command::Event;
use crate::figures::Counters;
use crate::io::{Hearer, Io, Outbox};
use crate::leg::{Datagram, Fate, Leg, Tick, milliseconds};
use crate::outlet::Outlet;
use crate::priority;
use crate::queue::Queue;
use crate::switchboard::Order;
use crate::wheel::Wheel;

/// What all threads see.
pub struct Shared {
    pub counters: Vec<Counters>,
    pub outlets: Vec<Outlet>,
    pub events: Queue<Event>,
    pub packets_received: AtomicU64,
    pub packets_sent: AtomicU64,
    pub packets_discarded: AtomicU64,
    pub panics: AtomicU64,
    pub late_ticks: AtomicU64,
    pub stopping: AtomicBool,
}

/// Keys may fill no more than this share of the event queue: a party can press keys without end, while every other
/// event answers a command.
const KEYS_SHARE: f64 = 0.5;
/// How often held keys are looked at whether their end was lost.
const KEY_CHECK: f64 = 0.05;
/// From this many packets a second on, a wake gathers for a while: it costs more than the packets it brings.
const BUSY: f64 = 4000.0;
const GATHER: Duration = Duration::from_micros(1500);
/// Over how long the rate is measured.
const WINDOW: f64 = 0.1;

/// Run until `Shared::stopping`.
pub fn run(mut io: impl Io, slots: usize, orders: &Queue<(u32, Order)>, shared: Arc<Shared>) {
    priority::raise();
    let mut legs = Legs::new(slots, shared);
    let mut load = Load::default();
    while !legs.shared.stopping.load(Relaxed) {
        match io.wait(legs.timeout(), load.rest(), &mut legs) {
            Ok(heard) => load.count(heard, legs.now),
            Err(error) => {
                // It cannot be mended here, and must not become a busy loop.
                eprintln!("media engine: waiting for packets failed: {error}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        for (slot, order) in orders.take_all() {
            legs.guarded(slot, |legs| legs.obey(slot, order));
        }
        legs.tick(&mut io);
        if let Err(error) = io.flush() {
            eprintln!("media engine: sending failed: {error}");
        }
        legs.tell_totals();
    }
}

/// How many packets come, and whether to gather them.
#[derive(Default)]
struct Load {
    since: f64,
    packets: usize,
    busy: bool,
}

impl Load {
    fn count(&mut self, packets: usize, now: f64) {
        self.packets += packets;
        if now - self.since >= WINDOW {
            self.busy = self.packets as f64 / (now - self.since) > BUSY;
            self.packets = 0;
            self.since = now;
        }
    }

    fn rest(&self) -> Duration {
        if self.busy { GATHER } else { Duration::ZERO }
    }
}

struct Legs {
    legs: Vec<Option<Box<Leg>>>,
    shared: Arc<Shared>,
    wheel: Wheel,
    /// Legs where a key is held.
    pressed: Vec<u32>,
    keys_checked: f64,
    start: Instant,
    now: f64,
    /// A packet under another payload type.
    renumbered: Vec<u8>,
    received: u64,
    sent: u64,
    discarded: u64,
    late: u64,
}

impl Legs {
    fn new(slots: usize, shared: Arc<Shared>) -> Self {
        Self {
            legs: (0..slots).map(|_| None).collect(),
            shared,
            wheel: Wheel::default(),
            pressed: Vec::new(),
            keys_checked: 0.0,
            start: Instant::now(),
            now: 0.0,
            renumbered: Vec::new(),
            received: 0,
            sent: 0,
            discarded: 0,
            late: 0,
        }
    }

    /// How long nothing is due.
    fn timeout(&self) -> Option<Duration> {
        let keys = (!self.pressed.is_empty()).then_some(self.keys_checked + KEY_CHECK);
        let deadline = [self.wheel.deadline(), keys]
            .into_iter()
            .flatten()
            .reduce(f64::min)?;
        let left = deadline - self.start.elapsed().as_secs_f64();
        Some(Duration::try_from_secs_f64(left).unwrap_or_default())
    }

    fn obey(&mut self, slot: u32, order: Order) {
        let (counters, outlet) = (
            &self.shared.counters[slot as usize],
            &self.shared.outlets[slot as usize],
        );
        if let Order::Open { epoch } = order {
            counters.open(epoch);
            outlet.open(epoch);
            self.legs[slot as usize] = Some(Box::new(Leg::new(epoch, self.now)));
            return;
        }
        let Some(leg) = &mut self.legs[slot as usize] else {
            return;
        };
        let (ticked, closes) = (leg.ticks(), matches!(order, Order::Close));
        match order {
            Order::Open { .. } => {}
            Order::Connect(connection) => leg.connect(connection, outlet),
            Order::Pass { to, epoch, passage } => leg.pass(to, epoch, passage),
            Order::Tone { frequency, level } => leg.tone(frequency, level),
            Order::Play {
                prompt,
                operation,
                looped,
            } => leg.play(prompt, operation, looped),
            Order::Silence => leg.silence(),
            Order::Close => {
                outlet.close();
                leg.silence();
            }
        }
        let ticks = leg.ticks();
        if closes {
            self.legs[slot as usize] = None;
        }
        match (ticked, ticks) {
            (false, true) => self.wheel.add(slot, self.now),
            (true, false) => self.wheel.remove(slot),
            _ => {}
        }
    }

    /// Everything that is due by the clock.
    fn tick(&mut self, outbox: &mut impl Outbox) {
        self.now = self.start.elapsed().as_secs_f64();
        let mut packet = Vec::with_capacity(512);
        while let Some(due) = self.wheel.due(self.now) {
            for slot in self.wheel.slots(due).to_vec() {
                self.late += u64::from(due.late);
                self.guarded(slot, |legs| legs.tick_one(slot, &mut packet, outbox));
            }
        }
        if !self.pressed.is_empty() && self.now >= self.keys_checked + KEY_CHECK {
            self.keys_checked = self.now;
            for slot in std::mem::take(&mut self.pressed) {
                let Some(leg) = &mut self.legs[slot as usize] else {
                    continue;
                };
                let key = leg.timeout(self.now);
                if leg.key_pressed() {
                    self.pressed.push(slot);
                }
                let epoch = leg.epoch;
                self.tell_key(slot, epoch, key);
            }
        }
    }

    fn tick_one(&mut self, slot: u32, packet: &mut Vec<u8>, outbox: &mut impl Outbox) {
        let Some(leg) = &mut self.legs[slot as usize] else {
            return;
        };
        let epoch = leg.epoch;
        packet.clear();
        match leg.tick(self.now, packet) {
            Tick::Quiet => {}
            Tick::Packet => self.send_rtp(slot, epoch, packet, outbox),
            Tick::PlayEnded { operation } => {
                self.wheel.remove(slot);
                self.tell(Event::PlayEnded {
                    leg: slot,
                    epoch,
                    operation,
                });
            }
            Tick::Mute => {
                leg.silence();
                self.wheel.remove(slot);
                self.tell(Event::Failed {
                    leg: slot,
                    epoch,
                    reason: "the party speaks no codec of ours",
                });
            }
        }
    }

    #[inline]
    fn send_rtp(&mut self, slot: u32, epoch: u64, data: &[u8], outbox: &mut impl Outbox) {
        if let Some(destination) = self.shared.outlets[slot as usize].rtp(epoch) {
            outbox.send(2 * slot, destination, data);
            self.shared.counters[slot as usize].count_sent();
            self.sent += 1;
        }
    }

    fn tell_key(&self, leg: u32, epoch: u64, key: Option<Key>) {
        if let Some(key) = key {
            let duration_ms = milliseconds(&key);
            self.shared.events.push(
                Event::Digit {
                    leg,
                    epoch,
                    digit: key.key,
                    duration_ms,
                },
                KEYS_SHARE,
            );
        }
    }

    fn tell(&self, event: Event) {
        self.shared.events.push(event, 1.0);
    }

    fn tell_totals(&mut self) {
        for (total, count) in [
            (&self.shared.packets_received, &mut self.received),
            (&self.shared.packets_sent, &mut self.sent),
            (&self.shared.packets_discarded, &mut self.discarded),
            (&self.shared.late_ticks, &mut self.late),
        ] {
            if *count > 0 {
                total.fetch_add(std::mem::take(count), Relaxed);
            }
        }
    }

    /// One unit of work. A panic in it silences its leg and no other.
    #[inline]
    fn guarded(&mut self, slot: u32, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.shared.panics.fetch_add(1, Relaxed);
            self.wheel.remove(slot);
            self.shared.outlets[slot as usize].set(None, None, false);
            // What the panic left of the leg is not to be trusted.
            if let Some(leg) = &mut self.legs[slot as usize] {
                let epoch = leg.epoch;
                **leg = Leg::new(epoch, self.now);
                self.tell(Event::Failed {
                    leg: slot,
                    epoch,
                    reason: "a fault in the media engine",
                });
            }
        }
    }

    fn take_datagram(&mut self, slot: u32, datagram: Datagram<'_>, outbox: &mut impl Outbox) {
        let Some(leg) = &mut self.legs[slot as usize] else {
            self.discarded += 1;
            return;
        };
        let epoch = leg.epoch;
        let held = leg.key_pressed();
        let (counters, outlet) = (
            &self.shared.counters[slot as usize],
            &self.shared.outlets[slot as usize],
        );
        let (fate, key) = leg.receive(datagram, self.now, counters, outlet);
        if !held && leg.key_pressed() {
            self.pressed.push(slot);
        }
        self.tell_key(slot, epoch, key);
        match fate {
            Fate::Discard => self.discarded += 1,
            Fate::Keep => {}
            Fate::Rtp {
                to,
                epoch,
                payload_type: None,
            } => self.send_rtp(to, epoch, datagram.data, outbox),
            Fate::Rtp {
                to,
                epoch,
                payload_type: Some(payload_type),
            } => {
                let mut renumbered = std::mem::take(&mut self.renumbered);
                renumbered.clear();
                renumbered.extend_from_slice(datagram.data);
                rtp::set_payload_type(&mut renumbered, payload_type);
                self.send_rtp(to, epoch, &renumbered, outbox);
                self.renumbered = renumbered;
            }
            Fate::Rtcp { to, epoch } => {
                if let Some((destination, mux)) = self.shared.outlets[to as usize].rtcp(epoch) {
                    outbox.send(2 * to + u32::from(!mux), destination, datagram.data);
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl Outbox for Nowhere {
        fn send(&mut self, _socket: u32, _destination: SocketAddr, _data: &[u8]) {}
    }

    fn legs(slots: usize) -> Legs {
        Legs::new(slots, Arc::new(Shared::new(slots).unwrap()))
    }

    #[test]
    fn a_panic_silences_its_leg_tells_it_and_harms_no_other() {
        let mut legs = legs(2);
        legs.obey(0, Order::Open { epoch: 1 });
        legs.obey(1, Order::Open { epoch: 2 });
        legs.legs[0].as_mut().unwrap().panic_from_now_on();
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
                reason: "a fault in the media engine"
            }]
        );
        assert_eq!(
            legs.shared.counters[1].read(2).discarded,
            1,
            "the other leg goes on"
        );
    }

    #[test]
    fn a_thread_gathers_packets_only_under_load() {
        let mut load = Load::default();
        load.count(10, 1.0);
        assert_eq!(load.rest(), Duration::ZERO);
        load.count(1000, 1.05);
        load.count(0, 1.1);
        assert_eq!(load.rest(), GATHER);
        load.count(0, 1.3);
        assert_eq!(load.rest(), Duration::ZERO);
    }
}
