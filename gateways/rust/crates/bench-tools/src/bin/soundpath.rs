//! Sound through a format, or from one to another, as it comes to whoever listens behind the switch: encoded, lost and
//! delayed as asked, through the jitter buffer, decoded, and in the second format once more.
//!
//!     soundpath RATE FORMAT[,FORMAT] LOSS_PERCENT JITTER_MS SEED <samples >samples
//!
//! Samples are 16-bit, little-endian, of one channel at RATE. FORMAT is PCMU, PCMA, G722, L16/RATE or OPUS/RATE.

use std::io::{Read, Write};

use codec::{Encoder, Format, Opus};
use dsp::Resampler;
use media_engine::playout::Playout;
use rtp::Header;
use rtp::jitter::Settings;

/// Frames of silence before and after, in which the buffer settles and the last sound comes out.
const MARGIN: usize = 25;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rate, formats, loss, jitter, seed] = arguments.as_slice() else {
        return Err("soundpath RATE FORMAT[,FORMAT] LOSS_PERCENT JITTER_MS SEED".into());
    };
    let (rate, loss, jitter): (u32, f64, f64) = (rate.parse()?, loss.parse()?, jitter.parse()?);
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let mut samples: Vec<i16> = bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let mut from = rate;
    for name in formats.split(',') {
        let format = read_format(name).ok_or(format!("{name:?} is no format"))?;
        let mut brought = Vec::new();
        Resampler::new(from, format.rate()).process(&samples, &mut brought);
        let network = Network {
            loss: loss / 100.0,
            jitter: jitter / 1000.0,
            random: seed.parse::<u64>()? | 1,
        };
        samples = heard(format, &brought, network)?;
        from = format.rate();
    }
    let mut out = Vec::new();
    Resampler::new(from, rate).process(&samples, &mut out);
    let bytes: Vec<u8> = out.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    std::io::stdout().write_all(&bytes)?;
    Ok(())
}

fn read_format(name: &str) -> Option<Format> {
    let (name, rate) = name.split_once('/').unwrap_or((name, "16000"));
    let rate = rate.parse().ok()?;
    Some(match name {
        "PCMU" => Format::Pcmu,
        "PCMA" => Format::Pcma,
        "G722" => Format::G722,
        "L16" => Format::L16 { rate },
        "OPUS" => Format::Opus(Opus::speech(rate)),
        _ => return None,
    })
}

/// What a network does to packets.
struct Network {
    loss: f64,
    /// Delays are spread evenly from none to this, in seconds.
    jitter: f64,
    random: u64,
}

impl Network {
    /// When a packet sent at a time arrives, if it does.
    fn carry(&mut self, sent: f64) -> Option<f64> {
        let (lost, delay) = (self.next(), self.next());
        (lost >= self.loss).then_some(sent + 0.01 + delay * self.jitter)
    }

    /// 0 to 1, by Marsaglia's xorshift.
    fn next(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn heard(format: Format, samples: &[i16], mut network: Network) -> Result<Vec<i16>, codec::Error> {
    let frame = format.rate() as usize / 50;
    let step = format.clock_rate() / 50;
    let mut encoder = Encoder::new(format)?;
    encoder.expect_loss((network.loss * 100.0) as u8);
    let mut sound = vec![0; MARGIN * frame];
    sound.extend_from_slice(samples);
    sound.resize(sound.len() + MARGIN * frame, 0);
    let mut arrivals: Vec<(f64, Header, Vec<u8>)> = Vec::new();
    for (n, samples) in sound.chunks_exact(frame).enumerate() {
        let mut payload = Vec::new();
        encoder.encode(samples, &mut payload);
        let header = Header {
            marker: n == 0,
            payload_type: 96,
            sequence: n as u16,
            timestamp: n as u32 * step,
            ssrc: 1,
        };
        if let Some(at) = network.carry(n as f64 * 0.02) {
            arrivals.push((at, header, payload));
        }
    }
    arrivals.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut playout = Playout::new(format, Settings::default())?;
    let mut waiting = arrivals.into_iter().peekable();
    let mut out = Vec::new();
    for tick in 0..sound.len() / frame {
        let now = tick as f64 * 0.02;
        while let Some((at, header, payload)) = waiting.next_if(|next| next.0 <= now) {
            playout.put(&header, format, &payload, at);
        }
        playout.frame(now, &mut out);
    }
    Ok(out)
}
