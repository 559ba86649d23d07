//! The server side: the peers' requests, and our responses to them.

use std::net::SocketAddr;
use std::sync::Arc;

use sip_message::{Message, print};

use crate::engine::requesting::checked;
use crate::engine::{Engine, Refusal};
use crate::event::{Event, Transmit};
use crate::machine::Action;
use crate::matching::{self, Origin, mix};
use crate::timing::{Armed, Slot, Timer};
use crate::{invite_server, server};

#[derive(Clone, Copy, Debug)]
enum Machine {
    Invite(invite_server::State),
    Other(server::State),
}

impl Machine {
    /// Whether the transaction user has still to decide, or has accepted: what a merged copy would disturb.
    fn is_ongoing(self) -> bool {
        matches!(
            self,
            Self::Invite(invite_server::State::Proceeding | invite_server::State::Accepted)
                | Self::Other(server::State::Trying | server::State::Proceeding)
        )
    }
}

#[derive(Debug)]
pub(super) struct ServerTransaction {
    machine: Machine,
    transport: u64,
    source: SocketAddr,
    /// Where our responses go.
    destination: SocketAddr,
    reliable: bool,
    pub origin: Origin,
    /// The request, for as long as a response may have to be made from it.
    request: Option<Arc<Message>>,
    /// The last response, for as long as it may be sent again.
    last: Option<Arc<[u8]>>,
    /// A To tag that the transaction user chose.
    to_tag: Option<Box<str>>,
    interval: f64,
    pub armed: Armed,
    cancelled: bool,
}

#[derive(Clone, Copy)]
enum Input {
    Request,
    Ack,
    Respond(u16),
    Timer(Timer),
}

/// What an input brings along.
#[derive(Default)]
struct AtHand {
    response: Option<Arc<[u8]>>,
    request: Option<(Arc<Message>, u64, SocketAddr)>,
}

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
            b"CANCEL" => self.incoming_cancel(hash, message, transport, source),
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
        if open && !std::mem::replace(&mut server.cancelled, true) {
            self.events.push(Event::Cancelled {
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
            // Shed before anything is kept, and spread the second tries.
            self.stats.shed += 1;
            let after = (2 + self.draw() % 9).to_string();
            self.answer(
                &message,
                transport,
                source,
                503,
                None,
                &[("Retry-After", &after)],
            );
            return;
        }
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

    /// Answer a request. Does nothing on a transaction that has ended or has its final response.
    #[allow(clippy::too_many_arguments)]
    pub fn respond(
        &mut self,
        number: u64,
        status: u16,
        reason: Option<&str>,
        to_tag: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
        now: f64,
    ) -> Result<(), Refusal> {
        checked(headers)?;
        if !(100..=699).contains(&status) {
            return Err(Refusal(format!("{status} is no status").into()));
        }
        if reason.is_some_and(print::breaks_line) {
            return Err(Refusal("line break in the reason phrase".into()));
        }
        if to_tag.is_some_and(|tag| !sip_message::grammar::is_token(tag.as_bytes())) {
            return Err(Refusal("the To tag is no token".into()));
        }
        self.guard(|engine| {
            engine.current = number;
            let Some(server) = engine.servers.get_mut(number) else {
                return;
            };
            if let Some(tag) = to_tag {
                server.to_tag = Some(tag.into());
            }
            // With a final response given, the request is gone; the only thing left to do is to send a 2xx again.
            let (request, source) = (server.request.clone(), server.source);
            let response = request.map(|request| {
                // RFC 3261 section 8.2.6.2: a 100 may go without a To tag, any other response may not.
                let tag = (to_tag.is_some() || status > 100).then(|| engine.to_tag(number));
                engine.scratch.clear();
                print::response(
                    &mut engine.scratch,
                    &request,
                    source,
                    status,
                    reason,
                    tag.as_deref(),
                    headers,
                    body,
                );
                engine.printed()
            });
            engine.server_input(
                number,
                Input::Respond(status),
                AtHand {
                    response,
                    request: None,
                },
                now,
            );
        });
        Ok(())
    }

    /// The To tag of our responses in a transaction.
    fn to_tag(&self, number: u64) -> String {
        match self
            .servers
            .get(number)
            .and_then(|server| server.to_tag.as_deref())
        {
            Some(tag) => tag.to_owned(),
            None => format!("{:016x}", mix(self.config.seed ^ 0x0074_6167, number)),
        }
    }

    pub(super) fn server_timer(&mut self, number: u64, timer: Timer, now: f64) {
        self.current = number;
        self.server_input(number, Input::Timer(timer), AtHand::default(), now);
    }

    fn server_input(&mut self, number: u64, input: Input, at_hand: AtHand, now: f64) {
        let Some(server) = self.servers.get_mut(number) else {
            return;
        };
        let (actions, ended, settled, confirmed) = match &mut server.machine {
            Machine::Invite(state) => {
                use invite_server::State;
                let Some(input) = invite_input(input) else {
                    return;
                };
                let (next, actions) = invite_server::step(*state, input);
                *state = next;
                let settled = next != State::Proceeding;
                (
                    actions,
                    next == State::Terminated,
                    settled,
                    next == State::Confirmed,
                )
            }
            Machine::Other(state) => {
                use server::State;
                let Some(input) = other_input(input) else {
                    return;
                };
                let (next, actions) = server::step(*state, input);
                *state = next;
                (
                    actions,
                    next == State::Terminated,
                    next == State::Completed,
                    false,
                )
            }
        };
        let due = self.server_actions(number, actions, &at_hand, now);
        if ended {
            self.remove_server(number);
        } else if let Some(timer) = due {
            self.server_input(number, Input::Timer(timer), AtHand::default(), now);
        } else if let Some(server) = self.servers.get_mut(number).filter(|_| settled) {
            // What is never needed again need not be kept for the half minute until the last timer.
            server.request = None;
            if confirmed {
                server.last = None;
            }
        }
    }

    /// Carry out a machine's actions; gives a timer that is due at once because its duration is zero.
    fn server_actions(
        &mut self,
        number: u64,
        actions: &[Action],
        at_hand: &AtHand,
        now: f64,
    ) -> Option<Timer> {
        let mut due = None;
        for &action in actions {
            let Some(server) = self.servers.get_mut(number) else {
                break;
            };
            match action {
                Action::Send => {
                    if at_hand.response.is_some() {
                        server.last.clone_from(&at_hand.response);
                    }
                    self.send_last(number);
                }
                Action::Repeat => {
                    if server.last.is_some() {
                        self.stats.retransmissions_sent += 1;
                        self.send_last(number);
                    } else {
                        self.send_trying(number);
                    }
                }
                Action::Trying => self.send_trying(number),
                Action::PassUp => {
                    if let Some((message, transport, source)) = &at_hand.request {
                        // An ACK cannot be answered.
                        let transaction = if message.method() == b"ACK" {
                            0
                        } else {
                            number
                        };
                        let message = Arc::clone(message);
                        let (transport, source) = (*transport, *source);
                        self.events.push(Event::Request {
                            transaction,
                            message,
                            transport,
                            source,
                        });
                    }
                }
                Action::Fail(failure) => self.events.push(Event::Failed {
                    transaction: number,
                    failure,
                }),
                Action::Start(timer) => match self.timing.duration(timer, server.reliable) {
                    Some(duration) if duration > 0.0 => {
                        if timer.slot() == Slot::Retransmit {
                            server.interval = duration;
                        }
                        self.start_timer(number, timer, now, duration);
                    }
                    Some(_) => due = Some(timer),
                    None => {}
                },
                Action::Lengthen(timer) => {
                    server.interval = self.timing.lengthened(timer, server.interval);
                    let interval = server.interval;
                    self.start_timer(number, timer, now, interval);
                }
                Action::Stop(timer) => self.stop_timer(number, timer),
                Action::Absorb => self.stats.retransmissions_absorbed += 1,
                // What only a client does.
                Action::Resend | Action::Acknowledge => {}
            }
        }
        due
    }

    fn send_last(&mut self, number: u64) {
        let Some(server) = self.servers.get(number) else {
            return;
        };
        if let Some(data) = server.last.clone() {
            let (transport, destination) = (server.transport, server.destination);
            self.send(Transmit {
                transport,
                destination,
                data,
                transaction: 0,
            });
        }
    }

    fn send_trying(&mut self, number: u64) {
        let Some(server) = self.servers.get_mut(number) else {
            return;
        };
        if let Some(request) = &server.request {
            self.scratch.clear();
            print::response(
                &mut self.scratch,
                request,
                server.source,
                100,
                None,
                None,
                &[],
                b"",
            );
            server.last = Some(Arc::from(&self.scratch[..]));
            self.send_last(number);
        }
    }

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
    fn answer_tagged(
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
fn response_destination(message: &Message, source: SocketAddr, reliable: bool) -> SocketAddr {
    let via = message.via();
    if reliable || !via.rport.is_empty() || via.whole.is_empty() {
        return source;
    }
    let mut destination = source;
    destination.set_port(via.port.unwrap_or(5060));
    destination
}

fn invite_input(input: Input) -> Option<invite_server::Input> {
    use invite_server::Input as To;
    Some(match input {
        Input::Request => To::Request,
        Input::Ack => To::Ack,
        Input::Respond(100..=199) => To::RespondProvisional,
        Input::Respond(200..=299) => To::RespondSuccess,
        Input::Respond(_) => To::RespondFailure,
        Input::Timer(Timer::Trying) => To::TryingTimer,
        Input::Timer(Timer::G) => To::TimerG,
        Input::Timer(Timer::H) => To::TimerH,
        Input::Timer(Timer::I) => To::TimerI,
        Input::Timer(Timer::L) => To::TimerL,
        Input::Timer(_) => return None,
    })
}

fn other_input(input: Input) -> Option<server::Input> {
    use server::Input as To;
    Some(match input {
        Input::Request => To::Request,
        Input::Respond(100..=199) => To::RespondProvisional,
        Input::Respond(_) => To::RespondFinal,
        Input::Timer(Timer::J) => To::TimerJ,
        Input::Timer(Timer::Unanswered) => To::UnansweredTimer,
        Input::Ack | Input::Timer(_) => return None,
    })
}
