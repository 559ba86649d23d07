//! Pictures in RTP: H.264 (RFC 6184) and VP8 (RFC 7741) out of packets and into them, feedback (RFC 4585, RFC 5104), what
//! is missing and sent again (RFC 4588). No I/O.
//!
//! Bytes in, values out. Broken bytes are `None`, never a panic; time comes in as an argument. No picture is decoded.

pub mod feedback;
pub mod frames;
pub mod h264;
pub mod missing;
pub mod ring;
pub mod rtx;
pub mod vp8;

/// What pictures are coded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    H264,
    Vp8,
}

/// RFC 6184 section 8.2.1 and RFC 7741 section 6.1: the clock of both, in units a second.
pub const CLOCK_RATE: u32 = 90_000;

impl Codec {
    /// By its name in SDP, in capitals.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "H264" => Some(Self::H264),
            "VP8" => Some(Self::Vp8),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "H264",
            Self::Vp8 => "VP8",
        }
    }

    /// What a payload begins.
    pub fn look(self, payload: &[u8]) -> Look {
        match self {
            Self::H264 => h264::look(payload),
            Self::Vp8 => vp8::look(payload),
        }
    }

    /// How wide and high the pictures are that follow, where a payload that begins a key frame says it.
    pub fn size(self, payload: &[u8]) -> Option<(u32, u32)> {
        match self {
            Self::H264 => h264::parameters(payload)
                .find_map(h264::Sps::parse)
                .map(|sps| (sps.width, sps.height)),
            Self::Vp8 => vp8::Descriptor::parse(payload).and_then(|(_, frame)| vp8::size(frame)),
        }
    }
}

/// What can be seen in one payload without those beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// It may be the first of a picture: what came before is not needed to read it.
    pub begins: bool,
    /// A decoder that knows the parameter sets can begin here: a key frame begins in it (its first slice, or all of it).
    pub key: bool,
    /// Sequence and picture parameter sets of H.264 are in it.
    pub sps: bool,
    pub pps: bool,
}
