//! Offer and answer (RFC 3264).

use std::fmt::Write;

use crate::audio::{Codec, Direction};
use crate::{AudioStream, Error, SessionDescription};

/// An offer of one audio stream. `session_id` and `version` are those of our `o=` line (RFC 3264 section 8: the
/// version goes up by one whenever a later description differs).
pub fn offer(ours: &AudioStream, session_id: u64, version: u64) -> Result<Vec<u8>, Error> {
    ours.check()?;
    if ours.codecs.is_empty() {
        return Err(Error::whole("an offer without codecs"));
    }
    let mut out = head(ours, session_id, version);
    out.push_str("t=0 0\r\n");
    stream(
        &mut out,
        ours,
        if ours.secure { "RTP/SAVP" } else { "RTP/AVP" },
    );
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
    for (index, media) in theirs.media().iter().enumerate() {
        if index == *accepted {
            stream(&mut out, &answered, theirs.protocol(media));
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
    let _ = write!(out, "m=audio {} {protocol}", stream.port);
    for codec in &stream.codecs {
        let _ = write!(out, " {}", codec.payload_type);
    }
    out.push_str("\r\n");
    for codec in &stream.codecs {
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
    for crypto in &stream.crypto {
        line(out, format_args!("a=crypto:{crypto}"));
    }
    if let Some(ptime) = stream.ptime {
        line(out, format_args!("a=ptime:{ptime}"));
    }
    if let Some(maxptime) = stream.maxptime {
        line(out, format_args!("a=maxptime:{maxptime}"));
    }
    if let Some((host, port)) = &stream.rtcp {
        if *host == stream.host {
            line(out, format_args!("a=rtcp:{port}"));
        } else {
            line(
                out,
                format_args!("a=rtcp:{port} IN {} {host}", address_type(host)),
            );
        }
    }
    if stream.rtcp_mux {
        out.push_str("a=rtcp-mux\r\n");
    }
    // RFC 3264 section 5.1: sendrecv need not be said, yet some phones wait for it after a hold.
    line(
        out,
        format_args!("a={}", Direction::as_str(stream.direction)),
    );
}

fn address_type(host: &str) -> &'static str {
    if host.contains(':') { "IP6" } else { "IP4" }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(text);
    out.push_str("\r\n");
}
