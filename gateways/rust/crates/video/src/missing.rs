//! Which packets of a source are missing and worth asking for (RFC 4585).

use crate::feedback::Feedback;

/// Packets asked for at once, at most.
const MOST: usize = 128;
/// A jump over more is another part of the stream, and no loss that could be mended.
const JUMP: u16 = 256;
/// Seconds in which a packet that was overtaken may still come by itself ...
const PATIENCE: f64 = 0.010;
/// ... between two requests for one, at the least ...
const BETWEEN: f64 = 0.040;
/// ... and after which nobody wants it any more.
const TOO_LATE: f64 = 0.5;
const REQUESTS: u8 = 6;

#[derive(Clone, Copy, Debug)]
struct Gap {
    sequence: u16,
    since: f64,
    next: f64,
    requests: u8,
}

/// Follows one source.
#[derive(Debug, Default)]
pub struct Missing {
    newest: Option<u16>,
    gaps: Vec<Gap>,
    /// Whether packets were given up since the last look.
    given_up: bool,
}

impl Missing {
    /// A packet came, of itself or sent again.
    pub fn came(&mut self, sequence: u16, now: f64) {
        let Some(newest) = self.newest else {
            self.newest = Some(sequence);
            return;
        };
        let ahead = sequence.wrapping_sub(newest);
        if ahead == 0 {
            return;
        }
        if ahead >= 0x8000 {
            if newest.wrapping_sub(sequence) > JUMP {
                // Its sender began anew.
                self.begin(sequence);
            } else if let Some(at) = self.gaps.iter().position(|gap| gap.sequence == sequence) {
                self.gaps.remove(at);
            }
            return;
        }
        if ahead > JUMP {
            self.begin(sequence);
            return;
        }
        let missing = usize::from(ahead - 1);
        let over = (self.gaps.len() + missing).saturating_sub(MOST);
        self.given_up |= over > 0;
        self.gaps.drain(..over.min(self.gaps.len()));
        for sequence in ahead - missing.min(MOST) as u16..ahead {
            self.gaps.push(Gap {
                sequence: newest.wrapping_add(sequence),
                since: now,
                next: now + PATIENCE,
                requests: 0,
            });
        }
        self.newest = Some(sequence);
    }

    fn begin(&mut self, sequence: u16) {
        self.given_up = true;
        self.gaps.clear();
        self.newest = Some(sequence);
    }

    /// Another source is heard.
    pub fn reset(&mut self) {
        *self = Self {
            gaps: std::mem::take(&mut self.gaps),
            ..Self::default()
        };
        self.gaps.clear();
    }

    /// Whether packets were lost for good since this was asked last: only a key frame helps.
    pub fn take_given_up(&mut self) -> bool {
        std::mem::take(&mut self.given_up)
    }

    /// Give up what is too late, and append what is to be asked for now. `round_trip`: seconds to the source and back,
    /// where that is known.
    pub fn due(&mut self, media: u32, round_trip: Option<f64>, now: f64, out: &mut Vec<Feedback>) {
        let before = self.gaps.len();
        self.gaps
            .retain(|gap| now - gap.since <= TOO_LATE && gap.requests < REQUESTS);
        self.given_up |= self.gaps.len() < before;
        let between = round_trip.map_or(BETWEEN, |seconds| (seconds * 1.5).max(BETWEEN));
        for gap in &mut self.gaps {
            // As much as a request a sooner than its tick makes one.
            if now + 0.001 < gap.next {
                continue;
            }
            gap.next = now + between;
            gap.requests += 1;
            if let Some(Feedback::Nack { first, others, .. }) = out.last_mut() {
                let behind = gap.sequence.wrapping_sub(*first);
                if (1..=16).contains(&behind) {
                    *others |= 1 << (behind - 1);
                    continue;
                }
            }
            out.push(Feedback::Nack {
                media,
                first: gap.sequence,
                others: 0,
            });
        }
    }

    /// Give up what has not come by itself in so many seconds: it cannot be asked for.
    pub fn give_up_after(&mut self, seconds: f64, now: f64) {
        let before = self.gaps.len();
        self.gaps.retain(|gap| now - gap.since <= seconds);
        self.given_up |= self.gaps.len() < before;
    }

    /// Whether nothing is missing, and nothing was given up since that was asked last.
    pub fn is_quiet(&self) -> bool {
        self.gaps.is_empty() && !self.given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(missing: &mut Missing, now: f64) -> Vec<(u16, u16)> {
        let mut out = Vec::new();
        missing.due(1, None, now, &mut out);
        out.iter()
            .map(|feedback| match feedback {
                Feedback::Nack { first, others, .. } => (*first, *others),
                _ => unreachable!(),
            })
            .collect()
    }

    #[test]
    fn what_is_missing_is_asked_for_until_it_comes_or_is_too_late() {
        let mut missing = Missing::default();
        for sequence in [65_533, 65_534, 0, 3, 30] {
            missing.came(sequence, 1.0);
        }
        missing.came(2, 1.005);
        assert_eq!(asked(&mut missing, 1.005), [], "it may be overtaken only");
        let all = asked(&mut missing, 1.02);
        assert_eq!(all, [(65_535, 0xfff2), (16, 0x1fff)]);
        missing.came(65_535, 1.03);
        missing.came(1, 1.03);
        assert_eq!(asked(&mut missing, 1.03), [], "not again at once");
        let again = asked(&mut missing, 1.07);
        assert_eq!(again, [(4, 0xffff), (21, 0xff)]);
        assert!(!missing.take_given_up());
        assert_eq!(asked(&mut missing, 1.6), []);
        assert!(missing.take_given_up() && missing.is_quiet());
    }

    #[test]
    fn of_many_that_are_missing_the_newest_are_asked_for() {
        for steps in [&[300u16, 500][..], &[100, 230, 400], &[90, 91, 200, 210]] {
            let (mut missing, mut all) = (Missing::default(), Vec::new());
            missing.came(65_500, 0.0);
            let mut newest = 0;
            for &step in steps {
                missing.came(65_500u16.wrapping_add(step), 0.0);
                if step - newest > JUMP {
                    all.clear();
                } else {
                    all.extend((newest + 1..step).map(|step| 65_500u16.wrapping_add(step)));
                }
                newest = step;
                let kept: Vec<u16> = missing.gaps.iter().map(|gap| gap.sequence).collect();
                assert_eq!(kept, all[all.len().saturating_sub(MOST)..]);
            }
        }
    }

    #[test]
    fn it_is_bounded_and_a_jump_is_no_loss() {
        let mut missing = Missing::default();
        missing.came(0, 0.0);
        missing.came(200, 0.0);
        assert!(missing.take_given_up(), "more than it keeps");
        assert_eq!(missing.gaps.len(), MOST);
        missing.came(10_000, 0.0);
        assert!(missing.take_given_up() && missing.is_quiet());
        missing.came(300, 0.0);
        assert!(missing.take_given_up() && missing.is_quiet());
    }
}
