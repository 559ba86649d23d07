//! What the far end of a media stream hears: what a leg's party says, what that hears of others, or both.

use dsp::vad::Vad;

use crate::command::Direction;
use crate::converter::Converter;
use crate::leg::Around;
use crate::mixed::Seat;
use crate::speaker::frame_length;
use crate::voice::Hearing;

/// Whom a leg's party hears: its partner, or a mix. Each with the epoch of its slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Company {
    #[default]
    Nobody,
    Leg(u32, u64),
    Mix(u32, u64),
}

/// Takes the sound of a leg, 20 ms at a time.
pub struct Outgoing {
    around: Around,
    leg: u32,
    rate: u32,
    direction: Direction,
    said: Option<Side<Hearing>>,
    heard: Side<Others>,
    company: Company,
    vad: Vad,
    speaks: bool,
}

/// Where sound comes from, and its way to the rate of the stream.
struct Side<T> {
    source: T,
    converter: Converter,
    raw: Vec<i16>,
    samples: Vec<i16>,
}

enum Others {
    Nobody,
    Leg(Hearing),
    Mix(Seat),
}

impl<T> Side<T> {
    fn new(source: T) -> Self {
        Self {
            source,
            converter: Converter::default(),
            raw: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// Bring 20 ms to a rate; None: there is silence.
    fn bring(&mut self, heard: Option<u32>, rate: u32) {
        self.samples.clear();
        if let Some(from) = heard {
            self.converter
                .bring(&self.raw, from, rate, &mut self.samples);
        }
        self.samples.resize(frame_length(rate), 0);
    }
}

impl Outgoing {
    pub fn new(around: Around, leg: u32, epoch: u64, rate: u32, direction: Direction) -> Self {
        let says = direction != Direction::Heard;
        Self {
            said: says.then(|| Side::new(around.voices.hear(leg, epoch))),
            around,
            leg,
            rate,
            direction,
            heard: Side::new(Others::Nobody),
            company: Company::Nobody,
            vad: Vad::default(),
            speaks: false,
        }
    }

    /// Hear these as what the party hears, from now on.
    pub fn accompany(&mut self, company: Company) {
        if self.direction == Direction::Said || self.company == company {
            return;
        }
        self.company = company;
        self.heard.source = match company {
            Company::Nobody => Others::Nobody,
            Company::Leg(leg, epoch) => Others::Leg(self.around.voices.hear(leg, epoch)),
            Company::Mix(mix, epoch) => Others::Mix(self.around.mixes.seat(mix, epoch)),
        };
    }

    /// Write the next 20 ms, little-endian and in turn for two channels; gives whether the party began or ceased to speak.
    pub fn frame(&mut self, out: &mut Vec<u8>) -> Option<bool> {
        let mut changed = None;
        if let Some(said) = &mut self.said {
            said.raw.clear();
            let heard = said.source.frame(&mut said.raw);
            said.bring(heard.map(|heard| heard.rate), self.rate);
            let speaks = self.vad.hear(&said.samples);
            changed = (speaks != self.speaks).then_some(speaks);
            self.speaks = speaks;
        }
        let heard = &mut self.heard;
        heard.raw.clear();
        let rate = match &mut heard.source {
            Others::Nobody => None,
            Others::Leg(hearing) => hearing.frame(&mut heard.raw).map(|heard| heard.rate),
            Others::Mix(seat) => seat.frame().map(|mixed| {
                mixed.share(self.leg, None, &mut heard.raw);
                mixed.rate
            }),
        };
        heard.bring(rate, self.rate);
        let heard = &heard.samples;
        let said = self.said.as_ref().map_or(&[][..], |said| &said.samples);
        let both = || said.iter().zip(heard);
        let put = |out: &mut Vec<u8>, sample: i16| out.extend_from_slice(&sample.to_le_bytes());
        match self.direction {
            Direction::Said => said.iter().for_each(|&sample| put(out, sample)),
            Direction::Heard => heard.iter().for_each(|&sample| put(out, sample)),
            Direction::Mixed => both().for_each(|(&a, &b)| put(out, a.saturating_add(b))),
            Direction::Stereo => both().for_each(|(&a, &b)| {
                put(out, a);
                put(out, b);
            }),
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::mixed::Mixes;
    use crate::studio::Tracks;
    use crate::voice::Voices;

    fn around() -> Around {
        let voices = Arc::new(Voices::new(2));
        voices.open(0, 1);
        voices.open(1, 2);
        Around {
            voices,
            mixes: Arc::new(Mixes::new(1)),
            tracks: Arc::new(Tracks::new(2)),
        }
    }

    fn first(outgoing: &mut Outgoing, count: usize) -> Vec<i16> {
        let mut out = Vec::new();
        outgoing.frame(&mut out);
        let samples = out
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        samples.take(count).collect()
    }

    #[test]
    fn each_direction_has_who_is_in_it_and_silence_where_nobody_speaks() {
        for (direction, samples) in [
            (Direction::Said, [100, 100]),
            (Direction::Heard, [23, 23]),
            (Direction::Mixed, [123, 123]),
            (Direction::Stereo, [100, 23]),
        ] {
            let around = around();
            let mut outgoing = Outgoing::new(around.clone(), 0, 1, 8000, direction);
            outgoing.accompany(Company::Leg(1, 2));
            around.voices.speak(0, 8000, false, 0.0, &[100; 160]);
            around.voices.speak(1, 8000, true, 0.0, &[23; 160]);
            assert_eq!(first(&mut outgoing, 2), samples, "{direction:?}");
            assert_eq!(first(&mut outgoing, 2), [0, 0], "{direction:?}");
            let mut out = Vec::new();
            outgoing.frame(&mut out);
            let channels = if direction == Direction::Stereo { 2 } else { 1 };
            assert_eq!(out.len(), 320 * channels);
        }
    }

    #[test]
    fn nobody_is_made_to_speak_whom_a_stream_does_not_want() {
        let around = around();
        let mut outgoing = Outgoing::new(around.clone(), 0, 1, 8000, Direction::Said);
        outgoing.accompany(Company::Leg(1, 2));
        assert!(around.voices.wanted(0) && !around.voices.wanted(1));
        drop(outgoing);
        let mut outgoing = Outgoing::new(around.clone(), 0, 1, 8000, Direction::Heard);
        outgoing.accompany(Company::Leg(1, 2));
        assert!(!around.voices.wanted(0) && around.voices.wanted(1));
        outgoing.accompany(Company::Nobody);
        assert!(!around.voices.wanted(1));
    }
}
