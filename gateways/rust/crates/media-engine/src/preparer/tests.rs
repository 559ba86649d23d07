use super::*;
use crate::cache::Folder;
use codec::{Format, Opus};
use std::fs;
use std::time::{Duration, Instant};

const OPUS: Format = Format::Opus(Opus {
    rate: 16_000,
    fec: false,
    dtx: false,
    cbr: false,
    bitrate: 0,
    complexity: 0,
});

fn prompt(wishes: &Arc<Wishes>) -> Arc<Prompt> {
    let samples: Vec<i16> = (0..16_000).map(|n| (n * n % 7919) as i16).collect();
    Arc::new(Prompt::new(&samples, 16_000, Some(Arc::clone(wishes))))
}

/// Ask for a form until it is there.
fn wait(prompt: &Arc<Prompt>, manner: Manner) -> Arc<Encoded> {
    let begun = Instant::now();
    loop {
        if let Some(form) = prompt.form(manner) {
            return form;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it never came");
        thread::sleep(Duration::from_millis(2));
    }
}

/// One engine's life: what it had to do for some manners.
fn life(folder: Option<&Path>, manners: &[Manner]) -> [u64; 4] {
    let wishes = Arc::new(Wishes::default());
    let thread = start(Arc::clone(&wishes), folder).unwrap();
    let prompt = prompt(&wishes);
    for &manner in manners {
        assert!(wait(&prompt, manner).packet(980, manner.ptime).is_some());
    }
    wishes.stop();
    thread.join().unwrap();
    let figures = wishes.figures();
    [
        &figures.encoded,
        &figures.loaded,
        &figures.damaged,
        &figures.failed,
    ]
    .map(|one| one.load(Relaxed))
}

#[test]
fn each_form_is_encoded_once_and_not_after_the_next_start() {
    let folder = Folder::new("lives");
    let manners = [
        Manner::new(OPUS, 111, 20),
        Manner::new(OPUS, 111, 60),
        Manner::new(Format::G722, 9, 20),
        Manner::new(Format::G722, 9, 30),
    ];
    assert_eq!(life(Some(&folder.0), &manners), [3, 0, 0, 0]);
    assert_eq!(life(Some(&folder.0), &manners), [0, 3, 0, 0]);
    assert_eq!(life(None, &manners), [3, 0, 0, 0]);
}

#[test]
fn a_damaged_file_is_made_anew() {
    let folder = Folder::new("mended");
    let manners = [Manner::new(OPUS, 111, 20)];
    life(Some(&folder.0), &manners);
    let file = fs::read_dir(&folder.0)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(life(Some(&folder.0), &manners), [1, 0, 1, 0]);
    assert_eq!(life(Some(&folder.0), &manners), [0, 1, 0, 0]);
    assert_eq!(fs::read(&file).unwrap(), whole);
}

#[test]
fn a_folder_that_vanishes_costs_no_prompt_and_one_that_is_none_is_refused() {
    let folder = Folder::new("vanished");
    let wishes = Arc::new(Wishes::default());
    let thread = start(Arc::clone(&wishes), Some(&folder.0)).unwrap();
    fs::remove_dir(&folder.0).unwrap();
    wait(&prompt(&wishes), Manner::new(OPUS, 111, 20));
    assert_eq!(wishes.figures().failed.load(Relaxed), 1);
    wishes.stop();
    thread.join().unwrap();
    fs::write(&folder.0, "a file").unwrap();
    let refused = start(wishes, Some(&folder.0)).unwrap_err();
    assert!(refused.to_string().contains("vanished"), "{refused}");
    fs::remove_file(&folder.0).unwrap();
    fs::create_dir(&folder.0).unwrap();
}

#[test]
fn a_long_prompt_does_not_keep_the_engine_from_ending() {
    let wishes = Arc::new(Wishes::default());
    let thread = start(Arc::clone(&wishes), None).unwrap();
    let samples = vec![1000; 48_000 * 600];
    let prompt = Arc::new(Prompt::new(&samples, 48_000, Some(Arc::clone(&wishes))));
    assert!(prompt.form(Manner::new(OPUS, 111, 20)).is_none());
    while wishes.waiting() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    wishes.stop();
    thread.join().unwrap();
    assert_eq!(wishes.figures().encoded.load(Relaxed), 0);
}
