//! The media thread's end of a recording: packets go into its inbox, and nobody waits.
//!
//! An inbox is two rows, of what came and of its bytes, in the order of coming. The writer takes them away a few times a
//! second and leaves those that it had before, now empty: so the memory of a recording is as much as comes between two
//! looks, and is read as it lies, where a ring would go through its whole length (and no cache holds that of many).

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codec::Format;
use rtp::Header;

/// Whose sound it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the party says.
    Left,
    /// What it hears.
    Right,
}

/// What stands in a recording for what must not be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Pause {
    /// Nothing: the file goes on where the recording does.
    Cut,
    Silence,
    /// A soft tone, so that a hearer knows.
    Tone,
}

/// Something of a recording, with when it came in the engine's seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub at: f64,
    pub what: What,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// The next `length` bytes are its payload.
    Packet {
        side: Side,
        format: Format,
        header: Header,
        length: usize,
    },
    Pause(Pause),
    Resume,
}

/// How many packets of a recording may wait: five seconds of both sides in packets of 20 ms ...
const PACKETS: usize = 500;
/// ... and how many pauses, and ends of them, when there is no room for packets.
const RESERVED: usize = 12;
/// Seconds of linear sound of both sides that may wait, whatever it is coded as.
const SECONDS: usize = 2;
/// Of both, what is kept when there is no need of more: that was for a disk that was slow.
const KEPT: (usize, usize) = (64, 16_384);

/// What came, and waits for the writer.
#[derive(Default)]
pub(crate) struct Inbox {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

/// Where the sound of a recording is put in; may be held by several legs and threads. Dropping all of them ends it.
pub struct Track {
    /// Bytes of it that may wait.
    room: usize,
    state: Arc<State>,
    /// Sequence numbers and timestamps for what comes without: frames of either side.
    frames: Mutex<[(u16, u32); 2]>,
}

/// What the two ends share.
#[derive(Default)]
pub(crate) struct State {
    stopped: AtomicBool,
    paused: AtomicBool,
    inbox: Mutex<Inbox>,
    /// The engine's microseconds of the end.
    stopped_at: AtomicU64,
    /// Milliseconds of sound for which there was no room.
    pub lost: AtomicU64,
}

impl Track {
    /// For a recording that is kept at `rate`.
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            room: rate as usize * 2 * 2 * SECONDS,
            state: Arc::default(),
            frames: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// A packet of one side, in the order of its coming. What finds no room is lost and counted, and what comes while
    /// the recording is paused is left out here: it is in no memory and no file.
    pub fn packet(&self, side: Side, format: Format, header: Header, payload: &[u8], now: f64) {
        let put = |bytes: &mut Vec<u8>| bytes.extend_from_slice(payload);
        if !self.put(now, side, format, header, payload.len(), put) {
            let samples = codec::duration(format, payload).unwrap_or(0);
            self.lose(samples, format.rate());
        }
    }

    /// The next samples of a side that has no packets: a mix.
    pub fn frame(&self, side: Side, samples: &[i16], rate: u32, now: f64) {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let (sequence, timestamp) = &mut frames[side as usize];
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence: *sequence,
            timestamp: *timestamp,
            ssrc: 0,
        };
        *sequence = sequence.wrapping_add(1);
        *timestamp = timestamp.wrapping_add(samples.len() as u32);
        let format = Format::L16 { rate };
        let put = |bytes: &mut Vec<u8>| {
            bytes.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
        };
        if !self.put(now, side, format, header, 2 * samples.len(), put) {
            self.lose(samples.len(), rate);
        }
    }

    /// From now on leave out what comes.
    pub fn pause(&self, pause: Pause, now: f64) {
        self.state.paused.store(true, Relaxed);
        self.control(now, What::Pause(pause));
    }

    pub fn resume(&self, now: f64) {
        self.control(now, What::Resume);
        self.state.paused.store(false, Relaxed);
    }

    /// It is over; the file is finished soon, and nothing more goes into it.
    pub fn stop(&self, now: f64) {
        if !self.state.stopped.load(Relaxed) {
            self.state.stop(Some(now));
        }
    }

    /// Whether there was room. `payload` puts so many bytes behind others.
    #[inline]
    fn put(
        &self,
        at: f64,
        side: Side,
        format: Format,
        header: Header,
        length: usize,
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let state = &*self.state;
        if state.paused.load(Relaxed) || state.stopped.load(Relaxed) {
            return true;
        }
        let mut inbox = state.lock();
        if inbox.entries.len() >= PACKETS || inbox.bytes.len() + length > self.room {
            return false;
        }
        payload(&mut inbox.bytes);
        let what = What::Packet {
            side,
            format,
            header,
            length,
        };
        inbox.entries.push(Entry { at, what });
        true
    }

    fn control(&self, at: f64, what: What) {
        let mut inbox = self.state.lock();
        // Without room only the length of the pause is not seen in the file: what comes in it is left out anyway.
        if inbox.entries.len() < PACKETS + RESERVED {
            inbox.entries.push(Entry { at, what });
        }
    }

    fn lose(&self, samples: usize, rate: u32) {
        let milliseconds = samples as u64 * 1000 / u64::from(rate.max(1));
        self.state.lost.fetch_add(milliseconds, Relaxed);
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        if !self.state.stopped.load(Relaxed) {
            self.state.stop(None);
        }
    }
}

impl State {
    /// Held for as long as it takes to copy a packet, or to exchange the rows.
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take what has come, and leave room for what comes.
    pub fn take(&self, inbox: &mut Inbox) {
        inbox.empty();
        std::mem::swap(&mut *self.lock(), inbox);
    }

    /// Nothing more is taken.
    pub fn close(&self) {
        self.stopped.store(true, Relaxed);
    }

    fn stop(&self, at: Option<f64>) {
        let at = at.map_or(u64::MAX, |at| (at * 1e6) as u64);
        self.stopped_at.store(at, Relaxed);
        self.stopped.store(true, Release);
    }

    /// When it was stopped; None: it was not. `now` where nobody said when.
    pub fn end(&self, now: f64) -> Option<f64> {
        if !self.stopped.load(Acquire) {
            return None;
        }
        match self.stopped_at.load(Relaxed) {
            u64::MAX => Some(now),
            at => Some((at as f64 / 1e6).min(now)),
        }
    }
}

impl Inbox {
    /// What is in it, each with its payload.
    pub fn entries(&self) -> impl Iterator<Item = (Entry, &[u8])> {
        let mut bytes = &*self.bytes;
        self.entries.iter().map(move |&entry| {
            let length = match entry.what {
                What::Packet { length, .. } => length,
                _ => 0,
            };
            let (payload, others) = bytes.split_at_checked(length).unwrap_or_default();
            bytes = others;
            (entry, payload)
        })
    }

    fn empty(&mut self) {
        let (entries, bytes) = KEPT;
        if self.entries.len() <= entries && self.bytes.len() <= bytes {
            self.entries.shrink_to(entries);
            self.bytes.shrink_to(bytes);
        }
        self.entries.clear();
        self.bytes.clear();
    }
}
