//! Session descriptions: parse, print, negotiate (RFC 8866, RFC 3264, RFC 4568). No I/O.
//!
//! A description keeps the text it came in and knows where each line is; what the switch acts on, its audio
//! stream, is read once, its video lines when they are asked for. Lenient where phones are careless, strict where a mistake would cost a caller the
//! voice, and then the [`Error`] names the line.

mod audio;
mod crypto;
mod description;
mod error;
mod floor;
mod negotiate;
mod video;

pub use audio::{AudioStream, Codec, Direction};
pub use crypto::Crypto;
pub use description::{Media, SessionDescription};
pub use error::Error;
pub use floor::{FLOOR_PROTOCOLS, FloorLine};
pub use negotiate::{Beside, Line, answer, answer_beside, offer, offer_beside};
pub use video::{FEEDBACK, VideoStream};

/// The longest body that is read, in bytes: as much as a SIP message may carry.
pub const MAX_BYTES: usize = 65_536;
/// More m-lines than any phone has ever offered; each costs a line in the answer.
pub const MAX_MEDIA: usize = 32;
