//! Packets of one party, one after another: each is cut off by a length byte before it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rtp::event::{KeyTracker, TelephoneEvent};
use rtp::mux::classify;
use rtp::reception::Reception;
use rtp::{Header, Packet};

fuzz_target!(|data: &[u8]| {
    let (mut reception, mut keys, mut rest, mut now) =
        (Reception::default(), KeyTracker::default(), data, 0.0);
    while let Some((&length, tail)) = rest.split_first() {
        let (datagram, after) = tail.split_at(usize::from(length).min(tail.len()));
        rest = after;
        now += 0.02;
        let _ = classify(datagram);
        let Some(packet) = Packet::parse(datagram) else {
            continue;
        };
        assert!(packet.payload.len() + Header::LENGTH <= datagram.len());
        let mut printed = Vec::new();
        packet.header.print(&mut printed);
        assert_eq!(
            Packet::parse(&printed).map(|again| again.header),
            Some(packet.header)
        );
        reception.receive(&packet.header, Some((now * 8000.0) as u32));
        if let Some(event) = TelephoneEvent::parse(packet.payload) {
            let _ = keys.receive(event, packet.header.timestamp, now);
        }
        let _ = (
            reception.lost(),
            reception.jitter(),
            reception.interval(),
            keys.timeout(now),
        );
    }
});
