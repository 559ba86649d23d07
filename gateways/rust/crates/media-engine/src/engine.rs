//! What the owner of the engine holds.

use std::io;
use std::net::IpAddr;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::command::{Command, Event};
use crate::epoll::Epoll;
use crate::figures::LegFigures;
use crate::io::Io;
use crate::measures::RATINGS;
use crate::order::{Errand, MixOrder, Order};
use crate::ports::Sockets;
use crate::preparer::{self, Wishes};
use crate::prompt::Prompt;
use crate::streaming::Streams;
use crate::studio::{Studio, Wanted};
use crate::switchboard::Switchboard;
use crate::uring::Uring;
use crate::video::Composer;
use crate::wire::Inventory;
use crate::worker::{self, Shared};

/// Prompts, and seconds of sound in one: bounds against a mistake, far from use.
const PROMPTS: usize = 100_000;
const LONGEST_PROMPT: usize = 3600;

pub struct Configuration {
    pub host: IpAddr,
    /// 0: where the kernel chooses.
    pub first_port: u16,
    pub legs: usize,
    pub threads: usize,
    /// None: the best that the kernel allows.
    pub io: Option<IoKind>,
    /// Where encoded prompts are kept for the next start; made where it is not there. None: nowhere.
    pub prompts: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoKind {
    Epoll,
    IoUring,
}

/// Sums over all legs since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Totals {
    pub legs_open: u64,
    pub packets_received: u64,
    pub packets_sent: u64,
    pub packets_discarded: u64,
    pub panics: u64,
    pub late_ticks: u64,
    /// Of legs that ended: packets that never came, and those that came too late.
    pub packets_lost: u64,
    pub packets_late: u64,
    /// Legs that ended, by [`RATINGS`].
    pub ratings: [u64; RATINGS.len()],
    /// Prompts in a format that were encoded beforehand, and that were found in the folder; its files that were damaged,
    /// and times that it could not be read or written.
    pub prompts_encoded: u64,
    pub prompts_loaded: u64,
    pub prompts_damaged: u64,
    pub prompts_failed: u64,
}

/// Threads that carry sound. Dropping it ends them.
pub struct Engine {
    shared: Arc<Shared>,
    ports: Vec<u16>,
    io: IoKind,
    sockets: Arc<Sockets>,
    /// Slots whose sockets are made fit for pictures.
    for_pictures: Mutex<Vec<bool>>,
    switchboard: Mutex<Switchboard>,
    studio: Mutex<Studio>,
    wishes: Arc<Wishes>,
    streams: Mutex<Streams>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Bind all ports and start the threads. Fails when there are not enough ports or descriptors, when the kind of I/O
    /// that was asked for is not allowed, or when the folder of prompts cannot be used.
    pub fn new(configuration: &Configuration) -> io::Result<Self> {
        let slots = configuration.legs;
        let sockets = Arc::new(Sockets::bind(
            configuration.host,
            configuration.first_port,
            slots,
        )?);
        let count = configuration.threads.clamp(1, slots.max(1));
        let shared = Arc::new(Shared::new(slots, count)?);
        // io_uring moves a packet for a seventh less than epoll, where the kernel has it and seccomp lets it be.
        let mut kinds: &[IoKind] = match &configuration.io {
            Some(kind) => std::slice::from_ref(kind),
            None => &[IoKind::IoUring, IoKind::Epoll],
        };
        let mut engine = Self {
            shared: Arc::clone(&shared),
            ports: sockets.ports().to_vec(),
            io: kinds[0],
            sockets: Arc::clone(&sockets),
            for_pictures: Mutex::new(vec![false; slots]),
            switchboard: Mutex::new(Switchboard::new(slots, Arc::clone(&shared.views))),
            studio: Mutex::default(),
            wishes: Arc::default(),
            streams: Mutex::default(),
            threads: Mutex::new(Vec::new()),
        };
        let preparer =
            preparer::start(Arc::clone(&engine.wishes), configuration.prompts.as_deref())?;
        engine.lock_threads().push(preparer);
        for index in 0..count {
            let thread = loop {
                match start(index, kinds[0], Arc::clone(&sockets), Arc::clone(&shared)) {
                    Ok(thread) => break thread,
                    Err(_) if kinds.len() > 1 => kinds = &kinds[1..],
                    Err(error) => return Err(error),
                }
            };
            engine.io = kinds[0];
            engine.lock_threads().push(thread);
        }
        Ok(engine)
    }

    pub fn io(&self) -> IoKind {
        self.io
    }

    /// The RTP port of each slot.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Resample and encode a prompt; gives its number. The reason when it is no prompt.
    pub fn add_prompt(&self, samples: &[i16], rate: u32) -> Result<u32, &'static str> {
        if !(4000..=192_000).contains(&rate) {
            return Err("the rate must be 4000 to 192000 samples a second");
        }
        if samples.len() > LONGEST_PROMPT * rate as usize {
            return Err("a prompt lasts an hour at the longest");
        }
        let prompt = Prompt::new(samples, rate, Some(Arc::clone(&self.wishes)));
        let mut switchboard = self.lock_switchboard();
        if switchboard.prompts() >= PROMPTS {
            return Err("there are too many prompts");
        }
        Ok(switchboard.add_prompt(prompt))
    }

    /// Give commands to the threads. What cannot be carried out is told by [`Event::Failed`].
    pub fn submit(&self, commands: &[Command]) {
        let mut switchboard = self.lock_switchboard();
        let mut errands: Vec<Vec<(Errand, f64)>> = vec![Vec::new(); self.shared.errands.len()];
        for command in commands {
            self.direct(command, &switchboard);
            self.prepare(command);
            if let Some((leg, live)) = self.stream(command, &switchboard) {
                errands[self.shared.thread_of(leg)].push((Errand::Leg(leg, live), 1.0));
            }
            match switchboard.carry_out(command) {
                Ok(some) => {
                    for errand in some {
                        let (slot, closes) = match &errand {
                            Errand::Leg(slot, order) => (*slot, matches!(order, Order::Close)),
                            Errand::Mix(slot, order) => (*slot, matches!(order, MixOrder::Close)),
                        };
                        // What is open must be closed whatever happens, or its slot would be lost; each has one such
                        // order at most.
                        let share = if closes { f64::INFINITY } else { 1.0 };
                        errands[self.shared.thread_of(slot)].push((errand, share));
                    }
                }
                Err(failed) => {
                    self.shared.events.push(failed, 1.0);
                }
            }
        }
        let streams = self.lock_streams();
        if !streams.is_empty() {
            streams.accompany(|leg| switchboard.company(leg));
        }
        drop(streams);
        for (queue, errands) in self.shared.errands.iter().zip(errands) {
            queue.push_all(errands, |errand| {
                self.shared.events.push(refused(&errand, &switchboard), 1.0);
            });
        }
    }

    /// What is done outside the threads of legs, for pictures.
    fn prepare(&self, command: &Command) {
        match command {
            Command::Composer { path } => match Composer::connect(&self.shared, path.as_deref()) {
                Ok(thread) => {
                    let mut threads = self.lock_threads();
                    threads.retain(|thread| !thread.is_finished());
                    threads.extend(thread);
                }
                Err(error) => {
                    let reason = error.to_string();
                    self.shared.events.push(Event::ComposerLost { reason }, 1.0);
                }
            },
            Command::Open { leg, .. } => self.suit(*leg, false),
            Command::OpenVideo { leg, .. } => self.suit(*leg, true),
            _ => {}
        }
    }

    /// A call of sound in a slot that never had pictures pays nothing for it.
    fn suit(&self, leg: u32, pictures: bool) {
        let mut suited = self
            .for_pictures
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(suited) = suited.get_mut(leg as usize) {
            if std::mem::replace(suited, pictures) != pictures {
                self.sockets.suit(leg, pictures);
            }
        }
    }

    /// Have the studio carry out what is for it.
    fn direct(&self, command: &Command, switchboard: &Switchboard) {
        let shared = &self.shared;
        match *command {
            Command::Record {
                from,
                recording,
                ref path,
                container,
                layout,
            } => {
                let wanted = Wanted {
                    from,
                    recording,
                    path: path.clone(),
                    container,
                    layout,
                };
                let begun = match switchboard.recorded(from) {
                    Some((epoch, rate)) => self.lock_studio().record(&wanted, epoch, rate, shared),
                    None => Err("there is nothing to be recorded".to_owned()),
                };
                if let Err(reason) = begun {
                    let ended = Event::RecordingEnded {
                        recording,
                        milliseconds: 0,
                        bytes: 0,
                        lost_ms: 0,
                        reason,
                    };
                    shared.events.push(ended, 1.0);
                }
            }
            Command::PauseRecord { recording, mask } => {
                self.lock_studio().pause(recording, Some(mask), shared);
            }
            Command::ResumeRecord { recording } => {
                self.lock_studio().pause(recording, None, shared);
            }
            Command::StopRecord { recording } => self.lock_studio().stop(recording, shared),
            _ => {}
        }
    }

    /// Begin and end streams: what a leg is to play.
    fn stream(&self, command: &Command, switchboard: &Switchboard) -> Option<(u32, Order)> {
        match command {
            Command::Stream(wanted) => {
                let begun = match switchboard.user(wanted.leg) {
                    Some(epoch) => self
                        .lock_streams()
                        .start(wanted.clone(), epoch, &self.shared),
                    None => Err("the leg is not open".to_owned()),
                };
                match begun {
                    Ok(incoming) => return Some((wanted.leg, Order::Live(incoming?))),
                    Err(reason) => {
                        let ended = Event::StreamEnded {
                            stream: wanted.stream,
                            lost_ms: 0,
                            reason,
                        };
                        self.shared.events.push(ended, 1.0);
                    }
                }
            }
            Command::StopStream { stream } => self.lock_streams().stop(*stream),
            Command::Close { leg } => self.lock_streams().leave(*leg),
            _ => {}
        }
        None
    }

    /// Sums over all recordings since the start.
    pub fn recordings(&self) -> recording::Figures {
        self.lock_studio().figures()
    }

    /// Who is open.
    pub fn inventory(&self) -> Inventory {
        self.lock_switchboard().inventory()
    }

    /// Of the counters of all legs, for another process ([`crate::board::Board::of`]).
    pub fn figures_descriptor(&self) -> BorrowedFd<'_> {
        self.shared.counters.descriptor()
    }

    /// Readable while events wait.
    pub fn event_descriptor(&self) -> RawFd {
        self.shared.events.bell.descriptor()
    }

    pub fn drain(&self, limit: usize) -> Vec<Event> {
        let events: Vec<Event> = self.shared.events.take(limit).into();
        let streams = self.lock_streams();
        if !streams.is_empty() {
            for event in &events {
                if let Event::Digit {
                    leg,
                    epoch,
                    digit,
                    duration_ms,
                } = *event
                {
                    streams.key(leg, epoch, digit, duration_ms);
                }
            }
        }
        events
    }

    /// The figures of a slot's present user, or its last one. None: there is no such slot.
    pub fn leg_figures(&self, leg: u32) -> Option<LegFigures> {
        let epoch = self.lock_switchboard().last_epoch(leg)?;
        Some(self.shared.counters[leg as usize].read(epoch))
    }

    pub fn totals(&self) -> Totals {
        let shared = &self.shared;
        let prompts = self.wishes.figures();
        Totals {
            legs_open: self.lock_switchboard().open() as u64,
            packets_received: shared.packets_received.load(Relaxed),
            packets_sent: shared.packets_sent.load(Relaxed),
            packets_discarded: shared.packets_discarded.load(Relaxed),
            panics: shared.panics.load(Relaxed),
            late_ticks: shared.late_ticks.load(Relaxed),
            packets_lost: shared.judged.lost(),
            packets_late: shared.judged.late(),
            ratings: shared.judged.ratings(),
            prompts_encoded: prompts.encoded.load(Relaxed),
            prompts_loaded: prompts.loaded.load(Relaxed),
            prompts_damaged: prompts.damaged.load(Relaxed),
            prompts_failed: prompts.failed.load(Relaxed),
        }
    }

    /// End the threads, which closes the sockets. Closing twice does nothing.
    pub fn close(&self) {
        self.lock_streams().close();
        self.shared.stopping.store(true, Relaxed);
        self.wishes.stop();
        for queue in &self.shared.errands {
            queue.bell.ring();
        }
        for thread in std::mem::take(&mut *self.lock_threads()) {
            // A thread that panicked is as ended as one that returned.
            thread.join().ok();
        }
        self.lock_studio().close();
    }

    fn lock_studio(&self) -> MutexGuard<'_, Studio> {
        self.studio.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_switchboard(&self) -> MutexGuard<'_, Switchboard> {
        self.switchboard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

/// What is told of an errand that found no room.
fn refused(errand: &Errand, switchboard: &Switchboard) -> Event {
    let reason = "the media engine is overloaded".into();
    match *errand {
        Errand::Leg(leg, _) => Event::Failed {
            leg,
            epoch: switchboard.last_epoch(leg).unwrap_or_default(),
            reason,
        },
        Errand::Mix(mix, _) => Event::MixFailed {
            mix,
            epoch: switchboard.last_mix_epoch(mix).unwrap_or_default(),
            reason,
        },
    }
}

/// Start a thread, and wait until its sockets are heard: a ring belongs to the thread that made it.
fn start(
    index: usize,
    kind: IoKind,
    sockets: Arc<Sockets>,
    shared: Arc<Shared>,
) -> io::Result<JoinHandle<()>> {
    let (told, hear) = mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name(format!("media-{index}"))
        .spawn(move || {
            let mine: Vec<u32> = (0..sockets.len() as u32)
                .filter(|socket| shared.thread_of(socket / 2) == index)
                .collect();
            let bell = shared.errands[index].bell.descriptor();
            let mine = mine.into_iter();
            match kind {
                IoKind::Epoll => run(Epoll::new(sockets, mine, bell), index, &told, shared),
                IoKind::IoUring => run(Uring::new(sockets, mine, bell), index, &told, shared),
            }
        })?;
    hear.recv().unwrap_or(Err(io::ErrorKind::Other.into()))?;
    Ok(thread)
}

fn run(
    io: io::Result<impl Io>,
    index: usize,
    told: &SyncSender<io::Result<()>>,
    shared: Arc<Shared>,
) {
    let (io, result) = match io {
        Ok(io) => (Some(io), Ok(())),
        Err(error) => (None, Err(error)),
    };
    // It cannot fail: `start` waits for it.
    told.send(result).ok();
    if let Some(io) = io {
        worker::run(io, index, shared);
    }
}
