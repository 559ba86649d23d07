//! RTP, RTCP and telephone-event packets (RFC 3550, 3551, 3611, 4733, 5761), and their jitter buffer. No I/O.
//!
//! Bytes in, values out. Broken bytes are `None`, never a panic; time comes in as an argument.

pub mod event;
pub mod jitter;
pub mod loss;
pub mod mux;
mod packet;
pub mod quality;
pub mod reception;
pub mod report;
pub mod rtcp;
pub mod xr;

pub use packet::{Header, Packet, set_payload_type};
