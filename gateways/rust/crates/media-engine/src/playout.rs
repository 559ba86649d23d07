//! A leg's packets as a steady flow of samples: kept as long as the network needs, decoded, mended where some are
//! missing, stretched and cut where clocks drift. No I/O; time comes in.

mod flow;

use codec::comfort_noise::Noise;
use codec::{Decoder, Format, duration, says_silence};
use rtp::Header;
use rtp::jitter::{Content, Counts, JitterBuffer, Next, Settings};

use flow::Flow;

/// What a frame was made of, for the most part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played {
    Speech,
    /// In place of what is missing.
    Concealed,
    /// The noise that the party's comfort noise packets describe.
    Comfort,
    /// There is sound that was not decoded.
    Skipped,
    /// The party is silent.
    Nothing,
}

/// Sums since the beginning, but for `target_ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// What has become of the packets.
    pub packets: Counts,
    /// Payloads that were none of their format.
    pub malformed: u64,
    /// Milliseconds put in place of sound that was missing.
    pub concealed_ms: u64,
    /// Milliseconds cut out and put in, to follow the sender's clock and the network.
    pub cut_ms: u64,
    pub stretched_ms: u64,
    /// What the buffer keeps packets for now.
    pub target_ms: f64,
}

/// Packets that say that nobody speaks are decoded only so often, while nobody wants every word: a sender that is mistaken
/// is found out within half a second.
const LOOK: u32 = 25;

/// What was not decoded.
#[derive(Default)]
struct Skipped {
    /// Packets, since the last one that was.
    packets: u32,
    /// The last of them, so that the decoder does not begin out of nothing.
    newest: Vec<u8>,
    /// How many packets in a row said that nobody speaks, decoded or not.
    silent: u32,
    scratch: Vec<i16>,
}

impl Skipped {
    /// Whether a packet need not be decoded.
    fn may_be(&mut self, format: Format, payload: &[u8]) -> bool {
        if !says_silence(format, payload) {
            self.silent = 0;
            return false;
        }
        self.silent += 1;
        // The first ones tell how soft it is.
        self.silent > 2 && self.silent % LOOK != 0
    }
}

/// The sound of one leg. What it gives has the rate of the format that was put last into it.
pub struct Playout {
    format: Format,
    decoder: Decoder,
    buffer: JitterBuffer<Kind>,
    flow: Flow,
    playing: Played,
    /// The party's noise, as comfort noise packets describe it, and whether it is heard until sound comes.
    noise: Noise,
    comfort: bool,
    /// Seconds of a packet, as the last one had it.
    packet: f64,
    /// When it was taken out of the buffer, and how long ago the speech that is played was said.
    taken: f64,
    kept: f64,
    /// Samples concealed since the last packet, and whether there was a pause: the next one tells whether anything was
    /// lost.
    doubtful: usize,
    paused: bool,
    concealed: u64,
    malformed: u64,
    /// Whether somebody wants every word.
    closely: bool,
    skipped: Skipped,
}

#[derive(Clone, Copy)]
enum Kind {
    Sound(Format),
    ComfortNoise,
}

impl Playout {
    /// Refuses a format that cannot be decoded.
    pub fn new(format: Format, settings: Settings) -> Result<Self, codec::Error> {
        Ok(Self {
            format,
            decoder: Decoder::new(format)?,
            buffer: JitterBuffer::new(settings),
            flow: Flow::new(format.rate()),
            playing: Played::Nothing,
            noise: Noise::default(),
            comfort: false,
            packet: 0.02,
            taken: 0.0,
            kept: 0.0,
            doubtful: 0,
            paused: false,
            concealed: 0,
            malformed: 0,
            closely: true,
            skipped: Skipped::default(),
        })
    }

    /// Whether somebody wants every word, as at first. Else packets that say that nobody speaks
    /// are decoded only now and then.
    pub fn hear_closely(&mut self, closely: bool) {
        self.closely = closely;
    }

    /// Samples a second of the frames.
    pub fn rate(&self) -> u32 {
        self.format.rate()
    }

    /// A packet of sound in this format has come. The format may change from packet to packet.
    pub fn put(&mut self, header: &Header, format: Format, payload: &[u8], now: f64) {
        let Some(samples) = duration(format, payload) else {
            self.malformed += 1;
            self.buffer.note(header, now);
            return;
        };
        let content = Content {
            kind: Kind::Sound(format),
            duration: samples as f64 / f64::from(format.rate()),
            clock: format.clock_rate(),
        };
        self.buffer.put(header, content, payload, now);
    }

    /// A comfort noise packet (RFC 3389) has come; its clock is that of the sound beside it.
    pub fn put_comfort_noise(&mut self, header: &Header, payload: &[u8], now: f64) {
        let content = Content {
            kind: Kind::ComfortNoise,
            duration: 0.0,
            clock: self.format.clock_rate(),
        };
        self.buffer.put(header, content, payload, now);
    }

    /// A packet has come that is not to be heard, such as a telephone-event: it is not missing.
    pub fn pass_over(&mut self, header: &Header, now: f64) {
        self.buffer.note(header, now);
    }

    /// The next 20 ms, appended to `out` at [`Playout::rate`]. To be called every 20 ms.
    pub fn frame(&mut self, now: f64, out: &mut Vec<i16>) -> Played {
        while self.flow.lacks() > 0 {
            self.fill(now);
        }
        if matches!(self.playing, Played::Speech | Played::Skipped) {
            self.follow_clock(now);
        }
        let before = self.flow.samples.len();
        self.flow.take(out);
        if self.playing == Played::Speech {
            // From the end of the newest packet back to the beginning of the frame.
            let back = before as f64 / f64::from(self.format.rate());
            let waited = now - self.taken + self.buffer.wait();
            self.kept = (waited - self.packet + back).max(0.0);
        }
        self.playing
    }

    /// Put something into the flow.
    fn fill(&mut self, now: f64) {
        match self.buffer.next(now) {
            Next::Packet {
                kind: Kind::Sound(format),
                payload,
                over,
                missing,
            } => {
                let doubtful = std::mem::take(&mut self.doubtful) as u64;
                // Where nothing is missing before a pause, it was the beginning of the pause.
                if !self.paused || missing > 0 {
                    self.concealed += doubtful;
                }
                self.paused = false;
                self.taken = now;
                self.flow.measured = true;
                if format != self.format {
                    match Decoder::new(format) {
                        Ok(decoder) => self.decoder = decoder,
                        Err(_) => {
                            self.malformed += 1;
                            return;
                        }
                    }
                    // What was skipped was none of this format.
                    self.skipped.packets = 0;
                    if format.rate() != self.format.rate() {
                        self.flow = Flow::new(format.rate());
                    }
                    self.format = format;
                }
                let rate = f64::from(format.rate());
                let before = self.flow.samples.len();
                self.comfort = false;
                if !self.closely && self.skipped.may_be(format, payload) {
                    self.skipped.packets += 1;
                    self.skipped.newest.clear();
                    self.skipped.newest.extend_from_slice(payload);
                    let samples = duration(format, payload).unwrap_or_default().max(1);
                    self.flow.silence(samples);
                    self.packet = samples as f64 / rate;
                    self.flow.drop_at(before, (over * rate) as usize);
                    self.playing = Played::Skipped;
                    return;
                }
                if std::mem::take(&mut self.skipped.packets) > 0 {
                    self.skipped.scratch.clear();
                    // If it is none of its format, it is as if it was never there.
                    self.decoder
                        .decode(&self.skipped.newest, &mut self.skipped.scratch)
                        .ok();
                }
                if self
                    .decoder
                    .decode(payload, &mut self.flow.samples)
                    .is_err()
                {
                    self.malformed += 1;
                    let samples = (self.packet * rate) as usize;
                    self.decoder.conceal(samples, None, &mut self.flow.samples);
                }
                self.packet = (self.flow.samples.len() - before) as f64 / rate;
                self.flow.drop_at(before, (over * rate) as usize);
                self.playing = Played::Speech;
            }
            Next::Packet {
                kind: Kind::ComfortNoise,
                payload,
                ..
            } => {
                self.malformed += u64::from(self.noise.hear(payload).is_err());
                self.comfort = true;
            }
            Next::Missing { seconds, next } => {
                let rate = f64::from(self.format.rate());
                if self.skipped.packets > 0 {
                    let samples = self.flow.lacks().max(1);
                    self.flow.silence(samples);
                    self.buffer.concealed(samples as f64 / rate);
                    self.doubtful += samples;
                    self.playing = Played::Skipped;
                    return;
                }
                // A packet that holds the one before it, too, is decoded for all of that one.
                let samples = if next.is_some() {
                    (seconds.min(self.packet) * rate).round() as usize
                } else {
                    self.flow.lacks()
                };
                let next = match next {
                    Some((Kind::Sound(format), payload))
                        if format == self.format && seconds < self.packet * 1.5 =>
                    {
                        Some(payload)
                    }
                    _ => None,
                };
                let samples = samples.max(1);
                self.decoder.conceal(samples, next, &mut self.flow.samples);
                self.buffer.concealed(samples as f64 / rate);
                self.doubtful += samples;
                self.playing = Played::Concealed;
            }
            Next::Pause => {
                self.paused = true;
                let samples = self.flow.lacks();
                self.playing = if self.comfort {
                    self.noise.play(samples, &mut self.flow.samples);
                    Played::Comfort
                } else {
                    self.flow.silence(samples);
                    Played::Nothing
                };
            }
        }
    }

    /// Take out of the frame what packets are kept too long, or put in what they are kept too briefly.
    fn follow_clock(&mut self, now: f64) {
        let excess = self.buffer.excess();
        if self.flow.may_cut(excess, now) {
            // The frame must be whole afterwards.
            while self.flow.lacks_for_cut() > 0 {
                if self.buffer.is_empty() {
                    return;
                }
                self.fill(now);
                if !matches!(self.playing, Played::Speech | Played::Skipped) {
                    return;
                }
            }
            self.flow.cut();
        } else if self.flow.may_stretch(excess, now) {
            self.flow.stretch();
        }
    }

    /// Seconds since the speech that is played now was said, as far as its packets tell: without the time that the
    /// quickest of them took.
    pub fn kept(&self) -> f64 {
        self.kept
    }

    pub fn figures(&self) -> Figures {
        let per_ms = u64::from(self.format.rate()) / 1000;
        Figures {
            packets: self.buffer.counts(),
            malformed: self.malformed,
            concealed_ms: self.concealed / per_ms,
            cut_ms: self.flow.cut_samples / per_ms,
            stretched_ms: self.flow.stretched_samples / per_ms,
            target_ms: self.buffer.target() * 1000.0,
        }
    }
}

#[cfg(test)]
mod tests;
