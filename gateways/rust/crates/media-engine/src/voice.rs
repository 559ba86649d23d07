//! Each leg's sound as samples, for whoever wants to hear it: a leg that speaks another format, a mix, a recorder.
//!
//! A leg puts a frame of 20 ms here at each of its ticks, for as long as anybody wants it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::row::{Place, Row};

/// The voices of all slots.
pub struct Voices {
    /// How many want to hear each. They are asked for with every packet, and so they lie close together.
    wanted: Box<[AtomicU32]>,
    /// How many of them want every word.
    closely: Box<[AtomicU32]>,
    /// One thread speaks, and few hear, each for the time of a copy: the lock is hardly ever met.
    spoken: Box<[Mutex<Spoken>]>,
}

#[derive(Default)]
struct Spoken {
    /// Whose voice it is; 0: the slot is not in use.
    epoch: u64,
    frames: Row<Frame>,
}

#[derive(Default)]
struct Frame {
    rate: u32,
    /// The packets that it was made of went to the leg's partner as they were.
    passed: bool,
    /// There was sound, and nobody wanted it enough to decode it.
    skipped: bool,
    /// When its party said it, as far as its packets tell.
    said: f64,
    samples: Vec<i16>,
}

/// How closely a voice is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Every word.
    Close,
    /// Whether somebody speaks, and how loud.
    Glance,
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// Samples a second.
    pub rate: u32,
    pub passed: bool,
    /// There was sound, but it was not decoded: nothing was appended.
    pub skipped: bool,
    /// When it was said, by the engine's clock.
    pub said: f64,
}

impl Voices {
    pub fn new(slots: usize) -> Self {
        Self {
            wanted: (0..slots).map(|_| AtomicU32::default()).collect(),
            closely: (0..slots).map(|_| AtomicU32::default()).collect(),
            spoken: (0..slots).map(|_| Mutex::default()).collect(),
        }
    }

    /// Another user of the slot: who wanted the last one's voice does not want this one's.
    pub fn open(&self, slot: u32, epoch: u64) {
        let mut spoken = self.lock(slot);
        spoken.epoch = epoch;
        self.wanted[slot as usize].store(0, Ordering::Relaxed);
        self.closely[slot as usize].store(0, Ordering::Relaxed);
    }

    pub fn close(&self, slot: u32) {
        self.open(slot, 0);
    }

    #[inline]
    pub fn wanted(&self, slot: u32) -> bool {
        self.wanted[slot as usize].load(Ordering::Relaxed) != 0
    }

    /// Whether anybody wants every word of it.
    pub fn heard_closely(&self, slot: u32) -> bool {
        self.closely[slot as usize].load(Ordering::Relaxed) != 0
    }

    /// The next 20 ms of a leg, which were not decoded, by its own thread.
    pub fn skip(&self, slot: u32, rate: u32, passed: bool) {
        let mut spoken = self.lock(slot);
        let frame = spoken.frames.push();
        frame.rate = rate;
        frame.passed = passed;
        frame.skipped = true;
        frame.samples.clear();
    }

    /// The next 20 ms of a leg, by its own thread; `said` is when its party said it.
    pub fn speak(&self, slot: u32, rate: u32, passed: bool, said: f64, samples: &[i16]) {
        let mut spoken = self.lock(slot);
        let frame = spoken.frames.push();
        frame.rate = rate;
        frame.passed = passed;
        frame.skipped = false;
        frame.said = said;
        frame.samples.clear();
        frame.samples.extend_from_slice(samples);
    }

    /// Hear a user of a slot from its next frame on, also one that its thread has not yet let in. Who is gone is never
    /// heard.
    pub fn hear(self: &Arc<Self>, slot: u32, epoch: u64) -> Hearing {
        let attention = Attention::Close;
        let spoken = self.lock(slot);
        let next = (spoken.epoch == epoch).then(|| {
            self.count(slot, attention);
            spoken.frames.end()
        });
        Hearing {
            voices: Arc::clone(self),
            slot,
            epoch,
            next,
            attention,
        }
    }

    /// One more hears a voice; while whose it is is there.
    fn count(&self, slot: u32, attention: Attention) {
        self.wanted[slot as usize].fetch_add(1, Ordering::Relaxed);
        if attention == Attention::Close {
            self.closely[slot as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lock(&self, slot: u32) -> MutexGuard<'_, Spoken> {
        // Nothing that holds the lock can leave a frame half written: it copies.
        self.spoken[slot as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who hears a voice, and where in it. Dropping it ends that.
pub struct Hearing {
    voices: Arc<Voices>,
    slot: u32,
    epoch: u64,
    /// None: it is not there yet.
    next: Option<Place>,
    attention: Attention,
}

impl Hearing {
    /// Whose voice it is.
    pub fn of(&self) -> (u32, u64) {
        (self.slot, self.epoch)
    }

    /// Hear it so closely from now on; at first that is every word.
    pub fn attend(&mut self, attention: Attention) {
        if attention == self.attention {
            return;
        }
        self.attention = attention;
        let spoken = self.voices.lock(self.slot);
        if self.next.is_some() && spoken.epoch == self.epoch {
            let closely = &self.voices.closely[self.slot as usize];
            match attention {
                Attention::Close => closely.fetch_add(1, Ordering::Relaxed),
                Attention::Glance => closely.fetch_sub(1, Ordering::Relaxed),
            };
        }
    }

    /// Append the next frame to `out`; None: there is none yet, or the voice is gone.
    pub fn frame(&mut self, out: &mut Vec<i16>) -> Option<Heard> {
        let spoken = self.voices.lock(self.slot);
        if spoken.epoch != self.epoch {
            return None;
        }
        let (slot, attention) = (self.slot, self.attention);
        let next = self.next.get_or_insert_with(|| {
            self.voices.count(slot, attention);
            spoken.frames.end()
        });
        let frame = spoken.frames.take(next)?;
        out.extend_from_slice(&frame.samples);
        Some(Heard {
            rate: frame.rate,
            passed: frame.passed,
            skipped: frame.skipped,
            said: frame.said,
        })
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        let spoken = self.voices.lock(self.slot);
        if self.next.is_some() && spoken.epoch == self.epoch {
            self.voices.wanted[self.slot as usize].fetch_sub(1, Ordering::Relaxed);
            if self.attention == Attention::Close {
                self.voices.closely[self.slot as usize].fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voices() -> Arc<Voices> {
        let voices = Arc::new(Voices::new(2));
        voices.open(0, 7);
        voices
    }

    fn next(hearing: &mut Hearing) -> Option<i16> {
        let mut out = Vec::new();
        hearing.frame(&mut out)?;
        out.first().copied()
    }

    #[test]
    fn each_frame_is_heard_once_by_everybody_who_wants_it() {
        let voices = voices();
        voices.speak(0, 8000, false, 0.0, &[1]);
        let (mut one, mut other) = (voices.hear(0, 7), voices.hear(0, 7));
        assert_eq!(next(&mut one), None, "what was said before is past");
        for n in 2..20 {
            voices.speak(0, 8000, false, 0.0, &[n]);
            assert_eq!((next(&mut one), next(&mut other)), (Some(n), Some(n)));
            assert_eq!(next(&mut one), None);
        }
    }

    #[test]
    fn a_voice_is_wanted_as_long_as_anybody_hears_it_and_the_next_user_is_another() {
        let voices = voices();
        assert!(!voices.wanted(0));
        let mut one = voices.hear(0, 7);
        let other = voices.hear(0, 7);
        drop(other);
        assert!(voices.wanted(0));
        voices.close(0);
        voices.open(0, 8);
        assert!(!voices.wanted(0));
        let new = voices.hear(0, 8);
        voices.speak(0, 8000, false, 0.0, &[1]);
        assert_eq!(next(&mut one), None);
        drop(one);
        assert!(voices.wanted(0));
        drop(new);
        assert!(!voices.wanted(0));
        drop(voices.hear(0, 7));
        assert!(!voices.wanted(0), "who is gone was not wanted either");
    }

    #[test]
    fn a_voice_is_heard_closely_while_one_wants_every_word() {
        let voices = voices();
        let (mut one, mut other) = (voices.hear(0, 7), voices.hear(0, 7));
        one.attend(Attention::Glance);
        one.attend(Attention::Glance);
        assert!(voices.heard_closely(0));
        other.attend(Attention::Glance);
        assert!(!voices.heard_closely(0) && voices.wanted(0));
        voices.skip(0, 8000, false);
        let heard = one.frame(&mut Vec::new());
        assert!(heard.is_some_and(|heard| heard.skipped));
        other.attend(Attention::Close);
        assert!(voices.heard_closely(0));
        drop(other);
        assert!(!voices.heard_closely(0));
        let mut early = voices.hear(1, 9);
        early.attend(Attention::Glance);
        voices.open(1, 9);
        early.frame(&mut Vec::new());
        assert!(voices.wanted(1) && !voices.heard_closely(1));
    }

    #[test]
    fn who_is_wanted_before_it_is_there_is_heard_once_it_comes() {
        let voices = voices();
        let mut hearing = voices.hear(1, 9);
        assert_eq!(next(&mut hearing), None);
        voices.open(1, 9);
        assert_eq!(next(&mut hearing), None);
        assert!(voices.wanted(1));
        voices.speak(1, 8000, false, 0.0, &[5]);
        assert_eq!(next(&mut hearing), Some(5));
        drop(hearing);
        assert!(!voices.wanted(1));
    }
}
