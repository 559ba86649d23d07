//! Two parties who speak tones into recordings, in real time, and what is in the files.
#![allow(dead_code)] // each test uses some

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use codec::Format;
use dsp::g711::Law;
use dsp::{Tone, amplitude, amplitude_at};
use recording::{Container, Disk, Event, Layout, LocalDisk, Recorder, Side, Take, Track};
use rtp::Header;

pub const LEFT: f64 = 1000.0;
pub const RIGHT: f64 = 400.0;

/// A recorder, and what it tells.
pub struct Studio {
    pub recorder: Recorder,
    pub events: Receiver<Event>,
    start: Instant,
    pub folder: PathBuf,
}

impl Studio {
    pub fn new(name: &str) -> Self {
        Self::on(LocalDisk, name)
    }

    pub fn on(disk: impl Disk, name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("recording-{name}-{}", std::process::id()));
        Self::in_folder(disk, folder)
    }

    pub fn in_folder(disk: impl Disk, folder: PathBuf) -> Self {
        let (tell, events) = channel();
        let start = Instant::now();
        let recorder = Recorder::on(disk, 2, start, move |event| {
            tell.send(event).ok();
        });
        Self {
            recorder: recorder.unwrap(),
            events,
            start,
            folder,
        }
    }

    pub fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    pub fn path(&self, number: u64, container: Container) -> PathBuf {
        let ending = match container {
            Container::Wav => "wav",
            Container::OggOpus => "opus",
        };
        self.folder.join(format!("day/call-{number}.{ending}"))
    }

    pub fn start(&self, number: u64, container: Container, layout: Layout) -> Talk {
        let take = Take {
            recording: number,
            path: self.path(number, container),
            container,
            layout,
            rate: 8000,
        };
        Talk {
            track: self.recorder.start(take).unwrap(),
            sides: [(Side::Left, LEFT), (Side::Right, RIGHT)]
                .map(|(side, frequency)| (side, Tone::new(frequency, -10.0, 8000))),
            number: 0,
        }
    }

    /// Let all speak for some time, as it goes by.
    pub fn talk(&self, talks: &mut [Talk], time: Duration) {
        let frames = time.as_millis() / 20;
        let begin = Instant::now();
        for n in 0..frames as u32 {
            for talk in talks.iter_mut() {
                talk.speak(self.now());
            }
            let due = Duration::from_millis(20) * (n + 1);
            std::thread::sleep(due.saturating_sub(begin.elapsed()));
        }
    }

    /// Wait for the end of so many recordings; gives all that was told until then.
    pub fn ended(&self, number: usize) -> Vec<Event> {
        let mut told = Vec::new();
        while told
            .iter()
            .filter(|event| matches!(event, Event::Ended { .. }))
            .count()
            < number
        {
            told.push(self.events.recv_timeout(Duration::from_secs(60)).unwrap());
        }
        told
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.recorder.close();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// Two who talk, and are recorded.
pub struct Talk {
    pub track: Track,
    sides: [(Side, Tone); 2],
    number: u32,
}

impl Talk {
    /// 20 ms of both.
    pub fn speak(&mut self, now: f64) {
        for (side, tone) in &mut self.sides {
            let header = Header {
                marker: false,
                payload_type: 8,
                sequence: self.number as u16,
                timestamp: self.number * 160,
                ssrc: *side as u32,
            };
            let payload: Vec<u8> = (0..160)
                .map(|_| Law::A.encode(tone.next_sample()))
                .collect();
            self.track
                .packet(*side, Format::Pcma, header, &payload, now);
        }
        self.number += 1;
    }
}

/// The channels of a WAV file, which must say how long it is.
pub fn read_wav(path: &Path) -> Vec<Vec<i16>> {
    let bytes = std::fs::read(path).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(
        (&bytes[..4], &bytes[8..16]),
        (&b"RIFF"[..], &b"WAVEfmt "[..])
    );
    assert_eq!(&bytes[36..40], b"data");
    let (riff, sound) = (word(4), word(40));
    assert_eq!(riff, sound + 36);
    assert!(
        bytes.len() >= sound + 44,
        "{sound} bytes of {}",
        bytes.len()
    );
    let channels = usize::from(bytes[22]);
    let samples: Vec<i16> = bytes[44..44 + sound]
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    (0..channels)
        .map(|n| samples.iter().skip(n).step_by(channels).copied().collect())
        .collect()
}

/// Whether one frequency is in some sound, as loud as it was spoken, and the other is not.
pub fn assert_tone(samples: &[i16], present: f64, absent: f64) {
    let share = |frequency| amplitude_at(samples, frequency, 8000) / amplitude(-10.0);
    assert!(
        (share(present) - 1.0).abs() < 0.1,
        "{present}: {}",
        share(present)
    );
    assert!(share(absent) < 0.02, "{absent}: {}", share(absent));
}
