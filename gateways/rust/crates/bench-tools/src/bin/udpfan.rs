//! One UDP datagram in, many out, in batches: what nothing on this machine that shows pictures to many can be cheaper than.
//!
//! `udpfan HOST` prints the port it was given. Each datagram without a payload behind an RTP header is of one more receiver,
//! at its source; every other goes to all receivers, as it is, until the process is killed.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use udp_batch::{BATCH, ReceiveBatch, bind, send_batch};

const HEADER: usize = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let host: IpAddr = std::env::args().nth(1).ok_or("which HOST?")?.parse()?;
    let socket = bind(SocketAddr::new(host, 0), 16 << 20)?;
    println!("{}", socket.local_addr()?.port());
    let mut batch = ReceiveBatch::new(2048);
    let mut receivers: Vec<SocketAddr> = Vec::new();
    loop {
        let count = batch.receive(socket.as_fd(), BATCH)?;
        for datagram in batch.iter() {
            if datagram.data.len() <= HEADER {
                receivers.push(datagram.source);
                continue;
            }
            for some in receivers.chunks(BATCH) {
                let datagrams: Vec<(SocketAddr, &[u8])> =
                    some.iter().map(|to| (*to, datagram.data)).collect();
                send_batch(socket.as_fd(), &datagrams);
            }
        }
        if count < BATCH {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
