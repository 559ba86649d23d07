//! What is counted of pictures beside packets.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Of one leg, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoFigures {
    /// Pictures that came whole from the party and in their order, and key frames that began to come.
    pub frames: u64,
    pub key_frames: u64,
    /// Times that the party asked for a key frame by RTCP, and that it was asked for one.
    pub asked_by_party: u64,
    pub asked_of_party: u64,
    /// Packets sent again because the party missed them.
    pub resent: u64,
    /// Of the newest picture that told it; 0: none did.
    pub width: u32,
    pub height: u32,
}

/// The live form of [`VideoFigures`].
#[derive(Default)]
pub struct VideoCounters {
    frames: AtomicU64,
    key_frames: AtomicU64,
    asked_by_party: AtomicU64,
    asked_of_party: AtomicU64,
    resent: AtomicU64,
    /// The width above, the height below.
    size: AtomicU64,
}

impl VideoCounters {
    pub fn open(&self) {
        for counter in [
            &self.frames,
            &self.key_frames,
            &self.asked_by_party,
            &self.asked_of_party,
            &self.resent,
            &self.size,
        ] {
            counter.store(0, Relaxed);
        }
    }

    pub fn count_frame(&self) {
        self.frames.store(self.frames.load(Relaxed) + 1, Relaxed);
    }

    pub fn count_key_frame(&self) {
        self.key_frames
            .store(self.key_frames.load(Relaxed) + 1, Relaxed);
    }

    pub fn count_asked_by_party(&self) {
        self.asked_by_party
            .store(self.asked_by_party.load(Relaxed) + 1, Relaxed);
    }

    /// The thread of whom it is bridged with counts this, too.
    pub fn count_asked_of_party(&self) {
        self.asked_of_party.fetch_add(1, Relaxed);
    }

    /// The thread of the source that it is shown counts this.
    pub fn count_resent(&self) {
        self.resent.fetch_add(1, Relaxed);
    }

    pub fn set_size(&self, (width, height): (u32, u32)) {
        self.size
            .store(u64::from(width) << 32 | u64::from(height), Relaxed);
    }

    pub fn read(&self) -> VideoFigures {
        let size = self.size.load(Relaxed);
        VideoFigures {
            frames: self.frames.load(Relaxed),
            key_frames: self.key_frames.load(Relaxed),
            asked_by_party: self.asked_by_party.load(Relaxed),
            asked_of_party: self.asked_of_party.load(Relaxed),
            resent: self.resent.load(Relaxed),
            width: (size >> 32) as u32,
            height: size as u32,
        }
    }
}
