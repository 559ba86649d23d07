//! What a party is shown: a stream of its own, out of whatever source it is shown now.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtp::Header;
use rtp::report::Sending;
use video::{CLOCK_RATE, Look};

use super::terms::{VideoTerms, Wire};

/// One for each slot. The slot's own thread, the owner's, and those of the sources that it is shown want it; hardly ever
/// two at once.
pub struct Views(Vec<Mutex<View>>);

/// A source: its slot, and the user of it.
pub type Name = (u32, u64);

/// Packets sent again without having been earned by others that were sent, and what each of those earns: who asks for
/// more than there is gets no more (RFC 4585 section 9 warns of it).
const RESENT_FIRST: f64 = 64.0;
const RESENT_MOST: f64 = 256.0;
const RESENT_EACH: f64 = 0.5;
/// Of the source's numbers so many before the newest are still its own: more than are kept to be sent again, and few
/// enough that a number which has come round is none of them.
const BEHIND: u16 = 4096;
/// Timestamps go on by a picture's time at the least.
const STEP: f64 = 1.0 / 60.0;

#[derive(Default)]
pub struct View {
    /// The viewer's; 0: there is none.
    epoch: u64,
    terms: Arc<VideoTerms>,
    /// The most that the party takes, as it said in signalling, and by RTCP.
    most: Option<u64>,
    asked_most: Option<u64>,
    /// What it sees, and what it is to see instead once that can begin.
    shown: Option<Name>,
    wanted: Option<Name>,
    /// What the switch was told that it sees.
    told: Option<Name>,
    /// How that looks, under which payload type, and under which it is sent again.
    wire: Option<Wire>,
    payload_type: u8,
    resent_as: Option<u8>,
    ssrc: u32,
    resent_ssrc: u32,
    resent_sequence: u16,
    /// The next of ours; ours less the source's; where of the source's it began.
    sequence: u16,
    offset: u16,
    began: u16,
    time_offset: u32,
    /// Of the newest packet, and when it went.
    timestamp: u32,
    at: f64,
    /// Likewise of the packet since the last report that was the quickest for its time: large pictures take longer to
    /// make and to send, and are of no other clock.
    quickest: (u32, f64),
    packets: u32,
    octets: u32,
    resends: f64,
}

/// What is done with a packet of a source for one viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is not for it, now.
    Skip,
    /// It is shown something else: nothing of this source's is for it any more.
    Leave,
    Send,
    /// It sees this source from this packet on.
    Begin,
}

/// A packet of a source, as far as viewers differ in it.
#[derive(Clone, Copy)]
pub struct Offered {
    pub from: Name,
    pub wire: Wire,
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub look: Look,
    /// How many packets of parameter sets must go before it, where a viewer begins with it; None: it cannot.
    pub before: Option<u16>,
}

impl Views {
    pub fn new(slots: usize) -> Self {
        Self((0..slots).map(|_| Mutex::default()).collect())
    }

    pub fn lock(&self, slot: u32) -> MutexGuard<'_, View> {
        // Numbers alone: no panic can leave them half changed.
        self.0[slot as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    /// Another user of the slot.
    pub fn open(&mut self, epoch: u64) {
        let random = RandomState::new();
        let (one, two) = (random.hash_one(1), random.hash_one(2));
        *self = Self {
            epoch,
            ssrc: one as u32,
            resent_ssrc: (one >> 32) as u32,
            // RFC 3550 section 5.1: these begin at random; far enough from the wrap for SRTP (RFC 3711 section 3.3.1).
            sequence: two as u16 & 0x7fff,
            resent_sequence: (two >> 16) as u16 & 0x7fff,
            timestamp: (two >> 32) as u32,
            at: f64::NEG_INFINITY,
            resends: RESENT_FIRST,
            ..Self::default()
        };
    }

    pub fn close(&mut self) {
        *self = Self::default();
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    pub fn is_of(&self, epoch: u64) -> bool {
        self.epoch == epoch
    }

    /// What was agreed with the party, maybe anew.
    pub fn agree(&mut self, terms: &Arc<VideoTerms>, most: Option<u64>) {
        self.terms = Arc::clone(terms);
        self.most = most;
        self.asked_most = None;
        if let (Some(source), Some(wire)) = (self.shown, self.wire) {
            if !self.speak(wire) {
                self.interrupt(source);
            }
        }
    }

    /// Of what the party sees now.
    fn speak(&mut self, wire: Wire) -> bool {
        let Some(payload_type) = self.terms.shown_as(wire) else {
            return false;
        };
        self.wire = Some(wire);
        self.payload_type = payload_type;
        self.resent_as = self.terms.resent_as(payload_type);
        true
    }

    /// Show a source from its next key frame on; until then what is shown now. None: nothing more.
    pub fn want(&mut self, source: Option<Name>) {
        match source {
            None => (self.shown, self.wanted) = (None, None),
            Some(source) if self.shown == Some(source) => self.wanted = None,
            Some(source) => self.wanted = Some(source),
        }
    }

    pub fn shown(&self) -> Option<Name> {
        self.shown
    }

    /// Whom the party's wishes concern.
    pub fn concerns(&self) -> Option<Name> {
        self.shown.or(self.wanted)
    }

    /// Whether a key frame of a source is waited for.
    pub fn awaits(&self, source: Name) -> bool {
        self.wanted == Some(source)
    }

    /// It cannot be sent to now: when it can be again, it begins anew.
    pub fn interrupt(&mut self, source: Name) {
        if self.shown == Some(source) {
            self.shown = None;
            self.wanted = self.wanted.or(Some(source));
        }
    }

    /// The most bits a second that it takes.
    pub fn most(&self) -> Option<u64> {
        [self.most, self.asked_most].into_iter().flatten().min()
    }

    pub fn ask_most(&mut self, bits: u64) {
        self.asked_most = Some(bits);
    }

    /// What to do with a packet. `Send` and `Begin`: the header it has then.
    pub fn offer(&mut self, epoch: u64, offered: &Offered, now: f64) -> (Step, Header) {
        let from = Some(offered.from);
        let header = self.header(0, 0, false);
        let nothing = |step| (step, header);
        if self.epoch != epoch {
            return nothing(Step::Leave);
        }
        let step = if self.shown == from {
            let behind = offered.sequence.wrapping_sub(self.began);
            if (behind as i16) < 0 {
                return nothing(Step::Skip);
            }
            if behind > 2 * BEHIND {
                // Where it began is half the numbers ago one day, and would lie ahead.
                self.began = offered.sequence.wrapping_sub(BEHIND);
            }
            Step::Send
        } else if self.wanted == from {
            let Some(before) = offered.before.filter(|_| offered.look.key) else {
                return nothing(Step::Skip);
            };
            if !self.speak(offered.wire) {
                return nothing(Step::Skip);
            }
            self.begin(offered, before, now);
            Step::Begin
        } else {
            return nothing(Step::Leave);
        };
        let sequence = offered.sequence.wrapping_add(self.offset);
        let timestamp = offered.timestamp.wrapping_add(self.time_offset);
        // What comes late, sent again by the source, does not turn the stream back.
        if (sequence.wrapping_sub(self.sequence) as i16) >= 0 {
            self.sequence = sequence.wrapping_add(1);
            if self.timestamp != timestamp {
                self.timestamp = timestamp;
                self.at = now;
                if step == Step::Begin || self.is_quicker() {
                    self.quickest = (timestamp, now);
                }
            }
        }
        (step, self.header(sequence, timestamp, offered.marker))
    }

    fn begin(&mut self, offered: &Offered, before: u16, now: f64) {
        let passed = (now - self.at).clamp(STEP, 3600.0);
        let step = (passed * f64::from(CLOCK_RATE)) as u32;
        let timestamp = self.timestamp.wrapping_add(step);
        self.shown = Some(offered.from);
        self.wanted = None;
        self.began = offered.sequence;
        self.offset = self
            .sequence
            .wrapping_add(before)
            .wrapping_sub(offered.sequence);
        self.time_offset = timestamp.wrapping_sub(offered.timestamp);
    }

    /// Whether it sees another source than when this was asked last. A source that begins anew, however often, is none.
    pub fn is_news(&mut self) -> bool {
        std::mem::replace(&mut self.told, self.shown) != self.shown
    }

    /// Whether the newest packet went sooner for its time than the quickest until now.
    fn is_quicker(&self) -> bool {
        let (timestamp, at) = self.quickest;
        let step = self.timestamp.wrapping_sub(timestamp) as i32;
        self.at - at <= f64::from(step) / f64::from(CLOCK_RATE)
    }

    fn header(&self, sequence: u16, timestamp: u32, marker: bool) -> Header {
        Header {
            marker,
            payload_type: self.payload_type,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        }
    }

    pub fn sent(&mut self, payload: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload as u32);
        self.resends = (self.resends + RESENT_EACH).min(RESENT_MOST);
    }

    /// The source's number of a packet that the party missed; None: nothing of this source's, or it asks too much.
    pub fn missed(&mut self, epoch: u64, source: Name, sequence: u16) -> Option<u16> {
        if self.epoch != epoch || self.shown != Some(source) || self.resends < 1.0 {
            return None;
        }
        if (sequence.wrapping_sub(self.sequence) as i16) >= 0 {
            return None;
        }
        let theirs = sequence.wrapping_sub(self.offset);
        if (theirs.wrapping_sub(self.began) as i16) < 0 {
            return None;
        }
        self.resends -= 1.0;
        Some(theirs)
    }

    /// The header of a packet sent again: in a stream of its own (true), or as it was.
    pub fn again(&mut self, sequence: u16, timestamp: u32, marker: bool) -> (Header, bool) {
        let timestamp = timestamp.wrapping_add(self.time_offset);
        let Some(payload_type) = self.resent_as else {
            return (self.header(sequence, timestamp, marker), false);
        };
        let number = self.resent_sequence;
        self.resent_sequence = number.wrapping_add(1);
        let header = Header {
            marker,
            payload_type,
            sequence: number,
            timestamp,
            ssrc: self.resent_ssrc,
        };
        (header, true)
    }

    /// What was sent until now, for a sender report; None: nothing was.
    pub fn sending(&mut self, now: f64) -> Option<Sending> {
        if self.packets == 0 {
            return None;
        }
        let (timestamp, at) = std::mem::replace(&mut self.quickest, (self.timestamp, self.at));
        let passed = ((now - at).max(0.0) * f64::from(CLOCK_RATE)) as u64 as u32;
        Some(Sending {
            ssrc: self.ssrc,
            timestamp: timestamp.wrapping_add(passed),
            packets: self.packets,
            octets: self.octets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::terms::{Takes, VideoCoding};

    fn packet(number: u32, key: bool) -> Offered {
        Offered {
            from: (1, 1),
            wire: Wire::Vp8,
            sequence: number as u16,
            timestamp: number.wrapping_mul(1500),
            marker: true,
            look: Look {
                begins: key,
                key,
                ..Look::default()
            },
            before: Some(0),
        }
    }

    #[test]
    fn a_source_is_shown_for_as_long_as_it_sends_and_what_was_missed_can_be_had_again() {
        let mut view = View::default();
        view.open(7);
        let vp8 = vec![VideoCoding::new(96, "VP8", 90_000, "")];
        let terms = VideoTerms::agree(vp8.clone(), vp8, Takes::default());
        view.agree(&Arc::new(terms), None);
        view.want(Some((1, 1)));
        // An hour of 1.5 Mb/s: the numbers come round eight times.
        for number in 60_000..600_000 {
            let now = f64::from(number) / 150.0;
            let (step, header) = view.offer(7, &packet(number, number == 60_000), now);
            let expected = if number == 60_000 {
                Step::Begin
            } else {
                Step::Send
            };
            assert_eq!(step, expected, "{number}");
            view.sent(1000);
            if number % 4 == 0 {
                let theirs = view.missed(7, (1, 1), header.sequence);
                assert_eq!(theirs, Some(number as u16));
            }
        }
        // What was sent before it began is not its own, however long it has gone on.
        view.want(Some((2, 1)));
        let other = Offered {
            from: (2, 1),
            ..packet(9, true)
        };
        let (step, header) = view.offer(7, &other, 4000.0);
        assert_eq!(step, Step::Begin);
        assert_eq!(
            view.missed(7, (2, 1), header.sequence.wrapping_sub(1)),
            None
        );
    }
}
