//! The media engine: threads, sockets, 20 ms ticks.
//!
//! [`Engine`] is what the owner holds: it takes [`Command`]s, gives [`Event`]s and tells figures. Each worker thread
//! owns some legs, reads their sockets and keeps their ticks. `leg`, `formats`, `latch`, `stream`, `wheel` and `switchboard` do
//! no I/O; `epoll` and `uring` do nothing else.

mod address;
mod bell;
mod command;
mod engine;
mod epoll;
mod figures;
mod formats;
mod io;
mod latch;
mod leg;
mod outlet;
pub mod playout;
mod ports;
mod priority;
mod prompt;
mod queue;
mod stream;
mod switchboard;
mod uring;
mod wheel;
mod worker;

pub use command::{Command, Connection, Event};
pub use engine::{Configuration, Engine, IoKind, Totals};
pub use figures::LegFigures;
pub use formats::{Coding, Formats, Kind};
