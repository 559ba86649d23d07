//! CSeq (RFC 3261 section 20.16).

use crate::grammar::{is_lws, is_token, number, skip_lws};
use crate::message::Span;

/// The number and the method of `bytes[value]`.
pub(crate) fn scan(bytes: &[u8], value: Span) -> Result<(u32, Span), &'static str> {
    let end = usize::from(value.end);
    let mut at = usize::from(value.start);
    let digits = at;
    while at < end && bytes[at].is_ascii_digit() {
        at += 1;
    }
    // RFC 3261 section 8.1.1.5: "The sequence number value MUST be expressible as a 32-bit unsigned integer and MUST
    // be less than 2**31."
    let sequence = number(&bytes[digits..at], (1 << 31) - 1)
        .and_then(|value| u32::try_from(value).ok())
        .ok_or("CSeq number out of range")?;
    if at == end || !is_lws(bytes[at]) {
        return Err("bad CSeq");
    }
    let method = Span::new(skip_lws(&bytes[..end], at), end);
    if !is_token(method.of(bytes)) {
        return Err("bad CSeq method");
    }
    Ok((sequence, method))
}
