//! Requests that arrive: which transaction each belongs to, and what is done without asking the transaction user.

use std::net::SocketAddr;
use std::sync::Arc;

use sip_message::Message;

use crate::engine::Engine;
use crate::engine::answering::response_destination;
use crate::engine::responding::{AtHand, Input, Machine, ServerTransaction};
use crate::event::Event;
use crate::matching::{self, Origin};
use crate::timing::Armed;
use crate::{invite_server, server};

impl Engine {
    /// A request that was read: to its transaction, or to a new one.
    pub(super) fn incoming_request(
        &mut self,
        message: Arc<Message>,
        transport: u64,
        source: SocketAddr,
        now: f64,
    ) {
        let hash = matching::hash(self.config.seed, &message);
        match message.method() {
            b"ACK" => self.incoming_ack(hash, message, transport, source, now),
            b"CANCEL" => self.incoming_cancel(hash, message, transport, source, now),
            method => match self.find_server(hash, &message, |original| original == method) {
                Some(number) => {
                    self.current = number;
                    self.moved(number, &message, transport, source);
                    self.server_input(number, Input::Request, AtHand::default(), now);
                }
                None => self.new_request(hash, message, transport, source, now),
            },
        }
    }

    /// A client that gives up on one transport repeats its request on another (RFC 3261 section 18.1.1): the responses
    /// follow it there.
    fn moved(&mut self, number: u64, message: &Message, transport: u64, source: SocketAddr) {
        let reliable = self
            .transports
            .get(&transport)
            .is_some_and(|open| open.kind.is_reliable());
        if let Some(server) = self
            .servers
            .get_mut(number)
            .filter(|server| server.transport != transport)
        {
            server.transport = transport;
            server.source = source;
            server.destination = response_destination(message, source, reliable);
        }
    }

    fn find_server(
        &self,
        hash: u64,
        message: &Message,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Option<u64> {
        let matches = |&number: &u64| {
            self.servers.get(number).is_some_and(|server| {
                wanted(server.origin.method()) && server.origin.matches(message)
            })
        };
        self.by_branch.find(hash, matches).copied()
    }

    /// RFC 3261 section 17.2.3: an ACK for a non-2xx has the branch of the INVITE; any other belongs to the transaction
    /// user.
    fn incoming_ack(
        &mut self,
        hash: u64,
        message: Arc<Message>,
        transport: u64,
        source: SocketAddr,
        now: f64,
    ) {
        match self.find_server(hash, &message, |original| original == b"INVITE") {
            Some(number) => {
                self.current = number;
                let request = Some((message, transport, source));
                self.server_input(
                    number,
                    Input::Ack,
                    AtHand {
                        response: None,
                        request,
                    },
                    now,
                );
            }
            None if self.acknowledges_answer(&message) => {}
            None => self.note(Event::Request {
                transaction: 0,
                message,
                transport,
                source,
            }),
        }
    }

    /// RFC 3261 section 9.2. Each copy of a CANCEL is answered alike for as long as its INVITE is remembered, which is
    /// what a transaction of its own would do.
    fn incoming_cancel(
        &mut self,
        hash: u64,
        message: Arc<Message>,
        transport: u64,
        source: SocketAddr,
        now: f64,
    ) {
        let Some(number) = self.find_server(hash, &message, |_| true) else {
            self.answer(&message, transport, source, 481, None, &[]);
            return;
        };
        self.current = number;
        // "the To tag of the response to the CANCEL and the To tag in the response to the original request SHOULD be
        // the same".
        let tag = self.to_tag(number);
        self.answer_tagged(&message, transport, source, 200, None, &[], &tag);
        let Some(server) = self.servers.get_mut(number) else {
            return;
        };
        // "If it has not [sent a final response], its behavior depends on the method": INVITE alone is affected.
        let open = matches!(
            server.machine,
            Machine::Invite(invite_server::State::Proceeding)
        );
        if open && server.waits.take().is_some() {
            // Nobody has heard of the INVITE, and nobody need: "the UAS [...] responds to the INVITE with a 487".
            if let Err(refusal) = self.respond(number, 487, None, None, &[], b"", now) {
                debug_assert!(false, "{refusal:?}");
            }
        } else if open && !std::mem::replace(&mut server.cancelled, true) {
            self.events.push_back(Event::Cancelled {
                transaction: number,
                message,
            });
        } else {
            self.stats.retransmissions_absorbed += 1;
        }
    }

    fn new_request(
        &mut self,
        hash: u64,
        message: Arc<Message>,
        transport: u64,
        source: SocketAddr,
        now: f64,
    ) {
        if self.is_full() {
            // Shed before anything is kept.
            self.stats.shed += 1;
            self.send_later(&message, transport, source);
            return;
        }
        let Some(class) = self.admit(hash, &message, transport, source, now) else {
            return;
        };
        let merge_hash = matching::merge_hash(self.config.seed, &message);
        let outside_dialog = message.to_tag().is_empty();
        if outside_dialog {
            let merged = |&number: &u64| {
                self.servers.get(number).is_some_and(|server| {
                    server.machine.is_ongoing() && server.origin.is_merged_with(&message)
                })
            };
            if self.by_origin.find(merge_hash, merged).is_some() {
                self.answer(
                    &message,
                    transport,
                    source,
                    482,
                    Some("Loop Detected (merged request)"),
                    &[],
                );
                return;
            }
        }
        let invite = message.method() == b"INVITE";
        let reliable = self
            .transports
            .get(&transport)
            .is_some_and(|open| open.kind.is_reliable());
        let number = self.servers.insert_with(|_| ServerTransaction {
            machine: if invite {
                Machine::Invite(invite_server::State::Proceeding)
            } else {
                Machine::Other(server::State::Trying)
            },
            transport,
            source,
            destination: response_destination(&message, source, reliable),
            reliable,
            origin: Origin::new(hash, merge_hash, &message),
            request: Some(Arc::clone(&message)),
            last: None,
            to_tag: None,
            interval: 0.0,
            armed: Armed::default(),
            cancelled: false,
            waits: class.lane(),
        });
        self.current = number;
        let servers = &self.servers;
        let rehash = |number: &u64| servers.get(*number).map_or(0, |server| server.origin.hash);
        self.by_branch.insert_unique(hash, number, rehash);
        if outside_dialog {
            let rehash = |number: &u64| {
                servers
                    .get(*number)
                    .map_or(0, |server| server.origin.merge_hash)
            };
            self.by_origin.insert_unique(merge_hash, number, rehash);
        }
        #[cfg(test)]
        if self
            .panic_at_method
            .is_some_and(|method| method.as_bytes() == message.method())
        {
            panic!("asked for by a test");
        }
        let start = if invite {
            invite_server::START
        } else {
            server::START
        };
        let at_hand = AtHand {
            response: None,
            request: Some((message, transport, source)),
        };
        self.server_actions(number, start, &at_hand, now);
    }
}
