//! Recordings: packets of calls in, sound files out, by threads that the media engine never waits for.
//!
//! A media thread puts packets as they come into a [`Track`]: a bounded inbox, in which what finds no room is lost and
//! counted. Writer threads take them out twice a second, put them in order on the recording's time (`timeline`),
//! decode them, join both sides and leave out what must not be heard (`assembly`), and append them to a file
//! (`sound_file`, `wav`, `opus_file` on `ogg`) that can be played at any time: a crash of the process loses less than a
//! second. Another thread (`finisher`) waits for the disk: what is written is on it within some five seconds, and a
//! finished file is on it before it loses its `.part` and its end is told. `opus_reading` goes the other way, for prompts.

mod assembly;
mod disk;
mod finisher;
mod ogg;
mod opus_file;
mod opus_reading;
mod recorder;
mod sound_file;
mod timeline;
mod track;
mod wav;
mod writer;

pub use assembly::Layout;
pub use disk::{Disk, LocalDisk, Output};
pub use opus_reading::{RATE as READING_RATE, Unreadable, read as read_ogg_opus};
pub use recorder::{Event, Figures, Recorder, Take};
pub use sound_file::{Container, part_of};
pub use track::{Pause, Side, Track};
