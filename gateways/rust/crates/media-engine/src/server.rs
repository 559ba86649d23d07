//! An engine in a process of its own: one owner at a time gives it orders through a Unix socket, and what is open stays
//! open when that owner dies.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::command::{Command, Event};
use crate::engine::{Configuration, Engine, IoKind};
use crate::server_prompts::{Added, Prompts};
use crate::socket::{self, Waiting};
use crate::wire::{self, Frames, Heard, Malformed, Said, Welcome};

/// What a process for an engine is told.
pub struct Service {
    pub socket: PathBuf,
    pub engine: Configuration,
    /// How long what is open stays so without an owner.
    pub orphan: Duration,
    /// Whether the process ends with its owner: after a good-bye, or when it was an orphan for so long.
    pub ends_alone: bool,
}

/// Events for the owner in one frame.
const EVENTS: usize = 256;
/// Bytes that an owner who asks and does not read may be behind.
const UNHEARD: usize = wire::LONGEST + (8 << 20);
/// Ends of recordings that wait for the next owner, who may never come.
const UNTOLD: usize = 10_000;
/// Bytes read in one go.
const READ: usize = 1 << 16;
/// Reads in one turn: the events of an owner with many orders are not to wait for all of them.
const READS: usize = 16;
/// How long files may take to be complete, when all ends.
const COMPLETION: Duration = Duration::from_secs(10);
/// Prompts on their way, and bytes of them: the longest of the finest kind.
const PROMPTS: usize = 256;
const PROMPT_BYTES: usize = 3600 * 192_000 * 2;

/// Serve until SIGTERM or SIGINT, or for as long as `Service::ends_alone` says.
///
/// Fails when the socket cannot be had: another engine is there, or its folder could be written to by others.
pub fn serve(service: &Service) -> io::Result<()> {
    let signals = socket::signals()?;
    let (listener, _lock) = listen(&service.socket)?;
    let served = Engine::new(&service.engine).and_then(|engine| {
        log(format_args!(
            "listens at {}, {} legs on {}",
            service.socket.display(),
            engine.ports().len(),
            service.engine.host,
        ));
        Server::new(service, Arc::new(engine), listener, signals)?.run()
    });
    // It may have been removed by hand; then there is nothing to be done.
    fs::remove_file(&service.socket).ok();
    served
}

/// The socket, and the lock that says that it is in use.
fn listen(path: &Path) -> io::Result<(UnixListener, File)> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let writers = fs::metadata(folder)?.mode() & 0o022;
    if writers != 0 {
        let reason = format!("{}: others may write to this folder", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    let mut locked = path.as_os_str().to_owned();
    locked.push(".lock");
    let mut options = File::options();
    let mut lock = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(locked)?;
    if !socket::lock(&lock)? {
        let reason = format!("{}: a media engine is there already", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, reason));
    }
    // For an operator who wonders.
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok((listener, lock))
}

struct Server<'a> {
    service: &'a Service,
    engine: Arc<Engine>,
    listener: UnixListener,
    signals: OwnedFd,
    owner: Option<Owner>,
    owners: u32,
    /// Since when there has been none.
    orphaned: Option<Instant>,
    prompts: Prompts,
    recordings: HashMap<u64, PathBuf>,
    streams: Vec<u64>,
    /// What the next owner must be told.
    untold: VecDeque<Event>,
}

/// Whoever gives the orders.
struct Owner {
    stream: UnixStream,
    frames: Frames,
    /// What could not be sent yet.
    out: Vec<u8>,
    /// Prompts whose parts are coming.
    prompts: HashMap<u64, Vec<u8>>,
    /// Bytes of all that are not there yet.
    prompt_bytes: usize,
}

/// Whether to go on.
#[derive(PartialEq)]
enum Next {
    Serve,
    End,
}

impl<'a> Server<'a> {
    fn new(
        service: &'a Service,
        engine: Arc<Engine>,
        listener: UnixListener,
        signals: OwnedFd,
    ) -> io::Result<Self> {
        Ok(Self {
            service,
            prompts: Prompts::new(Arc::clone(&engine))?,
            engine,
            listener,
            signals,
            owner: None,
            owners: 0,
            orphaned: Some(Instant::now()),
            recordings: HashMap::new(),
            streams: Vec::new(),
            untold: VecDeque::new(),
        })
    }

    fn run(mut self) -> io::Result<()> {
        while self.turn()? == Next::Serve {}
        self.end_all();
        self.complete();
        self.engine.close();
        Ok(())
    }

    /// Wait for something, and do it.
    fn turn(&mut self) -> io::Result<Next> {
        let mut waiting = [
            Waiting::new(self.signals.as_raw_fd(), false),
            Waiting::new(self.listener.as_raw_fd(), false),
            Waiting::new(self.prompts.descriptor(), false),
            // While the owner cannot be told, its events wait in the engine, which has a bound for them.
            Waiting::new(
                match &self.owner {
                    Some(owner) if !owner.out.is_empty() => -1,
                    _ => self.engine.event_descriptor(),
                },
                false,
            ),
            match &self.owner {
                Some(owner) => Waiting::new(owner.stream.as_raw_fd(), !owner.out.is_empty()),
                None => Waiting::new(-1, false),
            },
        ];
        let left = self
            .orphaned
            .map(|since| self.service.orphan.saturating_sub(since.elapsed()));
        socket::wait(&mut waiting, left)?;
        let [signal, caller, prompt, event, owner] = waiting;
        if signal.readable {
            return Ok(Next::End);
        }
        if owner.writable {
            self.flush();
        }
        if owner.readable && self.hear() == Next::End {
            return Ok(Next::End);
        }
        if prompt.readable {
            self.tell_prompts();
        }
        if event.readable {
            self.tell();
        }
        if caller.readable {
            self.admit();
        }
        if self
            .orphaned
            .is_some_and(|since| since.elapsed() >= self.service.orphan)
        {
            self.end_all();
            self.orphaned = None;
            if self.service.ends_alone {
                return Ok(Next::End);
            }
        }
        Ok(Next::Serve)
    }

    /// Somebody connects.
    fn admit(&mut self) {
        let Ok((stream, _)) = self.listener.accept() else {
            return; // it has gone again
        };
        if !socket::is_ours(&stream).unwrap_or(false) {
            log(format_args!(
                "a process of another user has been turned away"
            ));
            return;
        }
        let mut out = wire::GREETING.to_vec();
        out.extend_from_slice(&wire::VERSION.to_le_bytes());
        if self.owner.is_some() {
            let refused = Heard::Refused("another switch has this media engine".to_owned());
            if wire::put(&refused, &mut out).is_ok() {
                // So few bytes go at once, or the other has gone.
                socket::send(&stream, &out, None).ok();
            }
            return;
        }
        self.forget_prompts();
        self.owners += 1;
        let welcome = Heard::Welcome(Box::new(self.welcome()));
        let untold = Heard::Events(self.untold.drain(..).collect());
        let said = wire::put(&welcome, &mut out).and_then(|()| wire::put(&untold, &mut out));
        let sent = stream
            .set_nonblocking(true)
            .and_then(|()| socket::send(&stream, &out, Some(self.engine.figures_descriptor())));
        match (said, sent) {
            (Ok(()), Ok(sent)) => {
                out.drain(..sent);
                self.orphaned = None;
                self.owner = Some(Owner {
                    stream,
                    frames: Frames::default(),
                    out,
                    prompts: HashMap::new(),
                    prompt_bytes: 0,
                });
            }
            (said, sent) => log(format_args!("no welcome: {said:?} {sent:?}")),
        }
    }

    fn welcome(&self) -> Welcome {
        let recordings = self.recordings.iter();
        Welcome {
            owner: self.owners,
            ends_alone: self.service.ends_alone,
            host: self.service.engine.host.to_string(),
            io: match self.engine.io() {
                IoKind::Epoll => "epoll".to_owned(),
                IoKind::IoUring => "io_uring".to_owned(),
            },
            ports: self.engine.ports().to_vec(),
            open: self.engine.inventory(),
            recordings: recordings
                .map(|(&recording, file)| (recording, wire::Path(file.clone())))
                .collect(),
            streams: self.streams.clone(),
        }
    }

    /// Read what the owner says, and do it.
    fn hear(&mut self) -> Next {
        let mut bytes = [0; READ];
        for _ in 0..READS {
            let Some(owner) = &mut self.owner else {
                return Next::Serve;
            };
            match socket::receive(&owner.stream, &mut bytes, &mut None) {
                Ok(0) => {
                    self.orphan("it is gone");
                    return Next::Serve;
                }
                Ok(length) => owner.frames.add(&bytes[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Serve,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.orphan(&error.to_string());
                    return Next::Serve;
                }
            }
            // One frame's fault is not the engine's end.
            match catch_unwind(AssertUnwindSafe(|| self.take())) {
                Ok(Ok(Next::Serve)) => {}
                Ok(Ok(Next::End)) => return Next::End,
                Ok(Err(malformed)) => self.orphan(malformed.0),
                Err(_) => self.orphan("what it said led to a fault"),
            }
        }
        Next::Serve
    }

    /// Do what has come of the owner's.
    fn take(&mut self) -> Result<Next, Malformed> {
        while let Some(owner) = &mut self.owner {
            if !owner.frames.greeted() {
                match owner.frames.greeting()? {
                    None => break,
                    Some(wire::VERSION) => {}
                    Some(_) => return Err(Malformed("it is of another version")),
                }
            }
            match owner.frames.next()? {
                None => break,
                Some(Said::Commands(commands)) => {
                    for command in &commands {
                        wire::check(command)?;
                    }
                    self.submit(&commands);
                }
                Some(Said::PromptPart { ask, part }) => {
                    owner.prompt_bytes += part.len();
                    if owner.prompt_bytes > PROMPT_BYTES || owner.prompts.len() > PROMPTS {
                        return Err(Malformed("there are too many prompts on their way"));
                    }
                    owner
                        .prompts
                        .entry(ask)
                        .or_default()
                        .extend_from_slice(&part);
                }
                Some(Said::Prompt { ask, rate }) => {
                    let samples = owner.prompts.remove(&ask).unwrap_or_default();
                    self.prompts.add(Added {
                        owner: self.owners,
                        ask,
                        samples,
                        rate,
                    });
                }
                Some(Said::Totals { ask }) => {
                    let totals = Box::new((self.engine.totals(), self.engine.recordings()));
                    self.say(&Heard::Totals { ask, totals });
                }
                Some(Said::Close) => {
                    self.end_all();
                    self.complete();
                    self.say(&Heard::Closed);
                    if self.service.ends_alone {
                        return Ok(Next::End);
                    }
                }
            }
        }
        Ok(Next::Serve)
    }

    fn submit(&mut self, commands: &[Command]) {
        for command in commands {
            match command {
                Command::Record {
                    recording, path, ..
                } => {
                    self.recordings.insert(*recording, path.clone());
                }
                Command::Stream(wanted) => self.streams.push(wanted.stream),
                Command::DropPrompt { prompt } => self.prompts.dropped(*prompt),
                _ => {}
            }
        }
        self.engine.submit(commands);
    }

    /// Tell of prompts that are made.
    fn tell_prompts(&mut self) {
        for made in self.prompts.take() {
            if made.owner != self.owners {
                continue; // it has gone meanwhile
            }
            if let Some(owner) = &mut self.owner {
                owner.prompt_bytes = owner.prompt_bytes.saturating_sub(made.bytes);
            }
            self.say(&Heard::Prompt {
                ask: made.ask,
                number: made.number,
            });
        }
    }

    /// The next owner will hardly want what the last one did not, and nobody else can.
    fn forget_prompts(&mut self) {
        let forgotten: Vec<Command> = self
            .prompts
            .forget(self.owners)
            .into_iter()
            .map(|prompt| Command::DropPrompt { prompt })
            .collect();
        self.engine.submit(&forgotten);
    }

    /// Pass on what has happened.
    fn tell(&mut self) {
        let events = self.engine.drain(EVENTS);
        for event in &events {
            match event {
                Event::RecordingEnded { recording, .. } if self.owner.is_some() => {
                    self.recordings.remove(recording);
                }
                Event::StreamEnded { stream, .. } => self.streams.retain(|other| other != stream),
                _ => {}
            }
        }
        if self.owner.is_some() {
            if !events.is_empty() {
                self.say(&Heard::Events(events));
            }
            return;
        }
        // Of all that happens meanwhile this alone is of use later: it tells that a file is complete.
        let ended = events
            .into_iter()
            .filter(|event| matches!(event, Event::RecordingEnded { .. }));
        self.untold.extend(ended);
        while self.untold.len() > UNTOLD {
            if let Some(Event::RecordingEnded { recording, .. }) = self.untold.pop_front() {
                self.recordings.remove(&recording);
            }
        }
    }

    fn say(&mut self, heard: &Heard) {
        let Some(owner) = &mut self.owner else {
            return;
        };
        match wire::put(heard, &mut owner.out) {
            Ok(()) if owner.out.len() > UNHEARD => self.orphan("it does not listen"),
            Ok(()) => self.flush(),
            Err(malformed) => self.orphan(malformed.0),
        }
    }

    fn flush(&mut self) {
        while let Some(owner) = &mut self.owner {
            if owner.out.is_empty() {
                break;
            }
            match socket::send(&owner.stream, &owner.out, None) {
                Ok(sent) => drop(owner.out.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.orphan(&error.to_string()),
            }
        }
    }

    fn orphan(&mut self, why: &str) {
        if self.owner.take().is_some() {
            log(format_args!("no switch any more: {why}"));
            self.orphaned = Some(Instant::now());
        }
    }

    /// End all that is open.
    fn end_all(&mut self) {
        let open = self.engine.inventory();
        let recordings = self.recordings.keys();
        let commands: Vec<Command> = recordings
            .map(|&recording| Command::StopRecord { recording })
            .chain(
                self.streams
                    .iter()
                    .map(|&stream| Command::StopStream { stream }),
            )
            .chain(open.mixes.iter().map(|&(mix, _)| Command::CloseMix { mix }))
            .chain(open.legs.iter().map(|&(leg, _)| Command::Close { leg }))
            .collect();
        self.engine.submit(&commands);
    }

    /// Wait until the files of all recordings are complete, and tell of it.
    fn complete(&mut self) {
        let until = Instant::now() + COMPLETION;
        while self.engine.recordings().live > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                log(format_args!("files of recordings are not complete in time"));
                break;
            }
            let mut events = [Waiting::new(self.engine.event_descriptor(), false)];
            if socket::wait(&mut events, Some(left.min(Duration::from_millis(100)))).is_err() {
                break;
            }
            self.tell();
        }
        self.tell();
    }
}

/// To whoever began the process, who may have gone: that is no reason to stop.
fn log(line: std::fmt::Arguments<'_>) {
    writeln!(io::stderr(), "media engine: {line}").ok();
}
