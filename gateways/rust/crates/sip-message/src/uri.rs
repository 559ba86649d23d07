//! `sip:`, `sips:` and `tel:` URIs (RFC 3261 section 19.1, RFC 3966).

use std::borrow::Cow;

use crate::grammar::{HOST, NOT_URI, escaped, number, unescape};
use crate::message::Span;

/// Whether bytes begin with a scheme and hold something behind it (RFC 3986 section 3.1).
pub fn has_scheme(bytes: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', bytes) else {
        return false;
    };
    colon + 1 < bytes.len()
        && bytes[0].is_ascii_alphabetic()
        && bytes[..colon]
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
}

impl Scheme {
    pub fn text(self) -> &'static str {
        match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
        }
    }
}

/// Where the parts of a URI stand in its text.
#[derive(Clone, Copy, Debug)]
pub struct UriParts {
    scheme: Scheme,
    user: Option<Span>,
    password: Option<Span>,
    host: Span,
    port: Option<u16>,
    params: Span,
    headers: Span,
}

/// A URI that was read from text.
#[derive(Clone, Copy, Debug)]
pub struct Uri<'a> {
    text: &'a str,
    parts: UriParts,
}

impl UriParts {
    /// None when the text is no URI of the three schemes, or is broken.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() > crate::MAX_MESSAGE || NOT_URI.find(bytes, 0) < bytes.len() {
            return None;
        }
        if memchr::memchr_iter(b'%', bytes).any(|at| escaped(bytes, at).is_none()) {
            return None;
        }
        let colon = memchr::memchr(b':', bytes)?;
        let scheme = match &bytes[..colon] {
            name if name.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
            name if name.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
            name if name.eq_ignore_ascii_case(b"tel") => Scheme::Tel,
            _ => return None,
        };
        if scheme == Scheme::Tel {
            Self::telephone(bytes, colon + 1)
        } else {
            Self::internet(scheme, bytes, colon + 1)
        }
    }

    fn telephone(bytes: &[u8], start: usize) -> Option<Self> {
        let end = find(bytes, start, b";");
        if end == start
            || bytes[start..end]
                .iter()
                .any(|&byte| matches!(byte, b'?' | b'@'))
        {
            return None;
        }
        Some(Self {
            scheme: Scheme::Tel,
            user: Some(Span::new(start, end)),
            password: None,
            host: Span::new(end, end),
            port: None,
            params: checked_params(bytes, end, bytes.len())?,
            headers: Span::new(bytes.len(), bytes.len()),
        })
    }

    fn internet(scheme: Scheme, bytes: &[u8], start: usize) -> Option<Self> {
        // The user part may hold ; ? / and more (RFC 3261 section 25.1, user-unreserved), but neither part of the
        // user nor anything behind the host may hold an unescaped @: the first one ends the user.
        let (user, password, host_start) =
            match memchr::memchr(b'@', &bytes[start..]).map(|at| at + start) {
                Some(at) => {
                    let colon = find(&bytes[..at], start, b":");
                    if colon == start {
                        return None;
                    }
                    let password = (colon < at).then(|| Span::new(colon + 1, at));
                    (Some(Span::new(start, colon)), password, at + 1)
                }
                None => (None, None, start),
            };
        let (host, after) = if bytes.get(host_start) == Some(&b'[') {
            let close = find(bytes, host_start, b"]");
            if close == bytes.len() || !is_ipv6(&bytes[host_start + 1..close]) {
                return None;
            }
            (Span::new(host_start + 1, close), close + 1)
        } else {
            let end = find(bytes, host_start, b":;?");
            if end == host_start || HOST.skip(bytes, host_start) < end {
                return None;
            }
            (Span::new(host_start, end), end)
        };
        let mut at = after;
        let mut port = None;
        if bytes.get(at) == Some(&b':') {
            let end = find(bytes, at, b";?");
            port = Some(u16::try_from(number(&bytes[at + 1..end], 65_535)?).ok()?);
            at = end;
        }
        if at < bytes.len() && !matches!(bytes[at], b';' | b'?') {
            return None;
        }
        let question = find(bytes, at, b"?");
        let params = checked_params(bytes, at, question)?;
        let headers = Span::new((question + 1).min(bytes.len()), bytes.len());
        if question + 1 == bytes.len() {
            return None;
        }
        Some(Self {
            scheme,
            user,
            password,
            host,
            port,
            params,
            headers,
        })
    }
}

impl<'a> Uri<'a> {
    /// None when the text is no URI of the three schemes, or is broken.
    pub fn parse(text: &'a str) -> Option<Self> {
        Some(Self {
            text,
            parts: UriParts::parse(text)?,
        })
    }

    /// The same text again, whose parts are known.
    pub fn of(text: &'a str, parts: UriParts) -> Self {
        Self { text, parts }
    }

    pub fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// Unescaped; for `tel:` the number.
    pub fn user(&self) -> Option<Cow<'a, str>> {
        self.parts.user.map(|span| unescape(slice(self.text, span)))
    }

    pub fn password(&self) -> Option<Cow<'a, str>> {
        self.parts
            .password
            .map(|span| unescape(slice(self.text, span)))
    }

    /// Without the brackets of an IPv6 reference; empty for `tel:`.
    pub fn host(&self) -> &'a str {
        slice(self.text, self.parts.host)
    }

    pub fn port(&self) -> Option<u16> {
        self.parts.port
    }

    /// The parameters in order, unescaped.
    pub fn params(&self) -> impl Iterator<Item = (Cow<'a, str>, Option<Cow<'a, str>>)> + use<'a> {
        pairs(slice(self.text, self.parts.params), ';')
    }

    /// What stands behind the question mark: headers that a request to this URI is to have. Unescaped.
    pub fn headers(&self) -> impl Iterator<Item = (Cow<'a, str>, Option<Cow<'a, str>>)> + use<'a> {
        pairs(slice(self.text, self.parts.headers), '&')
    }

    /// A parameter's value, `""` where it has none; names compare without case.
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.params()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.unwrap_or(Cow::Borrowed("")))
    }

    /// RFC 3261 section 19.1.4; for `tel:` RFC 3966 section 4: the numbers equal without their visual separators.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        if self.scheme() != other.scheme() {
            return false;
        }
        if self.scheme() == Scheme::Tel {
            return digits(&self.user()) == digits(&other.user()) && self.params_match(other);
        }
        // "Comparison of the userinfo of SIP and SIPS URIs is case-sensitive", all else is not.
        self.user() == other.user()
            && self.password() == other.password()
            && self.host().eq_ignore_ascii_case(other.host())
            && self.port() == other.port()
            && self.params_match(other)
            && self.headers_match(other)
    }

    fn params_match(&self, other: &Uri<'_>) -> bool {
        // "Any uri-parameter appearing in both URIs must match."
        let common = self.params().all(|(name, value)| match other.param(&name) {
            Some(theirs) => value
                .unwrap_or(Cow::Borrowed(""))
                .eq_ignore_ascii_case(&theirs),
            None => true,
        });
        // "A user, ttl, or method uri-parameter appearing in only one URI never matches"; so with maddr, and with
        // transport by the section's own example.
        common
            && [
                "user",
                "ttl",
                "method",
                "maddr",
                "transport",
                "phone-context",
                "isub",
                "ext",
            ]
            .iter()
            .all(|name| self.param(name).is_some() == other.param(name).is_some())
    }

    fn headers_match(&self, other: &Uri<'_>) -> bool {
        // "URI header components are never ignored. Any present header component MUST be present in both URIs and
        // match for the URIs to match."
        let sorted = |uri: &Uri<'_>| {
            let mut pairs: Vec<_> = uri
                .headers()
                .map(|(name, value)| {
                    (
                        name.to_ascii_lowercase(),
                        value.unwrap_or_default().into_owned(),
                    )
                })
                .collect();
            pairs.sort();
            pairs
        };
        sorted(self) == sorted(other)
    }
}

fn digits(number: &Option<Cow<'_, str>>) -> String {
    let number = number.as_deref().unwrap_or_default();
    number
        .chars()
        .filter(|character| !matches!(character, '-' | '.' | '(' | ')'))
        .collect::<String>()
        .to_ascii_lowercase()
}

fn pairs(text: &str, divider: char) -> impl Iterator<Item = (Cow<'_, str>, Option<Cow<'_, str>>)> {
    text.split(divider)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (unescape(name), Some(unescape(value))),
            None => (unescape(pair), None),
        })
}

/// The most parameters of a URI. Comparing two goes through each with each (section 19.1.4), so there must be an end.
const MAX_PARAMS: usize = 64;

/// The parameters between two positions, from the first semicolon on; None when one of them has no name, or when they
/// are too many.
fn checked_params(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    if start == end {
        return Some(Span::new(start, end));
    }
    if bytes[start] != b';' {
        return None;
    }
    let mut params = bytes[start + 1..end]
        .split(|&byte| byte == b';')
        .enumerate();
    params
        .all(|(index, param)| index < MAX_PARAMS && !param.is_empty() && param[0] != b'=')
        .then(|| Span::new(start, end))
}

fn find(bytes: &[u8], start: usize, any: &[u8]) -> usize {
    bytes[start..]
        .iter()
        .position(|byte| any.contains(byte))
        .map_or(bytes.len(), |at| at + start)
}

fn is_ipv6(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

/// Every boundary of a part is an ASCII character, so it is one of the text, too.
fn slice(text: &str, span: Span) -> &str {
    text.get(usize::from(span.start)..usize::from(span.end))
        .unwrap_or_default()
}
