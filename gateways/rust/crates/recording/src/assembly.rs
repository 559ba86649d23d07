//! A recording's sound: both sides on one time, its pauses, as the samples of its file. No I/O; time comes in.

use dsp::Tone;
use dsp::mix::{Gain, add, saturate};

use crate::timeline::Timeline;
use crate::track::{Entry, Pause, Side, What};

/// Seconds that a packet may come late and still be in the file.
pub const WINDOW: f64 = 0.3;

/// What stands for sound that must not be heard: Hz and dBm0.
const MASK: (f64, f64) = (440.0, -24.0);

/// What of a leg is kept, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Layout {
    /// What goes in on the left side, which is all there is.
    One,
    /// Both sides in one channel.
    Mixed,
    /// Each side in its channel.
    Stereo,
}

impl Layout {
    pub fn channels(self) -> usize {
        match self {
            Self::One | Self::Mixed => 1,
            Self::Stereo => 2,
        }
    }
}

pub(crate) struct Assembly {
    layout: Layout,
    rate: u32,
    /// The engine's time of the beginning.
    began: f64,
    left: Timeline,
    right: Timeline,
    /// Pauses that are not behind yet, each with its place; the last may go on.
    pauses: Vec<(i64, Option<i64>, Pause)>,
    mask: Tone,
    settled: i64,
    lefts: Vec<i16>,
    rights: Vec<i16>,
    total: Vec<i32>,
}

impl Assembly {
    pub fn new(layout: Layout, rate: u32, began: f64) -> Self {
        Self {
            layout,
            rate,
            began,
            left: Timeline::new(rate),
            right: Timeline::new(rate),
            pauses: Vec::new(),
            mask: Tone::new(MASK.0, MASK.1, rate),
            settled: 0,
            lefts: Vec::new(),
            rights: Vec::new(),
            total: Vec::new(),
        }
    }

    pub fn hear(&mut self, entry: Entry, payload: &[u8]) {
        match entry.what {
            What::Packet {
                side,
                format,
                header,
                ..
            } => {
                let at = (entry.at - self.began).max(0.0);
                match (self.layout, side) {
                    (Layout::One, Side::Right) => {}
                    (_, Side::Left) => self.left.hear(format, header, payload, at),
                    (_, Side::Right) => self.right.hear(format, header, payload, at),
                }
            }
            What::Pause(pause) => {
                let place = self.place(entry.at);
                self.resume(place);
                self.pauses.push((place, None, pause));
            }
            What::Resume => self.resume(self.place(entry.at)),
        }
    }

    /// Up to when nothing is missing that could still come.
    pub fn complete(&self, now: f64) -> f64 {
        let end = match self.layout {
            Layout::One => self.left.end(),
            Layout::Mixed | Layout::Stereo => self.left.end().min(self.right.end()),
        };
        (self.began + end as f64 / f64::from(self.rate)).clamp(now - WINDOW, now)
    }

    /// Append what was said up to a time to `out`, channels in turn; what comes later for before it is lost.
    pub fn settle(&mut self, until: f64, out: &mut Vec<i16>) {
        let until = self.place(until);
        if until <= self.settled {
            return;
        }
        self.lefts.clear();
        self.rights.clear();
        self.left.take(until, &mut self.lefts);
        if self.layout != Layout::One {
            self.right.take(until, &mut self.rights);
        }
        let mut at = self.settled;
        while at < until {
            let (end, pause) = self.piece(at, until);
            let range = (at - self.settled) as usize..(end - self.settled) as usize;
            match pause {
                None => self.compose(range, out),
                Some(Pause::Cut) => {}
                Some(Pause::Silence) => {
                    out.resize(out.len() + range.len() * self.layout.channels(), 0);
                }
                Some(Pause::Tone) => {
                    for _ in range {
                        let sample = self.mask.next_sample();
                        out.extend(std::iter::repeat_n(sample, self.layout.channels()));
                    }
                }
            }
            at = end;
        }
        self.settled = until;
        self.pauses
            .retain(|&(_, end, _)| end.is_none_or(|end| end > until));
    }

    /// Whether it is paused at a place, and until where that does not change.
    fn piece(&self, at: i64, until: i64) -> (i64, Option<Pause>) {
        for &(start, end, pause) in &self.pauses {
            let end = end.unwrap_or(i64::MAX);
            if at < start {
                return (start.min(until), None);
            }
            if at < end {
                return (end.min(until), Some(pause));
            }
        }
        (until, None)
    }

    fn compose(&mut self, range: std::ops::Range<usize>, out: &mut Vec<i16>) {
        let lefts = &self.lefts[range.clone()];
        match self.layout {
            Layout::One => out.extend_from_slice(lefts),
            Layout::Stereo => {
                let start = out.len();
                out.resize(start + 2 * lefts.len(), 0);
                let pairs = out[start..].chunks_exact_mut(2);
                for ((pair, &left), &right) in pairs.zip(lefts).zip(&self.rights[range]) {
                    pair.copy_from_slice(&[left, right]);
                }
            }
            Layout::Mixed => {
                self.total.clear();
                self.total.resize(range.len(), 0);
                add(&mut self.total, lefts, Gain::UNITY);
                add(&mut self.total, &self.rights[range], Gain::UNITY);
                let start = out.len();
                out.resize(start + self.total.len(), 0);
                saturate(&self.total, &mut out[start..]);
            }
        }
    }

    fn resume(&mut self, place: i64) {
        if let Some((_, end @ None, _)) = self.pauses.last_mut() {
            *end = Some(place);
        }
    }

    fn place(&self, at: f64) -> i64 {
        ((at - self.began).max(0.0) * f64::from(self.rate)).round() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Format;
    use rtp::Header;

    const L16: Format = Format::L16 { rate: 8000 };

    /// Both sides say one number for two seconds; gives what is kept of it, by frames of all channels.
    fn record(layout: Layout, controls: &[(f64, What)]) -> Vec<Vec<i16>> {
        let mut assembly = Assembly::new(layout, 8000, 10.0);
        let mut out = Vec::new();
        let mut controls = controls.iter().peekable();
        for n in 0..100u16 {
            let at = 10.0 + f64::from(n) * 0.02;
            while let Some(&(_, what)) = controls.next_if(|(time, _)| 10.0 + time <= at) {
                assembly.hear(Entry { at, what }, &[]);
            }
            for (side, value) in [(Side::Left, 100i16), (Side::Right, 30_000)] {
                let header = Header {
                    marker: false,
                    payload_type: 96,
                    sequence: n,
                    timestamp: u32::from(n) * 160,
                    ssrc: side as u32,
                };
                let what = What::Packet {
                    side,
                    format: L16,
                    header,
                    length: 320,
                };
                assembly.hear(Entry { at, what }, &value.to_be_bytes().repeat(160));
            }
            assembly.settle(at - WINDOW, &mut out);
        }
        assembly.settle(12.0, &mut out);
        out.chunks(layout.channels()).map(<[i16]>::to_vec).collect()
    }

    #[test]
    fn each_layout_keeps_what_it_says() {
        for (layout, frame) in [
            (Layout::One, vec![100]),
            (Layout::Mixed, vec![30_100]),
            (Layout::Stereo, vec![100, 30_000]),
        ] {
            assert_eq!(record(layout, &[]), vec![frame; 16_000], "{layout:?}");
        }
    }

    #[test]
    fn only_where_something_may_still_come_is_it_waited_for() {
        let mut assembly = Assembly::new(Layout::Stereo, 8000, 10.0);
        let mut out = Vec::new();
        let mut say = |assembly: &mut Assembly, side, n: u16| {
            let header = Header {
                marker: false,
                payload_type: 96,
                sequence: n,
                timestamp: u32::from(n) * 160,
                ssrc: side as u32,
            };
            let at = 10.0 + f64::from(n) * 0.02;
            let what = What::Packet {
                side,
                format: L16,
                header,
                length: 320,
            };
            assembly.hear(Entry { at, what }, &[1; 320]);
            let complete = assembly.complete(at + 0.02);
            assembly.settle(complete, &mut out);
            (at + 0.02 - complete, out.len() / 2)
        };
        for n in 0..50 {
            say(&mut assembly, Side::Left, n);
            say(&mut assembly, Side::Right, n);
        }
        let (behind, frames) = say(&mut assembly, Side::Right, 50);
        assert!(behind < 0.021 && frames == 8000, "{behind} s, {frames}");
        // The left one's packet is missing.
        let (behind, _) = say(&mut assembly, Side::Left, 51);
        assert!((behind - 0.04).abs() < 0.001, "{behind} s");
        let (behind, _) = say(&mut assembly, Side::Right, 80);
        assert!((behind - WINDOW).abs() < 0.001, "{behind} s");
        assert!(out[..16_000].iter().all(|&sample| sample == 257));
    }

    #[test]
    fn a_pause_is_silent_or_a_tone_or_not_there_at_all() {
        let paused = |pause| {
            record(
                Layout::Stereo,
                &[(0.5, What::Pause(pause)), (1.5, What::Resume)],
            )
        };
        let sound = vec![100, 30_000];
        let silent = paused(Pause::Silence);
        assert_eq!(silent[..4000], vec![sound.clone(); 4000]);
        assert_eq!(silent[4000..12_000], vec![vec![0, 0]; 8000]);
        assert_eq!(silent[12_000..], vec![sound.clone(); 4000]);
        let tone = paused(Pause::Tone);
        let masked: Vec<i16> = tone[4000..12_000].iter().map(|frame| frame[1]).collect();
        assert!((dsp::dbm0(&masked) - MASK.1).abs() < 0.2);
        assert_eq!(tone[12_000..], vec![sound.clone(); 4000]);
        assert_eq!(paused(Pause::Cut), vec![sound; 8000]);
    }

    #[test]
    fn a_pause_can_change_its_kind_and_last_to_the_end() {
        let frames = record(
            Layout::One,
            &[
                (0.5, What::Pause(Pause::Silence)),
                (1.0, What::Pause(Pause::Cut)),
                (1.2, What::Resume),
                (1.3, What::Resume),
                (1.5, What::Pause(Pause::Silence)),
            ],
        );
        let of = |range: std::ops::Range<usize>, value| {
            assert_eq!(frames[range.clone()], vec![vec![value]; range.len()]);
        };
        of(0..4000, 100);
        of(4000..8000, 0);
        of(8000..10_400, 100);
        of(10_400..14_400, 0);
        assert_eq!(frames.len(), 14_400);
    }
}
