//! The client side: our requests, and the responses to them.

use std::net::SocketAddr;
use std::sync::Arc;

use sip_message::{HeaderName, Message};

use crate::engine::printing::checked;
use crate::engine::{Engine, Refusal};
use crate::event::{Event, Failure, Transmit};
use crate::machine::Action;
use crate::matching::{MAGIC_COOKIE, mix};
use crate::timing::{Armed, Slot, Timer};
use crate::{client, invite_client};

#[derive(Debug)]
enum Machine {
    Invite(invite_client::State),
    Other(client::State),
}

/// Whether and how an INVITE is to be cancelled.
#[derive(Debug)]
enum Cancel {
    No,
    /// As soon as a provisional response has come, with these headers.
    Wanted(Vec<(String, String)>),
    /// By this client transaction.
    Sent(u64),
}

#[derive(Debug)]
pub(super) struct ClientTransaction {
    machine: Machine,
    pub transport: u64,
    destination: SocketAddr,
    reliable: bool,
    /// Our request, for as long as it may be sent again or must be acknowledged.
    request: Option<Arc<Message>>,
    interval: f64,
    pub armed: Armed,
    cancel: Cancel,
    /// A CANCEL: nobody hears of what becomes of it.
    quiet: bool,
    /// Its sender has turned to another server: nobody hears of what becomes of it, but for a 2xx.
    abandoned: bool,
}

/// On which terms a request is sent; zero: no such term.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// Octets that it may have over UDP. A longer one is not sent.
    pub most: usize,
    /// Seconds within which an INVITE must have its first response. Without one it fails then; what comes later is
    /// cancelled.
    pub patience: f64,
}

impl ClientTransaction {
    /// Whether the transaction user hears of a response.
    fn tells(&self, status: u16) -> bool {
        !self.quiet && status != 100 && (!self.abandoned || status / 100 == 2)
    }
}

#[derive(Clone, Copy)]
enum Input {
    Response(u16),
    TransportFailed,
    Timer(Timer),
}

impl Engine {
    /// Send a request in a new client transaction and give its number. An ACK goes without one and gives 0.
    #[allow(clippy::too_many_arguments)] // the parts of a request
    pub fn request(
        &mut self,
        transport: u64,
        destination: SocketAddr,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        now: f64,
    ) -> Result<u64, Refusal> {
        let terms = Terms::default();
        self.request_on(
            terms,
            transport,
            destination,
            method,
            uri,
            headers,
            body,
            now,
        )
    }

    /// The same on terms. Gives 0 where it would be too long, and was not sent.
    #[allow(clippy::too_many_arguments)] // the parts of a request
    pub fn request_on(
        &mut self,
        terms: Terms,
        transport: u64,
        destination: SocketAddr,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        now: f64,
    ) -> Result<u64, Refusal> {
        self.guard(|engine| {
            engine.new_client(
                terms,
                transport,
                destination,
                method,
                uri,
                headers,
                body,
                now,
            )
        })
        .unwrap_or_else(|| Err(Refusal("a bug of ours, counted in `panics`".into())))
    }

    #[allow(clippy::too_many_arguments)] // the parts of a request
    fn new_client(
        &mut self,
        terms: Terms,
        transport: u64,
        destination: SocketAddr,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        now: f64,
    ) -> Result<u64, Refusal> {
        if !self.transports.contains_key(&transport) {
            return Err(Refusal("no such transport".into()));
        }
        checked(headers)?;
        if uri.bytes().any(|byte| byte <= b' ') {
            return Err(Refusal("white space in the Request-URI".into()));
        }
        if method == "ACK" {
            // RFC 3261 section 13.2.2.4: the ACK for a 2xx is sent without a transaction, each with a branch of its own.
            let draw = self.draw();
            let via = self.via(transport, &format!("z9hG4bK0.{draw:016x}"));
            let message = self.print_request(method, uri, &via, headers, body)?;
            self.send(Transmit {
                transport,
                destination,
                data: message.shared(),
                transaction: 0,
            });
            return Ok(0);
        }
        self.start_client(
            terms,
            transport,
            destination,
            method,
            now,
            |engine, number| {
                let via = engine.via(transport, &engine.branch(number));
                engine.print_request(method, uri, &via, headers, body)
            },
        )
    }

    /// A new client transaction whose request `print` makes for its number.
    #[allow(clippy::too_many_arguments)] // the parts of a request
    fn start_client(
        &mut self,
        terms: Terms,
        transport: u64,
        destination: SocketAddr,
        method: &str,
        now: f64,
        print: impl FnOnce(&mut Self, u64) -> Result<Arc<Message>, Refusal>,
    ) -> Result<u64, Refusal> {
        let reliable = self
            .transports
            .get(&transport)
            .is_some_and(|open| open.kind.is_reliable());
        let full = self.is_full();
        let machine = match method {
            "INVITE" => Machine::Invite(invite_client::State::Calling),
            _ => Machine::Other(client::State::Trying),
        };
        let number = self.clients.insert_with(|_| ClientTransaction {
            machine,
            transport,
            destination,
            reliable,
            request: None,
            interval: self.timing.t1,
            armed: Armed::default(),
            cancel: Cancel::No,
            quiet: method == "CANCEL",
            abandoned: false,
        });
        self.current = number;
        let request = match print(self, number) {
            Ok(request) => request,
            Err(refusal) => {
                self.remove_client(number);
                return Err(refusal);
            }
        };
        if terms.most > 0 && !reliable && request.shared().len() > terms.most {
            self.remove_client(number);
            return Ok(0);
        }
        if full {
            // Our own new work is shed like the peers'.
            self.remove_client(number);
            self.events.push_back(Event::Failed {
                transaction: number,
                failure: Failure::Transport,
            });
            return Ok(number);
        }
        self.send(Transmit {
            transport,
            destination,
            data: request.shared(),
            transaction: number,
        });
        let start = match &machine_of(self, number) {
            Some(Machine::Invite(_)) => invite_client::START,
            _ => client::START,
        };
        if let Some(client) = self.clients.get_mut(number) {
            client.request = Some(request);
        }
        self.client_actions(number, start, None, now);
        if terms.patience > 0.0 && method == "INVITE" {
            self.start_timer(number, Timer::Silent, now, terms.patience);
        }
        Ok(number)
    }

    /// CANCEL a client INVITE transaction as soon as that is allowed.
    pub fn cancel(
        &mut self,
        number: u64,
        headers: &[(&str, &str)],
        now: f64,
    ) -> Result<(), Refusal> {
        checked(headers)?;
        let Some(client) = self.clients.get_mut(number) else {
            return Ok(());
        };
        let waits = match client.machine {
            Machine::Invite(invite_client::State::Calling) => true,
            Machine::Invite(invite_client::State::Proceeding) => false,
            _ => return Ok(()),
        };
        if matches!(client.cancel, Cancel::No) {
            let owned = headers
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            client.cancel = Cancel::Wanted(owned);
            // RFC 3261 section 9.1: "If no provisional response has been received, the CANCEL request MUST NOT be sent".
            if !waits {
                self.guard(|engine| engine.send_cancel(number, now));
            }
        }
        Ok(())
    }

    fn send_cancel(&mut self, number: u64, now: f64) {
        let Some(client) = self.clients.get_mut(number) else {
            return;
        };
        let Cancel::Wanted(extra) = &mut client.cancel else {
            return;
        };
        let extra = std::mem::take(extra);
        let (transport, destination) = (client.transport, client.destination);
        let Some(invite) = client.request.clone() else {
            return;
        };
        let terms = Terms::default();
        let sent = self.start_client(terms, transport, destination, "CANCEL", now, |engine, _| {
            let extra: Vec<_> = extra
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            engine.print_companion(&invite, "CANCEL", None, &extra)
        });
        if let (Ok(cancel), Some(client)) = (sent, self.clients.get_mut(number)) {
            client.cancel = Cancel::Sent(cancel);
            if let Some(duration) = self.timing.duration(Timer::Cancelled, client.reliable) {
                self.start_timer(number, Timer::Cancelled, now, duration);
            }
        }
    }

    /// A response that was read: to its transaction, or to nobody.
    pub(super) fn response(&mut self, message: Arc<Message>, source: SocketAddr, now: f64) {
        let Some(number) = self.response_transaction(&message) else {
            self.stats.stray_responses += 1;
            return;
        };
        self.current = number;
        self.client_input(
            number,
            Input::Response(message.status()),
            Some((message, source)),
            now,
        );
    }

    /// RFC 3261 section 17.1.3: the branch of the topmost Via, and the method of CSeq.
    fn response_transaction(&self, message: &Message) -> Option<u64> {
        let branch = std::str::from_utf8(message.branch().strip_prefix(MAGIC_COOKIE)?).ok()?;
        let (number, proof) = branch.split_once('.')?;
        let number = u64::from_str_radix(number, 16).ok()?;
        let proof = u64::from_str_radix(proof, 16).ok()?;
        let client = self
            .clients
            .get(number)
            .filter(|_| proof == mix(self.config.seed, number))?;
        let is_invite = matches!(client.machine, Machine::Invite(_));
        match (message.cseq_method(), &client.cancel) {
            (b"CANCEL", Cancel::Sent(cancel)) => Some(*cancel),
            (b"INVITE", _) if is_invite => Some(number),
            (method, _) => client
                .request
                .as_ref()
                .is_none_or(|request| request.method() == method)
                .then_some(number)
                .filter(|_| !is_invite),
        }
    }

    pub(super) fn client_transport_failed(&mut self, number: u64, now: f64) {
        self.current = number;
        self.client_input(number, Input::TransportFailed, None, now);
    }

    pub(super) fn client_timer(&mut self, number: u64, timer: Timer, now: f64) {
        self.current = number;
        self.client_input(number, Input::Timer(timer), None, now);
    }

    fn client_input(
        &mut self,
        number: u64,
        input: Input,
        message: Option<(Arc<Message>, SocketAddr)>,
        now: f64,
    ) {
        let Some(client) = self.clients.get_mut(number) else {
            return;
        };
        let (actions, ended, settled, provisional) = match &mut client.machine {
            Machine::Invite(state) => {
                use invite_client::State;
                let Some(input) = invite_input(input) else {
                    return;
                };
                let (next, actions) = invite_client::step(*state, input);
                *state = next;
                (
                    actions,
                    next == State::Terminated,
                    next == State::Accepted,
                    next == State::Proceeding,
                )
            }
            Machine::Other(state) => {
                use client::State;
                let Some(input) = other_input(input) else {
                    return;
                };
                let (next, actions) = client::step(*state, input);
                *state = next;
                (
                    actions,
                    next == State::Terminated,
                    next == State::Completed,
                    false,
                )
            }
        };
        let then = self.client_actions(number, actions, message.as_ref(), now);
        if provisional && matches!(input, Input::Response(_)) {
            self.send_cancel(number, now);
        }
        if ended {
            self.end_client(number);
        } else if let Some(timer) = then {
            self.client_input(number, Input::Timer(timer), None, now);
        } else if settled {
            // What is never sent again need not be kept for the half minute until the last timer.
            if let Some(client) = self.clients.get_mut(number) {
                client.request = None;
            }
        }
    }

    /// Carry out a machine's actions; gives a timer that is due at once because its duration is zero.
    fn client_actions(
        &mut self,
        number: u64,
        actions: &[Action],
        message: Option<&(Arc<Message>, SocketAddr)>,
        now: f64,
    ) -> Option<Timer> {
        let mut due = None;
        for &action in actions {
            let Some(client) = self.clients.get_mut(number) else {
                break;
            };
            match action {
                Action::Resend => {
                    if let Some(request) = &client.request {
                        let data = request.shared();
                        let (transport, destination) = (client.transport, client.destination);
                        self.stats.retransmissions_sent += 1;
                        self.send(Transmit {
                            transport,
                            destination,
                            data,
                            transaction: number,
                        });
                    }
                }
                Action::Acknowledge => {
                    if let Some((response, _)) = message {
                        self.acknowledge(number, response);
                    }
                }
                Action::PassUp => {
                    if let Some((message, source)) =
                        message.filter(|(message, _)| client.tells(message.status()))
                    {
                        let (transport, source) = (client.transport, *source);
                        let message = Arc::clone(message);
                        self.events.push_back(Event::Response {
                            transaction: number,
                            message,
                            transport,
                            source,
                        });
                    }
                }
                Action::Fail(failure) => {
                    if !client.quiet && !client.abandoned {
                        self.events.push_back(Event::Failed {
                            transaction: number,
                            failure,
                        });
                    }
                }
                Action::Start(timer) => match self.timing.duration(timer, client.reliable) {
                    Some(duration) if duration > 0.0 => {
                        if timer.slot() == Slot::Retransmit {
                            client.interval = duration;
                        }
                        self.start_timer(number, timer, now, duration);
                    }
                    Some(_) => due = Some(timer),
                    None => {}
                },
                Action::Lengthen(timer) => {
                    client.interval = self.timing.lengthened(timer, client.interval);
                    let interval = client.interval;
                    self.start_timer(number, timer, now, interval);
                }
                Action::Stop(timer) => self.stop_timer(number, timer),
                Action::Abandon => {
                    client.abandoned = true;
                    if matches!(client.cancel, Cancel::No) {
                        client.cancel = Cancel::Wanted(Vec::new());
                    }
                }
                Action::Absorb => self.stats.retransmissions_absorbed += 1,
                // What only a server does.
                Action::Send | Action::Repeat | Action::Trying => {}
            }
        }
        due
    }

    fn end_client(&mut self, number: u64) {
        // A CANCEL is matched through its INVITE, so it goes with it.
        if let Some(Cancel::Sent(cancel)) = self.clients.get(number).map(|client| &client.cancel) {
            let cancel = *cancel;
            self.remove_client(cancel);
        }
        self.remove_client(number);
    }

    /// RFC 3261 section 17.1.1.3: the ACK for a response other than 2xx.
    fn acknowledge(&mut self, number: u64, response: &Message) {
        let Some(client) = self.clients.get(number) else {
            return;
        };
        let (transport, destination) = (client.transport, client.destination);
        let Some(invite) = client.request.clone() else {
            return;
        };
        if let Ok(ack) = self.print_companion(&invite, "ACK", response.line(HeaderName::To), &[]) {
            self.send(Transmit {
                transport,
                destination,
                data: ack.shared(),
                transaction: 0,
            });
        }
    }
}

fn machine_of(engine: &Engine, number: u64) -> Option<&Machine> {
    engine.clients.get(number).map(|client| &client.machine)
}

fn invite_input(input: Input) -> Option<invite_client::Input> {
    use invite_client::Input as To;
    Some(match input {
        Input::Response(100..=199) => To::Provisional,
        Input::Response(200..=299) => To::Success,
        Input::Response(_) => To::Failure,
        Input::TransportFailed => To::TransportFailed,
        Input::Timer(Timer::A) => To::TimerA,
        Input::Timer(Timer::B) => To::TimerB,
        Input::Timer(Timer::D) => To::TimerD,
        Input::Timer(Timer::M) => To::TimerM,
        Input::Timer(Timer::Cancelled) => To::CancelledTimer,
        Input::Timer(Timer::Silent) => To::SilentTimer,
        Input::Timer(_) => return None,
    })
}

fn other_input(input: Input) -> Option<client::Input> {
    use client::Input as To;
    Some(match input {
        Input::Response(100..=199) => To::Provisional,
        Input::Response(_) => To::Final,
        Input::TransportFailed => To::TransportFailed,
        Input::Timer(Timer::E) => To::TimerE,
        Input::Timer(Timer::F) => To::TimerF,
        Input::Timer(Timer::K) => To::TimerK,
        Input::Timer(_) => return None,
    })
}
