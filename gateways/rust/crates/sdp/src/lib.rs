//! Session descriptions: parse, print, negotiate (RFC 8866, RFC 3264, RFC 4568). No I/O.
//!
//! A description keeps the text it came in and knows where each line is; what the switch acts on, its audio
//! stream, is read once. Lenient where phones are careless, strict where a mistake would cost a caller the
//! voice, and then the [`Error`] names the line.

mod audio;
mod crypto;
mod description;
mod error;
mod negotiate;

pub use audio::{AudioStream, Codec, Direction};
pub use crypto::Crypto;
pub use description::{Media, SessionDescription};
pub use error::Error;
pub use negotiate::{answer, offer};

/// The longest body that is read, in bytes: as much as a SIP message may carry.
pub const MAX_BYTES: usize = 65_536;
/// More m-lines than any phone has ever offered; each costs a line in the answer.
pub const MAX_MEDIA: usize = 32;
