#![no_main]
//! Whatever bytes come, opening answers, and what was protected opens again.

use libfuzzer_sys::fuzz_target;
use srtp::{Inbound, MasterKey, Outbound, Suite};

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    let suite = Suite::ALL[usize::from(*choice) % Suite::ALL.len()];
    let mki: &[u8] = if choice & 0x80 == 0 { b"" } else { b"\0\x01" };
    let master = MasterKey::new(suite, &vec![*choice; suite.master_bytes()]).expect("as long as the suite says");
    let mut inbound = Inbound::new(&master, mki);
    // Packets one after another, each as long as its first byte says, so that windows and sources come into play.
    let mut rest = data;
    while let Some((length, tail)) = rest.split_first() {
        let (packet, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        let _ = inbound.open_rtp(&mut packet.to_vec());
        let _ = inbound.open_rtcp(&mut packet.to_vec());
        let mut outbound = Outbound::new(&master);
        let mut sealed = packet.to_vec();
        if outbound.protect_rtp(&mut sealed).is_ok() {
            let length = Inbound::new(&master, b"").open_rtp(&mut sealed).expect("ours");
            assert_eq!(sealed[..length], *packet);
        }
        let mut sealed = packet.to_vec();
        if outbound.protect_rtcp(&mut sealed).is_ok() {
            let length = Inbound::new(&master, b"").open_rtcp(&mut sealed).expect("ours");
            assert_eq!(sealed[..length], *packet);
        }
    }
});
