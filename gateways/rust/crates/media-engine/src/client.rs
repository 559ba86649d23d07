//! The owner's end of an engine in another process: what [`crate::Engine`] can be asked, this can.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::bell::Bell;
use crate::board::Board;
use crate::command::{Command, Event};
use crate::engine::Totals;
use crate::figures::LegFigures;
use crate::socket::{self, Waiting, Watch};
use crate::wire::{self, Frames, Heard, Said, Welcome};

/// Orders that an engine which does not read may be behind; from then on it is taken for dead.
const BEHIND: usize = 8 << 20;
/// How long an engine may take for an answer; for a prompt, which may last an hour and is resampled; and for its
/// good-bye: it completes the files of recordings.
const ANSWER: Duration = Duration::from_secs(5);
const PROMPT: Duration = Duration::from_secs(60);
const GOOD_BYE: Duration = Duration::from_secs(15);
/// How often who waits looks whether another thread has read its answer.
const GLANCE: Duration = Duration::from_millis(10);
/// Bytes read in one go.
const READ: usize = 1 << 16;

/// Why there is no engine to be had.
#[derive(Debug)]
pub enum Unreachable {
    /// Nobody listens there.
    Nobody(io::Error),
    /// It has another owner.
    Refused(String),
    /// Something else is there, or an engine of another version.
    Unfit(String),
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody(error) => write!(f, "no media engine listens there: {error}"),
            Self::Refused(reason) | Self::Unfit(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Unreachable {}

pub struct Client {
    welcome: Welcome,
    board: Board,
    line: Mutex<Line>,
    watch: Watch,
    asked: AtomicU64,
}

/// The connection, and what has come by it.
struct Line {
    stream: UnixStream,
    frames: Frames,
    out: Vec<u8>,
    events: VecDeque<Event>,
    /// By what was asked; None: the good-bye.
    answers: HashMap<Option<u64>, Heard>,
    /// Rung while events wait that the socket does not tell of any more.
    bell: Bell,
    /// The last user of each slot.
    epochs: Vec<u64>,
    /// Why there is no engine any more.
    lost: Option<String>,
    closed: bool,
}

impl Client {
    /// Become the owner of the engine that listens there.
    pub fn connect(path: &Path) -> Result<Self, Unreachable> {
        let unfit = |error: io::Error| Unreachable::Unfit(error.to_string());
        let stream = UnixStream::connect(path).map_err(Unreachable::Nobody)?;
        if !socket::is_ours(&stream).map_err(unfit)? {
            let reason = "what listens there is of another user".to_owned();
            return Err(Unreachable::Unfit(reason));
        }
        let mut opening = wire::GREETING.to_vec();
        opening.extend_from_slice(&wire::VERSION.to_le_bytes());
        // One that refuses us has hung up already, and said why.
        socket::send(&stream, &opening, None).ok();
        stream.set_nonblocking(true).map_err(unfit)?;
        let (mut frames, mut board) = (Frames::default(), None);
        let welcome = welcomed(&stream, &mut frames, &mut board)?;
        let Some(board) = board else {
            let reason = "the media engine has no figures".to_owned();
            return Err(Unreachable::Unfit(reason));
        };
        let board = Board::of(board, welcome.ports.len()).map_err(unfit)?;
        let mut epochs = vec![0; welcome.ports.len()];
        for &(leg, epoch) in &welcome.open.legs {
            if let Some(last) = epochs.get_mut(leg as usize) {
                *last = epoch;
            }
        }
        let bell = Bell::new().map_err(unfit)?;
        // What came behind the welcome is not told by the socket.
        bell.ring();
        let watch = Watch::new(stream.as_raw_fd(), bell.descriptor()).map_err(unfit)?;
        let line = Line {
            stream,
            frames,
            out: Vec::new(),
            events: VecDeque::new(),
            answers: HashMap::new(),
            bell,
            epochs,
            lost: None,
            closed: false,
        };
        Ok(Self {
            welcome,
            board,
            line: Mutex::new(line),
            watch,
            asked: AtomicU64::new(1),
        })
    }

    /// What was found there.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Give commands; what an engine that is lost does not hear, nobody does.
    pub fn submit(&self, commands: Vec<Command>) {
        let mut line = self.lock();
        for command in &commands {
            if let Command::Open { leg, epoch }
            | Command::OpenVideo { leg, epoch }
            | Command::OpenSource { leg, epoch, .. } = *command
            {
                if let Some(last) = line.epochs.get_mut(leg as usize) {
                    *last = epoch;
                }
            }
        }
        if commands.len() <= wire::COMMANDS {
            line.say(&Said::Commands(commands));
        } else {
            for some in commands.chunks(wire::COMMANDS) {
                line.say(&Said::Commands(some.to_vec()));
            }
        }
        self.watch(&line);
    }

    /// Readable while `drain` has something to do.
    pub fn descriptor(&self) -> RawFd {
        self.watch.descriptor()
    }

    /// What has happened, up to `limit` events.
    pub fn drain(&self, limit: usize) -> Vec<Event> {
        let mut line = self.lock();
        line.bell.silence();
        line.flush();
        if line.events.len() < limit {
            line.read();
            line.take();
        }
        let some = line.events.len().min(limit);
        let events = line.events.drain(..some).collect();
        if !line.events.is_empty() {
            line.bell.ring();
        }
        self.watch(&line);
        events
    }

    /// Why there is no engine any more; None: it is there.
    pub fn lost(&self) -> Option<String> {
        self.lock().lost.clone()
    }

    /// The figures of a slot's present user, or its last one, also when the engine is lost. None: there is no such slot.
    pub fn leg_figures(&self, leg: u32) -> Option<LegFigures> {
        let epoch = *self.lock().epochs.get(leg as usize)?;
        Some(self.board[leg as usize].read(epoch))
    }

    /// None: the engine is lost.
    pub fn totals(&self) -> Option<(Totals, recording::Figures)> {
        let ask = self.next_ask();
        self.lock().say(&Said::Totals { ask });
        match self.answer(Some(ask), ANSWER)? {
            Heard::Totals { totals, .. } => Some(*totals),
            _ => None,
        }
    }

    /// Give a prompt, as 16-bit samples with the low byte first; gives its number. The reason when it is no prompt. Other
    /// threads need not wait for it.
    pub fn add_prompt(&self, samples: &[u8], rate: u32) -> Result<u32, String> {
        let ask = self.next_ask();
        for part in samples.chunks(wire::PART) {
            let part = part.to_vec();
            self.lock().say(&Said::PromptPart { ask, part });
            self.wait_to_write();
        }
        self.lock().say(&Said::Prompt { ask, rate });
        match self.answer(Some(ask), PROMPT) {
            Some(Heard::Prompt { number, .. }) => number,
            _ => Err("the media engine is gone".to_owned()),
        }
    }

    /// End all that is open, and wait until the files of recordings are complete; what became of them can be drained then.
    /// Closing twice does nothing.
    pub fn close(&self) {
        let open = {
            let mut line = self.lock();
            line.say(&Said::Close);
            !line.closed && line.lost.is_none()
        };
        if open && self.answer(None, GOOD_BYE).is_none() {
            eprintln!("media engine: it was not told that the switch stops");
        }
        let mut line = self.lock();
        line.closed = true;
        line.lose("it was closed");
    }

    /// Let go of the engine as if the owner had died.
    pub fn abandon(&self) {
        let mut line = self.lock();
        line.closed = true;
        line.lose("it was let go");
    }

    fn next_ask(&self) -> u64 {
        self.asked.fetch_add(1, Relaxed)
    }

    /// Wait for an answer; None: for that to the good-bye. None when the engine is lost, as it is when it says nothing.
    ///
    /// The connection is free for others meanwhile, and whoever reads it keeps what another waits for.
    fn answer(&self, ask: Option<u64>, within: Duration) -> Option<Heard> {
        let until = Instant::now() + within;
        loop {
            let mut waiting = {
                let mut line = self.lock();
                line.flush();
                line.read();
                line.take();
                if !line.events.is_empty() {
                    line.bell.ring();
                }
                let answer = line.answers.remove(&ask);
                if answer.is_none() && Instant::now() >= until {
                    line.lose("it does not answer");
                }
                self.watch(&line);
                if answer.is_some() || line.lost.is_some() {
                    return answer;
                }
                [Waiting::new(line.stream.as_raw_fd(), !line.out.is_empty())]
            };
            // Another thread may have read the answer: that is seen soon.
            socket::wait(&mut waiting, Some(GLANCE)).ok();
        }
    }

    /// Wait until a part more can go without much waiting before it.
    fn wait_to_write(&self) {
        let until = Instant::now() + ANSWER;
        loop {
            let mut waiting = {
                let mut line = self.lock();
                line.flush();
                self.watch(&line);
                if line.lost.is_some() || line.out.len() <= 2 * wire::PART {
                    return;
                }
                if Instant::now() >= until {
                    line.lose("it does not take orders any more");
                }
                [Waiting::new(line.stream.as_raw_fd(), true)]
            };
            socket::wait(&mut waiting, Some(GLANCE)).ok();
        }
    }

    fn watch(&self, line: &Line) {
        let writing = !line.out.is_empty() && line.lost.is_none();
        self.watch
            .ask(line.stream.as_raw_fd(), line.lost.is_none(), writing);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wait for the first thing that an engine says.
fn welcomed(
    stream: &UnixStream,
    frames: &mut Frames,
    board: &mut Option<OwnedFd>,
) -> Result<Welcome, Unreachable> {
    let unfit = |reason: &str| Unreachable::Unfit(reason.to_owned());
    let until = Instant::now() + ANSWER;
    let mut bytes = [0; READ];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(unfit("what listens there says nothing"));
        }
        let mut waiting = [Waiting::new(stream.as_raw_fd(), false)];
        socket::wait(&mut waiting, Some(left)).map_err(|error| unfit(&error.to_string()))?;
        match socket::receive(stream, &mut bytes, board) {
            Ok(0) => return Err(unfit("the media engine has hung up")),
            Ok(length) => frames.add(&bytes[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(unfit(&error.to_string())),
        }
        if !frames.greeted() {
            match frames.greeting().map_err(|malformed| unfit(malformed.0))? {
                None => continue,
                Some(wire::VERSION) => {}
                Some(version) => {
                    return Err(Unreachable::Unfit(format!(
                        "the media engine speaks version {version}, and this switch {}: it must be ended first",
                        wire::VERSION
                    )));
                }
            }
        }
        match frames.next().map_err(|malformed| unfit(malformed.0))? {
            None => {}
            Some(Heard::Welcome(welcome)) => return Ok(*welcome),
            Some(Heard::Refused(reason)) => return Err(Unreachable::Refused(reason)),
            Some(_) => return Err(unfit("the media engine does not say who it is")),
        }
    }
}

impl Line {
    fn say(&mut self, said: &Said) {
        if self.lost.is_some() || self.closed {
            return;
        }
        match wire::put(said, &mut self.out) {
            Ok(()) => self.flush(),
            Err(malformed) => self.lose(malformed.0),
        }
        if self.out.len() > BEHIND {
            self.lose("it does not take orders any more");
        }
    }

    fn flush(&mut self) {
        let mut gone = 0;
        while gone < self.out.len() && self.lost.is_none() {
            match socket::send(&self.stream, &self.out[gone..], None) {
                Ok(sent) => gone += sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.lose(&error.to_string()),
            }
        }
        self.out.drain(..gone);
    }

    /// Take what is there, once.
    fn read(&mut self) {
        if self.lost.is_some() {
            return;
        }
        let mut bytes = [0; READ];
        match socket::receive(&self.stream, &mut bytes, &mut None) {
            Ok(0) if self.closed => self.lose("it was closed"),
            Ok(0) => self.lose("the process has ended"),
            Ok(length) => self.frames.add(&bytes[..length]),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => self.lose(&error.to_string()),
        }
    }

    /// Keep what is there: events, and answers that somebody waits for.
    fn take(&mut self) {
        loop {
            let (ask, answer) = match self.frames.next() {
                Ok(None) => return,
                Ok(Some(Heard::Events(events))) => {
                    self.events.extend(events);
                    continue;
                }
                Ok(Some(answer)) => match &answer {
                    Heard::Prompt { ask, .. } | Heard::Totals { ask, .. } => (Some(*ask), answer),
                    _ => (None, answer),
                },
                Err(malformed) => return self.lose(malformed.0),
            };
            self.answers.insert(ask, answer);
        }
    }

    fn lose(&mut self, why: &str) {
        if self.lost.is_none() {
            self.lost = Some(why.to_owned());
            self.out.clear();
            self.bell.ring();
            // What it said before is heard, such as the ends of recordings.
            let mut bytes = [0; READ];
            while let Ok(length @ 1..) = socket::receive(&self.stream, &mut bytes, &mut None) {
                self.frames.add(&bytes[..length]);
                if self.frames.len() > BEHIND {
                    break;
                }
            }
            // Whatever it does now, we hear nothing of it; and it need not wait for us.
            self.stream.shutdown(std::net::Shutdown::Both).ok();
        }
    }
}
