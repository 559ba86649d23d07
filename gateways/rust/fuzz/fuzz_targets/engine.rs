//! A live engine between a transaction user that answers at random and a network that sends anything.
//!
//! Each step of the input is a byte that says what happens, and the bytes it happens with.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use sip_transaction::{Config, Engine, Event, Kind};

const UDP: u64 = 1;
const TCP: u64 = 2;
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9)), 5060);
const STATUSES: [u16; 8] = [100, 180, 183, 200, 302, 404, 487, 603];

fuzz_target!(|data: &[u8]| {
    let mut engine = Engine::new(Config::new(7));
    engine.open_transport(UDP, Kind::Udp, "192.0.2.1:5060");
    engine.open_transport(TCP, Kind::Tcp, "192.0.2.1:5060");
    let (mut rest, mut now, mut open, mut sent) = (data, 0.0, Vec::new(), Vec::new());
    while let [step, length_high, length_low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*length_high, *length_low])).min(tail.len());
        let (bytes, after) = tail.split_at(length);
        rest = after;
        match step % 8 {
            0..=2 => drop(engine.receive(bytes, UDP, PEER, now)),
            3 => drop(engine.receive(bytes, TCP, PEER, now)),
            4 => {
                let status = STATUSES[usize::from(step / 8) % STATUSES.len()];
                if let Some(transaction) = open.last() {
                    drop(engine.respond(
                        *transaction,
                        status,
                        None,
                        Some("t"),
                        &[("Contact", "<sip:us@192.0.2.1>")],
                        bytes,
                        now,
                    ));
                }
            }
            5 => {
                let headers = [
                    ("From", "<sip:us@h>;tag=1"),
                    ("To", "<sip:you@h>"),
                    ("Call-ID", "c"),
                    ("CSeq", "1 INVITE"),
                ];
                if let Ok(number) =
                    engine.request(UDP, PEER, "INVITE", "sip:you@h", &headers, b"", now)
                {
                    sent.push(number);
                }
            }
            6 => {
                if let Some(number) = sent.last() {
                    drop(engine.cancel(*number, &[], now));
                }
            }
            _ => {
                now += f64::from(*step);
                engine.timeout(now);
            }
        }
        for event in engine.take_events() {
            if let Event::Request { transaction, .. } = event {
                open.push(transaction);
            }
        }
        // What the engine sends comes back to it: the hardest peer is its own echo.
        for transmit in engine.take_all_transmits() {
            if step & 0x80 != 0 {
                drop(engine.receive(&transmit.data, UDP, PEER, now));
            }
        }
    }
    for transaction in open {
        drop(engine.respond(transaction, 500, None, None, &[], b"", now));
    }
    // An INVITE that was answered provisionally rings until its caller gives up (RFC 3261 section 17.1.1.2).
    for transaction in sent {
        drop(engine.cancel(transaction, &[], now));
    }
    // Whatever happened, nothing is left when all timers have run.
    while let Some(deadline) = engine.deadline() {
        now = deadline.max(now);
        engine.timeout(now);
        engine.take_all_transmits();
        for event in engine.take_events() {
            if let Event::Request { transaction, .. } = event {
                drop(engine.respond(transaction, 500, None, None, &[], b"", now));
            }
        }
    }
    let stats = engine.stats();
    assert_eq!(stats.panics, 0, "a panic was caught inside the engine");
    assert_eq!(stats.client_transactions, 0);
});
