//! A sound file that can be played at any time while it grows.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::assembly::Layout;
use crate::disk::{Disk, Output};
use crate::opus_file::OpusFile;
use crate::wav;

/// How sound is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Container {
    /// 16-bit samples as they are.
    Wav,
    OggOpus,
}

enum Shape {
    /// Samples of a channel that are in the file.
    Wav(u64),
    Opus(Box<OpusFile>),
}

/// What a file is named by until it is complete: whoever looks into the folder takes only what will not change.
pub fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

pub(crate) struct SoundFile {
    output: Arc<dyn Output>,
    path: PathBuf,
    channels: usize,
    rate: u32,
    shape: Shape,
    /// Bytes of it that are right; behind them may be what a full disk left of a failed write.
    length: u64,
    /// Samples as bytes: room to work in.
    bytes: Vec<u8>,
}

/// Why samples are not in a file.
#[derive(Debug)]
pub(crate) enum Trouble {
    Disk(io::Error),
    /// It is as long as a file of its kind can be.
    Full,
}

impl SoundFile {
    pub fn create(
        disk: &dyn Disk,
        path: &Path,
        container: Container,
        layout: Layout,
        rate: u32,
    ) -> io::Result<Self> {
        let channels = layout.channels();
        let mut shape = match container {
            Container::Wav => Shape::Wav(0),
            Container::OggOpus => {
                let file = OpusFile::new(channels, rate).map_err(io::Error::other)?;
                Shape::Opus(Box::new(file))
            }
        };
        let output: Arc<dyn Output> = disk.create(&part_of(path))?.into();
        let head = match &mut shape {
            Shape::Wav(_) => wav::header(channels, rate, 0).to_vec(),
            Shape::Opus(file) => file.head(),
        };
        output.write_at(&head, 0)?;
        Ok(Self {
            output,
            path: path.to_path_buf(),
            channels,
            rate,
            shape,
            length: head.len() as u64,
            bytes: Vec::new(),
        })
    }

    /// Put samples, channels in turn, behind the others. When it fails the file stays as it is, without them; the next
    /// ones may have more luck.
    pub fn append(&mut self, samples: &[i16]) -> Result<(), Trouble> {
        if let Shape::Opus(file) = &mut self.shape {
            file.append(samples);
            return self.write_pages(false);
        }
        self.append_wav(samples)
    }

    /// Write what is left. The file still has its first name.
    pub fn close(&mut self) -> Result<(), Trouble> {
        let written = match &mut self.shape {
            Shape::Wav(_) => Ok(()),
            Shape::Opus(file) => {
                file.close();
                self.write_pages(true)
            }
        };
        self.output.truncate(self.length).map_err(Trouble::Disk)?;
        written
    }

    pub fn output(&self) -> &Arc<dyn Output> {
        &self.output
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn bytes(&self) -> u64 {
        self.length
    }

    pub fn milliseconds(&self) -> u64 {
        let samples = match &self.shape {
            Shape::Wav(samples) => *samples,
            Shape::Opus(file) => file.samples(),
        };
        samples * 1000 / u64::from(self.rate)
    }

    /// How long some samples last, of all channels.
    pub fn milliseconds_of(&self, samples: usize) -> u64 {
        (samples / self.channels) as u64 * 1000 / u64::from(self.rate)
    }

    fn append_wav(&mut self, samples: &[i16]) -> Result<(), Trouble> {
        self.bytes.resize(2 * samples.len(), 0);
        for (pair, sample) in self.bytes.chunks_exact_mut(2).zip(samples) {
            pair.copy_from_slice(&sample.to_le_bytes());
        }
        let length = self.length + self.bytes.len() as u64;
        let sound = length - wav::HEADER as u64;
        if sound > wav::MOST_BYTES {
            return Err(Trouble::Full);
        }
        // First the sound, then the header that counts it: in between the file is only shorter than it could be.
        let written = self
            .output
            .write_at(&self.bytes, self.length)
            .and_then(|()| {
                let header = wav::header(self.channels, self.rate, sound);
                self.output.write_at(&header, 0)
            });
        written.map_err(Trouble::Disk)?;
        self.length = length;
        if let Shape::Wav(written) = &mut self.shape {
            *written += (samples.len() / self.channels) as u64;
        }
        Ok(())
    }

    fn write_pages(&mut self, last: bool) -> Result<(), Trouble> {
        let Shape::Opus(file) = &mut self.shape else {
            return Ok(());
        };
        while let Some((page, packets)) = file.page(last) {
            match self.output.write_at(&page, self.length) {
                Ok(()) => {
                    file.done(packets);
                    self.length += page.len() as u64;
                }
                Err(error) => {
                    file.lost(packets);
                    return Err(Trouble::Disk(error));
                }
            }
        }
        Ok(())
    }
}
