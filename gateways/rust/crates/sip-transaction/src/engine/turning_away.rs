//! New work that is turned away before the transaction user hears of it: from scanners, from sources that send too
//! much, and under overload. What has begun (dialogs, ACK, CANCEL, retransmissions) goes ahead of all new work.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use sip_message::{HeaderName, Message};

use crate::engine::Engine;
use crate::event::Event;
use crate::sources::{Kind, Limits, Network};
use crate::waiting::Lane;

/// How a new request is treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// What belongs to a dialog, and calls for help: never shed, and passed on at once.
    Urgent,
    Waits(Lane),
}

impl Class {
    pub fn lane(self) -> Option<Lane> {
        match self {
            Self::Urgent => None,
            Self::Waits(lane) => Some(lane),
        }
    }
}

/// How the engine treats new work; all of it is set from outside.
#[derive(Debug, Default)]
pub(super) struct Treatment {
    level: u8,
    /// The level of overload that peers are told.
    told: u8,
    /// What responses tell peers who ask (RFC 7339 section 4), as parameters of their Via.
    pub feedback: String,
    emergency: Vec<Box<[u8]>>,
    /// Parts of User-Agent values in lower case.
    agents: Vec<Box<[u8]>>,
}

impl Engine {
    /// Shed new work as it comes: of a hundred new requests about `level`, more of the optional and fewer of what has
    /// begun. What waits too long is shed besides (see `set_patience`).
    pub fn shed(&mut self, level: u8) {
        self.treatment.level = level.min(100);
    }

    /// Seconds that new work may pile up before what waits is shed; infinity: it never is.
    pub fn set_patience(&mut self, seconds: f64) {
        self.waiting.patience = seconds;
    }

    /// What peers who ask are told (RFC 7339 section 4): of a hundred requests about `level` should not be sent.
    /// `sequence` rises with each change (section 4.4 `oc-seq`).
    pub fn tell_load(&mut self, level: u8, sequence: f64) {
        let treatment = &mut self.treatment;
        treatment.told = level.min(100);
        treatment.feedback.clear();
        // RFC 7339 section 4.3: a validity of zero says that the server is not in overload.
        let validity = if level == 0 { 0 } else { 500 };
        // Writing to a String cannot fail.
        let _ = write!(
            treatment.feedback,
            ";oc={};oc-algo=\"loss\";oc-validity={validity};oc-seq={sequence:.3}",
            treatment.told
        );
    }

    /// Numbers that are never shed, as the user part of a Request-URI; `urn:service:sos` never is.
    pub fn set_emergency(&mut self, numbers: impl Iterator<Item = String>) {
        self.treatment.emergency = numbers.map(|number| number.into_bytes().into()).collect();
    }

    /// Requests outside dialogs whose User-Agent holds one of these, in any case, get no answer.
    pub fn set_agents(&mut self, agents: impl Iterator<Item = String>) {
        self.treatment.agents = agents
            .map(|agent| agent.to_ascii_lowercase().into_bytes().into())
            .collect();
    }

    /// What one source may send; None: as much as it likes.
    pub fn set_limits(&mut self, limits: Option<Limits>) {
        self.sources.limit(limits);
    }

    /// Networks that are neither limited nor banned.
    pub fn exempt(&mut self, networks: impl Iterator<Item = Network>) {
        self.sources.exempt(networks);
    }

    /// Networks that are not limited.
    pub fn do_not_limit(&mut self, networks: impl Iterator<Item = Network>) {
        self.sources.do_not_limit(networks);
    }

    /// Drop all that comes from a network, unread, until a time.
    pub fn ban(&mut self, network: Network, until: f64) {
        self.sources.ban(network, until);
    }

    /// End a ban.
    pub fn lift(&mut self, network: Network) {
        self.sources.lift(network);
    }

    /// A source is known to be good until a time: a phone has registered from it.
    pub fn know(&mut self, ip: IpAddr, until: f64, now: f64) {
        self.sources.know(ip, until, now);
    }

    /// Whether a source is known to be good.
    pub fn knows(&self, ip: IpAddr, now: f64) -> bool {
        self.sources.is_known(ip, now)
    }

    /// What becomes of a new request; None: it was turned away, and nothing of it is kept. `hash` is that of its
    /// transaction.
    pub(super) fn admit(
        &mut self,
        hash: u64,
        message: &Message,
        transport: u64,
        source: SocketAddr,
        now: f64,
    ) -> Option<Class> {
        let method = message.method();
        if !message.to_tag().is_empty() && method != b"REGISTER" {
            return Some(Class::Urgent);
        }
        if self.is_scanner(message) && !self.sources.is_exempt(source.ip(), now) {
            self.stats.banned += 1;
            let agent = message.line(HeaderName::UserAgent).unwrap_or_default();
            let detail = String::from_utf8_lossy(&agent[..agent.len().min(80)]).into_owned();
            self.suspect("agent", detail, transport, source, now);
            return None;
        }
        let kind = match method {
            b"INVITE" => Kind::Invite,
            b"REGISTER" => Kind::Register,
            _ => Kind::Other,
        };
        let class = self.class(message, source, now);
        let Class::Waits(lane) = class else {
            return Some(class);
        };
        if !self.sources.may(source.ip(), kind, now) {
            self.stats.limited += 1;
            let method = String::from_utf8_lossy(&method[..method.len().min(20)]).into_owned();
            self.suspect("flood", method, transport, source, now);
            self.send_later(message, transport, source);
            return None;
        }
        let level = u64::from(self.treatment.level);
        let shed = level > 0 && hash % 100 < share(lane, level);
        if shed || !self.waiting.has_room(lane) || self.away.holds(hash, now) {
            self.turn_away(hash, message, transport, source, now);
            return None;
        }
        Some(class)
    }

    /// Answer 503 without a transaction, and remember to whom.
    fn turn_away(
        &mut self,
        hash: u64,
        message: &Message,
        transport: u64,
        source: SocketAddr,
        now: f64,
    ) {
        self.stats.shed += 1;
        self.away.insert(hash, now + 64.0 * self.timing.t1);
        self.send_later(message, transport, source);
    }

    /// New requests whose turn it is become events, as long as there are fewer than `most`; those that have waited too
    /// long are turned away.
    pub(super) fn let_in(&mut self, now: f64, most: usize) {
        while let Some(number) = self.waiting.pop_late(now) {
            self.current = number;
            let Some((hash, message, transport, source)) = self.still_waiting(number) else {
                continue;
            };
            self.remove_server(number);
            self.turn_away(hash, &message, transport, source, now);
        }
        while self.events.len() < most {
            let Some(number) = self.waiting.pop() else {
                break;
            };
            self.current = number;
            let Some((_, message, transport, source)) = self.still_waiting(number) else {
                continue;
            };
            self.stats.admitted += 1;
            self.events.push_back(Event::Request {
                transaction: number,
                message,
                transport,
                source,
            });
        }
    }

    /// The hash and the request of a transaction that was waiting until now; None: it is over already.
    fn still_waiting(&mut self, number: u64) -> Option<(u64, Arc<Message>, u64, SocketAddr)> {
        let server = self.servers.get_mut(number)?;
        server.waits.take()?;
        let message = server.request.clone()?;
        Some((server.origin.hash, message, server.transport, server.source))
    }

    /// 503 with a Retry-After that spreads the second tries, the more the worse it is.
    pub(super) fn send_later(&mut self, message: &Message, transport: u64, source: SocketAddr) {
        let level = self.treatment.level.max(self.treatment.told);
        let spread = 9 + u64::from(level) / 5;
        let after = (2 + self.draw() % spread).to_string();
        let headers = [("Retry-After", after.as_str())];
        self.answer(message, transport, source, 503, None, &headers);
    }

    /// Whether an ACK is the answer to a response that was sent without a transaction: it is of no interest.
    pub(super) fn acknowledges_answer(&self, ack: &Message) -> bool {
        let tag = ack.to_tag();
        tag.len() == 16
            && std::str::from_utf8(tag)
                .ok()
                .and_then(|tag| u64::from_str_radix(tag, 16).ok())
                .is_some_and(|tag| tag == crate::matching::merge_hash(self.config.seed, ack))
    }

    /// Tell of a source that misbehaves, now and then.
    pub(super) fn suspect(
        &mut self,
        reason: &'static str,
        detail: String,
        transport: u64,
        source: SocketAddr,
        now: f64,
    ) {
        if self.sources.worth_telling(source.ip(), now) {
            self.note(Event::Suspected {
                reason,
                detail,
                transport,
                source,
            });
        }
    }

    fn is_scanner(&self, message: &Message) -> bool {
        if self.treatment.agents.is_empty() {
            return false;
        }
        let Some(agent) = message.line(HeaderName::UserAgent) else {
            return false;
        };
        self.treatment.agents.iter().any(|part| {
            agent
                .windows(part.len())
                .any(|window| window.eq_ignore_ascii_case(part))
        })
    }

    fn class(&self, message: &Message, source: SocketAddr, now: f64) -> Class {
        match message.method() {
            b"INVITE" if self.is_emergency(message.uri()) => Class::Urgent,
            b"REGISTER" if self.sources.is_known(source.ip(), now) => Class::Waits(Lane::Begun),
            b"INVITE" | b"REGISTER" => {
                let proves = message.line(HeaderName::Authorization).is_some()
                    || message.line(HeaderName::ProxyAuthorization).is_some();
                Class::Waits(if proves { Lane::Begun } else { Lane::New })
            }
            _ => Class::Waits(Lane::Optional),
        }
    }

    fn is_emergency(&self, uri: &[u8]) -> bool {
        let Some(colon) = memchr::memchr(b':', uri) else {
            return false;
        };
        let (scheme, rest) = (&uri[..colon], &uri[colon + 1..]);
        if scheme.eq_ignore_ascii_case(b"urn") {
            // RFC 5031 section 4.2: `urn:service:sos` and what is below it.
            return rest.len() >= 11 && rest[..11].eq_ignore_ascii_case(b"service:sos");
        }
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'@' | b';' | b':'))
            .unwrap_or(rest.len());
        self.treatment
            .emergency
            .iter()
            .any(|number| **number == rest[..end])
    }
}

/// Of a hundred requests that come to a lane, how many are shed at a level.
fn share(lane: Lane, level: u64) -> u64 {
    match lane {
        Lane::Begun => 2 * level.saturating_sub(50),
        Lane::New => level,
        Lane::Optional => (2 * level).min(100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_begun_is_shed_last_and_what_nobody_waits_for_first() {
        for level in 1..=100 {
            let shares = [Lane::Begun, Lane::New, Lane::Optional].map(|lane| share(lane, level));
            assert!(shares.is_sorted(), "{level}: {shares:?}");
        }
        assert_eq!(share(Lane::Begun, 50), 0);
        assert_eq!(share(Lane::New, 100), 100);
    }
}
