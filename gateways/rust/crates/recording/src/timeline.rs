//! One side's packets on the time of the recording: in order, each where it was said, and what is missing made up for.
//!
//! A file is not heard at once, so nothing is lost here to a jitter buffer's haste: a packet has its place by its RTP
//! timestamp, and only one that comes later than the recording waits for any is lost to it. Nothing waits that follows
//! what is there already, which is nearly all: it is decoded as it comes. A stream stands on the
//! recording's time where its first packet came; after that the sender's clock and ours are kept together.

use codec::{Decoder, Format, Malformed};
use dsp::{Resampler, energy};
use rtp::Header;

/// Seconds that a packet may come off its time before the stream is thought to have begun anew.
const JUMP: f64 = 0.5;
/// How much sound is made up for what was lost at one place; what is more is silence.
const MOST_CONCEALED: f64 = 0.06;
/// Packets of which the one that came quickest tells how far the stream is off.
const OBSERVED: u32 = 100;
/// A stream is moved when it is off by so many seconds: in a quiet place, or wherever it is.
const OFF: f64 = 0.02;
const FAR_OFF: f64 = 0.2;
/// Moved back, it loses sound; so much at once at the most.
const STEP_BACK: f64 = 0.02;
/// What is softer is quiet: 45 dB below overload, as energy of a sample.
const QUIET: u64 = 34_000;

/// What one side said, as samples from the recording's beginning on.
pub struct Timeline {
    rate: u32,
    stream: Option<Stream>,
    /// Counted up at every beginning of a stream.
    streams: u32,
    /// Samples by which packets are moved from where their stream began, and by how many more they should be.
    moved: i64,
    owed: i64,
    waiting: Vec<Waiting>,
    /// Their payloads.
    bytes: Vec<u8>,
    /// What the next packet is if none is lost: its stream and number.
    expected: Option<(u32, i64)>,
    voice: Option<Voice>,
    /// What was decoded last, at the recording's rate.
    decoded: Vec<i16>,
    quiet: bool,
    /// Samples that are ready, and where on the recording's time the last of them ends.
    ready: Vec<i16>,
    end: i64,
}

/// A sender's numbers, counted on beyond their wrap.
struct Stream {
    ssrc: u32,
    clock_rate: u32,
    sequence: i64,
    timestamp: i64,
    /// Where on the recording's time the timestamp 0 would be, in samples.
    origin: f64,
    /// How much later than its place the quickest of the last packets came, in samples, and of how many.
    quickest: f64,
    observed: u32,
}

/// A decoder, and what brings its sound to the recording's rate where it has another.
struct Voice {
    decoder: Decoder,
    resampler: Option<Resampler>,
    raw: Vec<i16>,
}

struct Waiting {
    stream: u32,
    sequence: i64,
    place: i64,
    format: Format,
    start: usize,
    length: usize,
}

impl Timeline {
    /// `rate`: of the samples it gives.
    pub fn new(rate: u32) -> Self {
        Self {
            rate,
            stream: None,
            streams: 0,
            moved: 0,
            owed: 0,
            waiting: Vec::new(),
            bytes: Vec::new(),
            expected: None,
            voice: None,
            decoded: Vec::new(),
            quiet: true,
            ready: Vec::new(),
            end: 0,
        }
    }

    /// A packet came `at` seconds after the beginning.
    pub fn hear(&mut self, format: Format, header: Header, payload: &[u8], at: f64) {
        let rate = f64::from(self.rate);
        let arrival = at * rate;
        let ratio = rate / f64::from(format.clock_rate());
        let moved = self.moved as f64;
        let stream = self.stream.as_mut().filter(|stream| {
            stream.is(&header, format)
                && (arrival - stream.place(&header, ratio) - moved).abs() < JUMP * rate
        });
        let stream = match stream {
            Some(stream) => stream,
            None => {
                self.begin();
                self.stream
                    .insert(Stream::new(&header, format, arrival, ratio))
            }
        };
        let place = stream.place(&header, ratio);
        let sequence = stream.count_on(&header);
        // As if what is owed were paid: it may wait for a quiet place for long.
        if let Some(quickest) = stream.observe(arrival - place - (self.moved + self.owed) as f64) {
            if quickest.abs() > OFF * rate {
                self.owed += quickest as i64;
            }
        }
        let waiting = Waiting {
            stream: self.streams,
            sequence,
            place: place.round() as i64,
            format,
            start: self.bytes.len(),
            length: payload.len(),
        };
        match self.expected {
            // What is too late for its place is lost.
            Some((stream, next)) if stream == self.streams && sequence < next => return,
            Some(next) if next == (self.streams, sequence) && self.waiting.is_empty() => {
                return self.lay(&waiting, payload);
            }
            _ => {}
        }
        let key = (waiting.stream, sequence);
        let at = self
            .waiting
            .partition_point(|other| (other.stream, other.sequence) < key);
        let known = self
            .waiting
            .get(at)
            .is_some_and(|other| (other.stream, other.sequence) == key);
        if !known {
            self.bytes.extend_from_slice(payload);
            self.waiting.insert(at, waiting);
        }
    }

    /// Up to where nothing is missing before it.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// Append the samples up to `until` (counted from the beginning), where they are not given yet, to `out`.
    pub fn take(&mut self, until: i64, out: &mut Vec<i16>) {
        if until <= self.end - self.ready.len() as i64 {
            return;
        }
        if !self.waiting.is_empty() {
            self.lay_due(until);
        }
        self.silence_until(until);
        let surplus = (self.end - until) as usize;
        out.extend(self.ready.drain(..self.ready.len() - surplus));
    }

    /// Put the packets that have waited long enough where they belong, and those that follow them without a gap.
    fn lay_due(&mut self, until: i64) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let bytes = std::mem::take(&mut self.bytes);
        let mut laid = 0;
        for packet in &waiting {
            let follows = self.expected == Some((packet.stream, packet.sequence));
            if !follows && packet.place + self.moved >= until {
                break;
            }
            self.lay(packet, &bytes[packet.start..packet.start + packet.length]);
            laid += 1;
        }
        waiting.drain(..laid);
        for packet in &mut waiting {
            let start = self.bytes.len();
            self.bytes
                .extend_from_slice(&bytes[packet.start..packet.start + packet.length]);
            packet.start = start;
        }
        self.waiting = waiting;
    }

    /// A stream begins; the packets of the last one stay where they are.
    fn begin(&mut self) {
        for packet in &mut self.waiting {
            packet.place += self.moved;
        }
        self.moved = 0;
        self.owed = 0;
        self.streams += 1;
    }

    /// Put a packet where it belongs.
    fn lay(&mut self, packet: &Waiting, payload: &[u8]) {
        let rate = f64::from(self.rate);
        let far_off = self.owed.unsigned_abs() as f64 > FAR_OFF * rate;
        if packet.stream == self.streams && (self.quiet || far_off) {
            let step = self.owed.max(-(STEP_BACK * rate) as i64);
            self.moved += step;
            self.owed -= step;
        }
        let place = packet.place + self.moved;
        let missing = match self.expected {
            Some((stream, next)) if stream == packet.stream => packet.sequence - next,
            _ => 0,
        };
        self.expected = Some((packet.stream, packet.sequence + 1));
        let format = packet.format.at(self.rate);
        if self
            .voice
            .as_ref()
            .is_none_or(|voice| voice.decoder.format() != format)
        {
            self.voice = Voice::new(format, self.rate);
        }
        let gap = place - self.end;
        if gap > 0 {
            if missing > 0 {
                self.conceal(gap.min((MOST_CONCEALED * rate) as i64), missing, payload);
            }
            self.silence_until(place);
        }
        let Some(voice) = &mut self.voice else {
            return;
        };
        let overlap = (self.end - place).max(0) as usize;
        if overlap == 0 && voice.resampler.is_none() {
            let start = self.ready.len();
            match voice.decoder.decode(payload, &mut self.ready) {
                Ok(()) => {
                    let new = &self.ready[start..];
                    self.quiet = is_quiet(new);
                    self.end += new.len() as i64;
                }
                Err(_) => self.ready.truncate(start),
            }
        } else if voice.decode(payload, &mut self.decoded).is_ok() {
            self.quiet = is_quiet(&self.decoded);
            self.append(overlap);
        }
    }

    /// Make up for the packets before one.
    fn conceal(&mut self, samples: i64, missing: i64, next: &[u8]) {
        if let Some(voice) = &mut self.voice {
            voice.conceal(
                samples as usize,
                missing,
                next,
                self.rate,
                &mut self.decoded,
            );
            self.append(0);
        }
    }

    /// What was decoded is ready, but for what of it is there already.
    fn append(&mut self, overlap: usize) {
        let new = self.decoded.get(overlap..).unwrap_or_default();
        self.ready.extend_from_slice(new);
        self.end += new.len() as i64;
    }

    fn silence_until(&mut self, place: i64) {
        if place > self.end {
            self.ready
                .resize(self.ready.len() + (place - self.end) as usize, 0);
            self.end = place;
            self.quiet = true;
        }
    }
}

fn is_quiet(samples: &[i16]) -> bool {
    energy(samples) <= QUIET * samples.len() as u64
}

impl Voice {
    /// None: a format that cannot be; what is said in it is silence.
    fn new(format: Format, rate: u32) -> Option<Self> {
        Some(Self {
            decoder: Decoder::new(format).ok()?,
            resampler: (format.rate() != rate).then(|| Resampler::new(format.rate(), rate)),
            raw: Vec::new(),
        })
    }

    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Malformed> {
        self.raw.clear();
        self.decoder.decode(payload, &mut self.raw)?;
        self.resample(out);
        Ok(())
    }

    /// `samples` of `rate` in place of the missing packets before `next`.
    fn conceal(
        &mut self,
        samples: usize,
        missing: i64,
        next: &[u8],
        rate: u32,
        out: &mut Vec<i16>,
    ) {
        let format = self.decoder.format();
        let samples = samples * format.rate() as usize / rate as usize;
        // The last of them may be in the packet that came after it.
        let last = codec::duration(format, next)
            .unwrap_or(samples)
            .min(samples);
        self.raw.clear();
        if missing > 1 && samples > last {
            self.decoder.conceal(samples - last, None, &mut self.raw);
        }
        self.decoder.conceal(last, Some(next), &mut self.raw);
        self.resample(out);
    }

    fn resample(&mut self, out: &mut Vec<i16>) {
        out.clear();
        match &mut self.resampler {
            Some(resampler) => resampler.process(&self.raw, out),
            None => out.extend_from_slice(&self.raw),
        }
    }
}

impl Stream {
    fn new(header: &Header, format: Format, arrival: f64, ratio: f64) -> Self {
        Self {
            ssrc: header.ssrc,
            clock_rate: format.clock_rate(),
            sequence: i64::from(header.sequence),
            timestamp: i64::from(header.timestamp),
            origin: arrival - f64::from(header.timestamp) * ratio,
            quickest: f64::MAX,
            observed: 0,
        }
    }

    fn is(&self, header: &Header, format: Format) -> bool {
        self.ssrc == header.ssrc && self.clock_rate == format.clock_rate()
    }

    /// Where a packet belongs.
    fn place(&self, header: &Header, ratio: f64) -> f64 {
        self.origin + self.timestamp_of(header) as f64 * ratio
    }

    fn timestamp_of(&self, header: &Header) -> i64 {
        self.timestamp + i64::from(header.timestamp.wrapping_sub(self.timestamp as u32) as i32)
    }

    /// A packet's number.
    fn count_on(&mut self, header: &Header) -> i64 {
        let step = header.sequence.wrapping_sub(self.sequence as u16) as i16;
        let sequence = self.sequence + i64::from(step);
        if step > 0 {
            self.timestamp = self.timestamp_of(header);
            self.sequence = sequence;
        }
        sequence
    }

    /// How much too late the quickest of many packets came; None until they are as many.
    fn observe(&mut self, delay: f64) -> Option<f64> {
        self.quickest = if self.observed == 0 {
            delay
        } else {
            self.quickest.min(delay)
        };
        self.observed += 1;
        if self.observed < OBSERVED {
            return None;
        }
        self.observed = 0;
        Some(self.quickest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const L16: Format = Format::L16 { rate: 8000 };

    /// A packet of 20 ms of one value, as samples.
    fn packet(value: i16) -> Vec<u8> {
        value.to_be_bytes().repeat(160)
    }

    fn header(number: u32) -> Header {
        Header {
            marker: false,
            payload_type: 96,
            sequence: 65_530u16.wrapping_add(number as u16),
            timestamp: (u32::MAX - 500).wrapping_add(number * 160),
            ssrc: 1,
        }
    }

    /// What a timeline makes of packets: each its number (which its samples are, too) and its time.
    fn laid(packets: &[(u32, f64)], length: i64) -> Vec<i16> {
        let mut timeline = Timeline::new(8000);
        let mut out = Vec::new();
        for &(number, at) in packets {
            timeline.hear(L16, header(number), &packet(number as i16 * 100), at);
            timeline.take(((at - 0.3) * 8000.0) as i64, &mut out);
        }
        timeline.take(length, &mut out);
        assert_eq!(out.len() as i64, length);
        out
    }

    /// The values that stand in 20 ms each.
    fn values(samples: &[i16]) -> Vec<Option<i16>> {
        samples
            .chunks(160)
            .map(|frame| frame.iter().all(|s| s == &frame[0]).then_some(frame[0]))
            .collect()
    }

    fn steady(numbers: std::ops::Range<u32>) -> Vec<(u32, f64)> {
        numbers.map(|n| (n, f64::from(n) * 0.02)).collect()
    }

    #[test]
    fn packets_stand_one_behind_the_other_over_every_wrap() {
        let expected: Vec<_> = (0..100).map(|n| Some(n * 100)).collect();
        assert_eq!(values(&laid(&steady(0..100), 16_000)), expected);
    }

    #[test]
    fn not_a_sample_is_moved_wherever_a_stream_begins_and_however_often_one_looks() {
        for first in 0..40 {
            let mut timeline = Timeline::new(8000);
            let mut out = Vec::new();
            for number in 0..50u32 {
                let samples = number as u16 * 160..(number as u16 + 1) * 160;
                let payload: Vec<u8> = samples.flat_map(|n| (n + 1).to_be_bytes()).collect();
                let at = f64::from(number) * 0.02 + f64::from(first) / 8000.0;
                timeline.hear(L16, header(number), &payload, at);
                timeline.take(((at - 0.1) * 8000.0) as i64, &mut out);
            }
            timeline.take(8000, &mut out);
            let silence = first as usize;
            assert!(out[..silence].iter().all(|&sample| sample == 0));
            assert!(
                out[silence..]
                    .iter()
                    .zip(1..)
                    .all(|(&sample, n)| sample == n)
            );
        }
    }

    #[test]
    fn order_and_place_are_the_senders_and_not_those_of_the_way() {
        let mut packets = steady(0..100);
        // Some late by up to a quarter of a second, one twice.
        for (number, late) in [(7, 0.25), (20, 0.05), (21, 0.01), (40, 0.2)] {
            packets[number].1 += late;
        }
        packets.push((50, 1.1));
        packets.sort_by(|one, other| one.1.total_cmp(&other.1));
        let expected: Vec<_> = (0..100).map(|n| Some(n * 100)).collect();
        assert_eq!(values(&laid(&packets, 16_000)), expected);
    }

    #[test]
    fn what_is_lost_leaves_its_room_and_what_comes_too_late_is_lost() {
        let mut packets = steady(0..100);
        packets.remove(30);
        packets[50].1 += 0.45;
        packets.sort_by(|one, other| one.1.total_cmp(&other.1));
        let values = values(&laid(&packets, 16_000));
        for (n, value) in values.iter().enumerate() {
            match n {
                30 | 51 => assert_ne!(*value, Some(n as i16 * 100)),
                _ => assert_eq!(*value, Some(n as i16 * 100)),
            }
        }
    }

    #[test]
    fn a_long_loss_and_a_pause_of_the_sender_are_silence() {
        let mut packets = steady(0..20);
        packets.extend(steady(40..60));
        let values = values(&laid(&packets, 9600));
        assert_eq!(values[24..40], [Some(0); 16]);
        assert_eq!(values[40], Some(4000));
        // A sender that says nothing counts no packets.
        let mut timeline = Timeline::new(8000);
        let mut out = Vec::new();
        for (n, number) in (0..10).chain(30..40).enumerate() {
            let mut header = header(number);
            header.sequence = n as u16;
            timeline.hear(L16, header, &packet(77), f64::from(number) * 0.02);
        }
        timeline.take(6400, &mut out);
        assert_eq!(out[..1600], [77; 1600]);
        assert_eq!(out[1600..4800], [0; 3200]);
        assert_eq!(out[4800..], [77; 1600]);
    }

    #[test]
    fn another_stream_stands_where_it_came() {
        let mut timeline = Timeline::new(8000);
        let mut out = Vec::new();
        for number in 0..10 {
            timeline.hear(L16, header(number), &packet(1), f64::from(number) * 0.02);
        }
        // Another sender; then the same one, with other timestamps.
        for (ssrc, jump, value, from) in [(2, 0, 2, 0.4), (2, 1_000_000, 3, 0.8)] {
            for number in 0..10 {
                let mut header = header(number);
                header.ssrc = ssrc;
                header.timestamp = header.timestamp.wrapping_add(jump);
                header.sequence = header.sequence.wrapping_add((jump / 100_000) as u16);
                timeline.hear(L16, header, &packet(value), from + f64::from(number) * 0.02);
            }
        }
        timeline.take(8000, &mut out);
        let values = values(&out);
        assert_eq!(values[..10], [Some(1); 10]);
        assert_eq!(values[20..30], [Some(2); 10]);
        assert_eq!(values[40..], [Some(3); 10]);
    }

    #[test]
    fn a_clock_that_is_not_ours_is_kept_with_ours_for_hours() {
        for drift in [200e-6, -200e-6] {
            let mut timeline = Timeline::new(8000);
            let mut out = Vec::new();
            let packets = 2 * 3600 * 50;
            for number in 0..packets {
                let at = f64::from(number) * 0.02 * (1.0 + drift);
                // A click each second, silence between.
                let value = if number % 50 == 0 { 9999 } else { 0 };
                timeline.hear(L16, header(number), &packet(value), at);
                timeline.take(((at - 0.3) * 8000.0) as i64, &mut out);
            }
            let last = f64::from(packets - 50) * 0.02 * (1.0 + drift);
            timeline.take(
                (f64::from(packets) * 160.0 * (1.0 + drift)) as i64,
                &mut out,
            );
            let click = out.iter().rposition(|&sample| sample == 9999);
            let click = click.unwrap_or_default() as f64 / 8000.0 - 0.02;
            assert!((click - last).abs() < 0.045, "{click} for {last}");
        }
    }

    #[test]
    fn a_stream_whose_first_packet_was_slow_is_put_right_where_it_is_quiet() {
        let mut timeline = Timeline::new(8000);
        let mut out = Vec::new();
        for number in 0..400u32 {
            let late = if number == 0 { 0.1 } else { 0.0 };
            let value = if number == 300 { 9999 } else { 0 };
            let at = f64::from(number) * 0.02 + late;
            timeline.hear(L16, header(number), &packet(value), at);
            timeline.take(((at - 0.3) * 8000.0) as i64, &mut out);
        }
        timeline.take(64_000, &mut out);
        let click = out.iter().position(|&sample| sample == 9999).unwrap();
        assert!(click.abs_diff(300 * 160) <= 160, "{click}");
    }

    #[test]
    fn every_format_is_brought_to_the_rate_of_the_recording() {
        let opus = Format::Opus(codec::Opus::speech(16_000));
        for format in [
            Format::Pcmu,
            Format::G722,
            opus,
            Format::L16 { rate: 48_000 },
        ] {
            for rate in [8000, 16_000] {
                let mut encoder = codec::Encoder::new(format).unwrap();
                let mut tone = dsp::Tone::new(1000.0, -10.0, format.rate());
                let mut timeline = Timeline::new(rate);
                let mut out = Vec::new();
                for number in 0..100u32 {
                    let samples: Vec<i16> = (0..format.rate() / 50)
                        .map(|_| tone.next_sample())
                        .collect();
                    let mut payload = Vec::new();
                    encoder.encode(&samples, &mut payload);
                    let mut header = header(number);
                    header.timestamp = number * (format.clock_rate() / 50);
                    // Of every 25 one is lost.
                    if number % 25 != 20 {
                        timeline.hear(format, header, &payload, f64::from(number) * 0.02);
                    }
                }
                timeline.take(i64::from(2 * rate), &mut out);
                let middle = &out[rate as usize / 10..];
                let share = dsp::amplitude_at(middle, 1000.0, rate) / dsp::amplitude(-10.0);
                assert!(
                    (0.85..1.1).contains(&share),
                    "{format:?} at {rate}: {share}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_a_second_is_a_second(
            packets in prop::collection::vec(
                (any::<u16>(), prop_oneof![any::<u32>(), 0..4000u32], 0..3u32, 0..2000usize, 0..5000u32, 0..4usize),
                0..100,
            ),
        ) {
            let mut timeline = Timeline::new(8000);
            let mut out = Vec::new();
            let mut asked = 0;
            for (sequence, timestamp, ssrc, length, at, format) in packets {
                let header = Header { marker: false, payload_type: 0, sequence, timestamp, ssrc };
                let format = [Format::Pcmu, Format::Pcma, L16, Format::Opus(codec::Opus::speech(8000))][format];
                timeline.hear(format, header, &vec![0x55; length], f64::from(at) / 1000.0);
                let until = i64::from(at) * 8 - 2400;
                if until > asked {
                    timeline.take(until, &mut out);
                    asked = until;
                }
                prop_assert_eq!(out.len() as i64, asked);
            }
        }
    }
}
