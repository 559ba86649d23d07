//! A message: its bytes and the index over them.

use std::borrow::Cow;
use std::sync::Arc;

use crate::grammar;
use crate::header_name::HeaderName;
use crate::list;
use crate::name_addr::AddrParts;
use crate::via::ViaParts;

/// A part of a message's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    pub start: u16,
    pub end: u16,
}

impl Span {
    /// A span of positions within a message, which is never longer than `MAX_MESSAGE`.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= crate::MAX_MESSAGE);
        Self {
            start: start as u16,
            end: end as u16,
        }
    }

    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.start)..usize::from(self.end)]
    }

    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// One header line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub name: HeaderName,
    pub written: Span,
    pub value: Span,
}

/// Who wrote a message: we do not refuse an address of ours that some peer had written first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Author {
    Peer,
    Us,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum StartLine {
    Request { method: Span, uri: Span },
    Response { status: u16, reason: Span },
}

/// What the transaction layer asks of every message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    pub via: ViaParts,
    pub from: AddrParts,
    pub to: AddrParts,
    pub call_id: Span,
    pub cseq: u32,
    pub cseq_method: Span,
    pub max_forwards: u8,
}

/// A message that was read. Cheap to share; never changed.
#[derive(Debug)]
pub struct Message {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) start: StartLine,
    pub(crate) fields: Vec<Field>,
    pub(crate) facts: Facts,
    pub(crate) body: Span,
}

/// Why bytes are no message, and what of them could be read all the same, so that it may be answered.
#[derive(Debug)]
pub struct Malformed {
    /// What it deserves: 400, or 505 for another version of SIP.
    pub status: u16,
    /// Fit for a reason phrase.
    pub reason: Cow<'static, str>,
    /// Present when a start line and headers could be told apart. Only its start line and headers may be read.
    pub message: Option<Box<Message>>,
}

impl Message {
    /// Read one message, with all of its body. Octets beyond Content-Length are noise (RFC 3261 section 18.3).
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        crate::index::parse(bytes, Author::Peer)
    }

    /// Read back a request that we have just printed: held against the rules for what is ours to get right, not for
    /// the addresses in it, which are the peers'.
    pub fn parse_ours(bytes: &[u8]) -> Result<Self, Malformed> {
        crate::index::parse(bytes, Author::Us)
    }

    /// The bytes, shared.
    pub fn shared(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }

    pub fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request { .. })
    }

    /// The bytes as they came, from the start line to the end of the body.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of a span of this message.
    #[inline]
    pub fn slice(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    /// The method: of the start line, or of CSeq in a response.
    #[inline]
    pub fn method(&self) -> &[u8] {
        match self.start {
            StartLine::Request { method, .. } => self.slice(method),
            StartLine::Response { .. } => self.slice(self.facts.cseq_method),
        }
    }

    /// The Request-URI; empty in a response.
    pub fn uri(&self) -> &[u8] {
        match self.start {
            StartLine::Request { uri, .. } => self.slice(uri),
            StartLine::Response { .. } => b"",
        }
    }

    /// The status; 0 in a request.
    #[inline]
    pub fn status(&self) -> u16 {
        match self.start {
            StartLine::Request { .. } => 0,
            StartLine::Response { status, .. } => status,
        }
    }

    /// The reason phrase; empty in a request.
    pub fn reason(&self) -> &[u8] {
        match self.start {
            StartLine::Request { .. } => b"",
            StartLine::Response { reason, .. } => self.slice(reason),
        }
    }

    #[inline]
    pub fn via(&self) -> &ViaParts {
        &self.facts.via
    }

    /// The branch of the topmost Via; empty when it has none (RFC 2543).
    #[inline]
    pub fn branch(&self) -> &[u8] {
        self.slice(self.facts.via.branch)
    }

    #[inline]
    pub fn from_tag(&self) -> &[u8] {
        self.slice(self.facts.from.tag)
    }

    #[inline]
    pub fn to_tag(&self) -> &[u8] {
        self.slice(self.facts.to.tag)
    }

    pub fn from_uri(&self) -> &[u8] {
        self.slice(self.facts.from.uri)
    }

    pub fn to_uri(&self) -> &[u8] {
        self.slice(self.facts.to.uri)
    }

    #[inline]
    pub fn call_id(&self) -> &[u8] {
        self.slice(self.facts.call_id)
    }

    #[inline]
    pub fn cseq(&self) -> u32 {
        self.facts.cseq
    }

    #[inline]
    pub fn cseq_method(&self) -> &[u8] {
        self.slice(self.facts.cseq_method)
    }

    /// 70 where the sender left it out (RFC 3261 section 16.3 asks no more of it; RFC 2543 had none).
    pub fn max_forwards(&self) -> u8 {
        self.facts.max_forwards
    }

    pub fn body(&self) -> &[u8] {
        self.slice(self.body)
    }

    /// The values of a known header, line by line, as written (they may be folded).
    pub fn lines(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.fields
            .iter()
            .filter(move |field| field.name == name)
            .map(|field| self.slice(field.value))
    }

    /// The first line of a known header, as written.
    pub fn line(&self, name: HeaderName) -> Option<&[u8]> {
        self.lines(name).next()
    }

    /// Every header line: the name as written, and the value, as written.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields
            .iter()
            .map(|field| (self.slice(field.written), self.slice(field.value)))
    }

    /// The first value of a header by any spelling of its name: unfolded and trimmed.
    pub fn header(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let known = HeaderName::of(name.as_bytes());
        let line = self.named(known, name).next()?;
        if known.is_list() {
            return list::values(line).next().map(grammar::unfold);
        }
        Some(grammar::unfold(line))
    }

    /// Every value of a header in order, lists divided: each unfolded and trimmed.
    pub fn headers(&self, name: &str) -> Vec<Cow<'_, [u8]>> {
        let known = HeaderName::of(name.as_bytes());
        let mut values = Vec::new();
        for line in self.named(known, name) {
            if known.is_list() {
                values.extend(list::values(line).map(grammar::unfold));
            } else {
                values.push(grammar::unfold(line));
            }
        }
        values
    }

    fn named<'a, 'n>(
        &'a self,
        known: HeaderName,
        name: &'n str,
    ) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.fields
            .iter()
            .filter(move |field| {
                field.name == known
                    && (known != HeaderName::Other
                        || self
                            .slice(field.written)
                            .eq_ignore_ascii_case(name.as_bytes()))
            })
            .map(|field| self.slice(field.value))
    }

    /// `type/subtype` of Content-Type in lower case; empty when there is none.
    pub fn content_type(&self) -> String {
        let Some(line) = self.line(HeaderName::ContentType) else {
            return String::new();
        };
        let media = line.split(|&byte| byte == b';').next().unwrap_or_default();
        // RFC 3261 section 25.1: the SLASH between them may have white space around it.
        media
            .iter()
            .filter(|&&byte| !grammar::is_lws(byte))
            .map(|byte| byte.to_ascii_lowercase() as char)
            .collect()
    }
}
