//! The party of a leg: what was agreed with it, and where it is.

use std::net::SocketAddr;

use crate::command::Connection;
use crate::latch::Latch;
use crate::outlet::Outlet;

pub struct Party<C = Connection> {
    pub connection: C,
    pub latch: Latch,
    /// Where RTCP comes from, where that is not where it was said to.
    pub rtcp_source: Option<SocketAddr>,
}

/// Where a party receives what it is sent.
pub trait Described {
    fn rtp(&self) -> SocketAddr;
    fn rtcp(&self) -> SocketAddr;
    fn rtcp_mux(&self) -> bool;
    /// Whether anything but RTCP may go to it.
    fn sends(&self) -> bool;
}

impl Described for Connection {
    fn rtp(&self) -> SocketAddr {
        self.rtp
    }

    fn rtcp(&self) -> SocketAddr {
        self.rtcp
    }

    fn rtcp_mux(&self) -> bool {
        self.rtcp_mux
    }

    fn sends(&self) -> bool {
        self.send
    }
}

impl<C: Described> Party<C> {
    pub fn new(connection: C) -> Self {
        Self {
            latch: Latch::new(connection.rtp()),
            connection,
            rtcp_source: None,
        }
    }

    /// After a new agreement.
    pub fn reconnected(mut self, connection: C) -> Self {
        self.latch.rearm(connection.rtp());
        if self.connection.rtcp() != connection.rtcp() {
            self.rtcp_source = None;
        }
        self.connection = connection;
        self
    }

    /// Tell everyone who sends to the party where it is.
    pub fn publish(&self, outlet: &Outlet) {
        // RFC 3264 section 5.1: a held stream sends no RTP; RTCP goes on.
        let rtp = self
            .connection
            .sends()
            .then(|| self.latch.destination())
            .filter(reachable);
        let (rtcp, mux) = if self.connection.rtcp_mux() {
            (self.latch.destination(), true)
        } else {
            (self.rtcp_source.unwrap_or(self.connection.rtcp()), false)
        };
        outlet.set(rtp, Some(rtcp).filter(reachable), mux);
    }

    /// Whether RTCP that came is the party's.
    pub fn is_its_rtcp(
        &mut self,
        source: SocketAddr,
        on_rtcp_socket: bool,
        outlet: &Outlet,
    ) -> bool {
        if !on_rtcp_socket {
            return self.connection.rtcp_mux() && self.latch.source() == Some(source);
        }
        // Whoever is the party's RTP source may send RTCP from any port of the same host; nobody else may.
        let host = self.latch.source().unwrap_or(self.connection.rtcp()).ip();
        if source.ip() != host && source != self.connection.rtcp() {
            return false;
        }
        if self.rtcp_source != Some(source) {
            self.rtcp_source = Some(source);
            self.publish(outlet);
        }
        true
    }
}

/// Port 0 refuses a stream, and the unspecified address was RFC 2543's hold: nothing goes there.
fn reachable(address: &SocketAddr) -> bool {
    address.port() != 0 && !address.ip().is_unspecified()
}
