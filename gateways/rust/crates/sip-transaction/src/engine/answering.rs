//! Answers without a transaction, and where any response goes.

use std::net::SocketAddr;

use sip_message::{Message, print};

use crate::engine::Engine;
use crate::event::Transmit;
use crate::matching;

impl Engine {
    /// Answer without a transaction. The same request gets the same answer.
    pub(super) fn answer(
        &mut self,
        message: &Message,
        transport: u64,
        source: SocketAddr,
        status: u16,
        reason: Option<&str>,
        headers: &[(&str, &str)],
    ) {
        // RFC 3261 section 8.2.7: a stateless server's To tags "MUST be generated in a stateless manner".
        let tag = format!("{:016x}", matching::merge_hash(self.config.seed, message));
        self.answer_tagged(message, transport, source, status, reason, headers, &tag);
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn answer_tagged(
        &mut self,
        message: &Message,
        transport: u64,
        source: SocketAddr,
        status: u16,
        reason: Option<&str>,
        headers: &[(&str, &str)],
        tag: &str,
    ) {
        let reliable = self
            .transports
            .get(&transport)
            .is_some_and(|open| open.kind.is_reliable());
        self.scratch.clear();
        print::response(
            &mut self.scratch,
            message,
            source,
            &self.treatment.feedback,
            status,
            reason,
            Some(tag),
            headers,
            b"",
        );
        let data = self.printed();
        let destination = response_destination(message, source, reliable);
        self.send(Transmit {
            transport,
            destination,
            data,
            transaction: 0,
        });
    }
}

/// Where a response goes: over a stream, back on it (RFC 3261 section 18.2.2); over UDP to the source address, at the
/// source port where the client asked for that (RFC 3581 section 4), else at the port of its Via. A `maddr` is not
/// obeyed: it would let anybody send our responses anywhere.
pub(super) fn response_destination(
    message: &Message,
    source: SocketAddr,
    reliable: bool,
) -> SocketAddr {
    let via = message.via();
    if reliable || !via.rport.is_empty() || via.whole.is_empty() {
        return source;
    }
    let mut destination = source;
    destination.set_port(via.port.unwrap_or(5060));
    destination
}
