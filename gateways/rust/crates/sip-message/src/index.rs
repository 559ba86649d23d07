//! One pass over the bytes of a message.
//!
//! A defect does not end the pass: what stands behind it may be needed for the answer.

use std::borrow::Cow;
use std::sync::Arc;

use crate::check;
use crate::grammar::{TOKEN, is_lws, is_token, number, skip_lws, trim, trim_end};
use crate::header_name::HeaderName;
use crate::message::{Author, Facts, Field, Malformed, Message, Span, StartLine};
use crate::{MAX_HEADERS, MAX_MESSAGE};

pub(crate) type Defect = (u16, Cow<'static, str>);

/// The first defect found counts: it is the one that the answer names.
pub(crate) fn note(defect: &mut Option<Defect>, status: u16, reason: impl Into<Cow<'static, str>>) {
    defect.get_or_insert_with(|| (status, reason.into()));
}

pub(crate) fn parse(bytes: &[u8], author: Author) -> Result<Message, Malformed> {
    let (mut message, first) = head(bytes).map_err(|reason| Malformed {
        status: 400,
        reason: reason.into(),
        message: None,
    })?;
    let second = check::check(&mut message, author);
    match first.or(second) {
        None => Ok(message),
        Some((status, reason)) => Err(Malformed {
            status,
            reason,
            message: Some(Box::new(message)),
        }),
    }
}

/// The start line, the headers and the place of what follows them, taken to be the body.
pub(crate) fn head(bytes: &[u8]) -> Result<(Message, Option<Defect>), &'static str> {
    if bytes.len() > MAX_MESSAGE {
        return Err("message too long");
    }
    let mut defect = None;
    // RFC 3261 section 7.5: "Implementations processing SIP messages over stream-oriented transports MUST ignore any
    // CRLF appearing before the start-line"; over datagrams it does no harm either.
    let first = bytes
        .iter()
        .position(|&byte| byte != b'\r' && byte != b'\n')
        .ok_or("empty message")?;
    let (line_end, mut at) = line(bytes, first, &mut defect).ok_or("no end of the start line")?;
    let start = start_line(bytes, first, line_end, &mut defect).ok_or("no start line of SIP")?;
    let mut fields = Vec::with_capacity(20);
    let mut seen: u128 = 0;
    loop {
        let Some((mut end, mut next)) = line(bytes, at, &mut defect) else {
            // The empty line is missing: a datagram that was cut off.
            note(&mut defect, 400, "headers without an end");
            at = bytes.len();
            break;
        };
        if end == at {
            at = next;
            break;
        }
        // RFC 3261 section 7.3.1: a line that begins with white space goes on with the one before.
        while next < bytes.len() && (bytes[next] == b' ' || bytes[next] == b'\t') {
            let Some((folded_end, folded_next)) = line(bytes, next, &mut defect) else {
                break;
            };
            end = folded_end;
            next = folded_next;
        }
        match field(bytes, at, end) {
            None => note(&mut defect, 400, "bad header line"),
            Some(found) => {
                let bit = 1u128 << (found.name as u32);
                if seen & bit != 0 && found.name.is_once() {
                    note(
                        &mut defect,
                        400,
                        format!("more than one {}", found.name.text()),
                    );
                }
                seen |= bit;
                if fields.len() == MAX_HEADERS {
                    note(&mut defect, 400, "too many headers");
                    return Ok((message(bytes, start, fields, at), defect));
                }
                fields.push(found);
            }
        }
        at = next;
    }
    Ok((message(bytes, start, fields, at), defect))
}

fn message(bytes: &[u8], start: StartLine, fields: Vec<Field>, body: usize) -> Message {
    Message {
        bytes: Arc::from(bytes),
        start,
        fields,
        facts: Facts::default(),
        body: Span::new(body, bytes.len()),
    }
}

/// The end of the line at `at`, and where the next one begins. A lone LF ends a line, too; a lone CR is a defect,
/// for it would let a header be smuggled past those who take it for a line's end.
#[inline]
fn line(bytes: &[u8], at: usize, defect: &mut Option<Defect>) -> Option<(usize, usize)> {
    let mut from = at;
    loop {
        let end = memchr::memchr2(b'\r', b'\n', &bytes[from..])? + from;
        if bytes[end] == b'\n' {
            return Some((end, end + 1));
        }
        if bytes.get(end + 1) == Some(&b'\n') {
            return Some((end, end + 2));
        }
        note(defect, 400, "stray carriage return");
        from = end + 1;
    }
}

#[inline]
fn field(bytes: &[u8], start: usize, end: usize) -> Option<Field> {
    let line = &bytes[..end];
    let name_end = TOKEN.skip(line, start);
    let colon = skip_lws(line, name_end);
    if name_end == start || colon == end || bytes[colon] != b':' {
        return None;
    }
    let value_start = skip_lws(line, colon + 1);
    let value_end = trim_end(bytes, value_start, end);
    Some(Field {
        name: HeaderName::of(&bytes[start..name_end]),
        written: Span::new(start, name_end),
        value: Span::new(value_start, value_end),
    })
}

/// `Method SP Request-URI SP SIP-Version` or `SIP-Version SP Status-Code SP Reason-Phrase`; None when it is neither
/// in any reading.
fn start_line(
    bytes: &[u8],
    start: usize,
    end: usize,
    defect: &mut Option<Defect>,
) -> Option<StartLine> {
    let line = &bytes[start..end];
    if line.len() > 4 && line[..4].eq_ignore_ascii_case(b"SIP/") {
        return status_line(bytes, start, end, defect);
    }
    let first = memchr::memchr(b' ', line)?;
    let (method, rest) = (&line[..first], first + 1);
    if !is_token(method) {
        return None;
    }
    // RFC 3261 section 7.1: no more white space than the two single spaces. What has more is refused, not guessed at.
    let last = memchr::memrchr(b' ', trim(line))?;
    let version = trim(&line[last..]);
    if last < rest
        || !version
            .get(..4)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"SIP/"))
    {
        return None;
    }
    let uri = Span::new(start + rest, start + last);
    if uri.of(bytes).iter().any(|&byte| is_lws(byte))
        || last + 1 + version.len() != line.len()
        || uri.is_empty()
    {
        note(defect, 400, "white space in the request line");
    }
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        note(defect, 505, "Version Not Supported");
    }
    Some(StartLine::Request {
        method: Span::new(start, start + first),
        uri,
    })
}

fn status_line(
    bytes: &[u8],
    start: usize,
    end: usize,
    defect: &mut Option<Defect>,
) -> Option<StartLine> {
    let line = &bytes[start..end];
    let first = memchr::memchr(b' ', line)?;
    if !line[..first].eq_ignore_ascii_case(b"SIP/2.0") {
        note(defect, 505, "Version Not Supported");
    }
    let code_end = memchr::memchr(b' ', &line[first + 1..]).map_or(line.len(), |at| at + first + 1);
    let code = &line[first + 1..code_end];
    let status = number(code, 699)
        .filter(|&status| code.len() == 3 && status >= 100)
        .unwrap_or_else(|| {
            note(defect, 400, "bad status code");
            0
        });
    let reason = Span::new(start + (code_end + 1).min(line.len()), end);
    Some(StartLine::Response {
        status: u16::try_from(status).unwrap_or_default(),
        reason,
    })
}
