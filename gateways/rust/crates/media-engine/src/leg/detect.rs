//! What is listened for in a party's sound.

use dsp::{answerer, dtmf, fax, pauses, progress};

/// What to listen for; nothing of it: not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Listening {
    /// Keys as tones, while the party sends none as events.
    pub keys: bool,
    pub fax: bool,
    /// Who answered, a person or a machine; told once.
    pub answerer: bool,
    /// The beep of an answering machine.
    pub beep: bool,
    /// Call progress tones of a country, by ISO 3166.
    pub progress: Option<String>,
    /// When the party begins to speak, and when it has said nothing for so many milliseconds.
    pub pause_ms: Option<u32>,
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Key { digit: char, duration_ms: u32 },
    Thing(Detected),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Detected {
    FaxCalling,
    FaxAnswering,
    Person,
    Machine,
    Nobody,
    Beep,
    RingBack,
    Busy,
    Congestion,
    SpecialInformation,
    Speech,
    Pause,
}

impl Detected {
    pub fn name(self) -> &'static str {
        match self {
            Self::FaxCalling => "fax-calling",
            Self::FaxAnswering => "fax-answering",
            Self::Person => "person",
            Self::Machine => "machine",
            Self::Nobody => "nobody",
            Self::Beep => "beep",
            Self::RingBack => "ring-back",
            Self::Busy => "busy",
            Self::Congestion => "congestion",
            Self::SpecialInformation => "special-information",
            Self::Speech => "speech",
            Self::Pause => "pause",
        }
    }
}

/// The ears of one leg, for sound of one rate.
pub struct Ears {
    pub listening: Listening,
    rate: u32,
    keys: Option<dtmf::Detector>,
    fax: Option<fax::Detector>,
    answerer: Option<answerer::Detector>,
    beep: Option<answerer::Beep>,
    progress: Option<progress::Detector>,
    pauses: Option<pauses::Detector>,
}

impl Ears {
    /// None: there is nothing to listen for.
    pub fn new(listening: Listening, rate: u32) -> Option<Self> {
        if listening == Listening::default() {
            return None;
        }
        Some(Self {
            rate,
            keys: listening.keys.then(|| dtmf::Detector::new(rate)),
            fax: listening.fax.then(|| fax::Detector::new(rate)),
            answerer: listening.answerer.then(answerer::Detector::default),
            beep: listening.beep.then(|| answerer::Beep::new(rate)),
            progress: listening
                .progress
                .as_deref()
                .and_then(|country| progress::Detector::new(country, rate)),
            pauses: listening.pause_ms.map(pauses::Detector::new),
            listening,
        })
    }

    /// Whether time goes by for them though nothing comes: who has sent no packet at all says nothing, too.
    pub fn counts_silence(&self) -> bool {
        self.pauses.is_some()
    }

    /// The rate that they listen at.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// 20 ms more. `keys_come` as events: then tones beside them are the same keys.
    pub fn hear(&mut self, frame: &[i16], rate: u32, keys_come: bool, heard: &mut Vec<Heard>) {
        if rate != self.rate {
            // These go by levels, at any rate.
            let (answerer, pauses) = (self.answerer.take(), self.pauses.take());
            if let Some(anew) = Self::new(self.listening.clone(), rate) {
                *self = Self {
                    answerer,
                    pauses,
                    ..anew
                };
            }
        }
        let key = self.keys.as_mut().and_then(|keys| keys.hear(frame));
        if let Some(key) = key.filter(|_| !keys_come) {
            heard.push(Heard::Key {
                digit: key.key,
                duration_ms: key.milliseconds,
            });
        }
        let fax = self.fax.as_mut().and_then(|fax| fax.hear(frame));
        let answerer = self.answerer.as_mut().and_then(|who| who.hear(frame));
        let beeped = self.beep.as_mut().is_some_and(|beep| beep.hear(frame));
        let signal = self.progress.as_mut().and_then(|tones| tones.hear(frame));
        let turn = self.pauses.as_mut().and_then(|pauses| pauses.hear(frame));
        let things = [
            fax.map(|fax| match fax {
                fax::Fax::Calling => Detected::FaxCalling,
                fax::Fax::Answering => Detected::FaxAnswering,
            }),
            answerer.map(|who| match who {
                answerer::Answerer::Person => Detected::Person,
                answerer::Answerer::Machine => Detected::Machine,
                answerer::Answerer::Nobody => Detected::Nobody,
            }),
            beeped.then_some(Detected::Beep),
            signal.map(|signal| match signal {
                progress::Signal::RingBack => Detected::RingBack,
                progress::Signal::Busy => Detected::Busy,
                progress::Signal::Congestion => Detected::Congestion,
                progress::Signal::SpecialInformation => Detected::SpecialInformation,
            }),
            turn.map(|turn| match turn {
                pauses::Turn::Speaks => Detected::Speech,
                pauses::Turn::Pauses => Detected::Pause,
            }),
        ];
        heard.extend(things.into_iter().flatten().map(Heard::Thing));
    }
}
