//! New work that is turned away before the transaction user hears of it: from scanners, from sources that send too
//! much, and under overload. What has begun (dialogs, ACK, CANCEL, retransmissions) never comes here.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use sip_message::{HeaderName, Message};

use crate::engine::Engine;
use crate::event::Event;
use crate::sources::{Kind, Limits, Network};

/// How ready new work is to be shed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    /// Calls for help: never.
    Emergency,
    /// What a peer has begun already: it answers a challenge, or refreshes a registration.
    Begun,
    New,
    /// What nobody waits for: OPTIONS, SUBSCRIBE and the like.
    Optional,
}

/// How the engine treats new work; all of it is set from outside.
#[derive(Debug, Default)]
pub(super) struct Treatment {
    level: u8,
    /// What responses tell peers who ask (RFC 7339 section 4), as parameters of their Via.
    pub feedback: String,
    emergency: Vec<Box<[u8]>>,
    /// Parts of User-Agent values in lower case.
    agents: Vec<Box<[u8]>>,
}

impl Engine {
    /// Shed new work: of a hundred new requests about `level`, more of the optional and fewer of what has begun.
    /// `sequence` rises with each change (RFC 7339 section 4.4 `oc-seq`).
    pub fn shed(&mut self, level: u8, sequence: f64) {
        let treatment = &mut self.treatment;
        treatment.level = level.min(100);
        treatment.feedback.clear();
        // RFC 7339 section 4.3: a validity of zero says that the server is not in overload.
        let validity = if level == 0 { 0 } else { 500 };
        // Writing to a String cannot fail.
        let _ = write!(
            treatment.feedback,
            ";oc={};oc-algo=\"loss\";oc-validity={validity};oc-seq={sequence:.3}",
            treatment.level
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

    /// Whether a new request was turned away: then nothing of it is kept. `hash` is that of its transaction: each copy
    /// of one request meets the same fate, or a client that has its 503 already could still start a call.
    pub(super) fn turned_away(
        &mut self,
        hash: u64,
        message: &Message,
        transport: u64,
        source: SocketAddr,
        now: f64,
    ) -> bool {
        let method = message.method();
        if !message.to_tag().is_empty() && method != b"REGISTER" {
            return false;
        }
        if self.is_scanner(message) && !self.sources.is_exempt(source.ip(), now) {
            self.stats.banned += 1;
            let agent = message.line(HeaderName::UserAgent).unwrap_or_default();
            let detail = String::from_utf8_lossy(&agent[..agent.len().min(80)]).into_owned();
            self.suspect("agent", detail, transport, source, now);
            return true;
        }
        let kind = match method {
            b"INVITE" => Kind::Invite,
            b"REGISTER" => Kind::Register,
            _ => Kind::Other,
        };
        let class = self.class(message, source, now);
        if class != Class::Emergency && !self.sources.may(source.ip(), kind, now) {
            self.stats.limited += 1;
            let method = String::from_utf8_lossy(&method[..method.len().min(20)]).into_owned();
            self.suspect("flood", method, transport, source, now);
            self.send_later(message, transport, source);
            return true;
        }
        let level = u64::from(self.treatment.level);
        if level > 0 && hash % 100 < share(class, level) {
            self.stats.shed += 1;
            self.send_later(message, transport, source);
            return true;
        }
        false
    }

    /// 503 with a Retry-After that spreads the second tries, the more the worse it is.
    pub(super) fn send_later(&mut self, message: &Message, transport: u64, source: SocketAddr) {
        let spread = 9 + u64::from(self.treatment.level) / 5;
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
            b"INVITE" if self.is_emergency(message.uri()) => Class::Emergency,
            b"REGISTER" if self.sources.is_known(source.ip(), now) => Class::Begun,
            b"INVITE" | b"REGISTER" => {
                let proves = message.line(HeaderName::Authorization).is_some()
                    || message.line(HeaderName::ProxyAuthorization).is_some();
                if proves { Class::Begun } else { Class::New }
            }
            _ => Class::Optional,
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

/// Of a hundred requests of a class, how many are shed at a level.
fn share(class: Class, level: u64) -> u64 {
    match class {
        Class::Emergency => 0,
        Class::Begun => 2 * level.saturating_sub(50),
        Class::New => level,
        Class::Optional => (2 * level).min(100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_begun_is_shed_last_and_what_nobody_waits_for_first() {
        for level in 1..=100 {
            let shares = [Class::Emergency, Class::Begun, Class::New, Class::Optional]
                .map(|class| share(class, level));
            assert!(shares.is_sorted(), "{level}: {shares:?}");
            assert_eq!(shares[0], 0);
        }
        assert_eq!(share(Class::New, 100), 100);
    }
}
