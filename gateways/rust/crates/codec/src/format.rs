//! The formats, and the clocks they count by.

use crate::Error;

/// A format of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Format {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722 at 64 kbit/s: 7 kHz of sound.
    G722,
    Opus(Opus),
    /// Linear samples, the high byte first (RFC 3551 section 4.5.11), of one channel. Rates in Hz: 8000, 16000, 24000
    /// or 48000.
    L16 {
        rate: u32,
    },
}

/// How Opus is spoken (RFC 6716, RFC 7587). Whatever is set here, any Opus packet is understood, of two channels too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Opus {
    /// Of our samples, in Hz: 8000, 16000, 24000 or 48000. On the wire it does not show.
    pub rate: u32,
    /// Each packet repeats the one before it, coarsely, as far as losses are expected ([`crate::Encoder::expect_loss`]).
    pub fec: bool,
    /// Nothing is sent in silence but a packet now and then.
    pub dtx: bool,
    /// Every packet of the same size.
    pub cbr: bool,
    /// Bits a second, 6000 to 510000; 0: as many as suit the rate.
    pub bitrate: u32,
    /// 0, cheapest, to 10.
    pub complexity: u8,
}

impl Opus {
    /// For speech, at a rate of our samples.
    pub fn speech(rate: u32) -> Self {
        Self {
            rate,
            fec: true,
            dtx: false,
            cbr: false,
            bitrate: 0,
            complexity: 0,
        }
    }
}

/// The rates between which sound is brought.
const RATES: [u32; 4] = [8000, 16_000, 24_000, 48_000];

impl Format {
    /// Whether its values are among those that there are: what comes from another process may be anything.
    pub fn can_be(&self) -> bool {
        match *self {
            Self::Pcmu | Self::Pcma | Self::G722 => true,
            Self::L16 { rate } => RATES.contains(&rate),
            Self::Opus(opus) => {
                RATES.contains(&opus.rate)
                    && (opus.bitrate == 0 || (6000..=510_000).contains(&opus.bitrate))
                    && opus.complexity <= 10
            }
        }
    }

    /// Samples a second.
    pub fn rate(&self) -> u32 {
        match *self {
            Self::Pcmu | Self::Pcma => 8000,
            Self::G722 => 16_000,
            Self::Opus(Opus { rate, .. }) | Self::L16 { rate } => rate,
        }
    }

    /// What the RTP timestamp goes up by in a second.
    pub fn clock_rate(&self) -> u32 {
        match *self {
            // RFC 3551 section 4.5.2: 8000 by mistake, and kept, although it is sampled at 16000.
            Self::Pcmu | Self::Pcma | Self::G722 => 8000,
            // RFC 7587 section 4.1: "The RTP clock rate in "a=rtpmap" MUST be 48000", whatever is inside.
            Self::Opus(_) => 48_000,
            Self::L16 { rate } => rate,
        }
    }

    /// The same format with samples at `rate`, where it can be had at several without the peer's notice: Opus.
    #[must_use]
    pub fn at(self, rate: u32) -> Self {
        match self {
            Self::Opus(opus) => Self::Opus(Opus { rate, ..opus }),
            other => other,
        }
    }

    /// Whether the two are one on the wire, so that packets of one are understood as the other.
    pub fn same_wire(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Opus(_), Self::Opus(_))) || self == other
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if !RATES.contains(&self.rate()) {
            return Err(Error(format!(
                "{} at {} Hz: the rate must be 8000, 16000, 24000 or 48000",
                self.name(),
                self.rate()
            )));
        }
        if let Self::Opus(opus) = self {
            if opus.complexity > 10 {
                return Err(Error(format!(
                    "Opus of complexity {}: the highest is 10",
                    opus.complexity
                )));
            }
            if opus.bitrate != 0 && !(6000..=510_000).contains(&opus.bitrate) {
                return Err(Error(format!(
                    "Opus at {} bit/s: it must be 6000 to 510000",
                    opus.bitrate
                )));
            }
        }
        Ok(())
    }

    /// As its registration spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::Opus(_) => "opus",
            Self::L16 { .. } => "L16",
        }
    }
}
