//! What the engine hands out.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use sip_message::Message;

/// The protocol under a transport. All but UDP are reliable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Kind {
    pub fn is_reliable(self) -> bool {
        self != Self::Udp
    }

    /// Whether each piece that is received is one whole message: a datagram, or a WebSocket message ("each SIP message
    /// MUST be carried within a single WebSocket message", RFC 7118 section 5).
    pub(crate) fn keeps_messages_apart(self) -> bool {
        matches!(self, Self::Udp | Self::Ws | Self::Wss)
    }

    /// The word for it in our Via.
    pub(crate) fn via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }
}

/// Why a transaction ended without its final message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    Timeout,
    Transport,
}

/// What the transaction user should know.
#[derive(Debug)]
pub enum Event {
    /// A new request; with transaction 0, an ACK that belongs to none.
    Request {
        transaction: u64,
        message: Arc<Message>,
        transport: u64,
        source: SocketAddr,
    },
    /// A response to a request of ours, but 100.
    Response {
        transaction: u64,
        message: Arc<Message>,
        transport: u64,
        source: SocketAddr,
    },
    /// A CANCEL for a server INVITE transaction without a final response. It has been answered.
    Cancelled {
        transaction: u64,
        message: Arc<Message>,
    },
    /// The transaction is gone.
    Failed { transaction: u64, failure: Failure },
    /// Bytes that are no message we can take; answered with `status` where that could be.
    Rejected {
        reason: Cow<'static, str>,
        status: Option<u16>,
        transport: u64,
        source: SocketAddr,
        close: bool,
    },
    /// A source does what no honest one does: `agent` (it says that it is a scanner; `detail` is how) or `flood` (it
    /// sends more than it may; `detail` is the method, empty where it is all together). What it sent went unanswered,
    /// or got 503. Told once in ten seconds of each source.
    Suspected {
        reason: &'static str,
        detail: String,
        transport: u64,
        source: SocketAddr,
    },
}

/// Bytes to be written.
#[derive(Clone, Debug)]
pub struct Transmit {
    pub transport: u64,
    pub destination: SocketAddr,
    pub data: Arc<[u8]>,
    /// The client transaction that these bytes are a request of; 0 for anything else.
    pub transaction: u64,
}
