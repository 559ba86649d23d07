//! Which server transaction a request belongs to (RFC 3261 section 17.2.3), and which request is a merged one
//! (section 8.2.2.2).

use std::hash::{DefaultHasher, Hasher};

use sip_message::Message;

/// RFC 3261 section 8.1.1.7: the branch of a request by RFC 3261 begins so, and is then unique.
pub(crate) const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// Whether the branch alone tells the transaction. The bare cookie does not: it reads as an RFC 2543 branch.
pub(crate) fn has_unique_branch(message: &Message) -> bool {
    let branch = message.branch();
    branch.len() > MAGIC_COOKIE.len() && branch.starts_with(MAGIC_COOKIE)
}

/// The hash of what all requests of one transaction share: INVITE, its ACK and its CANCEL have the same one.
pub(crate) fn hash(seed: u64, message: &Message) -> u64 {
    let mut hasher = seeded(seed);
    if has_unique_branch(message) {
        hasher.write(message.branch());
    } else {
        hasher.write(message.call_id());
        hasher.write_u8(0xff);
        hasher.write(message.from_tag());
        hasher.write_u32(message.cseq());
    }
    hasher.finish()
}

/// Whether a request belongs to the transaction that `original` began, for which the method has already been looked at.
pub(crate) fn same_transaction(original: &Message, request: &Message) -> bool {
    if has_unique_branch(request) {
        // "1. the branch parameter in the request is the same as the one in the top Via header field of the request
        // that created the transaction, and 2. the sent-by value in the top Via [...] is equal".
        return original.branch() == request.branch() && same_sent_by(original, request);
    }
    // "The INVITE request matches a transaction if the Request-URI, To tag, From tag, Call-ID, CSeq, and top Via
    // header field match those of the INVITE request which created the transaction"; an ACK has the To tag of the
    // response instead.
    !has_unique_branch(original)
        && original.uri() == request.uri()
        && original.from_tag() == request.from_tag()
        && original.call_id() == request.call_id()
        && original.cseq() == request.cseq()
        && (request.method() == b"ACK" || original.to_tag() == request.to_tag())
        && original.branch() == request.branch()
        && same_sent_by(original, request)
}

fn same_sent_by(original: &Message, request: &Message) -> bool {
    let (ours, theirs) = (original.via(), request.via());
    ours.port == theirs.port
        && original
            .slice(ours.host)
            .eq_ignore_ascii_case(request.slice(theirs.host))
}

/// The hash of what merged copies of a request share.
pub(crate) fn merge_hash(seed: u64, message: &Message) -> u64 {
    let mut hasher = seeded(seed ^ 0x6d65_7267_6564);
    hasher.write(message.call_id());
    hasher.write_u8(0xff);
    hasher.write(message.from_tag());
    hasher.write_u32(message.cseq());
    hasher.finish()
}

/// Section 8.2.2.2: "If the request has no tag in the To header field, the UAS core MUST check the request against
/// ongoing transactions. If the From tag, Call-ID, and CSeq exactly match those associated with an ongoing
/// transaction, but the request does not match that transaction", it has come by two ways.
pub(crate) fn is_merged(original: &Message, request: &Message) -> bool {
    original.from_tag() == request.from_tag()
        && original.call_id() == request.call_id()
        && original.cseq() == request.cseq()
        && original.method() == request.method()
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
