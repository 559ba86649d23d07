//! SIP transactions (RFC 3261 section 17, RFC 6026) behind one sans-IO engine.
//!
//! Bytes and `now` come in as arguments; what should be written and what the transaction user should know are taken
//! out: `Engine::take_transmits`, `Engine::take_events`, `Engine::deadline`. The four machines are tables in a file
//! each: `invite_client`, `invite_server`, `client`, `server`. New requests wait in queues of their own (`waiting`).

mod client;
mod engine;
mod event;
mod invite_client;
mod invite_server;
mod machine;
mod matching;
mod server;
mod slab;
mod sources;
pub mod stun;
mod timing;
mod waiting;

pub use engine::{Config, Engine, Refusal, Stats, Terms};
pub use event::{Event, Failure, Kind, Transmit};
pub use sip_message::Message;
pub use sources::{Limits, Network, Rate};
