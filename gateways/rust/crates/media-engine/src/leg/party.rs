//! The party of a leg: what was agreed with it, and where it is.

use std::net::SocketAddr;

use crate::command::Connection;
use crate::latch::Latch;
use crate::outlet::Outlet;

pub struct Party {
    pub connection: Connection,
    pub latch: Latch,
    /// Where RTCP comes from, where that is not where it was said to.
    pub rtcp_source: Option<SocketAddr>,
}

impl Party {
    pub fn new(connection: Connection) -> Self {
        Self {
            latch: Latch::new(connection.rtp),
            connection,
            rtcp_source: None,
        }
    }

    /// After a new agreement.
    pub fn reconnected(mut self, connection: Connection) -> Self {
        self.latch.rearm(connection.rtp);
        if self.connection.rtcp != connection.rtcp {
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
            .send
            .then(|| self.latch.destination())
            .filter(reachable);
        let (rtcp, mux) = if self.connection.rtcp_mux {
            (self.latch.destination(), true)
        } else {
            (self.rtcp_source.unwrap_or(self.connection.rtcp), false)
        };
        outlet.set(rtp, Some(rtcp).filter(reachable), mux);
    }
}

/// Port 0 refuses a stream, and the unspecified address was RFC 2543's hold: nothing goes there.
fn reachable(address: &SocketAddr) -> bool {
    address.port() != 0 && !address.ip().is_unspecified()
}
