//! What SIP costs in this crate, in nanoseconds: `cargo run --release -p sip-transaction --example cost`.
//!
//! Every figure is the best of several rounds, so that other work on the machine counts least.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Instant;

use sip_transaction::{Config, Engine, Event, Kind, Message};

const INVITE: &str = "INVITE sip:1002@192.0.2.2:5060 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK-524287-1---abcdef0123456789;rport\r\n\
    Max-Forwards: 70\r\n\
    Contact: <sip:1001@192.0.2.1:5062;transport=UDP>\r\n\
    To: <sip:1002@192.0.2.2>\r\n\
    From: \"Alice\" <sip:1001@192.0.2.2>;tag=8a7d3f21\r\n\
    Call-ID: 8nB3yW4kZ1c_3XtqQ2mPzA..\r\n\
    CSeq: 1 INVITE\r\n\
    Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE\r\n\
    Content-Type: application/sdp\r\n\
    Supported: replaces, norefersub, extended-refer, timer\r\n\
    User-Agent: A softphone 5.6.1\r\n\
    Allow-Events: presence, kpml, talk\r\n";

const SDP: &str = "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 49170 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n";

fn best(rounds: u32, repeats: u32, mut work: impl FnMut(u32)) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        (0..repeats).for_each(&mut work);
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(repeats));
    }
    best
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 5060))
}

fn engine(seed: u64, host: u8) -> Engine {
    let mut engine = Engine::new(Config::new(seed));
    engine.open_transport(1, Kind::Udp, &address(host).to_string());
    engine
}

/// Carry what waits from one engine to the other; gives how many datagrams that was.
fn carry(from: &mut Engine, to: &mut Engine, source: SocketAddr, now: f64) -> u32 {
    let mut count = 0;
    for transmit in from.take_transmits(1, 64) {
        to.receive(&transmit.data, 1, source, now)
            .expect("the transport is open");
        count += 1;
    }
    count
}

fn request_number(events: Vec<Event>) -> u64 {
    events
        .into_iter()
        .find_map(|event| match event {
            Event::Request { transaction, .. } => Some(transaction),
            _ => None,
        })
        .expect("a request")
}

/// INVITE, 180, 200, ACK, BYE, 200 between two engines: both sides' work. Gives the datagrams.
fn exchange(caller: &mut Engine, called: &mut Engine, call: u32, now: f64) -> u32 {
    let (a, b) = (address(1), address(2));
    let call_id = format!("{call}@192.0.2.1");
    let headers = |cseq: &'static str| {
        [
            ("From", "\"Alice\" <sip:1001@192.0.2.2>;tag=8a7d3f21"),
            ("To", "<sip:1002@192.0.2.2>"),
            ("Call-ID", call_id.as_str()),
            ("CSeq", cseq),
            ("Contact", "<sip:1001@192.0.2.1:5060>"),
            ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS"),
            ("Content-Type", "application/sdp"),
        ]
    };
    let answer = [
        ("Contact", "<sip:1002@192.0.2.2:5060>"),
        ("Content-Type", "application/sdp"),
    ];
    let uri = "sip:1002@192.0.2.2:5060";
    caller
        .request(
            1,
            b,
            "INVITE",
            uri,
            &headers("1 INVITE"),
            SDP.as_bytes(),
            now,
        )
        .expect("a good request");
    let mut datagrams = carry(caller, called, a, now);
    let invite = request_number(called.take_events());
    called
        .respond(invite, 180, None, None, &answer[..1], b"", now)
        .expect("a good response");
    datagrams += carry(called, caller, b, now);
    called
        .respond(invite, 200, None, None, &answer, SDP.as_bytes(), now)
        .expect("a good response");
    datagrams += carry(called, caller, b, now);
    black_box(caller.take_events());
    caller
        .request(1, b, "ACK", uri, &headers("1 ACK")[..5], b"", now)
        .expect("a good request");
    datagrams += carry(caller, called, a, now);
    black_box(called.take_events());
    caller
        .request(1, b, "BYE", uri, &headers("2 BYE")[..5], b"", now)
        .expect("a good request");
    datagrams += carry(caller, called, a, now);
    let bye = request_number(called.take_events());
    called
        .respond(bye, 200, None, None, &[], b"", now)
        .expect("a good response");
    datagrams += carry(called, caller, b, now);
    black_box(caller.take_events());
    datagrams
}

fn main() {
    let invite = format!("{INVITE}Content-Length: {}\r\n\r\n{SDP}", SDP.len());
    let parse = best(20, 20_000, |_| {
        black_box(Message::parse(black_box(invite.as_bytes())).expect("a good INVITE"));
    });
    println!(
        "INVITE of {} octets, read and indexed: {parse:.0} ns",
        invite.len()
    );

    // At a steady 2,000 calls a second of virtual time, so that the timers and the half minute of finished
    // transactions are part of the cost.
    let (mut caller, mut called) = (engine(1, 1), engine(2, 2));
    let (mut call, mut datagrams) = (0u32, 0);
    let mut one = |_| {
        call += 1;
        let now = f64::from(call) / 2_000.0;
        datagrams = exchange(&mut caller, &mut called, call, now);
        caller.timeout(now);
        called.timeout(now);
    };
    (0..80_000).for_each(&mut one);
    let both = best(10, 10_000, &mut one);
    println!(
        "INVITE, 180, 200, ACK, BYE, 200, client and server side: {both:.0} ns for {datagrams} datagrams"
    );
    println!("one B2BUA call has a server and a client leg: as much again as this, {both:.0} ns");
    let stats = called.stats();
    println!(
        "kept by the server side: {} transactions, {} timers",
        stats.server_transactions, stats.timers
    );
    let resident = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| {
            statm
                .split_whitespace()
                .nth(1)
                .and_then(|pages| pages.parse::<u64>().ok())
        });
    if let Some(pages) = resident {
        println!("resident: {} MB", pages * 4096 / 1_000_000);
    }
}
