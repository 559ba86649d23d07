//! Batched datagrams on a given socket: recvmmsg and sendmmsg.
//!
//! One system call moves up to [`BATCH`] datagrams each way. Nothing here owns a socket or blocks: the caller
//! gives a descriptor that it has made non-blocking, and hears when that is readable.

mod address;
mod receive;
mod send;
mod socket;

pub use address::RawAddress;
pub use receive::{Datagram, ReceiveBatch};
pub use send::{Outcome, send_batch};
pub use socket::{bind, set_buffers};

/// Datagrams moved by one system call. Beyond 64 the saving is lost in cache misses.
pub const BATCH: usize = 64;
