//! From, To, Contact, Route and their like: `name-addr` or `addr-spec` with parameters (RFC 3261 section 20.10).

use std::borrow::Cow;

use crate::grammar::{ADDRESS_END, NOT_URI, skip_lws, skip_quoted, trim_end, unquote};
use crate::message::Span;
use crate::params;
use crate::uri::has_scheme;

/// Where the parts of a value stand.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddrParts {
    /// With its quotes; empty where there is none.
    pub display: Span,
    /// Without angle brackets.
    pub uri: Span,
    /// Empty where there is none.
    pub tag: Span,
    /// From behind the address to the end of the value.
    pub params: Span,
}

/// Read the first value of `bytes[value]`; the second result is where it ended: the end, or a comma.
pub(crate) fn scan(bytes: &[u8], value: Span) -> Result<(AddrParts, usize), &'static str> {
    let bytes = &bytes[..usize::from(value.end)];
    let start = skip_lws(bytes, usize::from(value.start));
    let mut parts = AddrParts::default();
    let mut at = match bytes.get(start) {
        Some(b'"') => {
            let after = skip_quoted(bytes, start).ok_or("unterminated quoted string")?;
            parts.display = Span::new(start, after);
            let open = skip_lws(bytes, after);
            if bytes.get(open) != Some(&b'<') {
                return Err("address not in angle brackets");
            }
            open
        }
        _ => ADDRESS_END.find(bytes, start),
    };
    if bytes.get(at) == Some(&b'<') {
        if parts.display.is_empty() {
            parts.display = Span::new(start, trim_end(bytes, start, at));
        }
        let close = memchr::memchr(b'>', &bytes[at..]).ok_or("unterminated angle bracket")? + at;
        parts.uri = Span::new(at + 1, close);
        at = close + 1;
    } else {
        // RFC 3261 section 20.10: a URI with a comma, question mark or semicolon must be in angle brackets; here a
        // semicolon begins the header's parameters, and a question mark is an error.
        if matches!(bytes.get(at), Some(b'?' | b'"' | b'>')) {
            return Err("address must be in angle brackets");
        }
        parts.uri = Span::new(start, trim_end(bytes, start, at));
    }
    let uri = parts.uri.of(bytes);
    if NOT_URI.find(uri, 0) < uri.len() {
        return Err("space in an address");
    }
    if !has_scheme(uri) {
        return Err("address without a scheme");
    }
    let params_start = at;
    while let Some(param) = params::next(bytes, &mut at)? {
        if param.name.of(bytes).eq_ignore_ascii_case(b"tag") {
            parts.tag = param.value.ok_or("empty tag")?;
        }
    }
    parts.params = Span::new(params_start, at);
    Ok((parts, at))
}

/// A value that was read from text.
#[derive(Clone, Copy, Debug)]
pub struct NameAddr<'a> {
    text: &'a str,
    parts: AddrParts,
}

impl<'a> NameAddr<'a> {
    /// None when the text is no single value.
    pub fn parse(text: &'a str) -> Option<Self> {
        Some(Self {
            text,
            parts: parse_parts(text)?,
        })
    }

    /// The same text again, whose parts are known.
    pub fn of(text: &'a str, parts: AddrParts) -> Self {
        Self { text, parts }
    }

    /// Unquoted; empty when there is none.
    pub fn display_name(&self) -> Cow<'a, str> {
        unquote(slice(self.text, self.parts.display))
    }

    pub fn uri(&self) -> &'a str {
        slice(self.text, self.parts.uri)
    }

    /// The header's parameters in order; values unquoted.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> + use<'a> {
        let text = self.text;
        let mut at = usize::from(self.parts.params.start);
        std::iter::from_fn(move || {
            let param = params::next(text.as_bytes(), &mut at).ok().flatten()?;
            Some((
                slice(text, param.name),
                param.value.map(|value| unquote(slice(text, value))),
            ))
        })
    }
}

/// Where the parts of a text stand that is one value, no more; None when it is broken.
pub fn parse_parts(text: &str) -> Option<AddrParts> {
    if text.len() > crate::MAX_MESSAGE {
        return None;
    }
    let (parts, end) = scan(text.as_bytes(), Span::new(0, text.len())).ok()?;
    (end == text.len()).then_some(parts)
}

/// Every boundary of a part is an ASCII character, so it is one of the text, too.
fn slice(text: &str, span: Span) -> &str {
    text.get(usize::from(span.start)..usize::from(span.end))
        .unwrap_or_default()
}
