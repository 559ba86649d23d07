//! What is played to a leg or a mix: prompts, tones and silence, one after the other.

use std::sync::Arc;

use dsp::Tone;

use crate::converter::Converter;
use crate::encoded::Encoded;
use crate::prompt::Prompt;
use crate::speaker::{Manner, Packets, Speaker, frame_length};
use crate::stream::TICK_MS;

/// Sound is taken in pieces of ten milliseconds, the shortest that a format has.
const PIECE_MS: u32 = 10;

/// One thing to be played.
#[derive(Clone)]
pub enum Item {
    Prompt {
        prompt: Arc<Prompt>,
        from_ms: u32,
    },
    /// `ms` None: for ever.
    Tone {
        tone: Arc<ToneSpec>,
        ms: Option<u32>,
    },
    Silence {
        ms: u32,
    },
}

/// A tone: its parts, and its rhythm.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ToneSpec {
    /// Hz and dBm0 of each part, all heard together.
    pub parts: Vec<(f64, f64)>,
    /// Milliseconds of sound and of silence, one after the other and then anew; empty: it is steady.
    pub cadence: Vec<u32>,
}

impl ToneSpec {
    pub fn steady(frequency: f64, level: f64) -> Self {
        Self {
            parts: vec![(frequency, level)],
            cadence: Vec::new(),
        }
    }

    /// Whether it sounds at a time from its beginning.
    fn sounds(&self, at_ms: u32) -> bool {
        let round: u32 = self.cadence.iter().sum();
        if round == 0 {
            return true;
        }
        let mut left = at_ms % round;
        for (index, &ms) in self.cadence.iter().enumerate() {
            if left < ms {
                return index % 2 == 0;
            }
            left -= ms;
        }
        false
    }
}

impl Item {
    /// None: it has no end.
    fn duration_ms(&self) -> Option<u32> {
        match self {
            Self::Prompt { prompt, from_ms } => Some(prompt.duration_ms().saturating_sub(*from_ms)),
            Self::Tone { ms, .. } => *ms,
            Self::Silence { ms } => Some(*ms),
        }
    }
}

/// A list that is being played.
pub struct Playing {
    items: Vec<Item>,
    operation: u64,
    looped: bool,
    paused: bool,
    /// The present item, and how much of it is over.
    index: usize,
    at_ms: u32,
    /// Time for which nothing was sent yet, where packets are longer than a tick.
    owed_ms: u32,
    generator: Generator,
}

/// What makes the present item's sound.
#[derive(Default)]
enum Generator {
    /// Not begun.
    #[default]
    None,
    Encoded(Arc<Encoded>, Manner),
    Samples(Converter),
    Tones(u32, Vec<Tone>),
}

impl Playing {
    pub fn new(items: Vec<Item>, operation: u64, looped: bool) -> Self {
        Self {
            items,
            operation,
            looped,
            paused: false,
            index: 0,
            at_ms: 0,
            owed_ms: 0,
            generator: Generator::None,
        }
    }

    pub fn operation(&self) -> u64 {
        self.operation
    }

    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Go to a time from the list's beginning; behind its end there is nothing left, or it begins anew.
    pub fn seek(&mut self, ms: u32) {
        self.index = 0;
        self.at_ms = ms;
        self.generator = Generator::None;
        while let Some(item) = self.items.get(self.index) {
            match item.duration_ms() {
                Some(length) if self.at_ms >= length => self.at_ms -= length,
                _ => return,
            }
            self.index += 1;
        }
        self.at_ms = 0;
    }

    /// Say 20 ms of it to a party: whether it goes on. What is encoded already is not made anew.
    pub fn say(
        &mut self,
        speaker: &mut Speaker,
        now: f64,
        scratch: &mut Vec<i16>,
        out: &mut Packets,
    ) -> bool {
        if self.paused {
            speaker.pause(now, out);
            return true;
        }
        let manner = speaker.manner();
        if self.encoded(manner) {
            self.owed_ms += TICK_MS;
            while self.owed_ms >= manner.ptime && self.encoded(manner) {
                self.owed_ms -= manner.ptime;
                self.say_encoded(speaker, now, out);
            }
            return true;
        }
        let rate = speaker.rate_for(self.rate());
        scratch.clear();
        if !self.frame(rate, scratch) {
            return false;
        }
        speaker.say(scratch, rate, now, out);
        true
    }

    /// The same for a party that may not be spoken to: on hold a prompt goes on unheard, so that whoever waits for its
    /// end does not wait for ever.
    pub fn pass_unheard(&mut self, scratch: &mut Vec<i16>) -> bool {
        scratch.clear();
        self.paused || self.frame(8000, scratch)
    }

    /// Append 20 ms at a rate to `out`, and silence behind the end: whether there was anything.
    pub fn frame(&mut self, rate: u32, out: &mut Vec<i16>) -> bool {
        if self.paused {
            return true;
        }
        let end = out.len() + frame_length(rate);
        let mut any = false;
        while out.len() < end && self.settle() {
            any = true;
            self.piece(rate, out);
            self.at_ms += PIECE_MS;
        }
        if any {
            out.resize(end, 0);
        }
        any
    }

    /// Go on to the next item where one is over, and round where it is looped: whether there is anything left.
    fn settle(&mut self) -> bool {
        let mut rounds = 0;
        loop {
            match self.items.get(self.index).map(Item::duration_ms) {
                Some(Some(length)) if self.at_ms >= length => {
                    self.index += 1;
                    self.at_ms = 0;
                    self.generator = Generator::None;
                }
                Some(_) => return true,
                // A list without any sound would go round for ever.
                None if self.looped && rounds == 0 => {
                    self.index = 0;
                    rounds = 1;
                }
                None => return false,
            }
        }
    }

    /// The rate at which the present item's sound exists.
    pub fn rate(&self) -> u32 {
        match self.items.get(self.index) {
            Some(Item::Prompt { prompt, .. }) => prompt.rate(),
            _ => 8000,
        }
    }

    /// Ten milliseconds of the present item.
    fn piece(&mut self, rate: u32, out: &mut Vec<i16>) {
        let end = out.len() + (rate / 100) as usize;
        match &self.items[self.index] {
            Item::Prompt { prompt, from_ms } => {
                let samples = prompt.ten_ms(from_ms + self.at_ms);
                if !matches!(self.generator, Generator::Samples(_)) {
                    self.generator = Generator::Samples(Converter::default());
                }
                if let Generator::Samples(converter) = &mut self.generator {
                    converter.bring(samples, prompt.rate(), rate, out);
                }
            }
            Item::Tone { tone, .. } => {
                if !matches!(self.generator, Generator::Tones(made, _) if made == rate) {
                    let parts = tone.parts.iter();
                    let tones = parts.map(|&(hz, level)| Tone::new(hz, level, rate));
                    self.generator = Generator::Tones(rate, tones.collect());
                }
                if let (true, Generator::Tones(_, tones)) =
                    (tone.sounds(self.at_ms), &mut self.generator)
                {
                    out.extend((out.len()..end).map(|_| {
                        let sum: i32 = tones.iter_mut().map(|t| i32::from(t.next_sample())).sum();
                        sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
                    }));
                }
            }
            Item::Silence { .. } => {}
        }
        out.resize(end, 0);
    }

    /// Whether what is to be played now is there in the party's own format.
    fn encoded(&mut self, manner: Manner) -> bool {
        if !self.settle() {
            return false;
        }
        match &self.generator {
            Generator::Encoded(_, made) if *made == manner => return true,
            Generator::None | Generator::Encoded(..) => {}
            _ => return false,
        }
        let Some(Item::Prompt { prompt, .. }) = self.items.get(self.index) else {
            return false;
        };
        match prompt.form(manner) {
            Some(form) => self.generator = Generator::Encoded(form, manner),
            None => self.generator = Generator::Samples(Converter::default()),
        }
        matches!(self.generator, Generator::Encoded(..))
    }

    fn say_encoded(&mut self, speaker: &mut Speaker, now: f64, out: &mut Packets) {
        let (Generator::Encoded(form, manner), Some(Item::Prompt { from_ms, .. })) =
            (&self.generator, self.items.get(self.index))
        else {
            return;
        };
        if let Some(payload) = form.packet(from_ms + self.at_ms, manner.ptime) {
            speaker.say_encoded(payload, now, out);
        }
        self.at_ms += manner.ptime;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Format;
    use rtp::Packet;

    const L16: Format = Format::L16 { rate: 8000 };

    fn prompt(value: i16, ms: usize) -> Item {
        Item::Prompt {
            prompt: Arc::new(Prompt::new(&vec![value; ms * 8], 8000, None)),
            from_ms: 0,
        }
    }

    fn tone(cadence: &[u32], ms: Option<u32>) -> Item {
        let mut tone = ToneSpec::steady(1000.0, -10.0);
        tone.cadence = cadence.to_vec();
        Item::Tone {
            tone: Arc::new(tone),
            ms,
        }
    }

    /// What is played, ten milliseconds a value, until the end or for so many ticks.
    fn heard(playing: &mut Playing, ticks: usize) -> Vec<i16> {
        let mut samples = Vec::new();
        for _ in 0..ticks {
            if !playing.frame(8000, &mut samples) {
                break;
            }
        }
        samples.chunks(80).map(|piece| piece[0]).collect()
    }

    /// The same as packets of a party's.
    fn said(playing: &mut Playing, manner: Manner, ticks: usize) -> Vec<Vec<u8>> {
        let mut speaker = Speaker::new(manner);
        let mut packets = Vec::new();
        for tick in 0..ticks {
            let (mut out, now) = (Packets::default(), 0.02 * tick as f64);
            let goes_on = playing.say(&mut speaker, now, &mut Vec::new(), &mut out);
            if !goes_on {
                speaker.pause(now, &mut out);
            }
            packets.extend(
                out.iter()
                    .map(|packet| Packet::parse(packet).unwrap().payload.to_vec()),
            );
            if !goes_on {
                break;
            }
        }
        packets
    }

    #[test]
    fn items_follow_one_another_without_a_gap_and_the_end_is_filled_with_silence() {
        let items = vec![prompt(1, 30), Item::Silence { ms: 20 }, prompt(2, 20)];
        let mut playing = Playing::new(items, 7, false);
        assert_eq!(heard(&mut playing, 9), [1, 1, 1, 0, 0, 2, 2, 0]);
        assert!(!playing.frame(8000, &mut Vec::new()));
    }

    #[test]
    fn a_looped_list_begins_anew_and_one_without_sound_ends() {
        let mut playing = Playing::new(vec![prompt(1, 10), prompt(2, 20)], 7, true);
        assert_eq!(heard(&mut playing, 4), [1, 2, 2, 1, 2, 2, 1, 2]);
        let mut playing = Playing::new(vec![prompt(1, 0), Item::Silence { ms: 0 }], 7, true);
        assert!(!playing.frame(8000, &mut Vec::new()));
        assert!(!Playing::new(Vec::new(), 7, true).frame(8000, &mut Vec::new()));
    }

    #[test]
    fn a_paused_list_is_silent_and_goes_on_where_it_was() {
        let mut playing = Playing::new(vec![prompt(1, 20), prompt(2, 20)], 7, false);
        assert_eq!(heard(&mut playing, 1), [1, 1]);
        playing.pause(true);
        assert_eq!(heard(&mut playing, 3), [0; 0]);
        playing.pause(false);
        assert_eq!(heard(&mut playing, 3), [2, 2]);
    }

    #[test]
    fn a_list_is_sought_by_its_own_time() {
        let items = vec![prompt(1, 30), Item::Silence { ms: 20 }, prompt(2, 20)];
        let mut playing = Playing::new(items, 7, false);
        playing.seek(40);
        assert_eq!(heard(&mut playing, 9), [0, 2, 2, 0]);
        playing.seek(20);
        assert_eq!(heard(&mut playing, 1), [1, 0]);
        playing.seek(1000);
        assert_eq!(heard(&mut playing, 1), [0; 0]);
    }

    #[test]
    fn a_tone_has_its_rhythm_and_its_length() {
        let sounds = |playing: &mut Playing| -> Vec<bool> {
            let mut samples = Vec::new();
            while samples.len() < 8000 && playing.frame(8000, &mut samples) {}
            samples
                .chunks(80)
                .map(|piece| piece.iter().any(|&sample| sample != 0))
                .collect()
        };
        let mut playing = Playing::new(vec![tone(&[20, 10], Some(80))], 7, false);
        let expected = [true, true, false, true, true, false, true, true];
        assert_eq!(sounds(&mut playing), expected);
        let mut endless = Playing::new(vec![tone(&[], None)], 7, false);
        assert_eq!(sounds(&mut endless), [true; 100]);
    }

    #[test]
    fn the_parts_of_a_tone_are_heard_together() {
        let spec = ToneSpec {
            parts: vec![(697.0, -10.0), (1209.0, -8.0)],
            cadence: Vec::new(),
        };
        let item = Item::Tone {
            tone: Arc::new(spec),
            ms: None,
        };
        let mut playing = Playing::new(vec![item], 7, false);
        let mut samples = Vec::new();
        while samples.len() < 8000 {
            playing.frame(8000, &mut samples);
        }
        for (hz, level) in [(697.0, -10.0), (1209.0, -8.0)] {
            let ratio = dsp::amplitude_at(&samples, hz, 8000) / dsp::amplitude(level);
            assert!((0.99..1.01).contains(&ratio), "{hz} Hz: {ratio}");
        }
    }

    #[test]
    fn encoded_prompts_and_tones_follow_one_another_in_packets_of_any_length() {
        for ptime in [10, 20, 30, 60] {
            let manner = Manner::new(L16, 97, ptime);
            let first = prompt(1, 120);
            if let Item::Prompt { prompt, .. } = &first {
                prompt.encode(manner);
            }
            // The second is not encoded for L16.
            let mut playing = Playing::new(vec![first, prompt(2, 120)], 7, false);
            let samples = said(&mut playing, manner, 20).concat();
            assert!(samples.len() >= 240 * 16, "{ptime} ms: {}", samples.len());
            let values = samples.chunks(2).map(|pair| pair[1]);
            let mut pieces: Vec<u8> = values.collect();
            pieces.dedup();
            pieces.retain(|&piece| piece != 0);
            assert_eq!(pieces, [1, 2], "{ptime} ms");
        }
    }

    #[test]
    fn an_unheard_list_goes_on() {
        let mut playing = Playing::new(vec![prompt(1, 40)], 7, false);
        let unheard: Vec<bool> = (0..3)
            .map(|_| playing.pass_unheard(&mut Vec::new()))
            .collect();
        assert_eq!(unheard, [true, true, false]);
    }
}
