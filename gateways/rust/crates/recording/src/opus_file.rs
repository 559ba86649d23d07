//! Ogg Opus (RFC 7845): samples in, pages out.

use std::hash::{BuildHasher, RandomState};

use codec::{Encoder, Error, Format, Opus};

use crate::ogg::{Place, fitting, page};

/// Granule positions count at 48 kHz (section 4), and a packet here lasts 20 ms.
const CLOCK: u64 = 48_000;
const PACKET: u64 = CLOCK / 50;
/// What libopus looks ahead for speech: 6.5 ms. A player leaves so much out at the beginning (section 4.2).
const PRE_SKIP: u64 = CLOCK * 65 / 10_000;
/// The most packets of a page: players seek by pages.
const MOST_PACKETS: usize = 50;

pub struct OpusFile {
    rate: u32,
    /// One for each channel. The two parties of a call have nothing in common that stereo coding could use, and it would
    /// let each be heard a little in the other's channel.
    encoders: Vec<Encoder>,
    serial: u32,
    sequence: u32,
    /// Samples of each channel that do not make a packet yet.
    channels: Vec<Vec<i16>>,
    packets: Vec<Vec<u8>>,
    /// Packets in pages, and samples of a channel in packets, so far.
    paged: u64,
    samples: u64,
}

impl OpusFile {
    /// `rate`: one of Opus' own.
    pub fn new(channels: usize, rate: u32) -> Result<Self, Error> {
        let format = Format::Opus(Opus {
            rate,
            fec: false,
            dtx: false,
            cbr: false,
            // Speech at 8 kHz needs 16 kbit/s to sound as it came, at 16 kHz 24.
            bitrate: 12_000 + rate * 3 / 4,
            complexity: 2,
        });
        Ok(Self {
            rate,
            encoders: (0..channels)
                .map(|_| Encoder::new(format))
                .collect::<Result<_, _>>()?,
            serial: RandomState::new().hash_one(0) as u32,
            sequence: 0,
            channels: vec![Vec::new(); channels],
            packets: Vec::new(),
            paged: 0,
            samples: 0,
        })
    }

    /// The pages before the sound.
    pub fn head(&mut self) -> Vec<u8> {
        let channels = self.channels.len() as u8;
        let mut head = b"OpusHead\x01".to_vec();
        head.push(channels);
        head.extend_from_slice(&(PRE_SKIP as u16).to_le_bytes());
        head.extend_from_slice(&self.rate.to_le_bytes());
        head.extend_from_slice(&[0, 0]); // no gain
        match channels {
            // Section 5.1.1.1: family 0 needs no table ...
            1 => head.push(0),
            // ... and section 5.1.1.2: family 1 has one, of two streams that are not coupled, left and right.
            _ => head.extend_from_slice(&[1, 2, 0, 0, 1]),
        }
        let vendor = b"Softswitch";
        let mut tags = b"OpusTags".to_vec();
        tags.extend_from_slice(&(vendor.len() as u32).to_le_bytes());
        tags.extend_from_slice(vendor);
        tags.extend_from_slice(&0u32.to_le_bytes());
        let mut pages = Vec::new();
        page(&[head], Place::First, 0, self.serial, 0, &mut pages);
        page(&[tags], Place::Within, 0, self.serial, 1, &mut pages);
        self.sequence = 2;
        pages
    }

    /// Encode samples, channels in turn.
    pub fn append(&mut self, samples: &[i16]) {
        let count = self.channels.len();
        for (n, channel) in self.channels.iter_mut().enumerate() {
            channel.extend(samples.iter().skip(n).step_by(count));
        }
        self.samples += (samples.len() / count) as u64;
        let frame = self.rate as usize / 50;
        while self.channels[0].len() >= frame {
            self.encode(frame);
        }
    }

    /// The end: what is left becomes packets, too.
    pub fn close(&mut self) {
        let frame = self.rate as usize / 50;
        let encoded = |file: &Self| (file.paged + file.packets.len() as u64) * PACKET;
        // At least one, so that the last page has a packet.
        while encoded(self) < self.end() || self.packets.is_empty() {
            for channel in &mut self.channels {
                channel.resize(channel.len().max(frame), 0);
            }
            self.encode(frame);
        }
    }

    /// The next page of what was encoded; None: there is nothing for one. A page that is not `last` leaves a packet for
    /// the last one. `number` says how many packets it takes, to be given to [`Self::done`].
    pub fn page(&self, last: bool) -> Option<(Vec<u8>, usize)> {
        let all = self.packets.len();
        let ready = if last { all } else { all.saturating_sub(1) };
        let lengths = self.packets[..ready].iter().map(Vec::len);
        let number = fitting(lengths.take(MOST_PACKETS));
        if number == 0 {
            return None;
        }
        let ends = last && number == all;
        let position = (self.paged + number as u64) * PACKET;
        let (place, position) = if ends {
            // Section 4.4: the last page says how much of its last packet is sound.
            (Place::Last, self.end().min(position))
        } else {
            (Place::Within, position)
        };
        let mut out = Vec::new();
        let packets = &self.packets[..number];
        page(
            packets,
            place,
            position,
            self.serial,
            self.sequence,
            &mut out,
        );
        Some((out, number))
    }

    /// A page of so many packets is in the file, ...
    pub fn done(&mut self, number: usize) {
        self.packets.drain(..number);
        self.paged += number as u64;
        self.sequence += 1;
    }

    /// ... or could not be: they are lost, and the file's time goes on without them.
    pub fn lost(&mut self, number: usize) {
        self.packets.drain(..number);
        let samples = number as u64 * u64::from(self.rate / 50);
        self.samples = self.samples.saturating_sub(samples);
    }

    /// The samples of a channel that are in the file.
    pub fn samples(&self) -> u64 {
        self.samples.min(self.paged * u64::from(self.rate / 50))
    }

    /// The position of the end.
    fn end(&self) -> u64 {
        PRE_SKIP + self.samples * CLOCK / u64::from(self.rate)
    }

    fn encode(&mut self, frame: usize) {
        let mut packet = Vec::with_capacity(128);
        let last = self.encoders.len() - 1;
        let mut one = Vec::new();
        for (n, (encoder, channel)) in self.encoders.iter_mut().zip(&mut self.channels).enumerate()
        {
            one.clear();
            encoder.encode(&channel[..frame], &mut one);
            channel.drain(..frame);
            // RFC 7845 section 3: all streams but the last are self-delimiting.
            if n < last {
                delimit(&one, &mut packet);
            } else {
                packet.extend_from_slice(&one);
            }
        }
        self.packets.push(packet);
    }
}

/// RFC 6716 appendix B, figure 25: a packet of one frame says its length behind its first byte.
fn delimit(packet: &[u8], out: &mut Vec<u8>) {
    let (toc, frame) = (packet[0], &packet[1..]);
    // Code 0; libopus makes no other of 20 ms at a variable rate.
    assert_eq!(toc & 3, 0, "a packet of several frames");
    out.push(toc);
    // Section 3.2.1: from 252 on a second byte counts fours.
    match frame.len() {
        short @ 0..=251 => out.push(short as u8),
        long => {
            let rest = (long - 252) & 3;
            out.extend_from_slice(&[252 + rest as u8, ((long - 252 - rest) / 4) as u8]);
        }
    }
    out.extend_from_slice(frame);
}
