//! What a message must hold before anybody acts on it (RFC 3261 section 8.1.1, 8.2.2, 16.3; RFC 4475).

use std::borrow::Cow;

use crate::grammar::{NOT_URI, number};
use crate::header_name::HeaderName;
use crate::index::{Defect, note};
use crate::message::{Author, Message, Span, StartLine};
use crate::uri::{Scheme, Uri, has_scheme};
use crate::{cseq, name_addr, via};

/// Fill in the message's facts and set its body; gives the first defect.
pub(crate) fn check(message: &mut Message, author: Author) -> Option<Defect> {
    let bytes = std::sync::Arc::clone(&message.bytes);
    let bytes: &[u8] = &bytes;
    let mut defect = None;
    let mut facts = message.facts;
    facts.max_forwards = 70;
    let (mut via_found, mut from_found, mut to_found, mut call_id_found, mut cseq_found) =
        (false, false, false, false, false);
    let mut content_length = None;
    for field in &message.fields {
        let value = field.value;
        let outcome = match field.name {
            HeaderName::Via if !via_found => {
                via_found = true;
                via::scan(bytes, value).map(|parts| facts.via = parts)
            }
            HeaderName::From => {
                from_found = true;
                single(bytes, value).map(|parts| facts.from = parts)
            }
            HeaderName::To => {
                to_found = true;
                single(bytes, value).map(|parts| facts.to = parts)
            }
            HeaderName::CallId => {
                call_id_found = !value.is_empty();
                facts.call_id = value;
                Ok(())
            }
            HeaderName::CSeq => {
                cseq_found = true;
                cseq::scan(bytes, value).map(|(number, method)| {
                    facts.cseq = number;
                    facts.cseq_method = method;
                })
            }
            HeaderName::MaxForwards => number(value.of(bytes), 255)
                .map(|hops| facts.max_forwards = u8::try_from(hops).unwrap_or(255))
                .ok_or("out of range"),
            HeaderName::ContentLength => number(value.of(bytes), u64::from(u32::MAX))
                .map(|length| content_length = usize::try_from(length).ok())
                .ok_or("bad number"),
            HeaderName::Contact if author == Author::Peer => contacts(bytes, value),
            _ => Ok(()),
        };
        if let Err(reason) = outcome {
            note(&mut defect, 400, format!("{}: {reason}", field.name.text()));
        }
    }
    message.facts = facts;
    for (found, name) in [
        (via_found, "Via"),
        (from_found, "From"),
        (to_found, "To"),
        (call_id_found, "Call-ID"),
        (cseq_found, "CSeq"),
    ] {
        if !found {
            note(&mut defect, 400, Cow::Owned(format!("{name} is missing")));
        }
    }
    if let StartLine::Request { method, uri } = message.start {
        if author == Author::Peer {
            if let Err(reason) = request_uri(uri.of(bytes)) {
                note(&mut defect, 400, reason);
            }
        }
        // RFC 3261 section 8.1.1.5: "The method MUST match that of the request."
        if cseq_found && method.of(bytes) != facts.cseq_method.of(bytes) {
            note(&mut defect, 400, "CSeq method is not that of the request");
        }
    }
    if let Some(length) = content_length {
        let start = usize::from(message.body.start);
        // RFC 3261 section 18.3: "If the transport packet ends before the end of the message body, this is
        // considered an error", and octets beyond it "MUST be discarded".
        if start + length > bytes.len() {
            note(&mut defect, 400, "body shorter than Content-Length");
        } else {
            message.body = Span::new(start, start + length);
        }
    }
    defect
}

fn single(bytes: &[u8], value: Span) -> Result<name_addr::AddrParts, &'static str> {
    let (parts, end) = name_addr::scan(bytes, value)?;
    if end == usize::from(value.end) {
        Ok(parts)
    } else {
        Err("more than one value")
    }
}

/// Each Contact is an address; a lone `*` is for the registrar (section 10.2.2).
fn contacts(bytes: &[u8], value: Span) -> Result<(), &'static str> {
    if value.of(bytes) == b"*" {
        return Ok(());
    }
    let mut rest = value;
    loop {
        let (_, end) = name_addr::scan(bytes, rest)?;
        if end == usize::from(value.end) {
            return Ok(());
        }
        rest = Span::new(end + 1, usize::from(value.end));
    }
}

/// A URI of a scheme that we do not know is the transaction user's to refuse (416); one that we know must be whole.
fn request_uri(uri: &[u8]) -> Result<(), &'static str> {
    if !has_scheme(uri) || NOT_URI.find(uri, 0) < uri.len() {
        return Err("bad Request-URI");
    }
    let known = [Scheme::Sip, Scheme::Sips, Scheme::Tel]
        .iter()
        .any(|scheme| {
            uri.get(scheme.text().len()) == Some(&b':')
                && uri[..scheme.text().len()].eq_ignore_ascii_case(scheme.text().as_bytes())
        });
    if !known {
        return Ok(());
    }
    let text = std::str::from_utf8(uri).map_err(|_| "Request-URI is not UTF-8")?;
    let parsed = Uri::parse(text).ok_or("bad Request-URI")?;
    // RFC 3261 section 19.1.1, table 1: headers are not allowed in a Request-URI.
    if parsed.headers().next().is_some() {
        Err("headers in the Request-URI")
    } else {
        Ok(())
    }
}
