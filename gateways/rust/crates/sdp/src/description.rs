//! Reading a session description line by line, and printing it again.

use std::net::IpAddr;
use std::ops::Range;

use crate::audio::{Codec, Direction, is_host};
use crate::{AudioStream, Crypto, Error, MAX_BYTES, MAX_MEDIA};

/// The order of RFC 8866 section 9 for the session part; `t`, `r` and `z` stay among themselves as they came.
const SESSION_ORDER: &[&[u8]] = &[
    b"v", b"o", b"s", b"i", b"u", b"e", b"p", b"c", b"b", b"trz", b"k", b"a",
];
/// The same after an m-line.
const MEDIA_ORDER: &[&[u8]] = &[b"m", b"i", b"c", b"b", b"k", b"a"];

/// The protocols of plain sound, and of sound under keys in SDP.
pub(crate) const PLAIN: [&str; 2] = ["RTP/AVP", "RTP/AVPF"];
pub(crate) const SECURE: [&str; 2] = ["RTP/SAVP", "RTP/SAVPF"];
/// More ways to protect a stream than any phone offers.
const MAX_CRYPTO: usize = 16;

/// A parsed SDP body (RFC 8866).
///
/// Every line is kept, known or not; the order within a part is not insisted upon.
#[derive(Debug, Clone)]
pub struct SessionDescription {
    text: String,
    session: Vec<Line>,
    media: Vec<Media>,
    origin: [Range<usize>; 2],
    /// Which m-line, and what it says.
    plain: Option<(usize, AudioStream)>,
    secure: Option<(usize, AudioStream)>,
}

/// One m-line and what follows it.
#[derive(Debug, Clone)]
pub struct Media {
    kind: Range<usize>,
    protocol: Range<usize>,
    formats: Range<usize>,
    lines: Vec<Line>,
    pub port: u16,
}

#[derive(Debug, Clone)]
struct Line {
    kind: u8,
    /// From 1, for error messages.
    number: usize,
    value: Range<usize>,
}

impl SessionDescription {
    /// Read a body. Ends of lines may be CRLF or LF; empty lines, a missing `s=` or `t=`, and invalid UTF-8 in texts
    /// are forgiven.
    pub fn parse(body: &[u8]) -> Result<SessionDescription, Error> {
        if body.len() > MAX_BYTES {
            return Err(Error::whole("longer than 65536 bytes"));
        }
        // Texts may be in another charset (a=charset), and nothing that we act on is beyond ASCII.
        let text = match std::str::from_utf8(body) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        };
        let mut session = Vec::with_capacity(8);
        let mut media: Vec<Media> = Vec::with_capacity(2);
        for line in Lines::of(&text) {
            let line = line?;
            if line.kind == b'm' {
                if media.len() == MAX_MEDIA {
                    return Err(Error::at(
                        line.number,
                        "more than 32 m-lines",
                        line.written(&text),
                    ));
                }
                media.push(Media::parse(&text, line)?);
            } else {
                media
                    .last_mut()
                    .map_or(&mut session, |current| &mut current.lines)
                    .push(line);
            }
        }
        match session.first() {
            Some(line) if line.kind == b'v' && &text[line.value.clone()] == "0" => {}
            Some(line) => {
                return Err(Error::at(
                    line.number,
                    "the first line is not v=0",
                    line.written(&text),
                ));
            }
            None => return Err(Error::whole("no v= line")),
        }
        let origin = origin(&text, &session)?;
        let mut description = SessionDescription {
            text,
            session,
            media,
            origin,
            plain: None,
            secure: None,
        };
        description.plain = description.first_audio(PLAIN)?;
        description.secure = description.first_audio(SECURE)?;
        Ok(description)
    }

    /// The session id of `o=`: with the version it tells a changed description from a repeated one.
    pub fn origin_id(&self) -> &str {
        &self.text[self.origin[0].clone()]
    }

    pub fn origin_version(&self) -> &str {
        &self.text[self.origin[1].clone()]
    }

    /// The first audio stream over RTP/AVP or RTP/AVPF that is not refused.
    pub fn audio(&self) -> Option<&AudioStream> {
        self.plain.as_ref().map(|(_, stream)| stream)
    }

    /// The first audio stream over RTP/SAVP or RTP/SAVPF that is not refused: who offers it alone wants SRTP or nothing.
    pub fn secure_audio(&self) -> Option<&AudioStream> {
        self.secure.as_ref().map(|(_, stream)| stream)
    }

    /// One of the two, and its m-line.
    pub(crate) fn audio_of(&self, secure: bool) -> Option<&(usize, AudioStream)> {
        if secure {
            self.secure.as_ref()
        } else {
            self.plain.as_ref()
        }
    }

    pub fn media(&self) -> &[Media] {
        &self.media
    }

    pub fn kind<'a>(&'a self, media: &Media) -> &'a str {
        &self.text[media.kind.clone()]
    }

    pub fn protocol<'a>(&'a self, media: &Media) -> &'a str {
        &self.text[media.protocol.clone()]
    }

    pub fn formats<'a>(&'a self, media: &Media) -> &'a str {
        &self.text[media.formats.clone()]
    }

    /// The values of the `t=` lines.
    pub(crate) fn times(&self) -> impl Iterator<Item = &str> {
        self.session
            .iter()
            .filter(|line| line.kind == b't')
            .map(|line| &self.text[line.value.clone()])
    }

    /// The same description as RFC 8866 wants it: CRLF, lines in order, `s=` and `t=` there.
    pub fn print(&self) -> Vec<u8> {
        let mut out = String::with_capacity(self.text.len() + 16);
        for kinds in SESSION_ORDER {
            let before = out.len();
            self.session
                .iter()
                .filter(|line| kinds.contains(&line.kind))
                .for_each(|line| line.print(&self.text, &mut out));
            match kinds[0] {
                b's' if out.len() == before => out.push_str("s=-\r\n"),
                b't' if out.len() == before => out.push_str("t=0 0\r\n"),
                _ => {}
            }
        }
        for media in &self.media {
            for kinds in MEDIA_ORDER {
                media
                    .lines
                    .iter()
                    .filter(|line| kinds.contains(&line.kind))
                    .for_each(|line| line.print(&self.text, &mut out));
            }
        }
        out.into_bytes()
    }

    fn first_audio(&self, protocols: [&str; 2]) -> Result<Option<(usize, AudioStream)>, Error> {
        let found = self.media.iter().enumerate().find(|(_, media)| {
            let protocol = self.protocol(media);
            media.port != 0
                && self.kind(media) == "audio"
                && protocols
                    .iter()
                    .any(|known| protocol.eq_ignore_ascii_case(known))
        });
        found
            .map(|(index, media)| Ok((index, self.stream(media, protocols == SECURE)?)))
            .transpose()
    }

    fn stream(&self, media: &Media, secure: bool) -> Result<AudioStream, Error> {
        let (host, direction, attributes) = self.ground(media)?;
        Ok(AudioStream {
            host: host.to_owned(),
            port: media.port,
            codecs: self.codecs(media, &attributes, Codec::of_static)?,
            direction,
            ptime: attributes.ptime,
            maxptime: attributes.maxptime,
            rtcp: attributes.rtcp.and_then(|value| rtcp(value, host)),
            rtcp_mux: attributes.rtcp_mux,
            secure,
            crypto: attributes.crypto,
        })
    }

    /// The host where the party receives a stream, the way it may go, and what else is said of it.
    pub(crate) fn ground(&self, media: &Media) -> Result<(&str, Direction, Attributes<'_>), Error> {
        let connection = media
            .lines
            .iter()
            .chain(&self.session)
            .find(|line| line.kind == b'c');
        let Some(connection) = connection else {
            // RFC 8866 section 5.7: in each media description, or at the session level.
            let line = &media.lines[0];
            return Err(Error::at(
                line.number,
                "no c= line for this stream",
                line.written(&self.text),
            ));
        };
        let host = connection_host(&self.text[connection.value.clone()]).ok_or_else(|| {
            Error::at(
                connection.number,
                "no usable address",
                connection.written(&self.text),
            )
        })?;
        let attributes = self.read_attributes(media);
        let mut direction = attributes
            .direction
            .or_else(|| self.session_direction())
            .unwrap_or_default();
        if is_unspecified(host) {
            // RFC 3264 section 8.4: the way of RFC 2543 to say that nothing shall be sent to this party.
            direction = Direction::new(direction.sends(), false);
        }
        Ok((host, direction, attributes))
    }

    /// The values of the lines of an m-line that have a letter.
    pub(crate) fn values<'a>(
        &'a self,
        media: &'a Media,
        kind: u8,
    ) -> impl Iterator<Item = &'a str> + 'a {
        media
            .lines
            .iter()
            .filter(move |line| line.kind == kind)
            .map(|line| &self.text[line.value.clone()])
    }

    /// `fixed`: what a payload type is that nothing names.
    pub(crate) fn codecs(
        &self,
        media: &Media,
        attributes: &Attributes<'_>,
        fixed: fn(u8) -> Option<Codec>,
    ) -> Result<Vec<Codec>, Error> {
        let line = &media.lines[0];
        let mut codecs: Vec<Codec> = Vec::with_capacity(8);
        for format in self.formats(media).split_ascii_whitespace() {
            let payload_type = format.parse().ok().filter(|number| *number < 128u8);
            let payload_type = payload_type.ok_or_else(|| {
                Error::at(
                    line.number,
                    "a payload type is no number below 128",
                    line.written(&self.text),
                )
            })?;
            if codecs
                .iter()
                .any(|codec| codec.payload_type == payload_type)
            {
                continue;
            }
            let of_type = |line: &&(u8, &str, usize)| line.0 == payload_type;
            let mut codec = match attributes.rtpmaps.iter().find(of_type) {
                Some((_, value, number)) => {
                    Codec::of_rtpmap(payload_type, value).ok_or_else(|| {
                        Error::at(
                            *number,
                            "rtpmap is not NAME/RATE or NAME/RATE/CHANNELS",
                            value,
                        )
                    })?
                }
                // A dynamic type that nothing names cannot be spoken.
                None => match fixed(payload_type) {
                    Some(codec) => codec,
                    None => continue,
                },
            };
            if let Some((_, value, _)) = attributes.fmtps.iter().find(of_type) {
                codec.parameters = (*value).to_owned();
            }
            codecs.push(codec);
        }
        Ok(codecs)
    }

    fn read_attributes(&self, media: &Media) -> Attributes<'_> {
        let mut found = Attributes::default();
        for line in media.lines.iter().filter(|line| line.kind == b'a') {
            let value = &self.text[line.value.clone()];
            match value.split_once(':') {
                // At most one of each type counts, so a flood of them stays cheap.
                Some(("rtpmap", rest)) => note(&mut found.rtpmaps, rest, line.number),
                Some(("fmtp", rest)) => note(&mut found.fmtps, rest, line.number),
                Some(("crypto", rest)) => note_crypto(&mut found.crypto, rest),
                Some(("ptime", rest)) => found.ptime = milliseconds(rest),
                Some(("maxptime", rest)) => found.maxptime = milliseconds(rest),
                Some(("rtcp", rest)) => found.rtcp = Some(rest),
                None if value == "rtcp-mux" => found.rtcp_mux = true,
                None => found.direction = Direction::parse(value).or(found.direction),
                Some(_) => {}
            }
        }
        found
    }

    /// RFC 8866 section 6.7: at the session level it is the default of each stream.
    fn session_direction(&self) -> Option<Direction> {
        let attributes = self.session.iter().filter(|line| line.kind == b'a');
        attributes
            .filter_map(|line| Direction::parse(&self.text[line.value.clone()]))
            .next_back()
    }
}

/// What the attributes of one m-line say about its stream.
#[derive(Default)]
pub(crate) struct Attributes<'a> {
    /// Payload type, text, line number.
    rtpmaps: Vec<(u8, &'a str, usize)>,
    fmtps: Vec<(u8, &'a str, usize)>,
    ptime: Option<u32>,
    maxptime: Option<u32>,
    pub(crate) rtcp: Option<&'a str>,
    pub(crate) rtcp_mux: bool,
    direction: Option<Direction>,
    pub(crate) crypto: Vec<Crypto>,
}

impl Media {
    /// `m=<kind> <port>[/<number of ports>] <protocol> <format> ...`
    fn parse(text: &str, line: Line) -> Result<Media, Error> {
        let bad = |reason| Err(Error::at(line.number, reason, line.written(text)));
        let value = &text[line.value.clone()];
        let mut words = value.split_ascii_whitespace();
        let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next())
        else {
            return bad("m= lacks type, port or protocol");
        };
        let Ok(port) = port.split('/').next().unwrap_or(port).parse() else {
            return bad("the port is no number up to 65535");
        };
        let span = |word: &str| {
            let start = line.value.start + (word.as_ptr() as usize - value.as_ptr() as usize);
            start..start + word.len()
        };
        let (kind, protocol) = (span(kind), span(protocol));
        let formats = span(text[protocol.end..line.value.end].trim_ascii());
        if formats.is_empty() && port != 0 {
            return bad("m= names no format");
        }
        let mut lines = Vec::with_capacity(12);
        lines.push(line);
        Ok(Media {
            kind,
            protocol,
            formats,
            lines,
            port,
        })
    }
}

impl Line {
    /// With its letter, as it came.
    fn written<'a>(&self, text: &'a str) -> &'a str {
        &text[self.value.start - 2..self.value.end]
    }

    fn print(&self, text: &str, out: &mut String) {
        out.push_str(self.written(text));
        out.push_str("\r\n");
    }
}

/// The lines of a text, checked to be `letter=value`.
struct Lines<'a> {
    text: &'a str,
    position: usize,
    number: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Lines<'a> {
        Lines {
            text,
            position: 0,
            number: 0,
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<Line, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.position < self.text.len() {
            let start = self.position;
            let rest = &self.text[start..];
            let length = rest.find('\n').unwrap_or(rest.len());
            self.position = start + length + 1;
            self.number += 1;
            let line = rest[..length].trim_end_matches(['\r', ' ', '\t']);
            if !line.is_empty() {
                return Some(self.check(start, line));
            }
        }
        None
    }
}

impl Lines<'_> {
    fn check(&self, start: usize, line: &str) -> Result<Line, Error> {
        let [kind, b'=', value @ ..] = line.as_bytes() else {
            return Err(Error::at(
                self.number,
                "not a letter, an equals sign and a value",
                line,
            ));
        };
        // RFC 8866 section 5: the letters are a closed set, and a description with another is not understood.
        if !matches!(
            kind,
            b'v' | b'o'
                | b's'
                | b'i'
                | b'u'
                | b'e'
                | b'p'
                | b'c'
                | b'b'
                | b't'
                | b'r'
                | b'z'
                | b'k'
                | b'a'
                | b'm'
        ) {
            return Err(Error::at(self.number, "unknown line type", line));
        }
        if value.iter().any(|byte| matches!(byte, 0 | b'\r')) {
            return Err(Error::at(self.number, "a NUL or a lone CR", line));
        }
        Ok(Line {
            kind: *kind,
            number: self.number,
            value: start + 2..start + line.len(),
        })
    }
}

/// `o=<user> <id> <version> IN IP4 <address>`: the places of id and version.
fn origin(text: &str, session: &[Line]) -> Result<[Range<usize>; 2], Error> {
    let Some(line) = session.iter().find(|line| line.kind == b'o') else {
        return Err(Error::whole("no o= line"));
    };
    let value = &text[line.value.clone()];
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    // A user name with spaces is seen in the field, so the six fields are counted from the right.
    let [_, .., id, version, _network, _kind, _address] = words[..] else {
        return Err(Error::at(
            line.number,
            "o= has fewer than six fields",
            line.written(text),
        ));
    };
    let span = |word: &str| {
        let start = line.value.start + (word.as_ptr() as usize - value.as_ptr() as usize);
        start..start + word.len()
    };
    Ok([span(id), span(version)])
}

/// `IN IP4 192.0.2.1`, `IN IP6 2001:db8::1`, with the TTL of a multicast address left out.
fn connection_host(value: &str) -> Option<&str> {
    let mut words = value.split_ascii_whitespace();
    let (network, kind, address) = (words.next()?, words.next()?, words.next()?);
    if !network.eq_ignore_ascii_case("IN")
        || !(kind.eq_ignore_ascii_case("IP4") || kind.eq_ignore_ascii_case("IP6"))
    {
        return None;
    }
    let host = address.split('/').next().unwrap_or(address);
    let host = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(host);
    is_host(host).then_some(host)
}

/// RFC 3605: `53020` or `53020 IN IP4 126.16.64.4`. What cannot be read is as if it were not there.
pub(crate) fn rtcp(value: &str, host: &str) -> Option<(String, u16)> {
    let (port, connection) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = if connection.is_empty() {
        host
    } else {
        connection_host(connection)?
    };
    Some((host.to_owned(), port))
}

fn is_unspecified(host: &str) -> bool {
    host.parse::<IpAddr>()
        .is_ok_and(|address| address.is_unspecified())
}

/// `20`; a few phones write `20.0`.
fn milliseconds(value: &str) -> Option<u32> {
    value
        .trim()
        .split('.')
        .next()?
        .parse()
        .ok()
        .filter(|it| (1..=1000).contains(it))
}

fn note<'a>(list: &mut Vec<(u8, &'a str, usize)>, value: &'a str, number: usize) {
    let Some((payload_type, rest)) = value.trim_start().split_once([' ', '\t']) else {
        return;
    };
    match payload_type.parse() {
        Ok(payload_type) if !list.iter().any(|(known, _, _)| *known == payload_type) => {
            list.push((payload_type, rest.trim(), number));
        }
        _ => {}
    }
}

/// What we cannot use is as if it were not there: another line may do. A tag counts once (RFC 4568 section 9.1).
fn note_crypto(list: &mut Vec<Crypto>, value: &str) {
    if list.len() < MAX_CRYPTO
        && let Some(crypto) = Crypto::parse(value)
        && !list.iter().any(|known| known.tag == crypto.tag)
    {
        list.push(crypto);
    }
}
