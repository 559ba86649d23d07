//! What the thread of one leg of pictures is to do.

use std::sync::Arc;

use video::Codec;

use super::terms::{Takes, VideoConnection, VideoPassage, Wire};

#[derive(Clone)]
pub enum VideoOrder {
    Open {
        epoch: u64,
    },
    /// Pictures that the composer makes, under its number for them.
    OpenSource {
        epoch: u64,
        number: u64,
        wire: Wire,
    },
    Connect(VideoConnection),
    Bridge(VideoBridge),
    /// Somebody is to be shown the party's pictures.
    Serve {
        viewer: u32,
        epoch: u64,
    },
    /// Who sees the party's pictures needs a key frame.
    Wanted,
    /// The composer does: nothing is worth giving to it before.
    Needed,
    /// A viewer missed packets.
    Missed {
        viewer: u32,
        epoch: u64,
        first: u16,
        others: u16,
    },
    /// The most that the party is to send, in bits a second; None: what it likes.
    Limit(Option<u64>),
    Feed(Option<u64>),
    Made(Arc<Made>),
    Silence,
    Close,
}

/// With whom a leg is bridged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VideoBridge {
    pub peer: u32,
    pub epoch: u64,
    pub passage: VideoPassage,
    /// What the peer's party takes by RTCP.
    pub takes: Takes,
}

/// A picture of the composer's.
pub struct Made {
    pub source: u64,
    pub codec: Codec,
    pub key: bool,
    pub timestamp: u32,
    pub data: Vec<u8>,
}
