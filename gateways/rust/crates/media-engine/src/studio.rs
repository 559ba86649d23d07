//! Who is recorded: which track a leg's or mix's sound goes into, for every thread that has some of it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use codec::Format;
use recording::{Container, Figures, Layout, Pause, Recorder, Side, Take, Track};
use rtp::Header;

use crate::command::{Event, Target};
use crate::worker::Shared;

/// For each slot the track of its present user, if it has one.
pub struct Tracks {
    /// Looked at for each packet, so these lie close together.
    recorded: Vec<AtomicBool>,
    tracks: Vec<Mutex<Option<Recorded>>>,
}

/// With the epoch of the user that it is of.
type Recorded = (u64, Arc<Track>);

impl Tracks {
    pub fn new(slots: usize) -> Self {
        Self {
            recorded: (0..slots).map(|_| AtomicBool::new(false)).collect(),
            tracks: (0..slots).map(|_| Mutex::new(None)).collect(),
        }
    }

    #[inline]
    pub fn recorded(&self, slot: u32) -> bool {
        self.recorded[slot as usize].load(Relaxed)
    }

    /// A packet of a slot's user, as it came from the party or goes to it.
    #[inline(never)]
    pub fn packet(&self, slot: u32, epoch: u64, side: Side, speech: Speech<'_>, now: f64) {
        self.put(slot, epoch, |track| {
            track.packet(side, speech.format, speech.header, speech.payload, now);
        });
    }

    /// The next samples of a mix.
    #[inline(never)]
    pub fn frame(&self, slot: u32, epoch: u64, samples: &[i16], rate: u32, now: f64) {
        self.put(slot, epoch, |track| {
            track.frame(Side::Left, samples, rate, now);
        });
    }

    /// A user of a slot is recorded no more. Another one's recording goes on.
    pub fn end(&self, slot: u32, epoch: u64) {
        if !self.recorded(slot) {
            return;
        }
        let mut track = self.lock(slot);
        if track.as_ref().is_some_and(|&(of, _)| of == epoch) {
            *track = None;
            self.recorded[slot as usize].store(false, Relaxed);
        }
    }

    fn put(&self, slot: u32, epoch: u64, put: impl FnOnce(&Track)) {
        if let Some((of, track)) = &*self.lock(slot) {
            if *of == epoch {
                put(track);
            }
        }
    }

    fn begin(&self, slot: u32, epoch: u64, track: Arc<Track>) {
        *self.lock(slot) = Some((epoch, track));
        self.recorded[slot as usize].store(true, Relaxed);
    }

    fn lock(&self, slot: u32) -> MutexGuard<'_, Option<Recorded>> {
        // Nothing that holds the lock can leave it half changed.
        self.tracks[slot as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A packet of speech, for whoever records it.
#[derive(Clone, Copy)]
pub struct Speech<'a> {
    pub format: Format,
    pub header: Header,
    pub payload: &'a [u8],
}

/// What is to be recorded, and in which file.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub from: Target,
    pub recording: u64,
    pub path: PathBuf,
    pub container: Container,
    pub layout: Layout,
}

/// The owner's part: begins and ends recordings. Its threads begin with the first.
#[derive(Default)]
pub struct Studio {
    recorder: Option<Recorder>,
    taken: HashMap<u64, Taken>,
}

struct Taken {
    from: Target,
    epoch: u64,
    track: Weak<Track>,
}

impl Studio {
    /// Record the present user of a slot, at a rate. Why not, when it cannot be.
    pub fn record(
        &mut self,
        wanted: &Wanted,
        epoch: u64,
        rate: u32,
        shared: &Arc<Shared>,
    ) -> Result<(), String> {
        let (tracks, slot) = shared.tracks_of(wanted.from);
        if tracks.recorded(slot) {
            return Err("it is recorded already".to_owned());
        }
        let recorder = match &mut self.recorder {
            Some(recorder) => recorder,
            none => {
                let events = Arc::clone(shared);
                let made = Recorder::new(shared.errands.len().min(4), shared.start, move |event| {
                    events.events.push(told(event), 1.0);
                });
                none.insert(made.map_err(|error| format!("the recorder cannot start: {error}"))?)
            }
        };
        let track = Arc::new(recorder.start(Take {
            recording: wanted.recording,
            path: wanted.path.clone(),
            container: wanted.container,
            layout: wanted.layout,
            rate,
        })?);
        self.taken.retain(|_, taken| taken.track.strong_count() > 0);
        let taken = Taken {
            from: wanted.from,
            epoch,
            track: Arc::downgrade(&track),
        };
        self.taken.insert(wanted.recording, taken);
        tracks.begin(slot, epoch, track);
        Ok(())
    }

    /// None: it goes on.
    pub fn pause(&self, recording: u64, pause: Option<Pause>, shared: &Shared) {
        if let Some(track) = self.track(recording) {
            match pause {
                Some(pause) => track.pause(pause, shared.now()),
                None => track.resume(shared.now()),
            }
        }
    }

    pub fn stop(&mut self, recording: u64, shared: &Shared) {
        if let Some(track) = self.track(recording) {
            track.stop(shared.now());
        }
        if let Some(taken) = self.taken.remove(&recording) {
            let (tracks, slot) = shared.tracks_of(taken.from);
            tracks.end(slot, taken.epoch);
        }
    }

    /// End all, and wait until their files are complete.
    pub fn close(&mut self) {
        self.recorder = None;
    }

    pub fn figures(&self) -> Figures {
        self.recorder
            .as_ref()
            .map(Recorder::figures)
            .unwrap_or_default()
    }

    fn track(&self, recording: u64) -> Option<Arc<Track>> {
        self.taken.get(&recording)?.track.upgrade()
    }
}

fn told(event: recording::Event) -> Event {
    match event {
        recording::Event::Trouble { recording, reason } => {
            Event::RecordingTroubled { recording, reason }
        }
        recording::Event::Ended {
            recording,
            milliseconds,
            bytes,
            lost_ms,
            reason,
        } => Event::RecordingEnded {
            recording,
            milliseconds,
            bytes,
            lost_ms,
            reason: reason.unwrap_or_default(),
        },
    }
}
