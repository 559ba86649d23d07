//! How an engine in a process of its own and its owner speak with each other: what each says, and its form.
//!
//! Each side begins with [`GREETING`] and [`VERSION`]; then come frames: a length of four bytes, the lowest first, and a
//! record in postcard. Both are the same programme at the same version, or they do not speak at all.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::command::{Command, Event};
use crate::engine::Totals;
use crate::formats::{Coding, Formats, Kind};

pub const GREETING: &[u8; 8] = b"SOFTSWME";
/// To be raised whenever a record, or what is read from the shared figures, changes; a test notices.
pub const VERSION: u32 = 3;
/// Bytes of a greeting with its version.
pub const OPENING: usize = GREETING.len() + 4;

/// The longest frame: a welcome names every file that is being recorded. The sound of a prompt comes in parts.
pub const LONGEST: usize = 16 << 20;
/// Bytes of a prompt in one part.
pub const PART: usize = 1 << 18;
/// Commands that go together: a call has a handful, and each has a bound of its own far below `LONGEST`.
pub const COMMANDS: usize = 512;

/// What the owner says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Said {
    Commands(Vec<Command>),
    /// A part of a prompt's samples, 16 bits each, the low byte first. `ask` tells it from other prompts on their way.
    PromptPart {
        ask: u64,
        part: Vec<u8>,
    },
    /// Its parts are all there: the rate of its samples. Answered by `Heard::Prompt`, when it is resampled.
    Prompt {
        ask: u64,
        rate: u32,
    },
    /// Answered by `Heard::Totals`.
    Totals {
        ask: u64,
    },
    /// It stops in good order: end all that is open. Answered by `Heard::Closed`.
    Close,
}

/// What the engine says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Heard {
    /// With the descriptor of the figures. Comes first, unless `Refused` does.
    Welcome(Box<Welcome>),
    /// It has another owner.
    Refused(String),
    Events(Vec<Event>),
    /// The prompt's number, or why it is none.
    Prompt {
        ask: u64,
        number: Result<u32, String>,
    },
    Totals {
        ask: u64,
        totals: Box<(Totals, recording::Figures)>,
    },
    Closed,
}

/// What an owner finds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// How many owners there have been: from it follow numbers that no other has given.
    pub owner: u32,
    /// Whether a switch began it, and it ends with that.
    pub ends_alone: bool,
    pub host: String,
    pub io: String,
    pub ports: Vec<u16>,
    pub open: Inventory,
    /// Recordings that have not ended, or whose ends nobody has been told, by number and file.
    pub recordings: Vec<(u64, Path)>,
    /// Streams that have not ended.
    pub streams: Vec<u64>,
}

/// Who is open: slots with the epochs of their users.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    pub legs: Vec<(u32, u64)>,
    pub mixes: Vec<(u32, u64)>,
}

/// A file's name, whose bytes need not be UTF-8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path(#[serde(with = "path")] pub std::path::PathBuf);

/// Why what came is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// Append a record as a frame.
pub fn put(record: &impl Serialize, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let written = postcard::to_extend(record, Onto(out)).is_ok();
    let length = out.len() - start - 4;
    if !written || length > LONGEST {
        out.truncate(start);
        return Err(Malformed("a record is too long for a frame"));
    }
    out[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(())
}

/// Bytes behind those that are there.
struct Onto<'a>(&'a mut Vec<u8>);

impl Extend<u8> for Onto<'_> {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, bytes: T) {
        self.0.extend(bytes);
    }
}

/// Bytes as they come, until they are frames.
#[derive(Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// How much of them has been read.
    at: usize,
    greeted: bool,
}

impl Frames {
    /// Where to put what comes next.
    pub fn add(&mut self, bytes: &[u8]) {
        if self.at > 0 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    pub fn len(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The other side's version, once it is there.
    pub fn greeting(&mut self) -> Result<Option<u32>, Malformed> {
        let Some(opening) = self.bytes.get(self.at..self.at + OPENING) else {
            return Ok(None);
        };
        let (greeting, version) = opening.split_at(GREETING.len());
        if greeting != GREETING {
            return Err(Malformed(
                "the other side is no media engine, nor its owner",
            ));
        }
        let version = [version[0], version[1], version[2], version[3]];
        self.at += OPENING;
        self.greeted = true;
        Ok(Some(u32::from_le_bytes(version)))
    }

    pub fn greeted(&self) -> bool {
        self.greeted
    }

    /// The next record, once it is all there.
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Malformed> {
        let Some(length) = self.bytes.get(self.at..self.at + 4) else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if length > LONGEST {
            return Err(Malformed("a frame is too long"));
        }
        let start = self.at + 4;
        let Some(frame) = self.bytes.get(start..start + length) else {
            return Ok(None);
        };
        match postcard::take_from_bytes(frame) {
            Ok((record, [])) => {
                self.at = start + length;
                Ok(Some(record))
            }
            _ => Err(Malformed("a frame is no record")),
        }
    }
}

/// What was written here can only be what the engine itself makes; what came need not be.
pub fn check(command: &Command) -> Result<(), Malformed> {
    match command {
        Command::Connect { connection, .. } if !connection.formats.can_be() => {
            Err(Malformed("a format cannot be"))
        }
        Command::ConnectVideo { connection, .. } if !connection.terms.can_be() => {
            Err(Malformed("a format cannot be"))
        }
        _ => Ok(()),
    }
}

impl Formats {
    fn can_be(&self) -> bool {
        self.codings().all(Coding::can_be)
    }
}

impl Coding {
    fn can_be(&self) -> bool {
        let kind = match &self.kind {
            Kind::Speech(format) => format.can_be(),
            Kind::Events { clock_rate } | Kind::Noise { clock_rate } => *clock_rate > 0,
            Kind::Foreign(_) => true,
        };
        kind && self.payload_type < 128
    }
}

/// Paths as bytes.
pub mod path {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().as_bytes().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        let bytes = Vec::<u8>::deserialize(deserializer)?;
        Ok(PathBuf::from(OsStr::from_bytes(&bytes)))
    }
}

/// The same, of one that may be none.
pub mod optional_path {
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Path;

    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        path.clone().map(Path).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<Path>::deserialize(from)?.map(|path| path.0))
    }
}

#[cfg(test)]
mod tests;
