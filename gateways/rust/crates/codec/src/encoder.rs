//! Samples in, payloads out.

use dsp::g711::Law;

use crate::{Error, Format};

/// Makes the payloads of one stream.
pub struct Encoder {
    format: Format,
    kind: Kind,
}

enum Kind {
    G711(Law),
    L16,
}

impl Encoder {
    /// Refuses what cannot be spoken, and says which value is wrong.
    pub fn new(format: Format) -> Result<Self, Error> {
        format.check()?;
        let kind = match format {
            Format::Pcmu => Kind::G711(Law::Mu),
            Format::Pcma => Kind::G711(Law::A),
            Format::L16 { .. } => Kind::L16,
            Format::G722 | Format::Opus(_) => {
                return Err(Error(format!("{} is not spoken yet", format.name())));
            }
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
            Kind::G711(law) => out.extend(samples.iter().map(|&sample| law.encode(sample))),
            Kind::L16 => out.extend(samples.iter().flat_map(|sample| sample.to_be_bytes())),
        }
    }

    /// Tell what part of the packets the party loses, so that a format with redundancy spends as much on it.
    pub fn expect_loss(&mut self, _percent: u8) {}
}
