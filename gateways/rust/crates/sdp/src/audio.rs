//! One audio stream: where a party receives it, in which codecs, which way.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::{Crypto, Error};

/// Which way sound may go, seen from whoever says it (RFC 8866 section 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub fn parse(word: &str) -> Option<Direction> {
        [
            Self::SendRecv,
            Self::SendOnly,
            Self::RecvOnly,
            Self::Inactive,
        ]
        .into_iter()
        .find(|it| it.as_str() == word)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    pub fn new(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// Ours, no wider than the other party's allows (RFC 3264 section 6.1).
    #[must_use]
    pub fn within(self, theirs: Direction) -> Direction {
        Direction::new(
            self.sends() && theirs.receives(),
            self.receives() && theirs.sends(),
        )
    }
}

/// One payload type of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    pub payload_type: u8,
    /// Upper case: encoding names are compared without case (RFC 8866 section 6.6).
    pub name: Cow<'static, str>,
    pub clock_rate: u32,
    pub channels: u8,
    /// The text of `a=fmtp` after the payload type; empty when there is none.
    pub parameters: String,
}

impl Codec {
    /// `name` in any case.
    pub fn new(
        payload_type: u8,
        name: &str,
        clock_rate: u32,
        channels: u8,
        parameters: String,
    ) -> Codec {
        Codec {
            payload_type,
            name: upper(name),
            clock_rate,
            channels,
            parameters,
        }
    }

    /// A codec that RFC 3551 (table 4) fixes to its payload type, so that no `a=rtpmap` need say so.
    pub fn of_static(payload_type: u8) -> Option<Codec> {
        let (name, clock_rate, channels) = match payload_type {
            0 => ("PCMU", 8000, 1),
            3 => ("GSM", 8000, 1),
            4 => ("G723", 8000, 1),
            5 => ("DVI4", 8000, 1),
            6 => ("DVI4", 16000, 1),
            7 => ("LPC", 8000, 1),
            8 => ("PCMA", 8000, 1),
            9 => ("G722", 8000, 1),
            10 => ("L16", 44100, 2),
            11 => ("L16", 44100, 1),
            12 => ("QCELP", 8000, 1),
            13 => ("CN", 8000, 1),
            14 => ("MPA", 90000, 1),
            15 => ("G728", 8000, 1),
            16 => ("DVI4", 11025, 1),
            17 => ("DVI4", 22050, 1),
            18 => ("G729", 8000, 1),
            _ => return None,
        };
        Some(Codec {
            payload_type,
            name: Cow::Borrowed(name),
            clock_rate,
            channels,
            parameters: String::new(),
        })
    }

    /// The value of `a=rtpmap` after the payload type: `PCMU/8000`, `opus/48000/2`.
    pub(crate) fn of_rtpmap(payload_type: u8, value: &str) -> Option<Codec> {
        let mut parts = value.split('/').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let clock_rate = parts.next()?.parse().ok().filter(|rate| *rate > 0)?;
        let channels = match parts.next() {
            // "PCMU/8000/" is seen in the field.
            None | Some("") => 1,
            Some(count) => count.parse().ok().filter(|count| *count > 0)?,
        };
        Some(Codec {
            payload_type,
            name: upper(name),
            clock_rate,
            channels,
            parameters: String::new(),
        })
    }

    /// Whether packets of the one can be read as the other's, whatever their payload types are.
    pub fn same_format(&self, other: &Codec) -> bool {
        self.name == other.name
            // G.722 counts at 8000 by an old mistake that RFC 3551 section 4.5.2 keeps; some phones write 16000.
            && (self.clock_rate == other.clock_rate || self.name == "G722")
            && self.channels == other.channels
            // RFC 4867 section 8.3.1: both parties must pack alike.
            && (!self.name.starts_with("AMR") || octet_align(&self.parameters) == octet_align(&other.parameters))
    }

    /// Events and comfort noise go beside a voice; alone they make no call.
    pub fn is_voice(&self) -> bool {
        !matches!(&*self.name, "TELEPHONE-EVENT" | "CN" | "TONE" | "RED")
    }

    /// Whether it can be printed without becoming something else.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.payload_type > 127 {
            return Err(Error::whole("a payload type is above 127"));
        }
        let named = !self.name.is_empty()
            && self
                .name
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'/');
        if !named || self.clock_rate == 0 || self.channels == 0 {
            return Err(Error::whole(
                "a codec has no usable name, clock rate or channels",
            ));
        }
        if self.parameters.bytes().any(|byte| byte < b' ') {
            return Err(Error::whole("codec parameters hold a control character"));
        }
        Ok(())
    }

    /// As its registration spells it: a few phones do compare with case.
    pub fn printed_name(&self) -> &str {
        match &*self.name {
            "TELEPHONE-EVENT" => "telephone-event",
            "OPUS" => "opus",
            "ILBC" => "iLBC",
            "SPEEX" => "speex",
            "RTX" => "rtx",
            "RED" => "red",
            "ULPFEC" => "ulpfec",
            name => name,
        }
    }
}

/// One party's audio. `codecs` are in the order of preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioStream {
    /// An address or a host name, never with brackets.
    pub host: String,
    pub port: u16,
    pub codecs: Vec<Codec>,
    pub direction: Direction,
    /// Milliseconds of sound in a packet.
    pub ptime: Option<u32>,
    /// The longest packet that the party takes, in milliseconds.
    pub maxptime: Option<u32>,
    /// RFC 3605; `None`: the port after `port`.
    pub rtcp: Option<(String, u16)>,
    /// RFC 5761.
    pub rtcp_mux: bool,
    /// Over RTP/SAVP: only SRTP will do.
    pub secure: bool,
    /// Ways to protect it, best first; over RTP/AVP the party would do without, too.
    pub crypto: Vec<Crypto>,
}

impl AudioStream {
    /// Whether it can be printed without becoming something else: what our own code made is checked here, once.
    pub fn check(&self) -> Result<(), Error> {
        check_hosts(&self.host, self.rtcp.as_ref())?;
        if self.secure && self.crypto.is_empty() && self.port != 0 {
            return Err(Error::whole("SRTP without a key"));
        }
        self.codecs.iter().try_for_each(Codec::check)
    }
}

pub(crate) fn check_hosts(host: &str, rtcp: Option<&(String, u16)>) -> Result<(), Error> {
    let hosts = [Some(host), rtcp.map(|(host, _)| host.as_str())];
    if !hosts.into_iter().flatten().all(is_host) {
        return Err(Error::whole("the host is neither an address nor a name"));
    }
    Ok(())
}

/// An address, or what may be a host name.
pub(crate) fn is_host(text: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !text.is_empty()
        && text.len() <= 255
        && (text.bytes().all(name) || text.parse::<IpAddr>().is_ok())
}

/// Upper case, without an allocation for the names of nearly every call.
fn upper(name: &str) -> Cow<'static, str> {
    const USUAL: [&str; 8] = [
        "PCMU",
        "PCMA",
        "TELEPHONE-EVENT",
        "G722",
        "OPUS",
        "G729",
        "GSM",
        "CN",
    ];
    match USUAL
        .into_iter()
        .find(|usual| usual.eq_ignore_ascii_case(name))
    {
        Some(usual) => Cow::Borrowed(usual),
        None => Cow::Owned(name.to_ascii_uppercase()),
    }
}

fn octet_align(parameters: &str) -> bool {
    parameters
        .split(';')
        .any(|it| it.trim().eq_ignore_ascii_case("octet-align=1"))
}
