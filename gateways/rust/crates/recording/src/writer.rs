//! One writer thread: its recordings, each looked after a few times a second.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::assembly::{Assembly, Layout};
use crate::finisher::Job;
use crate::recorder::{Event, Shared};
use crate::sound_file::{Container, SoundFile, Trouble};
use crate::track::{Inbox, State};

/// How often a thread looks for what is due, and how often a recording is.
const TICK: Duration = Duration::from_millis(100);
const PERIOD: f64 = 0.5;
/// How often a file is brought to the disk itself.
const SYNC_PERIOD: f64 = 5.0;

/// A recording to be.
pub(crate) struct Plan {
    pub number: u64,
    pub path: PathBuf,
    pub container: Container,
    pub layout: Layout,
    pub rate: u32,
    pub began: f64,
    pub state: Arc<State>,
}

struct Recording {
    number: u64,
    state: Arc<State>,
    /// What has come, while it is heard.
    inbox: Inbox,
    assembly: Assembly,
    file: SoundFile,
    samples: Vec<i16>,
    due: f64,
    synced: f64,
    /// Milliseconds of sound that the disk did not take.
    unwritten: u64,
    /// Of those for which there was no room, how many were told.
    told_lost: u64,
    /// Whether the last write failed.
    failing: bool,
}

/// Run until no more can come, then end what there is.
pub(crate) fn run(plans: &Receiver<Plan>, finish: &Sender<Job>, shared: &Shared) {
    let mut recordings: Vec<Recording> = Vec::new();
    let mut closing = false;
    while !closing || !recordings.is_empty() {
        let first = match (closing, recordings.is_empty()) {
            (true, _) => Err(RecvTimeoutError::Disconnected),
            (false, true) => plans.recv().map_err(|_| RecvTimeoutError::Disconnected),
            (false, false) => plans.recv_timeout(TICK),
        };
        closing |= matches!(first, Err(RecvTimeoutError::Disconnected));
        let new = first.into_iter().chain(plans.try_iter());
        recordings.extend(new.filter_map(|plan| begin(plan, shared)));
        let now = shared.now();
        let look = |recording: Recording| {
            let end = recording.state.end(now).or(closing.then_some(now));
            if end.is_none() && now < recording.due {
                return Some(recording);
            }
            look_after(recording, now, end, finish, shared)
        };
        recordings = recordings.into_iter().filter_map(look).collect();
    }
}

/// Make its file; where that cannot be, it has ended.
fn begin(plan: Plan, shared: &Shared) -> Option<Recording> {
    let Plan {
        path,
        container,
        layout,
        rate,
        ..
    } = plan;
    match SoundFile::create(&*shared.disk, &path, container, layout, rate) {
        Ok(file) => Some(Recording {
            number: plan.number,
            state: plan.state,
            inbox: Inbox::default(),
            assembly: Assembly::new(layout, rate, plan.began),
            file,
            samples: Vec::new(),
            due: plan.began + PERIOD,
            synced: plan.began,
            unwritten: 0,
            told_lost: 0,
            failing: false,
        }),
        Err(error) => {
            plan.state.close();
            shared.end(Event::Ended {
                recording: plan.number,
                milliseconds: 0,
                bytes: 0,
                lost_ms: 0,
                reason: Some(format!("{} cannot be made: {error}", path.display())),
            });
            None
        }
    }
}

/// Write what has come. None: it is over, and a fault in it ends it alone.
fn look_after(
    mut recording: Recording,
    now: f64,
    end: Option<f64>,
    finish: &Sender<Job>,
    shared: &Shared,
) -> Option<Recording> {
    let work = AssertUnwindSafe(|| recording.write(now, end, finish, shared));
    let reason = match catch_unwind(work) {
        Ok(Ok(())) if end.is_none() => return Some(recording),
        Ok(Ok(())) => None,
        Ok(Err(reason)) => Some(reason),
        Err(_) => Some("a fault in the recorder"),
    };
    recording.state.close();
    // It cannot fail: the finisher ends after the writers.
    finish.send(recording.over(reason)).ok();
    None
}

impl Recording {
    /// Err: why it cannot go on.
    fn write(
        &mut self,
        now: f64,
        end: Option<f64>,
        finish: &Sender<Job>,
        shared: &Shared,
    ) -> Result<(), &'static str> {
        self.due = now + PERIOD;
        self.state.take(&mut self.inbox);
        for (entry, payload) in self.inbox.entries() {
            self.assembly.hear(entry, payload);
        }
        let lost = self.state.lost.load(Relaxed);
        if lost > self.told_lost {
            shared.lost_ms.fetch_add(lost - self.told_lost, Relaxed);
            self.told_lost = lost;
            shared.trouble(self.number, "the disk is too slow".to_owned());
        }
        self.samples.clear();
        let until = end.unwrap_or_else(|| self.assembly.complete(now));
        self.assembly.settle(until, &mut self.samples);
        if self.samples.is_empty() {
            return Ok(());
        }
        let before = self.file.bytes();
        let written = self.file.append(&self.samples);
        shared.bytes.fetch_add(self.file.bytes() - before, Relaxed);
        match written {
            Ok(()) => self.failing = false,
            Err(Trouble::Full) => return Err("the file is as long as it can be"),
            Err(Trouble::Disk(error)) => self.fail(&error, shared),
        }
        if now >= self.synced + SYNC_PERIOD {
            self.synced = now;
            shared.sync(self.file.output(), finish);
        }
        Ok(())
    }

    /// What could not be written is lost, and told once until something could be.
    fn fail(&mut self, error: &io::Error, shared: &Shared) {
        let lost = self.file.milliseconds_of(self.samples.len());
        self.unwritten += lost;
        shared.lost_ms.fetch_add(lost, Relaxed);
        if !self.failing {
            self.failing = true;
            shared.trouble(self.number, error.to_string());
        }
    }

    /// What the thread that may wait for a disk is to do: give the file its end and its name.
    fn over(self, reason: Option<&'static str>) -> Job {
        Job::Finish {
            recording: self.number,
            lost_ms: self.unwritten + self.state.lost.load(Relaxed),
            file: Box::new(self.file),
            reason,
        }
    }
}
