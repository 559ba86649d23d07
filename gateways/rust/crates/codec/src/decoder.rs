//! Payloads in, samples out, and something in place of those that are missing.

use dsp::g711::Law;

use crate::concealment::Concealment;
use crate::{Error, Format, Malformed, duration, g722, opus};

/// Reads the payloads of one stream, in order.
pub struct Decoder {
    format: Format,
    kind: Kind,
}

enum Kind {
    G711(Law, Concealment),
    G722(Box<g722::Decoder>, Concealment),
    Opus(opus::Decoder),
    L16(Concealment),
}

impl Decoder {
    /// Refuses what cannot be understood, and says which value is wrong.
    pub fn new(format: Format) -> Result<Self, Error> {
        format.check()?;
        let concealment = || Concealment::new(format.rate());
        let kind = match format {
            Format::Pcmu => Kind::G711(Law::Mu, concealment()),
            Format::Pcma => Kind::G711(Law::A, concealment()),
            Format::G722 => Kind::G722(Box::new(g722::Decoder::new()), concealment()),
            Format::Opus(how) => Kind::Opus(opus::Decoder::new(how)?),
            Format::L16 { .. } => Kind::L16(concealment()),
        };
        Ok(Self { format, kind })
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Append the sound of a packet to `out`, as long as the packet says.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Malformed> {
        let samples = duration(self.format, payload).ok_or(Malformed)?;
        let start = out.len();
        match &mut self.kind {
            Kind::G711(law, concealment) => {
                out.resize(start + payload.len(), 0);
                law.decode_into(payload, &mut out[start..]);
                concealment.heard(&mut out[start..]);
            }
            Kind::G722(decoder, concealment) => {
                decoder.decode(payload, out);
                concealment.heard(&mut out[start..]);
            }
            Kind::Opus(decoder) => decoder.decode(payload, samples, out)?,
            Kind::L16(concealment) => {
                let pairs = payload.chunks_exact(2);
                out.extend(pairs.map(|pair| i16::from_be_bytes([pair[0], pair[1]])));
                concealment.heard(&mut out[start..]);
            }
        }
        Ok(())
    }

    /// Append `samples` of sound where a packet is missing. `next` is the packet after it, if that is there already:
    /// Opus may find the missing one repeated in it. Call it for no more than is missing, in order of time.
    pub fn conceal(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<i16>) {
        match &mut self.kind {
            Kind::G711(_, concealment) | Kind::G722(_, concealment) | Kind::L16(concealment) => {
                concealment.conceal(samples, out);
            }
            Kind::Opus(decoder) => decoder.conceal(samples, next, out),
        }
    }
}
