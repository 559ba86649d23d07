//! What protecting and opening a packet of 20 ms of G.711 costs, in nanoseconds: `cargo run --release -p srtp --example cost`.

use std::time::Instant;

use srtp::{Inbound, MasterKey, Outbound, Suite};

const PACKETS: u32 = 200_000;

fn main() {
    println!("{:<26} {:>12} {:>12}", "suite", "protect, ns", "open, ns");
    for suite in Suite::ALL {
        let master = MasterKey::new(suite, &vec![7; suite.master_bytes()])
            .expect("as long as the suite says");
        let best = (0..5)
            .map(|_| run(&master))
            .reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)));
        let (protect, open) = best.expect("five runs");
        println!("{:<26} {protect:>12.0} {open:>12.0}", suite.name());
    }
}

/// Nanoseconds a packet.
fn run(master: &MasterKey) -> (f64, f64) {
    let (mut outbound, mut inbound) = (Outbound::new(master), Inbound::new(master, b""));
    let (mut protecting, mut opening) = (0.0, 0.0);
    let mut packets: Vec<Vec<u8>> = (0..100).map(|_| Vec::with_capacity(200)).collect();
    for round in 0..PACKETS / 100 {
        for (n, packet) in packets.iter_mut().enumerate() {
            packet.clear();
            packet.extend_from_slice(&[0x80, 0]);
            packet.extend_from_slice(&((round * 100 + n as u32) as u16).to_be_bytes());
            packet.resize(172, 0x55);
        }
        let start = Instant::now();
        for packet in &mut packets {
            outbound.protect_rtp(packet).expect("in order");
        }
        protecting += start.elapsed().as_secs_f64();
        let start = Instant::now();
        for packet in &mut packets {
            inbound.open_rtp(packet).expect("ours");
        }
        opening += start.elapsed().as_secs_f64();
    }
    let scale = 1e9 / f64::from(PACKETS);
    (protecting * scale, opening * scale)
}
