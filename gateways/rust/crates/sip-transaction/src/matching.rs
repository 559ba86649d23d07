//! Which server transaction a request belongs to (RFC 3261 section 17.2.3), and which request is a merged one
//! (section 8.2.2.2).

use std::hash::{DefaultHasher, Hasher};

use sip_message::Message;

/// RFC 3261 section 8.1.1.7: the branch of a request by RFC 3261 begins so, and is then unique.
pub(crate) const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// Whether the branch alone tells the transaction. The bare cookie does not: it reads as an RFC 2543 branch.
fn is_unique(branch: &[u8]) -> bool {
    branch.len() > MAGIC_COOKIE.len() && branch.starts_with(MAGIC_COOKIE)
}

/// What is remembered of the request that began a server transaction, to know others by it: a small part of the
/// request, which itself is not kept for the half minute until the last timer.
#[derive(Debug)]
pub(crate) struct Origin {
    pub hash: u64,
    pub merge_hash: u64,
    /// The parts one behind the other, in the order of `Part`.
    bytes: Box<[u8]>,
    ends: [u16; 7],
    port: Option<u16>,
    cseq: u32,
}

#[derive(Clone, Copy)]
enum Part {
    Branch,
    Host,
    Method,
    CallId,
    FromTag,
    ToTag,
    Uri,
}

impl Origin {
    pub fn new(hash: u64, merge_hash: u64, request: &Message) -> Self {
        // Without a unique branch it is the sum of the rest that tells a transaction.
        let uri = if is_unique(request.branch()) {
            &b""[..]
        } else {
            request.uri()
        };
        let parts = [
            request.branch(),
            request.slice(request.via().host),
            request.method(),
            request.call_id(),
            request.from_tag(),
            request.to_tag(),
            uri,
        ];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        let ends = parts.map(|part| {
            bytes.extend_from_slice(part);
            // A message, and so the sum of its parts, is at most 65,535 octets.
            u16::try_from(bytes.len()).unwrap_or(u16::MAX)
        });
        Self {
            hash,
            merge_hash,
            bytes: bytes.into(),
            ends,
            port: request.via().port,
            cseq: request.cseq(),
        }
    }

    fn part(&self, part: Part) -> &[u8] {
        let index = part as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[usize::from(start)..usize::from(self.ends[index])]
    }

    pub fn method(&self) -> &[u8] {
        self.part(Part::Method)
    }

    /// Whether a request belongs to the transaction; its method has been looked at already.
    pub fn matches(&self, request: &Message) -> bool {
        let sent_by = self.port == request.via().port
            && self
                .part(Part::Host)
                .eq_ignore_ascii_case(request.slice(request.via().host));
        // "1. the branch parameter in the request is the same as the one in the top Via header field of the request
        // that created the transaction, and 2. the sent-by value in the top Via [...] is equal".
        if !sent_by || self.part(Part::Branch) != request.branch() {
            return false;
        }
        // "The INVITE request matches a transaction if the Request-URI, To tag, From tag, Call-ID, CSeq, and top Via
        // header field match those of the INVITE request which created the transaction"; an ACK has the To tag of
        // the response instead.
        is_unique(request.branch())
            || (self.part(Part::Uri) == request.uri()
                && self.same_from(request)
                && (request.method() == b"ACK" || self.part(Part::ToTag) == request.to_tag()))
    }

    /// RFC 3261 section 8.2.2.2: "If the From tag, Call-ID, and CSeq exactly match those associated with an ongoing
    /// transaction, but the request does not match that transaction", it has come by two ways.
    pub fn is_merged_with(&self, request: &Message) -> bool {
        self.same_from(request) && self.part(Part::Method) == request.method()
    }

    fn same_from(&self, request: &Message) -> bool {
        self.part(Part::CallId) == request.call_id()
            && self.part(Part::FromTag) == request.from_tag()
            && self.cseq == request.cseq()
    }
}

/// The hash of what all requests of one transaction share: INVITE, its ACK and its CANCEL have the same one.
pub(crate) fn hash(seed: u64, message: &Message) -> u64 {
    if !is_unique(message.branch()) {
        return merge_hash(seed, message);
    }
    let mut hasher = seeded(seed);
    hasher.write(message.branch());
    hasher.finish()
}

/// The hash of what merged copies of a request share.
pub(crate) fn merge_hash(seed: u64, message: &Message) -> u64 {
    let mut hasher = seeded(seed);
    hasher.write(message.call_id());
    hasher.write_u8(0xff);
    hasher.write(message.from_tag());
    hasher.write_u32(message.cseq());
    hasher.finish()
}

fn seeded(seed: u64) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(seed);
    hasher
}

/// A 64-bit number that tells nothing of `seed` or `value` to those who do not know the seed.
pub(crate) fn mix(seed: u64, value: u64) -> u64 {
    let mut hasher = seeded(seed);
    hasher.write_u64(value);
    hasher.finish()
}
