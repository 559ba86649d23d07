//! What a leg says of its own: samples become packets of the party's format and length.

use codec::{Encoder, Format};
use rtp::report::Sending;

use crate::converter::Converter;
use crate::stream::{Stream, TICK_MS};

/// The RTP packets of one tick. Used again for the next, so that it need not grow.
#[derive(Default)]
pub struct Packets {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Packets {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.bytes[start..end])
    }

    /// What `write` appends is one more packet.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }
}

/// How the party wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manner {
    pub format: Format,
    pub payload_type: u8,
    /// Milliseconds of sound in a packet.
    pub ptime: u32,
}

impl Manner {
    /// With the length that the party asked for, as far as the format has such packets.
    pub fn new(format: Format, payload_type: u8, asked: u32) -> Self {
        let tens = if asked == 0 {
            2
        } else {
            (asked / 10).clamp(1, 6)
        };
        let ptime = match (format, tens) {
            // RFC 6716 section 2.1.4: frames of 10, 20, 40 and 60 ms, as far as speech goes.
            (Format::Opus(_), 3) => 20,
            (Format::Opus(_), 5) => 40,
            _ => tens * 10,
        };
        Self {
            format,
            payload_type,
            ptime,
        }
    }
}

/// Makes payloads of samples.
pub struct Packetizer {
    format: Format,
    ptime: u32,
    /// From the first samples on, for a format at the rate that they have, where the format may choose.
    encoder: Option<Encoder>,
    converter: Converter,
    rate: u32,
    /// Samples that are no whole packet yet.
    waiting: Vec<i16>,
    payload: Vec<u8>,
}

impl Packetizer {
    pub fn new(format: Format, ptime: u32) -> Self {
        Self {
            format,
            ptime,
            encoder: None,
            converter: Converter::default(),
            rate: format.rate(),
            waiting: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Whether its payloads are those of a manner.
    pub fn suits(&self, manner: Manner) -> bool {
        (self.format, self.ptime) == (manner.format, manner.ptime)
    }

    /// The rate to bring samples in that exist at `rate`: formats that can be made at several need no resampling.
    pub fn rate_for(&self, rate: u32) -> u32 {
        self.format.at(rate).rate()
    }

    /// Take some samples; `take` gets each payload that is ready, an empty one where nothing need be sent.
    pub fn put(&mut self, samples: &[i16], rate: u32, mut take: impl FnMut(&[u8])) {
        let target = self.rate_for(rate);
        if self.encoder.is_none() || target != self.rate {
            // A rate of ours that the codec does not have is a mistake; nothing is said then.
            self.encoder = Encoder::new(self.format.at(target)).ok();
            self.rate = target;
            self.waiting.clear();
        }
        let length = self.length();
        if self.waiting.is_empty() && samples.len() == length && rate == self.rate {
            self.encode(samples, take);
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        self.converter.bring(samples, rate, self.rate, &mut waiting);
        let whole = waiting.len() / length * length;
        for packet in waiting[..whole].chunks_exact(length) {
            self.encode(packet, &mut take);
        }
        waiting.drain(..whole);
        self.waiting = waiting;
    }

    /// Complete what is no whole packet yet by silence.
    pub fn finish(&mut self, take: impl FnMut(&[u8])) {
        if self.waiting.is_empty() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.resize(self.length(), 0);
        self.encode(&waiting, take);
        waiting.clear();
        self.waiting = waiting;
    }

    /// Begin anew: others have spoken meanwhile.
    pub fn reset(&mut self) {
        self.waiting.clear();
        self.encoder = None;
    }

    /// Samples in a packet.
    fn length(&self) -> usize {
        (self.rate / 1000 * self.ptime) as usize
    }

    fn encode(&mut self, samples: &[i16], mut take: impl FnMut(&[u8])) {
        if let Some(encoder) = &mut self.encoder {
            self.payload.clear();
            encoder.encode(samples, &mut self.payload);
            take(&self.payload);
        }
    }
}

/// Speaks to one party.
pub struct Speaker {
    manner: Manner,
    packetizer: Packetizer,
    line: Line,
}

/// The packets as they leave.
struct Line {
    stream: Stream,
    payload_type: u8,
    ptime: u32,
    /// Whether something was said at the last tick.
    speaking: bool,
}

impl Speaker {
    pub fn new(manner: Manner) -> Self {
        Self {
            manner,
            packetizer: Packetizer::new(manner.format, manner.ptime),
            line: Line {
                stream: Stream::new(manner.format.clock_rate()),
                payload_type: manner.payload_type,
                ptime: manner.ptime,
                speaking: false,
            },
        }
    }

    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// Speak in another manner from now on, in the same stream where its clock allows it (RFC 7160 section 3).
    pub fn change(&mut self, manner: Manner) {
        if manner == self.manner {
            return;
        }
        if manner.format.clock_rate() != self.line.stream.clock_rate() {
            self.line.stream = Stream::new(manner.format.clock_rate());
            self.line.speaking = false;
        }
        if !self.packetizer.suits(manner) {
            self.packetizer = Packetizer::new(manner.format, manner.ptime);
        }
        self.line.payload_type = manner.payload_type;
        self.line.ptime = manner.ptime;
        self.manner = manner;
    }

    /// See [`Packetizer::rate_for`].
    pub fn rate_for(&self, rate: u32) -> u32 {
        self.packetizer.rate_for(rate)
    }

    /// Say 20 ms more.
    pub fn say(&mut self, samples: &[i16], rate: u32, now: f64, out: &mut Packets) {
        let line = &mut self.line;
        self.packetizer
            .put(samples, rate, |payload| line.send(payload, now, out));
    }

    /// Say a packet that is encoded already, of the length agreed; an empty one where nothing need be sent.
    pub fn say_encoded(&mut self, payload: &[u8], now: f64, out: &mut Packets) {
        self.finish(now, out);
        self.packetizer.reset();
        self.line.send(payload, now, out);
    }

    /// Nothing is to be said now. What is no whole packet yet is completed by silence.
    pub fn pause(&mut self, now: f64, out: &mut Packets) {
        self.finish(now, out);
        self.line.speaking = false;
    }

    /// The same, before keys: gives the timestamp of now.
    pub fn pause_at(&mut self, now: f64, out: &mut Packets) -> u32 {
        self.pause(now, out);
        self.line.stream.at(now)
    }

    /// Send a packet of keys in the stream of the speech.
    pub fn send_event(
        &mut self,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        payload: &[u8],
        out: &mut Packets,
    ) {
        out.add(|bytes| {
            let stream = &mut self.line.stream;
            stream.event_header(payload_type, marker, timestamp, bytes);
            bytes.extend_from_slice(payload);
        });
    }

    /// Nothing may be said to the party now.
    pub fn forget(&mut self) {
        self.packetizer.reset();
        self.line.speaking = false;
    }

    /// What a report says of the stream; None when nothing was said of late.
    pub fn sending(&self, now: f64) -> Option<Sending> {
        self.line.stream.sending(now)
    }

    fn finish(&mut self, now: f64, out: &mut Packets) {
        let line = &mut self.line;
        self.packetizer
            .finish(|payload| line.send(payload, now, out));
    }
}

impl Line {
    fn send(&mut self, payload: &[u8], now: f64, out: &mut Packets) {
        if payload.is_empty() {
            // RFC 7587 section 3.1.3: in silence nothing need be sent.
            self.stream.skip(self.ptime, now);
            self.speaking = false;
            return;
        }
        let begins = !self.speaking;
        let Self {
            payload_type,
            ptime,
            ..
        } = *self;
        out.add(|bytes| {
            self.stream.header(payload_type, begins, ptime, now, bytes);
            bytes.extend_from_slice(payload);
        });
        self.stream.count(payload.len());
        self.speaking = true;
    }
}

/// Samples in a tick.
pub fn frame_length(rate: u32) -> usize {
    (rate / 1000 * TICK_MS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtp::Packet;

    const L16: Format = Format::L16 { rate: 8000 };

    /// What is sent at each of some ticks: the payload's samples, as L16.
    fn sent(speaker: &mut Speaker, ticks: usize) -> Vec<Vec<Vec<i16>>> {
        let mut next = 0;
        (0..ticks)
            .map(|tick| {
                let samples: Vec<i16> = (next..next + 160).collect();
                next += 160;
                let mut out = Packets::default();
                speaker.say(&samples, 8000, tick as f64 * 0.02, &mut out);
                out.iter().map(samples_of).collect()
            })
            .collect()
    }

    fn samples_of(packet: &[u8]) -> Vec<i16> {
        let payload = Packet::parse(packet).unwrap().payload;
        payload
            .chunks(2)
            .map(|pair| i16::from_be_bytes([pair[0], pair[1]]))
            .collect()
    }

    #[test]
    fn packets_have_the_length_that_the_party_wants_and_nothing_is_left_out() {
        for ptime in [10, 20, 30, 40, 50, 60] {
            let mut speaker = Speaker::new(Manner::new(L16, 97, ptime));
            let packets: Vec<Vec<i16>> = sent(&mut speaker, 15).into_iter().flatten().collect();
            let length = 8 * ptime as usize;
            assert!(packets.iter().all(|packet| packet.len() == length));
            let samples: Vec<i16> = packets.concat();
            assert_eq!(samples.len(), 2400 / length * length);
            assert!(samples.iter().zip(0..).all(|(&sample, n)| sample == n));
        }
    }

    #[test]
    fn what_is_no_whole_packet_at_the_end_is_completed_by_silence() {
        let mut speaker = Speaker::new(Manner::new(L16, 97, 60));
        assert_eq!(sent(&mut speaker, 1), [Vec::<Vec<i16>>::new()]);
        let mut out = Packets::default();
        speaker.pause(0.02, &mut out);
        let samples = samples_of(out.iter().next().unwrap());
        assert_eq!((samples.len(), samples[159], samples[160]), (480, 159, 0));
        out.clear();
        speaker.pause(0.04, &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn the_first_packet_after_a_pause_is_marked() {
        let mut speaker = Speaker::new(Manner::new(Format::Pcma, 8, 20));
        let mut marked = Vec::new();
        for tick in 0..4 {
            let mut out = Packets::default();
            if tick == 2 {
                speaker.pause(0.02 * f64::from(tick), &mut out);
                continue;
            }
            speaker.say(&[0; 160], 8000, 0.02 * f64::from(tick), &mut out);
            let header = Packet::parse(out.iter().next().unwrap()).unwrap().header;
            marked.push(header.marker);
        }
        assert_eq!(marked, [true, false, true]);
    }

    #[test]
    fn the_stream_goes_on_in_another_format_of_the_same_clock_and_begins_anew_with_another_clock() {
        let mut speaker = Speaker::new(Manner::new(Format::Pcma, 8, 20));
        let header = |speaker: &mut Speaker| {
            let mut out = Packets::default();
            speaker.say(&[0; 160], 8000, 0.0, &mut out);
            Packet::parse(out.iter().next().unwrap()).unwrap().header
        };
        let first = header(&mut speaker);
        speaker.change(Manner::new(Format::Pcmu, 0, 20));
        let second = header(&mut speaker);
        assert_eq!((second.ssrc, second.payload_type), (first.ssrc, 0));
        assert_eq!(second.sequence, first.sequence.wrapping_add(1));
        speaker.change(Manner::new(Format::L16 { rate: 16_000 }, 97, 20));
        let third = header(&mut speaker);
        assert_ne!(third.ssrc, second.ssrc);
    }

    #[test]
    fn a_length_that_no_packet_has_becomes_one_that_has() {
        let ptime = |format, asked| Manner::new(format, 0, asked).ptime;
        let lengths: Vec<u32> = [0, 5, 10, 25, 30, 60, 100]
            .map(|asked| ptime(Format::Pcma, asked))
            .into();
        assert_eq!(lengths, [20, 10, 10, 20, 30, 60, 60]);
        let opus = Format::Opus(codec::Opus::speech(16_000));
        assert_eq!((ptime(opus, 30), ptime(opus, 50)), (20, 40));
    }
}
