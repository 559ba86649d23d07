//! Encoded prompts in files, so that each is encoded once and not after every start.
//!
//! A file is named by the hash of what it was made of, is checked whenever it is opened, and is never changed: a damaged
//! one is replaced. Several engines may share a folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::encoded::{Encoded, Key};
use crate::mapped::Mapped;
use crate::speaker::Manner;

/// Bytes of all files: some ten hours of prompts. When there are more, those go that were not opened for longest, ...
const MOST_BYTES: u64 = 256 << 20;
/// ... until there is room for some time.
const KEPT_BYTES: u64 = MOST_BYTES / 4 * 3;
const SUFFIX: &str = "prompt";
/// What was begun and not completed for so long never will be.
const PART: &str = "part";
const ABANDONED: Duration = Duration::from_secs(3600);

pub struct Cache {
    folder: PathBuf,
    most: u64,
    kept: u64,
    /// Bytes of all files, as far as this engine knows.
    used: u64,
}

/// What was found.
pub enum Found {
    Whole(Encoded),
    Damaged,
    Nothing,
}

impl Cache {
    /// Make the folder, where it is not there yet, for nobody else to read: prompts may be private.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::bounded(folder, MOST_BYTES, KEPT_BYTES)
    }

    fn bounded(folder: &Path, most: u64, kept: u64) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut cache = Self {
            folder: folder.to_owned(),
            most,
            kept,
            used: 0,
        };
        cache.make_room(0)?;
        Ok(cache)
    }

    pub fn get(&self, key: &Key, manner: Manner) -> io::Result<Found> {
        let file = match File::open(self.path(key)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() == 0 {
            return Ok(Found::Damaged);
        }
        Ok(match Encoded::parse(Mapped::of(&file)?, key, manner) {
            Some(encoded) => {
                file.set_modified(SystemTime::now())?;
                Found::Whole(encoded)
            }
            None => Found::Damaged,
        })
    }

    /// Keep a prompt. Whoever opens its file finds all of it or nothing.
    pub fn put(&mut self, key: &Key, encoded: &Encoded) -> io::Result<()> {
        let bytes = encoded.print(key);
        if self.used + bytes.len() as u64 > self.most {
            self.make_room(bytes.len() as u64)?;
        }
        let path = self.path(key);
        let part = path.with_extension(format!("{}.{PART}", std::process::id()));
        let written = write(&part, &bytes).and_then(|()| fs::rename(&part, &path));
        if written.is_err() {
            // What cannot be taken away now is when it is old.
            fs::remove_file(&part).ok();
        }
        written?;
        self.used += bytes.len() as u64;
        Ok(())
    }

    /// Count what is there, and when that and `wanted` more are too much, take away what was not used for longest.
    fn make_room(&mut self, wanted: u64) -> io::Result<()> {
        let now = SystemTime::now();
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let extension = path.extension().and_then(|name| name.to_str());
            // Another engine may have taken it away.
            let Ok(about) = fs::symlink_metadata(&path) else {
                continue;
            };
            let modified = about.modified()?;
            match extension {
                Some(SUFFIX) => files.push((modified, about.len(), path)),
                Some(PART)
                    if now
                        .duration_since(modified)
                        .is_ok_and(|age| age > ABANDONED) =>
                {
                    take_away(&path)?;
                }
                _ => {}
            }
        }
        self.used = files.iter().map(|(_, length, _)| length).sum();
        if self.used + wanted <= self.most {
            return Ok(());
        }
        files.sort();
        for (_, length, path) in files {
            if self.used + wanted <= self.kept {
                break;
            }
            take_away(&path)?;
            self.used -= length;
        }
        Ok(())
    }

    fn path(&self, key: &Key) -> PathBuf {
        let name: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name).with_extension(SUFFIX)
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)
}

fn take_away(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A folder that is gone with its owner.
#[cfg(test)]
pub struct Folder(pub PathBuf);

#[cfg(test)]
impl Folder {
    pub fn new(name: &str) -> Self {
        let name = format!("softswitch-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

#[cfg(test)]
impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the folder was made");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Prompt;
    use codec::{Format, Opus};
    use std::os::unix::fs::PermissionsExt;

    fn manner(format: Format) -> Manner {
        Manner::new(format, 96, 20)
    }

    fn noise(seed: i32) -> Prompt {
        let samples: Vec<i16> = (0..8000).map(|n| (n * n % 7919 * seed) as i16).collect();
        Prompt::new(&samples, 16_000, None)
    }

    fn all(form: &Encoded) -> Vec<Vec<u8>> {
        let packets = (0..).map(|at| form.packet(at * 20, 20).map(<[u8]>::to_vec));
        packets.map_while(|packet| packet).collect()
    }

    #[test]
    fn what_is_kept_is_found_by_the_next_who_opens_the_folder() {
        let folder = Folder::new("kept");
        let prompt = noise(1);
        for format in [
            Format::G722,
            Format::Opus(Opus::speech(16_000)),
            Format::L16 { rate: 8000 },
        ] {
            let manner = manner(format);
            let made = prompt.make(manner, || true).unwrap();
            let key = prompt.key(manner);
            let mut cache = Cache::open(&folder.0).unwrap();
            assert!(matches!(cache.get(&key, manner), Ok(Found::Nothing)));
            cache.put(&key, &made).unwrap();
            let cache = Cache::open(&folder.0).unwrap();
            let Ok(Found::Whole(found)) = cache.get(&key, manner) else {
                panic!("{format:?} was not found");
            };
            assert_eq!(all(&made), all(&found));
            assert!(all(&made).len() >= 25);
        }
        for entry in fs::read_dir(&folder.0).unwrap() {
            let about = entry.unwrap().metadata().unwrap();
            assert_eq!(about.permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_is_damaged_anywhere_is_never_played() {
        let folder = Folder::new("damaged");
        let prompt = noise(1);
        let manner = manner(Format::Opus(Opus::speech(16_000)));
        let key = prompt.key(manner);
        let mut cache = Cache::open(&folder.0).unwrap();
        cache
            .put(&key, &prompt.make(manner, || true).unwrap())
            .unwrap();
        let path = cache.path(&key);
        let whole = fs::read(&path).unwrap();
        let is_damaged = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            matches!(cache.get(&key, manner), Ok(Found::Damaged))
        };
        for length in [0, 1, 71, 72, 87, 88, 100, whole.len() - 1] {
            assert!(is_damaged(&whole[..length]), "{length} bytes");
        }
        for at in (0..whole.len()).step_by(7).chain(0..100) {
            let mut other = whole.clone();
            other[at] ^= 0x10;
            assert!(is_damaged(&other), "byte {at}");
        }
        assert!(is_damaged(&[&whole[..], &[0]].concat()));
        assert!(!is_damaged(&whole));
    }

    #[test]
    fn a_true_digest_of_impossible_numbers_does_not_help() {
        use sha2::{Digest, Sha256};
        let folder = Folder::new("numbers");
        let prompt = noise(1);
        let manner = manner(Format::Opus(Opus::speech(16_000)));
        let key = prompt.key(manner);
        let mut cache = Cache::open(&folder.0).unwrap();
        cache
            .put(&key, &prompt.make(manner, || true).unwrap())
            .unwrap();
        let path = cache.path(&key);
        let whole = fs::read(&path).unwrap();
        // Kind, length, number of packets, and where the first ends.
        for at in [72, 76, 84, 88] {
            for number in [3u32, 1 << 20, u32::MAX] {
                if (at, number) == (88, 3) {
                    // A packet that ends there is possible.
                    continue;
                }
                let mut other = whole.clone();
                other[at..at + 4].copy_from_slice(&number.to_le_bytes());
                let digest = Sha256::digest(&other[72..]);
                other[40..72].copy_from_slice(&digest);
                fs::write(&path, &other).unwrap();
                let got = cache.get(&key, manner);
                assert!(matches!(got, Ok(Found::Damaged)), "{number} at {at}");
            }
        }
    }

    #[test]
    fn when_there_is_too_much_what_was_not_used_for_longest_goes() {
        let folder = Folder::new("bounded");
        let manner = manner(Format::G722);
        let prompts: Vec<Prompt> = (1..=6).map(noise).collect();
        let mut cache = Cache::bounded(&folder.0, 25_000, 15_000).unwrap();
        for (n, prompt) in prompts.iter().take(5).enumerate() {
            let key = prompt.key(manner);
            cache
                .put(&key, &prompt.make(manner, || true).unwrap())
                .unwrap();
            let age = Duration::from_secs(100 - n as u64);
            let file = File::open(cache.path(&key)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        assert!(matches!(
            cache.get(&prompts[0].key(manner), manner),
            Ok(Found::Whole(_))
        ));
        let part = cache.path(&[0; 32]).with_extension("1.part");
        fs::write(&part, "half").unwrap();
        let last = prompts[5].make(manner, || true).unwrap();
        cache.put(&prompts[5].key(manner), &last).unwrap();
        let there = prompts
            .iter()
            .map(|prompt| cache.path(&prompt.key(manner)).exists());
        assert_eq!(
            there.collect::<Vec<_>>(),
            [true, false, false, false, true, true]
        );
        assert!(part.exists(), "somebody may be writing it");
        File::open(&part)
            .unwrap()
            .set_modified(SystemTime::now() - 2 * ABANDONED)
            .unwrap();
        Cache::bounded(&folder.0, 25_000, 15_000).unwrap();
        assert!(!part.exists());
    }
}
