//! What a party and we agreed on about pictures: payload types, what is asked by RTCP, limits; what may pass from one to
//! another.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use video::Codec;

use crate::guard::Keys;
use crate::leg::party::Described;

/// A payload type and what it stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoCoding {
    pub payload_type: u8,
    pub kind: VideoKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum VideoKind {
    Picture(Wire),
    /// Packets of another payload type, sent again (RFC 4588).
    Resent {
        of: u8,
    },
    /// What we do not read can be passed on: its name and clock rate, as they were described.
    Foreign(Arc<str>),
}

/// How pictures look in packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wire {
    H264 {
        /// packetization-mode 1 and not 0 (RFC 6184 section 8.1).
        fragments: bool,
        /// profile_idc.
        profile: u8,
    },
    Vp8,
}

/// RFC 6184 section 8.1: without a profile-level-id, the baseline profile.
const BASELINE: u8 = 66;

impl Wire {
    pub fn codec(self) -> Codec {
        match self {
            Self::H264 { .. } => Codec::H264,
            Self::Vp8 => Codec::Vp8,
        }
    }

    /// Whether who takes `other` understands this.
    fn fits(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::H264 { fragments, profile },
                Self::H264 {
                    fragments: takes,
                    profile: reads,
                },
            ) => (takes || !fragments) && (profile == reads || profile == BASELINE),
            (one, other) => one == other,
        }
    }
}

impl VideoCoding {
    /// As an SDP describes it (`a=rtpmap`, and `a=fmtp` without the payload type).
    pub fn new(payload_type: u8, name: &str, clock_rate: u32, parameters: &str) -> Self {
        let name = name.to_ascii_uppercase();
        let value = |wanted: &str| {
            parameters.split(';').find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.trim()
                    .eq_ignore_ascii_case(wanted)
                    .then(|| value.trim())
            })
        };
        let foreign = || VideoKind::Foreign(format!("{name}/{clock_rate}").into());
        let kind = match name.as_str() {
            "H264" => match value("packetization-mode").unwrap_or("0") {
                mode @ ("0" | "1") => VideoKind::Picture(Wire::H264 {
                    fragments: mode == "1",
                    profile: value("profile-level-id")
                        .and_then(|id| u8::from_str_radix(id.get(..2)?, 16).ok())
                        .unwrap_or(BASELINE),
                }),
                mode => VideoKind::Foreign(format!("{name}/{clock_rate}/{mode}").into()),
            },
            "VP8" => VideoKind::Picture(Wire::Vp8),
            "RTX" => value("apt")
                .and_then(|of| of.parse().ok())
                .map_or_else(foreign, |of| VideoKind::Resent { of }),
            _ => foreign(),
        };
        Self { payload_type, kind }
    }
}

/// What a party takes by RTCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takes {
    pub nack: bool,
    pub pli: bool,
    pub fir: bool,
    pub tmmbr: bool,
    pub remb: bool,
}

impl Takes {
    /// From the words of `a=rtcp-fb` (RFC 4585 section 4.2, RFC 5104 section 7.1).
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut takes = Self::default();
        for word in words {
            match word {
                "nack" => takes.nack = true,
                "nack pli" => takes.pli = true,
                "ccm fir" => takes.fir = true,
                "ccm tmmbr" => takes.tmmbr = true,
                "goog-remb" => takes.remb = true,
                _ => {}
            }
        }
        takes
    }

    pub fn asks_for_pictures(self) -> bool {
        self.pli || self.fir
    }
}

/// What was agreed with one party.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VideoTerms {
    /// What the party understands of what we named, best first, under its payload types.
    sends: Vec<VideoCoding>,
    /// What it may send.
    receives: Vec<VideoCoding>,
    pub takes: Takes,
}

impl VideoTerms {
    /// From what we said that we receive and what the party said, each best first.
    pub fn agree(ours: Vec<VideoCoding>, theirs: Vec<VideoCoding>, takes: Takes) -> Self {
        let named = |coding: &VideoCoding| {
            let like = |other: &VideoCoding| match (&coding.kind, &other.kind) {
                (VideoKind::Picture(one), VideoKind::Picture(other)) => {
                    one.codec() == other.codec()
                }
                (VideoKind::Resent { .. }, VideoKind::Resent { .. }) => true,
                (one, other) => one == other,
            };
            ours.iter().any(like)
        };
        let sends = theirs
            .iter()
            .filter(|coding| named(coding))
            .cloned()
            .collect();
        let mut receives = ours;
        for coding in theirs {
            // RFC 3264 section 5.1: packets bear our numbers; a party that keeps to its own is understood all the same.
            if !receives
                .iter()
                .any(|other| other.payload_type == coding.payload_type)
            {
                receives.push(coding);
            }
        }
        Self {
            sends,
            receives,
            takes,
        }
    }

    /// What came from another process need not be what this one makes.
    pub fn can_be(&self) -> bool {
        let mut all = self.sends.iter().chain(&self.receives);
        all.all(|coding| coding.payload_type < 128)
    }

    /// Of pictures that we make: the same terms both ways.
    pub fn of(wire: Wire) -> Self {
        let coding = VideoCoding {
            payload_type: 0,
            kind: VideoKind::Picture(wire),
        };
        Self {
            sends: Vec::new(),
            receives: vec![coding],
            takes: Takes::default(),
        }
    }

    /// What a payload type of the party's stands for.
    pub fn meaning(&self, payload_type: u8) -> Option<&VideoKind> {
        self.receives
            .iter()
            .find(|coding| coding.payload_type == payload_type)
            .map(|coding| &coding.kind)
    }

    /// How the party may send its pictures.
    pub fn wires(&self) -> impl Iterator<Item = Wire> {
        self.receives.iter().filter_map(|coding| match coding.kind {
            VideoKind::Picture(wire) => Some(wire),
            _ => None,
        })
    }

    /// Under which payload type the party understands pictures; None: it does not.
    pub fn shown_as(&self, wire: Wire) -> Option<u8> {
        self.sends
            .iter()
            .find(|coding| matches!(coding.kind, VideoKind::Picture(other) if wire.fits(other)))
            .map(|coding| coding.payload_type)
    }

    /// Under which payload type it takes packets of another sent again.
    pub fn resent_as(&self, payload_type: u8) -> Option<u8> {
        self.sends
            .iter()
            .find(|coding| matches!(coding.kind, VideoKind::Resent { of } if of == payload_type))
            .map(|coding| coding.payload_type)
    }

    /// Whether any picture of the party's can be shown to another.
    pub fn can_be_shown_to(&self, other: &Self) -> bool {
        self.wires().any(|wire| other.shown_as(wire).is_some())
    }

    /// What of the party's goes to another as it is.
    pub fn passage(&self, other: &Self) -> VideoPassage {
        let mut passage = VideoPassage::NONE;
        for coding in &self.receives {
            let there = match &coding.kind {
                VideoKind::Picture(wire) => other.shown_as(*wire),
                VideoKind::Resent { of } => match self.meaning(*of) {
                    Some(VideoKind::Picture(wire)) => other
                        .shown_as(*wire)
                        .and_then(|payload_type| other.resent_as(payload_type)),
                    _ => None,
                },
                VideoKind::Foreign(name) => other
                    .sends
                    .iter()
                    .find(
                        |coding| matches!(&coding.kind, VideoKind::Foreign(other) if other == name),
                    )
                    .map(|coding| coding.payload_type)
                    // Within these are payload types again (RFC 2198, RFC 5109).
                    .filter(|there| {
                        *there == coding.payload_type
                            || !(name.starts_with("RED/") || name.starts_with("ULPFEC/"))
                    }),
            };
            passage.0[usize::from(coding.payload_type & 0x7f)] = there.unwrap_or(u8::MAX);
        }
        passage
    }
}

/// From payload types of one party to those of another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VideoPassage([u8; 128]);

impl VideoPassage {
    pub const NONE: Self = Self([u8::MAX; 128]);

    #[inline]
    pub fn to(&self, payload_type: u8) -> Option<u8> {
        let there = self.0[usize::from(payload_type & 0x7f)];
        (there != u8::MAX).then_some(there)
    }
}

impl std::fmt::Debug for VideoPassage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pairs = (0..128u8).filter_map(|one| self.to(one).map(|other| (one, other)));
        f.debug_map().entries(pairs).finish()
    }
}

/// Where a party receives pictures, and what it agreed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoConnection {
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    /// RTCP shares the RTP port (RFC 5761).
    pub rtcp_mux: bool,
    pub terms: Arc<VideoTerms>,
    /// The most that it takes, in bits a second (`b=TIAS`, `b=AS`).
    pub most: Option<u64>,
    /// Parameter sets of its H.264 that it said by signalling (`sprop-parameter-sets`).
    pub sets: Vec<Vec<u8>>,
    pub send: bool,
    pub receive: bool,
    /// SRTP, both ways; None: in the clear.
    pub keys: Option<Arc<Keys>>,
}

impl Described for VideoConnection {
    fn rtp(&self) -> SocketAddr {
        self.rtp
    }

    fn rtcp(&self) -> SocketAddr {
        self.rtcp
    }

    fn rtcp_mux(&self) -> bool {
        self.rtcp_mux
    }

    fn sends(&self) -> bool {
        self.send
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn h264(payload_type: u8, parameters: &str) -> VideoCoding {
        VideoCoding::new(payload_type, "H264", 90_000, parameters)
    }

    fn vp8(payload_type: u8) -> VideoCoding {
        VideoCoding::new(payload_type, "vp8", 90_000, "")
    }

    fn rtx(payload_type: u8, of: u8) -> VideoCoding {
        VideoCoding::new(payload_type, "rtx", 90_000, &format!("apt={of}"))
    }

    const MODE_1: &str = "profile-level-id=42e01f;packetization-mode=1";

    fn terms(ours: Vec<VideoCoding>, theirs: Vec<VideoCoding>) -> VideoTerms {
        VideoTerms::agree(ours, theirs, Takes::default())
    }

    #[test]
    fn payload_types_are_rewritten_by_name_mode_and_what_they_send_again() {
        let ours = vec![h264(96, MODE_1), rtx(97, 96), vp8(98), rtx(99, 98)];
        let a = terms(
            ours.clone(),
            vec![h264(110, MODE_1), rtx(111, 110), vp8(112)],
        );
        let b = terms(
            ours,
            vec![vp8(120), rtx(121, 120), h264(122, MODE_1), rtx(123, 122)],
        );
        let passage = a.passage(&b);
        let there = [96, 97, 98, 99].map(|one| passage.to(one));
        assert_eq!(there, [Some(122), Some(123), Some(120), Some(121)]);
        let back = b.passage(&a);
        let there = [96, 97, 98, 99].map(|one| back.to(one));
        assert_eq!(there, [Some(110), Some(111), Some(112), None]);
        assert_eq!(passage.to(5), None);
    }

    #[test]
    fn fragments_are_not_shown_to_who_takes_whole_units_alone() {
        let whole = h264(96, "profile-level-id=42801e");
        let high = h264(96, "profile-level-id=640028;packetization-mode=1");
        let takes = |coding: &VideoCoding| terms(vec![coding.clone()], vec![coding.clone()]);
        let fragments = h264(96, MODE_1);
        assert!(takes(&whole).can_be_shown_to(&takes(&fragments)));
        assert!(!takes(&fragments).can_be_shown_to(&takes(&whole)));
        assert!(takes(&fragments).can_be_shown_to(&takes(&high)));
        assert!(!takes(&high).can_be_shown_to(&takes(&fragments)));
        assert!(!takes(&vp8(96)).can_be_shown_to(&takes(&fragments)));
    }

    #[test]
    fn what_we_do_not_read_passes_by_its_name() {
        let other = |payload_type, name| VideoCoding::new(payload_type, name, 90_000, "");
        let a = terms(
            vec![other(96, "AV1"), other(97, "red")],
            vec![other(96, "AV1")],
        );
        let b = terms(
            vec![other(96, "AV1")],
            vec![other(100, "av1"), other(101, "red")],
        );
        assert_eq!(a.passage(&b).to(96), Some(100));
        assert_eq!(a.passage(&b).to(97), None, "it names payload types within");
    }
}
