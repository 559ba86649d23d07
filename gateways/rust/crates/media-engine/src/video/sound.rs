//! Sound that the composer sends of somebody: a camera that it fetches. It comes as the camera's network lets it come,
//! and by the camera's clock; the leg that speaks with it takes 20 ms of it at each tick.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dsp::{energy, level};

/// Samples a second, and in a frame.
pub const RATE: u32 = 16_000;
const FRAME: usize = 320;
/// Frames that wait before the first is heard, at the least and at the most. Each time that there is none when one is
/// due, more are waited for; after some time in which there always was one, fewer.
const LEAST: usize = 4;
const MOST: usize = 20;
const MORE: usize = 2;
const STEADY: u32 = 500;
/// Where so many frames more wait than are needed, one is left out as soon as there is a quiet one; and where there are
/// so many more, all of them at once.
const OVER: usize = 5;
const FAR_OVER: usize = 15;
/// In dB below full scale: what is left out below it is not missed.
const QUIET: u8 = 50;

/// A queue between the composer's thread and the thread of a leg. The lock is held for a copy of what came, or of 20 ms.
pub struct Sound(Mutex<Waiting>);

struct Waiting {
    samples: VecDeque<i16>,
    /// It is being heard; false: it is waited until there is enough.
    flows: bool,
    /// Frames that are waited for.
    wanted: usize,
    /// Frames that were there in a row.
    steady: u32,
}

impl Default for Sound {
    fn default() -> Self {
        Self(Mutex::new(Waiting {
            samples: VecDeque::new(),
            flows: false,
            wanted: LEAST,
            steady: 0,
        }))
    }
}

impl Sound {
    /// More has come: samples of two bytes, the lower one first.
    pub fn put(&self, bytes: &[u8]) {
        let mut waiting = self.lock();
        let samples = bytes
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        waiting.samples.extend(samples);
        let wanted = waiting.wanted;
        if waiting.samples.len() > (wanted + FAR_OVER) * FRAME {
            waiting.leave(wanted * FRAME);
        }
    }

    /// Append the next 20 ms: whether there are any.
    pub fn frame(&self, out: &mut Vec<i16>) -> bool {
        let mut waiting = self.lock();
        if !waiting.flows && waiting.samples.len() < waiting.wanted * FRAME {
            return false;
        }
        if waiting.samples.len() < FRAME {
            waiting.flows = false;
            waiting.steady = 0;
            waiting.wanted = (waiting.wanted + MORE).min(MOST);
            return false;
        }
        waiting.flows = true;
        waiting.steady += 1;
        if waiting.steady == STEADY {
            waiting.steady = 0;
            waiting.wanted = (waiting.wanted - 1).max(LEAST);
        }
        let begin = out.len();
        out.extend(waiting.samples.drain(..FRAME));
        if waiting.samples.len() > (waiting.wanted + OVER) * FRAME
            && level(energy(&out[begin..]), FRAME) >= QUIET
        {
            out.truncate(begin);
            out.extend(waiting.samples.drain(..FRAME));
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that holds it can leave what is in it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Keep the newest so many.
    fn leave(&mut self, count: usize) {
        let over = self.samples.len().saturating_sub(count);
        self.samples.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(samples: impl IntoIterator<Item = i16>) -> Vec<u8> {
        samples.into_iter().flat_map(i16::to_le_bytes).collect()
    }

    fn loud(frames: usize) -> Vec<u8> {
        bytes((0..frames * FRAME).map(|at| if at % 2 == 0 { 9000 } else { -9000 }))
    }

    fn waits(sound: &Sound) -> usize {
        sound.lock().samples.len()
    }

    #[test]
    fn what_came_is_heard_in_order_once_enough_of_it_waits() {
        let sound = Sound::default();
        let mut out = Vec::new();
        sound.put(&bytes(0..960));
        assert!(!sound.frame(&mut out));
        sound.put(&bytes(960..1280));
        while sound.frame(&mut out) {}
        assert_eq!(out, (0..1280).collect::<Vec<i16>>());
    }

    #[test]
    fn sound_that_comes_in_bursts_is_waited_for_longer_until_it_has_no_gaps_any_more() {
        let sound = Sound::default();
        let mut gaps = Vec::new();
        for tick in 0..3000 {
            // Every other time they are late.
            if tick % 24 == 0 || tick % 24 == 18 {
                sound.put(&loud(12));
            }
            if !sound.frame(&mut Vec::new()) {
                gaps.push(tick);
            }
        }
        assert!(
            gaps.len() < 60 && *gaps.last().unwrap() < 120,
            "{} until {:?}",
            gaps.len(),
            gaps.last()
        );
    }

    #[test]
    fn no_more_waits_than_is_good_and_of_that_the_newest() {
        let sound = Sound::default();
        (0..100).for_each(|_| sound.put(&loud(5)));
        assert!(waits(&sound) <= (LEAST + FAR_OVER) * FRAME);
        sound.put(&loud(40 * 50));
        let newest = bytes(0..320);
        sound.put(&newest);
        let mut out = Vec::new();
        while sound.frame(&mut out) {}
        assert_eq!(bytes(out[out.len() - 320..].to_vec()), newest);
    }

    #[test]
    fn a_clock_that_is_fast_is_followed_where_nobody_speaks() {
        let sound = Sound::default();
        let mut out = Vec::new();
        for tick in 0..6000 {
            // Ten in a thousand too many; every other second is quiet.
            let frames = if tick % 100 == 0 { 2 } else { 1 };
            match tick / 50 % 2 {
                0 => sound.put(&bytes(vec![0; frames * FRAME])),
                _ => sound.put(&loud(frames)),
            }
            out.clear();
            sound.frame(&mut out);
            assert!(waits(&sound) <= (LEAST + OVER + 2) * FRAME, "{tick}");
        }
    }

    #[test]
    fn a_clock_that_is_slow_costs_a_pause_now_and_then() {
        let sound = Sound::default();
        let mut heard = 0;
        for tick in 0..10_000 {
            if tick % 1000 != 0 {
                sound.put(&loud(1));
            }
            heard += usize::from(sound.frame(&mut Vec::new()));
        }
        assert!(heard > 9_900, "{heard}");
    }
}
