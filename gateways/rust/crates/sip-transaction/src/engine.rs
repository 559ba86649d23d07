//! The engine: transports, transactions and their timers, in one value without a clock or a socket.

mod answering;
mod incoming;
mod printing;
mod receiving;
mod requesting;
mod responding;
mod turning_away;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hashbrown::HashTable;
use sip_message::framer::StreamFramer;

use crate::engine::requesting::ClientTransaction;
pub use crate::engine::requesting::Terms;
use crate::engine::responding::ServerTransaction;
use crate::engine::turning_away::Treatment;
use crate::event::{Event, Failure, Kind, Transmit};
use crate::matching::mix;
use crate::slab::Slab;
use crate::sources::Sources;
use crate::timing::{Timer, TimerTable, Timing};
use crate::waiting::{TurnedAway, WaitingRoom};

/// What an engine is built with. Times in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Everything that looks random (branches, tags) comes from it.
    pub seed: u64,
    pub t1: f64,
    pub t2: f64,
    pub t4: f64,
    /// Above so many transactions, new requests get a stateless 503.
    pub max_transactions: usize,
    /// So, too, while so many events wait for the transaction user.
    pub max_events: usize,
    /// So many new requests of a class wait at most (see `waiting`); more get a stateless 503.
    pub max_waiting: usize,
    /// What more than this waits to be written on one transport is dropped, as a network would.
    pub max_transmits: usize,
}

impl Config {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            t1: 0.5,
            t2: 4.0,
            t4: 5.0,
            max_transactions: 500_000,
            max_events: 20_000,
            max_waiting: 8192,
            max_transmits: 50_000,
        }
    }
}

/// A mistake of the caller's.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal(pub Cow<'static, str>);

/// Counters since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Messages, keep-alives left out.
    pub received: u64,
    pub sent: u64,
    pub rejected: u64,
    pub retransmissions_absorbed: u64,
    pub retransmissions_sent: u64,
    pub stray_responses: u64,
    /// Transmits that were dropped because too many waited.
    pub dropped: u64,
    /// New requests that got a stateless 503 under overload.
    pub shed: u64,
    /// New requests that the transaction user was told of.
    pub admitted: u64,
    /// Requests and datagrams beyond what their source may send.
    pub limited: u64,
    /// Datagrams of banned sources, and requests of scanners.
    pub banned: u64,
    pub panics: u64,
    pub client_transactions: usize,
    pub server_transactions: usize,
    pub timers: usize,
}

#[derive(Debug)]
struct Transport {
    kind: Kind,
    sent_by: String,
    framer: StreamFramer,
    outbox: VecDeque<Transmit>,
    /// Whether a batched socket takes the transmits; then `take_all_transmits` leaves them to it.
    batched: bool,
}

/// RFC 3261 section 17 and RFC 6026. See the crate's documentation.
pub struct Engine {
    config: Config,
    timing: Timing,
    transports: BTreeMap<u64, Transport>,
    /// Transports with something in their outbox, in the order in which it came.
    pending: Vec<u64>,
    clients: Slab<ClientTransaction>,
    servers: Slab<ServerTransaction>,
    by_branch: HashTable<u64>,
    by_origin: HashTable<u64>,
    timers: TimerTable,
    events: VecDeque<Event>,
    waiting: WaitingRoom,
    away: TurnedAway,
    scratch: Vec<u8>,
    stats: Stats,
    treatment: Treatment,
    sources: Sources,
    /// The transaction at work, which a panic ends.
    current: u64,
    /// How many numbers were drawn that are no transaction's.
    draws: u64,
    #[cfg(test)]
    pub(crate) panic_at_method: Option<&'static str>,
}

impl Engine {
    pub fn new(config: Config) -> Self {
        Self {
            config,
            timing: Timing {
                t1: config.t1,
                t2: config.t2,
                t4: config.t4,
            },
            transports: BTreeMap::new(),
            pending: Vec::new(),
            clients: Slab::new(0),
            servers: Slab::new(1),
            by_branch: HashTable::new(),
            by_origin: HashTable::new(),
            timers: TimerTable::default(),
            events: VecDeque::new(),
            waiting: WaitingRoom::new(config.max_waiting),
            away: TurnedAway::default(),
            scratch: Vec::with_capacity(2048),
            stats: Stats::default(),
            treatment: Treatment::default(),
            sources: Sources::default(),
            current: 0,
            draws: 0,
            #[cfg(test)]
            panic_at_method: None,
        }
    }

    /// `sent_by` is the host:port of our Via. Opening a number again begins anew.
    pub fn open_transport(&mut self, transport: u64, kind: Kind, sent_by: &str) {
        let opened = Transport {
            kind,
            sent_by: sent_by.to_owned(),
            framer: StreamFramer::default(),
            outbox: VecDeque::new(),
            batched: false,
        };
        self.transports.insert(transport, opened);
    }

    /// Its client transactions that await a response fail.
    pub fn close_transport(&mut self, transport: u64, now: f64) {
        self.transports.remove(&transport);
        for number in self.clients.numbers() {
            if self
                .clients
                .get(number)
                .is_some_and(|client| client.transport == transport)
            {
                self.guard(|engine| engine.client_transport_failed(number, now));
            }
        }
    }

    /// Run the timers that are due.
    pub fn timeout(&mut self, now: f64) {
        while let Some(entry) = self.timers.pop_due(now) {
            let (number, timer) = (entry.transaction, entry.timer);
            if let Some(client) = self
                .clients
                .get_mut(number)
                .filter(|client| client.armed.holds(&entry))
            {
                self.timers.stop(&mut client.armed, timer);
                self.guard(|engine| engine.client_timer(number, timer, now));
            } else if let Some(server) = self
                .servers
                .get_mut(number)
                .filter(|server| server.armed.holds(&entry))
            {
                self.timers.stop(&mut server.armed, timer);
                self.guard(|engine| engine.server_timer(number, timer, now));
            }
        }
        let (clients, servers) = (&self.clients, &self.servers);
        self.timers.tidy(|entry| holds(clients, servers, entry));
    }

    /// When `timeout` must be called next.
    pub fn deadline(&mut self) -> Option<f64> {
        let (clients, servers) = (&self.clients, &self.servers);
        self.timers.deadline(|entry| holds(clients, servers, entry))
    }

    /// All that has come about since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.take_some_events(f64::NEG_INFINITY, usize::MAX)
    }

    /// At most so many events: of what has begun first, in order; then, where there is room, new requests. Those that
    /// have waited too long are turned away.
    pub fn take_some_events(&mut self, now: f64, most: usize) -> Vec<Event> {
        self.guard(|engine| engine.let_in(now, most));
        if self.events.len() <= most {
            return std::mem::take(&mut self.events).into();
        }
        self.events.drain(..most).collect()
    }

    /// Whether events are left to be taken.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty() || !self.waiting.is_empty()
    }

    /// What waits to be written, but for transports with a batched socket.
    pub fn take_all_transmits(&mut self) -> Vec<Transmit> {
        let mut taken = Vec::new();
        for transport in std::mem::take(&mut self.pending) {
            if let Some(open) = self.transports.get_mut(&transport) {
                if !open.batched {
                    taken.extend(open.outbox.drain(..));
                }
            }
        }
        taken
    }

    /// Leave a transport's transmits to `take_transmits` from now on.
    pub fn batch(&mut self, transport: u64) {
        if let Some(open) = self.transports.get_mut(&transport) {
            open.batched = true;
        }
    }

    /// At most `max` transmits of one transport, in order.
    pub fn take_transmits(&mut self, transport: u64, max: usize) -> Vec<Transmit> {
        self.transports
            .get_mut(&transport)
            .map_or_else(Vec::new, |open| {
                let count = open.outbox.len().min(max);
                open.outbox.drain(..count).collect()
            })
    }

    /// Put back, in order, what could not be written yet.
    pub fn requeue(
        &mut self,
        transport: u64,
        transmits: impl DoubleEndedIterator<Item = Transmit>,
    ) {
        if let Some(open) = self.transports.get_mut(&transport) {
            if open.outbox.is_empty() && !open.batched {
                self.pending.push(transport);
            }
            for transmit in transmits.rev() {
                open.outbox.push_front(transmit);
            }
        }
    }

    /// How many transmits of a transport wait.
    pub fn waiting(&self, transport: u64) -> usize {
        self.transports
            .get(&transport)
            .map_or(0, |open| open.outbox.len())
    }

    /// A transmit could not be written: a client transaction of its request fails (RFC 3261 section 17.1.4). A lost
    /// response or ACK is made good by retransmission.
    pub fn transmit_failed(&mut self, transmit: &Transmit, now: f64) {
        let number = transmit.transaction;
        self.guard(|engine| engine.client_transport_failed(number, now));
    }

    pub fn stats(&self) -> Stats {
        Stats {
            client_transactions: self.clients.len(),
            server_transactions: self.servers.len(),
            timers: self.timers.running(),
            ..self.stats
        }
    }

    /// One unit of work. A panic in it is counted and ends the transaction at work, and nothing else.
    fn guard<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.current = 0;
        if let Ok(result) = catch_unwind(AssertUnwindSafe(|| work(self))) {
            return Some(result);
        }
        self.stats.panics += 1;
        let number = std::mem::take(&mut self.current);
        if self.remove_client(number) || self.remove_server(number) {
            self.events.push_back(Event::Failed {
                transaction: number,
                failure: Failure::Transport,
            });
        }
        None
    }

    fn send(&mut self, transmit: Transmit) {
        let Some(open) = self.transports.get_mut(&transmit.transport) else {
            return;
        };
        if open.outbox.len() >= self.config.max_transmits {
            self.stats.dropped += 1;
            return;
        }
        if open.outbox.is_empty() && !open.batched {
            self.pending.push(transmit.transport);
        }
        open.outbox.push_back(transmit);
        self.stats.sent += 1;
    }

    /// An event that belongs to no transaction, and so has no bound but this one: while as many wait as may, no more is
    /// told.
    fn note(&mut self, event: Event) {
        if self.events.len() < self.config.max_events {
            self.events.push_back(event);
        }
    }

    /// The bytes in the scratch buffer, to be kept.
    fn printed(&self) -> Arc<[u8]> {
        Arc::from(&self.scratch[..])
    }

    /// A number that nobody outside can foretell, yet the same in every run.
    fn draw(&mut self) -> u64 {
        self.draws += 1;
        mix(self.config.seed ^ 0x6472_6177, self.draws)
    }

    fn is_full(&self) -> bool {
        self.clients.len() + self.servers.len() >= self.config.max_transactions
            || self.events.len() >= self.config.max_events
    }

    fn remove_client(&mut self, number: u64) -> bool {
        let Some(mut client) = self.clients.remove(number) else {
            return false;
        };
        self.timers.stop_all(&mut client.armed);
        true
    }

    fn remove_server(&mut self, number: u64) -> bool {
        let Some(mut server) = self.servers.remove(number) else {
            return false;
        };
        self.timers.stop_all(&mut server.armed);
        if let Ok(found) = self
            .by_branch
            .find_entry(server.origin.hash, |&candidate| candidate == number)
        {
            found.remove();
        }
        if let Ok(found) = self
            .by_origin
            .find_entry(server.origin.merge_hash, |&candidate| candidate == number)
        {
            found.remove();
        }
        true
    }

    fn start_timer(&mut self, number: u64, timer: Timer, now: f64, duration: f64) {
        if let Some(client) = self.clients.get_mut(number) {
            self.timers
                .start(&mut client.armed, number, timer, now, duration);
        } else if let Some(server) = self.servers.get_mut(number) {
            self.timers
                .start(&mut server.armed, number, timer, now, duration);
        }
    }

    fn stop_timer(&mut self, number: u64, timer: Timer) {
        if let Some(client) = self.clients.get_mut(number) {
            self.timers.stop(&mut client.armed, timer);
        } else if let Some(server) = self.servers.get_mut(number) {
            self.timers.stop(&mut server.armed, timer);
        }
    }
}

fn holds(
    clients: &Slab<ClientTransaction>,
    servers: &Slab<ServerTransaction>,
    entry: &crate::timing::Entry,
) -> bool {
    clients
        .get(entry.transaction)
        .is_some_and(|client| client.armed.holds(entry))
        || servers
            .get(entry.transaction)
            .is_some_and(|server| server.armed.holds(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, branch: &str) -> Vec<u8> {
        format!(
            "{method} sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\nFrom: <sip:a@h>;tag=a\r\n\
             To: <sip:b@h>\r\nCall-ID: {branch}\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn a_panic_ends_its_transaction_and_nothing_else() {
        let source = std::net::SocketAddr::from(([192, 0, 2, 1], 5060));
        let mut engine = Engine::new(Config::new(1));
        engine.open_transport(1, Kind::Udp, "192.0.2.2");
        engine.panic_at_method = Some("MESSAGE");
        engine
            .receive(&request("OPTIONS", "one"), 1, source, 0.0)
            .expect("open");
        engine
            .receive(&request("MESSAGE", "two"), 1, source, 0.0)
            .expect("open");
        engine
            .receive(&request("OPTIONS", "three"), 1, source, 0.0)
            .expect("open");
        let events = engine.take_events();
        assert!(matches!(
            events[..],
            [
                Event::Failed {
                    failure: Failure::Transport,
                    ..
                },
                Event::Request { .. },
                Event::Request { .. }
            ]
        ));
        let stats = engine.stats();
        assert_eq!((stats.panics, stats.server_transactions), (1, 2));
    }
}
