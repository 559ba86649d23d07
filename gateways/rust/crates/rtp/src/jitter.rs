//! The jitter buffer: packets come in as the network brings them and go out when they are due. No I/O.
//!
//! All the sources and numberings a party uses one after another (SSRC changes, wraps, restarts, jumps of the timestamp)
//! are brought into one row with a time of its own, in seconds. How long a packet is kept is learnt from the packets
//! ([`delay::Delay`]). While sound goes on, a packet is due where the one before it ends; the first one after a pause
//! when it has been kept for as long as the target says.

mod delay;
mod numbering;

use std::collections::VecDeque;

use crate::packet::Header;
use delay::Delay;
use numbering::{Numbering, Place};

/// Packets kept at once.
const SLOTS: usize = 128;
/// Bytes of a payload; RTP over UDP stays below an Ethernet frame.
const LONGEST: usize = 2048;
/// Seconds by which timestamps may be inexact without being a gap or an overlap.
const SLACK: f64 = 0.002;
/// Seconds by which a packet may be later or earlier than the others before its timestamp is taken for a jump: while
/// sound goes on, and after a pause, when a sender may have stopped its clock.
const JUMP: f64 = 2.0;
const JUMP_AFTER_PAUSE: f64 = 0.45;
/// Seconds in the buffer beyond the target after which the oldest are thrown away at once.
const FLOOD: f64 = 0.4;
/// Seconds without packets after which the sound has paused. Concealment has faded by then.
const PATIENCE: f64 = 0.12;

/// Delays, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The target until enough is known of the network.
    pub start: f64,
    /// Bounds of the target.
    pub least: f64,
    pub most: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start: 0.04,
            least: 0.0,
            most: 0.4,
        }
    }
}

/// What a packet holds, as its receiver understands it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Content<K> {
    /// Comes back with the packet.
    pub kind: K,
    /// Seconds of sound; 0 for a packet after which none is expected, such as comfort noise.
    pub duration: f64,
    /// Of the timestamps, in Hz.
    pub clock: u32,
}

/// What is to be heard next.
#[derive(Debug, PartialEq)]
pub enum Next<'a, K> {
    Packet {
        kind: K,
        payload: &'a [u8],
        /// Seconds of its beginning whose time is over already.
        over: f64,
        /// How many packets are missing right before it.
        missing: u32,
    },
    /// Packets are missing for `seconds`; `next` is the one behind them. Without it nothing is there at all, and
    /// `seconds` is without end. Tell by [`JitterBuffer::concealed`] how much was put in their place.
    Missing {
        seconds: f64,
        next: Option<(K, &'a [u8])>,
    },
    /// The party is silent, or its sound is kept a little longer.
    Pause,
}

/// What has become of the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub played: u64,
    /// Never came.
    pub missing: u64,
    /// Came when their time was over.
    pub late: u64,
    /// Thrown away because too many came at once, or too long.
    pub flooded: u64,
    pub duplicates: u64,
    /// Of no source that was believed.
    pub strange: u64,
    /// Sum of the seconds that played packets were kept.
    pub kept: f64,
}

struct Stored<K> {
    number: i64,
    time: f64,
    content: Content<K>,
    payload: Vec<u8>,
}

/// `K` tells kinds of packets apart, for the caller alone.
pub struct JitterBuffer<K> {
    settings: Settings,
    numbering: Numbering,
    delay: Delay,
    clock: Option<Clock>,
    /// By number.
    row: VecDeque<Stored<K>>,
    /// The payload given out last, and others for reuse.
    taken: Vec<u8>,
    spare: Vec<Vec<u8>>,
    /// A packet that begins a new numbering, if the next one proves it.
    doubtful: Option<(Header, Content<K>, Vec<u8>)>,
    /// Time in the row up to which all has been given out; None in a pause.
    position: Option<f64>,
    last_taken: Option<i64>,
    /// Whether sound is expected to follow what was given out.
    expecting: bool,
    /// The time in the row where the newest packet ends.
    end: f64,
    /// Seconds concealed since the last packet, and whether the position stands still meanwhile.
    concealed: f64,
    holding: bool,
    /// How long the last packet was kept.
    wait: f64,
    counts: Counts,
}

/// Where a timestamp lies in the row's time.
#[derive(Clone, Copy)]
struct Clock {
    rate: u32,
    timestamp: u32,
    time: f64,
}

impl Clock {
    fn time(&self, timestamp: u32) -> f64 {
        self.time + f64::from(timestamp.wrapping_sub(self.timestamp) as i32) / f64::from(self.rate)
    }
}

impl<K: Copy> JitterBuffer<K> {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            numbering: Numbering::default(),
            delay: Delay::new(settings.start),
            clock: None,
            row: VecDeque::new(),
            taken: Vec::new(),
            spare: Vec::new(),
            doubtful: None,
            position: None,
            last_taken: None,
            expecting: false,
            end: 0.0,
            concealed: 0.0,
            holding: false,
            wait: 0.0,
            counts: Counts::default(),
        }
    }

    /// A packet has come.
    pub fn put(&mut self, header: &Header, content: Content<K>, payload: &[u8], now: f64) {
        if payload.len() > LONGEST || content.clock == 0 {
            self.counts.flooded += 1;
            return;
        }
        match self.numbering.place(header, now) {
            Place::At(number) => self.insert(number, header, content, payload, now),
            Place::Proves(number) => {
                // The new row begins where the old one ends.
                self.clock = None;
                if let Some((first, content, payload)) = self.doubtful.take() {
                    self.insert(number - 1, &first, content, &payload, now);
                    self.counts.strange -= 1;
                    self.recycle(payload);
                }
                self.insert(number, header, content, payload, now);
            }
            Place::Doubtful => {
                self.counts.strange += 1;
                let mut copy = match self.doubtful.take() {
                    Some((_, _, old)) => old,
                    None => self.spare.pop().unwrap_or_default(),
                };
                copy.clear();
                copy.extend_from_slice(payload);
                self.doubtful = Some((*header, content, copy));
            }
            Place::Duplicate => self.counts.duplicates += 1,
        }
    }

    /// A packet has come that is not to be heard, such as a telephone-event: it is not missing.
    pub fn note(&mut self, header: &Header, now: f64) {
        match self.numbering.place(header, now) {
            Place::At(_) => {}
            Place::Proves(_) => {
                self.clock = None;
                self.doubtful = None;
            }
            Place::Doubtful => {
                self.counts.strange += 1;
                self.doubtful = None;
            }
            Place::Duplicate => self.counts.duplicates += 1,
        }
    }

    fn insert(
        &mut self,
        number: i64,
        header: &Header,
        content: Content<K>,
        payload: &[u8],
        now: f64,
    ) {
        let time = self.time(number, header.timestamp, &content, now);
        self.delay.observe(now - time, now);
        let behind = self.last_taken.is_some_and(|last| number <= last);
        let over = content.duration > 0.0
            && self
                .position
                .is_some_and(|position| time + content.duration <= position + SLACK);
        if behind || over {
            self.counts.late += 1;
            if behind {
                // It was missed when the packet behind it was taken.
                self.counts.missing = self.counts.missing.saturating_sub(1);
            } else {
                self.pass_over(number);
            }
            return;
        }
        if self.row.len() == SLOTS {
            self.drop_oldest();
        }
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(payload);
        let at = self
            .row
            .iter()
            .rposition(|stored| stored.number < number)
            .map_or(0, |before| before + 1);
        let stored = Stored {
            number,
            time,
            content,
            payload: copy,
        };
        self.row.insert(at, stored);
        self.end = self.end.max(time + content.duration);
    }

    /// Where a packet lies in the row's time.
    fn time(&mut self, number: i64, timestamp: u32, content: &Content<K>, now: f64) -> f64 {
        // The place of a packet that comes as quickly as they can.
        let quickest = now - self.delay.base().unwrap_or(0.0);
        if let Some(clock) = self.clock {
            let time = clock.time(timestamp);
            let later = quickest - time;
            let jump = if self.position.is_none() && self.row.is_empty() {
                JUMP_AFTER_PAUSE
            } else {
                JUMP
            };
            if !self.numbering.is_highest(number) {
                return time;
            }
            if clock.rate == content.clock && later.abs() < jump {
                self.clock = Some(Clock {
                    timestamp,
                    time,
                    ..clock
                });
                return time;
            }
        }
        let time = if self.delay.base().is_some() {
            quickest.max(self.end)
        } else {
            quickest
        };
        self.clock = Some(Clock {
            rate: content.clock,
            timestamp,
            time,
        });
        time
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.row.pop_front() {
            self.counts.flooded += 1;
            self.pass_over(oldest.number);
            self.recycle(oldest.payload);
        }
    }

    /// Nothing before this packet is waited for any longer. Gives how many are missing there.
    fn pass_over(&mut self, number: i64) -> u32 {
        let last = self.last_taken.replace(number);
        let missing = last.map_or(0, |last| self.numbering.missing(last, number));
        self.counts.missing += u64::from(missing);
        missing
    }

    fn recycle(&mut self, payload: Vec<u8>) {
        if self.spare.len() < SLOTS {
            self.spare.push(payload);
        }
    }

    /// What is due now. Call it until enough is heard of the present frame.
    pub fn next(&mut self, now: f64) -> Next<'_, K> {
        let quickest = now - self.delay.base().unwrap_or(0.0);
        let Some(mut position) = self.begun(quickest) else {
            return Next::Pause;
        };
        if self.end - position > self.target() + FLOOD {
            while self.row.len() > 1 && self.end - position > self.target() {
                self.drop_oldest();
                position = position.max(self.row[0].time);
            }
            self.position = Some(position);
        }
        let Some(first) = self.row.front() else {
            // A packet that came and is not to be heard is the beginning of a pause in the sound.
            let paused = self
                .last_taken
                .is_some_and(|last| self.numbering.came_after(last));
            if !self.expecting || paused || self.concealed >= PATIENCE {
                return self.pause();
            }
            // Late packets are waited for while the delay is below what the network needs; it grows by that.
            self.holding = quickest - position < self.target();
            return Next::Missing {
                seconds: f64::INFINITY,
                next: None,
            };
        };
        let gap = first.time - position;
        if gap > SLACK {
            let last = self.last_taken.unwrap_or(first.number);
            let missing = self.numbering.missing(last, first.number);
            if missing == 0 || !self.expecting || self.concealed >= PATIENCE {
                return self.pause();
            }
            self.holding = false;
            return Next::Missing {
                seconds: gap,
                next: self
                    .row
                    .front()
                    .map(|first| (first.content.kind, &first.payload[..])),
            };
        }
        self.take(quickest)
    }

    /// The position; in a pause, that of the first packet once it has been kept for long enough.
    fn begun(&mut self, quickest: f64) -> Option<f64> {
        if self.position.is_none() {
            let first = self.row.front()?;
            if quickest - first.time >= self.target() {
                self.position = Some(first.time);
                self.concealed = 0.0;
            }
        }
        self.position
    }

    fn take(&mut self, quickest: f64) -> Next<'_, K> {
        let Some(first) = self.row.pop_front() else {
            return Next::Pause;
        };
        let over = (self.position.unwrap_or(first.time) - first.time).max(0.0);
        let missing = self.pass_over(first.number);
        self.expecting = first.content.duration > 0.0;
        self.position = Some(first.time + first.content.duration.max(over));
        self.concealed = 0.0;
        self.wait = quickest - first.time;
        self.counts.played += 1;
        self.counts.kept += self.wait.max(0.0);
        let before = std::mem::replace(&mut self.taken, first.payload);
        self.recycle(before);
        Next::Packet {
            kind: first.content.kind,
            payload: &self.taken,
            over: if over > SLACK { over } else { 0.0 },
            missing,
        }
    }

    fn pause(&mut self) -> Next<'_, K> {
        self.position = None;
        Next::Pause
    }

    /// So many seconds were put in the place of what was missing.
    pub fn concealed(&mut self, seconds: f64) {
        self.concealed += seconds;
        if let Some(position) = &mut self.position {
            if !self.holding {
                *position += seconds;
            }
        }
    }

    /// Seconds that packets are to be kept.
    pub fn target(&self) -> f64 {
        self.delay
            .target()
            .clamp(self.settings.least, self.settings.most)
    }

    /// Seconds by which the last packet was kept longer than the network needs; negative when others would come too
    /// late. What clocks that drift come to shows here.
    pub fn excess(&self) -> f64 {
        self.wait - self.target()
    }

    /// Seconds that the last packet was kept after the quickest would have been there.
    pub fn wait(&self) -> f64 {
        self.wait
    }

    /// Packets that are kept now.
    pub fn len(&self) -> usize {
        self.row.len()
    }

    pub fn is_empty(&self) -> bool {
        self.row.is_empty()
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }
}
