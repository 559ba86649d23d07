//! SIP messages: parse and print, a file a header family (RFC 3261 section 7, 20 and 25). No I/O.
//!
//! A message is its bytes and an index over them, made in one pass: where each header begins, and what the
//! transaction layer must know of Via, From, To, Call-ID, CSeq, Max-Forwards and Content-Length. Everything else is
//! read where somebody asks.

pub mod auth;
mod check;
pub mod cseq;
pub mod framer;
pub mod grammar;
pub mod header_name;
mod index;
pub mod list;
pub mod message;
pub mod name_addr;
pub mod params;
pub mod print;
pub mod uri;
pub mod via;

pub use header_name::HeaderName;
pub use message::{Malformed, Message, Span};

/// The longest message, in octets: what a UDP datagram can hold, so that a span fits in two 16-bit numbers.
pub const MAX_MESSAGE: usize = 65_535;

/// The most header lines in a message. Real ones have under a hundred.
pub const MAX_HEADERS: usize = 1_000;
