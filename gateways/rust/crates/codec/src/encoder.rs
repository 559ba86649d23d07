//! Samples in, payloads out.

use dsp::g711::Law;

use crate::{Error, Format, g722, opus};

/// Makes the payloads of one stream.
pub struct Encoder {
    format: Format,
    kind: Kind,
}

enum Kind {
    G711(Law),
    G722(Box<g722::Encoder>),
    Opus(opus::Encoder),
    L16,
}

impl Encoder {
    /// Refuses what cannot be spoken, and says which value is wrong.
    pub fn new(format: Format) -> Result<Self, Error> {
        format.check()?;
        let kind = match format {
            Format::Pcmu => Kind::G711(Law::Mu),
            Format::Pcma => Kind::G711(Law::A),
            Format::G722 => Kind::G722(Box::new(g722::Encoder::new())),
            Format::Opus(how) => Kind::Opus(opus::Encoder::new(how)?),
            Format::L16 { .. } => Kind::L16,
        };
        Ok(Self { format, kind })
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Append the payload of 10, 20, 40 or 60 ms of sound to `out`.
    ///
    /// Nothing is appended where nothing need be sent (Opus with DTX, in silence): the timestamp goes on all the same.
    pub fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        match &mut self.kind {
            Kind::G711(law) => {
                let start = out.len();
                out.resize(start + samples.len(), 0);
                law.encode_into(samples, &mut out[start..]);
            }
            Kind::G722(encoder) => encoder.encode(samples, out),
            Kind::Opus(encoder) => encoder.encode(samples, out),
            Kind::L16 => out.extend(samples.iter().flat_map(|sample| sample.to_be_bytes())),
        }
    }

    /// Tell what part of the packets the party loses, so that Opus with FEC spends as much on repeating them. The
    /// other formats have no redundancy.
    pub fn expect_loss(&mut self, percent: u8) {
        if let Kind::Opus(encoder) = &mut self.kind {
            encoder.expect_loss(percent);
        }
    }
}
