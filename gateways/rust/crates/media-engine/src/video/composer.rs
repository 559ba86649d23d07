//! The way to the composer, a process of its own that makes one picture of many: what it is fed, and what it makes.
//!
//! A thread carries it over a Unix socket. What waits is bounded: a composer that is slow or stuck costs pictures, and
//! never sound. Each side begins with [`GREETING`], a version and a role; then come records: a length of four bytes, a
//! kind, a body; all numbers have their lowest byte first. What the kinds hold is said at each.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use video::Codec;
use video::frames::Frame;

use super::order::{Made, VideoOrder};
use super::sound::Sound;
use crate::bell::Bell;
use crate::command::Event;
use crate::order::{Errand, Order};
use crate::socket::{self, Waiting};
use crate::worker::Shared;

pub const GREETING: &[u8; 8] = b"SOFTSWVC";
pub const VERSION: u16 = 1;
/// We are the media engine.
const ROLE: u16 = 0;
const OPENING: usize = 12;
/// The longest record.
pub const LONGEST: usize = 4 << 20;
/// Bytes that may wait for the composer.
const WAITING: usize = 4 << 20;
/// Buffers kept for the next pictures.
const SPARE: usize = 16;
/// How long a composer may take for its greeting.
const PATIENCE: Duration = Duration::from_secs(5);
/// Errands of it may fill no more than this share of a thread's queue.
const SHARE: f64 = 0.25;

// Kinds of records, from the engine: member (8), codec (1), flags (1), 0 (2), timestamp (8), microseconds of the monotonic
// clock (8), picture; member (8); source (8).
const PICTURE: u8 = 1;
const GONE: u8 = 2;
const WANTED: u8 = 3;
// To it: source (8), codec (1), flags (1), 0 (2), timestamp (8), picture; member (8); member (8), samples (2 each).
const MADE: u8 = 16;
const NEEDED: u8 = 17;
const SOUND: u8 = 18;

const KEY: u8 = 1;
const GAP: u8 = 2;

/// What all threads see of it.
#[derive(Default)]
pub struct Composer {
    there: AtomicBool,
    link: Mutex<Option<Arc<Link>>>,
    /// Slots of who is fed to it, and of what it makes, by its numbers.
    members: Mutex<HashMap<u64, u32>>,
    sources: Mutex<HashMap<u64, u32>>,
    /// Whom it lets be heard, while a leg speaks for it.
    voices: Mutex<HashMap<u64, Weak<Sound>>>,
}

/// One connection.
struct Link {
    bell: Bell,
    closed: AtomicBool,
    waiting: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    bytes: usize,
    records: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds one can leave what is in it half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Composer {
    pub fn is_there(&self) -> bool {
        self.there.load(Relaxed)
    }

    /// A whole picture; false: it has no room for it, or is not there.
    pub fn picture(&self, member: u64, codec: Codec, frame: Frame<'_>, gap: bool) -> bool {
        let flags = if frame.key { KEY } else { 0 } | if gap { GAP } else { 0 };
        self.put(frame.data.len(), |record| {
            record.push(PICTURE);
            record.extend_from_slice(&member.to_le_bytes());
            record.extend_from_slice(&[number_of(codec), flags, 0, 0]);
            record.extend_from_slice(&frame.timestamp.to_le_bytes());
            record.extend_from_slice(&microseconds().to_le_bytes());
            record.extend_from_slice(frame.data);
        })
    }

    /// A source of it is needed from a key frame on.
    pub fn want(&self, source: u64) {
        self.put(0, |record| {
            record.push(WANTED);
            record.extend_from_slice(&source.to_le_bytes());
        });
    }

    pub fn add_member(&self, member: u64, slot: u32) {
        lock(&self.members).insert(member, slot);
    }

    pub fn drop_member(&self, member: u64, slot: u32) {
        let mut members = lock(&self.members);
        if members.get(&member) == Some(&slot) {
            members.remove(&member);
            drop(members);
            self.put(0, |record| {
                record.push(GONE);
                record.extend_from_slice(&member.to_le_bytes());
            });
        }
    }

    pub fn add_source(&self, source: u64, slot: u32) {
        lock(&self.sources).insert(source, slot);
    }

    pub fn drop_source(&self, source: u64, slot: u32) {
        let mut sources = lock(&self.sources);
        if sources.get(&source) == Some(&slot) {
            sources.remove(&source);
        }
    }

    /// What it sends of a member's sound goes here from now on, as long as somebody has it.
    pub fn hear(&self, member: u64) -> Arc<Sound> {
        let sound = Arc::new(Sound::default());
        let mut voices = lock(&self.voices);
        voices.retain(|_, sound| sound.strong_count() > 0);
        voices.insert(member, Arc::downgrade(&sound));
        sound
    }

    /// A member's sound has come, as bytes of samples.
    pub fn say(&self, member: u64, samples: &[u8]) {
        let voice = lock(&self.voices).get(&member).cloned();
        if let Some(sound) = voice.and_then(|voice| voice.upgrade()) {
            sound.put(samples);
        }
    }

    fn put(&self, size: usize, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        if !self.is_there() {
            return false;
        }
        let link = lock(&self.link);
        let Some(link) = link.as_ref() else {
            return false;
        };
        let mut queue = lock(&link.waiting);
        if queue.bytes + size > WAITING {
            return false;
        }
        let mut record = queue.spare.pop().unwrap_or_default();
        record.clear();
        record.extend_from_slice(&[0; 4]);
        write(&mut record);
        let length = (record.len() - 4) as u32;
        record[..4].copy_from_slice(&length.to_le_bytes());
        queue.bytes += record.len();
        let was_empty = queue.records.is_empty();
        queue.records.push_back(record);
        drop(queue);
        if was_empty {
            link.bell.ring();
        }
        true
    }

    /// Let go of the composer that there is; begin with another, if there is one: the thread that carries it.
    pub fn connect(
        shared: &Arc<Shared>,
        path: Option<&Path>,
    ) -> io::Result<Option<JoinHandle<()>>> {
        let this = &shared.composer;
        if let Some(link) = lock(&this.link).take() {
            link.closed.store(true, Relaxed);
            link.bell.ring();
        }
        this.there.store(false, Relaxed);
        let Some(path) = path else { return Ok(None) };
        let link = Arc::new(Link {
            bell: Bell::new()?,
            closed: AtomicBool::new(false),
            waiting: Mutex::default(),
        });
        *lock(&this.link) = Some(Arc::clone(&link));
        let (shared, path) = (Arc::clone(shared), path.to_owned());
        thread::Builder::new()
            .name("composer".to_owned())
            .spawn(move || run(&shared, &link, &path))
            .map(Some)
    }

    /// Those whose slots these numbers have.
    fn errand(&self, shared: &Shared, kind: u8, number: u64, order: VideoOrder) {
        let slots = if kind == MADE {
            &self.sources
        } else {
            &self.members
        };
        // A number that nobody has is of somebody who has just gone.
        let Some(slot) = lock(slots).get(&number).copied() else {
            return;
        };
        let errand = Errand::Leg(slot, Order::Video(order));
        shared.errands[shared.thread_of(slot)].push_all([(errand, SHARE)], drop);
    }
}

fn number_of(codec: Codec) -> u8 {
    match codec {
        Codec::H264 => 0,
        Codec::Vp8 => 1,
    }
}

/// Of the monotonic clock.
#[allow(unsafe_code)]
fn microseconds() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` lives through the call, which cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}

/// Carry records until either side has gone.
fn run(shared: &Arc<Shared>, link: &Arc<Link>, path: &Path) {
    let over = || link.closed.load(Relaxed) || shared.stopping.load(Relaxed);
    let reason = match carry(shared, link, path, &over) {
        Ok(()) => return,
        Err(error) => error.to_string(),
    };
    let mut current = lock(&shared.composer.link);
    if current.as_ref().is_some_and(|it| Arc::ptr_eq(it, link)) && !over() {
        *current = None;
        shared.composer.there.store(false, Relaxed);
        drop(current);
        shared.events.push(Event::ComposerLost { reason }, 1.0);
    }
}

fn carry(
    shared: &Arc<Shared>,
    link: &Link,
    path: &Path,
    over: &dyn Fn() -> bool,
) -> io::Result<()> {
    let invalid = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason);
    let mut stream = UnixStream::connect(path)?;
    if !socket::is_ours(&stream)? {
        return Err(invalid("what listens there is of another user"));
    }
    stream.set_nonblocking(true)?;
    let mut opening = GREETING.to_vec();
    opening.extend_from_slice(&VERSION.to_le_bytes());
    opening.extend_from_slice(&ROLE.to_le_bytes());
    stream.write_all(&opening)?;
    let (mut incoming, mut greeted) = (Vec::new(), false);
    let (mut going, mut gone): (Vec<u8>, usize) = (Vec::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    let begun = Instant::now();
    loop {
        if over() {
            return Ok(());
        }
        if !greeted && begun.elapsed() > PATIENCE {
            return Err(invalid("the composer does not answer"));
        }
        if greeted && gone == going.len() {
            let mut queue = lock(&link.waiting);
            going.clear();
            gone = 0;
            if queue.spare.len() < SPARE && going.capacity() > 0 {
                queue.spare.push(std::mem::take(&mut going));
            }
            if let Some(record) = queue.records.pop_front() {
                queue.bytes -= record.len();
                going = record;
            }
        }
        let mut waiting = [
            Waiting::new(stream.as_raw_fd(), gone < going.len()),
            Waiting::new(link.bell.descriptor(), false),
        ];
        socket::wait(&mut waiting, Some(Duration::from_millis(500)))?;
        if waiting[1].readable {
            link.bell.silence();
        }
        if waiting[0].writable {
            match socket::send(&stream, &going[gone..], None) {
                Ok(some) => gone += some,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if waiting[0].readable {
            match stream.read(&mut buffer) {
                Ok(0) => return Err(invalid("the composer has gone")),
                Ok(some) => incoming.extend_from_slice(&buffer[..some]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if !greeted {
                if incoming.len() < OPENING {
                    continue;
                }
                if incoming[..8] != *GREETING || incoming[8..10] != VERSION.to_le_bytes() {
                    return Err(invalid("it is no composer, or of another version"));
                }
                incoming.drain(..OPENING);
                greeted = true;
                begin(shared, link);
            }
            take(shared, &mut incoming).map_err(invalid)?;
        }
    }
}

/// It is there now: all that are fed to it begin anew.
fn begin(shared: &Arc<Shared>, link: &Link) {
    let composer = &shared.composer;
    if link.closed.load(Relaxed) {
        return;
    }
    composer.there.store(true, Relaxed);
    shared.events.push(Event::ComposerReady, 1.0);
    let members: Vec<u64> = lock(&composer.members).keys().copied().collect();
    for member in members {
        composer.errand(shared, NEEDED, member, VideoOrder::Needed);
    }
}

/// Whole records of the composer's.
fn take(shared: &Arc<Shared>, incoming: &mut Vec<u8>) -> Result<(), &'static str> {
    let mut at = 0;
    while let Some(head) = incoming.get(at..at + 4) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if length == 0 || length > LONGEST {
            return Err("a record of the composer's is too long, or empty");
        }
        let Some(record) = incoming.get(at + 4..at + 4 + length) else {
            break;
        };
        at += 4 + length;
        let Some((kind, Some((number, body)))) = record
            .split_first()
            .map(|(kind, body)| (*kind, body.split_first_chunk::<8>()))
        else {
            continue;
        };
        let number = u64::from_le_bytes(*number);
        match (kind, body) {
            (MADE, [codec, flags, _, _, body @ ..]) => {
                let Some((timestamp, data)) = body.split_first_chunk::<8>() else {
                    return Err("a picture of the composer's is cut");
                };
                let made = Made {
                    source: number,
                    codec: if *codec == 0 { Codec::H264 } else { Codec::Vp8 },
                    key: flags & KEY != 0,
                    timestamp: u64::from_le_bytes(*timestamp) as u32,
                    data: data.to_vec(),
                };
                let order = VideoOrder::Made(Arc::new(made));
                shared.composer.errand(shared, MADE, number, order);
            }
            (NEEDED, _) => {
                shared
                    .composer
                    .errand(shared, NEEDED, number, VideoOrder::Needed);
            }
            (SOUND, samples) => {
                if samples.len() % 2 != 0 {
                    return Err("sound of the composer's is cut");
                }
                shared.composer.say(number, samples);
            }
            _ => {}
        }
    }
    incoming.drain(..at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::feed::Feed;
    use rtp::Header;

    /// One that is there, and reads nothing.
    fn stuck() -> Composer {
        let composer = Composer::default();
        composer.there.store(true, Relaxed);
        *lock(&composer.link) = Some(Arc::new(Link {
            bell: Bell::new().unwrap(),
            closed: AtomicBool::new(false),
            waiting: Mutex::default(),
        }));
        composer
    }

    /// Everything that waits for it.
    fn waiting(composer: &Composer) -> Vec<Vec<u8>> {
        let link = lock(&composer.link);
        let mut queue = lock(&link.as_ref().unwrap().waiting);
        queue.bytes = 0;
        queue.records.drain(..).collect()
    }

    #[test]
    fn a_composer_that_is_too_slow_gets_no_more_until_the_next_key_frame() {
        let composer = stuck();
        let mut feed = Feed::new(9);
        let mut put = |number: u16, key: bool| {
            let header = Header {
                marker: true,
                payload_type: 96,
                sequence: number,
                timestamp: u32::from(number) * 3000,
                ssrc: 1,
            };
            let mut payload = vec![0x10, u8::from(!key), 2, 0];
            payload.resize(60_000, number as u8);
            feed.put(Codec::Vp8, &header, &payload, 0.0, &composer);
        };
        put(0, false);
        assert!(waiting(&composer).is_empty(), "nothing before a key frame");
        (1..200).for_each(|number| put(number, number == 1));
        let kept = waiting(&composer);
        let bytes: usize = kept.iter().map(Vec::len).sum();
        assert!(
            bytes <= WAITING + 100 && kept.len() == WAITING / 60_000,
            "{bytes}"
        );
        // There is room again, and nothing to go on from.
        put(200, false);
        assert!(waiting(&composer).is_empty());
        put(201, true);
        put(202, false);
        let kept = waiting(&composer);
        let flags: Vec<u8> = kept.iter().map(|record| record[14]).collect();
        assert_eq!(flags, [KEY | GAP, 0]);
    }

    #[test]
    fn records_that_are_cut_wait_and_those_that_cannot_be_end_the_connection() {
        let shared = Arc::new(Shared::new(4, 1).unwrap());
        shared.composer.add_source(5, 2);
        let mut body = vec![MADE];
        body.extend_from_slice(&5u64.to_le_bytes());
        body.extend_from_slice(&[1, KEY, 0, 0]);
        body.extend_from_slice(&90_000u64.to_le_bytes());
        body.extend_from_slice(&[0x10, 2, 0]);
        let mut record = (body.len() as u32).to_le_bytes().to_vec();
        record.extend_from_slice(&body);
        // Of a kind that nobody knows, and of a source that has gone.
        record.extend_from_slice(&[1, 0, 0, 0, 200]);
        record.extend_from_slice(&[9, 0, 0, 0, NEEDED, 7, 0, 0, 0, 0, 0, 0, 0]);
        let mut incoming = Vec::new();
        for byte in record {
            incoming.push(byte);
            assert_eq!(take(&shared, &mut incoming), Ok(()));
        }
        assert!(incoming.is_empty());
        let errands = shared.errands[0].take_all();
        assert_eq!(errands.len(), 1);
        let Some(Errand::Leg(2, Order::Video(VideoOrder::Made(made)))) = errands.front() else {
            panic!("another order");
        };
        assert_eq!(
            (made.key, made.timestamp, &made.data[..]),
            (true, 90_000, &[0x10u8, 2, 0][..])
        );
        for broken in [[0u8, 0, 0, 0], [0xff; 4]] {
            assert!(take(&shared, &mut broken.to_vec()).is_err());
        }
        let mut cut = vec![14, 0, 0, 0, MADE];
        cut.resize(18, 0);
        assert!(take(&shared, &mut cut).is_err());
    }

    fn sound(member: u64, samples: &[i16]) -> Vec<u8> {
        let mut record = (9 + 2 * samples.len() as u32).to_le_bytes().to_vec();
        record.push(SOUND);
        record.extend_from_slice(&member.to_le_bytes());
        record.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        record
    }

    #[test]
    fn sound_goes_to_whoever_speaks_for_its_member_and_is_lost_when_nobody_does() {
        let shared = Shared::new(4, 1).map(Arc::new).unwrap();
        let samples: Vec<i16> = (0..1280).collect();
        let first = shared.composer.hear(5);
        take(&shared, &mut sound(6, &samples)).unwrap();
        assert!(!first.frame(&mut Vec::new()), "it is of another");
        take(&shared, &mut sound(5, &samples)).unwrap();
        let mut out = Vec::new();
        while first.frame(&mut out) {}
        assert_eq!(out, samples);
        drop(first);
        take(&shared, &mut sound(5, &samples)).unwrap();
        shared.composer.hear(7);
        assert_eq!(lock(&shared.composer.voices).len(), 1);
        let mut cut = sound(7, &[1]);
        cut.pop();
        cut[0] -= 1;
        assert!(take(&shared, &mut cut).is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_taken_or_refused(
            records in proptest::collection::vec(
                (0u8..24, 0u64..3, proptest::collection::vec(proptest::num::u8::ANY, 0..900)),
                1..30,
            ),
            pieces in 1usize..700,
            damage in proptest::option::of((0usize..20_000, proptest::num::u8::ANY)),
        ) {
            let shared = Shared::new(2, 1).map(Arc::new).unwrap();
            let voice = shared.composer.hear(1);
            shared.composer.add_source(2, 1);
            let mut bytes = Vec::new();
            for (kind, number, body) in records {
                bytes.extend_from_slice(&(9 + body.len() as u32).to_le_bytes());
                bytes.push(kind);
                bytes.extend_from_slice(&number.to_le_bytes());
                bytes.extend_from_slice(&body);
            }
            if let Some((at, byte)) = damage {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            let mut incoming = Vec::new();
            for piece in bytes.chunks(pieces) {
                incoming.extend_from_slice(piece);
                if take(&shared, &mut incoming).is_err() {
                    break;
                }
                let mut out = Vec::new();
                if voice.frame(&mut out) {
                    assert_eq!(out.len(), 320);
                }
            }
        }
    }
}
