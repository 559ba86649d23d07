//! A prompt as the payloads of one format, in memory or in a file.

use std::ops::Deref;

use codec::{Encoder, Format};
use sha2::{Digest, Sha256};

use crate::mapped::Mapped;
use crate::speaker::Manner;

/// Packets are cut out of the payload of the longest; behind the end there is as much silence.
const LONGEST_MS: u32 = 60;

/// What tells one file from all others: see `prompt`.
pub type Key = [u8; 32];

pub struct Encoded {
    format: Format,
    duration_ms: u32,
    cut: Cut,
    bytes: Bytes,
    /// Where in the bytes the payloads begin.
    start: usize,
}

/// How packets are cut out.
enum Cut {
    /// So many bytes a millisecond: a packet of any length can be.
    Even { per_ms: u32 },
    /// Packets of one length, which end at these bytes.
    Packets { ptime: u32, ends: Vec<u32> },
}

enum Bytes {
    Made(Vec<u8>),
    Mapped(Mapped),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Made(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }
}

// A file: these words, the key and the digest of what follows; then kind, milliseconds or bytes a millisecond, duration
// in milliseconds and number of packets, where each of them ends, and the payloads. Numbers have 32 bits, the low first.
const WORDS: &[u8; 8] = b"PROMPT 1";
const KEY: usize = 8;
const DIGEST: usize = 40;
const NUMBERS: usize = 72;
const ENDS: usize = 88;
const EVEN: u32 = 0;
const PACKETS: u32 = 1;

impl Encoded {
    /// From samples of a rate. None: we do not speak the format, or it was not to go on.
    pub fn make(
        samples: &[i16],
        rate: u32,
        duration_ms: u32,
        manner: Manner,
        goes_on: impl Fn() -> bool,
    ) -> Option<Self> {
        // A format that can be had at several rates is made of the samples as they are.
        let format = manner.format.at(rate);
        let mut encoder = Encoder::new(format).ok()?;
        let mut samples = dsp::resample(samples, rate, format.rate());
        let per_ms = format.rate() as usize / 1000;
        samples.resize((duration_ms + LONGEST_MS) as usize * per_ms, 0);
        let piece_ms = match manner.format {
            Format::Opus(_) => manner.ptime,
            _ => 10,
        };
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for piece in samples.chunks_exact(piece_ms as usize * per_ms) {
            if !goes_on() {
                return None;
            }
            encoder.encode(piece, &mut bytes);
            ends.push(bytes.len() as u32);
        }
        let cut = match manner.format {
            Format::Opus(_) => Cut::Packets {
                ptime: manner.ptime,
                ends,
            },
            _ => Cut::Even {
                per_ms: ends.first()? / 10,
            },
        };
        Some(Self {
            format: manner.format,
            duration_ms,
            cut,
            bytes: Bytes::Made(bytes),
            start: 0,
        })
    }

    pub fn suits(&self, manner: Manner) -> bool {
        let length = match &self.cut {
            Cut::Even { .. } => true,
            Cut::Packets { ptime, .. } => *ptime == manner.ptime,
        };
        length && self.format == manner.format
    }

    /// The payload of a packet that begins at a time; None: the prompt is over there.
    pub fn packet(&self, from_ms: u32, ptime: u32) -> Option<&[u8]> {
        if from_ms >= self.duration_ms {
            return None;
        }
        let payloads = &self.bytes[self.start..];
        match &self.cut {
            Cut::Even { per_ms } => {
                let per_ms = *per_ms as usize;
                let start = from_ms as usize * per_ms;
                payloads.get(start..start + ptime as usize * per_ms)
            }
            Cut::Packets { ends, ptime } => {
                let index = (from_ms / ptime) as usize;
                let start = index.checked_sub(1).map_or(0, |before| ends[before]);
                payloads.get(start as usize..*ends.get(index)? as usize)
            }
        }
    }

    /// As a file.
    pub fn print(&self, key: &Key) -> Vec<u8> {
        let (kind, each, ends) = match &self.cut {
            Cut::Even { per_ms } => (EVEN, *per_ms, &[][..]),
            Cut::Packets { ptime, ends } => (PACKETS, *ptime, &ends[..]),
        };
        let mut file = Vec::new();
        file.extend_from_slice(WORDS);
        file.extend_from_slice(key);
        file.resize(NUMBERS, 0);
        for number in [kind, each, self.duration_ms, ends.len() as u32] {
            file.extend_from_slice(&number.to_le_bytes());
        }
        file.extend(ends.iter().flat_map(|end| end.to_le_bytes()));
        file.extend_from_slice(&self.bytes[self.start..]);
        let digest = Sha256::digest(&file[NUMBERS..]);
        file[DIGEST..NUMBERS].copy_from_slice(&digest);
        file
    }

    /// From a file, all of which is read here for the first time. None: it is damaged, or another.
    pub fn parse(file: Mapped, key: &Key, manner: Manner) -> Option<Self> {
        let ours = file.len() >= ENDS && file[..KEY] == *WORDS && file[KEY..DIGEST] == *key;
        if !ours || Sha256::digest(&file[NUMBERS..])[..] != file[DIGEST..NUMBERS] {
            return None;
        }
        let numbers: Vec<u32> = read_numbers(&file[NUMBERS..ENDS]).collect();
        let &[kind, each, duration_ms, count] = &numbers[..] else {
            return None;
        };
        let start = ENDS + 4 * count as usize;
        let ends: Vec<u32> = read_numbers(file.get(ENDS..start)?).collect();
        let length = file.len() - start;
        let last = *ends.last().unwrap_or(&0) as usize;
        let cut = match kind {
            EVEN if length == (duration_ms + LONGEST_MS) as usize * each as usize => {
                Cut::Even { per_ms: each }
            }
            PACKETS if each == manner.ptime && ends.is_sorted() && last == length => {
                Cut::Packets { ptime: each, ends }
            }
            _ => return None,
        };
        Some(Self {
            format: manner.format,
            duration_ms,
            cut,
            bytes: Bytes::Mapped(file),
            start,
        })
    }
}

fn read_numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes
        .chunks_exact(4)
        .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}
