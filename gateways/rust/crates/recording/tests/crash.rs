//! What is left when the process is killed, and when the system lets no file grow.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use recording::{Container, Layout, LocalDisk, part_of};
use support::{LEFT, RIGHT, Studio, assert_tone, read_wav};

const FOLDER: &str = "RECORDING_TEST_FOLDER";

/// Not a test: the process that is killed, or kept short.
#[test]
#[ignore = "run by the others"]
fn recording_process() {
    let studio = Studio::in_folder(LocalDisk, PathBuf::from(std::env::var_os(FOLDER).unwrap()));
    let mut talks = [
        studio.start(1, Container::Wav, Layout::Stereo),
        studio.start(2, Container::OggOpus, Layout::Stereo),
    ];
    studio.talk(&mut talks, Duration::from_secs(4));
    talks.iter().for_each(|talk| talk.track.stop(studio.now()));
    for event in studio.ended(2) {
        println!("told: {event:?}");
    }
    std::mem::forget(studio); // its files are looked at by the parent
}

fn process(folder: &PathBuf, shell: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new("sh")
        .args([
            "-c",
            &format!("{shell} exec \"$0\" --ignored --nocapture recording_process"),
        ])
        .arg(program)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("recording-{name}-{}", std::process::id()))
}

#[test]
fn a_killed_process_leaves_files_that_miss_less_than_a_second() {
    for after in [1900, 2300, 2750] {
        let folder = folder(&format!("killed-{after}"));
        let mut child = process(&folder, "");
        let wav = part_of(&folder.join("day/call-1.wav"));
        while !wav.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let begin = Instant::now();
        std::thread::sleep(Duration::from_millis(after));
        let spoken = begin.elapsed().as_secs_f64();
        child.kill().unwrap();
        child.wait().unwrap();
        let channels = read_wav(&wav);
        let kept = channels[0].len() as f64 / 8000.0;
        assert!(kept > spoken - 1.0, "{kept} s of {spoken}");
        assert_tone(&channels[0][800..], LEFT, RIGHT);
        assert_tone(&channels[1][800..], RIGHT, LEFT);
        let opus = part_of(&folder.join("day/call-2.opus"));
        let decoded = folder.join("decoded.wav");
        match Command::new("opusdec")
            .args(["--quiet", "--rate", "8000"])
            .args([&opus, &decoded])
            .status()
        {
            Ok(status) => {
                assert!(status.success());
                let channels = read_wav(&decoded);
                let kept = channels[0].len() as f64 / 8000.0;
                assert!(kept > spoken - 1.0, "{kept} s of {spoken}");
                assert_tone(&channels[0][800..], LEFT, RIGHT);
            }
            Err(_) => eprintln!("the Opus file is not looked at: opus-tools are not installed"),
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

/// RLIMIT_FSIZE stands for a full disk: a write goes as far as there is room, and fails.
#[test]
fn a_file_that_may_not_grow_is_told_and_stays_playable() {
    let folder = folder("limited");
    // In blocks of 512 bytes: one second of stereo WAV is 32,000.
    let child = process(&folder, "ulimit -f 100; trap '' XFSZ;");
    let told = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.contains("Trouble { recording: 1, reason: \"File too large"),
        "{told}"
    );
    let path = folder.join("day/call-1.wav");
    let kept = read_wav(&path);
    assert_tone(&kept[0][800..], LEFT, RIGHT);
    let seconds = kept[0].len() as f64 / 8000.0;
    assert!((1.2..1.6).contains(&seconds), "{seconds}");
    assert!(
        told.contains("recording: 2, milliseconds: 4"),
        "the smaller one is whole: {told}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
