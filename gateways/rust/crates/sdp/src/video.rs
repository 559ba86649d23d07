//! Video lines: where a party receives pictures, in which codecs, which way.

use crate::audio::{Codec, Direction, check_hosts};
use crate::description::{Media, PLAIN, SECURE, rtcp};
use crate::{Crypto, Error, SessionDescription};

/// What of RTCP feedback (RFC 4585, RFC 5104) is read and said; all else is passed over.
pub const FEEDBACK: [&str; 4] = ["nack", "nack pli", "ccm fir", "ccm tmmbr"];
/// The longest `a=content` and `a=label` that is kept.
const MAX_TOKEN: usize = 32;

/// One m-line of video. `codecs` are in the order of preference; those of repair (`RTX`, `RED`, `ULPFEC`) are among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoStream {
    /// An address or a host name, never with brackets.
    pub host: String,
    /// 0: the line is refused, or has ended; then nothing else of it counts.
    pub port: u16,
    pub codecs: Vec<Codec>,
    pub direction: Direction,
    /// RFC 4796, the first where several are said; empty: none is.
    pub content: String,
    /// The most that the party takes.
    pub bandwidth_kbps: Option<u32>,
    /// RFC 3605; `None`: the port after `port`.
    pub rtcp: Option<(String, u16)>,
    /// RFC 5761.
    pub rtcp_mux: bool,
    /// Over RTP/SAVP: only SRTP will do.
    pub secure: bool,
    /// Over RTP/AVPF or RTP/SAVPF.
    pub avpf: bool,
    /// As of audio.
    pub crypto: Vec<Crypto>,
    /// Those of [`FEEDBACK`] that the party takes, for whatever payload type.
    pub feedback: Vec<&'static str>,
    /// RFC 4574.
    pub label: String,
}

impl VideoStream {
    /// Whether it can be printed without becoming something else.
    pub fn check(&self) -> Result<(), Error> {
        check_hosts(&self.host, self.rtcp.as_ref())?;
        if self.port != 0 && self.codecs.is_empty() {
            return Err(Error::whole("a video line without codecs"));
        }
        if self.port != 0 && self.secure && self.crypto.is_empty() {
            return Err(Error::whole("SRTP without a key"));
        }
        let words = [&self.content, &self.label];
        if !words
            .into_iter()
            .all(|word| word.is_empty() || is_token(word))
        {
            return Err(Error::whole("a content or a label is no word"));
        }
        self.codecs.iter().try_for_each(Codec::check)
    }

    /// A line that is refused, or that we cannot use.
    fn refused() -> VideoStream {
        VideoStream {
            host: "0.0.0.0".to_owned(),
            port: 0,
            codecs: Vec::new(),
            direction: Direction::Inactive,
            content: String::new(),
            bandwidth_kbps: None,
            rtcp: None,
            rtcp_mux: false,
            secure: false,
            avpf: false,
            crypto: Vec::new(),
            feedback: Vec::new(),
            label: String::new(),
        }
    }

    /// The protocol of its m-line.
    pub(crate) fn protocol(&self) -> &'static str {
        match (self.secure, self.avpf) {
            (false, false) => PLAIN[0],
            (false, true) => PLAIN[1],
            (true, false) => SECURE[0],
            (true, true) => SECURE[1],
        }
    }
}

impl SessionDescription {
    /// Every m-line of video with its place among all m-lines. Pictures are never worth a call: a line that cannot be read
    /// is as if it were refused.
    #[must_use]
    pub fn video(&self) -> Vec<(usize, VideoStream)> {
        self.media()
            .iter()
            .enumerate()
            .filter(|(_, media)| self.kind(media) == "video")
            .map(|(index, media)| {
                let line = self.video_line(media);
                (index, line.unwrap_or_else(VideoStream::refused))
            })
            .collect()
    }

    fn video_line(&self, media: &Media) -> Option<VideoStream> {
        let protocol = self.protocol(media);
        let among = |known: [&str; 2]| {
            known
                .iter()
                .position(|it| protocol.eq_ignore_ascii_case(it))
        };
        let (secure, kind) = match (among(PLAIN), among(SECURE)) {
            (Some(kind), _) => (false, kind),
            (None, Some(kind)) => (true, kind),
            (None, None) => return None,
        };
        if media.port == 0 {
            return None;
        }
        let (host, direction, attributes) = self.ground(media).ok()?;
        let codecs = self.codecs(media, &attributes, of_static).ok()?;
        if codecs.is_empty() {
            return None;
        }
        let mut line = VideoStream {
            host: host.to_owned(),
            port: media.port,
            codecs,
            direction,
            rtcp: attributes.rtcp.and_then(|value| rtcp(value, host)),
            rtcp_mux: attributes.rtcp_mux,
            secure,
            avpf: kind == 1,
            crypto: attributes.crypto,
            ..VideoStream::refused()
        };
        for value in self.values(media, b'a') {
            match value.split_once(':') {
                Some(("rtcp-fb", rest)) => note_feedback(&mut line.feedback, rest),
                Some(("content", rest)) => line.content = first_token(rest),
                Some(("label", rest)) => line.label = first_token(rest),
                _ => {}
            }
        }
        line.bandwidth_kbps = bandwidth(self.values(media, b'b'));
        Some(line)
    }
}

/// Video that RFC 3551 (table 5) fixes to its payload type.
fn of_static(payload_type: u8) -> Option<Codec> {
    let name = match payload_type {
        26 => "JPEG",
        31 => "H261",
        32 => "MPV",
        34 => "H263",
        _ => return None,
    };
    Some(Codec::new(payload_type, name, 90_000, 1, String::new()))
}

/// `* nack pli`, `96 ccm fir`, `96 ccm tmmbr smaxpr=120`.
fn note_feedback(list: &mut Vec<&'static str>, value: &str) {
    let mut words = value.split_ascii_whitespace().skip(1);
    let Some(first) = words.next() else { return };
    let second = words.next();
    let found = FEEDBACK.into_iter().find(|known| {
        let mut parts = known.split(' ');
        let alike = |word: Option<&str>, part: Option<&str>| match (word, part) {
            (Some(word), Some(part)) => word.eq_ignore_ascii_case(part),
            (None, None) => true,
            _ => false,
        };
        alike(Some(first), parts.next()) && alike(second, parts.next())
    });
    if let Some(found) = found.filter(|found| !list.contains(found)) {
        list.push(found);
    }
}

/// RFC 8866 section 5.8, RFC 3890: `TIAS` in bits a second without the headers of packets goes before `AS` in kilobits.
fn bandwidth<'a>(values: impl Iterator<Item = &'a str>) -> Option<u32> {
    let (mut total, mut tias) = (None, None);
    for value in values {
        match value.split_once(':') {
            Some(("AS", kilobits)) => total = kilobits.trim().parse::<u32>().ok(),
            Some(("TIAS", bits)) => {
                tias = bits
                    .trim()
                    .parse::<u32>()
                    .ok()
                    .map(|bits| bits.div_ceil(1000));
            }
            _ => {}
        }
    }
    tias.or(total).filter(|kilobits| *kilobits != 0)
}

fn first_token(value: &str) -> String {
    let word = value.split(',').next().unwrap_or_default().trim();
    if is_token(word) {
        word.to_owned()
    } else {
        String::new()
    }
}

fn is_token(word: &str) -> bool {
    (1..=MAX_TOKEN).contains(&word.len())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}
