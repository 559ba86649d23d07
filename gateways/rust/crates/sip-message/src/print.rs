//! Printing: requests from their parts, and responses as what differs from the request (RFC 3261 section 8.2.6).

use std::io::Write;
use std::net::SocketAddr;

use crate::grammar::unfold_into;
use crate::header_name::HeaderName;
use crate::message::{Message, Span};

/// The headers that a caller gives: names and values.
pub type Headers<'a> = [(&'a str, &'a str)];

/// Whether a name or value could break out of its line. Neither may hold CR, LF or NUL outside a quoted pair; we
/// never print such a thing ourselves.
pub fn breaks_line(text: &str) -> bool {
    memchr::memchr2(b'\r', b'\n', text.as_bytes()).is_some()
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// The given headers but Content-Length, which is always ours, then Content-Length, the empty line and the body.
fn finish(out: &mut Vec<u8>, headers: &Headers<'_>, body: &[u8]) {
    for (name, value) in headers {
        if HeaderName::of(name.as_bytes()) != HeaderName::ContentLength {
            line(out, name.as_bytes(), value.as_bytes());
        }
    }
    out.extend_from_slice(b"Content-Length: ");
    decimal(out, body.len() as u64);
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
}

fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A request of ours. `via` is the value of its one Via.
pub fn request(
    out: &mut Vec<u8>,
    method: &str,
    uri: &str,
    via: &str,
    headers: &Headers<'_>,
    body: &[u8],
) {
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(uri.as_bytes());
    out.extend_from_slice(b" SIP/2.0\r\n");
    line(out, b"Via", via.as_bytes());
    if !headers
        .iter()
        .any(|(name, _)| HeaderName::of(name.as_bytes()) == HeaderName::MaxForwards)
    {
        // RFC 3261 section 8.1.1.6: "its initial value SHOULD be 70".
        out.extend_from_slice(b"Max-Forwards: 70\r\n");
    }
    finish(out, headers, body);
}

/// A response to a request that came from `source`: Via, From, To, Call-ID, CSeq and, below 300, Record-Route are
/// copied from it (sections 8.2.6.2 and 12.1.1). `to_tag` is added where the request's To has none. `feedback` are
/// the Via parameters about overload that a peer gets who asks for them (RFC 7339); empty: none does.
///
/// The request may be a malformed one: what it lacks is left out.
#[allow(clippy::too_many_arguments)]
pub fn response(
    out: &mut Vec<u8>,
    request: &Message,
    source: SocketAddr,
    feedback: &str,
    status: u16,
    reason: Option<&str>,
    to_tag: Option<&str>,
    headers: &Headers<'_>,
    body: &[u8],
) {
    out.extend_from_slice(b"SIP/2.0 ");
    decimal(out, u64::from(status));
    out.push(b' ');
    out.extend_from_slice(reason.unwrap_or_else(|| reason_phrase(status)).as_bytes());
    out.extend_from_slice(b"\r\n");
    let mut top = true;
    for field in &request.fields {
        let value = request.slice(field.value);
        match field.name {
            HeaderName::Via => {
                out.extend_from_slice(b"Via: ");
                if top {
                    top_via(out, request, value, source, feedback);
                } else {
                    unfold_into(out, value);
                }
                top = false;
                out.extend_from_slice(b"\r\n");
            }
            HeaderName::RecordRoute if status < 300 => copy(out, field.name, value),
            HeaderName::From | HeaderName::CallId | HeaderName::CSeq => {
                copy(out, field.name, value)
            }
            // RFC 3261 section 8.2.6.1: a 100 copies the Timestamp.
            HeaderName::Timestamp if status == 100 => copy(out, field.name, value),
            HeaderName::To => {
                out.extend_from_slice(b"To: ");
                unfold_into(out, value);
                if let (Some(tag), true) = (to_tag, request.facts.to.tag.is_empty()) {
                    out.extend_from_slice(b";tag=");
                    out.extend_from_slice(tag.as_bytes());
                }
                out.extend_from_slice(b"\r\n");
            }
            _ => {}
        }
    }
    finish(out, headers, body);
}

fn copy(out: &mut Vec<u8>, name: HeaderName, value: &[u8]) {
    out.extend_from_slice(name.text().as_bytes());
    out.extend_from_slice(b": ");
    unfold_into(out, value);
    out.extend_from_slice(b"\r\n");
}

/// Whether a peer wants to be told of overload, and by the one algorithm that there is (RFC 7339 section 4.2: it MUST
/// be able to do `loss`).
fn asks_for_loss(request: &Message) -> bool {
    let via = &request.facts.via;
    !via.oc.is_empty()
        && request
            .slice(via.oc_algo)
            .split(|byte| !byte.is_ascii_alphanumeric())
            .any(|algorithm| algorithm.eq_ignore_ascii_case(b"loss"))
}

/// The topmost Via with where the request really came from (RFC 3261 section 18.2.1, RFC 3581 section 4).
fn top_via(out: &mut Vec<u8>, request: &Message, value: &[u8], source: SocketAddr, feedback: &str) {
    let via = &request.facts.via;
    if via.whole.is_empty() {
        unfold_into(out, value);
        return;
    }
    let (start, end) = (via.whole.start, via.whole.end);
    // Our own words replace what the sender may have written there.
    let tell = !feedback.is_empty() && asks_for_loss(request);
    let mut cuts = [via.received, via.rport, Span::default(), Span::default()];
    if tell {
        cuts[2..].copy_from_slice(&[via.oc, via.oc_algo]);
    }
    cuts.sort_by_key(|cut| cut.start);
    let mut at = start;
    for cut in cuts.into_iter().filter(|cut| !cut.is_empty()) {
        unfold_into(out, &request.bytes[usize::from(at)..usize::from(cut.start)]);
        at = cut.end;
    }
    unfold_into(out, &request.bytes[usize::from(at)..usize::from(end)]);
    let host = request.slice(via.host);
    let host = host
        .strip_prefix(b"[")
        .and_then(|inner| inner.strip_suffix(b"]"))
        .unwrap_or(host);
    let ip = source.ip().to_canonical();
    let same = std::str::from_utf8(host)
        .ok()
        .and_then(|host| host.parse().ok())
        == Some(ip);
    // "If the host portion of the "sent-by" parameter contains a domain name, or if it contains an IP address that
    // differs from the packet source address, the server MUST add a "received" parameter"; RFC 3581 section 4: with
    // rport it must be added even if it is the same.
    if !same || !via.rport.is_empty() {
        // Writing to a Vec cannot fail.
        let _ = write!(out, ";received={ip}");
    }
    if !via.rport.is_empty() {
        out.extend_from_slice(b";rport=");
        decimal(out, u64::from(source.port()));
    }
    if tell {
        out.extend_from_slice(feedback.as_bytes());
    }
    // The rest of a list of Vias on the same line: both spans begin where the value does.
    unfold_into(out, &value[usize::from(end - start)..]);
}

/// The reason phrase of a status (RFC 3261 section 21 and later).
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        199 => "Early Dialog Terminated",
        200 => "OK",
        202 => "Accepted",
        204 => "No Notification",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        429 => "Provide Referrer Identity",
        430 => "Flow Failed",
        433 => "Anonymity Disallowed",
        439 => "First Hop Lacks Outbound Support",
        469 => "Bad Info Package",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        494 => "Security Agreement Required",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => match status / 100 {
            1 => "Progress",
            2 => "OK",
            3 => "Redirection",
            4 => "Request Failure",
            5 => "Server Failure",
            _ => "Global Failure",
        },
    }
}
