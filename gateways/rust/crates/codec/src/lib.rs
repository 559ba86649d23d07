//! What a leg speaks: sound as the payloads of RTP packets. No I/O.
//!
//! Samples are 16-bit, of one channel, at the format's own [`Format::rate`]. A warm [`Encoder`] or [`Decoder`] allocates
//! nothing but what its caller's vector has no room for.

mod activity;
pub mod comfort_noise;
mod concealment;
mod decoder;
mod duration;
mod encoder;
mod format;
mod g722;
mod opus;

pub use activity::says_silence;
pub use decoder::Decoder;
pub use duration::duration;
pub use encoder::Encoder;
pub use format::{Format, Opus};

use std::fmt;

/// A format that cannot be spoken as it was described: which value is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A payload that is none of its format; nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payload is none of its format")
    }
}

impl std::error::Error for Malformed {}

/// To be raised by whoever changes what our own encoders make.
const ENCODERS: u32 = 1;

/// Tells apart encoders that make other payloads of the same samples.
pub fn version() -> String {
    format!("encoders {ENCODERS}, {}", opus::version())
}

/// The longest packet that is decoded, in milliseconds; Opus knows no longer one (RFC 6716 section 3.2.5).
pub const LONGEST_MS: u32 = 120;
