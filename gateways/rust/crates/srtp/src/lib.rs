//! Secure RTP and RTCP (RFC 3711) with the suites of RFC 3711, RFC 6188 and RFC 7714. No I/O.
//!
//! An [`Outbound`] protects what one party sends under one master key, an [`Inbound`] opens what comes under another;
//! SDES (RFC 4568) gives each direction a key of its own. Both work in place and allocate only when a source of sound
//! is new to them. A packet that is broken, forged or was seen before is [`Refused`], never a panic, and changes nothing.

mod cipher;
mod derivation;
mod inbound;
mod key;
mod outbound;
mod packet;
mod window;

pub use inbound::Inbound;
pub use key::{MasterKey, Suite};
pub use outbound::Outbound;

/// The most that protecting adds to a packet: a tag, and in RTCP the index.
pub const MAX_OVERHEAD: usize = 20;

/// Why a packet was not protected, or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is no RTP or RTCP packet, or is too short to be a protected one.
    Malformed,
    /// Its tag is wrong: a forgery, another key, or no protected packet at all.
    Forged,
    /// Its index was seen before, or is too old to know.
    Replayed,
    /// The key may protect no more packets, or no more sources (RFC 3711 section 9.2).
    Exhausted,
}
