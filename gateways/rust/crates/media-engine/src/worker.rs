//! One thread: its legs, its sockets, its ticks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::board::Board;
use crate::command::{Event, Target};
use crate::io::Io;
use crate::leg::Around;
use crate::legs::Legs;
use crate::measures::Judged;
use crate::mixed::Mixes;
use crate::order::Errand;
use crate::outlet::Outlet;
use crate::priority;
use crate::queue::Queue;
use crate::reporting::Reporting;
use crate::studio::Tracks;
use crate::video::{Composer, Views};
use crate::voice::Voices;

/// What all threads see.
pub struct Shared {
    pub counters: Board,
    pub outlets: Vec<Outlet>,
    pub around: Around,
    pub mix_tracks: Tracks,
    pub views: Arc<Views>,
    pub composer: Composer,
    pub events: Queue<Event>,
    /// What each thread is to do.
    pub errands: Vec<Queue<Errand>>,
    pub packets_received: AtomicU64,
    pub packets_sent: AtomicU64,
    pub packets_discarded: AtomicU64,
    pub panics: AtomicU64,
    pub late_ticks: AtomicU64,
    pub judged: Judged,
    /// From which all threads count the time.
    pub start: Instant,
    pub reporting: Arc<Reporting>,
    pub stopping: AtomicBool,
}

/// Events that may wait to be drained.
const EVENTS: usize = 65_536;
/// Errands that may wait for one thread, as often as there are slots: none of them has more in a healthy engine.
const ERRANDS_PER_SLOT: usize = 16;
/// From this many packets a second on, a wake gathers for a while: it costs more than the packets it brings.
const BUSY: f64 = 4000.0;
const GATHER: Duration = Duration::from_micros(1500);
/// Over how long the rate is measured.
const WINDOW: f64 = 0.1;

impl Shared {
    pub fn new(slots: usize, threads: usize) -> io::Result<Self> {
        let limit = ERRANDS_PER_SLOT * slots.max(64);
        let start = Instant::now();
        Ok(Self {
            counters: Board::new(slots)?,
            outlets: (0..slots).map(|_| Outlet::default()).collect(),
            around: Around {
                voices: Arc::new(Voices::new(slots)),
                mixes: Arc::new(Mixes::new(slots)),
                tracks: Arc::new(Tracks::new(slots)),
            },
            mix_tracks: Tracks::new(slots),
            views: Arc::new(Views::new(slots)),
            composer: Composer::default(),
            events: Queue::new(EVENTS)?,
            errands: (0..threads)
                .map(|_| Queue::new(limit))
                .collect::<io::Result<_>>()?,
            packets_received: AtomicU64::new(0),
            packets_sent: AtomicU64::new(0),
            packets_discarded: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            late_ticks: AtomicU64::new(0),
            judged: Judged::default(),
            start,
            reporting: Arc::new(Reporting::new(start)),
            stopping: AtomicBool::new(false),
        })
    }

    /// Seconds since the start.
    pub fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Where a leg or mix is recorded, and its slot.
    pub fn tracks_of(&self, target: Target) -> (&Tracks, u32) {
        match target {
            Target::Leg(leg) => (&self.around.tracks, leg),
            Target::Mix(mix) => (&self.mix_tracks, mix),
        }
    }

    /// Whose thread a leg's or mix's slot belongs to. Neighbouring slots, which one call is likely to use, share one.
    pub fn thread_of(&self, slot: u32) -> usize {
        (slot / 2) as usize % self.errands.len()
    }
}

/// Run one of the threads until `Shared::stopping`.
pub fn run(mut io: impl Io, thread: usize, shared: Arc<Shared>) {
    priority::raise();
    let mut legs = Legs::new(Arc::clone(&shared));
    let mut load = Load::default();
    while !shared.stopping.load(Relaxed) {
        match io.wait(legs.timeout(), load.rest(), &mut legs) {
            Ok(heard) => load.count(heard, legs.now()),
            Err(error) => {
                // It cannot be mended here, and must not become a busy loop.
                eprintln!("media engine: waiting for packets failed: {error}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        for errand in shared.errands[thread].take_all() {
            legs.carry_out(errand, &mut io);
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

#[cfg(test)]
mod tests {
    use super::*;

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
