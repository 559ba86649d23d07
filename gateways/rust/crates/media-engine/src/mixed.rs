//! What came of 20 ms of a mix, for all its members to read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codec::Format;
use dsp::mix::{Gain, saturate, without};

use crate::row::{Place, Row};
use crate::speaker::{Manner, Packets};

/// One frame of a mix. It is used again when nobody reads it any more.
#[derive(Default)]
pub struct Mixed {
    pub rate: u32,
    /// All that is heard, and what of it the mix plays itself.
    pub total: Vec<i32>,
    pub played: Vec<i32>,
    /// Who is in the total, by leg, and its voice; the sum of the times at which they said it.
    own: Vec<Own>,
    said: f64,
    voices: Vec<i16>,
    /// Who hears something else, by leg, and what.
    apart: Vec<(u32, usize)>,
    apart_samples: Vec<i16>,
    /// The total as payloads, for those who hear it as it is.
    payloads: Vec<Payloads>,
}

struct Own {
    leg: u32,
    start: usize,
    gain: Gain,
}

struct Payloads {
    format: Format,
    ptime: u32,
    /// Whether they are of this frame.
    fresh: bool,
    packets: Packets,
}

/// What a member hears of a frame.
pub enum Share<'a> {
    /// The same as all others of its manner, as payloads.
    Payloads(&'a Packets),
    /// The samples that were written.
    Samples,
}

impl Mixed {
    /// Begin a frame: nothing is heard in it yet.
    pub fn begin(&mut self, rate: u32, length: usize) {
        self.rate = rate;
        for total in [&mut self.total, &mut self.played] {
            total.clear();
            total.resize(length, 0);
        }
        self.own.clear();
        self.said = 0.0;
        self.voices.clear();
        self.apart.clear();
        self.apart_samples.clear();
        self.payloads.retain(|payloads| payloads.fresh);
        for payloads in &mut self.payloads {
            payloads.fresh = false;
            payloads.packets.clear();
        }
    }

    /// Add a member's voice, said at some time, to the total. Members come in the order of their legs, here and in
    /// `set_apart`.
    pub fn add(&mut self, leg: u32, voice: &[i16], gain: Gain, said: f64) {
        dsp::mix::add(&mut self.total, voice, gain);
        let start = self.voices.len();
        self.own.push(Own { leg, start, gain });
        self.voices.extend_from_slice(voice);
        self.said += said;
    }

    /// When those who are heard said it, in the mean; None: nobody is.
    pub fn said(&self) -> Option<f64> {
        (!self.own.is_empty()).then(|| self.said / self.own.len() as f64)
    }

    /// Let a member hear something else than the total.
    pub fn set_apart(&mut self, leg: u32, total: &[i32]) {
        let start = self.apart_samples.len();
        self.apart_samples.resize(start + total.len(), 0);
        saturate(total, &mut self.apart_samples[start..]);
        self.apart.push((leg, start));
    }

    /// Where the payloads of a format go that are made of this frame.
    pub fn payloads(&mut self, format: Format, ptime: u32) -> &mut Packets {
        let is_it = |one: &Payloads| (one.format, one.ptime) == (format, ptime);
        let at = self.payloads.iter().position(is_it).unwrap_or_else(|| {
            self.payloads.push(Payloads {
                format,
                ptime,
                fresh: true,
                packets: Packets::default(),
            });
            self.payloads.len() - 1
        });
        self.payloads[at].fresh = true;
        &mut self.payloads[at].packets
    }

    /// What a member hears: payloads that exist already, if they suit its manner; else samples, which are written to
    /// `out`.
    pub fn share(&self, leg: u32, manner: Option<Manner>, out: &mut Vec<i16>) -> Share<'_> {
        out.clear();
        let length = self.total.len();
        if let Ok(at) = self.apart.binary_search_by_key(&leg, |&(leg, _)| leg) {
            let start = self.apart[at].1;
            out.extend_from_slice(&self.apart_samples[start..start + length]);
            return Share::Samples;
        }
        out.resize(length, 0);
        if let Ok(at) = self.own.binary_search_by_key(&leg, |own| own.leg) {
            let Own { start, gain, .. } = self.own[at];
            let voice = &self.voices[start..start + length];
            without(&self.total, voice, gain, out);
            return Share::Samples;
        }
        let suits = |payloads: &&Payloads| {
            payloads.fresh
                && manner.is_some_and(|m| (m.format, m.ptime) == (payloads.format, payloads.ptime))
        };
        if let Some(payloads) = self.payloads.iter().find(suits) {
            return Share::Payloads(&payloads.packets);
        }
        saturate(&self.total, out);
        Share::Samples
    }
}

/// The frames of all mixes.
pub struct Mixes(Box<[Mutex<Published>]>);

#[derive(Default)]
struct Published {
    /// Which mix it is; 0: none.
    epoch: u64,
    frames: Row<Option<Arc<Mixed>>>,
}

impl Mixes {
    pub fn new(count: usize) -> Self {
        Self((0..count).map(|_| Mutex::default()).collect())
    }

    pub fn open(&self, mix: u32, epoch: u64) {
        let mut published = self.lock(mix);
        published.epoch = epoch;
        published.frames.clear();
    }

    pub fn close(&self, mix: u32) {
        self.open(mix, 0);
    }

    /// Give a frame to the members. The one in whose place it comes is given back.
    pub fn publish(&self, mix: u32, frame: Arc<Mixed>) -> Option<Arc<Mixed>> {
        self.lock(mix).frames.push().replace(frame)
    }

    /// A seat in a mix, from its next frame on.
    pub fn seat(self: &Arc<Self>, mix: u32, epoch: u64) -> Seat {
        let place = self.lock(mix).frames.end();
        Seat {
            mixes: Arc::clone(self),
            mix,
            epoch,
            place,
        }
    }

    fn lock(&self, mix: u32) -> MutexGuard<'_, Published> {
        // Nothing that holds the lock can leave it half changed.
        self.0[mix as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a member is in the frames of a mix.
pub struct Seat {
    mixes: Arc<Mixes>,
    mix: u32,
    epoch: u64,
    place: Place,
}

impl Seat {
    pub fn mix(&self) -> u32 {
        self.mix
    }

    /// The next frame; None: it is not there yet, or the mix is gone.
    pub fn frame(&mut self) -> Option<Arc<Mixed>> {
        let published = self.mixes.lock(self.mix);
        if published.epoch != self.epoch {
            return None;
        }
        published.frames.take(&mut self.place)?.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_taken_before_the_mix_is_there_has_its_first_frame() {
        let mixes = Arc::new(Mixes::new(1));
        mixes.open(0, 1);
        for _ in 0..10 {
            mixes.publish(0, Arc::default());
        }
        mixes.close(0);
        let mut seat = mixes.seat(0, 2);
        assert!(seat.frame().is_none());
        mixes.open(0, 2);
        assert!(seat.frame().is_none());
        mixes.publish(0, Arc::default());
        assert!(seat.frame().is_some());
        assert!(seat.frame().is_none());
    }

    #[test]
    fn frames_come_back_to_be_used_again() {
        let mixes = Arc::new(Mixes::new(1));
        mixes.open(0, 1);
        let frame = Arc::<Mixed>::default();
        mixes.publish(0, Arc::clone(&frame));
        mixes.publish(0, Arc::default());
        mixes.publish(0, Arc::default());
        let back = mixes.publish(0, Arc::default());
        assert!(back.is_some_and(|back| Arc::ptr_eq(&back, &frame)));
    }
}
