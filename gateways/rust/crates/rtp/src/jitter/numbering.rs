//! Which packets are the stream's, and where each stands in it.

use crate::packet::Header;

/// A jump forward that is still loss and no restart (RFC 3550 section A.1, MAX_DROPOUT).
const MAX_DROPOUT: i16 = 3000;
/// How far back the numbers that came are remembered; what lies farther back is no reordering.
const WINDOW: i16 = 128;
/// Seconds without a packet after which a source counts as ended.
const QUIET: f64 = 0.1;

/// Numbers the packets of one party through wraps, restarts and changes of SSRC.
///
/// Another source, or another numbering of the same one, is believed when two of its packets come in order and none of
/// the present source between them (section A.1 asks for as many). One that goes back to where the stream has been
/// must wait until the present one is quiet: else it is a replay.
#[derive(Debug, Default)]
pub struct Numbering {
    present: Option<Present>,
    /// The source and number of the packet that would prove a new numbering.
    candidate: Option<(u32, u16)>,
    former_ssrc: Option<u32>,
}

#[derive(Debug)]
struct Present {
    ssrc: u32,
    highest: i64,
    /// Added to the packets' numbers to have the lower bits of ours.
    shift: u16,
    /// Which of the numbers up to the highest came; that one is the lowest bit.
    came: u128,
    heard_at: f64,
}

/// What a packet is to the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its place in the row.
    At(i64),
    /// It proves a new numbering: its place, right behind that of the packet with [`Place::Doubtful`] before it.
    Proves(i64),
    /// Perhaps the first of a new numbering: to be kept for the next packet.
    Doubtful,
    Duplicate,
}

impl Numbering {
    pub fn place(&mut self, header: &Header, now: f64) -> Place {
        let Some(present) = &mut self.present else {
            self.present = Some(Present {
                ssrc: header.ssrc,
                highest: i64::from(header.sequence),
                shift: 0,
                came: 1,
                heard_at: now,
            });
            return Place::At(i64::from(header.sequence));
        };
        let mut goes_back = self.former_ssrc == Some(header.ssrc);
        if header.ssrc == present.ssrc {
            let ours = header.sequence.wrapping_add(present.shift);
            let step = ours.wrapping_sub(present.highest as u16) as i16;
            if step > 0 && step < MAX_DROPOUT {
                present.came = present.came.checked_shl(step as u32).unwrap_or(0) | 1;
                present.highest += i64::from(step);
                present.heard_at = now;
                self.candidate = None;
                return Place::At(present.highest);
            }
            if step <= 0 && step > -WINDOW {
                let bit = 1 << -step;
                if present.came & bit != 0 {
                    return Place::Duplicate;
                }
                present.came |= bit;
                return Place::At(present.highest + i64::from(step));
            }
            goes_back = step < 0;
        }
        let proven = self.candidate == Some((header.ssrc, header.sequence))
            && (!goes_back || now - present.heard_at >= QUIET);
        if !proven {
            self.candidate = Some((header.ssrc, header.sequence.wrapping_add(1)));
            return Place::Doubtful;
        }
        self.candidate = None;
        if header.ssrc != present.ssrc {
            self.former_ssrc = Some(present.ssrc);
        }
        present.ssrc = header.ssrc;
        present.highest += 2;
        present.shift = (present.highest as u16).wrapping_sub(header.sequence);
        present.came = present.came << 2 | 0b11;
        present.heard_at = now;
        Place::Proves(present.highest)
    }

    /// How many numbers between two did not come, as far as that is remembered.
    pub fn missing(&self, after: i64, before: i64) -> u32 {
        let Some(present) = &self.present else {
            return 0;
        };
        let remembered = (present.highest - i64::from(WINDOW) + 1).max(after + 1);
        let forgotten = (remembered.min(before) - after - 1).max(0);
        let count = (remembered..before)
            .filter(|number| present.came & 1 << (present.highest - number) == 0)
            .count();
        count as u32 + u32::try_from(forgotten).unwrap_or(u32::MAX)
    }

    /// Whether the packet behind this one came.
    pub fn came_after(&self, number: i64) -> bool {
        self.present.as_ref().is_some_and(|present| {
            let back = present.highest - number - 1;
            (0..i64::from(WINDOW)).contains(&back) && present.came & 1 << back != 0
        })
    }

    pub fn is_highest(&self, number: i64) -> bool {
        self.present
            .as_ref()
            .is_some_and(|present| present.highest == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(ssrc: u32, sequence: u16) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp: 0,
            ssrc,
        }
    }

    fn places(packets: &[(u32, u16)]) -> Vec<Place> {
        let mut numbering = Numbering::default();
        packets
            .iter()
            .enumerate()
            .map(|(n, &(ssrc, sequence))| numbering.place(&header(ssrc, sequence), 0.02 * n as f64))
            .collect()
    }

    #[test]
    fn numbers_go_on_through_the_wrap_and_duplicates_are_known() {
        let places = places(&[(1, 65_534), (1, 0), (1, 65_535), (1, 0), (1, 1)]);
        assert_eq!(
            places,
            [
                Place::At(65_534),
                Place::At(65_536),
                Place::At(65_535),
                Place::Duplicate,
                Place::At(65_537)
            ]
        );
    }

    #[test]
    fn another_source_is_believed_by_two_packets_in_order() {
        let places = places(&[(1, 10), (2, 500), (1, 11), (2, 501), (2, 502), (2, 503)]);
        assert_eq!(
            places,
            [
                Place::At(10),
                Place::Doubtful,
                Place::At(11),
                Place::Doubtful,
                Place::Proves(13),
                Place::At(14)
            ]
        );
    }

    #[test]
    fn the_former_source_comes_back_only_when_the_present_one_is_quiet() {
        let mut numbering = Numbering::default();
        let mut place = |ssrc, sequence, now| numbering.place(&header(ssrc, sequence), now);
        place(1, 10, 0.0);
        place(2, 500, 0.02);
        assert_eq!(place(2, 501, 0.04), Place::Proves(12));
        assert_eq!(place(1, 11, 0.05), Place::Doubtful);
        assert_eq!(place(1, 12, 0.06), Place::Doubtful);
        assert_eq!(place(1, 13, 0.2), Place::Proves(14));
    }

    #[test]
    fn a_replay_of_old_packets_is_not_believed_while_the_stream_goes_on() {
        let mut numbering = Numbering::default();
        for n in 0..1000u16 {
            let now = 0.02 * f64::from(n);
            assert_eq!(numbering.place(&header(1, n), now), Place::At(i64::from(n)));
            if n > 500 {
                for back in [n - 300, n - 299, n - 298] {
                    assert_eq!(numbering.place(&header(1, back), now), Place::Doubtful);
                }
            }
        }
    }

    #[test]
    fn what_did_not_come_is_counted() {
        let mut numbering = Numbering::default();
        for sequence in [1, 2, 5, 6, 9] {
            numbering.place(&header(1, sequence), 0.0);
        }
        assert_eq!(numbering.missing(2, 5), 2);
        assert_eq!(numbering.missing(1, 9), 4);
        assert!(numbering.came_after(1) && !numbering.came_after(2));
        numbering.place(&header(1, 1000), 0.0);
        assert_eq!(numbering.missing(9, 1000), 990);
    }
}
