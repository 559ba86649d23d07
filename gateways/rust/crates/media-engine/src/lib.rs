//! The media engine: threads, sockets, 20 ms ticks.
//!
//! [`Engine`] is what the owner holds: it takes [`Command`]s, gives [`Event`]s and tells figures. Each worker thread
//! owns some legs and mixes, reads their sockets and keeps their ticks (`worker`, `legs`). `epoll` and `uring` do nothing
//! but I/O, and all else but `engine` and `worker` does none.
//!
//! A packet of a party's passes to another leg as it is where both agreed on its format (`formats`). Otherwise, and for
//! mixes, it is heard: put into a `playout`, from which each tick of the leg takes 20 ms for its `voice`. What a leg sends
//! of its own comes from a voice, a mix (`mix`, `mixed`) or a `playlist`, and becomes packets in its `speaker`.
//!
//! Pictures have legs of their own (`video`), which are passed on or shown as packets, and never decoded here.
//!
//! What is recorded goes as packets to threads of its own (`studio`), and what servers elsewhere hear and say
//! has a thread for each of them (`streaming`).

mod address;
mod bell;
mod board;
mod cache;
mod client;
mod command;
mod converter;
mod encoded;
mod engine;
mod epoll;
mod figures;
mod formats;
mod guard;
mod io;
mod latch;
mod leg;
mod legs;
mod mapped;
mod measures;
mod mix;
mod mixed;
mod order;
mod outlet;
mod playlist;
pub mod playout;
mod ports;
mod preparer;
mod priority;
mod prompt;
mod queue;
mod reporting;
mod row;
mod server;
mod server_prompts;
mod socket;
mod speaker;
mod stream;
mod streaming;
mod studio;
mod switchboard;
mod uring;
mod video;
mod voice;
mod wheel;
mod wire;
mod worker;

pub use ::recording;
pub use client::{Client, Unreachable};
pub use command::{By, Command, Connection, Direction, Event, Item, Playback, Target};
pub use engine::{Configuration, Engine, IoKind, Totals};
pub use figures::LegFigures;
pub use formats::{Coding, Formats, Kind};
pub use guard::Keys;
pub use leg::{Detected, Listening};
pub use measures::{Measures, RATINGS};
pub use playlist::ToneSpec;
pub use server::{Service, serve};
pub use streaming::Wanted as Stream;
pub use video::{Takes, VideoCoding, VideoConnection, VideoFigures, VideoKind, VideoTerms, Wire};
pub use wire::Welcome;
