//! What the engine is told, and what it tells. Plain records, that could cross a process boundary.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::formats::Formats;

/// An order about a leg, named by its slot. Carried out in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Take a slot into use. `epoch` comes back in events and tells apart the users of one slot.
    Open { leg: u32, epoch: u64 },
    /// What was agreed with the party. A second one re-arms the latch.
    Connect { leg: u32, connection: Connection },
    /// Let two parties hear each other: what both understand passes as it is, RTCP too.
    Bridge { a: u32, b: u32 },
    /// Send a party's sound back to it.
    Echo { leg: u32 },
    /// A steady tone: Hz and dBm0.
    Tone {
        leg: u32,
        frequency: f64,
        level: f64,
    },
    /// Play a prompt once; `operation` comes back in `PlayEnded`. `looped`: it begins anew for ever.
    Play {
        leg: u32,
        prompt: u32,
        operation: u64,
        looped: bool,
    },
    /// End bridge, echo, tone or prompt.
    Silence { leg: u32 },
    /// Give the slot back. Closing one that is not open does nothing.
    Close { leg: u32 },
}

/// Where a party receives and what it speaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    /// RTCP shares the RTP port (RFC 5761).
    pub rtcp_mux: bool,
    pub formats: Arc<Formats>,
    /// Milliseconds of sound the party wants in a packet of ours.
    pub ptime: u32,
    /// Whether sound may go to the party, and is taken from it.
    pub send: bool,
    pub receive: bool,
}

/// What happened to a leg.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A prompt came to its end.
    PlayEnded {
        leg: u32,
        epoch: u64,
        operation: u64,
    },
    /// The party pressed a key (RFC 4733).
    Digit {
        leg: u32,
        epoch: u64,
        digit: char,
        duration_ms: u32,
    },
    /// A command could not be carried out, or the leg's work panicked: the leg is silent now.
    Failed {
        leg: u32,
        epoch: u64,
        reason: &'static str,
    },
}
