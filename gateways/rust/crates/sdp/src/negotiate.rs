//! Offer and answer (RFC 3264).

use std::fmt::Write;

use crate::audio::{Codec, Direction};
use crate::{AudioStream, Error, FloorLine, SessionDescription, VideoStream};

/// An offer of one audio stream. `session_id` and `version` are those of our `o=` line (RFC 3264 section 8: the
/// version goes up by one whenever a later description differs).
pub fn offer(ours: &AudioStream, session_id: u64, version: u64) -> Result<Vec<u8>, Error> {
    offer_beside(ours, session_id, version, &[Line::Audio])
}

/// One m-line of an offer that has more than one.
#[derive(Debug, Clone, Copy)]
pub enum Line<'a> {
    /// The audio stream: in every offer once.
    Audio,
    Video(&'a VideoStream),
    Floor(&'a FloorLine),
    /// What was refused, or has ended: its place must be kept (RFC 3264 section 8: "the "m=" lines ... MUST NOT be
    /// removed").
    Refused {
        kind: &'a str,
        protocol: &'a str,
    },
}

/// An offer of audio with other m-lines before and after it.
pub fn offer_beside(
    ours: &AudioStream,
    session_id: u64,
    version: u64,
    lines: &[Line<'_>],
) -> Result<Vec<u8>, Error> {
    ours.check()?;
    if ours.codecs.is_empty() {
        return Err(Error::whole("an offer without codecs"));
    }
    if lines.iter().filter(|it| matches!(it, Line::Audio)).count() != 1 {
        return Err(Error::whole("an offer whose audio is not there once"));
    }
    let mut out = head(ours, session_id, version);
    out.push_str("t=0 0\r\n");
    for it in lines {
        match it {
            Line::Audio => {
                let protocol = if ours.secure { "RTP/SAVP" } else { "RTP/AVP" };
                stream(&mut out, ours, protocol);
            }
            Line::Video(video) => {
                video.check()?;
                picture(&mut out, video, &ours.host, video.protocol());
            }
            Line::Floor(floor) => {
                floor.check()?;
                floor_control(&mut out, floor, &ours.host);
            }
            Line::Refused { kind, protocol } => {
                let word =
                    |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_graphic());
                if !word(kind) || !word(protocol) {
                    return Err(Error::whole("a refused line has no kind or protocol"));
                }
                line(&mut out, format_args!("m={kind} 0 {protocol} 0"));
            }
        }
    }
    Ok(out.into_bytes())
}

/// Our answer to `theirs` (RFC 3264 section 6): the same m-lines in the same order, all but the audio stream refused.
///
/// The codecs stay in our order, because ours is often the answer of the party beyond, who is already speaking the
/// first of them.
///
/// A party may offer its audio twice, over RTP/SAVP and over RTP/AVP: `ours.secure` says which is taken, and `ours.crypto`
/// holds our key under the tag of the offered one that is taken (RFC 4568 section 5.1.2).
pub fn answer(
    theirs: &SessionDescription,
    ours: &AudioStream,
    session_id: u64,
    version: u64,
) -> Result<Vec<u8>, Error> {
    answer_beside(theirs, ours, session_id, version, Beside::default())
}

/// What is taken beside the sound, by places among the m-lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// With codecs under the payload types of the offer.
    pub video: &'a [(usize, VideoStream)],
    pub floor: Option<&'a (usize, FloorLine)>,
}

/// The same with more than sound. What was not offered at a place is left out of it, and a line of which nothing is left is
/// refused.
pub fn answer_beside(
    theirs: &SessionDescription,
    ours: &AudioStream,
    session_id: u64,
    version: u64,
    beside: Beside<'_>,
) -> Result<Vec<u8>, Error> {
    let Beside { video, floor } = beside;
    ours.check()?;
    let Some((accepted, offered)) = theirs.audio_of(ours.secure) else {
        return Err(Error::whole("no audio stream was offered that we can take"));
    };
    let codecs = common(&ours.codecs, &offered.codecs);
    if !codecs.iter().any(Codec::is_voice) {
        return Err(Error::whole("no codec is common"));
    }
    let answered = AudioStream {
        host: ours.host.clone(),
        port: ours.port,
        codecs,
        direction: ours.direction.within(offered.direction),
        ptime: ours
            .ptime
            .map(|ptime| ptime.min(offered.maxptime.unwrap_or(ptime))),
        maxptime: ours.maxptime,
        rtcp: ours.rtcp.clone(),
        // RFC 5761 section 5.1.1: only what was offered may be answered.
        rtcp_mux: ours.rtcp_mux && offered.rtcp_mux,
        secure: ours.secure,
        crypto: ours.crypto.clone(),
    };
    let mut out = head(ours, session_id, version);
    // RFC 3264 section 6: "The "t=" line in the answer MUST equal the one in the offer."
    let before = out.len();
    theirs
        .times()
        .for_each(|times| line(&mut out, format_args!("t={times}")));
    if out.len() == before {
        out.push_str("t=0 0\r\n");
    }
    let offered = if video.is_empty() {
        Vec::new()
    } else {
        theirs.video()
    };
    let floor = match (floor, floor.and_then(|_| theirs.floor())) {
        (Some((place, our)), Some((offered, their)))
            if *place == offered && our.protocol == their.protocol =>
        {
            our.check()?;
            Some((offered, our))
        }
        _ => None,
    };
    for (index, media) in theirs.media().iter().enumerate() {
        let at = |list: &[(usize, VideoStream)]| list.iter().position(|(place, _)| *place == index);
        let taken = match (at(video), at(&offered)) {
            (Some(our), Some(their)) => taken(&video[our].1, &offered[their].1)?,
            _ => None,
        };
        if index == *accepted {
            stream(&mut out, &answered, theirs.protocol(media));
        } else if let Some(taken) = taken {
            picture(&mut out, &taken, &ours.host, theirs.protocol(media));
        } else if let Some((_, floor)) = floor.filter(|(place, _)| *place == index) {
            floor_control(&mut out, floor, &ours.host);
        } else {
            // RFC 3264 section 6: refused by port zero; the formats mean nothing, but one must be there.
            let formats = Some(theirs.formats(media))
                .filter(|formats| !formats.is_empty())
                .unwrap_or("0");
            line(
                &mut out,
                format_args!(
                    "m={} 0 {} {formats}",
                    theirs.kind(media),
                    theirs.protocol(media)
                ),
            );
        }
    }
    Ok(out.into_bytes())
}

/// What we take of a video line; None: nothing.
fn taken(ours: &VideoStream, offered: &VideoStream) -> Result<Option<VideoStream>, Error> {
    ours.check()?;
    let mut codecs = ours.codecs.clone();
    codecs.retain(|our| {
        let same = |it: &Codec| it.payload_type == our.payload_type && it.same_format(our);
        offered.codecs.iter().any(same)
    });
    let pictures = codecs.iter().any(|it| !is_repair(it));
    if ours.port == 0 || offered.port == 0 || ours.secure != offered.secure || !pictures {
        return Ok(None);
    }
    Ok(Some(VideoStream {
        codecs,
        direction: ours.direction.within(offered.direction),
        // RFC 5761 section 5.1.1: only what was offered may be answered.
        rtcp_mux: ours.rtcp_mux && offered.rtcp_mux,
        // RFC 4585 section 4.2: an answerer must not say what was not offered.
        feedback: ours
            .feedback
            .iter()
            .copied()
            .filter(|it| offered.feedback.contains(it))
            .collect(),
        ..ours.clone()
    }))
}

/// What goes beside pictures, and is none.
fn is_repair(codec: &Codec) -> bool {
    matches!(&*codec.name, "RTX" | "RED" | "ULPFEC" | "FLEXFEC-03")
}

/// Our codecs that were offered, under the offer's payload types, each offered one used once.
fn common(ours: &[Codec], offered: &[Codec]) -> Vec<Codec> {
    let mut taken: Vec<Codec> = Vec::with_capacity(ours.len().min(offered.len()));
    for our in ours {
        let free = |codec: &&Codec| {
            !taken.iter().any(|it| it.payload_type == codec.payload_type) && our.same_format(codec)
        };
        let alike = offered
            .iter()
            .filter(free)
            .find(|codec| codec.parameters == our.parameters);
        if let Some(codec) = alike.or_else(|| offered.iter().find(free)) {
            taken.push(Codec {
                payload_type: codec.payload_type,
                clock_rate: codec.clock_rate,
                ..our.clone()
            });
        }
    }
    taken
}

fn head(ours: &AudioStream, session_id: u64, version: u64) -> String {
    let mut out = String::with_capacity(384);
    let (kind, host) = (address_type(&ours.host), &ours.host);
    out.push_str("v=0\r\n");
    line(
        &mut out,
        format_args!("o=- {session_id} {version} IN {kind} {host}"),
    );
    // RFC 8866 section 5.3: "-" where the session has no name.
    out.push_str("s=-\r\n");
    line(&mut out, format_args!("c=IN {kind} {host}"));
    out
}

fn stream(out: &mut String, stream: &AudioStream, protocol: &str) {
    media_line(out, "audio", stream.port, protocol, &stream.codecs);
    formats(out, &stream.codecs);
    for crypto in &stream.crypto {
        line(out, format_args!("a=crypto:{crypto}"));
    }
    if let Some(ptime) = stream.ptime {
        line(out, format_args!("a=ptime:{ptime}"));
    }
    if let Some(maxptime) = stream.maxptime {
        line(out, format_args!("a=maxptime:{maxptime}"));
    }
    ways(out, &stream.host, stream.rtcp.as_ref(), stream.rtcp_mux);
    // RFC 3264 section 5.1: sendrecv need not be said, yet some phones wait for it after a hold.
    line(
        out,
        format_args!("a={}", Direction::as_str(stream.direction)),
    );
}

/// A video line; `above`: the host that the description names for all.
fn picture(out: &mut String, video: &VideoStream, above: &str, protocol: &str) {
    if video.port == 0 {
        return line(out, format_args!("m=video 0 {protocol} 0"));
    }
    media_line(out, "video", video.port, protocol, &video.codecs);
    if video.host != above {
        line(
            out,
            format_args!("c=IN {} {}", address_type(&video.host), video.host),
        );
    }
    if let Some(kilobits) = video.bandwidth_kbps {
        line(out, format_args!("b=AS:{kilobits}"));
        line(out, format_args!("b=TIAS:{kilobits}000"));
    }
    formats(out, &video.codecs);
    for feedback in &video.feedback {
        line(out, format_args!("a=rtcp-fb:* {feedback}"));
    }
    for crypto in &video.crypto {
        line(out, format_args!("a=crypto:{crypto}"));
    }
    if !video.content.is_empty() {
        line(out, format_args!("a=content:{}", video.content));
    }
    if !video.label.is_empty() {
        line(out, format_args!("a=label:{}", video.label));
    }
    ways(out, &video.host, video.rtcp.as_ref(), video.rtcp_mux);
    line(out, format_args!("a={}", video.direction.as_str()));
}

/// The line of floor control (RFC 8856 section 4: the format is "*").
fn floor_control(out: &mut String, floor: &FloorLine, above: &str) {
    let (port, protocol) = (floor.port, floor.protocol);
    line(out, format_args!("m=application {port} {protocol} *"));
    if floor.host != above {
        line(
            out,
            format_args!("c=IN {} {}", address_type(&floor.host), floor.host),
        );
    }
    for attribute in &floor.attributes {
        line(out, format_args!("a={attribute}"));
    }
}

fn media_line(out: &mut String, kind: &str, port: u16, protocol: &str, codecs: &[Codec]) {
    let _ = write!(out, "m={kind} {port} {protocol}");
    for codec in codecs {
        let _ = write!(out, " {}", codec.payload_type);
    }
    out.push_str("\r\n");
}

fn formats(out: &mut String, codecs: &[Codec]) {
    for codec in codecs {
        let (payload_type, name, rate) =
            (codec.payload_type, codec.printed_name(), codec.clock_rate);
        match codec.channels {
            1 => line(out, format_args!("a=rtpmap:{payload_type} {name}/{rate}")),
            channels => line(
                out,
                format_args!("a=rtpmap:{payload_type} {name}/{rate}/{channels}"),
            ),
        }
        if !codec.parameters.is_empty() {
            line(
                out,
                format_args!("a=fmtp:{payload_type} {}", codec.parameters),
            );
        }
    }
}

/// Where RTCP goes.
fn ways(out: &mut String, of: &str, rtcp: Option<&(String, u16)>, mux: bool) {
    if let Some((host, port)) = rtcp {
        if *host == *of {
            line(out, format_args!("a=rtcp:{port}"));
        } else {
            line(
                out,
                format_args!("a=rtcp:{port} IN {} {host}", address_type(host)),
            );
        }
    }
    if mux {
        out.push_str("a=rtcp-mux\r\n");
    }
}

fn address_type(host: &str) -> &'static str {
    if host.contains(':') { "IP6" } else { "IP4" }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(text);
    out.push_str("\r\n");
}
