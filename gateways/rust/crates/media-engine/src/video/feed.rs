//! A party's pictures for the composer.

use rtp::Header;
use video::Codec;
use video::frames::{Frame, Frames, Place};

use super::composer::Composer;

/// Seconds that a missing packet is waited for: it is asked for twice meanwhile.
const PATIENCE: f64 = 0.15;

/// Whole pictures of one source under a number of the composer's.
pub struct Feed {
    member: u64,
    frames: Option<(Codec, Frames)>,
    /// What came by signalling before the codec was known.
    sets: Vec<Vec<u8>>,
    outflow: Outflow,
}

/// Who takes the pictures; and until the next key frame it takes none, when it was too slow for one.
struct Outflow {
    member: u64,
    starved: bool,
    /// Something was left out since the last one that was given.
    gap: bool,
}

impl Feed {
    pub fn new(member: u64) -> Self {
        Self {
            member,
            frames: None,
            sets: Vec::new(),
            outflow: Outflow {
                member,
                starved: true,
                gap: false,
            },
        }
    }

    pub fn member(&self) -> u64 {
        self.member
    }

    /// See [`Frames::know`].
    pub fn know(&mut self, unit: &[u8]) {
        if unit.is_empty() {
            return;
        }
        match &mut self.frames {
            Some((_, frames)) => frames.know(unit),
            None if self.sets.len() < 8 => self.sets.push(unit.to_vec()),
            None => {}
        }
    }

    pub fn put(
        &mut self,
        codec: Codec,
        header: &Header,
        payload: &[u8],
        now: f64,
        composer: &Composer,
    ) {
        if self.frames.as_ref().is_none_or(|(of, _)| *of != codec) {
            let mut frames = Frames::new(codec, PATIENCE);
            self.sets.iter().for_each(|set| frames.know(set));
            self.frames = Some((codec, frames));
            self.outflow.starved = true;
        }
        let (Some((_, frames)), outflow) = (&mut self.frames, &mut self.outflow) else {
            return;
        };
        let place = Place {
            sequence: header.sequence,
            timestamp: header.timestamp,
            marker: header.marker,
        };
        frames.put(place, payload, now, |frame| {
            outflow.give(codec, frame, composer);
        });
    }

    /// Time goes on: what is missing may be given up. Whether it waits for a key frame.
    pub fn poll(&mut self, now: f64, composer: &Composer) -> bool {
        if let Some((codec, frames)) = &mut self.frames {
            let (codec, outflow) = (*codec, &mut self.outflow);
            frames.poll(now, |frame| outflow.give(codec, frame, composer));
        }
        self.outflow.starved && composer.is_there()
    }

    /// The composer is another one, or has lost its way: it must begin with a key frame.
    pub fn restart(&mut self) {
        self.outflow.starved = true;
    }
}

impl Outflow {
    fn give(&mut self, codec: Codec, frame: Frame<'_>, composer: &Composer) {
        if self.starved && !frame.key {
            self.gap = true;
            return;
        }
        let gap = frame.after_loss || self.gap;
        self.starved = !composer.picture(self.member, codec, frame, gap);
        self.gap = self.starved;
    }
}
