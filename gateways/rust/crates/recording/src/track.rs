//! The media thread's end of a recording: packets go into a bounded ring, and nobody waits.

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codec::Format;
use rtp::Header;
use rtrb::{Consumer, Producer, RingBuffer};

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
    /// `length` bytes of the second ring are its payload.
    Packet {
        side: Side,
        format: Format,
        header: Header,
        length: usize,
    },
    Pause(Pause),
    Resume,
}

/// How many packets may wait (five seconds of both sides in packets of 20 ms) ...
const ENTRIES: usize = 512;
/// ... and of that, room that only pauses and their ends may take.
const RESERVED: usize = 12;
/// Seconds of linear sound of both sides that may wait, whatever it is coded as.
const SECONDS: usize = 2;

/// Bytes of 20 ms at the highest rate.
const LONGEST_FRAME: usize = 48_000 / 50 * 2;

/// Where the sound of a recording is put in; may be held by several legs and threads. Dropping all of them ends it.
pub struct Track {
    rings: Mutex<Rings>,
    state: Arc<State>,
}

struct Rings {
    entries: Producer<Entry>,
    bytes: Producer<u8>,
    /// Sequence numbers and timestamps for what comes without: frames of either side.
    frames: [(u16, u32); 2],
    /// A frame as bytes: room to work in.
    payload: Vec<u8>,
}

/// What the two ends tell each other beside the rings.
#[derive(Default)]
pub(crate) struct State {
    stopped: AtomicBool,
    /// The engine's microseconds of the end.
    stopped_at: AtomicU64,
    paused: AtomicBool,
    /// Milliseconds of sound for which there was no room.
    pub lost: AtomicU64,
}

/// The writer's end.
pub(crate) struct Intake {
    entries: Consumer<Entry>,
    bytes: Consumer<u8>,
    pub state: Arc<State>,
}

/// Both ends of a recording that is kept at `rate`.
pub(crate) fn track(rate: u32) -> (Track, Intake) {
    let (entries_in, entries) = RingBuffer::new(ENTRIES);
    let (bytes_in, bytes) = RingBuffer::new(rate as usize * 2 * 2 * SECONDS);
    let state = Arc::new(State::default());
    let rings = Mutex::new(Rings {
        entries: entries_in,
        bytes: bytes_in,
        frames: [(0, 0); 2],
        payload: Vec::with_capacity(LONGEST_FRAME),
    });
    let track = Track {
        rings,
        state: Arc::clone(&state),
    };
    let intake = Intake {
        entries,
        bytes,
        state,
    };
    (track, intake)
}

impl Track {
    /// A packet of one side, in the order of its coming. What finds no room is lost and counted, and what comes while
    /// the recording is paused is left out here: it is in no memory and no file.
    pub fn packet(&self, side: Side, format: Format, header: Header, payload: &[u8], now: f64) {
        if !self.put(&mut self.lock(), now, side, format, header, payload) {
            let samples = codec::duration(format, payload).unwrap_or(0);
            self.lose(samples, format.rate());
        }
    }

    /// The next samples of a side that has no packets: a mix.
    pub fn frame(&self, side: Side, samples: &[i16], rate: u32, now: f64) {
        let mut rings = self.lock();
        let (sequence, timestamp) = &mut rings.frames[side as usize];
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
        let mut payload = std::mem::take(&mut rings.payload);
        payload.clear();
        payload.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
        let room = self.put(&mut rings, now, side, format, header, &payload);
        rings.payload = payload;
        if !room {
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

    /// Whether there was room.
    fn put(
        &self,
        rings: &mut Rings,
        at: f64,
        side: Side,
        format: Format,
        header: Header,
        payload: &[u8],
    ) -> bool {
        if self.state.paused.load(Relaxed) || self.state.stopped.load(Relaxed) {
            return true;
        }
        if rings.entries.slots() <= RESERVED {
            return false;
        }
        if rings.bytes.push_entire_slice(payload).is_err() {
            return false;
        }
        let what = What::Packet {
            side,
            format,
            header,
            length: payload.len(),
        };
        // There is room, and nobody else puts in while the lock is held.
        rings.entries.push(Entry { at, what }).is_ok()
    }

    /// Shared only by the threads of the legs of one recording, which are nearly always one; the writer needs no lock.
    fn lock(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self, at: f64, what: What) {
        // Without room only the length of the pause is not seen in the file: what comes in it is left out anyway.
        self.lock().entries.push(Entry { at, what }).ok();
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

impl Intake {
    /// What has come since, each with its payload.
    pub fn drain(&mut self, mut hear: impl FnMut(Entry, &[u8])) {
        let mut joined = Vec::new();
        while let Ok(entry) = self.entries.pop() {
            let length = match entry.what {
                What::Packet { length, .. } => length,
                _ => 0,
            };
            // Bytes are put in before their entry.
            let Ok(chunk) = self.bytes.read_chunk(length) else {
                continue;
            };
            match chunk.as_slices() {
                (payload, []) => hear(entry, payload),
                (first, second) => {
                    joined.clear();
                    joined.extend_from_slice(first);
                    joined.extend_from_slice(second);
                    hear(entry, &joined);
                }
            }
            chunk.commit_all();
        }
    }
}
