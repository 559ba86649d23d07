//! A plain UDP echo in batches: what no relay on this machine can be cheaper than.
//!
//! `udpfloor HOST` prints the port it was given and echoes until it is killed.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use udp_batch::{BATCH, ReceiveBatch, bind, send_batch};

fn main() -> Result<(), Box<dyn Error>> {
    let host: IpAddr = std::env::args().nth(1).ok_or("which HOST?")?.parse()?;
    let socket = bind(SocketAddr::new(host, 0), 16 << 20)?;
    println!("{}", socket.local_addr()?.port());
    let mut batch = ReceiveBatch::new(2048);
    loop {
        let count = batch.receive(socket.as_fd(), BATCH)?;
        let datagrams: Vec<(SocketAddr, &[u8])> =
            batch.iter().map(|d| (d.source, d.data)).collect();
        send_batch(socket.as_fd(), &datagrams);
        if count < BATCH {
            // What a relay does under load: gather for a while rather than wake for each packet.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
