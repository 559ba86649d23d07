//! What two sides agreed to speak: payload types and their meaning, and what may pass from one leg to another as it is.

use std::fmt;
use std::sync::Arc;

use codec::{Format, Opus};

/// A payload type and what it stands for.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Coding {
    pub payload_type: u8,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// What we speak and understand.
    Speech(Format),
    /// Keys (RFC 4733).
    Events { clock_rate: u32 },
    /// Comfort noise (RFC 3389).
    Noise { clock_rate: u32 },
    /// What we do not understand can be passed on: its name, clock rate and channels, as they were described.
    Foreign(Arc<str>),
}

/// RFC 7587 section 6.1: what `usedtx`, `useinbandfec` and the rest say, the describing party wants to receive.
const OPUS_CLOCK_RATE: u32 = 48_000;

impl Coding {
    /// As an SDP describes it (`a=rtpmap`, and `a=fmtp` without the payload type).
    pub fn new(
        payload_type: u8,
        name: &str,
        clock_rate: u32,
        channels: u32,
        parameters: &str,
    ) -> Self {
        let name = name.to_ascii_uppercase();
        let kind = match (name.as_str(), clock_rate, channels) {
            ("PCMU", 8000, 1) => Kind::Speech(Format::Pcmu),
            ("PCMA", 8000, 1) => Kind::Speech(Format::Pcma),
            ("G722", 8000, 1) => Kind::Speech(Format::G722),
            ("OPUS", OPUS_CLOCK_RATE, 2) => Kind::Speech(Format::Opus(opus(parameters))),
            ("L16", 8000 | 16_000 | 24_000 | 48_000, 1) => {
                Kind::Speech(Format::L16 { rate: clock_rate })
            }
            ("TELEPHONE-EVENT", 1.., 1) => Kind::Events { clock_rate },
            ("CN", 1.., 1) => Kind::Noise { clock_rate },
            _ => Kind::Foreign(format!("{name}/{clock_rate}/{channels}").into()),
        };
        Self { payload_type, kind }
    }
}

impl Kind {
    /// Whether packets of one are understood as the other.
    fn same_wire(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Speech(one), Self::Speech(other)) => one.same_wire(other),
            (one, other) => one == other,
        }
    }

    fn is_events(&self) -> bool {
        matches!(self, Self::Events { .. })
    }

    pub fn is_sound(&self) -> bool {
        matches!(self, Self::Speech(_) | Self::Foreign(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Speech(format) => f.write_str(format.name()),
            Self::Events { clock_rate } => write!(f, "telephone-event/{clock_rate}"),
            Self::Noise { clock_rate } => write!(f, "CN/{clock_rate}"),
            Self::Foreign(name) => f.write_str(name),
        }
    }
}

/// How a party wants its Opus (RFC 7587 section 6.1). What makes no sense is as if it was not said.
fn opus(parameters: &str) -> Opus {
    let mut opus = Opus {
        fec: false,
        ..Opus::speech(16_000)
    };
    for parameter in parameters.split(';') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name.trim(), value.trim()) {
            ("useinbandfec", value) => opus.fec = value == "1",
            ("usedtx", value) => opus.dtx = value == "1",
            ("cbr", value) => opus.cbr = value == "1",
            ("maxaveragebitrate", value) => {
                opus.bitrate = value
                    .parse()
                    .ok()
                    .filter(|rate| (6000..=510_000).contains(rate))
                    .unwrap_or(0);
            }
            _ => {}
        }
    }
    opus
}

/// What was agreed with one party.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Formats {
    /// What the party understands, best first, under its payload types.
    sends: Vec<Coding>,
    /// What it may send.
    receives: Vec<Coding>,
}

impl Formats {
    /// From what we said that we receive and what the party said, each best first.
    ///
    /// RFC 3264 section 5.1: a description says what its maker receives, under its own payload types. A party that sends
    /// what we named under the number that it gave itself is understood all the same, and its keys even where we named
    /// none. Where nothing is common, each is believed.
    pub fn agree(ours: Vec<Coding>, theirs: Vec<Coding>) -> Self {
        let named = |kind: &Kind, by: &[Coding]| by.iter().any(|other| kind.same_wire(&other.kind));
        let mut sends: Vec<Coding> = theirs
            .iter()
            .filter(|coding| named(&coding.kind, &ours))
            .cloned()
            .collect();
        if !sends.iter().any(|coding| coding.kind.is_sound()) {
            sends.clone_from(&theirs);
        }
        let mut receives = ours;
        let keys_named = receives.iter().any(|coding| coding.kind.is_events());
        for coding in theirs {
            let taken = receives
                .iter()
                .any(|other| other.payload_type == coding.payload_type);
            let meant = named(&coding.kind, &receives) || (coding.kind.is_events() && !keys_named);
            if meant && !taken {
                receives.push(coding);
            }
        }
        Self { sends, receives }
    }

    /// All that may be said, by either side.
    pub fn codings(&self) -> impl Iterator<Item = &Coding> {
        self.sends.iter().chain(&self.receives)
    }

    /// What we speak ourselves to the party: the first that we can, with its payload type.
    pub fn speech(&self) -> Option<(Format, u8)> {
        self.sends.iter().find_map(|coding| match coding.kind {
            Kind::Speech(format) => Some((format, coding.payload_type)),
            _ => None,
        })
    }

    /// Whether anything finer than telephone speech may be said or heard.
    pub fn is_wide(&self) -> bool {
        let mut codings = self.sends.iter().chain(&self.receives);
        codings.any(|coding| matches!(coding.kind, Kind::Speech(format) if format.rate() > 8000))
    }

    /// How the party wants keys, beside speech of a clock rate: telephone-events count by the clock of the stream that
    /// they are in (RFC 4733 section 2.1 and 2.5.1.1).
    pub fn events(&self, clock_rate: u32) -> Option<u8> {
        self.sends.iter().find_map(|coding| match coding.kind {
            Kind::Events { clock_rate: rate } if rate == clock_rate => Some(coding.payload_type),
            _ => None,
        })
    }

    /// What a packet of the party's means; None: that was never agreed.
    #[inline]
    pub fn meaning(&self, payload_type: u8) -> Option<&Kind> {
        self.receives
            .iter()
            .find(|coding| coding.payload_type == payload_type)
            .map(|coding| &coding.kind)
    }

    /// What of this party's may go to another as it is.
    pub fn passage(&self, to: &Self) -> Passage {
        let mut passage = Passage::NONE;
        for coding in &self.receives {
            if let Some(there) = to
                .sends
                .iter()
                .find(|there| there.kind.same_wire(&coding.kind))
            {
                passage.0[usize::from(coding.payload_type & 127)] = there.payload_type & 127;
            }
        }
        passage
    }

    /// Whether the party may say what can be heard by another only after conversion.
    pub fn converts(&self, to: &Self) -> bool {
        let passage = self.passage(to);
        to.speech().is_some()
            && self.receives.iter().any(|coding| {
                matches!(coding.kind, Kind::Speech(_)) && passage.to(coding.payload_type).is_none()
            })
    }
}

/// Under which payload type each payload type of a party goes on to another, as it is.
#[derive(Clone, Copy, PartialEq)]
pub struct Passage([u8; 128]);

/// Above all payload types.
const STAYS: u8 = 128;

impl Passage {
    pub const NONE: Self = Self([STAYS; 128]);

    #[inline]
    pub fn to(&self, payload_type: u8) -> Option<u8> {
        Some(self.0[usize::from(payload_type & 127)]).filter(|&there| there != STAYS)
    }
}

impl fmt::Debug for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passing = (0..128u8).filter_map(|from| self.to(from).map(|to| (from, to)));
        f.debug_map().entries(passing).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(payload_type: u8, name: &str) -> Coding {
        let (clock_rate, channels) = match name {
            "opus" => (48_000, 2),
            _ => (8000, 1),
        };
        Coding::new(payload_type, name, clock_rate, channels, "")
    }

    fn codings(said: &[(u8, &str)]) -> Vec<Coding> {
        said.iter()
            .map(|&(payload_type, name)| coding(payload_type, name))
            .collect()
    }

    fn agree(ours: &[(u8, &str)], theirs: &[(u8, &str)]) -> Formats {
        Formats::agree(codings(ours), codings(theirs))
    }

    #[test]
    fn we_speak_the_partys_first_that_we_named_too_under_its_number() {
        let formats = agree(&[(0, "PCMU")], &[(9, "G722"), (8, "PCMA"), (96, "PCMU")]);
        assert_eq!(formats.speech(), Some((Format::Pcmu, 96)));
        let formats = agree(&[(18, "G729")], &[(18, "G729")]);
        assert_eq!(formats.speech(), None, "only passed on");
    }

    #[test]
    fn what_comes_means_what_we_said_and_a_partys_own_number_is_understood() {
        let formats = agree(
            &[(8, "PCMA"), (96, "telephone-event")],
            &[(8, "PCMA"), (101, "telephone-event"), (0, "PCMU")],
        );
        let events = Kind::Events { clock_rate: 8000 };
        assert_eq!(formats.meaning(96), Some(&events));
        assert_eq!(formats.meaning(101), Some(&events));
        assert_eq!(formats.meaning(0), None, "we never said so");
        assert_eq!(formats.events(8000), Some(101));
        assert_eq!(formats.events(48_000), None);
        let keys = agree(&[(8, "PCMA")], &[(8, "PCMA"), (101, "telephone-event")]);
        assert_eq!(keys.meaning(101), Some(&events), "keys are always told");
        let clash = agree(&[(96, "opus")], &[(111, "opus"), (96, "telephone-event")]);
        assert!(matches!(clash.meaning(96), Some(Kind::Speech(_))));
    }

    #[test]
    fn where_nothing_is_common_each_is_believed() {
        let formats = agree(&[(8, "PCMA")], &[(0, "PCMU")]);
        assert_eq!(formats.speech(), Some((Format::Pcmu, 0)));
        assert_eq!(formats.meaning(8), Some(&Kind::Speech(Format::Pcma)));
    }

    #[test]
    fn the_same_format_passes_under_the_number_of_the_other_side() {
        let one = agree(
            &[(8, "PCMA"), (97, "opus"), (101, "telephone-event")],
            &[(8, "PCMA"), (97, "opus"), (101, "telephone-event")],
        );
        let other = agree(
            &[(8, "PCMA"), (111, "opus"), (96, "telephone-event")],
            &[(8, "PCMA"), (111, "opus"), (96, "telephone-event")],
        );
        let passage = one.passage(&other);
        assert_eq!(
            (passage.to(8), passage.to(97), passage.to(101)),
            (Some(8), Some(111), Some(96))
        );
        assert_eq!(other.passage(&one).to(111), Some(97));
        assert!(!one.converts(&other));
    }

    #[test]
    fn what_the_other_does_not_understand_is_converted() {
        let narrow = agree(&[(8, "PCMA"), (18, "G729")], &[(8, "PCMA"), (18, "G729")]);
        let wide = agree(&[(9, "G722")], &[(9, "G722")]);
        assert!(narrow.converts(&wide) && wide.converts(&narrow));
        assert_eq!(narrow.passage(&wide).to(8), None);
        let foreign = agree(&[(18, "G729")], &[(18, "G729")]);
        assert!(
            !foreign.converts(&wide),
            "what we do not understand we cannot convert"
        );
        assert!(!wide.converts(&foreign), "nor make");
    }

    #[test]
    fn a_party_says_how_it_wants_its_opus() {
        let said = "useinbandfec=1; usedtx=1;maxaveragebitrate=24000;stereo=0;cbr=x";
        let kind = Coding::new(111, "opus", 48_000, 2, said).kind;
        let Kind::Speech(Format::Opus(opus)) = kind else {
            panic!("{kind}")
        };
        assert_eq!(
            (opus.fec, opus.dtx, opus.cbr, opus.bitrate),
            (true, true, false, 24_000)
        );
        let kind = Coding::new(111, "opus", 48_000, 2, "maxaveragebitrate=12").kind;
        assert_eq!(
            kind,
            Kind::Speech(Format::Opus(Opus {
                fec: false,
                ..Opus::speech(16_000)
            }))
        );
    }
}
