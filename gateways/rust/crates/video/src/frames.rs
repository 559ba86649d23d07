//! Whole pictures out of packets that come in any order, or not at all.

use crate::h264::{self, Unpacker};
use crate::{Codec, vp8};

/// Packets that wait for one before them, at most: a key frame of 300 kB.
const WAITING: usize = 256;
/// A number so far from the expected one belongs to a sender that began anew.
const JUMP: i64 = 2000;
/// The longest picture.
const LONGEST: usize = 2 << 20;
/// The longest parameter sets.
const LONGEST_SETS: usize = 4096;

/// A whole picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// In units of the clock, which does not wrap.
    pub timestamp: u64,
    pub key: bool,
    /// Something between this and the last one is missing.
    pub after_loss: bool,
    /// H.264: as annex B has it, with parameter sets before each key frame that are known. VP8: as it is.
    pub data: &'a [u8],
}

/// One packet: its number, timestamp and marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
}

#[derive(Debug, Default, Clone)]
struct Slot {
    held: bool,
    timestamp: u32,
    marker: bool,
    at: f64,
    payload: Vec<u8>,
}

/// Puts the pictures of one source together.
#[derive(Debug)]
pub struct Frames {
    codec: Codec,
    /// Seconds that a missing packet is waited for.
    patience: f64,
    slots: Vec<Slot>,
    held: usize,
    /// The number that is to come next, without its wraps; None: nothing has come.
    next: Option<i64>,
    /// What of the present picture is there.
    picture: Vec<u8>,
    timestamp: Option<u32>,
    key: bool,
    has_sets: bool,
    broken: bool,
    unpacker: Unpacker,
    /// Until the start of a picture is seen again; the timestamp that none of it has.
    lost: bool,
    lost_timestamp: Option<u32>,
    after_loss: bool,
    /// Of H.264, newest, with start codes: sequence and picture parameter sets.
    sets: [Vec<u8>; 2],
    whole: Vec<u8>,
    /// Time without its wraps.
    time: Option<i64>,
}

impl Frames {
    /// `patience`: seconds that a missing packet is waited for.
    pub fn new(codec: Codec, patience: f64) -> Self {
        Self {
            codec,
            patience,
            slots: vec![Slot::default(); WAITING],
            held: 0,
            next: None,
            picture: Vec::new(),
            timestamp: None,
            key: false,
            has_sets: false,
            broken: false,
            unpacker: Unpacker::default(),
            lost: true,
            lost_timestamp: None,
            after_loss: true,
            sets: [Vec::new(), Vec::new()],
            whole: Vec::new(),
            time: None,
        }
    }

    /// Parameter sets that came another way (`sprop-parameter-sets` of RFC 6184 section 8.1).
    pub fn know(&mut self, unit: &[u8]) {
        remember(&mut self.sets, unit);
    }

    /// A packet came. What is whole by it is given.
    pub fn put(&mut self, place: Place, payload: &[u8], now: f64, mut give: impl FnMut(Frame<'_>)) {
        let number = match self.next {
            None => i64::from(place.sequence),
            Some(next) => next + i64::from(place.sequence.wrapping_sub(next as u16) as i16),
        };
        let next = *self.next.get_or_insert(number);
        if number < next {
            if next - number < JUMP {
                return;
            }
            self.begin(number);
        } else if number - next >= JUMP {
            self.begin(number);
        }
        while number - self.next.unwrap_or(number) >= WAITING as i64 {
            self.skip(&mut give);
        }
        let slot = &mut self.slots[(number as usize) % WAITING];
        if !slot.held {
            self.held += 1;
            slot.held = true;
            slot.timestamp = place.timestamp;
            slot.marker = place.marker;
            slot.at = now;
            slot.payload.clear();
            slot.payload.extend_from_slice(payload);
        }
        self.go_on(&mut give);
    }

    /// Give up what has been waited for long enough.
    pub fn poll(&mut self, now: f64, mut give: impl FnMut(Frame<'_>)) {
        while self.held > 0 && self.oldest().is_some_and(|at| now - at >= self.patience) {
            self.skip(&mut give);
            self.go_on(&mut give);
        }
    }

    /// When the packet came that waits the longest.
    fn oldest(&self) -> Option<f64> {
        self.slots
            .iter()
            .filter(|slot| slot.held)
            .map(|slot| slot.at)
            .reduce(f64::min)
    }

    /// The sender began anew.
    fn begin(&mut self, number: i64) {
        for slot in &mut self.slots {
            slot.held = false;
        }
        self.held = 0;
        self.next = Some(number);
        self.lose();
        self.lost_timestamp = None;
    }

    /// Leave out the packet that is to come next.
    fn skip(&mut self, give: &mut impl FnMut(Frame<'_>)) {
        let Some(next) = &mut self.next else { return };
        let held = self.slots[(*next as usize) % WAITING].held;
        if held {
            self.go_on(give);
            return;
        }
        *next += 1;
        self.lose();
    }

    fn lose(&mut self) {
        if !self.lost {
            self.lost_timestamp = self.timestamp;
        }
        self.lost = true;
        self.after_loss = true;
        self.end_picture();
    }

    fn end_picture(&mut self) {
        self.picture.clear();
        self.timestamp = None;
        self.key = false;
        self.has_sets = false;
        self.broken = false;
        self.unpacker.reset();
    }

    /// Take what is there in its order.
    fn go_on(&mut self, give: &mut impl FnMut(Frame<'_>)) {
        while let Some(next) = self.next {
            let at = (next as usize) % WAITING;
            if !self.slots[at].held {
                return;
            }
            self.slots[at].held = false;
            self.held -= 1;
            self.next = Some(next + 1);
            let payload = std::mem::take(&mut self.slots[at].payload);
            let (timestamp, marker) = (self.slots[at].timestamp, self.slots[at].marker);
            self.take(timestamp, marker, &payload, give);
            self.slots[at].payload = payload;
        }
    }

    fn take(
        &mut self,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
        give: &mut impl FnMut(Frame<'_>),
    ) {
        if payload.is_empty() {
            return; // it only fills the line
        }
        if self.timestamp.is_some_and(|present| present != timestamp) {
            // Its last packet had no marker.
            self.finish(give);
        }
        let look = self.codec.look(payload);
        if self.lost {
            // What is left of the picture that a loss was in is no use, and nor is one whose start is lost.
            if self.lost_timestamp == Some(timestamp) || !look.begins {
                return;
            }
            self.lost = false;
            self.lost_timestamp = None;
        }
        self.timestamp = Some(timestamp);
        self.key |= look.key;
        self.has_sets |= look.sps;
        let sound = match self.codec {
            Codec::H264 => {
                if look.sps || look.pps {
                    for unit in h264::whole(payload) {
                        remember(&mut self.sets, unit);
                    }
                }
                self.unpacker.append(payload, &mut self.picture)
            }
            Codec::Vp8 => match vp8::Descriptor::parse(payload) {
                Some((descriptor, frame)) if descriptor.begins() == self.picture.is_empty() => {
                    self.picture.extend_from_slice(frame);
                    true
                }
                _ => false,
            },
        };
        self.broken |= !sound || self.picture.len() > LONGEST;
        if self.broken {
            self.picture.clear();
        }
        if marker {
            self.finish(give);
        }
    }

    /// The present picture is at its end.
    fn finish(&mut self, give: &mut impl FnMut(Frame<'_>)) {
        if let Some(timestamp) = self.timestamp {
            if self.broken || !self.unpacker.is_whole() {
                self.after_loss = true;
            } else if !self.picture.is_empty() {
                let time = match self.time {
                    None => i64::from(timestamp),
                    Some(time) => time + i64::from(timestamp.wrapping_sub(time as u32) as i32),
                };
                self.time = Some(time.max(0));
                let bare = self.codec == Codec::H264 && self.key && !self.has_sets;
                self.whole.clear();
                if bare {
                    self.whole.extend_from_slice(&self.sets[0]);
                    self.whole.extend_from_slice(&self.sets[1]);
                    self.whole.extend_from_slice(&self.picture);
                }
                give(Frame {
                    timestamp: time.max(0) as u64,
                    key: self.key,
                    after_loss: std::mem::take(&mut self.after_loss),
                    data: if bare { &self.whole } else { &self.picture },
                });
            }
        }
        self.end_picture();
    }
}

fn remember(sets: &mut [Vec<u8>; 2], unit: &[u8]) {
    let set = match h264::kind(unit) {
        Some(h264::SPS) => &mut sets[0],
        Some(h264::PPS) => &mut sets[1],
        _ => return,
    };
    if unit.len() <= LONGEST_SETS {
        set.clear();
        set.extend_from_slice(&[0, 0, 0, 1]);
        set.extend_from_slice(unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h264::{Mode, Packetiser};
    use netem::{Faults, Netem};

    type Packets = Vec<(Place, Vec<u8>)>;

    /// The packets of so many pictures, with a key frame every 30, and the pictures.
    fn stream(pictures: u32, bare: bool) -> (Packets, Vec<Vec<u8>>) {
        let (mut packets, mut all) = (Vec::new(), Vec::new());
        let mut packetiser = Packetiser::default();
        let mut sequence = 65_000u16;
        for number in 0..pictures {
            let mut picture = Vec::new();
            let mut add = |unit: &[u8]| {
                picture.extend_from_slice(&[0, 0, 0, 1]);
                picture.extend_from_slice(unit);
            };
            if number % 30 == 0 {
                if !bare || number == 0 {
                    add(&[0x67, 0x42, 0xc0, 0x1e, 9]);
                    add(&[0x68, 0xce, 3]);
                }
                let mut slice = vec![0x65, 0x88];
                slice.resize(5000, number as u8 | 1);
                add(&slice);
            } else {
                let mut slice = vec![0x41, 0x9a];
                slice.resize(1500, number as u8 | 1);
                add(&slice);
            }
            packetiser.picture(&picture, Mode::NonInterleaved, 1200, |payload, marker| {
                let place = Place {
                    sequence,
                    timestamp: 4_294_960_000u32.wrapping_add(number * 3000),
                    marker,
                };
                packets.push((place, payload.to_vec()));
                sequence = sequence.wrapping_add(1);
            });
            all.push(picture);
        }
        (packets, all)
    }

    fn heard(packets: &[(f64, Place, Vec<u8>)], patience: f64) -> Vec<(u64, bool, bool, Vec<u8>)> {
        let mut frames = Frames::new(Codec::H264, patience);
        let mut given = Vec::new();
        let mut give = |frame: Frame<'_>| {
            given.push((
                frame.timestamp,
                frame.key,
                frame.after_loss,
                frame.data.to_vec(),
            ));
        };
        for (at, place, payload) in packets {
            frames.poll(*at, &mut give);
            frames.put(*place, payload, *at, &mut give);
        }
        given
    }

    fn through(packets: Packets, faults: Faults) -> Vec<(f64, Place, Vec<u8>)> {
        let mut netem = Netem::new(5, faults);
        let mut arrivals = Vec::new();
        for (place, payload) in packets {
            let sent = f64::from(place.timestamp.wrapping_sub(4_294_960_000)) / 90_000.0;
            for at in netem.send(sent) {
                arrivals.push((at, place, payload.clone()));
            }
        }
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        arrivals
    }

    #[test]
    fn pictures_come_out_as_they_went_in_whatever_the_order() {
        let (packets, pictures) = stream(90, false);
        let faults = Faults {
            reorder: 0.2,
            duplicate: 0.1,
            delay: 0.02,
            jitter: 0.01,
            ..Faults::default()
        };
        let given = heard(&through(packets, faults), 0.5);
        assert!(given.len() >= 88, "{}", given.len());
        for (number, frame) in given.iter().enumerate() {
            assert_eq!(frame.0, 4_294_960_000 + number as u64 * 3000);
            assert_eq!((frame.1, frame.2), (number % 30 == 0, number == 0));
            assert_eq!(frame.3, pictures[number]);
        }
    }

    #[test]
    fn with_losses_every_picture_that_is_given_is_whole_and_what_follows_a_loss_says_so() {
        let (packets, pictures) = stream(600, false);
        let faults = Faults {
            loss: 0.05,
            reorder: 0.05,
            delay: 0.02,
            ..Faults::default()
        };
        let given = heard(&through(packets, faults), 0.1);
        assert!((350..560).contains(&given.len()), "{}", given.len());
        let mut last = None;
        for frame in &given {
            let number = (frame.0 - 4_294_960_000) / 3000;
            assert!(frame.3 == pictures[number as usize], "{number}");
            let gap = last.is_none_or(|last| number > last + 1);
            // A key frame whose lost first packet had nothing but parameter sets that are known is whole, too.
            assert!(frame.2 == gap || number % 30 == 0, "{number}: {gap}");
            last = Some(number);
        }
    }

    #[test]
    fn parameter_sets_are_put_before_key_frames_that_have_none() {
        let (packets, pictures) = stream(61, true);
        let packets: Vec<_> = packets
            .into_iter()
            .map(|(place, payload)| (0.0, place, payload))
            .collect();
        let given = heard(&packets, 0.5);
        assert_eq!(given.len(), 61);
        let sets = &pictures[0][..pictures[0].len() - 5004];
        assert_eq!(given[30].3, [sets, &pictures[30][..]].concat());
        assert_eq!(given[29].3, pictures[29]);
    }

    #[test]
    fn a_sender_that_begins_anew_is_followed() {
        let (packets, _) = stream(10, false);
        let mut all: Vec<_> = packets
            .iter()
            .map(|(place, payload)| (0.0, *place, payload.clone()))
            .collect();
        all.extend(packets.iter().map(|(place, payload)| {
            let place = Place {
                sequence: place.sequence.wrapping_add(20_000),
                ..*place
            };
            (1.0, place, payload.clone())
        }));
        assert_eq!(heard(&all, 0.5).len(), 20);
    }
}
