//! Bytes that arrive: cut into messages, read, and passed on or refused.

use std::net::SocketAddr;
use std::sync::Arc;

use sip_message::framer::Frame;
use sip_message::{HeaderName, Malformed, Message};

use crate::engine::{Engine, Refusal};
use crate::event::{Event, Transmit};
use crate::sources::Kind;
use crate::stun;

impl Engine {
    /// One datagram or WebSocket message, or any piece of a stream. Refused only when the transport is unknown.
    pub fn receive(
        &mut self,
        data: &[u8],
        transport: u64,
        source: SocketAddr,
        now: f64,
    ) -> Result<(), Refusal> {
        let Some(open) = self.transports.get(&transport) else {
            return Err(Refusal("no such transport".into()));
        };
        let reliable = open.kind.is_reliable();
        if self.sources.is_banned(source.ip(), now) {
            self.stats.banned += 1;
            if reliable {
                let reason = "its source is banned".into();
                self.note(Event::Rejected {
                    reason,
                    status: None,
                    transport,
                    source,
                    close: true,
                });
            }
            return Ok(());
        }
        let Some(open) = self.transports.get_mut(&transport) else {
            return Ok(());
        };
        if open.kind.keeps_messages_apart() {
            self.guard(|engine| engine.whole(data, transport, source, now));
            return Ok(());
        }
        open.framer.push(data);
        while let Some(Some(frame)) = self.guard(|engine| engine.next_frame(transport)) {
            self.guard(|engine| match frame {
                Frame::Message(bytes) => engine.message(&bytes, transport, source, now),
                Frame::Ping => engine.pong(transport, source),
                Frame::Broken(malformed) => engine.reject(malformed, transport, source, true),
            });
        }
        Ok(())
    }

    fn next_frame(&mut self, transport: u64) -> Option<Frame> {
        self.transports.get_mut(&transport)?.framer.next_frame()
    }

    fn whole(&mut self, data: &[u8], transport: u64, source: SocketAddr, now: f64) {
        // Phones keep their NAT's binding open with line breaks, with zeros, or with nothing at all.
        if data.len() <= 16
            && data
                .iter()
                .all(|&byte| matches!(byte, b'\r' | b'\n' | 0 | b' '))
        {
            if data.starts_with(b"\r\n\r\n") {
                self.pong(transport, source);
            }
            return;
        }
        if stun::is_stun(data) {
            // RFC 5626 section 3.5.2: keep-alives share the port of the SIP they keep alive.
            if let Some(answer) = stun::answer(data, source) {
                self.reply(transport, source, &answer);
            }
            return;
        }
        self.message(data, transport, source, now);
    }

    /// RFC 5626 section 3.5.1: two CRLFs are a keep-alive, answered by one.
    fn pong(&mut self, transport: u64, source: SocketAddr) {
        self.reply(transport, source, b"\r\n");
    }

    fn reply(&mut self, transport: u64, destination: SocketAddr, data: &[u8]) {
        self.send(Transmit {
            transport,
            destination,
            data: Arc::from(data),
            transaction: 0,
        });
    }

    fn message(&mut self, bytes: &[u8], transport: u64, source: SocketAddr, now: f64) {
        self.stats.received += 1;
        if !self.sources.may(source.ip(), Kind::Message, now) {
            self.stats.limited += 1;
            self.suspect("flood", String::new(), transport, source, now);
            return;
        }
        match Message::parse(bytes) {
            Ok(message) if message.is_request() => {
                self.incoming_request(Arc::new(message), transport, source, now);
            }
            Ok(message) => self.response(Arc::new(message), source, now),
            Err(malformed) => self.reject(malformed, transport, source, false),
        }
    }

    /// Answer what can be answered: a request, but no ACK, that says where it came from and which one it is.
    fn reject(&mut self, malformed: Malformed, transport: u64, source: SocketAddr, close: bool) {
        self.stats.rejected += 1;
        let Malformed {
            status,
            reason,
            message,
        } = malformed;
        let answerable = message.filter(|message| {
            message.is_request()
                && message.method() != b"ACK"
                && message.line(HeaderName::Via).is_some()
                && message.line(HeaderName::CSeq).is_some()
        });
        let status = answerable.map(|message| {
            let phrase = if status == 400 {
                format!("Bad Request ({reason})")
            } else {
                reason.to_string()
            };
            self.answer(&message, transport, source, status, Some(&phrase), &[]);
            status
        });
        self.note(Event::Rejected {
            reason,
            status,
            transport,
            source,
            close,
        });
    }
}
