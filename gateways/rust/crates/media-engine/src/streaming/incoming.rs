//! What the far end of a media stream sends, on its way to a leg's party.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::converter::Converter;
use crate::speaker::frame_length;

/// Seconds of sound that may wait.
const LONGEST: u64 = 60;
/// After it was empty, as many ticks are waited for a second frame: a far end that sends as time goes by is never quite
/// on time.
const PATIENCE: u32 = 2;
const FULL_START: usize = 2;

/// A queue of samples between the thread of a stream and the thread of its leg. The lock is held for a copy of 20 ms, or
/// for no time at all.
pub struct Incoming {
    pub rate: u32,
    /// Whether it is heard in place of all else.
    pub alone: bool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Vec<i16>>,
    /// Samples of the first piece that are taken already.
    begun: usize,
    /// Samples that ever came, and that are gone by again.
    put: u64,
    gone: u64,
    ended: bool,
}

impl Incoming {
    pub fn new(rate: u32, alone: bool) -> Self {
        Self {
            rate,
            alone,
            waiting: Mutex::default(),
        }
    }

    /// Let these be heard after what waits already: how many samples found no room.
    pub fn put(&self, mut samples: Vec<i16>) -> usize {
        let mut waiting = self.lock();
        let room = LONGEST * u64::from(self.rate) - (waiting.put - waiting.gone);
        let over = samples.len().saturating_sub(room as usize);
        samples.truncate(samples.len() - over);
        if !samples.is_empty() {
            waiting.put += samples.len() as u64;
            waiting.pieces.push_back(samples);
        }
        over
    }

    /// The place behind the last sample that came, for `gone` to reach.
    pub fn end(&self) -> u64 {
        self.lock().put
    }

    /// How many of all samples are played, or dropped.
    pub fn gone(&self) -> u64 {
        self.lock().gone
    }

    /// Drop what waits: how many samples.
    pub fn clear(&self) -> u64 {
        let mut waiting = self.lock();
        let dropped = waiting.put - waiting.gone;
        waiting.gone = waiting.put;
        waiting.begun = 0;
        waiting.pieces.clear();
        dropped
    }

    /// Nothing comes any more, and what waits is not heard.
    pub fn close(&self) {
        self.clear();
        self.lock().ended = true;
    }

    fn is_over(&self) -> bool {
        self.lock().ended
    }

    fn waiting(&self) -> usize {
        let waiting = self.lock();
        (waiting.put - waiting.gone) as usize
    }

    /// Append up to `count` samples to `out`.
    fn take(&self, count: usize, out: &mut Vec<i16>) {
        let mut waiting = self.lock();
        let mut left = count;
        while left > 0 {
            let begun = waiting.begun;
            let Some(piece) = waiting.pieces.front() else {
                break;
            };
            let end = piece.len().min(begun + left);
            out.extend_from_slice(&piece[begun..end]);
            let is_done = end == piece.len();
            left -= end - begun;
            waiting.gone += (end - begun) as u64;
            waiting.begun = end;
            if is_done {
                waiting.pieces.pop_front();
                waiting.begun = 0;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that holds the lock can panic half-way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A leg's end of the queue.
pub struct Live {
    incoming: Arc<Incoming>,
    converter: Converter,
    scratch: Vec<i16>,
    patience: u32,
}

impl Live {
    pub fn new(incoming: Arc<Incoming>) -> Self {
        Self {
            incoming,
            converter: Converter::default(),
            scratch: Vec::new(),
            patience: PATIENCE,
        }
    }

    pub fn rate(&self) -> u32 {
        self.incoming.rate
    }

    pub fn alone(&self) -> bool {
        self.incoming.alone
    }

    /// Whether the stream has ended.
    pub fn is_over(&self) -> bool {
        self.incoming.is_over()
    }

    /// Append 20 ms at a rate to `out`: whether there was anything.
    pub fn frame(&mut self, rate: u32, out: &mut Vec<i16>) -> bool {
        let length = frame_length(self.incoming.rate);
        let waiting = self.incoming.waiting();
        if waiting == 0 {
            self.patience = PATIENCE;
            return false;
        }
        if waiting < FULL_START * length && self.patience > 0 {
            self.patience -= 1;
            return false;
        }
        self.patience = 0;
        self.scratch.clear();
        self.incoming.take(length, &mut self.scratch);
        self.scratch.resize(length, 0);
        let end = out.len() + frame_length(rate);
        self.converter
            .bring(&self.scratch, self.incoming.rate, rate, out);
        out.resize(end, 0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(incoming: &Incoming, milliseconds: u32) -> Vec<i16> {
        vec![1000; (incoming.rate * milliseconds / 1000) as usize]
    }

    #[test]
    fn what_came_is_heard_in_order_and_its_end_in_silence() {
        let incoming = Arc::new(Incoming::new(8000, false));
        let mut live = Live::new(Arc::clone(&incoming));
        assert_eq!(incoming.put((0..200).collect()), 0);
        assert_eq!(incoming.put((200..400).collect()), 0);
        let mut out = Vec::new();
        while live.frame(8000, &mut out) {}
        let expected: Vec<i16> = (0..400).chain(std::iter::repeat_n(0, 80)).collect();
        assert_eq!(out, expected);
        assert_eq!(incoming.gone(), incoming.end());
    }

    #[test]
    fn after_a_pause_a_second_frame_is_waited_for_but_not_for_ever() {
        let incoming = Arc::new(Incoming::new(16_000, false));
        let mut live = Live::new(Arc::clone(&incoming));
        let mut out = Vec::new();
        incoming.put(ms(&incoming, 20));
        assert!(!live.frame(8000, &mut out));
        incoming.put(ms(&incoming, 20));
        assert!(live.frame(8000, &mut out) && live.frame(8000, &mut out));
        assert!(!live.frame(8000, &mut out));
        incoming.put(ms(&incoming, 20));
        let ticks = (0..9).take_while(|_| !live.frame(8000, &mut out)).count();
        assert_eq!(ticks, PATIENCE as usize);
        assert_eq!(out.len(), 3 * 160);
    }

    #[test]
    fn no_more_than_a_minute_waits_and_it_can_be_dropped() {
        let incoming = Arc::new(Incoming::new(8000, false));
        assert_eq!(incoming.put(ms(&incoming, 59_900)), 0);
        assert_eq!(incoming.put(ms(&incoming, 300)), 200 * 8);
        assert_eq!(incoming.put(ms(&incoming, 20)), 20 * 8);
        assert_eq!(incoming.clear(), 60_000 * 8);
        assert_eq!(incoming.put(ms(&incoming, 20)), 0);
        let mut live = Live::new(Arc::clone(&incoming));
        assert!(!live.is_over());
        incoming.close();
        assert!(live.is_over() && !live.frame(8000, &mut Vec::new()));
    }
}
