//! What the owner holds: it starts recordings, and hears how they end.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::assembly::Layout;
use crate::disk::{Disk, LocalDisk, Output};
use crate::finisher::{self, Job};
use crate::sound_file::Container;
use crate::track::Track;
use crate::writer::{self, Plan};

/// Recordings at one time: a bound against a mistake.
const MOST: u64 = 10_000;
/// Files that may wait to be brought to the disk itself; for more there is no hurry.
const MOST_SYNCING: usize = 256;

/// A recording to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Take {
    /// Comes back in events.
    pub recording: u64,
    /// Where the finished file is; until then it has `.part` behind its name.
    pub path: PathBuf,
    pub container: Container,
    pub layout: Layout,
    /// Samples a second in the file: 8000, 16000, 24000 or 48000.
    pub rate: u32,
}

/// What happens to recordings.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Sound is being lost; told once until some could be written again. It goes on.
    Trouble { recording: u64, reason: String },
    /// The file is complete, and has its name. `reason`: None where it was stopped.
    Ended {
        recording: u64,
        milliseconds: u64,
        bytes: u64,
        /// Sound that is not in the file because it could not be written in time or at all.
        lost_ms: u64,
        reason: Option<String>,
    },
}

/// Sums since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Figures {
    pub live: u64,
    pub bytes: u64,
    pub lost_ms: u64,
    pub troubles: u64,
}

/// Threads that write sound files. Dropping it ends all recordings, and waits until their files are complete.
pub struct Recorder {
    shared: Arc<Shared>,
    writers: Mutex<Vec<Sender<Plan>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

type Tell = Box<dyn Fn(Event) + Send + Sync>;

pub(crate) struct Shared {
    pub disk: Box<dyn Disk>,
    tell: Tell,
    /// What all times are counted from.
    start: Instant,
    live: AtomicU64,
    pub bytes: AtomicU64,
    pub lost_ms: AtomicU64,
    troubles: AtomicU64,
    pub syncing: AtomicUsize,
}

impl Recorder {
    /// `start`: what the times given to tracks are counted from. `tell` is called from threads of the recorder.
    pub fn new(
        threads: usize,
        start: Instant,
        tell: impl Fn(Event) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::on(LocalDisk, threads, start, tell)
    }

    /// The same on some disk.
    pub fn on(
        disk: impl Disk,
        threads: usize,
        start: Instant,
        tell: impl Fn(Event) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            disk: Box::new(disk),
            tell: Box::new(tell),
            start,
            live: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            lost_ms: AtomicU64::new(0),
            troubles: AtomicU64::new(0),
            syncing: AtomicUsize::new(0),
        });
        let (finish, jobs) = mpsc::channel();
        let mut writers = Vec::new();
        let mut handles = Vec::new();
        for index in 0..threads.max(1) {
            let (writer, plans) = mpsc::channel();
            writers.push(writer);
            let (finish, shared) = (Sender::clone(&finish), Arc::clone(&shared));
            handles.push(
                thread::Builder::new()
                    .name(format!("recorder-{index}"))
                    .spawn(move || writer::run(&plans, &finish, &shared))?,
            );
        }
        let finishing = Arc::clone(&shared);
        handles.push(
            thread::Builder::new()
                .name("recorder-end".to_owned())
                .spawn(move || finisher::run(&jobs, &finishing))?,
        );
        Ok(Self {
            shared,
            writers: Mutex::new(writers),
            threads: Mutex::new(handles),
        })
    }

    /// Begin a recording, at once as far as its sound is concerned; its file is there a little later. Why not, when it
    /// cannot be.
    pub fn start(&self, take: Take) -> Result<Track, &'static str> {
        if !matches!(take.rate, 8000 | 16_000 | 24_000 | 48_000) {
            return Err("a recording has 8000, 16000, 24000 or 48000 samples a second");
        }
        if self.shared.live.load(Relaxed) >= MOST {
            return Err("there are too many recordings");
        }
        let writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = writers.get(take.recording as usize % writers.len().max(1)) else {
            return Err("the recorder is closed");
        };
        let track = Track::new(take.rate);
        let plan = Plan {
            number: take.recording,
            path: take.path,
            container: take.container,
            layout: take.layout,
            rate: take.rate,
            began: self.shared.now(),
            state: track.state(),
        };
        self.shared.live.fetch_add(1, Relaxed);
        // It cannot fail: writers end after their senders.
        writer.send(plan).ok();
        Ok(track)
    }

    pub fn figures(&self) -> Figures {
        Figures {
            live: self.shared.live.load(Relaxed),
            bytes: self.shared.bytes.load(Relaxed),
            lost_ms: self.shared.lost_ms.load(Relaxed),
            troubles: self.shared.troubles.load(Relaxed),
        }
    }

    /// End all recordings, and wait until their files are complete. Closing twice does nothing.
    pub fn close(&self) {
        let lock = |mutex: &Mutex<Vec<_>>| {
            std::mem::take(&mut *mutex.lock().unwrap_or_else(PoisonError::into_inner))
        };
        drop(std::mem::take(
            &mut *self.writers.lock().unwrap_or_else(PoisonError::into_inner),
        ));
        for thread in lock(&self.threads) {
            let thread: JoinHandle<()> = thread;
            // A thread that panicked is as ended as one that returned.
            thread.join().ok();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Seconds since the start.
    pub fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    pub fn trouble(&self, recording: u64, reason: String) {
        self.troubles.fetch_add(1, Relaxed);
        (self.tell)(Event::Trouble { recording, reason });
    }

    pub fn end(&self, ended: Event) {
        self.live.fetch_sub(1, Relaxed);
        (self.tell)(ended);
    }

    /// Ask for a file to be brought to the disk itself, where not too many wait for that.
    pub fn sync(&self, output: &Arc<dyn Output>, finish: &Sender<Job>) {
        if self.syncing.fetch_add(1, Relaxed) < MOST_SYNCING {
            finish.send(Job::Sync(Arc::clone(output))).ok();
        } else {
            self.syncing.fetch_sub(1, Relaxed);
        }
    }
}
