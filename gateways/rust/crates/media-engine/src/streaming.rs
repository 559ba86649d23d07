//! Media streams: the sound of a leg to a WebSocket server and back, for speech recognition and voice agents.
//!
//! Each has a thread of its own (`line`). It hears the leg as any other hearer does (`outgoing`), and what the far end
//! says waits in a queue of bounded length from which the leg takes 20 ms at a tick (`incoming`): neither thread ever waits
//! for the other.

mod connection;
mod incoming;
mod line;
mod outgoing;
mod protocol;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::command::{Direction, Event, Playback};
use crate::worker::Shared;

use connection::Connection;
pub use incoming::{Incoming, Live};
use line::{Line, Told};
pub use outgoing::Company;
use outgoing::Outgoing;

/// Streams at once, each of which is a thread; and of one leg.
const STREAMS: usize = 500;
const STREAMS_OF_LEG: usize = 8;
const RATES: [u32; 2] = [8000, 16_000];
/// How long the end of the engine waits for far ends to be told.
const FAREWELL: Duration = Duration::from_secs(1);

/// A stream that is asked for.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Wanted {
    pub stream: u64,
    pub leg: u32,
    pub url: String,
    pub rate: u32,
    pub direction: Direction,
    pub playback: Playback,
    /// What the far end is told of whose sound it is: names and values.
    pub about: Vec<(String, String)>,
}

/// The owner's part: begins and ends streams.
#[derive(Default)]
pub struct Streams {
    live: HashMap<u64, Stream>,
}

struct Stream {
    leg: u32,
    epoch: u64,
    told: Arc<Told>,
    incoming: Option<Arc<Incoming>>,
    thread: JoinHandle<()>,
}

impl Streams {
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Begin one for the present user of a slot: what its leg is to play, if it is to play anything. Why not, when it
    /// cannot be.
    pub fn start(
        &mut self,
        wanted: Wanted,
        epoch: u64,
        shared: &Arc<Shared>,
    ) -> Result<Option<Arc<Incoming>>, String> {
        self.live.retain(|_, stream| !stream.thread.is_finished());
        if !RATES.contains(&wanted.rate) {
            return Err("a stream has 8000 or 16000 samples a second".to_owned());
        }
        if self.live.len() >= STREAMS {
            return Err("there are too many streams".to_owned());
        }
        let of_leg = |stream: &&Stream| (stream.leg, stream.epoch) == (wanted.leg, epoch);
        let others: Vec<&Stream> = self.live.values().filter(of_leg).collect();
        if others.len() >= STREAMS_OF_LEG {
            return Err("the leg has too many streams".to_owned());
        }
        let plays = wanted.playback != Playback::None;
        if plays && others.iter().any(|stream| stream.incoming.is_some()) {
            return Err("another stream plays to the leg already".to_owned());
        }
        let alone = wanted.playback == Playback::Instead;
        let incoming = plays.then(|| Arc::new(Incoming::new(wanted.rate, alone)));
        let told = Arc::new(Told::default());
        let around = shared.around.clone();
        let line = Line {
            start: start(&wanted),
            outgoing: Outgoing::new(around, wanted.leg, epoch, wanted.rate, wanted.direction),
            incoming: incoming.clone(),
            told: Arc::clone(&told),
            lost_ms: 0,
        };
        let (stream, leg) = (wanted.stream, wanted.leg);
        let shared = Arc::clone(shared);
        let thread = thread::Builder::new()
            .name("media-stream".to_owned())
            .spawn(move || run(stream, &wanted.url, line, &shared))
            .map_err(|error| format!("no thread for it: {error}"))?;
        let begun = Stream {
            leg,
            epoch,
            told,
            incoming: incoming.clone(),
            thread,
        };
        self.live.insert(stream, begun);
        Ok(incoming)
    }

    /// End one. One that has ended already is left alone.
    pub fn stop(&self, stream: u64) {
        if let Some(stream) = self.live.get(&stream) {
            stream.told.stop("it was stopped");
        }
    }

    /// A leg's slot is given back.
    pub fn leave(&self, leg: u32) {
        for stream in self.live.values().filter(|stream| stream.leg == leg) {
            stream.told.stop("the leg has ended");
        }
    }

    /// Tell all whom their leg hears now.
    pub fn accompany(&self, company: impl Fn(u32) -> Company) {
        for stream in self.live.values() {
            stream.told.accompany(company(stream.leg));
        }
    }

    /// A leg's party pressed a key.
    pub fn key(&self, leg: u32, epoch: u64, digit: char, duration_ms: u32) {
        for stream in self.live.values() {
            if (stream.leg, stream.epoch) == (leg, epoch) {
                stream.told.key(digit, duration_ms);
            }
        }
    }

    /// End all. Those that are not connected yet are not waited for.
    pub fn close(&mut self) {
        for stream in self.live.values() {
            stream.told.stop("the switch ends");
        }
        let until = Instant::now() + FAREWELL;
        let ends = |stream: &Stream| stream.thread.is_finished();
        while Instant::now() < until && !self.live.values().all(ends) {
            thread::sleep(Duration::from_millis(10));
        }
        self.live.clear();
    }
}

/// The first message to a far end.
fn start(wanted: &Wanted) -> String {
    let mut start = json!({
        "type": "start",
        "stream": wanted.stream.to_string(),
        "rate": wanted.rate,
        "channels": if wanted.direction == Direction::Stereo { 2 } else { 1 },
        "direction": wanted.direction.name(),
        "play": wanted.playback.name(),
        "encoding": "pcm_s16le",
        "frame_ms": 20,
    });
    for (name, value) in &wanted.about {
        start[name.as_str()] = value.as_str().into();
    }
    start.to_string()
}

/// A stream's thread.
fn run(stream: u64, url: &str, mut line: Line, shared: &Shared) {
    let told = Arc::clone(&line.told);
    let work = || {
        let connection = Connection::open(url, || told.is_stopping())?;
        shared.events.push(Event::StreamOpened { stream }, 1.0);
        Ok(line.run(connection))
    };
    let reason = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(reason) | Err(reason)) => reason,
        Err(_) => {
            shared.panics.fetch_add(1, Relaxed);
            "a fault in the media engine".to_owned()
        }
    };
    if let Some(incoming) = &line.incoming {
        incoming.close();
    }
    let lost_ms = line.lost_ms;
    // Its hearing ends before its end is told.
    drop(line);
    let ended = Event::StreamEnded {
        stream,
        lost_ms,
        reason,
    };
    shared.events.push(ended, 1.0);
}
