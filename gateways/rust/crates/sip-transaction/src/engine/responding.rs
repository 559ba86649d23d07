//! Server transactions: what becomes of a request once it has one.

use std::net::SocketAddr;
use std::sync::Arc;

use sip_message::{Message, print};

use crate::engine::printing::checked;
use crate::engine::{Engine, Refusal};
use crate::event::{Event, Transmit};
use crate::machine::Action;
use crate::matching::{Origin, mix};
use crate::timing::{Armed, Slot, Timer};
use crate::waiting::Lane;
use crate::{invite_server, server};

/// Seconds for which a source is known to be good after a phone registered from it.
const REGISTERED: f64 = 7200.0;

#[derive(Clone, Copy, Debug)]
pub(super) enum Machine {
    Invite(invite_server::State),
    Other(server::State),
}

impl Machine {
    /// Whether the transaction user has still to decide, or has accepted: what a merged copy would disturb.
    pub fn is_ongoing(self) -> bool {
        matches!(
            self,
            Self::Invite(invite_server::State::Proceeding | invite_server::State::Accepted)
                | Self::Other(server::State::Trying | server::State::Proceeding)
        )
    }
}

#[derive(Debug)]
pub(super) struct ServerTransaction {
    pub machine: Machine,
    pub transport: u64,
    pub source: SocketAddr,
    /// Where our responses go.
    pub destination: SocketAddr,
    pub reliable: bool,
    pub origin: Origin,
    /// The request, for as long as a response may have to be made from it.
    pub request: Option<Arc<Message>>,
    /// The last response, for as long as it may be sent again.
    pub last: Option<Arc<[u8]>>,
    /// A To tag that the transaction user chose.
    pub to_tag: Option<Box<str>>,
    pub interval: f64,
    pub armed: Armed,
    pub cancelled: bool,
    /// Where it waits until the transaction user is told of it.
    pub waits: Option<Lane>,
}

#[derive(Clone, Copy)]
pub(super) enum Input {
    Request,
    Ack,
    Respond(u16),
    Timer(Timer),
}

/// What an input brings along.
#[derive(Default)]
pub(super) struct AtHand {
    pub response: Option<Arc<[u8]>>,
    pub request: Option<(Arc<Message>, u64, SocketAddr)>,
}

impl Engine {
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
            if status / 100 == 2 && server.origin.method() == b"REGISTER" {
                engine.sources.know(source.ip(), now + REGISTERED, now);
            }
            let response = request.map(|request| {
                // RFC 3261 section 8.2.6.2: a 100 may go without a To tag, any other response may not.
                let tag = (to_tag.is_some() || status > 100).then(|| engine.to_tag(number));
                engine.scratch.clear();
                print::response(
                    &mut engine.scratch,
                    &request,
                    source,
                    &engine.treatment.feedback,
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
    pub(super) fn to_tag(&self, number: u64) -> String {
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

    pub(super) fn server_input(&mut self, number: u64, input: Input, at_hand: AtHand, now: f64) {
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
    pub(super) fn server_actions(
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
                    if let Some(lane) = server.waits {
                        self.waiting.push(lane, number, now);
                    } else if let Some((message, transport, source)) = &at_hand.request {
                        // An ACK cannot be answered.
                        let transaction = if message.method() == b"ACK" {
                            0
                        } else {
                            number
                        };
                        let message = Arc::clone(message);
                        let (transport, source) = (*transport, *source);
                        self.events.push_back(Event::Request {
                            transaction,
                            message,
                            transport,
                            source,
                        });
                    }
                }
                Action::Fail(failure) => self.events.push_back(Event::Failed {
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
                Action::Resend | Action::Acknowledge | Action::Abandon => {}
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
                &self.treatment.feedback,
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
