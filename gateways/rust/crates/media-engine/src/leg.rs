//! One leg: what its packets mean, and what it sends of its own. No I/O; time comes in.
//!
//! `receive` takes the party's packets: they pass to another leg as they are, or are heard, or both. `send` makes packets
//! for the party, out of what is played to it and whom it hears.

mod detect;
mod keying;
mod measure;
pub mod party;
mod receive;
mod record;
mod send;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use rtp::event::KeyTracker;
use rtp::reception::Reception;

use crate::command::Connection;
use crate::formats::Passage;
use crate::mixed::{Mixes, Seat};
use crate::outlet::Outlet;
use crate::playlist::Playing;
use crate::playout::Playout;
use crate::speaker::{Manner, Speaker};
use crate::streaming::Live;
use crate::studio::Tracks;
use crate::video::Sound;
use crate::voice::{Hearing, Voices};

use detect::Ears;
pub use detect::{Detected, Heard, Listening};
use keying::Keying;
pub use keying::Presses;
use measure::Measure;
use party::Party;
pub use receive::{Datagram, Fate, Press};
pub use send::Desk;

/// A leg from its Open to its Close. Its figures and its outlet are the slot's, since other threads read them.
pub struct Leg {
    pub epoch: u64,
    slot: u32,
    opened_at: f64,
    around: Around,
    party: Option<Party>,
    doing: Doing,
    /// What is played over it.
    over: Option<Playing>,
    /// What the far end of a stream says, until that ends.
    live: Option<Live>,
    /// What is said where there is no party.
    sound: Option<Arc<Sound>>,
    // What comes:
    keys: KeyTracker,
    /// Whether packets of the key that is held were passed on, and what its time is counted by.
    key_passed: bool,
    key_clock: u32,
    reception: Reception,
    measure: Measure,
    /// Whether the party has sent a key as an event.
    keys_come: bool,
    /// While the party is listened to for something.
    ears: Option<Box<Ears>>,
    /// Of the newest packet with speech.
    clock_rate: u32,
    last_address: Option<SocketAddr>,
    /// While somebody wants to hear the party.
    playout: Option<Playout>,
    /// Of the playout.
    frames: u32,
    /// The rate that is best for whoever hears it.
    ear_rate: u32,
    /// Whether the party's newest packet went to another leg as it was.
    passed: bool,
    // What goes:
    speaker: Option<Speaker>,
    keying: Keying,
    /// Seconds from when something is said in a mix until the party is sent it.
    behind: f64,
}

/// Where all legs hear each other, and are recorded.
#[derive(Clone)]
pub struct Around {
    pub voices: Arc<Voices>,
    pub mixes: Arc<Mixes>,
    pub tracks: Arc<Tracks>,
}

/// What a leg does with its party.
enum Doing {
    Nothing,
    /// It hears another, or itself, and is heard by it.
    Bridged(Bridge),
    Mixed(Seat),
    Playing(Playing),
    #[cfg(test)]
    Panicking,
}

/// How a leg is bridged with another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    pub peer: u32,
    pub epoch: u64,
    /// What of our party's goes to the peer as it is.
    pub passage: Passage,
    /// Whether all that ours may say does.
    pub passes: bool,
    /// Whether the peer's party may say what ours hears only after conversion.
    pub converts: bool,
    /// The rate at which the peer wants to hear ours, when it does.
    pub rate: u32,
}

struct Bridge {
    terms: Terms,
    /// While the peer must be heard: for conversion, or to play over it.
    hearing: Option<Hearing>,
}

/// Who hears the keys of a party.
pub enum KeyTaker {
    Leg { slot: u32, epoch: u64 },
    Mix(u32),
}

/// At which rate formats are heard that can be had at several, while nobody says more.
const EAR_RATE: u32 = 16_000;

impl Leg {
    pub fn new(slot: u32, epoch: u64, now: f64, around: Around) -> Self {
        Self {
            epoch,
            slot,
            opened_at: now,
            around,
            party: None,
            doing: Doing::Nothing,
            over: None,
            live: None,
            sound: None,
            keys: KeyTracker::default(),
            key_passed: false,
            key_clock: 8000,
            reception: Reception::default(),
            measure: Measure::new(now),
            keys_come: false,
            ears: None,
            clock_rate: 8000,
            last_address: None,
            playout: None,
            frames: 0,
            ear_rate: EAR_RATE,
            passed: false,
            speaker: None,
            keying: Keying::default(),
            behind: 0.0,
        }
    }

    // Orders ------------------------------------------------------------------------------------------------------

    pub fn connect(&mut self, connection: Connection, outlet: &Outlet) {
        match (connection.manner(), &mut self.speaker) {
            (Some(manner), Some(speaker)) => speaker.change(manner),
            (Some(manner), none) => *none = Some(Speaker::new(manner)),
            (None, speaker) => *speaker = None,
        }
        let party = match self.party.take() {
            Some(party) => party.reconnected(connection),
            None => Party::new(connection),
        };
        party.publish(outlet);
        self.party = Some(party);
        self.settle(outlet);
    }

    /// Hear another leg, or itself as an echo. When that is so already, on other terms from now on.
    pub fn bridge(&mut self, terms: Terms, outlet: &Outlet) {
        self.ear_rate = terms.rate;
        match &mut self.doing {
            Doing::Bridged(bridge)
                if (bridge.terms.peer, bridge.terms.epoch) == (terms.peer, terms.epoch) =>
            {
                bridge.terms = terms;
            }
            doing => {
                *doing = Doing::Bridged(Bridge {
                    terms,
                    hearing: None,
                });
                self.over = None;
                self.passed = terms.passes;
            }
        }
        self.settle(outlet);
    }

    /// Hear a mix of a rate.
    pub fn join(&mut self, mix: u32, epoch: u64, rate: u32, outlet: &Outlet) {
        self.ear_rate = rate;
        self.over = None;
        self.doing = Doing::Mixed(self.around.mixes.seat(mix, epoch));
        self.settle(outlet);
    }

    /// Play instead of all else, or over it.
    pub fn play(&mut self, playing: Playing, over: bool, outlet: &Outlet) {
        if over {
            self.over = Some(playing);
        } else {
            self.over = None;
            self.doing = Doing::Playing(playing);
        }
        self.settle(outlet);
    }

    /// Play what the far end of a stream says, until that ends: whatever the leg does meanwhile.
    pub fn play_live(&mut self, live: Live, outlet: &Outlet) {
        self.live = Some(live);
        self.settle(outlet);
    }

    /// Say what comes this way, as a party would.
    pub fn speak_for(&mut self, sound: Arc<Sound>) {
        self.sound = Some(sound);
    }

    /// End what is played, over something else or by itself.
    pub fn stop_play(&mut self, outlet: &Outlet) {
        if self.over.take().is_none() && matches!(self.doing, Doing::Playing(_)) {
            self.doing = Doing::Nothing;
        }
        self.settle(outlet);
    }

    /// What is being played: over something else, or by itself.
    pub fn playing(&mut self) -> Option<&mut Playing> {
        match (&mut self.over, &mut self.doing) {
            (Some(playing), _) | (None, Doing::Playing(playing)) => Some(playing),
            _ => None,
        }
    }

    /// Listen to the party for these things, and for nothing else any more.
    pub fn listen_for(&mut self, listening: Listening) {
        if self.ears.as_ref().map(|ears| &ears.listening) != Some(&listening) {
            self.ears = Ears::new(listening, EAR_RATE).map(Box::new);
        }
    }

    /// Send keys to the party, when those before are sent.
    pub fn send_keys(&mut self, keys: Presses, outlet: &Outlet) {
        if self.speaker.is_some() {
            self.keying.add(keys);
            self.settle(outlet);
        }
    }

    /// Who is to get the keys that the party presses, since their packets do not pass.
    pub fn key_taker(&self) -> Option<KeyTaker> {
        match &self.doing {
            Doing::Bridged(bridge) if bridge.terms.peer != self.slot => Some(KeyTaker::Leg {
                slot: bridge.terms.peer,
                epoch: bridge.terms.epoch,
            }),
            Doing::Mixed(seat) => Some(KeyTaker::Mix(seat.mix())),
            _ => None,
        }
    }

    /// End everything.
    pub fn silence(&mut self, outlet: &Outlet) {
        self.keying.stop();
        self.doing = Doing::Nothing;
        self.over = None;
        self.ear_rate = EAR_RATE;
        self.settle(outlet);
    }

    #[cfg(test)]
    pub fn panic_from_now_on(&mut self) {
        self.doing = Doing::Panicking;
    }

    // What the worker asks ----------------------------------------------------------------------------------------

    /// Whether there is something to do every 20 ms.
    pub fn ticks(&self) -> bool {
        let sends = match &self.doing {
            Doing::Bridged(bridge) => bridge.hearing.is_some(),
            Doing::Mixed(_) | Doing::Playing(_) => true,
            _ => false,
        };
        sends
            || self.over.is_some()
            || self.live.is_some()
            || !self.keying.is_done()
            || self.playout.is_some()
            || self.sound.is_some()
            || self.ears.as_ref().is_some_and(|ears| ears.counts_silence())
    }

    /// Whether the party's packets are kept to be heard.
    pub fn is_heard(&self) -> bool {
        self.playout.is_some()
    }

    /// The party's newest packet went on to another leg, or could not.
    pub fn set_passed(&mut self, passed: bool) {
        self.passed = passed;
    }

    /// Whether a key is held, so that `timeout` must be called now and then.
    pub fn key_pressed(&self) -> bool {
        self.keys.pressed()
    }

    /// A key whose end never came.
    pub fn timeout(&mut self, now: f64) -> Option<Press> {
        let key = self.keys.timeout(now)?;
        Some(self.told(key))
    }

    /// Bring in order what follows from what the leg does now: whom it must hear, and whether others may send to its
    /// party.
    fn settle(&mut self, outlet: &Outlet) {
        if let Doing::Bridged(bridge) = &mut self.doing {
            let Terms {
                peer,
                epoch,
                converts,
                ..
            } = bridge.terms;
            let beside = self.live.as_ref().is_some_and(|live| !live.alone());
            let must_hear = self.speaker.is_some() && (converts || self.over.is_some() || beside);
            match (&bridge.hearing, must_hear) {
                (None, true) => bridge.hearing = Some(self.around.voices.hear(peer, epoch)),
                (Some(_), false) => bridge.hearing = None,
                _ => {}
            }
        }
        let speaks = self.over.is_some() || self.live.is_some() || !self.keying.is_done();
        outlet.occupy(speaks && self.speaker.is_some());
    }
}

impl Connection {
    /// How we speak to the party ourselves; None: we cannot.
    pub fn manner(&self) -> Option<Manner> {
        let (format, payload_type) = self.formats.speech()?;
        Some(Manner::new(format, payload_type, self.ptime))
    }
}
