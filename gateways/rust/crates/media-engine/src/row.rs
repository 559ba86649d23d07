//! The newest frames of something that makes one every 20 ms, for those who take one every 20 ms.
//!
//! All go by one clock, but threads and their delays differ: who comes too early once stays a frame behind from then on,
//! and who comes much too late takes the newest.

/// Frames that are kept: one being taken, and two by which one may be behind.
const KEPT: u64 = 3;

#[derive(Debug, Default)]
pub struct Row<T> {
    /// Frames so far. Frame `n` is at `n % KEPT` until `n + KEPT` takes its place.
    count: u64,
    frames: [T; KEPT as usize],
}

/// Where in a row somebody is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place(u64);

impl<T> Row<T> {
    /// The next frame: what was in its place before is to be written over.
    pub fn push(&mut self) -> &mut T {
        let place = (self.count % KEPT) as usize;
        self.count += 1;
        &mut self.frames[place]
    }

    /// Forget the frames, and go on counting: whoever waits for the next one is not confused.
    pub fn clear(&mut self)
    where
        T: Default,
    {
        self.frames = Default::default();
    }

    /// Where to begin, to hear what comes from now on.
    pub fn end(&self) -> Place {
        Place(self.count)
    }

    /// The next frame; None: it is not there yet.
    pub fn take(&self, place: &mut Place) -> Option<&T> {
        if place.0 >= self.count {
            return None;
        }
        if place.0 + KEPT < self.count {
            place.0 = self.count - 1;
        }
        let frame = &self.frames[(place.0 % KEPT) as usize];
        place.0 += 1;
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_too_early_stays_a_frame_behind_and_who_comes_too_late_takes_the_newest() {
        let mut row = Row::default();
        *row.push() = 99;
        let mut place = row.end();
        assert_eq!(row.take(&mut place), None, "what was before is past");
        *row.push() = 1;
        *row.push() = 2;
        assert_eq!(row.take(&mut place), Some(&1));
        *row.push() = 3;
        assert_eq!(row.take(&mut place), Some(&2));
        for n in 4..9 {
            *row.push() = n;
        }
        assert_eq!(row.take(&mut place), Some(&8));
        assert_eq!(row.take(&mut place), None);
    }
}
