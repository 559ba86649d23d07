//! Via (RFC 3261 section 20.42, RFC 3581).

use crate::grammar::{HOST, TOKEN, number, skip_lws, trim_end};
use crate::message::Span;
use crate::params;

/// The first value of a Via line, where it stands in its message.
#[derive(Clone, Copy, Debug, Default)]
pub struct ViaParts {
    /// The value itself; a list may go on behind it.
    pub whole: Span,
    pub version: Span,
    pub transport: Span,
    /// With brackets where it is an IPv6 reference.
    pub host: Span,
    pub port: Option<u16>,
    /// Empty where there is none.
    pub branch: Span,
    /// The parameter `received` from its semicolon on; empty where there is none.
    pub received: Span,
    /// The parameter `rport` from its semicolon on; empty where there is none (RFC 3581).
    pub rport: Span,
    /// The parameter `oc` from its semicolon on; empty where there is none (RFC 7339).
    pub oc: Span,
    /// The parameter `oc-algo` from its semicolon on; empty where there is none (RFC 7339).
    pub oc_algo: Span,
}

/// Read the first value of `bytes[value]`.
pub(crate) fn scan(bytes: &[u8], value: Span) -> Result<ViaParts, &'static str> {
    let bytes = &bytes[..usize::from(value.end)];
    let start = usize::from(value.start);
    // sent-protocol = protocol-name SLASH protocol-version SLASH transport, white space allowed at each SLASH.
    let name = token(bytes, start)?;
    if !name.of(bytes).eq_ignore_ascii_case(b"SIP") {
        return Err("bad Via protocol");
    }
    let version = token(bytes, slash(bytes, name)?)?;
    let transport = token(bytes, slash(bytes, version)?)?;
    let host_start = skip_lws(bytes, usize::from(transport.end));
    if host_start == usize::from(transport.end) {
        return Err("bad Via");
    }
    let mut at = host_start;
    if bytes.get(at) == Some(&b'[') {
        at = memchr::memchr(b']', &bytes[at..]).ok_or("bad Via host")? + at + 1;
    } else {
        at = HOST.skip(bytes, at);
    }
    if at == host_start {
        return Err("bad Via host");
    }
    let mut parts = ViaParts {
        version,
        transport,
        host: Span::new(host_start, at),
        ..ViaParts::default()
    };
    let colon = skip_lws(bytes, at);
    if bytes.get(colon) == Some(&b':') {
        let digits = skip_lws(bytes, colon + 1);
        at = digits;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        let port = number(&bytes[digits..at], 65_535).ok_or("bad Via port")?;
        parts.port = u16::try_from(port).ok();
    }
    while let Some(param) = params::next(bytes, &mut at)? {
        match param.name.of(bytes) {
            name if name.eq_ignore_ascii_case(b"branch") => {
                parts.branch = param.value.ok_or("bad Via branch")?
            }
            name if name.eq_ignore_ascii_case(b"rport") => parts.rport = param.whole,
            name if name.eq_ignore_ascii_case(b"received") => parts.received = param.whole,
            name if name.eq_ignore_ascii_case(b"oc") => parts.oc = param.whole,
            name if name.eq_ignore_ascii_case(b"oc-algo") => parts.oc_algo = param.whole,
            _ => {}
        }
    }
    parts.whole = Span::new(start, trim_end(bytes, start, at));
    Ok(parts)
}

fn token(bytes: &[u8], start: usize) -> Result<Span, &'static str> {
    let end = TOKEN.skip(bytes, start);
    if end == start {
        Err("bad Via")
    } else {
        Ok(Span::new(start, end))
    }
}

fn slash(bytes: &[u8], before: Span) -> Result<usize, &'static str> {
    let at = skip_lws(bytes, usize::from(before.end));
    if bytes.get(at) != Some(&b'/') {
        return Err("bad Via");
    }
    Ok(skip_lws(bytes, at + 1))
}
