//! Recordings by real threads, in files as they are found on the disk.

#![allow(clippy::unwrap_used)]

mod support;

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use dsp::{amplitude, amplitude_at};
use recording::{Container, Disk, Event, Layout, LocalDisk, Output, Pause, part_of};
use support::{LEFT, RIGHT, Studio, assert_tone, read_wav};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn stereo_has_each_party_in_its_channel() {
    let studio = Studio::new("stereo");
    let mut talk = [studio.start(1, Container::Wav, Layout::Stereo)];
    studio.talk(&mut talk, SECOND);
    let path = studio.path(1, Container::Wav);
    assert!(
        part_of(&path).exists() && !path.exists(),
        "it is not complete"
    );
    talk[0].track.stop(studio.now());
    let events = studio.ended(1);
    let [
        Event::Ended {
            recording: 1,
            milliseconds,
            bytes,
            lost_ms: 0,
            reason: None,
        },
    ] = events[..]
    else {
        panic!("{events:?}")
    };
    let channels = read_wav(&path);
    assert!((980..1200).contains(&milliseconds), "{milliseconds}");
    assert_eq!(bytes, path.metadata().unwrap().len());
    assert_eq!((bytes - 44) / 32, milliseconds);
    assert_tone(&channels[0][400..7600], LEFT, RIGHT);
    assert_tone(&channels[1][400..7600], RIGHT, LEFT);
    assert!(!part_of(&path).exists());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn hundreds_are_written_at_once_and_nothing_is_lost() {
    let studio = Studio::new("many");
    let mut talks: Vec<_> = (0..300)
        .map(|number| studio.start(number, Container::Wav, Layout::Stereo))
        .collect();
    studio.talk(&mut talks, 3 * SECOND);
    talks.iter().for_each(|talk| talk.track.stop(studio.now()));
    for event in studio.ended(300) {
        let Event::Ended {
            recording,
            milliseconds,
            lost_ms: 0,
            reason: None,
            ..
        } = event
        else {
            panic!("{event:?}")
        };
        assert!(milliseconds >= 2980, "{recording}: {milliseconds}");
        let channels = read_wav(&studio.path(recording, Container::Wav));
        assert_tone(&channels[0][400..23_200], LEFT, RIGHT);
    }
    assert_eq!(studio.recorder.figures().live, 0);
}

#[test]
fn what_is_said_in_a_pause_is_in_no_file() {
    let studio = Studio::new("pause");
    let mut talk = [studio.start(1, Container::Wav, Layout::Mixed)];
    studio.talk(&mut talk, SECOND);
    talk[0].track.pause(Pause::Silence, studio.now());
    studio.talk(&mut talk, SECOND);
    talk[0].track.resume(studio.now());
    studio.talk(&mut talk, SECOND);
    talk[0].track.stop(studio.now());
    studio.ended(1);
    let sound = &read_wav(&studio.path(1, Container::Wav))[0];
    let both = |range: std::ops::Range<usize>| {
        [LEFT, RIGHT].map(|f| amplitude_at(&sound[range.clone()], f, 8000) / amplitude(-10.0))
    };
    for present in both(0..7600).into_iter().chain(both(16_800..23_200)) {
        assert!((present - 1.0).abs() < 0.1, "{present}");
    }
    assert_eq!(both(8800..15_200), [0.0; 2]);
}

#[test]
fn a_dropped_track_and_a_closed_recorder_end_recordings_too() {
    let studio = Studio::new("closed");
    let mut talks = [1, 2].map(|number| studio.start(number, Container::OggOpus, Layout::Stereo));
    studio.talk(&mut talks, SECOND);
    let [one, other] = talks;
    drop(one);
    studio.ended(1);
    studio.recorder.close();
    studio.ended(1);
    for number in [1, 2] {
        assert!(studio.path(number, Container::OggOpus).exists());
    }
    drop(other);
}

/// Debian's opus-tools read what is written here: every page, the length to the sample, each party in its channel.
#[test]
fn ogg_opus_is_what_other_programs_understand() {
    if Command::new("opusinfo").arg("--version").output().is_err() {
        eprintln!("skipped: opus-tools are not installed");
        return;
    }
    let studio = Studio::new("opus");
    for (number, layout) in [(1, Layout::Stereo), (2, Layout::Mixed)] {
        let mut talk = [studio.start(number, Container::OggOpus, layout)];
        studio.talk(&mut talk, 2 * SECOND);
        talk[0].track.stop(studio.now());
        let events = studio.ended(1);
        let Event::Ended { milliseconds, .. } = events[0] else {
            panic!("{events:?}")
        };
        let path = studio.path(number, Container::OggOpus);
        let told = Command::new("opusinfo").arg(&path).output().unwrap();
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.status.success(), "{text}");
        assert!(
            !text.contains("WARNING") && !text.contains("ERROR"),
            "{text}"
        );
        assert!(text.contains("Pre-skip: 312"), "{text}");
        let decoded = path.with_extension("wav");
        let done = Command::new("opusdec")
            .args(["--quiet", "--rate", "8000"])
            .args([&path, &decoded])
            .status();
        assert!(done.unwrap().success());
        let channels = read_wav(&decoded);
        assert_eq!(channels[0].len() as u64 / 8, milliseconds, "{text}");
        match layout {
            Layout::Stereo => {
                assert_eq!(channels.len(), 2);
                assert_tone(&channels[0][800..15_200], LEFT, RIGHT);
                assert_tone(&channels[1][800..15_200], RIGHT, LEFT);
            }
            _ => {
                assert_eq!(channels.len(), 1);
                let share = |frequency| {
                    amplitude_at(&channels[0][800..15_200], frequency, 8000) / amplitude(-10.0)
                };
                assert!(share(LEFT) > 0.8 && share(RIGHT) > 0.8);
            }
        }
    }
}

#[test]
fn what_cannot_be_made_ends_at_once_with_the_reason() {
    let studio = Studio::new("twice");
    let mut talk = [studio.start(1, Container::Wav, Layout::One)];
    studio.talk(&mut talk, SECOND / 2);
    let again = studio.start(1, Container::Wav, Layout::One);
    let events = studio.ended(1);
    let Event::Ended {
        reason: Some(reason),
        bytes: 0,
        ..
    } = &events[0]
    else {
        panic!("{events:?}")
    };
    assert!(
        reason.contains("call-1.wav cannot be made: File exists"),
        "{reason}"
    );
    drop(again);
    talk[0].track.stop(studio.now());
    studio.ended(1);
    assert_eq!(read_wav(&studio.path(1, Container::Wav))[0].len() / 4000, 1);
}

/// A disk that can be slow, or full.
#[derive(Clone, Default)]
struct BadDisk {
    full: Arc<AtomicBool>,
    stuck: Arc<(Mutex<bool>, Condvar)>,
}

impl BadDisk {
    fn be_stuck(&self, stuck: bool) {
        *self.stuck.0.lock().unwrap() = stuck;
        self.stuck.1.notify_all();
    }
}

struct BadOutput(Box<dyn Output>, BadDisk);

impl Disk for BadDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        Ok(Box::new(BadOutput(LocalDisk.create(path)?, self.clone())))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.rename(from, to)
    }
}

impl Output for BadOutput {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let stuck = self.1.stuck.0.lock().unwrap();
        drop(self.1.stuck.1.wait_while(stuck, |stuck| *stuck).unwrap());
        if self.1.full.load(Relaxed) {
            // As a disk does: some of it finds room.
            self.0.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.0.write_at(bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

#[test]
fn a_full_disk_is_told_once_and_costs_only_what_it_did_not_take() {
    for container in [Container::Wav, Container::OggOpus] {
        let disk = BadDisk::default();
        let studio = Studio::on(disk.clone(), &format!("full-{container:?}"));
        let mut talk = [studio.start(1, container, Layout::Mixed)];
        studio.talk(&mut talk, SECOND);
        disk.full.store(true, Relaxed);
        studio.talk(&mut talk, SECOND * 3 / 2);
        disk.full.store(false, Relaxed);
        studio.talk(&mut talk, SECOND);
        talk[0].track.stop(studio.now());
        let events = studio.ended(1);
        let [
            Event::Trouble {
                recording: 1,
                reason,
            },
            Event::Ended {
                milliseconds,
                lost_ms,
                reason: None,
                ..
            },
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert!(reason.contains("no storage space"), "{reason}");
        assert!((900..2100).contains(lost_ms), "{lost_ms}");
        assert!(
            (3480..3800).contains(&(milliseconds + lost_ms)),
            "{events:?}"
        );
        if container == Container::Wav {
            let sound = &read_wav(&studio.path(1, container))[0];
            assert_eq!(sound.len() as u64 / 8, *milliseconds);
        }
        assert_eq!(studio.recorder.figures().troubles, 1);
    }
}

#[test]
fn a_slow_disk_makes_nobody_wait() {
    let disk = BadDisk::default();
    let studio = Studio::on(disk.clone(), "slow");
    let mut talk = [studio.start(1, Container::Wav, Layout::Stereo)];
    studio.talk(&mut talk, SECOND / 2);
    disk.be_stuck(true);
    studio.talk(&mut talk, SECOND / 2);
    let begin = Instant::now();
    for _ in 0..1000 {
        talk[0].speak(studio.now());
    }
    let took = begin.elapsed();
    assert!(took < SECOND / 2, "{took:?} for what nobody took");
    disk.be_stuck(false);
    let first = studio.events.recv_timeout(10 * SECOND).unwrap();
    let slow = Event::Trouble {
        recording: 1,
        reason: "the disk is too slow".to_owned(),
    };
    assert_eq!(first, slow);
    talk[0].track.stop(studio.now());
    let events = studio.ended(1);
    let Some(Event::Ended { lost_ms, .. }) = events.last() else {
        panic!("{events:?}")
    };
    assert!(*lost_ms > 20_000, "{lost_ms} of 40 s that came in no time");
}
