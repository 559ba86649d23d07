//! Payloads in, samples out, and something in place of those that are missing.

use dsp::g711::Law;

use crate::{Error, Format, LONGEST_MS, Malformed};

/// Reads the payloads of one stream, in order.
pub struct Decoder {
    format: Format,
    kind: Kind,
}

enum Kind {
    G711(Law),
    L16,
}

impl Decoder {
    /// Refuses what cannot be understood, and says which value is wrong.
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

    /// Append the sound of a packet to `out`, as long as the packet says.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Malformed> {
        let longest = (self.format.rate() / 1000 * LONGEST_MS) as usize;
        match &mut self.kind {
            Kind::G711(law) => {
                if payload.is_empty() || payload.len() > longest {
                    return Err(Malformed);
                }
                out.extend(payload.iter().map(|&code| law.decode(code)));
            }
            Kind::L16 => {
                if payload.is_empty() || payload.len() % 2 != 0 || payload.len() / 2 > longest {
                    return Err(Malformed);
                }
                out.extend(
                    payload
                        .chunks_exact(2)
                        .map(|pair| i16::from_be_bytes([pair[0], pair[1]])),
                );
            }
        }
        Ok(())
    }

    /// Append `samples` of sound where a packet is missing. `next` is the packet after it, if that is there already:
    /// it may hold the missing one, too.
    pub fn conceal(&mut self, samples: usize, _next: Option<&[u8]>, out: &mut Vec<i16>) {
        out.resize(out.len() + samples, 0);
    }
}
