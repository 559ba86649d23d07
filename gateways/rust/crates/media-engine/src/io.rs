//! What a worker asks of its kind of I/O.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// What is done with what arrives.
pub trait Hearer {
    /// The wait is over: look at the clock.
    fn woken(&mut self);

    /// A datagram came in on a socket. What is to be sent because of it goes to the outbox.
    fn datagram(&mut self, socket: u32, source: SocketAddr, data: &[u8], outbox: &mut impl Outbox);
}

/// Where datagrams go out. None waits: what a full socket refuses is lost, as late sound is worth nothing.
pub trait Outbox {
    /// Send now or at the next `flush`.
    fn send(&mut self, socket: u32, destination: SocketAddr, data: &[u8]);
}

/// One thread's sockets and its bell.
pub trait Io: Outbox {
    /// Wait for datagrams or the bell, at most `timeout` (None: without end), but gather for `rest` before looking
    /// again where there is time for it. Gives how many datagrams came.
    fn wait(
        &mut self,
        timeout: Option<Duration>,
        rest: Duration,
        hearer: &mut impl Hearer,
    ) -> io::Result<usize>;

    /// Send what is held back.
    fn flush(&mut self) -> io::Result<()>;
}
